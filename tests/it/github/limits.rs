//! Rate limits, and servers that fail for a moment.

use std::time::{Duration, Instant};

use aura_platform::domain::{Clock, SystemClock};
use aura_platform::tools::ToolError;
use serde_json::{Value, json};

use crate::support::github::{FakeGitHub, Reply, call, pull};

fn the_pull() -> Value {
    json!({"owner": "acme", "repo": "shop", "number": 12})
}

#[tokio::test]
async fn a_read_survives_a_server_that_fails_and_a_connection_that_breaks() {
    let github = FakeGitHub::answering(|_, number| match number {
        0 => Reply::refusal(502, "Bad Gateway"),
        1 => Reply::Cut,
        _ => Reply::json(pull(12)),
    })
    .await;
    assert!(github.call("github_get_pr", the_pull()).await.is_ok());
    assert_eq!(github.requests().len(), 3);
}

#[tokio::test]
async fn a_server_that_stays_broken_is_given_up() {
    let github = FakeGitHub::always(|| Reply::refusal(503, "Unicorn!")).await;
    let error = github.call("github_get_pr", the_pull()).await.unwrap_err();
    let expected =
        "GitHub answered 503 Service Unavailable about pull request acme/shop#12: Unicorn!";
    assert_eq!(error, ToolError::Failed(expected.into()));
    assert_eq!(github.requests().len(), 3);
}

#[tokio::test]
async fn a_server_that_is_not_there_is_told() {
    let mut config = FakeGitHub::always(|| Reply::Cut).await.config();
    // Nobody listens on port 1.
    config.api = "http://127.0.0.1:1".parse().unwrap();
    for tool in ["github_get_pr", "github_merge_pr"] {
        let error = call(config.clone(), tool, the_pull()).await.unwrap_err();
        let is_clear =
            matches!(&error, ToolError::Failed(text) if text.contains("cannot be reached"));
        assert!(is_clear, "{error:?}");
    }
}

#[tokio::test]
async fn a_secondary_limit_is_waited_for_if_there_is_time() {
    let github = FakeGitHub::answering(|_, number| match number {
        0 => {
            Reply::refusal(403, "You have exceeded a secondary rate limit").header("retry-after", 1)
        }
        _ => Reply::json(pull(12)),
    })
    .await;
    let began = Instant::now();
    assert!(github.call("github_get_pr", the_pull()).await.is_ok());
    assert!(began.elapsed() >= Duration::from_secs(1), "{:?}", began.elapsed());
    assert_eq!(github.requests().len(), 2);
}

#[tokio::test]
async fn a_primary_limit_is_waited_for_if_there_is_time() {
    let github = FakeGitHub::answering(|_, number| match number {
        0 => Reply::refusal(429, "API rate limit exceeded")
            .header("x-ratelimit-remaining", 0)
            .header("x-ratelimit-reset", SystemClock.now().second().get() + 1),
        _ => Reply::json(pull(12)),
    })
    .await;
    assert!(github.call("github_get_pr", the_pull()).await.is_ok());
    assert_eq!(github.requests().len(), 2);
}

#[tokio::test]
async fn a_limit_that_lasts_longer_than_the_call_is_told_with_its_end() {
    let github = FakeGitHub::always(|| {
        Reply::refusal(403, "API rate limit exceeded for user")
            .header("x-ratelimit-remaining", 0)
            .header("x-ratelimit-reset", 4_102_444_800_u64)
    })
    .await;
    let error = github.call("github_get_pr", the_pull()).await.unwrap_err();
    let ToolError::Busy(text) = &error else { panic!("{error:?}") };
    assert!(text.contains("until 2100-01-01T00:00:00Z, in "), "{text}");
    assert!(text.contains("API rate limit exceeded for user"), "{text}");
    assert_eq!(github.requests().len(), 1);
}

#[tokio::test]
async fn a_limit_without_a_wait_does_not_make_a_busy_loop() {
    let github = FakeGitHub::always(|| Reply::refusal(429, "").header("retry-after", 0)).await;
    let mut config = github.config();
    config.timeout = Duration::from_secs(2);
    let error = call(config, "github_get_pr", the_pull()).await.unwrap_err();
    let is_clear = matches!(error, ToolError::Busy(_) | ToolError::TimedOut { .. });
    assert!(is_clear, "{error:?}");
    let requests = github.requests().len();
    assert!((2..20).contains(&requests), "{requests}");
}

#[tokio::test]
async fn what_changes_something_is_not_repeated_after_a_limit_either() {
    let github = FakeGitHub::always(|| Reply::refusal(429, "slow").header("retry-after", 1)).await;
    let error = github.call("github_merge_pr", the_pull()).await.unwrap_err();
    assert!(matches!(&error, ToolError::Busy(text) if text.contains("in 1 s: slow")), "{error:?}");
    assert_eq!(github.requests().len(), 1);
}

//! What is approved is what runs, to the commit (contract, section 5.3, 11), and nobody is asked about
//! what cannot work.

use std::path::Path;

use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::resume::request_of;
use crate::support::app::{Options, Server};
use crate::support::git::git;
use crate::support::model::{FakeModel, Reply};
use crate::support::stream::{Frame, SseStream};

const HEAD: [&str; 2] = ["rev-parse", "main"];

/// A model that wants this merge, and then tells what it has read of it.
async fn merger(arguments: Value) -> FakeModel {
    FakeModel::answering(move |body| {
        let last = body["messages"].as_array().unwrap().last().unwrap();
        match last["role"] == "tool" {
            false => Reply::tool_call("git_merge", &arguments),
            true => Reply::text([last["content"].as_str().unwrap()]),
        }
    })
    .await
}

async fn server(arguments: Value) -> (Server, FakeModel) {
    let model = merger(arguments).await;
    (Server::start(Options::default().model(&model)).await, model)
}

/// A commit on a branch, made beside whatever is checked out.
fn push(repository: &Path, branch: &str, file: &str) -> String {
    let tree = git(repository, &["rev-parse", &format!("{branch}^{{tree}}")]);
    let blob = git(repository, &["hash-object", "-w", "README.md"]);
    let listing = format!(
        "{}\n100644 blob {}\t{file}\n",
        git(repository, &["ls-tree", tree.trim()]).trim_end(),
        blob.trim()
    );
    let path = repository.join(".git/listing");
    std::fs::write(&path, listing).unwrap();
    let script = "git mktree < .git/listing";
    let made =
        std::process::Command::new("sh").arg("-c").arg(script).current_dir(repository).output();
    let tree = String::from_utf8(made.unwrap().stdout).unwrap();
    let commit = git(repository, &["commit-tree", "-p", branch, "-m", "later", tree.trim()]);
    git(repository, &["update-ref", &format!("refs/heads/{branch}"), commit.trim()]);
    commit.trim().to_owned()
}

fn last_run(stream: &SseStream) -> Frame {
    (*stream.all("tool_execution").last().unwrap()).clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_commits_that_were_shown_are_merged_or_nothing_is() {
    for moves in ["feature", "main"] {
        let (server, _model) = server(json!({"source": "feature", "target": "main"})).await;
        let user = server.user();
        let mut stream = user.stream("병합해줘").await;
        let hitl = stream.until("hitl").await;
        let before = git(server.workspace(), &HEAD);
        assert_eq!(hitl.data["context"]["target_commit"], before.trim());
        let later = push(server.workspace(), moves, "later.txt");
        assert_eq!(user.approve(request_of(&hitl)).await.status, StatusCode::OK);
        stream.to_done().await;

        let run = last_run(&stream);
        assert_eq!(run.data["status"], "failed", "{moves}");
        let error = run.data["error"].as_str().unwrap();
        assert!(error.contains(&format!("{moves} has moved from")), "{error}");
        assert!(error.contains(&later), "{error}");
        assert!(stream.answer().contains("has moved"), "the model is told: {}", stream.answer());
        let now = git(server.workspace(), &HEAD);
        assert_eq!(now.trim(), if moves == "main" { &*later } else { before.trim() }, "{moves}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_question_shows_what_comes_in() {
    let (server, _model) = server(json!({"source": "feature", "target": "main"})).await;
    let user = server.user();
    let mut stream = user.stream("병합해줘").await;
    let hitl = stream.until("hitl").await;
    let preview = &hitl.data["preview"];
    assert_eq!(
        (&preview["type"], &preview["title"]),
        (&json!("text"), &json!("feature → main (sample)"))
    );
    let content = preview["content"].as_str().unwrap();
    let subjects = git(server.workspace(), &["log", "--format=%s", "main..feature"]);
    assert!(
        subjects.lines().count() > 0 && subjects.lines().all(|line| content.contains(line)),
        "{content}"
    );
    for part in ["충돌 없이 병합됩니다", "커밋 ", "파일 "] {
        assert!(content.contains(part), "{part}: {content}");
    }
    let stored = user.get(&format!("/aura/hitl/requests/{}", request_of(&hitl))).await;
    let stored: Value = serde_json::from_str(stored.data().as_str().unwrap()).unwrap();
    assert_eq!(stored["preview"], *preview);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_is_asked_about_a_merge_that_cannot_work() {
    let gone = "0".repeat(40);
    let cases = [
        (json!({"source": "feature", "target": "gone"}), "there is no branch"),
        (json!({"source": "conflict", "target": "main"}), "conflict in"),
        (
            json!({"source": "feature", "target": "main", "source_commit": gone}),
            "has moved from 0000",
        ),
        (json!({"source": "main", "target": "feature", "repository": "other"}), "other"),
    ];
    for (arguments, why) in cases {
        let (server, _model) = server(arguments.clone()).await;
        let before = git(server.workspace(), &HEAD);
        let mut stream = server.user().stream("병합해줘").await;
        stream.to_done().await;
        assert!(stream.all("hitl").is_empty(), "{arguments}: {:#?}", stream.summary());
        assert_eq!(last_run(&stream).data["status"], "failed");
        assert!(stream.answer().contains(why), "{arguments}: {}", stream.answer());
        assert_eq!(git(server.workspace(), &HEAD), before);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_edit_is_pinned_like_what_was_asked_and_to_what_the_person_saw() {
    let (server, _model) = server(json!({"source": "feature", "target": "main"})).await;
    let user = server.user();
    let mut stream = user.stream("병합해줘").await;
    let hitl = stream.until("hitl").await;
    push(server.workspace(), "feature", "later.txt");
    let path = format!("/aura/hitl/approve/{}", request_of(&hitl));
    let edit = |message: &str| json!({"args": {"source": "feature", "target": "main", "message": message}});
    // The branch was shown at another commit.
    let moved = user.post(&path, edit("다른 말")).await;
    assert_eq!(moved.status, StatusCode::BAD_REQUEST, "{moved:?}");
    assert!(moved.body.to_string().contains("has moved"), "{moved:?}");
    // Another branch is looked into like the first.
    let nowhere = json!({"args": {"source": "gone", "target": "main"}});
    let nowhere = user.post(&path, nowhere).await;
    assert_eq!(nowhere.status, StatusCode::BAD_REQUEST, "{nowhere:?}");
    user.reject(request_of(&hitl), "아니요").await;
    stream.to_done().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_merge_of_much_is_asked_about_and_counted_to_its_end() {
    let (server, _model) = server(json!({"source": "feature", "target": "main"})).await;
    let repository = server.workspace();
    std::fs::write(repository.join("README.md"), "line\n".repeat(2 * 1024 * 1024)).unwrap();
    for number in 0..25 {
        push(repository, "feature", &format!("later-{number}.txt"));
    }
    git(repository, &["checkout", "--", "README.md"]);
    let user = server.user();
    let mut stream = user.stream("병합해줘").await;
    let hitl = stream.until("hitl").await;
    let content = hitl.data["preview"]["content"].as_str().unwrap();
    let commits = git(repository, &["rev-list", "--count", "main..feature"]);
    let commits: usize = commits.trim().parse().unwrap();
    assert!(content.contains(&format!("커밋 {commits}개")), "{content}");
    assert!(content.contains(&format!("… 외 {}개", commits - 20)), "{content}");
    assert!(content.contains("later-24.txt (바이너리)"), "10 MiB are not compared: {content}");
    assert_eq!(user.approve(request_of(&hitl)).await.status, StatusCode::OK);
    stream.to_done().await;
    assert_eq!(last_run(&stream).data["status"], "success");
}

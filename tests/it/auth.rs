//! Who may call (contract, section 2): every route is closed unless the table says otherwise.

use aura_platform::domain::{Clock, SystemClock};
use aura_platform::http::{Access, routes};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use reqwest::header::WWW_AUTHENTICATE;
use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};

use crate::support::app::{Options, SECRET, Server, answer, eventually, token};
use crate::support::raw::{Raw, head};

const METHODS: [&str; 7] = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"];
const SESSIONS: &str = "/aura/sessions";

fn method(name: &str) -> Method {
    Method::from_bytes(name.as_bytes()).unwrap()
}

/// A token that says this, whatever it is.
pub(crate) fn signed(algorithm: Algorithm, secret: &str, claims: &Value) -> String {
    let key = EncodingKey::from_secret(secret.as_bytes());
    jsonwebtoken::encode(&Header::new(algorithm), claims, &key).unwrap()
}

fn claims() -> Value {
    json!({"sub": "user123", "tenant_id": "tenant1", "exp": SystemClock.now().second().get() + 600})
}

/// The usual claims with one of them changed, or taken away if it is `null`.
fn claiming(name: &str, value: Value) -> String {
    let mut claims = claims();
    if value.is_null() {
        claims.as_object_mut().unwrap().remove(name);
    } else {
        claims[name] = value;
    }
    signed(Algorithm::HS256, SECRET, &claims)
}

/// Sends a request whose answer is to be read as JSON; its status and code.
pub(crate) async fn refusal(request: RequestBuilder) -> (u16, String) {
    let response = request.header("Accept", "application/json").send().await.unwrap();
    let challenge = response.headers().get(WWW_AUTHENTICATE).cloned();
    let answer = answer(response).await;
    let is_challenged = challenge.is_some_and(|value| value == "Bearer");
    assert_eq!(is_challenged, answer.status == StatusCode::UNAUTHORIZED, "{answer:?}");
    assert_eq!(answer.body["status"], "ERROR");
    assert_eq!(answer.body["success"], false);
    assert!(answer.body["traceId"].is_string(), "{answer:?}");
    (answer.status.as_u16(), answer.body["errorCode"].as_str().unwrap().to_owned())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_token_every_guarded_route_is_closed_and_every_open_one_is_not() {
    let server = Server::embedded().await;
    let (mut open, mut guarded) = (0, 0);
    for route in routes() {
        let named = [("{sessionId}", "session_x"), ("{requestId}", "req_x"), ("{file}", "main.js")];
        let path = named
            .iter()
            .fold(route.path.to_owned(), |path, (name, value)| path.replace(name, value));
        let methods: Vec<&str> = route.methods().collect();
        for name in METHODS {
            let what = format!("{name} {path}");
            let response = server.anonymous(method(name), &path).send().await.unwrap();
            match route.access {
                Access::Guarded => {
                    assert_eq!(response.status(), StatusCode::UNAUTHORIZED, "{what}");
                    assert_eq!(response.headers()[WWW_AUTHENTICATE], "Bearer", "{what}");
                    guarded += 1;
                }
                Access::Open if methods.contains(&name) => {
                    assert_eq!(response.status(), StatusCode::OK, "{what}");
                    open += 1;
                }
                Access::Open => {
                    assert_ne!(response.status(), StatusCode::UNAUTHORIZED, "{what}");
                }
            }
        }
        if route.access == Access::Guarded {
            let request = server.anonymous(method(methods[0]), &path);
            assert_eq!(refusal(request).await, (401, "E2000".into()), "{path}");
        }
    }
    assert!(open >= 3 && guarded >= 9 * METHODS.len(), "{open} {guarded}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn unknown_paths_tell_nothing_to_those_without_a_token() {
    let server = Server::embedded().await;
    let paths =
        ["/x", "/aura", "/aura/test", "/aura/test/stream/", "/aura/sessions/a/b/c", "/console/a/b"];
    for path in paths {
        for name in ["GET", "POST", "DELETE"] {
            let request = server.anonymous(method(name), path);
            assert_eq!(refusal(request).await, (401, "E2000".into()), "{name} {path}");
        }
        let known = server.user().request(Method::GET, path);
        assert_eq!(refusal(known).await, (404, "E1004".into()), "{path}");
    }
}

/// What is wrong, the `Authorization` header, and the code of its refusal.
type Refused = (&'static str, Option<String>, &'static str);

/// Headers without a token of ours in them.
fn strange_headers() -> Vec<Refused> {
    let good = signed(Algorithm::HS256, SECRET, &claims());
    let (body, signature) = good.rsplit_once('.').unwrap();
    let other_start = if signature.starts_with('A') { 'B' } else { 'A' };
    // {"alg":"none","typ":"JWT"}, and the good token's claims.
    let claims = good.split('.').nth(1).unwrap();
    let unsigned = format!("eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.{claims}.");
    let bearer = |token: &str| Some(format!("Bearer {token}"));
    vec![
        ("none", None, "E2000"),
        ("blank", Some(String::new()), "E2000"),
        ("basic", Some("Basic dXNlcjpwYXNz".into()), "E2000"),
        ("the token alone", Some(good.clone()), "E2000"),
        ("another scheme", Some(format!("Bearers {good}")), "E2000"),
        ("no JWT", bearer("x"), "E2003"),
        ("cut", bearer(body), "E2003"),
        ("another signature", bearer(&format!("{body}.{other_start}{}", &signature[1..])), "E2003"),
        ("alg none", bearer(&unsigned), "E2003"),
    ]
}

/// Tokens that say the wrong thing, or were signed in the wrong way.
fn strange_tokens() -> Vec<Refused> {
    let now = SystemClock.now().second().get();
    let other_key = SECRET.replace('0', "x");
    let tokens = [
        ("alg HS384", signed(Algorithm::HS384, SECRET, &claims()), "E2003"),
        ("another key", signed(Algorithm::HS256, &other_key, &claims()), "E2003"),
        ("no sub", claiming("sub", Value::Null), "E2003"),
        ("no tenant", claiming("tenant_id", Value::Null), "E2003"),
        ("no exp", claiming("exp", Value::Null), "E2003"),
        ("exp as text", claiming("exp", json!("never")), "E2003"),
        ("not yet", claiming("nbf", json!(now + 300)), "E2003"),
        ("expired", claiming("exp", json!(now - 300)), "E2002"),
    ];
    tokens
        .into_iter()
        .map(|(what, token, code)| (what, Some(format!("Bearer {token}")), code))
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_is_wrong_with_a_token_has_its_status_and_code() {
    let server = Server::embedded().await;
    for (what, header, code) in strange_headers().into_iter().chain(strange_tokens()) {
        // The later checks would fail, too: the first that fails answers.
        let mut request = server.anonymous(Method::GET, SESSIONS);
        if let Some(header) = header {
            request = request.header("Authorization", header);
        }
        assert_eq!(refusal(request).await, (401, code.to_owned()), "{what}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_counts_while_the_clocks_may_disagree() {
    let server = Server::embedded().await;
    let now = SystemClock.now().second().get();
    let tolerated = [
        ("exp", json!(now - 5)),
        ("exp", json!(now as f64 + 600.5)),
        ("nbf", json!(now + 5)),
        ("iat", json!(now + 5)),
        ("email", json!("user@example.com")),
    ];
    for (claim, value) in tolerated {
        let request = server
            .anonymous(Method::GET, SESSIONS)
            .header("authorization", format!("bearer {}", claiming(claim, value.clone())))
            .header("x-tenant-id", "tenant1");
        let status = request.send().await.unwrap().status();
        assert_eq!(status, StatusCode::OK, "{claim} {value}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tenant_and_user_are_checked_in_the_order_of_the_table() {
    let server = Server::embedded().await;
    let request = |headers: &[(&str, &str)]| {
        let request =
            server.anonymous(Method::GET, SESSIONS).bearer_auth(token("tenant1", "user123"));
        headers.iter().fold(request, |request, (name, value)| request.header(*name, *value))
    };
    type Headers<'a> = &'a [(&'a str, &'a str)];
    let cases: [(Headers<'_>, u16, &str); 6] = [
        (&[], 400, "E2006"),
        (&[("X-Tenant-ID", " ")], 400, "E2006"),
        (&[("X-User-ID", "somebody")], 400, "E2006"),
        (&[("X-Tenant-ID", "tenant2")], 403, "E2007"),
        (&[("X-Tenant-ID", "tenant2"), ("X-User-ID", "somebody")], 403, "E2007"),
        (&[("X-Tenant-ID", "tenant1"), ("X-User-ID", "somebody")], 403, "E2001"),
    ];
    for (headers, status, code) in cases {
        assert_eq!(refusal(request(headers)).await, (status, code.to_owned()), "{headers:?}");
    }
    let named = [("X-Tenant-ID", "tenant1"), ("X-User-ID", "user123")];
    for headers in [&named[..1], &named] {
        assert_eq!(request(headers).send().await.unwrap().status(), StatusCode::OK, "{headers:?}");
    }
    // Who decides need not say who it is: the token does.
    for route in ["approve", "reject"] {
        let path = format!("/aura/hitl/{route}/req_000000000000");
        let decide = |headers: &[(&str, &str)]| {
            let request =
                server.anonymous(Method::POST, &path).bearer_auth(token("tenant1", "user123"));
            headers.iter().fold(request, |request, (name, value)| request.header(*name, *value))
        };
        assert_eq!(refusal(decide(&[])).await, (400, "E2006".into()));
        let other = [("X-Tenant-ID", "tenant1"), ("X-User-ID", "somebody")];
        assert_eq!(refusal(decide(&other)).await, (403, "E2001".into()));
        for headers in [&named[..1], &named] {
            assert_eq!(refusal(decide(headers)).await, (404, "E1004".into()));
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refusal_does_not_wait_for_the_body() {
    let server = Server::embedded().await;
    for expectation in ["", "Expect: 100-continue\r\n"] {
        let mut raw = Raw::connect(&server).await;
        raw.send(format!(
            "POST /aura/test/stream HTTP/1.1\r\nHost: localhost\r\n{expectation}\
             Content-Type: application/json\r\nContent-Length: 250000000\r\n\r\n"
        ))
        .await;
        let refused = raw.head().await;
        assert_eq!(refused.status(), 401, "{expectation:?}");
        assert_eq!(refused.one("connection"), Some("close"), "what is unread stays in the way");
    }
}

/// A server that closes a connection with unread data in it resets it, and the reset overtakes the
/// answer: the client saw "connection reset by peer" instead of the 401 (or the 413).
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refusal_reaches_a_client_that_sends_its_body_all_the_same() {
    let server = Server::embedded().await;
    let body = "x".repeat(200_000);
    for _ in 0..20 {
        let mut raw = Raw::connect(&server).await;
        raw.send(format!(
            "POST /aura/test/stream HTTP/1.1\r\nHost: localhost\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n",
            body.len()
        ))
        .await;
        raw.send(&body).await;
        assert_eq!(raw.head().await.status(), 401);
    }
    let body = "x".repeat(400_000);
    for _ in 0..20 {
        let mut raw = Raw::connect(&server).await;
        raw.send(head("POST /aura/test/stream", &[], Some(body.len())) + &body).await;
        assert_eq!(raw.head().await.status(), 413);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_correlation_id_is_echoed_or_made() {
    let server = Server::embedded().await;
    let id = |response: reqwest::Response| {
        response.headers()["x-correlation-id"].to_str().unwrap().to_owned()
    };
    let user = server.user();
    for path in ["/health", SESSIONS, "/nowhere"] {
        let sent = user.request(Method::GET, path).header("X-Correlation-ID", "corr-17");
        assert_eq!(id(sent.send().await.unwrap()), "corr-17", "{path}");
        let mut made = Vec::new();
        for _ in 0..2 {
            let response = server.anonymous(Method::GET, path).send().await.unwrap();
            made.push(uuid::Uuid::parse_str(&id(response)).unwrap());
        }
        assert_ne!(made[0], made[1]);
        let long = "x".repeat(10_000);
        let sent = user.request(Method::GET, path).header("X-Correlation-ID", &long);
        assert_eq!(id(sent.send().await.unwrap()), long);
    }
    let refused = server
        .anonymous(Method::GET, SESSIONS)
        .header("X-Correlation-ID", "corr-18")
        .header("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
    let answer = answer(refused.send().await.unwrap()).await;
    assert_eq!(answer.body["traceId"], "4bf92f3577b34da6a3ce929d0e0e4736");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn arrivals_are_logged_with_all_headers_and_never_with_the_token() {
    let options = Options::default().set("LOG_LEVEL", "trace").set("LOG_FORMAT", "json");
    let server = Server::start(options).await;
    let secret = token("tenant1", "user123");
    let response = server
        .anonymous(Method::GET, "/aura/sessions?limit=1")
        .bearer_auth(&secret)
        .header("X-Tenant-ID", "tenant1")
        .header("X-User-ID", "user123")
        .header("X-DWP-Source", "BATCH")
        .header("X-DWP-Caller-Type", "AGENT")
        .header("X-Agent-ID", "agent-7")
        .header("Last-Event-ID", "42")
        .header("X-Correlation-ID", "corr-17")
        .header("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    let broken = format!("{secret}x");
    let refused =
        server.anonymous(Method::GET, SESSIONS).bearer_auth(&broken).send().await.unwrap();
    assert_eq!(refused.status(), StatusCode::UNAUTHORIZED);
    eventually("the refusal is logged", || async { server.log().contains("request refused") })
        .await;

    let log = server.log();
    let arrival = log
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .find(|line| line["message"] == "request received" && line["correlation_id"] == "corr-17")
        .unwrap_or_else(|| panic!("no arrival in {log}"));
    let fields = [
        ("method", "GET"),
        ("path", "/aura/sessions"),
        ("tenant", "tenant1"),
        ("user", "user123"),
        ("source", "BATCH"),
        ("caller_type", "AGENT"),
        ("agent_id", "agent-7"),
        ("last_event_id", "42"),
        ("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"),
    ];
    for (field, value) in fields {
        assert_eq!(arrival[field], value, "{arrival}");
    }
    for part in secret.split('.').skip(1) {
        assert!(!log.contains(part), "the token is in the log");
    }
}

//! Who is asking, as the platform's own neighbours say it (contract, section 2).

use aura_platform::domain::{Clock, SystemClock};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use reqwest::header::HeaderValue;
use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};

use crate::auth::{refusal, signed};
use crate::support::app::{Options, SECRET, Server, token};
use crate::support::model::{FakeModel, Reply};

const SESSIONS: &str = "/aura/sessions";
const MAIL: &str = r#"{"to":["kim@example.com"],"subject":"보고","body":"끝"}"#;

fn in_ten_minutes() -> u64 {
    SystemClock.now().second().get() + 600
}

/// A token just as the platform's Auth Server signs it: no `typ`, no role.
fn of_the_platform(claims: &Value) -> String {
    let header = Header { typ: None, ..Header::new(Algorithm::HS256) };
    jsonwebtoken::encode(&header, claims, &EncodingKey::from_secret(SECRET.as_bytes())).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_tokens_of_the_platform_and_those_with_numbers_are_taken() {
    let server = Server::embedded().await;
    let (now, exp) = (SystemClock.now().second().get(), in_ten_minutes());
    for claims in [
        json!({"sub": "1", "tenant_id": "1", "iat": now, "exp": exp}),
        json!({"sub": 1, "tenant_id": 1, "iat": now, "exp": exp}),
        json!({"sub": "1", "tenant_id": 1, "exp": exp, "role": ["ADMIN"]}),
    ] {
        let token = of_the_platform(&claims);
        assert!(token.starts_with("eyJhbGciOiJIUzI1NiJ9."), "{token}");
        let request = |user: &str| {
            let request = server.anonymous(Method::GET, SESSIONS).bearer_auth(&token);
            request.header("X-Tenant-ID", "1").header("X-User-ID", user)
        };
        let response = request("1").send().await.unwrap();
        assert_eq!(response.status(), StatusCode::OK, "{claims}");
        assert_eq!(refusal(request("2")).await, (403, "E2001".into()), "{claims}");
    }
    for claims in [
        json!({"sub": "1", "tenantId": "1", "exp": exp}),
        json!({"sub": 1.0, "tenant_id": "1", "exp": exp}),
        json!({"sub": "1", "tenant_id": "1", "exp": exp * 1000}),
    ] {
        let request = server.anonymous(Method::GET, SESSIONS).header("X-Tenant-ID", "1");
        let request = request.bearer_auth(of_the_platform(&claims));
        assert_eq!(refusal(request).await, (401, "E2003".into()), "{claims}");
    }
}

/// What comes in twice may be read as the first by one and as the last by another.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_header_that_says_who_is_asking_is_there_once_and_is_text() {
    let server = Server::embedded().await;
    let good = format!("Bearer {}", token("tenant1", "user123"));
    let once: [(&str, &str); 3] =
        [("Authorization", &good), ("X-Tenant-ID", "tenant1"), ("X-User-ID", "user123")];
    let request = || {
        let request = server.anonymous(Method::GET, SESSIONS);
        once.iter().fold(request, |request, (name, value)| request.header(*name, *value))
    };
    assert_eq!(request().send().await.unwrap().status(), StatusCode::OK);
    let not_text = HeaderValue::from_bytes(b"user\xff").unwrap();
    for (name, value) in once {
        for second in [value, "", "another"] {
            let refused = refusal(request().header(name, second)).await;
            assert_eq!(refused, (400, "E4002".into()), "{name}: {second:?}");
        }
        let others = once.iter().filter(|(other, _)| *other != name);
        let all = server.anonymous(Method::GET, SESSIONS).header(name, not_text.clone());
        let all = others.fold(all, |request, (name, value)| request.header(*name, *value));
        assert_eq!(refusal(all).await, (400, "E4002".into()), "{name}");
    }
    // It comes before every other check, also where nobody has a token.
    let anonymous = server.anonymous(Method::GET, SESSIONS);
    let twice = anonymous.header("X-Tenant-ID", "a").header("X-Tenant-ID", "a");
    assert_eq!(refusal(twice).await, (400, "E4002".into()));
}

/// Proxies may join a header that came twice; then it names one tenant or token, which nobody has.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn values_that_a_proxy_has_joined_are_no_tenant_and_no_token() {
    let server = Server::embedded().await;
    let good = format!("Bearer {}", token("tenant1", "user123"));
    let joined = format!("{good}, {good}");
    for (authorization, tenant, user, expected) in [
        (&joined, "tenant1", "user123", (401, "E2003")),
        (&good, "tenant1, tenant1", "user123", (403, "E2007")),
        (&good, "tenant1", "user123, user123", (403, "E2001")),
        (&good, "tenant1", "사용자", (403, "E2001")),
    ] {
        let request = server
            .anonymous(Method::GET, SESSIONS)
            .header("Authorization", authorization)
            .header("X-Tenant-ID", tenant)
            .header("X-User-ID", HeaderValue::from_bytes(user.as_bytes()).unwrap());
        let (status, code) = refusal(request).await;
        assert_eq!((status, code.as_str()), expected, "{tenant} {user}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_token_says_who_decides() {
    let mail = || Reply::stream().call("call_a", "send_email", [MAIL]).ends("tool_calls");
    let script = [mail(), Reply::text(["네."]), mail()];
    let model = FakeModel::scripted(script).await;
    let server = Server::start(Options::default().model(&model)).await;
    for (route, status) in [("approve", "completed"), ("reject", "rejected")] {
        let mut stream = server.user().stream("메일").await;
        let hitl = stream.until("hitl").await;
        let path = format!("/aura/hitl/{route}/{}", hitl.data["requestId"].as_str().unwrap());
        let request = server.anonymous(Method::POST, &path);
        let request = request.bearer_auth(token("tenant1", "kim")).header("X-Tenant-ID", "tenant1");
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), StatusCode::OK, "{route}");
        stream.to_done().await;
        assert_eq!(stream.status_at_end(), status);
    }
}

/// The platform's tokens carry no role.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn settings_give_roles_to_users() {
    let mail = Reply::stream().call("call_a", "send_email", [MAIL]).ends("tool_calls");
    let model = FakeModel::scripted([mail, Reply::text(["네."])]).await;
    let options = Options::default()
        .model(&model)
        .set("AURA__AUTH__ROLES__AUDITOR", "1/7")
        .set("AURA__AUTH__ROLES__MAINTAINER", "2/7, 1/8")
        .set("AURA__TOOLS__APPROVERS__SEND_EMAIL", "role:maintainer");
    let server = Server::start(options).await;
    for (tenant, user, status) in [("1", "7", 200), ("1", "8", 403), ("2", "7", 403)] {
        let answer = server.as_user(tenant, user).get("/aura/audit").await;
        assert_eq!(answer.status.as_u16(), status, "{tenant}/{user}");
    }
    let mut stream = server.as_user("1", "7").stream("메일").await;
    let hitl = stream.until("hitl").await;
    let id = hitl.data["requestId"].as_str().unwrap();
    assert_eq!(server.as_user("1", "7").approve(id).await.status, StatusCode::FORBIDDEN);
    assert_eq!(server.as_user("1", "8").approve(id).await.status, StatusCode::OK);
    stream.to_done().await;
    assert_eq!(stream.status_at_end(), "completed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_may_list_several_roles() {
    let server = Server::embedded().await;
    let audit = |role: Value| -> RequestBuilder {
        let claims = json!({"sub": "user123", "tenant_id": "tenant1", "exp": in_ten_minutes(), "role": role});
        let user = server.user().with_token(&signed(Algorithm::HS256, SECRET, &claims));
        user.request(Method::GET, "/aura/audit")
    };
    let listed = audit(json!(["operator", "auditor"])).send().await.unwrap();
    assert_eq!(listed.status(), StatusCode::OK);
    let others = audit(json!(["operator", "auditors"]));
    assert_eq!(refusal(others).await, (403, "E2001".into()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_stored_signal_is_retrieved_as_the_platform_calls_it() {
    let mail = Reply::stream().call("call_a", "send_email", [MAIL]).ends("tool_calls");
    let model = FakeModel::scripted([mail, Reply::text(["네."])]).await;
    let server = Server::start(Options::default().model(&model)).await;
    let user = server.user();
    let mut stream = user.stream("메일").await;
    let hitl = stream.until("hitl").await;
    let path = format!("/aura/hitl/signals/{}", stream.session());
    assert_eq!(user.get(&path).await.status, StatusCode::NOT_FOUND);
    user.approve(hitl.data["requestId"].as_str().unwrap()).await;
    stream.to_done().await;
    let answer = user.get(&path).await;
    assert_eq!(answer.body["message"], "Signal retrieved");
    let signal: Value = serde_json::from_str(answer.data().as_str().unwrap()).unwrap();
    assert_eq!(signal["status"], "approved");
}

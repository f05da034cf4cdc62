//! Web pages of other origins (contract, section 2).

use reqwest::header::{HeaderMap, ORIGIN, VARY};
use reqwest::{Method, RequestBuilder, Response, StatusCode};
use serde_json::json;

use crate::support::app::{Options, Server};

const STREAM: &str = "/aura/test/stream";
const PAGE: &str = "http://localhost:4200";
const PORTAL: &str = "https://portal.example";
/// What the frontend sends that no page may send unasked.
const SENT: &str = "authorization,cache-control,content-type,idempotency-key,last-event-id,\
    traceparent,x-agent-id,x-correlation-id,x-dwp-caller-type,x-dwp-source,x-session-id,\
    x-tenant-id,x-trace-id,x-user-id";

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?.to_str().unwrap();
    assert!(values.next().is_none(), "{name} is there twice: {headers:?}");
    Some(value)
}

/// The words of a list, in lower case.
fn words(list: &str) -> Vec<String> {
    list.split(',').map(|word| word.trim().to_ascii_lowercase()).collect()
}

async fn preflight(server: &Server, origin: &str, path: &str) -> Response {
    let request = server
        .anonymous(Method::OPTIONS, path)
        .header(ORIGIN, origin)
        .header("Access-Control-Request-Method", "POST")
        .header("Access-Control-Request-Headers", SENT);
    request.send().await.unwrap()
}

/// What a page of this origin is told that it may read; `None`: it may not read the answer.
async fn shared(request: RequestBuilder, origin: &str) -> (StatusCode, Option<Vec<String>>) {
    let response = request.header(ORIGIN, origin).send().await.unwrap();
    let headers = response.headers();
    let varies = words(header(headers, VARY.as_str()).unwrap_or_default());
    assert!(varies.contains(&"origin".to_owned()), "{headers:?}");
    assert_eq!(header(headers, "access-control-allow-credentials"), None);
    let allowed = header(headers, "access-control-allow-origin");
    assert!(allowed.is_none_or(|allowed| allowed == origin), "{headers:?}");
    let exposed = header(headers, "access-control-expose-headers").map(words);
    assert_eq!(allowed.is_some(), exposed.is_some(), "{headers:?}");
    (response.status(), exposed)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_of_this_machine_may_call_a_server_for_development() {
    let server = Server::embedded().await;
    for origin in [PAGE, "http://127.0.0.1:3000", "http://localhost"] {
        for path in [STREAM, "/aura/hitl/approve/req_000000000000", "/health", "/aura/nowhere"] {
            let response = preflight(&server, origin, path).await;
            assert_eq!(response.status(), StatusCode::NO_CONTENT, "{origin} {path}");
            let headers = response.headers();
            assert_eq!(header(headers, "access-control-allow-origin"), Some(origin));
            assert!(header(headers, "vary").unwrap().eq_ignore_ascii_case("origin"));
            let allowed = words(header(headers, "access-control-allow-headers").unwrap());
            for sent in words(SENT) {
                assert!(allowed.contains(&sent), "{sent} in {allowed:?}");
            }
            let methods = words(header(headers, "access-control-allow-methods").unwrap());
            assert!(["get", "post"].iter().all(|method| methods.contains(&(*method).to_owned())));
            let age = header(headers, "access-control-max-age").unwrap();
            assert!(age.parse::<u32>().unwrap() > 0);
            assert_eq!(response.text().await.unwrap(), "");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_that_may_call_reads_answers_streams_and_refusals() {
    let server = Server::embedded().await;
    let user = server.user();
    let requests = [
        (server.anonymous(Method::GET, "/aura/sessions"), StatusCode::UNAUTHORIZED),
        (server.anonymous(Method::POST, STREAM), StatusCode::UNAUTHORIZED),
        (server.anonymous(Method::GET, "/health"), StatusCode::OK),
        (user.request(Method::GET, "/aura/sessions"), StatusCode::OK),
        (user.request(Method::GET, "/aura/nowhere"), StatusCode::NOT_FOUND),
        (user.request(Method::PUT, STREAM), StatusCode::METHOD_NOT_ALLOWED),
        (user.post_stream(json!({})), StatusCode::BAD_REQUEST),
        (user.post_stream(json!({"prompt": "안녕"})), StatusCode::OK),
    ];
    for (request, status) in requests {
        let what = format!("{request:?}");
        let (answered, exposed) = shared(request, PAGE).await;
        assert_eq!(answered, status, "{what}");
        let exposed = exposed.unwrap_or_else(|| panic!("cannot be read: {what}"));
        for name in ["x-session-id", "x-correlation-id", "retry-after"] {
            assert!(exposed.contains(&name.to_owned()), "{name} in {exposed:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_of_a_foreign_origin_gets_nothing() {
    let server = Server::embedded().await;
    for origin in [PORTAL, "null", "https://localhost:4200", "http://localhost:4200.evil.example"] {
        let response = preflight(&server, origin, STREAM).await;
        assert_eq!(response.status(), StatusCode::UNAUTHORIZED, "{origin}");
        assert_eq!(header(response.headers(), "access-control-allow-origin"), None, "{origin}");
        assert_eq!(header(response.headers(), "access-control-allow-headers"), None, "{origin}");
        let (status, exposed) = shared(server.user().request(Method::GET, "/health"), origin).await;
        assert_eq!((status, exposed), (StatusCode::OK, None), "{origin}");
    }
    // An OPTIONS that is no preflight is a request like any other.
    let options = server.anonymous(Method::OPTIONS, STREAM);
    assert_eq!(shared(options, PAGE).await.0, StatusCode::UNAUTHORIZED);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_settings_say_which_pages_may_call() {
    let portal = Options::default().set("AURA__API__CORS_ORIGINS", format!("{PORTAL}, {PAGE}"));
    let server = Server::start(portal).await;
    for origin in [PORTAL, PAGE] {
        let response = preflight(&server, origin, STREAM).await;
        assert_eq!(response.status(), StatusCode::NO_CONTENT, "{origin}");
    }
    let other_port = preflight(&server, "http://localhost:4201", STREAM).await;
    assert_eq!(other_port.status(), StatusCode::UNAUTHORIZED, "the default of --dev is replaced");

    let nobody = Server::start(Options::default().set("AURA__API__CORS_ORIGINS", "[]")).await;
    let response = preflight(&nobody, PAGE, STREAM).await;
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(header(response.headers(), "vary"), None);
}

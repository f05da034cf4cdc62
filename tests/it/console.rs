//! The console's files as a browser gets them (contract, section 10).

use reqwest::header::{CONTENT_TYPE, ETAG, HeaderMap, IF_NONE_MATCH};
use reqwest::{Method, StatusCode};

use crate::support::app::{Options, Server};

fn text<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).map_or("", |value| value.to_str().unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_page_and_its_files_are_there_without_a_token_and_keep_to_themselves() {
    let server = Server::embedded().await;
    for (path, kind) in [
        ("/", "text/html; charset=utf-8"),
        ("/console/main.js", "text/javascript; charset=utf-8"),
        ("/console/console.css", "text/css; charset=utf-8"),
        ("/console/icon.svg", "image/svg+xml"),
        ("/console/config.json", "application/json"),
    ] {
        let answer = server.anonymous(Method::GET, path).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK, "{path}");
        let headers = answer.headers();
        assert_eq!(headers[CONTENT_TYPE], kind, "{path}");
        assert_eq!(text(headers, "x-content-type-options"), "nosniff");
        assert_eq!(text(headers, "x-frame-options"), "DENY");
        assert_eq!(text(headers, "referrer-policy"), "no-referrer");
        assert_eq!(text(headers, "cache-control"), "no-cache");
        let policy = text(headers, "content-security-policy");
        assert!(policy.starts_with("default-src 'none'; script-src 'self'; style-src 'self'; "));
        assert!(policy.contains("frame-ancestors 'none'; require-trusted-types-for 'script'"));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_has_not_changed_is_not_sent_again_and_what_is_none_is_not_found() {
    let server = Server::embedded().await;
    let get = |path: &str| server.anonymous(Method::GET, path);
    let tag = get("/console/main.js").send().await.unwrap().headers()[ETAG].clone();
    let again = get("/console/main.js").header(IF_NONE_MATCH, tag).send().await.unwrap();
    assert_eq!(again.status(), StatusCode::NOT_MODIFIED);
    for path in ["/console/tests.rs", "/console/%2e%2e%2fconsole.rs", "/console/%ff"] {
        let answer = get(path).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::NOT_FOUND, "{path}");
        assert!(answer.text().await.unwrap().contains("E1004"), "{path}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_console_that_is_switched_off_is_nowhere() {
    let off = Options::default().set("AURA__CONSOLE__ENABLED", false);
    let server = Server::start(off).await;
    for path in ["/", "/console/main.js", "/console/config.json"] {
        let answer = server.anonymous(Method::GET, path).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::NOT_FOUND, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_the_pages_that_people_sign_in_on_are_named_to_the_page_and_may_frame_it() {
    let origins = "https://portal.example HTTPS://Login.Example:443";
    let options = Options::default()
        .set("AURA__CONSOLE__LOGIN_ORIGINS", origins)
        .set("AURA__CONSOLE__TOKEN_IN_FRAGMENT", false);
    let server = Server::start(options).await;
    let answer = server.anonymous(Method::GET, "/console/config.json").send().await.unwrap();
    let policy = text(answer.headers(), "content-security-policy").to_owned();
    assert!(
        policy.contains("frame-ancestors https://portal.example https://login.example;"),
        "{policy}"
    );
    let config = answer.text().await.unwrap();
    let named = r#""loginOrigins":["https://portal.example","https://login.example"]"#;
    assert!(config.contains(named) && config.contains(r#""tokenInFragment":false"#), "{config}");
}

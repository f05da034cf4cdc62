//! Contract, section 7: `send_email`, through a real mail server.

use std::time::Duration;

use aura_platform::domain::Unconfigured;
use aura_platform::tools::ToolError;
use aura_platform::tools::mail::{self, MailConfig, MailServerConfig};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::time::timeout;

use crate::support::app::{Options, PATIENCE, Server};
use crate::support::smtp::{LOGIN, Protection, SmtpServer, send};

fn mail() -> Value {
    json!({
        "to": ["minsu.kim@dwp.example", "ops@dwp.example"], "cc": ["lead@other.example"],
        "subject": "정기 배포 안내 — 오늘 밤 10시에 전체 서비스가 약 30분 동안 중단될 예정이니 양해 부탁드립니다",
        "body": "안녕하세요.\n\n오늘 밤 10시에 배포합니다.\n.\n점 하나만 있는 줄 다음입니다.\n",
    })
}

/// The message of a mail that was not sent; any other error is the wrong one.
fn not_sent(error: ToolError) -> String {
    match error {
        ToolError::Failed(message) => {
            assert!(message.starts_with("the mail was not sent through localhost:"), "{message}");
            message
        }
        other => panic!("{other:?}"),
    }
}

fn uncertain(error: ToolError) -> String {
    match error {
        ToolError::Uncertain(message) => message,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_mail_arrives_whole_with_whatever_protection_the_server_has() {
    for tls in [Protection::StartTls, Protection::Implicit, Protection::None] {
        let server = SmtpServer::closed(tls).await;
        let sent = send(&server.config(LOGIN), &mail()).await.unwrap();
        let [got] = server.mails().try_into().unwrap();
        let everybody = json!(["minsu.kim@dwp.example", "ops@dwp.example", "lead@other.example"]);
        assert_eq!((&got["mailFrom"], &got["rcptTo"]), (&json!("aura@dwp.example"), &everybody));
        assert_eq!(got["tls"], tls != Protection::None);
        assert_eq!(got["mechanism"], "PLAIN");
        assert_eq!(got["body"], mail()["body"]);
        let headers = &got["headers"];
        for (name, value) in [
            ("subject", mail()["subject"].as_str().unwrap()),
            ("from", "오라 <aura@dwp.example>"),
            ("to", "minsu.kim@dwp.example, ops@dwp.example"),
            ("cc", "lead@other.example"),
            ("message-id", sent["messageId"].as_str().unwrap()),
            ("content-type", "text/plain; charset=\"utf-8\""),
        ] {
            assert_eq!(headers[name], value, "{name}");
        }
        assert!(headers.get("date").is_some() && headers.get("mime-version").is_some());
        let raw = got["raw"].as_str().unwrap();
        assert!(raw.is_ascii() && raw.lines().all(|line| line.len() <= 998), "{raw}");
        assert_eq!(sent["serverAnswer"], "250 2.0.0 OK queued");
        assert_eq!((&sent["sent"], &sent["to"]), (&json!(true), &mail()["to"]));
    }
}

#[tokio::test]
async fn a_server_that_wants_no_password_gets_none() {
    let server = SmtpServer::open(Protection::StartTls).await;
    send(&server.config(""), &mail()).await.unwrap();
    assert_eq!(server.mails()[0]["mechanism"], Value::Null);
}

#[tokio::test]
async fn a_server_that_knows_only_the_old_login_is_served_too() {
    let more = ["--password", crate::support::smtp::PASSWORD, "--without", "PLAIN"];
    let server = SmtpServer::start(Protection::StartTls, &more).await;
    send(&server.config(LOGIN), &mail()).await.unwrap();
    assert_eq!(server.mails()[0]["mechanism"], "LOGIN");
}

#[tokio::test]
async fn the_same_call_sends_the_same_message_id() {
    let server = SmtpServer::open(Protection::None).await;
    let config = server.config("");
    let (one, other) = (send(&config, &mail()).await, send(&config, &mail()).await);
    assert_eq!(one.unwrap()["messageId"], other.unwrap()["messageId"]);
    assert_eq!(server.mails().len(), 2);
}

#[tokio::test]
async fn a_wrong_password_is_told_and_nothing_is_sent() {
    let server = SmtpServer::closed(Protection::StartTls).await;
    let config = server.config("aura%40dwp.example:hunter2-wrong@");
    let error = send(&config, &mail()).await.unwrap_err();
    let ToolError::Denied(text) = &error else { panic!("{error:?}") };
    assert!(text.contains("does not accept user and password of SMTP_URL (535 "), "{text}");
    assert!(server.mails().is_empty());
}

#[tokio::test]
async fn a_recipient_that_is_refused_is_named_and_nobody_gets_the_mail() {
    let server = SmtpServer::open(Protection::None).await;
    let mut mail = mail();
    mail["cc"] = json!(["nobody@dwp.example"]);
    let error = send(&server.config(""), &mail).await.unwrap_err();
    let expected = "the mail server localhost refuses nobody@dwp.example (550 5.1.1 no such user); \
                    the mail was sent to nobody";
    assert_eq!(error, ToolError::Conflict(expected.into()));
    assert!(server.mails().is_empty());
}

#[tokio::test]
async fn a_server_that_offers_no_tls_gets_neither_password_nor_mail() {
    let server = SmtpServer::closed(Protection::None).await;
    let mut config = server.config(LOGIN);
    let url = server.url(LOGIN).replace("?tls=none", "");
    config.server.as_mut().unwrap().url = url.into();
    let message = not_sent(send(&config, &mail()).await.unwrap_err());
    assert!(message.contains("it offers no STARTTLS"), "{message}");
    assert!(server.mails().is_empty());
}

#[tokio::test]
async fn a_certificate_that_nobody_vouches_for_is_refused() {
    for tls in [Protection::StartTls, Protection::Implicit] {
        let server = SmtpServer::closed(tls).await;
        let mut config = server.config(LOGIN);
        config.server.as_mut().unwrap().ca = None;
        let message = not_sent(send(&config, &mail()).await.unwrap_err());
        assert!(
            message.contains("TLS with it failed") && message.contains("certificate"),
            "{message}"
        );
        // Vouched for, but under another name.
        let mut config = server.config(LOGIN);
        let url = server.url(LOGIN).replace("localhost", "127.0.0.1");
        config.server.as_mut().unwrap().url = url.into();
        let error = send(&config, &mail()).await.unwrap_err().to_string();
        assert!(error.contains("TLS with it failed") && error.contains("not valid for"), "{error}");
        assert!(server.mails().is_empty());
    }
}

#[tokio::test]
async fn a_mail_that_the_server_rejects_was_not_sent() {
    let server = SmtpServer::start(Protection::None, &["--after-data", "reject"]).await;
    let message = not_sent(send(&server.config(""), &mail()).await.unwrap_err());
    assert!(message.ends_with("it refuses the mail: 554 5.7.1 looks like spam"), "{message}");
}

#[tokio::test]
async fn a_server_that_goes_away_or_silent_after_the_text_leaves_the_outcome_open() {
    for (what, part) in [("cut", "went away"), ("silence", "gave no answer within 5 s")] {
        let server = SmtpServer::start(Protection::None, &["--after-data", what]).await;
        let mut config = server.config("");
        config.server.as_mut().unwrap().timeout = Duration::from_secs(5);
        let message = uncertain(send(&config, &mail()).await.unwrap_err());
        assert!(message.contains(part) && message.ends_with("it may have been sent"), "{message}");
    }
}

#[tokio::test]
async fn a_server_that_is_not_there_or_says_nothing_is_told() {
    let mut config = SmtpServer::open(Protection::None).await.config("");
    let with_port = |port: u16| format!("smtp://localhost:{port}?tls=none");
    config.server.as_mut().unwrap().url = with_port(1).into();
    let message = not_sent(send(&config, &mail()).await.unwrap_err());
    assert!(message.contains("it cannot be reached"), "{message}");

    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = silent.local_addr().unwrap().port();
    let listening = tokio::spawn(async move {
        let (mut connection, _) = silent.accept().await.unwrap();
        connection.read_to_end(&mut Vec::new()).await.unwrap()
    });
    let server = config.server.as_mut().unwrap();
    (server.url, server.timeout) = (with_port(port).into(), Duration::from_secs(1));
    let message = not_sent(send(&config, &mail()).await.unwrap_err());
    assert!(message.contains("it took longer than 1 s"), "{message}");
    assert_eq!(listening.await.unwrap(), 0);
}

#[tokio::test]
async fn only_allowed_domains_are_written_to() {
    let server = SmtpServer::open(Protection::None).await;
    let mut config = server.config("");
    config.allowed_domains = vec!["DWP.example".to_owned()];
    let error = send(&config, &mail()).await.unwrap_err();
    let expected = "`cc`: mails to other.example are not allowed here (smtp.allowed_domains)";
    assert_eq!(error, ToolError::InvalidArguments(expected.into()));
    let mut inside = mail();
    inside["cc"] = json!(["lead@Dwp.Example"]);
    send(&config, &inside).await.unwrap();
    inside["to"] = json!(["x@sub.dwp.example"]);
    assert!(matches!(send(&config, &inside).await, Err(ToolError::InvalidArguments(_))));
    assert_eq!(server.mails().len(), 1);
}

#[tokio::test]
async fn no_field_carries_a_header_or_a_command_in() {
    let server = SmtpServer::open(Protection::None).await;
    for (field, value) in [
        ("subject", json!("x\r\nBcc: all@dwp.example")),
        ("subject", json!("x\ny")),
        ("to", json!(["a@dwp.example>\r\nRCPT TO:<b@dwp.example"])),
        ("cc", json!(["a@dwp.example\r\nBcc: b@dwp.example"])),
    ] {
        let mut bad = mail();
        bad[field] = value;
        let error = send(&server.config(""), &bad).await.unwrap_err().to_string();
        assert!(error.contains(&format!("`{field}`")), "{error}");
    }
    assert!(server.mails().is_empty());
    let mut body = mail();
    body["body"] = "a\r\n.\r\nMAIL FROM:<x@y.z>\r\n\nBcc: all@dwp.example\n".into();
    send(&server.config(""), &body).await.unwrap();
    let [got] = server.mails().try_into().unwrap();
    assert_eq!(got["headers"].get("bcc"), None);
    let text = got["body"].as_str().unwrap().trim_end();
    assert_eq!(text, "a\n.\nMAIL FROM:<x@y.z>\n\nBcc: all@dwp.example");
}

#[tokio::test]
async fn settings_that_can_never_work_stop_the_start() {
    let fault = |url: &str, from: Option<&str>, ca: Option<&str>| {
        let timeout = Duration::from_secs(1);
        let ca = ca.map(Into::into);
        let server = Some(MailServerConfig { url: url.into(), ca, timeout });
        let from = from.map(str::to_owned);
        let config = MailConfig { server, from, allowed_domains: Vec::new() };
        mail::tools(&config, Unconfigured::Refuse).err().map(|error| error.to_string())
    };
    let from = Some("aura@dwp.example");
    assert_eq!(fault("smtp://mail.example", from, None), None);
    // The user of the URL, where that is an address.
    assert_eq!(fault("smtp://aura%40dwp.example:x@mail.example", None, None), None);
    let none = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    for (url, from, ca, setting) in [
        ("smtp://mail.example", None, None, "smtp.from"),
        ("smtp://aura:x@mail.example", None, None, "smtp.from"),
        ("smtp://mail.example", Some("Aura"), None, "smtp.from"),
        ("smtp://u:hunter2@mail.example?tls=none", from, None, "smtp.url"),
        ("smtp://mail.example", from, Some(none), "smtp.ca_file"),
    ] {
        let fault = fault(url, from, ca).unwrap();
        assert!(fault.starts_with(setting) && !fault.contains("hunter2"), "{fault}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mail_that_a_person_asked_for_and_approved_arrives() {
    let smtp = SmtpServer::closed(Protection::StartTls).await;
    let options = Options::default()
        .set("SMTP_URL", smtp.url(LOGIN))
        .set("AURA__SMTP__FROM", "오라 <aura@dwp.example>")
        .set("AURA__SMTP__CA_FILE", smtp.ca_file().display())
        .set("AURA__SMTP__ALLOWED_DOMAINS", "dwp.example, dwp.com");
    let server = Server::start(options).await;
    let user = server.user();
    let prompt = "kim@dwp.com에게 \"회의 일정 안내\" 제목으로 \"3시에 봅시다\"라고 메일 보내줘";
    let mut stream = user.stream(prompt).await;
    let hitl = stream.until("hitl").await;
    assert_eq!(
        hitl.data["message"],
        "메일을 보낼까요? 받는 사람: kim@dwp.com, 제목: \"회의 일정 안내\""
    );
    assert!(smtp.mails().is_empty());
    user.approve(hitl.data["requestId"].as_str().unwrap()).await;
    stream.to_done().await;
    assert_eq!(stream.status_at_end(), "completed", "{:#?}", stream.summary());
    let [got] = smtp.mails().try_into().unwrap();
    assert_eq!((&got["rcptTo"], &got["tls"]), (&json!(["kim@dwp.com"]), &json!(true)));
    assert_eq!(got["headers"]["subject"], "회의 일정 안내");
    assert_eq!(got["body"].as_str().unwrap().trim_end(), "3시에 봅시다");
    assert!(stream.answer().starts_with("메일을 보냈습니다"), "{}", stream.answer());

    let mut stream = user.stream("kim@elsewhere.com에게 회의 일정 메일 보내줘").await;
    stream.to_done().await;
    assert!(stream.all("hitl").is_empty(), "nobody is asked to approve what is not allowed");
    assert!(stream.answer().contains("smtp.allowed_domains"), "{}", stream.answer());
    assert!(!server.log().contains("hunter2"));
}

/// A mail server whose replies are just these bytes, one for the greeting and one for each command,
/// and for the end of the mail's text; what it was told, at the end.
#[expect(clippy::disallowed_methods, reason = "the double is not part of the service")]
async fn saying(replies: Vec<&'static [u8]>) -> (MailConfig, tokio::task::JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let told = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let (mut told, mut in_text) = (String::new(), false);
        for reply in replies {
            stream.write_all(reply).await.unwrap();
            let end = if in_text { "\r\n.\r\n" } else { "\r\n" };
            let mut heard = Vec::new();
            while !heard.ends_with(end.as_bytes()) {
                let Ok(byte) = stream.read_u8().await else { return told };
                heard.push(byte);
            }
            in_text = heard.starts_with(b"DATA");
            told.push_str(&String::from_utf8_lossy(&heard));
        }
        told
    });
    let server = MailServerConfig {
        url: format!("smtp://localhost:{port}?tls=none").into(),
        ca: None,
        timeout: Duration::from_secs(20),
    };
    let from = Some("aura@dwp.example".to_owned());
    (MailConfig { server: Some(server), from, allowed_domains: Vec::new() }, told)
}

fn short_mail() -> Value {
    json!({"to": ["a@dwp.example"], "subject": "x", "body": "hello\r.\r\nbye"})
}

#[tokio::test]
async fn replies_in_another_encoding_or_without_a_text_are_replies() {
    // "메일" in EUC-KR, in the greeting and behind the mail; codes alone in between.
    let replies: Vec<&[u8]> = vec![
        b"220 \xb8\xde\xc0\xcf\r\n",
        b"250-\xb8\xde\xc0\xcf\r\n250 8BITMIME\r\n",
        b"250\r\n",
        b"250\r\n",
        b"354\r\n",
        b"250 \xb8\xde\xc0\xcf queued as 7\r\n",
        b"221\r\n",
    ];
    let (config, told) = saying(replies).await;
    let sent = send(&config, &short_mail()).await.unwrap();
    let answer = sent["serverAnswer"].as_str().unwrap();
    assert_eq!(answer, "250 \u{fffd}\u{fffd}\u{fffd}\u{fffd} queued as 7");
    let told = timeout(PATIENCE, told).await.unwrap().unwrap();
    assert!(told.contains("hello\r\n..\r\nbye"), "{told:?}");
    assert!(!told.replace("\r\n", "").contains('\r'), "{told:?}");
}

#[tokio::test]
async fn a_refusal_in_another_encoding_keeps_its_code_and_says_that_nothing_was_sent() {
    let replies: Vec<&[u8]> = vec![
        b"220 ok\r\n",
        b"250 ok\r\n",
        b"250 ok\r\n",
        b"250 ok\r\n",
        b"354 ok\r\n",
        b"554 \xb0\xc5\xba\xce\r\n",
        b"221 ok\r\n",
    ];
    let (config, _told) = saying(replies).await;
    let message = not_sent(send(&config, &short_mail()).await.unwrap_err());
    assert!(message.contains("it refuses the mail: 554"), "{message}");
    let (config, _told) = saying(vec![b"554 \xb0\xc5\xba\xce\r\n"]).await;
    let message = not_sent(send(&config, &short_mail()).await.unwrap_err());
    assert!(message.contains("it cannot be reached: 554"), "{message}");
}

//! Contract, section 5.6: another service, and people, are told of approvals and of the ends of runs.

use std::time::Duration;

use axum::http::StatusCode;
use serde_json::{Value, json};
use standardwebhooks::Webhook;

use crate::inbox::{PENDING, asked, mailer, only};
use crate::resume::{mailing, request_of};
use crate::support::app::{Caller, Options, Server, eventually};
use crate::support::keys::Keys;
use crate::support::model::{FakeModel, Gate, Reply};
use crate::support::receiver::{Answering, Delivery, Receiver, SIGNING};
use crate::support::redis::RedisServer;
use crate::support::smtp::{Protection, SmtpServer};
use crate::support::stream::SseStream;
use crate::support::world::World;
use crate::with_both_stores;

pub(crate) const KINDS: [&str; 3] = ["approval.asked", "approval.decided", "run.ended"];

/// A run that is asked about, approved, and comes to its end.
pub(crate) async fn whole_run(user: &Caller, prompt: &str) -> SseStream {
    let (mut stream, hitl) = asked(user, prompt).await;
    assert_eq!(user.approve(request_of(&hitl)).await.status, StatusCode::OK);
    stream.to_done().await;
    stream
}

pub(crate) fn kinds(deliveries: &[Delivery]) -> Vec<String> {
    deliveries.iter().map(Delivery::kind).collect()
}

pub(crate) fn ids(deliveries: &[Delivery]) -> Vec<&str> {
    deliveries.iter().map(Delivery::id).collect()
}

/// What was delivered of one session.
pub(crate) fn of_session(deliveries: &[Delivery], session: &str) -> Vec<String> {
    let of = |delivery: &&Delivery| delivery.json()["data"]["sessionId"] == session;
    deliveries.iter().filter(of).map(Delivery::kind).collect()
}

pub(crate) async fn metric(server: &Server, sample: &str) -> u64 {
    let text = server.anonymous(reqwest::Method::GET, "/metrics").send().await.unwrap();
    let text = text.text().await.unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix(sample));
    line.unwrap_or_else(|| panic!("{sample} is not in {text}")).trim().parse().unwrap()
}

/// Waits until nothing is queued any more.
pub(crate) async fn is_quiet(server: &Server) {
    eventually("everything was told", || async {
        metric(server, r#"aura_announcements_queued{to="webhook"}"#).await == 0
    })
    .await;
}

pub(crate) fn options(model: &FakeModel, receiver: &Receiver) -> Options {
    let options = Options::default().model(model).set("AURA__AGENT__LEASE_SECONDS", 1);
    receiver.told_by(options)
}

with_both_stores! {
    async fn an_approval_and_the_end_of_its_run_are_told_in_order_and_signed(kind: Kind) {
        let (model, receiver) = (mailer().await, Receiver::start().await);
        let world = World::with(kind, options(&model, &receiver)).await;
        let user = world.server.user();
        let (mut stream, hitl) = asked(&user, "메일").await;
        let first = receiver.received(1).await.remove(0).json();
        let listed = only(&user, PENDING).await;
        let mut expected = listed.as_object().unwrap().clone();
        for of_a_person in ["canDecide", "decidedByMe"] {
            expected.remove(of_a_person).unwrap();
        }
        assert_eq!(first["data"], Value::Object(expected), "as the inbox shows it");
        user.approve(request_of(&hitl)).await;
        stream.to_done().await;

        let deliveries = receiver.received(3).await;
        assert_eq!(kinds(&deliveries), KINDS);
        let webhook = Webhook::new(SIGNING).unwrap();
        for delivery in &deliveries {
            webhook.verify(&delivery.body, &delivery.headers).unwrap();
            assert!(delivery.id().starts_with("msg_"), "{delivery:?}");
            let timestamp = delivery.json()["timestamp"].as_str().unwrap().to_owned();
            assert!(timestamp.parse::<jiff::Timestamp>().is_ok(), "{timestamp}");
        }
        let decided = &deliveries[1].json()["data"];
        assert_eq!((&decided["requestId"], &decided["outcome"]), (&hitl.data["requestId"], &json!("approved")));
        assert_eq!(decided["approvedBy"], "user123");
        let (end, told) = (stream.all("end").remove(0).data.clone(), deliveries[2].json());
        for field in ["status", "message", "durationMs", "usage"] {
            assert_eq!(told["data"][field], end[field], "{field}");
        }
        assert_eq!((&told["data"]["tenantId"], &told["data"]["userId"]), (&json!("tenant1"), &json!("user123")));
        assert_eq!(told["data"]["sessionId"], stream.session());
        is_quiet(&world.server).await;
        assert_eq!(receiver.deliveries().len(), 3, "once each");
        assert_eq!(metric(&world.server, r#"aura_announcements_total{to="webhook",outcome="delivered"}"#).await, 3);
    }

    async fn a_decision_is_told_while_its_run_is_at_work(kind: Kind) {
        let gate = Gate::closed();
        let answer = Reply::stream().gate(&gate).piece("했습니다.").ends("stop");
        let model = FakeModel::scripted([mailing(), answer]).await;
        let receiver = Receiver::start().await;
        let world = World::with(kind, options(&model, &receiver)).await;
        let user = world.server.user();
        let (mut stream, hitl) = asked(&user, "메일").await;
        receiver.received(1).await;
        user.approve(request_of(&hitl)).await;
        gate.reached().await;
        assert_eq!(kinds(&receiver.received(2).await), KINDS[..2]);
        gate.open();
        stream.to_done().await;
        assert_eq!(kinds(&receiver.received(3).await), KINDS);
    }

    async fn every_way_in_which_a_request_can_end_is_announced(kind: Kind) {
        let (model, receiver) = (mailer().await, Receiver::start().await);
        let world = World::with(kind, options(&model, &receiver)).await;
        let user = world.server.user();
        let (mut rejected, hitl) = asked(&user, "아니요").await;
        user.reject(request_of(&hitl), "안 됩니다").await;
        rejected.to_done().await;
        let (mut cancelled, _) = asked(&user, "그만").await;
        user.post(&format!("/aura/sessions/{}/cancel", cancelled.session()), json!({})).await;
        cancelled.to_done().await;
        let deliveries = receiver.received(6).await;
        let outcomes = |session: String| -> Vec<Value> {
            let all = deliveries.iter().map(Delivery::json).filter(|told| told["data"]["sessionId"] == session);
            all.map(|told| told["data"]["outcome"].clone()).collect()
        };
        assert_eq!(outcomes(rejected.session()), [Value::Null, json!("rejected"), Value::Null]);
        assert_eq!(outcomes(cancelled.session()), [Value::Null, json!("cancelled"), Value::Null]);
        assert_eq!(of_session(&deliveries, &cancelled.session()), KINDS);
    }

    async fn a_delivery_that_fails_is_repeated_under_the_same_id_before_anything_else(kind: Kind) {
        let (model, receiver) = (mailer().await, Receiver::start().await);
        let fails = |status| Answering::With(status, Vec::new());
        receiver.answers([fails(StatusCode::INTERNAL_SERVER_ERROR), fails(StatusCode::BAD_REQUEST)]);
        let world = World::with(kind, options(&model, &receiver)).await;
        whole_run(&world.server.user(), "메일").await;
        let deliveries = receiver.received(5).await;
        assert_eq!(kinds(&deliveries[2..]), KINDS);
        assert_eq!(ids(&deliveries)[..2], [deliveries[2].id(); 2]);
        let times: Vec<_> = deliveries.iter().map(|delivery| delivery.headers["webhook-timestamp"].clone()).collect();
        assert_ne!(times[0], times[2], "each attempt has a time of its own");
        assert_eq!(deliveries[0].body, deliveries[2].body);
        assert_eq!(metric(&world.server, r#"aura_announcements_total{to="webhook",outcome="failed"}"#).await, 2);
    }

    async fn a_receiver_that_is_away_holds_up_no_run_and_is_told_of_all_when_it_comes(kind: Kind) {
        let (model, mut receiver) = (mailer().await, Receiver::absent());
        let world = World::with(kind, options(&model, &receiver)).await;
        let user = world.server.user();
        let mut sessions = Vec::new();
        for n in 0..5 {
            sessions.push(whole_run(&user, &format!("메일 {n}")).await.session());
        }
        assert_eq!(metric(&world.server, r#"aura_announcements_queued{to="webhook"}"#).await, 5);
        receiver.come().await;
        let deliveries = receiver.received(15).await;
        for session in sessions {
            assert_eq!(of_session(&deliveries, &session), KINDS, "in its order");
        }
        is_quiet(&world.server).await;
        assert_eq!(receiver.deliveries().len(), 15);
    }

    async fn a_receiver_that_does_not_answer_holds_up_no_run(kind: Kind) {
        let (model, receiver, gate) = (mailer().await, Receiver::start().await, Gate::closed());
        receiver.answers([Answering::Once(gate.clone())]);
        let world = World::with(kind, options(&model, &receiver)).await;
        let user = world.server.user();
        let first = whole_run(&user, "메일").await;
        assert_eq!(receiver.received(1).await.len(), 1);
        // Another session is not behind the first.
        let second = whole_run(&user, "다른 메일").await;
        let deliveries = receiver.received(4).await;
        assert_eq!(of_session(&deliveries, &second.session()), KINDS);
        gate.open();
        assert_eq!(of_session(&receiver.received(6).await, &first.session()), KINDS);
    }

    async fn a_receiver_that_wants_to_be_left_alone_is(kind: Kind) {
        let (model, receiver) = (mailer().await, Receiver::start().await);
        let busy = |value: &str| {
            Answering::With(StatusCode::TOO_MANY_REQUESTS, vec![("retry-after", value.to_owned())])
        };
        receiver.answers([busy("3")]);
        let world = World::with(kind, options(&model, &receiver)).await;
        let user = world.server.user();
        let (_stream, _) = asked(&user, "메일").await;
        receiver.received(1).await;
        let began = tokio::time::Instant::now();
        let deliveries = receiver.received(2).await;
        assert!(began.elapsed() >= Duration::from_secs(2), "{:?}", began.elapsed());
        assert_eq!(deliveries[0].id(), deliveries[1].id());
    }

    async fn a_receiver_that_is_gone_for_good_is_told_nothing_more(kind: Kind) {
        let (model, receiver) = (mailer().await, Receiver::start().await);
        receiver.answers([Answering::With(StatusCode::GONE, Vec::new())]);
        let world = World::with(kind, options(&model, &receiver)).await;
        whole_run(&world.server.user(), "메일").await;
        world.server.logged("nothing is announced any more", 1).await;
        whole_run(&world.server.user(), "메일").await;
        assert_eq!(receiver.deliveries().len(), 1);
    }

    async fn a_redirect_is_not_followed(kind: Kind) {
        let (model, receiver, elsewhere) = (mailer().await, Receiver::start().await, Receiver::start().await);
        receiver.answers([Answering::With(StatusCode::TEMPORARY_REDIRECT, vec![("location", elsewhere.url())])]);
        let world = World::with(kind, options(&model, &receiver)).await;
        whole_run(&world.server.user(), "메일").await;
        assert_eq!(kinds(&receiver.received(4).await)[1..], KINDS);
        assert!(elsewhere.deliveries().is_empty());
    }

    async fn a_private_address_behind_a_name_is_not_connected_to(kind: Kind) {
        let (model, receiver) = (mailer().await, Receiver::start().await);
        let url = receiver.url().replace("http://127.0.0.1", "https://localhost");
        let options = options(&model, &receiver)
            .set("AURA__APPROVALS__WEBHOOK_URL", url)
            .set("AURA__APPROVALS__WEBHOOK_ALLOW_PRIVATE", false);
        let world = World::with(kind, options).await;
        whole_run(&world.server.user(), "메일").await;
        world.server.logged("its name leads to no public address", 1).await;
        assert!(receiver.deliveries().is_empty());
    }

    async fn people_get_a_mail_that_leads_to_the_request(kind: Kind) {
        let (model, smtp) = (mailer().await, SmtpServer::open(Protection::None).await);
        let options = Options::default()
            .model(&model)
            .set("AURA__AGENT__LANGUAGE", "auto")
            .set("SMTP_URL", smtp.url(""))
            .set("AURA__SMTP__FROM", "Aura <aura@dwp.example>")
            .set("AURA__APPROVALS__MAIL_TO", "lee@dwp.example kim@dwp.example")
            .set("AURA__APPROVALS__CONSOLE_URL", "https://dwp.example/api/aura-console");
        let world = World::with(kind, options).await;
        let (_korean, hitl) = asked(&world.server.user(), "메일").await;
        eventually("both have a mail", || async { smtp.mails().len() == 2 }).await;
        let mails = smtp.mails();
        let to: Vec<&Value> = mails.iter().map(|mail| &mail["rcptTo"][0]).collect();
        assert_eq!(to, ["lee@dwp.example", "kim@dwp.example"]);
        assert_eq!(mails[0]["headers"]["subject"], "[Aura] 승인 요청: send_email");
        assert_ne!(mails[0]["headers"]["message-id"], mails[1]["headers"]["message-id"]);
        let body = mails[0]["body"].as_str().unwrap();
        let link = format!("https://dwp.example/api/aura-console#/approvals/{}", request_of(&hitl));
        for part in [hitl.data["message"].as_str().unwrap(), "user123", &link, "kim@example.com"] {
            assert!(body.contains(part), "{part}: {body}");
        }
        asked(&world.server.user(), "Please send the mail").await;
        eventually("both have another mail", || async { smtp.mails().len() == 4 }).await;
        assert_eq!(smtp.mails()[2]["headers"]["subject"], "[Aura] Approval requested: send_email");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_nobody_is_told_nothing_is_queued() {
    let (model, redis) = (mailer().await, RedisServer::start());
    let options = Options::default().model(&model).set("REDIS_URL", redis.url());
    let server = Server::start(options).await;
    whole_run(&server.user(), "메일").await;
    let mut keys = Keys::of(&redis).await;
    let queued: Vec<String> = keys.command(&["KEYS", "aura:announcements:*"]).await;
    assert!(queued.is_empty(), "{queued:?}");
    let journals: Vec<String> = keys.command(&["KEYS", "aura:journal:*"]).await;
    assert_eq!(journals.len(), 1, "where a run did work");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mail_server_that_is_away_does_not_hold_up_the_webhook() {
    let (model, receiver) = (mailer().await, Receiver::start().await);
    let options = options(&model, &receiver)
        .set(
            "SMTP_URL",
            format!("smtp://localhost:{}?tls=none", crate::support::redis::free_port()),
        )
        .set("AURA__SMTP__FROM", "aura@dwp.example")
        .set("AURA__APPROVALS__MAIL_TO", "lee@dwp.example")
        .set("AURA__APPROVALS__CONSOLE_URL", "https://dwp.example/api/aura-console");
    let server = Server::start(options).await;
    let (_stream, _) = asked(&server.user(), "메일").await;
    assert_eq!(kinds(&receiver.received(1).await), KINDS[..1]);
    server.logged("not announced", 1).await;
    assert_eq!(metric(&server, r#"aura_announcements_queued{to="mail"}"#).await, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_recipient_that_the_mail_server_refuses_keeps_nobody_from_theirs_and_is_not_named() {
    let (model, smtp) = (mailer().await, SmtpServer::open(Protection::None).await);
    let options = Options::default()
        .model(&model)
        .set("SMTP_URL", smtp.url(""))
        .set("AURA__SMTP__FROM", "aura@dwp.example")
        .set("AURA__APPROVALS__MAIL_TO", "nobody@dwp.example later@dwp.example lee@dwp.example")
        .set("AURA__APPROVALS__CONSOLE_URL", "https://dwp.example/api/aura-console");
    let server = Server::start(options).await;
    let (_stream, _) = asked(&server.user(), "메일").await;
    let log = server.logged("number 2 of approvals.mail_to", 2).await;
    assert!(!log.contains("@dwp.example"), "{log}");
    assert_eq!(log.matches("this mail is not tried again").count(), 1, "{log}");
    assert_eq!(smtp.mails().len(), 1, "who has got it gets no other");
    assert_eq!(smtp.mails()[0]["rcptTo"][0], "lee@dwp.example");
}

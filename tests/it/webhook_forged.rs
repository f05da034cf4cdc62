//! What others write into the queue of announcements: it stops nothing but itself (contract, section 5.6).

use crate::inbox::mailer;
use crate::support::app::Server;
use crate::support::keys::Keys;
use crate::support::receiver::Receiver;
use crate::support::redis::RedisServer;
use crate::webhook::{KINDS, is_quiet, of_session, options, whole_run};

const PARTS: [&str; 4] = ["due", "since", "told", "sessions"];

fn key(part: &str) -> String {
    format!("aura:announcements:{{webhook}}:{part}")
}

async fn forge(keys: &mut Keys, session: &str, known: &str) {
    let _: usize = keys.command(&["HSET", &key("sessions"), session, known]).await;
    let _: usize = keys.command(&["ZADD", &key("due"), "0", session]).await;
    let _: usize = keys.command(&["ZADD", &key("since"), "-inf", session]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_nobody_of_us_has_queued_holds_up_nothing_and_leaves() {
    let (model, receiver, redis) = (mailer().await, Receiver::start().await, RedisServer::start());
    let server = Server::start(options(&model, &receiver).set("REDIS_URL", redis.url())).await;
    let mut keys = Keys::of(&redis).await;
    let forged = [
        r#"{"p":1e999,"u":0,"k":"","t":"0","a":"0","f":0,"l":0}"#,
        r#"{"p":1,"u":1e999,"k":"","t":"0","a":"0","f":0,"l":0}"#,
        r#"{"p":1,"u":0,"k":"","t":"0","a":"0","f":0,"l":0,"x":1e999}"#,
        r#"{"p":1.5,"u":0,"k":"","t":"0","a":"0","f":-1,"l":1e300}"#,
        r#"{"p":1,"u":0,"k":"","t":"99999999999999999999","a":"0","f":0,"l":0}"#,
        "[]",
    ];
    for (n, known) in forged.into_iter().enumerate() {
        forge(&mut keys, &format!("session_1_1_{n}"), known).await;
    }
    forge(&mut keys, "\u{1}nobody's", "{}").await;
    let no_text = r"return redis.call('ZADD', KEYS[1], 0, '\255\254')";
    let _: usize = keys.command(&["EVAL", no_text, "1", &key("due")]).await;
    let _: usize = keys.command(&["ZADD", &key("since"), "-inf", "session_1_1_never_due"]).await;
    let session = whole_run(&server.user(), "메일").await.session();
    assert_eq!(of_session(&receiver.received(3).await, &session), KINDS);
    is_quiet(&server).await;
    let due: usize = keys.command(&["ZCARD", &key("due")]).await;
    assert_eq!(due, 0, "a forged session is due once");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_queue_at_all_gives_way_to_one() {
    let (model, receiver, redis) = (mailer().await, Receiver::start().await, RedisServer::start());
    let server = Server::start(options(&model, &receiver).set("REDIS_URL", redis.url())).await;
    let mut keys = Keys::of(&redis).await;
    for (n, part) in PARTS.into_iter().enumerate() {
        let _: String = keys.command(&["SET", &key(part), "x"]).await;
        let session = whole_run(&server.user(), "메일").await.session();
        let told = receiver.received(3 * (n + 1)).await;
        assert_eq!(of_session(&told, &session), KINDS, "{part}");
    }
}

//! What others write into an inbox in Redis: it is passed over, and keeps nobody from the rest.

use std::sync::Arc;
use std::time::Duration;

use aura_platform::domain::{EventId, RequestId, TenantId, UnixMs};
use aura_platform::store::{InboxNote, InboxPlace, Noted, NotedRequest, ReadError, Store};
use aura_testing::redis::RedisServer;
use redis::aio::MultiplexedConnection;
use tokio::time::timeout;

use crate::bench::{NOW_MS, Process};
use crate::inbox::{asked, decided};
use crate::wire::{admin, ask};
use crate::within;

const NEWEST_OF_ALL: &str = "18446744073709551615-0";

/// A store, a tenant in it, and somebody else who writes there.
struct Intruded {
    _server: RedisServer,
    process: Process,
    tenant: TenantId,
    admin: MultiplexedConnection,
}

impl Intruded {
    async fn new() -> Self {
        let server = RedisServer::start();
        let process = Process::on_redis(&server.url());
        let admin = admin(&server).await;
        Self { _server: server, process, tenant: TenantId::new("tenant1"), admin }
    }

    fn store(&self) -> &Arc<dyn Store> {
        &self.process.store
    }

    async fn write<T: redis::FromRedisValue>(&mut self, words: &[&str]) -> T {
        ask(&mut self.admin, words).await
    }

    async fn noted(&self, note: InboxNote) -> InboxNote {
        self.store().note(&note).await.unwrap();
        note
    }

    fn asked(&self, ago: u64) -> InboxNote {
        asked(&self.tenant, ago)
    }

    /// All pages of a list, one request each, as its readers go from one to the next.
    async fn paged(&self, which: Noted) -> Vec<RequestId> {
        let (mut found, mut before): (Vec<RequestId>, Option<InboxPlace>) = (Vec::new(), None);
        for _ in 0..20 {
            let page = self.store().noted(&self.tenant, which, before.as_ref(), 1).await.unwrap();
            let Some(last) = page.last() else { return found };
            before = last.place(which);
            found.extend(page.into_iter().map(|noted| noted.request));
        }
        panic!("there is no end of it: {found:?}")
    }

    async fn told(&self, after: EventId, limit: usize) -> Vec<RequestId> {
        let changes = self.store().changes(&self.tenant, after, limit).await.unwrap();
        changes.into_iter().map(|change| change.request).collect()
    }
}

fn id(note: &InboxNote) -> RequestId {
    note.noted.request.clone()
}

#[tokio::test]
async fn a_request_is_listed_at_its_own_place_only_whatever_else_says_it_is() {
    within(async {
        let mut it = Intruded::new().await;
        let (old, new) = (it.noted(it.asked(9)).await, it.noted(it.asked(5)).await);
        let done = it.noted(decided(&it.asked(8), 1)).await;
        for (which, known) in [("waiting", &new), ("decided", &done)] {
            let key = format!("aura:inbox:{{tenant1}}:{which}");
            for at in [1, NOW_MS - 7, NOW_MS, NOW_MS + 1] {
                let place = format!("{at:020}:{}", known.noted.request);
                let _: usize = it.write(&["ZADD", &key, "0", &place]).await;
            }
        }
        assert_eq!(it.paged(Noted::Waiting).await, [id(&new), id(&old)]);
        assert_eq!(it.paged(Noted::Decided).await, [id(&done)]);
        let known: NotedRequest = new.noted.clone();
        let all = it.store().noted(&it.tenant, Noted::Waiting, None, 100).await.unwrap();
        assert_eq!(all, [known, old.noted.clone()]);
    })
    .await;
}

#[tokio::test]
async fn a_place_that_has_expired_takes_no_request_with_it_that_is_elsewhere() {
    within(async {
        let mut it = Intruded::new().await;
        let note = it.noted(it.asked(5)).await;
        for part in ["waiting", "decided"] {
            let (key, place) = (format!("aura:inbox:{{tenant1}}:{part}"), id(&note));
            let _: usize = it.write(&["ZADD", &key, "0", &format!("{:020}:{place}", 1)]).await;
        }
        let next = it.noted(it.asked(3)).await;
        assert_eq!(it.paged(Noted::Waiting).await, [id(&next), id(&note)]);
    })
    .await;
}

#[tokio::test]
async fn what_no_process_can_have_kept_of_a_request_gives_way() {
    within(async {
        let mut it = Intruded::new().await;
        let note = it.asked(5);
        let hash = "aura:inbox:{tenant1}:requests";
        for junk in
            ["", "x", "99999999999999999999:x", "+9999999999999999999:00000000000000000001:x"]
        {
            let _: usize = it.write(&["HSET", hash, note.noted.request.as_str(), junk]).await;
            assert_eq!(it.store().note(&note).await.unwrap(), None, "{junk}");
            assert_eq!(it.paged(Noted::Waiting).await, [id(&note)]);
        }
    })
    .await;
}

#[tokio::test]
async fn a_place_that_is_no_text_ends_no_list_and_starts_none_anew() {
    within(async {
        let mut it = Intruded::new().await;
        let (old, new) = (it.noted(it.asked(9)).await, it.noted(it.asked(5)).await);
        for at in [0, NOW_MS - 7, NOW_MS + 1] {
            let place = [format!("{at:020}:req_").as_bytes(), &b"\x80\x81"[..]].concat();
            let mut add = redis::cmd("ZADD");
            add.arg("aura:inbox:{tenant1}:waiting").arg(0).arg(place);
            let _: usize = add.query_async(&mut it.admin).await.unwrap();
        }
        let _: usize = it.write(&["ZADD", "aura:inbox:{tenant1}:waiting", "0", "x"]).await;
        assert_eq!(it.paged(Noted::Waiting).await, [id(&new), id(&old)]);
        let listed = it.store().noted(&it.tenant, Noted::Waiting, None, 3);
        let listed = timeout(Duration::from_secs(10), listed).await.expect("it ends").unwrap();
        assert_eq!(listed.len(), 2);
    })
    .await;
}

#[tokio::test]
async fn a_change_that_nobody_of_us_has_written_is_passed_over() {
    within(async {
        let mut it = Intruded::new().await;
        let first = it.noted(it.asked(9)).await;
        let key = "aura:inbox:{tenant1}:changes";
        let known = it.store().newest_change(&it.tenant).await.unwrap();
        for id in [format!("{}-0", NOW_MS + 5), format!("{}-7", NOW_MS + 6)] {
            let _: String = it.write(&["XADD", key, &id, "x", "y"]).await;
        }
        let _: String = it
            .write(&["XADD", key, &format!("{}-3", NOW_MS + 7), "q", "a", "s", "b", "d", "c"])
            .await;
        assert_eq!(it.store().newest_change(&it.tenant).await.unwrap(), known);
        let second = it.noted(it.asked(3)).await;
        assert_eq!(it.told(EventId::ZERO, 10).await, [id(&first), id(&second)]);
        assert_eq!(it.told(known, 1).await, [id(&second)], "none is taken for the end");
        let newest = it.store().newest_change(&it.tenant).await.unwrap();
        assert!(newest.get() > NOW_MS + 7);
        assert!(it.told(newest, 10).await.is_empty());
    })
    .await;
}

/// No entry can come after it: the changes begin anew, and who reads them is told.
#[tokio::test]
async fn a_change_at_the_end_of_all_numbers_ends_nothing() {
    within(async {
        let mut it = Intruded::new().await;
        let first = it.noted(it.asked(9)).await;
        let known = it.store().newest_change(&it.tenant).await.unwrap();
        let key = "aura:inbox:{tenant1}:changes";
        for cleared in [false, true] {
            let junk = ["XADD", key, NEWEST_OF_ALL, "q", "a", "s", "b", "d", "c"];
            let _: String = it.write(&junk).await;
            assert!(it.store().newest_change(&it.tenant).await.unwrap() >= known);
            if cleared {
                let _: usize = it.write(&["XDEL", key, NEWEST_OF_ALL]).await;
            }
            let second = it.noted(it.asked(3)).await;
            let read = it.store().changes(&it.tenant, known, 10).await;
            assert!(matches!(read, Err(ReadError::Gap { .. })), "{read:?}");
            let newest = it.store().newest_change(&it.tenant).await.unwrap();
            assert!(newest > known, "ids only grow");
            let third = it.noted(decided(&first, 1)).await;
            assert_eq!(it.told(newest, 10).await.last(), Some(&id(&third)));
            let waits = it.store().noted(&it.tenant, Noted::Waiting, None, 10).await.unwrap();
            assert!(
                waits.contains(&second.noted),
                "what is told is noted, and the other way round"
            );
            it.store().drop_noted(&it.tenant, &third.noted).await.unwrap();
        }
    })
    .await;
}

#[tokio::test]
async fn a_key_of_another_kind_is_replaced() {
    within(async {
        let mut it = Intruded::new().await;
        for part in ["waiting", "decided", "requests", "changes"] {
            let _: String =
                it.write(&["SET", &format!("aura:inbox:{{tenant1}}:{part}"), "x"]).await;
        }
        let note = it.noted(it.asked(1)).await;
        assert_eq!(it.paged(Noted::Waiting).await, [id(&note)]);
        assert_eq!(it.told(EventId::ZERO, 10).await, [id(&note)]);
        let found = it.store().noted_request(&it.tenant, &note.noted.request).await.unwrap();
        assert_eq!(found.map(|noted| noted.created_at), Some(UnixMs::new(NOW_MS - 1)));
    })
    .await;
}

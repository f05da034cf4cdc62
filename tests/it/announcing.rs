//! Who is told, and when that is given up: what would take a day, or a crash at one moment, with a store and a
//! clock of the test's own.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use aura_platform::agent::{AgentService, Announcers, Opened, Record, opening};
use aura_platform::announce::{Announcer, NotTold};
use aura_platform::domain::event::EndStatus;
use aura_platform::domain::{
    Announcement, Clock, Entry, EventId, Language, ManualClock, PageContext, Recipient,
    RequestTrace, SessionId, SessionMeta, TenantId, ThreadId, UnixMs, UserId,
};
use aura_platform::store::memory::MemoryStore;
use aura_platform::store::{AnnouncementPlace, Announcements, Journal};
use aura_platform::telemetry::metrics::{Load, Metrics, TextFormat};

use crate::panics::telling_service;
use crate::support::app::eventually;

const NOW: UnixMs = UnixMs::new(1_706_152_860_000);
const HOUR: Duration = Duration::from_secs(60 * 60);

/// Somebody who can be told, and fails as often as it is said.
#[derive(Default)]
struct Listener {
    told: Mutex<Vec<String>>,
    failing: AtomicUsize,
    is_gone: bool,
}

#[async_trait]
impl Announcer for Listener {
    fn recipient(&self) -> Recipient {
        Recipient::Webhook
    }

    async fn tell(&self, announcement: &Announcement) -> Result<(), NotTold> {
        self.told.lock().unwrap().push(announcement.id.to_string());
        if self.is_gone {
            return Err(NotTold::Unwanted);
        }
        let left = |left: usize| left.checked_sub(1);
        match self.failing.fetch_update(Ordering::SeqCst, Ordering::SeqCst, left) {
            Ok(_) => Err(NotTold::Later { why: "it says so".into(), after: None }),
            Err(_) => Ok(()),
        }
    }
}

struct World {
    clock: ManualClock,
    store: Arc<MemoryStore>,
    listener: Arc<Listener>,
    metrics: Metrics,
    _service: Arc<AgentService>,
}

impl World {
    fn failing(times: usize) -> Self {
        Self::with(Listener { failing: AtomicUsize::new(times), ..Listener::default() })
    }

    fn with(listener: Listener) -> Self {
        let (clock, metrics) = (ManualClock::at(NOW), Metrics::default());
        let listener = Arc::new(listener);
        let told = Announcers::new([Arc::clone(&listener) as Arc<dyn Announcer>]);
        let (_service, store) = telling_service(Arc::new(clock.clone()), told, &metrics);
        Self { clock, store, listener, metrics, _service }
    }

    async fn place(&self, session: &SessionId, after: u64, wait: Duration) {
        let (session, after, look_in) = (session.clone(), EventId::new(after), Duration::ZERO);
        let place = AnnouncementPlace { session, after, look_in, wait };
        self.store.place(Recipient::Webhook, &place).await.unwrap();
    }

    async fn append(&self, session: &SessionId, after: u64, entry: Entry) {
        self.store.append(session, EventId::new(after), &[entry]).await.unwrap();
    }

    fn told(&self) -> usize {
        self.listener.told.lock().unwrap().len()
    }

    /// How often this has come of telling.
    fn counted(&self, outcome: &str) -> u64 {
        let text = self.metrics.render(Load::default(), TextFormat::OpenMetrics).unwrap();
        let sample = format!("aura_announcements_total{{to=\"webhook\",outcome=\"{outcome}\"}} ");
        let found = text.lines().find_map(|line| line.strip_prefix(&sample));
        found.unwrap().parse().unwrap()
    }

    /// Moves the clock until it is so: pauses are counted by it.
    async fn until(&self, what: &str, is_so: impl Fn(&Self) -> bool) {
        eventually(what, || async {
            self.clock.advance(Duration::from_millis(200));
            is_so(self)
        })
        .await;
    }

    fn clock_is_past(&self, time: Duration) -> bool {
        self.clock.now() > NOW.after(time)
    }

    async fn queued(&self) -> u64 {
        let due = self.store.take_turns(Recipient::Webhook, 0, Duration::ZERO).await;
        due.unwrap().queued
    }
}

/// A session whose run has begun, `ago`, and how it begins.
fn begun(ago: Duration) -> (SessionId, Entry) {
    let session = SessionId::generate(&UserId::new("u"), NOW.second());
    let meta = SessionMeta {
        session_id: session.clone(),
        tenant: TenantId::new("t"),
        user: UserId::new("u"),
        thread_id: ThreadId::new("h"),
        prompt: "p".into(),
        prompt_hash: None,
        created_at_ms: NOW.before(ago).unwrap(),
        first_event: EventId::new(1),
        trace: RequestTrace::default(),
    };
    let opened = Opened {
        meta,
        context: PageContext::default(),
        history: Vec::new(),
        instructions: None,
        language: Language::Korean,
    };
    (session, opening(EventId::new(1), &Record::Opened(Box::new(opened))))
}

fn end() -> Entry {
    opening(EventId::new(2), &Record::Ended { status: EndStatus::Completed })
}

#[tokio::test]
async fn what_is_announced_and_comes_later_is_told_when_it_has_come() {
    let world = World::failing(0);
    let (session, start) = begun(Duration::ZERO);
    world.append(&session, 0, start).await;
    world.place(&session, 1, HOUR).await;
    world.until("it was looked for", |world| world.clock_is_past(Duration::from_secs(3))).await;
    assert_eq!((world.told(), world.queued().await), (0, 1));
    world.append(&session, 1, end()).await;
    world.until("it was told", |world| world.counted("delivered") == 1).await;
    eventually("the session has left", || async { world.queued().await == 0 }).await;
    assert_eq!(world.told(), 1);
}

#[tokio::test]
async fn what_was_announced_and_never_came_leaves_the_queue_in_the_end() {
    let world = World::failing(0);
    let (session, start) = begun(Duration::ZERO);
    world.append(&session, 0, start).await;
    world.place(&session, 1, HOUR).await;
    world.clock.advance(2 * HOUR);
    eventually("the session has left", || async { world.queued().await == 0 }).await;
    assert_eq!(world.told(), 0);
}

#[tokio::test]
async fn what_happened_a_day_ago_is_tried_once_more_and_dropped() {
    let world = World::failing(usize::from(u8::MAX));
    let (old, start) = begun(25 * HOUR);
    world.append(&old, 0, start).await;
    world.append(&old, 1, end()).await;
    world.place(&old, 1, HOUR).await;
    eventually("it is dropped", || async { world.counted("dropped") == 1 }).await;
    eventually("the session has left", || async { world.queued().await == 0 }).await;
    assert_eq!((world.told(), world.counted("failed"), world.counted("delivered")), (1, 1, 0));
}

#[tokio::test]
async fn what_happened_within_the_day_is_tried_again_under_the_same_name() {
    let world = World::failing(2);
    let (session, start) = begun(23 * HOUR);
    world.append(&session, 0, start).await;
    world.append(&session, 1, end()).await;
    world.place(&session, 1, HOUR).await;
    world.until("it is told", |world| world.counted("delivered") == 1).await;
    let told = world.listener.told.lock().unwrap().clone();
    assert_eq!(told, [told[0].as_str(); 3]);
    assert_eq!((world.counted("failed"), world.counted("dropped")), (2, 0));
}

#[tokio::test]
async fn a_journal_that_is_gone_is_dropped_and_counted() {
    let world = World::failing(0);
    let (session, _) = begun(Duration::ZERO);
    world.place(&session, 0, HOUR).await;
    eventually("it is dropped", || async { world.counted("dropped") == 1 }).await;
    eventually("the session has left", || async { world.queued().await == 0 }).await;
}

#[tokio::test]
async fn what_a_receiver_that_is_gone_was_to_be_told_leaves_the_queue_after_a_day() {
    let world = World::with(Listener { is_gone: true, ..Listener::default() });
    for after in [Duration::ZERO, HOUR, 2 * HOUR] {
        let (session, start) = begun(after);
        world.append(&session, 0, start).await;
        world.append(&session, 1, end()).await;
        world.place(&session, 1, HOUR).await;
    }
    eventually("it was tried", || async { world.counted("failed") > 0 }).await;
    assert_eq!(world.queued().await, 3, "what is young may be wanted by another process");
    world.clock.advance(25 * HOUR);
    eventually("all have left", || async { world.queued().await == 0 }).await;
    assert_eq!((world.counted("dropped"), world.told() as u64), (3, world.counted("failed")));
}

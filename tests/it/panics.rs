//! A run that breaks down in our own code: its stream has an end like any other.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use aura_platform::agent::{
    AgentService, Announcers, AnswerTimes, ApproverPolicy, Budget, KnownHolds, Limits, LocalRuns,
    PendingApprovals, RunContext, Seals, StartError, StartRun, Started, Terms, start_service,
};
use aura_platform::domain::{
    Asking, Caller, Clock, DecisionSeal, Entry, EventId, Language, LanguageChoice, OnReject,
    PageContext, Quota, RequestTrace, Roles, SessionId, Shown, SystemClock, TenantId, UserId,
};
use aura_platform::llm::{ChatModel, ChatRequest, ModelError, Turn};
use aura_platform::shutdown::Tasks;
use aura_platform::store::memory::MemoryStore;
use aura_platform::store::{Journal, Store};
use aura_platform::telemetry::metrics::Metrics;
use aura_platform::tools::{ApprovalPolicy, Tools};
use aura_testing::defaults::memory_store;
use tokio::time::timeout;

use crate::support::app::PATIENCE;

/// A model with a bug in it.
struct Broken;

#[async_trait]
impl ChatModel for Broken {
    fn name(&self) -> &'static str {
        "broken"
    }

    async fn chat(&self, _: ChatRequest) -> Result<Turn, ModelError> {
        panic!("a bug")
    }
}

async fn whole_journal(store: &MemoryStore, session: &SessionId) -> Vec<Entry> {
    let mut follower = store.follow(session).await.unwrap();
    let over = async {
        loop {
            let entries = store.read(session, EventId::ZERO, 100).await.unwrap();
            if entries.last().is_some_and(Entry::is_done) {
                return entries;
            }
            follower.changed().await;
        }
    };
    timeout(PATIENCE, over).await.expect("the run never ended")
}

/// A service with room for one run, whose model is broken.
pub(crate) fn broken_service() -> (Arc<AgentService>, Arc<MemoryStore>) {
    telling_service(Arc::new(SystemClock), Announcers::default(), &Metrics::default())
}

/// The same, which tells these.
pub(crate) fn telling_service(
    clock: Arc<dyn Clock>,
    announcers: Announcers,
    metrics: &Metrics,
) -> (Arc<AgentService>, Arc<MemoryStore>) {
    let tasks = Tasks::new();
    let (store, events) = MemoryStore::start(memory_store(), Arc::clone(&clock), &tasks);
    let runs = Arc::new(LocalRuns::new(1, Duration::ZERO));
    let ctx = RunContext {
        store: Arc::clone(&store) as Arc<dyn Store>,
        clock,
        tasks: tasks.clone(),
        store_timeout: Duration::from_secs(1),
        metrics: metrics.clone(),
        seals: Arc::new(Seals::new(DecisionSeal::new(b"a secret of these tests"))),
        known_holds: KnownHolds::default(),
        model: Arc::new(Broken),
        tools: Arc::new(Tools::new(Vec::new(), ApprovalPolicy::default()).unwrap()),
        pending: Arc::clone(&runs) as Arc<dyn PendingApprovals>,
        approvers: ApproverPolicy::default(),
        instructions: None,
        language: LanguageChoice::Always(Language::Korean),
        answer_times: AnswerTimes { usual: Duration::from_secs(5), by_tool: BTreeMap::new() },
        limits: Limits {
            asking: Asking::OneByOne,
            max_turns: 8,
            max_tool_calls: 8,
            hitl_warning: Duration::ZERO,
            on_reject: OnReject::Stop,
            budget: Budget::default(),
            quota: Quota::default(),
            context_tokens: None,
        },
        notices: true,
        terms: Terms {
            lease: Duration::from_secs(5),
            scan: Duration::from_secs(1),
            start: Duration::from_secs(5),
        },
        announcers,
    };
    (start_service(Arc::new(ctx), runs, events), store)
}

async fn start(service: &Arc<AgentService>) -> Result<SessionId, StartError> {
    let caller = Caller {
        tenant: TenantId::new("tenant1"),
        user: UserId::new("user123"),
        roles: Roles::default(),
    };
    let ask = StartRun {
        prompt: "안녕".into(),
        context: PageContext::default(),
        thread: None,
        above: EventId::ZERO,
        key: None,
        trace: RequestTrace::default(),
    };
    match service.start(&caller, ask).await? {
        Started::New { session, .. } => Ok(session),
        Started::Before(session) => panic!("{session} was started before, without any key"),
    }
}

/// The whole journal of a run that has panicked.
pub(crate) async fn panicked() -> Vec<Entry> {
    let (service, store) = broken_service();
    let session = start(&service).await.unwrap();
    whole_journal(&store, &session).await
}

#[tokio::test]
async fn a_panic_in_a_run_ends_with_error_end_and_trailer() {
    let (service, store) = broken_service();
    let session = start(&service).await.unwrap();
    let entries = whole_journal(&store, &session).await;
    let shown: Vec<_> = entries.iter().filter_map(|entry| entry.shown.as_ref()).collect();
    let kinds: Vec<&str> = shown
        .iter()
        .map(|shown| match shown {
            Shown::Event { kind, .. } => &**kind,
            Shown::Done => "[DONE]",
        })
        .collect();
    assert_eq!(kinds, ["start", "thought", "content", "error", "end", "[DONE]"]);
    let Shown::Event { payload, .. } = shown[3] else { panic!("{:?}", shown[3]) };
    let error: serde_json::Value = serde_json::from_slice(payload).unwrap();
    assert_eq!(
        (&error["errorType"], &error["errorCode"]),
        (&"InternalError".into(), &"E1000".into())
    );

    // Its place among the live runs is free again: only one may live here.
    let again = async {
        while start(&service).await.is_err() {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, again).await.expect("the broken run still holds its place");
}

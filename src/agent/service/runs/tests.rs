//! Whatever happens to a run, in whatever order: nothing of it is left behind.

use std::time::Duration;

use proptest::prelude::*;
use proptest::sample::Index;

use super::*;
use crate::domain::{Approvers, Deadline, TenantId, UnixMs, Verdict};

/// Runs that may work at once, fewer than there are runs.
const MAX_RUNS: usize = 2;
/// How long before a deadline somebody is warned.
const WARNING: Duration = Duration::from_secs(60);
/// The runs of these tests, and the requests of each.
const SESSIONS: [&str; 3] = ["session_u_1_a", "session_u_1_b", "session_u_1_c"];
const REQUESTS: [&str; 2] = ["req_1", "req_2"];

fn session() -> SessionId {
    SessionId::new(SESSIONS[0])
}

fn id(session: &SessionId, request: &str) -> RequestId {
    RequestId::new(format!("{request}_{session}"))
}

fn request(id: &RequestId) -> PendingRequest {
    PendingRequest {
        request: id.clone(),
        tenant: TenantId::new("t"),
        tool: "git_merge".into(),
        created_at: UnixMs::default(),
        deadline: Deadline::after(UnixMs::new(0), Duration::from_secs(300)),
        shown: false,
        alone: true,
        approvers: Approvers::default(),
    }
}

fn suspended() -> SuspendedRun {
    SuspendedRun { journal_end: EventId::ZERO }
}

fn yes() -> Decision {
    Decision::of(Verdict::Approved, UnixMs::new(1))
}

/// A table with one run at work.
fn working() -> LocalRuns {
    let runs = LocalRuns::new(MAX_RUNS, WARNING);
    assert!(runs.start(&session()));
    runs.work(&session(), runs.permits().take().unwrap());
    runs
}

#[test]
fn a_run_that_waits_holds_no_permit_and_is_not_at_work() {
    let runs = working();
    let asked = id(&session(), "req_1");
    runs.expect(&session(), request(&asked));
    assert_eq!((runs.permits().room(), runs.at_work().len()), (MAX_RUNS - 1, 1));
    assert!(matches!(runs.suspend(&session(), suspended()), Suspension::Waits(1)));
    assert_eq!((runs.permits().room(), runs.at_work().len()), (MAX_RUNS, 0));
    assert_eq!(runs.owned(), [session()]);
}

#[test]
fn an_answer_that_comes_while_the_run_works_on_another_is_handed_out_when_it_is_suspended() {
    let runs = working();
    let (first, second) = (id(&session(), "req_1"), id(&session(), "req_2"));
    runs.expect(&session(), request(&first));
    runs.expect(&session(), request(&second));
    assert!(matches!(runs.suspend(&session(), suspended()), Suspension::Waits(2)));
    let token = runs.decide(&session(), &first, yes()).unwrap();
    assert!(runs.decide(&session(), &second, yes()).is_none(), "somebody goes on with it");
    assert_eq!(runs.expecting(), [session()], "the run has not been told of the second");
    let Suspension::GoOn(token) = runs.suspend(&session(), token.suspended) else {
        panic!("nobody told the run of the second answer")
    };
    assert_eq!(token.news.decided[0].request, second);
    assert!(runs.expecting().is_empty(), "nothing is left behind");
}

#[test]
fn only_a_run_that_is_suspended_is_removed_as_such_and_only_once() {
    let runs = working();
    let (first, second) = (id(&session(), "req_1"), id(&session(), "req_2"));
    runs.expect(&session(), request(&first));
    runs.expect(&session(), request(&second));
    assert!(runs.remove_suspended(&session()).is_none(), "it is at work");
    runs.suspend(&session(), suspended());
    let token = runs.decide(&session(), &first, yes()).unwrap();
    assert!(runs.remove_suspended(&session()).is_none(), "somebody goes on with it");
    runs.suspend(&session(), token.suspended);
    assert_eq!(runs.remove_suspended(&session()).unwrap()[0].request, second);
    assert!(runs.remove_suspended(&session()).is_none());
    assert!(runs.remove_all_suspended().is_empty());
}

/// So many runs that wait for one request each.
fn with_waiting(runs: &LocalRuns, count: usize) -> Vec<SessionId> {
    let sessions = (0..count).map(|n| SessionId::new(format!("session_u_1_{n}")));
    let waits = |session: SessionId| {
        assert!(runs.start(&session));
        runs.expect(&session, request(&id(&session, "req_1")));
        assert!(matches!(runs.suspend(&session, suspended()), Suspension::Waits(1)));
        session
    };
    sessions.map(waits).collect()
}

#[test]
fn however_requests_go_no_alarm_of_theirs_is_left() {
    let runs = LocalRuns::new(MAX_RUNS, WARNING);
    let sessions = with_waiting(&runs, 100);
    assert_eq!(runs.alarms().count(), 200, "a warning and a deadline each");
    for session in &sessions {
        assert!(runs.decide(session, &id(session, "req_1"), yes()).is_some());
        runs.remove(session);
    }
    assert_eq!(runs.alarms().count(), 0, "decided");
    for session in with_waiting(&runs, 10) {
        runs.withdraw(&session);
        runs.remove(&session);
    }
    assert_eq!(runs.alarms().count(), 0, "withdrawn");
    for session in with_waiting(&runs, 10) {
        assert!(runs.remove_suspended(&session).is_some());
    }
    for session in with_waiting(&runs, 10) {
        runs.lose(&session);
    }
    assert_eq!((runs.alarms().count(), runs.take_lost().len()), (0, 10), "lost");
    with_waiting(&runs, 10);
    assert_eq!(runs.remove_all_suspended().len(), 10);
    assert_eq!(runs.alarms().count(), 0, "handed over");
}

#[test]
fn a_request_has_its_alarms_once_however_often_its_run_is_suspended() {
    let runs = LocalRuns::new(MAX_RUNS, Duration::ZERO);
    let session = with_waiting(&runs, 1).remove(0);
    assert_eq!(runs.alarms().count(), 1, "nobody is warned");
    let token = runs.wake(&session, &id(&session, "req_1")).unwrap();
    assert_eq!(runs.alarms().count(), 1, "it waits all the same");
    assert!(matches!(runs.suspend(&session, token.suspended), Suspension::Waits(0)));
    assert_eq!(runs.alarms().count(), 1);
}

#[test]
fn an_interruption_is_not_lost_between_a_start_and_the_first_step() {
    let runs = LocalRuns::new(MAX_RUNS, WARNING);
    runs.start(&session());
    runs.interrupt(&session());
    assert!(runs.work(&session(), runs.permits().take().unwrap()).is_cancelled());
}

#[test]
fn a_run_that_was_lost_expects_nothing_and_may_come_back() {
    let runs = working();
    runs.lose(&session());
    runs.expect(&session(), request(&id(&session(), "req_1")));
    assert!(runs.expecting().is_empty() && !runs.owns(&session()));
    assert_eq!(runs.permits().room(), MAX_RUNS);
    assert!(runs.start(&session()), "it is claimed again");
    assert!(runs.take_lost().is_empty());
    runs.put_lost_back(vec![session()]);
    assert!(runs.owns(&session()), "it is here, and its lease is renewed with that");
}

/// What may happen to a run, at any time.
#[derive(Clone, Copy, Debug)]
enum Event {
    Start,
    Work,
    Expect(&'static str),
    Show,
    Withdraw,
    Suspend,
    Decide(&'static str),
    Uncounted(&'static str),
    Wake(&'static str),
    Frames,
    Over,
    Lose,
    RenewLost { fails: bool },
    HandOverWaiting,
    HandOverAll,
}

fn events() -> impl Strategy<Value = Event> {
    let request = || proptest::sample::select(REQUESTS.to_vec());
    prop_oneof![
        3 => Just(Event::Start),
        3 => Just(Event::Work),
        3 => request().prop_map(Event::Expect),
        1 => Just(Event::Show),
        1 => Just(Event::Withdraw),
        4 => Just(Event::Suspend),
        4 => request().prop_map(Event::Decide),
        2 => request().prop_map(Event::Uncounted),
        2 => request().prop_map(Event::Wake),
        1 => Just(Event::Frames),
        1 => Just(Event::Over),
        1 => Just(Event::Lose),
        1 => any::<bool>().prop_map(|fails| Event::RenewLost { fails }),
        1 => Just(Event::HandOverWaiting),
        1 => Just(Event::HandOverAll),
    ]
}

/// What a process knows besides of its table: the rights to go on that were handed out, and the readers.
struct Process {
    runs: LocalRuns,
    tokens: HashMap<SessionId, ResumeToken>,
    readers: Vec<(SessionId, Arc<RecentFrames>, tokio::sync::watch::Receiver<u64>)>,
}

impl Process {
    fn new() -> Self {
        Self {
            runs: LocalRuns::new(MAX_RUNS, WARNING),
            tokens: HashMap::new(),
            readers: Vec::new(),
        }
    }

    fn is_working(&self, session: &SessionId) -> bool {
        let table = self.runs.lock();
        table.get(session).is_some_and(|run| matches!(run.stage, Stage::Working { .. }))
    }

    /// A right to go on is handed out once: never while another is out.
    fn keep(&mut self, session: &SessionId, token: Option<ResumeToken>) {
        if let Some(token) = token {
            assert!(self.tokens.insert(session.clone(), token).is_none(), "handed out twice");
        }
    }

    fn happen(&mut self, session: &SessionId, event: Event) {
        match event {
            Event::Start => drop(self.runs.start(session)),
            // A task is spawned by whoever started the run, or holds the right to go on with it.
            Event::Work if self.runs.owns(session) && !self.is_working(session) => {
                let is_suspended = self.runs.lock()[session].stage.is_suspended();
                let permit = match self.tokens.remove(session) {
                    Some(_) => Some(self.runs.permits().take_beyond_most()),
                    None => self.runs.permits().take(),
                };
                if let Some(permit) = permit.filter(|_| !is_suspended) {
                    self.runs.work(session, permit);
                }
            }
            Event::Work => {}
            Event::Expect(name) => self.runs.expect(session, request(&id(session, name))),
            Event::Show => self.runs.show(session),
            Event::Withdraw => drop(self.runs.withdraw(session)),
            Event::Suspend if self.is_working(session) => {
                match self.runs.suspend(session, suspended()) {
                    Suspension::GoOn(token) => self.keep(session, Some(token)),
                    Suspension::Waits(_) => {}
                    Suspension::Unexpected => self.runs.remove(session),
                }
            }
            Event::Suspend => {}
            Event::Decide(name) => {
                let token = self.runs.decide(session, &id(session, name), yes());
                self.keep(session, token);
            }
            Event::Uncounted(name) => {
                let vote = UncountedVote { by: None, at: None, held: None };
                let noted = self.runs.note_uncounted(session, &id(session, name), vote);
                if let UncountedOutcome::Resume(token) = noted {
                    self.keep(session, Some(token));
                }
            }
            Event::Wake(name) => {
                let token = self.runs.wake(session, &id(session, name));
                self.keep(session, token);
            }
            Event::Frames if self.runs.owns(session) => {
                let frames = self.runs.open_frames(session, EventId::ZERO);
                let changes = frames.listen();
                self.readers.push((session.clone(), frames, changes));
            }
            Event::Frames => {}
            Event::Over => {
                self.tokens.remove(session);
                self.runs.remove(session);
            }
            Event::Lose => {
                self.tokens.remove(session);
                self.runs.lose(session);
            }
            Event::RenewLost { fails } => {
                let lost = self.runs.take_lost();
                if fails {
                    self.runs.put_lost_back(lost);
                }
            }
            Event::HandOverWaiting => drop(self.runs.remove_all_suspended()),
            Event::HandOverAll => {
                for session in self.runs.at_work() {
                    self.tokens.remove(&session);
                    self.runs.remove(&session);
                }
            }
        }
    }

    /// What holds at any time.
    fn check(&mut self) {
        let runs = &self.runs;
        let working = SESSIONS.iter().filter(|id| self.is_working(&SessionId::new(**id))).count();
        assert_eq!(runs.permits().room(), MAX_RUNS.saturating_sub(working), "a permit is left");
        let (owned, at_work, expecting) = (runs.owned(), runs.at_work(), runs.expecting());
        assert!(at_work.iter().all(|session| owned.contains(session)));
        assert!(expecting.iter().all(|session| owned.contains(session)), "nobody renews its lease");
        assert!(runs.all_waiting().iter().all(|(session, _)| expecting.contains(session)));
        let timed = |run: &LocalRun| run.open.waiting().count() * 2;
        let most: usize = runs.lock().values().map(timed).sum();
        assert!(runs.alarms().count() <= most, "an alarm of what nobody waits for");
        for session in self.tokens.keys() {
            assert!(at_work.contains(session), "it is about to work, and its lease is kept");
        }
        // Whoever reads frames that nobody adds to any more has been told to look again.
        for (session, frames, changes) in &self.readers {
            let current = runs.frames(session).is_some_and(|now| Arc::ptr_eq(&now, frames));
            assert!(current || changes.has_changed().unwrap(), "a reader waits for ever");
        }
    }

    /// Every run comes to its end by the ways that there are.
    fn quiesce(&mut self) {
        for name in SESSIONS {
            let session = SessionId::new(name);
            self.tokens.remove(&session);
            self.runs.remove(&session);
        }
    }
}

proptest! {
    #[test]
    fn no_order_of_events_leaves_a_permit_a_lease_or_a_waiting_client_behind(
        events in proptest::collection::vec((any::<Index>(), events()), 1..60)
    ) {
        let mut process = Process::new();
        for (which, event) in events {
            process.happen(&SessionId::new(*which.get(&SESSIONS)), event);
            process.check();
        }
        process.quiesce();
        process.check();
        let runs = &process.runs;
        prop_assert_eq!(runs.permits().room(), MAX_RUNS);
        prop_assert!(runs.owned().is_empty() && runs.take_lost().is_empty());
        prop_assert_eq!(runs.alarms().count(), 0);
        prop_assert_eq!((runs.load().working, runs.load().waiting), (0, 0));
    }
}

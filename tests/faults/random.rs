//! Replicas under a schedule of kills, stops, cuts and restarts that the seed decides, and a crowd
//! of people who come, go away and answer as they like. Afterwards every history and every journal
//! is checked.
//!
//! | variable | meaning | default |
//! |---|---|---|
//! | `AURA_FAULTS_SEED` | what the schedule is drawn from; printed, and replayed by setting it | 7 |
//! | `AURA_FAULTS_SESSIONS` | sessions of a batch | 40 |
//! | `AURA_FAULTS_SECONDS` | how long batches are begun, each with the next seed; 0 is one | 0 |

use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::future::join_all;
use redis::aio::MultiplexedConnection;
use serde_json::json;
use tokio::time::sleep;

use crate::append_log::Spread;
use crate::checker::{Evidence, Orphan, Violation, check_key, check_orphan};
use crate::client::{ClientActor, Environment, History};
use crate::cluster::{Cluster, LEASE_SECONDS, Replica};
use crate::journal::{self, Entry};
use crate::model;
use crate::plan::Plan;
use crate::rng::Rng;
use crate::workspace::Workspace;
use aura_testing::app::{Options, client};
use aura_testing::model::FakeModel;
use aura_testing::redis::RedisServer;

/// How long the crowd of one batch takes to arrive.
const ARRIVALS: Duration = Duration::from_secs(10);
/// How long the faults of one batch go on.
const STORM: Duration = Duration::from_secs(14);
/// How long a session may take from its arrival on; the faults are over long before.
const PATIENCE: Duration = Duration::from_secs(300);
/// How long a run may go on that no client knows of; the faults are over before.
const REST: Duration = Duration::from_secs(60);
/// Between two words of the model.
const PACE: Duration = Duration::from_millis(40);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_replicas_in_a_storm_lose_nothing_and_do_nothing_twice() {
    storm(2).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_replicas_in_a_storm_lose_nothing_and_do_nothing_twice() {
    storm(3).await;
}

/// What happens to a replica.
#[derive(Clone, Copy, Debug)]
enum Fault {
    /// `kill -9`, and a new process.
    Kill,
    /// SIGTERM, and a new process once it has ended.
    Terminate,
    /// SIGSTOP, and SIGCONT after that time.
    Pause(Duration),
    /// Nothing gets through between it and Redis for that time.
    Isolate(Duration),
    /// Its connections to Redis are closed.
    Cut,
    /// SIGSTOP in the middle of a start, and SIGCONT after that time.
    PauseInAStart(Duration),
}

/// The faults of one replica, each with the time since the one before.
fn schedule(seed: u64, replica: usize) -> Vec<(Duration, Fault)> {
    let mut rng = Rng::of(seed, "replica", replica);
    let mut pauses = Rng::of(seed, "start", replica);
    let lease = usize::try_from(LEASE_SECONDS * 1000).unwrap();
    let (mut faults, mut at) = (Vec::new(), Duration::ZERO);
    while at < STORM {
        let wait = rng.millis(500, 4000);
        let fault = match rng.below(100) {
            0..40 => Fault::Kill,
            40..60 => Fault::Terminate,
            60..80 => Fault::Pause(rng.millis(lease / 2, 3 * lease)),
            80..92 => Fault::Isolate(rng.millis(lease / 2, 3 * lease)),
            _ => Fault::Cut,
        };
        // Drawn apart, so that the rest of a seed's schedule stays as it was.
        let fault = match pauses.percent(20) {
            true => Fault::PauseInAStart(pauses.millis(lease / 2, 4 * lease)),
            false => fault,
        };
        at += wait;
        if let Fault::Pause(time) | Fault::Isolate(time) | Fault::PauseInAStart(time) = fault {
            at += time;
        }
        faults.push((wait, fault));
    }
    faults
}

async fn torment(mut replica: Replica, faults: Vec<(Duration, Fault)>) -> Replica {
    for (wait, fault) in faults {
        sleep(wait).await;
        match fault {
            Fault::Kill => replica = replica.kill().await,
            Fault::Terminate => replica = replica.terminate().await,
            Fault::Pause(time) => replica.pause(time).await,
            Fault::Isolate(time) => replica.isolate(time).await,
            Fault::Cut => replica.cut(),
            Fault::PauseInAStart(time) => replica.pause_in_a_start(time).await,
        }
    }
    replica
}

/// When the machine is busy with something else, since the storm began, and for how long.
fn starvation(seed: u64) -> Vec<(Duration, Duration)> {
    let mut rng = Rng::of(seed, "starvation", 0);
    let storm = usize::try_from(STORM.as_millis()).unwrap();
    (0..2).map(|_| (rng.millis(0, storm), rng.millis(1000, 4000))).collect()
}

/// Keeps every core busy twice over for a while.
async fn starve(at: Duration, time: Duration) {
    sleep(at).await;
    let cores = std::thread::available_parallelism().map_or(2, usize::from);
    let loops = (0..2 * cores).map(|_| {
        let mut shell = tokio::process::Command::new("sh");
        shell.args(["-c", "while :; do :; done"]).kill_on_drop(true).spawn().unwrap()
    });
    let loops: Vec<_> = loops.collect();
    sleep(time).await;
    for mut busy in loops {
        busy.kill().await.unwrap();
    }
}

/// A run that no client knows of, once nothing more happens to it; its lease is what somebody who
/// died would have left it with.
pub async fn at_rest(
    redis: &mut MultiplexedConnection,
    session: &str,
) -> Result<(Orphan, Vec<Entry>), Violation> {
    let gives_up = Instant::now() + REST;
    loop {
        let leased = journal::is_leased(redis, session).await;
        let stored = journal::read(redis, session).await;
        let orphan = Orphan::of(&stored);
        match orphan {
            Orphan::Over | Orphan::Withdrawn => return Ok((orphan, stored)),
            Orphan::Waits | Orphan::Works if !leased => {
                return Err(format!("it {orphan:?}, and nobody looks after it"));
            }
            Orphan::Waits => return Ok((orphan, stored)),
            Orphan::Works if Instant::now() > gives_up => {
                return Err("it does not come to its end, though somebody has its lease".into());
            }
            Orphan::Works => sleep(Duration::from_millis(50)).await,
        }
    }
}

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().expect("a number"))
}

async fn storm(replicas: usize) {
    let seed = setting("AURA_FAULTS_SEED", 7);
    let sessions = usize::try_from(setting("AURA_FAULTS_SESSIONS", 40)).unwrap();
    let seconds = Duration::from_secs(setting("AURA_FAULTS_SECONDS", 0));
    let mut storm = Storm::prepare(replicas).await;
    for seed in seed.. {
        storm.batch(seed, sessions).await;
        if storm.began.elapsed() >= seconds {
            break;
        }
    }
    storm.end().await;
}

/// Everything that outlives a batch.
struct Storm {
    began: Instant,
    redis: RedisServer,
    workspace: Workspace,
    cluster: Arc<Cluster>,
    replicas: Vec<Replica>,
    tally: Tally,
    batches: usize,
    /// Journals that have been checked.
    checked: HashSet<String>,
    /// The users whose one request has a key.
    keyed: HashSet<String>,
    /// Approvals of each session that merged, for a last look when nobody can merge any more.
    approved: Vec<(String, usize)>,
    _model: FakeModel,
}

/// What has happened.
#[derive(Default)]
struct Tally {
    sessions: usize,
    keyed: usize,
    orphans: BTreeMap<Orphan, usize>,
    faults: BTreeMap<&'static str, usize>,
    left: usize,
    broken_off: usize,
    approvals: usize,
    merges: usize,
    ends: BTreeMap<String, usize>,
    refusals: BTreeMap<String, usize>,
    take_overs: Vec<Duration>,
    hand_overs: Vec<Duration>,
}

impl Storm {
    async fn prepare(replicas: usize) -> Self {
        let redis = RedisServer::start();
        let model = model::start(PACE).await;
        let workspace = Workspace::new();
        let options = Options::default()
            .model(&model)
            .set("LOG_LEVEL", "warn,aura_platform::agent=info")
            .set("AURA__API__SHUTDOWN_GRACE_SECONDS", 5);
        let cluster = Cluster::new(redis.port(), options, workspace.root());
        let replicas = join_all((0..replicas).map(|number| cluster.replica(number))).await;
        Self {
            began: Instant::now(),
            redis,
            workspace,
            cluster,
            replicas,
            tally: Tally::default(),
            batches: 0,
            checked: HashSet::new(),
            keyed: HashSet::new(),
            approved: Vec::new(),
            _model: model,
        }
    }

    /// One crowd in one storm.
    async fn batch(&mut self, seed: u64, sessions: usize) {
        let number = self.batches;
        self.batches += 1;
        let environment = Environment {
            cluster: Arc::clone(&self.cluster),
            redis: self.redis.url(),
            http: client(),
            seed,
        };
        eprintln!("AURA_FAULTS_SEED={seed}: {sessions} sessions, {} replicas", self.replicas.len());
        let crowd = (0..sessions).map(|index| {
            let plan = Plan::drawn(seed, number, index, ARRIVALS);
            self.workspace.add(&plan.repository());
            tokio::spawn(ClientActor::new(plan, environment.clone()).live(PATIENCE))
        });
        let crowd: Vec<_> = crowd.collect();
        let tormented = self.replicas.drain(..).enumerate().map(|(number, replica)| {
            let faults = schedule(seed, number);
            eprintln!("  replica {number}: {faults:?}");
            for (_, fault) in &faults {
                *self.tally.faults.entry(fault.name()).or_default() += 1;
            }
            tokio::spawn(torment(replica, faults))
        });
        let tormented: Vec<_> = tormented.collect();
        let starved = starvation(seed);
        eprintln!("  starvation: {starved:?}");
        *self.tally.faults.entry("starvations").or_default() += starved.len();
        let starving = starved.into_iter().map(|(at, time)| tokio::spawn(starve(at, time)));
        let starving: Vec<_> = starving.collect();
        let lived = join_all(crowd).await;
        for replica in join_all(tormented).await {
            self.replicas.push(replica.unwrap());
        }
        for busy in starving {
            busy.await.unwrap();
        }
        self.workspace.forget();
        for person in lived {
            let (plan, history) = person.unwrap();
            let history = history.unwrap_or_else(|why| panic!("seed {seed}: {plan}: {why}"));
            self.check(seed, &plan, &history).await;
        }
        self.check_orphans(seed).await;
        eprintln!("{}", self.summary());
        self.write_summary();
    }

    async fn check(&mut self, seed: u64, plan: &Plan, history: &History) {
        let session = history.session.clone().unwrap();
        let mut redis = journal::connect(&self.redis.url()).await.unwrap();
        let stored = journal::read(&mut redis, &session).await;
        let merges = self.workspace.merges(&plan.repository());
        let evidence = Evidence { plan, history, journal: &stored, merges };
        if let Err(violation) = evidence.check() {
            let log: Vec<String> = stored.iter().map(ToString::to_string).collect();
            panic!("seed {seed}: {plan}: {session}: {violation}\n{}", log.join("\n"));
        }
        self.approved.push((plan.repository(), evidence.approvals()));
        self.checked.insert(session);
        if plan.keyed {
            self.keyed.insert(plan.user());
        }
        let tally = &mut self.tally;
        tally.sessions += 1;
        tally.keyed += usize::from(plan.keyed);
        tally.left += history.left;
        tally.broken_off += history.broken_off;
        tally.approvals += evidence.approvals();
        tally.merges += merges;
        *tally.ends.entry(evidence.status().to_owned()).or_default() += 1;
        for (how, times) in &history.refusals {
            *tally.refusals.entry(how.clone()).or_default() += times;
        }
    }

    /// Runs that were begun for a client that never got the answer, and asked again. Each has come to
    /// its end, or waits for a person and is looked after; a request with a key has left no second
    /// run but such as were refused.
    async fn check_orphans(&mut self, seed: u64) {
        let mut redis = journal::connect(&self.redis.url()).await.unwrap();
        for session in journal::sessions(&mut redis).await {
            if self.checked.contains(&session) {
                continue;
            }
            let (orphan, stored) = at_rest(&mut redis, &session).await.unwrap_or_else(|why| {
                panic!("seed {seed}: {session}, of which no client knew: {why}")
            });
            let checked = check_orphan(&stored).and_then(|()| check_key(&self.keyed, &stored));
            if let Err(violation) = checked {
                let log: Vec<String> = stored.iter().map(ToString::to_string).collect();
                let log = log.join("\n");
                panic!("seed {seed}: {session}, of which no client knew: {violation}\n{log}");
            }
            *self.tally.orphans.entry(orphan).or_default() += 1;
            self.checked.insert(session);
        }
    }

    /// Ends the servers, and looks once more when none of them can do anything.
    async fn end(mut self) {
        for replica in self.replicas.drain(..) {
            replica.end().await;
        }
        for (repository, approvals) in &self.approved {
            let merges = self.workspace.merges(repository);
            assert!(merges <= *approvals, "{repository}: {merges} merges, {approvals} approvals");
        }
        self.write_summary();
    }

    /// Writes for people what has happened so far, and for machines one line of JSON whose numbers can
    /// be added to those of other storms.
    fn write_summary(&mut self) {
        let summary = self.summary();
        let Ok(file) = std::env::var("AURA_FAULTS_SUMMARY") else { return };
        let Tally { sessions, keyed, orphans, faults, ends, refusals, .. } = &self.tally;
        let orphans: BTreeMap<String, usize> =
            orphans.iter().map(|(orphan, count)| (format!("{orphan:?}"), *count)).collect();
        let numbers = json!({
            "seconds": self.began.elapsed().as_secs(), "batches": self.batches,
            "sessions": sessions, "keyed": keyed, "orphans": orphans, "ends": ends,
            "faults": faults, "refusals": refusals, "approvals": self.tally.approvals,
            "merges": self.tally.merges, "takeOvers": self.tally.take_overs.len(),
            "handOvers": self.tally.hand_overs.len(), "violations": 0,
        });
        std::fs::write(file, format!("{summary}\n{numbers}\n")).unwrap();
    }

    fn summary(&mut self) -> String {
        self.tally.take_overs = self.cluster.append_log.take_overs();
        self.tally.hand_overs = self.cluster.append_log.hand_overs();
        format!("after {:.0?}: {}", self.began.elapsed(), self.tally)
    }
}

impl Fault {
    fn name(self) -> &'static str {
        match self {
            Self::Kill => "kills",
            Self::Terminate => "graceful restarts",
            Self::Pause(_) => "stops",
            Self::Isolate(_) => "isolations from Redis",
            Self::Cut => "cuts from Redis",
            Self::PauseInAStart(_) => "stops in a start",
        }
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} sessions, {} of them with a key", self.sessions, self.keyed)?;
        writeln!(f, "  orphans     {:?} that no client knew of", self.orphans)?;
        writeln!(f, "  ends        {:?}", self.ends)?;
        writeln!(f, "  faults      {:?}", self.faults)?;
        writeln!(f, "  clients     left {} times, were cut off {}", self.left, self.broken_off)?;
        writeln!(f, "  refusals    {:?}", self.refusals)?;
        writeln!(f, "  approvals   {}, merges {}", self.approvals, self.merges)?;
        writeln!(f, "  take-over   {}", Spread(&self.take_overs))?;
        writeln!(f, "  hand-over   {}", Spread(&self.hand_overs))?;
        write!(f, "  violations  none")
    }
}

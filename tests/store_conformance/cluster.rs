//! Three servers that are one cluster, and what only a cluster can do.

use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use aura_platform::domain::{EventId, SessionId};
use aura_platform::store::StoreError;

use crate::bench::{Process, entries, eventually, some_session};
use crate::outage::{is_unavailable, until_it_answers, until_resubscribed};
use crate::within;
use aura_testing::redis::{RedisServer, free_port};

/// How long the nodes may take to find each other.
const START: Duration = Duration::from_secs(30);
const SLOTS: [&str; 3] = ["0 5460", "5461 10922", "10923 16383"];

/// The nodes of a cluster.
pub(crate) struct ClusterServers {
    nodes: Vec<RedisServer>,
}

impl ClusterServers {
    /// Three primaries that serve all slots.
    fn start() -> Self {
        let nodes: Vec<_> = (0..SLOTS.len()).map(|_| RedisServer::told(node_args)).collect();
        for (index, (node, slots)) in nodes.iter().zip(SLOTS).enumerate() {
            said_ok(node, &format!("CLUSTER SET-CONFIG-EPOCH {}", index + 1));
            said_ok(node, &format!("CLUSTER ADDSLOTSRANGE {slots}"));
            let (port, bus) = (nodes[0].port(), bus_port(&nodes[0]));
            if index > 0 {
                said_ok(node, &format!("CLUSTER MEET 127.0.0.1 {port} {bus}"));
            }
        }
        let cluster = Self { nodes };
        cluster.wait_until_it_is_up();
        cluster
    }

    /// The cluster that the checks of this test binary share, empty, for one at a time. No destructor
    /// ends it; the guardian does, once the process has ended.
    pub(crate) fn shared() -> MutexGuard<'static, Self> {
        static SHARED: OnceLock<Mutex<ClusterServers>> = OnceLock::new();
        let shared = SHARED.get_or_init(|| Mutex::new(Self::start()));
        let cluster = shared.lock().unwrap_or_else(PoisonError::into_inner);
        for node in &cluster.nodes {
            said_ok(node, "FLUSHALL");
        }
        cluster
    }

    pub(crate) fn url(&self) -> String {
        let nodes: Vec<_> =
            self.nodes.iter().map(|node| format!("127.0.0.1:{}", node.port())).collect();
        format!("redis+cluster://{}", nodes.join(","))
    }

    /// Waits until every node knows who serves every slot.
    fn wait_until_it_is_up(&self) {
        let deadline = Instant::now() + START;
        let all_slots = "cluster_slots_ok:16384\r\n";
        for node in &self.nodes {
            while !ask(node, "CLUSTER INFO").contains(all_slots)
                || !ask(node, "CLUSTER INFO").contains("cluster_state:ok")
            {
                assert!(Instant::now() < deadline, "{}", ask(node, "CLUSTER INFO"));
                std::thread::sleep(Duration::from_millis(10));
            }
        }
    }

    fn node_of(&self, session: &SessionId) -> usize {
        let slot = slot(&self.nodes[0], session);
        let serves = |slots: &str| {
            let (first, last) = slots.split_once(' ').unwrap();
            (first.parse().unwrap()..=last.parse().unwrap()).contains(&slot)
        };
        SLOTS.iter().position(|slots| serves(slots)).unwrap()
    }

    /// A session whose journal this node has.
    fn session_on(&self, node: usize) -> SessionId {
        std::iter::repeat_with(some_session).find(|it| self.node_of(it) == node).unwrap()
    }

    /// A session whose signals this node has: it does not send elsewhere who asks for them.
    fn session_signalled_on(&self, node: usize) -> SessionId {
        let is_here = |session: &SessionId| {
            ask(&self.nodes[node], &format!("EXISTS hitl:signal:{session}")).starts_with(':')
        };
        std::iter::repeat_with(some_session).find(is_here).unwrap()
    }

    /// The node on which the process of a test is subscribed.
    fn subscribed(&self) -> Option<usize> {
        let listens = |node: &RedisServer| {
            node.ask("PUBSUB CHANNELS aura:control").unwrap_or_default().contains("aura:control")
        };
        self.nodes.iter().position(listens)
    }
}

fn node_args() -> Vec<String> {
    // A node that is away does not keep the others from serving their slots, and a replica takes over
    // also after this machine has stood still for longer than it counts its data as new.
    let args = format!(
        "--cluster-enabled yes --cluster-node-timeout 1000 --cluster-require-full-coverage no \
         --cluster-replica-validity-factor 0 --cluster-port {}",
        free_port()
    );
    args.split_whitespace().map(str::to_owned).collect()
}

fn bus_port(node: &RedisServer) -> &str {
    node.args().last().unwrap()
}

fn ask(node: &RedisServer, command: &str) -> String {
    node.ask(command).expect("the node answers")
}

fn said_ok(node: &RedisServer, command: &str) {
    let answer = ask(node, command);
    assert!(answer.starts_with("+OK"), "{command}: {answer}");
}

fn slot(node: &RedisServer, session: &SessionId) -> u32 {
    let answer = ask(node, &format!("CLUSTER KEYSLOT aura:journal:{session}"));
    answer.lines().next().unwrap().strip_prefix(':').unwrap().parse().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_needs_few_connections_to_a_cluster() {
    let cluster = ClusterServers::start();
    within(async {
        let process = Process::on_redis(&cluster.url());
        for node in 0..3 {
            let session = cluster.session_on(node);
            process.store.watch(&session).await.unwrap();
            process.store.append(&session, EventId::ZERO, &entries([1])).await.unwrap();
        }
        // Who asks here speaks RESP2.
        let connections = |node| ask(node, "CLIENT LIST").matches(" resp=3").count();
        let all: usize = cluster.nodes.iter().map(connections).sum();
        assert_eq!(all, 4, "one to each node for commands, and one for subscriptions");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_journal_goes_on_while_its_slot_moves_to_another_node() {
    let cluster = ClusterServers::start();
    within(async {
        let process = Process::on_redis(&cluster.url());
        let (store, session) = (&process.store, cluster.session_on(0));
        let mut follower = store.follow(&session).await.unwrap();
        let append = async |number| {
            let expected = EventId::new(number - 1);
            store.append(&session, expected, &entries([number])).await.unwrap();
        };
        append(1).await;
        let (from, to) = (&cluster.nodes[0], &cluster.nodes[1]);
        let id = |node| ask(node, "CLUSTER MYID").lines().nth(1).unwrap().to_owned();
        let (slot, from_id, to_id) = (slot(from, &session), id(from), id(to));
        said_ok(to, &format!("CLUSTER SETSLOT {slot} IMPORTING {from_id}"));
        said_ok(from, &format!("CLUSTER SETSLOT {slot} MIGRATING {to_id}"));
        append(2).await;
        let migrate = format!("MIGRATE 127.0.0.1 {} aura:journal:{session} 0 5000", to.port());
        said_ok(from, &migrate);
        // The old node now sends on what it is asked, and then says whom to ask from now on.
        append(3).await;
        for node in [to, from, &cluster.nodes[2]] {
            said_ok(node, &format!("CLUSTER SETSLOT {slot} NODE {to_id}"));
        }
        append(4).await;
        follower.changed().await;
        assert_eq!(store.newest(&session, 9).await.unwrap(), entries([1, 2, 3, 4]));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_entry_whose_message_was_lost_between_the_nodes_is_found_all_the_same() {
    let cluster = ClusterServers::start();
    within(async {
        let process = Process::on_redis(&cluster.url());
        let session = cluster.session_on(0);
        let mut follower = process.store.follow(&session).await.unwrap();
        let added = ask(&cluster.nodes[0], &format!("XADD aura:journal:{session} 1-0 z done"));
        assert!(added.contains("1-0"), "{added}");
        // Nobody has published anything.
        follower.changed().await;
        assert!(process.store.holds(&session, EventId::new(1)).await.unwrap());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn subscriptions_move_to_another_node_when_theirs_is_gone() {
    let mut cluster = ClusterServers::start();
    within(async {
        let mut process = Process::on_redis(&cluster.url());
        let watched = some_session();
        process.store.watch(&watched).await.unwrap();
        let first = cluster.subscribed().unwrap();
        let (near, far) = (cluster.session_on((first + 1) % 3), cluster.session_on(first));
        cluster.nodes[first].kill();
        until_resubscribed(&mut process).await;
        // What the others have goes on; what the node had is not there.
        eventually("a living node serves", || async {
            process.store.append(&near, EventId::ZERO, &entries([1])).await.is_ok()
        })
        .await;
        let away = process.store.newest(&far, 1).await;
        assert!(matches!(away, Err(StoreError::Unavailable(_))), "{away:?}");
        let heard = cluster.session_signalled_on((first + 1) % 3);
        process.store.watch(&heard).await.unwrap();
        process.store.publish_signal(&heard, "here").await.unwrap();
        assert_eq!(process.heard().await, (heard, "here".into()));

        cluster.nodes[first].restart();
        eventually("all is served again", || async { process.store.newest(&far, 1).await.is_ok() })
            .await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn when_a_replica_takes_over_the_slots_of_its_primary_so_does_the_store() {
    let mut cluster = ClusterServers::start();
    within(async {
        let replica = RedisServer::told(node_args);
        let (port, bus) = (cluster.nodes[0].port(), bus_port(&cluster.nodes[0]));
        said_ok(&replica, &format!("CLUSTER MEET 127.0.0.1 {port} {bus}"));
        let primary = ask(&cluster.nodes[0], "CLUSTER MYID").lines().nth(1).unwrap().to_owned();
        eventually("they know each other", || async {
            ask(&replica, &format!("CLUSTER REPLICATE {primary}")).starts_with("+OK")
        })
        .await;
        let process = Process::on_redis(&cluster.url());
        let session = cluster.session_on(0);
        process.store.append(&session, EventId::ZERO, &entries([1])).await.unwrap();
        eventually("the replica has it and could take over", || async {
            let length = format!("XLEN aura:journal:{session}");
            // Who votes for it has to know it, and it has to know whom to ask: it has met one node only.
            let voters = &cluster.nodes[1..];
            ask(&cluster.nodes[0], "INFO replication").contains("state=online")
                && replica.ask(&format!("READONLY\r\n{length}")).unwrap().contains(":1\r\n")
                && voters.iter().all(|node| ask(node, "CLUSTER NODES").contains(" slave "))
                && ask(&replica, "CLUSTER INFO").contains("cluster_size:3\r\n")
        })
        .await;
        cluster.nodes[0].kill();
        eventually("appended on the new primary", || async {
            process.store.append(&session, EventId::new(1), &entries([2])).await.is_ok()
        })
        .await;
        assert_eq!(process.store.newest(&session, 9).await.unwrap(), entries([1, 2]));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_hangs_keeps_nobody_from_the_others() {
    let cluster = ClusterServers::start();
    within(async {
        let process = Process::on_redis(&cluster.url());
        let (hangs, serves) = (cluster.session_on(1), cluster.session_on(2));
        for session in [&hangs, &serves] {
            process.store.append(session, EventId::ZERO, &entries([1])).await.unwrap();
        }
        cluster.nodes[1].pause();
        eventually("it is noticed", || async {
            is_unavailable(process.store.newest(&hangs, 1).await)
        })
        .await;
        eventually("the others serve", || async {
            process.store.newest(&serves, 1).await.is_ok_and(|found| found == entries([1]))
        })
        .await;
        cluster.nodes[1].resume();
        eventually("it serves again", || async {
            process.store.newest(&hangs, 1).await.is_ok_and(|found| found == entries([1]))
        })
        .await;
        until_it_answers(&*process.store).await;
    })
    .await;
}

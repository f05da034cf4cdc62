//! A person, or the Main Service, at Redis: plain commands, nothing of ours in between.

use redis::AsyncCommands;
use redis::aio::MultiplexedConnection;
use serde_json::Value;

use super::app::PATIENCE;
use super::redis::RedisServer;

/// The fields of an entry of a stream.
type Fields = Vec<(String, Vec<u8>)>;

/// A connection that writes and reads keys.
pub struct Keys(MultiplexedConnection);

impl Keys {
    /// Connects.
    pub async fn of(server: &RedisServer) -> Self {
        let client = redis::Client::open(server.url()).unwrap();
        let config = redis::AsyncConnectionConfig::new().set_response_timeout(Some(PATIENCE));
        Self(client.get_multiplexed_async_connection_with_config(&config).await.unwrap())
    }

    /// `PUBLISH hitl:channel:<session>`; how many heard it.
    pub async fn publish(&mut self, session: &str, signal: &str) -> usize {
        self.0.publish(format!("hitl:channel:{session}"), signal).await.unwrap()
    }

    /// `SET key value EX seconds`.
    pub async fn set(&mut self, key: &str, value: &Value, seconds: u64) {
        let _: () = self.0.set_ex(key, value.to_string(), seconds).await.unwrap();
    }

    /// `SET key text`: whatever stood there is gone, with its time to live.
    pub async fn spoil(&mut self, key: &str, text: &str) {
        let _: () = self.0.set(key, text).await.unwrap();
    }

    /// Any command, such as `SADD key member`.
    pub async fn command<T: redis::FromRedisValue>(&mut self, words: &[&str]) -> T {
        redis::cmd(words[0]).arg(&words[1..]).query_async(&mut self.0).await.unwrap()
    }

    /// `GET key`, as JSON.
    pub async fn json(&mut self, key: &str) -> Value {
        let text: Option<String> = self.0.get(key).await.unwrap();
        serde_json::from_str(&text.unwrap_or_else(|| panic!("no {key}"))).unwrap()
    }

    /// The key's value, as JSON, as soon as there is one and it is JSON.
    pub async fn wait_for(&mut self, key: &str) -> Value {
        let found = tokio::time::timeout(PATIENCE, async {
            loop {
                let text: Option<String> = self.0.get(key).await.unwrap();
                match serde_json::from_str(&text.unwrap_or_default()) {
                    Ok(value) => return value,
                    Err(_) => tokio::task::yield_now().await,
                }
            }
        });
        found.await.unwrap_or_else(|_| panic!("{key} never came"))
    }

    /// `FLUSHALL`: everything is gone.
    pub async fn flush(&mut self) {
        let _: () = redis::cmd("FLUSHALL").query_async(&mut self.0).await.unwrap();
    }

    /// `CLIENT KILL`: every connection but this one is closed.
    pub async fn cut_all_others(&mut self) {
        for kind in ["normal", "pubsub"] {
            let mut kill = redis::cmd("CLIENT");
            kill.arg("KILL").arg("TYPE").arg(kind).arg("SKIPME").arg("yes");
            let _: usize = kill.query_async(&mut self.0).await.unwrap();
        }
    }

    /// `PEXPIRE key 1`: it is gone in a millisecond.
    pub async fn expire_now(&mut self, key: &str) {
        let _: () = self.0.pexpire(key, 1).await.unwrap();
    }

    /// `TTL key`, in seconds.
    pub async fn ttl(&mut self, key: &str) -> i64 {
        self.0.ttl(key).await.unwrap()
    }

    /// `ZCARD aura:leases`: how many runs somebody has to look after.
    pub async fn leases(&mut self) -> usize {
        self.0.zcard("aura:leases").await.unwrap()
    }

    /// `PUBSUB CHANNELS hitl:channel:*`.
    pub async fn channels(&mut self) -> Vec<String> {
        let mut command = redis::cmd("PUBSUB");
        command.arg("CHANNELS").arg("hitl:channel:*").query_async(&mut self.0).await.unwrap()
    }

    /// What a session's journal says for recovery: the records of each append.
    pub async fn appends(&mut self, session: &str) -> Vec<Vec<Value>> {
        let mut range = redis::cmd("XRANGE");
        range.arg(format!("aura:journal:{session}")).arg("-").arg("+");
        let entries: Vec<(String, Fields)> = range.query_async(&mut self.0).await.unwrap();
        let mut appends = vec![Vec::new()];
        for (_, fields) in entries {
            let field = |name: &str| fields.iter().find(|(known, _)| known == name);
            let record = field("r").map(|(_, value)| serde_json::from_slice(value).unwrap());
            appends.last_mut().unwrap().extend(record);
            // The nonce stands on the last entry of an append.
            if field("n").is_some() {
                appends.push(Vec::new());
            }
        }
        appends
    }

    /// Writes a session's journal anew, in one step, with its records as `change` leaves them; that gets
    /// each entry's id as well.
    pub async fn rewrite_records(
        &mut self,
        session: &str,
        mut change: impl FnMut(&str, &mut Value),
    ) {
        let key = format!("aura:journal:{session}");
        let mut range = redis::cmd("XRANGE");
        range.arg(&key).arg("-").arg("+");
        let entries: Vec<(String, Fields)> = range.query_async(&mut self.0).await.unwrap();
        let mut anew = redis::pipe();
        anew.atomic().del(&key).ignore();
        for (id, fields) in entries {
            let add = anew.cmd("XADD").arg(&key).arg(&id);
            for (name, mut value) in fields {
                if name == "r" {
                    let mut record = serde_json::from_slice(&value).unwrap();
                    change(id.trim_end_matches("-0"), &mut record);
                    value = record.to_string().into_bytes();
                }
                add.arg(name).arg(value);
            }
            add.ignore();
        }
        let _: () = anew.query_async(&mut self.0).await.unwrap();
    }

    /// How many commands the server has processed, from whomever.
    pub async fn commands(&mut self) -> u64 {
        let stats: String = redis::cmd("INFO").arg("stats").query_async(&mut self.0).await.unwrap();
        let line = stats.lines().find_map(|line| line.strip_prefix("total_commands_processed:"));
        line.unwrap().trim().parse().unwrap()
    }

    /// The same without the `INFO`s that count them.
    pub async fn others_commands(&mut self) -> u64 {
        self.commands().await - self.calls_of("info").await
    }

    /// How often the server has carried out this command, from whomever.
    pub async fn calls_of(&mut self, command: &str) -> u64 {
        let mut info = redis::cmd("INFO");
        let stats: String = info.arg("commandstats").query_async(&mut self.0).await.unwrap();
        let start = format!("cmdstat_{command}:calls=");
        let calls = stats.lines().find_map(|line| line.strip_prefix(&start)?.split(',').next());
        calls.map_or(0, |calls| calls.parse().unwrap())
    }

    /// When the lease of a session runs out, in milliseconds of the server's clock.
    pub async fn lease_end(&mut self, session: &str) -> u64 {
        let end: f64 = self.0.zscore("aura:leases", session).await.unwrap();
        end as u64
    }
}

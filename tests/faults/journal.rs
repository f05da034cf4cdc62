//! Journals as they are stored, read past the server.

use std::collections::HashMap;
use std::fmt;
use std::time::Duration;

use redis::AsyncConnectionConfig;
use redis::Value as Stored;
use redis::aio::MultiplexedConnection;
use serde_json::Value;

/// How long Redis may take to answer a test: the machine may be busy with what the test does to it.
const PATIENCE: Duration = Duration::from_secs(20);

/// One entry.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Its id.
    pub id: u64,
    /// The id before, as the entry tells it.
    pub before: u64,
    /// The frame that clients get, byte for byte; `None` if they get none.
    pub frame: Option<String>,
    /// The event's type; `None` for the trailer and for mere records.
    pub event: Option<String>,
    /// The event's payload.
    pub data: Value,
    /// The record.
    pub record: Option<Value>,
}

impl Entry {
    /// Whether it is the trailer.
    pub fn is_done(&self) -> bool {
        self.frame.is_some() && self.event.is_none()
    }

    /// Whether it has a record of that kind.
    pub fn has_record(&self, kind: &str) -> bool {
        self.record.as_ref().is_some_and(|record| record["rec"] == kind)
    }

    /// Whether it is a `tool_execution` with that status.
    pub fn is_execution(&self, status: &str) -> bool {
        self.event.as_deref() == Some("tool_execution") && self.data["status"] == status
    }

    fn parse(id: &str, fields: &[(String, Vec<u8>)]) -> Self {
        let id: u64 = id.strip_suffix("-0").unwrap().parse().unwrap();
        let field = |name: &str| fields.iter().find(|(known, _)| known == name).map(|(_, v)| v);
        let text = |name: &str| field(name).map(|value| String::from_utf8(value.clone()).unwrap());
        let json = |name: &str| field(name).map(|value| serde_json::from_slice(value).unwrap());
        let event = text("t");
        let frame = match (&event, text("d"), field("z")) {
            (Some(event), Some(data), None) => {
                Some(format!("id: {id}\nevent: {event}\ndata: {data}\n\n"))
            }
            (None, None, Some(_)) => Some(format!("id: {id}\ndata: [DONE]\n\n")),
            (None, None, None) => None,
            strange => panic!("no entry of a journal: {strange:?}"),
        };
        let before = text("p").map_or(id - 1, |before| before.parse().unwrap());
        let data = json("d").unwrap_or(Value::Null);
        Self { id, before, frame, event, data, record: json("r") }
    }
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { id, frame, event, data, record, .. } = self;
        let (shown, data, record) = (frame.is_some(), data.to_string(), format!("{record:?}"));
        let cut = |text: &str| text.chars().take(300).collect::<String>();
        write!(f, "{id} shown={shown} {event:?} {} {}", cut(&data), cut(&record))
    }
}

/// Connects to that Redis.
pub async fn connect(url: &str) -> redis::RedisResult<MultiplexedConnection> {
    let client = redis::Client::open(url)?;
    let config = AsyncConnectionConfig::new().set_response_timeout(Some(PATIENCE));
    client.get_multiplexed_async_connection_with_config(&config).await
}

/// The ids of all facts of that tenant's audit stream.
pub async fn audited(redis: &mut MultiplexedConnection, tenant: &str) -> Vec<String> {
    let mut range = redis::cmd("XRANGE");
    range.arg(format!("aura:audit:{tenant}")).arg("-").arg("+");
    let entries: Vec<(String, HashMap<String, String>)> = range.query_async(redis).await.unwrap();
    let fact = |fields: &HashMap<String, String>| serde_json::from_str::<Value>(&fields["fact"]);
    let id = |fact: Value| fact["factId"].as_str().unwrap().to_owned();
    entries.iter().map(|(_, fields)| id(fact(fields).unwrap())).collect()
}

/// The sessions that have a journal.
pub async fn sessions(redis: &mut MultiplexedConnection) -> Vec<String> {
    let mut keys = redis::cmd("KEYS");
    let keys: Vec<String> = keys.arg("aura:journal:*").query_async(redis).await.unwrap();
    keys.iter().map(|key| key["aura:journal:".len()..].to_owned()).collect()
}

/// Whether a journal says that there is no run: its start was given up.
pub fn is_withdrawn(journal: &[Entry]) -> bool {
    matches!(journal, [only] if only.is_done() && only.has_record("withdrawn"))
}

/// Whether somebody has to look after the session, sooner or later.
pub async fn is_leased(redis: &mut MultiplexedConnection, session: &str) -> bool {
    let mut score = redis::cmd("ZSCORE");
    let score = score.arg("aura:leases").arg(session);
    score.query_async::<Option<f64>>(redis).await.unwrap().is_some()
}

/// The whole journal of a session.
pub async fn read(redis: &mut MultiplexedConnection, session: &str) -> Vec<Entry> {
    let mut range = redis::cmd("XRANGE");
    range.arg(format!("aura:journal:{session}")).arg("-").arg("+");
    let entries: Vec<(String, Stored)> = range.query_async(redis).await.unwrap();
    let fields = |value| redis::from_redis_value::<Vec<(String, Vec<u8>)>>(value).unwrap();
    entries.into_iter().map(|(id, value)| Entry::parse(&id, &fields(value))).collect()
}

//! The platform's Main Service, as far as it approves: step for step what its `HitlManager` does.
//!
//! It reads the request and knows three states; whatever is not decided by its words it overwrites. It
//! parses and writes through a map: fields that it does not know survive, numbers become doubles.

use redis::AsyncCommands;
use redis::aio::MultiplexedConnection;
use serde_json::{Value, json};

use aura_platform::domain::{Clock, SystemClock};

use super::app::PATIENCE;
use super::redis::RedisServer;

/// A click of somebody at the Main Service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Click {
    /// Yes.
    Approve,
    /// No.
    Reject,
}

/// What it answers.
#[derive(Clone, Debug, PartialEq)]
pub struct Told {
    /// The HTTP status.
    pub status: u16,
    /// What it says of the request: `approved` or `rejected`.
    pub word: String,
}

/// The service.
pub struct MainService {
    redis: MultiplexedConnection,
    tenant: f64,
    user: &'static str,
}

/// A request that it has read and is about to write back.
pub struct Read {
    request: Value,
    ttl: i64,
}

impl MainService {
    /// A service that answers for a tenant and a user.
    pub async fn of(server: &RedisServer) -> Self {
        let client = redis::Client::open(server.url()).unwrap();
        let config = redis::AsyncConnectionConfig::new().set_response_timeout(Some(PATIENCE));
        let redis = client.get_multiplexed_async_connection_with_config(&config).await.unwrap();
        Self { redis, tenant: 1.0, user: "7" }
    }

    /// A click, from the first step to the last.
    pub async fn click(&mut self, request: &str, click: Click) -> Told {
        match self.read(request).await {
            Ok(read) => self.write(read, click).await,
            Err(told) => told,
        }
    }

    /// Reads the request; an answer, if it can be given at once.
    pub async fn read(&mut self, request: &str) -> Result<Read, Told> {
        let key = format!("hitl:request:{request}");
        let refuse = |status, word: &str| Err(Told { status, word: word.to_owned() });
        let text: Option<String> = self.redis.get(&key).await.unwrap();
        let Some(text) = text else { return refuse(404, "E1004") };
        let request: Value = serde_json::from_str(&text).unwrap();
        if request["tenantId"].as_f64().is_some_and(|tenant| tenant != self.tenant) {
            return refuse(404, "E1004");
        }
        match request["status"].as_str() {
            Some(word @ ("approved" | "rejected")) => refuse(409, word),
            _ => Ok(Read { request, ttl: self.redis.ttl(&key).await.unwrap() }),
        }
    }

    /// Writes back what it has read, with the click, and tells of it.
    pub async fn write(&mut self, Read { mut request, ttl }: Read, click: Click) -> Told {
        let (word, kind, by, at) = match click {
            Click::Approve => ("approved", "approval", "approvedBy", "approvedAt"),
            Click::Reject => ("rejected", "rejection", "rejectedBy", "rejectedAt"),
        };
        let now = SystemClock.now().second().get();
        request["status"] = json!(word);
        request[by] = json!(self.user);
        request[at] = json!(now);
        let (id, session) = (request["requestId"].clone(), request["sessionId"].clone());
        let (id, session) = (id.as_str().unwrap(), session.as_str().unwrap());
        let text = with_doubles(request.clone()).to_string();
        let seconds = u64::try_from(ttl).unwrap();
        let _: () = self.redis.set_ex(format!("hitl:request:{id}"), text, seconds).await.unwrap();
        let signal = json!({"type": kind, "requestId": id, "status": word, "timestamp": now});
        let signal = signal.to_string();
        let _: () =
            self.redis.set_ex(format!("hitl:signal:{session}"), &signal, 300).await.unwrap();
        let channel = format!("hitl:channel:{session}");
        let _: usize = self.redis.publish(channel, &signal).await.unwrap();
        Told { status: 200, word: word.to_owned() }
    }
}

/// What a map of a language that knows one kind of number makes of a value.
fn with_doubles(value: Value) -> Value {
    match value {
        Value::Number(number) => json!(number.as_f64()),
        Value::Array(items) => items.into_iter().map(with_doubles).collect(),
        Value::Object(fields) => {
            fields.into_iter().map(|(name, value)| (name, with_doubles(value))).collect()
        }
        Value::Null | Value::Bool(_) | Value::String(_) => value,
    }
}

//! The events of the inbox's stream (contract, section 5.6), none of them too long for a frame.

use bytes::Bytes;
use schemars::{JsonSchema, SchemaGenerator, json_schema};
use serde::Serialize;
use serde_json::json;

use super::shown::Approval;
use crate::agent::{InboxLine, InboxPage};
use crate::domain::event::{EventSchema, PAYLOAD_MAX, json_line};
use crate::domain::{InboxChange, RequestId, UnixSeconds};

/// The most bytes of one request of several.
const ONE_OF_MANY: usize = 6 * 1024;
/// What stands around the requests of a snapshot, at most.
const AROUND: usize = 512;

/// The version of the payloads.
const VERSION: &str = "1.0";
/// What the field `type` is.
const KIND: &str = "The type of the event, the same as the SSE `event` field.";
/// The name of the event that says what waits.
pub const SNAPSHOT: &str = "snapshot";

/// What waits now: the newest requests, as many as fit a frame.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "SnapshotEvent")]
struct Snapshot {
    /// The version of the payloads. A change that a client could not read would be another version.
    #[schemars(extend("const" = VERSION))]
    version: &'static str,
    /// The type of the event, the same as the SSE `event` field.
    #[serde(rename = "type")]
    #[schemars(extend("const" = SNAPSHOT))]
    kind: &'static str,
    /// When this was so, in Unix seconds.
    timestamp: UnixSeconds,
    /// The requests, newest first.
    approvals: Vec<Approval>,
    /// How many requests of the tenant wait for which this caller's yes would count.
    count: usize,
    /// Where more wait: the `before` with which `GET /aura/approvals` goes on; null if these are all.
    next: Option<RequestId>,
}

/// What has become of a request.
#[derive(Debug, Serialize, JsonSchema)]
struct Change {
    /// The version of the payloads. A change that a client could not read would be another version.
    #[schemars(extend("const" = VERSION))]
    version: &'static str,
    /// The type of the event, the same as the SSE `event` field.
    #[serde(rename = "type")]
    kind: InboxChange,
    /// When, in Unix seconds.
    timestamp: UnixSeconds,
    /// The request as it stood then.
    request: Approval,
}

/// The payload of a snapshot.
pub fn snapshot(page: InboxPage, now: UnixSeconds) -> Bytes {
    let InboxPage { lines, count, next } = page;
    let all = lines.len();
    let (mut approvals, mut left) = (Vec::new(), PAYLOAD_MAX - AROUND);
    for line in lines {
        let approval = Approval::fitting(line, ONE_OF_MANY);
        match left.checked_sub(json_line(&approval).len() + 1) {
            Some(rest) => left = rest,
            // Whoever goes on from there has to have it.
            None if approvals.is_empty() => left = 0,
            None => break,
        }
        approvals.push(approval);
    }
    let next = match approvals.last() {
        Some(last) if approvals.len() < all => Some(last.id().clone()),
        Some(_) | None => next,
    };
    let (version, kind) = (VERSION, SNAPSHOT);
    json_line(&Snapshot { version, kind, timestamp: now, approvals, count, next }).into()
}

/// The name and the payload of a change.
pub fn change(line: InboxLine, at: UnixSeconds) -> (&'static str, Bytes) {
    let kind = line.item.change;
    let request = Approval::fitting(line, PAYLOAD_MAX - AROUND);
    let payload = json_line(&Change { version: VERSION, kind, timestamp: at, request });
    (kind.word(), payload.into())
}

/// The payloads of all events of the inbox.
pub fn schemas(generator: &mut SchemaGenerator) -> Vec<EventSchema> {
    let snapshot = EventSchema {
        kind: SNAPSHOT,
        name: Snapshot::schema_name().into_owned(),
        schema: generator.subschema_for::<Snapshot>(),
    };
    let changes = InboxChange::ALL.map(|change| schema_of(change, generator));
    std::iter::once(snapshot).chain(changes).collect()
}

/// The schema of a change's event: that of all of them, with a `type` of its own.
fn schema_of(change: InboxChange, generator: &mut SchemaGenerator) -> EventSchema {
    let (name, about) = match change {
        InboxChange::Asked => ("AskedEvent", "Somebody is asked."),
        InboxChange::Endorsed => ("EndorsedEvent", "One of several people has said yes."),
        InboxChange::Decided => ("DecidedEvent", "The request is decided, and waits no more."),
    };
    let mut definition = Change::json_schema(generator);
    definition.insert("description".to_owned(), about.into());
    let kind = json!({"description": KIND, "type": "string", "const": change});
    if let Some(kind_of_any) = definition.pointer_mut("/properties/type") {
        *kind_of_any = kind;
    }
    generator.definitions_mut().insert(name.to_owned(), definition.into());
    let definitions = generator.settings().definitions_path.clone();
    let schema = json_schema!({"$ref": format!("#{definitions}/{name}")});
    EventSchema { kind: change.word(), name: name.to_owned(), schema }
}

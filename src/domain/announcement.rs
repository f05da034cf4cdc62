//! What is told outside of the service of what happens in it (contract, section 5.6): a request was asked, a
//! request was decided, a run has ended.

use std::fmt;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::event::EndStatus;
use super::ids::{EventId, RequestId, SessionId, TenantId, UserId};
use super::inbox::{InboxItem, ShownApproval};
use super::message::Usage;
use super::time::UnixMs;

/// Makes an announcement's id its own: a number drawn once, for good.
const NAMESPACE: Uuid = Uuid::from_u128(0x7f0c_6a52_31d9_4be8_9d54_0e6b_c8a1_72e4);

/// Who is told. Each has a queue and a place in every journal of its own, so that one who is away holds up nobody else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Recipient {
    /// Another service, over HTTP.
    Webhook,
    /// People, by mail.
    Mail,
}

impl Recipient {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Webhook, Self::Mail];

    /// The word for it in keys, metrics and the log.
    pub fn word(self) -> &'static str {
        match self {
            Self::Webhook => "webhook",
            Self::Mail => "mail",
        }
    }

    /// Whether this is told to it.
    pub fn wants(self, kind: AnnouncementKind) -> bool {
        match (self, kind) {
            (Self::Webhook, _) | (Self::Mail, AnnouncementKind::Asked) => true,
            (Self::Mail, AnnouncementKind::Decided | AnnouncementKind::Ended) => false,
        }
    }
}

/// What has happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AnnouncementKind {
    /// A person is asked.
    Asked,
    /// A request was decided, by whomever, or by its deadline.
    Decided,
    /// A run is over.
    Ended,
}

impl AnnouncementKind {
    /// The word for it on the wire.
    pub fn word(self) -> &'static str {
        match self {
            Self::Asked => "approval.asked",
            Self::Decided => "approval.decided",
            Self::Ended => "run.ended",
        }
    }
}

/// The name of one announcement: the same however often it is told, and whoever tells it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct AnnouncementId(Uuid);

impl AnnouncementId {
    /// That of what an entry of a session's journal tells, of this request if it is about one.
    pub fn of(session: &SessionId, entry: EventId, request: Option<&RequestId>) -> Self {
        let request = request.map(RequestId::as_str).unwrap_or_default();
        Self(Uuid::new_v5(&NAMESPACE, format!("{session} {entry} {request}").as_bytes()))
    }

    /// The number in it.
    pub fn uuid(&self) -> &Uuid {
        &self.0
    }
}

/// `msg_` and 32 hex digits.
impl fmt::Display for AnnouncementId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "msg_{}", self.0.simple())
    }
}

/// One announcement.
#[derive(Clone, Debug, PartialEq)]
pub struct Announcement {
    /// Its name.
    pub id: AnnouncementId,
    /// When it happened.
    pub at: UnixMs,
    /// What happened.
    pub what: Announced,
}

/// What happened.
#[derive(Clone, Debug, PartialEq)]
pub enum Announced {
    /// A person is asked.
    Asked(Box<InboxItem>),
    /// A request was decided.
    Decided(Box<InboxItem>),
    /// A run is over.
    Ended(Box<RunEnded>),
}

/// A run that is over.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RunEnded {
    /// The run.
    pub session_id: SessionId,
    /// Whose it was.
    pub tenant_id: TenantId,
    /// Who started it.
    pub user_id: UserId,
    /// How it ended.
    pub status: EndStatus,
    /// One sentence for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// From the start of the run, waiting included, in milliseconds.
    pub duration_ms: u64,
    /// The tokens of the whole run, where they are known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub usage: Option<Usage>,
}

impl Announcement {
    /// Which kind it is.
    pub fn kind(&self) -> AnnouncementKind {
        match self.what {
            Announced::Asked(_) => AnnouncementKind::Asked,
            Announced::Decided(_) => AnnouncementKind::Decided,
            Announced::Ended(_) => AnnouncementKind::Ended,
        }
    }

    /// Whether nothing can come of it any more: a mail asks for an answer, and there is none after the deadline.
    pub fn is_too_late(&self, to: Recipient, now: UnixMs) -> bool {
        match (to, &self.what) {
            (Recipient::Mail, Announced::Asked(item)) => item.request.deadline.has_passed(now),
            (Recipient::Mail | Recipient::Webhook, _) => false,
        }
    }

    /// The text that is told: the same bytes each time.
    pub fn body(&self) -> String {
        let at = self.at.timestamp().unwrap_or(Timestamp::MAX);
        let data: Value = match &self.what {
            Announced::Asked(item) | Announced::Decided(item) => {
                json!(ShownApproval::from((**item).clone()))
            }
            Announced::Ended(ended) => json!(ended),
        };
        json!({ "type": self.kind().word(), "timestamp": at.to_string(), "data": data }).to_string()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::domain::{ApprovalRequest, Approvers, Deadline, Language, Quorum, Standing};

    fn asked(at: UnixMs, deadline: Deadline) -> Announcement {
        let request = ApprovalRequest {
            request_id: RequestId::new("req_1"),
            session_id: SessionId::new("session_a"),
            user_id: UserId::new("7"),
            tenant_id: TenantId::new("1"),
            action_type: "git_merge".into(),
            context: json!({}),
            message: String::new(),
            language: Language::default(),
            standing: Standing::Pending,
            created_at: at,
            deadline,
            quorum: Quorum::from(&Approvers::default()),
            tool_call_id: None,
            args_hash: None,
            preview: None,
            more: serde_json::Map::new(),
        };
        let id =
            AnnouncementId::of(&request.session_id, EventId::new(1), Some(&request.request_id));
        let item = InboxItem::asked(None, &request);
        Announcement { id, at, what: Announced::Asked(Box::new(item)) }
    }

    #[test]
    fn nobody_is_asked_by_mail_after_the_deadline() {
        let at = UnixMs::new(1_706_152_860_000);
        let announcement = asked(at, Deadline::after(at, Duration::from_secs(300)));
        let later = UnixMs::new(at.get() + 301_000);
        assert!(!announcement.is_too_late(Recipient::Mail, at));
        assert!(announcement.is_too_late(Recipient::Mail, later));
        assert!(!announcement.is_too_late(Recipient::Webhook, later));
    }

    #[test]
    fn an_announcement_has_the_same_name_whoever_makes_it_and_another_one_another() {
        let id = |session, entry, request: Option<&str>| {
            let request = request.map(RequestId::new);
            AnnouncementId::of(&SessionId::new(session), EventId::new(entry), request.as_ref())
        };
        let first = id("session_a", 7, Some("req_1"));
        assert_eq!(first, id("session_a", 7, Some("req_1")));
        for other in [id("session_b", 7, Some("req_1")), id("session_a", 8, Some("req_1"))] {
            assert_ne!(first, other);
        }
        assert_ne!(first, id("session_a", 7, None));
        assert_eq!(first.to_string(), "msg_127779792ef1594cbe3f13e998d9e170");
    }

    #[test]
    fn the_end_of_a_run_is_told_in_the_form_that_is_recommended_for_webhooks() {
        let ended = RunEnded {
            session_id: SessionId::new("session_a"),
            tenant_id: TenantId::new("1"),
            user_id: UserId::new("7"),
            status: EndStatus::Completed,
            message: None,
            duration_ms: 12,
            usage: None,
        };
        let announcement = Announcement {
            id: AnnouncementId::of(&ended.session_id, EventId::new(1), None),
            at: UnixMs::new(1_706_152_860_123),
            what: Announced::Ended(Box::new(ended)),
        };
        let expected = r#"{"type":"run.ended","timestamp":"2024-01-25T03:21:00.123Z","data":{"sessionId":"session_a","tenantId":"1","userId":"7","status":"completed","durationMs":12}}"#;
        assert_eq!(announcement.body(), expected);
    }
}

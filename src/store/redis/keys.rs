//! Every key and channel, in one place.
//!
//! | key or channel | holds | told by |
//! |---|---|---|
//! | `hitl:request:<requestId>` | the request, JSON | contract, 5.1 |
//! | `hitl:session:<sessionId>` | the pointer to the request, JSON | contract, 5.1 |
//! | `hitl:signal:<sessionId>` | the last signal, JSON | contract, 5.1 |
//! | `hitl:channel:<sessionId>` | channel of signals | contract, 5.1 |
//! | `hitl:requests:<tenantId>` | channel of what is asked and decided | contract, 5.1 |
//! | `checkpoint:<sessionId>` | the checkpoint, JSON | contract, 5.1 |
//! | `aura:decision:<requestId>` | the one decision, JSON | contract, 5.3 |
//! | `aura:endorsements:<requestId>` | who has said yes, where several have to, a set | `approvals.rs` |
//! | `aura:inbox:{<tenant>}:waiting`, `aura:inbox:{<tenant>}:decided` | the places of a tenant's requests, sorted sets | `inbox.rs` |
//! | `aura:inbox:{<tenant>}:requests` | what is kept of them, a hash | `inbox.rs` |
//! | `aura:inbox:{<tenant>}:changes` | how they have changed, a stream | `inbox.rs` |
//! | `aura:inbox:{<tenant>}` | channel: there is one more change | `inbox.rs` |
//! | `aura:announcements:{<recipient>}:due`, `…:since`, `…:told` | which sessions are due, since when they are queued, and until when others are remembered, sorted sets | `announcements.rs` |
//! | `aura:announcements:{<recipient>}:sessions` | what is known of them, a hash | `announcements.rs` |
//! | `aura:journal:<sessionId>` | the journal, a stream | `journal.rs` |
//! | `aura:tail:<sessionId>` | channel: the journal has grown | `journal.rs` |
//! | `aura:session:<sessionId>` | the session's record, JSON | `sessions.rs` |
//! | `aura:sessions:<tenant>:<user>` | the caller's sessions, a sorted set | `sessions.rs` |
//! | `aura:idempotency:<tenant>:<user>:<key>` | the session that an `Idempotency-Key` stands for, a hash | `idempotency.rs` |
//! | `aura:thread:<tenant>:<user>:<thread>` | a conversation, a hash | `sessions.rs` |
//! | `aura:cancel:<sessionId>` | somebody asked for the run to stop | `sessions.rs` |
//! | `aura:audit:<tenant>` | the audit chain, a stream | `audit.rs` |
//! | `aura:audit-anchor:<tenant>` | how far the audit chain goes, sealed with the audit key, a hash | `audit/anchor.rs` |
//! | `audit:events:ingest` | channel of the platform: audit entries as its own log has them | contract, 5.8 |
//! | `aura:spent:<tenant>:<yyyy-mm-dd>` | tokens used on that day (UTC), a number | `spending.rs` |
//! | `aura:starts:{<tenant>}:<user>` | when all of the user's starts are there again, a number | `quotas.rs` |
//! | `aura:runs:{<tenant>}`, `aura:runs:{<tenant>}:<user>` | live runs, and some that have ended, a sorted set | `quotas.rs` |
//! | `aura:waiting:{<tenant>}`, `aura:waiting:{<tenant>}:<user>` | requests that wait, and some that are decided, a sorted set | `quotas.rs` |
//! | `aura:streams:{<tenant>}:<user>` | how many streams of the user each process has open, a hash | `quotas.rs` |
//! | `aura:processes` | until when each process is taken to be alive, a sorted set | `quotas.rs` |
//! | `aura:leases` | when each run's owner must have been heard of again, a sorted set | `leases.rs` |
//! | `aura:holds` | what operators have stopped, a hash | `holds.rs` |
//! | `aura:run-index`, `aura:run-index:<tenant>` | the runs of all users, sorted sets | `run_index.rs` |
//! | `aura:probe` | nothing: written to see whether writes are taken, and gone after a millisecond | `redis.rs` |
//! | `aura:control` | channel of all processes | `hub.rs` |
//!
//! How long each lives stands in `store/ttl.rs`. Tenants, users and threads are named by others, so
//! they are escaped; session and request ids are of our own making and stand as they are. What is counted for
//! a tenant is in one slot of a cluster, which the braces choose, so that one script can look at all of it.

use std::fmt::Write;

use crate::domain::{
    Recipient, RequestId, ScopedKey, SessionId, TenantId, ThreadId, UserId, UtcDay,
};

/// The channel that every process listens to.
pub(super) const CONTROL: &str = "aura:control";
/// Written to see whether writes are taken.
pub(super) const PROBE: &str = "aura:probe";
/// The runs that somebody looks after.
pub(super) const LEASES: &str = "aura:leases";
/// What operators have stopped.
pub(super) const HOLDS: &str = "aura:holds";
/// The processes that have been heard of.
pub(super) const PROCESSES: &str = "aura:processes";
/// The channel on which the platform's own log hears of audit entries.
pub(super) const PLATFORM_AUDIT: &str = "audit:events:ingest";
const SIGNALS: &str = "hitl:channel:";
const AUDIT: &str = "aura:audit:";
const ANCHOR: &str = "aura:audit-anchor:";
/// Matches the anchors of all audit streams.
pub(super) const ALL_ANCHORS: &str = "aura:audit-anchor:*";
/// Matches the audit streams of all tenants.
pub(super) const ALL_AUDIT: &str = "aura:audit:*";

pub(super) fn request(id: &RequestId) -> String {
    format!("hitl:request:{id}")
}

pub(super) fn pointer(id: &SessionId) -> String {
    format!("hitl:session:{id}")
}

pub(super) fn signal(id: &SessionId) -> String {
    format!("hitl:signal:{id}")
}

pub(super) fn signals(id: &SessionId) -> String {
    format!("{SIGNALS}{id}")
}

/// As others name it: nothing stands behind the tenant, and a channel chooses no cluster slot.
pub(super) fn requests(tenant: &TenantId) -> String {
    format!("hitl:requests:{tenant}")
}

/// The session whose signals come on this channel, if it is such a channel.
pub(super) fn session_of_signals(channel: &str) -> Option<SessionId> {
    channel.strip_prefix(SIGNALS).map(SessionId::new)
}

pub(super) fn checkpoint(id: &SessionId) -> String {
    format!("checkpoint:{id}")
}

pub(super) fn decision(id: &RequestId) -> String {
    format!("aura:decision:{id}")
}

pub(super) fn endorsements(id: &RequestId) -> String {
    format!("aura:endorsements:{id}")
}

/// The channel of those who follow a tenant's inbox.
pub(super) fn inbox(tenant: &TenantId) -> String {
    format!("aura:inbox:{{{}}}", escaped(tenant.as_str()))
}

/// A part of a tenant's inbox; all are in one slot of a cluster.
pub(super) fn inbox_part(tenant: &TenantId, part: &str) -> String {
    format!("{}:{part}", inbox(tenant))
}

/// A part of the queue of announcements to this recipient; all are in one slot of a cluster.
pub(super) fn announcements(to: Recipient, part: &str) -> String {
    format!("aura:announcements:{{{}}}:{part}", to.word())
}

pub(super) fn journal(id: &SessionId) -> String {
    format!("aura:journal:{id}")
}

pub(super) fn tail(id: &SessionId) -> String {
    format!("aura:tail:{id}")
}

pub(super) fn session(id: &SessionId) -> String {
    format!("aura:session:{id}")
}

pub(super) fn sessions(tenant: &TenantId, user: &UserId) -> String {
    format!("aura:sessions:{}:{}", escaped(tenant.as_str()), escaped(user.as_str()))
}

/// The runs of a tenant, or of all.
pub(super) fn run_index(tenant: Option<&TenantId>) -> String {
    match tenant {
        Some(tenant) => format!("aura:run-index:{}", escaped(tenant.as_str())),
        None => "aura:run-index".to_owned(),
    }
}

/// What is counted for a user, or, without one, for a whole tenant.
pub(super) fn counted(what: &str, tenant: &TenantId, user: Option<&UserId>) -> String {
    let tenant = escaped(tenant.as_str());
    match user {
        Some(user) => format!("aura:{what}:{{{tenant}}}:{}", escaped(user.as_str())),
        None => format!("aura:{what}:{{{tenant}}}"),
    }
}

pub(super) fn idempotency(scoped: &ScopedKey) -> String {
    let (tenant, user) = (escaped(scoped.tenant.as_str()), escaped(scoped.user.as_str()));
    format!("aura:idempotency:{tenant}:{user}:{}", escaped(scoped.key.as_str()))
}

pub(super) fn thread(tenant: &TenantId, user: &UserId, thread: &ThreadId) -> String {
    let (tenant, user) = (escaped(tenant.as_str()), escaped(user.as_str()));
    format!("aura:thread:{tenant}:{user}:{}", escaped(thread.as_str()))
}

pub(super) fn cancel(id: &SessionId) -> String {
    format!("aura:cancel:{id}")
}

pub(super) fn audit(tenant: &TenantId) -> String {
    format!("{AUDIT}{}", escaped(tenant.as_str()))
}

pub(super) fn audit_anchor(tenant: &TenantId) -> String {
    format!("{ANCHOR}{}", escaped(tenant.as_str()))
}

/// The tenant whose audit stream or anchor this is, if it is such a key.
pub(super) fn tenant_of_audit(key: &str) -> Option<TenantId> {
    let name = key.strip_prefix(AUDIT).or_else(|| key.strip_prefix(ANCHOR))?;
    let tenant = TenantId::new(unescaped(name)?);
    (audit(&tenant) == key || audit_anchor(&tenant) == key).then_some(tenant)
}

pub(super) fn spent(tenant: &TenantId, day: UtcDay) -> String {
    format!("aura:spent:{}:{day}", escaped(tenant.as_str()))
}

/// Percent-encodes what would make two names one key (`:` and `%`), choose a cluster slot (`{` and
/// `}`) or spoil a terminal (control characters).
fn escaped(name: &str) -> String {
    let mut key = String::with_capacity(name.len());
    for c in name.chars() {
        if matches!(c, ':' | '%' | '{' | '}') || c.is_control() {
            for byte in c.encode_utf8(&mut [0; 4]).bytes() {
                // Writing to a String cannot fail.
                let _ = write!(key, "%{byte:02X}");
            }
        } else {
            key.push(c);
        }
    }
    key
}

/// What [`escaped`] was given; `None` if it did not make this.
fn unescaped(key: &str) -> Option<String> {
    let mut parts = key.split('%');
    let mut name = parts.next()?.as_bytes().to_vec();
    for part in parts {
        let (digits, rest) = part.split_at_checked(2)?;
        name.push(u8::from_str_radix(digits, 16).ok()?);
        name.extend(rest.as_bytes());
    }
    String::from_utf8(name).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_callers_share_a_key_whatever_they_are_called() {
        let key = |tenant, user| sessions(&TenantId::new(tenant), &UserId::new(user));
        assert_eq!(key("tenant1", "user123"), "aura:sessions:tenant1:user123");
        assert_eq!(key("a:b", "c"), "aura:sessions:a%3Ab:c");
        let all = [("a:b", "c"), ("a", "b:c"), ("a%3Ab", "c"), ("a", "b%3Ac"), ("a:", "b:c")];
        let keys: std::collections::HashSet<_> = all.iter().map(|(t, u)| key(t, u)).collect();
        assert_eq!(keys.len(), all.len());
    }

    #[test]
    fn a_name_chooses_no_cluster_slot_and_carries_no_control_characters() {
        let (tenant, user) = (TenantId::new("{x}"), UserId::new("a\r\n\u{85}"));
        let key = thread(&tenant, &user, &ThreadId::new("김 민수"));
        assert_eq!(key, "aura:thread:%7Bx%7D:a%0D%0A%C2%85:김 민수");
    }

    #[test]
    fn what_is_counted_for_a_tenant_is_in_one_slot_whoever_its_users_are() {
        let tenant = TenantId::new("a}b:c");
        let slot = |key: String| key.split(['{', '}']).nth(1).map(str::to_owned);
        for user in [None, Some(UserId::new("x")), Some(UserId::new("{y}:z"))] {
            let key = counted("runs", &tenant, user.as_ref());
            assert_eq!(slot(key).as_deref(), Some("a%7Db%3Ac"), "{user:?}");
        }
    }

    #[test]
    fn the_key_of_an_audit_stream_names_its_tenant() {
        for name in ["tenant1", "", "a:b", "a%3Ab", "%", "{x}", "a\r\n\u{85}", "김 민수"] {
            let tenant = TenantId::new(name);
            assert_eq!(tenant_of_audit(&audit(&tenant)), Some(tenant), "{name:?}");
        }
        for key in ["aura:audit", "aura:audit:a:b", "aura:audit:%", "aura:audit:%41", "x:a"] {
            assert_eq!(tenant_of_audit(key), None, "{key}");
        }
    }

    #[test]
    fn a_signal_channel_names_its_session() {
        let id = SessionId::new("session_u_1_ab");
        assert_eq!(session_of_signals(&signals(&id)), Some(id.clone()));
        assert_eq!(session_of_signals(&tail(&id)), None);
    }
}

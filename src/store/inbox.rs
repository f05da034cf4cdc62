//! The port of the inbox: what waits for a tenant's people, and what was decided lately (contract,
//! section 5.6).
//!
//! It is a read model. Whether a request waits is said by its run's journal, whether it is decided by
//! its decision; what stands here only says where to look, and is sealed, so that a reader knows that one of
//! us has written it. If it is lost, it is written again from those.

use async_trait::async_trait;

use super::errors::{ReadError, StoreError};
use super::journal::Follower;
use crate::domain::{EventId, InboxItem, RequestId, Sealed, SessionId, TenantId, UnixMs};

/// How many requests of a tenant that wait are kept, the newest: as many as may wait by default.
pub(super) const WAITING_MOST: usize = 20_000;
/// How many decided ones are.
pub(super) const DECIDED_MOST: usize = 5_000;
/// How many changes can be read again, at least.
pub(super) const CHANGES_MOST: usize = 1_000;

/// What waits for a tenant's people, what was decided lately, and how both have changed.
#[async_trait]
pub trait Inbox: Send + Sync {
    /// Notes where a request stands, and appends that to the tenant's changes, in one step. A request only
    /// moves on: a stage that is not later than the one noted changes nothing and tells nobody, so
    /// repeating it is safe. Where nothing was noted of it before, that it was asked is told first
    /// ([`InboxNote::missed`]).
    ///
    /// Returns what was noted of it if that had come as far already: whoever finds that none of us has written
    /// that notes it again with [`InboxNote::void`].
    ///
    /// When this returns `Ok`, every process reads it and every [`Follower`] of the tenant has been or will be
    /// woken. What waits is kept for 30 days and 12 h, what is decided for 7 days after its
    /// decision, both within the bounds above, of which the oldest go first; the changes for 37 days
    /// after the last one.
    async fn note(&self, note: &InboxNote) -> Result<Option<NotedRequest>, StoreError>;

    /// The noted requests of one kind, newest first (ties are broken by request id, descending), those before
    /// `before` (exclusive) where it is given, at most `limit`. Fewer are the last. Each is at the place
    /// that it says it has ([`NotedRequest::place`]): what stands elsewhere in the index is passed over. So no
    /// request comes twice, and who goes on from the place of the last comes to an end.
    async fn noted(
        &self,
        tenant: &TenantId,
        which: Noted,
        before: Option<&InboxPlace>,
        limit: usize,
    ) -> Result<Vec<NotedRequest>, StoreError>;

    /// One noted request, whether it waits or is decided.
    async fn noted_request(
        &self,
        tenant: &TenantId,
        id: &RequestId,
    ) -> Result<Option<NotedRequest>, StoreError>;

    /// Those of these requests that are not noted at all, in the order asked for.
    async fn unnoted(
        &self,
        tenant: &TenantId,
        ids: &[RequestId],
    ) -> Result<Vec<RequestId>, StoreError>;

    /// Drops a noted request of which nothing can come any more. Nobody is told.
    async fn drop_noted(&self, tenant: &TenantId, noted: &NotedRequest) -> Result<(), StoreError>;

    /// The id of a tenant's newest change; [`EventId::ZERO`] if none is kept.
    async fn newest_change(&self, tenant: &TenantId) -> Result<EventId, StoreError>;

    /// The first `limit` changes after the change `after`, oldest first. Ids are unique, ascending, and
    /// follow the clock as those of a journal do. [`ReadError::Gap`] if `after` is not kept: then what came
    /// after it may not be either. ([`EventId::ZERO`] is kept as long as the very first change is.) What is no
    /// change of ours is passed over, and the log and a metric tell of it.
    async fn changes(
        &self,
        tenant: &TenantId,
        after: EventId,
        limit: usize,
    ) -> Result<Vec<ChangedRequest>, ReadError>;

    /// Starts to watch a tenant's changes. Follow first, then read: nothing falls between.
    async fn follow_inbox(&self, tenant: &TenantId) -> Result<Follower, StoreError>;
}

/// Which requests of an inbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Noted {
    /// Those that wait, in the order in which they were asked.
    Waiting,
    /// Those that are decided, in the order in which they were.
    Decided,
}

/// A request's place in a list: the later comes first.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct InboxPlace {
    /// When it was asked, or decided.
    pub at: UnixMs,
    /// The request.
    pub request: RequestId,
}

/// How far a request has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InboxStage {
    /// It waits, and so many have said yes.
    Waiting {
        /// How many.
        approvals: u32,
    },
    /// It was decided.
    Decided {
        /// When.
        at: UnixMs,
    },
}

impl InboxStage {
    /// Whether requests that have come so far are in this list.
    pub(super) fn is_of(self, which: Noted) -> bool {
        match self {
            Self::Waiting { .. } => which == Noted::Waiting,
            Self::Decided { .. } => which == Noted::Decided,
        }
    }

    /// Later stages have more.
    pub(super) fn rank(self) -> u64 {
        match self {
            Self::Waiting { approvals } => approvals.into(),
            Self::Decided { .. } => u64::from(u32::MAX) + 1,
        }
    }
}

/// What is noted of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InboxNote {
    /// Whose people may see it.
    pub tenant: TenantId,
    /// The request as it is noted.
    pub noted: NotedRequest,
    /// The request as the change tells it.
    pub change: Sealed<InboxItem>,
    /// The request as it was asked, where that is another change: it may have come too late, or not at all.
    pub missed: Option<Sealed<InboxItem>>,
    /// What was noted of it and counts for nothing, because none of us has written it: this takes its place,
    /// however far that is said to have come.
    pub void: Option<NotedRequest>,
}

/// A noted request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotedRequest {
    /// The request.
    pub request: RequestId,
    /// The run that waits for it.
    pub session: SessionId,
    /// When it was asked.
    pub created_at: UnixMs,
    /// How far it has come.
    pub stage: InboxStage,
    /// What is known of it.
    pub item: Sealed<InboxItem>,
}

impl NotedRequest {
    /// Its place in such a list, whether or not it is in it still; `None` if it never was.
    pub fn place(&self, which: Noted) -> Option<InboxPlace> {
        let at = match (which, self.stage) {
            (Noted::Waiting, _) => self.created_at,
            (Noted::Decided, InboxStage::Decided { at }) => at,
            (Noted::Decided, InboxStage::Waiting { .. }) => return None,
        };
        Some(InboxPlace { at, request: self.request.clone() })
    }
}

/// A change, as it can be read again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangedRequest {
    /// The id of the change.
    pub id: EventId,
    /// The request.
    pub request: RequestId,
    /// The run that waits for it, or did.
    pub session: SessionId,
    /// The request as it stood then.
    pub item: Sealed<InboxItem>,
}

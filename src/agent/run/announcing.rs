//! How what happens in a run comes to be told outside (contract, section 5.6).
//!
//! Before a run appends something that is to be told, it queues its session; what there is to tell is read from the
//! journal by whoever gets the session's turn (`service/announcing.rs`). So a crash between the two costs nothing:
//! either the entry is in the journal and the session is queued, or there is nothing to tell. Where nobody is to be
//! told, nothing is queued.

use std::time::Duration;

use futures::future::try_join_all;
use tokio::time::Instant;

use super::announced::{Found, Happened};
use super::context::RunContext;
use super::inbox::REQUEST_MAX;
use crate::domain::event::EndStatus;
use crate::domain::event::shown_request;
use crate::domain::event::told::{Told, ToldEvent};
use crate::domain::{
    Announced, Announcement, AnnouncementId, AnnouncementKind, ApprovalRequest, Decision, EventId,
    InboxItem, RequestId, RunEnded, SessionId, SessionMeta, Shown, Usage,
};
use crate::store::{AnnouncementPlace, StoreError};

/// When to look for what was announced: it is being appended.
pub(crate) const LOOK_IN: Duration = Duration::from_millis(20);
/// How much longer than anybody waits for the store something announced may take to come.
const MARGIN: Duration = Duration::from_secs(30);

/// What was queued for an entry that is to come.
pub(crate) struct Placed {
    kind: AnnouncementKind,
    after: EventId,
    at: Instant,
}

impl RunContext {
    /// Queues a session before something that is to be told is appended to its journal, behind this entry.
    pub(crate) async fn will_announce(
        &self,
        session: &SessionId,
        kind: AnnouncementKind,
        after: EventId,
    ) -> Result<Placed, StoreError> {
        let placed = Placed { kind, after, at: Instant::now() };
        self.queue(session, Some(kind), after, self.announcement_wait()).await?;
        Ok(placed)
    }

    /// What was announced is stored. If that has taken longer than anybody waits for it, because this process stood
    /// still, its session is queued once more.
    pub(super) async fn have_announced(&self, session: &SessionId, placed: Placed) {
        if placed.at.elapsed() < self.announcement_wait() {
            return;
        }
        let Placed { kind, after, .. } = placed;
        if let Err(error) = self.queue(session, Some(kind), after, Duration::ZERO).await {
            tracing::warn!(%session, %error, "an announcement may come late");
        }
    }

    /// Queues a session that has something to tell already, which a former owner may not have come to.
    pub(crate) async fn announce_again(&self, session: &SessionId) -> Result<(), StoreError> {
        self.queue(session, None, EventId::ZERO, Duration::ZERO).await
    }

    /// How long something that was announced may take to come: its owner may have died, and another may have to
    /// find that out, while the store is away for both of them.
    fn announcement_wait(&self) -> Duration {
        self.terms.lease + 2 * self.store_timeout + MARGIN
    }

    async fn queue(
        &self,
        session: &SessionId,
        kind: Option<AnnouncementKind>,
        after: EventId,
        wait: Duration,
    ) -> Result<(), StoreError> {
        let place = AnnouncementPlace { session: session.clone(), after, look_in: LOOK_IN, wait };
        let places = self.announcers.wanting(kind).map(async |outlet| {
            let to = outlet.announcer.recipient();
            let placed = self.retry_unavailable(|| self.store.place(to, &place));
            match placed.await {
                // Nobody outside is worth a run.
                Err(error) if !error.is_transient() => {
                    tracing::error!(%session, to = to.word(), %error, "nothing can be queued to be told");
                    Ok(())
                }
                placed => placed,
            }?;
            outlet.placed.notify_one();
            Ok(())
        });
        try_join_all(places).await.map(drop)
    }

    /// What is told of what was found in a session's journal; `None` where nothing is known of it any more.
    pub(crate) async fn announcement(
        &self,
        session: &SessionId,
        meta: Option<&SessionMeta>,
        found: &Found,
    ) -> Result<Option<Announcement>, StoreError> {
        let of = |request: Option<&RequestId>| AnnouncementId::of(session, found.entry, request);
        let decided = |item: InboxItem, decision: &Decision| Announcement {
            id: of(Some(&item.request.request_id)),
            at: decision.at_ms,
            what: Announced::Decided(Box::new(cut(item.decided(decision)))),
        };
        Ok(match &found.what {
            Happened::Asked(request) => Some(Announcement {
                id: of(Some(&request.request_id)),
                at: request.created_at,
                what: Announced::Asked(Box::new(cut(item(session, meta, request)))),
            }),
            Happened::Decided(request, decision) => {
                Some(decided(item(session, meta, request), decision))
            }
            Happened::DecidedEarlier(request, decision) => {
                let item = self.item_of(session, request).await?;
                item.map(|item| decided(item, decision))
            }
            Happened::LeftOpen(request) => {
                let id = &request.request_id;
                let standing = self.retry_unavailable(|| self.decision(session, id)).await?;
                standing.map(|decision| decided(item(session, meta, request), &decision))
            }
            Happened::Ended(shown) => meta.map(|meta| ended(of(None), meta, shown.as_ref())),
        })
    }
}

/// A request as it was asked.
fn item(session: &SessionId, meta: Option<&SessionMeta>, request: &ApprovalRequest) -> InboxItem {
    let mut request = request.clone();
    request.session_id = session.clone();
    if let Some(meta) = meta {
        request.tenant_id = meta.tenant.clone();
    }
    InboxItem::asked(meta, &request)
}

/// The same with no more of its long fields than an inbox has.
fn cut(item: InboxItem) -> InboxItem {
    InboxItem { request: shown_request(&item.request, REQUEST_MAX), ..item }
}

/// The end of a run, as its clients were told of it.
fn ended(id: AnnouncementId, meta: &SessionMeta, shown: Option<&Shown>) -> Announcement {
    let told = match shown {
        Some(Shown::Event { payload, .. }) => Told::read(payload),
        Some(Shown::Done) | None => None,
    };
    let at = told.as_ref().map_or(meta.created_at_ms, |told| told.at.ms());
    let (status, message, usage, duration_ms) = match told.map(|told| told.event) {
        Some(ToldEvent::End { message, status, usage, duration_ms }) => {
            (status, Some(message), usage, duration_ms)
        }
        Some(_) | None => (EndStatus::Failed, None, Usage::default(), 0),
    };
    let ended = RunEnded {
        session_id: meta.session_id.clone(),
        tenant_id: meta.tenant.clone(),
        user_id: meta.user.clone(),
        status,
        message,
        duration_ms,
        usage: Some(usage).filter(|usage| *usage != Usage::default()),
    };
    Announcement { id, at, what: Announced::Ended(Box::new(ended)) }
}

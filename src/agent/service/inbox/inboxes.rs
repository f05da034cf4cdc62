//! The inboxes that this process knows, one for each tenant whose people read theirs.
//!
//! Each has one reader, a task (`reader.rs`): it alone asks the store what waits and what has changed, however
//! many lists and streams want to know. A list asks it to look once more, so that it shows whatever was answered
//! to anybody before it was asked; all who ask meanwhile are served by one look. A stream is woken when there is
//! something new. When nobody has read an inbox for a while, all that is known of it goes.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;

use super::reader::Reader;
use super::tenant::TenantInbox;
use crate::agent::run::context::RunContext;
use crate::domain::TenantId;

/// How long an inbox that nobody reads is known.
const UNREAD: Duration = Duration::from_secs(60);

/// The inboxes that this process knows.
///
/// State kept so that what many read is read of the store once. One lock, held for a few instructions; lists and
/// streams take it when they begin, readers when they end.
#[derive(Debug, Default)]
pub(crate) struct TenantInboxes(Mutex<HashMap<TenantId, Arc<TenantInbox>>>);

impl TenantInboxes {
    /// A tenant's inbox; its reader begins if there is none.
    pub(super) fn of(
        self: &Arc<Self>,
        ctx: &Arc<RunContext>,
        tenant: &TenantId,
    ) -> Arc<TenantInbox> {
        let mut inboxes = self.0.lock();
        if let Some(inbox) = inboxes.get(tenant).filter(|inbox| inbox.has_reader()) {
            return Arc::clone(inbox);
        }
        let (inbox, reader) = Reader::of(ctx, tenant);
        inboxes.insert(tenant.clone(), Arc::clone(&inbox));
        // Lists are answered, and streams end, as long as the process does.
        let (inboxes_of_all, known) = (Arc::clone(self), Arc::clone(&inbox));
        ctx.tasks.spawn_support(reader.read(move || inboxes_of_all.has_let_go(&known)));
        inbox
    }

    /// Forgets an inbox if nobody has read it for a while; says whether it did.
    fn has_let_go(&self, inbox: &Arc<TenantInbox>) -> bool {
        let mut inboxes = self.0.lock();
        // The table has it, its reader, and who asks for the reader.
        let is_followed = Arc::strong_count(inbox) > 3;
        let lets_go = !is_followed && inbox.unread_for() >= UNREAD;
        if lets_go {
            inboxes.remove(&inbox.tenant);
        }
        lets_go
    }
}

//! Who outside of the service is told, as the runs of a process know them.

use std::sync::Arc;

use tokio::sync::Notify;

use crate::announce::Announcer;
use crate::domain::AnnouncementKind;

/// Who is told, and how this process says that there is something to tell. Cloning shares them.
#[derive(Clone, Default)]
pub struct Announcers(Arc<[Outlet]>);

/// One who is told.
pub(crate) struct Outlet {
    /// How.
    pub(crate) announcer: Arc<dyn Announcer>,
    /// Notified when this process has queued something.
    pub(crate) placed: Notify,
}

impl Announcers {
    /// These.
    pub fn new(announcers: impl IntoIterator<Item = Arc<dyn Announcer>>) -> Self {
        let outlet = |announcer| Outlet { announcer, placed: Notify::new() };
        Self(announcers.into_iter().map(outlet).collect())
    }

    /// All of them.
    pub(crate) fn all(&self) -> &[Outlet] {
        &self.0
    }

    /// Those who want what is of this kind; all, of whatever kind it is.
    pub(super) fn wanting(&self, kind: Option<AnnouncementKind>) -> impl Iterator<Item = &Outlet> {
        self.0
            .iter()
            .filter(move |outlet| kind.is_none_or(|kind| outlet.announcer.recipient().wants(kind)))
    }
}

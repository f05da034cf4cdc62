//! The newest changes of one tenant's inbox, opened once for all who follow it.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::domain::{EventId, InboxItem};

/// How many are kept: who has missed more reads them from the store.
const MOST: usize = 256;

/// A change of an inbox.
#[derive(Clone, Debug)]
pub struct InboxNews {
    /// The id of the change.
    pub id: EventId,
    /// The request as it stood then; `None` if none of us has written it.
    pub item: Option<InboxItem>,
}

/// The newest changes, without a gap.
#[derive(Debug)]
pub(super) struct RecentChanges {
    /// The change before the first of them.
    before: EventId,
    news: VecDeque<Arc<InboxNews>>,
}

impl RecentChanges {
    /// None so far; the newest was this one.
    pub(super) fn after(newest: EventId) -> Self {
        Self { before: newest, news: VecDeque::new() }
    }

    /// The newest change.
    pub(super) fn newest(&self) -> EventId {
        self.news.back().map_or(self.before, |news| news.id)
    }

    /// Adds the next one.
    pub(super) fn push(&mut self, news: InboxNews) {
        self.news.push_back(Arc::new(news));
        if self.news.len() > MOST
            && let Some(first) = self.news.pop_front()
        {
            self.before = first.id;
        }
    }

    /// The first `limit` changes after this one; `None` if that is not known to be one of them.
    pub(super) fn since(&self, after: EventId, limit: usize) -> Option<Vec<Arc<InboxNews>>> {
        let from = self.news.partition_point(|news| news.id <= after);
        let is_known = match from.checked_sub(1) {
            Some(last) => self.news.get(last).is_some_and(|news| news.id == after),
            None => self.before == after,
        };
        is_known.then(|| self.news.range(from..).take(limit).cloned().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(news: Option<Vec<Arc<InboxNews>>>) -> Option<Vec<u64>> {
        news.map(|news| news.iter().map(|news| news.id.get()).collect())
    }

    #[test]
    fn who_has_one_of_them_gets_what_came_after_and_nobody_else_anything() {
        let mut recent = RecentChanges::after(EventId::new(10));
        for id in [12, 15, 16] {
            recent.push(InboxNews { id: EventId::new(id), item: None });
        }
        let since = |id| ids(recent.since(EventId::new(id), 2));
        assert_eq!(since(10), Some(vec![12, 15]), "no more than asked for");
        assert_eq!(since(12), Some(vec![15, 16]));
        assert_eq!(since(16), Some(vec![]));
        for unknown in [0, 9, 11, 14, 17] {
            assert_eq!(since(unknown), None, "{unknown}");
        }
    }

    #[test]
    fn the_oldest_go_and_who_has_no_later_one_is_not_served() {
        let mut recent = RecentChanges::after(EventId::ZERO);
        for id in 1..=MOST as u64 + 2 {
            recent.push(InboxNews { id: EventId::new(id), item: None });
        }
        assert_eq!(recent.since(EventId::new(1), 1).map(|news| news.len()), None);
        assert_eq!(ids(recent.since(EventId::new(2), 1)), Some(vec![3]));
        assert_eq!(recent.newest().get(), MOST as u64 + 2);
    }
}

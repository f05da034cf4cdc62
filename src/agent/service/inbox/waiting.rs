//! What waits for the people of one tenant, sorted so that a page costs no more than a page, and a count no more
//! than there are people who ask.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::hash::Hash;
use std::ops::Bound;
use std::sync::Arc;

use crate::agent::approval::policy::ApproverPolicy;
use crate::domain::{Caller, InboxItem, RequestId, SessionId, UnixMs, UserId};
use crate::store::InboxPlace;

/// The most requests that are kept, the newest: as many as the store keeps.
const MOST: usize = 20_000;

/// Requests that wait, each without what can be long.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    places: BTreeMap<InboxPlace, Arc<InboxItem>>,
    items: HashMap<RequestId, Arc<InboxItem>>,
    /// How many there are, by tool and by who asks: whether somebody may approve depends on nothing else.
    asked: HashMap<String, HashMap<UserId, usize>>,
    /// Who has said yes to which.
    endorsed: HashMap<UserId, HashSet<RequestId>>,
    /// Which run asks which.
    sessions: HashMap<SessionId, HashSet<RequestId>>,
    /// When their time is up.
    due: BTreeSet<(UnixMs, RequestId)>,
}

/// Its place among what waits.
pub(super) fn place_of(item: &InboxItem) -> InboxPlace {
    InboxPlace { at: item.request.created_at, request: item.request.request_id.clone() }
}

impl Waiting {
    /// Adds a request, unless it is known to have come as far already.
    pub(super) fn put(&mut self, item: Arc<InboxItem>) {
        let request = &item.request;
        let has_come_as_far =
            |known: &Arc<InboxItem>| known.request.quorum.approvals >= request.quorum.approvals;
        if self.get(&request.request_id).is_some_and(has_come_as_far) {
            return;
        }
        self.remove(&request.request_id);
        let by_tool = self.asked.entry(request.action_type.clone()).or_default();
        *by_tool.entry(request.user_id.clone()).or_default() += 1;
        for user in &item.endorsed_by {
            file(&mut self.endorsed, user, &request.request_id);
        }
        file(&mut self.sessions, &request.session_id, &request.request_id);
        self.due.insert((request.deadline.at(), request.request_id.clone()));
        self.items.insert(request.request_id.clone(), Arc::clone(&item));
        self.places.insert(place_of(&item), item);
        if self.places.len() > MOST
            && let Some((oldest, _)) = self.places.pop_first()
        {
            self.remove(&oldest.request);
        }
    }

    /// Forgets a request.
    pub(super) fn remove(&mut self, id: &RequestId) {
        let Some(item) = self.items.remove(id) else { return };
        let request = &item.request;
        self.places.remove(&place_of(&item));
        self.due.remove(&(request.deadline.at(), id.clone()));
        self.ask_one_less(&request.action_type, &request.user_id);
        for user in &item.endorsed_by {
            unfile(&mut self.endorsed, user, id);
        }
        unfile(&mut self.sessions, &request.session_id, id);
    }

    fn ask_one_less(&mut self, tool: &str, user: &UserId) {
        let Some(by) = self.asked.get_mut(tool) else { return };
        let left = by.get(user).map_or(0, |count| count.saturating_sub(1));
        match left {
            0 => drop(by.remove(user)),
            left => drop(by.insert(user.clone(), left)),
        }
        if by.is_empty() {
            self.asked.remove(tool);
        }
    }

    /// Forgets those whose time is up: they wait no more, whether or not anybody has told so.
    pub(super) fn expire(&mut self, now: UnixMs) {
        while let Some((at, id)) = self.due.first()
            && *at <= now
        {
            let id = id.clone();
            self.remove(&id);
        }
    }

    /// Forgets those from below the place `upper` down to `lower`, with that, that are not among these.
    pub(super) fn keep_only(
        &mut self,
        upper: Option<&InboxPlace>,
        lower: Option<&InboxPlace>,
        kept: &HashSet<RequestId>,
    ) {
        let from = lower.map_or(Bound::Unbounded, Bound::Included);
        let to = upper.map_or(Bound::Unbounded, Bound::Excluded);
        let between = self.places.range::<InboxPlace, _>((from, to));
        let gone: Vec<RequestId> = between
            .map(|(place, _)| &place.request)
            .filter(|id| !kept.contains(*id))
            .cloned()
            .collect();
        gone.iter().for_each(|id| self.remove(id));
    }

    /// What is known of a request.
    pub(super) fn get(&self, id: &RequestId) -> Option<&Arc<InboxItem>> {
        self.items.get(id)
    }

    /// What a run asks.
    pub(super) fn of_session(&self, session: &SessionId) -> Vec<Arc<InboxItem>> {
        let asked = self.sessions.get(session).into_iter().flatten();
        asked.filter_map(|id| self.get(id).cloned()).collect()
    }

    /// The newest requests before a place.
    pub(super) fn page(&self, before: Option<&InboxPlace>, most: usize) -> Vec<Arc<InboxItem>> {
        let to = before.map_or(Bound::Unbounded, Bound::Excluded);
        let newest_first = self.places.range::<InboxPlace, _>((Bound::Unbounded, to)).rev();
        newest_first.take(most).map(|(_, item)| Arc::clone(item)).collect()
    }

    /// How many there are to which this caller's yes would count.
    pub(super) fn count(&self, caller: &Caller, policy: &ApproverPolicy) -> usize {
        let of_tool = |(tool, by): (&String, &HashMap<UserId, usize>)| {
            let approvers = policy.of(tool);
            let theirs = by.iter().filter(|(user, _)| approvers.include(caller, user));
            theirs.map(|(_, count)| count).sum::<usize>()
        };
        let all: usize = self.asked.iter().map(of_tool).sum();
        let may_decide = |id: &&RequestId| {
            self.get(id).is_some_and(|item| {
                policy.of(&item.request.action_type).include(caller, &item.request.user_id)
            })
        };
        let said = self.endorsed.get(&caller.user);
        all - said.map_or(0, |said| said.iter().filter(may_decide).count())
    }
}

fn file<K: Clone + Eq + Hash>(files: &mut HashMap<K, HashSet<RequestId>>, key: &K, id: &RequestId) {
    files.entry(key.clone()).or_default().insert(id.clone());
}

fn unfile<K: Eq + Hash>(files: &mut HashMap<K, HashSet<RequestId>>, key: &K, id: &RequestId) {
    let Some(filed) = files.get_mut(key) else { return };
    filed.remove(id);
    if filed.is_empty() {
        files.remove(key);
    }
}

#[cfg(test)]
mod tests;

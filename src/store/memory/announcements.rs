//! The queues of announcements in the embedded store.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use async_trait::async_trait;
use uuid::Uuid;

use super::MemoryStore;
use crate::domain::{EventId, Recipient, SessionId, UnixMs};
use crate::store::{AnnouncementPlace, Announcements, DueTurns, StoreError, Turn, TurnStep, ttl};

type Key = (Recipient, SessionId);

/// What is known of each session that was ever queued.
#[derive(Debug, Default)]
pub(super) struct AnnouncementTable {
    queued: HashMap<Key, Queued>,
    /// Those of which everything was told, and until when it is remembered how much that is.
    told: HashMap<Key, (Turn, UnixMs)>,
}

/// A session that is queued.
#[derive(Clone, Debug)]
struct Queued {
    turn: Turn,
    /// Whether somebody has its turn; which one, the token says.
    is_taken: bool,
    /// Until when what was announced may come.
    until: UnixMs,
    due: UnixMs,
    since: UnixMs,
}

impl AnnouncementTable {
    /// How many sessions take up memory.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.queued.len() + self.told.len()
    }

    /// Forgets what was told of sessions that cannot have anything more to tell.
    pub(super) fn sweep(&mut self, now: UnixMs) {
        self.told.retain(|_, (_, until)| *until > now);
    }

    /// The same of sessions that are gone. What is queued of them is found to be lost, and counted.
    pub(super) fn let_go(&mut self, gone: &HashSet<SessionId>) {
        self.told.retain(|(_, session), _| !gone.contains(session));
    }

    fn place(&mut self, to: Recipient, place: &AnnouncementPlace, now: UnixMs) {
        let key = (to, place.session.clone());
        let soon = now.after(place.look_in);
        let told = self.told.remove(&key);
        let queued = self.queued.entry(key).or_insert_with(|| {
            let turn = told.map_or_else(|| never_told(&place.session), |(turn, _)| turn);
            Queued { turn, is_taken: false, until: now, due: soon, since: now }
        });
        queued.turn.placed += 1;
        queued.turn.looks = 0;
        queued.turn.after = queued.turn.after.max(place.after);
        queued.until = queued.until.max(now.after(place.wait));
        // One who has its turn, or a pause after a failure, is not hurried.
        if !queued.is_taken && queued.turn.failures == 0 {
            queued.due = queued.due.min(soon);
        }
    }

    fn take(&mut self, to: Recipient, limit: usize, term: Duration, now: UnixMs) -> DueTurns {
        let token = Uuid::new_v4().simple().to_string();
        let of = |(key, queued)| {
            let (recipient, _): &Key = key;
            (*recipient == to).then_some::<&mut Queued>(queued)
        };
        let mut queued: Vec<&mut Queued> = self.queued.iter_mut().filter_map(of).collect();
        queued.sort_by_key(|queued| queued.due);
        let due = queued.iter_mut().filter(|queued| queued.due <= now).take(limit);
        let turns = due.map(|queued| queued.take(&token, term, now)).collect();
        let first = queued.iter().map(|queued| queued.since).min();
        DueTurns {
            turns,
            next: queued.iter().map(|queued| queued.due.since(now)).min(),
            queued: queued.len() as u64,
            lag: first.map_or(Duration::ZERO, |first| now.since(first)),
        }
    }

    fn keep(&mut self, to: Recipient, turn: &Turn, step: TurnStep, now: UnixMs) -> bool {
        let key = (to, turn.session.clone());
        let queued = self.queued.get_mut(&key);
        let Some(mine) = queued.filter(|it| it.is_taken && it.turn.token == turn.token) else {
            return false;
        };
        let placed_anew = mine.turn.placed != turn.placed;
        match step {
            TurnStep::Done { over } if !placed_anew => {
                let kept = (mine.turn.clone(), now.after(ttl::announced(over)));
                self.queued.remove(&key);
                self.told.insert(key, kept);
            }
            step => mine.keep(step, placed_anew, now),
        }
        true
    }
}

impl Queued {
    fn take(&mut self, token: &str, term: Duration, now: UnixMs) -> Turn {
        token.clone_into(&mut self.turn.token);
        self.is_taken = true;
        self.turn.waits = self.until > now;
        self.due = now.after(term);
        self.turn.clone()
    }

    fn keep(&mut self, step: TurnStep, placed_anew: bool, now: UnixMs) {
        self.is_taken = matches!(step, TurnStep::Hold { .. } | TurnStep::Told { .. });
        self.due = now.after(match step {
            TurnStep::Hold { term } => term,
            TurnStep::Told { upto, term } => {
                self.turn.told = self.turn.told.max(upto);
                self.turn.failures = 0;
                term
            }
            TurnStep::Failed { after } => {
                self.turn.failures = self.turn.failures.saturating_add(1);
                after
            }
            TurnStep::Look { after } if !placed_anew => {
                self.turn.looks = self.turn.looks.saturating_add(1);
                after
            }
            TurnStep::Look { .. } | TurnStep::Done { .. } => Duration::ZERO,
        });
    }
}

fn never_told(session: &SessionId) -> Turn {
    Turn {
        session: session.clone(),
        token: String::new(),
        placed: 0,
        told: EventId::ZERO,
        after: EventId::ZERO,
        waits: false,
        failures: 0,
        looks: 0,
    }
}

#[async_trait]
impl Announcements for MemoryStore {
    async fn place(&self, to: Recipient, place: &AnnouncementPlace) -> Result<(), StoreError> {
        self.announcements.lock().place(to, place, self.clock.now());
        Ok(())
    }

    async fn take_turns(
        &self,
        to: Recipient,
        limit: usize,
        term: Duration,
    ) -> Result<DueTurns, StoreError> {
        Ok(self.announcements.lock().take(to, limit, term, self.clock.now()))
    }

    async fn keep_turn(
        &self,
        to: Recipient,
        turn: &Turn,
        step: TurnStep,
    ) -> Result<bool, StoreError> {
        Ok(self.announcements.lock().keep(to, turn, step, self.clock.now()))
    }
}

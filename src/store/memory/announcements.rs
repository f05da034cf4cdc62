//! The queues of announcements in the embedded store.

use std::collections::HashMap;
use std::time::Duration;

use async_trait::async_trait;
use uuid::Uuid;

use super::MemoryStore;
use crate::domain::{EventId, Recipient, SessionId, UnixMs};
use crate::store::{AnnouncementPlace, Announcements, DueTurns, StoreError, Turn, TurnStep, ttl};

/// What is known of each session that was ever queued, by recipient.
pub(super) type AnnouncementTable = HashMap<(Recipient, SessionId), Known>;

/// What is known of a session.
#[derive(Clone, Debug)]
pub(super) struct Known {
    turn: Turn,
    /// Whether somebody has its turn; which one, the token says.
    is_taken: bool,
    /// Until when what was announced may come.
    until: UnixMs,
    state: State,
}

#[derive(Clone, Copy, Debug)]
enum State {
    Queued {
        due: UnixMs,
        since: UnixMs,
    },
    /// Everything was told; it is remembered how much that is.
    Idle {
        until: UnixMs,
    },
}

impl Known {
    fn new(session: &SessionId, now: UnixMs) -> Self {
        let turn = Turn {
            session: session.clone(),
            token: String::new(),
            placed: 0,
            told: EventId::ZERO,
            after: EventId::ZERO,
            waits: false,
            failures: 0,
            looks: 0,
        };
        Self { turn, is_taken: false, until: now, state: State::Idle { until: now } }
    }

    fn due(&self) -> Option<(UnixMs, UnixMs)> {
        match self.state {
            State::Queued { due, since } => Some((due, since)),
            State::Idle { .. } => None,
        }
    }

    /// Whether there may be something to tell.
    pub(super) fn is_queued(&self) -> bool {
        self.due().is_some()
    }

    fn is_due(&self, now: UnixMs) -> bool {
        self.due().is_some_and(|(due, _)| due <= now)
    }

    fn place(&mut self, place: &AnnouncementPlace, now: UnixMs) {
        let soon = now.after(place.look_in);
        self.turn.placed += 1;
        self.turn.looks = 0;
        self.turn.after = self.turn.after.max(place.after);
        self.until = self.until.max(now.after(place.wait));
        let is_free = !self.is_taken && self.turn.failures == 0;
        self.state = match self.state {
            State::Queued { due, since } if is_free => State::Queued { due: due.min(soon), since },
            queued @ State::Queued { .. } => queued,
            State::Idle { .. } => State::Queued { due: soon, since: now },
        };
    }

    fn take(&mut self, token: &str, now: UnixMs, term: Duration) -> Turn {
        token.clone_into(&mut self.turn.token);
        self.is_taken = true;
        self.turn.waits = self.until > now;
        self.due_at(now.after(term));
        self.turn.clone()
    }

    fn due_at(&mut self, at: UnixMs) {
        if let State::Queued { due, .. } = &mut self.state {
            *due = at;
        }
    }

    fn keep(&mut self, turn: &Turn, step: TurnStep, now: UnixMs) {
        let placed_anew = self.turn.placed != turn.placed;
        match step {
            TurnStep::Hold { term } => return self.due_at(now.after(term)),
            TurnStep::Told { upto, term } => {
                self.turn.told = self.turn.told.max(upto);
                self.turn.failures = 0;
                return self.due_at(now.after(term));
            }
            TurnStep::Failed { after } => {
                self.turn.failures = self.turn.failures.saturating_add(1);
                self.due_at(now.after(after));
            }
            TurnStep::Look { .. } | TurnStep::Done { .. } if placed_anew => self.due_at(now),
            TurnStep::Look { after } => {
                self.turn.looks = self.turn.looks.saturating_add(1);
                self.due_at(now.after(after));
            }
            TurnStep::Done { over } => {
                self.state = State::Idle { until: now.after(ttl::announced(over)) };
            }
        }
        self.is_taken = false;
    }
}

impl MemoryStore {
    /// Forgets what was told of sessions that cannot have anything more to tell.
    pub(super) fn sweep_announcements(&self, now: UnixMs) {
        let is_kept = |known: &Known| match known.state {
            State::Queued { .. } => true,
            State::Idle { until } => until > now,
        };
        self.announcements.lock().retain(|_, known| is_kept(known));
    }
}

#[async_trait]
impl Announcements for MemoryStore {
    async fn place(&self, to: Recipient, place: &AnnouncementPlace) -> Result<(), StoreError> {
        let now = self.clock.now();
        let mut table = self.announcements.lock();
        let known = table.entry((to, place.session.clone()));
        known.or_insert_with(|| Known::new(&place.session, now)).place(place, now);
        Ok(())
    }

    async fn take_turns(
        &self,
        to: Recipient,
        limit: usize,
        term: Duration,
    ) -> Result<DueTurns, StoreError> {
        let (now, token) = (self.clock.now(), Uuid::new_v4().simple().to_string());
        let mut table = self.announcements.lock();
        let mut queued: Vec<&mut Known> = table
            .iter_mut()
            .filter(|((of, _), known)| *of == to && known.due().is_some())
            .map(|(_, known)| known)
            .collect();
        queued.sort_by_key(|known| known.due());
        let due = queued.iter_mut().filter(|known| known.is_due(now)).take(limit);
        let turns: Vec<Turn> = due.map(|known| known.take(&token, now, term)).collect();
        let next = queued.iter().filter_map(|known| known.due()).map(|(due, _)| due).min();
        let first = queued.iter().filter_map(|known| known.due()).map(|(_, since)| since).min();
        Ok(DueTurns {
            turns,
            next: next.map(|next| next.since(now)),
            queued: queued.len() as u64,
            lag: first.map_or(Duration::ZERO, |first| now.since(first)),
        })
    }

    async fn keep_turn(
        &self,
        to: Recipient,
        turn: &Turn,
        step: TurnStep,
    ) -> Result<bool, StoreError> {
        let now = self.clock.now();
        let mut table = self.announcements.lock();
        let known = table.get_mut(&(to, turn.session.clone()));
        let mine = known.filter(|known| known.is_taken && known.turn.token == turn.token);
        let is_mine = mine.is_some();
        if let Some(known) = mine {
            known.keep(turn, step, now);
        }
        Ok(is_mine)
    }
}

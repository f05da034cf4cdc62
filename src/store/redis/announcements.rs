//! The queues of announcements. Of each recipient there are three sorted sets and a hash, all in one slot: when each
//! session is due, since when it is queued, until when what was told of the others is remembered, and what is known
//! of all of them. A turn that was taken is a session that is due again when its term has run out, with a token.
//!
//! What is known is JSON: how often it was queued (`p`), until when something may come (`u`), the token of who has
//! its turn (`k`), how much was told (`t`), behind which entry more is to come (`a`), failures (`f`), looks (`l`).

use std::time::Duration;

use async_trait::async_trait;
use uuid::Uuid;

use super::leases::text;
use super::{RedisStore, keys};
use crate::domain::time::whole_ms;
use crate::domain::{EventId, Recipient, SessionId};
use crate::store::{AnnouncementPlace, Announcements, DueTurns, StoreError, Turn, TurnStep, ttl};

/// A turn as the script tells it.
type Row = (String, String, String, String, bool, u32, u32);

fn queue(to: Recipient) -> [String; 4] {
    ["due", "since", "told", "sessions"].map(|part| keys::announcements(to, part))
}

fn turn(row: Row, token: &str) -> Option<Turn> {
    let (session, placed, told, after, waits, failures, looks) = row;
    Some(Turn {
        session: SessionId::new(session),
        token: token.to_owned(),
        placed: placed.parse().ok()?,
        told: EventId::parse(&told)?,
        after: EventId::parse(&after)?,
        waits,
        failures,
        looks,
    })
}

/// The word, the time and the entry of a step.
fn words(step: TurnStep) -> (&'static str, Duration, Option<EventId>) {
    match step {
        TurnStep::Hold { term } => ("hold", term, None),
        TurnStep::Told { upto, term } => ("told", term, Some(upto)),
        TurnStep::Look { after } => ("look", after, None),
        TurnStep::Failed { after } => ("failed", after, None),
        TurnStep::Done { over } => ("done", ttl::announced(over), None),
    }
}

#[async_trait]
impl Announcements for RedisStore {
    async fn place(&self, to: Recipient, place: &AnnouncementPlace) -> Result<(), StoreError> {
        let args = [
            text(&place.session),
            text(&place.after),
            text(&whole_ms(place.look_in)),
            text(&whole_ms(place.wait)),
            text(&whole_ms(ttl::announced(false))),
        ];
        self.commands.script_on(&self.place_announcement, &queue(to), &args).await
    }

    async fn take_turns(
        &self,
        to: Recipient,
        limit: usize,
        term: Duration,
    ) -> Result<DueTurns, StoreError> {
        let token = Uuid::new_v4().simple().to_string();
        let args = [text(&limit), text(&whole_ms(term)), text(&token)];
        let (next, queued, lag, rows): (i64, u64, u64, Vec<Row>) =
            self.commands.script_on(&self.take_announcements, &queue(to), &args).await?;
        Ok(DueTurns {
            // Numbers that none of us has written are nobody's turn.
            turns: rows.into_iter().filter_map(|row| turn(row, &token)).collect(),
            next: u64::try_from(next).ok().map(Duration::from_millis),
            queued,
            lag: Duration::from_millis(lag),
        })
    }

    async fn keep_turn(
        &self,
        to: Recipient,
        turn: &Turn,
        step: TurnStep,
    ) -> Result<bool, StoreError> {
        let (word, time, told) = words(step);
        let mut args = vec![
            text(&turn.session),
            text(&turn.token),
            text(&turn.placed),
            text(&word),
            text(&whole_ms(time)),
        ];
        args.extend(told.as_ref().map(text));
        self.commands.script_on(&self.keep_announcement, &queue(to), &args).await
    }
}

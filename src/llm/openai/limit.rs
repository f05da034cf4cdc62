//! The limits of time that a model has to keep, and the settings that they come from.

use std::time::Duration;

/// A limit of time. Whoever reads that it was reached learns which setting to change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Limit {
    /// Until there is a connection.
    Connect,
    /// Until the model shows itself.
    FirstToken,
    /// Until it shows itself again.
    Idle,
    /// Until the turn is complete.
    Turn,
}

/// How long each of them is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// [`Limit::Connect`], of one attempt.
    pub(super) connect: Duration,
    /// [`Limit::FirstToken`], of all attempts together until the model shows itself.
    pub(super) first_token: Duration,
    /// [`Limit::Idle`].
    pub(super) idle: Duration,
    /// [`Limit::Turn`], of all attempts together.
    pub(super) turn: Duration,
}

impl Limits {
    /// The length of one of them.
    pub(super) fn of(self, limit: Limit) -> Duration {
        match limit {
            Limit::Connect => self.connect,
            Limit::FirstToken => self.first_token,
            Limit::Idle => self.idle,
            Limit::Turn => self.turn,
        }
    }
}

impl Limit {
    /// That it was reached, in words: what did not come, within which time, by which setting.
    pub(super) fn reached(self, after: Duration) -> String {
        let (missing, setting) = match self {
            Self::Connect => ("no connection", "model.connect_timeout_seconds"),
            Self::FirstToken => ("no first token", "model.first_token_timeout_seconds"),
            Self::Idle => ("no further token", "model.idle_timeout_seconds"),
            Self::Turn => ("no complete answer", "model.turn_timeout_seconds"),
        };
        format!("{missing} within {} ({setting})", in_words(after))
    }
}

/// `180 s`, or milliseconds where seconds do not do.
fn in_words(time: Duration) -> String {
    match time.subsec_millis() {
        0 => format!("{} s", time.as_secs()),
        _ => format!("{} ms", time.as_millis()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_that_was_reached_names_itself_its_length_and_its_setting() {
        assert_eq!(
            Limit::FirstToken.reached(Duration::from_secs(180)),
            "no first token within 180 s (model.first_token_timeout_seconds)"
        );
        assert_eq!(
            Limit::Idle.reached(Duration::from_millis(1500)),
            "no further token within 1500 ms (model.idle_timeout_seconds)"
        );
    }
}

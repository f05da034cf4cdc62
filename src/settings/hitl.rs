//! Section `hitl`: how people are asked.

use std::collections::BTreeMap;
use std::time::Duration;

use super::check::Check;
use super::key::keys;
use super::kinds::{Choice, Time, one_of, seconds};
use super::tables::{Table, table};
use crate::domain::{Asking, Deadline, OnReject};

const LONGEST: u64 = Deadline::LONGEST_WAIT.as_secs();

keys! { KEYS;
    TIMEOUT: Time = "hitl.timeout_seconds", seconds(1..=LONGEST), env: ["HITL_TIMEOUT_SECONDS"];
    TIMEOUTS: Table<Time> = "hitl.timeouts", table("seconds", seconds(1..=LONGEST));
    WARNING: Time = "hitl.warning_seconds", seconds(0..=LONGEST);
    ASK: Choice<Asking> = "hitl.ask",
        one_of(("one_by_one", Asking::OneByOne), &[("together", Asking::Together)]);
    ON_REJECT: Choice<OnReject> = "hitl.on_reject",
        one_of(("stop", OnReject::Stop), &[("continue", OnReject::Continue)]);
}

/// Section `hitl`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HitlSettings {
    /// How long a request for approval waits for a person.
    pub timeout: Duration,
    /// The same by the tool's name; whether there is such a tool is not checked.
    pub timeouts: BTreeMap<String, Duration>,
    /// How long before the end of that a thought warns; zero: none does.
    pub warning: Duration,
    /// How people are asked about several calls of one turn.
    pub ask: Asking,
    /// What a rejection leads to.
    pub on_reject: OnReject,
}

impl HitlSettings {
    pub(super) fn read(check: &mut Check) -> Self {
        Self {
            ask: ASK.read(check),
            on_reject: ON_REJECT.read(check),
            timeout: TIMEOUT.read(check),
            timeouts: TIMEOUTS.read(check),
            warning: WARNING.read(check),
        }
    }
}

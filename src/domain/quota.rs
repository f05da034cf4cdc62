//! How much callers may have at once, and how often they may start a run (contract, section 3).

use std::fmt;
use std::num::NonZeroU32;

use super::rate::{Allowance, Rate};

/// How many of something there may be at once, over all processes; `None`: any number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AtMost {
    /// Of one user.
    pub user: Option<NonZeroU32>,
    /// Of all users of one tenant.
    pub tenant: Option<NonZeroU32>,
}

/// What one user, and one tenant, may take of the service.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Quota {
    /// Runs that are not over, whether they work or wait.
    pub runs: AtMost,
    /// Requests for approval that nobody has decided.
    pub waiting: AtMost,
    /// Streams that one user reads; `None`: any number.
    pub streams: Option<NonZeroU32>,
    /// How often one user may start a run; `None`: any number of times.
    pub starts: Option<Rate>,
}

impl Quota {
    /// What has to have room before a run starts: the runs, and the requests that it may lead to.
    pub fn of_start(&self) -> [Share; 4] {
        let [runs_of_user, runs_of_tenant] = Share::both(Counted::Runs, self.runs);
        let [waiting_of_user, waiting_of_tenant] = self.of_question();
        [runs_of_user, runs_of_tenant, waiting_of_user, waiting_of_tenant]
    }

    /// What has to have room before a person is asked.
    pub fn of_question(&self) -> [Share; 2] {
        Share::both(Counted::Waiting, self.waiting)
    }

    /// What has to have room before a stream is read.
    pub fn of_stream(&self) -> Share {
        Share { counted: Counted::Streams, holder: Holder::User, most: self.streams }
    }
}

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counted {
    /// Live runs.
    Runs,
    /// Requests that wait for a decision.
    Waiting,
    /// Open streams.
    Streams,
}

/// For whom it is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holder {
    /// One user of a tenant.
    User,
    /// All users of a tenant.
    Tenant,
}

/// How many of one thing one holder may have; `None`: any number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share {
    /// Of what.
    pub counted: Counted,
    /// Whose.
    pub holder: Holder,
    /// How many.
    pub most: Option<NonZeroU32>,
}

impl Share {
    fn both(counted: Counted, AtMost { user, tenant }: AtMost) -> [Self; 2] {
        [
            Self { counted, holder: Holder::User, most: user },
            Self { counted, holder: Holder::Tenant, most: tenant },
        ]
    }

    /// Whether there is room for one more beside so many; if not, the limit that is reached.
    pub fn room_beside(&self, count: usize) -> Result<(), Full> {
        match self.full() {
            Some(full) if u32::try_from(count).unwrap_or(u32::MAX) >= full.limit.get() => Err(full),
            Some(_) | None => Ok(()),
        }
    }

    /// The limit, reached; `None`: there is none.
    pub fn full(&self) -> Option<Full> {
        let Self { counted, holder, most } = *self;
        most.map(|limit| Full { counted, holder, limit })
    }
}

/// A limit that is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Full {
    /// Of what there are enough.
    pub counted: Counted,
    /// Whose they are.
    pub holder: Holder,
    /// How many there may be.
    pub limit: NonZeroU32,
}

impl Full {
    /// The setting that changes it.
    fn setting(self) -> &'static str {
        match (self.counted, self.holder) {
            (Counted::Runs, Holder::User) => "limits.runs_per_user",
            (Counted::Runs, Holder::Tenant) => "limits.runs_per_tenant",
            (Counted::Waiting, Holder::User) => "limits.waiting_per_user",
            (Counted::Waiting, Holder::Tenant) => "limits.waiting_per_tenant",
            (Counted::Streams, Holder::User | Holder::Tenant) => "limits.streams_per_user",
        }
    }
}

impl fmt::Display for Full {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let whose = match self.holder {
            Holder::User => "user",
            Holder::Tenant => "tenant",
        };
        let what = match self.counted {
            Counted::Runs => "live runs",
            Counted::Waiting => "requests that wait for approval",
            Counted::Streams => "open streams",
        };
        let (limit, setting) = (self.limit, self.setting());
        write!(f, "this {whose} has as many {what} as may be; the limit is {limit}, {setting}")
    }
}

/// Why a caller may not start a run now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// There is as much as may be.
    Full(Full),
    /// Too many were started within a minute.
    TooOften(Allowance),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_reached_by_as_many_as_it_says_and_names_its_setting() {
        let most = AtMost { user: NonZeroU32::new(2), tenant: None };
        let quota = Quota { waiting: most, ..Quota::default() };
        let [user, tenant] = quota.of_question();
        assert_eq!(user.room_beside(1), Ok(()));
        let full = user.room_beside(2).unwrap_err();
        assert_eq!(
            full.to_string(),
            "this user has as many requests that wait for approval as may be; \
             the limit is 2, limits.waiting_per_user"
        );
        assert_eq!(tenant.room_beside(usize::MAX), Ok(()), "no limit");
    }
}

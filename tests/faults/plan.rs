//! What a person wants, and how they go about it; drawn from the seed before anything happens.

use std::fmt;
use std::time::Duration;

use crate::rng::Rng;

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Task {
    /// Look at a repository, merge, answer.
    Merge,
    /// Look at a repository, send a mail (a dry run), answer.
    Mail,
    /// Answer.
    Talk,
}

/// What the person says to a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reaction {
    /// Yes.
    Approve,
    /// No.
    Reject,
}

/// How the person says it (contract, section 5.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Channel {
    /// Over REST, at any server, until one has answered.
    Rest,
    /// `redis-cli PUBLISH`, again and again until something happens.
    Publish,
    /// As the Main Service does: `SET`, `SET`, `PUBLISH`, once.
    Keys,
}

/// One session.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Which crowd the person belongs to.
    pub crowd: usize,
    /// The person's number in the crowd. User and repository are named after both.
    pub index: usize,
    /// What is asked for.
    pub task: Task,
    /// How many words the answer has.
    pub words: usize,
    /// How long after the beginning the person comes.
    pub arrives: Duration,
    /// How long the person thinks about a request.
    pub thinks: Duration,
    /// What the person says then.
    pub reaction: Reaction,
    /// How.
    pub channel: Channel,
    /// After how many frames the client goes away and comes back, one by one.
    pub leaves_after: Vec<usize>,
    /// After how many frames the person cancels the run, if at all.
    pub cancels_after: Option<usize>,
    /// Whether the request has an `Idempotency-Key`.
    pub keyed: bool,
}

impl Plan {
    /// A person who merges and says yes over REST, and stays.
    pub fn merge(index: usize, words: usize) -> Self {
        Self {
            crowd: 0,
            index,
            task: Task::Merge,
            words,
            arrives: Duration::ZERO,
            thinks: Duration::ZERO,
            reaction: Reaction::Approve,
            channel: Channel::Rest,
            leaves_after: Vec::new(),
            cancels_after: None,
            keyed: false,
        }
    }

    /// One of a crowd that comes within `arrivals`. The same seed draws the same crowd, whichever
    /// it is.
    pub fn drawn(seed: u64, crowd: usize, index: usize, arrivals: Duration) -> Self {
        let mut rng = Rng::of(seed, "session", index);
        let task = match rng.below(100) {
            0..45 => Task::Merge,
            45..85 => Task::Mail,
            _ => Task::Talk,
        };
        let within = usize::try_from(arrivals.as_millis()).unwrap();
        Self {
            crowd,
            index,
            task,
            words: 10 + rng.below(50),
            arrives: rng.millis(0, within),
            thinks: rng.millis(0, 3000),
            reaction: if rng.percent(15) { Reaction::Reject } else { Reaction::Approve },
            channel: rng.one_of(&[Channel::Rest, Channel::Publish, Channel::Keys]),
            leaves_after: (0..rng.below(4)).map(|_| 1 + rng.below(25)).collect(),
            cancels_after: rng.percent(8).then(|| 1 + rng.below(40)),
            keyed: rng.percent(50),
        }
    }

    /// The repository that belongs to the session.
    pub fn repository(&self) -> String {
        format!("repository-{}-{}", self.crowd, self.index)
    }

    /// Who asks. Each session has a user of its own, whose sessions no other's ids can be in.
    pub fn user(&self) -> String {
        format!("user{}-{}", self.crowd, self.index)
    }

    /// The `Idempotency-Key` of the request, if it has one.
    pub fn key(&self) -> Option<String> {
        self.keyed.then(|| format!("key:{}-{}", self.crowd, self.index))
    }

    /// What is asked. The model reads everything that it has to know from this.
    pub fn prompt(&self) -> String {
        let task = match self.task {
            Task::Merge => "merge",
            Task::Mail => "mail",
            Task::Talk => "talk",
        };
        format!("{task} {} {}", self.repository(), self.words)
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { index, task, reaction, channel, leaves_after, cancels_after, keyed, .. } = self;
        write!(f, "session {index}: {task:?}, after {:?} ", self.arrives)?;
        write!(f, "{reaction:?} by {channel:?} after {:?}", self.thinks)?;
        write!(f, ", leaves after {leaves_after:?}, cancels after {cancels_after:?}, keyed {keyed}")
    }
}

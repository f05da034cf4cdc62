//! Who wrote last to which journal, as seen on the wire, and how long a run stood still when its
//! owner was gone.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Mutex, MutexGuard};
use std::time::{Duration, Instant};

/// The records after which a run waits for people.
pub const WAITS: [&str; 3] = ["approval_asked", "deadline_near", "still_asked"];

/// One process: a restarted server is another one.
pub type Owner = u32;

/// An append to a journal, taken from the command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Append {
    /// The session.
    pub session: String,
    /// What is in it: the kinds of its records, and of its events.
    pub records: Vec<String>,
    /// The types of its events, `[DONE]` for the trailer.
    pub events: Vec<String>,
}

impl Append {
    /// The append that a command makes, if it is one.
    pub fn of(words: &[&[u8]]) -> Option<Self> {
        let is_script = words.first().is_some_and(|verb| verb.starts_with(b"EVAL"));
        let key = words.get(3).filter(|_| is_script)?;
        let session = key.strip_prefix(b"aura:journal:")?;
        let text = |word: &[u8]| String::from_utf8_lossy(word).into_owned();
        let mut append = Self { session: text(session), records: Vec::new(), events: Vec::new() };
        for pair in words.windows(2) {
            match pair {
                [b"t", kind] => append.events.push(text(kind)),
                [b"z", b""] => append.events.push("[DONE]".into()),
                [b"r", record] if record.starts_with(b"{\"rec\"") => {
                    let record: serde_json::Value = serde_json::from_slice(record).unwrap();
                    append.records.push(record["rec"].as_str().unwrap().to_owned());
                }
                _ => {}
            }
        }
        Some(append)
    }

    /// Whether it has a record of that kind.
    pub fn has_record(&self, kind: &str) -> bool {
        self.records.iter().any(|record| record == kind)
    }

    /// For people, each kind once, in order, with how often it comes.
    pub fn describe(&self) -> String {
        let mut counted: Vec<(&str, usize)> = Vec::new();
        for kind in self.records.iter().chain(&self.events) {
            match counted.iter_mut().find(|(known, _)| known == kind) {
                Some((_, times)) => *times += 1,
                None => counted.push((kind, 1)),
            }
        }
        let words = counted.into_iter().map(|(kind, times)| match times {
            1 => kind.to_owned(),
            times => format!("{kind} ×{times}"),
        });
        words.collect::<Vec<_>>().join(", ")
    }
}

/// How an owner went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gone {
    /// Killed, or stopped for longer than a lease.
    Lost,
    /// Asked to end.
    Left,
}

#[derive(Debug)]
struct Run {
    owner: Owner,
    last_append: Instant,
    waits: bool,
    /// Whether the person has said something since it waits.
    decided: bool,
    over: bool,
    /// Since when it stands still, and why.
    stands: Option<(Instant, Gone)>,
    /// Its owner has gone; it is not known to stand still, because it waits for a person.
    abandoned: Option<Gone>,
}

/// What all proxies and persons write down together. One mutex, never held over an await.
#[derive(Debug, Default)]
pub struct AppendLog(Mutex<Book>);

#[derive(Debug, Default)]
struct Book {
    runs: HashMap<String, Run>,
    take_overs: Vec<Duration>,
    hand_overs: Vec<Duration>,
}

impl AppendLog {
    /// An append that Redis has confirmed.
    pub fn appended(&self, owner: Owner, append: &Append) {
        let now = Instant::now();
        let mut book = self.lock();
        let run = book.runs.entry(append.session.clone()).or_insert(Run {
            owner,
            last_append: now,
            waits: false,
            decided: false,
            over: false,
            stands: None,
            abandoned: None,
        });
        let stood = run.stands.take().filter(|_| run.owner != owner);
        if run.owner != owner {
            (run.owner, run.abandoned) = (owner, None);
        }
        run.waits = append.records.last().is_some_and(|record| WAITS.contains(&record.as_str()));
        run.decided = false;
        run.over = append.events.last().is_some_and(|event| event == "[DONE]");
        // What the old owner still wrote after it was told to go is no time that a client waits.
        let stood = stood.map(|(since, gone)| (now - since.max(run.last_append), gone));
        run.last_append = now;
        match stood {
            Some((time, Gone::Lost)) => book.take_overs.push(time),
            Some((time, Gone::Left)) => book.hand_overs.push(time),
            None => {}
        }
    }

    /// An owner has gone: what it worked on stands still from now on.
    pub fn gone(&self, owner: Owner, how: Gone) {
        let now = Instant::now();
        for run in self.lock().runs.values_mut().filter(|run| run.owner == owner && !run.over) {
            if run.waits && !run.decided {
                run.abandoned = Some(how);
            } else {
                run.stands = Some((now, how));
            }
        }
    }

    /// A person is about to say what is to become of a run: one that waited without an owner stands
    /// still from now on. Said before each attempt, since the run may go on before the answer comes.
    pub fn decides(&self, session: &str) {
        if let Some(run) = self.lock().runs.get_mut(session).filter(|run| run.waits) {
            run.decided = true;
            if let Some(how) = run.abandoned {
                run.stands = Some((Instant::now(), how));
            }
        }
    }

    /// How long runs stood still after their owner was lost.
    pub fn take_overs(&self) -> Vec<Duration> {
        self.lock().take_overs.clone()
    }

    /// How long runs stood still when their owner was asked to end.
    pub fn hand_overs(&self) -> Vec<Duration> {
        self.lock().hand_overs.clone()
    }

    fn lock(&self) -> MutexGuard<'_, Book> {
        self.0.lock().unwrap()
    }
}

/// Median and maximum.
pub struct Spread<'a>(pub &'a [Duration]);

impl fmt::Display for Spread<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut sorted = self.0.to_vec();
        sorted.sort();
        let Some(longest) = sorted.last() else { return write!(f, "none") };
        let median = sorted[sorted.len() / 2];
        write!(f, "{} runs, median {median:.1?}, maximum {longest:.1?}", sorted.len())
    }
}

//! What a prompt asks for: a table of cues with weights, and who scores highest.
//!
//! A topic alone ("메일") is not a request, an action alone ("보내") neither: each is worth 2, and
//! [`THRESHOLD`] is 3. Questions about a thing and refusals ("병합이 뭐야?", "병합하지 마") weigh
//! against everything that changes something. On a tie the intent that only reads wins.

use super::{files, mail, names, pulls};
use crate::domain::text::first_chars;

mod cues;
mod mood;

use cues::CUES;

/// The least score that counts.
const THRESHOLD: i32 = 3;
/// A score from which on more cues make nothing clearer.
const PLENTY: i32 = 6;
/// How much of a prompt is judged, in characters: who wants something says so early.
const JUDGED_MAX: usize = 2000;

/// What a prompt asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Intent {
    /// How the repository stands.
    Status,
    /// Commits.
    Log,
    /// What differs between two branches, or is not committed.
    Diff,
    /// A file's text.
    ShowFile,
    /// The branches.
    Branches,
    /// What a pull request does.
    ReadPull,
    /// The pull requests that there are.
    ListPulls,
    /// What is on the person's screen.
    Screen,
    /// A new pull request.
    CreatePull,
    /// A pull request merged on GitHub.
    MergePull,
    /// A branch merged.
    Merge,
    /// A mail sent.
    SendMail,
    /// Thanks.
    Thanks,
    /// A greeting, or what the planner can do.
    Help,
    /// Nothing that was understood.
    Unknown,
}

use Intent::{
    Branches, CreatePull, Diff, Help, ListPulls, Log, Merge, MergePull, ReadPull, Screen, SendMail,
    ShowFile, Status, Thanks, Unknown,
};

/// What competes; on a tie the earlier wins, so reading comes before writing.
const COMPETING: [Intent; 12] = [
    Status, Log, Diff, ShowFile, Branches, ReadPull, ListPulls, Screen, CreatePull, MergePull,
    Merge, SendMail,
];

/// What a prompt was understood as, and how clearly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Reading {
    /// What it asks for.
    pub(super) intent: Intent,
    /// The weight of the cues for it.
    score: i32,
    /// The weight of the cues for the strongest other intent, at least 0.
    rival: i32,
}

impl Reading {
    /// From 0 to 1: how much of the evidence speaks for this intent, and how much there is.
    /// That nothing was understood is the less certain the closer something came.
    pub(super) fn certainty(&self) -> f64 {
        let (score, rival) = (f64::from(self.score), f64::from(self.rival));
        if self.intent == Unknown {
            return 0.1 + 0.3 * (1.0 - rival / f64::from(THRESHOLD)).max(0.0);
        }
        let strength = f64::from(self.score.min(PLENTY)) / f64::from(PLENTY);
        // Two competitors that share their topic are normal; only half of the rival counts.
        score / (score + rival / 2.0) * (0.6 + 0.4 * strength)
    }
}

/// Reads a prompt. A greeting before a request is politeness, so [`Intent::Help`] is what a prompt
/// asks for only if it asks for nothing else; so it is with thanks.
pub(super) fn read(prompt: &str) -> Reading {
    let scores = Scores::of(&Evidence::of(prompt));
    let mut ranked = COMPETING.map(|intent| (scores.of_intent(intent), intent));
    ranked.sort_by_key(|(score, _)| std::cmp::Reverse(*score));
    let [(score, intent), (rival, _), ..] = ranked;
    let (help, thanks) = (scores.of_intent(Help), scores.of_intent(Thanks));
    if score >= THRESHOLD {
        Reading { intent, score, rival: rival.max(0) }
    } else if help >= THRESHOLD {
        Reading { intent: Help, score: help, rival: score.max(0) }
    } else if thanks >= THRESHOLD {
        Reading { intent: Thanks, score: thanks, rival: score.max(0) }
    } else {
        Reading { intent: Unknown, score: 0, rival: score.max(help).max(0) }
    }
}

/// One line of the table. It counts once, however many of its phrases are there.
struct Cue {
    weight: i32,
    /// What it speaks for or, with a negative weight, against.
    intents: &'static [Intent],
    sign: Sign,
}

/// What is looked for in a prompt.
#[derive(Clone, Copy)]
enum Sign {
    /// One of these phrases. ASCII must stand there as whole words; Hangul may be inflected.
    Says(&'static [&'static str]),
    /// One of these English words, first of all.
    Begins(&'static [&'static str]),
    /// A sentence that begins with one of these, politeness aside.
    Starts(&'static [&'static str]),
    /// A sentence whose last two words hold one of these; `$` is its end.
    Ends(&'static [&'static str]),
    /// A question, or a task of another kind.
    Asks,
    /// A verb of changing something, forbidden.
    Forbids,
    /// How many of something.
    Count,
    /// A mail address.
    Address,
    /// A pull request, named with its repository.
    Pull,
    /// The number of a pull request.
    PullNumber,
    /// A file's name.
    File,
    /// The name of a branch that something is to be done with.
    Branch,
}

/// What the signs are looked for in.
struct Evidence {
    text: String,
    /// The text without a labelled subject, whose words are no wishes.
    wishes: String,
    count: bool,
    address: bool,
    pull: bool,
    pull_number: bool,
    file: bool,
    branch: bool,
}

impl Evidence {
    fn of(prompt: &str) -> Self {
        let words = own_words(prompt);
        let text = first_chars(&words, JUDGED_MAX).0.to_owned();
        let judged = text.as_str();
        Self {
            address: !mail::addresses(judged).is_empty(),
            pull: pulls::pull(judged).is_some(),
            pull_number: pulls::number(judged).is_some(),
            file: files::file(judged).is_some(),
            branch: names::route(judged).source.is_some(),
            count: files::count(judged).is_some(),
            wishes: match mail::subject_line(judged) {
                Some(line) => {
                    judged[..line.start].to_lowercase() + &judged[line.end..].to_lowercase()
                }
                None => judged.to_lowercase(),
            },
            text: text.to_lowercase(),
        }
    }

    fn shows(&self, sign: Sign) -> bool {
        match sign {
            Sign::Says(phrases) => phrases.iter().any(|phrase| self.says(phrase)),
            Sign::Begins(words) => words.iter().any(|word| self.begins_with(word)),
            Sign::Starts(words) => mood::starts(&self.wishes, words),
            Sign::Ends(phrases) => mood::ends(&self.wishes, phrases),
            Sign::Asks => mood::asks(&self.wishes),
            Sign::Forbids => mood::forbids(&self.wishes),
            Sign::Count => self.count,
            Sign::Address => self.address,
            Sign::Pull => self.pull,
            Sign::PullNumber => self.pull_number,
            Sign::File => self.file,
            Sign::Branch => self.branch,
        }
    }

    fn says(&self, phrase: &str) -> bool {
        let whole_words = |(at, _)| {
            let after = &self.text[at + phrase.len()..];
            !joins(self.text[..at].chars().rev()) && !joins(after.chars())
        };
        self.text.match_indices(phrase).any(|found| !phrase.is_ascii() || whole_words(found))
    }

    fn begins_with(&self, word: &str) -> bool {
        let rest = self.text.trim_start().strip_prefix(word);
        rest.is_some_and(|rest| !joins(rest.chars()))
    }
}

/// Whether the next character belongs to the same word: names such as `fix/mail-status` and
/// `status@dwp.com` are one word each, and say nothing of mails or states.
fn joins(mut rest: impl Iterator<Item = char>) -> bool {
    rest.next().is_some_and(|c| c.is_ascii_alphanumeric() || "_-/@".contains(c))
}

/// The prompt without what it only quotes: text in double quotes and the text of a mail.
fn own_words(prompt: &str) -> String {
    let end = mail::body_label(prompt).map_or(prompt.len(), |label| label.start);
    let mut rest = &prompt[..end];
    let mut own = String::with_capacity(end);
    while let Some(open) = rest.find(['"', '“', '「']) {
        let (before, quote) = rest.split_at(open);
        let mut inside = quote.chars();
        let close = match inside.next() {
            Some('“') => '”',
            Some('「') => '」',
            _ => '"',
        };
        let Some((_, after)) = inside.as_str().split_once(close) else {
            break;
        };
        own.push_str(before);
        own.push(' ');
        rest = after;
    }
    own + rest
}

/// The scores of all intents.
struct Scores(Vec<(Intent, i32)>);

impl Scores {
    fn of(evidence: &Evidence) -> Self {
        let mut scores = Self(Vec::new());
        for cue in CUES.iter().filter(|cue| evidence.shows(cue.sign)) {
            for intent in cue.intents {
                match scores.0.iter_mut().find(|(known, _)| known == intent) {
                    Some((_, score)) => *score += cue.weight,
                    None => scores.0.push((*intent, cue.weight)),
                }
            }
        }
        scores
    }

    fn of_intent(&self, intent: Intent) -> i32 {
        self.0.iter().find(|(known, _)| *known == intent).map_or(0, |(_, score)| *score)
    }
}

#[cfg(test)]
mod tests;

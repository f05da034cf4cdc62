//! What a prompt asks for: every ability counts its cues, and who has most is meant.
//!
//! A topic alone ("메일") is no request, an action alone ("보내") neither: each counts 2, and
//! [`THRESHOLD`] is 3. Of two that count the same, the one that only reads is meant.

use super::abilities::{ABILITIES, Ability};
use super::cues::{Cue, Evidence, says};

/// The least score that counts.
const THRESHOLD: i32 = 3;
/// A score from which on more cues make nothing clearer.
const PLENTY: i32 = 6;

/// What a prompt asks for.
#[derive(Clone, Copy)]
pub(super) enum Intent {
    /// Something that takes a tool.
    Use(&'static Ability),
    /// What is on the person's screen.
    Screen,
    /// A greeting, or what the planner can do.
    Help,
    /// Thanks.
    Thanks,
    /// Nothing that was understood.
    Unknown,
}

#[rustfmt::skip]
const SCREEN: &[Cue] = &[
    says(2, &["화면", "페이지", "screen", "page"]),
    says(2, &["보고 있", "선택한", "선택된", "looking at", "selected"]),
    says(1, &[
        "설명", "요약", "뭐", "뭘", "무엇", "무슨", "알려", "어디", "어떤",
        "what", "which", "where", "describe", "explain", "summarize", "summarise",
    ]),
    says(3, &["where am i"]),
];
#[rustfmt::skip]
const HELP: &[Cue] = &[
    says(3, &["안녕", "반가", "반갑", "hello", "hi", "hey", "good morning", "good afternoon", "good evening"]),
    says(3, &["도와", "도움", "할 수 있", "할수있", "뭘 할", "사용법", "누구", "help", "what can you", "who are you"]),
];
const THANKS: &[Cue] = &[says(3, &["고마", "고맙", "감사", "thanks", "thank you"])];

/// What a prompt was understood as, and how clearly.
#[derive(Clone, Copy)]
pub(super) struct Reading {
    pub(super) intent: Intent,
    score: i32,
    /// The score of the strongest other intent, at least 0.
    rival: i32,
}

impl Reading {
    /// From 0 to 1: how much of the evidence speaks for this intent, and how much there is.
    /// That nothing was understood is the less certain the closer something came.
    pub(super) fn certainty(&self) -> f64 {
        let (score, rival) = (f64::from(self.score), f64::from(self.rival));
        if matches!(self.intent, Intent::Unknown) {
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
    let evidence = Evidence::of(prompt);
    let abilities = ABILITIES.iter().map(|one| (one.score(&evidence), Intent::Use(one)));
    let screen = (evidence.weigh(SCREEN), Intent::Screen);
    let mut tasks: Vec<(i32, Intent)> = [screen].into_iter().chain(abilities).collect();
    tasks.sort_by_key(|(score, _)| std::cmp::Reverse(*score));
    let manners = [(evidence.weigh(HELP), Intent::Help), (evidence.weigh(THANKS), Intent::Thanks)];
    let understood = tasks.iter().chain(&manners).find(|(score, _)| *score >= THRESHOLD);
    let (score, intent) = *understood.unwrap_or(&(0, Intent::Unknown));
    let is_task = tasks.first().is_some_and(|(best, _)| *best >= THRESHOLD);
    let rival = tasks.get(usize::from(is_task)).map_or(0, |(score, _)| (*score).max(0));
    Reading { intent, score, rival }
}

#[cfg(test)]
mod tests;

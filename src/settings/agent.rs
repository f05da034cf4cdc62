//! Section `agent`: the limits of runs, what the assistant is told before all else, and the language that
//! people read.

use std::path::Path;
use std::time::Duration;

use super::check::Check;
use super::files::content_of;
use super::key::keys;
use super::kinds::{Choice, Limit, Parsed, Time, Whole, limit, one_of, parsed, seconds, whole};
use crate::domain::instructions::InstructionsError;
use crate::domain::{Instructions, Language, LanguageChoice};

/// Most tokens that a budget can be set to; more is no budget.
const TOKENS_MAX: u64 = 1_000_000_000_000;

keys! { KEYS;
    MAX_TURNS: Whole<u32> = "agent.max_turns", whole(1..=100);
    MAX_TOOL_CALLS: Whole<u32> = "agent.max_tool_calls", whole(1..=1000);
    MAX_TOKENS_PER_RUN: Limit = "agent.max_tokens_per_run", limit(TOKENS_MAX);
    MAX_TOKENS_PER_DAY: Limit = "agent.max_tokens_per_day", limit(TOKENS_MAX);
    MAX_RUNS: Whole<usize> = "agent.max_runs", whole(1..=1_000_000);
    LEASE: Time = "agent.lease_seconds", seconds(1..=300);
    INSTRUCTIONS: Parsed<Instructions, InstructionsError> = "agent.instructions",
        parsed(Instructions::new);
    INSTRUCTIONS_FILE: Parsed<Instructions, String> = "agent.instructions_file",
        parsed(instructions_of_file);
    LANGUAGE: Choice<LanguageChoice> = "agent.language",
        one_of(("ko", LanguageChoice::Always(Language::Korean)), &[
            ("en", LanguageChoice::Always(Language::English)),
            ("auto", LanguageChoice::OfPrompt),
        ]);
}

/// Section `agent`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AgentSettings {
    /// Times that one run may ask the model.
    pub max_turns: u32,
    /// Tools that one run may call.
    pub max_tool_calls: u32,
    /// Tokens that one run may use; `None`: any number.
    pub max_tokens_per_run: Option<u64>,
    /// Tokens that all runs of a tenant may use in one UTC day; `None`: any number.
    pub max_tokens_per_day: Option<u64>,
    /// Runs alive in this process at once.
    pub max_runs: usize,
    /// For how long a process that is not heard of keeps its runs.
    pub lease: Duration,
    /// What the assistant is told before all else; `None`: nothing.
    pub instructions: Option<Instructions>,
    /// In which language runs speak to people.
    pub language: LanguageChoice,
}

impl AgentSettings {
    pub(super) fn read(check: &mut Check) -> Self {
        Self {
            max_turns: MAX_TURNS.read(check),
            max_tool_calls: MAX_TOOL_CALLS.read(check),
            max_tokens_per_run: MAX_TOKENS_PER_RUN.read(check),
            max_tokens_per_day: MAX_TOKENS_PER_DAY.read(check),
            max_runs: MAX_RUNS.read(check),
            lease: LEASE.read(check),
            instructions: instructions(check),
            language: LANGUAGE.read(check),
        }
    }
}

/// The instructions, from the settings themselves or from a file.
fn instructions(check: &mut Check) -> Option<Instructions> {
    let text = INSTRUCTIONS.read(check);
    let file = INSTRUCTIONS_FILE.read(check);
    if INSTRUCTIONS.is_set(check) && INSTRUCTIONS_FILE.is_set(check) {
        let other = INSTRUCTIONS.name;
        INSTRUCTIONS_FILE.fault(check, format!("{other} is set as well: set one of them"));
    }
    text.or(file)
}

fn instructions_of_file(path: &str) -> Result<Instructions, String> {
    let content = content_of(Path::new(path));
    let content = content.map_err(|error| format!("cannot be read: {error}"))?;
    let text = String::from_utf8(content).map_err(|_| "must be a file of UTF-8 text".to_owned())?;
    Instructions::new(&text).map_err(|error| format!("the file {error}"))
}

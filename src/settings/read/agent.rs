//! Section `agent`: the limits of runs, and what the assistant is told before all else.

use std::path::PathBuf;

use super::super::check::Check;
use super::super::sections::AgentSettings;
use super::super::source;
use super::TOKENS_MAX;
use crate::domain::Instructions;

impl AgentSettings {
    pub(super) fn read(check: &mut Check) -> Self {
        Self {
            max_turns: check.count("agent.max_turns", 1..=100),
            max_tool_calls: check.count("agent.max_tool_calls", 1..=1000),
            max_tokens_per_run: check.limit("agent.max_tokens_per_run", TOKENS_MAX),
            max_tokens_per_day: check.limit("agent.max_tokens_per_day", TOKENS_MAX),
            max_runs: check.count("agent.max_runs", 1..=1_000_000),
            lease: check.seconds("agent.lease_seconds", 1..=300),
            instructions: instructions(check),
        }
    }
}

/// The instructions, from the settings themselves or from a file.
fn instructions(check: &mut Check) -> Option<Instructions> {
    let (here, elsewhere) = ("agent.instructions", "agent.instructions_file");
    let text = check.parsed(here, Instructions::new);
    let file = check.parsed(elsewhere, instructions_of_file);
    if check.is_set(here) && check.is_set(elsewhere) {
        check.fault(elsewhere, format!("{here} is set as well: set one of them"));
    }
    text.or(file)
}

fn instructions_of_file(path: &str) -> Result<Instructions, String> {
    let content = source::content_of(&PathBuf::from(path));
    let content = content.map_err(|error| format!("cannot be read: {error}"))?;
    let text = String::from_utf8(content).map_err(|_| "must be a file of UTF-8 text".to_owned())?;
    Instructions::new(&text).map_err(|error| format!("the file {error}"))
}

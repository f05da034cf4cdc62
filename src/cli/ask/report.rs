//! What is shown of an event.

use std::io::{self, Write};

use super::screen::{Screen, Style};
use super::span::span;
use crate::domain::event::told::{CallStatus, ThoughtType, ToldCall, ToldError, ToldEvent};
use crate::domain::event::{EndStatus, NoticeMark};
use crate::domain::text::excerpt;

/// Bytes of a call's arguments that a line shows.
const ARGUMENTS_SHOWN: usize = 200;

/// Shows an event. Questions are shown when they are asked.
pub(super) fn show<O: Write, E: Write>(
    screen: &mut Screen<O, E>,
    event: &ToldEvent,
) -> io::Result<()> {
    match event {
        ToldEvent::Start { message, model, .. } => {
            screen.line(Style::Dim, &format!("· {message} ({model})"))
        }
        ToldEvent::Thought { thought_type, content } => match thought_type {
            ThoughtType::Reasoning => screen.thought(content),
            ThoughtType::Whole => screen.line(Style::Dim, &format!("· {content}")),
        },
        ToldEvent::PlanStep(step) => {
            screen.line(Style::Dim, &format!("{}. {}", step.order, step.title))
        }
        ToldEvent::ToolExecution(call) => show_call(screen, call),
        ToldEvent::Content { content, metadata } if NoticeMark::is_on(metadata) => {
            screen.line(Style::Bad, content)
        }
        ToldEvent::Content { content, .. } => screen.answer(content),
        ToldEvent::Error(ToldError { error, error_type, message, .. }) => {
            screen.line(Style::Bad, &format!("✗ {error_type}: {error}; {message}"))
        }
        ToldEvent::Failed { message, .. } => screen.line(Style::Bad, &format!("✗ {message}")),
        ToldEvent::End { message, status, usage, duration_ms } => {
            let style = if *status == EndStatus::Completed { Style::Good } else { Style::Bad };
            let tokens = usage.total_tokens;
            screen.line(style, &format!("{message} ({}, {tokens} tokens)", span(*duration_ms)))
        }
        ToldEvent::PlanStepUpdate { .. } | ToldEvent::Hitl(_) | ToldEvent::Other => Ok(()),
    }
}

fn show_call<O: Write, E: Write>(screen: &mut Screen<O, E>, call: &ToldCall) -> io::Result<()> {
    let name = &call.tool_name;
    let time = || span(call.duration_ms.unwrap_or_default());
    let why = || call.error.as_ref().map_or_else(String::new, |error| format!(": {error}"));
    match call.status {
        // Its question follows.
        CallStatus::Pending => Ok(()),
        CallStatus::Running => {
            let arguments = excerpt(&call.tool_args.to_string(), ARGUMENTS_SHOWN);
            screen.line(Style::Plain, &format!("→ {name} {arguments}"))
        }
        CallStatus::Success => screen.line(Style::Good, &format!("✓ {name} ({})", time())),
        CallStatus::Failed => screen.line(Style::Bad, &format!("✗ {name} failed{}", why())),
        CallStatus::Cancelled => screen.line(Style::Bad, &format!("✗ {name} cancelled{}", why())),
    }
}

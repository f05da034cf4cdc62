//! What is shown of an event.

use std::io::{self, Write};

use super::payload::{CallStatus, Event, ThoughtType, ToolExecution};
use super::screen::{Screen, Style};
use crate::domain::event::EndStatus;
use crate::domain::text::excerpt;

/// Bytes of a call's arguments that a line shows.
const ARGUMENTS_SHOWN: usize = 200;

/// Shows an event. Questions are shown when they are asked.
pub(super) fn show<O: Write, E: Write>(screen: &mut Screen<O, E>, event: &Event) -> io::Result<()> {
    match event {
        Event::Start { message, model } => {
            screen.line(Style::Dim, &format!("· {message} ({model})"))
        }
        Event::Thought { thought_type, content } => match thought_type {
            ThoughtType::Reasoning => screen.thought(content),
            ThoughtType::Decision | ThoughtType::Other => {
                screen.line(Style::Dim, &format!("· {content}"))
            }
        },
        Event::PlanStep { title, order } => screen.line(Style::Dim, &format!("{order}. {title}")),
        Event::ToolExecution(call) => show_call(screen, call),
        Event::Content { content, metadata } if Event::is_notice(metadata) => {
            screen.line(Style::Bad, content)
        }
        Event::Content { content, .. } => screen.answer(content),
        Event::Error { error, error_type, message } => {
            screen.line(Style::Bad, &format!("✗ {error_type}: {error}; {message}"))
        }
        Event::Failed { message, .. } => screen.line(Style::Bad, &format!("✗ {message}")),
        Event::End { message, status, usage, duration_ms } => {
            let style = if *status == EndStatus::Completed { Style::Good } else { Style::Bad };
            let tokens = usage.total_tokens;
            screen.line(style, &format!("{message} ({duration_ms} ms, {tokens} tokens)"))
        }
        Event::Hitl(_) | Event::Other => Ok(()),
    }
}

fn show_call<O: Write, E: Write>(
    screen: &mut Screen<O, E>,
    call: &ToolExecution,
) -> io::Result<()> {
    let name = &call.tool_name;
    let time = || format!("{} ms", call.duration_ms.unwrap_or_default());
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

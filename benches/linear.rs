//! Whether reading foreign text takes time in proportion to its length: each reader gets its worst
//! inputs at one length and at four times that. Ends with exit code 1 where four times the text take
//! more than ten times the time, which squares do (sixteen) and lines do not (four).
#![allow(clippy::print_stdout, reason = "a benchmark tells what it has measured")]
#![allow(clippy::disallowed_methods, reason = "a benchmark measures time")]

use std::hint::black_box;
use std::process::ExitCode;
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use aura_platform::domain::Unconfigured;
use aura_platform::domain::json;
use aura_platform::domain::signal::Signal;
use aura_platform::domain::text::{
    cut, escape_invisible, escape_invisible_lines, quoted, quoted_start, without_invisible,
};
use aura_platform::domain::{Language, Message, PageContext};
use aura_platform::llm::planner::Planner;
use aura_platform::llm::{ChatModel, ChatRequest};
use aura_platform::sse::parse::Parser;
use aura_platform::tools::{Tool, mail};
use futures::{FutureExt, StreamExt};
use serde_json::{Value, json as value};

/// Bytes of the shorter text: what a prompt may have.
const LENGTH: usize = 64 * 1024;
/// The quickest of so many counts.
const ROUNDS: usize = 5;
/// Below this, what is measured is the clock.
const FLOOR: Duration = Duration::from_micros(20);

/// What texts without an end are made of.
const UNITS: [&str; 16] = [
    "'s ",
    "“",
    "\"",
    "‘",
    "「",
    "a@b.",
    "words=1x",
    "a/b#",
    "\\",
    "[",
    "{\"a\":",
    "\\ud83d",
    "\u{202e}",
    "-Infinity,",
    "가",
    " ",
];

/// A reader of foreign text.
type Reader = fn(&str);

const READERS: [(&str, Reader); 9] = [
    ("the planner", plan),
    ("a request's JSON", |text| drop(black_box(json::read_document(text.as_bytes())))),
    ("a told JSON", |text| drop(black_box(json::mended(text.as_bytes())))),
    ("a signal", |text| drop(black_box(Signal::parse(text.as_bytes())))),
    ("a page's context", page),
    ("a question's text", |text| {
        black_box(escape_invisible(text));
        black_box(without_invisible(text));
        black_box(escape_invisible_lines(text));
        black_box(quoted(text).to_string());
        black_box((
            quoted_start(text, 200, Language::Korean).to_string(),
            cut(text, text.len() / 2, Language::Korean),
        ));
    }),
    ("a model's stream", events),
    ("a mail's arguments", |text| letter(&value!({"to": [text], "subject": text, "body": text}))),
    ("a mail's body", |text| letter(&value!({"to": ["a@b.co"], "subject": "x", "body": text}))),
];

fn plan(text: &str) {
    for beginning in ["PR을 분석해주세요 ", "mail a@b.co saying \"", "feature를 main에 병합 "]
    {
        let messages = vec![Message::User { content: format!("{beginning}{text}") }];
        let request = ChatRequest { messages, tools: [].into(), partial: String::new() };
        // Its turns never wait for anything.
        let turn = Planner::new().chat(request).now_or_never().and_then(Result::ok);
        black_box(turn.and_then(|turn| turn.count().now_or_never()));
    }
}

fn page(text: &str) {
    let page = serde_json::json!({"title": text, "metadata": {text: text}, "remoteState": {"selectedItems": [text]}});
    if let Ok(context) = PageContext::from_json(&page) {
        black_box(context.system_prompt());
    }
}

/// The answer of a model's server, as it comes in small pieces.
fn events(text: &str) {
    let (mut parser, mut events) = (Parser::new(), Vec::new());
    for piece in format!("data: {text}\n\n").as_bytes().chunks(100) {
        black_box(parser.push(piece, &mut events).is_ok());
    }
    black_box((parser.finish(), events));
}

static SEND_EMAIL: LazyLock<Vec<Arc<dyn Tool>>> = LazyLock::new(|| {
    mail::tools(&mail::MailConfig::default(), Unconfigured::DryRun).unwrap_or_default()
});

fn letter(arguments: &Value) {
    for tool in &*SEND_EMAIL {
        let call = Arc::clone(tool).call(arguments).now_or_never().and_then(Result::ok);
        black_box(call.map(|call| call.question(Language::Korean)));
    }
}

fn quickest(reader: Reader, text: &str) -> Duration {
    let times = (0..ROUNDS).map(|_| {
        let began = Instant::now();
        reader(black_box(text));
        began.elapsed()
    });
    times.min().unwrap_or_default().max(FLOOR)
}

/// How many times the time four times the text take, at worst, and of which text.
fn worst_growth(reader: Reader) -> (f64, &'static str, Duration) {
    let grown = UNITS.iter().map(|unit| {
        let one = unit.repeat(LENGTH / unit.len());
        let four = one.repeat(4);
        let (one, four) = (quickest(reader, &one), quickest(reader, &four));
        (four.as_secs_f64() / one.as_secs_f64(), *unit, four)
    });
    grown.max_by(|a, b| a.0.total_cmp(&b.0)).unwrap_or((0.0, "", Duration::ZERO))
}

fn main() -> ExitCode {
    println!(
        "| reader | 4 × the text takes | of | time at {} KiB |\n|---|---|---|---|",
        LENGTH / 256
    );
    let mut all_linear = true;
    for (name, reader) in READERS {
        let (growth, unit, time) = worst_growth(reader);
        all_linear &= growth <= 10.0;
        println!("| {name} | {growth:.1} × | `{}` | {time:.1?} |", unit.escape_debug());
    }
    if all_linear { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

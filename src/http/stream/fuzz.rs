//! What must hold for every body that somebody posts.

use super::*;
use crate::agent::{Opened, Record};
use crate::domain::text::is_unseen;
use crate::domain::{ErrorCode, Language, RequestTrace, TenantId, UnixMs, UserId};

/// The longest prompt here; the real limit is a setting.
const PROMPT_MAX: usize = 1024;
/// No refusal is longer, in bytes: it quotes keys, and cuts them.
const REFUSAL_MAX: usize = 1024;

/// A body either starts a run that can be stored and read back, or is refused with a code of the
/// contract and a word on what is wrong.
pub fn request_body(body: &[u8]) {
    match asked(body) {
        Ok((fields, ask)) => {
            check_hash(&fields);
            check_page(&ask.context);
            check_stored(ask);
        }
        Err(refusal) => check_refusal(&refusal),
    }
}

fn asked(body: &[u8]) -> Result<(Fields, StartRun), ApiError> {
    let fields = Fields::parse(&HeaderMap::new(), body)?;
    fields.text("sessionId")?;
    let ask = fields.ask(EventId::ZERO)?;
    check_length(Fields::PROMPT, &ask.prompt, PROMPT_MAX)?;
    Ok((fields, ask))
}

/// The same request once more is the same request, however its JSON is written.
fn check_hash(fields: &Fields) {
    let again = Fields::parse(&HeaderMap::new(), fields.to_value().to_string().as_bytes());
    let Ok(again) = again else { panic!("what was read cannot be read again: {again:?}") };
    assert_eq!(again.hash(), fields.hash());
}

/// What the model is told of the page is a few lines, each of which shows what it is.
fn check_page(context: &PageContext) {
    const VALUES: usize = 20 * 1004;
    let lines = context.screen_lines();
    assert!(lines.len() <= 7, "{lines:?}");
    for line in lines.iter().chain([&context.summary(Language::Korean)]) {
        assert!(!line.contains(is_unseen), "{line:?}");
        assert!(line.chars().count() <= VALUES + 100, "{line}");
    }
    assert!(context.system_prompt().ends_with(lines.last().map_or("", String::as_str)));
}

fn check_stored(ask: StartRun) {
    assert!(!ask.prompt.trim().is_empty() && ask.prompt.len() <= PROMPT_MAX);
    let thread = ask.thread.unwrap_or_else(ThreadId::generate);
    assert!((1..=THREAD_MAX).contains(&thread.as_str().len()));
    let meta = SessionMeta {
        session_id: SessionId::new("session_1_1_ab"),
        tenant: TenantId::new("1"),
        user: UserId::new("1"),
        thread_id: thread,
        prompt: ask.prompt,
        prompt_hash: None,
        created_at_ms: UnixMs::new(1),
        first_event: EventId::new(1),
        trace: RequestTrace::default(),
    };
    let listed = meta.listed();
    assert!(listed.prompt.chars().count() <= 200 && listed.was_started_with(&meta.prompt));
    let opened = Opened {
        meta,
        context: ask.context,
        history: Vec::new(),
        instructions: None,
        language: Language::Korean,
    };
    let record = Record::Opened(Box::new(opened));
    let stored = serde_json::to_vec(&record);
    let read = stored.and_then(|stored| serde_json::from_slice::<Record>(&stored));
    let Ok(read) = read else { panic!("what was accepted cannot be read back: {read:?}") };
    assert_eq!(read, record);
}

fn check_refusal(refusal: &ApiError) {
    assert_eq!(refusal.status(), StatusCode::BAD_REQUEST, "{refusal:?}");
    let says_what = match refusal.code() {
        ErrorCode::InvalidInput => refusal.detail().contains(": "),
        ErrorCode::MissingField => refusal.detail() == "prompt: missing or blank",
        ErrorCode::Malformed => refusal.detail().starts_with("the body is "),
        _ => false,
    };
    assert!(says_what && refusal.detail().len() <= REFUSAL_MAX, "{refusal:?}");
}

//! What must hold for every journal that the store hands out, also of one that somebody else has written.

use bytes::Bytes;

use super::fold::FoldError;
use super::record::Record;
use super::state::State;
use super::status::status_of;
use crate::domain::{Entry, EventId, Shown, last_id};

/// Each line is an entry: a record, or behind `content ` the payload of such an event. What can be read
/// is written as it was read, a journal with a spoilt record is told from others, and all others fold
/// to a state that says what a checkpoint needs.
pub fn journal_record(journal: &[u8]) {
    let lines = journal.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    let entries: Vec<Entry> = lines.zip(1..).map(|(line, id)| entry(line, id)).collect();
    let mut is_spoilt = false;
    for record in entries.iter().filter_map(|entry| entry.record.as_ref()) {
        match serde_json::from_slice::<Record>(record) {
            Ok(record) => check_record(&record),
            Err(_) => is_spoilt = true,
        }
    }
    let first = entries.iter().find_map(|entry| entry.record.as_ref());
    let is_opened = first.is_some_and(|first| {
        matches!(serde_json::from_slice::<Record>(first), Ok(Record::Opened(_)))
    });
    let state = State::fold(&entries);
    assert_eq!(state.is_ok(), is_opened && !is_spoilt, "a spoilt journal has no state");
    match state {
        Ok(state) => check_state(&state, &entries),
        Err(error) => check_error(&error, &entries, first.is_some()),
    }
}

fn entry(line: &[u8], id: u64) -> Entry {
    let (shown, record) = match line.strip_prefix(b"content ") {
        Some(payload) => {
            let payload = Bytes::copy_from_slice(payload);
            (Some(Shown::Event { kind: "content".into(), payload }), None)
        }
        None => (None, Some(Bytes::copy_from_slice(line))),
    };
    Entry { id: EventId::new(id), shown, record }
}

/// What is written is what was read, to the byte if it is written again.
fn check_record(record: &Record) {
    let text = serde_json::to_vec(record);
    let read = text.as_ref().ok().and_then(|text| serde_json::from_slice::<Record>(text).ok());
    let Some(read) = read else { panic!("a record that was read cannot be written: {record:?}") };
    assert_eq!(&read, record);
    assert_eq!(serde_json::to_vec(&read).ok(), text.ok());
}

/// It names an entry that has a record, and says why in a line that fits into a frame.
fn check_error(error: &FoldError, entries: &[Entry], has_record: bool) {
    let blamed = match error {
        FoldError::Empty => return assert!(!has_record, "{error}"),
        FoldError::Withdrawn => return,
        FoldError::NotOpened { entry, .. } | FoldError::Unreadable { entry, .. } => *entry,
    };
    assert!(entries.iter().any(|entry| entry.id == blamed && entry.record.is_some()), "{error}");
    let told = error.to_string();
    assert!(told.len() < 500 && crate::domain::text::is_plain_line(&told), "{told}");
}

fn check_state(state: &State, entries: &[Entry]) {
    let checkpoint = crate::domain::json::mended(state.checkpoint().as_bytes()).into_owned();
    let checkpoint = serde_json::from_slice::<serde_json::Value>(&checkpoint);
    let lists = checkpoint.is_ok_and(|checkpoint| {
        checkpoint["pending_approvals"].is_array() && checkpoint["messages"].is_array()
    });
    assert!(lists, "a checkpoint has two lists");
    assert!(state.own_messages().len() < state.messages.len());
    // The newest entries alone tell the same of a run that is over.
    let newest = status_of(entries);
    assert!(state.ended.is_some() || newest.is_some());
    let asked: Vec<_> = state.pending_requests().map(|request| &request.request_id).collect();
    assert!(asked.into_iter().all(|request| state.is_pending(request)));
    for call in &state.calls {
        let _ = state.ordinal_of(&call.planned.call.id);
    }
    let _ = (state.answer(), last_id(entries), state.waits_until(), state.call_under_way());
}

//! The bytes of the stream (contract, section 4.1): pure, made once, shared by every reader.

use std::io::Write;

use bytes::Bytes;

use crate::domain::{Entry, EventId, Shown};

/// What goes out while nothing happens. It contains `id:`, so a Gateway filter that numbers
/// buffers without one leaves it alone.
pub const KEEP_ALIVE: Bytes = Bytes::from_static(b": keep-alive id:\n\n");

/// The two forms in which the same events are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// `data: {…}`, for POST.
    Flat,
    /// `data: {"type":…,"data":{…}}`, for GET (contract, section 4.3).
    Enveloped,
}

/// The frame of an entry; `None` if clients see nothing of it.
pub fn of_entry(entry: &Entry, form: Form) -> Option<Bytes> {
    let frame = match entry.shown.as_ref()? {
        Shown::Event { kind, payload } => event(entry.id, kind, payload, form),
        Shown::Done => done(entry.id),
    };
    Some(frame)
}

/// One event: `id`, `event` and one line of `data`.
///
/// `payload` is compact JSON, in which a line break can only stand escaped; `kind` is one of our own
/// names. So nothing that a person or a model wrote can end a field.
pub fn event(id: EventId, kind: &str, payload: &[u8], form: Form) -> Bytes {
    let mut frame = Vec::with_capacity(payload.len() + 2 * kind.len() + 72);
    write_event(&mut frame, id, kind, payload, form);
    frame.into()
}

/// Writes [`event`] behind what is there.
pub fn write_event(to: &mut Vec<u8>, id: EventId, kind: &str, payload: &[u8], form: Form) {
    // Writing into a Vec cannot fail.
    let _ = write!(to, "id: {id}\nevent: {kind}\ndata: ");
    match form {
        Form::Flat => to.extend_from_slice(payload),
        Form::Enveloped => {
            let _ = write!(to, r#"{{"type":"{kind}","data":"#);
            to.extend_from_slice(payload);
            to.push(b'}');
        }
    }
    to.extend_from_slice(b"\n\n");
}

/// The trailer: the last bytes of every stream whose run is over.
pub fn done(id: EventId) -> Bytes {
    format!("id: {id}\ndata: [DONE]\n\n").into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::event::{FRAME_MAX, PAYLOAD_MAX};

    #[test]
    fn a_frame_is_id_event_and_one_line_of_data() {
        let frame = event(EventId::new(17), "thought", br#"{"a":1}"#, Form::Flat);
        assert_eq!(frame, "id: 17\nevent: thought\ndata: {\"a\":1}\n\n");
        let frame = event(EventId::new(17), "thought", br#"{"a":1}"#, Form::Enveloped);
        let expected =
            "id: 17\nevent: thought\ndata: {\"type\":\"thought\",\"data\":{\"a\":1}}\n\n";
        assert_eq!(frame, expected);
    }

    #[test]
    fn what_stands_around_a_payload_leaves_it_the_room_that_it_may_take() {
        let around = event(EventId::new(u64::MAX), "timeline_step_update", b"", Form::Enveloped);
        assert!(around.len() + PAYLOAD_MAX <= FRAME_MAX, "{around:?}");
    }

    #[test]
    fn the_trailer_has_an_id_and_no_event_name() {
        assert_eq!(done(EventId::new(18)), "id: 18\ndata: [DONE]\n\n");
    }

    #[test]
    fn a_record_that_only_recovery_needs_has_no_frame() {
        let entry = Entry { id: EventId::new(1), shown: None, record: Some("{}".into()) };
        assert_eq!(of_entry(&entry, Form::Flat), None);
    }
}

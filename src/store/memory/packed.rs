//! A journal entry in one piece of memory instead of four.

use bytes::Bytes;

use crate::domain::{Entry, EventId, Shown};

/// An entry whose kind, payload and record stand one after the other in one allocation.
#[derive(Debug)]
pub(super) struct Packed {
    id: EventId,
    shown: Outline,
    has_record: bool,
    bytes: Bytes,
}

#[derive(Clone, Copy, Debug)]
enum Outline {
    Nothing,
    /// The kind ends here, the payload there.
    Event {
        kind: u32,
        payload: u32,
    },
    Done,
}

impl Packed {
    /// The entry, packed; `None` if it is too long for that (4 GiB).
    pub(super) fn pack(entry: &Entry) -> Option<Self> {
        let (kind, payload) = match &entry.shown {
            Some(Shown::Event { kind, payload }) => (kind.as_bytes(), payload.as_ref()),
            Some(Shown::Done) | None => (&[][..], &[][..]),
        };
        let record = entry.record.as_deref().unwrap_or_default();
        let mut bytes = Vec::with_capacity(kind.len() + payload.len() + record.len());
        bytes.extend_from_slice(kind);
        bytes.extend_from_slice(payload);
        bytes.extend_from_slice(record);
        let shown = match &entry.shown {
            Some(Shown::Event { .. }) => Outline::Event {
                kind: u32::try_from(kind.len()).ok()?,
                payload: u32::try_from(kind.len() + payload.len()).ok()?,
            },
            Some(Shown::Done) => Outline::Done,
            None => Outline::Nothing,
        };
        let has_record = entry.record.is_some();
        Some(Self { id: entry.id, shown, has_record, bytes: bytes.into() })
    }

    /// How many bytes it takes, approximately.
    pub(super) fn bytes(&self) -> usize {
        size_of::<Self>() + self.bytes.len()
    }

    /// Its place in the journal.
    pub(super) fn id(&self) -> EventId {
        self.id
    }

    /// The entry again; its parts share this one's memory.
    pub(super) fn unpack(&self) -> Entry {
        let (shown, record_from) = match self.shown {
            Outline::Nothing => (None, 0),
            Outline::Done => (Some(Shown::Done), 0),
            Outline::Event { kind, payload } => {
                let (kind, end) = (kind as usize, payload as usize);
                let event = Shown::Event {
                    kind: String::from_utf8_lossy(&self.bytes[..kind]).into(),
                    payload: self.bytes.slice(kind..end),
                };
                (Some(event), end)
            }
        };
        let record = self.has_record.then(|| self.bytes.slice(record_from..));
        Entry { id: self.id, shown, record }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_entry_comes_back_as_it_was() {
        let event = |kind: &str, payload: &'static str| Shown::Event {
            kind: kind.into(),
            payload: Bytes::from_static(payload.as_bytes()),
        };
        let record = |text: &'static str| Some(Bytes::from_static(text.as_bytes()));
        for (shown, record) in [
            (None, None),
            (None, record("{}")),
            (Some(Shown::Done), None),
            (Some(Shown::Done), record("")),
            (Some(event("thought", "{\"a\":\"가\"}")), None),
            (Some(event("", "")), record("")),
            (Some(event("thought", "{}")), record("{\"b\":1}")),
        ] {
            let entry = Entry { id: EventId::new(7), shown, record };
            assert_eq!(Packed::pack(&entry).unwrap().unpack(), entry);
        }
    }
}

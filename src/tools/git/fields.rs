//! Reads the lists that git prints. Others have written the entries, and one commit's subject may have
//! megabytes, so each entry is cut by itself and none takes the room of the others.

use tokio::io::{AsyncRead, AsyncReadExt};

use crate::domain::text::excerpt_note;

/// How much of one field is kept, in bytes.
const FIELD_MAX: usize = 256;
/// How much is read at once, in bytes.
const CHUNK: usize = 16 * 1024;

/// Reads NUL-terminated fields to the end, and keeps `limit` bytes of them: whole fields, but of long
/// ones only the beginning, with their length told. Returns how many bytes of fields were left out, too.
pub(super) async fn read_fields(
    pipe: Option<impl AsyncRead + Unpin>,
    limit: usize,
) -> std::io::Result<(Vec<u8>, u64)> {
    let mut fields = Fields { limit, ..Fields::default() };
    if let Some(mut pipe) = pipe {
        let mut chunk = vec![0; CHUNK];
        loop {
            match pipe.read(&mut chunk).await? {
                0 => break,
                read => fields.read(&chunk[..read]),
            }
        }
    }
    Ok((fields.kept, fields.missing))
}

/// Fields, as they come.
#[derive(Default)]
struct Fields {
    limit: usize,
    kept: Vec<u8>,
    missing: u64,
    /// The beginning of the field that has not ended yet.
    field: Vec<u8>,
    /// How much more of it has come.
    more: usize,
}

impl Fields {
    fn read(&mut self, bytes: &[u8]) {
        for part in bytes.split_inclusive(|byte| *byte == 0) {
            match part.split_last() {
                Some((0, rest)) => {
                    self.add(rest);
                    self.end();
                }
                Some(_) | None => self.add(part),
            }
        }
    }

    fn add(&mut self, bytes: &[u8]) {
        let room = FIELD_MAX.saturating_sub(self.field.len());
        let (kept, more) = bytes.split_at(bytes.len().min(room));
        self.field.extend_from_slice(kept);
        self.more += more.len();
    }

    fn end(&mut self) {
        let mut field = std::mem::take(&mut self.field);
        let more = std::mem::take(&mut self.more);
        let length = field.len() + more;
        if more > 0 {
            cut_between_characters(&mut field);
            field.extend_from_slice(excerpt_note(length).as_bytes());
        }
        field.push(0);
        if self.missing == 0 && self.kept.len() + field.len() <= self.limit {
            self.kept.append(&mut field);
        } else {
            self.missing += length as u64 + 1;
        }
    }
}

/// Takes the last character away if it is not whole.
fn cut_between_characters(field: &mut Vec<u8>) {
    if let Err(error) = std::str::from_utf8(field)
        && error.error_len().is_none()
    {
        field.truncate(error.valid_up_to());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn read(text: &[u8], limit: usize) -> (String, u64) {
        let (kept, missing) = read_fields(Some(text), limit).await.unwrap();
        (String::from_utf8(kept).unwrap(), missing)
    }

    #[tokio::test]
    async fn a_long_field_leaves_the_others_their_room() {
        let long = "가".repeat(1_000_000);
        let text = format!("one\0{long}\0\0three\0\n");
        let kept = format!("one\0{}… (3000000 bytes)\0\0three\0", "가".repeat(FIELD_MAX / 3));
        assert_eq!(read(text.as_bytes(), 1000).await, (kept, 0));
        assert_eq!(read(b"", 1000).await, (String::new(), 0));
    }

    #[tokio::test]
    async fn what_does_not_fit_is_left_out_from_there_on_and_counted() {
        assert_eq!(read(b"one\0two\0three\0x\0", 9).await, ("one\0two\0".into(), 8));
    }
}

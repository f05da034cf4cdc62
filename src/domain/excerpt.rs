//! Long texts in small places.

/// A text of at most `max_bytes`, or its beginning with its full length told.
pub fn excerpt(text: &str, max_bytes: usize) -> String {
    if text.len() <= max_bytes {
        return text.to_owned();
    }
    let end = text.floor_char_boundary(max_bytes);
    format!("{}… ({} bytes)", &text[..end], text.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_text_is_cut_between_characters_and_tells_its_length() {
        assert_eq!(excerpt("가나다", 9), "가나다");
        assert_eq!(excerpt("가나다", 8), "가나… (9 bytes)");
        assert_eq!(excerpt("", 0), "");
    }
}

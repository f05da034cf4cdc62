use proptest::prelude::*;

use super::*;

/// What comes of these JSON strings, each of them a piece.
fn joined(pieces: &[&str]) -> String {
    let mut joiner = HalfJoiner::default();
    let mut whole = String::new();
    for piece in pieces {
        let Piece { value, has_halves } = read_piece(format!("\"{piece}\"").as_bytes()).unwrap();
        whole.push_str(&joiner.push(value.as_str().unwrap().to_owned(), has_halves));
    }
    whole.extend(joiner.finish());
    whole
}

#[test]
fn halves_that_belong_together_are_joined_wherever_they_come() {
    assert_eq!(joined(&[r"a\ud83d", r"\ude00b"]), "a😀b");
    assert_eq!(joined(&[r"\ud83d", "", r"\ude00"]), "😀");
    assert_eq!(joined(&[r"\ud83d\ude00\ud83d", r"\ude00"]), "😀😀");
    assert_eq!(joined(&[r"\ud83d", "x", r"\ude00"]), "\u{fffd}x\u{fffd}");
    assert_eq!(joined(&[r"\ude00", r"\ud83d"]), "\u{fffd}\u{fffd}");
    assert_eq!(joined(&[r"\ud83d", r"\ud83d\ude00"]), "\u{fffd}😀");
    assert_eq!(joined(&[r"\\ud83d", r"\\\ud83d"]), "\\ud83d\\\u{fffd}");
    // A character that marks stand for stays itself as long as there is no half beside it.
    let private = ["\u{10f83d}", r"\udbff\udffd", "\u{10fa00}"];
    assert_eq!(joined(&private), "\u{10f83d}\u{10fffd}\u{10fa00}");
    assert_eq!(joined(&["\u{10f83d}\\ud83d"]), "\u{fffd}\u{fffd}");
}

#[test]
fn a_piece_is_mended_like_everything_that_is_told() {
    let piece = read_piece(b"{\"a\":NaN,\"b\":\"\xff\\ud83d\"}").unwrap();
    assert!(piece.has_halves && piece.value["a"].is_null());
    assert_eq!(whole(piece.value["b"].as_str().unwrap(), true), "\u{fffd}\u{fffd}");
    assert!(read_piece(b"{\"a\":\\ud83d").is_err());
}

#[test]
fn many_halves_are_read_in_one_pass() {
    let text = r"\ud83d".repeat(200_000);
    assert_eq!(joined(&[&text]), "\u{fffd}".repeat(200_000));
}

proptest! {
    #[test]
    fn a_text_cut_between_code_units_is_the_same_text(text in "[a😀한]{0,12}", at in 0_usize..12) {
        let units: Vec<u16> = text.encode_utf16().collect();
        let at = at.min(units.len());
        let escaped =
            |units: &[u16]| units.iter().map(|unit| format!("\\u{unit:04x}")).collect::<String>();
        prop_assert_eq!(joined(&[&escaped(&units[..at]), &escaped(&units[at..])]), text);
    }

    #[test]
    fn nothing_makes_the_reader_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = read_piece(&bytes);
    }

    #[test]
    fn no_escape_makes_the_reader_panic(text in r#"["\\ud83e0{}:,a]{0,60}"#) {
        let _ = read_piece(text.as_bytes());
    }
}

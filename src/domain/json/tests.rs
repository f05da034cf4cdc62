//! The table of doubtful forms, line by line.

use proptest::prelude::*;
use serde_json::json;

use super::*;

fn told(text: &[u8]) -> Option<Value> {
    serde_json::from_slice(&mended(text)).ok()
}

/// A list of so many levels.
pub(crate) fn nested(levels: usize) -> String {
    format!("{}{}", "[".repeat(levels), "]".repeat(levels))
}

/// A form, what it is taken for in what asks, and in what tells; `None`: it is refused.
pub(crate) type Doubtful = (&'static [u8], Option<Value>, Option<Value>);

/// The forms that can stand in a field, for every reader of foreign JSON to be held against.
pub(crate) fn doubtful() -> Vec<Doubtful> {
    let half = json!({"a": "\u{fffd}x"});
    vec![
        (br#"{"a":"\ud83dx"}"#, Some(half.clone()), Some(half.clone())),
        (br#"{"a":"\uDE00x"}"#, Some(half.clone()), Some(half)),
        (br#"["\ud83d\ud83d\ude00"]"#, Some(json!(["\u{fffd}😀"])), Some(json!(["\u{fffd}😀"]))),
        (br#"["\\ud83d"]"#, Some(json!(["\\ud83d"])), Some(json!(["\\ud83d"]))),
        (br#"{"a":1,"a":2}"#, None, Some(json!({"a": 2}))),
        (br#"[{"b":{"a":1,"a":1}}]"#, None, Some(json!([{"b": {"a": 1}}]))),
        (b"[NaN,Infinity,-Infinity]", None, Some(json!([null, null, null]))),
        (br#"{"p":-Infinity,"t":"NaN"}"#, None, Some(json!({"p": null, "t": "NaN"}))),
        (b"[1e999,-1e999,1]", None, Some(json!([null, null, 1]))),
        (b"[1e-999]", Some(json!([0.0])), Some(json!([0.0]))),
        (
            b"[18446744073709551616]",
            Some(json!([18446744073709551616.0])),
            Some(json!([18446744073709551616.0])),
        ),
        (b"[\"\xff\"]", None, Some(json!(["\u{fffd}"]))),
        (
            br#"{"$serde_json::private::RawValue":"[[]]"}"#,
            Some(json!({"$serde_json::private::RawValue": "[[]]"})),
            Some(json!({"$serde_json::private::RawValue": "[[]]"})),
        ),
        (b"{", None, None),
        (b"nan", None, None),
        (b"[--Infinity]", None, None),
    ]
}

#[test]
fn every_doubtful_form_means_one_thing() {
    let whole: [Doubtful; 3] =
        [(b"\xef\xbb\xbf{}", None, Some(json!({}))), (b"", None, None), (b"{}{}", None, None)];
    for (text, asked, told_as) in doubtful().into_iter().chain(whole) {
        let shown = String::from_utf8_lossy(text);
        assert_eq!(read(text).ok(), asked, "asked: {shown}");
        assert_eq!(told(text), told_as, "told: {shown}");
    }
}

#[test]
fn numbers_are_64_bit_integers_or_doubles_and_print_as_what_they_are() {
    for (text, printed) in [
        ("18446744073709551615", "18446744073709551615"),
        ("-9223372036854775808", "-9223372036854775808"),
        ("18446744073709551616", "1.8446744073709552e+19"),
        ("1234567890123456789012345678901234567890", "1.2345678901234568e+39"),
        ("-0", "-0.0"),
        ("1.0", "1.0"),
    ] {
        assert_eq!(read(text.as_bytes()).unwrap().to_string(), printed, "asked");
        assert_eq!(told(text.as_bytes()).unwrap().to_string(), printed, "told");
    }
}

#[test]
fn a_doubt_is_told_with_its_place() {
    let twice = read_document(br#"{"prompt":"a","context":{"x":1,"x":2}}"#).unwrap_err();
    assert_eq!(twice, JsonFault::Twice("x".into()));
    let deep = format!(r#"{{"a":[],"context":{}}}"#, nested(LEVELS_MAX + 1));
    let fault = read_document(deep.as_bytes()).unwrap_err();
    assert_eq!(fault, JsonFault::TooDeep { field: Some("context".into()) });
    let endless = "[".repeat(100_000);
    assert_eq!(read(endless.as_bytes()), Err(JsonFault::TooDeep { field: None }));
    assert!(matches!(read(b"{\"a\":}"), Err(JsonFault::Syntax(_))));
}

#[test]
fn as_many_levels_as_are_taken_can_be_read_back_from_within_sixty_more() {
    let value = read(nested(LEVELS_MAX).as_bytes()).unwrap();
    assert!(!is_too_deep(&value));
    let document = format!(r#"{{"field":{}}}"#, nested(LEVELS_MAX));
    assert!(read_document(document.as_bytes()).is_ok());
    let stored = (0..60).fold(value, |value, _| json!({ "in": value })).to_string();
    assert!(serde_json::from_str::<Value>(&stored).is_ok());
    let deeper: Value = serde_json::from_str(&nested(LEVELS_MAX + 1)).unwrap();
    assert!(is_too_deep(&deeper));
    assert!(!is_too_deep(&json!({"a": [1, {"b": null}], "c": "d"})));
}

/// The library takes these for more than keys if a feature of it is on. Any crate of the tree could
/// turn that on for all of it: then this fails, and the tree has to change.
#[test]
fn the_keys_that_the_library_keeps_for_itself_are_keys_like_any_other() {
    for key in ["$serde_json::private::RawValue", "$serde_json::private::Number"] {
        for inside in ["[[[]]]", "1", "{\"a\":1}"] {
            let text = json!({ key: inside }).to_string();
            let read_as = [
                serde_json::from_str::<Value>(&text).unwrap(),
                serde_json::from_str::<Map<String, Value>>(&text).unwrap().into(),
                read(text.as_bytes()).unwrap(),
                told(text.as_bytes()).unwrap(),
            ];
            for value in read_as {
                assert_eq!(value.as_object().unwrap()[key], inside, "{value}");
                assert_eq!(value.to_string(), text, "and is written as it was read");
            }
        }
    }
}

proptest! {
    #[test]
    fn what_is_json_means_what_it_means_to_everybody(value in any_json()) {
        let text = value.to_string();
        prop_assert_eq!(read(text.as_bytes()).unwrap(), value.clone());
        prop_assert!(matches!(mended(text.as_bytes()), std::borrow::Cow::Borrowed(_)));
    }

    #[test]
    fn no_bytes_are_too_odd_to_be_looked_at(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = read(&bytes);
        let once = mended(&bytes).into_owned();
        prop_assert_eq!(mended(&once).into_owned(), once.clone(), "mending is done in one go");
    }

    #[test]
    fn nearly_json_is_looked_at_too(text in r#"[\[\]{}",:\\ud8DfF0-9eE+.NaIinfty -]{0,60}"#) {
        let once = mended(text.as_bytes()).into_owned();
        prop_assert_eq!(mended(&once).into_owned(), once.clone(), "mending is done in one go");
        if let Ok(value) = serde_json::from_str::<Value>(&text) {
            prop_assert_eq!(serde_json::from_slice::<Value>(&once).unwrap(), value);
        }
    }
}

fn any_json() -> impl Strategy<Value = Value> {
    let plain = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_filter("finite", |n| n.is_finite()).prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
    ];
    plain.prop_recursive(6, 64, 8, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::btree_map(".{0,6}", inner, 0..6)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

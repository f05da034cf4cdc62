use proptest::prelude::*;
use serde_json::json;

use super::*;

/// Arguments with texts of different lengths and alphabets.
fn arguments() -> impl Strategy<Value = Map<String, Value>> {
    let unit = proptest::sample::select(&["x", "가", "\"", "\0", "\u{202e}", "\n"][..]);
    let length = prop_oneof![Just(0_usize), Just(9), Just(40), Just(400), Just(5_000)];
    let value = (unit, length, 0..4_u8).prop_map(|(unit, length, kind)| match kind {
        0 => json!(length),
        1 => json!([unit.repeat(length), 1]),
        _ => json!(unit.repeat(length)),
    });
    proptest::collection::vec(value, 0..200).prop_map(|values| {
        values
            .into_iter()
            .enumerate()
            .map(|(at, value)| (format!("argument_{at}"), value))
            .collect()
    })
}

/// What an event with so much room shows.
fn shown(fields: &Map<String, Value>, max: usize) -> Map<String, Value> {
    cut_fields(fields, max).unwrap_or_else(|| fields.clone())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_is_shown_fits_and_has_every_name_that_an_edit_need_not_have(
        fields in arguments(), max in ALWAYS_SHOWN..12_000
    ) {
        let shown = shown(&fields, max);
        prop_assert!(one_line::length(&shown) <= max);
        let left_out: Vec<&str> = left_out(&fields).collect();
        let hidden = fields.keys().filter(|name| !shown.contains_key(*name));
        for name in hidden {
            prop_assert!(left_out.contains(&name.as_str()), "{name} is hidden");
        }
        for (name, value) in &shown {
            let whole = &fields[name];
            prop_assert!(value == whole || is_beginning(value, whole), "{name}: {value}");
        }
    }

    #[test]
    fn an_edit_made_from_what_is_shown_loses_nothing(fields in arguments(), max in ALWAYS_SHOWN..12_000) {
        let (shown, whole) = (shown(&fields, max), Value::Object(fields.clone()));
        let is_refused = lost(&whole, &shown.clone().into()).is_some();
        prop_assert!(is_refused || shown == fields);
        prop_assert_eq!(lost(&whole, &whole), None);
    }

    #[test]
    fn a_long_text_has_all_the_room_that_short_ones_leave(length in 20_000_usize..30_000, max in ALWAYS_SHOWN..12_000) {
        let fields = json!({"body": "가".repeat(length), "cc": vec!["kim@dwp.com"; 40], "to": "lee@dwp.com"});
        let fields = fields.as_object().unwrap();
        let shown = shown(fields, max);
        prop_assert_eq!((&shown["cc"], &shown["to"]), (&fields["cc"], &fields["to"]));
        prop_assert!(one_line::length(&shown) + 4 > max);
    }
}

#[test]
fn many_arguments_are_all_named() {
    let fields: Map<String, Value> =
        (0..60).map(|at| (format!("field_{at}"), "x".repeat(380).into())).collect();
    let cut = shown(&fields, 7_000);
    assert!(cut.keys().eq(fields.keys()));
    assert!(cut.values().all(|value| value.as_str().unwrap().ends_with("xx… (380 bytes)")));
}

#[test]
fn a_beginning_is_known_by_its_note_whatever_was_changed_beside_it() {
    let whole =
        json!({"body": "안녕하세요 ".repeat(900), "cc": ["kim@dwp.com"], "list": vec![1; 5_000]});
    let edited = |body: &str| json!({"body": body, "cc": [], "list": vec![1; 4]});
    let note = excerpt_note(whole["body"].as_str().unwrap().len());
    for body in [format!("안녕{note}"), format!("hello {note}"), format!("안녕{note}, 이만")]
    {
        assert_eq!(lost(&whole, &edited(&body)), Some(Lost::Rest("body")), "{body}");
    }
    for body in ["안녕하세요", "안녕… (7 bytes)", ""] {
        assert_eq!(lost(&whole, &edited(body)), None, "{body}");
    }
    let list = json!({"body": "짧게", "list": "[1,1… (10001 bytes)"});
    assert_eq!(lost(&whole, &list), Some(Lost::Rest("list")));
    assert_eq!(lost(&whole, &json!({"body": "짧게"})), None, "what was seen may be left out");
}

#[test]
fn an_argument_that_is_not_shown_cannot_be_left_out() {
    let whole: Map<String, Value> =
        (0..200).map(|at| (format!("field_{at}"), "x".repeat(30).into())).collect();
    let hidden = left_out(&whole).next().unwrap().to_owned();
    let mut edit = whole.clone();
    edit["field_0"] = json!("y");
    edit.remove("field_1");
    assert_eq!(lost(&whole.clone().into(), &edit.clone().into()), None);
    edit.remove(&hidden);
    assert_eq!(lost(&whole.into(), &edit.into()), Some(Lost::Argument(&hidden)));
}

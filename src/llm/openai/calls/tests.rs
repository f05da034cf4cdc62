use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

/// The names and arguments of the calls that come of these chunks of fragments.
fn calls_of(chunks: &[Value]) -> Vec<(String, String)> {
    let mut calls = Calls::default();
    for chunk in chunks {
        let fragments = serde_json::from_value(chunk.clone()).unwrap();
        calls.take(fragments, false).unwrap();
    }
    let texts =
        |call: PartialCall| (call.name.as_str().to_owned(), call.arguments.as_str().to_owned());
    calls.finish().map(texts).collect()
}

fn expect(chunks: &[Value], expected: &[(&str, &str)]) {
    let expected: Vec<(String, String)> =
        expected.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
    assert_eq!(calls_of(chunks), expected, "{chunks:?}");
}

/// A fragment with what is not `null`.
fn fragment(
    index: impl Into<Value>,
    id: impl Into<Value>,
    name: impl Into<Value>,
    arguments: &str,
) -> Value {
    let (index, id, name) = (index.into(), id.into(), name.into());
    json!({"index": index, "id": id, "function": {"name": name, "arguments": arguments}})
}

#[test]
fn two_whole_calls_are_two_whatever_is_missing_or_the_same() {
    for index in [json!(0), json!(null)] {
        for id in [json!(""), json!(null), json!("same")] {
            for (one, two) in [("one", "one"), ("one", "two")] {
                let first = fragment(index.clone(), id.clone(), json!(one), "{}");
                let second = fragment(index.clone(), id.clone(), json!(two), "{\"limit\":1}");
                let expected = [(one, "{}"), (two, "{\"limit\":1}")];
                expect(&[json!([first]), json!([second])], &expected);
                expect(&[json!([first, second])], &expected);
            }
        }
    }
}

#[test]
fn two_calls_without_arguments_are_two_where_nothing_says_that_they_are_one() {
    for id in [json!(""), json!(null)] {
        let call = fragment(json!(0), id, json!("one"), "");
        expect(&[json!([call, call])], &[("one", ""), ("one", "")]);
    }
    let whole = fragment(json!(0), json!(null), json!("one"), "{}");
    expect(&[json!([whole]), json!([whole])], &[("one", "{}"), ("one", "{}")]);
}

#[test]
fn fragments_that_repeat_id_and_name_stay_one_call() {
    for id in [json!("a"), json!(""), json!(null)] {
        for index in [json!(0), json!(null)] {
            let parts = ["", "{\"a\":", "\"}{\"", "}", ""];
            let chunks: Vec<Value> = parts
                .iter()
                .map(|part| json!([fragment(index.clone(), id.clone(), json!("one"), part)]))
                .collect();
            expect(&chunks, &[("one", "{\"a\":\"}{\"}")]);
        }
    }
}

#[test]
fn a_call_that_is_said_again_in_whole_is_one() {
    let whole = fragment(json!(0), json!("a"), json!("one"), "{\"x\":1}");
    let parts = [
        json!([fragment(json!(0), json!("a"), json!("one"), "{\"x\"")]),
        json!([fragment(json!(0), json!(null), json!(null), ":1}")]),
        json!([whole]),
    ];
    expect(&parts, &[("one", "{\"x\":1}")]);
}

#[test]
fn arguments_that_follow_an_empty_object_take_its_place() {
    let parts = [
        json!([fragment(json!(0), json!("a"), json!("one"), "{}")]),
        json!([fragment(json!(0), json!(null), json!(null), "{\"li")]),
        json!([fragment(json!(0), json!(null), json!(null), "mit\":1}")]),
    ];
    expect(&parts, &[("one", "{\"limit\":1}")]);
}

#[test]
fn an_index_that_comes_late_or_only_once_does_not_matter() {
    let late = [
        json!([fragment(json!(null), json!("a"), json!("one"), "{")]),
        json!([fragment(json!(0), json!(null), json!(null), "}")]),
    ];
    expect(&late, &[("one", "{}")]);
    let once = [
        json!([fragment(json!(0), json!("a"), json!("one"), "{")]),
        json!([fragment(json!(null), json!(null), json!(null), "}")]),
        json!([fragment(json!(null), json!("b"), json!("two"), "[")]),
        json!([fragment(json!(null), json!("b"), json!(null), "]")]),
    ];
    expect(&once, &[("one", "{}"), ("two", "[]")]);
}

#[test]
fn calls_of_one_index_whose_fragments_are_mixed_are_told_apart_by_their_ids() {
    let mixed = [
        json!([fragment(json!(0), json!("a"), json!("one"), "")]),
        json!([fragment(json!(0), json!("b"), json!("one"), "")]),
        json!([fragment(json!(0), json!("a"), json!(null), "{\"x\":1}")]),
        json!([fragment(json!(0), json!("b"), json!(null), "{\"x\":2}")]),
    ];
    expect(&mixed, &[("one", "{\"x\":1}"), ("one", "{\"x\":2}")]);
}

/// How a server tells its calls apart.
#[derive(Clone, Copy, Debug)]
struct Style {
    index: Index,
    id: Id,
    repeats_head: bool,
}

#[derive(Clone, Copy, Debug)]
enum Index {
    Own,
    Zero,
    Missing,
}

#[derive(Clone, Copy, Debug)]
enum Id {
    Own,
    Empty,
    Missing,
}

fn styles() -> impl Strategy<Value = Style> {
    let index = prop_oneof![Just(Index::Own), Just(Index::Zero), Just(Index::Missing)];
    let id = prop_oneof![Just(Id::Own), Just(Id::Empty), Just(Id::Missing)];
    (index, id, any::<bool>()).prop_map(|(index, id, repeats_head)| Style {
        index,
        id,
        repeats_head,
    })
}

/// A call's fragments, its arguments cut at these places.
fn stream(style: Style, number: usize, name: &str, arguments: &str, cuts: &[usize]) -> Vec<Value> {
    let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut % (arguments.len() + 1)).collect();
    cuts.extend([0, arguments.len()]);
    cuts.sort_unstable();
    let part = |(at, cut): (usize, &[usize])| {
        let is_head = at == 0 || style.repeats_head;
        let index = match style.index {
            Index::Own => json!(number),
            Index::Zero => json!(0),
            Index::Missing => json!(null),
        };
        let id = match style.id {
            Id::Own if is_head => json!(format!("call_{number}")),
            Id::Own | Id::Missing => json!(null),
            Id::Empty => json!(""),
        };
        let name = if is_head { json!(name) } else { json!(null) };
        fragment(index, id, name, &arguments[cut[0]..cut[1]])
    };
    cuts.windows(2).enumerate().map(part).collect()
}

proptest! {
    #[test]
    fn calls_come_out_as_they_were_meant_in_every_style(
        style in styles(),
        meant in proptest::collection::vec(
            ("one|two", r#"\{"(a|\}\{|\\")":(1|"x"|\[\{\}\])\}"#, proptest::collection::vec(0_usize..40, 0..4)),
            1..5,
        ),
        together in any::<bool>(),
    ) {
        let mut chunks = Vec::new();
        for (number, (name, arguments, cuts)) in meant.iter().enumerate() {
            chunks.extend(stream(style, number, name, arguments, cuts));
        }
        let chunks: Vec<Value> = match together && meant.iter().all(|(_, _, cuts)| cuts.is_empty()) {
            // Whole calls may share a chunk.
            true => vec![Value::Array(chunks)],
            false => chunks.into_iter().map(|fragment| json!([fragment])).collect(),
        };
        let meant: Vec<(String, String)> =
            meant.into_iter().map(|(name, arguments, _)| (name, arguments)).collect();
        prop_assert_eq!(calls_of(&chunks), meant);
    }

    #[test]
    fn whatever_comes_nothing_of_it_is_lost(
        fragments in proptest::collection::vec(
            (0_usize..4, 0_usize..4, 0_usize..3, "[{}a\"]{1,4}"), 0..12),
    ) {
        let pick = |names: &[Value], at: usize| names[at].clone();
        let chunks: Vec<Value> = fragments.iter().map(|(index, id, name, arguments)| json!([fragment(
            pick(&[json!(null), json!(0), json!(1), json!("2")], *index),
            pick(&[json!(null), json!(""), json!("a"), json!("b")], *id),
            pick(&[json!(null), json!("one"), json!("two")], *name),
            arguments,
        )])).collect();
        let calls = calls_of(&chunks);
        prop_assert!(calls.len() <= fragments.len());
        prop_assert!(fragments.is_empty() || !calls.is_empty());
    }
}

#[test]
fn a_call_that_does_not_end_is_kept_no_further_than_may_be() {
    let mut calls = Calls::default();
    let long = "x".repeat(10_000);
    for part in std::iter::once("{\"a\":\"").chain(std::iter::repeat_n("xx", 150_000)) {
        let fragment = fragment(json!(null), json!(long), json!(long), part);
        calls.take(serde_json::from_value(json!([fragment])).unwrap(), false).unwrap();
        assert!(calls.calls.len() == 1 && calls.calls[0].arguments.as_str().len() <= ARGUMENTS_MAX);
    }
    let call = calls.finish().next().unwrap();
    assert!(!call.id.is_whole() && !call.name.is_whole() && !call.arguments.is_whole());
    assert_eq!((call.id.as_str().len(), call.name.as_str().len()), (ID_MAX, NAME_MAX));
}

#[test]
fn so_many_fragments_of_two_calls_in_one_chunk_are_no_work_for_minutes() {
    let head = |index: u64| fragment(json!(index), json!(null), json!("one"), "");
    let more = |index: u64| json!({"index": index, "function": {"arguments": "1"}});
    let chunk: Vec<Value> = std::iter::repeat_n(head(0), 1)
        .chain(std::iter::repeat_n(more(0), 60_000))
        .chain([head(1)])
        .chain(std::iter::repeat_n(more(1), 60_000))
        .collect();
    assert_eq!(calls_of(&[Value::from(chunk)]).len(), 2);
}

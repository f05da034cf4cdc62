//! One value, one text: whatever it was written like, and no other value has it.

use proptest::prelude::*;
use serde_json::{Map, json};

use super::*;
use crate::domain::ArgumentsHash;
use crate::domain::json::read;

/// What decides how a value is written, drawn anew at each place.
type Dice = fastrand::Rng;

/// The value's JSON in one of its many spellings.
fn spelled(value: &Value, dice: &mut Dice) -> String {
    let text = match value {
        Value::Null | Value::Bool(_) => value.to_string(),
        Value::Number(number) => spelled_number(number, dice),
        Value::String(text) => spelled_text(text, dice),
        Value::Array(items) => {
            let items: Vec<_> = items.iter().map(|item| spelled(item, dice)).collect();
            format!("[{}]", items.join(","))
        }
        Value::Object(fields) => {
            let member = |(name, value): (&String, &Value)| {
                format!("{}:{}", spelled_text(name, dice), spelled(value, dice))
            };
            let mut members: Vec<_> = fields.iter().map(member).collect();
            dice.shuffle(&mut members);
            format!("{{{}}}", members.join(","))
        }
    };
    let blank = |dice: &mut Dice| *dice.choice(&["", "", " ", "\n\t", "\r\n"]).unwrap();
    format!("{}{text}{}", blank(dice), blank(dice))
}

fn spelled_number(number: &Number, dice: &mut Dice) -> String {
    let exact = number.as_i64().filter(|n| n.unsigned_abs() < 1 << 53);
    match (exact, dice.u8(0..5)) {
        (Some(n), 0) => format!("{n}.0"),
        (Some(n), 1) => format!("{n}.000e0"),
        (Some(n), 2) => format!("{n}E+00"),
        // A number of several digits never begins with a zero.
        (Some(n), 3) if n != 0 => format!("{n}0e-1"),
        _ => number.to_string(),
    }
}

fn spelled_text(text: &str, dice: &mut Dice) -> String {
    let spelled = |c: char| match dice.u8(0..4) {
        0 => {
            let mut units = [0; 2];
            let units = c.encode_utf16(&mut units).iter();
            units.map(|unit| format!("\\u{unit:04X}")).collect()
        }
        1 if c == '/' => "\\/".to_owned(),
        _ => {
            let quoted = Value::from(c.to_string()).to_string();
            quoted[1..quoted.len() - 1].to_owned()
        }
    };
    format!("\"{}\"", text.chars().map(spelled).collect::<String>())
}

/// A value that is another one, somewhere inside.
fn changed(value: &Value, dice: &mut Dice) -> Value {
    match value {
        Value::Array(items) if !items.is_empty() && dice.bool() => {
            let mut items = items.clone();
            let at = dice.usize(..items.len());
            items[at] = changed(&items[at], dice);
            Value::Array(items)
        }
        Value::Array(items) => {
            let mut items = items.clone();
            items.push(Value::Null);
            Value::Array(items)
        }
        Value::Object(fields) if !fields.is_empty() && dice.bool() => {
            let mut fields = fields.clone();
            let name = dice.choice(fields.keys()).unwrap().clone();
            let inner = changed(&fields[&name], dice);
            fields.insert(name, inner);
            Value::Object(fields)
        }
        Value::Object(fields) => {
            let mut fields: Map<String, Value> = fields.clone();
            if fields.shift_remove("a").is_none() {
                fields.insert("a".into(), Value::Null);
            }
            Value::Object(fields)
        }
        Value::String(text) => format!("{text} ").into(),
        Value::Number(number) if number.as_f64() == Some(1.0) => json!(2),
        Value::Number(_) => json!(1),
        Value::Bool(is) => (!is).into(),
        Value::Null => json!("null"),
    }
}

fn any_json() -> impl Strategy<Value = Value> {
    let plain = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        (-100_i64..100).prop_map(Value::from),
        any::<f64>().prop_filter("finite", |n| n.is_finite()).prop_map(Value::from),
        "(?s)(.|[\"\\\\/\u{0}\u{202e}😀]){0,12}".prop_map(Value::from),
    ];
    plain.prop_recursive(4, 32, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::btree_map("[ab\"/é]{0,3}", inner, 0..5)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn neither_order_nor_blanks_nor_spelling_make_another_hash(value in any_json(), seed: u64) {
        let mut dice = Dice::with_seed(seed);
        let (one, other) = (spelled(&value, &mut dice), spelled(&value, &mut dice));
        let hash = |text: &str| ArgumentsHash::of("t", &read(text.as_bytes()).unwrap());
        prop_assert_eq!(hash(&one), hash(&other), "{} and {}", one, other);
        prop_assert_eq!(hash(&one), ArgumentsHash::of("t", &value));
    }

    #[test]
    fn any_change_makes_another_hash(value in any_json(), seed: u64) {
        let other = changed(&value, &mut Dice::with_seed(seed));
        prop_assert_ne!(ArgumentsHash::of("t", &value), ArgumentsHash::of("t", &other), "{}", other);
        prop_assert_ne!(ArgumentsHash::of("t", &value), ArgumentsHash::of("u", &value));
    }

    /// So no two values have one text: what reads back cannot be both.
    #[test]
    fn the_canonical_text_is_json_that_says_the_same(value in any_json()) {
        let canonical = text(&value);
        let again = read(canonical.as_bytes()).unwrap();
        prop_assert_eq!(text(&again), canonical.clone());
        prop_assert!(is_same(&again, &value), "{} is not {}", canonical, value);
    }
}

/// Whether two values say the same: numbers are what they are worth.
fn is_same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(a), Value::Number(b)) => a == b || a.as_f64() == b.as_f64(),
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| is_same(a, b))
        }
        (Value::Object(a), Value::Object(b)) => {
            let is_same = |(name, value)| b.get(name).is_some_and(|other| is_same(value, other));
            a.len() == b.len() && a.iter().all(is_same)
        }
        (one, other) => one == other,
    }
}

#[test]
fn numbers_that_no_double_tells_apart_are_told_apart_as_integers() {
    let hash = |value: Value| ArgumentsHash::of("t", &value);
    assert_ne!(hash(json!(9_007_199_254_740_993_u64)), hash(json!(9_007_199_254_740_992_u64)));
    assert_eq!(hash(json!(-0.0)), hash(json!(0)));
    assert_eq!(hash(json!(9_007_199_254_740_991.0)), hash(json!(9_007_199_254_740_991_u64)));
}

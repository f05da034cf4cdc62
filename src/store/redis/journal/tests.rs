//! What is stored of an entry is the entry, and what is no entry is told.

use proptest::prelude::*;

use super::*;

fn entries() -> impl Strategy<Value = Entry> {
    let bytes = || prop::collection::vec(any::<u8>(), 0..20).prop_map(Bytes::from);
    let shown = prop_oneof![
        Just(None),
        Just(Some(Shown::Done)),
        (".{0,8}", bytes())
            .prop_map(|(kind, payload)| Some(Shown::Event { kind: kind.into(), payload })),
    ];
    let ids = prop_oneof![1..u64::MAX, 1..3_u64];
    (ids, shown, prop::option::of(bytes())).prop_map(|(id, shown, record)| Entry {
        id: EventId::new(id),
        shown,
        record,
    })
}

/// What Redis hands out of an entry that was sent so.
fn handed_out(args: Args<'_>) -> Value {
    let mut args = args.into_iter().map(|arg| Value::BulkString(arg.into_owned()));
    let id = args.next().unwrap();
    Value::Array(vec![id, Value::Array(args.skip(1).collect())])
}

/// What a stream could hold that something else has written.
fn foreign() -> impl Strategy<Value = Value> {
    let text = prop_oneof!["[tdzrpn]", "[0-9]{1,21}(-0)?", ".{0,5}"];
    let plain = prop_oneof![
        Just(Value::Nil),
        any::<i64>().prop_map(Value::Int),
        text.prop_map(|text| Value::BulkString(text.into_bytes())),
        prop::collection::vec(any::<u8>(), 0..4).prop_map(Value::BulkString),
    ];
    plain
        .prop_recursive(2, 16, 6, |inner| prop::collection::vec(inner, 0..6).prop_map(Value::Array))
}

proptest! {
    #[test]
    fn an_entry_comes_back_as_it_was_appended(
        entry in entries(), gap in 0_u64..3, nonce in prop::option::of("[0-9a-f]{16}")
    ) {
        let before = EventId::new((entry.id.get() - 1).saturating_sub(gap));
        let mut args = Args::new();
        add_entry(&mut args, &entry, before, nonce.as_deref());
        prop_assert_eq!(String::from_utf8_lossy(&args[1]), (args.len() - 2).to_string());
        prop_assert!(args.len() > 2, "Redis refuses an entry without fields");
        let stored = Stored::parse(handed_out(args)).unwrap();
        prop_assert_eq!((stored.entry, stored.before), (entry, before));
    }

    #[test]
    fn what_somebody_else_has_put_into_a_stream_is_an_entry_or_none(
        id in "[0-9]{1,21}(-[01])?", fields in prop::collection::vec(foreign(), 0..6), whole in foreign()
    ) {
        prop_assert!(Stored::parse(whole).is_none_or(|stored| stored.before < stored.entry.id));
        let id_of = Value::BulkString(id.clone().into_bytes());
        if let Some(stored) = Stored::parse(Value::Array(vec![id_of, Value::Array(fields)])) {
            prop_assert_eq!(stream_id(stored.entry.id), id.trim_start_matches('0'));
        }
    }
}

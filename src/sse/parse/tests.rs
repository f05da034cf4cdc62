//! The decoder against the standard's examples, its limit, and another decoder.

use bytes::Bytes;
use futures::{FutureExt, StreamExt, stream};
use proptest::prelude::*;

use super::*;

fn decode(chunks: &[&[u8]]) -> Vec<Event> {
    let (mut parser, mut events) = (Parser::new(), Vec::new());
    for chunk in chunks {
        parser.push(chunk, &mut events).unwrap();
    }
    events
}

fn data_of(text: &str) -> Vec<String> {
    decode(&[text.as_bytes()]).into_iter().map(|event| event.data).collect()
}

#[test]
fn an_event_has_its_own_id_and_kind_and_joined_data() {
    let events = decode(&[b"id: 7\nevent: add\ndata: a\ndata:  b\ndata\n\ndata: c\n\n"]);
    let first = Event { id: Some("7".into()), kind: Some("add".into()), data: "a\n b\n".into() };
    let second = Event { id: None, kind: None, data: "c".into() };
    assert_eq!(events, [first, second]);
}

#[test]
fn comments_unknown_fields_and_blocks_without_data_are_no_events() {
    let text = ": keep-alive id:\n\nretry: 5\nfoo: bar\nid: 1\n\n:\n\ndata: x\n\n";
    assert_eq!(decode(&[text.as_bytes()]), [Event { data: "x".into(), ..Event::default() }]);
}

#[test]
fn what_servers_put_between_their_events_when_something_goes_wrong_is_handed_out_to_who_asks_for_it()
 {
    let text = b"error: down\n\n{\"a\":1}\ndata: x\n [{}]\nfoo: bar\n[1]\n\nerror: cut";
    let (mut parser, mut events) = (Parser::new().with_strays(), Vec::new());
    parser.push(text, &mut events).unwrap();
    events.extend(parser.finish());
    let told: Vec<_> = events.iter().map(|e| (e.kind.as_deref(), e.data.as_str())).collect();
    let expected = [
        (Some("error"), "down"),
        (None, "{\"a\":1}"),
        (None, " [{}]"),
        (None, "x"),
        (Some("error"), "cut"),
    ];
    assert_eq!(told, expected);
    assert_eq!(data_of("error: down\n\n{\"a\":1}\n\ndata: x\n\n"), ["x"]);
}

#[test]
fn every_kind_of_line_end_ends_a_line_also_between_two_chunks() {
    assert_eq!(data_of("data: a\r\n\r\ndata: b\r\rdata: c\n\n"), ["a", "b", "c"]);
    let chunks: [&[u8]; 6] = [b"data: a\r", b"", b"\n\r", b"\ndata: b\r", b"\r", b"\n"];
    let events = decode(&chunks);
    assert_eq!(events.iter().map(|event| event.data.as_str()).collect::<Vec<_>>(), ["a", "b"]);
}

#[test]
fn a_byte_order_mark_is_skipped_at_the_start_only_even_if_cut_in_two() {
    let events = decode(&[b"\xEF", b"\xBB\xBFdata: a\n\n", b"\xEF\xBB\xBFdata: b\n\n"]);
    assert_eq!(events, [Event { data: "a".into(), ..Event::default() }]);
}

#[test]
fn an_event_that_the_end_cuts_off_is_not_handed_out() {
    assert_eq!(data_of("data: a\n\ndata: b\n"), ["a"]);
}

#[test]
fn a_reader_that_wants_it_gets_the_event_that_the_end_cut_off() {
    for (text, last) in [
        ("data: a\n\ndata: b\n", Some("b")),
        ("data: a\n\ndata: b\ndata: c", Some("b\nc")),
        ("data: a", Some("a")),
        ("data: a\n\n", None),
        (": comment\nid: 1", None),
        ("", None),
    ] {
        let (mut parser, mut events) = (Parser::new(), Vec::new());
        parser.push(text.as_bytes(), &mut events).unwrap();
        assert_eq!(parser.finish().map(|event| event.data).as_deref(), last, "{text:?}");
        assert_eq!(parser.finish(), None, "{text:?}");
    }
}

#[test]
fn bytes_that_are_not_utf8_are_replaced() {
    assert_eq!(decode(&[b"data: a\xFFb\n\n"])[0].data, "a\u{FFFD}b");
}

#[test]
fn an_event_over_the_limit_is_refused_however_it_is_cut_into_lines_and_chunks() {
    let too_large = Err(TooLarge { limit: 16 });
    for text in
        ["data: 0123456789abcdef", "data: 0123\ndata: 4567\ndata: 89ab\n", ": 0123456789abcdef0"]
    {
        for size in [1, 3, text.len()] {
            let (mut parser, mut events) = (Parser::with_limit(16), Vec::new());
            let mut chunks = text.as_bytes().chunks(size);
            let result = chunks.try_for_each(|chunk| parser.push(chunk, &mut events));
            assert_eq!(result, too_large, "{text:?} in pieces of {size}");
        }
    }
    let (mut parser, mut events) = (Parser::with_limit(16), Vec::new());
    for _ in 0..100 {
        parser.push(b"data: 01234567\n\n", &mut events).unwrap();
    }
    assert_eq!(events.len(), 100, "the limit is for one event, not for the stream");
}

/// What the `sse-stream` crate makes of it; it also hands out blocks without data.
fn reference(chunks: &[Bytes]) -> Vec<Event> {
    let input = stream::iter(chunks.iter().cloned().map(Ok::<_, std::io::Error>));
    let blocks = sse_stream::SseByteStream::new(input).map(Result::unwrap).collect::<Vec<_>>();
    let blocks = blocks.now_or_never().unwrap();
    let event =
        |block: sse_stream::Sse| Some(Event { id: block.id, kind: block.event, data: block.data? });
    blocks.into_iter().filter_map(event).collect()
}

/// Streams in which everything that has a meaning is likely.
fn any_stream() -> impl Strategy<Value = String> {
    let names = ["data", "event", "id", "retry", "dat", "data ", "", "다"];
    let name = prop::sample::select(names.to_vec());
    let value =
        prop::sample::select(vec!["", " ", ": x", " 한글", "a b", "[DONE]", "\0", "{\"a\":1}"]);
    let colon = prop::sample::select(vec!["", ":", ": "]);
    let end = prop::sample::select(vec!["\n", "\r", "\r\n", "\n\n", "\r\r", "\r\n\r\n", ""]);
    let line = (name, colon, value, end).prop_map(|(n, c, v, e)| format!("{n}{c}{v}{e}"));
    let start = prop::sample::select(vec!["", "\u{FEFF}", "\n"]);
    (start, prop::collection::vec(line, 0..24))
        .prop_map(|(s, lines)| s.to_owned() + &lines.concat())
}

proptest! {
    #[test]
    fn it_reads_what_another_decoder_reads_wherever_the_chunks_are_cut(
        text in any_stream(),
        cuts in prop::collection::vec(0..400usize, 0..12),
    ) {
        let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(text.len())).collect();
        cuts.extend([0, text.len()]);
        cuts.sort_unstable();
        let bytes = Bytes::from(text.clone());
        let chunks: Vec<Bytes> = cuts.windows(2).map(|w| bytes.slice(w[0]..w[1])).collect();
        let ours = decode(&chunks.iter().map(Bytes::as_ref).collect::<Vec<_>>());
        prop_assert_eq!(&ours, &reference(&chunks));
        prop_assert_eq!(ours, decode(&[text.as_bytes()]));
    }
}

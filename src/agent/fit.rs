//! A conversation that would not fit a model's context, made to fit.
//!
//! The journal and the state keep every message; only what one request sends is trimmed. Whole
//! messages go, the oldest first: an answer goes with its question, a tool's result with the call
//! that it answers. What the model has to answer stays: the system prompt, the person's last words
//! and the newest results of tools. Where not even those fit, the results are cut.

use std::ops::Range;

use crate::domain::Message;
use crate::llm::tokens::{self, Tokens, in_context};

/// Tells the model, in front of the system prompt, that it does not see everything.
const LEFT_OUT: &str = "[안내: 대화가 길어 앞부분의 메시지 일부가 생략되었습니다. 생략된 내용은 추측하지 말고, \
    필요하면 도구로 다시 확인하거나 사용자에게 묻습니다.]\n\n";
/// Ends a result that was cut.
const CUT: &str =
    "\n[안내: 결과가 길어 여기서 잘렸습니다. 나머지는 범위를 좁혀 다시 조회해야 합니다.]";

/// What is sent.
#[derive(Debug, PartialEq)]
pub(super) struct Fitted {
    /// The conversation, or as much of it as fits.
    pub(super) messages: Vec<Message>,
    /// How many messages were left out.
    pub(super) left_out: usize,
    /// How many results of tools were cut.
    pub(super) cut: usize,
}

/// As much of the conversation as fits `max_tokens`, by our own estimate. Only where not even the
/// messages that have to stay fit, their results cut to nothing, the outcome is larger.
pub(super) fn fit(messages: &[Message], max_tokens: u64) -> Fitted {
    if cost(messages) <= max_tokens {
        return Fitted { messages: messages.to_vec(), left_out: 0, cut: 0 };
    }
    let parts = Parts::of(messages);
    let mut kept = vec![true; messages.len()];
    let mut total = cost(messages) + tokens::of_text(LEFT_OUT);
    for block in &parts.droppable {
        if total <= max_tokens {
            break;
        }
        total -= cost(&messages[block.clone()]);
        kept[block.clone()].fill(false);
    }
    let left_out = kept.iter().filter(|kept| !**kept).count();
    let mut fitted: Vec<Message> =
        messages.iter().zip(&kept).filter(|(_, kept)| **kept).map(|(m, _)| m.clone()).collect();
    if left_out > 0 {
        tell_what_is_missing(&mut fitted);
    }
    // All that is left behind the last words of the model are the results that it has to read.
    let newest = fitted.len() - parts.newest.len();
    let cut = cut_results(&mut fitted, newest, max_tokens);
    Fitted { messages: fitted, left_out, cut }
}

fn cost(messages: &[Message]) -> u64 {
    messages.iter().map(in_context).sum()
}

/// A conversation taken apart where it may be: each part stays or goes as a whole.
#[derive(Debug)]
struct Parts {
    /// What may go, the oldest first.
    droppable: Vec<Range<usize>>,
    /// The last thing that the model said in this run, and what its tools returned; may be empty.
    newest: Range<usize>,
}

impl Parts {
    fn of(messages: &[Message]) -> Self {
        let first = messages.iter().take_while(|m| matches!(m, Message::System { .. })).count();
        let prompt = messages.iter().rposition(|m| matches!(m, Message::User { .. }));
        let (before, after) = match prompt {
            Some(prompt) => (first..prompt.max(first), prompt + 1..messages.len()),
            None => (first..first, first..messages.len()),
        };
        // Earlier runs: a question goes with its answer, so that what is left begins with a question.
        let mut droppable = split(messages, before, |m| matches!(m, Message::User { .. }));
        // This run: what the model said goes with the results that it led to.
        let mut own = split(messages, after, |m| !matches!(m, Message::Tool { .. }));
        let newest = own.pop().unwrap_or(messages.len()..messages.len());
        droppable.extend(own);
        Self { droppable, newest }
    }
}

/// The range in pieces, each of which begins where `begins` says so (the first one anyhow).
fn split(
    messages: &[Message],
    range: Range<usize>,
    begins: impl Fn(&Message) -> bool,
) -> Vec<Range<usize>> {
    let mut pieces: Vec<Range<usize>> = Vec::new();
    for at in range {
        match pieces.last_mut() {
            Some(piece) if !begins(&messages[at]) => piece.end = at + 1,
            _ => pieces.push(at..at + 1),
        }
    }
    pieces
}

/// Says it in the system prompt: servers with strict chat templates refuse a second one.
fn tell_what_is_missing(messages: &mut Vec<Message>) {
    match messages.first_mut() {
        Some(Message::System { content }) => content.insert_str(0, LEFT_OUT),
        _ => messages.insert(0, Message::System { content: LEFT_OUT.trim_end().to_owned() }),
    }
}

/// Cuts the results from `newest` on until all fits: short ones stay as they are, the others get an
/// equal share of the room. Returns how many were cut.
fn cut_results(messages: &mut [Message], newest: usize, max_tokens: u64) -> usize {
    let total = cost(messages);
    if total <= max_tokens {
        return 0;
    }
    let mut results: Vec<(u64, &mut String)> = messages[newest..]
        .iter_mut()
        .filter_map(|message| match message {
            Message::Tool { content, .. } => Some((tokens::of_text(content), content)),
            Message::System { .. } | Message::User { .. } | Message::Assistant { .. } => None,
        })
        .collect();
    let of_results: u64 = results.iter().map(|(tokens, _)| tokens).sum();
    let mut room = max_tokens.saturating_sub(total - of_results);
    // The shortest first: what they leave of their share goes to the longer ones.
    results.sort_by_key(|(tokens, _)| *tokens);
    let (mut cut, count) = (0, results.len() as u64);
    for ((tokens, content), others) in results.into_iter().zip((1..=count).rev()) {
        let share = room / others;
        if tokens > share && shorten(content, share) {
            cut += 1;
        }
        room = room.saturating_sub(tokens::of_text(content));
    }
    cut
}

/// Not one of the cuts of `domain::text`: what counts here is a budget of tokens, and the note tells the
/// model how to read the rest. Cuts a text to this many tokens, the note about it included; never to less than the note. Says
/// whether that made it shorter.
fn shorten(text: &mut String, max_tokens: u64) -> bool {
    let note = tokens::of_text(CUT);
    if tokens::of_text(text) <= note {
        return false;
    }
    let end = prefix_of(text, max_tokens.saturating_sub(note));
    text.truncate(end);
    text.push_str(CUT);
    true
}

/// The length of the longest beginning of a text that has at most this many tokens, in bytes.
fn prefix_of(text: &str, max_tokens: u64) -> usize {
    let mut so_far = Tokens::default();
    let too_long = |(at, c): (usize, char)| {
        so_far.add(&text[at..at + c.len_utf8()]);
        (so_far.count() > max_tokens).then_some(at)
    };
    text.char_indices().find_map(too_long).unwrap_or(text.len())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::{ToolCall, ToolCallId};

    fn system(text: &str) -> Message {
        Message::System { content: text.into() }
    }

    fn user(text: &str) -> Message {
        Message::User { content: text.into() }
    }

    fn says(text: &str) -> Message {
        Message::Assistant { content: text.into(), tool_calls: Vec::new() }
    }

    fn calls(ids: &[&str]) -> Message {
        saying_and_calling(String::new(), ids)
    }

    fn saying_and_calling(content: String, ids: &[&str]) -> Message {
        let call = |id: &&str| ToolCall::new(ToolCallId::new(*id), "git_log", "{}");
        Message::Assistant { content, tool_calls: ids.iter().map(call).collect() }
    }

    fn result(id: &str, content: &str) -> Message {
        Message::Tool {
            call_id: ToolCallId::new(id),
            name: "git_log".into(),
            content: content.into(),
        }
    }

    fn x(tokens: usize) -> String {
        "x".repeat(4 * tokens)
    }

    /// A room in which the note and these messages have just enough space.
    fn room_for(messages: &[Message]) -> u64 {
        cost(messages) + tokens::of_text(LEFT_OUT)
    }

    #[test]
    fn what_fits_is_sent_as_it_is() {
        let messages = [system("s"), user("a"), says("b"), user("c")];
        let whole = fit(&messages, cost(&messages));
        assert_eq!(whole, Fitted { messages: messages.to_vec(), left_out: 0, cut: 0 });
    }

    #[test]
    fn the_oldest_question_goes_first_and_takes_its_answer_along() {
        let messages =
            [system("s"), user(&x(50)), says(&x(50)), user(&x(50)), says(&x(50)), user("now")];
        let rest = [&messages[..1], &messages[3..]].concat();
        let fitted = fit(&messages, room_for(&rest));
        assert_eq!((fitted.left_out, fitted.cut), (2, 0));
        assert_eq!(fitted.messages[0], system(&format!("{LEFT_OUT}s")));
        assert_eq!(fitted.messages[1..], rest[1..]);
        let less = fit(&messages, room_for(&rest) - 1);
        assert_eq!((less.left_out, &less.messages[1..]), (4, &messages[5..]));
    }

    #[test]
    fn early_calls_go_with_their_results_and_the_newest_stay_with_the_prompt() {
        let messages = [
            system("s"),
            user("now"),
            calls(&["a", "b"]),
            result("a", &x(100)),
            result("b", &x(100)),
            calls(&["c"]),
            result("c", &x(100)),
        ];
        let rest = [&messages[..2], &messages[5..]].concat();
        let fitted = fit(&messages, room_for(&rest) + 150);
        assert_eq!((fitted.left_out, fitted.cut), (3, 0));
        assert_eq!(fitted.messages[1..], rest[1..]);
    }

    #[test]
    fn as_a_last_resort_long_results_are_cut_and_short_ones_are_not() {
        let messages = [
            system("s"),
            user("now"),
            calls(&["a", "b", "c"]),
            result("a", &x(5000)),
            result("b", "short"),
            result("c", &x(2000)),
        ];
        let fitted = fit(&messages, 1000);
        assert_eq!((fitted.left_out, fitted.cut), (0, 2));
        assert!((990..=1000).contains(&cost(&fitted.messages)), "{}", cost(&fitted.messages));
        assert_eq!(fitted.messages[4], messages[4]);
        let length = |at: usize| fitted.messages[at].text().len();
        assert!(fitted.messages[3].text().ends_with(CUT) && length(3).abs_diff(length(5)) <= 8);
    }

    #[test]
    fn a_conversation_without_a_system_prompt_gets_its_note_all_the_same() {
        let messages = [user(&x(99)), says("a"), user("now")];
        let fitted = fit(&messages, 99).messages;
        assert_eq!(fitted, [system(LEFT_OUT.trim_end()), user("now")]);
    }

    /// A block of a run: what the model said, and the results of so many calls.
    fn block() -> impl Strategy<Value = (usize, Vec<usize>)> {
        (0_usize..200, prop::collection::vec(0_usize..400, 0..4))
    }

    fn conversation(history: Vec<(usize, usize)>, own: Vec<(usize, Vec<usize>)>) -> Vec<Message> {
        let mut messages = vec![system("prompt")];
        for (question, answer) in history {
            messages.extend([user(&x(question)), says(&"가".repeat(answer))]);
        }
        messages.push(user("now"));
        for (turn, (text, results)) in own.into_iter().enumerate() {
            let ids: Vec<String> = (0..results.len()).map(|n| format!("{turn}-{n}")).collect();
            let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
            messages.push(saying_and_calling(x(text), &ids));
            let results = ids.iter().zip(results).map(|(id, size)| result(id, &x(size)));
            messages.extend(results);
        }
        messages
    }

    /// The message without what cutting changes.
    fn identity(message: &Message) -> Message {
        match message {
            Message::Tool { call_id, .. } => result(call_id.as_str(), ""),
            other => other.clone(),
        }
    }

    proptest! {
        #[test]
        fn whatever_is_left_out_the_rest_is_in_order_whole_and_small_enough(
            history in prop::collection::vec((0_usize..300, 0_usize..300), 0..6),
            own in prop::collection::vec(block(), 0..5),
            max in 0_u64..4000,
        ) {
            let messages = conversation(history, own);
            let fitted = fit(&messages, max);
            let sent = &fitted.messages;

            // What has to stay is there, and nothing is there that was not.
            prop_assert!(sent[0].text().ends_with("prompt"));
            prop_assert_eq!(sent[0].text().starts_with('['), fitted.left_out > 0);
            prop_assert_eq!(sent.len() + fitted.left_out, messages.len());
            prop_assert!(sent.iter().any(|message| message == &user("now")));
            let mut rest = messages[1..].iter().map(identity);
            for message in &sent[1..] {
                prop_assert!(rest.any(|one| one == identity(message)), "out of order: {message:?}");
            }
            let begins_with_a_question = matches!(sent[1], Message::User { .. });
            prop_assert!(begins_with_a_question);

            // Every call has all its results directly behind it, and no result stands alone.
            let mut open: Vec<String> = Vec::new();
            for message in sent {
                match message {
                    Message::Tool { call_id, .. } => {
                        prop_assert!(!open.is_empty() && open.remove(0) == call_id.as_str());
                    }
                    other => {
                        prop_assert!(open.is_empty(), "results are missing: {open:?}");
                        if let Message::Assistant { tool_calls, .. } = other {
                            open = tool_calls.iter().map(|call| call.id.to_string()).collect();
                        }
                    }
                }
            }
            prop_assert!(open.is_empty(), "results are missing: {open:?}");

            // It fits, or there is nothing left that could go.
            let smallest = sent.iter().all(|message| match message {
                Message::Tool { content, .. } => {
                    content.as_str() == CUT || tokens::of_text(content) <= tokens::of_text(CUT)
                }
                _ => true,
            });
            let newest_only = messages.len() - fitted.left_out
                == 2 + Parts::of(&messages).newest.len();
            prop_assert!(cost(sent) <= max || (smallest && newest_only));
        }
    }
}

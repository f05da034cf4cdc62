//! A tool that is asked for by its name, whatever it does: `time.now`, `web.search rust sse`,
//! `time.convert {"from": "UTC"}`.

use serde_json::{Value, json};

use super::cues::word_at;
use super::offered::Offered;
use super::request::is_reversed;
use crate::domain::language::is_hangul;
use crate::tools::ToolSpec;

/// What stands before a name and behind it, and says only that the tool is to be used.
#[rustfmt::skip]
const USE: [&str; 17] = [
    "run", "call", "use", "execute", "please", "the", "tool", "도구", "실행", "호출", "사용", "알려", "보여", "불러", "돌려", "해줘",
    "해주",
];

/// Words that forbid what follows them, besides those that end with "n't".
const NO: [&str; 3] = ["not", "never", "without"];

/// A tool whose name stands in a prompt.
pub(super) struct NamedTool<'a> {
    pub(super) spec: &'a ToolSpec,
    /// What it is to be called with; `None` if the prompt only speaks of it, or does not say enough.
    pub(super) arguments: Option<Value>,
}

/// The tool that a prompt names; the first one, and of two at the same place the longer name.
pub(super) fn read<'a>(prompt: &str, offered: Offered<'a>) -> Option<NamedTool<'a>> {
    let named = offered.all().filter_map(|spec| Some((word_at(prompt, &spec.name)?, spec)));
    let (at, spec) = named.min_by_key(|(at, spec)| (*at, std::cmp::Reverse(spec.name.len())))?;
    let (before, after) = (&prompt[..at], &prompt[at + spec.name.len()..]);
    let after = after.trim_start_matches(|c| is_hangul(c) || "`'\",.".contains(c)).trim();
    let is_asked = without_use(before.trim_matches(['`', '\'', '"'])).is_empty();
    let arguments = match after.starts_with('{') {
        true if is_forbidden(before, after) => None,
        true => object(after),
        false if is_asked => in_words(spec, &without_use(after)),
        false => None,
    };
    Some(NamedTool { spec, arguments })
}

/// How to ask for a tool: its name, and the arguments that it cannot do without.
pub(super) fn example(spec: &ToolSpec) -> String {
    let required = required(spec).map(|name| format!("\"{name}\": …")).collect::<Vec<_>>();
    match required.is_empty() {
        true => spec.name.clone(),
        false => format!("{} {{{}}}", spec.name, required.join(", ")),
    }
}

/// Whether what stands before the name of a tool, or behind its arguments, says not to call it.
fn is_forbidden(before: &str, after: &str) -> bool {
    let behind = after.rsplit_once('}').map_or("", |(_, behind)| behind);
    let before = before.to_lowercase().replace('’', "'");
    let says_no = |word: &str| NO.contains(&word) || word.ends_with("n't");
    before.split_whitespace().any(says_no) || is_reversed(behind)
}

/// The JSON object that a text begins with.
fn object(text: &str) -> Option<Value> {
    let mut values = serde_json::Deserializer::from_str(text).into_iter::<Value>();
    values.next()?.ok().filter(Value::is_object)
}

/// The only argument that the tool needs, if that is a text; no argument, if it needs none.
fn in_words(spec: &ToolSpec, words: &str) -> Option<Value> {
    let mut required = required(spec);
    match (required.next(), required.next()) {
        (None, _) if words.is_empty() => Some(json!({})),
        (Some(only), None) if !words.is_empty() => {
            let kind = &spec.parameters["properties"][only]["type"];
            (kind == "string").then(|| json!({ only: words }))
        }
        (None | Some(_), _) => None,
    }
}

fn required(spec: &ToolSpec) -> impl Iterator<Item = &str> {
    let names = spec.parameters["required"].as_array();
    names.into_iter().flatten().filter_map(Value::as_str)
}

/// A text without the words at its ends that only say that the tool is to be used.
fn without_use(text: &str) -> String {
    let says_use = |word: &&str| {
        let word = word.trim_end_matches(['.', '!', '?', ',']).to_lowercase();
        USE.iter().any(|known| word == *known || !known.is_ascii() && word.starts_with(known))
    };
    let mut words: Vec<&str> = text.split_whitespace().skip_while(says_use).collect();
    while words.last().is_some_and(says_use) {
        words.pop();
    }
    words.join(" ").trim_matches(['"', '\'', '`', '“', '”']).to_owned()
}

//! Names of branches in a prompt: which one goes where.
//!
//! A name is taken exactly as it stands there. Whether it is a good one is the tool's to say.

use serde_json::Value;

use super::tokens;
use crate::domain::Message;

mod grammar;

use grammar::{Role, Word};

/// Where a request leads: the changes of `source` to `target`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Route {
    pub(super) source: Option<String>,
    pub(super) target: Option<String>,
}

/// The route that a prompt describes, as far as it does.
pub(super) fn route(prompt: &str) -> Route {
    let mut words = grammar::names(prompt);
    if words.iter().any(|word| word.role == Role::Pair) {
        let mut names = words.into_iter().map(|word| word.name.to_owned());
        return Route {
            source: names.next(),
            target: names.next(),
        };
    }
    let source = take(&mut words, Role::Source);
    let target = take(&mut words, Role::Target);
    let source = source.or_else(|| take(&mut words, Role::Bare));
    let target = target.or_else(|| take(&mut words, Role::Bare));
    Route { source, target }
}

fn take(words: &mut Vec<Word<'_>>, role: Role) -> Option<String> {
    let at = words.iter().position(|word| word.role == role)?;
    Some(words.remove(at).name.to_owned())
}

/// The first word that is a branch's name beyond doubt.
pub(super) fn branch(prompt: &str) -> Option<String> {
    let words = grammar::names(prompt);
    words
        .into_iter()
        .find(Word::is_surely_a_name)
        .map(|word| word.name.to_owned())
}

/// The two sides of a comparison, the older first: `a..b`, `a...b`, or two names, of which the one
/// that branches start from is the older.
pub(super) fn sides(prompt: &str) -> Option<(String, String)> {
    prompt.split_whitespace().find_map(range).or_else(|| {
        let Route { source, target } = route(prompt);
        let (one, other) = (source?, target?);
        Some(if is_base(&other) && !is_base(&one) {
            (other, one)
        } else {
            (one, other)
        })
    })
}

fn range(token: &str) -> Option<(String, String)> {
    let name = tokens::take_apart(token).0;
    let (from, to) = name.split_once("...").or_else(|| name.split_once(".."))?;
    // Two dots within a path are no range.
    let fits = !from.is_empty() && !from.ends_with(['/', '=']) && !to.starts_with(['/', '.']);
    (fits && !to.is_empty()).then(|| (from.to_owned(), to.to_owned()))
}

/// The branch that the conversation named last, other than `except` and the usual bases.
pub(super) fn last_named(earlier: &[Message], except: Option<&str>) -> Option<String> {
    let fits = |name: &String| Some(name.as_str()) != except && !is_base(name);
    earlier.iter().rev().find_map(|message| match message {
        Message::User { content } => {
            let Route { source, target } = route(content);
            source.filter(fits).or_else(|| target.filter(fits))
        }
        Message::Assistant { tool_calls, .. } => tool_calls.iter().rev().find_map(|call| {
            let arguments: Value = serde_json::from_str(&call.arguments).ok()?;
            let named = |key: &str| Some(arguments.get(key)?.as_str()?.to_owned()).filter(fits);
            ["source", "head", "to", "ref"].into_iter().find_map(named)
        }),
        Message::System { .. } | Message::Tool { .. } => None,
    })
}

/// Whether branches usually start from, and return to, a branch of this name.
pub(super) fn is_base(name: &str) -> bool {
    matches!(name, "main" | "master" | "develop" | "dev" | "trunk")
}

#[cfg(test)]
mod tests;

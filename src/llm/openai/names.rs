//! Tool names for the wire, and back.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use crate::domain::text::first_chars;

/// Longest tool name that providers take, in bytes.
const NAME_MAX: usize = 64;

/// The names of one request. Providers take letters, digits, `_` and `-` only, so `server.tool`
/// travels as `server_tool`; no two names ever travel as one.
#[derive(Debug, Default)]
pub(super) struct ToolNames {
    /// Only the names that had to change.
    to_wire: HashMap<String, String>,
    from_wire: HashMap<String, String>,
}

impl ToolNames {
    /// The names of the tools, and of the calls in the conversation so far.
    pub(super) fn new<'a>(names: impl Iterator<Item = &'a str> + Clone) -> Self {
        let mut taken: HashSet<String> =
            names.clone().filter(|name| is_fit(name)).map(str::to_owned).collect();
        let mut all = Self::default();
        for name in names.filter(|name| !is_fit(name)) {
            if all.to_wire.contains_key(name) {
                continue;
            }
            let wire = free(name, &taken);
            taken.insert(wire.clone());
            all.from_wire.insert(wire.clone(), name.to_owned());
            all.to_wire.insert(name.to_owned(), wire);
        }
        all
    }

    /// The name as the provider takes it.
    pub(super) fn to_wire<'a>(&'a self, name: &'a str) -> &'a str {
        self.to_wire.get(name).map_or(name, String::as_str)
    }

    /// The name that was meant. What is no name of this request is left as it is.
    pub(super) fn meant_by(&self, name: &str) -> String {
        self.from_wire.get(name).map_or_else(|| name.to_owned(), String::clone)
    }
}

fn is_fit(name: &str) -> bool {
    (1..=NAME_MAX).contains(&name.len()) && name.bytes().all(is_plain)
}

fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-'
}

/// A fit name that resembles `name` and is not taken.
fn free(name: &str, taken: &HashSet<String>) -> String {
    let plain = |c: char| {
        if c.is_ascii() && is_plain(c as u8) { c } else { '_' }
    };
    let stem: String = first_chars(name, NAME_MAX).0.chars().map(plain).collect();
    let stem = if stem.is_empty() { "_".to_owned() } else { stem };
    let mut wire = Cow::Borrowed(stem.as_str());
    let mut number = 1_u64;
    while taken.contains(wire.as_ref()) {
        number += 1;
        let suffix = format!("_{number}");
        let kept = stem.len().min(NAME_MAX - suffix.len());
        wire = Cow::Owned(format!("{}{suffix}", &stem[..kept]));
    }
    wire.into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_providers_refuse_travel_as_others_and_come_back() {
        let long = "x".repeat(80);
        let given = ["server.tool", "server_tool", "server/tool", "도구", "", "server.tool", &long];
        let names = ToolNames::new(given.iter().copied());
        let wire: HashSet<&str> = given.iter().map(|name| names.to_wire(name)).collect();
        assert_eq!(wire.len(), 6, "{wire:?}");
        assert_eq!(names.to_wire("server_tool"), "server_tool");
        for name in given {
            assert!(is_fit(names.to_wire(name)), "{name:?}");
            assert_eq!(names.meant_by(names.to_wire(name)), name);
        }
        assert_eq!(names.meant_by("unheard_of"), "unheard_of");
    }

    #[test]
    fn long_names_that_start_alike_stay_apart() {
        let long = ["a", "b", "c"].map(|end| "x".repeat(70) + end);
        let names = ToolNames::new(long.iter().map(String::as_str));
        let wire: HashSet<&str> = long.iter().map(|name| names.to_wire(name)).collect();
        assert_eq!(wire.len(), 3);
        assert!(wire.iter().all(|name| is_fit(name)));
    }
}

//! From gathered values to checked ones: every fault is collected, none stops the search.

use std::collections::{BTreeMap, BTreeSet};

use super::found::{Fault, Found, Gathered, Origin, Value};

/// Hands out what was found, and takes note of what is wrong with it.
#[derive(Debug)]
pub(super) struct Check {
    found: BTreeMap<String, Found>,
    faults: Vec<Fault>,
    notes: Vec<String>,
    inherited: BTreeMap<String, String>,
    asked: BTreeSet<String>,
}

impl Check {
    pub(super) fn of(gathered: &Gathered) -> Self {
        Self {
            found: gathered.found.clone(),
            faults: gathered.faults.clone(),
            notes: Vec::new(),
            inherited: gathered.inherited.clone(),
            asked: BTreeSet::new(),
        }
    }

    /// The faults, and what an operator should know although nothing is wrong.
    pub(super) fn finish(self) -> (Vec<Fault>, Vec<String>) {
        (self.faults, self.notes)
    }

    /// Settings that nobody has asked for; none, once all sections are read.
    #[cfg(test)]
    pub(super) fn left_over(&self) -> Vec<&str> {
        let names = self.found.keys().map(String::as_str);
        names.filter(|name| !self.asked.contains(*name)).collect()
    }

    pub(super) fn note(&mut self, note: String) {
        self.notes.push(note);
    }

    /// Takes note of a fault of a setting, wherever it came from.
    pub(super) fn fault(&mut self, name: &str, problem: impl Into<String>) {
        let origin = self.origin(name).filter(|origin| origin.is_explicit()).cloned();
        self.faults.push(Fault { setting: name.to_owned(), origin, problem: problem.into() });
    }

    pub(super) fn origin(&self, name: &str) -> Option<&Origin> {
        self.found.get(name).map(|found| &found.origin)
    }

    /// Whether a setting says anything, wherever it came from.
    pub(super) fn is_set(&self, name: &str) -> bool {
        let says_nothing =
            |value: &Value| matches!(value, Value::Text(text) if text.trim().is_empty());
        self.found.get(name).is_some_and(|found| !says_nothing(&found.value))
    }

    /// The layer of a setting that a person has set.
    pub(super) fn explicit_layer(&mut self, name: &str) -> Option<u8> {
        self.asked.insert(name.to_owned());
        self.origin(name).filter(|origin| origin.is_explicit()).map(Origin::layer)
    }

    /// What was found, if anything was.
    pub(super) fn value(&mut self, name: &str) -> Option<&Value> {
        self.asked.insert(name.to_owned());
        self.found.get(name).map(|found| &found.value)
    }

    /// A text that says something; `None` if it is not set, or blank.
    pub(super) fn text(&mut self, name: &str) -> Option<String> {
        self.text_as_it_stands(name).filter(|text| !text.trim().is_empty())
    }

    /// A text, also a blank one; `None` if it is not set.
    pub(super) fn text_as_it_stands(&mut self, name: &str) -> Option<String> {
        match self.value(name)? {
            Value::Text(text) => return Some(text.clone()),
            Value::Whole(_)
            | Value::Fraction(_)
            | Value::Flag(_)
            | Value::List(_)
            | Value::Empty
            | Value::Other(_) => {}
        }
        self.fault(name, self.wrong_kind(name, "a text"));
        None
    }

    /// What is wrong with a value of another kind than the setting has.
    pub(super) fn wrong_kind(&self, name: &str, expected: &str) -> String {
        let kind = self.found.get(name).map_or("not set", |found| found.value.kind());
        format!("must be {expected}, is {kind}")
    }

    /// Texts; in the environment words between spaces, or a JSON list. `None` if it is not set.
    pub(super) fn texts(&mut self, name: &str) -> Option<Vec<String>> {
        match self.value(name)? {
            Value::List(texts) => return Some(texts.clone()),
            Value::Text(text) if text.trim_start().starts_with('[') => {
                if let Ok(texts) = serde_json::from_str(text) {
                    return Some(texts);
                }
            }
            Value::Text(text) => {
                let words: Vec<_> = text.split_whitespace().map(str::to_owned).collect();
                return (!words.is_empty()).then_some(words);
            }
            Value::Whole(_)
            | Value::Fraction(_)
            | Value::Flag(_)
            | Value::Empty
            | Value::Other(_) => {}
        }
        self.fault(name, "must be a list of texts");
        None
    }

    /// What follows `prefix` and a dot in the names of the settings that are there.
    pub(super) fn below(&self, prefix: &str) -> Vec<String> {
        let rests =
            self.found.keys().filter_map(|name| name.strip_prefix(prefix)?.strip_prefix('.'));
        rests.map(str::to_owned).collect()
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.found.contains_key(name)
    }

    pub(super) fn is_empty_table(&self, name: &str) -> bool {
        self.found.get(name).is_some_and(|found| found.value == Value::Empty)
    }

    /// What a child process gets of this one's environment.
    pub(super) fn inherited(&self) -> &BTreeMap<String, String> {
        &self.inherited
    }
}

//! From gathered values to checked ones: every fault is collected, none stops the search.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::ops::RangeInclusive;
use std::str::FromStr;
use std::time::Duration;

use secrecy::SecretString;
use url::Url;

use super::source::{Fault, Found, Gathered, Origin, Value};
use super::{names, secret};

/// Hands out settings with their types, and takes note of what is wrong with them.
///
/// After a fault a method returns something harmless; the settings made of it are thrown away.
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
        let keys = self.found.keys().map(String::as_str);
        keys.filter(|key| !self.asked.contains(*key)).collect()
    }

    pub(super) fn note(&mut self, note: String) {
        self.notes.push(note);
    }

    /// Takes note of a fault of a setting, wherever it came from.
    pub(super) fn fault(&mut self, key: &str, problem: impl Into<String>) {
        let origin = self.origin(key).filter(|origin| origin.is_explicit()).cloned();
        self.faults.push(Fault { setting: key.to_owned(), origin, problem: problem.into() });
    }

    pub(super) fn origin(&self, key: &str) -> Option<&Origin> {
        self.found.get(key).map(|found| &found.origin)
    }

    /// Whether a setting says anything, wherever it came from.
    pub(super) fn is_set(&self, key: &str) -> bool {
        let says_nothing =
            |value: &Value| matches!(value, Value::Text(text) if text.trim().is_empty());
        self.found.get(key).is_some_and(|found| !says_nothing(&found.value))
    }

    /// The layer of a setting that a person has set.
    pub(super) fn explicit_layer(&mut self, key: &str) -> Option<u8> {
        self.asked.insert(key.to_owned());
        self.origin(key).filter(|origin| origin.is_explicit()).map(Origin::layer)
    }

    /// A text; `None` if it is not set.
    pub(super) fn text(&mut self, key: &str) -> Option<String> {
        self.asked.insert(key.to_owned());
        match &self.found.get(key)?.value {
            Value::Text(text) if text.trim().is_empty() => None,
            Value::Text(text) => Some(text.clone()),
            Value::Whole(_)
            | Value::Fraction(_)
            | Value::Flag(_)
            | Value::List(_)
            | Value::Empty
            | Value::Other(_) => self.wrong_kind(key, "a text"),
        }
    }

    fn wrong_kind<T>(&mut self, key: &str, expected: &str) -> Option<T> {
        let kind = self.found.get(key).map_or("not set", |found| found.value.kind());
        self.fault(key, format!("must be {expected}, is {kind}"));
        None
    }

    /// A text that nobody may see; `None` if it is not set.
    pub(super) fn secret(&mut self, key: &str) -> Option<SecretString> {
        self.text(key).map(SecretString::from)
    }

    /// A whole number; in the environment it is written in decimal digits.
    pub(super) fn whole(&mut self, key: &str, range: RangeInclusive<u64>) -> u64 {
        self.asked.insert(key.to_owned());
        let number = match self.found.get(key).map(|found| &found.value) {
            Some(Value::Whole(number)) => Ok(i128::from(*number)),
            Some(Value::Text(text)) => text.trim().parse::<i128>().map_err(|_| quoted(text)),
            Some(
                other @ (Value::Fraction(_)
                | Value::Flag(_)
                | Value::List(_)
                | Value::Empty
                | Value::Other(_)),
            ) => Err(other.kind().to_owned()),
            None => Err("not set".to_owned()),
        };
        let (least, most) = (*range.start(), *range.end());
        let problem = match number {
            Ok(number) => match u64::try_from(number) {
                Ok(number) if range.contains(&number) => return number,
                _ => format!("must be {least} to {most}, is {number}"),
            },
            Err(is) => format!("must be a whole number from {least} to {most}, is {is}"),
        };
        self.fault(key, problem);
        least
    }

    /// A limit up to `most`; 0 in the settings means that there is none.
    pub(super) fn limit(&mut self, key: &'static str, most: u64) -> Option<u64> {
        Some(self.whole(key, 0..=most)).filter(|limit| *limit > 0)
    }

    /// A number that may have a fraction; `None` if it is not set.
    pub(super) fn fraction(&mut self, key: &str, range: RangeInclusive<f64>) -> Option<f64> {
        self.asked.insert(key.to_owned());
        let value = &self.found.get(key)?.value;
        let number = match value {
            Value::Text(text) if text.trim().is_empty() => return None,
            Value::Text(text) => text.trim().parse::<f64>().map_err(|_| quoted(text)),
            Value::Fraction(text) => text.parse().map_err(|_| quoted(text)),
            Value::Whole(number) => number.to_string().parse().map_err(|_| number.to_string()),
            other @ (Value::Flag(_) | Value::List(_) | Value::Empty | Value::Other(_)) => {
                Err(other.kind().to_owned())
            }
        };
        let is = match number {
            Ok(number) if range.contains(&number) => return Some(number),
            Ok(number) => number.to_string(),
            Err(is) => is,
        };
        let (least, most) = (range.start(), range.end());
        self.fault(key, format!("must be a number from {least} to {most}, is {is}"));
        None
    }

    /// True or false; in the environment as a text. `None` if it is not set.
    pub(super) fn flag(&mut self, key: &str) -> Option<bool> {
        self.asked.insert(key.to_owned());
        match &self.found.get(key)?.value {
            Value::Flag(flag) => return Some(*flag),
            Value::Text(text) if text.trim().is_empty() => return None,
            Value::Text(text) if text.trim() == "true" => return Some(true),
            Value::Text(text) if text.trim() == "false" => return Some(false),
            Value::Text(_)
            | Value::Whole(_)
            | Value::Fraction(_)
            | Value::List(_)
            | Value::Empty
            | Value::Other(_) => {}
        }
        self.fault(key, "must be true or false");
        None
    }

    /// Texts; in the environment words between spaces, or a JSON list. `None` if it is not set.
    pub(super) fn texts(&mut self, key: &str) -> Option<Vec<String>> {
        self.asked.insert(key.to_owned());
        match &self.found.get(key)?.value {
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
        self.fault(key, "must be a list of texts");
        None
    }

    /// The entries of a list. In the environment they stand between blanks or commas.
    pub(super) fn entries(&mut self, key: &str) -> Vec<String> {
        let texts = self.texts(key).unwrap_or_default();
        let entries = texts.iter().flat_map(|text| text.split(',')).map(str::trim);
        entries.filter(|entry| !entry.is_empty()).map(str::to_owned).collect()
    }

    /// The entries of a list, each as what it means. A fault quotes the entry.
    pub(super) fn each<T, E>(&mut self, key: &str) -> Vec<T>
    where
        T: FromStr<Err = E>,
        E: std::fmt::Display,
    {
        let mut read = Vec::new();
        for entry in self.entries(key) {
            match entry.parse() {
                Ok(value) => read.push(value),
                Err(error) => self.fault(key, format!("{error}, is {}", quoted(&entry))),
            }
        }
        read
    }

    /// What follows `prefix` and a dot in the names of the settings that are there.
    pub(super) fn below(&self, prefix: &str) -> Vec<String> {
        let rests = self.found.keys().filter_map(|key| key.strip_prefix(prefix)?.strip_prefix('.'));
        rests.map(str::to_owned).collect()
    }

    pub(super) fn has(&self, key: &str) -> bool {
        self.found.contains_key(key)
    }

    pub(super) fn is_empty_table(&self, key: &str) -> bool {
        self.found.get(key).is_some_and(|found| found.value == Value::Empty)
    }

    /// What a child process gets of this one's environment.
    pub(super) fn inherited(&self) -> &BTreeMap<String, String> {
        &self.inherited
    }

    pub(super) fn seconds(&mut self, key: &str, range: RangeInclusive<u64>) -> Duration {
        Duration::from_secs(self.whole(key, range))
    }

    pub(super) fn milliseconds(&mut self, key: &str, range: RangeInclusive<u64>) -> Duration {
        Duration::from_millis(self.whole(key, range))
    }

    pub(super) fn count(&mut self, key: &str, range: RangeInclusive<u32>) -> usize {
        let range = u64::from(*range.start())..=u64::from(*range.end());
        usize::try_from(self.whole(key, range)).unwrap_or(usize::MAX)
    }

    /// A URL with one of these schemes and a host; `None` if it is not set. Never quoted in a
    /// fault, because of the password that may be in it.
    pub(super) fn url(&mut self, key: &str, schemes: &[&str]) -> Option<Url> {
        let text = self.text(key)?;
        let url = Url::parse(text.trim()).ok();
        let url = url.filter(|url| url.has_host() && schemes.contains(&url.scheme()));
        if url.is_none() {
            let schemes: Vec<_> = schemes.iter().map(|scheme| format!("{scheme}://")).collect();
            self.fault(key, format!("must be a URL that starts with {}", schemes.join(" or ")));
        }
        url
    }

    /// The address of a service that is spoken to over HTTP; `None` if it is not set.
    pub(super) fn http_url(&mut self, key: &str) -> Option<Url> {
        let url = self.url(key, &["http", "https"])?;
        if url.username().is_empty() && url.password().is_none() {
            return Some(url);
        }
        self.fault(key, "must not carry a user or a password: they have settings of their own");
        None
    }

    /// The same where a key is sent along, beside the address or in it: nobody on the way is to see that,
    /// so plain `http://` leads to this machine only, or to a host that `network.plain_http_hosts` names.
    pub(super) fn http_url_for_key(&mut self, key: &str, has_key: bool) -> Option<Url> {
        let named = self.texts("network.plain_http_hosts").unwrap_or_default();
        let url = self.http_url(key)?;
        let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']).to_owned();
        let is_here = host == "localhost"
            || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
        let has_key = has_key || secret::has_key(&url);
        if !has_key || url.scheme() == "https" || is_here || named.contains(&host) {
            return Some(url);
        }
        let name = names::variable_of("network.plain_http_hosts");
        self.fault(
            key,
            format!(
                "would send a key over plain http://: use https://, or name the host {host} in {name}"
            ),
        );
        None
    }

    /// A text that `parse` understands; `None` if it is not set. The fault quotes the text, unless
    /// it is secret, and says what `parse` said.
    pub(super) fn parsed<T, E: std::fmt::Display>(
        &mut self,
        key: &str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        let text = self.text(key)?;
        match parse(text.trim()) {
            Ok(value) => Some(value),
            Err(error) if secret::may_be_quoted(key) => {
                self.fault(key, format!("{error}, is {}", quoted(&text)));
                None
            }
            Err(error) => {
                self.fault(key, error.to_string());
                None
            }
        }
    }

    /// The seconds that a table gives, by the tool's name.
    pub(super) fn seconds_by_tool(
        &mut self,
        table: &str,
        range: &RangeInclusive<u64>,
    ) -> BTreeMap<String, Duration> {
        let tools = self.below(table).into_iter();
        tools
            .map(|tool| {
                let time = self.seconds(&format!("{table}.{tool}"), range.clone());
                (tool, time)
            })
            .collect()
    }

    /// What a table says, by the tool's name.
    pub(super) fn by_tool<T, E: std::fmt::Display>(
        &mut self,
        table: &str,
        parse: impl Fn(&str) -> Result<T, E>,
    ) -> BTreeMap<String, T> {
        let prefix = format!("{table}.");
        let mut rules = BTreeMap::new();
        let mut problems = Vec::new();
        for (key, found) in &self.found {
            let Some(tool) = key.strip_prefix(&prefix) else {
                continue;
            };
            let Value::Text(text) = &found.value else {
                problems.push((key.clone(), "must be a text".to_owned()));
                continue;
            };
            match parse(text.trim()) {
                Ok(rule) => drop(rules.insert(tool.to_owned(), rule)),
                Err(error) => problems.push((key.clone(), format!("{error}, is {}", quoted(text)))),
            }
        }
        for (key, problem) in problems {
            self.fault(&key, problem);
        }
        rules
    }
}

/// A text as one line between quotes.
fn quoted(text: &str) -> String {
    format!("{text:?}")
}

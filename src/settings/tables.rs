//! Settings that are tables, whose keys are names of an operator's choice: of tools, roles, headers, servers.

use std::collections::{BTreeMap, BTreeSet};

use secrecy::SecretString;

use super::check::Check;
use super::key::{Contents, Declared, Key, Kind, Spelling};
use super::secret::Visibility;

/// Values of one kind, by names that no list can hold.
#[derive(Clone, Copy)]
pub(super) struct Table<K> {
    /// What they are, for a message.
    of: &'static str,
    spelling: Spelling,
    entry: K,
}

pub(super) const fn table<K: Copy>(of: &'static str, entry: K) -> Table<K> {
    Table { of, spelling: Spelling::LowerCase, entry }
}

/// Headers of requests, which mostly are keys.
pub(super) const fn headers(spelling: Spelling) -> Table<Line> {
    Table { of: "texts", spelling, entry: Line }
}

impl<K: Kind + Copy> Kind for Table<K> {
    type Value = BTreeMap<String, K::Value>;
    const VISIBILITY: Visibility = K::VISIBILITY;

    fn read(&self, check: &mut Check, name: &str) -> BTreeMap<String, K::Value> {
        let table = Key { name, variables: &[], dev: None, kind: *self };
        let entries = table.entries(check).into_iter();
        entries.map(|(entry, key)| (entry, key.read(check))).collect()
    }

    fn values(&self) -> String {
        self.entry.values()
    }

    fn contents(&self) -> Contents {
        Contents::Entries(self.spelling)
    }
}

impl<K: Copy, N: AsRef<str>> Key<Table<K>, N> {
    /// The entries, each by its name and as a setting of its own.
    pub(super) fn entries(&self, check: &mut Check) -> Vec<(String, Key<K, String>)> {
        let (table, Table { of, entry: kind, .. }) = (self.name(), &self.kind);
        if check.has(table) && !check.is_empty_table(table) {
            check.fault(table, format!("must be a table of {of}"));
        }
        let entries = check.below(table).into_iter().map(|entry| {
            let name = format!("{table}.{entry}");
            (entry, Key { name, variables: &[], dev: None, kind: *kind })
        });
        entries.collect()
    }
}

/// A text of one line that nobody may see; `None` if it is not set.
#[derive(Clone, Copy)]
pub(super) struct Line;

impl Kind for Line {
    type Value = Option<SecretString>;
    const VISIBILITY: Visibility = Visibility::Secret;

    fn read(&self, check: &mut Check, name: &str) -> Option<SecretString> {
        let text = check.text(name)?;
        if text.contains(|c: char| c.is_control()) {
            check.fault(name, "must be one line");
        }
        Some(SecretString::from(text))
    }

    fn values(&self) -> String {
        "a secret".to_owned()
    }
}

/// Tables by names of an operator's choice, each of which has the same settings.
#[derive(Clone, Copy)]
pub(super) struct Tables(pub(super) &'static [&'static dyn Declared]);

impl Kind for Tables {
    /// Their names.
    type Value = BTreeSet<String>;

    fn read(&self, check: &mut Check, name: &str) -> BTreeSet<String> {
        let below = check.below(name);
        below.iter().map(|key| key.split('.').next().unwrap_or(key).to_owned()).collect()
    }

    fn values(&self) -> String {
        "a table".to_owned()
    }

    fn contents(&self) -> Contents {
        Contents::Tables(self.0)
    }
}

/// The entries of a table that say something.
pub(super) fn said<T>(table: BTreeMap<String, Option<T>>) -> BTreeMap<String, T> {
    table.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
}

/// The headers in a table, by their names. Reserved names are lower case.
pub(super) fn read_headers<N: AsRef<str>>(
    check: &mut Check,
    table: &Key<Table<Line>, N>,
    reserved: &[&str],
) -> BTreeMap<String, SecretString> {
    let headers = said(table.read(check));
    let mut seen: BTreeMap<String, &String> = BTreeMap::new();
    for name in headers.keys() {
        let (key, lower_case) = (format!("{}.{name}", table.name()), name.to_ascii_lowercase());
        if name.is_empty() || !name.bytes().all(is_token) {
            check.fault(&key, "is no name of a header");
        } else if reserved.contains(&lower_case.as_str()) {
            check.fault(&key, "is set by the protocol itself");
        }
        if let Some(same) = seen.insert(lower_case, name) {
            check.fault(&key, format!("is the same header as {same}: set one of them"));
        }
    }
    headers
}

/// Whether a byte may stand in the name of a header (RFC 9110, section 5.1).
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

//! Tables of secret texts, and those that are the headers of requests.

use std::collections::BTreeMap;

use secrecy::SecretString;

use super::check::Check;

/// The headers in a table, by their names. Reserved names are lower case.
pub(super) fn read(
    check: &mut Check,
    table: &str,
    reserved: &[&str],
) -> BTreeMap<String, SecretString> {
    let headers = texts(check, table);
    let mut seen: BTreeMap<String, &String> = BTreeMap::new();
    for name in headers.keys() {
        let (key, lower_case) = (format!("{table}.{name}"), name.to_ascii_lowercase());
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

/// A table of texts that nobody may see.
pub(super) fn texts(check: &mut Check, table: &str) -> BTreeMap<String, SecretString> {
    let mut entries = BTreeMap::new();
    if check.has(table) && !check.is_empty_table(table) {
        check.fault(table, "must be a table of texts");
    }
    for name in check.below(table) {
        let key = format!("{table}.{name}");
        let Some(text) = check.text(&key) else {
            continue;
        };
        if text.contains(|c: char| c.is_control()) {
            check.fault(&key, "must be one line");
        }
        entries.insert(name, SecretString::from(text));
    }
    entries
}

/// Whether a byte may stand in the name of a header (RFC 9110, section 5.1).
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

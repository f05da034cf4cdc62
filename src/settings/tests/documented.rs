//! `docs/SETTINGS.md` has a row for every setting, and each row is true.

use std::collections::{BTreeMap, BTreeSet};

use super::super::names::{self, mcp};
use super::super::source::{Found, Origin, Value};
use super::super::{secret, shown};
use super::*;

const PAGE: &str = include_str!("../../../docs/SETTINGS.md");

fn found(purpose: Purpose) -> BTreeMap<String, Found> {
    Layers::read(&Environment::of([]), purpose).gathered.found
}

/// The rows of the table with this heading.
fn rows(heading: &str) -> BTreeSet<&'static str> {
    let (_, table) = PAGE.split_once(heading).unwrap();
    table.lines().skip(2).take_while(|line| line.starts_with('|')).collect()
}

/// What a setting is called in the environment.
fn environment(key: &str) -> String {
    let short = names::SHORT.iter().filter(|(_, setting)| *setting == key);
    let short: Vec<_> = short.map(|(name, _)| format!("`{name}`")).collect();
    let names =
        if short.is_empty() { format!("`{}`", names::variable_of(key)) } else { short.join(", ") };
    let file = if secret::has_file(key) { " or `_FILE`" } else { "" };
    names + file
}

fn value(found: &Found) -> String {
    match &found.value {
        Value::Text(text) if text.is_empty() => "not set".to_owned(),
        Value::Text(text) => format!("`{text}`"),
        other => format!("`{}`", shown("", other)),
    }
}

#[test]
fn every_setting_is_documented_with_its_names_and_its_default() {
    let dev = found(Purpose::Dev);
    let settings = found(Purpose::Production).into_iter().map(|(key, found)| {
        let with_dev = dev.get(&key).filter(|found| found.origin == Origin::Dev);
        let with_dev = with_dev.map(|found| format!("; {} with `--dev`", value(found)));
        let default = value(&found) + &with_dev.unwrap_or_default();
        format!("| `{key}` | {} | {default} |", environment(&key))
    });
    let tables = names::TABLES.iter().chain([&mcp::SERVERS]).map(|table| {
        let variable = names::variable_of(table);
        format!("| `{table}` | `{variable}__<NAME>` | none |")
    });
    let expected: BTreeSet<_> = settings.chain(tables).collect();
    let expected: BTreeSet<_> = expected.iter().map(String::as_str).collect();
    let documented = rows("| key | environment | default |");
    let missing: Vec<_> = expected.difference(&documented).collect();
    let untrue: Vec<_> = documented.difference(&expected).collect();
    assert!(missing.is_empty() && untrue.is_empty(), "missing: {missing:#?}\nuntrue: {untrue:#?}");
}

#[test]
fn every_variable_that_the_page_names_means_a_setting() {
    let known = found(Purpose::Production);
    let is_table = |key: &str| names::in_table(key).is_some() || mcp::is_setting(key);
    let code = PAGE.split('`').skip(1).step_by(2).map(|code| code.split('=').next().unwrap());
    let is_name = |name: &str| name.chars().all(|c| c.is_ascii_uppercase() || "_<>".contains(c));
    let named = code.filter(|code| is_name(code) && code.contains('_') && !code.starts_with('_'));
    let mut seen = 0;
    for variable in named {
        let setting = names::setting_of(&variable.replace("<NAME>", "NAME"));
        let setting = setting.or_else(|| secret::in_file(variable));
        let is_known = setting.as_ref().is_some_and(|key| known.contains_key(key) || is_table(key));
        assert!(is_known || variable == names::CONFIG_FILE, "{variable}: {setting:?}");
        seen += 1;
    }
    assert!(seen > 80, "only {seen} variables were found");
}

//! What documents say of settings is what is declared: the table of `docs/SETTINGS.md` is made of it, and
//! `config/default.toml` and `.env.example` are held against it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::super::catalog;
use super::super::found::{Found, Origin, Value};
use super::super::key::{Contents, Declared, variable};
use super::super::layers::shown;
use super::super::secret::Visibility;
use super::super::source::CONFIG_FILE;
use super::*;

const PAGE: &str = include_str!("../../../docs/SETTINGS.md");
const DEFAULTS: &str = include_str!("../../../config/default.toml");
const EXAMPLE: &str = include_str!("../../../.env.example");

/// Above the rows of the table.
const HEADING: &str = "| key | environment | values | default |\n|---|---|---|---|\n";
/// What the compose stack reads besides settings.
const OF_THE_STACK: [&str; 6] = [
    "COMPOSE_PROFILES",
    "REDIS_NEIGHBOUR_PASSWORD",
    "REDIS_PUBLISHED_PORT",
    "API_PUBLISHED_PORT",
    "GATEWAY_HOST",
    "GATEWAY_PORT",
];
/// Short names of what the stack has fixed, and the second name of a setting.
const NOT_OF_THE_STACK: [&str; 4] = ["API_HOST", "API_PORT", "SECRET_KEY", "WORKSPACE_ROOT"];

fn found(purpose: Purpose) -> BTreeMap<String, Found> {
    Layers::read(&Environment::of([]), purpose).gathered.found
}

/// What a setting is called in the environment.
fn environment(setting: &dyn Declared) -> String {
    let long = variable(setting.name(), &[]);
    match (setting.contents(), setting.variables()) {
        (Contents::Entries(_) | Contents::Tables(_), _) => format!("`{long}__<NAME>`"),
        (Contents::Value, short) => {
            let names = if short.is_empty() { &[long.as_str()] } else { short };
            let names: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
            let file = if catalog::has_file(setting) { " or `_FILE`" } else { "" };
            names.join(", ") + file
        }
    }
}

/// A value as the table shows it.
fn value(found: &Found) -> String {
    match &found.value {
        Value::Text(text) if text.is_empty() => "not set".to_owned(),
        Value::Text(text) => format!("`{text}`"),
        other => format!("`{}`", shown(Visibility::Plain, other)),
    }
}

/// The rows of the table, one for each setting.
fn table() -> String {
    let (usual, dev) = (found(Purpose::Production), found(Purpose::Dev));
    let default = |name: &str| {
        let Some(found) = usual.get(name) else { return "none".to_owned() };
        let with_dev = dev.get(name).filter(|found| found.origin == Origin::Dev);
        let with_dev = with_dev.map(|found| format!("; {} with `--dev`", value(found)));
        value(found) + &with_dev.unwrap_or_default()
    };
    let rows = catalog::all().map(|setting| {
        let (name, values) = (setting.name(), setting.values());
        let (environment, default) = (environment(setting), default(name));
        (name, format!("| `{name}` | {environment} | {values} | {default} |\n"))
    });
    rows.collect::<BTreeMap<_, _>>().into_values().collect()
}

#[test]
fn the_table_of_settings_is_made_of_what_is_declared() {
    let (before, _) = PAGE.split_once(HEADING).unwrap();
    let expected = format!("{before}{HEADING}{}", table());
    if std::env::var_os("BLESS").is_some() {
        let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/SETTINGS.md");
        std::fs::write(page, expected).unwrap();
        return;
    }
    let (is, should_be): (BTreeSet<_>, BTreeSet<_>) =
        (PAGE.lines().collect(), expected.lines().collect());
    let missing: Vec<_> = should_be.difference(&is).collect();
    let untrue: Vec<_> = is.difference(&should_be).collect();
    let how = "`BLESS=1 cargo test --lib settings::` writes the table of docs/SETTINGS.md anew";
    assert!(PAGE == expected, "missing: {missing:#?}\nuntrue: {untrue:#?}\n{how}");
}

#[test]
fn every_setting_is_declared_once_and_has_a_default() {
    let names: Vec<_> = catalog::all().map(|setting| setting.name()).collect();
    assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len(), "declared twice");
    let values = catalog::all().filter(|one| matches!(one.contents(), Contents::Value));
    let declared: BTreeSet<_> = values.map(|setting| setting.name().to_owned()).collect();
    let gathered = Layers::read(&Environment::of([]), Purpose::Production).gathered;
    assert_eq!(gathered.faults, [], "in config/default.toml, but not declared");
    let defaults: BTreeSet<_> = gathered.found.into_keys().collect();
    assert_eq!(declared, defaults, "declared, and in config/default.toml");
}

/// The last range, `1 to 60`, that a comment names.
fn range(comment: &str) -> Option<String> {
    let words: Vec<_> = comment.split_whitespace().collect();
    let number = |word: &str| {
        let bare = word.trim_matches(|c: char| !c.is_ascii_digit());
        bare.parse::<f64>().is_ok().then(|| bare.to_owned())
    };
    words
        .windows(3)
        .filter(|words| words[1] == "to")
        .rev()
        .find_map(|words| Some(format!("{} to {}", number(words[0])?, number(words[2])?)))
}

#[test]
fn the_ranges_in_the_comments_of_the_defaults_are_those_that_are_checked() {
    let declared: BTreeMap<_, _> = catalog::all().map(|one| (one.name(), one.values())).collect();
    let (mut section, mut comment, mut stated) = ("", String::new(), None);
    let mut seen = 0;
    for line in DEFAULTS.lines() {
        if let Some(text) = line.strip_prefix('#') {
            comment.push_str(text);
            continue;
        }
        stated = range(&comment).or(stated);
        comment.clear();
        if let Some(name) = line.strip_prefix('[') {
            (section, stated) = (name.trim_end_matches(']'), None);
        } else if let Some((name, _)) = line.split_once(" = ") {
            let name = format!("{section}.{name}");
            let checked = range(&declared[name.as_str()]);
            if checked.is_some() {
                assert_eq!(stated, checked, "{name}: stated above it or above its neighbours");
                seen += 1;
            }
        }
    }
    assert!(seen > 30, "only {seen} ranges were found");
}

#[test]
fn the_example_of_the_stack_names_settings_and_all_short_names() {
    let lines = EXAMPLE.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    let named: BTreeSet<_> = lines.map(|line| line.split_once('=').unwrap().0).collect();
    let ours: BTreeSet<_> = named.difference(&OF_THE_STACK.into()).copied().collect();
    for variable in &ours {
        let setting = catalog::setting_of(variable);
        assert!(setting.as_deref().is_some_and(catalog::is_known), "{variable}: {setting:?}");
    }
    let short: BTreeSet<_> = catalog::all().flat_map(|setting| setting.variables()).collect();
    let missing = short.into_iter().filter(|name| !ours.contains(*name));
    assert_eq!(missing.copied().collect::<Vec<_>>(), NOT_OF_THE_STACK, "not in .env.example");
}

#[test]
fn every_variable_that_the_page_names_means_a_setting() {
    let code = PAGE.split('`').skip(1).step_by(2).map(|code| code.split('=').next().unwrap());
    let is_name = |name: &str| name.chars().all(|c| c.is_ascii_uppercase() || "_<>".contains(c));
    let named = code.filter(|code| is_name(code) && code.contains('_') && !code.starts_with('_'));
    let mut seen = 0;
    for variable in named {
        let setting = catalog::setting_of(&variable.replace("<NAME>", "NAME"));
        let setting = setting.filter(|name| catalog::is_known(name));
        let is_known = setting.or_else(|| catalog::in_file(variable)).is_some();
        assert!(is_known || variable == CONFIG_FILE, "{variable}");
        seen += 1;
    }
    assert!(seen > 80, "only {seen} variables were found");
}

use std::collections::BTreeSet;

use super::*;

/// What the browser runs and was written by hand.
fn by_hand() -> impl Iterator<Item = &'static (&'static str, &'static str)> {
    FILES.iter().filter(|(name, _)| *name != "aura-client.js")
}

#[test]
fn every_file_of_the_console_is_served() {
    let directory = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/http/console");
    let names = directory.read_dir().unwrap().map(|entry| entry.unwrap().file_name());
    let there = names.map(|name| name.into_string().unwrap()).filter(|name| name != "tests.rs");
    let there: BTreeSet<String> = there.collect();
    let served: BTreeSet<String> = FILES.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(there, served);
}

#[test]
fn no_file_of_the_console_makes_html_of_text_or_names_anything_that_is_elsewhere() {
    let forbidden = [
        "http:",
        "https:",
        "//cdn",
        "innerHTML",
        "outerHTML",
        "insertAdjacentHTML",
        "document.write",
        "eval(",
        "new Function",
        "setTimeout(\"",
        "srcdoc",
        "@import",
        "url(",
        "javascript:",
        "style=",
        "DOMParser",
        "createContextualFragment",
        "setHTMLUnsafe",
    ];
    for (name, text) in by_hand() {
        // A namespace is a name, and nobody loads it.
        let text = text.replace("http://www.w3.org/2000/svg", "");
        let found: Vec<_> = forbidden.iter().filter(|word| text.contains(**word)).collect();
        assert!(found.is_empty(), "{name} has {found:?}");
    }
}

/// Otherwise a browser learns of a module only from the one that imports it, one round trip after the other.
#[test]
fn the_page_asks_for_all_of_its_files_at_once() {
    let page = FILES.iter().find(|(name, _)| *name == PAGE).unwrap().1;
    for (name, _) in FILES.iter().filter(|(name, _)| *name != PAGE) {
        assert!(page.contains(&format!("\"console/{name}\"")), "{PAGE} does not ask for {name}");
    }
}

#[test]
fn the_policy_lets_nothing_in_from_elsewhere() {
    let policy = policy(&[]);
    let policy = policy.to_str().unwrap();
    assert!(policy.starts_with("default-src 'none'; script-src 'self'; "), "{policy}");
    assert!(policy.contains("frame-ancestors 'none'"), "{policy}");
    assert!(!policy.contains("unsafe"), "{policy}");
}

#[test]
fn only_pages_that_hand_over_tokens_may_frame_the_console() {
    let portal = ["https://portal.example".parse().unwrap()];
    let policy = policy(&portal);
    assert!(policy.to_str().unwrap().contains("frame-ancestors https://portal.example;"));
}

#[test]
fn a_console_that_is_switched_off_is_not_there() {
    let off = ConsoleConfig::new(false, &[], false);
    for name in [PAGE, CONFIG, "main.js"] {
        assert!(off.answer(name, &HeaderMap::new()).is_err(), "{name}");
    }
}

/// The words of a file that are keys: `  "ask.send": …` or `  ask: …`.
fn keys(text: &str) -> BTreeSet<&str> {
    let lines = text.lines().filter_map(|line| line.strip_prefix("  \""));
    lines.filter_map(|line| line.split_once("\":")).map(|(key, _)| key).collect()
}

#[test]
fn both_languages_have_the_same_words() {
    let text = |name: &str| FILES.iter().find(|(known, _)| *known == name).unwrap().1;
    let korean = FILES.iter().filter(|(name, _)| name.starts_with("words-ko"));
    for (name, words) in korean {
        let english = name.replace("words-ko", "words-en");
        assert_eq!(keys(words), keys(text(&english)), "{name}, {english}");
        assert!(!keys(words).is_empty(), "{name}");
    }
}

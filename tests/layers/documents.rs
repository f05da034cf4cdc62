//! What the documents name is there: paths, links, and items of the code. A change that makes a
//! document untrue changes it in the same commit.

use std::collections::{BTreeSet, HashSet};
use std::fs;
use std::path::Path;

use regex::Regex;

use super::texts::{self, Text, root};

/// Where a path in a document may begin, besides the repository's own directory.
const BEGINNINGS: [&str; 2] = ["src", "tests"];

/// How the names of files end.
const ENDINGS: [&str; 8] = [".rs", ".md", ".toml", ".yml", ".lua", ".sh", ".conf", ".txt"];

/// The parts of a decision record, in their order.
const OF_A_RECORD: [&str; 5] =
    ["**Status.**", "**Decision.**", "**Why.**", "**Alternatives.**", "**Price.**"];

/// A document, line by line, without its examples.
fn prose(document: &Text) -> impl Iterator<Item = (usize, &str)> {
    let mut is_example = false;
    document.text.lines().enumerate().filter_map(move |(index, line)| {
        let is_fence = line.trim_start().starts_with("```");
        is_example ^= is_fence;
        (!is_example && !is_fence).then_some((index + 1, line))
    })
}

fn documents(texts: &[Text]) -> impl Iterator<Item = &Text> {
    texts.iter().filter(|text| text.path.ends_with(".md"))
}

/// What stands between back-ticks in a document.
fn code(document: &Text) -> impl Iterator<Item = (usize, &str)> {
    prose(document).flat_map(|(number, line)| {
        line.split('`').skip(1).step_by(2).map(move |code| (number, code))
    })
}

/// `store/{memory,redis}` means two paths.
fn spelled_out(path: &str) -> Vec<String> {
    let Some((before, rest)) = path.split_once('{') else { return vec![path.to_owned()] };
    let Some((names, after)) = rest.split_once('}') else { return vec![path.to_owned()] };
    names.split(',').map(|name| format!("{before}{name}{after}")).collect()
}

/// Tells paths in this repository from other words.
struct Paths {
    form: Regex,
    folders: HashSet<String>,
}

impl Paths {
    fn new() -> Self {
        let places = [""].into_iter().chain(BEGINNINGS).map(|place| root().join(place));
        let entries = places.flat_map(|place| fs::read_dir(place).unwrap());
        let folders = entries.map(Result::unwrap).filter(|entry| entry.path().is_dir());
        let names = folders.filter_map(|folder| folder.file_name().into_string().ok());
        Self {
            form: Regex::new(r"^\w[\w.{},-]*(/[\w.{},-]*)*$").unwrap(),
            folders: names.collect(),
        }
    }

    fn is_one(&self, code: &str) -> bool {
        let is_in_folder =
            code.split_once('/').is_some_and(|(folder, _)| self.folders.contains(folder));
        let is_file = ENDINGS.iter().any(|ending| code.ends_with(ending));
        self.form.is_match(code) && (is_in_folder || is_file)
    }
}

/// Whether there is such a file, folder or module: `domain/text` may be a file of that name.
fn is_there(path: &str) -> bool {
    let places = || [""].into_iter().chain(BEGINNINGS).map(|place| root().join(place));
    let module = format!("{path}.rs");
    places().any(|place| place.join(path).exists() || place.join(&module).exists())
}

#[test]
fn every_path_that_a_document_names_is_there() {
    let (texts, paths) = (texts::all(), Paths::new());
    let (mut missing, mut seen) = (Vec::new(), 0);
    for document in documents(&texts) {
        for (line, named) in code(document).filter(|(_, code)| paths.is_one(code)) {
            seen += 1;
            for path in spelled_out(named).into_iter().filter(|path| !is_there(path)) {
                missing.push(format!("{}:{line}: there is no {path}", document.path));
            }
        }
    }
    assert!(seen > 50, "only {seen} paths were found");
    assert!(missing.is_empty(), "\n{}\n", missing.join("\n"));
}

#[test]
fn every_link_to_a_file_leads_somewhere() {
    let (texts, link) = (texts::all(), Regex::new(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)").unwrap());
    let (mut broken, mut seen) = (Vec::new(), 0);
    for document in documents(&texts) {
        let folder = root().join(&document.path);
        let folder = folder.parent().unwrap_or(Path::new(""));
        for (line, text) in prose(document) {
            for (_, [target]) in link.captures_iter(text).map(|found| found.extract()) {
                seen += 1;
                if !folder.join(target).exists() {
                    broken.push(format!("{}:{line}: there is no {target}", document.path));
                }
            }
        }
    }
    assert!(seen > 20, "only {seen} links were found");
    assert!(broken.is_empty(), "\n{}\n", broken.join("\n"));
}

#[test]
fn every_item_of_the_code_that_a_document_names_is_there() {
    let texts = texts::all();
    let item = Regex::new(r"^(?:\w+::)*(\w+)::(\w+)$").unwrap();
    let word = Regex::new(r"\w+").unwrap();
    let sources = texts.iter().filter(|text| !text.path.ends_with(".md"));
    let words: Vec<HashSet<_>> = sources
        .map(|source| word.find_iter(&source.text).map(|found| found.as_str()).collect())
        .collect();
    let (mut missing, mut seen) = (Vec::new(), 0);
    for document in documents(&texts) {
        for (line, code) in code(document) {
            let Some((_, [of, name])) = item.captures(code).map(|found| found.extract()) else {
                continue;
            };
            seen += 1;
            // A name and what it is of stand together somewhere: in its own file, or where it is used.
            if !words.iter().any(|words| words.contains(of) && words.contains(name)) {
                missing.push(format!("{}:{line}: there is no {code}", document.path));
            }
        }
    }
    assert!(seen > 20, "only {seen} items were found");
    assert!(missing.is_empty(), "\n{}\n", missing.join("\n"));
}

#[test]
fn every_decision_record_has_all_of_its_parts() {
    let texts = texts::all();
    let records = texts.iter().filter(|text| text.path.starts_with("docs/adr/"));
    let mut numbers = BTreeSet::new();
    for record in records {
        let (number, _) = record.path["docs/adr/".len()..].split_once('-').unwrap();
        assert!(numbers.insert(number.to_owned()), "{}: the number is taken", record.path);
        let places = OF_A_RECORD.map(|part| record.text.find(&format!("\n{part} ")));
        assert!(places.iter().all(Option::is_some), "{}: not all of {OF_A_RECORD:?}", record.path);
        assert!(places.is_sorted(), "{}: not in the order of {OF_A_RECORD:?}", record.path);
    }
    assert!(numbers.len() > 10, "only {} records were found", numbers.len());
}

#[test]
fn the_glossary_is_in_the_order_of_the_alphabet() {
    let texts = texts::all();
    let glossary = texts.iter().find(|text| text.path == "docs/GLOSSARY.md").unwrap();
    let rows = glossary.text.lines().filter_map(|line| line.strip_prefix("| "));
    let terms = rows.skip(1).filter_map(|row| row.split_once(" | "));
    let terms: Vec<_> = terms.map(|(term, _)| term.to_lowercase()).collect();
    let wrong = terms.windows(2).find(|pair| pair[0] >= pair[1]);
    assert!(terms.len() > 50 && wrong.is_none(), "{} terms; {wrong:?}", terms.len());
}

#[test]
fn paths_are_told_from_other_words() {
    let paths = Paths::new();
    for path in ["src/http.rs", "http/tail.rs", "docs/adr/", "README.md", "store/{memory,redis}"] {
        assert!(paths.is_one(path), "{path}");
    }
    for word in ["/aura/test/stream", "application/json", "./config/aura.toml", "git_merge", "a/b"]
    {
        assert!(!paths.is_one(word), "{word}");
    }
    assert_eq!(spelled_out("store/{memory,redis}.rs"), ["store/memory.rs", "store/redis.rs"]);
    assert!(is_there("http/tail.rs") && is_there("docs/adr/") && !is_there("http/tale.rs"));
}

//! Every section of the contract that is cited is there, and every cited section says whose it is.
//!
//! The forms are `contract, section N`, `contract, sections N, N.M and N`, and `contract, section N.M, P` for
//! point P of a section's numbered list; the word `section` may be left out. Only `docs/CONTRACT.md` cites
//! its own sections without saying so.

use std::collections::BTreeMap;
use std::ops::Range;

use regex::{Captures, Regex};

use super::texts;

const CONTRACT: &str = "docs/CONTRACT.md";

/// The only file that has wrong citations, to try this with.
const THIS: &str = "tests/layers/citations.rs";

/// Between two words of a comment: blanks, or the end of a line and what the next one begins with.
const GAP: &str = r"\s+(?://[/!]?\s*|#\s*)?";

/// The sections of the contract, each with the number of points of its list.
struct Sections<'a>(BTreeMap<&'a str, u32>);

impl<'a> Sections<'a> {
    fn of(contract: &'a str) -> Self {
        let mut sections = BTreeMap::new();
        let mut current = "";
        for line in contract.lines() {
            if let Some(heading) = line.strip_prefix("## ").or(line.strip_prefix("### ")) {
                let (number, _) = heading.split_once(' ').unwrap();
                current = number.trim_end_matches('.');
                sections.insert(current, 0);
            } else if let Some((number, _)) = line.split_once(". ")
                && let Ok(number) = number.parse()
            {
                sections.insert(current, number);
            }
        }
        Self(sections)
    }

    /// What of a citation is not there, if anything.
    fn missing(&self, citation: &[Cited<'_>]) -> Option<String> {
        let mut points = 0;
        for cited in citation {
            match cited {
                Cited::Section(section) => match self.0.get(section) {
                    Some(last) => points = *last,
                    None => return Some(format!("the contract has no section {section}")),
                },
                Cited::Point(point) if (1..=points).contains(point) => {}
                Cited::Point(point) => return Some(format!("the section has no point {point}")),
            }
        }
        None
    }
}

/// What one citation names: sections, and points of the list of the section before.
enum Cited<'a> {
    Section(&'a str),
    Point(u32),
}

/// Finds citations.
struct Finder {
    of_contract: Regex,
    of_anything: Regex,
    further: Regex,
    rfc: Regex,
}

impl Finder {
    fn new() -> Self {
        let regex = |pattern: &str| Regex::new(pattern).unwrap();
        let number = r"\d+(?:\.\d+)?";
        let next = format!(r"(?:,{GAP}|{GAP}and{GAP}|{GAP}\(){number}");
        let contract = format!(r"[Cc]ontract,?{GAP}\(?");
        Self {
            of_contract: regex(&format!(
                r"\b{contract}(?:([Ss]ections?){GAP})?({number})((?:{next})*)"
            )),
            of_anything: regex(&format!(r"\b([Ss]ections?){GAP}({number})((?:{next})*)")),
            further: regex(&format!(r"(,|and|\()[^\d]*({number})")),
            rfc: regex(&format!(r"\bRFC{GAP}\d+,{GAP}[Ss]ection")),
        }
    }

    /// What a match of one of the first two patterns names.
    fn cited<'a>(&self, found: &Captures<'a>) -> Vec<Cited<'a>> {
        let group = |number| found.get(number).map_or("", |group| group.as_str());
        let is_list = group(1).ends_with('s');
        let mut cited = vec![Cited::Section(group(2))];
        for further in self.further.captures_iter(group(3)) {
            let (_, [separator, number]) = further.extract();
            let is_section = is_list || separator == "and";
            cited.push(match number.parse() {
                Ok(point) if !is_section => Cited::Point(point),
                _ => Cited::Section(number),
            });
        }
        cited
    }

    /// What is wrong with the citations of a text, each with its place.
    fn objections(&self, path: &str, text: &str, sections: &Sections<'_>) -> Vec<(usize, String)> {
        let pattern = if path == CONTRACT { &self.of_anything } else { &self.of_contract };
        let found: Vec<_> = pattern.captures_iter(text).collect();
        let ranges: Vec<_> = found.iter().map(|found| found.get(0).unwrap().range()).collect();
        let wrong = found.iter().zip(&ranges).filter_map(|(found, range)| {
            let problem = sections.missing(&self.cited(found))?;
            Some((range.start, format!("{problem}: {}", &text[range.clone()])))
        });
        wrong.chain(self.of_nothing(text, &ranges)).collect()
    }

    /// Sections that are cited in none of these places, and are no RFC's.
    fn of_nothing(&self, text: &str, known: &[Range<usize>]) -> Vec<(usize, String)> {
        let rfcs: Vec<_> = self.rfc.find_iter(text).map(|found| found.range()).collect();
        let is_known = |place| known.iter().chain(&rfcs).any(|range| range.contains(&place));
        let unknown = self.of_anything.find_iter(text).filter(|found| !is_known(found.start()));
        let problem = |found: &str| format!("a section of what? say `contract, {found}`");
        unknown.map(|found| (found.start(), problem(found.as_str()))).collect()
    }
}

#[test]
fn every_section_of_the_contract_that_is_cited_is_there() {
    let texts = texts::all();
    let contract = texts.iter().find(|text| text.path == CONTRACT).unwrap();
    let (sections, finder) = (Sections::of(&contract.text), Finder::new());
    let (mut wrong, mut files) = (Vec::new(), 0);
    for text in texts.iter().filter(|text| text.path != THIS) {
        files += usize::from(finder.of_contract.is_match(&text.text));
        for (place, problem) in finder.objections(&text.path, &text.text, &sections) {
            wrong.push(format!("{}:{}: {problem}", text.path, text.line_of(place)));
        }
    }
    assert!(files > 50, "only {files} files were found that cite the contract");
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
}

#[test]
fn a_wrong_number_and_a_section_of_nothing_are_found() {
    let contract = "## 3. Body\n### 4.1 Framing\ntext\n### 5.3 Guarantees\n1. one\n2. two\n";
    let (sections, finder) = (Sections::of(contract), Finder::new());
    let problems = |path: &str, text: &str| {
        let found = finder.objections(path, text, &sections);
        found.into_iter().map(|(_, problem)| problem).collect::<Vec<_>>()
    };
    for right in [
        "//! (contract, section 3).",
        "/// Contract, sections 3 and 4.1: text",
        "/// (contract, sections 3, 4.1 and 5.3)",
        "/// contract section 5.3 (2), (contract, section 5.3, 1)",
        "/// the contract (section 4.1) allows",
        "/// of their own (contract,\n    /// section 3). RFC 9112, section 77.7",
        "/// RFC\n/// 9112, section 2.2",
        "| contract, 5.3 | the contract's 9 words",
    ] {
        assert_eq!(problems("src/a.rs", right), [""; 0], "{right}");
    }
    for (wrong, problem) in [
        ("(contract, section 7)", "no section 7"),
        ("(contract, 4.2)", "no section 4.2"),
        ("(contract, sections 3 and 4.9)", "no section 4.9"),
        ("(contract, sections 3,\n// 5 and 5.3)", "no section 5:"),
        ("(contract, section 5.3, 3)", "no point 3"),
        ("contract section 4.1 (1)", "no point 1"),
        ("as section 3 says", "of what?"),
    ] {
        let found = problems("src/a.rs", wrong);
        assert!(found.len() == 1 && found[0].contains(problem), "{wrong}: {found:?}");
    }
    assert_eq!(problems(CONTRACT, "as section 4.1 says (section 9)").len(), 1);
}

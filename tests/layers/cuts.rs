//! Long texts are cut in one place: how that is done by hand is forbidden everywhere else.
//!
//! A text that is cut by hand loses its end without a word, is cut within a character, or tells what is missing
//! in words of its own. `domain::text` has the ways to do it.

/// Where it is done.
const OWNER: &str = "domain::text";

/// How texts are cut by hand, as it reads without white space; and how people are told of it.
const BY_HAND: &[&str] = &[
    "floor_char_boundary",
    "ceil_char_boundary",
    "is_char_boundary",
    "char_indices().nth(",
    ".chars()…take(",
    ".truncate(",
    ".get(..",
    "…",
    "자생략",
];

/// What looks like a cut and is none, or has to be made otherwise: the module, how, and why.
const EXCEPTIONS: &[(&str, &str, &str)] = &[
    ("agent::run::context_window", ".truncate(", "a budget of tokens, not of bytes or characters"),
    ("agent::run::reasoning", "…", "punctuation that ends a sentence"),
    ("agent::run::step", ".truncate(", "a list of questions"),
    ("agent::service::inbox", ".truncate(", "a list of requests"),
    ("agent::service::sessions", ".truncate(", "a list of sessions"),
    ("domain::sentences::en", "…", "says how much is left out, for the module that cuts"),
    ("domain::sentences::ko", "…", "says how much is left out, for the module that cuts"),
    ("domain::sentences::ko", "자생략", "says how much is left out, for the module that cuts"),
    ("http::audit", ".truncate(", "a list of entries"),
    ("http::tail::write", ".truncate(", "takes back a frame that does not fit a write"),
    ("llm::openai::untrusted", "…", "stands for a mark of ours in a tool's result"),
    ("llm::planner::named_tool", "…", "stands for what a person is to say"),
    ("llm::planner::parts", "…", "how many more entries a list has"),
    ("tools::git::fields", ".truncate(", "bytes that need not be UTF-8, with the usual note"),
    ("tools::git::merge", ".get(..", "compares the beginning of a line"),
    (
        "tools::github::text",
        ".truncate(",
        "ends bytes of a diff with a whole line, and counts the rest",
    ),
    ("tools::mail::email", "…", "a pattern in an error's words"),
    ("tools::mcp::list", ".truncate(", "lists of tools and of those left out"),
];

/// A cut by hand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Cut {
    pub(crate) how: &'static str,
    pub(crate) line: usize,
}

/// What in a file, which is no test, cuts texts by hand and may not.
pub(crate) fn forbidden(source: &str, module: &str) -> Vec<Cut> {
    let is_excepted =
        |cut: &Cut| EXCEPTIONS.iter().any(|(known, how, _)| *known == module && *how == cut.how);
    cuts(source, module).into_iter().filter(|cut| !is_excepted(cut)).collect()
}

/// The exceptions that no file needs any more.
pub(crate) fn needless<'a>(
    files: impl Iterator<Item = (&'a str, &'a str)>,
) -> Vec<(&'static str, &'static str)> {
    let found: Vec<(&str, &str)> = files
        .flat_map(|(source, module)| {
            cuts(source, module).into_iter().map(move |cut| (module, cut.how))
        })
        .collect();
    let named = EXCEPTIONS.iter().map(|(module, how, _)| (*module, *how));
    named.filter(|exception| !found.contains(exception)).collect()
}

fn cuts(source: &str, module: &str) -> Vec<Cut> {
    if module == OWNER || module.starts_with("domain::text::") {
        return Vec::new();
    }
    let (code, lines) = dense(source);
    let find = |how: &'static str| {
        let places: Vec<usize> = match how.split_once('…').filter(|(before, _)| !before.is_empty())
        {
            Some((before, behind)) => followed(&code, before, behind),
            None => code.match_indices(how).map(|(at, _)| at).collect(),
        };
        places.into_iter().map(move |at| (how, at))
    };
    let found = BY_HAND.iter().flat_map(|how| find(how));
    found.map(|(how, at)| Cut { how, line: lines[at] }).collect()
}

/// Where the one is followed by the other before the statement ends.
fn followed(code: &str, before: &str, behind: &str) -> Vec<usize> {
    let is_followed = |at: usize| {
        let rest = &code[at + before.len()..];
        let statement = rest.split([';', '{', '}']).next().unwrap_or_default();
        statement.contains(behind)
    };
    code.match_indices(before).map(|(at, _)| at).filter(|at| is_followed(*at)).collect()
}

/// A source without white space, comments that stand alone and its tests, and the line of each byte.
fn dense(source: &str) -> (String, Vec<usize>) {
    let (mut code, mut lines) = (String::new(), Vec::new());
    let product = source.lines().zip(1..).take_while(|(line, _)| !line.starts_with("mod tests {"));
    for (line, number) in product.filter(|(line, _)| !line.trim_start().starts_with("//")) {
        let before = code.len();
        code.extend(line.chars().filter(|c| !c.is_whitespace()));
        lines.extend(std::iter::repeat_n(number, code.len() - before));
    }
    (code, lines)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(source: &str) -> Vec<(&'static str, usize)> {
        forbidden(source, "http::stream").into_iter().map(|cut| (cut.how, cut.line)).collect()
    }

    #[test]
    fn texts_that_are_cut_by_hand_are_found_however_it_is_laid_out() {
        for (source, how) in [
            ("let a = &text[..text.floor_char_boundary(9)];", "floor_char_boundary"),
            (
                "let a: String =\n    text.chars()\n    .filter(f).take(9)\n.collect();",
                ".chars()…take(",
            ),
            ("match text.char_indices()\n    .nth(9) {", "char_indices().nth("),
            ("text.truncate(9);", ".truncate("),
            ("text.get(..9)", ".get(.."),
            ("format!(\"{start}…\")", "…"),
            ("format!(\"{n}자 생략\")", "자생략"),
        ] {
            let found = found(&format!("\n{source}"));
            assert!(matches!(found[..], [(one, 2 | 3)] if one == how), "{source}: {found:?}");
        }
    }

    #[test]
    fn comments_tests_lists_and_the_module_itself_are_not() {
        for source in [
            "// text.truncate(9) …",
            "#[cfg(test)]\nmod tests {\n    text.truncate(9);\n}",
            "items.iter().take(9); text.chars().count(); list.take(9)",
        ] {
            assert_eq!(found(source), [], "{source}");
        }
        assert_eq!(forbidden("text.truncate(9)", "domain::text::cut"), []);
        assert_eq!(forbidden("summaries.truncate(9)", "agent::service::sessions"), []);
        assert_eq!(
            needless([("text.truncate(9)", "agent::run::context_window")].into_iter()).len(),
            EXCEPTIONS.len() - 1
        );
    }
}

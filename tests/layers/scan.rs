//! Finds the paths that a source file uses: enough of Rust's grammar for that, and no more.

use std::collections::HashMap;

/// A path that a file uses, from the crate (`crate::…`) or the library on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Usage {
    pub(crate) path: String,
    pub(crate) line: usize,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Token {
    text: String,
    line: usize,
}

/// What a file uses outside of its unit tests. `module` is the file's own path, `store::redis`.
pub(crate) fn usages(source: &str, module: &str) -> Vec<Usage> {
    let tokens = without_tests(&tokens(&without_text(source)));
    let mut names = declared_modules(&tokens, module);
    let mut found = Vec::new();
    // First what is imported, because it says what the names in the rest of the file mean.
    // `use<'a>` in a type imports nothing.
    for at in positions(&tokens, "use").filter(|at| !is(&tokens, at + 1, "<")) {
        let line = tokens[at].line;
        for (path, name) in use_tree(&tokens[at + 1..]) {
            let path = resolved(&path, module, &HashMap::new());
            names.insert(name, path.clone());
            found.push(Usage { path: path.join("::"), line });
        }
    }
    for (at, token) in tokens.iter().enumerate() {
        let starts = is_name(token) && !follows(&tokens, at, "::") && is(&tokens, at + 1, "::");
        if starts && !in_use(&tokens, at) {
            let path = resolved(&plain_path(&tokens[at..]), module, &names);
            found.push(Usage { path: path.join("::"), line: token.line });
        }
    }
    found
}

fn positions<'a>(tokens: &'a [Token], text: &'a str) -> impl Iterator<Item = usize> + 'a {
    (0..tokens.len()).filter(move |at| is(tokens, *at, text))
}

fn is(tokens: &[Token], at: usize, text: &str) -> bool {
    tokens.get(at).is_some_and(|token| token.text == text)
}

fn is_name(token: &Token) -> bool {
    /// Those that can stand before a path which starts with `::`.
    const KEYWORDS: [&str; 10] =
        ["as", "dyn", "else", "for", "if", "impl", "in", "match", "return", "use"];
    let starts = token.text.starts_with(|c: char| c.is_alphabetic() || c == '_');
    starts && !KEYWORDS.contains(&token.text.as_str())
}

/// Whether the token before this one is that, as in `a::b`. A `::` at the very start of a path
/// follows nothing that it could belong to.
fn follows(tokens: &[Token], at: usize, text: &str) -> bool {
    let belongs = |before: &Token| is_name(before) || before.text == ">";
    at >= 2 && is(tokens, at - 1, text) && belongs(&tokens[at - 2])
}

/// Whether the token is part of a `use` declaration.
fn in_use(tokens: &[Token], at: usize) -> bool {
    let before = tokens[..at].iter().rposition(|token| ["use", ";"].contains(&token.text.as_str()));
    before.is_some_and(|before| tokens[before].text == "use")
}

fn plain_path(tokens: &[Token]) -> Vec<String> {
    let mut path = vec![tokens[0].text.clone()];
    let mut rest = &tokens[1..];
    while rest.len() >= 2 && rest[0].text == "::" && is_name(&rest[1]) {
        path.push(rest[1].text.clone());
        rest = &rest[2..];
    }
    path
}

/// The paths of one `use` declaration, each with the name that it gives.
fn use_tree(tokens: &[Token]) -> Vec<(Vec<String>, String)> {
    let mut leaves = Vec::new();
    let start = usize::from(is(tokens, 0, "::"));
    branch(&tokens[start..], &[], &mut leaves);
    leaves
}

/// Reads one branch of the tree, and returns how many tokens it has.
fn branch(tokens: &[Token], prefix: &[String], leaves: &mut Vec<(Vec<String>, String)>) -> usize {
    let mut path = prefix.to_vec();
    let mut at = 0;
    while at < tokens.len() {
        match tokens[at].text.as_str() {
            "::" => at += 1,
            "{" => {
                at += 1;
                while at < tokens.len() && tokens[at].text != "}" {
                    let read = branch(&tokens[at..], &path, leaves);
                    let comma = usize::from(is(tokens, at + read, ","));
                    assert!(read + comma > 0, "line {}: not a use", tokens[at].line);
                    at += read + comma;
                }
                return at + 1;
            }
            "as" => {
                leaves.push((path, tokens[at + 1].text.clone()));
                return at + 2;
            }
            "," | "}" | ";" => break,
            "self" if !path.is_empty() => at += 1,
            name => {
                path.push(name.to_owned());
                at += 1;
            }
        }
    }
    let name = path.last().cloned().unwrap_or_default();
    leaves.push((path, name));
    at
}

/// The path from the crate or a library on.
fn resolved(path: &[String], module: &str, names: &HashMap<String, Vec<String>>) -> Vec<String> {
    let mut base: Vec<String> = match path[0].as_str() {
        "crate" | "aura_platform" => vec!["crate".to_owned()],
        "self" | "super" => {
            ["crate"].into_iter().chain(module.split("::")).map(Into::into).collect()
        }
        first => match names.get(first) {
            Some(known) => known.clone(),
            None => return path.to_vec(),
        },
    };
    if path[0] == "super" {
        base.pop();
    }
    for name in &path[1..] {
        if name == "super" {
            base.pop();
        } else {
            base.push(name.clone());
        }
    }
    base
}

fn declared_modules(tokens: &[Token], module: &str) -> HashMap<String, Vec<String>> {
    let declared = positions(tokens, "mod").filter(|at| is(tokens, at + 2, ";"));
    declared
        .map(|at| {
            let name = tokens[at + 1].text.clone();
            let path = ["crate"].into_iter().chain(module.split("::")).chain([name.as_str()]);
            (name.clone(), path.map(str::to_owned).collect())
        })
        .collect()
}

/// The tokens without the items that stand under `#[cfg(test)]`.
fn without_tests(tokens: &[Token]) -> Vec<Token> {
    const MARK: [&str; 7] = ["#", "[", "cfg", "(", "test", ")", "]"];
    let mut kept = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        if MARK.iter().enumerate().all(|(offset, text)| is(tokens, at + offset, text)) {
            at += MARK.len();
            at += item_length(&tokens[at..]);
        } else {
            kept.push(tokens[at].clone());
            at += 1;
        }
    }
    kept
}

/// An item ends with its `;` or with the bracket that closes its body.
fn item_length(tokens: &[Token]) -> usize {
    let mut depth = 0_usize;
    for (at, token) in tokens.iter().enumerate() {
        match token.text.as_str() {
            "{" | "(" | "[" => depth += 1,
            ")" | "]" => depth = depth.saturating_sub(1),
            "}" => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    // A `use a::{b};` still has its semicolon.
                    return at + 1 + usize::from(is(tokens, at + 1, ";"));
                }
            }
            ";" if depth == 0 => return at + 1,
            _ => {}
        }
    }
    tokens.len()
}

fn tokens(code: &str) -> Vec<Token> {
    let mut tokens: Vec<Token> = Vec::new();
    let mut line = 1;
    let mut chars = code.chars().peekable();
    while let Some(c) = chars.next() {
        let mut text = String::from(c);
        match c {
            '\n' => line += 1,
            ':' if chars.peek() == Some(&':') => text.extend(chars.next()),
            c if c.is_alphanumeric() || c == '_' => {
                while let Some(more) = chars.next_if(|c| c.is_alphanumeric() || *c == '_') {
                    text.push(more);
                }
            }
            _ => {}
        }
        if !c.is_whitespace() {
            tokens.push(Token { text, line });
        }
    }
    tokens
}

/// The source without comments and literals; its lines stay where they are.
fn without_text(source: &str) -> String {
    let chars: Vec<char> = source.chars().collect();
    let mut code = String::new();
    let mut at = 0;
    while at < chars.len() {
        let length = text_length(&chars[at..]);
        let cut = &chars[at..at + length.max(1)];
        match length {
            0 => code.push(cut[0]),
            _ => code.extend(cut.iter().map(|c| if *c == '\n' { '\n' } else { ' ' })),
        }
        at += cut.len();
    }
    code
}

/// The length of the comment or literal that starts here; 0 if none does.
fn text_length(rest: &[char]) -> usize {
    match rest {
        ['/', '/', ..] => rest.iter().position(|c| *c == '\n').unwrap_or(rest.len()),
        ['/', '*', ..] => block_comment(rest),
        ['r', '"' | '#', ..] => raw_string(rest),
        ['"', ..] => quoted(rest, '"'),
        ['\'', '\\', ..] | ['\'', _, '\'', ..] => quoted(rest, '\''),
        _ => 0,
    }
}

fn block_comment(rest: &[char]) -> usize {
    let mut depth = 0_usize;
    let mut at = 0;
    while at + 1 < rest.len() {
        match (rest[at], rest[at + 1]) {
            ('/', '*') => depth += 1,
            ('*', '/') => depth -= 1,
            _ => {
                at += 1;
                continue;
            }
        }
        at += 2;
        if depth == 0 {
            return at;
        }
    }
    rest.len()
}

fn raw_string(rest: &[char]) -> usize {
    let hashes = rest[1..].iter().take_while(|c| **c == '#').count();
    if rest.get(1 + hashes) != Some(&'"') {
        return 0;
    }
    let end: Vec<char> = ['"'].into_iter().chain(vec!['#'; hashes]).collect();
    let body = &rest[hashes + 2..];
    let inside = body.windows(end.len()).position(|window| window == end);
    inside.map_or(rest.len(), |inside| hashes + 2 + inside + end.len())
}

fn quoted(rest: &[char], quote: char) -> usize {
    let mut at = 1;
    while at < rest.len() {
        match rest[at] {
            '\\' => at += 2,
            c if c == quote => return at + 1,
            _ => at += 1,
        }
    }
    rest.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn used(source: &str) -> Vec<String> {
        usages(source, "http::stream").into_iter().map(|usage| usage.path).collect()
    }

    #[test]
    fn imports_are_found_however_they_are_written() {
        let source = "use crate::{agent::{self, Run as R}, store::Store};\npub use ::axum;\n\
                      use super::error::*;\nuse std::{env, fs};";
        let expected = [
            "crate::agent",
            "crate::agent::Run",
            "crate::store::Store",
            "axum",
            "crate::http::error::*",
            "std::env",
            "std::fs",
        ];
        assert_eq!(used(source), expected);
    }

    #[test]
    fn paths_in_code_are_found_with_their_lines() {
        let found =
            usages("fn f() {\n    crate::app::go();\n    <A as ::redis::B>::c()\n}", "http");
        let expected = [("crate::app::go", 2), ("redis::B", 3)];
        let found: Vec<_> = found.iter().map(|usage| (usage.path.as_str(), usage.line)).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn a_name_means_what_was_imported_or_declared() {
        assert_eq!(
            used("use std::env;\nfn f() { env::var(\"A\"); }"),
            ["std::env", "std::env::var"]
        );
        let source = "pub mod redis;\nfn f() -> redis::Store {}";
        let found = usages(source, "store");
        assert_eq!(found[0].path, "crate::store::redis::Store");
    }

    #[test]
    fn neither_text_nor_tests_are_code() {
        let source = "// crate::a::b\n/* crate::c /* nested */ ::d */\nconst A: &str = \"crate::e::f\";\n\
                      const B: &str = r#\"crate::g\"::h\"#; const C: char = '\"'; fn f<'a>() {}\n\
                      #[cfg(test)]\nmod tests { use crate::i::j; fn f() { crate::k::l() } }\n\
                      #[cfg(test)]\nmod more;\n#[cfg(test)]\nuse crate::m::{n};\nuse crate::o::p;";
        assert_eq!(used(source), ["crate::o::p"]);
    }
}

//! Names of files in a prompt, and how many of something it wants.

use super::tokens::take_apart;

/// Endings by which a word is known for a file's name.
#[rustfmt::skip]
const ENDINGS: &[&str] = &[
    "c", "cfg", "conf", "cpp", "cs", "css", "csv", "gradle", "h", "hpp", "html", "ini", "java",
    "js", "json", "jsx", "kt", "lock", "lua", "md", "php", "properties", "proto", "py", "rb", "rs",
    "scss", "sh", "sql", "svg", "swift", "toml", "ts", "tsx", "txt", "vue", "xml", "yaml", "yml", "go",
];
/// Files that are known without an ending.
const WHOLE: [&str; 6] = ["README", "LICENSE", "CHANGELOG", "Dockerfile", "Makefile", ".gitignore"];

/// The first file that a prompt names, as it stands there.
pub(super) fn file(prompt: &str) -> Option<String> {
    let mut names = prompt.split_whitespace().map(|token| take_apart(token).0);
    let name = names.find(|name| is_file(name))?;
    // Nearly every repository has it under its whole name.
    Some(if name.eq_ignore_ascii_case("readme") { "README.md" } else { name }.to_owned())
}

/// Whether a word looks like a file's name. URLs and mail addresses do not.
pub(super) fn is_file(word: &str) -> bool {
    if word.contains("://") || word.contains(['@', '#']) {
        return false;
    }
    let last = word.rsplit('/').next().unwrap_or(word);
    let ends_like_one = |(stem, ending): (&str, &str)| {
        !stem.is_empty() && ENDINGS.contains(&ending.to_ascii_lowercase().as_str())
    };
    WHOLE.contains(&last)
        || word.eq_ignore_ascii_case("readme")
        || last.rsplit_once('.').is_some_and(ends_like_one)
}

/// How many a prompt wants, 1 to 100: "5개", "5건", "last 5", "5 commits".
pub(super) fn count(prompt: &str) -> Option<u32> {
    let mut before = "";
    let mut words = prompt.split_whitespace().map(take_apart).peekable();
    while let Some((name, tail)) = words.next() {
        if let Ok(count) = name.parse::<u32>() {
            let next = words.peek().map_or("", |(name, _)| name);
            let counts = tail.starts_with(['개', '건'])
                || ["last", "latest", "recent", "최근"].contains(&before)
                || next.starts_with("commit")
                || next.starts_with(['개', '건']);
            if counts {
                return Some(count.clamp(1, 100));
            }
        }
        before = name;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[rustfmt::skip]
    fn files_are_known_by_their_endings_and_numbers_by_what_they_count() {
        for (prompt, name) in [
            ("show the README", Some("README.md")), ("show docs/README", Some("docs/README")), ("show src/main.rs.", Some("src/main.rs")),
            ("`docs/a.md`를 보여줘", Some("docs/a.md")), ("Dockerfile을 읽어줘", Some("Dockerfile")), ("../../etc/x.conf의 내용", Some("../../etc/x.conf")),
            ("kim@dwp.md", None), ("http://dwp.com/a.md", None), ("v1.2", None), ("e.g. this", None), (".md", None), ("", None),
        ] {
            assert_eq!(file(prompt).as_deref(), name, "{prompt}");
        }
        for (prompt, expected) in [
            ("최근 커밋 5개 보여줘", Some(5)), ("최근 3 개", Some(3)), ("show the last 7 commits", Some(7)), ("1000 commits", Some(100)),
            ("PR 12번 로그", None), ("feature 로그", None),
        ] {
            assert_eq!(count(prompt), expected, "{prompt}");
        }
    }
}

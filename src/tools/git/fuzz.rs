//! What must hold for every name and path that a model gives.

use std::path::{Component, Path};

use super::refs::{RefName, RelativePath};
use crate::domain::text::{is_plain_line, is_plain_name};

/// All of it is taken for a name, and for a path.
pub fn git_reference(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    if let Ok(name) = RefName::try_from(text.to_owned()) {
        check_name(&name, text);
    }
    if let Ok(path) = RelativePath::try_from(text.to_owned()) {
        check_path(path.as_str());
    }
    let quoted = RefName::try_from(text.to_owned()).err();
    assert!(quoted.is_none_or(|why| is_plain_line(&why) && why.len() <= 4096));
}

/// A name is one that git takes, no option and no more than one revision, also where `refs/heads/` is
/// taken off or put before it.
fn check_name(name: &RefName, text: &str) {
    assert_eq!(name.as_str(), text);
    assert!(is_plain_name(text), "{text:?}");
    assert!(
        !name.as_branch().starts_with("refs/heads/"),
        "one branch passes for another: {text:?}"
    );
    for name in [text, name.as_branch(), &format!("refs/heads/{}", name.as_branch())] {
        assert_eq!(against_git(name), None, "{name:?}");
        assert!(!name.starts_with('-'), "an option: {name:?}");
    }
}

/// The rules that `git help check-ref-format` tells, in its order, written down once more.
fn against_git(name: &str) -> Option<u8> {
    let parts = || name.split('/');
    let is_bad = |c: char| c.is_ascii_control() || " ~^:".contains(c);
    let rules = [
        parts().any(|part| part.starts_with('.') || part.ends_with(".lock")),
        false, // A name without a slash is fine: `--allow-onelevel`.
        name.contains(".."),
        name.contains(is_bad),
        name.contains(['?', '*', '[']),
        name.starts_with('/') || name.ends_with('/') || name.contains("//"),
        name.ends_with('.'),
        name.contains("@{"),
        name == "@",
        name.contains('\\'),
    ];
    let broken = rules.iter().zip(1..).find_map(|(is_broken, rule)| is_broken.then_some(rule));
    broken.or(name.is_empty().then_some(0))
}

/// A path stays below the directory that it is taken from, and out of git's own.
fn check_path(path: &str) {
    assert!(!path.starts_with('-') && is_plain_name(path), "{path:?}");
    for component in Path::new(path).components() {
        match component {
            Component::Normal(part) => assert!(!part.eq_ignore_ascii_case(".git"), "{path:?}"),
            Component::CurDir => assert_eq!(path, "."),
            Component::Prefix(_) | Component::RootDir | Component::ParentDir => {
                panic!("it leads out: {path:?}")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::process::Command;
    use std::{fs, str};

    use super::*;

    /// Git itself is asked about the corpus only: a process for each name is too slow for fuzzing.
    #[test]
    fn the_names_of_the_corpus_that_are_taken_are_names_to_git() {
        let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus/git_reference");
        let mut asked = 0;
        for input in fs::read_dir(corpus).unwrap() {
            let input = fs::read(input.unwrap().path()).unwrap();
            let Ok(text) = str::from_utf8(&input) else { continue };
            let git = |name: &str| {
                let mut git = Command::new("git");
                let run = git.args(["check-ref-format", "--allow-onelevel", name]).status();
                run.unwrap().success()
            };
            if text.contains('\0') || text.starts_with('-') {
                assert!(RefName::try_from(text.to_owned()).is_err(), "{text:?}");
                continue;
            }
            assert_eq!(git(text), against_git(text).is_none(), "the rules written down: {text:?}");
            if let Ok(name) = RefName::try_from(text.to_owned()) {
                asked += 1;
                assert!(git(text) && git(name.as_branch()), "{text:?}");
            }
        }
        assert!(asked >= 5, "{asked}");
    }
}

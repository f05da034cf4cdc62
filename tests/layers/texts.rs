//! The texts that people wrote for this repository: code, documents, settings and scripts.

use std::fs;
use std::path::{Path, PathBuf};

/// Where they are. `CHANGELOG.md` tells of what was, so nothing in it has to be true of today.
const PLACES: [&str; 15] = [
    "src",
    "tests",
    "benches",
    "fuzz/fuzz_targets",
    "config",
    "docs",
    "scripts",
    ".ci",
    "README.md",
    "ARCHITECTURE.md",
    "CONTRIBUTING.md",
    "SECURITY.md",
    "Cargo.toml",
    "clippy.toml",
    "docker-compose.yml",
];

/// One of them.
pub(crate) struct Text {
    /// Its path in the repository.
    pub(crate) path: String,
    /// All of it.
    pub(crate) text: String,
}

impl Text {
    /// The line that a place in the text is on, from 1.
    pub(crate) fn line_of(&self, offset: usize) -> usize {
        self.text[..offset].matches('\n').count() + 1
    }
}

/// The repository's directory.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// All texts, in the order of their paths.
pub(crate) fn all() -> Vec<Text> {
    let mut files = Vec::new();
    for place in PLACES {
        collect(&root().join(place), &mut files);
    }
    files.sort();
    let texts = files.into_iter().filter_map(|file| {
        let path = file.strip_prefix(root()).unwrap().to_str()?.to_owned();
        // What is no text says nothing.
        fs::read_to_string(&file).ok().map(|text| Text { path, text })
    });
    texts.collect()
}

/// What is installed for the tests, others have written.
fn is_installed(path: &Path) -> bool {
    path.ends_with("node_modules")
}

fn collect(path: &Path, files: &mut Vec<PathBuf>) {
    if path.is_file() {
        files.push(path.to_owned());
    } else if path.is_dir() && !is_installed(path) {
        for entry in fs::read_dir(path).unwrap() {
            collect(&entry.unwrap().path(), files);
        }
    }
}

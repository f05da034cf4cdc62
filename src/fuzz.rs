//! What must hold for every text from outside, as functions that fuzzing calls with whatever it makes up.
//!
//! No part of the product: compiled for unit tests, which call them with the corpora in `fuzz/corpus`,
//! and with `--cfg fuzzing` for the binaries in `fuzz/`, which libFuzzer drives (`scripts/fuzz`). Each
//! panics if what it promises does not hold. They stand beside what they are about, like its tests.

pub use crate::agent::fuzz::journal_record;
pub use crate::domain::signal::fuzz::signal;
pub use crate::http::stream::fuzz::request_body;
pub use crate::llm::openai::fuzz::model_stream;
pub use crate::tools::git::fuzz::git_reference;
pub use crate::tools::mail::fuzz::mail_address;
pub use crate::tools::mcp::fuzz::mcp_message;

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};
    use std::{fs, panic};

    use super::*;

    type Target = fn(&[u8]);

    const TARGETS: [(&str, Target); 7] = [
        ("git_reference", git_reference),
        ("journal_record", journal_record),
        ("mail_address", mail_address),
        ("mcp_message", mcp_message),
        ("model_stream", model_stream),
        ("request_body", request_body),
        ("signal", signal),
    ];

    fn fuzz(path: &str) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz").join(path)
    }

    fn files(directory: &str) -> Vec<PathBuf> {
        let entries = fs::read_dir(fuzz(directory)).unwrap_or_else(|_| panic!("{directory}"));
        let mut files: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
        files.sort();
        files
    }

    /// Whatever fuzzing has ever found is a file there.
    #[test]
    fn every_input_of_the_corpora_keeps_what_its_target_promises() {
        let mut broken = Vec::new();
        for (name, target) in TARGETS {
            let inputs = files(&format!("corpus/{name}"));
            assert!(inputs.len() >= 10, "{name} has a corpus of {} inputs", inputs.len());
            let is_kept = |input: &PathBuf| {
                let input = fs::read(input).unwrap();
                panic::catch_unwind(|| target(&input)).is_ok()
            };
            broken.extend(inputs.into_iter().filter(|input| !is_kept(input)));
        }
        assert!(broken.is_empty(), "{broken:#?}");
    }

    #[test]
    fn every_target_has_its_binary_its_corpus_and_its_dictionary() {
        let stem = |path: PathBuf| path.file_stem().unwrap().to_str().unwrap().to_owned();
        let names = TARGETS.map(|(name, _)| name);
        for directory in ["fuzz_targets", "corpus", "dictionaries"] {
            assert_eq!(files(directory).into_iter().map(stem).collect::<Vec<_>>(), names);
        }
        let manifest = fs::read_to_string(fuzz("Cargo.toml")).unwrap();
        for name in names {
            assert!(manifest.contains(&format!("name = \"{name}\"")), "{name}");
        }
    }
}

//! Files and directories that settings name.

use std::path::{Path, PathBuf};

/// What each certificate in a PEM file begins with.
const CERTIFICATE: &[u8] = b"-----BEGIN CERTIFICATE-----";

/// What a regular file holds. Anything else is refused before it is opened: whoever reads a named pipe
/// that nobody writes to waits for ever.
pub(super) fn content_of(path: &Path) -> std::io::Result<Vec<u8>> {
    if !std::fs::metadata(path)?.is_file() {
        return Err(std::io::Error::other("it is not a regular file"));
    }
    std::fs::read(path)
}

/// What a regular file of text holds.
pub(super) fn text_at(path: &Path) -> std::io::Result<String> {
    String::from_utf8(content_of(path)?).map_err(std::io::Error::other)
}

/// The content of a file that holds certificates.
pub(super) fn certificates(path: &str) -> Result<Vec<u8>, String> {
    let found = content_of(Path::new(path)).map_err(|why| why.to_string())?;
    let is_pem = found.windows(CERTIFICATE.len()).any(|part| part == CERTIFICATE);
    is_pem.then_some(found).ok_or_else(|| "must be a file with certificates in PEM".to_owned())
}

/// A directory that can be looked into.
pub(super) fn directory(path: &str) -> Result<PathBuf, &'static str> {
    let path = PathBuf::from(path);
    let is_directory = std::fs::read_dir(&path).is_ok();
    is_directory.then_some(path).ok_or("must be a directory that can be read")
}

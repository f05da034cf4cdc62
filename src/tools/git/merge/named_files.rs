//! The files that a message or a result names.

/// How many files a result or a message names.
pub(super) const MAX_FILES: usize = 50;

/// The first of many names.
pub(super) fn name_some(files: &[String]) -> String {
    let shown = files[..files.len().min(MAX_FILES)].join(", ");
    match files.len().saturating_sub(MAX_FILES) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

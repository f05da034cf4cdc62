//! Ctrl-C.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::cli::CliError;

/// Returns at the next Ctrl-C that is not meant for the editor, which hears it as well.
pub(super) async fn next(is_editing: &AtomicBool) -> Result<(), CliError> {
    loop {
        tokio::signal::ctrl_c().await.map_err(CliError::failed)?;
        if !is_editing.load(Ordering::Relaxed) {
            return Ok(());
        }
    }
}

//! Being built: the composition root.

use thiserror::Error;

use crate::settings::{Mode, Settings};

/// Why the service could not run.
#[derive(Debug, Error)]
#[error("being built")]
pub struct AppError;

/// Serves until the process is told to stop.
pub async fn serve(_settings: Settings, mode: Mode) -> Result<(), AppError> {
    // The composition root: bind; in dev mode crate::tools::git::sample::create(scratch.path())
    // where `scratch` is there; then `(setup.announce)(&Listening { address, workspace })`.
    drop(mode);
    Err(AppError)
}

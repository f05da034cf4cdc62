//! The `aura-platform` binary; everything is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    // Explicit, so that no dependency's choice of features can ever make either of them guess. An
    // error would mean that one is installed already, and nobody could have done that before main.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let _ = jsonwebtoken::crypto::aws_lc::DEFAULT_PROVIDER.install_default();
    aura_platform::cli::run()
}

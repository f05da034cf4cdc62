//! `config`: what is set, and where it came from.

use super::{CliError, print};
use crate::settings::{Environment, Layers, Purpose};

/// Prints the settings also where some are wrong: it is then that one wants to see them.
pub(super) fn run() -> Result<(), CliError> {
    let layers = Layers::read(&Environment::of_process(), Purpose::Inspection);
    print(layers.to_toml().trim_end())?;
    for note in layers.check()?.notes {
        print(&format!("\n# {note}"))?;
    }
    Ok(())
}

//! `serve`: the service itself.

use std::path::Path;

use clap::Args;

use super::{CliError, block_on, dev, log, not_blank};
use crate::app::{self, Rereading};
use crate::settings::{Checked, Environment, Layers, Mode, Purpose};

#[derive(Debug, Args)]
#[command(after_help = "\
--dev changes defaults and nothing else: whatever a settings file or the environment says counts, and
what it prints is what is in use. By itself it listens on 127.0.0.1, lets pages of this machine call
from a browser, keeps everything in memory, plans with the built-in planner, makes up a secret and a
sample git workspace, and lets tools without a service show what they would have sent.

Told to stop (SIGTERM, SIGINT), it says so on /health/ready for api.drain_delay_seconds, closes its
port and lets work come to an end; told a second time, it ends at once.

SIGHUP reads the keys of tokens, the holds and log.level again.

Exit codes: 0 told to stop, and stopped; 1 it could not serve, or it stopped with work left; 2 a
setting is wrong.")]
pub(super) struct Arguments {
    /// Try it out: needs nothing, prints an address to open, a token and commands
    #[arg(long)]
    dev: bool,
    /// Address to listen on, whatever API_HOST or a settings file says
    #[arg(long, value_name = "HOST", value_parser = not_blank)]
    host: Option<String>,
    /// Port to listen on, whatever API_PORT or a settings file says; 0 takes any free one
    #[arg(long, value_name = "PORT")]
    port: Option<u16>,
}

impl Arguments {
    /// This process's environment, with what the command line says on top of it.
    fn environment(&self) -> Environment {
        let mut environment = Environment::of_process();
        if let Some(host) = &self.host {
            environment = environment.with_option("--host", "api.host", host.clone());
        }
        if let Some(port) = self.port {
            environment = environment.with_option("--port", "api.port", port.to_string());
        }
        environment
    }
}

pub(super) fn run(arguments: &Arguments) -> Result<(), CliError> {
    let purpose = if arguments.dev { Purpose::Dev } else { Purpose::Production };
    let environment = arguments.environment();
    let layers = Layers::read(&environment, purpose);
    let Checked { settings, notes } = layers.check()?;
    let log = log::set_up(&settings.log).map_err(CliError::failed)?;
    for note in notes {
        tracing::warn!(note, "a setting has no effect");
    }
    let mode = match purpose {
        Purpose::Dev => Mode::Dev(dev::set_up(
            &settings,
            environment.program().unwrap_or(Path::new("aura-platform")),
        )?),
        Purpose::Production | Purpose::Inspection => Mode::Production,
    };
    let (dropped_lines, log) = (log.dropped(), log.control());
    let read = move || Layers::read(&environment, purpose).check().map(|checked| checked.settings);
    let rereading = Rereading { read: Box::new(read), log };
    block_on(async { Ok(app::serve(settings, mode, dropped_lines, rereading).await?) })
}

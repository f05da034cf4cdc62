//! The command line (contract, section 9). What a command prints goes to stdout, everything else to
//! stderr.

use std::fmt::Display;
use std::io::{self, Write};
use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, Subcommand};
use thiserror::Error;

use crate::app::AppError;
use crate::settings::{Checked, Environment, Faults, Layers, Purpose};
use crate::telemetry::log;

mod ask;
mod audit;
mod config;
mod describe;
mod dev;
mod healthcheck;
mod prompt;
mod serve;
mod token;
mod tools;

/// The exit code of a command line or of settings that make no sense; clap uses the same.
const USAGE: u8 = 2;

/// The exit code of a command that a person has left with Ctrl-C, as shells have it: 128 and SIGINT.
const INTERRUPTED: u8 = 130;

/// What blocking calls get to return in when a command is done.
const LAST_CALLS: Duration = Duration::from_secs(1);

const EXAMPLES: &str = "\
Examples:
  aura-platform serve --dev
      try it out: needs nothing, prints an address to open, a token and commands
  AURA_TOKEN=... aura-platform ask 'what is the state of the repository?'
      ask a running server, and answer what it asks
  JWT_SECRET=... REDIS_URL=redis://redis:6379 aura-platform serve
      serve for real
  JWT_SECRET=... aura-platform token --sub user123 --tenant tenant1 --ttl 8h
      a token for a user
  aura-platform config
      what is set, and where it came from
  REDIS_URL=redis://redis:6379 aura-platform audit verify --tenant tenant1
      whether the tenant's audit stream is what was recorded

Settings come from config/aura.toml (or the file that AURA_CONFIG names) and from the environment,
which wins; config/default.toml in the sources describes every one of them.

Exit codes:
  0  done
  1  it did not work out (healthcheck: not healthy; audit verify: a broken chain)
  2  the command line or a setting is wrong; nothing was started";

/// The agent server of DWP: typed SSE streams, durable runs, human approvals.
#[derive(Debug, Parser)]
#[command(name = "aura-platform", version, about, after_help = EXAMPLES)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve until told to stop (SIGTERM, SIGINT)
    Serve(serve::Arguments),
    /// Ask a running server, and answer what it asks
    Ask(ask::Arguments),
    /// Print every tool, with approval, source and state
    Tools(tools::Arguments),
    /// Print a signed token, and nothing else
    Token(token::Arguments),
    /// Print the system prompt that a page context leads to
    Prompt(prompt::Arguments),
    /// Print the settings in force and where each came from; secrets are masked
    Config,
    /// Print the OpenAPI document of the routes
    Openapi,
    /// Print the AsyncAPI document of the event streams
    Asyncapi,
    /// Check the audit streams
    Audit(audit::Arguments),
    /// Ask a running service whether it is healthy
    Healthcheck(healthcheck::Arguments),
}

/// Why a command came to nothing.
#[derive(Debug, Error)]
enum CliError {
    #[error(transparent)]
    Settings(#[from] Faults),
    #[error("{0}")]
    Input(String),
    #[error("{0}")]
    Failed(String),
    #[error(transparent)]
    App(#[from] AppError),
    #[error("{0}")]
    Output(#[from] io::Error),
    /// A person has left; they were told what goes on without them.
    #[error("interrupted")]
    Interrupted,
}

impl CliError {
    fn failed(error: impl Display) -> Self {
        Self::Failed(error.to_string())
    }

    /// One line for each thing that is wrong.
    fn lines(&self) -> Vec<String> {
        match self {
            Self::Settings(faults) => faults.iter().map(ToString::to_string).collect(),
            Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe => Vec::new(),
            Self::Input(_) | Self::Failed(_) | Self::App(_) | Self::Output(_) => {
                vec![self.to_string()]
            }
            Self::Interrupted => Vec::new(),
        }
    }

    fn exit_code(&self) -> ExitCode {
        match self {
            Self::Settings(_) | Self::Input(_) => ExitCode::from(USAGE),
            Self::App(error) if error.is_of_settings() => ExitCode::from(USAGE),
            Self::Failed(_) | Self::App(_) => ExitCode::FAILURE,
            // `aura-platform config | head -1` is no failure.
            Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
            Self::Output(_) => ExitCode::FAILURE,
            Self::Interrupted => ExitCode::from(INTERRUPTED),
        }
    }
}

/// Runs the command that the process was started with, to its end.
pub fn run() -> ExitCode {
    let result = match Cli::parse().command {
        Command::Serve(arguments) => serve::run(&arguments),
        Command::Ask(arguments) => ask::run(&arguments),
        Command::Tools(arguments) => tools::run(&arguments),
        Command::Token(arguments) => token::run(&arguments),
        Command::Prompt(arguments) => prompt::run(&arguments),
        Command::Config => config::run(),
        Command::Openapi => describe::openapi(),
        Command::Asyncapi => describe::asyncapi(),
        Command::Audit(arguments) => audit::run(&arguments),
        Command::Healthcheck(arguments) => healthcheck::run(&arguments),
    };
    let Err(error) = result else {
        return ExitCode::SUCCESS;
    };
    for line in error.lines() {
        // Nobody is left to be told that stderr is closed.
        let _ = writeln!(io::stderr(), "error: {line}");
    }
    error.exit_code()
}

/// Prints what the command is for.
fn print(text: &str) -> Result<(), CliError> {
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "{text}")?;
    Ok(stdout.flush()?)
}

/// The text as one word of a shell, whatever is in it.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// A text of the command line that says something.
fn not_blank(text: &str) -> Result<String, &'static str> {
    if text.trim().is_empty() { Err("must not be blank") } else { Ok(text.to_owned()) }
}

/// The settings of this process.
fn settings(purpose: Purpose) -> Result<Checked, Faults> {
    Layers::read(&Environment::of_process(), purpose).check()
}

/// The runtime of a command that waits for something.
fn block_on<T>(work: impl Future<Output = Result<T, CliError>>) -> Result<T, CliError> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.map_err(CliError::failed)?;
    let done = runtime.block_on(work);
    // Dropping it would wait for a call to the system that hangs, for instance on a file server.
    runtime.shutdown_timeout(LAST_CALLS);
    done
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    /// Every command that does something, by its whole name, with its options.
    fn commands(of: &clap::Command, parents: &str) -> Vec<(String, Vec<String>)> {
        let mut all = Vec::new();
        for command in of.get_subcommands().filter(|command| command.get_name() != "help") {
            let name = format!("{parents}{}", command.get_name());
            let options = command.get_arguments().filter_map(|argument| argument.get_long());
            let options = options.filter(|long| *long != "help").map(|long| format!("--{long}"));
            if command.has_subcommands() {
                all.extend(commands(command, &format!("{name} ")));
            } else {
                all.push((name, options.collect()));
            }
        }
        all
    }

    #[test]
    fn the_commands_and_their_options_are_the_documented_ones() {
        let page = include_str!("../docs/COMMANDS.md");
        let rows = page.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next());
        let documented = rows.map(|row| {
            let words: Vec<_> = row.split([' ', '[', ']', '…']).filter(|w| !w.is_empty()).collect();
            let is_option = |word: &&&str| word.starts_with("--");
            let name = words.iter().take_while(|word| !is_option(word)).copied();
            let mut options: Vec<_> =
                words.iter().filter(is_option).map(ToString::to_string).collect();
            options.sort();
            (name.collect::<Vec<_>>().join(" "), options)
        });
        let mut command = Cli::command();
        command.build();
        let expected = commands(&command, "").into_iter().map(|(name, mut options)| {
            options.sort();
            (name, options)
        });
        assert_eq!(documented.collect::<BTreeMap<_, _>>(), expected.collect());
    }

    #[test]
    fn a_reader_who_has_seen_enough_is_no_failure() {
        let gone = CliError::Output(io::Error::from(io::ErrorKind::BrokenPipe));
        assert_eq!(gone.exit_code(), ExitCode::SUCCESS);
        assert!(gone.lines().is_empty());
    }
}

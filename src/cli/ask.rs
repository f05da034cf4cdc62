//! `ask`: one prompt to a running server, in the terminal.
//!
//! What the server says comes in through [`following`], which resumes by itself; what a person is asked
//! is kept in [`questions`]; [`conversation`] brings both together with the keyboard. Whatever is written
//! goes through [`screen`], which lets nothing of the server's drive the terminal.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use clap::Args;
use clap::builder::NonEmptyStringValueParser;
use secrecy::SecretString;

use self::address::Address;
use self::answering::{Absence, Answering};
use self::asker::Asker;
use self::conversation::Conversation;
use self::editor::Editor;
use self::following::{Place, follow};
use self::keyboard::Keyboard;
use self::screen::Screen;
use self::server::Server;
use super::{CliError, block_on, not_blank, quoted};
use crate::domain::SessionId;
use crate::settings::Environment;

mod address;
mod answered;
mod answering;
mod asker;
mod attempts;
mod conversation;
mod decision;
mod editor;
mod following;
mod interrupt;
mod keyboard;
mod question;
mod questions;
mod report;
mod run_stream;
mod screen;
mod sending;
mod server;
mod span;
mod step;
mod trouble;

#[derive(Debug, Args)]
#[command(after_help = "\
The answer goes to stdout, everything else to stderr, so that with `> file` the file has the answer only. What
needs approval is asked for: y approves, n rejects (and asks for a reason), e lets the arguments be changed
first, in $VISUAL or $EDITOR, or else in whichever of editor, nano and vi there is. Where stdin is no terminal nothing is asked; --approve or --reject decides, or
somebody elsewhere. A lost connection is resumed without loss or repetition. Ctrl-C leaves the run alone,
and says how to come back to it.

Who asks: --token, --token-file or AURA_TOKEN; without any of them a token is made with the secret of the
settings (JWT_SECRET), for --sub and --tenant.

Exit codes: 0 the run was completed, also where a tool failed in it; 1 it was not, or the server cannot be reached; 2 the command line or a
setting is wrong; 130 left with Ctrl-C, and the run goes on.")]
pub(super) struct Arguments {
    /// What is to be done
    #[arg(value_parser = not_blank, required_unless_present = "session")]
    prompt: Option<String>,
    /// The server, for instance http://127.0.0.1:9000, or https://portal.example/api behind the Gateway
    // Read later: a fault of the command line would show it, and a password with it.
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:9000")]
    url: String,
    /// The token to ask with; other users of the machine can see a command line, AURA_TOKEN they cannot
    #[arg(long, value_name = "TOKEN", conflicts_with_all = ["token_file", "sub", "tenant"])]
    token: Option<SecretString>,
    /// A file that holds the token
    #[arg(long, value_name = "FILE", conflicts_with_all = ["sub", "tenant"])]
    token_file: Option<PathBuf>,
    /// For whom a token is made: the user; 1 unless it is said
    #[arg(long, value_name = "USER", value_parser = not_blank)]
    sub: Option<String>,
    /// For whom a token is made: the tenant; 1 unless it is said
    #[arg(long, value_name = "TENANT", value_parser = not_blank)]
    tenant: Option<String>,
    /// The conversation to go on with
    #[arg(long, value_name = "THREAD", value_parser = not_blank, conflicts_with = "session")]
    thread: Option<String>,
    /// Go on with this run, from its beginning, instead of starting one
    #[arg(long, value_name = "SESSION", value_parser = session, conflicts_with = "prompt")]
    session: Option<SessionId>,
    /// Approve whatever is asked
    #[arg(long, conflicts_with = "reject")]
    approve: bool,
    /// Reject whatever is asked, for this reason
    #[arg(long, value_name = "REASON", value_parser = NonEmptyStringValueParser::new())]
    reject: Option<String>,
    /// Print the events to stdout as they come, one JSON object a line, in place of the answer
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: &Arguments) -> Result<(), CliError> {
    let environment = Environment::of_process();
    let address = Address::parse(&arguments.url);
    let address = address.map_err(|wrong| CliError::Input(format!("--url: {wrong}")))?;
    let asker = Asker::of(arguments, &environment)?;
    let mut screen = Screen::of_process(arguments.json, &environment);
    if let Some(note) = asker.note() {
        screen.note(&note)?;
    }
    let command = command(&address, &environment);
    let server = Arc::new(Server::new(address, asker)?);
    let is_editing = Arc::new(AtomicBool::new(false));
    block_on(async move {
        let answering = answering(arguments, &environment);
        let place = match (&arguments.session, &arguments.prompt) {
            (Some(session), _) => Place::of_session(session.clone()),
            (None, prompt) => {
                let prompt = prompt.as_deref().unwrap_or_default();
                Place::to_start(prompt, arguments.thread.as_deref())
            }
        };
        let incoming = follow(Arc::clone(&server), place);
        let mut conversation = Conversation::new(server, screen, answering, command, &is_editing);
        let left = tokio::select! {
            ended = conversation.run(incoming) => return ended,
            left = interrupt::next(&is_editing) => left,
        };
        left?;
        conversation.leave()?;
        Err(CliError::Interrupted)
    })
}

/// The command that asks this server, as any shell takes it.
fn command(address: &Address, environment: &Environment) -> String {
    let program = environment.program().unwrap_or(Path::new("aura-platform"));
    let url = quoted(&address.to_string());
    format!("{} ask --url {url}", quoted(&program.display().to_string()))
}

/// The id of a session, given on the command line.
fn session(text: &str) -> Result<SessionId, &'static str> {
    SessionId::parse(text)
        .ok_or("not a session's id: session_ and letters, digits or one of . _ @ -")
}

/// Who decides what is asked.
fn answering(arguments: &Arguments, environment: &Environment) -> Answering {
    if arguments.approve {
        return Answering::Approve;
    }
    if let Some(reason) = &arguments.reject {
        return Answering::Reject(reason.clone());
    }
    match Keyboard::of_process() {
        Some(keyboard) => Answering::Person(keyboard, Editor::of(environment)),
        None => Answering::Elsewhere(Absence::NoTerminal),
    }
}

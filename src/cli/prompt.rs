//! `prompt`: the system prompt that a page context leads to, with the operator's instructions.

use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::path::{Path, PathBuf};

use clap::Args;

use super::{CliError, print, settings};
use crate::domain::PageContext;
use crate::domain::instructions::system_prompt;
use crate::domain::json;
use crate::settings::Purpose;

/// More than the stream route takes; a bound against the wrong file, not a rule.
const MAX_BYTES: u64 = 1024 * 1024;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// A file with the `context` object of a request, as JSON; `-` reads stdin
    #[arg(long, value_name = "FILE")]
    context: PathBuf,
}

pub(super) fn run(arguments: &Arguments) -> Result<(), CliError> {
    let path = &arguments.context;
    let about = |problem: String| CliError::Input(format!("{}: {problem}", path.display()));
    let text = read(path).map_err(|error| about(error.to_string()))?;
    let value = json::read(text.as_bytes());
    let value = value.map_err(|fault| about(format!("not JSON: {fault}")))?;
    let context = PageContext::from_json(&value).map_err(|error| about(error.to_string()))?;
    let settings = settings(Purpose::Inspection)?.settings;
    print(&system_prompt(settings.agent.instructions.as_ref(), &context))
}

fn read(path: &Path) -> io::Result<String> {
    let mut bytes = Vec::new();
    if path.as_os_str() == "-" {
        io::stdin().lock().take(MAX_BYTES + 1).read_to_end(&mut bytes)?;
    } else {
        File::open(path)?.take(MAX_BYTES + 1).read_to_end(&mut bytes)?;
    }
    if bytes.len() as u64 > MAX_BYTES {
        let problem = format!("too large: more than {MAX_BYTES} bytes");
        return Err(io::Error::new(ErrorKind::FileTooLarge, problem));
    }
    String::from_utf8(bytes).map_err(|_| io::Error::new(ErrorKind::InvalidData, "not UTF-8"))
}

//! The person's own editor, for arguments that are to be changed.

use std::io::{self, Write};
use std::os::fd::AsFd;
use std::process::Stdio;

use tempfile::NamedTempFile;
use thiserror::Error;
use tokio::process::Command;

use crate::settings::Environment;

/// The variables that name an editor, the first that does counts.
const VARIABLES: [&str; 2] = ["VISUAL", "EDITOR"];

/// An editor: a command of the shell, to which the file's name is added.
#[derive(Clone, Debug)]
pub(super) struct Editor(String);

/// Why nothing was edited.
#[derive(Debug, Error)]
pub(super) enum EditError {
    #[error("the editor cannot be used: {0}")]
    File(#[from] io::Error),
    #[error("the editor `{0}` ended with an error")]
    Failed(String),
}

impl Editor {
    /// The editor that the environment names.
    pub(super) fn of(environment: &Environment) -> Option<Self> {
        VARIABLES
            .iter()
            .find_map(|name| environment.variable(name))
            .map(|name| Self(name.to_owned()))
    }

    /// Lets the person edit a text, and returns what they made of it. The file is theirs alone, and
    /// is removed.
    pub(super) async fn edit(self, text: String) -> Result<String, EditError> {
        let mut file = tempfile::Builder::new().prefix("aura-ask-").suffix(".json").tempfile()?;
        file.write_all(text.as_bytes())?;
        file.flush()?;
        self.open(&file).await?;
        // An editor may put another file in the place of the one that it was given.
        Ok(std::fs::read_to_string(file.path())?)
    }

    async fn open(&self, file: &NamedTempFile) -> Result<(), EditError> {
        // stdout may be a file, for the answer.
        let screen = Stdio::from(io::stderr().as_fd().try_clone_to_owned()?);
        let mut command = Command::new("sh");
        command.arg("-c").arg(format!("{} \"$1\"", self.0)).arg("sh").arg(file.path());
        let ended = command.stdout(screen).kill_on_drop(true).status().await?;
        if ended.success() { Ok(()) } else { Err(EditError::Failed(self.0.clone())) }
    }
}

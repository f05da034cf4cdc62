//! The person's editor, for arguments that are to be changed.

use std::io::{self, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Stdio;

use tempfile::NamedTempFile;
use thiserror::Error;
use tokio::process::Command;

use crate::settings::Environment;

/// The variables that name an editor, the first that does counts.
const VARIABLES: [&str; 2] = ["VISUAL", "EDITOR"];

/// What edits where none of them does: the first that there is.
const USUAL: [&str; 3] = ["editor", "nano", "vi"];

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
    /// The editor that the environment names, or else one that is usual and there.
    pub(super) fn of(environment: &Environment) -> Option<Self> {
        let named = VARIABLES.iter().find_map(|name| environment.variable(name));
        let path = environment.variable("PATH").unwrap_or_default();
        let usual = || USUAL.into_iter().find(|program| is_on(path, program));
        named.or_else(usual).map(|name| Self(name.to_owned()))
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

/// Whether a shell that has this `PATH` finds the program.
fn is_on(path: &str, program: &str) -> bool {
    let is_program = |file: &Path| {
        file.metadata().is_ok_and(|it| it.is_file() && it.permissions().mode() & 0o111 != 0)
    };
    path.split(':').any(|directory| is_program(&Path::new(directory).join(program)))
}

#[cfg(test)]
mod tests {
    use std::fs::{File, Permissions};

    use tempfile::TempDir;

    use super::*;

    #[test]
    fn the_editor_is_the_one_that_is_named_or_a_usual_one_that_is_there() {
        let programs = TempDir::new().unwrap();
        for (name, mode) in [("editor", 0o644), ("vi", 0o755)] {
            let program = File::create(programs.path().join(name)).unwrap();
            program.set_permissions(Permissions::from_mode(mode)).unwrap();
        }
        let path = format!("/does/not/exist:{}", programs.path().display());
        let of = |variables: &[(&str, &str)]| {
            Editor::of(&Environment::of(variables.iter().copied())).map(|Editor(name)| name)
        };
        assert_eq!(of(&[("PATH", &path), ("EDITOR", "code -w")]).as_deref(), Some("code -w"));
        assert_eq!(of(&[("PATH", &path)]).as_deref(), Some("vi"), "the other cannot be run");
        assert_eq!(of(&[("PATH", "/does/not/exist")]), None);
        assert_eq!(of(&[]), None);
    }
}

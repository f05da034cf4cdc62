//! The tools that read. Each is an [`Operation`] on an opened repository.

use std::future::Future;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::Git;
use super::command::Output;
use super::refs::RelativePath;
use super::repository::Repository;
use super::workspace::Location;
use crate::domain::text::quoted;
use crate::domain::{Artifact, Language};
use crate::tools::read_tool::{Query, ReadTool, Source};
use crate::tools::{Readiness, Tool, ToolError};

mod branches;
mod diff;
mod log;
mod show;
mod status;

/// How many entries a list in a result has at most.
const MAX_LISTED: usize = 200;

/// All of them.
pub(super) fn tools(git: &Arc<Git>) -> Vec<Arc<dyn Tool>> {
    vec![
        ReadTool::<_, status::Status>::tool(git),
        ReadTool::<_, diff::Diff>::tool(git),
        ReadTool::<_, log::Log>::tool(git),
        ReadTool::<_, show::ShowFile>::tool(git),
        ReadTool::<_, branches::Branches>::tool(git),
    ]
}

/// Something to read from a repository.
trait Operation: DeserializeOwned + JsonSchema + Send + Sync + 'static {
    /// The tool's name.
    const NAME: &'static str;
    /// What it does, for the model.
    const DESCRIPTION: &'static str;

    /// The repository that the call names.
    fn repository(&self) -> Option<&RelativePath>;

    /// What people may look at in what was read.
    fn artifact(_result: &Value, _language: Language) -> Option<Artifact> {
        None
    }

    /// Reads it.
    fn read(self, repository: &Repository)
    -> impl Future<Output = Result<Value, ToolError>> + Send;
}

impl Source for Arc<Git> {
    type Target = Target;

    fn check(&self) -> Result<(), ToolError> {
        self.workspace().map(drop)
    }

    fn readiness(&self) -> Readiness {
        Git::readiness(self)
    }
}

/// The workspace, and where in it the repository is that a call names.
pub(in crate::tools) struct Target {
    git: Arc<Git>,
    location: Location,
}

impl<O: Operation> Query<Arc<Git>> for O {
    const NAME: &'static str = O::NAME;
    const DESCRIPTION: &'static str = O::DESCRIPTION;

    fn find(&self, git: &Arc<Git>) -> Result<Target, ToolError> {
        let location = git.workspace()?.locate(self.repository())?;
        Ok(Target { git: Arc::clone(git), location })
    }

    fn question(&self, target: &Target, language: Language) -> String {
        language.sentences().may_read_repository(O::NAME, &quoted(&target.location.name))
    }

    fn artifact(result: &Value, language: Language) -> Option<Artifact> {
        O::artifact(result, language)
    }

    async fn read(self, target: Target) -> Result<Value, ToolError> {
        let Target { git, location } = target;
        let runner = &git.runner;
        let _place = runner.place().await?;
        let work = async {
            let repository = Repository::open(Arc::clone(&git), location).await?;
            Operation::read(self, &repository).await
        };
        let seconds = runner.timeout.as_secs();
        let done = tokio::time::timeout(runner.timeout, work).await;
        done.unwrap_or(Err(ToolError::TimedOut { seconds }))
    }
}

/// Text of a result, with a note of what the limit cut off.
fn bounded_text(output: &Output) -> String {
    let mut text = output.text();
    if output.missing > 0 {
        text.push_str(&format!("\n[... {} more bytes]", output.missing));
    }
    text
}

//! The tools that read. Each is an operation on an opened repository; [`ReadTool`] makes a tool of
//! it: arguments, schema, finding the repository.

use std::future::Future;
use std::marker::PhantomData;
use std::sync::Arc;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::Git;
use super::command::Output;
use super::refs::RelativePath;
use super::repository::Repository;
use super::workspace::Location;
use crate::domain::Artifact;
use crate::domain::text::quoted;
use crate::tools::registry::{parse_arguments, schema_of};
use crate::tools::{Call, Effect, Tool, ToolContext, ToolError, ToolSpec};

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
        ReadTool::<status::Status>::tool(git),
        ReadTool::<diff::Diff>::tool(git),
        ReadTool::<log::Log>::tool(git),
        ReadTool::<show::ShowFile>::tool(git),
        ReadTool::<branches::Branches>::tool(git),
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
    fn artifact(_result: &Value) -> Option<Artifact> {
        None
    }

    /// Reads it.
    fn read(self, repository: &Repository)
    -> impl Future<Output = Result<Value, ToolError>> + Send;
}

/// An operation as a tool.
struct ReadTool<O> {
    spec: ToolSpec,
    git: Arc<Git>,
    operation: PhantomData<fn() -> O>,
}

impl<O: Operation> ReadTool<O> {
    fn tool(git: &Arc<Git>) -> Arc<dyn Tool> {
        let spec = ToolSpec {
            name: O::NAME.into(),
            description: O::DESCRIPTION.into(),
            parameters: schema_of::<O>(),
            effect: Effect::ReadOnly,
            dry_run: false,
            pins: &[],
        };
        Arc::new(Self { spec, git: Arc::clone(git), operation: PhantomData })
    }
}

#[async_trait]
impl<O: Operation> Tool for ReadTool<O> {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    async fn call(self: Arc<Self>, arguments: &Value) -> Result<Box<dyn Call>, ToolError> {
        let workspace = self.git.workspace()?;
        let operation: O = parse_arguments(arguments)?;
        let location = workspace.locate(operation.repository())?;
        Ok(Box::new(Reading { git: Arc::clone(&self.git), location, operation }))
    }

    fn artifact(&self, result: &Value) -> Option<Artifact> {
        O::artifact(result)
    }
}

/// A call of it.
struct Reading<O> {
    git: Arc<Git>,
    location: Location,
    operation: O,
}

#[async_trait]
impl<O: Operation> Call for Reading<O> {
    fn question(&self) -> String {
        format!("{} 도구로 저장소를 읽을까요? 저장소: {}", O::NAME, quoted(&self.location.name))
    }

    async fn run(self: Box<Self>, _context: &ToolContext) -> Result<Value, ToolError> {
        let Self { git, location, operation } = *self;
        let runner = &git.runner;
        let _place = runner.place().await?;
        let work = async {
            let repository = Repository::open(Arc::clone(&git), location).await?;
            operation.read(&repository).await
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

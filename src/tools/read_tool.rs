//! Tools that read from a service: a git workspace, GitHub. [`ReadTool`] makes a tool of each
//! [`Query`]: arguments, schema, finding what is meant before anybody is asked.

use std::future::Future;
use std::marker::PhantomData;
use std::sync::Arc;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::registry::{parse_arguments, schema_of};
use super::{Call, Effect, Readiness, Tool, ToolContext, ToolError, ToolSpec};
use crate::domain::{Artifact, Language};

/// What queries read from.
pub(in crate::tools) trait Source: Clone + Send + Sync + 'static {
    /// What of it one call reads, found and ready.
    type Target: Send + Sync + 'static;

    /// Whether there is anything to read from.
    ///
    /// # Errors
    /// The setting that is missing.
    fn check(&self) -> Result<(), ToolError>;

    /// Whether it can be read from.
    fn readiness(&self) -> Readiness {
        Readiness::of(self.check())
    }
}

/// Something to read from `S`; its fields are the arguments of the tool.
pub(in crate::tools) trait Query<S: Source>:
    DeserializeOwned + JsonSchema + Send + Sync + 'static
{
    /// The tool's name.
    const NAME: &'static str;
    /// What it does, for the model.
    const DESCRIPTION: &'static str;

    /// Finds what the call means, without reading it.
    fn find(&self, source: &S) -> Result<S::Target, ToolError>;

    /// Asks a person whether it may be read.
    fn question(&self, target: &S::Target, language: Language) -> String;

    /// What people may look at in what was read.
    fn artifact(result: &Value, language: Language) -> Option<Artifact>;

    /// Reads it.
    fn read(self, target: S::Target) -> impl Future<Output = Result<Value, ToolError>> + Send;
}

/// A query as a tool.
pub(in crate::tools) struct ReadTool<S, Q> {
    spec: ToolSpec,
    source: S,
    query: PhantomData<fn() -> Q>,
}

impl<S: Source, Q: Query<S>> ReadTool<S, Q> {
    pub(in crate::tools) fn tool(source: &S) -> Arc<dyn Tool> {
        let spec = ToolSpec {
            name: Q::NAME.into(),
            description: Q::DESCRIPTION.into(),
            parameters: schema_of::<Q>(),
            effect: Effect::ReadOnly,
            dry_run: false,
            pins: &[],
        };
        Arc::new(Self { spec, source: source.clone(), query: PhantomData })
    }
}

#[async_trait]
impl<S: Source, Q: Query<S>> Tool for ReadTool<S, Q> {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    async fn call(self: Arc<Self>, arguments: &Value) -> Result<Box<dyn Call>, ToolError> {
        self.source.check()?;
        let query: Q = parse_arguments(arguments)?;
        let target = query.find(&self.source)?;
        Ok(Box::new(Reading::<S, Q> { target, query }))
    }

    fn readiness(&self) -> Readiness {
        self.source.readiness()
    }

    fn artifact(&self, result: &Value, language: Language) -> Option<Artifact> {
        Q::artifact(result, language)
    }
}

/// A call of it.
struct Reading<S: Source, Q> {
    target: S::Target,
    query: Q,
}

#[async_trait]
impl<S: Source, Q: Query<S>> Call for Reading<S, Q> {
    fn question(&self, language: Language) -> String {
        self.query.question(&self.target, language)
    }

    async fn run(self: Box<Self>, _context: &ToolContext) -> Result<Value, ToolError> {
        self.query.read(self.target).await
    }
}

//! The tools that read. Each is a [`Query`]; [`Reader`] makes a tool of it.

use std::future::Future;
use std::marker::PhantomData;
use std::sync::Arc;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::TOKEN_SETTING;
use super::call::Call as Requests;
use super::client::Client;
use crate::domain::Artifact;
use crate::domain::text::quoted;
use crate::tools::registry::{parse_arguments, schema_of};
use crate::tools::{Call, Effect, Tool, ToolContext, ToolError, ToolSpec};

mod diff;
mod file;
mod pull;
mod pulls;

/// All of them; without a client each call says what is not configured.
pub(super) fn tools(client: Option<&Arc<Client>>) -> Vec<Arc<dyn Tool>> {
    vec![
        Reader::<pull::GetPull>::tool(client),
        Reader::<pulls::ListPulls>::tool(client),
        Reader::<diff::GetDiff>::tool(client),
        Reader::<file::GetFile>::tool(client),
    ]
}

/// Something to read from GitHub.
trait Query: DeserializeOwned + JsonSchema + Send + Sync + 'static {
    /// The tool's name.
    const NAME: &'static str;
    /// What it does, for the model.
    const DESCRIPTION: &'static str;

    /// What is read, for a person, for instance `dwp/aura#12`.
    fn subject(&self) -> String;

    /// What people may look at in what was read.
    fn artifact(_result: &Value) -> Option<Artifact> {
        None
    }

    /// Reads it.
    fn read(self, call: &Requests<'_>) -> impl Future<Output = Result<Value, ToolError>> + Send;
}

/// A query as a tool.
struct Reader<Q> {
    spec: ToolSpec,
    client: Option<Arc<Client>>,
    query: PhantomData<fn() -> Q>,
}

impl<Q: Query> Reader<Q> {
    fn tool(client: Option<&Arc<Client>>) -> Arc<dyn Tool> {
        let spec = ToolSpec {
            name: Q::NAME.into(),
            description: Q::DESCRIPTION.into(),
            parameters: schema_of::<Q>(),
            effect: Effect::ReadOnly,
            dry_run: false,
            pins: &[],
        };
        Arc::new(Self { spec, client: client.cloned(), query: PhantomData })
    }
}

#[async_trait]
impl<Q: Query> Tool for Reader<Q> {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    async fn call(self: Arc<Self>, arguments: &Value) -> Result<Box<dyn Call>, ToolError> {
        let client = self.client.clone();
        let client = client.ok_or(ToolError::NotConfigured { setting: TOKEN_SETTING })?;
        let query: Q = parse_arguments(arguments)?;
        Ok(Box::new(Reading { client, query }))
    }

    fn artifact(&self, result: &Value) -> Option<Artifact> {
        Q::artifact(result)
    }
}

/// A call of it.
struct Reading<Q> {
    client: Arc<Client>,
    query: Q,
}

#[async_trait]
impl<Q: Query> Call for Reading<Q> {
    fn question(&self) -> String {
        format!("{} 도구로 GitHub을 읽을까요? 대상: {}", Q::NAME, quoted(&self.query.subject()))
    }

    async fn run(self: Box<Self>, _context: &ToolContext) -> Result<Value, ToolError> {
        self.query.read(&Requests::begin(&self.client)).await
    }
}

//! The tools that read. Each is a [`Lookup`].

use std::future::Future;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::TOKEN_SETTING;
use super::client::Client;
use super::requests::Requests;
use crate::domain::text::quoted;
use crate::domain::{Artifact, Language};
use crate::tools::read_tool::{Query, ReadTool, Source};
use crate::tools::{Tool, ToolError};

mod diff;
mod file;
mod pull;
mod pulls;

/// All of them; without a client each call says what is not configured.
pub(super) fn tools(client: Option<&Arc<Client>>) -> Vec<Arc<dyn Tool>> {
    let client = client.cloned();
    vec![
        ReadTool::<_, pull::GetPull>::tool(&client),
        ReadTool::<_, pulls::ListPulls>::tool(&client),
        ReadTool::<_, diff::GetDiff>::tool(&client),
        ReadTool::<_, file::GetFile>::tool(&client),
    ]
}

/// Something to read from GitHub.
trait Lookup: DeserializeOwned + JsonSchema + Send + Sync + 'static {
    /// The tool's name.
    const NAME: &'static str;
    /// What it does, for the model.
    const DESCRIPTION: &'static str;

    /// What is read, for a person, for instance `dwp/aura#12`.
    fn subject(&self) -> String;

    /// What people may look at in what was read.
    fn artifact(_result: &Value, _language: Language) -> Option<Artifact> {
        None
    }

    /// Reads it.
    fn read(self, call: &Requests<'_>) -> impl Future<Output = Result<Value, ToolError>> + Send;
}

impl Source for Option<Arc<Client>> {
    type Target = Arc<Client>;

    fn check(&self) -> Result<(), ToolError> {
        configured(self).map(drop)
    }
}

impl<L: Lookup> Query<Option<Arc<Client>>> for L {
    const NAME: &'static str = L::NAME;
    const DESCRIPTION: &'static str = L::DESCRIPTION;

    fn find(&self, client: &Option<Arc<Client>>) -> Result<Arc<Client>, ToolError> {
        configured(client).cloned()
    }

    fn question(&self, _client: &Arc<Client>, language: Language) -> String {
        language.sentences().may_read_github(L::NAME, &quoted(&self.subject()))
    }

    fn artifact(result: &Value, language: Language) -> Option<Artifact> {
        L::artifact(result, language)
    }

    async fn read(self, client: Arc<Client>) -> Result<Value, ToolError> {
        Lookup::read(self, &Requests::begin(&client)).await
    }
}

fn configured(client: &Option<Arc<Client>>) -> Result<&Arc<Client>, ToolError> {
    client.as_ref().ok_or(ToolError::NotConfigured { setting: TOKEN_SETTING })
}

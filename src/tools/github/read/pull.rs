//! `github_get_pr`: one pull request.

use std::num::NonZeroU64;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use super::Lookup;
use crate::tools::ToolError;
use crate::tools::github::names::{Owner, RepositoryName};
use crate::tools::github::requests::Requests;
use crate::tools::github::wire::Pull;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct GetPull {
    /// Owner of the repository, a user or an organisation.
    owner: Owner,
    /// Name of the repository.
    repo: RepositoryName,
    /// Number of the pull request.
    number: NonZeroU64,
}

impl Lookup for GetPull {
    const NAME: &'static str = "github_get_pr";
    const DESCRIPTION: &'static str = "Show one pull request on GitHub: title, description, \
        branches, state, whether it can be merged, and how much it changes.";

    fn subject(&self) -> String {
        format!("{}/{}#{}", self.owner, self.repo, self.number)
    }

    async fn read(self, github: &Requests<'_>) -> Result<Value, ToolError> {
        let (owner, repo, number) =
            (self.owner.as_str(), self.repo.as_str(), self.number.to_string());
        let url = github.client.url(["repos", owner, repo, "pulls", &number], &[]);
        let what = format!("pull request {}", self.subject());
        let pull: Pull = github.get_json(url, &what).await?;
        let mut result = json!({"owner": owner, "repo": repo});
        if let (Value::Object(result), Value::Object(pull)) =
            (&mut result, pull.full(github.client.max_output_bytes))
        {
            result.extend(pull);
        }
        Ok(result)
    }
}

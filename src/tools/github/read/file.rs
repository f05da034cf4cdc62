//! `github_get_file`: one file of a repository.

use http::header::CONTENT_TYPE;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use super::Lookup;
use crate::domain::artifact::Text;
use crate::domain::{Artifact, Language};
use crate::tools::ToolError;
use crate::tools::git::refs::{RefName, RelativePath};
use crate::tools::github::names::{Owner, RepositoryName};
use crate::tools::github::requests::Requests;
use crate::tools::github::text::Head;

/// The file's own bytes. A directory comes as JSON all the same.
const ACCEPT: &str = "application/vnd.github.raw+json";
const DIRECTORY: &str = "application/json";
/// Most bytes that are read to find out how long a file is.
const READ_MAX: usize = 16 * 1024 * 1024;
/// Git's own rule: a NUL among the first bytes makes a file binary.
const LOOKED_AT_FOR_NUL: usize = 8000;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct GetFile {
    /// Owner of the repository, a user or an organisation.
    owner: Owner,
    /// Name of the repository.
    repo: RepositoryName,
    /// Path of the file inside the repository.
    path: RelativePath,
    /// Branch, tag or commit to take it from. Default: the repository's default branch.
    #[serde(rename = "ref")]
    at: Option<RefName>,
}

impl Lookup for GetFile {
    const NAME: &'static str = "github_get_file";
    const DESCRIPTION: &'static str =
        "Show the content of one file of a repository on GitHub as a branch, tag or commit has it.";

    fn subject(&self) -> String {
        format!("{}/{}: {}", self.owner, self.repo, self.path)
    }

    fn artifact(result: &Value, _language: Language) -> Option<Artifact> {
        let (path, content) = (result["path"].as_str()?, result["content"].as_str()?);
        let truncated = result["truncated"].as_bool().unwrap_or_default();
        Some(Artifact::Text(Text::new(path, content, truncated)))
    }

    async fn read(self, github: &Requests<'_>) -> Result<Value, ToolError> {
        let place = ["repos", self.owner.as_str(), self.repo.as_str(), "contents"];
        let path = place.into_iter().chain(self.path.as_str().split('/'));
        let query: Vec<_> = self.at.iter().map(|name| ("ref", name.as_str())).collect();
        let what = format!("file {} in {}/{}", self.path, self.owner, self.repo);
        let response = github.get(github.client.url(path, &query), ACCEPT, &what).await?;
        let kind = response.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
        if kind.is_some_and(|kind| kind.starts_with(DIRECTORY)) {
            let path = &self.path;
            return Err(ToolError::NotFound(format!("{path} is a directory, not a file")));
        }
        let mut head = Head::new(github.client.max_output_bytes);
        let whole = github.pieces(response, READ_MAX, |piece| head.push(piece)).await?;
        let size = head.size();
        let binary = head.bytes().iter().take(LOOKED_AT_FOR_NUL).any(|byte| *byte == 0);
        let cut = head.cut();
        let truncated = !binary && (cut.missing > 0 || !whole);
        let end = if whole { "" } else { ", and what is beyond 16 MiB" };
        let mut file = json!({
            "owner": self.owner.as_str(),
            "repo": self.repo.as_str(),
            "path": self.path.as_str(),
            "ref": self.at.as_ref().map(RefName::as_str),
            "size": whole.then_some(size),
            "binary": binary,
            "content": if binary { Value::Null } else { cut.with_note(end).into() },
            "truncated": truncated,
        });
        if binary {
            file["note"] = "a binary file, not shown".into();
        }
        Ok(file)
    }
}

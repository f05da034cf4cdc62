//! `git_show_file`: one file as a commit has it. Read from git's objects, never from the file
//! system, so a symbolic link in the work tree leads nowhere.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Operation, bounded_text};
use crate::domain::artifact::Text;
use crate::domain::{Artifact, Language};
use crate::tools::ToolError;
use crate::tools::git::refs::{RefName, RelativePath};
use crate::tools::git::repository::Repository;

/// Git's own rule: a NUL among the first bytes makes a file binary.
const LOOKED_AT_FOR_NUL: usize = 8000;
/// The mode of a symbolic link in a tree.
const LINK_MODE: &str = "120000";

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ShowFile {
    /// Path of the repository below the workspace root; not needed if there is only one.
    repository: Option<RelativePath>,
    /// Path of the file inside the repository.
    path: RelativePath,
    /// Branch, tag or commit to take it from. Default: HEAD, the last commit.
    #[serde(rename = "ref")]
    at: Option<RefName>,
}

impl Operation for ShowFile {
    const NAME: &'static str = "git_show_file";
    const DESCRIPTION: &'static str =
        "Show the content of one file as a branch, tag or commit has it.";

    fn repository(&self) -> Option<&RelativePath> {
        self.repository.as_ref()
    }

    fn artifact(result: &Value, _language: Language) -> Option<Artifact> {
        let (path, content) = (result["path"].as_str()?, result["content"].as_str()?);
        let truncated = result["truncated"].as_bool().unwrap_or_default();
        Some(Artifact::Text(Text::new(path, content, truncated)))
    }

    async fn read(self, repository: &Repository) -> Result<Value, ToolError> {
        let commit = match &self.at {
            Some(name) => repository.revision(name).await?,
            None => repository.head().await?,
        };
        let name = self.at.as_ref().map_or("HEAD", RefName::as_str);
        let entry = find(repository, &commit, &self.path, name).await?;
        let blob = repository.call(&["cat-file", "blob", &entry.hash]).output();
        let blob = blob.await?.ok("cat-file")?;
        let binary = blob.stdout.iter().take(LOOKED_AT_FOR_NUL).any(|byte| *byte == 0);
        let size = blob.stdout.len() as u64 + blob.missing;
        let mut file = json!({
            "repository": repository.name(),
            "path": self.path.as_str(),
            "ref": name,
            "commit": commit,
            "size": size,
            "binary": binary,
            "content": if binary { Value::Null } else { bounded_text(&blob).into() },
            "truncated": !binary && blob.missing > 0,
        });
        if binary {
            file["note"] = format!("a binary file of {size} bytes, not shown").into();
        } else if entry.mode == LINK_MODE {
            file["note"] = "a symbolic link: the content is where it points to".into();
        }
        Ok(file)
    }
}

/// A file's entry in a tree.
struct TreeEntry {
    mode: String,
    hash: String,
}

async fn find(
    repository: &Repository,
    commit: &str,
    path: &RelativePath,
    name: &str,
) -> Result<TreeEntry, ToolError> {
    let args = ["ls-tree", "-z", "--full-tree", commit, "--", path.as_str()];
    let output = repository.call(&args).whole().await?.ok("ls-tree")?;
    let no_file = |what: &str| ToolError::NotFound(format!("{path} is {what} in {name}"));
    let fields = output.fields();
    let entry = fields.first().and_then(|entry| entry.split_once('\t'));
    let found = entry.filter(|(_, found)| *found == path.as_str());
    let (about, _) = found.ok_or_else(|| no_file("not a file that is there"))?;
    let about: Vec<&str> = about.split(' ').collect();
    match about.as_slice() {
        [mode, "blob", hash] => Ok(TreeEntry { mode: (*mode).into(), hash: (*hash).into() }),
        [_, "tree", _] => Err(no_file("a directory, not a file,")),
        [_, "commit", _] => Err(no_file("a submodule, not a file,")),
        _ => Err(ToolError::Failed("git ls-tree answered something unknown".into())),
    }
}

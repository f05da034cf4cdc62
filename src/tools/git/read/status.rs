//! `git_status`: what has been changed since the last commit.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{MAX_LISTED, Operation};
use crate::domain::{Artifact, Language};
use crate::tools::ToolError;
use crate::tools::git::refs::RelativePath;
use crate::tools::git::repository::Repository;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Status {
    /// Path of the repository below the workspace root; not needed if there is only one.
    repository: Option<RelativePath>,
}

impl Operation for Status {
    const NAME: &'static str = "git_status";
    const DESCRIPTION: &'static str = "Show the state of a git repository: the current branch, its \
        commit, and which files are staged, changed, in conflict or untracked.";

    fn repository(&self) -> Option<&RelativePath> {
        self.repository.as_ref()
    }

    fn artifact(result: &Value, language: Language) -> Option<Artifact> {
        let none = |list: &str| result["counts"][list].as_u64().map(|count| count == 0);
        let branch = result["branch"].as_str().unwrap_or("HEAD");
        let is_so = [none("conflicted")?, none("staged")? && none("unstaged")?, none("untracked")?];
        let words = language.sentences();
        let lines = words.clean_branch().into_iter().zip(is_so);
        Some(Artifact::checklist(words.state_of_branch(branch), lines))
    }

    async fn read(self, repository: &Repository) -> Result<Value, ToolError> {
        let args = [
            "status",
            "--porcelain=v2",
            "--branch",
            "-z",
            "--untracked-files=normal",
            "--ignore-submodules=all",
            "--no-ahead-behind",
            "--find-renames",
        ];
        let output = repository.call(&args).output().await?.ok("status")?;
        let report = Report::parse(&output.fields());
        Ok(report.into_json(repository.name(), output.missing > 0))
    }
}

/// What `status --porcelain=v2` says.
#[derive(Debug, Default, PartialEq)]
struct Report {
    head: Option<String>,
    branch: Option<String>,
    staged: Vec<Value>,
    unstaged: Vec<Value>,
    conflicted: Vec<Value>,
    untracked: Vec<Value>,
}

impl Report {
    fn parse(fields: &[String]) -> Self {
        let mut report = Self::default();
        let mut fields = fields.iter();
        while let Some(field) = fields.next() {
            match field.split_once(' ') {
                Some(("#", header)) => report.header(header),
                Some(("1", entry)) => report.changed(entry, 6, None),
                Some(("2", entry)) => report.changed(entry, 7, fields.next().map(String::as_str)),
                Some(("u", entry)) => {
                    report.conflicted.extend(nth_field(entry, 9).map(Value::from))
                }
                Some(("?", path)) => report.untracked.push(path.into()),
                Some(_) | None => {}
            }
        }
        report
    }

    fn header(&mut self, header: &str) {
        match header.split_once(' ') {
            Some(("branch.oid", oid)) if oid != "(initial)" => self.head = Some(oid.into()),
            Some(("branch.head", name)) if name != "(detached)" => self.branch = Some(name.into()),
            Some(_) | None => {}
        }
    }

    /// An entry `XY …`, its path after `before` more fields.
    fn changed(&mut self, entry: &str, before: usize, from: Option<&str>) {
        let mut codes = entry.chars();
        let (Some(index), Some(tree)) = (codes.next(), codes.next()) else {
            return;
        };
        let Some(path) = nth_field(entry, before + 1) else {
            return;
        };
        for (code, list) in [(index, &mut self.staged), (tree, &mut self.unstaged)] {
            let Some(change) = change_name(code) else {
                continue;
            };
            list.push(match from {
                Some(from) if code == 'R' || code == 'C' => {
                    json!({"path": path, "change": change, "from": from})
                }
                Some(_) | None => json!({"path": path, "change": change}),
            });
        }
    }

    fn into_json(self, repository: &str, cut: bool) -> Value {
        let lists = [&self.staged, &self.unstaged, &self.conflicted, &self.untracked];
        let counts = lists.map(Vec::len);
        let first =
            |list: Vec<Value>| -> Vec<Value> { list.into_iter().take(MAX_LISTED).collect() };
        json!({
            "repository": repository,
            "branch": self.branch,
            "head": self.head,
            "clean": counts.iter().all(|count| *count == 0),
            "counts": {
                "staged": counts[0],
                "unstaged": counts[1],
                "conflicted": counts[2],
                "untracked": counts[3],
            },
            "staged": first(self.staged),
            "unstaged": first(self.unstaged),
            "conflicted": first(self.conflicted),
            "untracked": first(self.untracked),
            "truncated": cut || counts.iter().any(|count| *count > MAX_LISTED),
        })
    }
}

/// The rest of a line from its `n`th space-separated field on: a path may hold spaces.
fn nth_field(entry: &str, n: usize) -> Option<&str> {
    entry.splitn(n + 1, ' ').nth(n)
}

fn change_name(code: char) -> Option<&'static str> {
    match code {
        'M' => Some("modified"),
        'T' => Some("typeChanged"),
        'A' => Some("added"),
        'D' => Some("deleted"),
        'R' => Some("renamed"),
        'C' => Some("copied"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(fields: &[&str]) -> Report {
        Report::parse(&fields.iter().map(|field| (*field).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn paths_with_spaces_renames_and_conflicts_are_read() {
        let report = parse(&[
            "# branch.oid 1111",
            "# branch.head main",
            "1 MD N... 100644 100644 000000 aaaa bbbb a b.txt",
            "2 R. N... 100644 100644 100644 aaaa bbbb R100 new name",
            "old name",
            "u UU N... 100644 100644 100644 100644 a b c both sides.txt",
            "? not yet.txt",
        ]);
        let expected = Report {
            head: Some("1111".into()),
            branch: Some("main".into()),
            staged: vec![
                json!({"path": "a b.txt", "change": "modified"}),
                json!({"path": "new name", "change": "renamed", "from": "old name"}),
            ],
            unstaged: vec![json!({"path": "a b.txt", "change": "deleted"})],
            conflicted: vec!["both sides.txt".into()],
            untracked: vec!["not yet.txt".into()],
        };
        assert_eq!(report, expected);
    }

    #[test]
    fn a_repository_without_commits_and_a_detached_head_have_neither() {
        let report = parse(&["# branch.oid (initial)", "# branch.head (detached)"]);
        assert_eq!(report, Report::default());
    }
}

//! Who a merge is by.

use crate::tools::git::command::GitCommand;
use crate::tools::git::repository::Repository;

/// Who merges where the repository does not say.
const NAME: &str = "Aura-Platform";
const EMAIL: &str = "aura@dwp.local";

/// The call with the names that its commit or log entry is to carry.
pub(super) fn signed<'a>(command: GitCommand<'a>, repository: &Repository) -> GitCommand<'a> {
    let given = repository.identity();
    let given = given.filter(|id| !id.name.trim().is_empty() && !id.email.trim().is_empty());
    let (name, email) = given.map_or((NAME, EMAIL), |id| (&id.name, &id.email));
    command
        .env("GIT_AUTHOR_NAME", name)
        .env("GIT_AUTHOR_EMAIL", email)
        .env("GIT_COMMITTER_NAME", name)
        .env("GIT_COMMITTER_EMAIL", email)
}

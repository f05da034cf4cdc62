//! Where a repository was cloned from, without what may be secret in it.

/// A repository on another machine: `github.com/dwp/aura`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Origin(String);

impl Origin {
    /// Takes host and path from a remote's URL, or from `user@host:path`. Users, passwords, tokens,
    /// ports and queries stay behind. `None`: a directory of this machine, or nothing that is understood.
    pub(super) fn of_url(url: &str) -> Option<Self> {
        let (host, path) = match url.split_once("://") {
            Some(("http" | "https" | "ssh" | "git" | "git+ssh", rest)) => rest.split_once('/')?,
            Some(_) => return None,
            None => url.split_once(':').filter(|(host, _)| !host.contains('/'))?,
        };
        let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
        let host = host.split_once(':').map_or(host, |(host, _port)| host);
        let path = path.split(['?', '#']).next().unwrap_or_default().trim_matches('/');
        let path = path.strip_suffix(".git").unwrap_or(path);
        let is_plain = |text: &str| {
            !text.is_empty()
                && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-/".contains(&b))
        };
        (is_plain(host) && is_plain(path)).then(|| Self(format!("{host}/{path}")))
    }

    /// The host, a slash and the path.
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn host_and_path_are_taken_and_nothing_secret() {
        for url in [
            "https://github.com/dwp/aura.git",
            "https://github.com/dwp/aura",
            "https://kim:ghp_hunter2@github.com/dwp/aura.git/",
            "ssh://git@github.com:22/dwp/aura.git",
            "git@github.com:dwp/aura.git",
            "github.com:dwp/aura?token=hunter2",
        ] {
            let origin = Origin::of_url(url).unwrap();
            assert_eq!(origin.as_str(), "github.com/dwp/aura", "{url}");
        }
    }

    #[test]
    fn a_directory_is_no_other_machine() {
        for url in ["/srv/git/aura.git", "../aura", "file:///srv/aura", "C:/aura b", "", "https://"]
        {
            assert_eq!(Origin::of_url(url), None, "{url}");
        }
    }
}

//! What a build can go without: the features of the package.

use super::AppError;
use crate::settings::Settings;

/// Which features a build has.
#[derive(Clone, Copy, Debug)]
pub(super) struct Features {
    /// The GitHub tools.
    pub(super) github: bool,
    /// The mail tool.
    pub(super) mail: bool,
    /// The tools of MCP servers.
    pub(super) mcp: bool,
}

impl Features {
    /// Those of this build.
    pub(super) const BUILT_IN: Self = Self {
        github: cfg!(feature = "github"),
        mail: cfg!(feature = "mail"),
        mcp: cfg!(feature = "mcp"),
    };

    /// Whether the build has all that the settings ask for.
    ///
    /// # Errors
    /// [`AppError::LeftOut`] with the first setting that asks for more.
    pub(super) fn check(self, settings: &Settings) -> Result<(), AppError> {
        let github = &settings.github;
        let uses_mcp = settings.mcp_servers.iter().any(|server| server.enabled);
        let asked = [
            (self.github, github.token.is_some(), "github", "github.token (GITHUB_TOKEN)"),
            (self.github, github.own_api_url, "github", "github.api_url (GITHUB_API_URL)"),
            (self.mail, settings.smtp.url.is_some(), "mail", "smtp.url (SMTP_URL)"),
            (self.mcp, uses_mcp, "mcp", "mcp.servers"),
        ];
        let missing = asked.into_iter().find(|&(is_there, is_asked, ..)| is_asked && !is_there);
        missing.map_or(Ok(()), |(.., feature, setting)| Err(AppError::LeftOut { setting, feature }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::{Environment, Layers, Purpose};

    const NONE: Features = Features { github: false, mail: false, mcp: false };

    fn settings(environment: &[(&str, &str)]) -> Settings {
        let layers = Layers::read(&Environment::of(environment.iter().copied()), Purpose::Dev);
        layers.check().unwrap().settings
    }

    #[test]
    fn a_build_without_anything_serves_whoever_asks_for_nothing_of_it() {
        assert!(NONE.check(&settings(&[])).is_ok());
        let unused = [
            ("AURA__MCP__SERVERS__JIRA__COMMAND", "jira-mcp"),
            ("AURA__MCP__SERVERS__JIRA__ENABLED", "false"),
        ];
        assert!(NONE.check(&settings(&unused)).is_ok());
    }

    #[test]
    fn what_a_setting_asks_for_and_the_build_left_out_is_told_in_one_line() {
        for (variable, value, all_the_same, told) in [
            (
                "GITHUB_TOKEN",
                "ghp_x",
                Features { github: true, ..NONE },
                "github.token (GITHUB_TOKEN): this build was made without the feature `github`",
            ),
            (
                "GITHUB_API_URL",
                "https://github.example.com/api/v3",
                Features { github: true, ..NONE },
                "github.api_url (GITHUB_API_URL): this build was made without the feature `github`",
            ),
            (
                "SMTP_URL",
                "smtp://mail.example.com",
                Features { mail: true, ..NONE },
                "smtp.url (SMTP_URL): this build was made without the feature `mail`",
            ),
            (
                "AURA__MCP__SERVERS__JIRA__COMMAND",
                "jira-mcp",
                Features { mcp: true, ..NONE },
                "mcp.servers: this build was made without the feature `mcp`",
            ),
        ] {
            let settings = settings(&[(variable, value)]);
            assert_eq!(NONE.check(&settings).unwrap_err().to_string(), told);
            assert!(all_the_same.check(&settings).is_ok(), "{variable}");
        }
    }
}

//! What a setting is called in the environment.

pub(super) mod mcp;

/// In front of the long form, `AURA__<SECTION>__<KEY>`.
pub(super) const PREFIX: &str = "AURA__";

/// Names the settings file; not a setting itself.
pub(super) const CONFIG_FILE: &str = "AURA_CONFIG";

/// Tables whose keys are names of tools, roles or headers, so that no list of known keys can hold them.
pub(super) const APPROVAL: &str = "tools.approval";
pub(super) const APPROVERS: &str = "tools.approvers";
pub(super) const ROLES: &str = "auth.roles";
pub(super) const HEADERS: &str = "model.headers";
pub(super) const TIMEOUTS: &str = "hitl.timeouts";
pub(super) const TABLES: [&str; 5] = [APPROVAL, APPROVERS, ROLES, HEADERS, TIMEOUTS];

/// The tool, role or header that a key of such a table names.
pub(super) fn in_table(key: &str) -> Option<&str> {
    TABLES.iter().find_map(|table| entry_of(table, key))
}

/// The name of an entry of this table, if the key is one.
pub(super) fn entry_of<'a>(table: &str, key: &'a str) -> Option<&'a str> {
    key.strip_prefix(table)?.strip_prefix('.').filter(|name| !name.is_empty())
}

/// The short names (contract, section 9) and the settings that they mean.
pub(super) const SHORT: [(&str, &str); 22] = [
    ("API_HOST", "api.host"),
    ("API_PORT", "api.port"),
    ("JWT_SECRET", "auth.jwt_secret"),
    ("SECRET_KEY", "auth.jwt_secret"),
    ("REDIS_URL", "redis.url"),
    ("REDIS_HOST", "redis.host"),
    ("REDIS_PORT", "redis.port"),
    ("REDIS_PASSWORD", "redis.password"),
    ("HITL_TIMEOUT_SECONDS", "hitl.timeout_seconds"),
    ("OPENAI_API_KEY", "openai.api_key"),
    ("OPENAI_BASE_URL", "openai.base_url"),
    ("OPENAI_MODEL", "openai.model"),
    ("AZURE_OPENAI_ENDPOINT", "azure_openai.endpoint"),
    ("AZURE_OPENAI_API_KEY", "azure_openai.api_key"),
    ("AZURE_OPENAI_DEPLOYMENT", "azure_openai.deployment"),
    ("AZURE_OPENAI_API_VERSION", "azure_openai.api_version"),
    ("GITHUB_TOKEN", "github.token"),
    ("GITHUB_API_URL", "github.api_url"),
    ("WORKSPACE_ROOT", "workspace.root"),
    ("SMTP_URL", "smtp.url"),
    ("LOG_LEVEL", "log.level"),
    ("LOG_FORMAT", "log.format"),
];

/// The setting that an environment variable means; `None` if it is none of ours.
///
/// Whether there is such a setting is not looked at: `AURA__HTIL__TIMEOUT` means `htil.timeout`.
pub(super) fn setting_of(variable: &str) -> Option<String> {
    if let Some(path) = variable.strip_prefix(PREFIX) {
        // The names of variables for a child process are not ours to write small.
        let (ours, theirs) = mcp::split_variable(path);
        let key = ours.to_ascii_lowercase().replace("__", ".") + theirs;
        // No variable has a hyphen in its name, and no header an underscore.
        let header = entry_of(HEADERS, &key).map(|name| name.replace('_', "-"));
        return Some(header.map_or(key, |name| format!("{HEADERS}.{name}")));
    }
    SHORT.iter().find(|(name, _)| *name == variable).map(|(_, key)| (*key).to_owned())
}

/// How a person would set this in the environment: the short name where there is one.
pub(super) fn variable_of(key: &str) -> String {
    let short = SHORT.iter().find(|(_, setting)| *setting == key);
    short.map_or_else(
        || format!("{PREFIX}{}", key.to_ascii_uppercase().replace('.', "__")),
        |(name, _)| (*name).to_owned(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_and_long_names_mean_the_same_setting() {
        assert_eq!(setting_of("SECRET_KEY").as_deref(), Some("auth.jwt_secret"));
        assert_eq!(setting_of("AURA__AUTH__JWT_SECRET").as_deref(), Some("auth.jwt_secret"));
        assert_eq!(
            setting_of("AURA__AZURE_OPENAI__API_KEY").as_deref(),
            Some("azure_openai.api_key")
        );
    }

    #[test]
    fn a_header_has_hyphens_where_its_variable_has_underscores() {
        let key = setting_of("AURA__MODEL__HEADERS__OPENAI_PROJECT");
        assert_eq!(key.as_deref(), Some("model.headers.openai-project"));
    }

    #[test]
    fn other_variables_are_none_of_ours() {
        for variable in ["PATH", "AURA_CONFIG", "api_host", "AURA_", "OPENAI_ORG"] {
            assert_eq!(setting_of(variable), None, "{variable}");
        }
    }

    #[test]
    fn a_person_is_told_the_short_name_where_there_is_one() {
        assert_eq!(variable_of("auth.jwt_secret"), "JWT_SECRET");
        assert_eq!(variable_of("agent.max_runs"), "AURA__AGENT__MAX_RUNS");
    }
}

//! All settings that there are, and what follows from their declarations: what is known, what each is
//! called in the environment, and what of it may be seen.

use super::key::{Contents, Declared, PREFIX, Spelling};
use super::secret::Visibility;
use super::{
    admin, agent, api, approvals, audit, auth, azure_openai, console, embedded, github, hitl,
    journal, limits, log, mcp, model, network, openai, platform, redis, smtp, stream, tools,
    workspace,
};

/// How the name of a variable ends that names a file with a secret.
const IN_FILE: &str = "_FILE";

/// The settings of each section.
const SECTIONS: [&[&dyn Declared]; 24] = [
    admin::KEYS,
    agent::KEYS,
    api::KEYS,
    approvals::KEYS,
    audit::KEYS,
    auth::KEYS,
    azure_openai::KEYS,
    console::KEYS,
    embedded::KEYS,
    github::KEYS,
    hitl::KEYS,
    journal::KEYS,
    limits::KEYS,
    log::KEYS,
    mcp::KEYS,
    model::KEYS,
    network::KEYS,
    openai::KEYS,
    platform::KEYS,
    redis::KEYS,
    smtp::KEYS,
    stream::KEYS,
    tools::KEYS,
    workspace::KEYS,
];

/// Every setting. A table is one, and what is in it is none.
pub(super) fn all() -> impl Iterator<Item = &'static dyn Declared> {
    SECTIONS.iter().flat_map(|section| section.iter().copied())
}

/// Whether there is such a setting, or whether it is an entry of a table.
pub(super) fn is_known(name: &str) -> bool {
    visibility_of(name).is_some()
}

/// Whether it is the name of a section or of a table.
pub(super) fn is_table(name: &str) -> bool {
    let prefix = format!("{name}.");
    all().any(|setting| match setting.contents() {
        Contents::Value => setting.name().starts_with(&prefix),
        Contents::Entries(_) | Contents::Tables(_) => {
            setting.name() == name || setting.name().starts_with(&prefix)
        }
    })
}

/// What of a setting may be shown. Of what is not known, everything: it is no setting, and refused.
pub(super) fn visibility(name: &str) -> Visibility {
    visibility_of(name).unwrap_or(Visibility::Plain)
}

fn visibility_of(name: &str) -> Option<Visibility> {
    all().find_map(|setting| visibility_in(setting, name))
}

/// What may be shown of this name, if it is that of a setting or of something in it.
fn visibility_in(setting: &dyn Declared, name: &str) -> Option<Visibility> {
    let rest = name.strip_prefix(setting.name())?;
    if rest.is_empty() {
        return Some(setting.visibility());
    }
    let rest = rest.strip_prefix('.')?;
    match setting.contents() {
        Contents::Value => None,
        Contents::Entries(_) => (!rest.is_empty()).then(|| setting.visibility()),
        Contents::Tables(settings) => match rest.split_once('.') {
            None => Some(setting.visibility()),
            Some((_, name)) => settings.iter().find_map(|setting| visibility_in(*setting, name)),
        },
    }
}

/// The setting that an environment variable means; `None` if it is none of ours.
///
/// Whether there is such a setting is not looked at: `AURA__HTIL__TIMEOUT` means `htil.timeout`.
pub(super) fn setting_of(variable: &str) -> Option<String> {
    if let Some(path) = variable.strip_prefix(PREFIX) {
        let entry = all().find_map(|setting| entry_of(setting, path));
        return Some(entry.unwrap_or_else(|| dotted(path)));
    }
    all().find(|setting| setting.variables().contains(&variable)).map(|found| found.name().into())
}

/// The dotted name of a setting whose variable ends so.
fn dotted(path: &str) -> String {
    path.to_ascii_lowercase().replace("__", ".")
}

/// The same for an entry of a table of this setting, spelled as the table spells its names.
fn entry_of(setting: &dyn Declared, path: &str) -> Option<String> {
    let table = setting.name();
    let (start, rest) = path.split_at_checked(table.replace('.', "__").len())?;
    let rest = rest.strip_prefix("__").filter(|_| dotted(start) == table)?;
    match setting.contents() {
        Contents::Value => None,
        Contents::Entries(spelling) => {
            let entry = match spelling {
                Spelling::LowerCase => dotted(rest),
                Spelling::Header => dotted(rest).replace('_', "-"),
                Spelling::AsWritten => rest.to_owned(),
            };
            Some(format!("{table}.{entry}"))
        }
        Contents::Tables(settings) => {
            let (name, path) = rest.split_once("__")?;
            let entry = settings.iter().find_map(|setting| entry_of(*setting, path))?;
            Some(format!("{table}.{}.{entry}", dotted(name)))
        }
    }
}

/// The secret that stands in the file which an environment variable names; `None` if the variable
/// names no such file.
pub(super) fn in_file(variable: &str) -> Option<String> {
    let name = setting_of(variable.strip_suffix(IN_FILE)?)?;
    all().any(|setting| setting.name() == name && has_file(setting)).then_some(name)
}

/// Whether a setting may be read from a file that `<NAME>_FILE` names. Not those of child processes:
/// they may have variables of their own that are called so.
pub(super) fn has_file(setting: &dyn Declared) -> bool {
    let is_value = matches!(setting.contents(), Contents::Value);
    is_value && setting.visibility() != Visibility::Plain
}

/// What there is in place of an unknown setting.
pub(super) fn neighbours(name: &str) -> String {
    if let Some(neighbours) = all().find_map(|setting| neighbours_in(setting, name)) {
        return neighbours;
    }
    let section = name.split('.').next().unwrap_or_default();
    let prefix = format!("{section}.");
    let mut names: Vec<_> = all().filter_map(|one| one.name().strip_prefix(&prefix)).collect();
    if !names.is_empty() {
        names.sort_unstable();
        return format!("[{section}] has {}", names.join(", "));
    }
    let mut sections: Vec<_> = all().filter_map(|one| one.name().split('.').next()).collect();
    sections.sort_unstable();
    sections.dedup();
    format!("the sections are {}", sections.join(", "))
}

/// What there is in the table of this setting that the name is about.
fn neighbours_in(setting: &dyn Declared, name: &str) -> Option<String> {
    let Contents::Tables(settings) = setting.contents() else {
        return None;
    };
    let tables = setting.name();
    let table = name.strip_prefix(tables)?.strip_prefix('.')?.split('.').next()?;
    let names: Vec<_> = settings.iter().map(|setting| setting.name()).collect();
    Some(format!("[{tables}.{table}] has {}", names.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::super::key;
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
    fn a_server_may_be_named_like_one_of_its_settings() {
        let key = setting_of("AURA__MCP__SERVERS__ENV__COMMAND");
        assert_eq!(key.as_deref(), Some("mcp.servers.env.command"));
        let key = setting_of("AURA__mcp__Servers__ENV__ENV__Api__Key");
        assert_eq!(key.as_deref(), Some("mcp.servers.env.env.Api__Key"));
    }

    #[test]
    fn other_variables_are_none_of_ours() {
        for variable in ["PATH", "AURA_CONFIG", "api_host", "AURA_", "OPENAI_ORG"] {
            assert_eq!(setting_of(variable), None, "{variable}");
        }
    }

    #[test]
    fn a_person_is_told_the_short_name_where_there_is_one() {
        let variable = |name: &str| {
            let setting = all().find(|setting| setting.name() == name).unwrap();
            key::variable(name, setting.variables())
        };
        assert_eq!(variable("auth.jwt_secret"), "JWT_SECRET");
        assert_eq!(variable("agent.max_runs"), "AURA__AGENT__MAX_RUNS");
    }
}

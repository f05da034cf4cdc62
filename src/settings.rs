//! Settings: what there is to set, where it came from, and that it makes sense.
//!
//! Five layers, the later ones win: `config/default.toml`, compiled in; what `--dev` changes; a file;
//! the environment; the command line. Everything is checked before anything starts, and every fault
//! is told.

use std::fmt;

use thiserror::Error;

mod check;
mod headers;
mod mode;
mod names;
mod read;
mod secret;
mod sections;
mod source;

pub use mode::{DevSetup, Listening, Mode, StoreInUse};
pub use sections::{
    AgentSettings, ApiSettings, Approval, Ask, AuthSettings, AzureOpenAiSettings, FallbackSettings,
    GitHubSettings, HitlSettings, KeyOrigin, McpServerSettings, McpTransport, ModelSettings,
    OpenAiSettings, Provider, RedisSettings, Rejection, Settings, SmtpSettings, ToolSettings,
    Unconfigured,
};
pub use source::{Environment, Fault};

use check::Check;
use source::{Gathered, Value};

/// What the settings are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// To work with the deployment's key: without one, there is a fault.
    Production,
    /// To try the service out: a throw-away key where none is set, and the defaults of `--dev`.
    Dev,
    /// To look at them: as in production, but a missing key is no fault.
    Inspection,
}

/// Settings that do not make sense, with every reason.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub struct Faults(Vec<Fault>);

impl fmt::Display for Faults {
    /// One line for each fault.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, fault) in self.0.iter().enumerate() {
            let line_break = if index > 0 { "\n" } else { "" };
            write!(f, "{line_break}{fault}")?;
        }
        Ok(())
    }
}

impl Faults {
    /// The faults, in the order of the settings.
    pub fn iter(&self) -> impl Iterator<Item = &Fault> {
        self.0.iter()
    }
}

/// Checked settings.
#[derive(Clone, Debug)]
pub struct Checked {
    /// The settings.
    pub settings: Settings,
    /// What is not wrong but worth a line in the log, for instance a setting that another overrides.
    pub notes: Vec<String>,
}

/// All settings as they were found, not yet checked.
#[derive(Clone, Debug)]
pub struct Layers {
    gathered: Gathered,
    purpose: Purpose,
}

impl Layers {
    /// Reads every layer. Faults are kept for [`Layers::check`].
    pub fn read(environment: &Environment, purpose: Purpose) -> Self {
        Self { gathered: Gathered::from(environment, purpose == Purpose::Dev), purpose }
    }

    /// The settings, or everything that is wrong with them.
    pub fn check(&self) -> Result<Checked, Faults> {
        let mut check = Check::of(&self.gathered);
        let settings = Settings::read(&mut check, self.purpose);
        let (faults, notes) = check.finish();
        match settings {
            Some(settings) if faults.is_empty() => Ok(Checked { settings, notes }),
            _ => Err(Faults(faults)),
        }
    }

    /// The settings in force as TOML, each with its origin as a comment; secrets are masked.
    pub fn to_toml(&self) -> String {
        let mut text = String::new();
        let mut current = "";
        for (key, found) in &self.gathered.found {
            let (section, name) = key.split_once('.').unwrap_or(("", key));
            if section != current {
                let line_break = if current.is_empty() { "" } else { "\n" };
                text.push_str(&format!("{line_break}[{section}]\n"));
                current = section;
            }
            let value = shown(key, &found.value);
            let setting = format!("{name} = {value}");
            text.push_str(&format!("{setting:<48} # {}\n", found.origin));
        }
        text
    }
}

/// A value as TOML. What nobody may see is masked, whatever kind of value it was given.
fn shown(key: &str, value: &Value) -> String {
    match value {
        Value::Text(text) => toml_text(&secret::masked(key, text)),
        _ if secret::is_hidden(key) => toml_text(secret::MASK),
        Value::Whole(number) => number.to_string(),
        Value::Fraction(number) => number.clone(),
        Value::Flag(flag) => flag.to_string(),
        Value::List(texts) => {
            let texts = secret::masked_list(key, texts);
            let texts: Vec<_> = texts.iter().map(|text| toml_text(text)).collect();
            format!("[{}]", texts.join(", "))
        }
        Value::Empty => "{}".to_owned(),
        Value::Other(kind) => format!("# {kind}"),
    }
}

/// A text as a basic string of TOML.
fn toml_text(text: &str) -> String {
    let mut quoted = String::from('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            c if c.is_control() => quoted.push_str(&format!("\\u{:04X}", u32::from(c))),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests;

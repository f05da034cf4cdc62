//! Values before anybody has checked them, and where each came from.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

/// Where a setting's value came from. Later ones win.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// `config/default.toml`, compiled in.
    Default,
    /// `serve --dev`.
    Dev,
    /// A line of a settings file.
    File { path: PathBuf, line: usize },
    /// An environment variable.
    Variable(String),
    /// An option of the command line.
    Option(&'static str),
}

impl Origin {
    /// Which of two layers wins: the higher one.
    pub(super) fn layer(&self) -> u8 {
        match self {
            Self::Default => 0,
            Self::Dev => 1,
            Self::File { .. } => 2,
            Self::Variable(_) => 3,
            Self::Option(_) => 4,
        }
    }

    /// Whether a person set it.
    pub(super) fn is_explicit(&self) -> bool {
        match self {
            Self::Default | Self::Dev => false,
            Self::File { .. } | Self::Variable(_) | Self::Option(_) => true,
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::Dev => f.write_str("--dev"),
            Self::File { path, line } => write!(f, "{}:{line}", path.display()),
            Self::Variable(name) => f.write_str(name),
            Self::Option(name) => f.write_str(name),
        }
    }
}

/// A value before anybody has checked it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Value {
    Text(String),
    Whole(i64),
    /// As it is written.
    Fraction(String),
    Flag(bool),
    /// Texts only.
    List(Vec<String>),
    /// A section in which nothing is set.
    Empty,
    /// Something that no setting has; its kind, for the message.
    Other(&'static str),
}

impl Value {
    /// What it is, in words for a complaint.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Text(_) => "a text",
            Self::Whole(_) => "a number",
            Self::Fraction(_) => "a fraction",
            Self::Flag(_) => "true or false",
            Self::List(_) => "a list",
            Self::Empty => "a table",
            Self::Other(kind) => kind,
        }
    }
}

/// A value and its origin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) value: Value,
    pub(super) origin: Origin,
}

/// Something wrong with the settings; one line that names the setting, its origin and the fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    pub(super) setting: String,
    pub(super) origin: Option<Origin>,
    pub(super) problem: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.origin {
            Some(origin) => write!(f, "{} (from {origin}): {}", self.setting, self.problem),
            None => write!(f, "{}: {}", self.setting, self.problem),
        }
    }
}

/// Every setting as the highest layer that has it says, by its dotted name, and the faults of
/// reading them.
#[derive(Clone, Debug, Default)]
pub(super) struct Gathered {
    pub(super) found: BTreeMap<String, Found>,
    pub(super) faults: Vec<Fault>,
    /// Not settings, but what child processes start with: `PATH` and `HOME`, where they are set.
    pub(super) inherited: BTreeMap<String, String>,
}

impl Gathered {
    /// Takes note of a fault.
    pub(super) fn fault(&mut self, setting: &str, origin: Option<Origin>, problem: String) {
        self.faults.push(Fault { setting: setting.to_owned(), origin, problem });
    }

    /// Adds a layer's value; an empty text leaves what the layers below say.
    pub(super) fn set(&mut self, name: String, value: Value, origin: Origin) {
        let says_nothing = matches!(&value, Value::Text(text) if text.trim().is_empty());
        if !(says_nothing && self.found.contains_key(&name)) {
            self.found.insert(name, Found { value, origin });
        }
    }
}

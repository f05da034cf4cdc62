//! Where settings come from: the compiled-in defaults, `--dev`, a file, the environment, the command
//! line.
//!
//! The only place that looks at the process's environment.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::path::{Path, PathBuf};

use toml::de::{DeTable, DeValue};

use super::names::{self, mcp};
use super::secret;

/// The lowest layer, and the list of all settings.
const DEFAULTS: &str = include_str!("../../config/default.toml");
/// What `serve --dev` has in place of some defaults.
const DEV: [(&str, &str); 5] = [
    ("api.host", "127.0.0.1"),
    ("api.cors_origins", "http://localhost:* http://127.0.0.1:*"),
    ("api.drain_delay_seconds", "0"),
    ("tools.unconfigured", "dry_run"),
    ("log.format", "text"),
];
/// What of the process's environment its child processes get without being told.
const INHERITED: [&str; 2] = ["PATH", "HOME"];
/// The file that is read where `AURA_CONFIG` names none, if it is there.
const USUAL_FILE: &str = "config/aura.toml";

/// A process's environment, as far as settings are concerned.
#[derive(Clone, Debug, Default)]
pub struct Environment {
    variables: BTreeMap<OsString, OsString>,
    usual_file: Option<PathBuf>,
    options: Vec<CommandLineOption>,
}

/// A setting that the command line gives.
#[derive(Clone, Debug)]
struct CommandLineOption {
    name: &'static str,
    setting: &'static str,
    value: String,
}

impl Environment {
    /// The environment of this process, and `./config/aura.toml`.
    pub fn of_process() -> Self {
        Self {
            variables: std::env::vars_os().collect(),
            usual_file: Some(PathBuf::from(USUAL_FILE)),
            options: Vec::new(),
        }
    }

    /// The same environment, in which the command line's option `name` gives `setting` this value,
    /// whatever else says (contract, section 9).
    #[must_use]
    pub fn with_option(mut self, name: &'static str, setting: &'static str, value: String) -> Self {
        self.options.push(CommandLineOption { name, setting, value });
        self
    }

    /// An environment of these variables and nothing else.
    pub fn of<'a>(variables: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let variables = variables.into_iter().map(|(name, value)| (name.into(), value.into()));
        Self { variables: variables.collect(), usual_file: None, options: Vec::new() }
    }

    fn inherited(&self) -> BTreeMap<String, String> {
        let value = |name: &str| self.variables.get(&OsString::from(name))?.to_str();
        let found = INHERITED.iter().filter_map(|name| Some((*name, value(name)?)));
        found.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    }
}

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
    /// Lays the layers on one another. What cannot be read, and what is no setting, is a fault.
    pub(super) fn from(environment: &Environment, dev: bool) -> Self {
        let mut all = Self { inherited: environment.inherited(), ..Self::default() };
        all.read_toml(DEFAULTS, |_| Origin::Default);
        let known = all.found.clone();
        if dev {
            for (key, value) in DEV {
                let value = Value::Text(value.to_owned());
                all.found.insert(key.to_owned(), Found { value, origin: Origin::Dev });
            }
        }
        all.read_file(environment);
        all.read_environment(environment);
        all.read_options(environment);
        all.refuse_unknown(&known);
        all
    }

    fn fault(&mut self, setting: &str, origin: Option<Origin>, problem: String) {
        self.faults.push(Fault { setting: setting.to_owned(), origin, problem });
    }

    /// Adds a layer's value; an empty text leaves what the layers below say.
    fn set(&mut self, key: String, value: Value, origin: Origin) {
        let says_nothing = matches!(&value, Value::Text(text) if text.trim().is_empty());
        if !(says_nothing && self.found.contains_key(&key)) {
            self.found.insert(key, Found { value, origin });
        }
    }

    fn read_file(&mut self, environment: &Environment) {
        let named = environment.variables.get(&OsString::from(names::CONFIG_FILE));
        let named = named.filter(|path| !path.is_empty()).map(PathBuf::from);
        let is_named = named.is_some();
        let Some(path) = named.or_else(|| environment.usual_file.clone()) else {
            return;
        };
        match text_at(&path) {
            Ok(text) => self.read_toml(&text, |line| Origin::File { path: path.clone(), line }),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && !is_named => {}
            Err(error) => {
                let origin = is_named.then(|| Origin::Variable(names::CONFIG_FILE.to_owned()));
                let problem = format!("{} cannot be read: {error}", path.display());
                self.fault("settings file", origin, problem);
            }
        }
    }

    fn read_toml(&mut self, text: &str, origin: impl Fn(usize) -> Origin) {
        let line = |offset: usize| 1 + text.bytes().take(offset).filter(|b| *b == b'\n').count();
        let (table, errors) = DeTable::parse_recoverable(text);
        for error in errors {
            // The error's own text would quote the line, and the line may hold a secret.
            let line = line(error.span().map_or(0, |span| span.start));
            self.fault(
                "settings file",
                Some(origin(line)),
                format!("not TOML: {}", error.message()),
            );
        }
        let mut leaves = Vec::new();
        flatten("", table.get_ref(), &mut leaves);
        for (key, value, offset) in leaves {
            self.set(key, value, origin(line(offset)));
        }
    }

    fn read_options(&mut self, environment: &Environment) {
        for CommandLineOption { name, setting, value } in &environment.options {
            let found = Found { value: Value::Text(value.clone()), origin: Origin::Option(name) };
            self.found.insert((*setting).to_owned(), found);
        }
    }

    fn read_environment(&mut self, environment: &Environment) {
        let mut seen: BTreeMap<String, (&str, String)> = BTreeMap::new();
        for (variable, value) in &environment.variables {
            let Some(variable) = variable.to_str() else {
                continue;
            };
            let in_file = secret::in_file(variable);
            let read = if in_file.is_some() { text_of_file(value) } else { text_of(value) };
            let Some(key) = in_file.or_else(|| names::setting_of(variable)) else {
                continue;
            };
            let origin = Origin::Variable(variable.to_owned());
            let value = match read {
                Ok(value) if value.trim().is_empty() => continue,
                Ok(value) => value,
                Err(problem) => {
                    self.fault(&key, Some(origin), problem);
                    continue;
                }
            };
            match seen.get(&key) {
                None => {
                    seen.insert(key.clone(), (variable, value.clone()));
                    self.set(key, Value::Text(value), origin);
                }
                Some((_, same)) if *same == value => {}
                Some((other, _)) => {
                    let problem =
                        format!("differs from {other}, which is the same setting: set one");
                    self.fault(&key, Some(origin), problem);
                }
            }
        }
    }

    fn refuse_unknown(&mut self, known: &BTreeMap<String, Found>) {
        let is_section = |key: &str| {
            let prefix = format!("{key}.");
            names::TABLES.contains(&key)
                || key == mcp::SERVERS
                || known.keys().any(|known| known.starts_with(&prefix))
        };
        self.found.retain(|key, found| !(found.value == Value::Empty && is_section(key)));
        let is_known = |key: &String| {
            known.contains_key(key) || mcp::is_setting(key) || names::in_table(key).is_some()
        };
        let unknown: Vec<_> = self.found.keys().filter(|key| !is_known(key)).cloned().collect();
        for key in unknown {
            let origin = self.found.remove(&key).map(|found| found.origin);
            self.fault(&key, origin, format!("no such setting; {}", neighbours(&key, known)));
        }
    }
}

/// What a variable says.
fn text_of(value: &OsStr) -> Result<String, String> {
    value.to_str().map(str::to_owned).ok_or_else(|| "is not UTF-8".to_owned())
}

/// What the file says that a variable names, without the line's end; nothing if it names none.
fn text_of_file(path: &OsStr) -> Result<String, String> {
    if path.is_empty() {
        return Ok(String::new());
    }
    match text_at(Path::new(path)) {
        Ok(text) => Ok(text.trim_end_matches(['\r', '\n']).to_owned()),
        Err(error) => Err(format!("{} cannot be read: {error}", path.display())),
    }
}

/// What there is in place of an unknown setting.
fn neighbours(key: &str, known: &BTreeMap<String, Found>) -> String {
    if let Some(neighbours) = mcp::neighbours(key) {
        return neighbours;
    }
    let section = key.split('.').next().unwrap_or_default();
    let prefix = format!("{section}.");
    let keys: Vec<_> = known.keys().filter_map(|key| key.strip_prefix(&prefix)).collect();
    if !keys.is_empty() {
        return format!("[{section}] has {}", keys.join(", "));
    }
    let mut sections: Vec<_> = known.keys().filter_map(|key| key.split('.').next()).collect();
    sections.dedup();
    format!("the sections are {}", sections.join(", "))
}

/// A table's leaves, by their dotted names, with their places in the text.
fn flatten(prefix: &str, table: &DeTable<'_>, leaves: &mut Vec<(String, Value, usize)>) {
    for (name, value) in table {
        let key = match prefix {
            "" => name.get_ref().to_string(),
            prefix => format!("{prefix}.{}", name.get_ref()),
        };
        let leaf = match value.get_ref() {
            DeValue::Table(table) if table.is_empty() => Value::Empty,
            DeValue::Table(table) => {
                flatten(&key, table, leaves);
                continue;
            }
            DeValue::String(text) => Value::Text(text.to_string()),
            DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix())
                .map_or(Value::Other("a number beyond all bounds"), Value::Whole),
            DeValue::Float(number) => Value::Fraction(number.as_str().to_owned()),
            DeValue::Boolean(flag) => Value::Flag(*flag),
            DeValue::Datetime(_) => Value::Other("a date"),
            DeValue::Array(values) => texts(values.iter().map(|value| value.get_ref())),
        };
        leaves.push((key, leaf, name.span().start));
    }
}

/// What a regular file holds. Anything else is refused before it is opened: whoever reads a named pipe
/// that nobody writes to waits for ever.
pub(super) fn content_of(path: &Path) -> std::io::Result<Vec<u8>> {
    if !std::fs::metadata(path)?.is_file() {
        return Err(std::io::Error::other("it is not a regular file"));
    }
    std::fs::read(path)
}

/// What a regular file of text holds.
fn text_at(path: &Path) -> std::io::Result<String> {
    String::from_utf8(content_of(path)?).map_err(std::io::Error::other)
}

/// A list of texts; no setting is a list of anything else.
fn texts<'a>(values: impl Iterator<Item = &'a DeValue<'a>>) -> Value {
    let texts: Option<Vec<_>> = values.map(|value| value.as_str().map(ToOwned::to_owned)).collect();
    texts.map_or(Value::Other("a list"), Value::List)
}

/// Whether a path is a directory that can be looked into.
pub(super) fn is_directory(path: &Path) -> bool {
    std::fs::read_dir(path).is_ok()
}

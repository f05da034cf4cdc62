//! Where settings come from: the compiled-in defaults, `--dev`, a file, the environment, the command
//! line.
//!
//! The only place that looks at the process's environment.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use toml::de::{DeTable, DeValue};

use super::catalog;
use super::files::text_at;
use super::found::{Found, Gathered, Origin, Value};

/// The lowest layer: the defaults of all settings.
const DEFAULTS: &str = include_str!("../../config/default.toml");
/// Names the settings file; not a setting itself.
pub(super) const CONFIG_FILE: &str = "AURA_CONFIG";
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
    program: Option<PathBuf>,
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
            program: std::env::current_exe().ok(),
        }
    }

    /// What a variable says that is no setting; `None` if it is blank, or no text.
    pub fn variable(&self, name: &str) -> Option<&str> {
        let value = self.variables.get(&OsString::from(name))?.to_str()?;
        Some(value).filter(|value| !value.trim().is_empty())
    }

    /// The file that this process runs, where that can be told.
    pub fn program(&self) -> Option<&Path> {
        self.program.as_deref()
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
        Self { variables: variables.collect(), ..Self::default() }
    }

    fn inherited(&self) -> BTreeMap<String, String> {
        let value = |name: &str| self.variables.get(&OsString::from(name))?.to_str();
        let found = INHERITED.iter().filter_map(|name| Some((*name, value(name)?)));
        found.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    }
}

impl Gathered {
    /// Lays the layers on one another. What cannot be read, and what is no setting, is a fault.
    pub(super) fn from(environment: &Environment, dev: bool) -> Self {
        let mut all = Self { inherited: environment.inherited(), ..Self::default() };
        all.read_toml(DEFAULTS, |_| Origin::Default);
        if dev {
            all.read_dev();
        }
        all.read_file(environment);
        all.read_environment(environment);
        all.read_options(environment);
        all.refuse_unknown();
        all
    }

    /// What `serve --dev` has in place of some defaults.
    fn read_dev(&mut self) {
        for setting in catalog::all() {
            if let Some(value) = setting.dev() {
                let found = Found { value: Value::Text(value.to_owned()), origin: Origin::Dev };
                self.found.insert(setting.name().to_owned(), found);
            }
        }
    }

    fn read_file(&mut self, environment: &Environment) {
        let named = environment.variables.get(&OsString::from(CONFIG_FILE));
        let named = named.filter(|path| !path.is_empty()).map(PathBuf::from);
        let is_named = named.is_some();
        let Some(path) = named.or_else(|| environment.usual_file.clone()) else {
            return;
        };
        match text_at(&path) {
            Ok(text) => self.read_toml(&text, |line| Origin::File { path: path.clone(), line }),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && !is_named => {}
            Err(error) => {
                let origin = is_named.then(|| Origin::Variable(CONFIG_FILE.to_owned()));
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
            let in_file = catalog::in_file(variable);
            let read = if in_file.is_some() { text_of_file(value) } else { text_of(value) };
            let Some(key) = in_file.or_else(|| catalog::setting_of(variable)) else {
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

    fn refuse_unknown(&mut self) {
        self.found.retain(|name, found| !(found.value == Value::Empty && catalog::is_table(name)));
        let unknown: Vec<_> =
            self.found.keys().filter(|name| !catalog::is_known(name)).cloned().collect();
        for name in unknown {
            let origin = self.found.remove(&name).map(|found| found.origin);
            let problem = format!("no such setting; {}", catalog::neighbours(&name));
            self.fault(&name, origin, problem);
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

/// A list of texts; no setting is a list of anything else.
fn texts<'a>(values: impl Iterator<Item = &'a DeValue<'a>>) -> Value {
    let texts: Option<Vec<_>> = values.map(|value| value.as_str().map(ToOwned::to_owned)).collect();
    texts.map_or(Value::Other("a list"), Value::List)
}

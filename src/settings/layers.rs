//! The settings as they were found, layer upon layer: to be checked, or to be shown.

use super::check::Check;
use super::found::{Gathered, Value};
use super::secret::{MASK, Visibility};
use super::source::Environment;
use super::{Checked, Faults, Purpose, Settings, catalog};

/// All settings as they were found, not yet checked.
#[derive(Clone, Debug)]
pub struct Layers {
    pub(super) gathered: Gathered,
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
            let value = shown(catalog::visibility(key), &found.value);
            let setting = format!("{name} = {value}");
            text.push_str(&format!("{setting:<48} # {}\n", found.origin));
        }
        text
    }
}

/// A value as TOML. What nobody may see is masked, whatever kind of value it was given.
pub(super) fn shown(visibility: Visibility, value: &Value) -> String {
    match value {
        Value::Text(text) => toml_text(&visibility.masked(text)),
        _ if visibility == Visibility::Secret => toml_text(MASK),
        Value::Whole(number) => number.to_string(),
        Value::Fraction(number) => number.clone(),
        Value::Flag(flag) => flag.to_string(),
        Value::List(texts) => {
            let texts = visibility.masked_list(texts);
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

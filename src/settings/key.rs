//! How a setting is declared: once, in the file of its section, with all that holds of it. Every list of
//! settings, of their variables and of what is secret is made from these declarations (`catalog`).

use super::check::Check;
use super::secret::Visibility;

/// In front of the long form of a variable, `AURA__<SECTION>__<KEY>`.
pub(super) const PREFIX: &str = "AURA__";

/// What kind of value a setting has: what may be written, how it is read, and who may see it.
pub(super) trait Kind {
    /// What the setting is for the program.
    type Value;
    /// What of it may be shown.
    const VISIBILITY: Visibility = Visibility::Plain;

    /// The value of the setting of this name. What is wrong with it is told to `check`; what is
    /// returned then is harmless, and thrown away with all other settings.
    fn read(&self, check: &mut Check, name: &str) -> Self::Value;

    /// What may be written, in a few words for a table of settings.
    fn values(&self) -> String;

    /// What is below this name.
    fn contents(&self) -> Contents {
        Contents::Value
    }
}

/// What is below a setting's name.
#[derive(Clone, Copy)]
pub(super) enum Contents {
    /// Nothing: it has a value.
    Value,
    /// Values under names that no list can hold, for instance of tools.
    Entries(Spelling),
    /// Tables under such names; each of them has these settings.
    Tables(&'static [&'static dyn Declared]),
}

/// How the name of an entry is spelled if it is written as part of a variable's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Spelling {
    /// In lower case.
    LowerCase,
    /// As the header that it is: no variable has a hyphen in its name, and no header an underscore.
    Header,
    /// As it stands, because it is the name of a variable itself.
    AsWritten,
}

/// A setting, by its dotted name, whose value is of the kind `K`.
#[derive(Clone, Copy)]
pub(super) struct Key<K, N = &'static str> {
    /// With its section: `api.port`. Of what is set in each of several tables, without the table's name.
    pub(super) name: N,
    /// Its short names in the environment (contract, section 9). It always has the long one as well.
    pub(super) variables: &'static [&'static str],
    /// What it is with `serve --dev`, if that is something else than usual.
    pub(super) dev: Option<&'static str>,
    /// What it may be.
    pub(super) kind: K,
}

impl<K, N: AsRef<str>> Key<K, N> {
    pub(super) fn name(&self) -> &str {
        self.name.as_ref()
    }

    /// How a person would set this in the environment: by the short name where there is one.
    pub(super) fn variable(&self) -> String {
        variable(self.name(), self.variables)
    }

    /// Tells what is wrong with it.
    pub(super) fn fault(&self, check: &mut Check, problem: impl Into<String>) {
        check.fault(self.name(), problem);
    }

    /// The layer that it comes from, if a person has set it.
    pub(super) fn explicit_layer(&self, check: &mut Check) -> Option<u8> {
        check.explicit_layer(self.name())
    }

    /// Whether a person has set it.
    pub(super) fn is_explicit(&self, check: &mut Check) -> bool {
        self.explicit_layer(check).is_some()
    }

    /// Whether it is there at all, whatever it says.
    pub(super) fn is_there(&self, check: &Check) -> bool {
        check.has(self.name())
    }

    /// Whether it says anything, whoever has set it.
    pub(super) fn is_set(&self, check: &Check) -> bool {
        check.is_set(self.name())
    }
}

impl<K: Kind, N: AsRef<str>> Key<K, N> {
    /// The value; after a fault something harmless.
    pub(super) fn read(&self, check: &mut Check) -> K::Value {
        self.kind.read(check, self.name())
    }

    /// The value of a setting that has no default.
    pub(super) fn read_if_set(&self, check: &mut Check) -> Option<K::Value> {
        self.is_set(check).then(|| self.read(check))
    }
}

impl<K: Copy> Key<K> {
    /// The same setting in one of the tables that have it.
    pub(super) fn of(&self, table: &str) -> Key<K, String> {
        let Self { name, variables, dev, kind } = *self;
        Key { name: format!("{table}.{name}"), variables, dev, kind }
    }
}

/// How a person would set this in the environment.
pub(super) fn variable(name: &str, short: &[&str]) -> String {
    short.first().map_or_else(
        || format!("{PREFIX}{}", name.to_ascii_uppercase().replace('.', "__")),
        |short| (*short).to_owned(),
    )
}

/// What is declared of a setting, whatever its kind.
pub(super) trait Declared {
    fn name(&self) -> &'static str;
    fn variables(&self) -> &'static [&'static str];
    fn dev(&self) -> Option<&'static str>;
    fn visibility(&self) -> Visibility;
    fn contents(&self) -> Contents;
    #[cfg(test)]
    fn values(&self) -> String;
}

impl<K: Kind> Declared for Key<K> {
    fn name(&self) -> &'static str {
        self.name
    }

    fn variables(&self) -> &'static [&'static str] {
        self.variables
    }

    fn dev(&self) -> Option<&'static str> {
        self.dev
    }

    fn visibility(&self) -> Visibility {
        K::VISIBILITY
    }

    fn contents(&self) -> Contents {
        self.kind.contents()
    }

    #[cfg(test)]
    fn values(&self) -> String {
        self.kind.values()
    }
}

/// Declares the settings of a section: each as a constant with its kind, and all of them as a list, so that
/// none can be read that is not in the list.
///
/// ```ignore
/// keys! { KEYS;
///     PORT: Whole<u16> = "api.port", whole(0..=u16::MAX), env: ["API_PORT"];
///     DRAIN_DELAY: Time = "api.drain_delay_seconds", seconds(0..=600), dev: "0";
/// }
/// ```
macro_rules! keys {
    ($list:ident; $(
        $key:ident: $kind:ty = $name:literal, $value:expr
            $(, env: [$($variable:literal),+])? $(, dev: $dev:literal)?;
    )+) => {
        $(const $key: $crate::settings::key::Key<$kind> = $crate::settings::key::Key {
            name: $name,
            variables: &[$($($variable),+)?],
            dev: [$(Some($dev),)? None][0],
            kind: $value,
        };)+
        /// Every setting that is declared here.
        pub(in crate::settings) const $list: &[&dyn $crate::settings::key::Declared] =
            &[$(&$key),+];
    };
}
pub(super) use keys;

//! Section `console`: the page for people.

use super::check::Check;
use super::key::keys;
use super::kinds::{Each, Flag, each};
use crate::origin::ExactOrigin;

keys! { KEYS;
    ENABLED: Flag = "console.enabled", Flag;
    LOGIN_ORIGINS: Each<ExactOrigin> = "console.login_origins", each();
    TOKEN_IN_FRAGMENT: Flag = "console.token_in_fragment", Flag, dev: "true";
}

/// Section `console`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsoleSettings {
    /// Whether it is served.
    pub enabled: bool,
    /// Whose pages may hand it tokens.
    pub login_origins: Vec<ExactOrigin>,
    /// Whether it takes a token from its address.
    pub token_in_fragment: bool,
}

impl ConsoleSettings {
    pub(super) fn read(check: &mut Check) -> Self {
        Self {
            enabled: ENABLED.read(check),
            login_origins: LOGIN_ORIGINS.read(check),
            token_in_fragment: TOKEN_IN_FRAGMENT.read(check),
        }
    }
}

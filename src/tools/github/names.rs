//! Names that come from a model: checked once, here, and then fit for a path of a URL.

use std::fmt;

use schemars::JsonSchema;
use serde::Deserialize;

/// A user or an organisation.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(try_from = "String")]
pub(super) struct Owner(String);

/// A repository, without its owner.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(try_from = "String")]
pub(super) struct RepositoryName(String);

impl TryFrom<String> for Owner {
    type Error = &'static str;

    fn try_from(name: String) -> Result<Self, Self::Error> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
        let fits = (1..=39).contains(&name.len()) && !name.starts_with('-');
        let is_owner = fits && name.bytes().all(plain);
        is_owner.then_some(Self(name)).ok_or("it is not the name of a GitHub account")
    }
}

impl TryFrom<String> for RepositoryName {
    type Error = &'static str;

    fn try_from(name: String) -> Result<Self, Self::Error> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
        let fits = (1..=100).contains(&name.len()) && !matches!(name.as_str(), "." | "..");
        let is_repository = fits && name.bytes().all(plain);
        is_repository.then_some(Self(name)).ok_or("it is not the name of a GitHub repository")
    }
}

macro_rules! shown_as_text {
    ($($name:ident)*) => {$(
        impl $name {
            /// The name itself.
            pub(super) fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    )*};
}

shown_as_text!(Owner RepositoryName);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_lead_elsewhere_are_none() {
        for bad in ["", "-a", "a/b", "..", "a?x", "a b", "김", "a%2fb"] {
            assert!(Owner::try_from(bad.to_owned()).is_err(), "{bad:?}");
        }
        for bad in ["", ".", "..", "a/b", "a#b", "a\n"] {
            assert!(RepositoryName::try_from(bad.to_owned()).is_err(), "{bad:?}");
        }
        assert!(RepositoryName::try_from(".github".to_owned()).is_ok());
    }
}

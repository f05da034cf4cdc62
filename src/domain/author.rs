//! Who an answer comes from, and how that is known.
//!
//! An answer over REST comes with a token that was checked. An answer through Redis says of itself who
//! has given it, or does not: nobody has checked that, and whoever reads of it must be able to tell the
//! two apart (contract, section 5.3, 8).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::ids::UserId;

/// Who an answer comes from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Stored", into = "Stored")]
pub enum Author {
    /// Nobody: a deadline, a cancellation.
    #[default]
    Nobody,
    /// Known without an answer: who started the run. Also whoever an older process has written down
    /// without saying how it knew.
    Known(UserId),
    /// Somebody whose token was checked.
    Checked(UserId),
    /// Whoever published or stored a signal; this is who it says that was, if it says so.
    Heard(Option<UserId>),
}

impl Author {
    /// Who it is, or is said to be.
    pub fn named(&self) -> Option<&UserId> {
        match self {
            Self::Known(user) | Self::Checked(user) => Some(user),
            Self::Heard(user) => user.as_ref(),
            Self::Nobody => None,
        }
    }
}

/// The way that an answer came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Via {
    /// Over REST, with a token that was checked.
    Rest,
    /// Through Redis: nobody knows who has sent it.
    Signal,
}

/// An author as decisions keep it: `by` and `via`.
#[derive(Serialize, Deserialize)]
struct Stored {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    by: Option<UserId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    via: Option<Via>,
}

impl From<Stored> for Author {
    fn from(Stored { by, via }: Stored) -> Self {
        match (by, via) {
            (by, Some(Via::Signal)) => Self::Heard(by),
            (Some(by), Some(Via::Rest)) => Self::Checked(by),
            (Some(by), None) => Self::Known(by),
            (None, Some(Via::Rest) | None) => Self::Nobody,
        }
    }
}

impl From<Author> for Stored {
    fn from(author: Author) -> Self {
        match author {
            Author::Nobody => Self { by: None, via: None },
            Author::Known(by) => Self { by: Some(by), via: None },
            Author::Checked(by) => Self { by: Some(by), via: Some(Via::Rest) },
            Author::Heard(by) => Self { by, via: Some(Via::Signal) },
        }
    }
}

/// An author as the audit stream tells it: `who` where that is certain, else `claimedBy`.
pub(super) mod audited {
    use schemars::JsonSchema;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use super::{Author, UserId, Via};

    #[derive(Serialize, Deserialize, JsonSchema)]
    #[serde(rename_all = "camelCase")]
    pub(in crate::domain) struct Audited {
        /// Who did it, where that is certain.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        who: Option<UserId>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        /// Who a signal says that did it: nobody has checked that.
        claimed_by: Option<UserId>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        /// The way that an answer came.
        via: Option<Via>,
    }

    pub(in crate::domain) fn serialize<S: Serializer>(
        author: &Author,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        let none = Audited { who: None, claimed_by: None, via: None };
        let audited = match author.clone() {
            Author::Nobody => none,
            Author::Known(who) => Audited { who: Some(who), ..none },
            Author::Checked(who) => Audited { who: Some(who), via: Some(Via::Rest), ..none },
            Author::Heard(claimed_by) => Audited { claimed_by, via: Some(Via::Signal), ..none },
        };
        audited.serialize(serializer)
    }

    pub(in crate::domain) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Author, D::Error> {
        let Audited { who, claimed_by, via } = Audited::deserialize(deserializer)?;
        Ok(match (who, via) {
            (_, Some(Via::Signal)) => Author::Heard(claimed_by),
            (Some(who), Some(Via::Rest)) => Author::Checked(who),
            (Some(who), None) => Author::Known(who),
            (None, Some(Via::Rest) | None) => Author::Nobody,
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_author_reads_back_as_it_was_written_and_older_ones_stay_what_they_were() {
        let kim = || UserId::new("kim");
        for (author, told) in [
            (Author::Nobody, json!({})),
            (Author::Known(kim()), json!({"by": "kim"})),
            (Author::Checked(kim()), json!({"by": "kim", "via": "rest"})),
            (Author::Heard(Some(kim())), json!({"by": "kim", "via": "signal"})),
            (Author::Heard(None), json!({"via": "signal"})),
        ] {
            assert_eq!(serde_json::to_value(&author).unwrap(), told);
            assert_eq!(serde_json::from_value::<Author>(told).unwrap(), author);
        }
    }
}

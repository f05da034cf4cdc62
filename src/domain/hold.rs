//! Holds: what operators have stopped for now (contract, section 5.7).

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::caller::Caller;
use super::ids::{TenantId, UserId};
use super::seal::NamedSealable;
use super::time::UnixMs;

/// Longest name of a hold.
const NAME_MAX: usize = 64;

/// The name of a hold: 1 to 64 of `a-z`, `0-9` and `-`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(extend("pattern" = "^[a-z0-9-]{1,64}$"))]
pub struct HoldName(Arc<str>);

impl HoldName {
    /// The name, if it is one.
    pub fn parse(text: &str) -> Option<Self> {
        let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        let fits = (1..=NAME_MAX).contains(&text.len()) && text.bytes().all(plain);
        fits.then(|| Self(text.into()))
    }

    /// The name as it goes over the wire.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for HoldName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for HoldName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&*self.0, f)
    }
}

/// What a hold stops.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct HoldScope {
    /// The tenant for which it counts; without one, all of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant: Option<TenantId>,
    /// The tool whose calls fail.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool: Option<String>,
    /// Whether new runs are refused.
    #[serde(default)]
    pub runs: bool,
}

impl HoldScope {
    fn covers(&self, tenant: &TenantId) -> bool {
        self.tenant.as_ref().is_none_or(|held| held == tenant)
    }
}

/// For the log: `new runs and git_merge of tenant 1`.
impl fmt::Display for HoldScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.runs, &self.tool) {
            (true, Some(tool)) => write!(f, "new runs and {tool}")?,
            (false, Some(tool)) => f.write_str(tool)?,
            (_, None) => f.write_str("new runs")?,
        }
        match &self.tenant {
            Some(tenant) => write!(f, " of tenant {tenant}"),
            None => f.write_str(" of all tenants"),
        }
    }
}

/// Who has put a hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Operator {
    /// Their tenant.
    pub tenant_id: TenantId,
    /// The user.
    pub user_id: UserId,
}

impl From<&Caller> for Operator {
    fn from(caller: &Caller) -> Self {
        Self { tenant_id: caller.tenant.clone(), user_id: caller.user.clone() }
    }
}

/// Something that operators have stopped until they lift the hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Hold {
    /// What it stops.
    #[serde(flatten)]
    pub scope: HoldScope,
    /// Why; whoever is stopped reads it.
    pub reason: String,
    /// Who has put it.
    pub put_by: Operator,
    /// When.
    pub put_at_ms: UnixMs,
}

impl NamedSealable for Hold {
    const KIND: &'static str = "hold";
}

/// The holds that are in force.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Holds(BTreeMap<HoldName, Hold>);

impl Holds {
    /// What keeps new runs of this tenant from starting, if anything does.
    pub fn of_runs(&self, tenant: &TenantId) -> Option<&Hold> {
        self.0.values().find(|hold| hold.scope.runs && hold.scope.covers(tenant))
    }

    /// What keeps calls of this tool from running for this tenant, if anything does.
    pub fn of_tool(&self, tenant: &TenantId, tool: &str) -> Option<&Hold> {
        let stops = |scope: &HoldScope| scope.tool.as_deref() == Some(tool) && scope.covers(tenant);
        self.0.values().find(|hold| stops(&hold.scope))
    }

    /// The hold of this name.
    pub fn get(&self, name: &HoldName) -> Option<&Hold> {
        self.0.get(name)
    }

    /// All of them, in the order of their names.
    pub fn iter(&self) -> impl Iterator<Item = (&HoldName, &Hold)> {
        self.0.iter()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl FromIterator<(HoldName, Hold)> for Holds {
    fn from_iter<I: IntoIterator<Item = (HoldName, Hold)>>(holds: I) -> Self {
        Self(holds.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hold(tenant: Option<&str>, tool: Option<&str>, runs: bool) -> Hold {
        let tenant = tenant.map(TenantId::new);
        Hold {
            scope: HoldScope { tenant, tool: tool.map(str::to_owned), runs },
            reason: "점검".to_owned(),
            put_by: Operator { tenant_id: TenantId::new("1"), user_id: UserId::new("7") },
            put_at_ms: UnixMs::new(1),
        }
    }

    fn holds(all: impl IntoIterator<Item = Hold>) -> Holds {
        let named = |(n, hold)| (HoldName::parse(&format!("hold-{n}")).unwrap(), hold);
        all.into_iter().enumerate().map(named).collect()
    }

    #[test]
    fn the_log_says_in_words_what_a_hold_stops() {
        let said = |tenant, tool, runs| hold(tenant, tool, runs).scope.to_string();
        assert_eq!(said(None, None, true), "new runs of all tenants");
        assert_eq!(said(None, Some("git_merge"), false), "git_merge of all tenants");
        assert_eq!(said(Some("1"), Some("git_merge"), true), "new runs and git_merge of tenant 1");
    }

    #[test]
    fn a_name_has_small_letters_digits_and_hyphens() {
        for good in ["a", "stop-mail-2", &"x".repeat(64)] {
            assert_eq!(HoldName::parse(good).unwrap().as_str(), good);
        }
        for bad in ["", "A", "a_b", "a b", "가", "a/b", &"x".repeat(65)] {
            assert_eq!(HoldName::parse(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn a_hold_stops_what_it_names_and_nothing_else() {
        let (one, two) = (TenantId::new("1"), TenantId::new("2"));
        let runs = holds([hold(None, None, true)]);
        assert!(runs.of_runs(&one).is_some() && runs.of_tool(&one, "git_merge").is_none());
        let tool = holds([hold(None, Some("git_merge"), false)]);
        assert!(tool.of_runs(&one).is_none() && tool.of_tool(&two, "git_merge").is_some());
        assert!(tool.of_tool(&one, "git_status").is_none());
        let narrow = holds([hold(Some("1"), Some("git_merge"), true)]);
        assert!(narrow.of_runs(&one).is_some() && narrow.of_tool(&one, "git_merge").is_some());
        assert!(narrow.of_runs(&two).is_none() && narrow.of_tool(&two, "git_merge").is_none());
    }
}

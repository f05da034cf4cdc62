//! What checking arguments against a schema costs.
//!
//! A schema of a few lines can say that every value is to be looked at 2^26 times. So it is counted
//! beforehand how often each of its parts looks at each value, with all references followed.
//! Counting follows no path twice: that a part looks at a value a million times is one addition. It
//! ends as soon as there is more to do than a check may take, so it is bounded by the same number.

use std::collections::BTreeMap;

use serde_json::Value;

use super::graph::Graph;

/// Steps that one check may take; a step takes some 100 ns.
const CHECK_MAX: u64 = 2_000_000;
/// Steps that one value may cost by itself.
const VALUE_MAX: u64 = 100_000;
/// Parts of a schema that may look at a value one for the other. The library calls itself for each,
/// at each level of the arguments.
const CHAIN_MAX: usize = 64;
/// Bytes of text that count like a value of their own.
const TEXT_PER_VALUE: usize = 256;

/// What a check costs.
#[derive(Debug)]
pub(super) struct Cost {
    graph: Graph,
    /// The parts, each before those that look at the same value for it; and where each stands there.
    order: Vec<usize>,
    rank: Vec<usize>,
}

impl Cost {
    /// What checks against this schema cost.
    ///
    /// # Errors
    /// Why the schema is too dear for any arguments, or cannot be followed.
    pub(super) fn of(schema: &Value) -> Result<Self, String> {
        let graph = Graph::of(schema)?;
        let order = graph.order().ok_or("it refers to itself without an end")?;
        let mut rank = vec![0; order.len()];
        order.iter().enumerate().for_each(|(place, &part)| rank[part] = place);
        let cost = Self { graph, order, rank };
        let (steps, chain) = cost.of_one_value();
        if steps > VALUE_MAX {
            return Err(format!("too dear: {steps} steps to check one value"));
        }
        if chain > CHAIN_MAX {
            return Err(format!("too dear: {chain} references one after the other"));
        }
        Ok(cost)
    }

    /// Whether these arguments can be checked without keeping anybody busy.
    pub(super) fn allows(&self, arguments: &Value) -> bool {
        let mut counter = Counter { cost: self, left: CHECK_MAX };
        counter.count(arguments, BTreeMap::from([(self.rank[0], 1)])).is_some()
    }

    /// The steps that a value costs at most, and how many parts may look at it one for the other.
    fn of_one_value(&self) -> (u64, usize) {
        let parts = self.graph.parts();
        let mut whole = vec![(0_u64, 0_usize); parts.len()];
        for &at in self.order.iter().rev() {
            let mut sum = (parts[at].steps, 0);
            for (inner, times) in &parts[at].here {
                let (steps, chain) = whole[*inner];
                sum = (sum.0.saturating_add(steps.saturating_mul(*times)), sum.1.max(chain + 1));
            }
            whole[at] = sum;
        }
        whole.into_iter().fold((0, 0), |most, one| (most.0.max(one.0), most.1.max(one.1)))
    }
}

/// How often parts look at a value, by their rank.
type Visits = BTreeMap<usize, u64>;

struct Counter<'a> {
    cost: &'a Cost,
    left: u64,
}

impl Counter<'_> {
    /// Counts the steps for a value and all that is in it; `None` once they are too many.
    fn count(&mut self, value: &Value, visits: Visits) -> Option<()> {
        let looking = self.spread(size_of(value), visits)?;
        if looking.is_empty() {
            return Some(());
        }
        match value {
            Value::Array(items) => {
                for (place, item) in items.iter().enumerate() {
                    self.count_below(item, &looking, &Place::Item(place))?;
                }
            }
            Value::Object(members) => {
                for (name, member) in members {
                    self.count_below(member, &looking, &Place::Member(name))?;
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
        Some(())
    }

    /// Pays for all that look at a value, those included that do so for others. Returns those that
    /// look at what is in it, too.
    fn spread(&mut self, size: u64, mut visits: Visits) -> Option<Vec<(usize, u64)>> {
        let mut looking = Vec::new();
        while let Some((rank, often)) = visits.pop_first() {
            let at = self.cost.order[rank];
            let part = &self.cost.graph.parts()[at];
            self.pay(often.saturating_mul(part.steps).saturating_mul(size))?;
            for (inner, times) in &part.here {
                let more = visits.entry(self.cost.rank[*inner]).or_default();
                *more = more.saturating_add(often.saturating_mul(*times));
            }
            if part.looks_below() {
                looking.push((at, often));
            }
        }
        Some(looking)
    }

    fn count_below(
        &mut self,
        value: &Value,
        looking: &[(usize, u64)],
        place: &Place<'_>,
    ) -> Option<()> {
        let mut visits = Visits::new();
        for &(at, often) in looking {
            let part = &self.cost.graph.parts()[at];
            let own = match *place {
                Place::Member(name) => part.names.get(name),
                Place::Item(place) => part.places.get(place),
            };
            self.pay(1)?;
            for inner in own.into_iter().chain(&part.any) {
                let more = visits.entry(self.cost.rank[*inner]).or_default();
                *more = more.saturating_add(often);
            }
        }
        if visits.is_empty() { Some(()) } else { self.count(value, visits) }
    }

    fn pay(&mut self, steps: u64) -> Option<()> {
        self.left = self.left.checked_sub(steps)?;
        Some(())
    }
}

/// Where a value is in another.
enum Place<'a> {
    Member(&'a str),
    Item(usize),
}

/// A value counts once, and for the text in it once more for each piece of it.
fn size_of(value: &Value) -> u64 {
    let text = match value {
        Value::String(text) => text.len(),
        Value::Object(members) => members.keys().map(String::len).sum(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) => 0,
    };
    1 + (text / TEXT_PER_VALUE) as u64
}

//! A map whose values end by themselves, as Redis keys do.

use std::collections::HashMap;
use std::hash::Hash;
use std::time::Duration;

use super::usage::{PLACE, Usage, Weight};
use crate::domain::UnixMs;

/// Values with a time to live. What has expired is never seen; [`Expiring::sweep`] frees it. What all of
/// them weigh is part of the store's [`Usage`].
#[derive(Debug)]
pub(super) struct Expiring<K, V> {
    values: HashMap<K, Kept<V>>,
    usage: Usage,
}

#[derive(Debug)]
struct Kept<V> {
    value: V,
    until: UnixMs,
    /// What was added to the usage for it, its key included.
    weight: usize,
}

impl<K: Hash + Eq + Weight, V: Weight> Expiring<K, V> {
    /// An empty map whose values are counted there.
    pub(super) fn new(usage: &Usage) -> Self {
        Self { values: HashMap::new(), usage: usage.clone() }
    }

    /// Keeps `value` for `ttl` from `now`, instead of whatever was there.
    pub(super) fn put(&mut self, key: K, value: V, now: UnixMs, ttl: Duration) {
        self.remove(&key);
        let weight = PLACE + key.weight() + value.weight();
        self.usage.add(weight);
        self.values.insert(key, Kept { value, until: now.after(ttl), weight });
    }

    /// What is kept, if it has not expired.
    pub(super) fn get(&self, key: &K, now: UnixMs) -> Option<&V> {
        self.values.get(key).filter(|kept| kept.until > now).map(|kept| &kept.value)
    }

    /// Changes what is kept, if it has not expired; its time to live stays as it was.
    pub(super) fn change<R>(
        &mut self,
        key: &K,
        now: UnixMs,
        change: impl FnOnce(&mut V) -> R,
    ) -> Option<R> {
        let kept = self.values.get_mut(key).filter(|kept| kept.until > now)?;
        Some(changed(kept, &self.usage, change))
    }

    /// Changes what is kept, or else a new `V`; either way it now lives for `ttl` from `now`.
    pub(super) fn renew<R>(
        &mut self,
        key: K,
        now: UnixMs,
        ttl: Duration,
        change: impl FnOnce(&mut V) -> R,
    ) -> R
    where
        V: Default,
    {
        let kept = fresh(&mut self.values, &self.usage, key, now);
        kept.until = now.after(ttl);
        changed(kept, &self.usage, change)
    }

    /// Changes what is kept, or else a new `V` that lives for `ttl` from `now`.
    pub(super) fn change_or_put<R>(
        &mut self,
        key: K,
        now: UnixMs,
        ttl: Duration,
        change: impl FnOnce(&mut V) -> R,
    ) -> R
    where
        V: Default,
    {
        let kept = fresh(&mut self.values, &self.usage, key, now);
        if kept.until <= now {
            kept.until = now.after(ttl);
        }
        changed(kept, &self.usage, change)
    }

    /// Keeps what has not expired for `ttl` from `now`, if that is longer than it would live.
    pub(super) fn extend(&mut self, key: &K, now: UnixMs, ttl: Duration) {
        if let Some(kept) = self.values.get_mut(key).filter(|kept| kept.until > now) {
            kept.until = kept.until.max(now.after(ttl));
        }
    }

    /// Forgets one value; returns it, expired or not.
    pub(super) fn remove(&mut self, key: &K) -> Option<V> {
        let kept = self.values.remove(key)?;
        self.usage.subtract(kept.weight);
        Some(kept.value)
    }

    /// Frees what has expired.
    pub(super) fn sweep(&mut self, now: UnixMs) {
        let usage = &self.usage;
        self.values.retain(|_, kept| {
            let stays = kept.until > now;
            if !stays {
                usage.subtract(kept.weight);
            }
            stays
        });
        if self.values.capacity() > 4 * self.values.len().max(16) {
            self.values.shrink_to_fit();
        }
    }

    /// Forgets the values that are of this kind; returns their keys.
    pub(super) fn forget(&mut self, is_of_kind: impl Fn(&V) -> bool) -> Vec<K>
    where
        K: Clone,
    {
        let found = self.values.iter().filter(|(_, kept)| is_of_kind(&kept.value));
        let keys: Vec<K> = found.map(|(key, _)| key.clone()).collect();
        for key in &keys {
            self.remove(key);
        }
        keys
    }

    /// How many values take up memory, expired or not.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.values.len()
    }
}

/// What is kept, or else a new value in its place that has expired.
fn fresh<'a, K: Hash + Eq + Weight, V: Weight + Default>(
    values: &'a mut HashMap<K, Kept<V>>,
    usage: &Usage,
    key: K,
    now: UnixMs,
) -> &'a mut Kept<V> {
    let weight = PLACE + key.weight();
    let kept = values.entry(key).or_insert_with(|| {
        usage.add(weight);
        Kept { value: V::default(), until: UnixMs::default(), weight }
    });
    if kept.until <= now {
        changed(kept, usage, |value| *value = V::default());
    }
    kept
}

/// Changes a value, and what is counted for it.
fn changed<V: Weight, R>(kept: &mut Kept<V>, usage: &Usage, change: impl FnOnce(&mut V) -> R) -> R {
    let before = kept.value.weight();
    let result = change(&mut kept.value);
    let after = kept.value.weight();
    usage.add(after);
    usage.subtract(before);
    kept.weight = kept.weight + after - before;
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    const TTL: Duration = Duration::from_millis(10);

    impl Weight for &str {
        fn weight(&self) -> usize {
            self.len()
        }
    }

    fn map() -> Expiring<&'static str, u64> {
        Expiring::new(&Usage::default())
    }

    #[test]
    fn a_value_is_gone_once_its_time_has_passed_and_not_before() {
        let mut map = map();
        map.put("a", 1, UnixMs::new(100), TTL);
        assert_eq!(map.get(&"a", UnixMs::new(109)), Some(&1));
        assert_eq!(map.get(&"a", UnixMs::new(110)), None);
        assert_eq!(map.change(&"a", UnixMs::new(110), |value| *value), None);
    }

    #[test]
    fn changing_a_value_keeps_its_time_and_renewing_it_does_not() {
        let mut map = map();
        map.put("a", 1, UnixMs::new(100), TTL);
        map.change(&"a", UnixMs::new(105), |value| *value = 2);
        assert_eq!(map.get(&"a", UnixMs::new(110)), None);
        assert_eq!(map.renew("a", UnixMs::new(109), TTL, |value| *value), 2);
        assert_eq!(map.get(&"a", UnixMs::new(118)), Some(&2));
        let renewed = map.renew("a", UnixMs::new(119), TTL, |value| *value);
        assert_eq!(renewed, 0, "what had expired does not come back");
    }

    #[test]
    fn a_value_is_kept_longer_and_never_cut_short_or_brought_back() {
        let mut map = map();
        map.put("a", 1, UnixMs::new(100), TTL);
        map.extend(&"a", UnixMs::new(101), Duration::from_millis(1));
        assert_eq!(map.get(&"a", UnixMs::new(109)), Some(&1));
        map.extend(&"a", UnixMs::new(109), TTL);
        assert_eq!(
            (map.get(&"a", UnixMs::new(118)), map.get(&"a", UnixMs::new(119))),
            (Some(&1), None)
        );
        map.extend(&"a", UnixMs::new(119), TTL);
        assert_eq!(map.get(&"a", UnixMs::new(119)), None);
    }

    #[test]
    fn a_sweep_frees_what_has_expired_and_nothing_else() {
        let mut map = map();
        map.put("a", 1, UnixMs::new(100), TTL);
        map.put("b", 2, UnixMs::new(101), TTL);
        map.sweep(UnixMs::new(110));
        assert_eq!((map.len(), map.get(&"b", UnixMs::new(110))), (1, Some(&2)));
    }

    proptest::proptest! {
        #[test]
        fn what_is_kept_is_counted_and_what_is_not_is_not(
            steps in proptest::collection::vec((0..7_u8, 0..4_usize, 0..50_usize), 0..60)
        ) {
            let usage = Usage::default();
            let mut map: Expiring<&str, Vec<u64>> = Expiring::new(&usage);
            for (now, (step, key, items)) in (0_u64..).zip(steps) {
                let (key, items) = (["a", "bb", "ccc", "dddd"][key], vec![0; items]);
                match step {
                    0 => map.put(key, items, UnixMs::new(now), TTL),
                    1 => drop(map.change(&key, UnixMs::new(now), |value| *value = items)),
                    2 => map.renew(key, UnixMs::new(now), TTL, |value| value.extend(items)),
                    3 => map.change_or_put(key, UnixMs::new(now), TTL, |value| *value = items),
                    4 => drop(map.remove(&key)),
                    5 => drop(map.forget(|value| value.len() < items.len())),
                    _ => map.sweep(UnixMs::new(now)),
                }
                let kept = map.values.iter().map(|(key, kept)| PLACE + key.len() + kept.value.weight());
                proptest::prop_assert_eq!(usage.bytes(), kept.sum::<usize>());
            }
        }
    }
}

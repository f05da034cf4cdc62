//! A map whose values end by themselves, as Redis keys do.

use std::collections::HashMap;
use std::hash::Hash;
use std::time::Duration;

/// Values with a time to live. What has expired is never seen; [`Expiring::sweep`] frees it.
///
/// Times are milliseconds since the Unix epoch.
#[derive(Debug)]
pub(super) struct Expiring<K, V>(HashMap<K, Kept<V>>);

#[derive(Debug)]
struct Kept<V> {
    value: V,
    until_ms: u64,
}

impl<K, V> Default for Expiring<K, V> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl<K: Hash + Eq, V> Expiring<K, V> {
    /// Keeps `value` for `ttl` from `now`, instead of whatever was there.
    pub(super) fn put(&mut self, key: K, value: V, now: u64, ttl: Duration) {
        self.0.insert(key, Kept { value, until_ms: end(now, ttl) });
    }

    /// What is kept, if it has not expired.
    pub(super) fn get(&self, key: &K, now: u64) -> Option<&V> {
        self.0.get(key).filter(|kept| kept.until_ms > now).map(|kept| &kept.value)
    }

    /// What is kept, to be changed; its time to live stays as it was.
    pub(super) fn get_mut(&mut self, key: &K, now: u64) -> Option<&mut V> {
        self.0.get_mut(key).filter(|kept| kept.until_ms > now).map(|kept| &mut kept.value)
    }

    /// What is kept, or else a new `V`, to be changed; either way it now lives for `ttl` from `now`.
    pub(super) fn renew(&mut self, key: K, now: u64, ttl: Duration) -> &mut V
    where
        V: Default,
    {
        let fresh = || Kept { value: V::default(), until_ms: 0 };
        let kept = self.0.entry(key).or_insert_with(fresh);
        if kept.until_ms <= now {
            *kept = fresh();
        }
        kept.until_ms = end(now, ttl);
        &mut kept.value
    }

    /// What is kept, or else a new `V` that lives for `ttl` from `now`, to be changed.
    pub(super) fn get_or_put(&mut self, key: K, now: u64, ttl: Duration) -> &mut V
    where
        V: Default,
    {
        let fresh = || Kept { value: V::default(), until_ms: end(now, ttl) };
        let kept = self.0.entry(key).or_insert_with(fresh);
        if kept.until_ms <= now {
            *kept = fresh();
        }
        &mut kept.value
    }

    /// Keeps what has not expired for `ttl` from `now`, if that is longer than it would live.
    pub(super) fn extend(&mut self, key: &K, now: u64, ttl: Duration) {
        if let Some(kept) = self.0.get_mut(key).filter(|kept| kept.until_ms > now) {
            kept.until_ms = kept.until_ms.max(end(now, ttl));
        }
    }

    /// Forgets one value.
    pub(super) fn remove(&mut self, key: &K) {
        self.0.remove(key);
    }

    /// Frees what has expired.
    pub(super) fn sweep(&mut self, now: u64) {
        self.0.retain(|_, kept| kept.until_ms > now);
        if self.0.capacity() > 4 * self.0.len().max(16) {
            self.0.shrink_to_fit();
        }
    }

    /// How many values take up memory, expired or not.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}

fn end(now: u64, ttl: Duration) -> u64 {
    now.saturating_add(u64::try_from(ttl.as_millis()).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TTL: Duration = Duration::from_millis(10);

    #[test]
    fn a_value_is_gone_once_its_time_has_passed_and_not_before() {
        let mut map = Expiring::default();
        map.put("a", 1, 100, TTL);
        assert_eq!(map.get(&"a", 109), Some(&1));
        assert_eq!(map.get(&"a", 110), None);
        assert_eq!(map.get_mut(&"a", 110), None);
    }

    #[test]
    fn changing_a_value_keeps_its_time_and_renewing_it_does_not() {
        let mut map = Expiring::default();
        map.put("a", 1, 100, TTL);
        *map.get_mut(&"a", 105).unwrap() = 2;
        assert_eq!(map.get(&"a", 110), None);
        assert_eq!(*map.renew("a", 109, TTL), 2);
        assert_eq!(map.get(&"a", 118), Some(&2));
        assert_eq!(*map.renew("a", 119, TTL), 0, "what had expired does not come back");
    }

    #[test]
    fn a_value_is_kept_longer_and_never_cut_short_or_brought_back() {
        let mut map = Expiring::default();
        map.put("a", 1, 100, TTL);
        map.extend(&"a", 101, Duration::from_millis(1));
        assert_eq!(map.get(&"a", 109), Some(&1));
        map.extend(&"a", 109, TTL);
        assert_eq!((map.get(&"a", 118), map.get(&"a", 119)), (Some(&1), None));
        map.extend(&"a", 119, TTL);
        assert_eq!(map.get(&"a", 119), None);
    }

    #[test]
    fn a_sweep_frees_what_has_expired_and_nothing_else() {
        let mut map = Expiring::default();
        map.put("a", 1, 100, TTL);
        map.put("b", 2, 101, TTL);
        map.sweep(110);
        assert_eq!((map.len(), map.get(&"b", 110)), (1, Some(&2)));
    }
}

//! The few things used last, within a budget of memory.

use std::{fmt, hash::Hash};

use lru::LruCache;

/// Values by key. Those used last are kept, as many as a budget of bytes holds; the one that was kept last always is, even where it
/// is larger than the budget.
pub struct Kept<K: Hash + Eq, V> {
    budget: usize,
    /// Bytes of all values.
    total: usize,
    values: LruCache<K, (V, usize)>,
}

impl<K: Hash + Eq, V> fmt::Debug for Kept<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { budget, total, values } = self;
        write!(f, "Kept({} values of {total} bytes, {budget} at most)", values.len())
    }
}

impl<K: Hash + Eq, V: Clone> Kept<K, V> {
    /// Keeps nothing yet.
    #[must_use]
    pub fn new(budget: usize) -> Self {
        Self { budget, total: 0, values: LruCache::unbounded() }
    }

    /// The value of a key, which is then the newest.
    pub fn recall(&mut self, key: &K) -> Option<V> {
        self.values.get(key).map(|(value, _)| value.clone())
    }

    /// Keeps a value of `bytes` in the place of any other of its key, and lets go of what no longer fits, oldest first.
    pub fn keep(&mut self, key: K, value: V, bytes: usize) {
        self.total += bytes;
        if let Some((_, bytes)) = self.values.put(key, (value, bytes)) {
            self.total -= bytes;
        }
        self.let_go(self.budget, 1);
    }

    /// Lets go of what `bytes` more leave no room for, oldest first, before they are taken.
    pub fn make_room(&mut self, bytes: usize) {
        self.let_go(self.budget.saturating_sub(bytes), 0);
    }

    /// Lets go of the oldest values down to so many bytes, but not of the last `least`.
    fn let_go(&mut self, bytes: usize, least: usize) {
        while self.total > bytes
            && self.values.len() > least
            && let Some((_, (_, bytes))) = self.values.pop_lru()
        {
            self.total -= bytes;
        }
    }

    /// Bytes of all that is kept.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.total
    }

    /// Lets go of everything.
    pub fn clear(&mut self) {
        self.values.clear();
        self.total = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Which of the keys 1 to 4 are there; asking makes none newer.
    fn there(kept: &Kept<i32, &str>) -> Vec<i32> {
        (1..=4).filter(|key| kept.values.contains(key)).collect()
    }

    #[test]
    fn what_was_not_asked_for_longest_goes_first() {
        let mut kept = Kept::new(20);
        kept.keep(1, "one", 10);
        kept.keep(2, "two", 10);
        assert_eq!(kept.recall(&1), Some("one"));
        kept.keep(3, "three", 10);
        assert_eq!(there(&kept), [1, 3]);
        kept.clear();
        assert_eq!((kept.recall(&1), kept.total), (None, 0));
    }

    #[test]
    fn what_is_larger_than_the_budget_is_kept_alone() {
        let mut kept = Kept::new(20);
        kept.keep(1, "one", 10);
        kept.keep(2, "two", 21);
        assert_eq!(kept.recall(&2), Some("two"));
        assert_eq!(there(&kept), [2]);
        kept.keep(3, "three", 10);
        kept.keep(4, "four", 10);
        assert_eq!(there(&kept), [3, 4], "and goes for the next ones");
    }

    #[test]
    fn room_is_made_before_it_is_needed() {
        let mut kept = Kept::new(20);
        kept.keep(1, "one", 10);
        kept.keep(2, "two", 10);
        kept.make_room(10);
        assert_eq!((there(&kept), kept.bytes()), (vec![2], 10));
        kept.make_room(30);
        assert_eq!((there(&kept), kept.bytes()), (vec![], 0));
    }

    #[test]
    fn a_key_counts_once() {
        let mut kept = Kept::new(20);
        kept.keep(1, "one", 10);
        kept.keep(1, "uno", 10);
        kept.keep(2, "two", 10);
        assert_eq!((kept.recall(&1), kept.recall(&2)), (Some("uno"), Some("two")));
    }
}

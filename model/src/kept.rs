//! The few things used last, within a budget of memory.

/// Values by key, newest first.
#[derive(Debug)]
pub struct Kept<K, V> {
    budget: usize,
    entries: Vec<(K, V, usize)>,
}

impl<K: PartialEq, V: Clone> Kept<K, V> {
    /// Keeps nothing yet, and never more than `budget` bytes.
    #[must_use]
    pub fn new(budget: usize) -> Self {
        Self { budget, entries: Vec::new() }
    }

    /// The value of a key, which is then the newest.
    pub fn recall(&mut self, key: &K) -> Option<V> {
        let at = self.entries.iter().position(|(k, ..)| k == key)?;
        self.entries[..=at].rotate_right(1);
        Some(self.entries[0].1.clone())
    }

    /// Keeps a value of `bytes`, and lets go of what no longer fits.
    pub fn keep(&mut self, key: K, value: V, bytes: usize) {
        self.entries.insert(0, (key, value, bytes));
        let mut total = 0;
        let within = self.entries.iter().take_while(|(.., bytes)| {
            total += bytes;
            total <= self.budget
        });
        let within = within.count();
        self.entries.truncate(within);
    }

    /// Lets go of everything.
    pub fn clear(&mut self) {
        self.entries.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_asked_for_longest_goes_first() {
        let mut kept = Kept::new(20);
        kept.keep(1, "one", 10);
        kept.keep(2, "two", 10);
        assert_eq!(kept.recall(&1), Some("one"));
        kept.keep(3, "three", 10);
        assert_eq!((kept.recall(&1), kept.recall(&2), kept.recall(&3)), (Some("one"), None, Some("three")));
        kept.clear();
        assert_eq!(kept.recall(&1), None);
    }

    #[test]
    fn what_is_larger_than_the_budget_is_not_kept() {
        let mut kept = Kept::new(20);
        kept.keep(1, "one", 21);
        assert_eq!(kept.recall(&1), None);
    }
}

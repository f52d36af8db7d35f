//! The few things used last, within a budget of memory.

/// Values by key, newest first.
pub(super) struct Kept<K, V> {
    budget: usize,
    entries: Vec<(K, V, usize)>,
}

impl<K: PartialEq, V: Clone> Kept<K, V> {
    pub(super) fn new(budget: usize) -> Self {
        Self { budget, entries: Vec::new() }
    }

    pub(super) fn recall(&mut self, key: &K) -> Option<V> {
        let at = self.entries.iter().position(|(k, ..)| k == key)?;
        let entry = self.entries.remove(at);
        let value = entry.1.clone();
        self.entries.insert(0, entry);
        Some(value)
    }

    /// Keeps a value of `bytes`, and lets go of what no longer fits.
    pub(super) fn keep(&mut self, key: K, value: V, bytes: usize) {
        self.entries.insert(0, (key, value, bytes));
        let mut total = 0;
        let within = self.entries.iter().take_while(|(.., bytes)| {
            total += bytes;
            total <= self.budget
        });
        // The newest stays whatever it costs: the next frame of the same gap will want it.
        let keep = within.count().max(1);
        self.entries.truncate(keep);
    }

    pub(super) fn clear(&mut self) {
        self.entries.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_asked_for_longest_goes_first_and_the_newest_never() {
        let mut kept = Kept::new(20);
        kept.keep(1, "one", 10);
        kept.keep(2, "two", 10);
        assert_eq!(kept.recall(&1), Some("one"));
        kept.keep(3, "three", 10);
        assert_eq!((kept.recall(&1), kept.recall(&2), kept.recall(&3)), (Some("one"), None, Some("three")));
        kept.keep(4, "four", 50);
        assert_eq!((kept.recall(&3), kept.recall(&4)), (None, Some("four")));
    }
}

//! Which memory is spare: numbers alone, none of it is touched here.

/// Ranges that are kept at the most.
const RANGES: usize = 128;

/// Some memory, by its address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Range {
    pub(super) at: usize,
    pub(super) size: usize,
}

/// Memory that nobody uses, and how much is used. It has a list of its own, as it is asked by an allocator.
#[derive(Debug)]
pub(super) struct Spare {
    /// By address; no two of them touch.
    ranges: [Range; RANGES],
    count: usize,
    used: usize,
    /// What was used at once, at the most.
    most: usize,
}

impl Default for Spare {
    fn default() -> Self {
        Self::NONE
    }
}

impl Spare {
    pub(super) const NONE: Self = Self { ranges: [Range { at: 0, size: 0 }; RANGES], count: 0, used: 0, most: 0 };

    /// Bytes that are spare.
    pub(super) fn bytes(&self) -> usize {
        self.all().iter().map(|range| range.size).sum()
    }

    /// Counts so much as used, and finds the place for it: at the start of the smallest range that holds it.
    pub(super) fn begin(&mut self, size: usize) -> Option<usize> {
        self.used += size;
        self.most = self.most.max(self.used);
        let fits = self.all().iter().enumerate().filter(|(_, range)| range.size >= size);
        let (i, &Range { at, size: whole }) = fits.min_by_key(|(_, range)| range.size)?;
        if whole == size {
            self.remove(i);
        } else {
            self.ranges[i] = Range { at: at + size, size: whole - size };
        }
        Some(at)
    }

    /// What was counted as used could not be had.
    pub(super) fn failed(&mut self, size: usize) {
        self.used -= size;
    }

    /// Keeps what is used no longer, as one with what it touches; a range that has to go for it.
    pub(super) fn keep(&mut self, range: Range) -> Option<Range> {
        self.used -= range.size;
        let gone = if self.count == RANGES { self.smallest() } else { None };
        let next = self.all().partition_point(|other| other.at < range.at);
        let touches = |a: Range, b: Range| a.at + a.size == b.at;
        let before = next > 0 && touches(self.ranges[next - 1], range);
        let after = next < self.count && touches(range, self.ranges[next]);
        match (before, after) {
            (true, true) => {
                let after = self.remove(next);
                self.ranges[next - 1].size += range.size + after.size;
            }
            (true, false) => self.ranges[next - 1].size += range.size,
            (false, true) => {
                let Range { at, size } = self.ranges[next];
                self.ranges[next] = Range { at: at - range.size, size: size + range.size };
            }
            (false, false) => {
                self.ranges.copy_within(next..self.count, next + 1);
                self.ranges[next] = range;
                self.count += 1;
            }
        }
        gone
    }

    /// A range that has to go before all takes no more than was ever used at once: small ones are of the least use.
    pub(super) fn too_much(&mut self) -> Option<Range> {
        if self.used + self.bytes() > self.most { self.smallest() } else { None }
    }

    /// Takes the smallest range out.
    pub(super) fn smallest(&mut self) -> Option<Range> {
        let (i, _) = self.all().iter().enumerate().min_by_key(|(_, range)| range.size)?;
        Some(self.remove(i))
    }

    /// What was used before counts no longer.
    pub(super) fn forget_the_most(&mut self) {
        self.most = self.used;
    }

    fn all(&self) -> &[Range] {
        &self.ranges[..self.count]
    }

    fn remove(&mut self, i: usize) -> Range {
        let range = self.ranges[i];
        self.ranges.copy_within(i + 1..self.count, i);
        self.count -= 1;
        range
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(at: usize, size: usize) -> Range {
        Range { at, size }
    }

    /// With blocks of these ranges, all of them used.
    fn used(ranges: &[Range]) -> Spare {
        let mut spare = Spare::NONE;
        for range in ranges {
            assert_eq!(spare.begin(range.size), None, "nothing is spare yet");
        }
        spare
    }

    #[test]
    fn what_is_freed_serves_in_parts_and_grows_together_again() {
        let mut spare = used(&[range(100, 8), range(200, 4)]);
        assert_eq!((spare.keep(range(100, 8)), spare.keep(range(200, 4))), (None, None));
        assert_eq!(spare.begin(4), Some(200), "the smallest that holds it");
        assert_eq!((spare.begin(3), spare.begin(3)), (Some(100), Some(103)));
        assert_eq!((spare.begin(3), spare.bytes()), (None, 2));
        spare.failed(3);
        for freed in [range(103, 3), range(100, 3)] {
            assert_eq!(spare.keep(freed), None);
        }
        assert_eq!(spare.all(), [range(100, 8)]);
        assert_eq!(spare.begin(8), Some(100));
        // Between two that are kept.
        let mut spare = used(&[range(0, 1), range(1, 2), range(3, 4)]);
        for freed in [range(0, 1), range(3, 4), range(1, 2)] {
            assert_eq!(spare.keep(freed), None);
        }
        assert_eq!(spare.all(), [range(0, 7)]);
    }

    #[test]
    fn small_ranges_go_before_more_is_taken_than_ever_was_used() {
        let mut spare = used(&[range(0, 2), range(10, 3), range(20, 5)]);
        for freed in [range(0, 2), range(10, 3), range(20, 5)] {
            spare.keep(freed);
        }
        assert_eq!(spare.too_much(), None);
        assert_eq!(spare.begin(6), None);
        assert_eq!(spare.too_much(), Some(range(0, 2)));
        assert_eq!(spare.too_much(), Some(range(10, 3)));
        assert_eq!(spare.too_much(), Some(range(20, 5)), "six and five were more than ten");
        assert_eq!(spare.too_much(), None);
        spare.keep(range(40, 6));
        spare.forget_the_most();
        assert_eq!((spare.too_much(), spare.smallest()), (Some(range(40, 6)), None));
    }

    #[test]
    fn where_there_are_too_many_ranges_the_smallest_goes() {
        let mut all: Vec<Range> = (0..=RANGES).map(|i| range(100 * i, 2)).collect();
        all[7].size = 1;
        let mut spare = used(&all);
        let gone: Vec<Option<Range>> = all.iter().map(|range| spare.keep(*range)).collect();
        assert!(gone[..RANGES].iter().all(Option::is_none));
        assert_eq!((gone[RANGES], spare.count), (Some(range(700, 1)), RANGES));
    }

    #[test]
    fn no_two_blocks_ever_overlap_and_all_stays_within_what_was_used() {
        let (mut spare, mut blocks, mut state, mut fresh) = (Spare::NONE, Vec::<Range>::new(), 1_u64, 0);
        let mut below = |most: usize| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) as usize % most
        };
        let (mut most, mut again) = (0, 0);
        for _ in 0..20_000 {
            if below(5) < 2 && !blocks.is_empty() {
                let freed = blocks.swap_remove(below(blocks.len()));
                spare.keep(freed);
            } else if blocks.len() < 60 {
                let size = 1 + below(40);
                let at = spare.begin(size).inspect(|_| again += 1);
                while at.is_none() && spare.too_much().is_some() {}
                let block = range(at.unwrap_or(fresh), size);
                // A gap now and then, as systems leave them.
                fresh += if at.is_none() { size + below(2) } else { 0 };
                blocks.push(block);
                most = most.max(blocks.iter().map(|block| block.size).sum());
            }
            let mut all: Vec<Range> = blocks.iter().chain(spare.all()).copied().collect();
            all.sort_by_key(|range| range.at);
            assert!(all.windows(2).all(|pair| pair[0].at + pair[0].size <= pair[1].at), "{all:?}");
            assert!(all.iter().map(|range| range.size).sum::<usize>() <= most);
        }
        assert!(again > 2000, "{again} were had again");
    }
}

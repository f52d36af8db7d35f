//! The recipe: what names a take, the same on every machine.

use std::fmt;

use crate::{Brief, Shot};

/// The hash of shot, brief, filler and weights. Equal recipes make equal frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Recipe(u128);

impl Recipe {
    /// The recipe of a shot and a brief, for the filler whose name and weights are given.
    #[must_use]
    pub fn new(shot: &Shot, brief: &Brief, filler: &str, weights: &str) -> Self {
        let mut hasher = Canonical::new();
        hasher.text(filler);
        hasher.text(weights);
        for (time, frame) in shot.frames() {
            hasher.number(*time);
            hasher.0.write(&frame.fingerprint().to_le_bytes());
        }
        if shot.is_formatted() {
            let (width, height) = shot.size().unwrap_or_default();
            hasher.count(width);
            hasher.count(height);
            hasher.number(shot.rate());
        }
        hasher.text("missing");
        shot.gaps().iter().for_each(|time| hasher.number(*time));
        hasher.text(&brief.prompt);
        hasher.text(&brief.negative_prompt);
        hasher.0.write(&brief.seed.to_le_bytes());
        hasher.number(f64::from(brief.strength));
        hasher.text(brief.quality.name());
        Self(hasher.finish())
    }
}

impl fmt::Display for Recipe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

/// Hashes values so that no two differing lists of them are the same bytes, on every machine alike.
pub(crate) struct Canonical(twox_hash::XxHash3_128);

impl Canonical {
    pub(crate) fn new() -> Self {
        Self(twox_hash::XxHash3_128::new())
    }

    pub(crate) fn finish(self) -> u128 {
        self.0.finish_128()
    }

    pub(crate) fn text(&mut self, text: &str) {
        self.0.write(&(text.len() as u64).to_le_bytes());
        self.0.write(text.as_bytes());
    }

    pub(crate) fn number(&mut self, v: f64) {
        // One zero: -0.0 + 0.0 is 0.0.
        self.0.write(&(v + 0.0).to_le_bytes());
    }

    pub(crate) fn count(&mut self, count: usize) {
        self.0.write(&(count as u64).to_le_bytes());
    }

    /// A list, its length first.
    pub(crate) fn list<T>(&mut self, values: impl ExactSizeIterator<Item = T>, mut tell: impl FnMut(&mut Self, T)) {
        self.count(values.len());
        values.for_each(|value| tell(self, value));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Encoding, Frame, Quality};

    fn shot(value: f32, missing: f64) -> Shot {
        let frame = Frame::new(2, 1, 1, Encoding::Display, vec![value, 0.5]).unwrap();
        Shot::new().known(0.0, frame).unwrap().missing(missing)
    }

    #[test]
    fn a_recipe_tells_apart_all_that_changes_the_picture() {
        let brief = Brief::default();
        let base = Recipe::new(&shot(0.1, 1.0), &brief, "motion", "w1");
        assert_eq!(base, Recipe::new(&shot(0.1, 1.0), &brief.clone(), "motion", "w1"));
        let others = [
            Recipe::new(&shot(0.2, 1.0), &brief, "motion", "w1"),
            Recipe::new(&shot(0.1, 1.5), &brief, "motion", "w1"),
            Recipe::new(&shot(0.1, 1.0), &Brief { quality: Quality::Best, ..brief.clone() }, "motion", "w1"),
            Recipe::new(&shot(0.1, 1.0), &Brief { prompt: "rain".into(), ..brief.clone() }, "motion", "w1"),
            Recipe::new(&shot(0.1, 1.0), &brief, "motion", "w2"),
            Recipe::new(&shot(0.1, 1.0).formatted(2, 1, 24.0), &brief, "motion", "w1"),
        ];
        for other in others {
            assert_ne!(base, other);
        }
    }

    #[test]
    fn lists_that_differ_in_where_they_end_are_told_apart_and_the_two_zeros_are_not() {
        let told = |lists: [&[f64]; 2]| {
            let mut hasher = Canonical::new();
            lists.iter().for_each(|list| hasher.list(list.iter(), |h, v| h.number(*v)));
            hasher.finish()
        };
        assert_ne!(told([&[1.0], &[2.0, 3.0]]), told([&[1.0, 2.0], &[3.0]]));
        assert_eq!(told([&[0.0], &[]]), told([&[-0.0], &[]]));
        assert_ne!(told([&[0.5], &[]]), told([&[-0.5], &[]]));
    }

    #[test]
    fn a_recipe_is_the_same_on_every_machine() {
        let recipe = Recipe::new(&shot(0.1, 1.0), &Brief::default(), "motion", "w1");
        assert_eq!(recipe.to_string(), "3ec841a2dbb7f0c4f02400825e2cbd4a");
    }
}

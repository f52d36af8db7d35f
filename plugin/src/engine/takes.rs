//! The takes made last, in memory: hosts ask for the same frame again and again (MLT renders the last one five times).

use std::sync::Arc;

use pickup_model::{Made, Recipe};

use super::TAKES_BUDGET;

/// Made frames by recipe, newest first, within a budget of memory.
#[derive(Default)]
pub(super) struct Takes(Vec<(Recipe, Arc<Made>)>);

impl Takes {
    pub(super) fn recall(&mut self, recipe: Recipe) -> Option<Arc<Made>> {
        let at = self.0.iter().position(|(r, _)| *r == recipe)?;
        self.0[..=at].rotate_right(1);
        Some(self.0[0].1.clone())
    }

    pub(super) fn keep(&mut self, recipe: Recipe, made: &Arc<Made>) {
        self.0.insert(0, (recipe, made.clone()));
        let mut total = 0;
        let within = self.0.iter().take_while(|(_, made)| {
            total += (made.frame.pixels().len() + made.confidence.pixels().len()) * size_of::<f32>();
            total <= TAKES_BUDGET
        });
        let within = within.count();
        self.0.truncate(within);
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }
}

#[cfg(test)]
mod tests {
    use pickup_model::{Brief, Encoding, Frame, Origin, Shot};

    use super::*;

    fn made(pixels: usize) -> Arc<Made> {
        let frame = Frame::new(pixels, 1, 1, Encoding::Display, vec![0.0; pixels]).unwrap();
        Arc::new(Made { time: 1.0, frame: frame.clone(), confidence: frame, origin: Origin::Made })
    }

    fn recipe(time: f64) -> Recipe {
        Recipe::new(&Shot::new().missing(time), &Brief::default(), "motion", "w")
    }

    #[test]
    fn what_was_used_last_stays_within_the_budget() {
        let mut takes = Takes::default();
        let third = made(TAKES_BUDGET / 8 / 3);
        for time in [1.0, 2.0, 3.0] {
            takes.keep(recipe(time), &third);
        }
        assert!(takes.recall(recipe(1.0)).is_some());
        takes.keep(recipe(4.0), &third);
        assert!(takes.recall(recipe(2.0)).is_none(), "the one not asked for longest goes");
        assert!([1.0, 3.0, 4.0].iter().all(|t| takes.recall(recipe(*t)).is_some()));
        takes.clear();
        assert!(takes.recall(recipe(1.0)).is_none());
    }

    #[test]
    fn a_frame_larger_than_the_budget_is_not_kept() {
        let mut takes = Takes::default();
        takes.keep(recipe(1.0), &made(TAKES_BUDGET / 4));
        assert!(takes.recall(recipe(1.0)).is_none());
    }
}

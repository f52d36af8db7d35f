//! Which noise levels a generation passes, and how it goes from one to the next.
//!
//! Rectified flow (Liu et al. 2022): at level σ latents are (1 - σ) times the picture and σ times noise, and the network
//! tells the noise less the picture.

use crate::{Error, Result, recipe::Canonical};

/// Where the quadratic part of the schedule starts: how much noise the linear part takes away.
const THRESHOLD: f64 = 0.025;

/// The levels of the distilled models: the linear-quadratic ones of eight steps. The first pass of 0.9.8 leaves out the
/// last, the second starts at the third last.
pub const DISTILLED: [f64; 8] = [1.0, 0.99375, 0.9875, 0.98125, 0.975, 0.90938, 0.725, 0.42188];

/// Falling noise levels, each above 0 and none above 1; 0 comes after the last.
#[derive(Clone, Debug, PartialEq)]
pub struct Schedule(Vec<f32>);

impl Schedule {
    /// Tells a take's name of the levels.
    pub(crate) fn tell(&self, name: &mut Canonical) {
        name.list(self.0.iter(), |name, level| name.number(f64::from(*level)));
    }

    /// Half the steps take away 2.5% of the noise in even steps, the other half the rest in steps that grow.
    ///
    /// # Errors
    /// When there is no step, or there are thousands.
    pub fn linear_quadratic(steps: usize) -> Result<Self> {
        if steps == 0 || steps > 1000 {
            return Err(Error::Request(format!("{steps} steps were asked for: take from 1 to 1000")));
        }
        if steps == 1 {
            return Ok(Self(vec![1.0]));
        }
        let linear = steps / 2;
        let (n, l) = (steps as f64, linear as f64);
        let (rest, quadratic) = (l - THRESHOLD * n, n - l);
        let a = rest / (l * quadratic * quadratic);
        let b = THRESHOLD / l - 2.0 * rest / (quadratic * quadratic);
        let c = a * l * l;
        let taken = |i: usize| {
            let x = i as f64;
            if i < linear { x * THRESHOLD / l } else { a * x * x + b * x + c }
        };
        Ok(Self((0..steps).map(|i| (1.0 - taken(i)) as f32).collect()))
    }

    /// Levels as they are given.
    ///
    /// # Errors
    /// When they do not fall from at most 1 to above 0.
    pub fn given(levels: &[f64]) -> Result<Self> {
        let falls = levels.windows(2).all(|w| w[0] > w[1]);
        let inside = levels.iter().all(|l| *l > 0.0 && *l <= 1.0);
        if levels.is_empty() || levels.len() > 1000 || !falls || !inside {
            return Err(Error::Request(format!("noise levels must fall from at most 1 to above 0, not {levels:?}")));
        }
        Ok(Self(levels.iter().map(|l| *l as f32).collect()))
    }

    /// As many steps along the same way.
    ///
    /// # Errors
    /// When there is no step, or there are thousands.
    pub fn resampled(&self, steps: usize) -> Result<Self> {
        let last = self.0.len();
        let level = |i: usize| self.0.get(i).copied().map_or(0.0, f64::from);
        let at = |x: f64| {
            let i = x.floor() as usize;
            level(i) + (level(i + 1) - level(i)) * x.fract()
        };
        Self::given(&(0..steps).map(|i| at((i * last) as f64 / steps as f64)).collect::<Vec<_>>())
    }

    /// The levels, from the noisiest.
    #[must_use]
    pub fn levels(&self) -> &[f32] {
        &self.0
    }

    /// The largest level below `level`, by more than rounding.
    pub(super) fn below(&self, level: f32) -> f32 {
        self.0.iter().copied().filter(|l| *l < level - 1e-6).fold(0.0, f32::max)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_numbers_of_steps_go_the_same_way() {
        let eight = Schedule::given(&DISTILLED).unwrap();
        assert_eq!(eight.resampled(8).unwrap(), eight);
        let four = eight.resampled(4).unwrap();
        assert_eq!(four.levels(), [eight.levels()[0], eight.levels()[2], eight.levels()[4], eight.levels()[6]]);
        let many = eight.resampled(16).unwrap();
        assert_eq!(many.levels().iter().step_by(2).copied().collect::<Vec<_>>(), eight.levels());
        assert!(eight.resampled(0).is_err());
    }

    #[test]
    fn eight_steps_are_the_distilled_list() {
        let schedule = Schedule::linear_quadratic(8).unwrap();
        for (level, distilled) in schedule.levels().iter().zip(DISTILLED) {
            assert!((f64::from(*level) - distilled).abs() < 1e-5, "{level} {distilled}");
        }
        assert_eq!(Schedule::linear_quadratic(1).unwrap().levels(), [1.0]);
        assert!(Schedule::linear_quadratic(0).is_err());
    }

    #[test]
    fn levels_that_do_not_fall_are_refused() {
        for levels in [&[][..], &[0.5, 0.5], &[0.2, 0.4], &[1.2, 0.5], &[0.5, 0.0], &[f64::NAN]] {
            assert!(Schedule::given(levels).is_err(), "{levels:?}");
        }
        let schedule = Schedule::given(&[1.0, 0.6, 0.2]).unwrap();
        assert_eq!((schedule.below(0.6), schedule.below(0.7), schedule.below(0.2)), (0.2, 0.6, 0.0));
    }
}

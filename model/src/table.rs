//! A function of one number, looked up.

use std::ops::RangeInclusive;

/// Steps over the range that is looked up: curves of cameras and monitors, straight between two steps, are right to 1e-6.
const STEPS: usize = 1 << 14;

/// A function of one number, looked up within a range and calculated elsewhere.
pub(crate) struct Table<F = fn(f32) -> f32> {
    function: F,
    from: f32,
    /// Steps for each 1 of the range.
    scale: f32,
    values: Vec<f32>,
}

impl<F: Fn(f32) -> f32> Table<F> {
    pub(crate) fn new(range: RangeInclusive<f32>, function: F) -> Self {
        let (from, to) = range.into_inner();
        let step = f64::from(to - from) / STEPS as f64;
        let values = (0..=STEPS).map(|i| function((f64::from(from) + i as f64 * step) as f32)).collect();
        Self { function, from, scale: (1.0 / step) as f32, values }
    }

    pub(crate) fn at(&self, v: f32) -> f32 {
        let place = (v - self.from) * self.scale;
        // What is no number is not looked up either.
        if (0.0..STEPS as f32).contains(&place) {
            let (step, part) = (place as usize, place.fract());
            let (low, high) = (self.values[step], self.values[step + 1]);
            return low + (high - low) * part;
        }
        (self.function)(v)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::srgb;

    #[test]
    fn what_is_looked_up_is_what_would_be_calculated() {
        let table = Table::new(0.0..=1.0, srgb::decode);
        for i in -2000..12_000 {
            let v = i as f32 * 1e-4 + 3e-6;
            assert!((table.at(v) - srgb::decode(v)).abs() < 1e-6, "{v}: {}", table.at(v));
        }
        assert_eq!([table.at(0.0), table.at(1.0), table.at(2.0)], [0.0, 1.0, srgb::decode(2.0)]);
        assert!(table.at(f32::NAN).is_nan() && table.at(f32::INFINITY).is_infinite());
    }
}

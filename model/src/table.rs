//! A function of one number, looked up.

use std::ops::RangeInclusive;

/// A function of one number, looked up within a range and calculated elsewhere. It is straight between steps over the range: with 4096 of
/// them, which stay in a processor's cache, curves of cameras and monitors are right to 4e-6. Steps are a power of two.
pub(crate) struct Table<F = fn(f32) -> f32, const STEPS: usize = 4096> {
    function: F,
    from: f32,
    /// Steps for each 1 of the range.
    scale: f32,
    /// The function where a step starts.
    low: Box<[f32; STEPS]>,
    /// By how much it rises over the step.
    rise: Box<[f32; STEPS]>,
}

/// One of four times as many steps, for what is steep near black.
pub(crate) type FineTable<F = fn(f32) -> f32> = Table<F, 16_384>;

impl<F: Fn(f32) -> f32, const STEPS: usize> Table<F, STEPS> {
    pub(crate) fn new(range: RangeInclusive<f32>, function: F) -> Self {
        const { assert!(STEPS.is_power_of_two(), "a place is cut down to one by a mask") }
        let (from, to) = range.into_inner();
        let step = f64::from(to - from) / STEPS as f64;
        let value = |i: usize| function((f64::from(from) + i as f64 * step) as f32);
        let (mut low, mut rise) = (Box::new([0.0; STEPS]), Box::new([0.0; STEPS]));
        for (i, (low, rise)) in low.iter_mut().zip(rise.iter_mut()).enumerate() {
            *low = value(i);
            *rise = value(i + 1) - *low;
        }
        Self { function, from, scale: (1.0 / step) as f32, low, rise }
    }

    pub(crate) fn at(&self, v: f32) -> f32 {
        let place = (v - self.from) * self.scale;
        // What is no number is not looked up either.
        if (0.0..=STEPS as f32).contains(&place) { self.between(place) } else { (self.function)(v) }
    }

    /// Each of some values: many at once where all lie in the range. Vector instructions are those of the caller.
    #[inline(always)]
    pub(crate) fn each(&self, values: &mut [f32]) {
        let mut inside = true;
        for v in &*values {
            let place = (v - self.from) * self.scale;
            inside &= (place >= 0.0) & (place <= STEPS as f32);
        }
        if inside {
            values.iter_mut().for_each(|v| *v = self.between((*v - self.from) * self.scale));
        } else {
            values.iter_mut().for_each(|v| *v = self.at(*v));
        }
    }

    /// The function at a place in steps, which lies in the range.
    #[inline(always)]
    fn between(&self, place: f32) -> f32 {
        let step = (place as i32).min(STEPS as i32 - 1);
        // No bound is to be checked where the number of steps is a power of two.
        let i = step as usize & (STEPS - 1);
        self.low[i] + self.rise[i] * (place - step as f32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::srgb;

    #[test]
    fn what_is_looked_up_is_what_would_be_calculated() {
        let table = Table::<_>::new(0.0..=1.0, srgb::decode);
        for i in -2000..12_000 {
            let v = i as f32 * 1e-4 + 3e-6;
            assert!((table.at(v) - srgb::decode(v)).abs() < 1e-6, "{v}: {}", table.at(v));
        }
        assert_eq!([table.at(0.0), table.at(1.0), table.at(2.0)], [0.0, 1.0, srgb::decode(2.0)]);
        assert!(table.at(f32::NAN).is_nan() && table.at(f32::INFINITY).is_infinite());
        for more in [0.5, 1.0, 7.0, -3.0] {
            let mut values: Vec<f32> = (0..=64).map(|i| i as f32 / 64.0).chain([more]).collect();
            let one_by_one: Vec<f32> = values.iter().map(|v| table.at(*v)).collect();
            table.each(&mut values);
            assert_eq!(values, one_by_one);
        }
    }
}

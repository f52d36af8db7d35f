//! The sRGB curve (IEC 61966-2-1), mirrored below 0 and carried on above 1, so that every value survives.

use std::sync::LazyLock;

use crate::polynomial::Polynomial;

/// From light to the curve.
#[must_use]
pub fn encode(v: f32) -> f32 {
    let a = v.abs();
    (if a <= 0.003_130_8 { a * 12.92 } else { 1.055 * a.powf(1.0 / 2.4) - 0.055 }).copysign(v)
}

/// From the curve to light: the inverse of [`encode`].
#[must_use]
pub fn decode(v: f32) -> f32 {
    let a = v.abs();
    (if a <= STRAIGHT { a / 12.92 } else { ((a + 0.055) / 1.055).powf(2.4) }).copysign(v)
}

/// Where the curve ends to be straight, as a value.
const STRAIGHT: f32 = 0.040_45;

/// [`decode`] of many values, right to 5e-7 from 0 to 1.
pub(crate) struct ManyDecoded(Polynomial<11>);

impl ManyDecoded {
    /// The one there is.
    pub(crate) fn get() -> &'static Self {
        static FOUND: LazyLock<ManyDecoded> = LazyLock::new(|| ManyDecoded(Polynomial::new(STRAIGHT..=1.0, decode)));
        &FOUND
    }

    /// Decodes some values, many at once where all lie from 0 to 1. Vector instructions are those of the caller.
    #[inline(always)]
    pub(crate) fn each(&self, values: &mut [f32]) {
        let mut inside = true;
        values.iter().for_each(|v| inside &= (*v >= 0.0) & (*v <= 1.0));
        if inside {
            values.iter_mut().for_each(|v| *v = self.within(*v));
        } else {
            values.iter_mut().for_each(|v| *v = decode(*v));
        }
    }

    /// Decodes the colours of pixels whose fourth channel stays.
    #[inline(always)]
    pub(crate) fn each_colour(&self, pixels: &mut [[f32; 4]]) {
        const RUN: usize = 64;
        let mut alphas = [0.0; RUN];
        for pixels in pixels.chunks_mut(RUN) {
            alphas.iter_mut().zip(&*pixels).for_each(|(alpha, pixel)| *alpha = pixel[3]);
            self.each(pixels.as_flattened_mut());
            alphas.iter().zip(pixels).for_each(|(alpha, pixel)| pixel[3] = *alpha);
        }
    }

    /// Of a value from 0 to 1.
    #[inline(always)]
    fn within(&self, v: f32) -> f32 {
        let (line, curve) = (v * (1.0 / 12.92), self.0.at(v));
        if v <= STRAIGHT { line } else { curve }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_values_are_decoded_as_each_is() {
        let many = ManyDecoded::get();
        let values: Vec<f32> = (0..=100_000).map(|i| i as f32 * 1e-5).chain([-0.5, 1.5, f32::INFINITY]).collect();
        // More than a run, of which some hold what is beyond 0 and 1.
        for run in values.chunks(200) {
            let mut found = run.to_vec();
            many.each(&mut found);
            let near = |found: f32, v: f32| found == decode(v) || (found - decode(v)).abs() < 5e-7;
            assert!(found.iter().zip(run).all(|(found, v)| near(*found, *v)), "{run:?}");
            for alpha in [0.25, 7.0] {
                let mut colours: Vec<[f32; 4]> = run.iter().map(|v| [*v, 1.0 - v, 0.3, alpha]).collect();
                many.each_colour(&mut colours);
                for ([red, green, blue, kept], v) in colours.into_iter().zip(run) {
                    assert!(near(red, *v) && near(green, 1.0 - v) && near(blue, 0.3) && kept == alpha, "{v}");
                }
            }
        }
    }

    #[test]
    fn the_curve_and_its_inverse_agree_beyond_black_and_white() {
        assert!((encode(0.18) - 0.461_36).abs() < 1e-4, "mid grey");
        for v in [-2.0, -0.5, -0.001, 0.0, 0.002, 0.003_130_8, 0.18, 1.0, 12.0] {
            assert!((decode(encode(v)) - v).abs() <= 1e-5 * v.abs().max(1.0), "{v}");
        }
    }
}

//! The sRGB curve (IEC 61966-2-1), mirrored below 0 and carried on above 1, so that every value survives.

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
    (if a <= 0.040_45 { a / 12.92 } else { ((a + 0.055) / 1.055).powf(2.4) }).copysign(v)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_curve_and_its_inverse_agree_beyond_black_and_white() {
        assert!((encode(0.18) - 0.461_36).abs() < 1e-4, "mid grey");
        for v in [-2.0, -0.5, -0.001, 0.0, 0.002, 0.003_130_8, 0.18, 1.0, 12.0] {
            assert!((decode(encode(v)) - v).abs() <= 1e-5 * v.abs().max(1.0), "{v}");
        }
    }
}

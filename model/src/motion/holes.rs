//! Fills what is not seen from what is seen around it.

use rayon::prelude::*;

/// Fills interleaved pixels where they are not seen, smoothly, from those around them that are: each coarser picture holds
/// the mean of what is seen, and fills the finer one (pull-push, Gortler et al. 1996). `seen` is 0 to 1 for each pixel; what
/// is seen in part is filled in part. A pixel that is not a number fills no other.
pub(crate) fn fill(pixels: &mut [f32], channels: usize, seen: &[f32], width: usize) {
    let height = seen.len().checked_div(width).unwrap_or(0);
    if width.max(height) < 2 || seen.iter().all(|seen| *seen >= 1.0) {
        return;
    }
    let mut small = Halved::new(pixels, channels, seen, width);
    fill(&mut small.pixels, channels, &small.seen, small.width);
    let rows = pixels.par_chunks_exact_mut(width * channels).zip(seen.par_chunks_exact(width)).enumerate();
    rows.for_each(|(y, (row, seen))| {
        for (x, (pixel, seen)) in row.chunks_exact_mut(channels).zip(seen).enumerate() {
            if *seen < 1.0 {
                for (c, value) in pixel.iter_mut().enumerate() {
                    let around = small.at(x, y, c, channels);
                    let kept = if value.is_finite() { *seen } else { 0.0 };
                    *value = if kept > 0.0 { kept * *value + (1.0 - kept) * around } else { around };
                }
            }
        }
    });
}

/// A picture of half the size: of each four pixels the mean of what is seen.
struct Halved {
    width: usize,
    height: usize,
    pixels: Vec<f32>,
    seen: Vec<f32>,
}

impl Halved {
    fn new(pixels: &[f32], channels: usize, seen: &[f32], width: usize) -> Self {
        let height = seen.len() / width;
        let (half_width, half_height) = (width.div_ceil(2), height.div_ceil(2));
        let mut half = Self {
            width: half_width,
            height: half_height,
            pixels: vec![0.0; half_width * half_height * channels],
            seen: vec![0.0; half_width * half_height],
        };
        let rows =
            half.pixels.par_chunks_exact_mut(half_width * channels).zip(half.seen.par_chunks_exact_mut(half_width));
        rows.enumerate().for_each(|(row, (out, out_seen))| {
            for (column, (out, out_seen)) in out.chunks_exact_mut(channels).zip(out_seen).enumerate() {
                for y in 2 * row..(2 * row + 2).min(height) {
                    for x in 2 * column..(2 * column + 2).min(width) {
                        let (at, share) = (y * width + x, seen[y * width + x]);
                        let pixel = &pixels[at * channels..(at + 1) * channels];
                        if share > 0.0 && pixel.iter().all(|v| v.is_finite()) {
                            out.iter_mut().zip(pixel).for_each(|(sum, v)| *sum += share * v);
                            *out_seen += share;
                        }
                    }
                }
                if *out_seen > 0.0 {
                    out.iter_mut().for_each(|sum| *sum /= *out_seen);
                }
                *out_seen = out_seen.min(1.0);
            }
        });
        half
    }

    /// A value at a place of the picture of the full size: bilinear.
    fn at(&self, x: usize, y: usize, channel: usize, channels: usize) -> f32 {
        // A pixel's middle lies a quarter into the larger one that it is part of: towards the one before, or the one after.
        let beside = |at: usize, end: usize| {
            let near = at / 2;
            (near, if at.is_multiple_of(2) { near.saturating_sub(1) } else { (near + 1).min(end - 1) })
        };
        let ((x, x_beside), (y, y_beside)) = (beside(x, self.width), beside(y, self.height));
        let value = |x: usize, y: usize| self.pixels[(y * self.width + x) * channels + channel];
        let row = |y: usize| 0.75 * value(x, y) + 0.25 * value(x_beside, y);
        0.75 * row(y) + 0.25 * row(y_beside)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hole_takes_what_is_around_it() {
        let (width, height) = (21, 13);
        let value = |i: usize| [0.25 + (i % width) as f32 / 100.0, 0.5];
        let truth: Vec<f32> = (0..width * height).flat_map(value).collect();
        let seen: Vec<f32> = (0..width * height)
            .map(|i| if (8..12).contains(&(i % width)) && (4..9).contains(&(i / width)) { 0.0 } else { 1.0 })
            .collect();
        let mut holed: Vec<f32> =
            truth.chunks(2).zip(&seen).flat_map(|(v, s)| [v[0] * s, if *s > 0.0 { v[1] } else { f32::NAN }]).collect();
        fill(&mut holed, 2, &seen, width);
        for (i, (got, wanted)) in holed.chunks(2).zip(truth.chunks(2)).enumerate() {
            let near = if seen[i] > 0.0 { 0.0 } else { 0.02 };
            assert!((got[0] - wanted[0]).abs() <= near, "{got:?} at {i}, not {wanted:?}");
            assert!((got[1] - 0.5).abs() < 1e-6, "{got:?} at {i}");
        }
    }

    #[test]
    fn what_is_half_seen_is_half_kept_and_what_is_no_number_spreads_nowhere() {
        let mut pixels = vec![0.0, 1.0, f32::NAN, 1.0];
        fill(&mut pixels, 1, &[0.5, 1.0, 1.0, 0.0], 4);
        assert!(pixels[0] > 0.2 && pixels[0] < 0.5, "{pixels:?}");
        assert!(pixels[2].is_nan(), "a seen pixel is left alone");
        assert!(pixels[3] > 0.5 && pixels[3] <= 1.0, "{pixels:?}");
        let mut nothing = vec![0.7; 9];
        fill(&mut nothing, 1, &[0.0; 9], 3);
        assert!(nothing.iter().all(|v| v.is_finite()));
    }
}

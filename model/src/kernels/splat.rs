//! Forward splatting: each source pixel is added, bilinearly weighted, where its displacement takes it.
//!
//! The target is cut into bands of rows; a band looks through the source rows that can reach it, in raster order. Every
//! target pixel thus sums its contributions in the order of the source, however many threads there are.

use candle_core::{Result, Shape, Tensor, bail};
use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

use super::{CpuKernel, Planes, banded::by_bands, on_planes, planar};

/// Adds `values`, `[1, C, H, W]`, at `(x, y) + displacement(x, y)`; `displacement` is `[1, 2, H, W]` in pixels, x
/// before y, `weights` is `[1, 1, H, W]`.
///
/// The answer is un-normalised: `[1, C, H, W]` sums of bilinear weight times weight times value, and `[1, 1, H, W]`
/// sums of bilinear weight times weight. A displacement that is not a number counts as none; a pixel whose weight is
/// not finite, and whatever falls outside the picture, is left out.
///
/// # Errors
/// When the shapes do not fit each other, the tensors are not `f32`, or they lie on a GPU.
pub fn splat(values: &Tensor, displacement: &Tensor, weights: &Tensor) -> Result<(Tensor, Tensor)> {
    let values = planar("splat", "the values", values)?;
    let displacement = planar("splat", "the displacement", displacement)?;
    let weights = planar("splat", "the weights", weights)?;
    let (n, c, h, w) = values.dims4()?;
    if n != 1 || displacement.dims() != [1, 2, h, w] || weights.dims() != [1, 1, h, w] {
        bail!(
            "splat: values [1, C, H, W] need a displacement [1, 2, H, W] and weights [1, 1, H, W], got {:?}, {:?}, {:?}",
            values.dims(),
            displacement.dims(),
            weights.dims()
        )
    }
    let shape = Shape::from((1, c + 1, h, w));
    let kernel = CpuKernel {
        name: "splat",
        run: on_planes(|args: &[Planes<'_>]| Ok((splat_planes(args[0], args[1], args[2]), shape.clone()))),
    };
    let sums = values.apply_op3_no_bwd(&displacement, &weights, &kernel)?;
    Ok((sums.narrow(1, 0, c)?, sums.narrow(1, c, 1)?))
}

/// Rows of a band: few enough for two cores to share the work, enough that a band's neighbours are seldom looked at.
const ROWS: usize = 48;

/// Channels summed in one pass, weight included: a vector of four.
const LANES: usize = 4;

fn splat_planes(values: Planes<'_>, displacement: Planes<'_>, weights: Planes<'_>) -> Vec<f32> {
    let arch = Arch::new();
    let Planes { c, h, w, .. } = values;
    // The target rows that each source row reaches, first to last; none if the last comes before the first.
    let reach: Vec<(f32, f32)> = displacement
        .plane(0, 1)
        .par_chunks_exact(w)
        .enumerate()
        .map(|(y, row)| {
            let (low, high) = row.iter().fold((f32::INFINITY, f32::NEG_INFINITY), |(low, high), &v| {
                let v = if v.is_nan() { 0.0 } else { v };
                (low.min(v), high.max(v))
            });
            (y as f32 + low, y as f32 + high)
        })
        .collect();
    by_bands((1, c + 1, h, w), ROWS, |_, top, planes| {
        let mut sums = vec![[0f32; LANES]; planes[0].len()];
        // The last plane is the sum of weights alone: the sums of values one.
        for first in (0..=c).step_by(LANES) {
            let count = LANES.min(c + 1 - first);
            sums.fill([0.0; LANES]);
            arch.dispatch(Band { values, displacement, weights, reach: &reach, top, first, sums: &mut sums });
            for (k, plane) in planes[first..first + count].iter_mut().enumerate() {
                plane.iter_mut().zip(&sums).for_each(|(o, s)| *o = s[k]);
            }
        }
    })
}

/// What falls on one band of rows, for `LANES` channels from `first` on.
struct Band<'a> {
    values: Planes<'a>,
    displacement: Planes<'a>,
    weights: Planes<'a>,
    reach: &'a [(f32, f32)],
    top: usize,
    first: usize,
    sums: &'a mut [[f32; LANES]],
}

impl WithSimd for Band<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Planes { c, h, w, .. } = self.values;
        let rows = self.sums.len() / w;
        let (above, below) = (self.top as f32 - 1.0, (self.top + rows) as f32);
        let count = LANES.min(c - self.first);
        for (y, &(low, high)) in self.reach.iter().enumerate() {
            if high <= above || low >= below {
                continue;
            }
            let row = y * w..(y + 1) * w;
            let dx = &self.displacement.plane(0, 0)[row.clone()];
            let dy = &self.displacement.plane(0, 1)[row.clone()];
            let weights = &self.weights.plane(0, 0)[row];
            for (x, ((&dx, &dy), &weight)) in dx.iter().zip(dy).zip(weights).enumerate() {
                let px = x as f32 + if dx.is_nan() { 0.0 } else { dx };
                let py = y as f32 + if dy.is_nan() { 0.0 } else { dy };
                let inside = px > -1.0 && px < w as f32 && py > above && py < below;
                if !inside || !weight.is_finite() {
                    continue;
                }
                // Lanes beyond the channels carry the weight itself.
                let mut value = [weight; LANES];
                for (k, value) in value[..count].iter_mut().enumerate() {
                    *value *= self.values.data[(self.first + k) * h * w + y * w + x];
                }
                add(self.sums, (rows, w), (px, py - self.top as f32), value);
            }
        }
    }
}

/// Adds `value` to the four pixels around `(x, y)`, which lies less than one pixel outside the band at most.
#[inline(always)]
fn add(sums: &mut [[f32; LANES]], (rows, w): (usize, usize), (x, y): (f32, f32), value: [f32; LANES]) {
    let (left, top) = (x.floor(), y.floor());
    let (right, below) = (x - left, y - top);
    let (left, top) = (left as isize, top as isize);
    if left >= 0 && left + 1 < w as isize && top >= 0 && top + 1 < rows as isize {
        let at = top as usize * w + left as usize;
        let four = &mut sums[at..at + w + 2];
        for (at, weight) in [
            (0, (1.0 - right) * (1.0 - below)),
            (1, right * (1.0 - below)),
            (w, (1.0 - right) * below),
            (w + 1, right * below),
        ] {
            for (sum, value) in four[at].iter_mut().zip(value) {
                *sum += weight * value;
            }
        }
        return;
    }
    for (row, wy) in [(top, 1.0 - below), (top + 1, below)] {
        if row < 0 || row >= rows as isize {
            continue;
        }
        let row = &mut sums[row as usize * w..][..w];
        for (column, wx) in [(left, 1.0 - right), (left + 1, right)] {
            if column < 0 || column >= w as isize {
                continue;
            }
            let weight = wx * wy;
            for (sum, value) in row[column as usize].iter_mut().zip(value) {
                *sum += weight * value;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::test::*;
    use super::*;
    use candle_core::Device;

    /// Sums in `f64`, one source pixel after the other.
    fn naive(values: &Tensor, displacement: &Tensor, weights: &Tensor) -> (Vec<f32>, Vec<f32>) {
        let (_, c, h, w) = values.dims4().unwrap();
        let (v, d, m) = (flat(values), flat(displacement), flat(weights));
        let mut sums = vec![0f64; (c + 1) * h * w];
        for y in 0..h {
            for x in 0..w {
                let at = y * w + x;
                let (px, py) = (x as f64 + d[at] as f64, y as f64 + d[h * w + at] as f64);
                for ty in 0..h {
                    for tx in 0..w {
                        let bilinear =
                            (1.0 - (px - tx as f64).abs()).max(0.0) * (1.0 - (py - ty as f64).abs()).max(0.0);
                        for k in 0..=c {
                            let value = if k < c { v[k * h * w + at] as f64 } else { 1.0 };
                            sums[k * h * w + ty * w + tx] += bilinear * m[at] as f64 * value;
                        }
                    }
                }
            }
        }
        let hits = sums.split_off(c * h * w);
        (sums.into_iter().map(|v| v as f32).collect(), hits.into_iter().map(|v| v as f32).collect())
    }

    #[test]
    fn equals_the_definition_at_any_size() {
        let mut rng = Rng::new(14);
        for [c, h, w] in [[1, 1, 1], [2, 5, 7], [3, 9, 1], [4, 1, 9], [9, 6, 6], [2, 101, 13]] {
            for scale in [0.0, 0.8, 12.0] {
                let values = rng.tensor(&[1, c, h, w], 1.0);
                let displacement = rng.tensor(&[1, 2, h, w], scale);
                let weights = rng.tensor(&[1, 1, h, w], 2.0).abs().unwrap();
                let (sum, hits) = splat(&values, &displacement, &weights).unwrap();
                let (want_sum, want_hits) = naive(&values, &displacement, &weights);
                let what = format!("{:?} by {scale}", values.dims());
                assert_close(&flat(&sum), &want_sum, 1e-5, &what);
                assert_close(&flat(&hits), &want_hits, 1e-5, &what);
            }
        }
    }

    #[test]
    fn wild_displacements_and_weights_are_left_out() {
        let values = Tensor::ones((1, 1, 1, 6), candle_core::DType::F32, &Device::Cpu).unwrap();
        let dx = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, f32::MAX, 0.0, 0.0];
        let displacement = Tensor::new(&[dx, [f32::NAN; 6]], &Device::Cpu).unwrap().reshape((1, 2, 1, 6)).unwrap();
        let weights = Tensor::new(&[1f32, 1., 1., 1., f32::NAN, 3.], &Device::Cpu).unwrap().reshape((1, 1, 1, 6));
        let (sum, hits) = splat(&values, &displacement, &weights.unwrap()).unwrap();
        assert_eq!(flat(&sum), [1., 0., 0., 0., 0., 3.]);
        assert_eq!(flat(&hits), [1., 0., 0., 0., 0., 3.]);
    }

    #[test]
    fn same_bits_on_any_number_of_threads() {
        let mut rng = Rng::new(15);
        let values = rng.tensor(&[1, 5, 150, 31], 1.0);
        let displacement = rng.tensor(&[1, 2, 150, 31], 70.0);
        let weights = rng.tensor(&[1, 1, 150, 31], 1.0).abs().unwrap();
        assert_same_on_any_threads(|| Ok(splat(&values, &displacement, &weights)?.0));
    }

    #[test]
    fn shapes_that_do_not_fit_are_an_error_that_names_them() {
        let x = Rng::new(16).tensor(&[1, 2, 3, 4], 1.0);
        let text = splat(&x, &x, &x).unwrap_err().to_string();
        assert!(text.contains("[1, 2, 3, 4]"), "{text}");
    }
}

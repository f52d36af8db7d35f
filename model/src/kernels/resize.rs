//! Changing a picture's size: bilinear, by area, and halving.

use std::ops::Range;

use candle_core::{Device, Result, Shape, Tensor, bail};
use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

use super::{CpuKernel, Planes, banded::by_bands, on_planes, planar, pointwise};

/// Resizes `[N, C, H, W]` to `height` x `width` by bilinear interpolation between pixel centres: PyTorch's
/// `interpolate` with `mode="bilinear"` and `align_corners=False`.
///
/// It does not filter: to make a picture much smaller, use [`resize_area`].
///
/// # Errors
/// When the new size is empty or the tensor is not a non-empty `f32` `[N, C, H, W]`.
pub fn resize_bilinear(x: &Tensor, height: usize, width: usize) -> Result<Tensor> {
    let x = planar("resize_bilinear", "the input", x)?;
    let (n, c, h, w) = x.dims4()?;
    if height == 0 || width == 0 {
        bail!("resize_bilinear: cannot resize {:?} to {height}x{width}", x.dims())
    }
    if (height, width) == (h, w) {
        return Ok(x);
    }
    let (rows, columns) = (Axis::new(h, height), Axis::new(w, width));
    if !x.device().is_cpu() {
        return columns.apply(&rows.apply(&x, 2)?, 3);
    }
    let shape = Shape::from((n, c, height, width));
    let run = |x: &[Planes<'_>]| {
        let out = each_band((n * c, height, width), |plane, range, out| {
            let source = x[0].plane(plane / c, plane % c);
            Arch::new().dispatch(Bilinear { source, width: w, rows: &rows, columns: &columns, range, out });
        });
        Ok((out, shape.clone()))
    };
    x.apply_op1_no_bwd(&CpuKernel { name: "resize_bilinear", run: on_planes(run) })
}

/// Resizes one plane bilinearly, as [`resize_bilinear`], but makes only the output's `rows`: `out` holds `rows.len()`
/// rows of the new width. For a band of a large picture, such as a flow field brought to the host's own size.
///
/// Sizes are (height, width).
///
/// # Errors
/// When a size is empty, or a length does not fit its size.
pub fn resize_bilinear_rows(
    source: &[f32],
    from: (usize, usize),
    to: (usize, usize),
    rows: Range<usize>,
    out: &mut [f32],
) -> Result<()> {
    if from.0 * from.1 != source.len() || source.is_empty() || to.0 * to.1 == 0 {
        bail!("resize_bilinear_rows: {} values cannot be resized from {from:?} to {to:?}", source.len())
    }
    if rows.start > rows.end || rows.end > to.0 || out.len() != rows.len() * to.1 {
        bail!("resize_bilinear_rows: rows {rows:?} of a picture of {to:?} cannot go to {} values", out.len())
    }
    let (vertical, columns) = (Axis::new(from.0, to.0), Axis::new(from.1, to.1));
    out.par_chunks_mut(16 * to.1).enumerate().for_each(|(i, out)| {
        let first = rows.start + 16 * i;
        let range = first..first + out.len() / to.1;
        Arch::new().dispatch(Bilinear { source, width: from.1, rows: &vertical, columns: &columns, range, out });
    });
    Ok(())
}

/// A flow `[1, 2, H, W]`, x before y, at another resolution, in that resolution's pixels.
pub(crate) fn resize_flow(flow: &Tensor, (height, width): (usize, usize)) -> Result<Tensor> {
    let (_, _, from_height, from_width) = flow.dims4()?;
    if (from_height, from_width) == (height, width) {
        return Ok(flow.clone());
    }
    let scale = [width as f32 / from_width as f32, height as f32 / from_height as f32];
    let scale = Tensor::new(&scale, flow.device())?.reshape((1, 2, 1, 1))?;
    pointwise::both(&resize_bilinear(flow, height, width)?, &scale, |motion, scale| motion * scale)
}

/// The mean over a square of so many pixels to each side of each one; beyond the border stands what is at it.
pub(crate) fn box_mean(x: &Tensor, reach: usize) -> Result<Tensor> {
    let x = planar("box_mean", "the map", x)?;
    let (n, c, h, w) = x.dims4()?;
    let run = |x: &[Planes<'_>]| {
        let arch = Arch::new();
        let out = each_band((n * c, h, w), |plane, rows, out| {
            let source = x[0].plane(plane / c, plane % c);
            arch.dispatch(|| mean_about(source, (h, w), reach, rows, out));
        });
        Ok((out, (n, c, h, w).into()))
    };
    x.apply_op1_no_bwd(&CpuKernel { name: "box_mean", run: on_planes(run) })
}

/// Some rows of [`box_mean`]: first the mean of what is above and below, then of that to both sides.
#[inline(always)]
fn mean_about(source: &[f32], (h, w): (usize, usize), reach: usize, rows: Range<usize>, out: &mut [f32]) {
    let side = 2 * reach + 1;
    let share = 1.0 / side as f32;
    let mut line = vec![0.0; w + 2 * reach];
    for (y, out) in rows.zip(out.chunks_exact_mut(w)) {
        let row = |i: usize| &source[(y + i).saturating_sub(reach).min(h - 1) * w..][..w];
        let own = &mut line[reach..reach + w];
        own.copy_from_slice(row(0));
        for i in 1..side {
            own.iter_mut().zip(row(i)).for_each(|(sum, value)| *sum += value);
        }
        own.iter_mut().for_each(|sum| *sum *= share);
        let (first, last) = (own[0], own[w - 1]);
        line[..reach].fill(first);
        line[reach + w..].fill(last);
        out.copy_from_slice(&line[..w]);
        for i in 1..side {
            out.iter_mut().zip(&line[i..]).for_each(|(sum, value)| *sum += value);
        }
        out.iter_mut().for_each(|sum| *sum *= share);
    }
}

/// So many planes of a height and width: `f` makes some rows of one.
fn each_band(
    (planes, height, width): (usize, usize, usize),
    f: impl Fn(usize, Range<usize>, &mut [f32]) + Sync,
) -> Vec<f32> {
    by_bands((planes, 1, height, width), 16, |plane, top, bands| {
        let out = &mut *bands[0];
        f(plane, top..top + out.len() / width, out);
    })
}

/// Where each sample of an axis lies between two of another.
struct Axis {
    low: Vec<u32>,
    high: Vec<u32>,
    weight: Vec<f32>,
}

impl Axis {
    fn new(from: usize, to: usize) -> Self {
        let scale = from as f32 / to as f32;
        let mut axis = Self { low: Vec::new(), high: Vec::new(), weight: Vec::new() };
        for i in 0..to {
            let at = ((i as f32 + 0.5) * scale - 0.5).max(0.0);
            let low = (at as u32).min(from as u32 - 1);
            axis.low.push(low);
            axis.high.push((low + 1).min(from as u32 - 1));
            axis.weight.push((at - low as f32).min(1.0));
        }
        axis
    }

    /// Interpolates along one dimension with candle's own operations.
    fn apply(&self, x: &Tensor, dim: usize) -> Result<Tensor> {
        let mut shape = [1; 4];
        shape[dim] = self.low.len();
        let weight = Tensor::from_slice(&self.weight, &shape, x.device())?;
        let low = x.index_select(&Tensor::new(&self.low[..], x.device())?, dim)?;
        let high = x.index_select(&Tensor::new(&self.high[..], x.device())?, dim)?;
        &low + (high - &low)?.broadcast_mul(&weight)?
    }
}

struct Bilinear<'a> {
    source: &'a [f32],
    width: usize,
    rows: &'a Axis,
    columns: &'a Axis,
    range: Range<usize>,
    out: &'a mut [f32],
}

impl WithSimd for Bilinear<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Axis { low, high, weight } = self.columns;
        let mut line = vec![0.0; self.width];
        for (y, out) in self.range.zip(self.out.chunks_exact_mut(low.len())) {
            let row = |y: u32| &self.source[y as usize * self.width..][..self.width];
            let wy = self.rows.weight[y];
            for (line, (a, b)) in line.iter_mut().zip(row(self.rows.low[y]).iter().zip(row(self.rows.high[y]))) {
                *line = a + (b - a) * wy;
            }
            for (out, ((&low, &high), &wx)) in out.iter_mut().zip(low.iter().zip(high).zip(weight)) {
                let (a, b) = (line[low as usize], line[high as usize]);
                *out = a + (b - a) * wx;
            }
        }
    }
}

/// Makes `[N, C, H, W]` smaller, to `height` x `width`: each new pixel is the mean of the area it covers, pixels on its
/// edge counted by the part that lies inside.
///
/// # Errors
/// When the new size is empty or larger than the old in either direction, or the tensor is not `f32`.
pub fn resize_area(x: &Tensor, height: usize, width: usize) -> Result<Tensor> {
    let x = planar("resize_area", "the input", x)?;
    let (n, c, h, w) = x.dims4()?;
    if height == 0 || width == 0 || height > h || width > w {
        bail!("resize_area: {:?} can only become smaller, not {height}x{width}", x.dims())
    }
    if (height, width) == (h, w) {
        return Ok(x);
    }
    let (rows, columns) = (spans(h, height), spans(w, width));
    if !x.device().is_cpu() {
        let vertical = matrix(&rows, h, x.device())?.broadcast_left((n, c))?;
        let horizontal = matrix(&columns, w, x.device())?.t()?.broadcast_left((n, c))?;
        return vertical.contiguous()?.matmul(&x)?.matmul(&horizontal.contiguous()?);
    }
    let shape = Shape::from((n, c, height, width));
    let run = |x: &[Planes<'_>]| {
        let out = each_band((n * c, height, width), |plane, range, out| {
            let source = x[0].plane(plane / c, plane % c);
            Arch::new().dispatch(Area { source, width: w, rows: &rows[range], columns: &columns, out });
        });
        Ok((out, shape.clone()))
    };
    x.apply_op1_no_bwd(&CpuKernel { name: "resize_area", run: on_planes(run) })
}

/// The samples that one new sample covers, by weight; the weights sum to one.
struct Span {
    first: usize,
    weights: Vec<f32>,
}

fn spans(from: usize, to: usize) -> Vec<Span> {
    let span = |i: usize| {
        // In units of 1 / to of a sample, all edges are whole numbers.
        let (start, end) = (i * from, (i + 1) * from);
        let (first, last) = (start / to, end.div_ceil(to));
        let weight = |k: usize| (end.min((k + 1) * to) - start.max(k * to)) as f32 / from as f32;
        Span { first, weights: (first..last).map(weight).collect() }
    };
    (0..to).map(span).collect()
}

/// The spans as a matrix, `[to, from]`.
fn matrix(spans: &[Span], from: usize, device: &Device) -> Result<Tensor> {
    let mut values = vec![0f32; spans.len() * from];
    for (span, row) in spans.iter().zip(values.chunks_exact_mut(from)) {
        row[span.first..span.first + span.weights.len()].copy_from_slice(&span.weights);
    }
    Tensor::from_vec(values, (spans.len(), from), device)
}

struct Area<'a> {
    source: &'a [f32],
    width: usize,
    rows: &'a [Span],
    columns: &'a [Span],
    out: &'a mut [f32],
}

impl WithSimd for Area<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let mut line = vec![0.0; self.width];
        for (span, out) in self.rows.iter().zip(self.out.chunks_exact_mut(self.columns.len())) {
            line.fill(0.0);
            let rows = self.source[span.first * self.width..].chunks_exact(self.width);
            for (weight, row) in span.weights.iter().zip(rows) {
                line.iter_mut().zip(row).for_each(|(sum, v)| *sum += weight * v);
            }
            for (out, span) in out.iter_mut().zip(self.columns) {
                let samples = &line[span.first..span.first + span.weights.len()];
                *out = span.weights.iter().zip(samples).map(|(weight, v)| weight * v).sum();
            }
        }
    }
}

/// Halves `[N, C, H, W]` in both directions by the mean of 2 x 2 pixels; an odd last row or column is left out, as
/// PyTorch's `avg_pool2d(x, 2)`.
///
/// # Errors
/// When the picture is less than two pixels high or wide, or the tensor is not `f32`.
pub fn avg_pool2(x: &Tensor) -> Result<Tensor> {
    let x = planar("avg_pool2", "the input", x)?;
    let (n, c, h, w) = x.dims4()?;
    if h < 2 || w < 2 {
        bail!("avg_pool2: {:?} is too small to halve", x.dims())
    }
    if !x.device().is_cpu() {
        return x.avg_pool2d(2);
    }
    let (height, width) = (h / 2, w / 2);
    let shape = Shape::from((n, c, height, width));
    let run = |x: &[Planes<'_>]| {
        let out = each_band((n * c, height, width), |plane, range, out| {
            let source = x[0].plane(plane / c, plane % c);
            Arch::new().dispatch(Halve { source: &source[2 * range.start * w..], width: w, half: width, out });
        });
        Ok((out, shape.clone()))
    };
    x.apply_op1_no_bwd(&CpuKernel { name: "avg_pool2", run: on_planes(run) })
}

struct Halve<'a> {
    source: &'a [f32],
    width: usize,
    half: usize,
    out: &'a mut [f32],
}

impl WithSimd for Halve<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        for (rows, out) in self.source.chunks(2 * self.width).zip(self.out.chunks_exact_mut(self.half)) {
            let (a, b) = rows.split_at(self.width);
            let (a, _) = pulp::as_arrays::<2, f32>(a);
            let (b, _) = pulp::as_arrays::<2, f32>(b);
            for (out, (a, b)) in out.iter_mut().zip(a.iter().zip(b)) {
                *out = ((a[0] + a[1]) + (b[0] + b[1])) * 0.25;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::test::*;
    use super::*;

    /// Bilinear interpolation straight from its definition, in `f64`.
    fn naive(x: &Tensor, height: usize, width: usize) -> Vec<f32> {
        let (n, c, h, w) = x.dims4().unwrap();
        let values = flat(x);
        let at = |i: usize, from: usize, to: usize| ((i as f64 + 0.5) * from as f64 / to as f64 - 0.5).max(0.0);
        let mut out = Vec::new();
        for plane in values.chunks(h * w).take(n * c) {
            for y in 0..height {
                for x in 0..width {
                    let (py, px) = (at(y, h, height).min((h - 1) as f64), at(x, w, width).min((w - 1) as f64));
                    let mut sum = 0.0;
                    for (i, v) in plane.iter().enumerate() {
                        let wy = (1.0 - (py - (i / w) as f64).abs()).max(0.0);
                        let wx = (1.0 - (px - (i % w) as f64).abs()).max(0.0);
                        sum += wy * wx * *v as f64;
                    }
                    out.push(sum as f32);
                }
            }
        }
        out
    }

    #[test]
    fn bilinear_equals_the_definition_up_and_down() {
        let mut rng = Rng::new(17);
        for (shape, to) in [
            ([1, 1, 1, 1], (3, 2)),
            ([2, 3, 4, 5], (8, 10)),
            ([1, 2, 9, 7], (4, 3)),
            ([1, 1, 5, 6], (1, 1)),
            ([1, 2, 6, 5], (17, 40)),
            ([1, 2, 3, 4], (3, 4)),
        ] {
            let x = rng.tensor(&shape, 1.0);
            let want = naive(&x, to.0, to.1);
            let got = resize_bilinear(&x, to.0, to.1).unwrap();
            assert_eq!(got.dims(), [shape[0], shape[1], to.0, to.1]);
            assert_close(&flat(&got), &want, 2e-6, &format!("{shape:?} to {to:?}"));
            let by_candle = Axis::new(shape[2], to.0).apply(&x, 2).unwrap();
            let by_candle = Axis::new(shape[3], to.1).apply(&by_candle, 3).unwrap();
            assert_close(&flat(&by_candle), &want, 2e-6, "candle's own operations");
        }
    }

    #[test]
    fn box_means_are_those_by_candle() {
        let x = Rng::new(16).tensor(&[2, 3, 21, 34], 1.0);
        let mean = |x: &Tensor, dim: usize, reach: usize| {
            let padded = x.pad_with_same(dim, reach, reach).unwrap();
            let parts: Vec<_> = (0..=2 * reach).map(|i| padded.narrow(dim, i, x.dim(dim).unwrap()).unwrap()).collect();
            (Tensor::stack(&parts, 0).unwrap().sum(0).unwrap() / (2 * reach + 1) as f64).unwrap()
        };
        for reach in [0, 1, 3, 40] {
            let known = mean(&mean(&x, 2, reach), 3, reach);
            assert_close(&flat(&box_mean(&x, reach).unwrap()), &flat(&known), 1e-6, &format!("{reach} to each side"));
        }
        assert_same_on_any_threads(|| box_mean(&x, 2));
    }

    #[test]
    fn bilinear_rows_are_rows_of_the_whole() {
        let mut rng = Rng::new(18);
        let x = rng.tensor(&[1, 1, 7, 9], 1.0);
        let whole = flat(&resize_bilinear(&x, 45, 20).unwrap());
        for rows in [0..45, 3..40, 44..45, 5..5] {
            let mut out = vec![0.0; rows.len() * 20];
            resize_bilinear_rows(&flat(&x), (7, 9), (45, 20), rows.clone(), &mut out).unwrap();
            assert_eq!(out, whole[rows.start * 20..rows.end * 20]);
        }
        assert!(resize_bilinear_rows(&flat(&x), (7, 9), (45, 20), 40..46, &mut [0.0; 120]).is_err());
        assert!(resize_bilinear_rows(&flat(&x), (7, 8), (45, 20), 0..1, &mut [0.0; 20]).is_err());
    }

    #[test]
    fn area_is_the_mean_of_what_a_pixel_covers() {
        // Three pixels to two: each covers one and a half.
        let x = Tensor::new(&[3f32, 6., 12.], &Device::Cpu).unwrap().reshape((1, 1, 1, 3)).unwrap();
        assert_close(&flat(&resize_area(&x, 1, 2).unwrap()), &[4.0, 10.0], 1e-6, "three to two");
        let mut rng = Rng::new(19);
        for (shape, to) in [([2, 3, 8, 12], (4, 3)), ([1, 1, 37, 53], (10, 17)), ([1, 2, 5, 5], (5, 1))] {
            let x = rng.tensor(&shape, 1.0);
            let got = resize_area(&x, to.0, to.1).unwrap();
            let by_matrix = matrix(&spans(shape[2], to.0), shape[2], &Device::Cpu).unwrap();
            let by_matrix = by_matrix.broadcast_left((shape[0], shape[1])).unwrap().contiguous().unwrap();
            let horizontal = matrix(&spans(shape[3], to.1), shape[3], &Device::Cpu).unwrap().t().unwrap();
            let horizontal = horizontal.broadcast_left((shape[0], shape[1])).unwrap().contiguous().unwrap();
            let want = by_matrix.matmul(&x).unwrap().matmul(&horizontal).unwrap();
            assert_close(&flat(&got), &flat(&want), 1e-6, &format!("{shape:?} to {to:?}"));
            let (mean, want) = (got.mean_all().unwrap(), x.mean_all().unwrap());
            assert_close(&flat(&mean), &flat(&want), 1e-5, "the mean is kept");
        }
        assert!(resize_area(&x, 2, 2).unwrap_err().to_string().contains("[1, 1, 1, 3]"));
    }

    #[test]
    fn halving_equals_candles_pooling() {
        let mut rng = Rng::new(20);
        for shape in [[1, 1, 2, 2], [2, 3, 7, 9], [1, 2, 70, 3]] {
            let x = rng.tensor(&shape, 1.0);
            assert_close(&flat(&avg_pool2(&x).unwrap()), &flat(&x.avg_pool2d(2).unwrap()), 1e-6, "halved");
        }
        assert!(avg_pool2(&rng.tensor(&[1, 1, 1, 5], 1.0)).unwrap_err().to_string().contains("[1, 1, 1, 5]"));
    }

    #[test]
    fn same_bits_on_any_number_of_threads() {
        let x = Rng::new(21).tensor(&[2, 3, 61, 47], 1.0);
        assert_same_on_any_threads(|| resize_bilinear(&x, 100, 33));
        assert_same_on_any_threads(|| resize_area(&x, 40, 33));
        assert_same_on_any_threads(|| avg_pool2(&x));
    }
}

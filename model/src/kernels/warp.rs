//! Backward warping: each output pixel is fetched from where the flow points.

use candle_core::{Result, Shape, Tensor, bail};
use pulp::{Arch, Simd, WithSimd};

use super::{CpuKernel, Planes, banded::by_bands, on_planes, planar};

/// Samples `image`, `[N, C, H, W]`, at `(x, y) + flow(x, y)`, bilinearly; `flow` is `[N, 2, H, W]` in pixels, x before
/// y. Positions outside the picture are moved to its border.
///
/// The same as PyTorch's `grid_sample` with `align_corners=True` and `padding_mode="border"`. Where the flow is not a
/// number the pixel stays in place.
///
/// # Errors
/// When the shapes do not fit each other, or the tensors are not `f32`.
pub fn backward_warp(image: &Tensor, flow: &Tensor) -> Result<Tensor> {
    let image = planar("backward_warp", "the image", image)?;
    let flow = planar("backward_warp", "the flow", flow)?;
    let (n, c, h, w) = image.dims4()?;
    if flow.dims() != [n, 2, h, w] {
        bail!("backward_warp: an image {:?} needs a flow {:?}, got {:?}", image.dims(), [n, 2, h, w], flow.dims())
    }
    if u32::try_from(h * w).is_err() {
        bail!("backward_warp: an image {:?} is larger than 2^32 pixels", image.dims())
    }
    if !image.device().is_cpu() {
        return by_gathering(&image, &flow);
    }
    let shape = Shape::from((n, c, h, w));
    let kernel = CpuKernel {
        name: "backward_warp",
        run: on_planes(|args: &[Planes<'_>]| Ok((warp(args[0], args[1]), shape.clone()))),
    };
    image.apply_op2_no_bwd(&flow, &kernel)
}

/// The same of candle's own operations.
fn by_gathering(image: &Tensor, flow: &Tensor) -> Result<Tensor> {
    let (n, c, h, w) = image.dims4()?;
    let device = image.device();
    // A flow that is not a number differs from itself.
    let flow = flow.eq(flow)?.where_cond(flow, &flow.zeros_like()?)?;
    let axis = |index: usize, len: usize, shape: (usize, usize, usize, usize)| -> Result<_> {
        let base = Tensor::arange(0f32, len as f32, device)?.reshape(shape)?;
        let at = flow.narrow(1, index, 1)?.broadcast_add(&base)?.clamp(0f32, (len - 1) as f32)?;
        let low = at.floor()?.clamp(0f32, len.saturating_sub(2) as f32)?;
        let weight = (at - &low)?;
        let high = (&low + 1.0)?.clamp(0f32, (len - 1) as f32)?;
        Ok((low, high, weight))
    };
    let (x0, x1, wx) = axis(0, w, (1, 1, 1, w))?;
    let (y0, y1, wy) = axis(1, h, (1, 1, h, 1))?;
    let source = image.reshape((n, c, h * w))?;
    let fetch = |y: &Tensor, x: &Tensor| -> Result<Tensor> {
        // The rows and columns become integers before they meet, so that large pictures keep exact positions.
        let dtype = candle_core::DType::I64;
        let at = ((y.to_dtype(dtype)? * w as f64)? + x.to_dtype(dtype)?)?;
        let at = at.reshape((n, 1, h * w))?.broadcast_as((n, c, h * w))?.contiguous()?;
        source.gather(&at, 2)?.reshape((n, c, h, w))
    };
    let mix = |a: Tensor, b: Tensor, weight: &Tensor| -> Result<Tensor> { &a + (b - &a)?.broadcast_mul(weight)? };
    let top = mix(fetch(&y0, &x0)?, fetch(&y0, &x1)?, &wx)?;
    let bottom = mix(fetch(&y1, &x0)?, fetch(&y1, &x1)?, &wx)?;
    mix(top, bottom, &wy)
}

/// Rows one task warps: enough that the fetched neighbourhood is shared between them in the cache.
const ROWS: usize = 8;

fn warp(image: Planes<'_>, flow: Planes<'_>) -> Vec<f32> {
    let arch = Arch::new();
    let Planes { n, c, h, w, .. } = image;
    by_bands((n, c, h, w), ROWS, |n, top, planes| arch.dispatch(Band { image, flow, n, top, planes }))
}

struct Band<'a, 'o> {
    image: Planes<'a>,
    flow: Planes<'a>,
    n: usize,
    top: usize,
    planes: &'a mut [&'o mut [f32]],
}

/// Where a pixel is fetched: the first of its four neighbours, and how far it lies towards the others.
#[derive(Clone, Copy, Default)]
struct Tap {
    at: u32,
    x: f32,
    y: f32,
}

impl WithSimd for Band<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Planes { h, w, c, .. } = self.image;
        let pixels = self.planes.first().map_or(0, |p| p.len());
        let (flow_x, flow_y) = (self.flow.plane(self.n, 0), self.flow.plane(self.n, 1));
        let start = self.top * w;
        let mut taps = vec![Tap::default(); pixels];
        for (row, taps) in taps.chunks_exact_mut(w).enumerate() {
            let at = start + row * w;
            let flow = flow_x[at..at + w].iter().zip(&flow_y[at..at + w]);
            let y = (self.top + row) as f32;
            for (x, (tap, (&dx, &dy))) in taps.iter_mut().zip(flow).enumerate() {
                *tap = tap_at(x as f32, y, dx, dy, w, h);
            }
        }
        let (right, down) = (usize::from(w > 1), if h > 1 { w } else { 0 });
        for k in 0..c {
            let plane = self.image.plane(self.n, k);
            for (out, tap) in self.planes[k].iter_mut().zip(&taps) {
                let p = &plane[tap.at as usize..][..down + right + 1];
                let top = p[0] + (p[right] - p[0]) * tap.x;
                let bottom = p[down] + (p[down + right] - p[down]) * tap.x;
                *out = top + (bottom - top) * tap.y;
            }
        }
    }
}

/// The tap of a pixel `(x, y)` moved by `(dx, dy)`. At the far borders it lies one in from the border, with a weight of
/// one, so that all four neighbours always exist.
#[inline(always)]
fn tap_at(x: f32, y: f32, dx: f32, dy: f32, w: usize, h: usize) -> Tap {
    let (column, x) = split(x, dx, w);
    let (row, y) = split(y, dy, h);
    Tap { at: row * w as u32 + column, x, y }
}

/// A position on an axis of `len` samples as a whole number and a fraction.
#[inline(always)]
pub(super) fn split(at: f32, shift: f32, len: usize) -> (u32, f32) {
    let shift = if shift.is_nan() { 0.0 } else { shift };
    let at = (at + shift).max(0.0).min((len - 1) as f32);
    let whole = (at as u32).min(len.saturating_sub(2) as u32);
    (whole, at - whole as f32)
}

#[cfg(test)]
mod tests {
    use super::super::test::*;
    use super::*;
    use candle_core::Device;

    /// `grid_sample` as PyTorch defines it, with positions in pixels.
    fn naive(image: &Tensor, flow: &Tensor) -> Vec<f32> {
        let (n, c, h, w) = image.dims4().unwrap();
        let (image, flow) = (flat(image), flat(flow));
        let mut out = Vec::new();
        for i in 0..n {
            for k in 0..c {
                for y in 0..h {
                    for x in 0..w {
                        let at = i * 2 * h * w + y * w + x;
                        let px = (x as f32 + flow[at]).clamp(0.0, (w - 1) as f32);
                        let py = (y as f32 + flow[at + h * w]).clamp(0.0, (h - 1) as f32);
                        let mut sum = 0.0;
                        for sy in 0..h {
                            for sx in 0..w {
                                let weight =
                                    (1.0 - (px - sx as f32).abs()).max(0.0) * (1.0 - (py - sy as f32).abs()).max(0.0);
                                sum += weight * image[(i * c + k) * h * w + sy * w + sx];
                            }
                        }
                        out.push(sum);
                    }
                }
            }
        }
        out
    }

    #[test]
    fn equals_grid_sample_at_any_size() {
        let mut rng = Rng::new(6);
        for [n, c, h, w] in [[1, 1, 1, 1], [2, 3, 5, 9], [1, 2, 1, 6], [1, 2, 6, 1], [1, 4, 19, 23]] {
            let image = rng.tensor(&[n, c, h, w], 1.0);
            for scale in [0.7, 6.0, 1e6] {
                let flow = rng.tensor(&[n, 2, h, w], scale);
                let want = naive(&image, &flow);
                let what = format!("{:?} by {scale}", image.dims());
                assert_close(&flat(&backward_warp(&image, &flow).unwrap()), &want, 3e-6, &what);
                assert_close(&flat(&by_gathering(&image, &flow).unwrap()), &want, 3e-6, "candle's own operations");
            }
        }
    }

    #[test]
    fn whole_pixel_flow_moves_pixels_bit_for_bit() {
        let mut rng = Rng::new(7);
        let image = rng.tensor(&[1, 2, 4, 6], 1.0);
        let zero = Tensor::zeros((1, 2, 4, 6), candle_core::DType::F32, &Device::Cpu).unwrap();
        assert_eq!(flat(&backward_warp(&image, &zero).unwrap()), flat(&image));
    }

    #[test]
    fn flow_that_is_no_number_stays_and_infinite_flow_goes_to_the_border() {
        let image = Tensor::new(&[1f32, 2., 3., 4., 5.], &Device::Cpu).unwrap().reshape((1, 1, 1, 5)).unwrap();
        let dx = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, f32::MAX, f32::MIN];
        let flow = Tensor::new(&[dx, [f32::NAN; 5]], &Device::Cpu).unwrap().reshape((1, 2, 1, 5)).unwrap();
        assert_eq!(flat(&backward_warp(&image, &flow).unwrap()), [1., 5., 1., 5., 1.]);
        assert_eq!(flat(&by_gathering(&image, &flow).unwrap()), [1., 5., 1., 5., 1.]);
    }

    #[test]
    fn same_bits_on_any_number_of_threads() {
        let mut rng = Rng::new(8);
        let (image, flow) = (rng.tensor(&[2, 3, 45, 31], 1.0), rng.tensor(&[2, 2, 45, 31], 9.0));
        assert_same_on_any_threads(|| backward_warp(&image, &flow));
    }

    #[test]
    fn a_flow_of_another_size_is_an_error_that_names_both() {
        let mut rng = Rng::new(9);
        let text = backward_warp(&rng.tensor(&[1, 3, 4, 4], 1.0), &rng.tensor(&[1, 2, 4, 5], 1.0)).unwrap_err();
        let text = text.to_string();
        assert!(text.contains("[1, 3, 4, 4]") && text.contains("[1, 2, 4, 5]"), "{text}");
    }
}

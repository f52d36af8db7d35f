//! Local correlation of two feature maps: the cost volume of coarse-to-fine flow networks (as in PWC-Net).

use candle_core::{Result, Shape, Tensor, bail};
use pulp::{Arch, Simd, WithSimd};

use super::tile::{copy_row, gather, with_scratch};
use super::{CpuKernel, Planes, banded::by_bands, on_planes, planar};

/// Compares each position of `f1` with those of `f2` up to `radius` away, both `[N, C, H, W]`.
///
/// The answer is `[N, (2r+1)^2, H, W]`. Its channel `(dy + r) * (2r + 1) + (dx + r)` at `(x, y)` is the mean over the
/// channels of `f1(x, y) * f2(x + dx, y + dy)`; outside the picture `f2` is zero.
///
/// # Errors
/// When the shapes differ or are not `[N, C, H, W]`, or the tensors are not `f32`.
pub fn local_correlation(f1: &Tensor, f2: &Tensor, radius: usize) -> Result<Tensor> {
    let f1 = planar("local_correlation", "the first map", f1)?;
    let f2 = planar("local_correlation", "the second map", f2)?;
    if f1.dims() != f2.dims() {
        bail!("local_correlation: the maps must have one shape, got {:?} and {:?}", f1.dims(), f2.dims())
    }
    let (n, _, h, w) = f1.dims4()?;
    if !f1.device().is_cpu() {
        return by_shifts(&f1, &f2, radius);
    }
    let side = 2 * radius + 1;
    let shape = Shape::from((n, side * side, h, w));
    let kernel = CpuKernel {
        name: "local_correlation",
        run: on_planes(|maps: &[Planes<'_>]| Ok((correlate(maps[0], maps[1], radius), shape.clone()))),
    };
    f1.apply_op2_no_bwd(&f2, &kernel)
}

/// The same of candle's own operations, one shift at a time.
fn by_shifts(f1: &Tensor, f2: &Tensor, radius: usize) -> Result<Tensor> {
    let (_, _, h, w) = f1.dims4()?;
    let padded = f2.pad_with_zeros(2, radius, radius)?.pad_with_zeros(3, radius, radius)?;
    let mut shifts = Vec::with_capacity((2 * radius + 1).pow(2));
    for dy in 0..=2 * radius {
        for dx in 0..=2 * radius {
            shifts.push((f1 * padded.narrow(2, dy, h)?.narrow(3, dx, w)?)?.mean_keepdim(1)?);
        }
    }
    Tensor::cat(&shifts, 1)
}

/// Floats that both maps' tiles may take of a thread's scratch memory.
const TILE_FLOATS: usize = 128 * 1024;

/// Vectors of pixels summed at once.
const VECTORS: usize = 2;

fn correlate(f1: Planes<'_>, f2: Planes<'_>, radius: usize) -> Vec<f32> {
    let arch = Arch::new();
    let (h, w) = (f1.h, f1.w);
    let side = 2 * radius + 1;
    let rows = if h * f1.n >= 32 { 4 } else { 2 };
    // As wide as scratch memory allows, in equal parts.
    let room = TILE_FLOATS / f1.c / (2 * rows + 2 * radius);
    let cols = w.div_ceil(w.div_ceil(room.saturating_sub(2 * radius).max(32)));
    let pitch = cols + 2 * radius;
    let (plane1, plane2) = (rows * pitch, (rows + 2 * radius) * pitch);
    by_bands((f1.n, side * side, h, w), rows, |image, top, planes| {
        // Room behind each tile for the vector that runs over its end, and in front of nothing: offsets are positive.
        let slack = 128 + side;
        with_scratch(f1.c * (plane1 + plane2) + 2 * slack + 512, |scratch| {
            let (tile1, rest) = scratch.split_at_mut(f1.c * plane1 + slack);
            let (tile2, sums) = rest.split_at_mut(f1.c * plane2 + slack);
            for left in (0..w).step_by(cols) {
                let (y, x) = (top as isize, left as isize);
                let r = radius as isize;
                for c in 0..f1.c {
                    gather(f1.plane(image, c), (h, w), (y, x), 1, pitch, &mut tile1[c * plane1..][..plane1]);
                    let out = &mut tile2[c * plane2..][..plane2];
                    gather(f2.plane(image, c), (h, w), (y - r, x - r), 1, pitch, out);
                }
                arch.dispatch(Tile {
                    f1: &*tile1,
                    f2: &*tile2,
                    channels: f1.c,
                    plane_sizes: (plane1, plane2),
                    pitch,
                    side,
                    size: (rows.min(h - top), cols.min(w - left)),
                    left,
                    width: w,
                    planes: &mut *planes,
                    sums,
                });
            }
        });
    })
}

/// The correlations of one tile; rows of both maps follow each other at one pitch, as in the convolution.
struct Tile<'a, 'o> {
    f1: &'a [f32],
    f2: &'a [f32],
    channels: usize,
    plane_sizes: (usize, usize),
    pitch: usize,
    side: usize,
    size: (usize, usize),
    left: usize,
    width: usize,
    planes: &'a mut [&'o mut [f32]],
    sums: &'a mut [f32],
}

impl WithSimd for Tile<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        let block = VECTORS * S::F32_LANES;
        for pixel in (0..self.size.0 * self.pitch).step_by(block) {
            for dy in 0..self.side {
                let mut dx = 0;
                while dx < self.side {
                    match self.side - dx {
                        1 => self.shifts::<S, 1>(simd, pixel, dy, dx),
                        2 => self.shifts::<S, 2>(simd, pixel, dy, dx),
                        3 => self.shifts::<S, 3>(simd, pixel, dy, dx),
                        _ => self.shifts::<S, 4>(simd, pixel, dy, dx),
                    }
                    dx += 4;
                }
            }
        }
    }
}

impl Tile<'_, '_> {
    /// `D` neighbouring shifts of one run of pixels.
    #[inline(always)]
    fn shifts<S: Simd, const D: usize>(&mut self, simd: S, pixel: usize, dy: usize, dx: usize) {
        let block = VECTORS * S::F32_LANES;
        let (rows, cols) = self.size;
        let mut acc = [[simd.splat_f32s(0.0); VECTORS]; D];
        let (mut at1, mut at2) = (pixel, pixel + dy * self.pitch + dx);
        for _ in 0..self.channels {
            let (a, _) = S::as_simd_f32s(&self.f1[at1..at1 + block]);
            let a = [a[0], a[1]];
            let b = &self.f2[at2..at2 + block + D - 1];
            for d in 0..D {
                let (b, _) = S::as_simd_f32s(&b[d..d + block]);
                for v in 0..VECTORS {
                    acc[d][v] = simd.mul_add_e_f32s(a[v], b[v], acc[d][v]);
                }
            }
            at1 += self.plane_sizes.0;
            at2 += self.plane_sizes.1;
        }
        let scale = simd.splat_f32s(1.0 / self.channels as f32);
        let (sums, _) = S::as_mut_simd_f32s(&mut self.sums[..D * block]);
        for d in 0..D {
            for v in 0..VECTORS {
                sums[d * VECTORS + v] = simd.mul_f32s(acc[d][v], scale);
            }
        }
        let first = dy * self.side + dx;
        let mut at = pixel;
        while at < (pixel + block).min(rows * self.pitch) {
            let (row, col) = (at / self.pitch, at % self.pitch);
            let run = (self.pitch - col).min(pixel + block - at);
            let valid = run.min(cols.saturating_sub(col));
            if valid > 0 {
                let to = row * self.width + self.left + col;
                let sums = self.sums.chunks_exact(block);
                for (plane, sums) in self.planes[first..first + D].iter_mut().zip(sums) {
                    copy_row(&sums[at - pixel..][..valid], &mut plane[to..to + valid]);
                }
            }
            at += run;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::test::*;
    use super::*;
    use candle_core::Device;

    fn naive(f1: &Tensor, f2: &Tensor, radius: isize) -> Vec<f32> {
        let (n, c, h, w) = f1.dims4().unwrap();
        let (a, b) = (flat(f1), flat(f2));
        let mut out = Vec::new();
        for i in 0..n {
            for dy in -radius..=radius {
                for dx in -radius..=radius {
                    for y in 0..h {
                        for x in 0..w {
                            let (y2, x2) = (y as isize + dy, x as isize + dx);
                            let mut sum = 0.0;
                            if (0..h as isize).contains(&y2) && (0..w as isize).contains(&x2) {
                                for k in 0..c {
                                    let at = (i * c + k) * h * w;
                                    sum += a[at + y * w + x] * b[at + y2 as usize * w + x2 as usize];
                                }
                            }
                            out.push(sum / c as f32);
                        }
                    }
                }
            }
        }
        out
    }

    #[test]
    fn equals_the_definition_at_any_size() {
        let mut rng = Rng::new(3);
        for (shape, radius) in [
            ([1, 1, 1, 1], 1),
            ([2, 3, 5, 7], 2),
            ([1, 16, 9, 70], 3),
            ([1, 5, 33, 49], 4),
            ([1, 2, 3, 4], 0),
            ([1, 200, 6, 130], 4),
        ] {
            let (f1, f2) = (rng.tensor(&shape, 1.0), rng.tensor(&shape, 1.0));
            let got = local_correlation(&f1, &f2, radius).unwrap();
            let side = 2 * radius + 1;
            assert_eq!(got.dims(), [shape[0], side * side, shape[2], shape[3]]);
            let want = naive(&f1, &f2, radius as isize);
            assert_close(&flat(&got), &want, 1e-5, &format!("{shape:?} radius {radius}"));
            assert_close(&flat(&by_shifts(&f1, &f2, radius).unwrap()), &want, 1e-5, "candle's own operations");
        }
    }

    #[test]
    fn channel_order_is_dy_then_dx() {
        let f1 = Tensor::ones((1, 1, 3, 3), candle_core::DType::F32, &Device::Cpu).unwrap();
        // A single spot to the right of and below the centre.
        let f2 = Tensor::new(&[0f32, 0., 0., 0., 0., 0., 0., 0., 8.], &Device::Cpu).unwrap();
        let out = local_correlation(&f1, &f2.reshape((1, 1, 3, 3)).unwrap(), 1).unwrap();
        let centre: Vec<f32> = flat(&out).chunks(9).map(|plane| plane[4]).collect();
        assert_eq!(centre, [0., 0., 0., 0., 0., 0., 0., 0., 8.]);
    }

    #[test]
    fn same_bits_on_any_number_of_threads() {
        let mut rng = Rng::new(4);
        let (f1, f2) = (rng.tensor(&[2, 12, 37, 41], 1.0), rng.tensor(&[2, 12, 37, 41], 1.0));
        assert_same_on_any_threads(|| local_correlation(&f1, &f2, 4));
    }

    #[test]
    fn different_shapes_are_an_error_that_names_them() {
        let mut rng = Rng::new(5);
        let error = local_correlation(&rng.tensor(&[1, 2, 3, 4], 1.0), &rng.tensor(&[1, 2, 3, 5], 1.0), 1);
        let text = error.unwrap_err().to_string();
        assert!(text.contains("[1, 2, 3, 4]") && text.contains("[1, 2, 3, 5]"), "{text}");
    }
}

//! CPU kernels for what candle lacks or does slowly: convolution in two and three dimensions, linear layers and
//! attention, norms, warping, correlation, splatting and resizing.
//!
//! Every kernel takes contiguous or strided `f32` tensors, pictures in the order `[N, C, H, W]` and tokens as rows, and
//! answers a new tensor. The
//! work is split over the current rayon pool in such a way that no sum's order depends on the number of threads: one
//! thread and sixteen give the same bits. Vector instructions are chosen at run time, so one binary serves every
//! machine of an architecture; machines with fused multiply-add (AVX2, AVX-512, NEON) agree with each other to the
//! last bit in the convolutions and the correlation.
//!
//! On a GPU tensor a kernel is made of candle's own operations where those suffice, and otherwise answers an error
//! that names it.

mod approx;
mod attention;
mod banded;
mod bf16;
mod conv;
mod conv3d;
mod correlation;
mod linear;
mod micro;
mod panels;
mod pixel_norm;
mod places;
pub(crate) mod pointwise;
mod product;
mod resize;
mod rows;
mod sample;
mod splat;
mod tile;
mod warp;
mod weights;
mod winograd;

use candle_core::{CpuStorage, CustomOp1, CustomOp2, CustomOp3, DType, Layout, Result, Shape, Tensor, bail};

pub use attention::attention;
pub use conv::{Activation, Conv2d};
pub use conv3d::{Conv3d, TimePadding};
pub use correlation::local_correlation;
pub use linear::{Linear, Then};
pub use pixel_norm::{Channels, pixel_norm_silu};
pub(crate) use places::place_by_place;
pub use resize::{avg_pool2, resize_area, resize_bilinear, resize_bilinear_rows};
pub(crate) use resize::{box_mean, resize_flow};
pub use rows::{Groups, Modulation, Norm, gated_add, modulated_norm, rotated, weighted_norm};
pub use sample::{Filter, Pixels, sample_rows};
pub use splat::splat;
pub use warp::backward_warp;

/// A contiguous `[n, c, h, w]` block of `f32`, borrowed from a tensor, or such a block as a convolution in time sees it.
#[derive(Clone, Copy)]
struct Planes<'a> {
    data: &'a [f32],
    n: usize,
    c: usize,
    h: usize,
    w: usize,
    stored: Stored,
    /// Whose channels follow its own, as those of one block: of the same images and size.
    more: &'a [Planes<'a>],
}

/// How [`Planes`] lie in memory.
#[derive(Clone, Copy)]
struct Stored {
    images: usize,
    channels: usize,
    /// Frames that the first one stands for too, to its left.
    before: usize,
}

impl<'a> Planes<'a> {
    fn new(storage: &'a CpuStorage, layout: &Layout) -> Result<Self> {
        let (n, c, h, w) = layout.shape().dims4()?;
        let Some((start, end)) = layout.contiguous_offsets() else {
            bail!("this kernel needs a contiguous tensor, got strides {:?}", layout.stride())
        };
        let stored = Stored { images: n, channels: c, before: 0 };
        Ok(Self { data: &storage.as_slice::<f32>()?[start..end], n, c, h, w, stored, more: &[] })
    }

    /// Images taken for the frames of a video, of which each of `n` output frames sees `taps` that follow each other:
    /// all channels of the first, then all of the next. Beyond its ends the video stands still.
    fn over_time(self, n: usize, taps: usize, before: usize) -> Self {
        Self { n, c: taps * self.c, stored: Stored { before, ..self.stored }, ..self }
    }

    /// With the channels of others after its own, of as many images of one size.
    fn joined(self, more: &'a [Planes<'a>]) -> Self {
        Self { c: self.c + more.iter().map(|planes| planes.c).sum::<usize>(), more, ..self }
    }

    /// The plane of one channel of one image.
    fn plane(&self, n: usize, c: usize) -> &'a [f32] {
        let Stored { images, channels, before } = self.stored;
        let mut first = channels;
        for planes in self.more {
            if (first..first + planes.c).contains(&c) {
                return planes.plane(n, c - first);
            }
            first += planes.c;
        }
        let image = (n + c / channels).saturating_sub(before).min(images - 1);
        let size = self.h * self.w;
        &self.data[(image * channels + c % channels) * size..][..size]
    }
}

/// What candle hands to a kernel.
type Arguments<'a> = &'a [(&'a CpuStorage, &'a Layout)];

/// A CPU kernel as a candle operation; on other devices candle answers that it has no implementation, by name.
struct CpuKernel<F> {
    name: &'static str,
    run: F,
}

impl<F> CpuKernel<F>
where
    F: Fn(Arguments<'_>) -> Result<(Vec<f32>, Shape)>,
{
    fn call(&self, args: Arguments<'_>) -> Result<(CpuStorage, Shape)> {
        let (data, shape) = (self.run)(args)?;
        Ok((CpuStorage::F32(data), shape))
    }
}

impl<F> CustomOp1 for CpuKernel<F>
where
    F: Fn(Arguments<'_>) -> Result<(Vec<f32>, Shape)>,
{
    fn name(&self) -> &'static str {
        self.name
    }

    fn cpu_fwd(&self, s: &CpuStorage, l: &Layout) -> Result<(CpuStorage, Shape)> {
        self.call(&[(s, l)])
    }
}

impl<F> CustomOp2 for CpuKernel<F>
where
    F: Fn(Arguments<'_>) -> Result<(Vec<f32>, Shape)>,
{
    fn name(&self) -> &'static str {
        self.name
    }

    fn cpu_fwd(&self, s1: &CpuStorage, l1: &Layout, s2: &CpuStorage, l2: &Layout) -> Result<(CpuStorage, Shape)> {
        self.call(&[(s1, l1), (s2, l2)])
    }
}

impl<F> CustomOp3 for CpuKernel<F>
where
    F: Fn(Arguments<'_>) -> Result<(Vec<f32>, Shape)>,
{
    fn name(&self) -> &'static str {
        self.name
    }

    fn cpu_fwd(
        &self,
        s1: &CpuStorage,
        l1: &Layout,
        s2: &CpuStorage,
        l2: &Layout,
        s3: &CpuStorage,
        l3: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        self.call(&[(s1, l1), (s2, l2), (s3, l3)])
    }
}

/// A kernel that takes its arguments as planes.
fn on_planes(
    run: impl Fn(&[Planes<'_>]) -> Result<(Vec<f32>, Shape)>,
) -> impl Fn(Arguments<'_>) -> Result<(Vec<f32>, Shape)> {
    move |args| run(&args.iter().map(|(s, l)| Planes::new(s, l)).collect::<Result<Vec<_>>>()?)
}

/// A CPU kernel over plain slices, which knows its shapes beforehand.
struct SliceKernel<F> {
    name: &'static str,
    shape: Shape,
    run: F,
}

impl<F> SliceKernel<F>
where
    F: Fn(&[&[f32]]) -> Vec<f32>,
{
    fn new(name: &'static str, shape: impl Into<Shape>, run: F) -> Self {
        Self { name, shape: shape.into(), run }
    }

    fn of2(&self, a: &Tensor, b: &Tensor) -> Result<Tensor> {
        let [a, b] = [slice_argument(a)?, slice_argument(b)?];
        a.apply_op2_no_bwd(&b, &self.kernel())
    }

    fn of3(&self, a: &Tensor, b: &Tensor, c: &Tensor) -> Result<Tensor> {
        let [a, b, c] = [slice_argument(a)?, slice_argument(b)?, slice_argument(c)?];
        a.apply_op3_no_bwd(&b, &c, &self.kernel())
    }

    fn kernel(&self) -> CpuKernel<impl Fn(Arguments<'_>) -> Result<(Vec<f32>, Shape)>> {
        let run = |args: Arguments<'_>| {
            let slices = args.iter().map(|(storage, layout)| match layout.contiguous_offsets() {
                Some((start, end)) => Ok(&storage.as_slice::<f32>()?[start..end]),
                None => bail!("{}: needs a contiguous tensor", self.name),
            });
            Ok(((self.run)(&slices.collect::<Result<Vec<_>>>()?), self.shape.clone()))
        };
        CpuKernel { name: self.name, run }
    }
}

fn slice_argument(x: &Tensor) -> Result<Tensor> {
    x.to_dtype(DType::F32)?.contiguous()
}

/// Checks that a tensor is a non-empty `[N, C, H, W]` of `f32` and makes it contiguous.
fn planar(kernel: &str, what: &str, x: &Tensor) -> Result<Tensor> {
    if x.dtype() != DType::F32 {
        bail!("{kernel}: {what} must be f32, got {:?}", x.dtype())
    }
    if x.rank() != 4 || x.elem_count() == 0 {
        bail!("{kernel}: {what} must be a non-empty [N, C, H, W], got {:?}", x.dims())
    }
    x.contiguous()
}

#[cfg(test)]
mod test {
    //! What the tests of the kernels share: seeded numbers, comparison, pools of several sizes.

    use candle_core::{Device, Result, Tensor};

    /// A small seeded generator (xorshift), for values that are the same on every run.
    pub(super) struct Rng(u64);

    impl Rng {
        pub(super) fn new(seed: u64) -> Self {
            Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
        }

        /// A number in `-1..1`.
        pub(super) fn value(&mut self) -> f32 {
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 7;
            self.0 ^= self.0 << 17;
            (self.0 >> 40) as f32 / (1u64 << 23) as f32 - 1.0
        }

        pub(super) fn values(&mut self, count: usize, scale: f32) -> Vec<f32> {
            (0..count).map(|_| self.value() * scale).collect()
        }

        pub(super) fn tensor(&mut self, shape: &[usize], scale: f32) -> Tensor {
            Tensor::from_vec(self.values(shape.iter().product(), scale), shape, &Device::Cpu).unwrap()
        }
    }

    pub(super) fn flat(x: &Tensor) -> Vec<f32> {
        x.flatten_all().unwrap().to_vec1().unwrap()
    }

    /// Asserts that two lists agree within `tolerance`, relative to the largest magnitude expected (at least 1).
    pub(super) fn assert_close(got: &[f32], want: &[f32], tolerance: f32, what: &str) {
        assert_eq!(got.len(), want.len(), "{what}: length");
        let scale = want.iter().fold(1f32, |m, v| m.max(v.abs()));
        for (i, (g, w)) in got.iter().zip(want).enumerate() {
            assert!((g - w).abs() <= tolerance * scale, "{what}: at {i} got {g}, expected {w} (scale {scale})");
        }
    }

    /// Asserts that a kernel gives the same bits in pools of 1, 2 and 5 threads.
    pub(super) fn assert_same_on_any_threads(f: impl Fn() -> Result<Tensor> + Sync) {
        let run = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let out = pool.install(|| flat(&f().unwrap()));
            out.into_iter().map(f32::to_bits).collect::<Vec<_>>()
        };
        let one = run(1);
        assert_eq!(one, run(2));
        assert_eq!(one, run(5));
    }
}

//! The inner product under convolution: a few output channels times a few vectors of pixels, held in registers.

use pulp::{Simd, WithSimd};

/// Vectors of pixels a block spans.
pub(super) const VECTORS: usize = 3;

/// How many output channels one block of the largest kind holds: all accumulators must fit in the registers, beside
/// `VECTORS` inputs and one weight.
pub(super) fn channels_per_block(registers: usize) -> usize {
    if registers >= 32 { 8 } else { 4 }
}

/// Splits `channels` outputs into blocks of 8, 4, 2 or 1, largest first, as `(first, size)`.
pub(super) fn channel_blocks(channels: usize, largest: usize) -> Vec<(usize, usize)> {
    let mut blocks = Vec::new();
    let mut first = 0;
    while first < channels {
        let left = channels - first;
        // Three left over cost less as a padded four than as two and one.
        let size = if left >= largest {
            largest
        } else if left == 3 {
            4
        } else {
            1 << left.ilog2()
        };
        blocks.push((first, size));
        first += size;
    }
    blocks
}

/// What happens to a sum before it is stored.
#[derive(Clone, Copy)]
pub(super) enum Finish<'a> {
    /// Nothing.
    Keep,
    /// `max(v, 0)`.
    Relu,
    /// `v` where positive, else `slope[channel] * v`.
    Slopes(&'a [f32]),
}

impl Finish<'_> {
    /// Finishes pixels of one channel.
    #[inline(always)]
    pub(super) fn apply<S: Simd>(self, simd: S, channel: usize, v: S::f32s) -> S::f32s {
        let zero = simd.splat_f32s(0.0);
        match self {
            Finish::Keep => v,
            // The sum stands second, so that NaN is passed on and not hidden.
            Finish::Relu => simd.max_f32s(zero, v),
            Finish::Slopes(slopes) => {
                let sloped = simd.mul_f32s(simd.splat_f32s(slopes[channel]), v);
                simd.select_f32s(simd.less_than_f32s(v, zero), sloped, v)
            }
        }
    }
}

/// For each of `M` channels and each of `VECTORS` vectors of pixels: `start[m] + sum over k of w[k][m] * src[base +
/// offsets[k] + pixel]`, in the order of `k`, then finished. `out` receives `M` rows of `VECTORS` vectors.
///
/// A function of its own, whatever calls it: compiled into a larger one, where registers are few, the sums would not all stay in them,
/// and convolutions took half as long again with AVX2.
#[inline(never)]
pub(super) fn block<S: Simd, const M: usize>(
    simd: S,
    src: &[f32],
    offsets: &[usize],
    weights: &[f32],
    start: [f32; M],
    finish: Finish<'_>,
    out: &mut [f32],
) {
    simd.vectorize(Block { src, offsets, weights, start, finish, out });
}

struct Block<'a, const M: usize> {
    src: &'a [f32],
    offsets: &'a [usize],
    weights: &'a [f32],
    start: [f32; M],
    finish: Finish<'a>,
    out: &'a mut [f32],
}

impl<const M: usize> WithSimd for Block<'_, M> {
    type Output = ();

    #[allow(clippy::needless_range_loop, reason = "loops of constant length unroll, so that `acc` stays in registers")]
    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { src, offsets, weights, start, finish, out } = self;
        let width = VECTORS * S::F32_LANES;
        let mut acc = [[simd.splat_f32s(0.0); VECTORS]; M];
        for m in 0..M {
            acc[m] = [simd.splat_f32s(start[m]); VECTORS];
        }
        let (weights, _) = pulp::as_arrays::<M, f32>(weights);
        for (&offset, weights) in offsets.iter().zip(weights) {
            let (x, _) = S::as_simd_f32s(&src[offset..offset + width]);
            let x = [x[0], x[1], x[2]];
            for m in 0..M {
                let w = simd.splat_f32s(weights[m]);
                for v in 0..VECTORS {
                    acc[m][v] = simd.mul_add_e_f32s(w, x[v], acc[m][v]);
                }
            }
        }
        let (out, _) = S::as_mut_simd_f32s(&mut out[..M * width]);
        for m in 0..M {
            for v in 0..VECTORS {
                out[m * VECTORS + v] = acc[m][v];
            }
        }
        // A pass of its own: any other use of `acc` would drive it out of the registers during the sums.
        if !matches!(finish, Finish::Keep) {
            for (m, row) in out.chunks_exact_mut(VECTORS).enumerate() {
                for v in row {
                    *v = finish.apply(simd, m, *v);
                }
            }
        }
    }
}

//! Attention by blocks of queries: never a score for every query and key at once.
//!
//! Vaswani et al. 2017; a block of queries sees all keys, so its softmax needs no second pass. 4,992 tokens of 32 heads
//! would need 3.2 GB of scores; a thread's block needs 1.3 MB.

use candle_core::{DType, Result, Tensor, bail};
use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

use super::SliceKernel;
use super::approx::exp;
use super::product::{Matrix, multiply};
use super::tile::with_scratch;

/// Queries that a thread takes at a time.
const QUERIES: usize = 64;

/// Scores that may be held at a time off the CPU.
const SCORES: usize = 1 << 26;

/// Attention of `q`, `[queries, width]`, over `k` and `v`, `[keys, width]`; a head is a run of `width / heads` columns.
///
/// # Errors
/// When the shapes do not fit each other.
pub fn attention(q: &Tensor, k: &Tensor, v: &Tensor, heads: usize) -> Result<Tensor> {
    let ((queries, width), (keys, _)) = (q.dims2()?, k.dims2()?);
    if k.dims() != [keys, width] || v.dims() != k.dims() || heads == 0 || width % heads != 0 || queries * keys == 0 {
        bail!("attention of {:?} over {:?} and {:?} with {heads} heads", q.dims(), k.dims(), v.dims())
    }
    if !q.device().is_cpu() || q.dtype() != DType::F32 {
        return by_blocks(q, k, v, heads);
    }
    SliceKernel::new("attention", (queries, width), |args| {
        let heads = Heads { count: heads, width, keys, queries };
        heads.run(args[0], args[1], args[2])
    })
    .of3(q, k, v)
}

struct Heads {
    count: usize,
    width: usize,
    keys: usize,
    queries: usize,
}

impl Heads {
    fn run(&self, q: &[f32], k: &[f32], v: &[f32]) -> Vec<f32> {
        let size = self.width / self.count;
        // Head by head: rows that lie a power of two apart contend for the same few lines of a cache.
        let [q, k, v] = [(q, self.queries), (k, self.keys), (v, self.keys)].map(|(x, rows)| self.split(x, rows));
        let mut by_head = vec![0.0; self.queries * self.width];
        by_head.par_chunks_mut(self.queries * size).enumerate().for_each(|(head, out)| {
            let keys = head * self.keys * size..(head + 1) * self.keys * size;
            let q = &q[head * self.queries * size..][..self.queries * size];
            let blocks = out.par_chunks_mut(QUERIES * size).zip(q.par_chunks(QUERIES * size));
            blocks.for_each(|(out, q)| self.block(q, &k[keys.clone()], &v[keys.clone()], size, out));
        });
        self.joined(&by_head)
    }

    /// `[rows, heads * size]` as `[heads, rows, size]`.
    fn split(&self, x: &[f32], rows: usize) -> Vec<f32> {
        let size = self.width / self.count;
        let mut out = vec![0.0; x.len()];
        out.par_chunks_mut(rows * size).enumerate().for_each(|(head, out)| {
            for (to, from) in out.chunks_exact_mut(size).zip(x.chunks_exact(self.width)) {
                to.copy_from_slice(&from[head * size..][..size]);
            }
        });
        out
    }

    /// The way back, for the result.
    fn joined(&self, x: &[f32]) -> Vec<f32> {
        let size = self.width / self.count;
        let mut out = vec![0.0; x.len()];
        out.par_chunks_mut(self.width).enumerate().for_each(|(row, out)| {
            for (head, to) in out.chunks_exact_mut(size).enumerate() {
                to.copy_from_slice(&x[(head * self.queries + row) * size..][..size]);
            }
        });
        out
    }

    fn block(&self, q: &[f32], k: &[f32], v: &[f32], size: usize, out: &mut [f32]) {
        let (keys, queries) = (self.keys, q.len() / size);
        with_scratch(queries * keys, |scores| {
            let k = Matrix::new(k, keys, size, size);
            multiply(scores, keys, Matrix::new(q, queries, size, size), k.transposed(), false);
            let scale = (size as f32).sqrt().recip();
            for row in scores.chunks_exact_mut(keys) {
                Arch::new().dispatch(Softmax { row, scale });
            }
            let v = Matrix::new(v, keys, size, size);
            multiply(out, size, Matrix::new(scores, queries, keys, keys), v, false);
        });
    }
}

/// The softmax of `scale * row`, in its place.
struct Softmax<'a> {
    row: &'a mut [f32],
    scale: f32,
}

impl WithSimd for Softmax<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let (whole, rest) = S::as_mut_simd_f32s(self.row);
        let mut most = simd.splat_f32s(f32::NEG_INFINITY);
        for v in &*whole {
            most = simd.max_f32s(most, *v);
        }
        let mut largest = simd.reduce_max_f32s(most);
        for v in &*rest {
            largest = largest.max(*v);
        }
        let (largest, scale) = (simd.splat_f32s(largest), simd.splat_f32s(self.scale));
        let mut sums = simd.splat_f32s(0.0);
        for v in &mut *whole {
            *v = exp(simd, simd.mul_f32s(simd.sub_f32s(*v, largest), scale));
            sums = simd.add_f32s(sums, *v);
        }
        let mut sum = simd.reduce_sum_f32s(sums);
        if !rest.is_empty() {
            let v = simd.partial_load_f32s(rest);
            simd.partial_store_f32s(rest, exp(simd, simd.mul_f32s(simd.sub_f32s(v, largest), scale)));
            for v in &*rest {
                sum += *v;
            }
        }
        let factor = 1.0 / sum;
        for v in whole {
            *v = simd.mul_f32s(*v, simd.splat_f32s(factor));
        }
        for v in rest {
            *v *= factor;
        }
    }
}

/// The same of candle's own operations, for GPUs.
fn by_blocks(q: &Tensor, k: &Tensor, v: &Tensor, heads: usize) -> Result<Tensor> {
    let ((queries, width), keys) = (q.dims2()?, k.dim(0)?);
    let size = width / heads;
    let split = |x: &Tensor, n: usize| x.reshape((n, heads, size))?.transpose(0, 1)?.contiguous();
    let (q, k, v) = (split(q, queries)?, split(k, keys)?, split(v, keys)?);
    if q.device().is_metal() && (size == 64 || size == 128) {
        // Metal's own, which holds no scores at all; it knows these sizes.
        let [q, k, v] = [q, k, v].map(|x| x.unsqueeze(0));
        let out = candle_nn::ops::sdpa(&q?, &k?, &v?, None, false, (size as f32).sqrt().recip(), 1.0)?.squeeze(0)?;
        return out.transpose(0, 1)?.contiguous()?.reshape((queries, width));
    }
    let k = k.t()?.contiguous()?;
    let block = (SCORES / (heads * keys)).clamp(1, queries);
    let scale = (size as f64).sqrt().recip();
    let parts = (0..queries).step_by(block).map(|at| {
        let scores = (q.narrow(1, at, block.min(queries - at))?.contiguous()?.matmul(&k)? * scale)?;
        let scores = candle_nn::ops::softmax_last_dim(&scores.to_dtype(DType::F32)?)?;
        scores.to_dtype(v.dtype())?.matmul(&v)
    });
    let out = Tensor::cat(&parts.collect::<Result<Vec<_>>>()?, 1)?;
    out.transpose(0, 1)?.contiguous()?.reshape((queries, width))
}

#[cfg(test)]
mod tests {
    use super::super::test::{Rng, assert_close, assert_same_on_any_threads, flat};
    use super::*;

    #[test]
    fn blocks_give_what_the_whole_gives() {
        let mut rng = Rng::new(8);
        let (q, k, v) = (rng.tensor(&[150, 24], 2.0), rng.tensor(&[37, 24], 2.0), rng.tensor(&[37, 24], 2.0));
        let got = attention(&q, &k, &v, 3).unwrap();
        assert_close(&flat(&got), &flat(&by_blocks(&q, &k, &v, 3).unwrap()), 1e-5, "attention");
        assert_same_on_any_threads(|| attention(&q, &k, &v, 3));
    }

    #[test]
    fn large_scores_do_not_overflow() {
        let mut rng = Rng::new(9);
        let (q, v) = (rng.tensor(&[20, 8], 300.0), rng.tensor(&[20, 8], 1.0));
        assert!(flat(&attention(&q, &q, &v, 1).unwrap()).iter().all(|v| v.is_finite()));
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let zeros = |n: usize| Tensor::zeros((n, 6), DType::F32, &candle_core::Device::Cpu).unwrap();
        assert!(attention(&zeros(3), &zeros(4), &zeros(4), 4).is_err());
        assert!(attention(&zeros(3), &zeros(4), &zeros(5), 2).is_err());
    }
}

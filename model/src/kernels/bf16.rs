//! The product of activations with bf16 weights, on processors that multiply bf16 themselves (AVX-512 BF16).
//!
//! Activations are rounded to bf16 too, and products summed in f32, as the instruction has it: twice the speed of f32.
//! Vectors run over tokens, which are packed once for a layer in pairs of neighbouring channels; weights are read as they
//! lie in their file, a pair at a time for all tokens of a vector.
#![allow(unsafe_code, reason = "vector loads and stores, and a call that needs the processor's feature")]

use half::bf16;
use rayon::prelude::*;

/// Vectors of tokens, and outputs, that are summed in registers at a time.
const VECTORS: usize = 3;
const OUTPUTS: usize = 8;

/// Tokens of a panel.
pub(super) const PANEL: usize = 16 * VECTORS;

/// Whether this processor can.
pub(super) fn is_supported() -> bool {
    #[cfg(target_arch = "x86_64")]
    return is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512bw")
        && is_x86_feature_detected!("avx512vl")
        && is_x86_feature_detected!("avx512bf16");
    #[cfg(not(target_arch = "x86_64"))]
    return false;
}

/// Activations as the product takes them: panels of [`PANEL`] tokens, each by pair of channels, then token.
pub(super) struct Packed {
    pairs: Vec<u32>,
    /// Pairs of channels.
    depth: usize,
    tokens: usize,
}

/// Tokens that are turned from rows to columns at a time.
const TURNED: usize = 16;

impl Packed {
    /// Packs rows of `width` channels, one row a token.
    pub(super) fn of_rows(x: &[f32], width: usize) -> Self {
        let (tokens, depth) = (x.len() / width, width.div_ceil(2));
        let mut pairs = vec![0; tokens.div_ceil(PANEL) * depth * PANEL];
        pairs.par_chunks_mut(depth * PANEL).zip(x.par_chunks(width * PANEL)).for_each(|(panel, x)| {
            let mut rows = vec![0; TURNED * depth];
            for (t, x) in x.chunks(TURNED * width).enumerate() {
                for (pairs, x) in rows.chunks_exact_mut(depth).zip(x.chunks_exact(width)) {
                    round_row(x, pairs);
                }
                let count = x.len() / width;
                for (k, to) in panel.chunks_exact_mut(PANEL).enumerate() {
                    for (i, to) in to[t * TURNED..][..count].iter_mut().enumerate() {
                        *to = rows[i * depth + k];
                    }
                }
            }
        });
        Self { pairs, depth, tokens }
    }

    /// Packs columns, one row of `pixels` for each of `depth` channels.
    pub(super) fn of_columns(columns: &[f32], depth: usize, pixels: usize) -> Self {
        let panels = pixels.div_ceil(PANEL);
        let half = depth.div_ceil(2);
        let mut pairs = vec![0; panels * half * PANEL];
        let none = vec![0.0; pixels];
        for (k, rows) in columns[..depth * pixels].chunks(2 * pixels).enumerate() {
            let (low, high) = rows.split_at(pixels);
            let high = if high.is_empty() { &none } else { high };
            for (panel, (low, high)) in low.chunks(PANEL).zip(high.chunks(PANEL)).enumerate() {
                round_pairs(low, high, &mut pairs[(panel * half + k) * PANEL..][..low.len()]);
            }
        }
        Self { pairs, depth: half, tokens: pixels }
    }

    /// Writes, or adds, `sums[output * pitch + token]` for all tokens, of the outputs whose weights start `row` apart and
    /// are `width` long.
    pub(super) fn multiply(&self, weights: &[bf16], row: usize, width: usize, sums: &mut [f32], add: bool) {
        let pitch = self.pitch();
        for (rows, sums) in weights.chunks(OUTPUTS * row).zip(sums.chunks_mut(OUTPUTS * pitch)) {
            let outputs = rows.len().div_ceil(row);
            if width.is_multiple_of(2) {
                self.block(rows, row, outputs, sums, add);
            } else {
                // The last weight of a row has no partner: it is given one that is zero.
                let mut even = vec![bf16::ZERO; outputs * (width + 1)];
                for (to, weights) in even.chunks_exact_mut(width + 1).zip(rows.chunks(row)) {
                    to[..width].copy_from_slice(&weights[..width]);
                }
                self.block(&even, width + 1, outputs, sums, add);
            }
        }
    }

    fn block(&self, weights: &[bf16], row: usize, outputs: usize, sums: &mut [f32], add: bool) {
        let pitch = self.pitch();
        for panel in 0..pitch / PANEL {
            let x = &self.pairs[panel * self.depth * PANEL..][..self.depth * PANEL];
            Block { x, weights, row, depth: self.depth, pitch, outputs, add }.run(&mut sums[panel * PANEL..]);
        }
    }

    /// Tokens in whole panels.
    pub(super) fn pitch(&self) -> usize {
        self.tokens.next_multiple_of(PANEL)
    }
}

/// One panel for up to [`OUTPUTS`] outputs.
struct Block<'a> {
    x: &'a [u32],
    /// Rows of as many weights as there are channels lie `row` apart.
    weights: &'a [bf16],
    row: usize,
    /// Pairs of channels.
    depth: usize,
    /// From one output's sums to the next.
    pitch: usize,
    outputs: usize,
    add: bool,
}

impl Block<'_> {
    #[cfg(target_arch = "x86_64")]
    fn run(&self, sums: &mut [f32]) {
        let Self { x, weights, row, depth, pitch, outputs, .. } = *self;
        assert!(is_supported() && outputs <= OUTPUTS && outputs > 0);
        assert!(x.len() >= depth * PANEL && weights.len() >= (outputs - 1) * row + 2 * depth);
        assert!(sums.len() >= (outputs - 1) * pitch + PANEL);
        // SAFETY: the processor has the features, by the first assertion; the others bound what is read and written.
        unsafe { x86::block(self, sums) }
    }

    #[cfg(not(target_arch = "x86_64"))]
    fn run(&self, _: &mut [f32]) {
        unreachable!("no other processor is said to be supported")
    }
}

/// The nearest bf16, ties to even, in the upper half of the bits.
#[inline(always)]
fn rounded(v: f32) -> u32 {
    let bits = v.to_bits();
    let nearest = bits.wrapping_add(0x7fff + (bits >> 16 & 1));
    if v.is_nan() { 0x7fc0_0000 } else { nearest }
}

/// Rounds neighbouring channels of a token to pairs.
fn round_row(x: &[f32], pairs: &mut [u32]) {
    #[cfg(target_arch = "x86_64")]
    {
        assert!(is_supported());
        // SAFETY: the processor has the features.
        unsafe { x86::round_row(x, pairs) }
    }
    #[cfg(not(target_arch = "x86_64"))]
    round_row_plainly(x, pairs);
}

#[inline(always)]
fn round_row_plainly(x: &[f32], pairs: &mut [u32]) {
    let (whole, rest) = x.as_chunks::<2>();
    for (to, [low, high]) in pairs.iter_mut().zip(whole) {
        *to = rounded(*high) & 0xffff_0000 | rounded(*low) >> 16;
    }
    if let (Some(to), Some(low)) = (pairs.get_mut(whole.len()), rest.first()) {
        *to = rounded(*low) >> 16;
    }
}

/// Rounds two channels of as many pixels to pairs.
fn round_pairs(low: &[f32], high: &[f32], pairs: &mut [u32]) {
    #[cfg(target_arch = "x86_64")]
    {
        assert!(is_supported());
        // SAFETY: the processor has the features.
        unsafe { x86::round_pairs(low, high, pairs) }
    }
    #[cfg(not(target_arch = "x86_64"))]
    round_pairs_plainly(low, high, pairs);
}

#[inline(always)]
fn round_pairs_plainly(low: &[f32], high: &[f32], pairs: &mut [u32]) {
    for ((to, low), high) in pairs.iter_mut().zip(low).zip(high) {
        *to = rounded(*high) & 0xffff_0000 | rounded(*low) >> 16;
    }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::{
        __m512, __m512bh, __m512i, _mm512_dpbf16_ps, _mm512_loadu_ps, _mm512_loadu_si512, _mm512_set1_epi32,
        _mm512_setzero_ps, _mm512_storeu_ps,
    };

    use super::{Block, OUTPUTS, PANEL, VECTORS, round_pairs_plainly, round_row_plainly};

    /// # Safety
    /// The processor has the features named; `x` holds `depth` rows of [`PANEL`], `weights` `outputs` rows of `depth` pairs
    /// at `row`, and `sums` takes `outputs` rows of [`PANEL`] at `pitch`; there is at least one output.
    #[target_feature(enable = "avx512f,avx512bf16")]
    pub(super) unsafe fn block(task: &Block<'_>, sums: &mut [f32]) {
        let Block { row, depth, pitch, outputs, .. } = *task;
        let mut acc: [[__m512; VECTORS]; OUTPUTS] = [[_mm512_setzero_ps(); VECTORS]; OUTPUTS];
        let (x, weights, sums) = (task.x.as_ptr(), task.weights.as_ptr(), sums.as_mut_ptr());
        if task.add {
            for (o, acc) in acc.iter_mut().enumerate().take(outputs) {
                for (v, acc) in acc.iter_mut().enumerate() {
                    // SAFETY: o < outputs, so the row lies in `sums` as the caller promises.
                    *acc = unsafe { _mm512_loadu_ps(sums.add(o * pitch + 16 * v)) };
                }
            }
        }
        // Where there are fewer outputs the last is summed again, and not stored.
        let rows: [usize; OUTPUTS] = std::array::from_fn(|o| o.min(outputs - 1) * row);
        for k in 0..depth {
            // SAFETY: k < depth, so these lie in `x` and `weights` as the caller promises. Pairs of bf16 and vectors of
            // them are the same bits.
            unsafe {
                let at = x.add(k * PANEL);
                let pairs: [__m512bh; VECTORS] = [load(at), load(at.add(16)), load(at.add(32))];
                for o in 0..OUTPUTS {
                    let weight = weights.add(rows[o] + 2 * k).cast::<i32>().read_unaligned();
                    let weight = std::mem::transmute::<__m512i, __m512bh>(_mm512_set1_epi32(weight));
                    for v in 0..VECTORS {
                        acc[o][v] = _mm512_dpbf16_ps(acc[o][v], pairs[v], weight);
                    }
                }
            }
        }
        for (o, acc) in acc.iter().enumerate().take(outputs) {
            for (v, acc) in acc.iter().enumerate() {
                // SAFETY: as above.
                unsafe { _mm512_storeu_ps(sums.add(o * pitch + 16 * v), *acc) }
            }
        }
    }

    /// # Safety
    /// Sixteen pairs can be read at `at`.
    #[target_feature(enable = "avx512f,avx512bf16")]
    unsafe fn load(at: *const u32) -> __m512bh {
        // SAFETY: as promised; the types are the same bits.
        unsafe { std::mem::transmute(_mm512_loadu_si512(at.cast())) }
    }

    // The same loops, for the compiler to make vectors of.

    #[target_feature(enable = "avx512f,avx512bw,avx512vl")]
    pub(super) fn round_row(x: &[f32], pairs: &mut [u32]) {
        round_row_plainly(x, pairs);
    }

    #[target_feature(enable = "avx512f,avx512bw,avx512vl")]
    pub(super) fn round_pairs(low: &[f32], high: &[f32], pairs: &mut [u32]) {
        round_pairs_plainly(low, high, pairs);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounding_is_that_of_the_crate() {
        for v in [0.0, -0.0, 1.0, 1.001, -3.2, 1e-40, 3.39e38, f32::INFINITY, 0.007_812_5, 1.003_906_2, 65_535.0] {
            assert_eq!((rounded(v) >> 16) as u16, bf16::from_f32(v).to_bits(), "{v}");
        }
        assert!(bf16::from_bits((rounded(f32::NAN) >> 16) as u16).is_nan());
    }
}

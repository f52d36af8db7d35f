//! The product of activations with weights in f32, by the same sums in registers as the convolutions.
//!
//! Vectors run over tokens, which are packed once for a layer by channel; of the weights, a few rows at a time are turned
//! so that those of one channel lie side by side.

use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

use super::conv::{BlockWidth, LargestBlock};
use super::micro::{self, Finish, VECTORS};

/// Activations as the product takes them: panels of a few vectors of tokens, each by channel, then token.
pub(super) struct Panels {
    values: Vec<f32>,
    depth: usize,
    tokens: usize,
    /// Tokens of a panel.
    width: usize,
    /// Where each channel of a panel starts.
    offsets: Vec<usize>,
}

impl Panels {
    /// Packs rows of `depth` channels, one row a token.
    pub(super) fn of_rows(x: &[f32], depth: usize) -> Self {
        let width = Arch::new().dispatch(BlockWidth);
        let tokens = x.len() / depth;
        let mut values = vec![0.0; tokens.div_ceil(width) * depth * width];
        values.par_chunks_mut(depth * width).zip(x.par_chunks(depth * width)).for_each(|(panel, x)| {
            for (token, row) in x.chunks_exact(depth).enumerate() {
                for (to, v) in panel[token..].iter_mut().step_by(width).zip(row) {
                    *to = *v;
                }
            }
        });
        Self { values, depth, tokens, width, offsets: (0..depth).map(|k| k * width).collect() }
    }

    /// Tokens in whole panels.
    pub(super) fn pitch(&self) -> usize {
        self.tokens.next_multiple_of(self.width)
    }

    /// Floats of scratch memory that [`Self::multiply`] needs.
    pub(super) fn room(&self) -> usize {
        Arch::new().dispatch(LargestBlock) * (self.depth + self.width)
    }

    /// Writes `sums[output * pitch + token]` for all tokens, of the outputs whose `weights`, one row each, are given.
    pub(super) fn multiply(&self, weights: &[f32], room: &mut [f32], sums: &mut [f32]) {
        let arch = Arch::new();
        let most = arch.dispatch(LargestBlock);
        let (turned, block) = room.split_at_mut(most * self.depth);
        let rows = weights.chunks(most * self.depth).zip(sums.chunks_mut(most * self.pitch()));
        for (weights, sums) in rows {
            if weights.len() < most * self.depth {
                turned.fill(0.0);
            }
            for (o, row) in weights.chunks_exact(self.depth).enumerate() {
                for (to, w) in turned[o..].iter_mut().step_by(most).zip(row) {
                    *to = *w;
                }
            }
            arch.dispatch(Rows { panels: self, turned: &*turned, most, block: &mut *block, sums });
        }
    }
}

/// One block of outputs, for every panel.
struct Rows<'a> {
    panels: &'a Panels,
    turned: &'a [f32],
    /// Outputs of a block.
    most: usize,
    block: &'a mut [f32],
    sums: &'a mut [f32],
}

impl WithSimd for Rows<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        if self.most == 8 { self.run::<S, 8>(simd) } else { self.run::<S, 4>(simd) }
    }
}

impl Rows<'_> {
    #[inline(always)]
    fn run<S: Simd, const M: usize>(self, simd: S) {
        let Self { panels, turned, block, sums, .. } = self;
        let (width, pitch) = (VECTORS * S::F32_LANES, panels.pitch());
        for (p, panel) in panels.values.chunks_exact(panels.depth * width).enumerate() {
            micro::block::<S, M>(simd, panel, &panels.offsets, turned, [0.0; M], Finish::Keep, block);
            for (sums, block) in sums.chunks_exact_mut(pitch).zip(block.chunks_exact(width)) {
                sums[p * width..][..width].copy_from_slice(block);
            }
        }
    }
}

//! 3x3 convolution of stride 1 with a quarter of the multiplications: Winograd's F(4x4, 3x3).
//!
//! Lavin and Gray, *Fast Algorithms for Convolutional Neural Networks*, 2015. A 4x4 tile of output comes of 6x6 input:
//! both it and the weights are transformed, 36 products of matrices (one for each place of the 6x6) take the place of
//! the convolution, and their results are transformed back. A panel of tiles goes through all three steps in one
//! thread's scratch memory; vectors run over the tiles of a panel.

use candle_core::Result;
use pulp::{Arch, Simd, WithSimd};

use super::conv::{BlockWidth, Epilogue, LargestBlock};
use super::micro::{self, Finish, VECTORS};
use super::tile::{copy_row, with_scratch};
use super::{Planes, banded::by_bands};

/// Places of a transformed tile.
const PLACES: usize = 36;

/// Output channels that are summed side by side, so that the transformed input, which fills most of a second-level cache, is read but
/// once for all of them. Where that cache has 512 KB, all of 96 take a fifth more time, as their sums outgrow it.
const TOGETHER: usize = 24;

/// Transformed weights, and what follows the sums.
#[derive(Clone, Debug)]
pub(super) struct Winograd {
    outputs: usize,
    inputs: usize,
    padding: usize,
    blocks: Vec<(usize, usize)>,
    /// By place, then block of output channels, then input channel, then channel within the block.
    weights: Vec<f32>,
    epilogue: Epilogue,
}

/// The transform of a row of three weights.
fn transform_weights(g: [f64; 3]) -> [f64; 6] {
    let (even, odd) = ((g[0] + g[2]) / 6.0, g[1] / 6.0);
    let (low, mid) = (g[0] / 24.0 + g[2] / 6.0, g[1] / 12.0);
    [g[0] / 4.0, -even - odd, -even + odd, low + mid, low - mid, g[2]]
}

/// `a * b + c`.
///
/// In this module vectors pass through such functions and not through closures or `array::map`, which the compiler may
/// leave outside the function that has the vector instructions.
#[inline(always)]
fn fma<S: Simd>(simd: S, a: f32, b: S::f32s, c: S::f32s) -> S::f32s {
    simd.mul_add_e_f32s(simd.splat_f32s(a), b, c)
}

/// The transform of a row of six input samples.
#[inline(always)]
fn transform_input<S: Simd>(simd: S, d: [S::f32s; 6]) -> [S::f32s; 6] {
    let (p, q) = (fma(simd, -4.0, d[2], d[4]), fma(simd, -4.0, d[1], d[3]));
    let (r, s) = (simd.sub_f32s(d[4], d[2]), simd.sub_f32s(d[3], d[1]));
    [
        fma(simd, 4.0, d[0], fma(simd, -5.0, d[2], d[4])),
        simd.add_f32s(p, q),
        simd.sub_f32s(p, q),
        fma(simd, 2.0, s, r),
        fma(simd, -2.0, s, r),
        fma(simd, 4.0, d[1], fma(simd, -5.0, d[3], d[5])),
    ]
}

/// The transform of a row of six sums to four outputs.
#[inline(always)]
fn transform_output<S: Simd>(simd: S, m: [S::f32s; 6]) -> [S::f32s; 4] {
    let (s, d) = (simd.add_f32s(m[1], m[2]), simd.sub_f32s(m[1], m[2]));
    let (s2, d2) = (simd.add_f32s(m[3], m[4]), simd.sub_f32s(m[3], m[4]));
    [
        simd.add_f32s(simd.add_f32s(m[0], s), s2),
        fma(simd, 2.0, d2, d),
        fma(simd, 4.0, s2, s),
        simd.add_f32s(fma(simd, 8.0, d2, d), m[5]),
    ]
}

/// A vector of samples.
#[inline(always)]
fn load<S: Simd>(samples: &[f32], at: usize) -> S::f32s {
    S::as_simd_f32s(&samples[at..at + S::F32_LANES]).0[0]
}

/// Four vectors of samples, split into their four columns modulo 4.
#[inline(always)]
fn load_columns<S: Simd>(simd: S, samples: &[f32], at: usize) -> [S::f32s; 4] {
    let (s, _) = S::as_simd_f32s(&samples[at..at + 4 * S::F32_LANES]);
    simd.deinterleave_shfl_f32s([s[0], s[1], s[2], s[3]])
}

/// Six vectors, `stride` apart.
#[inline(always)]
fn load_six<S: Simd>(samples: &[f32], at: usize, stride: usize) -> [S::f32s; 6] {
    [
        load::<S>(samples, at),
        load::<S>(samples, at + stride),
        load::<S>(samples, at + 2 * stride),
        load::<S>(samples, at + 3 * stride),
        load::<S>(samples, at + 4 * stride),
        load::<S>(samples, at + 5 * stride),
    ]
}

/// One column of rows.
#[inline(always)]
fn column<T: Copy, const ROWS: usize, const N: usize>(rows: &[[T; N]; ROWS], x: usize) -> [T; ROWS] {
    let mut out = [rows[0][x]; ROWS];
    for (out, row) in out.iter_mut().zip(rows) {
        *out = row[x];
    }
    out
}

/// A panel: `rows` x `cols` tiles, laid out at a pitch of one more than `cols`, for the tile beyond a row's end whose
/// first samples the last tile needs.
#[derive(Clone, Copy)]
struct Panel {
    rows: usize,
    cols: usize,
    pitch: usize,
}

impl Panel {
    /// The shape that covers `down` x `across` tiles with the fewest panels of `lanes` tiles; of those, the squarest,
    /// which copies the fewest samples twice.
    fn choose(down: usize, across: usize, lanes: usize) -> Self {
        let mut best = (usize::MAX, usize::MAX, Self { rows: 1, cols: 1, pitch: 2 });
        for parts in across.div_ceil(lanes)..=across {
            let cols = across.div_ceil(parts);
            let pitch = cols + 1;
            // No gap is needed behind the last row.
            let rows = ((lanes + 1) / pitch).min(down);
            if cols > lanes || rows == 0 {
                continue;
            }
            let count = across.div_ceil(cols) * down.div_ceil(rows);
            let samples = count * (4 * rows + 2) * (4 * cols + 2);
            if (count, samples) < (best.0, best.1) {
                best = (count, samples, Self { rows, cols, pitch });
            }
        }
        best.2
    }
}

impl Winograd {
    /// Whether this is the faster way. With few channels the transforms cost more than they save.
    pub(super) fn pays(outputs: usize, inputs: usize, kernel: (usize, usize), stride: usize) -> bool {
        kernel == (3, 3) && stride == 1 && outputs >= 16 && inputs >= 16
    }

    pub(super) fn new(
        values: &[f32],
        (outputs, inputs): (usize, usize),
        padding: usize,
        epilogue: impl FnOnce(usize) -> Result<Epilogue>,
    ) -> Result<Self> {
        let blocks = micro::channel_blocks(outputs, Arch::new().dispatch(LargestBlock));
        let padded = blocks.last().map_or(0, |(first, size)| first + size);
        let mut weights = vec![0.0; PLACES * padded * inputs];
        for &(first, size) in &blocks {
            for o in first..(first + size).min(outputs) {
                for c in 0..inputs {
                    let g = &values[(o * inputs + c) * 9..][..9];
                    let row = |i: usize| [g[i], g[i + 1], g[i + 2]].map(f64::from);
                    let rows = [row(0), row(3), row(6)].map(transform_weights);
                    for x in 0..6 {
                        let column = transform_weights(rows.map(|row| row[x]));
                        for (y, v) in column.into_iter().enumerate() {
                            let at = ((y * 6 + x) * padded + first) * inputs + c * size + o - first;
                            weights[at] = v as f32;
                        }
                    }
                }
            }
        }
        Ok(Self { outputs, inputs, padding, blocks, weights, epilogue: epilogue(padded)? })
    }

    pub(super) fn run(&self, x: Planes<'_>, (height, width): (usize, usize)) -> Vec<f32> {
        let arch = Arch::new();
        let lanes = arch.dispatch(BlockWidth);
        let (down, across) = (height.div_ceil(4), width.div_ceil(4));
        let panel = Panel::choose(down, across, lanes);
        let band = 4 * panel.rows;
        let padded = self.epilogue.bias().len();
        let together = padded.min(TOGETHER);
        let offsets: Vec<usize> = (0..self.inputs).map(|c| c * lanes).collect();
        // Places lie a cache line more than a round number apart, or all 36 would contend for the same few lines.
        let strides = (self.inputs * lanes + 16, together * lanes + 16);
        let sizes = [PLACES * strides.0, PLACES * strides.1, 16 * (lanes + panel.pitch + 2), 16 * lanes];
        by_bands((x.n, self.outputs, height, width), band, |image, top, planes| {
            with_scratch(sizes.iter().sum(), |scratch| {
                let (input, scratch) = scratch.split_at_mut(sizes[0]);
                let (sums, scratch) = scratch.split_at_mut(sizes[1]);
                let (samples, tile) = scratch.split_at_mut(sizes[2]);
                for left in (0..width).step_by(4 * panel.cols) {
                    arch.dispatch(Task {
                        x,
                        image,
                        winograd: self,
                        panel,
                        offsets: &offsets,
                        together,
                        at: (top, left),
                        width,
                        planes: &mut *planes,
                        strides,
                        samples: &mut *samples,
                        input: &mut *input,
                        sums: &mut *sums,
                        tile: &mut *tile,
                    });
                }
            });
        })
    }
}

/// One panel's way through the three steps.
struct Task<'a, 'o> {
    x: Planes<'a>,
    image: usize,
    winograd: &'a Winograd,
    panel: Panel,
    offsets: &'a [usize],
    together: usize,
    /// From one place to the next in `input` and in `sums`.
    strides: (usize, usize),
    at: (usize, usize),
    width: usize,
    planes: &'a mut [&'o mut [f32]],
    /// One channel's samples by their row modulo 4.
    samples: &'a mut [f32],
    /// Transformed input by place, channel, tile.
    input: &'a mut [f32],
    /// Sums by place, output channel, tile.
    sums: &'a mut [f32],
    /// One output channel by its row modulo 4.
    tile: &'a mut [f32],
}

impl WithSimd for Task<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        for c in 0..self.winograd.inputs {
            self.gather(c);
            self.transform_channel(simd, c);
        }
        let blocks = &self.winograd.blocks;
        let largest = blocks[0].1;
        for group in blocks.chunks(self.together.div_ceil(largest)) {
            let base = group[0].0;
            for place in 0..PLACES {
                for &(first, size) in group {
                    match size {
                        8 => self.multiply::<S, 8>(simd, place, first, base),
                        4 => self.multiply::<S, 4>(simd, place, first, base),
                        2 => self.multiply::<S, 2>(simd, place, first, base),
                        _ => self.multiply::<S, 1>(simd, place, first, base),
                    }
                }
            }
            for &(first, size) in group {
                for o in first..(first + size).min(self.winograd.outputs) {
                    self.transform_back(simd, o, o - base);
                    self.store(o);
                }
            }
        }
    }
}

impl Task<'_, '_> {
    /// Copies one channel's samples under the panel. Rows that lie four apart follow each other, so that the samples of
    /// tile `t` start at `4 * t` in each of the four parts, whatever row of tiles it belongs to.
    #[inline(always)]
    fn gather(&mut self, c: usize) {
        let Panel { rows, pitch, .. } = self.panel;
        let plane = self.x.plane(self.image, c);
        let (h, w) = (self.x.h, self.x.w);
        let pad = self.winograd.padding as isize;
        let left = self.at.1 as isize - pad;
        let wanted = 4 * pitch;
        let before = ((-left).max(0) as usize).min(wanted);
        let first = (left + before as isize) as usize;
        let inside = w.saturating_sub(first).min(wanted - before);
        let part = self.samples.len() / 4;
        for r in 0..4 * rows + 2 {
            let y = (self.at.0 + r) as isize - pad;
            let line = &mut self.samples[r % 4 * part + r / 4 * wanted..][..wanted];
            if y < 0 || y >= h as isize || inside == 0 {
                line.fill(0.0);
            } else {
                line[..before].fill(0.0);
                copy_row(&plane[y as usize * w + first..][..inside], &mut line[before..before + inside]);
                line[before + inside..].fill(0.0);
            }
        }
    }

    /// Transforms one channel of every tile of the panel. A vector holds one column of its tiles; their order within
    /// the vector is what the instruction set likes best, and is undone in [`Self::transform_back`].
    #[inline(always)]
    fn transform_channel<S: Simd>(&mut self, simd: S, c: usize) {
        let lanes = VECTORS * S::F32_LANES;
        let part = self.samples.len() / 4;
        for v in 0..VECTORS {
            let mut rows = [[simd.splat_f32s(0.0); 6]; 6];
            for (y, row) in rows.iter_mut().enumerate() {
                let at = y % 4 * part + 4 * (y / 4 * self.panel.pitch + v * S::F32_LANES);
                let own = load_columns(simd, self.samples, at);
                let next = load_columns(simd, self.samples, at + 4);
                *row = transform_input(simd, [own[0], own[1], own[2], own[3], next[0], next[1]]);
            }
            for x in 0..6 {
                let values = transform_input(simd, column(&rows, x));
                for (y, value) in values.iter().enumerate() {
                    let at = (y * 6 + x) * self.strides.0 + c * lanes + v * S::F32_LANES;
                    S::as_mut_simd_f32s(&mut self.input[at..at + S::F32_LANES]).0[0] = *value;
                }
            }
        }
    }

    /// The sums over the input channels, at one place, of a block of output channels.
    #[inline(always)]
    fn multiply<S: Simd, const M: usize>(&mut self, simd: S, place: usize, first: usize, base: usize) {
        let lanes = VECTORS * S::F32_LANES;
        let Winograd { inputs, weights, epilogue, .. } = self.winograd;
        let weights = &weights[(place * epilogue.bias().len() + first) * inputs..][..M * inputs];
        let input = &self.input[place * self.strides.0..][..inputs * lanes];
        let sums = &mut self.sums[place * self.strides.1 + (first - base) * lanes..][..M * lanes];
        micro::block::<S, M>(simd, input, self.offsets, weights, [0.0; M], Finish::Keep, sums);
    }

    /// Transforms one output channel's sums back, with bias and activation.
    #[inline(always)]
    fn transform_back<S: Simd>(&mut self, simd: S, o: usize, slot: usize) {
        let lanes = VECTORS * S::F32_LANES;
        let epilogue = &self.winograd.epilogue;
        let bias = simd.splat_f32s(epilogue.bias()[o]);
        let finish = epilogue.finish(o);
        for v in 0..VECTORS {
            // By row of the transformed tile, so that the way back begins along it.
            let mut rows = [[bias; 4]; 6];
            for (y, row) in rows.iter_mut().enumerate() {
                let at = y * 6 * self.strides.1 + slot * lanes + v * S::F32_LANES;
                *row = transform_output(simd, load_six::<S>(self.sums, at, self.strides.1));
            }
            let mut columns = [[bias; 4]; 4];
            for (x, values) in columns.iter_mut().enumerate() {
                *values = transform_output(simd, column(&rows, x));
                for value in values {
                    *value = finish.apply(simd, 0, simd.add_f32s(*value, bias));
                }
            }
            for y in 0..4 {
                let at = 4 * (y * lanes + v * S::F32_LANES);
                let (out, _) = S::as_mut_simd_f32s(&mut self.tile[at..at + 4 * S::F32_LANES]);
                let row = simd.interleave_shfl_f32s(column(&columns, y));
                (out[0], out[1], out[2], out[3]) = (row[0], row[1], row[2], row[3]);
            }
        }
    }

    /// Writes one output channel's tiles to its rows.
    #[inline(always)]
    fn store(&mut self, o: usize) {
        let Panel { rows, cols, pitch } = self.panel;
        let left = self.at.1;
        let count = (4 * cols).min(self.width - left);
        let part = self.tile.len() / 4;
        for (r, out) in self.planes[o].chunks_exact_mut(self.width).enumerate().take(4 * rows) {
            let from = r % 4 * part + r / 4 * 4 * pitch;
            copy_row(&self.tile[from..from + count], &mut out[left..left + count]);
        }
    }
}

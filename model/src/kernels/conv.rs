//! Convolution with bias and activation in one pass.
//!
//! A tile of the picture is copied with its surroundings into scratch memory (once, whatever the kernel's size), split
//! into phases where the stride is above one. Rows then follow each other at a fixed pitch, so that every tap of the
//! kernel is the same run of samples at a fixed offset, and a block of output channels times a run of pixels is summed
//! in registers straight from the tile: no im2col. The few sums that fall between two rows are thrown away.

use candle_core::{Device, Result, Shape, Storage, Tensor, bail};
use pulp::{Arch, Simd, WithSimd};

use super::micro::{self, Finish, VECTORS};
use super::tile::{copy_row, gather, with_scratch};
use super::winograd::Winograd;
use super::{CpuKernel, Planes, banded::by_bands, on_planes, planar};

/// What follows a convolution, in the same pass.
#[derive(Clone, Debug)]
pub enum Activation {
    /// The sums as they are.
    None,
    /// `max(v, 0)`.
    Relu,
    /// `v` where positive, else `slope * v`.
    LeakyRelu(f32),
    /// As `LeakyRelu` with a learned slope for each output channel: a tensor of one element per channel.
    PRelu(Tensor),
}

/// A 2-D convolution (cross-correlation, as in PyTorch) with its weights prepared once, at load.
///
/// Padding is with zeros. Sums run over input channel, then kernel row, then kernel column.
///
/// ```
/// use candle_core::{Device, Tensor};
/// use pickup_model::kernels::{Activation, Conv2d};
///
/// # fn main() -> candle_core::Result<()> {
/// let weight = Tensor::zeros((16, 3, 3, 3), candle_core::DType::F32, &Device::Cpu)?;
/// let conv = Conv2d::new(&weight, None, 2, 1, Activation::LeakyRelu(0.1))?;
/// let x = Tensor::zeros((1, 3, 90, 160), candle_core::DType::F32, &Device::Cpu)?;
/// assert_eq!(conv.forward(&x)?.dims(), [1, 16, 45, 80]);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Conv2d {
    shape: ConvShape,
    activation: Activation,
    way: Way,
}

#[derive(Clone, Copy, Debug)]
struct ConvShape {
    outputs: usize,
    inputs: usize,
    kernel: (usize, usize),
    stride: usize,
    padding: usize,
}

/// How the sums are made: our own kernels on the CPU, candle's convolution elsewhere.
#[derive(Clone, Debug)]
enum Way {
    Direct(Packed),
    Winograd(Winograd),
    Candle { weight: Tensor, bias: Option<Tensor> },
}

/// Weights in the order in which [`micro::block`] reads them, with what it starts from and ends with.
#[derive(Clone, Debug)]
struct Packed {
    blocks: Vec<(usize, usize)>,
    weights: Vec<f32>,
    epilogue: Epilogue,
}

/// Bias and activation by output channel, padded to whole blocks.
#[derive(Clone, Debug)]
pub(super) struct Epilogue {
    bias: Vec<f32>,
    kind: Kind,
}

#[derive(Clone, Debug)]
enum Kind {
    Keep,
    Relu,
    Slopes(Vec<f32>),
}

impl Epilogue {
    fn new(bias: Option<&Tensor>, activation: &Activation, outputs: usize, padded: usize) -> Result<Self> {
        let pad = |mut values: Vec<f32>| {
            values.resize(padded, 0.0);
            values
        };
        let kind = match activation {
            Activation::None => Kind::Keep,
            Activation::Relu => Kind::Relu,
            Activation::LeakyRelu(slope) => Kind::Slopes(vec![*slope; padded]),
            Activation::PRelu(slopes) => Kind::Slopes(pad(slopes.flatten_all()?.to_vec1()?)),
        };
        let bias = match bias {
            Some(bias) => pad(bias.flatten_all()?.to_vec1()?),
            None => pad(vec![0.0; outputs]),
        };
        Ok(Self { bias, kind })
    }

    pub(super) fn bias(&self) -> &[f32] {
        &self.bias
    }

    /// The activation of the channels from `first` on.
    pub(super) fn finish(&self, first: usize) -> Finish<'_> {
        match &self.kind {
            Kind::Keep => Finish::Keep,
            Kind::Relu => Finish::Relu,
            Kind::Slopes(slopes) => Finish::Slopes(&slopes[first..]),
        }
    }
}

impl Conv2d {
    /// Prepares a convolution: `weight` is `[outputs, inputs, kernel height, kernel width]`, `bias` has one element
    /// for each output channel, `stride` is 1 or 2, `padding` is the number of zero rows and columns on each side.
    ///
    /// # Errors
    /// When a shape does not fit the others, or the tensors are not `f32`.
    pub fn new(
        weight: &Tensor,
        bias: Option<&Tensor>,
        stride: usize,
        padding: usize,
        activation: Activation,
    ) -> Result<Self> {
        let weight = planar("conv2d", "the weight", weight)?;
        let (outputs, inputs, kh, kw) = weight.dims4()?;
        if !(1..=2).contains(&stride) {
            bail!("conv2d: the stride must be 1 or 2, got {stride}")
        }
        if let Some(bias) = bias
            && bias.elem_count() != outputs
        {
            bail!("conv2d: {outputs} output channels need as many biases, got {:?}", bias.dims())
        }
        if let Activation::PRelu(slopes) = &activation
            && slopes.elem_count() != outputs
        {
            bail!("conv2d: {outputs} output channels need as many PReLU slopes, got {:?}", slopes.dims())
        }
        let shape = ConvShape { outputs, inputs, kernel: (kh, kw), stride, padding };
        let way = if !weight.device().is_cpu() {
            Way::Candle { weight, bias: bias.map(|b| b.reshape((1, outputs, 1, 1))).transpose()? }
        } else {
            let values = weight.flatten_all()?.to_vec1::<f32>()?;
            if Winograd::pays(outputs, inputs, (kh, kw), stride) {
                Way::Winograd(Winograd::new(&values, (outputs, inputs), padding, |padded| {
                    Epilogue::new(bias, &activation, outputs, padded)
                })?)
            } else {
                Way::Direct(Packed::new(&values, &shape, |padded| Epilogue::new(bias, &activation, outputs, padded))?)
            }
        };
        Ok(Self { shape, activation, way })
    }

    /// The height and width of the output for an input of `height` x `width`, or `None` if no kernel fits in it.
    pub fn output_size(&self, height: usize, width: usize) -> Option<(usize, usize)> {
        let ConvShape { kernel, stride, padding, .. } = self.shape;
        let size = |n: usize, k: usize| (n + 2 * padding).checked_sub(k).map(|n| n / stride + 1);
        Some((size(height, kernel.0)?, size(width, kernel.1)?))
    }

    /// Convolves `x`, `[N, inputs, H, W]`.
    ///
    /// # Errors
    /// When `x` is not `f32`, has another number of channels, is smaller than the kernel, or lies on another device
    /// than the weights.
    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        self.forward_over_time(x, x.dim(0)?, 1, 0)
    }

    /// Convolves the channels of several maps, one map's after another's, which are read where they lie.
    ///
    /// # Errors
    /// As [`Self::forward`] of all of them joined; and when they differ in anything but their channels.
    pub fn forward_joined(&self, maps: &[&Tensor]) -> Result<Tensor> {
        if let Way::Candle { .. } = self.way {
            return self.forward(&Tensor::cat(maps, 1)?);
        }
        let maps = maps.iter().map(|map| planar("conv2d", "the input", map)).collect::<Result<Vec<_>>>()?;
        let stored: Vec<_> = maps.iter().map(Tensor::storage_and_layout).collect();
        let planes = stored.iter().map(|(storage, layout)| match &**storage {
            Storage::Cpu(storage) => Planes::new(storage, layout),
            _ => bail!("conv2d: the input lies on another device than the weights"),
        });
        let planes = planes.collect::<Result<Vec<_>>>()?;
        let Some((first, more)) = planes.split_first() else { bail!("conv2d: there is no input") };
        if more.iter().any(|map| (map.n, map.h, map.w) != (first.n, first.h, first.w)) {
            bail!("conv2d: the maps of an input must have one size")
        }
        let (sums, shape) = self.sums(first.joined(more))?;
        Tensor::from_vec(sums, shape, &Device::Cpu)
    }

    /// Convolves the frames of a video `[T, C, H, W]`, of which each of the `n` output frames sees `taps`; as
    /// [`Planes::over_time`] says. On the CPU alone where `taps` is above one.
    pub(super) fn forward_over_time(&self, x: &Tensor, n: usize, taps: usize, before: usize) -> Result<Tensor> {
        let x = planar("conv2d", "the input", x)?;
        if let Way::Candle { weight, bias } = &self.way {
            self.size_of(x.dims4()?)?;
            let y = x.conv2d(weight, self.shape.padding, self.shape.stride, 1, 1)?;
            let y = match bias {
                Some(bias) => y.broadcast_add(bias)?,
                None => y,
            };
            return self.activate(&y);
        }
        let run = on_planes(|x: &[Planes<'_>]| self.sums(x[0].over_time(n, taps, before)));
        x.apply_op1_no_bwd(&CpuKernel { name: "conv2d", run })
    }

    /// The output's height and width, of an input of that shape.
    fn size_of(&self, (n, c, h, w): (usize, usize, usize, usize)) -> Result<(usize, usize)> {
        let s = &self.shape;
        if c != s.inputs {
            bail!("conv2d: the weights take {} channels, the input is {:?}", s.inputs, [n, c, h, w])
        }
        let Some(size) = self.output_size(h, w) else {
            bail!("conv2d: an input of {:?} is smaller than the {:?} kernel", [n, c, h, w], s.kernel)
        };
        Ok(size)
    }

    /// The convolution by our own kernels.
    fn sums(&self, x: Planes<'_>) -> Result<(Vec<f32>, Shape)> {
        let size = self.size_of((x.n, x.c, x.h, x.w))?;
        let shape = Shape::from((x.n, self.shape.outputs, size.0, size.1));
        let sums = match &self.way {
            Way::Direct(packed) => direct(x, &self.shape, packed, size),
            Way::Winograd(winograd) => winograd.run(x, size),
            Way::Candle { .. } => bail!("conv2d: the weights lie on another device than the input"),
        };
        Ok((sums, shape))
    }

    fn activate(&self, y: &Tensor) -> Result<Tensor> {
        let sloped = |slope: &Tensor| y.relu()? - y.neg()?.relu()?.broadcast_mul(slope)?;
        match &self.activation {
            Activation::None => Ok(y.clone()),
            Activation::Relu => y.relu(),
            Activation::LeakyRelu(slope) => sloped(&Tensor::new(*slope, y.device())?),
            Activation::PRelu(slopes) => sloped(&slopes.reshape((1, self.shape.outputs, 1, 1))?),
        }
    }

    /// The device the weights were prepared for.
    pub fn device(&self) -> &Device {
        match &self.way {
            Way::Candle { weight, .. } => weight.device(),
            _ => &Device::Cpu,
        }
    }
}

impl Packed {
    fn new(values: &[f32], shape: &ConvShape, epilogue: impl FnOnce(usize) -> Result<Epilogue>) -> Result<Self> {
        let taps = shape.inputs * shape.kernel.0 * shape.kernel.1;
        let blocks = micro::channel_blocks(shape.outputs, Arch::new().dispatch(LargestBlock));
        let mut weights = Vec::new();
        for &(first, size) in &blocks {
            for k in 0..taps {
                weights.extend((first..first + size).map(|o| values.get(o * taps + k).copied().unwrap_or(0.0)));
            }
        }
        let padded = blocks.last().map_or(0, |(first, size)| first + size);
        Ok(Self { blocks, weights, epilogue: epilogue(padded)? })
    }
}

/// Asks the instruction set for its largest block of channels.
pub(super) struct LargestBlock;

impl WithSimd for LargestBlock {
    type Output = usize;

    fn with_simd<S: Simd>(self, _: S) -> usize {
        micro::channels_per_block(S::REGISTER_COUNT)
    }
}

/// Asks the instruction set how many pixels a block spans.
pub(super) struct BlockWidth;

impl WithSimd for BlockWidth {
    type Output = usize;

    fn with_simd<S: Simd>(self, _: S) -> usize {
        VECTORS * S::F32_LANES
    }
}

/// How the output is cut: tiles of `rows` x `cols` pixels.
#[derive(Clone, Copy)]
struct Cut {
    rows: usize,
    cols: usize,
}

/// Where a tile's samples lie in scratch memory.
struct TileLayout {
    pitch: usize,
    plane: usize,
    offsets: Vec<usize>,
}

impl TileLayout {
    fn new(shape: &ConvShape, cut: Cut) -> Self {
        let (s, (kh, kw)) = (shape.stride, shape.kernel);
        let pitch = cut.cols + (kw - 1) / s;
        let plane = pitch * (cut.rows + (kh - 1) / s);
        let mut offsets = Vec::with_capacity(shape.inputs * kh * kw);
        for c in 0..shape.inputs {
            for ky in 0..kh {
                for kx in 0..kw {
                    let phase = (c * s + ky % s) * s + kx % s;
                    offsets.push(phase * plane + ky / s * pitch + kx / s);
                }
            }
        }
        Self { pitch, plane, offsets }
    }
}

/// Floats of scratch memory a tile may take: half a typical second-level cache, so that weights and output fit beside.
const TILE_FLOATS: usize = 128 * 1024;

impl Cut {
    /// The cut with the least work, counting sums that are thrown away and samples copied more than once.
    fn choose(shape: &ConvShape, images: usize, (height, width): (usize, usize), block: usize) -> Self {
        let (s, (kh, kw)) = (shape.stride, shape.kernel);
        let taps = shape.inputs * kh * kw;
        // Enough bands to keep several threads busy to the end.
        let most_rows = (height * images).div_ceil(16).clamp(1, 32);
        let mut best = (f64::INFINITY, Cut { rows: 1, cols: width });
        for rows in 1..=most_rows.min(height) {
            for across in 1..=width.div_ceil(block) {
                let cols = width.div_ceil(across);
                let pitch = cols + (kw - 1) / s;
                let floats = shape.inputs * s * s * pitch * (rows + (kh - 1) / s);
                if floats > TILE_FLOATS && (rows > 1 || cols > block) {
                    continue;
                }
                let sums = (rows * pitch).next_multiple_of(block) * taps * shape.outputs;
                let tiles = (height.div_ceil(rows) * across) as f64;
                // A copied sample costs about as much as eight multiply-adds.
                let cost = tiles * (sums as f64 + 8.0 * floats as f64);
                if cost < best.0 {
                    best = (cost, Cut { rows, cols });
                }
            }
        }
        best.1
    }
}

fn direct(x: Planes<'_>, shape: &ConvShape, packed: &Packed, (height, width): (usize, usize)) -> Vec<f32> {
    let arch = Arch::new();
    let block = arch.dispatch(BlockWidth);
    let cut = Cut::choose(shape, x.n, (height, width), block);
    let layout = TileLayout::new(shape, cut);
    by_bands((x.n, shape.outputs, height, width), cut.rows, |image, top, planes| {
        let tile_floats = shape.inputs * shape.stride * shape.stride * layout.plane;
        // Behind the tile: what the last run of pixels reads over its end, then the results of one block.
        let scratch = (tile_floats + block + shape.kernel.1).next_multiple_of(16);
        with_scratch(scratch + 8 * block, |scratch_all| {
            let (tile, sums) = scratch_all.split_at_mut(scratch);
            for left in (0..width).step_by(cut.cols) {
                arch.dispatch(Gather { x, image, shape, layout: &layout, at: (top, left), tile: &mut *tile });
                let rows = cut.rows.min(height - top);
                let cols = cut.cols.min(width - left);
                arch.dispatch(Tile {
                    tile: &*tile,
                    layout: &layout,
                    packed,
                    outputs: shape.outputs,
                    size: (rows, cols),
                    left,
                    width,
                    planes: &mut *planes,
                    sums,
                });
            }
        });
    })
}

/// Fills a tile with the samples of every input channel and phase.
struct Gather<'a> {
    x: Planes<'a>,
    image: usize,
    shape: &'a ConvShape,
    layout: &'a TileLayout,
    at: (usize, usize),
    tile: &'a mut [f32],
}

impl WithSimd for Gather<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Self { x, layout, at: (top, left), .. } = self;
        let (s, pad) = (self.shape.stride, self.shape.padding as isize);
        for (i, out) in self.tile.chunks_exact_mut(layout.plane).take(x.c * s * s).enumerate() {
            let (c, py, px) = (i / (s * s), i / s % s, i % s);
            let start = ((top * s + py) as isize - pad, (left * s + px) as isize - pad);
            gather(x.plane(self.image, c), (x.h, x.w), start, s, layout.pitch, out);
        }
    }
}

/// The sums of one tile, for every output channel.
struct Tile<'a, 'o> {
    tile: &'a [f32],
    layout: &'a TileLayout,
    packed: &'a Packed,
    outputs: usize,
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
        let (rows, pitch) = (self.size.0, self.layout.pitch);
        // All channels of a run of pixels before the next: their samples are then in the first-level cache.
        for pixel in (0..rows * pitch).step_by(block) {
            for &(first, size) in &self.packed.blocks {
                match size {
                    8 => self.channels::<S, 8>(simd, pixel, first),
                    4 => self.channels::<S, 4>(simd, pixel, first),
                    2 => self.channels::<S, 2>(simd, pixel, first),
                    _ => self.channels::<S, 1>(simd, pixel, first),
                }
            }
        }
    }
}

impl Tile<'_, '_> {
    #[inline(always)]
    fn channels<S: Simd, const M: usize>(&mut self, simd: S, pixel: usize, first: usize) {
        let block = VECTORS * S::F32_LANES;
        let TileLayout { pitch, offsets, .. } = self.layout;
        let taps = offsets.len();
        let weights = &self.packed.weights[first * taps..][..M * taps];
        let epilogue = &self.packed.epilogue;
        let mut start = [0.0; M];
        start.copy_from_slice(&epilogue.bias[first..first + M]);
        let planes = &mut self.planes[first..(first + M).min(self.outputs)];
        let (rows, cols) = self.size;
        let src = &self.tile[pixel..];
        let sums = &mut self.sums[..M * block];
        micro::block::<S, M>(simd, src, offsets, weights, start, epilogue.finish(first), sums);
        // The runs of this block that are pixels and not the gap between two rows.
        let mut at = pixel;
        while at < (pixel + block).min(rows * pitch) {
            let (row, col) = (at / pitch, at % pitch);
            let run = (pitch - col).min(pixel + block - at);
            let valid = run.min(cols.saturating_sub(col));
            if valid > 0 {
                let to = row * self.width + self.left + col;
                for (plane, sums) in planes.iter_mut().zip(sums.chunks_exact(block)) {
                    copy_row(&sums[at - pixel..][..valid], &mut plane[to..to + valid]);
                }
            }
            at += run;
        }
    }
}

#[cfg(test)]
mod tests;

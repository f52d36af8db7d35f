//! Numbers on an engine, and what is done with them.

use std::sync::Arc;

use candle_core::{Device, Result as CandleResult, Tensor};
use pickup_gpu::{Across, Both, Each, Gpu, GpuError};

use super::elsewhere;
use crate::{
    Result,
    kernels::{self, avg_pool2, backward_warp, box_mean, local_correlation, pointwise, resize_area, resize_bilinear},
};

/// `[C, H, W]` numbers on an engine; on the CPU a tensor `[1, C, H, W]`.
#[derive(Clone, Debug)]
pub(crate) enum Map {
    Cpu(Tensor),
    Gpu(Arc<Gpu>, pickup_gpu::Map),
}

type OnGpu = std::result::Result<pickup_gpu::Map, GpuError>;

impl Map {
    pub(crate) fn on(gpu: &Arc<Gpu>, map: pickup_gpu::Map) -> Self {
        Self::Gpu(gpu.clone(), map)
    }

    /// The same numbers as a tensor `[1, C, H, W]` of the CPU's; of a GPU's after all of its work.
    pub(crate) fn tensor(&self) -> Result<Tensor> {
        Ok(match self {
            Self::Cpu(x) => x.clone(),
            Self::Gpu(gpu, x) => {
                let [channels, height, width] = x.shape();
                Tensor::from_vec(gpu.read(x)?, (1, channels, height, width), &Device::Cpu)?
            }
        })
    }

    /// See [`Gpu::settle`]; the CPU makes all at once.
    pub(crate) fn settle(&self) -> Result<()> {
        match self {
            Self::Cpu(_) => Ok(()),
            Self::Gpu(gpu, x) => Ok(gpu.settle(x)?),
        }
    }

    /// Zeros of the same shape.
    pub(crate) fn zeros_like(&self) -> Result<Self> {
        self.by(Tensor::zeros_like, |gpu, x| gpu.zeros(x.shape()))
    }

    /// Height and width.
    pub(crate) fn size(&self) -> (usize, usize) {
        let [_, height, width] = self.shape();
        (height, width)
    }

    fn shape(&self) -> [usize; 3] {
        match self {
            Self::Cpu(x) => match x.dims() {
                [_, channels, height, width] => [*channels, *height, *width],
                _ => [0; 3],
            },
            Self::Gpu(_, x) => x.shape(),
        }
    }

    /// Bytes of memory that it takes.
    pub(crate) fn bytes(&self) -> usize {
        self.shape().iter().product::<usize>() * size_of::<f32>()
    }

    fn by(
        &self,
        cpu: impl FnOnce(&Tensor) -> CandleResult<Tensor>,
        gpu: impl FnOnce(&Gpu, &pickup_gpu::Map) -> OnGpu,
    ) -> Result<Self> {
        Ok(match self {
            Self::Cpu(x) => Self::Cpu(cpu(x)?),
            Self::Gpu(device, x) => Self::on(device, gpu(device, x)?),
        })
    }

    fn with(
        &self,
        other: &Self,
        cpu: impl FnOnce(&Tensor, &Tensor) -> CandleResult<Tensor>,
        gpu: impl FnOnce(&Gpu, &pickup_gpu::Map, &pickup_gpu::Map) -> OnGpu,
    ) -> Result<Self> {
        match (self, other) {
            (Self::Cpu(x), Self::Cpu(y)) => Ok(Self::Cpu(cpu(x, y)?)),
            (Self::Gpu(device, x), Self::Gpu(_, y)) => Ok(Self::on(device, gpu(device, x, y)?)),
            _ => Err(elsewhere("an operation")),
        }
    }

    fn each(&self, cpu: impl Fn(f32) -> f32 + Sync, function: Each, numbers: [f32; 2]) -> Result<Self> {
        self.by(|x| pointwise::each(x, cpu), |gpu, x| gpu.each(x, function, numbers))
    }

    fn both(&self, other: &Self, cpu: impl Fn(f32, f32) -> f32 + Sync, function: Both) -> Result<Self> {
        self.with(other, |x, y| pointwise::both(x, y, cpu), |gpu, x, y| gpu.both(x, y, function))
    }

    fn across(
        &self,
        cpu: impl Fn(f32, f32) -> f32 + Sync,
        last: impl Fn(f32) -> f32 + Sync,
        function: Across,
    ) -> Result<Self> {
        self.by(|x| pointwise::across(x, cpu, last), |gpu, x| gpu.across(x, function))
    }

    /// Times `scale`, and `offset` more.
    pub(crate) fn affine(&self, scale: f64, offset: f64) -> Result<Self> {
        let [scale, offset] = [scale as f32, offset as f32];
        self.each(|x| x * scale + offset, Each::Affine, [scale, offset])
    }

    pub(crate) fn scaled(&self, scale: f64) -> Result<Self> {
        self.affine(scale, 0.0)
    }

    /// The size of each value.
    pub(crate) fn abs(&self) -> Result<Self> {
        self.each(f32::abs, Each::Magnitude, [0.0; 2])
    }

    pub(crate) fn squared(&self) -> Result<Self> {
        self.each(|x| x * x, Each::Square, [0.0; 2])
    }

    /// e to the power of each value.
    pub(crate) fn exp(&self) -> Result<Self> {
        self.each(f32::exp, Each::Exp, [0.0; 2])
    }

    /// 1 / (1 + e^-x).
    pub(crate) fn sigmoid(&self) -> Result<Self> {
        self.each(|x| ((-x).exp() + 1.0).recip(), Each::Sigmoid, [0.0; 2])
    }

    /// ln(1 + e^x), written so that a large x does not overflow.
    pub(crate) fn softplus(&self) -> Result<Self> {
        self.each(|x| x.max(0.0) + ((-x.abs()).exp() + 1.0).ln(), Each::Softplus, [0.0; 2])
    }

    /// Each value where positive, else so much of it, less than all.
    pub(crate) fn leaky(&self, slope: f64) -> Result<Self> {
        let slope = slope as f32;
        self.each(|x| larger(x, x * slope), Each::Leaky, [slope, 0.0])
    }

    pub(crate) fn at_least(&self, least: f64) -> Result<Self> {
        let least = least as f32;
        self.each(|x| larger(x, least), Each::AtLeast, [least, 0.0])
    }

    pub(crate) fn at_most(&self, most: f64) -> Result<Self> {
        let most = most as f32;
        self.each(|x| smaller(x, most), Each::AtMost, [most, 0.0])
    }

    /// 1 where a value is less than `limit`, else 0.
    pub(crate) fn is_below(&self, limit: f64) -> Result<Self> {
        let limit = limit as f32;
        self.each(|x| is_below(x, limit), Each::IsBelow, [limit, 0.0])
    }

    // Of two maps the second may have one plane for all of the first's, or one value for a whole plane.

    pub(crate) fn plus(&self, other: &Self) -> Result<Self> {
        self.both(other, |x, y| x + y, Both::Sum)
    }

    pub(crate) fn minus(&self, other: &Self) -> Result<Self> {
        self.both(other, |x, y| x - y, Both::Difference)
    }

    pub(crate) fn times(&self, other: &Self) -> Result<Self> {
        self.both(other, |x, y| x * y, Both::Product)
    }

    pub(crate) fn over(&self, other: &Self) -> Result<Self> {
        self.both(other, |x, y| x / y, Both::Quotient)
    }

    /// The larger value of two.
    pub(crate) fn larger(&self, other: &Self) -> Result<Self> {
        self.both(other, larger, Both::Larger)
    }

    /// The smaller value of two.
    pub(crate) fn smaller(&self, other: &Self) -> Result<Self> {
        self.both(other, smaller, Both::Smaller)
    }

    /// 1 where a value is less than the other map's, else 0.
    pub(crate) fn is_below_that_of(&self, other: &Self) -> Result<Self> {
        self.both(other, is_below, Both::IsBelow)
    }

    /// Where this is 1 `one`, where it is 0 `other`; it has as many planes as those, or one for all.
    pub(crate) fn chosen(&self, one: &Self, other: &Self) -> Result<Self> {
        match (self, one, other) {
            (Self::Cpu(which), Self::Cpu(one), Self::Cpu(other)) => {
                Ok(Self::Cpu(pointwise::chosen(which, one, other)?))
            }
            (Self::Gpu(gpu, which), Self::Gpu(_, one), Self::Gpu(_, other)) => {
                Ok(Self::on(gpu, gpu.chosen(which, one, other)?))
            }
            _ => Err(elsewhere("a choice")),
        }
    }

    /// The sum of all planes.
    pub(crate) fn sum(&self) -> Result<Self> {
        self.across(|x, y| x + y, |sum| sum, Across::Sum)
    }

    /// The mean of all planes.
    pub(crate) fn mean(&self) -> Result<Self> {
        let share = 1.0 / self.shape()[0] as f32;
        self.across(|x, y| x + y, |sum| sum * share, Across::Mean)
    }

    /// The largest value of all planes.
    pub(crate) fn largest(&self) -> Result<Self> {
        self.across(larger, |most| most, Across::Largest)
    }

    /// The mean of each plane, `[C, 1, 1]`.
    pub(crate) fn mean_of_planes(&self) -> Result<Self> {
        self.by(
            |x| x.mean_keepdim((2, 3)),
            |gpu, x| {
                let mut x = x.clone();
                // By parts, so that many threads have something to do.
                while let [_, height, width] = x.shape()
                    && height * width > 1
                {
                    x = gpu.shrunk(&x, height.div_ceil(PART), width.div_ceil(PART))?;
                }
                Ok(x)
            },
        )
    }

    /// The mean over the square of so many places to each side of each one.
    pub(crate) fn box_mean(&self, reach: usize) -> Result<Self> {
        self.by(|x| box_mean(x, reach), |gpu, x| gpu.box_mean(x, reach))
    }

    /// Half a turn.
    pub(crate) fn turned(&self) -> Result<Self> {
        self.by(|x| x.flip(&[2, 3])?.contiguous(), Gpu::turned)
    }

    /// Some planes.
    pub(crate) fn planes(&self, first: usize, count: usize) -> Result<Self> {
        self.by(|x| x.narrow(1, first, count)?.contiguous(), |gpu, x| gpu.planes(x, first, count))
    }

    /// The upper left part, of a height and width.
    pub(crate) fn cropped(&self, (height, width): (usize, usize)) -> Result<Self> {
        if self.size() == (height, width) {
            return Ok(self.clone());
        }
        self.by(|x| x.narrow(2, 0, height)?.narrow(3, 0, width)?.contiguous(), |gpu, x| gpu.cropped(x, height, width))
    }

    /// Twice as high and wide: of each four planes one, whose values stand in squares of four, row by row.
    pub(crate) fn shuffled(&self) -> Result<Self> {
        let [planes, height, width] = self.shape();
        self.by(
            |x| {
                let squares = x.reshape((planes / 4, 2, 2, height, width))?.permute((0, 3, 1, 4, 2))?;
                squares.reshape((1, planes / 4, 2 * height, 2 * width))
            },
            Gpu::shuffled,
        )
    }

    /// The planes of several maps of one size, one after another.
    pub(crate) fn joined(maps: &[&Self]) -> Result<Self> {
        let Some(Self::Gpu(gpu, _)) = maps.first() else {
            let tensors = maps.iter().map(|map| map.on_cpu()).collect::<Result<Vec<_>>>()?;
            return Ok(Self::Cpu(Tensor::cat(&tensors, 1)?));
        };
        let on_gpu = maps.iter().map(|map| map.on_gpu());
        Ok(Self::on(gpu, gpu.joined(&on_gpu.collect::<Result<Vec<_>>>()?)?))
    }

    pub(super) fn on_gpu(&self) -> Result<&pickup_gpu::Map> {
        match self {
            Self::Gpu(_, x) => Ok(x),
            Self::Cpu(_) => Err(elsewhere("an operation")),
        }
    }

    pub(super) fn on_cpu(&self) -> Result<&Tensor> {
        match self {
            Self::Cpu(x) => Ok(x),
            Self::Gpu(..) => Err(elsewhere("an operation")),
        }
    }

    /// Of another height and width, bilinearly.
    pub(crate) fn resized(&self, (height, width): (usize, usize)) -> Result<Self> {
        self.by(|x| resize_bilinear(x, height, width), |gpu, x| gpu.resize(x, height, width))
    }

    /// A flow at another resolution, in that resolution's pixels.
    pub(crate) fn resized_flow(&self, at: (usize, usize)) -> Result<Self> {
        if self.size() == at {
            return Ok(self.clone());
        }
        self.by(|x| kernels::resize_flow(x, at), |gpu, x| gpu.resize_flow(x, at.0, at.1))
    }

    /// Smaller: each value is the mean of the area that it covers.
    pub(crate) fn shrunk(&self, (height, width): (usize, usize)) -> Result<Self> {
        self.by(|x| resize_area(x, height, width), |gpu, x| gpu.shrunk(x, height, width))
    }

    /// Half the size: the mean of each four.
    pub(crate) fn halved(&self) -> Result<Self> {
        self.by(avg_pool2, Gpu::halved)
    }

    /// How like each place is to those of another map up to `radius` away.
    pub(crate) fn correlated(&self, other: &Self, radius: usize) -> Result<Self> {
        self.with(other, |x, y| local_correlation(x, y, radius), |gpu, x, y| gpu.correlated(x, y, radius))
    }

    /// Each place fetched from where the flow leads.
    pub(crate) fn warped(&self, flow: &Self) -> Result<Self> {
        self.with(flow, backward_warp, Gpu::warped)
    }
}

// As candle does it: of two values of which one is no number, the first.

fn larger(x: f32, y: f32) -> f32 {
    if x < y { y } else { x }
}

fn smaller(x: f32, y: f32) -> f32 {
    if x > y { y } else { x }
}

fn is_below(x: f32, limit: f32) -> f32 {
    if x < limit { 1.0 } else { 0.0 }
}

/// How many values of a row or column become one, where all of a plane become one.
const PART: usize = 16;

/// Adds values where their displacement takes them, by weight: the sums, and the sum of weights.
pub(crate) fn splat(values: &Map, displacement: &Map, weights: &Map) -> Result<(Map, Map)> {
    match (values, displacement, weights) {
        (Map::Cpu(values), Map::Cpu(displacement), Map::Cpu(weights)) => {
            let (sums, mass) = kernels::splat(values, displacement, weights)?;
            Ok((Map::Cpu(sums), Map::Cpu(mass)))
        }
        (Map::Gpu(gpu, values), Map::Gpu(_, displacement), Map::Gpu(_, weights)) => {
            let both = gpu.splatted(values, displacement, weights)?;
            let channels = values.shape()[0];
            Ok((Map::on(gpu, gpu.planes(&both, 0, channels)?), Map::on(gpu, gpu.planes(&both, channels, 1)?)))
        }
        _ => Err(elsewhere("a splat")),
    }
}

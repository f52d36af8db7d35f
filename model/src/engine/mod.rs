//! What a network's operations run on: the CPU, by candle's tensors and our kernels, or a GPU.
//!
//! A network is written once, in operations on maps, and each engine does them. Numbers go to an engine and come back where the code
//! says so, nowhere else; a GPU's work is queued, and waited for when a map is read.

mod check;
mod choice;
mod map;
mod search;

use std::sync::Arc;

use candle_core::{DType, Device, Tensor};
pub(crate) use pickup_gpu::TakeOver;
pub use pickup_gpu::{Adapter, Counted, Gpu, GpuError, Kind, Memory, adapters};
use pickup_gpu::{ConvWeights, Pixels};

pub use self::check::{Checked, HALF_TOLERANCE, TOLERANCE, operations_a_second, self_test, wrong};
pub use self::choice::{NoGpu, Products, is_faster_than_cpu, may_be_used, strongest};
pub(crate) use self::map::{Map, splat};
pub(crate) use self::search::PlacesOnGpu;
use crate::{
    Frame, Result,
    kernels::{Activation, Conv2d},
};

/// What operations run on.
#[derive(Clone, Debug, Default)]
pub enum Engine {
    /// The processor.
    #[default]
    Cpu,
    /// An open GPU.
    Gpu(Arc<Gpu>),
}

impl Engine {
    /// A tensor `[1, C, H, W]` of the CPU's as a map.
    pub(crate) fn put(&self, tensor: &Tensor) -> Result<Map> {
        Ok(match self {
            Self::Cpu => Map::Cpu(tensor.clone()),
            Self::Gpu(gpu) => {
                let (_, channels, height, width) = tensor.dims4()?;
                let values = tensor.flatten_all()?.to_vec1::<f32>()?;
                Map::on(gpu, gpu.map([channels, height, width], &values)?)
            }
        })
    }

    /// So many planes of zeros, of a height and width.
    pub(crate) fn zeros(&self, channels: usize, (height, width): (usize, usize)) -> Result<Map> {
        Ok(match self {
            Self::Cpu => Map::Cpu(Tensor::zeros((1, channels, height, width), DType::F32, &Device::Cpu)?),
            Self::Gpu(gpu) => Map::on(gpu, gpu.zeros([channels, height, width])?),
        })
    }

    /// A convolution with zero padding of half its kernel: weights `[outputs, inputs, side, side]`, a bias for each output, and the
    /// slope below zero, none for sums as they are.
    pub(crate) fn conv(&self, weight: &Tensor, bias: &Tensor, stride: usize, slope: Option<f32>) -> Result<Conv> {
        let (outputs, inputs, side, _) = weight.dims4()?;
        Ok(match self {
            Self::Cpu => {
                let activation = slope.map_or(Activation::None, Activation::LeakyRelu);
                Conv::Cpu(Conv2d::new(weight, Some(bias), stride, side / 2, activation)?)
            }
            Self::Gpu(gpu) => {
                let (values, bias) = (weight.flatten_all()?.to_vec1::<f32>()?, bias.to_vec1::<f32>()?);
                let slope = slope.unwrap_or(1.0);
                let weights = ConvWeights { outputs, inputs, side, values: &values, bias: &bias, slope };
                Conv::Gpu(gpu.clone(), gpu.conv(weights, stride)?)
            }
        })
    }
}

/// A convolution whose weights lie where its engine wants them.
pub(crate) enum Conv {
    Cpu(Conv2d),
    Gpu(Arc<Gpu>, pickup_gpu::Conv),
}

impl Conv {
    pub(crate) fn forward(&self, x: &Map) -> Result<Map> {
        match (self, x) {
            (Self::Cpu(conv), Map::Cpu(x)) => Ok(Map::Cpu(conv.forward(x)?)),
            (Self::Gpu(gpu, conv), Map::Gpu(_, x)) => Ok(Map::on(gpu, gpu.convolved(x, conv)?)),
            _ => Err(elsewhere("a convolution")),
        }
    }

    /// Of the planes of several maps, one after another, which are not joined in memory.
    pub(crate) fn forward_joined(&self, maps: &[&Map]) -> Result<Map> {
        match self {
            Self::Cpu(conv) => {
                let tensors = maps.iter().map(|map| map.on_cpu()).collect::<Result<Vec<_>>>()?;
                Ok(Map::Cpu(conv.forward_joined(&tensors)?))
            }
            // A GPU's convolutions read the parts of what is joined.
            Self::Gpu(..) => self.forward(&Map::joined(maps)?),
        }
    }
}

/// The frame between two by what is said of it, and how sure of each pixel one may be; see [`Gpu::mixed`].
pub(crate) fn mixed(
    gpu: &Gpu,
    said: &pickup_gpu::Map,
    frames: [&Frame; 2],
    scale: f32,
) -> Result<(Vec<f32>, Vec<f32>)> {
    let pixels = frames.map(|frame| Pixels {
        name: frame.fingerprint(),
        data: frame.pixels(),
        height: frame.height(),
        width: frame.width(),
        channels: frame.channels(),
    });
    Ok(gpu.mixed(said, pixels, scale)?)
}

/// Operations take what lies on one engine.
fn elsewhere(what: &str) -> crate::Error {
    candle_core::Error::Msg(format!("{what} was given a map of another engine")).into()
}

/// Every GPU of this machine, open, for the tests that need one; those with matrix units once with and once without them.
#[cfg(test)]
pub(crate) fn gpus() -> Vec<Arc<Gpu>> {
    let found = adapters();
    assert!(!found.is_empty(), "no GPU: install the driver, or Debian's mesa-vulkan-drivers, which needs none");
    let plain = found.iter().map(Gpu::open);
    let with_matrices = found.iter().filter(|adapter| adapter.matrices().is_some()).map(Gpu::open_with_matrices);
    plain.chain(with_matrices).map(|gpu| Arc::new(gpu.unwrap())).collect()
}

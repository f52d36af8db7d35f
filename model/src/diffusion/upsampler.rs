//! Doubles the size of latents, for the second pass of 0.9.8.

use candle_core::{Device, Result as CandleResult, Tensor};

use super::{config::UpsamplerConfig, loader::Loader};
use crate::{
    Result,
    kernels::{Conv3d, TimePadding},
};

/// Groups of the group norms.
pub(super) const GROUPS: usize = 32;
const EPS: f64 = 1e-5;

/// Group norm over a video (Wu and He 2018): each group of channels, all frames and pixels together.
struct GroupNorm {
    weight: Tensor,
    bias: Tensor,
}

impl GroupNorm {
    fn load(from: &Loader<'_>, name: &str, channels: usize) -> Result<Self> {
        let of =
            |part: &str| Result::Ok(from.tensor(&format!("{name}.{part}"), &[channels])?.reshape((1, channels, 1, 1))?);
        Ok(Self { weight: of("weight")?, bias: of("bias")? })
    }

    fn run(&self, x: &Tensor) -> CandleResult<Tensor> {
        let (frames, c, h, w) = x.dims4()?;
        let grouped = x.transpose(0, 1)?.contiguous()?.reshape((GROUPS, c / GROUPS * frames * h * w))?;
        let centred = grouped.broadcast_sub(&grouped.mean_keepdim(1)?)?;
        let deviation = (centred.sqr()?.mean_keepdim(1)? + EPS)?.sqrt()?;
        let normed = centred.broadcast_div(&deviation)?.reshape((c, frames, h, w))?.transpose(0, 1)?;
        normed.broadcast_mul(&self.weight)?.broadcast_add(&self.bias)
    }
}

struct ResBlock {
    conv1: Conv3d,
    norm1: GroupNorm,
    conv2: Conv3d,
    norm2: GroupNorm,
}

impl ResBlock {
    fn load(from: &Loader<'_>, name: &str, channels: usize) -> Result<Self> {
        let conv = |n: usize| from.conv3d(&format!("{name}.conv{n}"), (channels, channels), 3, TimePadding::Zeros);
        let norm = |n: usize| GroupNorm::load(from, &format!("{name}.norm{n}"), channels);
        Ok(Self { conv1: conv(1)?, norm1: norm(1)?, conv2: conv(2)?, norm2: norm(2)? })
    }

    fn run(&self, x: &Tensor) -> CandleResult<Tensor> {
        let inner = self.norm1.run(&self.conv1.forward(x)?)?.silu()?;
        (x + self.norm2.run(&self.conv2.forward(&inner)?)?)?.silu()
    }
}

/// The network: doubles height and width.
pub(super) struct Upsampler {
    initial_conv: Conv3d,
    initial_norm: GroupNorm,
    before: Vec<ResBlock>,
    conv: Conv3d,
    after: Vec<ResBlock>,
    final_conv: Conv3d,
    device: Device,
}

impl Upsampler {
    pub(super) fn load(from: &Loader<'_>, config: &UpsamplerConfig, device: &Device) -> Result<Self> {
        let (outer, inner) = (config.in_channels, config.mid_channels);
        let conv = |name: &str, sizes| from.conv3d(name, sizes, 3, TimePadding::Zeros);
        let stage = |name: &str| {
            let block = |i: usize| ResBlock::load(from, &format!("{name}.{i}"), inner);
            (0..config.num_blocks_per_stage).map(block).collect::<Result<Vec<_>>>()
        };
        // A convolution in two dimensions is one of a single tap in time.
        let flat = from.conv_weight("upsampler.0", &[4 * inner, inner, 3, 3])?.unsqueeze(2)?;
        let bias = from.tensor("upsampler.0.bias", &[4 * inner])?;
        Ok(Self {
            initial_conv: conv("initial_conv", (outer, inner))?,
            initial_norm: GroupNorm::load(from, "initial_norm", inner)?,
            before: stage("res_blocks")?,
            conv: Conv3d::new(&flat, Some(&bias), TimePadding::Zeros)?,
            after: stage("post_upsample_res_blocks")?,
            final_conv: conv("final_conv", (inner, outer))?,
            device: device.clone(),
        })
    }

    /// Latents as the VAE knows them, `[T, C, H, W]`, to `[T, C, 2H, 2W]`.
    pub(super) fn run(&self, latents: &Tensor) -> CandleResult<Tensor> {
        let x = self.initial_conv.forward(&latents.to_device(&self.device)?)?;
        let x = self.initial_norm.run(&x)?.silu()?;
        let x = self.before.iter().try_fold(x, |x, block| block.run(&x))?;
        let x = super::vae::pixels_from_channels(&self.conv.forward(&x)?)?;
        let x = self.after.iter().try_fold(x, |x, block| block.run(&x))?;
        self.final_conv.forward(&x)
    }
}

/// Gives each channel of `x` the mean and deviation it has in `like`, by `factor` (adaptive instance normalisation,
/// Huang and Belongie 2017). Videos `[T, C, H, W]`.
pub(super) fn adain(x: &Tensor, like: &Tensor, factor: f64) -> CandleResult<Tensor> {
    let moments = |x: &Tensor| -> CandleResult<(Tensor, Tensor)> {
        let (frames, c, h, w) = x.dims4()?;
        let flat = x.transpose(0, 1)?.contiguous()?.reshape((c, frames * h * w))?;
        let mean = flat.mean_keepdim(1)?;
        // Over one less than the count, as the reference has it.
        let spread = flat.broadcast_sub(&mean)?.sqr()?.sum_keepdim(1)?;
        let deviation = (spread / ((frames * h * w).max(2) - 1) as f64)?.sqrt()?;
        Ok((mean.reshape((1, c, 1, 1))?, deviation.reshape((1, c, 1, 1))?))
    };
    let ((mean, deviation), (wanted_mean, wanted)) = (moments(x)?, moments(like)?);
    let matched =
        x.broadcast_sub(&mean)?.broadcast_div(&deviation)?.broadcast_mul(&wanted)?.broadcast_add(&wanted_mean)?;
    x + ((matched - x)? * factor)?
}

/// Draws large latents in, by `compression` from 0 to 1: by a sigmoid of their size, as the publisher's second pass.
pub(super) fn tone_map(x: &Tensor, compression: f64) -> CandleResult<Tensor> {
    let factor = 0.75 * compression;
    let large = candle_nn::ops::sigmoid(&((x.abs()? - 1.0)? * (4.0 * factor))?)?;
    x * large.affine(-0.8 * factor, 1.0)?
}

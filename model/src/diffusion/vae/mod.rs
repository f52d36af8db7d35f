//! The causal video VAE: pixels to latents and back.
//!
//! A video is `[T, C, H, W]` throughout: frames are the batch, which is what the convolutions want.

mod blocks;
mod decoder;
mod encoder;
mod tiles;

use candle_core::{DType, Device, Result as CandleResult, Tensor};

#[cfg(test)]
pub(super) use self::tiles::Extent;
pub(super) use self::tiles::Tiling;
use self::{decoder::Decoder, encoder::Encoder};
use super::{config::VaeConfig, loader::Loader};
use crate::Result;

/// Channels as squares of two by two pixels: `[T, 4C, H, W]` to `[T, C, 2H, 2W]`.
pub(super) fn pixels_from_channels(x: &Tensor) -> CandleResult<Tensor> {
    blocks::depth_to_space(x, (1, 2))
}

/// How often a long piece of work asks whether to go on: before each convolution. `false` stops it.
pub(super) type GoOn<'a> = &'a dyn Fn() -> bool;

/// What the latents' channels are normed by.
pub(super) struct Statistics {
    mean: Tensor,
    std: Tensor,
    scaling_factor: f64,
}

impl Statistics {
    fn load(from: &Loader<'_>, config: &VaeConfig) -> Result<Self> {
        let channels = config.latent_channels;
        let of = |name: &str| Result::Ok(from.tensor(name, &[channels])?.reshape((1, channels, 1, 1))?);
        Ok(Self { mean: of("latents_mean")?, std: of("latents_std")?, scaling_factor: config.scaling_factor })
    }

    /// The same where noise is drawn and items are put together.
    pub(super) fn on_cpu(&self) -> CandleResult<Self> {
        let cpu = |t: &Tensor| t.to_device(&Device::Cpu);
        Ok(Self { mean: cpu(&self.mean)?, std: cpu(&self.std)?, scaling_factor: self.scaling_factor })
    }

    /// The VAE's latents, `[T, C, H, W]`, as the transformer knows them.
    pub(super) fn normalised(&self, latents: &Tensor) -> CandleResult<Tensor> {
        (latents.broadcast_sub(&self.mean)? * self.scaling_factor)?.broadcast_div(&self.std)
    }

    /// The way back.
    pub(super) fn denormalised(&self, latents: &Tensor) -> CandleResult<Tensor> {
        (latents.broadcast_mul(&self.std)? / self.scaling_factor)?.broadcast_add(&self.mean)
    }
}

/// The VAE.
pub(super) struct Vae {
    encoder: Encoder,
    decoder: Decoder,
    statistics: Statistics,
    config: VaeConfig,
    device: Device,
    dtype: DType,
}

impl Vae {
    pub(super) fn load(from: &Loader<'_>, config: &VaeConfig, device: &Device, dtype: DType) -> Result<Self> {
        Ok(Self {
            encoder: Encoder::load(from, config)?,
            decoder: Decoder::load(from, config)?,
            statistics: Statistics::load(from, config)?,
            config: config.clone(),
            device: device.clone(),
            dtype: if device.is_cpu() { DType::F32 } else { dtype },
        })
    }

    pub(super) fn statistics(&self) -> &Statistics {
        &self.statistics
    }

    pub(super) fn config(&self) -> &VaeConfig {
        &self.config
    }

    fn input(&self, x: &Tensor) -> CandleResult<Tensor> {
        x.to_device(&self.device)?.to_dtype(self.dtype)
    }

    /// The mean of what the pixels `[T, 3, H, W]`, -1 to 1, may be in latents, and its one log-variance `[T, 1, H, W]`.
    /// T is one more than a multiple of the time factor, H and W multiples of the space factor.
    pub(super) fn encode(&self, pixels: &Tensor, go_on: GoOn<'_>) -> CandleResult<Option<(Tensor, Tensor)>> {
        let Some(out) = self.encoder.run(&self.input(pixels)?, go_on)? else { return Ok(None) };
        let (out, channels) = (out.to_dtype(DType::F32)?, self.config.latent_channels);
        Ok(Some((out.narrow(1, 0, channels)?, out.narrow(1, channels, 1)?)))
    }

    /// Pixels of about -1 to 1 from latents in which `noise_left` (0 to 1) says how much noise there is.
    pub(super) fn decode(
        &self,
        latents: &Tensor,
        noise_left: f32,
        tiling: Option<&Tiling>,
        go_on: GoOn<'_>,
    ) -> CandleResult<Option<Tensor>> {
        let latents = self.input(latents)?;
        let whole = |z: &Tensor| self.decoder.run(z, noise_left, go_on)?.map(|x| x.to_dtype(DType::F32)).transpose();
        match tiling {
            None => whole(&latents),
            Some(tiling) => tiling.decode(&latents, (self.config.time_factor(), self.config.space_factor()), &whole),
        }
    }
}

//! Latents to pixels.

use candle_core::{DType, Result as CandleResult, Tensor};

use super::{
    super::{config::VaeConfig, embedding::TimestepEmbedder, loader::Loader},
    GoOn,
    blocks::{Chain, channels_of, depth_to_space, padding},
};
use crate::{
    Result,
    kernels::{Conv3d, pixel_norm_silu},
};

/// A run of resnets, told of the timestep by its own embedder.
struct Stage {
    resnets: Chain,
    time: Option<TimestepEmbedder>,
}

impl Stage {
    fn load(from: &Loader<'_>, name: &str, layers: usize, channels: usize, config: &VaeConfig) -> Result<Self> {
        let timed = config.timestep_conditioning;
        let time = match timed {
            true => Some(TimestepEmbedder::load(from, &format!("{name}.time_embedder"), 4 * channels)?),
            false => None,
        };
        Ok(Self { resnets: Chain::load(from, name, layers, channels, config.decoder_causal, timed)?, time })
    }

    fn run(&self, x: Tensor, timestep: f32, go_on: GoOn<'_>) -> CandleResult<Option<Tensor>> {
        let embed = |e: &TimestepEmbedder| e.run(&[timestep], x.device())?.to_dtype(DType::F32)?.squeeze(0);
        let time = self.time.as_ref().map(embed).transpose()?;
        self.resnets.run(x, time.as_ref(), go_on)
    }
}

/// Doubles time, height and width.
struct Up {
    conv: Conv3d,
    stage: Stage,
}

impl Up {
    fn load(from: &Loader<'_>, index: usize, channels: usize, layers: usize, config: &VaeConfig) -> Result<Self> {
        let name = format!("decoder.up_blocks.{index}");
        let sizes = (2 * channels, 8 * channels);
        Ok(Self {
            conv: from.conv3d(&format!("{name}.upsamplers.0.conv.conv"), sizes, 3, padding(config.decoder_causal))?,
            stage: Stage::load(from, &name, layers, channels, config)?,
        })
    }

    fn run(&self, x: &Tensor, timestep: f32, go_on: GoOn<'_>) -> CandleResult<Option<Tensor>> {
        if !go_on() {
            return Ok(None);
        }
        // The first latent frame stands for one frame: of the two it is spread over, the first is dropped.
        let spread = |x: &Tensor| {
            let x = depth_to_space(x, (2, 2))?;
            x.narrow(0, 1, x.dim(0)? - 1)
        };
        // The way straight on has an eighth of the channels that it needs a half of.
        let residual = spread(x)?.repeat((1, 4, 1, 1))?;
        self.stage.run((spread(&self.conv.forward(x)?)? + residual)?, timestep, go_on)
    }
}

pub(super) struct Decoder {
    conv_in: Conv3d,
    middle: Stage,
    ups: Vec<Up>,
    /// How the last norm is told of the timestep.
    last: Option<(TimestepEmbedder, Tensor)>,
    /// What the share of noise is multiplied by to be a timestep.
    timestep_scale: f32,
    conv_out: Conv3d,
    patch: usize,
}

impl Decoder {
    pub(super) fn load(from: &Loader<'_>, config: &VaeConfig) -> Result<Self> {
        let coarsest_first: Vec<usize> = config.decoder_block_out_channels.iter().rev().copied().collect();
        let layers: Vec<usize> = config.decoder_layers_per_block.iter().rev().copied().collect();
        let (widest, finest) = (coarsest_first[0], coarsest_first[coarsest_first.len() - 1] / 2);
        let conv =
            |name: &str, sizes| from.conv3d(&format!("decoder.{name}.conv"), sizes, 3, padding(config.decoder_causal));
        let up = |(i, channels): (usize, &usize)| Up::load(from, i, channels / 2, layers[i + 1], config);
        let (last, timestep_scale) = match config.timestep_conditioning {
            true => {
                let embedder = TimestepEmbedder::load(from, "decoder.time_embedder", 2 * finest)?;
                let table = from.tensor("decoder.scale_shift_table", &[2, finest])?;
                let scale = from.tensor("decoder.timestep_scale_multiplier", &[])?.to_scalar::<f32>()?;
                (Some((embedder, table)), scale)
            }
            false => (None, 1.0),
        };
        Ok(Self {
            conv_in: conv("conv_in", (config.latent_channels, widest))?,
            middle: Stage::load(from, "decoder.mid_block", layers[0], widest, config)?,
            ups: coarsest_first.iter().enumerate().map(up).collect::<Result<_>>()?,
            last,
            timestep_scale,
            conv_out: conv("conv_out", (finest, 3 * config.patch_size * config.patch_size))?,
            patch: config.patch_size,
        })
    }

    pub(super) fn run(&self, latents: &Tensor, noise_left: f32, go_on: GoOn<'_>) -> CandleResult<Option<Tensor>> {
        let timestep = noise_left * self.timestep_scale;
        let x = self.conv_in.forward(latents)?;
        let Some(mut x) = self.middle.run(x, timestep, go_on)? else { return Ok(None) };
        for up in &self.ups {
            match up.run(&x, timestep, go_on)? {
                Some(next) => x = next,
                None => return Ok(None),
            }
        }
        let by = self
            .last
            .as_ref()
            .map(|(embedder, table)| channels_of(table, &embedder.run(&[timestep], x.device())?.squeeze(0)?));
        let x = self.conv_out.forward(&pixel_norm_silu(&x, by.transpose()?.as_ref())?)?;
        Ok(Some(unpatchified(&x, self.patch)?))
    }
}

/// Channels as squares of pixels: by colour, then column, then row.
fn unpatchified(x: &Tensor, p: usize) -> CandleResult<Tensor> {
    let (frames, c, h, w) = x.dims4()?;
    let x = x.reshape((frames, c / (p * p), p, p, h, w))?.permute((0, 1, 4, 3, 5, 2))?.contiguous()?;
    x.reshape((frames, c / (p * p), h * p, w * p))
}

//! Pixels to latents.

use candle_core::{Result as CandleResult, Tensor};

use super::{
    super::{
        config::{Downsample, VaeConfig},
        loader::Loader,
    },
    GoOn,
    blocks::{Chain, grouped_mean, padding, space_to_depth},
};
use crate::{
    Result,
    kernels::{Conv3d, pixel_norm_silu},
};

struct Down {
    resnets: Chain,
    conv: Conv3d,
    kind: Downsample,
    channels: usize,
}

impl Down {
    fn load(from: &Loader<'_>, index: usize, config: &VaeConfig) -> Result<Self> {
        let (name, causal) = (format!("encoder.down_blocks.{index}"), config.encoder_causal);
        let (inputs, channels) = (config.block_out_channels[index], config.block_out_channels[index + 1]);
        let kind = config.downsample_type[index];
        let (t, s) = kind.factors();
        let folded = channels / (t * s * s);
        Ok(Self {
            resnets: Chain::load(from, &name, config.layers_per_block[index], inputs, causal, false)?,
            conv: from.conv3d(&format!("{name}.downsamplers.0.conv.conv"), (inputs, folded), 3, padding(causal))?,
            kind,
            channels,
        })
    }

    /// Folds what a convolution makes, and adds the mean of the picture folded alike.
    fn run(&self, x: Tensor, go_on: GoOn<'_>) -> CandleResult<Option<Tensor>> {
        let Some(x) = self.resnets.run(x, None, go_on)? else { return Ok(None) };
        if !go_on() {
            return Ok(None);
        }
        let by = self.kind.factors();
        // The first frame stands alone in its latent frame: in its place, it is there twice.
        let x = if by.0 == 2 { Tensor::cat(&[&x.narrow(0, 0, 1)?, &x], 0)? } else { x };
        let residual = grouped_mean(&space_to_depth(&x, by)?, self.channels)?;
        Ok(Some((space_to_depth(&self.conv.forward(&x)?, by)? + residual)?))
    }
}

pub(super) struct Encoder {
    conv_in: Conv3d,
    downs: Vec<Down>,
    middle: Chain,
    conv_out: Conv3d,
    patch: usize,
}

impl Encoder {
    pub(super) fn load(from: &Loader<'_>, config: &VaeConfig) -> Result<Self> {
        let (first, last) = (config.block_out_channels[0], config.block_out_channels[config.downsample_type.len()]);
        let layers = config.layers_per_block[config.downsample_type.len()];
        let (causal, patch) = (config.encoder_causal, config.patch_size);
        let conv = |name: &str, sizes| from.conv3d(&format!("encoder.{name}.conv"), sizes, 3, padding(causal));
        Ok(Self {
            conv_in: conv("conv_in", (3 * patch * patch, first))?,
            downs: (0..config.downsample_type.len()).map(|i| Down::load(from, i, config)).collect::<Result<_>>()?,
            middle: Chain::load(from, "encoder.mid_block", layers, last, causal, false)?,
            conv_out: conv("conv_out", (last, config.latent_channels + 1))?,
            patch,
        })
    }

    pub(super) fn run(&self, pixels: &Tensor, go_on: GoOn<'_>) -> CandleResult<Option<Tensor>> {
        let mut x = self.conv_in.forward(&patchified(pixels, self.patch)?)?;
        for down in &self.downs {
            match down.run(x, go_on)? {
                Some(next) => x = next,
                None => return Ok(None),
            }
        }
        let Some(x) = self.middle.run(x, None, go_on)? else { return Ok(None) };
        Ok(Some(self.conv_out.forward(&pixel_norm_silu(&x, None)?)?))
    }
}

/// Squares of pixels as channels: by colour, then column, then row.
fn patchified(x: &Tensor, p: usize) -> CandleResult<Tensor> {
    let (frames, c, h, w) = x.dims4()?;
    let x = x.reshape((frames, c, h / p, p, w / p, p))?.permute((0, 1, 5, 3, 2, 4))?.contiguous()?;
    x.reshape((frames, c * p * p, h / p, w / p))
}

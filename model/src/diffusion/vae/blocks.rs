//! What encoder and decoder are made of.

use candle_core::{DType, Result as CandleResult, Tensor};

use super::{super::loader::Loader, GoOn};
use crate::{
    Result,
    kernels::{Channels, Conv3d, TimePadding, pixel_norm_silu},
};

pub(super) fn padding(causal: bool) -> TimePadding {
    if causal { TimePadding::Causal } else { TimePadding::Centred }
}

/// Two convolutions beside the way straight on.
pub(super) struct Resnet {
    conv1: Conv3d,
    conv2: Conv3d,
    /// Shift and scale before the first and before the second convolution; where the block is told a timestep.
    scale_shift_table: Option<Tensor>,
    channels: usize,
}

impl Resnet {
    pub(super) fn load(from: &Loader<'_>, name: &str, channels: usize, causal: bool, timed: bool) -> Result<Self> {
        let conv = |n: usize| from.conv3d(&format!("{name}.conv{n}.conv"), (channels, channels), 3, padding(causal));
        let scale_shift_table = match timed {
            true => Some(from.tensor(&format!("{name}.scale_shift_table"), &[4, channels])?),
            false => None,
        };
        Ok(Self { conv1: conv(1)?, conv2: conv(2)?, scale_shift_table, channels })
    }

    /// `time` is `[4 * channels]`, where the block is told a timestep.
    pub(super) fn run(&self, x: &Tensor, time: Option<&Tensor>, go_on: GoOn<'_>) -> CandleResult<Option<Tensor>> {
        let by = self.scale_shift_table.as_ref().zip(time);
        let by = by.map(|(table, time)| table + time.reshape((4, self.channels))?).transpose()?;
        let by = |first: usize| {
            let row = |t: &Tensor, i: usize| t.narrow(0, i, 1)?.squeeze(0);
            let channels = |t: &Tensor| CandleResult::Ok(Channels { shift: row(t, first)?, scale: row(t, first + 1)? });
            by.as_ref().map(channels).transpose()
        };
        if !go_on() {
            return Ok(None);
        }
        let inner = self.conv1.forward(&pixel_norm_silu(x, by(0)?.as_ref())?)?;
        if !go_on() {
            return Ok(None);
        }
        let inner = self.conv2.forward(&pixel_norm_silu(&inner, by(2)?.as_ref())?)?;
        Ok(Some((x + inner)?))
    }
}

/// Resnets one after the other.
pub(super) struct Chain(Vec<Resnet>);

impl Chain {
    pub(super) fn load(
        from: &Loader<'_>,
        name: &str,
        layers: usize,
        channels: usize,
        causal: bool,
        timed: bool,
    ) -> Result<Self> {
        let resnet = |i: usize| Resnet::load(from, &format!("{name}.resnets.{i}"), channels, causal, timed);
        Ok(Self((0..layers).map(resnet).collect::<Result<_>>()?))
    }

    pub(super) fn run(&self, x: Tensor, time: Option<&Tensor>, go_on: GoOn<'_>) -> CandleResult<Option<Tensor>> {
        let mut x = x;
        for resnet in &self.0 {
            match resnet.run(&x, time, go_on)? {
                Some(next) => x = next,
                None => return Ok(None),
            }
        }
        Ok(Some(x))
    }
}

/// Folds squares of pixels, and runs of frames, into channels: by channel, then time, row and column within.
/// `[T, C, H, W]` to `[T / t, C * t * s * s, H / s, W / s]`.
pub(super) fn space_to_depth(x: &Tensor, (t, s): (usize, usize)) -> CandleResult<Tensor> {
    let (frames, c, h, w) = x.dims4()?;
    let x = x.reshape(vec![frames / t, t, c, h / s, s, w / s, s])?;
    let x = x.permute(vec![0, 2, 1, 4, 6, 3, 5])?.contiguous()?;
    x.reshape((frames / t, c * t * s * s, h / s, w / s))
}

/// The way back.
pub(super) fn depth_to_space(x: &Tensor, (t, s): (usize, usize)) -> CandleResult<Tensor> {
    let (frames, c, h, w) = x.dims4()?;
    let inner = c / (t * s * s);
    let x = x.reshape(vec![frames, inner, t, s, s, h, w])?;
    let x = x.permute(vec![0, 2, 1, 5, 3, 6, 4])?.contiguous()?;
    x.reshape((frames * t, inner, h * s, w * s))
}

/// The mean over groups of neighbouring channels, so many that `to` are left.
pub(super) fn grouped_mean(x: &Tensor, to: usize) -> CandleResult<Tensor> {
    let (frames, c, h, w) = x.dims4()?;
    x.reshape((frames, to, c / to, h * w))?.mean(2)?.reshape((frames, to, h, w))
}

/// A timestep's embedding as shift and scale by channel.
pub(super) fn channels_of(table: &Tensor, time: &Tensor) -> CandleResult<Channels> {
    let by = (table + time.to_dtype(DType::F32)?.reshape(table.shape())?)?;
    Ok(Channels { shift: by.narrow(0, 0, 1)?.squeeze(0)?, scale: by.narrow(0, 1, 1)?.squeeze(0)? })
}

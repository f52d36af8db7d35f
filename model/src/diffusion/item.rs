//! What is known of a shot, as the video model is told it.

use candle_core::{Device, Result as CandleResult, Tensor};

use super::{
    noise::{Noise, Purpose, draw_video},
    rope::{self, Place},
    vae::{GoOn, Vae},
};
use crate::{Error, Frame, Result};

/// A known part of a shot.
#[derive(Clone, Debug)]
pub struct Item {
    /// What is known.
    pub content: Content,
    /// At which frame of the shot it starts.
    pub frame: usize,
    /// How closely to keep to it: 0 not at all, 1 exactly.
    pub strength: f32,
}

/// The pictures of an item.
#[derive(Clone, Debug)]
pub enum Content {
    /// One frame.
    Still(Frame),
    /// Frames that follow each other: one more than a multiple of 8.
    Sequence(Vec<Frame>),
    /// Latents of an earlier run, `[T, C, H, W]`, normalised: they start the shot.
    Latents(Tensor),
}

impl Item {
    pub(super) fn frames(&self) -> &[Frame] {
        match &self.content {
            Content::Still(frame) => std::slice::from_ref(frame),
            Content::Sequence(frames) => frames,
            Content::Latents(_) => &[],
        }
    }
}

/// The size of a shot in latents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Grid {
    pub(super) frames: usize,
    pub(super) height: usize,
    pub(super) width: usize,
    pub(super) channels: usize,
    /// Frames and pixels to a latent.
    pub(super) by: (usize, usize),
}

impl Grid {
    pub(super) fn tokens(&self) -> usize {
        self.frames * self.height * self.width
    }

    pub(super) fn shape(&self) -> [usize; 4] {
        [self.frames, self.channels, self.height, self.width]
    }

    /// Frames of the video.
    pub(super) fn video_frames(&self) -> usize {
        (self.frames - 1) * self.by.0 + 1
    }
}

/// A video `[T, C, H, W]` as tokens `[T * H * W, C]`.
pub(super) fn packed(video: &Tensor) -> CandleResult<Tensor> {
    let (frames, channels, height, width) = video.dims4()?;
    video.permute((0, 2, 3, 1))?.contiguous()?.reshape((frames * height * width, channels))
}

/// The way back.
pub(super) fn unpacked(tokens: &Tensor, grid: &Grid) -> CandleResult<Tensor> {
    let Grid { frames, height, width, channels, .. } = *grid;
    tokens.reshape((frames, height, width, channels))?.permute((0, 3, 1, 2))?.contiguous()
}

/// Everything that the transformer is to see.
pub(super) struct Conditioned {
    /// `[extra + grid, channels]`.
    pub(super) latents: Tensor,
    /// How closely each token keeps to what it holds.
    pub(super) mask: Vec<f32>,
    pub(super) places: Vec<Place>,
    /// Tokens that stand before those of the grid.
    pub(super) extra: usize,
}

/// Latent frames of a sequence that become tokens of their own, for the first stands for one frame and the second sees it.
const PREFIX: usize = 2;

/// Checks items against a shot.
///
/// # Errors
/// When an item does not lie in the shot, two lie on one frame, or there is something wrong with their pixels.
pub(super) fn check(items: &[Item], grid: &Grid) -> Result<()> {
    let total = grid.video_frames();
    for (i, item) in items.iter().enumerate() {
        let at = item.frame;
        if !(0.0..=1.0).contains(&item.strength) {
            return Err(Error::Request(format!(
                "the strength at frame {at} is {}, and must be from 0 to 1",
                item.strength
            )));
        }
        if at >= total {
            return Err(Error::Request(format!("frame {at} lies outside the shot, whose last frame is {}", total - 1)));
        }
        if items[..i].iter().any(|other| other.frame == at) {
            return Err(Error::Request(format!("two pictures are given for frame {at}: leave out one")));
        }
        check_content(item, grid)?;
    }
    Ok(())
}

fn check_content(item: &Item, grid: &Grid) -> Result<()> {
    let (at, time) = (item.frame, grid.by.0);
    match &item.content {
        Content::Latents(latents) => {
            let shape = grid.shape();
            let dims = latents.dims();
            if at != 0 || dims.len() != 4 || dims[0] > shape[0] || dims[1..] != shape[1..] {
                return Err(Error::Request(format!("latents of {dims:?} cannot start a shot of {shape:?}")));
            }
        }
        Content::Sequence(frames) => {
            if frames.is_empty() || frames.len() % time != 1 {
                let count = frames.len();
                return Err(Error::Request(format!(
                    "the clip at frame {at} has {count} frames, and must have one more than a multiple of {time}"
                )));
            }
            if at > 0 && (at % time != 0 || frames.len() <= time || at + time + 1 > grid.video_frames()) {
                return Err(Error::Request(format!(
                    "a clip of {} frames cannot start at frame {at}: it must start at a multiple of {time}, and at least \
                     {} of its frames must lie in the shot",
                    frames.len(),
                    time + 1
                )));
            }
        }
        Content::Still(_) => {}
    }
    for (i, frame) in item.frames().iter().enumerate() {
        if frame.pixels().iter().any(|v| !v.is_finite()) {
            return Err(Error::Request(format!("frame {} has pixels that are not numbers; render it anew", at + i)));
        }
    }
    Ok(())
}

/// Frames as the VAE takes them: `[T, 3, H, W]`, -1 to 1.
pub(super) fn pixels(frames: &[Frame], (height, width): (usize, usize)) -> Result<Tensor> {
    let mut videos = Vec::with_capacity(frames.len());
    for frame in frames {
        let frame = frame.resized(width, height)?;
        let (channels, values) = (frame.channels(), frame.pixels());
        // Grey, alone or before an alpha, is all three colours.
        let colour = |c: usize| if channels >= 3 { c } else { 0 };
        let planes =
            (0..3).flat_map(|c| values.iter().skip(colour(c)).step_by(channels).map(|v| v.clamp(0.0, 1.0) * 2.0 - 1.0));
        videos.push(Tensor::from_vec(planes.collect::<Vec<f32>>(), (1, 3, height, width), &Device::Cpu)?);
    }
    Ok(Tensor::cat(&videos, 0)?)
}

fn lerp(from: &Tensor, to: &Tensor, share: f32) -> CandleResult<Tensor> {
    from + ((to - from)? * f64::from(share))?
}

/// Replaces the frames of `video` from `at` on.
fn replaced(video: &Tensor, part: &Tensor, at: usize) -> CandleResult<Tensor> {
    let (total, count) = (video.dim(0)?, part.dim(0)?);
    let mut parts = Vec::new();
    if at > 0 {
        parts.push(video.narrow(0, 0, at)?);
    }
    parts.push(part.clone());
    if at + count < total {
        parts.push(video.narrow(0, at + count, total - at - count)?);
    }
    Tensor::cat(&parts, 0)
}

/// What is known of a shot, and what it takes to see it.
pub(super) struct Known<'a> {
    pub(super) items: &'a [Item],
    pub(super) grid: &'a Grid,
    /// Frames a second.
    pub(super) rate: f64,
    /// None where no item has pictures.
    pub(super) vae: Option<&'a Vae>,
    /// Whether encoded pictures are taken anywhere in their spread, and not in its middle.
    pub(super) sampled: bool,
    pub(super) go_on: GoOn<'a>,
}

impl Known<'_> {
    /// An item in latents, of which the shot sees as many as fit; `None` if stopped.
    fn encoded(&self, (index, item): (usize, &Item), noise: &mut dyn Noise) -> Result<Option<Tensor>> {
        let frames = match &item.content {
            Content::Latents(latents) => return Ok(Some(latents.to_device(&Device::Cpu)?)),
            _ => item.frames(),
        };
        let Some(vae) = self.vae else {
            return Err(Error::Request("the model has no VAE to see pictures with".to_owned()));
        };
        let (time, space) = self.grid.by;
        let fit = frames.len().min(self.grid.video_frames() - item.frame);
        let fit = (fit - 1) / time * time + 1;
        let pixels = pixels(&frames[..fit], (self.grid.height * space, self.grid.width * space))?;
        let Some((mean, log_variance)) = vae.encode(&pixels, self.go_on)? else { return Ok(None) };
        let mean = mean.to_device(&Device::Cpu)?;
        let latents = match self.sampled {
            true => {
                let noise = draw_video(noise, Purpose::Posterior(index), mean.dims4()?.into())?;
                let deviation = (log_variance.to_device(&Device::Cpu)?.clamp(-30.0, 20.0)? * 0.5)?.exp()?;
                (mean + noise.broadcast_mul(&deviation)?)?
            }
            false => mean,
        };
        Ok(Some(vae.statistics().on_cpu()?.normalised(&latents)?))
    }

    /// What the transformer starts from: `start`, which is noise, and in it what is known. `None` if stopped.
    pub(super) fn conditioned(&self, start: &Tensor, noise: &mut dyn Noise) -> Result<Option<Conditioned>> {
        let Self { grid, rate, .. } = *self;
        let mut video = start.clone();
        let per_frame = grid.height * grid.width;
        let mut mask = vec![0.0; grid.tokens()];
        let (mut extra, mut extra_mask, mut places) = (Vec::new(), Vec::new(), Vec::new());
        for (index, item) in self.items.iter().enumerate() {
            let Some(latents) = self.encoded((index, item), noise)? else { return Ok(None) };
            let count = latents.dim(0)?;
            let mut keep = |part: &Tensor, at: usize| -> CandleResult<()> {
                let count = part.dim(0)?;
                video = replaced(&video, &lerp(&video.narrow(0, at, count)?, part, item.strength)?, at)?;
                mask[at * per_frame..(at + count) * per_frame].fill(item.strength);
                Ok(())
            };
            if item.frame == 0 {
                keep(&latents, 0)?;
                continue;
            }
            let prefix = count.min(PREFIX);
            if count > prefix {
                keep(&latents.narrow(0, prefix, count - prefix)?, item.frame / grid.by.0 + prefix)?;
            }
            let own = latents.narrow(0, 0, prefix)?;
            let noise = draw_video(noise, Purpose::Item(index), own.dims4()?.into())?;
            extra.push(packed(&lerp(&noise, &own, item.strength)?)?);
            extra_mask.extend(std::iter::repeat_n(item.strength, prefix * per_frame));
            places.extend(rope::places((prefix, grid.height, grid.width), grid.by, item.frame, rate));
        }
        let count = extra_mask.len();
        places.extend(rope::places((grid.frames, grid.height, grid.width), grid.by, 0, rate));
        extra.push(packed(&video)?);
        extra_mask.extend(mask);
        Ok(Some(Conditioned { latents: Tensor::cat(&extra, 0)?, mask: extra_mask, places, extra: count }))
    }
}

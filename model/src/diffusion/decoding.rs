//! From latents to frames.

use candle_core::{Device, Tensor};
use parking_lot::Mutex;

use super::{
    item::Grid,
    noise::{Noise, Purpose, draw_video},
    settings::Settings,
    vae::{Tiling, Vae},
};
use crate::{Encoding, Error, Frame, Result, Watch};

/// Latents under way to frames.
pub(super) struct Decoding<'a> {
    pub(super) vae: &'a Vae,
    pub(super) settings: &'a Settings,
    pub(super) watch: &'a dyn Watch,
    /// Whether the whole video is too much at a time.
    pub(super) tiled: bool,
}

impl Decoding<'_> {
    /// Normalised latents, `[T, C, H, W]`, to frames.
    pub(super) fn run(&self, latents: &Tensor, grid: &Grid, noise: &mut dyn Noise) -> Result<Vec<Frame>> {
        let vae = self.vae;
        let latents = vae.statistics().on_cpu()?.denormalised(latents)?;
        let (latents, noise_left) = if vae.config().timestep_conditioning {
            let fresh = draw_video(noise, Purpose::Decode, grid.shape())?;
            let share = self.settings.decode_noise;
            (((latents * (1.0 - share))? + (fresh * share)?)?, self.settings.decode_timestep as f32)
        } else {
            (latents, 0.0)
        };
        let tiling = self.tiled.then(Tiling::usual);
        let asked = Mutex::new(0u32);
        let go_on = || {
            let mut asked = asked.lock();
            *asked += 1;
            // How many convolutions there are in all tiles is not worth knowing: the bar nears its end ever slower.
            self.watch.progress(1.0 - 1.0 / (1.0 + *asked as f32 / 12.0))
        };
        let video = vae.decode(&latents, noise_left, tiling.as_ref(), &go_on)?.ok_or(Error::Cancelled)?;
        frames_of(&video.to_device(&Device::Cpu)?)
    }
}

/// A video `[T, 3, H, W]`, -1 to 1, as frames.
fn frames_of(video: &Tensor) -> Result<Vec<Frame>> {
    let (frames, _, height, width) = video.dims4()?;
    // One at a time: whole videos are large.
    let frame = |t: usize| {
        let frame = video.get(t)?.clamp(-1f32, 1f32)?.affine(0.5, 0.5)?.permute((1, 2, 0))?;
        let pixels = frame.flatten_all()?.to_vec1::<f32>()?;
        Frame::new(width, height, 3, Encoding::Display, pixels)
    };
    (0..frames).map(frame).collect()
}

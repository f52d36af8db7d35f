//! From noise to latents, step by step.

use candle_core::{Device, Result as CandleResult, Tensor};

use super::{
    item::Conditioned,
    noise::{Noise, Purpose},
    scheduler::Schedule,
    settings::{Sampler, Settings},
    transformer::{Step, TIMESTEPS, Text, Tokens, Transformer},
};

/// One generation under way.
pub(super) struct Denoiser<'a> {
    pub(super) transformer: &'a Transformer,
    pub(super) settings: &'a Settings,
    pub(super) text: &'a Text,
    /// What should not be seen; where guidance asks for it.
    pub(super) negative: Option<&'a Text>,
    pub(super) device: &'a Device,
}

/// Asked before each block; told of each step, with what its picture would be.
pub(super) trait Follow {
    fn go_on(&self) -> bool;
    fn stepped(&self, step: usize, picture: &Tensor) -> CandleResult<()>;
}

impl Denoiser<'_> {
    /// The tokens without noise, `[tokens, channels]`; `None` if stopped.
    pub(super) fn run(
        &self,
        start: &Conditioned,
        schedule: &Schedule,
        noise: &mut dyn Noise,
        follow: &dyn Follow,
    ) -> CandleResult<Option<Tensor>> {
        let tokens = self.transformer.tokens(&start.places)?;
        let initial = start.latents.to_device(self.device)?;
        let mut latents = initial.clone();
        for (step, level) in schedule.levels().iter().copied().enumerate() {
            latents = self.shaken(latents, &initial, &start.mask, step, level, noise)?;
            let timesteps: Vec<f32> =
                start.mask.iter().map(|m| (level * TIMESTEPS).min((1.0 - m) * TIMESTEPS)).collect();
            let Some(velocity) = self.guided(&tokens, &latents, &timesteps, follow)? else { return Ok(None) };
            let levels: Vec<f32> = timesteps.iter().map(|t| t / TIMESTEPS).collect();
            let next: Vec<f32> = levels.iter().map(|l| schedule.below(*l)).collect();
            let column = |v: &[f32]| Tensor::new(v, self.device)?.reshape((v.len(), 1));
            let picture = (&latents - velocity.broadcast_mul(&column(&levels)?)?)?;
            let stepped = match self.settings.sampler {
                Sampler::Euler => {
                    let by: Vec<f32> = levels.iter().zip(&next).map(|(a, b)| a - b).collect();
                    (&latents - velocity.broadcast_mul(&column(&by)?)?)?
                }
                Sampler::Stochastic => self.renoised(&picture, &next, start.extra, step, noise)?,
            };
            // What is known with less noise than is left here waits.
            let open: Vec<f32> = start.mask.iter().map(|m| f32::from(u8::from(level - 1e-6 < 1.0 - m))).collect();
            latents = if open.iter().all(|o| *o == 1.0) {
                stepped
            } else {
                let open = column(&open)?.broadcast_as(latents.shape())?;
                open.gt(0f64)?.where_cond(&stepped, &latents)?
            };
            follow.stepped(step, &picture.narrow(0, start.extra, picture.dim(0)? - start.extra)?)?;
        }
        Ok(Some(latents))
    }

    /// Known tokens with a little noise, more at noisier levels: pictures that stand still too well stop all motion.
    fn shaken(
        &self,
        latents: Tensor,
        initial: &Tensor,
        mask: &[f32],
        step: usize,
        level: f32,
        noise: &mut dyn Noise,
    ) -> CandleResult<Tensor> {
        let scale = self.settings.known_noise;
        if scale == 0.0 || !mask.iter().any(|m| *m > 1.0 - 1e-6) {
            return Ok(latents);
        }
        let noise = noise.draw(Purpose::Shake(step), initial.dims())?.to_device(self.device)?;
        let shaken = (initial + (noise * (scale * f64::from(level) * f64::from(level)))?)?;
        let known: Vec<u8> = mask.iter().map(|m| u8::from(*m > 1.0 - 1e-6)).collect();
        let known = Tensor::new(known, self.device)?.reshape((mask.len(), 1))?.broadcast_as(initial.shape())?;
        known.where_cond(&shaken, &latents)
    }

    fn renoised(
        &self,
        picture: &Tensor,
        next: &[f32],
        extra: usize,
        step: usize,
        noise: &mut dyn Noise,
    ) -> CandleResult<Tensor> {
        if next.iter().all(|l| *l == 0.0) {
            return Ok(picture.clone());
        }
        let (count, channels) = picture.dims2()?;
        let fresh = noise.draw(Purpose::Step(step), &[count - extra, channels])?.to_device(self.device)?;
        let fresh = if extra > 0 {
            let items = noise.draw(Purpose::StepItems(step), &[extra, channels])?.to_device(self.device)?;
            Tensor::cat(&[&items, &fresh], 0)?
        } else {
            fresh
        };
        let next = Tensor::new(next, self.device)?.reshape((count, 1))?;
        picture.broadcast_mul(&next.affine(-1.0, 1.0)?)? + fresh.broadcast_mul(&next)?
    }

    /// The network's answer, guided away from what should not be seen (Ho and Salimans 2022) and from what the network
    /// says with a part of itself switched off (Hyung et al. 2024), then brought back to the size it had (Lin et al.
    /// 2023). One pass after the other, so that none needs more memory than one.
    fn guided(
        &self,
        tokens: &Tokens,
        latents: &Tensor,
        timesteps: &[f32],
        follow: &dyn Follow,
    ) -> CandleResult<Option<Tensor>> {
        let go_on = || follow.go_on();
        let ask = |text, skipped| self.transformer.run(tokens, &Step { latents, timesteps, text, skipped }, &go_on);
        let Some(plain) = ask(self.text, &[])? else { return Ok(None) };
        let mut guided = plain.clone();
        if let Some(negative) = self.negative {
            let Some(away) = ask(negative, &[])? else { return Ok(None) };
            guided = (&away + ((&plain - &away)? * self.settings.guidance)?)?;
        }
        if self.settings.stg > 0.0 && !self.settings.stg_blocks.is_empty() {
            let Some(weak) = ask(self.text, &self.settings.stg_blocks)? else { return Ok(None) };
            guided = (guided + ((&plain - weak)? * self.settings.stg)?)?;
        }
        if self.settings.rescale > 0.0 && (self.negative.is_some() || self.settings.stg > 0.0) {
            let factor = deviation(&plain)? / deviation(&guided)?.max(1e-12);
            guided = (guided * (self.settings.rescale * factor + 1.0 - self.settings.rescale))?;
        }
        Ok(Some(guided))
    }
}

fn deviation(x: &Tensor) -> CandleResult<f64> {
    let x = x.flatten_all()?;
    let centred = x.broadcast_sub(&x.mean_keepdim(0)?)?;
    Ok(f64::from(centred.sqr()?.mean_all()?.to_scalar::<f32>()?).sqrt())
}

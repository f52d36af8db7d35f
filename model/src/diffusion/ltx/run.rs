//! One request under way: from words and noise to latents.

use std::{sync::Arc, time::Instant};

use candle_core::{Device, Result as CandleResult, Tensor};
use parking_lot::Mutex;

use super::{
    super::{
        denoise::{Denoiser, Follow},
        item::{self, Conditioned, Grid, Known},
        noise::{Noise, Purpose, draw_video},
        plan::MemoryPlan,
        preview::Preview,
        request::Request,
        settings::{SecondPass, Settings},
        transformer::Text,
        upsampler::{adain, tone_map},
    },
    Ltx, Span, doubled,
};
use crate::{Error, Result, Watch};

const READING: Span = Span { from: 0.0, to: 0.06 };
const LOOKING: Span = Span { from: 0.06, to: 0.12 };
const STEPS: Span = Span { from: 0.12, to: 1.0 };
const SECOND: Span = Span { from: 0.6, to: 1.0 };

/// Where in its spread an encoded picture is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::diffusion) enum Posterior {
    /// In the middle.
    Mean,
    /// Anywhere, as the references do.
    #[cfg_attr(not(test), allow(dead_code, reason = "the way of the references, against which the tests hold us"))]
    Sampled,
}

/// One request under way.
pub(super) struct Run<'a> {
    pub(super) ltx: &'a Ltx,
    pub(super) request: &'a Request,
    pub(super) watch: &'a dyn Watch,
    pub(super) posterior: Posterior,
    pub(super) plan: MemoryPlan,
    pub(super) seconds: Vec<(&'static str, f64)>,
    pub(super) unknown: Vec<String>,
}

impl Run<'_> {
    fn report(&self, span: Span, share: f32) -> Result<()> {
        match self.watch.progress(span.at(share)) {
            true => Ok(()),
            false => Err(Error::Cancelled),
        }
    }

    fn timed(&mut self, what: &'static str, since: Instant) {
        self.seconds.push((what, since.elapsed().as_secs_f64()));
    }

    /// The latents of the video, normalised.
    pub(super) fn latents(&mut self, grid: &Grid, noise: &mut dyn Noise) -> Result<Tensor> {
        let settings = &self.request.settings;
        self.report(READING, 0.0)?;
        let since = Instant::now();
        let mut prompts = vec![self.request.prompt.as_str()];
        if settings.guidance > 1.0 {
            prompts.push(&self.request.negative_prompt);
        }
        let embeddings = self.ltx.embeddings(&prompts, &mut self.unknown)?;
        self.timed("text encoder", since);
        self.report(LOOKING, 0.0)?;
        let start = draw_video(noise, Purpose::Latents, grid.shape())?;
        let known = self.known(&start, grid, noise)?;
        let steps = if settings.second_pass.is_some() { Span { to: SECOND.from, ..STEPS } } else { STEPS };
        let video = self.denoised(&embeddings, &known, grid, settings, noise, steps)?;
        match &settings.second_pass {
            None => Ok(video),
            Some(second) => self.second(&video, grid, second, &embeddings, noise),
        }
    }

    fn known(&mut self, start: &Tensor, grid: &Grid, noise: &mut dyn Noise) -> Result<Conditioned> {
        let since = Instant::now();
        let items = &self.request.items;
        let pictured = items.iter().any(|i| !i.frames().is_empty());
        let vae = if pictured { Some(self.ltx.vae(&self.plan)?) } else { None };
        let go_on = || self.watch.progress(LOOKING.from);
        let sampled = self.posterior == Posterior::Sampled;
        let known = Known { items, grid, rate: self.request.rate, vae: vae.as_deref(), sampled, go_on: &go_on };
        let known = known.conditioned(start, noise)?;
        if pictured {
            self.timed("VAE encode", since);
        }
        known.ok_or(Error::Cancelled)
    }

    fn denoised(
        &mut self,
        embeddings: &[Tensor],
        known: &Conditioned,
        grid: &Grid,
        settings: &Settings,
        noise: &mut dyn Noise,
        span: Span,
    ) -> Result<Tensor> {
        let preview = match self.watch.wants_previews() {
            true => Some(self.ltx.preview(&self.plan)?),
            false => None,
        };
        let since = Instant::now();
        let transformer = self.ltx.transformer(&self.plan)?;
        self.timed("loading the transformer", since);
        let since = Instant::now();
        let texts: Vec<Text> = embeddings.iter().map(|e| transformer.text(e)).collect::<CandleResult<_>>()?;
        let denoiser = Denoiser {
            transformer: &transformer,
            settings,
            text: &texts[0],
            negative: texts.get(1),
            device: &self.ltx.device,
        };
        let steps = settings.schedule.levels().len();
        let follow = Following { watch: self.watch, span, steps, done: Mutex::new(0), preview, grid };
        let tokens = denoiser.run(known, &settings.schedule, noise, &follow)?.ok_or(Error::Cancelled)?;
        self.timed("steps", since);
        let tokens = tokens.narrow(0, known.extra, grid.tokens())?.to_device(&Device::Cpu)?;
        finite(&tokens)?;
        Ok(item::unpacked(&tokens, grid)?)
    }

    /// The second pass: the same video at twice the size, from a noise level on.
    fn second(
        &mut self,
        video: &Tensor,
        grid: &Grid,
        second: &SecondPass,
        embeddings: &[Tensor],
        noise: &mut dyn Noise,
    ) -> Result<Tensor> {
        let since = Instant::now();
        // The VAE itself is not held on to: beside the transformer it may not fit.
        let statistics = self.ltx.vae(&self.plan)?.statistics().on_cpu()?;
        let small = statistics.denormalised(video)?;
        let large = self.ltx.files.load_upsampler(&self.ltx.device)?.run(&small)?.to_device(&Device::Cpu)?;
        let large = tone_map(&adain(&large, &small, second.adain)?, second.tone_map)?;
        let large = statistics.normalised(&large)?;
        self.timed("latent upsampler", since);
        let grid = doubled(grid);
        let level = f64::from(second.schedule.levels()[0]);
        let fresh = draw_video(noise, Purpose::Latents, grid.shape())?;
        let start = ((large * (1.0 - level))? + (fresh * level)?)?;
        let known = self.known(&start, &grid, noise)?;
        let settings = Settings { schedule: second.schedule.clone(), ..self.request.settings.clone() };
        self.denoised(embeddings, &known, &grid, &settings, noise, SECOND)
    }
}

/// Numbers that grew out of bounds make black frames at best.
fn finite(latents: &Tensor) -> Result<()> {
    let sum = latents.abs()?.sum_all()?.to_scalar::<f32>()?;
    match sum.is_finite() {
        true => Ok(()),
        false => Err(Error::Request(
            "the model's numbers grew out of bounds: try another seed, less guidance, or weights in bf16 in place of f16"
                .to_owned(),
        )),
    }
}

/// Tells whoever watches how far the steps are.
struct Following<'a> {
    watch: &'a dyn Watch,
    span: Span,
    steps: usize,
    done: Mutex<usize>,
    preview: Option<Arc<Preview>>,
    grid: &'a Grid,
}

impl Follow for Following<'_> {
    fn go_on(&self) -> bool {
        let share = *self.done.lock() as f32 / self.steps as f32;
        self.watch.progress(self.span.at(share))
    }

    fn stepped(&self, step: usize, picture: &Tensor) -> CandleResult<()> {
        *self.done.lock() = step + 1;
        if let Some(preview) = &self.preview {
            let video = item::unpacked(&picture.to_device(&Device::Cpu)?, self.grid)?;
            self.watch.preview(&preview.frame(&video.narrow(0, self.grid.frames / 2, 1)?)?);
        }
        Ok(())
    }
}

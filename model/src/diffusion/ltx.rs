//! The video model at work: a request in, a film out.

use std::{
    sync::{Arc, OnceLock},
    time::{Duration, Instant},
};

use candle_core::{DType, Device, Result as CandleResult, Tensor};
use parking_lot::{Mutex, MutexGuard};

use super::{
    decoding::Decoding,
    denoise::{Denoiser, Follow},
    item::{self, Conditioned, Content, Grid, Known},
    model_files::ModelFiles,
    noise::{Noise, Purpose, draw_film},
    plan::MemoryPlan,
    preview::Preview,
    request::{Film, Latents, Request},
    settings::{SecondPass, Settings},
    text::Tokenizer,
    transformer::{Text, Transformer},
    upsampler::{adain, tone_map},
    vae::Vae,
};
use crate::{Error, Frame, Kept, Result, Watch};

/// A model ready to run. Its parts are loaded when they are needed; as many as fit in the budget together stay.
pub struct Ltx {
    files: ModelFiles,
    device: Device,
    dtype: DType,
    /// Bytes.
    budget: u64,
    tokenizer: Option<Tokenizer>,
    /// Embeddings of prompts, by their words.
    prompts: Mutex<Kept<String, Tensor>>,
    resident: Mutex<Resident>,
    /// Held by the run under way.
    turn: Mutex<()>,
    previews: Mutex<Option<Arc<Preview>>>,
    /// Made when it is first asked for: it reads something of every tensor.
    fingerprint: OnceLock<String>,
}

#[derive(Default)]
struct Resident {
    transformer: Option<Arc<Transformer>>,
    vae: Option<Arc<Vae>>,
}

/// Bytes of prompts' embeddings that are kept.
const PROMPTS: usize = 64 << 20;

/// Longest shot that is made in one go: the published models were trained on up to 257 frames.
const MOST_FRAMES: usize = 257;
pub(super) const MOST_EDGE: usize = 4096;

/// The parts of the work and their share of the progress bar.
#[derive(Clone, Copy)]
pub(super) struct Span {
    pub(super) from: f32,
    pub(super) to: f32,
}

impl Span {
    /// Where the whole stands when so much of this part is done.
    fn at(self, done: f32) -> f32 {
        self.from + (self.to - self.from) * done
    }
}

const READING: Span = Span { from: 0.0, to: 0.06 };
const LOOKING: Span = Span { from: 0.06, to: 0.12 };
const STEPS: Span = Span { from: 0.12, to: 1.0 };
const SECOND: Span = Span { from: 0.6, to: 1.0 };
/// Where latents are done and frames begin.
const DECODING: f32 = 0.8;

/// A part of the whole progress bar.
pub(super) struct Share<'a> {
    pub(super) watch: &'a dyn Watch,
    pub(super) span: Span,
}

impl Watch for Share<'_> {
    fn progress(&self, done: f32) -> bool {
        self.watch.progress(self.span.at(done))
    }

    fn wants_previews(&self) -> bool {
        self.watch.wants_previews()
    }

    fn preview(&self, picture: &Frame) {
        self.watch.preview(picture);
    }
}

impl Ltx {
    /// Takes a model that will run on `device`, in `dtype` where that is a GPU, with at most `budget` bytes at a time.
    ///
    /// # Errors
    /// When the tokenizer is not the text encoder's.
    pub fn new(files: ModelFiles, device: Device, dtype: DType, budget: u64) -> Result<Self> {
        let tokenizer = files.load_tokenizer()?;
        let prompts = Mutex::new(Kept::new(PROMPTS));
        Ok(Self {
            files,
            device,
            dtype,
            budget,
            tokenizer,
            prompts,
            resident: Mutex::default(),
            turn: Mutex::default(),
            previews: Mutex::default(),
            fingerprint: OnceLock::new(),
        })
    }

    /// Takes a model that will run on the CPU, with at most `budget` bytes at a time.
    ///
    /// # Errors
    /// As [`Ltx::new`].
    pub fn on_cpu(files: ModelFiles, budget: u64) -> Result<Self> {
        Self::new(files, Device::Cpu, DType::F32, budget)
    }

    /// The files it was made of.
    #[must_use]
    pub fn files(&self) -> &ModelFiles {
        &self.files
    }

    /// What tells these weights from others.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub fn fingerprint(&self) -> Result<&str> {
        if let Some(known) = self.fingerprint.get() {
            return Ok(known);
        }
        let read = self.files.fingerprint()?;
        Ok(self.fingerprint.get_or_init(|| read))
    }

    /// Frames, and pixels along an edge, that a latent stands for.
    #[must_use]
    pub fn factors(&self) -> (usize, usize) {
        (self.files.vae.config.time_factor(), self.files.vae.config.space_factor())
    }

    /// What a request would take.
    ///
    /// # Errors
    /// When it cannot be made, or not within the budget.
    pub fn plan(&self, request: &Request) -> Result<MemoryPlan> {
        self.plan_of(request, &self.grid(request)?)
    }

    fn plan_of(&self, request: &Request, grid: &Grid) -> Result<MemoryPlan> {
        let known = request.items.iter().map(|i| i.frames().len()).max().unwrap_or(0);
        let twice = request.settings.second_pass.is_some();
        let last = if twice { doubled(grid) } else { *grid };
        MemoryPlan::new(&self.files, &last, known, twice, self.budget)
    }

    fn grid(&self, request: &Request) -> Result<Grid> {
        let by = self.factors();
        let Request { width, height, frames, rate, .. } = *request;
        let fault = |reason: String| Err(Error::Request(reason));
        if width == 0 || height == 0 || width % by.1 != 0 || height % by.1 != 0 || width.max(height) > MOST_EDGE {
            return fault(format!(
                "a film of {width}x{height} was asked for: both must be multiples of {} up to {MOST_EDGE}",
                by.1
            ));
        }
        if frames == 0 || frames % by.0 != 1 % by.0 || frames > MOST_FRAMES {
            return fault(format!(
                "{frames} frames were asked for: it must be one more than a multiple of {}, and at most {MOST_FRAMES}",
                by.0
            ));
        }
        if !(0.1..=1000.0).contains(&rate) {
            return fault(format!("{rate} frames a second were asked for: it must be from 0.1 to 1000"));
        }
        let grid = Grid {
            frames: (frames - 1) / by.0 + 1,
            height: height / by.1,
            width: width / by.1,
            channels: self.files.vae.config.latent_channels,
            by,
        };
        item::check(&request.items, &grid)?;
        if request.settings.second_pass.is_some() {
            self.files.upsampler_part()?;
            if request.items.iter().any(|i| matches!(i.content, Content::Latents(_))) {
                return fault("a second pass cannot start from the latents of another run".to_owned());
            }
        }
        request.settings.check(self.files.transformer.config.num_layers)?;
        Ok(grid)
    }

    /// Makes a film.
    ///
    /// # Errors
    /// When the request is not possible, does not fit the budget, a file is broken, or `watch` says stop.
    pub fn run(&self, request: &Request, noise: &mut dyn Noise, watch: &dyn Watch) -> Result<Film> {
        self.run_with(request, noise, watch, Posterior::Mean)
    }

    pub(super) fn run_with(
        &self,
        request: &Request,
        noise: &mut dyn Noise,
        watch: &dyn Watch,
        posterior: Posterior,
    ) -> Result<Film> {
        let latents =
            self.latents_with(request, noise, &Share { watch, span: Span { from: 0.0, to: DECODING } }, posterior)?;
        let mut seconds = latents.seconds.clone();
        let rest = Share { watch, span: Span { from: DECODING, to: 1.0 } };
        let frames = self.decoded(&latents, noise, &request.settings, &rest, &mut seconds)?;
        Ok(Film { frames, latents: latents.film, unknown_words: latents.unknown_words, seconds })
    }

    /// Makes the latents of a film.
    ///
    /// # Errors
    /// As [`Ltx::run`].
    pub fn latents(&self, request: &Request, noise: &mut dyn Noise, watch: &dyn Watch) -> Result<Latents> {
        self.latents_with(request, noise, watch, Posterior::Mean)
    }

    fn latents_with(
        &self,
        request: &Request,
        noise: &mut dyn Noise,
        watch: &dyn Watch,
        posterior: Posterior,
    ) -> Result<Latents> {
        let grid = self.grid(request)?;
        let plan = self.plan_of(request, &grid)?;
        let _turn = self.turn(watch)?;
        let mut run = Run { ltx: self, request, watch, posterior, plan, seconds: Vec::new(), unknown: Vec::new() };
        let film = self.kept_clean(run.latents(&grid, noise))?;
        Ok(Latents { film, unknown_words: run.unknown, seconds: run.seconds })
    }

    /// Makes frames of latents.
    ///
    /// # Errors
    /// As [`Ltx::run`].
    pub fn decode(
        &self,
        latents: &Latents,
        mut noise: impl Noise,
        settings: &Settings,
        watch: &dyn Watch,
    ) -> Result<Vec<Frame>> {
        self.decoded(latents, &mut noise, settings, watch, &mut Vec::new())
    }

    /// Waits until no other run is under way: two at once would take twice the memory.
    fn turn(&self, watch: &dyn Watch) -> Result<MutexGuard<'_, ()>> {
        loop {
            if let Some(turn) = self.turn.try_lock_for(Duration::from_millis(50)) {
                return Ok(turn);
            }
            if !watch.progress(0.0) {
                return Err(Error::Cancelled);
            }
        }
    }

    /// Whether the frames of so many latent frames of this size can be made.
    pub(super) fn can_decode(&self, frames: usize, (width, height): (usize, usize)) -> Result<()> {
        let (by, channels) = (self.factors(), self.files.vae.config.latent_channels);
        let grid = Grid { frames, height: height / by.1, width: width / by.1, channels, by };
        MemoryPlan::of_decoding(&self.files, &grid, self.budget).map(|_| ())
    }

    /// Nothing of work that failed or was stopped stays behind.
    fn kept_clean<T>(&self, result: Result<T>) -> Result<T> {
        if result.is_err() {
            *self.resident.lock() = Resident::default();
        }
        result
    }

    fn decoded(
        &self,
        latents: &Latents,
        noise: &mut dyn Noise,
        settings: &Settings,
        watch: &dyn Watch,
        seconds: &mut Vec<(&'static str, f64)>,
    ) -> Result<Vec<Frame>> {
        settings.check(self.files.transformer.config.num_layers)?;
        let (frames, channels, height, width) = latents.film.dims4()?;
        let grid = Grid { frames, height, width, channels, by: self.factors() };
        if grid.tokens() == 0 {
            return Err(Error::Request("there are no latents to make frames of".to_owned()));
        }
        let plan = MemoryPlan::of_decoding(&self.files, &grid, self.budget)?;
        let _turn = self.turn(watch)?;
        let since = Instant::now();
        let vae = self.kept_clean(self.vae(&plan))?;
        seconds.push(("loading the VAE", since.elapsed().as_secs_f64()));
        let since = Instant::now();
        let decoding = Decoding { vae: &vae, settings, watch, tiled: plan.tiled };
        let frames = self.kept_clean(decoding.run(&latents.film, &grid, noise))?;
        seconds.push(("VAE decode", since.elapsed().as_secs_f64()));
        Ok(frames)
    }

    /// Whether both may stay in memory beside each other.
    fn both_fit(&self, plan: &MemoryPlan) -> bool {
        plan.transformer + plan.decode.max(plan.encode) <= self.budget
    }

    fn transformer(&self, plan: &MemoryPlan) -> Result<Arc<Transformer>> {
        let mut resident = self.resident.lock();
        if !self.both_fit(plan) {
            resident.vae = None;
        }
        if let Some(part) = &resident.transformer {
            return Ok(part.clone());
        }
        let part = Arc::new(self.files.load_transformer(&self.device, self.dtype)?);
        resident.transformer = Some(part.clone());
        Ok(part)
    }

    fn vae(&self, plan: &MemoryPlan) -> Result<Arc<Vae>> {
        let mut resident = self.resident.lock();
        if !self.both_fit(plan) {
            resident.transformer = None;
        }
        if let Some(part) = &resident.vae {
            return Ok(part.clone());
        }
        let part = Arc::new(self.files.load_vae(&self.device, self.dtype)?);
        resident.vae = Some(part.clone());
        Ok(part)
    }

    /// How latents are coloured, found once.
    fn preview(&self, plan: &MemoryPlan) -> Result<Arc<Preview>> {
        if let Some(preview) = &*self.previews.lock() {
            return Ok(preview.clone());
        }
        let preview = Arc::new(Preview::new(&*self.vae(plan)?)?);
        *self.previews.lock() = Some(preview.clone());
        Ok(preview)
    }

    /// Words of a prompt that the model does not know.
    ///
    /// # Errors
    /// When the prompt is one that cannot be told at all.
    pub fn unknown_words(&self, prompt: &str) -> Result<Vec<String>> {
        match &self.tokenizer {
            Some(tokenizer) => Ok(tokenizer.words(prompt)?.unknown),
            None => Ok(Vec::new()),
        }
    }

    /// The embeddings of prompts, of which the text encoder is loaded for those not known yet.
    fn embeddings(&self, prompts: &[&str], unknown: &mut Vec<String>) -> Result<Vec<Tensor>> {
        let words = prompts.iter().map(|prompt| match &self.tokenizer {
            Some(tokenizer) => tokenizer.words(prompt),
            None => Ok(super::text::Words { ids: (1..17).collect(), unknown: Vec::new() }),
        });
        let words = words.collect::<Result<Vec<_>>>()?;
        unknown.extend(words[0].unknown.iter().cloned());
        let mut encoder = None;
        let mut out = Vec::new();
        for (prompt, words) in prompts.iter().zip(&words) {
            let known = self.prompts.lock().recall(&(*prompt).to_owned());
            if let Some(embedding) = known {
                out.push(embedding);
                continue;
            }
            if encoder.is_none() {
                // In its turn: nothing else stays beside the largest part unless it is known to fit.
                *self.resident.lock() = Resident::default();
                encoder = Some(self.files.load_text(&self.device, self.dtype)?);
            }
            if let Some(encoder) = &encoder {
                let embedding = encoder.run(&words.ids, &self.device)?;
                let bytes = embedding.elem_count() * 4;
                self.prompts.lock().keep((*prompt).to_owned(), embedding.clone(), bytes);
                out.push(embedding);
            }
        }
        Ok(out)
    }
}

/// Where in its spread an encoded picture is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Posterior {
    /// In the middle.
    Mean,
    /// Anywhere, as the references do.
    #[cfg_attr(not(test), allow(dead_code, reason = "the way of the references, against which the tests hold us"))]
    Sampled,
}

fn doubled(grid: &Grid) -> Grid {
    Grid { height: 2 * grid.height, width: 2 * grid.width, ..*grid }
}

/// One request under way.
struct Run<'a> {
    ltx: &'a Ltx,
    request: &'a Request,
    watch: &'a dyn Watch,
    posterior: Posterior,
    plan: MemoryPlan,
    seconds: Vec<(&'static str, f64)>,
    unknown: Vec<String>,
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

    /// The latents of the film, normalised.
    fn latents(&mut self, grid: &Grid, noise: &mut dyn Noise) -> Result<Tensor> {
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
        let start = draw_film(noise, Purpose::Latents, grid.shape())?;
        let known = self.known(&start, grid, noise)?;
        let steps = if settings.second_pass.is_some() { Span { to: SECOND.from, ..STEPS } } else { STEPS };
        let film = self.denoised(&embeddings, &known, grid, settings, noise, steps)?;
        match &settings.second_pass {
            None => Ok(film),
            Some(second) => self.second(&film, grid, second, &embeddings, noise),
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

    /// The second pass: the same film at twice the size, from a noise level on.
    fn second(
        &mut self,
        film: &Tensor,
        grid: &Grid,
        second: &SecondPass,
        embeddings: &[Tensor],
        noise: &mut dyn Noise,
    ) -> Result<Tensor> {
        let since = Instant::now();
        // The VAE itself is not held on to: beside the transformer it may not fit.
        let statistics = self.ltx.vae(&self.plan)?.statistics().on_cpu()?;
        let small = statistics.denormalised(film)?;
        let large = self.ltx.files.load_upsampler(&self.ltx.device)?.run(&small)?.to_device(&Device::Cpu)?;
        let large = tone_map(&adain(&large, &small, second.adain)?, second.tone_map)?;
        let large = statistics.normalised(&large)?;
        self.timed("latent upsampler", since);
        let grid = doubled(grid);
        let level = f64::from(second.schedule.levels()[0]);
        let fresh = draw_film(noise, Purpose::Latents, grid.shape())?;
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
            let film = item::unpacked(&picture.to_device(&Device::Cpu)?, self.grid)?;
            self.watch.preview(&preview.frame(&film.narrow(0, self.grid.frames / 2, 1)?)?);
        }
        Ok(())
    }
}

#[cfg(test)]
impl Ltx {
    /// Whether no part is loaded.
    pub(super) fn is_empty(&self) -> bool {
        let resident = self.resident.lock();
        resident.transformer.is_none() && resident.vae.is_none()
    }
}

#[cfg(test)]
mod tests;

//! The video model at work: a request in, a video out.

mod run;

use std::{
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use candle_core::{DType, Device, Tensor};
use parking_lot::{Mutex, MutexGuard};

pub(super) use self::run::Posterior;
use self::run::Run;
use super::{
    decoding::Decoding,
    item::{self, Content, Grid},
    model_files::ModelFiles,
    noise::Noise,
    plan::{MemoryPlan, vae_weights},
    preview::Preview,
    request::{Latents, Request, Video},
    settings::Settings,
    text::Tokenizer,
    transformer::Transformer,
    vae::Vae,
};
use crate::{Error, Frame, Kept, Result, Watch};

/// A model ready to run. Its parts are loaded when they are needed; as many as fit in the budget together stay.
pub struct Ltx {
    files: ModelFiles,
    device: Device,
    dtype: DType,
    /// Bytes.
    budget: AtomicU64,
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
            budget: budget.into(),
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

    /// The bytes that it may use at a time.
    fn budget(&self) -> u64 {
        self.budget.load(Ordering::Relaxed)
    }

    /// Says anew how many bytes it may use at a time. Runs under way are not stopped.
    pub fn allow(&self, budget: u64) {
        self.budget.store(budget, Ordering::Relaxed);
    }

    /// Bytes of its weights that are in memory.
    #[must_use]
    pub fn loaded(&self) -> u64 {
        let resident = self.resident.lock();
        let transformer = resident.transformer.as_ref().map_or(0, |_| self.files.transformer.source.bytes());
        transformer + resident.vae.as_ref().map_or(0, |_| vae_weights(&self.files))
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
        MemoryPlan::new(&self.files, &last, known, twice, self.budget())
    }

    fn grid(&self, request: &Request) -> Result<Grid> {
        let by = self.factors();
        let Request { width, height, frames, rate, .. } = *request;
        let fault = |reason: String| Err(Error::Request(reason));
        if width == 0 || height == 0 || width % by.1 != 0 || height % by.1 != 0 || width.max(height) > MOST_EDGE {
            return fault(format!(
                "a video of {width}x{height} was asked for: both must be multiples of {} up to {MOST_EDGE}",
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

    /// Makes a video.
    ///
    /// # Errors
    /// When the request is not possible, does not fit the budget, a file is broken, or `watch` says stop.
    pub fn run(&self, request: &Request, noise: &mut dyn Noise, watch: &dyn Watch) -> Result<Video> {
        self.run_with(request, noise, watch, Posterior::Mean)
    }

    pub(super) fn run_with(
        &self,
        request: &Request,
        noise: &mut dyn Noise,
        watch: &dyn Watch,
        posterior: Posterior,
    ) -> Result<Video> {
        let latents =
            self.latents_with(request, noise, &Share { watch, span: Span { from: 0.0, to: DECODING } }, posterior)?;
        let mut seconds = latents.seconds.clone();
        let rest = Share { watch, span: Span { from: DECODING, to: 1.0 } };
        let frames = self.decoded(&latents, noise, &request.settings, &rest, &mut seconds)?;
        Ok(Video { frames, latents: latents.video, unknown_words: latents.unknown_words, seconds })
    }

    /// Makes the latents of a video.
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
        let video = self.kept_clean(run.latents(&grid, noise))?;
        Ok(Latents { video, unknown_words: run.unknown, seconds: run.seconds })
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
        MemoryPlan::of_decoding(&self.files, &grid, self.budget()).map(|_| ())
    }

    /// Lets go of the weights, which are loaded again when they are needed. A run under way keeps those that it uses.
    pub fn unload(&self) {
        *self.resident.lock() = Resident::default();
    }

    /// Nothing of work that failed or was stopped stays behind.
    fn kept_clean<T>(&self, result: Result<T>) -> Result<T> {
        if result.is_err() {
            self.unload();
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
        let (frames, channels, height, width) = latents.video.dims4()?;
        let grid = Grid { frames, height, width, channels, by: self.factors() };
        if grid.tokens() == 0 {
            return Err(Error::Request("there are no latents to make frames of".to_owned()));
        }
        let plan = MemoryPlan::of_decoding(&self.files, &grid, self.budget())?;
        let _turn = self.turn(watch)?;
        let since = Instant::now();
        let vae = self.kept_clean(self.vae(&plan))?;
        seconds.push(("loading the VAE", since.elapsed().as_secs_f64()));
        let since = Instant::now();
        let decoding = Decoding { vae: &vae, settings, watch, tiled: plan.tiled };
        let frames = self.kept_clean(decoding.run(&latents.video, &grid, noise))?;
        seconds.push(("VAE decode", since.elapsed().as_secs_f64()));
        Ok(frames)
    }

    /// Whether both may stay in memory beside each other.
    fn both_fit(&self, plan: &MemoryPlan) -> bool {
        plan.transformer + plan.decode.max(plan.encode) <= self.budget()
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
                self.unload();
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

fn doubled(grid: &Grid) -> Grid {
    Grid { height: 2 * grid.height, width: 2 * grid.width, ..*grid }
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

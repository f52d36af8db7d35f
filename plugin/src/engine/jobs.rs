//! Shots that the video model makes: each made once, whole, kept as a take, and served frame by frame.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use parking_lot::Mutex;
use pickup_model::{
    Brief, Error, Filler, Frame, Recipe, Shot, Watch,
    diffusion::{
        Asked, DiffusionFiller, Elsewhere, Framing, Lexicon, Ltx, ModelFiles, Recommended, Settings, Understood, World,
    },
    language::LanguageModel,
    motion::MotionFiller,
};

use super::{
    Engine, EngineError, Result, Take, TakeNotes, patiently, resource,
    rest::Rest,
    turns::{IMPATIENCE, MachineTurn, machine_lock},
};
use crate::{
    models::ModelStore,
    provenance::{MadeShot, Origin},
};

/// Why a shot is not begun that another program's is made before.
const TAKES_TURNS: &str = "Another program is using the video model. This shot waits until it has done";

/// What is said where nothing can describe.
const NO_LANGUAGE_MODEL: &str = "No language model is installed on this machine, which writes descriptions: \
                                 `pickup models add qwen3-1.7b` fetches one";

/// The embedded model, in the bundle's `Contents/Resources`.
pub const EMBEDDED: &str = "models/stock";

/// Where the embedded model lies.
///
/// # Errors
/// When the bundle is not whole.
pub fn model_path() -> Result<PathBuf> {
    resource(EMBEDDED).map_err(|_| {
        let text =
            "The bundle's own video model is missing: install the bundle again, or set “Model folder” to another";
        EngineError::Unusable(text.into())
    })
}

/// The model used last, open. Its weights are let go of when no shot was made for a while: a host goes on for days.
pub(super) struct Models {
    open: Mutex<Option<Open>>,
    rest: Rest,
}

/// How long weights stay that nobody uses.
const IDLE: Duration = Duration::from_secs(180);

impl Default for Models {
    fn default() -> Self {
        Self { open: Mutex::default(), rest: Rest::new(IDLE) }
    }
}

#[derive(Clone)]
struct Open {
    path: PathBuf,
    ltx: Arc<Ltx>,
    recommended: Recommended,
}

/// What a user changes of how a model is run.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Tweaks {
    /// Steps from noise to a picture; none for those of the model.
    pub steps: Option<usize>,
    /// Guidance; none for the model's.
    pub guidance: Option<f64>,
    /// Pixels of a frame, as a share of what the model is at home at.
    pub pixels: f64,
}

/// A model with how it is to be run.
pub struct Model {
    filler: DiffusionFiller,
    ltx: Arc<Ltx>,
    /// The name of its file or folder.
    name: String,
    /// Frames a second that it is at home at.
    pub rate: f64,
    world: Option<World>,
}

/// The latest picture of the take being made.
pub(super) type Preview = Mutex<Option<(Recipe, Frame)>>;

impl Models {
    fn open(&self, path: &Path) -> Result<Open> {
        let mut open = self.open.lock();
        if let Some(open) = open.as_ref().filter(|open| open.path == path) {
            return Ok(open.clone());
        }
        // Two models at once would take twice the memory.
        *open = None;
        let files = ModelFiles::open(path, &Elsewhere::default())?;
        // What it may take is said before each shot.
        let ltx = Ltx::on_cpu(files, u64::MAX)?;
        let recommended = Recommended::of(path)?;
        Ok(open.insert(Open { path: path.to_owned(), ltx: Arc::new(ltx), recommended }).clone())
    }

    pub(super) fn close(&self) {
        *self.open.lock() = None;
    }

    /// Ends what waits for weights to be let go of.
    pub(super) fn stop(&self) {
        self.rest.close();
    }
}

impl Model {
    fn new(open: Open, tweaks: Tweaks, motion: Arc<MotionFiller>) -> Result<Self> {
        let Recommended { settings, framing, rate, world } = open.recommended;
        let schedule = match tweaks.steps {
            Some(steps) => settings.schedule.resampled(steps)?,
            None => settings.schedule.clone(),
        };
        let settings = Settings { schedule, guidance: tweaks.guidance.unwrap_or(settings.guidance), ..settings };
        let most_pixels = (framing.most_pixels as f64 * tweaks.pixels).max(1.0) as usize;
        let filler = DiffusionFiller::new(open.ltx.clone(), settings, Framing { most_pixels, ..framing })?;
        let name = open.path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        Ok(Self { filler: filler.following(motion), ltx: open.ltx, name, rate, world })
    }

    /// The size that frames of this shape are made in.
    #[must_use]
    pub fn size(&self, width: usize, height: usize) -> (usize, usize) {
        self.filler.size(width, height)
    }

    /// An empty shot at its rate, in the size that frames of this shape are made in.
    #[must_use]
    pub fn shot(&self, (width, height): (usize, usize)) -> Shot {
        let (width, height) = self.size(width, height);
        Shot::new().formatted(width, height, self.rate)
    }

    /// Whether it knows what a prompt asks for, every word of it.
    #[must_use]
    pub fn understands(&self, prompt: &str) -> bool {
        self.ltx.unknown_words(prompt).is_ok_and(|unknown| unknown.is_empty())
    }

    /// What a prompt asks for: of a model that may know anything, a picture.
    #[must_use]
    pub fn asked(&self, prompt: &str) -> Asked {
        self.world.as_ref().map_or(Asked::Whole, |world| world.asked(prompt))
    }

    /// A shot that it makes for a brief, as it is told of.
    #[must_use]
    pub fn made(&self, brief: &Brief) -> MadeShot {
        MadeShot::new(&self.name, self.filler.weights_id(), brief)
    }

    /// What the take of a shot is called.
    #[must_use]
    pub fn recipe(&self, shot: &Shot, brief: &Brief) -> Recipe {
        Recipe::new(shot, brief, self.filler.name(), self.filler.weights_id())
    }
}

impl Engine {
    /// Opens the model in a folder or file, which reads what its files say of themselves.
    ///
    /// # Errors
    /// When there is none that can be run.
    pub fn examine_model(&self, path: &Path) -> Result<()> {
        self.models.open(path).map(drop)
    }

    /// Looks at a language model in a folder.
    ///
    /// # Errors
    /// When there is none that can be run.
    pub fn examine_language_model(&self, folder: &Path) -> Result<()> {
        Ok(LanguageModel::examine(folder)?)
    }

    /// A long English description of what a user says in a few words, by the language model that is installed. That is opened for this
    /// alone: it is asked seldom, and its memory is wanted for shots.
    ///
    /// # Errors
    /// When there is none that can be run, nothing comes of the words, or `watch` says stop.
    pub fn describe(&self, words: &str, seed: u64, watch: &dyn Watch) -> Result<String> {
        let model = ModelStore::of_user().and_then(|store| store.language_model());
        let model = model.ok_or_else(|| EngineError::Unusable(NO_LANGUAGE_MODEL.into()))?;
        self.with_room(|| 0, |budget| LanguageModel::open(&model, budget))?
            .describe(words, seed, watch)
            .map_err(Into::into)
    }

    /// The model in a folder or file.
    ///
    /// # Errors
    /// When there is none that can be run.
    pub fn model(&self, path: &Path, tweaks: Tweaks) -> Result<Model> {
        // On the processor: takes are kept, and the same wherever they are made.
        Model::new(self.models.open(path)?, tweaks, self.devices.cpu()?)
    }

    /// Makes the take of a shot, if there is none, and waits until it is there.
    ///
    /// # Errors
    /// When it cannot be made, or `watch` says stop.
    pub fn make_take(&self, model: &Model, shot: &Shot, brief: &Brief, watch: &dyn Watch) -> Result<Recipe> {
        let recipe = model.recipe(shot, brief);
        let there = || self.has_take(recipe);
        if there() {
            return Ok(recipe);
        }
        let _turn = self.device.wait(|| watch.progress(0.0)).ok_or(EngineError::Stopped)?;
        // Without a folder there is nothing to claim.
        let _claim = patiently(watch, || {
            if self.takes_on_disk.folder().is_none() || there() {
                return Some(None);
            }
            let claim = self.takes_on_disk.claim(recipe);
            if claim.is_none() {
                thread::sleep(IMPATIENCE);
            }
            claim.map(Some)
        })?;
        // Whoever had the claim before may have made it.
        if there() {
            return Ok(recipe);
        }
        // Last, as those who have it wait for nothing else.
        let mut told = false;
        let machine = MachineTurn::wait(&machine_lock(), || {
            if !std::mem::replace(&mut told, true) {
                watch.waits(TAKES_TURNS);
            }
            watch.progress(0.0)
        });
        let _machine = machine.ok_or(EngineError::Stopped)?;
        let weights = Arc::downgrade(&model.ltx);
        let _use = self.models.rest.begin(move || {
            if let Some(weights) = weights.upgrade() {
                weights.unload();
            }
        });
        let began = Instant::now();
        let showing = Showing { watch, preview: &self.preview, recipe };
        let made = self.with_room(
            || model.ltx.loaded(),
            |budget| {
                model.ltx.allow(budget);
                let made = model.filler.fill_reported(shot, brief, &showing);
                if matches!(made, Err(Error::Memory { .. })) {
                    model.ltx.unload();
                }
                made
            },
        );
        *self.preview.lock() = None;
        let (made, report) = made?;
        let frames: Vec<Frame> = made.into_iter().map(|m| m.frame).collect();
        let origin = Origin::of_shot(model.made(brief), !shot.frames().is_empty());
        let take = Take::new(&frames, TakeNotes { unknown_words: report.unknown_words, origin: Some(origin) })?;
        self.takes_on_disk.keep(recipe, take);
        log::info!("{} made {} frames in {:.1} s", model.name, frames.len(), began.elapsed().as_secs_f64());
        Ok(recipe)
    }

    /// A prompt in the words of the model in the bundle; as it is, where that has no lexicon that can be read.
    #[must_use]
    pub fn understood(&self, prompt: &str) -> Understood {
        let lexicon = self.lexicon.get_or_init(|| match model_path().map(|path| Lexicon::open(&path)) {
            Ok(Ok(lexicon)) => lexicon,
            Ok(Err(error)) => {
                ofx::plugin::log(format!("prompts are taken as they are written: {error}"));
                None
            }
            // What is missing is told where the model is opened.
            Err(_) => None,
        });
        let as_it_is = || Understood { prompt: prompt.to_owned(), taken: Vec::new() };
        lexicon.as_ref().map_or_else(as_it_is, |lexicon| lexicon.understand(prompt))
    }

    /// A frame of a take, by its place among the frames that were missing.
    #[must_use]
    pub fn take_frame(&self, recipe: Recipe, place: usize) -> Option<Arc<Frame>> {
        self.takes_on_disk.frame(recipe, place)
    }

    /// Whether the take of a recipe is there.
    #[must_use]
    pub fn has_take(&self, recipe: Recipe) -> bool {
        self.takes_on_disk.notes(recipe).is_some()
    }

    /// What the user is to be told of a take whose prompt had words that the model did not know.
    #[must_use]
    pub fn words_left_out(&self, recipe: Recipe) -> Option<String> {
        let unknown = self.takes_on_disk.notes(recipe)?.unknown_words;
        let told = !unknown.is_empty();
        let words = || unknown.iter().map(|word| format!("“{word}”")).collect::<Vec<_>>().join(", ");
        told.then(|| format!("The model does not know {}. It made the rest of the prompt.", words()))
    }

    /// A rough picture of a take that is being made.
    #[must_use]
    pub fn preview(&self, recipe: Recipe) -> Option<Frame> {
        self.preview.lock().as_ref().filter(|(of, _)| *of == recipe).map(|(_, picture)| picture.clone())
    }
}

/// Keeps the pictures of unfinished work for those who look meanwhile.
struct Showing<'a> {
    watch: &'a dyn Watch,
    preview: &'a Preview,
    recipe: Recipe,
}

impl Watch for Showing<'_> {
    fn progress(&self, done: f32) -> bool {
        self.watch.progress(done)
    }

    fn wants_previews(&self) -> bool {
        self.watch.wants_previews()
    }

    fn preview(&self, picture: &Frame) {
        *self.preview.lock() = Some((self.recipe, picture.clone()));
        self.watch.preview(picture);
    }

    fn waits(&self, why: &str) {
        self.watch.waits(why);
    }
}

//! What the whole process shares, because hosts make and drop instances at will (MLT: one a frame): the network, the
//! takes made last, the files that are open, and whose turn it is.

mod error;
mod glances;
mod jobs;
mod takes;
mod turns;

use std::{
    path::{Path, PathBuf},
    sync::{Arc, OnceLock},
    time::SystemTime,
};

use parking_lot::Mutex;
use pickup_model::{
    Brief, Filler, Frame, Kept, Made, Recipe, Shot, Watch,
    motion::{MotionFiller, MotionOnward},
};

pub use self::error::{EngineError, Result};
pub use self::glances::Name;
pub use self::jobs::{EMBEDDED, Model, Tweaks, model_path};
pub use self::takes::{Listed, TAKES_VARIABLE, Take, TakeNotes, Takes};
use self::{
    glances::Glances,
    jobs::{Models, Preview},
    turns::{IMPATIENCE, Turns},
};
use pickup_clips::{ClipReader, ReadOptions};

/// The network's weights, in the bundle's `Contents/Resources`.
pub const WEIGHTS: &str = "motion.safetensors";

/// Names a folder of resources to use where no bundle has them, as when the plugin runs inside its own tests.
pub const RESOURCES_VARIABLE: &str = "PICKUP_RESOURCES";

/// Bytes of matched pairs that are kept: a handful at 1280x720.
const PAIRS_BUDGET: usize = 160 << 20;
/// Bytes of made frames that are kept.
const TAKES_BUDGET: usize = 192 << 20;
/// Video and sequence readers kept open.
const READERS: usize = 2;
/// Bytes of decoded frames that a reader keeps: ten of 8-bit 4K, which a search for damage looks at together.
const READER_BUDGET: usize = 256 << 20;

/// The process-wide engine.
pub struct Engine {
    motion: Mutex<Option<Arc<MotionFiller>>>,
    turn: Mutex<()>,
    /// Hosts ask for the same frame again and again: MLT renders the last one five times.
    takes: Mutex<Kept<Recipe, Arc<Made>>>,
    readers: Mutex<Vec<OpenReader>>,
    models: Models,
    /// Whose turn it is on the device that video models run on.
    device: Turns,
    takes_on_disk: Takes,
    preview: Preview,
    glances: Glances,
    doubts: Mutex<Kept<Clip, Option<String>>>,
}

/// A file as a node reads it: its name, and the frames that are skipped at its start.
pub type Clip = (String, i32);

/// How many files' doubts are kept.
const DOUBTS: usize = 16;

impl Default for Engine {
    fn default() -> Self {
        Self {
            motion: Mutex::default(),
            turn: Mutex::default(),
            takes: Mutex::new(Kept::new(TAKES_BUDGET)),
            readers: Mutex::default(),
            models: Models::default(),
            device: Turns::default(),
            takes_on_disk: Takes::of_user(),
            preview: Preview::default(),
            glances: Glances::default(),
            doubts: Mutex::new(Kept::new(DOUBTS)),
        }
    }
}

struct OpenReader {
    path: PathBuf,
    modified: Option<SystemTime>,
    reader: Arc<ClipReader>,
}

/// The engine, made when first asked for: loading the plugin costs nothing.
pub fn engine() -> &'static Engine {
    static ENGINE: OnceLock<Engine> = OnceLock::new();
    ENGINE.get_or_init(Engine::default)
}

/// Where a file or folder of ours lies: in the bundle, else in the folder that [`RESOURCES_VARIABLE`] names.
///
/// # Errors
/// When it is not there.
pub fn resource(name: &str) -> Result<PathBuf> {
    let folders = [ofx::plugin::resources_dir(), std::env::var_os(RESOURCES_VARIABLE).map(PathBuf::from)];
    let candidates: Vec<PathBuf> = folders.into_iter().flatten().map(|folder| folder.join(name)).collect();
    if let Some(found) = candidates.iter().find(|path| path.exists()) {
        return Ok(found.clone());
    }
    let place = candidates.first().map_or_else(|| name.to_owned(), |path| path.display().to_string());
    Err(EngineError::Unusable(format!(
        "Pickup's weights are missing: there is no {place}. Install the whole bundle again"
    )))
}

impl Engine {
    /// The motion filler, loaded on the first render that needs it. A failure is tried again by the next render.
    ///
    /// # Errors
    /// When the weights are missing or broken.
    pub fn motion(&self) -> Result<Arc<MotionFiller>> {
        let mut motion = self.motion.lock();
        if let Some(filler) = &*motion {
            return Ok(filler.clone());
        }
        let filler = Arc::new(MotionFiller::load(&resource(WEIGHTS)?, PAIRS_BUDGET)?);
        *motion = Some(filler.clone());
        Ok(filler)
    }

    /// Whether two frames show the same things, moved: whether motion can lead from one to the other.
    ///
    /// # Errors
    /// When they differ in size, or `watch` says stop.
    pub fn matches(&self, first: &Frame, last: &Frame, watch: &dyn Watch) -> Result<bool> {
        Ok(!self.by_motion(watch, |motion| motion.cut_evidence(first, last, watch))?.is_cut())
    }

    /// The one missing frame of `shot`: from the takes made before, or made now, one job at a time.
    ///
    /// # Errors
    /// When the frame cannot be made, or `watch` says stop.
    pub fn make(&self, shot: &Shot, brief: &Brief, watch: &dyn Watch) -> Result<Arc<Made>> {
        self.make_by(&*self.motion()?, shot, brief, watch)
    }

    /// As [`make`](Self::make), of a frame beyond those that are known: what moves goes on, and comes to rest over so many
    /// frames.
    ///
    /// # Errors
    /// As [`make`](Self::make).
    pub fn make_onward(&self, shot: &Shot, rest: f64, brief: &Brief, watch: &dyn Watch) -> Result<Arc<Made>> {
        self.make_by(&MotionOnward::new(&*self.motion()?, rest), shot, brief, watch)
    }

    fn make_by(&self, filler: &dyn Filler, shot: &Shot, brief: &Brief, watch: &dyn Watch) -> Result<Arc<Made>> {
        let recipe = Recipe::new(shot, brief, filler.name(), filler.weights_id());
        if let Some(made) = self.takes.lock().recall(&recipe) {
            return Ok(made);
        }
        let _turn = patiently(watch, || self.turn.try_lock_for(IMPATIENCE))?;
        // Whoever had the turn before may have made this very frame.
        if let Some(made) = self.takes.lock().recall(&recipe) {
            return Ok(made);
        }
        let made = filler.fill(shot, brief, watch)?.into_iter().next();
        let made = Arc::new(made.ok_or_else(|| EngineError::Unusable("Nothing is missing from this shot".into()))?);
        let bytes = (made.frame.pixels().len() + made.confidence.pixels().len()) * size_of::<f32>();
        self.takes.lock().keep(recipe, made.clone(), bytes);
        Ok(made)
    }

    /// Keeps what was found where a file's frame was held against the host's: why they are not the same, or that they are.
    pub fn doubt(&self, clip: Clip, why: Option<String>) {
        self.doubts.lock().keep(clip, why, 1);
    }

    /// Why a file's frames are not the host's, if they were not when they were last held against them.
    pub fn doubted(&self, clip: &Clip) -> Option<String> {
        self.doubts.lock().recall(clip).flatten()
    }

    /// Does some work with the motion filler in its turn.
    ///
    /// # Errors
    /// When the weights are missing, the work fails, or `watch` says stop.
    pub fn by_motion<T>(
        &self,
        watch: &dyn Watch,
        work: impl FnOnce(&MotionFiller) -> pickup_model::Result<T>,
    ) -> Result<T> {
        let motion = self.motion()?;
        let _turn = patiently(watch, || self.turn.try_lock_for(IMPATIENCE))?;
        Ok(work(&motion)?)
    }

    /// A reader of a clip, kept open between frames and instances; opened again when the file has changed.
    ///
    /// # Errors
    /// When there is no such clip.
    pub fn reader(&self, path: &Path) -> Result<Arc<ClipReader>> {
        let modified = std::fs::metadata(path).and_then(|m| m.modified()).ok();
        let mut readers = self.readers.lock();
        if let Some(at) = readers.iter().position(|r| r.path == path && r.modified == modified) {
            let open = readers.remove(at);
            let reader = open.reader.clone();
            readers.insert(0, open);
            return Ok(reader);
        }
        readers.retain(|r| r.path != path);
        let reader = Arc::new(ClipReader::open_with(
            path,
            &ReadOptions { cache_bytes: READER_BUDGET, ..ReadOptions::default() },
        )?);
        readers.insert(0, OpenReader { path: path.to_owned(), modified, reader: reader.clone() });
        readers.truncate(READERS);
        Ok(reader)
    }

    /// Drops all that can be made again.
    pub fn purge(&self) {
        self.takes.lock().clear();
        self.readers.lock().clear();
        self.takes_on_disk.forget();
        self.glances.forget();
        self.doubts.lock().clear();
        self.models.close();
        if let Some(filler) = &*self.motion.lock() {
            filler.purge();
        }
    }
}

/// Tries until it succeeds, each try waiting for a moment by itself.
///
/// # Errors
/// When `watch` says stop, which is asked between the tries.
fn patiently<T>(watch: &dyn Watch, mut attempt: impl FnMut() -> Option<T>) -> Result<T> {
    loop {
        if let Some(got) = attempt() {
            return Ok(got);
        }
        if !watch.progress(0.0) {
            return Err(EngineError::Stopped);
        }
    }
}

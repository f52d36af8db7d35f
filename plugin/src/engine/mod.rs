//! What the whole process shares, because hosts make and drop instances at will (MLT: one a frame): the network, the
//! takes made last, the files that are open, and whose turn it is.

mod devices;
mod error;
mod glances;
mod jobs;
mod keeper;
mod memory;
mod motion;
mod rest;
mod takes;
mod turns;

use std::{
    path::{Path, PathBuf},
    sync::{Arc, OnceLock},
    time::SystemTime,
};

use parking_lot::Mutex;
use pickup_model::{Kept, Made, Recipe, Watch, diffusion::Lexicon};

pub use self::devices::{Device, named_gpu};
pub use self::error::{EngineError, Result};
pub use self::glances::Name;
pub use self::jobs::{EMBEDDED, Model, Tweaks, model_path};
pub use self::motion::Motion;
pub use self::takes::{Listed, Take, TakeFile, TakeNotes, Takes};
use self::{
    devices::Devices,
    glances::Glances,
    jobs::{Models, Preview},
    rest::Rest,
    turns::{IMPATIENCE, Turns},
};
use crate::MEMORY;
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
    devices: Devices,
    turn: Mutex<()>,
    /// Hosts ask for the same frame again and again: MLT renders the last one five times.
    takes: Mutex<Kept<Recipe, Arc<Made>>>,
    readers: Mutex<Vec<OpenReader>>,
    models: Models,
    /// What the words of the model in the bundle are in others.
    lexicon: OnceLock<Option<Lexicon>>,
    /// Whose turn it is on the device that video models run on.
    device: Turns,
    takes_on_disk: Takes,
    preview: Preview,
    glances: Glances,
    doubts: Mutex<Kept<Clip, Option<String>>>,
    /// Gives memory back when nothing is rendered.
    memory: Rest,
}

/// A file as a node reads it: its name, and the frames that are skipped at its start.
pub type Clip = (String, i32);

/// How many files' doubts are kept.
const DOUBTS: usize = 16;

impl Default for Engine {
    fn default() -> Self {
        Self {
            devices: Devices::default(),
            turn: Mutex::default(),
            takes: Mutex::new(Kept::new(memory::cache(TAKES_BUDGET))),
            readers: Mutex::default(),
            models: Models::default(),
            lexicon: OnceLock::new(),
            device: Turns::default(),
            takes_on_disk: Takes::of_user(),
            preview: Preview::default(),
            glances: Glances::default(),
            doubts: Mutex::new(Kept::new(DOUBTS)),
            memory: memory::rest(),
        }
    }
}

struct OpenReader {
    path: PathBuf,
    modified: Option<SystemTime>,
    reader: Arc<ClipReader>,
}

static ENGINE: OnceLock<Engine> = OnceLock::new();

/// The engine, made when first asked for: loading the plugin costs nothing.
pub fn engine() -> &'static Engine {
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
    /// Keeps what was found where a file's frame was held against the host's: why they are not the same, or that they are.
    pub fn doubt(&self, clip: Clip, why: Option<String>) {
        self.doubts.lock().keep(clip, why, 1);
    }

    /// Why a file's frames are not the host's, if they were not when they were last held against them.
    pub fn doubted(&self, clip: &Clip) -> Option<String> {
        self.doubts.lock().recall(clip).flatten()
    }

    /// The turn to find motion: one frame at a time.
    fn turn(&self, watch: &dyn Watch) -> Result<parking_lot::MutexGuard<'_, ()>> {
        patiently(watch, || self.turn.try_lock_for(IMPATIENCE))
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
            &ReadOptions { cache_bytes: memory::cache(READER_BUDGET), ..ReadOptions::default() },
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
        self.devices.purge();
        MEMORY.give_back();
    }
}

/// Gives back what an unloaded plugin must not hold, if the engine was ever used.
pub fn unload() {
    if let Some(engine) = ENGINE.get() {
        engine.devices.close();
        engine.models.stop();
        engine.memory.close();
    }
    MEMORY.give_back();
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

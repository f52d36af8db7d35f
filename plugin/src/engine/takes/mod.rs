//! Takes on disk: the frames made for a recipe, for every instance, host and process of this machine.
//!
//! A take is one file that appears whole or not at all. Its frames are kept in the size they were made in, in half floats,
//! and each is checked when it is read: a take that was damaged is dropped and made again, never shown. Where nothing can
//! be written (a folder that is read-only, a disk that is full) takes live in memory alone, and only time is lost.

mod file;

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, SystemTime},
};

use parking_lot::Mutex;
use pickup_clips::Setting;
use pickup_model::{Frame, Kept, Recipe};

pub use self::file::{Take, TakeFile, TakeNotes};
use super::memory::cache;
use crate::machine::{self, UserFolder};

/// Bytes of takes on disk, beyond which those not used for longest go.
const ON_DISK: u64 = 4 << 30;
/// Bytes of frames kept in memory.
const IN_MEMORY: usize = 192 << 20;
/// Of the machine's memory, what part takes may have that cannot be written: making one again takes minutes.
const UNWRITTEN: u64 = 8;
/// What a take's file is called, after its recipe.
const ENDING: &str = "take";
/// Files of writers and locks older than this belong to processes that are gone.
const ABANDONED: Duration = Duration::from_secs(24 * 60 * 60);

/// What is kept of the takes of this machine.
pub struct Takes {
    /// None where the system names no place for caches.
    folder: Option<PathBuf>,
    frames: Mutex<Kept<(Recipe, usize), Arc<Frame>>>,
    /// Takes that could not be written.
    unwritten: Mutex<Kept<Recipe, Arc<Take>>>,
}

/// A take, as a list of them shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Its file.
    pub path: PathBuf,
    /// Its size in bytes.
    pub bytes: u64,
    /// When it was used last.
    pub used: SystemTime,
}

impl Listed {
    /// What it is called.
    #[must_use]
    pub fn name(&self) -> String {
        self.path.file_stem().unwrap_or_default().to_string_lossy().into_owned()
    }

    /// Opens it.
    ///
    /// # Errors
    /// When it cannot be read, or is not whole.
    pub fn open(&self) -> io::Result<TakeFile> {
        TakeFile::open(&self.path)
    }
}

/// One process's right to make a take, until it is dropped.
pub struct Claim {
    path: PathBuf,
    /// None where locks cannot be had: then two may do the same work, which is no harm but to time.
    file: Option<File>,
}

impl Takes {
    /// The takes in a folder, which is made when the first is written.
    #[must_use]
    pub fn new(folder: Option<PathBuf>) -> Self {
        let for_unwritten =
            machine::memory().map_or(0, |(total, _)| usize::try_from(total / UNWRITTEN).unwrap_or(usize::MAX));
        let unwritten = Mutex::new(Kept::new(for_unwritten.max(IN_MEMORY)));
        Self { folder, frames: Mutex::new(Kept::new(cache(IN_MEMORY))), unwritten }
    }

    /// The takes of this user.
    #[must_use]
    pub fn of_user() -> Self {
        Self::new(Setting::TAKES.path().or_else(|| machine::user_folder(UserFolder::Caches, "takes")))
    }

    /// Where they lie.
    #[must_use]
    pub fn folder(&self) -> Option<&Path> {
        self.folder.as_deref()
    }

    fn path(&self, recipe: Recipe) -> Option<PathBuf> {
        Some(self.folder.as_ref()?.join(format!("{recipe}.{ENDING}")))
    }

    /// What a take says of itself; none where there is none that is sound.
    #[must_use]
    pub fn notes(&self, recipe: Recipe) -> Option<TakeNotes> {
        if let Some(take) = self.unwritten.lock().recall(&recipe) {
            return Some(take.notes.clone());
        }
        self.open(recipe).map(|file| file.notes().clone())
    }

    /// A frame of a take, by its place among the frames that were missing; none where there is none that is sound.
    #[must_use]
    pub fn frame(&self, recipe: Recipe, place: usize) -> Option<Arc<Frame>> {
        if let Some(frame) = self.frames.lock().recall(&(recipe, place)) {
            return Some(frame);
        }
        if let Some(take) = self.unwritten.lock().recall(&recipe) {
            return take.frames.get(place).map(|f| Arc::new(f.clone()));
        }
        let mut file = self.open(recipe).filter(|file| place < file.count())?;
        let Ok(frame) = file.frame(place) else {
            self.drop_damaged(recipe);
            return None;
        };
        let frame = Arc::new(frame);
        self.remember(recipe, place, &frame);
        Some(frame)
    }

    fn remember(&self, recipe: Recipe, place: usize, frame: &Arc<Frame>) {
        self.frames.lock().keep((recipe, place), frame.clone(), size_of_val(frame.pixels()));
    }

    fn open(&self, recipe: Recipe) -> Option<TakeFile> {
        let path = self.path(recipe)?;
        match TakeFile::open(&path) {
            Ok(file) => Some(file),
            Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                self.drop_damaged(recipe);
                None
            }
            Err(_) => None,
        }
    }

    fn drop_damaged(&self, recipe: Recipe) {
        if let Some(path) = self.path(recipe) {
            ofx::plugin::log(format!("the take {} is damaged, and is made again", path.display()));
            // Where it cannot be removed it is found damaged again, and made again in memory.
            let _ = fs::remove_file(path);
        }
    }

    /// Keeps a take: on disk where that can be written to, else in memory.
    pub fn keep(&self, recipe: Recipe, take: Take) {
        let take = Arc::new(take);
        if let Err(error) = self.write(recipe, &take) {
            ofx::plugin::log(format!("takes are kept in memory alone: {error}"));
            let bytes = take.frames.iter().map(|f| size_of_val(f.pixels())).sum();
            self.unwritten.lock().keep(recipe, take, bytes);
        } else {
            for (place, frame) in take.frames.iter().enumerate() {
                self.remember(recipe, place, &Arc::new(frame.clone()));
            }
        }
    }

    fn write(&self, recipe: Recipe, take: &Take) -> io::Result<()> {
        let path = self.path(recipe).ok_or_else(|| io::Error::other("this system names no folder for caches"))?;
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        // What another version made is not taken from it.
        if let Some(other) = TakeFile::open(&path).err().filter(|error| error.kind() == io::ErrorKind::Unsupported) {
            return Err(other);
        }
        file::write(&path, take).map_err(io::Error::other)?;
        self.make_room(&path);
        Ok(())
    }

    /// Removes the takes not used for longest where there are too many, and what killed processes left.
    fn make_room(&self, newest: &Path) {
        let Some(folder) = &self.folder else { return };
        let mut takes = self.list();
        takes.sort_by_key(|take| take.used);
        let mut total: u64 = takes.iter().map(|take| take.bytes).sum();
        for take in takes.iter().filter(|take| take.path != newest) {
            if total <= ON_DISK {
                break;
            }
            // Another process may have done so.
            let _ = fs::remove_file(&take.path);
            total -= take.bytes;
        }
        for (path, data) in files(folder) {
            let old = data.modified().ok().and_then(|m| m.elapsed().ok()).is_some_and(|age| age > ABANDONED);
            if old && !is_take(&path) && is_ours(&path) {
                let _ = fs::remove_file(path);
            }
        }
    }

    /// The takes on disk.
    #[must_use]
    pub fn list(&self) -> Vec<Listed> {
        let Some(folder) = &self.folder else { return Vec::new() };
        let takes = files(folder).into_iter().filter(|(path, _)| is_take(path));
        let listed = takes.map(|(path, data)| {
            let used = data.modified().unwrap_or(SystemTime::UNIX_EPOCH);
            Listed { path, bytes: data.len(), used }
        });
        listed.collect()
    }

    /// The takes on disk whose names begin with some letters.
    #[must_use]
    pub fn named(&self, start: &str) -> Vec<Listed> {
        self.list().into_iter().filter(|take| take.name().starts_with(start)).collect()
    }

    /// Removes every take; what a process is still reading it reads to the end.
    ///
    /// # Errors
    /// When a file cannot be removed.
    pub fn clear(&self) -> io::Result<usize> {
        self.forget();
        let takes = self.list();
        takes.iter().try_for_each(|take| fs::remove_file(&take.path))?;
        Ok(takes.len())
    }

    /// Forgets what can be read again.
    pub fn forget(&self) {
        self.frames.lock().clear();
    }

    /// Bytes of frames that are kept in memory and can be read again.
    #[must_use]
    pub fn kept(&self) -> usize {
        self.frames.lock().bytes()
    }

    /// The right to make a take, if no other process has it.
    #[must_use]
    pub fn claim(&self, recipe: Recipe) -> Option<Claim> {
        let path = self.path(recipe)?.with_extension("lock");
        if let Some(folder) = path.parent() {
            // Where it cannot be made, neither can the lock.
            let _ = fs::create_dir_all(folder);
        }
        let Ok(file) = File::options().create(true).truncate(false).write(true).open(&path) else {
            return Some(Claim { path, file: None });
        };
        match file.try_lock() {
            Ok(()) => Some(Claim { path, file: Some(file) }),
            Err(fs::TryLockError::WouldBlock) => None,
            Err(fs::TryLockError::Error(_)) => Some(Claim { path, file: None }),
        }
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        if self.file.is_some() {
            // Whoever waits for it holds the file open, gets the lock, and finds the take made.
            let _ = fs::remove_file(&self.path);
        }
    }
}

fn files(folder: &Path) -> Vec<(PathBuf, fs::Metadata)> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let files = entries.flatten().filter_map(|e| Some((e.path(), e.metadata().ok()?)));
    files.filter(|(_, data)| data.is_file()).collect()
}

/// Whether a file is called as takes are: nothing else in the folder is ever touched.
fn is_take(path: &Path) -> bool {
    path.extension().is_some_and(|e| e == ENDING)
        && path.file_stem().is_some_and(|stem| is_recipe(&stem.to_string_lossy()))
}

/// Whether a file is a lock, or on its way to be a take.
fn is_ours(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    name.trim_start_matches('.').split('.').next().is_some_and(is_recipe)
}

fn is_recipe(name: &str) -> bool {
    name.len() == 32 && u128::from_str_radix(name, 16).is_ok()
}

#[cfg(test)]
mod tests;

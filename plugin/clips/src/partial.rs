//! Files that appear whole or not at all: written under a hidden name beside their place, then renamed.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use super::ClipError;

/// The ending of a file on its way.
const ENDING: &str = ".part";

/// A file on its way; removed when dropped before [`Partial::commit`]. It is locked meanwhile, so that one that nobody locks is known
/// to be left over.
pub struct Partial {
    target: PathBuf,
    path: PathBuf,
    file: File,
    kept: bool,
}

impl Partial {
    /// Makes an empty file beside `target`: so a folder that cannot be written to shows at once.
    pub fn create(target: &Path) -> Result<Self, ClipError> {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        // File systems take names of up to 255 bytes, and the target's may be as long.
        let name: String = target.file_name().unwrap_or_default().to_string_lossy().chars().take(40).collect();
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = target.with_file_name(format!(".{name}.{}-{count}{ENDING}", std::process::id()));
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(true).open(&path);
        let file = file.map_err(|e| unwritable(target, e))?;
        // Where files cannot be locked, nobody sweeps either.
        let _ = file.try_lock();
        Ok(Self { target: target.to_path_buf(), path, file, kept: false })
    }

    /// The file, to be written.
    pub fn file(&mut self) -> &mut File {
        &mut self.file
    }

    /// The name it has meanwhile, for another program to write it. Where a lock keeps others from writing, it is let go.
    pub(super) fn hand_over(&self) -> &Path {
        if cfg!(windows) {
            // If it was not locked, nothing need be let go.
            let _ = self.file.unlock();
        }
        &self.path
    }

    /// Puts the finished file in its place, replacing what was there.
    pub fn commit(mut self) -> Result<(), ClipError> {
        fs::rename(&self.path, &self.target).map_err(|e| unwritable(&self.target, e))?;
        self.kept = true;
        Ok(())
    }

    /// Removes what killed runs have left in a folder: files on their way that nobody holds.
    pub fn sweep(folder: &Path) {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let name = entry.file_name();
            if is_partial(&name.to_string_lossy()) && is_left(&entry.path()) {
                // Another run may have removed it by now.
                let _ = fs::remove_file(entry.path());
            }
        }
    }
}

/// Whether a name is one that [`Partial::create`] gives: a point, the file's, the process, a number, and the ending.
fn is_partial(name: &str) -> bool {
    let number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let body = name.strip_prefix('.').and_then(|name| name.strip_suffix(ENDING));
    let owner = body.and_then(|body| body.rsplit_once('.')).and_then(|(_, owner)| owner.split_once('-'));
    owner.is_some_and(|(process, count)| number(process) && number(count))
}

/// Whether nobody holds a file. Where files are not locked while others write them, one that others write cannot be removed.
fn is_left(path: &Path) -> bool {
    OpenOptions::new().write(true).open(path).is_ok_and(|file| file.try_lock().is_ok())
}

impl Drop for Partial {
    fn drop(&mut self) {
        if !self.kept {
            // It may be gone already, and there is nobody left to tell.
            let _ = fs::remove_file(&self.path);
        }
    }
}

fn unwritable(target: &Path, error: io::Error) -> ClipError {
    let folder = target.parent().unwrap_or(Path::new("."));
    match error.kind() {
        io::ErrorKind::NotFound => ClipError::NotFound { path: folder.to_path_buf() },
        _ => ClipError::io(target, "write the file", error),
    }
}

/// Writes a whole file, or none.
pub fn write_whole(target: &Path, bytes: &[u8]) -> Result<(), ClipError> {
    let mut partial = Partial::create(target)?;
    put(target, partial.file(), bytes)?;
    partial.commit()
}

fn put(target: &Path, file: &mut impl Write, bytes: &[u8]) -> Result<(), ClipError> {
    file.write_all(bytes).and_then(|()| file.flush()).map_err(|e| ClipError::io(target, "write the file", e))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_is_named_as_such() {
        struct Full;
        impl Write for Full {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(io::ErrorKind::StorageFull.into())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let error = put(Path::new("out/a.0001.png"), &mut Full, b"x").unwrap_err();
        assert!(matches!(error, ClipError::DiskFull { .. }));
        assert!(error.to_string().contains("out/a.0001.png: the disk is full"), "{error}");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn the_systems_own_full_device_is_recognised() {
        let mut full = OpenOptions::new().write(true).open("/dev/full").unwrap();
        let error = put(Path::new("a.png"), &mut full, b"x").unwrap_err();
        assert!(matches!(error, ClipError::DiskFull { .. }), "{error}");
    }

    #[test]
    fn what_a_killed_run_left_is_swept_and_what_is_being_written_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let join = |name: &str| folder.path().join(name);
        let left = [".a.0001.png.4711-3.part", ".shot.mov.1-0.part"];
        let others = [".a.part", "a.0001.png.4711-3.part", ".a.x-1.part", ".a.1-x.part", ".a.1-2.parts", "a.png"];
        left.iter().chain(&others).for_each(|name| fs::write(join(name), b"x").unwrap());
        let mut at_work = Partial::create(&join("b.png")).unwrap();
        at_work.file().write_all(b"half").unwrap();
        Partial::sweep(folder.path());
        assert!(left.iter().all(|name| !join(name).exists()));
        assert!(others.iter().all(|name| join(name).exists()));
        at_work.commit().unwrap();
        assert_eq!(fs::read(join("b.png")).unwrap(), b"half");
    }

    #[test]
    fn a_dropped_file_leaves_nothing_and_a_finished_one_replaces() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("a.png");
        fs::write(&target, b"old").unwrap();
        drop(Partial::create(&target).unwrap());
        assert_eq!(fs::read(&target).unwrap(), b"old");
        write_whole(&target, b"new").unwrap();
        assert_eq!(fs::read(&target).unwrap(), b"new");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}

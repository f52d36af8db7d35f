//! Files that appear whole or not at all: written under a hidden name beside their place, then renamed.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use super::ClipError;

/// A file on its way; removed when dropped before [`Partial::commit`].
pub struct Partial {
    target: PathBuf,
    path: PathBuf,
    kept: bool,
}

impl Partial {
    /// Makes an empty file beside `target`: so a folder that cannot be written to shows at once.
    pub fn create(target: &Path) -> Result<(Self, File), ClipError> {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        // File systems take names of up to 255 bytes, and the target's may be as long.
        let name: String = target.file_name().unwrap_or_default().to_string_lossy().chars().take(40).collect();
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = target.with_file_name(format!(".{name}.{}-{count}.part", std::process::id()));
        let file = OpenOptions::new().write(true).create(true).truncate(true).open(&path);
        let file = file.map_err(|e| unwritable(target, e))?;
        Ok((Self { target: target.to_path_buf(), path, kept: false }, file))
    }

    /// The name it has meanwhile.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Puts the finished file in its place, replacing what was there.
    pub fn commit(mut self) -> Result<(), ClipError> {
        fs::rename(&self.path, &self.target).map_err(|e| unwritable(&self.target, e))?;
        self.kept = true;
        Ok(())
    }
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

/// Writes a whole file.
pub(super) fn write_whole(target: &Path, bytes: &[u8]) -> Result<(), ClipError> {
    let (partial, mut file) = Partial::create(target)?;
    put(target, &mut file, bytes)?;
    drop(file);
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

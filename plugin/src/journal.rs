//! The log of this process: a file of lines, for whoever has to find out what happened in a host.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
    sync::Once,
    time::SystemTime,
};

use log::LevelFilter;
use pickup_clips::Setting;

use crate::machine::{self, UserFolder};

/// A file of the log is begun anew when it has so many bytes, and the one before it is kept.
const MOST_BYTES: u64 = 2 << 20;

/// Opens the log, once in a process. Where it cannot be written there is none: nobody's work stops for it.
pub fn start() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let wanted = Setting::LOG.text();
        let (level, odd) = level(wanted.as_deref());
        if level == LevelFilter::Off {
            return;
        }
        let Some(Ok(file)) = file().map(Bounded::open) else { return };
        let lines = fern::Dispatch::new()
            .level(level)
            // The libraries beneath tell much that is of no use here.
            .level_for("wgpu_core", level.min(LevelFilter::Warn))
            .level_for("wgpu_hal", level.min(LevelFilter::Warn))
            .level_for("naga", level.min(LevelFilter::Warn))
            .format(|to, message, record| {
                let now = humantime::format_rfc3339_millis(SystemTime::now());
                let text = message.to_string().replace(['\n', '\r'], " ");
                to.finish(format_args!("{now} {} {:5} {text}", std::process::id(), record.level()));
            })
            .chain(Box::new(file) as Box<dyn Write + Send>);
        if lines.apply().is_err() {
            return;
        }
        log::info!("Pickup {} ({})", env!("CARGO_PKG_VERSION"), std::env::consts::ARCH);
        if let Some(odd) = odd {
            log::warn!("{} is {odd:?}, which is none of off, error, warn, info, debug, trace", Setting::LOG.variable());
        }
        if let Err(error) = pickup_clips::machine_settings() {
            log::warn!("the machine's settings are left out: {error}");
        }
    });
}

/// How much is wanted, and a word that says nothing of it.
fn level(wanted: Option<&str>) -> (LevelFilter, Option<&str>) {
    match wanted.map(|word| (word, word.trim().parse())) {
        None => (LevelFilter::Info, None),
        Some((_, Ok(level))) => (level, None),
        Some((word, Err(_))) => (LevelFilter::Info, Some(word)),
    }
}

/// The file of the log: as it is set, else among what this system keeps for a user and can make again; none where it names no such place.
#[must_use]
pub fn file() -> Option<PathBuf> {
    Setting::LOG_FILE.path().or_else(|| Some(machine::user_folder(UserFolder::Caches, "log")?.join("pickup.log")))
}

/// The file of lines before those in a file.
#[must_use]
pub fn before(file: &Path) -> PathBuf {
    file.with_extension("old.log")
}

/// A file that lines are put behind, each at once, and that is begun anew when it is large. Several processes may write the same one.
/// What cannot be written is left out: a log must not disturb what it tells of.
struct Bounded {
    path: PathBuf,
    file: File,
    /// What is to be written at once.
    line: Vec<u8>,
}

impl Bounded {
    fn open(path: PathBuf) -> io::Result<Self> {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        let file = OpenOptions::new().create(true).append(true).open(&path)?;
        Ok(Self { path, file, line: Vec::new() })
    }

    /// Begins the file anew if it is large, unless another process has just done so.
    fn make_room(&mut self) -> io::Result<()> {
        if self.file.metadata()?.len() <= MOST_BYTES {
            return Ok(());
        }
        if fs::metadata(&self.path).is_ok_and(|there| there.len() > MOST_BYTES) {
            fs::rename(&self.path, before(&self.path))?;
        }
        self.file = OpenOptions::new().create(true).append(true).open(&self.path)?;
        Ok(())
    }
}

impl Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.line.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        // Where the file has to stay, as another process holds it open, it grows on.
        let _ = self.make_room();
        let _ = self.file.write_all(&self.line);
        self.line.clear();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_is_one_of_the_usual_words() {
        assert_eq!(level(None), (LevelFilter::Info, None));
        assert_eq!(level(Some("OFF")), (LevelFilter::Off, None));
        assert_eq!(level(Some(" debug ")), (LevelFilter::Debug, None));
        assert_eq!(level(Some("loud")), (LevelFilter::Info, Some("loud")));
    }

    #[test]
    fn a_large_file_is_begun_anew_and_the_lines_before_are_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new/pickup.log");
        let line = [b'a'; 1 << 20];
        let mut file = Bounded::open(path.clone()).unwrap();
        for _ in 0..4 {
            // A line comes in pieces.
            file.write_all(&line[..100]).unwrap();
            file.write_all(&line[100..]).unwrap();
            file.flush().unwrap();
        }
        assert_eq!(fs::metadata(before(&path)).unwrap().len(), 3 << 20);
        assert_eq!(fs::metadata(&path).unwrap().len(), 1 << 20);
        // Another process goes on behind what is there.
        let mut other = Bounded::open(path.clone()).unwrap();
        other.write_all(b"b").unwrap();
        other.write_all(b"c").unwrap();
        assert_eq!(fs::metadata(&path).unwrap().len(), 1 << 20, "not before the line is whole");
        other.flush().unwrap();
        assert_eq!(fs::metadata(&path).unwrap().len(), (1 << 20) + 2);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_log_that_cannot_be_written_disturbs_nothing() {
        let mut full = Bounded::open(PathBuf::from("/dev/full")).unwrap();
        full.write_all(b"a line").unwrap();
        full.flush().unwrap();
    }
}

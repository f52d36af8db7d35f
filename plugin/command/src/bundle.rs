//! `Pickup.ofx.bundle`: made from the library beside this command and the resources inside it, and put where hosts look.

use std::{
    env,
    ffi::OsStr,
    fs, io,
    io::Write,
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
};

use ofx::host::ARCHITECTURE;

use super::{
    CliError,
    args::{BundleArgs, InstallArgs},
    cancel,
};
use pickup::machine::standard_folder;

/// The bundle's name. The binary in it must be called the same, without `.bundle`, or hosts do not find it.
pub(super) const NAME: &str = "Pickup.ofx.bundle";
const BINARY: &str = "Pickup.ofx";
const INFO: &str = "Info.plist";

/// Every file of `resources/`, by its path from there.
const RESOURCES: &[(&str, &[u8])] = include!(concat!(env!("OUT_DIR"), "/resources.rs"));

pub(super) fn run(args: &BundleArgs, out: &mut dyn Write) -> Result<(), CliError> {
    let made = make(&args.out, &find_library()?)?;
    writeln!(out, "made {}", made.display())?;
    writeln!(out, "hosts find it with OFX_PLUGIN_PATH={}, or after `pickup install`", absolute(&args.out).display())?;
    Ok(())
}

pub(super) fn install(args: &InstallArgs, out: &mut dyn Write) -> Result<(), CliError> {
    let folder = args.dir.clone().unwrap_or_else(standard_folder);
    let made = make(&folder, &find_library()?)?;
    writeln!(out, "installed {}", made.display())?;
    if folder != standard_folder() {
        writeln!(out, "hosts find it with OFX_PLUGIN_PATH={}", absolute(&folder).display())?;
    }
    writeln!(out, "start the host again: most look for plugins only then")?;
    Ok(())
}

fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf())
}

/// The plugin's library, built beside this command: the newest, where cargo left several.
pub(super) fn find_library() -> Result<PathBuf, CliError> {
    let command = env::current_exe().map_err(|e| CliError::failed(format!("cannot tell where pickup is: {e}")))?;
    let folder = command.parent().unwrap_or(Path::new("."));
    library_in(folder).ok_or_else(|| {
        CliError::failed(format!(
            "there is no {} beside {}: build it with `cargo build --release`, and run the command from target/release",
            library_name(),
            command.display()
        ))
    })
}

/// `cargo run` leaves the library among the dependencies alone; `cargo build` beside the command too.
fn library_in(folder: &Path) -> Option<PathBuf> {
    let places = [folder.join(library_name()), folder.join("deps").join(library_name())];
    let age = |p: &PathBuf| fs::metadata(p).ok().filter(fs::Metadata::is_file)?.modified().ok();
    places.into_iter().filter_map(|p| Some((age(&p)?, p))).max_by_key(|(made, _)| *made).map(|(_, p)| p)
}

fn library_name() -> String {
    format!("{}pickup{}", env::consts::DLL_PREFIX, env::consts::DLL_SUFFIX)
}

/// Makes the bundle in a folder, all or nothing; an older one there is replaced.
pub(super) fn make(folder: &Path, library: &Path) -> Result<PathBuf, CliError> {
    fs::create_dir_all(folder).map_err(|e| refused(folder, &e))?;
    let part = Scratch::new(folder, "part");
    let contents = part.0.join("Contents");
    let (binaries, resources) = (contents.join(ARCHITECTURE), contents.join("Resources"));
    for made in [&binaries, &resources] {
        fs::create_dir_all(made).map_err(|e| refused(folder, &e))?;
    }
    let binary = binaries.join(BINARY);
    fs::copy(library, &binary).map_err(|e| refused(&binary, &e))?;
    for (name, bytes) in RESOURCES {
        let path = if *name == INFO { contents.join(INFO) } else { resources.join(name) };
        put(&path, bytes, *name == INFO)?;
    }
    cancel::check()?;
    let target = folder.join(NAME);
    replace(&part.0, &target, folder)?;
    Ok(target)
}

fn put(path: &Path, bytes: &[u8], template: bool) -> Result<(), CliError> {
    let filled;
    let bytes = if template {
        filled = String::from_utf8_lossy(bytes).replace("@VERSION@", env!("CARGO_PKG_VERSION")).into_bytes();
        &filled
    } else {
        bytes
    };
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(|e| refused(folder, &e))?;
    }
    fs::write(path, bytes).map_err(|e| refused(path, &e))
}

/// Renames, and puts the older bundle back when that fails.
fn replace(new: &Path, target: &Path, folder: &Path) -> Result<(), CliError> {
    if !target.exists() {
        return fs::rename(new, target).map_err(|e| refused(target, &e));
    }
    let old = Scratch::new(folder, "old");
    fs::rename(target, &old.0).map_err(|e| refused(target, &e))?;
    fs::rename(new, target).map_err(|e| {
        // What can be done about a second failure is in the message of the first.
        let _ = fs::rename(&old.0, target);
        refused(target, &e)
    })
}

/// A hidden folder, gone when dropped.
struct Scratch(PathBuf);

impl Scratch {
    fn new(folder: &Path, what: &str) -> Self {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        Self(folder.join(format!(".{NAME}.{}-{count}.{what}", std::process::id())))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // Renamed away, in the good case.
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn refused(path: &Path, error: &io::Error) -> CliError {
    let advice = match error.kind() {
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            let rights = if cfg!(windows) { "run it as an administrator" } else { "run it with sudo" };
            format!(": not allowed to write there. {rights}, or use a folder of your own and set OFX_PLUGIN_PATH to it")
        }
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            ": the disk is full. Free some space or use another disk; nothing was changed".to_owned()
        }
        _ => format!(": {error}"),
    };
    CliError::failed(format!("cannot make the bundle at {}{advice}", path.display()))
}

/// The bundle beside a library, made afresh when the library is newer or what the bundle carries is not what it should.
///
/// Where the library's folder cannot be written to, it is made in the folder of temporary files.
pub(super) fn beside(library: &Path) -> Result<PathBuf, CliError> {
    let folder = library.parent().unwrap_or(Path::new("."));
    // Beside the command, not among cargo's dependencies.
    let folder =
        if folder.file_name() == Some(OsStr::new("deps")) { folder.parent().unwrap_or(folder) } else { folder };
    let temporary = env::temp_dir().join(format!("pickup-{}", env!("CARGO_PKG_VERSION")));
    for place in [folder, &temporary] {
        let bundle = place.join(NAME);
        if is_fresh(&bundle, library) {
            return Ok(bundle);
        }
    }
    make(folder, library).or_else(|error| {
        // Somebody else may have made it in the meantime.
        let bundle = folder.join(NAME);
        if is_fresh(&bundle, library) { Ok(bundle) } else { make(&temporary, library).map_err(|_| error) }
    })
}

fn is_fresh(bundle: &Path, library: &Path) -> bool {
    let facts = |p: &Path| fs::metadata(p).ok().and_then(|m| Some((m.len(), m.modified().ok()?)));
    let (Some(made), Some(built)) = (facts(&bundle.join("Contents").join(ARCHITECTURE).join(BINARY)), facts(library))
    else {
        return false;
    };
    let resources = bundle.join("Contents").join("Resources");
    // Weights trained anew are as long as those before them.
    let same = |(name, bytes): &(&str, &[u8])| {
        let file = resources.join(name);
        let as_long = || facts(&file).is_some_and(|(len, _)| len == bytes.len() as u64);
        *name == INFO || as_long() && fs::read(&file).is_ok_and(|there| there == *bytes)
    };
    made.0 == built.0 && made.1 >= built.1 && RESOURCES.iter().all(same)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(folder: &Path) -> Vec<String> {
        let mut names: Vec<String> =
            fs::read_dir(folder).unwrap().map(|e| e.unwrap().file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }

    #[test]
    fn a_bundle_has_binary_resources_and_its_version() {
        let folder = tempfile::tempdir().unwrap();
        let library = folder.path().join("lib.so");
        fs::write(&library, b"code").unwrap();
        let bundle = make(&folder.path().join("out"), &library).unwrap();
        assert_eq!(fs::read(bundle.join("Contents").join(ARCHITECTURE).join(BINARY)).unwrap(), b"code");
        let info = fs::read_to_string(bundle.join("Contents/Info.plist")).unwrap();
        assert!(info.contains(env!("CARGO_PKG_VERSION")) && !info.contains('@'), "{info}");
        assert!(!files(&bundle.join("Contents/Resources")).contains(&INFO.to_owned()));
        assert_eq!(files(&folder.path().join("out")), [NAME]);
    }

    #[test]
    fn an_older_bundle_is_replaced_whole() {
        let folder = tempfile::tempdir().unwrap();
        let library = folder.path().join("lib.so");
        fs::write(&library, b"old").unwrap();
        let bundle = make(folder.path(), &library).unwrap();
        fs::write(bundle.join("Contents/stray"), b"").unwrap();
        assert!(is_fresh(&bundle, &library));
        fs::write(&library, b"newer").unwrap();
        assert!(!is_fresh(&bundle, &library));
        assert_eq!(beside(&library).unwrap(), bundle);
        assert!(!bundle.join("Contents/stray").exists() && is_fresh(&bundle, &library));
        assert_eq!(files(folder.path()), [NAME, "lib.so"]);
    }

    #[test]
    fn a_bundle_with_other_weights_of_the_same_length_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let library = folder.path().join("lib.so");
        fs::write(&library, b"code").unwrap();
        let weights = make(folder.path(), &library).unwrap().join("Contents/Resources/motion.safetensors");
        let right = fs::read(&weights).unwrap();
        fs::write(&weights, vec![0; right.len()]).unwrap();
        beside(&library).unwrap();
        assert!(fs::read(&weights).unwrap() == right);
    }

    #[test]
    fn a_failure_leaves_the_older_bundle_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let library = folder.path().join("lib.so");
        fs::write(&library, b"old").unwrap();
        let bundle = make(folder.path(), &library).unwrap();
        assert!(make(folder.path(), &folder.path().join("none.so")).is_err());
        assert_eq!(fs::read(bundle.join("Contents").join(ARCHITECTURE).join(BINARY)).unwrap(), b"old");
        assert_eq!(files(folder.path()), [NAME, "lib.so"]);
    }

    #[test]
    fn the_newest_library_counts() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(library_in(folder.path()), None);
        let dependency = folder.path().join("deps").join(library_name());
        fs::create_dir(folder.path().join("deps")).unwrap();
        fs::write(&dependency, b"").unwrap();
        assert_eq!(library_in(folder.path()), Some(dependency.clone()));
        let own = folder.path().join(library_name());
        fs::write(&own, b"").unwrap();
        let past = std::time::SystemTime::now() - std::time::Duration::from_secs(60);
        fs::File::options().write(true).open(&dependency).unwrap().set_modified(past).unwrap();
        assert_eq!(library_in(folder.path()), Some(own));
    }

    #[test]
    fn refusals_say_what_to_do() {
        let text = refused(Path::new("/usr/OFX"), &io::ErrorKind::PermissionDenied.into()).to_string();
        assert!(text.contains("OFX_PLUGIN_PATH") && text.contains("/usr/OFX"), "{text}");
        assert!(refused(Path::new("x"), &io::ErrorKind::StorageFull.into()).to_string().contains("disk is full"));
    }
}

//! Finding and running the system's ffmpeg and ffprobe.

use std::ffi::OsStr;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Arc, LazyLock, OnceLock};
use std::thread::JoinHandle;

use parking_lot::Mutex;

use super::ClipError;
use super::settings::Setting;

/// Where ffmpeg and ffprobe are looked for. Each is found once, by clones too.
#[derive(Clone, Debug)]
pub struct Tools {
    ffmpeg: Arc<Wanted>,
    ffprobe: Arc<Wanted>,
}

impl Default for Tools {
    /// The programs that [`Setting::FFMPEG`] and [`Setting::FFPROBE`] name, or those on the path: found once in this process.
    fn default() -> Self {
        static TOOLS: LazyLock<Tools> = LazyLock::new(|| {
            let candidates = |name: &str, setting: Setting| match setting.path() {
                Some(path) => vec![path],
                // Programs started from the macOS dock do not get the path that Homebrew and MacPorts install to.
                _ => ["", "/opt/homebrew/bin", "/usr/local/bin", "/opt/local/bin"]
                    .map(|d| Path::new(d).join(name))
                    .into(),
            };
            Tools::among(candidates("ffmpeg", Setting::FFMPEG), candidates("ffprobe", Setting::FFPROBE))
        });
        TOOLS.clone()
    }
}

impl Tools {
    /// These two programs and no others.
    pub fn at(ffmpeg: impl Into<PathBuf>, ffprobe: impl Into<PathBuf>) -> Self {
        Self::among(vec![ffmpeg.into()], vec![ffprobe.into()])
    }

    fn among(ffmpeg: Vec<PathBuf>, ffprobe: Vec<PathBuf>) -> Self {
        let wanted = |name, setting, candidates| Arc::new(Wanted { name, setting, candidates, found: OnceLock::new() });
        Self {
            ffmpeg: wanted("ffmpeg", Setting::FFMPEG, ffmpeg),
            ffprobe: wanted("ffprobe", Setting::FFPROBE, ffprobe),
        }
    }

    /// Version of the ffmpeg found, as it prints it, or `None` if there is none.
    pub fn ffmpeg_version(&self) -> Option<String> {
        Some(self.ffmpeg.find()?.version.clone())
    }

    pub(super) fn ffmpeg(&self, clip: &Path) -> Result<Tool, ClipError> {
        self.ffmpeg.get(clip)
    }

    pub(super) fn ffprobe(&self, clip: &Path) -> Result<Tool, ClipError> {
        self.ffprobe.get(clip)
    }
}

/// A program that is looked for until it is found: users install it when they are told that it is missing.
#[derive(Debug)]
struct Wanted {
    name: &'static str,
    setting: Setting,
    candidates: Vec<PathBuf>,
    found: OnceLock<Tool>,
}

impl Wanted {
    fn get(&self, clip: &Path) -> Result<Tool, ClipError> {
        let missing = || ClipError::ToolMissing { path: clip.to_path_buf(), tool: self.name, setting: self.setting };
        self.find().cloned().ok_or_else(missing)
    }

    fn find(&self) -> Option<&Tool> {
        self.found.get().or_else(|| {
            let tool = self.candidates.iter().find_map(|program| Tool::new(self.name, program))?;
            Some(self.found.get_or_init(|| tool))
        })
    }
}

/// The word after "version" in what `PROGRAM -version` prints.
fn version(program: &Path) -> Option<String> {
    let output = quiet(program).arg("-version").stdin(Stdio::null()).output().ok().filter(|o| o.status.success())?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    Some(text.split_whitespace().skip_while(|w| *w != "version").nth(1)?.to_owned())
}

/// A command that neither opens a console window nor hears the Ctrl-C meant for this process: on Ctrl-C ffmpeg would
/// end its file as if that were all of it.
fn quiet(program: &Path) -> Command {
    let mut command = Command::new(program);
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    #[cfg(windows)]
    {
        const CREATE_NEW_PROCESS_GROUP: u32 = 0x0000_0200;
        const CREATE_NO_WINDOW: u32 = 0x0800_0000;
        std::os::windows::process::CommandExt::creation_flags(
            &mut command,
            CREATE_NEW_PROCESS_GROUP | CREATE_NO_WINDOW,
        );
    }
    command
}

/// A program that was found and answers.
#[derive(Clone, Debug)]
pub(super) struct Tool {
    name: &'static str,
    program: PathBuf,
    version: String,
    /// What it lists when it is asked for its encoders.
    encoders: Arc<OnceLock<String>>,
}

impl Tool {
    fn new(name: &'static str, program: &Path) -> Option<Self> {
        Some(Self { name, program: program.into(), version: version(program)?, encoders: Arc::default() })
    }

    /// Whether ffmpeg has an encoder of this name.
    pub(super) fn has_encoder(&self, clip: &Path, encoder: &str) -> Result<bool, ClipError> {
        let known = match self.encoders.get() {
            Some(known) => known,
            None => {
                let known = self.output(clip, ["-hide_banner", "-encoders"])?;
                self.encoders.get_or_init(|| known)
            }
        };
        Ok(known.split_whitespace().any(|word| word == encoder))
    }

    /// True if the version is below `major.minor`; builds without a number are taken as new.
    fn older_than(&self, major: u32, minor: u32) -> bool {
        let mut numbers =
            self.version.trim_start_matches('n').split(|c: char| !c.is_ascii_digit()).map(str::parse::<u32>);
        match (numbers.next(), numbers.next()) {
            (Some(Ok(a)), Some(Ok(b))) => (a, b) < (major, minor),
            (Some(Ok(a)), _) => a < major,
            _ => false,
        }
    }

    /// The option by which every picture is given once, at its own time.
    pub(super) fn each_picture_once(&self) -> [&'static str; 2] {
        [if self.older_than(5, 1) { "-vsync" } else { "-fps_mode" }, "passthrough"]
    }

    /// Runs to the end and gives what it printed.
    pub(super) fn output<I: IntoIterator<Item: AsRef<OsStr>>>(
        &self,
        clip: &Path,
        args: I,
    ) -> Result<String, ClipError> {
        self.run(clip, args).map(|output| String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// Runs to the end and gives what it said beside that, which tells how it went.
    pub(super) fn said<I: IntoIterator<Item: AsRef<OsStr>>>(&self, clip: &Path, args: I) -> Result<String, ClipError> {
        self.run(clip, args).map(|output| String::from_utf8_lossy(&output.stderr).into_owned())
    }

    fn run<I: IntoIterator<Item: AsRef<OsStr>>>(&self, clip: &Path, args: I) -> Result<Output, ClipError> {
        let output = quiet(&self.program)
            .args(args)
            .stdin(Stdio::null())
            .output()
            .map_err(|e| self.failed(clip, &format!("could not be started: {e}")))?;
        if output.status.success() {
            return Ok(output);
        }
        Err(self.failed(clip, &String::from_utf8_lossy(&output.stderr)))
    }

    /// Starts it with pipes to and from this process.
    pub(super) fn start<I: IntoIterator<Item: AsRef<OsStr>>>(
        &self,
        clip: &Path,
        args: I,
        stdin: Stdio,
        stdout: Stdio,
    ) -> Result<Running, ClipError> {
        let mut child = quiet(&self.program)
            .args(args)
            .stdin(stdin)
            .stdout(stdout)
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|e| self.failed(clip, &format!("could not be started: {e}")))?;
        let words = Arc::new(Mutex::new(Vec::new()));
        let heard = Arc::clone(&words);
        let listener = child.stderr.take().map(|mut stderr| {
            std::thread::spawn(move || {
                let mut piece = [0; 1024];
                // Unread, a chatty program would fill its pipe and stop.
                while let Ok(n @ 1..) = stderr.read(&mut piece) {
                    let mut words = heard.lock();
                    if words.len() < 16_384 {
                        words.extend_from_slice(&piece[..n]);
                    }
                }
            })
        });
        Ok(Running { tool: self.clone(), child, words, listener })
    }

    pub(super) fn failed(&self, clip: &Path, message: &str) -> ClipError {
        if message.contains("No space left on device") {
            return ClipError::DiskFull { path: clip.to_path_buf() };
        }
        ClipError::Tool { path: clip.to_path_buf(), tool: self.name, message: last_words(message, clip) }
    }
}

/// The end of what a program complained about, on one line, without the file's name that the error gives anyway.
pub(super) fn last_words(message: &str, clip: &Path) -> String {
    let absolute = std::path::absolute(clip).unwrap_or_default();
    let lines = message.lines().map(str::trim).filter(|l| !l.is_empty());
    let lines: Vec<_> = lines.map(|l| l.replace(&format!("{}: ", absolute.display()), "")).collect();
    let words = lines[lines.len().saturating_sub(3)..].join("; ");
    if words.is_empty() { "it gave no reason".into() } else { words }
}

/// What ffmpeg says where it could not write all of a file.
const UNWRITTEN: [&str; 5] = [
    "No space left on device",
    "File too large",
    "Error writing trailer",
    "av_interleaved_write_frame",
    "Input/output error",
];

/// A program at work; stopped when dropped.
pub(super) struct Running {
    tool: Tool,
    pub(super) child: Child,
    words: Arc<Mutex<Vec<u8>>>,
    listener: Option<JoinHandle<()>>,
}

impl Running {
    /// Whether it has said anything that is wrong.
    pub(super) fn complained(&self) -> bool {
        !self.words.lock().is_empty()
    }

    /// Waits for its end; an error if it failed, with what it said.
    pub(super) fn wait(&mut self, clip: &Path) -> Result<(), ClipError> {
        drop(self.child.stdin.take());
        let status = self.child.wait();
        if let Some(listener) = self.listener.take() {
            // The thread only reads; it has nothing to panic about and no result.
            let _ = listener.join();
        }
        let words = self.words.lock();
        let words = String::from_utf8_lossy(&words);
        match status {
            // ffmpeg ends well where the disk fills up under its last bytes.
            Ok(status) if status.success() && !UNWRITTEN.iter().any(|sign| words.contains(sign)) => Ok(()),
            _ => Err(self.tool.failed(clip, &words)),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Either fails only if the process has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_as_distributions_print_them() {
        let tool = |version: &str| Tool {
            name: "ffmpeg",
            program: PathBuf::new(),
            version: version.into(),
            encoders: Arc::default(),
        };
        for (version, older) in [
            ("4.4.2-0ubuntu0.22.04.1", true),
            ("5.0", true),
            ("n4.4", true),
            ("5.1.9-0+deb12u1", false),
            ("7.1", false),
        ] {
            assert_eq!(tool(version).older_than(5, 1), older, "{version}");
        }
        assert!(!tool("N-109468-gd39b34123d").older_than(5, 1));
        assert!(!tool("2024-01-01-git").older_than(5, 1));
    }
}

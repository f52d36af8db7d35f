//! What can go wrong with a clip, in words an editor can act on.

use std::io;
use std::path::{Path, PathBuf};

use super::codec::Container;
use super::settings::Setting;

/// Why a clip could not be opened, read or written.
///
/// Every message names the file, says what is wrong with it and what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClipError {
    /// There is no such file or folder.
    #[error("{}: there is no such file or folder. Check the spelling and the folder you are in", path.display())]
    NotFound {
        /// The name that was given.
        path: PathBuf,
    },
    /// The system refused to read or write.
    #[error("{}: could not {action}: {source}", path.display())]
    Io {
        /// The file concerned.
        path: PathBuf,
        /// What was being done.
        action: &'static str,
        /// What the system answered.
        source: io::Error,
    },
    /// The system does not allow reading or writing there.
    #[error("{}: not allowed to {action}. Change the permissions of the file or folder, or choose another", path.display())]
    NotAllowed {
        /// The file or folder concerned.
        path: PathBuf,
        /// What was being done.
        action: &'static str,
    },
    /// No room is left where the clip is written.
    #[error("{}: the disk is full. Free some space or write to another disk; {}", path.display(), left_by(path))]
    DiskFull {
        /// The file that did not fit.
        path: PathBuf,
    },
    /// A pattern such as `shot.%04d.png` names no file that exists.
    #[error("{}: no file matches this pattern. {hint}", pattern.display())]
    NoMatch {
        /// The pattern as given.
        pattern: PathBuf,
        /// What is in the folder instead.
        hint: String,
    },
    /// The name of a clip makes no sense.
    #[error("{}: {reason}", spec.display())]
    BadName {
        /// The name as given.
        spec: PathBuf,
        /// What is wrong with it, and what to write.
        reason: String,
    },
    /// A folder holds several sequences.
    #[error("{}: this folder holds several sequences: {}. Name the one you mean", folder.display(), found.join(", "))]
    MixedFolder {
        /// The folder.
        folder: PathBuf,
        /// Each sequence with its count, as it would be named.
        found: Vec<String>,
    },
    /// Two files carry the same frame number.
    #[error(
        "frame {frame} exists twice: {} and {}. Move one away, or name the sequence with its padding, such as %04d",
        first.display(),
        second.display()
    )]
    SameNumber {
        /// The frame number.
        frame: i64,
        /// One of the files.
        first: PathBuf,
        /// The other.
        second: PathBuf,
    },
    /// A file is empty.
    #[error("{}: the file is empty (0 bytes). Copy or render it again", path.display())]
    Empty {
        /// The file.
        path: PathBuf,
    },
    /// A file is cut short or corrupt.
    #[error("{}: the file is damaged or cut short: {reason}. Copy or render it again", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What the decoder said.
        reason: String,
    },
    /// A file is sound but of a kind that is not read or written here.
    #[error("{}: {what}", path.display())]
    Unsupported {
        /// The file.
        path: PathBuf,
        /// What is not supported, and what to use instead.
        what: String,
    },
    /// A header claims a picture larger than is ever read.
    #[error(
        "{}: its header claims {width}×{height} pixels, more than is read here (up to {} a side and {} million in all). \
         The file is probably damaged",
        path.display(),
        super::MAX_SIDE,
        super::MAX_PIXELS / 1_000_000
    )]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// Claimed width in pixels.
        width: u64,
        /// Claimed height in pixels.
        height: u64,
    },
    /// The frames of a clip are not all of one size.
    #[error(
        "{}: frame {frame} is {}×{} pixels, but the clip is {}×{}. Bring all frames to one size, or leave this one out",
        clip.display(), found.0, found.1, expected.0, expected.1
    )]
    SizeChanges {
        /// The clip.
        clip: PathBuf,
        /// The first frame seen with another size.
        frame: i64,
        /// Size of the clip, width and height.
        expected: (usize, usize),
        /// Size of that frame.
        found: (usize, usize),
    },
    /// The sequence has no file of this number, though it has some before and after it.
    #[error("{}: frame {frame} is missing from the sequence", clip.display())]
    MissingFrame {
        /// The clip.
        clip: PathBuf,
        /// The missing frame.
        frame: i64,
    },
    /// The frame lies before the clip's first or after its last frame.
    #[error("{}: frame {frame} is outside the clip, which runs from {first} to {last}", clip.display())]
    OutsideClip {
        /// The clip.
        clip: PathBuf,
        /// The frame asked for.
        frame: i64,
        /// First frame of the clip.
        first: i64,
        /// Last frame of the clip.
        last: i64,
    },
    /// A video ends before the number of frames that its container promises.
    #[error(
        "{}: the video ends before frame {frame}, though its container promises {promised} frames. \
         Leave out the frames that are not there, or convert the video to an image sequence",
        clip.display()
    )]
    EndsEarly {
        /// The clip.
        clip: PathBuf,
        /// The frame asked for.
        frame: i64,
        /// How many the container promises.
        promised: i64,
    },
    /// ffmpeg or ffprobe is not installed.
    #[error(
        "{}: video and DPX files need {tool}, which was not found. Install ffmpeg (Debian and Ubuntu: sudo apt install ffmpeg; \
         macOS: brew install ffmpeg; Windows: winget install ffmpeg) or set {} to its path. \
         Image sequences such as shot.%04d.png work without it",
        path.display(),
        setting.variable()
    )]
    ToolMissing {
        /// The clip that needs it.
        path: PathBuf,
        /// `ffmpeg` or `ffprobe`.
        tool: &'static str,
        /// What can name it.
        setting: Setting,
    },
    /// ffmpeg ran and failed.
    #[error("{}: {tool} failed: {message}", path.display())]
    Tool {
        /// The clip.
        path: PathBuf,
        /// `ffmpeg` or `ffprobe`.
        tool: &'static str,
        /// Its last words.
        message: String,
    },
    /// The file is not a video that ffmpeg can decode.
    #[error("{}: this is not a video that ffmpeg can read: {reason}", path.display())]
    NotAVideo {
        /// The file.
        path: PathBuf,
        /// What ffprobe said.
        reason: String,
    },
    /// Writing would replace a file of a clip that is being read.
    #[error("{}: writing here would overwrite the input. Choose another folder or name for the output", path.display())]
    OverwritesInput {
        /// The output's name.
        path: PathBuf,
    },
    /// Frames of a video were not written in rising order.
    #[error("{}: frame {frame} came after frame {previous}: the frames of a video are written in rising order", path.display())]
    OutOfOrder {
        /// The video.
        path: PathBuf,
        /// The frame that came too late.
        frame: i64,
        /// The last frame written.
        previous: i64,
    },
    /// Two pictures that are to be compared differ in size.
    #[error("the pictures differ in size: {}×{} and {}×{} pixels", left.0, left.1, right.0, right.1)]
    DifferentSizes {
        /// Width and height of one.
        left: (usize, usize),
        /// Width and height of the other.
        right: (usize, usize),
    },
    /// Pixel data does not fit the size that goes with it.
    #[error("a picture of {width}×{height} pixels was given {samples} samples: {expected}")]
    BadPicture {
        /// Width in pixels.
        width: usize,
        /// Height in pixels.
        height: usize,
        /// How many samples came.
        samples: usize,
        /// What was expected instead.
        expected: &'static str,
    },
}

/// What there is of a clip where writing it failed.
fn left_by(path: &Path) -> &'static str {
    match Container::of(path) {
        Some(_) => "a video is whole or not there, and this one is not",
        None => "frames already finished are complete",
    }
}

impl ClipError {
    /// True where a frame is absent, in a hole or beyond the ends, rather than broken.
    pub fn is_missing(&self) -> bool {
        matches!(self, Self::MissingFrame { .. } | Self::OutsideClip { .. })
    }

    /// Sorts a system error into the kinds that call for different remedies.
    pub fn io(path: &Path, action: &'static str, source: io::Error) -> Self {
        let path = path.to_path_buf();
        match source.kind() {
            io::ErrorKind::NotFound => Self::NotFound { path },
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => Self::NotAllowed { path, action },
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::DiskFull { path },
            _ => Self::Io { path, action, source },
        }
    }

    pub(super) fn damaged(path: &Path, reason: impl ToString) -> Self {
        Self::Damaged { path: path.to_path_buf(), reason: reason.to_string() }
    }

    pub(super) fn unsupported(path: &Path, what: impl Into<String>) -> Self {
        Self::Unsupported { path: path.to_path_buf(), what: what.into() }
    }
}

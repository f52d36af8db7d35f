//! Writing a clip: a file for each frame, or a video.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

use parking_lot::Mutex;

use super::convert::Transfer;
use super::encoder::{Container, Encoder};
use super::naming::{Naming, StillFormat, counts_folders};
use super::partial::{Partial, write_whole};
use super::picture::{Depth, Picture};
use super::reader::{ClipInfo, Rate};
use super::tools::Tools;
use super::{ClipError, still};

/// How a clip is written, beyond what its name says.
#[derive(Clone, Debug)]
pub struct WriteOptions {
    /// Frames a second of a video; sequences have none.
    pub rate: Rate,
    /// Width of a pixel over its height, for EXR and video.
    pub pixel_aspect: f64,
    /// Store samples in this depth instead of the picture's, as far as the format can.
    pub depth: Option<Depth>,
    /// A change of transfer curve on the way out.
    pub transfer: Transfer,
    /// Where ffmpeg is.
    pub tools: Tools,
}

impl Default for WriteOptions {
    fn default() -> Self {
        Self { rate: Rate::FILM, pixel_aspect: 1.0, depth: None, transfer: Transfer::AsIs, tools: Tools::default() }
    }
}

impl WriteOptions {
    /// The rate and pixel aspect of another clip; everything else as it comes.
    pub fn like(info: &ClipInfo) -> Self {
        Self { rate: info.rate, pixel_aspect: info.pixel_aspect, ..Self::default() }
    }
}

enum Target {
    Files {
        naming: Naming,
        format: StillFormat,
    },
    /// A single picture, and the frame it was written from.
    Still {
        format: StillFormat,
        written: Mutex<Option<i64>>,
    },
    Video(Mutex<Option<Box<Encoder>>>),
}

/// A clip being written. Each picture appears whole or not at all; so does a video, when [`ClipWriter::finish`] is
/// called. Dropped without it, a video leaves nothing, and a sequence the pictures that are complete.
///
/// | format | 8-bit | 16-bit | half | float | alpha |
/// |---|---|---|---|---|---|
/// | PNG | 8 | 16 | 16, clamped | 16, clamped | straight |
/// | TIFF | 8 | 16 | float | float | as it comes, and said in the file |
/// | EXR | half | float | half | float | premultiplied; further channels kept |
/// | JPEG (quality 95) | 8 | 8 | 8, clamped | 8, clamped | dropped |
/// | `.mkv` (FFV1, lossless) | 8 | 16 | 16, clamped | 16, clamped | straight |
/// | `.mov` (ProRes 422 HQ; 4444 with alpha) | 10 | 10 | 10, clamped | 10, clamped | straight |
/// | `.mp4` (H.264, CRF 12, 4:2:0) | 8 | 8 | 8, clamped | 8, clamped | dropped |
///
/// Integers stand for 0 to 1 and values keep their transfer curve, unless [`WriteOptions::transfer`] asks for another.
/// Sequences may be written in any order and from several threads; a video takes rising frame numbers.
pub struct ClipWriter {
    spec: PathBuf,
    options: WriteOptions,
    target: Target,
    inputs: HashSet<PathBuf>,
}

impl ClipWriter {
    /// Prepares to write the clip named, making its folder where there is none. `inputs` are the files being read:
    /// a name that would overwrite one of them is refused.
    pub fn create(spec: impl AsRef<Path>, options: WriteOptions, inputs: &[&Path]) -> Result<Self, ClipError> {
        let spec = spec.as_ref();
        let bad = |reason: &str| ClipError::BadName { spec: spec.to_path_buf(), reason: reason.into() };
        if spec.is_dir() || spec.file_name().is_none() || spec.to_string_lossy().ends_with(['/', '\\']) {
            return Err(bad("this is a folder: name the frames in it, such as out/shot.%04d.png, or a video file"));
        }
        let naming = Naming::parse(spec)?;
        if counts_folders(spec) {
            return Err(bad("the frame number belongs in the file name, not in a folder's name"));
        }
        let (still, video) = (StillFormat::of(spec), Container::of(spec));
        if still.is_none() && video.is_none() {
            return Err(bad(
                "the format is told by the ending: write .exr, .png, .tif or .jpg with %04d for the number, or .mp4, .mov or .mkv",
            ));
        }
        if video.is_some() && naming.is_some() {
            return Err(bad("a video is one file and takes no frame number in its name"));
        }
        let folder = spec.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
        fs::create_dir_all(folder).map_err(|e| match e.kind() {
            std::io::ErrorKind::AlreadyExists | std::io::ErrorKind::NotADirectory => {
                bad("part of the way there is a file, not a folder: choose another place")
            }
            _ => ClipError::io(folder, "make the folder", e),
        })?;
        let inputs = real_paths(inputs);
        refuse_inputs(spec, folder, naming.as_ref(), &inputs)?;
        let target = match (still, naming, video) {
            (Some(format), Some(naming), _) => {
                // Shows now, not after an hour's render, that the folder cannot be written to.
                Partial::create(spec)?;
                Target::Files { naming, format }
            }
            (Some(format), None, _) => {
                Partial::create(spec)?;
                Target::Still { format, written: Mutex::new(None) }
            }
            (None, _, Some(container)) => {
                let encoder = Encoder::create(spec, container, &options.tools, options.rate, options.pixel_aspect)?;
                Target::Video(Mutex::new(Some(Box::new(encoder))))
            }
            (None, _, None) => return Err(bad("the format is told by the ending")),
        };
        Ok(Self { spec: spec.to_path_buf(), options, target, inputs })
    }

    /// The name the clip was created by.
    pub fn name(&self) -> &Path {
        &self.spec
    }

    /// The file that a frame goes to.
    pub fn path_of(&self, frame: i64) -> PathBuf {
        match &self.target {
            Target::Files { naming, .. } => naming.path(frame),
            _ => self.spec.clone(),
        }
    }

    /// Writes one frame, replacing a file of that name.
    pub fn write(&self, frame: i64, picture: &Picture) -> Result<(), ClipError> {
        let changed = self.changed(picture);
        let picture = changed.as_ref().unwrap_or(picture);
        match &self.target {
            Target::Files { naming, format } => self.write_still(&naming.path(frame), *format, picture),
            Target::Still { format, written } => {
                let mut written = written.lock();
                if let Some(first) = *written {
                    let reason = format!(
                        "it holds one picture, which is frame {first}, and there are more: name a sequence, such as out.%04d.png"
                    );
                    return Err(ClipError::BadName { spec: self.spec.clone(), reason });
                }
                self.write_still(&self.spec, *format, picture)?;
                *written = Some(frame);
                Ok(())
            }
            Target::Video(encoder) => match encoder.lock().as_mut() {
                Some(encoder) => encoder.write(frame, picture),
                None => Err(ClipError::unsupported(&self.spec, "the video is finished already")),
            },
        }
    }

    fn changed(&self, picture: &Picture) -> Option<Picture> {
        let depth = self.options.depth.filter(|d| *d != picture.depth());
        if depth.is_none() && self.options.transfer == Transfer::AsIs {
            return None;
        }
        // A curve on 8 bits loses shades: apply it on the finer of the two depths.
        let depth = depth.unwrap_or(picture.depth());
        Some(picture.to_depth(depth.max(picture.depth())).to_transfer(self.options.transfer).to_depth(depth))
    }

    fn write_still(&self, path: &Path, format: StillFormat, picture: &Picture) -> Result<(), ClipError> {
        // A file system that ignores case, or a link, can lead to an input under another name.
        if fs::canonicalize(path).is_ok_and(|real| self.inputs.contains(&real)) {
            return Err(ClipError::OverwritesInput { path: path.to_path_buf() });
        }
        write_whole(path, &still::encode(path, format, picture, self.options.pixel_aspect)?)
    }

    /// Completes the clip. A video gets its name only now.
    pub fn finish(self) -> Result<(), ClipError> {
        match self.target {
            Target::Video(encoder) => encoder.into_inner().map_or(Ok(()), |encoder| encoder.finish()),
            Target::Files { .. } | Target::Still { .. } => Ok(()),
        }
    }
}

impl std::fmt::Debug for ClipWriter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ClipWriter").field("name", &self.spec).finish_non_exhaustive()
    }
}

/// Each input's file by its name in its folder, and by what that name leads to.
fn real_paths(inputs: &[&Path]) -> HashSet<PathBuf> {
    let mut real = HashSet::new();
    for file in inputs {
        real.extend(fs::canonicalize(file));
        let folder = file.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
        if let (Ok(folder), Some(name)) = (fs::canonicalize(folder), file.file_name()) {
            real.insert(folder.join(name));
        }
    }
    real
}

fn refuse_inputs(
    spec: &Path,
    folder: &Path,
    naming: Option<&Naming>,
    inputs: &HashSet<PathBuf>,
) -> Result<(), ClipError> {
    let folder = fs::canonicalize(folder).map_err(|e| ClipError::io(folder, "open the folder", e))?;
    let clashes = |input: &PathBuf| {
        let name = input.file_name().and_then(|n| n.to_str()).unwrap_or_default();
        let same_folder = input.parent() == Some(&folder);
        same_folder && naming.map_or(spec.file_name() == input.file_name(), |n| n.number(name).is_some())
    };
    let itself = naming.is_none() && fs::canonicalize(spec).is_ok_and(|real| inputs.contains(&real));
    if itself || inputs.iter().any(clashes) {
        return Err(ClipError::OverwritesInput { path: spec.to_path_buf() });
    }
    Ok(())
}

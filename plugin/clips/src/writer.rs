//! Writing a clip: a file for each frame, or a video.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::Mutex;

use super::beside::Beside;
use super::codec::{Codec, Container, Quality};
use super::convert::Transfer;
use super::encoder::Encoder;
use super::marks::Mark;
use super::naming::{Naming, StillFormat, counts_folders};
use super::partial::{Partial, write_whole};
use super::picture::{Depth, Picture};
use super::reader::{ClipInfo, Rate};
use super::sound::SoundSpan;
use super::tools::Tools;
use super::{ClipError, still};

/// How a clip is written, beyond what its name says.
#[derive(Clone, Debug)]
pub struct WriteOptions {
    /// Frames a second of a video; sequences have none.
    pub rate: Rate,
    /// When frames begin that are not evenly spaced; the rate counts where there are none.
    pub times: Option<Times>,
    /// Width of a pixel over its height, for EXR and video.
    pub pixel_aspect: f64,
    /// Store samples in this depth instead of the picture's, as far as the format can.
    pub depth: Option<Depth>,
    /// Frames that are kept stay in their own depth, whatever [`WriteOptions::depth`] is for the others.
    pub kept_as_deep: bool,
    /// A change of transfer curve on the way out.
    pub transfer: Transfer,
    /// How a video is compressed; without it as is usual in its container.
    pub codec: Option<Codec>,
    /// How much is lost to compression, where any is.
    pub quality: Quality,
    /// What the clip held that is read, and what is to be written beside the pictures too.
    pub beside: Beside,
    /// Which part of its sound is written; none without.
    pub sound: Option<SoundSpan>,
    /// The first frame written is the clip's first, so that its time code holds.
    pub from_start: bool,
    /// Where ffmpeg is.
    pub tools: Tools,
}

impl Default for WriteOptions {
    fn default() -> Self {
        Self {
            rate: Rate::FILM,
            times: None,
            pixel_aspect: 1.0,
            depth: None,
            kept_as_deep: false,
            transfer: Transfer::AsIs,
            codec: None,
            quality: Quality::default(),
            beside: Beside::default(),
            sound: None,
            from_start: false,
            tools: Tools::default(),
        }
    }
}

impl WriteOptions {
    /// As another clip is: its rate or times, its pixel aspect, and what it holds beside its pictures. Its sound is written
    /// where [`WriteOptions::sound`] is set.
    pub fn like(info: &ClipInfo) -> Self {
        let times = Times::of(info);
        let beside = info.beside.clone();
        Self { rate: info.rate, times, pixel_aspect: info.pixel_aspect, beside, ..Self::default() }
    }

    /// The codec for a video of this name.
    pub(super) fn codec_of(&self, path: &Path, container: Container) -> Result<Codec, ClipError> {
        let Some(codec) = self.codec else { return Ok(container.usual(&self.beside)) };
        if container.codecs().contains(&codec) {
            return Ok(codec);
        }
        let names: Vec<_> = container.codecs().iter().map(|codec| codec.name()).collect();
        let what = format!("{} is not written there: choose {}, or another ending", codec.name(), names.join(", "));
        Err(ClipError::unsupported(path, what))
    }
}

/// When the frames of a clip begin that are not evenly spaced, in seconds.
#[derive(Clone, Debug)]
pub struct Times {
    first: i64,
    starts: Arc<[f64]>,
    period: f64,
    last_length: f64,
}

impl Times {
    /// The times of a clip, where it is not the rate that tells them.
    pub fn of(info: &ClipInfo) -> Option<Self> {
        let starts = info.beside.times.clone()?;
        let period = 1.0 / info.rate.as_f64();
        let last_length = info.beside.last_length.unwrap_or(period);
        (!starts.is_empty()).then(|| Self { first: info.first(), starts, period, last_length })
    }

    /// Those of frames that are evenly spaced, of which some may be left out.
    pub fn even(first: i64, rate: Rate) -> Self {
        let period = 1.0 / rate.as_f64();
        Self { first, starts: [0.0].into(), period, last_length: period }
    }

    /// When a frame begins, from the clip's first; beyond its ends by the mean rate.
    pub fn at(&self, frame: i64) -> f64 {
        let place = frame - self.first;
        let last = self.starts.len() as i64 - 1;
        let inside = place.clamp(0, last);
        let beyond = match place - inside {
            0 => 0.0,
            further if further > 0 => self.last_length + (further - 1) as f64 * self.period,
            before => before as f64 * self.period,
        };
        self.starts[inside as usize] + beyond
    }

    /// For how many seconds the clip's last frame is shown.
    pub(super) fn last_length(&self) -> f64 {
        self.last_length
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
/// | BMP, WebP (lossless) | 8 | 8 | 8, clamped | 8, clamped | straight |
/// | DPX (by ffmpeg) | 8 | 16; 10 or 12 as the DPX read | 16, clamped | 16, clamped | straight |
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
    /// The pictures that were written with a mark.
    marked: Mutex<Vec<(PathBuf, Mark)>>,
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
                "the format is told by the ending: write .exr, .png, .tif, .jpg, .bmp, .webp or .dpx with %04d for the number, or .mp4, .mov, .mkv, .webm, .avi or .gif",
            ));
        }
        if video.is_some() && naming.is_some() {
            return Err(bad("a video is one file and takes no frame number in its name"));
        }
        if still == Some(StillFormat::Dpx) {
            // Missed now, not at the first frame that is made.
            options.tools.ffmpeg(spec)?;
        }
        let folder = folder_of(spec);
        fs::create_dir_all(folder).map_err(|e| match e.kind() {
            std::io::ErrorKind::AlreadyExists | std::io::ErrorKind::NotADirectory => {
                bad("part of the way there is a file, not a folder: choose another place")
            }
            _ => ClipError::io(folder, "make the folder", e),
        })?;
        Partial::sweep(folder);
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
                let encoder = Encoder::create(spec, container, &options)?;
                Target::Video(Mutex::new(Some(Box::new(encoder))))
            }
            (None, _, None) => return Err(bad("the format is told by the ending")),
        };
        Ok(Self { spec: spec.to_path_buf(), options, target, inputs, marked: Mutex::default() })
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

    /// Whether a name leads to a file that is read.
    pub fn reads(&self, path: &Path) -> bool {
        real_paths(&[path]).iter().any(|real| self.inputs.contains(real))
    }

    /// Whether a file of this name is one that it writes.
    pub fn writes(&self, path: &Path) -> bool {
        let folder = |path: &Path| fs::canonicalize(folder_of(path)).ok();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let named = match &self.target {
            Target::Files { naming, .. } => naming.number(name).is_some(),
            _ => path.file_name() == self.spec.file_name(),
        };
        named && folder(path).is_some() && folder(path) == folder(&self.spec)
    }

    /// Writes one frame, replacing a file of that name.
    pub fn write(&self, frame: i64, picture: &Picture) -> Result<(), ClipError> {
        self.write_made(frame, picture, None)
    }

    /// Writes one frame as [`ClipWriter::write`] does, with what its file is to say of how it came about. A video says it of all its
    /// frames together. BMP has no place for it.
    pub fn write_made(&self, frame: i64, picture: &Picture, mark: Option<&Mark>) -> Result<(), ClipError> {
        self.write_as_deep(frame, picture, mark, self.options.depth.unwrap_or(picture.depth()))
    }

    fn write_as_deep(&self, frame: i64, picture: &Picture, mark: Option<&Mark>, depth: Depth) -> Result<(), ClipError> {
        let changed = self.changed(picture, depth);
        let picture = changed.as_ref().unwrap_or(picture);
        if let Target::Video(encoder) = &self.target {
            return match encoder.lock().as_mut() {
                Some(encoder) => encoder.write(frame, picture, mark),
                None => Err(ClipError::unsupported(&self.spec, "the video is finished already")),
            };
        }
        self.write_still(frame, |path, format| still::encode(path, format, (frame, picture), mark, &self.options))?;
        if let Some(mark) = mark.filter(|_| self.format() != Some(StillFormat::Bmp)) {
            self.marked.lock().push((self.path_of(frame), mark.clone()));
        }
        Ok(())
    }

    /// Writes a frame whose picture is that of a file. Where the format is the same the file is copied as it is: nothing is
    /// compressed a second time, and whatever it holds beside the picture stays. Else its file gets the mark that is `told`.
    pub fn write_kept(
        &self,
        frame: i64,
        picture: &Picture,
        file: &Path,
        told: impl FnOnce() -> Option<Mark>,
    ) -> Result<(), ClipError> {
        let depth = self.options.depth.filter(|_| !self.options.kept_as_deep).unwrap_or(picture.depth());
        match self.format().and_then(|format| self.copy(format, picture, depth, file)) {
            Some(bytes) => self.write_still(frame, |_, _| Ok(bytes)),
            None => self.write_as_deep(frame, picture, told().as_ref(), depth),
        }
    }

    /// The file's bytes, if they are what would be written of its picture.
    fn copy(&self, format: StillFormat, picture: &Picture, depth: Depth, file: &Path) -> Option<Vec<u8>> {
        let as_deep = still::stored_depth(format, depth) == still::stored_depth(format, picture.depth());
        let as_is = self.options.transfer == Transfer::AsIs && as_deep;
        if !as_is || StillFormat::of(file) != Some(format) {
            return None;
        }
        // One that cannot be read any more is written from memory.
        let bytes = fs::read(file).ok()?;
        (StillFormat::of_bytes(&bytes) == Some(format) && still::upright(format, &bytes)).then_some(bytes)
    }

    fn format(&self) -> Option<StillFormat> {
        match &self.target {
            Target::Files { format, .. } | Target::Still { format, .. } => Some(*format),
            Target::Video(_) => None,
        }
    }

    fn changed(&self, picture: &Picture, depth: Depth) -> Option<Picture> {
        if self.options.transfer == Transfer::AsIs {
            return (depth != picture.depth()).then(|| picture.to_depth(depth));
        }
        // A curve on 8 bits loses shades: it is applied to floats, and comes in the depth that the format stores.
        let depth = self.format().map_or(Depth::U16, |format| still::stored_depth(format, depth));
        Some(picture.to_depth(Depth::F32).to_transfer(self.options.transfer).to_depth(depth))
    }

    fn write_still(
        &self,
        frame: i64,
        content: impl FnOnce(&Path, StillFormat) -> Result<Vec<u8>, ClipError>,
    ) -> Result<(), ClipError> {
        match &self.target {
            Target::Files { naming, format } => self.put(&naming.path(frame), *format, content),
            Target::Still { format, written } => {
                let mut written = written.lock();
                if let Some(first) = *written {
                    let reason = format!(
                        "it holds one picture, which is frame {first}, and there are more: name a sequence, such as out.%04d.png"
                    );
                    return Err(ClipError::BadName { spec: self.spec.clone(), reason });
                }
                self.put(&self.spec, *format, content)?;
                *written = Some(frame);
                Ok(())
            }
            Target::Video(_) => Err(ClipError::unsupported(&self.spec, "a video is no file of one picture")),
        }
    }

    fn put(
        &self,
        path: &Path,
        format: StillFormat,
        content: impl FnOnce(&Path, StillFormat) -> Result<Vec<u8>, ClipError>,
    ) -> Result<(), ClipError> {
        // A file system that ignores case, or a link, can lead to an input under another name.
        if fs::canonicalize(path).is_ok_and(|real| self.inputs.contains(&real)) {
            return Err(ClipError::OverwritesInput { path: path.to_path_buf() });
        }
        write_whole(path, &content(path, format)?)
    }

    /// Completes the clip, and gives its files that have a mark. A video gets its name only now.
    pub fn finish(self) -> Result<Vec<(PathBuf, Mark)>, ClipError> {
        let mut marked = self.marked.into_inner();
        if let Target::Video(encoder) = self.target
            && let Some(encoder) = encoder.into_inner()
        {
            marked.extend(encoder.finish()?.map(|mark| (self.spec, mark)));
        }
        Ok(marked)
    }
}

impl std::fmt::Debug for ClipWriter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ClipWriter").field("name", &self.spec).finish_non_exhaustive()
    }
}

/// The folder that a file is in; of a bare name the one that the program runs in.
fn folder_of(file: &Path) -> &Path {
    file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Each input's file by its name in its folder, and by what that name leads to.
fn real_paths(inputs: &[&Path]) -> HashSet<PathBuf> {
    let mut real = HashSet::new();
    for file in inputs {
        real.extend(fs::canonicalize(file));
        if let (Ok(folder), Some(name)) = (fs::canonicalize(folder_of(file)), file.file_name()) {
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

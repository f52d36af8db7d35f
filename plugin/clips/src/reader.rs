//! Opening a clip and reading any of its frames.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use parking_lot::Mutex;

use super::beside::Beside;
use super::fields::Fields;
use super::naming::{Naming, PICTURES, StillFormat, list_folder};
use super::picture::{Depth, Picture};
use super::read_options::ReadOptions;
use super::video::{self, DamagedPlaces, Decoder, Reading};
use super::{ClipError, open_exr, probe, still};
use crate::frame_list::FrameList;

/// Bytes of decoded frames that a reader keeps, unless told otherwise.
pub const DEFAULT_CACHE: usize = 128 << 20;

/// Frames a second, as a fraction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// Frames in [`Rate::den`] seconds.
    pub num: u32,
    /// Seconds.
    pub den: u32,
}

impl Rate {
    /// 24 frames a second: the rate of sequences, which do not say.
    pub const FILM: Self = Self { num: 24, den: 1 };

    /// Frames a second.
    pub fn as_f64(self) -> f64 {
        f64::from(self.num) / f64::from(self.den)
    }

    /// The same rate in the smallest numbers.
    #[must_use]
    pub fn reduced(self) -> Self {
        let (mut a, mut b) = (self.num, self.den);
        while b > 0 {
            (a, b) = (b, a % b);
        }
        Self { num: self.num / a.max(1), den: self.den / a.max(1) }
    }

    pub(super) fn parse(text: &str, divider: char) -> Option<Self> {
        let (num, den) = text.split_once(divider)?;
        let rate = Self { num: num.parse().ok()?, den: den.parse().ok()? };
        (rate.num > 0 && rate.den > 0).then_some(rate)
    }
}

/// How the values of a clip stand for light, as far as its format tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ColourHint {
    /// Encoded for a display: integers and video.
    Display,
    /// Linear light: floats.
    Linear,
    /// By a curve that the file does not tell well enough to be undone, such as the printing density of a DPX.
    Unknown,
}

/// What a clip is stored as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClipKind {
    /// A numbered file for each frame.
    Sequence,
    /// A single picture: frame 1.
    Still,
    /// A video file, counted from 1.
    Video,
}

/// What a clip is, taken from its first frame and its container.
#[derive(Clone, Debug, PartialEq)]
pub struct ClipInfo {
    /// What it is stored as.
    pub kind: ClipKind,
    /// Width in pixels.
    pub width: usize,
    /// Height in pixels.
    pub height: usize,
    /// How samples are stored in memory.
    pub depth: Depth,
    /// Bits of a sample in the file: 10 where `depth` has 16, for some.
    pub bits: u8,
    /// True if there is alpha.
    pub has_alpha: bool,
    /// True if colours are multiplied by alpha: EXR, and TIFF that says so.
    pub premultiplied: bool,
    /// All channels: R, G, B, A if present, then further ones.
    pub channel_names: Vec<String>,
    /// How values stand for light.
    pub colour: ColourHint,
    /// The frames that exist.
    pub frames: FrameList,
    /// Frames a second; 24 for sequences.
    pub rate: Rate,
    /// Width of a pixel over its height.
    pub pixel_aspect: f64,
    /// What its files hold beside their pictures.
    pub beside: Beside,
}

impl ClipInfo {
    /// Number of the first frame.
    pub fn first(&self) -> i64 {
        self.frames.first().unwrap_or(1)
    }

    /// Number of the last frame.
    pub fn last(&self) -> i64 {
        self.frames.last().unwrap_or(0)
    }

    /// The holes: frames between first and last that do not exist.
    pub fn missing(&self) -> FrameList {
        self.frames.absent_from(self.first()..=self.last())
    }

    /// Width and height in pixels.
    pub fn size(&self) -> (usize, usize) {
        (self.width, self.height)
    }
}

/// The frames of a video that are not what was recorded.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DamagedFrames {
    /// The decoder had to guess these: the file's data for them are damaged.
    pub guessed: FrameList,
    /// These were decoded from guessed ones, and may show the damage too.
    pub after: FrameList,
}

enum Source {
    Files(BTreeMap<i64, PathBuf>),
    Video {
        reading: Reading,
        /// The number of each picture, in the order of the file.
        numbers: Vec<i64>,
        decoder: Mutex<Option<Box<Decoder>>>,
    },
}

/// An open clip. Frames are read at random, from any thread; the latest ones stay in memory.
pub struct ClipReader {
    name: PathBuf,
    info: ClipInfo,
    source: Source,
    options: ReadOptions,
    cache: Mutex<Cache>,
}

/// The files that a clip's name stands for, none where there are none. Nothing in them is read.
#[must_use]
pub fn files_of(spec: &Path) -> Vec<PathBuf> {
    let listed = match fs::metadata(spec) {
        Ok(found) if found.is_dir() => list_folder(spec),
        Ok(_) => return vec![spec.to_path_buf()],
        Err(_) => Naming::parse(spec).and_then(|naming| naming.map_or(Ok(BTreeMap::new()), |naming| naming.list())),
    };
    listed.unwrap_or_default().into_values().collect()
}

impl ClipReader {
    /// Opens a clip by name (see the [module](super)) and reads its first frame.
    pub fn open(spec: impl AsRef<Path>) -> Result<Self, ClipError> {
        Self::open_with(spec, &ReadOptions::default())
    }

    /// Opens a clip, read as the options say.
    pub fn open_with(spec: impl AsRef<Path>, options: &ReadOptions) -> Result<Self, ClipError> {
        let spec = spec.as_ref();
        if spec.as_os_str().is_empty() {
            return Err(ClipError::BadName {
                spec: spec.into(),
                reason: "the clip has no name: give a file, a folder or a pattern such as shot.%04d.png".into(),
            });
        }
        match fs::metadata(spec) {
            Ok(found) if found.is_dir() => Self::sequence(spec, list_folder(spec)?, ClipKind::Sequence, options),
            Ok(found) if found.len() == 0 && found.is_file() => Err(ClipError::Empty { path: spec.into() }),
            Ok(_) if StillFormat::of(spec).is_some() => {
                Self::sequence(spec, BTreeMap::from([(1, spec.to_path_buf())]), ClipKind::Still, options)
            }
            Ok(_) => Self::video(spec, options),
            Err(error) => match Naming::parse(spec)? {
                Some(naming) if StillFormat::of(spec).is_some() => {
                    Self::sequence(spec, naming.list()?, ClipKind::Sequence, options)
                }
                Some(_) => Err(ClipError::unsupported(spec, format!("sequences are read from {PICTURES}: convert it"))),
                None => Err(ClipError::io(spec, "open the clip", error)),
            },
        }
    }

    fn sequence(
        spec: &Path,
        files: BTreeMap<i64, PathBuf>,
        kind: ClipKind,
        options: &ReadOptions,
    ) -> Result<Self, ClipError> {
        let Some((&first, path)) = files.first_key_value() else {
            return Err(ClipError::NoMatch { pattern: spec.into(), hint: String::new() });
        };
        let still = read_still(path, options)?;
        let frames = files.keys().copied().collect();
        let last = files.last_key_value().map_or((first, path), |(&last, path)| (last, path));
        let attributes = open_exr::attributes((first, path), (last.0, last.1)).map(Arc::new);
        let beside = Beside { attributes, ..still.beside };
        let info = info_of(kind, &still.picture, frames, Rate::FILM, still.pixel_aspect, beside);
        let reader = Self::new(spec, info, Source::Files(files), options);
        reader.cache.lock().put(first, Arc::new(still.picture));
        Ok(reader)
    }

    fn new(spec: &Path, info: ClipInfo, source: Source, options: &ReadOptions) -> Self {
        let cache = Mutex::new(Cache::new(options.cache_bytes));
        Self { name: spec.into(), info, source, options: options.clone(), cache }
    }

    fn video(spec: &Path, options: &ReadOptions) -> Result<Self, ClipError> {
        if options.layer.is_some() {
            return Err(ClipError::unsupported(spec, still::NO_LAYERS));
        }
        let ReadOptions { tools, fields, .. } = options;
        let mut probe = probe::probe(spec, tools)?;
        let order = probe.beside.fields;
        let reading = Reading {
            ffmpeg: tools.ffmpeg(spec)?,
            matrix: probe.matrix,
            decoder: probe.decoder,
            filter: fields.filter(order),
            interlaced: order.is_some() && *fields == Fields::AsStored,
            complaints: Arc::default(),
        };
        if *fields != Fields::AsStored {
            fields.apply(spec, &mut probe, || reading.count(spec))?;
            probe.beside.fields_made_up = order.is_none();
        }
        let mut decoder = Decoder::start(spec, &reading, 1)?;
        let Some(picture) = decoder.read().map_err(video::undecodable)? else {
            return Err(ClipError::NotAVideo {
                path: spec.into(),
                reason: "it has no frame that can be decoded".into(),
            });
        };
        let frames = probe.numbers.iter().copied().collect();
        let info = ClipInfo {
            bits: probe.bits,
            ..info_of(ClipKind::Video, &picture, frames, probe.rate, probe.pixel_aspect, probe.beside)
        };
        let source = Source::Video { reading, numbers: probe.numbers, decoder: Mutex::new(Some(Box::new(decoder))) };
        let reader = Self::new(spec, info, source, options);
        reader.cache.lock().put(1, Arc::new(picture));
        Ok(reader)
    }

    /// What the clip is.
    pub fn info(&self) -> &ClipInfo {
        &self.info
    }

    /// The name the clip was opened by.
    pub fn name(&self) -> &Path {
        &self.name
    }

    /// The frames of a video that its decoder gives although the file's data for them are damaged. Nothing is looked for, and none is
    /// named, unless the decoder has complained while frames were read; then the whole video is decoded once more.
    pub fn damaged(&self) -> Result<DamagedFrames, ClipError> {
        let Source::Video { reading, numbers, decoder } = &self.source else { return Ok(DamagedFrames::default()) };
        // A decoder tells what it heard when it goes.
        drop(decoder.lock().take());
        if !reading.complaints.load(Ordering::Relaxed) {
            return Ok(DamagedFrames::default());
        }
        let DamagedPlaces { guessed, after } = reading.damaged(&self.name)?;
        let frames = |places: Vec<i64>| {
            places.into_iter().filter_map(|place| numbers.get(place as usize - 1).copied()).collect::<FrameList>()
        };
        Ok(DamagedFrames { guessed: frames(guessed), after: frames(after) })
    }

    /// The file that holds a frame and no other.
    pub fn file_of(&self, frame: i64) -> Option<&Path> {
        match &self.source {
            Source::Files(files) => files.get(&frame).map(PathBuf::as_path),
            Source::Video { .. } => None,
        }
    }

    /// The files the clip is made of.
    pub fn files(&self) -> Vec<&Path> {
        match &self.source {
            Source::Files(files) => files.values().map(PathBuf::as_path).collect(),
            Source::Video { .. } => vec![&self.name],
        }
    }

    /// A frame by its number. Where there is none the error answers true to [`ClipError::is_missing`].
    pub fn frame(&self, frame: i64) -> Result<Arc<Picture>, ClipError> {
        let (first, last) = (self.info.first(), self.info.last());
        if frame < first || frame > last {
            return Err(ClipError::OutsideClip { clip: self.name.clone(), frame, first, last });
        }
        if let Some(picture) = self.cache.lock().get(frame) {
            return Ok(picture);
        }
        match &self.source {
            Source::Files(files) => {
                let Some(path) = files.get(&frame) else {
                    return Err(ClipError::MissingFrame { clip: self.name.clone(), frame });
                };
                let picture = read_still(path, &self.options)?.picture;
                self.check_size(frame, &picture)?;
                let picture = Arc::new(picture);
                self.cache.lock().put(frame, Arc::clone(&picture));
                Ok(picture)
            }
            Source::Video { reading, numbers, decoder } => {
                let Ok(place) = numbers.binary_search(&frame) else {
                    return Err(ClipError::MissingFrame { clip: self.name.clone(), frame });
                };
                self.decode(reading, decoder, numbers, place as i64 + 1)
            }
        }
    }

    /// The picture at a place in the file, counted from 1.
    fn decode(
        &self,
        reading: &Reading,
        slot: &Mutex<Option<Box<Decoder>>>,
        numbers: &[i64],
        place: i64,
    ) -> Result<Arc<Picture>, ClipError> {
        let number_at = |place: i64| numbers[place as usize - 1];
        let frame = number_at(place);
        let mut slot = slot.lock();
        // Another thread may have brought the frame while this one waited.
        if let Some(picture) = self.cache.lock().get(frame) {
            return Ok(picture);
        }
        let mut decoder = match slot.take() {
            Some(decoder) if decoder.next_place() <= place => decoder,
            _ => Box::new(Decoder::start(&self.name, reading, place)?),
        };
        loop {
            let here = decoder.next_place();
            // On an error the decoder is dropped, so that the next request starts afresh.
            let Some(picture) = decoder.read()? else {
                return Err(ClipError::EndsEarly { clip: self.name.clone(), frame, promised: self.info.last() });
            };
            self.check_size(number_at(here), &picture)?;
            let picture = Arc::new(picture);
            // Frames passed on the way are kept only where a look back is likely: they must not drive out what is used.
            if place - here < NEAR {
                self.cache.lock().put(number_at(here), Arc::clone(&picture));
            }
            if here == place {
                *slot = Some(decoder);
                return Ok(picture);
            }
        }
    }

    fn check_size(&self, frame: i64, picture: &Picture) -> Result<(), ClipError> {
        let (expected, found) = (self.info.size(), picture.size());
        if expected == found {
            return Ok(());
        }
        Err(ClipError::SizeChanges { clip: self.name.clone(), frame, expected, found })
    }
}

impl std::fmt::Debug for ClipReader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ClipReader").field("name", &self.name).field("info", &self.info).finish_non_exhaustive()
    }
}

fn read_still(path: &Path, options: &ReadOptions) -> Result<still::Still, ClipError> {
    match StillFormat::of(path) {
        Some(format) => still::read(path, format, options),
        None => Err(ClipError::unsupported(path, format!("pictures are read from {PICTURES}: convert it"))),
    }
}

fn info_of(
    kind: ClipKind,
    picture: &Picture,
    frames: FrameList,
    rate: Rate,
    pixel_aspect: f64,
    beside: Beside,
) -> ClipInfo {
    ClipInfo {
        kind,
        width: picture.width(),
        height: picture.height(),
        depth: picture.depth(),
        bits: beside.dpx.map_or(8 * picture.depth().bytes() as u8, |dpx| dpx.bits),
        has_alpha: picture.has_alpha(),
        premultiplied: picture.premultiplied(),
        channel_names: picture.channel_names().into_iter().map(str::to_owned).collect(),
        colour: match beside.dpx {
            Some(dpx) => dpx.hint(),
            None if picture.depth().is_float() => ColourHint::Linear,
            None => ColourHint::Display,
        },
        frames,
        rate,
        pixel_aspect: if pixel_aspect.is_finite() && pixel_aspect > 0.0 { pixel_aspect } else { 1.0 },
        beside,
    }
}

/// How far back from a frame that was asked for the frames passed are kept.
const NEAR: i64 = 10;

/// The frames used last, bounded in bytes.
struct Cache {
    limit: usize,
    used: usize,
    clock: u64,
    frames: HashMap<i64, (Arc<Picture>, u64)>,
}

impl Cache {
    fn new(limit: usize) -> Self {
        Self { limit, used: 0, clock: 0, frames: HashMap::new() }
    }

    fn get(&mut self, frame: i64) -> Option<Arc<Picture>> {
        self.clock += 1;
        let (picture, used_at) = self.frames.get_mut(&frame)?;
        *used_at = self.clock;
        Some(Arc::clone(picture))
    }

    fn put(&mut self, frame: i64, picture: Arc<Picture>) {
        self.clock += 1;
        self.used += picture.bytes();
        if let Some((old, _)) = self.frames.insert(frame, (picture, self.clock)) {
            self.used -= old.bytes();
        }
        while self.used > self.limit && self.frames.len() > 1 {
            let Some(oldest) = self.frames.iter().min_by_key(|(_, (_, used_at))| *used_at).map(|(&n, _)| n) else {
                break;
            };
            if let Some((old, _)) = self.frames.remove(&oldest) {
                self.used -= old.bytes();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cache_drops_what_was_used_longest_ago() {
        let picture = || Arc::new(Picture::from_rgb8(2, 2, vec![0; 12]).unwrap());
        let mut cache = Cache::new(24);
        cache.put(1, picture());
        cache.put(2, picture());
        assert!(cache.get(1).is_some());
        cache.put(3, picture());
        assert!(cache.get(2).is_none() && cache.get(1).is_some() && cache.get(3).is_some());
        cache.put(3, picture());
        assert_eq!(cache.used, 24);
    }

    #[test]
    fn a_cache_too_small_for_one_frame_still_keeps_the_latest() {
        let mut cache = Cache::new(0);
        for n in 0..5 {
            cache.put(n, Arc::new(Picture::from_rgb8(1, 1, vec![0; 3]).unwrap()));
        }
        assert_eq!(cache.frames.len(), 1);
        assert!(cache.get(4).is_some());
    }

    #[test]
    fn rates_are_fractions() {
        assert_eq!(Rate::parse("30000/1001", '/'), Some(Rate { num: 30000, den: 1001 }));
        assert_eq!(Rate::parse("0/0", '/'), None);
        assert_eq!(Rate::parse("N/A", '/'), None);
    }
}

//! A take's file: a line that says what it is, a line of JSON that says what is in it, and the frames one after another in
//! half floats, little-endian, RGB from the top left.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write},
    path::Path,
};

use half::{f16, slice::HalfFloatSliceExt};
use pickup_model::{Encoding, Frame};
use serde::{Deserialize, Serialize};
use twox_hash::XxHash3_128;

use crate::provenance::Origin;
use pickup_clips::{ClipError, Partial};

/// How takes of every version begin; the version follows, and a new line.
const MAGIC: &str = "pickup take ";
/// The version that is written.
const VERSION: u32 = 2;
/// The version whose header has fingerprints of the frames, not of their bytes.
const OF_FRAMES: u32 = 1;
/// A first line longer than this is none of a take.
const LONGEST_MAGIC: u64 = 32;
/// A header line longer than this is no header.
const LONGEST_HEADER: u64 = 1 << 20;

/// What there is to know of how a take was made.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TakeNotes {
    /// Words of the prompt that the model does not know.
    pub unknown_words: Vec<String>,
    /// How it came about; takes of older versions do not say.
    #[serde(default)]
    pub origin: Option<Origin>,
}

/// The frames made for a recipe, in the order of the frames that were missing, display-referred RGB.
#[derive(Clone, Debug)]
pub struct Take {
    pub(super) frames: Vec<Frame>,
    pub(super) notes: TakeNotes,
}

impl Take {
    /// A take of frames of one size. Their values are rounded as the file rounds them, so that a take looks the same in
    /// the process that made it and in all that follow.
    ///
    /// # Errors
    /// When the frames are not RGB of one size.
    pub fn new(frames: &[Frame], notes: TakeNotes) -> pickup_model::Result<Self> {
        let frames = frames.iter().map(rounded).collect::<pickup_model::Result<Vec<_>>>()?;
        let shape = |f: &Frame| (f.width(), f.height(), f.channels());
        if let Some(other) = frames.iter().find(|f| shape(f) != shape(&frames[0]) || f.channels() != 3) {
            let (width, height, channels) = shape(other);
            return Err(pickup_model::Error::FrameData { width, height, channels, len: other.pixels().len() });
        }
        Ok(Self { frames, notes })
    }
}

fn rounded(frame: &Frame) -> pickup_model::Result<Frame> {
    let pixels = frame.pixels().iter().map(|v| f16::from_f32(*v).to_f32()).collect();
    Frame::new(frame.width(), frame.height(), frame.channels(), Encoding::Display, pixels)
}

#[derive(Debug, Serialize, Deserialize)]
struct Header {
    width: usize,
    height: usize,
    /// A fingerprint of each frame's bytes; of the first version its pixels'.
    frames: Vec<u64>,
    notes: TakeNotes,
}

impl Header {
    fn frame_bytes(&self) -> Option<u64> {
        (self.width as u64).checked_mul(self.height as u64)?.checked_mul(3 * 2)
    }
}

/// A frame as it stands in the file.
fn bytes_of(frame: &Frame) -> Vec<u8> {
    frame.pixels().iter().flat_map(|v| f16::from_f32(*v).to_le_bytes()).collect()
}

/// A hash as the header has it.
fn shortened(hash: u128) -> u64 {
    hash as u64
}

/// Writes a take; it appears whole or not at all.
pub(super) fn write(path: &Path, take: &Take) -> Result<(), ClipError> {
    let fault = |e: io::Error| ClipError::io(path, "write the take", e);
    let (width, height) = take.frames.first().map_or((0, 0), |f| (f.width(), f.height()));
    let frames = take.frames.iter().map(|frame| shortened(XxHash3_128::oneshot(&bytes_of(frame)))).collect();
    let header = Header { width, height, frames, notes: take.notes.clone() };
    let header = serde_json::to_string(&header).map_err(|e| fault(e.into()))?;
    path.parent().into_iter().for_each(Partial::sweep);
    let mut partial = Partial::create(path)?;
    let file = partial.file();
    let mut write = || -> io::Result<()> {
        writeln!(file, "{MAGIC}{VERSION}")?;
        file.write_all(header.as_bytes())?;
        file.write_all(b"\n")?;
        for frame in &take.frames {
            file.write_all(&bytes_of(frame))?;
        }
        // What has its name must be there after a power cut, too.
        file.sync_all()
    };
    write().map_err(fault)?;
    partial.commit()
}

/// A take's file, open.
pub struct TakeFile {
    file: BufReader<File>,
    version: u32,
    header: Header,
    /// Where the frames start.
    start: u64,
}

/// Values that are read at a time.
const BLOCK: usize = 1 << 14;

fn damaged(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what.to_owned())
}

impl TakeFile {
    /// Opens a take whose header is sound and whose frames are all there, and notes that it was used. One of another version is
    /// [`Unsupported`](io::ErrorKind::Unsupported).
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let file = File::open(path)?;
        // The takes used last are kept longest. Where times cannot be set, they go by when they were made.
        let _ = file.set_modified(std::time::SystemTime::now());
        let mut file = BufReader::new(file);
        let mut magic = String::new();
        let mut line = |most: u64, into: &mut String| {
            let read = (&mut file).take(most).read_line(into);
            read.map_err(|e| if e.kind() == io::ErrorKind::InvalidData { damaged("no text") } else { e })
        };
        line(LONGEST_MAGIC, &mut magic)?;
        let version = magic.strip_prefix(MAGIC).and_then(|rest| rest.strip_suffix('\n')?.parse().ok());
        let version = version.ok_or_else(|| damaged("no take"))?;
        if ![OF_FRAMES, VERSION].contains(&version) {
            return Err(io::Error::new(io::ErrorKind::Unsupported, "a take of another version of Pickup"));
        }
        let mut text = String::new();
        line(LONGEST_HEADER, &mut text)?;
        let header: Header = serde_json::from_str(&text).map_err(|_| damaged("no header"))?;
        let start = (magic.len() + text.len()) as u64;
        let bytes = header.frame_bytes().and_then(|b| b.checked_mul(header.frames.len() as u64));
        if bytes.and_then(|b| b.checked_add(start)) != Some(file.get_ref().metadata()?.len()) {
            return Err(damaged("not all of its frames are there"));
        }
        Ok(Self { file, version, header, start })
    }

    /// What it says of itself.
    #[must_use]
    pub fn notes(&self) -> &TakeNotes {
        &self.header.notes
    }

    /// Width and height of its frames.
    #[must_use]
    pub fn size(&self) -> (usize, usize) {
        (self.header.width, self.header.height)
    }

    /// Frames in it.
    #[must_use]
    pub fn count(&self) -> usize {
        self.header.frames.len()
    }

    /// A frame, display-referred RGB.
    ///
    /// # Errors
    /// When there is no such frame, or it is not what was written.
    pub fn frame(&mut self, place: usize) -> io::Result<Frame> {
        let Header { width, height, .. } = self.header;
        let fingerprint = *self.header.frames.get(place).ok_or_else(|| damaged("no such frame"))?;
        let bytes = self.header.frame_bytes().ok_or_else(|| damaged("too large"))?;
        self.file.seek(SeekFrom::Start(self.start + place as u64 * bytes))?;
        let values = usize::try_from(bytes).map_err(|_| damaged("too large"))? / 2;
        let (mut pixels, mut hasher) = (Vec::with_capacity(values), XxHash3_128::new());
        // Some at a time, so that they stay in the processor's cache.
        let (mut data, mut halves, mut floats) = (vec![[0; 2]; BLOCK], vec![f16::ZERO; BLOCK], vec![0.0; BLOCK]);
        while pixels.len() < values {
            let count = BLOCK.min(values - pixels.len());
            self.file.read_exact(data[..count].as_flattened_mut())?;
            hasher.write(data[..count].as_flattened());
            halves.iter_mut().zip(&data).for_each(|(half, bytes)| *half = f16::from_le_bytes(*bytes));
            halves[..count].convert_to_f32_slice(&mut floats[..count]);
            pixels.extend_from_slice(&floats[..count]);
        }
        let frame = Frame::new(width, height, 3, Encoding::Display, pixels).map_err(io::Error::other)?;
        let read = if self.version == OF_FRAMES { frame.fingerprint() } else { shortened(hasher.finish_128()) };
        if read != fingerprint {
            return Err(damaged("a frame differs from what was written"));
        }
        Ok(frame)
    }
}

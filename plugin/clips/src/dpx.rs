//! DPX, by the system's ffmpeg: one process a file. The header is read here, as ffmpeg tells little of it.
//!
//! ffmpeg calls whatever it writes linear; what a clip's own files say of their numbers is written over that.

use std::io::{BufReader, Read, Write};
use std::path::Path;
use std::process::Stdio;

use super::ClipError;
use super::beside::Beside;
use super::convert::Transfer;
use super::marks::{Mark, SOURCE, TOOL};
use super::picture::{Depth, Picture, Pixels};
use super::probe::LOCAL_ONLY;
use super::reader::ColourHint;
use super::still::{Still, check_size};
use super::tools::{Tool, Tools};
use super::video::{SCALING, read_pam};
use super::writer::WriteOptions;

/// Where things stand in the header (SMPTE ST 268-1).
const OFFSET: usize = 4;
const ORIENTATION: usize = 768;
const WIDTH: usize = 772;
const HEIGHT: usize = 776;
const DESCRIPTOR: usize = 800;
const TRANSFER: usize = 801;
const COLORIMETRY: usize = 802;
const BITS: usize = 803;
const ENCODING: usize = 806;
const ASPECT: [usize; 2] = [1628, 1632];
const FILM: usize = 1664;
const USER: usize = 2048;

/// The transfer characteristics, by their numbers, that matter here.
const LINEAR: u8 = 2;
const VIDEO: u8 = 4;

/// How DPX files store their numbers, and what they say that these stand for: frames that are made say the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DpxNumbers {
    /// Bits of a sample: 8, 10, 12 or 16.
    pub bits: u8,
    transfer: u8,
    colorimetry: u8,
    described: bool,
}

impl DpxNumbers {
    /// The curve of the numbers, as the header names it; none where it does not.
    #[must_use]
    pub fn curve(self) -> Option<&'static str> {
        Some(match self.transfer {
            1 => "printing density",
            LINEAR => "linear",
            3 => "logarithmic",
            VIDEO..=10 => "video",
            _ => return None,
        })
    }

    /// Only video is known to be made for a display: densities have no curve that is the same everywhere, and most programs
    /// call linear what they know nothing of.
    pub(super) fn hint(self) -> ColourHint {
        if matches!(self.transfer, VIDEO..=10) { ColourHint::Display } else { ColourHint::Unknown }
    }

    /// Whether the files tell of film or television, such as a time code.
    pub(super) fn described(self) -> bool {
        self.described
    }
}

/// What is needed of a DPX's header.
struct Header<'a> {
    bytes: &'a [u8],
    big: bool,
}

impl<'a> Header<'a> {
    fn of(bytes: &'a [u8]) -> Option<Self> {
        let big = bytes.starts_with(b"SDPX");
        ((big || bytes.starts_with(b"XPDS")) && bytes.len() >= FILM).then_some(Self { bytes, big })
    }

    fn long(&self, at: usize) -> u32 {
        let four = [0, 1, 2, 3].map(|i| self.bytes[at + i]);
        if self.big { u32::from_be_bytes(four) } else { u32::from_le_bytes(four) }
    }

    fn short(&self, at: usize) -> u16 {
        let two = [self.bytes[at], self.bytes[at + 1]];
        if self.big { u16::from_be_bytes(two) } else { u16::from_le_bytes(two) }
    }

    fn size(&self) -> (u64, u64) {
        (self.long(WIDTH).into(), self.long(HEIGHT).into())
    }

    /// The fewest bytes that a file with such a picture can have.
    fn least_length(&self) -> u64 {
        let channels = match self.bytes[DESCRIPTOR] {
            50 | 102 => 3,
            51 | 52 | 103 => 4,
            100 => 2,
            _ => 1,
        };
        let (width, height) = self.size();
        let packed = self.short(ENCODING) == 0;
        let line = (width * channels * u64::from(self.bytes[BITS])).div_ceil(8);
        u64::from(self.long(OFFSET)) + if packed { line * height } else { 0 }
    }

    fn pixel_aspect(&self) -> f64 {
        let [across, down] = ASPECT.map(|at| self.long(at));
        let told = (1..0x1_0000).contains(&across) && (1..0x1_0000).contains(&down);
        if told { f64::from(across) / f64::from(down) } else { 1.0 }
    }

    fn numbers(&self) -> DpxNumbers {
        // Where the picture begins early there is no such header; what was never filled in is all zeros or all ones.
        let begins = (self.long(OFFSET) as usize).min(self.bytes.len());
        let film = self.bytes.get(FILM..USER.min(begins)).unwrap_or_default();
        let described = begins > USER || film.iter().any(|byte| !matches!(byte, 0 | 0xFF));
        let [transfer, colorimetry, bits] = [TRANSFER, COLORIMETRY, BITS].map(|at| self.bytes[at]);
        DpxNumbers { bits, transfer, colorimetry, described }
    }
}

/// Whether the picture's first row is at its top, and its first column at the left.
pub(super) fn upright(bytes: &[u8]) -> bool {
    Header::of(bytes).is_some_and(|header| matches!(header.short(ORIENTATION), 0 | 0xFFFF))
}

pub(super) fn decode(path: &Path, bytes: &[u8], tools: &Tools) -> Result<Still, ClipError> {
    let cut = || ClipError::damaged(path, "the picture's end is missing");
    let header = Header::of(bytes).ok_or_else(cut)?;
    let (width, height) = header.size();
    check_size(path, width, height)?;
    if (bytes.len() as u64) < header.least_length() {
        return Err(cut());
    }
    if !upright(bytes) {
        let what = "this DPX is stored mirrored or lying, which is not read: save it upright, from the top left";
        return Err(ClipError::unsupported(path, what));
    }
    let picture = picture(path, &tools.ffmpeg(path)?)?;
    let beside = Beside { dpx: Some(header.numbers()), ..Beside::default() };
    Ok(Still { picture, pixel_aspect: header.pixel_aspect(), beside })
}

fn picture(path: &Path, ffmpeg: &Tool) -> Result<Picture, ClipError> {
    let file = std::path::absolute(path).map_err(|e| ClipError::io(path, "find the file", e))?;
    let mut args: Vec<std::ffi::OsString> = ["-v", "error", "-nostdin"].map(Into::into).into();
    args.extend(LOCAL_ONLY.map(Into::into));
    // A percent sign in the name is no place for a number.
    args.extend(["-f", "image2", "-pattern_type", "none", "-c:v", "dpx", "-i"].map(Into::into));
    args.push(file.into_os_string());
    args.extend(["-frames:v", "1", "-sws_flags", SCALING, "-f", "image2pipe", "-c:v", "pam", "pipe:1"].map(Into::into));
    let mut running = ffmpeg.start(path, args, Stdio::null(), Stdio::piped())?;
    let Some(stdout) = running.child.stdout.take() else {
        return Err(ffmpeg.failed(path, "its output could not be connected"));
    };
    let picture = read_pam(path, &mut BufReader::with_capacity(1 << 20, stdout));
    running.wait(path).map_err(|error| match error {
        ClipError::Tool { message, .. } => {
            let instead = "Save it as RGB of 8, 10, 12 or 16 bits";
            ClipError::unsupported(path, format!("ffmpeg cannot read this DPX ({message}). {instead}"))
        }
        error => error,
    })?;
    picture?.ok_or_else(|| ClipError::damaged(path, "ffmpeg finds no picture in it"))
}

/// Bits of a sample of a frame that is written: as the clip's files have them. ffmpeg writes alpha in 8 and 16 alone.
pub(super) fn bits(depth: Depth, alpha: bool, beside: &Beside) -> u8 {
    match (depth, beside.dpx) {
        (Depth::U8, _) => 8,
        (_, Some(DpxNumbers { bits: bits @ (10 | 12), .. })) if !alpha => bits,
        _ => 16,
    }
}

/// The bytes of the file for a picture of 8 or 16 bits, which was made from one of floats or not.
pub(super) fn encode(
    path: &Path,
    picture: &Picture,
    floats: bool,
    options: &WriteOptions,
) -> Result<Vec<u8>, ClipError> {
    let (format, samples) = raw(picture, bits(picture.depth(), picture.has_alpha(), &options.beside));
    let size = format!("{}x{}", picture.width(), picture.height());
    let mut args = vec!["-v", "error", "-f", "rawvideo", "-pix_fmt", &format, "-s", &size, "-i", "pipe:0"];
    args.extend(["-frames:v", "1", "-f", "image2pipe", "-c:v", "dpx", "-pix_fmt", &format, "pipe:1"]);
    let ffmpeg = options.tools.ffmpeg(path)?;
    let mut running = ffmpeg.start(path, args, Stdio::piped(), Stdio::piped())?;
    let (Some(mut input), Some(mut output)) = (running.child.stdin.take(), running.child.stdout.take()) else {
        return Err(ffmpeg.failed(path, "it could not be connected"));
    };
    // ffmpeg has the whole picture before it writes a byte; where it does not take it, its own words tell why.
    let sent = input.write_all(&samples);
    drop(input);
    let mut file = Vec::new();
    let got = output.read_to_end(&mut file);
    running.wait(path)?;
    sent.and(got).map_err(|e| ClipError::io(path, "write by ffmpeg", e))?;
    label(path, &mut file, floats, options)?;
    with_whole_header(&mut file);
    Ok(file)
}

/// Lays the headers of film and television before the samples, all undefined: ffmpeg leaves them out, and OpenImageIO then takes
/// samples for a time code.
fn with_whole_header(file: &mut Vec<u8>) {
    const SIZE: usize = 16;
    const DATA: usize = 808;
    let missing = USER - FILM;
    let Some(big) = Header::of(file).filter(|header| header.long(OFFSET) as usize == FILM).map(|header| header.big)
    else {
        return;
    };
    file.splice(FILM..FILM, std::iter::repeat_n(0xFF, missing));
    let size = u32::try_from(file.len()).unwrap_or(u32::MAX);
    for (at, value) in [(OFFSET, USER as u32), (SIZE, size), (DATA, USER as u32)] {
        put(file, at, value, big);
    }
}

/// A file that says how its picture came about, in the header's texts of who made it and what for: SMPTE ST 268-1 has no other place.
pub(super) fn with_mark(mut file: Vec<u8>, mark: &Mark) -> Vec<u8> {
    const CREATOR: std::ops::Range<usize> = 160..260;
    const PROJECT: std::ops::Range<usize> = 260..460;
    for (field, text) in [(CREATOR, TOOL.to_owned()), (PROJECT, format!("{SOURCE}: {}", mark.source.uri()))] {
        if let Some(field) = file.get_mut(field) {
            field.fill(0);
            // The last byte ends the text.
            let room = field.len() - 1;
            field.iter_mut().take(room).zip(text.bytes()).for_each(|(to, from)| *to = from);
        }
    }
    file
}

/// Writes a number of four bytes into a header, in the header's order of bytes.
fn put(file: &mut [u8], at: usize, value: u32, big: bool) {
    let four = if big { value.to_be_bytes() } else { value.to_le_bytes() };
    file[at..at + 4].copy_from_slice(&four);
}

/// The samples as ffmpeg takes them, and its name for their layout.
fn raw(picture: &Picture, bits: u8) -> (String, Vec<u8>) {
    let alpha = picture.has_alpha();
    let samples = match picture.pixels() {
        Pixels::U8(v) => return (if alpha { "rgba" } else { "rgb24" }.into(), v.clone()),
        Pixels::U16(v) => v.clone(),
        other => match other.to_depth(Depth::U16) {
            Pixels::U16(v) => v,
            _ => unreachable!("to_depth gives the depth asked for"),
        },
    };
    if bits == 16 {
        let format = if alpha { "rgba64be" } else { "rgb48be" };
        return (format.into(), samples.iter().flat_map(|s| s.to_be_bytes()).collect());
    }
    let most = (1_u32 << bits) - 1;
    let fewer = |sample: u16| ((u32::from(sample) * most + 32767) / 65535) as u16;
    // In planes of green, blue and red.
    let plane = |channel: usize| samples.iter().skip(channel).step_by(3).flat_map(move |s| fewer(*s).to_be_bytes());
    (format!("gbrp{bits}be"), plane(1).chain(plane(2)).chain(plane(0)).collect())
}

/// Writes into a header what the numbers stand for, and the shape of a pixel.
fn label(path: &Path, file: &mut [u8], floats: bool, options: &WriteOptions) -> Result<(), ClipError> {
    let Some(Header { big, .. }) = Header::of(file) else {
        return Err(ClipError::damaged(path, "ffmpeg wrote no DPX"));
    };
    let kept = options.beside.dpx.filter(|_| options.transfer == Transfer::AsIs);
    (file[TRANSFER], file[COLORIMETRY]) = match kept {
        Some(numbers) => (numbers.transfer, numbers.colorimetry),
        None if floats && options.transfer == Transfer::AsIs => (LINEAR, LINEAR),
        None => (VIDEO, VIDEO),
    };
    let aspect = options.pixel_aspect;
    let square = (aspect - 1.0).abs() < 1e-6;
    let fraction = if square { [1, 1] } else { [(aspect * 10_000.0).round().clamp(1.0, 65_535.0) as u32, 10_000] };
    for (at, value) in ASPECT.into_iter().zip(fraction) {
        put(file, at, value, big);
    }
    Ok(())
}

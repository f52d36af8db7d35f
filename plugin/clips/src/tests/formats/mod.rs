//! Files as other programs write them, in every layout that comes along: the reader's pixels against those programs' own.

mod by_hand;
mod oiio;
mod pictures;
mod videos;

use std::process::{Command, Stdio};

use super::*;

/// What comes of a file.
#[derive(Clone, Copy, Debug)]
enum Must {
    /// Every sample is the other program's.
    Equal,
    /// No sample is further from the other program's than so many of 255 levels.
    Near(f64),
    /// It is not read, and the error has this word.
    Fail(&'static str),
}

use Must::{Equal, Fail, Near};

/// What was found of a table of files.
#[derive(Default)]
struct Found {
    same: usize,
    near: Vec<String>,
    refused: usize,
    wrong: Vec<String>,
}

impl Found {
    /// Notes how far a file's pixels are from the other program's; or why there are none.
    fn note(&mut self, name: &str, must: Must, apart: Result<f64, String>) {
        match (must, apart) {
            (Equal | Near(_), Ok(0.0)) => self.same += 1,
            (Near(most), Ok(apart)) if apart <= most => self.near.push(format!("{name} {apart:.2}")),
            (Fail(word), Err(error)) if error.contains(word) && error.contains(name) => self.refused += 1,
            (must, found) => self.wrong.push(format!("{name}: must be {must:?}, found {found:?}")),
        }
    }

    /// Fails where one is not as it must be, and says how the others are.
    #[track_caller]
    fn settle(self) {
        let Self { same, near, refused, wrong } = self;
        let (others, near) = (near.len(), near.join(", "));
        assert!(wrong.is_empty(), "\n{}\n{same} the same; {others} near: {near}; {refused} refused", wrong.join("\n"));
    }
}

/// Runs a program in a folder, and gives what it wrote to its output.
#[track_caller]
fn run(folder: &Folder, program: &str, args: impl IntoIterator<Item: AsRef<std::ffi::OsStr>>) -> Vec<u8> {
    let mut command = Command::new(program);
    command.current_dir(folder.0.path()).args(args).stdin(Stdio::null());
    let output = command.output().unwrap_or_else(|e| panic!("{program}: {e}"));
    assert!(output.status.success(), "{command:?}\n{}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

fn ffmpeg(folder: &Folder, line: &str) -> Vec<u8> {
    run(folder, "ffmpeg", "-v error -nostdin -y".split(' ').chain(line.split_whitespace()))
}

/// Where all files of a table are made from: noise, and something soft for what is compressed with loss.
fn sources() -> Folder {
    let folder = Folder::new();
    let write = |name: &str, picture: &Picture| {
        ClipWriter::create(folder.join(name), WriteOptions::default(), &[]).unwrap().write(1, picture).unwrap();
    };
    write("noise.png", &picture(3, 33, 21, true, Depth::U16));
    write("noise.exr", &picture(3, 33, 21, true, Depth::F32));
    let soft = |i: usize| {
        let (x, y, c) = ((i / 4 % 64) as f32, (i / 256) as f32, i % 4);
        0.5 + 0.35 * (x / 40.0 + c as f32 * 1.7).sin() * (y / 37.0 + c as f32).cos()
    };
    let values = (0..64 * 48 * 4).map(soft).collect();
    write("soft.png", &Picture::new(64, 48, true, false, Pixels::from_f32(values, Depth::U16)).unwrap());
    folder
}

/// How far a file's first frame is from that which `other` has of it, which is told the depth and whether there is alpha:
/// of 255 levels the most that a sample is off, and 0 where every bit is the same.
fn compare(path: &Path, other: impl FnOnce(&Picture) -> Pixels) -> Result<f64, String> {
    let reader = ClipReader::open(path).map_err(|e| e.to_string())?;
    let ours = reader.frame(1).map_err(|e| e.to_string())?;
    let theirs = other(&ours);
    if ours.pixels().len() != theirs.len() {
        return Err(format!("{} samples and {}", ours.pixels().len(), theirs.len()));
    }
    if ours.pixels().same_bits(&theirs) {
        return Ok(0.0);
    }
    let (a, b) = (ours.pixels().to_f32(), theirs.to_f32());
    let apart = a.iter().zip(&b).map(|(a, b)| f64::from((a - b).abs() * 255.0)).fold(0.0, f64::max);
    // Two zeros of different signs, or what is no number, are not the same bits.
    Ok(if apart > 0.0 { apart } else { f64::NAN })
}

/// ffmpeg's most careful way from luma and chroma to RGB.
const SCALING: &str = "-sws_flags bicubic+accurate_rnd+full_chroma_int";

/// The first picture of a file as ffmpeg decodes it, with options before the file and after it.
fn by_ffmpeg(folder: &Folder, name: &str, (before, after): (&str, &str), like: &Picture) -> Pixels {
    let layout = match (like.depth(), like.has_alpha()) {
        (Depth::U8, false) => "rgb24",
        (Depth::U8, true) => "rgba",
        (_, false) => "rgb48le",
        (_, true) => "rgba64le",
    };
    let bytes = ffmpeg(folder, &format!("{before} -i {name} {after} -frames:v 1 -f rawvideo -pix_fmt {layout} -"));
    if like.depth() == Depth::U8 {
        return Pixels::U8(bytes);
    }
    Pixels::U16(bytes.chunks_exact(2).map(|b| u16::from_le_bytes([b[0], b[1]])).collect())
}

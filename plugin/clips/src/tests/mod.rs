//! Clips from end to end, on files that the tests make themselves.

mod bad_input;
mod beside;
mod dpx;
mod formats;
mod layers;
mod marks;
mod matrix;
mod sequences;
mod told;
mod videos;

use std::path::{Path, PathBuf};

use half::f16;
use tempfile::TempDir;

use super::*;

/// A folder that goes away with the test.
struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn join(&self, name: impl AsRef<Path>) -> PathBuf {
        self.0.path().join(name)
    }

    /// Names of the files, hidden ones too.
    fn names(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.0.path()).unwrap();
        let mut names: Vec<_> = entries.map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.sort_unstable();
        names
    }
}

/// A picture unlike that of any other number, with values in the whole range of its depth.
fn picture(number: i64, width: usize, height: usize, alpha: bool, depth: Depth) -> Picture {
    let mut state = number as u64 ^ 0x9E37_79B9_7F4A_7C15;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state >> 32
    };
    let count = width * height * if alpha { 4 } else { 3 };
    let mut float = || (next() % 8192) as f32 / 1024.0 - 2.0;
    let pixels = match depth {
        Depth::F16 => Pixels::F16((0..count).map(|_| f16::from_f32(float())).collect()),
        Depth::F32 => Pixels::F32((0..count).map(|_| float()).collect()),
        Depth::U8 => Pixels::U8((0..count).map(|_| next() as u8).collect()),
        Depth::U16 => Pixels::U16((0..count).map(|_| next() as u16).collect()),
    };
    Picture::new(width, height, alpha, depth.is_float(), pixels).unwrap()
}

/// Writes the frames to a sequence and returns its pattern.
fn sequence(folder: &Folder, name: &str, frames: impl IntoIterator<Item = i64>) -> PathBuf {
    let spec = folder.join(name);
    let writer = ClipWriter::create(&spec, WriteOptions::default(), &[]).unwrap();
    for frame in frames {
        writer.write(frame, &picture(frame, 6, 4, false, Depth::U8)).unwrap();
    }
    writer.finish().unwrap();
    spec
}

fn message(result: Result<impl std::fmt::Debug, ClipError>) -> String {
    result.unwrap_err().to_string()
}

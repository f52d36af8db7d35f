//! Clips: image sequences and video files, read and written frame by frame.
//!
//! A clip is named as in `pickup render --in CLIP --out CLIP`:
//!
//! | name | clip |
//! |---|---|
//! | `shot.%04d.exr`, `shot.####.png`, `shot.%d.tif` | the sequence of all files that fit the pattern |
//! | `shots/010/` | the one sequence in that folder |
//! | `plate.png` | a still: one frame, number 1 |
//! | `plate.mp4` (`.mov`, `.mkv`, …) | a video, by the system's ffmpeg, counted from frame 1 |
//!
//! Sequences are EXR, PNG, TIFF, JPEG, BMP, WebP or DPX (by ffmpeg), and keep the numbers of their files; holes are missing frames.
//!
//! ```no_run
//! use pickup_clips::{ClipReader, ClipWriter, WriteOptions};
//! # fn main() -> Result<(), pickup_clips::ClipError> {
//! let reader = ClipReader::open("in/shot.%04d.exr")?;
//! let writer = ClipWriter::create("out/shot.%04d.exr", WriteOptions::like(reader.info()), &reader.files())?;
//! for frame in reader.info().frames.iter() {
//!     writer.write(frame, &*reader.frame(frame)?)?;
//! }
//! writer.finish()?;
//! # Ok(())
//! # }
//! ```
#![forbid(unsafe_code)]

mod attributes;
mod beside;
mod codec;
mod convert;
mod dpx;
mod encoder;
mod error;
mod exr_layers;
mod fields;
mod font;
pub mod frame_list;
mod lost;
mod marks;
mod measure;
mod more_tiff;
pub mod naming;
mod open_exr;
mod partial;
mod picture;
mod png_chunks;
mod probe;
mod read_options;
mod reader;
mod settings;
mod sheet;
mod sound;
mod still;
#[cfg(test)]
mod tests;
mod timed;
mod tools;
mod video;
mod writer;

pub use attributes::Attributes;
pub use beside::{Beside, ColourTags, FieldOrder, Notes, Sound};
pub use codec::{Codec, Quality};
pub use convert::Transfer;
pub use dpx::DpxNumbers;
pub use error::ClipError;
pub use fields::Fields;
pub use font::{HEIGHT as LETTER_HEIGHT, WIDTH as LETTER_WIDTH, glyph as letter_dots};
pub use lost::{lost, usual_transfer};
pub use marks::{DigitalSource, Mark};
pub use measure::{difference, psnr, psnr_float, ssim};
pub use partial::{Partial, write_whole};
pub use picture::{Depth, Picture, Pixels, Plane, PlaneSamples};
pub use read_options::ReadOptions;
pub use reader::{ClipInfo, ClipKind, ClipReader, ColourHint, DEFAULT_CACHE, DamagedFrames, Rate, files_of};
pub use settings::{MACHINE_FILE_VARIABLE, MachineSettings, SetBy, Setting, machine_file, machine_settings};
pub use sheet::{SheetCell, contact_sheet};
pub use sound::SoundSpan;
pub use tools::Tools;
pub use writer::{ClipWriter, Times, WriteOptions};

/// Whether a file of this name holds one picture, not a video.
#[must_use]
pub fn is_picture(path: &std::path::Path) -> bool {
    naming::StillFormat::of(path).is_some()
}

/// The most pixels a side of a picture can have.
pub const MAX_SIDE: u64 = 32_768;

/// The most pixels a picture can have.
pub const MAX_PIXELS: u64 = 1 << 28;

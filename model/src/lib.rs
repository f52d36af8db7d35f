//! Shots, briefs and the fillers that make missing frames. No OpenFX type in sight.
//!
//! Every job is a [`Shot`] with missing frames; a [`Brief`] says what belongs in the gaps; a [`Filler`] makes them.
//! [`motion::MotionFiller`] does so from the frames around a gap, [`diffusion`] from a prompt and whatever is known.
#![deny(unsafe_code)]

mod brief;
pub mod damage;
pub mod diffusion;
mod encoding;
pub mod engine;
mod error;
mod exposure;
mod filler;
mod frame;
mod frozen;
mod kept;
pub mod kernels;
pub mod language;
mod memory;
pub mod motion;
mod polynomial;
mod recipe;
mod rescaled;
mod shot;
mod side_by_side;
pub mod srgb;
mod table;

pub use brief::{Brief, Quality};
pub use encoding::Encoding;
pub use error::{Error, Result};
pub use exposure::Exposure;
pub use filler::{Filler, Made, Origin, Unwatched, Watch};
pub use frame::Frame;
pub use frozen::is_frozen;
pub use kept::Kept;
pub use memory::check as check_memory;
pub use recipe::Recipe;
pub use rescaled::{Rescaled, Rows};
pub use shot::{Known, Shot};
pub use side_by_side::each_row;

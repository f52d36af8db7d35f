//! The GPU engine: adapters, maps in a card's memory, and the kernels that work on them, by `wgpu` on Vulkan, Metal and
//! Direct3D 12.
//!
//! A [`Map`] holds `[channels, height, width]` numbers in `f32`, plane after plane and row after row, as a tensor `[1, C, H, W]` of
//! the CPU's kernels does. What is asked for is made when something else needs it, and queued; [`Gpu::read`] waits for it. What goes
//! wrong on the way (a lost device, a shader that does not compile) is the error of the next `read`, and of every one after it: a GPU
//! that has failed is to be opened anew. What it has no memory for is the error of whatever needs it first, and harms nothing else.
//!
//! On one device the same maps give the same numbers every time: no sum's order is left to chance.
//!
//! ```no_run
//! use pickup_gpu::{Gpu, adapters};
//!
//! # fn main() -> Result<(), pickup_gpu::GpuError> {
//! for adapter in adapters() {
//!     let gpu = Gpu::open(&adapter)?;
//!     let map = gpu.map([1, 2, 2], &[0.0, 1.0, 2.0, 3.0])?;
//!     assert_eq!(gpu.read(&gpu.resize(&map, 1, 2)?)?, [1.0, 2.0]);
//! }
//! # Ok(())
//! # }
//! ```
#![deny(unsafe_code)]

mod adapter;
mod conv;
mod counted;
mod error;
mod formula;
mod gpu;
mod kernel;
mod map;
mod matrices;
mod mix;
mod ops;
mod point;
mod pool;
mod search;

pub use adapter::{Adapter, Kind, adapters};
pub use conv::{Conv, ConvWeights};
pub use counted::Counted;
pub use error::GpuError;
pub use gpu::Gpu;
pub use kernel::{Across, Both, Each};
pub use map::Map;
pub use mix::Pixels;
pub use pool::Memory;
pub use search::TakeOver;

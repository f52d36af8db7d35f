//! The host side: loads plugins, describes them, makes instances and renders, behaving as a [`Profile`] says.
//!
//! The life of an effect here, as in any host:
//!
//! 1. [`Binary::open`] loads the library, or [`Binary::in_process`] takes one linked into the program.
//! 2. [`Host::load`] runs setHost, load and describe, and gives an [`Effect`].
//! 3. [`Effect::describe_in`] runs describeInContext once a context: [parameters](ParamDescriptor) and
//!    [clips](ClipDescriptor).
//! 4. [`Effect::create`] makes an [`Instance`]; [`Instance::connect`] and [`Instance::set`] set it up.
//! 5. [`Instance::render`] asks for preferences, region, frames needed and identity as the profile's host does, and
//!    renders; [`render_range`] does so for many frames, with the host's threads and clones.
//! 6. Instances are destroyed, effects unloaded and libraries closed when the last that needs them is dropped.
//!
//! ```no_run
//! use std::sync::Arc;
//! use ofx::{Context, host::{Binary, Host, HostImage, MemoryClip, PixelFormat, Profile, Project, RenderArgs}};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let binary = Binary::open("pickup.ofx.bundle")?;
//! let host = Host::new(Profile::natron());
//! let effect = host.load(&binary, "org.pickup.Repair")?;
//! let instance = effect.create(Context::Filter, Project::new(1920, 1080, 1.0, 10.0))?;
//! let black = Arc::new(HostImage::from_rgba(1920, 1080, &[], PixelFormat::FLOAT_RGBA)?);
//! instance.connect("Source", Arc::new(MemoryClip::new(1, vec![Some(black); 10])))?;
//! instance.set("frames", "3-5")?;
//! let picture = instance.render(RenderArgs::at(4.0))?;
//! assert_eq!(picture.width(), 1920);
//! # Ok(())
//! # }
//! ```
//!
//! A plugin that passes garbage gets a status: handles are numbers that are looked up, never followed.

mod check;
mod clip;
mod descriptor;
mod effect_object;
mod error;
mod examine;
mod fetch;
mod image;
mod instance;
mod load;
mod log;
mod overlay;
mod param;
mod profiles;
mod property;
mod questions;
mod range;
mod registry;
mod render;
#[cfg(test)]
mod seeded;
mod sets;
mod suites;
#[cfg(test)]
mod tests;
mod traits;
mod value;
mod varargs;

pub use clip::{FrameSource, MemoryClip, SourceError};
pub use descriptor::{ClipDescriptor, ContextDescriptor, EffectDescriptor, ParamDescriptor};
pub use error::{HostError, RenderError};
pub use examine::{Examined, examine};
pub use image::{HostImage, ImageTooLarge, PixelFormat, RowLayout};
pub use instance::{Instance, Project};
pub use load::{ARCHITECTURE, Binary, Effect, Host, Plugin};
pub use log::{CancelHandle, Message, MessageKind, Progress};
pub use overlay::{Drawn, OverlayView, Pen};
pub use profiles::Profile;
pub use property::SetKind;
pub use questions::Identity;
pub use range::{RangeProgress, render_range};
pub use registry::live_handles;
pub use render::RenderArgs;
#[doc(hidden)]
pub use suites::fuzz_properties;
pub use traits::{BeyondRange, Calls, ImageScale, MessageSuite, NullImage, RangeSaid, Suites, Unannounced};
pub use value::{ParamKind, Value};

//! The plugin side: write an effect as a struct, and hosts see an OpenFX plugin.
//!
//! A host's calls, in order, and what they become:
//!
//! 1. It loads the binary, asks for its effects ([`export!`](crate::export)) and gives itself (`setHost`).
//! 2. *Load*: the suites are fetched, then [`Effect::load`].
//! 3. *Describe*, *describe in context*: answered from [`Effect::META`], [`Params`] and [`Clips`].
//! 4. *Create instance*: [`Effect::new`]. Hosts clone, create and destroy instances at will: what is expensive
//!    belongs into something process-wide.
//! 5. *Instance changed*: [`Effect::changed`], around it [`Effect::begin_changed`] and [`Effect::end_changed`].
//! 6. Questions, at any time: [`Effect::region_of_definition`], [`Effect::regions_of_interest`],
//!    [`Effect::frames_needed`], [`Effect::clip_preferences`], [`Effect::time_domain`], [`Effect::is_identity`].
//! 7. *Render*: [`Effect::render`], from several threads at once, around it [`Effect::begin_sequence`] and
//!    [`Effect::end_sequence`].
//! 8. *Destroy instance*: the struct is dropped, when the last render on it is done.
//! 9. *Unload*: [`Effect::unload`].
//!
//! Each phase has a type of its own ([`Create`], [`Changed`], [`At`], [`Render`], …) that gives what the standard
//! allows there. Images borrow it, so none can be kept. Errors and panics become a status and a message.
//!
//! A whole effect:
//!
//! ```
//! use ofx::{Clip, Context, Effect, Meta, Result, plugin::{At, Create, FramesNeeded, Render}};
//!
//! #[derive(ofx::Params, Clone)]
//! struct EchoParams {
//!     /// How strong the frame before shows through.
//!     #[param(default = 0.5, range = 0.0..=1.0, animates)]
//!     mix: f64,
//! }
//!
//! #[derive(ofx::Clips)]
//! struct EchoClips {
//!     source: Clip,
//!     output: Clip,
//! }
//!
//! struct Echo;
//!
//! impl Effect for Echo {
//!     const META: Meta = Meta::new("org.example.Echo", "Echo")
//!         .description("Blends each frame with the one before.")
//!         .contexts(&[Context::Filter, Context::General])
//!         .temporal();
//!     type Params = EchoParams;
//!     type Clips = EchoClips;
//!
//!     fn new(_: &Create<'_, Self>) -> Result<Self> {
//!         Ok(Self)
//!     }
//!
//!     fn frames_needed(&self, cx: &At<'_, Self>, frames: &mut FramesNeeded) -> Result<()> {
//!         frames.add(cx.clips().source, cx.time() - 1.0, cx.time());
//!         Ok(())
//!     }
//!
//!     fn render(&self, cx: &Render<'_, Self>) -> Result<()> {
//!         let (source, time, mix) = (cx.clips().source, cx.time(), cx.params()?.mix as f32);
//!         let mut output = cx.output()?;
//!         let Some(now) = cx.image(source, time)? else { return Err("Connect a source".into()) };
//!         let before = if cx.host().temporal_access { cx.image(source, time - 1.0)? } else { None };
//!         let Some(before) = before else {
//!             output.copy_from(&now);
//!             return Ok(());
//!         };
//!         let (bounds, width) = (output.bounds, output.bounds.width());
//!         let (mut a, mut b) = (vec![[0.0; 4]; width], vec![[0.0; 4]; width]);
//!         for y in bounds.y1..bounds.y2 {
//!             cx.check_abort()?;
//!             now.read_rgba(bounds.x1, y, &mut a);
//!             before.read_rgba(bounds.x1, y, &mut b);
//!             for (a, b) in a.iter_mut().flatten().zip(b.iter().flatten()) {
//!                 *a += mix * (b - *a);
//!             }
//!             output.write_rgba(bounds.x1, y, &a);
//!         }
//!         Ok(())
//!     }
//! }
//!
//! let binary = ofx::in_process!(Echo); // a plugin crate says `ofx::export!(Echo);`
//! # let _ = binary;
//! ```

/// The clips of an effect that turns one clip into one clip.
#[derive(ofx_derive::Clips)]
pub struct SourceToOutput {
    /// The clip to work on.
    #[clip(name = "Source")]
    pub source: Clip,
    /// The result.
    #[clip(name = "Output")]
    pub output: Clip,
}

mod answers;
mod clip;
mod compound;
mod context;
mod describe;
mod door;
mod effect;
mod error;
mod export;
#[cfg(test)]
mod fake;
mod host_info;
mod image;
mod instance;
mod journal;
mod overlay;
mod param;
mod param_set;
pub mod pixels;
mod property;
mod resources;
mod reused;
mod services;
mod suites;
mod table;
#[cfg(test)]
mod tests;

pub use answers::{ClipPreferences, FramesNeeded};
pub use clip::{Clip, ClipInfo, ClipSpec, Clips};
pub use compound::{Limits, Rgb, Rgba};
pub use context::{At, Changed, Create, Cx, Edit, Render, RenderFlags, Sequence, What};
pub use describe::check;
pub use effect::{ColourManagement, Effect, Meta};
pub use error::{Error, Result};
#[doc(hidden)]
pub use export::{Binary, Export, ids_are_sound};
pub use host_info::HostInfo;
pub use image::{ImageInfo, InputImage, OutputImage, OutputRow};
pub use instance::instance_count;
pub use overlay::{
    Canvas, Overlay, OverlayEntry, Pointer, PointerEvent, Primitive, StandardColour, Stipple, TextAnchor, Viewer,
    overlay,
};
#[doc(hidden)]
pub use param::Field as ParamField;
pub use param::{
    Button, Choice, ChoiceOption, Custom, ParamId, ParamKind, ParamSpec, Params, ShownIn, TextMode, Value,
};
pub use param_set::ParamReader;
#[doc(hidden)]
pub use param_set::{Entry, When};
pub use resources::{library_path, resources_dir};
pub use reused::Reused;
pub use services::{Go, HostMemory, MessageKind, Progress, log, recent_log};
pub use table::markdown_table;

//! The nodes: one file each, with its parameters, its time map, and which frames are missing.

mod agreement;
pub mod animate;
pub mod bridge;
pub mod camera;
pub mod extend;
pub mod film;
pub mod footage;
pub mod generate;
pub mod look;
mod onward;
mod over;
pub mod presets;
pub mod repair;
pub mod retime;
pub mod showing;
pub mod start;
pub mod trouble;
mod watch;
pub mod wish;
mod words;

use ofx::plugin::{Clip, Effect, Render, RenderFlags, Result};
use pickup_model::{Brief, Encoding, Frame, Made, Shot};

use self::watch::HostWatch;
use crate::{
    colour,
    engine::{engine, failed},
};

/// Where the nodes stand in a host's menu.
pub const GROUPING: &str = "Pickup";

/// How much work a frame is worth.
#[derive(ofx::Choice, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Quality {
    /// Motion is looked for at a quarter of the pixels.
    Draft,
    /// Motion is looked for at up to 1280x720.
    #[default]
    Normal,
    /// Motion is looked for at up to 1536x864, twice, and both results are averaged: closer to the truth, at twice the
    /// time or more.
    Best,
}

impl Quality {
    /// What to ask of the filler. A host that says a quick look will do gets one; a final render never does.
    pub fn brief(self, flags: RenderFlags) -> Brief {
        let quality = match self {
            _ if flags.draft || flags.thumbnail => pickup_model::Quality::Draft,
            Self::Draft => pickup_model::Quality::Draft,
            Self::Normal => pickup_model::Quality::Normal,
            Self::Best => pickup_model::Quality::Best,
        };
        Brief { quality, ..Brief::default() }
    }
}

/// The clips of a node that turns one clip into one clip.
#[derive(ofx::Clips)]
pub struct SourceToOutput {
    /// The clip to work on.
    #[clip(name = "Source")]
    pub source: Clip,
    /// The result.
    #[clip(name = "Output")]
    pub output: Clip,
}

/// Makes the one missing frame of a shot, with the host's progress bar and stop button.
fn make<E: Effect>(cx: &Render<'_, E>, shot: &Shot, brief: &Brief) -> Result<std::sync::Arc<Made>> {
    let label = format!("{}: frame {}", E::META.label(), cx.time());
    engine().make(shot, brief, &HostWatch::new(cx, label))
}

/// Copies a clip's frame to the output bit for bit; where there is none the output is transparent black.
fn pass<E: Effect>(cx: &Render<'_, E>, clip: Clip, time: f64) -> Result<()> {
    let mut output = cx.output()?;
    match cx.image(clip, time)? {
        Some(image) => output.copy_from(&image),
        None => output.fill_zero(),
    }
    Ok(())
}

/// Writes a frame of the host's own pixels, as large as the output.
fn put<E: Effect>(cx: &Render<'_, E>, frame: &Frame) -> Result<()> {
    let mut output = cx.output()?;
    let window = output.bounds;
    colour::write(frame, window, &mut output);
    Ok(())
}

/// Fills the output with one value, opaque.
fn even<E: Effect>(cx: &Render<'_, E>, value: f32) -> Result<()> {
    let mut output = cx.output()?;
    let window = output.bounds;
    let (width, height) = (window.width(), window.height());
    let map = Frame::new(width, height, 1, Encoding::Display, vec![value; width * height]).map_err(failed)?;
    colour::write_map(&map, window, &mut output);
    Ok(())
}

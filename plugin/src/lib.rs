//! Pickup: OpenFX nodes that fill missing frames on the editor's own timeline.
//!
//! A render flows: host action → [`ofx`]'s door → [`timeline`] → the node's [`plan`] → [`perform`] → [`engine`] → the model's filler →
//! back into the host's image.
//! [`colour`] stands between host pixels and the model's frames, `pickup_clips` between files and pictures.
#![forbid(unsafe_code)]

pub mod cadence;
pub mod colour;
pub mod engine;
pub mod freeze;
pub mod journal;
pub mod machine;
pub mod models;
pub mod nodes;
pub mod perform;
pub mod plan;
pub mod provenance;
pub mod sight;
pub mod timeline;

use nodes::{animate::Animate, bridge::Bridge, extend::Extend, generate::Generate, repair::Repair, retime::Retime};
use perform::Of;

/// Networks and pictures take large blocks over and over; [`engine`] gives them back when nothing is rendered.
#[global_allocator]
static MEMORY: ofx::plugin::Reused = ofx::plugin::Reused::new();

ofx::export!(Of<Repair>, Of<Retime>, Of<Generate>, Of<Animate>, Of<Extend>, Of<Bridge>);

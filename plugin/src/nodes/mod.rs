//! The nodes: one file each, with its parameters and its plan.

pub mod animate;
pub mod bridge;
pub mod extend;
pub mod generate;
pub mod params;
pub mod repair;
pub mod retime;

use ofx::plugin::RenderFlags;
use pickup_model::Brief;

/// Where the nodes stand in a host's menu.
pub const GROUPING: &str = "Pickup";

/// How much work a frame is worth.
#[derive(ofx::Choice, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Quality {
    /// For a quick look: at a quarter of the pixels.
    Draft,
    /// For most work.
    #[default]
    Normal,
    /// Twice, or at more pixels, in twice the time or more.
    Best,
}

impl Quality {
    /// What to ask of the motion filler. A host that says a quick look will do gets one; a final render never does.
    #[must_use]
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

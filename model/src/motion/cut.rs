//! Whether two frames belong to one piece of film.
//!
//! A cut is told by what motion leaves unexplained: across a cut nothing moves into anything, so the pair differs nearly
//! as much after each pixel has been followed as before.

use candle_core::{Result, Tensor};

use super::network::resize_flow;
use crate::kernels::{backward_warp, resize_area};

/// What speaks for a cut between two frames.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CutEvidence {
    /// Mean absolute difference of the frames, display units.
    pub difference: f32,
    /// The same after following the flow: what motion does not explain.
    pub unexplained: f32,
}

/// The shorter side of the picture that is looked at: a cut is no matter of detail.
const SIDE: usize = 90;

impl CutEvidence {
    /// Weighs two pictures, of which the first was matched to the second by `flow`.
    pub(crate) fn weigh(pictures: [&Tensor; 2], flow: &Tensor) -> Result<Self> {
        let (_, _, h, w) = pictures[0].dims4()?;
        let by = (h.min(w) / SIDE).max(1);
        let at = (h / by, w / by);
        let small = [resize_area(pictures[0], at.0, at.1)?, resize_area(pictures[1], at.0, at.1)?];
        let mean = |x: &Tensor| x.abs()?.mean_all()?.to_scalar::<f32>();
        let moved = backward_warp(&small[1], &resize_flow(flow, at)?)?;
        Ok(Self { difference: mean(&(&small[0] - &small[1])?)?, unexplained: mean(&(&small[0] - moved)?)? })
    }

    /// What both ways of one pair say together.
    #[must_use]
    pub(crate) fn mean(self, other: Self) -> Self {
        Self {
            difference: f32::midpoint(self.difference, other.difference),
            unexplained: f32::midpoint(self.unexplained, other.unexplained),
        }
    }

    /// Whether this is a cut.
    ///
    /// The limits stand between what was measured on five real clips: pairs of one shot, up to 12 frames apart, left
    /// at most 0.062 unexplained; pairs from two clips at least 0.20, and 0.86 of their difference.
    #[must_use]
    pub fn is_cut(self) -> bool {
        self.unexplained > UNEXPLAINED && self.unexplained > SHARE * self.difference
    }
}

/// More than this is unexplained across a cut.
const UNEXPLAINED: f32 = 0.08;
/// And more than this share of the difference.
const SHARE: f32 = 0.8;

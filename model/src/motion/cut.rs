//! Whether two frames belong to one piece of film.
//!
//! A cut is told by what the network itself found: across a cut nothing moves into anything, so the pair still differs
//! after each pixel has been followed, and hardly any pixel is believed to be seen in both frames.

use candle_core::{Result, Tensor};

use super::network::{Both, Matched, resize_flow};
use crate::kernels::{backward_warp, resize_area};

/// What speaks for a cut between two frames.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CutEvidence {
    /// Mean absolute difference of the frames, display units.
    pub difference: f32,
    /// The same after following the flow: what motion does not explain.
    pub unexplained: f32,
    /// Share of pixels the network believes to be seen in both frames.
    pub seen: f32,
}

impl CutEvidence {
    /// Weighs a matched pair, at an eighth of its size: a cut is no matter of detail.
    pub(crate) fn weigh(pictures: &Both, matched: &Matched) -> Result<Self> {
        let (_, _, h, w) = pictures[0].dims4()?;
        let at = ((h / 8).max(1), (w / 8).max(1));
        let small = [resize_area(&pictures[0], at.0, at.1)?, resize_area(&pictures[1], at.0, at.1)?];
        let mean = |x: &Tensor| x.abs()?.mean_all()?.to_scalar::<f32>();
        let unexplained = |i: usize| -> Result<f32> {
            let flow = resize_flow(&matched.flow[i], at)?;
            mean(&(&small[i] - backward_warp(&small[1 - i], &flow)?)?)
        };
        let seen =
            |i: usize| matched.visible[i].ge(0.0)?.to_dtype(candle_core::DType::F32)?.mean_all()?.to_scalar::<f32>();
        Ok(Self {
            difference: mean(&(&small[0] - &small[1])?)?,
            unexplained: f32::midpoint(unexplained(0)?, unexplained(1)?),
            seen: f32::midpoint(seen(0)?, seen(1)?),
        })
    }

    /// Whether this is a cut.
    #[must_use]
    pub fn is_cut(self) -> bool {
        self.difference > DIFFERENT && self.unexplained > UNEXPLAINED && self.seen < SEEN
    }
}

/// Below this the frames are too alike for a cut to matter.
const DIFFERENT: f32 = 0.03;
/// Below this, motion explains the difference well enough.
const UNEXPLAINED: f32 = 0.035;
/// Above this share of pixels seen in both frames, it is one shot, however much it moves.
const SEEN: f32 = 0.45;

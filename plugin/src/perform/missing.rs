//! Frames that a clip lacks: what stands for them in the nodes whose work it is not to make them.

use ofx::plugin::{Error, Result};
use pickup_model::Frame;

use super::{Node, Stage, footage::if_any};
use crate::{
    plan::Input,
    sight::{Marks, Sight},
};

/// What stands for a frame that the clip lacks.
#[derive(ofx::Choice, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MissingFrames {
    /// Nothing: an error names it.
    #[default]
    Error,
    /// The frame before it.
    Hold,
    /// A frame made from those on both sides, as Repair makes it.
    Make,
}

/// The parameter of the nodes that leave a clip's frames as they are, and those that need them all.
#[derive(ofx::Params, Clone, Debug, PartialEq)]
pub struct MissingParams {
    /// What stands for a frame inside the clip that it lacks, such as a number that no file of a sequence has, where up to three in a
    /// row are missing. Repair before this node does more: it makes longer gaps, and finds damaged frames.
    #[param(id = "missingFrames", label = "Missing frames", default = MissingFrames::Error)]
    pub frames: MissingFrames,
}

/// Frames on either side that are searched for one that is there. Hosts fetch all that may be needed, whether it is or not.
const FURTHEST: i64 = 3;

impl MissingFrames {
    /// Frames before and after one that the clip lacks from which another may come to stand for it.
    pub(super) fn reach(self) -> (i64, i64) {
        match self {
            Self::Error => (0, 0),
            Self::Hold => (FURTHEST, 0),
            // Beside the nearest ones some further out, which tell how motion curves.
            Self::Make => (2 * FURTHEST, 2 * FURTHEST),
        }
    }
}

impl<N: Node> Stage<'_, '_, N> {
    /// What stands for a frame that the clip lacks, as the user chose.
    ///
    /// # Errors
    /// When it is to be an error, or more are missing around it than are searched, or the user stopped the work.
    pub(super) fn stand_in(&self, input: Input, frame: i64) -> Result<Frame> {
        let footage = self.footage(input)?;
        match N::common(self.params).missing {
            MissingFrames::Error => {}
            MissingFrames::Hold => {
                for before in (frame - FURTHEST..frame).rev() {
                    if let Some(found) = footage.frame(before)? {
                        return Ok(found);
                    }
                }
            }
            MissingFrames::Make => {
                let marks = Marks::none(self.scene.curves);
                if let Some(shot) = if_any(Sight::new(footage, &marks, FURTHEST, None, false).shot(frame))? {
                    return Ok(self.make(&shot)?.frame.clone());
                }
            }
        }
        if !footage.has_neighbours() {
            return Err(Error::Failed(format!(
                "The clip has no frame {frame}, and this host gives no others from which it could be made: bring the file back"
            )));
        }
        Err(Error::Failed(format!(
            "The clip has no frame {frame}: put Repair before this node, which makes it, bring the file back, or say by “Missing \
             frames” what stands for it, where up to {FURTHEST} in a row are missing"
        )))
    }
}

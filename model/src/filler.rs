//! The interface that every filler shares.

use crate::{Brief, Frame, Result, Shot};

/// Where a made frame came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A known frame, as it was.
    Known,
    /// Made from its neighbours.
    Made,
    /// The nearest known frame repeated: there was but one side, or a cut lies in the gap.
    Held,
}

/// A frame of a take.
#[derive(Clone, Debug)]
pub struct Made {
    /// The time it stands at.
    pub time: f64,
    /// The picture, in the shot's size, channels and encoding.
    pub frame: Frame,
    /// One channel, 0 (a guess) to 1 (certain), the frame's size.
    pub confidence: Frame,
    /// Where it came from.
    pub origin: Origin,
}

/// Follows the work and may stop it.
pub trait Watch {
    /// `done` runs from 0 to 1; answering `false` stops the work, which then ends with [`crate::Error::Cancelled`].
    fn progress(&self, done: f32) -> bool;

    /// Whether pictures of unfinished work are wanted; making them takes time.
    fn wants_previews(&self) -> bool {
        false
    }

    /// A rough, small picture of unfinished work, where it is wanted.
    fn preview(&self, _picture: &Frame) {}

    /// The work cannot begin yet, and why.
    fn waits(&self, _why: &str) {}
}

/// Lets the work run to its end unseen.
#[derive(Clone, Copy, Debug, Default)]
pub struct Unwatched;

impl Watch for Unwatched {
    fn progress(&self, _: f32) -> bool {
        true
    }
}

/// Makes the missing frames of a shot.
pub trait Filler: Send + Sync {
    /// A word for recipes. Where takes outlive the program, it ends in a number that goes up whenever the same shot, brief and
    /// weights make other frames than before: a take of an older version is not this one's.
    fn name(&self) -> &'static str;

    /// What tells this filler's weights from others', for recipes.
    fn weights_id(&self) -> &str;

    /// The frames at the shot's gaps, in order of time.
    ///
    /// # Errors
    /// When nothing is known, the network fails, or `watch` says stop.
    fn fill(&self, shot: &Shot, brief: &Brief, watch: &dyn Watch) -> Result<Vec<Made>>;
}

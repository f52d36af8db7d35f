//! What the user asked for.

/// How much work a frame is worth.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Quality {
    /// For scrubbing: flow estimated at half the size.
    Draft,
    /// For everything else.
    #[default]
    Normal,
    /// Flow estimated at up to 1536x864, twice, the second time in pictures turned by half a turn, and both results
    /// averaged: for the few frames that matter.
    Best,
}

impl Quality {
    /// Its name in a recipe.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Normal => "normal",
            Self::Best => "best",
        }
    }
}

/// The words and numbers that say what belongs in the gaps.
///
/// The motion filler heeds `quality` alone: it makes nothing that its neighbours do not show.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Brief {
    /// What should be seen.
    pub prompt: String,
    /// What should not.
    pub negative_prompt: String,
    /// The same seed gives the same frames.
    pub seed: u64,
    /// How freely to depart from the known frames, 0 to 1.
    pub strength: f32,
    /// How much work a frame is worth.
    pub quality: Quality,
}

//! How a frame came about that is no clip's own: told to hosts that take notes of a render, and kept in takes.

use pickup_model::Brief;
use serde::{Deserialize, Serialize};

/// What made a frame, and from what.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// What made it.
    pub by: Maker,
    /// There are pictures in it, or in its shot, that were given: it goes on from them, leads between them, or lies over them.
    pub with_given: bool,
    /// The shot that the video model made, where one did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shot: Option<MadeShot>,
}

/// What made a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Maker {
    /// No network: given pictures are moved, mixed, or shown at other times.
    Editing,
    /// A motion network, the bundle's or RIFE, from the frames around it.
    Motion,
    /// The video model.
    Model,
}

/// A shot that the video model made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MadeShot {
    /// What its take is called, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recipe: Option<String>,
    /// The model, by the name of its file or folder.
    pub model: String,
    /// A fingerprint of its weights and configuration.
    pub weights: String,
    /// What should be seen.
    pub prompt: String,
    /// What should not be seen.
    pub negative_prompt: String,
    /// The seed.
    pub seed: u64,
}

impl MadeShot {
    /// A shot by a model of this name and these weights, for a brief.
    #[must_use]
    pub fn new(model: &str, weights: &str, brief: &Brief) -> Self {
        Self {
            recipe: None,
            model: model.to_owned(),
            weights: weights.to_owned(),
            prompt: brief.prompt.clone(),
            negative_prompt: brief.negative_prompt.clone(),
            seed: brief.seed,
        }
    }
}

impl Origin {
    /// A frame that is made of given pictures, by a network or without one.
    #[must_use]
    pub fn of_given(by: Maker) -> Self {
        Self { by, with_given: true, shot: None }
    }

    /// A frame of a shot that the video model made.
    #[must_use]
    pub fn of_shot(shot: MadeShot, with_given: bool) -> Self {
        Self { by: Maker::Model, with_given, shot: Some(shot) }
    }

    /// As a note of a render.
    #[must_use]
    pub fn to_note(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// From a note of a render; none where there is none, or another plugin's.
    #[must_use]
    pub fn of_note(note: &str) -> Option<Self> {
        serde_json::from_str(note).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_comes_back_as_it_was() {
        let brief = Brief { prompt: "smoke “and” fire\n".into(), seed: u64::MAX, ..Brief::default() };
        let shot = MadeShot { recipe: Some("7f".into()), ..MadeShot::new("stock", "w1", &brief) };
        for origin in [Origin::of_shot(shot, true), Origin::of_given(Maker::Motion)] {
            assert_eq!(Origin::of_note(&origin.to_note()), Some(origin));
        }
        assert_eq!(Origin::of_note(""), None);
        assert_eq!(Origin::of_note("{\"by\":\"hand\"}"), None);
    }
}

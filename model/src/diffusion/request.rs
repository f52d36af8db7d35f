//! What is asked of the video model, and what it answers.

use candle_core::Tensor;

use super::{item::Item, settings::Settings};
use crate::Frame;

/// What to make.
#[derive(Clone, Debug)]
pub struct Request {
    /// What should be seen.
    pub prompt: String,
    /// What should not; heeded where guidance is above 1.
    pub negative_prompt: String,
    /// Width in pixels, a multiple of the VAE's factor (32).
    pub width: usize,
    /// Height in pixels, a multiple of the VAE's factor (32).
    pub height: usize,
    /// Frames, one more than a multiple of the VAE's factor in time (8).
    pub frames: usize,
    /// Frames a second.
    pub rate: f64,
    /// What is known.
    pub items: Vec<Item>,
    /// How to run.
    pub settings: Settings,
}

/// What was made.
#[derive(Clone, Debug)]
pub struct Video {
    /// The frames, display-referred RGB.
    pub frames: Vec<Frame>,
    /// The latents they came from, `[T, C, H, W]`, normalised; to carry over into what follows.
    pub latents: Tensor,
    /// Words of the prompt that the model does not know.
    pub unknown_words: Vec<String>,
    /// Seconds that each part took.
    pub seconds: Vec<(&'static str, f64)>,
}

/// A video before it is decoded.
#[derive(Clone, Debug)]
pub struct Latents {
    /// `[T, C, H, W]`, normalised.
    pub video: Tensor,
    /// Words of the prompt that the model does not know.
    pub unknown_words: Vec<String>,
    /// Seconds that each part took.
    pub seconds: Vec<(&'static str, f64)>,
}

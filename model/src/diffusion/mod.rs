//! The diffusion filler: LTX-Video (0.9.5 and later, 2B and 13B), one path for every job.
//!
//! HaCohen et al. 2024, *LTX-Video: Realtime Video Latent Diffusion*. A shot of noise in the VAE's latents is made a video
//! in a few steps of a transformer that reads the prompt; what is known of the shot stands among its tokens as [`Item`]s.
//! Text-to-video is a shot with no item, image-to-video one with a still at its first frame, filling one with items on
//! both sides, and so on.
//!
//! [`ModelFiles::open`] reads what publishers ship, [`Ltx`] runs it, [`DiffusionFiller`] fills a shot with it.

mod config;
mod decoding;
mod denoise;
mod embedding;
mod files;
mod filler;
mod item;
mod lexicon;
mod loader;
mod ltx;
mod model_files;
mod names;
mod noise;
mod plan;
mod preview;
mod random;
mod recommended;
mod request;
mod rope;
mod scheduler;
mod seam;
mod settings;
mod text;
mod transformer;
mod upsampler;
mod vae;
mod window;

pub use config::fuzz_configurations;
pub use files::fuzz_headers;
pub(crate) use files::read_gguf;
pub use filler::{DiffusionFiller, Framing, Report, Seam, shown};
pub use item::{Content, Item};
pub use lexicon::{Lexicon, Understood};
pub use ltx::Ltx;
pub use model_files::{Elsewhere, ModelFiles};
pub use noise::{Noise, Purpose, Seeded};
pub use plan::MemoryPlan;
pub use recommended::{Asked, RECOMMENDED, Recommended, World};
pub use request::{Latents, Request, Video};
pub use scheduler::{DISTILLED, Schedule};
pub use seam::{Between, Lead};
pub use settings::{Sampler, SecondPass, Settings};

#[cfg(test)]
mod reference;

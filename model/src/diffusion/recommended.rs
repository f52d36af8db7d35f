//! How a model wants to be run.

use std::path::Path;

use serde::Deserialize;

use super::{filler::Framing, scheduler::Schedule, settings::Settings};
use crate::{Error, Result};

/// The file in a model's folder that says so. Published models have none: what is called 0.9.6-distilled is run as that was published, and
/// all others as 0.9.8-distilled.
pub const RECOMMENDED: &str = "pickup.json";

/// How a model wants to be run: the size, length and rate it was trained for, and its way from noise to a video.
#[derive(Clone, Debug, PartialEq)]
pub struct Recommended {
    /// Noise levels and guidance.
    pub settings: Settings,
    /// Sizes and lengths.
    pub framing: Framing,
    /// Frames a second of what it was trained on.
    pub rate: f64,
    /// What it knows, if that can be told in a few words.
    pub world: Option<World>,
}

/// What a model knows that was trained on a few things alone, by the words for them.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct World {
    /// Words for light that falls over a picture, as light leaks do.
    light: Vec<String>,
    /// Words for what can be laid over a picture and hides some of it, as snow and smoke do.
    matter: Vec<String>,
    /// Words for what fills a picture, as the sea does, or stands in it as a thing of its own.
    whole: Vec<String>,
}

/// What a prompt asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// Light that falls over a picture.
    Light,
    /// Something that can be laid over a picture and hides some of it.
    Matter,
    /// Something that fills a picture or stands in it.
    Whole,
    /// Nothing that the model has a word for.
    Nothing,
}

impl World {
    /// What a prompt asks for: a picture, where it names both fog and the sea.
    #[must_use]
    pub fn asked(&self, prompt: &str) -> Asked {
        let prompt = prompt.to_lowercase();
        let words = prompt.split(|c: char| !c.is_alphanumeric());
        let names = |these: &[String]| words.clone().any(|word| these.iter().any(|this| this == word));
        if names(&self.whole) {
            Asked::Whole
        } else if names(&self.matter) {
            Asked::Matter
        } else if names(&self.light) {
            Asked::Light
        } else {
            Asked::Nothing
        }
    }
}

/// Frames a second that published models are at home at.
const PUBLISHED_RATE: f64 = 25.0;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    /// Noise levels from 1 down.
    levels: Vec<f64>,
    guidance: f64,
    rescale: f64,
    /// Pixels of a frame, frames of a run, known frames that are looked at on each side.
    pixels: usize,
    window: usize,
    context: usize,
    rate: f64,
    world: Option<World>,
}

impl Recommended {
    /// What a model's folder says, or what suits published models.
    ///
    /// # Errors
    /// When the file is there and makes no sense.
    pub fn of(model: &Path) -> Result<Self> {
        let path = model.join(RECOMMENDED);
        let Ok(text) = std::fs::read_to_string(&path) else {
            let settings = if is_called_0_9_6(model) { Settings::distilled_0_9_6()? } else { Settings::distilled()? };
            return Ok(Self { settings, framing: Framing::default(), rate: PUBLISHED_RATE, world: None });
        };
        let fault = |reason: String| Error::ModelMismatch { path: path.clone(), reason };
        let file: File = serde_json::from_str(&text).map_err(|e| fault(e.to_string()))?;
        if !(1.0..=240.0).contains(&file.rate) || file.pixels == 0 {
            return Err(fault("its rate must be from 1 to 240, and its pixels more than none".to_owned()));
        }
        let settings = Settings {
            schedule: Schedule::given(&file.levels)?,
            guidance: file.guidance,
            rescale: file.rescale,
            decode_timestep: 0.0,
            decode_noise: 0.0,
            ..Settings::distilled()?
        };
        let framing = Framing { most_pixels: file.pixels, window: file.window, context: file.context };
        Ok(Self { settings, framing, rate: file.rate, world: file.world })
    }
}

/// Whether a model's folder or file, or a file in the folder, has the name of 0.9.6-distilled: nothing in it tells.
fn is_called_0_9_6(model: &Path) -> bool {
    let inside = std::fs::read_dir(model).into_iter().flatten().flatten().map(|entry| entry.file_name());
    let names = model.file_name().map(ToOwned::to_owned).into_iter().chain(inside);
    names.map(|name| name.to_string_lossy().to_lowercase()).any(|n| n.contains("0.9.6") && n.contains("distilled"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_says_how_its_model_is_run() {
        let folder = tempfile::tempdir().unwrap();
        let published = Recommended::of(folder.path()).unwrap();
        assert_eq!((published.rate, published.framing), (25.0, Framing::default()));
        assert_eq!(published.settings, Settings::distilled().unwrap());
        let file = folder.path().join("ltxv-2b-0.9.6-distilled-04-25-Q4_K_M.gguf");
        std::fs::write(&file, "").unwrap();
        for model in [folder.path(), &file] {
            assert_eq!(Recommended::of(model).unwrap().settings, Settings::distilled_0_9_6().unwrap(), "{model:?}");
        }
        let said = r#"{"levels": [1.0, 0.5], "guidance": 2.0, "rescale": 0.5, "pixels": 36864, "window": 33,
            "context": 17, "world": {"light": ["bokeh"], "matter": ["snow"], "whole": ["sea"]}, "rate": 24}"#;
        let write = |text: &str| std::fs::write(folder.path().join(RECOMMENDED), text).unwrap();
        write(said);
        let own = Recommended::of(folder.path()).unwrap();
        assert_eq!((own.framing.window, own.settings.guidance, own.rate), (33, 2.0, 24.0));
        let asked = |prompt: &str| own.world.as_ref().unwrap().asked(prompt);
        assert_eq!(asked("Snow, falling over a house"), Asked::Matter);
        assert_eq!(asked("snow and bokeh"), Asked::Matter);
        assert_eq!(asked("bokeh"), Asked::Light);
        assert_eq!(asked("snow over the Sea."), Asked::Whole);
        assert_eq!(asked("seasons, snowy"), Asked::Nothing);
        for wrong in [said.replace("24}", "0}"), said.replace("24}", "24, \"size\": 1}"), "{".to_owned()] {
            write(&wrong);
            let error = Recommended::of(folder.path()).unwrap_err().to_string();
            assert!(error.contains(RECOMMENDED), "{wrong}: {error}");
        }
    }
}

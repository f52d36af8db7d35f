//! What to start from: stock elements that editors reach for, and settings that go together.

/// A prompt to start from.
#[derive(ofx::Choice, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Preset {
    /// The prompt as it is.
    #[default]
    #[choice(label = "Own prompt")]
    Own,
    /// Smoke to lay over a shot.
    #[choice(label = "Smoke on black")]
    Smoke,
    /// Fog that drifts across.
    Fog,
    /// Flames to lay over a shot.
    #[choice(label = "Fire on black")]
    Fire,
    /// Sparks that rise.
    Embers,
    /// Rain to lay over a shot.
    #[choice(label = "Rain on black")]
    Rain,
    /// Snow to lay over a shot.
    #[choice(label = "Snow on black")]
    Snow,
    /// A sky with clouds.
    Clouds,
    /// The open sea in the evening.
    Sea,
    /// A flight through stars.
    Stars,
    /// Soft lights out of focus.
    Bokeh,
    /// Dust in a beam of light.
    Dust,
    /// Paper confetti.
    Confetti,
    /// Ink that spreads in water.
    Ink,
    /// Northern lights.
    Aurora,
    /// A moving background for titles.
    Gradient,
    /// A flower that grows, as in stop motion.
    Flower,
}

impl Preset {
    /// Its prompt; none for the user's own.
    #[must_use]
    pub fn prompt(self) -> Option<&'static str> {
        Some(match self {
            Self::Own => return None,
            Self::Smoke => "a plume of white smoke rising slowly on black",
            Self::Fog => "thick grey fog drifting slowly to the left",
            Self::Fire => "large orange flames burning on black",
            Self::Embers => "glowing orange embers rising on black",
            Self::Rain => "heavy rain falling fast on black",
            Self::Snow => "falling snow, blowing to the left, on black",
            Self::Clouds => "clouds drifting to the right by day",
            Self::Sea => "the sea at sunset, waves rolling toward the camera",
            Self::Stars => "stars flying toward the camera",
            Self::Bokeh => "soft gold bokeh lights drifting up on black",
            Self::Dust => "white dust floating in a beam of light on black",
            Self::Confetti => "red confetti falling on black",
            Self::Ink => "blue ink spreading in water, downwards, on white",
            Self::Aurora => "green northern lights dancing slowly",
            Self::Gradient => "a smooth blue and purple gradient moving slowly to the right",
            Self::Flower => "a red flower growing and opening on white, stop motion",
        })
    }
}

/// A way to bring a still to life.
#[derive(ofx::Choice, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AnimatePreset {
    /// The settings as they are.
    #[default]
    #[choice(label = "Own settings")]
    Own,
    /// The camera closes in.
    #[choice(label = "Push in")]
    PushIn,
    /// Snow falls over the still.
    Snow,
    /// Rain falls over the still.
    Rain,
    /// Sparks rise over the still.
    Embers,
    /// Dust hangs in the air before the still.
    Dust,
    /// Fog drifts across the still.
    Fog,
    /// Smoke rises over the still.
    Smoke,
    /// Light leaks across the still, as in an old camera.
    #[choice(label = "Light leaks")]
    LightLeaks,
    /// Confetti falls over the still.
    Confetti,
}

impl AnimatePreset {
    /// What is to be laid over the still; none where nothing is.
    #[must_use]
    pub fn prompt(self) -> Option<&'static str> {
        Some(match self {
            Self::Own | Self::PushIn => return None,
            Self::Snow => "falling snow",
            Self::Rain => "heavy rain falling fast",
            Self::Embers => "glowing orange embers rising",
            Self::Dust => "white dust floating slowly",
            Self::Fog => "grey fog drifting slowly to the left",
            Self::Smoke => "white smoke rising slowly",
            Self::LightLeaks => "warm light leaks drifting to the right",
            Self::Confetti => "red confetti falling",
        })
    }
}

/// A way to make a shot longer.
#[derive(ofx::Choice, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ExtendPreset {
    /// The settings as they are.
    #[default]
    #[choice(label = "Own settings")]
    Own,
    /// By motion: what moves goes on, and comes to rest within a quarter of a second.
    #[choice(label = "Comes to rest")]
    Rest,
    /// By motion, which hardly comes to rest: for a camera that pans or travels steadily.
    #[choice(label = "Camera goes on")]
    CameraGoesOn,
    /// The clip's own frames, backwards and forwards: for leaves, water, people who listen.
    #[choice(label = "Back and forth")]
    BackAndForth,
}

/// A way from one clip to the next.
#[derive(ofx::Choice, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BridgePreset {
    /// The settings as they are.
    #[default]
    #[choice(label = "Own settings")]
    Own,
    /// Six frames by motion: for one shot with something cut out of it.
    #[choice(label = "Jump cut")]
    JumpCut,
    /// A second in which one clip dissolves into the other, and both move on.
    #[choice(label = "Moving dissolve")]
    Dissolve,
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use ofx::plugin::Choice as _;
    use pickup_model::diffusion::{Elsewhere, Ltx, ModelFiles};

    use super::*;
    use crate::engine::EMBEDDED;

    #[test]
    fn every_preset_but_the_first_is_a_prompt_of_its_own() {
        let prompts: Vec<_> = (0..Preset::OPTIONS.len()).map(|i| Preset::from_index(i).unwrap().prompt()).collect();
        assert!(prompts[0].is_none() && prompts[1..].iter().all(Option::is_some));
        let mut distinct = prompts.clone();
        distinct.sort_unstable();
        distinct.dedup();
        assert_eq!(distinct.len(), prompts.len());
        let silent: Vec<_> = (0..AnimatePreset::OPTIONS.len())
            .filter(|i| AnimatePreset::from_index(*i).unwrap().prompt().is_none())
            .collect();
        assert_eq!(silent, [0, 1]);
    }

    #[test]
    fn the_model_in_the_bundle_knows_all_that_presets_and_its_card_name() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../resources").join(EMBEDDED);
        let files = ModelFiles::open(&folder, &Elsewhere::default()).expect("the model in the bundle");
        let model = Ltx::on_cpu(files, 4 << 30).expect("it is small");
        let unknown = |text: &str| model.unknown_words(text).expect("a prompt");
        for preset in (1..Preset::OPTIONS.len()).filter_map(Preset::from_index) {
            assert_eq!(unknown(preset.prompt().expect("its own")), [""; 0], "{preset:?}");
        }
        for preset in (0..AnimatePreset::OPTIONS.len()).filter_map(AnimatePreset::from_index) {
            assert_eq!(unknown(preset.prompt().unwrap_or_default()), [""; 0], "{preset:?}");
        }
        let card = fs::read_to_string(folder.join("README.md")).expect("a card");
        let (_, list) = card.split_once("in 12: ").expect("a list of elements");
        let (elements, _) = list.split_once('.').expect("which ends");
        assert!(elements.split(", ").count() > 20, "{elements}");
        assert_eq!(unknown(elements), [""; 0]);
        assert_eq!(unknown("A balloon of many colors flies; leaf-like embers glow"), ["many", "like"]);
    }
}

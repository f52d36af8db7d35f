//! Prompts to start from: stock elements that editors reach for.

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

#[cfg(test)]
mod tests {
    use ofx::plugin::Choice as _;

    use super::*;

    #[test]
    fn every_preset_but_the_first_is_a_prompt_of_its_own() {
        let prompts: Vec<_> = (0..Preset::OPTIONS.len()).map(|i| Preset::from_index(i).unwrap().prompt()).collect();
        assert!(prompts[0].is_none() && prompts[1..].iter().all(Option::is_some));
        let mut distinct = prompts.clone();
        distinct.sort_unstable();
        distinct.dedup();
        assert_eq!(distinct.len(), prompts.len());
    }
}

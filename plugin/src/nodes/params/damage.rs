//! What damage is looked for, and how strong it must be.

use pickup_model::damage::Thresholds;

/// What repeats in a regular cycle are.
#[derive(ofx::Choice, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Repeats {
    /// The clip's own cadence: they are no damage.
    #[default]
    Cadence,
    /// Damage, as any other repeat.
    Damage,
}

/// What damage looks like.
#[derive(ofx::Params, Clone, Debug, PartialEq)]
pub struct DamageParams {
    /// Repair what is found as it is found, without a list. Each frame is then compared with those around it, which
    /// takes longer.
    #[param(id = "automatic", label = "Repair what is found", default = false)]
    pub automatic: bool,
    /// Look for frames that repeat the one before while the clip moves around them. Animation on twos consists of such
    /// repeats.
    #[param(id = "findDuplicates", label = "Duplicates", default = true)]
    pub duplicates: bool,
    /// What repeats in a regular cycle are, as where a clip of 50 frames a second stands on a timeline of 60, or animation is
    /// drawn on twos. Cycles longer than six frames, as of 24 frames a second on 25, are seen by “Find” alone, which
    /// looks at the whole clip.
    #[param(id = "repeats", label = "Repeats in a cycle", default = Repeats::Cadence)]
    pub repeats: Repeats,
    /// How much, in per cent of white, the part of the picture that changes most may differ from the frame before.
    /// More finds repeats through heavier compression.
    #[param(id = "duplicateThreshold", label = "Duplicate below", default = usual(|t| t.duplicate), range = 0.0..=100.0, display = 0.0..=5.0)]
    pub duplicate_below: f64,
    /// Look for one or two black frames among others.
    #[param(id = "findBlack", label = "Black frames", default = true)]
    pub black: bool,
    /// How bright, in per cent of white, the brightest parts of a black frame may be.
    #[param(id = "blackThreshold", label = "Black below", default = usual(|t| t.black), range = 0.0..=100.0, display = 0.0..=30.0)]
    pub black_below: f64,
    /// Look for one or two frames of a single even colour among others.
    #[param(id = "findEmpty", label = "Empty frames", default = true)]
    pub empty: bool,
    /// How far apart, in per cent of white, the darkest and the brightest parts of an empty frame may be.
    #[param(id = "emptyThreshold", label = "Empty below", default = usual(|t| t.empty), range = 0.0..=100.0, display = 0.0..=20.0)]
    pub empty_below: f64,
    /// Look for flashes: one or two frames brighter or darker all over than those on both sides.
    #[param(id = "findFlash", label = "Flashes", default = true)]
    pub flashes: bool,
    /// The least rise or fall of mean brightness, in per cent of white. Less finds weaker flashes.
    #[param(id = "flashThreshold", label = "Flash above", default = usual(|t| t.flash), range = 0.0..=100.0, display = 0.0..=20.0)]
    pub flash_above: f64,
    /// Look for torn frames: bands that slipped sideways, or lines that were lost.
    #[param(id = "findTorn", label = "Torn frames", default = true)]
    pub torn: bool,
    /// The least step across a row, in per cent of white, that the neighbours lack. Less finds tears in plainer pictures.
    #[param(id = "tornThreshold", label = "Torn above", default = usual(|t| t.torn), range = 0.0..=100.0, display = 0.0..=5.0)]
    pub torn_above: f64,
    /// Look for frames broken into blocks, as by a lost packet.
    #[param(id = "findBlocky", label = "Blocky frames", default = true)]
    pub blocky: bool,
    /// The least step at the edges of blocks, in per cent of white, that the neighbours lack. Less finds weaker blocks.
    #[param(id = "blockyThreshold", label = "Blocky above", default = usual(|t| t.blocky), range = 0.0..=100.0, display = 0.0..=5.0)]
    pub blocky_above: f64,
    /// Search the whole clip and write what is found into “Frames”, beside what stands there, to be reviewed.
    #[param(id = "find", label = "Find")]
    pub find: ofx::plugin::Button,
}

/// A threshold's usual value, in per cent of white, to three digits after the point.
fn usual(pick: fn(&Thresholds) -> Option<f32>) -> f64 {
    let value = pick(&Thresholds::default()).map_or(0.0, f64::from);
    (value * 1000.0).round() / 1000.0
}

impl DamageParams {
    /// How strong damage must be to be found.
    #[must_use]
    pub fn thresholds(&self) -> Thresholds {
        let on = |on: bool, per_cent: f64| on.then_some(per_cent as f32);
        Thresholds {
            duplicate: on(self.duplicates, self.duplicate_below),
            black: on(self.black, self.black_below),
            empty: on(self.empty, self.empty_below),
            flash: on(self.flashes, self.flash_above),
            torn: on(self.torn, self.torn_above),
            blocky: on(self.blocky, self.blocky_above),
        }
    }
}

//! What is done to a made shot after the model, exactly, with any model: cadence, grain, warmth and the light of its highlights.

use pickup_model::{Encoding, Frame, each_row};

use super::words::words;

/// How long a frame lasts.
#[derive(ofx::Choice, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Cadence {
    /// Every frame is new.
    #[default]
    Normal,
    /// Every second frame is new, as in most drawn animation.
    #[choice(label = "On twos")]
    OnTwos,
    /// Every third frame is new, as in stop motion.
    #[choice(label = "On threes")]
    OnThrees,
    /// Every third frame is new and holds the light of three: a smear, as when a slow shutter is printed step by step.
    #[choice(label = "Step-printed")]
    StepPrinted,
}

/// The parameters of a made shot's look.
#[derive(ofx::Params, Clone, Copy, Debug, PartialEq)]
pub struct LookParams {
    /// How long each new frame is held.
    #[param(id = "cadence", label = "Cadence", default = Cadence::Normal)]
    pub cadence: Cadence,
    /// Film grain, in per cent: 30 is about 35 mm negative. It is strongest in the middle tones, new on each frame, and as
    /// fine at every size.
    #[param(id = "grain", label = "Grain", default = 0.0, range = 0.0..=100.0, display = 0.0..=100.0, animates)]
    pub grain: f64,
    /// Warmer above 0, cooler below, in per cent.
    #[param(id = "warmth", label = "Warmth", default = 0.0, range = -100.0..=100.0, display = -100.0..=100.0, animates)]
    pub warmth: f64,
    /// How bright what the model makes white is, in scene-linear light: 1 is white as on paper, 4 a flame two stops above it. Up to
    /// middle grey nothing changes. Display-referred and scene-linear pixels of 8 and 16 bits end at white.
    #[param(id = "peak", label = "Peak", default = 1.0, range = 1.0..=100.0, display = 1.0..=10.0, animates)]
    pub peak: f64,
}

impl Cadence {
    /// The places of a take that the frame at a place is made of.
    #[must_use]
    pub fn places(self, place: usize, count: usize) -> std::ops::Range<usize> {
        let held = |by: usize| place / by * by;
        match self {
            Self::Normal => place..place + 1,
            Self::OnTwos => held(2)..held(2) + 1,
            Self::OnThrees => held(3)..held(3) + 1,
            Self::StepPrinted => held(3)..(held(3) + 3).min(count),
        }
    }
}

/// Standard deviation of full grain in the middle tones, in display units.
const GRAIN: f32 = 0.12;
/// Lines of a picture at which a grain is a pixel.
const GRAIN_LINES: usize = 1080;
/// How far full warmth scales red up and blue down, in scene-linear light: about 1,500 K about daylight.
const WARMTH: f32 = 0.25;

/// Scene-linear light above which [`LookParams::lit`] raises highlights: middle grey.
const GREY: f32 = 0.18;

/// Words of a prompt that name a look, in lower case, a space apart.
const CADENCES: [(&str, Cadence); 5] = [
    ("on twos", Cadence::OnTwos),
    ("on threes", Cadence::OnThrees),
    ("stop motion", Cadence::OnThrees),
    ("step printed", Cadence::StepPrinted),
    ("step printing", Cadence::StepPrinted),
];
const GRAINS: [&str; 3] = ["film grain", "35mm grain", "35 mm grain"];
/// Grain of 35 mm negative, in per cent.
const NEGATIVE: f64 = 30.0;

impl LookParams {
    /// This look, with what a prompt says of it where it says nothing itself: a model need not know what "on twos" or
    /// "35 mm grain" is.
    #[must_use]
    pub fn or_said(self, prompt: &str) -> Self {
        let words: Vec<String> = words(prompt).into_iter().map(|(word, _)| word).collect();
        let prompt = format!(" {} ", words.join(" "));
        let says = |phrase: &str| prompt.contains(&format!(" {phrase} "));
        let said = CADENCES.into_iter().find(|(phrase, _)| says(phrase)).map(|(_, cadence)| cadence);
        Self {
            cadence: said.filter(|_| self.cadence == Cadence::Normal).unwrap_or(self.cadence),
            grain: if self.grain == 0.0 && GRAINS.into_iter().any(says) { NEGATIVE } else { self.grain },
            ..self
        }
    }

    /// Whether it changes more than how long a frame is held.
    #[must_use]
    pub fn changes_pixels(&self) -> bool {
        self.grain != 0.0 || self.warmth != 0.0
    }

    /// Whether its highlights are brighter than white.
    #[must_use]
    pub fn lights(&self) -> bool {
        self.peak > 1.0
    }

    /// A colour that a video model made, as a monitor wants it, with its highlights as bright as this look has them: unbounded, in the
    /// same numbers.
    ///
    /// A model makes nothing brighter than white, so this is an inverse tone map. Of light x, of the brightest of the three colours, it
    /// makes x + (peak - 1) t², where t goes from 0 at middle grey to 1 at white: the mildest curve that leaves what is darker as it is,
    /// has no corner, and brings white to the peak. The colours keep their proportions.
    #[must_use]
    pub fn lit(&self, shown: [f32; 3]) -> [f32; 3] {
        if !self.lights() {
            return shown;
        }
        let light = shown.map(|value| Encoding::Display.light(value));
        let raised = self.raised(light);
        if raised == light { shown } else { raised.map(|light| Encoding::Display.value(light)) }
    }

    /// [`lit`](Self::lit) by light: Rec. 709, 1 for white.
    #[must_use]
    pub fn raised(&self, light: [f32; 3]) -> [f32; 3] {
        let brightest = light.into_iter().fold(0.0, f32::max);
        if !self.lights() || brightest <= GREY {
            return light;
        }
        let (more, t) = (self.peak as f32 - 1.0, (brightest - GREY) / (1.0 - GREY));
        let gain = (brightest + more * t * t) / brightest;
        light.map(|light| light * gain)
    }

    /// A frame of any channels and range with this look, as the frame of a number: its alpha stays, and what is above white or below
    /// black is neither cut nor grainy. Colours are associated with alpha.
    ///
    /// # Errors
    /// When the frame has no pixels.
    pub fn applied(&self, frame: &Frame, number: i64) -> pickup_model::Result<Frame> {
        let row = frame.width() * frame.channels();
        if !self.changes_pixels() || frame.channels() < 3 {
            return Ok(frame.clone());
        }
        let mut pixels = frame.pixels().to_vec();
        let mut rows: Vec<&mut [f32]> = pixels.chunks_exact_mut(row).collect();
        each_row(&mut rows, || (), |(), y, row| self.apply(row, &Line::of(frame, number, y)));
        Frame::new(frame.width(), frame.height(), frame.channels(), frame.encoding(), pixels)
    }

    /// As [`applied`](Self::applied), to a row of at least three channels.
    pub fn apply(&self, row: &mut [f32], line: &Line) {
        if !self.changes_pixels() {
            return;
        }
        let Line { number, y, lines, channels, encoding } = *line;
        let (grain, warmth) = (self.grain as f32 / 100.0, self.warmth as f32 / 100.0);
        let gains = [1.0 + WARMTH * warmth, 1.0, 1.0 - WARMTH * warmth];
        let size = (lines / GRAIN_LINES).max(1);
        for (x, pixel) in row.chunks_exact_mut(channels).enumerate() {
            let alpha = pixel.get(3).copied().unwrap_or(1.0);
            // Where nothing is seen there is no film.
            if alpha <= 0.0 {
                continue;
            }
            let noise = if grain > 0.0 { GRAIN * grain * gaussian(number, x / size, y / size) } else { 0.0 };
            for (value, gain) in pixel.iter_mut().zip(gains) {
                let mut colour = if alpha < 1.0 { *value / alpha } else { *value };
                if warmth != 0.0 {
                    colour = warmer(colour, gain, encoding);
                }
                if noise != 0.0 {
                    colour = grainy(colour, noise, encoding);
                }
                *value = if alpha < 1.0 { colour * alpha } else { colour };
            }
        }
    }
}

/// Where a row of pixels stands, and what they are.
#[derive(Clone, Copy, Debug)]
pub struct Line {
    /// The frame's number.
    pub number: i64,
    /// The row's, from the top.
    pub y: usize,
    /// Rows of the whole picture.
    pub lines: usize,
    /// Values a pixel.
    pub channels: usize,
    /// What they stand for.
    pub encoding: Encoding,
}

impl Line {
    /// A row of a frame that has a number.
    fn of(frame: &Frame, number: i64, y: usize) -> Self {
        Self { number, y, lines: frame.height(), channels: frame.channels(), encoding: frame.encoding() }
    }
}

/// A value with so much more light. What a screen shows stays what it can show.
fn warmer(value: f32, gain: f32, encoding: Encoding) -> f32 {
    let bound = encoding == Encoding::Display;
    if gain == 1.0 || bound && value < 0.0 {
        return value * gain;
    }
    let lit = encoding.value(encoding.light(value) * gain);
    if bound && value <= 1.0 { lit.clamp(0.0, 1.0) } else { lit }
}

/// A value with noise in it, as on a screen: none in black and white, where film has no light or no silver left to vary.
fn grainy(value: f32, noise: f32, encoding: Encoding) -> f32 {
    let shown = encoding.shown_grey(value);
    if !(0.0..=1.0).contains(&shown) {
        return value;
    }
    let tone = 4.0 * shown * (1.0 - shown);
    let noisy = (shown + noise * tone.max(0.0).sqrt()).clamp(0.0, 1.0);
    encoding.of_shown_grey(noisy)
}

/// The deviation of the noise in a frame, in display units: robustly, by the median of what a Laplacian that is blind to
/// ramps and edges along its axes leaves (Immerkær 1996).
#[must_use]
pub fn noise_of(frame: &Frame) -> f32 {
    let (width, height, channels) = (frame.width(), frame.height(), frame.channels());
    if width < 3 || height < 3 {
        return 0.0;
    }
    let encoding = frame.encoding();
    let shown = |v: f32| if encoding == Encoding::Display { v } else { encoding.shown_grey(v).clamp(0.0, 1.0) };
    let green = if channels >= 3 { 1 } else { 0 };
    let at = |x: usize, y: usize| shown(frame.pixels()[(y * width + x) * channels + green]);
    // As many as a median needs, spread over the picture.
    let step = (width * height / MEASURED).isqrt().max(1);
    let mut left: Vec<f32> = (1..height - 1)
        .step_by(step)
        .flat_map(|y| (1..width - 1).step_by(step).map(move |x| (x, y)))
        .map(|(x, y)| {
            let row = |y: usize| at(x - 1, y) - 2.0 * at(x, y) + at(x + 1, y);
            (row(y - 1) - 2.0 * row(y) + row(y + 1)).abs()
        })
        .collect();
    let middle = left.len() / 2;
    let (_, median, _) = left.select_nth_unstable_by(middle, f32::total_cmp);
    // The kernel adds the noise of its pixels up to six times that of one; half of a normal distribution lies within
    // 0.6745 deviations.
    *median / (6.0 * 0.674_5)
}

/// Pixels that noise is measured at.
const MEASURED: usize = 100_000;

/// The deviation of the noise that is to be added to a frame for it to have as much as is `wanted`; none where it has as much.
#[must_use]
pub fn noise_lacking(frame: &Frame, wanted: f32) -> Option<f32> {
    let own = noise_of(frame);
    (wanted > own).then(|| (wanted * wanted - own * own).sqrt())
}

/// Adds noise of one deviation to a row of display-referred pixels of three or more channels, the same on each render.
pub fn add_noise(row: &mut [f32], line: &Line, deviation: f32) {
    for (x, pixel) in row.chunks_exact_mut(line.channels).enumerate() {
        let noise = deviation * gaussian(!line.number, x, line.y);
        pixel[..3].iter_mut().for_each(|value| *value = (*value + noise).clamp(0.0, 1.0));
    }
}

/// A number of about normal distribution, the same for the same place on every machine.
fn gaussian(number: i64, x: usize, y: usize) -> f32 {
    // SplitMix64 (Steele, Lea and Flood 2014) over the place.
    let mut z = (number as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ ((x as u64) << 32 | y as u64);
    z = z.wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^= z >> 31;
    // The sum of four even numbers from 0 to 1 has a deviation of 1/√3 about 2.
    let sum: f32 = (0..4).map(|i| ((z >> (16 * i)) & 0xFFFF) as f32 / 65_535.0).sum();
    (sum - 2.0) * 3.0_f32.sqrt()
}

#[cfg(test)]
mod tests {
    use pickup_model::srgb;

    use super::*;

    #[test]
    fn highlights_reach_the_peak_and_what_is_darker_stays() {
        let look = |peak| LookParams { peak, ..LookParams::default() };
        let light = |peak: f64, light: [f32; 3]| {
            let lit = look(peak).lit(light.map(|light| Encoding::Display.value(light)));
            lit.map(|value| (Encoding::Display.light(value) * 1e4).round() / 1e4)
        };
        assert_eq!(light(4.0, [1.0; 3]), [4.0; 3]);
        assert_eq!(light(100.0, [1.0, 0.5, 0.0]), [100.0, 50.0, 0.0], "it keeps its colour");
        assert_eq!(light(4.0, [0.18, 0.1, 0.0]), [0.18, 0.1, 0.0]);
        assert_eq!(look(1.0).lit([0.3, 1.0, 0.7]), [0.3, 1.0, 0.7], "to the bit");
        let ramp: Vec<f32> = (0..=1000).map(|i| light(10.0, [i as f32 / 1000.0; 3])[0]).collect();
        assert!(ramp.is_sorted() && ramp.windows(2).all(|pair| pair[1] - pair[0] < 0.03), "without a corner or a step");
    }

    #[test]
    fn held_frames_are_those_of_the_cadence() {
        let starts = |cadence: Cadence| (0..7).map(|i| cadence.places(i, 7).start).collect::<Vec<_>>();
        assert_eq!(starts(Cadence::Normal), [0, 1, 2, 3, 4, 5, 6]);
        assert_eq!(starts(Cadence::OnTwos), [0, 0, 2, 2, 4, 4, 6]);
        assert_eq!(starts(Cadence::OnThrees), [0, 0, 0, 3, 3, 3, 6]);
        assert_eq!(Cadence::StepPrinted.places(4, 7), 3..6);
        assert_eq!(Cadence::StepPrinted.places(6, 7), 6..7, "the last step may be short");
    }

    #[test]
    fn grain_is_new_on_each_frame_and_the_same_in_each_render() {
        let grey = Frame::new(64, 64, 3, Encoding::Display, vec![0.5; 64 * 64 * 3]).unwrap();
        let look = LookParams { grain: 30.0, ..LookParams::default() };
        let (a, b) = (look.applied(&grey, 1).unwrap(), look.applied(&grey, 2).unwrap());
        assert_eq!(a, look.applied(&grey, 1).unwrap());
        assert_ne!(a, b);
        let n = a.pixels().len() as f32;
        let mean = a.pixels().iter().sum::<f32>() / n;
        let deviation = (a.pixels().iter().map(|v| (v - mean).powi(2)).sum::<f32>() / n).sqrt();
        assert!((mean - 0.5).abs() < 0.003 && (deviation - 0.036).abs() < 0.003, "{mean} {deviation}");
        let black = Frame::new(2, 2, 3, Encoding::Display, vec![0.0; 12]).unwrap();
        assert_eq!(look.applied(&black, 1).unwrap(), black);
    }

    #[test]
    fn a_look_leaves_alpha_highlights_and_what_is_transparent_alone() {
        let look = LookParams { grain: 100.0, warmth: 50.0, ..LookParams::default() };
        // Transparent; half there, of grey 0.5; a highlight; below black; plain grey.
        let pixels =
            [[0.0; 4], [0.25, 0.25, 0.25, 0.5], [12.0, 12.0, 12.0, 1.0], [-0.5, -0.5, -0.5, 1.0], [0.5, 0.5, 0.5, 1.0]];
        for encoding in [Encoding::Display, Encoding::Linear] {
            let frame = Frame::new(5, 1, 4, encoding, pixels.concat()).unwrap();
            let looked = look.applied(&frame, 3).unwrap();
            let is: Vec<_> = looked.pixels().chunks_exact(4).collect();
            assert!(is.iter().zip(pixels).all(|(is, was)| is[3] == was[3]), "alpha: {is:?}");
            assert_eq!(is[0], [0.0; 4], "what is transparent");
            assert!(
                is[2][0] > 12.0 && is[2][1] == 12.0 && is[2][2] < 12.0 && is[2][2] > 8.0,
                "warmer, not cut: {:?}",
                is[2]
            );
            assert!(is[3][0] < -0.5 && is[3][1] == -0.5, "{:?}", is[3]);
            assert!(
                is[1][1] != 0.25 && (is[1][1] - 0.25).abs() < 0.5 * 0.3,
                "grain as strong as what is seen: {:?}",
                is[1]
            );
            assert!(is[4][0] > is[4][2] && is[4][1] != 0.5, "{:?}", is[4]);
        }
    }

    #[test]
    fn a_look_may_be_named_in_the_prompt() {
        let none = LookParams::default();
        assert_eq!(
            none.or_said("Snow, 35 mm grain, on twos."),
            LookParams { grain: 30.0, cadence: Cadence::OnTwos, ..none }
        );
        assert_eq!(none.or_said("a flower growing, stop-motion").cadence, Cadence::OnThrees);
        assert_eq!(none.or_said("smoke rising on two sides of a grain field"), none);
        let own = LookParams { grain: 5.0, cadence: Cadence::StepPrinted, warmth: 2.0, peak: 3.0 };
        assert_eq!(own.or_said("film grain, on threes"), own, "what is set by hand holds");
    }

    #[test]
    fn warmth_moves_red_and_blue_apart() {
        let grey = Frame::new(1, 1, 3, Encoding::Display, vec![0.5; 3]).unwrap();
        let warm = LookParams { warmth: 50.0, ..LookParams::default() }.applied(&grey, 0).unwrap();
        assert!(
            warm.pixels()[0] > 0.5 && warm.pixels()[1] == srgb::encode(srgb::decode(0.5)) && warm.pixels()[2] < 0.5
        );
        let cool = LookParams { warmth: -50.0, ..LookParams::default() }.applied(&grey, 0).unwrap();
        assert!(cool.pixels()[0] < 0.5 && cool.pixels()[2] > 0.5);
    }

    #[test]
    fn noise_is_measured_through_a_picture_and_can_be_matched() {
        let picture = |x: usize, y: usize| 0.5 + 0.3 * ((x as f32 / 9.0).sin() * (y as f32 / 7.0).cos());
        let values = (0..120 * 80).flat_map(|i| [picture(i % 120, i / 120); 3]).collect();
        let clean = Frame::new(120, 80, 3, Encoding::Display, values).unwrap();
        let noisy = |frame: &Frame, number: i64, deviation: f32| {
            let mut pixels = frame.pixels().to_vec();
            let rows = pixels.chunks_exact_mut(120 * 3).enumerate();
            rows.for_each(|(y, row)| add_noise(row, &Line::of(frame, number, y), deviation));
            Frame::new(120, 80, 3, Encoding::Display, pixels).unwrap()
        };
        assert!(noise_of(&clean) < 0.002, "{}", noise_of(&clean));
        for deviation in [0.01, 0.04] {
            let measured = noise_of(&noisy(&clean, 3, deviation));
            assert!((measured / deviation - 1.0).abs() < 0.15, "{measured} of {deviation}");
        }
        let soft = noisy(&clean, 5, 0.03);
        let more = noisy(&soft, 6, noise_lacking(&soft, 0.05).unwrap());
        assert!((noise_of(&more) - 0.05).abs() < 0.006, "{}", noise_of(&more));
        assert_eq!(noise_lacking(&more, 0.01), None, "it is never taken away");
        assert_eq!(noise_of(&Frame::new(2, 9, 3, Encoding::Display, vec![0.0; 54]).unwrap()), 0.0);
    }
}

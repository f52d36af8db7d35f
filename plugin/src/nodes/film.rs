//! What the nodes on the video model share: the model, its shots' size, pictures from files, and the way to the output.

use std::path::{Path, PathBuf};

use image::{ImageBuffer, Rgb, imageops};
use ofx::{
    RectI,
    plugin::{Button, Changed, Cx, Effect, Error, MessageKind, Render, Result},
};
use pickup_model::{
    Brief, Encoding, Exposure, Frame, Recipe, Shot, Unwatched, Watch,
    diffusion::{Lead, shown},
    srgb,
};

use super::{
    Quality,
    footage::{Footage, as_time, frame_number, if_any},
    look::{LookParams, noise_of, with_noise},
    watch::{ButtonWatch, HostWatch},
};
use crate::{
    clips::{LETTER_HEIGHT, LETTER_WIDTH, letter_dots},
    colour::{self, ColourParams, frame_of_picture},
    engine::{Model, Tweaks, engine, failed, model_path},
};

/// Which model makes a shot, and how.
#[derive(ofx::Params, Clone, Debug, PartialEq)]
pub struct ModelParams {
    /// Empty for the small model in the bundle, else a folder of LTX-Video (0.9.5 or later) in the layout of diffusers, or the publisher's single file: yours to fetch,
    /// under its own licence. Parts are loaded in turn; what would not fit in memory is refused.
    #[param(id = "model", label = "Model folder", text = "folder")]
    pub model: String,
    /// How strongly to keep away from the negative prompt; 0 leaves it to the model. 1 is not at all, and saves half the
    /// work.
    #[param(id = "guidance", label = "Guidance", default = 0.0, range = 0.0..=20.0, display = 0.0..=10.0)]
    pub guidance: f64,
    /// Steps from noise to the shot; 0 leaves it to the model.
    #[param(id = "steps", label = "Steps", default = 0, range = 0..=200, display = 0..=50)]
    pub steps: i32,
}

impl ModelParams {
    /// The model, opened on the first use.
    ///
    /// # Errors
    /// When there is none that can be run.
    fn open(&self, quality: Quality) -> Result<Model> {
        let tweaks = Tweaks {
            steps: usize::try_from(self.steps).ok().filter(|n| *n > 0),
            guidance: (self.guidance > 0.0).then_some(self.guidance),
            pixels: match quality {
                Quality::Draft => 0.25,
                Quality::Normal => 1.0,
                Quality::Best => 2.0,
            },
        };
        engine().model(&self.path()?, tweaks)
    }

    /// Whether it is the small model in the bundle.
    fn is_embedded(&self) -> bool {
        self.model.trim().is_empty()
    }

    fn path(&self) -> Result<PathBuf> {
        match self.model.trim() {
            "" => model_path(),
            named => Ok(PathBuf::from(named)),
        }
    }
}

/// How much moves in a shot.
#[derive(ofx::Choice, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Motion {
    /// As much as the prompt says.
    #[default]
    #[choice(label = "As the prompt says")]
    Prompt,
    /// Little, and slowly.
    Gentle,
    /// Much, and fast.
    Strong,
}

/// What should be made.
#[derive(ofx::Params, Clone, Debug, PartialEq)]
pub struct PromptParams {
    /// What should be seen, in English: what it is, its colour, which way and how fast it moves, on what background.
    #[param(id = "prompt", label = "Prompt", text = "multi", animates)]
    pub prompt: String,
    /// What should not be seen.
    #[param(id = "negativePrompt", label = "Negative prompt", text = "multi", animates)]
    pub negative_prompt: String,
    /// How much moves: gentle and strong are said to the model after the prompt, as “slowly” and “fast”.
    #[param(id = "motion", label = "Motion strength", default = Motion::Prompt)]
    pub motion: Motion,
    /// The same seed makes the same shot.
    #[param(id = "seed", label = "Seed", default = 0, range = 0..=2_147_483_647, display = 0..=1000)]
    pub seed: i32,
    /// Another shot of the same prompt.
    #[param(id = "newSeed", label = "New seed")]
    pub new_seed: Button,
}

impl PromptParams {
    /// What the model is told.
    #[must_use]
    pub fn brief(&self) -> Brief {
        Brief {
            prompt: self.told(),
            negative_prompt: self.negative_prompt.trim().to_owned(),
            seed: u64::try_from(self.seed).unwrap_or_default(),
            ..Brief::default()
        }
    }

    /// The prompt with what the motion's strength adds to it.
    fn told(&self) -> String {
        let prompt = self.prompt.trim();
        match self.motion {
            _ if prompt.is_empty() => String::new(),
            Motion::Prompt => prompt.to_owned(),
            Motion::Gentle => format!("{prompt}, moving slowly"),
            Motion::Strong => format!("{prompt}, moving fast"),
        }
    }

    /// Another seed, when its button was pressed.
    ///
    /// # Errors
    /// When the host refuses it.
    pub fn changed<E: Effect>(&self, cx: &Changed<'_, E>) -> Result<()> {
        if cx.is(Self::NEW_SEED) { cx.set(Self::SEED, other_seed(self.seed)) } else { Ok(()) }
    }
}

/// A seed unlike the one before: the next of a row that visits every seed there is (Hull and Dobell 1962).
fn other_seed(seed: i32) -> i32 {
    let next = (i64::from(seed) * 1_103_515_245 + 12_345) & 0x7FFF_FFFF;
    i32::try_from(next).unwrap_or_default()
}

/// What the output shows.
#[derive(ofx::Choice, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Output {
    /// What was made, among the source's own frames.
    #[default]
    Result,
    /// White where a frame was made, black where nothing or the source is shown.
    Matte,
}

/// What is shown of a made shot, by which model, and how: the parameters that every node on the video model has.
#[derive(ofx::Params, Clone, Debug, PartialEq)]
pub struct FilmParams {
    /// What the output shows.
    #[param(id = "output", label = "Output", default = Output::Result)]
    pub output: Output,
    /// How much work a frame is worth. The video model makes frames of a quarter, one or two times the pixels that it is at
    /// home at; they are then scaled to the output.
    #[param(id = "quality", label = "Quality", default = Quality::Normal)]
    pub quality: Quality,
    /// What is done after the model, the same with any model.
    #[group(label = "Look", open = false)]
    pub look: LookParams,
    /// The model.
    #[group(id = "advanced", label = "Advanced", open = false)]
    pub model: ModelParams,
    /// Colour.
    #[group(label = "Colour", open = false)]
    pub colour: ColourParams,
}

impl FilmParams {
    /// The model, opened on the first use.
    ///
    /// # Errors
    /// When there is none that can be run.
    pub fn open(&self) -> Result<Model> {
        self.model.open(self.quality)
    }

    /// Whether a video model is the one to ask where another way is open: one that the user named, or the one in the bundle
    /// where it knows every word of the prompt. If it is not for its words, the host is told.
    ///
    /// # Errors
    /// When there is none that can be run.
    pub fn model_suits<E: Effect>(&self, cx: &Render<'_, E>, brief: &Brief) -> Result<bool> {
        if !self.model.is_embedded() {
            return Ok(true);
        }
        if brief.prompt.is_empty() {
            cx.clear_persistent_message();
            return Ok(false);
        }
        let understood = self.open()?.understands(&brief.prompt);
        if !understood {
            cx.set_persistent_message(MessageKind::Warning, NOT_UNDERSTOOD);
        }
        Ok(understood)
    }

    /// How a made frame is shown beside frames of so much noise; a look that the brief's prompt names is one.
    #[must_use]
    pub fn finish(&self, brief: &Brief, noise: Option<f32>) -> Finish<'_> {
        Finish { look: self.look.or_said(&brief.prompt), colour: &self.colour, noise }
    }
}

/// Why a prompt is not followed.
const NOT_UNDERSTOOD: &str = "The model in the bundle does not know all that the prompt asks for, so motion makes these frames. \
                              Use words that it knows, set “Made by” to “Video model”, or name a larger model in “Model \
                              folder”";

/// How a made frame is shown.
#[derive(Clone, Copy)]
pub struct Finish<'a> {
    /// Its look.
    pub look: LookParams,
    /// The host's colour.
    pub colour: &'a ColourParams,
    /// The noise of the clip that it stands beside, if that is to be matched; see [`super::look::noise_of`].
    pub noise: Option<f32>,
}

/// A shot to be made, with all that says how.
pub struct Film<'a> {
    /// The model.
    pub model: &'a Model,
    /// The shot, in the model's own size.
    pub shot: &'a Shot,
    /// The brief.
    pub brief: &'a Brief,
    /// The shot's time at place 0 of what is shown.
    pub first: i64,
    /// Frames over which the end runs into the start, of a shot that loops: it has as many more at its end.
    pub joined: usize,
    /// Known frames beside what is made, as large as the output: their detail goes on in what is made.
    pub given: Vec<Given>,
}

/// A known frame beside what is made, display-referred RGB of the output's size.
pub struct Given {
    /// The shot's time of it.
    time: i64,
    frame: Frame,
    /// The one further from what is made.
    beside: Option<Frame>,
}

impl Given {
    /// Frame `number` of a clip, which stands at the shot's time `time`, and the frame `inwards` of it, 0 for none; none where
    /// there is no such frame.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn of(footage: &Footage<'_>, (number, inwards): (i64, i64), time: i64) -> Result<Option<Self>> {
        let whole = |frame: Frame| shown(&frame, (frame.width(), frame.height())).map_err(failed);
        let Some(frame) = footage.frame(number)?.map(whole).transpose()? else { return Ok(None) };
        let beside = if inwards == 0 { None } else { if_any(footage.frame(number + inwards))?.flatten() };
        let beside = beside.map(whole).transpose()?;
        Ok(Some(Self { time, frame, beside }))
    }
}

impl Film<'_> {
    /// The take's name.
    #[must_use]
    pub fn recipe(&self) -> Recipe {
        self.model.recipe(self.shot, self.brief)
    }

    /// Makes the take, with the host's progress bar and stop button, if there is none yet.
    ///
    /// # Errors
    /// When it cannot be made, or the user stopped it.
    pub fn make<E: Effect>(&self, cx: &Render<'_, E>) -> Result<Recipe> {
        let watch = HostWatch::new(cx, format!("{}: making the shot", E::META.label()));
        self.made(cx, &watch)
    }

    /// As [`make`](Self::make), for a button.
    ///
    /// # Errors
    /// As [`make`](Self::make).
    pub fn make_now<E: Effect>(&self, cx: &Cx<'_, E>) -> Result<Recipe> {
        let progress = cx.progress(&format!("{}: making the shot", E::META.label()));
        self.made(cx, &ButtonWatch::new(progress))
    }

    fn made<E: Effect>(&self, cx: &Cx<'_, E>, watch: &dyn Watch) -> Result<Recipe> {
        let recipe = engine().film(self.model, self.shot, self.brief, watch)?;
        let unknown = engine().unknown_words(recipe);
        if unknown.is_empty() {
            cx.clear_persistent_message();
        } else {
            let text = format!("The model does not know: {}. It made the rest of the prompt.", unknown.join(", "));
            cx.set_persistent_message(MessageKind::Warning, &text);
        }
        Ok(recipe)
    }

    /// The frame at a place of a shot of `count` frames, in its cadence; of several, the mean of their light.
    ///
    /// # Errors
    /// When the take was lost.
    pub fn frame(&self, recipe: Recipe, place: usize, count: usize, look: &LookParams) -> Result<Frame> {
        let mut places = look.cadence.places(place, count);
        let first = self.joined(recipe, places.next().unwrap_or(place), count)?;
        if places.is_empty() {
            return Ok(first);
        }
        let mut exposure = Exposure::new(&first);
        for place in places {
            exposure.add(&self.joined(recipe, place, count)?).map_err(failed)?;
        }
        exposure.finish().map_err(failed)
    }

    /// The frame at a place: at the start of a loop what comes after its end, fading into the start.
    fn joined(&self, recipe: Recipe, place: usize, count: usize) -> Result<Frame> {
        let frame = self.at(recipe, place)?;
        if place >= self.joined {
            return Ok(frame);
        }
        // The first frame follows the last: it is mostly the one that was made after it.
        let share = (place + 1) as f64 / (self.joined + 1) as f64;
        self.at(recipe, count + place)?.blended(&frame, share).map_err(failed)
    }

    /// The frame at a place: in the model's own size, or as large as the frames that were given, if any were.
    fn at(&self, recipe: Recipe, place: usize) -> Result<Frame> {
        let small = self.small(recipe, place)?;
        let time = self.first + place as i64;
        let before = self.given.iter().filter(|given| given.time <= time).max_by_key(|given| given.time);
        let after = self.given.iter().filter(|given| given.time > time).min_by_key(|given| given.time);
        let Some(size) = before.or(after).map(|given| (given.frame.width(), given.frame.height())) else {
            return Ok(small);
        };
        let share = match (before, after) {
            (Some(before), Some(after)) => (time - before.time) as f32 / (after.time - before.time) as f32,
            (before, _) => f32::from(u8::from(before.is_none())),
        };
        let whole = scaled(&small, size.0, size.1)?;
        let mut pixels = whole.pixels().to_vec();
        for (given, share) in [(before, 1.0 - share), (after, share)] {
            if let Some(given) = given.filter(|given| given.time != time) {
                self.lead(given, &small, (share, time.abs_diff(given.time) as usize), &mut pixels)?;
            }
        }
        Frame::new(size.0, size.1, 3, Encoding::Display, pixels).map_err(failed)
    }

    /// Lays a share of what a given frame shows of detail over the pixels of a made frame.
    fn lead(&self, given: &Given, small: &Frame, share: (f32, usize), pixels: &mut [f32]) -> Result<()> {
        let at = as_time(given.time);
        let Some((_, known)) = self.shot.frames().iter().find(|(time, _)| *time == at) else { return Ok(()) };
        let followed = shown(known, (small.width(), small.height())).map_err(failed)?;
        let likeness = scaled(&followed, given.frame.width(), given.frame.height())?;
        let lead = Lead::new(given.frame.clone(), likeness, followed, given.beside.clone()).map_err(failed)?;
        lead.over(pixels, small, share, (&*engine().motion()?, &Unwatched)).map_err(failed)
    }

    /// The frame at a place in the model's own size: known, or made.
    fn small(&self, recipe: Recipe, place: usize) -> Result<Frame> {
        let time = as_time(self.first) + place as f64;
        if let Some((_, known)) = self.shot.frames().iter().find(|(at, _)| *at == time) {
            return Ok(known.clone());
        }
        let made = self.shot.gaps().iter().position(|gap| *gap == time);
        let frame = made.and_then(|made| engine().film_frame(recipe, made)).ok_or_else(|| {
            let text = "The take was lost while it was being read, as when another program clears it: render again";
            Error::Failed(text.into())
        })?;
        Ok((*frame).clone())
    }
}

/// A shot with frames of a clip in it, as the model is shown them: those of `frames` that are there, `frames.start` standing
/// at the shot's time `at`.
///
/// # Errors
/// When one cannot be read.
pub fn with_known(
    shot: Shot,
    footage: &Footage<'_>,
    frames: std::ops::RangeInclusive<i64>,
    at: i64,
    size: (usize, usize),
) -> Result<Shot> {
    let start = *frames.start();
    frames.into_iter().try_fold(shot, |shot, number| {
        let Some(frame) = footage.shrunk(number, size)? else { return Ok(shot) };
        shot.known(as_time(at + number - start), frame).map_err(failed)
    })
}

/// A picture from a file, cut to the shape of a shot and brought to its size.
///
/// # Errors
/// When it cannot be read.
pub fn picture(path: &str, (width, height): (usize, usize)) -> Result<Option<Frame>> {
    let path = path.trim();
    if path.is_empty() {
        return Ok(None);
    }
    let reader = engine().reader(Path::new(path))?;
    let picture = reader.frame(reader.info().first()).map_err(Error::new)?;
    let (w, h) = picture.size();
    let whole =
        RectI { x1: 0, y1: 0, x2: i32::try_from(w).unwrap_or(i32::MAX), y2: i32::try_from(h).unwrap_or(i32::MAX) };
    let frame = frame_of_picture(&picture, Encoding::Display, whole, 3)?;
    Ok(Some(cut(&frame, width, height)?.resized(width, height).map_err(failed)?))
}

/// The middle of a frame in another shape.
fn cut(frame: &Frame, width: usize, height: usize) -> Result<Frame> {
    let (w, h) = (frame.width(), frame.height());
    let (cut_w, cut_h) =
        if w * height > h * width { ((h * width / height).max(1), h) } else { (w, (w * height / width).max(1)) };
    let (x, y) = ((w - cut_w) / 2, (h - cut_h) / 2);
    let rows = frame.pixels().chunks_exact(w * 3).skip(y).take(cut_h);
    let pixels = rows.flat_map(|row| &row[x * 3..(x + cut_w) * 3]).copied().collect();
    Frame::new(cut_w, cut_h, 3, frame.encoding(), pixels).map_err(failed)
}

/// A made frame at another size: Catmull-Rom, which keeps edges without ringing much, and wide enough to shrink with.
///
/// # Errors
/// When a size is empty.
pub fn scaled(frame: &Frame, width: usize, height: usize) -> Result<Frame> {
    if (frame.width(), frame.height()) == (width, height) {
        return Ok(frame.clone());
    }
    let side = |n: usize| u32::try_from(n).map_err(Error::new);
    let from =
        ImageBuffer::<Rgb<f32>, _>::from_raw(side(frame.width())?, side(frame.height())?, frame.pixels().to_vec());
    let from = from.ok_or_else(|| Error::Failed("a made frame has no pixels".into()))?;
    let to = imageops::resize(&from, side(width)?, side(height)?, imageops::FilterType::CatmullRom);
    let pixels = to.into_raw().into_iter().map(|v| v.clamp(0.0, 1.0)).collect();
    Frame::new(width, height, 3, Encoding::Display, pixels).map_err(failed)
}

/// The full size of the picture that a render shows a part or a smaller copy of: takes do not depend on the preview's.
///
/// # Errors
/// When there is no output.
pub fn full_size<E: Effect>(cx: &Render<'_, E>) -> Result<(usize, usize)> {
    let bounds = cx.output()?.bounds;
    let (x, y) = cx.render_scale();
    let full = |pixels: usize, scale: f64| ((pixels as f64 / scale).round() as usize).max(1);
    Ok((full(bounds.width(), x), full(bounds.height(), y)))
}

/// Shows the frame at a place of a film of `count` frames. A final render makes the film first; one that may not wait
/// shows what there is, else `stand_in`'s picture, either marked as no final one.
///
/// # Errors
/// When the film cannot be made.
pub fn show<E: Effect>(
    cx: &Render<'_, E>,
    film: &Film<'_>,
    (place, count): (usize, usize),
    finish: Finish<'_>,
    stand_in: impl FnOnce() -> Result<Frame>,
) -> Result<()> {
    let number = frame_number(cx.time());
    let flags = cx.flags();
    if !(flags.interactive || flags.draft || flags.thumbnail) {
        let recipe = film.make(cx)?;
        return write(cx, &film.frame(recipe, place, count, &finish.look)?, number, finish);
    }
    let recipe = film.recipe();
    if let Ok(frame) = film.frame(recipe, place, count, &finish.look) {
        return write(cx, &frame, number, finish);
    }
    let rough = engine().preview(recipe).map_or_else(stand_in, Ok)?;
    write(cx, &marked(&rough)?, number, Finish { look: LookParams::default(), noise: None, ..finish })
}

/// Writes a made frame, display-referred RGB of any size, into the output: scaled, finished, in the numbers that the host's
/// pixels stand for.
///
/// # Errors
/// When there is no output.
pub fn write<E: Effect>(cx: &Render<'_, E>, frame: &Frame, number: i64, finish: Finish<'_>) -> Result<()> {
    let mut output = cx.output()?;
    let window = output.bounds;
    let frame = scaled(frame, window.width(), window.height())?;
    let frame = finish.noise.map_or_else(|| Ok(frame.clone()), |noise| matched(&frame, number, noise))?;
    let frame = finish.look.applied(&frame, number).map_err(failed)?;
    let frame = match finish.colour.encoding(cx.host(), &output) {
        Encoding::Display => frame,
        Encoding::Linear => {
            let pixels = frame.pixels().iter().map(|v| srgb::decode(*v)).collect();
            Frame::new(frame.width(), frame.height(), 3, Encoding::Linear, pixels).map_err(failed)?
        }
    };
    colour::write(&frame, window, &mut output);
    Ok(())
}

/// A frame with as much noise as is `wanted`, where it has less.
fn matched(frame: &Frame, number: i64, wanted: f32) -> Result<Frame> {
    let own = noise_of(frame);
    if wanted <= own {
        return Ok(frame.clone());
    }
    with_noise(frame, number, (wanted * wanted - own * own).sqrt()).map_err(failed)
}

/// What a picture that is not the real thing says of itself.
const MARK: &str = "PREVIEW";

/// A picture that is not the real thing, marked as such in its lower left corner.
///
/// # Errors
/// When it has no pixels.
pub fn marked(frame: &Frame) -> Result<Frame> {
    let (width, height) = (frame.width(), frame.height());
    let dot = (height / 90).max(1);
    let (left, top) = (2 * dot, height.saturating_sub((LETTER_HEIGHT + 3) * dot));
    let mut pixels = frame.pixels().to_vec();
    for (i, letter) in MARK.chars().enumerate() {
        for (y, row) in letter_dots(letter).into_iter().enumerate() {
            for x in (0..LETTER_WIDTH).filter(|x| row >> (LETTER_WIDTH - 1 - x) & 1 == 1) {
                for (dx, dy) in (0..dot * dot).map(|d| (d % dot, d / dot)) {
                    let (px, py) = (left + (i * (LETTER_WIDTH + 1) + x) * dot + dx, top + y * dot + dy);
                    if px < width && py < height {
                        pixels[(py * width + px) * 3..][..3].fill(1.0);
                    }
                }
            }
        }
    }
    Frame::new(width, height, 3, frame.encoding(), pixels).map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ramp(width: usize, height: usize) -> Frame {
        let value = |i: usize| (i / 3 % width) as f32 / width as f32;
        Frame::new(width, height, 3, Encoding::Display, (0..width * height * 3).map(value).collect()).unwrap()
    }

    #[test]
    fn a_picture_is_cut_about_its_middle() {
        let wide = cut(&ramp(8, 2), 2, 2).unwrap();
        assert_eq!((wide.width(), wide.height(), wide.pixels()[0]), (2, 2, 3.0 / 8.0));
        let tall = cut(&ramp(4, 9), 2, 1).unwrap();
        assert_eq!((tall.width(), tall.height(), tall.pixels()[0]), (4, 2, 0.0));
        assert_eq!(cut(&ramp(4, 2), 200, 100).unwrap().width(), 4);
    }

    #[test]
    fn a_frame_grows_smoothly() {
        let grown = scaled(&ramp(4, 3), 40, 30).unwrap();
        assert_eq!((grown.width(), grown.height()), (40, 30));
        assert!(grown.pixels().iter().all(|v| (0.0..=0.8).contains(v)), "it overshoots by a little at most");
        assert!(scaled(&ramp(4, 3), 0, 3).is_err());
    }

    #[test]
    fn noise_is_added_up_to_what_is_wanted_and_never_taken_away() {
        let soft = scaled(&ramp(40, 30), 160, 120).unwrap();
        let noisy = matched(&soft, 5, 0.03).unwrap();
        assert!((noise_of(&noisy) - 0.03).abs() < 0.004, "{}", noise_of(&noisy));
        let more = matched(&noisy, 6, 0.05).unwrap();
        assert!((noise_of(&more) - 0.05).abs() < 0.006, "{}", noise_of(&more));
        assert_eq!(matched(&noisy, 6, 0.01).unwrap(), noisy);
    }

    #[test]
    fn the_strength_of_motion_is_said_after_the_prompt() {
        let wish = |prompt: &str, motion| PromptParams { prompt: prompt.into(), motion, ..PromptParams::default() };
        assert_eq!(wish(" snow ", Motion::Prompt).brief().prompt, "snow");
        assert_eq!(wish("snow", Motion::Gentle).brief().prompt, "snow, moving slowly");
        assert_eq!(wish("snow", Motion::Strong).brief().prompt, "snow, moving fast");
        assert_eq!(wish("", Motion::Strong).brief().prompt, "", "an empty prompt stays one");
    }

    #[test]
    fn new_seeds_do_not_come_back_soon() {
        let mut seeds: Vec<i32> = std::iter::successors(Some(0), |s| Some(other_seed(*s))).take(1000).collect();
        assert!(seeds.iter().all(|s| *s >= 0));
        seeds.sort_unstable();
        seeds.dedup();
        assert_eq!(seeds.len(), 1000);
    }

    #[test]
    fn what_is_no_final_picture_says_so() {
        let black = Frame::new(96, 54, 3, Encoding::Display, vec![0.0; 96 * 54 * 3]).unwrap();
        let marked = marked(&black).unwrap();
        let lit = marked.pixels().iter().filter(|v| **v == 1.0).count();
        assert!(lit > 3 * 80, "{lit} values are lit");
        assert_eq!(marked.pixels()[..96 * 40 * 3], black.pixels()[..96 * 40 * 3], "the picture above it is left alone");
    }
}

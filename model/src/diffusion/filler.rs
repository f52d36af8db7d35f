//! The diffusion filler: a shot's missing frames by the video model.

use std::{collections::BTreeMap, sync::Arc};

use candle_core::Tensor;

use super::{
    item::{Content, Item},
    ltx::{Ltx, Share, Span},
    noise::Seeded,
    request::{Latents, Request},
    seam::{Between, Lead, Match, delta_e},
    settings::Settings,
    window::{Limits, Window, passages},
};
use crate::{
    Brief, Encoding, Error, Filler, Frame, Made, Origin, Result, Shot, Watch, motion::MotionFiller, recipe::Canonical,
};

/// Makes missing frames from a prompt and whatever is known.
///
/// Frames are made at whole steps of the timeline, in display-referred RGB of at most [`Framing::most_pixels`],
/// and brought to the shot's size, channels and encoding; where a shot has alpha, what is made is opaque. Highlights above
/// white are cut.
pub struct DiffusionFiller {
    ltx: Arc<Ltx>,
    settings: Settings,
    framing: Framing,
    weights_id: String,
    motion: Option<Arc<MotionFiller>>,
}

/// What is made at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Framing {
    /// Pixels of a frame as it is made, at most.
    pub most_pixels: usize,
    /// Frames made in one go, one more than a multiple of 8; longer gaps are made piece by piece.
    pub window: usize,
    /// Known frames that are looked at on each side, one more than a multiple of 8.
    pub context: usize,
}

impl Framing {
    /// Tells a take's name of it.
    fn tell(&self, name: &mut Canonical) {
        let Self { most_pixels, window, context } = *self;
        [most_pixels, window, context].into_iter().for_each(|v| name.count(v));
    }
}

impl Default for Framing {
    fn default() -> Self {
        Self { most_pixels: 768 * 512, window: 121, context: 17 }
    }
}

/// Where what is made meets a known frame.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Seam {
    /// The time of the known frame.
    pub time: f64,
    /// Mean ΔE (CIE 1976) between it and what the model makes in its place, as the model makes it,
    pub before: f64,
    /// and with its colours matched, as all that is made is.
    pub after: f64,
}

/// What there is to say of a fill.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Report {
    /// Each place where made meets known.
    pub seams: Vec<Seam>,
    /// Words of the prompt that the model does not know.
    pub unknown_words: Vec<String>,
}

impl DiffusionFiller {
    /// A filler that runs this model with these settings.
    ///
    /// # Errors
    /// When the model's files cannot be read.
    pub fn new(ltx: Arc<Ltx>, settings: Settings, framing: Framing) -> Result<Self> {
        // Whatever changes the frames is in the name of a take.
        let mut how = Canonical::new();
        settings.tell(&mut how);
        framing.tell(&mut how);
        let weights_id = format!("{}-{:032x}", ltx.fingerprint()?, how.finish());
        Ok(Self { ltx, settings, framing, weights_id, motion: None })
    }

    /// The same, which follows what moves: detail of the known frames that the model lost goes with what it is on. Without, it
    /// stays where the picture stands still.
    #[must_use]
    pub fn following(self, motion: Arc<MotionFiller>) -> Self {
        let weights_id = format!("{}-{}", self.weights_id, motion.weights_id());
        Self { weights_id, motion: Some(motion), ..self }
    }

    /// The width and height that frames of this shape are made in.
    #[must_use]
    pub fn size(&self, width: usize, height: usize) -> (usize, usize) {
        model_size((width, height), self.framing.most_pixels, self.ltx.factors().1)
    }

    /// As [`Filler::fill`], with what there is to say of it.
    ///
    /// # Errors
    /// As [`Filler::fill`].
    pub fn fill_reported(&self, shot: &Shot, brief: &Brief, watch: &dyn Watch) -> Result<(Vec<Made>, Report)> {
        let row = Row::new(shot)?;
        let (time, space) = self.ltx.factors();
        let Framing { most_pixels, window, context } = self.framing;
        if window % time != 1 || context % time != 1 || window <= 2 * time {
            return Err(Error::Request(format!("runs of {window} frames with {context} known ones are not possible")));
        }
        let plan = passages(&row.known, Limits { window, context, time });
        let size = model_size(row.size, most_pixels, space);
        for runs in &plan {
            if runs.len() > 1 && self.settings.second_pass.is_some() {
                let most = format!("a second pass makes gaps of up to {window} frames with what is known around them");
                return Err(Error::Request(format!("{most}: fill a shorter one, or do without the second pass")));
            }
            let fresh: usize = runs.iter().map(|r| (r.frames - 1) / time + 1 - r.carried).sum();
            let twice = 1 + usize::from(self.settings.second_pass.is_some());
            self.ltx.can_decode(fresh, (twice * size.0, twice * size.1))?;
        }
        // One more for each passage, which is decoded.
        let parts = plan.iter().map(|runs| runs.len() + 1).sum();
        let mut job = Job { filler: self, row: &row, brief, size, watch, parts, done: 0, report: Report::default() };
        let mut frames = BTreeMap::new();
        for runs in &plan {
            let video = job.passage(runs)?;
            frames.extend(video.into_iter().enumerate().map(|(i, frame)| (runs[0].start + i, frame)));
        }
        let report = std::mem::take(&mut job.report);
        Ok((row.made(&frames)?, report))
    }
}

impl Filler for DiffusionFiller {
    fn name(&self) -> &'static str {
        "diffusion 3"
    }

    fn weights_id(&self) -> &str {
        &self.weights_id
    }

    fn fill(&self, shot: &Shot, brief: &Brief, watch: &dyn Watch) -> Result<Vec<Made>> {
        Ok(self.fill_reported(shot, brief, watch)?.0)
    }
}

/// Each part of the work has noise of its own.
fn noise_of(brief: &Brief, run: usize) -> Seeded {
    Seeded(brief.seed.wrapping_add((run as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15)))
}

/// The size a frame is made in: multiples of `space`, near the shot's shape, of at most `most` pixels.
fn model_size((width, height): (usize, usize), most: usize, space: usize) -> (usize, usize) {
    let shrink = (most as f64 / (width * height) as f64).sqrt().min(1.0);
    let longest = super::ltx::MOST_EDGE / space;
    let side = |n: usize| ((n as f64 * shrink / space as f64).floor() as usize).clamp(1, longest) * space;
    (side(width), side(height))
}

/// A shot as a row of frames at whole steps.
struct Row<'a> {
    shot: &'a Shot,
    first: f64,
    known: Vec<bool>,
    /// Known frames by their place, as the shot has them.
    frames: BTreeMap<usize, &'a Frame>,
    /// Width and height.
    size: (usize, usize),
}

/// Longer shots are better made in parts.
const MOST_ROW: usize = 1 << 16;

impl<'a> Row<'a> {
    fn new(shot: &'a Shot) -> Result<Self> {
        let times = shot.frames().iter().map(|(time, _)| *time).chain(shot.gaps().iter().copied());
        let (first, last) = times.clone().fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), t| (a.min(t), b.max(t)));
        if let Some(between) = times.clone().find(|t| (t - first).fract() != 0.0) {
            return Err(Error::Request(format!("{between} lies between frames, and the video model makes whole ones")));
        }
        let Some(size) = shot.size().filter(|(w, h)| *w > 0 && *h > 0) else {
            return Err(Error::Request("the shot has no size: give it one, or a known frame".to_owned()));
        };
        if last - first >= MOST_ROW as f64 {
            return Err(Error::Request(format!("a shot from {first} to {last} is too long to fill in one go")));
        }
        let count = if last >= first { (last - first) as usize + 1 } else { 0 };
        // What is neither known nor wanted is made too: something must lie there.
        let mut known = vec![false; count];
        let mut frames = BTreeMap::new();
        for (time, frame) in shot.frames() {
            known[(time - first) as usize] = true;
            frames.insert((time - first) as usize, frame);
        }
        for time in shot.gaps() {
            known[(time - first) as usize] = false;
        }
        Ok(Self { shot, first, known, frames, size })
    }

    /// The made frames at the shot's gaps, in its own size, channels and encoding.
    fn made(&self, frames: &BTreeMap<usize, Frame>) -> Result<Vec<Made>> {
        let like = self.shot.frames().first().map(|(_, frame)| frame);
        let mut out = Vec::new();
        for time in self.shot.gaps() {
            let Some(frame) = frames.get(&((time - self.first) as usize)) else {
                return Err(Error::Request(format!("frame {time} was not made")));
            };
            let frame = dressed(&frame.resized(self.size.0, self.size.1)?, like)?;
            let guess = vec![0.0; frame.width() * frame.height()];
            let confidence = Frame::new(frame.width(), frame.height(), 1, Encoding::Display, guess)?;
            out.push(Made { time: *time, frame, confidence, origin: Origin::Made });
        }
        Ok(out)
    }
}

/// RGB as the shot's frames are.
fn dressed(frame: &Frame, like: Option<&Frame>) -> Result<Frame> {
    let Some(like) = like else { return Ok(frame.clone()) };
    let encoding = like.encoding();
    let channels = like.channels();
    let mut pixels = Vec::with_capacity(frame.width() * frame.height() * channels);
    for p in frame.pixels().chunks_exact(3) {
        match channels {
            1 | 2 => {
                pixels.push(encoding.of_shown_grey(0.2126 * p[0] + 0.7152 * p[1] + 0.0722 * p[2]));
                pixels.extend(std::iter::repeat_n(1.0, channels - 1));
            }
            _ => {
                pixels.extend(encoding.of_shown([p[0], p[1], p[2]]));
                // Opaque; what further channels hold is not known.
                pixels.extend((3..channels).map(|c| f32::from(u8::from(c == 3))));
            }
        }
    }
    Frame::new(frame.width(), frame.height(), channels, encoding, pixels)
}

/// A known frame as the model is shown it: display-referred RGB of the size frames are made in.
///
/// # Errors
/// When the size is empty.
pub fn shown(frame: &Frame, (width, height): (usize, usize)) -> Result<Frame> {
    let small = frame.resized(width, height)?;
    let channels = small.channels();
    let encoding = small.encoding();
    let mut pixels = Vec::with_capacity(width * height * 3);
    for p in small.pixels().chunks_exact(channels) {
        let shown = if channels >= 3 { encoding.shown([p[0], p[1], p[2]]) } else { [encoding.shown_grey(p[0]); 3] };
        pixels.extend(if encoding == Encoding::Display { shown } else { shown.map(|v| v.clamp(0.0, 1.0)) });
    }
    Frame::new(width, height, 3, Encoding::Display, pixels)
}

/// One fill under way.
struct Job<'a> {
    filler: &'a DiffusionFiller,
    row: &'a Row<'a>,
    brief: &'a Brief,
    /// Width and height of frames as they are made.
    size: (usize, usize),
    watch: &'a dyn Watch,
    /// Parts of the work, and those that are done.
    parts: usize,
    done: usize,
    report: Report,
}

impl<'a> Job<'a> {
    /// The next part of the work, as a part of the progress bar.
    fn next_part(&mut self) -> Share<'a> {
        let at = |i: usize| i as f32 / self.parts as f32;
        self.done += 1;
        Share { watch: self.watch, span: Span { from: at(self.done - 1), to: at(self.done) } }
    }

    /// The frames of a passage from its first run on, their colours matched.
    fn passage(&mut self, runs: &[Window]) -> Result<Vec<Frame>> {
        let latents = self.latents(runs)?;
        let (part, noise) = (self.next_part(), noise_of(self.brief, self.done));
        let video = self.filler.ltx.decode(&latents, noise, &self.filler.settings, &part)?;
        // What follows the last frame that was told is made up, whatever may be known there.
        let told = runs.iter().flat_map(|run| &run.known).map(|placed| placed.row.end).max().unwrap_or(0);
        self.matched(&video, runs[0].start, told)
    }

    /// The latents of a passage, each run started with the end of the one before.
    fn latents(&mut self, runs: &[Window]) -> Result<Latents> {
        let mut whole: Option<Latents> = None;
        for window in runs {
            let request = self.request(window, whole.as_ref())?;
            let part = self.next_part();
            let run = self.filler.ltx.latents(&request, &mut noise_of(self.brief, self.done), &part)?;
            self.report.unknown_words.clone_from(&run.unknown_words);
            whole = Some(match whole {
                None => run,
                Some(whole) => {
                    let fresh = run.video.narrow(0, window.carried, run.video.dim(0)? - window.carried)?;
                    Latents { video: Tensor::cat(&[&whole.video, &fresh], 0)?, ..whole }
                }
            });
        }
        whole.ok_or_else(|| Error::Request("nothing is missing".to_owned()))
    }

    fn shown(&self, place: usize) -> Result<Frame> {
        let frame = self.row.frames[&place];
        if frame.pixels().iter().any(|v| !v.is_finite()) {
            let time = self.row.first + place as f64;
            return Err(Error::Request(format!("frame {time} has pixels that are not numbers; render it anew")));
        }
        shown(frame, self.size)
    }

    fn request(&self, window: &Window, before: Option<&Latents>) -> Result<Request> {
        let strength = 1.0 - self.brief.strength.clamp(0.0, 1.0);
        let mut items = Vec::new();
        if let Some(before) = before
            && window.carried > 0
        {
            let count = before.video.dim(0)?;
            let end = before.video.narrow(0, count - window.carried, window.carried)?;
            items.push(Item { content: Content::Latents(end), frame: 0, strength: 1.0 });
        }
        for placed in &window.known {
            let frames = placed.row.clone().map(|i| self.shown(i)).collect::<Result<Vec<_>>>()?;
            let content = match <[Frame; 1]>::try_from(frames) {
                Ok([still]) => Content::Still(still),
                Err(frames) => Content::Sequence(frames),
            };
            items.push(Item { content, frame: placed.at, strength });
        }
        Ok(Request {
            prompt: self.brief.prompt.clone(),
            negative_prompt: self.brief.negative_prompt.clone(),
            width: self.size.0,
            height: self.size.1,
            frames: window.frames,
            rate: self.row.shot.rate(),
            items,
            settings: self.filler.settings.clone(),
        })
    }

    /// The video with its colours and its detail matched to the known frames on both sides of each gap.
    fn matched(&mut self, video: &[Frame], start: usize, told: usize) -> Result<Vec<Frame>> {
        let mut joins: Vec<Join> = Vec::new();
        for (place, frame) in &self.row.frames {
            let missing = |i: Option<usize>| i.and_then(|i| self.row.known.get(i)).is_some_and(|k| !k);
            let beside = *place < told && (missing(place.checked_sub(1)) || missing(place.checked_add(1)));
            let Some(made) = place.checked_sub(start).and_then(|i| video.get(i)).filter(|_| beside) else { continue };
            let size = (made.width(), made.height());
            let known = shown(frame, size)?;
            let colour = Match::of(made, &known);
            let matched = colour.apply(made)?;
            let (before, after) = (delta_e(made, &known), delta_e(&matched, &known));
            self.report.seams.push(Seam { time: self.row.first + *place as f64, before, after });
            let inwards = if missing(place.checked_add(1)) { place.checked_sub(1) } else { place.checked_add(1) };
            let beside = inwards.and_then(|i| self.row.frames.get(&i)).map(|frame| shown(frame, size)).transpose()?;
            let lead = Lead::new(known, matched.clone(), matched, beside)?;
            joins.push(Join { place: *place, colour, lead });
        }
        video.iter().enumerate().map(|(i, frame)| self.joined(frame, &joins, start + i)).collect()
    }

    /// A made frame as the nearest join has it, or between two joins as their mixture.
    fn joined(&self, frame: &Frame, joins: &[Join], place: usize) -> Result<Frame> {
        let row = joins.iter().map(|join| (join.place as i64, join));
        let Some(between) = Between::of(row, place as i64) else { return Ok(frame.clone()) };
        let colours = between.sides().map(|(join, share, _)| (join.colour, share));
        let colour = colours.reduce(|(a, _), (b, share)| (a.mixed(b, share), share)).map(|(colour, _)| colour);
        let matched = colour.map_or_else(|| Ok(frame.clone()), |colour| colour.apply(frame))?;
        let mut pixels = matched.pixels().to_vec();
        let motion = self.filler.motion.as_deref();
        let quietly = Quietly { watch: self.watch, at: self.done as f32 / self.parts as f32 };
        for (join, share, away) in between.sides() {
            match motion.filter(|_| away > 0) {
                Some(motion) => join.lead.over(&mut pixels, &matched, (share, away), (motion, &quietly))?,
                None => join.lead.stay(&mut pixels, share, away),
            }
        }
        Frame::new(frame.width(), frame.height(), 3, matched.encoding(), pixels)
    }
}

/// A known frame beside a gap.
struct Join {
    place: usize,
    colour: Match,
    lead: Lead,
}

/// Asks whether to stop, and does not tell of how far a small part of the work is.
struct Quietly<'a> {
    watch: &'a dyn Watch,
    at: f32,
}

impl Watch for Quietly<'_> {
    fn progress(&self, _: f32) -> bool {
        self.watch.progress(self.at)
    }
}

#[cfg(test)]
mod tests;

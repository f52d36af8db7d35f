//! The motion filler: missing frames from the motion between known ones.
//!
//! Once a pair, `FlowNet` finds the flow both ways in a display-referred proxy, and from each of the pair to the
//! next known frame further out, which tells how what moves slows, falls or turns. Once a time wanted,
//! `SynthesisNet` says how to move each frame there and what it is worth; then the frames' own pixels are
//! moved and mixed. Nothing is painted: float, highlights above white, alpha and extra channels survive.

mod align;
mod alike;
mod apply;
mod bars;
mod beside;
mod course;
mod cut;
mod flow;
mod guest;
pub(crate) mod holes;
mod mixing;
mod network;
mod onward;
mod pair;
mod project;
mod proxy;
mod rife;
mod synthesis;
mod weights;

use std::path::Path;

pub use cut::CutEvidence;
pub use guest::MotionByRife;
use pair::{Pairs, Settings};

pub(crate) use self::{apply::Plan, beside::Beside, course::Course, onward::Beyond};
use self::{bars::Window, guest::Guests, mixing::Mixing, network::MotionNet, onward::onward, rife::Rife};
use crate::{Brief, Encoding, Error, Filler, Frame, Known, Made, Origin, Quality, Result, Shot, Watch, engine::Engine};

/// Fills gaps between known frames by following what moves.
///
/// One serves the whole process and any number of threads; the pairs matched last are kept, so that a gap of several
/// frames, or a slowed shot, is matched once.
pub struct MotionFiller {
    net: MotionNet,
    id: String,
    pairs: Pairs,
    guests: Guests,
}

impl std::fmt::Debug for MotionFiller {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MotionFiller").field("id", &self.id).finish_non_exhaustive()
    }
}

/// What the filler made of one time between two frames.
#[derive(Clone, Debug)]
pub struct Between {
    /// The picture.
    pub frame: Frame,
    /// One channel, 0 (a guess) to 1 (certain).
    pub confidence: Frame,
    /// Whether it was made, or the nearer frame held because a cut lies between.
    pub origin: Origin,
}

/// The known frames about a time.
#[derive(Clone, Copy, Debug)]
pub struct Neighbours<'a> {
    /// The last known frame before it.
    pub first: &'a Frame,
    /// The first known frame after it.
    pub last: &'a Frame,
    /// The known frame before the first, and how far before it stands, in lengths of the interval between the two.
    pub before: Option<(f64, &'a Frame)>,
    /// The known frame after the last, and how far after it stands.
    pub after: Option<(f64, &'a Frame)>,
}

/// How far out, in lengths of the interval, a frame may stand to tell of the motion between: the network was trained
/// with frames from 0.3 to 1.
const TELLING: std::ops::RangeInclusive<f64> = 0.25..=1.25;

impl<'a> Neighbours<'a> {
    /// The pair alone.
    #[must_use]
    pub fn pair(first: &'a Frame, last: &'a Frame) -> Self {
        Self { first, last, before: None, after: None }
    }

    /// What the frames further out tell is used where they stand near enough and are not a repeat of their neighbour.
    fn outer(&self) -> [Option<(f64, &'a Frame)>; 2] {
        let telling = |outer: Option<(f64, &'a Frame)>, inner: &Frame| {
            outer.filter(|(spacing, frame)| TELLING.contains(spacing) && !frame.repeats(inner))
        };
        [telling(self.before, self.first), telling(self.after, self.last)]
    }
}

impl MotionFiller {
    /// Loads the network's weights to the CPU; `memory` bounds, in bytes, the matched pairs that are kept.
    ///
    /// # Errors
    /// When the file cannot be read, or is not for this network.
    pub fn load(weights: &Path, memory: usize) -> Result<Self> {
        Self::load_to(weights, memory, &Engine::Cpu)
    }

    /// As [`load`](Self::load), to an engine, in whose memory pairs are kept then.
    ///
    /// # Errors
    /// As [`load`](Self::load), and when a GPU does not take them.
    pub fn load_to(weights: &Path, memory: usize, engine: &Engine) -> Result<Self> {
        let (net, hash) = MotionNet::load(weights, engine)?;
        // A GPU's frames are the CPU's but for the last bits of a float.
        let kind = match engine {
            Engine::Cpu => "",
            Engine::Gpu(_) => "-gpu",
        };
        Ok(Self { net, id: format!("motion-{hash:016x}{kind}"), pairs: Pairs::new(memory), guests: Guests::default() })
    }

    /// The frame at `t` between the first neighbour (0) and the last (1); all must be of one size and kind. Black bars around the
    /// picture stay as they are in the nearer one.
    ///
    /// # Errors
    /// When the frames differ in size or channels, the network fails, or `watch` says stop.
    pub fn between(&self, near: &Neighbours<'_>, t: f64, brief: &Brief, watch: &dyn Watch) -> Result<Between> {
        self.between_by(None, near, t, brief, watch)
    }

    /// As [`between`](Self::between), by RIFE if that is given.
    fn between_by(
        &self,
        rife: Option<&Rife>,
        near: &Neighbours<'_>,
        t: f64,
        brief: &Brief,
        watch: &dyn Watch,
    ) -> Result<Between> {
        let picture_between = |near: &Neighbours<'_>| match rife {
            Some(rife) => self.picture_by_rife(rife, [near.first, near.last], t, brief, watch),
            None => self.picture_between(near, t, brief, watch),
        };
        let Neighbours { first, last, .. } = *near;
        let outer = near.outer();
        // The shot checks that all are of one size.
        let shot = Shot::new().known(0.0, first.clone())?.known(1.0, last.clone())?;
        outer.iter().flatten().try_fold(shot, |shot, (spacing, frame)| shot.known(-spacing, (*frame).clone()))?;
        let nearer = if t < 0.5 { first } else { last };
        if first.repeats(last) {
            return Ok(Between { frame: nearer.clone(), confidence: even(first, 1.0)?, origin: Origin::Made });
        }
        let frames = [Some(first), Some(last), outer[0].map(|o| o.1), outer[1].map(|o| o.1)];
        let frames: Vec<&Frame> = frames.into_iter().flatten().collect();
        let Some(window) = Window::inside_bars(&frames) else { return picture_between(near) };
        let cut = |frame: Option<(f64, &Frame)>| -> Result<Option<(f64, Frame)>> {
            frame.map(|(at, frame)| Ok((at, window.cut(frame)?))).transpose()
        };
        let (inner_first, inner_last) = (window.cut(first)?, window.cut(last)?);
        let (before, after) = (cut(outer[0])?, cut(outer[1])?);
        let inner = Neighbours {
            first: &inner_first,
            last: &inner_last,
            before: before.as_ref().map(|(at, frame)| (*at, frame)),
            after: after.as_ref().map(|(at, frame)| (*at, frame)),
        };
        let Between { frame, confidence, origin } = picture_between(&inner)?;
        let confidence = window.set(&confidence, &even(first, 1.0)?)?;
        Ok(Between { frame: window.set(&frame, nearer)?, confidence, origin })
    }

    /// The frame at `t` between two that differ, and that fill their frames.
    fn picture_between(&self, near: &Neighbours<'_>, t: f64, brief: &Brief, watch: &dyn Watch) -> Result<Between> {
        let Neighbours { first, last, .. } = *near;
        let settings = Settings::of(brief.quality, first.width(), first.height());
        // A draft is made of the pair alone, at a third of the work.
        let near = if brief.quality == Quality::Draft { &Neighbours::pair(first, last) } else { near };
        let best = brief.quality == Quality::Best;
        let whole = Part { watch, from: 0.0, share: if best { 0.5 } else { 1.0 } };
        let pair = self.pairs.get(&self.net, near, settings, &whole)?;
        if pair.evidence.is_cut() {
            return held([first, last], t);
        }
        let plan = pair.plan(&self.net, t)?;
        drop(pair);
        if !watch.progress(if best { 0.45 } else { 0.9 }) {
            return Err(Error::Cancelled);
        }
        let mixing = Mixing::of(first, last);
        let (mut frame, mut confidence) = mixing.by(&plan)?;
        drop(plan);
        if best {
            let second = Part { watch, from: 0.5, share: 0.5 };
            let plan = self.pairs.get(&self.net, near, settings.turned(), &second)?.plan(&self.net, t)?;
            let (other, sure) = mixing.by(&plan)?;
            (frame, confidence) = (frame.blended(&other, 0.5)?, confidence.blended(&sure, 0.5)?);
        }
        Ok(Between { frame: mixing.back(frame), confidence, origin: Origin::Made })
    }

    /// What speaks for a cut between two frames of one size.
    ///
    /// # Errors
    /// As [`MotionFiller::between`].
    pub fn cut_evidence(&self, first: &Frame, last: &Frame, watch: &dyn Watch) -> Result<CutEvidence> {
        let settings = Settings::of(Quality::Draft, first.width(), first.height());
        Ok(self.pairs.get(&self.net, &Neighbours::pair(first, last), settings, watch)?.evidence)
    }

    /// Where what a frame shows has gone in another.
    ///
    /// # Errors
    /// As [`MotionFiller::between`].
    pub(crate) fn course(&self, from: &Frame, to: &Frame, watch: &dyn Watch) -> Result<Course> {
        let settings = Settings::of(Quality::Normal, from.width(), from.height());
        Course::across(&*self.pairs.get(&self.net, &Neighbours::pair(from, to), settings, watch)?)
    }

    /// Where what a frame shows will have gone beyond it; none where nothing tells: across a cut, or where the frame before is
    /// the same.
    ///
    /// # Errors
    /// As [`MotionFiller::between`].
    pub(crate) fn onward(&self, beyond: Beyond<'_>, quality: Quality, watch: &dyn Watch) -> Result<Option<Course>> {
        let Beyond { last, before, .. } = beyond;
        if before.repeats(last) {
            return Ok(None);
        }
        let settings = Settings::of(quality, last.width(), last.height());
        let pair = self.pairs.get(&self.net, &Neighbours::pair(before, last), settings, watch)?;
        Ok(if pair.evidence.is_cut() { None } else { Some(onward(&pair, beyond)?) })
    }

    /// Bytes of the machine's memory that a frame like this one takes while it is made, beside the frames that it is made of: copies of
    /// frames, and what the network takes, if it is not on a GPU.
    #[must_use]
    pub fn memory(&self, like: &Frame, quality: Quality) -> u64 {
        // The frame and how sure it is; with a second pass both of each pass, and their mean.
        let made = if quality == Quality::Best { 4 } else { 2 };
        self.memory_with(like, made, Settings::of(quality, like.width(), like.height()).memory(quality))
    }

    /// The same of so many frames that are made on the way, and of a network that takes so much on the CPU.
    fn memory_with(&self, like: &Frame, made: u64, network: u64) -> u64 {
        // Both neighbours as they are mixed, and the frame in its own numbers.
        let recoded = if like.encoding() == Encoding::Display { 0 } else { 3 };
        let network = if matches!(self.net.engine(), Engine::Cpu) { network } else { 0 };
        (made + recoded) * size_of_val(like.pixels()) as u64 + network
    }

    /// Bytes of the matched pairs that are kept.
    #[must_use]
    pub fn kept(&self) -> usize {
        self.pairs.bytes()
    }

    /// Forgets the matched pairs that are kept.
    pub fn purge(&self) {
        self.pairs.clear();
        self.guests.clear();
    }
}

/// A known frame at a time: its own, or one that it is held for.
fn as_it_is(time: f64, frame: &Frame, origin: Origin) -> Result<Made> {
    let certain = if origin == Origin::Known { 1.0 } else { 0.0 };
    Ok(Made { time, frame: frame.clone(), confidence: even(frame, certain)?, origin })
}

/// The nearer of two frames between which a cut lies.
fn held([first, last]: [&Frame; 2], t: f64) -> Result<Between> {
    let nearer = if t < 0.5 { first } else { last };
    Ok(Between { frame: nearer.clone(), confidence: even(first, 0.0)?, origin: Origin::Held })
}

/// A map of one value, of a frame's size.
fn even(like: &Frame, value: f32) -> Result<Frame> {
    Frame::new(like.width(), like.height(), 1, like.encoding(), vec![value; like.width() * like.height()])
}

impl Filler for MotionFiller {
    fn name(&self) -> &'static str {
        "motion"
    }

    fn weights_id(&self) -> &str {
        &self.id
    }

    fn fill(&self, shot: &Shot, brief: &Brief, watch: &dyn Watch) -> Result<Vec<Made>> {
        self.fill_by(None, shot, brief, watch)
    }
}

impl MotionFiller {
    /// All missing frames of a shot, by RIFE if that is given.
    fn fill_by(&self, rife: Option<&Rife>, shot: &Shot, brief: &Brief, watch: &dyn Watch) -> Result<Vec<Made>> {
        let gaps = shot.gaps();
        let mut take = Vec::with_capacity(gaps.len());
        for (i, &time) in gaps.iter().enumerate() {
            let part = Part { watch, from: i as f32 / gaps.len() as f32, share: 1.0 / gaps.len() as f32 };
            take.push(self.fill_one(rife, shot, time, brief, &part)?);
        }
        Ok(take)
    }

    /// The frame at a time, by RIFE if that is given.
    fn fill_one(&self, rife: Option<&Rife>, shot: &Shot, time: f64, brief: &Brief, watch: &dyn Watch) -> Result<Made> {
        match shot.around(time) {
            (None, None) => Err(Error::NothingKnown { filler: self.name() }),
            (Some((at, frame)), _) if *at == time => as_it_is(time, frame, Origin::Known),
            // A flow needs both ends: at a clip's end the nearest frame is held.
            (Some((_, frame)), None) | (None, Some((_, frame))) => as_it_is(time, frame, Origin::Held),
            (Some((from, first)), Some((to, last))) => {
                let interval = to - from;
                let [before, after] = shot.beyond(time);
                let near = Neighbours {
                    first,
                    last,
                    before: before.map(|(at, frame)| ((from - at) / interval, frame)),
                    after: after.map(|(at, frame)| ((at - to) / interval, frame)),
                };
                let Between { frame, confidence, origin } =
                    self.between_by(rife, &near, (time - from) / interval, brief, watch)?;
                Ok(Made { time, frame, confidence, origin })
            }
        }
    }
}

/// Goes on after a shot's last known frame, or before its first: what moves there goes on, and comes to rest.
///
/// Where there is one known frame alone, where it follows a cut, or nothing moves, it is held. Between known frames it fills
/// as [`MotionFiller`] does.
#[derive(Debug)]
pub struct MotionOnward<'a> {
    filler: &'a MotionFiller,
    rest: f64,
    id: String,
}

impl Filler for MotionOnward<'_> {
    fn name(&self) -> &'static str {
        "motion onward"
    }

    fn weights_id(&self) -> &str {
        &self.id
    }

    fn fill(&self, shot: &Shot, brief: &Brief, watch: &dyn Watch) -> Result<Vec<Made>> {
        shot.gaps().iter().map(|&time| self.fill_one(shot, time, brief, watch)).collect()
    }
}

impl<'a> MotionOnward<'a> {
    /// Frames over which what moves comes to rest: after so many, 1/e of its speed is left. On five real clips the frames 1, 2,
    /// 4, 8 and 16 after the last are nearest to the true ones with 5 to 8, and worse with 2 or with none.
    pub const REST: f64 = 6.0;

    /// With a filler's network; what moves comes to rest over so many frames, one at the least.
    #[must_use]
    pub fn new(filler: &'a MotionFiller, rest: f64) -> Self {
        let rest = rest.max(1.0);
        Self { filler, rest, id: format!("{}-{rest}", filler.weights_id()) }
    }

    fn fill_one(&self, shot: &Shot, time: f64, brief: &Brief, watch: &dyn Watch) -> Result<Made> {
        let frames = shot.frames();
        // From the nearest inwards.
        let row: Vec<&Known> = match shot.around(time) {
            (Some((at, _)), None) if *at < time => frames.iter().rev().collect(),
            (None, Some(_)) => frames.iter().collect(),
            _ => return self.filler.fill_one(None, shot, time, brief, watch),
        };
        let (at, last) = row[0];
        let before = row.iter().find(|(_, frame)| !frame.repeats(last));
        let Some((told_at, before)) = before else { return as_it_is(time, last, Origin::Held) };
        // Black bars around the picture stay as they are.
        let window = Window::inside_bars(&[last, before]);
        let inside = |frame: &Frame| window.map_or_else(|| Ok(frame.clone()), |window| window.cut(frame));
        let (picture, before) = (inside(last)?, inside(before)?);
        let (spacing, away) = ((at - told_at).abs(), (time - at).abs());
        let beyond = Beyond { last: &picture, before: &before, spacing, away, rest: self.rest };
        let Some(course) = self.filler.onward(beyond, brief.quality, watch)? else {
            return as_it_is(time, last, Origin::Held);
        };
        if !watch.progress(0.9) {
            return Err(Error::Cancelled);
        }
        let (mut frame, mut confidence) = course.apply(&picture)?;
        if let Some(window) = window {
            (frame, confidence) = (window.set(&frame, last)?, window.set(&confidence, &even(last, 1.0)?)?);
        }
        Ok(Made { time, frame, confidence, origin: Origin::Made })
    }
}

/// A part of the work, as a share of the progress.
struct Part<'a> {
    watch: &'a dyn Watch,
    from: f32,
    share: f32,
}

impl Watch for Part<'_> {
    fn progress(&self, done: f32) -> bool {
        self.watch.progress(self.from + self.share * done)
    }
}

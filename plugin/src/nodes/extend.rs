//! Extend: a shot that goes on after its end, or began before its start.

use std::ops::RangeInclusive;

use ofx::{
    Context, Field, RangeD, RectI,
    plugin::{
        At, Button, Changed, Clip, ClipPreferences, Create, Cx, Effect, Error, FramesNeeded, MessageKind, Meta, Render,
        Result,
    },
};

use super::{
    GROUPING, SourceToOutput, even,
    film::{Film, Given, with_known},
    footage::{Footage, NO_NEIGHBOURS, Shape, SourceParams, if_any},
    onward::{End, onward},
    pass,
    presets::ExtendPreset,
    put,
    showing::{full_size, show, show_own},
    trouble::{self, TroubleParams},
    wish::{FilmParams, Output, PromptParams},
};
use crate::{
    engine::engine,
    timeline::{Timeline, as_time, frame_number},
};

/// How the frames are made.
#[derive(ofx::Choice, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum By {
    /// By the video model where “Model folder” names one, or where the one in the bundle knows every word of the prompt; else
    /// by motion.
    #[default]
    Automatic,
    /// What moves goes on as it did, and comes to rest: in the clip's own pixels, with nothing new in it.
    Motion,
    /// The clip's own frames, backwards from its end and forwards again, as often as it takes: for leaves, water, people who
    /// listen.
    #[choice(label = "Back and forth")]
    BackAndForth,
    /// The video model goes on, as the prompt says.
    #[choice(label = "Video model")]
    Model,
}

/// Extend's parameters.
#[derive(ofx::Params, Clone, Debug, PartialEq)]
pub struct ExtendParams {
    /// A way to start from: choosing one sets “Made by” and “Comes to rest”. MLT hosts do not tell of the choice, and there it
    /// does nothing.
    #[param(id = "preset", label = "Preset", default = ExtendPreset::Own, recipe = false)]
    pub preset: ExtendPreset,
    /// What should happen. It may be left empty.
    #[flatten]
    pub wish: PromptParams,
    /// Frames to make after the last good frame.
    #[param(id = "tail", label = "Tail", default = 33, range = 0..=2000, display = 0..=241)]
    pub tail: i32,
    /// Frames to make before the clip's first. An editor shows them where the effect has a length of its own (Nuke,
    /// Natron).
    #[param(id = "head", label = "Head", default = 0, range = 0..=2000, display = 0..=241)]
    pub head: i32,
    /// Frames for which the last good frame is held before the shot goes on, and the first before it starts.
    #[param(id = "hold", label = "Hold", default = 0, range = 0..=1000, display = 0..=48)]
    pub hold: i32,
    /// How the frames are made. The model in the bundle knows stock elements, drawn; footage of the real world is better carried
    /// on by motion.
    #[param(id = "by", label = "Made by", default = By::Automatic)]
    pub by: By,
    /// By motion: frames over which what moves comes to rest. More lets a camera go on steadily; what it would come to see
    /// is what it saw, in a mirror.
    #[param(id = "rest", label = "Comes to rest", default = 6, range = 1..=1000, display = 1..=48)]
    pub rest: i32,
    /// The clip was lengthened in the editor and freezes at its end: what follows its last good frame is replaced.
    #[param(id = "frozen", label = "Clip freezes", default = false)]
    pub frozen: bool,
    /// The last frame to keep, where the clip freezes.
    #[param(id = "lastGood", label = "Last good frame", default = 0, range = -100_000_000..=100_000_000, display = 0..=100_000)]
    pub last_good: i32,
    /// Look where the clip freezes, three or more equal frames up to its end, and write it into the two above.
    #[param(id = "findFreeze", label = "Find the freeze")]
    pub find_freeze: Button,
    /// Lay as much noise over made frames as the source's own frames have, so that grain does not stop at the seam.
    #[param(id = "matchGrain", label = "Match grain", default = true)]
    pub match_grain: bool,
    /// What is shown, and how it is made.
    #[flatten]
    pub film: FilmParams,
    /// Where the clip's frames come from in hosts that give the current one alone.
    #[group(label = "Source file", open = false)]
    pub source: SourceParams,
    /// What happens where a frame cannot be made.
    #[flatten]
    pub trouble: TroubleParams,
}

/// Makes a shot longer.
pub struct Extend;

/// Known frames that the model is shown: more tell it better how things move.
const CONTEXT: i64 = 17;
/// Equal frames at a clip's end that make a freeze: animation on twos has two.
const FREEZE: i64 = 3;

impl Effect for Extend {
    const META: Meta = Meta::new("org.pickup.Extend", "Extend")
        .grouping(GROUPING)
        .description(
            "Makes a shot longer: frames after its last, or before its first, that go on from what is there: by a video model, by \
             motion, or by the clip's own frames, back and forth. Lengthen the \
             clip in the editor so that its last frame freezes, press “Find the freeze”, and the freeze is replaced. Where the host's clip has \
             handles, they are its own frames and are shown first. In Kdenlive, Shotcut and other MLT hosts, set “Source \
             file” to the clip's own file.",
        )
        .contexts(&[Context::Filter, Context::General])
        .temporal();
    type Params = ExtendParams;
    type Clips = SourceToOutput;

    fn new(_: &Create<'_, Self>) -> Result<Self> {
        Ok(Self)
    }

    fn clip_preferences(&self, _: &Cx<'_, Self>, preferences: &mut ClipPreferences) -> Result<()> {
        preferences.frame_varying(true);
        Ok(())
    }

    fn time_domain(&self, cx: &Cx<'_, Self>) -> Result<Option<RangeD>> {
        let params = cx.params_at(0.0)?;
        let Some(cut) = Timeline::told(cx, cx.clips().source)?.cut() else { return Ok(None) };
        let (min, max) = params.output(cut);
        Ok(Some(RangeD { min: as_time(min), max: as_time(max) }))
    }

    fn frames_needed(&self, cx: &At<'_, Self>, frames: &mut FramesNeeded) -> Result<()> {
        let params = cx.params()?;
        let source = cx.clips().source;
        frames.add(source, cx.time(), cx.time());
        let timeline = params.timeline(cx, source, cx.time())?;
        let (good, number) = (params.good(&timeline), frame_number(cx.time()));
        if let Some(seen) = params.seen_for_a_freeze(good, number) {
            let (first, last) = (timeline.nearest(*seen.start()), timeline.nearest(*seen.end()));
            frames.add(source, as_time(first.min(number)), as_time(last.max(number)));
            return Ok(());
        }
        let Some(side) = Side::of(&params, good, number) else { return Ok(()) };
        frames.add(source, as_time(*side.known.start()), as_time(*side.known.end()));
        if let (By::BackAndForth, Place::Made(place)) = (params.by, side.place) {
            let frame = as_time(side.back_and_forth(place));
            frames.add(source, frame, frame);
        }
        Ok(())
    }

    fn is_identity(&self, cx: &At<'_, Self>, _: RectI, _: Field) -> Result<Option<(Clip, f64)>> {
        let params = cx.params()?;
        let (number, source) = (frame_number(cx.time()), cx.clips().source);
        let good = params.good(&params.timeline(cx, source, cx.time())?);
        let own = params.seen_for_a_freeze(good, number).is_none() && Side::of(&params, good, number).is_none();
        Ok((own && params.film.output == Output::Result).then(|| (source, cx.time())))
    }

    fn render(&self, cx: &Render<'_, Self>) -> Result<()> {
        let params = cx.params()?;
        trouble::shown(cx, cx.clips().source, &params.trouble, render(cx, &params))
    }

    fn changed(&self, cx: &Changed<'_, Self>) -> Result<()> {
        if cx.is(ExtendParams::FIND_FREEZE) {
            return find(cx);
        }
        let params = cx.params()?;
        if !cx.is(ExtendParams::PRESET) {
            return params.wish.changed(cx);
        }
        let (by, rest) = match params.preset {
            ExtendPreset::Own => return Ok(()),
            ExtendPreset::Rest => (By::Motion, 6),
            ExtendPreset::CameraGoesOn => (By::Motion, 240),
            ExtendPreset::BackAndForth => (By::BackAndForth, params.rest),
        };
        let _step = cx.edit("Preset");
        cx.set(ExtendParams::BY, by)?;
        cx.set(ExtendParams::REST, rest)
    }

    fn purge_caches(&self) {
        engine().purge();
    }
}

/// Renders a frame.
fn render(cx: &Render<'_, Extend>, params: &ExtendParams) -> Result<()> {
    let source = cx.clips().source;
    let shape = Shape::here(cx, source, &params.film.colour)?;
    let timeline = params.timeline(cx, source, cx.time())?;
    let footage = Footage::new(cx, cx, source, &params.source, shape, (cx.time(), timeline))?;
    if !footage.has_neighbours() {
        cx.set_persistent_message(MessageKind::Warning, NO_NEIGHBOURS);
        return own(cx, params);
    }
    let (mut good, number) = (params.good(footage.timeline()), frame_number(cx.time()));
    if let Some(seen) = params.seen_for_a_freeze(good, number) {
        good.last = stands_since(&footage, number, number - seen.start())?;
    }
    let Some(side) = Side::of(params, good, number) else { return own(cx, params) };
    footage.check(&params.source, number, false)?;
    let place = match side.place {
        Place::Beyond => return pass(cx, source, cx.time()),
        _ if params.film.output == Output::Matte => return even(cx, 1.0),
        Place::Held => return its_own(cx, &footage, side.nearest),
        Place::Made(place) => place,
    };
    let way = way(cx, params)?;
    if way == By::Model {
        return by_model(cx, params, &footage, &side, place);
    }
    let quality = params.film.quality.brief(cx.flags());
    let finish = params.film.finish(&params.wish.brief(), None);
    show_own(cx, (place, side.count), finish, |place| match way {
        By::BackAndForth => footage.frame(side.back_and_forth(place))?.ok_or_else(nothing),
        _ => Ok(onward(cx, &footage, side.end(), (side.away(place), f64::from(params.rest)), &quality)?.frame.clone()),
    })
}

/// How the frames are to be made: never [`By::Automatic`].
fn way(cx: &Render<'_, Extend>, params: &ExtendParams) -> Result<By> {
    Ok(match params.by {
        By::Automatic if params.film.model_suits(cx, &params.wish.brief())? => By::Model,
        By::Automatic => By::Motion,
        by => {
            cx.clear_persistent_message();
            by
        }
    })
}

fn nothing() -> Error {
    Error::Failed("There is no frame to go on from".into())
}

fn by_model(
    cx: &Render<'_, Extend>,
    params: &ExtendParams,
    footage: &Footage<'_>,
    side: &Side,
    place: usize,
) -> Result<()> {
    let model = params.film.open()?;
    let shot = with_known(model.shot(full_size(cx)?), footage, side.known.clone(), side.known_at)?;
    let shot = (0..side.count).fold(shot, |shot, place| shot.missing(as_time(side.time(place))));
    let nearest = shot.around(as_time(side.first)).0.or(shot.frames().first()).map(|(_, frame)| frame.clone());
    let grain = if params.match_grain { footage.noise(side.nearest)? } else { None };
    let given = Given::of(footage, (side.nearest, -side.first.signum()), 0)?.into_iter().collect();
    let brief = params.wish.brief();
    let finish = params.film.finish(&brief, grain);
    let film = Film { model: &model, shot: &shot, brief: &brief, first: side.first, joined: 0, given };
    show(cx, &film, (place, side.count), finish, || nearest.ok_or_else(nothing))
}

/// The source's own frame, as the output shows it.
fn own(cx: &Render<'_, Extend>, params: &ExtendParams) -> Result<()> {
    match params.film.output {
        Output::Matte => even(cx, 0.0),
        Output::Result => pass(cx, cx.clips().source, cx.time()),
    }
}

/// One of the clip's own frames, in the host's own pixels.
fn its_own(cx: &Render<'_, Extend>, footage: &Footage<'_>, number: i64) -> Result<()> {
    match footage.frame(number)? {
        Some(frame) => put(cx, &frame),
        None => pass(cx, cx.clips().source, cx.time()),
    }
}

/// What is to be shown at a time outside the good frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// The nearest good frame.
    Held,
    /// A made frame.
    Made(usize),
    /// Further out than frames are made.
    Beyond,
}

/// The ends of a clip's good frames, as far as they are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Good {
    first: Option<i64>,
    last: Option<i64>,
}

/// One end of the clip.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Side {
    place: Place,
    /// The good frame next to what is made.
    nearest: i64,
    /// Good frames that the model is shown.
    known: RangeInclusive<i64>,
    /// The shot's time of the first of them: a shot's times count from the good frame next to what is made, so that a take
    /// does not depend on where the clip lies.
    known_at: i64,
    /// How many good frames there are.
    good: i64,
    /// The shot's time of the first made frame, and how many there are.
    first: i64,
    count: usize,
}

impl Side {
    /// The side that a frame lies on, of a clip with these good frames; none where it is one of them.
    fn of(params: &ExtendParams, good: Good, number: i64) -> Option<Self> {
        // Where the other end is not known, there are frames enough up to it.
        match good {
            Good { first: Some(first), last } if number < first => {
                Some(Self::head(params, first, last.unwrap_or(first + CONTEXT - 1), number))
            }
            Good { first, last: Some(last) } if number > last => {
                Some(Self::tail(params, first.unwrap_or(last - CONTEXT + 1), last, number))
            }
            _ => None,
        }
    }

    fn tail(params: &ExtendParams, first: i64, last: i64, number: i64) -> Self {
        let known = first.max(last - CONTEXT + 1)..=last;
        let (known_at, count) = (known.start() - last, usize::try_from(params.tail).unwrap_or_default());
        let place = number - last - 1 - i64::from(params.hold);
        Self { place: place_of(place, count), nearest: last, known, good: last - first + 1, known_at, first: 1, count }
    }

    fn head(params: &ExtendParams, first: i64, last: i64, number: i64) -> Self {
        let known = first..=last.min(first + CONTEXT - 1);
        let count = usize::try_from(params.head).unwrap_or_default();
        // Before a hold come the made frames, the last of them next to it.
        let place = match first - number - i64::from(params.hold) {
            after if after <= 0 => Place::Held,
            before => place_of(count as i64 - before, count),
        };
        let place = if number < first - params.made(params.head) { Place::Beyond } else { place };
        Self { place, nearest: first, known, good: last - first + 1, known_at: 0, first: -(count as i64), count }
    }

    /// The shot's time of a made frame.
    fn time(&self, place: usize) -> i64 {
        self.first + place as i64
    }

    /// How many frames a made frame is from the good frame next to it, a hold not counted.
    fn away(&self, place: usize) -> i64 {
        self.time(place).abs()
    }

    /// The good frame next to what is made, and on which end of the clip that is.
    fn end(&self) -> (i64, End) {
        (self.nearest, if self.first > 0 { End::Last } else { End::First })
    }

    /// The good frame that stands at the place of a made one when the clip runs back and forth.
    fn back_and_forth(&self, place: usize) -> i64 {
        let around = 2 * (self.good - 1).max(1);
        let away = self.away(place) % around;
        let inwards = -self.first.signum();
        self.nearest + inwards * away.min(around - away).min(self.good - 1)
    }
}

fn place_of(place: i64, count: usize) -> Place {
    match usize::try_from(place) {
        Err(_) => Place::Held,
        Ok(place) if place < count => Place::Made(place),
        Ok(_) => Place::Beyond,
    }
}

impl ExtendParams {
    /// Frames outside the clip on a side on which `made` are made; none are held where none are made.
    fn made(&self, made: i32) -> i64 {
        if made > 0 { i64::from(made) + i64::from(self.hold) } else { 0 }
    }

    /// The first and the last frame of the output, of a clip of these frames.
    fn output(&self, (first, last): (i64, i64)) -> (i64, i64) {
        let kept = if self.frozen { i64::from(self.last_good).clamp(first, last) } else { last };
        (first - self.made(self.head), kept + self.made(self.tail))
    }

    fn timeline<E: Effect>(&self, cx: &Cx<'_, E>, source: Clip, time: f64) -> Result<Timeline> {
        Timeline::at(cx, source, time, |frames| self.output(frames))
    }

    /// The clip's good frames, as far as is known without a look at them.
    fn good(&self, timeline: &Timeline) -> Good {
        let cut = timeline.frames().filter(|_| timeline.cut().is_some());
        let last = if self.frozen { Some(timeline.nearest(self.last_good.into())) } else { cut.map(|(_, last)| last) };
        Good { first: cut.map(|(first, _)| first), last }
    }

    /// The frames to look at for a freeze that reaches a frame, where nothing else says where the clip ends.
    fn seen_for_a_freeze(&self, good: Good, number: i64) -> Option<RangeInclusive<i64>> {
        let wanted = good.last.is_none() && self.tail > 0 && good.first.is_none_or(|first| number >= first);
        wanted.then(|| number - self.made(self.tail) - CONTEXT..=number + LOOKED_AHEAD)
    }
}

/// Equal frames in a row that make a freeze where the clip's end is not known: animation on threes has three.
const FREEZE_INSIDE: i64 = 4;
/// How far back a freeze may have begun.
const LONGEST_FREEZE: i64 = 2000;
/// How far ahead a freeze must be looked for where it has just begun.
const LOOKED_AHEAD: i64 = FREEZE_INSIDE - 2;

/// The frame from which on what `number` shows stands still, where it stands for [`FREEZE_INSIDE`] frames or more and came to
/// stand within `furthest`; none where `number` is that frame, or the clip moves, or stands for longer.
fn stands_since(footage: &Footage<'_>, number: i64, furthest: i64) -> Result<Option<i64>> {
    let Some(here) = footage.frame(number)? else { return Ok(None) };
    let same =
        |at: i64| -> Result<bool> { Ok(if_any(footage.frame(at))?.flatten().is_some_and(|frame| frame == here)) };
    if !same(number - 1)? || same(number - furthest)? {
        return Ok(None);
    }
    let still = row_start(number - furthest, number - 1, same)?;
    // What stands from the clip's first frame on is a still, and has no motion to go on from.
    if !footage.exists(still - 1)? {
        return Ok(None);
    }
    for ahead in number + 1..still + FREEZE_INSIDE {
        if !same(ahead)? {
            return Ok(None);
        }
    }
    Ok(Some(still))
}

/// Finds where the clip freezes, and writes it into the parameters.
fn find(cx: &Changed<'_, Extend>) -> Result<()> {
    let params = cx.params()?;
    let source = cx.clips().source;
    let footage = Footage::to_search(cx, source, &params.source, &params.film.colour)?;
    let cut = footage.timeline().cut();
    let found = match cut {
        Some(cut) => last_moving(&footage, cut)?,
        None => stands_since(&footage, frame_number(cx.time()), LONGEST_FREEZE)?,
    };
    cx.set(ExtendParams::FROZEN, found.is_some())?;
    let text = match found {
        Some(frame) => {
            cx.set(ExtendParams::LAST_GOOD, i32::try_from(frame).unwrap_or_default())?;
            format!("The clip freezes at frame {frame}: what follows is replaced.")
        }
        None if cut.is_some() => "The clip does not freeze at its end.".to_owned(),
        None => "This host does not say where the clip ends: move to a frame of the freeze, the third or a later one, and press \
                 again."
            .to_owned(),
    };
    cx.message(MessageKind::Message, &text);
    Ok(())
}

/// The first of the equal frames at a clip's end, if they are a freeze.
fn last_moving(footage: &Footage<'_>, (first, last): (i64, i64)) -> Result<Option<i64>> {
    let Some(end) = footage.frame(last)? else { return Ok(None) };
    let frozen = |at: i64| -> Result<bool> { Ok(footage.frame(at)?.is_some_and(|frame| frame == end)) };
    if last - first < FREEZE || !frozen(last - 1)? || !frozen(last - 2)? {
        return Ok(None);
    }
    let still = row_start(first - 1, last - 2, frozen)?;
    // A clip that never moves is a still, and has no moving end to go on from.
    Ok((still > first).then_some(still))
}

/// The first of a row of `same` frames which ends at or after `still`, and of which `moving`, before it, is none. They are one row,
/// so halving finds its start.
fn row_start(mut moving: i64, mut still: i64, same: impl Fn(i64) -> Result<bool>) -> Result<i64> {
    while still - moving > 1 {
        let middle = moving + (still - moving) / 2;
        if same(middle)? { still = middle } else { moving = middle }
    }
    Ok(still)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn params(tail: i32, head: i32, hold: i32) -> ExtendParams {
        ExtendParams { tail, head, hold, ..ExtendParams::default() }
    }

    #[test]
    fn a_tail_is_held_then_made() {
        let places = |n: i64| Side::tail(&params(3, 0, 2), 1, 40, n).place;
        assert_eq!(
            [41, 42, 43, 45, 46].map(places),
            [Place::Held, Place::Held, Place::Made(0), Place::Made(2), Place::Beyond]
        );
        let side = Side::tail(&params(3, 0, 0), 1, 40, 41);
        assert_eq!((side.known, side.known_at, side.first), (24..=40, -16, 1));
        assert_eq!(Side::tail(&params(3, 0, 0), 38, 40, 41).known, 38..=40);
    }

    #[test]
    fn a_clip_runs_back_and_forth() {
        let tail = Side::tail(&params(9, 0, 0), 1, 4, 5);
        assert_eq!([0, 1, 2, 3, 4, 5, 6, 7].map(|place| tail.back_and_forth(place)), [3, 2, 1, 2, 3, 4, 3, 2]);
        let head = Side::head(&params(0, 5, 0), 1, 4, 0);
        assert_eq!([4, 3, 2, 1, 0].map(|place| head.back_and_forth(place)), [2, 3, 4, 3, 2]);
        let still = Side::tail(&params(9, 0, 0), 4, 4, 5);
        assert_eq!([0, 1, 2].map(|place| still.back_and_forth(place)), [4, 4, 4]);
    }

    #[test]
    fn a_head_ends_next_to_the_first_frame() {
        let places = |n: i64| Side::head(&params(0, 3, 1), 10, 40, n).place;
        assert_eq!([5, 6, 8, 9].map(places), [Place::Beyond, Place::Made(0), Place::Made(2), Place::Held]);
        let side = Side::head(&params(0, 3, 0), 10, 40, 9);
        assert_eq!((side.place, side.known, side.known_at, side.first), (Place::Made(2), 10..=26, 0, -3));
    }
}

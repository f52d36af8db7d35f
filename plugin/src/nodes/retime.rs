//! Retime: another speed, with the frames that it needs between the clip's own.

use std::cell::RefCell;

use ofx::{
    ChangeReason, Context, Field, RangeD, RectI,
    plugin::{
        At, Changed, Clip, ClipPreferences, Create, Cx, Effect, Error, FramesNeeded, MessageKind, Meta, Render, Result,
    },
};
use pickup_model::{Exposure, Frame, Origin, Shot};

use super::{
    GROUPING, Quality, SourceToOutput,
    footage::{Footage, NO_NEIGHBOURS, Shape, SourceParams, if_any},
    make, pass,
    start::StartParams,
    trouble::{self, TroubleParams},
};
use crate::{
    cadence::{self, Cadence, Stands},
    colour::{self, ColourParams},
    engine::failed,
    timeline::{Timeline, as_time, frame_number},
};

/// What says which source frame stands where.
#[derive(ofx::Choice, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum By {
    /// The speed curve, added up from where it starts.
    #[default]
    Speed,
    /// The source frame itself, keyframed.
    SourceFrame,
}

/// How a frame between two source frames is made.
#[derive(ofx::Choice, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Method {
    /// The nearer source frame.
    Nearest,
    /// Both, mixed.
    Blend,
    /// Both, moved along what moves between them. Cuts stay cuts.
    #[default]
    Motion,
}

/// Retime's parameters.
#[derive(ofx::Params, Clone, Debug, PartialEq)]
pub struct RetimeParams {
    /// What says which source frame stands where. Where the host drives the retime itself (the Retimer context), it
    /// does, and this is not used.
    #[param(id = "by", label = "Retime by", default = By::Speed)]
    pub by: By,
    /// Speed in per cent: 50 is half speed, 0 freezes, below 0 runs back again. Keyframe it for a ramp: the curve is
    /// added up from “Starts”, so the ramp is smooth and nothing jumps. To play a clip from its end, use Reverse.
    #[param(id = "speed", label = "Speed %", default = 100.0, range = -100_000.0..=100_000.0, display = -400.0..=400.0, animates)]
    pub speed: f64,
    /// The source frame to show, when retiming by source frame; fractions fall between frames. Frame numbers are the
    /// host's own.
    #[param(id = "sourceFrame", label = "Source frame", default = 0.0, range = -100_000_000.0..=100_000_000.0, display = 0.0..=100_000.0, animates)]
    pub source_frame: f64,
    /// Where the speed curve starts to add up: at this frame the clip's own is shown.
    #[flatten]
    pub start: StartParams,
    /// Play from the clip's last frame back to its first.
    #[param(id = "reverse", label = "Reverse", default = false)]
    pub reverse: bool,
    /// How a frame between two source frames is made.
    #[param(id = "method", label = "Method", default = Method::Motion)]
    pub method: Method,
    /// Where the clip repeats frames in a regular cycle, as one of 50 frames a second does on a timeline of 60: take each picture at
    /// its true time, so that the repeats do not stutter. By motion alone; each frame is then compared with those around it.
    #[param(id = "smoothCadence", label = "Smooth the cadence", default = false)]
    pub smooth: bool,
    /// How long the shutter is open, in degrees: 360 is the whole frame, 180 as film cameras have it, 0 adds no motion
    /// blur. The blur follows the retimed motion, on top of what the footage has.
    #[param(id = "shutter", label = "Shutter angle", default = 0.0, range = 0.0..=720.0, display = 0.0..=360.0)]
    pub shutter: f64,
    /// Instants that make one exposure; more are smoother, and each costs its time.
    #[param(id = "shutterSamples", label = "Shutter samples", default = 8, range = 2..=64, display = 2..=32)]
    pub shutter_samples: i32,
    /// How much work a frame is worth.
    #[param(id = "quality", label = "Quality", default = Quality::Normal)]
    pub quality: Quality,
    /// Where neighbouring frames come from in hosts that give none.
    #[group(label = "Source file", open = false)]
    pub source: SourceParams,
    /// Colour.
    #[group(label = "Colour", open = false)]
    pub colour: ColourParams,
    /// What happens where a frame cannot be made.
    #[flatten]
    pub trouble: TroubleParams,
}

/// Changes the speed of a clip.
pub struct Retime;

impl Effect for Retime {
    const META: Meta = Meta::new("org.pickup.Retime", "Retime")
        .grouping(GROUPING)
        .description(
            "Changes a clip's speed, constant or by a curve, forwards or backwards, and makes the frames between the \
             clip's own from what moves. Cuts stay cuts. In Kdenlive, Shotcut and other MLT hosts, which give a filter \
             no neighbouring frames, set “Source file” to the clip's own file.",
        )
        .contexts(&[Context::Filter, Context::General, Context::Retimer])
        .temporal();
    type Params = RetimeParams;
    type Clips = SourceToOutput;

    fn new(_: &Create<'_, Self>) -> Result<Self> {
        Ok(Self)
    }

    fn clip_preferences(&self, _: &Cx<'_, Self>, preferences: &mut ClipPreferences) -> Result<()> {
        preferences.frame_varying(true);
        preferences.continuous_samples(true);
        Ok(())
    }

    fn time_domain(&self, cx: &Cx<'_, Self>) -> Result<Option<RangeD>> {
        let Some((first, last)) = Timeline::told(cx, cx.clips().source)?.cut() else { return Ok(None) };
        let params = cx.params_at(as_time(first))?;
        if params.by == By::SourceFrame {
            return Ok(None);
        }
        let (min, max) = params.output(cx, (first, last));
        Ok(Some(RangeD { min: as_time(min), max: as_time(max) }))
    }

    fn frames_needed(&self, cx: &At<'_, Self>, frames: &mut FramesNeeded) -> Result<()> {
        let params = cx.params()?;
        let timeline = params.timeline(cx, cx.clips().source, cx.time())?;
        let Some(map) = TimeMap::new(cx, &params, &timeline) else { return Ok(()) };
        let times = instants(&params, cx.time()).map(|t| map.source_time(t)).collect::<Result<Vec<f64>>>()?;
        let first = times.iter().copied().fold(f64::INFINITY, f64::min).floor();
        let last = times.iter().copied().fold(f64::NEG_INFINITY, f64::max).ceil();
        // One more on each side tells how motion curves.
        let between = params.method == Method::Motion && times.iter().any(|t| t.fract() != 0.0);
        let further = match (params.smooths(), between) {
            (true, _) => as_time(cadence::REACH),
            (false, true) => 1.0,
            (false, false) => 0.0,
        };
        let (first, last) = match timeline.frames() {
            Some((a, b)) => ((first - further).max(as_time(a).min(first)), (last + further).min(as_time(b).max(last))),
            None => (first - further, last + further),
        };
        frames.add(cx.clips().source, first, last);
        Ok(())
    }

    fn is_identity(&self, cx: &At<'_, Self>, _: RectI, _: Field) -> Result<Option<(Clip, f64)>> {
        let params = cx.params()?;
        if !cx.host().temporal_access || params.shutter > 0.0 || params.smooths() {
            return Ok(None);
        }
        let source = cx.clips().source;
        let Some(map) = TimeMap::new(cx, &params, &params.timeline(cx, source, cx.time())?) else {
            return Ok(Some((source, cx.time())));
        };
        let time = map.source_time(cx.time())?;
        let whole = params.method.shown(time);
        Ok((whole.fract() == 0.0).then(|| (cx.clips().source, whole)))
    }

    fn render(&self, cx: &Render<'_, Self>) -> Result<()> {
        let params = cx.params()?;
        trouble::shown(cx, cx.clips().source, &params.trouble, render(cx, &params))
    }

    fn changed(&self, cx: &Changed<'_, Self>) -> Result<()> {
        StartParams::changed(cx)?;
        let sped = cx.is(RetimeParams::SPEED) && cx.reason() == ChangeReason::UserEdited;
        // A speed needs a start. Where neither host nor user says where, it is where the user stands.
        if sped && cx.params()?.start.at(&Timeline::inside(cx, cx.clips().source, cx.time())?).is_none() {
            return StartParams::start_here(cx);
        }
        Ok(())
    }

    fn purge_caches(&self) {
        crate::engine::engine().purge();
    }
}

/// Renders a frame.
fn render(cx: &Render<'_, Retime>, params: &RetimeParams) -> Result<()> {
    let source = cx.clips().source;
    let timeline = params.timeline(cx, source, cx.time())?;
    let shape = {
        let window = cx.output()?.bounds;
        // Of a frame that was announced: the one at this time need not be.
        let map = TimeMap::new(cx, params, &timeline).filter(|_| cx.host().temporal_access);
        let shown = map.map_or(Ok(cx.time()), |map| map.source_time(cx.time()).map(f64::floor))?;
        Shape::of(cx, source, &params.colour, cx.image(source, shown)?.as_ref(), window)?
    };
    let footage = Footage::new(cx, cx, source, &params.source, shape, (cx.time(), timeline))?;
    if !footage.has_neighbours() {
        if is_retimed(cx, params)? {
            cx.set_persistent_message(MessageKind::Warning, NO_NEIGHBOURS);
        }
        return pass(cx, source, cx.time());
    }
    if !cx.host().temporal_access {
        cx.clear_persistent_message();
    }
    let Some(map) = TimeMap::new(cx, params, footage.timeline()) else {
        if is_retimed(cx, params)? {
            cx.set_persistent_message(MessageKind::Warning, NO_START);
        }
        return pass(cx, source, cx.time());
    };
    let times = instants(params, cx.time()).map(|t| map.source_time(t)).collect::<Result<Vec<f64>>>()?;
    let maker = Maker { cx, params, footage: &footage, read: RefCell::default() };
    // The host's own picture, bit for bit, wherever it can be had.
    let own = |time: f64| time.fract() == 0.0 && (cx.host().temporal_access || time == cx.time());
    match times[..] {
        [time] if own(params.method.shown(time)) && !params.smooths() => pass(cx, source, params.method.shown(time)),
        _ => {
            footage.check(&params.source, frame_number(cx.time()), false)?;
            let frame = maker.exposed(&times)?;
            colour::write(&frame, shape.window, &mut cx.output()?);
            Ok(())
        }
    }
}

/// Why nothing is retimed.
const NO_START: &str = "This host does not say where the clip starts, so it passes unchanged: move to its first frame and press \
                        “Start here”";

impl RetimeParams {
    /// Whether a cycle of repeats is looked for.
    fn smooths(&self) -> bool {
        self.smooth && self.method == Method::Motion
    }

    /// The first and the last frame of the output, of a clip of these frames.
    fn output(&self, cx: &Cx<'_, Retime>, (first, last): (i64, i64)) -> (i64, i64) {
        let range = RangeD { min: as_time(first), max: as_time(last) };
        let start = as_time(self.start.stated().unwrap_or(first));
        let longest = last_frame(range, |t| Ok(start - range.min + integral(cx, start, t)?));
        (first, frame_number(longest))
    }

    fn timeline(&self, cx: &Cx<'_, Retime>, source: Clip, time: f64) -> Result<Timeline> {
        let time = cx.retimer_source_time(time)?.unwrap_or(time);
        Timeline::at(cx, source, time, |frames| match self.by {
            By::Speed => self.output(cx, frames),
            By::SourceFrame => frames,
        })
    }
}

impl Method {
    /// The source time that is shown for a wanted one.
    fn shown(self, time: f64) -> f64 {
        if self == Self::Nearest { time.round() } else { time }
    }
}

/// Whether anything may be shown otherwise than as it is.
fn is_retimed(cx: &Cx<'_, Retime>, params: &RetimeParams) -> Result<bool> {
    let curved = !cx.key_times(RetimeParams::SPEED)?.is_empty();
    Ok(params.by == By::SourceFrame || params.reverse || params.speed != 100.0 || curved || params.shutter > 0.0)
}

/// The instants that make up the frame at `time`: one, or the shutter's samples, evenly spread about it.
fn instants(params: &RetimeParams, time: f64) -> impl Iterator<Item = f64> {
    let open = params.shutter / 360.0;
    let count = if open > 0.0 { params.shutter_samples.max(2) } else { 1 };
    (0..count).map(move |i| time + open * ((f64::from(i) + 0.5) / f64::from(count) - 0.5))
}

/// Source frames passed from `from` to `to`, by the speed curve.
fn integral(cx: &Cx<'_, Retime>, from: f64, to: f64) -> Result<f64> {
    let (low, high, sign) = if from <= to { (from, to, 1.0) } else { (to, from, -1.0) };
    Ok(sign * cx.integral(RetimeParams::SPEED, low, high)? / 100.0)
}

/// The most times longer than its source that a retimed clip may be said to be: a clip slowed to nothing never ends.
const LONGEST: f64 = 100.0;

/// The last frame at which the source is not used up, when `passed(t)` source frames have gone by at `t`.
fn last_frame(range: RangeD, passed: impl Fn(f64) -> Result<f64>) -> f64 {
    let length = range.max - range.min;
    let used_up = |t: f64| passed(range.min + t).is_ok_and(|p| p > length);
    let (mut low, mut high) = (0.0, (length + 1.0) * LONGEST);
    if !used_up(high) {
        // Frozen, or to and fro: as long as the source.
        return range.max;
    }
    while high - low > 0.5 {
        let middle = f64::midpoint(low, high).floor();
        if middle <= low {
            break;
        }
        if used_up(middle) { high = middle } else { low = middle }
    }
    range.min + low
}

/// Which source time stands at a time of the effect: the one truth for frames needed, identity and render.
struct TimeMap<'a, 'c> {
    cx: &'a Cx<'c, Retime>,
    by: By,
    reverse: bool,
    timeline: Timeline,
    /// Where the speed curve starts to add up.
    start: f64,
}

impl<'a, 'c> TimeMap<'a, 'c> {
    /// None where a start is needed, and neither the user nor the host says where it is.
    fn new(cx: &'a Cx<'c, Retime>, params: &RetimeParams, timeline: &Timeline) -> Option<Self> {
        let start = params.start.at(timeline);
        let start = if params.by == By::Speed && cx.context() != Context::Retimer { start? } else { 0 };
        Some(Self { cx, by: params.by, reverse: params.reverse, timeline: *timeline, start: as_time(start) })
    }

    fn source_time(&self, time: f64) -> Result<f64> {
        let wanted = match (self.cx.retimer_source_time(time)?, self.by) {
            (Some(time), _) => time,
            (None, By::SourceFrame) => self.cx.value_at(RetimeParams::SOURCE_FRAME, time)?,
            (None, By::Speed) => {
                let passed = integral(self.cx, self.start, time)?;
                match self.timeline.cut() {
                    Some((_, last)) if self.reverse => as_time(last) - passed,
                    None if self.reverse => {
                        return Err(Error::Failed(
                            "This host does not say where the clip ends, so it cannot be played from there: retime by source \
                             frame instead"
                                .into(),
                        ));
                    }
                    _ => self.start + passed,
                }
            }
        };
        // Hosts integrate numerically; a hair's breadth from a whole frame is that frame.
        let wanted = if (wanted - wanted.round()).abs() < 1e-4 { wanted.round() } else { wanted };
        // Past its ends the clip holds its first and last frame.
        let ends = self.timeline.frames();
        Ok(ends.map_or(wanted, |(first, last)| wanted.clamp(as_time(first), as_time(last))))
    }
}

/// Makes frames at source times.
struct Maker<'a, 'b, 'c> {
    cx: &'a Render<'c, Retime>,
    params: &'a RetimeParams,
    footage: &'a Footage<'b>,
    /// The source frames read last: a shutter's instants mostly share theirs.
    read: RefCell<Vec<(i64, Frame)>>,
}

/// Frames that one made frame is made from.
const READ: usize = 4;

impl Maker<'_, '_, '_> {
    fn exposed(&self, times: &[f64]) -> Result<Frame> {
        let (first, rest) = times.split_first().ok_or_else(|| Error::Failed("There is no instant to show".into()))?;
        let (frame, mut held) = self.at(*first)?;
        if rest.is_empty() {
            return Ok(frame);
        }
        let mut exposure = Exposure::new(&frame);
        for time in rest {
            self.cx.check_abort()?;
            let (frame, cut) = self.at(*time)?;
            held |= cut;
            exposure.add(&frame).map_err(failed)?;
        }
        if held {
            // The shutter would be open across a cut: two shots are not to be mixed.
            return Ok(self.at(times[times.len() / 2])?.0);
        }
        exposure.finish().map_err(failed)
    }

    fn source(&self, frame: i64) -> Result<Frame> {
        self.known(frame)?.ok_or_else(|| {
            Error::Failed(format!("The source has no frame {frame}: repair the clip, or choose another part of it"))
        })
    }

    fn known(&self, frame: i64) -> Result<Option<Frame>> {
        if let Some((_, known)) = self.read.borrow().iter().find(|(number, _)| *number == frame) {
            return Ok(Some(known.clone()));
        }
        let Some(picture) = self.footage.frame(frame)? else { return Ok(None) };
        let mut read = self.read.borrow_mut();
        read.truncate(READ - 1);
        read.insert(0, (frame, picture.clone()));
        Ok(Some(picture))
    }

    /// The frame at a source time, and whether it was held because a cut lies there.
    fn at(&self, time: f64) -> Result<(Frame, bool)> {
        let (before, after) = (frame_number(time.floor()), frame_number(time.ceil()));
        if self.params.smooths()
            && let Some(cycle) = Cadence::around(before, |frame| self.footage.name(frame))?
        {
            match cycle.at(time) {
                Some(Stands::Picture(frame)) => return Ok((self.source(frame)?, false)),
                Some(Stands::Between(place)) => return self.made(&self.footage.between(&cycle, place, time)?),
                None => {}
            }
        }
        if before == after || self.params.method == Method::Nearest {
            return Ok((self.source(frame_number(time))?, false));
        }
        let (first, last) = (self.source(before)?, self.source(after)?);
        if self.params.method == Method::Blend {
            return Ok((first.blended(&last, time.fract()).map_err(failed)?, false));
        }
        let mut shot = Shot::new().known(as_time(before), first).and_then(|s| s.known(as_time(after), last));
        for further in [before - 1, after + 1] {
            // A clip's end, or a hole: the motion is then taken as even.
            if let Some(Some(picture)) = if_any(self.known(further))? {
                shot = shot.and_then(|s| s.known(as_time(further), picture));
            }
        }
        self.made(&shot.map_err(failed)?.missing(time))
    }

    /// The missing frame of a shot, and whether it was held because a cut lies there.
    fn made(&self, shot: &Shot) -> Result<(Frame, bool)> {
        let made = make(self.cx, shot, &self.params.quality.brief(self.cx.flags()))?;
        Ok((made.frame.clone(), made.origin == Origin::Held))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slowed_clip_grows_and_a_frozen_one_keeps_its_length() {
        let range = RangeD { min: 10.0, max: 20.0 };
        let at_speed = |speed: f64| last_frame(range, |t| Ok((t - 10.0) * speed));
        assert_eq!(at_speed(1.0), 20.0);
        assert_eq!(at_speed(0.5), 30.0);
        assert_eq!(at_speed(2.0), 15.0);
        assert_eq!(at_speed(-1.0), 20.0);
        assert_eq!(at_speed(0.0), 20.0);
    }
}

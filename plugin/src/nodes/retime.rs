//! Retime: another speed, with the frames that it needs between the clip's own.

mod instants;
mod time_map;

use ofx::{
    ChangeReason, Context, RangeD,
    plugin::{Changed, Clip, Cx, Meta, Result, SourceToOutput},
};

use self::{
    instants::{exposed, is_made},
    time_map::{LONGEST, TimeMap, last_frame, passed},
};
use super::{
    GROUPING, Quality,
    params::{motion::MotionParams, source::SourceParams, start::StartParams},
};
use crate::{
    cadence,
    colour::ColourParams,
    perform::{Common, Node, Of, Stage, View, missing::MissingParams, sign::SignParams, trouble::TroubleParams},
    plan::{Curves, Input, Plan, Scene, Shown},
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

/// What the output shows.
#[derive(ofx::Choice, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Output {
    /// The retimed clip.
    #[default]
    Result,
    /// White where a frame was made, black where it is one of the source's own.
    Matte,
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
    #[param(id = "sourceFrame", label = "Source frame", default = 0.0, range = -2_140_000_000.0..=2_140_000_000.0, display = 0.0..=100_000.0, animates)]
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
    /// What the output shows.
    #[param(id = "output", label = "Output", default = Output::Result)]
    pub output: Output,
    /// How much work a frame is worth. Motion in large pictures is looked for in a smaller copy and then followed in full: 896x504 of
    /// 1280x720, and 1280x720 of 1920x1080 or more. Best looks twice, of the largest pictures at 1536x864, and averages both results,
    /// which is closer to the truth.
    #[param(id = "quality", label = "Quality", default = Quality::Normal)]
    pub quality: Quality,
    /// Where neighbouring frames come from in hosts that give none.
    #[group(label = "The clip's file", open = false, shown_in = "alone")]
    pub source: SourceParams,
    /// What it is made on.
    #[group(id = "advanced", label = "Advanced", open = false)]
    pub advanced: MotionParams,
    /// Colour.
    #[group(label = "Colour", open = false)]
    pub colour: ColourParams,
    /// What stands for frames that the clip lacks.
    #[flatten]
    pub missing: MissingParams,
    /// What happens where a frame cannot be made.
    #[flatten]
    pub trouble: TroubleParams,
    /// Whether made frames say so.
    #[flatten]
    pub sign: SignParams,
}

/// Changes the speed of a clip.
pub struct Retime;

impl Node for Retime {
    const META: Meta = Meta::new("org.pickup.Retime", "Retime")
        .grouping(GROUPING)
        .icons()
        .description(
            "Changes a clip's speed, constant or by a curve, forwards or backwards, and makes the frames between the \
             clip's own from what moves. Cuts stay cuts.",
        )
        .alone("Set “Source file” to the clip's own file.")
        .contexts(&[Context::Filter, Context::General, Context::Retimer])
        .temporal();
    const CONTINUOUS: bool = true;
    type Params = RetimeParams;
    type Clips = SourceToOutput;
    /// The source times of the instants that make up a frame.
    type Made = Vec<f64>;
    type Seen = ();

    fn clip(cx: &Cx<'_, Of<Self>>, _: Input) -> Result<Option<Clip>> {
        Ok(Some(cx.clips().source))
    }

    fn common(params: &RetimeParams) -> Common<'_> {
        let (colour, source, trouble) = (&params.colour, Some(&params.source), &params.trouble);
        let view = if params.output == Output::Matte { View::Matte } else { View::Frames };
        Common {
            view,
            quality: params.quality,
            motion: &params.advanced,
            colour,
            source,
            missing: params.missing.frames,
            trouble,
            marks_made: params.sign.mark_made,
        }
    }

    fn agreed(params: &RetimeParams, scene: &Scene<'_>) -> Result<[Timeline; 2]> {
        let time = scene.curves.source_time(scene.time)?.unwrap_or(scene.time);
        let makes = |frames| if params.adds_up(scene.curves) { params.output(scene.curves, frames) } else { frames };
        Ok(scene.told.map(|told| told.where_it_agrees(time, makes)))
    }

    fn domain(params: &RetimeParams, told: &Scene<'_>) -> Result<Option<(i64, i64)>> {
        let cut = told.timeline(Input::First).cut().filter(|_| params.adds_up(told.curves));
        Ok(cut.map(|cut| params.output(told.curves, cut)))
    }

    fn plan(params: &RetimeParams, scene: &Scene<'_>, _: Option<&()>) -> Result<Plan<Vec<f64>>> {
        let Some(map) = TimeMap::new(params, scene) else {
            let retimed = params.changes_anything(scene.curves)?;
            return Ok(Plan::own_because(retimed.then_some(NO_START)));
        };
        let times = params.instants(scene.time).map(|t| map.source_time(t)).collect::<Result<Vec<f64>>>()?;
        if let [time] = times[..]
            && let whole = params.method.shown(time)
            && whole.fract() == 0.0
            && !params.smooths()
        {
            let is_own = whole == scene.time;
            return Ok(if is_own { Plan::new(Shown::Own(Input::First)) } else { Plan::held(frame_number(whole)) });
        }
        let (first, last) = params.seen(&times, scene.timeline(Input::First));
        Ok(Plan::new(Shown::Made(times)).from(Input::First, first..=last))
    }

    fn is_made(stage: &Stage<'_, '_, Self>, shown: &Shown<Vec<f64>>) -> Result<bool> {
        match shown {
            Shown::Made(times) => is_made(stage, times),
            _ => Ok(false),
        }
    }

    fn fill(stage: &Stage<'_, '_, Self>, times: &Vec<f64>) -> Result<()> {
        stage.put(&exposed(stage, times)?)
    }

    fn changed(cx: &Changed<'_, Of<Self>>) -> Result<()> {
        StartParams::changed(cx)?;
        let sped = cx.is(RetimeParams::SPEED) && cx.reason() == ChangeReason::UserEdited;
        // A speed needs a start. Where neither host nor user says where, it is where the user stands.
        if sped && cx.params()?.start.at(&Timeline::inside(cx, cx.clips().source, cx.time())?).is_none() {
            return StartParams::start_here(cx);
        }
        Ok(())
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

    /// Whether the speed curve says what stands where: a retimer does as the host says, whatever speed is set.
    fn adds_up(&self, curves: &dyn Curves) -> bool {
        self.by == By::Speed && curves.context() != Context::Retimer
    }

    /// Whether anything may be shown otherwise than as it is.
    fn changes_anything(&self, curves: &dyn Curves) -> Result<bool> {
        let curved = curves.is_keyed(Self::SPEED)?;
        Ok(self.by == By::SourceFrame || self.reverse || self.speed != 100.0 || curved || self.shutter > 0.0)
    }

    /// The first and the last frame of the output, of a clip of these frames.
    fn output(&self, curves: &dyn Curves, (first, last): (i64, i64)) -> (i64, i64) {
        let range = RangeD { min: as_time(first), max: as_time(last) };
        let start = as_time(self.start.stated().unwrap_or(first));
        let most = LONGEST[usize::from(curves.is_keyed(Self::SPEED).unwrap_or(true))];
        let longest = last_frame(range, most, |t| Ok(start - range.min + passed(curves, start, t)?));
        (first, frame_number(longest))
    }

    /// The instants that make up the frame at `time`: one, or the shutter's samples, evenly spread about it.
    fn instants(&self, time: f64) -> impl Iterator<Item = f64> {
        let open = self.shutter / 360.0;
        let count = if open > 0.0 { self.shutter_samples.max(2) } else { 1 };
        (0..count).map(move |i| time + open * ((f64::from(i) + 0.5) / f64::from(count) - 0.5))
    }

    /// The first and the last source frame that instants are made from.
    fn seen(&self, times: &[f64], timeline: &Timeline) -> (i64, i64) {
        let first = times.iter().copied().fold(f64::INFINITY, f64::min).floor();
        let last = times.iter().copied().fold(f64::NEG_INFINITY, f64::max).ceil();
        let (first, last) = (frame_number(first), frame_number(last));
        // One more on each side tells how motion curves.
        let between = self.method == Method::Motion && times.iter().any(|t| t.fract() != 0.0);
        let further = match (self.smooths(), between) {
            (true, _) => cadence::REACH,
            (false, true) => 1,
            (false, false) => 0,
        };
        let (a, b) = timeline.frames().unwrap_or((i64::MIN, i64::MAX));
        ((first - further).max(a.min(first)), (last + further).min(b.max(last)))
    }
}

impl Method {
    /// The source time that is shown for a wanted one.
    fn shown(self, time: f64) -> f64 {
        if self == Self::Nearest { time.round() } else { time }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::table::{Told, clip, letters, shown};

    fn plans(params: &RetimeParams, speed: f64, frames: Option<(i64, i64)>, of: &[i64]) -> Vec<Plan<Vec<f64>>> {
        let told = Told { number: speed, ..Told::default() };
        shown::<Retime>(&RetimeParams { speed, ..params.clone() }, clip(frames), &told, of.iter().copied())
    }

    /// The first and the last frame of the output of a clip.
    fn length(params: &RetimeParams, told: &Told, frames: (i64, i64)) -> Option<(i64, i64)> {
        let (told, curves) = (clip(frames), told);
        let scene = Scene {
            time: 0.0,
            told,
            timelines: told,
            connected: [true, false],
            alone: false,
            has_handles: false,
            curves,
        };
        Retime::domain(params, &scene).expect("the host refuses nothing")
    }

    #[test]
    fn whole_source_frames_are_held_and_those_between_are_made() {
        let (plain, frames) = (RetimeParams::default(), Some((10, 20)));
        assert_eq!(letters(&plans(&plain, 100.0, frames, &[10, 15, 20])), "ooo");
        let half = plans(&plain, 50.0, frames, &[10, 11, 12, 30]);
        assert_eq!(letters(&half), "oMhh");
        assert_eq!([2, 3].map(|i| half[i].shown.clone()), [11, 20].map(Shown::Held));
        assert_eq!((&half[1].shown, &half[1].from[..]), (&Shown::Made(vec![10.5]), &[(Input::First, 10..=12)][..]));
        let reverse = RetimeParams { reverse: true, ..plain.clone() };
        assert_eq!(plans(&reverse, 100.0, frames, &[10, 12])[1].shown, Shown::Held(18));
        let nearest = RetimeParams { method: Method::Nearest, ..plain };
        assert_eq!(plans(&nearest, 50.0, frames, &[11, 13])[1].shown, Shown::Held(12));
    }

    #[test]
    fn a_shutter_is_open_over_instants() {
        let open = RetimeParams { shutter: 180.0, shutter_samples: 2, ..RetimeParams::default() };
        assert_eq!(plans(&open, 100.0, Some((10, 20)), &[15])[0].shown, Shown::Made(vec![14.875, 15.125]));
    }

    #[test]
    fn a_retimer_shows_the_source_time_that_the_host_asks_for_and_needs_no_start() {
        let source_time = Some((|time: f64| 3.0 * time - 20.0) as fn(f64) -> f64);
        let params = RetimeParams::default();
        for speed in [50.0, 100.0, 300.0] {
            let told = Told { context: Some(Context::Retimer), number: speed, source_time, ..Told::default() };
            let at = |frames: Option<(i64, i64)>| {
                let plans = shown::<Retime>(&params, clip(frames), &told, [10, 12, 14]);
                plans.into_iter().map(|plan| plan.shown).collect::<Vec<_>>()
            };
            let wanted = [Shown::Own(Input::First), Shown::Held(16), Shown::Held(22)];
            assert_eq!((&at(None)[..], &at(Some((0, 40)))[..]), (&wanted[..], &wanted[..]), "at {speed} %");
            // Its length is for the host to say.
            assert_eq!(length(&params, &told, (0, 40)), None, "at {speed} %");
        }
        let filter = Told { number: 50.0, ..Told::default() };
        assert_eq!(length(&params, &filter, (0, 40)), Some((0, 80)));
    }

    #[test]
    fn without_a_start_the_clip_passes_and_the_user_is_told_where_a_speed_is_set() {
        let plain = RetimeParams::default();
        let told = |speed| plans(&plain, speed, None, &[6816])[0].note.clone();
        assert_eq!((told(100.0), told(50.0)), (None, Some(NO_START.into())));
        let start = StartParams { start: 6816, ..StartParams::default() };
        let stated = RetimeParams { start, ..plain };
        assert_eq!(plans(&stated, 50.0, None, &[6818])[0].shown, Shown::Held(6817));
    }
}

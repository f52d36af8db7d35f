//! Bridge: from one clip to the next.

use ofx::{
    Context, Field, RectI,
    plugin::{
        At, Button, Changed, Clip, ClipPreferences, Create, Cx, Effect, Error, FramesNeeded, MessageKind, Meta, Render,
        Result,
    },
};
use pickup_model::{Frame, Shot, motion::MotionOnward};

use super::{
    GROUPING, even,
    film::{Film, Given, with_known},
    footage::{Footage, NO_NEIGHBOURS, Shape, SourceParams, if_any},
    make,
    onward::{End, onward},
    pass,
    presets::BridgePreset,
    put,
    showing::{full_size, show, show_own},
    start::{set_here, stated},
    trouble::{self, TroubleParams},
    watch::HostWatch,
    wish::{FilmParams, Output, PromptParams},
};
use crate::{
    engine::{engine, failed},
    timeline::{Timeline, as_time, frame_number},
};

/// How the frames between are made.
#[derive(ofx::Choice, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum By {
    /// By motion where both ends show the same things; else by the video model where “Model folder” names one, or where the one
    /// in the bundle knows every word of the prompt; else by a dissolve.
    #[default]
    Automatic,
    /// What both ends show moves from one to the other: exact, and in the clips' own pixels.
    Motion,
    /// One clip dissolves into the other, and both move: in their own frames where two clips overlap, else the one before goes on
    /// as it moved, and the one after comes as it will move.
    Dissolve,
    /// The video model invents a way, as the prompt says.
    #[choice(label = "Video model")]
    Model,
}

/// What says where the bridge starts.
#[derive(ofx::Choice, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Starts {
    /// Two clips with frames missing between them: all of those are made. In one clip nothing is made.
    #[default]
    #[choice(label = "Between the clips")]
    Between,
    /// The frame in “Start”.
    #[choice(label = "At “Start”")]
    Stated,
}

/// Bridge's parameters.
#[derive(ofx::Params, Clone, Debug, PartialEq)]
pub struct BridgeParams {
    /// A way to start from: choosing one sets “Made by” and “Length”. MLT hosts do not tell of the choice, and there it does
    /// nothing.
    #[param(id = "preset", label = "Preset", default = BridgePreset::Own, recipe = false)]
    pub preset: BridgePreset,
    /// What should happen on the way. It may be left empty.
    #[flatten]
    pub wish: PromptParams,
    /// Where it starts. As a transition, Bridge starts and ends where the host's transition does. A “Start” other than 0 counts
    /// in any case.
    #[param(id = "starts", label = "Starts", default = Starts::Between)]
    pub starts: Starts,
    /// The first frame that is made, in the host's own numbers.
    #[param(id = "start", label = "Start", default = 0, range = -100_000_000..=100_000_000, display = 0..=100_000)]
    pub start: i32,
    /// Start at the frame where the timeline's cursor stands.
    #[param(id = "startHere", label = "Start here")]
    pub start_here: Button,
    /// Frames to make, where two clips do not say how many are missing between them.
    #[param(id = "length", label = "Length", default = 12, range = 1..=2000, display = 1..=120)]
    pub length: i32,
    /// How the frames between are made.
    #[param(id = "by", label = "Made by", default = By::Automatic)]
    pub by: By,
    /// As a filter: the clip that follows, when it is not in this one. A video file or a sequence such as
    /// `shot.%04d.png`, whose first frame comes after the last made one.
    #[param(id = "toFile", label = "Next clip's file", text = "file")]
    pub to_file: String,
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

/// Bridge's clips.
#[derive(ofx::Clips)]
pub struct BridgeClips {
    /// The clip before.
    #[clip(name = "SourceFrom", only = [Transition, General])]
    pub from: Clip,
    /// The clip after. Where nothing is connected, the clip before is both.
    #[clip(name = "SourceTo", only = [Transition, General], optional_in = [General])]
    pub to: Clip,
    /// Both in one clip, or the clip before.
    #[clip(name = "Source", only = [Filter])]
    pub source: Clip,
    /// The result.
    #[clip(name = "Output")]
    pub output: Clip,
}

/// Leads from one clip to the next.
pub struct Bridge;

/// Known frames of each clip that the video model is shown.
const CONTEXT: i64 = 9;

impl Effect for Bridge {
    const META: Meta = Meta::new("org.pickup.Bridge", "Bridge")
        .grouping(GROUPING)
        .description(
            "Leads from one clip to the next in a number of frames: by motion where both show the same things, as over a \
             jump cut, else by a video model that invents a way, or by a dissolve in which both move. The clips' \
             own frames pass bit for bit. In Kdenlive, Shotcut and other MLT hosts, set “Source file” to the clip's own file and “Next clip's file” to the next.",
        )
        .contexts(&[Context::Transition, Context::Filter, Context::General])
        .temporal();
    type Params = BridgeParams;
    type Clips = BridgeClips;

    fn new(_: &Create<'_, Self>) -> Result<Self> {
        Ok(Self)
    }

    fn clip_preferences(&self, _: &Cx<'_, Self>, preferences: &mut ClipPreferences) -> Result<()> {
        preferences.frame_varying(true);
        Ok(())
    }

    fn frames_needed(&self, cx: &At<'_, Self>, frames: &mut FramesNeeded) -> Result<()> {
        let params = cx.params()?;
        let number = frame_number(cx.time());
        let (from, to) = ends(cx)?;
        let Some(gap) = Gap::at(cx, &params, number)? else {
            frames.add(from, cx.time(), cx.time());
            return Ok(());
        };
        for (clip, near, step) in [(from, gap.before, -1), (to, gap.after, 1)] {
            frames.add(clip, as_time(number), as_time(number));
            if gap.is_made(number) {
                let timeline = gap.timeline(cx, clip, cx.time())?;
                let (near, far) = (timeline.nearest(near), timeline.nearest(near + step * (CONTEXT - 1)));
                frames.add(clip, as_time(near.min(far)), as_time(near.max(far)));
            }
        }
        Ok(())
    }

    fn is_identity(&self, cx: &At<'_, Self>, _: RectI, _: Field) -> Result<Option<(Clip, f64)>> {
        let params = cx.params()?;
        let number = frame_number(cx.time());
        let (from, to) = ends(cx)?;
        let Some(gap) = Gap::at(cx, &params, number)? else {
            return Ok((params.film.output == Output::Result).then_some((from, cx.time())));
        };
        let file_after = number >= gap.after && has_next_file(cx, &params);
        if params.film.output == Output::Matte || gap.is_made(number) || file_after {
            return Ok(None);
        }
        Ok(Some((if number <= gap.before { from } else { to }, cx.time())))
    }

    fn render(&self, cx: &Render<'_, Self>) -> Result<()> {
        let params = cx.params()?;
        trouble::shown(cx, ends(cx)?.0, &params.trouble, render(cx, &params))
    }

    fn changed(&self, cx: &Changed<'_, Self>) -> Result<()> {
        let params = cx.params()?;
        if cx.is(BridgeParams::START_HERE) {
            return set_here(cx, "Start here", (BridgeParams::STARTS, Starts::Stated), BridgeParams::START);
        }
        if !cx.is(BridgeParams::PRESET) {
            return params.wish.changed(cx);
        }
        let (by, length) = match params.preset {
            BridgePreset::Own => return Ok(()),
            BridgePreset::JumpCut => (By::Motion, 6),
            BridgePreset::Dissolve => (By::Dissolve, 24),
        };
        let _step = cx.edit("Preset");
        cx.set(BridgeParams::BY, by)?;
        cx.set(BridgeParams::LENGTH, length)
    }

    fn purge_caches(&self) {
        engine().purge();
    }
}

/// Renders a frame.
fn render(cx: &Render<'_, Bridge>, params: &BridgeParams) -> Result<()> {
    let number = frame_number(cx.time());
    let (from, to) = ends(cx)?;
    let Some(gap) = Gap::at(cx, params, number)? else {
        cx.set_persistent_message(MessageKind::Warning, NO_START);
        return match params.film.output {
            Output::Matte => even(cx, 0.0),
            Output::Result => pass(cx, from, cx.time()),
        };
    };
    if params.film.output == Output::Matte {
        return even(cx, if gap.is_made(number) { 1.0 } else { 0.0 });
    }
    if number <= gap.before {
        return pass(cx, from, cx.time());
    }
    let next_file = has_next_file(cx, params);
    if number >= gap.after && !next_file {
        return pass(cx, to, cx.time());
    }
    let shape = Shape::here(cx, from, &params.film.colour)?;
    let after = if next_file {
        Footage::of_file(cx, to, params.to_file.trim(), (gap.after, gap.after), shape)?
    } else {
        Footage::new(cx, cx, to, &params.source, shape, (cx.time(), gap.timeline(cx, to, cx.time())?))?
    };
    if number >= gap.after {
        return match after.frame(number)? {
            Some(frame) => put(cx, &frame),
            None => pass(cx, from, cx.time()),
        };
    }
    let before = Footage::new(cx, cx, from, &params.source, shape, (cx.time(), gap.timeline(cx, from, cx.time())?))?;
    if !before.has_neighbours() || !after.has_neighbours() {
        return Err(Error::Failed(NO_NEIGHBOURS.into()));
    }
    Between { cx, params, gap, before: &before, after: &after }.show(number)
}

/// The clips before and after: in a filter both are one, and where no second clip is connected.
fn ends(cx: &Cx<'_, Bridge>) -> Result<(Clip, Clip)> {
    let clips = cx.clips();
    if cx.context() == Context::Filter {
        return Ok((clips.source, clips.source));
    }
    let two = cx.context() == Context::Transition || cx.clip(clips.to)?.is_connected();
    Ok((clips.from, if two { clips.to } else { clips.from }))
}

/// Why nothing is made.
const NO_START: &str = "Nothing says where the bridge starts, so the clip passes unchanged: move to the first frame that is to be \
                        made and press “Start here”";

fn has_next_file(cx: &Cx<'_, Bridge>, params: &BridgeParams) -> bool {
    cx.context() == Context::Filter && !params.to_file.trim().is_empty()
}

/// What is made: the frames between the last of the clip before and the first of the clip after.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Gap {
    before: i64,
    after: i64,
}

impl Gap {
    /// What is to be made; none where nothing says where.
    fn at(cx: &Cx<'_, Bridge>, params: &BridgeParams, number: i64) -> Result<Option<Self>> {
        let time = as_time(number);
        if let Some(now) = cx.transition(time)? {
            let next = cx.transition(time + 1.0)?.unwrap_or(now);
            let last = cx.transition(time - 1.0)?.unwrap_or(now);
            return Ok(Some(Self::of_transition(number, [last, now, next])));
        }
        if let Some(start) = stated(params.starts == Starts::Stated, params.start) {
            return Ok(Some(Self { before: start - 1, after: start + i64::from(params.length.max(1)) }));
        }
        let (from, to) = ends(cx)?;
        let (end, start) = (Timeline::told(cx, from)?.cut(), Timeline::told(cx, to)?.cut());
        let between = end.zip(start).map(|((_, before), (after, _))| Self { before, after });
        Ok(between.filter(|gap| from != to && gap.after > gap.before + 1))
    }

    /// The timeline of one of the clips: the gap goes on from it.
    fn timeline(self, cx: &Cx<'_, Bridge>, clip: Clip, time: f64) -> Result<Timeline> {
        Timeline::at(cx, clip, time, |_| (self.before, self.after))
    }

    /// The gap of a transition that stands at `now`, from 0, the clip before, to 1, the clip after; the standard tells no
    /// more, so how fast it goes tells where it starts and ends.
    fn of_transition(number: i64, [last, now, next]: [f64; 3]) -> Self {
        let step = if next > now { next - now } else { now - last };
        if now <= 0.0 || step <= 1e-6 && now < 1.0 {
            return Self { before: number, after: number + 1 };
        }
        if now >= 1.0 {
            return Self { before: number - 1, after: number };
        }
        let frames = |share: f64| (share / step).round().max(1.0) as i64;
        Self { before: number - frames(now), after: number + frames(1.0 - now) }
    }

    fn is_made(self, number: i64) -> bool {
        number > self.before && number < self.after
    }
}

/// The frames between, for one render.
struct Between<'a, 'b, 'c> {
    cx: &'a Render<'c, Bridge>,
    params: &'a BridgeParams,
    gap: Gap,
    before: &'a Footage<'b>,
    after: &'a Footage<'b>,
}

impl Between<'_, '_, '_> {
    fn show(&self, number: i64) -> Result<()> {
        let way = self.way()?;
        if way == By::Model {
            return self.by_model(number);
        }
        let finish = self.params.film.finish(&self.params.wish.brief(), None);
        let first = self.gap.before + 1;
        let places = [number - first, self.gap.after - first].map(|n| usize::try_from(n).unwrap_or_default());
        show_own(self.cx, places.into(), finish, |place| {
            let number = first + place as i64;
            if way == By::Motion { self.moved(number) } else { self.dissolved(number) }
        })
    }

    /// How the frames are to be made: never [`By::Automatic`].
    fn way(&self) -> Result<By> {
        let told = self.params.by != By::Automatic;
        let watch = HostWatch::new(self.cx, "Bridge: comparing the clips".to_owned());
        if told || engine().matches(&self.last()?, &self.first()?, &watch)? {
            self.cx.clear_persistent_message();
            return Ok(if told { self.params.by } else { By::Motion });
        }
        let suits = self.params.film.model_suits(self.cx, &self.params.wish.brief())?;
        Ok(if suits { By::Model } else { By::Dissolve })
    }

    /// The last frame of the clip before.
    fn last(&self) -> Result<Frame> {
        self.before.frame(self.gap.before)?.ok_or_else(|| missing("before", self.gap.before))
    }

    /// The first frame of the clip after.
    fn first(&self) -> Result<Frame> {
        self.after.frame(self.gap.after)?.ok_or_else(|| missing("after", self.gap.after))
    }

    /// The frame at a time in the gap, by what both ends show.
    fn moved(&self, number: i64) -> Result<Frame> {
        let Gap { before, after } = self.gap;
        let mut shot = Shot::new().known(as_time(before), self.last()?).map_err(failed)?;
        shot = shot.known(as_time(after), self.first()?).map_err(failed)?;
        // The nearest that stand at a third of the gap, as far as the model looks: they tell of the motion across it.
        let out = ((after - before + 2) / 3).min(CONTEXT - 1);
        for (footage, further) in [(self.before, before - out), (self.after, after + out)] {
            if let Some(Some(frame)) = if_any(footage.frame(further))? {
                shot = shot.known(as_time(further), frame).map_err(failed)?;
            }
        }
        let shot = shot.missing(as_time(number));
        Ok(make(self.cx, &shot, &self.params.film.quality.brief(self.cx.flags()))?.frame.clone())
    }

    /// The frame at a time in the gap, of both clips as they go on.
    fn dissolved(&self, number: i64) -> Result<Frame> {
        let (Gap { before, after }, brief) = (self.gap, self.params.film.quality.brief(self.cx.flags()));
        let made = |footage, end, away| -> Result<Frame> {
            Ok(onward(self.cx, footage, end, (away, MotionOnward::REST), &brief)?.frame.clone())
        };
        let going = match self.overlap(self.before, number)? {
            Some(frame) => frame,
            None => made(self.before, (before, End::Last), number - before)?,
        };
        let coming = match self.overlap(self.after, number)? {
            Some(frame) => frame,
            None => made(self.after, (after, End::First), after - number)?,
        };
        let share = (number - before) as f64 / (after - before) as f64;
        going.blended(&coming, share).map_err(failed)
    }

    /// A clip's own frame inside the gap, where there are two clips: in one that holds both, the gap is what is to be replaced.
    fn overlap(&self, footage: &Footage<'_>, number: i64) -> Result<Option<Frame>> {
        let has = footage.timeline().frames().is_some_and(|(first, last)| (first..=last).contains(&number));
        let (from, to) = ends(self.cx)?;
        if from == to || !has { Ok(None) } else { footage.frame(number) }
    }

    fn by_model(&self, number: i64) -> Result<()> {
        let (width, height) = full_size(self.cx)?;
        let model = self.params.film.open()?;
        let Gap { before, after } = self.gap;
        // A shot's times count from the last frame of the clip before: a take does not depend on where it lies.
        let shot = model.shot((width, height));
        let shot = with_known(shot, self.before, before - CONTEXT + 1..=before, 1 - CONTEXT)?;
        let shot = with_known(shot, self.after, after..=after + CONTEXT - 1, after - before)?;
        let shot = (1..after - before).fold(shot, |shot, i| shot.missing(as_time(i)));
        let ends = [Given::of(self.before, (before, -1), 0)?, Given::of(self.after, (after, 1), after - before)?];
        let given = ends.into_iter().flatten().collect();
        let brief = self.params.wish.brief();
        let film = Film { model: &model, shot: &shot, brief: &brief, first: 1, joined: 0, given };
        let count = usize::try_from(after - before - 1).unwrap_or_default();
        let place = usize::try_from(number - before - 1).unwrap_or_default();
        let (which, near, at) =
            if 2 * place < count { ("before", self.before, before) } else { ("after", self.after, after) };
        let stand_in = near.shrunk(at, model.size(width, height))?.ok_or_else(|| missing(which, at))?;
        let grain = if self.params.match_grain { near.noise(at)? } else { None };
        let finish = self.params.film.finish(&brief, grain);
        show(self.cx, &film, (place, count), finish, || Ok(stand_in))
    }
}

fn missing(which: &str, frame: i64) -> Error {
    Error::Failed(format!("The clip {which} the bridge has no frame {frame}: move the bridge to where both clips are"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_transition_tells_where_it_starts_and_ends() {
        // From frame 10, all of the clip before, to frame 14, all of the clip after.
        let share = |t: i64| ((t - 10) as f64 / 4.0).clamp(0.0, 1.0);
        let gap = |t: i64| Gap::of_transition(t, [share(t - 1), share(t), share(t + 1)]);
        for t in 11..=13 {
            assert_eq!(gap(t), Gap { before: 10, after: 14 }, "at {t}");
        }
        for t in [9, 10, 14, 15] {
            assert!(!gap(t).is_made(t), "at {t}");
        }
        assert!(!Gap::of_transition(3, [0.5, 0.5, 0.5]).is_made(3), "a transition that stands still makes nothing");
    }
}

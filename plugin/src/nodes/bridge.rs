//! Bridge: from one clip to the next.

mod crossing;

use std::{borrow::Cow, path::Path};

use ofx::{
    Context,
    plugin::{Button, Changed, Clip, Cx, Error, Meta, Result},
};

pub use self::crossing::Crossing;
use self::crossing::{Between, Way};
use super::{
    GROUPING,
    params::{
        brief::{PromptParams, TakeParams},
        presets::BridgePreset,
        source::SourceParams,
        start::{set_here, stated},
    },
};
use crate::{
    engine::engine,
    perform::{Alone, Common, Node, Of, Stage, missing::MissingParams, sign::SignParams, trouble::TroubleParams},
    plan::{Input, Plan, Scene, Shown},
    timeline::Timeline,
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
    /// A way to start from: choosing one sets “Made by” and “Length”.
    #[param(id = "preset", label = "Preset", default = BridgePreset::Own, redraws = false, shown_in = "telling")]
    pub preset: BridgePreset,
    /// What should happen on the way. It may be left empty: motion needs none.
    #[group(id = "brief", label = "Prompt", open = false)]
    pub brief: PromptParams,
    /// Where it starts. As a transition, Bridge starts and ends where the host's transition does. A “Start” other than 0 counts
    /// in any case.
    #[param(id = "starts", label = "Starts", default = Starts::Between)]
    pub starts: Starts,
    /// The first frame that is made, in the host's own numbers.
    #[param(id = "start", label = "Start", default = 0, range = -2_140_000_000..=2_140_000_000, display = 0..=100_000)]
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
    /// The clip that follows, when it is neither in this one nor connected. A video file or a sequence such as
    /// `shot.%04d.png`, whose first frame comes after the last made one. Without a start it follows where this clip ends.
    #[param(id = "toFile", mlt_id = "resource", label = "Next clip's file", text = "file")]
    pub to_file: String,
    /// Lay as much noise over made frames as the source's own frames have, so that grain does not stop at the seam.
    #[param(id = "matchGrain", label = "Match grain", default = true)]
    pub match_grain: bool,
    /// What is shown, and how it is made.
    #[flatten]
    pub take: TakeParams,
    /// Where the clip's frames come from in hosts that give the current one alone.
    #[group(label = "The clip's file", open = false, shown_in = "alone")]
    pub source: SourceParams,
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

impl Node for Bridge {
    const META: Meta = Meta::new("org.pickup.Bridge", "Bridge")
        .grouping(GROUPING)
        .icons()
        .description(
            "Leads from one clip to the next in a number of frames: by motion where both show the same things, as over a \
             jump cut, else by a video model that invents a way, or by a dissolve in which both move. The clips' \
             own frames pass bit for bit.",
        )
        .alone("Set “Source file” to the clip's own file, and “Next clip's file” to the next.")
        .contexts(&[Context::Transition, Context::Filter, Context::General])
        .temporal();
    const ALONE: Alone = Alone::Fails;
    type Params = BridgeParams;
    type Clips = BridgeClips;
    type Made = Crossing;
    type Seen = ();

    /// In a filter both inputs are one clip, and where no second clip is connected.
    fn clip(cx: &Cx<'_, Of<Self>>, input: Input) -> Result<Option<Clip>> {
        let clips = cx.clips();
        if cx.context() == Context::Filter {
            return Ok((input == Input::First).then_some(clips.source));
        }
        let two = cx.context() == Context::Transition || cx.clip(clips.to)?.is_connected();
        Ok(match input {
            Input::First => Some(clips.from),
            Input::Next => two.then_some(clips.to),
        })
    }

    fn common(params: &BridgeParams) -> Common<'_> {
        params.take.common(Some(&params.source), &params.missing, (&params.trouble, &params.sign))
    }

    fn file<'p>(params: &'p BridgeParams, scene: &Scene<'_>, input: Input) -> Result<Option<(&'p str, (i64, i64))>> {
        let file = params.to_file.trim();
        if input == Input::First || file.is_empty() || scene.has(Input::Next) {
            return Ok(None);
        }
        Ok(params.between(scene)?.map(|between| (file, (between.after, between.after))))
    }

    fn agreed(params: &BridgeParams, scene: &Scene<'_>) -> Result<[Timeline; 2]> {
        let between = params.between(scene)?;
        Ok(scene.agreed(|frames| between.map_or(frames, |between| (between.before, between.after))))
    }

    fn domain(params: &BridgeParams, scene: &Scene<'_>) -> Result<Option<(i64, i64)>> {
        let (Some(between), Some((first, last))) = (params.between(scene)?, scene.timeline(Input::First).cut()) else {
            return Ok(None);
        };
        let Some((file, _)) = Self::file(params, scene, Input::Next)? else { return Ok(None) };
        // What cannot be read is for render to complain of.
        let Ok(reader) = engine().reader(Path::new(file)) else { return Ok(None) };
        let length = reader.info().last() - reader.info().first();
        Ok(Some((first, last.max(between.after + length))))
    }

    fn plan(params: &BridgeParams, scene: &Scene<'_>, _: Option<&()>) -> Result<Plan<Crossing>> {
        let number = scene.number();
        let Some(between) = params.between(scene)? else { return nowhere(scene) };
        let note = between.trouble(&scene.both(), scene.has(Input::Next)).map(Cow::Owned);
        if number <= between.before {
            return Ok(Plan { note, ..Plan::new(Shown::Own(Input::First)) });
        }
        if number >= between.after {
            return Ok(Plan { note, ..Plan::new(Shown::Own(Input::Next)) });
        }
        let crossing = Crossing::of(between, number);
        let plan = crossing.gap.clone().plan(|_| crossing, scene.both());
        // A dissolve shows both clips as they are here, where they overlap.
        let both = if scene.has(Input::Next) { &[Input::First, Input::Next][..] } else { &[] };
        Ok(both.iter().fold(plan, |plan, input| plan.from(*input, number..=number)))
    }

    fn replaces(_: &Crossing) -> bool {
        true
    }

    fn fill(stage: &Stage<'_, '_, Self>, crossing: &Crossing) -> Result<()> {
        stage.params.brief.tell_taken(&stage.params.take, stage);
        let (params, brief) = (stage.params, stage.params.brief.brief(&stage.params.take));
        let gap = &crossing.gap;
        let (place, finish) = ((gap.place, gap.count), |noise| params.take.finish(&brief, noise));
        match crossing.way(stage, &brief)? {
            Way::Model(model) => stage.show_filled((&model, gap, &brief), params.match_grain, finish),
            Way::Motion => stage.show_own(place, finish(None), |place| crossing.moved(stage, gap.time(place))),
            Way::Dissolve => stage.show_own(place, finish(None), |place| crossing.dissolved(stage, gap.time(place))),
        }
    }

    fn changed(cx: &Changed<'_, Of<Self>>) -> Result<()> {
        let params = cx.params()?;
        if cx.is(BridgeParams::START_HERE) {
            return set_here(cx, "Start here", (BridgeParams::STARTS, Starts::Stated), BridgeParams::START);
        }
        if !cx.is(BridgeParams::PRESET) {
            return params.brief.changed(&params.take, cx);
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
}

/// Why nothing is made.
const NO_START: &str = "Nothing says where the bridge starts, so the clip passes unchanged: move to the first frame that is to be \
                        made and press “Start here”";

/// What is shown where nothing says where the bridge starts: the first clip and, where that has ended, the second.
///
/// # Errors
/// When the second clip lies before the first.
fn nowhere(scene: &Scene<'_>) -> Result<Plan<Crossing>> {
    let [before, after] = scene.told.each_ref().map(Timeline::cut);
    if let (Some(before), Some(after), true) = (before, after, scene.has(Input::Next)) {
        if after.1 < before.0 {
            return Err(Error::Failed(format!(
                "The second clip, which has the frames {} to {}, lies before the first, which has {} to {}: connect them the other \
                 way round",
                after.0, after.1, before.0, before.1
            )));
        }
        if scene.number() > before.1 && scene.number() <= after.1 {
            return Ok(Plan { note: Some(Cow::Borrowed(NO_START)), ..Plan::new(Shown::Own(Input::Next)) });
        }
    }
    Ok(Plan::own_because(Some(NO_START)))
}

impl BridgeParams {
    /// What is to be made at the scene's time; none where nothing says where.
    fn between(&self, scene: &Scene<'_>) -> Result<Option<Between>> {
        if let Some(between) = Between::of_host(scene.curves, scene.number())? {
            return Ok(Some(between));
        }
        if let Some(start) = stated(self.starts == Starts::Stated, self.start) {
            return Ok(Some(Between { before: start - 1, after: start + i64::from(self.length.max(1)) }));
        }
        let [before, after] = scene.told.each_ref().map(Timeline::cut);
        if let (false, false, Some((_, before))) = (scene.has(Input::Next), self.to_file.trim().is_empty(), before) {
            // The file follows the clip.
            return Ok(Some(Between { before, after: before + 1 + i64::from(self.length.max(1)) }));
        }
        let between = before.zip(after).map(|((_, before), (after, _))| Between { before, after });
        Ok(between.filter(|gap| scene.has(Input::Next) && gap.after > gap.before + 1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::table::{Told, clip, letters, shown};

    fn params(start: i32, length: i32) -> BridgeParams {
        BridgeParams { start, length, ..BridgeParams::default() }
    }

    #[test]
    fn the_clip_before_leads_over_made_frames_to_the_clip_after() {
        let one = shown::<Bridge>(&params(5, 3), clip((0, 40)), &Told::default(), 3..=9);
        assert_eq!(letters(&one), "ooMMMnn");
        assert_eq!(one[2].from, [(Input::First, 0..=4), (Input::Next, 8..=16)]);
        let two = [Timeline::of_frames((0, 4)), Timeline::of_frames((8, 30))];
        let between = shown::<Bridge>(&params(0, 12), two, &Told::default(), [0, 4, 5, 7, 8, 30]);
        assert_eq!(letters(&between), "ooMMnn", "what lies between two clips");
        let Shown::Made(crossing) = &between[3].shown else { panic!("{between:?}") };
        assert_eq!((crossing.gap.place, crossing.gap.count, crossing.gap.known[1].at), (2, 3, 4));
        let nowhere = shown::<Bridge>(&params(0, 12), clip((0, 40)), &Told::default(), [7]);
        assert_eq!((letters(&nowhere), nowhere[0].note.as_deref()), ("o".into(), Some(NO_START)));
        assert_eq!(letters(&shown::<Bridge>(&params(6820, 2), clip((0, 40)), &Told::default(), 6819..=6822)), "oMMn");
    }

    #[test]
    fn a_bridge_outside_all_clips_says_so() {
        let notes = |start, frame| {
            let plans = shown::<Bridge>(&params(start, 3), clip((1, 20)), &Told::default(), [frame]);
            (letters(&plans), plans[0].note.clone())
        };
        assert_eq!(notes(18, 5), ("o".into(), None));
        assert_eq!(notes(21, 5), ("o".into(), None), "the clip's last frame leads on");
        let (letters, note) = notes(50, 5);
        assert_eq!(letters, "o");
        assert!(note.is_some_and(|note| note.contains("frames 50 to 52") && note.contains("1 to 20")));
        assert!(notes(-9, 5).1.is_some());
    }

    #[test]
    fn a_transition_tells_where_it_starts_and_ends() {
        // From frame 10, all of the clip before, to frame 14, all of the clip after.
        let transition = Some((|time: f64| ((time - 10.0) / 4.0).clamp(0.0, 1.0)) as fn(f64) -> f64);
        let told = Told { transition, ..Told::default() };
        let plans = shown::<Bridge>(&params(0, 12), clip((0, 40)), &told, 9..=15);
        assert_eq!(letters(&plans), "ooMMMnn");
        for plan in &plans[2..5] {
            let Shown::Made(crossing) = &plan.shown else { panic!("{plan:?}") };
            assert_eq!((crossing.last.frame, crossing.first.frame), (10, 14));
        }
        let still = Told { transition: Some(|_| 0.5), ..Told::default() };
        let plans = shown::<Bridge>(&params(0, 12), clip((0, 40)), &still, [3]);
        assert_eq!(letters(&plans), "o", "a transition that stands still makes nothing");
    }
}

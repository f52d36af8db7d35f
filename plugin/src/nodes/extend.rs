//! Extend: a shot that goes on after its end, or began before its start.

mod side;

use ofx::{
    Context,
    plugin::{Button, Changed, Clip, Cx, MessageKind, Meta, Result, SourceToOutput},
};
use pickup_model::Brief;

pub use self::side::{Seen, Side};
use super::{
    GROUPING,
    params::{
        brief::{PromptParams, TakeParams},
        presets::ExtendPreset,
        source::SourceParams,
    },
};
use crate::{
    engine::Model,
    freeze::{self, stands_since},
    perform::{
        Common, Node, Of, Stage, footage::Footage, missing::MissingParams, sign::SignParams, trouble::TroubleParams,
    },
    plan::{Input, Plan, Scene, Shown},
    timeline::{Timeline, frame_number},
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
    /// A way to start from: choosing one sets “Made by” and “Comes to rest”.
    #[param(id = "preset", label = "Preset", default = ExtendPreset::Own, redraws = false, shown_in = "telling")]
    pub preset: ExtendPreset,
    /// What should happen. It may be left empty: motion needs none.
    #[group(id = "brief", label = "Prompt", open = false)]
    pub brief: PromptParams,
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
    #[param(id = "lastGood", label = "Last good frame", default = 0, range = -2_140_000_000..=2_140_000_000, display = 0..=100_000)]
    pub last_good: i32,
    /// Where the clip's own file goes on after the last good frame, show its frames first. This host tells which file that is; it is
    /// used if its frames up to there are the clip's own, whose size, colour and speed were then not changed before this effect.
    #[param(id = "handles", label = "Use handles", default = true, shown_in = "filing")]
    pub handles: bool,
    /// Look where the clip freezes, three or more equal frames up to its end, and write it into the two above.
    #[param(id = "findFreeze", label = "Find the freeze")]
    pub find_freeze: Button,
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

/// Makes a shot longer.
pub struct Extend;

/// Known frames that the model is shown: more tell it better how things move.
const CONTEXT: i64 = 17;

impl Node for Extend {
    const META: Meta = Meta::new("org.pickup.Extend", "Extend")
        .grouping(GROUPING)
        .icons()
        .description(
            "Makes a shot longer: frames after its last, or before its first, that go on from what is there: by a video model, by \
             motion, or by the clip's own frames, back and forth. Lengthen the \
             clip in the editor so that its last frame freezes, press “Find the freeze”, and the freeze is replaced. Where the host's clip has \
             handles, they are its own frames and are shown first.",
        )
        .alone("Set “Source file” to the clip's own file.")
        .contexts(&[Context::Filter, Context::General])
        .temporal();
    type Params = ExtendParams;
    type Clips = SourceToOutput;
    type Made = Side;
    type Seen = Seen;

    fn clip(cx: &Cx<'_, Of<Self>>, _: Input) -> Result<Option<Clip>> {
        Ok(Some(cx.clips().source))
    }

    fn common(params: &ExtendParams) -> Common<'_> {
        params.take.common(Some(&params.source), &params.missing, (&params.trouble, &params.sign))
    }

    fn agreed(params: &ExtendParams, scene: &Scene<'_>) -> Result<[Timeline; 2]> {
        Ok(scene.agreed(|frames| params.output(frames)))
    }

    fn domain(params: &ExtendParams, told: &Scene<'_>) -> Result<Option<(i64, i64)>> {
        Ok(told.timeline(Input::First).cut().map(|cut| params.output(cut)))
    }

    fn plan(params: &ExtendParams, scene: &Scene<'_>, seen: Option<&Seen>) -> Result<Plan<Side>> {
        let (timeline, number) = (scene.timeline(Input::First), scene.number());
        let mut good = params.good(timeline);
        if let Some(frames) = params.seen_for_a_freeze(good, number) {
            let Some(seen) = seen else {
                let (first, last) = (timeline.nearest(*frames.start()), timeline.nearest(*frames.end()));
                return Ok(Plan::new(Shown::Unseen).from(Input::First, first.min(number)..=last.max(number)));
            };
            good.last = seen.last;
        }
        Ok(params.plan_with_handles(good, scene, seen.map(|seen| seen.handles)))
    }

    fn look(stage: &Stage<'_, '_, Self>) -> Result<Seen> {
        let (number, params) = (stage.scene.number(), stage.params);
        let good = params.good(stage.scene.timeline(Input::First));
        let last = match params.seen_for_a_freeze(good, number) {
            Some(_) => stands_since(stage.footage(Input::First)?, number, params.furthest_freeze())?,
            None => good.last,
        };
        let last_shown = last.filter(|last| params.handles && *last < number);
        Ok(Seen { last, handles: last_shown.map_or(Ok(0), |last| stage.take_handles(last))? })
    }

    fn fill(stage: &Stage<'_, '_, Self>, side: &Side) -> Result<()> {
        stage.params.brief.tell_taken(&stage.params.take, stage);
        let (params, brief) = (stage.params, stage.params.brief.brief(&stage.params.take));
        let (place, finish) = ((side.gap.place, side.gap.count), |noise| params.take.finish(&brief, noise));
        match Way::of(stage, &brief)? {
            Way::Model(model) => stage.show_filled((&model, &side.gap, &brief), params.match_grain, finish),
            Way::BackAndForth => {
                stage.show_own(place, finish(None), |place| stage.frame(Input::First, side.turned(place)))
            }
            Way::Motion => stage
                .show_own(place, finish(None), |place| stage.onward(side.edge, side.away(place), params.rest.into())),
        }
    }

    fn changed(cx: &Changed<'_, Of<Self>>) -> Result<()> {
        if cx.is(ExtendParams::FIND_FREEZE) {
            return find(cx);
        }
        let params = cx.params()?;
        if !cx.is(ExtendParams::PRESET) {
            return params.brief.changed(&params.take, cx);
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
}

/// How frames are made, once it is decided.
enum Way {
    Model(Box<Model>),
    Motion,
    BackAndForth,
}

impl Way {
    fn of(stage: &Stage<'_, '_, Extend>, brief: &Brief) -> Result<Self> {
        let take = &stage.params.take;
        Ok(match stage.params.by {
            By::Automatic => take.suited(stage, brief)?.map_or(Self::Motion, |model| Self::Model(Box::new(model))),
            By::Model => Self::Model(Box::new(take.open()?)),
            By::Motion => Self::Motion,
            By::BackAndForth => Self::BackAndForth,
        })
    }
}

/// What is done where a button cannot search.
const NO_PICTURES: &str = "This host gives a button no pictures to search. Where the clip freezes is looked for when a frame is rendered; or \
                           set “Last good frame” by hand and switch “Clip freezes” on.";

/// Finds where the clip freezes, and writes it into the parameters.
fn find(cx: &Changed<'_, Of<Extend>>) -> Result<()> {
    let params = cx.params()?;
    let Some(footage) = Footage::to_search(cx, cx.clips().source, &params.source, &params.take.colour)? else {
        cx.message(MessageKind::Message, NO_PICTURES);
        return cx.set(ExtendParams::FROZEN, false);
    };
    let cut = footage.timeline().cut();
    let found = match cut {
        Some(cut) => freeze::last_moving(&footage, cut)?,
        None => stands_since(&footage, frame_number(cx.time()), freeze::LONGEST)?,
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

#[cfg(test)]
mod tests {
    use std::ops::RangeInclusive;

    use super::*;
    use crate::plan::{
        Known,
        table::{Told, clip, letters, shown},
    };

    fn params(tail: i32, head: i32, hold: i32) -> ExtendParams {
        ExtendParams { tail, head, hold, ..ExtendParams::default() }
    }

    fn plans(params: &ExtendParams, frames: Option<(i64, i64)>, of: RangeInclusive<i64>) -> Vec<Plan<Side>> {
        shown::<Extend>(params, clip(frames), &Told::default(), of)
    }

    #[test]
    fn a_clip_is_shown_then_held_then_made_on_both_ends() {
        let plans = plans(&params(3, 2, 1), Some((1, 4)), -2..=8);
        assert_eq!(letters(&plans), "MMhoooohMMM");
        let made = |at: usize| match &plans[at].shown {
            Shown::Made(side) => (side.gap.place, side.gap.time(side.gap.place), side.edge.frame),
            other => panic!("{other:?}"),
        };
        assert_eq!([0, 1].map(made), [(0, -2, 1), (1, -1, 1)], "a head ends next to the first frame");
        assert_eq!([8, 10].map(made), [(0, 1, 4), (2, 3, 4)]);
        assert_eq!(plans[2].shown, Shown::Held(1));
        assert_eq!(plans[8].from, [(Input::First, 1..=4)]);
    }

    #[test]
    fn handles_come_first_and_the_output_is_as_long() {
        let (params, timeline) = (params(3, 0, 1), clip((1, 10))[0]);
        let plans = |handles| -> Vec<_> {
            (11..=15).map(|number| params.gone_on(params.good(&timeline), handles, (number, &timeline))).collect()
        };
        assert_eq!([0, 2, 9].map(|handles| letters(&plans(handles))), ["hMMM.", "hhMM.", "hhhh."]);
        assert_eq!(plans(2)[1].shown, Shown::Held(12));
        let Shown::Made(side) = &plans(2)[2].shown else { panic!("it is made") };
        assert_eq!((side.edge.frame, side.gap.count), (12, 2), "it goes on from the last of them");
    }

    #[test]
    fn nothing_is_held_where_nothing_is_made() {
        let frozen = ExtendParams { frozen: true, last_good: 4, ..params(0, 0, 2) };
        assert_eq!(letters(&plans(&frozen, Some((1, 10)), 3..=7)), "oo...");
    }

    #[test]
    fn the_model_is_shown_so_many_frames_at_the_end() {
        let known = |first| match &plans(&params(3, 0, 0), Some((first, 40)), 41..=41)[0].shown {
            Shown::Made(side) => side.gap.known.clone(),
            other => panic!("{other:?}"),
        };
        assert_eq!(known(1), [Known { input: Input::First, frames: 24..=40, at: -16 }]);
        assert_eq!(known(38), [Known { input: Input::First, frames: 38..=40, at: -2 }]);
    }

    #[test]
    fn where_the_end_is_not_known_a_freeze_is_looked_for_until_the_user_names_it() {
        let unknown = plans(&params(3, 0, 0), None, 100..=100);
        assert_eq!((letters(&unknown), &unknown[0].from[..]), ("?".into(), &[(Input::First, 80..=102)][..]));
        let frozen = ExtendParams { frozen: true, last_good: 100, ..params(3, 0, 0) };
        assert_eq!(letters(&plans(&frozen, None, 99..=105)), "ooMMM..");
        assert_eq!(letters(&plans(&frozen, Some((0, 200)), 99..=105)), "ooMMM..");
    }

    #[test]
    fn a_clip_runs_back_and_forth() {
        let turned = |tail: i32, head: i32, (first, last), frames: RangeInclusive<i64>| -> Vec<i64> {
            let params = ExtendParams { by: By::BackAndForth, ..params(tail, head, 0) };
            let frame = |plan: Plan<Side>| *plan.from.last().expect("it needs frames").1.start();
            plans(&params, Some((first, last)), frames).into_iter().map(frame).collect()
        };
        assert_eq!(turned(8, 0, (1, 4), 5..=12), [3, 2, 1, 2, 3, 4, 3, 2]);
        assert_eq!(turned(0, 5, (1, 4), -4..=0), [2, 3, 4, 3, 2]);
        assert_eq!(turned(3, 0, (4, 4), 5..=7), [4, 4, 4]);
    }
}

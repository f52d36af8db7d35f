//! Repair: missing and damaged frames, made anew from the good ones on both sides.

use ofx::{
    Context,
    plugin::{Changed, Clip, Cx, Error, MessageKind, Meta, Result, SourceToOutput},
};
use pickup_model::Shot;

use super::{
    GROUPING, Quality,
    params::{
        damage::{DamageParams, Repeats},
        motion::MotionParams,
        source::SourceParams,
    },
};
use crate::{
    cadence,
    colour::ColourParams,
    perform::{
        Common, Node, Of, Stage, View, footage::Footage, missing::MissingFrames, sign::SignParams,
        trouble::TroubleParams,
    },
    plan::{Input, Plan, Scene, Shown},
    sight::{Marks, REACH, Sight, search, smoothed},
    timeline::frame_number,
};
use pickup_clips::frame_list::FrameList;

/// What the output shows.
#[derive(ofx::Choice, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Output {
    /// The repaired clip.
    #[default]
    Result,
    /// White where a frame was made, black where it is the source's own.
    Matte,
    /// How sure each made pixel is: white is certain, black a guess. Source frames are white.
    Confidence,
}

/// Repair's parameters.
#[derive(ofx::Params, Clone, Debug, PartialEq)]
pub struct RepairParams {
    /// Frames to replace, such as `101-104, 120` or `10-20x2` for every second one. Frame numbers are the host's own. A
    /// frame that the clip lacks should be listed too: some hosts do not ask for a frame they do not have.
    #[param(id = "frames", label = "Frames")]
    pub frames: String,
    /// Replace the frames at which this is on: keyframe it over damaged stretches.
    #[param(id = "damaged", label = "Damaged", default = false, animates)]
    pub damaged: bool,
    /// Where the clip repeats frames in a regular cycle, as one of 50 frames a second does on a timeline of 60, or of 23.976 on
    /// 59.94: make what truly stands at each frame from the pictures on both sides, at their true times. Where there is no such
    /// cycle nothing is changed.
    #[param(id = "smoothCadence", label = "Smooth the cadence", default = false)]
    pub smooth: bool,
    /// Find damage.
    #[group(label = "Find damage", open = false)]
    pub damage: DamageParams,
    /// What the output shows.
    #[param(id = "output", label = "Output", default = Output::Result)]
    pub output: Output,
    /// How much work a frame is worth. Motion in large pictures is looked for in a smaller copy and then followed in full: 896x504 of
    /// 1280x720, and 1280x720 of 1920x1080 or more. Best looks twice, of the largest pictures at 1536x864, and averages both results,
    /// which is closer to the truth.
    #[param(id = "quality", label = "Quality", default = Quality::Best)]
    pub quality: Quality,
    /// The most frames in a row that are bridged. A longer gap is an error rather than a guess.
    #[param(id = "longestGap", label = "Longest gap", default = 24, range = 1..=500, display = 1..=100)]
    pub longest_gap: i32,
    /// Where neighbouring frames come from in hosts that give none.
    #[group(label = "The clip's file", open = false, shown_in = "alone")]
    pub source: SourceParams,
    /// What it is made on.
    #[group(id = "advanced", label = "Advanced", open = false)]
    pub advanced: MotionParams,
    /// Colour.
    #[group(label = "Colour", open = false)]
    pub colour: ColourParams,
    /// What happens where a frame cannot be made.
    #[flatten]
    pub trouble: TroubleParams,
    /// Whether made frames say so.
    #[flatten]
    pub sign: SignParams,
}

/// Replaces missing and damaged frames.
pub struct Repair;

/// A frame that is to be made.
#[derive(Clone, Debug, Default)]
pub enum Missing {
    /// From the good frames about it.
    #[default]
    Here,
    /// From two pictures of a cycle.
    OfCycle(Shot),
}

/// What is seen in a frame that is not marked: what is to be made in its stead, if anything is.
pub type Seen = Option<Missing>;

impl Node for Repair {
    const META: Meta = Meta::new("org.pickup.Repair", "Repair")
        .grouping(GROUPING)
        .icons()
        .description(
            "Replaces missing, repeated and damaged frames by new ones made from the good frames on both sides. Good \
             frames pass bit for bit.",
        )
        .alone("Set “Source file” to the clip's own file.")
        .contexts(&[Context::Filter, Context::General])
        .temporal();
    type Params = RepairParams;
    type Clips = SourceToOutput;
    type Made = Missing;
    type Seen = Seen;

    fn clip(cx: &Cx<'_, Of<Self>>, _: Input) -> Result<Option<Clip>> {
        Ok(Some(cx.clips().source))
    }

    fn common(params: &RepairParams) -> Common<'_> {
        Common {
            view: match params.output {
                Output::Result => View::Frames,
                Output::Matte => View::Matte,
                Output::Confidence => View::Confidence,
            },
            quality: params.quality,
            motion: &params.advanced,
            colour: &params.colour,
            source: Some(&params.source),
            // What is missing is its own to make.
            missing: MissingFrames::Error,
            trouble: &params.trouble,
            marks_made: params.sign.mark_made,
        }
    }

    fn plan(params: &RepairParams, scene: &Scene<'_>, seen: Option<&Seen>) -> Result<Plan<Missing>> {
        let marks = Marks::new(&params.frames, scene.curves, RepairParams::DAMAGED)?;
        let marked = marks.damaged(scene.number());
        let shown = match seen {
            _ if marked => Shown::Made(Missing::Here),
            None if params.looks() => Shown::Unseen,
            Some(Some(missing)) => Shown::Made(missing.clone()),
            _ => return Ok(Plan { note: marks.strays(scene), ..Plan::new(Shown::Own(Input::First)) }),
        };
        let runs = params.seen(&marks, scene, marked).into_iter();
        Ok(runs.fold(Plan::new(shown), |plan, (first, last)| plan.from(Input::First, first..=last)))
    }

    fn look(stage: &Stage<'_, '_, Self>) -> Result<Seen> {
        let (footage, now, params) = (stage.footage(Input::First)?, stage.scene.number(), stage.params);
        if params.smooth
            && let Some(shot) = smoothed(footage, now)?
        {
            return Ok(Some(Missing::OfCycle(shot)));
        }
        let marks = Marks::new(&params.frames, stage.scene.curves, RepairParams::DAMAGED)?;
        Ok((!params.sight(footage, &marks).is_good(now)?).then_some(Missing::Here))
    }

    fn hole() -> Option<Missing> {
        Some(Missing::Here)
    }

    fn replaces(made: &Missing) -> bool {
        matches!(made, Missing::Here)
    }

    fn borders(params: &RepairParams, scene: &Scene<'_>) -> Result<bool> {
        let marks = Marks::new(&params.frames, scene.curves, RepairParams::DAMAGED)?;
        Ok((scene.number() - 2..=scene.number() + 2).any(|near| marks.damaged(near)))
    }

    fn fill(stage: &Stage<'_, '_, Self>, made: &Missing) -> Result<()> {
        let shot = match made {
            Missing::OfCycle(shot) => shot.clone(),
            Missing::Here => {
                let marks = Marks::new(&stage.params.frames, stage.scene.curves, RepairParams::DAMAGED)?;
                stage.params.sight(stage.footage(Input::First)?, &marks).shot(stage.scene.number())?
            }
        };
        stage.show_made(&*stage.make(&shot)?)
    }

    fn changed(cx: &Changed<'_, Of<Self>>) -> Result<()> {
        if cx.is(DamageParams::FIND) { find(cx) } else { Ok(()) }
    }
}

impl RepairParams {
    /// Whether frames must be looked at to tell whether they are to be made.
    fn looks(&self) -> bool {
        self.damage.automatic || self.smooth
    }

    /// Whether repeats that are found may be a cycle.
    fn seeks_cycles(&self) -> bool {
        self.damage.automatic && self.damage.duplicates && self.damage.repeats == Repeats::Cadence
    }

    fn sight<'a, 'b, 'c>(&self, footage: &'a Footage<'b>, marks: &'a Marks<'c>) -> Sight<'a, 'b, 'c> {
        let thresholds = self.damage.automatic.then(|| self.damage.thresholds());
        Sight::new(footage, marks, self.longest_gap.into(), thresholds, self.seeks_cycles())
    }

    /// The runs of frames that a frame is made from, or looked at beside.
    fn seen(&self, marks: &Marks<'_>, scene: &Scene<'_>, marked: bool) -> Vec<(i64, i64)> {
        let (timeline, now) = (scene.timeline(Input::First), scene.number());
        let inside = |frame: i64| timeline.nearest(frame);
        let (mut first, mut last) = (now, now);
        if marked {
            let reach = i64::from(self.longest_gap) + 1;
            let near = |step: i64| (1..=reach).map(|d| now + step * d).find(|f| !marks.damaged(*f));
            (first, last) = (inside(near(-1).unwrap_or(now)), inside(near(1).unwrap_or(now)));
        }
        let mut runs = Vec::new();
        if self.smooth {
            runs.push((inside(now - cadence::REACH), inside(now + cadence::REACH)));
        }
        if self.damage.automatic {
            // Damage that is found lasts a few frames, and the good frames about it are judged by those about them.
            let reach = REACH + if self.seeks_cycles() { cadence::REACH } else { 0 };
            runs.push((inside(first - reach), inside(last + reach)));
            return runs;
        }
        // Not what lies between: those are the frames that may be missing, and hosts fetch all that is announced.
        let mut known = vec![first, now, last];
        if first < now && now < last {
            known.extend(marks.beyond((first, last), |f| inside(f) == f).into_iter().flatten());
        }
        known.sort_unstable();
        known.dedup();
        runs.extend(known.into_iter().map(|frame| (frame, frame)));
        runs
    }
}

/// What is done where a button cannot search.
const NO_PICTURES: &str = "This host gives a button no pictures to search. “Repair what is found” is on instead: each frame is looked at \
                           when it is rendered.";

/// Searches the clip for damage and writes it into the list, beside what the list already names.
fn find(cx: &Changed<'_, Of<Repair>>) -> Result<()> {
    let params = cx.params()?;
    let source = cx.clips().source;
    let Some(footage) = Footage::to_search(cx, source, &params.source, &params.colour)? else {
        cx.message(MessageKind::Message, NO_PICTURES);
        return cx.set(DamageParams::AUTOMATIC, true);
    };
    let (first, last) = footage.ends(frame_number(cx.time()))?;
    let progress = cx.progress("Repair: looking for damaged frames");
    let cycles = params.damage.repeats == Repeats::Cadence;
    let found = search(&footage, (first, last), &params.damage.thresholds(), cycles, |done| progress.step(done))?;
    let list = FrameList::parse(&params.frames).map_err(Error::new)?.union(&found.damaged);
    cx.set(RepairParams::FRAMES, list.to_string())?;
    cx.message(MessageKind::Message, &found.to_string());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::table::{Told, clip, letters, shown};

    fn row(params: &RepairParams, on: &[i64], of: std::ops::RangeInclusive<i64>) -> Vec<Plan<Missing>> {
        shown::<Repair>(params, clip((0, 40)), &Told { on: on.to_vec(), ..Told::default() }, of)
    }

    fn listed(frames: &str) -> RepairParams {
        RepairParams { frames: frames.into(), ..RepairParams::default() }
    }

    #[test]
    fn what_is_listed_or_switched_is_made_and_all_else_passes() {
        assert_eq!(letters(&row(&listed("5-6, 9"), &[8], 3..=10)), "ooMMoMMo");
    }

    #[test]
    fn a_frame_that_the_clip_does_not_have_is_told() {
        let note = |frames: &str| row(&listed(frames), &[], 10..=10)[0].note.clone();
        assert_eq!((note("5-6, 40"), note("")), (None, None));
        assert_eq!(note("5, 500").as_deref(), Some("“Frames” lists 500, which is not in the clip: it has 0 to 40"));
        assert!(note("-3, 5").is_some_and(|note| note.contains("lists -3")));
    }

    #[test]
    fn the_frames_about_a_gap_are_asked_for_and_not_those_in_it() {
        let frames = |plan: &Plan<Missing>| plan.from.iter().map(|(_, run)| *run.start()).collect::<Vec<_>>();
        let plans = row(&listed("10-12"), &[], 11..=11);
        assert_eq!(frames(&plans[0]), [7, 9, 11, 13, 15], "one further out on each side");
        let plans = row(&listed("0"), &[], 0..=0);
        assert_eq!(frames(&plans[0]), [0, 1], "at the clip's start");
    }

    #[test]
    fn frames_are_looked_at_where_it_is_asked_for() {
        let mut params = listed("5");
        params.damage.automatic = true;
        let plans = row(&params, &[], 4..=6);
        assert_eq!(letters(&plans), "?M?");
        assert_eq!(plans[0].from, [(Input::First, 0..=4 + REACH + cadence::REACH)]);
        let smooth = RepairParams { smooth: true, ..listed("") };
        assert_eq!(row(&smooth, &[], 20..=20)[0].from[0], (Input::First, 14..=26));
    }

    #[test]
    fn a_list_that_makes_no_sense_is_refused() {
        let told = Told::default();
        let told_of =
            |frames: &str| Marks::new(frames, &told, RepairParams::DAMAGED).map(|_| ()).unwrap_err().to_string();
        assert!(told_of("5-").contains("such as 101-104"), "{}", told_of("5-"));
    }
}

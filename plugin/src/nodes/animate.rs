//! Animate: a still that moves.

mod way;

use ofx::{
    Context,
    plugin::{Button, Changed, Clip, Cx, Meta, Result, SourceToOutput},
};

use self::way::{Way, over_still};
use super::{
    GROUPING,
    params::{
        brief::{PromptParams, TakeParams},
        camera::{Camera, CameraParams},
        presets::AnimatePreset,
        source::SourceParams,
        start::{set_here, stated},
    },
};
use crate::{
    perform::{Alone, Common, Node, Of, Stage, missing::MissingParams, sign::SignParams, trouble::TroubleParams},
    plan::{Gap, Input, Known, Plan, Scene, Shown},
    timeline::Timeline,
};

/// Which end of the shot the still is.
#[derive(ofx::Choice, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum End {
    /// The shot starts with it.
    #[default]
    First,
    /// The shot ends with it.
    Last,
}

/// Which frame the still is.
#[derive(ofx::Choice, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Stands {
    /// The clip's first, where the host says which that is. Where it does not, as in DaVinci Resolve and Baselight, the shot is
    /// repeated, each time from a still of its own.
    #[default]
    #[choice(label = "The clip's first frame")]
    Clip,
    /// The frame in “Still frame”.
    #[choice(label = "At “Still frame”")]
    Stated,
}

/// How the still comes to life.
#[derive(ofx::Choice, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum By {
    /// By the video model where “Model folder” names one. The model in the bundle is asked for the whole picture only where
    /// the prompt names one that it knows, as the sea or clouds; else things happen over the still.
    #[default]
    Automatic,
    /// The still stays as it is, moved by the camera alone, and what the prompt asks for (snow, rain, smoke, embers, light
    /// leaks) is made on black and laid over it.
    #[choice(label = "Over the still")]
    Over,
    /// The video model makes the whole picture, as the prompt says.
    #[choice(label = "Video model")]
    Model,
}

/// Animate's parameters.
#[derive(ofx::Params, Clone, Debug, PartialEq)]
pub struct AnimateParams {
    /// A way to start from: choosing one sets the prompt and “Made by”, or the camera.
    #[param(id = "preset", label = "Preset", default = AnimatePreset::Own, redraws = false, shown_in = "telling")]
    pub preset: AnimatePreset,
    /// What should happen.
    #[flatten]
    pub brief: PromptParams,
    /// Which frame of the source comes to life: on a photo any will do. A “Still” other than 0 counts in any case.
    #[param(id = "stillIs", label = "Still", default = Stands::Clip)]
    pub stands: Stands,
    /// The frame of the source that comes to life, in the host's own numbers. Before the clip it is the clip's first, after
    /// it its last.
    #[param(id = "still", label = "Still frame", default = 0, range = -2_140_000_000..=2_140_000_000, display = 0..=100_000)]
    pub still: i32,
    /// The frame where the timeline's cursor stands comes to life.
    #[param(id = "stillHere", label = "The still is here")]
    pub still_here: Button,
    /// Which end of the shot the still is.
    #[param(id = "end", label = "Still is", default = End::First)]
    pub end: End,
    /// Frames of the shot, the still among them.
    #[param(id = "length", label = "Length", default = 33, range = 2..=2000, display = 2..=241)]
    pub length: i32,
    /// How the still comes to life. The model in the bundle knows stock elements, drawn: a photograph dissolves under it, and is
    /// better left as it is, with something over it.
    #[param(id = "by", label = "Made by", default = By::Automatic)]
    pub by: By,
    /// The camera.
    #[flatten]
    pub camera: CameraParams,
    /// Over the still: frames over which what is laid over it comes in, counted from the still.
    #[param(id = "fade", label = "Comes in over", default = 12, range = 0..=2000, display = 0..=48)]
    pub fade: i32,
    /// Over the still: how strong what is laid over it is, in per cent.
    #[param(id = "strength", label = "Strength", default = 100.0, range = 0.0..=100.0, display = 0.0..=100.0, animates)]
    pub strength: f64,
    /// Lay as much noise over made frames as the source's own frames have, so that grain does not stop at the seam.
    #[param(id = "matchGrain", label = "Match grain", default = true)]
    pub match_grain: bool,
    /// What is shown, and how it is made.
    #[flatten]
    pub take: TakeParams,
    /// Where the still comes from in hosts that give the current frame alone. On a photo it is not needed: there any frame is the
    /// still.
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

/// Makes a still move.
pub struct Animate;

impl Node for Animate {
    const META: Meta = Meta::new("org.pickup.Animate", "Animate")
        .grouping(GROUPING)
        .icons()
        .description(
            "Makes a still move: a frame of the source is the shot's first (or last), and the prompt says what happens: over \
             the still, as snow falls or the camera pushes in, or to the whole picture, by a video model. \
             The model runs on this machine; nothing leaves it.",
        )
        .alone("Set “Source file” to the picture's own file, unless it is a photo.")
        .contexts(&[Context::Filter, Context::General])
        .temporal();
    const ALONE: Alone = Alone::Suffices;
    type Params = AnimateParams;
    type Clips = SourceToOutput;
    type Made = Gap;
    type Seen = ();

    fn clip(cx: &Cx<'_, Of<Self>>, _: Input) -> Result<Option<Clip>> {
        Ok(Some(cx.clips().source))
    }

    fn common(params: &AnimateParams) -> Common<'_> {
        params.take.common(Some(&params.source), &params.missing, (&params.trouble, &params.sign))
    }

    fn agreed(params: &AnimateParams, scene: &Scene<'_>) -> Result<[Timeline; 2]> {
        // A still has one frame, and its shot goes on from there.
        Ok(scene.agreed(|frames| params.output(params.still_in(&Timeline::of_frames(frames)).unwrap_or(frames.0))))
    }

    fn domain(params: &AnimateParams, told: &Scene<'_>) -> Result<Option<(i64, i64)>> {
        let cut = told.timeline(Input::First).cut();
        let Some(still) = params.still_in(&cut.map(Timeline::of_frames).unwrap_or_default()) else { return Ok(None) };
        let (first, last) = params.output(still);
        Ok(Some(cut.map_or((first, last), |(a, b)| (first.min(a), last.max(b)))))
    }

    fn plan(params: &AnimateParams, scene: &Scene<'_>, _: Option<&()>) -> Result<Plan<Gap>> {
        let (timeline, number) = (scene.timeline(Input::First), scene.number());
        let still = params.still_at(timeline, number);
        let place = usize::try_from(number - params.first(still)).ok();
        let Some(place) = place.filter(|place| *place < params.count() && number != still) else {
            return Ok(Plan::new(Shown::Own(Input::First)));
        };
        // Where the host gives the current frame alone, it is the still.
        let still = if scene.alone { number } else { still };
        let at = if params.end == End::First { 0 } else { params.count() as i64 - 1 };
        let known = vec![Known { input: Input::First, frames: still..=still, at }];
        Ok(Gap { known, first: 0, count: params.count(), place }.plan(|gap| gap, scene.both()))
    }

    fn fill(stage: &Stage<'_, '_, Self>, gap: &Gap) -> Result<()> {
        stage.params.brief.tell_taken(&stage.params.take, stage);
        let params = stage.params;
        match Way::of(stage)? {
            Way::Model(model) => {
                let brief = params.brief.brief(&params.take);
                let finish = |noise| params.take.finish(&brief, noise);
                stage.show_filled((&model, gap, &brief), params.match_grain, finish)
            }
            Way::Over(asked) => over_still(stage, gap, asked.as_deref()),
        }
    }

    fn changed(cx: &Changed<'_, Of<Self>>) -> Result<()> {
        let params = cx.params()?;
        if cx.is(AnimateParams::STILL_HERE) {
            let choice = (AnimateParams::STANDS, Stands::Stated);
            return set_here(cx, "The still is here", choice, AnimateParams::STILL);
        }
        if !cx.is(AnimateParams::PRESET) {
            return params.brief.changed(&params.take, cx);
        }
        if params.preset == AnimatePreset::PushIn {
            return cx.set(CameraParams::CAMERA, Camera::PushIn);
        }
        let Some(prompt) = params.preset.prompt() else { return Ok(()) };
        let _step = cx.edit("Preset");
        cx.set(AnimateParams::BY, By::Over)?;
        cx.set(PromptParams::PROMPT, prompt.to_owned())
    }
}

impl AnimateParams {
    /// How many frames a place of the shot is from the still.
    fn away(&self, place: usize) -> usize {
        if self.end == End::First { place } else { self.count() - 1 - place }
    }

    /// How strong at a place of the shot is what is laid over the still: nothing is, at the still.
    fn strength_at(&self, place: usize) -> f32 {
        let come_in = self.away(place) as f32 / self.fade.max(1) as f32;
        come_in.min(1.0) * self.strength as f32 / 100.0
    }

    /// The still's frame, inside the clip as far as that is known; none where neither the user nor the host says.
    fn still_in(&self, timeline: &Timeline) -> Option<i64> {
        stated(self.stands == Stands::Stated, self.still).or(timeline.start()).map(|still| timeline.nearest(still))
    }

    /// The still's frame for what stands at a frame: where nobody says, the shot is repeated, so that it is seen wherever the
    /// host's times lie.
    fn still_at(&self, timeline: &Timeline, number: i64) -> i64 {
        self.still_in(timeline).unwrap_or_else(|| {
            let count = self.count() as i64;
            let first = number - number.rem_euclid(count);
            if self.end == End::First { first } else { first + count - 1 }
        })
    }

    /// The first and the last frame of a shot with this still.
    fn output(&self, still: i64) -> (i64, i64) {
        (self.first(still), self.first(still) + self.count() as i64 - 1)
    }

    fn count(&self) -> usize {
        usize::try_from(self.length).unwrap_or_default().max(2)
    }

    /// The frame at which the shot starts.
    fn first(&self, still: i64) -> i64 {
        match self.end {
            End::First => still,
            End::Last => still - (self.count() as i64 - 1),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::table::{Told, clip, letters, shown};

    fn row(params: &AnimateParams, frames: Option<(i64, i64)>, of: std::ops::RangeInclusive<i64>) -> String {
        letters(&shown::<Animate>(params, clip(frames), &Told::default(), of))
    }

    #[test]
    fn a_shot_starts_or_ends_with_its_still() {
        let params = AnimateParams { length: 3, still: 10, ..AnimateParams::default() };
        assert_eq!(row(&params, Some((0, 20)), 7..=13), "ooooMMo");
        let last = AnimateParams { end: End::Last, ..params.clone() };
        assert_eq!(row(&last, Some((0, 20)), 7..=13), "oMMoooo");
        assert_eq!(row(&params, None, 7..=13), "ooooMMo", "what the user names counts anywhere");
        assert_eq!(row(&params, Some((5, 9)), 7..=11), "oooMM", "after the clip it is the clip's last");
        let plans = shown::<Animate>(&last, clip((0, 20)), &Told::default(), [8, 9]);
        let Shown::Made(gap) = &plans[1].shown else { panic!("{plans:?}") };
        assert_eq!((gap.place, gap.known[0].at, gap.known[0].frames.clone()), (1, 2, 10..=10));
        assert_eq!(plans[1].from, [(Input::First, 10..=10)]);
    }

    #[test]
    fn a_photo_is_animated_from_its_first_frame_and_on_an_unknown_axis_again_and_again() {
        let params = AnimateParams { length: 3, ..AnimateParams::default() };
        assert_eq!(row(&params, Some((5, 5)), 5..=7), "oMM");
        assert_eq!(row(&params, None, 6816..=6821), "oMMoMM", "each from a still of its own");
        let last = AnimateParams { end: End::Last, ..params };
        assert_eq!(row(&last, None, 6816..=6821), "MMoMMo");
    }
}

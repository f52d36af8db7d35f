//! Generate: a shot from a prompt.

use ofx::{
    Context,
    plugin::{Button, Changed, Clip, Cx, Error, MessageKind, Meta, Result},
};
use pickup_model::{Brief, Encoding, Frame, Shot, Unwatched};

use super::{
    GROUPING,
    params::{
        brief::{PromptParams, TakeParams},
        presets::Preset,
        start::{StartParams, place_in},
    },
};
use crate::{
    engine::{Device, Model, engine},
    perform::failed,
    perform::{
        Alone, ButtonWatch, Common, Job, Node, Of, Stage, missing::MissingParams, picture::picture, sign::SignParams,
        trouble::TroubleParams,
    },
    plan::{Input, Plan, Scene, Shown},
    timeline::{Timeline, as_time},
};

/// Generate's parameters.
#[derive(ofx::Params, Clone, Debug, PartialEq)]
pub struct GenerateParams {
    /// A prompt to start from: choosing one writes it into the prompt.
    #[param(id = "preset", label = "Preset", default = Preset::Own, redraws = false, shown_in = "telling")]
    pub preset: Preset,
    /// What to make.
    #[flatten]
    pub brief: PromptParams,
    /// Make the shot now, with a progress bar. A final render makes it by itself; playback shows what there is.
    #[param(id = "make", label = "Make the shot")]
    pub make: Button,
    /// How often the button made a shot. Hosts draw a frame anew when a parameter changes, and at nothing else.
    #[param(id = "shotsMade", label = "Shots made", default = 0, range = 0..=2_147_483_647, display = 0..=100, secret)]
    pub shots_made: i32,
    /// Frames to make. Longer shots than the model's own are made piece by piece.
    #[param(id = "length", label = "Length", default = 33, range = 1..=2000, display = 1..=241)]
    pub length: i32,
    /// Where the shot starts. Where neither you nor the host says, it is repeated, so that it is to be seen anywhere.
    #[flatten]
    pub start: StartParams,
    /// A picture file that is the shot's first frame; its middle is used where its shape differs.
    #[param(id = "firstFrame", mlt_id = "av.file", label = "First frame", text = "file")]
    pub first_frame: String,
    /// A picture file that is the shot's last frame.
    #[param(id = "lastFrame", mlt_id = "av.filename", label = "Last frame", text = "file")]
    pub last_frame: String,
    /// Let the end run into the start, and repeat the shot for as long as it is shown.
    #[param(id = "loop", label = "Loop", default = false)]
    pub loops: bool,
    /// As a filter: make it on black and lay it over the clip, rather than replace the clip. What is bright hides what is
    /// behind it, what is dim adds its light; a look changes both.
    #[param(id = "over", label = "Over the clip", default = false)]
    pub over: bool,
    /// Over the clip: how strong it is, in per cent.
    #[param(id = "strength", label = "Strength", default = 100.0, range = 0.0..=100.0, display = 0.0..=100.0, animates)]
    pub strength: f64,
    /// What is shown, and how it is made.
    #[flatten]
    pub take: TakeParams,
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

/// Generate's clips.
#[derive(ofx::Clips)]
pub struct GenerateClips {
    /// Shown where the shot is not: before it starts and after it ends. As a filter, Generate replaces its clip.
    #[clip(name = "Source", optional_in = [General])]
    pub source: Clip,
    /// The shot.
    #[clip(name = "Output")]
    pub output: Clip,
}

/// Makes a shot from a prompt.
pub struct Generate;

impl Node for Generate {
    const META: Meta = Meta::new("org.pickup.Generate", "Generate")
        .grouping(GROUPING)
        .icons()
        .description(
            "Makes a shot from a prompt, and from a first and a last frame if you have them. The video model runs on this \
             machine; nothing leaves it. A shot is made once and kept; until then playback shows a preview, marked as \
             such.",
        )
        .contexts(&[Context::Generator, Context::Filter, Context::General]);
    const ALONE: Alone = Alone::Suffices;
    type Params = GenerateParams;
    type Clips = GenerateClips;
    /// The place in the shot.
    type Made = usize;
    type Seen = ();

    fn clip(cx: &Cx<'_, Of<Self>>, _: Input) -> Result<Option<Clip>> {
        let source = cx.clips().source;
        Ok((cx.context() != Context::Generator && cx.clip(source)?.is_connected()).then_some(source))
    }

    fn common(params: &GenerateParams) -> Common<'_> {
        params.take.common(None, &params.missing, (&params.trouble, &params.sign))
    }

    fn agreed(params: &GenerateParams, scene: &Scene<'_>) -> Result<[Timeline; 2]> {
        Ok(scene.agreed(|frames| params.output(params.start.stated().unwrap_or(frames.0))))
    }

    fn domain(params: &GenerateParams, told: &Scene<'_>) -> Result<Option<(i64, i64)>> {
        Ok(params.start.at(told.timeline(Input::First)).map(|start| params.output(start)))
    }

    fn plan(params: &GenerateParams, scene: &Scene<'_>, _: Option<&()>) -> Result<Plan<usize>> {
        let place = params.place(scene.number(), scene.timeline(Input::First));
        Ok(Plan::new(place.map_or(Shown::Outside, Shown::Made)))
    }

    fn fill(stage: &Stage<'_, '_, Self>, place: &usize) -> Result<()> {
        stage.params.brief.tell_taken(&stage.params.take, stage);
        let params = stage.params;
        let (size, model) = (stage.full_size()?, params.take.open()?);
        let (shot, brief, watch) = (params.shot(&model, size)?, params.brief()?, stage.watch_job());
        let job = Job { watch: &watch, ..params.job(&model, &shot, &brief) };
        let (place, finish) = ((*place, params.count()), params.take.finish(&brief, None));
        let size = model.size(size.0, size.1);
        if params.over && stage.scene.has(Input::First) {
            let strength = params.strength as f32 / 100.0;
            return stage.show_over(&job, place, finish, |_| Ok((stage.own_or_clear()?, strength)));
        }
        stage.show_take(&job, place, finish, || match stage.own_shrunk(size)? {
            Some(picture) => Ok(picture),
            None => card(size),
        })
    }

    fn changed(cx: &Changed<'_, Of<Self>>) -> Result<()> {
        let params = cx.params()?;
        params.brief.changed(&params.take, cx)?;
        StartParams::changed(cx)?;
        if cx.is(GenerateParams::PRESET)
            && let Some(prompt) = params.preset.prompt()
        {
            cx.set(PromptParams::PROMPT, prompt.to_owned())?;
        }
        if cx.is(GenerateParams::MAKE) { make_now(cx, &params) } else { Ok(()) }
    }
}

/// Makes the shot for the button, with a progress bar from the start.
fn make_now(cx: &Changed<'_, Of<Generate>>, params: &GenerateParams) -> Result<()> {
    let Some((width, height)) = cx.project_size() else {
        return Err(Error::Failed("This host does not say how large the picture is: render to make the shot".into()));
    };
    let size = ((width.round() as usize).max(1), (height.round() as usize).max(1));
    let model = params.take.open()?;
    let (shot, brief) = (params.shot(&model, size)?, params.brief()?);
    let watch = ButtonWatch::new(cx.progress("Generate: making the shot"));
    let recipe = Job { watch: &watch, ..params.job(&model, &shot, &brief) }.make()?;
    match engine().words_left_out(recipe) {
        Some(text) => cx.set_persistent_message(MessageKind::Warning, &text),
        None => cx.clear_persistent_message(),
    }
    cx.set(GenerateParams::SHOTS_MADE, params.shots_made.checked_add(1).unwrap_or_default())
}

impl GenerateParams {
    fn job<'a>(&self, model: &'a Model, shot: &'a Shot, brief: &'a Brief) -> Job<'a> {
        Job {
            model,
            shot,
            brief,
            first: 0,
            joined: self.joined(),
            given: Vec::new(),
            device: Device::Cpu,
            watch: &Unwatched,
        }
    }

    /// The first and the last frame of a shot that starts there.
    fn output(&self, start: i64) -> (i64, i64) {
        (start, start + self.count() as i64 - 1)
    }

    /// The place in the shot of a frame.
    fn place(&self, number: i64, timeline: &Timeline) -> Option<usize> {
        match self.start.at(timeline) {
            // A row that starts nowhere is repeated, from the frame 0 on.
            Some(start) if self.loops => place_in(number - start, None, self.count()),
            start => place_in(number, start, self.count()),
        }
    }

    /// Frames over which the end runs into the start: half a second, less in a short loop.
    fn joined(&self) -> usize {
        if self.loops { (self.count() / 3).min(12) } else { 0 }
    }

    fn count(&self) -> usize {
        usize::try_from(self.length).unwrap_or_default().max(1)
    }

    fn shot(&self, model: &Model, (width, height): (usize, usize)) -> Result<Shot> {
        let (width, height) = model.size(width, height);
        if self.loops && !self.last_frame.trim().is_empty() {
            return Err(Error::Failed("A loop ends as it starts: clear “Last frame”, or switch “Loop” off".into()));
        }
        let last = (self.count() + self.joined()) as i64 - 1;
        let first_frame = picture(&self.first_frame, (width, height))?;
        let last_frame = picture(&self.last_frame, (width, height))?;
        if missing_nothing(last, first_frame.is_some(), last_frame.is_some()) {
            return Err(Error::Failed("All of this shot's frames are given: make it longer".into()));
        }
        let mut missing: Vec<i64> = (0..=last).collect();
        let mut shot = Shot::new().formatted(width, height, model.rate);
        for (at, frame) in [(0, first_frame), (last, last_frame)] {
            if let Some(frame) = frame {
                shot = shot.known(as_time(at), frame).map_err(failed)?;
                missing.retain(|i| *i != at);
            }
        }
        Ok(missing.into_iter().fold(shot, |shot, i| shot.missing(as_time(i))))
    }

    fn brief(&self) -> Result<Brief> {
        let brief = if self.over { self.brief.on_black(&self.take) } else { self.brief.brief(&self.take) };
        if brief.prompt.is_empty() && self.first_frame.trim().is_empty() && self.last_frame.trim().is_empty() {
            let text = "There is no prompt: write what should be seen, such as “red smoke rising on black”";
            return Err(Error::Failed(text.into()));
        }
        Ok(brief)
    }
}

/// Whether the pictures that are given are the whole shot.
fn missing_nothing(last: i64, first_frame: bool, last_frame: bool) -> bool {
    let given = i64::from(first_frame) + i64::from(last_frame);
    given > 0 && last < given
}

/// What stands for a shot that is not made yet.
fn card((width, height): (usize, usize)) -> Result<Frame> {
    Frame::new(width, height, 3, Encoding::Display, vec![0.1; width * height * 3]).map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::table::{Told, clip, shown};

    /// The places of the shot that are shown at frames.
    fn places(
        params: &GenerateParams,
        frames: Option<(i64, i64)>,
        of: impl IntoIterator<Item = i64>,
    ) -> Vec<Option<usize>> {
        let place = |plan: Plan<usize>| if let Shown::Made(place) = plan.shown { Some(place) } else { None };
        shown::<Generate>(params, clip(frames), &Told::default(), of).into_iter().map(place).collect()
    }

    fn at(start: i32) -> StartParams {
        StartParams { start, ..StartParams::default() }
    }

    #[test]
    fn a_shot_stands_where_it_starts() {
        let stated = GenerateParams { start: at(10), length: 3, ..GenerateParams::default() };
        assert_eq!(places(&stated, None, 9..=13), [None, Some(0), Some(1), Some(2), None]);
        let with_clip = GenerateParams { start: at(0), ..stated };
        assert_eq!(places(&with_clip, Some((0, 99)), 9..=13), [None; 5], "the clip starts at 0");
        assert_eq!(places(&with_clip, Some((11, 99)), 12..=14), [Some(1), Some(2), None]);
        assert_eq!(places(&with_clip, None, 9..=11), [Some(0), Some(1), Some(2)], "seen anywhere");
        assert_eq!(places(&with_clip, Some((0, 1999)), 6816..=6817), [Some(0), Some(1)], "the range is not the time's");
    }

    #[test]
    fn a_loop_repeats_and_makes_the_frames_that_it_ends_with() {
        let params = GenerateParams { start: at(10), length: 9, loops: true, ..GenerateParams::default() };
        assert_eq!(places(&params, None, [9, 10, 19, 28]), [Some(8), Some(0), Some(0), Some(0)]);
        assert_eq!(params.joined(), 3);
        assert_eq!(GenerateParams { length: 2, ..params.clone() }.joined(), 0);
        assert_eq!(GenerateParams { length: 100, ..params }.joined(), 12);
    }

    #[test]
    fn nothing_to_go_by_is_refused() {
        let brief = GenerateParams::default().brief();
        assert!(brief.unwrap_err().to_string().contains("no prompt"));
    }
}

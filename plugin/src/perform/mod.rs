//! Performing a plan: every question of a host is answered from it, for every node alike.

mod agreement;
pub mod footage;
mod handles;
mod job;
pub mod missing;
mod onward;
mod over;
pub mod picture;
mod show;
pub mod sign;
mod stage;
pub mod trouble;
mod watch;

use std::ops::RangeInclusive;

use ofx::{
    Field, RangeD, RectD, RectI,
    plugin::{
        At, Changed, Clip, ClipPreferences, Clips, Create, Cx, Effect, Error, FramesNeeded, Meta, Params, Render,
        Result,
    },
};

use self::{footage::NO_NEIGHBOURS, missing::MissingFrames, trouble::TroubleParams};
pub use self::{handles::compared, job::Job, show::Finish, stage::Stage, watch::ButtonWatch};
use crate::{
    colour::ColourParams,
    engine::{EngineError, engine},
    journal,
    nodes::{
        Quality,
        params::{motion::MotionParams, source::SourceParams},
    },
    plan::{Input, Plan, Scene, Shown, times},
    timeline::{Timeline, as_time, frame_number},
};

/// What the output shows of a plan.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum View {
    /// The frames.
    #[default]
    Frames,
    /// White where a frame was made, black where it is the clip's own.
    Matte,
    /// How sure each pixel is: white is certain.
    Confidence,
}

/// What becomes of a frame that cannot be made because the host gives the current frame alone and no file is named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Alone {
    /// The clip's own frame passes, and the user is told; in a host that shows no messages it is an error, which the picture shows.
    Passes,
    /// It is an error.
    Fails,
    /// The current frame is all that is needed.
    Suffices,
}

/// The parameters that are the same for all nodes.
pub struct Common<'a> {
    /// What the output shows.
    pub view: View,
    /// How much work a frame is worth.
    pub quality: Quality,
    /// What motion is found on, and by what.
    pub motion: &'a MotionParams,
    /// What the clip's numbers stand for.
    pub colour: &'a ColourParams,
    /// The clip's own file; none for a node that looks at no other frames.
    pub source: Option<&'a SourceParams>,
    /// What stands for a frame that the clip lacks.
    pub missing: MissingFrames,
    /// What happens where a frame cannot be made.
    pub trouble: &'a TroubleParams,
    /// Made frames have a sign.
    pub marks_made: bool,
}

/// A node: its parameters, its plan, and how the frames that the plan names are made.
pub trait Node: Sized + Send + Sync + 'static {
    /// Its static facts.
    const META: Meta;
    /// What it does where it can have no frames but the current one.
    const ALONE: Alone = Alone::Passes;
    /// Whether its output may stand at fractions of a frame.
    const CONTINUOUS: bool = false;
    /// Its parameters.
    type Params: Params;
    /// Its clips.
    type Clips: Clips;
    /// What is to be made at a time.
    type Made;
    /// What is seen in frames that are looked at.
    type Seen: Default;

    /// The clip of an input; none where nothing is connected to it.
    ///
    /// # Errors
    /// When the clip is not one of the node's.
    fn clip(cx: &Cx<'_, Of<Self>>, input: Input) -> Result<Option<Clip>>;

    /// The parameters that are the same for all nodes.
    fn common(params: &Self::Params) -> Common<'_>;

    /// The file that an input's frames come from though the host has them, and the times of the file's first frame and of the
    /// input's; none for the host's own frames.
    ///
    /// # Errors
    /// When the host refuses a parameter.
    fn file<'p>(_: &'p Self::Params, _: &Scene<'_>, _: Input) -> Result<Option<(&'p str, (i64, i64))>> {
        Ok(None)
    }

    /// What is known of the clips' frames, as far as it agrees with the scene's time.
    ///
    /// # Errors
    /// When the host refuses a parameter.
    fn agreed(params: &Self::Params, scene: &Scene<'_>) -> Result<[Timeline; 2]> {
        let _ = params;
        Ok(scene.agreed(|frames| frames))
    }

    /// The first and the last frame of the output; none for those of the clips.
    ///
    /// # Errors
    /// When the host refuses a parameter.
    fn domain(params: &Self::Params, scene: &Scene<'_>) -> Result<Option<(i64, i64)>> {
        let _ = (params, scene);
        Ok(None)
    }

    /// What is shown at the scene's time: by what was `seen` in the frames that the plan wants looked at, if they were.
    ///
    /// # Errors
    /// When parameters make no sense.
    fn plan(params: &Self::Params, scene: &Scene<'_>, seen: Option<&Self::Seen>) -> Result<Plan<Self::Made>>;

    /// Looks at the frames that a plan wants looked at.
    ///
    /// # Errors
    /// When one cannot be read.
    fn look(stage: &Stage<'_, '_, Self>) -> Result<Self::Seen> {
        let _ = stage;
        Ok(Self::Seen::default())
    }

    /// What is to be made where the plan has the clip's own frame, and the clip has none; none to leave it.
    fn hole() -> Option<Self::Made> {
        None
    }

    /// Whether what is shown was made, as the matte says: a frame that is held is not the clip's own of its time.
    ///
    /// # Errors
    /// When the frames that it depends on cannot be read.
    fn is_made(stage: &Stage<'_, '_, Self>, shown: &Shown<Self::Made>) -> Result<bool> {
        let _ = stage;
        Ok(needs_others(shown))
    }

    /// Whether the host's frame at the time of a made one is one that is to be replaced, so that it need not be the file's.
    fn replaces(made: &Self::Made) -> bool {
        let _ = made;
        false
    }

    /// Whether the frame of the scene's time is the clip's own and stands beside one that is to be replaced: where a file is read, it
    /// tells whether that is the clip's.
    ///
    /// # Errors
    /// When parameters make no sense.
    fn borders(params: &Self::Params, scene: &Scene<'_>) -> Result<bool> {
        let _ = (params, scene);
        Ok(false)
    }

    /// Makes a frame and shows it.
    ///
    /// # Errors
    /// When it cannot be made.
    fn fill(stage: &Stage<'_, '_, Self>, made: &Self::Made) -> Result<()>;

    /// A parameter changed.
    ///
    /// # Errors
    /// Shown to the user.
    fn changed(cx: &Changed<'_, Of<Self>>) -> Result<()> {
        let _ = cx;
        Ok(())
    }
}

/// A node as the host's effect.
pub struct Of<N>(std::marker::PhantomData<N>);

impl<N: Node> Effect for Of<N> {
    const META: Meta = N::META;
    type Params = N::Params;
    type Clips = N::Clips;

    fn new(_: &Create<'_, Self>) -> Result<Self> {
        Ok(Self(std::marker::PhantomData))
    }

    fn clip_preferences(&self, _: &Cx<'_, Self>, preferences: &mut ClipPreferences) -> Result<()> {
        // A held clip still changes where its neighbours do.
        preferences.frame_varying(true);
        if N::CONTINUOUS {
            preferences.continuous_samples(true);
        }
        Ok(())
    }

    fn region_of_definition(&self, cx: &At<'_, Self>) -> Result<Option<RectD>> {
        if N::clip(cx, Input::First)?.is_some() {
            return Ok(None);
        }
        Ok(cx.project_size().map(|(x2, y2)| RectD { x1: 0.0, y1: 0.0, x2, y2 }))
    }

    fn time_domain(&self, cx: &Cx<'_, Self>) -> Result<Option<RangeD>> {
        let params = cx.params_at(0.0)?;
        let range = N::domain(&params, &told::<N>(cx, &params, 0.0)?)?;
        Ok(range.map(|(first, last)| RangeD { min: as_time(first), max: as_time(last) }))
    }

    fn frames_needed(&self, cx: &At<'_, Self>, frames: &mut FramesNeeded) -> Result<()> {
        let params = cx.params()?;
        // What makes no sense is for render to complain of: hosts show nothing of what is said here.
        let Ok(plan) = scene::<N>(cx, &params, cx.time()).and_then(|scene| N::plan(&params, &scene, None)) else {
            return Ok(());
        };
        for (input, run) in announced::<N>(cx, &params, plan) {
            let (first, last) = times(&run);
            // Of a clip that may not be there, the first clip's are used.
            let instead = (input == Input::Next && cx.host().clips_look_connected()).then_some(Input::First);
            for input in [Some(input), instead].into_iter().flatten() {
                if let Some(clip) = clip_of::<N>(cx, input)? {
                    frames.add(clip, first, last);
                }
            }
        }
        Ok(())
    }

    fn is_identity(&self, cx: &At<'_, Self>, _: RectI, _: Field) -> Result<Option<(Clip, f64)>> {
        let params = cx.params()?;
        let Ok(scene) = scene::<N>(cx, &params, cx.time()) else { return Ok(None) };
        let common = N::common(&params);
        // Where something stands for a frame that is not there, the host must ask for it.
        if common.view != View::Frames || common.missing != MissingFrames::Error {
            return Ok(None);
        }
        let plan = N::plan(&params, &scene, None);
        if matches!(&plan, Ok(Plan { note: Some(_), .. })) {
            // The user is told when it is rendered.
            return Ok(None);
        }
        let (input, time) = match plan.map(|plan| plan.shown) {
            Ok(Shown::Own(Input::Next)) if cx.host().clips_look_connected() => return Ok(None),
            Ok(Shown::Own(input)) if N::file(&params, &scene, input)?.is_none() => (input, cx.time()),
            Ok(Shown::Outside) => (Input::First, cx.time()),
            Ok(Shown::Held(frame)) if cx.host().temporal_access => (Input::First, as_time(frame)),
            _ => return Ok(None),
        };
        Ok(clip_of::<N>(cx, input)?.map(|clip| (clip, time)))
    }

    fn render(&self, cx: &Render<'_, Self>) -> Result<()> {
        let params = cx.params()?;
        let clip = N::clip(cx, Input::First)?;
        let trouble = N::common(&params).trouble;
        engine().at_work(|| trouble::shown(cx, clip, trouble, perform::<N>(cx, &params)))
    }

    fn changed(&self, cx: &Changed<'_, Self>) -> Result<()> {
        engine().at_work(|| N::changed(cx))
    }

    fn purge_caches(&self) {
        engine().purge();
    }

    fn load() -> Result<()> {
        journal::start();
        Ok(())
    }

    fn unload() {
        crate::engine::unload();
    }
}

/// The runs of frames that a render may need: those of its plan, and those from which others come to stand for missing ones.
fn announced<N: Node>(
    cx: &At<'_, Of<N>>,
    params: &N::Params,
    plan: Plan<N::Made>,
) -> Vec<(Input, RangeInclusive<i64>)> {
    let (before, after) = N::common(params).missing.reach();
    let mut runs = plan.from;
    if (before, after) == (0, 0) {
        return runs;
    }
    if runs.is_empty() {
        let now = frame_number(cx.time());
        runs.push((if let Shown::Own(input) = plan.shown { input } else { Input::First }, now..=now));
    }
    runs.into_iter().map(|(input, run)| (input, run.start() - before..=run.end() + after)).collect()
}

/// The clip whose frames an input has: where nothing is connected to the second, the first is both.
fn clip_of<N: Node>(cx: &Cx<'_, Of<N>>, input: Input) -> Result<Option<Clip>> {
    Ok(N::clip(cx, input)?.or(N::clip(cx, Input::First)?))
}

/// What the host says of a node's clips and curves where no time is asked for that it could be held against.
fn told<'a, N: Node>(cx: &'a Cx<'_, Of<N>>, params: &N::Params, time: f64) -> Result<Scene<'a>> {
    let timeline = |input| match clip_of::<N>(cx, input)? {
        Some(clip) => Timeline::told(cx, clip),
        None => Ok(Timeline::of_project(cx)),
    };
    let told = [timeline(Input::First)?, timeline(Input::Next)?];
    let named = N::common(params).source.is_some_and(SourceParams::is_named);
    Ok(Scene {
        time,
        told,
        timelines: told,
        connected: [N::clip(cx, Input::First)?.is_some(), N::clip(cx, Input::Next)?.is_some()],
        alone: !cx.host().temporal_access && !named,
        has_handles: cx.host().temporal_access && cx.source_file().is_some(),
        curves: cx,
    })
}

/// What is known at a time of a node's clips and curves.
fn scene<'a, N: Node>(cx: &'a Cx<'_, Of<N>>, params: &N::Params, time: f64) -> Result<Scene<'a>> {
    let mut scene = told::<N>(cx, params, time)?;
    scene.timelines = N::agreed(params, &scene)?;
    Ok(scene)
}

/// Renders a frame.
fn perform<N: Node>(cx: &Render<'_, Of<N>>, params: &N::Params) -> Result<()> {
    let scene = scene::<N>(cx, params, cx.time())?;
    let mut plan = N::plan(params, &scene, None)?;
    if needs_others(&plan.shown) && scene.alone && N::ALONE != Alone::Suffices {
        // Where nobody reads a message, a frame that should be another says so itself.
        let silent = N::common(params).trouble.shows(cx.host()) && !matches!(plan.shown, Shown::Unseen);
        if N::ALONE == Alone::Fails || silent {
            return Err(Error::Failed(NO_NEIGHBOURS.into()));
        }
        plan = Plan::own_because(Some(NO_NEIGHBOURS));
    }
    let mut stage = Stage::new(cx, params, scene, &plan);
    if cx.host().clips_look_connected() && stage.lacks_next(&plan)? {
        stage.scene.connected[1] = false;
        stage.scene.told[1] = stage.scene.told[0];
        stage.scene.timelines = N::agreed(params, &stage.scene)?;
        plan = N::plan(params, &stage.scene, None)?;
        stage = Stage::new(cx, params, stage.scene, &plan);
    }
    if needs_others(&plan.shown) && stage.has_file() {
        // The file tells more of the clip than a host that gives the current frame alone.
        stage.scene.timelines = [*stage.footage(Input::First)?.timeline(); 2];
        plan = N::plan(params, &stage.scene, None)?;
    }
    if matches!(plan.shown, Shown::Unseen) {
        plan = N::plan(params, &stage.scene, Some(&N::look(&stage)?))?;
    }
    if let (Shown::Own(Input::First), Some(made)) = (&plan.shown, N::hole())
        && stage.is_hole()?
    {
        plan.shown = Shown::Made(made);
    }
    if let Some(note) = &plan.note {
        stage.warn(note);
    }
    stage.show(&plan.shown)?;
    let made = matches!(plan.shown, Shown::Made(_)) || stage.is_by_a_network();
    if made && stage.view() == View::Frames {
        stage.tell_origin()?;
    }
    if needs_others(&plan.shown) {
        stage.takes_back();
    }
    Ok(())
}

/// Whether other frames than the current one may be needed.
fn needs_others<M>(shown: &Shown<M>) -> bool {
    !matches!(shown, Shown::Own(_) | Shown::Outside)
}

/// A model's error as the host is told of it.
pub fn failed(error: pickup_model::Error) -> Error {
    EngineError::from(error).into()
}

impl From<EngineError> for Error {
    fn from(error: EngineError) -> Self {
        match error {
            EngineError::Stopped => Self::Aborted,
            other => Self::new(other),
        }
    }
}

//! Animate: a still that moves.

use ofx::{
    Context, Field, RangeD, RectI,
    plugin::{
        At, Button, Changed, Clip, ClipPreferences, Create, Cx, Effect, Error, FramesNeeded, MessageKind, Meta, Render,
        Result,
    },
};
use pickup_model::{Brief, Frame, diffusion::Asked};

use super::{
    GROUPING, SourceToOutput,
    camera::{Camera, CameraParams},
    even,
    film::{Film, Given, with_known},
    footage::{Footage, Shape, SourceParams},
    over::show_over,
    pass,
    presets::AnimatePreset,
    showing::{full_size, show, show_own},
    start::{set_here, stated},
    trouble::{self, TroubleParams},
    wish::{FilmParams, Output, PromptParams},
};
use crate::{
    engine::engine,
    timeline::{Timeline, as_time, frame_number},
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
    /// A way to start from: choosing one sets the prompt and “Made by”, or the camera. MLT hosts do not tell of the choice, and
    /// there it does nothing.
    #[param(id = "preset", label = "Preset", default = AnimatePreset::Own, recipe = false)]
    pub preset: AnimatePreset,
    /// What should happen.
    #[flatten]
    pub wish: PromptParams,
    /// Which frame of the source comes to life: on a photo any will do. A “Still” other than 0 counts in any case.
    #[param(id = "stillIs", label = "Still", default = Stands::Clip)]
    pub stands: Stands,
    /// The frame of the source that comes to life, in the host's own numbers. Before the clip it is the clip's first, after
    /// it its last.
    #[param(id = "still", label = "Still frame", default = 0, range = -100_000_000..=100_000_000, display = 0..=100_000)]
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
    pub film: FilmParams,
    /// Where the still comes from in hosts that give the current frame alone. On a photo it is not needed: there any frame is the
    /// still.
    #[group(label = "Source file", open = false)]
    pub source: SourceParams,
    /// What happens where a frame cannot be made.
    #[flatten]
    pub trouble: TroubleParams,
}

/// Makes a still move.
pub struct Animate;

impl Effect for Animate {
    const META: Meta = Meta::new("org.pickup.Animate", "Animate")
        .grouping(GROUPING)
        .description(
            "Makes a still move: a frame of the source is the shot's first (or last), and the prompt says what happens: over \
             the still, as snow falls or the camera pushes in, or to the whole picture, by a video model. \
             The model runs on this machine; nothing leaves it. In Kdenlive, Shotcut and other MLT hosts, set \
             “Source file” to the picture's own file.",
        )
        .contexts(&[Context::Filter, Context::General])
        .temporal();
    type Params = AnimateParams;
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
        let timeline = Timeline::told(cx, cx.clips().source)?.cut().map(Timeline::of_frames).unwrap_or_default();
        let Some(still) = params.still_in(&timeline) else { return Ok(None) };
        let (first, last) = params.output(still);
        let (first, last) = timeline.cut().map_or((first, last), |(a, b)| (first.min(a), last.max(b)));
        Ok(Some(RangeD { min: as_time(first), max: as_time(last) }))
    }

    fn frames_needed(&self, cx: &At<'_, Self>, frames: &mut FramesNeeded) -> Result<()> {
        let source = cx.clips().source;
        let params = cx.params()?;
        let still = as_time(params.still_at(&params.timeline(cx, source, cx.time())?, cx.time()));
        frames.add(source, still, still);
        frames.add(source, cx.time(), cx.time());
        Ok(())
    }

    fn is_identity(&self, cx: &At<'_, Self>, _: RectI, _: Field) -> Result<Option<(Clip, f64)>> {
        let params = cx.params()?;
        let still = params.still_at(&params.timeline(cx, cx.clips().source, cx.time())?, cx.time());
        let shown = params.film.output == Output::Result && params.made(cx.time(), still).is_none();
        Ok(shown.then(|| (cx.clips().source, cx.time())))
    }

    fn render(&self, cx: &Render<'_, Self>) -> Result<()> {
        let params = cx.params()?;
        trouble::shown(cx, cx.clips().source, &params.trouble, render(cx, &params))
    }

    fn changed(&self, cx: &Changed<'_, Self>) -> Result<()> {
        let params = cx.params()?;
        if cx.is(AnimateParams::STILL_HERE) {
            let choice = (AnimateParams::STANDS, Stands::Stated);
            return set_here(cx, "The still is here", choice, AnimateParams::STILL);
        }
        if !cx.is(AnimateParams::PRESET) {
            return params.wish.changed(cx);
        }
        if params.preset == AnimatePreset::PushIn {
            return cx.set(CameraParams::CAMERA, Camera::PushIn);
        }
        let Some(prompt) = params.preset.prompt() else { return Ok(()) };
        let _step = cx.edit("Preset");
        cx.set(AnimateParams::BY, By::Over)?;
        cx.set(PromptParams::PROMPT, prompt.to_owned())
    }

    fn purge_caches(&self) {
        engine().purge();
    }
}

/// Renders a frame.
fn render(cx: &Render<'_, Animate>, params: &AnimateParams) -> Result<()> {
    let source = cx.clips().source;
    let shape = Shape::here(cx, source, &params.film.colour)?;
    let timeline = params.timeline(cx, source, cx.time())?;
    let footage = Footage::new(cx, cx, source, &params.source, shape, (cx.time(), timeline))?;
    let still = params.still_at(footage.timeline(), cx.time());
    let Some(place) = params.made(cx.time(), still) else {
        return match params.film.output {
            Output::Matte => even(cx, 0.0),
            Output::Result => pass(cx, source, cx.time()),
        };
    };
    if params.film.output == Output::Matte {
        return even(cx, 1.0);
    }
    // Where the host gives the current frame alone, it is the still: on a photo any will do.
    let still = if footage.has_neighbours() { still } else { frame_number(cx.time()) };
    match way(cx, params)? {
        Way::Model => by_model(cx, params, &footage, (still, place)),
        Way::Over(asked) => {
            let Some(frame) = footage.frame(still)? else { return Err(no_still(still)) };
            over_still(cx, params, &frame, asked.as_ref(), place)
        }
    }
}

/// How the shot is to be made.
enum Way {
    Model,
    /// Over the still, with what is to be laid over it, if anything is.
    Over(Option<Brief>),
}

fn way(cx: &Render<'_, Animate>, params: &AnimateParams) -> Result<Way> {
    let brief = params.wish.over_black();
    let asks = !brief.prompt.is_empty();
    if params.by == By::Model || (params.by == By::Automatic && !params.film.model.is_embedded()) {
        return Ok(Way::Model);
    }
    cx.clear_persistent_message();
    if params.by == By::Over {
        return Ok(Way::Over(asks.then_some(brief)));
    }
    let model = params.film.open()?;
    match model.asked(&brief.prompt) {
        Asked::Whole => return Ok(Way::Model),
        Asked::Light | Asked::Matter => return Ok(Way::Over(Some(brief))),
        Asked::Nothing if asks => cx.set_persistent_message(MessageKind::Warning, NOTHING_KNOWN),
        Asked::Nothing if params.camera.or_said(&params.wish.prompt).camera == Camera::Still => {
            cx.set_persistent_message(MessageKind::Warning, NOTHING_ASKED);
        }
        Asked::Nothing => {}
    }
    Ok(Way::Over(None))
}

/// Why a prompt is not followed.
const NOTHING_KNOWN: &str = "The model in the bundle knows nothing that the prompt asks for, so the still is kept, and only the \
                             camera moves. Name what it knows, set “Made by” to “Video model”, or name a larger model in \
                             “Model folder”";

/// Why nothing moves.
const NOTHING_ASKED: &str = "Nothing moves yet: say in “Prompt” what should happen, as “snow falling” or “push in”, or choose \
                             how the “Camera” moves";

fn no_still(still: i64) -> Error {
    Error::Failed(format!("The source has no frame {still} to animate: choose another “Still”"))
}

/// The video model makes the whole picture.
fn by_model(
    cx: &Render<'_, Animate>,
    params: &AnimateParams,
    footage: &Footage<'_>,
    (still, place): (i64, usize),
) -> Result<()> {
    let model = params.film.open()?;
    let last = params.count() as i64 - 1;
    let at = if params.end == End::First { 0 } else { last };
    let shot = with_known(model.shot(full_size(cx)?), footage, still..=still, at)?;
    let Some((_, known)) = shot.frames().first().cloned() else { return Err(no_still(still)) };
    let shot = (0..=last).filter(|i| *i != at).fold(shot, |shot, i| shot.missing(as_time(i)));
    let grain = if params.match_grain { footage.noise(still)? } else { None };
    let given = Given::of(footage, (still, 0), at)?.into_iter().collect();
    let brief = params.wish.brief();
    let finish = params.film.finish(&brief, grain);
    let film = Film { model: &model, shot: &shot, brief: &brief, first: 0, joined: 0, given };
    show(cx, &film, (place, params.count()), finish, || Ok(known))
}

/// The still is kept, moved by the camera, with what was asked for laid over it.
fn over_still(
    cx: &Render<'_, Animate>,
    params: &AnimateParams,
    still: &Frame,
    asked: Option<&Brief>,
    place: usize,
) -> Result<()> {
    let count = params.count();
    let said = params.wish.brief();
    let camera = params.camera.or_said(&said.prompt);
    let finish = params.film.finish(&said, None);
    let seen = |place: usize| {
        let way = params.away(place) as f64 / (count - 1) as f64;
        camera.view(still, way, params.end == End::Last)
    };
    let Some(brief) = asked else { return show_own(cx, (place, count), finish, seen) };
    let model = params.film.open()?;
    let shot = (0..count as i64).fold(model.shot(full_size(cx)?), |shot, i| shot.missing(as_time(i)));
    let film = Film { model: &model, shot: &shot, brief, first: 0, joined: 0, given: Vec::new() };
    show_over(cx, &film, (place, count), finish, |place| Ok((seen(place)?, params.strength_at(place))))
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

    /// The still's frame for what stands at a time: where nobody says, the shot is repeated, so that it is seen wherever the
    /// host's times lie.
    fn still_at(&self, timeline: &Timeline, time: f64) -> i64 {
        self.still_in(timeline).unwrap_or_else(|| {
            let (number, count) = (frame_number(time), self.count() as i64);
            let first = number - number.rem_euclid(count);
            if self.end == End::First { first } else { first + count - 1 }
        })
    }

    fn timeline(&self, cx: &Cx<'_, Animate>, source: Clip, time: f64) -> Result<Timeline> {
        Timeline::at(cx, source, time, |frames| {
            // A still has one frame, and its shot goes on from there.
            self.output(self.still_in(&Timeline::of_frames(frames)).unwrap_or(frames.0))
        })
    }

    /// The first and the last frame of a shot with this still.
    fn output(&self, still: i64) -> (i64, i64) {
        (self.first(still), self.first(still) + self.count() as i64 - 1)
    }

    fn count(&self) -> usize {
        usize::try_from(self.length).unwrap_or_default().max(2)
    }

    /// The time at which the shot starts.
    fn first(&self, still: i64) -> i64 {
        match self.end {
            End::First => still,
            End::Last => still - (self.count() as i64 - 1),
        }
    }

    /// The place in the shot of a frame that is made; none where the source's own is shown, the still among it.
    fn made(&self, time: f64, still: i64) -> Option<usize> {
        let number = frame_number(time);
        let place = usize::try_from(number - self.first(still)).ok()?;
        (place < self.count() && number != still).then_some(place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shot_starts_or_ends_with_its_still() {
        let params = AnimateParams { length: 3, ..AnimateParams::default() };
        let places = |params: &AnimateParams| (7..=13).map(|t| params.made(f64::from(t), 10)).collect::<Vec<_>>();
        assert_eq!(places(&params), [None, None, None, None, Some(1), Some(2), None]);
        let params = AnimateParams { end: End::Last, ..params };
        assert_eq!(places(&params), [None, Some(0), Some(1), None, None, None, None]);
        let clip = Timeline::of_frames((5, 9));
        assert_eq!((params.still_in(&clip), params.still_in(&Timeline::default())), (Some(5), None));
        let stated = AnimateParams { still: 40, ..params.clone() };
        assert_eq!((stated.still_in(&clip), stated.still_in(&Timeline::default())), (Some(9), Some(40)));
        let nowhere = Timeline::default();
        assert_eq!([6816.0, 6817.0, 6819.0].map(|t| params.still_at(&nowhere, t)), [6818, 6818, 6821], "each its last");
    }
}

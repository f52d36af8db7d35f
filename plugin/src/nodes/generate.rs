//! Generate: a shot from a prompt.

use ofx::{
    Context, Field, RangeD, RectD, RectI,
    plugin::{At, Button, Changed, Clip, ClipPreferences, Create, Cx, Effect, Error, Meta, Render, Result},
};
use pickup_model::{Brief, Shot, diffusion::shown};

use super::{
    GROUPING, even,
    film::Film,
    over::show_over,
    pass,
    presets::Preset,
    showing::{full_size, picture, show},
    start::{StartParams, place_in},
    trouble::{self, TroubleParams},
    wish::{FilmParams, Output, PromptParams},
};
use crate::{
    colour::{ColourParams, frame_of},
    engine::{Model, engine, failed},
    timeline::{Timeline, as_time, frame_number},
};

/// Generate's parameters.
#[derive(ofx::Params, Clone, Debug, PartialEq)]
pub struct GenerateParams {
    /// A prompt to start from: choosing one writes it into the prompt. MLT hosts do not tell of the choice, and there it does
    /// nothing.
    #[param(id = "preset", label = "Preset", default = Preset::Own, recipe = false)]
    pub preset: Preset,
    /// What to make.
    #[flatten]
    pub wish: PromptParams,
    /// Make the shot now, with a progress bar. A final render makes it by itself; playback shows what there is.
    #[param(id = "make", label = "Make the shot")]
    pub make: Button,
    /// How often the button made a shot. Hosts draw a frame anew when a parameter changes, and at nothing else.
    #[param(id = "shotsMade", label = "Shots made", default = 0, range = 0..=2_147_483_647, display = 0..=100, secret, recipe = false)]
    pub shots_made: i32,
    /// Frames to make. Longer shots than the model's own are made piece by piece.
    #[param(id = "length", label = "Length", default = 33, range = 1..=2000, display = 1..=241)]
    pub length: i32,
    /// Where the shot starts. Where neither you nor the host says, it is repeated, so that it is to be seen anywhere.
    #[flatten]
    pub start: StartParams,
    /// A picture file that is the shot's first frame; its middle is used where its shape differs.
    #[param(id = "firstFrame", label = "First frame", text = "file")]
    pub first_frame: String,
    /// A picture file that is the shot's last frame.
    #[param(id = "lastFrame", label = "Last frame", text = "file")]
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
    pub film: FilmParams,
    /// What happens where a frame cannot be made.
    #[flatten]
    pub trouble: TroubleParams,
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

impl Effect for Generate {
    const META: Meta = Meta::new("org.pickup.Generate", "Generate")
        .grouping(GROUPING)
        .description(
            "Makes a shot from a prompt, and from a first and a last frame if you have them. The video model runs on this \
             machine; nothing leaves it. A shot is made once and kept; until then playback shows a preview, marked as \
             such.",
        )
        .contexts(&[Context::Generator, Context::Filter, Context::General]);
    type Params = GenerateParams;
    type Clips = GenerateClips;

    fn new(_: &Create<'_, Self>) -> Result<Self> {
        Ok(Self)
    }

    fn clip_preferences(&self, _: &Cx<'_, Self>, preferences: &mut ClipPreferences) -> Result<()> {
        preferences.frame_varying(true);
        Ok(())
    }

    fn region_of_definition(&self, cx: &At<'_, Self>) -> Result<Option<RectD>> {
        if has_source(cx)? {
            return Ok(None);
        }
        Ok(cx.project_size().map(|(x2, y2)| RectD { x1: 0.0, y1: 0.0, x2, y2 }))
    }

    fn time_domain(&self, cx: &Cx<'_, Self>) -> Result<Option<RangeD>> {
        let params = cx.params_at(0.0)?;
        let timeline = if has_source(cx)? { Timeline::told(cx, cx.clips().source)? } else { Timeline::of_project(cx) };
        let Some(start) = params.start.at(&timeline) else { return Ok(None) };
        let (min, max) = params.output(start);
        Ok(Some(RangeD { min: as_time(min), max: as_time(max) }))
    }

    fn is_identity(&self, cx: &At<'_, Self>, _: RectI, _: Field) -> Result<Option<(Clip, f64)>> {
        let params = cx.params()?;
        let shown = params.film.output == Output::Result && place(cx, &params, cx.time())?.is_none() && has_source(cx)?;
        Ok(shown.then(|| (cx.clips().source, cx.time())))
    }

    fn render(&self, cx: &Render<'_, Self>) -> Result<()> {
        let params = cx.params()?;
        trouble::shown(cx, cx.clips().source, &params.trouble, render(cx, &params))
    }

    fn changed(&self, cx: &Changed<'_, Self>) -> Result<()> {
        let params = cx.params()?;
        params.wish.changed(cx)?;
        StartParams::changed(cx)?;
        if cx.is(GenerateParams::PRESET)
            && let Some(prompt) = params.preset.prompt()
        {
            cx.set(PromptParams::PROMPT, prompt.to_owned())?;
        }
        if cx.is(GenerateParams::MAKE) {
            let Some((width, height)) = cx.project_size() else {
                return Err(Error::Failed(
                    "This host does not say how large the picture is: render to make the shot".into(),
                ));
            };
            let size = ((width.round() as usize).max(1), (height.round() as usize).max(1));
            let model = params.film.open()?;
            let (shot, brief) = (params.shot(&model, size)?, params.brief()?);
            params.film_of(&model, &shot, &brief).make_now(cx)?;
            cx.set(GenerateParams::SHOTS_MADE, params.shots_made.checked_add(1).unwrap_or_default())?;
        }
        Ok(())
    }

    fn purge_caches(&self) {
        engine().purge();
    }
}

/// Renders a frame.
fn render(cx: &Render<'_, Generate>, params: &GenerateParams) -> Result<()> {
    let Some(place) = place(cx, params, cx.time())? else { return outside(cx, params) };
    if params.film.output == Output::Matte {
        return even(cx, 1.0);
    }
    let size = full_size(cx)?;
    let model = params.film.open()?;
    let (shot, brief) = (params.shot(&model, size)?, params.brief()?);
    let film = params.film_of(&model, &shot, &brief);
    let stand_in = || match source_picture(cx, &model, size, &params.film.colour)? {
        Some(picture) => Ok(picture),
        None => card(&model, size),
    };
    let finish = params.film.finish(&brief, None);
    let places = (place, params.count());
    if params.over && has_source(cx)? {
        let strength = params.strength as f32 / 100.0;
        return show_over(cx, &film, places, finish, |_| Ok((source_frame(cx, &params.film.colour)?, strength)));
    }
    show(cx, &film, places, finish, stand_in)
}

impl GenerateParams {
    fn film_of<'a>(&self, model: &'a Model, shot: &'a Shot, brief: &'a Brief) -> Film<'a> {
        Film { model, shot, brief, first: 0, joined: self.joined(), given: Vec::new() }
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
        let brief = if self.over { self.wish.on_black() } else { self.wish.brief() };
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

/// The place in the shot that stands at a time.
fn place(cx: &Cx<'_, Generate>, params: &GenerateParams, time: f64) -> Result<Option<usize>> {
    let makes = |frames: (i64, i64)| params.output(params.start.stated().unwrap_or(frames.0));
    let timeline = if has_source(cx)? {
        Timeline::at(cx, cx.clips().source, time, makes)?
    } else {
        Timeline::of_project(cx).where_it_agrees(time, makes)
    };
    Ok(params.place(frame_number(time), &timeline))
}

fn has_source(cx: &Cx<'_, Generate>) -> Result<bool> {
    Ok(cx.context() != Context::Generator && cx.clip(cx.clips().source)?.is_connected())
}

/// What is shown before the shot starts and after it ends.
fn outside(cx: &Render<'_, Generate>, params: &GenerateParams) -> Result<()> {
    match params.film.output {
        Output::Matte => even(cx, 0.0),
        Output::Result if has_source(cx)? => pass(cx, cx.clips().source, cx.time()),
        Output::Result => {
            cx.output()?.fill_zero();
            Ok(())
        }
    }
}

/// What stands for a shot that is not made yet.
fn card(model: &Model, (width, height): (usize, usize)) -> Result<pickup_model::Frame> {
    let (width, height) = model.size(width, height);
    let grey = vec![0.1; width * height * 3];
    pickup_model::Frame::new(width, height, 3, pickup_model::Encoding::Display, grey).map_err(failed)
}

/// The source at this time, as the model would be shown it; none where there is no source.
fn source_picture(
    cx: &Render<'_, Generate>,
    model: &Model,
    (width, height): (usize, usize),
    colour: &ColourParams,
) -> Result<Option<pickup_model::Frame>> {
    if !has_source(cx)? {
        return Ok(None);
    }
    let Some(image) = cx.image(cx.clips().source, cx.time())? else { return Ok(None) };
    let frame = frame_of(&image, image.bounds, colour.encoding(cx.host(), &image))?;
    shown(&frame, model.size(width, height)).map(Some).map_err(failed)
}

/// The source's own pixels at this time; where it has none, nothing that can be seen.
fn source_frame(cx: &Render<'_, Generate>, colour: &ColourParams) -> Result<pickup_model::Frame> {
    let output = cx.output()?;
    let window = output.bounds;
    match cx.image(cx.clips().source, cx.time())? {
        Some(image) => frame_of(&image, window, colour.encoding(cx.host(), &image)),
        None => {
            let (width, height) = (window.width(), window.height());
            let clear = vec![0.0; width * height * 4];
            pickup_model::Frame::new(width, height, 4, colour.encoding(cx.host(), &output), clear).map_err(failed)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shot_stands_where_it_starts() {
        let params = |start| GenerateParams { start, length: 3, ..GenerateParams::default() };
        let stated = params(StartParams { start: 10, ..StartParams::default() });
        let places =
            |params: &GenerateParams, timeline| (9..=13).map(|n| params.place(n, timeline)).collect::<Vec<_>>();
        let (nowhere, clip) = (Timeline::default(), Timeline::of_frames((0, 99)));
        assert_eq!(places(&stated, &nowhere), [None, Some(0), Some(1), Some(2), None]);
        let with_clip = params(StartParams::default());
        assert_eq!(places(&with_clip, &clip), [None; 5], "the clip starts at 0");
        assert_eq!(places(&with_clip, &nowhere), [Some(0), Some(1), Some(2), Some(0), Some(1)], "seen anywhere");
    }

    #[test]
    fn a_loop_repeats_and_makes_the_frames_that_it_ends_with() {
        let start = StartParams { start: 10, ..StartParams::default() };
        let params = GenerateParams { start, length: 9, loops: true, ..GenerateParams::default() };
        let place = |n| params.place(n, &Timeline::default());
        assert_eq!([9, 10, 19, 28].map(place), [Some(8), Some(0), Some(0), Some(0)]);
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

//! How made frames come to the output: in their cadence, scaled, with their look, marked where they are no final ones.

use ofx::plugin::Result;
use pickup_model::{Brief, Encoding, Exposure, Frame, Recipe, Rescaled, diffusion::shown};

use super::{
    Node, Stage, failed,
    job::{Given, Job},
    over::{Over, laid},
    picture::{marked, scaled},
    watch::HostWatch,
};
use crate::{
    colour::{self, ColourParams},
    engine::{Model, engine},
    nodes::params::look::{Line, LookParams, add_noise, noise_lacking},
    plan::{Edge, Gap, Input},
    timeline::{Timeline, as_time},
};

/// What is done to a made frame before it is shown.
#[derive(Clone, Copy)]
pub struct Finish<'a> {
    /// Its look.
    pub look: LookParams,
    /// The host's colour.
    pub colour: &'a ColourParams,
    /// The noise of the clip that it stands beside, if that is to be matched; see [`noise_of`](crate::nodes::params::look::noise_of).
    pub noise: Option<f32>,
}

/// A place in a shot of so many frames.
type Place = (usize, usize);

impl<'r, 'c, N: Node> Stage<'r, 'c, N> {
    /// Follows the making of a take, with the host's progress bar and stop button.
    #[must_use]
    pub fn watch_job(&self) -> HostWatch<'r, 'c, super::Of<N>> {
        HostWatch::new(self.cx, format!("{}: making the shot", N::META.label()))
    }

    /// Shows the frame of a gap as a video model makes it from what is known about it, finished by `finish` beside known frames of
    /// some noise: none where grain is not to be matched.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn show_filled<'f>(
        &self,
        (model, gap, brief): (&Model, &Gap, &Brief),
        match_grain: bool,
        finish: impl FnOnce(Option<f32>) -> Finish<'f>,
    ) -> Result<()> {
        let mut shot = model.shot(self.full_size()?);
        let mut given = Vec::new();
        for edge in gap.known.iter().map(|known| known.edge(gap.first)) {
            let footage = self.footage(edge.input)?;
            given.extend(Given::of(footage, edge)?);
            // From the edge inwards, so that no frame is fetched twice.
            for inwards in 0..edge.known {
                let frame = edge.frame + inwards * edge.inwards;
                if let Some(frame) = footage.shrunk(frame, shot.size().unwrap_or_default())? {
                    shot = shot.known(as_time(edge.at + inwards * edge.inwards), frame).map_err(failed)?;
                }
            }
        }
        let nearest = gap.nearest().ok_or_else(|| nothing(gap.first))?;
        let noise = if match_grain { self.footage(nearest.input)?.noise(nearest.frame)? } else { None };
        let stand_in = known_at(&shot, nearest)?;
        for time in (0..gap.count).map(|place| as_time(gap.time(place))) {
            if !shot.frames().iter().any(|(known, _)| *known == time) {
                shot = shot.missing(time);
            }
        }
        let watch = self.watch_job();
        let job = Job {
            model,
            shot: &shot,
            brief,
            first: gap.first,
            joined: 0,
            given,
            device: N::common(self.params).motion.device,
            watch: &watch,
        };
        self.show_take(&job, (gap.place, gap.count), finish(noise), || Ok(stand_in))?;
        if let Some(trouble) = engine().motion_on(job.device).trouble() {
            self.warn(&trouble);
        }
        Ok(())
    }

    /// Shows the frame at a place of a take. A final render makes the take first; one that may not wait shows what there is, else
    /// `stand_in`'s picture, either marked as no final one.
    ///
    /// # Errors
    /// When the take cannot be made.
    pub fn show_take(
        &self,
        job: &Job<'_>,
        place: Place,
        finish: Finish<'_>,
        stand_in: impl FnOnce() -> Result<Frame>,
    ) -> Result<()> {
        let made = |recipe| {
            let frame = in_cadence(&finish.look, place, |at| job.frame(recipe, at, place.1))?;
            self.write(&frame, finish)
        };
        self.show_final_or((job, false), finish, made, |preview| preview.map_or_else(stand_in, Ok))
    }

    /// Shows, at a place of a shot, a picture of the host with what a take on black shows laid over it; `beneath` gives the picture,
    /// and how strong that is, from 0 to 1. What may not wait shows what there is, marked as no final picture.
    ///
    /// # Errors
    /// When the take cannot be made.
    pub fn show_over(
        &self,
        job: &Job<'_>,
        (place, count): Place,
        finish: Finish<'_>,
        beneath: impl Fn(usize) -> Result<(Frame, f32)>,
    ) -> Result<()> {
        let over = |strength| Over { light: job.is_light(), strength, look: finish.look };
        let made = |recipe| {
            self.show_own((place, count), finish, |place| {
                // First the take, which may not be there.
                let made = job.frame(recipe, place, count)?;
                let (picture, strength) = beneath(place)?;
                laid(&picture, &made, over(strength))
            })
        };
        self.show_final_or((job, true), finish, made, |preview| {
            let (mut picture, strength) = beneath(place)?;
            if let Some(preview) = preview {
                picture = laid(&picture, &preview, over(strength))?;
            }
            shown(&picture, (picture.width(), picture.height())).map_err(failed)
        })
    }

    /// Shows the frame at a place of frames that are made of the host's own pixels, which they stay where no look changes them.
    ///
    /// # Errors
    /// When a frame cannot be made.
    pub fn show_own(&self, place: Place, finish: Finish<'_>, frame_at: impl Fn(usize) -> Result<Frame>) -> Result<()> {
        let frame = in_cadence(&finish.look, place, frame_at)?;
        self.put(&finish.look.applied(&frame, self.scene.number()).map_err(failed)?)
    }

    /// Shows a take by `made`. A final render makes it first; one that may not wait shows it if it is there, else what `rough` makes
    /// of the latest picture of the work, if there is any, marked as no final one. The take may lie over pictures of the host.
    fn show_final_or(
        &self,
        (job, over): (&Job<'_>, bool),
        finish: Finish<'_>,
        made: impl Fn(Recipe) -> Result<()>,
        rough: impl FnOnce(Option<Frame>) -> Result<Frame>,
    ) -> Result<()> {
        let flags = self.cx.flags();
        if !(flags.interactive || flags.draft || flags.thumbnail) {
            let recipe = job.make()?;
            self.comes_from(job.origin(recipe, over));
            if let Some(text) = engine().words_left_out(recipe) {
                self.warn(&text);
            }
            return made(recipe);
        }
        let recipe = job.recipe();
        self.comes_from(job.origin(recipe, over));
        if engine().has_take(recipe) {
            return made(recipe);
        }
        let preview = engine().preview(recipe);
        // Pictures of the host are as bright as they are.
        let peak = if over || preview.is_none() { 1.0 } else { finish.look.peak };
        let (rough, look) = (rough(preview)?, LookParams { peak, ..LookParams::default() });
        self.write(&marked(&rough)?, Finish { look, noise: None, ..finish })
    }

    /// Writes a made frame, display-referred RGB of any size, into the output.
    fn write(&self, frame: &Frame, finish: Finish<'_>) -> Result<()> {
        let mut output = self.cx.output()?;
        let encoding = finish.colour.encoding(self.cx.host(), &output);
        let size = (output.bounds.width(), output.bounds.height());
        let (frame, noise) = match finish.noise {
            // It is measured in the picture as it is shown.
            Some(wanted) => {
                let frame = scaled(frame, size.0, size.1)?;
                let lacking = noise_lacking(&frame, wanted);
                (frame, lacking)
            }
            None => (frame.clone(), None),
        };
        let picture = Rescaled::whole(&frame, size).map_err(failed)?.within(0.0..=1.0).opaque();
        let (look, number) = (finish.look, self.scene.number());
        let raise = |light| look.raised(light);
        colour::write_rows(&mut output, || {
            let mut rows = picture.rows();
            move |y, row| {
                rows.make(y, row.as_flattened_mut());
                let line = Line { number, y, lines: size.1, channels: 4, encoding: Encoding::Display };
                if let Some(deviation) = noise {
                    add_noise(row.as_flattened_mut(), &line, deviation);
                }
                look.apply(row.as_flattened_mut(), &line);
                encoding.of_many_shown(row, if look.lights() { Some(&raise) } else { None });
            }
        });
        Ok(())
    }

    /// The full size of the picture that a render shows a part or a smaller copy of: takes do not depend on the preview's.
    ///
    /// # Errors
    /// When there is no output.
    pub fn full_size(&self) -> Result<(usize, usize)> {
        // A thumbnail is small at a scale of 1.
        if self.cx.flags().thumbnail
            && let Some((width, height)) = self.cx.project_size()
        {
            return Ok(((width.round() as usize).max(1), (height.round() as usize).max(1)));
        }
        let bounds = self.cx.output()?.bounds;
        let (x, y) = self.cx.render_scale();
        let full = |pixels: usize, scale: f64| ((pixels as f64 / scale).round() as usize).max(1);
        Ok((full(bounds.width(), x), full(bounds.height(), y)))
    }
}

/// The frame at a place of a shot in a look's cadence; of several, the mean of their light.
fn in_cadence(look: &LookParams, (place, count): Place, frame_at: impl Fn(usize) -> Result<Frame>) -> Result<Frame> {
    let mut places = look.cadence.places(place, count);
    let first = frame_at(places.next().unwrap_or(place))?;
    if places.is_empty() {
        return Ok(first);
    }
    let mut exposure = Exposure::new(&first);
    for place in places {
        exposure.add(&frame_at(place)?).map_err(failed)?;
    }
    exposure.finish().map_err(failed)
}

/// The frame of a shot that stands at a gap's edge.
fn known_at(shot: &pickup_model::Shot, edge: Edge) -> Result<Frame> {
    let found = shot.frames().iter().find(|(time, _)| *time == as_time(edge.at));
    found.map(|(_, frame)| frame.clone()).ok_or_else(|| nothing(edge.frame))
}

/// There is no frame at the edge of a gap.
pub(super) fn nothing(frame: i64) -> ofx::plugin::Error {
    ofx::plugin::Error::Failed(format!(
        "The clip has no frame {frame} to go on from: move the effect to where the clip is, or choose another frame"
    ))
}

/// As [`nothing`], of a clip of which more is known.
pub(super) fn nothing_of(input: Input, frame: i64, timeline: &Timeline) -> ofx::plugin::Error {
    let (Some((first, last)), Input::Next) = (timeline.frames(), input) else { return nothing(frame) };
    ofx::plugin::Error::Failed(format!(
        "The second clip has the frames {first} to {last} and no frame {frame}, which is needed here: move it on the timeline, or \
         change where this starts and how long it is"
    ))
}

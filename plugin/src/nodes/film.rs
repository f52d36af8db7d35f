//! A shot that the video model makes, and its frames beside those that were given.

use ofx::plugin::{Cx, Effect, Error, MessageKind, Render, Result};
use pickup_model::{
    Brief, Encoding, Frame, Recipe, Shot, Unwatched, Watch,
    diffusion::{Lead, shown},
};

use super::{
    footage::{Footage, if_any},
    look::LookParams,
    showing::{in_cadence, scaled},
    watch::{ButtonWatch, HostWatch},
};
use crate::{
    engine::{Model, engine, failed},
    timeline::as_time,
};

/// A shot to be made, with all that says how.
pub struct Film<'a> {
    /// The model.
    pub model: &'a Model,
    /// The shot, in the model's own size.
    pub shot: &'a Shot,
    /// The brief.
    pub brief: &'a Brief,
    /// The shot's time at place 0 of what is shown.
    pub first: i64,
    /// Frames over which the end runs into the start, of a shot that loops: it has as many more at its end.
    pub joined: usize,
    /// Known frames beside what is made, as large as the output: their detail goes on in what is made.
    pub given: Vec<Given>,
}

/// A known frame beside what is made, display-referred RGB of the output's size.
pub struct Given {
    /// The shot's time of it.
    time: i64,
    frame: Frame,
    /// The one further from what is made.
    beside: Option<Frame>,
}

impl Given {
    /// Frame `number` of a clip, which stands at the shot's time `time`, and the frame `inwards` of it, 0 for none; none where
    /// there is no such frame.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn of(footage: &Footage<'_>, (number, inwards): (i64, i64), time: i64) -> Result<Option<Self>> {
        let whole = |frame: Frame| shown(&frame, (frame.width(), frame.height())).map_err(failed);
        let Some(frame) = footage.frame(number)?.map(whole).transpose()? else { return Ok(None) };
        let beside = if inwards == 0 { None } else { if_any(footage.frame(number + inwards))?.flatten() };
        let beside = beside.map(whole).transpose()?;
        Ok(Some(Self { time, frame, beside }))
    }
}

impl Film<'_> {
    /// The take's name.
    #[must_use]
    pub fn recipe(&self) -> Recipe {
        self.model.recipe(self.shot, self.brief)
    }

    /// Makes the take, with the host's progress bar and stop button, if there is none yet.
    ///
    /// # Errors
    /// When it cannot be made, or the user stopped it.
    pub fn make<E: Effect>(&self, cx: &Render<'_, E>) -> Result<Recipe> {
        let watch = HostWatch::new(cx, format!("{}: making the shot", E::META.label()));
        self.made(cx, &watch)
    }

    /// As [`make`](Self::make), for a button.
    ///
    /// # Errors
    /// As [`make`](Self::make).
    pub fn make_now<E: Effect>(&self, cx: &Cx<'_, E>) -> Result<Recipe> {
        let progress = cx.progress(&format!("{}: making the shot", E::META.label()));
        self.made(cx, &ButtonWatch::new(progress))
    }

    fn made<E: Effect>(&self, cx: &Cx<'_, E>, watch: &dyn Watch) -> Result<Recipe> {
        let recipe = engine().film(self.model, self.shot, self.brief, watch)?;
        let unknown = engine().unknown_words(recipe);
        if unknown.is_empty() {
            cx.clear_persistent_message();
        } else {
            let text = format!("The model does not know: {}. It made the rest of the prompt.", unknown.join(", "));
            cx.set_persistent_message(MessageKind::Warning, &text);
        }
        Ok(recipe)
    }

    /// The frame at a place of a shot of `count` frames, in its cadence; of several, the mean of their light.
    ///
    /// # Errors
    /// When the take was lost.
    pub fn frame(&self, recipe: Recipe, place: usize, count: usize, look: &LookParams) -> Result<Frame> {
        in_cadence(look, (place, count), |place| self.joined(recipe, place, count))
    }

    /// The frame at a place: at the start of a loop what comes after its end, fading into the start.
    ///
    /// # Errors
    /// When the take was lost.
    pub fn joined(&self, recipe: Recipe, place: usize, count: usize) -> Result<Frame> {
        let frame = self.at(recipe, place)?;
        if place >= self.joined {
            return Ok(frame);
        }
        // The first frame follows the last: it is mostly the one that was made after it.
        let share = (place + 1) as f64 / (self.joined + 1) as f64;
        self.at(recipe, count + place)?.blended(&frame, share).map_err(failed)
    }

    /// The frame at a place: in the model's own size, or as large as the frames that were given, if any were.
    fn at(&self, recipe: Recipe, place: usize) -> Result<Frame> {
        let small = self.small(recipe, place)?;
        let time = self.first + place as i64;
        let before = self.given.iter().filter(|given| given.time <= time).max_by_key(|given| given.time);
        let after = self.given.iter().filter(|given| given.time > time).min_by_key(|given| given.time);
        let Some(size) = before.or(after).map(|given| (given.frame.width(), given.frame.height())) else {
            return Ok(small);
        };
        let share = match (before, after) {
            (Some(before), Some(after)) => (time - before.time) as f32 / (after.time - before.time) as f32,
            (before, _) => f32::from(u8::from(before.is_none())),
        };
        let whole = scaled(&small, size.0, size.1)?;
        let mut pixels = whole.pixels().to_vec();
        for (given, share) in [(before, 1.0 - share), (after, share)] {
            if let Some(given) = given.filter(|given| given.time != time) {
                self.lead(given, &small, (share, time.abs_diff(given.time) as usize), &mut pixels)?;
            }
        }
        Frame::new(size.0, size.1, 3, Encoding::Display, pixels).map_err(failed)
    }

    /// Lays a share of what a given frame shows of detail over the pixels of a made frame.
    fn lead(&self, given: &Given, small: &Frame, share: (f32, usize), pixels: &mut [f32]) -> Result<()> {
        let at = as_time(given.time);
        let Some((_, followed)) = self.shot.frames().iter().find(|(time, _)| *time == at) else { return Ok(()) };
        let likeness = scaled(followed, given.frame.width(), given.frame.height())?;
        let lead = Lead::new(given.frame.clone(), likeness, followed.clone(), given.beside.clone()).map_err(failed)?;
        lead.detail_alone().over(pixels, small, share, (&*engine().motion()?, &Unwatched)).map_err(failed)
    }

    /// The frame at a place in the model's own size: known, or made.
    fn small(&self, recipe: Recipe, place: usize) -> Result<Frame> {
        let time = as_time(self.first) + place as f64;
        if let Some((_, known)) = self.shot.frames().iter().find(|(at, _)| *at == time) {
            return Ok(known.clone());
        }
        let made = self.shot.gaps().iter().position(|gap| *gap == time);
        let frame = made.and_then(|made| engine().film_frame(recipe, made)).ok_or_else(|| {
            let text = "The take was lost while it was being read, as when another program clears it: render again";
            Error::Failed(text.into())
        })?;
        Ok((*frame).clone())
    }
}

/// A shot with frames of a clip in it, in the shot's size, as the model is shown them: those of `frames` that are there, `frames.start` standing
/// at the shot's time `at`.
///
/// # Errors
/// When one cannot be read.
pub fn with_known(shot: Shot, footage: &Footage<'_>, frames: std::ops::RangeInclusive<i64>, at: i64) -> Result<Shot> {
    // No frame can be of no size, so a shot that was not told its own is an error.
    let size = shot.size().unwrap_or_default();
    let start = *frames.start();
    frames.into_iter().try_fold(shot, |shot, number| {
        let Some(frame) = footage.shrunk(number, size)? else { return Ok(shot) };
        shot.known(as_time(at + number - start), frame).map_err(failed)
    })
}

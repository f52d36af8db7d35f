//! The making of a take by a video model, and its frames beside those that were given.

use ofx::plugin::{Error, Result};
use pickup_model::{
    Brief, Encoding, Frame, Recipe, Shot, Watch,
    diffusion::{Asked, Between, Lead, shown},
};

use super::{
    failed,
    footage::{Footage, if_any},
    picture::scaled,
};
use crate::{
    engine::{Device, Model, engine},
    plan::Edge,
    provenance::{MadeShot, Origin},
    timeline::as_time,
};

/// A take that is to be made, with all that says how.
pub struct Job<'a> {
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
    /// What motion is found on.
    pub device: Device,
    /// Follows the work, and may stop it.
    pub watch: &'a dyn Watch,
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
    /// The known frame at a gap's edge, and the one further from the gap; none where there is no such frame.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn of(footage: &Footage<'_>, edge: Edge) -> Result<Option<Self>> {
        let whole = |frame: Frame| shown(&frame, (frame.width(), frame.height())).map_err(failed);
        let Some(frame) = footage.frame(edge.frame)?.map(whole).transpose()? else { return Ok(None) };
        let further = edge.frame + edge.inwards;
        let beside = if edge.known > 1 { if_any(footage.frame(further))?.flatten() } else { None };
        Ok(Some(Self { time: edge.at, frame, beside: beside.map(whole).transpose()? }))
    }
}

impl Job<'_> {
    /// The take's name.
    #[must_use]
    pub fn recipe(&self) -> Recipe {
        self.model.recipe(self.shot, self.brief)
    }

    /// How the frames of its take come about, where they lie over pictures that were given, or by themselves.
    #[must_use]
    pub fn origin(&self, recipe: Recipe, over: bool) -> Origin {
        let shot = MadeShot { recipe: Some(recipe.to_string()), ..self.model.made(self.brief) };
        Origin::of_shot(shot, over || !self.shot.frames().is_empty())
    }

    /// Whether what is asked for is light alone.
    #[must_use]
    pub fn is_light(&self) -> bool {
        self.model.asked(&self.brief.prompt) == Asked::Light
    }

    /// Makes the take, if there is none yet.
    ///
    /// # Errors
    /// When it cannot be made, or the user stopped it.
    pub fn make(&self) -> Result<Recipe> {
        Ok(engine().make_take(self.model, self.shot, self.brief, self.watch)?)
    }

    /// The frame at a place: at the start of a loop what comes after its end, fading into the start.
    ///
    /// # Errors
    /// When the take was lost.
    pub fn frame(&self, recipe: Recipe, place: usize, count: usize) -> Result<Frame> {
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
        let Some(between) = Between::of(self.given.iter().map(|given| (given.time, given)), time) else {
            return Ok(small);
        };
        let size = self.given.first().map_or((0, 0), |given| (given.frame.width(), given.frame.height()));
        let whole = scaled(&small, size.0, size.1)?;
        let mut pixels = whole.pixels().to_vec();
        for (given, share, away) in between.sides().filter(|(.., away)| *away > 0) {
            self.lead(given, &small, (share, away), &mut pixels)?;
        }
        Frame::new(size.0, size.1, 3, Encoding::Display, pixels).map_err(failed)
    }

    /// Lays a share of what a given frame shows of detail over the pixels of a made frame.
    fn lead(&self, given: &Given, small: &Frame, share: (f32, usize), pixels: &mut [f32]) -> Result<()> {
        let at = as_time(given.time);
        let Some((_, followed)) = self.shot.frames().iter().find(|(time, _)| *time == at) else { return Ok(()) };
        let likeness = scaled(followed, given.frame.width(), given.frame.height())?;
        let lead = Lead::new(given.frame.clone(), likeness, followed.clone(), given.beside.clone()).map_err(failed)?;
        let lead = lead.detail_alone();
        let motion = engine().motion_on(self.device);
        let led = motion.by(self.watch, |motion| {
            let mut led = pixels.to_vec();
            lead.over(&mut led, small, share, (motion, self.watch))?;
            Ok(led)
        })?;
        pixels.copy_from_slice(&led);
        Ok(())
    }

    /// The frame at a place in the model's own size: known, or made.
    fn small(&self, recipe: Recipe, place: usize) -> Result<Frame> {
        let time = as_time(self.first) + place as f64;
        if let Some((_, known)) = self.shot.frames().iter().find(|(at, _)| *at == time) {
            return Ok(known.clone());
        }
        let made = self.shot.gaps().iter().position(|gap| *gap == time);
        let frame = made.and_then(|made| engine().take_frame(recipe, made)).ok_or_else(|| {
            let text = "The take was lost while it was being read, as when another program clears it: render again";
            Error::Failed(text.into())
        })?;
        Ok((*frame).clone())
    }
}

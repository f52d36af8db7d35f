//! How the frames between two clips are made.

use ofx::plugin::Result;
use pickup_model::{Brief, Frame, Shot, motion::MotionOnward};

use super::{Bridge, By, CONTEXT};
use crate::{
    engine::Model,
    perform::failed,
    perform::{Stage, footage::if_any},
    plan::{Curves, Edge, Gap, Input, Known},
    timeline::{Timeline, as_time},
};

/// What is made: the frames between the last of the clip before and the first of the clip after.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Between {
    pub(super) before: i64,
    pub(super) after: i64,
}

impl Between {
    /// As the host's own transition goes; none in other contexts.
    pub(super) fn of_host(curves: &dyn Curves, number: i64) -> Result<Option<Self>> {
        let time = as_time(number);
        let Some(now) = curves.transition(time)? else { return Ok(None) };
        let next = curves.transition(time + 1.0)?.unwrap_or(now);
        let last = curves.transition(time - 1.0)?.unwrap_or(now);
        Ok(Some(Self::of_transition(number, [last, now, next])))
    }

    /// The gap of a transition that stands at `now`, from 0, the clip before, to 1, the clip after; the standard tells no
    /// more, so how fast it goes tells where it starts and ends.
    fn of_transition(number: i64, [last, now, next]: [f64; 3]) -> Self {
        let step = if next > now { next - now } else { now - last };
        if now <= 0.0 || step <= 1e-6 && now < 1.0 {
            return Self { before: number, after: number + 1 };
        }
        if now >= 1.0 {
            return Self { before: number - 1, after: number };
        }
        let frames = |share: f64| (share / step).round().max(1.0) as i64;
        Self { before: number - frames(now), after: number + frames(1.0 - now) }
    }
}

impl Between {
    /// What the user is to be told where the gap lies before or after all that the clips have, so that nothing is ever made there, or
    /// where the second of `two` clips has no frame to which it could lead.
    pub(super) fn trouble(self, clips: &[&Timeline; 2], two: bool) -> Option<String> {
        let (a, b) = (clips[0].cut()?, clips[1].cut()?);
        let (first, last) = (a.0.min(b.0), a.1.max(b.1));
        let Self { before, after } = self;
        if before > last || after < first {
            let (from, to) = (before + 1, after - 1);
            return Some(format!(
                "The bridge lies at frames {from} to {to}, and the clip has {first} to {last}: set “Start” to a frame of it"
            ));
        }
        (two && !(b.0..=b.1).contains(&after)).then(|| {
            format!(
                "The second clip has the frames {} to {}, and none at {after}, to which the bridge leads: move it there on the \
                 timeline, or change “Start” and “Length”",
                b.0, b.1
            )
        })
    }
}

/// How the frames are made, once it is decided.
pub(super) enum Way {
    Model(Box<Model>),
    Motion,
    Dissolve,
}

/// The gap, with the last frame of the clip before and the first of the clip after.
#[derive(Clone, Debug, PartialEq)]
pub struct Crossing {
    pub(super) gap: Gap,
    pub(super) last: Edge,
    pub(super) first: Edge,
}

impl Crossing {
    pub(super) fn of(Between { before, after }: Between, number: i64) -> Self {
        // A shot's times count from the last frame of the clip before.
        let known = [
            Known { input: Input::First, frames: before - CONTEXT + 1..=before, at: 1 - CONTEXT },
            Known { input: Input::Next, frames: after..=after + CONTEXT - 1, at: after - before },
        ];
        let [last, first] = known.each_ref().map(|known| known.edge(1));
        let [place, count] = [number, after].map(|n| usize::try_from(n - before - 1).unwrap_or_default());
        Self { gap: Gap { known: known.into(), first: 1, count, place }, last, first }
    }

    pub(super) fn way(&self, stage: &Stage<'_, '_, Bridge>, brief: &Brief) -> Result<Way> {
        let take = &stage.params.take;
        Ok(match stage.params.by {
            By::Automatic if self.shows_one_scene(stage)? => Way::Motion,
            By::Automatic => take.suited(stage, brief)?.map_or(Way::Dissolve, |model| Way::Model(Box::new(model))),
            By::Motion => Way::Motion,
            By::Dissolve => Way::Dissolve,
            By::Model => Way::Model(Box::new(take.open()?)),
        })
    }

    fn shows_one_scene(&self, stage: &Stage<'_, '_, Bridge>) -> Result<bool> {
        let (last, first) = (stage.edge(self.last)?, stage.edge(self.first)?);
        stage.by_motion(|motion| motion.matches(&last, &first, &stage.watch()))
    }

    /// The frame at a time of the shot, by what both ends show.
    pub(super) fn moved(&self, stage: &Stage<'_, '_, Bridge>, time: i64) -> Result<Frame> {
        let mut shot = Shot::new();
        for edge in [self.last, self.first] {
            shot = shot.known(as_time(edge.at), stage.edge(edge)?).map_err(failed)?;
        }
        // The nearest that stand at a third of the gap, as far as the model looks: they tell of the motion across it.
        let out = ((self.first.at + 2) / 3).min(CONTEXT - 1);
        for edge in [self.last, self.first] {
            let further = edge.inwards * out;
            if let Some(Some(frame)) = if_any(stage.footage(edge.input)?.frame(edge.frame + further))? {
                shot = shot.known(as_time(edge.at + further), frame).map_err(failed)?;
            }
        }
        Ok(stage.make(&shot.missing(as_time(time)))?.frame.clone())
    }

    /// The frame at a time of the shot, of both clips as they go on.
    pub(super) fn dissolved(&self, stage: &Stage<'_, '_, Bridge>, time: i64) -> Result<Frame> {
        let side = |edge: Edge| match self.overlap(stage, edge, time)? {
            Some(frame) => Ok(frame),
            None => stage.onward(edge, edge.at.abs_diff(time), MotionOnward::REST),
        };
        side(self.last)?.blended(&side(self.first)?, as_time(time) / as_time(self.first.at)).map_err(failed)
    }

    /// A clip's own frame inside the gap, where there are two clips: in one that holds both, the gap is what is to be replaced.
    fn overlap(&self, stage: &Stage<'_, '_, Bridge>, edge: Edge, time: i64) -> Result<Option<Frame>> {
        let (footage, number) = (stage.footage(edge.input)?, self.last.frame + time);
        let has = footage.timeline().frames().is_some_and(|(first, last)| (first..=last).contains(&number));
        if has && stage.scene.has(Input::Next) { footage.frame(number) } else { Ok(None) }
    }
}

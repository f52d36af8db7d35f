//! What is made beyond a clip's ends.

use std::ops::RangeInclusive;

use super::{By, CONTEXT, ExtendParams};
use crate::{
    freeze,
    perform::compared,
    plan::{Edge, Gap, Input, Known, Plan, Scene, Shown},
    timeline::Timeline,
};

/// The ends of a clip's good frames, as far as they are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Good {
    pub(super) first: Option<i64>,
    pub(super) last: Option<i64>,
}

/// What was seen of a clip.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// The last frame before a freeze.
    pub(super) last: Option<i64>,
    /// How many frames the clip's own file has after that, which the host does not show.
    pub(super) handles: i64,
}

/// What is made on one end of the clip, and what of it is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Side {
    /// The row that is made. Its place counts where a made frame is shown.
    pub(super) gap: Gap,
    /// The good frame next to what is made.
    pub(super) edge: Edge,
    /// The good frames.
    good: RangeInclusive<i64>,
    /// How far the frame that is shown lies outside the good ones.
    outside: i64,
}

impl Side {
    /// What the frame that is shown is, and what it needs.
    pub(super) fn plan(mut self, params: &ExtendParams, timeline: &Timeline) -> Plan<Self> {
        let (made, hold) = (self.gap.count as i64, i64::from(params.hold));
        // Nothing is held where nothing is made.
        if made == 0 || self.outside > hold + made {
            return Plan::new(Shown::Outside);
        }
        let Ok(away) = usize::try_from(self.outside - hold - 1) else { return Plan::held(self.edge.frame) };
        self.gap.place = if self.edge.inwards < 0 { away } else { self.gap.count - 1 - away };
        let seen = (params.by == By::BackAndForth).then(|| self.turned(self.gap.place));
        let plan = self.gap.clone().plan(|gap| Self { gap, ..self }, [timeline; 2]);
        seen.into_iter().fold(plan, |plan, frame| plan.from(Input::First, frame..=frame))
    }

    /// How many frames a made frame is from the good frame next to it, a hold not counted.
    pub(super) fn away(&self, place: usize) -> u64 {
        self.gap.time(place).unsigned_abs()
    }

    /// The good frame that stands at the place of a made one when the clip runs back and forth.
    pub(super) fn turned(&self, place: usize) -> i64 {
        let inside = self.good.end() - self.good.start();
        let around = 2 * inside.max(1);
        let away = self.away(place).cast_signed() % around;
        self.edge.frame + self.edge.inwards * away.min(around - away).min(inside)
    }
}

impl ExtendParams {
    /// Frames outside the clip on a side on which `made` are made; none are held where none are made.
    fn made(&self, made: i32) -> i64 {
        if made > 0 { i64::from(made) + i64::from(self.hold) } else { 0 }
    }

    /// The first and the last frame of the output, of a clip of these frames.
    pub(super) fn output(&self, (first, last): (i64, i64)) -> (i64, i64) {
        let kept = if self.frozen { i64::from(self.last_good).clamp(first, last) } else { last };
        (first - self.made(self.head), kept + self.made(self.tail))
    }

    /// The clip's good frames, as far as is known without a look at them.
    pub(super) fn good(&self, timeline: &Timeline) -> Good {
        let cut = timeline.frames().filter(|_| timeline.cut().is_some());
        let last = if self.frozen { Some(timeline.nearest(self.last_good.into())) } else { cut.map(|(_, last)| last) };
        Good { first: cut.map(|(first, _)| first), last }
    }

    /// How far back a freeze may have begun whose frames are still replaced.
    pub(super) fn furthest_freeze(&self) -> i64 {
        self.made(self.tail) + CONTEXT
    }

    /// The frames to look at for a freeze that reaches a frame, where nothing else says where the clip ends.
    pub(super) fn seen_for_a_freeze(&self, good: Good, number: i64) -> Option<RangeInclusive<i64>> {
        let wanted = good.last.is_none() && self.tail > 0 && good.first.is_none_or(|first| number >= first);
        wanted.then(|| number - self.furthest_freeze()..=number + freeze::LOOKED_AHEAD)
    }

    /// The plan for a frame of a clip with these good frames. So many `handles` were seen after them; none if it was not looked.
    pub(super) fn plan_with_handles(&self, good: Good, scene: &Scene<'_>, handles: Option<i64>) -> Plan<Side> {
        let (timeline, number) = (scene.timeline(Input::First), scene.number());
        let Some(side) = self.side(good, number) else { return Plan::new(Shown::Own(Input::First)) };
        if side.edge.inwards > 0 || !self.handles || !scene.has_handles {
            return side.plan(self, timeline);
        }
        match handles {
            None => self.seen_for_handles(side, timeline),
            Some(handles) => self.gone_on(good, handles, (number, timeline)),
        }
    }

    /// A plan to look whether the clip's file goes on where the frame of a side is made; as it is where none is.
    fn seen_for_handles(&self, side: Side, timeline: &Timeline) -> Plan<Side> {
        let last = side.edge.frame;
        let plan = side.plan(self, timeline);
        if plan.shown == Shown::Outside {
            return plan;
        }
        let around = compared(last);
        // With more frames at its end, a clip that runs back and forth turns elsewhere.
        let turns = if self.by == By::BackAndForth { self.made(self.tail) } else { 0 };
        let (start, end) = (timeline.nearest((*around.start()).min(last - turns)), timeline.nearest(*around.end()));
        Plan { shown: Shown::Unseen, ..plan.from(Input::First, start.min(last)..=end.max(last)) }
    }

    /// The plan where so many frames follow the last good one in the clip's file: they are shown, and what is made goes on from
    /// them. The output is as long as without them.
    pub(super) fn gone_on(&self, good: Good, handles: i64, (number, timeline): (i64, &Timeline)) -> Plan<Side> {
        let handles = handles.min(self.made(self.tail));
        let longer = Good { last: good.last.map(|last| last + handles), ..good };
        // Nothing is held where the clip goes on.
        let rest = if handles == 0 {
            self.clone()
        } else {
            let tail = i32::try_from(self.made(self.tail) - handles).unwrap_or_default();
            Self { tail, hold: 0, ..self.clone() }
        };
        rest.side(longer, number).map_or_else(|| Plan::held(number), |side| side.plan(&rest, timeline))
    }

    /// The side that a frame lies on, of a clip with these good frames; none where it is one of them.
    pub(super) fn side(&self, good: Good, number: i64) -> Option<Side> {
        // Where the other end is not known, there are frames enough up to it.
        match good {
            Good { first: Some(first), last } if number < first => {
                let last = last.unwrap_or(first + CONTEXT - 1);
                let known = first..=last.min(first + CONTEXT - 1);
                Some(self.beyond(first..=last, (known, 0), -i64::from(self.head), first - number))
            }
            Good { first, last: Some(last) } if number > last => {
                let first = first.unwrap_or(last - CONTEXT + 1);
                let known = first.max(last - CONTEXT + 1)..=last;
                let at = known.start() - last;
                Some(self.beyond(first..=last, (known, at), 1, number - last))
            }
            _ => None,
        }
    }

    /// What is made from `first` on in the shot's times, beside the known frames, of which the first stands at `at`.
    fn beyond(
        &self,
        good: RangeInclusive<i64>,
        (frames, at): (RangeInclusive<i64>, i64),
        first: i64,
        outside: i64,
    ) -> Side {
        let made = if first > 0 { self.tail } else { self.head };
        let known = Known { input: Input::First, frames, at };
        let edge = known.edge(first);
        let gap = Gap { known: vec![known], first, count: usize::try_from(made).unwrap_or_default(), place: 0 };
        Side { gap, edge, good, outside }
    }
}

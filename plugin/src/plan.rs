//! Plans: what a node shows at a time, and from which frames. A plan is made without pictures, and without a host but for what it
//! says of times and of animated parameters, so that it is tested as a table.

use std::{borrow::Cow, ops::RangeInclusive};

use ofx::{
    Context,
    plugin::{Cx, Effect, ParamId, Result},
};

use crate::timeline::{Timeline, as_time, frame_number};

/// One of the clips that a node works on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Input {
    /// The only one; of a bridge the one before.
    #[default]
    First,
    /// Of a bridge the one after.
    Next,
}

/// What is shown at a time. `M` says what a node is to make.
#[derive(Clone, Debug, PartialEq)]
pub enum Shown<M> {
    /// The clip's own frame of this time, bit for bit.
    Own(Input),
    /// Another of the first clip's frames.
    Held(i64),
    /// A frame that is made.
    Made(M),
    /// Nothing of the node's: what the host has passes.
    Outside,
    /// It depends on the frames that the plan names: they must be looked at, and the plan made again with what was seen.
    Unseen,
}

/// What is shown at a time, and the frames that it is made from.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan<M> {
    /// What is shown.
    pub shown: Shown<M>,
    /// Frames of the clips that must be there; where none are named, the one of the time itself.
    pub from: Vec<(Input, RangeInclusive<i64>)>,
    /// What the user is to be told: why nothing is made.
    pub note: Option<Cow<'static, str>>,
}

impl<M> Plan<M> {
    /// A plan that needs the frame of the time itself.
    pub fn new(shown: Shown<M>) -> Self {
        Self { shown, from: Vec::new(), note: None }
    }

    /// Another of the first clip's frames.
    pub fn held(frame: i64) -> Self {
        Self::new(Shown::Held(frame)).from(Input::First, frame..=frame)
    }

    /// The clip's own frame, and why it is not another.
    pub fn own_because(note: Option<&'static str>) -> Self {
        Self { note: note.map(Cow::Borrowed), ..Self::new(Shown::Own(Input::First)) }
    }

    /// This, from some frames of a clip.
    #[must_use]
    pub fn from(mut self, input: Input, frames: RangeInclusive<i64>) -> Self {
        self.from.push((input, frames));
        self
    }
}

/// Known frames about a gap: a row of a clip's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// The clip.
    pub input: Input,
    /// The frames, in the clip's own numbers.
    pub frames: RangeInclusive<i64>,
    /// The shot's time of the first of them.
    pub at: i64,
}

impl Known {
    /// The one of them that is next to a gap that starts at `first` in the shot's times.
    #[must_use]
    pub fn edge(&self, first: i64) -> Edge {
        let (start, end) = (*self.frames.start(), *self.frames.end());
        let (frame, inwards) = if self.at < first { (end, -1) } else { (start, 1) };
        Edge { input: self.input, frame, inwards, known: end - start + 1, at: self.at + frame - start }
    }
}

/// A row of frames that are to be made, with the known ones about it, and the one of the row that is shown.
///
/// A shot's times count from a known frame, not from the clip's first: a take does not depend on where the clip lies.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Gap {
    /// Known frames. Those that stand in the row are not made.
    pub known: Vec<Known>,
    /// The shot's time of the row's first frame.
    pub first: i64,
    /// Frames in the row.
    pub count: usize,
    /// The place in the row of the frame that is shown.
    pub place: usize,
}

/// The known frame next to a gap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Edge {
    /// The clip.
    pub input: Input,
    /// Its number in the clip.
    pub frame: i64,
    /// The step to the one further from the gap.
    pub inwards: i64,
    /// How many are known in its row.
    pub known: i64,
    /// Its time in the shot.
    pub at: i64,
}

impl Gap {
    /// The shot's time of a place in the row.
    #[must_use]
    pub fn time(&self, place: usize) -> i64 {
        self.first + place as i64
    }

    /// The edge that is nearest to the frame that is shown; of two as near the earlier.
    #[must_use]
    pub fn nearest(&self) -> Option<Edge> {
        let time = self.time(self.place);
        self.known.iter().map(|known| known.edge(self.first)).min_by_key(|edge| (edge.at.abs_diff(time), edge.at))
    }

    /// A plan to make the frame that is shown, from all that is known.
    #[must_use]
    pub fn plan<M>(self, made: impl FnOnce(Self) -> M, timelines: [&Timeline; 2]) -> Plan<M> {
        let from = self.known.iter().map(|known| {
            let timeline = timelines[known.input as usize];
            (known.input, timeline.nearest(*known.frames.start())..=timeline.nearest(*known.frames.end()))
        });
        let from = from.collect();
        Plan { from, ..Plan::new(Shown::Made(made(self))) }
    }
}

/// What a host says of times beside its clips' ranges: animated parameters, and the two that the standard itself drives.
pub trait Curves {
    /// What the host uses the node for.
    fn context(&self) -> Context;

    /// A switch at a time.
    ///
    /// # Errors
    /// When the host refuses it.
    fn switched(&self, id: ParamId<bool>, time: f64) -> Result<bool>;

    /// A number at a time.
    ///
    /// # Errors
    /// When the host refuses it.
    fn number(&self, id: ParamId<f64>, time: f64) -> Result<f64>;

    /// A number's integral over time in frames.
    ///
    /// # Errors
    /// When the host refuses it.
    fn sum(&self, id: ParamId<f64>, from: f64, to: f64) -> Result<f64>;

    /// Whether a number has keyframes.
    ///
    /// # Errors
    /// When there is no such parameter.
    fn is_keyed(&self, id: ParamId<f64>) -> Result<bool>;

    /// The source time that a host asks a retimer for; none in other contexts.
    ///
    /// # Errors
    /// When the host refuses it.
    fn source_time(&self, time: f64) -> Result<Option<f64>>;

    /// How far a transition is, from 0 to 1; none in other contexts.
    ///
    /// # Errors
    /// When the host refuses it.
    fn transition(&self, time: f64) -> Result<Option<f64>>;
}

impl<E: Effect> Curves for Cx<'_, E> {
    fn context(&self) -> Context {
        Cx::context(self)
    }

    fn switched(&self, id: ParamId<bool>, time: f64) -> Result<bool> {
        self.value_at(id, time)
    }

    fn number(&self, id: ParamId<f64>, time: f64) -> Result<f64> {
        self.value_at(id, time)
    }

    fn sum(&self, id: ParamId<f64>, from: f64, to: f64) -> Result<f64> {
        self.integral(id, from, to)
    }

    fn is_keyed(&self, id: ParamId<f64>) -> Result<bool> {
        Ok(!self.key_times(id)?.is_empty())
    }

    fn source_time(&self, time: f64) -> Result<Option<f64>> {
        self.retimer_source_time(time)
    }

    fn transition(&self, time: f64) -> Result<Option<f64>> {
        Cx::transition(self, time)
    }
}

/// What a plan is made from, beside the parameters.
pub struct Scene<'a> {
    /// The time that the host asks for.
    pub time: f64,
    /// What the host says of the clips' frames, each at its [`Input`].
    pub told: [Timeline; 2],
    /// That, as far as it agrees with the time; or what the clip's file says.
    pub timelines: [Timeline; 2],
    /// Which inputs are connected.
    pub connected: [bool; 2],
    /// Nothing gives other frames than the one of this time: neither the host nor a file.
    pub alone: bool,
    /// The host tells of the file that the first clip is from, which may have more frames.
    pub has_handles: bool,
    /// Animated parameters.
    pub curves: &'a dyn Curves,
}

impl Scene<'_> {
    /// The frame that the host asks for.
    #[must_use]
    pub fn number(&self) -> i64 {
        frame_number(self.time)
    }

    /// What is known of a clip's frames.
    #[must_use]
    pub fn timeline(&self, input: Input) -> &Timeline {
        &self.timelines[input as usize]
    }

    /// What is known of both clips' frames.
    #[must_use]
    pub fn both(&self) -> [&Timeline; 2] {
        [&self.timelines[0], &self.timelines[1]]
    }

    /// Whether an input is connected.
    #[must_use]
    pub fn has(&self, input: Input) -> bool {
        self.connected[input as usize]
    }

    /// The timelines where a node says what it `makes` of a clip with these frames; see [`Timeline::where_it_agrees`].
    #[must_use]
    pub fn agreed(&self, makes: impl Fn((i64, i64)) -> (i64, i64)) -> [Timeline; 2] {
        self.told.map(|timeline| timeline.where_it_agrees(self.time, &makes))
    }
}

/// A run of frames in the host's times.
#[must_use]
pub fn times(frames: &RangeInclusive<i64>) -> (f64, f64) {
    (as_time(*frames.start()), as_time(*frames.end()))
}

/// A host for tests of plans.
#[cfg(test)]
pub mod table {
    use std::fmt::Debug;

    use super::*;
    use crate::perform::Node;

    /// A host with nothing animated but what it is told.
    #[derive(Default)]
    pub struct Told {
        /// What it uses the node for; none for General.
        pub context: Option<Context>,
        /// Every number at any time, but as far as the next field.
        pub number: f64,
        /// A number as a function of time.
        pub curve: Option<fn(f64) -> f64>,
        /// The frames at which every switch is on.
        pub on: Vec<i64>,
        /// The source time that it asks a retimer for.
        pub source_time: Option<fn(f64) -> f64>,
        /// How far the transition is.
        pub transition: Option<fn(f64) -> f64>,
    }

    impl Curves for Told {
        fn context(&self) -> Context {
            self.context.unwrap_or(Context::General)
        }

        fn switched(&self, _: ParamId<bool>, time: f64) -> Result<bool> {
            Ok(self.on.contains(&frame_number(time)))
        }

        fn number(&self, _: ParamId<f64>, time: f64) -> Result<f64> {
            Ok(self.curve.map_or(self.number, |curve| curve(time)))
        }

        fn sum(&self, _: ParamId<f64>, from: f64, to: f64) -> Result<f64> {
            Ok(self.number * (to - from))
        }

        fn is_keyed(&self, _: ParamId<f64>) -> Result<bool> {
            Ok(self.curve.is_some())
        }

        fn source_time(&self, time: f64) -> Result<Option<f64>> {
            Ok(self.source_time.map(|source| source(time)))
        }

        fn transition(&self, time: f64) -> Result<Option<f64>> {
            Ok(self.transition.map(|share| share(time)))
        }
    }

    /// A clip of these frames, or one of which nothing is known.
    pub fn clip(frames: impl Into<Option<(i64, i64)>>) -> [Timeline; 2] {
        [frames.into().map(Timeline::of_frames).unwrap_or_default(); 2]
    }

    /// What a node shows at frames, without a look at any picture.
    pub fn shown<N: Node<Made: Debug>>(
        params: &N::Params,
        told: [Timeline; 2],
        curves: &dyn Curves,
        frames: impl IntoIterator<Item = i64>,
    ) -> Vec<Plan<N::Made>> {
        let plan = |frame: i64| {
            let (time, connected) = (as_time(frame), [true, told[0] != told[1]]);
            let mut scene = Scene { time, told, timelines: told, connected, alone: false, has_handles: false, curves };
            scene.timelines = N::agreed(params, &scene).expect("the host refuses nothing");
            N::plan(params, &scene, None).expect("it makes sense")
        };
        frames.into_iter().map(plan).collect()
    }

    /// Plans as a row of letters: what passes, is held, is made, lies outside, must be looked at.
    pub fn letters<M>(plans: &[Plan<M>]) -> String {
        let letter = |plan: &Plan<M>| match plan.shown {
            Shown::Own(Input::First) => 'o',
            Shown::Own(Input::Next) => 'n',
            Shown::Held(_) => 'h',
            Shown::Made(_) => 'M',
            Shown::Outside => '.',
            Shown::Unseen => '?',
        };
        plans.iter().map(letter).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_edge_is_the_one_beside_the_frame_that_is_shown() {
        let row = |input, frames, at| Known { input, frames, at };
        let known = vec![row(Input::First, 2..=10, -8), row(Input::Next, 30..=38, 5)];
        let near = |place| Gap { known: known.clone(), first: 1, count: 4, place }.nearest().map(|edge| edge.frame);
        assert_eq!([0, 1, 2, 3].map(near), [Some(10), Some(10), Some(30), Some(30)]);
        assert_eq!(known[0].edge(1), Edge { input: Input::First, frame: 10, inwards: -1, known: 9, at: 0 });
        assert_eq!(known[1].edge(1), Edge { input: Input::Next, frame: 30, inwards: 1, known: 9, at: 5 });
        assert_eq!(
            row(Input::Next, 5..=7, 1).edge(1).frame,
            5,
            "known frames that stand at a row's start come after it"
        );
        assert_eq!(Gap::default().nearest(), None);
    }

    #[test]
    fn a_run_of_frames_is_announced_from_its_first_to_its_last() {
        assert_eq!((times(&(3..=9)), times(&(-4..=-4))), ((3.0, 9.0), (-4.0, -4.0)));
    }

    #[test]
    fn what_is_known_is_asked_for_inside_the_clip_alone() {
        let known = vec![Known { input: Input::First, frames: -5..=3, at: -8 }];
        let gap = Gap { known, first: 1, count: 2, place: 0 };
        let clip = Timeline::of_frames((0, 9));
        assert_eq!(gap.plan(|_| (), [&clip; 2]).from, [(Input::First, 0..=3)]);
    }
}

//! The flow network: matches two frames, coarse to fine.

use super::{
    beside::{self, Beside},
    network::{FEATURES, chain},
    weights::Weights,
};
use crate::{
    Error, Result,
    engine::{Conv, Engine, Map},
};

const HALF_FEATURES: usize = 24;
const HIDDEN: usize = 32;
const FINE_HIDDEN: usize = 16;
/// Steps of matching at each level but the finest, where one costs as much as four at the next. On real clips two gave 0.07 dB, three
/// 0.13, four 0.16 and a little less detail; a second one at the finest gave nothing.
const STEPS: usize = 3;

/// Called between parts of the work with how much is done, 0 to 1; answers whether to go on.
pub(crate) type Step<'a> = dyn FnMut(f32) -> bool + 'a;

/// What the sides of a picture must be multiples of, for `levels` levels: the coarsest features are four times smaller
/// than the coarsest picture.
pub(crate) fn alignment(levels: usize) -> usize {
    4 << (levels - 1)
}

/// Where each pixel of one frame stands in another.
#[derive(Clone, Debug)]
pub(crate) struct Way {
    /// Flow from the one to the other, at half resolution.
    pub(crate) flow: Map,
    /// Whether a pixel is seen in the other frame too: a logit, at half resolution.
    pub(crate) visible: Map,
}

/// What the flow network sees in a frame, the same whichever other frame it is matched with.
pub(crate) struct Looked {
    /// Features at half resolution.
    half: Map,
    /// Features at a quarter of the resolution of the picture, and of each coarser one.
    quarters: Vec<Map>,
}

impl Looked {
    /// Features at a quarter of the picture's resolution.
    pub(crate) fn features(&self) -> &Map {
        &self.quarters[0]
    }
}

struct Encoder {
    half: [Conv; 2],
    quarter: [Conv; 3],
}

impl Encoder {
    fn load(w: &mut Weights) -> Result<Self> {
        Ok(Self {
            half: [
                w.conv("flow.encoder.half1", (3, HALF_FEATURES), 3, 2)?,
                w.conv("flow.encoder.half2", (HALF_FEATURES, HALF_FEATURES), 3, 1)?,
            ],
            quarter: [
                w.conv("flow.encoder.quarter1", (HALF_FEATURES, FEATURES), 3, 2)?,
                w.conv("flow.encoder.quarter2", (FEATURES, FEATURES), 3, 1)?,
                w.linear_conv("flow.encoder.quarter3", (FEATURES, FEATURES), 3)?,
            ],
        })
    }

    /// Features at half and at quarter resolution.
    fn run(&self, x: &Map) -> Result<(Map, Map)> {
        let half = chain(&self.half, x)?;
        let quarter = chain(&self.quarter, &half)?;
        Ok((half, quarter))
    }
}

/// What matching carries from level to level for one direction.
struct State {
    flow: Map,
    visible: Map,
    memory: Map,
}

impl State {
    fn zero(engine: &Engine, hidden: usize, at: (usize, usize)) -> Result<Self> {
        let zeros = |channels| engine.zeros(channels, at);
        Ok(Self { flow: zeros(2)?, visible: zeros(1)?, memory: zeros(hidden)? })
    }

    fn resized(&self, at: (usize, usize)) -> Result<Self> {
        Ok(Self {
            flow: self.flow.resized_flow(at)?,
            visible: self.visible.resized(at)?,
            memory: self.memory.resized(at)?,
        })
    }
}

/// One step of matching, shared by every level of its resolution.
struct Decoder {
    radius: usize,
    mix: Conv,
    body: [Conv; 3],
    out: Conv,
    memory: Conv,
}

impl Decoder {
    fn load(
        w: &mut Weights,
        name: &str,
        features: usize,
        radius: usize,
        hidden: usize,
        [a, b, c]: [usize; 3],
    ) -> Result<Self> {
        let inputs = (2 * radius + 1).pow(2) + 2 * features + 3 + hidden;
        Ok(Self {
            radius,
            mix: w.conv(&format!("{name}.mix"), (inputs, a), 1, 1)?,
            body: [
                w.conv(&format!("{name}.body1"), (a, a), 3, 1)?,
                w.conv(&format!("{name}.body2"), (a, b), 3, 1)?,
                w.conv(&format!("{name}.body3"), (b, c), 3, 1)?,
            ],
            out: w.linear_conv(&format!("{name}.out"), (c, 3), 3)?,
            memory: w.conv(&format!("{name}.memory"), (c, hidden), 1, 1)?,
        })
    }

    fn run(&self, a: &Map, b: &Map, state: &State) -> Result<State> {
        let moved = b.warped(&state.flow)?;
        let matches = a.correlated(&moved, self.radius)?.leaky(0.1)?;
        let seen = [&matches, a, &moved, &state.flow.scaled(0.1)?, &state.visible, &state.memory];
        let x = chain(&self.body, &self.mix.forward_joined(&seen)?)?;
        let out = self.out.forward(&x)?;
        Ok(State {
            flow: state.flow.plus(&out.planes(0, 2)?)?,
            visible: out.planes(2, 1)?,
            memory: self.memory.forward(&x)?,
        })
    }
}

/// Matches two frames.
pub(crate) struct FlowNet {
    engine: Engine,
    encoder: Encoder,
    decoder: Decoder,
    fine: Decoder,
    memory_to_fine: Conv,
}

impl FlowNet {
    pub(super) fn load(w: &mut Weights) -> Result<Self> {
        Ok(Self {
            engine: w.engine().clone(),
            encoder: Encoder::load(w)?,
            decoder: Decoder::load(w, "flow.decoder", FEATURES, 3, HIDDEN, [96, 96, 64])?,
            fine: Decoder::load(w, "flow.fine", HALF_FEATURES, 2, FINE_HIDDEN, [48, 48, 32])?,
            memory_to_fine: w.linear_conv("flow.memory_to_fine", (HIDDEN, FINE_HIDDEN), 1)?,
        })
    }

    pub(super) fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Looks at a picture at `levels` sizes, one at the least.
    pub(crate) fn look(&self, picture: &Map, levels: usize) -> Result<Looked> {
        // Less its mean colour, which says nothing about motion.
        let mut picture = picture.minus(&picture.mean_of_planes()?)?;
        let (half, quarter) = self.encoder.run(&picture)?;
        let mut quarters = vec![quarter];
        for _ in 1..levels {
            picture = picture.halved()?;
            quarters.push(self.encoder.run(&picture)?.1);
        }
        Ok(Looked { half, quarters })
    }

    /// Matches two frames of one size and as many levels: from the first to the last, back, or both, as `wanted`. What is `told` of
    /// either flow from elsewhere, at any resolution, is tried at every place.
    pub(crate) fn run(
        &self,
        frames: [&Looked; 2],
        wanted: [bool; 2],
        told: [Option<&Map>; 2],
        step: &mut Step<'_>,
    ) -> Result<[Option<Way>; 2]> {
        let mut states: [Option<State>; 2] = [None, None];
        for level in (0..frames[0].quarters.len()).rev() {
            let quarters = frames.map(|frame| &frame.quarters[level]);
            let at = quarters[0].size();
            for state in states.iter_mut().enumerate().filter_map(|(from, state)| wanted[from].then_some(state)) {
                *state = Some(state.take().map_or_else(|| State::zero(&self.engine, HIDDEN, at), |s| s.resized(at))?);
            }
            self.match_level(level, quarters, &mut states, told)?;
            go_on(step, 0.6 * 0.25_f32.powi(i32::try_from(level).unwrap_or(i32::MAX)))?;
        }
        let halves = frames.map(|frame| &frame.half);
        let beside = told.iter().any(Option::is_some).then(|| Beside::new(halves)).transpose()?;
        let refined = |from: usize, state: &Option<State>| {
            let known = beside.as_ref().zip(told[from]);
            state.as_ref().map(|state| self.refine(halves, from, state, known)).transpose()
        };
        let forth = refined(0, &states[0])?;
        go_on(step, 0.8)?;
        let back = refined(1, &states[1])?;
        Ok([forth, back])
    }

    /// Matching at one level, in the directions that have a state. At the finest levels places take over better flows before the last
    /// step.
    fn match_level(
        &self,
        level: usize,
        features: [&Map; 2],
        states: &mut [Option<State>; 2],
        told: [Option<&Map>; 2],
    ) -> Result<()> {
        let steps = if level == 0 { 1 } else { STEPS };
        for step in 0..steps {
            let beside = (step + 1 == steps && level < beside::LEVELS).then(|| Beside::new(features)).transpose()?;
            // One direction after the other, not as a batch of two: half the memory, the same numbers.
            for (from, state) in states.iter_mut().enumerate() {
                let Some(state) = state else { continue };
                if let Some(beside) = &beside
                    && let Some(flow) = beside.better(from, &state.flow, told[from])?
                {
                    state.flow = flow;
                }
                *state = self.decoder.run(features[from], features[1 - from], state)?;
            }
        }
        Ok(())
    }

    /// The finer stage of matching, from one of the frames. Where there is something told, places take over better flows before it:
    /// without it, at this size, they find too few. Once more after it would give 0.01 dB on real clips, and flicker on still ground.
    fn refine(&self, halves: [&Map; 2], from: usize, state: &State, told: Option<(&Beside, &Map)>) -> Result<Way> {
        let (a, b) = (halves[from], halves[1 - from]);
        let at = a.size();
        let memory = self.memory_to_fine.forward(&state.memory)?.resized(at)?;
        let mut flow = state.flow.resized_flow(at)?;
        if let Some((beside, told)) = told
            && let Some(better) = beside.better(from, &flow, Some(told))?
        {
            flow = better;
        }
        let start = State { flow, visible: state.visible.resized(at)?, memory };
        let State { flow, visible, .. } = self.fine.run(a, b, &start)?;
        Ok(Way { flow, visible })
    }
}

fn go_on(step: &mut Step<'_>, done: f32) -> Result<()> {
    if step(done) { Ok(()) } else { Err(Error::Cancelled) }
}

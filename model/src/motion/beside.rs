//! Propagation: takes over the flow of places beside where a place's own leads to nothing alike.
//!
//! Matching goes from coarse to fine, and where the picture is coarse, the edge of a thing is mostly ground: it goes the
//! ground's way, and local matching no longer finds the way back. But a few places further in, the flow is right. So each
//! place that is lost tries the flow of those around it, as PatchMatch does (Barnes et al. 2009), by the features of the
//! square about it, and takes over what is much more alike. And where frames beyond the pair stand nearer than its frames
//! do to each other, every place tries what an even motion makes of the flow to those: over a third of the way a fence
//! post is found that is lost over the whole. Nothing of it is trained.

use candle_core::{Device, Result as CandleResult, Tensor};
use pulp::Arch;
use rayon::prelude::*;

use super::alike::{LIKE, apart, apart_between, neighbours};
use crate::{
    Result,
    engine::{Map, PlacesOnGpu, TakeOver},
    kernels::place_by_place,
};

/// A place is compared by the features of a square of so many to each side.
const REACH: isize = 1;
/// What is lost, and what is taken over. What is told from elsewhere was found on other frames, and needs less to be better.
const RULES: TakeOver =
    TakeOver { misfit: 0.6, far: 1.0, share: 0.7, told_share: 0.85, steps: [2, 5], neighbours: 3, like: LIKE };

/// The finest levels at a quarter of the resolution, at which it is done: more of them find no more.
pub(crate) const LEVELS: usize = 2;

/// A place: across and down.
type Place = (usize, usize);

/// One frame's features, a place's channels side by side, less their mean.
pub(crate) struct Places {
    height: usize,
    width: usize,
    channels: usize,
    values: Vec<f32>,
    /// How far each place is from the four beside it, in the mean, by the squares about them.
    grain: Vec<f32>,
}

impl Places {
    fn new(features: &Tensor) -> CandleResult<Self> {
        let (_, _, height, width) = features.dims4()?;
        let values = place_by_place(features)?;
        let channels = values.len() / (height * width);
        let mut places = Self { height, width, channels, values, grain: Vec::new() };
        let arch = Arch::new();
        let edge = |place| arch.dispatch(|| places.edge(place));
        let own: Vec<f32> = (0..height * width).into_par_iter().map(edge).collect();
        places.grain = (0..height * width)
            .into_par_iter()
            .map(|place| {
                let (x, y) = (place % width, place / width);
                square().map(|(dx, dy)| own[beside(y, dy, height) * width + beside(x, dx, width)]).sum::<f32>() / 4.0
            })
            .collect();
        Ok(places)
    }

    /// The features of a place so far from another; beyond the border those at it.
    #[inline(always)]
    fn at(&self, (x, y): (usize, usize), (dx, dy): (isize, isize)) -> &[f32] {
        let (x, y) = (beside(x, dx, self.width), beside(y, dy, self.height));
        &self.values[(y * self.width + x) * self.channels..][..self.channels]
    }

    /// How far a place is from the four beside it, in all.
    #[inline(always)]
    fn edge(&self, place: usize) -> f32 {
        let at = (place % self.width, place / self.width);
        let own = self.at(at, (0, 0));
        let mut sum = 0.0;
        for step in [(-1, 0), (1, 0), (0, -1), (0, 1)] {
            sum += apart(own, self.at(at, step));
        }
        sum
    }

    /// The corners about a point and how far it is from the first; none where it is outside the picture.
    #[inline(always)]
    fn around(&self, (x, y): (f32, f32)) -> Option<([Place; 4], f32, f32)> {
        let within = |at: f32, end: usize| (0.0..=(end - 1) as f32).contains(&at);
        if !within(x, self.width) || !within(y, self.height) {
            return None;
        }
        let (left, top) = (x as usize, y as usize);
        let (right, bottom) = ((left + 1).min(self.width - 1), (top + 1).min(self.height - 1));
        let corners = [(left, top), (right, top), (left, bottom), (right, bottom)];
        Some((corners, x - left as f32, y - top as f32))
    }
}

/// A place so far from another along one side, held within it.
#[inline(always)]
fn beside(at: usize, step: isize, end: usize) -> usize {
    at.saturating_add_signed(step).min(end - 1)
}

/// Steps to all places of the square about one.
#[inline(always)]
fn square() -> impl Iterator<Item = (isize, isize)> {
    (-REACH..=REACH).flat_map(|dy| (-REACH..=REACH).map(move |dx| (dx, dy)))
}

/// Two frames whose places may take over the flow of those beside them.
pub(crate) enum Beside {
    Cpu([Places; 2]),
    Gpu(PlacesOnGpu),
}

impl Beside {
    /// Of two frames' features `[C, H, W]`.
    pub(crate) fn new(features: [&Map; 2]) -> Result<Self> {
        if let Some(places) = PlacesOnGpu::new(features)? {
            return Ok(Self::Gpu(places));
        }
        Ok(Self::Cpu([Places::new(&features[0].tensor()?)?, Places::new(&features[1].tensor()?)?]))
    }

    /// The flow `[2, H, W]` from one of the frames to the other, where a flow beside is better, or what is told of it from
    /// elsewhere, at any resolution; none where none is.
    pub(crate) fn better(&self, from: usize, flow: &Map, told: Option<&Map>) -> Result<Option<Map>> {
        let told = told.map(|told| told.resized_flow(flow.size())).transpose()?;
        match self {
            Self::Gpu(places) => places.taken_over(from, flow, told.as_ref(), &RULES),
            Self::Cpu(places) => {
                let told = told.map(|told| told.tensor()).transpose()?;
                Ok(Self::on_cpu(places, from, &flow.tensor()?, told.as_ref())?.map(Map::Cpu))
            }
        }
    }

    fn on_cpu(places: &[Places; 2], from: usize, flow: &Tensor, told: Option<&Tensor>) -> CandleResult<Option<Tensor>> {
        let (one, other) = (&places[from], &places[1 - from]);
        let (width, height) = (one.width, one.height);
        let mut flow = flow.flatten_all()?.to_vec1::<f32>()?;
        let told = told.map(|told| told.flatten_all()?.to_vec1::<f32>()).transpose()?;
        let places = width * height;
        let arch = Arch::new();
        let taken = |place| arch.dispatch(|| taken_over(one, other, &flow, told.as_deref(), place));
        let taken: Vec<Option<(f32, f32)>> = (0..places).into_par_iter().map(taken).collect();
        let after: Vec<_> =
            (0..places).map(|place| taken[place].or(Some((flow[place], flow[places + place])))).collect();
        let mut any = false;
        for (place, motion) in taken.iter().enumerate() {
            if let Some(motion) = motion.filter(|motion| neighbours(&after, width, place, *motion) >= RULES.neighbours)
            {
                (flow[place], flow[places + place]) = motion;
                any = true;
            }
        }
        any.then(|| Tensor::from_vec(flow, (1, 2, height, width), &Device::Cpu)).transpose()
    }
}

/// The flow that a place takes over, if one beside, or what is told of it, leads to what is much more alike.
#[inline(always)]
fn taken_over(one: &Places, other: &Places, flow: &[f32], told: Option<&[f32]>, place: usize) -> Option<(f32, f32)> {
    let (x, y) = (place % one.width, place / one.width);
    let of = |flow: &[f32], place: usize| (flow[place], flow[one.width * one.height + place]);
    let led = |place: usize| of(flow, place);
    let left = |motion| left(one, other, (x, y), motion);
    let own = left(led(place))?;
    let is_lost = own > RULES.misfit * one.grain[place];
    let around = is_lost.then_some(RULES.steps.map(|step| step as isize)).into_iter().flatten().flat_map(|step| {
        square()
            .filter(|o| *o != (0, 0))
            .map(move |(dx, dy)| led(beside(y, step * dy, one.height) * one.width + beside(x, step * dx, one.width)))
    });
    let far = |(u, v): (f32, f32)| (u - led(place).0).abs().max((v - led(place).1).abs()) > RULES.far;
    let told = told.map(|told| (of(told, place), RULES.told_share)).filter(|(flow, _)| far(*flow));
    let tried = around.map(|flow| (flow, RULES.share)).chain(told);
    let alike =
        tried.filter_map(|(flow, share)| left(flow).filter(|left| *left < share * own).map(|left| (left, flow)));
    alike.min_by(|(a, _), (b, _)| a.total_cmp(b)).map(|(_, flow)| flow).filter(|flow| far(*flow))
}

/// How far a place is from what stands where a motion takes it, by the squares about both; none outside the picture.
#[inline(always)]
fn left(one: &Places, other: &Places, (x, y): Place, (u, v): (f32, f32)) -> Option<f32> {
    let ([a, b, c, d], dx, dy) = other.around((x as f32 + u, y as f32 + v))?;
    let mut sum = 0.0;
    for step in square() {
        let corners = [other.at(a, step), other.at(b, step), other.at(c, step), other.at(d, step)];
        sum += apart_between(one.at((x, y), step), corners, dx, dy);
    }
    Some(sum)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{Engine, gpus};

    const SIZE: (usize, usize) = (16, 24);
    const CHANNELS: usize = 4;

    /// A frame of noise with a square of other noise, eight to a side, at (`left`, 4).
    fn frame(engine: &Engine, left: usize) -> Map {
        let noise = |seed: usize, channel: usize, y: usize, x: usize| {
            let mixed = (seed * 7919 + (channel * SIZE.0 + y) * SIZE.1 + x).wrapping_mul(2_654_435_761) % 65_521;
            f32::from(u16::try_from(mixed).unwrap()) / 65_521.0
        };
        let at = |i: usize| {
            let (channel, y, x) = (i / (SIZE.0 * SIZE.1), i / SIZE.1 % SIZE.0, i % SIZE.1);
            let inside = (4..12).contains(&y) && (left..left + 8).contains(&x);
            if inside { noise(1, channel, y, x - left) } else { noise(0, channel, y, x) }
        };
        let values = (0..CHANNELS * SIZE.0 * SIZE.1).map(at).collect();
        let frame = Tensor::from_vec(values, (1, CHANNELS, SIZE.0, SIZE.1), &Device::Cpu).unwrap();
        engine.put(&frame).unwrap()
    }

    /// The flow of the square, known so far from its edge on, and one across of all else.
    fn flow(engine: &Engine, rim: usize, ground: f32) -> Map {
        let mut flow = vec![ground; 2 * SIZE.0 * SIZE.1];
        flow[SIZE.0 * SIZE.1..].fill(0.0);
        for (y, x) in (4 + rim..12 - rim).flat_map(|y| (4 + rim..12 - rim).map(move |x| (y, x))) {
            flow[y * SIZE.1 + x] = 7.0;
        }
        engine.put(&Tensor::from_vec(flow, (1, 2, SIZE.0, SIZE.1), &Device::Cpu).unwrap()).unwrap()
    }

    /// What is better than a flow, of places by rows.
    fn better(features: [&Map; 2], flow: &Map, told: Option<&Map>) -> Option<Vec<Vec<Vec<f32>>>> {
        let better = Beside::new(features).unwrap().better(0, flow, told).unwrap()?;
        Some(better.tensor().unwrap().squeeze(0).unwrap().to_vec3().unwrap())
    }

    /// Places whose squares lie wholly within the thing.
    fn within() -> impl Iterator<Item = (usize, usize)> {
        (5..11).flat_map(|y| (5..11).map(move |x| (y, x)))
    }

    #[test]
    fn an_edge_takes_over_the_flow_further_in() {
        takes_over_the_flow_further_in(&Engine::Cpu);
    }

    fn takes_over_the_flow_further_in(engine: &Engine) {
        let flow = better([&frame(engine, 4), &frame(engine, 11)], &flow(engine, 2, 0.0), None).unwrap();
        for (y, x) in within() {
            assert_eq!([flow[0][y][x], flow[1][y][x]], [7.0, 0.0], "at {x}, {y}");
        }
        assert_eq!([flow[0][0][0], flow[0][15][23], flow[0][8][1]], [0.0; 3], "the ground stands still");
    }

    #[test]
    fn what_is_told_of_it_finds_a_thing_that_nothing_beside_it_knows() {
        finds_what_is_told(&Engine::Cpu);
    }

    fn finds_what_is_told(engine: &Engine) {
        let frames = [&frame(engine, 4), &frame(engine, 11)];
        let still = flow(engine, 8, 0.0);
        assert!(better(frames, &still, None).is_none(), "no flow is there to take over");
        // What is told of all else is wrong.
        let flow = better(frames, &still, Some(&flow(engine, 0, -3.0))).unwrap();
        for (y, x) in within() {
            assert_eq!(flow[0][y][x], 7.0, "at {x}, {y}");
        }
        assert_eq!([flow[0][0][0], flow[0][15][23]], [0.0; 2], "the ground stands still, whatever is told of it");
    }

    #[test]
    fn what_is_right_or_leads_out_of_the_picture_stays() {
        stays(&Engine::Cpu);
    }

    fn stays(engine: &Engine) {
        let (first, last) = (frame(engine, 4), frame(engine, 11));
        assert!(better([&first, &first], &flow(engine, 8, 0.0), None).is_none());
        let out = flow(engine, 8, 0.0).affine(1.0, 100.0).unwrap();
        assert!(better([&first, &last], &out, None).is_none());
    }

    #[test]
    #[ignore = "needs a GPU, or Mesa's software Vulkan"]
    fn a_gpu_takes_over_the_same() {
        for gpu in gpus() {
            let engine = Engine::Gpu(gpu);
            takes_over_the_flow_further_in(&engine);
            finds_what_is_told(&engine);
            stays(&engine);
        }
    }
}

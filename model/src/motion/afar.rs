//! Global matching: looks everywhere for what matching from coarse to fine has lost.
//!
//! A thing that moves further than its own size is gone where the picture is coarse enough for the motion to be small. So
//! each place is also compared with all places of the other frame, by the features of a square about it, at resolutions
//! where that is cheap. What is found must be much alike, found the same from both sides, and by neighbours too; there the
//! flow starts anew. Nothing of it is trained.

use candle_core::{Device, Result as CandleResult, Tensor};
use pulp::Arch;
use rayon::prelude::*;

use crate::{
    Result,
    engine::{Engine, Map, SquaresOnGpu},
    kernels::{Matrix, multiply},
};

/// The most places of a frame that are compared: the work may grow by their square.
const MOST: usize = 22_000;
/// A place is compared by the features of a square of so many to each side.
const REACH: usize = 2;
/// Where the flow leads out of the picture there is nothing to be found. Else what is found must lie further than so many
/// places from where it leads,
const FAR: f32 = 2.0;
/// leave at most this share of the difference that the flow leaves, and any place as near as that: of a pattern that
/// repeats, another turn may happen to fit a little better,
const SHARE: f32 = 0.7;
/// where that difference is more than half a place's misfit could be: so much of how far a place is from the four beside it,
const MISFIT: f32 = 0.6;
/// lead back from the other frame to within so much of where it started,
const BACK: usize = 1;
/// and be found by so many of the eight neighbours, to within so much.
const NEIGHBOURS: usize = 2;
pub(super) const LIKE: f32 = 1.0;
/// The most places of a frame that are looked for: in noise all seem lost, and nothing is to be found.
const SOUGHT: usize = 3000;
/// Places of one frame compared with the other at once, by one thread.
const ROWS: usize = 128;
/// Numbers that are added side by side.
const LANES: usize = 8;

/// Whether to look afar where a frame has so many places: at the finest level that is cheap enough, and the two after it.
pub(crate) fn is_worth_it((height, width): (usize, usize)) -> bool {
    let places = height * width;
    places <= MOST && places * 64 > MOST
}

/// One frame's places, each described by the features of the square about it.
struct Described {
    width: usize,
    height: usize,
    /// Values of one description.
    length: usize,
    values: Vec<f32>,
    /// The sum of each description's squares.
    squares: Vec<f32>,
}

impl Described {
    /// Describes features `[1, C, H, W]`, less their mean; beyond the border its features are repeated.
    fn new(features: &Tensor) -> CandleResult<Self> {
        let (_, _, height, width) = features.dims4()?;
        // Places as rows, so that a square is five runs of memory.
        let places = place_by_place(features)?;
        let channels = places.len() / (height * width);
        let side = 2 * REACH + 1;
        let length = side * side * channels;
        let mut values = vec![0.0; height * width * length];
        values.par_chunks_exact_mut(length).enumerate().for_each(|(place, values)| {
            let (y, x) = (place / width, place % width);
            for (i, out) in values.chunks_exact_mut(channels).enumerate() {
                let near = |at: usize, step: usize, end: usize| (at + step).saturating_sub(REACH).min(end - 1);
                let from = near(y, i / side, height) * width + near(x, i % side, width);
                out.copy_from_slice(&places[from * channels..][..channels]);
            }
        });
        let arch = Arch::new();
        let nothing = vec![0.0; length];
        let squares = values.par_chunks_exact(length).map(|v| arch.dispatch(|| apart(v, &nothing))).collect();
        Ok(Self { width, height, length, values, squares })
    }

    fn places(&self) -> usize {
        self.squares.len()
    }

    #[inline(always)]
    fn of(&self, place: usize) -> &[f32] {
        &self.values[place * self.length..][..self.length]
    }

    /// How far a place is from the four beside it, in the mean.
    #[inline(always)]
    fn grain(&self, x: usize, y: usize) -> f32 {
        let (left, right) = (x.saturating_sub(1), (x + 1).min(self.width - 1));
        let (above, below) = (y.saturating_sub(1), (y + 1).min(self.height - 1));
        let here = self.of(y * self.width + x);
        let mut sum = 0.0;
        for (x, y) in [(left, y), (right, y), (x, above), (x, below)] {
            sum += apart(here, self.of(y * self.width + x));
        }
        sum / 4.0
    }

    /// How far a description is from what stands at a place near a point, at the least.
    #[inline(always)]
    fn least_near(&self, described: &[f32], x: f32, y: f32) -> f32 {
        let near = |at: f32, end: usize| {
            let held = |at: f32| at.round_ties_even().clamp(0.0, (end - 1) as f32) as usize;
            held(at - FAR)..=held(at + FAR)
        };
        let mut least = f32::INFINITY;
        for y in near(y, self.height) {
            for x in near(x, self.width) {
                least = least.min(apart(self.of(y * self.width + x), described));
            }
        }
        least
    }

    /// How far a description is from what stands at a point, between places too.
    #[inline(always)]
    fn difference(&self, described: &[f32], x: f32, y: f32) -> f32 {
        let (x, y) = (x.clamp(0.0, (self.width - 1) as f32), y.clamp(0.0, (self.height - 1) as f32));
        let (left, top) = (x as usize, y as usize);
        let (right, bottom) = ((left + 1).min(self.width - 1), (top + 1).min(self.height - 1));
        let (dx, dy) = (x - left as f32, y - top as f32);
        let corner = |x: usize, y: usize| self.of(y * self.width + x);
        let corners = [corner(left, top), corner(right, top), corner(left, bottom), corner(right, bottom)];
        apart_between(described, corners, dx, dy)
    }
}

/// Features `[1, C, H, W]` less their mean, a place's channels side by side.
pub(super) fn place_by_place(features: &Tensor) -> CandleResult<Vec<f32>> {
    let centred = features.broadcast_sub(&features.mean_keepdim((2, 3))?)?;
    centred.squeeze(0)?.permute((1, 2, 0))?.contiguous()?.flatten_all()?.to_vec1()
}

// These sums are inlined into what is dispatched, so that they are compiled for the vectors of the machine; they have as many parts as
// vectors have numbers, and are the same on every machine.

/// How far two descriptions are from being the same.
#[inline(always)]
pub(super) fn apart(a: &[f32], b: &[f32]) -> f32 {
    let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<LANES>(), b.as_chunks::<LANES>());
    let mut parts = [0.0; LANES];
    for (a, b) in a.iter().zip(b) {
        for lane in 0..LANES {
            parts[lane] += square(a[lane] - b[lane]);
        }
    }
    for (part, (a, b)) in parts.iter_mut().zip(a_rest.iter().zip(b_rest)) {
        *part += square(a - b);
    }
    parts.iter().sum()
}

/// How far a description is from what lies between four others, `dx` across and `dy` down from the first.
#[inline(always)]
pub(super) fn apart_between(described: &[f32], [a, b, c, d]: [&[f32]; 4], dx: f32, dy: f32) -> f32 {
    let left = |described: f32, a: f32, b: f32, c: f32, d: f32| {
        let (upper, lower) = (a + dx * (b - a), c + dx * (d - c));
        square(upper + dy * (lower - upper) - described)
    };
    let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<LANES>(), b.as_chunks::<LANES>());
    let ((c, c_rest), (d, d_rest)) = (c.as_chunks::<LANES>(), d.as_chunks::<LANES>());
    let (described, rest) = described.as_chunks::<LANES>();
    let mut parts = [0.0; LANES];
    for ((((described, a), b), c), d) in described.iter().zip(a).zip(b).zip(c).zip(d) {
        for lane in 0..LANES {
            parts[lane] += left(described[lane], a[lane], b[lane], c[lane], d[lane]);
        }
    }
    for (i, (part, described)) in parts.iter_mut().zip(rest).enumerate() {
        *part += left(*described, a_rest[i], b_rest[i], c_rest[i], d_rest[i]);
    }
    parts.iter().sum()
}

#[inline(always)]
fn square(x: f32) -> f32 {
    x * x
}

/// Two frames' places, to be compared each with each.
pub(crate) struct Compared {
    width: usize,
    places: usize,
    engine: Comparing,
}

enum Comparing {
    Cpu([Described; 2]),
    Gpu(SquaresOnGpu),
}

impl Compared {
    /// Describes two frames by their features `[C, H, W]`.
    pub(crate) fn new(features: [&Map; 2]) -> Result<Self> {
        let (height, width) = features[0].size();
        let engine = match SquaresOnGpu::new(features, REACH)? {
            Some(squares) => Comparing::Gpu(squares),
            None => Comparing::Cpu([Described::new(&features[0].tensor()?)?, Described::new(&features[1].tensor()?)?]),
        };
        Ok(Self { width, places: height * width, engine })
    }

    /// The flow `[2, H, W]` from one of the frames to the other, where something more like was found further away; none where
    /// nothing was.
    pub(crate) fn better(&self, from: usize, flow: &Map, engine: &Engine) -> Result<Option<Map>> {
        let (mut flow, lost) = self.lost(from, flow)?;
        let found = self.found(from, &flow, lost)?;
        let mut any = false;
        for place in 0..self.places {
            let like = |motion: &(f32, f32)| neighbours(&found, self.width, place, *motion) >= NEIGHBOURS;
            if let Some(motion) = found[place].filter(like) {
                (flow[place], flow[self.places + place]) = motion;
                any = true;
            }
        }
        let shape = (1, 2, self.places / self.width, self.width);
        any.then(|| engine.put(&Tensor::from_vec(flow, shape, &Device::Cpu)?)).transpose()
    }

    /// A flow's values, and the places that it leads to nothing alike, those that lie furthest from it first: those alone are compared
    /// with all of the other frame's.
    fn lost(&self, from: usize, flow: &Map) -> Result<(Vec<f32>, Vec<Lost>)> {
        let (flow, mut lost) = match &self.engine {
            Comparing::Cpu(frames) => {
                let flow = flow.tensor()?.flatten_all()?.to_vec1::<f32>()?;
                let lost = lost(&frames[from], &frames[1 - from], &flow);
                (flow, lost)
            }
            Comparing::Gpu(frames) => {
                let mut said = frames.lost(from, flow, [MISFIT, FAR])?;
                let flow = said.split_off(2 * self.places);
                let (left, over) = said.split_at(self.places);
                let lost = left.iter().zip(over).enumerate().filter(|(_, (_, over))| **over > 0.0);
                (flow, lost.map(|(place, (&left, &over))| Lost { place, left, over }).collect())
            }
        };
        lost.sort_by(|a, b| b.over.total_cmp(&a.over));
        lost.truncate(SOUGHT);
        Ok((flow, lost))
    }

    /// By place of a frame: the motion to what is far more like it than where the flow leads, and found from both sides.
    fn found(&self, from: usize, flow: &[f32], lost: Vec<Lost>) -> Result<Vec<Option<(f32, f32)>>> {
        let at = |place: usize| (place % self.width, place / self.width);
        let motion = |place: usize, to: usize| {
            let ((x, y), (u, v)) = (at(place), at(to));
            (u as f32 - x as f32, v as f32 - y as f32)
        };
        let there = self.likest(from, &lost.iter().map(|lost| lost.place).collect::<Vec<_>>())?;
        let mut better = Vec::new();
        for (Lost { place, left, .. }, (rest, to)) in lost.into_iter().zip(there) {
            let ((u, v), (dx, dy)) = (motion(place, to), (flow[place], flow[self.places + place]));
            if (u - dx).abs().max((v - dy).abs()) > FAR && rest < SHARE * left {
                better.push((place, to));
            }
        }
        let back = self.likest(1 - from, &better.iter().map(|(_, to)| *to).collect::<Vec<_>>())?;
        let mut found = vec![None; self.places];
        for ((place, to), (_, back)) in better.into_iter().zip(back) {
            let ((x, y), (back_x, back_y)) = (at(place), at(back));
            if back_x.abs_diff(x).max(back_y.abs_diff(y)) <= BACK {
                found[place] = Some(motion(place, to));
            }
        }
        Ok(found)
    }

    /// Of some of a frame's places: the place of the other frame that is most like it, after how far it is from being the same.
    fn likest(&self, from: usize, places: &[usize]) -> Result<Vec<(f32, usize)>> {
        match &self.engine {
            _ if places.is_empty() => Ok(Vec::new()),
            Comparing::Cpu(frames) => Ok(likest(&frames[from], places, &frames[1 - from])),
            Comparing::Gpu(frames) => frames.likest(from, places),
        }
    }
}

/// A place whose flow leads to nothing alike.
struct Lost {
    place: usize,
    /// The difference that the flow leaves, and how much more that is than what would not be worth looking for better.
    left: f32,
    over: f32,
}

/// The places of `one` frame whose flow leads to nothing alike.
fn lost(one: &Described, other: &Described, flow: &[f32]) -> Vec<Lost> {
    let within = |at: f32, end: usize| (0.0..=(end - 1) as f32).contains(&at);
    let lost = |place: usize| {
        let (x, y) = (place % one.width, place / one.width);
        let (to_x, to_y) = (x as f32 + flow[place], y as f32 + flow[one.places() + place]);
        if !within(to_x, one.width) || !within(to_y, one.height) {
            return None;
        }
        let (left, enough) = (other.difference(one.of(place), to_x, to_y), MISFIT * one.grain(x, y));
        // What is near is looked at only where that can still be more.
        let left = if left > enough { left.min(other.least_near(one.of(place), to_x, to_y)) } else { left };
        (left > enough).then_some(Lost { place, left, over: left - enough })
    };
    let arch = Arch::new();
    (0..one.places()).into_par_iter().filter_map(|place| arch.dispatch(|| lost(place))).collect()
}

/// How many of a place's eight neighbours have found much the same motion.
pub(super) fn neighbours(found: &[Option<(f32, f32)>], width: usize, place: usize, motion: (f32, f32)) -> usize {
    let (x, y, height) = (place % width, place / width, found.len() / width);
    let near = |at: usize, end: usize| at.saturating_sub(1)..(at + 2).min(end);
    let around = near(y, height).flat_map(|v| near(x, width).map(move |u| v * width + u)).filter(|at| *at != place);
    let like = |other: &(f32, f32)| (other.0 - motion.0).abs().max((other.1 - motion.1).abs()) <= LIKE;
    around.filter(|at| found[*at].as_ref().is_some_and(like)).count()
}

/// Of some of a frame's places: the place of the other frame that is most like it, after how far it is from being the same.
/// |a - b|² = |a|² + |b|² - 2ab, by products of matrices.
fn likest(one: &Described, places: &[usize], other: &Described) -> Vec<(f32, usize)> {
    let others = Matrix::new(&other.values, other.places(), other.length, other.length).transposed();
    let blocks = places.par_chunks(ROWS).map(|block| {
        let ours: Vec<f32> = block.iter().flat_map(|place| one.of(*place)).copied().collect();
        let mut products = vec![0.0; block.len() * other.places()];
        let ours = Matrix::new(&ours, block.len(), one.length, one.length);
        multiply(&mut products, other.places(), ours, others, false);
        let nearest = |(place, products): (&usize, &[f32])| {
            let apart = products.iter().zip(&other.squares).map(|(p, b)| (one.squares[*place] + b - 2.0 * p).max(0.0));
            let first = |best: (f32, usize), (to, apart)| if apart < best.0 { (apart, to) } else { best };
            apart.enumerate().fold((f32::INFINITY, 0), first)
        };
        block.iter().zip(products.chunks_exact(other.places())).map(nearest).collect::<Vec<_>>()
    });
    blocks.flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::gpus;

    const SIZE: (usize, usize) = (14, 20);
    const CHANNELS: usize = 4;

    /// Features that are the same in no two places.
    fn features(seed: u32) -> Vec<f32> {
        let mut state = seed;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            f32::from(u16::try_from(state >> 16).unwrap()) / 65_536.0
        };
        (0..CHANNELS * SIZE.0 * SIZE.1).map(|_| next()).collect()
    }

    fn put(engine: &Engine, values: Vec<f32>) -> Map {
        let channels = values.len() / (SIZE.0 * SIZE.1);
        engine.put(&Tensor::from_vec(values, (1, channels, SIZE.0, SIZE.1), &Device::Cpu).unwrap()).unwrap()
    }

    fn still(engine: &Engine) -> Map {
        engine.zeros(2, SIZE).unwrap()
    }

    fn better(features: [&Map; 2], from: usize, flow: &Map, engine: &Engine) -> Option<Map> {
        Compared::new(features).unwrap().better(from, flow, engine).unwrap()
    }

    /// A square of seven to a side, at (2, 3) of the first frame and at (11, 5) of the second.
    fn jump(engine: &Engine) -> [Map; 2] {
        let (ground, thing) = (features(1), features(2));
        let with_square = |left: usize, top: usize| {
            let mut frame = ground.clone();
            for channel in 0..CHANNELS {
                for (y, x) in (0..7).flat_map(|y| (0..7).map(move |x| (y, x))) {
                    let at = |y: usize, x: usize| (channel * SIZE.0 + y) * SIZE.1 + x;
                    frame[at(top + y, left + x)] = thing[at(y, x)];
                }
            }
            put(engine, frame)
        };
        [with_square(2, 3), with_square(11, 5)]
    }

    #[test]
    fn what_jumped_is_found_both_ways() {
        finds_what_jumped(&Engine::Cpu);
    }

    fn finds_what_jumped(engine: &Engine) {
        let [first, last] = jump(engine);
        for (from, (left, top), motion) in [(0, (2, 3), [9.0, 2.0]), (1, (11, 5), [-9.0, -2.0])] {
            let flow = better([&first, &last], from, &still(engine), engine).unwrap();
            let flow = flow.tensor().unwrap().squeeze(0).unwrap().to_vec3::<f32>().unwrap();
            // Places whose squares lie wholly within the thing.
            for (y, x) in (2..5).flat_map(|y| (2..5).map(move |x| (y + top, x + left))) {
                assert_eq!([flow[0][y][x], flow[1][y][x]], motion, "at {x}, {y}");
            }
            assert_eq!([flow[0][13][0], flow[1][13][0]], [0.0, 0.0], "the ground stands still");
        }
    }

    #[test]
    fn where_the_flow_is_right_nothing_is_changed() {
        changes_nothing_that_is_right(&Engine::Cpu);
    }

    fn changes_nothing_that_is_right(engine: &Engine) {
        let [first, last] = jump(engine);
        let flow = better([&first, &last], 0, &still(engine), engine).unwrap();
        assert!(better([&first, &last], 0, &flow, engine).is_none());
        assert!(better([&first, &first], 0, &still(engine), engine).is_none());
    }

    #[test]
    #[ignore = "needs a GPU, or Mesa's software Vulkan"]
    fn a_gpu_finds_the_same() {
        for gpu in gpus() {
            let engine = Engine::Gpu(gpu);
            finds_what_jumped(&engine);
            changes_nothing_that_is_right(&engine);
            // In noise all is lost, and each place is compared with all.
            let [one, other] = [features(3), features(4)];
            let compared = |engine: &Engine| {
                let compared = Compared::new([&put(engine, one.clone()), &put(engine, other.clone())]).unwrap();
                let (_, lost) = compared.lost(0, &still(engine)).unwrap();
                let mut places: Vec<usize> = lost.iter().map(|lost| lost.place).collect();
                places.sort_unstable();
                let likest = compared.likest(0, &places).unwrap();
                (places, likest)
            };
            let (known, made) = (compared(&Engine::Cpu), compared(&engine));
            assert!(known.0.len() > 100, "{} are lost", known.0.len());
            assert_eq!(made.0, known.0);
            for ((apart, to), (known_apart, known_to)) in made.1.into_iter().zip(known.1) {
                assert_eq!(to, known_to);
                assert!((apart - known_apart).abs() < 1e-3 * known_apart, "{apart}, not {known_apart}");
            }
        }
    }

    #[test]
    fn only_what_is_cheap_is_compared() {
        let worth = |width: usize, height: usize| (1..8).filter(|l| is_worth_it((height >> l, width >> l))).count();
        for (width, height) in [(1280, 720), (1536, 864), (640, 360), (3840, 2160)] {
            assert_eq!(worth(width, height), 3, "{width}x{height}");
        }
        assert!(!is_worth_it((720, 1280)));
    }
}

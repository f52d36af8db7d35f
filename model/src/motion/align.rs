//! What is moved is brought into line before it is mixed, without weights: pictures that lie a fraction of a pixel apart are soft
//! when they are mixed.

use super::{
    network::Both,
    synthesis::{Known, MOVED, Synthesised},
};
use crate::{Result, engine::Map};

/// How often both frames, moved, are brought nearer to each other.
const STEPS: usize = 2;
/// How far around a pixel they are compared.
const AROUND: usize = 3;
/// Added to the mean square of each gradient, in display units by pixel: what noise alone would give, so that it moves nothing.
const NOISE: f64 = 7e-5;
/// The most pixels of a step: further away, another edge may be the nearest.
const MOST: f64 = 1.0;
/// A step is taken where it leaves less than this of the difference.
const LEAVES: f64 = 0.95;
/// Paths of one frame's pixels that lie so many pixels apart are taken for one, twice as far apart for two, between them in part.
const SAME: f64 = 4.0;

impl Synthesised {
    /// The same, but with both frames, moved, nearer to each other, and the curved and the even path of each one path where they
    /// are nearly that: mean paths show one sharp edge where a mean of pictures shows two.
    pub(crate) fn aligned(mut self, known: &Known, t: f64) -> Result<Self> {
        for side in [0, 2] {
            let mut flow = [self.flow[side].clone(), self.flow[side + 1].clone()];
            for _ in 0..STEPS {
                flow = nearer(&known.pictures, flow, t)?;
            }
            let [first, last] = flow;
            (self.flow[side], self.flow[side + 1]) = (first, last);
        }
        for frame in 0..2 {
            let [curved, even] = [&self.flow[frame], &self.flow[frame + 2]];
            let worth = [self.weights.planes(frame, 1)?, self.weights.planes(frame + 2, 1)?];
            let share = worth[0].over(&worth[0].plus(&worth[1])?.at_least(f64::from(f32::MIN_POSITIVE))?)?;
            let mean = even.plus(&curved.minus(even)?.times(&share)?)?;
            let apart = curved.minus(even)?.abs()?.largest()?;
            let same = apart.affine(-1.0 / SAME, 2.0)?.at_least(0.0)?.at_most(1.0)?;
            let to_mean = |flow: &Map| flow.plus(&mean.minus(flow)?.times(&same)?);
            (self.flow[frame], self.flow[frame + 2]) = (to_mean(curved)?, to_mean(even)?);
        }
        Ok(self)
    }
}

const _: () = assert!(MOVED == 4, "two paths of two frames");

/// One step of Lucas and Kanade (1981), shared by both flows as the time is: the motion d over the interval for which the frames,
/// moved by f0 + t d and f1 - (1 - t) d, differ least in brightness about each pixel. To first order that is
/// (sum of g g' + noise) d = -(sum of g r), with the gradient g of their mean and their difference r.
fn nearer(pictures: &Both, [f0, f1]: Both, t: f64) -> Result<Both> {
    let (first, last) = (pictures[0].warped(&f0)?, pictures[1].warped(&f1)?);
    let difference = first.minus(&last)?;
    let [x, y] = gradient(&first.plus(&last)?.scaled(0.5)?.mean()?)?;
    let brighter = difference.mean()?;
    let products = [
        &x.squared()?,
        &x.times(&y)?,
        &y.squared()?,
        &x.times(&brighter)?,
        &y.times(&brighter)?,
        &difference.abs()?.mean()?,
    ];
    let sums = Map::joined(&products)?.box_mean(AROUND)?;
    let sum = |i: usize| sums.planes(i, 1);
    let (xx, xy, yy) = (sum(0)?.affine(1.0, NOISE)?, sum(1)?, sum(2)?.affine(1.0, NOISE)?);
    let (xr, yr, apart) = (sum(3)?, sum(4)?, sum(5)?);
    let determinant = xx.times(&yy)?.minus(&xy.squared()?)?;
    let within = |way: Map| way.over(&determinant)?.at_least(-MOST)?.at_most(MOST);
    let across = within(xy.times(&yr)?.minus(&yy.times(&xr)?)?)?;
    let down = within(xy.times(&xr)?.minus(&xx.times(&yr)?)?)?;
    let step = Map::joined(&[&across, &down])?;
    let tried = [f0.plus(&step.scaled(t)?)?, f1.minus(&step.scaled(1.0 - t)?)?];
    let left =
        pictures[0].warped(&tried[0])?.minus(&pictures[1].warped(&tried[1])?)?.abs()?.mean()?.box_mean(AROUND)?;
    let better = left.is_below_that_of(&apart.scaled(LEAVES)?)?;
    Ok([better.chosen(&tried[0], &f0)?, better.chosen(&tried[1], &f1)?])
}

/// How much a plane grows by pixel, across and down; the border is repeated.
fn gradient(plane: &Map) -> Result<Both> {
    let (none, one) = (plane.affine(0.0, 0.0)?, plane.affine(0.0, 1.0)?);
    let along = |way: [&Map; 2]| {
        let step = Map::joined(&way)?;
        plane.warped(&step)?.minus(&plane.warped(&step.scaled(-1.0)?)?)?.scaled(0.5)
    };
    Ok([along([&one, &none])?, along([&none, &one])?])
}

#[cfg(test)]
mod tests {
    use candle_core::{Device, Tensor};

    use super::*;
    use crate::motion::network::FEATURES;

    const SIZE: (usize, usize) = (40, 56);

    fn map(channels: usize, value: impl Fn(usize, usize, usize) -> f32) -> Map {
        let (height, width) = SIZE;
        let places = (0..channels).flat_map(|c| (0..height).flat_map(move |y| (0..width).map(move |x| (c, y, x))));
        let values = places.map(|(c, y, x)| value(c, y, x)).collect();
        Map::Cpu(Tensor::from_vec(values, (1, channels, height, width), &Device::Cpu).unwrap())
    }

    /// Soft waves that move right by 3 and down by 1 over the interval, seen at a time.
    fn waves(t: f32) -> Map {
        map(3, |c, y, x| {
            let (x, y) = (x as f32 - 3.0 * t, y as f32 - t);
            0.5 + 0.2 * (0.5 * x + 0.2 * y + c as f32).sin() + 0.2 * (0.45 * y - 0.15 * x).sin()
        })
    }

    /// A picture with noise on it, of so much from the lowest to the highest.
    fn noisy(picture: Map, seed: usize, range: f32) -> Map {
        let noise = map(3, |c, y, x| {
            let place = ((seed * 3 + c) * SIZE.0 + y) * SIZE.1 + x;
            let hash = (place as u32 + 1).wrapping_mul(0x9E37_79B9);
            range * ((hash ^ (hash >> 15)).wrapping_mul(0x85EB_CA6B) as f32 / u32::MAX as f32 - 0.5)
        });
        picture.plus(&noise).unwrap()
    }

    /// Of two pictures: what is known of them and what is said of a time, by the motion along the curve and the even one.
    fn said(pictures: Both, t: f32, motion: (f32, f32), other: (f32, f32)) -> (Known, Synthesised) {
        let flow = |motion: (f32, f32), share: f32| map(2, |c, _, _| share * if c == 0 { motion.0 } else { motion.1 });
        let both = |channels: usize| [map(channels, |_, _, _| 1.0), map(channels, |_, _, _| 1.0)];
        let known = Known {
            pictures,
            features: both(FEATURES),
            flow: both(2),
            visible: both(1),
            trust: both(1),
            bend: None,
            apart: None,
        };
        let flow = [flow(motion, -t), flow(motion, 1.0 - t), flow(other, -t), flow(other, 1.0 - t)];
        let weights = map(6, |i, _, _| [0.45, 0.15, 0.15, 0.05, 0.1, 0.1][i]);
        (known, Synthesised { flow, weights, error: map(1, |_, _, _| 0.1), arrived: map(1, |_, _, _| 1.0) })
    }

    /// The mean over the middle of the picture, where nothing comes from beyond its border.
    fn middle(map: &Map, channel: usize) -> f32 {
        let part = map.tensor().unwrap().narrow(1, channel, 1).unwrap();
        let part = part.narrow(2, 8, 24).unwrap().narrow(3, 8, 40).unwrap();
        part.mean_all().unwrap().to_scalar().unwrap()
    }

    #[test]
    fn a_motion_that_is_a_little_off_is_mended_at_any_time() {
        for t in [0.5, 0.25] {
            let (known, said) =
                said([noisy(waves(0.0), 0, 0.04), noisy(waves(1.0), 1, 0.04)], t, (3.8, 0.5), (3.8, 0.5));
            let aligned = said.aligned(&known, f64::from(t)).unwrap();
            for (i, share) in [-t, 1.0 - t, -t, 1.0 - t].into_iter().enumerate() {
                let (x, y) = (middle(&aligned.flow[i], 0), middle(&aligned.flow[i], 1));
                let (off_x, off_y) = (x - share * 3.0, y - share);
                assert!(off_x.abs() < 0.06 && off_y.abs() < 0.06, "at {t}, flow {i} is off by {off_x}, {off_y}");
            }
        }
    }

    #[test]
    fn what_fits_stays_and_noise_moves_nothing() {
        let moved = |pictures: Both, motion: (f32, f32)| {
            let (known, before) = said(pictures, 0.5, motion, motion);
            let after = before.clone().aligned(&known, 0.5).unwrap();
            let off = |i: usize| after.flow[i].minus(&before.flow[i]).unwrap().abs().unwrap();
            (0..MOVED).flat_map(|i| [middle(&off(i), 0), middle(&off(i), 1)]).fold(0.0, f32::max)
        };
        let grey = || map(3, |_, _, _| 0.5);
        let noise = |range: f32| [noisy(grey(), 0, range), noisy(grey(), 1, range)];
        assert!(moved([waves(0.0), waves(1.0)], (3.0, 1.0)) < 0.01);
        for range in [0.05, 0.2, 0.8] {
            assert!(moved(noise(range), (3.0, 1.0)) < 0.01, "noise of {range}");
        }
        // Waves too faint to be told from noise, where they do not fit.
        let faint = |t: f32| waves(t).affine(0.005, 0.5).unwrap();
        assert!(moved([faint(0.0), faint(1.0)], (3.8, 0.5)) < 0.02);
    }

    #[test]
    fn paths_become_one_by_their_worth_where_they_are_near_to_each_other_alone() {
        let grey = || [map(3, |_, _, _| 0.5), map(3, |_, _, _| 0.5)];
        let paths = |curved: f32| {
            let (known, said) = said(grey(), 0.5, (2.0 * curved, 0.0), (2.0, 0.0));
            let aligned = said.aligned(&known, 0.5).unwrap();
            [0, 2].map(|i| middle(&aligned.flow[i], 0))
        };
        let are = |made: [f32; 2], wanted: [f32; 2]| made.iter().zip(wanted).all(|(a, b)| (a - b).abs() < 1e-4);
        // Three quarters of what is one are the curved path's.
        assert!(are(paths(4.9), [-3.925; 2]), "{:?}", paths(4.9));
        assert!(are(paths(9.1), [-9.1, -1.0]), "{:?}", paths(9.1));
    }
}

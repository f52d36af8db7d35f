//! Motion carried on beyond a clip's end: what moves goes on as it did, and comes to rest.
//!
//! The flow from the last frame back to the one before it tells how everything moves. Each place of the frame goes on that
//! way, ever slower; what its going uncovers was never seen, and is filled from what is around it, and what comes in from
//! beyond the border is the frame in a mirror.

use candle_core::{Result as CandleResult, Tensor};
use rayon::prelude::*;

use super::{apply::plane, course::Course, holes::fill, pair::Pair};
use crate::{
    Frame, Result,
    kernels::{avg_pool2, box_mean, resize_bilinear, resize_flow, splat},
};

/// What is fast comes to rest sooner: nothing goes further than this share of the picture's longer side.
const FURTHEST: f64 = 0.3;
/// Motion of so little a frame, as a share of the longer side, is slow,
const SLOW: f64 = 0.001_6;
/// and what is slow goes as what is slow around it does, within this share of the longer side,
const AROUND: f64 = 0.075;
/// from which it differs, by noise, by about this share: an edge that stands still would come to waver.
const NOISE: f64 = 0.000_47;
/// How far around a place, at a quarter of the size, the median is taken of where what is there comes from: pieces that were
/// torn off go with what is around them.
const TORN: usize = 2;
/// Less of a place than this that is reached is a hole.
const REACHED: f64 = 0.5;
/// How near to the border, as a share of the longer side, a place may just have come in over it,
const BORDER: f64 = 0.05;
/// and how little it is then trusted: it goes as what is around it does.
const STRANGE: f32 = 0.8;
/// Trust that is left at the least: each place of the frame goes somewhere.
const DISTRUST: f64 = 0.01;

/// What goes on beyond a known frame, and how.
#[derive(Clone, Copy)]
pub(crate) struct Beyond<'a> {
    /// The outermost known frame,
    pub(crate) last: &'a Frame,
    /// the one that tells how everything moves,
    pub(crate) before: &'a Frame,
    /// and how many frames lie between the two.
    pub(crate) spacing: f64,
    /// How many frames beyond the outermost.
    pub(crate) away: f64,
    /// Frames over which what moves comes to rest.
    pub(crate) rest: f64,
}

/// The course of the last frame, of a pair that was matched, the one before it first.
pub(super) fn onward(pair: &Pair, Beyond { spacing, away, rest, .. }: Beyond<'_>) -> Result<Course> {
    let (flow, trust) = pair.back()?;
    let (_, _, height, width) = trust.dims4()?;
    let longer = pair.size.0.max(pair.size.1) as f64 / 4.0;
    // At a quarter of the size, where torn pieces of what grows or turns still touch.
    let trust = avg_pool2(&trust.maximum(DISTRUST)?)?;
    let weight = avg_pool2(&trust)?;
    let velocity = avg_pool2(&flow.broadcast_mul(&trust)?)?.affine(-0.5 / spacing, 0.0)?;
    let velocity = filled(&velocity.broadcast_div(&weight)?, &told(&weight, pair.size)?)?;
    let velocity = steadied(&velocity, &weight, longer)?;
    let displacement = velocity.broadcast_mul(&eased(&velocity, longer, (away, rest))?)?;

    let (sum, mass) = splat(&displacement, &displacement, &weight)?;
    let (_, reached) = splat(&weight, &displacement, &weight.ones_like()?)?;
    let known = reached.gt(REACHED)?.to_dtype(sum.dtype())?;
    let motion = medians(&filled(&sum.broadcast_div(&mass.maximum(1e-6)?)?, &known)?)?;
    let sure = (mass.div(&reached.maximum(REACHED)?)? * &known)?;

    let motion = resize_flow(&motion.neg()?, (height, width))?;
    let seen = resize_bilinear(&known, height, width)?.affine(2.0, -1.0)?.clamp(0.0, 1.0)?;
    let sure = resize_bilinear(&sure, height, width)?;
    let plane = |x: &Tensor, channel: usize| plane(x, channel, pair.size);
    Ok(Course {
        size: pair.size,
        flow: [plane(&motion, 0)?, plane(&motion, 1)?],
        seen: plane(&seen, 0)?,
        sure: plane(&sure, 0)?,
    })
}

/// Where a place's own velocity is to be believed, 1 or 0: what just came in over the border was not there before to be followed.
fn told(weight: &Tensor, size: (usize, usize)) -> CandleResult<Tensor> {
    let (_, _, height, width) = weight.dims4()?;
    let values = weight.flatten_all()?.to_vec1::<f32>()?;
    // The padding counts as border.
    let (rows, columns) = (size.0.div_ceil(4), size.1.div_ceil(4));
    let border = (BORDER * rows.max(columns) as f64).ceil() as usize;
    let inside = |at: usize, end: usize| at >= border && at + border < end;
    let told = values.iter().enumerate().map(|(i, weight)| {
        let own = *weight >= STRANGE || inside(i / width, rows) && inside(i % width, columns);
        f32::from(u8::from(own))
    });
    Tensor::from_vec(told.collect(), (1, 1, height, width), weight.device())
}

/// Velocities less their noise: each place goes as what is slow around it does, and as it differs from that by more than noise.
fn steadied(velocity: &Tensor, weight: &Tensor, longer: f64) -> CandleResult<Tensor> {
    let squared = |x: &Tensor, scale: f64| (x * (1.0 / (scale * longer)))?.sqr()?.sum_keepdim(1);
    let slow = (weight / (squared(velocity, SLOW)? + 1.0)?.sqr()?)?;
    let reach = (AROUND * longer).round().max(1.0) as usize;
    let around = box_mean(&velocity.broadcast_mul(&slow)?, reach)?.broadcast_div(&box_mean(&slow, reach)?)?;
    let own = (velocity - &around)?;
    let apart = squared(&own, NOISE)?;
    let kept = (&apart / (&apart + 1.0)?)?;
    around + own.broadcast_mul(&kept)?
}

/// The median of each channel about each place.
fn medians(motion: &Tensor) -> CandleResult<Tensor> {
    let (_, channels, height, width) = motion.dims4()?;
    let values = motion.flatten_all()?.to_vec1::<f32>()?;
    let mut out = vec![0.0; values.len()];
    out.par_chunks_exact_mut(width).enumerate().for_each(|(row, out)| {
        let (plane, y) = (&values[row / height * height * width..], row % height);
        let near = |at: usize, end: usize| at.saturating_sub(TORN)..(at + TORN + 1).min(end);
        let mut around = Vec::with_capacity((2 * TORN + 1).pow(2));
        for (x, out) in out.iter_mut().enumerate() {
            around.clear();
            around.extend(near(y, height).flat_map(|y| near(x, width).map(move |x| plane[y * width + x])));
            let middle = around.len() / 2;
            *out = *around.select_nth_unstable_by(middle, f32::total_cmp).1;
        }
    });
    Tensor::from_vec(out, (1, channels, height, width), motion.device())
}

/// How many frames' worth of its velocity each place has gone after so many frames: v·r·(1 − e^(−t/r)), with r the shorter
/// the faster it is.
fn eased(velocity: &Tensor, longer: f64, (away, rest): (f64, f64)) -> CandleResult<Tensor> {
    let speed = velocity.sqr()?.sum_keepdim(1)?.sqrt()?;
    let rest = speed.affine(1.0 / (FURTHEST * longer), 1.0 / rest)?.recip()?;
    let gone = (rest.recip()? * -away)?.exp()?.affine(-1.0, 1.0)?;
    rest * gone
}

/// A picture `[1, C, H, W]` with its holes filled, where `known` is 0.
fn filled(picture: &Tensor, known: &Tensor) -> CandleResult<Tensor> {
    let (_, channels, height, width) = picture.dims4()?;
    let mut pixels = picture.squeeze(0)?.permute((1, 2, 0))?.flatten_all()?.to_vec1::<f32>()?;
    fill(&mut pixels, channels, &known.flatten_all()?.to_vec1::<f32>()?, width);
    Tensor::from_vec(pixels, (height, width, channels), picture.device())?
        .permute((2, 0, 1))?
        .unsqueeze(0)?
        .contiguous()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::{MotionFiller, MotionOnward};
    use crate::{Brief, Encoding, Filler, Frame, Made, Origin, Shot, Unwatched};

    /// A soft pattern that has moved so many pixels to the right, behind a still bar.
    fn moved(by: f32) -> Frame {
        let wave = |x: f32, y: f32| 0.5 + 0.2 * (x / 5.0).sin() * (y / 6.0).cos() + 0.2 * (x / 11.0 + y / 7.0).cos();
        let pixels = (0..96 * 64).flat_map(|i| {
            let (x, y) = ((i % 96) as f32, (i / 96) as f32);
            let value = if y >= 56.0 { 0.1 } else { wave(x - by, y) };
            [value, value * 0.8, 0.3, 2.0]
        });
        Frame::new(96, 64, 4, Encoding::Display, pixels.collect()).unwrap()
    }

    fn onward_for(rest: f64, known: &[(f64, Frame)], times: &[f64]) -> Vec<Made> {
        let weights = Path::new(env!("CARGO_MANIFEST_DIR")).join("../resources/motion.safetensors");
        let filler = MotionFiller::load(&weights, 1 << 24).unwrap();
        let shot = known.iter().fold(Shot::new(), |shot, (time, frame)| shot.known(*time, frame.clone()).unwrap());
        let shot = times.iter().fold(shot, |shot, time| shot.missing(*time));
        MotionOnward::new(&filler, rest).fill(&shot, &Brief::default(), &Unwatched).unwrap()
    }

    fn onward(known: &[(f64, Frame)], times: &[f64]) -> Vec<Made> {
        onward_for(MotionOnward::REST, known, times)
    }

    /// The mean difference of two frames, away from the border, which something comes in at.
    fn apart(a: &Frame, b: &Frame) -> f32 {
        let inside = |i: &usize| (24..72).contains(&(i / 4 % 96));
        let at = (0..a.pixels().len()).filter(inside);
        at.clone().map(|i| (a.pixels()[i] - b.pixels()[i]).abs()).sum::<f32>() / at.count() as f32
    }

    #[test]
    fn what_moves_goes_on_and_comes_to_rest() {
        let known = [(1.0, moved(0.0)), (2.0, moved(2.0))];
        let made = onward(&known, &[3.0, 4.0, 60.0, 61.0]);
        assert!(made.iter().all(|m| m.origin == Origin::Made && m.frame.pixels().iter().all(|v| v.is_finite())));
        let (first, second) = (&made[0].frame, &made[1].frame);
        assert!(apart(first, &moved(4.0)) < 0.3 * apart(&known[1].1, &moved(4.0)), "it goes on");
        assert!(apart(second, &moved(5.5)) < 0.3 * apart(&known[1].1, &moved(5.5)), "a little slower");
        assert!(apart(&made[2].frame, &made[3].frame) < 1e-3, "and rests");
        assert!(first.pixels().iter().skip(3).step_by(4).all(|v| (*v - 2.0).abs() < 1e-4), "other channels come along");
        let bar = 60 * 96 * 4;
        let still = first.pixels()[bar..].iter().zip(&known[1].1.pixels()[bar..]);
        assert!(still.map(|(a, b)| (a - b).abs()).fold(0.0, f32::max) < 0.02, "what stands still stays");
    }

    #[test]
    fn it_goes_on_for_longer_where_it_is_told_to() {
        let known = [(1.0, moved(0.0)), (2.0, moved(2.0))];
        let off = |rest: f64| apart(&onward_for(rest, &known, &[7.0])[0].frame, &moved(12.0));
        assert!(off(60.0) < 0.7 * off(MotionOnward::REST), "{} {}", off(60.0), off(MotionOnward::REST));
        assert!(onward_for(0.0, &known, &[3.0])[0].frame.pixels().iter().all(|v| v.is_finite()));
    }

    #[test]
    fn a_head_is_led_up_to_and_a_repeat_is_looked_behind() {
        let head = onward(&[(5.0, moved(0.0)), (6.0, moved(2.0))], &[4.0]);
        assert!(apart(&head[0].frame, &moved(-2.0)) < 0.3 * apart(&moved(0.0), &moved(-2.0)));
        // On twos: one step of two pixels in two frames.
        let twos = onward(&[(1.0, moved(0.0)), (2.0, moved(0.0)), (3.0, moved(2.0)), (4.0, moved(2.0))], &[5.0]);
        assert!(apart(&twos[0].frame, &moved(3.0)) < 0.4 * apart(&moved(2.0), &moved(3.0)));
    }

    #[test]
    fn where_nothing_tells_of_motion_the_frame_is_held() {
        let other = Frame::new(96, 64, 4, Encoding::Display, vec![0.9; 96 * 64 * 4]).unwrap();
        for known in
            [vec![(1.0, moved(0.0))], vec![(1.0, moved(0.0)), (2.0, moved(0.0))], vec![(1.0, other), (2.0, moved(0.0))]]
        {
            let made = onward(&known, &[3.0]);
            assert_eq!(made[0].origin, Origin::Held);
            assert_eq!(made[0].frame, moved(0.0));
        }
        let known = [(1.0, moved(0.0)), (3.0, moved(4.0))];
        assert_eq!(onward(&known, &[3.0])[0].origin, Origin::Known);
        assert!(apart(&onward(&known, &[2.0])[0].frame, &moved(2.0)) < 0.02, "between two it is made from both");
    }
}

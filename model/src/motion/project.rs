//! Motion as it is seen at a time between two frames: along straight paths, or curved as the frames further out tell.

use super::{flow::Way, network::Both};
use crate::{
    Result,
    engine::{Map, splat},
};

/// A frame beyond one of a pair, and the pair's flow to it.
#[derive(Clone, Debug)]
pub(crate) struct Outer {
    /// From the pair's frame outwards.
    pub(crate) way: Way,
    /// How far out it stands, in lengths of the pair's interval.
    pub(crate) spacing: f64,
}

/// How near, in lengths of the interval, a frame beyond it must stand to tell of the motion across: over a half or a third
/// of the way motion is found more easily. Nearly as far out as the interval is long it tells nothing new.
const NEARER: f64 = 0.6;

/// The flows across the interval, from either side, that an even motion makes of those to the frames beyond it.
pub(crate) fn told(outer: &[Option<Outer>; 2]) -> Result<[Option<Map>; 2]> {
    let of = |outer: &Option<Outer>| {
        let near = outer.as_ref().filter(|outer| outer.spacing <= NEARER);
        near.map(|Outer { way, spacing }| way.flow.scaled(-1.0 / spacing)).transpose()
    };
    Ok([of(&outer[0])?, of(&outer[1])?])
}

/// Draws an acceleration that nothing speaks for to none.
const DOUBT: f64 = 0.1;

/// How the speed changes over the interval, and what that is worth, at each pixel of a frame.
#[derive(Clone, Debug)]
pub(crate) struct Bend {
    /// Acceleration, in pixels per interval squared, `[2, H, W]`.
    pub(crate) acceleration: Map,
    /// How far its witnesses lie apart, in the same unit, `[1, H, W]`.
    pub(crate) spread: Map,
    /// How sure the witnesses are, summed, 0 to 2, `[1, H, W]`.
    pub(crate) sure: Map,
}

/// The accelerations at both frames of a pair, at the flow's resolution (quadratic motion, Xu et al. 2019).
///
/// A point that stands at x(0) = 0, x(1) = f and x(-s) = o moves with 2(o + s·f) / s(1+s); the last frame tells the same
/// of what comes after it. Each side counts by how well its outer frame shows the pixel, and both tell each other.
/// `outer` holds the frames before the first and after the last; none where there is neither.
pub(crate) fn bends(ways: &[Way; 2], outer: &[Option<Outer>; 2]) -> Result<Option<[Bend; 2]>> {
    if outer.iter().all(Option::is_none) {
        return Ok(None);
    }
    // An acceleration, and how sure it is.
    let told = |i: usize| -> Result<(Map, Map)> {
        let flow = &ways[i].flow;
        let Some(Outer { way, spacing: s }) = &outer[i] else {
            return Ok((flow.clone(), ways[i].visible.zeros_like()?));
        };
        let bend = way.flow.plus(&flow.scaled(*s)?)?.scaled(2.0 / (s * (1.0 + s)))?;
        Ok((bend, way.visible.sigmoid()?))
    };
    let sides = [told(0)?, told(1)?];
    let joined = |i: usize| -> Result<Bend> {
        let (own, sure) = &sides[i];
        let (other, other_sure) = &sides[1 - i];
        let other = other.warped(&ways[i].flow)?;
        let other_sure = other_sure.warped(&ways[i].flow)?.times(&ways[i].visible.sigmoid()?)?;
        let told = sure.plus(&other_sure)?;
        let total = told.affine(1.0, DOUBT)?;
        let acceleration = own.times(sure)?.plus(&other.times(&other_sure)?)?.over(&total)?;
        let apart = |x: &Map, sure: &Map| x.minus(&acceleration)?.abs()?.mean()?.times(sure);
        let spread = apart(own, sure)?.plus(&apart(&other, &other_sure)?)?.over(&total)?;
        Ok(Bend { acceleration, spread, sure: told })
    };
    Ok(Some([joined(0)?, joined(1)?]))
}

/// The motion of the interval as seen at a time between, from each side.
pub(crate) struct Projected {
    /// In pixels over the whole interval.
    pub(crate) motion: Both,
    /// The acceleration; none where paths are straight.
    pub(crate) acceleration: Option<Both>,
    /// How much of it arrived by projection, 0 to 1.
    pub(crate) covered: Both,
}

/// The weight below which nothing worth the name arrived at a pixel.
const ENOUGH: f64 = 1e-3;

/// How far to trust what each pixel of either frame says of motion, `[1, H, W]` in 0..1: it matches where it goes, is
/// seen there, and comes back from there. What passes for a thing that it is not, one red cup for another, does not: the
/// other cup goes its own way back. Flow and visibility may be smaller than the pictures.
pub(crate) fn trust(pictures: &Both, flow: &Both, visible: &Both) -> Result<Both> {
    let at = pictures[0].size();
    let flow = [flow[0].resized_flow(at)?, flow[1].resized_flow(at)?];
    let side = |i: usize| -> Result<Map> {
        let error = pictures[i].minus(&pictures[1 - i].warped(&flow[i])?)?.abs()?.mean()?;
        let alike = error.at_most(0.5)?.scaled(-12.0)?.exp()?;
        let back = flow[1 - i].warped(&flow[i])?;
        let squared = |x: &Map| x.squared()?.sum();
        let usual = squared(&flow[i])?.plus(&squared(&back)?)?.scaled(ASTRAY_SHARE)?;
        let astray = squared(&flow[i].plus(&back)?)?.over(&usual.affine(1.0, ASTRAY)?)?;
        let back = astray.scaled(-1.0)?.exp()?.times(&visible[i].resized(at)?)?;
        alike.times(&back.at_least(DISTRUST)?)
    };
    Ok([side(0)?, side(1)?])
}

/// How far forth and back may miss each other, squared: a share of the motion (Sundaram et al. 2010), here of twice its
/// square, and of pixels.
const ASTRAY_SHARE: f64 = 0.1;
const ASTRAY: f64 = 2.0;
/// Trust that is left at the least: of what goes out of sight nothing else may tell.
const DISTRUST: f64 = 0.01;

/// Carries both flows to time `t`: a point that accelerates by a stands t·v − t(1−t)/2·a after its place at 0. Pixels that
/// are trusted more win where several land (softmax splatting, Niklaus and Liu 2020); a hole is filled from the other
/// side, and where both have one, by what the first frame has at that place.
pub(crate) fn project(trust: &Both, flow: &Both, acceleration: Option<&Both>, t: f64) -> Result<Projected> {
    let bow = t * (1.0 - t) / 2.0;
    let side = |i: usize, fraction: f64, sign: f64| -> Result<_> {
        let (mut motion, mut displacement) = (flow[i].scaled(sign)?, flow[i].scaled(fraction)?);
        if let Some(acceleration) = acceleration {
            displacement = displacement.minus(&acceleration[i].scaled(bow)?)?;
            motion = Map::joined(&[&motion, &acceleration[i]])?;
        }
        let (sum, mass) = splat(&motion, &displacement, &trust[i])?;
        let hole = mass.is_below(ENOUGH)?;
        let mean = sum.over(&mass.at_least(ENOUGH)?)?;
        Ok((mean, hole, mass.at_most(1.0)?, motion))
    };
    let (mean0, hole0, covered0, own) = side(0, t, 1.0)?;
    let (mean1, hole1, covered1, _) = side(1, 1.0 - t, -1.0)?;
    let choose = |hole: &Map, mean: &Map, other_hole: &Map, other: &Map| {
        let fallback = other_hole.chosen(&own, other)?;
        hole.chosen(&fallback, mean)
    };
    let found = [choose(&hole0, &mean0, &hole1, &mean1)?, choose(&hole1, &mean1, &hole0, &mean0)?];
    let part = |from: usize| -> Result<Both> { Ok([found[0].planes(from, 2)?, found[1].planes(from, 2)?]) };
    let acceleration = acceleration.map(|_| part(2)).transpose()?;
    Ok(Projected { motion: part(0)?, acceleration, covered: [covered0, covered1] })
}

#[cfg(test)]
mod tests {
    use candle_core::{Device, Tensor};

    use super::*;

    fn even(value: f32, channels: usize) -> Map {
        Map::Cpu(Tensor::full(value, (1, channels, 4, 6), &Device::Cpu).unwrap())
    }

    fn way(flow: f32) -> Way {
        // A logit of 20 is sure.
        Way { flow: even(flow, 2), visible: even(20.0, 1) }
    }

    fn corner(x: &Map) -> f32 {
        x.tensor().unwrap().flatten_all().unwrap().to_vec1::<f32>().unwrap()[0]
    }

    #[test]
    fn a_falling_point_gives_its_acceleration_from_either_side_and_any_distance() {
        // x(t) = 3t + 5t²/2: at -1/2 it stands at -0.875, at 1 at 5.5, at 2 at 16.
        let ways = [way(5.5), way(-5.5)];
        let before = Outer { way: way(-0.875), spacing: 0.5 };
        let after = Outer { way: way(16.0 - 5.5), spacing: 1.0 };
        for outer in [[Some(before.clone()), None], [None, Some(after.clone())], [Some(before), Some(after)]] {
            let sides = outer.iter().flatten().count() as f32;
            for bend in bends(&ways, &outer).unwrap().unwrap() {
                let (got, wanted) = (corner(&bend.acceleration), 5.0 * sides / (sides + DOUBT as f32));
                assert!((got - wanted).abs() < 1e-3, "{got} instead of {wanted}");
                assert!((corner(&bend.sure) - sides).abs() < 1e-3);
                assert!(corner(&bend.spread) < 0.5, "both say the same but for the doubt");
            }
        }
    }

    #[test]
    fn witnesses_that_differ_are_told_apart_from_those_that_agree() {
        let ways = [way(4.0), way(-4.0)];
        // Even before the pair, and a bounce after it.
        let outer = [Some(Outer { way: way(-4.0), spacing: 1.0 }), Some(Outer { way: way(-4.0), spacing: 1.0 })];
        for bend in bends(&ways, &outer).unwrap().unwrap() {
            assert!(corner(&bend.spread) > 3.0, "{}", corner(&bend.spread));
        }
    }

    #[test]
    fn what_does_not_come_back_is_trusted_least() {
        let same = even(0.5, 3);
        let visible = [even(1.0, 1), even(1.0, 1)];
        let of = |forth: f32, back: f32| {
            corner(&trust(&[same.clone(), same.clone()], &[even(forth, 2), even(back, 2)], &visible).unwrap()[0])
        };
        assert!(of(1.0, -1.0) > 0.99);
        assert!(of(1.0, -1.3) > 0.9, "a fine flow may miss by a part of a pixel");
        assert!((of(4.0, 0.0) - DISTRUST as f32).abs() < 1e-5, "{}", of(4.0, 0.0));
        let hidden = [even(0.0, 1), even(1.0, 1)];
        let out = trust(&[same.clone(), same], &[even(0.0, 2), even(0.0, 2)], &hidden).unwrap();
        assert!((corner(&out[0]) - DISTRUST as f32).abs() < 1e-5 && corner(&out[1]) > 0.99);
    }

    #[test]
    fn even_motion_has_no_acceleration_and_no_frames_further_out_tell_none() {
        let ways = [way(4.0), way(-4.0)];
        let outer = [Some(Outer { way: way(-2.0), spacing: 0.5 }), Some(Outer { way: way(4.0), spacing: 1.0 })];
        let found = bends(&ways, &outer).unwrap().unwrap();
        assert!(found.iter().all(|b| corner(&b.acceleration).abs() < 1e-5 && corner(&b.spread) < 1e-5));
        assert!(bends(&ways, &[None, None]).unwrap().is_none());
    }
}

//! The synthesis network: what the pictures that a pair offers are worth at one time.

use candle_core::{Result as CandleResult, Tensor};

use super::{
    network::{Both, FEATURES, resize_flow, size},
    project::{Bend, Projected, project},
    weights::Weights,
};
use crate::{
    Result,
    kernels::{Conv2d, backward_warp, resize_bilinear},
};

/// All that is known of a pair before any time between is asked for.
#[derive(Debug)]
pub(crate) struct Known {
    /// Both pictures, `[1, 3, H, W]`.
    pub(crate) pictures: Both,
    /// Features of both at quarter resolution.
    pub(crate) features: Both,
    /// Flow 0→1 and 1→0, at half resolution.
    pub(crate) flow: Both,
    /// Whether a pixel is seen in the other frame too, 0 to 1, at half resolution.
    pub(crate) visible: Both,
    /// How far what a pixel says of motion is to be trusted, 0 to 1, at full resolution.
    pub(crate) trust: Both,
    /// How the speed changes over the interval, at half resolution; none where no frame further out tells.
    pub(crate) bend: Option<[Bend; 2]>,
    /// How far apart, mean over RGB, the pair and the frames further out lie at each place as they stand, `[1, 1, H, W]`;
    /// none where no frame further out is known.
    pub(crate) apart: Option<Tensor>,
}

/// How far the pictures lie apart at each place as they stand: the span of their values, mean over RGB.
pub(crate) fn apart(pictures: &[&Tensor]) -> CandleResult<Tensor> {
    let pick = |pick: fn(&Tensor, &Tensor) -> CandleResult<Tensor>| {
        pictures[1..].iter().try_fold(pictures[0].clone(), |most, picture| pick(&most, picture))
    };
    (pick(|a, b| a.maximum(b))? - pick(|a, b| a.minimum(b))?)?.mean_keepdim(1)
}

/// The pictures that are weighed: each frame moved along its curved path, each moved evenly, each as it stands.
pub(crate) const PICTURES: usize = 6;
/// Those of them that are moved.
pub(crate) const MOVED: usize = 4;

/// What to do at one time: how to move each frame there, and what that is worth.
#[derive(Clone, Debug)]
pub(crate) struct Synthesised {
    /// Flow from the wanted time to the first and to the last frame along the curve, and to both evenly,
    /// `[1, 2, H, W]` each.
    pub(crate) flow: [Tensor; MOVED],
    /// What each picture is worth, `[1, 6, H, W]`, 1 in all: those moved in the order of `flow`, then the first frame
    /// and the last as they stand.
    pub(crate) weights: Tensor,
    /// The error to expect, mean over RGB in display units, `[1, 1, H, W]`.
    pub(crate) error: Tensor,
    /// How much motion that is trusted arrived at each pixel, of the better side, `[1, 1, H, W]` in 0..1.
    pub(crate) arrived: Tensor,
}

impl Synthesised {
    /// The same, but more willing to stand still where the frames agree better as they stand than as they are moved: a
    /// title over a moving background, whose letters are too fine for the flow, and still parts beside moving ones.
    ///
    /// Between two frames the network's own word still counts. What passes a place between them leaves no trace in either,
    /// and where it is sure of that, standing still is worth next to nothing and stays so. Where the frames further out
    /// show the same as well, what stands there is part of no motion, and stays. So does what both frames show alike where
    /// no motion arrives that can be trusted: there, torn pieces would be strewn over a still ground.
    pub(crate) fn with_stills(self, known: &Known) -> CandleResult<Self> {
        let pictures = &known.pictures;
        let moved = |i: usize| backward_warp(&pictures[i % 2], &self.flow[i]);
        let between = |a: usize, b: usize| box_mean(&apart(&[&moved(a)?, &moved(b)?])?, AROUND);
        let moved = between(0, 1)?.minimum(&between(2, 3)?)?;
        let as_number = |yes: Tensor| yes.to_dtype(self.weights.dtype());
        let stands = |apart: &Tensor, margin: f64| as_number(apart.affine(STILL_SHARE, margin)?.lt(&moved)?);
        let pair = box_mean(&apart(&[&pictures[0], &pictures[1]])?, AROUND)?;
        let mut odds = ((stands(&pair, STILL_MARGIN)? * (STILL_ODDS - 1.0))? + 1.0)?;
        if let Some(apart) = &known.apart {
            // Pixel by pixel: between a title's strokes the background moves on.
            odds = (odds + (stands(apart, CERTAIN_MARGIN)? * CERTAIN_ODDS)?)?;
        }
        let unmoved = (as_number(self.arrived.lt(TRUSTED)?)? * as_number(pair.lt(STILL_MARGIN)?)?)?;
        odds = (odds + (unmoved * CERTAIN_ODDS)?)?;
        let stills = self.weights.narrow(1, MOVED, PICTURES - MOVED)?.broadcast_mul(&odds)?;
        let weights = Tensor::cat(&[&self.weights.narrow(1, 0, MOVED)?, &stills], 1)?;
        let weights = weights.broadcast_div(&weights.sum_keepdim(1)?)?;
        Ok(Self { weights, ..self })
    }
}

/// Standing still must explain the frames this many times better than moving does,
const STILL_SHARE: f64 = 2.0;
/// and by this much, in display units: below it is noise.
const STILL_MARGIN: f64 = 0.02;
/// How many times more it is then worth. On real clips 20 costs 0.01 to 0.02 dB against none, and more costs more (an
/// override 0.05); it gives a title over a moving background 1.4 dB.
const STILL_ODDS: f64 = 20.0;
/// How much better where three or four frames agree pixel by pixel: what stands out like letters do,
const CERTAIN_MARGIN: f64 = 0.05;
/// which is then worth all there is.
const CERTAIN_ODDS: f64 = 1e6;
/// How far around a pixel frames are compared.
const AROUND: usize = 2;
/// Less than this that arrives is no motion to be trusted.
const TRUSTED: f64 = 0.2;

/// The mean over a square of so many pixels to each side of each one.
pub(crate) fn box_mean(x: &Tensor, reach: usize) -> CandleResult<Tensor> {
    let side = 2 * reach + 1;
    let mean = |x: &Tensor, dim: usize| -> CandleResult<Tensor> {
        let n = x.dim(dim)?;
        let padded = x.pad_with_same(dim, reach, reach)?;
        let sum = (1..side).try_fold(padded.narrow(dim, 0, n)?, |sum, i| sum + padded.narrow(dim, i, n)?)?;
        sum * (1.0 / side as f64)
    };
    mean(&mean(x, 2)?, 3)
}

/// Says how two matched frames make one between them.
pub(crate) struct SynthesisNet {
    down: [Conv2d; 4],
    keep: [Conv2d; 4],
    /// From the coarsest up.
    up: [Conv2d; 3],
    head: Conv2d,
}

/// What the network looks at: six pictures, the curved flows, both bows, coverage, and from each side how visible a
/// pixel is, how far the witnesses of its acceleration lie apart and how sure they are.
const INPUTS: usize = 3 * PICTURES + 4 + 4 + 2 + 2 * 3;
/// What it says: a flow for each moved picture, a worth for each picture, the error. It says so at half resolution: four
/// answers for the pixels of a square would differ where the network is at a loss, and be seen as a dotted pattern.
const OUTPUTS: usize = 2 * MOVED + PICTURES + 1;

impl SynthesisNet {
    pub(super) fn load(w: &mut Weights) -> Result<Self> {
        Ok(Self {
            down: [
                w.conv("synthesis.down0", (INPUTS, 32), 3, 2)?,
                w.conv("synthesis.down1", (32, 64), 3, 2)?,
                w.conv("synthesis.down2", (64, 96), 3, 2)?,
                w.conv("synthesis.down3", (96, 128), 3, 2)?,
            ],
            keep: [
                w.conv("synthesis.keep0", (32, 32), 3, 1)?,
                w.conv("synthesis.keep1", (64 + 2 * FEATURES, 64), 3, 1)?,
                w.conv("synthesis.keep2", (96, 96), 3, 1)?,
                w.conv("synthesis.keep3", (128, 128), 3, 1)?,
            ],
            up: [
                w.conv("synthesis.up2", (128 + 96, 96), 3, 1)?,
                w.conv("synthesis.up1", (96 + 64, 64), 3, 1)?,
                w.conv("synthesis.up0", (64 + 32, 48), 3, 1)?,
            ],
            head: w.linear_conv("synthesis.head", (48, OUTPUTS), 3)?,
        })
    }

    /// `t` runs from 0, the first frame, to 1, the last.
    pub(crate) fn run(&self, known: &Known, t: f64) -> CandleResult<Synthesised> {
        let at = size(&known.pictures[0])?;
        let Start { curved, even, bow, covered } = Start::new(known, at, t)?;
        let arrived = covered[0].maximum(&covered[1])?;
        let moved = |i: usize, flow: &Both| backward_warp(&known.pictures[i], &flow[i]);
        let worth_of = |i: usize| backward_warp(&reliability(known, i, at, t)?, &curved[i]);
        let x = Tensor::cat(
            &[
                &moved(0, &curved)?,
                &moved(1, &curved)?,
                &moved(0, &even)?,
                &moved(1, &even)?,
                &known.pictures[0],
                &known.pictures[1],
                &(&curved[0] * 0.05)?,
                &(&curved[1] * 0.05)?,
                &(&bow[0] * 0.2)?,
                &(&bow[1] * 0.2)?,
                &covered[0],
                &covered[1],
                &worth_of(0)?,
                &worth_of(1)?,
            ],
            1,
        )?;
        let x0 = self.down[0].forward(&x)?;
        drop(x);
        let out = resize_bilinear(&self.unet(&x0, &curved, &known.features)?, at.0, at.1)?;
        let flow = |start: &Both, i: usize, from: usize| &start[i] + out.narrow(1, from, 2)?;
        let flow = [flow(&curved, 0, 0)?, flow(&curved, 1, 2)?, flow(&even, 0, 4)?, flow(&even, 1, 6)?];
        let weights = worth(&out.narrow(1, 2 * MOVED, PICTURES)?, t)?;
        let error = softplus(&out.narrow(1, 2 * MOVED + PICTURES, 1)?)?;
        Ok(Synthesised { flow, weights, error, arrived })
    }

    fn unet(&self, x0: &Tensor, to: &Both, features: &Both) -> CandleResult<Tensor> {
        let x0 = self.keep[0].forward(x0)?;
        let x1 = self.down[1].forward(&x0)?;
        let at = size(&x1)?;
        let context = |i: usize| backward_warp(&features[i], &resize_flow(&to[i], at)?);
        let x1 = self.keep[1].forward(&Tensor::cat(&[&x1, &context(0)?, &context(1)?], 1)?)?;
        let x2 = self.keep[2].forward(&self.down[2].forward(&x1)?)?;
        let x3 = self.keep[3].forward(&self.down[3].forward(&x2)?)?;
        let joined = |up: &Conv2d, small: &Tensor, skip: &Tensor| {
            let (h, w) = size(skip)?;
            up.forward(&Tensor::cat(&[&resize_bilinear(small, h, w)?, skip], 1)?)
        };
        let x2 = joined(&self.up[0], &x3, &x2)?;
        let x1 = joined(&self.up[1], &x2, &x1)?;
        let x0 = joined(&self.up[2], &x1, &x0)?;
        self.head.forward(&x0)
    }
}

/// Where the network starts from.
struct Start {
    curved: Both,
    even: Both,
    /// What lies between the two, as seen from each side.
    bow: Both,
    covered: Both,
}

impl Start {
    fn new(known: &Known, at: (usize, usize), t: f64) -> CandleResult<Self> {
        let full = |x: &Both| CandleResult::Ok([resize_flow(&x[0], at)?, resize_flow(&x[1], at)?]);
        let flow = full(&known.flow)?;
        let evenly = |motion: &Both| CandleResult::Ok([(&motion[0] * -t)?, (&motion[1] * (1.0 - t))?]);
        let straight = project(&known.trust, &flow, None, t)?;
        let even = evenly(&straight.motion)?;
        let none = || even[0].zeros_like();
        let Some([bend0, bend1]) = &known.bend else {
            return Ok(Self { curved: even.clone(), bow: [none()?, none()?], even, covered: straight.covered });
        };
        let told = [resize_flow(&bend0.acceleration, at)?, resize_flow(&bend1.acceleration, at)?];
        let Projected { motion, acceleration, covered } = project(&known.trust, &flow, Some(&told), t)?;
        let (curved, [a0, a1]) = (evenly(&motion)?, acceleration.unwrap_or(told));
        let bow = [(a0 * bow_at(t))?, (a1 * bow_at(t))?];
        let middle = ((&bow[0] + &bow[1])? * 0.5)?;
        Ok(Self { curved: [(&curved[0] + &middle)?, (&curved[1] + &middle)?], even, bow, covered })
    }
}

/// How far a path that accelerates by 1 strays at `t` from the even one.
fn bow_at(t: f64) -> f64 {
    t * (1.0 - t) / 2.0
}

/// How far to trust what one frame of the pair says of motion: whether a pixel is seen in the other frame, how far the
/// witnesses of its acceleration lie apart, and how sure they are. `[1, 3, H, W]`.
fn reliability(known: &Known, side: usize, (h, w): (usize, usize), t: f64) -> CandleResult<Tensor> {
    let full = |x: &Tensor| resize_bilinear(x, h, w);
    let visible = full(&known.visible[side])?;
    let (spread, sure) = match &known.bend {
        None => (visible.zeros_like()?, visible.zeros_like()?),
        Some(bend) => {
            let Bend { spread, sure, .. } = &bend[side];
            // A length: twice as many pixels at twice the resolution.
            ((full(spread)? * (2.0 * 0.2 * bow_at(t)))?, full(sure)?)
        }
    };
    Tensor::cat(&[&visible, &spread, &sure], 1)
}

/// The pictures' worth from what the network says of each. Before it looks, each frame is worth its nearness in time
/// (Jiang et al. 2018, Super SloMo).
fn worth(said: &Tensor, t: f64) -> CandleResult<Tensor> {
    let said = said.broadcast_sub(&said.max_keepdim(1)?)?.exp()?;
    let near: Vec<f32> = (0..PICTURES).map(|i| if i % 2 == 0 { 1.0 - t } else { t } as f32).collect();
    let worth = said.broadcast_mul(&Tensor::from_vec(near, (1, PICTURES, 1, 1), said.device())?)?;
    worth.broadcast_div(&worth.sum_keepdim(1)?)
}

/// ln(1 + e^x), written so that a large x does not overflow.
fn softplus(x: &Tensor) -> CandleResult<Tensor> {
    x.relu()? + (x.abs()?.neg()?.exp()? + 1.0)?.log()?
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;

    /// What a network says that moves everything by three pixels, over a ground that both frames show alike.
    fn moved(arrived: f32) -> (Known, Synthesised) {
        let even = |value: f32, channels: usize| Tensor::full(value, (1, channels, 8, 12), &Device::Cpu).unwrap();
        let both = |value: f32, channels: usize| [even(value, channels), even(value, channels)];
        let known = Known {
            pictures: both(0.5, 3),
            features: both(0.0, FEATURES),
            flow: both(6.0, 2),
            visible: both(1.0, 1),
            trust: both(arrived, 1),
            bend: None,
            apart: None,
        };
        let weights = Tensor::cat(&[&even(0.24, MOVED), &even(0.02, PICTURES - MOVED)], 1).unwrap();
        let flow = [even(3.0, 2), even(-3.0, 2), even(3.0, 2), even(-3.0, 2)];
        (known, Synthesised { flow, weights, error: even(0.1, 1), arrived: even(arrived, 1) })
    }

    #[test]
    fn what_both_frames_show_stays_where_no_motion_is_trusted() {
        let standing = |arrived: f32| {
            let (known, said) = moved(arrived);
            let weights = said.with_stills(&known).unwrap().weights;
            let stills = weights.narrow(1, MOVED, PICTURES - MOVED).unwrap().sum_keepdim(1).unwrap();
            stills.flatten_all().unwrap().to_vec1::<f32>().unwrap()
        };
        assert!(standing(0.01).iter().all(|w| *w > 0.99));
        assert!(standing(0.9).iter().all(|w| (*w - 0.04).abs() < 1e-3), "what is trusted may pass over it");
    }
}

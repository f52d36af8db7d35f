//! The synthesis network: what the pictures that a pair offers are worth at one time.

use candle_core::{Device, Tensor};

use super::{
    network::{Both, FEATURES},
    project::{Bend, Projected, project},
    weights::Weights,
};
use crate::{
    Result,
    engine::{Conv, Engine, Map},
};

/// All that is known of a pair before any time between is asked for.
#[derive(Debug)]
pub(crate) struct Known {
    /// Both pictures, `[3, H, W]`.
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
    /// How far apart, mean over RGB, the pair and the frames further out lie at each place as they stand, `[1, H, W]`;
    /// none where no frame further out is known.
    pub(crate) apart: Option<Map>,
}

/// How far the pictures lie apart at each place as they stand: the span of their values, mean over RGB.
pub(crate) fn apart(pictures: &[&Map]) -> Result<Map> {
    let pick = |pick: fn(&Map, &Map) -> Result<Map>| {
        pictures[1..].iter().try_fold(pictures[0].clone(), |most, picture| pick(&most, picture))
    };
    pick(Map::larger)?.minus(&pick(Map::smaller)?)?.mean()
}

/// The pictures that are weighed: each frame moved along its curved path, each moved evenly, each as it stands.
pub(crate) const PICTURES: usize = 6;
/// Those of them that are moved.
pub(crate) const MOVED: usize = 4;

/// What to do at one time: how to move each frame there, and what that is worth.
#[derive(Clone, Debug)]
pub(crate) struct Synthesised {
    /// Flow from the wanted time to the first and to the last frame along the curve, and to both evenly,
    /// `[2, H, W]` each.
    pub(crate) flow: [Map; MOVED],
    /// What each picture is worth, `[6, H, W]`, 1 in all: those moved in the order of `flow`, then the first frame
    /// and the last as they stand.
    pub(crate) weights: Map,
    /// The error to expect, mean over RGB in display units, `[1, H, W]`.
    pub(crate) error: Map,
    /// How much motion that is trusted arrived at each pixel, of the better side, `[1, H, W]` in 0..1.
    pub(crate) arrived: Map,
}

impl Synthesised {
    /// The same, but at rest where what is moved hardly moves: resampled by an error of the flow, still ground would flicker. What
    /// really moves by so little is shown as well by both frames mixed as they stand.
    pub(crate) fn at_rest(mut self) -> Result<Self> {
        for side in [0, 2] {
            let [to_first, to_last] = [&self.flow[side], &self.flow[side + 1]];
            // What swings out and back is at the same place at both ends, and away from it in between.
            let ways = Map::joined(&[&to_last.minus(to_first)?, to_first, to_last])?;
            let goes = ways.abs()?.largest()?.affine(1.0 / RESTS, -1.0)?.at_least(0.0)?.at_most(1.0)?;
            for flow in &mut self.flow[side..side + 2] {
                *flow = flow.times(&goes)?;
            }
        }
        Ok(self)
    }

    /// The same, but more willing to stand still where the frames agree better as they stand than as they are moved: a
    /// title over a moving background, whose letters are too fine for the flow, and still parts beside moving ones.
    ///
    /// Between two frames the network's own word still counts. What passes a place between them leaves no trace in either,
    /// and where it is sure of that, standing still is worth next to nothing and stays so. Where the frames further out
    /// show the same as well, what stands there is part of no motion, and stays. So does what both frames show alike where
    /// no motion arrives that can be trusted: there, torn pieces would be strewn over a still ground.
    pub(crate) fn with_stills(self, known: &Known) -> Result<Self> {
        let pictures = &known.pictures;
        let moved = |i: usize| pictures[i % 2].warped(&self.flow[i]);
        let between = |a: usize, b: usize| apart(&[&moved(a)?, &moved(b)?])?.box_mean(AROUND);
        let moved = between(0, 1)?.smaller(&between(2, 3)?)?;
        let stands = |apart: &Map, margin: f64| apart.affine(STILL_SHARE, margin)?.is_below_that_of(&moved);
        let pair = apart(&[&pictures[0], &pictures[1]])?.box_mean(AROUND)?;
        let mut odds = stands(&pair, STILL_MARGIN)?.affine(STILL_ODDS - 1.0, 1.0)?;
        if let Some(apart) = &known.apart {
            // Pixel by pixel: between a title's strokes the background moves on.
            odds = odds.plus(&stands(apart, CERTAIN_MARGIN)?.scaled(CERTAIN_ODDS)?)?;
        }
        let unmoved = self.arrived.is_below(TRUSTED)?.times(&pair.is_below(STILL_MARGIN)?)?;
        odds = odds.plus(&unmoved.scaled(CERTAIN_ODDS)?)?;
        let stills = self.weights.planes(MOVED, PICTURES - MOVED)?.times(&odds)?;
        let weights = Map::joined(&[&self.weights.planes(0, MOVED)?, &stills])?;
        let weights = weights.over(&weights.sum()?)?;
        Ok(Self { weights, ..self })
    }
}

/// What moves by less than this over the interval, in pixels of the pictures looked at, is at rest; what moves by twice as much goes its
/// whole way. On real clips 0.15 dB were gained, and flicker on still ground went from 1.2 to 0.7 of what the true frames have. With 0.4
/// they were 0.01 dB nearer still, but what moves slowly should be seen to move.
const RESTS: f64 = 0.3;
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

/// Says how two matched frames make one between them.
pub(crate) struct SynthesisNet {
    engine: Engine,
    down: [Conv; 4],
    keep: [Conv; 4],
    /// From the coarsest up.
    up: [Conv; 3],
    head: Conv,
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
            engine: w.engine().clone(),
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
    pub(crate) fn run(&self, known: &Known, t: f64) -> Result<Synthesised> {
        let at = known.pictures[0].size();
        let Start { curved, even, bow, covered } = Start::new(known, at, t)?;
        let arrived = covered[0].larger(&covered[1])?;
        let moved = |i: usize, flow: &Both| known.pictures[i].warped(&flow[i]);
        let worth_of = |i: usize| reliability(known, i, at, t)?.warped(&curved[i]);
        let x0 = self.down[0].forward_joined(&[
            &moved(0, &curved)?,
            &moved(1, &curved)?,
            &moved(0, &even)?,
            &moved(1, &even)?,
            &known.pictures[0],
            &known.pictures[1],
            &curved[0].scaled(0.05)?,
            &curved[1].scaled(0.05)?,
            &bow[0].scaled(0.2)?,
            &bow[1].scaled(0.2)?,
            &covered[0],
            &covered[1],
            &worth_of(0)?,
            &worth_of(1)?,
        ])?;
        let out = self.unet(&x0, &curved, &known.features)?.resized(at)?;
        let flow = |start: &Both, i: usize, from: usize| start[i].plus(&out.planes(from, 2)?);
        let flow = [flow(&curved, 0, 0)?, flow(&curved, 1, 2)?, flow(&even, 0, 4)?, flow(&even, 1, 6)?];
        let weights = self.worth(&out.planes(2 * MOVED, PICTURES)?, t)?;
        let error = out.planes(2 * MOVED + PICTURES, 1)?.softplus()?;
        Ok(Synthesised { flow, weights, error, arrived })
    }

    fn unet(&self, x0: &Map, to: &Both, features: &Both) -> Result<Map> {
        let x0 = self.keep[0].forward(x0)?;
        let x1 = self.down[1].forward(&x0)?;
        let at = x1.size();
        let context = |i: usize| features[i].warped(&to[i].resized_flow(at)?);
        let x1 = self.keep[1].forward_joined(&[&x1, &context(0)?, &context(1)?])?;
        let x2 = self.keep[2].forward(&self.down[2].forward(&x1)?)?;
        let x3 = self.keep[3].forward(&self.down[3].forward(&x2)?)?;
        let joined = |up: &Conv, small: &Map, skip: &Map| up.forward_joined(&[&small.resized(skip.size())?, skip]);
        let x2 = joined(&self.up[0], &x3, &x2)?;
        let x1 = joined(&self.up[1], &x2, &x1)?;
        let x0 = joined(&self.up[2], &x1, &x0)?;
        self.head.forward(&x0)
    }

    /// The pictures' worth from what the network says of each. Before it looks, each frame is worth its nearness in time
    /// (Jiang et al. 2018, Super SloMo).
    fn worth(&self, said: &Map, t: f64) -> Result<Map> {
        let said = said.minus(&said.largest()?)?.exp()?;
        let near: Vec<f32> = (0..PICTURES).map(|i| if i % 2 == 0 { 1.0 - t } else { t } as f32).collect();
        let near = self.engine.put(&Tensor::from_vec(near, (1, PICTURES, 1, 1), &Device::Cpu)?)?;
        let worth = said.times(&near)?;
        worth.over(&worth.sum()?)
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
    fn new(known: &Known, at: (usize, usize), t: f64) -> Result<Self> {
        let flow = [known.flow[0].resized_flow(at)?, known.flow[1].resized_flow(at)?];
        let evenly = |motion: &Both| Result::Ok([motion[0].scaled(-t)?, motion[1].scaled(1.0 - t)?]);
        let straight = project(&known.trust, &flow, None, t)?;
        let even = evenly(&straight.motion)?;
        let none = || even[0].zeros_like();
        let Some([bend0, bend1]) = &known.bend else {
            return Ok(Self { curved: even.clone(), bow: [none()?, none()?], even, covered: straight.covered });
        };
        let told = [bend0.acceleration.resized_flow(at)?, bend1.acceleration.resized_flow(at)?];
        let Projected { motion, acceleration, covered } = project(&known.trust, &flow, Some(&told), t)?;
        let (curved, [a0, a1]) = (evenly(&motion)?, acceleration.unwrap_or(told));
        let bow = [a0.scaled(bow_at(t))?, a1.scaled(bow_at(t))?];
        let middle = bow[0].plus(&bow[1])?.scaled(0.5)?;
        Ok(Self { curved: [curved[0].plus(&middle)?, curved[1].plus(&middle)?], even, bow, covered })
    }
}

/// How far a path that accelerates by 1 strays at `t` from the even one.
fn bow_at(t: f64) -> f64 {
    t * (1.0 - t) / 2.0
}

/// How far to trust what one frame of the pair says of motion: whether a pixel is seen in the other frame, how far the
/// witnesses of its acceleration lie apart, and how sure they are. `[3, H, W]`.
fn reliability(known: &Known, side: usize, at: (usize, usize), t: f64) -> Result<Map> {
    let visible = known.visible[side].resized(at)?;
    let (spread, sure) = match &known.bend {
        None => (visible.zeros_like()?, visible.zeros_like()?),
        Some(bend) => {
            let Bend { spread, sure, .. } = &bend[side];
            // A length: twice as many pixels at twice the resolution.
            (spread.resized(at)?.scaled(2.0 * 0.2 * bow_at(t))?, sure.resized(at)?)
        }
    };
    Map::joined(&[&visible, &spread, &sure])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a network says that moves everything by three pixels, over a ground that both frames show alike.
    fn moved(arrived: f32) -> (Known, Synthesised) {
        let even =
            |value: f32, channels: usize| Map::Cpu(Tensor::full(value, (1, channels, 8, 12), &Device::Cpu).unwrap());
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
        let weights = Map::joined(&[&even(0.24, MOVED), &even(0.02, PICTURES - MOVED)]).unwrap();
        let flow = [even(3.0, 2), even(-3.0, 2), even(3.0, 2), even(-3.0, 2)];
        (known, Synthesised { flow, weights, error: even(0.1, 1), arrived: even(arrived, 1) })
    }

    #[test]
    fn what_both_frames_show_stays_where_no_motion_is_trusted() {
        let standing = |arrived: f32| {
            let (known, said) = moved(arrived);
            let weights = said.with_stills(&known).unwrap().weights;
            let stills = weights.planes(MOVED, PICTURES - MOVED).unwrap().sum().unwrap();
            stills.tensor().unwrap().flatten_all().unwrap().to_vec1::<f32>().unwrap()
        };
        assert!(standing(0.01).iter().all(|w| *w > 0.99));
        assert!(standing(0.9).iter().all(|w| (*w - 0.04).abs() < 1e-3), "what is trusted may pass over it");
    }

    #[test]
    fn what_hardly_moves_is_at_rest_and_what_moves_a_little_more_goes_on_in_part() {
        let (_, said) = moved(1.0);
        let one = said.flow[0].scaled(1.0 / 3.0).unwrap();
        // Both flows along the curve, and both evenly.
        let at_rest = |flow: [f64; MOVED]| {
            let flow = flow.map(|pixels| one.scaled(pixels).unwrap());
            let said = Synthesised { flow, ..said.clone() }.at_rest().unwrap();
            said.flow.map(|flow| flow.tensor().unwrap().flatten_all().unwrap().to_vec1::<f32>().unwrap()[20])
        };
        assert_eq!(at_rest([-0.06, 0.18, 0.05, -0.15]), [0.0; MOVED]);
        assert_eq!(at_rest([-0.05, 0.15, -1.0, 3.0]), [0.0, 0.0, -1.0, 3.0]);
        let part = at_rest([0.15, -0.45, -0.1125, 0.3375]);
        let known = [0.15, -0.45, -0.05625, 0.16875];
        assert!(part.iter().zip(known).all(|(part, known)| (part - known).abs() < 1e-6), "{part:?}");
        // Out and back, as a ball at its highest goes: both ends are the same place.
        assert_eq!(at_rest([0.75, 0.75, 0.0, 0.0]), [0.75, 0.75, 0.0, 0.0]);
    }
}

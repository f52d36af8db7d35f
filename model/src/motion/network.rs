//! The motion network: the Rust side of `model/training/networks.py`, which defines and trains it.
//!
//! [`FlowNet`] matches two frames, coarse to fine, once a pair. [`SynthesisNet`] runs once a time wanted. Both take
//! display-referred RGB in 0..1, `[1, 3, H, W]`, whose sides are multiples of [`alignment`]; flows are (x, y) in pixels
//! of the tensor's own resolution.

use std::path::Path;

use candle_core::{Device, Result as CandleResult, Tensor};

use super::weights::Weights;
use crate::{
    Error, Result,
    kernels::{Conv2d, avg_pool2, backward_warp, local_correlation, pixel_shuffle, resize_bilinear, splat},
};

const FEATURES: usize = 48;
const HALF_FEATURES: usize = 24;
const HIDDEN: usize = 32;
const FINE_HIDDEN: usize = 16;

/// Called between parts of the work with how much is done, 0 to 1; answers whether to go on.
pub(crate) type Step<'a> = dyn FnMut(f32) -> bool + 'a;

/// What the sides of a picture must be multiples of, for `levels` levels: the coarsest features are four times smaller
/// than the coarsest picture.
pub(crate) fn alignment(levels: usize) -> usize {
    4 << (levels - 1)
}

/// Both directions of one pair: `[0]` from the first frame, `[1]` from the last.
pub(crate) type Both = [Tensor; 2];

/// What the flow network found out about a pair.
#[derive(Clone, Debug)]
pub(crate) struct Matched {
    /// Flow 0→1 and 1→0, at half resolution.
    pub(crate) flow: Both,
    /// Whether a pixel is seen in the other frame too: a logit, at half resolution.
    pub(crate) visible: Both,
    /// Features of both frames at quarter resolution, for the synthesis.
    pub(crate) features: Both,
}

struct Encoder {
    half: [Conv2d; 2],
    quarter: [Conv2d; 3],
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
    fn run(&self, x: &Tensor) -> CandleResult<(Tensor, Tensor)> {
        let half = chain(&self.half, x)?;
        let quarter = chain(&self.quarter, &half)?;
        Ok((half, quarter))
    }
}

fn chain(convs: &[Conv2d], x: &Tensor) -> CandleResult<Tensor> {
    convs.iter().try_fold(x.clone(), |x, conv| conv.forward(&x))
}

/// What matching carries from level to level for one direction.
#[derive(Clone)]
struct State {
    flow: Tensor,
    visible: Tensor,
    memory: Tensor,
}

impl State {
    fn zero(hidden: usize, (h, w): (usize, usize)) -> CandleResult<Self> {
        let zeros = |c| Tensor::zeros((1, c, h, w), candle_core::DType::F32, &Device::Cpu);
        Ok(Self { flow: zeros(2)?, visible: zeros(1)?, memory: zeros(hidden)? })
    }

    fn resized(&self, (h, w): (usize, usize)) -> CandleResult<Self> {
        Ok(Self {
            flow: resize_flow(&self.flow, (h, w))?,
            visible: resize_bilinear(&self.visible, h, w)?,
            memory: resize_bilinear(&self.memory, h, w)?,
        })
    }
}

/// One step of matching, shared by every level of its resolution.
struct Decoder {
    radius: usize,
    mix: Conv2d,
    body: [Conv2d; 3],
    out: Conv2d,
    memory: Conv2d,
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

    fn run(&self, a: &Tensor, b: &Tensor, state: &State) -> CandleResult<State> {
        let moved = backward_warp(b, &state.flow)?;
        let matches = leaky(&local_correlation(a, &moved, self.radius)?)?;
        let x = Tensor::cat(&[&matches, a, &moved, &(&state.flow * 0.1)?, &state.visible, &state.memory], 1)?;
        let x = chain(&self.body, &self.mix.forward(&x)?)?;
        let out = self.out.forward(&x)?;
        Ok(State {
            flow: (&state.flow + out.narrow(1, 0, 2)?)?,
            visible: out.narrow(1, 2, 1)?.contiguous()?,
            memory: self.memory.forward(&x)?,
        })
    }
}

/// `v` where positive, else a tenth of it: the larger of the two.
fn leaky(x: &Tensor) -> CandleResult<Tensor> {
    x.maximum(&(x * 0.1)?)
}

/// A flow at another resolution, in that resolution's pixels.
pub(crate) fn resize_flow(flow: &Tensor, (h, w): (usize, usize)) -> CandleResult<Tensor> {
    let (_, _, from_h, from_w) = flow.dims4()?;
    if (from_h, from_w) == (h, w) {
        return Ok(flow.clone());
    }
    #[allow(clippy::cast_precision_loss, reason = "sides of a picture are far below 2^24")]
    let scale = Tensor::new(&[w as f32 / from_w as f32, h as f32 / from_h as f32], flow.device())?;
    resize_bilinear(flow, h, w)?.broadcast_mul(&scale.reshape((1, 2, 1, 1))?)
}

fn size(x: &Tensor) -> CandleResult<(usize, usize)> {
    let (_, _, h, w) = x.dims4()?;
    Ok((h, w))
}

/// Matches two frames, both ways.
pub(crate) struct FlowNet {
    encoder: Encoder,
    decoder: Decoder,
    fine: Decoder,
    memory_to_fine: Conv2d,
}

impl FlowNet {
    fn load(w: &mut Weights) -> Result<Self> {
        Ok(Self {
            encoder: Encoder::load(w)?,
            decoder: Decoder::load(w, "flow.decoder", FEATURES, 3, HIDDEN, [96, 96, 64])?,
            fine: Decoder::load(w, "flow.fine", HALF_FEATURES, 2, FINE_HIDDEN, [48, 48, 32])?,
            memory_to_fine: w.linear_conv("flow.memory_to_fine", (HIDDEN, FINE_HIDDEN), 1)?,
        })
    }

    /// Flow both ways between two pictures of one size.
    pub(crate) fn run(&self, first: &Tensor, last: &Tensor, levels: usize, step: &mut Step<'_>) -> Result<Matched> {
        let mut pyramid = vec![centred(first, last)?];
        for level in 1..levels {
            let [a, b] = &pyramid[level - 1];
            pyramid.push([avg_pool2(a)?, avg_pool2(b)?]);
        }
        let mut states: Option<[State; 2]> = None;
        let mut finest = None;
        for (level, pictures) in pyramid.iter().enumerate().rev() {
            let (half0, quarter0) = self.encoder.run(&pictures[0])?;
            let (half1, quarter1) = self.encoder.run(&pictures[1])?;
            let at = size(&quarter0)?;
            let [s0, s1] = match &states {
                None => [State::zero(HIDDEN, at)?, State::zero(HIDDEN, at)?],
                Some([s0, s1]) => [s0.resized(at)?, s1.resized(at)?],
            };
            // One direction after the other, not as a batch of two: half the memory, the same numbers.
            states = Some([self.decoder.run(&quarter0, &quarter1, &s0)?, self.decoder.run(&quarter1, &quarter0, &s1)?]);
            finest = Some(([half0, half1], [quarter0, quarter1]));
            go_on(step, 0.6 * 0.25_f32.powi(i32::try_from(level).unwrap_or(i32::MAX)))?;
        }
        let (Some([s0, s1]), Some(([half0, half1], features))) = (states, finest) else {
            return Err(Error::Network(candle_core::Error::Msg("a pyramid needs at least one level".into())));
        };
        let fine0 = self.refine(&half0, &half1, &s0)?;
        go_on(step, 0.8)?;
        let fine1 = self.refine(&half1, &half0, &s1)?;
        Ok(Matched { flow: [fine0.flow, fine1.flow], visible: [fine0.visible, fine1.visible], features })
    }

    fn refine(&self, a: &Tensor, b: &Tensor, state: &State) -> CandleResult<State> {
        let at = size(a)?;
        let memory = resize_bilinear(&self.memory_to_fine.forward(&state.memory)?, at.0, at.1)?;
        let start = State {
            flow: resize_flow(&state.flow, at)?,
            visible: resize_bilinear(&state.visible, at.0, at.1)?,
            memory,
        };
        self.fine.run(a, b, &start)
    }
}

fn go_on(step: &mut Step<'_>, done: f32) -> Result<()> {
    if step(done) { Ok(()) } else { Err(Error::Cancelled) }
}

/// Both pictures less the mean colour of the pair: a grade common to both says nothing about motion.
fn centred(first: &Tensor, last: &Tensor) -> CandleResult<Both> {
    let mean = |x: &Tensor| x.mean_keepdim((2, 3));
    let mean = ((mean(first)? + mean(last)?)? * 0.5)?;
    Ok([first.broadcast_sub(&mean)?, last.broadcast_sub(&mean)?])
}

/// The motion of the interval as seen at a time between, from each side, in pixels over the whole interval; and how
/// much of it arrived by projection, 0 to 1.
struct Projected {
    motion: Both,
    covered: Both,
}

/// Carries both flows to time `t`. Pixels that match well win where several land (softmax splatting, Niklaus and Liu
/// 2020); a hole is filled from the other side, and where both have one, by the first frame's motion at that place.
fn project(pictures: &Both, flow: &Both, t: f64) -> CandleResult<Projected> {
    let side = |i: usize, fraction: f64, sign: f64| -> CandleResult<_> {
        let error = (&pictures[i] - backward_warp(&pictures[1 - i], &flow[i])?)?.abs()?.mean_keepdim(1)?;
        let weight = (error.minimum(0.5)? * -12.0)?.exp()?;
        let motion = (&flow[i] * sign)?;
        let (sum, mass) = splat(&motion, &(&flow[i] * fraction)?, &weight)?;
        let arrived = mass.ge(ENOUGH)?;
        let mean = sum.broadcast_div(&mass.maximum(ENOUGH)?)?;
        Ok((mean, arrived, mass.minimum(1.0)?, motion))
    };
    let (mean0, arrived0, covered0, own) = side(0, t, 1.0)?;
    let (mean1, arrived1, covered1, _) = side(1, 1.0 - t, -1.0)?;
    let choose = |arrived: &Tensor, mean: &Tensor, other_arrived: &Tensor, other: &Tensor| {
        let shape = mean.shape();
        let fallback = other_arrived.broadcast_as(shape)?.where_cond(other, &own)?;
        arrived.broadcast_as(shape)?.where_cond(mean, &fallback)
    };
    Ok(Projected {
        motion: [choose(&arrived0, &mean0, &arrived1, &mean1)?, choose(&arrived1, &mean1, &arrived0, &mean0)?],
        covered: [covered0, covered1],
    })
}

/// The weight below which nothing worth the name arrived at a pixel.
const ENOUGH: f64 = 1e-3;

/// What to do at one time: how to move each frame there, and what it is worth.
#[derive(Clone, Debug)]
pub(crate) struct Synthesised {
    /// Flow from the wanted time to the first and to the last frame, `[1, 2, H, W]`.
    pub(crate) flow: Both,
    /// Worth of the first frame, 0 to 1, `[1, 1, H, W]`; the last has the rest.
    pub(crate) weight: Tensor,
    /// The error to expect, mean over RGB in display units, `[1, 1, H, W]`.
    pub(crate) error: Tensor,
}

impl Synthesised {
    /// The same, but still where the frames agree better as they stand than as they are moved: a title over a moving
    /// background, whose letters are too fine for the flow, and still parts beside moving ones.
    ///
    /// What passes a place between the two frames is safe: there both frames, moved, show the same.
    fn with_stills(self, pictures: &Both, t: f64) -> CandleResult<Self> {
        let disagreement = |a: &Tensor, b: &Tensor| box_mean(&(a - b)?.abs()?.mean_keepdim(1)?);
        let still = disagreement(&pictures[0], &pictures[1])?;
        let moved = [backward_warp(&pictures[0], &self.flow[0])?, backward_warp(&pictures[1], &self.flow[1])?];
        let moved = disagreement(&moved[0], &moved[1])?;
        let stands = still.affine(STILL_SHARE, STILL_MARGIN)?.lt(&moved)?;
        let choose = |yes: &Tensor, no: &Tensor| stands.broadcast_as(no.shape())?.where_cond(yes, no);
        let none = self.flow[0].zeros_like()?;
        let even = self.weight.affine(0.0, 1.0 - t)?;
        Ok(Self {
            flow: [choose(&none, &self.flow[0])?, choose(&none, &self.flow[1])?],
            weight: choose(&even, &self.weight)?,
            error: self.error,
        })
    }
}

/// Standing still must explain the frames this many times better than moving does,
const STILL_SHARE: f64 = 2.0;
/// and by this much, in display units: below it is noise.
const STILL_MARGIN: f64 = 0.02;

/// The mean over a square of 5x5 pixels about each one.
fn box_mean(x: &Tensor) -> CandleResult<Tensor> {
    let mean = |x: &Tensor, dim: usize| -> CandleResult<Tensor> {
        let n = x.dim(dim)?;
        let padded = x.pad_with_same(dim, 2, 2)?;
        let sum = (1..5).try_fold(padded.narrow(dim, 0, n)?, |sum, i| sum + padded.narrow(dim, i, n)?)?;
        sum * 0.2
    };
    mean(&mean(x, 2)?, 3)
}

/// Says how two matched frames make one between them.
pub(crate) struct SynthesisNet {
    down: [Conv2d; 3],
    keep: [Conv2d; 3],
    up1: Conv2d,
    up0: Conv2d,
    head: Conv2d,
}

impl SynthesisNet {
    fn load(w: &mut Weights) -> Result<Self> {
        Ok(Self {
            down: [
                w.conv("synthesis.down0", (17, 32), 3, 2)?,
                w.conv("synthesis.down1", (32, 64), 3, 2)?,
                w.conv("synthesis.down2", (64, 96), 3, 2)?,
            ],
            keep: [
                w.conv("synthesis.keep0", (32, 32), 3, 1)?,
                w.conv("synthesis.keep1", (64 + 2 * FEATURES, 64), 3, 1)?,
                w.conv("synthesis.keep2", (96, 96), 3, 1)?,
            ],
            up1: w.conv("synthesis.up1", (96 + 64, 64), 3, 1)?,
            up0: w.conv("synthesis.up0", (64 + 32, 32), 3, 1)?,
            head: w.linear_conv("synthesis.head", (32, 24), 3)?,
        })
    }

    /// `pictures` and `matched` belong together; `t` runs from 0, the first frame, to 1, the last.
    pub(crate) fn run(&self, pictures: &Both, matched: &Matched, t: f64) -> CandleResult<Synthesised> {
        let (h, w) = size(&pictures[0])?;
        let flow = [resize_flow(&matched.flow[0], (h, w))?, resize_flow(&matched.flow[1], (h, w))?];
        let Projected { motion, covered } = project(pictures, &flow, t)?;
        let to = [(&motion[0] * -t)?, (&motion[1] * (1.0 - t))?];
        let moved = [backward_warp(&pictures[0], &to[0])?, backward_warp(&pictures[1], &to[1])?];
        let visible = |i: usize| -> CandleResult<Tensor> {
            let seen = sigmoid(&resize_bilinear(&matched.visible[i], h, w)?)?;
            backward_warp(&seen, &to[i])
        };
        let x = Tensor::cat(
            &[
                &moved[0],
                &moved[1],
                &(&moved[0] - &moved[1])?,
                &(&to[0] * 0.05)?,
                &(&to[1] * 0.05)?,
                &covered[0],
                &covered[1],
                &visible(0)?,
                &visible(1)?,
            ],
            1,
        )?;
        let out = self.unet(&x, &to, &matched.features)?;
        let flow = [(&to[0] + out.narrow(1, 0, 2)?)?, (&to[1] + out.narrow(1, 2, 2)?)?];
        // The worth before looking is each frame's nearness in time (Jiang et al. 2018, Super SloMo).
        let worth = sigmoid(&out.narrow(1, 4, 1)?)?;
        let first = (&worth * (1.0 - t))?;
        let last = (worth.affine(-1.0, 1.0)? * t)?;
        let weight = (&first / (&first + &last)?)?;
        let error = softplus(&out.narrow(1, 5, 1)?)?;
        let said = Synthesised { flow, weight, error };
        said.with_stills(pictures, t)
    }

    fn unet(&self, x: &Tensor, to: &Both, features: &Both) -> CandleResult<Tensor> {
        let x0 = self.keep[0].forward(&self.down[0].forward(x)?)?;
        let x1 = self.down[1].forward(&x0)?;
        let at = size(&x1)?;
        let context = |i: usize| backward_warp(&features[i], &resize_flow(&to[i], at)?);
        let x1 = self.keep[1].forward(&Tensor::cat(&[&x1, &context(0)?, &context(1)?], 1)?)?;
        let x2 = self.keep[2].forward(&self.down[2].forward(&x1)?)?;
        let joined = |small: &Tensor, skip: &Tensor| {
            let (h, w) = size(skip)?;
            Tensor::cat(&[&resize_bilinear(small, h, w)?, skip], 1)
        };
        let x1 = self.up1.forward(&joined(&x2, &x1)?)?;
        let x0 = self.up0.forward(&joined(&x1, &x0)?)?;
        pixel_shuffle(&self.head.forward(&x0)?, 2)
    }
}

fn sigmoid(x: &Tensor) -> CandleResult<Tensor> {
    (x.neg()?.exp()? + 1.0)?.recip()
}

/// ln(1 + e^x), written so that a large x does not overflow.
fn softplus(x: &Tensor) -> CandleResult<Tensor> {
    x.relu()? + (x.abs()?.neg()?.exp()? + 1.0)?.log()?
}

/// The whole network.
pub(crate) struct MotionNet {
    pub(crate) flow: FlowNet,
    pub(crate) synthesis: SynthesisNet,
}

impl MotionNet {
    /// Loads the network from a safetensors file with PyTorch's names; with it, a hash of the file.
    pub(crate) fn load(path: &Path) -> Result<(Self, u64)> {
        let mut weights = Weights::read(path)?;
        let hash = weights.hash();
        let net = Self { flow: FlowNet::load(&mut weights)?, synthesis: SynthesisNet::load(&mut weights)? };
        weights.finish()?;
        Ok((net, hash))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The largest difference, as a share of the largest value.
    fn relative(a: &Tensor, b: &Tensor) -> f32 {
        let largest = |x: &Tensor| x.abs().unwrap().max_all().unwrap().to_scalar::<f32>().unwrap();
        largest(&(a - b).unwrap()) / largest(b).max(1e-6)
    }

    fn repository(path: &str) -> std::path::PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
    }

    #[test]
    fn the_network_answers_as_pytorch_does() {
        let (net, _) = MotionNet::load(&repository("resources/motion.safetensors")).unwrap();
        let reference = candle_core::safetensors::load(
            repository("model/tests/fixtures/motion_reference.safetensors"),
            &Device::Cpu,
        )
        .unwrap();
        let pictures = [reference["first"].clone(), reference["last"].clone()];
        let matched = net.flow.run(&pictures[0], &pictures[1], 4, &mut |_| true).unwrap();
        for (i, flow) in matched.flow.iter().enumerate() {
            let want = reference["flow"].narrow(0, i, 1).unwrap();
            assert!(relative(flow, &want) < 1e-3, "flow {i} is off by {}", relative(flow, &want));
            let want = reference["visible"].narrow(0, i, 1).unwrap();
            let off = relative(&matched.visible[i], &want);
            assert!(off < 1e-3, "visibility {i} is off by {off}");
        }
        for (name, t) in [("half", 0.5), ("third", 0.3)] {
            let said = net.synthesis.run(&pictures, &matched, t).unwrap();
            let moved = |i: usize| backward_warp(&pictures[i], &said.flow[i]).unwrap();
            let rest = said.weight.affine(-1.0, 1.0).unwrap();
            let picture =
                (moved(0).broadcast_mul(&said.weight).unwrap() + moved(1).broadcast_mul(&rest).unwrap()).unwrap();
            for (what, got) in [
                ("to0", &said.flow[0]),
                ("to1", &said.flow[1]),
                ("weight", &said.weight),
                ("error", &said.error),
                ("picture", &picture),
            ] {
                let off = relative(got, &reference[&format!("{name}.{what}")]);
                assert!(off < 2e-3, "{what} at {t} is off by {off}");
            }
        }
    }
}

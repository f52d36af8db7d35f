//! The motion network: the Rust side of `model/training/networks.py`, which defines and trains it.
//!
//! [`FlowNet`] matches two frames, coarse to fine. [`SynthesisNet`] runs once a time wanted. Both take display-referred
//! RGB in 0..1, `[1, 3, H, W]`, whose sides are multiples of [`super::flow::alignment`]; flows are (x, y) in pixels of
//! the tensor's own resolution.

use std::path::Path;

use candle_core::{Result as CandleResult, Tensor};

use super::{flow::FlowNet, synthesis::SynthesisNet, weights::Weights};
use crate::{
    Result,
    kernels::{Conv2d, resize_bilinear},
};

/// Channels of the features that both parts share.
pub(crate) const FEATURES: usize = 48;

/// Both frames' part in something: `[0]` the first frame's, `[1]` the last's.
pub(crate) type Both = [Tensor; 2];

pub(super) fn chain(convs: &[Conv2d], x: &Tensor) -> CandleResult<Tensor> {
    convs.iter().try_fold(x.clone(), |x, conv| conv.forward(&x))
}

/// A flow at another resolution, in that resolution's pixels.
pub(crate) fn resize_flow(flow: &Tensor, (h, w): (usize, usize)) -> CandleResult<Tensor> {
    let (_, _, from_h, from_w) = flow.dims4()?;
    if (from_h, from_w) == (h, w) {
        return Ok(flow.clone());
    }
    let scale = Tensor::new(&[w as f32 / from_w as f32, h as f32 / from_h as f32], flow.device())?;
    resize_bilinear(flow, h, w)?.broadcast_mul(&scale.reshape((1, 2, 1, 1))?)
}

/// Height and width.
pub(crate) fn size(x: &Tensor) -> CandleResult<(usize, usize)> {
    let (_, _, h, w) = x.dims4()?;
    Ok((h, w))
}

pub(super) fn sigmoid(x: &Tensor) -> CandleResult<Tensor> {
    (x.neg()?.exp()? + 1.0)?.recip()
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
    use candle_core::Device;

    use super::{
        super::{
            project::{Outer, bends, told, trust},
            synthesis::Known,
        },
        *,
    };
    use crate::kernels::backward_warp;

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
        let pictures = ["before", "first", "last", "after"].map(|name| reference[name].clone());
        let [before, first, last, after] = pictures;
        let check = |what: &str, got: &Tensor, tolerance: f32| {
            let off = relative(got, &reference[what]);
            assert!(off < tolerance, "{what} is off by {off}");
        };
        let pair = [first.clone(), last.clone()];
        let outwards = |from: &Tensor, to: &Tensor| {
            let one = net.flow.run(&[from.clone(), to.clone()], 4, [true, false], [None, None], &mut |_| true).unwrap();
            let [way, none] = one.ways;
            assert!(none.is_none());
            way.unwrap()
        };
        let known = |outer: [Option<Outer>; 2]| {
            let told = told(&outer).unwrap();
            let by = told.each_ref().map(Option::as_ref);
            let matched = net.flow.run(&pair, 4, [true, true], by, &mut |_| true).unwrap();
            let ways = matched.ways.map(Option::unwrap);
            let bend = bends(&ways, &outer).unwrap();
            let visible = [sigmoid(&ways[0].visible).unwrap(), sigmoid(&ways[1].visible).unwrap()];
            let [forth, back] = ways.clone();
            let flow = [forth.flow, back.flow];
            let trust = trust(&pair, &flow, &visible).unwrap();
            let known =
                Known { pictures: pair.clone(), features: matched.features, flow, visible, trust, bend, apart: None };
            (known, ways)
        };
        let (straight, ways) = known([None, None]);
        let both = |x: [&Tensor; 2]| Tensor::cat(&x, 0).unwrap();
        check("flow", &both([&ways[0].flow, &ways[1].flow]), 1e-3);
        check("visible", &both([&ways[0].visible, &ways[1].visible]), 1e-3);
        let (curved, ways) = known([
            Some(Outer { way: outwards(&first, &before), spacing: 1.0 }),
            Some(Outer { way: outwards(&last, &after), spacing: 0.5 }),
        ]);
        check("told", &resize_flow(&both([&ways[0].flow, &ways[1].flow]), size(&first).unwrap()).unwrap(), 1e-3);
        for (name, t, known) in [("half", 0.5, &curved), ("third", 0.3, &curved), ("straight", 0.5, &straight)] {
            let said = net.synthesis.run(known, t).unwrap();
            let parts = said.flow.iter().enumerate().map(|(i, f)| backward_warp(&known.pictures[i % 2], f).unwrap());
            let pictures = parts.chain(known.pictures.iter().cloned()).enumerate();
            let picture = pictures
                .map(|(i, p)| p.broadcast_mul(&said.weights.narrow(1, i, 1).unwrap()).unwrap())
                .reduce(|a, b| (a + b).unwrap())
                .unwrap();
            check(&format!("{name}.picture"), &picture, 2e-3);
            check(&format!("{name}.flow"), &Tensor::cat(&said.flow, 1).unwrap(), 2e-3);
            check(&format!("{name}.weights"), &said.weights, 2e-3);
            check(&format!("{name}.error"), &said.error, 2e-3);
        }
    }
}

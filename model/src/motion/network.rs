//! The motion network: the Rust side of `model/training/networks.py`, which defines and trains it.
//!
//! [`FlowNet`] matches two frames, coarse to fine. [`SynthesisNet`] runs once a time wanted. Both take display-referred
//! RGB in 0..1, `[3, H, W]`, whose sides are multiples of [`super::flow::alignment`]; flows are (x, y) in pixels of
//! the map's own resolution.

use std::path::Path;

use super::{flow::FlowNet, synthesis::SynthesisNet, weights::Weights};
use crate::{
    Result,
    engine::{Conv, Engine, Map},
};

/// Channels of the features that both parts share.
pub(crate) const FEATURES: usize = 48;

/// Both frames' part in something: `[0]` the first frame's, `[1]` the last's.
pub(crate) type Both = [Map; 2];

pub(super) fn chain(convs: &[Conv], x: &Map) -> Result<Map> {
    convs.iter().try_fold(x.clone(), |x, conv| conv.forward(&x))
}

/// The same of the planes of several maps, one after another.
pub(super) fn chain_joined(convs: &[Conv], maps: &[&Map]) -> Result<Map> {
    match convs.split_first() {
        Some((first, rest)) => chain(rest, &first.forward_joined(maps)?),
        None => Map::joined(maps),
    }
}

/// The whole network.
pub(crate) struct MotionNet {
    pub(crate) flow: FlowNet,
    pub(crate) synthesis: SynthesisNet,
}

impl MotionNet {
    /// Loads the network to an engine from a safetensors file with PyTorch's names; with it, a hash of the file.
    pub(crate) fn load(path: &Path, engine: &Engine) -> Result<(Self, u64)> {
        let mut weights = Weights::read(path, engine)?;
        let hash = weights.hash();
        let net = Self { flow: FlowNet::load(&mut weights)?, synthesis: SynthesisNet::load(&mut weights)? };
        weights.finish()?;
        Ok((net, hash))
    }

    /// The engine that it runs on.
    pub(crate) fn engine(&self) -> &Engine {
        self.flow.engine()
    }
}

#[cfg(test)]
mod tests {
    use candle_core::{Device, Tensor};

    use super::{
        super::{
            flow::{Looked, Way},
            project::{Outer, bends, told, trust},
            synthesis::Known,
        },
        *,
    };
    use crate::engine::gpus;

    fn largest(x: &Tensor) -> f32 {
        x.abs().unwrap().max_all().unwrap().to_scalar().unwrap()
    }

    fn mean(x: &Tensor) -> f32 {
        x.abs().unwrap().mean_all().unwrap().to_scalar().unwrap()
    }

    fn repository(path: &str) -> std::path::PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
    }

    #[test]
    fn the_network_answers_as_pytorch_does() {
        answers_as_pytorch_does(&Engine::Cpu, largest);
    }

    #[test]
    #[ignore = "needs a GPU, or Mesa's software Vulkan"]
    fn the_network_answers_as_pytorch_does_on_each_gpu() {
        for gpu in gpus() {
            // By factors of 16 bits, which of two flows is taken over changes at a few places.
            let off = if gpu.has_matrices() { mean } else { largest };
            answers_as_pytorch_does(&Engine::Gpu(gpu), off);
        }
    }

    /// To within so much of a map's largest value, as `off` says of a difference.
    fn answers_as_pytorch_does(engine: &Engine, off: fn(&Tensor) -> f32) {
        let (net, _) = MotionNet::load(&repository("resources/motion.safetensors"), engine).unwrap();
        let reference = candle_core::safetensors::load(
            repository("model/tests/fixtures/motion_reference.safetensors"),
            &Device::Cpu,
        )
        .unwrap();
        let pictures = ["before", "first", "last", "after"].map(|name| engine.put(&reference[name]).unwrap());
        let [before, first, last, after] = pictures;
        let relative = |got: &Tensor, known: &Tensor| off(&(got - known).unwrap()) / largest(known).max(1e-6);
        let check = |what: &str, got: &Map, tolerance: f32| {
            let off = relative(&got.tensor().unwrap(), &reference[what]);
            assert!(off < tolerance, "{what} is off by {off}");
        };
        // A map for each frame, as PyTorch has them in one batch.
        let check_both = |what: &str, got: [&Map; 2], tolerance: f32| {
            let got = Tensor::cat(&got.map(|map| map.tensor().unwrap()), 0).unwrap();
            let off = relative(&got, &reference[what]);
            assert!(off < tolerance, "{what} is off by {off}");
        };
        let pair = [first.clone(), last.clone()];
        let look = |picture: &Map| net.flow.look(picture, 4).unwrap();
        let looked = pair.each_ref().map(look);
        let outwards = |from: &Looked, to: &Map| {
            let [way, none] = net.flow.run([from, &look(to)], [true, false], [None, None], &mut |_| true).unwrap();
            assert!(none.is_none());
            way.unwrap()
        };
        let known = |outer: [Option<Outer>; 2]| {
            let told = told(&outer).unwrap();
            let by = told.each_ref().map(Option::as_ref);
            let ways = net.flow.run(looked.each_ref(), [true, true], by, &mut |_| true).unwrap().map(Option::unwrap);
            let bend = bends(&ways, &outer).unwrap();
            let visible = [ways[0].visible.sigmoid().unwrap(), ways[1].visible.sigmoid().unwrap()];
            let [forth, back] = ways.clone();
            let flow = [forth.flow, back.flow];
            let trust = trust(&pair, &flow, &visible).unwrap();
            let features = looked.each_ref().map(|looked| looked.features().clone());
            let known = Known { pictures: pair.clone(), features, flow, visible, trust, bend, apart: None };
            (known, ways)
        };
        let (straight, ways) = known([None, None]);
        check_both("flow", [&ways[0].flow, &ways[1].flow], 1e-3);
        check_both("visible", [&ways[0].visible, &ways[1].visible], 1e-3);
        let (curved, ways) = known([
            Some(Outer { way: outwards(&looked[0], &before), spacing: 1.0 }),
            Some(Outer { way: outwards(&looked[1], &after), spacing: 0.5 }),
        ]);
        let full = |way: &Way| way.flow.resized_flow(first.size()).unwrap();
        check_both("told", [&full(&ways[0]), &full(&ways[1])], 1e-3);
        for (name, t, known) in [("half", 0.5, &curved), ("third", 0.3, &curved), ("straight", 0.5, &straight)] {
            let said = net.synthesis.run(known, t).unwrap();
            let parts = said.flow.iter().enumerate().map(|(i, flow)| known.pictures[i % 2].warped(flow).unwrap());
            let pictures = parts.chain(known.pictures.iter().cloned()).enumerate();
            let picture = pictures
                .map(|(i, picture)| picture.times(&said.weights.planes(i, 1).unwrap()).unwrap())
                .reduce(|a, b| a.plus(&b).unwrap())
                .unwrap();
            check(&format!("{name}.picture"), &picture, 2e-3);
            check(&format!("{name}.flow"), &Map::joined(&said.flow.each_ref()).unwrap(), 2e-3);
            check(&format!("{name}.weights"), &said.weights, 2e-3);
            check(&format!("{name}.error"), &said.error, 2e-3);
        }
    }
}

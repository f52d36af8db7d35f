use std::{collections::HashMap, fs, path::Path};

use candle_core::quantized::{GgmlDType, QTensor, gguf_file};

use super::*;
use crate::{
    Encoding, Unwatched,
    diffusion::{Content, Elsewhere, Item, Purpose, Schedule, Seeded, vae::Tiling},
};

fn fixture(part: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/ltx").join(part)
}

fn opened(path: &Path, elsewhere: &Elsewhere) -> Result<Ltx> {
    Ltx::new(ModelFiles::open(path, elsewhere)?, Device::Cpu, DType::F32, 4 << 30)
}

fn request() -> Request {
    Request {
        prompt: "a red fox runs".to_owned(),
        negative_prompt: String::new(),
        width: 64,
        height: 32,
        frames: 9,
        rate: 25.0,
        items: Vec::new(),
        settings: Settings { schedule: Schedule::given(&[1.0, 0.5]).unwrap(), ..Settings::distilled().unwrap() },
    }
}

fn run(ltx: &Ltx) -> Video {
    ltx.run(&request(), &mut Seeded(3), &Unwatched).unwrap()
}

/// A copy of the fixture's model, to break.
fn copy() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for part in ["transformer", "vae", "text_encoder", "tokenizer"] {
        fs::create_dir(folder.path().join(part)).unwrap();
        for file in fs::read_dir(fixture("model").join(part)).unwrap().flatten() {
            // Written anew and not copied, so that it may be written to whatever the fixture's rights are.
            fs::write(folder.path().join(part).join(file.file_name()), fs::read(file.path()).unwrap()).unwrap();
        }
    }
    folder
}

fn edit(path: &Path, from: &str, to: &str) {
    let text = fs::read_to_string(path).unwrap();
    assert!(text.contains(from), "{from}");
    fs::write(path, text.replace(from, to)).unwrap();
}

fn tensors(path: &Path) -> HashMap<String, Tensor> {
    candle_core::safetensors::load(path, &Device::Cpu).unwrap()
}

const WEIGHTS: &str = "diffusion_pytorch_model.safetensors";

#[track_caller]
fn refused(what: Result<impl Sized>, said: &str) {
    match what {
        Ok(_) => panic!("it was not refused: {said}"),
        Err(error) => assert!(error.to_string().contains(said), "{error}"),
    }
}

#[test]
fn requests_that_make_no_sense_are_refused() {
    let ltx = opened(&fixture("model"), &Elsewhere::default()).unwrap();
    let grey = |w: usize| Frame::new(w, 8, 3, Encoding::Display, vec![0.5; w * 24]).unwrap();
    let still = |frame: usize, strength: f32| Item { content: Content::Still(grey(8)), frame, strength };
    let clip =
        |frame: usize, count: usize| Item { content: Content::Sequence(vec![grey(8); count]), frame, strength: 1.0 };
    let base = request();
    for (request, said) in [
        (Request { width: 100, ..base.clone() }, "100x32 was asked for: both must be multiples of 32"),
        (Request { height: 0, ..base.clone() }, "64x0"),
        (Request { width: 1 << 40, ..base.clone() }, "up to 4096"),
        (Request { frames: 0, ..base.clone() }, "0 frames were asked for"),
        (Request { frames: 12, ..base.clone() }, "one more than a multiple of 8"),
        (Request { rate: f64::NAN, ..base.clone() }, "NaN frames a second"),
        (Request { items: vec![still(0, 1.5)], ..base.clone() }, "strength at frame 0 is 1.5"),
        (Request { items: vec![still(0, f32::NAN)], ..base.clone() }, "strength"),
        (Request { items: vec![still(4, 1.0), still(4, 0.5)], ..base.clone() }, "two pictures are given for frame 4"),
        (Request { items: vec![still(9, 1.0)], ..base.clone() }, "outside the shot, whose last frame is 8"),
        (Request { items: vec![clip(0, 4)], ..base.clone() }, "one more than a multiple of 8"),
        (Request { frames: 25, items: vec![clip(4, 9)], ..base.clone() }, "must start at a multiple of 8"),
        (Request { settings: Settings { guidance: -1.0, ..base.settings.clone() }, ..base.clone() }, "guidance is -1"),
        (Request { settings: base.settings.clone().with_second_pass().unwrap(), ..base.clone() }, "latent upsampler"),
    ] {
        refused(ltx.run(&request, &mut Seeded(0), &Unwatched), said);
    }
}

#[test]
fn a_model_whose_configuration_changed_is_another_model() {
    let of = |folder: &Path| ModelFiles::open(folder, &Elsewhere::default()).unwrap().fingerprint().unwrap();
    let (one, two) = (copy(), copy());
    assert_eq!(of(one.path()), of(two.path()));
    edit(&two.path().join("vae/config.json"), "\"scaling_factor\": 1.0", "\"scaling_factor\": 3.0");
    assert_ne!(of(one.path()), of(two.path()));
}

#[test]
fn a_model_whose_weights_changed_anywhere_is_another_model() {
    let of = |folder: &Path| ModelFiles::open(folder, &Elsewhere::default()).unwrap().fingerprint().unwrap();
    let whole = of(copy().path());
    for part in ["vae", "transformer", "text_encoder"] {
        let folder = copy();
        let path = folder.path().join(part).join(if part == "text_encoder" { "model.safetensors" } else { WEIGHTS });
        let mut bytes = fs::read(&path).unwrap();
        for share in [2, 3] {
            let at = bytes.len() - bytes.len() / share;
            bytes[at] ^= 1;
            fs::write(&path, &bytes).unwrap();
            assert_ne!(of(folder.path()), whole, "{part} at {at}");
            bytes[at] ^= 1;
        }
    }
}

#[test]
fn a_budget_too_small_is_refused_with_the_figure_before_anything_is_loaded() {
    let files = ModelFiles::open(&fixture("model"), &Elsewhere::default()).unwrap();
    let ltx = Ltx::new(files, Device::Cpu, DType::F32, 500_000).unwrap();
    let large = Request { width: 2048, height: 2048, frames: 257, ..request() };
    refused(ltx.run(&large, &mut Seeded(0), &Unwatched), "GB of memory");
    assert!(ltx.is_empty());
}

#[test]
fn parts_that_are_missing_or_of_another_model_are_named() {
    let with = |change: &dyn Fn(&Path)| {
        let folder = copy();
        change(folder.path());
        opened(folder.path(), &Elsewhere::default()).and_then(|ltx| ltx.run(&request(), &mut Seeded(0), &Unwatched))
    };
    refused(with(&|f| fs::remove_dir_all(f.join("vae")).unwrap()), "no VAE");
    refused(with(&|f| fs::remove_dir_all(f.join("text_encoder")).unwrap()), "no text encoder");
    refused(with(&|f| fs::remove_dir_all(f.join("tokenizer")).unwrap()), "no tokenizer");
    refused(with(&|f| fs::remove_file(f.join("transformer").join(WEIGHTS)).unwrap()), "no .safetensors");
    refused(with(&|f| fs::write(f.join("tokenizer/tokenizer.json"), "{").unwrap()), "tokenizer.json");
    // A config that contradicts its tensors.
    let layers = |f: &Path| edit(&f.join("transformer/config.json"), "\"num_layers\": 2", "\"num_layers\": 3");
    refused(with(&layers), "transformer_blocks.2");
    let fewer = |f: &Path| edit(&f.join("transformer/config.json"), "\"num_layers\": 2", "\"num_layers\": 1");
    refused(with(&fewer), "tensors too many, transformer_blocks.1");
    let captions =
        |f: &Path| edit(&f.join("transformer/config.json"), "\"caption_channels\": 32", "\"caption_channels\": 48");
    refused(with(&captions), "texts of 48 channels, the text encoder makes 32");
    let huge = |f: &Path| edit(&f.join("transformer/config.json"), "\"num_layers\": 2", "\"num_layers\": 4000000000");
    refused(with(&huge), "num_layers is 4000000000");
    // Tensors that are missing, misshapen or too many.
    let weights = |f: &Path, change: &dyn Fn(&mut HashMap<String, Tensor>)| {
        let path = f.join("transformer").join(WEIGHTS);
        let mut tensors = tensors(&path);
        change(&mut tensors);
        candle_core::safetensors::save(&tensors, &path).unwrap();
    };
    refused(
        with(&|f| {
            weights(f, &|t| {
                t.remove("proj_out.bias");
            })
        }),
        "proj_out.bias is missing",
    );
    refused(
        with(&|f| {
            weights(f, &|t| {
                t.insert("proj_out.bias".into(), Tensor::zeros(7, DType::F32, &Device::Cpu).unwrap());
            })
        }),
        "proj_out.bias is [7], wanted [16]",
    );
    refused(
        with(&|f| {
            weights(f, &|t| {
                t.insert("lora".into(), Tensor::zeros(7, DType::F32, &Device::Cpu).unwrap());
            })
        }),
        "1 tensors too many, lora",
    );
    // A tokenizer of another model: more tokens than the encoder has rows, or another end.
    let smaller = |f: &Path| edit(&f.join("text_encoder/config.json"), "\"vocab_size\": 63", "\"vocab_size\": 10");
    refused(with(&smaller), "of another model");
    let end = |f: &Path| edit(&f.join("text_encoder/config.json"), "\"eos_token_id\": 1", "\"eos_token_id\": 9");
    refused(with(&end), "does not end a prompt with token 9");
}

/// The second pass makes the video twice as large, and keeps to its known frame.
#[test]
fn a_second_pass_doubles_the_video() {
    let elsewhere = Elsewhere { upsampler: Some(fixture("upsampler")), ..Elsewhere::default() };
    let ltx = opened(&fixture("model"), &elsewhere).unwrap();
    let still = Frame::new(8, 8, 3, Encoding::Display, (0..192).map(|i| i as f32 / 192.0).collect()).unwrap();
    let item = Item { content: Content::Still(still), frame: 0, strength: 1.0 };
    let settings = request().settings.with_second_pass().unwrap();
    let request = Request { items: vec![item.clone()], settings, ..request() };
    let video = ltx.run(&request, &mut Seeded(3), &Unwatched).unwrap();
    assert_eq!((video.frames.len(), video.frames[0].width(), video.frames[0].height()), (9, 128, 64));
    // The first latent is the known frame's own, at the second pass's size.
    let vae = ltx.files.load_vae(&Device::Cpu, DType::F32).unwrap();
    let seen = item::pixels(item.frames(), (64, 128)).unwrap();
    let (mean, _) = vae.encode(&seen, &|| true).unwrap().unwrap();
    let known = vae.statistics().normalised(&mean).unwrap();
    let off = (video.latents.narrow(0, 0, 1).unwrap() - known).unwrap().abs().unwrap();
    assert!(off.flatten_all().unwrap().max(0).unwrap().to_scalar::<f32>().unwrap() < 1e-4);
}

/// The fixture as one file with the publisher's names and metadata makes the video that the folder makes.
#[test]
fn the_publishers_single_file_is_the_same_model() {
    let folder = copy();
    let mut single = HashMap::new();
    for (name, tensor) in tensors(&folder.path().join("transformer").join(WEIGHTS)) {
        single.insert(format!("model.diffusion_model.{}", publishers_transformer_name(&name)), tensor);
    }
    for (name, tensor) in tensors(&folder.path().join("vae").join(WEIGHTS)) {
        single.insert(super::super::names::publishers_vae_name(&name), tensor);
    }
    let blocks = serde_json::json!({
        "transformer": serde_json::from_str::<serde_json::Value>(
            &fs::read_to_string(folder.path().join("transformer/config.json")).unwrap()).unwrap(),
        "vae": {
            "latent_channels": 16, "patch_size": 4, "timestep_conditioning": true, "causal_decoder": false,
            "encoder_base_channels": 8, "decoder_base_channels": 4,
            "encoder_blocks": [["res_x", {"num_layers": 1}], ["compress_space_res", {"multiplier": 1}],
                ["res_x", {"num_layers": 1}], ["compress_time_res", {"multiplier": 2}], ["res_x", {"num_layers": 1}],
                ["compress_all_res", {"multiplier": 1}], ["res_x", {"num_layers": 1}],
                ["compress_all_res", {"multiplier": 1}], ["res_x", {"num_layers": 1}]],
            "decoder_blocks": [["res_x", {"num_layers": 1}], ["compress_all", {}], ["res_x", {"num_layers": 1}],
                ["compress_all", {}], ["res_x", {"num_layers": 1}], ["compress_all", {}], ["res_x", {"num_layers": 1}]]
        }
    });
    let path = folder.path().join("ltxv.safetensors");
    let metadata = HashMap::from([("config".to_owned(), blocks.to_string())]);
    safetensors::serialize_to_file(&single, Some(metadata), &path).unwrap();
    for part in ["transformer", "vae"] {
        fs::remove_dir_all(folder.path().join(part)).unwrap();
    }
    let want = run(&opened(&fixture("model"), &Elsewhere::default()).unwrap());
    for path in [&path, folder.path()] {
        assert_eq!(run(&opened(path, &Elsewhere::default()).unwrap()).frames, want.frames);
    }
}

fn publishers_transformer_name(name: &str) -> String {
    let name = name.replace("proj_in", "patchify_proj").replace("time_embed.", "adaln_single.");
    name.replace("norm_q", "q_norm").replace("norm_k", "k_norm")
}

fn quantised(path: &Path, tensors: &[(String, Tensor)], dtype: GgmlDType) {
    let block = dtype.block_size();
    let tensors = tensors.iter().map(|(name, t)| {
        let flat = t.rank() < 2 || t.dims().last().is_none_or(|d| d % block != 0);
        (name.as_str(), QTensor::quantize(t, if flat { GgmlDType::F32 } else { dtype }).unwrap())
    });
    let tensors: Vec<_> = tensors.collect();
    let listed: Vec<_> = tensors.iter().map(|(n, t)| (*n, t)).collect();
    gguf_file::write(&mut fs::File::create(path).unwrap(), &[], &listed).unwrap();
}

/// llama.cpp's names for T5's tensors.
fn llama_cpp(name: &str) -> String {
    if name == "shared.weight" {
        return "token_embd.weight".to_owned();
    }
    if name == "encoder.final_layer_norm.weight" {
        return "enc.output_norm.weight".to_owned();
    }
    let mut out = name.replace("encoder.block.", "enc.blk.");
    for (from, to) in [
        ("layer.0.SelfAttention.relative_attention_bias", "attn_rel_b"),
        ("layer.0.SelfAttention.", "attn_"),
        ("layer.1.DenseReluDense.wi_0", "ffn_gate"),
        ("layer.1.DenseReluDense.wi_1", "ffn_up"),
        ("layer.1.DenseReluDense.wo", "ffn_down"),
        ("layer.0.layer_norm", "attn_norm"),
        ("layer.1.layer_norm", "ffn_norm"),
    ] {
        out = out.replace(from, to);
    }
    out
}

/// A quantised transformer and text encoder, beside a VAE in a file of its own, come near the video of the whole ones; the names are
/// those that such files have.
#[test]
fn quantised_parts_come_near_the_whole() {
    let want = run(&opened(&fixture("model"), &Elsewhere::default()).unwrap());
    let folder = copy();
    let part = |name: &str, file: &str| tensors(&folder.path().join(name).join(file)).into_iter().collect::<Vec<_>>();
    let transformer = part("transformer", WEIGHTS).into_iter().map(|(n, t)| (publishers_transformer_name(&n), t));
    let transformer: Vec<_> = transformer.collect();
    let text: Vec<_> = part("text_encoder", "model.safetensors").into_iter().map(|(n, t)| (llama_cpp(&n), t)).collect();
    let vae = part("vae", WEIGHTS).into_iter().map(|(n, t)| (super::super::names::publishers_vae_name(&n), t));
    let vae: HashMap<_, _> = vae.map(|(n, t)| (n.trim_start_matches("vae.").to_owned(), t)).collect();
    for replaced in ["transformer/", "vae/"].map(|part| format!("{part}{WEIGHTS}")) {
        fs::remove_file(folder.path().join(replaced)).unwrap();
    }
    fs::remove_file(folder.path().join("text_encoder/model.safetensors")).unwrap();
    safetensors::serialize_to_file(&vae, None, &folder.path().join("vae/LTX-Video-VAE-BF16.safetensors")).unwrap();
    for (dtype, most) in [(GgmlDType::Q8_0, 0.03), (GgmlDType::Q4_0, 0.3)] {
        quantised(&folder.path().join("transformer/model.gguf"), &transformer, dtype);
        quantised(&folder.path().join("text_encoder/model.gguf"), &text, dtype);
        let got = run(&opened(folder.path(), &Elsewhere::default()).unwrap());
        let pixels = |f: &Video| f.frames.iter().flat_map(|f| f.pixels().to_vec()).collect::<Vec<f32>>();
        let off: Vec<f32> = pixels(&got).iter().zip(pixels(&want)).map(|(a, b)| (a - b).abs()).collect();
        let mean = off.iter().sum::<f32>() / off.len() as f32;
        assert!(mean > 0.0 && mean < most, "{dtype:?} is off by {mean}");
    }
    // As they are installed, the transformer lies beside the other parts, and its shapes alone say what it is.
    fs::rename(folder.path().join("transformer/model.gguf"), folder.path().join("ltxv-2b-Q4_K_M.gguf")).unwrap();
    fs::remove_dir_all(folder.path().join("transformer")).unwrap();
    let config = ModelFiles::open(folder.path(), &Elsewhere::default()).unwrap().transformer.config;
    let width = config.num_attention_heads * config.attention_head_dim;
    assert_eq!((config.in_channels, width, config.num_layers, config.caption_channels), (16, 64, 2, 32));
}

/// Tiles of a still scene do not make it flicker: from frame to frame it moves no more where tiles meet than elsewhere,
/// but for what the whole decode moves there too.
#[test]
fn tiles_do_not_flicker() {
    let ltx = opened(&fixture("model"), &Elsewhere::default()).unwrap();
    let vae = ltx.files.load_vae(&Device::Cpu, DType::F32).unwrap();
    let one = Seeded(1).draw(Purpose::Latents, &[1, 16, 4, 4]).unwrap();
    let still = one.repeat((6, 1, 1, 1)).unwrap();
    let edge = |size, step| super::super::vae::Extent { size, step };
    let tiling = Tiling { frames: edge(16, 8), height: edge(96, 64), width: edge(96, 64) };
    let change = |tiling: Option<&Tiling>| -> Vec<f32> {
        let video = vae.decode(&still, 0.05, tiling, &|| true).unwrap().unwrap();
        let count = video.dim(0).unwrap();
        let step = (video.narrow(0, 1, count - 1).unwrap() - video.narrow(0, 0, count - 1).unwrap()).unwrap();
        step.abs().unwrap().mean((1, 2, 3)).unwrap().to_vec1().unwrap()
    };
    let (whole, tiled) = (change(None), change(Some(&tiling)));
    // Well inside the video: at its ends the VAE moves by itself.
    let most = |v: &[f32]| v[8..v.len() - 8].iter().copied().fold(0.0, f32::max);
    assert!(most(&tiled) < 1.5 * most(&whole) + 1e-4, "{} {}", most(&tiled), most(&whole));
}

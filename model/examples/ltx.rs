//! Runs LTX-Video from the command line.
//!
//! ```text
//! cargo run --release -p pickup-model --example ltx -- --model DIR --prompt "rain on a window" --out frames
//! cargo run --release -p pickup-model --example ltx -- --model DIR --prompt "a ship sails off" \
//!     --frame 0=first.png --frame 96=last.png@0.9 --size 768x512 --frames 97 --out frames
//! cargo run --release -p pickup-model --example ltx -- --random model/tests/fixtures/ltx/tensors.json --bench
//! ```
#![allow(clippy::print_stdout, reason = "a command")]

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    str::FromStr,
    time::Instant,
};

use candle_core::{DType, Device, quantized::GgmlDType};
use clap::{Parser, ValueEnum};
use pickup_model::{
    Encoding, Frame, Watch,
    diffusion::{Content, Elsewhere, Item, Ltx, ModelFiles, Request, Schedule, Seeded, Settings},
};

/// Makes a film with LTX-Video, from a prompt and pictures at any frame.
#[derive(Parser)]
struct Arguments {
    /// A folder in the layout of diffusers, a .safetensors file as the publisher ships it, or a .gguf file.
    #[arg(long, required_unless_present = "random")]
    model: Option<PathBuf>,
    /// Random weights of the shapes in this list, to measure with.
    #[arg(long, conflicts_with = "model")]
    random: Option<PathBuf>,
    /// What the random transformer's matrices are quantised to.
    #[arg(long, value_enum, requires = "random")]
    quantised: Option<Quantised>,
    /// Which of the list's transformers.
    #[arg(long, default_value = "transformer_2b")]
    transformer: String,
    /// T5 v1.1's encoder, if it does not lie beside the model.
    #[arg(long)]
    text_encoder: Option<PathBuf>,
    /// tokenizer.json or its folder, if it does not lie beside the model.
    #[arg(long)]
    tokenizer: Option<PathBuf>,
    /// The VAE, if it does not lie beside the model.
    #[arg(long)]
    vae: Option<PathBuf>,
    /// The latent upsampler of the second pass, if it does not lie beside the model.
    #[arg(long)]
    upsampler: Option<PathBuf>,
    /// What should be seen.
    #[arg(long, default_value = "")]
    prompt: String,
    /// What should not; heeded where guidance is above 1.
    #[arg(long, default_value = "worst quality, inconsistent motion, blurry, jittery, distorted")]
    negative: String,
    /// A known frame: INDEX=FILE[@STRENGTH].
    #[arg(long = "frame", value_name = "INDEX=FILE[@STRENGTH]")]
    frames_known: Vec<Keyframe>,
    /// A known clip: INDEX=FOLDER[@STRENGTH], whose pictures follow each other by name; 8k+1 of them.
    #[arg(long = "clip", value_name = "INDEX=FOLDER[@STRENGTH]")]
    clips: Vec<Keyframe>,
    /// Width and height, multiples of 32.
    #[arg(long, default_value = "384x256")]
    size: Size,
    /// How many frames; made up to 8k+1 and cut again.
    #[arg(long, default_value_t = 25)]
    frames: usize,
    /// Frames a second.
    #[arg(long, default_value_t = 25.0)]
    rate: f64,
    /// How the model was trained.
    #[arg(long, value_enum, default_value_t = Preset::Distilled)]
    preset: Preset,
    /// Steps; the preset's own levels if not given.
    #[arg(long)]
    steps: Option<usize>,
    /// How strongly to keep away from the negative prompt.
    #[arg(long)]
    guidance: Option<f64>,
    /// Spatio-temporal guidance.
    #[arg(long)]
    stg: Option<f64>,
    /// A second pass at twice the size.
    #[arg(long)]
    second_pass: bool,
    /// The same seed gives the same film.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Where to compute.
    #[arg(long, value_enum, default_value_t = Place::Cpu)]
    device: Place,
    /// What a GPU computes in, and what random weights are of.
    #[arg(long, value_enum, default_value_t = Type::Bf16)]
    dtype: Type,
    /// Memory that may be used, in GB.
    #[arg(long, default_value_t = 20.0)]
    budget: f64,
    /// A folder for the frames, 0001.png and on.
    #[arg(long, required_unless_present = "bench")]
    out: Option<PathBuf>,
    /// Also writes preview.png after each step.
    #[arg(long)]
    preview: bool,
    /// Runs this often, and prints the seconds of each part and the peak of memory.
    #[arg(long, num_args = 0..=1, default_missing_value = "1")]
    bench: Option<usize>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Preset {
    /// 0.9.8-distilled.
    Distilled,
    /// 0.9.6-distilled.
    Distilled096,
    /// Not distilled.
    Dev,
}

#[derive(Clone, Copy, ValueEnum)]
enum Place {
    Cpu,
    Cuda,
    Metal,
}

#[derive(Clone, Copy, ValueEnum)]
enum Type {
    F32,
    F16,
    Bf16,
}

#[derive(Clone, Copy, ValueEnum)]
enum Quantised {
    Q8_0,
    Q4K,
}

#[derive(Clone)]
struct Size(usize, usize);

impl FromStr for Size {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let sides = text.split_once('x').and_then(|(w, h)| Some(Self(w.parse().ok()?, h.parse().ok()?)));
        sides.ok_or(format!("{text:?} is no size: write it like 768x512"))
    }
}

#[derive(Clone)]
struct Keyframe {
    frame: usize,
    path: PathBuf,
    strength: f32,
}

impl FromStr for Keyframe {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let fault = || format!("{text:?} is no known frame: write it like 24=last.png or 24=last.png@0.8");
        let (frame, rest) = text.split_once('=').ok_or_else(fault)?;
        let frame = frame.parse().map_err(|_| fault())?;
        // A file's name may have an @ of its own: what follows the last one counts if it is a number.
        let (path, strength) = match rest.rsplit_once('@').map(|(p, s)| (p, s.parse())) {
            Some((path, Ok(strength))) => (path, strength),
            _ => (rest, 1.0),
        };
        Ok(Self { frame, path: path.into(), strength })
    }
}

type Failure = Box<dyn std::error::Error>;

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<(), Failure> {
    let (device, dtype) = (device(arguments.device)?, dtype(arguments.dtype));
    let files = match &arguments.random {
        Some(list) => random(list, arguments, dtype)?,
        None => ModelFiles::open(arguments.model.as_deref().unwrap_or(Path::new(".")), &elsewhere(arguments))?,
    };
    let ltx = Ltx::new(files, device, dtype, (arguments.budget * 1e9) as u64)?;
    let request = request(arguments, &ltx)?;
    let plan = ltx.plan(&request)?;
    let gb = |bytes: u64| bytes as f64 / 1e9;
    println!(
        "planned: text encoder {:.1} GB, known frames {:.1} GB, transformer {:.1} GB, decoding {:.1} GB{}; in turn",
        gb(plan.text_encoder),
        gb(plan.encode),
        gb(plan.transformer),
        gb(plan.decode),
        if plan.tiled { " in tiles" } else { "" }
    );
    for round in 0..arguments.bench.unwrap_or(1).max(1) {
        let since = Instant::now();
        let film = ltx.run(
            &request,
            &mut Seeded(arguments.seed),
            &Bar { out: arguments.preview.then(|| arguments.out.clone()).flatten() },
        )?;
        eprintln!();
        if !film.unknown_words.is_empty() {
            println!("the model does not know: {}", film.unknown_words.join(", "));
        }
        if let Some(out) = &arguments.out {
            write(out, &film.frames[..arguments.frames.min(film.frames.len())])?;
        }
        if arguments.bench.is_some() {
            let parts: Vec<_> = film.seconds.iter().map(|(part, s)| format!("{part} {s:.2} s")).collect();
            let total = since.elapsed().as_secs_f64();
            println!("round {}: {}; {total:.2} s in all, peak {}", round + 1, parts.join(", "), peak());
        }
    }
    Ok(())
}

fn elsewhere(arguments: &Arguments) -> Elsewhere {
    Elsewhere {
        text_encoder: arguments.text_encoder.clone(),
        tokenizer: arguments.tokenizer.clone(),
        vae: arguments.vae.clone(),
        upsampler: arguments.upsampler.clone(),
    }
}

fn random(list: &Path, arguments: &Arguments, dtype: DType) -> Result<ModelFiles, Failure> {
    let mut lists: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(list)?)?;
    if !lists.is_object() {
        return Err(format!("{} is no list of tensors", list.display()).into());
    }
    lists["transformer"] = lists[&arguments.transformer].clone();
    let quantised = arguments.quantised.map(|q| match q {
        Quantised::Q8_0 => GgmlDType::Q8_0,
        Quantised::Q4K => GgmlDType::Q4K,
    });
    Ok(ModelFiles::random(&lists, dtype, quantised)?)
}

fn device(place: Place) -> candle_core::Result<Device> {
    match place {
        Place::Cpu => Ok(Device::Cpu),
        Place::Cuda => Device::new_cuda(0),
        Place::Metal => Device::new_metal(0),
    }
}

fn dtype(of: Type) -> DType {
    match of {
        Type::F32 => DType::F32,
        Type::F16 => DType::F16,
        Type::Bf16 => DType::BF16,
    }
}

fn request(arguments: &Arguments, ltx: &Ltx) -> Result<Request, Failure> {
    let mut settings = match (arguments.preset, arguments.steps) {
        (Preset::Distilled, None) => Settings::distilled()?,
        (Preset::Distilled096, None) => Settings::distilled_0_9_6()?,
        (Preset::Dev, steps) => Settings::dev(steps.unwrap_or(40))?,
        (Preset::Distilled, Some(n)) => Settings { schedule: Schedule::linear_quadratic(n)?, ..Settings::distilled()? },
        (Preset::Distilled096, Some(n)) => {
            Settings { schedule: Schedule::linear_quadratic(n)?, ..Settings::distilled_0_9_6()? }
        }
    };
    settings.guidance = arguments.guidance.unwrap_or(settings.guidance);
    settings.stg = arguments.stg.unwrap_or(settings.stg);
    if arguments.second_pass {
        settings = settings.with_second_pass()?;
    }
    let still = |k: &Keyframe| {
        Ok::<_, Failure>(Item { content: Content::Still(picture(&k.path)?), frame: k.frame, strength: k.strength })
    };
    let clip = |k: &Keyframe| {
        Ok::<_, Failure>(Item { content: Content::Sequence(pictures(&k.path)?), frame: k.frame, strength: k.strength })
    };
    let mut items = arguments.frames_known.iter().map(still).collect::<Result<Vec<_>, _>>()?;
    items.extend(arguments.clips.iter().map(clip).collect::<Result<Vec<_>, _>>()?);
    let time = ltx.factors().0;
    Ok(Request {
        prompt: arguments.prompt.clone(),
        negative_prompt: arguments.negative.clone(),
        width: arguments.size.0,
        height: arguments.size.1,
        // Zero frames stay zero, and are refused.
        frames: arguments.frames.checked_sub(1).map_or(0, |n| n.div_ceil(time) * time + 1),
        rate: arguments.rate,
        items,
        settings,
    })
}

fn picture(path: &Path) -> Result<Frame, Failure> {
    let image = image::open(path).map_err(|e| format!("{}: {e}", path.display()))?.into_rgb32f();
    let (width, height) = image.dimensions();
    Ok(Frame::new(width as usize, height as usize, 3, Encoding::Display, image.into_raw())?)
}

fn pictures(folder: &Path) -> Result<Vec<Frame>, Failure> {
    let entries = std::fs::read_dir(folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    let mut paths: Vec<_> = entries.flatten().map(|e| e.path()).filter(|p| p.is_file()).collect();
    paths.sort();
    paths.iter().map(|p| picture(p)).collect()
}

fn save(path: &Path, frame: &Frame) -> Result<(), Failure> {
    let bytes = frame.pixels().iter().map(|v| (v * 255.0 + 0.5) as u8).collect();
    let image = image::RgbImage::from_raw(frame.width() as u32, frame.height() as u32, bytes);
    Ok(image.ok_or("a frame has the wrong size")?.save(path)?)
}

fn write(out: &Path, frames: &[Frame]) -> Result<(), Failure> {
    std::fs::create_dir_all(out)?;
    for (i, frame) in frames.iter().enumerate() {
        save(&out.join(format!("{:04}.png", i + 1)), frame)?;
    }
    println!("{} frames in {}", frames.len(), out.display());
    Ok(())
}

/// The most memory this process has had, where the system tells.
fn peak() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:"));
    let kb = line.and_then(|l| l.trim().strip_suffix(" kB")?.trim().parse::<f64>().ok());
    kb.map_or("unknown".to_owned(), |kb| format!("{:.2} GB", kb * 1024.0 / 1e9))
}

struct Bar {
    /// Where previews go.
    out: Option<PathBuf>,
}

impl Watch for Bar {
    fn progress(&self, done: f32) -> bool {
        eprint!("\r{:3.0} %", 100.0 * done);
        true
    }

    fn wants_previews(&self) -> bool {
        self.out.is_some()
    }

    fn preview(&self, picture: &Frame) {
        if let Some(out) = &self.out {
            let saved = std::fs::create_dir_all(out)
                .map_err(Failure::from)
                .and_then(|()| save(&out.join("preview.png"), picture));
            if let Err(error) = saved {
                eprintln!("the preview could not be written: {error}");
            }
        }
    }
}

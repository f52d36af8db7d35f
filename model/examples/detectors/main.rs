//! How often the detectors of damage are wrong: intact frames that they find, and damage that they do not, on real clips.
//!
//! ```text
//! cargo run --release -p pickup-model --example detectors -- FOLDER --kept DIR
//! ```
//!
//! Each clip is taken at its rate and with every second frame left out, scaled to four sizes, and coded as H.264 and HEVC at
//! three qualities each. Each frame is judged intact; then damage is done, in places that are drawn by seed, to what was decoded,
//! and to what is coded. The tables are what `docs/detectors.md` shows. Needs ffmpeg with x264 and x265.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command")]

mod coder;
mod harm;
mod picture;
mod take;
mod tally;

use std::{path::PathBuf, process::ExitCode};

use clap::Parser;

use take::Take;
use tally::Tally;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// Counts false and missed finds of damage in clips.
#[derive(Parser)]
struct Arguments {
    /// A folder of clips.
    clips: PathBuf,
    /// Where coded clips are kept, so that a second run need not code them again; a folder for these clips and counts alone.
    #[arg(long)]
    kept: PathBuf,
    /// Sizes: heights, or 320w for a width.
    #[arg(long, value_delimiter = ',', default_value = "1080p,720p,480p,320w")]
    sizes: Vec<String>,
    /// Frames of each clip at its own rate, at most.
    #[arg(long, default_value_t = 130)]
    frames: usize,
    /// Frames of each clip of which every second is left out, at most.
    #[arg(long, default_value_t = 50)]
    halved: usize,
    /// Every wrong answer, one a line.
    #[arg(long)]
    list: Option<PathBuf>,
}

fn main() -> ExitCode {
    match measure(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("{e}");
            ExitCode::FAILURE
        }
    }
}

fn measure(arguments: &Arguments) -> Result<()> {
    if !coder::is_there() {
        return Err("ffmpeg must be installed".into());
    }
    std::fs::create_dir_all(&arguments.kept)?;
    let mut clips: Vec<PathBuf> =
        std::fs::read_dir(&arguments.clips)?.map(|entry| entry.map(|e| e.path())).collect::<std::io::Result<_>>()?;
    clips.retain(|path| path.extension().is_some_and(|e| ["mp4", "mkv", "mov"].iter().any(|video| e == *video)));
    clips.sort();
    let (mut sizes, mut wrong) = (Vec::new(), String::new());
    for size in &arguments.sizes {
        let mut tally = Tally::default();
        for path in &clips {
            for (stride, most) in [(1, arguments.frames), (2, arguments.halved)] {
                let stem = path.file_stem().unwrap_or_default().to_string_lossy();
                let source = coder::read(path, &scale(size), stride, most)?;
                let take = Take {
                    seed: stem
                        .bytes()
                        .fold(stride as u64, |seed, byte| seed.wrapping_mul(257).wrapping_add(u64::from(byte))),
                    name: format!("{stem}-{size}-{stride}"),
                    kept: &arguments.kept,
                    source: &source,
                    at_its_rate: stride == 1,
                };
                take.count(&mut tally, &mut wrong)?;
                eprintln!("{}: {} frames", take.name, source.len());
            }
        }
        sizes.push((size.as_str(), tally));
        if let Some(list) = &arguments.list {
            std::fs::write(list, &wrong)?;
        }
    }
    println!("{}", tally::tables(&sizes));
    Ok(())
}

/// ffmpeg's filter for a size such as `720p` or `320w`.
fn scale(size: &str) -> String {
    match size.strip_suffix('w') {
        Some(width) => format!("scale={width}:-2"),
        None => format!("scale=-2:{}", size.trim_end_matches('p')),
    }
}

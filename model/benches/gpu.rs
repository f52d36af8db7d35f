//! Motion on each GPU beside the CPU: how long, how much work, how much memory, and how far the frames are apart.
//!
//! `cargo bench -p pickup-model --bench gpu -- [WIDTHxHEIGHT ...] [--only NAME] [--counts]`; without sizes 1280x720, 1920x1080 and
//! 3840x2160. It opens every GPU, software only where its name has NAME in it, and takes at most six minutes with a card.
//! `--counts` makes one pair alone and prints the work, by kernel, as for a card that is not there.
#![allow(clippy::print_stdout, reason = "a benchmark prints")]

use std::{path::PathBuf, sync::Arc, time::Instant};

use pickup_model::{
    Brief, Encoding, Frame, Unwatched,
    engine::{Adapter, Counted, Engine, Gpu, Kind, adapters},
    motion::{MotionFiller, Neighbours},
};

/// Rounds of which the median counts, after one that compiles the kernels.
const ROUNDS: usize = 5;

struct Arguments {
    sizes: Vec<(usize, usize)>,
    only: Option<String>,
    counts: bool,
}

fn arguments() -> Arguments {
    let mut read = Arguments { sizes: Vec::new(), only: None, counts: false };
    let mut given = std::env::args().skip(1);
    while let Some(argument) = given.next() {
        match argument.as_str() {
            "--only" => read.only = given.next(),
            "--counts" => read.counts = true,
            size => read.sizes.extend(size.split_once('x').and_then(|(w, h)| Some((w.parse().ok()?, h.parse().ok()?)))),
        }
    }
    if read.sizes.is_empty() {
        read.sizes = vec![(1280, 720), (1920, 1080), (3840, 2160)];
    }
    read
}

/// Waves with noise over them, as a camera has them, that have moved so many pixels.
fn picture((width, height): (usize, usize), shift: f32) -> Frame {
    let value = |i: usize| {
        let (c, x, y) = (i % 4, (i / 4 % width) as f32 + shift, (i / 4 / width) as f32);
        let noise = ((i as u32 ^ shift.to_bits()).wrapping_mul(0x9E37_79B9) >> 16) as f32 / 65_536.0;
        let wave = 0.2 * (x * 0.05 + c as f32).sin() + 0.2 * (y * 0.07 + x * 0.011).cos();
        if c == 3 { 1.0 } else { 0.02 * noise + 0.45 + wave }
    };
    Frame::new(width, height, 4, Encoding::Display, (0..width * height * 4).map(value).collect()).expect("sizes agree")
}

/// Seconds to match four frames and make one of them, and to make another; with the last.
fn made(filler: &MotionFiller, size: (usize, usize), round: usize, between: impl Fn()) -> ([f64; 2], Frame) {
    let [before, first, last, after] = [-3.0, 0.0, 3.0, 6.0].map(|x| picture(size, 100.0 * round as f32 + x));
    let near = Neighbours { first: &first, last: &last, before: Some((1.0, &before)), after: Some((1.0, &after)) };
    let began = Instant::now();
    filler.between(&near, 0.5, &Brief::default(), &Unwatched).expect("the pair can be matched");
    let both = began.elapsed().as_secs_f64();
    between();
    let began = Instant::now();
    let frame = filler.between(&near, 0.25, &Brief::default(), &Unwatched).expect("the pair was matched").frame;
    ([both, began.elapsed().as_secs_f64()], frame)
}

fn median(mut seconds: Vec<f64>) -> f64 {
    seconds.sort_by(f64::total_cmp);
    seconds[seconds.len() / 2]
}

fn filler(engine: &Engine) -> MotionFiller {
    // Built elsewhere, the folder of resources is named.
    let resources = std::env::var_os("PICKUP_RESOURCES");
    let resources =
        resources.map_or_else(|| PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../resources")), PathBuf::from);
    let weights = resources.join("motion.safetensors");
    MotionFiller::load_to(&weights, 1 << 30, engine).expect("the repository's weights load")
}

/// What was done between two countings.
fn difference(after: Counted, before: Counted) -> Counted {
    Counted {
        dispatches: after.dispatches - before.dispatches,
        operations: after.operations - before.operations,
        bytes: after.bytes - before.bytes,
        sent: after.sent - before.sent,
        fetched: after.fetched - before.fetched,
    }
}

/// What each kernel did of that, the most bytes first.
fn tell_each(gpu: &Gpu, before: &[(String, Counted)]) {
    let known = |name: &String| before.iter().find(|(known, _)| known == name).map_or(Counted::default(), |(_, c)| *c);
    let mut each: Vec<_> =
        gpu.counted_each().into_iter().map(|(name, now)| (difference(now, known(&name)), name)).collect();
    each.sort_by_key(|(counted, _)| std::cmp::Reverse(counted.bytes));
    for (Counted { dispatches, operations, bytes, .. }, name) in each.iter().filter(|(counted, _)| counted.bytes > 0) {
        let (operations, bytes) = (*operations as f64 / 1e9, *bytes as f64 / 1e6);
        println!("  {name}: {operations:.1} billion operations, {bytes:.0} MB, {dispatches} kernels");
    }
}

fn tell_counts(gpu: &Arc<Gpu>, size: (usize, usize)) {
    let filler = filler(&Engine::Gpu(gpu.clone()));
    let before = gpu.counted();
    let middle = std::cell::Cell::new(before);
    let each = std::cell::RefCell::new(Vec::new());
    made(&filler, size, 0, || {
        middle.set(gpu.counted());
        tell_each(gpu, &[]);
        each.replace(gpu.counted_each());
    });
    println!(" and for the frame:");
    tell_each(gpu, &each.borrow());
    let frame = difference(gpu.counted(), middle.get());
    let both = difference(middle.get(), before);
    for (what, counted) in [("match", difference(both, frame)), ("frame", frame)] {
        let Counted { dispatches, operations, bytes, sent, fetched } = counted;
        println!(
            "{}x{} {what}: {:.1} billion operations, {:.2} GB, {dispatches} kernels; {:.1} MB sent, {:.1} MB fetched",
            size.0,
            size.1,
            operations as f64 / 1e9,
            bytes as f64 / 1e9,
            sent as f64 / 1e6,
            fetched as f64 / 1e6
        );
    }
    println!("{}x{} peak memory: {:.2} GB", size.0, size.1, gpu.memory().peak as f64 / 1e9);
}

/// PSNR in dB.
fn likeness(a: &Frame, b: &Frame) -> f64 {
    let squares = a.pixels().iter().zip(b.pixels()).map(|(a, b)| f64::from(a - b).powi(2));
    -10.0 * (squares.sum::<f64>() / a.pixels().len() as f64).log10()
}

/// One way to make frames on a GPU, and how it did.
struct Way {
    name: &'static str,
    gpu: Arc<Gpu>,
    filler: MotionFiller,
    /// Seconds of the very first frame.
    cold: f64,
    seconds: [Vec<f64>; 2],
    /// PSNR beside the CPU's frames, of the least alike.
    alike: f64,
}

impl Way {
    fn new(name: &'static str, gpu: Gpu, size: (usize, usize)) -> Self {
        let gpu = Arc::new(gpu);
        let filler = filler(&Engine::Gpu(gpu.clone()));
        let ([cold, _], _) = made(&filler, size, 0, || ());
        Self { name, gpu, filler, cold, seconds: [Vec::new(), Vec::new()], alike: f64::INFINITY }
    }
}

fn noted(all: &mut [Vec<f64>; 2], seconds: [f64; 2]) {
    all.iter_mut().zip(seconds).for_each(|(all, one)| all.push(one));
}

fn compare(adapter: &Adapter, size: (usize, usize)) {
    // A device for each size: its peak of memory is its own.
    let mut ways = vec![Way::new("32-bit floats", Gpu::open(adapter).expect("it can be opened"), size)];
    if adapter.matrices().is_some() {
        let gpu = Gpu::open_with_matrices(adapter).expect("it can be opened");
        ways.push(Way::new("matrices of 16-bit floats", gpu, size));
    }
    let (cpu, mut by_cpu) = (filler(&Engine::Cpu), [Vec::new(), Vec::new()]);
    for round in 1..=ROUNDS {
        // The CPU takes longest: two rounds tell.
        let known = (round <= 2).then(|| {
            let (seconds, known) = made(&cpu, size, round, || ());
            noted(&mut by_cpu, seconds);
            known
        });
        for way in &mut ways {
            let (seconds, made) = made(&way.filler, size, round, || ());
            noted(&mut way.seconds, seconds);
            way.alike = known.as_ref().map_or(way.alike, |known| way.alike.min(likeness(&made, known)));
        }
    }
    let [cpu_both, cpu_frame] = by_cpu.map(median);
    println!(
        "{}x{}, CPU: first frame of a pair {:.0} ms, the next {:.0} ms",
        size.0,
        size.1,
        1e3 * cpu_both,
        1e3 * cpu_frame
    );
    for Way { name, gpu, cold, seconds, alike, .. } in ways {
        let [both, frame] = seconds.map(median);
        println!(
            "{}x{}, {name}: first frame of a pair {:.1} ms (the very first {:.1}), the next {:.1} ms; {alike:.1} dB beside the CPU's; \
             peak {:.2} GB",
            size.0,
            size.1,
            1e3 * both,
            1e3 * cold,
            1e3 * frame,
            gpu.memory().peak as f64 / 1e9
        );
    }
}

fn main() {
    let Arguments { sizes, only, counts } = arguments();
    for adapter in adapters() {
        let named = |name: &String| adapter.name().to_lowercase().contains(&name.to_lowercase());
        if !only.as_ref().map_or(adapter.kind() != Kind::Software, named) {
            continue;
        }
        println!("{} ({}, {})", adapter.name(), adapter.api(), adapter.driver());
        for &size in &sizes {
            if counts {
                tell_counts(&Arc::new(Gpu::open(&adapter).expect("it can be opened")), size);
            } else {
                compare(&adapter, size);
            }
        }
    }
}

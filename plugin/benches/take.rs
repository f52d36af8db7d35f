//! How long a frame of a finished take needs into the host's buffer, beside a frame of a clip that passes unchanged.
//!
//! `cargo bench -p pickup --bench take -- [WIDTH HEIGHT [ROUNDS]] [FOOTAGE]`, in float RGBA, the last as *Footage is* has it
//! ("Scene-linear"; display-referred unless it is named). Both are rendered in turn through the host; then a thousand frames are asked
//! for in leaps, as by an editor who scrubs, and the memory before and after is told.
#![allow(clippy::print_stdout, reason = "a benchmark prints")]

use std::{path::Path, sync::Arc, time::Instant};

use ofx::{
    Context,
    host::{Binary, Host, HostImage, Instance, MemoryClip, PixelFormat, Profile, Project, RenderArgs},
};

const LENGTH: i32 = 65;

fn instance(length: i32, (width, height): (usize, usize), pictures: &[Arc<HostImage>]) -> Instance {
    // Without asking whether a frame is the clip's own: it then passes through the node.
    let mut profile = Profile::reference();
    profile.calls.identity = false;
    let effect = Host::new(profile).load(&Binary::in_process(pickup::ofx_binary()), "org.pickup.Generate");
    let effect = effect.expect("Generate loads");
    let last = f64::from(2 * LENGTH);
    let instance = effect.create(Context::Filter, Project::new(width, height, 1.0, last)).expect("an instance");
    let frames = pictures.iter().cycle().take(2 * LENGTH as usize).map(|picture| Some(picture.clone())).collect();
    instance.connect("Source", Arc::new(MemoryClip::new(1, frames))).expect("a clip");
    let model = Path::new(env!("CARGO_MANIFEST_DIR")).join("../model/tests/fixtures/ltx/model");
    for (id, value) in [("prompt", "snow"), ("steps", "2"), ("model", &*model.display().to_string())] {
        instance.set(id, value).expect(id);
    }
    let footage = std::env::args().skip(1).find(|a| a.starts_with(|c: char| c.is_ascii_uppercase()));
    instance.set("footage", &*footage.unwrap_or_else(|| "Display-referred".into())).expect("what the footage is");
    instance.set("start", 1).expect("a start");
    instance.set("length", length).expect("a length");
    instance
}

fn seconds(instance: &Instance, time: i32) -> f64 {
    let began = Instant::now();
    let image = instance.render(RenderArgs::at(f64::from(time))).expect("a frame");
    let took = began.elapsed().as_secs_f64();
    drop(image);
    took
}

fn median(mut all: Vec<f64>) -> f64 {
    all.sort_by(f64::total_cmp);
    all[all.len() / 2]
}

/// Bytes of memory that this process has in use, where the system tells.
fn memory() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    statm.split(' ').nth(1).and_then(|pages| pages.parse::<u64>().ok()).unwrap_or(0) * 4096
}

fn main() {
    let numbers: Vec<usize> = std::env::args().filter_map(|a| a.parse().ok()).collect();
    let size = (*numbers.first().unwrap_or(&1920), *numbers.get(1).unwrap_or(&1080));
    let rounds = *numbers.get(2).unwrap_or(&30) as i32;
    // More than a processor keeps, as frames of a clip are.
    let pictures = (1..=7).map(|n| {
        let picture: Vec<f32> = (0..size.0 * size.1 * 4).map(|i| (i * n % 255) as f32 / 255.0).collect();
        Arc::new(HostImage::from_rgba(size.0, size.1, &picture, PixelFormat::FLOAT_RGBA).expect("a picture"))
    });
    let node = instance(LENGTH, size, &pictures.collect::<Vec<_>>());
    seconds(&node, 1);
    let (mut taken, mut again, mut passed) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..rounds {
        let time = 1 + round * 7 % LENGTH;
        taken.push(seconds(&node, time));
        again.push(seconds(&node, time));
        // Beyond the shot the clip passes.
        passed.push(seconds(&node, LENGTH + time));
    }
    let (taken, again, passed) = (median(taken), median(again), median(passed));
    println!(
        "{}x{}: a frame of a take {:.1} ms, again {:.1} ms, a frame that passes {:.1} ms: {:.2} and {:.2} times",
        size.0,
        size.1,
        taken * 1e3,
        again * 1e3,
        passed * 1e3,
        taken / passed,
        again / passed
    );
    let scrub = |frames: i32| {
        let mut highest = 0;
        for frame in 0..frames {
            seconds(&node, 1 + frame * 17 % LENGTH);
            highest = highest.max(memory());
        }
        highest >> 20
    };
    let (before, after) = (scrub(200), scrub(1000));
    println!("memory, at the most: {before} MB in two hundred frames, {after} MB in a thousand more");
}

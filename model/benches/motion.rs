//! The motion network alone, at a given size: seconds to match four frames (a pair both ways, and from each of it to the
//! next frame further out), and to make one frame of them.
//!
//! `cargo bench -p pickup-model --bench motion -- [WIDTH HEIGHT [ROUNDS]] [ENCODING]`, the last as in the code (`LogC3`; else
//! `Display`); `model/training/bench.py` runs this and the same network in PyTorch in turn. Prints one line a round:
//! `match SECONDS frame SECONDS`.
#![allow(clippy::print_stdout, reason = "a benchmark prints")]

use std::{path::Path, time::Instant};

use pickup_model::{
    Brief, Encoding, Frame, Unwatched,
    motion::{MotionFiller, Neighbours},
};

fn picture(width: usize, height: usize, encoding: Encoding, shift: f32) -> Frame {
    let value = |i: usize| {
        let (c, x, y) = (i % 3, (i / 3 % width) as f32 + shift, (i / 3 / width) as f32);
        // What is lost in noise is looked for everywhere: no footage is more work.
        let noise = ((i as u32 ^ shift.to_bits()).wrapping_mul(0x9E37_79B9) >> 16) as f32 / 65_536.0;
        0.2 * noise + 0.4 + 0.2 * (x * 0.05 + c as f32).sin() + 0.2 * (y * 0.07 + x * 0.011).cos()
    };
    let pixels = (0..width * height * 3).map(value).collect();
    Frame::new(width, height, 3, encoding, pixels).expect("sizes agree")
}

fn main() {
    let numbers: Vec<usize> = std::env::args().filter_map(|a| a.parse().ok()).collect();
    let (width, height) = (*numbers.first().unwrap_or(&1280), *numbers.get(1).unwrap_or(&720));
    let rounds = *numbers.get(2).unwrap_or(&5);
    let encoding = Encoding::ALL.into_iter().find(|encoding| std::env::args().any(|a| a == format!("{encoding:?}")));
    let encoding = encoding.unwrap_or_default();
    let weights = Path::new(env!("CARGO_MANIFEST_DIR")).join("../resources/motion.safetensors");
    let filler = MotionFiller::load(&weights, 1 << 30).expect("the repository's weights load");
    let brief = Brief::default();
    for round in 0..=rounds {
        let [before, first, last, after] =
            [-3.0, 0.0, 3.0, 6.0].map(|x| picture(width, height, encoding, round as f32 + x));
        let near = Neighbours { first: &first, last: &last, before: Some((1.0, &before)), after: Some((1.0, &after)) };
        let began = Instant::now();
        filler.between(&near, 0.5, &brief, &Unwatched).expect("the pair can be matched");
        let both = began.elapsed().as_secs_f64();
        let began = Instant::now();
        filler.between(&near, 0.25, &brief, &Unwatched).expect("the pair was matched");
        let frame = began.elapsed().as_secs_f64();
        // The first round warms up.
        if round > 0 {
            println!("match {:.4} frame {:.4}", both - frame, frame);
        }
    }
}

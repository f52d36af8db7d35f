//! The GPUs of this machine, for `pickup doctor`: what each is, whether it calculates as the CPU does, and how fast.

use std::{path::Path, sync::Arc, time::Instant};

use pickup::engine::named_gpu;
use pickup_model::{
    Brief, Encoding, Frame, Unwatched,
    engine::{Adapter, Engine, Gpu, GpuError, Kind, adapters, may_be_used, operations_a_second, self_test, wrong},
    motion::{MotionFiller, Neighbours},
};

/// A line for each GPU; one that says so where there is none.
pub(super) fn described() -> Vec<String> {
    let found = adapters();
    if found.is_empty() {
        return vec!["none that Vulkan, Metal or Direct3D 12 reach".to_owned()];
    }
    found.iter().map(|adapter| format!("{}; {}", told(adapter), outcome(adapter))).collect()
}

/// Whether motion may come to be found on it. What may not is not tried either: software would take minutes for that.
fn is_tried(adapter: &Adapter) -> bool {
    may_be_used(adapter, named_gpu().as_deref())
}

/// What came of trying it.
fn outcome(adapter: &Adapter) -> String {
    if is_tried(adapter) {
        tested(adapter)
    } else {
        "not used, nor tried here, unless PICKUP_DEVICE names it: it is software".to_owned()
    }
}

/// What its driver tells of it.
fn told(adapter: &Adapter) -> String {
    let matrices = match adapter.matrices() {
        Some(side) => format!("matrices of {side}x{side} 16-bit floats"),
        None => "no matrices of 16-bit floats".to_owned(),
    };
    let largest = adapter.largest_map() / (1 << 20);
    format!(
        "{} ({}, {}, {}), {matrices}, maps of up to {largest} MiB",
        adapter.name(),
        adapter.kind(),
        adapter.api(),
        adapter.driver()
    )
}

/// What it does.
fn tested(adapter: &Adapter) -> String {
    let plain = told_of(Gpu::open(adapter));
    match adapter.matrices() {
        Some(_) => format!("{plain}; by matrices: {}", told_of(Gpu::open_with_matrices(adapter))),
        None => plain,
    }
}

/// What it does, opened one way.
fn told_of(opened: Result<Gpu, GpuError>) -> String {
    let outcome = opened.map_err(pickup_model::Error::from).and_then(|gpu| {
        let gpu = Arc::new(gpu);
        let checked = self_test(&gpu)?;
        Ok((checked, operations_a_second(&Engine::Gpu(gpu))?))
    });
    match outcome {
        Ok((checked, speed)) => {
            let wrong = wrong(&checked);
            let speed = format!("{:.1} billion operations a second in a convolution", speed / 1e9);
            if wrong.is_empty() {
                format!("all {} kernels calculate as the CPU does; {speed}", checked.len())
            } else {
                format!("WRONG NUMBERS from {}; {speed}", wrong.join(", "))
            }
        }
        Err(error) => error.to_string(),
    }
}

/// How long a frame between two takes on the processor and on each GPU that may be used, once the kernels are compiled: a line for each,
/// or why it makes none.
pub(super) fn timed(weights: &Path) -> Vec<pickup_model::Result<String>> {
    let timed = |adapter: &Adapter| {
        // Where software does what a GPU would, a smaller one tells as much.
        let size = if adapter.kind() == Kind::Software { (160, 90) } else { (640, 360) };
        let gpu = Engine::Gpu(Arc::new(Gpu::open_fastest(adapter)?));
        let (on_gpu, on_cpu) = (seconds(weights, size, &gpu)?, seconds(weights, size, &Engine::Cpu)?);
        let (width, height) = size;
        Ok(format!(
            "a frame of {width}x{height} between two takes {on_gpu:.3} s on {}, and {on_cpu:.3} s on the processor",
            adapter.name()
        ))
    };
    adapters().iter().filter(|adapter| is_tried(adapter)).map(timed).collect()
}

/// Seconds that a frame between two takes, after another.
fn seconds(weights: &Path, (width, height): (usize, usize), engine: &Engine) -> pickup_model::Result<f64> {
    let filler = MotionFiller::load_to(weights, 1 << 28, engine)?;
    let picture = |shift: f32| {
        let value = |i: usize| {
            let (x, y) = ((i / 3 % width) as f32 + shift, (i / 3 / width) as f32);
            0.5 + 0.2 * (x * 0.11).sin() + 0.2 * (y * 0.07 + x * 0.03).cos()
        };
        Frame::new(width, height, 3, Encoding::Display, (0..width * height * 3).map(value).collect())
    };
    let mut last = 0.0;
    for round in [0.0, 20.0] {
        let (first, second) = (picture(round)?, picture(round + 4.0)?);
        let began = Instant::now();
        filler.between(&Neighbours::pair(&first, &second), 0.5, &Brief::default(), &Unwatched)?;
        last = began.elapsed().as_secs_f64();
    }
    Ok(last)
}

//! How fast the kernels are on this machine: `cargo bench -p pickup-model [-- FILTER]`.
//!
//! Prints the median time of each kernel and shape, and for sums of products the rate. Threads are rayon's: set
//! `RAYON_NUM_THREADS` to compare.
#![allow(clippy::print_stdout, reason = "a benchmark prints what it measures")]

use std::time::Instant;

use candle_core::{DType, Device, Result, Tensor};
use pickup_model::kernels::{
    Activation, Conv2d, Filter, Pixels, avg_pool2, backward_warp, local_correlation, resize_area, resize_bilinear,
    sample_rows, splat,
};

/// Seconds that a run takes: the median of at least five runs, and of half a second's worth.
fn median(mut run: impl FnMut() -> Result<()>) -> Result<f64> {
    run()?;
    let mut times = Vec::new();
    let start = Instant::now();
    while times.len() < 5 || (start.elapsed().as_secs_f64() < 0.5 && times.len() < 200) {
        let one = Instant::now();
        run()?;
        times.push(one.elapsed().as_secs_f64());
    }
    times.sort_by(f64::total_cmp);
    Ok(times[times.len() / 2])
}

type Run = Box<dyn FnMut() -> Result<Tensor>>;

/// Measures one kernel, if its name holds every word asked for; its inputs are made only then. `products` is the number
/// of multiply-adds, zero where that says little.
fn case(name: &str, products: f64, prepare: impl FnOnce() -> Result<Run>) -> Result<()> {
    if !std::env::args().skip(1).filter(|a| !a.starts_with("--")).all(|word| name.contains(&word)) {
        return Ok(());
    }
    let mut run = prepare()?;
    let seconds = median(|| run().map(drop))?;
    let rate = if products > 0.0 { format!("{:8.1} GFLOP/s", 2.0 * products / seconds / 1e9) } else { String::new() };
    println!("{name:<44} {:9.3} ms {rate}", seconds * 1e3);
    Ok(())
}

fn random(shape: &[usize]) -> Result<Tensor> {
    Tensor::randn(0f32, 1.0, shape, &Device::Cpu)
}

/// A flow of some ten pixels that changes slowly over the picture.
fn smooth_flow(height: usize, width: usize) -> Result<Tensor> {
    resize_bilinear(&random(&[1, 2, height / 40, width / 40])?, height, width)? * 10.0
}

fn main() -> Result<()> {
    for (inputs, outputs, height, width, kernel, stride) in [
        (3, 32, 720, 1280, 3, 2),
        (6, 32, 360, 640, 3, 1),
        (32, 32, 360, 640, 3, 1),
        (32, 64, 360, 640, 3, 2),
        (64, 64, 360, 640, 3, 1),
        (32, 32, 180, 320, 3, 1),
        (64, 64, 180, 320, 3, 1),
        (96, 96, 180, 320, 3, 1),
        (128, 128, 180, 320, 3, 1),
        (192, 192, 180, 320, 3, 1),
        (128, 128, 90, 160, 3, 1),
        (128, 128, 45, 80, 3, 1),
        (32, 2, 360, 640, 3, 1),
        (32, 5, 720, 1280, 3, 1),
        (64, 32, 180, 320, 1, 1),
        (145, 64, 180, 320, 1, 1),
        (3, 16, 360, 640, 7, 2),
    ] {
        let name = format!("conv {kernel}x{kernel}/{stride} {inputs}->{outputs} of {width}x{height}");
        let products = (inputs * outputs * kernel * kernel * (height / stride) * (width / stride)) as f64;
        case(&name, products, || {
            let weight = random(&[outputs, inputs, kernel, kernel])?;
            let activation = Activation::LeakyRelu(0.1);
            let conv = Conv2d::new(&weight, Some(&random(&[outputs])?), stride, kernel / 2, activation)?;
            let x = random(&[1, inputs, height, width])?;
            Ok(Box::new(move || conv.forward(&x)))
        })?;
    }
    for (channels, height, width, radius) in [(32, 180, 320, 4), (64, 90, 160, 4), (64, 180, 320, 3), (96, 45, 80, 4)] {
        let name = format!("correlation r{radius} {channels} of {width}x{height}");
        let products = (channels * (2 * radius + 1usize).pow(2) * height * width) as f64;
        case(&name, products, || {
            let (f1, f2) = (random(&[1, channels, height, width])?, random(&[1, channels, height, width])?);
            Ok(Box::new(move || local_correlation(&f1, &f2, radius)))
        })?;
    }
    for (channels, height, width) in [(3, 720, 1280), (32, 180, 320), (64, 180, 320), (32, 360, 640)] {
        case(&format!("warp {channels} of {width}x{height}"), 0.0, || {
            let (image, flow) = (random(&[1, channels, height, width])?, smooth_flow(height, width)?);
            Ok(Box::new(move || backward_warp(&image, &flow)))
        })?;
    }
    case("splat 1280x720", 0.0, || {
        let (flow, metric) = (smooth_flow(720, 1280)?, Tensor::ones((1, 1, 720, 1280), DType::F32, &Device::Cpu)?);
        Ok(Box::new(move || Ok(splat(&flow, &flow, &metric)?.0)))
    })?;
    for (channels, from, to) in
        [(2, (180, 320), (720, 1280)), (64, (90, 160), (180, 320)), (3, (720, 1280), (360, 640))]
    {
        let name = format!("resize_bilinear {channels} of {}x{} to {}x{}", from.1, from.0, to.1, to.0);
        case(&name, 0.0, || {
            let x = random(&[1, channels, from.0, from.1])?;
            Ok(Box::new(move || resize_bilinear(&x, to.0, to.1)))
        })?;
    }
    case("resize_area 3 of 1920x1080 to 1024x576", 0.0, || {
        let x = random(&[1, 3, 1080, 1920])?;
        Ok(Box::new(move || resize_area(&x, 576, 1024)))
    })?;
    case("avg_pool2 3 of 1920x1080", 0.0, || {
        let x = random(&[1, 3, 1080, 1920])?;
        Ok(Box::new(move || avg_pool2(&x)))
    })?;
    case("candle's avg_pool2d 3 of 1920x1080", 0.0, || {
        let x = random(&[1, 3, 1080, 1920])?;
        Ok(Box::new(move || x.avg_pool2d(2)))
    })?;
    for filter in [Filter::CatmullRom, Filter::Sharp] {
        case(&format!("sample_rows {filter:?} RGBA, 64 rows of 3840"), 0.0, || {
            let (width, height) = (3840, 2160);
            let data = vec![0.5f32; width * height * 4];
            let shift = vec![3.3f32; width * 64];
            let mut band = vec![0f32; width * 64 * 4];
            Ok(Box::new(move || {
                let source = Pixels { data: &data, width, height, channels: 4 };
                sample_rows(source, 512..576, (&shift, &shift), filter, &mut band)?;
                Tensor::new(0f32, &Device::Cpu)
            }))
        })?;
    }
    Ok(())
}

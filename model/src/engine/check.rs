//! Whether a GPU calculates as the CPU does, and how fast.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use candle_core::{Device, Tensor};
use pickup_gpu::Gpu;

use super::{Engine, Map, splat};
use crate::{
    Encoding, Frame, Result,
    motion::{Beside, Plan},
};

/// How far a GPU's numbers may be from the CPU's, as a share of the largest: what the order of sums makes of 32-bit floats.
pub const TOLERANCE: f32 = 1e-4;
/// The same of convolutions whose factors have 16 bits: of those a factor keeps all but the 2048th part, and of many few err the same
/// way.
pub const HALF_TOLERANCE: f32 = 1e-3;

/// How one kernel did.
#[derive(Clone, Debug)]
pub struct Checked {
    /// The kernel, in words.
    pub kernel: &'static str,
    /// The largest difference from the CPU's numbers, as a share of the largest of those; infinite where the shapes differ or a
    /// number is none.
    pub off: f32,
    /// How large it may be.
    pub tolerance: f32,
}

impl Checked {
    /// Whether it calculates as the CPU does.
    #[must_use]
    pub fn is_right(&self) -> bool {
        self.off < self.tolerance
    }
}

/// The kernels that do not.
#[must_use]
pub fn wrong(checked: &[Checked]) -> Vec<&'static str> {
    checked.iter().filter(|c| !c.is_right()).map(|c| c.kernel).collect()
}

/// Runs every operation on a GPU and on the CPU, at sizes that do not divide its tiles.
///
/// # Errors
/// When the GPU does not run them.
pub fn self_test(gpu: &Arc<Gpu>) -> Result<Vec<Checked>> {
    let engine = Engine::Gpu(gpu.clone());
    let convolves = if gpu.has_matrices() { HALF_TOLERANCE } else { TOLERANCE };
    let check = |(kernel, run): &(&'static str, Run), tolerance: f32| {
        Ok(Checked { kernel, off: off(&run(&engine)?.tensor()?, &run(&Engine::Cpu)?.tensor()?)?, tolerance })
    };
    let convolutions = CONVOLUTIONS.iter().map(|operation| check(operation, convolves));
    convolutions.chain(OPERATIONS.iter().map(|operation| check(operation, TOLERANCE))).collect()
}

/// Floating-point operations that an engine does in a second, in a convolution of 64 channels: the best of three, after one that
/// compiles the kernel.
///
/// # Errors
/// When it does not run it.
pub fn operations_a_second(engine: &Engine) -> Result<f64> {
    const CHANNELS: usize = 64;
    let (height, width) = (180, 320);
    let x = engine.put(&tensor(values(CHANNELS * height * width, 5), [1, CHANNELS, height, width])?)?;
    let weight = tensor(values(CHANNELS * CHANNELS * 9, 6), [CHANNELS, CHANNELS, 3, 3])?;
    let bias = Tensor::from_vec(values(CHANNELS, 7), CHANNELS, &Device::Cpu)?;
    let conv = engine.conv(&weight, &bias, 1, None)?;
    let mut best = Duration::MAX;
    for run in 0..4 {
        let started = Instant::now();
        // One pixel of it waits for all.
        conv.forward(&x)?.resized((1, 1))?.tensor()?;
        if run > 0 {
            best = best.min(started.elapsed());
        }
    }
    Ok((2 * CHANNELS * CHANNELS * 9 * height * width) as f64 / best.as_secs_f64())
}

/// Height and width: primes, so that no tile fits.
const SIZE: (usize, usize) = (37, 53);

/// One operation, or a few of a kind, on an engine.
type Run = fn(&Engine) -> Result<Map>;

/// Some outputs more than a group makes, as many as one does at the most, and few.
const CONVOLUTIONS: &[(&str, Run)] = &[
    ("convolution, 3x3", |engine| conv(engine, 70, 3, 1)),
    ("convolution, 3x3, every second place", |engine| conv(engine, 13, 3, 2)),
    ("convolution, 1x1", |engine| conv(engine, 64, 1, 1)),
];

const OPERATIONS: &[(&str, Run)] = &[
    ("resize, larger", |engine| picture(engine, 3, 1)?.resized((74, 106))),
    ("resize, smaller", |engine| picture(engine, 3, 1)?.resized((17, 91))),
    ("resize of a flow", |engine| picture(engine, 2, 1)?.resized_flow((74, 91))),
    ("halving", |engine| picture(engine, 3, 1)?.halved()),
    ("area", |engine| picture(engine, 3, 1)?.shrunk((10, 17))),
    ("means of planes", |engine| picture(engine, 3, 1)?.mean_of_planes()),
    ("correlation", |engine| picture(engine, 11, 1)?.correlated(&picture(engine, 11, 2)?, 3)),
    ("warp", |engine| picture(engine, 5, 1)?.warped(&motion(engine)?)),
    ("splat", |engine| {
        let mut weights: Vec<f32> = values(SIZE.0 * SIZE.1, 8).iter().map(|v| v.abs()).collect();
        (weights[7], weights[70]) = (f32::NAN, f32::INFINITY);
        let (sums, mass) = splat(&picture(engine, 4, 1)?, &motion(engine)?, &put(engine, 1, weights)?)?;
        Map::joined(&[&sums, &mass])
    }),
    ("functions of a value", |engine| {
        let x = picture(engine, 3, 1)?.affine(4.0, -0.5)?;
        Map::joined(&[
            &x.abs()?,
            &x.squared()?,
            &x.exp()?,
            &x.sigmoid()?,
            &x.softplus()?,
            &x.leaky(0.1)?,
            &x.at_least(0.3)?,
            &x.at_most(0.3)?,
            &x.is_below(0.3)?,
            &x.zeros_like()?,
        ])
    }),
    ("functions of two values", |engine| {
        let (x, y) = (picture(engine, 3, 1)?, picture(engine, 3, 2)?);
        Map::joined(&[
            &x.plus(&y)?,
            &x.minus(&y)?,
            &x.times(&y)?,
            &x.over(&y.abs()?.affine(1.0, 0.5)?)?,
            &x.larger(&y)?,
            &x.smaller(&y)?,
            &x.is_below_that_of(&y)?,
        ])
    }),
    ("functions with one plane, and with one value a plane", |engine| {
        let (x, y) = (picture(engine, 3, 1)?, picture(engine, 3, 2)?);
        Map::joined(&[&x.plus(&y.planes(1, 1)?)?, &x.times(&y.mean_of_planes()?)?])
    }),
    ("choices", |engine| {
        let (x, y) = (picture(engine, 3, 1)?, picture(engine, 3, 2)?);
        Map::joined(&[&x.is_below_that_of(&y)?.chosen(&x, &y)?, &y.planes(2, 1)?.is_below(0.1)?.chosen(&x, &y)?])
    }),
    ("planes as one", |engine| {
        let x = picture(engine, 5, 1)?;
        Map::joined(&[&x.sum()?, &x.mean()?, &x.largest()?])
    }),
    ("means around", |engine| {
        Map::joined(&[&picture(engine, 2, 1)?.box_mean(2)?, &picture(engine, 2, 2)?.box_mean(60)?])
    }),
    ("mixing of one channel", |engine| mixed(engine, 1)),
    ("mixing of three channels", |engine| mixed(engine, 3)),
    ("mixing of four channels", |engine| mixed(engine, 4)),
    ("search beside", |engine| {
        let [first, last] = jumped(engine)?;
        // The motion of what jumped is known in its middle, and told of in all of the frame.
        let known = jump_known(engine, 4)?;
        let beside = Beside::new([&first, &last])?;
        let found = beside.better(0, &known, None)?.unwrap_or(known);
        let told = beside.better(0, &engine.zeros(2, SIZE)?, Some(&jump_known(engine, 0)?))?;
        Map::joined(&[&found, &told.unwrap_or(engine.zeros(2, SIZE)?)])
    }),
    ("the part of a map", |engine| picture(engine, 2, 1)?.cropped((20, 19))),
    ("four planes as one", |engine| picture(engine, 8, 1)?.shuffled()),
    ("half a turn", |engine| picture(engine, 2, 1)?.turned()),
];

/// A frame of so many channels, with highlights, between two that are moved a few pixels; its confidence stands below it.
fn mixed(engine: &Engine, channels: usize) -> Result<Map> {
    let (height, width) = (41, 67);
    let frame = |seed: u32| {
        let values = values(height * width * channels, seed).into_iter();
        let lit = values.map(|v| if v > 0.97 { 40.0 * v } else { 0.5 * v + 0.5 });
        Frame::new(width, height, channels, Encoding::Linear, lit.collect())
    };
    let said = (0..15).flat_map(|plane| {
        let scale = if plane < 8 { [0.0, 5.0] } else { [0.3, 0.3] };
        values(SIZE.0 * SIZE.1, 20 + plane).into_iter().map(move |v| scale[0] + scale[1] * v)
    });
    let plan = Plan::of(engine.put(&tensor(said.collect(), [1, 15, SIZE.0, SIZE.1])?)?)?;
    let (made, sure) = plan.apply(&frame(10)?, &frame(11)?)?;
    let rows = [made.pixels(), sure.pixels()].concat();
    let (count, each) = (channels + 1, height * width);
    Ok(Map::Cpu(tensor(rows, [1, count, 1, each])?))
}

/// How far across and down the square jumps in [`jumped`], where it stands, and its side.
const JUMP: (usize, usize) = (17, 6);
const SQUARE: (usize, usize, usize) = (9, 11, 12);

/// Features of noise with a square of other noise, at another place in the second.
fn jumped(engine: &Engine) -> Result<[Map; 2]> {
    const CHANNELS: usize = 4;
    let (ground, thing) = (values(CHANNELS * SIZE.0 * SIZE.1, 30), values(CHANNELS * SQUARE.2 * SQUARE.2, 31));
    let frame = |left: usize, top: usize| {
        let mut frame = ground.clone();
        for (i, v) in thing.iter().enumerate() {
            let (c, y, x) = (i / (SQUARE.2 * SQUARE.2), i / SQUARE.2 % SQUARE.2, i % SQUARE.2);
            frame[(c * SIZE.0 + top + y) * SIZE.1 + left + x] = *v;
        }
        put(engine, CHANNELS, frame)
    };
    Ok([frame(SQUARE.0, SQUARE.1)?, frame(SQUARE.0 + JUMP.0, SQUARE.1 + JUMP.1)?])
}

/// The square's motion, known so far from its edge on; all else stands still.
fn jump_known(engine: &Engine, rim: usize) -> Result<Map> {
    let mut flow = vec![0.0; 2 * SIZE.0 * SIZE.1];
    for (y, x) in (rim..SQUARE.2 - rim).flat_map(|y| (rim..SQUARE.2 - rim).map(move |x| (y, x))) {
        let at = (SQUARE.1 + y) * SIZE.1 + SQUARE.0 + x;
        (flow[at], flow[SIZE.0 * SIZE.1 + at]) = (JUMP.0 as f32, JUMP.1 as f32);
    }
    put(engine, 2, flow)
}

fn conv(engine: &Engine, outputs: usize, side: usize, stride: usize) -> Result<Map> {
    let inputs = 19;
    let weight = tensor(values(outputs * inputs * side * side, 2), [outputs, inputs, side, side])?;
    let bias = Tensor::from_vec(values(outputs, 3), outputs, &Device::Cpu)?;
    engine.conv(&weight, &bias, stride, Some(0.1))?.forward(&picture(engine, inputs, 1)?)
}

/// So many planes of numbers from -1 to 1.
fn picture(engine: &Engine, channels: usize, seed: u32) -> Result<Map> {
    put(engine, channels, values(channels * SIZE.0 * SIZE.1, seed))
}

/// Motion of some pixels, that leaves the picture at places and is no number at one.
fn motion(engine: &Engine) -> Result<Map> {
    let mut motion: Vec<f32> = values(2 * SIZE.0 * SIZE.1, 7).iter().map(|v| v * 9.0).collect();
    (motion[40], motion[900]) = (f32::NAN, 1e6);
    put(engine, 2, motion)
}

fn put(engine: &Engine, channels: usize, values: Vec<f32>) -> Result<Map> {
    engine.put(&tensor(values, [1, channels, SIZE.0, SIZE.1])?)
}

fn tensor(values: Vec<f32>, shape: [usize; 4]) -> Result<Tensor> {
    Ok(Tensor::from_vec(values, &shape, &Device::Cpu)?)
}

/// How far what was made is from what is known, as a share of the largest; infinite where it differs in shape, or is no number.
fn off(made: &Tensor, known: &Tensor) -> Result<f32> {
    if made.dims() != known.dims() {
        return Ok(f32::INFINITY);
    }
    let flat = |x: &Tensor| x.flatten_all()?.to_vec1::<f32>();
    let (made, known) = (flat(made)?, flat(known)?);
    let largest = known.iter().fold(0.0_f32, |most, v| most.max(v.abs()));
    let apart = made.iter().zip(&known).map(|(a, b)| (a - b).abs());
    // `max` passes over what is no number.
    let off = apart.map(|v| if v.is_nan() { f32::INFINITY } else { v }).fold(0.0, f32::max);
    Ok(off / largest.max(f32::MIN_POSITIVE))
}

/// So many numbers from -1 to 1, the same for a seed on every machine.
fn values(count: usize, seed: u32) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9E37_79B9) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        // 24 bits, as many as a float tells apart.
        (state >> 8) as f32 / 8_388_608.0 - 1.0
    };
    (0..count).map(|_| next()).collect()
}

#[cfg(test)]
mod tests {
    use pickup_gpu::{Counted, GpuError};

    use super::*;
    use crate::engine::gpus;

    #[test]
    #[ignore = "needs a GPU, or Mesa's software Vulkan"]
    fn every_kernel_calculates_as_the_cpu_does() {
        for gpu in gpus() {
            for checked in self_test(&gpu).unwrap() {
                assert!(checked.is_right(), "{}: {checked:?}", gpu.name());
            }
        }
    }

    #[test]
    fn the_search_that_is_tried_finds_something() {
        let (_, run) = OPERATIONS.iter().find(|(operation, _)| *operation == "search beside").unwrap();
        let found = run(&Engine::Cpu).unwrap().tensor().unwrap().flatten_all().unwrap().to_vec1::<f32>().unwrap();
        let planes = found.chunks(SIZE.0 * SIZE.1).step_by(2);
        let moved = planes.map(|across| across.iter().filter(|v| **v == JUMP.0 as f32).count()).collect::<Vec<_>>();
        let known = (SQUARE.2 - 8) * (SQUARE.2 - 8);
        let [beside, told] = moved[..] else { panic!("two flows are looked for") };
        assert!(beside > known + 20 && told > 30, "{beside} beside, {told} told");
    }

    #[test]
    #[ignore = "needs a GPU, or Mesa's software Vulkan"]
    fn a_device_gives_the_same_numbers_every_time() {
        for gpu in gpus() {
            let engine = Engine::Gpu(gpu.clone());
            // Everything falls on a few pixels, from all sides at once.
            let x = picture(&engine, 2, 1).unwrap();
            let towards = (0..2 * SIZE.0 * SIZE.1).map(|i| {
                let (plane, place) = (i / (SIZE.0 * SIZE.1), i % (SIZE.0 * SIZE.1));
                let at = if plane == 0 { place % SIZE.1 } else { place / SIZE.1 };
                20.3 - at as f32 * 0.98
            });
            let motion = put(&engine, 2, towards.collect()).unwrap();
            let weights = put(&engine, 1, vec![0.7; SIZE.0 * SIZE.1]).unwrap();
            let run = || {
                let (sums, _) = splat(&x, &motion, &weights).unwrap();
                let sums = sums.tensor().unwrap().flatten_all().unwrap().to_vec1::<f32>().unwrap();
                sums.into_iter().map(f32::to_bits).collect::<Vec<_>>()
            };
            let first = run();
            for _ in 0..10 {
                assert_eq!(run(), first, "{}", gpu.name());
            }
        }
    }

    #[test]
    #[ignore = "needs a GPU, or Mesa's software Vulkan"]
    fn what_cannot_be_is_an_error_and_what_follows_works() {
        for gpu in gpus() {
            let map = gpu.map([1, 2, 2], &[1.0, 2.0, 3.0, 4.0]).unwrap();
            assert!(matches!(gpu.map([1, 2, 2], &[1.0]), Err(GpuError::Shape { .. })));
            assert!(matches!(gpu.warped(&map, &map), Err(GpuError::Shape { .. })));
            assert!(matches!(gpu.resize(&map, 1 << 20, 1 << 20), Err(GpuError::TooLarge { .. })));
            assert!(matches!(gpu.resize(&map, 0, 4), Err(GpuError::Shape { .. })));
            assert_eq!(gpu.read(&gpu.halved(&map).unwrap()).unwrap(), [2.5]);
        }
    }

    #[test]
    #[ignore = "needs a GPU, or Mesa's software Vulkan"]
    fn what_a_closed_gpu_is_asked_for_is_an_error() {
        for gpu in gpus() {
            let engine = Engine::Gpu(gpu.clone());
            let (x, flow) = (picture(&engine, 2, 1).unwrap(), motion(&engine).unwrap());
            let moved = x.warped(&flow).unwrap();
            gpu.close();
            let lost = |result: Result<Tensor>| matches!(result, Err(crate::Error::Gpu(GpuError::Lost { .. })));
            assert!(lost(moved.tensor()));
            assert!(lost(picture(&engine, 2, 1).and_then(|x| x.warped(&flow)?.tensor())));
            assert!(lost(conv(&engine, 13, 3, 1).and_then(|x| x.tensor())));
        }
    }

    #[test]
    #[ignore = "needs a GPU, or Mesa's software Vulkan"]
    fn memory_is_used_again_and_may_be_limited() {
        for gpu in gpus() {
            let engine = Engine::Gpu(gpu.clone());
            let row = |gpu: &Gpu| {
                for _ in 0..10 {
                    // As for each frame of a clip.
                    let mut x = picture(&engine, 3, 1).unwrap();
                    for _ in 0..10 {
                        x = x.affine(0.5, 0.1).unwrap();
                    }
                    x.tensor().unwrap();
                }
                gpu.memory()
            };
            let each = (3 * SIZE.0 * SIZE.1 * size_of::<f32>()) as u64;
            assert!(row(&gpu).peak <= 3 * each, "{:?}", gpu.memory());
            gpu.trim();
            assert_eq!(gpu.memory().now, 0);
            gpu.limit_memory(2 * each);
            let x = picture(&engine, 3, 1).unwrap();
            let y = x.turned().unwrap();
            y.tensor().unwrap();
            let sum = x.plus(&y).unwrap();
            assert!(matches!(sum.tensor(), Err(crate::Error::Gpu(GpuError::OutOfMemory { .. }))));
            drop((x, sum));
            assert!(y.plus(&y).unwrap().tensor().is_ok(), "what lies idle is used");
        }
    }

    #[test]
    #[ignore = "needs a GPU, or Mesa's software Vulkan"]
    fn work_is_counted() {
        for gpu in gpus() {
            let map = gpu.map([1, 4, 6], &[0.5; 24]).unwrap();
            let halved = gpu.halved(&map).unwrap();
            assert_eq!(gpu.counted(), Counted { sent: 24 * 4, ..Counted::default() }, "nobody needs it yet");
            gpu.read(&halved).unwrap();
            // The kernel's, and the copy's.
            let bytes = (24 + 6) * 4 + 2 * 6 * 4;
            let counted = Counted { dispatches: 1, operations: 24, bytes, sent: 24 * 4, fetched: 6 * 4 };
            assert_eq!(gpu.counted(), counted);
            assert_eq!(gpu.counted_each().into_iter().map(|(_, each)| each).sum::<Counted>(), counted);
            assert!(operations_a_second(&Engine::Gpu(gpu)).unwrap() > 1e6);
        }
    }
}

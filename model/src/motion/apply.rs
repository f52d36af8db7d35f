//! Moves a host's own pixels as the network says, a band of rows at a time.

use std::{ops::Range, sync::Arc};

use candle_core::{Result as CandleResult, Tensor};
use rayon::prelude::*;

use super::synthesis::{MOVED, PICTURES, Synthesised};
use crate::{
    Error, Frame, Result,
    engine::{Gpu, GpuError, Map, mixed},
    kernels::{Filter, Pixels, resize_bilinear_rows, sample_rows},
};

/// Rows made at once: bounds the memory beside the frames themselves.
pub(super) const BAND: usize = 64;

/// Orders of magnitude between an expected error and the confidence it leaves: e^(-error/SCALE).
const CONFIDENCE_SCALE: f32 = 0.08;
/// How many times as far off as the network expects it is on real clips; what it expects was learned on drawn ones. Measured by
/// `model/training/confidence.py`.
const REAL: f64 = 3.0;

/// What the network said at the proxy's size, without its padding: the planes of each flow, of each picture's worth, and of the error
/// to expect.
pub(crate) enum Plan {
    Cpu(Said),
    Gpu(Arc<Gpu>, pickup_gpu::Map),
}

/// Where the worths begin, and where the error stands.
const WORTHS: usize = 2 * MOVED;
const ERROR: usize = WORTHS + PICTURES;

impl Plan {
    pub(crate) fn new(said: &Synthesised, size: (usize, usize)) -> Result<Self> {
        let [a, b, c, d] = &said.flow;
        let error = said.error.scaled(REAL)?;
        let maps = [a, b, c, d, &said.weights, &error];
        match maps[0] {
            Map::Cpu(_) => Ok(Self::Cpu(Said::new(&maps, size)?)),
            Map::Gpu(..) => {
                let cropped = maps.iter().map(|map| map.cropped(size)).collect::<Result<Vec<_>>>()?;
                Self::of(Map::joined(&cropped.iter().collect::<Vec<_>>())?)
            }
        }
    }

    /// Of all planes in one map.
    pub(crate) fn of(map: Map) -> Result<Self> {
        match map {
            Map::Gpu(gpu, said) => Ok(Self::Gpu(gpu, said)),
            Map::Cpu(_) => Ok(Self::Cpu(Said::new(&[&map], map.size())?)),
        }
    }

    /// The frame between `first` and `last`, and how sure of it one may be.
    pub(crate) fn apply(&self, first: &Frame, last: &Frame) -> Result<(Frame, Frame)> {
        let (width, height, channels) = (first.width(), first.height(), first.channels());
        let (pixels, sure) = self.mixed([first, last])?;
        Ok((
            Frame::new(width, height, channels, first.encoding(), pixels)?,
            Frame::new(width, height, 1, first.encoding(), sure)?,
        ))
    }
}

impl Plan {
    fn mixed(&self, frames: [&Frame; 2]) -> Result<(Vec<f32>, Vec<f32>)> {
        let (gpu, said) = match self {
            Self::Cpu(said) => return said.mixed(frames),
            Self::Gpu(gpu, said) => (gpu, said),
        };
        match mixed(gpu, said, frames, CONFIDENCE_SCALE) {
            // The frames may be much larger than what was looked at: they are mixed by bands in the machine's memory.
            Err(Error::Gpu(GpuError::TooLarge { .. } | GpuError::OutOfMemory { .. })) => {
                let said = Map::on(gpu, said.clone());
                Said::new(&[&said], said.size())?.mixed(frames)
            }
            done => done,
        }
    }
}

/// A plan as plain numbers.
pub(crate) struct Said {
    size: (usize, usize),
    planes: Vec<Vec<f32>>,
}

impl Said {
    /// The planes of all maps, cropped to a height and width.
    fn new(maps: &[&Map], size: (usize, usize)) -> Result<Self> {
        let mut planes = Vec::new();
        for map in maps {
            let map = map.tensor()?;
            for channel in 0..map.dim(1)? {
                planes.push(plane(&map, channel, size)?);
            }
        }
        Ok(Self { size, planes })
    }

    /// Some rows of a plane at a frame's size, multiplied by `scale`.
    fn rows(&self, plane: usize, to: (usize, usize), rows: &Range<usize>, scale: f32) -> Result<Vec<f32>> {
        scaled_rows(&self.planes[plane], self.size, to, rows, scale)
    }

    fn mixed(&self, frames: [&Frame; 2]) -> Result<(Vec<f32>, Vec<f32>)> {
        let (width, height, channels) = (frames[0].width(), frames[0].height(), frames[0].channels());
        let mut pixels = vec![0.0; width * height * channels];
        let mut sure = vec![0.0; width * height];
        for (i, (out, sure)) in
            pixels.chunks_mut(BAND * width * channels).zip(sure.chunks_mut(BAND * width)).enumerate()
        {
            let rows = i * BAND..(i * BAND + BAND).min(height);
            self.band(frames, &rows, out)?;
            sure.copy_from_slice(&self.rows(ERROR, (height, width), &rows, 1.0)?);
            sure.iter_mut().for_each(|v| *v = (-v.max(0.0) / CONFIDENCE_SCALE).exp());
        }
        Ok((pixels, sure))
    }

    fn band(&self, frames: [&Frame; 2], rows: &Range<usize>, out: &mut [f32]) -> Result<()> {
        let (width, height, channels) = (frames[0].width(), frames[0].height(), frames[0].channels());
        let to = (height, width);
        let scale = [width as f32 / self.size.1 as f32, height as f32 / self.size.0 as f32];
        let mut moved = vec![0.0; out.len()];
        for i in 0..PICTURES {
            let source = frames[i % 2];
            let weight = self.rows(WORTHS + i, to, rows, 1.0)?;
            if weight.iter().all(|worth| *worth == 0.0) {
                continue;
            }
            let picture = if i < MOVED {
                let x = self.rows(2 * i, to, rows, scale[0])?;
                let y = self.rows(2 * i + 1, to, rows, scale[1])?;
                let source = Pixels { data: source.pixels(), width, height, channels };
                sample_rows(source, rows.clone(), (&x, &y), Filter::Sharp, &mut moved)?;
                &moved
            } else {
                &source.pixels()[rows.start * width * channels..rows.end * width * channels]
            };
            add(out, picture, &weight, channels);
        }
        Ok(())
    }
}

/// One channel of `[1, C, H, W]`, cropped to a height and width.
pub(super) fn plane(x: &Tensor, channel: usize, size: (usize, usize)) -> CandleResult<Vec<f32>> {
    x.narrow(1, channel, 1)?.narrow(2, 0, size.0)?.narrow(3, 0, size.1)?.flatten_all()?.to_vec1::<f32>()
}

/// Some rows of a plane of one size brought to another, multiplied by `scale`.
pub(super) fn scaled_rows(
    plane: &[f32],
    size: (usize, usize),
    to: (usize, usize),
    rows: &Range<usize>,
    scale: f32,
) -> Result<Vec<f32>> {
    let mut out = vec![0.0; rows.len() * to.1];
    resize_bilinear_rows(plane, size, to, rows.clone(), &mut out)?;
    if scale != 1.0 {
        out.iter_mut().for_each(|v| *v *= scale);
    }
    Ok(out)
}

/// Adds a picture by its worth at each pixel.
fn add(out: &mut [f32], picture: &[f32], weight: &[f32], channels: usize) {
    let run = channels << 10;
    out.par_chunks_mut(run).zip(picture.par_chunks(run)).zip(weight.par_chunks(1 << 10)).for_each(|((out, p), w)| {
        for ((out, p), w) in out.chunks_exact_mut(channels).zip(p.chunks_exact(channels)).zip(w) {
            for (out, p) in out.iter_mut().zip(p) {
                *out += p * w;
            }
        }
    });
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;
    use crate::{
        Encoding,
        engine::{Engine, gpus},
    };

    /// Numbers from 0 to 1, the same every time.
    fn numbers(count: usize, seed: u32) -> impl Iterator<Item = f32> {
        (0..count as u32).map(move |i| {
            let mixed = (i ^ seed.wrapping_mul(0x9E37_79B9)).wrapping_mul(0x85EB_CA6B) ^ (i >> 7);
            (mixed.wrapping_mul(0xC2B2_AE35) >> 8) as f32 / (1_u32 << 24) as f32
        })
    }

    /// Noise with highlights; alpha, if there is one, is 1 but for a hole.
    fn frame(channels: usize, seed: u32) -> Frame {
        let (width, height) = (45, 29);
        let values =
            numbers(width * height * channels, seed).enumerate().map(|(i, v)| match (channels, i % channels) {
                (4, 3) => f32::from(u8::from(!(700..900).contains(&(i / 4)))),
                _ if v > 0.98 => 400.0 * v,
                _ => v,
            });
        Frame::new(width, height, channels, Encoding::Linear, values.collect()).unwrap()
    }

    /// What leads a few pixels away, and out of the picture at places.
    fn said(size: (usize, usize)) -> Tensor {
        let area = size.0 * size.1;
        let planes = (0..=ERROR as u32).flat_map(|plane| {
            numbers(area, 100 + plane).map(move |v| match plane as usize {
                plane if plane < WORTHS => 7.0 * (v - 0.5),
                plane if plane < ERROR => v / 3.0,
                _ => v / 5.0,
            })
        });
        Tensor::from_vec(planes.collect(), (1, ERROR + 1, size.0, size.1), &Device::Cpu).unwrap()
    }

    #[test]
    fn a_pixel_is_as_sure_as_three_times_the_error_to_expect_leaves_it() {
        let size = (29, 45);
        let planes =
            |count: usize, value: f32| Map::Cpu(Tensor::full(value, (1, count, size.0, size.1), &Device::Cpu).unwrap());
        let sure = |error: f32| {
            let said = Synthesised {
                flow: std::array::from_fn(|_| planes(2, 0.0)),
                weights: planes(PICTURES, 1.0 / PICTURES as f32),
                error: planes(1, error),
                arrived: planes(1, 1.0),
            };
            Plan::new(&said, size).unwrap().apply(&frame(3, 1), &frame(3, 2)).unwrap().1.pixels().to_vec()
        };
        // e^(-3 error / 0.08).
        for (error, known) in [(0.0, 1.0), (0.01, 0.6873), (0.04, 0.2231)] {
            assert!(sure(error).iter().all(|sure| (sure - known).abs() < 1e-3), "{error}: {}", sure(error)[0]);
        }
    }

    #[test]
    #[ignore = "needs a GPU, or Mesa's software Vulkan"]
    fn a_gpu_moves_and_mixes_as_the_cpu_does() {
        for gpu in gpus() {
            for (channels, size) in [(1, (29, 45)), (3, (15, 23)), (4, (12, 31)), (5, (29, 45))] {
                let said = said(size);
                let [mut first, mut last] = [frame(channels, 1), frame(channels, 2)];
                if channels == 1 {
                    // A pixel that is none, beside others.
                    let holed = |frame: &Frame| {
                        let mut pixels = frame.pixels().to_vec();
                        pixels[500] = f32::NAN;
                        Frame::new(45, 29, 1, Encoding::Linear, pixels).unwrap()
                    };
                    [first, last] = [holed(&first), holed(&last)];
                }
                let plan = |engine: Engine| Plan::of(engine.put(&said).unwrap()).unwrap();
                let known = plan(Engine::Cpu).apply(&first, &last).unwrap();
                let plan = plan(Engine::Gpu(gpu.clone()));
                let made = plan.apply(&first, &last).unwrap();
                for (what, made, known) in [("picture", &made.0, &known.0), ("confidence", &made.1, &known.1)] {
                    let most = known.pixels().iter().filter(|v| v.is_finite()).fold(0.0_f32, |m, v| m.max(v.abs()));
                    for (i, (a, b)) in made.pixels().iter().zip(known.pixels()).enumerate() {
                        assert!((a - b).abs() < 1e-4 * most || a.is_nan() && b.is_nan(), "{what} at {i}: {a}, not {b}");
                    }
                }
                if channels > 1 {
                    gpu.trim();
                    gpu.limit_memory(gpu.memory().now + 1000);
                    assert_eq!(plan.apply(&first, &last).unwrap(), known, "frames that it has no room for");
                    gpu.limit_memory(u64::MAX);
                }
            }
        }
    }

    #[test]
    #[ignore = "needs a GPU, or Mesa's software Vulkan"]
    fn a_picture_that_a_gpu_has_is_not_sent_again() {
        let said = said((15, 23));
        let frames: Vec<Frame> = (1..=7).map(|seed| frame(4, seed)).collect();
        let known =
            |a: usize, b: usize| Plan::of(Map::Cpu(said.clone())).unwrap().apply(&frames[a], &frames[b]).unwrap().0;
        for gpu in gpus() {
            let plan = Plan::of(Engine::Gpu(gpu.clone()).put(&said).unwrap()).unwrap();
            let sent = |a: usize, b: usize| {
                let before = gpu.counted().sent;
                // As a host would: another copy of the same picture.
                let [first, last] = [a, b].map(|i| {
                    let pixels = frames[i].pixels().to_vec();
                    Frame::new(45, 29, 4, Encoding::Linear, pixels).unwrap()
                });
                let (made, known) = (plan.apply(&first, &last).unwrap().0, known(a, b));
                let most = known.pixels().iter().fold(0.0_f32, |m, v| m.max(v.abs()));
                // Another picture would be as far off as its highlights are bright.
                assert!(made.pixels().iter().zip(known.pixels()).all(|(a, b)| (a - b).abs() < 1e-3 * most), "{a}, {b}");
                (gpu.counted().sent - before) / (45 * 29 * 4 * 4)
            };
            assert_eq!([sent(0, 1), sent(0, 1), sent(1, 2), sent(1, 0)], [2, 0, 1, 0]);
            assert_eq!([sent(3, 4), sent(5, 6), sent(0, 1)], [2, 2, 2], "few are kept");
            gpu.trim();
            assert_eq!((gpu.memory().now, sent(0, 1)), ((said.elem_count() * 4) as u64, 2), "none when it is idle");
        }
    }
}

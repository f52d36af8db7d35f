//! GPUs: which there are, whether they calculate as the CPU does, and how fast.

use std::time::{Duration, Instant};

use candle_core::{Device, Result as CandleResult, Tensor};
use pickup_gpu::{Activation, ConvWeights};
pub use pickup_gpu::{Adapter, Counted, Gpu, GpuError, Kind, Map, adapters};

use crate::kernels::{self, Conv2d, avg_pool2, backward_warp, local_correlation, resize_bilinear, splat};

/// How far a GPU's numbers may be from the CPU's, as a share of the largest: what the order of sums makes of 32-bit floats.
pub const TOLERANCE: f32 = 1e-4;

/// How one kernel did.
#[derive(Clone, Debug)]
pub struct Checked {
    /// The kernel, in words.
    pub kernel: &'static str,
    /// The largest difference from the CPU's numbers, as a share of the largest of those; infinite where the shapes differ or a
    /// number is none.
    pub off: f32,
}

/// Runs every kernel on a GPU and on the CPU, at sizes that do not divide its tiles.
///
/// # Errors
/// When the GPU does not run them.
pub fn self_test(gpu: &Gpu) -> crate::Result<Vec<Checked>> {
    let test = Test { gpu };
    let mut checked = Vec::new();
    for (kernel, side, stride) in
        [("convolution, 3x3", 3, 1), ("convolution, 3x3, every second place", 3, 2), ("convolution, 1x1", 1, 1)]
    {
        checked.push(Checked { kernel, off: test.conv(side, stride)? });
    }
    checked.push(Checked { kernel: "resize", off: test.resize()? });
    checked.push(Checked { kernel: "halving", off: test.halve()? });
    checked.push(Checked { kernel: "correlation", off: test.correlate()? });
    checked.push(Checked { kernel: "warp", off: test.warp()? });
    checked.push(Checked { kernel: "splat", off: test.splat()? });
    Ok(checked)
}

/// Floating-point operations that a GPU does in a second, in a convolution of 64 channels: the best of three, after one that
/// compiles the kernel.
///
/// # Errors
/// When the GPU does not run it.
pub fn operations_a_second(gpu: &Gpu) -> crate::Result<f64> {
    const CHANNELS: usize = 64;
    let (height, width) = (180, 320);
    let test = Test { gpu };
    let x = gpu.map([CHANNELS, height, width], &values(CHANNELS * height * width, 5))?;
    let weights = values(CHANNELS * CHANNELS * 9, 6);
    let conv = test.prepared((CHANNELS, CHANNELS, 3, 1), &weights, &[0.0; CHANNELS], &Activation::None)?;
    let mut best = Duration::MAX;
    let before = gpu.counted().operations;
    let runs = 4;
    for run in 0..runs {
        let started = Instant::now();
        let y = gpu.convolved(&x, &conv)?;
        // One pixel of it waits for all.
        gpu.read(&gpu.resize(&y, 1, 1)?)?;
        if run > 0 {
            best = best.min(started.elapsed());
        }
    }
    let each = (gpu.counted().operations - before) as f64 / f64::from(runs);
    Ok(each / best.as_secs_f64())
}

/// One GPU under test.
struct Test<'a> {
    gpu: &'a Gpu,
}

/// Height and width: primes, so that no tile fits.
const SIZE: (usize, usize) = (37, 53);

impl Test<'_> {
    fn prepared(
        &self,
        (inputs, outputs, side, stride): (usize, usize, usize, usize),
        values: &[f32],
        bias: &[f32],
        activation: &Activation,
    ) -> crate::Result<pickup_gpu::Conv> {
        Ok(self.gpu.conv(ConvWeights { outputs, inputs, side, values, bias }, stride, activation)?)
    }

    fn conv(&self, side: usize, stride: usize) -> crate::Result<f32> {
        let (inputs, outputs) = (19, 13);
        let (x, map) = self.both(inputs, 1)?;
        let weights = values(outputs * inputs * side * side, 2);
        let (bias, slopes) = (values(outputs, 3), values(outputs, 4));
        let conv =
            self.prepared((inputs, outputs, side, stride), &weights, &bias, &Activation::Slopes(slopes.clone()))?;
        let tensor = |values: Vec<f32>, shape: &[usize]| Tensor::from_vec(values, shape, &Device::Cpu);
        let weight = tensor(weights, &[outputs, inputs, side, side])?;
        let (bias, slopes) = (tensor(bias, &[outputs])?, tensor(slopes, &[outputs])?);
        let known = Conv2d::new(&weight, Some(&bias), stride, side / 2, kernels::Activation::PRelu(slopes))?;
        self.off(&self.gpu.convolved(&map, &conv)?, &known.forward(&x)?)
    }

    fn resize(&self) -> crate::Result<f32> {
        let (x, map) = self.both(3, 1)?;
        let mut worst = 0.0_f32;
        for (height, width) in [(74, 106), (17, 91), (1, 1), SIZE] {
            worst = worst.max(self.off(&self.gpu.resize(&map, height, width)?, &resize_bilinear(&x, height, width)?)?);
        }
        Ok(worst)
    }

    fn halve(&self) -> crate::Result<f32> {
        let (x, map) = self.both(3, 1)?;
        self.off(&self.gpu.halved(&map)?, &avg_pool2(&x)?)
    }

    fn correlate(&self) -> crate::Result<f32> {
        let ((a, one), (b, other)) = (self.both(11, 1)?, self.both(11, 2)?);
        self.off(&self.gpu.correlated(&one, &other, 3)?, &local_correlation(&a, &b, 3)?)
    }

    /// Motion of some pixels, that leaves the picture at places and is no number at one.
    fn motion(&self) -> crate::Result<(Tensor, Map)> {
        let mut motion: Vec<f32> = values(2 * SIZE.0 * SIZE.1, 7).iter().map(|v| v * 9.0).collect();
        (motion[40], motion[900]) = (f32::NAN, 1e6);
        self.as_both(2, motion)
    }

    fn warp(&self) -> crate::Result<f32> {
        let ((x, map), (flow, flow_map)) = (self.both(5, 1)?, self.motion()?);
        self.off(&self.gpu.warped(&map, &flow_map)?, &backward_warp(&x, &flow)?)
    }

    fn splat(&self) -> crate::Result<f32> {
        let ((x, map), (motion, motion_map)) = (self.both(4, 1)?, self.motion()?);
        let mut weights: Vec<f32> = values(SIZE.0 * SIZE.1, 8).iter().map(|v| v.abs()).collect();
        (weights[7], weights[70]) = (f32::NAN, f32::INFINITY);
        let (weights, weight_map) = self.as_both(1, weights)?;
        let (sums, mass) = splat(&x, &motion, &weights)?;
        self.off(&self.gpu.splatted(&map, &motion_map, &weight_map)?, &Tensor::cat(&[sums, mass], 1)?)
    }

    /// Numbers on both devices.
    fn both(&self, channels: usize, seed: u32) -> crate::Result<(Tensor, Map)> {
        self.as_both(channels, values(channels * SIZE.0 * SIZE.1, seed))
    }

    fn as_both(&self, channels: usize, values: Vec<f32>) -> crate::Result<(Tensor, Map)> {
        let map = self.gpu.map([channels, SIZE.0, SIZE.1], &values)?;
        Ok((Tensor::from_vec(values, (1, channels, SIZE.0, SIZE.1), &Device::Cpu)?, map))
    }

    /// How far what the GPU made is from what the CPU made.
    fn off(&self, made: &Map, known: &Tensor) -> crate::Result<f32> {
        if known.dims()[1..] != made.shape() {
            return Ok(f32::INFINITY);
        }
        let (made, known) = (self.gpu.read(made)?, flat(known)?);
        let largest = known.iter().fold(0.0_f32, |most, v| most.max(v.abs()));
        let apart = made.iter().zip(&known).map(|(a, b)| (a - b).abs());
        // `max` passes over what is no number.
        let off = apart.map(|v| if v.is_nan() { f32::INFINITY } else { v }).fold(0.0, f32::max);
        Ok(off / largest.max(f32::MIN_POSITIVE))
    }
}

fn flat(tensor: &Tensor) -> CandleResult<Vec<f32>> {
    tensor.flatten_all()?.to_vec1()
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
    use super::*;

    fn gpus() -> Vec<Gpu> {
        let found = adapters();
        assert!(!found.is_empty(), "no GPU: install the driver, or Debian's mesa-vulkan-drivers, which needs none");
        found.iter().map(|adapter| Gpu::open(adapter).unwrap()).collect()
    }

    #[test]
    #[ignore = "needs a GPU, or Mesa's software Vulkan"]
    fn every_kernel_calculates_as_the_cpu_does() {
        for gpu in gpus() {
            for Checked { kernel, off } in self_test(&gpu).unwrap() {
                assert!(off < TOLERANCE, "{}: {kernel} is off by {off}", gpu.name());
            }
        }
    }

    #[test]
    #[ignore = "needs a GPU, or Mesa's software Vulkan"]
    fn a_device_gives_the_same_numbers_every_time() {
        for gpu in gpus() {
            let test = Test { gpu: &gpu };
            // Everything falls on a few pixels, from all sides at once.
            let (_, x) = test.both(2, 1).unwrap();
            let towards = (0..2 * SIZE.0 * SIZE.1).map(|i| {
                let (plane, place) = (i / (SIZE.0 * SIZE.1), i % (SIZE.0 * SIZE.1));
                let at = if plane == 0 { place % SIZE.1 } else { place / SIZE.1 };
                20.3 - at as f32 * 0.98
            });
            let (_, motion) = test.as_both(2, towards.collect()).unwrap();
            let (_, weights) = test.as_both(1, vec![0.7; SIZE.0 * SIZE.1]).unwrap();
            let run = || gpu.read(&gpu.splatted(&x, &motion, &weights).unwrap()).unwrap();
            let first: Vec<u32> = run().into_iter().map(f32::to_bits).collect();
            for _ in 0..10 {
                assert!(run().into_iter().map(f32::to_bits).eq(first.iter().copied()), "{}", gpu.name());
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
    fn work_is_counted() {
        for gpu in gpus() {
            let map = gpu.map([1, 4, 6], &[0.5; 24]).unwrap();
            gpu.halved(&map).unwrap();
            assert_eq!(gpu.counted(), Counted { dispatches: 1, operations: 24, bytes: (24 + 6) * 4 });
            assert!(operations_a_second(&gpu).unwrap() > 1e6);
        }
    }
}

//! Convolution in space and time.
//!
//! A video is `[T, C, H, W]`. To the kernels in two dimensions a tap in time is but more input channels, so that layers
//! of few channels, whose pictures are large, run through them (and through Winograd's transform). Layers of many
//! channels have small pictures and large weights: there a block of the output is a product of matrices, summed up over
//! slices of the input channels, each copied once into a thread's scratch memory in the order the product wants. On a
//! GPU all frames go through candle's convolution together, once for each tap in time.

use candle_core::{CpuStorage, CustomOp2, DType, Layout, Result, Shape, Tensor, bail};
use rayon::prelude::*;

use super::bf16;
use super::conv::{Activation, Conv2d};
use super::product::{Matrix, multiply};
use super::tile::{copy_row, with_scratch};
use super::weights::WeightSlice;
use super::{Planes, planar};

/// What stands before the first frame and after the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimePadding {
    /// Copies of the first frame, all before it: a frame sees none that follow.
    Causal,
    /// Copies of the first and of the last frame, the same number of each.
    Centred,
    /// Black on both sides.
    Zeros,
}

/// A convolution (cross-correlation, as in PyTorch) of a video, with bias; the stride is 1, and space is padded with
/// zeros so that the size of the picture stays.
#[derive(Clone, Debug)]
pub struct Conv3d {
    outputs: usize,
    inputs: usize,
    /// In time, height and width.
    kernel: (usize, usize, usize),
    padding: TimePadding,
    way: Way,
}

#[derive(Clone, Debug)]
enum Way {
    Planar(Box<Conv2d>),
    Product { weight: Tensor, bias: Option<Vec<f32>> },
    Candle { taps: Vec<Tensor>, bias: Option<Tensor> },
}

impl Conv3d {
    /// Above this many weights a layer goes the way of products; up to it they are kept transformed, which takes 16 bytes
    /// a weight.
    pub const MOST_PLANAR_WEIGHTS: usize = 2 << 20;

    /// `weight` is `[outputs, inputs, time, height, width]`, in f32, f16 or bf16, of odd sizes; `bias` has one element
    /// for each output channel.
    ///
    /// # Errors
    /// When a shape does not fit the others.
    pub fn new(weight: &Tensor, bias: Option<&Tensor>, padding: TimePadding) -> Result<Self> {
        let &[outputs, inputs, kt, kh, kw] = weight.dims() else {
            bail!("conv3d: the weight must be [outputs, inputs, time, height, width], got {:?}", weight.dims())
        };
        if kt % 2 == 0 || kh % 2 == 0 || kw != kh || inputs * outputs == 0 {
            bail!("conv3d: the kernel must be odd and square, got {:?}", weight.dims())
        }
        if let Some(bias) = bias
            && bias.dims() != [outputs]
        {
            bail!("conv3d: {outputs} output channels need as many biases, got {:?}", bias.dims())
        }
        let way = if !weight.device().is_cpu() {
            let tap = |t: usize| weight.narrow(2, t, 1)?.squeeze(2)?.contiguous();
            let bias = bias.map(|b| b.to_dtype(weight.dtype())?.reshape((1, outputs, 1, 1))).transpose()?;
            Way::Candle { taps: (0..kt).map(tap).collect::<Result<_>>()?, bias }
        } else if weight.elem_count() <= Self::MOST_PLANAR_WEIGHTS {
            let flat = weight.to_dtype(DType::F32)?.transpose(1, 2)?.contiguous()?;
            let flat = flat.reshape((outputs, kt * inputs, kh, kw))?;
            let bias = bias.map(|b| b.to_dtype(DType::F32)).transpose()?;
            Way::Planar(Box::new(Conv2d::new(&flat, bias.as_ref(), 1, kh / 2, Activation::None)?))
        } else {
            let bias = bias.map(|b| b.to_dtype(DType::F32)?.to_vec1()).transpose()?;
            Way::Product { weight: weight.clone(), bias }
        };
        Ok(Self { outputs, inputs, kernel: (kt, kh, kw), padding, way })
    }

    /// Convolves the video `x`, `[T, inputs, H, W]`, to as many frames.
    ///
    /// # Errors
    /// When `x` has another number of channels, or no pixels.
    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let (frames, channels, height, width) = x.dims4()?;
        if channels != self.inputs || x.elem_count() == 0 {
            bail!("conv3d: the weights take {} channels, the input is {:?}", self.inputs, x.dims())
        }
        let taps = self.kernel.0;
        let before = match self.padding {
            TimePadding::Causal => taps - 1,
            TimePadding::Centred => taps / 2,
            TimePadding::Zeros => 0,
        };
        let padded = match self.padding {
            TimePadding::Zeros => x.pad_with_zeros(0, taps / 2, taps / 2)?,
            _ => x.clone(),
        };
        match &self.way {
            Way::Planar(conv) => conv.forward_over_time(&padded, frames, taps, before),
            Way::Product { weight, bias } => {
                let x = planar("conv3d", "the input", &padded)?;
                let shape = [frames, self.outputs, height, width];
                let op = ProductKernel { shape, inputs: channels, kernel: self.kernel, before, bias: bias.as_deref() };
                x.apply_op2_no_bwd(&weight.contiguous()?, &op)
            }
            Way::Candle { taps, bias } => self.with_candle(&padded, frames, before, taps, bias.as_ref()),
        }
    }

    fn with_candle(
        &self,
        x: &Tensor,
        frames: usize,
        before: usize,
        taps: &[Tensor],
        bias: Option<&Tensor>,
    ) -> Result<Tensor> {
        let last = x.dim(0)? - 1;
        let mut sum: Option<Tensor> = None;
        for (tap, weight) in taps.iter().enumerate() {
            let seen: Vec<u32> = (0..frames).map(|t| (t + tap).saturating_sub(before).min(last) as u32).collect();
            let seen = x.index_select(&Tensor::new(seen, x.device())?, 0)?;
            let y = seen.conv2d(weight, self.kernel.1 / 2, 1, 1, 1)?;
            sum = Some(match sum {
                Some(sum) => (sum + y)?,
                None => y,
            });
        }
        match (sum, bias) {
            (Some(sum), Some(bias)) => sum.broadcast_add(bias),
            (Some(sum), None) => Ok(sum),
            (None, _) => bail!("conv3d: a kernel has at least one tap"),
        }
    }
}

/// Pixels and output channels of one block, and input channels of one slice. They do not depend on the number of
/// threads, so neither do the sums.
const PIXELS: usize = 480;
const OUTPUTS: usize = 256;
const SLICE: usize = 8;

struct ProductKernel<'a> {
    /// Frames, channels, height and width of the output.
    shape: [usize; 4],
    inputs: usize,
    kernel: (usize, usize, usize),
    before: usize,
    bias: Option<&'a [f32]>,
}

/// A block of the output: a run of pixels, counted through all frames, and of channels.
struct Block<'o> {
    pixel: usize,
    channel: usize,
    /// By channel, then by frame: the block's part of each plane.
    parts: Vec<&'o mut [f32]>,
}

impl CustomOp2 for ProductKernel<'_> {
    fn name(&self) -> &'static str {
        "conv3d"
    }

    fn cpu_fwd(&self, x: &CpuStorage, xl: &Layout, w: &CpuStorage, wl: &Layout) -> Result<(CpuStorage, Shape)> {
        let [frames, outputs, ..] = self.shape;
        let Some(at) = wl.contiguous_offsets() else { bail!("conv3d: needs contiguous weights") };
        let x = Planes::new(x, xl)?.over_time(frames, self.kernel.0, self.before);
        let weights = WeightSlice::new(w, at)?;
        let mut out = vec![0.0; self.shape.iter().product()];
        self.blocks(&mut out).into_par_iter().for_each(|block| self.run(&x, &weights, outputs, block));
        Ok((CpuStorage::F32(out), Shape::from(self.shape.to_vec())))
    }
}

impl ProductKernel<'_> {
    fn blocks<'o>(&self, out: &'o mut [f32]) -> Vec<Block<'o>> {
        let [frames, outputs, height, width] = self.shape;
        let size = height * width;
        let runs = (frames * size).div_ceil(PIXELS);
        let groups = outputs.div_ceil(OUTPUTS);
        let block = |i: usize| Block { pixel: i / groups * PIXELS, channel: i % groups * OUTPUTS, parts: Vec::new() };
        let mut blocks: Vec<_> = (0..runs * groups).map(block).collect();
        for (i, mut plane) in out.chunks_exact_mut(size).enumerate() {
            let (mut pixel, channel) = (i / outputs * size, i % outputs);
            while !plane.is_empty() {
                let count = (PIXELS - pixel % PIXELS).min(plane.len());
                let (part, rest) = std::mem::take(&mut plane).split_at_mut(count);
                blocks[pixel / PIXELS * groups + channel / OUTPUTS].parts.push(part);
                (pixel, plane) = (pixel + count, rest);
            }
        }
        blocks
    }

    fn run(&self, x: &Planes<'_>, weights: &WeightSlice<'_>, outputs: usize, block: Block<'_>) {
        let Block { pixel, channel, mut parts } = block;
        let (kt, kh, kw) = self.kernel;
        let taps = kt * kh * kw;
        let channels = OUTPUTS.min(outputs - channel);
        let pixels = parts.iter().map(|p| p.len()).sum::<usize>() / channels;
        let depth = SLICE * taps;
        let pitch = pixels.next_multiple_of(bf16::PANEL);
        let room = [depth * pixels, channels * pitch, channels * depth];
        with_scratch(room.iter().sum(), |scratch| {
            let (columns, scratch) = scratch.split_at_mut(room[0]);
            let (sums, wide) = scratch.split_at_mut(room[1]);
            for first in (0..self.inputs).step_by(SLICE) {
                let slice = SLICE.min(self.inputs - first);
                let depth = slice * taps;
                for (k, column) in columns.chunks_exact_mut(pixels).take(depth).enumerate() {
                    self.column(x, first + k / taps, k % taps, pixel, column);
                }
                let row = self.inputs * taps;
                let start = channel * row + first * taps;
                let part = start..start + (channels - 1) * row + depth;
                match weights {
                    WeightSlice::BF16(weights) if bf16::is_supported() => {
                        let packed = bf16::Packed::of_columns(columns, depth, pixels);
                        packed.multiply(&weights[part], row, depth, sums, first > 0);
                    }
                    _ => {
                        let weights = if weights.is_wide() {
                            Matrix::new(weights.widened(part, &mut []), channels, depth, row)
                        } else {
                            for (c, wide) in wide.chunks_exact_mut(depth).take(channels).enumerate() {
                                weights.widened(start + c * row..start + c * row + depth, wide);
                            }
                            Matrix::new(wide, channels, depth, depth)
                        };
                        let columns = Matrix::new(columns, depth, pixels, pixels);
                        multiply(sums, pitch, weights, columns, first > 0);
                    }
                }
            }
            self.store(sums, pitch, channels, channel, &mut parts);
        });
    }

    /// What one tap sees of one input channel, for a run of pixels.
    fn column(&self, x: &Planes<'_>, channel: usize, tap: usize, pixel: usize, out: &mut [f32]) {
        let (_, kh, kw) = self.kernel;
        let (height, width) = (x.h, x.w);
        let (dt, dy, dx) = (tap / (kh * kw), tap / kw % kh, tap % kw);
        let (up, left) = (kh / 2, kw / 2);
        let mut done = 0;
        while done < out.len() {
            let at = pixel + done;
            let (frame, row, col) = (at / (height * width), at / width % height, at % width);
            let count = (width - col).min(out.len() - done);
            let run = &mut out[done..done + count];
            done += count;
            if row + dy < up || row + dy - up >= height {
                run.fill(0.0);
                continue;
            }
            let line = &x.plane(frame, dt * self.inputs + channel)[(row + dy - up) * width..][..width];
            // Column `col + i` sees `col + i + dx - left`.
            let skipped = left.saturating_sub(col + dx).min(count);
            let from = (col + skipped + dx).saturating_sub(left).min(width);
            let inside = width.saturating_sub(from).min(count - skipped);
            run[..skipped].fill(0.0);
            copy_row(&line[from..from + inside], &mut run[skipped..skipped + inside]);
            run[skipped + inside..].fill(0.0);
        }
    }

    fn store(&self, sums: &[f32], pitch: usize, channels: usize, channel: usize, parts: &mut [&mut [f32]]) {
        // The parts of one frame follow each other by channel, then come those of the next.
        let mut before = 0;
        for parts in parts.chunks_exact_mut(channels) {
            let count = parts[0].len();
            for (c, part) in parts.iter_mut().enumerate() {
                let bias = self.bias.map_or(0.0, |b| b[channel + c]);
                let sums = &sums[c * pitch + before..][..count];
                part.iter_mut().zip(sums).for_each(|(out, sum)| *out = sum + bias);
            }
            before += count;
        }
    }
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::super::test::{Rng, assert_close, assert_same_on_any_threads, flat};
    use super::*;

    /// The sums written out.
    fn reference(x: &Tensor, w: &Tensor, b: &Tensor, padding: TimePadding) -> Vec<f32> {
        let (frames, inputs, h, width) = x.dims4().unwrap();
        let &[outputs, _, kt, kh, kw] = w.dims() else { panic!() };
        let (x, w, b) = (flat(x), flat(w), flat(b));
        let pixel = |t: isize, c: usize, y: isize, xx: isize| {
            let t = match padding {
                TimePadding::Zeros if t < 0 || t >= frames as isize => return 0.0,
                _ => t.clamp(0, frames as isize - 1),
            };
            if y < 0 || xx < 0 || y >= h as isize || xx >= width as isize {
                return 0.0;
            }
            x[((t as usize * inputs + c) * h + y as usize) * width + xx as usize]
        };
        let lead = if padding == TimePadding::Causal { kt - 1 } else { kt / 2 } as isize;
        let mut out = Vec::new();
        for t in 0..frames as isize {
            for (o, bias) in b.iter().enumerate().take(outputs) {
                for y in 0..h as isize {
                    for xx in 0..width as isize {
                        let mut sum = *bias;
                        for (i, w) in w[o * inputs * kt * kh * kw..][..inputs * kt * kh * kw].iter().enumerate() {
                            let (c, dt, dy, dx) = (i / (kt * kh * kw), i / (kh * kw) % kt, i / kw % kh, i % kw);
                            let at = (y + dy as isize - (kh / 2) as isize, xx + dx as isize - (kw / 2) as isize);
                            sum += w * pixel(t + dt as isize - lead, c, at.0, at.1);
                        }
                        out.push(sum);
                    }
                }
            }
        }
        out
    }

    fn forced(conv: &Conv3d, weight: &Tensor, bias: &Tensor, candle: bool) -> Conv3d {
        let bias_values = bias.to_vec1().unwrap();
        let way = if candle {
            let taps =
                (0..conv.kernel.0).map(|t| weight.narrow(2, t, 1).unwrap().squeeze(2).unwrap().contiguous().unwrap());
            Way::Candle { taps: taps.collect(), bias: Some(bias.reshape((1, conv.outputs, 1, 1)).unwrap()) }
        } else {
            Way::Product { weight: weight.clone(), bias: Some(bias_values) }
        };
        Conv3d { way, ..conv.clone() }
    }

    #[test]
    fn every_way_gives_the_sums() {
        let mut rng = Rng::new(11);
        for (inputs, outputs, kernel, size) in [
            (3, 5, 3, (4, 7, 9)),
            (18, 20, 3, (3, 5, 6)),
            (4, 6, 1, (2, 3, 3)),
            (17, 130, 3, (5, 12, 11)),
            (2, 3, 3, (1, 1, 1)),
            (2, 3, 5, (2, 1, 1)),
        ] {
            let x = rng.tensor(&[size.0, inputs, size.1, size.2], 1.0);
            let w = rng.tensor(&[outputs, inputs, kernel, kernel, kernel], 0.3);
            let b = rng.tensor(&[outputs], 1.0);
            for padding in [TimePadding::Causal, TimePadding::Centred, TimePadding::Zeros] {
                let want = reference(&x, &w, &b, padding);
                let planar = Conv3d::new(&w, Some(&b), padding).unwrap();
                assert!(matches!(planar.way, Way::Planar(_)));
                for (name, conv) in [
                    ("product", forced(&planar, &w, &b, false)),
                    ("candle", forced(&planar, &w, &b, true)),
                    ("planar", planar),
                ] {
                    let got = flat(&conv.forward(&x).unwrap());
                    assert_close(&got, &want, 2e-5, &format!("{name}, {padding:?}, {inputs} to {outputs}"));
                }
            }
        }
    }

    #[test]
    fn weights_of_sixteen_bits_give_the_sums() {
        let mut rng = Rng::new(12);
        let x = rng.tensor(&[2, 21, 17, 16], 1.0);
        let (w, b) = (rng.tensor(&[24, 21, 3, 3, 3], 0.3), rng.tensor(&[24], 1.0));
        let conv = Conv3d::new(&w, Some(&b), TimePadding::Centred).unwrap();
        for dtype in [DType::BF16, DType::F16] {
            let w = w.to_dtype(dtype).unwrap();
            let got = forced(&conv, &w, &b, false).forward(&x).unwrap();
            // Where the processor multiplies bf16 itself, pictures are rounded to it.
            let rounded = dtype == DType::BF16 && bf16::is_supported();
            let seen = if rounded { x.to_dtype(dtype).unwrap().to_dtype(DType::F32).unwrap() } else { x.clone() };
            let want = reference(&seen, &w.to_dtype(DType::F32).unwrap(), &b, TimePadding::Centred);
            assert_close(&flat(&got), &want, 2e-5, &format!("{dtype:?}"));
        }
    }

    #[test]
    fn threads_do_not_change_the_sums() {
        let mut rng = Rng::new(13);
        let x = rng.tensor(&[3, 20, 16, 18], 1.0);
        let (w, b) = (rng.tensor(&[24, 20, 3, 3, 3], 0.3), rng.tensor(&[24], 1.0));
        let planar = Conv3d::new(&w, Some(&b), TimePadding::Causal).unwrap();
        let product = forced(&planar, &w, &b, false);
        assert_same_on_any_threads(|| planar.forward(&x));
        assert_same_on_any_threads(|| product.forward(&x));
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let zeros = |shape: &[usize]| Tensor::zeros(shape, DType::F32, &Device::Cpu).unwrap();
        assert!(Conv3d::new(&zeros(&[2, 2, 2, 3, 3]), None, TimePadding::Causal).is_err());
        assert!(Conv3d::new(&zeros(&[2, 2, 3, 3, 3]), Some(&zeros(&[3])), TimePadding::Causal).is_err());
        let conv = Conv3d::new(&zeros(&[2, 2, 3, 3, 3]), None, TimePadding::Causal).unwrap();
        assert!(conv.forward(&zeros(&[1, 3, 4, 4])).is_err());
        assert!(conv.forward(&zeros(&[1, 2, 0, 4])).is_err());
    }
}

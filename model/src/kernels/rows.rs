//! What a transformer does to its rows of numbers, one row a token: norms, modulation, rotation.
//!
//! On the CPU each is one pass over the rows, in f32, bound by memory; elsewhere it is made of candle's own operations, in the tensor's
//! own type but for the norms, which are summed in f32.

use candle_core::{D, DType, Device, Result, Tensor, bail};
use rayon::prelude::*;

use super::SliceKernel;

/// Which row of a small table belongs to each token: tokens that share a timestep share a row.
#[derive(Clone, Debug)]
pub struct Groups {
    index: Vec<u32>,
    tensor: Tensor,
}

impl Groups {
    /// One entry a token, each below the number of the table's rows.
    ///
    /// # Errors
    /// When the device is out of memory.
    pub fn new(index: Vec<u32>, device: &Device) -> Result<Self> {
        let tensor = Tensor::from_slice(&index, index.len(), device)?;
        Ok(Self { index, tensor })
    }

    fn spread(&self, table: &Tensor, dtype: DType) -> Result<Tensor> {
        table.index_select(&self.tensor, 0)?.to_dtype(dtype)
    }

    fn check(&self, tokens: usize, table: &Tensor) -> Result<()> {
        let rows = table.dim(0)?;
        if self.index.len() != tokens || self.index.iter().any(|i| *i as usize >= rows) {
            bail!("{} groups of {rows} rows do not fit {tokens} tokens", self.index.len())
        }
        Ok(())
    }
}

/// Shift and scale for each group of tokens, `[groups, width]` each.
#[derive(Clone, Debug)]
pub struct Modulation {
    /// What is added,
    pub shift: Tensor,
    /// after multiplying by one more than this.
    pub scale: Tensor,
}

/// What is taken out of a row before it is scaled to unit size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Norm {
    /// Nothing: divides by the root of the mean square (Zhang and Sennrich 2019).
    Rms,
    /// The mean (Ba et al. 2016).
    Layer,
}

fn width_of(x: &Tensor) -> Result<(usize, usize)> {
    let (tokens, width) = x.dims2()?;
    if tokens * width == 0 {
        bail!("there are no tokens")
    }
    Ok((tokens, width))
}

fn fits(x: &Tensor, shape: &[usize]) -> Result<()> {
    if x.dims() != shape {
        bail!("{:?} is given where {shape:?} is needed", x.dims())
    }
    Ok(())
}

fn on_cpu(x: &Tensor) -> bool {
    x.device().is_cpu() && x.dtype() == DType::F32
}

/// Sums of the values less `mean`, or of their squares, in sixteen lanes, whose order does not depend on the machine's
/// vectors.
#[inline(always)]
fn sum<const SQUARED: bool>(row: &[f32], mean: f32) -> f32 {
    let mut lanes = [0.0f32; 16];
    let (whole, rest) = row.as_chunks::<16>();
    for chunk in whole {
        for i in 0..16 {
            let v = chunk[i] - mean;
            lanes[i] += if SQUARED { v * v } else { v };
        }
    }
    for (lane, v) in lanes.iter_mut().zip(rest) {
        let v = v - mean;
        *lane += if SQUARED { v * v } else { v };
    }
    let mut total = 0.0;
    for lane in lanes {
        total += lane;
    }
    total
}

/// What a row is shifted and multiplied by to be normed.
#[inline(always)]
fn statistics(row: &[f32], norm: Norm, eps: f32) -> (f32, f32) {
    let n = row.len() as f32;
    let mean = if norm == Norm::Layer { sum::<false>(row, 0.0) / n } else { 0.0 };
    (mean, (sum::<true>(row, mean) / n + eps).sqrt().recip())
}

/// Rows that a thread takes at a time: enough that starting the task does not count.
const ROWS_AT_ONCE: usize = 8;

/// Runs `f(token, row in, row out)` over all rows.
fn each_row(x: &[f32], width: usize, f: impl Fn(usize, &[f32], &mut [f32]) + Sync) -> Vec<f32> {
    let mut out = vec![0.0; x.len()];
    let block = ROWS_AT_ONCE * width;
    out.par_chunks_mut(block).zip(x.par_chunks(block)).enumerate().for_each(|(b, (out, x))| {
        for (i, (out, x)) in out.chunks_exact_mut(width).zip(x.chunks_exact(width)).enumerate() {
            f(b * ROWS_AT_ONCE + i, x, out);
        }
    });
    out
}

fn normed(x: &Tensor, norm: Norm, eps: f64) -> Result<Tensor> {
    let dtype = x.dtype();
    let x = x.to_dtype(DType::F32)?;
    let x = if norm == Norm::Layer { x.broadcast_sub(&x.mean_keepdim(D::Minus1)?)? } else { x };
    let variance = x.sqr()?.mean_keepdim(D::Minus1)?;
    x.broadcast_div(&(variance + eps)?.sqrt()?)?.to_dtype(dtype)
}

/// Norms each row of `x`, `[tokens, width]`, then modulates it by its group.
///
/// # Errors
/// When the shapes do not fit each other.
pub fn modulated_norm(x: &Tensor, norm: Norm, eps: f64, by: &Modulation, groups: &Groups) -> Result<Tensor> {
    let (tokens, width) = width_of(x)?;
    groups.check(tokens, &by.scale)?;
    fits(&by.scale, &[by.scale.dim(0)?, width])?;
    fits(&by.shift, by.scale.dims())?;
    if !on_cpu(x) {
        let normed = normed(x, norm, eps)?;
        let scale = (groups.spread(&by.scale, x.dtype())? + 1.0)?;
        return normed.mul(&scale)? + groups.spread(&by.shift, x.dtype())?;
    }
    let eps = eps as f32;
    SliceKernel::new("modulated_norm", (tokens, width), |args| {
        let (scale, shift) = (args[1], args[2]);
        each_row(args[0], width, |token, x, out| {
            let at = groups.index[token] as usize * width;
            let (scale, shift) = (&scale[at..][..width], &shift[at..][..width]);
            let (mean, factor) = statistics(x, norm, eps);
            for (((out, x), scale), shift) in out.iter_mut().zip(x).zip(scale).zip(shift) {
                *out = (x - mean) * factor * (1.0 + scale) + shift;
            }
        })
    })
    .of3(x, &by.scale, &by.shift)
}

/// `x + y * gate`, the gate by group.
///
/// # Errors
/// When the shapes do not fit each other.
pub fn gated_add(x: &Tensor, y: &Tensor, gate: &Tensor, groups: &Groups) -> Result<Tensor> {
    let (tokens, width) = width_of(x)?;
    groups.check(tokens, gate)?;
    fits(gate, &[gate.dim(0)?, width])?;
    fits(y, x.dims())?;
    if !on_cpu(x) {
        return x + (y * groups.spread(gate, x.dtype())?)?;
    }
    SliceKernel::new("gated_add", (tokens, width), |args| {
        let (y, gate) = (args[1], args[2]);
        each_row(args[0], width, |token, x, out| {
            let gate = &gate[groups.index[token] as usize * width..][..width];
            let y = &y[token * width..][..width];
            for (((out, x), y), gate) in out.iter_mut().zip(x).zip(y).zip(gate) {
                *out = x + y * gate;
            }
        })
    })
    .of3(x, y, gate)
}

/// RMS norm with a weight for each column.
///
/// # Errors
/// When the shapes do not fit each other.
pub fn weighted_norm(x: &Tensor, weight: &Tensor, eps: f64) -> Result<Tensor> {
    let (tokens, width) = width_of(x)?;
    fits(weight, &[width])?;
    if !on_cpu(x) {
        return normed(x, Norm::Rms, eps)?.broadcast_mul(&weight.to_dtype(x.dtype())?);
    }
    let eps = eps as f32;
    SliceKernel::new("weighted_norm", (tokens, width), |args| {
        each_row(args[0], width, |_, x, out| {
            let (_, factor) = statistics(x, Norm::Rms, eps);
            for ((out, x), weight) in out.iter_mut().zip(x).zip(args[1]) {
                *out = x * factor * weight;
            }
        })
    })
    .of2(x, weight)
}

/// Turns neighbouring pairs of each row by the angles whose cosines and sines are given, once for each pair:
/// `[tokens, width / 2]`, f32 (Su et al. 2021, RoFormer).
///
/// # Errors
/// When the shapes do not fit each other.
pub fn rotated(x: &Tensor, cos: &Tensor, sin: &Tensor) -> Result<Tensor> {
    let (tokens, width) = width_of(x)?;
    if cos.dims() != [tokens, width / 2] || sin.dims() != cos.dims() || width % 2 != 0 {
        bail!("rotations of {:?} do not fit rows of {:?}", cos.dims(), x.dims())
    }
    if !on_cpu(x) {
        let pairs = x.to_dtype(DType::F32)?.reshape((tokens, width / 2, 2))?;
        let (a, b) = (pairs.narrow(2, 0, 1)?.squeeze(2)?, pairs.narrow(2, 1, 1)?.squeeze(2)?);
        let turned = [((&a * cos)? - (&b * sin)?)?, ((&b * cos)? + (&a * sin)?)?];
        return Tensor::stack(&turned, 2)?.reshape((tokens, width))?.to_dtype(x.dtype());
    }
    SliceKernel::new("rotated", (tokens, width), |args| {
        let half = width / 2;
        each_row(args[0], width, |token, x, out| {
            let (cos, sin) = (&args[1][token * half..][..half], &args[2][token * half..][..half]);
            let (out, _) = out.as_chunks_mut::<2>();
            let (x, _) = x.as_chunks::<2>();
            for (((out, x), cos), sin) in out.iter_mut().zip(x).zip(cos).zip(sin) {
                *out = [x[0] * cos - x[1] * sin, x[1] * cos + x[0] * sin];
            }
        })
    })
    .of3(x, cos, sin)
}

#[cfg(test)]
mod tests {
    use super::super::test::{Rng, assert_close, assert_same_on_any_threads, flat};
    use super::*;

    const TOKENS: usize = 21;
    const WIDTH: usize = 52;

    fn groups() -> Groups {
        Groups::new((0..TOKENS as u32).map(|i| i % 3).collect(), &Device::Cpu).unwrap()
    }

    #[test]
    fn kernels_equal_candles_own_operations() {
        let mut rng = Rng::new(5);
        let [x, y] = [0, 1].map(|_| rng.tensor(&[TOKENS, WIDTH], 3.0));
        let [shift, scale, gate] = [0, 1, 2].map(|_| rng.tensor(&[3, WIDTH], 1.0));
        let weight = rng.tensor(&[WIDTH], 1.0);
        let angles = rng.tensor(&[TOKENS, WIDTH / 2], 9.0);
        let (cos, sin) = (angles.cos().unwrap(), angles.sin().unwrap());
        let (by, groups) = (Modulation { shift, scale }, groups());
        // In f64 the same functions take the other way, through candle's operations.
        let wide = |x: &Tensor| x.to_dtype(DType::F64).unwrap();
        let check = |what: &str, got: Tensor, want: Tensor| {
            assert_close(&flat(&got), &flat(&want.to_dtype(DType::F32).unwrap()), 2e-6, what);
        };
        for norm in [Norm::Rms, Norm::Layer] {
            let of = |x: &Tensor| modulated_norm(x, norm, 1e-6, &by, &groups).unwrap();
            check("modulated_norm", of(&x), of(&wide(&x)));
        }
        check(
            "weighted_norm",
            weighted_norm(&x, &weight, 1e-5).unwrap(),
            weighted_norm(&wide(&x), &weight, 1e-5).unwrap(),
        );
        check(
            "gated_add",
            gated_add(&x, &y, &gate, &groups).unwrap(),
            gated_add(&wide(&x), &wide(&y), &gate, &groups).unwrap(),
        );
        check("rotated", rotated(&x, &cos, &sin).unwrap(), rotated(&wide(&x), &cos, &sin).unwrap());
        assert_same_on_any_threads(|| modulated_norm(&x, Norm::Layer, 1e-6, &by, &groups));
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let x = Tensor::zeros((4, 6), DType::F32, &Device::Cpu).unwrap();
        let gate = Tensor::zeros((2, 6), DType::F32, &Device::Cpu).unwrap();
        let groups = |index: Vec<u32>| Groups::new(index, &Device::Cpu).unwrap();
        assert!(gated_add(&x, &x, &gate, &groups(vec![0, 1, 0])).is_err());
        assert!(gated_add(&x, &x, &gate, &groups(vec![0, 1, 2, 0])).is_err());
        assert!(rotated(&x, &x, &x).is_err());
        let short = x.narrow(0, 0, 3).unwrap();
        assert!(gated_add(&x, &short, &gate, &groups(vec![0, 1, 0, 1])).is_err());
        assert!(weighted_norm(&x, &x.get(0).unwrap().narrow(0, 0, 5).unwrap(), 1e-5).is_err());
        let by = Modulation { shift: gate.narrow(0, 0, 1).unwrap(), scale: gate };
        assert!(modulated_norm(&x, Norm::Rms, 1e-6, &by, &groups(vec![0, 1, 0, 1])).is_err());
    }
}

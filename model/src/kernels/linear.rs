//! The linear layer, whose weights stay in the type of their file.
//!
//! On the CPU activations between layers are f32, whatever the weights' type. bf16 weights are multiplied as they are
//! where the processor can; elsewhere blocks of 16-bit weights are widened in a thread's scratch memory just before they
//! are used, so that a model takes no more memory than its file. On a GPU activations have the weights' type.

use std::sync::Arc;

use candle_core::{
    CpuStorage, CustomOp2, DType, Layout, Module, Result, Shape, Tensor, bail,
    quantized::{QMatMul, QTensor},
};
use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

use super::approx::gelu;
use super::bf16;
use super::panels::Panels;
use super::tile::with_scratch;
use super::weights::WeightSlice;

/// What follows the sums and the bias, in the same pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Then {
    /// Nothing.
    Nothing,
    /// GELU in its tanh approximation.
    Gelu,
}

/// `x Wᵀ + b`.
#[derive(Clone, Debug)]
pub struct Linear {
    weight: Weight,
    bias: Option<Tensor>,
    outputs: usize,
    inputs: usize,
}

#[derive(Clone, Debug)]
enum Weight {
    Dense(Tensor),
    Quantised(QMatMul),
}

impl Linear {
    /// A layer of dense weights, `[outputs, inputs]`, in f32, f16 or bf16; the bias has one element for each output.
    ///
    /// # Errors
    /// When the shapes do not fit each other.
    pub fn new(weight: Tensor, bias: Option<Tensor>) -> Result<Self> {
        let (outputs, inputs) = weight.dims2()?;
        Self { weight: Weight::Dense(weight), bias, outputs, inputs }.checked()
    }

    /// A layer of quantised weights.
    ///
    /// # Errors
    /// When the shapes do not fit each other.
    pub fn quantised(weight: Arc<QTensor>, bias: Option<Tensor>) -> Result<Self> {
        let (outputs, inputs) = weight.shape().dims2()?;
        Self { weight: Weight::Quantised(QMatMul::from_arc(weight)?), bias, outputs, inputs }.checked()
    }

    fn checked(self) -> Result<Self> {
        match &self.bias {
            Some(bias) if bias.dims() != [self.outputs] => {
                bail!("{} outputs need as many biases, got {:?}", self.outputs, bias.dims())
            }
            _ => Ok(self),
        }
    }

    /// `x`, `[tokens, inputs]`, to `[tokens, outputs]`.
    ///
    /// # Errors
    /// When `x` has another width.
    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        self.forward_then(x, Then::Nothing)
    }

    /// The same, with what follows.
    ///
    /// # Errors
    /// When `x` has another width.
    pub fn forward_then(&self, x: &Tensor, then: Then) -> Result<Tensor> {
        let (tokens, inputs) = x.dims2()?;
        if inputs != self.inputs || tokens == 0 {
            bail!("this layer takes rows of {}, got {:?}", self.inputs, x.dims())
        }
        match &self.weight {
            Weight::Dense(weight) if x.device().is_cpu() && x.dtype() == DType::F32 => {
                let op = DenseKernel { then, outputs: self.outputs, bias: self.bias_values()? };
                x.contiguous()?.apply_op2_no_bwd(&weight.contiguous()?, &op)
            }
            Weight::Dense(weight) => {
                let y = x.to_dtype(weight.dtype())?.matmul(&weight.t()?)?;
                self.finish(y, then)
            }
            Weight::Quantised(weight) => self.finish(weight.forward(&x.contiguous()?)?, then),
        }
    }

    fn bias_values(&self) -> Result<Option<Vec<f32>>> {
        self.bias.as_ref().map(|b| b.to_dtype(DType::F32)?.to_vec1()).transpose()
    }

    fn finish(&self, y: Tensor, then: Then) -> Result<Tensor> {
        let y = match &self.bias {
            Some(bias) => y.broadcast_add(&bias.to_dtype(y.dtype())?)?,
            None => y,
        };
        match then {
            Then::Nothing => Ok(y),
            Then::Gelu => y.gelu(),
        }
    }
}

/// Outputs that a thread takes at a time. They do not depend on the number of threads, so neither do the sums.
const OUTPUTS: usize = 64;

/// Tokens whose sums are turned from columns to rows at a time.
const TURNED: usize = 16;

struct DenseKernel {
    then: Then,
    outputs: usize,
    bias: Option<Vec<f32>>,
}

impl CustomOp2 for DenseKernel {
    fn name(&self) -> &'static str {
        "linear"
    }

    fn cpu_fwd(&self, x: &CpuStorage, xl: &Layout, w: &CpuStorage, wl: &Layout) -> Result<(CpuStorage, Shape)> {
        let (tokens, inputs) = xl.shape().dims2()?;
        let (Some((start, end)), Some(at)) = (xl.contiguous_offsets(), wl.contiguous_offsets()) else {
            bail!("linear: needs contiguous tensors")
        };
        let x = &x.as_slice::<f32>()?[start..end];
        let weights = WeightSlice::new(w, at)?;
        let mut out = vec![0.0; tokens * self.outputs];
        match weights {
            WeightSlice::BF16(weights) if bf16::is_supported() => {
                let packed = bf16::Packed::of_rows(x, inputs);
                self.by_columns(&mut out, packed.pitch(), 0, |first, count, _, sums| {
                    packed.multiply(&weights[first * inputs..(first + count) * inputs], inputs, inputs, sums, false);
                });
            }
            _ => {
                let panels = Panels::of_rows(x, inputs);
                let widened = if weights.is_wide() { 0 } else { OUTPUTS * inputs };
                self.by_columns(&mut out, panels.pitch(), widened + panels.room(), |first, count, room, sums| {
                    let (wide, room) = room.split_at_mut(widened);
                    panels.multiply(weights.widened(first * inputs..(first + count) * inputs, wide), room, sums);
                });
            }
        }
        Ok((CpuStorage::F32(out), (tokens, self.outputs).into()))
    }
}

/// Cuts `out`, rows of `outputs`, into columns of at most [`OUTPUTS`], each as the parts of its rows.
fn columns(out: &mut [f32], outputs: usize) -> Vec<Vec<&mut [f32]>> {
    let mut columns: Vec<Vec<&mut [f32]>> = (0..outputs.div_ceil(OUTPUTS)).map(|_| Vec::new()).collect();
    for row in out.chunks_exact_mut(outputs) {
        for (column, part) in columns.iter_mut().zip(row.chunks_mut(OUTPUTS)) {
            column.push(part);
        }
    }
    columns
}

impl DenseKernel {
    /// Splits the outputs over threads. `sum` is given the first output, their count, `room` floats, and where to write
    /// `sums[output * pitch + token]`.
    fn by_columns(
        &self,
        out: &mut [f32],
        pitch: usize,
        room: usize,
        sum: impl Fn(usize, usize, &mut [f32], &mut [f32]) + Sync,
    ) {
        columns(out, self.outputs).into_par_iter().enumerate().for_each(|(i, mut rows)| {
            let (first, count) = (i * OUTPUTS, rows[0].len());
            with_scratch(room + count * (pitch + TURNED), |scratch| {
                let (room, scratch) = scratch.split_at_mut(room);
                let (sums, tile) = scratch.split_at_mut(count * pitch);
                sum(first, count, room, sums);
                for (t, rows) in rows.chunks_mut(TURNED).enumerate() {
                    for (o, sums) in sums.chunks_exact(pitch).enumerate() {
                        for (i, sum) in sums[t * TURNED..][..rows.len()].iter().enumerate() {
                            tile[i * count + o] = *sum;
                        }
                    }
                    for (out, sums) in rows.iter_mut().zip(tile.chunks_exact(count)) {
                        self.finish(sums, first, out);
                    }
                }
            });
        });
    }

    fn finish(&self, sums: &[f32], first: usize, out: &mut [f32]) {
        let bias = self.bias.as_ref().map(|b| &b[first..first + out.len()]);
        Arch::new().dispatch(Finish { sums, bias, then: self.then, out });
    }
}

/// Bias and what follows, for a part of a row.
struct Finish<'a> {
    sums: &'a [f32],
    bias: Option<&'a [f32]>,
    then: Then,
    out: &'a mut [f32],
}

impl WithSimd for Finish<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        match self.bias {
            None => self.out.copy_from_slice(self.sums),
            Some(bias) => {
                for ((out, sum), bias) in self.out.iter_mut().zip(self.sums).zip(bias) {
                    *out = sum + bias;
                }
            }
        }
        if self.then == Then::Gelu {
            for part in self.out.chunks_mut(S::F32_LANES) {
                let x = simd.partial_load_f32s(part);
                simd.partial_store_f32s(part, gelu(simd, x));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use candle_core::quantized::GgmlDType;

    use super::super::test::{Rng, assert_close, assert_same_on_any_threads, flat};
    use super::*;

    fn reference(x: &Tensor, w: &Tensor, b: &Tensor) -> Tensor {
        x.matmul(&w.t().unwrap()).unwrap().broadcast_add(b).unwrap()
    }

    #[test]
    fn every_type_of_weight_gives_the_product() {
        let mut rng = Rng::new(1);
        let (x, b) = (rng.tensor(&[530, 64], 1.0), rng.tensor(&[300], 1.0));
        let w = rng.tensor(&[300, 64], 0.3);
        for (dtype, tolerance) in [(DType::F32, 1e-5), (DType::BF16, 1e-5), (DType::F16, 1e-5)] {
            let w = w.to_dtype(dtype).unwrap();
            // Where the processor multiplies bf16 itself, activations are rounded to it.
            let rounded = dtype == DType::BF16 && bf16::is_supported();
            let seen = if rounded { x.to_dtype(dtype).unwrap().to_dtype(DType::F32).unwrap() } else { x.clone() };
            let want = reference(&seen, &w.to_dtype(DType::F32).unwrap(), &b);
            let layer = Linear::new(w, Some(b.clone())).unwrap();
            assert_close(&flat(&layer.forward(&x).unwrap()), &flat(&want), tolerance, &format!("{dtype:?}"));
            let gelu = layer.forward_then(&x, Then::Gelu).unwrap();
            assert_close(&flat(&gelu), &flat(&want.gelu().unwrap()), tolerance, &format!("{dtype:?} with GELU"));
        }
        let w8 = Arc::new(QTensor::quantize(&w, GgmlDType::Q8_0).unwrap());
        let got = Linear::quantised(w8, Some(b.clone())).unwrap().forward(&x).unwrap();
        assert_close(&flat(&got), &flat(&reference(&x, &w, &b)), 1e-2, "Q8_0");
    }

    #[test]
    fn threads_do_not_change_the_sums() {
        let mut rng = Rng::new(2);
        let (w, x) = (rng.tensor(&[600, 41], 1.0), rng.tensor(&[700, 41], 1.0));
        for dtype in [DType::F32, DType::BF16] {
            let layer = Linear::new(w.to_dtype(dtype).unwrap(), None).unwrap();
            assert_same_on_any_threads(|| layer.forward(&x));
        }
    }

    #[test]
    fn odd_sizes_of_sixteen_bits_are_whole() {
        let mut rng = Rng::new(3);
        for (tokens, inputs, outputs) in [(1, 1, 1), (49, 7, 9), (3, 130, 65)] {
            let (x, w) = (rng.tensor(&[tokens, inputs], 1.0), rng.tensor(&[outputs, inputs], 1.0));
            let [x, w] = [x, w].map(|t| t.to_dtype(DType::BF16).unwrap());
            let wide = |t: &Tensor| t.to_dtype(DType::F32).unwrap();
            let got = Linear::new(w.clone(), None).unwrap().forward(&wide(&x)).unwrap();
            let want = wide(&x).matmul(&wide(&w).t().unwrap()).unwrap();
            assert_close(&flat(&got), &flat(&want), 1e-5, &format!("{tokens} {inputs} {outputs}"));
        }
    }

    #[test]
    fn another_width_is_refused() {
        let zeros = |shape: (usize, usize)| Tensor::zeros(shape, DType::F32, &candle_core::Device::Cpu).unwrap();
        let layer = Linear::new(zeros((4, 3)), None).unwrap();
        assert!(layer.forward(&zeros((2, 4))).unwrap_err().to_string().contains("rows of 3"));
        assert!(Linear::new(zeros((4, 3)), Some(zeros((3, 1)).squeeze(1).unwrap())).is_err());
    }
}

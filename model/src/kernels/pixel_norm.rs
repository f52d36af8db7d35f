//! The VAE's norm: each pixel's channels brought to unit size, modulated, then SiLU.

use candle_core::{DType, Result, Tensor, bail};
use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

use super::SliceKernel;
use super::approx::silu;

/// Shift and scale for each channel, `[C]` each.
#[derive(Clone, Debug)]
pub struct Channels {
    /// What is added,
    pub shift: Tensor,
    /// after multiplying by one more than this.
    pub scale: Tensor,
}

/// Inside the root, so that black has a norm.
const EPS: f64 = 1e-8;

/// Pixels that are normed at a time.
const PIXELS: usize = 256;

/// `silu((1 + scale) * x / rms(x) + shift)`, the root of the mean square taken over the channels of each pixel of
/// `x`, `[T, C, H, W]`.
///
/// # Errors
/// When the shapes do not fit each other.
pub fn pixel_norm_silu(x: &Tensor, by: Option<&Channels>) -> Result<Tensor> {
    let (frames, channels, height, width) = x.dims4()?;
    if let Some(by) = by
        && (by.shift.dims() != [channels] || by.scale.dims() != [channels])
    {
        bail!("{channels} channels cannot be modulated by {:?}", by.scale.dims())
    }
    if !x.device().is_cpu() || x.dtype() != DType::F32 {
        return composed(x, by);
    }
    let none = || Tensor::zeros(channels, DType::F32, x.device());
    let (scale, shift) = match by {
        Some(by) => (by.scale.clone(), by.shift.clone()),
        None => (none()?, none()?),
    };
    let size = height * width;
    SliceKernel::new("pixel_norm_silu", (frames, channels, height, width), |args| {
        let mut out = vec![0.0; args[0].len()];
        let frame = channels * size;
        let parts: Vec<_> = strips(&mut out, channels, size);
        parts.into_par_iter().enumerate().for_each(|(i, mut strip)| {
            let per_frame = size.div_ceil(PIXELS);
            let x = &args[0][i / per_frame * frame + i % per_frame * PIXELS..];
            Arch::new().dispatch(Strip { x, size, scale: args[1], shift: args[2], out: &mut strip });
        });
        out
    })
    .of3(x, &scale, &shift)
}

/// Cuts `[T, C, pixels]` into strips of at most [`PIXELS`]: one entry for each frame and strip, which holds that strip
/// of every channel.
fn strips(out: &mut [f32], channels: usize, size: usize) -> Vec<Vec<&mut [f32]>> {
    let per_frame = size.div_ceil(PIXELS);
    let frames = out.len() / (channels * size);
    let mut strips: Vec<Vec<&mut [f32]>> = (0..frames * per_frame).map(|_| Vec::with_capacity(channels)).collect();
    for (i, plane) in out.chunks_exact_mut(size).enumerate() {
        for (s, part) in plane.chunks_mut(PIXELS).enumerate() {
            strips[i / channels * per_frame + s].push(part);
        }
    }
    strips
}

/// One strip. `x` starts at its first pixel of the first channel; channels lie `size` apart.
struct Strip<'a, 'o> {
    x: &'a [f32],
    size: usize,
    scale: &'a [f32],
    shift: &'a [f32],
    out: &'a mut [&'o mut [f32]],
}

impl WithSimd for Strip<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let (channels, pixels) = (self.out.len(), self.out[0].len());
        let mut factors = [0.0f32; PIXELS];
        for c in 0..channels {
            for (sum, v) in factors.iter_mut().zip(&self.x[c * self.size..][..pixels]) {
                *sum += v * v;
            }
        }
        let n = channels as f32;
        for factor in &mut factors {
            *factor = 1.0 / (*factor / n + EPS as f32).sqrt();
        }
        for (c, out) in self.out.iter_mut().enumerate() {
            let (scale, shift) = (simd.splat_f32s(1.0 + self.scale[c]), simd.splat_f32s(self.shift[c]));
            let x = &self.x[c * self.size..][..pixels];
            let parts = out.chunks_mut(S::F32_LANES).zip(x.chunks(S::F32_LANES)).zip(factors.chunks(S::F32_LANES));
            for ((out, x), factors) in parts {
                let x = simd.mul_f32s(simd.partial_load_f32s(x), simd.partial_load_f32s(factors));
                simd.partial_store_f32s(out, silu(simd, simd.mul_add_e_f32s(x, scale, shift)));
            }
        }
    }
}

fn composed(x: &Tensor, by: Option<&Channels>) -> Result<Tensor> {
    let dtype = x.dtype();
    let wide = if dtype == DType::F64 { DType::F64 } else { DType::F32 };
    let x = x.to_dtype(wide)?;
    let x = x.broadcast_div(&(x.sqr()?.mean_keepdim(1)? + EPS)?.sqrt()?)?;
    let x = match by {
        None => x,
        Some(by) => {
            let channels = |v: &Tensor| v.to_dtype(wide)?.reshape((1, v.elem_count(), 1, 1));
            x.broadcast_mul(&(channels(&by.scale)? + 1.0)?)?.broadcast_add(&channels(&by.shift)?)?
        }
    };
    x.silu()?.to_dtype(dtype)
}

#[cfg(test)]
mod tests {
    use super::super::test::{Rng, assert_close, assert_same_on_any_threads, flat};
    use super::*;

    #[test]
    fn the_kernel_equals_candles_own_operations() {
        let mut rng = Rng::new(6);
        let x = rng.tensor(&[3, 10, 17, 19], 4.0);
        let by = Channels { shift: rng.tensor(&[10], 1.0), scale: rng.tensor(&[10], 1.0) };
        for by in [None, Some(&by)] {
            let want = composed(&x.to_dtype(DType::F64).unwrap(), by).unwrap().to_dtype(DType::F32).unwrap();
            assert_close(&flat(&pixel_norm_silu(&x, by).unwrap()), &flat(&want), 2e-6, "pixel_norm_silu");
        }
        assert_same_on_any_threads(|| pixel_norm_silu(&x, Some(&by)));
        let zeros = x.zeros_like().unwrap();
        assert!(flat(&pixel_norm_silu(&zeros, None).unwrap()).iter().all(|v| *v == 0.0), "black stays finite");
    }
}

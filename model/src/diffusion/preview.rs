//! A rough picture of latents, without the VAE: one pixel for each latent.
//!
//! How the decoder colours a latent is found once for a model, by a few random latents that it decodes: the colours are
//! fitted to the latents' channels by least squares, held back by a ridge.

use candle_core::{Device, Result as CandleResult, Tensor};

use super::{
    noise::{Noise, Purpose, Seeded},
    vae::Vae,
};
use crate::{Encoding, Frame, Result};

/// Latents along an edge that are decoded to learn from.
const EDGE: usize = 8;

/// Against fitting chance: as much as this share of the samples.
const RIDGE: f64 = 0.2;

/// Colours for channels.
pub(super) struct Preview {
    /// `[channels, 3]`.
    factors: Tensor,
    /// `[1, 3]`.
    bias: Tensor,
}

impl Preview {
    pub(super) fn new(vae: &Vae) -> Result<Self> {
        let channels = vae.config().latent_channels;
        let latents = Seeded(0).draw(Purpose::Latents, &[1, channels, EDGE, EDGE])?;
        let stored = vae.statistics().on_cpu()?.denormalised(&latents)?;
        let Some(video) = vae.decode(&stored, 0.0, None, &|| true)? else {
            return Err(crate::Error::Cancelled);
        };
        let space = vae.config().space_factor();
        let colours = video.to_device(&Device::Cpu)?.avg_pool2d(space)?;
        Ok(Self::fitted(&rows(&latents)?, &rows(&colours)?)?)
    }

    /// `x` are latents by row, `y` colours. With fewer samples than channels the system is solved in its dual form.
    fn fitted(x: &Tensor, y: &Tensor) -> CandleResult<Self> {
        let (count, _) = x.dims2()?;
        let (mean_x, mean_y) = (x.mean_keepdim(0)?, y.mean_keepdim(0)?);
        let (x, y) = (x.broadcast_sub(&mean_x)?, y.broadcast_sub(&mean_y)?);
        let gram: Vec<Vec<f64>> = x.matmul(&x.t()?)?.to_dtype(candle_core::DType::F64)?.to_vec2()?;
        let ridge = RIDGE * gram.iter().enumerate().map(|(i, row)| row[i]).sum::<f64>() / count as f64;
        let target: Vec<Vec<f64>> = y.to_dtype(candle_core::DType::F64)?.to_vec2()?;
        let solved = solved(gram, target, ridge);
        let solved: Vec<f32> = solved.into_iter().flatten().map(|v| v as f32).collect();
        let factors = x.t()?.matmul(&Tensor::from_vec(solved, (count, 3), &Device::Cpu)?)?;
        let bias = (mean_y - mean_x.matmul(&factors)?)?;
        Ok(Self { factors, bias })
    }

    /// The picture of one latent frame, `[1, C, H, W]`, normalised, on the CPU.
    pub(super) fn frame(&self, latents: &Tensor) -> CandleResult<Frame> {
        let (_, _, height, width) = latents.dims4()?;
        let colours = rows(latents)?.matmul(&self.factors)?.broadcast_add(&self.bias)?;
        let values: Vec<f32> = (colours * 0.5)?.affine(1.0, 0.5)?.clamp(0f32, 1f32)?.flatten_all()?.to_vec1()?;
        Frame::new(width, height, 3, Encoding::Display, values).map_err(|e| candle_core::Error::Msg(e.to_string()))
    }
}

/// `[1, C, H, W]` as `[H * W, C]`.
fn rows(x: &Tensor) -> CandleResult<Tensor> {
    let (_, c, h, w) = x.dims4()?;
    x.reshape((c, h * w))?.t()?.contiguous()
}

/// Solves `(a + ridge) x = b` for a symmetric positive `a`, by Gauss's elimination.
fn solved(mut a: Vec<Vec<f64>>, mut b: Vec<Vec<f64>>, ridge: f64) -> Vec<Vec<f64>> {
    let n = a.len();
    for (i, row) in a.iter_mut().enumerate() {
        row[i] += ridge.max(1e-12);
    }
    for i in 0..n {
        for j in i + 1..n {
            let share = a[j][i] / a[i][i];
            let (upper, lower) = a.split_at_mut(j);
            lower[0][i..].iter_mut().zip(&upper[i][i..]).for_each(|(v, u)| *v -= share * u);
            let (upper, lower) = b.split_at_mut(j);
            lower[0].iter_mut().zip(&upper[i]).for_each(|(v, u)| *v -= share * u);
        }
    }
    for i in (0..n).rev() {
        for c in 0..b[i].len() {
            let known: f64 = (i + 1..n).map(|j| a[i][j] * b[j][c]).sum();
            b[i][c] = (b[i][c] - known) / a[i][i];
        }
    }
    b
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_that_follow_the_channels_are_found() {
        let x = Seeded(3).draw(Purpose::Latents, &[64, 12]).unwrap();
        let factors = Seeded(4).draw(Purpose::Latents, &[12, 3]).unwrap();
        let y = (x.matmul(&factors).unwrap() + 0.3).unwrap();
        let fitted = Preview::fitted(&x, &y).unwrap();
        let guessed = x.matmul(&fitted.factors).unwrap().broadcast_add(&fitted.bias).unwrap();
        let spread = |x: &Tensor| x.sqr().unwrap().mean_all().unwrap().to_scalar::<f32>().unwrap();
        assert!(spread(&(guessed - &y).unwrap()) < 0.1 * spread(&(y - 0.3).unwrap()));
    }
}

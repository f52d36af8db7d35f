//! How a timestep reaches the network.

use candle_core::{Device, Result as CandleResult, Tensor};

use super::loader::Loader;
use crate::{Result, kernels::Linear};

/// Numbers a timestep is spread over.
const SINUSOIDS: usize = 256;

/// Sinusoids, then two layers.
pub(super) struct TimestepEmbedder {
    linear_1: Linear,
    linear_2: Linear,
}

impl TimestepEmbedder {
    pub(super) fn load(from: &Loader<'_>, name: &str, width: usize) -> Result<Self> {
        let layer =
            |n: usize, inputs| from.linear(&format!("{name}.timestep_embedder.linear_{n}"), (inputs, width), true);
        Ok(Self { linear_1: layer(1, SINUSOIDS)?, linear_2: layer(2, width)? })
    }

    /// Timesteps of 0 to 1000 to rows of the embedder's width, in f32.
    pub(super) fn run(&self, timesteps: &[f32], device: &Device) -> CandleResult<Tensor> {
        let x = self.linear_1.forward(&sinusoids(timesteps, device)?)?.silu()?;
        self.linear_2.forward(&x)
    }
}

/// Cosines, then sines, of the timestep at frequencies that fall from 1 to 1/10000 (Vaswani et al. 2017), `[n, 256]`.
///
/// Always f32: in bf16 a timestep of 993.7 would be 992.
fn sinusoids(timesteps: &[f32], device: &Device) -> CandleResult<Tensor> {
    let half = SINUSOIDS / 2;
    let frequency = |i: usize| (-(10_000f32.ln()) * i as f32 / half as f32).exp();
    let mut values = Vec::with_capacity(timesteps.len() * SINUSOIDS);
    for t in timesteps {
        values.extend((0..half).map(|i| (t * frequency(i)).cos()));
        values.extend((0..half).map(|i| (t * frequency(i)).sin()));
    }
    Tensor::from_vec(values, (timesteps.len(), SINUSOIDS), device)
}

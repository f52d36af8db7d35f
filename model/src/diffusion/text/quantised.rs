//! T5's encoder (Raffel et al. 2020) on quantised layers.

use candle_core::{DType, Device, Result as CandleResult, Tensor};
use candle_transformers::models::t5;

use super::super::loader::Loader;
use crate::{
    Result,
    kernels::{Linear, weighted_norm},
};

struct Layer {
    attention_norm: Tensor,
    q: Linear,
    k: Linear,
    v: Linear,
    o: Linear,
    feed_norm: Tensor,
    gate: Linear,
    up: Linear,
    down: Linear,
}

/// The encoder.
pub(in super::super) struct Encoder {
    /// Kept on the CPU, where a few rows of it are all that is needed.
    shared: Tensor,
    /// How much more one place heeds another, by how far it lies; `[buckets, heads]`.
    relative_attention_bias: Tensor,
    layers: Vec<Layer>,
    final_norm: Tensor,
    config: t5::Config,
    device: Device,
}

impl Encoder {
    pub(super) fn load(from: &Loader<'_>, config: &t5::Config, device: &Device) -> Result<Self> {
        let inner = config.num_heads * config.d_kv;
        let (outer, wide) = (config.d_model, config.d_ff);
        let layer = |i: usize| {
            let (attention, feed) = (format!("encoder.block.{i}.layer.0"), format!("encoder.block.{i}.layer.1"));
            let linear = |name: String, sizes| from.linear(&name, sizes, false);
            Result::Ok(Layer {
                attention_norm: from.tensor(&format!("{attention}.layer_norm.weight"), &[outer])?,
                q: linear(format!("{attention}.SelfAttention.q"), (outer, inner))?,
                k: linear(format!("{attention}.SelfAttention.k"), (outer, inner))?,
                v: linear(format!("{attention}.SelfAttention.v"), (outer, inner))?,
                o: linear(format!("{attention}.SelfAttention.o"), (inner, outer))?,
                feed_norm: from.tensor(&format!("{feed}.layer_norm.weight"), &[outer])?,
                gate: linear(format!("{feed}.DenseReluDense.wi_0"), (outer, wide))?,
                up: linear(format!("{feed}.DenseReluDense.wi_1"), (outer, wide))?,
                down: linear(format!("{feed}.DenseReluDense.wo"), (wide, outer))?,
            })
        };
        let bias = "encoder.block.0.layer.0.SelfAttention.relative_attention_bias.weight";
        Ok(Self {
            shared: from.tensor("shared.weight", &[config.vocab_size, outer])?.to_device(&Device::Cpu)?,
            relative_attention_bias: from.tensor(bias, &[config.relative_attention_num_buckets, config.num_heads])?,
            layers: (0..config.num_layers).map(layer).collect::<Result<_>>()?,
            final_norm: from.tensor("encoder.final_layer_norm.weight", &[outer])?,
            config: config.clone(),
            device: device.clone(),
        })
    }

    pub(super) fn run(&self, ids: &[u32]) -> CandleResult<Tensor> {
        let rows = Tensor::new(ids, &Device::Cpu)?;
        let mut x = self.shared.index_select(&rows, 0)?.to_device(&self.device)?;
        let bias = self.bias(ids.len())?;
        let eps = self.config.layer_norm_epsilon;
        for layer in &self.layers {
            let normed = weighted_norm(&x, &layer.attention_norm, eps)?;
            x = (x + layer.o.forward(&self.attended(layer, &normed, &bias)?)?)?;
            let normed = weighted_norm(&x, &layer.feed_norm, eps)?;
            let inner = (layer.gate.forward(&normed)?.gelu()? * layer.up.forward(&normed)?)?;
            x = (x + layer.down.forward(&inner)?)?;
        }
        weighted_norm(&x, &self.final_norm, eps)
    }

    /// T5 does not divide its scores by the root of the head's size.
    fn attended(&self, layer: &Layer, x: &Tensor, bias: &Tensor) -> CandleResult<Tensor> {
        let (count, heads, size) = (x.dim(0)?, self.config.num_heads, self.config.d_kv);
        let split = |x: Tensor| x.reshape((count, heads, size))?.transpose(0, 1)?.contiguous();
        let (q, k, v) = (split(layer.q.forward(x)?)?, split(layer.k.forward(x)?)?, split(layer.v.forward(x)?)?);
        let scores = (q.matmul(&k.t()?.contiguous()?)? + bias)?;
        candle_nn::ops::softmax_last_dim(&scores)?
            .matmul(&v)?
            .transpose(0, 1)?
            .contiguous()?
            .reshape((count, heads * size))
    }

    /// `[heads, count, count]`.
    fn bias(&self, count: usize) -> CandleResult<Tensor> {
        let places = (0..count).flat_map(|query| (0..count).map(move |key| self.bucket(query, key)));
        let places = Tensor::new(places.collect::<Vec<u32>>(), &self.device)?;
        let heads = self.config.num_heads;
        let bias = self.relative_attention_bias.to_dtype(DType::F32)?.index_select(&places, 0)?;
        bias.reshape((count, count, heads))?.permute((2, 0, 1))?.contiguous()
    }

    /// Half the buckets are for keys that follow; of each half, the first half for one distance each, the rest for
    /// distances that grow by a factor.
    fn bucket(&self, query: usize, key: usize) -> u32 {
        let half = self.config.relative_attention_num_buckets / 2;
        let exact = half / 2;
        let first = if key > query { half } else { 0 };
        let distance = query.abs_diff(key);
        if distance < exact {
            return (first + distance) as u32;
        }
        let most = self.config.relative_attention_max_distance as f32;
        let grown = (distance as f32 / exact as f32).ln() / (most / exact as f32).ln() * (half - exact) as f32;
        (first + (exact + grown as usize).min(half - 1)) as u32
    }
}

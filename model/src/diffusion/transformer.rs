//! The diffusion transformer.

use candle_core::{DType, Device, Result as CandleResult, Tensor};

use super::{config::TransformerConfig, embedding::TimestepEmbedder, loader::Loader, rope};
use crate::{
    Result,
    kernels::{Groups, Linear, Modulation, Norm, Then, attention, gated_add, modulated_norm, rotated, weighted_norm},
};

/// Inside the root of the norms of the stream,
const EPS: f64 = 1e-6;
/// and of queries and keys.
const ATTENTION_EPS: f64 = 1e-5;

/// Timesteps are sigmas times this.
pub(super) const TIMESTEPS: f32 = 1000.0;

/// The tokens of a shot: where each stands, which does not change from step to step.
pub(super) struct Tokens {
    cos: Tensor,
    sin: Tensor,
    count: usize,
}

/// A prompt as each block sees it, in keys and values, which do not change from step to step either.
pub(super) struct Text(Vec<[Tensor; 2]>);

/// One step's question.
pub(super) struct Step<'a> {
    /// The noisy latents, `[tokens, channels]`.
    pub(super) latents: &'a Tensor,
    /// Noise left in each token, as a timestep of 0 to 1000.
    pub(super) timesteps: &'a [f32],
    pub(super) text: &'a Text,
    /// Blocks whose self-attention is replaced by its values: spatio-temporal guidance (Hyung et al. 2024).
    pub(super) skipped: &'a [usize],
}

/// The network: 28 blocks of 2048 channels in the 2B, 48 of 4096 in the 13B.
pub(super) struct Transformer {
    proj_in: Linear,
    time: TimestepEmbedder,
    time_linear: Linear,
    caption: [Linear; 2],
    blocks: Vec<Block>,
    scale_shift_table: Tensor,
    proj_out: Linear,
    width: usize,
    device: Device,
    /// Of activations.
    dtype: DType,
}

impl Transformer {
    pub(super) fn load(from: &Loader<'_>, config: &TransformerConfig, device: &Device, dtype: DType) -> Result<Self> {
        let width = config.width();
        let dtype = if device.is_cpu() { DType::F32 } else { dtype };
        Ok(Self {
            proj_in: from.linear("proj_in", (config.in_channels, width), true)?,
            time: TimestepEmbedder::load(from, "time_embed.emb", width)?,
            time_linear: from.linear("time_embed.linear", (width, 6 * width), true)?,
            caption: [
                from.linear("caption_projection.linear_1", (config.caption_channels, width), true)?,
                from.linear("caption_projection.linear_2", (width, width), true)?,
            ],
            blocks: (0..config.num_layers).map(|i| Block::load(from, i, config)).collect::<Result<_>>()?,
            scale_shift_table: from.tensor("scale_shift_table", &[2, width])?,
            proj_out: from.linear("proj_out", (width, config.in_channels), true)?,
            width,
            device: device.clone(),
            dtype,
        })
    }

    /// Prepares tokens that stand at `places`.
    pub(super) fn tokens(&self, places: &[rope::Place]) -> CandleResult<Tokens> {
        let (cos, sin) = rope::rotations(places, self.width, &self.device)?;
        Ok(Tokens { cos, sin, count: places.len() })
    }

    /// Prepares the text encoder's output, `[words, caption_channels]`.
    pub(super) fn text(&self, embedding: &Tensor) -> CandleResult<Text> {
        let embedding = embedding.to_device(&self.device)?.to_dtype(self.dtype)?;
        let inner = self.caption[0].forward_then(&embedding, Then::Gelu)?;
        let context = self.caption[1].forward(&inner)?;
        Ok(Text(self.blocks.iter().map(|b| b.attn2.keys_and_values(&context, None)).collect::<CandleResult<_>>()?))
    }

    /// What the latents' noise is, less the picture: `[tokens, channels]`, f32. `watch` is asked before each block
    /// whether to go on; `None` if it says no.
    pub(super) fn run(
        &self,
        tokens: &Tokens,
        step: &Step<'_>,
        watch: &dyn Fn() -> bool,
    ) -> CandleResult<Option<Tensor>> {
        if step.latents.dim(0)? != tokens.count || step.timesteps.len() != tokens.count {
            candle_core::bail!("{} tokens are placed, {:?} are given", tokens.count, step.latents.dims())
        }
        let (groups, timesteps) = grouped(step.timesteps, &self.device)?;
        let embedded = self.time.run(&timesteps, &self.device)?;
        let modulation = self.time_linear.forward(&embedded.silu()?)?.to_dtype(DType::F32)?;
        let mut x = self.proj_in.forward(&step.latents.to_dtype(self.dtype)?)?;
        for (i, block) in self.blocks.iter().enumerate() {
            if !watch() {
                return Ok(None);
            }
            x = block.run(&x, tokens, &step.text.0[i], &modulation, &groups, step.skipped.contains(&i))?;
        }
        let table = |i: usize| self.scale_shift_table.narrow(0, i, 1)?.broadcast_add(&embedded.to_dtype(DType::F32)?);
        let by = Modulation { shift: table(0)?, scale: table(1)? };
        let x = modulated_norm(&x, Norm::Layer, EPS, &by, &groups)?;
        Ok(Some(self.proj_out.forward(&x)?.to_dtype(DType::F32)?))
    }
}

/// The few distinct timesteps, and which of them each token has.
fn grouped(timesteps: &[f32], device: &Device) -> CandleResult<(Groups, Vec<f32>)> {
    let mut distinct: Vec<f32> = Vec::new();
    let index = timesteps.iter().map(|t| match distinct.iter().position(|d| d == t) {
        Some(i) => i as u32,
        None => {
            distinct.push(*t);
            distinct.len() as u32 - 1
        }
    });
    let index = index.collect();
    Ok((Groups::new(index, device)?, distinct))
}

struct Attention {
    norm_q: Tensor,
    norm_k: Tensor,
    to_q: Linear,
    to_k: Linear,
    to_v: Linear,
    to_out: Linear,
    heads: usize,
}

impl Attention {
    fn load(from: &Loader<'_>, name: &str, config: &TransformerConfig) -> Result<Self> {
        let width = config.width();
        let linear = |part: &str| from.linear(&format!("{name}.{part}"), (width, width), true);
        Ok(Self {
            norm_q: from.tensor(&format!("{name}.norm_q.weight"), &[width])?,
            norm_k: from.tensor(&format!("{name}.norm_k.weight"), &[width])?,
            to_q: linear("to_q")?,
            to_k: linear("to_k")?,
            to_v: linear("to_v")?,
            to_out: linear("to_out.0")?,
            heads: config.num_attention_heads,
        })
    }

    /// Queries and keys are normed over all heads together, before they are turned.
    fn normed(x: &Tensor, weight: &Tensor, tokens: Option<&Tokens>) -> CandleResult<Tensor> {
        let x = weighted_norm(x, weight, ATTENTION_EPS)?;
        match tokens {
            Some(tokens) => rotated(&x, &tokens.cos, &tokens.sin),
            None => Ok(x),
        }
    }

    fn keys_and_values(&self, context: &Tensor, tokens: Option<&Tokens>) -> CandleResult<[Tensor; 2]> {
        let keys = Self::normed(&self.to_k.forward(context)?, &self.norm_k, tokens)?;
        Ok([keys, self.to_v.forward(context)?])
    }

    fn run(&self, x: &Tensor, [k, v]: &[Tensor; 2], tokens: Option<&Tokens>) -> CandleResult<Tensor> {
        let q = Self::normed(&self.to_q.forward(x)?, &self.norm_q, tokens)?;
        self.to_out.forward(&attention(&q, k, v, self.heads)?)
    }

    /// With the values in the place of the attention.
    fn values(&self, x: &Tensor) -> CandleResult<Tensor> {
        self.to_out.forward(&self.to_v.forward(x)?)
    }
}

struct Block {
    /// Shift, scale and gate of the attention, then of the feed-forward.
    scale_shift_table: Tensor,
    attn1: Attention,
    attn2: Attention,
    up: Linear,
    down: Linear,
}

impl Block {
    fn load(from: &Loader<'_>, index: usize, config: &TransformerConfig) -> Result<Self> {
        let (name, width) = (format!("transformer_blocks.{index}"), config.width());
        Ok(Self {
            scale_shift_table: from.tensor(&format!("{name}.scale_shift_table"), &[6, width])?,
            attn1: Attention::load(from, &format!("{name}.attn1"), config)?,
            attn2: Attention::load(from, &format!("{name}.attn2"), config)?,
            up: from.linear(&format!("{name}.ff.net.0.proj"), (width, 4 * width), true)?,
            down: from.linear(&format!("{name}.ff.net.2"), (4 * width, width), true)?,
        })
    }

    /// `modulation` holds six rows' worth for each group of tokens.
    fn run(
        &self,
        x: &Tensor,
        tokens: &Tokens,
        text: &[Tensor; 2],
        modulation: &Tensor,
        groups: &Groups,
        skip_attention: bool,
    ) -> CandleResult<Tensor> {
        let width = x.dim(1)?;
        let ada = |i: usize| {
            let own = self.scale_shift_table.narrow(0, i, 1)?;
            modulation.narrow(1, i * width, width)?.broadcast_add(&own)
        };
        let by = Modulation { shift: ada(0)?, scale: ada(1)? };
        let normed = modulated_norm(x, Norm::Rms, EPS, &by, groups)?;
        let attended = match skip_attention {
            true => self.attn1.values(&normed)?,
            false => self.attn1.run(&normed, &self.attn1.keys_and_values(&normed, Some(tokens))?, Some(tokens))?,
        };
        let x = gated_add(x, &attended, &ada(2)?, groups)?;
        let x = (&x + self.attn2.run(&x, text, None)?)?;
        let by = Modulation { shift: ada(3)?, scale: ada(4)? };
        let inner = self.up.forward_then(&modulated_norm(&x, Norm::Rms, EPS, &by, groups)?, Then::Gelu)?;
        gated_add(&x, &self.down.forward(&inner)?, &ada(5)?, groups)
    }
}

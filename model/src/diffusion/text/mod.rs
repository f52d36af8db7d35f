//! The prompt, as the transformer is given it: T5 v1.1's encoder.
//!
//! A prompt is encoded as it is, without padding and without a mask, which gives the numbers of the padded and masked
//! reference. Dense weights run in candle-transformers' T5; quantised ones in [`quantised`], on the same layers as the
//! transformer.

mod quantised;
mod tokens;

use candle_core::{DType, Device, Result as CandleResult, Shape, Tensor};
use candle_nn::{Init, VarBuilder, var_builder::SimpleBackend};
use candle_transformers::models::t5;
use parking_lot::Mutex;

pub(super) use self::tokens::{Tokenizer, Words};
use super::{
    files::Stored,
    loader::{Loader, Source},
};
use crate::{Error, Result};

/// T5's configuration, from a `config.json` or, without one, from the tensors themselves.
pub(super) fn config(json: Option<&serde_json::Value>, source: &dyn Source) -> Result<t5::Config> {
    let mismatch = |reason: String| Error::ModelMismatch { path: source.path().to_owned(), reason };
    let config = match json {
        Some(json) => serde_json::from_value(json.clone()).map_err(|e| mismatch(format!("its configuration: {e}")))?,
        None => from_shapes(source).ok_or_else(|| mismatch("it is no T5 encoder".to_owned()))?,
    };
    let counts = [config.vocab_size, config.d_model, config.d_kv, config.d_ff, config.num_layers, config.num_heads];
    let buckets = config.relative_attention_num_buckets;
    if counts.iter().any(|n| *n == 0 || *n > 1 << 20)
        || !(4..=1024).contains(&buckets)
        || config.relative_attention_max_distance <= buckets / 4
        || config.num_layers > 256
    {
        return Err(mismatch(format!("its configuration makes no sense: {config:?}")));
    }
    if !config.feed_forward_proj.gated {
        return Err(mismatch("it is T5 without gates; LTX-Video needs version 1.1".to_owned()));
    }
    Ok(config)
}

fn from_shapes(source: &dyn Source) -> Option<t5::Config> {
    let block = "encoder.block.0.layer";
    let shared = source.shape("shared.weight")?;
    let bias = source.shape(&format!("{block}.0.SelfAttention.relative_attention_bias.weight"))?;
    let q = source.shape(&format!("{block}.0.SelfAttention.q.weight"))?;
    let gate = source.shape(&format!("{block}.1.DenseReluDense.wi_0.weight"))?;
    let layers = (0..).take_while(|i| source.shape(&format!("encoder.block.{i}.layer.0.layer_norm.weight")).is_some());
    let gated = serde_json::json!("gated-gelu");
    Some(t5::Config {
        vocab_size: *shared.first()?,
        d_model: *shared.get(1)?,
        d_kv: q.first()?.checked_div(*bias.get(1)?)?,
        d_ff: *gate.first()?,
        num_layers: layers.count(),
        num_heads: *bias.get(1)?,
        relative_attention_num_buckets: *bias.first()?,
        is_encoder_decoder: false,
        use_cache: false,
        feed_forward_proj: t5::deserialize_feed_forward_proj_activation(gated).ok()?,
        ..t5::Config::default()
    })
}

/// The encoder.
pub(super) enum TextEncoder {
    /// candle's takes itself by `&mut`, for a cache that encoders do not use.
    Dense(Box<Mutex<t5::T5EncoderModel>>),
    Quantised(Box<quantised::Encoder>),
}

impl TextEncoder {
    pub(super) fn load(source: &dyn Source, config: &t5::Config, device: &Device, dtype: DType) -> Result<Self> {
        let loader = Loader::new(source, device, dtype);
        let first = "encoder.block.0.layer.0.SelfAttention.q.weight";
        let shape = [config.num_heads * config.d_kv, config.d_model];
        let probe = Loader::new(source, device, dtype);
        if matches!(probe.stored(first, &shape)?, Stored::Quantised(_)) {
            let encoder = quantised::Encoder::load(&loader, config, device)?;
            loader.finish()?;
            return Ok(Self::Quantised(Box::new(encoder)));
        }
        let config = t5::Config { use_cache: false, is_decoder: false, ..config.clone() };
        let fault = Mutex::new(None);
        let backend = Backend { loader: &loader, fault: &fault };
        let vb = VarBuilder::from_backend(Box::new(backend), DType::F32, device.clone());
        let model = t5::T5EncoderModel::load(vb, &config);
        let model = model.map_err(|e| fault.lock().take().unwrap_or(Error::Network(e)))?;
        loader.finish()?;
        Ok(Self::Dense(Box::new(Mutex::new(model))))
    }

    /// The embedding of token ids, `[ids, d_model]`, f32.
    pub(super) fn run(&self, ids: &[u32], device: &Device) -> CandleResult<Tensor> {
        match self {
            Self::Dense(model) => {
                let ids = Tensor::new(ids, device)?.unsqueeze(0)?;
                model.lock().forward(&ids)?.squeeze(0)?.to_dtype(DType::F32)
            }
            Self::Quantised(encoder) => encoder.run(ids),
        }
    }
}

/// Hands our tensors to candle's T5.
struct Backend<'a> {
    loader: &'a Loader<'a>,
    /// Our error, which says more than the one of candle's that stands for it.
    fault: &'a Mutex<Option<Error>>,
}

impl Backend<'_> {
    /// Matrices stay as they are stored; activations are f32, for the embedding is.
    fn tensor(&self, shape: &Shape, name: &str) -> Result<Tensor> {
        if name == "shared.weight" || !name.contains("SelfAttention") && !name.contains("DenseReluDense") {
            return self.loader.tensor(name, shape.dims());
        }
        match self.loader.stored(name, shape.dims())? {
            Stored::Dense(tensor) => self.loader.matrix(tensor),
            Stored::Quantised(tensor) => Ok(tensor.dequantize(&tensor.device())?),
        }
    }
}

impl SimpleBackend for Backend<'_> {
    fn get(&self, shape: Shape, name: &str, _: Init, _: DType, _: &Device) -> CandleResult<Tensor> {
        self.tensor(&shape, name).map_err(|error| {
            let said = candle_core::Error::Msg(error.to_string());
            *self.fault.lock() = Some(error);
            said
        })
    }

    fn get_unchecked(&self, name: &str, _: DType, _: &Device) -> CandleResult<Tensor> {
        candle_core::bail!("{name} is asked for without a shape")
    }

    fn contains_tensor(&self, name: &str) -> bool {
        self.loader.has(name)
    }
}

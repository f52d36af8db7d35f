//! Random weights in given shapes, to measure time and memory without a download.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    sync::Arc,
};

use candle_core::{
    DType, Device, Tensor,
    quantized::{GgmlDType, QTensor},
};
use half::bf16;
use serde_json::Value;

use super::{config::Fault, files::Stored, loader::Source};
use crate::Result;

/// A part whose weights are random, of a size that keeps activations about where a trained model's are.
pub(super) struct Random {
    shapes: BTreeMap<String, Vec<usize>>,
    dtype: DType,
    /// What matrices are quantised to.
    quantised: Option<GgmlDType>,
}

impl Random {
    pub(super) fn new(
        list: Option<&Value>,
        dtype: DType,
        quantised: Option<GgmlDType>,
    ) -> std::result::Result<Self, Fault> {
        let list = list.and_then(Value::as_object).ok_or("the list of tensors lacks a part")?;
        let shape =
            |v: &Value| v.as_array()?.iter().map(|d| d.as_u64().map(|d| d as usize)).collect::<Option<Vec<_>>>();
        let shapes = list.iter().map(|(name, v)| Some((name.clone(), shape(v)?))).collect::<Option<_>>();
        Ok(Self { shapes: shapes.ok_or("a tensor in the list has no shape")?, dtype, quantised })
    }

    /// The encoder of T5 v1.1 XXL, 4.8 billion weights, in bf16: in f32 it would take 19 GB.
    pub(super) fn t5_xxl(width: usize) -> Self {
        let (heads, inner, wide, vocabulary) = (64, 4096, 10240, 32128);
        let mut shapes = BTreeMap::from([
            ("shared.weight".to_owned(), vec![vocabulary, width]),
            ("encoder.final_layer_norm.weight".to_owned(), vec![width]),
        ]);
        for i in 0..24 {
            let mut add = |name: &str, shape: Vec<usize>| {
                shapes.insert(format!("encoder.block.{i}.layer.{name}.weight"), shape);
            };
            for part in ["q", "k", "v"] {
                add(&format!("0.SelfAttention.{part}"), vec![inner, width]);
            }
            add("0.SelfAttention.o", vec![width, inner]);
            add("0.layer_norm", vec![width]);
            add("1.DenseReluDense.wi_0", vec![wide, width]);
            add("1.DenseReluDense.wi_1", vec![wide, width]);
            add("1.DenseReluDense.wo", vec![width, wide]);
            add("1.layer_norm", vec![width]);
            if i == 0 {
                add("0.SelfAttention.relative_attention_bias", vec![32, heads]);
            }
        }
        Self { shapes, dtype: DType::BF16, quantised: None }
    }
}

impl Random {
    fn quantised_as(&self, shape: &[usize]) -> Option<GgmlDType> {
        let &[_, row] = shape else { return None };
        self.quantised.filter(|dtype| row.is_multiple_of(dtype.block_size()))
    }
}

impl Source for Random {
    fn path(&self) -> &Path {
        Path::new("random weights")
    }

    fn names(&self) -> BTreeSet<String> {
        self.shapes.keys().cloned().collect()
    }

    fn shape(&self, name: &str) -> Option<Vec<usize>> {
        self.shapes.get(name).cloned()
    }

    fn read(&self, name: &str, device: &Device) -> Result<Stored> {
        let shape = &self.shapes[name];
        let count: usize = shape.iter().product();
        let constant = match name {
            "decoder.timestep_scale_multiplier" => Some(1000.0),
            "latents_std" => Some(1.0),
            _ if name.contains("norm") && name.ends_with("weight") => Some(1.0),
            _ if shape.len() < 2 => Some(0.0),
            _ => None,
        };
        if let Some(constant) = constant {
            return Ok(Stored::Dense(Tensor::full(constant, shape.as_slice(), device)?.to_dtype(DType::F32)?));
        }
        let scale = (3.0 / shape[1..].iter().product::<usize>() as f32).sqrt();
        let mut state = twox_hash::XxHash64::oneshot(0, name.as_bytes()) | 1;
        let next = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            bf16::from_f32(((state >> 40) as f32 / (1 << 23) as f32 - 1.0) * scale)
        };
        let values: Vec<bf16> = std::iter::repeat_with(next).take(count).collect();
        let dense = Tensor::from_vec(values, shape.as_slice(), device)?;
        match self.quantised_as(shape) {
            Some(dtype) => Ok(Stored::Quantised(Arc::new(QTensor::quantize(&dense, dtype)?))),
            None => Ok(Stored::Dense(dense.to_dtype(self.dtype)?)),
        }
    }

    fn bytes(&self) -> u64 {
        let bytes = |shape: &Vec<usize>| match self.quantised_as(shape) {
            Some(dtype) => shape.iter().product::<usize>() / dtype.block_size() * dtype.type_size(),
            None => shape.iter().product::<usize>() * self.dtype.size_in_bytes(),
        };
        self.shapes.values().map(bytes).sum::<usize>() as u64
    }
}

//! A weight file, handed out tensor by tensor: what is missing, misshapen or left over is named.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
};

use candle_core::{DType, Device, Tensor};

use crate::{
    Error, Result,
    engine::{Conv, Engine},
};

/// The slope of every leaky ReLU in the network.
const SLOPE: f32 = 0.1;

/// The tensors of a safetensors file that have not been taken yet.
pub(crate) struct Weights {
    path: PathBuf,
    engine: Engine,
    tensors: HashMap<String, Tensor>,
    hash: u64,
}

impl Weights {
    /// Reads the whole file, for an engine.
    pub(crate) fn read(path: &Path, engine: &Engine) -> Result<Self> {
        let unreadable = |reason: String| Error::WeightsUnreadable { path: path.to_owned(), reason };
        let bytes = std::fs::read(path).map_err(|e| unreadable(e.to_string()))?;
        let tensors = candle_core::safetensors::load_buffer(&bytes, &Device::Cpu)
            .map_err(|e| unreadable(format!("not a whole safetensors file: {e}")))?;
        let hash = twox_hash::XxHash64::oneshot(0, &bytes);
        Ok(Self { path: path.to_owned(), engine: engine.clone(), tensors, hash })
    }

    /// A hash of the file's bytes, to tell one training from another.
    pub(crate) fn hash(&self) -> u64 {
        self.hash
    }

    /// The engine that they are for.
    pub(crate) fn engine(&self) -> &Engine {
        &self.engine
    }

    fn mismatch(&self, reason: String) -> Error {
        Error::WeightsMismatch { path: self.path.clone(), reason }
    }

    fn take(&mut self, name: &str, shape: &[usize]) -> Result<Tensor> {
        let Some(tensor) = self.tensors.remove(name) else {
            return Err(self.mismatch(format!("the tensor {name} is missing")));
        };
        if tensor.dims() != shape {
            return Err(self.mismatch(format!("the tensor {name} is {:?}, wanted {shape:?}", tensor.dims())));
        }
        Ok(tensor.to_dtype(DType::F32)?)
    }

    /// A square convolution followed by a leaky ReLU.
    pub(crate) fn conv(&mut self, name: &str, sizes: (usize, usize), kernel: usize, stride: usize) -> Result<Conv> {
        self.convolution(name, sizes, kernel, stride, Some(SLOPE))
    }

    /// A square convolution whose sums are the result.
    pub(crate) fn linear_conv(&mut self, name: &str, sizes: (usize, usize), kernel: usize) -> Result<Conv> {
        self.convolution(name, sizes, kernel, 1, None)
    }

    fn convolution(
        &mut self,
        name: &str,
        (inputs, outputs): (usize, usize),
        kernel: usize,
        stride: usize,
        slope: Option<f32>,
    ) -> Result<Conv> {
        let weight = self.take(&format!("{name}.weight"), &[outputs, inputs, kernel, kernel])?;
        let bias = self.take(&format!("{name}.bias"), &[outputs])?;
        self.engine.conv(&weight, &bias, stride, slope)
    }

    /// Ends the loading: a tensor nobody took means the file is for another network.
    pub(crate) fn finish(self) -> Result<()> {
        match self.tensors.keys().min() {
            None => Ok(()),
            Some(name) => Err(self.mismatch(format!("{} tensors too many, {name} among them", self.tensors.len()))),
        }
    }
}

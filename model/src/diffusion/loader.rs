//! Hands a part's tensors to the layers that ask for them, each once: what is missing, misshapen or left over is named.

use std::{collections::BTreeSet, path::Path, sync::Arc};

use candle_core::{DType, Device, Tensor};
use parking_lot::Mutex;
use twox_hash::XxHash3_128;

use super::{
    files::{Stored, TensorFiles},
    names::Names,
};
use crate::{
    Error, Result,
    kernels::{Conv3d, Linear, TimePadding},
};

/// Where tensors come from.
pub(super) trait Source: Send + Sync {
    /// What messages call it.
    fn path(&self) -> &Path;
    /// Every name it has.
    fn names(&self) -> BTreeSet<String>;
    /// The shape of the tensor of this name.
    fn shape(&self, name: &str) -> Option<Vec<usize>>;
    /// The tensor of this name.
    fn read(&self, name: &str, device: &Device) -> Result<Stored>;
    /// Bytes of all tensors together.
    fn bytes(&self) -> u64;

    /// Adds names, shapes and, where there are files, the first bytes of each tensor.
    fn fingerprint(&self, hasher: &mut XxHash3_128) -> Result<()> {
        for name in self.names() {
            hasher.write(name.as_bytes());
            self.shape(&name).unwrap_or_default().iter().for_each(|d| hasher.write(&(*d as u64).to_le_bytes()));
        }
        Ok(())
    }
}

/// One part of a model in its files, by the names of diffusers.
pub(super) struct Part {
    files: Arc<TensorFiles>,
    names: Names,
}

impl Part {
    pub(super) fn new(files: Arc<TensorFiles>, names: Names) -> Self {
        Self { files, names }
    }
}

impl Source for Part {
    fn path(&self) -> &Path {
        self.files.path()
    }

    fn names(&self) -> BTreeSet<String> {
        self.names.keys().cloned().collect()
    }

    fn shape(&self, name: &str) -> Option<Vec<usize>> {
        self.files.shape(self.names.get(name)?).map(<[_]>::to_vec)
    }

    fn read(&self, name: &str, device: &Device) -> Result<Stored> {
        self.files.read(self.names.get(name).map_or(name, String::as_str), device)
    }

    fn bytes(&self) -> u64 {
        self.names.values().map(|stored| self.files.bytes(stored)).sum()
    }

    fn fingerprint(&self, hasher: &mut XxHash3_128) -> Result<()> {
        for (name, stored) in &self.names {
            hasher.write(name.as_bytes());
            hasher.write(&self.files.telling_bytes(stored)?);
        }
        Ok(())
    }
}

/// What is left of a source, and how its tensors are wanted.
pub(super) struct Loader<'a> {
    source: &'a dyn Source,
    device: &'a Device,
    /// The type of matrices on a GPU, where activations have it too; on the CPU matrices stay as they are stored.
    dtype: DType,
    taken: Mutex<BTreeSet<String>>,
}

impl<'a> Loader<'a> {
    pub(super) fn new(source: &'a dyn Source, device: &'a Device, dtype: DType) -> Self {
        Self { source, device, dtype, taken: Mutex::default() }
    }

    fn mismatch(&self, reason: String) -> Error {
        Error::ModelMismatch { path: self.source.path().to_owned(), reason }
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.source.shape(name).is_some()
    }

    pub(super) fn stored(&self, name: &str, shape: &[usize]) -> Result<Stored> {
        let Some(found) = self.source.shape(name) else {
            return Err(self.mismatch(format!("the tensor {name} is missing")));
        };
        if found != shape {
            return Err(self.mismatch(format!("the tensor {name} is {found:?}, wanted {shape:?}")));
        }
        if !self.taken.lock().insert(name.to_owned()) {
            return Err(self.mismatch(format!("the tensor {name} is wanted twice")));
        }
        self.source.read(name, self.device)
    }

    /// A small tensor, in f32.
    pub(super) fn tensor(&self, name: &str, shape: &[usize]) -> Result<Tensor> {
        Ok(match self.stored(name, shape)? {
            Stored::Dense(tensor) => tensor.to_dtype(DType::F32)?,
            Stored::Quantised(tensor) => tensor.dequantize(self.device)?,
        })
    }

    /// A matrix in the type it is computed with.
    pub(super) fn matrix(&self, tensor: Tensor) -> Result<Tensor> {
        Ok(match tensor.dtype() {
            _ if !self.device.is_cpu() => tensor.to_dtype(self.dtype)?,
            DType::F32 | DType::F16 | DType::BF16 => tensor,
            DType::F64 => tensor.to_dtype(DType::F32)?,
            // Eight bits of weights fit in sixteen without loss.
            _ => tensor.to_dtype(DType::BF16)?,
        })
    }

    /// `name.weight` and, if it is to have one, `name.bias`.
    pub(super) fn linear(&self, name: &str, (inputs, outputs): (usize, usize), bias: bool) -> Result<Linear> {
        let weight = self.stored(&format!("{name}.weight"), &[outputs, inputs])?;
        let bias = if bias { Some(self.tensor(&format!("{name}.bias"), &[outputs])?) } else { None };
        Ok(match weight {
            Stored::Dense(weight) => Linear::new(self.matrix(weight)?, bias)?,
            Stored::Quantised(weight) => Linear::quantised(weight, bias)?,
        })
    }

    /// `name.weight` and `name.bias` of a convolution with a cube of `kernel` taps.
    pub(super) fn conv3d(
        &self,
        name: &str,
        (inputs, outputs): (usize, usize),
        kernel: usize,
        padding: TimePadding,
    ) -> Result<Conv3d> {
        let weight = self.conv_weight(name, &[outputs, inputs, kernel, kernel, kernel])?;
        Ok(Conv3d::new(&weight, Some(&self.tensor(&format!("{name}.bias"), &[outputs])?), padding)?)
    }

    /// The weights of a convolution, which must be dense.
    pub(super) fn conv_weight(&self, name: &str, shape: &[usize]) -> Result<Tensor> {
        match self.stored(&format!("{name}.weight"), shape)? {
            Stored::Dense(weight) => self.matrix(weight),
            Stored::Quantised(_) => {
                Err(self.mismatch(format!("{name} is a quantised convolution, which is not supported")))
            }
        }
    }

    /// Ends the loading: a tensor nobody took means the file is for another network.
    pub(super) fn finish(self) -> Result<()> {
        let taken = self.taken.lock().clone();
        let left: Vec<_> = self.source.names().into_iter().filter(|n| !taken.contains(n)).collect();
        match left.first() {
            None => Ok(()),
            Some(first) => Err(self.mismatch(format!("it has {} tensors too many, {first} among them", left.len()))),
        }
    }
}

//! Numbers in a card's memory.

use std::sync::Arc;

use crate::pool::Pooled;

/// `[channels, height, width]` numbers in `f32`, plane after plane and row after row, in the memory of the GPU that made it.
#[derive(Clone, Debug)]
pub struct Map {
    pub(crate) buffer: Arc<Pooled>,
    pub(crate) shape: [usize; 3],
}

impl Map {
    /// Channels, height and width.
    #[must_use]
    pub fn shape(&self) -> [usize; 3] {
        self.shape
    }

    pub(crate) fn buffer(&self) -> &wgpu::Buffer {
        &self.buffer
    }

    /// Bytes that it takes.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        bytes(self.shape)
    }
}

/// Bytes of a map of a shape.
pub(crate) fn bytes(shape: [usize; 3]) -> u64 {
    shape.iter().map(|side| *side as u64).product::<u64>() * 4
}

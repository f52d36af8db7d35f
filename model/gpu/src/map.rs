//! Numbers in a card's memory.

use std::sync::Arc;

use crate::pool::Pooled;

/// `[channels, height, width]` numbers in `f32`, plane after plane and row after row, in the memory of the GPU that made it. Some planes
/// of another map may lie in the same memory: no map is changed once it is made.
#[derive(Clone, Debug)]
pub struct Map {
    pub(crate) buffer: Arc<Pooled>,
    /// Where in the memory it begins, in bytes.
    pub(crate) start: u64,
    pub(crate) shape: [usize; 3],
}

impl Map {
    /// Channels, height and width.
    #[must_use]
    pub fn shape(&self) -> [usize; 3] {
        self.shape
    }

    /// Its part of the memory.
    pub(crate) fn part(&self) -> Part<'_> {
        Part { buffer: &self.buffer, start: self.start, bytes: self.bytes() }
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

/// A part of a buffer.
#[derive(Clone, Copy)]
pub(crate) struct Part<'a> {
    pub(crate) buffer: &'a wgpu::Buffer,
    pub(crate) start: u64,
    pub(crate) bytes: u64,
}

impl<'a> Part<'a> {
    pub(crate) fn whole(buffer: &'a wgpu::Buffer) -> Self {
        Self { buffer, start: 0, bytes: buffer.size() }
    }

    /// The part for a kernel to read or write.
    pub(crate) fn binding(self) -> wgpu::BindingResource<'a> {
        let size = std::num::NonZeroU64::new(self.bytes);
        wgpu::BindingResource::Buffer(wgpu::BufferBinding { buffer: self.buffer, offset: self.start, size })
    }
}

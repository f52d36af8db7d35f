//! Numbers in a card's memory.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

use parking_lot::Mutex;

use crate::{point::Asked, pool::Pooled};

/// `[channels, height, width]` numbers in `f32`, plane after plane and row after row, in the memory of the GPU that made it, or asked for
/// and not made yet: what is done place by place is made when something else needs it, together with what leads to it. No map is
/// changed once it is made.
#[derive(Clone, Debug)]
pub struct Map {
    pub(crate) shape: [usize; 3],
    node: Arc<Node>,
}

/// What all copies of a map share.
#[derive(Debug)]
struct Node {
    value: Mutex<Value>,
    /// How many maps were asked for that are made of it.
    uses: AtomicU32,
}

/// A map as far as it is known.
#[derive(Clone, Debug)]
pub(crate) enum Value {
    Made(Made),
    Asked(Asked),
}

impl Map {
    pub(crate) fn asked(shape: [usize; 3], asked: Asked) -> Self {
        Self::new(shape, Value::Asked(asked))
    }

    fn new(shape: [usize; 3], value: Value) -> Self {
        Self { shape, node: Arc::new(Node { value: Mutex::new(value), uses: AtomicU32::new(0) }) }
    }

    /// Channels, height and width.
    #[must_use]
    pub fn shape(&self) -> [usize; 3] {
        self.shape
    }

    /// Bytes that it takes.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        bytes(self.shape)
    }

    pub(crate) fn value(&self) -> Value {
        self.node.value.lock().clone()
    }

    /// It was made; what it was made of is no longer held.
    pub(crate) fn is_made(&self, made: Made) {
        *self.node.value.lock() = Value::Made(made);
    }

    /// Counts one more map that is made of it, and tells how many were before.
    pub(crate) fn used(&self) -> u32 {
        self.node.uses.fetch_add(1, Ordering::Relaxed)
    }

    /// The same for all copies of one map.
    pub(crate) fn id(&self) -> usize {
        Arc::as_ptr(&self.node) as usize
    }
}

/// A map in a card's memory. Some planes of another may lie in the same memory.
#[derive(Clone, Debug)]
pub(crate) struct Made {
    pub(crate) buffer: Arc<Pooled>,
    /// Where in the memory it begins, in bytes.
    pub(crate) start: u64,
    pub(crate) shape: [usize; 3],
}

impl Made {
    /// Its part of the memory.
    pub(crate) fn part(&self) -> Part<'_> {
        Part { buffer: &self.buffer, start: self.start, bytes: bytes(self.shape) }
    }

    /// Whether it is the same memory.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.buffer, &other.buffer) && self.start == other.start && self.shape == other.shape
    }

    /// Some planes of it, in the same memory.
    pub(crate) fn planes(&self, first: usize, count: usize) -> Self {
        let [_, height, width] = self.shape;
        let start = self.start + bytes([first, height, width]);
        Self { buffer: self.buffer.clone(), start, shape: [count, height, width] }
    }
}

impl From<Made> for Map {
    fn from(made: Made) -> Self {
        Self::new(made.shape, Value::Made(made))
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

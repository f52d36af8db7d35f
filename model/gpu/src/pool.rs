//! Memory of a card that is used again: making a buffer costs a driver more than many a kernel does.

use std::{
    collections::HashMap,
    sync::{Arc, Weak},
};

use parking_lot::Mutex;

/// What a card's memory holds of ours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Memory {
    /// Bytes now, with those that wait to be used again.
    pub now: u64,
    /// The most there ever were.
    pub peak: u64,
}

/// Buffers that nobody uses any more, by their size in bytes.
#[derive(Debug)]
pub(crate) struct Pool {
    idle: HashMap<u64, Vec<wgpu::Buffer>>,
    /// More bytes than this are not kept to be used again: clips of many sizes leave buffers of many.
    idle_most: u64,
    memory: Memory,
    most: Option<u64>,
}

impl Pool {
    /// Keeps so many bytes at the most to be used again.
    pub(crate) fn new(idle_most: u64) -> Self {
        Self { idle: HashMap::new(), idle_most, memory: Memory::default(), most: None }
    }

    pub(crate) fn limit(&mut self, most: u64) {
        self.most = Some(most);
    }

    /// A buffer of a size that was used before, if there is one.
    pub(crate) fn take(&mut self, size: u64) -> Option<wgpu::Buffer> {
        self.idle.get_mut(&size)?.pop()
    }

    /// Counts a buffer that is made, if it may be.
    pub(crate) fn count(&mut self, size: u64) -> bool {
        let now = self.memory.now + size;
        if self.most.is_some_and(|most| now > most) {
            return false;
        }
        self.memory = Memory { now, peak: self.memory.peak.max(now) };
        true
    }

    /// Takes back that one was made.
    pub(crate) fn uncount(&mut self, size: u64) {
        self.memory.now -= size;
    }

    /// Lets go of what nobody uses.
    pub(crate) fn clear(&mut self) {
        self.memory.now -= self.idle_bytes();
        self.idle.clear();
    }

    pub(crate) fn memory(&self) -> Memory {
        self.memory
    }

    /// Takes one back that was counted.
    pub(crate) fn give(&mut self, buffer: wgpu::Buffer) {
        self.idle.entry(buffer.size()).or_default().push(buffer);
        if self.idle_bytes() > self.idle_most {
            self.clear();
        }
    }

    fn idle_bytes(&self) -> u64 {
        self.idle.iter().map(|(size, buffers)| size * buffers.len() as u64).sum()
    }
}

/// A buffer that goes back to its pool when nobody uses it any more. Kernels that were queued with it run before those that take
/// it next: a GPU does its work in the order in which it was queued.
#[derive(Debug)]
pub(crate) struct Pooled {
    buffer: wgpu::Buffer,
    pool: Weak<Mutex<Pool>>,
}

impl Pooled {
    pub(crate) fn new(buffer: wgpu::Buffer, pool: &Arc<Mutex<Pool>>) -> Self {
        Self { buffer, pool: Arc::downgrade(pool) }
    }
}

impl std::ops::Deref for Pooled {
    type Target = wgpu::Buffer;

    fn deref(&self) -> &wgpu::Buffer {
        &self.buffer
    }
}

impl Drop for Pooled {
    fn drop(&mut self) {
        if let Some(pool) = self.pool.upgrade() {
            // A handle to the same memory.
            pool.lock().give(self.buffer.clone());
        }
    }
}

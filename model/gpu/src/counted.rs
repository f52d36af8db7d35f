//! What a GPU was asked to do, counted by the engine itself.

/// Work since a GPU was opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counted {
    /// Kernels that were started.
    pub dispatches: u64,
    /// Floating-point operations, a multiplication and an addition each as one.
    pub operations: u64,
    /// Bytes of the maps and weights that kernels read and write, each once: what a card with a perfect cache moves.
    pub bytes: u64,
    /// Bytes of maps that were sent to it from the machine's memory.
    pub sent: u64,
    /// Bytes of maps that were fetched back.
    pub fetched: u64,
}

impl std::ops::AddAssign for Counted {
    fn add_assign(&mut self, other: Self) {
        self.dispatches += other.dispatches;
        self.operations += other.operations;
        self.bytes += other.bytes;
        self.sent += other.sent;
        self.fetched += other.fetched;
    }
}

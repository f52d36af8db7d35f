//! What a GPU was asked to do, counted by the engine itself.

use crate::kernel::Kernel;

/// What is counted by itself.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Work {
    Kernel(Kernel),
    /// All that is done place by place.
    Formulas,
    /// From map to map.
    Copied,
    /// From the machine's memory.
    Sent,
    /// To the machine's memory.
    Fetched,
}

impl From<Kernel> for Work {
    fn from(kernel: Kernel) -> Self {
        match kernel {
            Kernel::Formula(_) => Self::Formulas,
            other => Self::Kernel(other),
        }
    }
}

impl std::fmt::Display for Work {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Kernel(kernel) => write!(f, "{kernel:?}"),
            other => write!(f, "{other:?}"),
        }
    }
}

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

impl std::iter::Sum for Counted {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        all.fold(Self::default(), |mut sum, one| {
            sum += one;
            sum
        })
    }
}

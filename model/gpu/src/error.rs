//! What can go wrong on a GPU.

/// Why a GPU did not do what was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GpuError {
    /// The driver refused to open it.
    #[error("{adapter} cannot be opened: {reason}. Update its driver, or work on the CPU")]
    Closed {
        /// Its name.
        adapter: String,
        /// What the driver said.
        reason: String,
    },
    /// It stopped in the middle of its work: the driver was reset, or the card is gone.
    #[error("{adapter} stopped working: {reason}")]
    Lost {
        /// Its name.
        adapter: String,
        /// What the driver said.
        reason: String,
    },
    /// Its memory is full.
    #[error("{adapter} has no memory left for this: close other programs that use it, or work on the CPU")]
    OutOfMemory {
        /// Its name.
        adapter: String,
    },
    /// A map is larger than one that it can work on.
    #[error("{adapter} works on maps of at most {most} bytes, and one of {bytes} is needed: work on the CPU")]
    TooLarge {
        /// Its name.
        adapter: String,
        /// What is needed.
        bytes: u64,
        /// What it can have.
        most: u64,
    },
    /// Its driver did not take a kernel.
    #[error("{adapter} does not run this version's kernels: {reason}. Update its driver, or work on the CPU")]
    Refused {
        /// Its name.
        adapter: String,
        /// What the driver said.
        reason: String,
    },
    /// Maps do not fit each other.
    #[error("{operation}: {reason}")]
    Shape {
        /// What was asked for.
        operation: &'static str,
        /// What does not fit.
        reason: String,
    },
}

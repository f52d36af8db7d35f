//! Why the engine has nothing to give.

use pickup_clips::ClipError;

/// Why something could not be made or read.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// Whoever waited for it said stop.
    #[error("it was stopped")]
    Stopped,
    /// The model cannot make it.
    #[error(transparent)]
    Model(pickup_model::Error),
    /// A file cannot be read.
    #[error(transparent)]
    Clip(#[from] ClipError),
    /// The bundle is not whole, or nothing was asked for: what to do about it.
    #[error("{0}")]
    Unusable(String),
}

impl From<pickup_model::Error> for EngineError {
    fn from(error: pickup_model::Error) -> Self {
        match error {
            pickup_model::Error::Cancelled => Self::Stopped,
            other => Self::Model(other),
        }
    }
}

/// What the engine gives, or why it does not.
pub type Result<T, E = EngineError> = std::result::Result<T, E>;

//! What goes wrong in an effect, and which status tells the host.

use crate::Status;

/// A result whose error the door turns into a status and a message to the user.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why an action failed. The text is shown to the user, so it says what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Anything a film editor can act on.
    #[error("{0}")]
    Failed(String),
    /// Too little memory; the host may purge its caches and ask again.
    #[error("Not enough memory {0}")]
    Memory(String),
    /// An image that cannot be worked with.
    #[error("{0}")]
    Format(String),
    /// The host does not offer what is needed.
    #[error("This host does not offer {0}")]
    MissingHostFeature(String),
    /// The user or the host cancelled. No message is shown.
    #[error("Cancelled")]
    Aborted,
    /// The host passed a handle that names nothing.
    #[error("The host passed an unknown {0}")]
    BadHandle(&'static str),
    /// A suite call was refused.
    #[error("The host refused to {what} ({status:?})")]
    Host {
        /// The request, as in "set the parameter 'frames'".
        what: String,
        /// What the host answered.
        status: Status,
    },
}

impl Error {
    /// An error with the text of anything that has one.
    pub fn new(text: impl std::fmt::Display) -> Self {
        Self::Failed(text.to_string())
    }

    pub(crate) fn host(what: impl Into<String>, status: Status) -> Self {
        Self::Host { what: what.into(), status }
    }

    /// The status that tells a host of this error.
    ///
    /// The standard names none for a cancelled render. `OK` would let a host keep the unfinished frame, so it is
    /// `Failed`, with no message.
    #[must_use]
    pub fn status(&self) -> Status {
        match self {
            Self::Memory(_) => Status::MEMORY,
            Self::Format(_) => Status::IMAGE_FORMAT,
            Self::MissingHostFeature(_) => Status::MISSING_HOST_FEATURE,
            Self::BadHandle(_) => Status::BAD_HANDLE,
            Self::Failed(_) | Self::Aborted | Self::Host { .. } => Status::FAILED,
        }
    }
}

impl From<String> for Error {
    fn from(text: String) -> Self {
        Self::Failed(text)
    }
}

impl From<&str> for Error {
    fn from(text: &str) -> Self {
        Self::Failed(text.to_owned())
    }
}

impl From<std::io::Error> for Error {
    fn from(error: std::io::Error) -> Self {
        Self::new(error)
    }
}

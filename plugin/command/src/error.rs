//! Why the command failed, and its exit code.

use std::{io, path::Path};

use ofx::host::{HostError, RenderError};

use pickup_clips::ClipError;

/// Why the command did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CliError {
    /// The command line makes no sense.
    #[error("{0}")]
    Usage(String),
    /// It makes sense, and could not be done.
    #[error("{0}")]
    Failed(String),
    /// The user stopped it.
    #[error("cancelled")]
    Cancelled,
    /// Nobody reads the output any more.
    #[error("the output was closed")]
    Closed,
}

impl CliError {
    /// 1 failed, 2 wrong usage.
    pub(super) fn exit_code(&self) -> u8 {
        match self {
            Self::Usage(_) => 2,
            Self::Failed(_) | Self::Cancelled => 1,
            Self::Closed => 0,
        }
    }

    pub(super) fn failed(what: impl ToString) -> Self {
        Self::Failed(what.to_string())
    }

    /// Something went wrong with a file or folder.
    pub(super) fn at(path: &Path, error: impl std::fmt::Display) -> Self {
        Self::Failed(format!("{}: {error}", path.display()))
    }
}

impl From<ClipError> for CliError {
    fn from(error: ClipError) -> Self {
        match error {
            ClipError::BadName { .. } => Self::Usage(error.to_string()),
            _ => Self::failed(error),
        }
    }
}

impl From<HostError> for CliError {
    fn from(error: HostError) -> Self {
        match error {
            HostError::NoParam { .. } | HostError::Value { .. } | HostError::Context { .. } => {
                Self::Usage(error.to_string())
            }
            _ => Self::failed(error),
        }
    }
}

impl From<RenderError> for CliError {
    fn from(error: RenderError) -> Self {
        match error {
            RenderError::Cancelled => Self::Cancelled,
            // Here nothing of the command line is to blame any more.
            _ => Self::failed(error),
        }
    }
}

/// For what is printed.
impl From<io::Error> for CliError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self::Closed,
            _ => Self::failed(format!("could not print the result: {error}")),
        }
    }
}

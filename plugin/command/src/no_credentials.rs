//! Stands for content credentials in builds without them.

use std::path::Path;

use super::{CliError, args::ProvenanceArgs};
use pickup_clips::Mark;

/// Signs files, in other builds.
pub(super) enum Credentials {}

impl Credentials {
    /// Says how a build is made that can sign.
    pub(super) fn new(_: &ProvenanceArgs) -> Result<Self, CliError> {
        Err(CliError::Usage(
            "--credentials: this build cannot sign files, for which many more crates are needed: build one that can by `cargo build \
             --release --features c2pa`"
                .to_owned(),
        ))
    }

    pub(super) fn sign(&self, _: &Path, _: &Mark) -> Result<(), CliError> {
        match *self {}
    }
}

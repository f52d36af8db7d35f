//! Safe OpenFX over `openfx::sys`, both sides of the ABI: [`plugin`] for those who write effects, [`host`] for
//! those who load and run them. This crate is the home of unsafe code.

pub use openfx::sys;

pub mod host;
pub mod plugin;
pub mod props;
pub mod types;

pub use types::*;

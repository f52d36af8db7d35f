//! Safe OpenFX over `openfx::sys`, both sides of the ABI: [`plugin`] for those who write effects, [`host`] for
//! those who load and run them. This crate is the home of unsafe code.

pub use openfx::sys;

pub mod host;
pub mod plugin;
pub mod props;
pub mod types;

pub use ofx_derive::{Choice, Clips, Params};
pub use plugin::{Button, Choice, Clip, Clips, Effect, Error, Meta, Params, Result};
pub use types::*;

// The derives name this crate `ofx`, within it as well.
#[allow(unused_extern_crates)]
extern crate self as ofx;

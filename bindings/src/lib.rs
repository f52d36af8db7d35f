#![doc = include_str!("../README.md")]
// A number cut short on its way through the ABI is memory out of bounds: each such cast says why it cannot be.
#![cfg_attr(not(test), warn(clippy::cast_possible_truncation, clippy::cast_possible_wrap, clippy::cast_sign_loss))]

pub use openfx::sys;

#[cfg(feature = "host")]
pub mod host;
#[cfg(feature = "plugin")]
pub mod plugin;
pub mod props;
pub mod types;

#[cfg(feature = "plugin")]
pub use ofx_derive::{Choice, Clips, Params};
#[cfg(feature = "plugin")]
pub use plugin::{Button, Choice, Clip, Clips, Effect, Error, Meta, Params, Result};
pub use types::*;

// The derives name this crate `ofx`, within it as well.
#[allow(unused_extern_crates)]
extern crate self as ofx;

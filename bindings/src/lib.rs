//! Safe OpenFX over `openfx::sys`, both sides of the ABI: [`plugin`] for those who write effects, [`host`] for
//! those who load and run them. This crate is the home of unsafe code.

// A number cut short on its way through the ABI is memory out of bounds: each such cast says why it cannot be.
#![cfg_attr(not(test), warn(clippy::cast_possible_truncation, clippy::cast_possible_wrap, clippy::cast_sign_loss))]

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

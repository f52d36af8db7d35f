//! Pickup's OpenFX nodes.
#![forbid(unsafe_code)]

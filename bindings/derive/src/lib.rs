//! Derive macros for the `ofx` crate.

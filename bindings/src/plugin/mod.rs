//! The plugin side.

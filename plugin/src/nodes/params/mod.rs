//! Parameters that several nodes have.

pub mod brief;
pub mod camera;
pub mod damage;
pub mod look;
pub mod motion;
pub mod presets;
pub mod source;
pub mod start;
pub mod words;

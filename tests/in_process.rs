//! The nodes under every host's habits, linked into this program.

mod cases;
mod table;

use std::path::{Path, PathBuf};

use ofx::host::Binary;

/// The plugin under test.
fn binary() -> Binary {
    Binary::in_process(pickup::ofx_binary())
}

/// The folder of all that is ours.
fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Gives a program of its own a folder of resources to use: the variable that cargo sets for tests names it.
fn use_resources(command: &mut std::process::Command, resources: &Path) {
    command.env(pickup::engine::RESOURCES_VARIABLE, resources);
}

//! The nodes under every host's habits, linked into this program.

mod cases;
mod table;

use std::path::Path;

use ofx::host::Binary;

/// The plugin under test.
fn binary() -> Binary {
    Binary::in_process(pickup::ofx_binary())
}

/// Gives a program of its own a folder of resources to use: the variable that cargo sets for tests names it.
fn use_resources(command: &mut std::process::Command, resources: &Path) {
    command.env(pickup::engine::RESOURCES_VARIABLE, resources);
}

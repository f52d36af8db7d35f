//! The nodes under every host's habits, in the bundle that `pickup bundle` makes, loaded as a host loads it.

mod cases;
mod table;

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
};

use ofx::host::Binary;

/// Names a folder whose files replace those in the bundle's `Contents/Resources`.
const RESOURCES: &str = "PICKUP_BUNDLE_RESOURCES";

/// The plugin under test.
fn binary() -> Binary {
    static BINARY: OnceLock<Binary> = OnceLock::new();
    BINARY.get_or_init(|| Binary::open(bundle()).expect("the bundle loads")).clone()
}

/// Makes the bundle; with resources of its own it lies beside them, so that the bundle of other tests stays whole.
fn bundle() -> PathBuf {
    let own = env::var_os(RESOURCES).map(PathBuf::from);
    let folder = own.clone().unwrap_or_else(|| PathBuf::from(env!("CARGO_TARGET_TMPDIR")));
    let made = Command::new(env!("CARGO_BIN_EXE_pickup")).arg("bundle").arg("--out").arg(&folder).output();
    let made = made.expect("the command starts");
    assert!(made.status.success(), "no bundle: {}", String::from_utf8_lossy(&made.stderr));
    let bundle = folder.join("Pickup.ofx.bundle");
    if let Some(own) = own {
        let weights = bundle.join("Contents").join("Resources").join(pickup::engine::WEIGHTS);
        fs::remove_file(&weights).expect("the bundle carries the weights");
        let others = own.join(pickup::engine::WEIGHTS);
        if others.is_file() {
            fs::copy(others, weights).expect("the weights can be replaced");
        }
    }
    bundle
}

/// The folder of all that is ours.
fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Gives a program of its own a folder of resources to use: they take the place of the bundle's, and the variable that
/// cargo sets for tests is gone, as it is in a host.
fn use_resources(command: &mut Command, resources: &Path) {
    command.env(RESOURCES, resources).env_remove(pickup::engine::RESOURCES_VARIABLE);
}

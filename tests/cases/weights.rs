//! The network's weights: missing, broken, or of another network. The plugin loads them once a process, so each is
//! tried in a program of its own, which runs [`what_a_first_render_says`] alone.

use std::{env, fs, path::PathBuf, process::Command};

use ofx::host::RenderArgs;
use pickup::engine::WEIGHTS;

use super::{footage::pan_with, stage::Stage};

/// What the error of the first render must say, parted by `|`; without it the render must succeed.
const EXPECTED: &str = "PICKUP_TEST_EXPECTED";

#[test]
fn what_a_first_render_says() {
    let stage = Stage::repair(pan_with(|_| None), "5");
    let rendered = stage.render(RenderArgs::at(5.0));
    let Some(expected) = env::var_os(EXPECTED) else {
        rendered.unwrap_or_else(|e| panic!("{e}"));
        return;
    };
    let said = rendered.err().map_or_else(|| "no error".to_owned(), |e| e.to_string());
    for part in expected.to_string_lossy().split('|') {
        assert!(said.contains(part), "the error does not say “{part}”: {said}");
    }
    // Good frames need no network.
    stage.render(RenderArgs::at(4.0)).unwrap_or_else(|e| panic!("{e}"));
}

fn good_weights() -> PathBuf {
    crate::repository().join("resources").join(WEIGHTS)
}

/// Renders in a program of its own, with these bytes as weights, and expects an error that says all of `expected`; none
/// where there is nothing to say.
fn expect_of(weights: Option<&[u8]>, expected: &[&str]) {
    let folder = tempfile::tempdir().expect("a folder");
    if let Some(bytes) = weights {
        fs::write(folder.path().join(WEIGHTS), bytes).expect("it is written");
    }
    let mut command = Command::new(env::current_exe().expect("this program"));
    command.args(["--exact", "cases::weights::what_a_first_render_says"]);
    if !expected.is_empty() {
        command.env(EXPECTED, expected.join("|"));
    }
    crate::use_resources(&mut command, folder.path());
    let output = command.output().expect("it starts");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
}

#[test]
fn weights_are_found_where_the_resources_are() {
    expect_of(Some(&fs::read(good_weights()).expect("the weights")), &[]);
}

#[test]
fn missing_weights_are_an_error_that_says_to_install_again() {
    expect_of(None, &["weights are missing", WEIGHTS, "Install the whole bundle again"]);
}

#[test]
fn weights_that_are_not_weights_are_an_error_that_names_the_file() {
    expect_of(Some(b"no weights at all"), &[WEIGHTS]);
    expect_of(Some(b""), &[WEIGHTS]);
}

#[test]
fn weights_cut_short_are_an_error_that_names_the_file() {
    let bytes = fs::read(good_weights()).expect("the weights");
    expect_of(Some(&bytes[..bytes.len() / 2]), &[WEIGHTS]);
}

#[test]
fn weights_that_lack_a_tensor_are_an_error_that_names_file_and_tensor() {
    let bytes = fs::read(good_weights()).expect("the weights");
    // safetensors: the header's length in eight bytes, the header, the data.
    let length = usize::try_from(u64::from_le_bytes(bytes[..8].try_into().expect("eight bytes"))).expect("it fits");
    let mut header: serde_json::Map<String, serde_json::Value> =
        serde_json::from_slice(&bytes[8..8 + length]).expect("a header");
    let name = header.keys().find(|k| *k != "__metadata__").expect("a tensor").clone();
    let tensor = header.remove(&name).expect("it is there");
    header.insert("another.tensor".to_owned(), tensor);
    let header = serde_json::to_vec(&header).expect("a header");
    let mut other = u64::try_from(header.len()).expect("it fits").to_le_bytes().to_vec();
    other.extend(&header);
    other.extend(&bytes[8 + length..]);
    expect_of(Some(&other), &[WEIGHTS, &name]);
}

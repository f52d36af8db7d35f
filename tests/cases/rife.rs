//! Frames made by RIFE, where a user names its weights. Those of the tests are random: what they make is no good frame, but another one.

use super::{
    footage::{FLOAT, assert_same, draw, mean, pan_with, panning, psnr, rubbish},
    stage::Stage,
};

/// The file of a version's layout.
fn weights(version: &str) -> String {
    crate::repository().join("model/tests/fixtures/rife").join(version).display().to_string()
}

#[test]
fn repair_makes_frames_by_the_weights_that_are_named() {
    made_by_what_is_named(&Stage::repair(pan_with(|t| (t == 5).then(|| Some(rubbish()))), "5"), 5.0, 4.0);
}

#[test]
fn retime_makes_frames_by_the_weights_that_are_named() {
    made_by_what_is_named(&Stage::retime(pan_with(|_| None), &[("speed", "50")]), 4.0, 3.0);
}

fn made_by_what_is_named(stage: &Stage, made: f64, kept: f64) {
    let (ours, before, after) = (stage.at(made), stage.at(kept), stage.at(kept + 2.0));
    let for_nothing = [&mean(&before, &after), &before, &after, &draw(FLOAT, |_, _| [0.5, 0.5, 0.5, 1.0])];
    let mut all = vec![ours.to_rgba()];
    for version in ["4.6.pkl", "4.25.pkl"] {
        stage.put("motionModel", &weights(version));
        let other = stage.at(made);
        assert!(stage.is_made(made) && !stage.is_made(kept));
        assert_same(&stage.at(kept), &before, "a frame that passes");
        // Random weights move by a few pixels: what they make is like the clip, and nothing that could be had for nothing.
        let (like, grey) = (psnr(&other, &ours), psnr(for_nothing[3], &ours));
        assert!(like > 15.0 && like > grey + 3.0, "{version}: {like:.1} dB, an even grey {grey:.1}");
        assert!(for_nothing.iter().all(|picture| psnr(&other, picture) < 45.0), "{version}");
        all.push(other.to_rgba());
        stage.forget();
        assert_same(&stage.at(made), &other, "made again");
    }
    assert!(all[0] != all[1] && all[0] != all[2] && all[1] != all[2], "each makes its own");
    stage.put("motionModel", "");
    assert_same(&stage.at(made), &ours, "the network in the bundle is there as before");
}

#[test]
fn a_file_that_holds_no_weights_of_rife_is_told_of() {
    let stage = Stage::repair(pan_with(|t| (t == 5).then(|| Some(rubbish()))), "5");
    for (file, word) in
        [("/nowhere/flownet.pkl", "cannot be read"), (&*weights("reference.safetensors"), "none of RIFE's blocks")]
    {
        stage.put("motionModel", file);
        let said = stage.error_at(5.0);
        assert!(said.contains(file) && said.contains(word) && said.contains("flownet.pkl"), "{said}");
        assert_same(&stage.at(4.0), &panning(4.0, FLOAT), "what passes needs none");
    }
}

//! Repair: damage that it finds by itself, and the Find button.

use std::sync::Arc;

use ofx::{
    Context,
    host::{Calls, HostImage, MemoryClip, NullImage, Profile, Value},
};

use super::{
    footage::{FLOAT, assert_better, black, clip, panning},
    stage::{REPAIR, Stage},
};

/// Sixteen frames: 5 is black, 10 repeats 9, 13 is a hole.
fn damaged() -> Arc<MemoryClip> {
    clip((1, 16), |t| match t {
        5 => Some(black()),
        10 => Some(panning(9.0, FLOAT)),
        13 => None,
        t => Some(panning(f64::from(t), FLOAT)),
    })
}

const DAMAGED: [i32; 3] = [5, 10, 13];

#[test]
fn black_repeated_and_missing_frames_are_found_and_made() {
    for null_image in [NullImage::Fails, NullImage::NullHandle] {
        let profile = Profile { null_image, ..Profile::reference() };
        let stage = Stage::new(profile, REPAIR, Context::Filter, damaged());
        stage.put("automatic", "on");
        for time in 1..=16 {
            assert_eq!(stage.is_made(f64::from(time)), DAMAGED.contains(&time), "frame {time}");
        }
        for time in DAMAGED.map(f64::from) {
            let [truth, before, after] = [time, time - 1.0, time + 1.0].map(|t| panning(t, FLOAT));
            assert_better(&stage.at(time), &truth, (&before, &after), &format!("frame {time}"));
        }
    }
}

#[test]
fn a_kind_of_damage_that_is_switched_off_is_left_as_it_is() {
    let stage = Stage::repair(damaged(), "");
    stage.put("automatic", "on");
    stage.put("findBlack", "off");
    stage.put("findEmpty", "off");
    stage.put("findFlash", "off");
    assert!(!stage.is_made(5.0) && stage.is_made(10.0));
    stage.put("findDuplicates", "off");
    assert!(!stage.is_made(10.0));
}

#[test]
fn a_hole_is_filled_unasked_where_the_host_renders_it() {
    // A host that asks isIdentity is told that unmarked frames pass, and shows its hole.
    let profile =
        Profile { calls: Calls { identity: false, frames_needed: false, ..Calls::ALL }, ..Profile::reference() };
    let stage = Stage::new(profile, REPAIR, Context::Filter, damaged());
    assert!(stage.is_made(13.0) && !stage.is_made(12.0));
}

fn list(stage: &Stage) -> Option<Value> {
    stage.get("frames", 1.0)
}

#[test]
fn find_adds_what_it_found_to_the_list_and_says_so() {
    let stage = Stage::repair(damaged(), "2");
    stage.at(1.0);
    stage.press("find").expect("it searches");
    assert_eq!(list(&stage), Some(Value::from("2, 5, 10, 13")));
    let said: Vec<String> = stage.messages().into_iter().map(|m| m.text).collect();
    assert!(said.iter().any(|m| m.contains("3 damaged frames were found: 5, 10, 13")), "{said:?}");
    assert!(stage.is_made(10.0), "the list is used");
    let whole = Stage::repair_after(stage, clip((1, 12), |t| Some(panning(f64::from(t), FLOAT))));
    whole.press("find").expect("it searches");
    assert_eq!(list(&whole), Some(Value::from("")));
    let said: Vec<String> = whole.messages().into_iter().map(|m| m.text).collect();
    assert!(said.iter().any(|m| m.contains("No damaged frames")), "{said:?}");
}

impl Stage {
    /// A new stage once an older one is gone.
    fn repair_after(older: Self, clip: Arc<MemoryClip>) -> Self {
        drop(older);
        Self::repair(clip, "")
    }
}

#[test]
fn a_search_that_is_cancelled_leaves_the_list_as_it_was() {
    let stage = Stage::repair(damaged(), "2");
    stage.at(1.0);
    stage.cancel_handle().cancel_after(3);
    // Whether a host is told of it as a failure or not, nothing has changed.
    let _ = stage.press("find");
    assert!(stage.cancel_handle().is_cancelled(), "it asked whether to go on");
    stage.cancel_handle().reset();
    assert_eq!(list(&stage), Some(Value::from("2")));
    stage.press("find").expect("it can be searched again");
    assert_eq!(list(&stage), Some(Value::from("2, 5, 10, 13")));
}

#[test]
fn find_on_a_clip_without_a_picture_here_says_what_to_do() {
    let hole: Arc<MemoryClip> = clip((1, 16), |t| (t != 1).then(|| -> Arc<HostImage> { panning(f64::from(t), FLOAT) }));
    let stage = Stage::repair(hole, "2");
    let said = stage.press("find").expect_err("there is nothing to search from").to_string();
    assert!(said.contains("move to a frame of the clip"), "{said}");
    assert_eq!(list(&stage), Some(Value::from("2")));
}

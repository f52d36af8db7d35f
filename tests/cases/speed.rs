//! Retime: which source frame stands where.

use std::sync::Arc;

use ofx::{
    Context, RangeD,
    host::{MemoryClip, Profile},
};

use super::{
    footage::{clip, even},
    stage::{RETIME, Stage},
};

/// Sixty-four frames from 10 on; each shows how far into the clip it is, in sixty-fourths.
fn counting() -> Arc<MemoryClip> {
    clip((FIRST, FIRST + 63), |t| Some(even((t - FIRST) as f32 / 64.0)))
}

const FIRST: i32 = 10;

/// Source frames from the clip's start that stand at `into` frames from its start. Blended frames show fractions.
#[track_caller]
fn shown(stage: &Stage, into: f64) -> f64 {
    let image = stage.at(f64::from(FIRST) + into);
    f64::from(image.pixel(7, 7).expect("inside")[0]) * 64.0
}

#[track_caller]
fn assert_shown(stage: &Stage, expected: &[(f64, f64)]) {
    for (into, source) in expected {
        let is = shown(stage, *into);
        assert!((is - source).abs() < 2e-3, "{into} frames into it stands {is}, not {source}");
    }
}

fn blended(settings: &[(&str, &str)]) -> Stage {
    let mut all = vec![("method", "Blend")];
    all.extend(settings);
    Stage::retime(counting(), &all)
}

#[test]
fn a_constant_speed_counts_from_the_clips_start() {
    for (speed, expected) in [
        ("100", [(0.0, 0.0), (1.0, 1.0), (63.0, 63.0)]),
        ("50", [(0.0, 0.0), (1.0, 0.5), (10.0, 5.0)]),
        ("200", [(0.0, 0.0), (1.0, 2.0), (10.0, 20.0)]),
        ("0", [(0.0, 0.0), (1.0, 0.0), (50.0, 0.0)]),
        // Back from its start there is nowhere to go: Reverse plays a clip from its end.
        ("-100", [(0.0, 0.0), (1.0, 0.0), (50.0, 0.0)]),
    ] {
        assert_shown(&blended(&[("speed", speed)]), &expected);
    }
}

#[test]
fn reverse_plays_from_the_last_frame_to_the_first() {
    assert_shown(&blended(&[("reverse", "on")]), &[(0.0, 63.0), (1.0, 62.0), (63.0, 0.0)]);
    assert_shown(&blended(&[("reverse", "on"), ("speed", "50")]), &[(0.0, 63.0), (1.0, 62.5), (10.0, 58.0)]);
    assert_shown(&blended(&[("reverse", "on"), ("speed", "200")]), &[(0.0, 63.0), (1.0, 61.0), (40.0, 0.0)]);
}

#[test]
fn a_speed_curve_is_added_up_and_not_sampled() {
    let stage = blended(&[]);
    for (into, speed) in [(0.0, 100.0), (8.0, 300.0), (12.0, 300.0), (16.0, -100.0)] {
        stage.set_key("speed", f64::from(FIRST) + into, speed).expect("it can be keyframed");
    }
    // From 1 to 3 in 8 frames: t + t²/8. Then 3 a frame; then down through 0 at 15, and backwards.
    let expected = [
        (0.0, 0.0),
        (1.0, 1.125),
        (2.0, 2.5),
        (4.0, 6.0),
        (8.0, 16.0),
        (12.0, 28.0),
        (15.0, 32.5),
        (16.0, 32.0),
        (20.0, 28.0),
    ];
    assert_shown(&stage, &expected);
}

#[test]
fn a_keyframed_source_frame_says_which_one_stands_there() {
    let stage = blended(&[("by", "Source frame")]);
    for (into, source) in [(0.0, 20.0), (10.0, 5.0)] {
        stage.set_key("sourceFrame", f64::from(FIRST) + into, f64::from(FIRST) + source).expect("it can be keyframed");
    }
    assert_shown(&stage, &[(0.0, 20.0), (1.0, 18.5), (4.0, 14.0), (10.0, 5.0), (30.0, 5.0)]);
}

#[test]
fn beyond_its_ends_the_clip_holds_its_first_and_last_frame() {
    let fast = blended(&[("speed", "400")]);
    assert_shown(&fast, &[(15.0, 60.0), (16.0, 63.0), (63.0, 63.0)]);
    drop(fast);
    let stage = blended(&[("by", "Source frame"), ("sourceFrame", "-500")]);
    assert_shown(&stage, &[(3.0, 0.0)]);
    stage.put("sourceFrame", "100000");
    assert_shown(&stage, &[(3.0, 63.0)]);
}

#[test]
fn the_nearest_frame_is_never_mixed() {
    let stage = Stage::retime(counting(), &[("method", "Nearest"), ("speed", "40")]);
    assert_shown(&stage, &[(0.0, 0.0), (1.0, 0.0), (2.0, 1.0), (3.0, 1.0), (4.0, 2.0), (5.0, 2.0)]);
}

#[test]
fn as_a_retimer_it_shows_the_time_that_the_host_says() {
    for (name, profile) in Profile::all().into_iter().filter(|(_, p)| p.contexts.contains(&Context::Retimer)) {
        let stage = Stage::new(profile, RETIME, Context::Retimer, counting());
        stage.put("method", "Blend");
        // The host's word counts, whatever the node's own speed is.
        stage.put("speed", "300");
        let first = f64::from(FIRST);
        stage.set_key("SourceTime", first, first + 2.25).expect(name);
        stage.set_key("SourceTime", first + 10.0, first + 22.25).expect(name);
        assert_shown(&stage, &[(0.0, 2.25), (1.0, 4.25), (5.0, 12.25), (10.0, 22.25)]);
    }
}

#[test]
fn in_a_node_graph_the_clip_becomes_as_long_as_its_speed_makes_it() {
    let stage = Stage::new(Profile::natron(), RETIME, Context::General, counting());
    let first = f64::from(FIRST);
    for (speed, last) in [("100", 63.0), ("50", 126.0), ("200", 31.0)] {
        stage.put("speed", speed);
        let domain = stage.time_domain().expect("it answers");
        assert_eq!(domain, Some(RangeD { min: first, max: first + last }), "at {speed} %");
    }
}

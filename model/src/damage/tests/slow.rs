//! Movement that is no more, from one frame to the next, than what a coder changes in a repeat.

use super::*;

/// How far the scene slides in a frame: what changes is just above [`MOVEMENT`], and just below at five sixths of that.
const SLOW: f32 = 0.6;

/// A coder changes a repeat by up to half as much as the scene moves.
fn coded(pixels: &[f32], number: usize) -> Vec<f32> {
    let grain = |i: usize| ((i / 7 + 31 * number) * 7919 % 13) as f32 / 6.0 - 1.0;
    pixels.iter().enumerate().map(|(i, v)| v + 0.005 * grain(i)).collect()
}

/// A scene at these places; where one is the same as before, it is what was shown, coded again.
fn clip(places: impl Iterator<Item = f32>) -> Vec<Vec<f32>> {
    let (mut last, mut number) = (f32::NAN, 0);
    let frames = places.map(|place| {
        number = if place == last { number + 1 } else { 0 };
        last = place;
        let pixels = draw(1.0, place);
        if number == 0 { pixels } else { coded(&pixels, number.min(2)) }
    });
    frames.collect()
}

/// From frame 15 on so many are repeats of frame 14.
fn held_for(run: usize, speed: f32) -> Vec<Vec<f32>> {
    clip((0..40).map(|t| speed * if (15..15 + run).contains(&t) { 14.0 } else { t as f32 }))
}

#[test]
fn repeats_in_a_slow_shot_are_found_whole() {
    for (run, speed) in (1..=LONGEST_RUN).flat_map(|run| [(run, SLOW), (run, SLOW / 1.2)]) {
        let clip = held_for(run, speed);
        let wanted: Vec<_> = (15..15 + run).map(|t| (t, Damage::Duplicate)).collect();
        assert_eq!(find(&clip), wanted, "{run} repeats at {speed}");
        let traits = measured(&clip);
        for t in 15..15 + run {
            let near = REACH - NEAR..=REACH + NEAR;
            let window = std::array::from_fn(|i| near.contains(&i).then(|| &traits[t + i - REACH]));
            assert!(is_open(&window, &Thresholds::default()), "{t} of {run} repeats");
        }
    }
    assert_eq!(find(&held_for(LONGEST_RUN + 1, SLOW)), [], "more repeats than are damage");
}

#[test]
fn a_slow_shot_has_no_repeats_where_nothing_was_held_back() {
    let places = |place: &dyn Fn(f32) -> f32| clip((0..40).map(|t| SLOW * place(t as f32)));
    assert_eq!(find(&places(&|t| t)), [], "it moves on");
    assert_eq!(find(&places(&|t| 0.6 * t + if t > 17.0 { 1.0 } else { 0.0 })), [], "it hastens for a frame");
    // It rests from frame 14 on, and sets off in frame 18, as fast as it then goes on.
    let sets_off = |t: f32| t.min(14.0) + 6.0 * (t - 17.0).max(0.0);
    assert_eq!(find(&places(&sets_off)), [], "it sets off");
    // In frame 18 it moves almost as fast as before and after, and more in frame 23.
    let slows = |t: f32| t.min(14.0) + if t > 17.0 { 0.8 } else { 0.0 } + if t > 22.0 { t - 21.6 } else { 0.0 };
    assert_eq!(find(&places(&slows)), [], "it rests, but not quite, and hastens for a frame");
    let mut cut = held_for(3, SLOW);
    cut[18..].iter_mut().enumerate().for_each(|(t, pixels)| *pixels = draw(4.0, SLOW * t as f32));
    assert_eq!(find(&cut), [], "it rests before a cut");
}

#[test]
fn a_shot_at_rest_beside_damage_was_not_held() {
    // It rests until frame 18, when it leaps and goes on slowly.
    let mut clip = clip((0..40).map(|t| SLOW * if t < 18 { 0.0 } else { t as f32 - 14.0 }));
    for damaged in [11..12, 11..13] {
        clip[damaged.clone()].fill(vec![0.0; SIZE.0 * SIZE.1]);
        let wanted: Vec<_> = damaged.map(|t| (t, Damage::Black)).collect();
        assert_eq!(find(&clip), wanted);
    }
}

#[test]
fn a_slow_shot_that_comes_to_rest_before_two_damaged_frames_was_not_held() {
    let mut clip = clip((0..40).map(|t| SLOW * t.min(14) as f32));
    clip[18..20].iter_mut().flatten().for_each(|v| *v *= 1.08);
    assert_eq!(find(&clip), [(18, Damage::Flash), (19, Damage::Flash)]);
}

//! Frames that lie just on one side of what tells damage from a sound clip.

use super::*;

/// A scene at a place, brighter by so much: between two at one place that is all that changes.
fn lit(place: f32, by: f32) -> Vec<f32> {
    draw(1.0, place).iter().map(|v| v + by).collect()
}

#[test]
fn the_frame_that_is_judged_stands_in_the_middle() {
    assert_eq!(WINDOW - 1 - REACH, REACH);
}

#[test]
fn a_window_is_closed_where_little_more_changes_beside_a_frame_than_in_it() {
    // 0.008 of white in frame 15, and 0.019 before and after: more than twice as much, and not two and a half times.
    let clip: Vec<_> = (0..30)
        .map(|t| lit(0.0, if t < 15 { 0.019 * t as f32 } else { 0.019 * (t - 1) as f32 + 0.008 } - 0.3))
        .collect();
    assert!(!is_open(&window(&measured(&clip), 15), &Thresholds::default()));
}

#[test]
fn a_window_is_open_at_a_run_that_is_too_long_to_be_damage() {
    let clip: Vec<_> = (0..40).map(|t| draw(1.0, 4.0 * if t < 15 { t } else { 14.max(t - 11) } as f32)).collect();
    let traits = measured(&clip);
    assert!(is_open(&window(&traits, 16), &Thresholds::default()));
    assert_eq!(find(&clip), []);
}

#[test]
fn a_run_goes_on_where_not_much_more_changes_than_elsewhere_in_it() {
    let shown = |t: usize| match t {
        12 => lit(6.0 * 11.0, 0.008),
        13..=15 => lit(6.0 * 11.0, -0.008),
        _ => draw(1.0, 6.0 * t as f32),
    };
    let clip: Vec<_> = (0..36).map(shown).collect();
    let wanted: Vec<_> = (12..=15).map(|t| (t, Damage::Duplicate)).collect();
    assert_eq!(find(&clip), wanted);
}

#[test]
fn a_flash_takes_half_of_the_picture_along() {
    let lit_down_to = |share: f32| {
        let mut clip = pan();
        let end = (share * SIZE.1 as f32) as usize * SIZE.0;
        clip[7][..end].iter_mut().for_each(|v| *v += 0.5);
        find(&clip).contains(&(7, Damage::Flash))
    };
    assert!(!lit_down_to(0.4), "a lamp in the picture");
    assert!(lit_down_to(0.7));
}

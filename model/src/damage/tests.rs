//! Damage drawn into small drawn clips: each kind is found where it is, and nowhere else.

mod cuts;
mod limits;
mod slow;

use super::*;
use crate::{Encoding, Frame};

const SIZE: (usize, usize) = (192, 108);
const LENGTH: usize = 14;

/// A smooth, textured scene that slides sideways; its content depends on `seed`.
fn level(x: usize, y: usize, seed: f32, moved: f32) -> f32 {
    let (x, y) = (x as f32 + moved, y as f32);
    0.45 + 0.12 * (x * 0.11 + seed).sin() + 0.1 * (x * 0.05 + y * 0.13 + seed).sin() + 0.08 * (y * 0.09 - seed).cos()
}

fn draw(seed: f32, moved: f32) -> Vec<f32> {
    (0..SIZE.0 * SIZE.1).map(|i| level(i % SIZE.0, i / SIZE.0, seed, moved)).collect()
}

/// Frame after frame the scene slides 2 pixels.
fn pan() -> Vec<Vec<f32>> {
    (0..LENGTH).map(|t| draw(1.0, 2.0 * t as f32)).collect()
}

/// The same for so long that the longest run has movement on both sides.
fn long_pan() -> Vec<Vec<f32>> {
    (0..36).map(|t| draw(1.0, 2.0 * t as f32)).collect()
}

fn measure(pixels: &[f32]) -> Traits {
    Traits::measure(&Frame::new(SIZE.0, SIZE.1, 1, Encoding::Display, pixels.to_vec()).expect("the size fits"))
}

fn measured(clip: &[Vec<f32>]) -> Vec<Traits> {
    clip.iter().map(|pixels| measure(pixels)).collect()
}

/// The window in which a frame of a clip is judged.
fn window(traits: &[Traits], t: usize) -> [Option<&Traits>; WINDOW] {
    std::array::from_fn(|i| (t + i).checked_sub(REACH).and_then(|i| traits.get(i)))
}

/// Index and kind of every damaged frame.
fn find_with(clip: &[Vec<f32>], thresholds: &Thresholds) -> Vec<(usize, Damage)> {
    let traits = measured(clip);
    (0..clip.len()).filter_map(|t| Some((t, judge(&window(&traits, t), thresholds)?))).collect()
}

fn find(clip: &[Vec<f32>]) -> Vec<(usize, Damage)> {
    find_with(clip, &Thresholds::default())
}

#[test]
fn a_sound_pan_has_no_damage() {
    assert_eq!(find(&pan()), []);
}

#[test]
fn a_still_shot_has_no_duplicates() {
    assert_eq!(find(&vec![draw(1.0, 0.0); LENGTH]), []);
}

#[test]
fn a_run_of_repeats_is_found_whole() {
    for run in 1..=LONGEST_RUN {
        let mut clip = long_pan();
        for t in 12..12 + run {
            clip[t] = clip[11].clone();
        }
        let wanted: Vec<_> = (12..12 + run).map(|t| (t, Damage::Duplicate)).collect();
        assert_eq!(find(&clip), wanted, "{run} repeats");
    }
}

#[test]
fn of_a_longer_run_nothing_is_found_rather_than_a_part() {
    for run in LONGEST_RUN + 1..=LONGEST_RUN + 3 {
        let mut clip = long_pan();
        for t in 12..12 + run {
            clip[t] = clip[11].clone();
        }
        assert_eq!(find(&clip), [], "{run} repeats");
    }
}

#[test]
fn pictures_held_for_four_and_five_frames_are_found_whole() {
    for held in 4..=5 {
        let clip: Vec<_> = (0..6 * held).map(|t| draw(1.0, 4.0 * (t / held) as f32)).collect();
        // The first picture and the last have nothing on one side.
        let wanted: Vec<_> = (held..5 * held).filter(|t| t % held > 0).map(|t| (t, Damage::Duplicate)).collect();
        assert_eq!(find(&clip), wanted, "held for {held}");
    }
}

#[test]
fn repeats_that_a_coder_refines_are_found_whole() {
    // The first repeat is coded anew, the others are left as they are, but for the last.
    let mut clip = long_pan();
    let coded = |pixels: &[f32], by: f32| -> Vec<f32> {
        pixels.iter().enumerate().map(|(i, v)| v + by * ((i / 7 * 7919 % 13) as f32 / 6.0 - 1.0)).collect()
    };
    clip[12] = coded(&clip[11], 0.012);
    for t in 13..17 {
        clip[t] = clip[12].clone();
    }
    clip[17] = coded(&clip[12], 0.004);
    let wanted: Vec<_> = (12..18).map(|t| (t, Damage::Duplicate)).collect();
    assert_eq!(find(&clip), wanted);
}

#[test]
fn a_still_stretch_beside_a_damaged_frame_is_no_run_of_repeats() {
    // A shot that rests until frame 14: what frame 8 shows for a moment, or frames 8 and 9, does not move it.
    for run in 1..=2 {
        let mut clip: Vec<_> = (0..24).map(|t| draw(1.0, 3.0 * (t as f32 - 14.0).max(0.0))).collect();
        clip[8..8 + run].fill(vec![0.0; SIZE.0 * SIZE.1]);
        let wanted: Vec<_> = (8..8 + run).map(|t| (t, Damage::Black)).collect();
        assert_eq!(find(&clip), wanted);
    }
}

#[test]
fn a_window_is_open_where_a_frame_may_be_a_repeat() {
    let moving: Vec<_> = long_pan().iter().map(|pixels| measure(pixels)).collect();
    let below_movement = Thresholds { duplicate: Some(1.0), ..Thresholds::default() };
    let open = |of: &dyn Fn(usize) -> usize| {
        let near = REACH - NEAR..=REACH + NEAR;
        let window = std::array::from_fn(|i| near.contains(&i).then(|| &moving[of(i)]));
        is_open(&window, &below_movement)
    };
    assert!(!open(&|i| i), "all moves");
    assert!(open(&|i| if i == REACH { i - 1 } else { i }), "one repeat");
    assert!(open(&|i| i.min(REACH - 1)), "repeats to the end of what is there");
    assert!(open(&|i| i.max(REACH)), "repeats since the start of what is there");
    assert!(!open(&|i| i.min(REACH)), "the picture that is then repeated");
    assert!(!is_open(&[None; WINDOW], &Thresholds::default()));
}

#[test]
fn a_near_repeat_and_an_exact_one_in_a_row_are_both_found() {
    let mut clip = pan();
    clip[6] = clip[5].iter().enumerate().map(|(i, v)| v + 0.02 * ((i * 7919 % 13) as f32 / 6.0 - 1.0)).collect();
    clip[7] = clip[6].clone();
    assert_eq!(find(&clip), [(6, Damage::Duplicate), (7, Damage::Duplicate)]);
}

#[test]
fn a_good_frame_beside_black_ones_is_not_torn() {
    for (first, black) in [(0, 1..3), (6, 7..9)] {
        let mut clip = pan();
        // A shot with straight edges across, of which one frame is left between another shot and black.
        for (t, pixels) in clip.iter_mut().enumerate().skip(first) {
            *pixels = draw(4.0, 2.0 * t as f32);
            pixels[SIZE.0 * 40..SIZE.0 * 70].iter_mut().for_each(|v| *v *= 0.5);
        }
        clip[black.clone()].fill(vec![0.0; SIZE.0 * SIZE.1]);
        let wanted: Vec<_> = black.map(|t| (t, Damage::Black)).collect();
        assert_eq!(find(&clip), wanted, "from frame {first} on");
    }
}

#[test]
fn a_repeat_through_grain_is_found() {
    let mut clip = pan();
    clip[6] = clip[5].iter().enumerate().map(|(i, v)| v + 0.004 * ((i * 7919 % 13) as f32 / 6.0 - 1.0)).collect();
    assert_eq!(find(&clip), [(6, Damage::Duplicate)]);
}

#[test]
fn a_shot_that_comes_to_rest_has_no_duplicates() {
    let clip: Vec<_> = (0..LENGTH).map(|t| draw(1.0, 2.0 * t.min(7) as f32)).collect();
    assert_eq!(find(&clip), []);
}

#[test]
fn every_second_frame_of_a_clip_on_twos_is_a_duplicate() {
    let clip: Vec<_> = (0..LENGTH).map(|t| draw(1.0, 3.0 * (t / 2) as f32)).collect();
    let wanted: Vec<_> = (3..LENGTH - 1).step_by(2).map(|t| (t, Damage::Duplicate)).collect();
    assert_eq!(find(&clip), wanted);
}

#[test]
fn one_or_two_black_frames_are_found_inside_and_at_the_ends() {
    for frames in [5..6, 5..7, 0..1, 0..2, LENGTH - 1..LENGTH, LENGTH - 2..LENGTH] {
        let mut clip = pan();
        clip[frames.clone()].fill(vec![0.01; SIZE.0 * SIZE.1]);
        let wanted: Vec<_> = frames.map(|t| (t, Damage::Black)).collect();
        assert_eq!(find(&clip), wanted);
    }
}

#[test]
fn a_long_black_and_a_fade_through_black_are_no_damage() {
    let mut clip = pan();
    clip[5..9].fill(vec![0.0; SIZE.0 * SIZE.1]);
    assert_eq!(find(&clip), [], "four black frames");
    for middle in [6.0, 6.5] {
        let mut clip = pan();
        for (t, pixels) in clip.iter_mut().enumerate() {
            let gain = ((t as f32 - middle).abs() / 6.0).min(1.0);
            pixels.iter_mut().for_each(|v| *v *= gain);
        }
        assert_eq!(find(&clip), [], "fade whose lowest point is at {middle}");
    }
}

#[test]
fn an_even_grey_frame_is_empty() {
    let mut clip = pan();
    clip[6].fill(0.45);
    assert_eq!(find(&clip), [(6, Damage::Empty)]);
}

#[test]
fn flashes_of_one_or_two_frames_are_found_up_and_down() {
    for gain in [0.7, 1.3] {
        for run in 1..=2 {
            let mut clip = pan();
            clip[6..6 + run].iter_mut().flatten().for_each(|v| *v *= gain);
            let wanted: Vec<_> = (6..6 + run).map(|t| (t, Damage::Flash)).collect();
            assert_eq!(find(&clip), wanted);
        }
    }
}

#[test]
fn light_switched_on_and_a_slow_fade_are_no_flash() {
    let mut clip = pan();
    clip[6..].iter_mut().flatten().for_each(|v| *v *= 1.3);
    assert_eq!(find(&clip), [], "light switched on");
    let mut clip = pan();
    for (t, pixels) in clip.iter_mut().enumerate() {
        pixels.iter_mut().for_each(|v| *v *= 0.5 + 0.07 * t as f32);
    }
    assert_eq!(find(&clip), [], "fade in");
}

#[test]
fn a_cut_is_no_damage() {
    let mut clip = pan();
    for (t, pixels) in clip.iter_mut().enumerate().skip(7) {
        *pixels = draw(4.0, 3.0 * t as f32);
        pixels.iter_mut().for_each(|v| *v *= 0.6);
    }
    assert_eq!(find(&clip), []);
}

#[test]
fn a_band_slipped_sideways_is_torn() {
    let mut clip = pan();
    for row in clip[6].chunks_exact_mut(SIZE.0).skip(30).take(40) {
        row.rotate_right(20);
    }
    assert_eq!(find(&clip), [(6, Damage::Torn)]);
}

#[test]
fn lost_lines_are_torn() {
    let mut clip = pan();
    clip[6][SIZE.0 * 50..SIZE.0 * 57].fill(0.0);
    assert_eq!(find(&clip), [(6, Damage::Torn)]);
}

#[test]
fn two_lost_lines_are_torn() {
    // One border of so thin a band lies two rows from the other.
    let mut clip = pan();
    clip[6][SIZE.0 * 50..SIZE.0 * 52].fill(0.0);
    assert_eq!(find(&clip), [(6, Damage::Torn)]);
}

#[test]
fn a_frame_torn_at_an_end_of_the_clip_is_found_and_one_that_only_moves_is_not() {
    for torn in [0, LENGTH - 1] {
        let mut clip = pan();
        assert_eq!(find(&clip), []);
        for row in clip[torn].chunks_exact_mut(SIZE.0).skip(30).take(40) {
            row.rotate_right(20);
        }
        assert_eq!(find(&clip), [(torn, Damage::Torn)]);
    }
}

#[test]
fn a_straight_edge_that_moves_fast_is_not_torn() {
    for (speed, frames) in [(2, 0..10), (9, 1..9)] {
        let mut clip = pan();
        for (t, pixels) in clip.iter_mut().enumerate() {
            pixels[..SIZE.0 * speed * (t + 1).min(SIZE.1 / speed)].iter_mut().for_each(|v| *v *= 0.5);
        }
        let found: Vec<_> = find(&clip[..10]).into_iter().filter(|(t, _)| frames.contains(t)).collect();
        assert_eq!(found, [], "{speed} rows a frame");
    }
}

#[test]
fn a_thing_across_a_fifth_of_a_narrow_picture_is_not_torn() {
    // As many pixels wide as two tiles of the block grid.
    let (width, height) = (96, 54);
    let frames: Vec<_> = (0..LENGTH)
        .map(|t| {
            let shown = |i: usize| {
                let (x, y) = (i % width, i / width);
                let thing = t == 6 && x < 20 && (20..40).contains(&y);
                0.6 * level(x, y, 1.0, t as f32) + if thing { 0.35 } else { 0.0 }
            };
            let pixels = (0..width * height).map(shown).collect();
            Traits::measure(&Frame::new(width, height, 1, Encoding::Display, pixels).expect("the size fits"))
        })
        .collect();
    let window = std::array::from_fn(|i| (6 + i).checked_sub(REACH).and_then(|i| frames.get(i)));
    assert_eq!(judge(&window, &Thresholds::default()), None);
}

#[test]
fn a_straight_edge_that_stays_or_comes_with_a_cut_is_not_torn() {
    for first in [0, 6] {
        let mut clip = pan();
        for pixels in &mut clip[first..] {
            pixels[SIZE.0 * 60..].iter_mut().for_each(|v| *v *= 0.5);
        }
        assert_eq!(find(&clip), [], "edge from frame {first} on");
    }
}

#[test]
fn a_straight_edge_that_moves_by_less_than_a_row_is_not_torn() {
    let mut clip = pan();
    for (t, pixels) in clip.iter_mut().enumerate() {
        // The table's edge of a handheld shot: now on a row's border, now between two.
        let edge = 60.0 + [0.0, 0.5, 0.0, 0.4][t % 4];
        for (i, v) in pixels.iter_mut().enumerate() {
            let below = ((i / SIZE.0) as f32 + 1.0 - edge).clamp(0.0, 1.0);
            *v *= 1.0 - 0.6 * below;
        }
    }
    assert_eq!(find(&clip), []);
}

/// Replaces blocks of 8 by their first pixel.
fn coarsen(pixels: &mut [f32], across: std::ops::Range<usize>, down: std::ops::Range<usize>) {
    for y in down {
        for x in across.clone() {
            pixels[y * SIZE.0 + x] = pixels[y / 8 * 8 * SIZE.0 + x / 8 * 8];
        }
    }
}

#[test]
fn blocks_all_over_or_in_a_part_are_blocky() {
    for (across, down) in [(0..SIZE.0, 0..SIZE.1), (40..140, 0..SIZE.1)] {
        let mut clip = pan();
        coarsen(&mut clip[6], across, down);
        assert_eq!(find(&clip), [(6, Damage::Blocky)]);
    }
}

#[test]
fn a_clip_blocky_throughout_is_left_alone() {
    let mut clip = pan();
    clip.iter_mut().for_each(|pixels| coarsen(pixels, 0..SIZE.0, 0..SIZE.1));
    assert_eq!(find(&clip).into_iter().filter(|(_, damage)| *damage != Damage::Duplicate).count(), 0);
}

#[test]
fn a_kind_switched_off_is_not_found() {
    let mut clip = pan();
    clip[6].fill(0.0);
    let off = Thresholds { black: None, empty: None, flash: None, ..Thresholds::default() };
    assert_eq!(find_with(&clip, &off), []);
}

#[test]
fn linear_light_and_colour_measure_as_their_display_grey() {
    let display = measure(&draw(1.0, 0.0));
    let linear: Vec<f32> = (draw(1.0, 0.0).into_iter())
        .map(|v| if v <= 0.040_45 { v / 12.92 } else { ((v + 0.055) / 1.055).powf(2.4) })
        .flat_map(|v| [v, v, v, 1.0])
        .collect();
    let linear = Traits::measure(&Frame::new(SIZE.0, SIZE.1, 4, Encoding::Linear, linear).expect("the size fits"));
    assert!((display.mean() - linear.mean()).abs() < 1e-4);
    assert!(change(&display, &linear) < 1e-3);
}

#[test]
fn a_window_of_odd_frames_gives_an_answer_not_a_panic() {
    let sound = measure(&draw(1.0, 0.0));
    let (nan, one) = ([f32::NAN; 12], [f32::INFINITY]);
    let tiny = Traits::measure(&Frame::new(1, 1, 1, Encoding::Linear, one.to_vec()).expect("one value"));
    let thin = Traits::measure(&Frame::new(1, 12, 1, Encoding::Display, nan.to_vec()).expect("12 values"));
    let flat = Traits::measure(&Frame::new(4, 1, 3, Encoding::Display, nan.to_vec()).expect("12 values"));
    assert!(tiny.mean() > 0.999);
    assert_eq!((thin.mean(), flat.mean()), (0.0, 0.0));
    for frame in [&tiny, &thin, &flat] {
        assert_eq!(judge(&[Some(frame); WINDOW], &Thresholds::default()), None);
        assert_eq!(judge(&[None; WINDOW], &Thresholds::default()), None);
        // Among frames of another size it stands alone, and nothing can be said of it.
        let mut window = [Some(&sound); WINDOW];
        window[REACH] = Some(frame);
        assert_eq!(Evidence::of(&window), Evidence::default());
    }
}

/// What is found of the middle one of even frames of these levels; the others are those of the nearest level given.
fn of_levels(levels: &[f32]) -> Evidence {
    let middle = levels.len() / 2;
    let frames: Vec<_> = (0..WINDOW)
        .map(|i| {
            let place = (i + middle).saturating_sub(REACH).min(levels.len() - 1);
            measure(&vec![levels[place]; SIZE.0 * SIZE.1])
        })
        .collect();
    Evidence::of(&std::array::from_fn(|i| frames.get(i)))
}

#[test]
fn a_flash_is_as_strong_as_it_rises_above_both_sides_where_these_agree() {
    for (levels, percent) in [
        ([0.4, 0.4, 0.5, 0.4, 0.4], 10.0),
        ([0.4, 0.4, 0.3, 0.4, 0.4], 10.0),
        // The sides differ by less than half the rise, and by more.
        ([0.4, 0.4, 0.5, 0.43, 0.43], 7.0),
        ([0.4, 0.4, 0.5, 0.44, 0.44], 0.0),
        ([0.43, 0.43, 0.5, 0.4, 0.4], 7.0),
        // The side before is on its way already: by less than half the rise, and by more.
        ([0.36, 0.4, 0.5, 0.4, 0.4], 10.0),
        ([0.33, 0.4, 0.5, 0.4, 0.4], 0.0),
        ([0.4, 0.4, 0.5, 0.4, 0.33], 0.0),
        // Two frames in a row.
        ([0.4, 0.5, 0.5, 0.4, 0.4], 10.0),
        ([0.4, 0.4, 0.5, 0.5, 0.4], 10.0),
        ([0.4, 0.45, 0.5, 0.55, 0.6], 0.0),
    ] {
        let found = of_levels(&levels).flash.expect("both sides are there");
        assert!((found - percent).abs() < 0.01, "{levels:?}: {found}, not {percent}");
    }
}

#[test]
fn a_frame_is_black_where_it_lies_below_both_sides_at_once() {
    for (levels, found) in [
        ([0.4, 0.4, 0.0, 0.4, 0.4], true),
        ([0.4, 0.0, 0.0, 0.4, 0.4], true),
        ([0.4, 0.4, 0.0, 0.0, 0.4], true),
        ([0.4, 0.0, 0.0, 0.0, 0.4], false),
        // The sides are too dark themselves.
        ([0.02, 0.02, 0.0, 0.02, 0.02], false),
        ([0.04, 0.04, 0.0, 0.04, 0.04], true),
        // The side before is on its way down: three quarters of what stands further out, and less.
        ([0.38, 0.3, 0.0, 0.3, 0.3], true),
        ([0.45, 0.3, 0.0, 0.3, 0.3], false),
        ([0.3, 0.3, 0.0, 0.3, 0.45], false),
        // A second frame that is not as dark is no part of it.
        ([0.4, 0.02, 0.0, 0.4, 0.4], false),
    ] {
        assert_eq!(of_levels(&levels).black.is_some(), found, "{levels:?}");
    }
    assert!((of_levels(&[0.4, 0.4, 0.06, 0.4, 0.4]).black.expect("it sinks") - 6.0).abs() < 0.01, "its brightest part");
}

#[test]
fn of_several_kinds_the_grossest_counts_and_a_grid_explains_a_tear() {
    let thresholds = Thresholds::default();
    let of = |evidence: Evidence| evidence.verdict(&thresholds);
    let nothing = Evidence::default();
    for (torn, blocky, expected) in [
        (1.5, 0.8, Some(Damage::Blocky)),
        (1.5, 0.72, Some(Damage::Torn)),
        (0.6, 0.7, Some(Damage::Blocky)),
        (0.6, 0.6, None),
        (0.7, 0.1, Some(Damage::Torn)),
    ] {
        let evidence = Evidence { torn: Some(torn), blocky: Some(blocky), ..nothing };
        assert_eq!(of(evidence), expected, "torn {torn}, blocky {blocky}");
    }
    let all = Evidence {
        duplicate: Some(0.0),
        black: Some(10.0),
        empty: Some(6.0),
        flash: Some(3.0),
        torn: Some(0.7),
        blocky: Some(0.0),
    };
    assert_eq!(of(all), Some(Damage::Black));
    assert_eq!(of(Evidence { black: Some(10.1), ..all }), Some(Damage::Empty));
    assert_eq!(of(Evidence { black: None, empty: Some(6.1), ..all }), Some(Damage::Flash));
    assert_eq!(of(Evidence { black: None, empty: None, flash: Some(2.9), ..all }), Some(Damage::Torn));
    assert_eq!(of(Evidence { duplicate: Some(3.0), ..nothing }), Some(Damage::Duplicate));
    assert_eq!(of(Evidence { duplicate: Some(3.1), ..nothing }), None);
}

#[test]
fn a_block_grid_is_as_strong_as_its_steps_in_the_tile_where_it_is() {
    // Tiles of 48 pixels; what is left at the bottom joins the last ones.
    let ends =
        |tile: usize, count: usize, size: usize| (48 * tile, if tile + 1 == count { size } else { 48 * tile + 48 });
    for tile in 0..8 {
        let ((left, right), (top, bottom)) = (ends(tile % 4, 4, SIZE.0), ends(tile / 4, 2, SIZE.1));
        let pixel = |i: usize| {
            let (x, y) = (i % SIZE.0, i / SIZE.0);
            let inside = (left..right).contains(&x) && (top..bottom).contains(&y);
            if !inside {
                0.5
            } else if (x / 8 + y / 8) % 2 == 0 {
                0.45
            } else {
                0.55
            }
        };
        let found: Vec<f32> = measure(&(0..SIZE.0 * SIZE.1).map(pixel).collect::<Vec<_>>()).tiles().collect();
        // Steps of 0.1 on each line of the grid, of 0.05 on the border to what is even.
        let at = |last: bool| if last { 0.1 } else { (5.0 * 0.1 + 0.05) / 6.0 };
        let expected = f32::min(at(tile % 4 == 3), at(tile / 4 == 1));
        for (place, found) in found.iter().enumerate() {
            let expected = if place == tile { expected } else { 0.0 };
            assert!((found - expected).abs() < 1e-3, "grid in tile {tile}: {found} in {place}, not {expected}");
        }
        assert_eq!(found.len(), 8);
    }
}

#[test]
fn a_cut_is_as_deep_as_the_step_in_three_quarters_of_the_width() {
    // Light by 0.1 from a column on, from one row to another.
    let cuts = |from: usize, rows: std::ops::Range<usize>| -> Vec<f32> {
        let pixel = |i: usize| if i % SIZE.0 >= from && rows.contains(&(i / SIZE.0)) { 0.5 } else { 0.4 };
        measure(&(0..SIZE.0 * SIZE.1).map(pixel).collect::<Vec<_>>()).rows().collect()
    };
    // The widest quarter of 24 columns is left out: of 12 with a step six are among the 18 that are kept.
    for (from, depth) in [(0, 0.1), (SIZE.0 / 2, 0.1 * 6.0 / 18.0), (SIZE.0 * 3 / 4, 0.0)] {
        for (rows, steps) in [(50..SIZE.1, vec![49]), (50..52, vec![49, 51]), (50..53, vec![49, 52]), (0..1, vec![0])] {
            let found = cuts(from, rows.clone());
            assert_eq!(found.len(), SIZE.1 - 1);
            for (row, found) in found.iter().enumerate() {
                let expected = if steps.contains(&row) { depth } else { 0.0 };
                assert!((found - expected).abs() < 1e-3, "{rows:?} from {from}: {found} at {row}, not {expected}");
            }
        }
    }
}

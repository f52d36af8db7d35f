//! Repair: gaps of several frames, at the clip's ends, across cuts, and too long; lists that make no sense.

use std::sync::Arc;

use ofx::host::HostImage;

use super::{
    footage::{
        FLOAT, HEIGHT, Resized, WIDTH, assert_better, assert_same, clip, draw, draw_sized, night, pan_with, panning,
        psnr, rubbish, texture,
    },
    stage::Stage,
};

#[test]
fn three_frames_in_a_row_are_three_different_frames_in_order() {
    let clip = pan_with(|t| (4..=6).contains(&t).then(|| Some(rubbish())));
    let stage = Stage::repair(clip, "4-6");
    let made = [4.0, 5.0, 6.0].map(|t| stage.at(t));
    let (before, after) = (panning(3.0, FLOAT), panning(7.0, FLOAT));
    for (t, made) in [4.0, 5.0, 6.0].into_iter().zip(&made) {
        assert_better(made, &panning(t, FLOAT), (&before, &after), &format!("frame {t}"));
    }
    // The first is nearer to what stands before the gap than the last is, and the other way round.
    assert!(psnr(&made[0], &before) > psnr(&made[2], &before));
    assert!(psnr(&made[2], &after) > psnr(&made[0], &after));
}

/// The texture, thrown: it slows, stands soon after frame 5, and falls back.
fn thrown(time: f32) -> Arc<HostImage> {
    let height = 1.2 * (time - 5.3).powi(2);
    draw(FLOAT, |x, y| texture(x + height, y))
}

#[test]
fn something_thrown_is_made_on_its_arc_as_the_frames_further_out_tell() {
    let throw = |range| clip(range, |t| Some(if t == 5 { rubbish() } else { thrown(t as f32) }));
    let likeness = |clip, list| psnr(&Stage::repair(clip, list).at(5.0), &thrown(5.0));
    // Between frames 4 and 6 alone little seems to move.
    let (pair, arc) = (likeness(throw((4, 6)), "5"), likeness(throw((1, 9)), "5"));
    assert!(arc > pair + 1.5, "on its arc {arc:.1} dB, evenly {pair:.1} dB");
    // Frames 3 and 7 are damaged as well: those next to them tell, and are not used as they are.
    let holes = clip((1, 9), |t| Some(if t % 2 == 1 { rubbish() } else { thrown(t as f32) }));
    let holes = likeness(holes, "1-9x2");
    assert!(holes > pair + 1.5, "with every second frame {holes:.1} dB, evenly {pair:.1} dB");
}

/// The pan with a title over it, of strokes as fine as letters.
fn titled(time: f32) -> Arc<HostImage> {
    draw(FLOAT, |x, y| {
        let letters =
            (20.0..76.0).contains(&x) && (38.0..50.0).contains(&y) && (x as i32 * 7 / 3 + y as i32 / 3) % 4 < 2;
        if letters { [0.95, 0.95, 0.9, 1.0] } else { texture(x - 6.0 * time, y) }
    })
}

#[test]
fn a_title_that_stands_over_a_pan_keeps_its_letters() {
    let lost = |t: i32| if (5..=6).contains(&t) { rubbish() } else { titled(t as f32) };
    let stage = Stage::repair(clip((1, 10), move |t| Some(lost(t))), "5-6");
    let letters = |image: &HostImage| -> Vec<f32> {
        let rgba = image.to_rgba();
        let inside = |i: &usize| (20..76).contains(&(i % WIDTH)) && (38..50).contains(&(i / WIDTH));
        (0..rgba.len() / 4).filter(inside).map(|i| rgba[i * 4]).collect()
    };
    for t in [5.0, 6.0] {
        let (made, truth) = (letters(&stage.at(t)), letters(&titled(t as f32)));
        let strokes = made.iter().zip(&truth).filter(|(_, truth)| **truth == 0.95);
        let lost = strokes.clone().filter(|(made, _)| **made < 0.75).count() as f32 / strokes.count() as f32;
        assert!(lost < 0.05, "frame {t} has lost {lost} of its strokes");
    }
}

/// The pan, going up and aside, between black bars of `rows` rows.
fn letterboxed(time: f32, rows: f32) -> Arc<HostImage> {
    draw(FLOAT, |x, y| match (rows..HEIGHT as f32 - rows).contains(&y) {
        true => texture(x - 2.5 * time, y - 2.0 * time),
        false => [0.0, 0.0, 0.0, 1.0],
    })
}

#[test]
fn black_bars_stay_black_and_the_picture_moves_between_them() {
    let rows = 9;
    let picture =
        |image: &HostImage| -> Vec<f32> { image.to_rgba()[rows * WIDTH * 4..(HEIGHT - rows) * WIDTH * 4].to_vec() };
    let at = |t: f32| letterboxed(t, rows as f32);
    let stage = Stage::repair(clip((1, 10), move |t| Some(if t == 5 { rubbish() } else { at(t as f32) })), "5");
    let made = stage.at(5.0);
    for y in (0..rows).chain(HEIGHT - rows..HEIGHT) {
        let row = made.to_rgba()[y * WIDTH * 4..(y + 1) * WIDTH * 4].to_vec();
        assert!(row.chunks(4).all(|pixel| pixel == [0.0, 0.0, 0.0, 1.0]), "row {y}");
    }
    let error = |other: &HostImage| -> f32 {
        picture(other).iter().zip(picture(&letterboxed(5.0, rows as f32))).map(|(a, b)| (a - b).powi(2)).sum()
    };
    let (made, before, after) = (error(&made), error(&letterboxed(4.0, 9.0)), error(&letterboxed(6.0, 9.0)));
    assert!(made * 10.0 < before.min(after), "made {made}, before {before}, after {after}");
}

#[test]
fn a_frame_further_out_that_cannot_be_used_is_done_without() {
    let odd = draw_sized((40, 30), FLOAT, texture);
    let clip = Resized { clip: pan_with(|t| (t == 3).then_some(None)), odd: 8.0, picture: odd };
    let stage = Stage::repair(Arc::new(clip), "5");
    let better = |t: f64, what: &str| {
        let [truth, before, after] = [t, t - 1.0, t + 1.0].map(|t| panning(t, FLOAT));
        assert_better(&stage.at(t), &truth, (&before, &after), what);
    };
    better(5.0, "frame 5, without frame 3,");
    stage.put("frames", "6");
    better(6.0, "frame 6, without frame 8, which is of another size,");
}

#[test]
fn at_the_clips_ends_the_nearest_good_frame_is_held() {
    let stage = Stage::repair(pan_with(|t| (t <= 2 || t == 10).then(|| Some(rubbish()))), "1-2, 10");
    for (time, held) in [(1.0, 3.0), (2.0, 3.0), (10.0, 9.0)] {
        assert_same(&stage.at(time), &panning(held, FLOAT), &format!("frame {time} holds {held}"));
        assert!(stage.is_made(time));
    }
    stage.put("output", "Confidence");
    assert_eq!(stage.at(1.0).pixel(5, 5), Some([0.0, 0.0, 0.0, 1.0]), "nobody knows what was there");
}

#[test]
fn frames_made_at_a_cut_are_of_one_side_and_no_mix() {
    // From a light shot to a dark one, between frames 5 and 6.
    let clip = clip((1, 10), |t| Some(if t <= 5 { panning(f64::from(t), FLOAT) } else { night(t) }));
    let stage = Stage::repair(clip, "5-6");
    assert_same(&stage.at(5.0), &panning(4.0, FLOAT), "the frame before the cut");
    assert_same(&stage.at(6.0), &night(7), "the frame after the cut");
}

#[test]
fn a_gap_longer_than_allowed_is_an_error_at_each_of_its_frames() {
    let stage = Stage::repair(pan_with(|_| None), "4-7");
    stage.put("longestGap", "4");
    assert!((4..=7).all(|t| stage.is_made(f64::from(t))), "a gap of four frames may be bridged");
    stage.put("longestGap", "3");
    for time in [4.0, 5.0, 6.0, 7.0] {
        let said = stage.error_at(time);
        assert!(
            said.contains(&format!("Frame {time}")) && said.contains("more than 3 frames, the “Longest gap”"),
            "{said}"
        );
    }
    assert_same(&stage.at(3.0), &panning(3.0, FLOAT), "good frames pass");
    stage.put("frames", "1-4, 6-10");
    for time in [1, 2, 3, 4, 6, 7, 8, 9, 10] {
        let said = stage.error_at(f64::from(time));
        assert!(said.contains("“Longest gap”"), "at the clip's ends too: {said}");
    }
}

#[test]
fn a_clip_of_nothing_but_damage_is_an_error() {
    let said = Stage::repair(pan_with(|_| None), "1-10").error_at(5.0);
    assert!(said.contains("Every frame") && said.contains("nothing to work from"), "{said}");
}

#[test]
fn a_list_that_makes_no_sense_is_an_error_that_says_how_to_write_it() {
    let stage = Stage::repair(pan_with(|_| None), "5");
    for (list, part) in [("4-", "4-"), ("3, five", "five"), ("9-3", "9-3"), ("5,,6", ",")] {
        stage.put("frames", list);
        let said = stage.error_at(5.0);
        assert!(said.contains("“Frames”") && said.contains(part) && said.contains("write "), "{list}: {said}");
    }
    stage.put("frames", "5");
    assert!(stage.is_made(5.0), "the right list works again");
}

#[test]
fn a_clip_that_changes_its_size_is_an_error_that_names_the_frame_and_both_sizes() {
    let odd = draw_sized((40, 30), FLOAT, texture);
    let clip = Resized { clip: pan_with(|_| None), odd: 6.0, picture: odd };
    let stage = Stage::repair(Arc::new(clip), "5");
    let said = stage.error_at(5.0);
    assert!(said.contains("Frame 6") && said.contains("40x30") && said.contains("96x64"), "{said}");
    assert_same(&stage.at(4.0), &panning(4.0, FLOAT), "good frames pass");
}

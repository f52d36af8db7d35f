//! Retime: the frames between the clip's own.

use std::sync::Arc;

use ofx::{
    Context,
    host::{Calls, HostImage, MemoryClip, Profile},
};

use super::{
    footage::{
        FLOAT, PAN, Resized, assert_better, assert_same, clip, draw, draw_sized, largest_difference, mean, night,
        panning, psnr, texture,
    },
    stage::{RETIME, Stage},
};

/// Frames from 0, so that at half speed the even times are the clip's own frames.
fn pan() -> Arc<MemoryClip> {
    clip((0, 7), |t| Some(panning(f64::from(t), FLOAT)))
}

#[test]
fn at_half_speed_even_frames_are_the_clips_own_and_odd_ones_are_new() {
    for identity in [true, false] {
        let profile = Profile { calls: Calls { identity, ..Calls::ALL }, ..Profile::reference() };
        let stage = Stage::new(profile, RETIME, Context::General, pan());
        stage.put("speed", "50");
        for source in 0..4 {
            assert_same(&stage.at(2.0 * f64::from(source)), &panning(f64::from(source), FLOAT), "an even frame");
        }
        let new = stage.at(3.0);
        assert!(!new.same_pixels(&panning(1.0, FLOAT)) && !new.same_pixels(&panning(2.0, FLOAT)));
        let [truth, before, after] = [1.5, 1.0, 2.0].map(|t| panning(t, FLOAT));
        assert_better(&new, &truth, (&before, &after), "frame 1.5");
    }
}

#[test]
fn the_matte_is_white_where_a_frame_was_made() {
    let stage = Stage::retime(pan(), &[("speed", "50")]);
    let made = || (0..6).map(|t| stage.is_made(f64::from(t))).collect::<Vec<_>>();
    assert_eq!(made(), [false, true, false, true, false, true]);
    stage.put("method", "Nearest");
    assert_eq!(made(), [false; 6]);
    stage.put("shutter", "180");
    assert_eq!(made(), [true; 6], "a shutter's mean is none of the clip's own");
    drop(stage);
    // Two frames for each picture: where one is first seen is where it stands.
    let doubled = clip((0, 15), |t| Some(panning(f64::from(t / 2 * 2), FLOAT)));
    let stage = Stage::retime(doubled, &[("smoothCadence", "true")]);
    assert_eq!([6, 7, 8].map(|t| stage.is_made(f64::from(t))), [false, true, false]);
}

#[test]
fn motion_is_closer_to_the_truth_than_blending() {
    let stage = Stage::retime(pan(), &[("speed", "50")]);
    let likeness = |method: &str| {
        stage.put("method", method);
        psnr(&stage.at(5.0), &panning(2.5, FLOAT))
    };
    let (blend, motion) = (likeness("Blend"), likeness("Motion"));
    assert!(motion > blend + 1.0, "motion {motion:.1} dB, blending {blend:.1} dB");
}

#[test]
fn a_slowed_fall_is_made_on_its_arc() {
    let fall = |t: f32| draw(FLOAT, |x, y| texture(x + 4.8 * (t - 2.6).powi(2), y));
    let likeness = |first, last| {
        let stage = Stage::retime(clip((first, last), |t| Some(fall(t as f32))), &[("by", "Source frame")]);
        stage.put("sourceFrame", "2.5");
        psnr(&stage.at(2.0), &fall(2.5))
    };
    let (pair, arc) = (likeness(2, 3), likeness(0, 5));
    assert!(arc > pair + 1.5, "on its arc {arc:.1} dB, evenly {pair:.1} dB");
}

#[test]
fn blending_half_way_is_the_mean_of_both() {
    let stage = Stage::retime(pan(), &[("speed", "50"), ("method", "Blend")]);
    let right = mean(&panning(1.0, FLOAT), &panning(2.0, FLOAT));
    assert!(largest_difference(&stage.at(3.0), &right) < 1e-6);
}

#[test]
fn cuts_stay_cuts() {
    let footage = clip((0, 7), |t| Some(if t < 4 { panning(f64::from(t), FLOAT) } else { night(t) }));
    let stage = Stage::retime(footage, &[("by", "Source frame")]);
    for (source, whole) in [("3.25", panning(3.0, FLOAT)), ("3.75", night(4))] {
        stage.put("sourceFrame", source);
        assert_same(&stage.at(0.0), &whole, source);
    }
}

/// A bright half that moves to the right, eight pixels a frame, with an edge two pixels wide.
fn edge(time: i32) -> Arc<HostImage> {
    draw(FLOAT, |x, _| {
        let v = ((20.0 + 8.0 * time as f32 - x) / 2.0).clamp(0.0, 1.0) * 0.8 + 0.1;
        [v, v, v, 1.0]
    })
}

/// How many pixels of the middle row are neither dark nor bright.
fn softness(image: &HostImage) -> usize {
    let row = (0..96).filter_map(|x| image.pixel(x, 32));
    row.filter(|p| p[0] > 0.15 && p[0] < 0.85).count()
}

#[test]
fn an_open_shutter_blurs_what_moves() {
    let stage = Stage::retime(clip((0, 6), |t| Some(edge(t))), &[("shutterSamples", "4")]);
    let sharp = softness(&stage.at(3.0));
    stage.put("shutter", "180");
    let open = softness(&stage.at(3.0));
    assert!(open >= sharp + 2, "an edge of {sharp} pixels became one of {open}");
}

#[test]
fn an_open_shutter_leaves_what_is_still() {
    let still = draw(FLOAT, texture);
    let stage = Stage::retime(clip((0, 6), |_| Some(still.clone())), &[("shutter", "180"), ("shutterSamples", "4")]);
    assert!(largest_difference(&stage.at(3.0), &still) < 1e-3);
}

#[test]
fn a_clip_played_backwards_shows_the_same_frames_between() {
    let forwards = Stage::retime(pan(), &[("speed", "50")]).at(3.0);
    let backwards = Stage::retime(pan(), &[("speed", "50"), ("reverse", "on")]);
    // Frame 1.5 of 7 stands 5.5 source frames from the end.
    assert!(psnr(&backwards.at(11.0), &forwards) > 40.0);
    assert_same(&backwards.at(0.0), &panning(7.0, FLOAT), "the last frame comes first");
}

#[test]
fn a_hole_in_the_source_is_an_error_that_names_it_unless_something_stands_for_it() {
    let holed = || clip((0, 7), |t| (t != 2).then(|| panning(f64::from(t), FLOAT)));
    let shown = |missing: &str, times: &[f64]| {
        let stage = Stage::retime(holed(), &[("speed", "50"), ("missingFrames", missing)]);
        times.iter().map(|time| stage.at(*time)).collect::<Vec<_>>()
    };
    let said = Stage::retime(holed(), &[("speed", "50")]).error_at(3.0);
    assert!(said.contains("no frame 2") && said.contains("Repair"), "{said}");
    let hold = shown("Hold", &[4.0, 6.0]);
    assert_same(&hold[0], &panning(1.0, FLOAT), "the frame before");
    assert_same(&hold[1], &panning(3.0, FLOAT), "a frame that is there");
    let made = shown("Make", &[3.0, 4.0, 5.0, 6.0]);
    assert_same(&made[3], &panning(3.0, FLOAT), "a frame that is there");
    for (made, source) in made.iter().zip([1.5, 2.0, 2.5]) {
        let truth = panning(source, FLOAT);
        let neighbours = [1.0, 3.0].map(|t| psnr(&panning(t, FLOAT), &truth));
        let made = psnr(made, &truth);
        assert!(made > neighbours[0].max(neighbours[1]) + 6.0, "{source}: {made:.1} dB, neighbours {neighbours:.1?}");
    }
}

#[test]
fn a_source_that_changes_its_size_is_an_error_that_names_the_frame_and_both_sizes() {
    let odd = draw_sized((40, 30), FLOAT, texture);
    let stage = Stage::retime(Arc::new(Resized { clip: pan(), odd: 3.0, picture: odd }), &[("speed", "50")]);
    let said = stage.error_at(5.0);
    assert!(said.contains("Frame 3") && said.contains("40x30") && said.contains("96x64"), "{said}");
    assert_same(&stage.at(4.0), &panning(2.0, FLOAT), "a whole frame");
}

#[test]
fn motion_is_smooth_in_time() {
    // At a quarter of the speed each new frame moves on by as much as the one before.
    let stage = Stage::retime(pan(), &[("speed", "25")]);
    let made: Vec<HostImage> = (8..=12).map(|t| stage.at(f64::from(t))).collect();
    let steps: Vec<f64> = made.windows(2).map(|w| psnr(&w[0], &w[1])).collect();
    let truth = psnr(&panning(0.0, FLOAT), &draw(FLOAT, |x, y| texture(x - PAN / 4.0, y)));
    assert!(steps.iter().all(|s| (s - truth).abs() < 6.0), "{steps:?}, and {truth:.1} dB would be even");
}

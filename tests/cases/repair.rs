//! Repair: what passes, what is replaced, and what else it shows.

use ofx::{
    BitDepth, Components, Context, RectI,
    host::{Calls, HostImage, PixelFormat, Profile, RenderArgs, RowLayout},
};

use super::{
    footage::{FLOAT, assert_better, assert_same, clip, draw_sized, mean, pan_with, panning, psnr, rubbish},
    stage::{REPAIR, RETIME, Stage},
};

/// Values that a depth tells apart: for floats also below 0 and above 1.
fn wild(time: i32, format: PixelFormat) -> std::sync::Arc<HostImage> {
    let float = matches!(format.depth, BitDepth::Half | BitDepth::Float);
    let scale = if float { 3.0 } else { 1.0 };
    draw_sized((9, 7), format, |x, y| {
        let v = (x * 29.0 + y * 57.0 + time as f32 * 13.0) % 255.0 / 255.0;
        [v * scale, (1.0 - v) * scale - 0.1 * (scale - 1.0), 0.5, (0.25 + v) % 1.0]
    })
}

#[test]
fn good_frames_pass_bit_for_bit_in_every_host_and_format() {
    for (name, profile) in Profile::all() {
        for identity in [true, false] {
            let calls = Calls { identity, ..profile.calls };
            let profile = Profile { calls, ..profile.clone() };
            for id in [REPAIR, RETIME] {
                let stage = Stage::new(profile.clone(), id, Context::Filter, clip((1, 6), |t| Some(wild(t, FLOAT))));
                if id == REPAIR {
                    stage.put("frames", "2, 5");
                }
                for &depth in BitDepth::ALL {
                    for &components in Components::ALL {
                        let format = PixelFormat::new(depth, components);
                        stage.connect("Source", clip((1, 6), |t| Some(wild(t, format)))).expect(name);
                        let what = format!("{id} in {name}: {format:?}, isIdentity {identity}");
                        assert_same(&stage.at(4.0), &wild(4, format), &what);
                    }
                }
            }
        }
    }
}

#[test]
fn a_listed_frame_is_made_from_its_neighbours_and_closer_to_the_truth_than_their_mean() {
    let clip = pan_with(|t| (t == 5).then(|| Some(rubbish())));
    let stage = Stage::repair(clip, "5");
    let made = stage.at(5.0);
    assert_same(&stage.at(4.0), &panning(4.0, FLOAT), "its neighbour");
    assert!(stage.is_made(5.0) && !stage.is_made(4.0));
    let truth = panning(5.0, FLOAT);
    let blend = mean(&panning(4.0, FLOAT), &panning(6.0, FLOAT));
    let (made, blend) = (psnr(&made, &truth), psnr(&blend, &truth));
    assert!(made > blend + 1.0, "made {made:.1} dB, the mean {blend:.1} dB");
}

#[test]
fn the_damaged_switch_replaces_the_frames_at_which_it_is_on() {
    let stage = Stage::repair(pan_with(|t| (t == 4).then(|| Some(rubbish()))), "");
    for (time, on) in [(1.0, false), (4.0, true), (5.0, false)] {
        stage.set_key("damaged", time, on).expect("it can be keyframed");
    }
    let made: Vec<bool> = (1..=6).map(|t| stage.is_made(f64::from(t))).collect();
    assert_eq!(made, [false, false, false, true, false, false]);
    let [truth, before, after] = [4.0, 3.0, 5.0].map(|t| panning(t, FLOAT));
    assert_better(&stage.at(4.0), &truth, (&before, &after), "frame 4");
}

#[test]
fn the_matte_is_white_where_frames_are_made_and_confidence_is_full_where_they_are_not() {
    let stage = Stage::repair(pan_with(|_| None), "5");
    stage.put("output", "Matte");
    let grey = |v: f32| [v, v, v, 1.0];
    assert_eq!(stage.at(5.0).pixel(3, 3), Some(grey(1.0)));
    assert_eq!(stage.at(6.0).pixel(3, 3), Some(grey(0.0)));
    stage.put("output", "Confidence");
    assert_eq!(stage.at(6.0).pixel(3, 3), Some(grey(1.0)));
    let map = stage.at(5.0).to_rgba();
    assert!(map.chunks_exact(4).all(|p| (0.0..=1.0).contains(&p[0]) && p[0] == p[2] && p[3] == 1.0));
    assert!(map.chunks_exact(4).any(|p| p[0] > 0.0), "something of it is certain");
}

#[test]
fn frames_listed_outside_the_clip_do_no_harm() {
    let stage = Stage::repair(pan_with(|_| None), "-20, 100-2000000, 5");
    assert_same(&stage.at(10.0), &panning(10.0, FLOAT), "the last frame");
    assert_same(&stage.at(1.0), &panning(1.0, FLOAT), "the first frame");
    assert!(stage.is_made(5.0));
}

#[test]
fn any_layout_and_origin_of_the_rows_gives_the_same_made_frame() {
    let right = Stage::repair(pan_with(|_| None), "5").at(5.0);
    for (negative, padding, origin) in [(true, 0, (0, 0)), (false, 12, (-8, 4)), (true, 40, (100, -3))] {
        let profile = Profile { layout: RowLayout { negative, padding }, origin, ..Profile::reference() };
        for context in [Context::Filter, Context::General] {
            let stage = Stage::new(profile.clone(), REPAIR, context, pan_with(|_| None));
            stage.put("frames", "5");
            assert!(stage.at(5.0).same_pixels(&right), "negative {negative}, padding {padding}, {origin:?}");
            assert_same(&stage.at(4.0), &panning(4.0, FLOAT), "a good frame");
        }
    }
}

#[test]
fn a_part_of_a_made_frame_is_that_part_of_the_whole() {
    let stage = Stage::repair(pan_with(|_| None), "5");
    let (whole, window) = (stage.at(5.0), RectI::new(10, 20, 50, 40));
    let part = stage.render(RenderArgs { window: Some(window), ..RenderArgs::at(5.0) }).expect("a part");
    assert_eq!(part.bounds(), window);
    for (x, y) in [(10, 20), (49, 20), (30, 33), (49, 39)] {
        assert_eq!(part.pixel(x, y), whole.pixel(x, y));
    }
}

#[test]
fn a_preview_at_half_size_repairs_the_same_frames() {
    let profile = Profile { calls: Calls { identity: false, ..Calls::ALL }, ..Profile::reference() };
    let stage = Stage::new(profile, REPAIR, Context::Filter, pan_with(|_| None));
    stage.put("frames", "5");
    let half = |time| {
        let image = stage.render(RenderArgs { scale: (0.5, 0.5), ..RenderArgs::at(time) });
        image.unwrap_or_else(|e| panic!("{e}"))
    };
    assert_eq!((half(4.0).width(), half(4.0).height()), (48, 32));
    stage.put("frames", "");
    let [truth, before, after] = [5.0, 4.0, 6.0].map(half);
    stage.put("frames", "5");
    let made = half(5.0);
    assert!(!made.same_pixels(&truth), "it is made");
    assert_better(&made, &truth, (&before, &after), "the preview of frame 5");
}

#[test]
fn a_final_frame_is_never_the_draft_made_before_it() {
    let stage = Stage::repair(pan_with(|_| None), "5");
    let right = stage.at(5.0);
    stage.forget();
    let draft = stage.render(RenderArgs { draft: true, ..RenderArgs::at(5.0) }).expect("a draft");
    assert!(stage.at(5.0).same_pixels(&right), "a final frame after a draft");
    let [truth, before, after] = [5.0, 4.0, 6.0].map(|t| panning(t, FLOAT));
    assert_better(&draft, &truth, (&before, &after), "the draft of frame 5");
    stage.put("quality", "Draft");
    assert!(stage.at(5.0).same_pixels(&draft), "a draft by choice is the draft by the host's flag");
}

//! Animate and Extend, on a small model of random weights: which frames are the source's own, bit for bit, which are made,
//! and that they are made once.

use std::sync::Arc;

use ofx::{
    Context,
    host::{Host, HostImage, Profile, Value},
};

use super::{
    footage::{FLOAT, assert_alike, assert_same, clip, draw_sized, texture},
    generate::{SIZE, model, take_files, takes},
    stage::{ANIMATE, EXTEND, Stage, turn},
};

/// The source moves until frame `freeze`, and stands still from there on.
fn source(time: i32, freeze: i32) -> Arc<HostImage> {
    let shift = 2.0 * time.min(freeze) as f32;
    draw_sized(SIZE, FLOAT, move |x, y| texture(x - shift, y))
}

const LAST: i32 = 24;

fn node(id: &str, profile: Profile, context: Context, freeze: i32, settings: &[(&str, &str)]) -> Stage {
    on(id, profile, context, move |t| source(t, freeze), settings)
}

fn on(
    id: &str,
    profile: Profile,
    context: Context,
    source: impl Fn(i32) -> Arc<HostImage> + Send + Sync + 'static,
    settings: &[(&str, &str)],
) -> Stage {
    takes();
    let stage = Stage::new(profile, id, context, clip((1, LAST), move |t| Some(source(t))));
    let common = [("model", &*model()), ("steps", "1"), ("prompt", "a red fox runs"), ("footage", "Display-referred")];
    common.iter().chain(settings).for_each(|(id, value)| stage.put(id, value));
    stage
}

fn reference(id: &str, context: Context, freeze: i32, settings: &[(&str, &str)]) -> Stage {
    node(id, Profile::reference(), context, freeze, settings)
}

/// Which frames are white in the node's own matte.
fn made(stage: &Stage, frames: impl Iterator<Item = i32>) -> Vec<i32> {
    stage.put("output", "Matte");
    let white = frames.filter(|t| stage.at(f64::from(*t)).to_rgba()[0] == 1.0).collect();
    stage.put("output", "Result");
    white
}

#[test]
fn animate_keeps_its_still_and_makes_what_follows_or_leads_to_it() {
    let _turn = turn();
    let stage = reference(ANIMATE, Context::Filter, LAST, &[("still", "10"), ("length", "5")]);
    assert_eq!(made(&stage, 1..=LAST), [11, 12, 13, 14]);
    for t in [1, 9, 10, 15, LAST] {
        assert_same(&stage.at(f64::from(t)), &source(t, LAST), &format!("frame {t} is the source's own"));
    }
    let before = take_files().len();
    assert!(!stage.at(12.0).same_pixels(&source(12, LAST)));
    stage.at(14.0);
    assert_eq!(take_files().len(), before + 1, "one take");
    stage.put("end", "Last");
    assert_eq!(made(&stage, 1..=LAST), [6, 7, 8, 9]);
    stage.at(6.0);
    assert_eq!(take_files().len(), before + 2, "another shot");
    stage.put("still", "-100");
    stage.put("end", "First");
    assert_eq!(made(&stage, 1..=LAST), [2, 3, 4, 5], "before the clip the still is its first frame");
}

#[test]
fn extend_replaces_a_freeze() {
    let _turn = turn();
    let stage = reference(EXTEND, Context::Filter, 18, &[("tail", "4")]);
    assert!(made(&stage, 1..=LAST).is_empty(), "nothing is replaced unasked");
    stage.press("findFreeze").expect("it is found");
    assert_eq!(stage.get("lastGood", 0.0), Some(Value::from(18)));
    assert_eq!(made(&stage, 1..=LAST), [19, 20, 21, 22], "frame 18 is good, and repeats follow it");
    for t in [1, 17, 18, 23, LAST] {
        assert_same(&stage.at(f64::from(t)), &source(t, 18), &format!("frame {t} is the source's own"));
    }
    let before = take_files().len();
    let images: Vec<_> = (19..=22).map(|t| stage.at(f64::from(t))).collect();
    assert_eq!(take_files().len(), before + 1, "one take");
    assert!(images.iter().all(|image| !image.same_pixels(&source(LAST, 18))));
    stage.put("hold", "2");
    assert_same(&stage.at(20.0), &source(18, 18), "held");
    assert_same(&stage.at(21.0), &images[0], "then the same take");
    assert_eq!(take_files().len(), before + 1, "a hold makes nothing anew");
    stage.put("hold", "0");
    stage.put("lastGood", "12");
    assert_eq!(made(&stage, 1..=LAST), [13, 14, 15, 16]);
}

#[test]
fn a_source_that_differs_in_one_pixel_is_another_shot() {
    let _turn = turn();
    let extended = |lit: i32| {
        let frame = move |t: i32| {
            let at = |x: f32, y: f32| (t, x, y) == (lit, 3.0, 2.0);
            draw_sized(SIZE, FLOAT, move |x, y| if at(x, y) { [1.0; 4] } else { texture(x - t as f32, y) })
        };
        let stage = on(EXTEND, Profile::reference(), Context::General, frame, &[("tail", "2")]);
        (stage.at(f64::from(LAST + 1)), take_files().len())
    };
    let (image, takes) = extended(0);
    let (other, more) = extended(10);
    assert!(!other.same_pixels(&image));
    assert_eq!(more, takes + 1);
    let (again, same) = extended(0);
    assert_same(&again, &image, "as it was");
    assert_eq!(same, more);
}

#[test]
fn a_clip_that_does_not_freeze_is_extended_beyond_its_ends_alone() {
    let _turn = turn();
    let stage = reference(EXTEND, Context::General, LAST, &[("tail", "3"), ("head", "2")]);
    stage.press("findFreeze").expect("a search");
    assert_eq!(stage.get("frozen", 0.0), Some(Value::from(false)));
    let domain = stage.time_domain().expect("asked").expect("General has one");
    assert_eq!((domain.min, domain.max), (-1.0, f64::from(LAST) + 3.0));
    assert_eq!(made(&stage, -1..=LAST + 3), [-1, 0, LAST + 1, LAST + 2, LAST + 3]);
    assert_same(&stage.at(f64::from(LAST)), &source(LAST, LAST), "the last frame");
    let (head, tail) = (stage.at(0.0), stage.at(f64::from(LAST + 1)));
    assert!(head.to_rgba().iter().chain(&tail.to_rgba()).all(|v| v.is_finite()));
    assert!(!head.same_pixels(&tail));
}

/// Extend without a model folder: on motion, the clip's own frames, or the embedded model.
fn carried(settings: &[(&str, &str)]) -> Stage {
    takes();
    let clip = clip((1, LAST), |t| Some(source(t, LAST)));
    let stage = Stage::new(Profile::reference(), EXTEND, Context::General, clip);
    let common = [("tail", "4"), ("head", "2"), ("footage", "Display-referred")];
    common.iter().chain(settings).for_each(|(id, value)| stage.put(id, value));
    stage
}

/// The mean difference of two pictures away from their left and right borders, which something comes in at.
fn apart(a: &HostImage, b: &HostImage) -> f32 {
    let (a, b) = (a.to_rgba(), b.to_rgba());
    let inside: Vec<usize> = (0..a.len()).filter(|i| (12..SIZE.0 - 12).contains(&(i / 4 % SIZE.0))).collect();
    inside.iter().map(|i| (a[*i] - b[*i]).abs()).sum::<f32>() / inside.len() as f32
}

#[test]
fn without_a_prompt_what_moves_goes_on() {
    let _turn = turn();
    let stage = carried(&[]);
    let before = take_files().len();
    for (time, truth, nearest) in [(LAST + 1, LAST + 1, LAST), (0, 0, 1)] {
        let (made, truth) = (stage.at(f64::from(time)), source(truth, LAST + 1));
        let frozen = apart(&source(nearest, LAST), &truth);
        assert!(apart(&made, &truth) < 0.4 * frozen, "frame {time}: {} of {frozen}", apart(&made, &truth));
    }
    assert_eq!(take_files().len(), before, "no shot of the video model");
    assert_same(&stage.at(f64::from(LAST)), &source(LAST, LAST), "the last frame");
    assert_eq!(made(&stage, -1..=LAST + 4), [-1, 0, LAST + 1, LAST + 2, LAST + 3, LAST + 4]);
    assert_eq!(stage.persistent_message(), None);
}

#[test]
fn the_embedded_model_is_asked_for_what_it_knows_alone() {
    let _turn = turn();
    let stage = carried(&[("prompt", "a woman speaking to the camera"), ("steps", "1")]);
    let before = take_files().len();
    let carried = stage.at(f64::from(LAST + 1));
    assert_eq!(take_files().len(), before);
    let said = stage.persistent_message().expect("it says why").text;
    assert!(said.contains("motion makes these frames") && said.contains("“Made by”"), "{said}");
    stage.put("by", "Motion");
    assert_same(&stage.at(f64::from(LAST + 1)), &carried, "by motion, whatever the prompt");
    assert_eq!(stage.persistent_message(), None, "it was asked for");
    stage.put("by", "Automatic");
    stage.put("prompt", "white smoke rising on black");
    let invented = stage.at(f64::from(LAST + 1));
    assert_eq!(take_files().len(), before + 1, "a shot of the video model");
    assert!(!invented.same_pixels(&carried));
    stage.put("by", "Video model");
    stage.put("prompt", "");
    assert!(!stage.at(f64::from(LAST + 1)).same_pixels(&carried), "by the model, without a prompt");
    assert_eq!(take_files().len(), before + 2);
}

#[test]
fn back_and_forth_every_frame_is_the_clips_own() {
    let _turn = turn();
    let stage = carried(&[("by", "Back and forth"), ("tail", "30")]);
    for (time, own) in [(LAST + 1, LAST - 1), (LAST + 23, 1), (LAST + 24, 2), (LAST + 30, 8), (0, 2), (-1, 3)] {
        assert_same(&stage.at(f64::from(time)), &source(own, LAST), &format!("frame {time} is frame {own}"));
    }
    stage.put("hold", "2");
    assert_same(&stage.at(f64::from(LAST + 2)), &source(LAST, LAST), "held");
    assert_same(&stage.at(f64::from(LAST + 3)), &source(LAST - 1, LAST), "then back");
}

#[test]
fn a_look_holds_however_frames_are_made() {
    let _turn = turn();
    for by in ["Motion", "Back and forth"] {
        let stage = carried(&[("by", by)]);
        let at = |frame: i32| stage.at(f64::from(LAST + frame));
        let plain = [1, 2, 3].map(at);
        assert!(!plain[0].same_pixels(&plain[1]));
        stage.put("cadence", "On twos");
        for (frame, shown) in [(1, 0), (2, 0), (3, 2), (4, 2)] {
            assert_same(&at(frame), &plain[shown], &format!("{by}: frame {frame} on twos"));
        }
        stage.put("cadence", "Normal");
        stage.put("warmth", "100");
        let (warm, plain) = (at(1).to_rgba(), plain[0].to_rgba());
        let warmer = |i: usize| warm[4 * i] >= plain[4 * i] && warm[4 * i + 2] <= plain[4 * i + 2];
        assert!((0..plain.len() / 4).all(warmer) && warm != plain, "{by}: warmer");
    }
}

#[test]
fn both_render_in_every_host() {
    let _turn = turn();
    let settings = [("tail", "6"), ("frozen", "true"), ("lastGood", "18"), ("by", "Motion")];
    let onward = node(EXTEND, Profile::reference(), Context::Filter, 18, &settings).at(20.0);
    assert!(!onward.same_pixels(&source(18, 18)), "it is made");
    for (name, profile) in Profile::all() {
        for (id, settings) in [(ANIMATE, [("still", "16"), ("length", "9")]), (EXTEND, [("tail", "6"), ("hold", "0")])]
        {
            let contexts = Host::new(profile.clone()).load(&crate::binary(), id).expect(name).contexts();
            assert!(!contexts.is_empty(), "{id} does something in {name}");
            for context in contexts {
                let stage = node(id, profile.clone(), context, 18, &settings);
                if id == EXTEND {
                    stage.put("frozen", "true");
                    stage.put("lastGood", "18");
                }
                assert_same(&stage.at(5.0), &source(5, 18), &format!("{name} {id} {context:?}"));
                assert_eq!(stage.at(20.0).width(), SIZE.0, "{name} {id} {context:?}");
                if id == EXTEND && profile.temporal {
                    stage.put("by", "Motion");
                    assert_alike(&stage.at(20.0), &onward, &format!("{name} {context:?}"));
                    stage.put("by", "Back and forth");
                    assert_same(&stage.at(20.0), &source(16, 18), &format!("{name} {context:?}"));
                }
            }
        }
    }
}

#[test]
fn in_hosts_without_neighbours_the_source_file_is_read() {
    let _turn = turn();
    let folder = tempfile::tempdir().expect("a folder");
    let spec = folder.path().join("%04d.png");
    let writer = pickup_clips::ClipWriter::create(&spec, pickup_clips::WriteOptions::default(), &[]);
    let writer = writer.expect("writable");
    for frame in 1..=9_u8 {
        let pixels = (0..64 * 32 * 3).map(|i| (i as u8).wrapping_mul(frame)).collect();
        writer
            .write(i64::from(frame), &pickup_clips::Picture::from_rgb8(64, 32, pixels).expect("small"))
            .expect("written");
    }
    writer.finish().expect("written");
    let file = spec.display().to_string();
    // Time counts from 0 with the clip: its nine frames are 0 to 8, and the editor froze the last.
    let stage = node(EXTEND, Profile::mlt(), Context::Filter, 9, &[("sourceFile", &file), ("tail", "4")]);
    assert_eq!(made(&stage, 0..=14), [9, 10, 11, 12]);
    let before = take_files().len();
    stage.at(9.0);
    stage.at(12.0);
    assert_eq!(take_files().len(), before + 1);
    let stage = {
        drop(stage);
        node(ANIMATE, Profile::mlt(), Context::Filter, 9, &[("sourceFile", &file), ("length", "4")])
    };
    assert_eq!(made(&stage, 0..=6), [1, 2, 3]);
    stage.at(2.0);
}

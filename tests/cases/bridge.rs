//! Bridge: by motion over a jump cut, by a model of random weights between clips that share nothing.

use std::sync::Arc;

use ofx::{
    Context,
    host::{Host, HostImage, MessageSuite, Profile, Project, RenderArgs},
};

use super::{
    footage::{FLOAT, HEIGHT, WIDTH, assert_same, clip, night, panning},
    generate::{model, take_files, takes},
    stage::{BRIDGE, Stage, turn},
};

const LAST: i32 = 20;

/// The same pan, and a part of it that was cut out: ten frames from 8 on are to be five.
fn jump(time: i32) -> Arc<HostImage> {
    panning(f64::from(if time < 10 { time } else { time + 3 }), FLOAT)
}

fn two_clips(profile: Profile, context: Context, other: fn(i32) -> Arc<HostImage>) -> Stage {
    takes();
    let stage = if context == Context::Filter {
        let both = move |t: i32| if t < 10 { panning(f64::from(t), FLOAT) } else { other(t) };
        Stage::new(profile, BRIDGE, context, clip((1, LAST), move |t| Some(both(t))))
    } else {
        let stage = Stage::empty(profile, BRIDGE, context, Project::new(WIDTH, HEIGHT, 1.0, f64::from(LAST)));
        let from = clip((1, LAST), |t| Some(panning(f64::from(t), FLOAT)));
        stage.connect("SourceFrom", from).expect("the clip before");
        stage.connect("SourceTo", clip((1, LAST), move |t| Some(other(t)))).expect("the clip after");
        stage
    };
    for (id, value) in [("start", "10"), ("length", "3"), ("model", &*model()), ("steps", "1"), ("prompt", "dawn")] {
        stage.put(id, value);
    }
    stage.put("footage", "Display-referred");
    stage
}

fn error(image: &HostImage, truth: &HostImage) -> f32 {
    let (a, b) = (image.to_rgba(), truth.to_rgba());
    (a.iter().zip(&b).map(|(a, b)| (a - b).powi(2)).sum::<f32>() / a.len() as f32).sqrt()
}

#[test]
fn a_jump_cut_is_bridged_by_motion_and_the_clips_stay_as_they_are() {
    let _turn = turn();
    for context in [Context::General, Context::Filter] {
        let stage = two_clips(Profile::reference(), context, jump);
        let before = take_files();
        assert_same(&stage.at(9.0), &panning(9.0, FLOAT), "the last frame of the clip before");
        assert_same(&stage.at(13.0), &jump(13), "the first frame of the clip after");
        for t in 10..=12 {
            // Frame 9 to frame 16 of the pan in four steps.
            let truth = panning(9.0 + 7.0 * f64::from(t - 9) / 4.0, FLOAT);
            let (made, held) = (error(&stage.at(f64::from(t)), &truth), error(&panning(9.0, FLOAT), &truth));
            assert!(made < 0.3 * held, "{context:?} frame {t}: {made} against {held} when held");
        }
        assert_eq!(take_files(), before, "no model was asked");
        stage.put("output", "Matte");
        let white: Vec<i32> = (1..=LAST).filter(|t| stage.at(f64::from(*t)).to_rgba()[0] == 1.0).collect();
        assert_eq!(white, [10, 11, 12]);
    }
}

#[test]
fn clips_that_share_nothing_are_bridged_by_the_model() {
    let _turn = turn();
    let stage = two_clips(Profile::reference(), Context::General, night);
    let before = take_files().len();
    let made = [10.0, 11.0, 12.0].map(|t| stage.at(t));
    assert_eq!(take_files().len(), before + 1, "one take");
    assert!(made.iter().all(|image| image.to_rgba().iter().all(|v| v.is_finite())));
    assert_same(&stage.at(13.0), &night(13), "the clip after");
    stage.put("by", "Motion");
    assert!(!stage.at(11.0).same_pixels(&made[1]), "as it is told");
    stage.put("by", "Video model");
    assert_same(&stage.at(11.0), &made[1], "the take");
}

#[test]
fn without_a_model_or_a_prompt_clips_that_share_nothing_dissolve_and_move() {
    let _turn = turn();
    let stage = two_clips(Profile::reference(), Context::General, night);
    let before = take_files().len();
    stage.put("model", "");
    stage.put("prompt", "");
    let mixed = |a: &HostImage, b: &HostImage, share: f32| -> Vec<f32> {
        a.to_rgba().iter().zip(b.to_rgba()).map(|(a, b)| a + (b - a) * share).collect()
    };
    let off = |image: &HostImage, truth: &[f32]| {
        image.to_rgba().iter().zip(truth).map(|(a, b)| (a - b).abs()).sum::<f32>() / truth.len() as f32
    };
    let own = mixed(&panning(11.0, FLOAT), &night(11), 0.5);
    assert!(off(&stage.at(11.0), &own) < 1e-4, "where they overlap, of the clips' own frames");
    drop(stage);
    let stage = two_clips(Profile::reference(), Context::Filter, night);
    stage.put("model", "");
    stage.put("prompt", "");
    let frozen = mixed(&panning(9.0, FLOAT), &night(13), 0.5);
    let moved = mixed(&panning(11.0, FLOAT), &night(11), 0.5);
    let made = stage.at(11.0);
    assert!(off(&made, &moved) < 0.7 * off(&made, &frozen), "{} {}", off(&made, &moved), off(&made, &frozen));
    assert_eq!(take_files().len(), before, "no model was asked");
    stage.put("by", "Dissolve");
    assert_same(&stage.at(11.0), &made, "as it is told");
}

#[test]
fn a_transition_is_bridged_from_its_start_to_its_end() {
    let _turn = turn();
    let stage = two_clips(Profile::reference(), Context::Transition, jump);
    stage.set_key("Transition", 6.0, 0.0).expect("a key");
    stage.set_key("Transition", 10.0, 1.0).expect("a key");
    assert_same(&stage.at(6.0), &panning(6.0, FLOAT), "all of the clip before");
    assert_same(&stage.at(10.0), &jump(10), "all of the clip after");
    let truth = panning(9.5, FLOAT);
    let (made, held) = (error(&stage.at(8.0), &truth), error(&panning(6.0, FLOAT), &truth));
    assert!(made < 0.3 * held, "{made} against {held} when held");
}

#[test]
fn it_renders_in_every_host_and_context() {
    let _turn = turn();
    for (name, profile) in Profile::all() {
        let contexts = Host::new(profile.clone()).load(&crate::binary(), BRIDGE).expect(name).contexts();
        assert!(contexts.contains(&Context::Filter) || contexts.contains(&Context::General), "{name}");
        for context in contexts {
            let stage = two_clips(profile.clone(), context, jump);
            if context == Context::Transition {
                stage.set_key("Transition", 9.0, 0.0).expect(name);
                stage.set_key("Transition", 13.0, 1.0).expect(name);
            }
            assert_same(&stage.at(5.0), &panning(5.0, FLOAT), &format!("{name} {context:?}"));
            stage.put("errorsInPicture", "Never");
            let result = stage.render(RenderArgs::at(11.0));
            if profile.temporal {
                assert_eq!(result.expect(name).width(), WIDTH, "{name} {context:?}");
            } else {
                let said = result.expect_err(name).to_string();
                let silent = profile.suites.message == MessageSuite::None;
                assert!(silent || said.contains("Source file"), "{name}: {said}");
            }
        }
    }
}

#[test]
fn as_a_filter_the_next_clip_comes_from_its_file() {
    let _turn = turn();
    let folder = tempfile::tempdir().expect("a folder");
    let written = |name: &str, first: i32| {
        let spec = folder.path().join(name).join("%04d.png");
        std::fs::create_dir_all(spec.parent().expect("a folder")).expect("writable");
        let writer = pickup_clips::ClipWriter::create(&spec, pickup_clips::WriteOptions::default(), &[]);
        let writer = writer.expect("writable");
        for frame in 1..=9 {
            let rgba = panning(f64::from(first + frame), FLOAT).to_rgba();
            let rgb = rgba.chunks_exact(4).flat_map(|p| &p[..3]).map(|v| (v * 255.0).round() as u8).collect();
            let picture = pickup_clips::Picture::from_rgb8(WIDTH, HEIGHT, rgb).expect("small");
            writer.write(i64::from(frame), &picture).expect("written");
        }
        writer.finish().expect("written");
        spec.display().to_string()
    };
    let (file, next) = (written("before", 0), written("after", 12));
    let stage = two_clips(Profile::mlt(), Context::Filter, jump);
    // In this host time counts from 0: the clip's nine frames are 0 to 8, then four are made.
    for (id, value) in [("sourceFile", &*file), ("toFile", &*next), ("start", "9"), ("length", "3")] {
        stage.put(id, value);
    }
    let truth = panning(11.0, FLOAT);
    let (made, held) = (error(&stage.at(10.0), &truth), error(&panning(9.0, FLOAT), &truth));
    assert!(made < 0.4 * held, "{made} against {held} when held");
    assert!(error(&stage.at(12.0), &panning(13.0, FLOAT)) < 0.01, "the next clip's first frame");
    stage.put("toFile", "/nowhere/%04d.png");
    assert!(stage.error_at(10.0).contains("nowhere"));
}

#[test]
fn clips_of_two_sizes_are_refused_by_name() {
    let _turn = turn();
    let stage = two_clips(Profile::reference(), Context::General, jump);
    stage.connect("SourceTo", clip((1, LAST), |_| Some(super::footage::even(0.5)))).expect("a small clip");
    let said = stage.error_at(11.0);
    assert!(said.contains("32x24") && said.contains("one size"), "{said}");
}

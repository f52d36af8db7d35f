//! Generate, on a small model of random weights in the publisher's layout: what it makes is noise, and the same noise
//! wherever and whenever it is asked for.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::OnceLock,
};

use ofx::{
    Context,
    host::{Host, HostImage, Profile, Project, RenderArgs, RenderError, Value},
};

use super::{
    footage::{FLOAT, assert_same, clip, draw_sized, texture},
    stage::{GENERATE, Stage, turn},
};

/// The small model, of which diffusers wrote the files.
pub(crate) fn model() -> String {
    crate::repository().join("model/tests/fixtures/ltx/model").display().to_string()
}

/// Where takes are kept, emptied when the first case of this program starts: so that what is made is made here.
pub(crate) fn takes() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let folder = PathBuf::from(std::env::var_os("PICKUP_TAKES").expect("cargo says where tests keep takes"));
        if folder.exists() {
            fs::remove_dir_all(&folder).expect("takes of tests can be removed");
        }
        folder
    })
}

pub(crate) fn take_files() -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(takes()) else { return Vec::new() };
    entries.map(|e| e.expect("readable").path()).collect()
}

pub(crate) const SIZE: (usize, usize) = (64, 32);

/// Generate in a host, told what to make: 5 frames from frame 1 on.
fn generate(profile: Profile, context: Context, prompt: &str) -> Stage {
    takes();
    let stage = if context == Context::Generator {
        Stage::empty(profile, GENERATE, context, Project::new(SIZE.0, SIZE.1, 1.0, 5.0))
    } else {
        let source = draw_sized(SIZE, FLOAT, texture);
        Stage::new(profile, GENERATE, context, clip((1, 9), move |_| Some(source.clone())))
    };
    for (id, value) in [("prompt", prompt), ("start", "1"), ("length", "5"), ("steps", "2"), ("model", &*model())] {
        stage.put(id, value);
    }
    stage
}

fn reference(prompt: &str) -> Stage {
    generate(Profile::reference(), Context::Generator, prompt)
}

fn frames(stage: &Stage) -> Vec<HostImage> {
    (1..=5).map(|t| stage.at(f64::from(t))).collect()
}

#[test]
fn a_shot_is_made_once_in_every_host_and_context() {
    let _turn = turn();
    let rgba = |image: &HostImage| image.to_rgba();
    let first: Vec<Vec<f32>> = frames(&reference("a red fox runs")).iter().map(rgba).collect();
    assert!(first.iter().all(|f| f.iter().all(|v| v.is_finite())) && first[0] != first[1]);
    let made = take_files();
    assert!(made.iter().all(|p| p.extension().is_some_and(|e| e == "take")), "nothing else is left: {made:?}");
    for (name, profile) in Profile::all() {
        let contexts = Host::new(profile.clone()).load(&crate::binary(), GENERATE).expect(name).contexts();
        assert!(!contexts.is_empty(), "Generate does something in {name}");
        for context in contexts {
            let stage = generate(profile.clone(), context, "a red fox runs");
            stage.put("footage", "Display-referred");
            let image = stage.at(3.0);
            assert_eq!((image.width(), image.height()), SIZE, "{name} {context:?}");
            // As near as 8 bits are, in hosts that have no more.
            let far = rgba(&image).iter().zip(&first[2]).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
            assert!(far < 0.003, "{name} {context:?}: {far}");
        }
    }
    assert_eq!(take_files(), made, "it was made once");
}

#[test]
fn a_shot_starts_where_the_project_does() {
    for first in [0, 13, -7] {
        let project = Project::new(SIZE.0, SIZE.1, f64::from(first), f64::from(first + 20));
        let stage = Stage::empty(Profile::reference(), GENERATE, Context::Generator, project);
        stage.put("length", "5");
        let made: Vec<i32> = (first..first + 8).filter(|t| stage.is_made(f64::from(*t))).collect();
        assert_eq!(made, (first..first + 5).collect::<Vec<_>>());
    }
}

#[test]
fn highlights_are_as_bright_as_they_are_asked_to_be() {
    let _turn = turn();
    let stage = reference("a red fox runs");
    stage.put("footage", "Scene-linear");
    let brightest =
        |stage: &Stage| stage.at(3.0).to_rgba().chunks_exact(4).flat_map(|p| [p[0], p[1], p[2]]).fold(0.0, f32::max);
    let white = brightest(&stage);
    assert!((0.5..=1.0).contains(&white), "{white}");
    stage.put("peak", "4");
    let t = (white - 0.18) / 0.82;
    let wanted = white + 3.0 * t * t;
    let found = brightest(&stage);
    assert!((found - wanted).abs() < 1e-3 * wanted, "{found}, and not {wanted}");
}

#[test]
fn frames_do_not_depend_on_who_asks_and_in_which_order() {
    let _turn = turn();
    let one = frames(&reference("fresh snow"));
    let other = reference("fresh snow");
    other.forget();
    for t in [4, 2, 5, 1, 3] {
        assert_same(&other.at(f64::from(t)), &one[t as usize - 1], "from disk, in another order");
    }
    drop(other);
    // Made anew, by eight at once.
    takes_removed();
    let stage = generate(Profile { threads: 8, ..Profile::reference() }, Context::Generator, "fresh snow");
    stage.forget();
    let images = std::thread::scope(|scope| {
        let instance = &*stage;
        let renders: Vec<_> =
            (0..8).map(|i| scope.spawn(move || instance.render(RenderArgs::at(f64::from(1 + i % 5))))).collect();
        renders.into_iter().map(|r| r.join().expect("no panic").expect("a frame")).collect::<Vec<_>>()
    });
    for (i, image) in images.iter().enumerate() {
        assert_same(image, &one[i % 5], "eight threads");
    }
    assert_eq!(take_files().len(), 1, "made once");
}

fn takes_removed() {
    take_files().iter().for_each(|file| fs::remove_file(file).expect("removable"));
}

#[test]
fn what_changes_no_picture_makes_nothing_anew() {
    let _turn = turn();
    let stage = reference("dawn");
    let first = stage.at(1.0);
    let made = take_files();
    stage.put("cadence", "On twos");
    assert_same(&stage.at(2.0), &first, "held");
    stage.put("grain", "50");
    assert!(!stage.at(1.0).same_pixels(&first), "grain shows");
    stage.put("start", "11");
    assert!(stage.at(11.0).to_rgba().iter().any(|v| *v > 0.0));
    assert_eq!(take_files(), made);
    stage.put("seed", "7");
    stage.at(11.0);
    assert_eq!(take_files().len(), made.len() + 1);
}

#[test]
fn a_loop_repeats_and_its_end_runs_into_its_start() {
    let _turn = turn();
    let stage = reference("snow runs");
    stage.put("length", "9");
    stage.put("loop", "true");
    let far = |a: &HostImage, b: &HostImage| -> f32 {
        a.to_rgba().iter().zip(b.to_rgba()).map(|(a, b)| (a - b).abs()).sum::<f32>()
    };
    let frames: Vec<_> = (1..=9).map(|t| stage.at(f64::from(t))).collect();
    assert_same(&stage.at(10.0), &frames[0], "it starts again");
    assert_same(&stage.at(0.0), &frames[8], "and was there before");
    stage.put("loop", "false");
    let plain = stage.at(1.0);
    assert!(far(&frames[0], &plain) > 0.0, "the first frame is made to follow the last");
    stage.put("loop", "true");
    stage.put("lastFrame", "any.png");
    assert!(stage.error_at(1.0).contains("Loop"));
}

#[test]
fn outside_the_shot_the_source_is_shown_or_nothing() {
    let _turn = turn();
    let stage = generate(Profile::reference(), Context::Filter, "a fox");
    assert_same(&stage.at(7.0), &draw_sized(SIZE, FLOAT, texture), "after the shot");
    stage.put("output", "Matte");
    let level = |t: f64| stage.at(t).to_rgba()[0];
    assert_eq!([level(3.0), level(7.0)], [1.0, 0.0]);
    drop(stage);
    assert!(reference("a fox").at(7.0).to_rgba().iter().all(|v| *v == 0.0));
}

#[test]
fn a_scrub_makes_nothing_and_says_that_it_is_no_final_picture() {
    let _turn = turn();
    let stage = generate(Profile::reference(), Context::Generator, "a fox runs through snow");
    let before = take_files();
    let scrub = RenderArgs { interactive: true, ..RenderArgs::at(2.0) };
    let card = stage.render(scrub).expect("a card");
    assert_eq!(take_files(), before, "nothing was made");
    let final_picture = stage.at(2.0);
    assert!(!card.same_pixels(&final_picture));
    assert_same(&stage.render(scrub).expect("the take"), &final_picture, "what was made is shown");
}

#[test]
fn the_button_makes_the_shot_and_another_seed_another() {
    let _turn = turn();
    let stage = generate(Profile::reference(), Context::Generator, "a red fox at dawn");
    let before = take_files().len();
    stage.press("make").expect("it is made");
    assert_eq!(take_files().len(), before + 1);
    assert!(!stage.progress().is_empty(), "it shows a bar");
    assert_eq!(stage.get("shotsMade", 0.0), Some(Value::from(1)), "so that the host draws the frame anew");
    stage.at(2.0);
    assert_eq!(take_files().len(), before + 1, "the render finds it");
    stage.put("preset", "Rain on black");
    assert_eq!(stage.get("prompt", 0.0), Some(Value::from("heavy rain falling fast on black")));
    stage.press("newSeed").expect("another seed");
    assert_ne!(stage.get("seed", 0.0), Some(Value::from(0)));
}

#[test]
fn a_shot_starts_and_ends_with_the_pictures_given() {
    let _turn = turn();
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("first.png");
    let grey = pickup_clips::Picture::from_rgb8(64, 32, vec![128; 64 * 32 * 3]).expect("a picture");
    let writer = pickup_clips::ClipWriter::create(&path, pickup_clips::WriteOptions::default(), &[]);
    let writer = writer.expect("writable");
    writer.write(1, &grey).expect("written");
    writer.finish().expect("written");
    let stage = reference("a fox");
    stage.put("firstFrame", &path.display().to_string());
    let near = |image: &HostImage| image.to_rgba().chunks_exact(4).all(|p| (p[0] - 128.0 / 255.0).abs() < 1e-3);
    assert!(near(&stage.at(1.0)));
    assert!(!near(&stage.at(2.0)));
    stage.put("lastFrame", &path.display().to_string());
    assert!(near(&stage.at(5.0)));
    stage.put("length", "2");
    assert!(stage.error_at(1.0).contains("longer"));
}

#[test]
fn bad_input_is_refused_in_words() {
    let _turn = turn();
    let stage = reference("");
    assert!(stage.error_at(1.0).contains("no prompt"));
    for (id, value, said) in [
        ("prompt", "日本語の雪", "English"),
        ("model", "/nowhere", "no such file"),
        ("model", env!("CARGO_MANIFEST_DIR"), "transformer"),
        ("firstFrame", "/nowhere.png", "nowhere.png"),
        ("firstFrame", concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"), "Cargo.toml"),
    ] {
        stage.put("prompt", "a fox");
        stage.put("model", &model());
        stage.put("firstFrame", "");
        stage.put(id, value);
        let error = stage.error_at(1.0);
        assert!(error.contains(said), "{id} = {value}: {error}");
    }
    stage.put("firstFrame", "");
    stage.put("model", &model());
    stage.put("prompt", "a fox");
    stage.at(1.0);
}

#[test]
fn a_cancelled_shot_leaves_nothing_and_can_be_made_again() {
    let _turn = turn();
    let stage = reference("a red fox runs through fresh snow at dawn");
    let before = take_files();
    for polls in [0, 1, 2, 4, 7] {
        stage.cancel_handle().cancel_after(polls);
        let result = stage.render(RenderArgs::at(1.0));
        assert!(matches!(result, Err(RenderError::Cancelled)), "after {polls} polls: {:?}", result.err());
        stage.cancel_handle().reset();
        assert_eq!(take_files(), before, "after {polls} polls");
    }
    stage.at(1.0);
    assert_eq!(take_files().len(), before.len() + 1);
}

//! Animate over the still: its own pixels, moved by the camera alone, with what the prompt asks for laid over them; and
//! Generate over its clip.

use ofx::{
    Context,
    host::{Host, HostImage, Profile, RenderArgs, Value},
};

use super::{
    footage::{FLOAT, assert_alike, assert_same, clip, draw_sized, largest_difference, texture},
    generate::{SIZE, model, take_files, takes},
    stage::{ANIMATE, BRIDGE, EXTEND, GENERATE, Stage, turn},
};

/// Frames 1 to 5 of the clip, one texture in light that grows; frame 1 comes to life, up to frame 9.
fn picture(time: i32) -> std::sync::Arc<HostImage> {
    draw_sized(SIZE, FLOAT, move |x, y| texture(x, y).map(|v| v * (0.5 + 0.1 * time as f32)))
}

fn animate(profile: Profile, context: Context, settings: &[(&str, &str)]) -> Stage {
    takes();
    let stage = Stage::new(profile, ANIMATE, context, clip((1, 5), |t| Some(picture(t))));
    let common = [("still", "1"), ("length", "9"), ("footage", "Display-referred")];
    common.iter().chain(settings).for_each(|(id, value)| stage.put(id, value));
    stage
}

fn alone(settings: &[(&str, &str)]) -> Stage {
    animate(Profile::reference(), Context::General, settings)
}

/// What taking colours times their alpha and back may change.
const ROUNDING: f32 = 1e-6;

/// On a model of random weights, which lays anything over anything.
fn laid(profile: Profile, context: Context) -> Stage {
    let over = [("by", "Over the still"), ("model", &*model()), ("steps", "1"), ("prompt", "snow")];
    animate(profile, context, &over)
}

fn said(stage: &Stage) -> String {
    stage.persistent_message().map(|message| message.text).unwrap_or_default()
}

#[test]
fn a_camera_that_the_prompt_names_moves_over_the_still_without_a_model() {
    let _turn = turn();
    let before = take_files().len();
    let stage = alone(&[("prompt", "The camera slowly pushes in"), ("travel", "50")]);
    assert_same(&stage.at(1.0), &picture(1), "the still");
    let (near, far) = (stage.at(2.0), stage.at(9.0));
    assert!(largest_difference(&near, &picture(1)) > 0.01 && largest_difference(&far, &near) > 0.01, "it moves");
    let (width, height) = SIZE;
    let pixel = |image: &HostImage, x: usize, y: usize| image.to_rgba()[(y * width + x) * 4 + 1];
    // Twice as near, the far end shows at a fourth of its side what the still has at three eighths.
    let (seen, is) = (pixel(&far, width / 4, height / 2), pixel(&picture(1), 3 * width / 8, height / 2));
    assert!((seen - is).abs() < 0.05, "{seen} where {is} should be");
    assert_eq!(said(&stage), "");
    stage.put("camera", "Still");
    assert!(largest_difference(&stage.at(7.0), &picture(1)) < ROUNDING, "what is set by hand holds");
    assert_eq!(take_files().len(), before, "nothing was asked of a model");
}

#[test]
fn what_the_model_in_the_bundle_does_not_know_leaves_the_still_as_it_is_and_says_so() {
    let _turn = turn();
    let before = take_files().len();
    let stage = alone(&[("prompt", "a woman turns her head")]);
    assert!(largest_difference(&stage.at(5.0), &picture(1)) < ROUNDING, "the still");
    assert!(said(&stage).contains("knows nothing that the prompt asks for"), "{}", said(&stage));
    stage.put("prompt", " ");
    assert!(largest_difference(&stage.at(5.0), &picture(1)) < ROUNDING, "the still");
    assert!(said(&stage).contains("Nothing moves yet"), "{}", said(&stage));
    stage.put("camera", "Pan left");
    assert!(largest_difference(&stage.at(5.0), &picture(1)) > 0.01);
    assert_eq!(said(&stage), "", "it moves");
    assert_eq!(take_files().len(), before);
}

#[test]
fn what_is_laid_over_a_still_comes_in_from_it_and_is_made_once() {
    let _turn = turn();
    let stage = laid(Profile::reference(), Context::General);
    stage.put("fade", "8");
    stage.put("seed", "7");
    let before = take_files().len();
    let mut rough = RenderArgs::at(9.0);
    rough.interactive = true;
    let rough = stage.render(rough).expect("a preview");
    assert_eq!(take_files().len(), before, "playback makes no take");
    assert_same(&stage.at(1.0), &picture(1), "the still");
    let frames: Vec<HostImage> = [2, 5, 9].map(|t| stage.at(f64::from(t))).into();
    assert_eq!(take_files().len(), before + 1, "one take");
    assert!(!rough.same_pixels(&frames[2]));
    let brighter = frames.iter().map(|frame| largest_difference(frame, &picture(1))).collect::<Vec<_>>();
    assert!(0.0 < brighter[0] && brighter[0] < brighter[1] && brighter[1] < brighter[2], "{brighter:?}");
    for (id, value) in
        [("fade", "0"), ("camera", "Tilt up"), ("prompt", "snow, pan left"), ("grain", "10"), ("strength", "50")]
    {
        stage.put(id, value);
        assert!(largest_difference(&stage.at(2.0), &frames[0]) > 0.001, "{id} is seen");
        assert_eq!(take_files().len(), before + 1, "{id} makes nothing anew");
    }
    stage.put("prompt", "rain");
    stage.at(9.0);
    assert_eq!(take_files().len(), before + 2);
}

#[test]
fn a_shot_that_ends_with_its_still_leads_to_it() {
    let _turn = turn();
    let stage = laid(Profile::reference(), Context::General);
    for (id, value) in [("still", "5"), ("end", "Last"), ("camera", "Push in"), ("fade", "4")] {
        stage.put(id, value);
    }
    let apart = |t: f64| largest_difference(&stage.at(t), &picture(5));
    assert!(apart(4.0) < apart(-3.0) && apart(4.0) > 0.0);
    assert_same(&stage.at(5.0), &picture(5), "the still");
}

#[test]
fn generate_lays_a_shot_over_the_clip_that_it_filters() {
    let _turn = turn();
    takes();
    for (name, profile) in Profile::all() {
        let contexts = Host::new(profile.clone()).load(&crate::binary(), GENERATE).expect(name).contexts();
        for context in contexts.into_iter().filter(|context| *context != Context::Generator) {
            let stage = Stage::new(profile.clone(), GENERATE, context, clip((1, 5), |t| Some(picture(t))));
            let settings = [("model", &*model()), ("steps", "1"), ("prompt", "snow"), ("start", "2"), ("length", "3")];
            let settings = settings.into_iter().chain([("over", "true"), ("footage", "Display-referred")]);
            settings.for_each(|(id, value)| stage.put(id, value));
            assert_same(&stage.at(1.0), &picture(1), "the clip before the shot");
            stage.put("start", "7");
            assert!(
                stage.at(8.0).to_rgba().iter().any(|v| *v > 0.0),
                "{name} {context:?}: alone where the clip has ended"
            );
            stage.put("start", "2");
            let [full, half, none] = ["100", "50", "0"].map(|strength| {
                stage.put("strength", strength);
                let image = stage.at(3.0);
                let source = picture(3).converted(image.format(), ofx::host::RowLayout::default()).expect("small");
                largest_difference(&image, &source)
            });
            assert!(none < 1.0 / 255.0 && none < half && half < full, "{name} {context:?}: {none} {half} {full}");
        }
    }
}

#[test]
fn every_host_renders_it() {
    let _turn = turn();
    let reference = laid(Profile::reference(), Context::Filter).at(4.0);
    assert!(!reference.same_pixels(&picture(4)), "something is laid over it");
    for (name, profile) in Profile::all() {
        let contexts = Host::new(profile.clone()).load(&crate::binary(), ANIMATE).expect(name).contexts();
        for context in contexts {
            let stage = laid(profile.clone(), context);
            let image = stage.at(4.0);
            if profile.temporal {
                assert_alike(&image, &reference, name);
            } else {
                // The current frame is the still.
                let own = picture(4).converted(image.format(), ofx::host::RowLayout::default()).expect("small");
                assert!(!image.same_pixels(&own), "{name}: something is laid over it");
            }
        }
    }
}

#[test]
fn a_preset_sets_what_goes_together() {
    let _turn = turn();
    let stage = alone(&[("prompt", "a fox")]);
    stage.put("preset", "Push in");
    assert_eq!(stage.get("camera", 0.0), Some(Value::from(2)), "push in");
    assert_eq!(stage.get("prompt", 0.0), Some(Value::from("a fox")), "it stays");
    stage.put("preset", "Light leaks");
    assert_eq!(stage.get("by", 0.0), Some(Value::from(1)), "over the still");
    assert_eq!(stage.get("prompt", 0.0), Some(Value::from("warm light leaks drifting to the right")));
    drop(stage);
    for (id, preset, param, value) in [
        (EXTEND, "Camera goes on", "rest", Value::from(240)),
        (EXTEND, "Back and forth", "by", Value::from(2)),
        (BRIDGE, "Jump cut", "length", Value::from(6)),
        (BRIDGE, "Moving dissolve", "by", Value::from(2)),
    ] {
        let stage = Stage::new(Profile::reference(), id, Context::Filter, clip((1, 5), |t| Some(picture(t))));
        stage.put("preset", preset);
        assert_eq!(stage.get(param, 0.0), Some(value), "{preset}");
    }
}

//! Effects that panic, fail or ask for what is not there: an error for the user, and the host goes on.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use ofx::{
    Context, Status,
    host::{BeyondRange, MemoryClip, NullImage, PixelFormat, Profile, RenderArgs, RenderError},
};

use crate::{HEIGHT, WIDTH, instance, load, picture, project};

#[test]
fn a_panic_in_a_node_is_an_error_in_every_host() {
    for (name, profile) in Profile::all() {
        let speaks = profile.suites.message != ofx::host::MessageSuite::None;
        let instance = instance(profile, "test.Trouble", Context::Filter);
        let error = instance.render(RenderArgs::at(1.0)).expect_err(name);
        let RenderError::Failed { status, messages, output, .. } = &error else { panic!("{name}: {error}") };
        assert_eq!(*status, Status::FAILED, "{name}");
        assert!(!speaks || messages.iter().any(|m| m.text.contains("out of film")), "{name}: {messages:?}");
        let output = output.as_ref().expect("an output");
        assert!(output.to_rgba().iter().all(|v| *v == 0.0), "{name}: the output of a failed render is black");
        assert_eq!(instance.leaked_images(), 0, "{name}");
    }
}

#[test]
fn a_panic_in_a_button_is_an_error_and_the_instance_goes_on() {
    let instance = instance(Profile::reference(), "test.Trouble", Context::Filter);
    let error = instance.press("panic").expect_err("it panics").to_string();
    assert!(error.contains("pressed"), "{error}");
    instance.set("how", "Mask").expect("a choice");
    instance.render(RenderArgs::at(1.0)).expect("it still renders");
}

#[test]
fn a_failure_tells_the_user_what_to_do() {
    for (name, profile) in Profile::all() {
        let speaks = profile.suites.message != ofx::host::MessageSuite::None;
        let instance = instance(profile, "test.Trouble", Context::Filter);
        instance.set("how", "Fail").expect(name);
        let error = instance.render(RenderArgs::at(2.0)).expect_err(name).to_string();
        assert!(error.contains("frame 2") && (!speaks || error.contains("load one")), "{name}: {error}");
    }
}

#[test]
fn what_an_effect_leaves_unwritten_is_seen() {
    let instance = instance(Profile::reference(), "test.Trouble", Context::Filter);
    instance.set("how", "Unfilled").expect("a choice");
    let image = instance.render(RenderArgs::at(1.0)).expect("it says that all is well");
    assert!(image.to_rgba().iter().all(|v| *v != 0.0), "neither black nor a picture");
}

#[test]
fn a_missing_image_is_no_image_however_the_host_says_so() {
    for null_image in [NullImage::Fails, NullImage::NullHandle] {
        for looks_connected in [false, true] {
            let profile = Profile { null_image, looks_connected, ..Profile::reference() };
            let instance = instance(profile, "test.Trouble", Context::General);
            instance.set("how", "Mask").expect("a choice");
            let image = instance.render(RenderArgs::at(1.0)).expect("a picture without a mask");
            assert_eq!(image.pixel(0, 0), Some([0.0; 4]), "{null_image:?} {looks_connected}");
            assert_eq!(instance.leaked_images(), 0);
        }
    }
}

#[test]
fn an_image_without_pixels_is_an_error_that_says_so() {
    let profile = Profile { null_image: NullImage::NullData, ..Profile::reference() };
    let instance = instance(profile, "test.Trouble", Context::General);
    instance.set("how", "Mask").expect("a choice");
    let error = instance.render(RenderArgs::at(1.0)).expect_err("there is nothing to read").to_string();
    assert!(error.contains("Mask") && error.contains("no pixels"), "{error}");
    assert_eq!(instance.leaked_images(), 0);
}

#[test]
fn a_hole_in_the_clip_is_an_error_that_names_the_frame() {
    let frames = (1..=10).map(|t| (t != 4).then(|| picture(t, PixelFormat::FLOAT_RGBA))).collect();
    let instance = instance(Profile::resolve(), "test.Gain", Context::Filter);
    instance.connect("Source", std::sync::Arc::new(MemoryClip::new(1, frames))).expect("a clip");
    instance.set("gain", 2.0).expect("a parameter");
    let error = instance.render(RenderArgs::at(4.0)).expect_err("no picture").to_string();
    assert!(error.contains("frame 4") && error.contains("connect a clip"), "{error}");
    instance.render(RenderArgs::at(5.0)).expect("the next frame is there");
}

#[test]
fn how_work_is_going_is_shown_where_it_can_be_taken_back_and_nowhere_else() {
    let cloning = Profile { clone_for_render: true, ..Profile::natron() };
    for (profile, persistent) in [(Profile::natron(), true), (cloning, true), (Profile::resolve(), false)] {
        let instance = instance(profile, "test.Trouble", Context::Filter);
        let heard = Arc::new(AtomicUsize::new(0));
        let counted = heard.clone();
        instance.on_message(move |_| {
            counted.fetch_add(1, Ordering::Relaxed);
        });
        let said = |how: &str| {
            instance.set("how", how).expect("a choice");
            instance.render(RenderArgs::at(3.0)).expect("it works");
            instance.persistent_message().map(|message| message.text)
        };
        assert_eq!(said("Status"), None);
        let shown = instance.messages().iter().any(|message| message.is_status() && message.text.contains("half done"));
        assert_eq!(shown, persistent, "a dialog would stay");
        assert_eq!(said("Status then warning").is_some_and(|text| text.contains("look")), persistent);
        assert_eq!(heard.load(Ordering::Relaxed), instance.messages().len(), "each when it is said");
    }
}

#[test]
fn an_unconnected_input_is_an_error_that_names_it() {
    let instance = load(Profile::reference(), "test.Gain").create(Context::Filter, project()).expect("an instance");
    let error = instance.render(RenderArgs::at(1.0)).expect_err("nothing to render").to_string();
    assert!(error.contains("Source") && error.contains("not connected"), "{error}");
}

#[test]
fn frames_beyond_the_clip_come_as_the_host_has_them() {
    for beyond_range in [BeyondRange::Hold, BeyondRange::Null, BeyondRange::OtherBounds, BeyondRange::Source] {
        let profile = Profile { beyond_range, ..Profile::natron() };
        let instance = instance(profile, "test.Blend", Context::General);
        let image = instance.render(RenderArgs::at(10.0)).expect("frame 11 is not there, 9 is");
        assert_eq!((image.width(), image.height()), (WIDTH, HEIGHT), "{beyond_range:?}");
    }
}

#[test]
fn a_frame_that_was_not_announced_is_noted() {
    let instance = instance(Profile::natron(), "test.Trouble", Context::Filter);
    instance.set("how", "Unannounced").expect("a choice");
    instance.render(RenderArgs::at(3.0)).expect("it works with a warning");
    let noted = instance.violations();
    assert!(noted.len() == 1 && noted[0].contains("Source at 4") && noted[0].contains("announced"), "{noted:?}");
}

#[test]
fn an_effect_that_is_not_there_is_an_error_that_names_those_that_are() {
    let host = ofx::host::Host::new(Profile::reference());
    let binary = ofx::host::Binary::in_process(crate::effects::binary());
    let error = host.load(&binary, "test.Nothing").expect_err("there is none").to_string();
    assert!(error.contains("test.Nothing") && error.contains("test.Gain, test.Blend"), "{error}");
    let error = ofx::host::Binary::open("nowhere/none.ofx.bundle").expect_err("there is none").to_string();
    assert!(error.contains("none.ofx") && error.contains("no such file"), "{error}");
    let mlt = load(Profile::mlt(), "test.Gain");
    let error = mlt.create(Context::General, project()).expect_err("MLT has filters alone").to_string();
    assert!(error.contains("Gain") && error.contains("MLT"), "{error}");
}

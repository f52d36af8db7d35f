//! The hosts' habits: an instance a frame, clones, threads, repeats, capabilities that are missing.

use std::sync::atomic::{AtomicUsize, Ordering};

use ofx::{
    BitDepth, Context, RangeD,
    host::{CancelHandle, HostImage, PixelFormat, Profile, RangeProgress, RenderArgs, Suites, render_range},
};

use crate::{
    clip,
    effects::{CREATED, LOADED},
    instance, load, project,
};

fn range(profile: Profile, id: &str) -> Vec<(f64, HostImage)> {
    let instance = instance(profile, id, Context::Filter);
    let mut frames = Vec::new();
    let mut steps = Vec::new();
    let args = RenderArgs::at(0.0);
    render_range(
        &instance,
        args,
        (1, 10),
        &CancelHandle::new(),
        |p| steps.push(p),
        |time, image| {
            frames.push((time, image));
            Ok(())
        },
    )
    .expect("ten frames");
    assert_eq!(steps.first(), Some(&RangeProgress { done: 0, total: 10 }));
    assert_eq!(steps.last(), Some(&RangeProgress { done: 10, total: 10 }));
    assert_eq!(instance.violations(), Vec::<String>::new());
    frames
}

#[test]
fn a_range_comes_in_order_whatever_the_hosts_habits() {
    let base = Profile { suites: Suites::ALL, ..Profile::reference() };
    let right = range(base.clone(), "test.Blend");
    assert_eq!(right.iter().map(|(t, _)| *t).collect::<Vec<_>>(), (1..=10).map(f64::from).collect::<Vec<_>>());
    for other in [
        Profile { threads: 4, ..base.clone() },
        Profile { threads: 3, clone_for_render: true, ..base.clone() },
        Profile { threads: 2, instance_per_frame: true, last_frame_repeats: 5, ..base.clone() },
    ] {
        for ((t, a), (_, b)) in range(other, "test.Blend").iter().zip(&right) {
            assert!(a.same_pixels(b), "frame {t}");
        }
    }
}

#[test]
fn mlt_loads_and_creates_for_every_frame() {
    let profile = Profile::mlt();
    let renders = 3 + usize::try_from(profile.last_frame_repeats - 1).expect("a few");
    // No other test touches the binary while this host holds it.
    let instance = instance(profile, "test.Gain", Context::Filter);
    let count = || (LOADED.load(Ordering::Relaxed), CREATED.load(Ordering::Relaxed));
    let (loaded, created) = count();
    let mut frames = 0;
    render_range(
        &instance,
        RenderArgs::at(0.0),
        (1, 3),
        &CancelHandle::new(),
        |_| {},
        |_, _| {
            frames += 1;
            Ok(())
        },
    )
    .expect("three frames");
    assert_eq!(frames, 3, "the repeats are thrown away");
    assert_eq!(count(), (loaded + renders, created + renders));
}

#[test]
fn a_clone_has_the_parameters_keys_and_clips_of_its_original() {
    let original = instance(Profile::natron(), "test.Gain", Context::General);
    original.set("text", "some words").expect("a parameter");
    original.set("show", "Settings").expect("a choice");
    original.set_key("gain", 1.0, 1.0).expect("it animates");
    original.set_key("gain", 3.0, 3.0).expect("it animates");
    let copy = original.clone_for_render().expect("a clone");
    drop(original);
    let image = copy.render(RenderArgs::at(2.0)).expect("a picture");
    assert_eq!(image.pixel(0, 0), Some([2.0, 3.0, 0.0, 10.0]));
}

#[test]
fn eight_threads_on_one_instance_give_the_pixels_of_one() {
    let alone = instance(Profile::reference(), "test.Blend", Context::Filter);
    let right: Vec<HostImage> =
        (1..=10).map(|t| alone.render(RenderArgs::at(f64::from(t))).expect("a picture")).collect();
    drop(alone);
    let shared = instance(Profile { threads: 8, ..Profile::reference() }, "test.Blend", Context::Filter);
    let same = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let (shared, right, same) = (&shared, &right, &same);
            scope.spawn(move || {
                for i in 0..20 {
                    let t = (i * 3 + thread) % 10;
                    let image = shared.render(RenderArgs::at(f64::from(u8::try_from(t + 1).unwrap_or(1))));
                    same.fetch_add(usize::from(image.is_ok_and(|im| im.same_pixels(&right[t]))), Ordering::Relaxed);
                }
            });
        }
    });
    assert_eq!(same.into_inner(), 160);
    assert_eq!((shared.leaked_images(), shared.violations()), (0, Vec::new()));
}

#[test]
fn the_time_domain_is_asked_in_general_alone() {
    let wide = Some(RangeD { min: -1.0, max: 12.0 });
    assert_eq!(instance(Profile::natron(), "test.Blend", Context::General).time_domain().ok(), Some(wide));
    assert_eq!(instance(Profile::natron(), "test.Blend", Context::Filter).time_domain().ok(), Some(None));
    assert_eq!(instance(Profile::mlt(), "test.Blend", Context::Filter).time_domain().ok(), Some(None));
}

#[test]
fn frames_needed_and_identity_are_answered() {
    let blend = instance(Profile::natron(), "test.Blend", Context::Filter);
    let needed = blend.frames_needed(5.0).expect("an answer");
    let at = |t| RangeD { min: t, max: t };
    assert_eq!(needed, [("Source".to_owned(), vec![at(4.0), at(6.0)])]);
    drop(blend);
    let gain = instance(Profile::reference(), "test.Gain", Context::Filter);
    let identity = gain.is_identity(3.0).expect("an answer").expect("a gain of 1 changes nothing");
    assert_eq!((identity.clip.as_str(), identity.time), ("Source", 3.0));
    gain.set("gain", 2.0).expect("a parameter");
    assert_eq!(gain.is_identity(3.0).expect("an answer"), None);
}

#[test]
fn the_depth_is_the_sources_or_the_next_deeper_that_the_host_has() {
    for (profile, source, given) in [
        (Profile::mlt(), BitDepth::Byte, BitDepth::Byte),
        (Profile::mlt(), BitDepth::Half, BitDepth::Half),
        (Profile::fusion(), BitDepth::Half, BitDepth::Float),
        (Profile::natron(), BitDepth::Byte, BitDepth::Float),
        (Profile::bare(), BitDepth::Float, BitDepth::Byte),
    ] {
        let name = profile.label.clone();
        let instance = load(profile, "test.Gain").create(Context::Filter, project()).expect("an instance");
        instance.connect("Source", clip(PixelFormat::new(source, ofx::Components::Rgba))).expect("a clip");
        instance.set("gain", 0.5).expect("a parameter");
        let image = instance.render(RenderArgs::at(1.0)).expect("a picture");
        assert_eq!(image.format().depth, given, "{name}");
    }
}

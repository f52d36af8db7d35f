//! Every node on every axis of time that hosts have been seen to use: DaVinci Resolve's three, one whose range cannot be read,
//! and those that mean what they say. In Resolve's profiles a frame that was not announced is another picture.

use std::sync::Arc;

use ofx::{
    Context,
    host::{HostImage, MemoryClip, MessageKind, Profile, RenderArgs},
};

use super::{
    footage::{FLOAT, assert_same, clip, draw_sized, mean, panning, psnr, rubbish, texture},
    generate::{SIZE, model, take_files, takes},
    stage::{ANIMATE, BRIDGE, EXTEND, GENERATE, REPAIR, RETIME, Stage, turn},
};

const FRAMES: i32 = 20;

/// Every host that gives a filter its neighbours, in every context that has one clip, and the time of the clip's first frame.
fn everywhere(run: impl Fn(&str, Profile, Context, i32)) {
    let _turn = turn();
    for (name, profile) in Profile::all().into_iter().filter(|(_, profile)| profile.temporal) {
        let first = profile.first_time.unwrap_or(1);
        for context in [Context::Filter, Context::General] {
            run(&format!("{name} {context:?}"), profile.clone(), context, first);
        }
    }
}

/// Whether the host says where the editor cut the clip.
fn tells_the_cut(profile: &Profile) -> bool {
    !(profile.name.starts_with("DaVinci") || profile.name == "Baselight")
}

/// The pan, frame 0 of it at the clip's first; some frames replaced.
fn pan(first: i32, replaced: impl Fn(i32) -> Option<Arc<HostImage>>) -> Arc<MemoryClip> {
    let own = |at: i32| panning(f64::from(at), FLOAT);
    clip((first, first + FRAMES - 1), |t| Some(replaced(t - first).unwrap_or_else(|| own(t - first))))
}

fn own(at: i32) -> Arc<HostImage> {
    panning(f64::from(at), FLOAT)
}

/// A node at work on a clip, in a context that has one or two.
fn stage(profile: Profile, id: &str, context: Context, clip: Arc<MemoryClip>) -> Stage {
    if id != BRIDGE || context == Context::Filter {
        return Stage::new(profile, id, context, clip);
    }
    let project = ofx::host::Project::new(96, 64, 0.0, 0.0);
    let stage = Stage::empty(profile, id, context, project);
    for name in ["SourceFrom", "SourceTo"] {
        stage.connect(name, clip.clone()).expect("it has two clips");
    }
    stage
}

#[track_caller]
fn press_at(stage: &Stage, time: i32, button: &str) {
    stage.go_to(f64::from(time));
    stage.press(button).unwrap_or_else(|e| panic!("{button}: {e}"));
}

/// The frames of the clip, and of what follows, that are white in the node's own matte, counted from the clip's first.
fn made(stage: &Stage, first: i32) -> Vec<i32> {
    stage.put("output", "Matte");
    let white = (0..FRAMES).filter(|at| stage.at(f64::from(first + at)).to_rgba()[0] == 1.0).collect();
    stage.put("output", "Result");
    white
}

#[test]
fn repair_makes_what_is_listed() {
    everywhere(|name, profile, context, first| {
        let lost = |at: i32| (5..=6).contains(&at).then(rubbish);
        let stage = stage(profile, REPAIR, context, pan(first, lost));
        stage.put("frames", &format!("{}-{}", first + 5, first + 6));
        assert_eq!(made(&stage, first), [5, 6], "{name}");
        for at in [0, 4, 7, FRAMES - 1] {
            assert_same(&stage.at(f64::from(first + at)), &own(at), &format!("{name}: frame {at} is good"));
        }
        for at in [5, 6] {
            let blend = psnr(&mean(&own(4), &own(7)), &own(at));
            let is = psnr(&stage.at(f64::from(first + at)), &own(at));
            assert!(is > blend + 1.0, "{name}: frame {at} is {is:.1} dB, the mean of its neighbours {blend:.1}");
        }
        // At the clip's ends too, where nobody says that they are its ends.
        stage.put("frames", &format!("{first}, {}", first + FRAMES - 1));
        assert_same(&stage.at(f64::from(first)), &own(1), &format!("{name}: the first is held from the second"));
        let last = stage.at(f64::from(first + FRAMES - 1));
        assert_same(&last, &own(FRAMES - 2), &format!("{name}: the last is held"));
    });
}

#[test]
fn repair_finds_damage() {
    everywhere(|name, profile, context, first| {
        let black = |at: i32| (at == 7).then(super::footage::black);
        let searches = profile.button_images;
        let stage = stage(profile, REPAIR, context, pan(first, black));
        press_at(&stage, first + 3, "find");
        if searches {
            assert_eq!(stage.get("frames", 0.0).map(|v| v.to_string()), Some((first + 7).to_string()), "{name}");
            stage.put("frames", "");
            stage.put("automatic", "true");
        } else {
            let said = stage.messages().into_iter().any(|m| m.text.contains("no pictures"));
            assert!(said, "{name}: the node says that it looks as it renders");
        }
        assert_eq!(made(&stage, first), [7], "{name}");
    });
}

#[test]
fn retime_starts_with_the_clip_or_where_it_is_told() {
    everywhere(|name, profile, context, first| {
        let tells = tells_the_cut(&profile);
        let stage = stage(profile, RETIME, context, pan(first, |_| None));
        if tells {
            stage.put("speed", "50");
        } else {
            stage.go_to(f64::from(first));
            stage.put("speed", "50");
            assert_eq!(stage.get("start", 0.0), Some(first.into()), "{name}: a speed starts where it is set");
            press_at(&stage, first + 4, "startHere");
            assert_same(&stage.at(f64::from(first + 4)), &own(4), &format!("{name}: the start"));
            press_at(&stage, first, "startHere");
        }
        for at in [0, 2, 8] {
            assert_same(&stage.at(f64::from(first + at)), &own(at / 2), &format!("{name}: frame {at}"));
        }
        for at in [3, 7] {
            let truth = panning(f64::from(at) / 2.0, FLOAT);
            let blend = psnr(&mean(&own(at / 2), &own(at / 2 + 1)), &truth);
            let is = psnr(&stage.at(f64::from(first + at)), &truth);
            assert!(is > blend + 1.0, "{name}: frame {at} is {is:.1} dB, the mean {blend:.1}");
        }
    });
}

#[test]
fn retime_passes_the_clip_and_says_why_where_nothing_says_where_it_starts() {
    let _turn = turn();
    for profile in [Profile::resolve(), Profile::resolve_media(), Profile::resolve_adjustment(), Profile::baselight()] {
        let (first, label) = (profile.first_time.expect("it has an axis of its own"), profile.label.clone());
        let stage = stage(profile, RETIME, Context::Filter, pan(first, |_| None));
        stage.go_to(f64::from(first));
        stage.put("speed", "50");
        stage.put("start", "0");
        stage.put("starts", "With the clip");
        assert_same(&stage.at(f64::from(first + 3)), &own(3), &label);
    }
    // As hosts render that do not ask whether a frame is the clip's own.
    let plain = ofx::host::Calls { identity: false, ..ofx::host::Calls::ALL };
    let profile = Profile { calls: plain, ..Profile::resolve() };
    let stage = stage(profile, RETIME, Context::Filter, pan(6816, |_| None));
    stage.go_to(6816.0);
    stage.put("speed", "50");
    stage.put("start", "0");
    stage.put("starts", "With the clip");
    assert_same(&stage.at(6819.0), &own(3), "it passes");
    stage.at(6820.0);
    let said: Vec<_> = stage.messages().into_iter().filter(|m| m.text.contains("“Start here”")).collect();
    assert_eq!(said.len(), 1, "it is said once: {said:?}");
    assert_eq!(said[0].kind, MessageKind::Warning);
}

#[test]
fn where_nothing_says_where_the_clip_starts_the_user_is_told_if_the_speed_ever_changes() {
    let _turn = turn();
    let plain = ofx::host::Calls { identity: false, ..ofx::host::Calls::ALL };
    let profile = Profile { calls: plain, ..Profile::resolve() };
    let stage = stage(profile, RETIME, Context::Filter, pan(6816, |_| None));
    let told = || stage.messages().iter().any(|m| m.text.contains("“Start here”"));
    assert_same(&stage.at(6818.0), &own(2), "at 100 % it passes");
    assert!(!told(), "a node that does nothing has nothing to say");
    // A curve that is at 100 % now shows other frames later.
    for (time, speed) in [(6816.0, 100.0), (6820.0, 100.0), (6826.0, 50.0)] {
        stage.set_key("speed", time, speed).expect("it can be keyframed");
    }
    stage.put("start", "0");
    stage.put("starts", "With the clip");
    assert_same(&stage.at(6818.0), &own(2), "it passes");
    assert!(told(), "a curve without a start");
}

/// The pan stands still from frame 12 on, as an editor's freeze does.
fn frozen(first: i32) -> Arc<MemoryClip> {
    pan(first, |at| (at > 12).then(|| own(12)))
}

#[test]
fn extend_replaces_the_freeze_at_the_clips_end() {
    everywhere(|name, profile, context, first| {
        let (tells, searches) = (tells_the_cut(&profile), profile.button_images);
        let stage = stage(profile, EXTEND, context, frozen(first));
        [("tail", "4"), ("by", "Motion"), ("rest", "240")].iter().for_each(|(id, value)| stage.put(id, value));
        if tells {
            press_at(&stage, first + 3, "findFreeze");
        }
        let check = |how: &str| {
            assert_eq!(made(&stage, first), [13, 14, 15, 16], "{name}, {how}");
            for at in [0, 11, 12, 17, FRAMES - 1] {
                let should = own(at.min(12));
                assert_same(&stage.at(f64::from(first + at)), &should, &format!("{name}, {how}: frame {at}"));
            }
            for at in [13, 15] {
                let (is, held) = (psnr(&stage.at(f64::from(first + at)), &own(at)), psnr(&own(12), &own(at)));
                assert!(is > held + 3.0, "{name}, {how}: frame {at} is {is:.1} dB, a freeze {held:.1}");
            }
        };
        check(if tells { "found by the button" } else { "found as it is rendered" });
        if !tells {
            press_at(&stage, first + 15, "findFreeze");
            let good = if searches { first + 12 } else { 0 };
            assert_eq!(stage.get("lastGood", 0.0), Some(good.into()), "{name}");
            check("found by the button");
        }
    });
}

#[test]
fn extend_takes_no_still_and_no_held_animation_for_a_freeze() {
    let _turn = turn();
    for profile in [Profile::resolve(), Profile::resolve_media(), Profile::baselight()] {
        let (first, label) = (profile.first_time.expect("it has an axis of its own"), profile.label.clone());
        let on_threes = pan(first, |at| Some(own(at / 3 * 3)));
        let stage = stage(profile.clone(), EXTEND, Context::Filter, on_threes);
        stage.put("tail", "4");
        assert_eq!(made(&stage, first), [0; 0], "{label}: on threes");
        drop(stage);
        let stage = self::stage(profile, EXTEND, Context::Filter, pan(first, |_| Some(own(3))));
        stage.put("tail", "4");
        assert_eq!(made(&stage, first), [0; 0], "{label}: a still");
    }
}

#[test]
fn bridge_leads_over_a_jump_from_where_it_is_told() {
    everywhere(|name, profile, context, first| {
        let jump = |at: i32| Some(own(if at < 10 { at } else { at + 3 }));
        let stage = stage(profile, BRIDGE, context, pan(first, jump));
        assert_same(&stage.at(f64::from(first + 9)), &own(9), &format!("{name}: unasked the clip passes"));
        stage.put("length", "3");
        stage.put("by", "Motion");
        press_at(&stage, first + 10, "startHere");
        assert_eq!(made(&stage, first), [10, 11, 12], "{name}");
        assert_same(&stage.at(f64::from(first + 9)), &own(9), &format!("{name}: before"));
        assert_same(&stage.at(f64::from(first + 13)), &own(16), &format!("{name}: after"));
        let truth = panning(9.0 + 7.0 / 2.0, FLOAT);
        let (is, blend) = (psnr(&stage.at(f64::from(first + 11)), &truth), psnr(&mean(&own(9), &own(16)), &truth));
        assert!(is > blend + 1.0, "{name}: {is:.1} dB, a dissolve {blend:.1}");
    });
}

#[test]
fn bridge_needs_no_second_clip_though_it_looks_connected() {
    everywhere(|name, profile, context, first| {
        if context == Context::Filter {
            return;
        }
        let jump = |at: i32| Some(own(if at < 10 { at } else { at + 3 }));
        let stage = Stage::empty(profile, BRIDGE, context, ofx::host::Project::new(96, 64, 0.0, 0.0));
        stage.connect("SourceFrom", pan(first, jump)).expect("the only clip");
        stage.put("length", "3");
        stage.put("by", "Motion");
        press_at(&stage, first + 10, "startHere");
        assert_eq!(made(&stage, first), [10, 11, 12], "{name}");
        for (at, shown) in [(9, 9), (13, 16), (18, 21)] {
            assert_same(&stage.at(f64::from(first + at)), &own(shown), &format!("{name}: frame {at}"));
        }
        let truth = panning(9.0 + 7.0 / 2.0, FLOAT);
        let (is, blend) = (psnr(&stage.at(f64::from(first + 11)), &truth), psnr(&mean(&own(9), &own(16)), &truth));
        assert!(is > blend + 1.0, "{name}: {is:.1} dB, a dissolve {blend:.1}");
        stage.put("by", "Dissolve");
        let early = stage.at(f64::from(first + 10));
        assert!(psnr(&early, &own(9)) > psnr(&early, &own(16)) + 1.0, "{name}: a dissolve begins with the clip before");
    });
}

#[test]
fn animate_moves_a_still_on_any_axis() {
    everywhere(|name, profile, context, first| {
        let tells = tells_the_cut(&profile);
        let stage = stage(profile, ANIMATE, context, pan(first, |_| None));
        [("length", "5"), ("camera", "Push in")].iter().for_each(|(id, value)| stage.put(id, value));
        let unasked = made(&stage, first);
        if tells {
            assert_eq!(unasked, [1, 2, 3, 4], "{name}");
        } else {
            assert_eq!(unasked.len() as i32, (first..first + FRAMES).filter(|t| t % 5 != 0).count() as i32, "{name}");
        }
        press_at(&stage, first + 6, "stillHere");
        assert_eq!(made(&stage, first), [7, 8, 9, 10], "{name}");
        let domain = stage.time_domain().expect(name).map(|d| (d.min, d.max));
        let shot = (f64::from(first + 6), f64::from(first + 10));
        let whole = (f64::from(first), f64::from(first + FRAMES - 1));
        let right = if tells { whole } else { shot };
        assert_eq!(domain, (context == Context::General).then_some(right), "{name}");
        assert_same(&stage.at(f64::from(first + 6)), &own(6), &format!("{name}: the still"));
        assert_same(&stage.at(f64::from(first + 11)), &own(11), &format!("{name}: after the shot"));
        // Closing in on the middle, which stays where it is: the still's own pixels, and none of the clip's later frames.
        let (is, later) = (stage.at(f64::from(first + 7)), own(7));
        assert!(psnr(&is, &own(6)) > psnr(&is, &later) + 3.0, "{name}: it is the still that moves");
        assert!(!is.same_pixels(&own(6)), "{name}: and it does move");
    });
}

fn generated(profile: Profile, context: Context, first: i32) -> Stage {
    let source = draw_sized(SIZE, FLOAT, texture);
    let stage = Stage::new(profile, GENERATE, context, clip((first, first + FRAMES - 1), |_| Some(source.clone())));
    let settings = [("prompt", "a kite"), ("length", "5"), ("steps", "1"), ("footage", "Display-referred")];
    settings.iter().for_each(|(id, value)| stage.put(id, value));
    stage.put("model", &model());
    stage
}

#[test]
fn generate_shows_its_shot_on_any_axis() {
    takes();
    everywhere(|name, profile, context, first| {
        let tells = tells_the_cut(&profile);
        let stage = generated(profile, context, first);
        let unasked = made(&stage, first);
        assert_eq!(unasked.len(), if tells { 5 } else { FRAMES as usize }, "{name}");
        press_at(&stage, first + 8, "startHere");
        assert_eq!(made(&stage, first), [8, 9, 10, 11, 12], "{name}");
        assert_same(&stage.at(f64::from(first + 7)), &draw_sized(SIZE, FLOAT, texture), &format!("{name}: before"));
        assert!(!stage.at(f64::from(first + 8)).same_pixels(&draw_sized(SIZE, FLOAT, texture)), "{name}: the shot");
    });
}

#[test]
fn no_thumbnail_starts_a_shot_however_the_host_says_that_it_is_one() {
    takes();
    let _turn = turn();
    for profile in [Profile::reference(), Profile::resolve()] {
        let label = profile.label.clone();
        let first = profile.first_time.unwrap_or(1);
        let stage = generated(profile, Context::Filter, first);
        stage.put("prompt", "a kite that nobody has made");
        let before = take_files();
        let thumbnail = RenderArgs { thumbnail: true, ..RenderArgs::at(f64::from(first)) };
        stage.render(thumbnail).unwrap_or_else(|e| panic!("{label}: {e}"));
        assert_eq!(take_files(), before, "{label}");
    }
}

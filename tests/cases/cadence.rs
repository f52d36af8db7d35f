//! Clips of one rate on a timeline of another: cycles of exact repeats, which are no damage, and are smoothed where that is asked.

use std::sync::Arc;

use ofx::{
    Context,
    host::{HostImage, MemoryClip, Profile},
};

use super::{
    footage::{FLOAT, assert_same, clip, mean, panning, psnr},
    stage::{REPAIR, RETIME, Stage},
};

const FRAMES: i32 = 30;

/// The pan as it is shown where each picture stands for `rate` frames: the latest picture of each frame's time.
fn conformed(rate: f64, first: i32) -> Arc<MemoryClip> {
    clip((first, first + FRAMES - 1), |t| Some(picture(shown(t - first, rate), rate)))
}

fn shown(frame: i32, rate: f64) -> f64 {
    (f64::from(frame) / rate + 1e-9).floor()
}

/// A picture of the clip, as the pan has it when it was taken.
fn picture(number: f64, rate: f64) -> Arc<HostImage> {
    panning(number * rate, FLOAT)
}

fn repair(profile: Profile, clip: Arc<MemoryClip>, settings: &[(&str, &str)]) -> Stage {
    let stage = Stage::new(profile, REPAIR, Context::Filter, clip);
    settings.iter().for_each(|(id, value)| stage.put(id, value));
    stage
}

/// What motion makes at some frames between the true pictures of the clip, had it come as it was taken.
fn of_true_pictures(rate: f64, frames: std::ops::Range<i32>) -> Vec<HostImage> {
    let taken = clip((0, FRAMES - 1), |t| Some(picture(f64::from(t), rate)));
    let stage = Stage::new(Profile::reference(), RETIME, Context::Filter, taken);
    stage.put("by", "Source frame");
    stage.put("quality", "Best");
    let at = |frame: i32| {
        stage.put("sourceFrame", &(f64::from(frame) / rate).to_string());
        stage.at(10.0)
    };
    frames.map(at).collect()
}

#[test]
fn a_cadence_is_smoothed_as_the_true_pictures_would_be() {
    for profile in [Profile::reference(), Profile::resolve(), Profile::natron()] {
        for rate in [1.2, 2.5] {
            let (name, first) = (profile.label.clone(), profile.first_time.unwrap_or(0));
            let best = of_true_pictures(rate, 10..16);
            let stage = repair(profile.clone(), conformed(rate, first), &[("smoothCadence", "true")]);
            for (at, best) in (10..16).zip(&best) {
                let is = stage.at(f64::from(first + at));
                let whole = f64::from(at) / rate;
                if (whole - whole.round()).abs() < 1e-6 {
                    assert_same(
                        &is,
                        &picture(whole.round(), rate),
                        &format!("{name} {rate}: frame {at} is the clip's own"),
                    );
                    continue;
                }
                let truth = panning(f64::from(at), FLOAT);
                let (before, after) = (picture(whole.floor(), rate), picture(whole.ceil(), rate));
                let (made, blend) = (psnr(&is, &truth), psnr(&mean(&before, &after), &truth));
                let held = psnr(&before, &truth).max(psnr(&after, &truth));
                let best = psnr(best, &truth);
                assert!(
                    made > blend + 1.0 && made > held + 1.0 && made > best - 1.0,
                    "{name} {rate}: frame {at} is {made:.1} dB, {blend:.1}, {held:.1}; of the true pictures {best:.1}"
                );
            }
        }
    }
}

#[test]
fn a_search_tells_repeats_that_are_far_apart() {
    let on_25 = |t: i32| picture(shown(t, 25.0 / 24.0), 25.0 / 24.0);
    let search = |clip: Arc<MemoryClip>, settings: &[(&str, &str)]| {
        let stage = repair(Profile::reference(), clip, settings);
        stage.press("find").expect("it can be searched");
        let said = stage.messages().last().map(|message| message.text.clone()).unwrap_or_default();
        (stage.get("frames", 0.0).map(|v| v.to_string()).unwrap_or_default(), said)
    };
    let last = 99;
    let (listed, said) = search(clip((0, last), |t| Some(on_25(t))), &[]);
    assert!(listed.is_empty() && said.contains("every 25.0 frames"), "{listed}: {said}");
    let (listed, _) = search(clip((0, last), |t| Some(on_25(t))), &[("repeats", "Damage")]);
    assert_eq!(listed, "26, 51, 76", "a repeat is the second of two");
    let one_more = clip((0, last), |t| Some(if t == 60 { on_25(59) } else { on_25(t) }));
    let (listed, said) = search(one_more, &[]);
    assert_eq!(listed, "26, 51, 60, 76", "an uneven row is no cycle: {said}");
}

#[test]
fn repeats_in_a_cycle_are_no_damage_unless_they_are_said_to_be() {
    for rate in [1.2, 2.5] {
        let stage = repair(Profile::reference(), conformed(rate, 0), &[("automatic", "true")]);
        let repeat = (10..16).find(|t| shown(*t, rate) == shown(t - 1, rate)).expect("there is one");
        assert!((10..16).all(|t| !stage.is_made(f64::from(t))), "{rate}: nothing is made");
        stage.press("find").expect("it can be searched");
        let listed = stage.get("frames", 0.0).map(|v| v.to_string()).expect("a list");
        let inner = listed.split([',', '-']).filter_map(|n| n.trim().parse::<i32>().ok()).any(|n| (8..22).contains(&n));
        assert!(!inner, "{rate}: {listed}");
        stage.put("frames", "");
        stage.put("repeats", "Damage");
        if rate < 2.0 {
            assert!(stage.is_made(f64::from(repeat)), "{rate}: frame {repeat} is damage where that is asked");
        }
    }
}

#[test]
fn nothing_is_assumed_of_a_still_a_fade_and_an_irregular_row() {
    let fade = |t: i32| {
        let dim = 1.0 - t as f32 / 40.0;
        super::footage::draw(FLOAT, move |x, y| super::footage::texture(x, y).map(|v| v * dim))
    };
    let irregular = |t: i32| panning(f64::from(t - i32::from([11, 13, 18].contains(&t))), FLOAT);
    let still: fn(i32) -> Arc<HostImage> = |_| panning(3.0, FLOAT);
    for (what, draw) in [
        ("a still", Box::new(still) as Box<dyn Fn(i32) -> Arc<HostImage>>),
        ("a fade", Box::new(fade)),
        ("irregular", Box::new(irregular)),
    ] {
        let stage =
            repair(Profile::reference(), clip((0, FRAMES - 1), |t| Some(draw(t))), &[("smoothCadence", "true")]);
        for t in [8, 12, 13, 17] {
            assert!(!stage.is_made(f64::from(t)), "{what}: frame {t}");
            assert_same(&stage.at(f64::from(t)), &draw(t), what);
        }
    }
}

#[test]
fn a_slowed_clip_does_not_stutter_over_its_repeats() {
    let rate = 1.2;
    for profile in [Profile::reference(), Profile::resolve()] {
        let (name, first) = (profile.label.clone(), profile.first_time.unwrap_or(0));
        let stage = Stage::new(profile, RETIME, Context::Filter, conformed(rate, first));
        stage.go_to(f64::from(first));
        stage.put("speed", "50");
        for at in [21, 23, 26] {
            let truth = panning(f64::from(at) / 2.0, FLOAT);
            let time = f64::from(first + at);
            let plain = psnr(&stage.at(time), &truth);
            stage.put("smoothCadence", "true");
            let smooth = psnr(&stage.at(time), &truth);
            stage.put("smoothCadence", "false");
            assert!(smooth > plain + 3.0, "{name}: frame {at} is {smooth:.1} dB at its true time, {plain:.1} dB else");
        }
    }
}

//! Parameters: described once, set by a user, by keys, by a button.

use ofx::{
    Context,
    host::{ParamKind, Profile, RenderArgs, Value},
};

use crate::{instance, load};

#[test]
fn every_profile_sees_the_same_parameters_with_sound_limits() {
    for (name, profile) in Profile::all() {
        let effect = load(profile, "test.Gain");
        let d = effect.describe_in(Context::Filter).expect(name);
        let ids: Vec<&str> = d.params.iter().filter(|p| p.kind != ParamKind::Page).map(|p| p.id.as_str()).collect();
        assert_eq!(ids, ["gain", "number", "switch", "show", "text", "find"], "{name}");
        let gain = d.param("gain").expect(name);
        assert_eq!((gain.min[0], gain.max[0], gain.display_max[0]), (0.0, 8.0, 2.0), "{name}");
        assert_eq!(gain.default, Some(Value::from(1.0)), "{name}");
        assert!(gain.animates && gain.label == "Gain" && gain.hint.contains("multiplied"), "{name}");
        let number = d.param("number").expect(name);
        assert_eq!((number.min[0], number.max[0], number.display_max[0]), (0.0, 1000.0, 100.0), "{name}");
        assert_eq!(d.param("show").expect(name).choices, ["Result", "Settings"], "{name}");
        assert_eq!(d.param("find").expect(name).kind, ParamKind::PushButton, "{name}");
        let clips: Vec<&str> = d.clips.iter().map(|c| c.id.as_str()).collect();
        assert_eq!(clips, ["Source", "Output"], "{name}");
    }
}

#[test]
fn every_kind_of_value_reaches_the_render() {
    let instance = instance(Profile::reference(), "test.Gain", Context::Filter);
    for (id, value) in [("gain", "2.5"), ("number", "77"), ("switch", "on"), ("show", "settings"), ("text", "3-5, 9")] {
        instance.set(id, value).expect(id);
    }
    let image = instance.render(RenderArgs::at(1.0)).expect("a picture");
    assert_eq!(image.pixel(0, 0), Some([2.5, 77.0, 1.0, 6.0]));
}

#[test]
fn a_key_is_interpolated_at_the_time_rendered() {
    let instance = instance(Profile::reference(), "test.Gain", Context::Filter);
    instance.set("show", "Settings").expect("a choice");
    instance.set_key("gain", 1.0, 0.0).expect("it animates");
    instance.set_key("gain", 5.0, 2.0).expect("it animates");
    for (time, gain) in [(0.0, 0.0), (2.0, 0.5), (3.5, 1.25), (9.0, 2.0)] {
        let image = instance.render(RenderArgs::at(time)).expect("a picture");
        assert_eq!(image.pixel(0, 0).map(|p| p[0]), Some(gain), "at {time}");
    }
    let error = instance.set_key("switch", 1.0, true).expect_err("it does not animate").to_string();
    assert!(error.contains("switch"), "{error}");
}

#[test]
fn a_value_that_makes_no_sense_is_an_error_that_says_so() {
    let instance = instance(Profile::reference(), "test.Gain", Context::Filter);
    for (id, value, said) in [
        ("gain", "9", "0 to 8"),
        ("gain", "loud", "loud"),
        ("show", "Everything", "Settings"),
        ("nothing", "1", "gain, number"),
        ("find", "1", "button"),
    ] {
        let error = instance.set(id, value).expect_err(id).to_string();
        assert!(error.contains(said), "{id}: {error}");
    }
    assert_eq!(instance.get("gain", 0.0), Some(Value::from(1.0)), "nothing was changed");
}

#[test]
fn a_button_changes_parameters_and_says_what_it_found() {
    for (name, profile) in Profile::all() {
        let has_buttons = profile.calls.instance_changed;
        let seen = if profile.button_images { "saw 7 pixels" } else { "saw 0 pixels" };
        let speaks = profile.suites.message != ofx::host::MessageSuite::None;
        let instance = instance(profile, "test.Gain", Context::Filter);
        if !has_buttons {
            assert!(instance.press("find").is_err(), "{name} has no buttons");
            continue;
        }
        instance.press("find").expect(name);
        assert_eq!(instance.get("text", 0.0), Some(Value::from(seen)), "{name}");
        assert_eq!(instance.get("number", 0.0), Some(Value::from(42)), "{name}");
        let said: Vec<String> = instance.messages().into_iter().map(|m| m.text).collect();
        assert_eq!(said, if speaks { vec!["Gain: found 100% of it"] } else { vec![] }, "{name}");
        assert_eq!((instance.violations(), instance.leaked_images()), (Vec::new(), 0), "{name}");
    }
}

#[test]
fn a_number_without_limits_is_locked_where_the_host_does_so() {
    // Both sides together must leave no number locked: every one of the effect's numbers can be set in Resolve.
    let instance = instance(Profile::resolve(), "test.Gain", Context::Filter);
    instance.set("gain", 8.0).expect("not locked into -1 to 1");
    instance.set("number", 1000).expect("not locked into 0 to 0");
}

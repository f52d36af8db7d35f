//! Finding effects and what they say of themselves.

use ofx::{
    Context,
    host::{Binary, Host, HostError, Profile},
};

use crate::{effects, load, project};

#[test]
fn the_plugins_of_a_binary_are_listed_with_their_versions() {
    let host = Host::new(Profile::resolve());
    let plugins = host.plugins(&Binary::in_process(effects::binary())).expect("a list");
    let ids: Vec<&str> = plugins.iter().map(|p| p.id()).collect();
    assert_eq!(ids, ["test.Gain", "test.Blend", "test.Trouble"]);
    assert_eq!(plugins[0].version(), (1, 0));
}

#[test]
fn an_effect_describes_itself_to_every_host() {
    for (name, profile) in Profile::all() {
        let d = load(profile, "test.Gain").descriptor();
        assert_eq!((d.label.as_str(), d.grouping.as_str()), ("Gain", "Test"), "{name}");
        assert_eq!(d.contexts, [Context::Filter, Context::General], "{name}");
        assert_eq!((d.tiles, d.temporal), (true, false), "{name}");
    }
}

#[test]
fn an_effect_refuses_a_context_that_it_does_not_do() {
    let effect = load(Profile::reference(), "test.Gain");
    assert_eq!(effect.contexts(), [Context::Filter, Context::General]);
    assert!(matches!(effect.create(Context::Retimer, project()), Err(HostError::Context { .. })));
}

//! What a declaration turns into.

use super::*;

#[test]
fn a_declaration_gives_specs_defaults_and_ids() {
    let specs = TestParams::specs();
    let ids: Vec<_> = specs.iter().map(|s| (s.id, s.parent)).collect();
    let expected = [
        ("frames", None),
        ("damaged", None),
        ("how", None),
        ("threshold", None),
        ("extra", None),
        ("shift", Some("extra")),
        ("find", None),
        ("shown", None),
    ];
    assert_eq!(ids, expected);
    assert_eq!(specs[0].hint, "Frames to replace, such as `101-104`.");
    assert_eq!(specs[0].host_hint(), "Frames to replace, such as 101-104.");
    assert_eq!(specs[2].host_hint(), "How.\nCopy: Copies the source.");
    assert_eq!((specs[1].animates, specs[3].animates, specs[3].integrates), (true, false, true));
    assert_eq!((specs[5].label, specs[6].redraws, specs[7].redraws), ("Shift", false, false));
    assert_eq!(Mode::OPTIONS[1].label, "By hand");
    let defaults = TestParams::default();
    assert_eq!((defaults.frames.as_str(), defaults.mode, defaults.extra.shift), ("1-3", Mode::PixelByPixel, -2));
    assert_eq!(TestParams::MODE.id(), "how");
    assert_eq!(TestClips::SPECS.iter().map(|c| c.name).collect::<Vec<_>>(), ["Source", "Mask", "Output"]);
}

#[test]
fn a_flattened_struct_stands_as_if_written_out() {
    #[derive(crate::Params, Clone, Debug, PartialEq)]
    struct Shared {
        /// One of several.
        #[param(id = "shared", default = 4, range = 0..=9)]
        shared: i32,
    }

    #[derive(crate::Params, Clone, Debug, PartialEq)]
    struct Whole {
        /// Before it.
        #[param(id = "before", default = true)]
        before: bool,
        #[flatten]
        shared: Shared,
        /// A group with the same in it would clash; another may stand in one.
        #[group(label = "Group")]
        group: Inner,
    }

    #[derive(crate::Params, Clone, Debug, PartialEq)]
    struct Inner {
        #[flatten]
        inner: Innermost,
    }

    #[derive(crate::Params, Clone, Debug, PartialEq)]
    struct Innermost {
        /// Within.
        #[param(id = "within", default = false)]
        within: bool,
    }

    let ids: Vec<_> = Whole::specs().iter().map(|s| (s.id, s.parent)).collect();
    assert_eq!(ids, [("before", None), ("shared", None), ("group", None), ("within", Some("group"))]);
    assert_eq!(Whole::default().shared.shared, 4);
}

#[test]
fn the_documented_table_has_a_row_for_each_parameter() {
    let table = crate::plugin::markdown_table::<Copier>();
    assert_eq!(table.lines().count(), 2 + TestParams::specs().len());
    assert!(table.contains("| Threshold | `threshold` | number | 0.5 | 0 to 1 |"), "{table}");
    assert!(table.contains("| By hand | Copy, By hand | How. *Copy*: Copies the source. |"), "{table}");
}

#[test]
fn describe_sets_what_hosts_bite_on() {
    let plugin = Plugin::loaded(0);
    let effect = fake::Effect::default();
    assert_eq!(plugin.act(props::ACTION_DESCRIBE, effect.handle(), None, None), Status::OK);
    let contexts = effect.props.texts(props::PROP_SUPPORTED_CONTEXTS);
    assert_eq!(contexts, ["OfxImageEffectContextFilter", "OfxImageEffectContextGeneral"]);
    assert_eq!(effect.props.texts(props::PROP_SUPPORTED_PIXEL_DEPTHS).len(), 4);
    assert_eq!(effect.props.texts(props::PROP_LABEL), ["Test effect"]);
    assert_eq!(effect.props.all(props::PROP_VERSION), ints(&[2, 3]));
    assert_eq!(effect.props.all(props::PROP_SUPPORTS_TILES), ints(&[0]));
    assert_eq!(effect.props.all(props::PLUGIN_PROP_FIELD_RENDER_TWICE_ALWAYS), ints(&[0]));

    let args = fake::Set::default().with(props::PROP_CONTEXT, &[text(props::CONTEXT_FILTER)]);
    assert_eq!(plugin.act(props::ACTION_DESCRIBE_IN_CONTEXT, effect.handle(), Some(&args), None), Status::OK);
    let clips = effect.clips.lock();
    assert!(clips.contains_key(c"Source") && clips.contains_key(c"Output") && !clips.contains_key(c"Mask"));
    assert_eq!(clips[c"Source"].props.all(props::PROP_TEMPORAL_CLIP_ACCESS), ints(&[1]));
    let params = effect.params.lock();
    assert!(!params.contains_key(c"shown"), "it is for the General context alone");
    // Resolve locks a number to (0, 0) unless all four are there.
    let (_, threshold) = &params[c"threshold"];
    let limits =
        [props::PARAM_PROP_MIN, props::PARAM_PROP_MAX, props::PARAM_PROP_DISPLAY_MIN, props::PARAM_PROP_DISPLAY_MAX];
    assert_eq!(limits.map(|name| threshold.all(name)), [0.0, 1.0, 0.0, 0.2].map(|v| doubles(&[v])));
    assert_eq!(threshold.texts(props::PARAM_PROP_CACHE_INVALIDATION), ["OfxParamInvalidateValueChangeToEnd"]);
    let (kind, mode) = &params[c"how"];
    assert_eq!(kind.as_c_str(), props::PARAM_TYPE_CHOICE, "a StrChoice aborts Natron");
    assert_eq!(mode.texts(props::PARAM_PROP_CHOICE_OPTION), ["Copy", "By hand"]);
    assert_eq!(params[c"shift"].1.texts(props::PARAM_PROP_PARENT), ["extra"]);
    assert_eq!(params[c"frames"].1.all(props::PARAM_PROP_ANIMATES), ints(&[0]));
}

#[test]
fn declarations_that_do_not_fit_are_found() {
    struct NoSource;
    #[derive(ofx::Clips)]
    struct OutputOnly {
        output: Clip,
    }
    impl Effect for NoSource {
        const META: Meta = Meta::new("org.pickup.test.NoSource", "x");
        type Params = ();
        type Clips = OutputOnly;
        fn new(_: &Create<'_, Self>) -> Result<Self> {
            Ok(Self)
        }
        fn render(&self, cx: &Render<'_, Self>) -> Result<()> {
            let _ = cx.clips().output;
            Ok(())
        }
    }
    assert!(
        crate::plugin::check::<NoSource>().unwrap_err().to_string().contains("Filter needs a clip named \"Source\"")
    );
    assert!(crate::plugin::check::<Copier>().is_ok());
    assert!(!crate::plugin::ids_are_sound(&[Meta::new("a.B", ""), Meta::new("A.b", "")]));
    assert!(!crate::plugin::ids_are_sound(&[Meta::new("a b", "")]));
    assert!(crate::plugin::ids_are_sound(&[Meta::new("a.b", ""), Meta::new("a.c", "")]));
}

//! The standard's property sets, with every property that belongs in each and its default.

use std::{
    ffi::{CStr, CString},
    sync::Arc,
};

use super::{
    profiles::Profile,
    property::{Access, Owner, PropertySet, SetKind, cstring},
    value::ParamKind,
};
use crate::{
    props::*,
    sys::{
        generic::core::{kOfxFlagInfiniteMax, kOfxFlagInfiniteMin},
        image_effect_v1::{gpu_render as gpu, image_effect::*, parametric_param as curve},
    },
};

/// Properties that came with OpenFX 1.5: older hosts do not know them.
const SINCE_1_5: &[&CStr] = &[
    PROP_COLOUR_MANAGEMENT_STYLE,
    PROP_COLOUR_MANAGEMENT_AVAILABLE_CONFIGS,
    PROP_COLOUR_MANAGEMENT_CONFIG,
    PROP_OCIO_CONFIG,
    PROP_OCIO_DISPLAY,
    PROP_OCIO_VIEW,
    PROP_DISPLAY_COLOURSPACE,
    IMAGE_CLIP_PROP_COLOURSPACE,
    IMAGE_CLIP_PROP_PREFERRED_COLOURSPACES,
    PROP_NO_SPATIAL_AWARENESS,
    PROP_THUMBNAIL_RENDER,
    gpu::kOfxImageEffectPropCPURenderSupported,
    PARAM_HOST_PROP_SUPPORTS_STR_CHOICE,
    PARAM_HOST_PROP_SUPPORTS_STR_CHOICE_ANIMATION,
    PARAM_PROP_CHOICE_ORDER,
    PARAM_PROP_CHOICE_ENUM,
];

/// Takes away what this host does not have.
pub(crate) fn prune(set: &PropertySet, profile: &Profile) {
    let absent = profile.missing.iter().filter(|(k, _)| *k == set.kind()).map(|(_, p)| *p);
    let newer = SINCE_1_5.iter().copied().filter(|_| profile.api < (1, 5));
    absent.chain(newer).for_each(|p| set.remove(p));
}

fn texts<'a>(values: impl IntoIterator<Item = &'a CStr>) -> Vec<CString> {
    values.into_iter().map(CStr::to_owned).collect()
}

fn flags(set: &PropertySet, rows: &[(&CStr, bool)]) {
    for (name, on) in rows {
        set.fixed(name, &[i32::from(*on)]);
    }
}

fn labels(set: &PropertySet, label: &CStr) {
    for name in [PROP_LABEL, PROP_SHORT_LABEL, PROP_LONG_LABEL] {
        set.open_text(name, label);
    }
}

pub(crate) fn host(profile: &Profile) -> Arc<PropertySet> {
    let s = PropertySet::new(SetKind::Host);
    s.fixed_text(PROP_TYPE, TYPE_IMAGE_EFFECT_HOST);
    s.fixed_text(PROP_NAME, &cstring(&profile.name));
    s.fixed_text(PROP_LABEL, &cstring(&profile.label));
    s.define(PROP_VERSION, 0, profile.version.clone(), Access::Host);
    let version: Vec<String> = profile.version.iter().map(i32::to_string).collect();
    s.fixed_text(PROP_VERSION_LABEL, &cstring(&version.join(".")));
    s.fixed(PROP_API_VERSION, &[profile.api.0, profile.api.1]);
    s.define(PROP_SUPPORTED_CONTEXTS, 0, texts(profile.contexts.iter().map(|c| c.as_cstr())), Access::Host);
    s.define(PROP_SUPPORTED_PIXEL_DEPTHS, 0, texts(profile.depths.iter().map(|d| d.as_cstr())), Access::Host);
    s.define(PROP_SUPPORTED_COMPONENTS, 0, texts(profile.components.iter().map(|c| c.as_cstr())), Access::Host);
    flags(
        &s,
        &[
            (HOST_PROP_IS_BACKGROUND, true),
            (PROP_SUPPORTS_OVERLAYS, profile.suites.draw),
            (PROP_SUPPORTS_MULTI_RESOLUTION, profile.multi_resolution),
            (PROP_SUPPORTS_TILES, profile.tiles),
            (PROP_TEMPORAL_CLIP_ACCESS, profile.temporal),
            (PROP_SUPPORTS_MULTIPLE_CLIP_DEPTHS, false),
            (PROP_SUPPORTS_MULTIPLE_CLIP_PARS, false),
            (PROP_SETABLE_FRAME_RATE, false),
            (PROP_SETABLE_FIELDING, false),
            (INSTANCE_PROP_SEQUENTIAL_RENDER, true),
            (PROP_RENDER_QUALITY_DRAFT, profile.draft_flag),
            (PARAM_HOST_PROP_SUPPORTS_STRING_ANIMATION, profile.string_animation),
            (PARAM_HOST_PROP_SUPPORTS_CUSTOM_ANIMATION, false),
            (PARAM_HOST_PROP_SUPPORTS_BOOLEAN_ANIMATION, true),
            (PARAM_HOST_PROP_SUPPORTS_CHOICE_ANIMATION, true),
            (PARAM_HOST_PROP_SUPPORTS_CUSTOM_INTERACT, false),
            (PARAM_HOST_PROP_SUPPORTS_STR_CHOICE, profile.str_choice),
            (PARAM_HOST_PROP_SUPPORTS_STR_CHOICE_ANIMATION, profile.str_choice),
            (curve::kOfxParamHostPropSupportsParametricAnimation, false),
        ],
    );
    s.fixed(PARAM_HOST_PROP_MAX_PARAMETERS, &[-1]);
    s.fixed(PARAM_HOST_PROP_MAX_PAGES, &[0]);
    s.fixed(PARAM_HOST_PROP_PAGE_ROW_COLUMN_COUNT, &[0, 0]);
    s.fixed_text(HOST_PROP_NATIVE_ORIGIN, HOST_NATIVE_ORIGIN_BOTTOM_LEFT);
    s.fixed(PROP_HOST_OS_HANDLE, &[0usize]);
    for name in [
        gpu::kOfxImageEffectPropOpenGLRenderSupported,
        gpu::kOfxImageEffectPropCudaRenderSupported,
        gpu::kOfxImageEffectPropCudaStreamSupported,
        gpu::kOfxImageEffectPropMetalRenderSupported,
        gpu::kOfxImageEffectPropOpenCLRenderSupported,
    ] {
        s.fixed_text(name, c"false");
    }
    s.fixed_text(gpu::kOfxImageEffectPropOpenCLSupported, c"false");
    s.fixed_text(gpu::kOfxImageEffectPropCPURenderSupported, c"true");
    let style = profile.colour_management.map_or(COLOUR_MANAGEMENT_NONE, |(style, _)| style);
    s.fixed_text(PROP_COLOUR_MANAGEMENT_STYLE, style);
    s.define(PROP_COLOUR_MANAGEMENT_AVAILABLE_CONFIGS, 0, Vec::<CString>::new(), Access::Host);
    prune(&s, profile);
    s
}

pub(crate) fn effect(id: &CStr, file_path: &CStr, profile: &Profile) -> Arc<PropertySet> {
    let s = PropertySet::new(SetKind::Effect);
    s.fixed_text(PROP_TYPE, TYPE_IMAGE_EFFECT);
    labels(&s, id);
    s.define(PROP_VERSION, 0, vec![1, 0], Access::Plugin);
    s.open_text(PROP_VERSION_LABEL, c"");
    s.open_text(PROP_PLUGIN_DESCRIPTION, c"");
    s.open(PROP_ICON, &[CString::default(), CString::default()]);
    for name in [
        PROP_SUPPORTED_CONTEXTS,
        PROP_SUPPORTED_PIXEL_DEPTHS,
        PROP_CLIP_PREFERENCES_SLAVE_PARAM,
        PROP_COLOUR_MANAGEMENT_AVAILABLE_CONFIGS,
    ] {
        s.define(name, 0, Vec::<CString>::new(), Access::Plugin);
    }
    s.open_text(PLUGIN_PROP_GROUPING, c"");
    s.open_text(PLUGIN_RENDER_THREAD_SAFETY, RENDER_INSTANCE_SAFE);
    for (name, value) in [
        (PLUGIN_PROP_SINGLE_INSTANCE, 0),
        (PLUGIN_PROP_HOST_FRAME_THREADING, 1),
        (PROP_SUPPORTS_MULTI_RESOLUTION, 1),
        (PROP_SUPPORTS_TILES, 1),
        (PROP_TEMPORAL_CLIP_ACCESS, 0),
        (PLUGIN_PROP_FIELD_RENDER_TWICE_ALWAYS, 1),
        (PROP_SUPPORTS_MULTIPLE_CLIP_DEPTHS, 0),
        (PROP_SUPPORTS_MULTIPLE_CLIP_PARS, 0),
        (PLUGIN_PROP_OBSOLETE, 0),
        (PROP_SUPPORTS_OVERLAYS, 0),
        (INSTANCE_PROP_SEQUENTIAL_RENDER, 0),
        (PROP_NO_SPATIAL_AWARENESS, 0),
        (PROP_RENDER_QUALITY_DRAFT, 0),
    ] {
        s.open(name, &[value]);
    }
    for name in [PLUGIN_PROP_OVERLAY_INTERACT_V1, PLUGIN_PROP_OVERLAY_INTERACT_V2] {
        s.open(name, &[0usize]);
    }
    for name in [
        gpu::kOfxImageEffectPropOpenGLRenderSupported,
        gpu::kOfxImageEffectPropCudaRenderSupported,
        gpu::kOfxImageEffectPropCudaStreamSupported,
        gpu::kOfxImageEffectPropMetalRenderSupported,
        gpu::kOfxImageEffectPropOpenCLRenderSupported,
    ] {
        s.open_text(name, c"false");
    }
    s.open_text(gpu::kOfxImageEffectPropOpenCLSupported, c"false");
    s.open_text(gpu::kOfxOpenGLPropPixelDepth, BIT_DEPTH_NONE);
    s.open_text(gpu::kOfxImageEffectPropCPURenderSupported, c"true");
    s.open_text(PROP_COLOUR_MANAGEMENT_STYLE, COLOUR_MANAGEMENT_NONE);
    s.open_text(PROP_BEHAVIOUR_WHEN_UNLICENSED, UNLICENSED_CONTINUE);
    s.fixed_text(PLUGIN_PROP_FILE_PATH, file_path);
    prune(&s, profile);
    s
}

/// An overlay's, which belongs to an effect.
pub(crate) fn interact(effect: usize) -> Arc<PropertySet> {
    let s = PropertySet::new(SetKind::Interact);
    s.fixed(PROP_EFFECT_INSTANCE, &[effect]);
    s.open(PROP_INSTANCE_DATA, &[0usize]);
    s.define(INTERACT_PROP_SLAVE_TO_PARAM, 0, Vec::<CString>::new(), Access::Plugin);
    s.fixed(INTERACT_PROP_PIXEL_SCALE, &[1.0, 1.0]);
    s.fixed(INTERACT_PROP_BACKGROUND_COLOUR, &[0.0, 0.0, 0.0]);
    s.fixed(INTERACT_PROP_SUGGESTED_COLOUR, &[1.0, 1.0, 1.0]);
    s.fixed(INTERACT_PROP_BIT_DEPTH, &[8]);
    s.fixed(INTERACT_PROP_HAS_ALPHA, &[1]);
    s
}

pub(crate) fn param_set() -> Arc<PropertySet> {
    let s = PropertySet::new(SetKind::ParamSet);
    s.open(PROP_PARAM_SET_NEEDS_SYNCING, &[0]);
    s.define(PLUGIN_PROP_PARAM_PAGE_ORDER, 0, Vec::<CString>::new(), Access::Plugin);
    s
}

pub(crate) fn clip(name: &CStr, profile: &Profile) -> Arc<PropertySet> {
    let s = PropertySet::new(SetKind::Clip);
    s.fixed_text(PROP_TYPE, TYPE_CLIP);
    s.fixed_text(PROP_NAME, name);
    labels(&s, name);
    // Clips have a hint since 1.5, under the parameters' name.
    s.open_text(PARAM_PROP_HINT, c"");
    s.define(PROP_SUPPORTED_COMPONENTS, 0, Vec::<CString>::new(), Access::Plugin);
    s.open(PROP_TEMPORAL_CLIP_ACCESS, &[0]);
    s.open(IMAGE_CLIP_PROP_OPTIONAL, &[0]);
    s.open(IMAGE_CLIP_PROP_IS_MASK, &[0]);
    s.open(PROP_SUPPORTS_TILES, &[1]);
    s.open_text(IMAGE_CLIP_PROP_FIELD_EXTRACTION, IMAGE_FIELD_DOUBLED);
    prune(&s, profile);
    s
}

/// Adds what an instance's clip has beyond its descriptor.
pub(crate) fn instantiate_clip(s: &PropertySet, profile: &Profile) {
    let names = [
        (PROP_PIXEL_DEPTH, BIT_DEPTH_NONE),
        (PROP_COMPONENTS, IMAGE_COMPONENT_NONE),
        (IMAGE_CLIP_PROP_UNMAPPED_PIXEL_DEPTH, BIT_DEPTH_NONE),
        (IMAGE_CLIP_PROP_UNMAPPED_COMPONENTS, IMAGE_COMPONENT_NONE),
        (PROP_PRE_MULTIPLICATION, IMAGE_OPAQUE),
        (IMAGE_CLIP_PROP_FIELD_ORDER, IMAGE_FIELD_NONE),
        (IMAGE_CLIP_PROP_COLOURSPACE, c""),
    ];
    for (name, value) in names {
        s.fixed_text(name, value);
    }
    s.define(IMAGE_CLIP_PROP_PREFERRED_COLOURSPACES, 0, Vec::<CString>::new(), Access::Host);
    s.fixed(IMAGE_PROP_PIXEL_ASPECT_RATIO, &[1.0]);
    s.fixed(PROP_FRAME_RATE, &[0.0]);
    s.fixed(PROP_UNMAPPED_FRAME_RATE, &[0.0]);
    s.fixed(PROP_FRAME_RANGE, &[0.0, 0.0]);
    s.fixed(PROP_UNMAPPED_FRAME_RANGE, &[0.0, 0.0]);
    s.fixed(IMAGE_CLIP_PROP_CONNECTED, &[0]);
    s.fixed(IMAGE_CLIP_PROP_CONTINUOUS_SAMPLES, &[0]);
    if profile.thumbnail_on_clips {
        s.fixed(IMAGE_CLIP_PROP_THUMBNAIL, &[0]);
    }
    prune(s, profile);
}

pub(crate) fn param(kind: ParamKind, id: &CStr, profile: &Profile) -> Arc<PropertySet> {
    let s = PropertySet::new(SetKind::Param);
    s.fixed_text(PROP_TYPE, TYPE_PARAMETER);
    s.fixed_text(PROP_NAME, id);
    s.fixed_text(PARAM_PROP_TYPE, kind.as_cstr());
    labels(&s, id);
    s.open_text(PARAM_PROP_HINT, c"");
    s.open_text(PARAM_PROP_SCRIPT_NAME, id);
    s.open_text(PARAM_PROP_PARENT, c"");
    s.open(PARAM_PROP_SECRET, &[0]);
    s.open(PARAM_PROP_ENABLED, &[1]);
    s.open(PARAM_PROP_DATA_PTR, &[0usize]);
    s.open(PROP_ICON, &[CString::default(), CString::default()]);
    if kind.has_value() || kind == ParamKind::Parametric {
        value_holder(&s, kind, profile);
    }
    if !matches!(kind, ParamKind::Group | ParamKind::Page) {
        s.open(PARAM_PROP_INTERACT_V1, &[0usize]);
        s.open(PARAM_PROP_INTERACT_SIZE, &[0.0, 0.0]);
        s.open(PARAM_PROP_INTERACT_SIZE_ASPECT, &[1.0]);
        s.open(PARAM_PROP_INTERACT_MINIMUM_SIZE, &[10.0, 10.0]);
        s.open(PARAM_PROP_INTERACT_PREFERED_SIZE, &[10, 10]);
    }
    match kind {
        ParamKind::Group => s.open(PARAM_PROP_GROUP_OPEN, &[1]),
        ParamKind::Page => s.define(PARAM_PROP_PAGE_CHILD, 0, Vec::<CString>::new(), Access::Plugin),
        ParamKind::Choice | ParamKind::StrChoice => {
            s.define(PARAM_PROP_CHOICE_OPTION, 0, Vec::<CString>::new(), Access::Plugin);
            s.define(PARAM_PROP_CHOICE_ORDER, 0, Vec::<i32>::new(), Access::Plugin);
            if kind == ParamKind::StrChoice {
                s.define(PARAM_PROP_CHOICE_ENUM, 0, Vec::<CString>::new(), Access::Plugin);
            }
        }
        ParamKind::String => {
            s.open_text(PARAM_PROP_STRING_MODE, PARAM_STRING_IS_SINGLE_LINE);
            s.open(PARAM_PROP_STRING_FILE_PATH_EXISTS, &[1]);
        }
        ParamKind::Custom => s.open(PARAM_PROP_CUSTOM_INTERP_CALLBACK_V1, &[0usize]),
        ParamKind::Parametric => {
            s.open(curve::kOfxParamPropParametricDimension, &[1]);
            s.open(curve::kOfxParamPropParametricRange, &[0.0, 1.0]);
            s.define(curve::kOfxParamPropParametricUIColour, 0, Vec::<f64>::new(), Access::Plugin);
            s.open(curve::kOfxParamPropParametricInteractBackground, &[0usize]);
        }
        _ => {}
    }
    if kind.is_double() {
        doubles(&s, kind, profile);
    } else if kind.is_int() {
        ints(&s, kind, profile);
    } else if kind.is_text() {
        s.open_text(PARAM_PROP_DEFAULT, c"");
    }
    prune(&s, profile);
    s
}

fn value_holder(s: &PropertySet, kind: ParamKind, profile: &Profile) {
    let animates = match kind {
        ParamKind::String | ParamKind::Custom | ParamKind::StrChoice => profile.string_animation,
        ParamKind::Bytes | ParamKind::Parametric => false,
        _ => true,
    };
    s.open(PARAM_PROP_ANIMATES, &[i32::from(animates)]);
    for name in [PARAM_PROP_CAN_UNDO, PARAM_PROP_PERSISTANT, PARAM_PROP_EVALUATE_ON_CHANGE] {
        s.open(name, &[1]);
    }
    s.open(PARAM_PROP_PLUGIN_MAY_WRITE, &[0]);
    s.open_text(PARAM_PROP_CACHE_INVALIDATION, PARAM_INVALIDATE_VALUE_CHANGE);
    s.fixed(PARAM_PROP_IS_ANIMATING, &[0]);
    s.fixed(PARAM_PROP_IS_AUTO_KEYING, &[0]);
    s.fixed(PARAM_PROP_HAS_HOST_OVERLAY_HANDLE, &[0]);
    s.open(PARAM_PROP_USE_HOST_OVERLAY_HANDLE, &[0]);
}

fn doubles(s: &PropertySet, kind: ParamKind, profile: &Profile) {
    let n = kind.dimension();
    let colour = matches!(kind, ParamKind::Rgb | ParamKind::Rgba);
    let (min, max) = match () {
        () if colour => (0.0, 1.0),
        () if profile.unset_limits_lock => (-1.0, 1.0),
        () => (-f64::MAX, f64::MAX),
    };
    s.open(PARAM_PROP_DEFAULT, &vec![0.0; n]);
    if !colour {
        s.open(PARAM_PROP_MIN, &vec![min; n]);
        s.open(PARAM_PROP_MAX, &vec![max; n]);
        s.open(PARAM_PROP_DISPLAY_MIN, &vec![min; n]);
        s.open(PARAM_PROP_DISPLAY_MAX, &vec![max; n]);
        s.open(PARAM_PROP_INCREMENT, &vec![1.0; n]);
        s.open(PARAM_PROP_DIGITS, &[2]);
        s.open_text(PARAM_PROP_DOUBLE_TYPE, PARAM_DOUBLE_TYPE_PLAIN);
        s.open_text(PARAM_PROP_DEFAULT_COORDINATE_SYSTEM, PARAM_COORDINATES_CANONICAL);
        s.open(PARAM_PROP_SHOW_TIME_MARKER, &[0]);
    }
    if n > 1 {
        dimension_labels(s, if colour { [c"r", c"g", c"b", c"a"] } else { [c"x", c"y", c"z", c""] }, n);
    }
}

fn ints(s: &PropertySet, kind: ParamKind, profile: &Profile) {
    let n = kind.dimension();
    s.open(PARAM_PROP_DEFAULT, &vec![0; n]);
    if !matches!(kind, ParamKind::Integer | ParamKind::Integer2D | ParamKind::Integer3D) {
        return;
    }
    let (min, max) = if profile.unset_limits_lock { (0, 0) } else { (kOfxFlagInfiniteMin, kOfxFlagInfiniteMax) };
    s.open(PARAM_PROP_MIN, &vec![min; n]);
    s.open(PARAM_PROP_MAX, &vec![max; n]);
    s.open(PARAM_PROP_DISPLAY_MIN, &vec![min; n]);
    s.open(PARAM_PROP_DISPLAY_MAX, &vec![max; n]);
    if n > 1 {
        dimension_labels(s, [c"x", c"y", c"z", c""], n);
    }
}

fn dimension_labels(s: &PropertySet, labels: [&CStr; 4], n: usize) {
    s.open(PARAM_PROP_DIMENSION_LABEL, &texts(labels.into_iter().take(n)));
}

/// Changes what differs between a parameter's descriptor and its instance.
pub(crate) fn instantiate_param(s: &PropertySet) {
    s.put_text(PROP_TYPE, TYPE_PARAMETER_INSTANCE);
}

/// Something that an image's property set is made of.
pub(crate) struct ImageFacts<'a> {
    pub(crate) image: &'a super::image::HostImage,
    pub(crate) data: usize,
    pub(crate) region: crate::RectI,
    pub(crate) scale: (f64, f64),
}

pub(crate) fn image(facts: &ImageFacts<'_>, owner: Owner, profile: &Profile) -> Arc<PropertySet> {
    let (image, format) = (facts.image, facts.image.format());
    let s = PropertySet::new(SetKind::Image);
    s.own(owner);
    s.fixed_text(PROP_TYPE, kOfxTypeImage);
    s.fixed_text(PROP_PIXEL_DEPTH, format.depth.as_cstr());
    s.fixed_text(PROP_COMPONENTS, format.components.as_cstr());
    s.fixed_text(PROP_PRE_MULTIPLICATION, format.premultiplication.as_cstr());
    s.fixed(PROP_RENDER_SCALE, &[facts.scale.0, facts.scale.1]);
    s.fixed(IMAGE_PROP_PIXEL_ASPECT_RATIO, &[image.pixel_aspect]);
    s.fixed(IMAGE_PROP_DATA, &[facts.data]);
    let rect = |r: crate::RectI| [r.x1, r.y1, r.x2, r.y2];
    s.fixed(IMAGE_PROP_BOUNDS, &rect(image.bounds()));
    s.fixed(IMAGE_PROP_REGION_OF_DEFINITION, &rect(facts.region));
    s.fixed(IMAGE_PROP_ROW_BYTES, &[i32::try_from(image.row_bytes()).unwrap_or(0)]);
    s.fixed_text(IMAGE_PROP_FIELD, image.field.as_cstr());
    s.fixed_text(IMAGE_PROP_UNIQUE_IDENTIFIER, &cstring(&image.id));
    prune(&s, profile);
    s
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, env, fs, path::PathBuf};

    use super::*;
    use crate::host::Profile;

    /// The property sets of OpenFX's own metadata, by name, each with its properties' names.
    fn metadata() -> Vec<(String, BTreeSet<String>)> {
        let source =
            PathBuf::from(env::var_os("PICKUP_OPENFX").expect("PICKUP_OPENFX names the folder of OpenFX's source"));
        let file = source.join("openfx-cpp/include/openfx/ofxPropsBySet.h");
        let text = fs::read_to_string(&file).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
        let mut sets: Vec<(String, BTreeSet<String>)> = Vec::new();
        for line in text.lines() {
            let Some(quoted) = line.split('"').nth(1) else { continue };
            if line.starts_with("{ \"") {
                sets.push((quoted.to_owned(), BTreeSet::new()));
            } else if line.starts_with("   { \"")
                && let Some((_, names)) = sets.last_mut()
            {
                names.insert(quoted.to_owned());
            }
        }
        sets
    }

    /// What the metadata lists, and the standard's text gives to numbers alone, or has a suite of its own for.
    fn doubtful(set: &str, property: &str) -> bool {
        let limits = ["OfxParamPropMin", "OfxParamPropMax", "OfxParamPropDisplayMin", "OfxParamPropDisplayMax"];
        match set {
            "ParamsByte" | "ParamsString" => limits.contains(&property),
            "ParamsParametric" => property == "OfxParamPropDefault",
            _ => false,
        }
    }

    #[test]
    #[ignore = "needs PICKUP_OPENFX, the source of OpenFX 1.5"]
    fn every_set_has_what_the_standards_metadata_lists() {
        let profile = &Profile::reference();
        let param = |kind| param(kind, c"x", profile);
        let instance = clip(c"x", profile).fork(SetKind::ClipInstance);
        instantiate_clip(&instance, profile);
        let ours = [
            ("ClipDescriptor", clip(c"x", profile)),
            ("ClipInstance", instance),
            ("EffectDescriptor", effect(c"x", c"x", profile)),
            ("ImageEffectHost", host(profile)),
            ("ParamDouble1D", param(ParamKind::Double)),
            ("ParamsByte", param(ParamKind::Boolean)),
            ("ParamsChoice", param(ParamKind::Choice)),
            ("ParamsCustom", param(ParamKind::Custom)),
            ("ParamsDouble2D3D", param(ParamKind::Double2D)),
            ("ParamsGroup", param(ParamKind::Group)),
            ("ParamsInt2D3D", param(ParamKind::Integer2D)),
            ("ParamsPage", param(ParamKind::Page)),
            ("ParamsParametric", param(ParamKind::Parametric)),
            ("ParamsStrChoice", param(ParamKind::StrChoice)),
            ("ParamsString", param(ParamKind::String)),
            ("ParameterSet", param_set()),
            ("InteractInstance", interact(0)),
        ];
        let listed = metadata();
        for (name, set) in ours {
            let (_, theirs) =
                listed.iter().find(|(listed, _)| listed == name).unwrap_or_else(|| panic!("no set {name}"));
            let has: BTreeSet<String> = set.names().into_iter().collect();
            let lacks: Vec<_> = theirs.difference(&has).filter(|p| !doubtful(name, p)).collect();
            assert!(lacks.is_empty(), "{name} lacks {lacks:?}");
        }
    }
}

//! Describe and describe in context: what a declaration tells the host.
//!
//! Every property is set that the standard asks for, and those that a host is known to bite on. A property the host
//! rejects is ignored: hosts differ in what they know.

use std::{ffi::CStr, ptr};

use super::{
    clip::{ClipSpec, Clips},
    compound::Limits,
    effect::{ColourManagement, Effect, Meta},
    error::{Error, Result},
    host_info::HostInfo,
    instance::effect_props,
    param::{ParamKind, ParamSpec, Params, ShownIn, TextMode},
    property::{Props, c_text},
    suites::{Handle, Suites},
};
use crate::{
    Components, Context, Status, props,
    sys::image_effect_v1::{image_effect::OfxImageEffectStruct, param::OfxParamSetHandle},
};

/// The parameter by which a host tells a retimer what to show.
pub(crate) const SOURCE_TIME: &str = "SourceTime";
/// The parameter by which a host tells a transition how far it is.
pub(crate) const TRANSITION: &str = "Transition";

/// All of an effect's parameters as a host has them, with those that the standard demands in a context.
pub(crate) fn specs_for<E: Effect>(context: Context, host: &HostInfo) -> Vec<ParamSpec> {
    let mut specs = E::Params::specs();
    if host.is_mlt() {
        // A file has two names there: projects of before have the other. It is not hidden, for MLT passes no value to what is.
        let named = |spec: ParamSpec| match spec.mlt_id {
            Some(id) => vec![ParamSpec { id, mlt_id: None, ..spec.clone() }, spec],
            None => vec![spec],
        };
        specs = specs.into_iter().flat_map(named).collect();
    }
    let double = |id, label, hint, (min, max), (display_min, display_max)| ParamSpec {
        id,
        label,
        hint,
        kind: ParamKind::Double { default: 0.0, min, max, display_min, display_max, digits: 3, increment: 0.01 },
        animates: true,
        integrates: false,
        redraws: false,
        secret: false,
        shown_in: ShownIn::All,
        mlt_id: None,
        parent: None,
        only: &[],
    };
    let mandated = match context {
        Context::Retimer => {
            double(SOURCE_TIME, "Source time", "The frame shown, set by the host.", (f64::MIN, f64::MAX), (0.0, 1e6))
        }
        Context::Transition => {
            double(TRANSITION, "Transition", "How far it is, set by the host.", (0.0, 1.0), (0.0, 1.0))
        }
        _ => return specs,
    };
    if specs.iter().all(|s| s.id != mandated.id) {
        specs.insert(0, mandated);
    }
    specs
}

/// Whether an effect's declarations make sense together. Describe asks this too; a test tells earlier.
///
/// # Errors
/// The first thing that is wrong.
pub fn check<E: Effect>() -> Result<()> {
    let meta = &E::META;
    let wrong = |what: String| Err(Error::Failed(format!("{}: {what}", meta.id)));
    if meta.contexts.is_empty() {
        return wrong("it supports no context".into());
    }
    let clips = E::Clips::SPECS;
    for (i, clip) in clips.iter().enumerate() {
        if clips[..i].iter().any(|c| c.name == clip.name) {
            return wrong(format!("two clips are named “{}”", clip.name));
        }
    }
    for &context in meta.contexts {
        let needed: &[&CStr] = match context {
            Context::Generator | Context::General => &[],
            Context::Filter | Context::Paint | Context::Retimer => &[props::SIMPLE_SOURCE_CLIP_NAME],
            Context::Transition => &[props::TRANSITION_SOURCE_FROM_CLIP_NAME, props::TRANSITION_SOURCE_TO_CLIP_NAME],
        };
        for name in needed.iter().chain(&[props::OUTPUT_CLIP_NAME]) {
            if !clips.iter().any(|c| c.name.as_bytes() == name.to_bytes() && c.is_in(context)) {
                return wrong(format!("the context {context:?} needs a clip named {name:?}"));
            }
        }
    }
    let params = E::Params::specs();
    for (i, param) in params.iter().enumerate() {
        if params[..i].iter().any(|p| p.id == param.id) {
            return wrong(format!("two parameters have the id “{}”", param.id));
        }
        if !sane_kind(&param.kind) {
            return wrong(format!("the default or the ranges of the parameter “{}” do not fit", param.id));
        }
    }
    Ok(())
}

fn sane_limits<T: PartialOrd>(default: &[T], limits: &Limits<T>) -> bool {
    let Limits { min, max, display_min, display_max } = limits;
    (0..default.len()).all(|i| {
        (&min[i]..=&max[i]).contains(&&default[i])
            && min[i] <= display_min[i]
            && display_min[i] < display_max[i]
            && display_max[i] <= max[i]
    })
}

fn sane_kind(kind: &ParamKind) -> bool {
    match *kind {
        ParamKind::Integers { ref default, ref limits } => sane_limits(default, limits),
        ParamKind::Doubles { ref default, ref limits, .. } => sane_limits(default, limits),
        ParamKind::Integer { default, min, max, display_min, display_max } => {
            (min..=max).contains(&default) && min <= display_min && display_min < display_max && display_max <= max
        }
        ParamKind::Double { default, min, max, display_min, display_max, .. } => {
            (min..=max).contains(&default) && min <= display_min && display_min < display_max && display_max <= max
        }
        ParamKind::Choice { default, options } => default < options.len(),
        _ => true,
    }
}

fn set_strings<'a>(props: &Props<'_>, name: &CStr, values: impl IntoIterator<Item = &'a CStr>) {
    for (i, value) in (0..).zip(values) {
        let _ = props.set_c_string(name, i, value);
    }
}

fn set_labels(props: &Props<'_>, label: &str) {
    for name in [props::PROP_LABEL, props::PROP_SHORT_LABEL, props::PROP_LONG_LABEL] {
        let _ = props.set_string(name, 0, label);
    }
}

/// Describes the effect as a whole.
pub(crate) fn describe<E: Effect>(suites: &Suites, effect: Handle<OfxImageEffectStruct>) -> Result<Status> {
    check::<E>()?;
    let handle = effect_props(suites, effect).ok_or(Error::BadHandle("effect descriptor"))?;
    let props = suites.props(handle.0);
    super::resources::remember(props.string(props::PLUGIN_PROP_FILE_PATH));
    describe_meta(&props, &E::META, &suites.info);
    if let Some(overlay) = E::OVERLAY.filter(|_| suites.draw.is_some()) {
        let _ = props.set_pointer(props::PLUGIN_PROP_OVERLAY_INTERACT_V2, overlay.0 as *mut std::ffi::c_void);
    }
    Ok(Status::OK)
}

fn describe_meta(props: &Props<'_>, meta: &Meta, host: &HostInfo) {
    set_labels(props, meta.label);
    if meta.icons {
        let _ = props.set_string(props::PROP_ICON, 0, &format!("{}.svg", meta.id));
        let _ = props.set_string(props::PROP_ICON, 1, &format!("{}.png", meta.id));
    }
    for (i, number) in (0..).zip([meta.version.0, meta.version.1]) {
        let _ = props.set_int(props::PROP_VERSION, i, i32::try_from(number).unwrap_or(i32::MAX));
    }
    let _ = props.set_string(props::PROP_VERSION_LABEL, 0, &format!("{}.{}", meta.version.0, meta.version.1));
    let description = if host.temporal_access { meta.description.to_owned() } else { meta.description_alone() };
    let _ = props.set_string(props::PROP_PLUGIN_DESCRIPTION, 0, &description);
    let _ = props.set_string(props::PLUGIN_PROP_GROUPING, 0, meta.grouping);
    set_strings(props, props::PROP_SUPPORTED_CONTEXTS, meta.contexts.iter().map(|c| c.as_cstr()));
    set_strings(props, props::PROP_SUPPORTED_PIXEL_DEPTHS, meta.depths.iter().map(|d| d.as_cstr()));
    let _ = props.set_c_string(props::PLUGIN_RENDER_THREAD_SAFETY, 0, meta.safety.as_cstr());
    for (name, value) in [
        (props::PLUGIN_PROP_SINGLE_INSTANCE, false),
        (props::PLUGIN_PROP_HOST_FRAME_THREADING, meta.host_frame_threading),
        (props::PROP_SUPPORTS_TILES, meta.tiles),
        (props::PROP_SUPPORTS_MULTI_RESOLUTION, meta.multi_resolution),
        (props::PROP_TEMPORAL_CLIP_ACCESS, meta.temporal),
        // The standard's default is to render each field by itself, even of a whole frame.
        (props::PLUGIN_PROP_FIELD_RENDER_TWICE_ALWAYS, false),
        (props::PROP_SUPPORTS_MULTIPLE_CLIP_DEPTHS, false),
        (props::PROP_SUPPORTS_MULTIPLE_CLIP_PARS, false),
    ] {
        let _ = props.set_flag(name, value);
    }
    // 2: frames in order are preferred and not required.
    let _ = props.set_int(props::INSTANCE_PROP_SEQUENTIAL_RENDER, 0, if meta.sequential { 2 } else { 0 });
    if let (true, Some(style)) = (host.colour_management.is_some(), meta.colour) {
        let style = match style {
            ColourManagement::Basic => props::COLOUR_MANAGEMENT_BASIC,
            ColourManagement::Core => props::COLOUR_MANAGEMENT_CORE,
            ColourManagement::Full => props::COLOUR_MANAGEMENT_FULL,
        };
        let _ = props.set_c_string(props::PROP_COLOUR_MANAGEMENT_STYLE, 0, style);
        let _ = props.set_c_string(props::PROP_COLOUR_MANAGEMENT_AVAILABLE_CONFIGS, 0, props::NATIVE_COLOUR_CONFIG);
    }
}

/// Describes the clips and parameters of one context.
pub(crate) fn describe_in<E: Effect>(
    suites: &Suites,
    effect: Handle<OfxImageEffectStruct>,
    context: Context,
) -> Result<Status> {
    if !E::META.contexts.contains(&context) {
        return Err(Error::Failed(format!("This effect does not work in the context {context:?}")));
    }
    for spec in E::Clips::SPECS.iter().filter(|s| s.is_in(context)) {
        define_clip(suites, effect, spec, context, &E::META)?;
    }
    let get = suites.effect.getParamSet.ok_or_else(|| Error::MissingHostFeature("getParamSet".into()))?;
    let mut set = ptr::null_mut();
    // SAFETY: the descriptor is the host's own, the place outlives the call.
    let status = Status(unsafe { get(effect.0, &raw mut set) });
    if status != Status::OK || set.is_null() {
        return Err(Error::host("give the parameter set", status));
    }
    let specs = specs_for::<E>(context, &suites.info);
    for spec in specs.iter().filter(|s| s.is_in(context)) {
        define_param(suites, set, spec)?;
    }
    if let Some(label) = E::META.page {
        define_page(suites, set, label, specs.iter().filter(|s| s.is_in(context)));
    }
    Ok(Status::OK)
}

/// Defines a page of all parameters that are in no group: a group brings its own. A host without pages does without.
fn define_page<'s>(suites: &Suites, set: OfxParamSetHandle, label: &str, specs: impl Iterator<Item = &'s ParamSpec>) {
    let Some(define) = suites.param.paramDefine else { return };
    let mut handle = ptr::null_mut();
    // SAFETY: the set is the host's own, the texts are C strings, the place outlives the call.
    let status = unsafe { define(set, props::PARAM_TYPE_PAGE.as_ptr(), c"page".as_ptr(), &raw mut handle) };
    if status == Status::OK.0 {
        let props = suites.props(handle);
        set_labels(&props, label);
        for (i, spec) in (0..).zip(specs.filter(|spec| spec.parent.is_none())) {
            let _ = props.set_string(props::PARAM_PROP_PAGE_CHILD, i, spec.id);
        }
    }
}

fn define_clip(
    suites: &Suites,
    effect: Handle<OfxImageEffectStruct>,
    spec: &ClipSpec,
    context: Context,
    meta: &Meta,
) -> Result<()> {
    let define = suites.effect.clipDefine.ok_or_else(|| Error::MissingHostFeature("clipDefine".into()))?;
    let mut handle = ptr::null_mut();
    // SAFETY: the descriptor is the host's own, the name a C string, the place outlives the call.
    let status = Status(unsafe { define(effect.0, c_text(spec.name).as_ptr(), &raw mut handle) });
    if status != Status::OK {
        return Err(Error::host(format!("define the clip “{}”", spec.name), status));
    }
    let props = suites.props(handle);
    set_labels(&props, spec.label);
    let components = if spec.mask { &[Components::Alpha, Components::Rgba] } else { meta.components };
    set_strings(&props, props::PROP_SUPPORTED_COMPONENTS, components.iter().map(|c| c.as_cstr()));
    for (name, value) in [
        (props::IMAGE_CLIP_PROP_OPTIONAL, spec.is_optional_in(context)),
        (props::IMAGE_CLIP_PROP_IS_MASK, spec.mask),
        (props::PROP_TEMPORAL_CLIP_ACCESS, meta.temporal && !spec.is_output()),
        (props::PROP_SUPPORTS_TILES, meta.tiles),
    ] {
        let _ = props.set_flag(name, value);
    }
    Ok(())
}

fn define_param(suites: &Suites, set: OfxParamSetHandle, spec: &ParamSpec) -> Result<()> {
    let define = suites.param.paramDefine.ok_or_else(|| Error::MissingHostFeature("paramDefine".into()))?;
    let kind = match &spec.kind {
        ParamKind::Integers { default, .. } if default.len() == 2 => props::PARAM_TYPE_INTEGER_2D,
        ParamKind::Integers { .. } => props::PARAM_TYPE_INTEGER_3D,
        ParamKind::Doubles { default, .. } if default.len() == 2 => props::PARAM_TYPE_DOUBLE_2D,
        ParamKind::Doubles { .. } => props::PARAM_TYPE_DOUBLE_3D,
        ParamKind::Colour { default } if default.len() == 3 => props::PARAM_TYPE_RGB,
        ParamKind::Colour { .. } => props::PARAM_TYPE_RGBA,
        ParamKind::Boolean { .. } => props::PARAM_TYPE_BOOLEAN,
        ParamKind::Integer { .. } => props::PARAM_TYPE_INTEGER,
        ParamKind::Double { .. } => props::PARAM_TYPE_DOUBLE,
        ParamKind::Choice { .. } => props::PARAM_TYPE_CHOICE,
        ParamKind::Text { .. } => props::PARAM_TYPE_STRING,
        ParamKind::Custom { .. } => props::PARAM_TYPE_CUSTOM,
        ParamKind::Button => props::PARAM_TYPE_PUSH_BUTTON,
        ParamKind::Group { .. } => props::PARAM_TYPE_GROUP,
    };
    let mut handle = ptr::null_mut();
    // SAFETY: the set is the host's own, the texts are C strings, the place outlives the call.
    let status = Status(unsafe { define(set, kind.as_ptr(), c_text(spec.id).as_ptr(), &raw mut handle) });
    match status {
        Status::OK => {}
        // The instance then reads the default: better than not being offered at all.
        Status::UNSUPPORTED | Status::UNKNOWN => return Ok(()),
        status => return Err(Error::host(format!("define the parameter “{}”", spec.label), status)),
    }
    let props = suites.props(handle);
    let older = spec.mlt_id.is_some() && suites.info.is_mlt();
    set_labels(&props, &if older { format!("{} (older projects)", spec.label) } else { spec.label.to_owned() });
    let _ = props.set_string(props::PARAM_PROP_HINT, 0, &spec.host_hint());
    let _ = props.set_string(props::PARAM_PROP_SCRIPT_NAME, 0, spec.id);
    let _ = props.set_flag(props::PARAM_PROP_SECRET, spec.secret || !spec.shown_in.includes(&suites.info));
    let _ = props.set_flag(props::PARAM_PROP_ENABLED, true);
    if let Some(parent) = spec.parent {
        let _ = props.set_string(props::PARAM_PROP_PARENT, 0, parent);
    }
    if !matches!(spec.kind, ParamKind::Group { .. } | ParamKind::Button) {
        let _ = props.set_flag(props::PARAM_PROP_EVALUATE_ON_CHANGE, spec.redraws);
        let _ = props.set_flag(props::PARAM_PROP_ANIMATES, spec.animates);
    }
    if spec.integrates {
        let _ =
            props.set_c_string(props::PARAM_PROP_CACHE_INVALIDATION, 0, props::PARAM_INVALIDATE_VALUE_CHANGE_TO_END);
    }
    set_kind(&props, &spec.kind);
    Ok(())
}

/// Sets the default and what belongs to a type. Numbers get all four limits: Resolve locks a slider without them to
/// (0, 0) or (−1, 1).
fn set_kind(props: &Props<'_>, kind: &ParamKind) {
    let limits = [
        props::PARAM_PROP_MIN,
        props::PARAM_PROP_MAX,
        props::PARAM_PROP_DISPLAY_MIN,
        props::PARAM_PROP_DISPLAY_MAX,
        props::PARAM_PROP_DEFAULT,
    ];
    match kind {
        ParamKind::Boolean { default } => {
            let _ = props.set_flag(props::PARAM_PROP_DEFAULT, *default);
        }
        &ParamKind::Integer { default, min, max, display_min, display_max } => {
            for (name, value) in limits.into_iter().zip([min, max, display_min, display_max, default]) {
                let _ = props.set_int(name, 0, value);
            }
        }
        &ParamKind::Double { default, min, max, display_min, display_max, digits, increment } => {
            let _ = props.set_c_string(props::PARAM_PROP_DOUBLE_TYPE, 0, props::PARAM_DOUBLE_TYPE_PLAIN);
            for (name, value) in limits.into_iter().zip([min, max, display_min, display_max, default]) {
                let _ = props.set_double(name, 0, value);
            }
            let _ = props.set_int(props::PARAM_PROP_DIGITS, 0, digits);
            let _ = props.set_double(props::PARAM_PROP_INCREMENT, 0, increment);
        }
        ParamKind::Integers { default, limits: l } => {
            for (name, values) in limits.into_iter().zip([&l.min, &l.max, &l.display_min, &l.display_max, default]) {
                for (i, value) in (0..).zip(values) {
                    let _ = props.set_int(name, i, *value);
                }
            }
        }
        ParamKind::Doubles { default, limits: l, digits, increment } => {
            let _ = props.set_c_string(props::PARAM_PROP_DOUBLE_TYPE, 0, props::PARAM_DOUBLE_TYPE_PLAIN);
            for (name, values) in limits.into_iter().zip([&l.min, &l.max, &l.display_min, &l.display_max, default]) {
                for (i, value) in (0..).zip(values) {
                    let _ = props.set_double(name, i, *value);
                }
            }
            let _ = props.set_int(props::PARAM_PROP_DIGITS, 0, *digits);
            for (i, _) in (0..).zip(default) {
                let _ = props.set_double(props::PARAM_PROP_INCREMENT, i, *increment);
            }
        }
        ParamKind::Colour { default } => {
            for (i, value) in (0..).zip(default) {
                let _ = props.set_double(props::PARAM_PROP_DEFAULT, i, *value);
            }
        }
        ParamKind::Choice { default, options } => {
            for (i, option) in (0..).zip(options.iter()) {
                let _ = props.set_string(props::PARAM_PROP_CHOICE_OPTION, i, option.label);
            }
            let _ = props.set_int(props::PARAM_PROP_DEFAULT, 0, i32::try_from(*default).unwrap_or(0));
        }
        ParamKind::Custom { default } => {
            let _ = props.set_string(props::PARAM_PROP_DEFAULT, 0, default);
        }
        ParamKind::Text { default, mode } => {
            let is_path = matches!(mode, TextMode::File | TextMode::Folder);
            let mode = match mode {
                TextMode::Single => props::PARAM_STRING_IS_SINGLE_LINE,
                TextMode::Multi => props::PARAM_STRING_IS_MULTI_LINE,
                TextMode::File => props::PARAM_STRING_IS_FILE_PATH,
                TextMode::Folder => props::PARAM_STRING_IS_DIRECTORY_PATH,
                TextMode::Label => props::PARAM_STRING_IS_LABEL,
            };
            let _ = props.set_c_string(props::PARAM_PROP_STRING_MODE, 0, mode);
            if is_path {
                // They are read. Natron takes a path that need not exist for one to write to; patterns such as `%04d` it
                // knows.
                let _ = props.set_flag(props::PARAM_PROP_STRING_FILE_PATH_EXISTS, true);
            }
            let _ = props.set_string(props::PARAM_PROP_DEFAULT, 0, default);
        }
        ParamKind::Button => {}
        ParamKind::Group { open } => {
            let _ = props.set_flag(props::PARAM_PROP_GROUP_OPEN, *open);
        }
    }
}

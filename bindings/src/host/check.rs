//! Strict mode: what an effect does, or leaves undone, that the standard does not allow, noted where it happens.
//!
//! The host side answers such a call with a status, as any host does, and few plugins look at it. Which properties an object has,
//! of which type and how many values, and who sets them, is in [`sets`](super::sets).

use std::{ffi::CStr, fmt::Display, sync::Arc};

use parking_lot::Mutex;

use super::{
    clip::Clip,
    effect_object::{EffectObject, current},
    image::HostImage,
    property::{PropertySet, SetKind},
    value::ParamKind,
};
use crate::{
    BitDepth, Components, Context, Field, RangeD, RectD, RectI, RenderSafety, Status, props::*,
    sys::image_effect_v1::gpu_render as gpu,
};

/// What was noted, each once.
#[derive(Debug, Default)]
pub(crate) struct Faults(Mutex<Vec<String>>);

impl Faults {
    pub(crate) fn note(&self, action: &CStr, what: impl Display) {
        let text = format!("{}: {what}", action.to_string_lossy());
        let mut noted = self.0.lock();
        if !noted.contains(&text) {
            noted.push(text);
        }
    }

    /// Takes what was noted so far.
    pub(crate) fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock())
    }
}

/// Notes something of the call that runs on this thread, where the host is strict.
pub(crate) fn note<D: Display>(what: impl FnOnce(&CStr) -> Option<D>) {
    let running: Option<(Arc<Faults>, &'static CStr)> =
        current(|call| Some((call.faults.clone()?, call.action))).flatten();
    if let Some((faults, action)) = running
        && let Some(what) = what(action)
    {
        faults.note(action, what);
    }
}

/// What hosts have beyond the standard, for which a plugin may look anywhere.
const EXTENSIONS: [&CStr; 3] = [IMAGE_CLIP_PROP_THUMBNAIL, PROP_SRC_FILE_PATH, PROP_SRC_FRAME];

/// What images and arguments have where a frame is rendered on a GPU, which this host never does.
const ON_A_GPU: [&CStr; 7] = [
    gpu::kOfxImageEffectPropCudaStream,
    gpu::kOfxImageEffectPropMetalCommandQueue,
    gpu::kOfxImageEffectPropOpenCLCommandQueue,
    gpu::kOfxImageEffectPropOpenCLImage,
    gpu::kOfxImageEffectPropOpenGLTextureIndex,
    gpu::kOfxImageEffectPropOpenGLTextureTarget,
    gpu::kOfxImageEffectPropOpenCLRenderSupported,
];

/// Whether a name is one of the standard's, or looks so.
fn is_standard(name: &CStr) -> bool {
    name.to_bytes().starts_with(b"Ofx") && !EXTENSIONS.contains(&name) && !ON_A_GPU.contains(&name)
}

fn words(kind: SetKind) -> &'static str {
    match kind {
        SetKind::Host => "the host's description",
        SetKind::Effect => "an effect's descriptor",
        SetKind::Instance => "an effect's instance",
        SetKind::Clip => "a clip's descriptor",
        SetKind::ClipInstance => "a clip",
        SetKind::Param => "a parameter's descriptor",
        SetKind::ParamInstance => "a parameter",
        SetKind::ParamSet => "a parameter set",
        SetKind::Image => "an image",
        SetKind::Interact => "an overlay",
        SetKind::Arguments => "the action's arguments",
    }
}

/// Notes a property that could not be had or set: `does` says what was tried.
pub(crate) fn property(set: &PropertySet, name: &CStr, does: &str, status: Status) {
    note(|_| {
        let (of, name_text) = (words(set.kind()), name.to_string_lossy());
        let Some((dimension, host_sets)) = set.facts(name) else {
            return is_standard(name).then(|| format!("{does} {name_text}, which is no property of {of}"));
        };
        match status {
            Status::BAD_INDEX if dimension > 0 => {
                Some(format!("{does} {name_text} of {of} beyond its {dimension} values"))
            }
            Status::BAD_INDEX => None,
            _ if host_sets && does == "sets" => Some(format!("sets {name_text} of {of}, which the host alone sets")),
            _ => Some(format!("{does} {name_text} of {of} as another type than it is")),
        }
    });
}

/// What is fixed once a parameter is described.
const FIXED: [&CStr; 5] = [
    PARAM_PROP_ANIMATES,
    PARAM_PROP_PARENT,
    PARAM_PROP_SCRIPT_NAME,
    PARAM_PROP_CACHE_INVALIDATION,
    PARAM_PROP_CAN_UNDO,
];

/// Notes a property that was set at the wrong time.
pub(crate) fn written(set: &PropertySet, name: &CStr) {
    note(|action| {
        let describes = action == ACTION_DESCRIBE || action == ACTION_DESCRIBE_IN_CONTEXT;
        let wrong = match set.kind() {
            SetKind::Effect => !describes,
            SetKind::Clip | SetKind::Param => action != ACTION_DESCRIBE_IN_CONTEXT,
            SetKind::ParamInstance => FIXED.contains(&name),
            _ => false,
        };
        wrong.then(|| format!("sets {} of {}, which is fixed by then", name.to_string_lossy(), words(set.kind())))
    });
}

/// Notes something that is defined outside of the one action that may.
pub(crate) fn defined(what: &str, name: &CStr) {
    note(|action| {
        (action != ACTION_DESCRIBE_IN_CONTEXT).then(|| format!("defines the {what} \"{}\"", name.to_string_lossy()))
    });
}

/// Notes an answer that no action may give.
pub(crate) fn answered(faults: &Faults, action: &CStr, status: Status) {
    let failures = [Status::FAILED, Status::FATAL, Status::MEMORY, Status::MISSING_HOST_FEATURE, Status::FORMAT];
    let known = [Status::OK, Status::REPLY_DEFAULT].contains(&status) || failures.contains(&status);
    if !known || (action == ACTION_RENDER && status == Status::REPLY_DEFAULT) {
        faults.note(action, format_args!("answers {status:?}"));
    }
}

fn unknown<T>(faults: &Faults, action: &CStr, set: &PropertySet, name: &CStr, parse: fn(&CStr) -> Option<T>) {
    for value in set.all::<std::ffi::CString>(name).iter().filter(|value| parse(value).is_none()) {
        let (value, name) = (value.to_string_lossy(), name.to_string_lossy());
        faults.note(action, format_args!("\"{value}\" is no value of {name} of {}", words(set.kind())));
    }
}

/// Notes what an effect's own description lacks.
pub(crate) fn effect(faults: &Faults, descriptor: &EffectObject) {
    let (props, action) = (&descriptor.props, ACTION_DESCRIBE);
    for name in [PROP_SUPPORTED_CONTEXTS, PROP_SUPPORTED_PIXEL_DEPTHS] {
        if props.strings(name).is_empty() {
            faults.note(action, format_args!("leaves {} empty", name.to_string_lossy()));
        }
    }
    unknown(faults, action, props, PROP_SUPPORTED_CONTEXTS, Context::from_cstr);
    unknown(faults, action, props, PROP_SUPPORTED_PIXEL_DEPTHS, BitDepth::from_cstr);
    unknown(faults, action, props, PLUGIN_RENDER_THREAD_SAFETY, RenderSafety::from_cstr);
}

/// The clips that an effect must have in a context.
fn mandated(context: Context) -> &'static [&'static CStr] {
    match context {
        Context::Filter | Context::Retimer => &[SIMPLE_SOURCE_CLIP_NAME, OUTPUT_CLIP_NAME],
        Context::Transition => &[TRANSITION_SOURCE_FROM_CLIP_NAME, TRANSITION_SOURCE_TO_CLIP_NAME, OUTPUT_CLIP_NAME],
        _ => &[OUTPUT_CLIP_NAME],
    }
}

/// Notes what an effect's description in a context lacks.
pub(crate) fn in_context(faults: &Faults, descriptor: &EffectObject, context: Context) {
    let action = ACTION_DESCRIBE_IN_CONTEXT;
    let say = |what: String| faults.note(action, format_args!("{what} ({context:?})"));
    for name in mandated(context).iter().filter(|name| descriptor.clip(name).is_none()) {
        say(format!("defines no clip \"{}\"", name.to_string_lossy()));
    }
    let driven = match context {
        Context::Retimer => Some(RETIMER_PARAM_NAME),
        Context::Transition => Some(TRANSITION_PARAM_NAME),
        _ => None,
    };
    if let Some(name) = driven
        && descriptor.params.find(name).is_none_or(|param| param.kind != ParamKind::Double)
    {
        say(format!("defines no double parameter \"{}\"", name.to_string_lossy()));
    }
    for clip in descriptor.clips.read().iter() {
        if clip.props.strings(PROP_SUPPORTED_COMPONENTS).is_empty() {
            say(format!("says no components of the clip \"{}\"", clip.name()));
        }
        unknown(faults, action, &clip.props, PROP_SUPPORTED_COMPONENTS, Components::from_cstr);
    }
    for param in descriptor.params.all() {
        parameter(descriptor, &param, &say);
    }
}

fn parameter(descriptor: &EffectObject, param: &super::param::Param, say: &dyn Fn(String)) {
    let (props, id) = (&param.props, param.name());
    let parent = props.text(PARAM_PROP_PARENT).unwrap_or_default();
    let is_group = |id: &CStr| descriptor.params.find(id).is_some_and(|param| param.kind == ParamKind::Group);
    if !parent.is_empty() && !is_group(&parent) {
        say(format!("\"{}\", the parent of \"{id}\", is no group", parent.to_string_lossy()));
    }
    for child in props.all::<std::ffi::CString>(PARAM_PROP_PAGE_CHILD) {
        let is_mark = child.as_c_str() == PARAM_PAGE_SKIP_ROW || child.as_c_str() == PARAM_PAGE_SKIP_COLUMN;
        if !is_mark && descriptor.params.find(&child).is_none() {
            say(format!("\"{}\", on the page \"{id}\", is no parameter", child.to_string_lossy()));
        }
    }
    if matches!(param.kind, ParamKind::Choice) {
        let (options, default) =
            (props.strings(PARAM_PROP_CHOICE_OPTION).len(), props.int(PARAM_PROP_DEFAULT).unwrap_or(0));
        if !usize::try_from(default).is_ok_and(|default| default < options) {
            say(format!("the default of \"{id}\" is {default}, of {options} options"));
        }
    }
    let numbers = |name: &CStr| -> Vec<f64> {
        let ints = props.all::<i32>(name).into_iter().map(f64::from).collect::<Vec<_>>();
        if ints.is_empty() { props.all::<f64>(name) } else { ints }
    };
    let limits = numbers(PARAM_PROP_MIN).into_iter().zip(numbers(PARAM_PROP_MAX));
    for ((min, max), default) in limits.zip(numbers(PARAM_PROP_DEFAULT)) {
        if !(min..=max).contains(&default) {
            say(format!("the default of \"{id}\" is {default}, of {min} to {max}"));
        }
    }
}

/// Notes answers that make no sense.
pub(crate) fn region(faults: &Faults, region: RectD) {
    if !(region.x1 <= region.x2 && region.y1 <= region.y2) {
        faults.note(ACTION_GET_REGION_OF_DEFINITION, format_args!("answers {region:?}, which has no inside"));
    }
}

/// As [`region`], of a run of times.
pub(crate) fn times(faults: &Faults, action: &CStr, range: RangeD) {
    if range.min.is_nan() || range.max.is_nan() || range.min > range.max {
        faults.note(action, format_args!("answers the times {} to {}", range.min, range.max));
    }
}

/// As [`region`], of a clip whose picture will do.
pub(crate) fn identity(faults: &Faults, effect: &EffectObject, clip: &str) {
    if !effect.inputs().iter().any(|input| input.name() == clip) {
        faults.note(ACTION_IS_IDENTITY, format_args!("answers \"{clip}\", which is no input"));
    }
}

/// As [`region`], of what an effect prefers of its clips.
pub(crate) fn preferences(faults: &Faults, out: &PropertySet, clips: &[Arc<Clip>]) {
    let action = ACTION_GET_CLIP_PREFERENCES;
    for clip in clips {
        let suffixed = |prefix: &str| super::property::cstring(&format!("{prefix}{}", clip.name()));
        unknown(faults, action, out, &suffixed(CLIP_COMPONENTS_PREFIX), Components::from_cstr);
        unknown(faults, action, out, &suffixed(CLIP_DEPTH_PREFIX), BitDepth::from_cstr);
    }
    unknown(faults, action, out, IMAGE_CLIP_PROP_FIELD_ORDER, Field::from_cstr);
}

/// Notes pixels of a window that a render left as they were: all of `garbage`.
pub(crate) fn unwritten(faults: &Faults, output: &HostImage, window: RectI, garbage: u8) {
    let (bounds, bytes) = (output.bounds(), output.format().bytes());
    let column = |x: i32| usize::try_from(x - bounds.x1).unwrap_or_default() * bytes;
    let untouched = |y: i32| {
        let row = &output.row(y)[column(window.x1)..column(window.x2)];
        row.chunks_exact(bytes).filter(|pixel| pixel.iter().all(|byte| *byte == garbage)).count()
    };
    let count: usize = (window.y1..window.y2).map(untouched).sum();
    if count > 0 {
        faults.note(ACTION_RENDER, format_args!("leaves pixels of its window unwritten"));
    }
}

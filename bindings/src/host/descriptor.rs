//! What effects, parameters and clips say of themselves.

use super::{
    effect_object::EffectObject,
    param::Param,
    property::PropertySet,
    value::{ParamKind, Value},
};
use crate::{BitDepth, Components, Context, RenderSafety, props::*};

/// An effect's description of itself.
#[derive(Clone, Debug, PartialEq)]
pub struct EffectDescriptor {
    /// Identifier.
    pub id: String,
    /// Major and minor version of the plugin.
    pub version: (u32, u32),
    /// Name shown to the user.
    pub label: String,
    /// Menu it is shown in.
    pub grouping: String,
    /// What it does.
    pub description: String,
    /// Its icon's files, SVG and PNG, in the bundle's resources; empty for none.
    pub icons: [String; 2],
    /// Contexts it works in.
    pub contexts: Vec<Context>,
    /// Depths it takes.
    pub depths: Vec<BitDepth>,
    /// How many threads may render at once.
    pub safety: RenderSafety,
    /// Whether the host may split a frame among threads.
    pub host_frame_threading: bool,
    /// Whether it can render a part of a picture.
    pub tiles: bool,
    /// Whether it takes inputs of different sizes, anywhere.
    pub multi_resolution: bool,
    /// Whether it asks for frames at other times.
    pub temporal: bool,
    /// Whether it must render in order: 0 no, 1 yes, 2 would rather.
    pub sequential: i32,
}

impl EffectDescriptor {
    pub(crate) fn read(id: &str, version: (u32, u32), p: &PropertySet) -> Self {
        Self {
            id: id.to_owned(),
            version,
            label: p.string(PROP_LABEL),
            grouping: p.string(PLUGIN_PROP_GROUPING),
            description: p.string(PROP_PLUGIN_DESCRIPTION),
            icons: [0, 1].map(|i| p.strings(PROP_ICON).get(i).cloned().unwrap_or_default()),
            contexts: named(p, PROP_SUPPORTED_CONTEXTS, Context::from_cstr),
            depths: named(p, PROP_SUPPORTED_PIXEL_DEPTHS, BitDepth::from_cstr),
            safety: p
                .text(PLUGIN_RENDER_THREAD_SAFETY)
                .and_then(|s| RenderSafety::from_cstr(&s))
                .unwrap_or(RenderSafety::InstanceSafe),
            host_frame_threading: p.flag(PLUGIN_PROP_HOST_FRAME_THREADING),
            tiles: p.flag(PROP_SUPPORTS_TILES),
            multi_resolution: p.flag(PROP_SUPPORTS_MULTI_RESOLUTION),
            temporal: p.flag(PROP_TEMPORAL_CLIP_ACCESS),
            sequential: p.int(INSTANCE_PROP_SEQUENTIAL_RENDER).unwrap_or(0),
        }
    }
}

/// The values that a property's strings name; unknown ones are left out.
pub(crate) fn named<T>(p: &PropertySet, name: &std::ffi::CStr, from: impl Fn(&std::ffi::CStr) -> Option<T>) -> Vec<T> {
    p.all::<std::ffi::CString>(name).iter().filter_map(|s| from(s)).collect()
}

/// An effect in one context.
#[derive(Clone, Debug, PartialEq)]
pub struct ContextDescriptor {
    /// The context.
    pub context: Context,
    /// Parameters in the order defined.
    pub params: Vec<ParamDescriptor>,
    /// Clips in the order defined, the output among them.
    pub clips: Vec<ClipDescriptor>,
}

impl ContextDescriptor {
    pub(crate) fn read(effect: &EffectObject) -> Self {
        Self {
            context: effect.context.unwrap_or(Context::General),
            params: effect.params.all().iter().map(|p| ParamDescriptor::read(p)).collect(),
            clips: effect.clips.read().iter().map(|c| ClipDescriptor::read(&c.name(), &c.props)).collect(),
        }
    }

    /// A parameter by its identifier.
    #[must_use]
    pub fn param(&self, id: &str) -> Option<&ParamDescriptor> {
        self.params.iter().find(|p| p.id == id)
    }

    /// A clip by its name.
    #[must_use]
    pub fn clip(&self, id: &str) -> Option<&ClipDescriptor> {
        self.clips.iter().find(|c| c.id == id)
    }
}

/// A parameter's description.
#[derive(Clone, Debug, PartialEq)]
pub struct ParamDescriptor {
    /// Identifier.
    pub id: String,
    /// Kind.
    pub kind: ParamKind,
    /// Name shown to the user.
    pub label: String,
    /// Tooltip.
    pub hint: String,
    /// Name for scripts.
    pub script_name: String,
    /// Group it is in; empty for none.
    pub parent: String,
    /// Default; `None` for what holds no value.
    pub default: Option<Value>,
    /// Lower limits, one a dimension; empty for what has none.
    pub min: Vec<f64>,
    /// Upper limits.
    pub max: Vec<f64>,
    /// Lower ends of the slider.
    pub display_min: Vec<f64>,
    /// Upper ends of the slider.
    pub display_max: Vec<f64>,
    /// Steps of the slider.
    pub increment: Vec<f64>,
    /// Digits after the point.
    pub digits: Option<i32>,
    /// The standard's name for what a double means.
    pub double_type: String,
    /// The standard's name for what a string is.
    pub string_mode: String,
    /// Labels of a choice, in order.
    pub choices: Vec<String>,
    /// Values of a string choice, in the labels' order.
    pub choice_names: Vec<String>,
    /// Whether it can be animated.
    pub animates: bool,
    /// Whether it is hidden.
    pub secret: bool,
    /// Whether it can be edited.
    pub enabled: bool,
    /// Whether it is saved with the project.
    pub persistent: bool,
    /// Whether a change renders again.
    pub evaluate_on_change: bool,
    /// Whether a group begins open.
    pub open: bool,
    /// A page's parameters.
    pub children: Vec<String>,
}

impl ParamDescriptor {
    pub(crate) fn read(param: &Param) -> Self {
        let (p, kind) = (&param.props, param.kind);
        let numbers = |name| -> Vec<f64> {
            let ints = p.all::<i32>(name);
            if ints.is_empty() { p.all::<f64>(name) } else { ints.into_iter().map(f64::from).collect() }
        };
        Self {
            id: param.name(),
            kind,
            label: p.string(PROP_LABEL),
            hint: p.string(PARAM_PROP_HINT),
            script_name: p.string(PARAM_PROP_SCRIPT_NAME),
            parent: p.string(PARAM_PROP_PARENT),
            default: kind.has_value().then(|| param.default_value()),
            min: numbers(PARAM_PROP_MIN),
            max: numbers(PARAM_PROP_MAX),
            display_min: numbers(PARAM_PROP_DISPLAY_MIN),
            display_max: numbers(PARAM_PROP_DISPLAY_MAX),
            increment: numbers(PARAM_PROP_INCREMENT),
            digits: p.int(PARAM_PROP_DIGITS),
            double_type: p.string(PARAM_PROP_DOUBLE_TYPE),
            string_mode: p.string(PARAM_PROP_STRING_MODE),
            choices: p.strings(PARAM_PROP_CHOICE_OPTION),
            choice_names: p.strings(PARAM_PROP_CHOICE_ENUM),
            animates: p.flag(PARAM_PROP_ANIMATES),
            secret: p.flag(PARAM_PROP_SECRET),
            enabled: p.flag(PARAM_PROP_ENABLED),
            persistent: p.flag(PARAM_PROP_PERSISTANT),
            evaluate_on_change: p.flag(PARAM_PROP_EVALUATE_ON_CHANGE),
            open: p.flag(PARAM_PROP_GROUP_OPEN),
            children: p.strings(PARAM_PROP_PAGE_CHILD),
        }
    }
}

/// A clip's description.
#[derive(Clone, Debug, PartialEq)]
pub struct ClipDescriptor {
    /// Name.
    pub id: String,
    /// Name shown to the user.
    pub label: String,
    /// Channels it takes.
    pub components: Vec<Components>,
    /// Whether the effect works without it.
    pub optional: bool,
    /// Whether it is a mask.
    pub mask: bool,
    /// Whether frames at other times are asked for.
    pub temporal: bool,
    /// Whether parts of its pictures will do.
    pub tiles: bool,
}

impl ClipDescriptor {
    fn read(id: &str, p: &PropertySet) -> Self {
        Self {
            id: id.to_owned(),
            label: p.string(PROP_LABEL),
            components: named(p, PROP_SUPPORTED_COMPONENTS, Components::from_cstr),
            optional: p.flag(IMAGE_CLIP_PROP_OPTIONAL),
            mask: p.flag(IMAGE_CLIP_PROP_IS_MASK),
            temporal: p.flag(PROP_TEMPORAL_CLIP_ACCESS),
            tiles: p.flag(PROP_SUPPORTS_TILES),
        }
    }
}

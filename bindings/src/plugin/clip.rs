//! Clips as a node declares them, and an instance's clips in the host.

use std::{ffi::CString, ptr};

use super::{
    error::{Error, Result},
    property::{Props, c_text},
    suites::{Handle, Suites},
};
use crate::{
    BitDepth, Components, Context, Field, Premultiplication, RangeD, RectD, Status, props,
    sys::{
        generic::core::{OfxPropertySetStruct, OfxRectD},
        image_effect_v1::image_effect::{OfxImageClipStruct, OfxImageEffectStruct},
    },
};

/// One of an effect's clips: a field of a struct that derives [`Clips`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Clip(usize);

impl Clip {
    /// The clip at a place in [`Clips::SPECS`]; the derive makes these.
    #[doc(hidden)]
    #[must_use]
    pub const fn at(index: usize) -> Self {
        Self(index)
    }
}

/// An effect's clips; derive it on a struct whose fields are all [`Clip`].
///
/// ```
/// #[derive(ofx::Clips)]
/// struct BridgeClips {
///     /// The shot before the gap.
///     #[clip(name = "SourceFrom", only = [Transition, General])]
///     from: ofx::Clip,
///     /// The shot after it.
///     #[clip(name = "SourceTo", only = [Transition, General])]
///     to: ofx::Clip,
///     /// Both in one clip, with the gap inside.
///     #[clip(only = [Filter])]
///     source: ofx::Clip,
///     /// Where to work.
///     #[clip(optional, mask, only = [General])]
///     mask: ofx::Clip,
///     /// What is made.
///     output: ofx::Clip,
/// }
/// # use ofx::plugin::Clips;
/// assert_eq!(BridgeClips::SPECS[2].name, "Source");
/// ```
///
/// `#[clip(…)]` takes `name` (default: the field's name in capitals, `source_from` → `SourceFrom`), `label`,
/// `optional`, `optional_in = [Context, …]`, `mask` and `only = [Context, …]`. One clip is named `Output`. A
/// generator has only its output, unless a clip names that context in `only`.
pub trait Clips: Send + Sync + 'static {
    /// What is declared.
    const SPECS: &'static [ClipSpec];
    /// The struct, each field being its place in `SPECS`.
    fn new() -> Self;
}

/// A declared clip.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClipSpec {
    /// Its name in the host.
    pub name: &'static str,
    /// Its name for people.
    pub label: &'static str,
    /// What it is.
    pub hint: &'static str,
    /// May be left unconnected.
    pub optional: bool,
    /// May be left unconnected in these contexts.
    pub optional_in: &'static [Context],
    /// The contexts that have it; empty for all.
    pub only: &'static [Context],
    /// It is a mask.
    pub mask: bool,
}

impl ClipSpec {
    /// Whether it is the output.
    #[must_use]
    pub fn is_output(&self) -> bool {
        self.name.as_bytes() == props::OUTPUT_CLIP_NAME.to_bytes()
    }

    /// Whether it is there in a context.
    #[must_use]
    pub fn is_in(&self, context: Context) -> bool {
        self.is_output()
            || if self.only.is_empty() { context != Context::Generator } else { self.only.contains(&context) }
    }

    /// Whether it may be left unconnected in a context.
    #[must_use]
    pub fn is_optional_in(&self, context: Context) -> bool {
        self.optional || self.optional_in.contains(&context)
    }
}

/// A clip of an instance, with the host's handles; without, where the context does not have it.
pub(crate) struct ClipSlot {
    pub(crate) spec: &'static ClipSpec,
    pub(crate) handle: Option<Handle<OfxImageClipStruct>>,
    props: Option<Handle<OfxPropertySetStruct>>,
}

impl ClipSlot {
    /// A clip that the instance's context does not have.
    pub(crate) fn absent(spec: &'static ClipSpec) -> Self {
        Self { spec, handle: None, props: None }
    }

    pub(crate) fn new(suites: &Suites, effect: Handle<OfxImageEffectStruct>, spec: &'static ClipSpec) -> Self {
        let mut slot = Self::absent(spec);
        let Some(get) = suites.effect.clipGetHandle else { return slot };
        let (mut handle, mut props) = (ptr::null_mut(), ptr::null_mut());
        // SAFETY: the effect is the host's own, the name a C string, both places outlive the call.
        let status = unsafe { get(effect.0, c_text(spec.name).as_ptr(), &raw mut handle, &raw mut props) };
        if status != Status::OK.0 {
            return slot;
        }
        (slot.handle, slot.props) = (Handle::new(handle), Handle::new(props));
        // Some hosts fill the second place only when asked through its own call.
        if let (Some(handle), None, Some(get)) = (slot.handle, slot.props, suites.effect.clipGetPropertySet) {
            let mut props = ptr::null_mut();
            // SAFETY: the clip is the host's own, the place outlives the call.
            let status = unsafe { get(handle.0, &raw mut props) };
            slot.props = if status == Status::OK.0 { Handle::new(props) } else { None };
        }
        slot
    }

    pub(crate) fn props<'s>(&self, suites: &'s Suites) -> Props<'s> {
        match self.props {
            Some(handle) => Props::new(&suites.property, handle),
            None => Props::none(&suites.property),
        }
    }
}

pub(crate) fn slot(slots: &[ClipSlot], clip: Clip) -> Result<&ClipSlot> {
    slots.get(clip.0).ok_or_else(|| Error::Failed("That clip belongs to another effect".into()))
}

/// What a host says of a clip. Everything may be missing.
pub struct ClipInfo<'a> {
    pub(crate) slot: &'a ClipSlot,
    pub(crate) suites: &'a Suites,
}

impl ClipInfo<'_> {
    fn props(&self) -> Props<'_> {
        self.slot.props(self.suites)
    }

    /// Its name in the host.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.slot.spec.name
    }

    /// Whether this context has it at all.
    #[must_use]
    pub fn exists(&self) -> bool {
        self.slot.handle.is_some()
    }

    /// Whether something is connected. Resolve says so of every clip and then gives no image.
    #[must_use]
    pub fn is_connected(&self) -> bool {
        self.exists() && self.props().flag(props::IMAGE_CLIP_PROP_CONNECTED, true)
    }

    /// The frames it has, in the effect's time. Real handles may lie outside the effect.
    #[must_use]
    pub fn frame_range(&self) -> Option<RangeD> {
        self.props().range(props::PROP_FRAME_RANGE)
    }

    /// The frames of its source, before the host or clip preferences changed the rate.
    #[must_use]
    pub fn unmapped_frame_range(&self) -> Option<RangeD> {
        self.props().range(props::PROP_UNMAPPED_FRAME_RANGE)
    }

    /// Frames a second.
    #[must_use]
    pub fn frame_rate(&self) -> Option<f64> {
        self.props().double(props::PROP_FRAME_RATE).filter(|r| r.is_finite() && *r > 0.0)
    }

    /// How its channels are stored.
    #[must_use]
    pub fn depth(&self) -> Option<BitDepth> {
        BitDepth::from_cstr(&self.props().c_string(props::PROP_PIXEL_DEPTH)?)
    }

    /// Which channels it has.
    #[must_use]
    pub fn components(&self) -> Option<Components> {
        Components::from_cstr(&self.props().c_string(props::PROP_COMPONENTS)?)
    }

    /// How its colour and alpha are combined.
    #[must_use]
    pub fn premultiplication(&self) -> Option<Premultiplication> {
        Premultiplication::from_cstr(&self.props().c_string(props::PROP_PRE_MULTIPLICATION)?)
    }

    /// Which field comes first.
    #[must_use]
    pub fn field_order(&self) -> Option<Field> {
        Field::from_cstr(&self.props().c_string(props::IMAGE_CLIP_PROP_FIELD_ORDER)?)
    }

    /// Width of a pixel over its height.
    #[must_use]
    pub fn pixel_aspect_ratio(&self) -> Option<f64> {
        self.props().double(props::IMAGE_PROP_PIXEL_ASPECT_RATIO).filter(|r| r.is_finite() && *r > 0.0)
    }

    /// Whether images at fractional times are real ones.
    #[must_use]
    pub fn continuous_samples(&self) -> bool {
        self.props().flag(props::IMAGE_CLIP_PROP_CONTINUOUS_SAMPLES, false)
    }

    /// Its colourspace, where the host speaks the 1.5 colour management.
    #[must_use]
    pub fn colourspace(&self) -> Option<String> {
        self.props().string(props::IMAGE_CLIP_PROP_COLOURSPACE)
    }

    /// The area it covers at a time, in canonical coordinates.
    #[must_use]
    pub fn region_of_definition(&self, time: f64) -> Option<RectD> {
        let (get, clip) = (self.suites.effect.clipGetRegionOfDefinition?, self.slot.handle?);
        let mut rect = OfxRectD { x1: 0.0, y1: 0.0, x2: 0.0, y2: 0.0 };
        // SAFETY: the clip is the host's own, the place outlives the call.
        let status = unsafe { get(clip.0, time, &raw mut rect) };
        (status == Status::OK.0).then_some(RectD { x1: rect.x1, y1: rect.y1, x2: rect.x2, y2: rect.y2 })
    }
}

/// A property that the standard names per clip.
pub(crate) fn per_clip(prefix: &str, spec: &ClipSpec) -> CString {
    c_text(&format!("{prefix}{}", spec.name))
}

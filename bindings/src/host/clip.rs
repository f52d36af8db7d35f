//! Clips: where an effect's pictures come from.

use std::{
    error::Error,
    ffi::{CStr, CString},
    fmt,
    sync::{Arc, OnceLock, Weak},
};

use parking_lot::RwLock;

use super::{
    effect_object::EffectObject,
    image::{HostImage, PixelFormat},
    profiles::Profile,
    property::{PropertySet, SetKind},
    registry::{Handle, Object},
    sets,
};
use crate::{Field, RangeD, RectD, props::*};

/// Why a frame cannot be had, in words for the user.
pub type SourceError = Box<dyn Error + Send + Sync>;

/// Gives the frames of a clip. Asked from any thread, at any time, in any order.
pub trait FrameSource: Send + Sync {
    /// First and last frame.
    fn range(&self) -> RangeD;

    /// Where its pictures are, in canonical coordinates.
    fn region(&self, time: f64) -> RectD;

    /// The format of its pictures.
    fn format(&self) -> PixelFormat;

    /// The picture at a time, at full scale; `None` where there is none.
    ///
    /// # Errors
    /// When there should be one and it cannot be had, such as a file that is cut short.
    fn frame(&self, time: f64) -> Result<Option<Arc<HostImage>>, SourceError>;

    /// Frames per second.
    fn rate(&self) -> f64 {
        25.0
    }

    /// Width of a pixel over its height.
    fn pixel_aspect(&self) -> f64 {
        1.0
    }

    /// Which field comes first, for interlaced clips.
    fn field_order(&self) -> Field {
        Field::None
    }

    /// Name of its colour space, for hosts that manage colour.
    fn colourspace(&self) -> Option<String> {
        None
    }

    /// The file that its frames are read from, for hosts that tell.
    fn file(&self) -> Option<String> {
        None
    }

    /// The number in that file of what is shown at a time.
    fn file_frame(&self, time: f64) -> i32 {
        // Saturates.
        #[allow(clippy::cast_possible_truncation)]
        let number = time.round() as i32;
        number
    }
}

/// Frames in memory, one a frame number from `first` on.
#[derive(Debug, Clone)]
pub struct MemoryClip {
    first: i32,
    frames: Vec<Option<Arc<HostImage>>>,
    rate: f64,
}

impl MemoryClip {
    /// A clip of these frames; a frame that is `None` is a hole.
    #[must_use]
    pub fn new(first: i32, frames: Vec<Option<Arc<HostImage>>>) -> Self {
        Self { first, frames, rate: 25.0 }
    }

    /// Sets the frames per second.
    #[must_use]
    pub fn with_rate(mut self, rate: f64) -> Self {
        self.rate = rate;
        self
    }
}

impl FrameSource for MemoryClip {
    fn range(&self) -> RangeD {
        let count = i32::try_from(self.frames.len()).unwrap_or(i32::MAX);
        RangeD { min: f64::from(self.first), max: f64::from(self.first.saturating_add(count.max(1) - 1)) }
    }

    fn region(&self, _time: f64) -> RectD {
        let bounds = self.frames.iter().flatten().next().map(|i| i.bounds()).unwrap_or_default();
        RectD { x1: f64::from(bounds.x1), y1: f64::from(bounds.y1), x2: f64::from(bounds.x2), y2: f64::from(bounds.y2) }
    }

    fn format(&self) -> PixelFormat {
        self.frames.iter().flatten().next().map_or(PixelFormat::FLOAT_RGBA, |i| i.format())
    }

    fn rate(&self) -> f64 {
        self.rate
    }

    fn frame(&self, time: f64) -> Result<Option<Arc<HostImage>>, SourceError> {
        // Saturates; times before the first frame are out of the list.
        #[allow(clippy::cast_possible_truncation)]
        let index = (time.round() - f64::from(self.first)) as i64;
        Ok(usize::try_from(index).ok().and_then(|i| self.frames.get(i)).cloned().flatten())
    }
}

/// A clip, of a descriptor or of an instance.
pub(crate) struct Clip {
    handle: Handle,
    pub(crate) id: CString,
    pub(crate) props: Arc<PropertySet>,
    effect: OnceLock<Weak<EffectObject>>,
    source: RwLock<Option<Arc<dyn FrameSource>>>,
    given: RwLock<PixelFormat>,
}

impl fmt::Debug for Clip {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Clip").field("id", &self.id).field("given", &self.given).finish_non_exhaustive()
    }
}

impl Clip {
    pub(crate) fn new(id: &CStr, props: Arc<PropertySet>) -> Arc<Self> {
        Arc::new_cyclic(|weak| Self {
            handle: Handle::new(Object::Clip(weak.clone())),
            id: id.to_owned(),
            props,
            effect: OnceLock::new(),
            source: RwLock::new(None),
            given: RwLock::new(PixelFormat::FLOAT_RGBA),
        })
    }

    /// An instance's clip, not connected to anything yet.
    pub(crate) fn instantiate(&self, profile: &Profile) -> Arc<Self> {
        let props = self.props.fork(SetKind::ClipInstance);
        sets::instantiate_clip(&props, profile);
        Self::new(&self.id, props)
    }

    pub(crate) fn handle(&self) -> &Handle {
        &self.handle
    }

    pub(crate) fn own(&self, effect: Weak<EffectObject>) {
        let _ = self.effect.set(effect);
    }

    pub(crate) fn owner(&self) -> Option<Arc<EffectObject>> {
        self.effect.get()?.upgrade()
    }

    pub(crate) fn name(&self) -> String {
        self.id.to_string_lossy().into_owned()
    }

    pub(crate) fn is_output(&self) -> bool {
        *self.id == *OUTPUT_CLIP_NAME
    }

    pub(crate) fn is_optional(&self) -> bool {
        self.props.flag(IMAGE_CLIP_PROP_OPTIONAL)
    }

    pub(crate) fn source(&self) -> Option<Arc<dyn FrameSource>> {
        self.source.read().clone()
    }

    /// The format its images come in.
    pub(crate) fn given(&self) -> PixelFormat {
        *self.given.read()
    }

    pub(crate) fn give(&self, format: PixelFormat) {
        *self.given.write() = format;
        self.props.put_text(PROP_PIXEL_DEPTH, format.depth.as_cstr());
        self.props.put_text(PROP_COMPONENTS, format.components.as_cstr());
        self.props.put_text(PROP_PRE_MULTIPLICATION, format.premultiplication.as_cstr());
    }

    pub(crate) fn connect(&self, source: Option<Arc<dyn FrameSource>>, profile: &Profile) {
        let connected = source.is_some() || profile.looks_connected;
        self.props.put(IMAGE_CLIP_PROP_CONNECTED, &[i32::from(connected)]);
        if let Some(s) = &source {
            let (range, format) = (profile.range_said.of(s.range()), s.format());
            for name in [PROP_FRAME_RANGE, PROP_UNMAPPED_FRAME_RANGE] {
                self.props.put(name, &[range.min, range.max]);
            }
            for name in [PROP_FRAME_RATE, PROP_UNMAPPED_FRAME_RATE] {
                self.props.put(name, &[s.rate()]);
            }
            self.props.put(IMAGE_PROP_PIXEL_ASPECT_RATIO, &[s.pixel_aspect()]);
            self.props.put_text(IMAGE_CLIP_PROP_FIELD_ORDER, s.field_order().as_cstr());
            self.props.put_text(IMAGE_CLIP_PROP_UNMAPPED_PIXEL_DEPTH, format.depth.as_cstr());
            self.props.put_text(IMAGE_CLIP_PROP_UNMAPPED_COMPONENTS, format.components.as_cstr());
            if let Some((_, working)) = profile.colour_management {
                let space = s.colourspace().map_or_else(|| working.to_owned(), |n| super::property::cstring(&n));
                self.props.put_text(IMAGE_CLIP_PROP_COLOURSPACE, &space);
            }
        }
        *self.source.write() = source;
    }
}

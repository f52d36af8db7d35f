//! Values both sides speak: contexts, pixel formats, rectangles, statuses.

use std::ffi::CStr;

use crate::sys::{
    generic::core::*,
    image_effect_v1::image_effect::{self as ie, *},
};

/// Declares an enum whose variants each stand for one of the standard's strings.
macro_rules! named {
    ($(#[$meta:meta])* $name:ident { $($(#[$vmeta:meta])* $variant:ident = $c:expr),+ $(,)? }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum $name { $($(#[$vmeta])* $variant),+ }

        impl $name {
            /// Every value, in the order declared.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// The standard's string.
            #[must_use]
            pub fn as_cstr(self) -> &'static CStr {
                match self { $(Self::$variant => $c),+ }
            }

            /// The value that the standard's string names, if it is one.
            #[must_use]
            pub fn from_cstr(s: &CStr) -> Option<Self> {
                Self::ALL.iter().copied().find(|v| v.as_cstr() == s)
            }
        }
    };
}

impl Context {
    /// The context of a host's name for it, which may have a suffix: on DaVinci Resolve's Fusion page it has been seen as
    /// `OfxImageEffectContextGeneral_<uuid>_1`.
    #[must_use]
    pub fn of_host(name: &CStr) -> Option<Self> {
        let name = name.to_bytes();
        Self::ALL.iter().copied().find(|context| {
            let rest = name.strip_prefix(context.as_cstr().to_bytes());
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(b"_"))
        })
    }
}

named! {
    /// What a host uses an effect for.
    Context {
        /// Makes pictures from nothing.
        Generator = kOfxImageEffectContextGenerator,
        /// One input, one output.
        Filter = kOfxImageEffectContextFilter,
        /// From one clip to another.
        Transition = kOfxImageEffectContextTransition,
        /// A filter with a painted mask.
        Paint = kOfxImageEffectContextPaint,
        /// Anything, as in a compositor's node graph.
        General = kOfxImageEffectContextGeneral,
        /// Changes the speed of a clip.
        Retimer = kOfxImageEffectContextRetimer,
    }
}

named! {
    /// How a channel is stored.
    BitDepth {
        /// 8-bit unsigned.
        Byte = kOfxBitDepthByte,
        /// 16-bit unsigned.
        Short = kOfxBitDepthShort,
        /// 16-bit float.
        Half = kOfxBitDepthHalf,
        /// 32-bit float.
        Float = kOfxBitDepthFloat,
    }
}

impl BitDepth {
    /// Bytes a channel takes.
    #[must_use]
    pub const fn bytes(self) -> usize {
        match self {
            Self::Byte => 1,
            Self::Short | Self::Half => 2,
            Self::Float => 4,
        }
    }
}

named! {
    /// Which channels a pixel has.
    Components {
        /// Red, green, blue, alpha.
        Rgba = kOfxImageComponentRGBA,
        /// Red, green, blue.
        Rgb = kOfxImageComponentRGB,
        /// Alpha alone.
        Alpha = kOfxImageComponentAlpha,
    }
}

impl Components {
    /// Channels in a pixel.
    #[must_use]
    pub const fn channels(self) -> usize {
        match self {
            Self::Rgba => 4,
            Self::Rgb => 3,
            Self::Alpha => 1,
        }
    }
}

named! {
    /// How colour and alpha are combined.
    Premultiplication {
        /// There is no transparency.
        Opaque = kOfxImageOpaque,
        /// Colour is multiplied by alpha.
        Premultiplied = kOfxImagePreMultiplied,
        /// Colour stands by itself.
        Unpremultiplied = kOfxImageUnPreMultiplied,
    }
}

named! {
    /// Which lines of an interlaced picture are meant.
    Field {
        /// Progressive: the whole frame.
        None = kOfxImageFieldNone,
        /// Interlaced, both fields.
        Both = kOfxImageFieldBoth,
        /// Lines 0, 2, 4, …
        Lower = kOfxImageFieldLower,
        /// Lines 1, 3, 5, …
        Upper = kOfxImageFieldUpper,
    }
}

named! {
    /// Why an instance changed.
    ChangeReason {
        /// The user changed it.
        UserEdited = kOfxChangeUserEdited,
        /// The plugin changed it.
        PluginEdited = kOfxChangePluginEdited,
        /// The time moved.
        Time = kOfxChangeTime,
    }
}

named! {
    /// How many threads may render at once.
    RenderSafety {
        /// One render in the whole process.
        Unsafe = kOfxImageEffectRenderUnsafe,
        /// One render an instance.
        InstanceSafe = kOfxImageEffectRenderInstanceSafe,
        /// Any number of renders.
        FullySafe = kOfxImageEffectRenderFullySafe,
    }
}

/// A rectangle of pixels; `x2` and `y2` are past the end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct RectI {
    /// Left.
    pub x1: i32,
    /// Bottom.
    pub y1: i32,
    /// Right, exclusive.
    pub x2: i32,
    /// Top, exclusive.
    pub y2: i32,
}

impl RectI {
    /// A rectangle from its edges.
    #[must_use]
    pub const fn new(x1: i32, y1: i32, x2: i32, y2: i32) -> Self {
        Self { x1, y1, x2, y2 }
    }

    /// Width in pixels; 0 when inside out.
    #[must_use]
    pub fn width(self) -> usize {
        usize::try_from(i64::from(self.x2) - i64::from(self.x1)).unwrap_or(0)
    }

    /// Height in pixels; 0 when inside out.
    #[must_use]
    pub fn height(self) -> usize {
        usize::try_from(i64::from(self.y2) - i64::from(self.y1)).unwrap_or(0)
    }

    /// Whether there is no pixel in it.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.width() == 0 || self.height() == 0
    }

    /// The part both rectangles cover; empty where they do not meet.
    #[must_use]
    pub fn intersect(self, other: Self) -> Self {
        let (x1, y1) = (self.x1.max(other.x1), self.y1.max(other.y1));
        Self { x1, y1, x2: self.x2.min(other.x2).max(x1), y2: self.y2.min(other.y2).max(y1) }
    }
}

/// A rectangle in canonical coordinates (pixels of aspect 1 at full scale).
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct RectD {
    /// Left.
    pub x1: f64,
    /// Bottom.
    pub y1: f64,
    /// Right.
    pub x2: f64,
    /// Top.
    pub y2: f64,
}

/// Times from `min` to `max`, both included.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct RangeD {
    /// First.
    pub min: f64,
    /// Last.
    pub max: f64,
}

/// What an action or a suite call answers.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Status(pub OfxStatus);

#[allow(missing_docs)]
impl Status {
    pub const OK: Self = Self(kOfxStatOK);
    pub const FAILED: Self = Self(kOfxStatFailed);
    pub const FATAL: Self = Self(kOfxStatErrFatal);
    pub const UNKNOWN: Self = Self(kOfxStatErrUnknown);
    pub const MISSING_HOST_FEATURE: Self = Self(kOfxStatErrMissingHostFeature);
    pub const UNSUPPORTED: Self = Self(kOfxStatErrUnsupported);
    pub const EXISTS: Self = Self(kOfxStatErrExists);
    pub const FORMAT: Self = Self(kOfxStatErrFormat);
    pub const MEMORY: Self = Self(kOfxStatErrMemory);
    pub const BAD_HANDLE: Self = Self(kOfxStatErrBadHandle);
    pub const BAD_INDEX: Self = Self(kOfxStatErrBadIndex);
    pub const VALUE: Self = Self(kOfxStatErrValue);
    pub const REPLY_YES: Self = Self(kOfxStatReplyYes);
    pub const REPLY_NO: Self = Self(kOfxStatReplyNo);
    pub const REPLY_DEFAULT: Self = Self(kOfxStatReplyDefault);
    pub const IMAGE_FORMAT: Self = Self(ie::kOfxStatErrImageFormat);
}

impl std::fmt::Debug for Status {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let name = match *self {
            Self::OK => "OK",
            Self::FAILED => "Failed",
            Self::FATAL => "ErrFatal",
            Self::UNKNOWN => "ErrUnknown",
            Self::MISSING_HOST_FEATURE => "ErrMissingHostFeature",
            Self::UNSUPPORTED => "ErrUnsupported",
            Self::EXISTS => "ErrExists",
            Self::FORMAT => "ErrFormat",
            Self::MEMORY => "ErrMemory",
            Self::BAD_HANDLE => "ErrBadHandle",
            Self::BAD_INDEX => "ErrBadIndex",
            Self::VALUE => "ErrValue",
            Self::REPLY_YES => "ReplyYes",
            Self::REPLY_NO => "ReplyNo",
            Self::REPLY_DEFAULT => "ReplyDefault",
            Self::IMAGE_FORMAT => "ErrImageFormat",
            Self(other) => return write!(f, "Status({other})"),
        };
        f.write_str(name)
    }
}

/// The identifier of messages that say how work is going: this crate's own word, which other hosts take for any.
pub const STATUS_MESSAGE: &std::ffi::CStr = c"status";

/// The functions that a plugin binary exports: `OfxGetNumberOfPlugins`, `OfxGetPlugin` and, since OpenFX 1.5,
/// `OfxSetHost`. Who makes one promises that they are what the standard says.
#[derive(Clone, Copy, Debug)]
pub struct EntryPoints {
    /// `OfxGetNumberOfPlugins`.
    pub number: unsafe extern "C" fn() -> std::ffi::c_int,
    /// `OfxGetPlugin`.
    pub get: unsafe extern "C" fn(std::ffi::c_int) -> *mut OfxPlugin,
    /// `OfxSetHost`.
    pub set_host: Option<unsafe extern "C" fn(*const OfxHost) -> OfxStatus>,
}

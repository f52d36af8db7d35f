//! The traits by which hosts differ: what a [`Profile`](super::Profile) is made of.

use crate::RangeD;

/// Which message functions a host has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MessageSuite {
    /// No message suite.
    None,
    /// Version 1.
    V1,
    /// Versions 1 and 2.
    V2,
    /// Version 1 works; version 2 is there, but its functions are null.
    V2Null,
}

/// Which of the optional suites a host has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Suites {
    /// Messages.
    pub message: MessageSuite,
    /// Highest version of the progress suite; 0 for none.
    pub progress: i32,
    /// Threads and mutexes.
    pub multithread: bool,
    /// Memory.
    pub memory: bool,
    /// The time line.
    pub timeline: bool,
    /// Parametric curves.
    pub parametric: bool,
    /// Overlays.
    pub interact: bool,
    /// What they are drawn with since OpenFX 1.5.
    pub draw: bool,
}

impl Suites {
    /// Every suite this host side implements.
    pub const ALL: Self = Self {
        message: MessageSuite::V2,
        progress: 2,
        multithread: true,
        memory: true,
        timeline: true,
        parametric: true,
        interact: true,
        draw: true,
    };
    /// Every suite of OpenFX 1.4.
    pub const OLDER: Self = Self { draw: false, ..Self::ALL };
    /// None but property, parameter and image effect, which every host must have.
    pub const NONE: Self = Self {
        message: MessageSuite::None,
        progress: 0,
        multithread: false,
        memory: false,
        timeline: false,
        parametric: false,
        interact: false,
        draw: false,
    };
}

/// What a plugin gets when it asks for an image that is not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NullImage {
    /// The call fails, as the standard says.
    Fails,
    /// The call succeeds and the handle is null.
    NullHandle,
    /// The call succeeds and the image's data pointer is null.
    NullData,
}

/// What a plugin gets when it asks for a frame outside a clip's range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BeyondRange {
    /// Whatever the frame source answers.
    Source,
    /// The nearest frame of the range.
    Hold,
    /// As for an image that is not there.
    Null,
    /// A black image with other bounds.
    OtherBounds,
}

/// What a host says a clip's frame range is. What plugins met in DaVinci Resolve stands with its profiles.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum RangeSaid {
    /// The frames that the clip has.
    Frames,
    /// Frames counted on another axis than the render's time, so many from 0 on.
    FromZero(i32),
    /// So many frames more than the clip has on the timeline, before it and after it: the whole of its media.
    Media {
        /// Frames before the clip's first.
        before: i32,
        /// Frames after its last.
        after: i32,
    },
    /// The clip's frames, so many further on than the render's time has them.
    Apart(i32),
}

impl RangeSaid {
    /// What is said of a clip that has these frames.
    #[must_use]
    pub fn of(self, range: RangeD) -> RangeD {
        match self {
            Self::Frames => range,
            Self::FromZero(count) => RangeD { min: 0.0, max: f64::from(count - 1) },
            Self::Media { before, after } => {
                RangeD { min: range.min - f64::from(before), max: range.max + f64::from(after) }
            }
            Self::Apart(by) => RangeD { min: range.min + f64::from(by), max: range.max + f64::from(by) },
        }
    }
}

/// What a plugin gets for a frame that it did not announce in getFramesNeeded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unannounced {
    /// The frame.
    Frame,
    /// A picture that is not the frame's: one even colour, which no clip of a test shows.
    AnotherPicture,
}

/// The render scale that a host's images say they have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImageScale {
    /// The one they are rendered at.
    Render,
    /// 1, whatever they are rendered at.
    One,
    /// How many times smaller they are, where the scale should stand.
    Inverse,
}

impl ImageScale {
    pub(crate) fn said(self, (x, y): (f64, f64)) -> (f64, f64) {
        match self {
            Self::Render => (x, y),
            Self::One => (1.0, 1.0),
            Self::Inverse => (1.0 / x, 1.0 / y),
        }
    }
}

/// Which actions a host ever calls beside render; the others are never called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Calls {
    /// isIdentity.
    pub identity: bool,
    /// getFramesNeeded.
    pub frames_needed: bool,
    /// getTimeDomain.
    pub time_domain: bool,
    /// beginInstanceChanged, instanceChanged, endInstanceChanged.
    pub instance_changed: bool,
    /// getRegionsOfInterest.
    pub regions_of_interest: bool,
    /// syncPrivateData, before an instance is cloned.
    pub sync_private_data: bool,
}

impl Calls {
    /// Every action.
    pub const ALL: Self = Self {
        identity: true,
        frames_needed: true,
        time_domain: true,
        instance_changed: true,
        regions_of_interest: true,
        sync_private_data: true,
    };
}

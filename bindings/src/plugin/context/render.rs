//! The phases of rendering: a frame, and a run of frames.

use std::ops::Deref;

use super::{
    super::{
        clip::{self, Clip},
        effect::Effect,
        error::{Error, Result},
        image::{InputImage, Loans, OutputImage},
        property::Props,
    },
    Cx, scale, time,
};
use crate::{Field, RangeD, RectI, props};

/// What a render is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RenderFlags {
    /// In answer to a user's move, such as a scrub.
    pub interactive: bool,
    /// One of a run of frames in order.
    pub sequential: bool,
    /// A quick look will do.
    pub draft: bool,
    /// For a thumbnail: as the action says, or DaVinci Resolve says of its clips.
    pub thumbnail: bool,
}

impl RenderFlags {
    fn read(args: &Props<'_>) -> Self {
        Self {
            interactive: args.flag(props::PROP_INTERACTIVE_RENDER_STATUS, false),
            sequential: args.flag(props::PROP_SEQUENTIAL_RENDER_STATUS, false),
            draft: args.flag(props::PROP_RENDER_QUALITY_DRAFT, false),
            thumbnail: false,
        }
    }
}

/// A frame is being rendered.
pub struct Render<'a, E: Effect> {
    cx: Cx<'a, E>,
    loans: Loans<'a>,
    time: f64,
    render_scale: (f64, f64),
    window: RectI,
    field: Field,
    flags: RenderFlags,
    source_frame: Option<i32>,
    answers: Props<'a>,
}

phase!(Render);
at_a_time!(Render);

impl<'a, E: Effect> Render<'a, E> {
    pub(crate) fn new(cx: Cx<'a, E>, args: &Props<'_>, answers: Props<'a>) -> Result<Self> {
        let window = args
            .rect_i(props::PROP_RENDER_WINDOW)
            .ok_or_else(|| Error::MissingHostFeature("a render window: there is nothing to fill".into()))?;
        let suites = &cx.shell.suites;
        let of_clip = |slot: &clip::ClipSlot| slot.props(suites).flag(props::IMAGE_CLIP_PROP_THUMBNAIL, false);
        let thumbnail = args.flag(props::PROP_THUMBNAIL_RENDER, false) || cx.shell.clips.iter().any(of_clip);
        Ok(Self {
            loans: Loans::new(&cx.shell.suites),
            time: time(args)?,
            render_scale: scale(args),
            window,
            field: args.c_string(props::PROP_FIELD_TO_RENDER).and_then(|s| Field::from_cstr(&s)).unwrap_or(Field::None),
            flags: RenderFlags { thumbnail, ..RenderFlags::read(args) },
            source_frame: args.int(props::PROP_SRC_FRAME),
            answers,
            cx,
        })
    }

    /// The pixels to fill. The whole picture, unless the effect takes tiles.
    #[must_use]
    pub fn render_window(&self) -> RectI {
        self.window
    }

    /// The lines to fill.
    #[must_use]
    pub fn field(&self) -> Field {
        self.field
    }

    /// What the render is for.
    #[must_use]
    pub fn flags(&self) -> RenderFlags {
        self.flags
    }

    /// The number in its [`source_file`](Cx::source_file) of the first clip's frame of this time, in hosts that say. What they say
    /// where a clip is frozen, retimed or a sequence is not known.
    #[must_use]
    pub fn source_frame(&self) -> Option<i32> {
        self.source_frame
    }

    /// Every parameter at this time.
    ///
    /// # Errors
    /// As [`Cx::params_at`].
    pub fn params(&self) -> Result<E::Params> {
        self.cx.params_at(self.time)
    }

    /// Tells the host something of the frame that the picture does not show, such as how it was made. The standard has no place for
    /// it: [`Profile::render_notes`](crate::host::Profile::render_notes) has, other hosts do not hear of it. The last note counts.
    pub fn note(&self, text: &str) {
        // A host without a place for notes refuses the property, or gave no answers to fill in.
        let _ = self.answers.set_string(props::RENDER_NOTE, 0, text);
    }

    /// Whether the host wants the render to stop.
    #[must_use]
    pub fn abort(&self) -> bool {
        self.cx.shell.abort()
    }

    /// Ends the render if the host wants it to stop: for `?`.
    ///
    /// # Errors
    /// [`Error::Aborted`].
    pub fn check_abort(&self) -> Result<()> {
        if self.abort() { Err(Error::Aborted) } else { Ok(()) }
    }

    /// A clip's image at a time; none where nothing is connected or the host has none there.
    ///
    /// Where the host offers no [temporal access](crate::plugin::HostInfo::temporal_access), other times may give the current frame.
    ///
    /// # Errors
    /// When the host passes an image that cannot be, or is out of memory.
    pub fn image(&self, clip: Clip, time: f64) -> Result<Option<InputImage<'_>>> {
        InputImage::fetch(&self.loans, clip::slot(&self.cx.shell.clips, clip)?, time)
    }

    /// The image to fill.
    ///
    /// # Errors
    /// When the host has none, or it is already on loan.
    pub fn output(&self) -> Result<OutputImage<'_>> {
        let image = OutputImage::fetch(&self.loans, self.cx.shell.output()?, self.time)?;
        image.ok_or_else(|| Error::Failed("The host gave no image to render into".into()))
    }
}

/// A run of renders starts or ends.
pub struct Sequence<'a, E: Effect> {
    cx: Cx<'a, E>,
    /// The frames of the run.
    pub frames: RangeD,
    /// From frame to frame.
    pub step: f64,
    /// What the run is for; that a frame is for a thumbnail is said with that frame.
    pub flags: RenderFlags,
}

phase!(Sequence);

impl<'a, E: Effect> Sequence<'a, E> {
    pub(crate) fn new(cx: Cx<'a, E>, args: &Props<'_>) -> Self {
        Self {
            cx,
            frames: args.range(props::PROP_FRAME_RANGE).unwrap_or_default(),
            step: args.double(props::PROP_FRAME_STEP).unwrap_or(1.0),
            flags: RenderFlags::read(args),
        }
    }
}

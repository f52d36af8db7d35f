//! What each host gives a plugin, and its habits: the one table of them.
//!
//! Each entry names the host, its version and the evidence: **ran** was seen by running a probe plugin in that host;
//! **measured** is somebody else's log or experiment; **read** was read in the host's source or in third-party notes and is a
//! lead. DaVinci Resolve, Nuke, Fusion and
//! Vegas were never run by this project: their profiles are what was read.

use std::ffi::CStr;

use super::{
    image::RowLayout,
    property::SetKind,
    traits::{BeyondRange, Calls, ImageScale, MessageSuite, NullImage, RangeSaid, Suites, Unannounced},
};
use crate::{BitDepth, Components, Context, Premultiplication, props::*};

/// A host: what it says of itself, and what it does.
///
/// The fields are open: a test makes a host of its own by changing one, `Profile { threads: 8, ..Profile::natron() }`.
#[derive(Clone, Debug, PartialEq)]
pub struct Profile {
    /// `kOfxPropName`.
    pub name: String,
    /// `kOfxPropLabel`.
    pub label: String,
    /// The host's version.
    pub version: Vec<i32>,
    /// The OpenFX version it speaks.
    pub api: (i32, i32),
    /// Contexts it uses effects in.
    pub contexts: Vec<Context>,
    /// Depths of its images.
    pub depths: Vec<BitDepth>,
    /// Channels of its images.
    pub components: Vec<Components>,
    /// Premultiplication of its images; `None`: as the source has it.
    pub premultiplication: Option<Premultiplication>,
    /// Whether a plugin may ask for frames at other times.
    pub temporal: bool,
    /// Whether it says that it can render tiles.
    pub tiles: bool,
    /// Whether images may differ in size and have any bounds.
    pub multi_resolution: bool,
    /// Whether it says in render's arguments that a draft will do.
    pub draft_flag: bool,
    /// Whether it says of its clips that a render is for a thumbnail.
    pub thumbnail_on_clips: bool,
    /// Which suites it has.
    pub suites: Suites,
    /// Properties that are not there.
    pub missing: Vec<(SetKind, &'static CStr)>,
    /// Whether string choices are there.
    pub str_choice: bool,
    /// Whether strings can be animated.
    pub string_animation: bool,
    /// How it manages colour, where it says so (OpenFX 1.5): the standard's string and its working space.
    pub colour_management: Option<(&'static CStr, &'static CStr)>,
    /// Which actions it calls.
    pub calls: Calls,
    /// Whether abort and progress ever answer that the user cancelled.
    pub aborts: bool,
    /// Whether an effect can tell something of each frame beside its picture: render's outgoing arguments then have a text of the
    /// name [`RENDER_NOTE`](crate::props::RENDER_NOTE). The standard leaves those arguments empty, and so does every other host.
    pub render_notes: bool,
    /// Threads that render a range of frames.
    pub threads: usize,
    /// Whether each render thread has a clone of the instance.
    pub clone_for_render: bool,
    /// Whether every frame runs load, describe, describe in context, create and destroy.
    pub instance_per_frame: bool,
    /// How often the last frame of a range is rendered.
    pub last_frame_repeats: u32,
    /// Size of the tiles it renders, where the effect supports tiles.
    pub tile: Option<(i32, i32)>,
    /// How the rows of its images lie in memory.
    pub layout: RowLayout,
    /// Where the bottom left corner of its pictures is.
    pub origin: (i32, i32),
    /// Whether every clip looks connected.
    pub looks_connected: bool,
    /// What it gives for an image that is not there.
    pub null_image: NullImage,
    /// What it gives outside a clip's range.
    pub beyond_range: BeyondRange,
    /// Whether fetching an image ignores the time asked for and gives the frame being rendered.
    pub ignores_image_time: bool,
    /// The time at which a clip's first frame stands; none: that of the frame's own number.
    pub first_time: Option<i32>,
    /// What it says a clip's frame range is.
    pub range_said: RangeSaid,
    /// What it gives for a frame that was not announced.
    pub unannounced: Unannounced,
    /// Whether a button gets images.
    pub button_images: bool,
    /// Whether it tells which file the first clip's frames are from, and a render which of them.
    pub source_files: bool,
    /// Render scale that its images say they have.
    pub image_scale: ImageScale,
    /// Render scale of its previews.
    pub preview_scale: f64,
    /// Whether a number without limits set is locked into (0, 0) or (-1, 1).
    pub unset_limits_lock: bool,
    /// Whether load, create and destroy must answer exactly OK.
    pub strict_status: bool,
}

const NO_PROJECT: [(SetKind, &CStr); 5] = [
    (SetKind::Instance, PROP_PROJECT_SIZE),
    (SetKind::Instance, PROP_PROJECT_OFFSET),
    (SetKind::Instance, PROP_PROJECT_EXTENT),
    (SetKind::Instance, PROP_FRAME_RATE),
    (SetKind::Instance, INSTANCE_PROP_EFFECT_DURATION),
];
const NO_CLIP_TIMES: [(SetKind, &CStr); 4] = [
    (SetKind::ClipInstance, PROP_FRAME_RANGE),
    (SetKind::ClipInstance, PROP_FRAME_RATE),
    (SetKind::ClipInstance, PROP_UNMAPPED_FRAME_RANGE),
    (SetKind::ClipInstance, PROP_UNMAPPED_FRAME_RATE),
];

impl Profile {
    /// A host with everything in the standard, OpenFX 1.5, and no quirk: what `pickup render` uses by default.
    #[must_use]
    pub fn reference() -> Self {
        Self {
            name: "org.pickup.host".to_owned(),
            label: "Pickup".to_owned(),
            version: vec![0, 1, 0],
            api: (1, 5),
            contexts: vec![
                Context::Generator,
                Context::Filter,
                Context::Transition,
                Context::General,
                Context::Retimer,
            ],
            depths: BitDepth::ALL.to_vec(),
            components: Components::ALL.to_vec(),
            premultiplication: None,
            temporal: true,
            tiles: true,
            multi_resolution: true,
            draft_flag: true,
            thumbnail_on_clips: false,
            suites: Suites::ALL,
            missing: Vec::new(),
            str_choice: true,
            string_animation: true,
            colour_management: None,
            calls: Calls::ALL,
            aborts: true,
            render_notes: false,
            threads: 1,
            clone_for_render: false,
            instance_per_frame: false,
            last_frame_repeats: 1,
            tile: None,
            layout: RowLayout::default(),
            origin: (0, 0),
            looks_connected: false,
            null_image: NullImage::Fails,
            beyond_range: BeyondRange::Source,
            ignores_image_time: false,
            first_time: None,
            range_said: RangeSaid::Frames,
            unannounced: Unannounced::Frame,
            button_images: true,
            source_files: false,
            image_scale: ImageScale::Render,
            preview_scale: 1.0,
            unset_limits_lock: false,
            strict_status: false,
        }
    }

    /// A host with the three suites that every host must have, and no other: no messages, no progress, no threads, no
    /// memory. It says as little as a host may, and asks only for render.
    #[must_use]
    pub fn bare() -> Self {
        let mut missing = NO_PROJECT.to_vec();
        missing.extend(NO_CLIP_TIMES);
        missing.push((SetKind::Image, IMAGE_PROP_UNIQUE_IDENTIFIER));
        missing.push((SetKind::Host, PROP_VERSION));
        missing.push((SetKind::Host, PROP_API_VERSION));
        Self {
            name: "bare".to_owned(),
            label: "Bare".to_owned(),
            version: Vec::new(),
            api: (1, 0),
            contexts: vec![Context::Filter, Context::General],
            depths: vec![BitDepth::Byte],
            components: vec![Components::Rgba],
            temporal: false,
            tiles: false,
            multi_resolution: false,
            draft_flag: false,
            suites: Suites::NONE,
            missing,
            str_choice: false,
            string_animation: false,
            calls: Calls {
                identity: false,
                frames_needed: false,
                time_domain: false,
                instance_changed: false,
                regions_of_interest: false,
                sync_private_data: false,
            },
            aborts: false,
            ..Self::reference()
        }
    }

    /// DaVinci Resolve Free on Windows, Edit page, September 2026. Measured by others; never run by this project.
    ///
    /// - Filter, General, Transition, Generator, no Retimer. Float RGBA, whole frames, tight rows.
    /// - Time is the timeline's, 6816 to 7010 for a clip that is said to have frames 0 to 1999: the range is on another axis
    ///   (measured: rife-ofx). Neighbours are there on the render's axis.
    /// - A frame that was not announced is "not answered the same way" (measured: rife-ofx).
    /// - Numbers without min, max and display limits lock to (0, 0) or (-1, 1) (read).
    /// - Every clip looks connected and may give a null image (read).
    /// - No message suite 2, no parametric suite (read: Blackmagic's samples).
    /// - Create and destroy must answer OK, not ReplyDefault (read: ntsc-rs).
    /// - Thumbnails are renders that only a clip's property tells from others (measured: ResolveOFX_NDIOutput).
    /// - Since 20, an instance tells its clip's file, and a render the frame of it (read: Blackmagic's library, gyroflow).
    #[must_use]
    pub fn resolve() -> Self {
        Self {
            name: "DaVinciResolve".to_owned(),
            label: "DaVinci Resolve".to_owned(),
            version: vec![21, 0, 3],
            api: (1, 4),
            contexts: vec![Context::Filter, Context::General, Context::Transition, Context::Generator],
            depths: vec![BitDepth::Float],
            components: vec![Components::Rgba],
            tiles: false,
            thumbnail_on_clips: true,
            suites: Suites { message: MessageSuite::V1, parametric: false, ..Suites::OLDER },
            str_choice: false,
            string_animation: false,
            first_time: Some(6816),
            range_said: RangeSaid::FromZero(2000),
            unannounced: Unannounced::AnotherPicture,
            looks_connected: true,
            null_image: NullImage::NullHandle,
            source_files: true,
            unset_limits_lock: true,
            strict_status: true,
            ..Self::reference()
        }
    }

    /// DaVinci Resolve Studio 21.0.3 on macOS, Edit and Color pages: [`resolve`](Self::resolve), but time is the frame of the
    /// source's media and the range covers the whole media, whatever the trim. Measured by others (gyroflow-plugins).
    #[must_use]
    pub fn resolve_media() -> Self {
        Self { first_time: Some(412), range_said: RangeSaid::Media { before: 412, after: 950 }, ..Self::resolve() }
    }

    /// DaVinci Resolve Studio 21.0.4, an adjustment clip: [`resolve`](Self::resolve), but a time is 215400 less than the frame
    /// of the source (measured by others: ResolveOFX_NDIOutput). That the range counts as the source does is supposed.
    #[must_use]
    pub fn resolve_adjustment() -> Self {
        Self {
            version: vec![21, 0, 4],
            first_time: Some(7665),
            range_said: RangeSaid::Apart(215_400),
            ..Self::resolve()
        }
    }

    /// DaVinci Resolve 14 to 17: [`resolve`](Self::resolve), where the message suite's version 2 is advertised with null
    /// functions (read: openfx-misc), and a button that fetches images gets none (measured in 14 and in 2021: openfx-misc, issue 46).
    /// Ranges as they then were believed to be.
    #[must_use]
    pub fn resolve_17() -> Self {
        Self {
            version: vec![17, 4, 6],
            suites: Suites { message: MessageSuite::V2Null, parametric: false, ..Suites::OLDER },
            first_time: None,
            range_said: RangeSaid::Frames,
            unannounced: Unannounced::Frame,
            button_images: false,
            source_files: false,
            ..Self::resolve()
        }
    }

    /// Baselight, as its maker said in 2019; never run.
    ///
    /// - Generator, Filter, General, some Transition. Short, half and float.
    /// - An effect may be asked for any frame, and cannot read how long a clip is.
    /// - An instance lives for one frame.
    #[must_use]
    pub fn baselight() -> Self {
        let mut missing = NO_CLIP_TIMES.to_vec();
        missing.push((SetKind::Instance, INSTANCE_PROP_EFFECT_DURATION));
        Self {
            name: "Baselight".to_owned(),
            label: "Baselight".to_owned(),
            version: vec![5, 2, 0],
            api: (1, 4),
            contexts: vec![Context::Filter, Context::General, Context::Transition, Context::Generator],
            depths: vec![BitDepth::Short, BitDepth::Half, BitDepth::Float],
            components: vec![Components::Rgba, Components::Rgb],
            suites: Suites { timeline: false, parametric: false, ..Suites::OLDER },
            missing,
            str_choice: false,
            instance_per_frame: true,
            first_time: Some(3000),
            null_image: NullImage::Fails,
            ..Self::reference()
        }
    }

    /// Nuke 13 to 15. Read in old notes; never run.
    ///
    /// - Filter and General only. Float only. Tiles and render scale. It may clone instances for rendering.
    /// - Premultiplied by convention; pictures can begin anywhere.
    #[must_use]
    pub fn nuke() -> Self {
        Self {
            name: "uk.co.thefoundry.nuke".to_owned(),
            label: "Nuke".to_owned(),
            version: vec![14, 0, 0],
            api: (1, 4),
            contexts: vec![Context::Filter, Context::General],
            depths: vec![BitDepth::Float],
            components: vec![Components::Rgba, Components::Rgb, Components::Alpha],
            premultiplication: Some(Premultiplication::Premultiplied),
            str_choice: false,
            threads: 4,
            clone_for_render: true,
            tile: Some((64, 32)),
            layout: RowLayout { negative: false, padding: 16 },
            origin: (-8, 4),
            ..Self::reference()
        }
    }

    /// Natron 2.5. Ran, but for what is marked.
    ///
    /// - Float premultiplied, positive row bytes. getFramesNeeded honoured; fractional times reach upstream.
    /// - Frames outside the source's range can come back with other bounds.
    /// - A StrChoice parameter makes instance creation abort: here it cannot be defined.
    /// - A failed render logs an error and the process still exits 0.
    /// - It may clone instances for rendering (read).
    #[must_use]
    pub fn natron() -> Self {
        Self {
            name: "fr.inria.Natron".to_owned(),
            label: "Natron".to_owned(),
            version: vec![2, 5, 0],
            api: (1, 4),
            contexts: vec![
                Context::General,
                Context::Filter,
                Context::Generator,
                Context::Transition,
                Context::Retimer,
            ],
            depths: vec![BitDepth::Float],
            components: vec![Components::Rgba, Components::Rgb, Components::Alpha],
            premultiplication: Some(Premultiplication::Premultiplied),
            suites: Suites { interact: true, ..Suites::OLDER },
            str_choice: false,
            threads: 2,
            clone_for_render: true,
            beyond_range: BeyondRange::OtherBounds,
            ..Self::reference()
        }
    }

    /// Fusion Studio 21. Read; never run.
    ///
    /// - General, Retimer, Transition, Filter, Generator; byte, short and float.
    /// - Speaks OpenFX 1.0 and does not say so. A scrub renders at a third of the size, and its images say 3.
    #[must_use]
    pub fn fusion() -> Self {
        Self {
            name: "com.blackmagicdesign.Fusion".to_owned(),
            label: "Fusion".to_owned(),
            version: vec![21, 0, 0],
            api: (1, 0),
            contexts: vec![
                Context::General,
                Context::Retimer,
                Context::Transition,
                Context::Filter,
                Context::Generator,
            ],
            depths: vec![BitDepth::Byte, BitDepth::Short, BitDepth::Float],
            components: vec![Components::Rgba],
            suites: Suites { parametric: false, ..Suites::OLDER },
            missing: vec![(SetKind::Host, PROP_API_VERSION)],
            str_choice: false,
            image_scale: ImageScale::Inverse,
            preview_scale: 1.0 / 3.0,
            ..Self::reference()
        }
    }

    /// Vegas Pro 19 to 21. Read; never run.
    ///
    /// - All contexts, byte and float, no tiles. Suites: message 2, progress, time line.
    /// - Previews ask for render scale 0.25 while the image says 1. (Their BGR order cannot be told from RGB through
    ///   the standard, and is not imitated.)
    #[must_use]
    pub fn vegas() -> Self {
        Self {
            name: "com.vegascreativesoftware.vegas".to_owned(),
            label: "Vegas".to_owned(),
            version: vec![21, 0, 0],
            api: (1, 1),
            depths: vec![BitDepth::Byte, BitDepth::Float],
            components: vec![Components::Rgba],
            tiles: false,
            suites: Suites { progress: 1, parametric: false, ..Suites::OLDER },
            str_choice: false,
            string_animation: false,
            image_scale: ImageScale::One,
            preview_scale: 0.25,
            ..Self::reference()
        }
    }

    /// MLT 7.41 (`melt`), as in Kdenlive and Shotcut. Ran.
    ///
    /// - Filter alone; no temporal access; any depth, RGBA and RGB, not premultiplied, negative row bytes.
    /// - Fetching an image ignores its time and gives the current frame with status OK.
    /// - isIdentity, getFramesNeeded, getTimeDomain and instanceChanged are never called; abort is always 0.
    /// - No project size, extent, frame rate or duration; clips have no frame range or rate; no time line.
    /// - Time is 0 at the clip's in-point.
    /// - Every frame runs load, describe, describe in context, create and destroy; load must answer exactly OK.
    /// - The last frame is rendered about five times; two render threads at `real_time=-2`.
    /// - A failed render is silent and the output is then whatever was in the buffer (here it is an error that carries
    ///   the output, because a wrong frame in silence helps nobody).
    /// - Progress is there and does nothing.
    #[must_use]
    pub fn mlt() -> Self {
        let mut missing = NO_PROJECT.to_vec();
        missing.extend(NO_CLIP_TIMES);
        Self {
            name: "MLT".to_owned(),
            label: "MLT".to_owned(),
            version: vec![7, 41, 0],
            api: (1, 4),
            contexts: vec![Context::Filter],
            components: vec![Components::Rgba, Components::Rgb],
            premultiplication: Some(Premultiplication::Unpremultiplied),
            temporal: false,
            tiles: false,
            draft_flag: false,
            suites: Suites { timeline: false, ..Suites::OLDER },
            missing,
            str_choice: false,
            calls: Calls {
                identity: false,
                frames_needed: false,
                time_domain: false,
                instance_changed: false,
                regions_of_interest: true,
                sync_private_data: false,
            },
            aborts: false,
            threads: 2,
            instance_per_frame: true,
            last_frame_repeats: 5,
            layout: RowLayout { negative: true, padding: 0 },
            first_time: Some(0),
            ignores_image_time: true,
            strict_status: true,
            ..Self::reference()
        }
    }

    /// Every profile, under the name by which the command line knows it.
    #[must_use]
    pub fn all() -> Vec<(&'static str, Self)> {
        vec![
            ("reference", Self::reference()),
            ("bare", Self::bare()),
            ("resolve", Self::resolve()),
            ("resolve-media", Self::resolve_media()),
            ("resolve-adjustment", Self::resolve_adjustment()),
            ("resolve-17", Self::resolve_17()),
            ("baselight", Self::baselight()),
            ("nuke", Self::nuke()),
            ("natron", Self::natron()),
            ("fusion", Self::fusion()),
            ("vegas", Self::vegas()),
            ("mlt", Self::mlt()),
        ]
    }

    /// The profile of a name, such as `mlt`.
    #[must_use]
    pub fn by_name(name: &str) -> Option<Self> {
        Self::all().into_iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, p)| p)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_profile_can_be_found_by_name_and_offers_something() {
        for (name, profile) in Profile::all() {
            assert_eq!(Profile::by_name(&name.to_uppercase()).as_ref(), Some(&profile));
            assert!(!profile.contexts.is_empty() && !profile.depths.is_empty() && !profile.components.is_empty());
            assert!(profile.threads > 0 && profile.last_frame_repeats > 0, "{name}");
            assert!(profile.preview_scale > 0.0 && profile.preview_scale <= 1.0, "{name}");
        }
        assert_eq!(Profile::by_name("premiere"), None);
    }

    #[test]
    fn mlt_takes_filters_alone_and_gives_no_time() {
        let mlt = Profile::mlt();
        assert_eq!(mlt.contexts, [Context::Filter]);
        assert!(!mlt.temporal && mlt.ignores_image_time && mlt.instance_per_frame && mlt.layout.negative);
        assert!(mlt.missing.contains(&(SetKind::Instance, PROP_PROJECT_SIZE)));
        assert!(mlt.missing.contains(&(SetKind::ClipInstance, PROP_FRAME_RANGE)));
    }
}

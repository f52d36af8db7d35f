//! What a host says of itself.

use super::property::Props;
use crate::{BitDepth, Components, Context, props};

/// A host's traits, read at Load. A trait the host is silent on has the standard's default, or the safe value.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct HostInfo {
    /// Its identifier, such as `fr.inria.Natron`; empty when it gives none.
    pub name: String,
    /// Its name for people.
    pub label: String,
    /// Its version's numbers.
    pub version: Vec<i32>,
    /// Its version for people.
    pub version_label: String,
    /// The OpenFX version it implements; (1, 0) when it does not say.
    pub api_version: (i32, i32),
    /// It renders with no user at the screen.
    pub is_background: bool,
    /// A clip's images can be had at any time, not at the render's alone.
    pub temporal_access: bool,
    /// It may ask for a part of a picture.
    pub tiles: bool,
    /// Images may have differing sizes.
    pub multi_resolution: bool,
    /// Clips may have differing depths.
    pub multiple_clip_depths: bool,
    /// Clips may have differing pixel aspect ratios.
    pub multiple_clip_pars: bool,
    /// An effect may change the frame rate.
    pub setable_frame_rate: bool,
    /// An effect may change the fielding.
    pub setable_fielding: bool,
    /// It can render frames in order.
    pub sequential_render: bool,
    /// Text parameters may be keyframed.
    pub string_animation: bool,
    /// Boolean parameters may be keyframed.
    pub boolean_animation: bool,
    /// Choice parameters may be keyframed.
    pub choice_animation: bool,
    /// What it uses effects for.
    pub contexts: Vec<Context>,
    /// The pixel depths it knows.
    pub depths: Vec<BitDepth>,
    /// The components it knows.
    pub components: Vec<Components>,
    /// Its style of colour management, the 1.5 extension's string, when it has any.
    pub colour_management: Option<String>,
}

impl HostInfo {
    /// Whether it tells an effect when a parameter changes. MLT 7.41 never does (read in its source, and seen).
    #[must_use]
    pub fn tells_of_changes(&self) -> bool {
        !self.is_mlt()
    }

    /// Whether a user sees an effect's messages. In MLT 7.41 a render that fails is black, and nobody is told (seen).
    #[must_use]
    pub fn shows_messages(&self) -> bool {
        !self.is_mlt()
    }

    /// Whether its float pixels are proportional to light where it does not say. Natron 2.5: seen in its own colour conversions on
    /// read. Nuke and Fusion: their documentation.
    #[must_use]
    pub fn float_is_linear(&self) -> bool {
        const NAMES: [&str; 4] =
            ["fr.inria.Natron", "uk.co.thefoundry.nuke", "com.blackmagicdesign.Fusion", "com.eyeonline.Fusion"];
        NAMES.iter().any(|name| self.name.starts_with(name))
    }

    /// Whether a clip that nothing is connected to may look connected, and have no image: as in DaVinci Resolve (read in others'
    /// notes).
    #[must_use]
    pub fn clips_look_connected(&self) -> bool {
        self.name.starts_with("DaVinciResolve")
    }

    /// Whether it tells which file a clip's frames are from: DaVinci Resolve since 20 (read in Blackmagic's library).
    #[must_use]
    pub fn tells_files(&self) -> bool {
        self.name.starts_with("DaVinciResolve") && self.version.first().is_some_and(|major| *major >= 20)
    }

    /// Whether it is MLT, under Kdenlive and Shotcut too.
    pub(crate) fn is_mlt(&self) -> bool {
        self.name == "MLT"
    }

    pub(crate) fn read(host: &Props<'_>) -> Self {
        let text = |name| host.string(name).unwrap_or_default();
        Self {
            name: text(props::PROP_NAME),
            label: text(props::PROP_LABEL),
            version: (0..host.count(props::PROP_VERSION)).filter_map(|i| host.int_at(props::PROP_VERSION, i)).collect(),
            version_label: text(props::PROP_VERSION_LABEL),
            api_version: (
                host.int_at(props::PROP_API_VERSION, 0).unwrap_or(1),
                host.int_at(props::PROP_API_VERSION, 1).unwrap_or(0),
            ),
            is_background: host.flag(props::HOST_PROP_IS_BACKGROUND, false),
            temporal_access: host.flag(props::PROP_TEMPORAL_CLIP_ACCESS, false),
            tiles: host.flag(props::PROP_SUPPORTS_TILES, false),
            multi_resolution: host.flag(props::PROP_SUPPORTS_MULTI_RESOLUTION, true),
            multiple_clip_depths: host.flag(props::PROP_SUPPORTS_MULTIPLE_CLIP_DEPTHS, false),
            multiple_clip_pars: host.flag(props::PROP_SUPPORTS_MULTIPLE_CLIP_PARS, false),
            setable_frame_rate: host.flag(props::PROP_SETABLE_FRAME_RATE, false),
            setable_fielding: host.flag(props::PROP_SETABLE_FIELDING, false),
            sequential_render: host.flag(props::INSTANCE_PROP_SEQUENTIAL_RENDER, false),
            string_animation: host.flag(props::PARAM_HOST_PROP_SUPPORTS_STRING_ANIMATION, false),
            boolean_animation: host.flag(props::PARAM_HOST_PROP_SUPPORTS_BOOLEAN_ANIMATION, false),
            choice_animation: host.flag(props::PARAM_HOST_PROP_SUPPORTS_CHOICE_ANIMATION, false),
            contexts: known(host, props::PROP_SUPPORTED_CONTEXTS, Context::from_cstr),
            depths: known(host, props::PROP_SUPPORTED_PIXEL_DEPTHS, BitDepth::from_cstr),
            components: known(host, props::PROP_SUPPORTED_COMPONENTS, Components::from_cstr),
            colour_management: host
                .c_string(props::PROP_COLOUR_MANAGEMENT_STYLE)
                .filter(|s| !s.is_empty() && s.as_c_str() != props::COLOUR_MANAGEMENT_NONE)
                .map(|s| s.to_string_lossy().into_owned()),
        }
    }
}

fn known<T>(host: &Props<'_>, name: &std::ffi::CStr, parse: fn(&std::ffi::CStr) -> Option<T>) -> Vec<T> {
    host.c_strings(name).iter().filter_map(|s| parse(s)).collect()
}

//! The standard's property, action, suite and value names as C strings, under the names that code reads by.
//!
//! Every constant comes from `openfx::sys`, because some of the standard's macros differ from their strings. The names
//! are the standard's, less `kOfx` and `ImageEffect`: `kOfxImageEffectPropRenderScale` is [`PROP_RENDER_SCALE`].

pub use crate::sys::generic::core::{
    kOfxActionBeginInstanceChanged as ACTION_BEGIN_INSTANCE_CHANGED,
    kOfxActionBeginInstanceEdit as ACTION_BEGIN_INSTANCE_EDIT, kOfxActionCreateInstance as ACTION_CREATE_INSTANCE,
    kOfxActionDescribe as ACTION_DESCRIBE, kOfxActionDestroyInstance as ACTION_DESTROY_INSTANCE,
    kOfxActionEndInstanceChanged as ACTION_END_INSTANCE_CHANGED, kOfxActionEndInstanceEdit as ACTION_END_INSTANCE_EDIT,
    kOfxActionInstanceChanged as ACTION_INSTANCE_CHANGED, kOfxActionLoad as ACTION_LOAD,
    kOfxActionPurgeCaches as ACTION_PURGE_CACHES, kOfxActionSyncPrivateData as ACTION_SYNC_PRIVATE_DATA,
    kOfxActionUnload as ACTION_UNLOAD, kOfxBitDepthByte as BIT_DEPTH_BYTE, kOfxBitDepthFloat as BIT_DEPTH_FLOAT,
    kOfxBitDepthHalf as BIT_DEPTH_HALF, kOfxBitDepthNone as BIT_DEPTH_NONE, kOfxBitDepthShort as BIT_DEPTH_SHORT,
    kOfxChangePluginEdited as CHANGE_PLUGIN_EDITED, kOfxChangeTime as CHANGE_TIME,
    kOfxChangeUserEdited as CHANGE_USER_EDITED, kOfxPluginPropFilePath as PLUGIN_PROP_FILE_PATH,
    kOfxPropAPIVersion as PROP_API_VERSION, kOfxPropChangeReason as PROP_CHANGE_REASON,
    kOfxPropEffectInstance as PROP_EFFECT_INSTANCE, kOfxPropHostOSHandle as PROP_HOST_OS_HANDLE,
    kOfxPropIcon as PROP_ICON, kOfxPropInstanceData as PROP_INSTANCE_DATA,
    kOfxPropIsInteractive as PROP_IS_INTERACTIVE, kOfxPropLabel as PROP_LABEL, kOfxPropLongLabel as PROP_LONG_LABEL,
    kOfxPropName as PROP_NAME, kOfxPropPluginDescription as PROP_PLUGIN_DESCRIPTION,
    kOfxPropShortLabel as PROP_SHORT_LABEL, kOfxPropTime as PROP_TIME, kOfxPropType as PROP_TYPE,
    kOfxPropVersion as PROP_VERSION, kOfxPropVersionLabel as PROP_VERSION_LABEL,
};

pub use crate::sys::generic::property::kOfxPropertySuite as PROPERTY_SUITE;

// "Unsafe" is the standard's word for renders that may not run side by side.
#[allow(clippy::unsafe_removed_from_name)]
pub use crate::sys::image_effect_v1::image_effect::{
    kOfxHostNativeOriginBottomLeft as HOST_NATIVE_ORIGIN_BOTTOM_LEFT,
    kOfxHostNativeOriginCenter as HOST_NATIVE_ORIGIN_CENTER,
    kOfxHostNativeOriginTopLeft as HOST_NATIVE_ORIGIN_TOP_LEFT,
    kOfxImageClipPropConnected as IMAGE_CLIP_PROP_CONNECTED,
    kOfxImageClipPropContinuousSamples as IMAGE_CLIP_PROP_CONTINUOUS_SAMPLES,
    kOfxImageClipPropFieldExtraction as IMAGE_CLIP_PROP_FIELD_EXTRACTION,
    kOfxImageClipPropFieldOrder as IMAGE_CLIP_PROP_FIELD_ORDER, kOfxImageClipPropIsMask as IMAGE_CLIP_PROP_IS_MASK,
    kOfxImageClipPropOptional as IMAGE_CLIP_PROP_OPTIONAL,
    kOfxImageClipPropUnmappedComponents as IMAGE_CLIP_PROP_UNMAPPED_COMPONENTS,
    kOfxImageClipPropUnmappedPixelDepth as IMAGE_CLIP_PROP_UNMAPPED_PIXEL_DEPTH,
    kOfxImageComponentAlpha as IMAGE_COMPONENT_ALPHA, kOfxImageComponentNone as IMAGE_COMPONENT_NONE,
    kOfxImageComponentRGB as IMAGE_COMPONENT_RGB, kOfxImageComponentRGBA as IMAGE_COMPONENT_RGBA,
    kOfxImageEffectActionBeginSequenceRender as ACTION_BEGIN_SEQUENCE_RENDER,
    kOfxImageEffectActionDescribeInContext as ACTION_DESCRIBE_IN_CONTEXT,
    kOfxImageEffectActionEndSequenceRender as ACTION_END_SEQUENCE_RENDER,
    kOfxImageEffectActionGetClipPreferences as ACTION_GET_CLIP_PREFERENCES,
    kOfxImageEffectActionGetFramesNeeded as ACTION_GET_FRAMES_NEEDED,
    kOfxImageEffectActionGetRegionOfDefinition as ACTION_GET_REGION_OF_DEFINITION,
    kOfxImageEffectActionGetRegionsOfInterest as ACTION_GET_REGIONS_OF_INTEREST,
    kOfxImageEffectActionGetTimeDomain as ACTION_GET_TIME_DOMAIN,
    kOfxImageEffectActionIsIdentity as ACTION_IS_IDENTITY, kOfxImageEffectActionRender as ACTION_RENDER,
    kOfxImageEffectContextFilter as CONTEXT_FILTER, kOfxImageEffectContextGeneral as CONTEXT_GENERAL,
    kOfxImageEffectContextGenerator as CONTEXT_GENERATOR, kOfxImageEffectContextPaint as CONTEXT_PAINT,
    kOfxImageEffectContextRetimer as CONTEXT_RETIMER, kOfxImageEffectContextTransition as CONTEXT_TRANSITION,
    kOfxImageEffectFrameVarying as FRAME_VARYING, kOfxImageEffectHostPropIsBackground as HOST_PROP_IS_BACKGROUND,
    kOfxImageEffectHostPropNativeOrigin as HOST_PROP_NATIVE_ORIGIN,
    kOfxImageEffectInstancePropEffectDuration as INSTANCE_PROP_EFFECT_DURATION,
    kOfxImageEffectInstancePropSequentialRender as INSTANCE_PROP_SEQUENTIAL_RENDER,
    kOfxImageEffectOutputClipName as OUTPUT_CLIP_NAME, kOfxImageEffectPluginApi as IMAGE_EFFECT_PLUGIN_API,
    kOfxImageEffectPluginPropFieldRenderTwiceAlways as PLUGIN_PROP_FIELD_RENDER_TWICE_ALWAYS,
    kOfxImageEffectPluginPropGrouping as PLUGIN_PROP_GROUPING,
    kOfxImageEffectPluginPropHostFrameThreading as PLUGIN_PROP_HOST_FRAME_THREADING,
    kOfxImageEffectPluginPropObsolete as PLUGIN_PROP_OBSOLETE,
    kOfxImageEffectPluginPropOverlayInteractV1 as PLUGIN_PROP_OVERLAY_INTERACT_V1,
    kOfxImageEffectPluginPropOverlayInteractV2 as PLUGIN_PROP_OVERLAY_INTERACT_V2,
    kOfxImageEffectPluginPropSingleInstance as PLUGIN_PROP_SINGLE_INSTANCE,
    kOfxImageEffectPluginRenderThreadSafety as PLUGIN_RENDER_THREAD_SAFETY,
    kOfxImageEffectPropBehaviourWhenUnlicensed as PROP_BEHAVIOUR_WHEN_UNLICENSED,
    kOfxImageEffectPropClipPreferencesSlaveParam as PROP_CLIP_PREFERENCES_SLAVE_PARAM,
    kOfxImageEffectPropComponents as PROP_COMPONENTS, kOfxImageEffectPropContext as PROP_CONTEXT,
    kOfxImageEffectPropFieldToRender as PROP_FIELD_TO_RENDER, kOfxImageEffectPropFrameRange as PROP_FRAME_RANGE,
    kOfxImageEffectPropFrameRate as PROP_FRAME_RATE, kOfxImageEffectPropFrameStep as PROP_FRAME_STEP,
    kOfxImageEffectPropInteractiveRenderStatus as PROP_INTERACTIVE_RENDER_STATUS,
    kOfxImageEffectPropNoSpatialAwareness as PROP_NO_SPATIAL_AWARENESS,
    kOfxImageEffectPropPixelDepth as PROP_PIXEL_DEPTH, kOfxImageEffectPropPluginHandle as PROP_PLUGIN_HANDLE,
    kOfxImageEffectPropPreMultiplication as PROP_PRE_MULTIPLICATION,
    kOfxImageEffectPropProjectExtent as PROP_PROJECT_EXTENT, kOfxImageEffectPropProjectOffset as PROP_PROJECT_OFFSET,
    kOfxImageEffectPropProjectPixelAspectRatio as PROP_PROJECT_PIXEL_ASPECT_RATIO,
    kOfxImageEffectPropProjectSize as PROP_PROJECT_SIZE,
    kOfxImageEffectPropRegionOfDefinition as PROP_REGION_OF_DEFINITION,
    kOfxImageEffectPropRegionOfInterest as PROP_REGION_OF_INTEREST,
    kOfxImageEffectPropRenderQualityDraft as PROP_RENDER_QUALITY_DRAFT,
    kOfxImageEffectPropRenderScale as PROP_RENDER_SCALE, kOfxImageEffectPropRenderWindow as PROP_RENDER_WINDOW,
    kOfxImageEffectPropSequentialRenderStatus as PROP_SEQUENTIAL_RENDER_STATUS,
    kOfxImageEffectPropSetableFielding as PROP_SETABLE_FIELDING,
    kOfxImageEffectPropSetableFrameRate as PROP_SETABLE_FRAME_RATE,
    kOfxImageEffectPropSupportedComponents as PROP_SUPPORTED_COMPONENTS,
    kOfxImageEffectPropSupportedContexts as PROP_SUPPORTED_CONTEXTS,
    kOfxImageEffectPropSupportedPixelDepths as PROP_SUPPORTED_PIXEL_DEPTHS,
    kOfxImageEffectPropSupportsMultiResolution as PROP_SUPPORTS_MULTI_RESOLUTION,
    kOfxImageEffectPropSupportsMultipleClipDepths as PROP_SUPPORTS_MULTIPLE_CLIP_DEPTHS,
    kOfxImageEffectPropSupportsMultipleClipPARs as PROP_SUPPORTS_MULTIPLE_CLIP_PARS,
    kOfxImageEffectPropSupportsOverlays as PROP_SUPPORTS_OVERLAYS,
    kOfxImageEffectPropSupportsTiles as PROP_SUPPORTS_TILES,
    kOfxImageEffectPropTemporalClipAccess as PROP_TEMPORAL_CLIP_ACCESS,
    kOfxImageEffectPropThumbnailRender as PROP_THUMBNAIL_RENDER,
    kOfxImageEffectPropUnmappedFrameRange as PROP_UNMAPPED_FRAME_RANGE,
    kOfxImageEffectPropUnmappedFrameRate as PROP_UNMAPPED_FRAME_RATE,
    kOfxImageEffectRenderFullySafe as RENDER_FULLY_SAFE, kOfxImageEffectRenderInstanceSafe as RENDER_INSTANCE_SAFE,
    kOfxImageEffectRenderUnsafe as RENDER_UNSAFE, kOfxImageEffectRetimerParamName as RETIMER_PARAM_NAME,
    kOfxImageEffectSimpleSourceClipName as SIMPLE_SOURCE_CLIP_NAME, kOfxImageEffectSuite as IMAGE_EFFECT_SUITE,
    kOfxImageEffectTransitionParamName as TRANSITION_PARAM_NAME,
    kOfxImageEffectTransitionSourceFromClipName as TRANSITION_SOURCE_FROM_CLIP_NAME,
    kOfxImageEffectTransitionSourceToClipName as TRANSITION_SOURCE_TO_CLIP_NAME,
    kOfxImageFieldBoth as IMAGE_FIELD_BOTH, kOfxImageFieldDoubled as IMAGE_FIELD_DOUBLED,
    kOfxImageFieldLower as IMAGE_FIELD_LOWER, kOfxImageFieldNone as IMAGE_FIELD_NONE,
    kOfxImageFieldSingle as IMAGE_FIELD_SINGLE, kOfxImageFieldUpper as IMAGE_FIELD_UPPER,
    kOfxImageOpaque as IMAGE_OPAQUE, kOfxImagePreMultiplied as IMAGE_PRE_MULTIPLIED,
    kOfxImagePropBounds as IMAGE_PROP_BOUNDS, kOfxImagePropData as IMAGE_PROP_DATA,
    kOfxImagePropField as IMAGE_PROP_FIELD, kOfxImagePropPixelAspectRatio as IMAGE_PROP_PIXEL_ASPECT_RATIO,
    kOfxImagePropRegionOfDefinition as IMAGE_PROP_REGION_OF_DEFINITION, kOfxImagePropRowBytes as IMAGE_PROP_ROW_BYTES,
    kOfxImagePropUniqueIdentifier as IMAGE_PROP_UNIQUE_IDENTIFIER, kOfxImageUnPreMultiplied as IMAGE_UN_PRE_MULTIPLIED,
    kOfxTypeClip as TYPE_CLIP, kOfxTypeImage as TYPE_IMAGE, kOfxTypeImageEffect as TYPE_IMAGE_EFFECT,
    kOfxTypeImageEffectHost as TYPE_IMAGE_EFFECT_HOST, kOfxTypeImageEffectInstance as TYPE_IMAGE_EFFECT_INSTANCE,
    kOfxUnlicensedContinue as UNLICENSED_CONTINUE, kOfxUnlicensedFail as UNLICENSED_FAIL,
};

pub use crate::sys::image_effect_v1::param::{
    kOfxParamCoordinatesCanonical as PARAM_COORDINATES_CANONICAL,
    kOfxParamCoordinatesNormalised as PARAM_COORDINATES_NORMALISED,
    kOfxParamDoubleTypeAbsoluteTime as PARAM_DOUBLE_TYPE_ABSOLUTE_TIME,
    kOfxParamDoubleTypeAngle as PARAM_DOUBLE_TYPE_ANGLE, kOfxParamDoubleTypePlain as PARAM_DOUBLE_TYPE_PLAIN,
    kOfxParamDoubleTypeScale as PARAM_DOUBLE_TYPE_SCALE, kOfxParamDoubleTypeTime as PARAM_DOUBLE_TYPE_TIME,
    kOfxParamDoubleTypeX as PARAM_DOUBLE_TYPE_X, kOfxParamDoubleTypeXAbsolute as PARAM_DOUBLE_TYPE_X_ABSOLUTE,
    kOfxParamDoubleTypeXY as PARAM_DOUBLE_TYPE_XY, kOfxParamDoubleTypeXYAbsolute as PARAM_DOUBLE_TYPE_XY_ABSOLUTE,
    kOfxParamDoubleTypeY as PARAM_DOUBLE_TYPE_Y, kOfxParamDoubleTypeYAbsolute as PARAM_DOUBLE_TYPE_Y_ABSOLUTE,
    kOfxParamHostPropMaxPages as PARAM_HOST_PROP_MAX_PAGES,
    kOfxParamHostPropMaxParameters as PARAM_HOST_PROP_MAX_PARAMETERS,
    kOfxParamHostPropPageRowColumnCount as PARAM_HOST_PROP_PAGE_ROW_COLUMN_COUNT,
    kOfxParamHostPropSupportsBooleanAnimation as PARAM_HOST_PROP_SUPPORTS_BOOLEAN_ANIMATION,
    kOfxParamHostPropSupportsChoiceAnimation as PARAM_HOST_PROP_SUPPORTS_CHOICE_ANIMATION,
    kOfxParamHostPropSupportsCustomAnimation as PARAM_HOST_PROP_SUPPORTS_CUSTOM_ANIMATION,
    kOfxParamHostPropSupportsCustomInteract as PARAM_HOST_PROP_SUPPORTS_CUSTOM_INTERACT,
    kOfxParamHostPropSupportsStrChoice as PARAM_HOST_PROP_SUPPORTS_STR_CHOICE,
    kOfxParamHostPropSupportsStrChoiceAnimation as PARAM_HOST_PROP_SUPPORTS_STR_CHOICE_ANIMATION,
    kOfxParamHostPropSupportsStringAnimation as PARAM_HOST_PROP_SUPPORTS_STRING_ANIMATION,
    kOfxParamInterpType as PARAM_INTERP_TYPE, kOfxParamInterpTypeConstantStep as PARAM_INTERP_TYPE_CONSTANT_STEP,
    kOfxParamInterpTypeLinear as PARAM_INTERP_TYPE_LINEAR, kOfxParamInterpTypeSmooth as PARAM_INTERP_TYPE_SMOOTH,
    kOfxParamInvalidateAll as PARAM_INVALIDATE_ALL, kOfxParamInvalidateValueChange as PARAM_INVALIDATE_VALUE_CHANGE,
    kOfxParamInvalidateValueChangeToEnd as PARAM_INVALIDATE_VALUE_CHANGE_TO_END,
    kOfxParamPageSkipColumn as PARAM_PAGE_SKIP_COLUMN, kOfxParamPageSkipRow as PARAM_PAGE_SKIP_ROW,
    kOfxParamPropAnimates as PARAM_PROP_ANIMATES, kOfxParamPropCacheInvalidation as PARAM_PROP_CACHE_INVALIDATION,
    kOfxParamPropCanUndo as PARAM_PROP_CAN_UNDO, kOfxParamPropChoiceEnum as PARAM_PROP_CHOICE_ENUM,
    kOfxParamPropChoiceOption as PARAM_PROP_CHOICE_OPTION, kOfxParamPropChoiceOrder as PARAM_PROP_CHOICE_ORDER,
    kOfxParamPropCustomInterpCallbackV1 as PARAM_PROP_CUSTOM_INTERP_CALLBACK_V1,
    kOfxParamPropCustomValue as PARAM_PROP_CUSTOM_VALUE, kOfxParamPropDataPtr as PARAM_PROP_DATA_PTR,
    kOfxParamPropDefault as PARAM_PROP_DEFAULT,
    kOfxParamPropDefaultCoordinateSystem as PARAM_PROP_DEFAULT_COORDINATE_SYSTEM,
    kOfxParamPropDigits as PARAM_PROP_DIGITS, kOfxParamPropDimensionLabel as PARAM_PROP_DIMENSION_LABEL,
    kOfxParamPropDisplayMax as PARAM_PROP_DISPLAY_MAX, kOfxParamPropDisplayMin as PARAM_PROP_DISPLAY_MIN,
    kOfxParamPropDoubleType as PARAM_PROP_DOUBLE_TYPE, kOfxParamPropEnabled as PARAM_PROP_ENABLED,
    kOfxParamPropEvaluateOnChange as PARAM_PROP_EVALUATE_ON_CHANGE, kOfxParamPropGroupOpen as PARAM_PROP_GROUP_OPEN,
    kOfxParamPropHasHostOverlayHandle as PARAM_PROP_HAS_HOST_OVERLAY_HANDLE, kOfxParamPropHint as PARAM_PROP_HINT,
    kOfxParamPropIncrement as PARAM_PROP_INCREMENT,
    kOfxParamPropInteractMinimumSize as PARAM_PROP_INTERACT_MINIMUM_SIZE,
    kOfxParamPropInteractPreferedSize as PARAM_PROP_INTERACT_PREFERED_SIZE,
    kOfxParamPropInteractSize as PARAM_PROP_INTERACT_SIZE,
    kOfxParamPropInteractSizeAspect as PARAM_PROP_INTERACT_SIZE_ASPECT,
    kOfxParamPropInteractV1 as PARAM_PROP_INTERACT_V1,
    kOfxParamPropInterpolationAmount as PARAM_PROP_INTERPOLATION_AMOUNT,
    kOfxParamPropInterpolationTime as PARAM_PROP_INTERPOLATION_TIME,
    kOfxParamPropIsAnimating as PARAM_PROP_IS_ANIMATING, kOfxParamPropIsAutoKeying as PARAM_PROP_IS_AUTO_KEYING,
    kOfxParamPropMax as PARAM_PROP_MAX, kOfxParamPropMin as PARAM_PROP_MIN,
    kOfxParamPropPageChild as PARAM_PROP_PAGE_CHILD, kOfxParamPropParent as PARAM_PROP_PARENT,
    kOfxParamPropPersistant as PARAM_PROP_PERSISTANT, kOfxParamPropPluginMayWrite as PARAM_PROP_PLUGIN_MAY_WRITE,
    kOfxParamPropScriptName as PARAM_PROP_SCRIPT_NAME, kOfxParamPropSecret as PARAM_PROP_SECRET,
    kOfxParamPropShowTimeMarker as PARAM_PROP_SHOW_TIME_MARKER,
    kOfxParamPropStringFilePathExists as PARAM_PROP_STRING_FILE_PATH_EXISTS,
    kOfxParamPropStringMode as PARAM_PROP_STRING_MODE, kOfxParamPropType as PARAM_PROP_TYPE,
    kOfxParamPropUseHostOverlayHandle as PARAM_PROP_USE_HOST_OVERLAY_HANDLE,
    kOfxParamStringIsDirectoryPath as PARAM_STRING_IS_DIRECTORY_PATH,
    kOfxParamStringIsFilePath as PARAM_STRING_IS_FILE_PATH, kOfxParamStringIsLabel as PARAM_STRING_IS_LABEL,
    kOfxParamStringIsMultiLine as PARAM_STRING_IS_MULTI_LINE,
    kOfxParamStringIsRichTextFormat as PARAM_STRING_IS_RICH_TEXT_FORMAT,
    kOfxParamStringIsSingleLine as PARAM_STRING_IS_SINGLE_LINE, kOfxParamTypeBoolean as PARAM_TYPE_BOOLEAN,
    kOfxParamTypeBytes as PARAM_TYPE_BYTES, kOfxParamTypeChoice as PARAM_TYPE_CHOICE,
    kOfxParamTypeCustom as PARAM_TYPE_CUSTOM, kOfxParamTypeDouble as PARAM_TYPE_DOUBLE,
    kOfxParamTypeDouble2D as PARAM_TYPE_DOUBLE_2D, kOfxParamTypeDouble3D as PARAM_TYPE_DOUBLE_3D,
    kOfxParamTypeGroup as PARAM_TYPE_GROUP, kOfxParamTypeInteger as PARAM_TYPE_INTEGER,
    kOfxParamTypeInteger2D as PARAM_TYPE_INTEGER_2D, kOfxParamTypeInteger3D as PARAM_TYPE_INTEGER_3D,
    kOfxParamTypePage as PARAM_TYPE_PAGE, kOfxParamTypePushButton as PARAM_TYPE_PUSH_BUTTON,
    kOfxParamTypeRGB as PARAM_TYPE_RGB, kOfxParamTypeRGBA as PARAM_TYPE_RGBA,
    kOfxParamTypeStrChoice as PARAM_TYPE_STR_CHOICE, kOfxParamTypeString as PARAM_TYPE_STRING,
    kOfxParameterSuite as PARAMETER_SUITE, kOfxPluginPropParamPageOrder as PLUGIN_PROP_PARAM_PAGE_ORDER,
    kOfxPropParamSetNeedsSyncing as PROP_PARAM_SET_NEEDS_SYNCING, kOfxTypeParameter as TYPE_PARAMETER,
    kOfxTypeParameterInstance as TYPE_PARAMETER_INSTANCE,
};

pub use crate::sys::image_effect_v1::colour::{
    kOfxImageClipPropColourspace as IMAGE_CLIP_PROP_COLOURSPACE,
    kOfxImageClipPropPreferredColourspaces as IMAGE_CLIP_PROP_PREFERRED_COLOURSPACES,
    kOfxImageEffectActionGetOutputColourspace as ACTION_GET_OUTPUT_COLOURSPACE,
    kOfxImageEffectColourManagementBasic as COLOUR_MANAGEMENT_BASIC,
    kOfxImageEffectColourManagementCore as COLOUR_MANAGEMENT_CORE,
    kOfxImageEffectColourManagementFull as COLOUR_MANAGEMENT_FULL,
    kOfxImageEffectColourManagementNone as COLOUR_MANAGEMENT_NONE,
    kOfxImageEffectColourManagementOCIO as COLOUR_MANAGEMENT_OCIO,
    kOfxImageEffectPropColourManagementAvailableConfigs as PROP_COLOUR_MANAGEMENT_AVAILABLE_CONFIGS,
    kOfxImageEffectPropColourManagementConfig as PROP_COLOUR_MANAGEMENT_CONFIG,
    kOfxImageEffectPropColourManagementStyle as PROP_COLOUR_MANAGEMENT_STYLE,
    kOfxImageEffectPropDisplayColourspace as PROP_DISPLAY_COLOURSPACE,
    kOfxImageEffectPropOCIOConfig as PROP_OCIO_CONFIG, kOfxImageEffectPropOCIODisplay as PROP_OCIO_DISPLAY,
    kOfxImageEffectPropOCIOView as PROP_OCIO_VIEW,
};

pub use crate::sys::image_effect_v1::memory::kOfxMemorySuite as MEMORY_SUITE;

pub use crate::sys::image_effect_v1::message::{
    kOfxMessageError as MESSAGE_ERROR, kOfxMessageFatal as MESSAGE_FATAL, kOfxMessageLog as MESSAGE_LOG,
    kOfxMessageMessage as MESSAGE_MESSAGE, kOfxMessageQuestion as MESSAGE_QUESTION, kOfxMessageSuite as MESSAGE_SUITE,
    kOfxMessageWarning as MESSAGE_WARNING,
};

pub use crate::sys::image_effect_v1::multi_thread::kOfxMultiThreadSuite as MULTI_THREAD_SUITE;

pub use crate::sys::image_effect_v1::progress::kOfxProgressSuite as PROGRESS_SUITE;

pub use crate::sys::image_effect_v1::time_line::kOfxTimeLineSuite as TIME_LINE_SUITE;

pub use crate::sys::image_effect_v1::parametric_param::kOfxParametricParameterSuite as PARAMETRIC_PARAMETER_SUITE;

pub use crate::sys::image_effect_v1::interact::kOfxInteractSuite as INTERACT_SUITE;

/// What a clip's name is appended to for its regions of interest. The headers have no macro for this family.
pub const CLIP_ROI_PREFIX: &str = "OfxImageClipPropRoI_";
/// What a clip's name is appended to for the frames needed of it.
pub const CLIP_FRAME_RANGE_PREFIX: &str = "OfxImageClipPropFrameRange_";
/// What a clip's name is appended to for its preferred components.
pub const CLIP_COMPONENTS_PREFIX: &str = "OfxImageClipPropComponents_";
/// What a clip's name is appended to for its preferred depth.
pub const CLIP_DEPTH_PREFIX: &str = "OfxImageClipPropDepth_";
/// What a clip's name is appended to for its preferred pixel aspect ratio.
pub const CLIP_PAR_PREFIX: &str = "OfxImageClipPropPAR_";
/// What a clip's name is appended to for its preferred colourspaces.
pub const CLIP_PREFERRED_COLOURSPACES_PREFIX: &str = "OfxImageClipPropPreferredColourspaces_";
/// The colour configuration of the 1.5 headers; its header's file name keeps it out of `openfx::sys`.
pub const NATIVE_COLOUR_CONFIG: &std::ffi::CStr = c"ofx-native-v1.5_aces-v1.3_ocio-v2.3";

/// DaVinci Resolve's own: whether a clip is asked for a thumbnail; int, on clip instances.
pub const IMAGE_CLIP_PROP_THUMBNAIL: &std::ffi::CStr = c"kOfxImageClipPropThumbnail";

pub use crate::sys::image_effect_v1::{
    draw_suite::{kOfxDrawSuite as DRAW_SUITE, kOfxInteractPropDrawContext as INTERACT_PROP_DRAW_CONTEXT},
    interact::{
        kOfxInteractActionDraw as INTERACT_ACTION_DRAW, kOfxInteractActionPenDown as INTERACT_ACTION_PEN_DOWN,
        kOfxInteractActionPenMotion as INTERACT_ACTION_PEN_MOTION, kOfxInteractActionPenUp as INTERACT_ACTION_PEN_UP,
        kOfxInteractPropBackgroundColour as INTERACT_PROP_BACKGROUND_COLOUR,
        kOfxInteractPropBitDepth as INTERACT_PROP_BIT_DEPTH, kOfxInteractPropHasAlpha as INTERACT_PROP_HAS_ALPHA,
        kOfxInteractPropPenPosition as INTERACT_PROP_PEN_POSITION,
        kOfxInteractPropPenPressure as INTERACT_PROP_PEN_PRESSURE,
        kOfxInteractPropPenViewportPosition as INTERACT_PROP_PEN_VIEWPORT_POSITION,
        kOfxInteractPropPixelScale as INTERACT_PROP_PIXEL_SCALE,
        kOfxInteractPropSlaveToParam as INTERACT_PROP_SLAVE_TO_PARAM,
        kOfxInteractPropSuggestedColour as INTERACT_PROP_SUGGESTED_COLOUR,
    },
};

/// On an instance, in DaVinci Resolve 20 and newer: the file that the clip's frames are from; of a sequence as
/// `shot.[0001-0100].dng`. Empty where there is none.
pub const PROP_SRC_FILE_PATH: &std::ffi::CStr = c"OfxImageEffectPropSrcFilePath";

/// In render's arguments, in DaVinci Resolve 20 and newer: the number in that file of the frame that is rendered.
pub const PROP_SRC_FRAME: &std::ffi::CStr = c"OfxImageEffectPropSrcFrame";

/// This crate's own: in render's outgoing arguments, in hosts that take notes; see [`Render::note`](crate::plugin::Render::note).
pub const RENDER_NOTE: &std::ffi::CStr = c"OpenfxKitPropRenderNote";

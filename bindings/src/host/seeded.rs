//! A plugin in raw C style with one fault at a time, each of which strict mode must find, and none where there is none.

use std::{
    ffi::{CStr, c_char, c_int, c_void},
    ptr::{null, null_mut},
    sync::atomic::{AtomicPtr, AtomicUsize, Ordering},
};

use parking_lot::Mutex;

use super::{Binary, examine};
use crate::{
    EntryPoints, Status,
    props::*,
    sys::{
        generic::{
            core::{OfxHost, OfxPlugin, OfxPropertySetHandle, OfxStatus},
            property::OfxPropertySuiteV1,
        },
        image_effect_v1::{
            image_effect::{OfxImageClipHandle, OfxImageEffectHandle, OfxImageEffectSuiteV1},
            param::{OfxParamHandle, OfxParamSetHandle, OfxParameterSuiteV1},
        },
    },
};

/// The faults, and what strict mode says of each.
const FAULTS: [(&str, &str); 17] = [
    ("no depths", "leaves OfxImageEffectPropSupportedPixelDepths empty"),
    ("an unknown depth", "\"OfxBitDepthTwelve\" is no value of OfxImageEffectPropSupportedPixelDepths"),
    ("another object's property", "reads OfxImagePropData, which is no property of an effect's descriptor"),
    ("another type", "reads OfxPropLabel of an effect's descriptor as another type than it is"),
    ("the host's property", "sets OfxPropType of an effect's descriptor, which the host alone sets"),
    ("too many values", "sets OfxPropIcon of an effect's descriptor beyond its 2 values"),
    ("a parameter too early", "OfxActionDescribe: defines the parameter \"early\""),
    ("no source", "defines no clip \"Source\" (Filter)"),
    ("a default beyond the limits", "the default of \"amount\" is 2, of 0 to 1 (Filter)"),
    ("a default beyond the options", "the default of \"mode\" is 2, of 2 options (Filter)"),
    ("a parent that is none", "\"nowhere\", the parent of \"amount\", is no group (Filter)"),
    ("a region without an inside", "OfxImageEffectActionGetRegionOfDefinition: answers"),
    ("another clip", "OfxImageEffectActionIsIdentity: answers \"Elsewhere\", which is no input"),
    ("a fixed property", "sets OfxParamPropAnimates of a parameter, which is fixed by then"),
    ("unwritten pixels", "OfxImageEffectActionRender: leaves pixels of its window unwritten"),
    ("an image kept", "image(s) not released when render returned"),
    ("an image unannounced", "without having been announced"),
];

static HOST: AtomicPtr<OfxHost> = AtomicPtr::new(null_mut());
/// Which fault it has; as many as there are for none.
static SEEDED: AtomicUsize = AtomicUsize::new(FAULTS.len());
/// Held while it is examined.
static TURN: Mutex<()> = Mutex::new(());

fn has(fault: &str) -> bool {
    FAULTS.get(SEEDED.load(Ordering::Relaxed)).is_some_and(|(name, _)| *name == fault)
}

fn suite<T>(name: &CStr) -> &'static T {
    // SAFETY: the host struct is never freed, and a suite is a static of the type that its name and version say.
    unsafe {
        let host = HOST.load(Ordering::Relaxed);
        let fetch = (*host).fetchSuite.expect("every host has it");
        fetch((*host).host, name.as_ptr(), 1).cast::<T>().as_ref().expect("every host has it")
    }
}

fn effects() -> &'static OfxImageEffectSuiteV1 {
    suite(IMAGE_EFFECT_SUITE)
}

fn params() -> &'static OfxParameterSuiteV1 {
    suite(PARAMETER_SUITE)
}

/// A property set, through the suite.
#[derive(Clone, Copy)]
struct Set(OfxPropertySetHandle);

impl Set {
    fn suite() -> &'static OfxPropertySuiteV1 {
        suite(PROPERTY_SUITE)
    }

    fn text(self, name: &CStr, index: c_int, value: &CStr) {
        // SAFETY: a live handle and C strings.
        unsafe { Self::suite().propSetString.expect("there")(self.0, name.as_ptr(), index, value.as_ptr()) };
    }

    fn int(self, name: &CStr, value: c_int) {
        // SAFETY: a live handle and a C string.
        unsafe { Self::suite().propSetInt.expect("there")(self.0, name.as_ptr(), 0, value) };
    }

    fn double(self, name: &CStr, index: c_int, value: f64) {
        // SAFETY: a live handle and a C string.
        unsafe { Self::suite().propSetDouble.expect("there")(self.0, name.as_ptr(), index, value) };
    }

    fn int_of(self, name: &CStr, index: c_int) -> c_int {
        let mut value = 0;
        // SAFETY: a live handle, a C string and a writable result.
        unsafe { Self::suite().propGetInt.expect("there")(self.0, name.as_ptr(), index, &raw mut value) };
        value
    }

    fn pointer(self, name: &CStr) -> *mut c_void {
        let mut value = null_mut();
        // SAFETY: as above.
        unsafe { Self::suite().propGetPointer.expect("there")(self.0, name.as_ptr(), 0, &raw mut value) };
        value
    }
}

fn param_set(effect: OfxImageEffectHandle) -> OfxParamSetHandle {
    let mut set = null_mut();
    // SAFETY: a live handle and a writable result.
    unsafe { effects().getParamSet.expect("there")(effect, &raw mut set) };
    set
}

fn define_param(effect: OfxImageEffectHandle, kind: &CStr, id: &CStr) -> Set {
    let mut props = null_mut();
    let set = param_set(effect);
    // SAFETY: live handles, C strings and a writable result.
    unsafe { params().paramDefine.expect("there")(set, kind.as_ptr(), id.as_ptr(), &raw mut props) };
    Set(props)
}

fn describe(effect: OfxImageEffectHandle) {
    let mut props = null_mut();
    // SAFETY: a live handle and a writable result.
    unsafe { effects().getPropertySet.expect("there")(effect, &raw mut props) };
    let props = Set(props);
    props.text(PROP_LABEL, 0, c"Seeded");
    props.text(PROP_SUPPORTED_CONTEXTS, 0, CONTEXT_FILTER);
    if !has("no depths") {
        let unknown = has("an unknown depth");
        props.text(PROP_SUPPORTED_PIXEL_DEPTHS, 0, if unknown { c"OfxBitDepthTwelve" } else { BIT_DEPTH_FLOAT });
        props.text(PROP_SUPPORTED_PIXEL_DEPTHS, 1, BIT_DEPTH_FLOAT);
    }
    if has("another object's property") {
        props.pointer(IMAGE_PROP_DATA);
    }
    if has("another type") {
        props.int_of(PROP_LABEL, 0);
    }
    if has("the host's property") {
        props.text(PROP_TYPE, 0, c"mine");
    }
    if has("too many values") {
        props.text(PROP_ICON, 2, c"third.png");
    }
    if has("a parameter too early") {
        define_param(effect, PARAM_TYPE_DOUBLE, c"early");
    }
}

fn describe_in_context(effect: OfxImageEffectHandle) {
    let clips = [SIMPLE_SOURCE_CLIP_NAME, OUTPUT_CLIP_NAME];
    for clip in &clips[usize::from(has("no source"))..] {
        let mut props = null_mut();
        // SAFETY: a live handle, a C string and a writable result.
        unsafe { effects().clipDefine.expect("there")(effect, clip.as_ptr(), &raw mut props) };
        Set(props).text(PROP_SUPPORTED_COMPONENTS, 0, IMAGE_COMPONENT_RGBA);
    }
    define_param(effect, PARAM_TYPE_GROUP, c"group");
    let amount = define_param(effect, PARAM_TYPE_DOUBLE, c"amount");
    amount.double(PARAM_PROP_MIN, 0, 0.0);
    amount.double(PARAM_PROP_MAX, 0, 1.0);
    amount.double(PARAM_PROP_DEFAULT, 0, if has("a default beyond the limits") { 2.0 } else { 0.5 });
    amount.text(PARAM_PROP_PARENT, 0, if has("a parent that is none") { c"nowhere" } else { c"group" });
    let mode = define_param(effect, PARAM_TYPE_CHOICE, c"mode");
    mode.text(PARAM_PROP_CHOICE_OPTION, 0, c"one");
    mode.text(PARAM_PROP_CHOICE_OPTION, 1, c"other");
    mode.int(PARAM_PROP_DEFAULT, if has("a default beyond the options") { 2 } else { 1 });
}

fn image(effect: OfxImageEffectHandle, clip: &CStr, time: f64) -> Set {
    let (mut handle, mut image): (OfxImageClipHandle, _) = (null_mut(), null_mut());
    // SAFETY: live handles, C strings and writable results.
    unsafe {
        effects().clipGetHandle.expect("there")(effect, clip.as_ptr(), &raw mut handle, null_mut());
        effects().clipGetImage.expect("there")(handle, time, null(), &raw mut image);
    }
    Set(image)
}

fn release(image: Set) {
    // SAFETY: a handle of this host.
    unsafe { effects().clipReleaseImage.expect("there")(image.0) };
}

fn render(effect: OfxImageEffectHandle, arguments: Set) {
    let mut time = 0.0;
    // SAFETY: a live handle, a C string and a writable result.
    unsafe { Set::suite().propGetDouble.expect("there")(arguments.0, PROP_TIME.as_ptr(), 0, &raw mut time) };
    if has("an image unannounced") {
        release(image(effect, SIMPLE_SOURCE_CLIP_NAME, time + 3.0));
    }
    if has("a fixed property") {
        let (mut param, mut props): (OfxParamHandle, _) = (null_mut(), null_mut());
        let set = param_set(effect);
        // SAFETY: live handles, a C string and writable results.
        unsafe { params().paramGetHandle.expect("there")(set, c"amount".as_ptr(), &raw mut param, &raw mut props) };
        Set(props).int(PARAM_PROP_ANIMATES, 0);
    }
    let output = image(effect, OUTPUT_CLIP_NAME, time);
    let bounds = [0, 1, 2, 3].map(|i| output.int_of(IMAGE_PROP_BOUNDS, i));
    let (bytes, data) = (output.int_of(IMAGE_PROP_ROW_BYTES, 0), output.pointer(IMAGE_PROP_DATA).cast::<u8>());
    let width = usize::try_from(bounds[2] - bounds[0]).expect("some") * 4;
    let first = isize::from(has("unwritten pixels"));
    for row in first..isize::try_from(bounds[3] - bounds[1]).expect("some") {
        // SAFETY: so many floats are in a row, and rows so far apart, as the host says.
        unsafe { std::slice::from_raw_parts_mut(data.offset(row * bytes as isize).cast::<f32>(), width) }.fill(0.5);
    }
    if !has("an image kept") {
        release(output);
    }
}

fn act(action: &CStr, effect: OfxImageEffectHandle, input: Set, output: Set) -> Status {
    match action {
        a if a == ACTION_DESCRIBE => describe(effect),
        a if a == ACTION_DESCRIBE_IN_CONTEXT => describe_in_context(effect),
        a if a == ACTION_RENDER => render(effect, input),
        a if a == ACTION_GET_REGION_OF_DEFINITION && has("a region without an inside") => {
            for (i, value) in (0..).zip([9.0, 0.0, 1.0, 9.0]) {
                output.double(PROP_REGION_OF_DEFINITION, i, value);
            }
        }
        a if a == ACTION_IS_IDENTITY && has("another clip") => output.text(PROP_NAME, 0, c"Elsewhere"),
        _ => return Status::REPLY_DEFAULT,
    }
    Status::OK
}

unsafe extern "C" fn main_entry(
    action: *const c_char,
    effect: *const c_void,
    input: OfxPropertySetHandle,
    output: OfxPropertySetHandle,
) -> OfxStatus {
    // SAFETY: the host passes a C string.
    let action = unsafe { CStr::from_ptr(action) };
    let effect = effect.cast_mut().cast();
    std::panic::catch_unwind(|| act(action, effect, Set(input), Set(output))).unwrap_or(Status::FATAL).0
}

unsafe extern "C" fn set_host(host: *mut OfxHost) {
    HOST.store(host, Ordering::Relaxed);
}

struct Table(OfxPlugin);
// SAFETY: a constant.
unsafe impl Sync for Table {}

static PLUGIN: Table = Table(OfxPlugin {
    pluginApi: c"OfxImageEffectPluginAPI".as_ptr(),
    apiVersion: 1,
    pluginIdentifier: c"test.Seeded".as_ptr(),
    pluginVersionMajor: 1,
    pluginVersionMinor: 0,
    setHost: Some(set_host),
    mainEntry: Some(main_entry),
});

unsafe extern "C" fn number() -> c_int {
    1
}

unsafe extern "C" fn get(_: c_int) -> *mut OfxPlugin {
    (&raw const PLUGIN.0).cast_mut()
}

fn examined(seeded: usize) -> Vec<String> {
    SEEDED.store(seeded, Ordering::Relaxed);
    let binary = Binary::in_process(EntryPoints { number, get, set_host: None });
    examine(&binary, "test.Seeded").expect("it can be loaded").faults
}

#[test]
fn every_seeded_fault_is_found_and_none_where_there_is_none() {
    let _turn = TURN.lock();
    assert_eq!(examined(FAULTS.len()), [""; 0]);
    for (i, (fault, said)) in FAULTS.iter().enumerate() {
        let found = examined(i);
        assert!(found.iter().any(|text| text.contains(said)), "{fault}: {found:#?}");
    }
    assert_eq!(examined(FAULTS.len()), [""; 0], "nothing is left of them");
}

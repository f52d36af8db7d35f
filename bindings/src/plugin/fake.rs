//! A host for this side's own tests, as small as can be, that can misbehave: it lies about images, lacks suites and
//! functions, and counts what is lent. It has no variadic functions, so parameters read their defaults in it.

use std::{
    collections::HashMap,
    ffi::{CStr, CString, c_char, c_int, c_void},
    ptr,
    sync::{
        Arc,
        atomic::{AtomicI32, Ordering},
    },
};

use parking_lot::Mutex;

use crate::{
    BitDepth, Components, RectI, Status, props,
    sys::{
        generic::{
            core::{OfxHost, OfxPropertySetHandle, OfxRectD, OfxStatus},
            property::OfxPropertySuiteV1,
        },
        image_effect_v1::{
            image_effect::{OfxImageClipHandle, OfxImageEffectHandle, OfxImageEffectSuiteV1},
            param::{OfxParamHandle, OfxParamSetHandle, OfxParameterSuiteV1},
        },
    },
};

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Val {
    Int(i32),
    Double(f64),
    Text(CString),
    Pointer(*mut c_void),
}

/// A property set.
#[derive(Default)]
pub(crate) struct Set(Mutex<HashMap<CString, Vec<Val>>>);

impl Set {
    pub(crate) fn with(self, name: &CStr, values: &[Val]) -> Self {
        self.put(name, values);
        self
    }

    pub(crate) fn put(&self, name: &CStr, values: &[Val]) {
        self.0.lock().insert(name.to_owned(), values.to_vec());
    }

    pub(crate) fn remove(&self, name: &CStr) {
        self.0.lock().remove(name);
    }

    pub(crate) fn all(&self, name: &CStr) -> Vec<Val> {
        self.0.lock().get(name).cloned().unwrap_or_default()
    }

    pub(crate) fn texts(&self, name: &CStr) -> Vec<String> {
        let text = |v: &Val| if let Val::Text(t) = v { t.to_string_lossy().into_owned() } else { format!("{v:?}") };
        self.all(name).iter().map(text).collect()
    }

    pub(crate) fn handle(&self) -> OfxPropertySetHandle {
        ptr::from_ref(self).cast_mut().cast()
    }
}

pub(crate) fn text(s: &CStr) -> Val {
    Val::Text(s.to_owned())
}

pub(crate) fn ints(values: &[i32]) -> Vec<Val> {
    values.iter().copied().map(Val::Int).collect()
}

pub(crate) fn doubles(values: &[f64]) -> Vec<Val> {
    values.iter().copied().map(Val::Double).collect()
}

/// A clip, whose image is lent out.
#[derive(Default)]
pub(crate) struct Clip {
    pub(crate) props: Set,
    pub(crate) image: Option<Box<Image>>,
    on_loan: Arc<AtomicI32>,
}

/// An image with memory of its own. Its handle is that of its property set, which is therefore its first field.
#[repr(C)]
pub(crate) struct Image {
    props: Set,
    on_loan: Arc<AtomicI32>,
    pub(crate) memory: Vec<u8>,
}

impl Image {
    /// Memory rows are `padding` bytes longer than a row; negative `direction` puts the top row first.
    pub(crate) fn new(bounds: RectI, depth: BitDepth, components: Components, padding: usize, direction: i32) -> Self {
        let row = bounds.width() * depth.bytes() * components.channels() + padding;
        let mut memory = vec![0xAA; row * bounds.height()];
        let top = if direction < 0 { row * bounds.height().saturating_sub(1) } else { 0 };
        let data = memory.as_mut_ptr().wrapping_add(top).cast();
        let props = Set::default()
            .with(props::IMAGE_PROP_BOUNDS, &ints(&[bounds.x1, bounds.y1, bounds.x2, bounds.y2]))
            .with(props::IMAGE_PROP_ROW_BYTES, &ints(&[i32::try_from(row).unwrap() * direction]))
            .with(props::IMAGE_PROP_DATA, &[Val::Pointer(data)])
            .with(props::PROP_PIXEL_DEPTH, &[text(depth.as_cstr())])
            .with(props::PROP_COMPONENTS, &[text(components.as_cstr())]);
        Self { props, on_loan: Arc::default(), memory }
    }

    pub(crate) fn but(self, name: &CStr, values: &[Val]) -> Self {
        self.props.put(name, values);
        self
    }

    pub(crate) fn without(self, name: &CStr) -> Self {
        self.props.remove(name);
        self
    }

    pub(crate) fn data(&self) -> *mut c_void {
        match self.props.all(props::IMAGE_PROP_DATA)[0] {
            Val::Pointer(p) => p,
            _ => ptr::null_mut(),
        }
    }
}

/// An effect, descriptor or instance.
#[derive(Default)]
pub(crate) struct Effect {
    pub(crate) props: Set,
    pub(crate) clips: Mutex<HashMap<CString, Box<Clip>>>,
    pub(crate) params: Mutex<HashMap<CString, (CString, Box<Set>)>>,
    pub(crate) abort: AtomicI32,
}

impl Effect {
    /// An instance in the Filter context with clips that have these images.
    pub(crate) fn filter(source: Option<Image>, output: Option<Image>) -> Box<Self> {
        let effect = Box::<Self>::default();
        effect.props.put(props::PROP_CONTEXT, &[text(props::CONTEXT_FILTER)]);
        for (name, image) in [(c"Source", source), (c"Output", output)] {
            let mut clip = Box::<Clip>::default();
            clip.image = image.map(|i| Box::new(Image { on_loan: clip.on_loan.clone(), ..i }));
            effect.clips.lock().insert(name.to_owned(), clip);
        }
        effect
    }

    pub(crate) fn handle(&self) -> OfxImageEffectHandle {
        ptr::from_ref(self).cast_mut().cast()
    }

    pub(crate) fn on_loan(&self) -> i32 {
        self.clips.lock().values().map(|c| c.on_loan.load(Ordering::SeqCst)).sum()
    }

    pub(crate) fn output(&self) -> Vec<u8> {
        self.clips.lock()[c"Output"].image.as_ref().map(|i| i.memory.clone()).unwrap_or_default()
    }
}

/// A host: its own property set, and which suites it hides.
pub(crate) struct Host {
    raw: OfxHost,
}

impl Host {
    /// A host that is never freed, as the standard promises of hosts.
    pub(crate) fn new(hidden: &[&'static CStr]) -> &'static Self {
        let props = Box::leak(Box::new(Set::default()));
        let hidden: Vec<Val> = hidden.iter().map(|s| text(s)).collect();
        props.put(c"hidden", &hidden);
        props.put(props::PROP_NAME, &[text(c"org.pickup.Fake")]);
        Box::leak(Box::new(Self { raw: OfxHost { host: props.handle(), fetchSuite: Some(fetch_suite) } }))
    }

    pub(crate) fn raw(&'static self) -> *mut OfxHost {
        ptr::from_ref(&self.raw).cast_mut()
    }
}

// SAFETY: the pointers in it lead to leaked property sets behind locks.
unsafe impl Sync for Host {}

unsafe extern "C" fn fetch_suite(host: OfxPropertySetHandle, name: *const c_char, version: c_int) -> *const c_void {
    // SAFETY: this side passes the host's own set and a C string.
    let (host, name) = unsafe { (set(host), CStr::from_ptr(name)) };
    if host.all(c"hidden").contains(&text(name)) || version != 1 {
        return ptr::null();
    }
    if name == props::PROPERTY_SUITE {
        ptr::from_ref(&PROPERTY).cast()
    } else if name == props::IMAGE_EFFECT_SUITE {
        ptr::from_ref(&EFFECT).cast()
    } else if name == props::PARAMETER_SUITE {
        ptr::from_ref(&PARAM).cast()
    } else {
        ptr::null()
    }
}

/// # Safety
/// The handle must come from a living [`Set`].
unsafe fn set<'a>(handle: OfxPropertySetHandle) -> &'a Set {
    // SAFETY: the caller vouches for it; images begin with their set by way of `Image::props`.
    unsafe { &*handle.cast::<Set>() }
}

unsafe fn read(
    handle: OfxPropertySetHandle,
    name: *const c_char,
    index: c_int,
    take: impl FnOnce(&Val) -> bool,
) -> c_int {
    // SAFETY: this side passes living handles and C strings.
    let (set, name) = unsafe { (set(handle), CStr::from_ptr(name)) };
    let values = set.0.lock();
    let Some(values) = values.get(name) else { return Status::UNKNOWN.0 };
    let Some(value) = usize::try_from(index).ok().and_then(|i| values.get(i)) else { return Status::BAD_INDEX.0 };
    if take(value) { Status::OK.0 } else { Status::VALUE.0 }
}

unsafe fn write(handle: OfxPropertySetHandle, name: *const c_char, index: c_int, value: Val) -> c_int {
    // SAFETY: as in `read`.
    let (set, name) = unsafe { (set(handle), CStr::from_ptr(name)) };
    let mut all = set.0.lock();
    let values = all.entry(name.to_owned()).or_default();
    let index = usize::try_from(index).unwrap();
    if index >= values.len() {
        values.resize(index + 1, value.clone());
    }
    values[index] = value;
    Status::OK.0
}

/// A function of the property suite that gets one value into a place.
macro_rules! getter {
    ($name:ident, $variant:ident, $type:ty, |$v:ident| $out:expr) => {
        unsafe extern "C" fn $name(h: OfxPropertySetHandle, n: *const c_char, i: c_int, place: *mut $type) -> c_int {
            let take = |value: &Val| {
                let Val::$variant($v) = value else { return false };
                // SAFETY: this side passes a place of its own.
                unsafe { place.write($out) };
                true
            };
            // SAFETY: as this function's own.
            unsafe { read(h, n, i, take) }
        }
    };
}

getter!(get_int, Int, c_int, |v| *v);
getter!(get_double, Double, f64, |v| *v);
getter!(get_pointer, Pointer, *mut c_void, |v| *v);
getter!(get_string, Text, *mut c_char, |v| v.as_ptr().cast_mut());

unsafe extern "C" fn set_int(h: OfxPropertySetHandle, n: *const c_char, i: c_int, v: c_int) -> c_int {
    // SAFETY: as this function's own.
    unsafe { write(h, n, i, Val::Int(v)) }
}

unsafe extern "C" fn set_double(h: OfxPropertySetHandle, n: *const c_char, i: c_int, v: f64) -> c_int {
    // SAFETY: as this function's own.
    unsafe { write(h, n, i, Val::Double(v)) }
}

unsafe extern "C" fn set_string(h: OfxPropertySetHandle, n: *const c_char, i: c_int, v: *const c_char) -> c_int {
    // SAFETY: as this function's own; the value is a C string.
    unsafe { write(h, n, i, Val::Text(CStr::from_ptr(v).to_owned())) }
}

unsafe extern "C" fn dimension(h: OfxPropertySetHandle, n: *const c_char, count: *mut c_int) -> c_int {
    // SAFETY: this side passes a living handle, a C string and a place.
    unsafe {
        let len = set(h).all(CStr::from_ptr(n)).len();
        count.write(c_int::try_from(len).unwrap());
    }
    Status::OK.0
}

static PROPERTY: OfxPropertySuiteV1 = OfxPropertySuiteV1 {
    propSetPointer: None,
    propSetString: Some(set_string),
    propSetDouble: Some(set_double),
    propSetInt: Some(set_int),
    propSetPointerN: None,
    propSetStringN: None,
    propSetDoubleN: None,
    propSetIntN: None,
    propGetPointer: Some(get_pointer),
    propGetString: Some(get_string),
    propGetDouble: Some(get_double),
    propGetInt: Some(get_int),
    propGetPointerN: None,
    propGetStringN: None,
    propGetDoubleN: None,
    propGetIntN: None,
    propReset: None,
    propGetDimension: Some(dimension),
};

unsafe fn effect<'a>(handle: OfxImageEffectHandle) -> &'a Effect {
    // SAFETY: this side passes the handles it was given.
    unsafe { &*handle.cast::<Effect>() }
}

unsafe extern "C" fn effect_props(e: OfxImageEffectHandle, place: *mut OfxPropertySetHandle) -> OfxStatus {
    // SAFETY: a living effect and a place.
    unsafe { place.write(effect(e).props.handle()) };
    Status::OK.0
}

unsafe extern "C" fn param_set(e: OfxImageEffectHandle, place: *mut OfxParamSetHandle) -> OfxStatus {
    // SAFETY: a place.
    unsafe { place.write(e.cast()) };
    Status::OK.0
}

unsafe extern "C" fn clip_define(
    e: OfxImageEffectHandle,
    name: *const c_char,
    place: *mut OfxPropertySetHandle,
) -> OfxStatus {
    // SAFETY: a living effect, a C string and a place.
    unsafe {
        let mut clips = effect(e).clips.lock();
        let clip = clips.entry(CStr::from_ptr(name).to_owned()).or_default();
        place.write(clip.props.handle());
    }
    Status::OK.0
}

unsafe extern "C" fn clip_get(
    e: OfxImageEffectHandle,
    name: *const c_char,
    place: *mut OfxImageClipHandle,
    set: *mut OfxPropertySetHandle,
) -> OfxStatus {
    // SAFETY: a living effect, a C string and two places.
    unsafe {
        let clips = effect(e).clips.lock();
        let Some(clip) = clips.get(CStr::from_ptr(name)) else { return Status::UNKNOWN.0 };
        place.write(ptr::from_ref(&**clip).cast_mut().cast());
        set.write(clip.props.handle());
    }
    Status::OK.0
}

unsafe extern "C" fn clip_image(
    clip: OfxImageClipHandle,
    _time: f64,
    _region: *const OfxRectD,
    place: *mut OfxPropertySetHandle,
) -> OfxStatus {
    // SAFETY: a living clip.
    let clip = unsafe { &*clip.cast::<Clip>() };
    let Some(image) = &clip.image else { return Status::FAILED.0 };
    clip.on_loan.fetch_add(1, Ordering::SeqCst);
    // SAFETY: a place.
    unsafe { place.write(ptr::from_ref(&**image).cast_mut().cast()) };
    Status::OK.0
}

unsafe extern "C" fn clip_release(image: OfxPropertySetHandle) -> OfxStatus {
    // SAFETY: an image of this host.
    unsafe { &*image.cast::<Image>() }.on_loan.fetch_sub(1, Ordering::SeqCst);
    Status::OK.0
}

unsafe extern "C" fn abort(e: OfxImageEffectHandle) -> c_int {
    // SAFETY: a living effect.
    unsafe { effect(e) }.abort.load(Ordering::SeqCst)
}

static EFFECT: OfxImageEffectSuiteV1 = OfxImageEffectSuiteV1 {
    getPropertySet: Some(effect_props),
    getParamSet: Some(param_set),
    clipDefine: Some(clip_define),
    clipGetHandle: Some(clip_get),
    clipGetPropertySet: None,
    clipGetImage: Some(clip_image),
    clipReleaseImage: Some(clip_release),
    clipGetRegionOfDefinition: None,
    abort: Some(abort),
    imageMemoryAlloc: None,
    imageMemoryFree: None,
    imageMemoryLock: None,
    imageMemoryUnlock: None,
};

unsafe extern "C" fn param_define(
    e: OfxParamSetHandle,
    kind: *const c_char,
    name: *const c_char,
    place: *mut OfxPropertySetHandle,
) -> OfxStatus {
    // SAFETY: a living effect, two C strings and a place.
    unsafe {
        let mut params = effect(e.cast()).params.lock();
        let kind = CStr::from_ptr(kind).to_owned();
        let (_, set) = params.entry(CStr::from_ptr(name).to_owned()).or_insert((kind, Box::default()));
        place.write(set.handle());
    }
    Status::OK.0
}

unsafe extern "C" fn param_get(
    _: OfxParamSetHandle,
    _: *const c_char,
    _: *mut OfxParamHandle,
    _: *mut OfxPropertySetHandle,
) -> OfxStatus {
    Status::UNKNOWN.0
}

static PARAM: OfxParameterSuiteV1 = OfxParameterSuiteV1 {
    paramDefine: Some(param_define),
    paramGetHandle: Some(param_get),
    paramSetGetPropertySet: None,
    paramGetPropertySet: None,
    paramGetValue: None,
    paramGetValueAtTime: None,
    paramGetDerivative: None,
    paramGetIntegral: None,
    paramSetValue: None,
    paramSetValueAtTime: None,
    paramGetNumKeys: None,
    paramGetKeyTime: None,
    paramGetKeyIndex: None,
    paramDeleteKey: None,
    paramDeleteAllKeys: None,
    paramCopy: None,
    paramEditBegin: None,
    paramEditEnd: None,
};

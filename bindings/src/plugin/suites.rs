//! The host this process runs in: the pointer it gave, and its suites, fetched at Load.
//!
//! One store for the whole process, behind a lock. An instance keeps the suites it was created with, so a host that
//! calls `setHost` again does not pull them from under a render.

use std::{
    any::TypeId,
    collections::HashMap,
    ffi::CStr,
    sync::{Arc, LazyLock},
};

use parking_lot::RwLock;

use super::{
    effect::Effect,
    error::{Error, Result},
    host_info::HostInfo,
    property::Props,
};
use crate::{
    props,
    sys::{
        generic::{
            core::{OfxHost, OfxPropertySetHandle},
            property::OfxPropertySuiteV1,
        },
        image_effect_v1::{
            draw_suite::OfxDrawSuiteV1,
            image_effect::OfxImageEffectSuiteV1,
            interact::OfxInteractSuiteV1,
            memory::OfxMemorySuiteV1,
            message::{OfxMessageSuiteV1, OfxMessageSuiteV2},
            multi_thread::OfxMultiThreadSuiteV1,
            param::OfxParameterSuiteV1,
            progress::{OfxProgressSuiteV1, OfxProgressSuiteV2},
            time_line::OfxTimeLineSuiteV1,
        },
    },
};

/// A host's opaque pointer. It is only ever handed back to that host.
#[derive(Debug)]
pub(crate) struct Handle<T>(pub(crate) *mut T);

impl<T> Clone for Handle<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Handle<T> {}

impl<T> PartialEq for Handle<T> {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl<T> Eq for Handle<T> {}

impl<T> std::hash::Hash for Handle<T> {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

impl<T> Handle<T> {
    /// The handle, unless it is null.
    pub(crate) fn new(pointer: *mut T) -> Option<Self> {
        (!pointer.is_null()).then_some(Self(pointer))
    }
}

// SAFETY: the pointer is an opaque token that this crate never dereferences through `Handle`; the standard lets any
// thread hand it back to the host.
unsafe impl<T> Send for Handle<T> {}
// SAFETY: as for `Send`; a shared `Handle` only gives out the token.
unsafe impl<T> Sync for Handle<T> {}

/// A host's suites. Those that a host must have are not optional; each function in them still may be.
pub(crate) struct Suites {
    pub(crate) property: OfxPropertySuiteV1,
    pub(crate) effect: OfxImageEffectSuiteV1,
    pub(crate) param: OfxParameterSuiteV1,
    pub(crate) memory: Option<OfxMemorySuiteV1>,
    pub(crate) threads: Option<OfxMultiThreadSuiteV1>,
    pub(crate) message: Option<OfxMessageSuiteV1>,
    pub(crate) message2: Option<OfxMessageSuiteV2>,
    pub(crate) progress: Option<OfxProgressSuiteV1>,
    pub(crate) progress2: Option<OfxProgressSuiteV2>,
    pub(crate) timeline: Option<OfxTimeLineSuiteV1>,
    pub(crate) interact: Option<OfxInteractSuiteV1>,
    pub(crate) draw: Option<OfxDrawSuiteV1>,
    pub(crate) info: HostInfo,
}

#[derive(Default)]
struct Store {
    host: Option<Handle<OfxHost>>,
    suites: Option<Arc<Suites>>,
}

/// By effect, since a host gives itself to each: two binaries in one process may serve two hosts.
static STORES: LazyLock<RwLock<HashMap<TypeId, Store>>> = LazyLock::new(RwLock::default);

/// Remembers an effect's host. Calls nothing in it, as the standard asks; null is refused.
pub(crate) fn set_host<E: Effect>(host: *mut OfxHost) -> bool {
    let Some(host) = Handle::new(host) else { return false };
    let mut stores = STORES.write();
    let store = stores.entry(TypeId::of::<E>()).or_default();
    if store.host != Some(host) {
        store.suites = None;
    }
    store.host = Some(host);
    true
}

/// Fetches every suite anew.
///
/// # Safety
/// The host last set must still be alive.
pub(crate) unsafe fn load<E: Effect>() -> Result<Arc<Suites>> {
    let host = STORES.read().get(&TypeId::of::<E>()).and_then(|s| s.host);
    let host = host.ok_or_else(|| Error::MissingHostFeature("itself: it never called setHost".into()))?;
    // SAFETY: the pointer is not null, and the caller vouches that the host behind it lives.
    let suites = Arc::new(unsafe { fetch(host.0) }?);
    STORES.write().entry(TypeId::of::<E>()).or_default().suites = Some(suites.clone());
    Ok(suites)
}

/// The suites, fetched if they were not yet.
///
/// # Safety
/// The host last set must still be alive.
pub(crate) unsafe fn suites<E: Effect>() -> Result<Arc<Suites>> {
    if let Some(suites) = current::<E>() {
        return Ok(suites);
    }
    // SAFETY: the caller vouches for the host.
    unsafe { load::<E>() }
}

/// The suites, if they were fetched.
pub(crate) fn current<E: Effect>() -> Option<Arc<Suites>> {
    STORES.read().get(&TypeId::of::<E>())?.suites.clone()
}

/// # Safety
/// `host` must point to a live `OfxHost`.
unsafe fn fetch(host: *mut OfxHost) -> Result<Suites> {
    // SAFETY: the caller vouches for the pointer; the two fields are plain data.
    let (props_handle, fetch) = unsafe { ((*host).host, (*host).fetchSuite) };
    let fetch = fetch.ok_or_else(|| Error::MissingHostFeature("fetchSuite".into()))?;
    let raw = |name: &CStr, version| {
        // SAFETY: `fetchSuite` takes the host's own property set and a C string.
        unsafe { fetch(props_handle, name.as_ptr(), version) }
    };
    macro_rules! suite {
        ($name:expr, $version:expr, $table:ty) => {{
            let table = raw($name, $version).cast::<$table>();
            // SAFETY: the host answers a name and version with null or with that suite's table, made of nullable
            // function pointers, valid as long as the binary is loaded. It is copied.
            (!table.is_null()).then(|| unsafe { table.read() })
        }};
    }
    let missing = |name: &str| Error::MissingHostFeature(format!("the {name} suite"));
    let property = suite!(props::PROPERTY_SUITE, 1, OfxPropertySuiteV1).ok_or_else(|| missing("property"))?;
    let info = HostInfo::read(&match Handle::new(props_handle) {
        Some(handle) => Props::new(&property, handle),
        None => Props::none(&property),
    });
    Ok(Suites {
        info,
        property,
        effect: suite!(props::IMAGE_EFFECT_SUITE, 1, OfxImageEffectSuiteV1).ok_or_else(|| missing("image effect"))?,
        param: suite!(props::PARAMETER_SUITE, 1, OfxParameterSuiteV1).ok_or_else(|| missing("parameter"))?,
        memory: suite!(props::MEMORY_SUITE, 1, OfxMemorySuiteV1),
        threads: suite!(props::MULTI_THREAD_SUITE, 1, OfxMultiThreadSuiteV1),
        message: suite!(props::MESSAGE_SUITE, 1, OfxMessageSuiteV1),
        message2: suite!(props::MESSAGE_SUITE, 2, OfxMessageSuiteV2),
        progress: suite!(props::PROGRESS_SUITE, 1, OfxProgressSuiteV1),
        progress2: suite!(props::PROGRESS_SUITE, 2, OfxProgressSuiteV2),
        timeline: suite!(props::TIME_LINE_SUITE, 1, OfxTimeLineSuiteV1),
        interact: suite!(props::INTERACT_SUITE, 1, OfxInteractSuiteV1),
        draw: suite!(props::DRAW_SUITE, 1, OfxDrawSuiteV1),
    })
}

impl Suites {
    /// A property set of this host; of a null handle, one where nothing is found.
    pub(crate) fn props(&self, handle: OfxPropertySetHandle) -> Props<'_> {
        match Handle::new(handle) {
            Some(handle) => Props::new(&self.property, handle),
            None => Props::none(&self.property),
        }
    }
}

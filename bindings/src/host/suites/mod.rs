//! The suites: what a plugin calls. Every function is guarded: pointers are checked, handles are looked up, and a panic
//! becomes a status.

mod draw;
pub(crate) mod image_effect;
mod interact;
mod memory;
mod message;
pub(crate) mod multithread;
mod parameter;
mod parametric;
mod progress;
mod property;
mod timeline;

pub use self::property::fuzz_properties;

use std::{
    ffi::{CStr, c_char, c_int, c_void},
    panic::{AssertUnwindSafe, catch_unwind},
};

use super::{property::Owner, registry, traits::MessageSuite};
use crate::{
    Status,
    props::*,
    sys::generic::core::{OfxPropertySetHandle, OfxStatus},
};

type Answer = Result<(), Status>;

/// Runs a suite function: a panic is answered with `kOfxStatErrFatal` and goes no further.
fn guard(f: impl FnOnce() -> Answer) -> OfxStatus {
    match catch_unwind(AssertUnwindSafe(f)) {
        Ok(Ok(())) => Status::OK.0,
        Ok(Err(status)) => status.0,
        Err(_) => Status::FATAL.0,
    }
}

/// Writes a result through a plugin's pointer.
///
/// # Safety
/// `to` must be null, or point to where a `T` may be written.
unsafe fn give<T>(to: *mut T, value: T) -> Answer {
    if to.is_null() {
        return Err(Status::VALUE);
    }
    // SAFETY: not null, and writable by the contract.
    unsafe { to.write(value) };
    Ok(())
}

/// A plugin's string.
///
/// # Safety
/// `s` must be null, or a C string that outlives `'a`.
unsafe fn text<'a>(s: *const c_char) -> Result<&'a CStr, Status> {
    if s.is_null() {
        return Err(Status::VALUE);
    }
    // SAFETY: not null, and a C string by the contract.
    Ok(unsafe { CStr::from_ptr(s) })
}

/// `OfxHost::fetchSuite`.
///
/// # Safety
/// Called by plugins alone, with a C string or null.
pub(crate) unsafe extern "C" fn fetch_suite(
    host: OfxPropertySetHandle,
    name: *const c_char,
    version: c_int,
) -> *const c_void {
    catch_unwind(AssertUnwindSafe(|| {
        // SAFETY: a C string or null, by the standard.
        let name = unsafe { text(name) }.ok()?;
        let props = registry::props(host).ok()?;
        let Some(Owner::Host(host)) = props.owner() else { return None };
        let host = host.upgrade()?;
        let suites = host.profile().suites;
        let pointer = |p: *const c_void| Some(p);
        match (name, version) {
            (n, 1) if n == PROPERTY_SUITE => pointer((&raw const property::SUITE).cast()),
            (n, 1) if n == IMAGE_EFFECT_SUITE => pointer((&raw const image_effect::SUITE).cast()),
            (n, 1) if n == PARAMETER_SUITE => pointer((&raw const parameter::SUITE).cast()),
            (n, 1) if n == MEMORY_SUITE && suites.memory => pointer((&raw const memory::SUITE).cast()),
            (n, 1) if n == MULTI_THREAD_SUITE && suites.multithread => pointer((&raw const multithread::SUITE).cast()),
            (n, 1) if n == TIME_LINE_SUITE && suites.timeline => pointer((&raw const timeline::SUITE).cast()),
            (n, 1) if n == PARAMETRIC_PARAMETER_SUITE && suites.parametric => {
                pointer((&raw const parametric::SUITE).cast())
            }
            (n, 1) if n == DRAW_SUITE && suites.draw => pointer((&raw const draw::SUITE).cast()),
            (n, 1) if n == INTERACT_SUITE && suites.interact => pointer((&raw const interact::SUITE).cast()),
            (n, 1) if n == PROGRESS_SUITE && suites.progress >= 1 => pointer((&raw const progress::SUITE_V1).cast()),
            (n, 2) if n == PROGRESS_SUITE && suites.progress >= 2 => pointer((&raw const progress::SUITE_V2).cast()),
            (n, 1) if n == MESSAGE_SUITE && suites.message != MessageSuite::None => {
                pointer((&raw const message::SUITE_V1).cast())
            }
            (n, 2) if n == MESSAGE_SUITE && suites.message == MessageSuite::V2 => {
                pointer((&raw const message::SUITE_V2).cast())
            }
            (n, 2) if n == MESSAGE_SUITE && suites.message == MessageSuite::V2Null => {
                pointer((&raw const message::SUITE_V2_NULL).cast())
            }
            _ => None,
        }
    }))
    .ok()
    .flatten()
    .unwrap_or(std::ptr::null())
}

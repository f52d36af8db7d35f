//! The message suite, versions 1 and 2.

use std::{
    ffi::{CStr, c_int, c_void},
    mem::transmute,
};

use super::{Answer, guard};
use crate::{
    Status,
    host::{
        log::{Message, MessageKind},
        registry,
        varargs::{self, Saved, VarArgs, variadic},
    },
    sys::{
        generic::core::OfxStatus,
        image_effect_v1::message::{OfxMessageSuiteV1, OfxMessageSuiteV2},
    },
};

type MessageFn = unsafe extern "C" fn(
    *mut c_void,
    *const std::ffi::c_char,
    *const std::ffi::c_char,
    *const std::ffi::c_char,
    ...
) -> OfxStatus;

// SAFETY: naked functions that read their arguments as the platform passes them to a variadic function.
const MESSAGE: MessageFn = unsafe { transmute::<unsafe extern "C" fn() -> c_int, MessageFn>(message) };
// SAFETY: as above.
const PERSISTENT: MessageFn = unsafe { transmute::<unsafe extern "C" fn() -> c_int, MessageFn>(persistent) };

pub(crate) static SUITE_V1: OfxMessageSuiteV1 = OfxMessageSuiteV1 { message: Some(MESSAGE) };
pub(crate) static SUITE_V2: OfxMessageSuiteV2 = OfxMessageSuiteV2 {
    message: Some(MESSAGE),
    setPersistentMessage: Some(PERSISTENT),
    clearPersistentMessage: Some(clear),
};
pub(crate) static SUITE_V2_NULL: OfxMessageSuiteV2 =
    OfxMessageSuiteV2 { message: None, setPersistentMessage: None, clearPersistentMessage: None };

variadic! {
    /// `message`.
    message => message_inner;
    /// `setPersistentMessage`.
    persistent => persistent_inner;
}

unsafe extern "C" fn message_inner(saved: &Saved) -> c_int {
    // SAFETY: called by the variadic function of the message suite.
    guard(|| unsafe { say(saved, false) })
}

unsafe extern "C" fn persistent_inner(saved: &Saved) -> c_int {
    // SAFETY: as above.
    guard(|| unsafe { say(saved, true) })
}

/// # Safety
/// `saved` must be of a call to `message` or `setPersistentMessage`.
unsafe fn say(saved: &Saved, persistent: bool) -> Answer {
    // SAFETY: four named pointers, and then what the format says, by the standard.
    let mut args = unsafe { VarArgs::new(saved) };
    let (handle, kind, id, format) = (
        args.pointer::<c_void>(),
        args.pointer::<std::ffi::c_char>(),
        args.pointer::<std::ffi::c_char>(),
        args.pointer::<std::ffi::c_char>(),
    );
    let mut args = args.unnamed();
    if kind.is_null() || format.is_null() {
        return Err(Status::VALUE);
    }
    // SAFETY: C strings by the standard, the identifier or null.
    let (kind, id, format) = unsafe {
        let id = if id.is_null() { c"" } else { CStr::from_ptr(id) };
        (CStr::from_ptr(kind), id, CStr::from_ptr(format))
    };
    let kind = MessageKind::from_cstr(kind).ok_or(Status::VALUE)?;
    let text = varargs::format(&format.to_string_lossy(), &mut args);
    // A message without an instance, as from load, has nowhere to go: it is accepted and dropped.
    if let Ok(effect) = registry::effect(handle)
        && let Some(state) = &effect.state
    {
        state.log.say(Message { kind, id: id.to_string_lossy().into_owned(), text, persistent });
    }
    if kind == MessageKind::Question && !persistent { Err(Status::REPLY_YES) } else { Ok(()) }
}

unsafe extern "C" fn clear(handle: *mut c_void) -> OfxStatus {
    guard(|| {
        registry::effect(handle)?.state()?.log.clear_persistent();
        Ok(())
    })
}

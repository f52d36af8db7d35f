//! The interact suite, version 1. An overlay's handle is that of its property set.

use std::sync::atomic::Ordering;

use super::{give, guard};
use crate::{
    Status,
    host::{effect_object::current, property::SetKind, registry},
    sys::{
        generic::core::{OfxPropertySetHandle, OfxPropertySetStruct, OfxStatus},
        image_effect_v1::interact::{OfxInteractHandle, OfxInteractSuiteV1},
    },
};

pub(crate) static SUITE: OfxInteractSuiteV1 = OfxInteractSuiteV1 {
    interactSwapBuffers: Some(swap_buffers),
    interactRedraw: Some(redraw),
    interactGetPropertySet: Some(get_property_set),
};

fn check(handle: OfxInteractHandle) -> Result<(), Status> {
    let set = registry::props(handle.cast::<OfxPropertySetStruct>())?;
    if set.kind() == SetKind::Interact { Ok(()) } else { Err(Status::BAD_HANDLE) }
}

unsafe extern "C" fn swap_buffers(handle: OfxInteractHandle) -> OfxStatus {
    guard(|| check(handle))
}

unsafe extern "C" fn redraw(handle: OfxInteractHandle) -> OfxStatus {
    guard(|| {
        check(handle)?;
        if let Some(redraws) = current(|call| call.redraws.clone()).flatten() {
            redraws.fetch_add(1, Ordering::Relaxed);
        }
        Ok(())
    })
}

unsafe extern "C" fn get_property_set(handle: OfxInteractHandle, to: *mut OfxPropertySetHandle) -> OfxStatus {
    guard(|| {
        check(handle)?;
        // SAFETY: null or writable by the standard.
        unsafe { give(to, handle.cast()) }
    })
}

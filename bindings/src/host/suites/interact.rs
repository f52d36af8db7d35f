//! The interact suite, version 1: there, so that plugins which insist on it load; this host draws no overlays, so no
//! interact handle is ever valid.

use crate::{
    Status,
    sys::{
        generic::core::{OfxPropertySetHandle, OfxStatus},
        image_effect_v1::interact::{OfxInteractHandle, OfxInteractSuiteV1},
    },
};

pub(crate) static SUITE: OfxInteractSuiteV1 = OfxInteractSuiteV1 {
    interactSwapBuffers: Some(no_interact),
    interactRedraw: Some(no_interact),
    interactGetPropertySet: Some(no_property_set),
};

unsafe extern "C" fn no_interact(_handle: OfxInteractHandle) -> OfxStatus {
    Status::BAD_HANDLE.0
}

unsafe extern "C" fn no_property_set(_handle: OfxInteractHandle, _to: *mut OfxPropertySetHandle) -> OfxStatus {
    Status::BAD_HANDLE.0
}

//! The progress suite, versions 1 and 2.

use std::ffi::{c_char, c_void};

use super::{Answer, guard, text};
use crate::{
    Status,
    host::{log::Progress, registry},
    sys::{
        generic::core::OfxStatus,
        image_effect_v1::progress::{OfxProgressSuiteV1, OfxProgressSuiteV2},
    },
};

pub(crate) static SUITE_V1: OfxProgressSuiteV1 =
    OfxProgressSuiteV1 { progressStart: Some(start), progressUpdate: Some(update), progressEnd: Some(end) };
pub(crate) static SUITE_V2: OfxProgressSuiteV2 =
    OfxProgressSuiteV2 { progressStart: Some(start_with_id), progressUpdate: Some(update), progressEnd: Some(end) };

fn log(handle: *mut c_void, step: Progress) -> Answer {
    registry::effect(handle)?.state()?.log.progress(step);
    Ok(())
}

unsafe extern "C" fn start(handle: *mut c_void, label: *const c_char) -> OfxStatus {
    guard(|| {
        // SAFETY: null or a C string by the standard.
        let label = unsafe { text(label) }.map(|l| l.to_string_lossy().into_owned()).unwrap_or_default();
        log(handle, Progress::Start(label))
    })
}

unsafe extern "C" fn start_with_id(handle: *mut c_void, label: *const c_char, _id: *const c_char) -> OfxStatus {
    // SAFETY: the same arguments.
    unsafe { start(handle, label) }
}

unsafe extern "C" fn update(handle: *mut c_void, amount: f64) -> OfxStatus {
    guard(|| {
        log(handle, Progress::Update(amount))?;
        let effect = registry::effect(handle)?;
        let go_on = !effect.host.profile().aborts || !effect.state()?.cancel.poll();
        if go_on { Ok(()) } else { Err(Status::REPLY_NO) }
    })
}

unsafe extern "C" fn end(handle: *mut c_void) -> OfxStatus {
    guard(|| log(handle, Progress::End))
}

//! The time line suite, version 1.

use std::ffi::c_void;

use super::{give, guard};
use crate::{
    host::registry,
    sys::{generic::core::OfxStatus, image_effect_v1::time_line::OfxTimeLineSuiteV1},
};

pub(crate) static SUITE: OfxTimeLineSuiteV1 =
    OfxTimeLineSuiteV1 { getTime: Some(get_time), gotoTime: Some(goto_time), getTimeBounds: Some(bounds) };

unsafe extern "C" fn get_time(instance: *mut c_void, time: *mut f64) -> OfxStatus {
    // SAFETY: null or writable by the standard.
    guard(|| unsafe { give(time, registry::effect(instance)?.state()?.time()) })
}

unsafe extern "C" fn goto_time(instance: *mut c_void, time: f64) -> OfxStatus {
    guard(|| {
        registry::effect(instance)?.state()?.set_time(time);
        Ok(())
    })
}

unsafe extern "C" fn bounds(instance: *mut c_void, first: *mut f64, last: *mut f64) -> OfxStatus {
    guard(|| {
        let effect = registry::effect(instance)?;
        let range = effect.state()?.project.range;
        // SAFETY: null or writable by the standard.
        unsafe {
            give(first, range.min)?;
            give(last, range.max)
        }
    })
}

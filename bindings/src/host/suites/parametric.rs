//! The parametric parameter suite, version 1: curves are the identity and cannot be changed, which is what a host shows
//! of a curve that nobody has drawn.

use std::ffi::c_int;

use super::{Answer, give, guard};
use crate::{
    Status,
    host::{registry, value::ParamKind},
    sys::{
        generic::core::OfxStatus,
        image_effect_v1::{
            param::OfxParamHandle,
            parametric_param::{OfxParametricParameterSuiteV1, kOfxParamPropParametricDimension},
        },
    },
};

pub(crate) static SUITE: OfxParametricParameterSuiteV1 = OfxParametricParameterSuiteV1 {
    parametricParamGetValue: Some(value),
    parametricParamGetNControlPoints: Some(points),
    parametricParamGetNthControlPoint: Some(point),
    parametricParamSetNthControlPoint: Some(set_point),
    parametricParamAddControlPoint: Some(add_point),
    parametricParamDeleteControlPoint: Some(delete_point),
    parametricParamDeleteAllControlPoints: Some(delete_points),
};

fn check(param: OfxParamHandle, curve: c_int) -> Answer {
    let param = registry::param(param)?;
    if param.kind != ParamKind::Parametric {
        return Err(Status::BAD_HANDLE);
    }
    let curves = param.props.int(kOfxParamPropParametricDimension).unwrap_or(1);
    if (0..curves).contains(&curve) { Ok(()) } else { Err(Status::BAD_INDEX) }
}

unsafe extern "C" fn value(p: OfxParamHandle, curve: c_int, _time: f64, at: f64, to: *mut f64) -> OfxStatus {
    guard(|| {
        check(p, curve)?;
        // SAFETY: null or writable by the standard.
        unsafe { give(to, at) }
    })
}

unsafe extern "C" fn points(p: OfxParamHandle, curve: c_int, _time: f64, to: *mut c_int) -> OfxStatus {
    guard(|| {
        check(p, curve)?;
        // SAFETY: null or writable by the standard.
        unsafe { give(to, 2) }
    })
}

unsafe extern "C" fn point(
    p: OfxParamHandle,
    curve: c_int,
    _time: f64,
    nth: c_int,
    key: *mut f64,
    value: *mut f64,
) -> OfxStatus {
    guard(|| {
        check(p, curve)?;
        if !(0..2).contains(&nth) {
            return Err(Status::BAD_INDEX);
        }
        // SAFETY: null or writable by the standard.
        unsafe {
            give(key, f64::from(nth))?;
            give(value, f64::from(nth))
        }
    })
}

unsafe extern "C" fn set_point(
    _p: OfxParamHandle,
    _curve: c_int,
    _time: f64,
    _nth: c_int,
    _key: f64,
    _value: f64,
    _add: bool,
) -> OfxStatus {
    Status::UNSUPPORTED.0
}

unsafe extern "C" fn add_point(
    _p: OfxParamHandle,
    _curve: c_int,
    _time: f64,
    _key: f64,
    _value: f64,
    _add: bool,
) -> OfxStatus {
    Status::UNSUPPORTED.0
}

unsafe extern "C" fn delete_point(_p: OfxParamHandle, _curve: c_int, _nth: c_int) -> OfxStatus {
    Status::UNSUPPORTED.0
}

unsafe extern "C" fn delete_points(_p: OfxParamHandle, _curve: c_int) -> OfxStatus {
    Status::UNSUPPORTED.0
}

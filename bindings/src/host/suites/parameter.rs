//! The parameter suite, version 1.

use std::{
    ffi::{c_char, c_int, c_uint},
    mem::transmute,
    sync::Arc,
};

use super::{Answer, give, guard, text};
use crate::{
    Status,
    host::{
        check,
        effect_object::{EffectObject, current},
        param::Param,
        registry,
        value::{ParamKind, Value},
        varargs::{Saved, VarArgs, variadic},
    },
    props::ACTION_RENDER,
    sys::{
        generic::core::{OfxPropertySetHandle, OfxRangeD, OfxStatus, OfxTime},
        image_effect_v1::param::{OfxBytes, OfxParamHandle, OfxParamSetHandle, OfxParameterSuiteV1},
    },
};

type Naked = unsafe extern "C" fn() -> c_int;
type Plain = unsafe extern "C" fn(OfxParamHandle, ...) -> OfxStatus;
type AtTime = unsafe extern "C" fn(OfxParamHandle, OfxTime, ...) -> OfxStatus;
type Between = unsafe extern "C" fn(OfxParamHandle, OfxTime, OfxTime, ...) -> OfxStatus;

// SAFETY: a naked function that reads its arguments as the platform passes them to a variadic function.
const GET_VALUE: Plain = unsafe { transmute::<Naked, Plain>(get_value) };
// SAFETY: as above.
const GET_VALUE_AT_TIME: AtTime = unsafe { transmute::<Naked, AtTime>(get_value_at_time) };
// SAFETY: as above.
const GET_DERIVATIVE: AtTime = unsafe { transmute::<Naked, AtTime>(get_derivative) };
// SAFETY: as above.
const GET_INTEGRAL: Between = unsafe { transmute::<Naked, Between>(get_integral) };
// SAFETY: as above.
const SET_VALUE: Plain = unsafe { transmute::<Naked, Plain>(set_value) };
// SAFETY: as above.
const SET_VALUE_AT_TIME: AtTime = unsafe { transmute::<Naked, AtTime>(set_value_at_time) };

pub(crate) static SUITE: OfxParameterSuiteV1 = OfxParameterSuiteV1 {
    paramDefine: Some(define),
    paramGetHandle: Some(get_handle),
    paramSetGetPropertySet: Some(set_get_property_set),
    paramGetPropertySet: Some(get_property_set),
    paramGetValue: Some(GET_VALUE),
    paramGetValueAtTime: Some(GET_VALUE_AT_TIME),
    paramGetDerivative: Some(GET_DERIVATIVE),
    paramGetIntegral: Some(GET_INTEGRAL),
    paramSetValue: Some(SET_VALUE),
    paramSetValueAtTime: Some(SET_VALUE_AT_TIME),
    paramGetNumKeys: Some(num_keys),
    paramGetKeyTime: Some(key_time),
    paramGetKeyIndex: Some(key_index),
    paramDeleteKey: Some(delete_key),
    paramDeleteAllKeys: Some(delete_all_keys),
    paramCopy: Some(copy),
    paramEditBegin: Some(edit_begin),
    paramEditEnd: Some(edit_end),
};

variadic! {
    /// `paramGetValue`.
    get_value => get_value_inner;
    /// `paramGetValueAtTime`.
    get_value_at_time => get_value_at_time_inner;
    /// `paramGetDerivative`.
    get_derivative => get_derivative_inner;
    /// `paramGetIntegral`.
    get_integral => get_integral_inner;
    /// `paramSetValue`.
    set_value => set_value_inner;
    /// `paramSetValueAtTime`.
    set_value_at_time => set_value_at_time_inner;
}

unsafe extern "C" fn define(
    set: OfxParamSetHandle,
    kind: *const c_char,
    name: *const c_char,
    to: *mut OfxPropertySetHandle,
) -> OfxStatus {
    guard(|| {
        let set = registry::param_set(set)?;
        // SAFETY: C strings by the standard.
        let (kind, name) = unsafe { (text(kind)?, text(name)?) };
        check::defined("parameter", name);
        let param = set.define(ParamKind::from_cstr(kind).ok_or(Status::UNKNOWN)?, name)?;
        if !to.is_null() {
            // SAFETY: writable by the standard.
            unsafe { give(to, param.props.handle().as_ptr())? };
        }
        Ok(())
    })
}

unsafe extern "C" fn get_handle(
    set: OfxParamSetHandle,
    name: *const c_char,
    to: *mut OfxParamHandle,
    props: *mut OfxPropertySetHandle,
) -> OfxStatus {
    guard(|| {
        let set = registry::param_set(set)?;
        // SAFETY: a C string by the standard.
        let param = set.find(unsafe { text(name)? }).ok_or(Status::UNKNOWN)?;
        // SAFETY: null or writable by the standard.
        unsafe {
            if !props.is_null() {
                give(props, param.props.handle().as_ptr())?;
            }
            give(to, param.handle().as_ptr())
        }
    })
}

unsafe extern "C" fn set_get_property_set(set: OfxParamSetHandle, to: *mut OfxPropertySetHandle) -> OfxStatus {
    // SAFETY: null or writable by the standard.
    guard(|| unsafe { give(to, registry::param_set(set)?.props.handle().as_ptr()) })
}

unsafe extern "C" fn get_property_set(param: OfxParamHandle, to: *mut OfxPropertySetHandle) -> OfxStatus {
    // SAFETY: null or writable by the standard.
    guard(|| unsafe { give(to, registry::param(param)?.props.handle().as_ptr()) })
}

/// An instance's parameter that holds a value.
fn valued(handle: OfxParamHandle) -> Result<(Arc<Param>, Arc<EffectObject>), Status> {
    let param = registry::param(handle)?;
    let effect = param.instance()?;
    if param.kind.has_value() { Ok((param, effect)) } else { Err(Status::UNSUPPORTED) }
}

/// Writes numbers through the pointers that follow.
///
/// # Safety
/// The next arguments must be a pointer to a `T`, or null, for each number.
unsafe fn give_all<T>(args: &mut VarArgs<'_>, values: impl IntoIterator<Item = T>) -> Answer {
    for v in values {
        // SAFETY: by the contract.
        unsafe { give(args.pointer::<T>(), v)? };
    }
    Ok(())
}

/// Writes a parameter's value at a time through the pointers that follow.
///
/// # Safety
/// The next arguments must be what the standard wants for a parameter of this kind.
unsafe fn give_value(args: &mut VarArgs<'_>, param: &Param, time: f64) -> Answer {
    if param.kind.is_text() {
        let address = param.held(time, |_, s| s.map(std::ffi::CStr::as_ptr)).ok_or(Status::FAILED)?;
        // SAFETY: by the contract.
        return unsafe { give(args.pointer::<*mut c_char>(), address.cast_mut()) };
    }
    if param.kind == ParamKind::Bytes {
        let bytes = param.held(time, |v, _| match v {
            Value::Bytes(b) => OfxBytes { data: b.as_ptr(), length: b.len() },
            _ => OfxBytes { data: std::ptr::null(), length: 0 },
        });
        // SAFETY: by the contract.
        return unsafe { give(args.pointer::<OfxBytes>(), bytes) };
    }
    // SAFETY: by the contract.
    unsafe {
        match param.at(time) {
            Value::Ints(v) => give_all(args, v),
            Value::Doubles(v) => give_all(args, v),
            _ => Err(Status::FAILED),
        }
    }
}

/// Reads a value of a parameter's kind from the arguments that follow.
///
/// # Safety
/// The next arguments must be what the standard wants for a parameter of this kind.
unsafe fn take_value(args: &mut VarArgs<'_>, param: &Param) -> Result<Value, Status> {
    let n = param.kind.dimension();
    match param.kind {
        k if k.is_int() => Ok(Value::Ints((0..n).map(|_| args.int()).collect())),
        k if k.is_double() => Ok(Value::Doubles((0..n).map(|_| args.double()).collect())),
        k if k.is_text() => {
            // SAFETY: a C string by the contract.
            let s = unsafe { text(args.pointer::<c_char>())? };
            Ok(Value::Text(s.to_string_lossy().into_owned()))
        }
        ParamKind::Bytes => {
            let bytes: *mut OfxBytes = args.pointer();
            if bytes.is_null() {
                return Err(Status::VALUE);
            }
            // SAFETY: a pointer to bytes with their length by the contract.
            let bytes = unsafe { bytes.read() };
            if bytes.data.is_null() {
                return Ok(Value::Bytes(Vec::new()));
            }
            // SAFETY: as above.
            Ok(Value::Bytes(unsafe { std::slice::from_raw_parts(bytes.data, bytes.length) }.to_vec()))
        }
        _ => Err(Status::UNSUPPORTED),
    }
}

unsafe extern "C" fn get_value_inner(saved: &Saved) -> c_int {
    guard(|| {
        // SAFETY: called by `paramGetValue`: a handle, then pointers as the parameter's kind wants.
        unsafe {
            let mut args = VarArgs::new(saved);
            let (param, effect) = valued(args.pointer())?;
            give_value(&mut args.unnamed(), &param, effect.state()?.time())
        }
    })
}

unsafe extern "C" fn get_value_at_time_inner(saved: &Saved) -> c_int {
    guard(|| {
        // SAFETY: called by `paramGetValueAtTime`: a handle, a time, then as above.
        unsafe {
            let mut args = VarArgs::new(saved);
            let (param, _) = valued(args.pointer())?;
            let time = args.double();
            give_value(&mut args.unnamed(), &param, time)
        }
    })
}

unsafe extern "C" fn get_derivative_inner(saved: &Saved) -> c_int {
    guard(|| {
        // SAFETY: called by `paramGetDerivative`: a handle, a time, then a pointer to a double a dimension.
        unsafe {
            let mut args = VarArgs::new(saved);
            let (param, _) = valued(args.pointer())?;
            let slope = param.derivative(args.double()).ok_or(Status::UNSUPPORTED)?;
            give_all(&mut args.unnamed(), slope)
        }
    })
}

unsafe extern "C" fn get_integral_inner(saved: &Saved) -> c_int {
    guard(|| {
        // SAFETY: called by `paramGetIntegral`: a handle, two times, then a pointer to a double a dimension.
        unsafe {
            let mut args = VarArgs::new(saved);
            let (param, _) = valued(args.pointer())?;
            let (from, to) = (args.double(), args.double());
            let sum = param.integral(from, to).ok_or(Status::UNSUPPORTED)?;
            give_all(&mut args.unnamed(), sum)
        }
    })
}

unsafe extern "C" fn set_value_inner(saved: &Saved) -> c_int {
    guard(|| {
        // SAFETY: called by `paramSetValue`: a handle, then values as the parameter's kind wants.
        unsafe {
            let mut args = VarArgs::new(saved);
            let (param, effect) = valued(args.pointer())?;
            let value = take_value(&mut args.unnamed(), &param)?;
            writable(&effect, &param)?;
            param.set_now(value, effect.state()?.time());
            Ok(())
        }
    })
}

unsafe extern "C" fn set_value_at_time_inner(saved: &Saved) -> c_int {
    guard(|| {
        // SAFETY: called by `paramSetValueAtTime`: a handle, a time, then as above.
        unsafe {
            let mut args = VarArgs::new(saved);
            let (param, effect) = valued(args.pointer())?;
            let time = args.double();
            let value = take_value(&mut args.unnamed(), &param)?;
            writable(&effect, &param)?;
            param.set_key(time, value);
            Ok(())
        }
    })
}

/// Notes a change by the plugin; during render it is forbidden.
fn writable(effect: &EffectObject, param: &Param) -> Answer {
    let state = effect.state()?;
    if current(|c| c.action == ACTION_RENDER) == Some(true) {
        state.log.violation(format!("parameter \"{}\" set during render", param.name()));
        return Err(Status::FAILED);
    }
    let mut changed = state.changed.lock();
    if !changed.contains(&param.id) {
        changed.push(param.id.clone());
    }
    Ok(())
}

unsafe extern "C" fn num_keys(param: OfxParamHandle, to: *mut c_uint) -> OfxStatus {
    guard(|| {
        let n = valued(param)?.0.key_times().len();
        // SAFETY: null or writable by the standard.
        unsafe { give(to, c_uint::try_from(n).unwrap_or(c_uint::MAX)) }
    })
}

unsafe extern "C" fn key_time(param: OfxParamHandle, nth: c_uint, to: *mut OfxTime) -> OfxStatus {
    guard(|| {
        let times = valued(param)?.0.key_times();
        let time = usize::try_from(nth).ok().and_then(|n| times.get(n)).ok_or(Status::BAD_INDEX)?;
        // SAFETY: null or writable by the standard.
        unsafe { give(to, *time) }
    })
}

unsafe extern "C" fn key_index(param: OfxParamHandle, time: OfxTime, direction: c_int, to: *mut c_int) -> OfxStatus {
    guard(|| {
        let times = valued(param)?.0.key_times();
        let found = match direction {
            0 => times.iter().position(|t| *t == time),
            d if d < 0 => times.iter().rposition(|t| *t < time),
            _ => times.iter().position(|t| *t > time),
        };
        let index = found.and_then(|i| c_int::try_from(i).ok()).ok_or(Status::FAILED)?;
        // SAFETY: null or writable by the standard.
        unsafe { give(to, index) }
    })
}

unsafe extern "C" fn delete_key(param: OfxParamHandle, time: OfxTime) -> OfxStatus {
    guard(|| {
        let (param, effect) = valued(param)?;
        writable(&effect, &param)?;
        if param.delete_key(time) { Ok(()) } else { Err(Status::BAD_INDEX) }
    })
}

unsafe extern "C" fn delete_all_keys(param: OfxParamHandle) -> OfxStatus {
    guard(|| {
        let (param, effect) = valued(param)?;
        writable(&effect, &param)?;
        param.delete_keys();
        Ok(())
    })
}

unsafe extern "C" fn copy(
    to: OfxParamHandle,
    from: OfxParamHandle,
    offset: OfxTime,
    range: *const OfxRangeD,
) -> OfxStatus {
    guard(|| {
        let ((to, effect), (from, _)) = (valued(to)?, valued(from)?);
        if to.kind != from.kind {
            return Err(Status::VALUE);
        }
        writable(&effect, &to)?;
        // SAFETY: null, or a range by the standard.
        let range = if range.is_null() { None } else { Some(unsafe { range.read() }) };
        to.copy_from(&from, offset, range.map(|r| (r.min, r.max)));
        Ok(())
    })
}

unsafe extern "C" fn edit_begin(set: OfxParamSetHandle, _name: *const c_char) -> OfxStatus {
    guard(|| registry::param_set(set).map(drop))
}

unsafe extern "C" fn edit_end(set: OfxParamSetHandle) -> OfxStatus {
    guard(|| registry::param_set(set).map(drop))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::{Host, Profile, instance::tests::blank_instance};

    #[test]
    fn every_kind_of_value_goes_through_the_variadic_functions_and_back() {
        let host = Host::new(Profile::reference());
        let effect = blank_instance(
            &host,
            &[
                (ParamKind::Integer, c"int"),
                (ParamKind::Integer3D, c"ints"),
                (ParamKind::Double, c"double"),
                (ParamKind::Double2D, c"pair"),
                (ParamKind::Rgba, c"colour"),
                (ParamKind::Boolean, c"flag"),
                (ParamKind::String, c"text"),
                (ParamKind::Bytes, c"bytes"),
                (ParamKind::PushButton, c"button"),
            ],
        );
        let handle = |name| effect.params.find(name).map(|p| p.handle().as_ptr()).unwrap_or_default();
        let mut d = [0.0f64; 4];
        let mut i = [0i32; 3];
        let mut s: *mut c_char = std::ptr::null_mut();
        let data = [1u8, 2, 3];
        let given = OfxBytes { data: data.as_ptr(), length: data.len() };
        let mut b = OfxBytes { data: std::ptr::null(), length: 0 };
        let [d0, d1, d2, d3] = d.each_mut().map(std::ptr::from_mut);
        let [i0, i1, i2] = i.each_mut().map(std::ptr::from_mut);
        // SAFETY: values and pointers as each parameter's kind wants.
        unsafe {
            assert_eq!(SET_VALUE(handle(c"ints"), -1i32, 2i32, 3i32), 0);
            assert_eq!(GET_VALUE(handle(c"ints"), i0, i1, i2), 0);
            assert_eq!((*i0, *i1, *i2), (-1, 2, 3));
            assert_eq!(SET_VALUE(handle(c"flag"), 1i32), 0);
            assert_eq!(GET_VALUE(handle(c"flag"), i0), 0);
            assert_eq!(*i0, 1);
            assert_eq!(SET_VALUE(handle(c"colour"), 0.1f64, 0.2f64, 0.3f64, 0.4f64), 0);
            assert_eq!(GET_VALUE(handle(c"colour"), d0, d1, d2, d3), 0);
            assert_eq!((*d0, *d1, *d2, *d3), (0.1, 0.2, 0.3, 0.4));
            assert_eq!(SET_VALUE_AT_TIME(handle(c"double"), 0.0, 1.0f64), 0);
            assert_eq!(SET_VALUE_AT_TIME(handle(c"double"), 10.0, 3.0f64), 0);
            assert_eq!(GET_VALUE_AT_TIME(handle(c"double"), 5.0, d0), 0);
            assert_eq!(GET_DERIVATIVE(handle(c"double"), 5.0, d1), 0);
            assert_eq!(GET_INTEGRAL(handle(c"double"), 0.0, 20.0, d2), 0);
            assert_eq!((*d0, *d1, *d2), (2.0, 0.2, 50.0));
            assert_eq!(SET_VALUE_AT_TIME(handle(c"pair"), 0.0, 7.0f64, 8.0f64), 0);
            assert_eq!(GET_VALUE_AT_TIME(handle(c"pair"), -3.0, d0, d1), 0);
            assert_eq!((*d0, *d1), (7.0, 8.0));
            assert_eq!(SET_VALUE(handle(c"text"), c"3-5".as_ptr()), 0);
            assert_eq!(GET_VALUE(handle(c"text"), &raw mut s), 0);
            assert_eq!(std::ffi::CStr::from_ptr(s), c"3-5");
            assert_eq!(SET_VALUE(handle(c"bytes"), &raw const given), 0);
            assert_eq!(GET_VALUE(handle(c"bytes"), &raw mut b), 0);
            assert_eq!(std::slice::from_raw_parts(b.data, b.length), [1, 2, 3]);
            assert_eq!(GET_VALUE(handle(c"button"), i0), Status::UNSUPPORTED.0);
            assert_eq!(GET_DERIVATIVE(handle(c"int"), 0.0, d0), Status::UNSUPPORTED.0);
            assert_eq!(GET_VALUE(registry::as_ptr(12345), i0), Status::BAD_HANDLE.0);
            assert_eq!(GET_VALUE(handle(c"int"), std::ptr::null_mut::<i32>()), Status::VALUE.0);
        }
    }

    #[test]
    fn keys_are_counted_found_and_deleted() {
        let host = Host::new(Profile::reference());
        let effect = blank_instance(&host, &[(ParamKind::Double, c"d")]);
        let d = effect.params.find(c"d").map(|p| p.handle().as_ptr()).unwrap_or_default();
        let (mut n, mut t, mut i) = (0, 0.0, 0);
        // SAFETY: a double's values, and writable results.
        unsafe {
            for time in [4.0, 0.0, 8.0] {
                assert_eq!(SET_VALUE_AT_TIME(d, time, time), 0);
            }
            assert_eq!((num_keys(d, &raw mut n), n), (0, 3));
            assert_eq!((key_time(d, 1, &raw mut t), t), (0, 4.0));
            assert_eq!(key_time(d, 3, &raw mut t), Status::BAD_INDEX.0);
            assert_eq!((key_index(d, 5.0, 1, &raw mut i), i), (0, 2));
            assert_eq!((key_index(d, 5.0, -1, &raw mut i), i), (0, 1));
            assert_eq!(key_index(d, 5.0, 0, &raw mut i), Status::FAILED.0);
            assert_eq!(delete_key(d, 5.0), Status::BAD_INDEX.0);
            assert_eq!(delete_key(d, 4.0), 0);
            assert_eq!(delete_all_keys(d), 0);
            assert_eq!((num_keys(d, &raw mut n), n), (0, 0));
        }
    }
}

//! The property suite, version 1.

use std::ffi::{CStr, CString, c_char, c_int, c_void};

use super::{Answer, give, guard, text};
use crate::{
    Status,
    host::{
        check,
        property::{Access, Element, PropertySet, SetKind},
        registry,
    },
    sys::generic::{
        core::{OfxPropertySetHandle, OfxStatus},
        property::OfxPropertySuiteV1,
    },
};

pub(crate) static SUITE: OfxPropertySuiteV1 = OfxPropertySuiteV1 {
    propSetPointer: Some(set_pointer),
    propSetString: Some(set_string),
    propSetDouble: Some(set_double),
    propSetInt: Some(set_int),
    propSetPointerN: Some(set_pointer_n),
    propSetStringN: Some(set_string_n),
    propSetDoubleN: Some(set_double_n),
    propSetIntN: Some(set_int_n),
    propGetPointer: Some(get_pointer),
    propGetString: Some(get_string),
    propGetDouble: Some(get_double),
    propGetInt: Some(get_int),
    propGetPointerN: Some(get_pointer_n),
    propGetStringN: Some(get_string_n),
    propGetDoubleN: Some(get_double_n),
    propGetIntN: Some(get_int_n),
    propReset: Some(reset),
    propGetDimension: Some(dimension),
};

fn index(i: c_int) -> Result<usize, Status> {
    usize::try_from(i).map_err(|_| Status::BAD_INDEX)
}

/// A value as the ABI carries it.
trait Raw: Copy {
    type Kept: Element;
    /// # Safety
    /// A string must be null or a C string.
    unsafe fn keep(self) -> Result<Self::Kept, Status>;
    fn show(kept: &Self::Kept) -> Self;
}

macro_rules! same {
    ($($ty:ty),+) => { $(impl Raw for $ty {
        type Kept = Self;
        unsafe fn keep(self) -> Result<Self, Status> { Ok(self) }
        fn show(kept: &Self) -> Self { *kept }
    })+ };
}
same!(i32, f64);

impl Raw for *mut c_void {
    type Kept = usize;
    unsafe fn keep(self) -> Result<usize, Status> {
        Ok(self.expose_provenance())
    }
    fn show(kept: &usize) -> Self {
        std::ptr::with_exposed_provenance_mut(*kept)
    }
}

impl Raw for *mut c_char {
    type Kept = CString;
    unsafe fn keep(self) -> Result<CString, Status> {
        // SAFETY: by the contract.
        Ok(unsafe { text(self) }?.to_owned())
    }
    fn show(kept: &CString) -> Self {
        kept.as_ptr().cast_mut()
    }
}

/// # Safety
/// As the property suite's `propSet*`.
unsafe fn set<T: Raw>(set: OfxPropertySetHandle, name: *const c_char, at: c_int, value: T) -> Answer {
    let set = registry::props(set)?;
    // SAFETY: C strings by the standard.
    let (name, value) = unsafe { (text(name)?, value.keep()?) };
    wrote(&set, name, index(at).and_then(|at| set.set(name, at, value)))
}

/// Has a strict host look at what was set.
fn wrote(set: &PropertySet, name: &CStr, answer: Answer) -> Answer {
    match answer {
        Ok(()) => check::written(set, name),
        Err(status) => check::property(set, name, "sets", status),
    }
    answer
}

/// Has a strict host look at what was asked for.
fn asked<T>(set: &PropertySet, name: &CStr, answer: Result<T, Status>) -> Result<T, Status> {
    answer.inspect_err(|status| check::property(set, name, "reads", *status))
}

/// # Safety
/// As the property suite's `propSet*N`: `values` has `count` elements.
unsafe fn set_n<T: Raw>(set: OfxPropertySetHandle, name: *const c_char, count: c_int, values: *const T) -> Answer {
    let set = registry::props(set)?;
    let count = index(count)?;
    if values.is_null() && count > 0 {
        return Err(Status::VALUE);
    }
    // SAFETY: C strings, and `count` values, by the standard.
    let (name, values) =
        unsafe { (text(name)?, (0..count).map(|i| (*values.add(i)).keep()).collect::<Result<Vec<_>, _>>()?) };
    wrote(&set, name, set.set_n(name, values))
}

/// # Safety
/// As the property suite's `propGet*`.
unsafe fn get<T: Raw>(set: OfxPropertySetHandle, name: *const c_char, at: c_int, value: *mut T) -> Answer {
    let set = registry::props(set)?;
    // SAFETY: a C string by the standard.
    let name = unsafe { text(name)? };
    let v = asked(&set, name, index(at).and_then(|at| set.read(name, at, T::show)))?;
    // SAFETY: null or writable by the standard.
    unsafe { give(value, v) }
}

/// # Safety
/// As the property suite's `propGet*N`: `values` has room for `count` elements.
unsafe fn get_n<T: Raw>(set: OfxPropertySetHandle, name: *const c_char, count: c_int, values: *mut T) -> Answer {
    let set = registry::props(set)?;
    if values.is_null() && count > 0 {
        return Err(Status::VALUE);
    }
    // SAFETY: a C string by the standard.
    let name = unsafe { text(name)? };
    let answer = set.read_n(name, index(count)?, |i, v| {
        // SAFETY: room for `count` values by the standard, and `i` is below it.
        unsafe { values.add(i).write(T::show(v)) }
    });
    asked(&set, name, answer)
}

macro_rules! functions {
    ($($set:ident, $set_n:ident, $get:ident, $get_n:ident: $ty:ty, $value:ty, $values:ty;)+) => { $(
        unsafe extern "C" fn $set(p: OfxPropertySetHandle, name: *const c_char, at: c_int, value: $value) -> OfxStatus {
            // SAFETY: the plugin keeps to the standard's signature.
            guard(|| unsafe { set::<$ty>(p, name, at, value as $ty) })
        }
        unsafe extern "C" fn $set_n(p: OfxPropertySetHandle, name: *const c_char, n: c_int, v: $values) -> OfxStatus {
            // SAFETY: as above.
            guard(|| unsafe { set_n::<$ty>(p, name, n, v.cast()) })
        }
        unsafe extern "C" fn $get(p: OfxPropertySetHandle, name: *const c_char, at: c_int, v: *mut $ty) -> OfxStatus {
            // SAFETY: as above.
            guard(|| unsafe { get::<$ty>(p, name, at, v) })
        }
        unsafe extern "C" fn $get_n(p: OfxPropertySetHandle, name: *const c_char, n: c_int, v: *mut $ty) -> OfxStatus {
            // SAFETY: as above.
            guard(|| unsafe { get_n::<$ty>(p, name, n, v) })
        }
    )+ };
}

functions! {
    set_pointer, set_pointer_n, get_pointer, get_pointer_n: *mut c_void, *mut c_void, *const *mut c_void;
    set_string, set_string_n, get_string, get_string_n: *mut c_char, *const c_char, *const *const c_char;
    set_double, set_double_n, get_double, get_double_n: f64, f64, *const f64;
    set_int, set_int_n, get_int, get_int_n: i32, c_int, *const c_int;
}

unsafe extern "C" fn reset(p: OfxPropertySetHandle, name: *const c_char) -> OfxStatus {
    guard(|| {
        let set = registry::props(p)?;
        // SAFETY: a C string by the standard.
        let name = unsafe { text(name)? };
        wrote(&set, name, set.reset(name))
    })
}

unsafe extern "C" fn dimension(p: OfxPropertySetHandle, name: *const c_char, count: *mut c_int) -> OfxStatus {
    guard(|| {
        let set = registry::props(p)?;
        // SAFETY: a C string by the standard.
        let name = unsafe { text(name)? };
        let n = asked(&set, name, set.dimension(name))?;
        // SAFETY: null or writable by the standard.
        unsafe { give(count, c_int::try_from(n).unwrap_or(c_int::MAX)) }
    })
}

/// Calls the suite as `bytes` say, for the fuzz target: each four are a function, a name, a place or count, and a value.
#[doc(hidden)]
pub fn fuzz_properties(bytes: &[u8]) {
    const NAMES: [&CStr; 6] = [c"ints", c"double", c"pointer", c"strings", c"fixed", c"nothing"];
    let s = PropertySet::new(SetKind::Effect);
    s.open(c"ints", &[0, 0]);
    s.open(c"double", &[0.0]);
    s.open(c"pointer", &[0usize]);
    s.define(c"strings", 0, Vec::<CString>::new(), Access::Plugin);
    s.fixed(c"fixed", &[1]);
    let mut room = [0.0_f64; 8];
    let texts = [c"a".as_ptr(); 8];
    for call in bytes.chunks_exact(4) {
        let [function, name, at, value] = [call[0], call[1], call[2], call[3]];
        let h = if function < 240 { s.handle().as_ptr() } else { registry::as_ptr(usize::from(value)) };
        let name = NAMES.get(usize::from(name)).map_or(std::ptr::null(), |name| name.as_ptr());
        let at = c_int::from(at.cast_signed());
        // A caller has room for as many as it says.
        let count = at.min(8);
        let (v, ints) = (room.as_mut_ptr(), room.as_mut_ptr().cast::<c_int>());
        // SAFETY: names and texts are null or C strings, and there is room for eight values of any kind.
        unsafe {
            let _ = match function % 18 {
                0 => set_int(h, name, at, value.into()),
                1 => set_double(h, name, at, value.into()),
                2 => set_pointer(h, name, at, std::ptr::null_mut()),
                3 => set_string(h, name, at, if value < 9 { std::ptr::null() } else { texts[0] }),
                4 => set_int_n(h, name, count, ints),
                5 => set_double_n(h, name, count, v),
                6 => set_pointer_n(h, name, count, texts.as_ptr().cast()),
                7 => set_string_n(h, name, count, texts.as_ptr()),
                8 => get_int(h, name, at, ints),
                9 => get_double(h, name, at, v),
                10 => get_pointer(h, name, at, v.cast()),
                11 => get_string(h, name, at, v.cast()),
                12 => get_int_n(h, name, count, ints),
                13 => get_double_n(h, name, count, v),
                14 => get_pointer_n(h, name, count, v.cast()),
                15 => get_string_n(h, name, count, v.cast()),
                16 => reset(h, name),
                _ => dimension(h, name, ints),
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use std::ptr::{null, null_mut};

    use super::*;

    #[test]
    fn values_go_through_the_function_pointers_and_back() {
        let s = PropertySet::new(SetKind::Effect);
        s.open(c"ints", &[0, 0]);
        s.open(c"double", &[0.0]);
        s.open(c"pointer", &[0usize]);
        s.define(c"strings", 0, Vec::<CString>::new(), Access::Plugin);
        let h = s.handle().as_ptr();
        let mut n = 7;
        let mut d = 0.0;
        let mut p = null_mut();
        let mut text = null_mut();
        // SAFETY: live handles, C strings and writable results.
        unsafe {
            assert_eq!(set_int_n(h, c"ints".as_ptr(), 2, [3, 4].as_ptr()), 0);
            assert_eq!(get_int(h, c"ints".as_ptr(), 1, &raw mut n), 0);
            assert_eq!(n, 4);
            assert_eq!(set_double(h, c"double".as_ptr(), 0, 2.5), 0);
            assert_eq!(get_double(h, c"double".as_ptr(), 0, &raw mut d), 0);
            assert_eq!(set_pointer(h, c"pointer".as_ptr(), 0, (&raw mut d).cast()), 0);
            assert_eq!(get_pointer(h, c"pointer".as_ptr(), 0, &raw mut p), 0);
            assert_eq!(p.cast::<f64>().read(), 2.5);
            assert_eq!(set_string(h, c"strings".as_ptr(), 0, c"a".as_ptr()), 0);
            assert_eq!(set_string(h, c"strings".as_ptr(), 1, c"b".as_ptr()), 0);
            assert_eq!(get_string(h, c"strings".as_ptr(), 1, &raw mut text), 0);
            assert_eq!(std::ffi::CStr::from_ptr(text), c"b");
            assert_eq!(dimension(h, c"strings".as_ptr(), &raw mut n), 0);
            assert_eq!(n, 2);
            assert_eq!(reset(h, c"strings".as_ptr()), 0);
            assert_eq!(dimension(h, c"strings".as_ptr(), &raw mut n), 0);
            assert_eq!(n, 0);
        }
    }

    #[test]
    fn any_calls_are_answered() {
        let calls: Vec<u8> = (0..40_000_u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
        fuzz_properties(&calls);
    }

    #[test]
    fn garbage_gets_a_status() {
        let s = PropertySet::new(SetKind::Effect);
        s.open(c"int", &[0]);
        let h = s.handle().as_ptr();
        let mut n = 0;
        // SAFETY: that these do no harm is what is tested; no pointer is dangling.
        unsafe {
            assert_eq!(get_int(null_mut(), c"int".as_ptr(), 0, &raw mut n), Status::BAD_HANDLE.0);
            assert_eq!(get_int(registry::as_ptr(0xdead_beef), c"int".as_ptr(), 0, &raw mut n), Status::BAD_HANDLE.0);
            assert_eq!(get_int(h, null(), 0, &raw mut n), Status::VALUE.0);
            assert_eq!(get_int(h, c"int".as_ptr(), 0, null_mut()), Status::VALUE.0);
            assert_eq!(get_int(h, c"int".as_ptr(), -1, &raw mut n), Status::BAD_INDEX.0);
            assert_eq!(get_int(h, c"nothing".as_ptr(), 0, &raw mut n), Status::UNKNOWN.0);
            assert_eq!(set_int_n(h, c"int".as_ptr(), 1, null()), Status::VALUE.0);
            assert_eq!(set_string(h, c"int".as_ptr(), 0, c"x".as_ptr()), Status::VALUE.0);
        }
    }
}

//! A property set of the host. A missing property is normal, so reading gives an `Option` and writing a status that
//! most callers ignore.

use std::{
    ffi::{CStr, CString, c_char, c_int, c_void},
    ptr,
};

use super::suites::Handle;
use crate::{
    RangeD, RectD, RectI, Status,
    sys::generic::{core::OfxPropertySetStruct, property::OfxPropertySuiteV1},
};

/// A property set, or none (a null handle), in which nothing is found.
#[derive(Clone, Copy)]
pub(crate) struct Props<'h> {
    suite: &'h OfxPropertySuiteV1,
    handle: Option<Handle<OfxPropertySetStruct>>,
}

/// A multi-dimensional property is read to this many values at most, whatever the host says it has.
const MOST_VALUES: c_int = 4096;

impl<'h> Props<'h> {
    pub(crate) fn new(suite: &'h OfxPropertySuiteV1, handle: Handle<OfxPropertySetStruct>) -> Self {
        Self { suite, handle: Some(handle) }
    }

    pub(crate) fn none(suite: &'h OfxPropertySuiteV1) -> Self {
        Self { suite, handle: None }
    }

    /// How many values a property has; 0 where there is no such property.
    pub(crate) fn count(&self, name: &CStr) -> c_int {
        let (Some(get), Some(handle)) = (self.suite.propGetDimension, self.handle) else { return 0 };
        let mut count = 0;
        // SAFETY: the handle is the host's own, the name a C string, `count` outlives the call.
        let status = unsafe { get(handle.0, name.as_ptr(), &raw mut count) };
        if status == Status::OK.0 { count.clamp(0, MOST_VALUES) } else { 0 }
    }

    pub(crate) fn int_at(&self, name: &CStr, index: c_int) -> Option<i32> {
        let (get, handle) = (self.suite.propGetInt?, self.handle?);
        let mut value = 0;
        // SAFETY: the handle is the host's own, the name a C string, `value` outlives the call.
        let status = unsafe { get(handle.0, name.as_ptr(), index, &raw mut value) };
        (status == Status::OK.0).then_some(value)
    }

    pub(crate) fn double_at(&self, name: &CStr, index: c_int) -> Option<f64> {
        let (get, handle) = (self.suite.propGetDouble?, self.handle?);
        let mut value = 0.0;
        // SAFETY: the handle is the host's own, the name a C string, `value` outlives the call.
        let status = unsafe { get(handle.0, name.as_ptr(), index, &raw mut value) };
        (status == Status::OK.0).then_some(value)
    }

    pub(crate) fn pointer(&self, name: &CStr) -> Option<*mut c_void> {
        let (get, handle) = (self.suite.propGetPointer?, self.handle?);
        let mut value = ptr::null_mut();
        // SAFETY: the handle is the host's own, the name a C string, `value` outlives the call.
        let status = unsafe { get(handle.0, name.as_ptr(), 0, &raw mut value) };
        (status == Status::OK.0 && !value.is_null()).then_some(value)
    }

    pub(crate) fn c_string_at(&self, name: &CStr, index: c_int) -> Option<CString> {
        let (get, handle) = (self.suite.propGetString?, self.handle?);
        let mut value: *mut c_char = ptr::null_mut();
        // SAFETY: the handle is the host's own, the name a C string, `value` outlives the call.
        let status = unsafe { get(handle.0, name.as_ptr(), index, &raw mut value) };
        if status != Status::OK.0 || value.is_null() {
            return None;
        }
        // SAFETY: the host answered OK with a C string that lives until the property changes; it is copied at once.
        Some(unsafe { CStr::from_ptr(value) }.to_owned())
    }

    pub(crate) fn int(&self, name: &CStr) -> Option<i32> {
        self.int_at(name, 0)
    }

    pub(crate) fn double(&self, name: &CStr) -> Option<f64> {
        self.double_at(name, 0)
    }

    pub(crate) fn c_string(&self, name: &CStr) -> Option<CString> {
        self.c_string_at(name, 0)
    }

    /// A text, with what is not UTF-8 replaced; an empty one counts as missing.
    pub(crate) fn string(&self, name: &CStr) -> Option<String> {
        self.c_string(name).map(|s| s.to_string_lossy().into_owned()).filter(|s| !s.is_empty())
    }

    pub(crate) fn c_strings(&self, name: &CStr) -> Vec<CString> {
        (0..self.count(name)).filter_map(|i| self.c_string_at(name, i)).collect()
    }

    /// A flag; missing is `otherwise`.
    pub(crate) fn flag(&self, name: &CStr, otherwise: bool) -> bool {
        self.int(name).map_or(otherwise, |v| v != 0)
    }

    pub(crate) fn point(&self, name: &CStr) -> Option<(f64, f64)> {
        Some((self.double_at(name, 0)?, self.double_at(name, 1)?))
    }

    pub(crate) fn range(&self, name: &CStr) -> Option<RangeD> {
        self.point(name).map(|(min, max)| RangeD { min, max })
    }

    pub(crate) fn rect_i(&self, name: &CStr) -> Option<RectI> {
        let at = |i| self.int_at(name, i);
        Some(RectI { x1: at(0)?, y1: at(1)?, x2: at(2)?, y2: at(3)? })
    }

    pub(crate) fn rect_d(&self, name: &CStr) -> Option<RectD> {
        let at = |i| self.double_at(name, i);
        Some(RectD { x1: at(0)?, y1: at(1)?, x2: at(2)?, y2: at(3)? })
    }

    pub(crate) fn set_int(&self, name: &CStr, index: c_int, value: i32) -> Status {
        let (Some(set), Some(handle)) = (self.suite.propSetInt, self.handle) else { return Status::UNSUPPORTED };
        // SAFETY: the handle is the host's own, the name a C string.
        Status(unsafe { set(handle.0, name.as_ptr(), index, value) })
    }

    pub(crate) fn set_pointer(&self, name: &CStr, value: *mut c_void) -> Status {
        let (Some(set), Some(handle)) = (self.suite.propSetPointer, self.handle) else { return Status::UNSUPPORTED };
        // SAFETY: the handle is the host's own, the name a C string; what the pointer points to is the host's to know.
        Status(unsafe { set(handle.0, name.as_ptr(), 0, value) })
    }

    pub(crate) fn set_double(&self, name: &CStr, index: c_int, value: f64) -> Status {
        let (Some(set), Some(handle)) = (self.suite.propSetDouble, self.handle) else { return Status::UNSUPPORTED };
        // SAFETY: the handle is the host's own, the name a C string.
        Status(unsafe { set(handle.0, name.as_ptr(), index, value) })
    }

    pub(crate) fn set_c_string(&self, name: &CStr, index: c_int, value: &CStr) -> Status {
        let (Some(set), Some(handle)) = (self.suite.propSetString, self.handle) else { return Status::UNSUPPORTED };
        // SAFETY: the handle is the host's own, both texts are C strings; the host copies the value.
        Status(unsafe { set(handle.0, name.as_ptr(), index, value.as_ptr()) })
    }

    pub(crate) fn set_string(&self, name: &CStr, index: c_int, value: &str) -> Status {
        self.set_c_string(name, index, &c_text(value))
    }

    pub(crate) fn set_flag(&self, name: &CStr, value: bool) -> Status {
        self.set_int(name, 0, i32::from(value))
    }

    pub(crate) fn set_doubles(&self, name: &CStr, values: &[f64]) -> Status {
        for (i, value) in (0..).zip(values) {
            let status = self.set_double(name, i, *value);
            if status != Status::OK {
                return status;
            }
        }
        Status::OK
    }
}

/// A C string of a text; a NUL inside, which C cannot carry, is dropped.
pub(crate) fn c_text(text: &str) -> CString {
    let bytes: Vec<u8> = text.bytes().filter(|b| *b != 0).collect();
    CString::new(bytes).unwrap_or_default()
}

//! The memory suite, version 1.

use std::{
    alloc::{self, Layout},
    collections::HashMap,
    ffi::c_void,
};

use parking_lot::Mutex;

use super::{give, guard};
use crate::{
    Status,
    host::registry,
    sys::{generic::core::OfxStatus, image_effect_v1::memory::OfxMemorySuiteV1},
};

pub(crate) static SUITE: OfxMemorySuiteV1 =
    OfxMemorySuiteV1 { memoryAlloc: Some(memory_alloc), memoryFree: Some(memory_free) };

const ALIGN: usize = 64;

/// What plugins hold, by address.
static HELD: Mutex<Option<HashMap<usize, Layout>>> = Mutex::new(None);

unsafe extern "C" fn memory_alloc(_owner: *mut c_void, bytes: usize, to: *mut *mut c_void) -> OfxStatus {
    guard(|| {
        if to.is_null() {
            return Err(Status::VALUE);
        }
        let layout = Layout::from_size_align(bytes.max(1), ALIGN).map_err(|_| Status::MEMORY)?;
        // SAFETY: the size is at least 1.
        let ptr = unsafe { alloc::alloc(layout) };
        if ptr.is_null() {
            return Err(Status::MEMORY);
        }
        HELD.lock().get_or_insert_default().insert(ptr.expose_provenance(), layout);
        registry::count_up();
        // SAFETY: checked above.
        unsafe { give(to, ptr.cast()) }
    })
}

unsafe extern "C" fn memory_free(data: *mut c_void) -> OfxStatus {
    guard(|| {
        let layout = HELD.lock().as_mut().and_then(|h| h.remove(&data.addr())).ok_or(Status::BAD_HANDLE)?;
        registry::count_down();
        // SAFETY: it was allocated with this layout, and leaving the map made this the only free.
        unsafe { alloc::dealloc(data.cast(), layout) };
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_given_once_and_taken_back_once() {
        let mut p = std::ptr::null_mut();
        // SAFETY: writable results; foreign pointers are what is tested.
        unsafe {
            assert_eq!(memory_alloc(std::ptr::null_mut(), 1000, &raw mut p), 0);
            p.cast::<u8>().write_bytes(7, 1000);
            assert_eq!(memory_free(p), 0);
            assert_eq!(memory_free(p), Status::BAD_HANDLE.0, "freed twice");
            assert_eq!(memory_free(std::ptr::null_mut()), Status::BAD_HANDLE.0);
            assert_eq!(memory_alloc(std::ptr::null_mut(), usize::MAX, &raw mut p), Status::MEMORY.0);
            assert_eq!(memory_alloc(std::ptr::null_mut(), 1, std::ptr::null_mut()), Status::VALUE.0);
        }
    }
}

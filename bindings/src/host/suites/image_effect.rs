//! The image effect suite, version 1.

use std::{
    ffi::{c_char, c_int, c_void},
    sync::Arc,
};

use parking_lot::Mutex;

use super::{Answer, give, guard, text};
use crate::{
    RectD, Status,
    host::{
        check,
        clip::Clip,
        fetch,
        property::Owner,
        registry::{self, Object},
        sets,
    },
    sys::{
        generic::core::{OfxPropertySetHandle, OfxRectD, OfxStatus, OfxTime},
        image_effect_v1::{
            image_effect::{OfxImageClipHandle, OfxImageEffectHandle, OfxImageEffectSuiteV1, OfxImageMemoryHandle},
            param::OfxParamSetHandle,
        },
    },
};

pub(crate) static SUITE: OfxImageEffectSuiteV1 = OfxImageEffectSuiteV1 {
    getPropertySet: Some(get_property_set),
    getParamSet: Some(get_param_set),
    clipDefine: Some(clip_define),
    clipGetHandle: Some(clip_get_handle),
    clipGetPropertySet: Some(clip_get_property_set),
    clipGetImage: Some(clip_get_image),
    clipReleaseImage: Some(clip_release_image),
    clipGetRegionOfDefinition: Some(clip_get_region),
    abort: Some(abort),
    imageMemoryAlloc: Some(memory_alloc),
    imageMemoryFree: Some(memory_free),
    imageMemoryLock: Some(memory_lock),
    imageMemoryUnlock: Some(memory_unlock),
};

unsafe extern "C" fn get_property_set(effect: OfxImageEffectHandle, to: *mut OfxPropertySetHandle) -> OfxStatus {
    // SAFETY: null or writable by the standard.
    guard(|| unsafe { give(to, registry::effect(effect)?.props.handle().as_ptr()) })
}

unsafe extern "C" fn get_param_set(effect: OfxImageEffectHandle, to: *mut OfxParamSetHandle) -> OfxStatus {
    // SAFETY: null or writable by the standard.
    guard(|| unsafe { give(to, registry::effect(effect)?.params.handle().as_ptr()) })
}

unsafe extern "C" fn clip_define(
    effect: OfxImageEffectHandle,
    name: *const c_char,
    to: *mut OfxPropertySetHandle,
) -> OfxStatus {
    guard(|| {
        let effect = registry::effect(effect)?;
        // SAFETY: a C string by the standard.
        let name = unsafe { text(name)? };
        // Clips belong to a context.
        if effect.is_instance() || effect.context.is_none() {
            return Err(Status::BAD_HANDLE);
        }
        if effect.clip(name).is_some() {
            return Err(Status::EXISTS);
        }
        check::defined("clip", name);
        let clip = Clip::new(name, sets::clip(name, effect.host.profile()));
        clip.own(Arc::downgrade(&effect));
        let handle = clip.props.handle().as_ptr();
        effect.clips.write().push(clip);
        if to.is_null() {
            return Ok(());
        }
        // SAFETY: writable by the standard.
        unsafe { give(to, handle) }
    })
}

unsafe extern "C" fn clip_get_handle(
    effect: OfxImageEffectHandle,
    name: *const c_char,
    to: *mut OfxImageClipHandle,
    props: *mut OfxPropertySetHandle,
) -> OfxStatus {
    guard(|| {
        let effect = registry::effect(effect)?;
        effect.state()?;
        // SAFETY: a C string by the standard.
        let clip = effect.clip(unsafe { text(name)? }).ok_or(Status::UNKNOWN)?;
        // SAFETY: null or writable by the standard.
        unsafe {
            if !props.is_null() {
                give(props, clip.props.handle().as_ptr())?;
            }
            give(to, clip.handle().as_ptr())
        }
    })
}

unsafe extern "C" fn clip_get_property_set(clip: OfxImageClipHandle, to: *mut OfxPropertySetHandle) -> OfxStatus {
    // SAFETY: null or writable by the standard.
    guard(|| unsafe { give(to, registry::clip(clip)?.props.handle().as_ptr()) })
}

unsafe extern "C" fn clip_get_image(
    clip: OfxImageClipHandle,
    time: OfxTime,
    region: *const OfxRectD,
    to: *mut OfxPropertySetHandle,
) -> OfxStatus {
    guard(|| {
        if to.is_null() {
            return Err(Status::VALUE);
        }
        // A plugin that does not look at the status must not find an old handle.
        // SAFETY: writable by the standard.
        unsafe { give(to, std::ptr::null_mut())? };
        let clip = registry::clip(clip)?;
        // SAFETY: null, or a rectangle by the standard.
        let region = if region.is_null() { None } else { Some(unsafe { region.read() }) };
        let region = region.map(|r| RectD { x1: r.x1, y1: r.y1, x2: r.x2, y2: r.y2 });
        let handle = fetch::lend(&clip, time, region)?;
        // SAFETY: as above.
        unsafe { give(to, registry::as_ptr(handle.unwrap_or(0))) }
    })
}

unsafe extern "C" fn clip_release_image(image: OfxPropertySetHandle) -> OfxStatus {
    guard(|| {
        let props = registry::props(image)?;
        let Some(Owner::Image(effect)) = props.owner() else { return Err(Status::BAD_HANDLE) };
        let effect = effect.upgrade().ok_or(Status::BAD_HANDLE)?;
        let mut loans = effect.state()?.loans.lock();
        let loan = loans.get_mut(&image.addr()).ok_or(Status::BAD_HANDLE)?;
        loan.count -= 1;
        let done = (loan.count == 0).then(|| loans.remove(&image.addr()));
        // Freeing a large picture takes a while: not under the lock.
        drop(loans);
        drop(done);
        Ok(())
    })
}

unsafe extern "C" fn clip_get_region(clip: OfxImageClipHandle, time: OfxTime, to: *mut OfxRectD) -> OfxStatus {
    guard(|| {
        let r = fetch::region(&*registry::clip(clip)?, time)?;
        // SAFETY: null or writable by the standard.
        unsafe { give(to, OfxRectD { x1: r.x1, y1: r.y1, x2: r.x2, y2: r.y2 }) }
    })
}

unsafe extern "C" fn abort(effect: OfxImageEffectHandle) -> c_int {
    let mut answer = 0;
    guard(|| {
        let effect = registry::effect(effect)?;
        let aborts = effect.host.profile().aborts;
        answer = c_int::from(aborts && effect.state()?.cancel.poll());
        Ok(())
    });
    answer
}

/// Memory for pictures, which may be locked in place.
#[derive(Debug)]
pub(crate) struct ImageMemory {
    /// 8-byte words, which aligns any channel.
    words: Mutex<Vec<u64>>,
    locks: Mutex<usize>,
}

fn memory(handle: OfxImageMemoryHandle) -> Result<Arc<ImageMemory>, Status> {
    match registry::lookup(handle.addr()) {
        Some(Object::ImageMemory(m)) => Ok(m),
        _ => Err(Status::BAD_HANDLE),
    }
}

unsafe extern "C" fn memory_alloc(_e: OfxImageEffectHandle, bytes: usize, to: *mut OfxImageMemoryHandle) -> OfxStatus {
    guard(|| {
        if to.is_null() {
            return Err(Status::VALUE);
        }
        let mut words = Vec::new();
        words.try_reserve_exact(bytes.div_ceil(8)).map_err(|_| Status::MEMORY)?;
        words.resize(bytes.div_ceil(8), 0);
        let m = Arc::new(ImageMemory { words: Mutex::new(words), locks: Mutex::new(0) });
        // SAFETY: checked above.
        unsafe { give(to, registry::as_ptr(registry::insert(Object::ImageMemory(m)))) }
    })
}

unsafe extern "C" fn memory_free(handle: OfxImageMemoryHandle) -> OfxStatus {
    guard(|| {
        memory(handle)?;
        registry::remove(handle.addr()).map(drop).ok_or(Status::BAD_HANDLE)
    })
}

unsafe extern "C" fn memory_lock(handle: OfxImageMemoryHandle, to: *mut *mut c_void) -> OfxStatus {
    guard(|| {
        let m = memory(handle)?;
        let address = m.words.lock().as_mut_ptr();
        // SAFETY: null or writable by the standard.
        unsafe { give(to, address.cast())? };
        *m.locks.lock() += 1;
        Ok(())
    })
}

unsafe extern "C" fn memory_unlock(handle: OfxImageMemoryHandle) -> OfxStatus {
    guard(|| -> Answer {
        let m = memory(handle)?;
        let mut locks = m.locks.lock();
        *locks = locks.checked_sub(1).ok_or(Status::FAILED)?;
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn image_memory_is_locked_in_place_and_freed_once() {
        let mut m = std::ptr::null_mut();
        let mut p = std::ptr::null_mut();
        // SAFETY: writable results; stale handles are what is tested.
        unsafe {
            assert_eq!(memory_alloc(std::ptr::null_mut(), 100, &raw mut m), 0);
            assert_eq!(memory_unlock(m), Status::FAILED.0, "not locked yet");
            assert_eq!(memory_lock(m, &raw mut p), 0);
            p.cast::<u8>().write_bytes(3, 100);
            assert_eq!(memory_unlock(m), 0);
            assert_eq!(memory_free(m), 0);
            assert_eq!(memory_free(m), Status::BAD_HANDLE.0);
            assert_eq!(memory_alloc(std::ptr::null_mut(), usize::MAX, &raw mut m), Status::MEMORY.0);
        }
    }

    #[test]
    fn garbage_handles_get_a_status() {
        let garbage = 0x1234_5678;
        let mut props = std::ptr::null_mut();
        // SAFETY: that these do no harm is what is tested.
        unsafe {
            assert_eq!(get_property_set(registry::as_ptr(garbage), &raw mut props), Status::BAD_HANDLE.0);
            assert_eq!(
                clip_get_image(registry::as_ptr(garbage), 0.0, std::ptr::null(), &raw mut props),
                Status::BAD_HANDLE.0
            );
            assert_eq!(clip_release_image(registry::as_ptr(garbage)), Status::BAD_HANDLE.0);
            assert_eq!(abort(registry::as_ptr(garbage)), 0);
        }
    }
}

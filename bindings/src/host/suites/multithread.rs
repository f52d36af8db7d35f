//! The multi-thread suite, version 1, on real threads.

use std::{
    cell::Cell,
    ffi::{c_int, c_uint, c_void},
    sync::Arc,
    thread::{self, ThreadId},
};

use parking_lot::{Condvar, Mutex};

use super::{give, guard};
use crate::{
    Status,
    host::{
        effect_object::{current, within},
        registry::{self, Object},
    },
    sys::{
        generic::core::OfxStatus,
        image_effect_v1::multi_thread::{OfxMultiThreadSuiteV1, OfxMutexHandle, OfxThreadFunctionV1},
    },
};

pub(crate) static SUITE: OfxMultiThreadSuiteV1 = OfxMultiThreadSuiteV1 {
    multiThread: Some(multi_thread),
    multiThreadNumCPUs: Some(num_cpus),
    multiThreadIndex: Some(thread_index),
    multiThreadIsSpawnedThread: Some(is_spawned),
    mutexCreate: Some(mutex_create),
    mutexDestroy: Some(mutex_destroy),
    mutexLock: Some(mutex_lock),
    mutexUnLock: Some(mutex_unlock),
    mutexTryLock: Some(mutex_try_lock),
};

thread_local! {
    /// This thread's number, if the suite spawned it.
    static INDEX: Cell<Option<c_uint>> = const { Cell::new(None) };
}

/// The most threads one call starts.
const MAX_THREADS: c_uint = 256;

fn cpus() -> c_uint {
    thread::available_parallelism().ok().and_then(|n| c_uint::try_from(n.get()).ok()).unwrap_or(1)
}

unsafe extern "C" fn multi_thread(f: OfxThreadFunctionV1, count: c_uint, argument: *mut c_void) -> OfxStatus {
    guard(|| {
        let f = f.ok_or(Status::VALUE)?;
        if INDEX.get().is_some() {
            return Err(Status::EXISTS);
        }
        let count = if count == 0 { cpus() } else { count.min(MAX_THREADS) };
        let call = current(Clone::clone);
        let argument = argument.expose_provenance();
        let run = |index: c_uint| {
            INDEX.set(Some(index));
            let argument = std::ptr::with_exposed_provenance_mut(argument);
            // SAFETY: the plugin's function, which may be called from many threads at once, with its own argument.
            let work = || unsafe { f(index, count, argument) };
            match call.clone() {
                Some(call) => within(call, work),
                None => work(),
            }
            INDEX.set(None);
        };
        thread::scope(|scope| {
            let run = &run;
            let started: Result<Vec<_>, _> =
                (0..count).map(|i| thread::Builder::new().spawn_scoped(scope, move || run(i))).collect();
            // Threads that did start are joined when the scope ends.
            started.map(drop).map_err(|_| Status::FAILED)
        })
    })
}

unsafe extern "C" fn num_cpus(to: *mut c_uint) -> OfxStatus {
    // SAFETY: null or writable by the standard.
    guard(|| unsafe { give(to, cpus()) })
}

unsafe extern "C" fn thread_index(to: *mut c_uint) -> OfxStatus {
    guard(|| {
        let index = INDEX.get().ok_or(Status::FAILED)?;
        // SAFETY: null or writable by the standard.
        unsafe { give(to, index) }
    })
}

unsafe extern "C" fn is_spawned() -> c_int {
    c_int::from(INDEX.get().is_some())
}

/// A mutex that its owner may lock again.
#[derive(Debug, Default)]
pub(crate) struct HostMutex {
    held: Mutex<(Option<ThreadId>, usize)>,
    freed: Condvar,
}

impl HostMutex {
    fn lock(&self) {
        let me = thread::current().id();
        let mut held = self.held.lock();
        while held.0.is_some_and(|owner| owner != me) {
            self.freed.wait(&mut held);
        }
        *held = (Some(me), held.1 + 1);
    }

    fn try_lock(&self) -> bool {
        let me = thread::current().id();
        let mut held = self.held.lock();
        let free = held.0.is_none_or(|owner| owner == me);
        if free {
            *held = (Some(me), held.1 + 1);
        }
        free
    }

    fn unlock(&self) -> bool {
        let mut held = self.held.lock();
        if held.0 != Some(thread::current().id()) {
            return false;
        }
        held.1 -= 1;
        if held.1 == 0 {
            held.0 = None;
            self.freed.notify_one();
        }
        true
    }
}

fn mutex(handle: OfxMutexHandle) -> Result<Arc<HostMutex>, Status> {
    match registry::lookup(handle.addr()) {
        Some(Object::Mutex(m)) => Ok(m),
        _ => Err(Status::BAD_HANDLE),
    }
}

unsafe extern "C" fn mutex_create(to: *mut OfxMutexHandle, count: c_int) -> OfxStatus {
    guard(|| {
        if to.is_null() {
            return Err(Status::VALUE);
        }
        let m = Arc::new(HostMutex::default());
        (0..count.clamp(0, 1024)).for_each(|_| m.lock());
        // SAFETY: checked above.
        unsafe { give(to, registry::as_ptr(registry::insert(Object::Mutex(m)))) }
    })
}

unsafe extern "C" fn mutex_destroy(handle: OfxMutexHandle) -> OfxStatus {
    guard(|| {
        mutex(handle)?;
        registry::remove(handle.addr()).map(drop).ok_or(Status::BAD_HANDLE)
    })
}

unsafe extern "C" fn mutex_lock(handle: OfxMutexHandle) -> OfxStatus {
    guard(|| {
        mutex(handle)?.lock();
        Ok(())
    })
}

unsafe extern "C" fn mutex_unlock(handle: OfxMutexHandle) -> OfxStatus {
    guard(|| if mutex(handle)?.unlock() { Ok(()) } else { Err(Status::FAILED) })
}

unsafe extern "C" fn mutex_try_lock(handle: OfxMutexHandle) -> OfxStatus {
    guard(|| if mutex(handle)?.try_lock() { Ok(()) } else { Err(Status::FAILED) })
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    unsafe extern "C" fn work(index: c_uint, count: c_uint, argument: *mut c_void) {
        // SAFETY: the test below passes an atomic that outlives the call.
        let sum = unsafe { &*argument.cast::<AtomicU32>() };
        let mut here = 99;
        // SAFETY: a writable result.
        assert_eq!(unsafe { thread_index(&raw mut here) }, 0);
        assert_eq!((here, count), (index, 5));
        // SAFETY: no arguments that could be wrong.
        assert_eq!(unsafe { is_spawned() }, 1);
        // SAFETY: a function and no argument.
        assert_eq!(unsafe { multi_thread(Some(work), 2, std::ptr::null_mut()) }, Status::EXISTS.0);
        sum.fetch_add(1 << index, Ordering::Relaxed);
    }

    #[test]
    fn every_thread_runs_once_and_knows_its_number() {
        let sum = AtomicU32::new(0);
        // SAFETY: `work` takes an atomic.
        assert_eq!(unsafe { multi_thread(Some(work), 5, (&raw const sum).cast_mut().cast()) }, 0);
        assert_eq!(sum.load(Ordering::Relaxed), 0b11111);
        // SAFETY: no arguments that could be wrong.
        assert_eq!(unsafe { is_spawned() }, 0);
    }

    #[test]
    fn a_mutex_is_recursive_and_shuts_others_out() {
        let mut m = std::ptr::null_mut();
        // SAFETY: writable results; stale handles are what is tested.
        unsafe {
            assert_eq!(mutex_create(&raw mut m, 1), 0);
            assert_eq!(mutex_lock(m), 0);
            let number = m.addr();
            let other = thread::spawn(move || mutex_try_lock(registry::as_ptr(number))).join();
            assert_eq!(other.ok(), Some(Status::FAILED.0));
            assert_eq!((mutex_unlock(m), mutex_unlock(m)), (0, 0));
            assert_eq!(mutex_unlock(m), Status::FAILED.0, "not held any more");
            let other = thread::spawn(move || mutex_try_lock(registry::as_ptr(number))).join();
            assert_eq!(other.ok(), Some(0));
            assert_eq!(mutex_destroy(m), 0);
            assert_eq!(mutex_lock(m), Status::BAD_HANDLE.0);
        }
    }
}

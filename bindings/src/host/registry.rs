//! The handles that plugins hold: numbers, never addresses, so that a stale, foreign or invented handle is found out
//! instead of being followed.
//!
//! A handle names a slot and the slot's generation. When the object behind it goes, the generation moves on and the old
//! handle means nothing any more. The registry holds objects weakly: their owners decide how long they live.

use std::sync::{
    Arc, Weak,
    atomic::{AtomicUsize, Ordering},
};

use parking_lot::RwLock;

use super::{
    clip::Clip,
    effect_object::EffectObject,
    param::{Param, ParamSet},
    property::PropertySet,
    suites::{image_effect::ImageMemory, multithread::HostMutex},
};
use crate::Status;

/// What a handle can stand for.
#[derive(Clone)]
pub(crate) enum Object {
    Props(Weak<PropertySet>),
    Effect(Weak<EffectObject>),
    ParamSet(Weak<ParamSet>),
    Param(Weak<Param>),
    Clip(Weak<Clip>),
    /// Owned by the plugin until it destroys it.
    Mutex(Arc<HostMutex>),
    /// Owned by the plugin until it frees it.
    ImageMemory(Arc<ImageMemory>),
}

struct Slot {
    generation: usize,
    object: Option<Object>,
}

struct Slots {
    slots: Vec<Slot>,
    free: Vec<usize>,
}

static REGISTRY: RwLock<Slots> = RwLock::new(Slots { slots: Vec::new(), free: Vec::new() });
static LIVE: AtomicUsize = AtomicUsize::new(0);

const INDEX_BITS: u32 = usize::BITS / 2;
const INDEX_MASK: usize = (1 << INDEX_BITS) - 1;

/// How many handles are alive in this process: property sets, parameters, clips, effects, images, and whatever plugins
/// allocated through the suites and have not given back.
#[must_use]
pub fn live_handles() -> usize {
    LIVE.load(Ordering::Relaxed)
}

pub(crate) fn count_up() {
    LIVE.fetch_add(1, Ordering::Relaxed);
}

pub(crate) fn count_down() {
    LIVE.fetch_sub(1, Ordering::Relaxed);
}

/// A handle that is valid as long as this lives.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct Handle(usize);

impl Handle {
    pub(crate) fn new(object: Object) -> Self {
        Self(insert(object))
    }

    pub(crate) fn number(&self) -> usize {
        self.0
    }

    /// The handle as the ABI carries it.
    pub(crate) fn as_ptr<T>(&self) -> *mut T {
        as_ptr(self.0)
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        remove(self.0);
    }
}

/// The handle's number as a pointer that nobody may follow.
pub(crate) fn as_ptr<T>(number: usize) -> *mut T {
    std::ptr::without_provenance_mut(number)
}

pub(crate) fn insert(object: Object) -> usize {
    count_up();
    let mut r = REGISTRY.write();
    let index = match r.free.pop() {
        Some(index) => index,
        None => {
            r.slots.push(Slot { generation: 1, object: None });
            r.slots.len() - 1
        }
    };
    let slot = &mut r.slots[index];
    slot.object = Some(object);
    (slot.generation << INDEX_BITS) | (index + 1)
}

/// Forgets a handle and gives back what it stood for, if it stood for anything.
pub(crate) fn remove(number: usize) -> Option<Object> {
    let (index, generation) = split(number)?;
    let mut r = REGISTRY.write();
    let slot = r.slots.get_mut(index)?;
    if slot.generation != generation {
        return None;
    }
    let object = slot.object.take()?;
    slot.generation = (slot.generation + 1) & INDEX_MASK;
    // A slot whose generations are used up is retired, so that no old handle can come to life again.
    if slot.generation != 0 {
        r.free.push(index);
    }
    count_down();
    Some(object)
}

fn split(number: usize) -> Option<(usize, usize)> {
    Some(((number & INDEX_MASK).checked_sub(1)?, number >> INDEX_BITS))
}

pub(crate) fn lookup(number: usize) -> Option<Object> {
    let (index, generation) = split(number)?;
    let r = REGISTRY.read();
    let slot = r.slots.get(index)?;
    if slot.generation == generation { slot.object.clone() } else { None }
}

macro_rules! typed {
    ($($(#[$meta:meta])* $name:ident -> $ty:ty, $variant:ident;)+) => {
        $($(#[$meta])*
        pub(crate) fn $name<T>(handle: *mut T) -> Result<Arc<$ty>, Status> {
            match lookup(handle.addr()) {
                Some(Object::$variant(weak)) => weak.upgrade().ok_or(Status::BAD_HANDLE),
                _ => Err(Status::BAD_HANDLE),
            }
        })+
    };
}

typed! {
    props -> PropertySet, Props;
    effect -> EffectObject, Effect;
    param_set -> ParamSet, ParamSet;
    param -> Param, Param;
    clip -> Clip, Clip;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::property::SetKind;

    #[test]
    fn a_handle_dies_with_its_object() {
        let set = PropertySet::new(SetKind::Arguments);
        let ptr = set.handle().as_ptr::<u8>();
        assert!(props(ptr).is_ok());
        assert_eq!(effect(ptr).err(), Some(Status::BAD_HANDLE), "a property set is not an effect");
        drop(set);
        assert_eq!(props(ptr).err(), Some(Status::BAD_HANDLE));
        let next = PropertySet::new(SetKind::Arguments);
        assert_ne!(next.handle().as_ptr::<u8>(), ptr, "a slot used again has another handle");
    }

    #[test]
    fn garbage_is_no_handle() {
        for garbage in [0, 1, 7, usize::MAX, usize::MAX / 3, 0x7fff_dead_beef] {
            assert_eq!(props(as_ptr::<u8>(garbage)).err(), Some(Status::BAD_HANDLE));
        }
    }
}

//! Instances: what is kept of each, and the process-wide map from the host's handles to them.
//!
//! The map holds `Arc`s, so eight renders may use one instance while another thread destroys it: it is freed when the
//! last of them is done. Storing a pointer in the host (`kOfxPropInstanceData`) could not promise that.

use std::{
    any::{Any, TypeId},
    collections::{HashMap, HashSet},
    ptr,
    sync::{Arc, LazyLock},
};

use parking_lot::{Mutex, RwLock};

use super::{
    clip::{ClipSlot, Clips},
    effect::Effect,
    error::{Error, Result},
    image::{Loans, OutputImage},
    param_set::ParamTable,
    services::{self, MessageKind},
    suites::{Handle, Suites},
};
use crate::{
    Context, STATUS_MESSAGE, Status, props,
    sys::{
        generic::core::OfxPropertySetStruct,
        image_effect_v1::image_effect::{OfxImageEffectHandle, OfxImageEffectStruct},
    },
};

/// What an instance is to the host; the same for every effect.
pub(crate) struct Shell {
    pub(crate) handle: Handle<OfxImageEffectStruct>,
    pub(crate) props: Option<Handle<OfxPropertySetStruct>>,
    pub(crate) suites: Arc<Suites>,
    pub(crate) context: Context,
    pub(crate) params: ParamTable,
    pub(crate) clips: Vec<ClipSlot>,
    pub(crate) label: &'static str,
    /// What the user was told.
    told: Mutex<Told>,
}

impl Shell {
    pub(crate) fn new<E: Effect>(suites: Arc<Suites>, handle: Handle<OfxImageEffectStruct>) -> Result<Self> {
        let props = effect_props(&suites, handle);
        let context = props
            .and_then(|p| suites.props(p.0).c_string(props::PROP_CONTEXT))
            .and_then(|s| Context::of_host(&s))
            // A host silent on the context of an instance has described one: the commonest of ours.
            .or_else(|| E::META.contexts.first().copied())
            .unwrap_or(Context::Filter);
        let mut set = ptr::null_mut();
        if let Some(get) = suites.effect.getParamSet {
            // SAFETY: the effect is the host's own, the place outlives the call.
            let status = unsafe { get(handle.0, &raw mut set) };
            if status != Status::OK.0 {
                set = ptr::null_mut();
            }
        }
        let specs = super::describe::specs_for::<E>(context, &suites.info);
        let params = ParamTable::new(&suites, Handle::new(set), context, specs);
        let clips = E::Clips::SPECS
            .iter()
            .map(|spec| if spec.is_in(context) { ClipSlot::new(&suites, handle, spec) } else { ClipSlot::absent(spec) })
            .collect();
        let label = E::META.label;
        Ok(Self { handle, props, suites, context, params, clips, label, told: Mutex::default() })
    }

    pub(crate) fn output(&self) -> Result<&ClipSlot> {
        self.clips
            .iter()
            .find(|c| c.spec.is_output())
            .ok_or_else(|| Error::Failed("This effect declares no clip named Output".into()))
    }

    /// Whether the host wants the render to stop.
    pub(crate) fn abort(&self) -> bool {
        // SAFETY: the effect is the host's own.
        self.suites.effect.abort.is_some_and(|abort| unsafe { abort(self.handle.0) } != 0)
    }

    /// Fills the output with zeros after a render that failed: some hosts show what is in it (MLT).
    pub(crate) fn blank_output(&self, time: f64) {
        let loans = Loans::new(&self.suites);
        let output = self.output().and_then(|clip| OutputImage::fetch(&loans, clip, time));
        if let Ok(Some(mut image)) = output {
            image.fill_zero();
        }
    }

    /// Shows a text on the node until it is cleared, unless it is there already. Where the host has no such, it is posted, once
    /// for an instance: a hundred frames are not to raise a hundred dialogs.
    pub(crate) fn show(&self, kind: MessageKind, text: &str) {
        let text = &format!("{}: {text}", self.label);
        let mut told = self.told.lock();
        let shown = Some((kind, text.to_owned()));
        if told.shown == shown {
            return;
        }
        told.is_status = false;
        if services::persist(&self.suites, self.handle.0.cast(), kind, c"", text) {
            services::log_as(kind, text.clone());
            told.shown = shown;
        } else if told.posted.insert(text.clone()) {
            services::post(&self.suites, self.handle.0.cast(), kind, text);
        } else {
            services::log(text.as_str());
        }
    }

    /// Shows on the node how work is going, where the host can: elsewhere nothing, as it would be a dialog.
    pub(crate) fn show_status(&self, text: &str) {
        let text = format!("{}: {text}", self.label);
        let mut told = self.told.lock();
        if services::persist(&self.suites, self.handle.0.cast(), MessageKind::Message, STATUS_MESSAGE, &text) {
            told.shown = Some((MessageKind::Message, text));
            told.is_status = true;
        }
    }

    /// Takes that away, unless something else is shown by now.
    pub(crate) fn clear_status(&self) {
        if self.told.lock().is_status {
            self.clear_shown();
        }
    }

    /// Takes away what is shown on the node, also what another instance of it showed there.
    pub(crate) fn clear_shown(&self) {
        let mut told = self.told.lock();
        (told.shown, told.is_status) = (None, false);
        drop(told);
        services::clear_persistent(&self.suites, self.handle.0.cast());
    }

    /// Takes away an error that is shown on the node.
    pub(crate) fn clear_error(&self) {
        if self.told.lock().shown.as_ref().is_some_and(|(kind, _)| *kind == MessageKind::Error) {
            self.clear_shown();
        }
    }
}

/// What an instance told the user.
#[derive(Default)]
struct Told {
    /// What stands on the node.
    shown: Option<(MessageKind, String)>,
    /// That says how work is going.
    is_status: bool,
    /// What was posted.
    posted: HashSet<String>,
}

/// The property set of an effect, descriptor or instance.
pub(crate) fn effect_props(
    suites: &Suites,
    handle: Handle<OfxImageEffectStruct>,
) -> Option<Handle<OfxPropertySetStruct>> {
    let mut props = ptr::null_mut();
    // SAFETY: the effect is the host's own, the place outlives the call.
    let status = unsafe { suites.effect.getPropertySet?(handle.0, &raw mut props) };
    if status == Status::OK.0 { Handle::new(props) } else { None }
}

/// A living instance.
pub(crate) struct Instance<E: Effect> {
    pub(crate) shell: Shell,
    pub(crate) clips: E::Clips,
    pub(crate) effect: E,
}

type Key = (TypeId, Handle<OfxImageEffectStruct>);

static INSTANCES: LazyLock<RwLock<HashMap<Key, Arc<dyn Any + Send + Sync>>>> = LazyLock::new(RwLock::default);

fn key<E: Effect>(handle: OfxImageEffectHandle) -> Option<Key> {
    Some((TypeId::of::<E>(), Handle::new(handle)?))
}

/// Keeps an instance. A host that uses an address again without having destroyed what was there loses the old one.
pub(crate) fn insert<E: Effect>(instance: Instance<E>) {
    let key = (TypeId::of::<E>(), instance.shell.handle);
    let old = INSTANCES.write().insert(key, Arc::new(instance));
    // Dropped outside the lock: an effect's own drop may take its time, or panic.
    drop(old);
}

pub(crate) fn get<E: Effect>(handle: OfxImageEffectHandle) -> Result<Arc<Instance<E>>> {
    key::<E>(handle)
        .and_then(|key| INSTANCES.read().get(&key).cloned())
        .and_then(|any| any.downcast().ok())
        .ok_or(Error::BadHandle("instance"))
}

pub(crate) fn remove<E: Effect>(handle: OfxImageEffectHandle) -> Result<()> {
    let old = key::<E>(handle).and_then(|key| INSTANCES.write().remove(&key));
    old.map(drop).ok_or(Error::BadHandle("instance"))
}

/// Drops what a host left behind of an effect.
pub(crate) fn remove_all<E: Effect>() {
    let mut left = Vec::new();
    INSTANCES.write().retain(|(effect, _), instance| {
        let keep = *effect != TypeId::of::<E>();
        if !keep {
            left.push(instance.clone());
        }
        keep
    });
}

/// How many instances of an effect live in this process.
#[must_use]
pub fn instance_count<E: Effect>() -> usize {
    INSTANCES.read().keys().filter(|(effect, _)| *effect == TypeId::of::<E>()).count()
}

//! Parameters as the host keeps them, and the sets they live in.

use std::{
    collections::VecDeque,
    ffi::{CStr, CString},
    sync::{Arc, OnceLock, Weak},
};

use parking_lot::RwLock;

use super::{
    effect_object::EffectObject,
    error::HostError,
    property::{PropertySet, SetKind},
    registry::{Handle, Object},
    sets,
    value::{Curve, Domain, ParamKind, Value},
};
use crate::{Status, props::*};

/// Replaced strings that are kept alive, because a plugin on another thread may still be reading one.
const RETIRED: usize = 64;

/// A value with the C string that the plugin gets to see, if it is text.
#[derive(Clone, Debug)]
pub(crate) struct Stored {
    pub(crate) value: Value,
    text: Option<CString>,
}

impl AsRef<Value> for Stored {
    fn as_ref(&self) -> &Value {
        &self.value
    }
}

impl From<Value> for Stored {
    fn from(value: Value) -> Self {
        let text = if let Value::Text(t) = &value { Some(super::property::cstring(t)) } else { None };
        Self { value, text }
    }
}

#[derive(Debug)]
struct State {
    curve: Curve<Stored>,
    retired: VecDeque<Stored>,
}

impl State {
    fn retire(&mut self, old: Option<Stored>) {
        if let Some(old) = old.filter(|o| o.text.is_some() || matches!(o.value, Value::Bytes(_))) {
            self.retired.push_back(old);
            if self.retired.len() > RETIRED {
                self.retired.pop_front();
            }
        }
    }
}

/// A parameter, of a descriptor or of an instance.
#[derive(Debug)]
pub(crate) struct Param {
    handle: Handle,
    pub(crate) id: CString,
    pub(crate) kind: ParamKind,
    pub(crate) props: Arc<PropertySet>,
    set: Weak<ParamSet>,
    state: RwLock<State>,
}

impl Param {
    fn new(id: &CStr, kind: ParamKind, props: Arc<PropertySet>, set: &Weak<ParamSet>, value: Value) -> Arc<Self> {
        let curve = Curve { value: Stored::from(value), keys: Vec::new() };
        Arc::new_cyclic(|weak| Self {
            handle: Handle::new(Object::Param(weak.clone())),
            id: id.to_owned(),
            kind,
            props,
            set: set.clone(),
            state: RwLock::new(State { curve, retired: VecDeque::new() }),
        })
    }

    pub(crate) fn handle(&self) -> &Handle {
        &self.handle
    }

    pub(crate) fn name(&self) -> String {
        self.id.to_string_lossy().into_owned()
    }

    pub(crate) fn owner(&self) -> Option<Arc<EffectObject>> {
        self.set.upgrade()?.owner()
    }

    /// The owner, where it is an instance: descriptors have no values.
    pub(crate) fn instance(&self) -> Result<Arc<EffectObject>, Status> {
        self.owner().filter(|o| o.is_instance()).ok_or(Status::BAD_HANDLE)
    }

    /// The default as its property says.
    pub(crate) fn default_value(&self) -> Value {
        default_value(self.kind, &self.props)
    }

    /// Checks a value as a user's edit would be.
    pub(crate) fn accept(&self, value: Value) -> Result<Value, HostError> {
        let name = self.name();
        let numbers = |p: &CStr| -> Vec<f64> {
            if self.kind.is_double() {
                self.props.all::<f64>(p)
            } else {
                self.props.all::<i32>(p).into_iter().map(f64::from).collect()
            }
        };
        let (min, max) = (numbers(PARAM_PROP_MIN), numbers(PARAM_PROP_MAX));
        let choices = self.props.strings(PARAM_PROP_CHOICE_OPTION);
        let names = self.props.strings(PARAM_PROP_CHOICE_ENUM);
        Domain { id: &name, kind: self.kind, choices: &choices, names: &names, min: &min, max: &max }.accept(value)
    }

    pub(crate) fn set(&self, value: Value) {
        let mut state = self.state.write();
        let old = std::mem::replace(&mut state.curve.value, Stored::from(value));
        state.retire(Some(old));
    }

    /// Sets the value as `paramSetValue` does: on an animated parameter, at the current time's key.
    pub(crate) fn set_now(&self, value: Value, time: f64) {
        if self.state.read().curve.keys.is_empty() { self.set(value) } else { self.set_key(time, value) }
    }

    pub(crate) fn set_key(&self, time: f64, value: Value) {
        let mut state = self.state.write();
        let old = state.curve.set_key(time, Stored::from(value));
        state.retire(old);
        drop(state);
        self.props.put(PARAM_PROP_IS_ANIMATING, &[1]);
    }

    pub(crate) fn delete_key(&self, time: f64) -> bool {
        let mut state = self.state.write();
        let Some(i) = state.curve.keys.iter().position(|(t, _)| *t == time) else { return false };
        let (_, old) = state.curve.keys.remove(i);
        if state.curve.keys.is_empty() {
            state.curve.value = old.clone();
            self.props.put(PARAM_PROP_IS_ANIMATING, &[0]);
        }
        state.retire(Some(old));
        true
    }

    pub(crate) fn delete_keys(&self) {
        for time in self.key_times() {
            self.delete_key(time);
        }
    }

    pub(crate) fn key_times(&self) -> Vec<f64> {
        self.state.read().curve.keys.iter().map(|(t, _)| *t).collect()
    }

    pub(crate) fn at(&self, time: f64) -> Value {
        self.state.read().curve.at(time)
    }

    pub(crate) fn derivative(&self, time: f64) -> Option<Vec<f64>> {
        self.state.read().curve.derivative(time)
    }

    pub(crate) fn integral(&self, from: f64, to: f64) -> Option<Vec<f64>> {
        self.state.read().curve.integral(from, to)
    }

    /// Looks at text or bytes in place. They stay where they are until the value was changed [`RETIRED`] times more.
    pub(crate) fn held<R>(&self, time: f64, f: impl FnOnce(&Value, Option<&CStr>) -> R) -> R {
        let state = self.state.read();
        let stored = state.curve.held(time);
        f(&stored.value, stored.text.as_deref())
    }

    /// Takes value and keys of another parameter, its times moved by `offset`, those within `range` alone.
    pub(crate) fn copy_from(&self, other: &Self, offset: f64, range: Option<(f64, f64)>) {
        let (value, keys) = {
            let state = other.state.read();
            (state.curve.value.value.clone(), state.curve.keys.clone())
        };
        self.delete_keys();
        self.set(value);
        for (t, v) in keys {
            if range.is_none_or(|(a, b)| t >= a && t <= b) {
                self.set_key(t + offset, v.value);
            }
        }
    }
}

fn default_value(kind: ParamKind, props: &PropertySet) -> Value {
    match kind {
        k if k.is_int() => Value::Ints(props.all(PARAM_PROP_DEFAULT)),
        k if k.is_double() => Value::Doubles(props.all(PARAM_PROP_DEFAULT)),
        ParamKind::Bytes => Value::Bytes(Vec::new()),
        _ => Value::Text(props.string(PARAM_PROP_DEFAULT)),
    }
}

/// An effect's parameters, in the order they were defined.
#[derive(Debug)]
pub(crate) struct ParamSet {
    handle: Handle,
    pub(crate) props: Arc<PropertySet>,
    params: RwLock<Vec<Arc<Param>>>,
    owner: OnceLock<Weak<EffectObject>>,
    this: Weak<Self>,
}

impl ParamSet {
    pub(crate) fn new(props: Arc<PropertySet>) -> Arc<Self> {
        Arc::new_cyclic(|weak| Self {
            handle: Handle::new(Object::ParamSet(weak.clone())),
            props,
            params: RwLock::new(Vec::new()),
            owner: OnceLock::new(),
            this: weak.clone(),
        })
    }

    /// An instance's set, each parameter at its default.
    pub(crate) fn instantiate(&self) -> Arc<Self> {
        let set = Self::new(self.props.fork(SetKind::ParamSet));
        let params = self.all().into_iter().map(|p| {
            let props = p.props.fork(SetKind::ParamInstance);
            sets::instantiate_param(&props);
            Param::new(&p.id, p.kind, props, &set.this, p.default_value())
        });
        *set.params.write() = params.collect();
        set
    }

    pub(crate) fn handle(&self) -> &Handle {
        &self.handle
    }

    pub(crate) fn own(&self, owner: Weak<EffectObject>) {
        let _ = self.owner.set(owner);
    }

    pub(crate) fn owner(&self) -> Option<Arc<EffectObject>> {
        self.owner.get()?.upgrade()
    }

    pub(crate) fn all(&self) -> Vec<Arc<Param>> {
        self.params.read().clone()
    }

    pub(crate) fn find(&self, id: &CStr) -> Option<Arc<Param>> {
        self.params.read().iter().find(|p| *p.id == *id).cloned()
    }

    /// Defines a descriptor's parameter.
    pub(crate) fn define(&self, kind: ParamKind, id: &CStr) -> Result<Arc<Param>, Status> {
        let owner = self.owner().ok_or(Status::BAD_HANDLE)?;
        if owner.is_instance() {
            return Err(Status::BAD_HANDLE);
        }
        if self.find(id).is_some() {
            return Err(Status::EXISTS);
        }
        let profile = owner.host.profile();
        if kind == ParamKind::StrChoice && !profile.str_choice
            || kind == ParamKind::Parametric && !profile.suites.parametric
        {
            return Err(Status::UNKNOWN);
        }
        let props = sets::param(kind, id, profile);
        let value = default_value(kind, &props);
        let param = Param::new(id, kind, props, &self.this, value);
        self.params.write().push(param.clone());
        Ok(param)
    }
}

//! Property sets: named rows of ints, doubles, strings or pointers, with the standard's rules on dimension.

use std::{
    collections::HashMap,
    ffi::{CStr, CString},
    sync::{Arc, OnceLock, Weak},
};

use parking_lot::RwLock;

use super::{
    effect_object::EffectObject,
    load::HostInner,
    registry::{Handle, Object},
};
use crate::Status;

/// The most values one property may hold: an index beyond it is a plugin's mistake, not a wish for memory.
const MAX_DIMENSION: usize = 1 << 16;

/// Which of the standard's sets this is; profiles name missing properties by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SetKind {
    /// The host's own description.
    Host,
    /// An effect's descriptor.
    Effect,
    /// An effect's instance.
    Instance,
    /// A clip's descriptor.
    Clip,
    /// An instance's clip.
    ClipInstance,
    /// A parameter's descriptor.
    Param,
    /// An instance's parameter.
    ParamInstance,
    /// A parameter set.
    ParamSet,
    /// An image.
    Image,
    /// An overlay.
    Interact,
    /// An action's arguments.
    Arguments,
}

/// A property's values.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Values {
    Int(Vec<i32>),
    Double(Vec<f64>),
    Text(Vec<CString>),
    Pointer(Vec<usize>),
}

impl Values {
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Int(v) => v.len(),
            Self::Double(v) => v.len(),
            Self::Text(v) => v.len(),
            Self::Pointer(v) => v.len(),
        }
    }
}

/// A type that a property can hold.
pub(crate) trait Element: Clone + Default {
    fn wrap(values: Vec<Self>) -> Values;
    fn rows(values: &Values) -> Option<&Vec<Self>>;
    fn rows_mut(values: &mut Values) -> Option<&mut Vec<Self>>;
}

macro_rules! element {
    ($($ty:ty => $variant:ident),+ $(,)?) => {
        $(impl Element for $ty {
            fn wrap(values: Vec<Self>) -> Values { Values::$variant(values) }
            fn rows(values: &Values) -> Option<&Vec<Self>> {
                if let Values::$variant(v) = values { Some(v) } else { None }
            }
            fn rows_mut(values: &mut Values) -> Option<&mut Vec<Self>> {
                if let Values::$variant(v) = values { Some(v) } else { None }
            }
        })+
    };
}
element!(i32 => Int, f64 => Double, CString => Text, usize => Pointer);

/// Who may set a property.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    /// Host alone; a plugin that tries gets an error.
    Host,
    /// Plugin too.
    Plugin,
}

#[derive(Clone, Debug)]
struct Property {
    values: Values,
    default: Values,
    /// 0: any number of values.
    dimension: usize,
    access: Access,
}

/// What a set describes, where the ABI needs to find its way back.
#[derive(Debug)]
pub(crate) enum Owner {
    Host(Weak<HostInner>),
    Image(Weak<EffectObject>),
}

/// A property set with its handle.
#[derive(Debug)]
pub(crate) struct PropertySet {
    handle: Handle,
    kind: SetKind,
    owner: OnceLock<Owner>,
    map: RwLock<HashMap<CString, Property>>,
}

impl PropertySet {
    pub(crate) fn new(kind: SetKind) -> Arc<Self> {
        Self::with(kind, HashMap::new())
    }

    fn with(kind: SetKind, map: HashMap<CString, Property>) -> Arc<Self> {
        Arc::new_cyclic(|weak| Self {
            handle: Handle::new(Object::Props(weak.clone())),
            kind,
            owner: OnceLock::new(),
            map: RwLock::new(map),
        })
    }

    /// A set of another kind that begins with this one's properties; what they hold now becomes their default.
    pub(crate) fn fork(&self, kind: SetKind) -> Arc<Self> {
        let mut map = self.map.read().clone();
        for p in map.values_mut() {
            p.default = p.values.clone();
        }
        Self::with(kind, map)
    }

    pub(crate) fn handle(&self) -> &Handle {
        &self.handle
    }

    pub(crate) fn kind(&self) -> SetKind {
        self.kind
    }

    pub(crate) fn own(&self, owner: Owner) {
        let _ = self.owner.set(owner);
    }

    pub(crate) fn owner(&self) -> Option<&Owner> {
        self.owner.get()
    }

    /// Defines a property with a fixed number of values, or any number where `dimension` is 0.
    pub(crate) fn define<T: Element>(&self, name: &CStr, dimension: usize, values: Vec<T>, access: Access) {
        let values = T::wrap(values);
        let p = Property { default: values.clone(), values, dimension, access };
        self.map.write().insert(name.to_owned(), p);
    }

    /// Defines a property that only the host sets, as wide as its values.
    pub(crate) fn fixed<T: Element>(&self, name: &CStr, values: &[T]) {
        self.define(name, values.len(), values.to_vec(), Access::Host);
    }

    /// Defines a property that the plugin may set, as wide as its values.
    pub(crate) fn open<T: Element>(&self, name: &CStr, values: &[T]) {
        self.define(name, values.len(), values.to_vec(), Access::Plugin);
    }

    /// Defines a string that only the host sets.
    pub(crate) fn fixed_text(&self, name: &CStr, value: &CStr) {
        self.fixed(name, &[value.to_owned()]);
    }

    /// Defines a string that the plugin may set.
    pub(crate) fn open_text(&self, name: &CStr, value: &CStr) {
        self.open(name, &[value.to_owned()]);
    }

    pub(crate) fn remove(&self, name: &CStr) {
        self.map.write().remove(name);
    }

    /// Sets a property from the host's side; nothing happens where it is not defined, because a profile may lack it.
    pub(crate) fn put<T: Element>(&self, name: &CStr, values: &[T]) {
        if let Some(rows) = self.map.write().get_mut(name).and_then(|p| T::rows_mut(&mut p.values)) {
            *rows = values.to_vec();
        }
    }

    pub(crate) fn put_text(&self, name: &CStr, value: &CStr) {
        self.put(name, &[value.to_owned()]);
    }

    pub(crate) fn all<T: Element>(&self, name: &CStr) -> Vec<T> {
        self.map.read().get(name).and_then(|p| T::rows(&p.values)).cloned().unwrap_or_default()
    }

    pub(crate) fn int(&self, name: &CStr) -> Option<i32> {
        self.get::<i32>(name, 0).ok()
    }

    pub(crate) fn double(&self, name: &CStr) -> Option<f64> {
        self.get::<f64>(name, 0).ok()
    }

    pub(crate) fn flag(&self, name: &CStr) -> bool {
        self.int(name).is_some_and(|v| v != 0)
    }

    pub(crate) fn text(&self, name: &CStr) -> Option<CString> {
        self.get::<CString>(name, 0).ok()
    }

    pub(crate) fn string(&self, name: &CStr) -> String {
        self.text(name).map(|s| s.to_string_lossy().into_owned()).unwrap_or_default()
    }

    pub(crate) fn strings(&self, name: &CStr) -> Vec<String> {
        self.all::<CString>(name).iter().map(|s| s.to_string_lossy().into_owned()).collect()
    }

    pub(crate) fn get<T: Element>(&self, name: &CStr, index: usize) -> Result<T, Status> {
        self.read(name, index, T::clone)
    }

    /// Reads one value in place; for strings, whose address the plugin gets.
    pub(crate) fn read<T: Element, R>(&self, name: &CStr, index: usize, f: impl FnOnce(&T) -> R) -> Result<R, Status> {
        let map = self.map.read();
        let rows = map.get(name).and_then(|p| T::rows(&p.values)).ok_or(Status::UNKNOWN)?;
        rows.get(index).map(f).ok_or(Status::BAD_INDEX)
    }

    /// Reads the first `count` values in place.
    pub(crate) fn read_n<T: Element>(
        &self,
        name: &CStr,
        count: usize,
        mut f: impl FnMut(usize, &T),
    ) -> Result<(), Status> {
        let map = self.map.read();
        let rows = map.get(name).and_then(|p| T::rows(&p.values)).ok_or(Status::UNKNOWN)?;
        let rows = rows.get(..count).ok_or(Status::BAD_INDEX)?;
        rows.iter().enumerate().for_each(|(i, v)| f(i, v));
        Ok(())
    }

    /// Sets one value from the plugin's side.
    pub(crate) fn set<T: Element>(&self, name: &CStr, index: usize, value: T) -> Result<(), Status> {
        self.edit(name, |p| {
            let limit = if p.dimension == 0 { MAX_DIMENSION } else { p.dimension };
            let rows = T::rows_mut(&mut p.values).ok_or(Status::VALUE)?;
            if index >= limit {
                return Err(Status::BAD_INDEX);
            }
            if index >= rows.len() {
                rows.resize(index + 1, T::default());
            }
            rows[index] = value;
            Ok(())
        })
    }

    /// Sets the first values from the plugin's side; a property of any dimension gets exactly these.
    pub(crate) fn set_n<T: Element>(&self, name: &CStr, values: Vec<T>) -> Result<(), Status> {
        self.edit(name, |p| {
            let rows = T::rows_mut(&mut p.values).ok_or(Status::VALUE)?;
            if p.dimension == 0 {
                *rows = values;
                return Ok(());
            }
            if values.len() > p.dimension {
                return Err(Status::BAD_INDEX);
            }
            rows.resize(p.dimension, T::default());
            rows.iter_mut().zip(values).for_each(|(row, v)| *row = v);
            Ok(())
        })
    }

    pub(crate) fn reset(&self, name: &CStr) -> Result<(), Status> {
        self.edit(name, |p| {
            p.values = p.default.clone();
            Ok(())
        })
    }

    pub(crate) fn dimension(&self, name: &CStr) -> Result<usize, Status> {
        self.map.read().get(name).map(|p| p.values.len()).ok_or(Status::UNKNOWN)
    }

    /// The names of all its properties.
    #[cfg(test)]
    pub(crate) fn names(&self) -> Vec<String> {
        self.map.read().keys().map(|name| name.to_string_lossy().into_owned()).collect()
    }

    /// How many values a property has, 0 for any number, and whether the host alone sets it; none where there is no such.
    pub(crate) fn facts(&self, name: &CStr) -> Option<(usize, bool)> {
        self.map.read().get(name).map(|p| (p.dimension, p.access == Access::Host))
    }

    fn edit(&self, name: &CStr, f: impl FnOnce(&mut Property) -> Result<(), Status>) -> Result<(), Status> {
        let mut map = self.map.write();
        let p = map.get_mut(name).ok_or(Status::UNKNOWN)?;
        if p.access == Access::Host {
            return Err(Status::VALUE);
        }
        f(p)
    }
}

/// A C string from text; NULs, which C cannot carry, are left out.
pub(crate) fn cstring(text: &str) -> CString {
    CString::new(text.replace('\0', "")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set() -> Arc<PropertySet> {
        let set = PropertySet::new(SetKind::Effect);
        set.open(c"pair", &[1.0, 2.0]);
        set.define(c"list", 0, Vec::<CString>::new(), Access::Plugin);
        set.fixed(c"given", &[7]);
        set
    }

    #[test]
    fn a_fixed_property_keeps_its_dimension() {
        let s = set();
        assert_eq!(s.set(c"pair", 1, 5.0), Ok(()));
        assert_eq!(s.set(c"pair", 2, 5.0), Err(Status::BAD_INDEX));
        assert_eq!(s.set_n(c"pair", vec![1.0; 3]), Err(Status::BAD_INDEX));
        assert_eq!(s.set_n(c"pair", vec![9.0]), Ok(()));
        assert_eq!(s.all::<f64>(c"pair"), [9.0, 5.0]);
        assert_eq!(s.reset(c"pair"), Ok(()));
        assert_eq!(s.all::<f64>(c"pair"), [1.0, 2.0]);
    }

    #[test]
    fn a_list_grows_but_not_without_end() {
        let s = set();
        assert_eq!(s.dimension(c"list"), Ok(0));
        assert_eq!(s.set(c"list", 1, c"b".to_owned()), Ok(()));
        assert_eq!(s.strings(c"list"), ["", "b"]);
        assert_eq!(s.set(c"list", MAX_DIMENSION, c"x".to_owned()), Err(Status::BAD_INDEX));
        assert_eq!(s.set_n(c"list", vec![c"a".to_owned()]), Ok(()));
        assert_eq!(s.dimension(c"list"), Ok(1));
    }

    #[test]
    fn types_names_and_rights_are_checked() {
        let s = set();
        assert_eq!(s.set(c"pair", 0, 1i32), Err(Status::VALUE));
        assert_eq!(s.get::<i32>(c"pair", 0), Err(Status::UNKNOWN));
        assert_eq!(s.set(c"given", 0, 1i32), Err(Status::VALUE), "the plugin may not set it");
        assert_eq!(s.set(c"nothing", 0, 1i32), Err(Status::UNKNOWN));
        assert_eq!(s.reset(c"nothing"), Err(Status::UNKNOWN));
        assert_eq!(s.get::<i32>(c"given", 1), Err(Status::BAD_INDEX));
    }
}

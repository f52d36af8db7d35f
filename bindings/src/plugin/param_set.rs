//! An instance's parameters in the host: reading, writing and keyframes.

use std::{
    ffi::{CStr, c_char, c_int, c_uint},
    ptr,
};

use super::{
    error::{Error, Result},
    param::{ParamId, ParamSpec, Value},
    property::{Props, c_text},
    suites::{Handle, Suites},
};
use crate::{
    Context, Status,
    sys::{
        generic::core::OfxPropertySetStruct,
        image_effect_v1::param::{OfxParamHandle, OfxParamSetStruct, OfxParamStruct},
    },
};

/// When a value is wanted: as it stands (allowed while editing), or at a time.
#[derive(Clone, Copy, Debug, PartialEq)]
#[doc(hidden)]
pub enum When {
    Now,
    At(f64),
}

/// A parameter with the host's handles to it; without, where the host or the context does not have it.
pub(crate) struct Slot {
    pub(crate) spec: ParamSpec,
    handle: Option<Handle<OfxParamStruct>>,
    props: Option<Handle<OfxPropertySetStruct>>,
}

/// Every parameter of an instance.
pub(crate) struct ParamTable {
    set: Option<Handle<OfxParamSetStruct>>,
    slots: Vec<Slot>,
}

impl ParamTable {
    pub(crate) fn new(
        suites: &Suites,
        set: Option<Handle<OfxParamSetStruct>>,
        context: Context,
        specs: Vec<ParamSpec>,
    ) -> Self {
        let find = |spec: &ParamSpec| {
            let (get, set) = (suites.param.paramGetHandle?, set.filter(|_| spec.is_in(context))?);
            let (mut handle, mut props) = (ptr::null_mut(), ptr::null_mut());
            // SAFETY: the set is the host's own, the name a C string, both places outlive the call.
            let status = unsafe { get(set.0, c_text(spec.id).as_ptr(), &raw mut handle, &raw mut props) };
            (status == Status::OK.0).then_some((Handle::new(handle), Handle::new(props)))
        };
        let slots = specs
            .into_iter()
            .map(|spec| {
                let (handle, props) = find(&spec).unwrap_or_default();
                Slot { spec, handle, props }
            })
            .collect();
        Self { set, slots }
    }

    pub(crate) fn entry<'a>(&'a self, suites: &'a Suites, id: &str) -> Result<Entry<'a>> {
        let entry = |id: &str| self.slots.iter().find(|s| s.spec.id == id).map(|slot| Entry { slot, suites });
        let found = entry(id).ok_or_else(|| Error::Failed(format!("There is no parameter “{id}”")))?;
        // The other name counts where it was used.
        let other = found.spec().mlt_id.and_then(entry);
        let used = |other: &Entry<'_>| matches!(other.text(When::Now), Ok(Some(text)) if !text.is_empty());
        Ok(other.filter(used).unwrap_or(found))
    }

    pub(crate) fn edit_begin(&self, suites: &Suites, label: &str) {
        if let (Some(begin), Some(set)) = (suites.param.paramEditBegin, self.set) {
            // SAFETY: the set is the host's own, the label a C string. A host without undo may refuse: no matter.
            unsafe { begin(set.0, c_text(label).as_ptr()) };
        }
    }

    pub(crate) fn edit_end(&self, suites: &Suites) {
        if let (Some(end), Some(set)) = (suites.param.paramEditEnd, self.set) {
            // SAFETY: the set is the host's own.
            unsafe { end(set.0) };
        }
    }
}

/// Reads a snapshot of the parameters at one moment.
pub struct ParamReader<'a> {
    pub(crate) table: &'a ParamTable,
    pub(crate) suites: &'a Suites,
    pub(crate) when: When,
}

impl ParamReader<'_> {
    /// One parameter's value.
    ///
    /// # Errors
    /// When the host refuses, or holds a value that makes no sense.
    pub fn get<T: Value>(&self, id: ParamId<T>) -> Result<T> {
        T::read(&self.table.entry(self.suites, id.id())?, self.when)
    }
}

/// One parameter of an instance.
#[doc(hidden)]
pub struct Entry<'a> {
    slot: &'a Slot,
    suites: &'a Suites,
}

impl<'a> Entry<'a> {
    pub(crate) fn spec(&self) -> &'a ParamSpec {
        &self.slot.spec
    }

    pub(crate) fn props(&self) -> Props<'a> {
        match self.slot.props {
            Some(handle) => Props::new(&self.suites.property, handle),
            None => Props::none(&self.suites.property),
        }
    }

    pub(crate) fn wrong_type(&self) -> Error {
        Error::Failed(format!("The parameter “{}” has another type", self.slot.spec.id))
    }

    fn refused(&self, verb: &str, status: Status) -> Error {
        Error::host(format!("{verb} the parameter “{}”", self.slot.spec.label), status)
    }

    /// Reads through the host's varargs into `value`; `false` where the host does not have the parameter.
    fn get<T>(&self, when: When, value: &mut T) -> Result<bool> {
        let Some(handle) = self.slot.handle else { return Ok(false) };
        let place: *mut T = value;
        let mut status = Status::UNSUPPORTED;
        if let (When::At(time), Some(get)) = (when, self.suites.param.paramGetValueAtTime) {
            // SAFETY: the handle is the host's own; callers pick `T` by the parameter's declared type, for which the
            // standard asks one pointer to a `T`.
            status = Status(unsafe { get(handle.0, time, place) });
        }
        if status != Status::OK
            && let Some(get) = self.suites.param.paramGetValue
        {
            // SAFETY: as above.
            status = Status(unsafe { get(handle.0, place) });
        }
        if status == Status::OK { Ok(true) } else { Err(self.refused("give", status)) }
    }

    pub(crate) fn int(&self, when: When) -> Result<Option<i32>> {
        if !self.spec().is_int() {
            return Err(self.wrong_type());
        }
        let mut value: c_int = 0;
        Ok(self.get(when, &mut value)?.then_some(value))
    }

    pub(crate) fn double(&self, when: When) -> Result<Option<f64>> {
        if !self.spec().is_double() {
            return Err(self.wrong_type());
        }
        let mut value = 0.0_f64;
        Ok(self.get(when, &mut value)?.then_some(value))
    }

    pub(crate) fn text(&self, when: When) -> Result<Option<String>> {
        if !self.spec().is_text() {
            return Err(self.wrong_type());
        }
        let mut value: *mut c_char = ptr::null_mut();
        if !self.get(when, &mut value)? {
            return Ok(None);
        }
        if value.is_null() {
            return Ok(Some(String::new()));
        }
        // SAFETY: the host answered OK with a C string that lives at least until its next call; it is copied at once.
        Ok(Some(unsafe { CStr::from_ptr(value) }.to_string_lossy().into_owned()))
    }

    pub(crate) fn set_int(&self, when: When, value: i32) -> Result<()> {
        // SAFETY: an int parameter (checked) takes one C int.
        self.set(self.spec().is_int(), when, |handle, at| unsafe {
            match at {
                Some(t) => self.suites.param.paramSetValueAtTime.map(|set| set(handle, t, value)),
                None => self.suites.param.paramSetValue.map(|set| set(handle, value)),
            }
        })
    }

    pub(crate) fn set_double(&self, when: When, value: f64) -> Result<()> {
        // SAFETY: a double parameter (checked) takes one double.
        self.set(self.spec().is_double(), when, |handle, at| unsafe {
            match at {
                Some(t) => self.suites.param.paramSetValueAtTime.map(|set| set(handle, t, value)),
                None => self.suites.param.paramSetValue.map(|set| set(handle, value)),
            }
        })
    }

    pub(crate) fn set_text(&self, when: When, value: &str) -> Result<()> {
        let value = c_text(value);
        // SAFETY: a text parameter (checked) takes one C string, which the host copies.
        self.set(self.spec().is_text(), when, |handle, at| unsafe {
            match at {
                Some(t) => self.suites.param.paramSetValueAtTime.map(|set| set(handle, t, value.as_ptr())),
                None => self.suites.param.paramSetValue.map(|set| set(handle, value.as_ptr())),
            }
        })
    }

    /// The numbers of a parameter that has so many.
    pub(crate) fn doubles<const N: usize>(&self, when: When) -> Result<Option<[f64; N]>> {
        let fits = !matches!(self.spec().kind, super::param::ParamKind::Integers { .. }) && self.spec().count() == N;
        if fits { self.several(when) } else { Err(self.wrong_type()) }
    }

    /// As [`doubles`](Self::doubles), of whole numbers.
    pub(crate) fn ints<const N: usize>(&self, when: When) -> Result<Option<[c_int; N]>> {
        let fits = matches!(self.spec().kind, super::param::ParamKind::Integers { .. }) && self.spec().count() == N;
        if fits { self.several(when) } else { Err(self.wrong_type()) }
    }

    /// Reads `N` values through the host's varargs; callers pick type and number by the parameter's declared type.
    fn several<T: Copy + Default, const N: usize>(&self, when: When) -> Result<Option<[T; N]>> {
        let Some(handle) = self.slot.handle else { return Ok(None) };
        let mut values = [T::default(); N];
        let [a, b, c, d] = std::array::from_fn(|i| values.get_mut(i).map_or(ptr::null_mut(), ptr::from_mut));
        let (now, at) = (self.suites.param.paramGetValue, self.suites.param.paramGetValueAtTime);
        let mut status = Status::UNSUPPORTED;
        if let (When::At(time), Some(get)) = (when, at) {
            // SAFETY: the handle is the host's own, and the standard asks one pointer for each of the parameter's values.
            status = Status(unsafe {
                match N {
                    2 => get(handle.0, time, a, b),
                    3 => get(handle.0, time, a, b, c),
                    4 => get(handle.0, time, a, b, c, d),
                    _ => Status::VALUE.0,
                }
            });
        }
        if status != Status::OK
            && let Some(get) = now
        {
            // SAFETY: as above.
            status = Status(unsafe {
                match N {
                    2 => get(handle.0, a, b),
                    3 => get(handle.0, a, b, c),
                    4 => get(handle.0, a, b, c, d),
                    _ => Status::VALUE.0,
                }
            });
        }
        if status == Status::OK { Ok(Some(values)) } else { Err(self.refused("give", status)) }
    }

    pub(crate) fn set_doubles<const N: usize>(&self, when: When, v: [f64; N]) -> Result<()> {
        let fits = !matches!(self.spec().kind, super::param::ParamKind::Integers { .. }) && self.spec().count() == N;
        // SAFETY: such a parameter (checked) takes `N` doubles.
        self.set(fits, when, |handle, at| unsafe {
            let (now, then) = (self.suites.param.paramSetValue, self.suites.param.paramSetValueAtTime);
            match (at, N) {
                (None, 2) => now.map(|set| set(handle, v[0], v[1])),
                (None, 3) => now.map(|set| set(handle, v[0], v[1], v[2])),
                (None, 4) => now.map(|set| set(handle, v[0], v[1], v[2], v[3])),
                (Some(t), 2) => then.map(|set| set(handle, t, v[0], v[1])),
                (Some(t), 3) => then.map(|set| set(handle, t, v[0], v[1], v[2])),
                (Some(t), 4) => then.map(|set| set(handle, t, v[0], v[1], v[2], v[3])),
                _ => None,
            }
        })
    }

    pub(crate) fn set_ints<const N: usize>(&self, when: When, v: [c_int; N]) -> Result<()> {
        let fits = matches!(self.spec().kind, super::param::ParamKind::Integers { .. }) && self.spec().count() == N;
        // SAFETY: such a parameter (checked) takes `N` ints.
        self.set(fits, when, |handle, at| unsafe {
            let (now, then) = (self.suites.param.paramSetValue, self.suites.param.paramSetValueAtTime);
            match (at, N) {
                (None, 2) => now.map(|set| set(handle, v[0], v[1])),
                (None, 3) => now.map(|set| set(handle, v[0], v[1], v[2])),
                (Some(t), 2) => then.map(|set| set(handle, t, v[0], v[1])),
                (Some(t), 3) => then.map(|set| set(handle, t, v[0], v[1], v[2])),
                _ => None,
            }
        })
    }

    fn set(
        &self,
        type_fits: bool,
        when: When,
        call: impl Fn(OfxParamHandle, Option<f64>) -> Option<c_int>,
    ) -> Result<()> {
        if !type_fits {
            return Err(self.wrong_type());
        }
        let handle = self.slot.handle.ok_or_else(|| self.refused("set", Status::UNKNOWN))?;
        let at = match when {
            When::Now => None,
            When::At(time) => Some(time),
        };
        match call(handle.0, at).map_or(Status::UNSUPPORTED, Status) {
            Status::OK => Ok(()),
            status => Err(self.refused("set", status)),
        }
    }

    /// How many keyframes there are; none where the host cannot say.
    pub(crate) fn key_count(&self) -> Option<c_uint> {
        let Some(handle) = self.slot.handle else { return Some(0) };
        let mut count: c_uint = 0;
        // SAFETY: the handle is the host's own, the place outlives the call.
        let status = unsafe { self.suites.param.paramGetNumKeys?(handle.0, &raw mut count) };
        (status == Status::OK.0).then_some(count)
    }

    pub(crate) fn key_times(&self) -> Vec<f64> {
        let (Some(get), Some(handle)) = (self.suites.param.paramGetKeyTime, self.slot.handle) else {
            return Vec::new();
        };
        let count = self.key_count().unwrap_or(0);
        let time_of = |key| {
            let mut time = 0.0;
            // SAFETY: the handle is the host's own, the place outlives the call.
            let status = unsafe { get(handle.0, key, &raw mut time) };
            (status == Status::OK.0).then_some(time)
        };
        (0..count).map_while(time_of).collect()
    }

    /// The host's own integral, where it offers one that works.
    fn host_integral(&self, from: f64, to: f64) -> Option<f64> {
        let (get, handle) = (self.suites.param.paramGetIntegral?, self.slot.handle?);
        let mut value = 0.0_f64;
        // SAFETY: a double parameter (callers check) takes one pointer to a double.
        let status = unsafe { get(handle.0, from, to, &raw mut value) };
        (status == Status::OK.0 && value.is_finite()).then_some(value)
    }

    /// The integral over time in frames, by the host, else by Simpson's rule over quarter frames between the keys.
    pub(crate) fn integral(&self, from: f64, to: f64) -> Result<f64> {
        if !self.spec().is_double() {
            return Err(self.wrong_type());
        }
        if from > to {
            return Ok(-self.integral(to, from)?);
        }
        if from == to {
            return Ok(0.0);
        }
        if let Some(value) = self.host_integral(from, to) {
            return Ok(value);
        }
        let at = |t: f64| f64::read(self, When::At(t));
        if self.key_count() == Some(0) {
            return Ok(at(from)? * (to - from));
        }
        let keys = self.key_times();
        let (Some(&first), Some(&last)) = (keys.first(), keys.last()) else { return simpson(from, to, at) };
        // Before the first key and after the last a curve is flat: asking for it there step by step would take a host
        // minutes over a long clip.
        let before = (first.min(to) - from).max(0.0);
        let after = (to - last.max(from)).max(0.0);
        let mut sum = 0.0;
        if before > 0.0 {
            sum += at(from)? * before;
        }
        if after > 0.0 {
            sum += at(to)? * after;
        }
        let (low, high) = (from.max(first), to.min(last));
        Ok(if low < high { sum + simpson(low, high, at)? } else { sum })
    }
}

/// Simpson's rule with a step of at most a quarter frame: exact for curves of up to the third degree, which is what
/// hosts draw between two keyframes on whole frames.
pub(crate) fn simpson(from: f64, to: f64, at: impl Fn(f64) -> Result<f64>) -> Result<f64> {
    // A step ends on every whole frame inside, so that no step spans a keyframe.
    let mut sum = 0.0;
    let mut a = from;
    let mut value_a = at(a)?;
    while a < to {
        let b = ((a * 4.0).floor() / 4.0 + 0.25).min(to);
        // Far from zero a quarter frame can vanish in rounding; stop rather than spin.
        if b <= a {
            return Err(Error::Failed(format!("Time {a} is too large to add up a curve from")));
        }
        let value_b = at(b)?;
        sum += (b - a) / 6.0 * (value_a + 4.0 * at(f64::midpoint(a, b))? + value_b);
        (a, value_a) = (b, value_b);
    }
    Ok(sum)
}

impl ParamSpec {
    fn is_int(&self) -> bool {
        use super::param::ParamKind::{Boolean, Choice, Integer};
        matches!(self.kind, Boolean { .. } | Integer { .. } | Choice { .. })
    }

    fn is_double(&self) -> bool {
        matches!(self.kind, super::param::ParamKind::Double { .. })
    }

    /// How many numbers a parameter of several has; 0 for all others.
    fn count(&self) -> usize {
        match &self.kind {
            super::param::ParamKind::Doubles { default, .. } | super::param::ParamKind::Colour { default } => {
                default.len()
            }
            super::param::ParamKind::Integers { default, .. } => default.len(),
            _ => 0,
        }
    }

    fn is_text(&self) -> bool {
        matches!(self.kind, super::param::ParamKind::Text { .. } | super::param::ParamKind::Custom { .. })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn simpson_is_exact_for_cubics_and_corners_on_frames() {
        let cubic = simpson(0.3, 7.9, |t| Ok(t * t * t)).unwrap();
        assert!((cubic - (7.9_f64.powi(4) - 0.3_f64.powi(4)) / 4.0).abs() < 1e-9);
        let corner = simpson(0.0, 10.0, |t| Ok((t - 4.0).abs())).unwrap();
        assert!((corner - 26.0).abs() < 1e-12);
    }

    #[test]
    fn simpson_passes_errors_on_and_never_spins() {
        assert!(simpson(0.0, 1.0, |_| Err("no".into())).is_err());
        assert!(simpson(1e300, 2e300, Ok).is_err());
    }
}

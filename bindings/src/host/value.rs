//! Parameter values and how they run over time.

use std::fmt;

use super::error::HostError;
use crate::props;

/// The standard's kinds of parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum ParamKind {
    Integer,
    Integer2D,
    Integer3D,
    Double,
    Double2D,
    Double3D,
    Rgb,
    Rgba,
    Boolean,
    Choice,
    StrChoice,
    String,
    Custom,
    Bytes,
    Parametric,
    Group,
    Page,
    PushButton,
}

impl ParamKind {
    /// Every kind.
    pub const ALL: &[Self] = &[
        Self::Integer,
        Self::Integer2D,
        Self::Integer3D,
        Self::Double,
        Self::Double2D,
        Self::Double3D,
        Self::Rgb,
        Self::Rgba,
        Self::Boolean,
        Self::Choice,
        Self::StrChoice,
        Self::String,
        Self::Custom,
        Self::Bytes,
        Self::Parametric,
        Self::Group,
        Self::Page,
        Self::PushButton,
    ];

    /// The standard's string.
    #[must_use]
    pub fn as_cstr(self) -> &'static std::ffi::CStr {
        match self {
            Self::Integer => props::PARAM_TYPE_INTEGER,
            Self::Integer2D => props::PARAM_TYPE_INTEGER_2D,
            Self::Integer3D => props::PARAM_TYPE_INTEGER_3D,
            Self::Double => props::PARAM_TYPE_DOUBLE,
            Self::Double2D => props::PARAM_TYPE_DOUBLE_2D,
            Self::Double3D => props::PARAM_TYPE_DOUBLE_3D,
            Self::Rgb => props::PARAM_TYPE_RGB,
            Self::Rgba => props::PARAM_TYPE_RGBA,
            Self::Boolean => props::PARAM_TYPE_BOOLEAN,
            Self::Choice => props::PARAM_TYPE_CHOICE,
            Self::StrChoice => props::PARAM_TYPE_STR_CHOICE,
            Self::String => props::PARAM_TYPE_STRING,
            Self::Custom => props::PARAM_TYPE_CUSTOM,
            Self::Bytes => props::PARAM_TYPE_BYTES,
            Self::Parametric => crate::sys::image_effect_v1::parametric_param::kOfxParamTypeParametric,
            Self::Group => props::PARAM_TYPE_GROUP,
            Self::Page => props::PARAM_TYPE_PAGE,
            Self::PushButton => props::PARAM_TYPE_PUSH_BUTTON,
        }
    }

    /// The kind that the standard's string names.
    #[must_use]
    pub fn from_cstr(s: &std::ffi::CStr) -> Option<Self> {
        Self::ALL.iter().copied().find(|k| k.as_cstr() == s)
    }

    /// Numbers in a value; 0 for what is not a number.
    #[must_use]
    pub const fn dimension(self) -> usize {
        match self {
            Self::Integer | Self::Double | Self::Boolean | Self::Choice => 1,
            Self::Integer2D | Self::Double2D => 2,
            Self::Integer3D | Self::Double3D | Self::Rgb => 3,
            Self::Rgba => 4,
            _ => 0,
        }
    }

    /// Whether its numbers are doubles, which are interpolated between keys.
    #[must_use]
    pub const fn is_double(self) -> bool {
        matches!(self, Self::Double | Self::Double2D | Self::Double3D | Self::Rgb | Self::Rgba)
    }

    /// Whether its numbers are ints.
    #[must_use]
    pub const fn is_int(self) -> bool {
        matches!(self, Self::Integer | Self::Integer2D | Self::Integer3D | Self::Boolean | Self::Choice)
    }

    /// Whether it holds text.
    #[must_use]
    pub const fn is_text(self) -> bool {
        matches!(self, Self::String | Self::Custom | Self::StrChoice)
    }

    /// Whether it holds a value at all.
    #[must_use]
    pub const fn has_value(self) -> bool {
        self.dimension() > 0 || self.is_text() || matches!(self, Self::Bytes)
    }
}

impl fmt::Display for ParamKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Integer => "whole number",
            Self::Integer2D => "two whole numbers",
            Self::Integer3D => "three whole numbers",
            Self::Double => "number",
            Self::Double2D => "two numbers",
            Self::Double3D => "three numbers",
            Self::Rgb => "colour",
            Self::Rgba => "colour with alpha",
            Self::Boolean => "switch (on or off)",
            Self::Choice | Self::StrChoice => "choice",
            Self::String => "text",
            Self::Custom => "custom data",
            Self::Bytes => "bytes",
            Self::Parametric => "curve",
            Self::Group => "group",
            Self::Page => "page",
            Self::PushButton => "button",
        })
    }
}

/// A parameter's value.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Integer, boolean and choice parameters, of one to three dimensions.
    Ints(Vec<i32>),
    /// Double and colour parameters, of one to four dimensions.
    Doubles(Vec<f64>),
    /// Strings; given for another kind, it is read as that kind: `"0.5"`, `"1, 2"`, `"on"`, a choice's label.
    Text(String),
    /// Bytes.
    Bytes(Vec<u8>),
}

macro_rules! value_from {
    ($($ty:ty, $v:ident => $make:expr;)+) => { $(impl From<$ty> for Value { fn from($v: $ty) -> Self { $make } })+ };
}
value_from! {
    i32, v => Self::Ints(vec![v]);
    bool, v => Self::Ints(vec![i32::from(v)]);
    f64, v => Self::Doubles(vec![v]);
    [i32; 2], v => Self::Ints(v.to_vec());
    [i32; 3], v => Self::Ints(v.to_vec());
    [f64; 2], v => Self::Doubles(v.to_vec());
    [f64; 3], v => Self::Doubles(v.to_vec());
    [f64; 4], v => Self::Doubles(v.to_vec());
    &str, v => Self::Text(v.to_owned());
    String, v => Self::Text(v);
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ints(v) => f.write_str(&v.iter().map(i32::to_string).collect::<Vec<_>>().join(", ")),
            Self::Doubles(v) => f.write_str(&v.iter().map(f64::to_string).collect::<Vec<_>>().join(", ")),
            Self::Text(v) => f.write_str(v),
            Self::Bytes(v) => write!(f, "{} bytes", v.len()),
        }
    }
}

/// What a value is checked against: the parameter's kind, choices and limits.
#[derive(Clone, Debug)]
pub(crate) struct Domain<'a> {
    pub(crate) id: &'a str,
    pub(crate) kind: ParamKind,
    pub(crate) choices: &'a [String],
    /// A string choice's values, in the order of the labels.
    pub(crate) names: &'a [String],
    pub(crate) min: &'a [f64],
    pub(crate) max: &'a [f64],
}

impl Domain<'_> {
    fn wrong(&self, what: String) -> HostError {
        HostError::Value { param: self.id.to_owned(), what }
    }

    /// The value as the parameter keeps it, or why it cannot.
    pub(crate) fn accept(&self, value: Value) -> Result<Value, HostError> {
        let value = match value {
            Value::Text(text) if !self.kind.is_text() => self.parse(&text)?,
            Value::Text(text) if self.kind == ParamKind::StrChoice => self.name_of(text)?,
            Value::Ints(v) if self.kind.is_double() => Value::Doubles(v.into_iter().map(f64::from).collect()),
            Value::Ints(v) if self.kind == ParamKind::StrChoice => {
                let index = v.first().and_then(|i| usize::try_from(*i).ok());
                match index.and_then(|i| self.names.get(i)) {
                    Some(name) => Value::Text(name.clone()),
                    None => return Err(self.wrong(format!("there is no choice number {v:?}"))),
                }
            }
            other => other,
        };
        let fits = match &value {
            Value::Ints(v) => self.kind.is_int() && v.len() == self.kind.dimension(),
            Value::Doubles(v) => self.kind.is_double() && v.len() == self.kind.dimension(),
            Value::Text(_) => self.kind.is_text(),
            Value::Bytes(_) => self.kind == ParamKind::Bytes,
        };
        if !fits {
            return Err(self.wrong(format!("it is a {}, and \"{value}\" is not", self.kind)));
        }
        self.check_limits(&value)?;
        Ok(value)
    }

    fn check_limits(&self, value: &Value) -> Result<(), HostError> {
        let numbers: Vec<f64> = match value {
            Value::Ints(v) => v.iter().map(|v| f64::from(*v)).collect(),
            Value::Doubles(v) => v.clone(),
            _ => return Ok(()),
        };
        if self.kind == ParamKind::Choice {
            let inside = numbers.first().is_some_and(|v| (0.0..self.choices.len() as f64).contains(v));
            return if inside { Ok(()) } else { Err(self.wrong(format!("there is no choice number {value}"))) };
        }
        for (i, v) in numbers.iter().enumerate() {
            let (min, max) = (self.min.get(i).copied(), self.max.get(i).copied());
            if v.is_nan() || min.is_some_and(|m| *v < m) || max.is_some_and(|m| *v > m) {
                let (min, max) = (min.unwrap_or(f64::NEG_INFINITY), max.unwrap_or(f64::INFINITY));
                return Err(self.wrong(format!("{v} is outside its limits, {min} to {max}")));
            }
        }
        Ok(())
    }

    fn parse(&self, text: &str) -> Result<Value, HostError> {
        let text = text.trim();
        let wrong = || self.wrong(format!("it is a {}, and \"{text}\" is not", self.kind));
        let numbers = || text.split([',', ' ', '/', 'x']).map(str::trim).filter(|p| !p.is_empty());
        match self.kind {
            ParamKind::Boolean => match text.to_ascii_lowercase().as_str() {
                "1" | "true" | "on" | "yes" => Ok(Value::from(true)),
                "0" | "false" | "off" | "no" => Ok(Value::from(false)),
                _ => Err(wrong()),
            },
            ParamKind::Choice => {
                let label = self.choices.iter().position(|c| c.eq_ignore_ascii_case(text));
                let index = label.and_then(|i| i32::try_from(i).ok()).or_else(|| text.parse().ok());
                index.map(Value::from).ok_or_else(|| self.no_choice(text))
            }
            kind if kind.is_int() => {
                numbers().map(|p| p.parse().ok()).collect::<Option<_>>().map(Value::Ints).ok_or_else(wrong)
            }
            kind if kind.is_double() => {
                numbers().map(|p| p.parse().ok()).collect::<Option<_>>().map(Value::Doubles).ok_or_else(wrong)
            }
            _ => Err(wrong()),
        }
    }

    fn name_of(&self, text: String) -> Result<Value, HostError> {
        if self.names.contains(&text) {
            return Ok(Value::Text(text));
        }
        let label = self.choices.iter().position(|c| c.eq_ignore_ascii_case(&text));
        match label.and_then(|i| self.names.get(i)) {
            Some(name) => Ok(Value::Text(name.clone())),
            None => Err(self.no_choice(&text)),
        }
    }

    fn no_choice(&self, text: &str) -> HostError {
        self.wrong(format!("there is no choice \"{text}\"; choose one of: {}", self.choices.join(", ")))
    }
}

/// Values over time: one value, or keys sorted by time. Doubles run straight from key to key, anything else holds; both
/// hold before the first key and after the last.
#[derive(Clone, Debug)]
pub(crate) struct Curve<T> {
    pub(crate) value: T,
    pub(crate) keys: Vec<(f64, T)>,
}

impl<T: AsRef<Value>> Curve<T> {
    /// Index of the last key at or before a time.
    fn before(&self, time: f64) -> Option<usize> {
        self.keys.partition_point(|(t, _)| *t <= time).checked_sub(1)
    }

    /// The value that holds at a time, without interpolation.
    pub(crate) fn held(&self, time: f64) -> &T {
        let first = self.keys.first().map_or(&self.value, |(_, v)| v);
        self.before(time).map_or(first, |i| &self.keys[i].1)
    }

    pub(crate) fn at(&self, time: f64) -> Value {
        let held = self.held(time).as_ref();
        let Value::Doubles(from) = held else { return held.clone() };
        let Some(i) = self.before(time) else { return held.clone() };
        let Some((t1, Value::Doubles(to))) = self.keys.get(i + 1).map(|(t, v)| (*t, v.as_ref())) else {
            return held.clone();
        };
        let t0 = self.keys[i].0;
        let k = (time - t0) / (t1 - t0);
        Value::Doubles(from.iter().zip(to).map(|(a, b)| a + (b - a) * k).collect())
    }

    fn doubles(&self, time: f64) -> Option<Vec<f64>> {
        if let Value::Doubles(v) = self.at(time) { Some(v) } else { None }
    }

    /// Slope per frame; on a key, the slope to the right of it.
    pub(crate) fn derivative(&self, time: f64) -> Option<Vec<f64>> {
        let flat = self.doubles(time)?;
        let flat = vec![0.0; flat.len()];
        let Some(i) = self.before(time) else { return Some(flat) };
        let (Some((t0, a)), Some((t1, b))) = (self.keys.get(i), self.keys.get(i + 1)) else { return Some(flat) };
        let (Value::Doubles(a), Value::Doubles(b)) = (a.as_ref(), b.as_ref()) else { return None };
        Some(a.iter().zip(b).map(|(a, b)| (b - a) / (t1 - t0)).collect())
    }

    /// The exact integral from one time to another; negative when they run backwards.
    pub(crate) fn integral(&self, from: f64, to: f64) -> Option<Vec<f64>> {
        let (low, high) = (from.min(to), from.max(to));
        let mut stops = vec![low];
        stops.extend(self.keys.iter().map(|(t, _)| *t).filter(|t| *t > low && *t < high));
        stops.push(high);
        let mut sum = vec![0.0; self.doubles(low)?.len()];
        for pair in stops.windows(2) {
            let (a, b) = (self.doubles(pair[0])?, self.doubles(pair[1])?);
            for ((s, a), b) in sum.iter_mut().zip(a).zip(b) {
                *s += (a + b) / 2.0 * (pair[1] - pair[0]);
            }
        }
        if to < from {
            sum.iter_mut().for_each(|s| *s = -*s);
        }
        Some(sum)
    }

    pub(crate) fn set_key(&mut self, time: f64, value: T) -> Option<T> {
        match self.keys.iter().position(|(t, _)| *t == time) {
            Some(i) => Some(std::mem::replace(&mut self.keys[i].1, value)),
            None => {
                let at = self.keys.partition_point(|(t, _)| *t < time);
                self.keys.insert(at, (time, value));
                None
            }
        }
    }
}

impl AsRef<Self> for Value {
    fn as_ref(&self) -> &Self {
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn curve() -> Curve<Value> {
        let mut c = Curve { value: Value::from(7.0), keys: Vec::new() };
        c.set_key(10.0, Value::from(2.0));
        c.set_key(0.0, Value::from(1.0));
        c.set_key(20.0, Value::from(2.0));
        c
    }

    #[test]
    fn doubles_run_straight_and_hold_at_the_ends() {
        let c = curve();
        for (t, v) in [(-5.0, 1.0), (0.0, 1.0), (5.0, 1.5), (10.0, 2.0), (15.0, 2.0), (99.0, 2.0)] {
            assert_eq!(c.at(t), Value::from(v), "at {t}");
        }
        assert_eq!(c.derivative(5.0), Some(vec![0.1]));
        assert_eq!(c.derivative(15.0), Some(vec![0.0]));
        assert_eq!(c.derivative(-1.0), Some(vec![0.0]));
    }

    #[test]
    fn the_integral_is_exact_across_keys_and_backwards() {
        let c = curve();
        assert_eq!(c.integral(-2.0, 12.0), Some(vec![2.0 + 15.0 + 4.0]));
        assert_eq!(c.integral(12.0, -2.0), Some(vec![-21.0]));
        assert_eq!(c.integral(3.0, 3.0), Some(vec![0.0]));
    }

    #[test]
    fn other_kinds_hold() {
        let mut c = Curve { value: Value::from(0), keys: Vec::new() };
        c.set_key(0.0, Value::from(1));
        c.set_key(10.0, Value::from(5));
        assert_eq!(c.at(9.9), Value::from(1));
        assert_eq!(c.at(10.0), Value::from(5));
        assert_eq!(c.derivative(5.0), None);
    }

    #[test]
    fn text_is_read_as_the_parameters_kind() {
        let choices = ["Result".to_owned(), "Matte".to_owned()];
        let domain = |kind| Domain { id: "p", kind, choices: &choices, names: &[], min: &[0.0], max: &[4.0] };
        let read = |kind, text: &str| domain(kind).accept(Value::from(text));
        assert_eq!(read(ParamKind::Double, "0.5").ok(), Some(Value::from(0.5)));
        assert_eq!(read(ParamKind::Double2D, "1, 2").ok(), Some(Value::from([1.0, 2.0])));
        assert_eq!(read(ParamKind::Boolean, "on").ok(), Some(Value::from(true)));
        assert_eq!(read(ParamKind::Choice, "matte").ok(), Some(Value::from(1)));
        assert_eq!(read(ParamKind::String, "101-104").ok(), Some(Value::from("101-104")));
        assert_eq!(domain(ParamKind::Double).accept(Value::from(3)).ok(), Some(Value::from(3.0)));
        for (kind, text) in [
            (ParamKind::Double, "5"),
            (ParamKind::Double, "fast"),
            (ParamKind::Double, "nan"),
            (ParamKind::Double2D, "1"),
            (ParamKind::Boolean, "maybe"),
            (ParamKind::Choice, "Nothing"),
            (ParamKind::Choice, "2"),
            (ParamKind::PushButton, "1"),
        ] {
            let error = read(kind, text).expect_err(text).to_string();
            assert!(error.contains('p') && error.contains(text.trim_end_matches(".0")) || text == "nan", "{error}");
        }
    }
}

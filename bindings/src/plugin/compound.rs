//! Parameters of several numbers: points, sizes and colours.

use super::{
    error::{Error, Result},
    param::{Field, ParamKind, Value},
    param_set::{Entry, When},
};

/// A colour: red, green and blue, from 0 to 1 as a colour picker has it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Rgb(pub [f64; 3]);

/// A colour with alpha, not associated.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Rgba(pub [f64; 4]);

/// The least and the most of each number, and of each as it is shown.
#[derive(Clone, Debug, PartialEq)]
pub struct Limits<T> {
    /// The least.
    pub min: Vec<T>,
    /// The most.
    pub max: Vec<T>,
    /// The least that a control shows.
    pub display_min: Vec<T>,
    /// The most that a control shows.
    pub display_max: Vec<T>,
}

fn limits<T: Copy, const N: usize>(field: &Field<[T; N]>, all: (T, T)) -> Limits<T> {
    let (min, max) = field.range.unwrap_or(([all.0; N], [all.1; N]));
    let (display_min, display_max) = field.display.unwrap_or((min, max));
    Limits { min: min.into(), max: max.into(), display_min: display_min.into(), display_max: display_max.into() }
}

/// What the host gave, or the default; no number that is none.
fn sound<const N: usize>(entry: &Entry<'_>, given: Option<[f64; N]>, default: &[f64]) -> Result<[f64; N]> {
    let values = match given {
        Some(values) => values,
        None => default.try_into().map_err(|_| entry.wrong_type())?,
    };
    if values.iter().any(|v| v.is_nan()) {
        return Err(Error::Failed(format!("“{}” has a value that is not a number: type one", entry.spec().label)));
    }
    Ok(values)
}

fn within<T: Copy + PartialOrd, const N: usize>(mut values: [T; N], limits: &Limits<T>) -> [T; N] {
    for (value, (min, max)) in values.iter_mut().zip(limits.min.iter().zip(&limits.max)) {
        if *value < *min {
            *value = *min;
        } else if *value > *max {
            *value = *max;
        }
    }
    values
}

macro_rules! doubles {
    ($n:literal) => {
        impl Value for [f64; $n] {
            fn kind(field: Field<Self>) -> ParamKind {
                let limits = limits(&field, (f64::MIN, f64::MAX));
                let (digits, increment) = (field.digits.unwrap_or(3), field.increment.unwrap_or(0.01));
                ParamKind::Doubles { default: field.default.unwrap_or_default().into(), limits, digits, increment }
            }

            fn read(entry: &Entry<'_>, when: When) -> Result<Self> {
                let ParamKind::Doubles { default, limits, .. } = &entry.spec().kind else {
                    return Err(entry.wrong_type());
                };
                Ok(within(sound(entry, entry.doubles(when)?, default)?, limits))
            }

            fn write(&self, entry: &Entry<'_>, when: When) -> Result<()> {
                entry.set_doubles(when, *self)
            }
        }
    };
}
doubles!(2);
doubles!(3);

macro_rules! integers {
    ($n:literal) => {
        impl Value for [i32; $n] {
            fn kind(field: Field<Self>) -> ParamKind {
                let limits = limits(&field, (i32::MIN, i32::MAX));
                ParamKind::Integers { default: field.default.unwrap_or_default().into(), limits }
            }

            fn read(entry: &Entry<'_>, when: When) -> Result<Self> {
                let ParamKind::Integers { default, limits } = &entry.spec().kind else {
                    return Err(entry.wrong_type());
                };
                let values = match entry.ints(when)? {
                    Some(values) => values,
                    None => default[..].try_into().map_err(|_| entry.wrong_type())?,
                };
                Ok(within(values, limits))
            }

            fn write(&self, entry: &Entry<'_>, when: When) -> Result<()> {
                entry.set_ints(when, *self)
            }
        }
    };
}
integers!(2);
integers!(3);

macro_rules! colour {
    ($ty:ident) => {
        impl Value for $ty {
            fn kind(field: Field<Self>) -> ParamKind {
                ParamKind::Colour { default: field.default.unwrap_or_default().0.into() }
            }

            fn read(entry: &Entry<'_>, when: When) -> Result<Self> {
                let ParamKind::Colour { default } = &entry.spec().kind else { return Err(entry.wrong_type()) };
                Ok(Self(sound(entry, entry.doubles(when)?, default)?))
            }

            fn write(&self, entry: &Entry<'_>, when: When) -> Result<()> {
                entry.set_doubles(when, self.0)
            }
        }
    };
}
colour!(Rgb);
colour!(Rgba);

//! What is done value by value: by all threads, and in one pass over memory. Candle's functions of one tensor, its comparisons and its
//! choices take one thread and often several passes.
//!
//! Maps are `[1, C, H, W]`. A second one may have one plane for all of the first's, or one value for a whole plane.

use std::ops::Range;

use candle_core::{Result, Tensor, bail};
use pulp::Arch;

use super::{CpuKernel, Planes, banded::by_bands, on_planes, planar};

/// Values that a thread takes at a time: few enough for its first-level cache, enough to outweigh the handing over.
const PART: usize = 1 << 12;

/// A function of each value.
pub(crate) fn each(x: &Tensor, f: impl Fn(f32) -> f32 + Sync) -> Result<Tensor> {
    let x = one_image("each", "the map", x)?;
    let run = on_planes(|maps: &[Planes<'_>]| {
        let x = maps[0];
        let values = by_part(x.c, x.h * x.w, |plane, part, out| {
            for (out, x) in out.iter_mut().zip(&x.plane(0, plane)[part]) {
                *out = f(*x);
            }
        });
        Ok((values, (1, x.c, x.h, x.w).into()))
    });
    x.apply_op1_no_bwd(&CpuKernel { name: "each", run })
}

/// A function of each two values of two maps.
pub(crate) fn both(x: &Tensor, y: &Tensor, f: impl Fn(f32, f32) -> f32 + Sync) -> Result<Tensor> {
    let (x, y) = (one_image("both", "the first map", x)?, one_image("both", "the second map", y)?);
    let run = on_planes(|maps: &[Planes<'_>]| {
        let (x, y) = (maps[0], maps[1]);
        if !has_planes_for(y, x) || ((y.h, y.w) != (x.h, x.w) && (y.h, y.w) != (1, 1)) {
            bail!("both: a map of {} planes of {}x{} does not fit one of {} of {}x{}", y.c, y.w, y.h, x.c, x.w, x.h)
        }
        let values = by_part(x.c, x.h * x.w, |plane, part, out| {
            let (x, y) = (&x.plane(0, plane)[part.clone()], y.plane(0, plane % y.c));
            if let [y] = y {
                out.iter_mut().zip(x).for_each(|(out, x)| *out = f(*x, *y));
            } else {
                out.iter_mut().zip(x).zip(&y[part]).for_each(|((out, x), y)| *out = f(*x, *y));
            }
        });
        Ok((values, (1, x.c, x.h, x.w).into()))
    });
    x.apply_op2_no_bwd(&y, &CpuKernel { name: "both", run })
}

/// `one` where `which` is above a half, else `other`.
pub(crate) fn chosen(which: &Tensor, one: &Tensor, other: &Tensor) -> Result<Tensor> {
    let which = one_image("chosen", "what chooses", which)?;
    let (one, other) = (one_image("chosen", "the first map", one)?, one_image("chosen", "the second map", other)?);
    let run = on_planes(|maps: &[Planes<'_>]| {
        let (which, one, other) = (maps[0], maps[1], maps[2]);
        if !fits(which, one) || !fits(other, one) || other.c != one.c {
            bail!("chosen: the maps differ in their size")
        }
        let values = by_part(one.c, one.h * one.w, |plane, part, out| {
            let which = &which.plane(0, plane % which.c)[part.clone()];
            let (one, other) = (&one.plane(0, plane)[part.clone()], &other.plane(0, plane)[part]);
            for (((out, which), one), other) in out.iter_mut().zip(which).zip(one).zip(other) {
                *out = if *which > 0.5 { *one } else { *other };
            }
        });
        Ok((values, (1, one.c, one.h, one.w).into()))
    });
    which.apply_op3_no_bwd(&one, &other, &CpuKernel { name: "chosen", run })
}

/// One plane of all: the first plane's values, joined by `f` with the next plane's and so on, and what `last` makes of that.
pub(crate) fn across(
    x: &Tensor,
    f: impl Fn(f32, f32) -> f32 + Sync,
    last: impl Fn(f32) -> f32 + Sync,
) -> Result<Tensor> {
    let x = one_image("across", "the map", x)?;
    let run = on_planes(|maps: &[Planes<'_>]| {
        let x = maps[0];
        let values = by_part(1, x.h * x.w, |_, part, out| {
            out.copy_from_slice(&x.plane(0, 0)[part.clone()]);
            for plane in 1..x.c {
                out.iter_mut().zip(&x.plane(0, plane)[part.clone()]).for_each(|(out, x)| *out = f(*out, *x));
            }
            out.iter_mut().for_each(|out| *out = last(*out));
        });
        Ok((values, (1, 1, x.h, x.w).into()))
    });
    x.apply_op1_no_bwd(&CpuKernel { name: "across", run })
}

/// Checks that a tensor is a map: of one image.
fn one_image(kernel: &str, what: &str, x: &Tensor) -> Result<Tensor> {
    let x = planar(kernel, what, x)?;
    if x.dim(0)? != 1 {
        bail!("{kernel}: {what} must be of one image, got {:?}", x.dims())
    }
    Ok(x)
}

/// Whether a map has as many planes as another, or one for all of them.
fn has_planes_for(map: Planes<'_>, other: Planes<'_>) -> bool {
    map.c == other.c || map.c == 1
}

fn fits(map: Planes<'_>, other: Planes<'_>) -> bool {
    (map.h, map.w) == (other.h, other.w) && has_planes_for(map, other)
}

/// So many planes of a size, made part by part: `make` is told the plane, and which of its values are wanted.
fn by_part(planes: usize, size: usize, make: impl Fn(usize, Range<usize>, &mut [f32]) + Sync) -> Vec<f32> {
    let arch = Arch::new();
    by_bands((planes, 1, size, 1), PART, |plane, first, parts| {
        let part = &mut *parts[0];
        arch.dispatch(|| make(plane, first..first + part.len(), part));
    })
}

#[cfg(test)]
mod tests {
    use super::{
        super::test::{Rng, assert_same_on_any_threads, flat},
        *,
    };

    /// More than a part, and no whole number of them.
    const SIZE: (usize, usize) = (71, 63);

    fn map(seed: u64, channels: usize, size: (usize, usize)) -> Tensor {
        Rng::new(seed).tensor(&[1, channels, size.0, size.1], 1.0)
    }

    fn same(got: &Tensor, known: &Tensor) {
        assert_eq!(got.dims(), known.dims());
        assert_eq!(flat(got), flat(known));
    }

    #[test]
    fn each_value_is_what_candle_makes_of_it() {
        let x = map(1, 3, SIZE);
        same(&each(&x, |x| x * 2.5 + 0.5).unwrap(), &x.affine(2.5, 0.5).unwrap());
        same(&each(&x.narrow(3, 5, 20).unwrap(), f32::abs).unwrap(), &x.narrow(3, 5, 20).unwrap().abs().unwrap());
        assert_same_on_any_threads(|| each(&x, f32::exp));
        assert!(each(&x.repeat((2, 1, 1, 1)).unwrap(), f32::abs).is_err(), "two images");
    }

    #[test]
    fn a_second_map_has_as_many_planes_or_one_or_values_alone() {
        let x = map(1, 3, SIZE);
        for y in [map(2, 3, SIZE), map(3, 1, SIZE), map(4, 3, (1, 1)), map(5, 1, (1, 1))] {
            same(&both(&x, &y, |x, y| x - y).unwrap(), &x.broadcast_sub(&y).unwrap());
        }
        for y in [map(2, 2, SIZE), map(2, 3, (71, 62)), map(2, 2, (1, 1))] {
            assert!(both(&x, &y, |x, y| x - y).is_err(), "{:?}", y.dims());
        }
    }

    #[test]
    fn one_map_is_chosen_where_another_says_so() {
        let (one, other) = (map(1, 3, SIZE), map(2, 3, SIZE));
        for which in [map(3, 1, SIZE), map(4, 3, SIZE)] {
            let broadcast = which.gt(0.5).unwrap().broadcast_as(one.shape()).unwrap();
            let known = broadcast.where_cond(&one, &other).unwrap();
            same(&chosen(&which, &one, &other).unwrap(), &known);
        }
        assert!(chosen(&map(3, 2, SIZE), &one, &other).is_err());
        assert!(chosen(&map(3, 1, SIZE), &one, &map(2, 1, SIZE)).is_err());
    }

    #[test]
    fn planes_become_one() {
        let x = map(1, 5, SIZE);
        same(&across(&x, |a, b| a + b, |sum| sum).unwrap(), &x.sum_keepdim(1).unwrap());
        same(&across(&x, f32::max, |most| most).unwrap(), &x.max_keepdim(1).unwrap());
        same(&across(&map(1, 1, SIZE), f32::max, |most| 2.0 * most).unwrap(), &(map(1, 1, SIZE) * 2.0).unwrap());
    }
}

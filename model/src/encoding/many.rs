//! Curves for whole pictures: looked up, many values at once.

use std::sync::OnceLock;

use pulp::{Arch, Simd, WithSimd};

use super::{Encoding, Matrix};
use crate::{
    srgb::ManyDecoded,
    table::{FineTable, Table},
};

type Function = Box<dyn Fn(f32) -> f32 + Send + Sync>;

/// A curve that is looked up.
type Curve = Table<Function>;

/// A table for each encoding, calculated when it is first asked for.
type Tables<T> = [OnceLock<T>; Encoding::ALL.len()];

impl Encoding {
    /// [`value`](Self::value) for many.
    pub(crate) fn values(self) -> impl Fn(f32) -> f32 + Sync {
        let table = self.by_root();
        move |light| match table {
            Some(table) if light >= 0.0 => table.at(light.sqrt().sqrt()),
            _ => self.value(light),
        }
    }

    /// Values by the fourth root of light, over which no curve is steep, not even at black; none where values are light.
    fn by_root(self) -> Option<&'static Curve> {
        static CURVES: Tables<Curve> = [const { OnceLock::new() }; Encoding::ALL.len()];
        let curve = move |root: f32| self.value(root * root * (root * root));
        (!self.is_linear()).then(|| CURVES[self as usize].get_or_init(|| Table::new(0.0..=1.5, Box::new(curve))))
    }

    /// Each of some lights as a value, by the curve over their fourth roots: many at once where none is below black.
    #[inline(always)]
    fn each_value(self, by_root: &Curve, lights: &mut [f32]) {
        let mut above = true;
        lights.iter().for_each(|light| above &= *light >= 0.0);
        if above {
            lights.iter_mut().for_each(|v| *v = v.sqrt().sqrt());
            by_root.each(lights);
        } else {
            lights.iter_mut().for_each(|v| *v = self.value(*v));
        }
    }

    /// [`light`](Self::light) for many values: signals are looked up.
    pub(crate) fn lights(self) -> impl Fn(f32) -> f32 + Sync {
        // Near black a signal may stand for next to no light, and what is off there is seen when it becomes a signal again: more steps than
        // other tables have.
        static CURVES: Tables<FineTable<Function>> = [const { OnceLock::new() }; Encoding::ALL.len()];
        let table = (!self.is_linear())
            .then(|| CURVES[self as usize].get_or_init(|| FineTable::new(0.0..=1.1, Box::new(move |v| self.light(v)))));
        move |v| table.map_or(v, |table| table.at(v))
    }

    /// [`of_shown`](Self::of_shown) for many colours, right to 1e-5, or a hundred-thousandth of what is above 1; a fourth channel stays.
    /// `raise` may change their light, red, green and blue of Rec. 709.
    pub fn of_many_shown(self, pixels: &mut [[f32; 4]], raise: Option<&dyn Fn([f32; 3]) -> [f32; 3]>) {
        if self == Self::Display && raise.is_none() {
            return;
        }
        let matrix = (self.primaries() != Self::Display.primaries()).then(|| &self.matrices()[1]);
        Arch::new().dispatch(Placed {
            encoding: self,
            lights: ManyDecoded::get(),
            raise,
            matrix,
            values: self.by_root(),
            pixels,
        });
    }
}

/// Colours on their way from a monitor's encoding to another.
struct Placed<'a> {
    encoding: Encoding,
    lights: &'a ManyDecoded,
    raise: Option<&'a dyn Fn([f32; 3]) -> [f32; 3]>,
    /// From Rec. 709, where the primaries are others.
    matrix: Option<&'a Matrix>,
    /// By the fourth root of light; none where values are light.
    values: Option<&'a Curve>,
    pixels: &'a mut [[f32; 4]],
}

impl WithSimd for Placed<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        const RUN: usize = 64;
        let Self { encoding, lights, raise, matrix, values, pixels } = self;
        if let (None, None, None) = (raise, matrix, values) {
            return lights.each_colour(pixels);
        }
        let mut planes = [[0.0; RUN]; 3];
        for pixels in pixels.chunks_mut(RUN) {
            for (i, pixel) in pixels.iter().enumerate() {
                (0..3).for_each(|c| planes[c][i] = pixel[c]);
            }
            let [red, green, blue] = planes.each_mut().map(|plane| &mut plane[..pixels.len()]);
            for plane in [&mut *red, &mut *green, &mut *blue] {
                lights.each(plane);
            }
            if let Some(raise) = raise {
                for ((r, g), b) in red.iter_mut().zip(&mut *green).zip(&mut *blue) {
                    [*r, *g, *b] = raise([*r, *g, *b]);
                }
            }
            if let Some([for_red, for_green, for_blue]) = matrix {
                for ((r, g), b) in red.iter_mut().zip(&mut *green).zip(&mut *blue) {
                    let light = |[x, y, z]: &[f32; 3]| x * *r + y * *g + z * *b;
                    (*r, *g, *b) = (light(for_red), light(for_green), light(for_blue));
                }
            }
            if let Some(values) = values {
                [red, green, blue].into_iter().for_each(|plane| encoding.each_value(values, plane));
            }
            for (i, pixel) in pixels.iter_mut().enumerate() {
                (0..3).for_each(|c| pixel[c] = planes[c][i]);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::srgb;

    #[test]
    fn what_is_looked_up_for_many_is_what_is_worked_out_for_one() {
        for encoding in Encoding::ALL {
            let values = encoding.values();
            let colours = |from: f32| (0..401).map(move |step| step as f32 * 0.0025 + from);
            // All that is shown, and what is darker and brighter.
            for colours in [colours(0.0), colours(-0.1), colours(0.4)] {
                let colours: Vec<[f32; 4]> = colours.map(|v| [v, (1.0 - v).abs(), v * v, 0.3]).collect();
                let mut many = colours.clone();
                encoding.of_many_shown(&mut many, None);
                for ([r, g, b, _], many) in colours.into_iter().zip(many) {
                    let one = encoding.of_shown([r, g, b]);
                    let near = one.iter().zip(many).all(|(a, b)| (a - b).abs() < 1e-5 * a.abs().max(1.0));
                    assert!(near && many[3] == 0.3, "{encoding:?}: {r} {g} {b}: {one:?}, {many:?}");
                }
            }
            let mut raised = [[0.2, 0.5, 1.0, 0.3]];
            encoding.of_many_shown(&mut raised, Some(&|light| light.map(|light| 4.0 * light)));
            let one = encoding.of_shown([0.2, 0.5, 1.0].map(|v| srgb::encode(4.0 * srgb::decode(v))));
            let near = one.iter().zip(raised[0]).all(|(a, b)| (a - b).abs() < 2e-5 * a.abs().max(1.0));
            assert!(near, "{encoding:?}: {one:?}, {raised:?}");
            for step in 0..400 {
                let v = step as f32 * 0.004 - 0.1;
                let light = v * v * v * 30.0;
                assert!(
                    (encoding.value(light) - values(light)).abs() < 1e-5 * light.abs().max(1.0),
                    "{encoding:?}: {light}"
                );
            }
        }
    }
}

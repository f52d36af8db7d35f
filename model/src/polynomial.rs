//! A function of one number as a polynomial.

use std::{array, f64::consts::PI, ops::RangeInclusive};

/// A smooth function over a range, through its values at `N` Chebyshev nodes, which keeps the largest error near the smallest that a
/// polynomial of that degree can have (Trefethen, *Approximation Theory and Approximation Practice*, chapter 4).
pub(crate) struct Polynomial<const N: usize> {
    middle: f32,
    scale: f32,
    /// Of the powers of a place from -1 to 1, the highest first.
    powers: [f32; N],
}

impl<const N: usize> Polynomial<N> {
    pub(crate) fn new(range: RangeInclusive<f32>, function: impl Fn(f32) -> f32) -> Self {
        let (from, to) = range.into_inner();
        let (middle, half) = (f32::midpoint(from, to), (to - from) / 2.0);
        let angle = |node: usize| PI * (node as f64 + 0.5) / N as f64;
        let values: [f64; N] = array::from_fn(|node| f64::from(function(middle + half * angle(node).cos() as f32)));
        let mut powers = [0.0; N];
        // Chebyshev's polynomials by their powers, the lowest first: each is twice the place times the last, less the one before.
        let (mut before, mut last) = ([0.0; N], [0.0; N]);
        last[0] = 1.0;
        for order in 0..N {
            let sum: f64 = (0..N).map(|node| values[node] * (order as f64 * angle(node)).cos()).sum();
            let share = sum * if order == 0 { 1.0 } else { 2.0 } / N as f64;
            powers.iter_mut().zip(last).for_each(|(power, part)| *power += share * part);
            let twice = if order == 0 { 1.0 } else { 2.0 };
            let next = array::from_fn(|k| twice * if k > 0 { last[k - 1] } else { 0.0 } - before[k]);
            (before, last) = (last, next);
        }
        powers.reverse();
        Self { middle, scale: 1.0 / half, powers: powers.map(|power| power as f32) }
    }

    /// The function at a place in its range.
    #[inline(always)]
    pub(crate) fn at(&self, v: f32) -> f32 {
        let place = (v - self.middle) * self.scale;
        self.powers.iter().fold(0.0, |sum, power| sum * place + power)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_polynomial_is_found_again_and_a_curve_closely() {
        let cubic = |x: f32| 2.0 - x + 0.5 * x * x * x;
        let found = Polynomial::<4>::new(-1.0..=3.0, cubic);
        let root = Polynomial::<12>::new(1.0..=4.0, f32::sqrt);
        for i in 0..=400 {
            let (x, y) = (-1.0 + i as f32 * 0.01, 1.0 + i as f32 * 0.0075);
            assert!((found.at(x) - cubic(x)).abs() < 1e-5, "{x}: {}", found.at(x));
            assert!((root.at(y) - y.sqrt()).abs() < 1e-6, "{y}: {}", root.at(y));
        }
    }
}

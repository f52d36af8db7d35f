//! Grey pictures, and how far two differ.

use pickup_model::{Encoding, Frame, damage::Traits};

/// A grey picture of 8 bits.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Picture {
    pub(crate) width: usize,
    pub(crate) height: usize,
    pub(crate) levels: Vec<u8>,
}

impl Picture {
    pub(crate) fn frame(&self) -> Frame {
        let levels = self.levels.iter().map(|v| f32::from(*v) / 255.0).collect();
        Frame::new(self.width, self.height, 1, Encoding::Display, levels).expect("as many levels as pixels")
    }

    pub(crate) fn traits(&self) -> Traits {
        Traits::measure(&self.frame())
    }

    /// Decibels: the higher, the more alike.
    pub(crate) fn psnr(&self, other: &Self) -> f64 {
        let square = |(a, b): (&u8, &u8)| f64::from(i32::from(*a) - i32::from(*b)).powi(2);
        let sum: f64 = self.levels.iter().zip(&other.levels).map(square).sum();
        10.0 * (255.0_f64.powi(2) * self.levels.len() as f64 / sum.max(1e-9)).log10()
    }

    /// By how many levels the hundredth of the picture changes that changes most, in parts of a sixtieth of its width: grain
    /// averages out in them.
    pub(crate) fn moved(&self, other: &Self) -> f64 {
        let side = (self.width / 60).max(1);
        let (across, down) = (self.width / side, self.height / side);
        let mut sums = vec![0_i64; across * down];
        for y in 0..down * side {
            for x in 0..across * side {
                let i = y * self.width + x;
                sums[y / side * across + x / side] += i64::from(self.levels[i]) - i64::from(other.levels[i]);
            }
        }
        let mut changes: Vec<f64> = sums.iter().map(|s| s.abs() as f64 / (side * side) as f64).collect();
        changes.sort_by(|a, b| b.total_cmp(a));
        let most = (changes.len() / 100).max(1);
        changes[..most].iter().sum::<f64>() / most as f64
    }
}

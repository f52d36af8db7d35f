//! Conversions between depths, alpha conventions and transfer curves.
//!
//! Integers stand for 0 to 1. Going to integers clamps to that range and rounds to the nearest; NaN becomes 0.

use half::f16;
use pickup_model::srgb;

use super::picture::{Depth, Picture, Pixels};

/// A change of transfer curve, made only where it is asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Transfer {
    /// Values are kept as they are.
    #[default]
    AsIs,
    /// Linear light to the sRGB curve of IEC 61966-2-1.
    LinearToSrgb,
    /// The sRGB curve of IEC 61966-2-1 to linear light.
    SrgbToLinear,
}

impl Transfer {
    /// The curve at one value; odd about zero, so that negative values survive.
    pub fn apply(self, v: f32) -> f32 {
        match self {
            Self::AsIs => v,
            Self::LinearToSrgb => srgb::encode(v),
            Self::SrgbToLinear => srgb::decode(v),
        }
    }
}

fn to_u8(v: f32) -> u8 {
    // `as` saturates and sends NaN to 0.
    (v * 255.0).round() as u8
}

fn to_u16(v: f32) -> u16 {
    (v * 65535.0).round() as u16
}

impl Pixels {
    /// The samples as floats, 1.0 being white.
    pub fn to_f32(&self) -> Vec<f32> {
        match self {
            Self::U8(v) => v.iter().map(|&s| f32::from(s) / 255.0).collect(),
            Self::U16(v) => v.iter().map(|&s| f32::from(s) / 65535.0).collect(),
            Self::F16(v) => v.iter().map(|s| s.to_f32()).collect(),
            Self::F32(v) => v.clone(),
        }
    }

    /// Floats, 1.0 being white, stored in the depth given.
    pub fn from_f32(values: Vec<f32>, depth: Depth) -> Self {
        match depth {
            Depth::U8 => Self::U8(values.into_iter().map(to_u8).collect()),
            Depth::U16 => Self::U16(values.into_iter().map(to_u16).collect()),
            Depth::F16 => Self::F16(values.into_iter().map(f16::from_f32).collect()),
            Depth::F32 => Self::F32(values),
        }
    }

    /// The same samples in another depth; 8 and 16 bits convert by integers alone.
    pub fn to_depth(&self, depth: Depth) -> Self {
        match (self, depth) {
            _ if self.depth() == depth => self.clone(),
            (Self::U8(v), Depth::U16) => Self::U16(v.iter().map(|&s| u16::from(s) * 257).collect()),
            (Self::U16(v), Depth::U8) => {
                Self::U8(v.iter().map(|&s| ((u32::from(s) * 255 + 32767) / 65535) as u8).collect())
            }
            _ => Self::from_f32(self.to_f32(), depth),
        }
    }
}

fn widen<T: Copy>(rgb: &[T], one: T) -> Vec<T> {
    rgb.chunks_exact(3).flat_map(|p| [p[0], p[1], p[2], one]).collect()
}

fn narrow<T: Copy>(rgba: &[T]) -> Vec<T> {
    rgba.chunks_exact(4).flat_map(|p| [p[0], p[1], p[2]]).collect()
}

impl Picture {
    /// The same picture in another depth; further channels are left as they are.
    pub fn to_depth(&self, depth: Depth) -> Self {
        self.with_pixels(self.has_alpha(), self.premultiplied(), self.pixels().to_depth(depth))
    }

    /// The picture as RGBA: opaque where it had no alpha.
    pub fn to_rgba(&self) -> Self {
        if self.has_alpha() {
            return self.clone();
        }
        let pixels = match self.pixels() {
            Pixels::U8(v) => Pixels::U8(widen(v, u8::MAX)),
            Pixels::U16(v) => Pixels::U16(widen(v, u16::MAX)),
            Pixels::F16(v) => Pixels::F16(widen(v, f16::ONE)),
            Pixels::F32(v) => Pixels::F32(widen(v, 1.0)),
        };
        self.with_pixels(true, false, pixels)
    }

    /// The picture as RGB: alpha is dropped, the colours stay as they are.
    pub fn to_rgb(&self) -> Self {
        if !self.has_alpha() {
            return self.clone();
        }
        let pixels = match self.pixels() {
            Pixels::U8(v) => Pixels::U8(narrow(v)),
            Pixels::U16(v) => Pixels::U16(narrow(v)),
            Pixels::F16(v) => Pixels::F16(narrow(v)),
            Pixels::F32(v) => Pixels::F32(narrow(v)),
        };
        self.with_pixels(false, false, pixels)
    }

    /// The picture with colours divided by alpha. Pixels with an alpha of 0 or 1 keep their colours exactly.
    pub fn to_straight(&self) -> Self {
        self.map_alpha(false, |c, a| c / a)
    }

    /// The picture with colours multiplied by alpha. Opaque pixels keep their colours exactly.
    pub fn to_premultiplied(&self) -> Self {
        self.map_alpha(true, |c, a| c * a)
    }

    fn map_alpha(&self, premultiplied: bool, change: impl Fn(f32, f32) -> f32) -> Self {
        if !self.has_alpha() || self.premultiplied() == premultiplied {
            return self.clone();
        }
        let mut values = self.pixels().to_f32();
        for pixel in values.chunks_exact_mut(4) {
            let alpha = pixel[3];
            // Dividing by nothing would make infinities out of glows that have no alpha.
            if alpha != 1.0 && (alpha != 0.0 || premultiplied) {
                pixel[..3].iter_mut().for_each(|c| *c = change(*c, alpha));
            }
        }
        self.with_pixels(true, premultiplied, Pixels::from_f32(values, self.depth()))
    }

    /// The picture with its colours, not its alpha, sent through a transfer curve.
    /// Premultiplied colours are divided by alpha first and multiplied again after.
    pub fn to_transfer(&self, transfer: Transfer) -> Self {
        if transfer == Transfer::AsIs {
            return self.clone();
        }
        let straight = self.to_depth(Depth::F32).to_straight();
        let mut values = straight.pixels().to_f32();
        for pixel in values.chunks_exact_mut(self.channels()) {
            pixel[..3].iter_mut().for_each(|c| *c = transfer.apply(*c));
        }
        let curved = straight.with_pixels(self.has_alpha(), false, Pixels::F32(values));
        let curved = if self.premultiplied() { curved.to_premultiplied() } else { curved };
        curved.to_depth(self.depth())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grey(pixels: Pixels) -> Picture {
        Picture::new(1, 1, true, false, pixels).unwrap()
    }

    #[test]
    fn every_8_bit_value_survives_16_bit_half_and_float() {
        let all = Pixels::U8((0..=255).collect());
        for depth in [Depth::U16, Depth::F16, Depth::F32] {
            assert_eq!(all.to_depth(depth).to_depth(Depth::U8), all, "{depth:?}");
        }
    }

    #[test]
    fn every_16_bit_value_survives_float() {
        let all = Pixels::U16((0..=65535).collect());
        assert_eq!(all.to_depth(Depth::F32).to_depth(Depth::U16), all);
    }

    #[test]
    fn out_of_range_floats_clamp_and_nan_is_black() {
        let odd = Pixels::F32(vec![-1.0, 2.0, f32::NAN, f32::INFINITY]);
        assert_eq!(odd.to_depth(Depth::U8), Pixels::U8(vec![0, 255, 0, 255]));
        assert_eq!(odd.to_depth(Depth::U16), Pixels::U16(vec![0, 65535, 0, 65535]));
    }

    #[test]
    fn premultiplying_and_dividing_return_the_colours() {
        let straight = grey(Pixels::F32(vec![0.5, 2.0, -0.25, 0.5]));
        let premultiplied = straight.to_premultiplied();
        assert_eq!(premultiplied.pixels(), &Pixels::F32(vec![0.25, 1.0, -0.125, 0.5]));
        assert_eq!(premultiplied.to_straight(), straight);
    }

    #[test]
    fn a_glow_without_alpha_keeps_its_colour() {
        let glow = Picture::new(1, 1, true, true, Pixels::F32(vec![0.5, 0.25, 0.0, 0.0])).unwrap();
        assert_eq!(glow.to_straight().pixels(), glow.pixels());
    }

    #[test]
    fn the_srgb_curve_meets_its_known_points_and_returns() {
        assert!((Transfer::LinearToSrgb.apply(0.18) - 0.461_356).abs() < 1e-5);
        for v in [-0.5, 0.0, 0.001, 0.2, 1.0, 4.0] {
            let back = Transfer::SrgbToLinear.apply(Transfer::LinearToSrgb.apply(v));
            assert!((back - v).abs() < 1e-5 * v.abs().max(1.0), "{v} became {back}");
        }
    }

    #[test]
    fn alpha_is_added_opaque_and_dropped() {
        let rgb = Picture::from_rgb8(1, 1, vec![1, 2, 3]).unwrap();
        assert_eq!(rgb.to_rgba().pixels(), &Pixels::U8(vec![1, 2, 3, 255]));
        assert_eq!(rgb.to_rgba().to_rgb(), rgb);
    }
}

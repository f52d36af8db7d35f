//! A part of a picture at another size.

use std::ops::RangeInclusive;

use pulp::{Arch, Simd, WithSimd};

use crate::{Error, Frame, Result, each_row};

/// A part of a frame at another size, of which rows are made as they are asked for, so that nothing as large as the picture need be kept.
///
/// By Catmull-Rom's cubic (Keys, *Cubic convolution interpolation for digital image processing*, 1981, with a = -0.5), which keeps edges
/// without ringing much; where the picture shrinks it is as much wider. Beside what is hard it overshoots.
pub struct Rescaled<'a> {
    frame: &'a Frame,
    columns: Axis,
    rows: Axis,
    range: (f32, f32),
    opaque: bool,
}

impl<'a> Rescaled<'a> {
    /// The part of a frame that starts so far from its left and its top and is so wide and high, in pixels, at a size, width first.
    ///
    /// # Errors
    /// When a size is empty, or the part is not inside the frame.
    pub fn new(frame: &'a Frame, [x, y, w, h]: [f64; 4], (width, height): (usize, usize)) -> Result<Self> {
        let inside = |start: f64, length: f64, whole: usize| {
            start >= 0.0 && length > 0.0 && start + length <= whole as f64 + 1e-6
        };
        if width == 0 || height == 0 || !inside(x, w, frame.width()) || !inside(y, h, frame.height()) {
            let (whole_w, whole_h) = (frame.width(), frame.height());
            return Err(Error::Request(format!(
                "{w}x{h} pixels at {x}, {y} of a picture of {whole_w}x{whole_h} cannot be brought to {width}x{height}"
            )));
        }
        Ok(Self {
            frame,
            columns: Axis::new(frame.width(), x, w, width),
            rows: Axis::new(frame.height(), y, h, height),
            range: (f32::NEG_INFINITY, f32::INFINITY),
            opaque: false,
        })
    }

    /// All of a frame at a size, width first.
    ///
    /// # Errors
    /// When the size is empty.
    pub fn whole(frame: &'a Frame, size: (usize, usize)) -> Result<Self> {
        Self::new(frame, [0.0, 0.0, frame.width() as f64, frame.height() as f64], size)
    }

    /// The same, held to a range, beyond which it may overshoot; at a size that stays it does not, and is left as it is. A range of
    /// nothing holds nothing.
    #[must_use]
    pub fn within(self, range: RangeInclusive<f32>) -> Self {
        let stays = self.columns.taps == 1 && self.rows.taps == 1;
        if stays || range.is_empty() { self } else { Self { range: range.into_inner(), ..self } }
    }

    /// The same of a frame of three channels, with a fourth that is 1 throughout.
    #[must_use]
    pub fn opaque(self) -> Self {
        Self { opaque: self.frame.channels() == 3, ..self }
    }

    /// Values a pixel of the rows that are made.
    fn channels(&self) -> usize {
        self.frame.channels() + usize::from(self.opaque)
    }

    /// What makes the new rows, in any order.
    #[must_use]
    pub fn rows(&self) -> Rows<'_> {
        let opaque = if self.opaque { vec![1.0; self.frame.width() * 4] } else { Vec::new() };
        Rows { of: self, line: vec![0.0; self.frame.width() * self.frame.channels()], opaque }
    }

    /// All rows of the new size.
    ///
    /// # Errors
    /// None that a frame can have: its size is not empty.
    pub fn frame(&self) -> Result<Frame> {
        let (width, height, channels) = (self.columns.first.len(), self.rows.first.len(), self.channels());
        let mut pixels = vec![0.0; width * height * channels];
        let mut rows: Vec<&mut [f32]> = pixels.chunks_exact_mut(width * channels).collect();
        each_row(&mut rows, || self.rows(), |rows, y, out| rows.make(y, out));
        Frame::new(width, height, channels, self.frame.encoding(), pixels)
    }
}

/// Makes rows of a picture's new size.
pub struct Rows<'a> {
    of: &'a Rescaled<'a>,
    /// A new row at the old width.
    line: Vec<f32>,
    /// The same with a fourth channel, where there is to be one.
    opaque: Vec<f32>,
}

impl Rows<'_> {
    /// Makes a row, by its number from the top.
    ///
    /// # Panics
    /// When there is no such row, or there is not room for as many values as it has.
    pub fn make(&mut self, y: usize, out: &mut [f32]) {
        let Rescaled { frame, columns, rows, range, opaque } = self.of;
        let opaque = *opaque;
        assert_eq!(
            out.len(),
            columns.first.len() * self.of.channels(),
            "a row has as many values as its picture is wide"
        );
        let (first, weights) = rows.at(y);
        let lines = &frame.pixels()[first * self.line.len()..][..weights.len() * self.line.len()];
        Arch::new().dispatch(Down { weights, lines, out: &mut self.line });
        let channels = self.of.channels();
        if !opaque {
            Arch::new().dispatch(Across { columns, channels, range: *range, opaque, line: &self.line, out });
            return;
        }
        for ([r, g, b, _], colour) in self.opaque.as_chunks_mut::<4>().0.iter_mut().zip(self.line.as_chunks::<3>().0) {
            [*r, *g, *b] = *colour;
        }
        Arch::new().dispatch(Across { columns, channels, range: *range, opaque, line: &self.opaque, out });
    }
}

/// What each sample of a new axis is made of: so many samples in a row of the old one, by their weights.
struct Axis {
    taps: usize,
    first: Vec<usize>,
    weights: Vec<f32>,
}

impl Axis {
    /// Of `to` samples over the `length` from `start` on of an axis of `from`.
    fn new(from: usize, start: f64, length: f64, to: usize) -> Self {
        let scale = length / to as f64;
        if scale == 1.0 && start.fract() == 0.0 {
            return Self { taps: 1, first: (0..to).map(|i| i + start as usize).collect(), weights: vec![1.0; to] };
        }
        let wide = scale.max(1.0);
        let taps = ((4.0 * wide).ceil() as usize).min(from);
        let mut axis = Self { taps, first: Vec::with_capacity(to), weights: Vec::with_capacity(to * taps) };
        for i in 0..to {
            // In pixels of the old axis, of which the first one's middle stands at 0.
            let middle = start + (i as f64 + 0.5) * scale - 0.5;
            let first = (((middle - 2.0 * wide).floor() + 1.0).max(0.0) as usize).min(from - taps);
            let weights: Vec<f64> = (first..first + taps).map(|k| cubic((k as f64 - middle) / wide)).collect();
            let sum: f64 = weights.iter().sum();
            axis.first.push(first);
            axis.weights.extend(weights.into_iter().map(|weight| (weight / sum) as f32));
        }
        axis
    }

    fn at(&self, i: usize) -> (usize, &[f32]) {
        (self.first[i], &self.weights[i * self.taps..][..self.taps])
    }
}

/// How much a sample at a distance counts.
fn cubic(distance: f64) -> f64 {
    match distance.abs() {
        x if x < 1.0 => (1.5 * x - 2.5) * x * x + 1.0,
        x if x < 2.0 => ((2.5 - 0.5 * x) * x - 4.0) * x + 2.0,
        _ => 0.0,
    }
}

/// Makes a row of the new height from rows of the old.
struct Down<'a> {
    weights: &'a [f32],
    lines: &'a [f32],
    out: &'a mut [f32],
}

impl WithSimd for Down<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Self { weights, lines, out } = self;
        let mut lines = lines.chunks_exact(out.len()).zip(weights);
        if let Some((line, weight)) = lines.next() {
            out.iter_mut().zip(line).for_each(|(out, v)| *out = weight * v);
        }
        for (line, weight) in lines {
            out.iter_mut().zip(line).for_each(|(out, v)| *out += weight * v);
        }
    }
}

/// Makes a row of the new width from one of the old.
struct Across<'a> {
    columns: &'a Axis,
    channels: usize,
    range: (f32, f32),
    /// Whether the last channel is 1: weights come to that but for the last bit.
    opaque: bool,
    line: &'a [f32],
    out: &'a mut [f32],
}

impl WithSimd for Across<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        if self.channels == 4 && self.columns.taps == 4 {
            return self.of_four();
        }
        let Self { columns, channels, range: (low, high), opaque, line, out } = self;
        for (x, out) in out.chunks_exact_mut(channels).enumerate() {
            let (first, weights) = columns.at(x);
            let mut pixels = line[first * channels..].chunks_exact(channels).zip(weights);
            if let Some((pixel, weight)) = pixels.next() {
                out.iter_mut().zip(pixel).for_each(|(out, v)| *out = weight * v);
            }
            for (pixel, weight) in pixels {
                out.iter_mut().zip(pixel).for_each(|(out, v)| *out += weight * v);
            }
            out.iter_mut().for_each(|v| *v = v.clamp(low, high));
            if opaque {
                out[channels - 1] = 1.0;
            }
        }
    }
}

impl Across<'_> {
    /// Four pixels of four channels each for a new one, as where a picture grows: a vector each.
    #[inline(always)]
    fn of_four(self) {
        let Self { columns, range: (low, high), opaque, line, out, .. } = self;
        let (line, out) = (line.as_chunks::<4>().0, out.as_chunks_mut::<4>().0);
        let bounds = |bound: f32| [bound, bound, bound, if opaque { 1.0 } else { bound }];
        let (low, high) = (bounds(low), bounds(high));
        for (out, (first, [a, b, c, d])) in out.iter_mut().zip(columns.first.iter().zip(columns.weights.as_chunks().0))
        {
            let Some([p, q, r, s]) = line[*first..].first_chunk::<4>() else { return };
            *out = std::array::from_fn(|k| {
                let v = (a * p[k] + b * q[k]) + (c * r[k] + d * s[k]);
                let v = if v < low[k] { low[k] } else { v };
                if v > high[k] { high[k] } else { v }
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Encoding;

    fn frame(width: usize, height: usize, channels: usize, value: impl Fn(usize) -> f32) -> Frame {
        let pixels = (0..width * height * channels).map(value).collect();
        Frame::new(width, height, channels, Encoding::Display, pixels).unwrap()
    }

    fn noise(width: usize, height: usize, channels: usize) -> Frame {
        frame(width, height, channels, |i| ((i as u32).wrapping_mul(2_654_435_761) >> 8) as f32 / (1 << 24) as f32)
    }

    /// A part of a picture of 5 x 4 pixels, and what Pillow 13.0 (`Image.resize`, BICUBIC, mode F) makes of it at a size.
    type Known = ([f64; 4], (usize, usize), &'static [f32]);

    #[rustfmt::skip]
    const PILLOW: [Known; 3] = [
        ([0.0, 0.0, 5.0, 4.0], (7, 6), &[
            -0.080687, 0.164356, 0.523125, 0.751184, 0.194661, 0.190001, 0.506608,
            0.411428, 0.321778, 0.386661, 0.670000, 0.563612, 0.447968, 0.393866,
            0.911483, 0.447377, 0.188088, 0.541667, 0.929326, 0.685824, 0.218610,
            0.751391, 0.284176, 0.040674, 0.428333, 0.781911, 0.522623, 0.058517,
            0.576134, 0.522032, 0.406388, 0.300000, 0.583339, 0.648222, 0.558572,
            0.463392, 0.779999, 0.775339, 0.218816, 0.446875, 0.805644, 1.050687,
        ]),
        ([0.0, 0.0, 5.0, 4.0], (3, 2), &[
            0.348297, 0.535424, 0.431373,
            0.538627, 0.434576, 0.621703,
        ]),
        ([1.25, 0.5, 3.25, 3.0], (4, 3), &[
            0.336885, 0.666053, 0.547352, 0.430165,
            0.052844, 0.470897, 0.903446, 0.445996,
            0.436768, 0.297334, 0.610797, 0.619318,
        ]),
    ];

    #[test]
    fn pictures_come_to_another_size_as_in_another_implementation() {
        let picture = |channels: usize| frame(5, 4, channels, |i| (i / channels * 37 % 101) as f32 / 100.0);
        for (part, size, known) in PILLOW {
            for channels in 1..=5 {
                let picture = picture(channels);
                let found = Rescaled::new(&picture, part, size).unwrap().frame().unwrap();
                for (found, known) in found.pixels().chunks_exact(channels).zip(known) {
                    assert!(
                        found.iter().all(|v| (v - known).abs() < 2e-6),
                        "{size:?}, {channels}: {found:?}, not {known}"
                    );
                }
            }
            let picture = picture(3);
            let held = Rescaled::new(&picture, part, size).unwrap().within(0.0..=0.99).opaque().frame().unwrap();
            for (found, known) in held.pixels().chunks_exact(4).zip(known) {
                let known = known.clamp(0.0, 0.99);
                assert!(
                    found[..3].iter().all(|v| (v - known).abs() < 2e-6) && found[3] == 1.0,
                    "{found:?}, not {known}"
                );
            }
        }
    }

    #[test]
    fn a_size_that_stays_leaves_every_bit() {
        let picture =
            frame(9, 5, 3, |i| [f32::NAN, -0.0, 7.0].get(i.wrapping_sub(39)).copied().unwrap_or(i as f32 / 7.0));
        let bits = |pixels: &[f32]| pixels.iter().map(|v| v.to_bits()).collect::<Vec<_>>();
        let same = Rescaled::whole(&picture, (9, 5)).unwrap().within(0.0..=1.0).frame().unwrap();
        assert_eq!(bits(same.pixels()), bits(picture.pixels()));
        let moved = Rescaled::new(&picture, [2.0, 1.0, 3.0, 2.0], (3, 2)).unwrap().frame().unwrap();
        assert_eq!(bits(&moved.pixels()[..9]), bits(&picture.pixels()[33..42]), "a part at whole pixels");
    }

    #[test]
    fn what_is_no_part_is_refused() {
        let picture = noise(4, 3, 3);
        for (part, size) in [
            ([0.0, 0.0, 4.0, 3.0], (0, 3)),
            ([0.0, 0.0, 4.0, 3.0], (4, 0)),
            ([-0.5, 0.0, 4.0, 3.0], (4, 3)),
            ([0.5, 0.0, 4.0, 3.0], (4, 3)),
            ([0.0, 0.0, f64::NAN, 3.0], (4, 3)),
        ] {
            let refused = Rescaled::new(&picture, part, size).err().map(|e| e.to_string());
            assert!(refused.is_some_and(|text| text.contains("cannot be brought to")), "{part:?} {size:?}");
        }
        let nothing =
            Rescaled::whole(&picture, (8, 6)).unwrap().within(f32::INFINITY..=f32::NEG_INFINITY).frame().unwrap();
        assert!(nothing.pixels().iter().all(|v| v.is_finite()), "an empty range");
        let least = noise(1, 1, 3);
        let grown = Rescaled::whole(&least, (5, 4)).unwrap().frame().unwrap();
        assert!(grown.pixels().chunks_exact(3).all(|p| p == least.pixels()), "one pixel is all there is");
    }

    #[test]
    fn rows_in_any_order_are_those_of_the_whole() {
        for channels in [1, 3, 4, 5] {
            let picture = noise(17, 13, channels);
            let rescaled = Rescaled::new(&picture, [1.25, 0.5, 14.0, 12.5], (41, 70)).unwrap();
            let whole = rescaled.frame().unwrap();
            let (mut row, mut rows) = (vec![0.0; 41 * channels], rescaled.rows());
            for y in [69, 0, 3, 4, 31] {
                rows.make(y, &mut row);
                assert_eq!(row, whole.pixels()[y * row.len()..][..row.len()], "{channels} channels, row {y}");
            }
        }
    }
}

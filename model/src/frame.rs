//! One picture as the model sees it.

use std::{
    hash::Hasher,
    sync::{Arc, OnceLock},
};

use candle_core::{Device, Tensor};
use rayon::prelude::*;
use twox_hash::XxHash64;

use crate::{
    Encoding, Error, Result,
    kernels::{resize_area, resize_bilinear},
    motion::holes::fill,
};

/// A picture: `f32`, rows from top to bottom, channels interleaved.
///
/// Of four channels the fourth is alpha, with which the colours are premultiplied, as they must be to be moved and
/// mixed. One channel is alpha, or grey. Further channels (depth, ids) follow; they are moved with the colours.
#[derive(Clone, Debug)]
pub struct Frame {
    width: usize,
    height: usize,
    channels: usize,
    encoding: Encoding,
    pixels: Arc<Vec<f32>>,
    /// Taken once for all clones: whoever looks for what was made of a frame asks for it.
    fingerprint: Arc<OnceLock<u64>>,
}

impl Frame {
    /// A frame of `width * height * channels` values.
    ///
    /// # Errors
    /// When there are more or fewer values, or none.
    pub fn new(width: usize, height: usize, channels: usize, encoding: Encoding, pixels: Vec<f32>) -> Result<Self> {
        let needed = width.checked_mul(height).and_then(|n| n.checked_mul(channels));
        if pixels.is_empty() || needed != Some(pixels.len()) {
            return Err(Error::FrameData { width, height, channels, len: pixels.len() });
        }
        Ok(Self { width, height, channels, encoding, pixels: Arc::new(pixels), fingerprint: Arc::default() })
    }

    /// Width in pixels.
    #[must_use]
    pub fn width(&self) -> usize {
        self.width
    }

    /// Height in pixels.
    #[must_use]
    pub fn height(&self) -> usize {
        self.height
    }

    /// Values a pixel.
    #[must_use]
    pub fn channels(&self) -> usize {
        self.channels
    }

    /// How the numbers stand for light.
    #[must_use]
    pub fn encoding(&self) -> Encoding {
        self.encoding
    }

    /// All values, interleaved, from the top row down.
    #[must_use]
    pub fn pixels(&self) -> &[f32] {
        &self.pixels
    }

    /// This frame and another of its shape, mixed: `t` is the other's share, 0 to 1.
    ///
    /// # Errors
    /// When their shapes differ.
    pub fn blended(&self, other: &Self, t: f64) -> Result<Self> {
        if (self.width, self.height, self.channels) != (other.width, other.height, other.channels) {
            let (width, height, channels) = (self.width, self.height, self.channels);
            return Err(Error::FrameData { width, height, channels, len: other.pixels.len() });
        }
        let t = t as f32;
        let pixels = self.pixels.iter().zip(other.pixels.iter()).map(|(a, b)| a * (1.0 - t) + b * t).collect();
        Self::new(self.width, self.height, self.channels, self.encoding, pixels)
    }

    /// The same picture in another encoding, of which `by` gives each colour's value; alpha and further channels stay, as does a single
    /// channel, which may be alpha.
    #[must_use]
    pub(crate) fn recoded(&self, encoding: Encoding, by: impl Fn(f32) -> f32 + Sync) -> Self {
        let mut pixels = self.pixels.to_vec();
        if self.channels >= 3 {
            pixels.par_chunks_mut(self.channels << 12).for_each(|run| {
                for pixel in run.chunks_exact_mut(self.channels) {
                    pixel[..3].iter_mut().for_each(|v| *v = by(*v));
                }
            });
        }
        Self { pixels: Arc::new(pixels), fingerprint: Arc::default(), encoding, ..*self }
    }

    /// The same frame, known by what it was made of where that is known: `how` tells apart what is made of one. Nobody then has to look
    /// through its pixels to know it again. That is for what a process keeps: a recipe would name two equal frames apart.
    #[must_use]
    pub(crate) fn known_by(self, origin: &Self, how: u64) -> Self {
        let Some(known) = origin.fingerprint.get() else { return self };
        let mut hasher = XxHash64::with_seed(how);
        hasher.write_u64(*known);
        Self { fingerprint: Arc::new(OnceLock::from(hasher.finish())), ..self }
    }

    /// The frame without pixels of which a value is no number, or without end: they are filled from those around them.
    ///
    /// # Errors
    /// None that a frame can have: its shape stays.
    pub fn mended(self) -> Result<Self> {
        if self.pixels.iter().all(|v| v.is_finite()) {
            return Ok(self);
        }
        let sound = |pixel: &[f32]| if pixel.iter().all(|v| v.is_finite()) { 1.0 } else { 0.0 };
        let seen: Vec<f32> = self.pixels.chunks_exact(self.channels).map(sound).collect();
        let mut pixels = self.pixels.to_vec();
        fill(&mut pixels, self.channels, &seen, self.width);
        Self::new(self.width, self.height, self.channels, self.encoding, pixels)
    }

    /// The same picture at another size: by area where it shrinks, bilinear where it grows.
    ///
    /// # Errors
    /// When the new size is empty.
    pub fn resized(&self, width: usize, height: usize) -> Result<Self> {
        if (width, height) == (self.width, self.height) {
            return Ok(self.clone());
        }
        let shape = (self.height, self.width, self.channels);
        let planes = Tensor::from_slice(&self.pixels, shape, &Device::Cpu)?.permute((2, 0, 1))?.unsqueeze(0)?;
        let planes = planes.contiguous()?;
        let shrunk = resize_area(&planes, height.min(self.height), width.min(self.width))?;
        let grown = resize_bilinear(&shrunk, height, width)?;
        let pixels = grown.squeeze(0)?.permute((1, 2, 0))?.flatten_all()?.to_vec1::<f32>()?;
        Self::new(width, height, self.channels, self.encoding, pixels)
    }

    /// Whether both name the same pixels in memory.
    #[must_use]
    pub fn same_pixels(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.pixels, &other.pixels)
    }

    /// Whether it repeats another: its pixels are the same, or equal.
    #[must_use]
    pub fn repeats(&self, other: &Self) -> bool {
        self.same_pixels(other) || self.pixels() == other.pixels()
    }

    /// A hash of the picture, the same in every run and on every machine.
    #[must_use]
    pub fn fingerprint(&self) -> u64 {
        *self.fingerprint.get_or_init(|| self.hashed())
    }

    fn hashed(&self) -> u64 {
        let mut hasher = XxHash64::with_seed(0);
        for side in [self.width, self.height, self.channels, self.encoding as usize] {
            hasher.write_u64(side as u64);
        }
        let mut bytes = [0; 4096];
        for block in self.pixels.chunks(bytes.len() / 4) {
            for (to, v) in bytes.chunks_exact_mut(4).zip(block) {
                to.copy_from_slice(&v.to_le_bytes());
            }
            hasher.write(&bytes[..block.len() * 4]);
        }
        hasher.finish()
    }
}

impl PartialEq for Frame {
    fn eq(&self, other: &Self) -> bool {
        let shape = |f: &Self| (f.width, f.height, f.channels, f.encoding);
        shape(self) == shape(other) && self.pixels == other.pixels
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_number_is_filled_from_around() {
        let ramp = |x: usize, y: usize| x as f32 + 0.5 * y as f32;
        let mut pixels: Vec<f32> = (0..16 * 12).flat_map(|i| [ramp(i % 16, i / 16), 500.0]).collect();
        let whole = Frame::new(16, 12, 2, Encoding::Linear, pixels.clone()).unwrap();
        assert!(whole.clone().mended().unwrap().same_pixels(&whole), "what is sound is not copied");
        for (place, broken) in [(40, f32::NAN), (41, f32::INFINITY), (57, f32::NEG_INFINITY)] {
            pixels[2 * place] = broken;
        }
        let mended = Frame::new(16, 12, 2, Encoding::Linear, pixels.clone()).unwrap().mended().unwrap();
        for (place, pixel) in mended.pixels().chunks_exact(2).enumerate() {
            let truth = ramp(place % 16, place / 16);
            if [40, 41, 57].contains(&place) {
                assert!((pixel[0] - truth).abs() < 2.0 && (pixel[1] - 500.0).abs() < 1e-3, "{place}: {pixel:?}");
            } else {
                assert_eq!(pixel, [truth, 500.0], "{place}");
            }
        }
        let nothing = Frame::new(2, 2, 1, Encoding::Linear, vec![f32::NAN; 4]).unwrap().mended().unwrap();
        assert!(nothing.pixels().iter().all(|v| v.is_finite()));
    }
}

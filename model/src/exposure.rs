//! Several instants as one exposure: what a shutter that stays open sees.

use rayon::prelude::*;

use crate::{Error, Frame, Result};

/// The mean of instants, as light adds up: colours are averaged in linear light and encoded again.
///
/// Frames are added one by one, so that memory does not grow with their number.
#[derive(Debug)]
pub struct Exposure {
    like: Frame,
    sum: Vec<f32>,
    count: usize,
}

impl Exposure {
    /// Starts with the first instant.
    #[must_use]
    pub fn new(first: &Frame) -> Self {
        let mut exposure = Self { like: first.clone(), sum: vec![0.0; first.pixels().len()], count: 0 };
        exposure.accumulate(first);
        exposure
    }

    /// Adds an instant.
    ///
    /// # Errors
    /// When its size or channels differ from the first one's.
    pub fn add(&mut self, frame: &Frame) -> Result<()> {
        let (width, height, channels) = (self.like.width(), self.like.height(), self.like.channels());
        if (frame.width(), frame.height(), frame.channels()) != (width, height, channels) {
            return Err(Error::FrameData { width, height, channels, len: frame.pixels().len() });
        }
        self.accumulate(frame);
        Ok(())
    }

    fn accumulate(&mut self, frame: &Frame) {
        let (channels, encoding) = (frame.channels(), frame.encoding());
        self.count += 1;
        let blocks = self.sum.par_chunks_mut(channels << 12).zip(frame.pixels().par_chunks(channels << 12));
        blocks.for_each(|(sums, values)| {
            for (i, (sum, v)) in sums.iter_mut().zip(values).enumerate() {
                *sum += if is_colour(i, channels) { encoding.light(*v) } else { *v };
            }
        });
    }

    /// The mean of all instants added.
    ///
    /// # Errors
    /// Never for frames that could be added.
    pub fn finish(mut self) -> Result<Frame> {
        let (channels, encoding) = (self.like.channels(), self.like.encoding());
        let share = 1.0 / self.count as f32;
        self.sum.par_chunks_mut(channels << 12).for_each(|sums| {
            for (i, sum) in sums.iter_mut().enumerate() {
                let mean = *sum * share;
                *sum = if is_colour(i, channels) { encoding.value(mean) } else { mean };
            }
        });
        Frame::new(self.like.width(), self.like.height(), channels, encoding, self.sum)
    }
}

fn is_colour(index: usize, channels: usize) -> bool {
    channels >= 3 && index % channels < 3
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Encoding;

    fn pixel(encoding: Encoding, values: [f32; 4]) -> Frame {
        Frame::new(1, 1, 4, encoding, values.to_vec()).unwrap()
    }

    #[test]
    fn light_adds_up_and_alpha_is_no_light() {
        let mut exposure = Exposure::new(&pixel(Encoding::Display, [0.0, 1.0, 0.5, 0.0]));
        exposure.add(&pixel(Encoding::Display, [1.0, 1.0, 0.5, 1.0])).unwrap();
        let mean = exposure.finish().unwrap();
        assert!((mean.pixels()[0] - 0.735).abs() < 0.002, "half the light of white is 73.5% on a display");
        assert!((mean.pixels()[1] - 1.0).abs() < 1e-5 && (mean.pixels()[2] - 0.5).abs() < 1e-5);
        assert_eq!(mean.pixels()[3], 0.5);
    }

    #[test]
    fn linear_light_is_averaged_as_it_is() {
        let mut exposure = Exposure::new(&pixel(Encoding::Linear, [0.0, 12.0, -1.0, 1.0]));
        exposure.add(&pixel(Encoding::Linear, [1.0, 4.0, -1.0, 1.0])).unwrap();
        assert_eq!(exposure.finish().unwrap().pixels(), [0.5, 8.0, -1.0, 1.0]);
    }

    #[test]
    fn a_frame_of_another_shape_is_refused() {
        let mut exposure = Exposure::new(&pixel(Encoding::Linear, [0.0; 4]));
        assert!(exposure.add(&Frame::new(2, 1, 4, Encoding::Linear, vec![0.0; 8]).unwrap()).is_err());
    }
}

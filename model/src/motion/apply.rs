//! Moves a host's own pixels as the network says, a band of rows at a time.

use std::ops::Range;

use candle_core::{Result as CandleResult, Tensor};
use rayon::prelude::*;

use super::synthesis::{MOVED, PICTURES, Synthesised};
use crate::{
    Frame, Result,
    kernels::{Filter, Pixels, resize_bilinear_rows, sample_rows},
};

/// Rows made at once: bounds the memory beside the frames themselves.
pub(super) const BAND: usize = 64;

/// Orders of magnitude between an expected error and the confidence it leaves: e^(-error/SCALE).
const CONFIDENCE_SCALE: f32 = 0.08;

/// What the network said, as plain planes at the proxy's size, cropped of its padding.
pub(crate) struct Plan {
    size: (usize, usize),
    flow: [[Vec<f32>; 2]; MOVED],
    weights: [Vec<f32>; PICTURES],
    error: Vec<f32>,
}

impl Plan {
    pub(crate) fn new(said: &Synthesised, size: (usize, usize)) -> CandleResult<Self> {
        let plane = |x: &Tensor, channel: usize| plane(x, channel, size);
        let mut plan =
            Self { size, flow: Default::default(), weights: Default::default(), error: plane(&said.error, 0)? };
        for (planes, flow) in plan.flow.iter_mut().zip(&said.flow) {
            *planes = [plane(flow, 0)?, plane(flow, 1)?];
        }
        for (i, weight) in plan.weights.iter_mut().enumerate() {
            *weight = plane(&said.weights, i)?;
        }
        Ok(plan)
    }

    fn rows(&self, plane: &[f32], to: (usize, usize), rows: &Range<usize>, scale: f32) -> Result<Vec<f32>> {
        scaled_rows(plane, self.size, to, rows, scale)
    }

    /// The frame between `first` and `last`, and how sure of it one may be.
    pub(crate) fn apply(&self, first: &Frame, last: &Frame) -> Result<(Frame, Frame)> {
        let (width, height, channels) = (first.width(), first.height(), first.channels());
        let mut pixels = vec![0.0; width * height * channels];
        let mut sure = vec![0.0; width * height];
        for (i, (out, sure)) in
            pixels.chunks_mut(BAND * width * channels).zip(sure.chunks_mut(BAND * width)).enumerate()
        {
            let rows = i * BAND..(i * BAND + BAND).min(height);
            self.band([first, last], &rows, out)?;
            sure.copy_from_slice(&self.rows(&self.error, (height, width), &rows, 1.0)?);
            sure.iter_mut().for_each(|v| *v = (-v.max(0.0) / CONFIDENCE_SCALE).exp());
        }
        Ok((
            Frame::new(width, height, channels, first.encoding(), pixels)?,
            Frame::new(width, height, 1, first.encoding(), sure)?,
        ))
    }

    fn band(&self, frames: [&Frame; 2], rows: &Range<usize>, out: &mut [f32]) -> Result<()> {
        let (width, height, channels) = (frames[0].width(), frames[0].height(), frames[0].channels());
        let to = (height, width);
        let scale = [width as f32 / self.size.1 as f32, height as f32 / self.size.0 as f32];
        let mut moved = vec![0.0; out.len()];
        for (i, weight) in self.weights.iter().enumerate() {
            let source = frames[i % 2];
            let weight = self.rows(weight, to, rows, 1.0)?;
            let picture = match self.flow.get(i) {
                None => &source.pixels()[rows.start * width * channels..rows.end * width * channels],
                Some([x, y]) => {
                    let x = self.rows(x, to, rows, scale[0])?;
                    let y = self.rows(y, to, rows, scale[1])?;
                    let source = Pixels { data: source.pixels(), width, height, channels };
                    sample_rows(source, rows.clone(), (&x, &y), Filter::CatmullRom, &mut moved)?;
                    &moved
                }
            };
            add(out, picture, &weight, channels);
        }
        Ok(())
    }
}

/// One channel of `[1, C, H, W]`, cropped to a height and width.
pub(super) fn plane(x: &Tensor, channel: usize, size: (usize, usize)) -> CandleResult<Vec<f32>> {
    x.narrow(1, channel, 1)?.narrow(2, 0, size.0)?.narrow(3, 0, size.1)?.flatten_all()?.to_vec1::<f32>()
}

/// Some rows of a plane of one size brought to another, multiplied by `scale`.
pub(super) fn scaled_rows(
    plane: &[f32],
    size: (usize, usize),
    to: (usize, usize),
    rows: &Range<usize>,
    scale: f32,
) -> Result<Vec<f32>> {
    let mut out = vec![0.0; rows.len() * to.1];
    resize_bilinear_rows(plane, size, to, rows.clone(), &mut out)?;
    if scale != 1.0 {
        out.iter_mut().for_each(|v| *v *= scale);
    }
    Ok(out)
}

/// Adds a picture by its worth at each pixel.
fn add(out: &mut [f32], picture: &[f32], weight: &[f32], channels: usize) {
    let run = channels << 10;
    out.par_chunks_mut(run).zip(picture.par_chunks(run)).zip(weight.par_chunks(1 << 10)).for_each(|((out, p), w)| {
        for ((out, p), w) in out.chunks_exact_mut(channels).zip(p.chunks_exact(channels)).zip(w) {
            for (out, p) in out.iter_mut().zip(p) {
                *out += p * w;
            }
        }
    });
}

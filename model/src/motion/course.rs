//! Where what one frame shows is to be found in another, and the first frame's own pixels moved there.

use candle_core::{Result as CandleResult, Tensor};

use super::{
    apply::{BAND, plane, scaled_rows},
    holes::fill,
    network::{resize_flow, size},
    pair::Pair,
};
use crate::{
    Frame, Result,
    kernels::{Filter, Pixels, sample_rows},
};

/// Where what a frame shows has gone in another of the same size, at another time.
pub(crate) struct Course {
    /// The height and width of the planes.
    pub(super) size: (usize, usize),
    /// From each place of the other to where it was in the frame.
    pub(super) flow: [Vec<f32>; 2],
    /// Whether anything of the frame is there, 0 to 1,
    pub(super) seen: Vec<f32>,
    /// and how far its motion is to be trusted.
    pub(super) sure: Vec<f32>,
}

impl Course {
    /// Where what a pair's first frame shows has gone in its last.
    pub(super) fn across(pair: &Pair) -> CandleResult<Self> {
        let (flow, trust) = pair.back();
        let flow = resize_flow(flow, size(trust)?)?;
        let plane = |x: &Tensor, channel: usize| plane(x, channel, pair.size);
        let sure = plane(trust, 0)?;
        Ok(Self { size: pair.size, flow: [plane(&flow, 0)?, plane(&flow, 1)?], seen: vec![1.0; sure.len()], sure })
    }

    /// The frame, or another of its size, as it is found there; what is not of it is filled from around. With it, how sure of
    /// each pixel one may be, 0 to 1.
    pub(crate) fn apply(&self, frame: &Frame) -> Result<(Frame, Frame)> {
        let (width, height, channels) = (frame.width(), frame.height(), frame.channels());
        let source = Pixels { data: frame.pixels(), width, height, channels };
        let to = (height, width);
        let scale = [width as f32 / self.size.1 as f32, height as f32 / self.size.0 as f32];
        let mut pixels = vec![0.0; width * height * channels];
        let mut seen = vec![0.0; width * height];
        let mut sure = seen.clone();
        for start in (0..height).step_by(BAND) {
            let rows = start..(start + BAND).min(height);
            let band = start * width..rows.end * width;
            let read = |plane: &[f32], scale: f32| scaled_rows(plane, self.size, to, &rows, scale);
            let (x, y) = (read(&self.flow[0], scale[0])?, read(&self.flow[1], scale[1])?);
            let out = &mut pixels[band.start * channels..band.end * channels];
            sample_rows(source, rows.clone(), (&x, &y), Filter::CatmullRom, out)?;
            seen[band.clone()].copy_from_slice(&read(&self.seen, 1.0)?);
            sure[band.clone()].copy_from_slice(&read(&self.sure, 1.0)?);
            for (i, seen) in seen[band].iter_mut().enumerate() {
                let from = ((i % width) as f32 + x[i], (i / width + start) as f32 + y[i]);
                let inside = |at: f32, end: usize| at >= -0.5 && at <= end as f32 - 0.5;
                *seen *= f32::from(u8::from(inside(from.0, width) && inside(from.1, height)));
            }
        }
        fill(&mut pixels, channels, &seen, width);
        let sure = sure.iter().zip(&seen).map(|(sure, seen)| (sure * seen).clamp(0.0, 1.0)).collect();
        Ok((
            Frame::new(width, height, channels, frame.encoding(), pixels)?,
            Frame::new(width, height, 1, frame.encoding(), sure)?,
        ))
    }
}

//! Where what one frame shows is to be found in another, and the first frame's own pixels moved there.

use candle_core::Tensor;

use super::{
    apply::{BAND, plane, scaled_rows},
    holes::fill,
    pair::Pair,
};
use crate::{
    Frame, Result,
    kernels::{Filter, Pixels, resize_flow, sample_rows},
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
    pub(super) fn across(pair: &Pair) -> Result<Self> {
        let (flow, trust) = pair.back()?;
        let (_, _, height, width) = trust.dims4()?;
        let flow = resize_flow(&flow, (height, width))?;
        let plane = |x: &Tensor, channel: usize| plane(x, channel, pair.size);
        let sure = plane(&trust, 0)?;
        Ok(Self { size: pair.size, flow: [plane(&flow, 0)?, plane(&flow, 1)?], seen: vec![1.0; sure.len()], sure })
    }

    /// The frame, or another of its size, as it is found there. What comes in from beyond its border is the frame in a mirror;
    /// what is uncovered inside is filled from around. With it, how sure of each pixel one may be, 0 to 1.
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
            let (mut x, mut y) = (read(&self.flow[0], scale[0])?, read(&self.flow[1], scale[1])?);
            seen[band.clone()].copy_from_slice(&read(&self.seen, 1.0)?);
            sure[band.clone()].copy_from_slice(&read(&self.sure, 1.0)?);
            for (i, (seen, sure)) in seen[band.clone()].iter_mut().zip(&mut sure[band.clone()]).enumerate() {
                let inside = [mirrored(i % width, &mut x[i], width), mirrored(i / width + start, &mut y[i], height)];
                if inside != [true; 2] {
                    (*seen, *sure) = (1.0, 0.0);
                }
            }
            let out = &mut pixels[band.start * channels..band.end * channels];
            sample_rows(source, rows.clone(), (&x, &y), Filter::CatmullRom, out)?;
        }
        fill(&mut pixels, channels, &seen, width);
        let sure = sure.iter().zip(&seen).map(|(sure, seen)| (sure * seen).clamp(0.0, 1.0)).collect();
        Ok((
            Frame::new(width, height, channels, frame.encoding(), pixels)?,
            Frame::new(width, height, 1, frame.encoding(), sure)?,
        ))
    }
}

/// Turns a flow that leads from a place out of a row of so many pixels back into it, as a mirror at its end does; whether it led
/// to within.
fn mirrored(at: usize, flow: &mut f32, end: usize) -> bool {
    let (from, last) = (at as f32 + *flow, end as f32 - 1.0);
    let inside = from >= -0.5 && from <= last + 0.5;
    if !inside {
        let back = if from < 0.0 { -from } else { 2.0 * last - from };
        *flow = back.clamp(0.0, last) - at as f32;
    }
    inside
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_leads_out_is_mirrored() {
        let led = |at: usize, flow: f32| {
            let mut flow = flow;
            let inside = mirrored(at, &mut flow, 10);
            (inside, at as f32 + flow)
        };
        assert_eq!([led(3, 2.5), led(8, 1.4), led(1, -1.5)], [(true, 5.5), (true, 9.4), (true, -0.5)]);
        assert_eq!([led(8, 3.0), led(1, -4.0)], [(false, 7.0), (false, 3.0)]);
        assert_eq!([led(8, 300.0), led(1, -40.0)], [(false, 0.0), (false, 9.0)], "further than the picture is wide");
        assert!(!led(1, f32::NAN).0);
    }
}

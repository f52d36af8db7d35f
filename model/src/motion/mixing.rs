//! The numbers in which frames are moved and mixed: near to what a viewer sees.
//!
//! Where two pictures differ, their mean in linear light lies near the brighter one to the eye, and in a log curve near the darker
//! one. So what is not display-referred is mixed by a curve that is near to a monitor's: the square root of light, but straight near
//! black, where noise about 0 would become darker otherwise.

use super::apply::Plan;
use crate::{Encoding, Frame, Result};

/// How far the root's curve is moved, so that it is as steep at black as sRGB's, which is 12.92: 1 / (4 x 12.92^2).
const TOE: f32 = 0.001_497_7;

/// Tells a frame in these numbers from others that are made of it.
const MIXED: u64 = 1;

/// Alpha that differs by less is the same.
const EVEN: f32 = 1e-3;

/// Two frames in the numbers in which they are mixed.
pub(super) struct Mixing {
    frames: [Frame; 2],
    /// What the result goes back to, where those are not its own numbers.
    back: Option<Encoding>,
}

impl Mixing {
    pub(super) fn of(first: &Frame, last: &Frame) -> Self {
        let encoding = first.encoding();
        // Premultiplied colours add up in their own numbers only.
        if encoding == Encoding::Display || !is_alpha_even([first, last]) {
            return Self { frames: [first.clone(), last.clone()], back: None };
        }
        let lights = encoding.lights();
        let shown = |frame: &Frame| frame.recoded(Encoding::Display, |v| curved(lights(v))).known_by(frame, MIXED);
        let frames = [first, last].map(shown);
        Self { frames, back: Some(encoding) }
    }

    /// The frame that a plan makes of the two, in these numbers, and how sure of it one may be.
    pub(super) fn by(&self, plan: &Plan) -> Result<(Frame, Frame)> {
        plan.apply(&self.frames[0], &self.frames[1])
    }

    /// What was mixed, in the numbers of the frames that it was made of.
    pub(super) fn back(&self, mixed: Frame) -> Frame {
        match self.back {
            Some(encoding) => {
                let values = encoding.values();
                mixed.recoded(encoding, |v| values(light(v)))
            }
            None => mixed,
        }
    }
}

/// Light on the curve.
fn curved(light: f32) -> f32 {
    ((light.abs() + TOE).sqrt() - TOE.sqrt()).copysign(light)
}

/// The light at a place of the curve.
fn light(v: f32) -> f32 {
    let root = v.abs() + TOE.sqrt();
    (root * root - TOE).copysign(v)
}

/// Whether nothing is more transparent than anything else: there is no alpha, or it is one number.
fn is_alpha_even(frames: [&Frame; 2]) -> bool {
    let channels = frames[0].channels();
    let mut alphas = frames.into_iter().flat_map(|frame| frame.pixels().iter().skip(3).step_by(channels));
    channels < 4 || alphas.next().is_none_or(|first| alphas.all(|alpha| (alpha - first).abs() < EVEN))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(encoding: Encoding, channels: usize, pixels: &[f32]) -> Frame {
        Frame::new(pixels.len() / channels, 1, channels, encoding, pixels.to_vec()).unwrap()
    }

    #[test]
    fn what_is_not_changed_comes_back() {
        let values = [-0.05, 0.0, 1e-4, 0.02, 0.18, 0.5, 0.9, 1.0, 1.2];
        for encoding in Encoding::ALL {
            let given = frame(encoding, 3, &values);
            let mixing = Mixing::of(&given, &given);
            let back = mixing.back(mixing.frames[0].clone());
            assert_eq!(back.encoding(), encoding);
            for (back, given) in back.pixels().iter().zip(values) {
                assert!((back - given).abs() < 2e-5, "{encoding:?}: {given} came back as {back}");
            }
        }
        let bright = frame(Encoding::Linear, 3, &[100.0, 1000.0, 65504.0]);
        let mixing = Mixing::of(&bright, &bright);
        for (back, given) in mixing.back(mixing.frames[0].clone()).pixels().iter().zip(bright.pixels()) {
            assert!((back / given - 1.0).abs() < 1e-5, "{given} came back as {back}");
        }
    }

    #[test]
    fn noise_about_black_stays_as_bright_as_it_is() {
        let noise = frame(Encoding::Linear, 3, &[0.003, -0.003, 0.002]);
        let other = frame(Encoding::Linear, 3, &[-0.001, 0.001, 0.0]);
        let mixing = Mixing::of(&noise, &other);
        let mixed = mixing.back(mixing.frames[0].blended(&mixing.frames[1], 0.5).unwrap());
        for (mixed, mean) in mixed.pixels().iter().zip([0.001, -0.001, 0.001]) {
            assert!((mixed - mean).abs() < 4e-4, "{mixed}, not {mean}");
        }
    }

    #[test]
    fn alpha_and_further_channels_stay_and_so_does_all_where_something_is_transparent() {
        let opaque = frame(Encoding::Linear, 5, &[0.2, 0.5, 4.0, 1.0, 77.0, 0.1, 0.1, 0.1, 1.0, -3.0]);
        let shown = &Mixing::of(&opaque, &opaque).frames[0];
        let alone = |pixels: &[f32]| [3, 4, 8, 9].map(|i| pixels[i]);
        assert_eq!(alone(shown.pixels()), alone(opaque.pixels()));
        assert!((shown.pixels()[1] - 0.669).abs() < 1e-3, "half of the light is near 0.707");
        let holed = frame(Encoding::Linear, 5, &[0.2, 0.5, 4.0, 1.0, 77.0, 0.0, 0.0, 0.0, 0.0, -3.0]);
        assert_eq!(Mixing::of(&opaque, &holed).frames, [opaque, holed]);
        let grey = frame(Encoding::LogC3, 1, &[0.2, 0.5]);
        assert_eq!(Mixing::of(&grey, &grey).frames[0].pixels(), grey.pixels(), "it may be alpha");
    }
}

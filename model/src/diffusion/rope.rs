//! Where a token stands in time and space, as angles.

use candle_core::{Device, Result as CandleResult, Tensor};

/// A token's place: seconds, and pixels down and across.
pub(super) type Place = [f32; 3];

/// What places are measured against: 20 seconds, 2048 pixels.
const EXTENT: Place = [20.0, 2048.0, 2048.0];

/// The slowest frequency turns by a quarter over the extent, the fastest 10,000 times as much.
const FASTEST: f32 = 10_000.0;

/// Places of the latents of a shot, from the first frame on, row by row; `frames` latent frames of `height` x `width`.
///
/// The first latent frame stands for one frame, the others for `time` each, and are placed at the first of them.
pub(super) fn places(
    (frames, height, width): (usize, usize, usize),
    (time, space): (usize, usize),
    first_frame: usize,
    rate: f64,
) -> Vec<Place> {
    let mut places = Vec::with_capacity(frames * height * width);
    for l in 0..frames {
        let frame = (time * l + 1).saturating_sub(time) + first_frame;
        // Divided as the reference does, in f32.
        let seconds = frame as f32 * (1.0 / rate) as f32;
        for y in 0..height {
            for x in 0..width {
                places.push([seconds, (space * y) as f32, (space * x) as f32]);
            }
        }
    }
    places
}

/// Cosines and sines for the pairs of a row of `width` channels, `[tokens, width / 2]` each, in f32.
///
/// The pairs go by frequency, then by axis; where the width does not divide by six, the first pairs stay as they are.
pub(super) fn rotations(places: &[Place], width: usize, device: &Device) -> CandleResult<(Tensor, Tensor)> {
    let (pairs, frequencies) = (width / 2, width / 6);
    let still = pairs - 3 * frequencies;
    let step = |i: usize| i as f32 / (frequencies.max(2) - 1) as f32;
    let frequency: Vec<f32> = (0..frequencies).map(|i| FASTEST.powf(step(i)) * std::f32::consts::FRAC_PI_2).collect();
    let mut angles = Vec::with_capacity(places.len() * pairs);
    for place in places {
        angles.extend(std::iter::repeat_n(0.0, still));
        for f in &frequency {
            angles.extend((0..3).map(|axis| f * (place[axis] / EXTENT[axis] * 2.0 - 1.0)));
        }
    }
    let table = |of: fn(f32) -> f32| {
        Tensor::from_vec(angles.iter().map(|a| of(*a)).collect::<Vec<_>>(), (places.len(), pairs), device)
    };
    Ok((table(f32::cos)?, table(f32::sin)?))
}

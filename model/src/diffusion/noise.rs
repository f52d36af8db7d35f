//! Noise that is the same for a seed on every machine and every device.

use candle_core::{Device, Result as CandleResult, Tensor};

/// What noise is wanted for. Each purpose has a row of numbers of its own, so that a further keyframe leaves the rest of
/// the noise as it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// What the shot starts from.
    Latents,
    /// Where in its spread an encoded item lies; by the item's place in the list.
    Posterior(usize),
    /// What an item of less than full strength is mixed with.
    Item(usize),
    /// What known frames are shaken by before a step.
    Shake(usize),
    /// What a step of the stochastic sampler puts back.
    Step(usize),
    /// The same for tokens of items.
    StepItems(usize),
    /// What is mixed in before decoding.
    Decode,
}

impl Purpose {
    fn stream(self) -> u64 {
        let (kind, index) = match self {
            Self::Latents => (0, 0),
            Self::Posterior(i) => (1, i),
            Self::Item(i) => (2, i),
            Self::Shake(i) => (3, i),
            Self::Step(i) => (4, i),
            Self::Decode => (5, 0),
            Self::StepItems(i) => (6, i),
        };
        (kind << 32) | index as u64
    }
}

/// Where noise comes from.
pub trait Noise {
    /// Numbers of a normal distribution, in f32 on the CPU.
    ///
    /// # Errors
    /// When there is none of this shape.
    fn draw(&mut self, purpose: Purpose, shape: &[usize]) -> CandleResult<Tensor>;
}

/// Noise for a video, `[T, C, H, W]`, drawn in the order of the reference's memory, where channels come before frames.
pub(super) fn draw_video(noise: &mut dyn Noise, purpose: Purpose, shape: [usize; 4]) -> CandleResult<Tensor> {
    let [frames, channels, height, width] = shape;
    noise.draw(purpose, &[channels, frames, height, width])?.transpose(0, 1)?.contiguous()
}

/// Our own: a hash of seed, purpose and place, made normal by Box and Muller's transform.
///
/// Logarithm and cosine are those of the crate `libm`, which are the same on every platform.
#[derive(Clone, Copy, Debug)]
pub struct Seeded(pub u64);

/// A bijection that leaves no pattern in consecutive numbers (Steele et al. 2014, SplitMix64).
fn mixed(x: u64) -> u64 {
    let x = x.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    x ^ (x >> 31)
}

impl Noise for Seeded {
    fn draw(&mut self, purpose: Purpose, shape: &[usize]) -> CandleResult<Tensor> {
        let count = shape.iter().product::<usize>();
        let key = mixed(mixed(self.0) ^ mixed(purpose.stream().wrapping_mul(0xD6E8_FEB8_6659_FD93)));
        let mut values = Vec::with_capacity(count + 1);
        for pair in 0..count.div_ceil(2) as u64 {
            let (a, b) = (mixed(key.wrapping_add(2 * pair)), mixed(key.wrapping_add(2 * pair + 1)));
            // 53 bits, above 0 and up to 1, so that the logarithm is finite.
            let unit = |v: u64| ((v >> 11) + 1) as f64 / (1u64 << 53) as f64;
            let (radius, turn) = ((-2.0 * libm::log(unit(a))).sqrt(), std::f64::consts::TAU * unit(b));
            values.extend([(radius * libm::cos(turn)) as f32, (radius * libm::sin(turn)) as f32]);
        }
        values.truncate(count);
        Tensor::from_vec(values, shape, &Device::Cpu)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(seed: u64, purpose: Purpose, count: usize) -> Vec<f32> {
        Seeded(seed).draw(purpose, &[count]).unwrap().to_vec1().unwrap()
    }

    #[test]
    fn a_seed_gives_these_numbers_everywhere() {
        assert_eq!(values(7, Purpose::Latents, 4), [0.7760779, 1.123513, 0.3569467, -1.9250324]);
    }

    #[test]
    fn numbers_are_normal_and_purposes_differ() {
        let n = 100_000;
        let v = values(1, Purpose::Latents, n);
        let moment = |p: i32| v.iter().map(|v| f64::from(*v).powi(p)).sum::<f64>() / n as f64;
        assert!(moment(1).abs() < 0.01 && (moment(2) - 1.0).abs() < 0.02, "{} {}", moment(1), moment(2));
        assert!(moment(3).abs() < 0.05 && (moment(4) - 3.0).abs() < 0.1, "{} {}", moment(3), moment(4));
        for other in [values(2, Purpose::Latents, n), values(1, Purpose::Decode, n), values(1, Purpose::Item(0), n)] {
            let correlation = v.iter().zip(&other).map(|(a, b)| f64::from(a * b)).sum::<f64>() / n as f64;
            assert!(correlation.abs() < 0.015, "{correlation}");
        }
        assert_eq!(values(1, Purpose::Latents, 9)[..4], values(1, Purpose::Latents, 4)[..]);
    }
}

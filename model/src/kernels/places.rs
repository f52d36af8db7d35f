//! Descriptions of places, for comparing them.

use candle_core::{Result, Storage, Tensor, bail};
use rayon::prelude::*;

use super::{Planes, banded::by_bands, planar};

/// Places that a thread takes at a time,
const PART: usize = 1 << 10;
/// and those of them whose values lie in its first-level cache while each plane adds its own.
const NEAR: usize = 64;

/// A map `[1, C, H, W]` less the mean of each plane, place by place: `[H, W, C]`.
///
/// # Errors
/// When it is not such a map, or is not on the CPU.
pub(crate) fn place_by_place(x: &Tensor) -> Result<Vec<f32>> {
    let x = planar("place_by_place", "the map", x)?;
    let (storage, layout) = x.storage_and_layout();
    let Storage::Cpu(storage) = &*storage else { bail!("place_by_place: the map is not on the CPU") };
    let x = Planes::new(storage, layout)?;
    if x.n != 1 {
        bail!("place_by_place: takes one image, got {}", x.n)
    }
    let means: Vec<f32> = (0..x.c).into_par_iter().map(|plane| mean(x.plane(0, plane))).collect();
    Ok(by_bands((1, 1, x.h * x.w, x.c), PART, |_, first, parts| {
        for (i, near) in parts[0].chunks_mut(NEAR * x.c).enumerate() {
            for (plane, mean) in means.iter().enumerate() {
                let own = near.iter_mut().skip(plane).step_by(x.c);
                let values = &x.plane(0, plane)[first + i * NEAR..];
                own.zip(values).for_each(|(own, value)| *own = value - mean);
            }
        }
    }))
}

/// By parts, whose sums are of much the same size as what is added to them.
fn mean(values: &[f32]) -> f32 {
    let sums = values.chunks(PART).map(|part| f64::from(part.iter().sum::<f32>()));
    (sums.sum::<f64>() / values.len() as f64) as f32
}

#[cfg(test)]
mod tests {
    use super::{
        super::test::{Rng, flat},
        *,
    };

    #[test]
    fn the_values_of_a_place_lie_side_by_side_less_their_means() {
        let x = Rng::new(1).tensor(&[1, 5, 37, 41], 1.0);
        let known = x.broadcast_sub(&x.mean_keepdim((2, 3)).unwrap()).unwrap();
        let known = flat(&known.squeeze(0).unwrap().permute((1, 2, 0)).unwrap());
        let made = place_by_place(&x).unwrap();
        assert_eq!(made.len(), known.len());
        assert!(made.iter().zip(&known).all(|(made, known)| (made - known).abs() < 1e-6));
        assert!(place_by_place(&x.repeat((2, 1, 1, 1)).unwrap()).is_err(), "two images");
    }
}

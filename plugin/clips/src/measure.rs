//! How far two pictures are apart.

use super::ClipError;
use super::picture::{Depth, Picture, Pixels};

fn same_size(a: &Picture, b: &Picture) -> Result<(), ClipError> {
    if a.size() == b.size() { Ok(()) } else { Err(ClipError::DifferentSizes { left: a.size(), right: b.size() }) }
}

fn rgb_floats(picture: &Picture) -> Vec<f32> {
    match picture.to_rgb().into_pixels() {
        Pixels::F32(v) => v,
        other => other.to_f32(),
    }
}

fn decibels(mse: f64, peak: f64) -> f64 {
    if mse == 0.0 { f64::INFINITY } else { 10.0 * (peak * peak / mse).log10() }
}

/// Peak signal-to-noise ratio in dB over R, G and B, in the 8-bit domain: 10·log₁₀(255² / MSE). Infinite for equal
/// pictures. Deeper pictures are clamped to 0…1 and scaled to 0…255, but not rounded; alpha is left out.
pub fn psnr(a: &Picture, b: &Picture) -> Result<f64, ClipError> {
    same_size(a, b)?;
    if let (Pixels::U8(left), Pixels::U8(right)) = (a.pixels(), b.pixels()) {
        let pixels = left.chunks_exact(a.channels()).zip(right.chunks_exact(b.channels()));
        let squares = pixels.map(|(p, q)| (0..3).map(|i| u64::from(p[i].abs_diff(q[i])).pow(2)).sum::<u64>());
        let sum: u64 = squares.sum();
        return Ok(decibels(sum as f64 / (a.width() * a.height() * 3) as f64, 255.0));
    }
    let scaled = |v: f32| f64::from(v.clamp(0.0, 1.0)) * 255.0;
    Ok(decibels(mse(&rgb_floats(a), &rgb_floats(b), scaled), 255.0))
}

/// Peak signal-to-noise ratio in dB over R, G and B of the values as they are, white being 1.0, against the `peak`
/// given: for scene-linear pictures, which have no upper end. A picture with a NaN gives NaN.
pub fn psnr_float(a: &Picture, b: &Picture, peak: f64) -> Result<f64, ClipError> {
    same_size(a, b)?;
    Ok(decibels(mse(&rgb_floats(a), &rgb_floats(b), f64::from), peak))
}

fn mse(a: &[f32], b: &[f32], scale: impl Fn(f32) -> f64) -> f64 {
    a.iter().zip(b).map(|(&x, &y)| (scale(x) - scale(y)).powi(2)).sum::<f64>() / a.len() as f64
}

/// The absolute difference of two pictures times `gain` (4 shows what the eye would miss), clamped: an 8-bit picture,
/// black where they agree.
pub fn difference(a: &Picture, b: &Picture, gain: f32) -> Result<Picture, ClipError> {
    same_size(a, b)?;
    let apart = rgb_floats(a).iter().zip(&rgb_floats(b)).map(|(x, y)| (x - y).abs() * gain).collect();
    Picture::new(a.width(), a.height(), false, false, Pixels::from_f32(apart, Depth::U8))
}

/// Structural similarity of luma (BT.601 weights, 8-bit domain), 1 for equal pictures.
///
/// Wang, Bovik, Sheikh, Simoncelli: "Image Quality Assessment: From Error Visibility to Structural Similarity", 2004:
/// Gaussian window of 11×11 and σ 1.5, K₁ 0.01, K₂ 0.03, the mean over every place where the window fits. A picture
/// smaller than the window is measured with the part of it that fits.
pub fn ssim(a: &Picture, b: &Picture) -> Result<f64, ClipError> {
    same_size(a, b)?;
    let (width, height) = a.size();
    let (a, b) = (luma(a), luma(b));
    let product = |x: &[f32], y: &[f32]| x.iter().zip(y).map(|(x, y)| x * y).collect::<Vec<_>>();
    let blurred = |plane: &[f32]| blur(plane, width, height);
    let (mean_a, mean_b) = (blurred(&a), blurred(&b));
    let (aa, bb, ab) = (blurred(&product(&a, &a)), blurred(&product(&b, &b)), blurred(&product(&a, &b)));
    let (c1, c2) = ((0.01_f64 * 255.0).powi(2), (0.03_f64 * 255.0).powi(2));
    let places = mean_a.len();
    let sum: f64 = (0..places)
        .map(|i| {
            let (ma, mb) = (f64::from(mean_a[i]), f64::from(mean_b[i]));
            let (va, vb) = (f64::from(aa[i]) - ma * ma, f64::from(bb[i]) - mb * mb);
            let covariance = f64::from(ab[i]) - ma * mb;
            (2.0 * ma * mb + c1) * (2.0 * covariance + c2) / ((ma * ma + mb * mb + c1) * (va + vb + c2))
        })
        .sum();
    Ok(sum / places as f64)
}

fn luma(picture: &Picture) -> Vec<f32> {
    let weigh = |p: &[f32]| 255.0 * (0.299 * p[0] + 0.587 * p[1] + 0.114 * p[2]);
    rgb_floats(picture).chunks_exact(3).map(weigh).collect()
}

/// Gaussian blur at the places where the window fits.
fn blur(plane: &[f32], width: usize, height: usize) -> Vec<f32> {
    let window = |length: usize| -> Vec<f32> {
        let size = length.min(11);
        let centre = (size as f32 - 1.0) / 2.0;
        let weights = (0..size).map(|i| (-(i as f32 - centre).powi(2) / 4.5).exp()).collect::<Vec<_>>();
        let sum: f32 = weights.iter().sum();
        weights.into_iter().map(|w| w / sum).collect()
    };
    let (across, down) = (window(width), window(height));
    let narrow = width + 1 - across.len();
    let rows: Vec<f32> = plane
        .chunks_exact(width)
        .flat_map(|row| row.windows(across.len()).map(|w| w.iter().zip(&across).map(|(v, k)| v * k).sum::<f32>()))
        .collect();
    let columns = height + 1 - down.len();
    (0..columns * narrow).map(|i| down.iter().enumerate().map(|(j, k)| k * rows[i + j * narrow]).sum()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flat(value: u8) -> Picture {
        Picture::from_rgb8(16, 12, vec![value; 16 * 12 * 3]).unwrap()
    }

    fn noisy(seed: u32) -> Picture {
        let mut state = seed;
        let next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        };
        Picture::from_rgb8(16, 12, std::iter::repeat_with(next).take(16 * 12 * 3).collect()).unwrap()
    }

    #[test]
    fn psnr_follows_its_formula() {
        // An error of 5 everywhere: 20·log10(255 / 5).
        let expected = 20.0 * (255.0_f64 / 5.0).log10();
        assert!((psnr(&flat(100), &flat(105)).unwrap() - expected).abs() < 1e-9);
        assert_eq!(psnr(&flat(7), &flat(7)).unwrap(), f64::INFINITY);
    }

    #[test]
    fn psnr_is_the_same_in_every_depth_and_ignores_alpha() {
        let (a, b) = (noisy(1), noisy(2));
        let expected = psnr(&a, &b).unwrap();
        for depth in [Depth::U16, Depth::F32] {
            assert!((psnr(&a.to_depth(depth), &b).unwrap() - expected).abs() < 1e-3, "{depth:?}");
        }
        assert_eq!(psnr(&a.to_rgba(), &b).unwrap(), expected);
        assert!((psnr_float(&a, &b, 1.0).unwrap() - expected).abs() < 1e-3);
    }

    #[test]
    fn float_psnr_sees_what_lies_above_white() {
        let bright = |v: f32| Picture::new(1, 1, false, false, Pixels::F32(vec![v; 3])).unwrap();
        assert_eq!(psnr(&bright(2.0), &bright(3.0)).unwrap(), f64::INFINITY);
        assert!((psnr_float(&bright(2.0), &bright(3.0), 10.0).unwrap() - 20.0).abs() < 1e-9);
    }

    #[test]
    fn pictures_of_other_sizes_are_not_compared() {
        let other = Picture::from_rgb8(1, 1, vec![0; 3]).unwrap();
        assert!(psnr(&flat(0), &other).unwrap_err().to_string().contains("16×12 and 1×1"));
        assert!(ssim(&flat(0), &other).is_err() && difference(&flat(0), &other, 4.0).is_err());
    }

    #[test]
    fn the_difference_is_amplified_and_clamped() {
        let apart = difference(&flat(100), &flat(105), 4.0).unwrap();
        assert_eq!(apart, flat(20));
        assert_eq!(difference(&flat(0), &flat(200), 4.0).unwrap(), flat(255));
    }

    #[test]
    fn ssim_is_one_for_equals_and_follows_its_formula_for_flat_pictures() {
        assert!((ssim(&noisy(3), &noisy(3)).unwrap() - 1.0).abs() < 1e-6);
        // Without structure only the term of luminance is left.
        let c1 = 6.5025;
        let expected = (2.0 * 100.0 * 150.0 + c1) / (100.0 * 100.0 + 150.0 * 150.0 + c1);
        assert!((ssim(&flat(100), &flat(150)).unwrap() - expected).abs() < 1e-3);
        assert!(ssim(&noisy(3), &noisy(4)).unwrap() < 0.3);
        let tiny = Picture::from_rgb8(2, 1, vec![1, 2, 3, 4, 5, 6]).unwrap();
        assert!((ssim(&tiny, &tiny).unwrap() - 1.0).abs() < 1e-6);
    }
}

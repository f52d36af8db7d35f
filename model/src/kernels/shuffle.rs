//! Channels to space.

use candle_core::{Result, Shape, Tensor, bail};
use rayon::prelude::*;

use super::{CpuKernel, Planes, on_planes, planar};

/// Turns `[N, C * r * r, H, W]` into `[N, C, H * r, W * r]`: the pixel `(x * r + i, y * r + j)` of channel `c` is
/// channel `c * r * r + j * r + i` at `(x, y)`, as PyTorch's `PixelShuffle`.
///
/// # Errors
/// When the channels are no multiple of `r * r`, or the tensor is not `f32`.
pub fn pixel_shuffle(x: &Tensor, r: usize) -> Result<Tensor> {
    let x = planar("pixel_shuffle", "the input", x)?;
    let (n, c, h, w) = x.dims4()?;
    if r == 0 || !c.is_multiple_of(r * r) {
        bail!("pixel_shuffle: {:?} cannot be spread {r} by {r}: its channels are no multiple of {}", x.dims(), r * r)
    }
    let channels = c / (r * r);
    if !x.device().is_cpu() {
        let x = x.reshape(&[n, channels, r, r, h, w][..])?.permute(vec![0, 1, 4, 2, 5, 3])?;
        return x.reshape((n, channels, h * r, w * r));
    }
    let shape = Shape::from((n, channels, h * r, w * r));
    let kernel =
        CpuKernel { name: "pixel_shuffle", run: on_planes(|x: &[Planes<'_>]| Ok((shuffle(x[0], r), shape.clone()))) };
    x.apply_op1_no_bwd(&kernel)
}

fn shuffle(x: Planes<'_>, r: usize) -> Vec<f32> {
    let mut out = vec![0.0; x.data.len()];
    // One task for each output channel and row of the input.
    out.par_chunks_exact_mut(r * r * x.w).enumerate().for_each(|(i, rows)| {
        let (plane, y) = (i / x.h, i % x.h);
        for (j, row) in rows.chunks_exact_mut(r * x.w).enumerate() {
            let from = |i: usize| &x.data[((plane * r + j) * r + i) * x.h * x.w + y * x.w..][..x.w];
            if r == 2 {
                for (pair, (a, b)) in row.chunks_exact_mut(2).zip(from(0).iter().zip(from(1))) {
                    pair[0] = *a;
                    pair[1] = *b;
                }
            } else {
                for i in 0..r {
                    row[i..].iter_mut().step_by(r).zip(from(i)).for_each(|(o, v)| *o = *v);
                }
            }
        }
    });
    out
}

#[cfg(test)]
mod tests {
    use super::super::test::*;
    use super::*;

    #[test]
    fn equals_reshape_and_permute() {
        let mut rng = Rng::new(12);
        for (shape, r) in [([2, 8, 3, 5], 2), ([1, 9, 2, 2], 3), ([1, 3, 4, 4], 1), ([1, 16, 1, 1], 4)] {
            let x = rng.tensor(&shape, 1.0);
            let [n, c, h, w] = shape;
            let c = c / (r * r);
            let want = x.reshape(&[n, c, r, r, h, w][..]).unwrap().permute(vec![0, 1, 4, 2, 5, 3]).unwrap();
            let got = pixel_shuffle(&x, r).unwrap();
            assert_eq!(got.dims(), [n, c, h * r, w * r]);
            assert_eq!(flat(&got), flat(&want), "{shape:?} by {r}");
        }
    }

    #[test]
    fn channels_that_do_not_divide_are_an_error() {
        let x = Rng::new(13).tensor(&[1, 6, 2, 2], 1.0);
        assert!(pixel_shuffle(&x, 2).unwrap_err().to_string().contains("[1, 6, 2, 2]"));
        assert!(pixel_shuffle(&x, 0).is_err());
    }
}

//! Maps that threads make by bands of rows, each cleared just before it is filled: cleared as a whole it would go through memory once
//! more, by one thread, while the others wait.
#![allow(unsafe_code, reason = "memory is given to threads before it is cleared")]

use std::mem::MaybeUninit;

use rayon::prelude::*;

/// Maps `[n, c, h, w]`, made by bands of `rows` rows: `fill` has the number of the image, a band's first row, and that band of each of
/// the `c` planes, all zeros.
pub(super) fn by_bands(
    (n, c, h, w): (usize, usize, usize, usize),
    rows: usize,
    fill: impl Fn(usize, usize, &mut [&mut [f32]]) + Sync,
) -> Vec<f32> {
    let len = n * c * h * w;
    let mut out = Vec::with_capacity(len);
    let bands = bands(&mut out.spare_capacity_mut()[..len], c, (h, w), rows);
    assert_eq!(bands.iter().flatten().map(|band| band.len()).sum::<usize>(), len, "the bands are not the whole");
    let per_image = h.div_ceil(rows);
    bands.into_par_iter().enumerate().for_each(|(i, planes)| {
        let mut planes: Vec<&mut [f32]> = planes.into_iter().map(cleared).collect();
        fill(i / per_image, i % per_image * rows, &mut planes);
    });
    // SAFETY: there is room for so many. The bands do not overlap and hold as many values, and each was cleared.
    unsafe { out.set_len(len) };
    out
}

/// Cuts `[n, c, h, w]` into bands of `rows` rows: one entry for each image and band (bands of the first image first), which holds that
/// band of each of the `c` planes.
fn bands<T>(out: &mut [T], c: usize, (h, w): (usize, usize), rows: usize) -> Vec<Vec<&mut [T]>> {
    let count = h.div_ceil(rows);
    let images = out.len() / (c * h * w);
    let mut bands: Vec<Vec<&mut [T]>> = (0..images * count).map(|_| Vec::with_capacity(c)).collect();
    for (i, plane) in out.chunks_exact_mut(h * w).enumerate() {
        for (b, rows) in plane.chunks_mut(rows * w).enumerate() {
            bands[i / c * count + b].push(rows);
        }
    }
    bands
}

fn cleared(values: &mut [MaybeUninit<f32>]) -> &mut [f32] {
    values.fill(MaybeUninit::new(0.0));
    // SAFETY: each was just written.
    unsafe { values.assume_init_mut() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_is_made_by_its_band_and_zero_before() {
        let (n, c, h, w) = (2, 3, 7, 5);
        let made = by_bands((n, c, h, w), 3, |image, top, planes| {
            assert_eq!(planes.len(), c);
            for (plane, values) in planes.iter_mut().enumerate() {
                assert_eq!(values.len(), w * 3.min(h - top));
                for (i, value) in values.iter_mut().enumerate() {
                    assert_eq!(*value, 0.0);
                    *value = (((image * c + plane) * h + top) * w + i) as f32;
                }
            }
        });
        assert_eq!(made, (0..n * c * h * w).map(|i| i as f32).collect::<Vec<_>>());
    }
}

//! The matrix product, on the calling thread alone: what splits its work over threads calls it with its own part.
//!
//! One of the two places of this crate with unsafe code: the crate `gemm` takes raw pointers.
#![allow(unsafe_code, reason = "a safe face for the crate gemm, which takes pointers and strides")]

use gemm::{Parallelism, gemm};

/// A matrix in a slice: the element at `(r, c)` lies at `r * row + c * col`.
#[derive(Clone, Copy)]
pub(super) struct Matrix<'a> {
    data: &'a [f32],
    rows: usize,
    cols: usize,
    row: usize,
    col: usize,
}

/// How far into a slice a matrix reaches: one past its last element.
fn reach(rows: usize, cols: usize, row: usize, col: usize) -> usize {
    let last = |n: usize, stride: usize| n.saturating_sub(1).checked_mul(stride);
    let reach = last(rows, row).zip(last(cols, col)).and_then(|(a, b)| a.checked_add(b)?.checked_add(1));
    reach.expect("a matrix fits in memory")
}

impl<'a> Matrix<'a> {
    /// A matrix whose rows lie `pitch` apart.
    ///
    /// # Panics
    /// When the slice is too short.
    pub(super) fn new(data: &'a [f32], rows: usize, cols: usize, pitch: usize) -> Self {
        assert!(
            rows == 0 || cols == 0 || reach(rows, cols, pitch, 1) <= data.len(),
            "the slice is shorter than its matrix"
        );
        Self { data, rows, cols, row: pitch, col: 1 }
    }

    /// The same, rows for columns.
    pub(super) fn transposed(self) -> Self {
        Self { rows: self.cols, cols: self.rows, row: self.col, col: self.row, ..self }
    }
}

/// `out = a * b`, or `out += a * b`; rows of `out` lie `pitch` apart.
///
/// # Panics
/// When the sizes do not fit each other, or `out` is too short.
pub(super) fn multiply(out: &mut [f32], pitch: usize, a: Matrix<'_>, b: Matrix<'_>, add: bool) {
    assert_eq!(a.cols, b.rows, "the sizes of a product must fit");
    let (m, n, k) = (a.rows, b.cols, a.cols);
    if m == 0 || n == 0 {
        return;
    }
    assert!(n <= pitch && reach(m, n, pitch, 1) <= out.len(), "the slice is shorter than its matrix");
    // Strides are far below 2^63: they index slices.
    let stride = |s: usize| s as isize;
    // SAFETY: every element that is read or written, at r * row + c * col for r below the rows and c below the columns,
    // lies in its slice: checked above for `out`, in `Matrix::new` for `a` and `b` (transposing keeps the set of
    // elements). `out` is borrowed uniquely, and n <= pitch keeps its elements apart.
    unsafe {
        gemm(
            m,
            n,
            k,
            out.as_mut_ptr(),
            1,
            stride(pitch),
            add,
            a.data.as_ptr(),
            stride(a.col),
            stride(a.row),
            b.data.as_ptr(),
            stride(b.col),
            stride(b.row),
            1.0,
            1.0,
            false,
            false,
            false,
            Parallelism::None,
        );
    }
}

#[cfg(test)]
mod tests {
    use super::{super::test::Rng, *};

    #[test]
    fn multiplies_adds_and_transposes() {
        let (m, k, n, pitch) = (5, 7, 3, 9);
        let mut rng = Rng::new(3);
        let (a, b) = (rng.values(m * pitch, 1.0), rng.values(n * k, 1.0));
        let mut out = vec![1.0; m * 4];
        for (add, base) in [(false, 0.0), (true, 1.0)] {
            out.fill(1.0);
            multiply(&mut out, 4, Matrix::new(&a, m, k, pitch), Matrix::new(&b, n, k, k).transposed(), add);
            for r in 0..m {
                for c in 0..n {
                    let want: f32 = base + (0..k).map(|i| a[r * pitch + i] * b[c * k + i]).sum::<f32>();
                    assert!((out[r * 4 + c] - want).abs() < 1e-5);
                }
                assert_eq!(out[r * 4 + 3], 1.0, "what lies between the rows is left alone");
            }
        }
    }

    #[test]
    #[should_panic(expected = "shorter than its matrix")]
    fn a_short_slice_is_refused() {
        let _ = Matrix::new(&[0.0; 5], 2, 3, 3);
    }
}

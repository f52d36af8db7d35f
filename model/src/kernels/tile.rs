//! Tiles of a picture copied with their surroundings into a thread's scratch memory.

use std::cell::Cell;

/// Copies every `step`-th sample of a `height` x `width` plane into `out`, rows of `cols` samples; the first sample
/// lies at `(top, left)`, and what lies outside the plane is zero.
#[inline(always)]
pub(super) fn gather(
    plane: &[f32],
    (height, width): (usize, usize),
    (top, left): (isize, isize),
    step: usize,
    cols: usize,
    out: &mut [f32],
) {
    // The run of columns that lies inside the plane.
    let before = if left < 0 { ((-left) as usize).div_ceil(step).min(cols) } else { 0 };
    let first = left + (before * step) as isize;
    let inside = if first >= width as isize { 0 } else { (width - first as usize).div_ceil(step).min(cols - before) };
    for (r, row) in out.chunks_exact_mut(cols).enumerate() {
        let y = top + (r * step) as isize;
        if y < 0 || y >= height as isize || inside == 0 {
            row.fill(0.0);
            continue;
        }
        let from = &plane[y as usize * width + first as usize..];
        let (margin, rest) = row.split_at_mut(before);
        let (middle, end) = rest.split_at_mut(inside);
        margin.fill(0.0);
        end.fill(0.0);
        match step {
            1 => copy_row(&from[..inside], middle),
            2 => stride::<2>(from, middle),
            4 => stride::<4>(from, middle),
            _ => middle.iter_mut().zip(from.iter().step_by(step)).for_each(|(o, v)| *o = *v),
        }
    }
}

/// Every `N`-th sample, in a form that compiles to shuffles of whole vectors.
#[inline(always)]
fn stride<const N: usize>(from: &[f32], out: &mut [f32]) {
    let (groups, rest) = pulp::as_arrays::<N, f32>(from);
    let whole = out.len().min(groups.len());
    for (o, g) in out[..whole].iter_mut().zip(&groups[..whole]) {
        *o = g[0];
    }
    if let (Some(o), Some(v)) = (out[whole..].first_mut(), rest.first()) {
        *o = *v;
    }
}

/// Copies a row of samples of a tile, or of results: so few that a call of the system's copy would take longer than the
/// copy itself.
#[inline(always)]
pub(super) fn copy_row(from: &[f32], to: &mut [f32]) {
    assert_eq!(from.len(), to.len(), "a row is copied to one as long");
    match from.len() {
        0..4 => to.iter_mut().zip(from).for_each(|(to, from)| *to = *from),
        4..16 => copy_by::<4>(from, to),
        _ => copy_by::<16>(from, to),
    }
}

/// Copies `N` samples at a time, of which there have to be as many. The last `N` are the last samples, whether or not some of
/// them were copied before.
#[inline(always)]
fn copy_by<const N: usize>(from: &[f32], to: &mut [f32]) {
    let (whole, rest) = from.as_chunks::<N>();
    to.as_chunks_mut::<N>().0.iter_mut().zip(whole).for_each(|(to, from)| *to = *from);
    if !rest.is_empty()
        && let (Some(to), Some(from)) = (to.last_chunk_mut::<N>(), from.last_chunk::<N>())
    {
        *to = *from;
    }
}

thread_local! {
    static SCRATCH: Cell<Vec<f32>> = const { Cell::new(Vec::new()) };
}

/// Runs `f` with `len` floats of this thread's scratch memory, kept between calls; their content is arbitrary.
pub(super) fn with_scratch<R>(len: usize, f: impl FnOnce(&mut [f32]) -> R) -> R {
    // Taken out for the call, so a nested use would only allocate anew.
    let mut scratch = SCRATCH.take();
    if scratch.len() < len {
        scratch.clear();
        scratch.resize(len, 0.0);
    }
    let result = f(&mut scratch[..len]);
    SCRATCH.set(scratch);
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_any_length_are_copied_and_nothing_beside_them() {
        for n in 0..70 {
            let from: Vec<f32> = (1..=n).map(|v| v as f32).collect();
            let mut to = vec![0.0; n + 2];
            copy_row(&from, &mut to[1..=n]);
            assert_eq!(to[1..=n], from, "{n} samples");
            assert_eq!((to[0], to[n + 1]), (0.0, 0.0), "{n} samples");
        }
    }

    #[test]
    fn gather_pads_with_zeros_and_steps() {
        let plane: Vec<f32> = (1..=12).map(|v| v as f32).collect(); // 3 rows of 4
        let mut out = [9.0; 10];
        gather(&plane, (3, 4), (-1, -1), 1, 5, &mut out);
        assert_eq!(out, [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 2.0, 3.0, 4.0]);
        let mut out = [9.0; 9];
        gather(&plane, (3, 4), (0, -1), 2, 3, &mut out);
        assert_eq!(out, [0.0, 2.0, 4.0, 0.0, 10.0, 12.0, 0.0, 0.0, 0.0]);
        let mut out = [9.0; 3];
        gather(&plane, (3, 4), (2, -3), 3, 3, &mut out);
        assert_eq!(out, [0.0, 9.0, 12.0]);
        let mut out = [9.0; 2];
        gather(&plane, (3, 4), (0, 7), 1, 2, &mut out);
        assert_eq!(out, [0.0, 0.0]);
    }
}

//! How alike places of two frames are, by their features.

/// Motions no further apart than so many places are much the same.
pub(super) const LIKE: f32 = 1.0;
/// Numbers that are added side by side.
const LANES: usize = 8;

// These sums are inlined into what is dispatched, so that they are compiled for the vectors of the machine; they have as many parts as
// vectors have numbers, and are the same on every machine.

/// How far two descriptions are from being the same.
#[inline(always)]
pub(super) fn apart(a: &[f32], b: &[f32]) -> f32 {
    let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<LANES>(), b.as_chunks::<LANES>());
    let mut parts = [0.0; LANES];
    for (a, b) in a.iter().zip(b) {
        for lane in 0..LANES {
            parts[lane] += square(a[lane] - b[lane]);
        }
    }
    for (part, (a, b)) in parts.iter_mut().zip(a_rest.iter().zip(b_rest)) {
        *part += square(a - b);
    }
    parts.iter().sum()
}

/// How far a description is from what lies between four others, `dx` across and `dy` down from the first.
#[inline(always)]
pub(super) fn apart_between(described: &[f32], [a, b, c, d]: [&[f32]; 4], dx: f32, dy: f32) -> f32 {
    let left = |described: f32, a: f32, b: f32, c: f32, d: f32| {
        let (upper, lower) = (a + dx * (b - a), c + dx * (d - c));
        square(upper + dy * (lower - upper) - described)
    };
    let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<LANES>(), b.as_chunks::<LANES>());
    let ((c, c_rest), (d, d_rest)) = (c.as_chunks::<LANES>(), d.as_chunks::<LANES>());
    let (described, rest) = described.as_chunks::<LANES>();
    let mut parts = [0.0; LANES];
    for ((((described, a), b), c), d) in described.iter().zip(a).zip(b).zip(c).zip(d) {
        for lane in 0..LANES {
            parts[lane] += left(described[lane], a[lane], b[lane], c[lane], d[lane]);
        }
    }
    for (i, (part, described)) in parts.iter_mut().zip(rest).enumerate() {
        *part += left(*described, a_rest[i], b_rest[i], c_rest[i], d_rest[i]);
    }
    parts.iter().sum()
}

#[inline(always)]
fn square(x: f32) -> f32 {
    x * x
}

/// How many of a place's eight neighbours have found much the same motion.
pub(super) fn neighbours(found: &[Option<(f32, f32)>], width: usize, place: usize, motion: (f32, f32)) -> usize {
    let (x, y, height) = (place % width, place / width, found.len() / width);
    let near = |at: usize, end: usize| at.saturating_sub(1)..(at + 2).min(end);
    let around = near(y, height).flat_map(|v| near(x, width).map(move |u| v * width + u)).filter(|at| *at != place);
    let like = |other: &(f32, f32)| (other.0 - motion.0).abs().max((other.1 - motion.1).abs()) <= LIKE;
    around.filter(|at| found[*at].as_ref().is_some_and(like)).count()
}

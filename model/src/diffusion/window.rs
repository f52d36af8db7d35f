//! A shot with known and missing frames, as runs of the model: which frames each run spans, and what it is told.
//!
//! A run makes 8k+1 frames. What is known before a gap starts the run, as a clip where there are nine frames of it; what
//! is known later is a still at its first frame, which hugs the gap, then a clip from the next multiple of eight on, for
//! only there may a clip start, then a still at its last frame before the next gap. A shot longer than a run is made by
//! several, each of which starts with the last latents of the one before: carried over as they are, for the way through
//! the VAE and back would lose colour with every run.

use std::ops::Range;

/// How long runs may be, and what they look at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Limits {
    /// Frames of a run: one more than a multiple of `time`.
    pub(super) window: usize,
    /// Known frames that are looked at on each side: one more than a multiple of `time`.
    pub(super) context: usize,
    /// Frames to a latent.
    pub(super) time: usize,
}

/// What a run is told of known frames.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Placed {
    /// Which frames, as places in the row.
    pub(super) row: Range<usize>,
    /// From which frame of the run on.
    pub(super) at: usize,
}

/// One run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Window {
    /// The place in the row of its first frame.
    pub(super) start: usize,
    /// Its frames: one more than a multiple of `time`. The last may lie beyond the row.
    pub(super) frames: usize,
    /// Latents of the run before that it starts with.
    pub(super) carried: usize,
    pub(super) known: Vec<Placed>,
}

/// Latents that are carried from run to run, at most.
const CARRIED: usize = 3;

/// The runs that make what is missing of a row, by passage: what lies so far from the next gap that no run needs to see
/// both is a passage of its own. `known` tells of each frame whether it is.
pub(super) fn passages(known: &[bool], limits: Limits) -> Vec<Vec<Window>> {
    let gaps: Vec<usize> = (0..known.len()).filter(|i| !known[*i]).collect();
    let apart = |a: &usize, b: &usize| b - a <= 2 * limits.context + 1;
    gaps.chunk_by(apart).map(|gaps| windows(known, gaps[0], gaps[gaps.len() - 1], limits)).collect()
}

/// The runs of one passage, which reaches from its first missing frame to its last and sees what is known around it. Runs
/// are of one length, so that the last sees as much of what follows as the others.
fn windows(known: &[bool], first: usize, last: usize, limits: Limits) -> Vec<Window> {
    let Limits { window, context, time } = limits;
    let whole = |frames: usize| (frames - 1).div_ceil(time) * time + 1;
    let led = (1..=first).take_while(|n| known[first - n]).count();
    // The clip that leads in is as long as a clip may be.
    let lead = match led.min(context).min(window - time) {
        0 => 0,
        frames => (frames - 1) / time * time + 1,
    };
    let follows = (last + 1..known.len()).take_while(|i| known[*i]).count();
    let (begin, end) = (first - lead, last + 1 + follows.min(context));
    let length = end - begin;
    let carried = CARRIED.min((window - 1) / time / 2).max(1);
    let overlap = (carried - 1) * time + 1;
    let count = if length <= window { 1 } else { (length - overlap).div_ceil(window - overlap) };
    let frames = whole((length + (count - 1) * overlap).div_ceil(count));
    let window = |i: usize| {
        let start = begin + i * frames.saturating_sub(overlap);
        let (carried, seen) = if i == 0 { (0, 0) } else { (carried, overlap) };
        let own = (start + seen).min(end)..(start + frames).min(end);
        Window { start, frames, carried, known: placed(known, start, own, time, frames) }
    };
    (0..count).map(window).collect()
}

/// What a run is told of the frames `own`, in the order of time.
fn placed(known: &[bool], start: usize, own: Range<usize>, time: usize, frames: usize) -> Vec<Placed> {
    let mut placed: Vec<Placed> = Vec::new();
    let mut at = own.start;
    while at < own.end {
        if !known[at] {
            at += 1;
            continue;
        }
        let end = (at..own.end).find(|i| !known[*i]).unwrap_or(own.end);
        run_of_known(at..end, start, time, frames, &mut placed);
        at = end;
    }
    placed
}

fn run_of_known(run: Range<usize>, start: usize, time: usize, frames: usize, placed: &mut Vec<Placed>) {
    let first = run.start - start;
    let clip_at = first.next_multiple_of(time);
    let room = run.end.min(start + frames) as isize - (start + clip_at) as isize;
    let clip = if room > 0 { (room as usize - 1) / time * time + 1 } else { 0 };
    // At the start a single frame is a clip too; later it takes nine.
    let clip = if clip > time || (clip_at == 0 && clip > 0) { clip } else { 0 };
    if clip == 0 || clip_at > first {
        placed.push(Placed { row: run.start..run.start + 1, at: first });
    }
    if clip > 0 {
        placed.push(Placed { row: start + clip_at..start + clip_at + clip, at: clip_at });
    }
    let told = placed.last().map_or(run.start, |p| p.row.end);
    // The last frame before the next gap, if the clip does not reach it. Beyond the last gap it tells nothing new.
    if told < run.end && run.len() > 1 {
        placed.push(Placed { row: run.end - 1..run.end, at: run.end - 1 - start });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits { window: 49, context: 17, time: 8 };

    fn row(parts: &[(bool, usize)]) -> Vec<bool> {
        parts.iter().flat_map(|(known, count)| std::iter::repeat_n(*known, *count)).collect()
    }

    /// What must hold of any row: runs are possible, every missing frame is in one, and what is told is known.
    fn check(known: &[bool], passages: &[Vec<Window>]) {
        let mut made = vec![false; known.len()];
        for window in passages.iter().flatten() {
            assert!(window.frames % 8 == 1 && window.frames <= LIMITS.window, "{window:?}");
            let mut taken = Vec::new();
            for placed in &window.known {
                assert!(placed.row.clone().all(|i| known[i]), "{window:?}");
                assert_eq!(placed.row.start - window.start, placed.at, "{window:?}");
                assert!(placed.at + placed.row.len() <= window.frames, "{window:?}");
                assert_eq!(placed.row.len() % 8, 1, "{window:?}");
                assert!(placed.row.len() == 1 || placed.at % 8 == 0, "{window:?}");
                taken.push(placed.at);
            }
            let count = taken.len();
            taken.dedup();
            assert_eq!(count, taken.len(), "two items on one frame: {window:?}");
            let end = (window.start + window.frames).min(known.len());
            made[window.start..end].fill(true);
        }
        assert!(known.iter().zip(&made).all(|(known, made)| *known || *made), "{passages:?}");
    }

    #[test]
    fn each_job_is_told_what_its_name_says() {
        let of = |parts: &[(bool, usize)]| {
            let known = row(parts);
            let passages = passages(&known, LIMITS);
            check(&known, &passages);
            passages.into_iter().flatten().collect::<Vec<_>>()
        };
        let placed = |row: Range<usize>, at| Placed { row, at };
        // Animate a still: one known frame leads in.
        let animate = of(&[(true, 1), (false, 24)]);
        assert_eq!(animate, [Window { start: 0, frames: 25, carried: 0, known: vec![placed(0..1, 0)] }]);
        // Extend: the last nine or seventeen frames lead in, whole.
        let extend = of(&[(true, 30), (false, 20)]);
        assert_eq!(extend[0].known, [placed(13..30, 0)]);
        // Extend backwards: the clip after the gap, from the next multiple of eight.
        let backwards = of(&[(false, 8), (true, 30)]);
        assert_eq!(backwards[0].known, [placed(8..25, 8)]);
        let backwards = of(&[(false, 10), (true, 30)]);
        assert_eq!(backwards[0].known[..2], [placed(10..11, 10), placed(16..25, 16)]);
        // First and last frame.
        let both = of(&[(true, 1), (false, 23), (true, 1)]);
        assert_eq!(both[0].known, [placed(0..1, 0), placed(24..25, 24)]);
        assert!(of(&[(true, 9)]).is_empty());
    }

    #[test]
    fn long_gaps_are_made_by_runs_that_overlap() {
        let known = row(&[(true, 9), (false, 200), (true, 12)]);
        let passages = passages(&known, LIMITS);
        check(&known, &passages);
        let windows = &passages[0];
        assert!(windows.len() > 3);
        for pair in windows.windows(2) {
            let overlap = pair[0].start + pair[0].frames - pair[1].start;
            assert_eq!(overlap, (pair[1].carried - 1) * 8 + 1);
        }
        assert!(windows.last().unwrap().known.iter().any(|p| p.row.start == 209));
    }

    #[test]
    fn gaps_far_apart_are_made_apart() {
        let known = row(&[(true, 5), (false, 3), (true, 60), (false, 4), (true, 2)]);
        let passages = passages(&known, LIMITS);
        check(&known, &passages);
        let starts: Vec<_> = passages.iter().map(|p| p[0].start).collect();
        assert_eq!(starts, [4, 51]);
    }

    #[test]
    fn any_row_can_be_made() {
        let mut state = 1u64;
        let mut next = |n: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 33) % n
        };
        for _ in 0..500 {
            let parts: Vec<(bool, usize)> =
                (0..1 + next(6)).map(|i| (i % 2 == next(2), 1 + next(40) as usize)).collect();
            let known = row(&parts);
            check(&known, &passages(&known, LIMITS));
        }
    }
}

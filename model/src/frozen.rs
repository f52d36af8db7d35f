//! Whether a clip stands still between two frames: where an editor repeats a frame and the clip is then coded as video, the
//! repeats are not equal, because a coder goes on refining them.

use crate::{Frame, damage::luma};

/// Side of the blocks that are compared, in pixels: a coder's noise averages out in them, a movement does not.
const BLOCK: usize = 8;

/// The most by which a block's mean may differ, in display-referred luma from 0 to 1. Frozen frames of real clips in H.264 and
/// HEVC at usual rates differ by 3.5 levels of 255 at most; neighbours that move, by 10 and more.
const MOST_OF_A_BLOCK: f32 = 4.0 / 255.0;

/// The most by which pixels may differ on average. A coder leaves most of a frozen picture alone, 0.2 levels of 255 on average;
/// the grain of a camera that nothing moves before is everywhere, 0.4 levels and more.
const MOST_ON_AVERAGE: f32 = 0.25 / 255.0;

/// Whether two frames are one picture, exactly or but for what a video coder changes in frozen frames. Channels beyond the first
/// three must be equal.
#[must_use]
pub fn is_frozen(a: &Frame, b: &Frame) -> bool {
    let shape = |f: &Frame| (f.width(), f.height(), f.channels(), f.encoding());
    if shape(a) != shape(b) {
        return false;
    }
    let (width, channels) = (a.width(), a.channels());
    let allowed = MOST_ON_AVERAGE * (width * a.height()) as f32;
    let mut apart = 0.0;
    let strip = BLOCK * width * channels;
    for (a_strip, b_strip) in a.pixels().chunks(strip).zip(b.pixels().chunks(strip)) {
        if a_strip == b_strip {
            continue;
        }
        let further = |(a, b): (&[f32], &[f32])| a.get(3..) != b.get(3..);
        if a_strip.chunks_exact(channels).zip(b_strip.chunks_exact(channels)).any(further) {
            return false;
        }
        let levels = |strip| luma(strip, channels, a.encoding());
        let change: Vec<f32> = levels(a_strip).iter().zip(levels(b_strip)).map(|(a, b)| a - b).collect();
        apart += change.iter().map(|c| c.abs()).sum::<f32>();
        if apart > allowed || !within_blocks(&change, width) {
            return false;
        }
    }
    true
}

/// Whether the mean of every block in a strip of rows stays within what a coder changes.
fn within_blocks(change: &[f32], width: usize) -> bool {
    (0..width).step_by(BLOCK).all(|left| {
        let right = (left + BLOCK).min(width);
        let rows = change.chunks_exact(width);
        let count = rows.len() * (right - left);
        let sum: f32 = rows.map(|row| row[left..right].iter().sum::<f32>()).sum();
        sum.abs() <= MOST_OF_A_BLOCK * count as f32
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Encoding;

    const SIZE: (usize, usize) = (100, 60);

    /// A picture with detail, to which `change` adds at each pixel, in levels of 255.
    fn picture(change: impl Fn(usize, usize) -> f32) -> Frame {
        let (width, height) = SIZE;
        let level = |i: usize| {
            let (x, y) = (i % width, i / width);
            0.5 + 0.3 * (x as f32 * 0.4 + y as f32 * 0.17).sin() + change(x, y) / 255.0
        };
        let pixels = (0..width * height).flat_map(|i| [level(i); 3]).collect();
        Frame::new(width, height, 3, Encoding::Display, pixels).unwrap()
    }

    /// Something between -1 and 1 that looks random.
    fn noise(x: usize, y: usize) -> f32 {
        ((x * 7919 + y * 104_729) as f32).sin()
    }

    #[test]
    fn what_a_coder_changes_is_no_movement() {
        let still = picture(|_, _| 0.0);
        assert!(is_frozen(&still, &still));
        // One block in sixteen is refined.
        let refined = |x: usize, y: usize| if x / 8 % 4 == 1 && y / 8 % 4 == 1 { 2.0 + 2.0 * noise(x, y) } else { 0.0 };
        assert!(is_frozen(&still, &picture(refined)));
    }

    #[test]
    fn grain_fades_and_small_things_that_move_are_no_freeze() {
        let still = picture(|_, _| 0.0);
        assert!(!is_frozen(&still, &picture(noise)), "grain");
        assert!(!is_frozen(&still, &picture(|_, _| 0.5)), "a fade");
        let patch = |x: usize, y: usize| if (96..100).contains(&x) && y >= 56 { 20.0 } else { 0.0 };
        assert!(!is_frozen(&still, &picture(patch)), "four pixels in a corner");
    }

    #[test]
    fn alpha_must_be_equal() {
        let of = |alpha: f32| {
            Frame::new(2, 1, 4, Encoding::Display, vec![0.0, 0.0, 0.0, alpha, 0.0, 0.0, 0.0, 1.0]).unwrap()
        };
        assert!(is_frozen(&of(0.5), &of(0.5)) && !is_frozen(&of(0.5), &of(0.501)));
    }
}

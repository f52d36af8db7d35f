//! Beside a cut, and at an end of the clip, one side alone knows what belongs in a frame.

use super::*;

/// A scene whose upper part is in shadow, down to a row that is further down from frame to frame.
fn shaded(t: usize, speed: usize) -> Vec<f32> {
    let mut pixels = draw(1.0, 2.0 * t as f32);
    pixels[..SIZE.0 * speed * (t + 1)].iter_mut().for_each(|v| *v *= 0.5);
    pixels
}

/// Another scene, brighter than any part of that.
fn bright(t: usize) -> Vec<f32> {
    draw(4.0, 3.0 * t as f32).iter().map(|v| 0.3 + v).collect()
}

/// And a darker one.
fn dark(t: usize) -> Vec<f32> {
    draw(7.0, 3.0 * t as f32).iter().map(|v| 0.2 * v).collect()
}

#[test]
fn an_edge_that_moves_beside_a_cut_is_not_torn() {
    // A shot of seven frames, and one of two: of the second none is left to tell what moves.
    for (first, speed) in [(0, 4), (5, 9)] {
        let clip: Vec<_> = (0..LENGTH)
            .map(|t| {
                if t < first {
                    dark(t)
                } else if t < 7 {
                    shaded(t, speed)
                } else {
                    bright(t)
                }
            })
            .collect();
        assert_eq!(find(&clip), [], "from frame {first} on, before a cut");
        let mirrored: Vec<_> = clip.into_iter().rev().collect();
        assert_eq!(find(&mirrored), [], "from frame {first} on, after a cut");
    }
}

#[test]
fn a_frame_torn_beside_a_cut_is_found() {
    for torn in [6, 7] {
        let mut clip = pan();
        clip[7..].iter_mut().enumerate().for_each(|(t, pixels)| *pixels = bright(t));
        assert_eq!(find(&clip), []);
        clip[torn][SIZE.0 * 50..SIZE.0 * 57].fill(0.0);
        assert_eq!(find(&clip), [(torn, Damage::Torn)]);
    }
}

#[test]
fn a_first_frame_as_coarse_as_the_second_after_it_is_not_blocky() {
    // A coder's grid comes and goes; the first frame of a clip, or of a shot, has nobody before it to say so.
    for first in [0, 7] {
        for coarse in [vec![first], vec![first, first + 2, first + 3]] {
            let mut clip = pan();
            clip[7..].iter_mut().enumerate().for_each(|(t, pixels)| *pixels = bright(t));
            for &t in &coarse {
                coarsen(&mut clip[t], 0..SIZE.0, 0..SIZE.1);
            }
            let wanted: &[_] = if coarse.len() == 1 { &[(first, Damage::Blocky)] } else { &[] };
            assert_eq!(find(&clip), wanted, "coarse: {coarse:?}");
        }
    }
}

#[test]
fn lines_lost_near_an_edge_as_a_shot_sets_off_are_torn() {
    // It is nearer to the frame before than to the one after, but no cut is there: the next is as far off.
    let mut clip: Vec<_> = (0..LENGTH).map(|t| draw(1.0, 8.0 * t.saturating_sub(6) as f32)).collect();
    for pixels in &mut clip {
        pixels[..SIZE.0 * 47].iter_mut().for_each(|v| *v *= 0.3);
    }
    clip[6][SIZE.0 * 50..SIZE.0 * 52].fill(0.0);
    assert_eq!(find(&clip), [(6, Damage::Torn)]);
}

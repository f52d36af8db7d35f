//! Whether a file's frames are those of the host's clip: they are compared where the host gives one of its own.
//!
//! In MLT hosts a node reads the frames about the current one from the clip's own file. A wrong offset, another rate, another
//! file, or an effect that stands before the node would else make frames that do not belong there, without a word.

use ofx::plugin::{Error, Result};
use pickup_model::Frame;

/// Size at which frames are compared: what scaling and compression change is gone there.
const SMALL: (usize, usize) = (48, 27);
/// How far apart two copies of one frame may be in the mean, of 1 for white: more than coding leaves at that size.
const ALIKE: f32 = 3.0 / 255.0;
/// How far apart they are where they show something else.
const OTHER: f32 = 10.0 / 255.0;
/// How far a frame is looked for that fits better.
const REACH: i64 = 60;

/// A small copy of a frame, to compare.
///
/// # Errors
/// When the frame has no pixels.
pub(super) fn small(frame: &Frame) -> Result<Vec<f32>> {
    let frame = frame.resized(SMALL.0, SMALL.1).map_err(crate::perform::failed)?;
    let colours = frame.channels().min(3);
    Ok(frame.pixels().chunks_exact(frame.channels()).flat_map(|p| &p[..colours]).copied().collect())
}

pub(super) fn apart(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).sum::<f32>() / a.len().max(1) as f32
}

/// How far apart they stay where one may be made brighter and its contrast changed: as by a range or a grade.
fn apart_but_for_light(a: &[f32], b: &[f32]) -> f32 {
    let count = a.len().max(1) as f32;
    let mean = |x: &[f32]| x.iter().sum::<f32>() / count;
    let (mean_a, mean_b) = (mean(a), mean(b));
    let covariance: f32 = a.iter().zip(b).map(|(a, b)| (a - mean_a) * (b - mean_b)).sum();
    let variance: f32 = b.iter().map(|b| (b - mean_b).powi(2)).sum();
    let gain = if variance > 1e-9 { covariance / variance } else { 0.0 };
    let fitted: Vec<f32> = b.iter().map(|b| mean_a + gain * (b - mean_b)).collect();
    // Two flat pictures tell nothing.
    if gain > 0.2 { apart(a, &fitted) } else { f32::INFINITY }
}

/// Checks that the frame that a file has at a time is the host's own of that time. `of_file` gives small copies of the file's
/// frames by how much later they stand; none where it has none. `damaged`: the host's frame may be one that is to be replaced,
/// so that it need not be the file's.
///
/// # Errors
/// When it is not, in words that say what does not fit.
pub(super) fn check(
    host: &[f32],
    offset: i32,
    damaged: bool,
    mut of_file: impl FnMut(i64) -> Result<Option<Vec<f32>>>,
) -> Result<()> {
    let Some(same) = of_file(0)? else { return Ok(()) };
    let off = apart(host, &same);
    if off <= ALIKE {
        return Ok(());
    }
    let (mut least, mut later) = (off, 0_i64);
    // In the order in which a video is decoded. Of frames that are the same the nearest counts.
    for other in -REACH..=REACH {
        let Some(frame) = of_file(other)? else { continue };
        let off = apart(host, &frame);
        if off < least || off == least && other.abs() < later.abs() {
            (least, later) = (off, other);
        }
    }
    if later != 0 && least <= ALIKE && least < 0.5 * off {
        let right = i64::from(offset) + later;
        return Err(Error::Failed(format!(
            "The clip and its “Source file” are {} frames apart here: set “Source offset” to {right}. If that fits here alone, the \
             project runs at another frame rate than the file: give it the file's rate",
            later.abs()
        )));
    }
    if damaged || off <= OTHER {
        return Ok(());
    }
    let text = if apart_but_for_light(host, &same) <= ALIKE {
        "The clip is lighter or darker here than its “Source file”: an effect that stands before this one changes it. Put this \
         effect first, or name a file with that effect in it"
    } else {
        "The clip shows something else here than its “Source file”: check the file and the “Source offset”, and whether an effect \
         that stands before this one changes the picture"
    };
    Err(Error::Failed(text.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A ramp that moves by a place a frame.
    fn frame(at: i64) -> Vec<f32> {
        (0..200).map(|i| (((i + 7 * at) as f32) * 0.13).sin() * 0.3 + 0.5).collect()
    }

    fn checked(host: &[f32], damaged: bool) -> std::result::Result<(), String> {
        let of_file = |later: i64| Ok((-20..20).contains(&later).then(|| frame(10 + later)));
        check(host, 5, damaged, of_file).map_err(|e| e.to_string())
    }

    #[test]
    fn the_same_frame_passes_and_one_that_was_coded_again() {
        assert_eq!(checked(&frame(10), false), Ok(()));
        let coded: Vec<f32> = frame(10).iter().enumerate().map(|(i, v)| v + 0.01 * (i % 3) as f32 - 0.01).collect();
        assert_eq!(checked(&coded, false), Ok(()));
    }

    #[test]
    fn an_offset_is_told_with_the_right_one() {
        assert!(checked(&frame(13), false).unwrap_err().contains("“Source offset” to 8"));
        assert!(checked(&frame(8), true).unwrap_err().contains("“Source offset” to 3"), "of a damaged frame too");
    }

    #[test]
    fn a_grade_and_another_picture_are_told_apart() {
        let graded: Vec<f32> = frame(10).iter().map(|v| 0.6 * v + 0.3).collect();
        assert!(checked(&graded, false).unwrap_err().contains("lighter or darker"));
        let other: Vec<f32> = (0..200).map(|i| ((i * i) as f32 * 0.37).cos() * 0.5 + 0.5).collect();
        assert!(checked(&other, false).unwrap_err().contains("something else"));
        assert_eq!(checked(&other, true), Ok(()), "damage is something else");
    }
}

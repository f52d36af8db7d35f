//! Black bars above and below a picture, or beside it: letterbox and pillarbox. They do not move, and what does must not be smeared
//! over them: motion is looked for inside them alone.

use std::ops::RangeInclusive;

use crate::{Encoding, Frame, Result};

/// The brightest that a bar may be, display-referred: black with a coder's noise, or black that was raised to 16 of 255.
const BLACK: f32 = 20.0 / 255.0;
/// Rows or columns that make a bar.
const THICKNESS: usize = 2;
/// The share of the picture's first row beside a bar that is not black in one frame at least: a picture fills its frame, what floats
/// on black does not.
const FILLED: f32 = 0.25;
/// The share of a side that a picture has at the least.
const PICTURE: f32 = 0.25;

/// The part of frames that is picture, in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Window {
    left: usize,
    top: usize,
    width: usize,
    height: usize,
}

impl Window {
    /// The part inside the bars that frames of one size have in common; none where there are no bars.
    pub(super) fn inside_bars(frames: &[&Frame]) -> Option<Self> {
        let (width, height) = (frames.first()?.width(), frames[0].height());
        let row = |y: usize| Line { start: y * width, step: 1, count: width };
        let (top, bottom) = span(frames, height, row)?;
        let column = |x: usize| Line { start: top * width + x, step: width, count: bottom - top };
        let (left, right) = span(frames, width, column)?;
        let window = Self { left, top, width: right - left, height: bottom - top };
        ((window.width, window.height) != (width, height)).then_some(window)
    }

    /// What a frame shows in it.
    pub(super) fn cut(&self, frame: &Frame) -> Result<Frame> {
        let (stride, channels) = (frame.width() * frame.channels(), frame.channels());
        let rows = frame.pixels().chunks_exact(stride).skip(self.top).take(self.height);
        let pixels = rows.flat_map(|row| &row[self.left * channels..(self.left + self.width) * channels]);
        Frame::new(self.width, self.height, channels, frame.encoding(), pixels.copied().collect())
    }

    /// A frame of the whole size: `picture` in it, and what `around` has elsewhere.
    pub(super) fn set(&self, picture: &Frame, around: &Frame) -> Result<Frame> {
        let (stride, channels) = (around.width() * around.channels(), around.channels());
        let mut pixels = around.pixels().to_vec();
        let rows = pixels.chunks_exact_mut(stride).skip(self.top).take(self.height);
        for (row, own) in rows.zip(picture.pixels().chunks_exact(self.width * channels)) {
            row[self.left * channels..(self.left + self.width) * channels].copy_from_slice(own);
        }
        Frame::new(around.width(), around.height(), channels, around.encoding(), pixels)
    }
}

/// The pixels of a row or a column.
struct Line {
    start: usize,
    step: usize,
    count: usize,
}

impl Line {
    /// How much of it is not black in a frame.
    fn filled(&self, frame: &Frame) -> f32 {
        let (channels, black) = (frame.channels(), black(frame.encoding()));
        let pixels = (0..self.count).map(|i| &frame.pixels()[(self.start + i * self.step) * channels..][..channels]);
        pixels.filter(|pixel| !is_black(pixel, &black)).count() as f32 / self.count.max(1) as f32
    }
}

/// The values that are black.
fn black(encoding: Encoding) -> RangeInclusive<f32> {
    // A clip in log may be padded with 0, which is below its black.
    encoding.of_shown_grey(-BLACK).min(0.0)..=encoding.of_shown_grey(BLACK)
}

/// Whether a pixel is opaque and black. What is no number is not.
fn is_black(pixel: &[f32], black: &RangeInclusive<f32>) -> bool {
    let opaque = pixel.get(3).is_none_or(|alpha| *alpha > 0.99);
    opaque && pixel[..pixel.len().min(3)].iter().all(|v| black.contains(v))
}

/// From where to where the picture lies among lines; all of them where no bar is on either side, none where there is no picture.
fn span(frames: &[&Frame], count: usize, line: impl Fn(usize) -> Line) -> Option<(usize, usize)> {
    let empty = |at: usize| frames.iter().all(|frame| line(at).filled(frame) == 0.0);
    let first = (0..count).find(|at| !empty(*at))?;
    let last = (0..count).rev().find(|at| !empty(*at))?;
    let filled = |at: usize| frames.iter().any(|frame| line(at).filled(frame) >= FILLED);
    // The line at the very edge of a picture may be half black from scaling.
    let first = if first >= THICKNESS && filled((first + 1).min(last)) { first } else { 0 };
    let end = if count - 1 - last >= THICKNESS && filled(last.saturating_sub(1).max(first)) { last + 1 } else { count };
    Some(if ((end - first) as f32) < PICTURE * count as f32 { (0, count) } else { (first, end) })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A frame of 40x30 that is bright inside a window of left, top, width and height.
    fn boxed((left, top, width, height): (usize, usize, usize, usize), channels: usize, alpha: f32) -> Frame {
        let value = |i: usize| {
            let (x, y, c) = (i / channels % 40, i / channels / 40, i % channels);
            let inside = (left..left + width).contains(&x) && (top..top + height).contains(&y);
            match (c, inside) {
                (3, true) => 1.0,
                (3, false) => alpha,
                (_, true) => 0.5,
                (_, false) => 0.02,
            }
        };
        Frame::new(40, 30, channels, Encoding::Display, (0..40 * 30 * channels).map(value).collect()).unwrap()
    }

    fn window(frames: &[&Frame]) -> Option<(usize, usize, usize, usize)> {
        Window::inside_bars(frames).map(|w| (w.left, w.top, w.width, w.height))
    }

    #[test]
    fn bars_on_any_side_are_left_out() {
        for bars in [(0, 6, 40, 18), (5, 0, 30, 30), (4, 3, 32, 24), (0, 0, 40, 22)] {
            let frame = boxed(bars, 3, 1.0);
            assert_eq!(window(&[&frame, &frame]), Some(bars));
        }
        assert_eq!(window(&[&boxed((0, 6, 40, 18), 4, 1.0)]), Some((0, 6, 40, 18)));
    }

    #[test]
    fn bars_are_black_in_any_encoding_and_nothing_at_all() {
        let bars = (0, 6, 40, 18);
        for encoding in Encoding::ALL {
            let black = encoding.of_shown_grey(0.0);
            for filled in [black, 0.0] {
                let pixels = boxed(bars, 3, 1.0).pixels().iter().map(|v| if *v < 0.1 { filled } else { *v }).collect();
                let frame = Frame::new(40, 30, 3, encoding, pixels).unwrap();
                assert_eq!(window(&[&frame]), Some(bars), "{encoding:?}: bars of {filled}");
            }
        }
    }

    #[test]
    fn what_one_frame_shows_is_no_bar() {
        let (narrow, wide) = (boxed((0, 6, 40, 18), 3, 1.0), boxed((0, 4, 40, 20), 3, 1.0));
        assert_eq!(window(&[&narrow, &wide]), Some((0, 4, 40, 20)));
        assert_eq!(window(&[&narrow, &boxed((0, 0, 40, 30), 3, 1.0)]), None);
    }

    #[test]
    fn what_floats_on_black_or_on_nothing_has_no_bars() {
        let spark = boxed((18, 8, 4, 14), 3, 1.0);
        assert_eq!(window(&[&spark]), None);
        assert_eq!(window(&[&boxed((0, 6, 40, 18), 4, 0.0)]), None, "transparent");
        assert_eq!(window(&[&boxed((0, 0, 0, 0), 3, 1.0)]), None, "black all over");
        assert_eq!(window(&[&boxed((0, 1, 40, 28), 3, 1.0)]), None, "a line is no bar");
    }

    #[test]
    fn a_picture_comes_out_and_goes_back() {
        let frame = boxed((5, 6, 30, 18), 3, 1.0);
        let window = Window::inside_bars(&[&frame]).unwrap();
        let picture = window.cut(&frame).unwrap();
        assert_eq!((picture.width(), picture.height()), (30, 18));
        assert!(picture.pixels().iter().all(|v| *v == 0.5));
        let bare = boxed((0, 0, 0, 0), 3, 1.0);
        assert_eq!(window.set(&picture, &bare).unwrap(), frame);
    }
}

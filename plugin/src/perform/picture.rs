//! Pictures on their way to the output: read from files, scaled, marked where they are no final ones.

use std::path::Path;

use ofx::{
    RectI,
    plugin::{Error, Result},
};
use pickup_model::{Encoding, Frame, Rescaled};

use super::{failed, trouble::lettered};
use crate::{colour::frame_of_picture, engine::engine};
use pickup_clips::LETTER_HEIGHT;

/// A picture from a file, cut to the shape of a shot and brought to its size.
///
/// # Errors
/// When it cannot be read.
pub fn picture(path: &str, (width, height): (usize, usize)) -> Result<Option<Frame>> {
    let path = path.trim();
    if path.is_empty() {
        return Ok(None);
    }
    let reader = engine().reader(Path::new(path))?;
    let picture = reader.frame(reader.info().first()).map_err(Error::new)?;
    let (w, h) = picture.size();
    let whole =
        RectI { x1: 0, y1: 0, x2: i32::try_from(w).unwrap_or(i32::MAX), y2: i32::try_from(h).unwrap_or(i32::MAX) };
    let frame = frame_of_picture(&picture, Encoding::Display, whole, 3, 1.0)?;
    Ok(Some(cut(&frame, width, height)?.resized(width, height).map_err(failed)?))
}

/// The middle of a frame in another shape.
fn cut(frame: &Frame, width: usize, height: usize) -> Result<Frame> {
    let (w, h) = (frame.width(), frame.height());
    let (cut_w, cut_h) =
        if w * height > h * width { ((h * width / height).max(1), h) } else { (w, (w * height / width).max(1)) };
    let (x, y) = ((w - cut_w) / 2, (h - cut_h) / 2);
    let rows = frame.pixels().chunks_exact(w * 3).skip(y).take(cut_h);
    let pixels = rows.flat_map(|row| &row[x * 3..(x + cut_w) * 3]).copied().collect();
    Frame::new(cut_w, cut_h, 3, frame.encoding(), pixels).map_err(failed)
}

/// A made frame, display-referred, at another size, where it stays within 0 to 1.
///
/// # Errors
/// When a size is empty.
pub fn scaled(frame: &Frame, width: usize, height: usize) -> Result<Frame> {
    if (frame.width(), frame.height()) == (width, height) {
        return Ok(frame.clone());
    }
    Rescaled::whole(frame, (width, height)).and_then(|whole| whole.within(0.0..=1.0).frame()).map_err(failed)
}

/// What a picture that is not the real thing says of itself.
const MARK: &str = "PREVIEW";

/// A picture that is not the real thing, marked as such in its lower left corner.
///
/// # Errors
/// When it has no pixels.
pub fn marked(frame: &Frame) -> Result<Frame> {
    let dot = (frame.height() / 90).max(1);
    let top = frame.height().saturating_sub((LETTER_HEIGHT + 3) * dot);
    lettered(frame, MARK, (2 * dot, top), dot)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ramp(width: usize, height: usize) -> Frame {
        let value = |i: usize| (i / 3 % width) as f32 / width as f32;
        Frame::new(width, height, 3, Encoding::Display, (0..width * height * 3).map(value).collect()).unwrap()
    }

    #[test]
    fn a_picture_is_cut_about_its_middle() {
        let wide = cut(&ramp(8, 2), 2, 2).unwrap();
        assert_eq!((wide.width(), wide.height(), wide.pixels()[0]), (2, 2, 3.0 / 8.0));
        let tall = cut(&ramp(4, 9), 2, 1).unwrap();
        assert_eq!((tall.width(), tall.height(), tall.pixels()[0]), (4, 2, 0.0));
        assert_eq!(cut(&ramp(4, 2), 200, 100).unwrap().width(), 4);
    }

    #[test]
    fn a_frame_grows_smoothly() {
        let grown = scaled(&ramp(4, 3), 40, 30).unwrap();
        assert_eq!((grown.width(), grown.height()), (40, 30));
        assert!(grown.pixels().iter().all(|v| (0.0..=0.8).contains(v)), "it overshoots by a little at most");
        assert!(scaled(&ramp(4, 3), 0, 3).is_err());
    }

    #[test]
    fn what_is_no_final_picture_says_so() {
        let black = Frame::new(96, 54, 3, Encoding::Display, vec![0.0; 96 * 54 * 3]).unwrap();
        let marked = marked(&black).unwrap();
        let lit = marked.pixels().iter().filter(|v| **v == 1.0).count();
        assert!(lit > 3 * 80, "{lit} values are lit");
        assert_eq!(marked.pixels()[..96 * 40 * 3], black.pixels()[..96 * 40 * 3], "the picture above it is left alone");
    }
}

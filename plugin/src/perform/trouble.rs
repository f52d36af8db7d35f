//! Errors in the picture, for hosts that show no messages: what went wrong stands over the clip, where it can be read.

use ofx::plugin::{Clip, Effect, Error, HostInfo, MessageKind, Render, Result};
use pickup_model::{Encoding, Frame};

use super::failed;
use crate::colour::{self, frame_of};
use pickup_clips::{LETTER_HEIGHT, LETTER_WIDTH, letter_dots};

/// Whether errors are written into the picture.
#[derive(ofx::Choice, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ErrorsShown {
    /// In hosts that show no messages.
    #[default]
    #[choice(label = "Where the host shows none")]
    Automatic,
    /// Always. The host is then told that all went well.
    Always,
    /// Never.
    Never,
}

/// The parameter that every node has.
#[derive(ofx::Params, Clone, Debug, PartialEq)]
pub struct TroubleParams {
    /// Write into the picture why a frame could not be made.
    #[param(id = "errorsInPicture", label = "Errors in the picture", default = ErrorsShown::Automatic)]
    pub errors: ErrorsShown,
}

impl TroubleParams {
    /// Whether errors are written into the picture.
    pub(super) fn shows(&self, host: &HostInfo) -> bool {
        match self.errors {
            ErrorsShown::Always => true,
            ErrorsShown::Never => false,
            ErrorsShown::Automatic => !host.shows_messages(),
        }
    }
}

/// What a render came to: an error is written over the clip's picture where the parameter has it so.
///
/// # Errors
/// The error, where it is not shown so; a user's stop in any case.
pub fn shown<E: Effect>(
    cx: &Render<'_, E>,
    clip: Option<Clip>,
    params: &TroubleParams,
    came_to: Result<()>,
) -> Result<()> {
    match came_to {
        Err(error) if !matches!(error, Error::Aborted) && params.shows(cx.host()) => {
            cx.set_persistent_message(MessageKind::Error, &error.to_string());
            write(cx, clip, &format!("{}: {error}", E::META.label()))
        }
        other => other,
    }
}

/// Writes a text over the clip's current picture, or over black where there is none.
fn write<E: Effect>(cx: &Render<'_, E>, clip: Option<Clip>, text: &str) -> Result<()> {
    let mut output = cx.output()?;
    let window = output.bounds;
    let (width, height) = (window.width(), window.height());
    let picture = match clip.map(|clip| cx.image(clip, cx.time())).transpose()?.flatten() {
        Some(image) => frame_of(&image, window, Encoding::Display)?,
        None => Frame::new(width, height, 3, Encoding::Display, vec![0.0; width * height * 3]).map_err(failed)?,
    };
    colour::write(&with_text(&picture, text)?, &mut output);
    Ok(())
}

/// Dots from line to line.
const LINE: usize = LETTER_HEIGHT + 3;

/// A picture darkened, with a text over it from its upper left corner on, in lines that fit.
fn with_text(frame: &Frame, text: &str) -> Result<Frame> {
    let dot = (frame.height() / 180).max(1);
    let letters = (frame.width() / dot).saturating_sub(8) / (LETTER_WIDTH + 1);
    let mut frame = darkened(frame)?;
    for (line, text) in (0..).zip(lines(text, letters.max(1))) {
        frame = lettered(&frame, &text, (4 * dot, (4 + line * LINE) * dot), dot)?;
    }
    Ok(frame)
}

/// A picture so dark that white letters can be read on it; its alpha stays.
fn darkened(frame: &Frame) -> Result<Frame> {
    let channels = frame.channels();
    let dark = |(i, v): (usize, &f32)| if channels == 4 && i % 4 == 3 { *v } else { v * 0.35 };
    let pixels = frame.pixels().iter().enumerate().map(dark).collect();
    Frame::new(frame.width(), frame.height(), channels, frame.encoding(), pixels).map_err(failed)
}

/// A text in lines of so many letters at most, broken between words where they allow it.
fn lines(text: &str, letters: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    // The letters of dots have straight quotation marks alone.
    let text = text.replace(['“', '”'], "\"").replace('’', "'");
    for word in text.split_whitespace() {
        let word: Vec<char> = word.chars().collect();
        for piece in word.chunks(letters) {
            let piece: String = piece.iter().collect();
            match lines.last_mut() {
                Some(line) if line.is_empty() => *line = piece,
                Some(line) if line.chars().count() + 1 + piece.chars().count() <= letters => {
                    *line += &format!(" {piece}")
                }
                _ => lines.push(piece),
            }
        }
    }
    lines
}

/// A frame with white letters on it, the first from `left` and `top` on, of dots of so many pixels; what does not fit is cut.
///
/// # Errors
/// When it has no pixels.
pub fn lettered(frame: &Frame, text: &str, (left, top): (usize, usize), dot: usize) -> Result<Frame> {
    let (width, height, channels) = (frame.width(), frame.height(), frame.channels());
    let mut pixels = frame.pixels().to_vec();
    for (i, letter) in text.chars().enumerate() {
        for (y, row) in letter_dots(letter).into_iter().enumerate() {
            for x in (0..LETTER_WIDTH).filter(|x| row >> (LETTER_WIDTH - 1 - x) & 1 == 1) {
                for (dx, dy) in (0..dot * dot).map(|d| (d % dot, d / dot)) {
                    let (px, py) = (left + (i * (LETTER_WIDTH + 1) + x) * dot + dx, top + y * dot + dy);
                    if px < width && py < height {
                        pixels[(py * width + px) * channels..][..channels].fill(1.0);
                    }
                }
            }
        }
    }
    Frame::new(width, height, channels, frame.encoding(), pixels).map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_broken_between_words_and_long_words_within() {
        assert_eq!(lines("no such file", 8), ["no such", "file"]);
        assert_eq!(lines("/a/very/long/path it is", 8), ["/a/very/", "long/pat", "h it is"]);
        assert_eq!(lines("", 8), [""]);
    }

    #[test]
    fn every_line_stands_in_the_picture() {
        let grey = Frame::new(320, 180, 3, Encoding::Display, vec![0.5; 320 * 180 * 3]).unwrap();
        let text = with_text(&grey, "The file shot.mp4 cannot be opened: there is no such file").unwrap();
        let lit = |rows: std::ops::Range<usize>| text.pixels()[rows.start * 960..rows.end * 960].contains(&1.0);
        assert!(lit(4..11) && lit(14..21) && !lit(60..180));
        assert!(text.pixels().iter().all(|v| *v == 1.0 || (*v - 0.175).abs() < 1e-6), "the clip shows through, dark");
        let tiny = Frame::new(3, 2, 4, Encoding::Display, vec![0.5; 24]).unwrap();
        assert_eq!(with_text(&tiny, "no room").unwrap().width(), 3);
    }
}

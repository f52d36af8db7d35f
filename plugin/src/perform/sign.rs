//! A small sign in made frames, for those who want everybody to see which they are.

use ofx::plugin::Result;
use pickup_model::{Encoding, Frame};

use super::{Node, Stage, failed, trouble::lettered};
use crate::provenance::Maker;
use pickup_clips::{LETTER_HEIGHT, LETTER_WIDTH};

/// The parameter that every node has.
#[derive(ofx::Params, Clone, Debug, PartialEq)]
pub struct SignParams {
    /// Write a small sign into the lower left corner of frames that were made: AI where the video model made them, MADE where they
    /// were made of the clip's own. Mattes have none.
    #[param(id = "markMade", label = "Mark made frames", default = false)]
    pub mark_made: bool,
}

/// The lower left corner of a picture has this many signs' dots across its height: small, and to be read.
const DOTS_HIGH: usize = 120;

/// How bright the letters are, and what is behind them, as a monitor shows them.
const LIT: f32 = 0.9;
const DARK: f32 = 0.05;

impl<N: Node> Stage<'_, '_, N> {
    /// Writes the sign of a maker over the output.
    ///
    /// # Errors
    /// When there is no output.
    pub(super) fn sign(&self, maker: Maker) -> Result<()> {
        let mut output = self.cx.output()?;
        let encoding = N::common(self.params).colour.encoding(self.cx.host(), &output);
        let value = |lit: f32| {
            let [r, g, b] = encoding.of_shown([if lit > 0.0 { LIT } else { DARK }; 3]);
            [r, g, b, 1.0]
        };
        let bounds = output.bounds;
        let sign = in_dots(if maker == Maker::Model { "AI" } else { "MADE" }, (bounds.height() / DOTS_HIGH).max(1))?;
        // The bottom row first, as images lie.
        for (y, row) in (bounds.y1..bounds.y2).zip(sign.pixels().chunks_exact(sign.width()).rev()) {
            output.write_rgba(bounds.x1, y, &row.iter().map(|lit| value(*lit)).collect::<Vec<_>>());
        }
        Ok(())
    }
}

/// A text in dots of so many pixels, lit on dark, with an empty dot on each side of it.
fn in_dots(text: &str, dot: usize) -> Result<Frame> {
    let (width, height) = (dot * (1 + text.len() * (LETTER_WIDTH + 1)), dot * (LETTER_HEIGHT + 2));
    let dark = Frame::new(width, height, 1, Encoding::Display, vec![0.0; width * height]).map_err(failed)?;
    lettered(&dark, text, (dot, dot), dot)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sign_stands_in_an_empty_frame() {
        let sign = in_dots("AI", 1).unwrap();
        let rows: Vec<Vec<bool>> =
            sign.pixels().chunks_exact(sign.width()).map(|row| row.iter().map(|lit| *lit > 0.0).collect()).collect();
        assert_eq!((rows.len(), rows[0].len()), (LETTER_HEIGHT + 2, 1 + 2 * (LETTER_WIDTH + 1)));
        assert!(rows.first().into_iter().chain(rows.last()).flatten().all(|lit| !lit));
        assert!(rows.iter().all(|row| !row[0] && !row[row.len() - 1]));
        let lit = rows.iter().flatten().filter(|lit| **lit).count();
        assert!(lit > 15, "{lit} dots are lit");
    }
}

//! A small sign in made frames, for those who want everybody to see which they are.

use ofx::plugin::Result;

use super::{Node, Stage};
use crate::provenance::Maker;
use pickup_clips::{LETTER_HEIGHT, LETTER_WIDTH, letter_dots};

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
        let value = |lit: bool| {
            let [r, g, b] = encoding.of_shown([if lit { LIT } else { DARK }; 3]);
            [r, g, b, 1.0]
        };
        let rows = rows(if maker == Maker::Model { "AI" } else { "MADE" });
        let dot = (output.bounds.height() / DOTS_HIGH).max(1);
        // The bottom row first, as images lie.
        let wide = |row: &Vec<bool>| row.iter().flat_map(|lit| std::iter::repeat_n(value(*lit), dot)).collect();
        let pixels: Vec<Vec<_>> = rows.iter().rev().map(wide).collect();
        let bounds = output.bounds;
        let lines = pixels.iter().flat_map(|row| std::iter::repeat_n(row, dot));
        for (y, row) in (bounds.y1..bounds.y2).zip(lines) {
            output.write_rgba(bounds.x1, y, row);
        }
        Ok(())
    }
}

/// A text in dots, with an empty one on each side of it, from the top row on.
fn rows(text: &str) -> Vec<Vec<bool>> {
    let dots: Vec<_> = text.chars().map(letter_dots).collect();
    let line = |y: usize| {
        let letter =
            |row: u8| (0..=LETTER_WIDTH).map(move |x| x < LETTER_WIDTH && row >> (LETTER_WIDTH - 1 - x) & 1 == 1);
        std::iter::once(false).chain(dots.iter().flat_map(move |dots| letter(dots[y]))).collect::<Vec<_>>()
    };
    let empty = vec![false; 1 + dots.len() * (LETTER_WIDTH + 1)];
    let letters = (0..LETTER_HEIGHT).map(line);
    std::iter::once(empty.clone()).chain(letters).chain([empty]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sign_stands_in_an_empty_frame() {
        let rows = rows("AI");
        assert_eq!((rows.len(), rows[0].len()), (LETTER_HEIGHT + 2, 1 + 2 * (LETTER_WIDTH + 1)));
        assert!(rows.first().into_iter().chain(rows.last()).flatten().all(|lit| !lit));
        assert!(rows.iter().all(|row| !row[0] && !row[row.len() - 1]));
        let lit = rows.iter().flatten().filter(|lit| **lit).count();
        assert!(lit > 15, "{lit} dots are lit");
    }
}

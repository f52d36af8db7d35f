//! A contact sheet of what was rendered, to be looked at and shown around.

use std::{path::Path, sync::Arc};

use super::CliError;
use crate::{
    clips::{ClipWriter, Depth, Picture, SheetCell, Transfer, WriteOptions, contact_sheet},
    frame_list::FrameList,
};

/// Frames on a sheet at most, frames in a row, and the width of one.
const MOST: usize = 8;
pub(super) const COLUMNS: usize = 4;
pub(super) const CELL: usize = 320;

/// Frames evenly spread over what is rendered, the first and the last among them.
pub(super) struct Sheet {
    writer: ClipWriter,
    frames: Vec<i64>,
    cells: Vec<SheetCell>,
}

impl Sheet {
    /// A sheet of frames of those rendered; a file that cannot be written is found out now, not after the work.
    pub(super) fn new(path: &Path, rendered: &FrameList) -> Result<Self, CliError> {
        let writer = ClipWriter::create(path, WriteOptions::default(), &[])?;
        Ok(Self { writer, frames: shown(rendered), cells: Vec::new() })
    }

    /// Takes a frame, if it is one of those shown.
    pub(super) fn add(&mut self, number: i64, picture: &Picture) {
        if self.frames.contains(&number) {
            let cell = SheetCell::new(format!("FRAME {number}"), Arc::new(picture.clone()));
            // Clips in float are scene-linear.
            let linear = matches!(picture.depth(), Depth::F16 | Depth::F32);
            self.cells.push(if linear { cell.shown_with(Transfer::LinearToSrgb) } else { cell });
        }
    }

    pub(super) fn write(self) -> Result<(), CliError> {
        let sheet = contact_sheet(&self.cells, COLUMNS, CELL)?;
        self.writer.write(1, &sheet)?;
        Ok(self.writer.finish()?)
    }
}

fn shown(rendered: &FrameList) -> Vec<i64> {
    let all: Vec<i64> = rendered.iter().collect();
    spread(all.len(), MOST).map(|i| all[i]).collect()
}

/// Places of `count` frames, at most `most`, evenly spread from the first to the last.
pub(super) fn spread(count: usize, most: usize) -> impl Iterator<Item = usize> {
    let shown = count.min(most);
    (0..shown).map(move |i| i * (count - 1) / (shown - 1).max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shown_frames_are_spread_from_the_first_to_the_last() {
        let shown = |first, last| shown(&FrameList::range(first, last));
        assert_eq!(shown(0, 32), [0, 4, 9, 13, 18, 22, 27, 32]);
        assert_eq!(shown(5, 7), [5, 6, 7]);
        assert_eq!(shown(5, 5), [5]);
    }
}

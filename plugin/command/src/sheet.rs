//! A contact sheet of what was rendered, to be looked at and shown around.

use std::{path::Path, sync::Arc};

use super::CliError;
use pickup_clips::{
    ClipWriter, Depth, Picture, SheetCell, Transfer, WriteOptions, contact_sheet, frame_list::FrameList,
};

/// Frames on a sheet at most, frames in a row, and the width of one.
const MOST: usize = 8;
pub(super) const COLUMNS: usize = 4;
pub(super) const CELL: usize = 320;

/// Frames evenly spread over what is rendered, the first and the last among them.
pub(super) struct Sheet {
    writer: ClipWriter,
    frames: Vec<i64>,
    transfer: Transfer,
    cells: Vec<SheetCell>,
}

impl Sheet {
    /// A sheet of frames of those rendered, which are written in a depth; a file that cannot be written is found out now,
    /// not after the work, as is one that is `read`.
    pub(super) fn new(path: &Path, rendered: &FrameList, written: Depth, read: &[&Path]) -> Result<Self, CliError> {
        let writer = ClipWriter::create(path, WriteOptions::default(), read)?;
        Ok(Self { writer, frames: shown(rendered), transfer: transfer(written), cells: Vec::new() })
    }

    /// Takes a frame, if it is one of those shown.
    pub(super) fn add(&mut self, number: i64, picture: &Picture) {
        if self.frames.contains(&number) {
            let cell = SheetCell::new(format!("FRAME {number}"), Arc::new(picture.clone()));
            self.cells.push(cell.shown_with(self.transfer));
        }
    }

    pub(super) fn write(self) -> Result<(), CliError> {
        let sheet = contact_sheet(&self.cells, COLUMNS, CELL)?;
        self.writer.write(1, &sheet)?;
        Ok(self.writer.finish()?)
    }
}

/// Clips written in float are scene-linear; what is rendered in float for others is not.
fn transfer(written: Depth) -> Transfer {
    if matches!(written, Depth::F16 | Depth::F32) { Transfer::LinearToSrgb } else { Transfer::AsIs }
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
    fn what_is_written_as_a_monitor_wants_it_is_shown_so_whatever_it_was_rendered_in() {
        let picture = Picture::new(1, 1, false, false, pickup_clips::Pixels::F32(vec![0.25; 3])).expect("a pixel");
        let shown = |written| {
            let folder = tempfile::tempdir().expect("a folder");
            let frames = FrameList::range(1, 1);
            let mut sheet = Sheet::new(&folder.path().join("sheet.png"), &frames, written, &[]).expect("a sheet");
            sheet.add(1, &picture);
            sheet.cells[0].transfer
        };
        assert_eq!(shown(Depth::U8), Transfer::AsIs);
        assert_eq!(shown(Depth::F16), Transfer::LinearToSrgb);
    }

    #[test]
    fn shown_frames_are_spread_from_the_first_to_the_last() {
        let shown = |first, last| shown(&FrameList::range(first, last));
        assert_eq!(shown(0, 32), [0, 4, 9, 13, 18, 22, 27, 32]);
        assert_eq!(shown(5, 7), [5, 6, 7]);
        assert_eq!(shown(5, 5), [5]);
    }
}

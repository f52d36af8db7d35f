//! A contact sheet of what was rendered, to be looked at and shown around.

use std::{path::Path, sync::Arc};

use super::CliError;
use pickup_clips::{
    ClipWriter, Depth, Picture, SheetCell, Transfer, WriteOptions, contact_sheet, frame_list::FrameList, is_picture,
    naming::is_numbered,
};

/// Frames on a sheet at most, frames in a row, and the width of one.
const MOST: usize = 8;
pub(super) const COLUMNS: usize = 4;
pub(super) const CELL: usize = 320;

/// The frames to look at: those that were made, each with the frame before it and the one after; where none was, or all were,
/// frames evenly spread over what is rendered, the first and the last among them.
pub(super) struct Sheet {
    writer: ClipWriter,
    transfer: Transfer,
    spread: Vec<i64>,
    evenly: Vec<SheetCell>,
    around: Vec<SheetCell>,
    /// The last frame, where it is not among those around a made one.
    before: Option<SheetCell>,
    after_made: bool,
    all_made: bool,
}

impl Sheet {
    /// A sheet of frames of those rendered, which are written in a depth; a file that cannot be written is found out now,
    /// not after the work, as is one that is `read`.
    pub(super) fn new(path: &Path, rendered: &FrameList, written: Depth, read: &[&Path]) -> Result<Self, CliError> {
        if !is_picture(path) {
            let name = path.display();
            return Err(CliError::Usage(format!(
                "{name}: a sheet is one picture: write it as .png, .jpg, .tif or .exr"
            )));
        }
        if is_numbered(path) {
            let name = path.display();
            return Err(CliError::Usage(format!(
                "{name}: a sheet is one picture, and takes no frame number in its name"
            )));
        }
        let writer = ClipWriter::create(path, WriteOptions::default(), read)?;
        Ok(Self {
            writer,
            transfer: transfer(written),
            spread: shown(rendered),
            evenly: Vec::new(),
            around: Vec::new(),
            before: None,
            after_made: false,
            all_made: true,
        })
    }

    /// Takes a frame, which is kept as it was or made.
    pub(super) fn add(&mut self, number: i64, picture: &Picture, kept: bool) {
        let label = if kept { format!("FRAME {number}") } else { format!("FRAME {number} MADE") };
        let cell = SheetCell::new(label, Arc::new(picture.clone())).shown_with(self.transfer);
        if self.spread.contains(&number) {
            self.evenly.push(cell.clone());
        }
        self.all_made &= !kept;
        if !kept || self.after_made {
            self.around.extend(self.before.take());
            self.around.push(cell);
            self.around.truncate(MOST);
        } else {
            self.before = Some(cell);
        }
        self.after_made = !kept;
    }

    fn cells(&self) -> &[SheetCell] {
        if self.all_made || self.around.is_empty() { &self.evenly } else { &self.around }
    }

    pub(super) fn write(self) -> Result<(), CliError> {
        let sheet = contact_sheet(self.cells(), COLUMNS, CELL)?;
        self.writer.write(1, &sheet)?;
        self.writer.finish()?;
        Ok(())
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
            sheet.add(1, &picture, true);
            sheet.evenly[0].transfer
        };
        assert_eq!(shown(Depth::U8), Transfer::AsIs);
        assert_eq!(shown(Depth::F16), Transfer::LinearToSrgb);
    }

    #[test]
    fn made_frames_are_shown_between_their_neighbours() {
        let picture = Picture::from_rgb8(1, 1, vec![9; 3]).expect("a pixel");
        let shown = |made: &[i64]| {
            let folder = tempfile::tempdir().expect("a folder");
            let frames = FrameList::range(1, 40);
            let mut sheet = Sheet::new(&folder.path().join("sheet.png"), &frames, Depth::U8, &[]).expect("a sheet");
            frames.iter().for_each(|n| sheet.add(n, &picture, !made.contains(&n)));
            sheet.cells().iter().map(|cell| cell.label.clone()).collect::<Vec<_>>().join(", ")
        };
        assert_eq!(shown(&[7]), "FRAME 6, FRAME 7 MADE, FRAME 8");
        assert_eq!(shown(&[1, 3, 40]), "FRAME 1 MADE, FRAME 2, FRAME 3 MADE, FRAME 4, FRAME 39, FRAME 40 MADE");
        assert!(shown(&[]).starts_with("FRAME 1, FRAME 6"));
        assert!(shown(&(1..=40).collect::<Vec<_>>()).ends_with("FRAME 40 MADE"));
    }

    #[test]
    fn shown_frames_are_spread_from_the_first_to_the_last() {
        let shown = |first, last| shown(&FrameList::range(first, last));
        assert_eq!(shown(0, 32), [0, 4, 9, 13, 18, 22, 27, 32]);
        assert_eq!(shown(5, 7), [5, 6, 7]);
        assert_eq!(shown(5, 5), [5]);
    }
}

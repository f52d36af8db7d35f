//! Contact sheets: labelled pictures side by side, to be looked at.

use std::borrow::Borrow;

use super::convert::Transfer;
use super::font;
use super::picture::{Depth, Picture, Pixels};
use super::{ClipError, MAX_PIXELS, MAX_SIDE};

const BACKGROUND: u8 = 24;
const INK: u8 = 220;
const GAP: usize = 8;

/// One picture of a contact sheet.
#[derive(Clone, Debug)]
pub struct SheetCell<P = std::sync::Arc<Picture>> {
    /// What is written beneath it; what does not fit is cut off.
    pub label: String,
    /// The picture, in any depth.
    pub picture: P,
    /// How its values are brought to the display: [`Transfer::LinearToSrgb`] for scene-linear ones.
    pub transfer: Transfer,
}

impl<P: Borrow<Picture>> SheetCell<P> {
    /// A picture whose values are encoded for a display.
    pub fn new(label: impl Into<String>, picture: P) -> Self {
        Self { label: label.into(), picture, transfer: Transfer::AsIs }
    }

    /// The same cell with a transfer curve applied for showing it.
    pub fn shown_with(self, transfer: Transfer) -> Self {
        Self { transfer, ..self }
    }
}

/// An 8-bit RGB picture with the cells in rows of `columns`, each scaled to `cell_width` pixels with its label
/// beneath. Transparent parts are shown over black.
pub fn contact_sheet<P: Borrow<Picture>>(
    cells: &[SheetCell<P>],
    columns: usize,
    cell_width: usize,
) -> Result<Picture, ClipError> {
    let expected = "a contact sheet needs at least one picture and a cell width that fits";
    let refused = |width, height| ClipError::BadPicture { width, height, samples: cells.len(), expected };
    if cells.is_empty() || cell_width == 0 || cell_width as u64 > MAX_SIDE {
        return Err(refused(cell_width, 0));
    }
    let columns = columns.clamp(1, cells.len());
    let dot = if cell_width >= 240 { 2 } else { 1 };
    let label_height = font::HEIGHT * dot + GAP;
    let heights: Vec<usize> = cells
        .chunks(columns)
        .map(|row| row.iter().map(|c| scaled_height(c.picture.borrow(), cell_width)).max().unwrap_or(0))
        .collect();
    let width = columns * (cell_width + GAP) + GAP;
    let height = heights.iter().map(|h| h + label_height + GAP).sum::<usize>() + GAP;
    if width as u64 > MAX_SIDE || height as u64 > MAX_SIDE || (width * height) as u64 > MAX_PIXELS {
        return Err(refused(width, height));
    }
    let mut sheet = Canvas { width, samples: vec![BACKGROUND; width * height * 3] };
    let mut top = GAP;
    for (row, row_height) in cells.chunks(columns).zip(&heights) {
        for (i, cell) in row.iter().enumerate() {
            let left = GAP + i * (cell_width + GAP);
            let picture = cell.picture.borrow();
            let small = shrink(picture, cell.transfer, cell_width, scaled_height(picture, cell_width));
            sheet.paste(left, top, cell_width, &small);
            sheet.write(left, top + row_height + GAP / 2, cell_width, dot, &cell.label);
        }
        top += row_height + label_height + GAP;
    }
    Picture::from_rgb8(width, height, sheet.samples)
}

fn scaled_height(picture: &Picture, width: usize) -> usize {
    (picture.height().saturating_mul(width) / picture.width()).max(1)
}

struct Canvas {
    width: usize,
    samples: Vec<u8>,
}

impl Canvas {
    fn paste(&mut self, left: usize, top: usize, width: usize, samples: &[u8]) {
        for (y, row) in samples.chunks_exact(width * 3).enumerate() {
            let start = ((top + y) * self.width + left) * 3;
            self.samples[start..start + row.len()].copy_from_slice(row);
        }
    }

    fn write(&mut self, left: usize, top: usize, width: usize, dot: usize, text: &str) {
        let step = (font::WIDTH + 1) * dot;
        for (i, letter) in text.chars().take((width + dot) / step).enumerate() {
            for (y, row) in font::glyph(letter).into_iter().enumerate() {
                for x in (0..font::WIDTH).filter(|x| row >> (font::WIDTH - 1 - x) & 1 == 1) {
                    self.fill(left + i * step + x * dot, top + y * dot, dot);
                }
            }
        }
    }

    fn fill(&mut self, left: usize, top: usize, side: usize) {
        for y in top..top + side {
            let start = (y * self.width + left) * 3;
            self.samples[start..start + side * 3].fill(INK);
        }
    }
}

/// The picture at another size; each new pixel is the mean of the area it covers.
fn shrink(picture: &Picture, transfer: Transfer, width: usize, height: usize) -> Vec<u8> {
    let shown = picture.to_transfer(transfer).to_depth(Depth::F32).to_premultiplied().to_rgb();
    // Clamped first: one highlight of 1000 must not burn out its neighbours.
    let values: Vec<f32> = shown.pixels().to_f32().into_iter().map(|v| v.clamp(0.0, 1.0)).collect();
    let (columns, rows) = (spans(picture.width(), width), spans(picture.height(), height));
    let mut small = Vec::with_capacity(width * height * 3);
    for (y0, down) in &rows {
        let mut row = vec![0.0_f32; picture.width() * 3];
        for (j, weight) in down.iter().enumerate() {
            let start = (y0 + j) * picture.width() * 3;
            row.iter_mut().zip(&values[start..]).for_each(|(sum, v)| *sum += v * weight);
        }
        for (x0, across) in &columns {
            for channel in 0..3 {
                let samples = row[x0 * 3 + channel..].iter().step_by(3);
                small.push(samples.zip(across).map(|(v, weight)| v * weight).sum::<f32>());
            }
        }
    }
    match Pixels::from_f32(small, Depth::U8) {
        Pixels::U8(v) => v,
        _ => unreachable!("from_f32 gives the depth asked for"),
    }
}

/// For each new pixel the first old one it covers, and how much of it and those after, as parts of 1.
fn spans(from: usize, to: usize) -> Vec<(usize, Vec<f32>)> {
    let scale = from as f64 / to as f64;
    (0..to)
        .map(|i| {
            let (start, end) = (i as f64 * scale, ((i + 1) as f64 * scale).min(from as f64));
            let first = (start as usize).min(from - 1);
            let last = (end.ceil() as usize).clamp(first + 1, from);
            let covered = |p: usize| ((p + 1) as f64).min(end) - (p as f64).max(start);
            (first, (first..last).map(|p| (covered(p).max(0.0) / (end - start)) as f32).collect())
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flat(width: usize, height: usize, rgb: [u8; 3]) -> Picture {
        Picture::from_rgb8(width, height, rgb.repeat(width * height)).unwrap()
    }

    fn at(sheet: &Picture, x: usize, y: usize) -> [u8; 3] {
        let Pixels::U8(v) = sheet.pixels() else { panic!("a sheet has 8 bits") };
        let i = (y * sheet.width() + x) * 3;
        [v[i], v[i + 1], v[i + 2]]
    }

    #[test]
    fn cells_stand_in_rows_with_their_labels_beneath() {
        let (red, green) = (flat(64, 32, [255, 0, 0]), flat(100, 100, [0, 255, 0]));
        let cells = [SheetCell::new("one", &red), SheetCell::new("two", &green), SheetCell::new("three", &red)];
        let sheet = contact_sheet(&cells, 2, 32).unwrap();
        assert_eq!(sheet.width(), 2 * 32 + 3 * GAP);
        assert_eq!(sheet.height(), 32 + 16 + 2 * (7 + GAP) + 3 * GAP);
        assert_eq!(at(&sheet, GAP + 16, GAP + 8), [255, 0, 0]);
        assert_eq!(at(&sheet, 2 * GAP + 48, GAP + 30), [0, 255, 0]);
        assert_eq!(at(&sheet, 0, 0), [BACKGROUND; 3]);
        // The left stroke of the O of "one", in its second row of dots.
        assert_eq!(at(&sheet, GAP, GAP + 32 + GAP / 2 + 1), [INK; 3]);
    }

    #[test]
    fn shrinking_takes_the_mean_of_the_area() {
        let checks = Picture::from_rgb8(4, 2, [[0_u8; 3], [200; 3], [0; 3], [200; 3]].concat().repeat(2)).unwrap();
        assert_eq!(shrink(&checks, Transfer::AsIs, 2, 1), [100; 6]);
        let weights: Vec<f32> = spans(5, 3).iter().map(|(_, w)| w.iter().sum()).collect();
        assert!(weights.iter().all(|w| (w - 1.0).abs() < 1e-6), "{weights:?}");
        assert_eq!(shrink(&flat(3, 3, [9, 8, 7]), Transfer::AsIs, 5, 5), [9, 8, 7].repeat(25));
    }

    #[test]
    fn linear_pictures_are_shown_through_the_srgb_curve() {
        let grey = Picture::new(1, 1, false, false, Pixels::F32(vec![0.18; 3])).unwrap();
        assert_eq!(shrink(&grey, Transfer::LinearToSrgb, 1, 1), [118; 3]);
    }

    #[test]
    fn labels_too_long_are_cut_and_impossible_sheets_refused() {
        let dot = flat(1, 1, [0; 3]);
        assert!(contact_sheet(&[SheetCell::new("a very long label indeed", &dot)], 9, 16).is_ok());
        assert!(contact_sheet::<Picture>(&[], 2, 16).is_err());
        assert!(contact_sheet(&[SheetCell::new("", &dot)], 1, 0).is_err());
        assert!(contact_sheet(&[SheetCell::new("", &dot)], 1, usize::MAX).is_err());
    }
}

//! What is measured of one frame.

use crate::{Encoding, Frame};

/// Cells of the thumbnail: wide enough that a hand's movement fills some of them, small enough that grain averages out.
const THUMB: (usize, usize) = (64, 36);

/// About how many tiles stand side by side, and their smallest size: several 16-pixel blocks fit in one.
const TILES_ACROSS: usize = 24;
const SMALLEST_TILE: usize = 48;

/// Columns in which the steps from row to row are measured: so many at any size that no object of the scene is most of them.
const COLUMNS: usize = 24;

/// Spacing of the block grid of MPEG-2, H.264 and JPEG in pixels. Macroblocks of 16 lie on it too.
const GRID: usize = 8;

/// A step between neighbouring pixels counts at most this much, so that one hard edge does not outweigh a whole tile.
const STEP_LIMIT: f32 = 0.25;

/// The most, of white, by which a coder changes a cell of the thumbnail.
const CODED: f32 = 0.01;

/// What is measured of one frame, once: under 12 KB at any size up to UHD, so that many can be kept.
///
/// All levels are display-referred luma (Rec. 709 weights), 0 black to 1 white, clamped; NaN counts as black.
#[derive(Clone, Debug, PartialEq)]
pub struct Traits {
    width: usize,
    height: usize,
    mean: f32,
    darkest: f32,
    brightest: f32,
    thumb: Vec<u16>,
    rows: Vec<u16>,
    tiles: Vec<u16>,
    tiles_across: usize,
}

impl Traits {
    /// Measures a frame. Of one or two channels the first is taken as grey; of more, the first three as RGB.
    #[must_use]
    pub fn measure(frame: &Frame) -> Self {
        let (width, height) = (frame.width(), frame.height());
        let luma = luma(frame.pixels(), frame.channels(), frame.encoding());
        let mut thumb = Thumb::new(width, height);
        let tile = (width.div_ceil(TILES_ACROSS).next_multiple_of(GRID)).max(SMALLEST_TILE);
        let mut blocks = Blocks::new(width, height, tile);
        let mut rows = Rows::new(width, height);
        for (y, row) in luma.chunks_exact(width).enumerate() {
            thumb.add(y, row);
            blocks.add_row(y, row);
        }
        let mut steps = vec![0.0; width];
        for (y, pair) in luma.windows(2 * width).step_by(width).enumerate() {
            let (above, below) = pair.split_at(width);
            for ((step, a), b) in steps.iter_mut().zip(above).zip(below) {
                *step = (b - a).abs().min(STEP_LIMIT);
            }
            blocks.add_steps(y, &steps);
            rows.add_steps(&steps);
        }
        let thumb = thumb.finish();
        let mean = thumb.iter().sum::<f32>() / thumb.len() as f32;
        Self {
            width,
            height,
            mean,
            darkest: share(&thumb, 0.01),
            brightest: share(&thumb, 0.99),
            thumb: pack(&thumb),
            rows: pack(&rows.cuts()),
            tiles: pack(&blocks.tiles()),
            tiles_across: blocks.across,
        }
    }

    /// Mean level of the picture.
    #[must_use]
    pub fn mean(&self) -> f32 {
        self.mean
    }

    /// Height of the frame in pixels.
    pub(super) fn height(&self) -> usize {
        self.height
    }

    /// Level that all but a hundredth of the picture stay below.
    pub(super) fn brightest(&self) -> f32 {
        self.brightest
    }

    /// Distance between the levels that all but a hundredth of the picture keep on either side.
    pub(super) fn spread(&self) -> f32 {
        self.brightest - self.darkest
    }

    /// Whether both were measured of frames of one size: only such frames can be compared.
    pub(super) fn comparable(&self, other: &Self) -> bool {
        (self.width, self.height) == (other.width, other.height)
    }

    /// Mean levels of the cells of the thumbnail.
    pub(super) fn cells(&self) -> impl Iterator<Item = f32> {
        self.thumb.iter().map(|&v| unpack(v))
    }

    /// Mean difference of the cells of two thumbnails.
    pub(super) fn apart(&self, other: &Self) -> f32 {
        self.cells().zip(other.cells()).map(|(a, b)| (a - b).abs()).sum::<f32>() / self.thumb.len() as f32
    }

    /// For each row of the thumbnail, the share of its cells that stand out from those of two frames by more than `apart` of what
    /// these two are apart, and by more than compression brings about.
    pub(super) fn outlying(&self, others: (&Self, &Self), apart: f32) -> Vec<f32> {
        let across = THUMB.0.min(self.width);
        let out: Vec<bool> = (self.cells().zip(others.0.cells()).zip(others.1.cells()))
            .map(|((here, a), b)| (here - a.max(b)).max(a.min(b) - here) > apart * (a - b).abs() + CODED)
            .collect();
        out.chunks(across).map(|row| row.iter().filter(|out| **out).count() as f32 / across as f32).collect()
    }

    /// For each pair of rows, how far it is cut apart across the width.
    pub(super) fn rows(&self) -> impl Iterator<Item = f32> {
        self.rows.iter().map(|&v| unpack(v))
    }

    /// Strongest cut within `reach` rows of `row`. One that lies between two rows shows in both, half in each.
    pub(super) fn row_near(&self, row: usize, reach: usize) -> f32 {
        let end = (row + reach + 1).min(self.rows.len());
        let near = &self.rows[row.saturating_sub(reach).min(end)..end];
        let alone = near.iter().copied().max().map_or(0.0, unpack);
        near.windows(2).map(|pair| unpack(pair[0]) + unpack(pair[1])).fold(alone, f32::max)
    }

    /// Strength of the block grid in each tile.
    pub(super) fn tiles(&self) -> impl Iterator<Item = f32> {
        self.tiles.iter().map(|&v| unpack(v))
    }

    /// Strongest grid in the tile of this index and those around it.
    pub(super) fn tile_near(&self, index: usize) -> f32 {
        let (x, y) = (index % self.tiles_across, index / self.tiles_across);
        let down = self.tiles.len() / self.tiles_across;
        let mut most = 0;
        for y in y.saturating_sub(1)..(y + 2).min(down) {
            for x in x.saturating_sub(1)..(x + 2).min(self.tiles_across) {
                most = most.max(self.tiles[y * self.tiles_across + x]);
            }
        }
        unpack(most)
    }
}

/// Sixteen bits hold a level finely enough (a 256th of an 8-bit step) at half the memory.
fn pack(levels: &[f32]) -> Vec<u16> {
    levels.iter().map(|v| (v.clamp(0.0, 1.0) * 65535.0).round() as u16).collect()
}

fn unpack(level: u16) -> f32 {
    f32::from(level) / 65535.0
}

/// The level below which this share of the cells lie.
fn share(cells: &[f32], share: f32) -> f32 {
    let mut cells = cells.to_vec();
    let index = ((cells.len() - 1) as f32 * share).round() as usize;
    *cells.select_nth_unstable_by(index, f32::total_cmp).1
}

/// Display-referred luma (Rec. 709 weights) of pixels, clamped to 0 to 1; NaN counts as black.
pub(crate) fn luma(pixels: &[f32], channels: usize, encoding: Encoding) -> Vec<f32> {
    let grey = |[r, g, b]: [f32; 3]| 0.2126 * r + 0.7152 * g + 0.0722 * b;
    let plain = |p: &[f32]| match p {
        [r, g, b, ..] => grey([*r, *g, *b]),
        [v, ..] => *v,
        [] => 0.0,
    };
    // NaN compares as not above.
    let held = |v: f32| if v > 0.0 { v.min(1.0) } else { 0.0 };
    let pixels = pixels.chunks_exact(channels);
    match encoding {
        Encoding::Display => pixels.map(|p| held(plain(p))).collect(),
        Encoding::Linear => pixels.map(|p| crate::srgb::encode(held(plain(p)))).collect(),
        _ => pixels
            .map(|p| match p {
                [r, g, b, ..] => held(grey(encoding.shown([*r, *g, *b]))),
                _ => held(encoding.shown_grey(plain(p))),
            })
            .collect(),
    }
}

/// Area means of a grid of cells. A pixel belongs to one cell: at these sizes a split pixel would change nothing.
struct Thumb {
    across: usize,
    down: usize,
    height: usize,
    sums: Vec<f64>,
    counts: Vec<u32>,
}

impl Thumb {
    fn new(width: usize, height: usize) -> Self {
        let (across, down) = (THUMB.0.min(width), THUMB.1.min(height));
        Self { across, down, height, sums: vec![0.0; across * down], counts: vec![0; across * down] }
    }

    fn add(&mut self, y: usize, row: &[f32]) {
        let start = y * self.down / self.height * self.across;
        for cell in 0..self.across {
            let part = &row[cell * row.len() / self.across..(cell + 1) * row.len() / self.across];
            self.sums[start + cell] += f64::from(part.iter().sum::<f32>());
            self.counts[start + cell] += part.len() as u32;
        }
    }

    fn finish(self) -> Vec<f32> {
        self.sums.iter().zip(&self.counts).map(|(sum, &n)| (sum / f64::from(n.max(1))) as f32).collect()
    }
}

/// Steps between neighbouring pixels, gathered by tile.
///
/// A block's border shows as a step larger than the steps right before and after it, at every eighth pixel.
struct Blocks {
    width: usize,
    height: usize,
    tile: usize,
    across: usize,
    down: usize,
    /// For each row of tiles and each column of pixels, the step to the right summed down the tile.
    right: Vec<f32>,
    /// For each row of pixels and each column of tiles, the mean step downwards.
    below: Vec<f32>,
}

impl Blocks {
    fn new(width: usize, height: usize, tile: usize) -> Self {
        // A remainder narrower than a tile joins the last one.
        let (across, down) = ((width / tile).max(1), (height / tile).max(1));
        let below = vec![0.0; height.saturating_sub(1) * across];
        Self { width, height, tile, across, down, right: vec![0.0; down * width], below }
    }

    fn span(&self, index: usize, count: usize, length: usize) -> std::ops::Range<usize> {
        index * self.tile..if index + 1 == count { length } else { (index + 1) * self.tile }
    }

    fn add_row(&mut self, y: usize, row: &[f32]) {
        let tile_row = (y / self.tile).min(self.down - 1);
        let sums = &mut self.right[tile_row * self.width..(tile_row + 1) * self.width];
        for (sum, pair) in sums.iter_mut().zip(row.windows(2)) {
            *sum += (pair[1] - pair[0]).abs().min(STEP_LIMIT);
        }
    }

    fn add_steps(&mut self, y: usize, steps: &[f32]) {
        for column in 0..self.across {
            let span = self.span(column, self.across, self.width);
            let count = span.len().max(1) as f32;
            self.below[y * self.across + column] = steps[span].iter().sum::<f32>() / count;
        }
    }

    /// The grid's strength in each tile: the weaker of that across and that down, as an edge of the scene or a
    /// tear seldom lies on the grid in both.
    fn tiles(&self) -> Vec<f32> {
        let mut tiles = Vec::with_capacity(self.across * self.down);
        for row in 0..self.down {
            let span_y = self.span(row, self.down, self.height);
            let rows = span_y.len().max(1) as f32;
            for column in 0..self.across {
                let span_x = self.span(column, self.across, self.width);
                let right = grid(span_x, self.width - 1, |x| self.right[row * self.width + x] / rows);
                let below = grid(span_y.clone(), self.height - 1, |y| self.below[y * self.across + column]);
                tiles.push(right.min(below));
            }
        }
        tiles
    }
}

/// Steps downwards, by column: where a picture is cut apart along a row.
struct Rows {
    across: usize,
    /// For each row but the last and each column, the mean step to the row below.
    below: Vec<f32>,
}

impl Rows {
    fn new(width: usize, height: usize) -> Self {
        let across = COLUMNS.min(width);
        Self { across, below: Vec::with_capacity(height.saturating_sub(1) * across) }
    }

    fn add_steps(&mut self, steps: &[f32]) {
        for column in 0..self.across {
            let part = &steps[column * steps.len() / self.across..(column + 1) * steps.len() / self.across];
            self.below.push(part.iter().sum::<f32>() / part.len() as f32);
        }
    }

    /// For each pair of rows, by how much the step between them exceeds those two rows off, or those three rows off: the other
    /// border of a band of two lines lies two rows off.
    ///
    /// The widest quarter of columns is left out: an object's edge spans a part of the width, a tear all of it.
    fn cuts(&self) -> Vec<f32> {
        let count = self.below.len() / self.across.max(1);
        let kept = (self.across * 3).div_ceil(4);
        let at = |y: Option<usize>, column: usize| {
            y.filter(|y| *y < count).map_or(0.0, |y| self.below[y * self.across + column])
        };
        let off = |y: usize, far: usize, column| at(y.checked_sub(far), column).max(at(Some(y + far), column));
        let mut excess = Vec::with_capacity(self.across);
        (0..count)
            .map(|y| {
                excess.clear();
                excess.extend(
                    (0..self.across)
                        .map(|column| (at(Some(y), column) - off(y, 2, column).min(off(y, 3, column))).max(0.0)),
                );
                excess.sort_by(f32::total_cmp);
                excess[..kept].iter().sum::<f32>() / kept as f32
            })
            .collect()
    }
}

/// How far the steps at every eighth place exceed those beside them, at the phase where they do most.
fn grid(span: std::ops::Range<usize>, count: usize, step: impl Fn(usize) -> f32) -> f32 {
    let (mut sums, mut counts) = ([0.0_f32; GRID], [0_u32; GRID]);
    for i in span.start.max(1)..span.end.min(count.saturating_sub(1)) {
        sums[i % GRID] += step(i) - 0.5 * (step(i - 1) + step(i + 1));
        counts[i % GRID] += 1;
    }
    sums.iter().zip(counts).map(|(sum, n)| sum / n.max(1) as f32).fold(0.0, f32::max)
}

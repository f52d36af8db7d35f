//! Damage, done to pictures that are sound.

use crate::{Result, coder, picture::Picture};

/// What is done to a clip at one place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Harm {
    /// The frame before, so many times more.
    Repeat(usize),
    /// So many black frames.
    Black(usize),
    /// So many frames of one even level.
    Empty(usize),
    /// So many frames brighter by two fifths.
    Brighter(usize),
    /// So many frames darker by a third.
    Darker(usize),
    /// A band slips sideways.
    Slipped,
    /// Some lines are black.
    Lines,
    /// From a row on another picture: a frame of the clip, mirrored.
    Half,
    /// From a row on the frame before, as of a buffer swapped late.
    Late,
    /// From a block on nothing was decoded.
    Undecoded,
    /// The blocks of some rows stand elsewhere.
    Scattered,
    /// Of each block of eight only the mean is left.
    Coarse,
    /// Bytes of a JPEG picture are changed, and a decoder makes of it what it can.
    Jpeg,
}

/// A small generator of numbers that look random, the same on every machine.
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: impl IntoIterator<Item = u64>) -> Self {
        let mut dice = Self(0x9E37_79B9_7F4A_7C15);
        for part in seed {
            dice.0 ^= part;
            dice.next();
        }
        dice
    }

    /// SplitMix64.
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// From `least` up to, but not, `end`.
    pub(crate) fn among(&mut self, least: usize, end: usize) -> usize {
        least + (self.next() % (end - least).max(1) as u64) as usize
    }
}

/// The least that must move about a repeat, and in its stead, in levels of 255, for it to be seen.
const SEEN_MOVING: f64 = 3.0;

/// Other damage is seen where it is less like the true frame than this, in dB.
const SEEN: f64 = 35.0;

/// Sides of a macroblock and of a block.
const MACROBLOCK: usize = 16;
const BLOCK: usize = 8;

impl Harm {
    /// Every kind that is measured.
    pub(crate) const ALL: [Self; 24] = [
        Self::Repeat(1),
        Self::Repeat(2),
        Self::Repeat(3),
        Self::Repeat(4),
        Self::Repeat(5),
        Self::Repeat(6),
        Self::Repeat(7),
        Self::Repeat(8),
        Self::Black(1),
        Self::Black(2),
        Self::Empty(1),
        Self::Empty(2),
        Self::Brighter(1),
        Self::Brighter(2),
        Self::Darker(1),
        Self::Darker(2),
        Self::Slipped,
        Self::Lines,
        Self::Half,
        Self::Late,
        Self::Undecoded,
        Self::Scattered,
        Self::Coarse,
        Self::Jpeg,
    ];

    pub(crate) fn name(self) -> String {
        let frames = |what: &str, n: usize| format!("{what}, {n} {}", if n == 1 { "frame" } else { "frames" });
        match self {
            Self::Repeat(n) => frames("repeat", n),
            Self::Black(n) => frames("black", n),
            Self::Empty(n) => frames("one even level", n),
            Self::Brighter(n) => frames("brighter by 40 %", n),
            Self::Darker(n) => frames("darker by 35 %", n),
            Self::Slipped => "a band slipped sideways".into(),
            Self::Lines => "black lines".into(),
            Self::Half => "the lower part of another picture".into(),
            Self::Late => "the lower part of the frame before".into(),
            Self::Undecoded => "the lower part not decoded".into(),
            Self::Scattered => "blocks in wrong places".into(),
            Self::Coarse => "blocks all over".into(),
            Self::Jpeg => "bytes of a JPEG changed".into(),
        }
    }

    /// Frames that it damages.
    pub(crate) fn frames(self) -> usize {
        match self {
            Self::Repeat(n) | Self::Black(n) | Self::Empty(n) | Self::Brighter(n) | Self::Darker(n) => n,
            _ => 1,
        }
    }

    /// Whether the detectors claim to find it: of tears between two pictures that hardly differ they say that they cannot.
    pub(crate) fn is_claimed(self) -> bool {
        self != Self::Late
    }

    /// Whether it can be done before a clip is coded as well as after. What a decoder does comes after.
    pub(crate) fn comes_before(self) -> bool {
        self != Self::Jpeg
    }

    /// The damaged frames in place of those from `at` on; none where nothing comes of it.
    pub(crate) fn done(self, clip: &[Picture], at: usize, dice: &mut Dice) -> Result<Option<Vec<Picture>>> {
        let here = &clip[at];
        let each = |change: &dyn Fn(u8) -> f32| {
            let changed = |p: &Picture| Picture {
                levels: p.levels.iter().map(|v| change(*v).round().clamp(0.0, 255.0) as u8).collect(),
                ..*p
            };
            Ok(Some(clip[at..at + self.frames()].iter().map(changed).collect()))
        };
        let one = |picture: Picture| Ok(Some(vec![picture]));
        match self {
            Self::Repeat(n) => Ok(Some(vec![clip[at - 1].clone(); n])),
            Self::Black(_) => {
                let level = [0.0, 16.0][dice.among(0, 2)];
                each(&|_| level)
            }
            Self::Empty(_) => {
                let level = dice.among(90, 200) as f32;
                each(&|_| level)
            }
            Self::Brighter(_) => each(&|v| f32::from(v) * 1.4),
            Self::Darker(_) => each(&|v| f32::from(v) * 0.65),
            Self::Slipped => one(slipped(here, dice)),
            Self::Lines => one(lines(here, dice)),
            Self::Half => one(below(here, &mirrored(&clip[(at + clip.len() / 2) % clip.len()]), dice)),
            Self::Late => one(below(here, &clip[at - 1], dice)),
            Self::Undecoded => one(undecoded(here, dice)),
            Self::Scattered => one(scattered(here, &clip[at - 1], dice)),
            Self::Coarse => one(coarse(here)),
            Self::Jpeg => {
                let spoilt = coder::spoilt_jpeg(here, |bytes| spoil(bytes, dice))?;
                Ok(spoilt.map(|picture| vec![picture]))
            }
        }
    }

    /// Whether the damage from `at` on in a clip can be seen at all.
    pub(crate) fn is_seen(self, clip: &[Picture], at: usize, harmed: &[Picture]) -> bool {
        if let Self::Repeat(n) = self {
            let moves = |a: usize, b: usize| clip[a].moved(&clip[b]) >= SEEN_MOVING;
            // Before, in its stead, and after.
            return moves(at - 2, at - 1) && moves(at - 1, at) && moves(at + n - 1, at + n);
        }
        harmed.iter().zip(&clip[at..]).all(|(harmed, truth)| harmed.psnr(truth) <= SEEN)
    }
}

/// A band of an eighth to a half of the height slips by a twentieth to a fifth of the width.
fn slipped(picture: &Picture, dice: &mut Dice) -> Picture {
    let Picture { width, height, mut levels } = picture.clone();
    let tall = dice.among(height / 8, height / 2);
    let top = dice.among(height / 16, height - tall - height / 16);
    let by = dice.among(width / 20, width / 5);
    for row in levels.chunks_exact_mut(width).skip(top).take(tall) {
        row.rotate_right(by);
    }
    Picture { width, height, levels }
}

/// A hundredth to a twentieth of the lines are black.
fn lines(picture: &Picture, dice: &mut Dice) -> Picture {
    let Picture { width, height, mut levels } = picture.clone();
    let tall = dice.among((height / 100).max(2), height / 20);
    let top = dice.among(height / 10, height * 9 / 10 - tall);
    levels[top * width..(top + tall) * width].fill(0);
    Picture { width, height, levels }
}

/// From a row in the middle three fifths on, another picture.
fn below(picture: &Picture, other: &Picture, dice: &mut Dice) -> Picture {
    let Picture { width, height, mut levels } = picture.clone();
    let from = dice.among(height / 5, height * 4 / 5) * width;
    levels[from..].copy_from_slice(&other.levels[from..]);
    Picture { width, height, levels }
}

fn mirrored(picture: &Picture) -> Picture {
    let mut picture = picture.clone();
    picture.levels.chunks_exact_mut(picture.width).for_each(<[u8]>::reverse);
    picture
}

/// From a macroblock in the middle three fifths on, grey.
fn undecoded(picture: &Picture, dice: &mut Dice) -> Picture {
    let Picture { width, height, mut levels } = picture.clone();
    let row = dice.among(height / 5, height * 4 / 5) / MACROBLOCK * MACROBLOCK;
    let column = dice.among(0, width) / MACROBLOCK * MACROBLOCK;
    for (y, line) in levels.chunks_exact_mut(width).enumerate().skip(row) {
        line[if y < row + MACROBLOCK { column } else { 0 }..].fill(128);
    }
    Picture { width, height, levels }
}

/// The macroblocks of an eighth to three eighths of the height come from places up to 40 pixels off in the frame before.
fn scattered(picture: &Picture, before: &Picture, dice: &mut Dice) -> Picture {
    let Picture { width, height, mut levels } = picture.clone();
    let tall = dice.among(height / 8, height * 3 / 8).max(2 * MACROBLOCK);
    let top = dice.among(0, height - tall) / MACROBLOCK * MACROBLOCK;
    for y0 in (top..top + tall).step_by(MACROBLOCK) {
        for x0 in (0..width).step_by(MACROBLOCK) {
            let (right, down) = (dice.among(0, 81), dice.among(0, 81));
            for y in y0..(y0 + MACROBLOCK).min(height) {
                for x in x0..(x0 + MACROBLOCK).min(width) {
                    let from_x = (x + right).saturating_sub(40).min(width - 1);
                    let from_y = (y + down).saturating_sub(40).min(height - 1);
                    levels[y * width + x] = before.levels[from_y * width + from_x];
                }
            }
        }
    }
    Picture { width, height, levels }
}

fn coarse(picture: &Picture) -> Picture {
    let Picture { width, height, ref levels } = *picture;
    let mut coarse = levels.clone();
    for y0 in (0..height).step_by(BLOCK) {
        for x0 in (0..width).step_by(BLOCK) {
            let (rows, columns) = (y0..(y0 + BLOCK).min(height), x0..(x0 + BLOCK).min(width));
            let count = (rows.len() * columns.len()) as u32;
            let sum: u32 = rows
                .clone()
                .flat_map(|y| columns.clone().map(move |x| (x, y)))
                .map(|(x, y)| u32::from(levels[y * width + x]))
                .sum();
            for y in rows {
                coarse[y * width..][columns.clone()].fill((sum / count) as u8);
            }
        }
    }
    Picture { width, height, levels: coarse }
}

/// Changes three bytes in the middle of what a JPEG file says of its picture.
fn spoil(bytes: &mut [u8], dice: &mut Dice) {
    for _ in 0..3 {
        let at = dice.among(bytes.len() / 4, bytes.len() * 3 / 4);
        let changed = bytes[at] ^ dice.among(1, 255) as u8;
        // 0xFF begins a marker, at which decoders stop.
        if bytes[at] != 0xFF && changed != 0xFF && bytes[at - 1] != 0xFF {
            bytes[at] = changed;
        }
    }
}

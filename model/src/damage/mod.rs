//! Finds frames that need repair, by comparing what was measured of each with what was measured of its neighbours.
//!
//! Each frame is measured once ([`Traits`]); [`judge`] then looks at those around it. Damage lasts a frame or two, repeats
//! a few more, and stands out from both sides; what lasts, or what differs from one side only (a cut, a fade, a pan), is
//! the shot itself.
//!
//! What it cannot tell: a tear between two pictures that differ little (a late buffer swap in a slow shot); lost lines
//! or blocks in a plain area; damage at one place of two frames in a row, as each excuses the other; lightning and
//! photographers' flashes from faults; animation on twos from repeats. `docs/detectors.md` says how often it is right.
//!
//! ```
//! use pickup_model::{Encoding, Frame, damage};
//!
//! # fn main() -> pickup_model::Result<()> {
//! let even = |level| Frame::new(64, 36, 1, Encoding::Display, vec![level; 64 * 36]);
//! let (grey, black) = (damage::Traits::measure(&even(0.4)?), damage::Traits::measure(&even(0.0)?));
//! let mut window = [Some(&grey); damage::WINDOW];
//! window[damage::REACH] = Some(&black);
//! assert_eq!(damage::judge(&window, &damage::Thresholds::default()), Some(damage::Damage::Black));
//! # Ok(())
//! # }
//! ```

mod measure;
#[cfg(test)]
mod tests;

pub use measure::Traits;
pub(crate) use measure::luma;

/// The most repeats in a row that are damage: a third of a second. What stands for longer is more likely meant.
pub const LONGEST_RUN: usize = 8;

/// Frames on each side of the one judged that are always looked at.
pub const NEAR: usize = 4;

/// Frames looked at on each side of the one judged at the most: so that each of the longest run of repeats sees the clip
/// move both before and after, and slow movement add up over [`NEAR`] frames.
pub const REACH: usize = LONGEST_RUN + NEAR;

/// Frames in a window: the one judged stands in the middle.
pub const WINDOW: usize = 2 * REACH + 1;

/// What is wrong with a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Damage {
    /// No picture, for one or two frames.
    Black,
    /// One even level instead of a picture, for one or two frames, as a decoder gives for what it could not read.
    Empty,
    /// Brighter or darker all over, for one or two frames: photographers' flashes, lightning, a slipped exposure.
    Flash,
    /// Cut apart along a row: bands that slipped sideways, lost lines, half of another picture.
    Torn,
    /// The codec's blocks show, all over or in places.
    Blocky,
    /// The frame before once more while the clip moves, up to [`LONGEST_RUN`] in a row. Animation drawn on twos consists
    /// of such repeats, and they are found.
    Duplicate,
}

/// From where on a frame counts as damaged, by kind, in percent of white in display-referred luma. A kind set to
/// `None` is not looked for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Thresholds {
    /// Duplicate: how much the part of the picture that changes most (a hundredth) may differ from the frame before, in
    /// any of the repeats in a row. More finds repeats through heavier compression.
    pub duplicate: Option<f32>,
    /// Black: how bright the brightest parts of the picture may be. More finds black with noise, or raised to 16 of
    /// 255.
    pub black: Option<f32>,
    /// Empty: how far apart the darkest and the brightest parts may be.
    pub empty: Option<f32>,
    /// Flash: the least rise or fall of mean brightness against both neighbours. Less finds weaker flashes.
    pub flash: Option<f32>,
    /// Torn: the least step between two rows, mean across three quarters of the width, that the neighbours lack. Less
    /// finds tears in plainer pictures.
    pub torn: Option<f32>,
    /// Blocky: the least step on the grid of 8 pixels that the neighbours lack. Less finds weaker blocks.
    pub blocky: Option<f32>,
}

impl Default for Thresholds {
    fn default() -> Self {
        Self {
            duplicate: Some(3.0),
            black: Some(10.0),
            empty: Some(6.0),
            flash: Some(3.0),
            torn: Some(0.7),
            blocky: Some(0.7),
        }
    }
}

/// What [`Thresholds`] are compared with, of one frame, in the same units. `None` where the kind cannot be told, such
/// as a repeat where nothing moves, or a flash at the first frame of a clip.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Evidence {
    /// Change since the frame before, the most of all repeats in a row; duplicates at or below the threshold.
    pub duplicate: Option<f32>,
    /// Level of the brightest parts; black at or below the threshold.
    pub black: Option<f32>,
    /// Distance from the darkest to the brightest parts; empty at or below the threshold.
    pub empty: Option<f32>,
    /// Jump of mean brightness; a flash at or above the threshold.
    pub flash: Option<f32>,
    /// Step between two rows; torn at or above the threshold.
    pub torn: Option<f32>,
    /// Step on the block grid; blocky at or above the threshold.
    pub blocky: Option<f32>,
}

impl Evidence {
    /// Measures the middle frame of a window against the others.
    ///
    /// Frames outside the clip are `None`. Frames of another size than the middle one's count as outside too. All is
    /// `None` if the middle frame is.
    #[must_use]
    pub fn of(window: &[Option<&Traits>; WINDOW]) -> Self {
        let Some(here) = window[REACH] else { return Self::default() };
        let window = Window { frames: window, here };
        let percent = |v: Option<f32>| v.map(|v| v * 100.0);
        Self {
            duplicate: percent(window.repeat()),
            black: percent(window.sinks(Traits::mean, 0.03).then(|| here.brightest())),
            empty: percent(window.sinks(Traits::spread, 0.05).then(|| here.spread())),
            flash: percent(window.jump()),
            torn: percent(window.tear()),
            blocky: percent(window.blocks()),
        }
    }

    /// The damage that these thresholds find. Of several kinds the grossest.
    #[must_use]
    pub fn verdict(&self, thresholds: &Thresholds) -> Option<Damage> {
        let below = |value: Option<f32>, limit: Option<f32>| value.zip(limit).is_some_and(|(v, limit)| v <= limit);
        let above = |value: Option<f32>, limit: Option<f32>| value.zip(limit).is_some_and(|(v, limit)| v >= limit);
        // Blocks step between rows as well as between columns; along a tear the columns go on.
        let torn = above(self.torn, thresholds.torn);
        let blocky = above(self.blocky, thresholds.blocky);
        let gridded = self.blocky.unwrap_or(0.0) >= 0.5 * self.torn.unwrap_or(0.0);
        [
            (below(self.black, thresholds.black), Damage::Black),
            (below(self.empty, thresholds.empty), Damage::Empty),
            (above(self.flash, thresholds.flash), Damage::Flash),
            (blocky && (gridded || !torn), Damage::Blocky),
            (torn, Damage::Torn),
            (below(self.duplicate, thresholds.duplicate), Damage::Duplicate),
        ]
        .into_iter()
        .find_map(|(found, damage)| found.then_some(damage))
    }
}

/// Judges the middle frame of a window; frames outside the clip are `None`.
#[must_use]
pub fn judge(window: &[Option<&Traits>; WINDOW], thresholds: &Thresholds) -> Option<Damage> {
    Evidence::of(window).verdict(thresholds)
}

/// Whether frames further off than the [`NEAR`] ones may decide: the middle frame may be a repeat, and what the window has
/// shows nothing else. The window may lack all that are further off.
#[must_use]
pub fn is_open(window: &[Option<&Traits>; WINDOW], thresholds: &Thresholds) -> bool {
    let Some((here, most)) = window[REACH].zip(thresholds.duplicate) else { return false };
    let window = Window { frames: window, here };
    let lively = |side: Option<f32>, run: &Run| side.is_none_or(|change| change > LIVELIER * run.most);
    let may_repeat =
        window.run().is_some_and(|run| 100.0 * run.most <= most && lively(run.before, &run) && lively(run.after, &run));
    may_repeat || window.held() != Err(Unheld::Moves)
}

/// Where the neighbours of a run of one or two frames stand, seen from one of the run.
const AROUND: [(isize, isize); 3] = [(-1, 1), (-1, 2), (-2, 1)];

/// How much more than in any repeat of a run must change between the frames around it. In real clips, coded or not, it is
/// at most 1.9 times as much where nothing is repeated.
const LIVELIER: f32 = 2.5;

/// The least change, of white, that counts as movement. Coders leave out movements of 0.9 hundredths and less for a frame.
const MOVEMENT: f32 = 0.01;

/// The least spread of levels, of white, in which movement can be told.
const PLAIN: f32 = 0.05;

/// By how much more than the next change the one at a run's end must be where what was held back comes at once. In a steady
/// shot it is twice as much and more.
const CATCHES_UP: f32 = 1.25;

/// How many times as far from one neighbour as from the other a frame beside a cut is, at the least. Between frames of one shot
/// it is about as far from both.
const CUT: f32 = 1.33;

/// The least share of a row of cells beside a cut that belongs to neither neighbour. In real clips, coded or not, a row that
/// looks cut has less beside it, since what moves lies between what was and what comes.
const FOREIGN: f32 = 0.4;

/// Repeats in a row, with the frame judged among them.
struct Run {
    /// Most that changes from one to the next.
    most: f32,
    length: usize,
    /// What changes right before and after, where anything does.
    before: Option<f32>,
    after: Option<f32>,
}

/// Why a frame is not known to be held.
#[derive(Debug, PartialEq)]
enum Unheld {
    /// It moves, or what is around it does not.
    Moves,
    /// Frames are missing that would tell.
    Unseen,
}

/// The two nearest frames on a side that show anything.
type Side<'a> = (Option<&'a Traits>, Option<&'a Traits>);

struct Window<'a> {
    frames: &'a [Option<&'a Traits>; WINDOW],
    here: &'a Traits,
}

impl<'a> Window<'a> {
    fn at(&self, offset: isize) -> Option<&'a Traits> {
        let frame = *self.frames.get(REACH.checked_add_signed(offset)?)?;
        frame.filter(|frame| frame.comparable(self.here))
    }

    /// What changes at this offset since the frame before it.
    fn change(&self, offset: isize) -> Option<f32> {
        Some(change(self.at(offset - 1)?, self.at(offset)?))
    }

    /// The run of frames that the one judged may be a repeat in. Near repeats and exact ones may be in one run: it ends
    /// where more than twice as much changes as in any of it.
    fn run(&self) -> Option<Run> {
        // In a picture this plain, such as the black between two shots, nothing could be seen to move.
        if self.here.spread() < PLAIN {
            return None;
        }
        let mut most = self.change(0)?;
        let reach = REACH as isize;
        loop {
            let still = (2.0 * most + 0.001).max(MOVEMENT);
            // The repeats on a side, the most that changes in them, and what changes beyond.
            let side = |step: isize| {
                let (mut length, mut within) = (0, 0.0_f32);
                for far in 1..=reach {
                    // Towards the start, the change at a frame is that from the frame before it.
                    let (this, change) = if step > 0 { (far, self.change(far)) } else { (-far - 1, self.change(-far)) };
                    match change {
                        None => break,
                        Some(change) if change > still => {
                            let moves = !self.returns(this, step);
                            return (length, within, Some(if moves { change } else { 0.0 }));
                        }
                        Some(change) => (length, within) = (length + 1, within.max(change)),
                    }
                }
                (length, within, None)
            };
            let (before, after) = (side(-1), side(1));
            let within = before.1.max(after.1);
            if within <= most {
                return Some(Run { most, length: before.0 + 1 + after.0, before: before.2, after: after.2 });
            }
            most = within;
        }
    }

    /// Whether past a frame that differs, or past two, the picture is much nearer again to what it was before them: they were
    /// damaged, and nothing moved.
    fn returns(&self, other: isize, step: isize) -> bool {
        let Some(last) = self.at(other - step) else { return false };
        let apart = |far: isize| self.at(other + step * far).map(|frame| change(frame, last));
        let away = apart(0).unwrap_or(0.0);
        (1..=2).any(|far| apart(far).is_some_and(|apart| apart <= 0.5 * away))
    }

    /// The most that changes in a run of repeats, where much more changes before and after. A part of a longer run would be
    /// made from two frames of it, and stand as still as before.
    fn repeat(&self) -> Option<f32> {
        let run = self.run()?;
        let lively = run.before.zip(run.after).is_some_and(|(before, after)| before.min(after) > LIVELIER * run.most);
        (lively && run.length <= LONGEST_RUN).then_some(run.most).or_else(|| self.held().ok())
    }

    /// The most by which the frames of a run differ from the picture that it holds, where what moves before it in a frame is no
    /// more than what a coder changes in one. But movement adds up, and what was held back comes at once.
    fn held(&self) -> Result<f32, Unheld> {
        let (longest, near) = (LONGEST_RUN as isize, NEAR as isize);
        let seen = |change: Option<f32>| change.ok_or(Unheld::Unseen);
        let only_if = |is: bool| if is { Ok(()) } else { Err(Unheld::Moves) };
        only_if(self.here.spread() >= PLAIN && seen(self.change(0))? <= MOVEMENT)?;
        let mut last = 0;
        while seen(self.change(last + 1))? <= MOVEMENT {
            last += 1;
            only_if(last < longest)?;
        }
        let apart = |offset: isize| seen(self.at(offset).zip(self.at(last)).map(|(a, b)| change(a, b)));
        // The frame that is repeated: the first that is no further from what is held than coders change a picture.
        let (mut first, mut most) = (last, 0.0_f32);
        loop {
            let off = apart(first - 1)?;
            if off > MOVEMENT {
                break;
            }
            (first, most) = (first - 1, most.max(off));
            only_if(last - first <= longest)?;
        }
        // What moves in a frame before, and at the most in one of the run: what moves on evenly was not held.
        let (length, mut before) = ((last - first) as f32, 0.0_f32);
        for far in 1..=near {
            let this = first - far;
            let leaps = seen(self.change(this + 1))? > LIVELIER * MOVEMENT;
            only_if(!(leaps && self.returns(this, -1)))?;
            before = before.max((apart(this)? - apart(first)?) / far as f32);
        }
        only_if(first < 0 && before > LIVELIER * most / length)?;
        let (jump, next) = (seen(self.change(last + 1))?, seen(self.change(last + 2))?);
        // More than the whole run would have moved by is a cut.
        let held_back = (length + 1.0) * next.max(before);
        let catches_up = jump > CATCHES_UP * next && jump <= 2.0 * held_back && !self.returns(last + 1, 1);
        only_if(jump > LIVELIER * most && catches_up)?;
        Ok(most)
    }

    /// Whether a trait of this frame, or of a run of two with it, lies at once lower than on both sides.
    ///
    /// In a fade the frames beside the lowest are on their way there already. At an end of the clip one side will do.
    fn sinks(&self, of: fn(&Traits) -> f32, least: f32) -> bool {
        let low = of(self.here);
        let stands = |offset: isize| {
            self.at(offset).map(|frame| {
                let rise = of(frame) - low;
                let further = self.at(offset + offset.signum()).map_or(rise, |frame| of(frame) - low);
                rise >= least && rise >= 0.75 * further
            })
        };
        AROUND.iter().any(|&(before, after)| {
            let between = (before + 1..after).filter(|&offset| offset != 0);
            let alike = between.into_iter().all(|o| self.at(o).is_some_and(|frame| of(frame) - low < least / 3.0));
            let sides = (stands(before), stands(after));
            alike && sides != (None, None) && sides.0.unwrap_or(true) && sides.1.unwrap_or(true)
        })
    }

    /// The jump of mean brightness away from both sides, where these agree and most of the picture goes along.
    fn jump(&self) -> Option<f32> {
        let jumps = AROUND.iter().filter_map(|&sides| {
            let (before, after) = (self.at(sides.0)?, self.at(sides.1)?);
            let (low, high) = (before.mean().min(after.mean()), before.mean().max(after.mean()));
            let (up, down) = (self.here.mean() - high, low - self.here.mean());
            let jump = up.max(down).max(0.0);
            let sign = if up > down { 1.0 } else { -1.0 };
            // In a fade the frames beside the lowest or highest are on their way there already.
            let fades = [(sides.0, before), (sides.1, after)].iter().any(|&(offset, frame)| {
                self.at(offset + offset.signum())
                    .is_some_and(|further| sign * (frame.mean() - further.mean()) > jump / 2.0)
            });
            let (mut along, mut all) = (0, 0);
            for ((a, here), b) in before.cells().zip(self.here.cells()).zip(after.cells()) {
                along += usize::from(sign * (here - 0.5 * (a + b)) > jump / 8.0);
                all += 1;
            }
            Some(if high - low <= jump / 2.0 && !fades && 2 * along >= all { jump } else { 0.0 })
        });
        jumps.max_by(f32::total_cmp)
    }

    /// The frames before and after that show anything: black ones beside a good frame say nothing of it.
    fn sides(&self) -> [Side<'a>; 2] {
        [-1, 1].map(|step| {
            let mut shows =
                (1..=NEAR as isize).filter_map(|far| self.at(step * far)).filter(|frame| frame.spread() >= PLAIN);
            (shows.next(), shows.next())
        })
    }

    /// The side that alone can tell what belongs in this frame: it is at an end of the clip, or beside a cut. There two frames of
    /// its own shot must do.
    fn alone(&self, sides: &[Side<'a>; 2]) -> Option<Side<'a>> {
        let cut_off = |own: &'a Traits, other: Side<'a>| {
            let Some(nearest) = other.0 else { return true };
            let far = nearest.apart(self.here);
            far > CUT * own.apart(self.here) && other.1.is_none_or(|further| far > CUT * nearest.apart(further))
        };
        let [before, after] = *sides;
        [(before, after), (after, before)]
            .into_iter()
            .find_map(|(own, other)| own.0.is_some_and(|near| cut_off(near, other)).then_some(own))
    }

    /// The cut between two rows that exceeds most what the neighbours have there, of those with a picture beside them that
    /// belongs to neither neighbour: an edge of the scene looks like a cut for a moment, but belongs.
    fn tear(&self) -> Option<f32> {
        let sides = self.sides();
        let [before, after] = sides.map(|side| side.0);
        let between = before.zip(after).map(|pair| self.here.outlying(pair, 0.5));
        // From two frames on one side more may differ that only moves on.
        let (beyond, reach) = match self.alone(&sides) {
            Some((near, second)) => (Some(self.here.outlying((near?, second?), 2.0)), (self.here.height() / 20).max(2)),
            None => (None, 1),
        };
        let foreign = match (between, beyond) {
            (Some(a), Some(b)) => a.iter().zip(b).map(|(a, b)| a.min(b)).collect(),
            (a, b) => a.or(b)?,
        };
        let tears = self.here.rows().enumerate().map(|(row, cut)| {
            let cell = (row + 1) * foreign.len() / self.here.height();
            let near = &foreign[cell.saturating_sub(1)..(cell + 2).min(foreign.len())];
            if near.iter().all(|share| *share < FOREIGN) {
                return 0.0;
            }
            let usual =
                [before, after].into_iter().flatten().map(|frame| frame.row_near(row, reach)).fold(0.0, f32::max);
            // A straight edge of the scene, hidden in places by what moves before it, varies by less than a quarter.
            cut - 1.25 * usual
        });
        Some(tears.fold(0.0, f32::max))
    }

    /// By how much the block grid exceeds the neighbours', in the hundredth of the picture (two tiles at least) where
    /// it does most. The first frame of a clip or of a shot is coded without others, and coarser, and the grid comes and goes in
    /// those that follow: two of them must lack it.
    fn blocks(&self) -> Option<f32> {
        let sides = self.sides();
        let [before, after] = sides.map(|side| side.0);
        let third = match self.alone(&sides) {
            Some((_, second)) => Some(second?),
            None => None,
        };
        before.or(after)?;
        let beside = [before, after, third].into_iter().flatten();
        let mut tiles: Vec<f32> = (self.here.tiles().enumerate())
            .map(|(i, grid)| grid - beside.clone().map(|frame| frame.tile_near(i)).fold(0.0, f32::max))
            .collect();
        let rank = (tiles.len() / 100).max(1).min(tiles.len() - 1);
        let (_, found, _) = tiles.select_nth_unstable_by(rank, |a, b| b.total_cmp(a));
        Some(found.max(0.0))
    }
}

/// Mean difference of the hundredth of cells that differ most: a small thing's movement counts as much as a pan.
fn change(a: &Traits, b: &Traits) -> f32 {
    let mut cells: Vec<f32> = a.cells().zip(b.cells()).map(|(a, b)| (a - b).abs()).collect();
    let count = (cells.len() / 100).max(1);
    let rest = cells.len() - count;
    cells.select_nth_unstable_by(rest, f32::total_cmp);
    cells[rest..].iter().sum::<f32>() / count as f32
}

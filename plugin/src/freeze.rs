//! Where a clip freezes: an editor that lengthens a clip repeats its last frame.

use ofx::plugin::Result;
use pickup_model::is_frozen;

use crate::perform::footage::{Footage, if_any};

/// Equal frames at a clip's end that make a freeze: animation on twos has two.
const AT_THE_END: i64 = 3;
/// Equal frames in a row that make a freeze where the clip's end is not known: animation on threes has three.
const INSIDE: i64 = 4;
/// How far back a freeze is looked for by hand.
pub const LONGEST: i64 = 2000;
/// How far ahead a freeze must be looked for where it has just begun.
pub const LOOKED_AHEAD: i64 = INSIDE - 2;

/// The frame from which on what `number` shows stands still, where it stands for four frames or more and came to
/// stand within `furthest`; none where `number` is that frame, or the clip moves, or stands for longer.
///
/// # Errors
/// When the frame cannot be read.
pub fn stands_since(footage: &Footage<'_>, number: i64, furthest: i64) -> Result<Option<i64>> {
    let Some(here) = footage.frame(number)? else { return Ok(None) };
    let same = |at: i64| -> Result<bool> {
        Ok(if_any(footage.frame(at))?.flatten().is_some_and(|frame| is_frozen(&frame, &here)))
    };
    if !same(number - 1)? || same(number - furthest)? {
        return Ok(None);
    }
    let still = row_start(number - furthest, number - 1, same)?;
    // What stands from the clip's first frame on is a still, and has no motion to go on from.
    if !footage.exists(still - 1)? {
        return Ok(None);
    }
    for ahead in number + 1..still + INSIDE {
        if !same(ahead)? {
            return Ok(None);
        }
    }
    Ok(Some(still))
}

/// The first of the equal frames at a clip's end, if they are a freeze.
///
/// # Errors
/// When one cannot be read.
pub fn last_moving(footage: &Footage<'_>, (first, last): (i64, i64)) -> Result<Option<i64>> {
    let Some(end) = footage.frame(last)? else { return Ok(None) };
    let frozen = |at: i64| -> Result<bool> { Ok(footage.frame(at)?.is_some_and(|frame| is_frozen(&frame, &end))) };
    if last - first < AT_THE_END || !frozen(last - 1)? || !frozen(last - 2)? {
        return Ok(None);
    }
    let still = row_start(first - 1, last - 2, frozen)?;
    // A clip that never moves is a still, and has no moving end to go on from.
    Ok((still > first).then_some(still))
}

/// The first of a row of `same` frames which ends at or after `still`, and of which `moving`, before it, is none. They are one row,
/// so halving finds its start.
fn row_start(mut moving: i64, mut still: i64, same: impl Fn(i64) -> Result<bool>) -> Result<i64> {
    while still - moving > 1 {
        let middle = moving + (still - moving) / 2;
        if same(middle)? { still = middle } else { moving = middle }
    }
    Ok(still)
}

//! Frames at source times, and what a shutter that is open over several of them sees.

use ofx::plugin::{Error, Result};
use pickup_model::{Exposure, Frame, Origin, Shot};

use super::{Method, Retime};
use crate::{
    cadence::{Cadence, Stands},
    perform::failed,
    perform::{Stage, footage::if_any},
    plan::Input,
    timeline::{as_time, frame_number},
};

type Work<'s, 'r, 'c> = &'s Stage<'r, 'c, Retime>;

/// The frame that the instants at some source times make up.
pub(super) fn exposed(stage: Work<'_, '_, '_>, times: &[f64]) -> Result<Frame> {
    let (first, rest) = times.split_first().ok_or_else(|| Error::Failed("There is no instant to show".into()))?;
    let (frame, mut held) = at(stage, *first)?;
    if rest.is_empty() {
        return Ok(frame);
    }
    let mut exposure = Exposure::new(&frame);
    for time in rest {
        stage.cx.check_abort()?;
        let (frame, cut) = at(stage, *time)?;
        held |= cut;
        exposure.add(&frame).map_err(failed)?;
    }
    if held {
        // The shutter would be open across a cut: two shots are not to be mixed.
        return Ok(at(stage, times[times.len() / 2])?.0);
    }
    exposure.finish().map_err(failed)
}

/// Whether the frame that the instants at some source times make up is none of the source's own.
pub(super) fn is_made(stage: Work<'_, '_, '_>, times: &[f64]) -> Result<bool> {
    let [time] = times else { return Ok(true) };
    let own = time.fract() == 0.0;
    Ok(match cycle(stage, *time)?.and_then(|cycle| cycle.at(*time)) {
        Some(stands) => matches!(stands, Stands::Between(_)),
        None => !own && stage.params.method != Method::Nearest,
    })
}

/// The cycle of repeats about a source time, where one is looked for.
fn cycle(stage: Work<'_, '_, '_>, time: f64) -> Result<Option<Cadence>> {
    if !stage.params.smooths() {
        return Ok(None);
    }
    let footage = stage.footage(Input::First)?;
    Cadence::around(frame_number(time.floor()), |frame| footage.name(frame))
}

fn source(stage: Work<'_, '_, '_>, frame: i64) -> Result<Frame> {
    stage.frame(Input::First, frame)
}

/// The frame at a source time, and whether it was held because a cut lies there.
fn at(stage: Work<'_, '_, '_>, time: f64) -> Result<(Frame, bool)> {
    let (params, footage) = (stage.params, stage.footage(Input::First)?);
    let (before, after) = (frame_number(time.floor()), frame_number(time.ceil()));
    if let Some(cycle) = cycle(stage, time)? {
        match cycle.at(time) {
            Some(Stands::Picture(frame)) => return Ok((source(stage, frame)?, false)),
            Some(Stands::Between(place)) => return made(stage, &footage.between(&cycle, place, time)?),
            None => {}
        }
    }
    if before == after || params.method == Method::Nearest {
        return Ok((source(stage, frame_number(time))?, false));
    }
    let (first, last) = (source(stage, before)?, source(stage, after)?);
    if params.method == Method::Blend {
        return Ok((first.blended(&last, time.fract()).map_err(failed)?, false));
    }
    let mut shot = Shot::new().known(as_time(before), first).and_then(|s| s.known(as_time(after), last));
    for further in [before - 1, after + 1] {
        // A clip's end, or a hole: the motion is then taken as even.
        if let Some(Some(picture)) = if_any(footage.frame(further))? {
            shot = shot.and_then(|s| s.known(as_time(further), picture));
        }
    }
    made(stage, &shot.map_err(failed)?.missing(time))
}

/// The missing frame of a shot, and whether it was held because a cut lies there.
fn made(stage: Work<'_, '_, '_>, shot: &Shot) -> Result<(Frame, bool)> {
    let made = stage.make(shot)?;
    Ok((made.frame.clone(), made.origin == Origin::Held))
}

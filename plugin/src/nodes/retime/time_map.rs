//! Which source time stands where: the speed curve, added up.

use ofx::{
    RangeD,
    plugin::{Error, Result},
};

use super::{By, RetimeParams};
use crate::{
    plan::{Curves, Input, Scene},
    timeline::{Timeline, as_time},
};

/// Source frames passed from `from` to `to`, by the speed curve.
pub(super) fn passed(curves: &dyn Curves, from: f64, to: f64) -> Result<f64> {
    let (low, high, sign) = if from <= to { (from, to, 1.0) } else { (to, from, -1.0) };
    Ok(sign * curves.sum(RetimeParams::SPEED, low, high)? / 100.0)
}

/// The most times longer than its source that a retimed clip may be said to be, at one speed and along a curve, which must be added
/// up: a clip slowed to nothing never ends.
pub(super) const LONGEST: [f64; 2] = [100_000.0, 100.0];

/// The last frame at which the source is not used up, when `passed(t)` source frames have gone by at `t`; as long as the source where
/// that is more than `most` times as long.
pub(super) fn last_frame(range: RangeD, most: f64, passed: impl Fn(f64) -> Result<f64>) -> f64 {
    let length = range.max - range.min;
    let used_up = |t: f64| passed(range.min + t).is_ok_and(|p| p > length);
    let (mut low, mut high) = (0.0, (length + 1.0) * most);
    if !used_up(high) {
        // Frozen, or to and fro: as long as the source.
        return range.max;
    }
    while high - low > 0.5 {
        let middle = f64::midpoint(low, high).floor();
        if middle <= low {
            break;
        }
        if used_up(middle) { high = middle } else { low = middle }
    }
    range.min + low
}

/// Which source time stands at a time of the effect.
pub(super) struct TimeMap<'a> {
    curves: &'a dyn Curves,
    by: By,
    reverse: bool,
    timeline: Timeline,
    /// Where the speed curve starts to add up.
    start: f64,
}

impl<'a> TimeMap<'a> {
    /// None where a start is needed, and neither the user nor the host says where it is.
    pub(super) fn new(params: &RetimeParams, scene: &Scene<'a>) -> Option<Self> {
        let (timeline, curves) = (*scene.timeline(Input::First), scene.curves);
        let start = params.start.at(&timeline);
        let start = if params.adds_up(curves) { start? } else { 0 };
        Some(Self { curves, by: params.by, reverse: params.reverse, timeline, start: as_time(start) })
    }

    pub(super) fn source_time(&self, time: f64) -> Result<f64> {
        let wanted = match (self.curves.source_time(time)?, self.by) {
            (Some(time), _) => time,
            (None, By::SourceFrame) => self.curves.number(RetimeParams::SOURCE_FRAME, time)?,
            (None, By::Speed) => {
                let gone = passed(self.curves, self.start, time)?;
                match self.timeline.cut() {
                    Some((_, last)) if self.reverse => as_time(last) - gone,
                    None if self.reverse => {
                        return Err(Error::Failed(
                            "This host does not say where the clip ends, so it cannot be played from there: retime by source \
                             frame instead"
                                .into(),
                        ));
                    }
                    _ => self.start + gone,
                }
            }
        };
        // Hosts integrate numerically; a hair's breadth from a whole frame is that frame.
        let wanted = if (wanted - wanted.round()).abs() < 1e-4 { wanted.round() } else { wanted };
        // Past its ends the clip holds its first and last frame.
        let ends = self.timeline.frames();
        Ok(ends.map_or(wanted, |(first, last)| wanted.clamp(as_time(first), as_time(last))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slowed_clip_grows_and_a_frozen_one_keeps_its_length() {
        let range = RangeD { min: 10.0, max: 20.0 };
        let at_speed = |speed: f64| last_frame(range, 100.0, |t| Ok((t - 10.0) * speed));
        assert_eq!(at_speed(1.0), 20.0);
        assert_eq!(at_speed(0.5), 30.0);
        assert_eq!(at_speed(2.0), 15.0);
        assert_eq!(at_speed(-1.0), 20.0);
        assert_eq!(at_speed(0.0), 20.0);
    }
}

//! Which frames of a clip are good, which are to be made, and from which.

use std::{
    borrow::Cow,
    cell::RefCell,
    collections::{HashMap, VecDeque},
    fmt,
};

use ofx::plugin::{Error, ParamId, Result};
use pickup_model::{
    Frame, Shot,
    damage::{self, Damage, Thresholds, Traits, judge},
};

use crate::{
    cadence::{self, Cadence, Stands},
    perform::failed,
    perform::footage::{Footage, if_any},
    plan::{Curves, Input, Scene},
    timeline::as_time,
};
use pickup_clips::frame_list::FrameList;

/// Frames on either side that a frame is compared with, and with how many it is in any case.
const FURTHEST: i64 = damage::REACH as i64;
const NEAR: i64 = damage::NEAR as i64;

/// Frames on either side of one to be made by which it and the good frames beside it are judged.
pub const REACH: i64 = FURTHEST + NEAR;

/// What the user marked as damaged, without looking at a picture.
pub struct Marks<'c> {
    list: FrameList,
    curves: &'c dyn Curves,
    switch: Option<ParamId<bool>>,
}

impl<'c> Marks<'c> {
    /// No frame.
    #[must_use]
    pub fn none(curves: &'c dyn Curves) -> Self {
        Self { list: FrameList::default(), curves, switch: None }
    }

    /// The frames of a list, and those at which a switch is on.
    ///
    /// # Errors
    /// When the list makes no sense.
    pub fn new(frames: &str, curves: &'c dyn Curves, switch: ParamId<bool>) -> Result<Self> {
        let list = FrameList::parse(frames).map_err(|e| Error::Failed(format!("“Frames”: {e}")))?;
        Ok(Self { list, curves, switch: Some(switch) })
    }

    /// Whether a frame is marked.
    #[must_use]
    pub fn damaged(&self, frame: i64) -> bool {
        let switched = |switch| self.curves.switched(switch, as_time(frame)).unwrap_or(false);
        self.list.contains(frame) || self.switch.is_some_and(switched)
    }

    /// Why some frames of the list are never made, where it is known which the clip has: it has them not.
    #[must_use]
    pub fn strays(&self, scene: &Scene<'_>) -> Option<Cow<'static, str>> {
        let (first, last) = scene.timeline(Input::First).cut()?;
        let stray = self.list.first().filter(|f| *f < first).or(self.list.last().filter(|l| *l > last))?;
        Some(format!("“Frames” lists {stray}, which is not in the clip: it has {first} to {last}").into())
    }

    /// A frame before and one after a gap's edges that tell of the motion across the gap, where the clip `contains` such a
    /// one that is not marked.
    pub fn beyond(&self, (first, last): (i64, i64), contains: impl Fn(i64) -> bool) -> [Option<i64>; 2] {
        let usable = |frame: &i64| contains(*frame) && !self.damaged(*frame);
        [(first, -1), (last, 1)].map(|(edge, step)| beyond(edge, step, last - first).find(usable))
    }
}

/// Tells good frames from those to be made.
pub struct Sight<'a, 'b, 'c> {
    footage: &'a Footage<'b>,
    marks: &'a Marks<'c>,
    longest: i64,
    thresholds: Option<Thresholds>,
    /// Whether repeats in a regular cycle are no damage.
    cycles: bool,
    traits: RefCell<HashMap<i64, Option<Traits>>>,
}

impl<'a, 'b, 'c> Sight<'a, 'b, 'c> {
    /// The sight on a clip's frames: of gaps of so many frames at the `longest`, and where it is asked for, of damage.
    #[must_use]
    pub fn new(
        footage: &'a Footage<'b>,
        marks: &'a Marks<'c>,
        longest: i64,
        thresholds: Option<Thresholds>,
        cycles: bool,
    ) -> Self {
        Self { footage, marks, longest, thresholds, cycles, traits: RefCell::default() }
    }

    /// Whether a frame is there, unmarked, and looks sound where that is asked.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn is_good(&self, frame: i64) -> Result<bool> {
        if self.marks.damaged(frame) {
            return Ok(false);
        }
        match &self.thresholds {
            None => self.footage.exists(frame),
            Some(thresholds) => Ok(self.has_traits(frame)? && self.damage(frame, thresholds)?.is_none()),
        }
    }

    fn has_traits(&self, frame: i64) -> Result<bool> {
        if !self.traits.borrow().contains_key(&frame) {
            let traits = self.footage.frame(frame)?.map(|f| Traits::measure(&f));
            self.traits.borrow_mut().insert(frame, traits);
        }
        Ok(self.traits.borrow().get(&frame).is_some_and(Option::is_some))
    }

    fn measure(&self, frame: i64, reach: i64) -> Result<()> {
        (frame - reach..=frame + reach).try_for_each(|near| self.has_traits(near).map(|_| ()))
    }

    /// What follows from the frames about a frame that were measured so far.
    fn with_window<T>(&self, frame: i64, then: impl FnOnce(&[Option<&Traits>; damage::WINDOW]) -> T) -> T {
        let traits = self.traits.borrow();
        let mut near = (frame - FURTHEST..).map(|f| traits.get(&f).and_then(Option::as_ref));
        then(&std::array::from_fn(|_| near.next().flatten()))
    }

    fn damage(&self, frame: i64, thresholds: &Thresholds) -> Result<Option<Damage>> {
        self.measure(frame, NEAR)?;
        if self.with_window(frame, |window| damage::is_open(window, thresholds)) {
            self.measure(frame, FURTHEST)?;
        }
        let found = self.with_window(frame, |window| judge(window, thresholds));
        Ok(found.filter(|damage| *damage != Damage::Duplicate || !self.cycles || !in_cycle(self.footage, frame)))
    }

    /// The shot around a frame that is to be made: the nearest good frame on each side, where there is one, and one
    /// further out on each side of a gap, which tells how the motion across it curves.
    ///
    /// # Errors
    /// When the gap is too long, there is nothing to work from, or a frame cannot be read.
    pub fn shot(&self, missing: i64) -> Result<Shot> {
        if let Some((first, last)) = self.footage.timeline().frames()
            && !self.footage.timeline().may_have(missing)
        {
            return Err(Error::Failed(format!(
                "Frame {missing} lies outside the clip, which has frames {first} to {last}"
            )));
        }
        let (before, after) = (self.side(missing, -1)?, self.side(missing, 1)?);
        let mut shot = Shot::new();
        let mut gap = 1;
        for side in [&before, &after] {
            match side {
                Side::Known(near, frame) => {
                    gap += (near - missing).abs() - 1;
                    shot = shot.known(as_time(*near), frame.clone()).map_err(failed)?;
                }
                Side::ClipEnds(near) => gap += (near - missing).abs() - 1,
                Side::TooFar => gap += self.longest,
            }
        }
        if gap > self.longest {
            return Err(Error::Failed(format!(
                "Frame {missing} lies in a gap of more than {} frames, the “Longest gap”: mark fewer frames in a row as \
                 damaged, or raise it",
                self.longest
            )));
        }
        if shot.frames().is_empty() {
            return Err(Error::Failed(
                "Every frame of the clip is damaged or missing: there is nothing to work from".into(),
            ));
        }
        if let (Side::Known(first, _), Side::Known(last, _)) = (&before, &after) {
            for frame in
                self.marks.beyond((*first, *last), |f| self.footage.timeline().may_have(f)).into_iter().flatten()
            {
                if if_any(self.is_good(frame))? == Some(true)
                    && let Some(Some(picture)) = if_any(self.footage.frame(frame))?
                {
                    shot = shot.known(as_time(frame), picture).map_err(failed)?;
                }
            }
        }
        Ok(shot.missing(as_time(missing)))
    }

    /// What lies on one side of a frame.
    fn side(&self, missing: i64, step: i64) -> Result<Side> {
        let timeline = self.footage.timeline();
        for d in 1..=self.longest {
            let near = missing + step * d;
            if !timeline.may_have(near) {
                return Ok(Side::ClipEnds(near));
            }
            if self.is_good(near)?
                && let Some(frame) = self.footage.frame(near)?
            {
                return Ok(Side::Known(near, frame));
            }
            // Where it is not known where the clip ends, it ends with the frame that the host does not have.
            if timeline.cut().is_none() && !self.marks.damaged(near) && !self.footage.exists(near)? {
                return Ok(Side::ClipEnds(near));
            }
        }
        Ok(Side::TooFar)
    }
}

/// Whether a frame stands in a regular cycle of repeats.
fn in_cycle(footage: &Footage<'_>, frame: i64) -> bool {
    matches!(Cadence::around(frame, |f| footage.name(f)), Ok(Some(_)))
}

/// Frames beyond a gap's edge that may tell of the motion across the gap, best first: the nearest, since over a third or a
/// half of the way what is thin or fast is not lost, but not so near that what the frames tell is noise, and no further
/// than motion keeps its character.
fn beyond(edge: i64, step: i64, interval: i64) -> impl Iterator<Item = i64> {
    let nearest = (interval + 2) / 3;
    let furthest = interval.min(nearest.max(3));
    (nearest..=furthest).map(move |distance| edge + step * distance)
}

/// What lies on one side of a frame that is to be made.
enum Side {
    /// A good frame, and its number.
    Known(i64, Frame),
    /// The clip's end, and the first number beyond it.
    ClipEnds(i64),
    /// More damaged frames than are bridged.
    TooFar,
}

/// The shot whose missing frame is what truly stands at a frame of a cycle; none where there is no cycle, or it is the frame's own
/// picture.
///
/// # Errors
/// When a frame cannot be read.
pub fn smoothed(footage: &Footage<'_>, now: i64) -> Result<Option<Shot>> {
    let Some(cycle) = Cadence::around(now, |frame| footage.name(frame))? else { return Ok(None) };
    match cycle.at(as_time(now)) {
        Some(Stands::Between(before)) => footage.between(&cycle, before, as_time(now)).map(Some),
        _ => Ok(None),
    }
}

/// What a search found.
pub struct Found {
    /// The damaged frames.
    pub damaged: FrameList,
    /// Frames from one repeat to the next, where repeats are evenly spaced over the whole clip and so are no damage.
    pub spacing: Option<f64>,
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { damaged, spacing } = self;
        match damaged.len() {
            0 => f.write_str("No damaged frames were found.")?,
            1 => write!(f, "One damaged frame was found: {damaged}.")?,
            n => write!(f, "{n} damaged frames were found: {damaged}. Review the list before rendering.")?,
        }
        let Some(spacing) = spacing else { return Ok(()) };
        write!(
            f,
            " A frame is repeated every {spacing:.1} frames, as where a clip stands on a timeline of a higher rate: those are not \
             listed. If they are damage, set “Repeats in a cycle” to “Damage” and search again."
        )
    }
}

/// Every damaged frame from `first` to `last`, each frame read once. A frame that is not there is damaged too. Where `cycles` is on,
/// repeats in a regular cycle are not.
///
/// # Errors
/// When a frame cannot be read, or `progress` says stop.
pub fn search(
    footage: &Footage<'_>,
    (first, last): (i64, i64),
    thresholds: &Thresholds,
    cycles: bool,
    mut progress: impl FnMut(f64) -> Result<()>,
) -> Result<Found> {
    let mut window: VecDeque<Option<Traits>> = (0..damage::WINDOW - 1).map(|_| None).collect();
    let (mut found, mut repeats) = (Vec::new(), Vec::new());
    for frame in first..=last + FURTHEST {
        progress(as_time(frame - first) / as_time(last - first + FURTHEST))?;
        let traits = if frame <= last { footage.frame(frame)?.map(|f| Traits::measure(&f)) } else { None };
        window.push_back(traits);
        let middle = frame - FURTHEST;
        let seen: [Option<&Traits>; damage::WINDOW] = std::array::from_fn(|i| window.get(i).and_then(Option::as_ref));
        let (damage, is_hole) = (judge(&seen, thresholds), seen[damage::REACH].is_none());
        window.pop_front();
        if middle < first {
            continue;
        }
        match damage {
            _ if is_hole => found.push(middle),
            Some(Damage::Duplicate) if cycles && in_cycle(footage, middle) => {}
            Some(Damage::Duplicate) => repeats.push(middle),
            Some(_) => found.push(middle),
            None => {}
        }
    }
    let spacing = if cycles { cadence::spacing(&repeats) } else { None };
    if spacing.is_none() {
        found.append(&mut repeats);
    }
    Ok(Found { damaged: found.into_iter().collect(), spacing })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_further_out_stand_at_a_third_of_the_gap_or_further() {
        let distances = |interval| beyond(100, 1, interval).map(|f| f - 100).collect::<Vec<_>>();
        assert_eq!(distances(2), [1, 2], "one frame missing");
        assert_eq!(distances(3), [1, 2, 3]);
        assert_eq!(distances(7), [3]);
        assert_eq!(distances(20), [7], "a third of a wide gap");
        assert_eq!(beyond(100, -1, 2).collect::<Vec<_>>(), [99, 98]);
    }
}

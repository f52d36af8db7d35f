//! Where a node's work starts on the timeline: where the clip does, or where the user says.

use ofx::plugin::{Button, Changed, Effect, ParamId, Result, Value};

use crate::timeline::{Timeline, frame_number};

/// What says where the work starts.
#[derive(ofx::Choice, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Starts {
    /// The clip starts it, where the host says where that is. DaVinci Resolve and Baselight do not.
    #[default]
    #[choice(label = "With the clip")]
    Clip,
    /// The frame in “Start”.
    #[choice(label = "At “Start”")]
    Stated,
}

/// The parameters of a node whose work starts somewhere.
#[derive(ofx::Params, Clone, Debug, PartialEq)]
pub struct StartParams {
    /// Where it starts. A “Start” other than 0 counts in any case.
    #[param(id = "starts", label = "Starts", default = Starts::Clip)]
    pub starts: Starts,
    /// The frame at which it starts, in the host's own numbers.
    #[param(id = "start", label = "Start", default = 0, range = -2_140_000_000..=2_140_000_000, display = 0..=100_000)]
    pub start: i32,
    /// Start at the frame where the timeline's cursor stands.
    #[param(id = "startHere", label = "Start here")]
    pub here: Button,
}

impl StartParams {
    /// The frame that the user named.
    #[must_use]
    pub fn stated(&self) -> Option<i64> {
        stated(self.starts == Starts::Stated, self.start)
    }

    /// The frame at which the work starts; none where neither the user nor the host says.
    #[must_use]
    pub fn at(&self, timeline: &Timeline) -> Option<i64> {
        self.stated().or(timeline.start())
    }

    /// Does what the button asks for, if it was pressed.
    ///
    /// # Errors
    /// When the host refuses.
    pub fn changed<E: Effect>(cx: &Changed<'_, E>) -> Result<()> {
        if cx.is(Self::HERE) { Self::start_here(cx) } else { Ok(()) }
    }

    /// Lets the work start at the current frame.
    ///
    /// # Errors
    /// When the host refuses.
    pub fn start_here<E: Effect>(cx: &Changed<'_, E>) -> Result<()> {
        set_here(cx, "Start here", (Self::STARTS, Starts::Stated), Self::START)
    }
}

/// The frame that a parameter names: where the choice beside it says so, and where it is another than its default, as projects
/// have it that know no such choice.
#[must_use]
pub fn stated(chosen: bool, frame: i32) -> Option<i64> {
    (chosen || frame != 0).then_some(frame.into())
}

/// Writes the frame where the timeline's cursor stands into a parameter, and into the choice beside it that this frame counts; one
/// step of undo.
///
/// # Errors
/// When the host refuses.
pub fn set_here<E: Effect, C: Value>(
    cx: &Changed<'_, E>,
    step: &str,
    (choice, stated): (ParamId<C>, C),
    frame: ParamId<i32>,
) -> Result<()> {
    let _step = cx.edit(step);
    cx.set(choice, stated)?;
    cx.set(frame, i32::try_from(frame_number(cx.time())).unwrap_or_default())
}

/// The place of a frame in a row of so many that starts at `start`. Where that is not known the row is repeated, so that it is
/// seen wherever the host's times lie; it then starts at a whole number of its lengths.
#[must_use]
pub fn place_in(number: i64, start: Option<i64>, count: usize) -> Option<usize> {
    let place = match start {
        Some(start) => number.checked_sub(start)?,
        None => number.rem_euclid(i64::try_from(count).ok()?.max(1)),
    };
    usize::try_from(place).ok().filter(|place| *place < count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_user_says_comes_before_what_the_host_says() {
        let clip = Timeline::of_frames((0, 9));
        let params = StartParams::default();
        assert_eq!((params.at(&clip), params.at(&Timeline::default())), (Some(0), None));
        assert_eq!(
            StartParams { start: 7, ..params.clone() }.at(&clip),
            Some(7),
            "as projects have it that say no more"
        );
        assert_eq!(StartParams { starts: Starts::Stated, ..params }.at(&Timeline::default()), Some(0));
    }

    #[test]
    fn a_row_is_repeated_where_nobody_says_where_it_starts() {
        assert_eq!([9, 10, 12, 13].map(|n| place_in(n, Some(10), 3)), [None, Some(0), Some(2), None]);
        assert_eq!([-1, 0, 6816, 6818].map(|n| place_in(n, None, 3)), [Some(2), Some(0), Some(0), Some(2)]);
    }
}

//! What a host's times mean: which of its numbers can be believed, where a clip starts, and where it ends.
//!
//! Hosts differ, also between their own pages and versions. DaVinci Resolve has been seen to render at the timeline's time
//! over a range that counts from 0, at the frame of the source's media over a range of all the media whatever the trim, and at
//! times that lie a constant from the source's; Baselight does not tell how long a clip is. So a range is believed only where
//! it agrees with the time that is rendered, and where it is not, the host is asked for the frames themselves.

use ofx::{
    RangeD,
    plugin::{Clip, Cx, Effect, HostInfo, Result},
};

/// The frames of a clip on the axis of the host's times, as far as they are known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Timeline {
    /// The first and the last frame that can be there.
    frames: Option<(i64, i64)>,
    /// The frame at which the clip starts, as it was cut.
    start: Option<i64>,
    /// The frame at which it ends.
    end: Option<i64>,
}

/// Times further from 0 than this are no times, but say that there is no end: hosts write that as the largest whole number, 2^31 or a
/// little less. Frames numbered by date and hour, such as 2026112823, are below it.
const FURTHEST: f64 = 2.14e9;

impl Timeline {
    /// This, if it agrees with a time that the host asks for: where the time lies in the range, or in what the node `makes` of
    /// it, the times that the node itself said its output has, where the clip has this range. What is made counts where it goes
    /// on from the clip's frames.
    #[must_use]
    pub fn where_it_agrees(self, time: f64, makes: impl FnOnce((i64, i64)) -> (i64, i64)) -> Self {
        let agrees = self.frames.is_none_or(|(first, last)| {
            let within = |first: i64, last: i64| (as_time(first) - 0.5..=as_time(last) + 0.5).contains(&time);
            within(first, last) || {
                let made = makes((first, last));
                let goes_on = made.0 <= last.saturating_add(1) && made.1 >= first.saturating_sub(1);
                goes_on && within(made.0, made.1)
            }
        });
        if agrees { self } else { Self::default() }
    }

    /// The timeline of a clip, where it agrees with a time that the host asks for, and nothing is made beyond the clip.
    ///
    /// # Errors
    /// When the clip belongs to another effect.
    pub fn inside<E: Effect>(cx: &Cx<'_, E>, clip: Clip, time: f64) -> Result<Self> {
        Ok(Self::told(cx, clip)?.where_it_agrees(time, |frames| frames))
    }

    /// What the host says of a clip where no time is asked for that it could be held against.
    ///
    /// # Errors
    /// When the clip belongs to another effect.
    pub fn told<E: Effect>(cx: &Cx<'_, E>, clip: Clip) -> Result<Self> {
        Ok(Self::of_range(cx.host(), cx.clip(clip)?.frame_range()))
    }

    /// The timeline of a project, for a node with no clip.
    #[must_use]
    pub fn of_project<E: Effect>(cx: &Cx<'_, E>) -> Self {
        Self::of_bounds(cx.host(), cx.timeline_bounds())
    }

    fn of_bounds(host: &HostInfo, bounds: Option<RangeD>) -> Self {
        if bounds.is_none() && !host.temporal_access {
            return Self::from_zero();
        }
        bounds.and_then(whole_frames).map(Self::of_frames).unwrap_or_default()
    }

    fn of_range(host: &HostInfo, range: Option<RangeD>) -> Self {
        if !host.temporal_access {
            return Self::from_zero();
        }
        let frames = range.and_then(whole_frames);
        let cut = frames.filter(|_| !hides_trims(host));
        Self { frames, start: cut.map(|(first, _)| first), end: cut.map(|(_, last)| last) }
    }

    /// The timeline of a clip that has these frames, and starts and ends with them.
    #[must_use]
    pub fn of_frames((first, last): (i64, i64)) -> Self {
        Self { frames: Some((first, last)), start: Some(first), end: Some(last) }
    }

    /// Where a host gives an effect the current frame alone, its time is 0 where the clip starts.
    fn from_zero() -> Self {
        Self { frames: None, start: Some(0), end: None }
    }

    /// The timeline of a clip's own file, which holds these frames: the clip starts at `start` whatever the file holds before.
    #[must_use]
    pub fn of_file(frames: (i64, i64), start: i64) -> Self {
        Self { frames: Some(frames), start: Some(start), end: Some(frames.1) }
    }

    /// The first and the last frame that the clip can have, handles beyond the cut among them; none where that is not known.
    #[must_use]
    pub fn frames(&self) -> Option<(i64, i64)> {
        self.frames
    }

    /// Where the clip starts; none where that is not known.
    #[must_use]
    pub fn start(&self) -> Option<i64> {
        self.start
    }

    /// Where the clip starts and ends; none where that is not known.
    #[must_use]
    pub fn cut(&self) -> Option<(i64, i64)> {
        self.start.zip(self.end)
    }

    /// Whether the clip can have a frame, as far as is known.
    #[must_use]
    pub fn may_have(&self, frame: i64) -> bool {
        self.frames.is_none_or(|(first, last)| (first..=last).contains(&frame))
    }

    /// The nearest frame that the clip can have.
    #[must_use]
    pub fn nearest(&self, frame: i64) -> i64 {
        self.frames.map_or(frame, |(first, last)| frame.clamp(first, last))
    }
}

/// The whole frames of a range; none where it is one without an end, or makes no sense.
fn whole_frames(range: RangeD) -> Option<(i64, i64)> {
    let sane = |time: f64| time.abs() < FURTHEST;
    let frames = (sane(range.min) && sane(range.max)).then(|| (range.min.ceil() as i64, range.max.floor() as i64));
    frames.filter(|(first, last)| first <= last)
}

/// Whether a clip's range says nothing of where the editor cut it. In DaVinci Resolve it covers the whole of the media
/// (measured in Studio 21 by the authors of gyroflow's plugin, who also found the trim visible nowhere).
#[must_use]
pub fn hides_trims(host: &HostInfo) -> bool {
    host.name.starts_with("DaVinciResolve")
}

/// A frame's time.
#[must_use]
pub fn as_time(frame: i64) -> f64 {
    frame as f64
}

/// The frame that a time falls on.
#[must_use]
pub fn frame_number(time: f64) -> i64 {
    time.round() as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(name: &str) -> HostInfo {
        HostInfo { name: name.to_owned(), temporal_access: true, ..HostInfo::default() }
    }

    #[test]
    fn a_range_that_makes_no_sense_is_none() {
        let of = |min, max| Timeline::of_range(&host("fr.inria.Natron"), Some(RangeD { min, max })).frames();
        assert_eq!(of(1.0, 24.0), Some((1, 24)));
        assert_eq!(of(0.4, 24.6), Some((1, 24)));
        for (min, max) in [
            (f64::from(i32::MIN), f64::from(i32::MAX)),
            (f64::from(i32::MIN), 24.0),
            (f64::NEG_INFINITY, f64::INFINITY),
            (f64::NAN, 3.0),
            (1.0, FURTHEST),
            (9.0, 3.0),
            (0.2, 0.8),
        ] {
            assert_eq!(of(min, max), None, "{min} to {max}");
        }
    }

    #[test]
    fn a_range_is_believed_where_the_time_lies_in_it_or_in_what_goes_on_from_it() {
        let believed = |time, made| Timeline::of_frames((0, 1999)).where_it_agrees(time, |_| made).frames().is_some();
        let nothing = (0, 1999);
        assert_eq!([0.0, 1999.4, -0.6, 6816.0].map(|time| believed(time, nothing)), [true, true, false, false]);
        assert!(believed(2010.0, (0, 2032)), "a tail");
        assert!(believed(2010.0, (2000, 2032)), "a shot that follows the clip");
        assert!(!believed(6816.0, (6816, 6848)), "a shot that the user has put elsewhere");
    }

    #[test]
    fn where_trims_are_hidden_frames_are_known_and_the_cut_is_not() {
        let range = Some(RangeD { min: 0.0, max: 999.0 });
        let resolve = Timeline::of_range(&host("DaVinciResolveLite"), range);
        assert_eq!((resolve.frames(), resolve.start(), resolve.cut()), (Some((0, 999)), None, None));
        let natron = Timeline::of_range(&host("fr.inria.Natron"), range);
        assert_eq!((natron.start(), natron.cut()), (Some(0), Some((0, 999))));
    }

    #[test]
    fn where_a_host_gives_the_current_frame_alone_its_time_is_0_where_the_clip_starts() {
        let alone = HostInfo { temporal_access: false, ..host("Shotcut") };
        let range = Some(RangeD { min: 5.0, max: 24.0 });
        for (what, timeline) in [
            ("a clip's range", Timeline::of_range(&alone, range)),
            ("no range", Timeline::of_range(&alone, None)),
            ("no project's bounds", Timeline::of_bounds(&alone, None)),
        ] {
            assert_eq!((timeline.frames(), timeline.start(), timeline.cut()), (None, Some(0), None), "{what}");
        }
    }

    #[test]
    fn a_project_starts_and_ends_where_the_host_says() {
        let bounds = Some(RangeD { min: 5.0, max: 24.0 });
        for temporal_access in [true, false] {
            let host = HostInfo { temporal_access, ..host("fr.inria.Natron") };
            let project = Timeline::of_bounds(&host, bounds);
            assert_eq!((project.frames(), project.cut()), (Some((5, 24)), Some((5, 24))));
        }
        let endless = RangeD { min: f64::from(i32::MIN), max: f64::from(i32::MAX) };
        for bounds in [None, Some(endless)] {
            assert_eq!(Timeline::of_bounds(&host("fr.inria.Natron"), bounds).start(), None);
        }
    }

    #[test]
    fn a_file_may_hold_frames_before_the_clip_starts() {
        let file = Timeline::of_file((-5, 40), 0);
        assert_eq!((file.start(), file.may_have(-5), file.may_have(41), file.nearest(99)), (Some(0), true, false, 40));
        assert!(Timeline::default().may_have(99), "where nothing is known the host is asked");
        assert_eq!(Timeline::default().nearest(-7), -7);
    }
}

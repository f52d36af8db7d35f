//! A shot: the row of known and missing frames that every job comes down to.

use crate::{Error, Frame, Result};

/// A known frame with its time.
pub type Known = (f64, Frame);

/// A row of frames in order of time, some known and some missing.
///
/// Times are in frames of the timeline and may be fractional: a retime asks between frames.
#[derive(Clone, Debug, Default)]
pub struct Shot {
    known: Vec<Known>,
    missing: Vec<f64>,
    /// What is not told by a known frame, or not by frames at all.
    format: Option<Format>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct Format {
    width: usize,
    height: usize,
    rate: f64,
}

/// Frames a second of a shot that is not told its own.
const RATE: f64 = 25.0;

impl Shot {
    /// An empty shot.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the size of the frames to be made, of which known frames tell otherwise, and how many there are a second.
    #[must_use]
    pub fn formatted(self, width: usize, height: usize, rate: f64) -> Self {
        Self { format: Some(Format { width, height, rate }), ..self }
    }

    /// Width and height: of the known frames, else as set.
    #[must_use]
    pub fn size(&self) -> Option<(usize, usize)> {
        let known = self.known.first().map(|(_, frame)| (frame.width(), frame.height()));
        known.or(self.format.map(|f| (f.width, f.height)))
    }

    /// Frames a second: as set, else 25.
    #[must_use]
    pub fn rate(&self) -> f64 {
        self.format.map_or(RATE, |f| f.rate)
    }

    /// Whether size and rate were set.
    pub(crate) fn is_formatted(&self) -> bool {
        self.format.is_some()
    }

    /// Adds a known frame.
    ///
    /// # Errors
    /// When its size or channels differ from those of the frames already there.
    pub fn known(mut self, time: f64, frame: Frame) -> Result<Self> {
        if let Some((_, first)) = self.known.first() {
            if (first.width(), first.height()) != (frame.width(), frame.height()) {
                return Err(Error::SizeChanges {
                    time,
                    found_width: frame.width(),
                    found_height: frame.height(),
                    width: first.width(),
                    height: first.height(),
                });
            }
            if first.channels() != frame.channels() {
                return Err(Error::ChannelsChange { time, found: frame.channels(), wanted: first.channels() });
            }
        }
        let at = self.known.partition_point(|(t, _)| *t < time);
        self.known.insert(at, (time, frame));
        Ok(self)
    }

    /// Adds a time whose frame is missing.
    #[must_use]
    pub fn missing(mut self, time: f64) -> Self {
        let at = self.missing.partition_point(|t| *t < time);
        self.missing.insert(at, time);
        self
    }

    /// The known frames with their times, in order.
    #[must_use]
    pub fn frames(&self) -> &[Known] {
        &self.known
    }

    /// The times to be made, in order.
    #[must_use]
    pub fn gaps(&self) -> &[f64] {
        &self.missing
    }

    /// The known frames on either side of `time`; one exactly there counts as the earlier.
    #[must_use]
    pub fn around(&self, time: f64) -> (Option<&Known>, Option<&Known>) {
        let after = self.known.partition_point(|(t, _)| *t <= time);
        (after.checked_sub(1).map(|i| &self.known[i]), self.known.get(after))
    }

    /// The known frames next to those that [`Shot::around`] gives, further out.
    #[must_use]
    pub fn beyond(&self, time: f64) -> [Option<&Known>; 2] {
        let after = self.known.partition_point(|(t, _)| *t <= time);
        [after.checked_sub(2).map(|i| &self.known[i]), self.known.get(after + 1)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Encoding;

    fn grey(width: usize, value: f32) -> Frame {
        Frame::new(width, 1, 1, Encoding::Display, vec![value; width]).unwrap()
    }

    #[test]
    fn neighbours_are_the_nearest_known_frames() {
        let shot = Shot::new().known(4.0, grey(2, 0.4)).unwrap().known(1.0, grey(2, 0.1)).unwrap().missing(2.5);
        let (before, after) = shot.around(2.5);
        assert_eq!((before.unwrap().0, after.unwrap().0), (1.0, 4.0));
        let (before, after) = shot.around(4.0);
        assert_eq!(before.unwrap().0, 4.0);
        assert!(after.is_none());
        assert!(shot.around(0.0).0.is_none());
        let shot = shot.known(9.0, grey(2, 0.9)).unwrap();
        let [before, after] = shot.beyond(2.5);
        assert!(before.is_none());
        assert_eq!(after.unwrap().0, 9.0);
    }

    #[test]
    fn a_clip_that_changes_size_is_named() {
        let error = Shot::new().known(1.0, grey(2, 0.0)).unwrap().known(7.0, grey(3, 0.0)).unwrap_err();
        assert!(error.to_string().contains("frame 7 is 3x1, but the shot is 2x1"), "{error}");
    }
}

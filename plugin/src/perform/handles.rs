//! A clip's handles: the frames that its own file goes on with where the host's clip ends or stands still. DaVinci Resolve tells
//! which file that is, and a number of the frame in it. What the number is where a clip is frozen, retimed or a sequence is not
//! known, so that nothing is believed but pictures: the file's frames must be the host's own up to the last good one.

use std::sync::Arc;

use ofx::plugin::Result;
use pickup_clips::ClipReader;

use super::{
    agreement::{apart, small},
    footage::{Footage, if_any},
};

/// How far apart the file's frames and the host's may be in the mean, of 1 for white: more would be seen where one follows the
/// other.
const SEAMLESS: f32 = 1.5 / 255.0;
/// How much more the file's next frame must differ from the host's than the last good one does, of 1 for white: else the host
/// shows that very frame, and what it shows is what is to be replaced.
const NEW: f32 = 0.2 / 255.0;
/// How many frames before the last good one another is compared: one alone may look like a neighbour.
const BEFORE: i64 = 4;

/// The frames to compare about the last good one.
pub fn compared(last: i64) -> std::ops::RangeInclusive<i64> {
    last - BEFORE..=last + 1
}

/// Frames of a file that follow a clip's last good one.
pub(super) struct Handles {
    pub(super) reader: Arc<ClipReader>,
    /// What a frame's number in the file is more than its time.
    pub(super) offset: i64,
    /// The last good frame.
    pub(super) after: i64,
}

impl Handles {
    /// A frame's number in the file; none where it is none of these.
    pub(super) fn number(&self, frame: i64) -> Option<i64> {
        let number = frame + self.offset;
        (frame > self.after && number <= self.reader.info().last()).then_some(number)
    }
}

/// The numbers in a file that may be the last good frame's, where `said` is what the host says of the frame `now`: it counts on, or
/// stands still; from the file's first frame or as the file's names do.
fn candidates(said: i64, later: i64, first: i64) -> [i64; 4] {
    [said - later, said - later + first, said, said + first]
}

/// Whether a file's frames are the host's up to the last good one and go on otherwise. Both give small copies of frames by their
/// distance from it; none where they have none.
///
/// # Errors
/// When the user stopped the work.
fn go_on(
    mut host: impl FnMut(i64) -> Result<Option<Vec<f32>>>,
    mut file: impl FnMut(i64) -> Result<Option<Vec<f32>>>,
) -> Result<bool> {
    let (Some(good), Some(same), Some(next)) = (host(0)?, file(0)?, file(1)?) else { return Ok(false) };
    let off = apart(&good, &same);
    // What does not move tells nothing of which frame it is.
    if off > SEAMLESS || apart(&good, &next) <= off + NEW {
        return Ok(false);
    }
    for neighbour in [-BEFORE, -1] {
        let (shown, kept) = (host(neighbour)?, file(neighbour)?);
        if let (Some(shown), Some(kept)) = (shown, &kept)
            && apart(&shown, kept) > SEAMLESS
        {
            return Ok(false);
        }
        if kept.is_some_and(|kept| apart(&good, &kept) < off) {
            return Ok(false);
        }
    }
    Ok(host(1)?.is_none_or(|shown| apart(&shown, &next) > off + NEW))
}

impl Footage<'_> {
    /// How many frames `file` has after the last good one that the host does not show. They are the clip's from then on. `said` is
    /// what the host says is the number in the file of the frame `now`.
    ///
    /// # Errors
    /// When the user stopped the work.
    pub fn take_handles(&self, reader: Arc<ClipReader>, (now, said): (i64, i64), last: i64) -> Result<i64> {
        let file_last = reader.info().last();
        let first = reader.info().first();
        for number in candidates(said, now - last, first) {
            let fits = go_on(
                |away| if_any(self.small_of_host(last + away)).map(Option::flatten),
                |away| if_any(self.small_of_file(&reader, number + away)).map(Option::flatten),
            )?;
            if fits {
                self.go_on_with(Handles { reader, offset: number - last, after: last });
                return Ok(file_last - number);
            }
        }
        Ok(0)
    }

    fn small_of_host(&self, frame: i64) -> Result<Option<Vec<f32>>> {
        self.of_host(frame)?.map(|frame| small(&frame)).transpose()
    }

    fn small_of_file(&self, reader: &ClipReader, number: i64) -> Result<Option<Vec<f32>>> {
        self.of_file_at(reader, number)?.map(|frame| small(&frame)).transpose()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A wave that moves on.
    fn frame(at: i64) -> Vec<f32> {
        (0..200).map(|i| (((i + 7 * at) as f32) * 0.13).sin() * 0.3 + 0.5).collect()
    }

    /// Whether a file that has frames up to 30 goes on after the host's frame 10, which is frozen then, if its frame `at` is taken
    /// for that.
    fn at(at: i64, shows: impl Fn(i64) -> i64) -> bool {
        go_on(|away| Ok(Some(frame(shows(10 + away)))), |away| Ok((at + away <= 30).then(|| frame(at + away)))).unwrap()
    }

    #[test]
    fn a_file_goes_on_where_the_host_stands_still() {
        let frozen = |time: i64| time.min(10);
        assert!(at(10, frozen));
        assert!([8, 9, 11, 12].iter().all(|other| !at(*other, frozen)), "no other frame of it");
        let faster = |time: i64| 10 + 2 * (time.min(10) - 10);
        assert!(!at(10, faster), "nor one that was retimed");
    }

    #[test]
    fn what_the_host_shows_itself_is_no_handle() {
        assert!(!at(10, |time| time), "the clip goes on");
        assert!(!go_on(|_| Ok(Some(frame(3))), |_| Ok(Some(frame(3)))).unwrap(), "a still");
        let frozen_in_the_file = |away: i64| Ok(Some(frame((10 + away).min(10))));
        assert!(!go_on(frozen_in_the_file, frozen_in_the_file).unwrap());
        assert!(!at(30, |time| time.min(10) + 20), "the file has no more");
    }

    #[test]
    fn a_host_counts_in_its_own_way() {
        assert!(
            [(1005, 5), (1000, 5), (5, 5), (0, 5)]
                .iter()
                .all(|(said, later)| candidates(*said, *later, 1000).contains(&1000))
        );
    }
}

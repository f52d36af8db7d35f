//! Cycles of exact repeats, by which a clip of one rate is shown at another: 50 on 60 frames a second is five pictures and one
//! repeat in six, 23.976 on 59.94 two and three of each in turn. Neither range nor rate tells of it: the frames do.

use ofx::plugin::Result;

/// Frames to each side that a cycle is told from: twice the longest, six.
pub const REACH: i64 = 6;
const LONGEST: usize = 6;

/// The pictures of a clip in a regular cycle: when each truly stands, on the axis of the frames, and the frame that shows it
/// first.
#[derive(Clone, Debug, PartialEq)]
pub struct Cadence {
    pictures: Vec<(f64, i64)>,
}

/// What truly stands at a frame of a cycle.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Stands {
    /// A picture, which this frame shows first.
    Picture(i64),
    /// Nothing that was taken: a time between two pictures, the first of them at this place in [`Cadence::pictures`].
    Between(usize),
}

impl Cadence {
    /// The cycle about a frame, where there is a regular one. `name` gives the same for frames that are the same bit for bit, and
    /// none where one is not there. A row that repeats irregularly, a still, and a clip without repeats have no cycle.
    ///
    /// # Errors
    /// Those of `name`.
    pub fn around<T: PartialEq>(now: i64, name: impl Fn(i64) -> Result<Option<T>>) -> Result<Option<Self>> {
        let names = (now - REACH..=now + REACH).map(name).collect::<Result<Vec<_>>>()?;
        // Whether each frame but the first is the one before it once more.
        let repeats = |pair: &[Option<T>]| pair[0].as_ref().zip(pair[1].as_ref()).map(|(before, this)| before == this);
        let told: Vec<Option<bool>> = names.windows(2).map(repeats).collect();
        // What is told in one row up to `now` and from there on.
        let here = told.len() / 2 - 1;
        let before = told[..=here].iter().rev().take_while(|t| t.is_some()).count();
        let after = told[here + 1..].iter().take_while(|t| t.is_some()).count();
        if before == 0 {
            return Ok(None);
        }
        let first = now - before as i64 + 1;
        let row: Vec<bool> = told[here + 1 - before..here + 1 + after].iter().flatten().copied().collect();
        Ok(Self::of(first, &row))
    }

    /// The cycle of a row of frames from `first` on, each of which is the one before it once more or not.
    fn of(first: i64, row: &[bool]) -> Option<Self> {
        let regular =
            |period: &usize| row.len() >= 2 * period && (*period..row.len()).all(|i| row[i] == row[i - period]);
        let period = (2..=LONGEST).find(regular)?;
        let new = row[..period].iter().filter(|repeat| !**repeat).count();
        if new == 0 || new == period {
            return None;
        }
        // Each frame shows the latest picture of its time, so a picture is first seen at its time or less than a frame later.
        let rate = period as f64 / new as f64;
        let starts: Vec<i64> = (first..).zip(row).filter(|(_, repeat)| !**repeat).map(|(frame, _)| frame).collect();
        let late = |(i, start): (usize, &i64)| *start as f64 - rate * i as f64;
        let offset = starts.iter().enumerate().map(late).fold(f64::INFINITY, f64::min);
        let pictures = starts.iter().enumerate().map(|(i, start)| (offset + rate * i as f64, *start)).collect();
        Some(Self { pictures })
    }

    /// When each picture truly stands, and the frame that shows it first.
    #[must_use]
    pub fn pictures(&self) -> &[(f64, i64)] {
        &self.pictures
    }

    /// What truly stands at a time; none beyond the pictures that are known.
    #[must_use]
    pub fn at(&self, time: f64) -> Option<Stands> {
        let after = self.pictures.iter().position(|(stands, _)| *stands > time + 1e-6)?;
        let before = after.checked_sub(1)?;
        let (stands, frame) = self.pictures[before];
        Some(if (stands - time).abs() < 1e-6 { Stands::Picture(frame) } else { Stands::Between(before) })
    }
}

/// Fewest repeats in a whole clip that are a cycle if they are evenly spaced.
const FEWEST: usize = 3;

/// Frames from one repeat to the next, where a clip's repeats, in order, are evenly spaced: as those of 24 frames a second on a
/// timeline of 25, too far apart for [`Cadence::around`] to see two of them. None where they are not, or are too few to tell.
#[must_use]
pub fn spacing(repeats: &[i64]) -> Option<f64> {
    let gaps = || repeats.windows(2).map(|pair| pair[1] - pair[0]);
    let (least, most) = (gaps().min()?, gaps().max()?);
    // A rate that does not divide the other gives two spacings in turn.
    let even = repeats.len() >= FEWEST && most - least <= 1 && least > LONGEST as i64;
    even.then(|| (repeats[repeats.len() - 1] - repeats[0]) as f64 / (repeats.len() - 1) as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeats_far_apart_are_a_cycle_where_they_are_evenly_spaced() {
        assert_eq!(spacing(&[25, 50, 75, 100]), Some(25.0), "24 on 25");
        assert_eq!(spacing(&[24, 48, 73, 97]), Some(73.0 / 3.0), "23.976 on 25");
        assert_eq!(spacing(&[25, 50]), None, "two may be chance");
        assert_eq!(spacing(&[25, 50, 77]), None);
        assert_eq!(spacing(&[25, 26, 27]), None, "a freeze");
        assert_eq!(spacing(&[]), None);
    }

    /// Which source picture each frame shows, at `rate` frames for a picture.
    fn shown(frame: i64, rate: f64) -> i64 {
        (frame as f64 / rate + 1e-9).floor() as i64
    }

    fn around(now: i64, rate: f64) -> Option<Cadence> {
        Cadence::around(now, |f| Ok(Some(shown(f, rate)))).unwrap()
    }

    #[test]
    fn a_clip_on_a_faster_timeline_is_told_with_its_true_times() {
        for rate in [1.2, 2.5, 1.25, 2.0, 3.0] {
            for now in 100..112 {
                let cadence = around(now, rate).unwrap_or_else(|| panic!("{rate} at {now}"));
                for (time, frame) in cadence.pictures() {
                    let picture = shown(*frame, rate) as f64;
                    assert!((time - picture * rate).abs() < 1e-6, "{rate}: {time} should be {}", picture * rate);
                }
                match cadence.at(now as f64).expect("inside") {
                    Stands::Picture(frame) => assert_eq!((frame, (now as f64 / rate).fract()), (now, 0.0), "{rate}"),
                    Stands::Between(before) => {
                        assert_eq!(shown(cadence.pictures()[before].1, rate), shown(now, rate));
                    }
                }
            }
        }
    }

    #[test]
    fn nothing_is_assumed_where_there_is_no_cycle() {
        let around = |name: fn(i64) -> Option<i64>| Cadence::around(100, |f| Ok(name(f))).unwrap();
        assert_eq!(around(Some), None, "every frame is new");
        assert_eq!(around(|_| Some(1)), None, "a still");
        assert_eq!(around(|f| Some(f - i64::from(f == 98))), None, "one repeat");
        assert_eq!(around(|f| Some(f - i64::from([95, 97, 103].contains(&f)))), None, "an irregular row");
        assert_eq!(around(|f| (f < 100).then_some(f / 2)), None, "the frame is not there");
        assert!(around(|f| (f <= 101).then_some(f / 2)).is_some(), "eight frames tell of a cycle of two");
    }
}

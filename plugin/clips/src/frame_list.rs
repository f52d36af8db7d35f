//! Lists of frames as an editor writes them: `101-104, 120, 10-20x2`.
//!
//! Parts stand between commas (semicolons and line breaks will do). A part is a frame, `12` or `-3`; a range
//! with both ends, `101-104` or `-3--1`; or a range with a step, `10-20x2`, which names 10, 12, … 20.
//! Order and repetition mean nothing.

use std::fmt;
use std::ops::RangeInclusive;
use std::str::FromStr;

/// The largest frame number, and with a minus sign the smallest, that a list can name.
pub const MAX_FRAME: i64 = i32::MAX as i64;

/// The most frames that the stepped ranges of one list can name together: each such frame stands alone in memory.
pub const MAX_STEPPED: u64 = 1_000_000;

/// A set of frame numbers, kept as ranges: a billion frames in a row cost no more than one.
///
/// ```
/// use pickup_clips::frame_list::FrameList;
/// let list = FrameList::parse("120, 101-104, 103").unwrap();
/// assert!(list.contains(102) && !list.contains(105));
/// assert_eq!(list.to_string(), "101-104, 120");
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct FrameList {
    // Sorted, apart by at least one absent frame: so the same frames always compare and hash alike.
    runs: Vec<(i64, i64)>,
}

/// Why a list of frames makes no sense.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("frame list: “{part}” (character {at}) {reason}")]
pub struct FrameListError {
    /// The part that is wrong, as written.
    pub part: String,
    /// Where the part starts, counted in characters from 1.
    pub at: usize,
    /// What is wrong with it, and what to write instead.
    pub reason: String,
}

impl FrameList {
    /// Reads a list such as `101-104, 120`. Nothing at all is an empty list.
    pub fn parse(text: &str) -> Result<Self, FrameListError> {
        let mut runs = Vec::new();
        let mut stepped = 0;
        let parts: Vec<&str> = text.split([',', ';', '\n']).collect();
        let mut at = 1;
        for (i, part) in parts.iter().enumerate() {
            let trimmed = part.trim();
            let start = at + part.chars().take_while(|c| c.is_whitespace()).count();
            at += part.chars().count() + 1;
            if trimmed.is_empty() {
                // A line break after a comma, or a comma at the end, is how people write lists.
                let last = i + 1 == parts.len();
                if last || part.contains('\r') || text.contains('\n') {
                    continue;
                }
                return Err(FrameListError {
                    part: ",".into(),
                    at: start,
                    reason: "has no frame before it: remove the comma, or write the frame".into(),
                });
            }
            parse_part(trimmed, &mut runs, &mut stepped).map_err(|reason| FrameListError {
                part: trimmed.into(),
                at: start,
                reason,
            })?;
        }
        Ok(Self::from_runs(runs))
    }

    /// The frames from `first` to `last`; none if `last` is smaller.
    pub fn range(first: i64, last: i64) -> Self {
        Self { runs: if first <= last { vec![(first, last)] } else { Vec::new() } }
    }

    fn from_runs(mut runs: Vec<(i64, i64)>) -> Self {
        runs.sort_unstable();
        let mut merged: Vec<(i64, i64)> = Vec::with_capacity(runs.len());
        for (first, last) in runs {
            match merged.last_mut() {
                Some(previous) if first <= previous.1.saturating_add(1) => previous.1 = previous.1.max(last),
                _ => merged.push((first, last)),
            }
        }
        Self { runs: merged }
    }

    /// True if the list names this frame.
    pub fn contains(&self, frame: i64) -> bool {
        let after = self.runs.partition_point(|run| run.0 <= frame);
        after > 0 && frame <= self.runs[after - 1].1
    }

    /// True if the list names no frame.
    pub fn is_empty(&self) -> bool {
        self.runs.is_empty()
    }

    /// How many frames the list names.
    pub fn len(&self) -> u64 {
        self.runs.iter().map(|run| run.1.abs_diff(run.0).saturating_add(1)).fold(0, u64::saturating_add)
    }

    /// The smallest frame.
    pub fn first(&self) -> Option<i64> {
        self.runs.first().map(|run| run.0)
    }

    /// The largest frame.
    pub fn last(&self) -> Option<i64> {
        self.runs.last().map(|run| run.1)
    }

    /// The frames one by one, rising. Nothing is allocated, however many they are.
    pub fn iter(&self) -> impl Iterator<Item = i64> + '_ {
        self.runs.iter().flat_map(|run| run.0..=run.1)
    }

    /// The frames as ranges, rising, with at least one absent frame between two of them.
    pub fn ranges(&self) -> impl ExactSizeIterator<Item = RangeInclusive<i64>> + '_ {
        self.runs.iter().map(|run| run.0..=run.1)
    }

    /// The range around `frame`, if the list names it: the whole gap that a missing frame belongs to.
    pub fn range_around(&self, frame: i64) -> Option<RangeInclusive<i64>> {
        let after = self.runs.partition_point(|run| run.0 <= frame);
        let run = *self.runs[..after].last()?;
        (frame <= run.1).then_some(run.0..=run.1)
    }

    /// The frames of the list that lie in the range.
    pub fn within(&self, range: RangeInclusive<i64>) -> Self {
        let clip = |run: &(i64, i64)| (run.0.max(*range.start()), run.1.min(*range.end()));
        Self { runs: self.runs.iter().map(clip).filter(|run| run.0 <= run.1).collect() }
    }

    /// The frames of the range that the list does not name.
    pub fn absent_from(&self, range: RangeInclusive<i64>) -> Self {
        let mut runs = Vec::new();
        let mut next = *range.start();
        for (first, last) in self.within(range.clone()).runs {
            if next < first {
                runs.push((next, first - 1));
            }
            next = last.saturating_add(1);
            if last == i64::MAX {
                return Self { runs };
            }
        }
        if next <= *range.end() {
            runs.push((next, *range.end()));
        }
        Self { runs }
    }

    /// The frames of either list.
    pub fn union(&self, other: &Self) -> Self {
        Self::from_runs(self.runs.iter().chain(&other.runs).copied().collect())
    }
}

fn parse_part(part: &str, runs: &mut Vec<(i64, i64)>, stepped: &mut u64) -> Result<(), String> {
    // Dashes that word processors put in place of the one on the keyboard.
    let plain: String = part.chars().map(|c| if matches!(c, '–' | '—' | '−') { '-' } else { c }).collect();
    if plain.split_whitespace().count() > 1 && plain.split_whitespace().all(|word| number(word).is_ok()) {
        return Err("is two frames: put a comma between them".into());
    }
    let (span, step) = match plain.split_once(['x', 'X']) {
        Some((span, step)) => (span.trim(), Some(step.trim())),
        None => (plain.as_str(), None),
    };
    // The dash of a range follows a digit; any other is a minus sign.
    let dash = span
        .char_indices()
        .find(|&(i, c)| c == '-' && span[..i].trim_end().ends_with(|c: char| c.is_ascii_digit()))
        .map(|(i, _)| i);
    let Some(dash) = dash else {
        if step.is_some() {
            return Err("has a step but no range: write it as 10-20x2".into());
        }
        let frame = number(span)?;
        runs.push((frame, frame));
        return Ok(());
    };
    let (first, last) = (number(span[..dash].trim())?, number(span[dash + 1..].trim())?);
    if first > last {
        return Err(format!("runs backwards: write {last}-{first}"));
    }
    let Some(step) = step else {
        runs.push((first, last));
        return Ok(());
    };
    let step = match number(step)? {
        1 => {
            runs.push((first, last));
            return Ok(());
        }
        step if step > 1 => step,
        step => return Err(format!("has a step of {step}: a step is 1 or more")),
    };
    *stepped += first.abs_diff(last) / step.unsigned_abs() + 1;
    if *stepped > MAX_STEPPED {
        return Err(format!("names too many frames: ranges with a step can name {MAX_STEPPED} in all"));
    }
    runs.extend((first..=last).step_by(step as usize).map(|frame| (frame, frame)));
    Ok(())
}

fn number(text: &str) -> Result<i64, String> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    if digits.is_empty() {
        return Err("lacks a frame number: write a range with both ends, such as 101-104".into());
    }
    if !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Err("is not a frame or a range: write them as 120, 101-104 or 10-20x2".into());
    }
    match text.parse::<i64>() {
        Ok(n) if n.abs() <= MAX_FRAME => Ok(n),
        _ => Err(format!("is too large a number: frames go from -{MAX_FRAME} to {MAX_FRAME}")),
    }
}

impl FromStr for FrameList {
    type Err = FrameListError;

    fn from_str(text: &str) -> Result<Self, FrameListError> {
        Self::parse(text)
    }
}

impl FromIterator<i64> for FrameList {
    fn from_iter<I: IntoIterator<Item = i64>>(frames: I) -> Self {
        let mut runs: Vec<(i64, i64)> = Vec::new();
        for frame in frames {
            match runs.last_mut() {
                // Frames mostly come in rising order: growing the last run keeps memory small.
                Some(run) if run.1.checked_add(1) == Some(frame) => run.1 = frame,
                _ => runs.push((frame, frame)),
            }
        }
        Self::from_runs(runs)
    }
}

/// Sorted, overlaps merged; four or more single frames at equal distances are written as a range with a step.
impl fmt::Display for FrameList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = self.runs.as_slice();
        let mut comma = "";
        while let Some(&(first, last)) = rest.first() {
            let singles = rest.iter().take_while(|run| run.0 == run.1).count();
            let step = if singles >= 2 { rest[1].0 - first } else { 0 };
            let even = (1..singles).take_while(|&i| rest[i].0 - rest[i - 1].0 == step).count() + 1;
            let taken = if even >= 4 { even } else { 1 };
            match taken {
                1 if first == last => write!(f, "{comma}{first}")?,
                1 => write!(f, "{comma}{first}-{last}")?,
                _ => write!(f, "{comma}{first}-{}x{step}", rest[taken - 1].0)?,
            }
            rest = &rest[taken..];
            comma = ", ";
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frames(text: &str) -> Vec<i64> {
        FrameList::parse(text).unwrap().iter().collect()
    }

    #[test]
    fn frames_ranges_and_steps_are_read() {
        assert_eq!(frames("101-104, 120, 5"), [5, 101, 102, 103, 104, 120]);
        assert_eq!(frames("10-20x2"), [10, 12, 14, 16, 18, 20]);
        assert_eq!(frames("10-15X2"), [10, 12, 14]);
        assert_eq!(frames("3-5x1"), [3, 4, 5]);
        assert_eq!(frames("-3--1"), [-3, -2, -1]);
        assert_eq!(frames("-1-1"), [-1, 0, 1]);
        assert_eq!(frames(" 7 - 9 ;12\n13"), [7, 8, 9, 12, 13]);
        assert_eq!(frames("101–103"), [101, 102, 103]);
        assert_eq!(frames("1,2,\r\n4,\n"), [1, 2, 4]);
        assert_eq!(frames("1,"), [1]);
        assert!(frames("  ").is_empty());
    }

    #[test]
    fn display_sorts_and_merges() {
        for (written, canonical) in [
            ("120, 101-104", "101-104, 120"),
            ("5, 4, 3, 3", "3-5"),
            ("1-5, 3-9, 10", "1-10"),
            ("10-20x2", "10-20x2"),
            ("1, 3, 5", "1, 3, 5"),
            ("1-9x2, 2-10x2", "1-10"),
            ("-3--1, 0", "-3-0"),
            ("-5, -3", "-5, -3"),
            ("1-3, 5, 7, 9, 11, 20", "1-3, 5-11x2, 20"),
            ("", ""),
        ] {
            assert_eq!(FrameList::parse(written).unwrap().to_string(), canonical, "{written}");
        }
    }

    #[test]
    fn what_is_displayed_reads_back_the_same() {
        let mut state = 7_u64;
        for _ in 0..500 {
            let list: FrameList = (0..20)
                .map(|_| {
                    state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                    (state >> 33) as i64 % 41 - 20
                })
                .collect();
            assert_eq!(FrameList::parse(&list.to_string()).unwrap(), list, "{list}");
            assert_eq!(list.iter().count() as u64, list.len());
        }
    }

    #[test]
    fn the_same_frames_compare_equal_however_written() {
        let one = FrameList::parse("1-9x2, 2, 4, 6, 8").unwrap();
        assert_eq!(one, FrameList::parse("1-9").unwrap());
        assert_eq!(one, (1..=9).rev().collect());
    }

    #[test]
    fn errors_point_at_the_offending_part() {
        for (text, part, at, word) in [
            ("101-104, twelve", "twelve", 10, "not a frame"),
            ("5, 20-10", "20-10", 4, "write 10-20"),
            ("1, 10-", "10-", 4, "both ends"),
            ("-", "-", 1, "lacks"),
            ("1-2-3", "1-2-3", 1, "not a frame"),
            ("7, 10x2", "10x2", 4, "no range"),
            ("10-20x0", "10-20x0", 1, "step of 0"),
            ("10-20x-2", "10-20x-2", 1, "step of -2"),
            ("10-20x", "10-20x", 1, "lacks"),
            ("1,,2", ",", 3, "remove the comma"),
            ("101 102", "101 102", 1, "comma between"),
            ("1.5", "1.5", 1, "not a frame"),
            ("99999999999999999999", "99999999999999999999", 1, "too large"),
            ("3000000000", "3000000000", 1, "too large"),
            ("é, ü", "é", 1, "not a frame"),
            ("1-2000000000x2", "1-2000000000x2", 1, "too many"),
        ] {
            let error = FrameList::parse(text).unwrap_err();
            assert_eq!((error.part.as_str(), error.at), (part, at), "{text}");
            assert!(error.to_string().contains(word), "{text}: {error}");
        }
    }

    #[test]
    fn a_huge_range_costs_one_entry() {
        let list = FrameList::parse("-2000000000-2000000000").unwrap();
        assert_eq!(list.ranges().len(), 1);
        assert_eq!(list.len(), 4_000_000_001);
        assert!(list.contains(1_999_999_999));
        assert_eq!(list.iter().take(2).collect::<Vec<_>>(), [-2_000_000_000, -1_999_999_999]);
    }

    #[test]
    fn lists_are_cut_joined_and_complemented() {
        let list = FrameList::parse("1-5, 10, 20-30").unwrap();
        assert_eq!(list.within(4..=22).to_string(), "4-5, 10, 20-22");
        assert_eq!(list.absent_from(0..=12).to_string(), "0, 6-9, 11-12");
        assert_eq!(list.union(&FrameList::range(6, 9)).to_string(), "1-10, 20-30");
        assert_eq!(list.range_around(3), Some(1..=5));
        assert_eq!(list.range_around(6), None);
        assert_eq!((list.first(), list.last()), (Some(1), Some(30)));
        assert!(FrameList::range(2, 1).is_empty());
    }

    #[test]
    fn a_list_of_one_frame_or_of_none() {
        let one: FrameList = "5-5".parse().unwrap();
        assert_eq!((one.to_string(), one.len(), one.is_empty()), ("5".into(), 1, false));
        assert!(!one.contains(4) && one.contains(5) && !one.contains(6));
        assert!(FrameList::default().is_empty() && !FrameList::default().contains(5));
        assert!("5-4".parse::<FrameList>().is_err());
    }

    #[test]
    fn ranges_with_a_step_name_so_many_frames_in_all_and_no_more() {
        // Every third of 3 * MAX frames, and of three more.
        let most = MAX_STEPPED.cast_signed();
        assert_eq!(FrameList::parse(&format!("1-{}x3", 3 * most)).unwrap().len(), MAX_STEPPED);
        assert!(FrameList::parse(&format!("1-{}x3", 3 * most + 1)).is_err());
        let in_two = format!("1-{}x2, 10000001-10000003x2", 2 * (most - 2));
        assert_eq!(FrameList::parse(&in_two).unwrap().len(), MAX_STEPPED);
        assert!(FrameList::parse(&format!("{in_two}, 20000001-20000002x2")).is_err());
    }

    #[test]
    fn the_ends_of_the_number_line_do_not_overflow() {
        let list: FrameList = [i64::MIN, i64::MAX].into_iter().collect();
        assert!(list.contains(i64::MAX) && !list.contains(0));
        assert_eq!(list.absent_from(i64::MAX - 1..=i64::MAX).iter().collect::<Vec<_>>(), [i64::MAX - 1]);
        assert_eq!(FrameList::range(i64::MIN, i64::MAX).len(), u64::MAX);
    }
}

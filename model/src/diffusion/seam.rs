//! The colours and the detail of what is made, brought to those of what it joins.
//!
//! The model makes the known frames it was told of once more. How their colours differ from the true ones is how the
//! colours of the frames between them will jump where they meet the originals; what undoes the one undoes the other. So it
//! is with detail, which goes with what it is on. And for a few frames what is made takes over from the known frames' own
//! motion, which is nearest to the truth at first.

use crate::{
    Frame, Quality, Result, Watch,
    motion::{Beyond, Course, MotionFiller, MotionOnward},
};

/// A gain and an offset for each colour, display-referred.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Match {
    gain: [f32; 3],
    offset: [f32; 3],
}

/// A gain beyond these is no match but a different picture.
const GAINS: (f32, f32) = (0.8, 1.25);

/// The colours of RGB, one at a time.
fn channel(frame: &Frame, c: usize) -> impl Iterator<Item = f32> + '_ {
    frame.pixels().iter().skip(c).step_by(frame.channels()).copied()
}

fn moments(frame: &Frame, c: usize) -> (f32, f32) {
    let count = (frame.width() * frame.height()) as f64;
    let mean = channel(frame, c).map(f64::from).sum::<f64>() / count;
    let variance = channel(frame, c).map(|v| (f64::from(v) - mean).powi(2)).sum::<f64>() / count;
    (mean as f32, variance.sqrt() as f32)
}

impl Match {
    /// What brings the mean and deviation of each colour of `made` to those of `known`, both RGB of one size.
    pub(super) fn of(made: &Frame, known: &Frame) -> Self {
        let mut out = Self { gain: [1.0; 3], offset: [0.0; 3] };
        for c in 0..3 {
            let ((from, spread), (to, wanted)) = (moments(made, c), moments(known, c));
            let gain = if spread > 1e-3 { (wanted / spread).clamp(GAINS.0, GAINS.1) } else { 1.0 };
            (out.gain[c], out.offset[c]) = (gain, to - gain * from);
        }
        out
    }

    /// A share of another.
    pub(super) fn mixed(self, other: Self, share: f32) -> Self {
        let mix = |a: [f32; 3], b: [f32; 3]| std::array::from_fn(|c| a[c] + (b[c] - a[c]) * share);
        Self { gain: mix(self.gain, other.gain), offset: mix(self.offset, other.offset) }
    }

    /// The frame, RGB, with its colours matched.
    pub(super) fn apply(self, frame: &Frame) -> Result<Frame> {
        let pixels = frame.pixels().iter().enumerate();
        let pixels = pixels.map(|(i, v)| (self.gain[i % 3] * v + self.offset[i % 3]).clamp(0.0, 1.0)).collect();
        Frame::new(frame.width(), frame.height(), 3, frame.encoding(), pixels)
    }
}

/// What a frame, made once more, lacks of the true one.
pub(super) struct Detail {
    made: Frame,
    lack: Frame,
}

/// The difference of two made pictures, display-referred, at which they show half as much of the same.
const SAME: f32 = 0.03;
/// How far around a pixel is looked: what moves there may move here.
const AROUND: usize = 2;
/// Frames over which detail fades where it cannot be followed: a short dissolve, where there would be a jump.
const DISSOLVE: f32 = 6.0;

impl Detail {
    /// Of frames of RGB of one size, the made one with its colours matched.
    ///
    /// # Errors
    /// When their sizes differ.
    pub(super) fn of(made: Frame, known: &Frame) -> Result<Self> {
        let lack = known.pixels().iter().zip(made.pixels()).map(|(known, made)| known - made).collect();
        let lack = Frame::new(made.width(), made.height(), 3, made.encoding(), lack)?;
        Ok(Self { made, lack })
    }

    /// What it is where what the frame shows has gone; where that is not sure, it stays.
    ///
    /// # Errors
    /// When the course is not one of such frames.
    fn carried(&self, course: &Course) -> Result<Self> {
        let followed = |own: &Frame| -> Result<Frame> {
            let (moved, sure) = course.apply(own)?;
            let pixels = own.pixels().iter().zip(moved.pixels()).enumerate();
            let pixels = pixels.map(|(i, (own, moved))| own + sure.pixels()[i / 3].sqrt() * (moved - own)).collect();
            Frame::new(own.width(), own.height(), 3, own.encoding(), pixels)
        };
        Ok(Self { made: followed(&self.made)?, lack: followed(&self.lack)? })
    }

    /// Adds a share of it to the pixels of a made frame so many frames from the known one: where that still shows what was
    /// made beside the known frame, and a little elsewhere.
    pub(super) fn add(&self, pixels: &mut [f32], share: f32, away: usize) {
        let (width, height) = (self.made.width(), self.made.height());
        let apart: Vec<f32> = pixels
            .chunks_exact(3)
            .zip(self.made.pixels().chunks_exact(3))
            .map(|(a, b)| a.iter().zip(b).map(|(a, b)| (a - b).abs()).sum::<f32>() / 3.0)
            .collect();
        let least = (1.0 - away as f32 / DISSOLVE).max(0.0);
        let same = apart_around(&apart, width, height).into_iter();
        let same = same.map(|apart| (-(apart / SAME).powi(2)).exp2().max(least));
        for ((pixel, lack), same) in pixels.chunks_exact_mut(3).zip(self.lack.pixels().chunks_exact(3)).zip(same) {
            pixel.iter_mut().zip(lack).for_each(|(v, lack)| *v = (*v + share * same * lack).clamp(0.0, 1.0));
        }
    }
}

/// What is nearest to a frame before and after it in a row, and how far it is from the one to the other.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Between<T> {
    /// The nearest before it, or at its place, with the frames to there.
    pub before: Option<(T, usize)>,
    /// The nearest after it, with the frames to there.
    pub after: Option<(T, usize)>,
    /// The share of the one after it in a mixture: 0 where there is none, 1 where there is none before.
    pub share: f32,
}

impl<T: Copy> Between<T> {
    /// What is nearest to a place in a row of things at theirs; none where there is nothing on either side.
    #[must_use]
    pub fn of(row: impl IntoIterator<Item = (i64, T)>, place: i64) -> Option<Self> {
        let (mut before, mut after) = (None, None);
        for (at, thing) in row {
            let away = place.abs_diff(at) as usize;
            let side = if at <= place { &mut before } else { &mut after };
            if side.is_none_or(|(_, nearest)| away < nearest) {
                *side = Some((thing, away));
            }
        }
        let share = match (before, after) {
            (Some((_, a)), Some((_, b))) => a as f32 / (a + b) as f32,
            (before, _) => f32::from(u8::from(before.is_none())),
        };
        (before.is_some() || after.is_some()).then_some(Self { before, after, share })
    }

    /// Each side that there is, with its share in a mixture and the frames to it.
    pub fn sides(self) -> impl Iterator<Item = (T, f32, usize)> {
        let sides = [(self.before, 1.0 - self.share), (self.after, self.share)];
        sides.into_iter().filter_map(|(side, share)| side.map(|(thing, away)| (thing, share, away)))
    }
}

/// A known frame beside a gap, which leads over to what is made there.
pub struct Lead {
    /// Its likeness at the size that frames are made in: what moves is followed from there.
    followed: Frame,
    detail: Detail,
    known: Frame,
    beside: Option<Frame>,
    /// Whether it leads over by the known frames' own motion, or was led over to before, at a smaller size, and only detail is
    /// to be added.
    detail_alone: bool,
}

/// Frames from a known one within which its detail is followed.
const FOLLOWED: usize = 48;
/// Frames over which what is made takes over from the known frames' own motion. On 27 drawn clips the next four frames are at
/// 30.0 dB by 6, at 29.9 by 10, and at 27.3 by none.
const ONWARD: usize = 6;

impl Lead {
    /// Of a known frame, display-referred RGB of any size; of what is shown in its place, of the same size: what it lacks is its
    /// detail; of its likeness at the size that frames are made in, in their colours; and of the known frame further from the
    /// gap, which tells how everything moves there.
    ///
    /// # Errors
    /// When the first two differ in size.
    pub fn new(known: Frame, likeness: Frame, followed: Frame, beside: Option<Frame>) -> Result<Self> {
        Ok(Self { followed, detail: Detail::of(likeness, &known)?, known, beside, detail_alone: false })
    }

    /// The same for frames that were led over to before, at a smaller size: it adds what they lack of detail at this one.
    #[must_use]
    pub fn detail_alone(self) -> Self {
        Self { detail_alone: true, ..self }
    }

    /// Lays a share of its detail over a frame of its size, so many frames from it, where that stands still; and over the first
    /// few, a little everywhere.
    pub(super) fn stay(&self, pixels: &mut [f32], share: f32, away: usize) {
        self.detail.add(pixels, share, away);
    }

    /// Lays a share of its detail over a frame of its size, so many frames from it, where what it is on has gone by the video that
    /// was `made`, in the size that frames are made in. The first few are led over to by the known frames' own motion.
    ///
    /// # Errors
    /// When a size does not fit, or `watch` says stop.
    pub fn over(
        &self,
        pixels: &mut [f32],
        made: &Frame,
        (share, away): (f32, usize),
        (motion, watch): (&MotionFiller, &dyn Watch),
    ) -> Result<()> {
        if away > FOLLOWED {
            self.stay(pixels, share, away);
            return Ok(());
        }
        let onward = self.onward(pixels, (share, away), (motion, watch))?;
        let course = motion.course(&self.followed, made, watch)?;
        self.detail.carried(&course)?.add(pixels, share, away);
        if let Some((part, onward)) = onward {
            pixels.iter_mut().zip(onward).for_each(|(v, onward)| *v += part * (onward - *v));
        }
        Ok(())
    }

    /// What the known frames' own motion makes of a frame that is so few frames away, and how much of that is to be taken.
    fn onward(
        &self,
        pixels: &[f32],
        (share, away): (f32, usize),
        (motion, watch): (&MotionFiller, &dyn Watch),
    ) -> Result<Option<(f32, Vec<f32>)>> {
        let Some(before) = self.beside.as_ref().filter(|_| away <= ONWARD) else { return Ok(None) };
        let (away, nearness) = (away as f64, 1.0 - away as f32 / (ONWARD + 1) as f32);
        let beyond = Beyond { last: &self.known, before, spacing: 1.0, away, rest: MotionOnward::REST };
        let Some(course) = motion.onward(beyond, Quality::Normal, watch)? else { return Ok(None) };
        Ok(Some(if self.detail_alone {
            let (lack, _) = course.apply(&self.detail.lack)?;
            (nearness, pixels.iter().zip(lack.pixels()).map(|(v, lack)| v + share * lack).collect())
        } else {
            (share * nearness, course.apply(&self.known)?.0.pixels().to_vec())
        }))
    }
}

/// The most that a value is within a square about each place, row by row, then column by column.
fn apart_around(values: &[f32], width: usize, height: usize) -> Vec<f32> {
    let most = |count: usize, at: usize, value: &dyn Fn(usize) -> f32| {
        (at.saturating_sub(AROUND)..(at + AROUND + 1).min(count)).map(value).fold(0.0, f32::max)
    };
    let rows: Vec<f32> =
        (0..values.len()).map(|i| most(width, i % width, &|x| values[i / width * width + x])).collect();
    (0..rows.len()).map(|i| most(height, i / width, &|y| rows[y * width + i % width])).collect()
}

/// The mean difference in colour of two frames of RGB, display-referred: ΔE of CIE 1976.
pub(super) fn delta_e(a: &Frame, b: &Frame) -> f64 {
    let lab = |frame: &Frame| -> Vec<[f32; 3]> {
        frame.pixels().chunks_exact(frame.channels()).map(|p| lab([p[0], p[1], p[2]])).collect()
    };
    let (a, b) = (lab(a), lab(b));
    let distance =
        |(a, b): (&[f32; 3], &[f32; 3])| a.iter().zip(b).map(|(a, b)| f64::from(a - b).powi(2)).sum::<f64>().sqrt();
    a.iter().zip(&b).map(distance).sum::<f64>() / a.len().max(1) as f64
}

/// CIE L*a*b* of display-referred Rec. 709 under D65 (IEC 61966-2-1, CIE 15).
fn lab(rgb: [f32; 3]) -> [f32; 3] {
    let [r, g, b] = rgb.map(crate::srgb::decode);
    let x = (0.412_456 * r + 0.357_576 * g + 0.180_438 * b) / 0.950_47;
    let y = 0.212_673 * r + 0.715_152 * g + 0.072_175 * b;
    let z = (0.019_334 * r + 0.119_192 * g + 0.950_304 * b) / 1.088_83;
    let f = |t: f32| if t > 0.008_856 { t.cbrt() } else { 7.787 * t + 16.0 / 116.0 };
    let (x, y, z) = (f(x), f(y), f(z));
    [116.0 * y - 16.0, 500.0 * (x - y), 200.0 * (y - z)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Encoding;

    fn frame(of: impl Fn(usize) -> f32) -> Frame {
        Frame::new(8, 4, 3, Encoding::Display, (0..96).map(of).collect()).unwrap()
    }

    #[test]
    fn a_frame_is_mixed_by_how_near_it_is_to_each_side() {
        let row = [(0, 'a'), (10, 'b'), (14, 'c')];
        let sides = |place| Between::of(row, place).unwrap().sides().collect::<Vec<_>>();
        assert_eq!(sides(11), [('b', 0.75, 1), ('c', 0.25, 3)]);
        assert_eq!(sides(10), [('b', 1.0, 0), ('c', 0.0, 4)]);
        assert_eq!(sides(16), [('c', 1.0, 2)]);
        assert_eq!(sides(-2), [('a', 1.0, 2)]);
        assert_eq!(Between::of([(0, ()); 0], 3), None);
    }

    #[test]
    fn a_graded_frame_is_matched_back() {
        let known = frame(|i| 0.2 + 0.5 * ((i * 37 % 97) as f32 / 97.0));
        let made = frame(|i| known.pixels()[i] * [0.9, 1.05, 1.0][i % 3] + [0.0, 0.05, -0.06][i % 3]);
        let matched = Match::of(&made, &known).apply(&made).unwrap();
        assert!(delta_e(&made, &known) > 2.0);
        assert!(delta_e(&matched, &known) < 0.01, "{}", delta_e(&matched, &known));
    }

    #[test]
    fn detail_is_carried_where_the_picture_stands_still_alone() {
        let known = frame(|i| 0.4 + 0.1 * ((i / 3 % 2) as f32));
        let blurred = frame(|_| 0.45);
        let detail = Detail::of(blurred.clone(), &known).unwrap();
        let mut still = blurred.pixels().to_vec();
        detail.add(&mut still, 1.0, 9);
        assert!(still.iter().zip(known.pixels()).all(|(a, b)| (a - b).abs() < 1e-6));
        // Something else came in on the left, two pixels wide.
        let moved = frame(|i| if i / 3 % 8 < 2 { 0.9 } else { 0.45 });
        let mut pixels = moved.pixels().to_vec();
        detail.add(&mut pixels, 1.0, 9);
        for (i, (got, (moved, known))) in pixels.iter().zip(moved.pixels().iter().zip(known.pixels())).enumerate() {
            match i / 3 % 8 {
                0..4 => assert_eq!(got, moved, "detail of what was there is gone"),
                _ => assert!((got - known).abs() < 1e-6, "what stands still keeps its detail"),
            }
        }
        let mut near = moved.pixels().to_vec();
        detail.add(&mut near, 1.0, 3);
        let (got, lack) = (near[0] - moved.pixels()[0], known.pixels()[0] - blurred.pixels()[0]);
        assert!((got - lack / 2.0).abs() < 1e-6, "half of it is left after three frames");
    }

    #[test]
    fn detail_goes_with_what_it_is_on() {
        let size = (96, 64);
        let drawn = |at: &dyn Fn(f32, f32) -> f32| {
            let place = |i: usize| ((i / 3 % size.0) as f32, (i / 3 / size.0) as f32);
            let pixels = (0..3 * size.0 * size.1).map(|i| at(place(i).0, place(i).1)).collect();
            Frame::new(size.0, size.1, 3, Encoding::Display, pixels).unwrap()
        };
        let soft = |x: f32, y: f32| 0.5 + 0.2 * (x / 5.0).sin() * (y / 6.0).cos() + 0.15 * (x / 11.0 + y / 7.0).cos();
        let sharp = |x: f32, y: f32| soft(x, y) + 0.06 * (2.1 * x).sin() * (1.9 * y).cos();
        let by = 3.0;
        let (made, known) = (drawn(&soft), drawn(&sharp));
        let (moved, truth) = (drawn(&|x, y| soft(x - by, y)), drawn(&|x, y| sharp(x - by, y)));
        let weights = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../resources/motion.safetensors");
        let motion = crate::motion::MotionFiller::load(&weights, 1 << 24).unwrap();
        let detail = Detail::of(made.clone(), &known).unwrap();
        let course = motion.course(&made, &moved, &crate::Unwatched).unwrap();
        let off = |detail: &Detail, away: usize| {
            let mut pixels = moved.pixels().to_vec();
            detail.add(&mut pixels, 1.0, away);
            let inside = |i: &usize| (12..84).contains(&(i / 3 % size.0)) && (8..56).contains(&(i / 3 / size.0));
            (0..pixels.len()).filter(inside).map(|i| (pixels[i] - truth.pixels()[i]).abs()).sum::<f32>()
        };
        let lost: f32 = off(&Detail::of(known.clone(), &known).unwrap(), 20);
        assert!(off(&detail.carried(&course).unwrap(), 20) < 0.5 * lost, "followed, it is where it should be");
        assert!(off(&detail, 20) > 0.9 * lost, "where it stood it is of no use");
    }

    #[test]
    fn white_and_black_are_where_they_belong() {
        let [l, a, b] = lab([1.0; 3]);
        assert!((l - 100.0).abs() < 0.01 && a.abs() < 0.02 && b.abs() < 0.02, "{l} {a} {b}");
        let [l, ..] = lab([0.0; 3]);
        assert!(l.abs() < 0.01);
        // Red, by the tables.
        let [l, a, b] = lab([1.0, 0.0, 0.0]);
        assert!((l - 53.24).abs() < 0.05 && (a - 80.09).abs() < 0.1 && (b - 67.2).abs() < 0.1, "{l} {a} {b}");
    }
}

//! Sampling of a host's own pixels by a flow field, a band of rows at a time: nothing larger than the band is made.

use std::ops::Range;

use candle_core::{Result, bail};
use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

use super::warp::split;

/// Interleaved `f32` pixels: rows from first to last, `channels` values for each pixel, no gaps.
///
/// Any colour encoding and any channels: sampling is linear in the values.
#[derive(Clone, Copy, Debug)]
pub struct Pixels<'a> {
    /// `height * width * channels` values.
    pub data: &'a [f32],
    /// Pixels in a row.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// Values for each pixel.
    pub channels: usize,
}

/// How a value between pixels is made of the nearest 4 x 4: by cubic convolution (Keys, *Cubic convolution interpolation for digital
/// image processing*, 1981), which passes the range of the pixels by a little beside edges, but not where it leaves 0 to 1. Of four
/// channels the fourth is alpha: where that varies the value is bilinear, since colours that pass the range of their alpha cannot be
/// divided by it again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Filter {
    /// a = -0.5, Catmull-Rom splines: ramps and parabolas stay what they are.
    CatmullRom,
    /// a = -0.75, sharper, for pictures of which a mean is made: that is softer than each of them. Ramps stray by a twentieth of the step
    /// between two pixels.
    Sharp,
}

impl Filter {
    /// What Keys calls a: the curve's slope a pixel away.
    fn slope(self) -> f32 {
        match self {
            Self::CatmullRom => -0.5,
            Self::Sharp => -0.75,
        }
    }
}

/// Fetches the pixels of `rows` from `(x, y) + flow`, into `out`: rows of `width * channels` values.
///
/// `flow_x` and `flow_y` are in pixels of `source` and hold the band's rows alone: `rows.len() * width` values each.
/// Positions outside the picture are moved to its border; where the flow is not a number the pixel stays in place.
///
/// # Errors
/// When a length does not fit the band, or the band lies outside the picture.
pub fn sample_rows(
    source: Pixels<'_>,
    rows: Range<usize>,
    (flow_x, flow_y): (&[f32], &[f32]),
    filter: Filter,
    out: &mut [f32],
) -> Result<()> {
    let Pixels { data, width, height, channels } = source;
    let row = width * channels;
    if row == 0 || height == 0 || data.len() != row * height {
        bail!("sample_rows: a {width}x{height} picture of {channels} channels cannot have {} values", data.len())
    }
    if rows.start > rows.end || rows.end > height {
        bail!("sample_rows: rows {rows:?} lie outside a picture of {height} rows")
    }
    let pixels = rows.len() * width;
    if flow_x.len() != pixels || flow_y.len() != pixels || out.len() != pixels * channels {
        bail!(
            "sample_rows: rows {rows:?} of a {width}x{height} picture of {channels} channels need {pixels} flow values \
             a direction, got {} and {}, and room for {} values, got {}",
            flow_x.len(),
            flow_y.len(),
            pixels * channels,
            out.len()
        )
    }
    let arch = Arch::new();
    let flow = flow_x.par_chunks_exact(width).zip(flow_y.par_chunks_exact(width));
    out.par_chunks_exact_mut(row).zip(flow).enumerate().for_each(|(i, (out, (dx, dy)))| {
        arch.dispatch(Row { source, y: rows.start + i, dx, dy, filter, out });
    });
    Ok(())
}

struct Row<'a> {
    source: Pixels<'a>,
    y: usize,
    dx: &'a [f32],
    dy: &'a [f32],
    filter: Filter,
    out: &'a mut [f32],
}

impl WithSimd for Row<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        match self.source.channels {
            3 => self.cubic::<3>(),
            4 => self.cubic::<4>(),
            _ => self.cubic::<1>(),
        }
    }
}

impl Row<'_> {
    /// `K` is the number of channels made at once; with one, the channels are looped over.
    #[inline(always)]
    fn cubic<const K: usize>(self) {
        let Pixels { data, width, height, channels } = self.source;
        let slope = self.filter.slope();
        let flow = self.dx.iter().zip(self.dy);
        for (x, (out, (&dx, &dy))) in self.out.chunks_exact_mut(channels).zip(flow).enumerate() {
            let (columns, mut wx) = cubic_taps(x as f32, dx, width, slope);
            let (rows, mut wy) = cubic_taps(self.y as f32, dy, height, slope);
            if K == 4 && channels == 4 {
                let alpha = |row: usize, column: usize| data[(row * width + column) * 4 + 3];
                let first = alpha(rows[0], columns[0]);
                if rows.iter().any(|row| columns.iter().any(|column| alpha(*row, *column) != first)) {
                    (wx, wy) = (linear_weights(x as f32, dx, width), linear_weights(self.y as f32, dy, height));
                }
            }
            for (group, out) in out.chunks_exact_mut(K).enumerate() {
                let mut sum = [0.0; K];
                for (row, wy) in rows.iter().zip(wy) {
                    let mut line = [0.0; K];
                    for (column, wx) in columns.iter().zip(wx) {
                        let p = &data[(row * width + column) * channels + group * K..][..K];
                        for (line, p) in line.iter_mut().zip(p) {
                            *line += wx * p;
                        }
                    }
                    for (sum, line) in sum.iter_mut().zip(line) {
                        *sum += wy * line;
                    }
                }
                if !sum.iter().all(is_shown) {
                    let tap = |row: usize, column: usize| &data[(row * width + column) * channels + group * K..][..K];
                    within_taps(&mut sum, (&rows, &columns), tap);
                }
                out.copy_from_slice(&sum);
            }
        }
    }
}

/// Whether a screen can show it.
fn is_shown(value: &f32) -> bool {
    (0.0..=1.0).contains(value)
}

/// Holds values within the range of the pixels that they were made of, without those that are no numbers. Beside an edge a spline
/// swings past that range: by hundreds where a highlight is that bright, and below black, of which a logarithm is none. What a screen
/// can show is left as it is, so that edges stay as sharp: the colours of what is opaque, too, where alpha is 1 but for its last bits.
#[cold]
fn within_taps<'p, const K: usize>(
    values: &mut [f32; K],
    (rows, columns): (&[usize; 4], &[usize; 4]),
    tap: impl Fn(usize, usize) -> &'p [f32],
) {
    let (mut least, mut most) = ([f32::INFINITY; K], [f32::NEG_INFINITY; K]);
    for (row, column) in rows.iter().flat_map(|row| columns.iter().map(move |column| (*row, *column))) {
        for ((least, most), value) in least.iter_mut().zip(&mut most).zip(tap(row, column)) {
            // Both pass over what is no number.
            *least = least.min(*value);
            *most = most.max(*value);
        }
    }
    let near = tap(rows[1], columns[1]);
    let ranges = values.iter_mut().zip(least.iter().zip(most)).zip(near);
    for ((value, (least, most)), near) in ranges.filter(|((value, _), _)| !is_shown(value)) {
        if value.is_nan() {
            *value = if near.is_nan() { f32::midpoint(*least, most) } else { *near };
        }
        *value = value.max(*least).min(most);
    }
}

/// The four neighbours of a position, held within the picture, and their weights by cubic convolution with a slope of `a`.
#[inline(always)]
fn cubic_taps(at: f32, shift: f32, len: usize, a: f32) -> ([usize; 4], [f32; 4]) {
    let (whole, t) = split(at, shift, len);
    let whole = whole as usize;
    let last = len - 1;
    let (t2, t3) = (t * t, t * t * t);
    let weights = [
        a * (t3 - 2.0 * t2 + t),
        (a + 2.0) * t3 - (a + 3.0) * t2 + 1.0,
        -(a + 2.0) * t3 + (2.0 * a + 3.0) * t2 - a * t,
        a * (t2 - t3),
    ];
    ([whole.saturating_sub(1), whole, (whole + 1).min(last), (whole + 2).min(last)], weights)
}

/// Bilinear weights of the same four neighbours.
#[inline(always)]
fn linear_weights(at: f32, shift: f32, len: usize) -> [f32; 4] {
    let (_, t) = split(at, shift, len);
    [0.0, 1.0 - t, t, 0.0]
}

#[cfg(test)]
mod tests {
    use super::super::test::*;
    use super::*;

    /// The curve of cubic convolution at a distance, as Keys writes it.
    fn curve(filter: Filter, distance: f64) -> f64 {
        let (a, x) = (f64::from(filter.slope()), distance.abs());
        match x {
            ..1.0 => (a + 2.0) * x.powi(3) - (a + 3.0) * x.powi(2) + 1.0,
            1.0..2.0 => a * (x.powi(3) - 5.0 * x.powi(2) + 8.0 * x - 4.0),
            _ => 0.0,
        }
    }

    /// One value between the pixels of a picture whose border is repeated.
    fn convolved(source: Pixels<'_>, filter: Filter, (x, y): (f64, f64), channel: usize) -> f64 {
        let within = |at: f64, len: usize| at.clamp(0.0, (len - 1) as f64);
        let (x, y) = (within(x, source.width), within(y, source.height));
        let mut sum = 0.0;
        for row in y.floor() as isize - 1..=y.floor() as isize + 2 {
            for column in x.floor() as isize - 1..=x.floor() as isize + 2 {
                let (nearest_row, nearest) = (within(row as f64, source.height), within(column as f64, source.width));
                let i = (nearest_row as usize * source.width + nearest as usize) * source.channels + channel;
                let share = curve(filter, x - column as f64) * curve(filter, y - row as f64);
                sum += share * f64::from(source.data[i]);
            }
        }
        sum
    }

    #[test]
    fn bands_are_keys_convolution() {
        let mut rng = Rng::new(10);
        for filter in [Filter::CatmullRom, Filter::Sharp] {
            for (width, height, channels) in [(9, 7, 3), (5, 6, 4), (4, 3, 5), (1, 4, 3), (6, 1, 1), (1, 1, 4)] {
                // About a half, so that nothing is held within what it was made of; opaque.
                let mut data = rng.values(width * height * channels, 0.1);
                data.iter_mut().enumerate().for_each(|(i, v)| *v = if i % channels == 3 { 1.0 } else { *v + 0.5 });
                let flow = rng.values(2 * width * height, 4.0);
                let source = Pixels { data: &data, width, height, channels };
                let mut out = vec![0.0; data.len()];
                let (dx, dy) = flow.split_at(width * height);
                // Two bands, to see that a band's flow and output start at the band.
                let cut = height / 2;
                let (first, second) = out.split_at_mut(cut * width * channels);
                for (rows, out) in [(0..cut, first), (cut..height, second)] {
                    let band = rows.start * width..rows.end * width;
                    sample_rows(source, rows, (&dx[band.clone()], &dy[band]), filter, out).unwrap();
                }
                let want: Vec<f32> = (0..data.len())
                    .map(|i| {
                        let (pixel, channel) = (i / channels, i % channels);
                        let x = (pixel % width) as f64 + f64::from(dx[pixel]);
                        let y = (pixel / width) as f64 + f64::from(dy[pixel]);
                        convolved(source, filter, (x, y), channel) as f32
                    })
                    .collect();
                assert_close(&out, &want, 1e-5, &format!("{filter:?} of {width}x{height}x{channels}"));
            }
        }
    }

    #[test]
    fn sharp_keeps_more_of_fine_waves_and_ramps_nearly_as_they_are() {
        // Waves of four pixels, moved by half a pixel: of cos(x pi / 2) that leaves 2 (w cos(pi / 4) - v cos(pi / 4)) with the weights v
        // outside and w inside, 5/4 or 11/8 of the root of a half.
        let wave: Vec<f32> =
            (0..64).map(|x| 0.5 + 0.25 * (f64::from(x) * std::f64::consts::FRAC_PI_2).cos() as f32).collect();
        let moved = |data: &[f32], filter: Filter, shift: f32| {
            let mut out = vec![0.0; data.len()];
            let source = Pixels { data, width: data.len(), height: 1, channels: 1 };
            sample_rows(source, 0..1, (&vec![shift; data.len()], &vec![0.0; data.len()]), filter, &mut out).unwrap();
            out
        };
        for (filter, left) in [(Filter::CatmullRom, 0.8839), (Filter::Sharp, 0.9723)] {
            let made = moved(&wave, filter, 0.5);
            // Half a pixel after a crest the wave itself stands at cos(pi / 4).
            let seen = (made[32] - 0.5) / (0.25 * std::f32::consts::FRAC_1_SQRT_2);
            assert!((seen - left).abs() < 1e-3, "{filter:?} left {seen}");
        }
        let ramp: Vec<f32> = (0..16).map(|x| x as f32 / 16.0).collect();
        for shift in [0.2, 0.4, 0.6, 0.8] {
            let astray = (moved(&ramp, Filter::Sharp, shift)[7] - ramp[7]) * 16.0 - shift;
            assert!(astray.abs() < 0.05, "{astray} at {shift}");
        }
    }

    #[test]
    fn cubic_reproduces_a_parabola_inside_and_clamps_outside() {
        let width = 12;
        let data: Vec<f32> = (0..width).map(|x| (x * x) as f32).collect();
        let source = Pixels { data: &data, width, height: 1, channels: 1 };
        let (dx, dy) = (vec![0.25; width], vec![f32::NAN; width]);
        let mut out = vec![0.0; width];
        sample_rows(source, 0..1, (&dx, &dy), Filter::CatmullRom, &mut out).unwrap();
        for (x, got) in out.iter().enumerate().take(width - 2).skip(1) {
            let want = (x as f32 + 0.25).powi(2);
            assert!((got - want).abs() < 1e-4, "at {x}: {got}, expected {want}");
        }
        assert_eq!(out[width - 1], data[width - 1]);
        sample_rows(source, 0..1, (&[f32::NEG_INFINITY; 12], &dy), Filter::CatmullRom, &mut out).unwrap();
        assert_eq!(out, [0.0; 12]);
    }

    #[test]
    fn cubic_keeps_colours_within_their_alpha_where_alpha_varies() {
        // A bright opaque edge on nothing: beside it the spline would swing below zero in colour and in alpha.
        let opaque = |x: usize| if x < 4 { [0.0; 4] } else { [4.0, 2.0, 1.0, 1.0] };
        let data: Vec<f32> = (0..8).flat_map(opaque).collect();
        let source = Pixels { data: &data, width: 8, height: 1, channels: 4 };
        let mut out = [0.0; 32];
        sample_rows(source, 0..1, (&[0.3; 8], &[0.0; 8]), Filter::CatmullRom, &mut out).unwrap();
        for pixel in out.chunks_exact(4) {
            assert!((0.0..=1.0).contains(&pixel[3]) && (pixel[0] - 4.0 * pixel[3]).abs() < 1e-6, "{pixel:?}");
        }
    }

    #[test]
    fn cubic_stays_within_its_pixels_beside_highlights_and_passes_over_what_is_no_number() {
        let data: Vec<f32> = (0..12).map(|x| if (5..7).contains(&x) { 500.0 } else { 0.03 }).collect();
        let source = Pixels { data: &data, width: 12, height: 1, channels: 1 };
        let mut out = [0.0; 12];
        sample_rows(source, 0..1, (&[0.4; 12], &[0.0; 12]), Filter::CatmullRom, &mut out).unwrap();
        assert!(out.iter().all(|v| (0.029_99..=500.0).contains(v)), "{out:?}");
        assert!(out[4] > 100.0 && out[5] > 400.0, "the highlight is there: {out:?}");
        let holed: Vec<f32> = (0..12).map(|x| if x == 6 { f32::NAN } else { 2.0 + x as f32 }).collect();
        let source = Pixels { data: &holed, width: 12, height: 1, channels: 1 };
        sample_rows(source, 0..1, (&[0.4; 12], &[0.0; 12]), Filter::CatmullRom, &mut out).unwrap();
        assert!(out.iter().enumerate().all(|(x, v)| (v - 2.0 - x as f32).abs() < 2.0), "{out:?}");
    }

    #[test]
    fn cubic_without_motion_keeps_every_bit() {
        let mut rng = Rng::new(11);
        for channels in [1, 2, 3, 4] {
            let data = rng.values(6 * 5 * channels, 40.0);
            let source = Pixels { data: &data, width: 6, height: 5, channels };
            let mut out = vec![0.0; data.len()];
            sample_rows(source, 0..5, (&[0.0; 30], &[0.0; 30]), Filter::CatmullRom, &mut out).unwrap();
            assert_eq!(out, data);
        }
    }

    #[test]
    fn a_band_that_does_not_fit_is_an_error() {
        let data = [0.0; 12];
        let source = Pixels { data: &data, width: 2, height: 2, channels: 3 };
        let mut out = [0.0; 6];
        let flow: &[f32] = &[0.0; 2];
        assert!(sample_rows(source, 1..2, (flow, flow), Filter::CatmullRom, &mut out).is_ok());
        assert!(sample_rows(source, 2..3, (flow, flow), Filter::CatmullRom, &mut out).is_err());
        assert!(sample_rows(source, 0..2, (flow, flow), Filter::CatmullRom, &mut out).is_err());
        assert!(sample_rows(source, 0..1, (&flow[1..], flow), Filter::CatmullRom, &mut out).is_err());
        let torn = Pixels { height: 3, ..source };
        assert!(sample_rows(torn, 0..1, (flow, flow), Filter::CatmullRom, &mut out).is_err());
    }
}

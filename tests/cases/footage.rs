//! Footage drawn for the cases: small, band-limited, and known at any time, so that a made frame has a true one.

use std::sync::Arc;

use ofx::{
    RangeD, RectD,
    host::{FrameSource, HostImage, MemoryClip, PixelFormat, RowLayout, SourceError},
};

pub(crate) const WIDTH: usize = 96;
pub(crate) const HEIGHT: usize = 64;
pub(crate) const FLOAT: PixelFormat = PixelFormat::FLOAT_RGBA;

/// Draws a picture: `draw` gives the colour at a point, rows from the top down.
pub(crate) fn draw(format: PixelFormat, draw: impl Fn(f32, f32) -> [f32; 4]) -> Arc<HostImage> {
    draw_sized((WIDTH, HEIGHT), format, draw)
}

pub(crate) fn draw_sized(
    (width, height): (usize, usize),
    format: PixelFormat,
    draw: impl Fn(f32, f32) -> [f32; 4],
) -> Arc<HostImage> {
    let rgba: Vec<f32> = (0..width * height).flat_map(|i| draw((i % width) as f32, (i / width) as f32)).collect();
    Arc::new(HostImage::from_rgba(width, height, &rgba, format).expect("a small picture"))
}

/// A soft texture without repeats nearby; values from 0.1 to 0.9, alpha 1.
pub(crate) fn texture(x: f32, y: f32) -> [f32; 4] {
    let wave = |a: f32, b: f32, c: f32| (x * a + y * b + c).sin();
    let at = |c: f32| {
        let fine = 0.12 * wave(0.43, 0.21, c) * wave(-0.17, 0.39, 2.0 * c + 1.0);
        0.5 + fine + 0.14 * wave(0.23, -0.13, 3.0 * c) + 0.14 * wave(0.071, 0.19, c + 0.5)
    };
    [at(0.0), at(0.4), at(0.8), 1.0]
}

/// How far [`panning`] moves in a frame, in pixels.
pub(crate) const PAN: f32 = 2.5;

/// The texture, moving to the right by [`PAN`] pixels a frame.
pub(crate) fn panning(time: f64, format: PixelFormat) -> Arc<HostImage> {
    let shift = PAN * time as f32;
    draw(format, |x, y| texture(x - shift, y))
}

/// Another shot: other shapes, and dark.
pub(crate) fn night(time: i32) -> Arc<HostImage> {
    draw(FLOAT, |x, y| {
        let [r, g, b, a] = texture(y * 1.7 + 40.0, x * 1.3 - time as f32);
        [0.4 * r * r * r, 0.4 * g * g * g, 0.5 * b * b, a]
    })
}

/// A frame of one value, alpha 1.
pub(crate) fn even(value: f32) -> Arc<HostImage> {
    draw_sized((32, 24), FLOAT, |_, _| [value, value, value, 1.0])
}

/// A clip of the frames `first` to `last`, those that `picture` gives.
pub(crate) fn clip((first, last): (i32, i32), picture: impl Fn(i32) -> Option<Arc<HostImage>>) -> Arc<MemoryClip> {
    Arc::new(MemoryClip::new(first, (first..=last).map(picture).collect()))
}

/// The panning texture, frames 1 to 10, some of them replaced.
pub(crate) fn pan_with(replaced: impl Fn(i32) -> Option<Option<Arc<HostImage>>>) -> Arc<MemoryClip> {
    clip((1, 10), |t| replaced(t).unwrap_or_else(|| Some(panning(f64::from(t), FLOAT))))
}

/// A frame with nothing to do with the others.
pub(crate) fn rubbish() -> Arc<HostImage> {
    draw(FLOAT, |x, y| {
        let v = ((x * 12.9898 + y * 78.233).sin() * 43758.547).fract().abs();
        [v, 1.0 - v, 0.3, 1.0]
    })
}

pub(crate) fn black() -> Arc<HostImage> {
    draw(FLOAT, |_, _| [0.0, 0.0, 0.0, 1.0])
}

/// Likeness in decibels, of the colours as they are, away from the border: what comes in there nobody can know.
pub(crate) fn psnr(a: &HostImage, b: &HostImage) -> f64 {
    const BORDER: usize = 8;
    assert_eq!((a.width(), a.height()), (b.width(), b.height()));
    let (width, height) = (a.width(), a.height());
    let (a, b) = (a.to_rgba(), b.to_rgba());
    let (mut sum, mut count) = (0.0, 0.0);
    for y in BORDER..height - BORDER {
        for x in BORDER..width - BORDER {
            for c in 0..3 {
                let i = (y * width + x) * 4 + c;
                sum += f64::from(a[i] - b[i]).powi(2);
                count += 1.0;
            }
        }
    }
    -10.0 * (sum / count).max(1e-12).log10()
}

/// Two pictures, mixed: this share of the second.
fn mixed(a: &HostImage, b: &HostImage, share: f32) -> HostImage {
    let rgba: Vec<f32> = a.to_rgba().iter().zip(b.to_rgba()).map(|(a, b)| a + share * (b - a)).collect();
    HostImage::from_rgba(a.width(), a.height(), &rgba, a.format()).expect("a small picture")
}

/// The mean of two pictures.
pub(crate) fn mean(a: &HostImage, b: &HostImage) -> HostImage {
    mixed(a, b, 0.5)
}

/// Checks that a made frame is nearer to the truth, by a decibel, than what could be had for nothing: either neighbour, or a mixture
/// of them.
#[track_caller]
pub(crate) fn assert_better(is: &HostImage, truth: &HostImage, (before, after): (&HostImage, &HostImage), what: &str) {
    let cheap = [0.0, 0.25, 0.5, 0.75, 1.0].map(|share| psnr(&mixed(before, after, share), truth));
    let (is, best) = (psnr(is, truth), cheap.into_iter().fold(f64::NEG_INFINITY, f64::max));
    assert!(is > best + 1.0, "{what} is {is:.1} dB; of its neighbours and their mixtures the best is {best:.1}");
}

/// Checks that a host of another depth shows what the reference host does.
#[track_caller]
pub(crate) fn assert_alike(is: &HostImage, reference: &HostImage, what: &str) {
    let is = is.converted(reference.format(), RowLayout::default()).expect("a small picture");
    let likeness = psnr(&is, reference);
    assert!(likeness > 40.0, "{what}: {likeness:.1} dB to the reference host's");
}

/// The largest difference of any value.
pub(crate) fn largest_difference(a: &HostImage, b: &HostImage) -> f32 {
    a.to_rgba().iter().zip(b.to_rgba()).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
}

#[track_caller]
pub(crate) fn assert_same(is: &HostImage, should: &HostImage, what: &str) {
    let should = should.converted(is.format(), RowLayout::default()).expect("a small picture");
    assert!(
        is.same_pixels(&should),
        "{what}: not the same pixels; {:?} {:?}, {:?} {:?}, up to {} apart",
        is.bounds(),
        is.format(),
        should.bounds(),
        should.format(),
        largest_difference(is, &should)
    );
}

/// A clip whose frame `odd` is of another size.
pub(crate) struct Resized {
    pub(crate) clip: Arc<MemoryClip>,
    pub(crate) odd: f64,
    pub(crate) picture: Arc<HostImage>,
}

impl FrameSource for Resized {
    fn range(&self) -> RangeD {
        self.clip.range()
    }

    fn region(&self, time: f64) -> RectD {
        if time != self.odd {
            return self.clip.region(time);
        }
        RectD { x1: 0.0, y1: 0.0, x2: self.picture.width() as f64, y2: self.picture.height() as f64 }
    }

    fn format(&self) -> PixelFormat {
        self.clip.format()
    }

    fn frame(&self, time: f64) -> Result<Option<Arc<HostImage>>, SourceError> {
        if time == self.odd { Ok(Some(self.picture.clone())) } else { self.clip.frame(time) }
    }
}

//! Clips as a host's sources, and a host's images as pictures. Between equal formats every sample is kept bit for bit.

use std::sync::Arc;

use half::f16;
use ofx::{
    BitDepth, Components, Premultiplication, RangeD, RectD, RectI,
    host::{FrameSource, HostImage, ImageTooLarge, PixelFormat, Profile, SourceError},
};
use parking_lot::Mutex;

use pickup_clips::{ClipError, ClipInfo, ClipKind, ClipReader, Depth, FieldOrder, Picture, Pixels, naming};

/// Where a host's times have the frames of a clip: so much later than their own numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Axis(i64);

impl Axis {
    /// The axis on which a profile's host has a clip.
    pub(super) fn of(profile: &Profile, info: &ClipInfo) -> Self {
        Self(profile.first_time.map_or(0, |first| i64::from(first) - info.first()))
    }

    /// Whether times and the frames' own numbers differ.
    pub(super) fn differs(self) -> bool {
        self.0 != 0
    }

    /// The axis of a clip whose frames stand so many later than their own numbers say.
    pub(super) fn later(self, frames: i64) -> Self {
        Self(self.0.saturating_add(frames))
    }

    /// The time of a frame.
    pub(super) fn time(self, number: i64) -> i64 {
        number.saturating_add(self.0)
    }

    /// The frame at a time.
    pub(super) fn number(self, time: f64) -> i64 {
        (time.round() as i64).saturating_sub(self.0)
    }
}

/// A clip that gives its frames, or one field of each, to a host.
pub(super) struct ClipSource {
    reader: Arc<ClipReader>,
    axis: Axis,
    field: Option<FieldOrder>,
    format: PixelFormat,
    broken: Mutex<Option<String>>,
}

/// Width and height in pixels, and width of a pixel over its height, of a clip's frames or of one field of them.
pub(super) fn shape(info: &ClipInfo, field: Option<FieldOrder>) -> (usize, usize, f64) {
    match field {
        None => (info.width, info.height, info.pixel_aspect),
        // The rows of a field are twice as high.
        Some(_) => (info.width, info.height / 2, info.pixel_aspect / 2.0),
    }
}

impl ClipSource {
    pub(super) fn new(reader: Arc<ClipReader>, axis: Axis, field: Option<FieldOrder>) -> Self {
        let format = format_of(reader.info());
        Self { reader, axis, field, format, broken: Mutex::new(None) }
    }

    /// The first frame that is there and could not be read, if there was one: a node takes it for missing and might
    /// fill it in, which nobody asked for.
    pub(super) fn broken(&self) -> Option<String> {
        self.broken.lock().clone()
    }
}

/// The host's format of a clip's pictures.
pub(super) fn format_of(info: &ClipInfo) -> PixelFormat {
    let (components, premultiplication) = match (info.has_alpha, info.premultiplied) {
        (false, _) => (Components::Rgb, Premultiplication::Opaque),
        (true, true) => (Components::Rgba, Premultiplication::Premultiplied),
        (true, false) => (Components::Rgba, Premultiplication::Unpremultiplied),
    };
    PixelFormat { depth: bit_depth(info.depth), components, premultiplication }
}

fn bit_depth(depth: Depth) -> BitDepth {
    match depth {
        Depth::U8 => BitDepth::Byte,
        Depth::U16 => BitDepth::Short,
        Depth::F16 => BitDepth::Half,
        Depth::F32 => BitDepth::Float,
    }
}

/// The clips' word for a host's depth.
pub(super) fn clip_depth(depth: BitDepth) -> Depth {
    match depth {
        BitDepth::Byte => Depth::U8,
        BitDepth::Short => Depth::U16,
        BitDepth::Half => Depth::F16,
        BitDepth::Float => Depth::F32,
    }
}

impl FrameSource for ClipSource {
    fn range(&self) -> RangeD {
        let info = self.reader.info();
        RangeD { min: self.axis.time(info.first()) as f64, max: self.axis.time(info.last()) as f64 }
    }

    fn region(&self, _time: f64) -> RectD {
        let (width, height, aspect) = shape(self.reader.info(), self.field);
        RectD { x1: 0.0, y1: 0.0, x2: width as f64 * aspect, y2: height as f64 }
    }

    fn format(&self) -> PixelFormat {
        self.format
    }

    fn frame(&self, time: f64) -> Result<Option<Arc<HostImage>>, SourceError> {
        let number = self.axis.number(time);
        let picture = match self.reader.frame(number) {
            Ok(picture) => picture,
            Err(error) if error.is_missing() => return Ok(None),
            Err(error) => {
                self.broken.lock().get_or_insert_with(|| match self.reader.info().kind {
                    ClipKind::Sequence => {
                        format!("{error}; or move the file away, and Repair fills the hole it leaves")
                    }
                    _ => error.to_string(),
                });
                return Err(Box::new(error));
            }
        };
        let field = self.field.map(|field| picture.field(field)).transpose()?;
        let mut image = to_image(field.as_ref().unwrap_or(&picture), self.format)?;
        image.pixel_aspect = self.pixel_aspect();
        Ok(Some(Arc::new(image.named(format!("{} {number}", self.reader.name().display())))))
    }

    fn rate(&self) -> f64 {
        self.reader.info().rate.as_f64()
    }

    fn pixel_aspect(&self) -> f64 {
        shape(self.reader.info(), self.field).2
    }

    fn file(&self) -> Option<String> {
        let (name, info) = (self.reader.name(), self.reader.info());
        let span = naming::with_span(name, (info.first(), info.last()));
        Some(span.unwrap_or_else(|| name.to_path_buf()).to_string_lossy().into_owned())
    }

    fn file_frame(&self, time: f64) -> i32 {
        i32::try_from(self.axis.number(time)).unwrap_or_default()
    }
}

/// A picture as a host's image of a format.
pub(super) fn to_image(picture: &Picture, format: PixelFormat) -> Result<HostImage, ImageTooLarge> {
    let (width, height) = picture.size();
    let side = |n: usize| i32::try_from(n).unwrap_or(i32::MAX);
    let mut image = HostImage::new(RectI::new(0, 0, side(width), side(height)), format)?;
    let like = adapted(picture, format);
    let rows = (0..side(height)).rev();
    match like.as_ref().unwrap_or(picture).pixels() {
        Pixels::U8(v) => pour(&mut image, rows, v, |s| [s]),
        Pixels::U16(v) => pour(&mut image, rows, v, u16::to_ne_bytes),
        Pixels::F16(v) => pour(&mut image, rows, v, f16::to_ne_bytes),
        Pixels::F32(v) => pour(&mut image, rows, v, f32::to_ne_bytes),
    }
    Ok(image)
}

/// The picture with the format's depth, channels and premultiplication, where it has others: one frame of a clip can
/// differ from the rest.
fn adapted(picture: &Picture, format: PixelFormat) -> Option<Picture> {
    let alpha = format.components == Components::Rgba;
    let premultiplied = format.premultiplication == Premultiplication::Premultiplied;
    let depth = clip_depth(format.depth);
    let same = picture.depth() == depth && picture.has_alpha() == alpha;
    if same && (!alpha || picture.premultiplied() == premultiplied) {
        return None;
    }
    Some(brought_to(picture, depth, alpha, premultiplied))
}

/// A picture in a depth, with alpha or without, and with its colours multiplied by that or not.
pub(super) fn brought_to(picture: &Picture, depth: Depth, alpha: bool, premultiplied: bool) -> Picture {
    let picture = picture.to_depth(depth);
    let picture = if alpha { picture.to_rgba() } else { picture.to_rgb() };
    if alpha && premultiplied { picture.to_premultiplied() } else { picture.to_straight() }
}

fn pour<T: Copy, const N: usize>(
    image: &mut HostImage,
    rows: impl Iterator<Item = i32>,
    samples: &[T],
    bytes: impl Fn(T) -> [u8; N],
) {
    let stride = (image.width() * image.format().components.channels()).max(1);
    for (y, row) in rows.zip(samples.chunks_exact(stride)) {
        for (to, sample) in image.row_mut(y).chunks_exact_mut(N).zip(row) {
            to.copy_from_slice(&bytes(*sample));
        }
    }
}

/// A host's image as a picture. Alpha alone becomes grey; alpha that says nothing, because the clip has none, goes.
pub(super) fn to_picture(image: &HostImage, keep_alpha: bool) -> Result<Picture, ClipError> {
    let pixels = match image.format().depth {
        BitDepth::Byte => Pixels::U8(draw(image, |b: [u8; 1]| b[0])),
        BitDepth::Short => Pixels::U16(draw(image, u16::from_ne_bytes)),
        BitDepth::Half => Pixels::F16(draw(image, f16::from_ne_bytes)),
        BitDepth::Float => Pixels::F32(draw(image, f32::from_ne_bytes)),
    };
    let alpha = image.format().components == Components::Rgba;
    let premultiplied = image.format().premultiplication == Premultiplication::Premultiplied;
    let picture = Picture::new(image.width(), image.height(), alpha, premultiplied, pixels)?;
    Ok(if alpha && !keep_alpha { picture.to_rgb() } else { picture })
}

fn draw<T: Copy, const N: usize>(image: &HostImage, value: impl Fn([u8; N]) -> T) -> Vec<T> {
    let (bounds, components) = (image.bounds(), image.format().components);
    // Grey is three times alpha.
    let (channels, copies) = if components == Components::Alpha { (3, 3) } else { (components.channels(), 1) };
    let mut samples = Vec::with_capacity(bounds.width() * bounds.height() * channels);
    for y in (bounds.y1..bounds.y2).rev() {
        let (row, _) = image.row(y).as_chunks::<N>();
        if copies == 1 {
            samples.extend(row.iter().map(|sample| value(*sample)));
        } else {
            samples.extend(row.iter().flat_map(|sample| std::iter::repeat_n(value(*sample), copies)));
        }
    }
    samples
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ramp(alpha: bool) -> Picture {
        let samples = 4 * 3 * if alpha { 4 } else { 3 };
        Picture::new(4, 3, alpha, false, Pixels::U8((0..samples).map(|i| i as u8 * 5).collect())).unwrap()
    }

    #[test]
    fn every_depth_comes_back_bit_for_bit() {
        for alpha in [false, true] {
            for depth in [Depth::U8, Depth::U16, Depth::F16, Depth::F32] {
                let picture = ramp(alpha).to_depth(depth);
                let components = if alpha { Components::Rgba } else { Components::Rgb };
                let image = to_image(&picture, PixelFormat::new(bit_depth(depth), components)).unwrap();
                assert_eq!(to_picture(&image, alpha).unwrap(), picture, "{depth:?}");
            }
        }
    }

    #[test]
    fn the_top_row_is_the_last_one_up() {
        let image = to_image(&ramp(false), PixelFormat::new(BitDepth::Byte, Components::Rgb)).unwrap();
        assert_eq!(image.row(2)[..3], [0, 5, 10]);
    }

    #[test]
    fn a_frame_unlike_the_rest_is_brought_to_the_clips_format() {
        let image = to_image(&ramp(true), PixelFormat::new(BitDepth::Short, Components::Rgb)).unwrap();
        assert_eq!(to_picture(&image, true).unwrap(), ramp(true).to_rgb().to_depth(Depth::U16));
    }

    #[test]
    fn a_mask_is_shown_in_grey() {
        let mut image =
            HostImage::new(RectI::new(0, 0, 2, 1), PixelFormat::new(BitDepth::Byte, Components::Alpha)).unwrap();
        image.row_mut(0).copy_from_slice(&[7, 9]);
        assert_eq!(*to_picture(&image, false).unwrap().pixels(), Pixels::U8(vec![7, 7, 7, 9, 9, 9]));
    }
}

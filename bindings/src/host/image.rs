//! Images as a host keeps them: owned pixels of any depth, channels and layout.
//!
//! OpenFX counts rows upwards: `y = bounds.y1` is the bottom row of the picture, whatever the sign of the row bytes.

use std::{
    alloc::{self, Layout},
    fmt,
    ptr::NonNull,
};

use half::f16;
use thiserror::Error;

use crate::{BitDepth, Components, Field, Premultiplication, RectI};

/// Depth, channels and how alpha is combined.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PixelFormat {
    /// How a channel is stored.
    pub depth: BitDepth,
    /// Which channels there are.
    pub components: Components,
    /// How colour and alpha are combined.
    pub premultiplication: Premultiplication,
}

impl PixelFormat {
    /// 32-bit float RGBA with colour standing by itself.
    pub const FLOAT_RGBA: Self = Self {
        depth: BitDepth::Float,
        components: Components::Rgba,
        premultiplication: Premultiplication::Unpremultiplied,
    };

    /// A format of a depth and channels, not premultiplied.
    #[must_use]
    pub const fn new(depth: BitDepth, components: Components) -> Self {
        Self { depth, components, premultiplication: Premultiplication::Unpremultiplied }
    }

    /// Bytes a pixel takes.
    #[must_use]
    pub const fn bytes(self) -> usize {
        self.depth.bytes() * self.components.channels()
    }
}

/// How rows lie in memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RowLayout {
    /// The top row first, so that the row bytes are negative and the data pointer is at the last row in memory.
    pub negative: bool,
    /// Bytes between the end of a row and the start of the next; rounded up to what the depth's alignment needs.
    pub padding: usize,
}

/// An image that cannot be had.
#[derive(Debug, Error)]
#[error("no memory for a picture of {width} x {height} pixels: render smaller, or free memory")]
pub struct ImageTooLarge {
    width: usize,
    height: usize,
}

/// Zeroed bytes, aligned for vectors, reached by pointer because the plugin reaches them by pointer.
struct Buffer {
    ptr: NonNull<u8>,
    len: usize,
}

const ALIGN: usize = 64;

// SAFETY: the buffer owns its allocation; shared access is read-only, and exclusive access needs `&mut`.
unsafe impl Send for Buffer {}
// SAFETY: as above.
unsafe impl Sync for Buffer {}

impl Buffer {
    fn zeroed(len: usize) -> Option<Self> {
        let layout = Layout::from_size_align(len.max(1), ALIGN).ok()?;
        // SAFETY: the size is at least 1.
        let ptr = unsafe { alloc::alloc_zeroed(layout) };
        Some(Self { ptr: NonNull::new(ptr)?, len })
    }

    fn bytes(&self) -> &[u8] {
        // SAFETY: `len` initialised bytes belong to this buffer; no exclusive access exists while `self` is borrowed,
        // but for a plugin that writes into an image it was lent to read, or after its render, both of which the
        // standard forbids.
        unsafe { std::slice::from_raw_parts(self.ptr.as_ptr(), self.len) }
    }

    fn bytes_mut(&mut self) -> &mut [u8] {
        // SAFETY: as above, and `self` is borrowed exclusively.
        unsafe { std::slice::from_raw_parts_mut(self.ptr.as_ptr(), self.len) }
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        if let Ok(layout) = Layout::from_size_align(self.len.max(1), ALIGN) {
            // SAFETY: allocated in `zeroed` with this very layout.
            unsafe { alloc::dealloc(self.ptr.as_ptr(), layout) }
        }
    }
}

/// A picture with its pixels.
pub struct HostImage {
    pixels: Buffer,
    format: PixelFormat,
    bounds: RectI,
    row_bytes: usize,
    negative: bool,
    /// Which lines it holds.
    pub field: Field,
    /// Width of a pixel over its height.
    pub pixel_aspect: f64,
    /// Render scale it was made at.
    pub scale: (f64, f64),
    /// A name that stays the same as long as the pixels do; empty where the source knows none.
    pub id: String,
    /// What the effect told of how it was rendered; see [`Profile::render_notes`](super::Profile::render_notes).
    pub note: String,
}

impl fmt::Debug for HostImage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HostImage")
            .field("bounds", &self.bounds)
            .field("format", &self.format)
            .field("row_bytes", &self.row_bytes())
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

impl HostImage {
    /// A black, transparent picture with tight rows, the bottom one first.
    ///
    /// # Errors
    /// When there is no memory for it.
    pub fn new(bounds: RectI, format: PixelFormat) -> Result<Self, ImageTooLarge> {
        Self::with_layout(bounds, format, RowLayout::default())
    }

    /// A black, transparent picture with rows laid out as said.
    ///
    /// # Errors
    /// When there is no memory for it.
    pub fn with_layout(bounds: RectI, format: PixelFormat, layout: RowLayout) -> Result<Self, ImageTooLarge> {
        let (width, height) = (bounds.width(), bounds.height());
        let step = format.depth.bytes();
        let padding = layout.padding.div_ceil(step) * step;
        let row_bytes = width.checked_mul(format.bytes()).and_then(|b| b.checked_add(padding));
        // The ABI carries row bytes as an int.
        let row_bytes = row_bytes.filter(|b| i32::try_from(*b).is_ok());
        let pixels = row_bytes.and_then(|b| b.checked_mul(height)).and_then(Buffer::zeroed);
        let (Some(row_bytes), Some(pixels)) = (row_bytes, pixels) else {
            return Err(ImageTooLarge { width, height });
        };
        Ok(Self {
            pixels,
            format,
            bounds,
            row_bytes,
            negative: layout.negative,
            field: Field::None,
            pixel_aspect: 1.0,
            scale: (1.0, 1.0),
            id: String::new(),
            note: String::new(),
        })
    }

    /// A picture from RGBA floats, the top row first; its bottom left corner is at (0, 0).
    ///
    /// Pixels are taken as the format's premultiplication says; missing ones stay black.
    ///
    /// # Errors
    /// When there is no memory for it.
    pub fn from_rgba(width: usize, height: usize, rgba: &[f32], format: PixelFormat) -> Result<Self, ImageTooLarge> {
        let too_large = || ImageTooLarge { width, height };
        let x2 = i32::try_from(width).map_err(|_| too_large())?;
        let y2 = i32::try_from(height).map_err(|_| too_large())?;
        let mut image = Self::new(RectI::new(0, 0, x2, y2), format)?;
        for (row, y) in rgba.chunks_exact((width * 4).max(1)).zip((0..y2).rev()) {
            image.write_row(y, row);
        }
        Ok(image)
    }

    /// The pixels as RGBA floats, the top row first: bytes and shorts from 0 to 1, floats as they are.
    #[must_use]
    pub fn to_rgba(&self) -> Vec<f32> {
        let mut out = vec![0.0; self.bounds.width() * self.bounds.height() * 4];
        let stride = (self.bounds.width() * 4).max(1);
        for (row, y) in out.chunks_exact_mut(stride).zip((self.bounds.y1..self.bounds.y2).rev()) {
            self.read_row(y, row);
        }
        out
    }

    /// Moves the picture so that its bottom left corner is at a point.
    #[must_use]
    pub fn at(mut self, x1: i32, y1: i32) -> Self {
        let b = self.bounds;
        self.bounds = RectI::new(x1, y1, x1 + (b.x2 - b.x1), y1 + (b.y2 - b.y1));
        self
    }

    /// Names the content; see [`HostImage::id`].
    #[must_use]
    pub fn named(mut self, id: impl Into<String>) -> Self {
        self.id = id.into();
        self
    }

    /// Depth, channels and premultiplication.
    #[must_use]
    pub fn format(&self) -> PixelFormat {
        self.format
    }

    /// Where the pixels are.
    #[must_use]
    pub fn bounds(&self) -> RectI {
        self.bounds
    }

    /// Width in pixels.
    #[must_use]
    pub fn width(&self) -> usize {
        self.bounds.width()
    }

    /// Height in pixels.
    #[must_use]
    pub fn height(&self) -> usize {
        self.bounds.height()
    }

    /// Bytes from a row to the one above it; negative where the top row comes first in memory.
    #[must_use]
    pub fn row_bytes(&self) -> isize {
        let bytes = self.row_bytes.cast_signed();
        if self.negative { -bytes } else { bytes }
    }

    fn layout(&self) -> RowLayout {
        RowLayout { negative: self.negative, padding: self.row_bytes - self.width() * self.format.bytes() }
    }

    fn offset(&self, y: i32) -> Option<usize> {
        let up = usize::try_from(i64::from(y) - i64::from(self.bounds.y1)).ok().filter(|r| *r < self.height())?;
        Some(if self.negative { self.height() - 1 - up } else { up } * self.row_bytes)
    }

    /// The bytes of row `y`, without padding; empty outside the bounds.
    #[must_use]
    pub fn row(&self, y: i32) -> &[u8] {
        let len = self.width() * self.format.bytes();
        self.offset(y).and_then(|o| self.pixels.bytes().get(o..o + len)).unwrap_or_default()
    }

    /// The bytes of row `y`, to be written; empty outside the bounds.
    pub fn row_mut(&mut self, y: i32) -> &mut [u8] {
        let len = self.width() * self.format.bytes();
        self.offset(y).and_then(|o| self.pixels.bytes_mut().get_mut(o..o + len)).unwrap_or_default()
    }

    /// Every byte, padding included, in memory's order.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        self.pixels.bytes()
    }

    /// Fills every byte, padding included.
    pub(crate) fn fill(&mut self, byte: u8) {
        self.pixels.bytes_mut().fill(byte);
    }

    /// Address of the pixel at the bottom left, as the ABI wants it.
    pub(crate) fn data(&self) -> *mut u8 {
        let offset = self.offset(self.bounds.y1).unwrap_or(0);
        // SAFETY: the offset is that of a row within the buffer, or 0.
        unsafe { self.pixels.ptr.as_ptr().add(offset) }
    }

    /// Row `y` as RGBA floats.
    pub fn read_row(&self, y: i32, rgba: &mut [f32]) {
        let row = self.row(y);
        match self.format.depth {
            BitDepth::Byte => self.decode(row, rgba, |b: [u8; 1]| f32::from(b[0]) / 255.0),
            BitDepth::Short => self.decode(row, rgba, |b| f32::from(u16::from_ne_bytes(b)) / 65535.0),
            BitDepth::Half => self.decode(row, rgba, |b| f16::from_ne_bytes(b).to_f32()),
            BitDepth::Float => self.decode(row, rgba, f32::from_ne_bytes),
        }
    }

    fn decode<const N: usize>(&self, row: &[u8], rgba: &mut [f32], value: impl Fn([u8; N]) -> f32) {
        let (samples, _) = row.as_chunks::<N>();
        let pixels = rgba.chunks_exact_mut(4);
        match self.format.components {
            Components::Rgba => pixels.zip(samples.chunks_exact(4)).for_each(|(p, s)| {
                p.iter_mut().zip(s).for_each(|(p, s)| *p = value(*s));
            }),
            Components::Rgb => pixels.zip(samples.chunks_exact(3)).for_each(|(p, s)| {
                p.iter_mut().zip(s).for_each(|(p, s)| *p = value(*s));
                p[3] = 1.0;
            }),
            Components::Alpha => pixels.zip(samples).for_each(|(p, s)| p.copy_from_slice(&[0.0, 0.0, 0.0, value(*s)])),
        }
    }

    /// Sets row `y` from RGBA floats; integers are rounded and clamped.
    pub fn write_row(&mut self, y: i32, rgba: &[f32]) {
        let components = self.format.components;
        let depth = self.format.depth;
        let row = self.row_mut(y);
        // The casts saturate, and turn NaN into 0.
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        match depth {
            BitDepth::Byte => encode(row, components, rgba, |v| [(v * 255.0 + 0.5) as u8]),
            BitDepth::Short => encode(row, components, rgba, |v| ((v * 65535.0 + 0.5) as u16).to_ne_bytes()),
            BitDepth::Half => encode(row, components, rgba, |v| f16::from_f32(v).to_ne_bytes()),
            BitDepth::Float => encode(row, components, rgba, f32::to_ne_bytes),
        }
    }

    /// The pixel at a point as RGBA floats.
    #[must_use]
    pub fn pixel(&self, x: i32, y: i32) -> Option<[f32; 4]> {
        let column = usize::try_from(i64::from(x) - i64::from(self.bounds.x1)).ok().filter(|c| *c < self.width())?;
        let size = self.format.bytes();
        let bytes = self.row(y).get(column * size..(column + 1) * size)?;
        let mut rgba = [0.0; 4];
        match self.format.depth {
            BitDepth::Byte => self.decode(bytes, &mut rgba, |b: [u8; 1]| f32::from(b[0]) / 255.0),
            BitDepth::Short => self.decode(bytes, &mut rgba, |b| f32::from(u16::from_ne_bytes(b)) / 65535.0),
            BitDepth::Half => self.decode(bytes, &mut rgba, |b| f16::from_ne_bytes(b).to_f32()),
            BitDepth::Float => self.decode(bytes, &mut rgba, f32::from_ne_bytes),
        }
        Some(rgba)
    }

    /// Whether both hold the same pixels, bit for bit, in the same place and format, however their rows lie in memory.
    #[must_use]
    pub fn same_pixels(&self, other: &Self) -> bool {
        self.bounds == other.bounds
            && self.format == other.format
            && (self.bounds.y1..self.bounds.y2).all(|y| self.row(y) == other.row(y))
    }

    /// The same picture in another format and layout; bit for bit where only the layout differs.
    ///
    /// # Errors
    /// When there is no memory for it.
    pub fn converted(&self, format: PixelFormat, layout: RowLayout) -> Result<Self, ImageTooLarge> {
        self.extract(self.bounds, format, layout)
    }

    /// Whether [`converted`](Self::converted) would change nothing.
    pub(crate) fn is_like(&self, format: PixelFormat, layout: RowLayout) -> bool {
        self.format == format && self.layout() == layout
    }

    /// A part of the picture in a format and layout; black and transparent outside the bounds.
    pub(crate) fn extract(&self, part: RectI, format: PixelFormat, layout: RowLayout) -> Result<Self, ImageTooLarge> {
        let mut out = Self::with_layout(part, format, layout)?;
        self.describe(&mut out);
        let common = part.intersect(self.bounds);
        if common.is_empty() {
            return Ok(out);
        }
        let columns = |b: RectI| {
            let first = usize::try_from(common.x1 - b.x1).unwrap_or(0);
            first..first + common.width()
        };
        let (from, to) = (columns(self.bounds), columns(part));
        // Opaque pictures have nothing to multiply: only the name changes.
        let same = self.format.depth == format.depth
            && self.format.components == format.components
            && premultiply_step(self.format.premultiplication, format.premultiplication).is_none();
        let size = format.bytes();
        let mut source = vec![0.0; self.width() * 4];
        let mut target = vec![0.0; part.width() * 4];
        for y in common.y1..common.y2 {
            if same {
                out.row_mut(y)[to.start * size..to.end * size]
                    .copy_from_slice(&self.row(y)[from.start * size..from.end * size]);
                continue;
            }
            self.read_row(y, &mut source);
            target[to.start * 4..to.end * 4].copy_from_slice(&source[from.start * 4..from.end * 4]);
            remultiply(&mut target, self.format.premultiplication, format.premultiplication);
            out.write_row(y, &target);
        }
        Ok(out)
    }

    /// The picture at another render scale: each pixel is the nearest of the original.
    pub(crate) fn scaled(&self, scale: (f64, f64)) -> Result<Self, ImageTooLarge> {
        // Coordinates are i32 and stay in range because scales beyond 1 are not asked for by any host.
        #[allow(clippy::cast_possible_truncation)]
        let edge =
            |v: i32, s: f64, up: bool| if up { (f64::from(v) * s).ceil() } else { (f64::from(v) * s).floor() } as i32;
        let b = self.bounds;
        let bounds = RectI::new(
            edge(b.x1, scale.0, false),
            edge(b.y1, scale.1, false),
            edge(b.x2, scale.0, true),
            edge(b.y2, scale.1, true),
        );
        let mut out = Self::with_layout(bounds, self.format, self.layout())?;
        self.describe(&mut out);
        out.scale = scale;
        let size = self.format.bytes();
        let nearest = |v: i32, s: f64, low: i32, high: i32| edge_nearest(v, s).clamp(low, high - 1);
        for y in bounds.y1..bounds.y2 {
            let source = self.row(nearest(y, scale.1, b.y1, b.y2));
            let row = out.row_mut(y);
            for (pixel, x) in row.chunks_exact_mut(size).zip(bounds.x1..) {
                let column = usize::try_from(nearest(x, scale.0, b.x1, b.x2) - b.x1).unwrap_or(0);
                if let Some(from) = source.get(column * size..(column + 1) * size) {
                    pixel.copy_from_slice(from);
                }
            }
        }
        Ok(out)
    }

    /// Copies what both pictures cover, which must be in the same format.
    pub(crate) fn paste(&mut self, other: &Self) {
        let common = self.bounds.intersect(other.bounds);
        if common.is_empty() || self.format != other.format {
            return;
        }
        let size = self.format.bytes();
        let len = common.width() * size;
        let column = |b: RectI| usize::try_from(common.x1 - b.x1).unwrap_or(0) * size;
        let (to, from) = (column(self.bounds), column(other.bounds));
        for y in common.y1..common.y2 {
            self.row_mut(y)[to..to + len].copy_from_slice(&other.row(y)[from..from + len]);
        }
    }

    fn describe(&self, out: &mut Self) {
        out.field = self.field;
        out.pixel_aspect = self.pixel_aspect;
        out.scale = self.scale;
        out.id.clone_from(&self.id);
        out.note.clone_from(&self.note);
    }
}

#[allow(clippy::cast_possible_truncation)] // Saturates, and the caller clamps to the picture.
fn edge_nearest(v: i32, scale: f64) -> i32 {
    ((f64::from(v) + 0.5) / scale).floor() as i32
}

fn encode<const N: usize>(row: &mut [u8], components: Components, rgba: &[f32], bytes: impl Fn(f32) -> [u8; N]) {
    let (samples, _) = row.as_chunks_mut::<N>();
    let pixels = rgba.chunks_exact(4);
    match components {
        Components::Rgba => samples.iter_mut().zip(rgba).for_each(|(s, v)| *s = bytes(*v)),
        Components::Rgb => samples.chunks_exact_mut(3).zip(pixels).for_each(|(s, p)| {
            s.iter_mut().zip(p).for_each(|(s, v)| *s = bytes(*v));
        }),
        Components::Alpha => samples.iter_mut().zip(pixels).for_each(|(s, p)| *s = bytes(p[3])),
    }
}

/// Whether colour must be multiplied by alpha (true), divided by it (false) or left alone.
fn premultiply_step(from: Premultiplication, to: Premultiplication) -> Option<bool> {
    match (from, to) {
        (Premultiplication::Unpremultiplied, Premultiplication::Premultiplied) => Some(true),
        (Premultiplication::Premultiplied, Premultiplication::Unpremultiplied) => Some(false),
        _ => None,
    }
}

fn remultiply(rgba: &mut [f32], from: Premultiplication, to: Premultiplication) {
    let Some(multiply) = premultiply_step(from, to) else { return };
    for p in rgba.chunks_exact_mut(4) {
        let alpha = p[3];
        for v in &mut p[..3] {
            if multiply {
                *v *= alpha;
            } else if alpha != 0.0 {
                *v /= alpha;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LAYOUTS: [RowLayout; 3] = [
        RowLayout { negative: false, padding: 0 },
        RowLayout { negative: true, padding: 0 },
        RowLayout { negative: true, padding: 13 },
    ];

    fn ramp(format: PixelFormat) -> HostImage {
        let rgba: Vec<f32> = (0u8..3 * 2 * 4).map(|i| f32::from(i) / 255.0).collect();
        HostImage::from_rgba(3, 2, &rgba, format).expect("small").at(-1, 5)
    }

    #[test]
    fn y_counts_upwards_whatever_the_sign_of_the_row_bytes() {
        let image = ramp(PixelFormat::FLOAT_RGBA);
        for layout in LAYOUTS {
            let copy = image.converted(image.format(), layout).expect("small");
            assert_eq!(copy.row_bytes() < 0, layout.negative);
            assert!(copy.same_pixels(&image));
            assert_eq!(copy.pixel(-1, 6), Some([0.0, 1.0 / 255.0, 2.0 / 255.0, 3.0 / 255.0]), "the top row is y2 - 1");
            assert_eq!(copy.to_rgba(), image.to_rgba());
            assert_eq!(copy.pixel(-2, 6), None);
            assert_eq!(copy.pixel(-1, 7), None);
        }
    }

    #[test]
    fn every_depth_and_channel_set_survives_the_way_through_floats() {
        for &depth in BitDepth::ALL {
            for &components in Components::ALL {
                let image = ramp(PixelFormat::new(depth, components));
                let back = HostImage::from_rgba(3, 2, &image.to_rgba(), image.format()).expect("small").at(-1, 5);
                assert!(image.same_pixels(&back), "{depth:?} {components:?}");
            }
        }
    }

    #[test]
    fn integers_are_rounded_and_clamped() {
        let format = PixelFormat::new(BitDepth::Byte, Components::Rgba);
        let image = HostImage::from_rgba(1, 1, &[-1.0, 2.0, f32::NAN, 0.499 / 255.0], format).expect("small");
        assert_eq!(image.row(0), [0, 255, 0, 0]);
    }

    #[test]
    fn premultiplication_goes_both_ways() {
        let straight = HostImage::from_rgba(1, 1, &[0.5, 1.0, 2.0, 0.25], PixelFormat::FLOAT_RGBA).expect("small");
        let format = PixelFormat { premultiplication: Premultiplication::Premultiplied, ..PixelFormat::FLOAT_RGBA };
        let multiplied = straight.converted(format, RowLayout::default()).expect("small");
        assert_eq!(multiplied.to_rgba(), [0.125, 0.25, 0.5, 0.25]);
        let back = multiplied.converted(PixelFormat::FLOAT_RGBA, RowLayout::default()).expect("small");
        assert!(back.same_pixels(&straight));
    }

    #[test]
    fn an_impossible_size_is_an_error() {
        let huge = RectI::new(i32::MIN, i32::MIN, i32::MAX, i32::MAX);
        assert!(HostImage::new(huge, PixelFormat::FLOAT_RGBA).is_err());
    }

    #[test]
    fn half_scale_takes_the_nearest_pixel() {
        let rgba: Vec<f32> = (0u8..16).flat_map(|i| [f32::from(i); 4]).collect();
        let image = HostImage::from_rgba(4, 4, &rgba, PixelFormat::FLOAT_RGBA).expect("small");
        let half = image.scaled((0.5, 0.5)).expect("small");
        assert_eq!(half.bounds(), RectI::new(0, 0, 2, 2));
        assert_eq!(half.pixel(0, 0), image.pixel(1, 1));
        assert_eq!(half.pixel(1, 1), image.pixel(3, 3));
    }
}

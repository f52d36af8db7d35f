//! Images lent by the host: checked once, then rows of bytes. They go back when dropped, or at the action's end.

use std::{ops::Deref, ptr, slice};

use parking_lot::Mutex;

use super::{
    clip::ClipSlot,
    error::{Error, Result},
    pixels::{self, Rgba},
    property::Props,
    suites::{Handle, Suites},
};
use crate::{
    BitDepth, Components, Field, Premultiplication, RectI, Status, props, sys::generic::core::OfxPropertySetStruct,
};

/// A side longer than this is taken for a mistake of the host: it is 16 times the widest film scan.
const LONGEST_SIDE: usize = 1 << 18;

/// What is known of an image.
#[derive(Clone, Debug, PartialEq)]
pub struct ImageInfo {
    /// The pixels that are there. They differ from image to image, and rows count upwards from `y1`.
    pub bounds: RectI,
    /// The pixels that could be there; the bounds where the host does not say.
    pub region_of_definition: RectI,
    /// From a row to the one above, in bytes; negative where the picture lies top first.
    pub row_bytes: isize,
    /// Whether the host counts rows downwards, against the standard: MLT does where its property `mlt_origin` is 1, and then
    /// its row bytes are positive. Here rows count upwards all the same.
    pub top_first: bool,
    /// How a channel is stored.
    pub depth: BitDepth,
    /// The channels.
    pub components: Components,
    /// How colour and alpha are combined, where the host says.
    pub premultiplication: Option<Premultiplication>,
    /// The lines that are there.
    pub field: Field,
    /// Width of a pixel over its height.
    pub pixel_aspect_ratio: f64,
    /// Its size over the full size, across and up.
    pub render_scale: (f64, f64),
    /// Names the picture: the same string, the same pixels.
    pub unique_id: Option<String>,
    /// Its colourspace, where the host speaks the 1.5 colour management.
    pub colourspace: Option<String>,
}

impl ImageInfo {
    fn read(image: &Props<'_>, clip: &Props<'_>, name: &str) -> Result<Self> {
        let wrong = |what: String| Error::Format(format!("The image of the clip “{name}” {what}"));
        let missing = |what: &str| wrong(format!("has no {what}: the host does not follow the standard"));
        let own_or_clip = |property| image.c_string(property).or_else(|| clip.c_string(property));
        let bounds = image.rect_i(props::IMAGE_PROP_BOUNDS).ok_or_else(|| missing("bounds"))?;
        let (width, height) = (bounds.width(), bounds.height());
        if width > LONGEST_SIDE || height > LONGEST_SIDE {
            return Err(wrong(format!("claims {width}×{height} pixels, which cannot be")));
        }
        let depth = own_or_clip(props::PROP_PIXEL_DEPTH).ok_or_else(|| missing("pixel depth"))?;
        let depth = BitDepth::from_cstr(&depth).ok_or_else(|| wrong(format!("has an unknown depth, {depth:?}")))?;
        let components = own_or_clip(props::PROP_COMPONENTS).ok_or_else(|| missing("components"))?;
        let components = Components::from_cstr(&components)
            .ok_or_else(|| wrong(format!("has unknown components, {components:?}: give it RGBA, RGB or Alpha")))?;
        let row_bytes = image.int(props::IMAGE_PROP_ROW_BYTES).ok_or_else(|| missing("row bytes"))?;
        let row_bytes = isize::try_from(row_bytes).map_err(|_| missing("usable row bytes"))?;
        let needed = width * pixels::pixel_bytes(depth, components);
        if height > 1 && row_bytes.unsigned_abs() < needed {
            return Err(wrong(format!("has rows of {row_bytes} bytes, too few for {width} pixels ({needed})")));
        }
        Ok(Self {
            bounds,
            region_of_definition: image.rect_i(props::IMAGE_PROP_REGION_OF_DEFINITION).unwrap_or(bounds),
            row_bytes,
            top_first: false,
            depth,
            components,
            premultiplication: own_or_clip(props::PROP_PRE_MULTIPLICATION)
                .and_then(|s| Premultiplication::from_cstr(&s)),
            field: image.c_string(props::IMAGE_PROP_FIELD).and_then(|s| Field::from_cstr(&s)).unwrap_or(Field::None),
            pixel_aspect_ratio: positive(image.double(props::IMAGE_PROP_PIXEL_ASPECT_RATIO)),
            render_scale: image
                .point(props::PROP_RENDER_SCALE)
                .map_or((1.0, 1.0), |(x, y)| (positive(Some(x)), positive(Some(y)))),
            unique_id: image.string(props::IMAGE_PROP_UNIQUE_IDENTIFIER),
            colourspace: clip.string(props::IMAGE_CLIP_PROP_COLOURSPACE),
        })
    }

    /// Bytes of a pixel.
    #[must_use]
    pub fn pixel_bytes(&self) -> usize {
        pixels::pixel_bytes(self.depth, self.components)
    }

    /// Bytes of a row's pixels, which may be fewer than lie between two rows.
    #[must_use]
    pub fn row_len(&self) -> usize {
        if self.bounds.height() == 0 { 0 } else { self.bounds.width() * self.pixel_bytes() }
    }

    /// Where a row starts, in bytes from the data pointer; none outside the bounds, or where there are no pixels and
    /// therefore no pointer to trust.
    fn row_offset(&self, y: i32) -> Option<isize> {
        let from = if self.top_first {
            i64::from(self.bounds.y2) - 1 - i64::from(y)
        } else {
            i64::from(y) - i64::from(self.bounds.y1)
        };
        let up = isize::try_from(from).ok()?;
        (y >= self.bounds.y1 && y < self.bounds.y2 && self.row_len() > 0).then(|| up * self.row_bytes)
    }

    /// Where `len` pixels from `x` on meet a row: from which of its pixels, to which of the others, how many.
    fn overlap(&self, x: i32, len: usize) -> Option<(usize, usize, usize)> {
        let len = i64::try_from(len).ok()?;
        let (x, x1, x2) = (i64::from(x), i64::from(self.bounds.x1), i64::from(self.bounds.x2));
        let (start, end) = (x.max(x1), (x + len).min(x2));
        if start >= end {
            return None;
        }
        Some((usize::try_from(start - x1).ok()?, usize::try_from(start - x).ok()?, usize::try_from(end - start).ok()?))
    }
}

fn positive(value: Option<f64>) -> f64 {
    value.filter(|v| v.is_finite() && *v > 0.0).unwrap_or(1.0)
}

struct Live {
    handle: Handle<OfxPropertySetStruct>,
    memory: (usize, usize),
    writable: bool,
}

/// The images that an action has on loan.
pub(crate) struct Loans<'a> {
    suites: &'a Suites,
    live: Mutex<Vec<Live>>,
}

impl<'a> Loans<'a> {
    pub(crate) fn new(suites: &'a Suites) -> Self {
        Self { suites, live: Mutex::default() }
    }

    fn give_back(&self, handle: Handle<OfxPropertySetStruct>) {
        let mut live = self.live.lock();
        if let Some(i) = live.iter().position(|l| l.handle == handle) {
            live.swap_remove(i);
        }
        drop(live);
        release(self.suites, handle);
    }
}

/// An image that was leaked goes back here; a `Borrowed` borrows the loans, so none is in use any more.
impl Drop for Loans<'_> {
    fn drop(&mut self) {
        for live in self.live.get_mut().drain(..) {
            release(self.suites, live.handle);
        }
    }
}

fn release(suites: &Suites, handle: Handle<OfxPropertySetStruct>) {
    if let Some(release) = suites.effect.clipReleaseImage {
        // SAFETY: the handle came from `clipGetImage` and is given back once.
        unsafe { release(handle.0) };
    }
}

/// An image on loan, with its memory checked.
struct Borrowed<'a> {
    info: ImageInfo,
    data: *mut u8,
    handle: Handle<OfxPropertySetStruct>,
    loans: &'a Loans<'a>,
}

// SAFETY: through a shared `Borrowed` the memory is only read, and `loans` is reached only by its drop, which needs
// ownership. Whoever writes does so through `&mut OutputImage`, whose memory overlaps no other image on loan.
unsafe impl Sync for Borrowed<'_> {}

impl Drop for Borrowed<'_> {
    fn drop(&mut self) {
        self.loans.give_back(self.handle);
    }
}

impl<'a> Borrowed<'a> {
    fn fetch(loans: &'a Loans<'a>, clip: &ClipSlot, time: f64, writable: bool) -> Result<Option<Self>> {
        let suites = loans.suites;
        let (Some(get), Some(clip_handle)) = (suites.effect.clipGetImage, clip.handle) else { return Ok(None) };
        if !time.is_finite() {
            return Err(Error::Failed(format!("There is no frame at time {time}")));
        }
        let mut image = ptr::null_mut();
        // SAFETY: the clip is the host's own, a null region means all of it, the place outlives the call.
        let status = unsafe { get(clip_handle.0, time, ptr::null(), &raw mut image) };
        if status == Status::MEMORY.0 {
            return Err(Error::Memory(format!("for the image of the clip “{}”", clip.spec.name)));
        }
        let Some(handle) = Handle::new(image).filter(|_| status == Status::OK.0) else { return Ok(None) };
        let props = Props::new(&suites.property, handle);
        let checked = ImageInfo::read(&props, &clip.props(suites), clip.spec.name).and_then(|info| {
            let top_first = suites.info.name == "MLT" && info.row_bytes > 0;
            let info = ImageInfo { top_first, ..info };
            let data = props.pointer(props::IMAGE_PROP_DATA).unwrap_or(ptr::null_mut()).cast::<u8>();
            let memory = extent(&info, data, clip.spec.name)?;
            Ok((info, data, memory))
        });
        let (info, data, memory) = match checked {
            Ok(checked) => checked,
            Err(error) => {
                release(suites, handle);
                return Err(error);
            }
        };
        let mut live = loans.live.lock();
        if live.iter().any(|l| (l.writable || writable) && l.memory.0 < memory.1 && memory.0 < l.memory.1) {
            drop(live);
            release(suites, handle);
            let name = clip.spec.name;
            return Err(Error::Failed(format!("The image of the clip “{name}” is already in use by this render")));
        }
        live.push(Live { handle, memory, writable });
        drop(live);
        Ok(Some(Self { info, data, handle, loans }))
    }

    fn row(&self, y: i32) -> &[u8] {
        let Some(offset) = self.info.row_offset(y) else { return &[] };
        // SAFETY: `extent` checked that every row of the bounds lies in the host's buffer as the host described it,
        // and no writer shares it (see `Sync`).
        unsafe { slice::from_raw_parts(self.data.offset(offset), self.info.row_len()) }
    }

    /// # Safety
    /// No other reference to the row may live.
    unsafe fn row_mut(&self, y: i32) -> &'a mut [u8] {
        let Some(offset) = self.info.row_offset(y) else { return &mut [] };
        // SAFETY: as in `row`; the caller vouches that it is the only reference.
        unsafe { slice::from_raw_parts_mut(self.data.offset(offset), self.info.row_len()) }
    }

    fn read_rgba(&self, x: i32, y: i32, out: &mut [Rgba]) {
        out.fill([0.0; 4]);
        let Some((from, to, len)) = self.info.overlap(x, out.len()) else { return };
        let bytes = self.info.pixel_bytes();
        if let Some(row) = self.row(y).get(from * bytes..(from + len) * bytes) {
            pixels::read_row(self.info.depth, self.info.components, row, &mut out[to..to + len]);
        }
    }

    fn to_rgba(&self, window: RectI) -> Result<Vec<Rgba>> {
        let (width, height) = (window.width(), window.height());
        let mut all = Vec::new();
        all.try_reserve_exact(width.saturating_mul(height))
            .map_err(|_| Error::Memory(format!("for {width}×{height} pixels")))?;
        all.resize(width * height, [0.0; 4]);
        if width > 0 {
            for (y, row) in (window.y1..window.y2).zip(all.chunks_exact_mut(width)) {
                self.read_rgba(window.x1, y, row);
            }
        }
        Ok(all)
    }
}

/// The addresses that an image takes, if they can be true.
fn extent(info: &ImageInfo, data: *mut u8, name: &str) -> Result<(usize, usize)> {
    if info.bounds.is_empty() {
        return Ok((0, 0));
    }
    let wrong = |what| Error::Format(format!("The image of the clip “{name}” {what}"));
    if data.is_null() {
        return Err(wrong("has no pixels: the host passed a null pointer"));
    }
    let rows_up = isize::try_from(info.bounds.height() - 1).ok();
    let last = rows_up.and_then(|n| n.checked_mul(info.row_bytes));
    let ends = last.and_then(|last| {
        let first = data.addr();
        let start = first.checked_add_signed(last.min(0))?;
        let end = first.checked_add_signed(last.max(0))?.checked_add(info.row_len())?;
        (end - start <= isize::MAX.unsigned_abs()).then_some((start, end))
    });
    ends.ok_or_else(|| wrong("does not fit into memory: its size or row bytes are wrong"))
}

/// An image to read from.
pub struct InputImage<'a>(Borrowed<'a>);

impl<'a> InputImage<'a> {
    pub(crate) fn fetch(loans: &'a Loans<'a>, clip: &ClipSlot, time: f64) -> Result<Option<Self>> {
        Ok(Borrowed::fetch(loans, clip, time, false)?.map(Self))
    }

    /// A row's bytes, for `y` in the bounds; empty outside.
    #[must_use]
    pub fn row(&self, y: i32) -> &[u8] {
        self.0.row(y)
    }

    /// Reads a run of a row from (`x`, `y`) on; what lies outside the bounds is zero.
    pub fn read_rgba(&self, x: i32, y: i32, out: &mut [Rgba]) {
        self.0.read_rgba(x, y, out);
    }

    /// A window's pixels, bottom row first; what lies outside the bounds is zero.
    ///
    /// # Errors
    /// When there is not enough memory.
    pub fn to_rgba(&self, window: RectI) -> Result<Vec<Rgba>> {
        self.0.to_rgba(window)
    }
}

impl Deref for InputImage<'_> {
    type Target = ImageInfo;

    fn deref(&self) -> &ImageInfo {
        &self.0.info
    }
}

/// A row of an image to fill.
pub struct OutputRow<'a> {
    info: &'a ImageInfo,
    bytes: &'a mut [u8],
}

impl OutputRow<'_> {
    /// All of its pixels, where they are four floats each, to be written in place.
    pub fn rgba_mut(&mut self) -> Option<&mut [Rgba]> {
        if (self.info.depth, self.info.components) != (BitDepth::Float, Components::Rgba) {
            return None;
        }
        // SAFETY: any bytes are floats, and all floats are bytes.
        let (before, pixels, after) = unsafe { self.bytes.align_to_mut::<Rgba>() };
        (before.is_empty() && after.is_empty()).then_some(pixels)
    }

    /// Writes a run of it from `x` on; what lies outside the bounds is left out.
    pub fn write_rgba(&mut self, x: i32, pixels: &[Rgba]) {
        let Some((to, from, len)) = self.info.overlap(x, pixels.len()) else { return };
        let bytes = self.info.pixel_bytes();
        if let Some(row) = self.bytes.get_mut(to * bytes..(to + len) * bytes) {
            pixels::write_row(self.info.depth, self.info.components, &pixels[from..from + len], row);
        }
    }
}

/// The image to fill.
pub struct OutputImage<'a>(Borrowed<'a>);

impl<'a> OutputImage<'a> {
    pub(crate) fn fetch(loans: &'a Loans<'a>, clip: &ClipSlot, time: f64) -> Result<Option<Self>> {
        Ok(Borrowed::fetch(loans, clip, time, true)?.map(Self))
    }

    /// A row's bytes, for `y` in the bounds; empty outside.
    #[must_use]
    pub fn row(&self, y: i32) -> &[u8] {
        self.0.row(y)
    }

    /// A row's bytes, to be written, for `y` in the bounds; empty outside.
    #[must_use]
    pub fn row_mut(&mut self, y: i32) -> &mut [u8] {
        // SAFETY: `&mut self` for as long as the row lives, so nobody else has one.
        unsafe { self.0.row_mut(y) }
    }

    /// Every row, bottom first, so that threads may share them out.
    pub fn rows_mut(&mut self) -> impl DoubleEndedIterator<Item = OutputRow<'_>> {
        let image = &self.0;
        (image.info.bounds.y1..image.info.bounds.y2).map(|y| {
            // SAFETY: `&mut self` for as long as the rows live; each `y` comes once; rows do not overlap, since
            // `ImageInfo::read` refuses row bytes shorter than a row.
            let bytes = unsafe { image.row_mut(y) };
            OutputRow { info: &image.info, bytes }
        })
    }

    /// Reads a run of a row from (`x`, `y`) on; what lies outside the bounds is zero.
    pub fn read_rgba(&self, x: i32, y: i32, out: &mut [Rgba]) {
        self.0.read_rgba(x, y, out);
    }

    /// A window's pixels, bottom row first; what lies outside the bounds is zero.
    ///
    /// # Errors
    /// When there is not enough memory.
    pub fn to_rgba(&self, window: RectI) -> Result<Vec<Rgba>> {
        self.0.to_rgba(window)
    }

    /// Writes a run of a row from (`x`, `y`) on; what lies outside the bounds is left out.
    pub fn write_rgba(&mut self, x: i32, y: i32, pixels: &[Rgba]) {
        // SAFETY: `&mut self` for as long as the row lives, so nobody else has one.
        let bytes = unsafe { self.0.row_mut(y) };
        OutputRow { info: &self.0.info, bytes }.write_rgba(x, pixels);
    }

    /// Fills every pixel with zeros: black, and transparent where there is alpha.
    pub fn fill_zero(&mut self) {
        for row in self.rows_mut() {
            row.bytes.fill(0);
        }
    }

    /// Copies the pixels that both images have, and zeroes the rest: bit for bit where depth and components are the
    /// same, whatever the order of the rows; through `f32` where they differ.
    pub fn copy_from(&mut self, source: &InputImage<'_>) {
        let same = (self.depth, self.components) == (source.depth, source.components);
        let bytes = self.pixel_bytes();
        let bounds = self.bounds;
        let overlap = source.overlap(bounds.x1, bounds.width());
        let mut pixels = if same { Vec::new() } else { vec![[0.0; 4]; bounds.width()] };
        for y in bounds.y1..bounds.y2 {
            if !same {
                source.read_rgba(bounds.x1, y, &mut pixels);
                let inside = overlap.filter(|_| !source.row(y).is_empty()).map_or(0..0, |(_, to, len)| to..to + len);
                self.row_mut(y).fill(0);
                let start = i32::try_from(inside.start).unwrap_or(0);
                self.write_rgba(bounds.x1.saturating_add(start), y, &pixels[inside]);
                continue;
            }
            let row = self.row_mut(y);
            let part = overlap.and_then(|(from, to, len)| {
                let part = source.row(y).get(from * bytes..(from + len) * bytes)?;
                Some((to * bytes, part))
            });
            match part {
                Some((to, part)) if part.len() == row.len() && to == 0 => row.copy_from_slice(part),
                Some((to, part)) => {
                    row.fill(0);
                    row[to..to + part.len()].copy_from_slice(part);
                }
                None => row.fill(0),
            }
        }
    }
}

impl Deref for OutputImage<'_> {
    type Target = ImageInfo;

    fn deref(&self) -> &ImageInfo {
        &self.0.info
    }
}

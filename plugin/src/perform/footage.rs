//! Where a node's known frames come from: the host's clip, or a file where the host gives the current frame alone.

use std::{
    cell::{OnceCell, RefCell},
    path::Path,
    rc::Rc,
    sync::Arc,
};

use ofx::{
    BitDepth, RectI,
    plugin::{Changed, Clip, Cx, Effect, Error, InputImage, Render, Result},
};
use pickup_model::{Encoding, Frame, Kept, Shot, diffusion::shown};

use super::{agreement, failed, handles::Handles};
use crate::{
    cadence::Cadence,
    colour::{ColourParams, frame_of, frame_of_picture},
    engine::{Name, engine},
    nodes::params::{look::noise_of, source::SourceParams},
    timeline::{Timeline, as_time, frame_number},
};
use pickup_clips::{ClipReader, Picture};

/// Told to the user where there is nothing to work from.
pub const NO_NEIGHBOURS: &str = "This host gives a filter no neighbouring frames, so no frame can be made from them. Set \
                                 “Source file” to the clip's own file.";

/// The actions that may fetch images.
pub trait Images {
    /// A clip's image at a time; none where the host has none.
    fn image(&self, clip: Clip, time: f64) -> Result<Option<InputImage<'_>>>;
}

impl<E: Effect> Images for Render<'_, E> {
    fn image(&self, clip: Clip, time: f64) -> Result<Option<InputImage<'_>>> {
        Render::image(self, clip, time)
    }
}

impl<E: Effect> Images for Changed<'_, E> {
    fn image(&self, clip: Clip, time: f64) -> Result<Option<InputImage<'_>>> {
        Changed::image(self, clip, time)
    }
}

/// The shape every known frame must have.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Shape {
    /// The pixels of a whole frame.
    pub window: RectI,
    /// Values a pixel.
    pub channels: usize,
    /// What they stand for.
    pub encoding: Encoding,
    /// Width of a pixel over its height.
    pub aspect: f64,
}

impl Shape {
    /// The shape of an image of the clip, or the one that `window` would have.
    pub fn of<E: Effect>(
        cx: &Cx<'_, E>,
        clip: Clip,
        colour: &ColourParams,
        image: Option<&InputImage<'_>>,
        window: RectI,
    ) -> Result<Self> {
        if let Some(image) = image {
            let encoding = colour.encoding(cx.host(), image);
            let (channels, aspect) = (image.components.channels(), image.pixel_aspect_ratio);
            return Ok(Self { window, channels, encoding, aspect });
        }
        let info = cx.clip(clip)?;
        let channels = info.components().map_or(4, ofx::Components::channels);
        let float = info.depth().is_none_or(|d| matches!(d, BitDepth::Float | BitDepth::Half));
        let encoding = colour.encoding_of(cx.host(), float, info.colourspace().as_deref());
        Ok(Self { window, channels, encoding, aspect: info.pixel_aspect_ratio().unwrap_or(1.0) })
    }
}

/// Frames that a search looks at, at most, to each side of where it starts: where a clip ends is not always known.
const LONGEST_SEARCH: i64 = 20_000;

enum Supply {
    Host,
    File {
        reader: Arc<ClipReader>,
        /// What a frame's number in the file is more than its time.
        offset: i64,
    },
    /// The host gives the frame at this time alone.
    Current(i64),
}

/// A frame as it came, before anything is made of it.
enum Raw<'a> {
    Image(InputImage<'a>),
    /// From a file, with the width of its pixels over their height.
    Picture(Arc<Picture>, f64),
}

/// A clip's frames by number.
pub struct Footage<'a> {
    images: &'a dyn Images,
    clip: Clip,
    supply: Supply,
    timeline: Timeline,
    shape: Shape,
    /// Frames that follow the clip's own.
    handles: OnceCell<Handles>,
    /// What was fetched last, by its number: a frame is often asked for twice.
    fetched: RefCell<Kept<i64, Option<Rc<Raw<'a>>>>>,
    /// What was converted last.
    converted: RefCell<Kept<i64, Frame>>,
}

/// Fetched frames that are kept: an edge of a gap, and those next to it.
const FETCHED: usize = 4;
/// Bytes of converted frames that are kept, though always as many as one made frame is made from: damage is judged by nine frames
/// together, and those next to it are then used.
const CONVERTED: usize = 256 << 20;

impl<'a> Footage<'a> {
    /// The frames of a clip, for a button that searches them; none where the host gives a button no pictures.
    ///
    /// # Errors
    /// When there are none to be seen here.
    pub fn to_search<E: Effect>(
        cx: &'a Changed<'_, E>,
        clip: Clip,
        source: &SourceParams,
        colour: &ColourParams,
    ) -> Result<Option<Self>> {
        let Some(image) = cx.image(clip, cx.time())? else {
            // Measured by others in DaVinci Resolve 14 and 17: a button gets no picture of any frame.
            let (now, cut) = (frame_number(cx.time()), Timeline::told(cx, clip)?.cut());
            let elsewhere = cut.map_or([now - 1, now + 1], <[i64; 2]>::from);
            let has_others = elsewhere.iter().any(|frame| matches!(cx.image(clip, as_time(*frame)), Ok(Some(_))));
            if !has_others {
                return Ok(None);
            }
            return Err(Error::Failed("There is no picture here to search from: move to a frame of the clip".into()));
        };
        let shape = Shape::of(cx, clip, colour, Some(&image), image.region_of_definition)?;
        let told = (cx.time(), Timeline::inside(cx, clip, cx.time())?);
        let footage = Self::new(cx, cx, clip, Some(source), shape, told)?;
        if !footage.has_neighbours() {
            return Err(Error::Failed(NO_NEIGHBOURS.into()));
        }
        Ok(Some(footage))
    }

    /// The clip's first and last frame. Where the host does not say which they are, those that it gives in a row on both sides
    /// of `now`.
    ///
    /// # Errors
    /// When the user stopped the search.
    pub fn ends(&self, now: i64) -> Result<(i64, i64)> {
        match self.timeline.cut() {
            Some(cut) => Ok((cut.0.max(now - LONGEST_SEARCH), cut.1.min(now + LONGEST_SEARCH))),
            None => Ok((self.last_towards(-1, now)?, self.last_towards(1, now)?)),
        }
    }

    /// The last frame in a row that is there, from `now` on in steps of `step`.
    fn last_towards(&self, step: i64, now: i64) -> Result<i64> {
        for far in 1..=LONGEST_SEARCH {
            if if_any(self.exists(now + step * far))? != Some(true) {
                return Ok(now + step * (far - 1));
            }
        }
        Ok(now + step * LONGEST_SEARCH)
    }

    /// The frames of a clip, from the host or, where it has only the current one, from the file that the user names. What
    /// `timeline` says at the current time holds for the host's.
    ///
    /// # Errors
    /// When the file cannot be opened.
    pub fn new<E: Effect>(
        images: &'a dyn Images,
        cx: &Cx<'_, E>,
        clip: Clip,
        source: Option<&SourceParams>,
        shape: Shape,
        (time, timeline): (f64, Timeline),
    ) -> Result<Self> {
        if cx.host().temporal_access {
            return Ok(Self::of(images, clip, Supply::Host, timeline, shape));
        }
        let Some(source) = source.filter(|source| source.is_named()) else {
            return Ok(Self::of(images, clip, Supply::Current(frame_number(time)), timeline, shape));
        };
        // The effect's time starts at 0 where the clip starts.
        Self::of_file(images, clip, source.file.trim(), (-i64::from(source.offset), 0), shape)
    }

    /// The frames of a file, whose first stands at the time `at`, for a clip that starts at `start`.
    ///
    /// # Errors
    /// When the file cannot be opened.
    pub fn of_file(
        images: &'a dyn Images,
        clip: Clip,
        file: &str,
        (at, start): (i64, i64),
        shape: Shape,
    ) -> Result<Self> {
        let reader = engine().reader(Path::new(file))?;
        let (first, last) = (reader.info().first(), reader.info().last());
        let offset = first - at;
        let timeline = Timeline::of_file((first - offset, last - offset), start);
        Ok(Self::of(images, clip, Supply::File { reader, offset }, timeline, shape))
    }

    fn of(images: &'a dyn Images, clip: Clip, supply: Supply, timeline: Timeline, shape: Shape) -> Self {
        let a_frame = shape.window.width() * shape.window.height() * shape.channels * size_of::<f32>();
        let converted = RefCell::new(Kept::new(CONVERTED.max(FETCHED * a_frame)));
        let (handles, fetched) = (OnceCell::new(), RefCell::new(Kept::new(FETCHED)));
        Self { images, clip, supply, timeline, shape, handles, fetched, converted }
    }

    /// Whether other frames than the current one can be had.
    pub fn has_neighbours(&self) -> bool {
        !matches!(self.supply, Supply::Current(_))
    }

    /// What is known of the clip's frames.
    pub fn timeline(&self) -> &Timeline {
        &self.timeline
    }

    /// Goes on with these frames where the clip's own end.
    pub(super) fn go_on_with(&self, handles: Handles) {
        self.handles.get_or_init(|| handles);
        // What the host shows there was looked at.
        self.fetched.borrow_mut().clear();
        self.converted.borrow_mut().clear();
    }

    /// Whether a frame is one that follows the clip's own.
    pub fn is_handle(&self, frame: i64) -> bool {
        self.handles.get().is_some_and(|handles| handles.number(frame).is_some())
    }

    /// The frame that the host has; none where it has none.
    pub(super) fn of_host(&self, frame: i64) -> Result<Option<Frame>> {
        if !self.timeline.may_have(frame) {
            return Ok(None);
        }
        self.host_image(frame)?.map(|image| self.whole(&Raw::Image(image))).transpose()
    }

    /// The frame that a file has of a number, in the shape of the clip's; none where it has none.
    pub(super) fn of_file_at(&self, reader: &ClipReader, number: i64) -> Result<Option<Frame>> {
        file_raw(reader, number)?.map(|raw| self.whole(&raw)).transpose()
    }

    /// Whether the clip has a picture there.
    ///
    /// # Errors
    /// When the host cannot say.
    pub fn exists(&self, frame: i64) -> Result<bool> {
        Ok(self.timeline.may_have(frame)
            && match &self.supply {
                Supply::Current(now) => frame == *now,
                Supply::File { reader, offset } => reader.info().frames.contains(frame + offset),
                Supply::Host => match self.raw(frame) {
                    Err(Error::Format(_)) => true,
                    raw => raw?.is_some(),
                },
            })
    }

    /// The frame's pixels; none where the clip has a hole or ends.
    ///
    /// # Errors
    /// When the frame differs in size from the one being made, or cannot be read.
    pub fn frame(&self, frame: i64) -> Result<Option<Frame>> {
        if let Some(frame) = self.converted.borrow_mut().recall(&frame) {
            return Ok(Some(frame));
        }
        let Some(raw) = self.raw(frame)? else { return Ok(None) };
        let whole = self.whole(&raw)?;
        self.converted.borrow_mut().keep(frame, whole.clone(), size_of_val(whole.pixels()));
        Ok(Some(whole))
    }

    /// The frame as a video model of this size is shown it.
    ///
    /// # Errors
    /// As [`frame`](Self::frame).
    pub fn shrunk(&self, frame: i64, size: (usize, usize)) -> Result<Option<Frame>> {
        let Some(raw) = self.raw(frame)? else { return Ok(None) };
        let shrink = || shown(&self.same(frame, &raw)?, size).map_err(failed);
        engine().shrunk(self.named(&raw), size, shrink).map(Some)
    }

    /// The frame's noise, as the host has it: what a model is shown is too small to show any grain.
    ///
    /// # Errors
    /// As [`frame`](Self::frame).
    pub fn noise(&self, frame: i64) -> Result<Option<f32>> {
        let Some(raw) = self.raw(frame)? else { return Ok(None) };
        engine().noise(self.named(&raw), || Ok(noise_of(&self.same(frame, &raw)?))).map(Some)
    }

    /// The shot whose missing frame stands at a time in a cycle, after its picture at the place `before`: both pictures about it at
    /// their true times, and one further out on each side, which tells how motion curves.
    ///
    /// # Errors
    /// As [`frame`](Self::frame).
    pub fn between(&self, cycle: &Cadence, before: usize, time: f64) -> Result<Shot> {
        let near = before.saturating_sub(1)..=before + 2;
        let mut shot = Shot::new();
        for (stands, frame) in cycle.pictures().iter().enumerate().filter(|(i, _)| near.contains(i)).map(|(_, p)| p) {
            if let Some(picture) = self.frame(*frame)? {
                shot = shot.known(*stands, picture).map_err(failed)?;
            }
        }
        Ok(shot.missing(time))
    }

    /// What tells a frame from every other: two that are the same bit for bit have the same name; none where it is not there.
    ///
    /// # Errors
    /// When the user stopped the work.
    pub fn name(&self, frame: i64) -> Result<Option<Name>> {
        Ok(if_any(self.raw(frame))?.flatten().map(|raw| self.named(&raw)))
    }

    /// Where frames come from a file: checks that the one of a time is the host's own. `damaged` where the host's may be one that
    /// is to be replaced: it tells little then, and what the good frames beside it told counts.
    ///
    /// # Errors
    /// When it is not, with what does not fit.
    pub fn check(&self, source: &SourceParams, now: i64, damaged: bool) -> Result<()> {
        let Supply::File { .. } = self.supply else { return Ok(()) };
        let Some(host) = self.host_image(now)? else { return Ok(()) };
        let host = agreement::small(&self.whole(&Raw::Image(host))?)?;
        let found = agreement::check(&host, source.offset, damaged, |later| {
            let frame = if_any(self.frame(now + later))?.flatten();
            frame.map(|frame| agreement::small(&frame)).transpose()
        });
        let clip = (source.file.trim().to_owned(), source.offset);
        match &found {
            Ok(()) if damaged => return engine().doubted(&clip).map_or(Ok(()), |why| Err(Error::Failed(why))),
            Ok(()) => engine().doubt(clip, None),
            Err(Error::Failed(why)) => engine().doubt(clip, Some(why.clone())),
            Err(_) => {}
        }
        found
    }

    /// A fetched frame as it is converted, which it may have been.
    fn same(&self, frame: i64, raw: &Raw<'_>) -> Result<Frame> {
        self.converted.borrow_mut().recall(&frame).map_or_else(|| self.whole(raw), Ok)
    }

    fn raw(&self, frame: i64) -> Result<Option<Rc<Raw<'a>>>> {
        if let Some(raw) = self.fetched.borrow_mut().recall(&frame) {
            return Ok(raw);
        }
        let raw = self.fetch(frame)?.map(Rc::new);
        self.fetched.borrow_mut().keep(frame, raw.clone(), 1);
        Ok(raw)
    }

    fn fetch(&self, frame: i64) -> Result<Option<Raw<'a>>> {
        if let Some(handles) = self.handles.get()
            && let Some(number) = handles.number(frame)
        {
            return file_raw(&handles.reader, number);
        }
        if !self.timeline.may_have(frame) {
            return Ok(None);
        }
        match &self.supply {
            Supply::File { reader, offset } => file_raw(reader, frame + offset),
            Supply::Current(now) if frame != *now => Ok(None),
            Supply::Host | Supply::Current(_) => Ok(self.host_image(frame)?.map(Raw::Image)),
        }
    }

    /// A fetched frame, for others to be made of. What is no number, or without end, is missing there, and filled from around: it
    /// would spread with all that is moved and mixed.
    fn whole(&self, raw: &Raw<'_>) -> Result<Frame> {
        let Shape { window, channels, encoding, aspect: own } = self.shape;
        let frame = match raw {
            Raw::Image(image) => frame_of(image, window, encoding)?,
            Raw::Picture(picture, aspect) => frame_of_picture(picture, encoding, window, channels, *aspect / own)?,
        };
        frame.mended().map_err(failed)
    }

    /// Names a frame by its bytes and by all that says how they are read.
    fn named(&self, raw: &Raw<'_>) -> Name {
        Name::new(|tell| {
            tell(format!("{:?}", self.shape).as_bytes());
            match raw {
                Raw::Image(image) => {
                    let read = (image.bounds, image.depth, image.components, image.premultiplication);
                    tell(format!("{read:?}").as_bytes());
                    (image.bounds.y1..image.bounds.y2).for_each(|y| tell(image.row(y)));
                }
                Raw::Picture(picture, aspect) => {
                    let alpha = (picture.has_alpha(), picture.premultiplied());
                    let read = (picture.size(), alpha, picture.pixels().depth(), aspect.to_bits());
                    tell(format!("{read:?}").as_bytes());
                    picture.pixels().for_bytes(tell);
                }
            }
        })
    }

    fn host_image(&self, frame: i64) -> Result<Option<InputImage<'a>>> {
        let Some(image) = self.images.image(self.clip, as_time(frame))? else { return Ok(None) };
        let (area, wanted) = (image.region_of_definition, self.shape.window);
        // Beyond a clip's ends Natron gives images of other bounds; what does not touch the picture is no picture.
        if image.bounds.intersect(wanted).is_empty() {
            return Ok(None);
        }
        let fits = (area.width(), area.height()) == (wanted.width(), wanted.height());
        // Where the clip ends is not known: this is beyond it.
        if !fits && self.timeline.cut().is_none() {
            return Ok(None);
        }
        if !fits {
            return Err(Error::Format(format!(
                "Frame {frame} is {}x{}, but the frame being made is {}x{}: bring the clip to one size before this \
                 effect",
                area.width(),
                area.height(),
                wanted.width(),
                wanted.height()
            )));
        }
        if image.components.channels() != self.shape.channels {
            return Err(Error::Format(format!(
                "Frame {frame} has {} channels, but the frame being made has {}",
                image.components.channels(),
                self.shape.channels
            )));
        }
        Ok(Some(image))
    }
}

fn file_raw<'a>(reader: &ClipReader, number: i64) -> Result<Option<Raw<'a>>> {
    match reader.frame(number) {
        Ok(picture) => Ok(Some(Raw::Picture(picture, reader.info().pixel_aspect))),
        Err(error) if error.is_missing() => Ok(None),
        Err(error) => Err(Error::new(error)),
    }
}

/// What only helps and is done without where it cannot be had; a user's stop stays one.
///
/// # Errors
/// When the user stopped the work.
pub fn if_any<T>(result: Result<T>) -> Result<Option<T>> {
    match result {
        Err(Error::Aborted) => Err(Error::Aborted),
        Err(_) => Ok(None),
        Ok(value) => Ok(Some(value)),
    }
}

//! Where a plan is performed: one render of a node, with the clips' frames, the fillers and the output.

use std::{
    cell::{Cell, OnceCell, RefCell},
    path::Path,
    sync::Arc,
};

use ofx::plugin::{Clip, Effect as _, MessageKind, Render, Result};
use pickup_clips::naming;
use pickup_model::{Brief, Encoding, Frame, Made, Shot};

use super::{
    Node, Of, View, clip_of, failed,
    footage::{Footage, Shape, if_any},
    needs_others,
    show::nothing_of,
    watch::HostWatch,
};
use crate::{
    colour,
    engine::{Motion, engine},
    nodes::params::source::SourceParams,
    plan::{Edge, Input, Plan, Scene, Shown},
    provenance::{Maker, Origin},
    timeline::{as_time, frame_number, hides_trims},
};

/// One render of a node.
pub struct Stage<'r, 'c, N: Node> {
    /// The host's side of it.
    pub cx: &'r Render<'c, Of<N>>,
    /// The parameters at its time.
    pub params: &'r N::Params,
    /// What the plan is made from.
    pub scene: Scene<'r>,
    /// The frame that tells what the clip's frames are like: one that was announced to the host.
    like: i64,
    shape: OnceCell<Shape>,
    footage: [OnceCell<Footage<'r>>; 2],
    /// Whether the user was told something of this frame.
    said: Cell<bool>,
    /// What words of the prompt were taken for.
    taken: RefCell<Option<String>>,
    /// What the frame was made by, as far as that is known.
    origin: RefCell<Origin>,
}

impl<'r, 'c, N: Node> Stage<'r, 'c, N> {
    pub(super) fn new(
        cx: &'r Render<'c, Of<N>>,
        params: &'r N::Params,
        scene: Scene<'r>,
        plan: &Plan<N::Made>,
    ) -> Self {
        let now = scene.number();
        let announced = plan.from.iter().find(|(input, _)| *input == Input::First).map(|(_, frames)| *frames.start());
        let like = announced.filter(|_| cx.host().temporal_access).unwrap_or(now);
        Self {
            cx,
            params,
            scene,
            like,
            shape: OnceCell::new(),
            footage: Default::default(),
            said: Cell::new(false),
            taken: RefCell::default(),
            origin: RefCell::new(Origin::of_given(Maker::Editing)),
        }
    }

    /// What the output shows of the plan.
    #[must_use]
    pub fn view(&self) -> View {
        N::common(self.params).view
    }

    fn source(&self) -> Option<&'r SourceParams> {
        N::common(self.params).source
    }

    /// Whether the clip's frames come from a file that the user named, because the host gives the current one alone.
    pub(super) fn has_file(&self) -> bool {
        !self.cx.host().temporal_access && !self.scene.alone && self.source().is_some()
    }

    /// Whether the second clip, which looks connected, has none of the frames that a plan needs of it.
    pub(super) fn lacks_next(&self, plan: &Plan<N::Made>) -> Result<bool> {
        if !self.scene.has(Input::Next) {
            return Ok(false);
        }
        let mut wanted: Vec<i64> =
            plan.from.iter().filter(|(input, _)| *input == Input::Next).flat_map(|(_, run)| run.clone()).collect();
        if matches!(plan.shown, Shown::Own(Input::Next)) {
            wanted.push(self.scene.number());
        }
        let (clip, mut lacks) = (self.clip(Input::Next)?, !wanted.is_empty());
        for frame in wanted {
            lacks = lacks && self.cx.image(clip, as_time(frame))?.is_none();
        }
        Ok(lacks)
    }

    fn clip(&self, input: Input) -> Result<Clip> {
        let input = if self.scene.has(Input::Next) { input } else { Input::First };
        let clip = clip_of::<N>(self.cx, input)?;
        clip.ok_or_else(|| ofx::plugin::Error::Failed("The clip that this is to be made from is not connected".into()))
    }

    /// The shape of the clips' frames in this render: as large as the output.
    ///
    /// # Errors
    /// When there is no output.
    pub fn shape(&self) -> Result<Shape> {
        if let Some(shape) = self.shape.get() {
            return Ok(*shape);
        }
        let (clip, colour) = (self.clip(Input::First)?, N::common(self.params).colour);
        let image = self.cx.image(clip, as_time(self.like))?;
        let shape = Shape::of(self.cx, clip, colour, image.as_ref(), self.cx.output()?.bounds)?;
        Ok(*self.shape.get_or_init(|| shape))
    }

    /// The frames of a clip.
    ///
    /// # Errors
    /// When the file that they come from cannot be opened.
    pub fn footage(&self, input: Input) -> Result<&Footage<'r>> {
        let cell = &self.footage[input as usize];
        if let Some(footage) = cell.get() {
            return Ok(footage);
        }
        let (clip, shape) = (self.clip(input)?, self.shape()?);
        let footage = match N::file(self.params, &self.scene, input)? {
            Some((file, times)) => Footage::of_file(self.cx, clip, file, times, shape)?,
            None => {
                let told = (self.cx.time(), *self.scene.timeline(input));
                Footage::new(self.cx, self.cx, clip, self.source(), shape, told)?
            }
        };
        Ok(cell.get_or_init(|| footage))
    }

    /// How many frames the first clip's own file has after its last good one, where the host tells which file that is and shows
    /// others there. They are the clip's from then on.
    ///
    /// # Errors
    /// When the user stopped the work.
    pub fn take_handles(&self, last: i64) -> Result<i64> {
        let (Some(file), Some(said)) = (self.cx.source_file(), self.cx.source_frame()) else { return Ok(0) };
        let file = naming::of_span(Path::new(&file)).unwrap_or_else(|| file.into());
        // What cannot be read here, such as a camera's own format, has no handles here.
        let Ok(reader) = engine().reader(&file) else { return Ok(0) };
        self.footage(Input::First)?.take_handles(reader, (self.scene.number(), said.into()), last)
    }

    /// What to ask of the motion filler.
    #[must_use]
    pub fn brief(&self) -> Brief {
        N::common(self.params).quality.brief(self.cx.flags())
    }

    /// Follows the work on the frame, with the host's progress bar and stop button.
    #[must_use]
    pub fn watch(&self) -> HostWatch<'r, 'c, Of<N>> {
        HostWatch::new(self.cx, format!("{}: frame {}", Of::<N>::META.label(), self.cx.time()))
    }

    /// Makes the one missing frame of a shot by motion.
    ///
    /// # Errors
    /// When it cannot be made, or the user stopped it.
    pub fn make(&self, shot: &Shot) -> Result<Arc<Made>> {
        self.comes_from(Origin::of_given(Maker::Motion));
        self.by_motion(|motion| motion.make(shot, &self.brief(), &self.watch()))
    }

    /// Notes what the frame is made by: of several, the one that invents most.
    pub(super) fn comes_from(&self, origin: Origin) {
        let mut known = self.origin.borrow_mut();
        if origin.by >= known.by {
            *known = origin;
        }
    }

    /// Whether a network made something of the frame: that may be one that stands for a frame that the clip lacks.
    pub(super) fn is_by_a_network(&self) -> bool {
        self.origin.borrow().by > Maker::Editing
    }

    /// Tells the host what the frame was made by, and signs it where the user wants that.
    pub(super) fn tell_origin(&self) -> Result<()> {
        let origin = self.origin.borrow();
        self.cx.note(&origin.to_note());
        if N::common(self.params).marks_made { self.sign(origin.by) } else { Ok(()) }
    }

    /// Does some work by motion, on the device that the user chose, and tells them if that failed.
    ///
    /// # Errors
    /// When it cannot be done, or the user stopped it.
    pub fn by_motion<T>(&self, work: impl FnOnce(&Motion<'_>) -> crate::engine::Result<T>) -> Result<T> {
        let chosen = N::common(self.params).motion;
        let motion = engine().motion_on(chosen.device).by_rife(&chosen.model);
        let done = work(&motion)?;
        if let Some(trouble) = motion.trouble() {
            self.warn(&trouble);
        }
        Ok(done)
    }

    /// Tells the user, until a frame is made without a word.
    pub fn warn(&self, text: &str) {
        self.said.set(true);
        let taken = self.taken.borrow();
        let text = taken.as_ref().map_or_else(|| text.to_owned(), |taken| format!("{text} {taken}"));
        self.cx.set_persistent_message(MessageKind::Warning, &text);
    }

    /// Tells the user what the words of a prompt were taken for, beside whatever else is said of the frame.
    pub fn tell_taken(&self, taken: &[(String, String)]) {
        let pairs: Vec<String> = taken.iter().map(|(word, means)| format!("“{word}” for “{means}”")).collect();
        *self.taken.borrow_mut() = (!pairs.is_empty()).then(|| format!("The model took {}.", pairs.join(", ")));
    }

    /// Takes back what the user was told of other frames, if nothing was said of this one.
    pub(super) fn takes_back(&self) {
        match &*self.taken.borrow() {
            _ if self.said.get() => {}
            Some(taken) => self.cx.set_persistent_message(MessageKind::Message, taken),
            None => self.cx.clear_persistent_message(),
        }
    }

    /// A frame of a clip.
    ///
    /// # Errors
    /// When there is none, or it cannot be read.
    pub fn frame(&self, input: Input, frame: i64) -> Result<Frame> {
        match self.footage(input)?.frame(frame)? {
            Some(frame) => Ok(frame),
            None if self.lacks(input, frame) => self.stand_in(input, frame),
            None => Err(nothing_of(input, frame, self.scene.timeline(input))),
        }
    }

    /// The known frame next to a gap.
    ///
    /// # Errors
    /// As [`frame`](Self::frame).
    pub fn edge(&self, edge: Edge) -> Result<Frame> {
        self.frame(edge.input, edge.frame)
    }

    /// The clip's own frame of this time; where it has none, nothing that can be seen.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn own_or_clear(&self) -> Result<Frame> {
        let now = self.scene.number();
        if let Some(frame) = self.footage(Input::First)?.frame(now)? {
            return Ok(frame);
        }
        // Where it is not known where the clip ends, it may have: what is made goes on alone.
        if self.scene.has(Input::First) && self.is_inside(Input::First, now) == Some(true) {
            return self.stand_in(Input::First, now);
        }
        let Shape { window, encoding, .. } = self.shape()?;
        let (width, height) = (window.width(), window.height());
        Frame::new(width, height, 4, encoding, vec![0.0; width * height * 4]).map_err(failed)
    }

    /// The clip's own frame of this time, as a video model of a size is shown it; none where there is none.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn own_shrunk(&self, size: (usize, usize)) -> Result<Option<Frame>> {
        if !self.scene.has(Input::First) {
            return Ok(None);
        }
        self.footage(Input::First)?.shrunk(self.scene.number(), size)
    }

    /// Shows what a plan says.
    pub(super) fn show(&self, shown: &Shown<N::Made>) -> Result<()> {
        let (view, now) = (self.view(), self.scene.number());
        if view == View::Matte {
            let stands_in = match shown {
                Shown::Own(input) => !self.footage(*input)?.exists(now)? && self.lacks(*input, now),
                _ => false,
            };
            return self.even(if stands_in || N::is_made(self, shown)? { 1.0 } else { 0.0 });
        }
        if let (true, Some(source)) = (self.has_file() && needs_others(shown), self.source()) {
            let replaces = matches!(shown, Shown::Made(made) if N::replaces(made));
            self.footage(Input::First)?.check(source, now, replaces)?;
        }
        if let (Shown::Own(_), true, Some(source)) = (shown, self.has_file(), self.source())
            && N::borders(self.params, &self.scene)?
        {
            // What does not fit is said where a frame is made of the file's.
            if_any(self.footage(Input::First).and_then(|footage| footage.check(source, now, false)))?;
        }
        match shown {
            Shown::Made(made) => N::fill(self, made),
            _ if view == View::Confidence => self.even(1.0),
            Shown::Held(frame) if self.passes(*frame)? => self.pass(Input::First, *frame),
            Shown::Held(frame) => self.put(&self.frame(Input::First, *frame)?),
            Shown::Own(input) if N::file(self.params, &self.scene, *input)?.is_some() => {
                match self.footage(*input)?.frame(now)? {
                    Some(frame) => self.put(&frame),
                    None => self.pass(Input::First, now),
                }
            }
            Shown::Own(input) => self.pass(*input, now),
            Shown::Outside | Shown::Unseen => self.pass(Input::First, now),
        }
    }

    /// Whether the host itself has the first clip's frame.
    fn passes(&self, frame: i64) -> Result<bool> {
        Ok(self.cx.host().temporal_access && !self.footage(Input::First)?.is_handle(frame))
    }

    /// Whether the first clip has no frame of this time.
    pub(super) fn is_hole(&self) -> Result<bool> {
        Ok(self.cx.host().temporal_access && !self.footage(Input::First)?.exists(self.scene.number())?)
    }

    /// Copies a clip's frame to the output bit for bit. Beyond the clip, or where it is not known which frames it has, the output is
    /// transparent black where there is none.
    ///
    /// # Errors
    /// When the clip should have the frame, and has it not, and nothing stands for it.
    fn pass(&self, input: Input, frame: i64) -> Result<()> {
        // A host may ask between frames, and means the frame that it has there.
        let time = if frame == frame_number(self.cx.time()) { self.cx.time() } else { as_time(frame) };
        let image = match self.clip(input) {
            Ok(clip) => self.cx.image(clip, time)?,
            Err(_) => None,
        };
        match image {
            Some(image) => self.cx.output()?.copy_from(&image),
            None if self.lacks(input, frame) => return self.put(&self.stand_in(input, frame)?),
            None => self.cx.output()?.fill_zero(),
        }
        Ok(())
    }

    /// Whether a frame that the host does not have should be there: it lies inside what the host says is the clip. A host that does not
    /// say, or gives one frame alone, has the effect only where the clip is.
    fn lacks(&self, input: Input, frame: i64) -> bool {
        let untold = || self.scene.told[input as usize].frames().is_none() || hides_trims(self.cx.host());
        let is_current = || untold() && frame == self.scene.number();
        self.clip(input).is_ok() && self.is_inside(input, frame).unwrap_or_else(is_current)
    }

    /// Whether a frame lies inside what the host says is the clip; none where it does not say.
    fn is_inside(&self, input: Input, frame: i64) -> Option<bool> {
        let cut = self.scene.timeline(input).cut().filter(|_| self.cx.host().temporal_access);
        cut.map(|(first, last)| (first..=last).contains(&frame))
    }

    /// Writes a frame of the host's own pixels, as large as the output.
    ///
    /// # Errors
    /// When there is no output.
    pub fn put(&self, frame: &Frame) -> Result<()> {
        colour::write(frame, &mut self.cx.output()?);
        Ok(())
    }

    /// Shows a frame that motion made, or how sure it is of it.
    ///
    /// # Errors
    /// When there is no output.
    pub fn show_made(&self, made: &Made) -> Result<()> {
        if self.view() != View::Confidence {
            return self.put(&made.frame);
        }
        colour::write_map(&made.confidence, &mut self.cx.output()?);
        Ok(())
    }

    /// Fills the output with one value, opaque.
    fn even(&self, value: f32) -> Result<()> {
        let mut output = self.cx.output()?;
        let window = output.bounds;
        let (width, height) = (window.width(), window.height());
        let map = Frame::new(width, height, 1, Encoding::Display, vec![value; width * height]).map_err(failed)?;
        colour::write_map(&map, &mut output);
        Ok(())
    }
}

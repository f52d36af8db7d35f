//! Frames rendered by an instance, one after the other, and which of them are a clip's own.

use std::{borrow::Cow, collections::HashSet, path::Path, sync::Arc};

use ofx::host::{self, HostImage, Instance, MessageKind, RenderError, render_range};
use pickup::provenance::Origin;
use pickup_clips::{ClipReader, Depth, Picture, frame_list::FrameList};

use super::{
    CliError,
    progress::{self, Bar},
    source::{Axis, ClipSource, brought_to, to_picture},
};

/// A node at work on whole pictures, or on one field of each.
pub(super) struct Part {
    pub(super) instance: Instance,
    pub(super) sources: Vec<Arc<ClipSource>>,
}

impl Part {
    pub(super) fn check_sources(&self) -> Result<(), CliError> {
        match self.sources.iter().find_map(|s| s.broken()) {
            Some(broken) => Err(CliError::Failed(broken)),
            None => Ok(()),
        }
    }

    /// A frame that could not be read is the cause, whatever came of it.
    fn explain(&self, error: RenderError) -> CliError {
        match (error, self.check_sources()) {
            (RenderError::Cancelled, _) => CliError::Cancelled,
            (_, Err(cause)) => cause,
            (error, Ok(())) => error.into(),
        }
    }

    /// Renders from one of the host's times to another, and gives each frame with its time.
    fn render(
        &self,
        ends: (i32, i32),
        done: &mut dyn FnMut(usize),
        sink: &mut dyn FnMut(f64, &HostImage) -> Result<(), CliError>,
    ) -> Result<(), CliError> {
        let cancel = self.instance.cancel_handle();
        let mut stopped = None;
        let result = render_range(
            &self.instance,
            host::RenderArgs::at(0.0),
            ends,
            &cancel,
            |at| done(at.done),
            |time, image| {
                // The renderer has no word for this error, and stops at any.
                self.check_sources().and_then(|()| sink(time, &image)).map_err(|error| {
                    stopped = Some(error);
                    RenderError::Cancelled
                })
            },
        );
        match stopped {
            Some(error) => Err(error),
            None => result.map_err(|error| self.explain(error)),
        }
    }
}

/// Frames to be rendered, and the clips they are of.
pub(super) struct Job<'a> {
    /// One for whole pictures, or one for the top fields and one for the bottom fields.
    pub(super) parts: &'a [Part],
    /// The clips whose frames may come back as they are, and how many frames later than their numbers say these stand.
    pub(super) clips: &'a [(&'a ClipReader, i64)],
    /// Where the host's times have the frames.
    pub(super) axis: Axis,
    pub(super) keep_alpha: bool,
    /// The node shows the clip's frames at other times than their own.
    pub(super) retimes: bool,
}

/// A frame that came from an instance.
pub(super) struct Taken<'a> {
    pub(super) number: i64,
    pub(super) picture: Arc<Picture>,
    /// It is a frame of a clip as it was, and has the further channels of that.
    pub(super) kept: bool,
    /// The file that holds it, if it is kept and has one of its own.
    pub(super) file: Option<&'a Path>,
    /// How it came about, if it is not kept and the node told.
    pub(super) origin: Option<Origin>,
}

/// The most frames whose top fields wait for their bottom fields.
const WAITING: i64 = 16;

impl<'a> Job<'a> {
    /// Renders the frames and gives each to `sink`, in order.
    pub(super) fn render(
        &self,
        frames: &FrameList,
        bar: &mut Bar,
        mut sink: impl FnMut(Taken<'a>) -> Result<(), CliError>,
    ) -> Result<(), CliError> {
        let total = usize::try_from(frames.len()).unwrap_or(usize::MAX);
        let mut before = 0;
        for range in frames.ranges() {
            let (first, last) = (*range.start(), *range.end());
            match self.parts {
                [part] => {
                    let mut done = |done| bar.update(before + done, total);
                    part.render(self.ends(first, last), &mut done, &mut |time, image| {
                        let origin = Origin::of_note(&image.note);
                        self.settle(time, to_picture(image, self.keep_alpha)?, origin).and_then(&mut sink)
                    })?;
                }
                parts => {
                    for first in (first..=last).step_by(WAITING as usize) {
                        self.weave(parts, (first, last.min(first + WAITING - 1)), &mut sink)?;
                        bar.update(before + (first - range.start()) as usize, total);
                    }
                }
            }
            before += range.count();
        }
        Ok(())
    }

    /// The host's times of two frames. Frame numbers of lists fit; see `frame_list::MAX_FRAME`.
    fn ends(&self, first: i64, last: i64) -> (i32, i32) {
        (self.axis.time(first) as i32, self.axis.time(last) as i32)
    }

    /// Renders both fields of some frames, and gives the frames.
    fn weave(
        &self,
        parts: &[Part],
        (first, last): (i64, i64),
        sink: &mut dyn FnMut(Taken<'a>) -> Result<(), CliError>,
    ) -> Result<(), CliError> {
        let mut fields = Vec::new();
        for part in parts {
            let mut pictures = Vec::new();
            part.render(self.ends(first, last), &mut |_| {}, &mut |time, image| {
                pictures.push((time, to_picture(image, self.keep_alpha)?, Origin::of_note(&image.note)));
                Ok(())
            })?;
            fields.push(pictures.into_iter());
        }
        let [tops, bottoms] = &mut fields[..] else { return Ok(()) };
        for ((time, top, first), (_, bottom, second)) in tops.zip(bottoms) {
            // One field may be the clip's own.
            let origin = first.or(second);
            self.settle(time, Picture::weave(&top, &bottom)?, origin).and_then(&mut *sink)?;
        }
        Ok(())
    }

    /// A picture as it came, or the clip's own frame, if it is that.
    fn settle(&self, time: f64, picture: Picture, origin: Option<Origin>) -> Result<Taken<'a>, CliError> {
        let number = self.axis.number(time);
        let shown = match (self.retimes, self.parts) {
            (true, [part, ..]) => part.instance.is_identity(time)?.map(|identity| self.axis.number(identity.time)),
            _ => Some(number),
        };
        for (clip, later) in self.clips {
            let shown = shown.map(|shown| shown - later);
            let Some(known) = shown.and_then(|shown| clip.frame(shown).ok()) else { continue };
            if same(&known, clip.info().depth, &picture) {
                let file = shown.and_then(|shown| clip.file_of(shown));
                return Ok(Taken { number, picture: known, kept: true, file, origin: None });
            }
        }
        Ok(Taken { number, picture: Arc::new(picture), kept: false, file: None, origin })
    }
}

/// Whether what came from a node is the clip's own frame, which the host was given in the depth of the clip's first: in that depth
/// or in the one that the host works in.
fn same(known: &Picture, depth: Depth, picture: &Picture) -> bool {
    if known.size() != picture.size() {
        return false;
    }
    let same = |a: &Picture, b: &Picture| a.pixels().same_bits(b.pixels());
    let alike = (known.has_alpha(), known.depth()) == (picture.has_alpha(), depth);
    let given = if alike {
        Cow::Borrowed(known)
    } else {
        Cow::Owned(brought_to(known, depth, picture.has_alpha(), picture.premultiplied()))
    };
    if picture.depth() == depth {
        return same(&given, picture);
    }
    same(&given, &picture.to_depth(depth)) || same(&given.to_depth(picture.depth()), picture)
}

/// What the nodes said, each thing once. What they said of a failure is in the error already.
pub(super) fn say_messages(parts: &[Part]) {
    let mut said = HashSet::new();
    for message in parts.iter().flat_map(|part| part.instance.messages()) {
        let worth = matches!(message.kind, MessageKind::Warning | MessageKind::Message) && !message.is_status();
        if worth && said.insert(message.text.clone()) {
            progress::note(&message.text);
        }
    }
}

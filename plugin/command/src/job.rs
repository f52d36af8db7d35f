//! Frames rendered by an instance, one after the other, and which of them are a clip's own.

use std::{collections::HashSet, path::Path, sync::Arc};

use ofx::host::{self, HostImage, Instance, MessageKind, RenderError, render_range};
use pickup_clips::{ClipReader, Picture, frame_list::FrameList};

use super::{
    CliError,
    progress::{self, Bar},
    source::{Axis, ClipSource, to_picture},
};

/// What an instance renders, and the clips it reads.
pub(super) struct Job<'a> {
    pub(super) instance: &'a Instance,
    /// The clips whose frames may come back as they are.
    pub(super) clips: &'a [&'a ClipReader],
    pub(super) sources: &'a [Arc<ClipSource>],
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
}

impl<'a> Job<'a> {
    /// Renders the frames and gives each to `sink`, in order.
    pub(super) fn render(
        &self,
        frames: &FrameList,
        bar: &mut Bar,
        mut sink: impl FnMut(Taken<'a>) -> Result<(), CliError>,
    ) -> Result<(), CliError> {
        let total = usize::try_from(frames.len()).unwrap_or(usize::MAX);
        let cancel = self.instance.cancel_handle();
        let mut done = 0;
        for range in frames.ranges() {
            // Frame numbers of lists fit; see `frame_list::MAX_FRAME`.
            let ends = (self.axis.time(*range.start()) as i32, self.axis.time(*range.end()) as i32);
            let mut stopped = None;
            let result = render_range(
                self.instance,
                host::RenderArgs::at(0.0),
                ends,
                &cancel,
                |at| bar.update(done + at.done, total),
                |time, image| {
                    let taken = self.take(time, &image).and_then(&mut sink);
                    // The renderer has no word for this error, and stops at any.
                    taken.map_err(|error| {
                        stopped = Some(error);
                        RenderError::Cancelled
                    })
                },
            );
            if let Some(error) = stopped {
                return Err(error);
            }
            result.map_err(|error| self.explain(error))?;
            done += range.count();
        }
        Ok(())
    }

    fn take(&self, time: f64, image: &HostImage) -> Result<Taken<'a>, CliError> {
        self.check_sources()?;
        let number = self.axis.number(time);
        let picture = to_picture(image, self.keep_alpha)?;
        let shown = match self.retimes {
            true => self.instance.is_identity(time)?.map(|identity| self.axis.number(identity.time)),
            false => Some(number),
        };
        for clip in self.clips {
            let Some(known) = shown.and_then(|shown| clip.frame(shown).ok()) else { continue };
            if same(&known, &picture) {
                let file = shown.and_then(|shown| clip.file_of(shown));
                return Ok(Taken { number, picture: known, kept: true, file });
            }
        }
        Ok(Taken { number, picture: Arc::new(picture), kept: false, file: None })
    }

    fn check_sources(&self) -> Result<(), CliError> {
        check_sources(self.sources)
    }

    /// A frame that could not be read is the cause, whatever came of it.
    fn explain(&self, error: RenderError) -> CliError {
        match (error, self.check_sources()) {
            (RenderError::Cancelled, _) => CliError::Cancelled,
            (_, Err(cause)) => cause,
            (error, Ok(())) => error.into(),
        }
    }
}

/// Whether what came from a node is the clip's own frame; where the host works in another depth, in that of the clip.
fn same(known: &Picture, picture: &Picture) -> bool {
    let like = (picture.depth() != known.depth()).then(|| picture.to_depth(known.depth()));
    let picture = like.as_ref().unwrap_or(picture);
    (known.size(), known.has_alpha()) == (picture.size(), picture.has_alpha())
        && known.pixels().same_bits(picture.pixels())
}

pub(super) fn check_sources(sources: &[Arc<ClipSource>]) -> Result<(), CliError> {
    match sources.iter().find_map(|s| s.broken()) {
        Some(broken) => Err(CliError::Failed(broken)),
        None => Ok(()),
    }
}

/// What the node said, each thing once. What it said of a failure is in the error already.
pub(super) fn say_messages(instance: &Instance) {
    let mut said = HashSet::new();
    for message in instance.messages() {
        let worth = matches!(message.kind, MessageKind::Warning | MessageKind::Message);
        if worth && said.insert(message.text.clone()) {
            progress::note(&message.text);
        }
    }
}

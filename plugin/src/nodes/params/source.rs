//! Where a clip's frames come from in hosts that give the current one alone.

/// The parameters of a node that needs neighbouring frames.
#[derive(ofx::Params, Clone, Debug, PartialEq)]
pub struct SourceParams {
    /// The clip's own file: this host gives a filter no neighbouring frames, and they are read from there. A
    /// video file, or a sequence such as `shot.%04d.png`. Video files need ffmpeg. The project must run at the clip's own
    /// frame rate.
    #[param(id = "sourceFile", mlt_id = "filename", label = "Source file", text = "file", shown_in = "alone")]
    pub file: String,
    /// Frames to skip at the file's start, when the clip on the timeline was trimmed there.
    #[param(id = "sourceOffset", label = "Source offset", default = 0, range = -2_140_000_000..=2_140_000_000, display = 0..=100_000, shown_in = "alone")]
    pub offset: i32,
}

impl SourceParams {
    /// Whether a file is named.
    #[must_use]
    pub fn is_named(&self) -> bool {
        !self.file.trim().is_empty()
    }
}

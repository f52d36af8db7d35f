//! Where a clip's frames come from in hosts that give the current one alone.

/// The parameters of a node that needs neighbouring frames.
#[derive(ofx::Params, Clone, Debug, PartialEq)]
pub struct SourceParams {
    /// The clip's own file, for hosts that give a filter no neighbouring frames (Kdenlive, Shotcut and all of MLT): a
    /// video file, or a sequence such as `shot.%04d.png`. Video files need ffmpeg. The project must run at the clip's own
    /// frame rate. Other hosts do not use it.
    #[param(id = "sourceFile", label = "Source file", text = "file")]
    pub file: String,
    /// Frames to skip at the file's start, when the clip on the timeline was trimmed there.
    #[param(id = "sourceOffset", label = "Source offset", default = 0, range = -100_000_000..=100_000_000, display = 0..=100_000)]
    pub offset: i32,
}

impl SourceParams {
    /// Whether a file is named.
    #[must_use]
    pub fn is_named(&self) -> bool {
        !self.file.trim().is_empty()
    }
}

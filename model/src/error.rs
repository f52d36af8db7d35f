//! What can go wrong in the model, in words an editor understands.

use std::path::PathBuf;

/// Why a filler could not make a frame.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A weight file could not be read.
    #[error("the weights {path} could not be read ({reason}); reinstall the plugin or put the file back")]
    WeightsUnreadable {
        /// The file.
        path: PathBuf,
        /// What the reader said.
        reason: String,
    },
    /// A weight file is not the one this version needs.
    #[error("the weights {path} do not fit this version of the plugin: {reason}; reinstall the plugin")]
    WeightsMismatch {
        /// The file.
        path: PathBuf,
        /// Which tensor, and what is wrong with it.
        reason: String,
    },
    /// A file that is to hold RIFE's weights does not.
    #[error("{path} holds no weights of RIFE 4.6 to 4.26: {reason}; name the flownet.pkl of one of them")]
    NotRife {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// Two frames that must be alike are not.
    #[error(
        "frame {time} is {found_width}x{found_height}, but the shot is {width}x{height}: bring the clip to one size"
    )]
    SizeChanges {
        /// The frame's time.
        time: f64,
        /// Its width.
        found_width: usize,
        /// Its height.
        found_height: usize,
        /// The shot's width.
        width: usize,
        /// The shot's height.
        height: usize,
    },
    /// A frame's channels differ from its neighbours'.
    #[error("frame {time} has {found} channels, but its neighbours have {wanted}")]
    ChannelsChange {
        /// The frame's time.
        time: f64,
        /// Its channels.
        found: usize,
        /// The others' channels.
        wanted: usize,
    },
    /// There is nothing to start from.
    #[error("no frame of this shot is known, and the {filler} filler needs at least one")]
    NothingKnown {
        /// Which filler.
        filler: &'static str,
    },
    /// A frame was described wrongly.
    #[error("a {width}x{height} frame of {channels} channels needs {} values, not {len}", width * height * channels)]
    FrameData {
        /// Width in pixels.
        width: usize,
        /// Height in pixels.
        height: usize,
        /// Values a pixel.
        channels: usize,
        /// Values given.
        len: usize,
    },
    /// A file of a video model could not be read.
    #[error("the model file {path} could not be read ({reason}); fetch it from its publisher again")]
    ModelUnreadable {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A video model is not one that this version can run.
    #[error("the model {path} cannot be used: {reason}")]
    ModelMismatch {
        /// The folder or file.
        path: PathBuf,
        /// Which setting or tensor, and what is wrong with it.
        reason: String,
    },
    /// A prompt that the model cannot read.
    #[error("the prompt cannot be used: {0}")]
    Prompt(String),
    /// What was asked for is not possible.
    #[error("{0}")]
    Request(String),
    /// The work needs more memory than it may take.
    #[error(
        "{what} needs {:.2} GB of memory, and {:.2} GB may be used: take a smaller size, fewer frames or a smaller \
         model, or raise the limit", *needed as f64 / 1e9, *budget as f64 / 1e9
    )]
    Memory {
        /// The part of the work that needs the most.
        what: &'static str,
        /// Bytes it needs.
        needed: u64,
        /// Bytes there are.
        budget: u64,
    },
    /// The user, or the host, stopped the work.
    #[error("cancelled")]
    Cancelled,
    /// A GPU did not do its part.
    #[error(transparent)]
    Gpu(#[from] pickup_gpu::GpuError),
    /// The network failed: not something an editor can mend.
    #[error("the network failed: {0}")]
    Network(#[from] candle_core::Error),
}

/// A result of this crate.
pub type Result<T> = std::result::Result<T, Error>;

//! How a clip is read, beyond what its name says.

use super::fields::Fields;
use super::reader::DEFAULT_CACHE;
use super::tools::Tools;

/// How a clip is read, beyond what its name says.
#[derive(Clone, Debug)]
pub struct ReadOptions {
    /// Where ffmpeg and ffprobe are.
    pub tools: Tools,
    /// What becomes of the fields of an interlaced video.
    pub fields: Fields,
    /// Bytes of decoded frames that are kept; the latest one is always.
    pub cache_bytes: usize,
    /// The layer or part of EXR files that is the picture, such as `diffuse`; without it R, G, B and A.
    pub layer: Option<String>,
}

impl Default for ReadOptions {
    fn default() -> Self {
        Self { tools: Tools::default(), fields: Fields::default(), cache_bytes: DEFAULT_CACHE, layer: None }
    }
}

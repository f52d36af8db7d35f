//! What a clip's files hold beside their pictures.

use std::path::PathBuf;
use std::sync::Arc;

use super::attributes::Attributes;
use super::dpx::DpxNumbers;

/// What a clip's files hold beside their pictures: a writer that is given it takes over what its format can hold.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Beside {
    /// The ICC colour profile of the first picture.
    pub profile: Option<Arc<[u8]>>,
    /// What all of an EXR sequence's files tell beyond how to read them: chromaticities, owner, a show's own notes.
    pub attributes: Option<Arc<Attributes>>,
    /// The names, in its EXR files, of the channels that were chosen for R, G, B and A: frames that are made have them too.
    pub channels: Option<Arc<[String]>>,
    /// An EXR has pixels outside its display window.
    pub overscan: bool,
    /// What the numbers of a video stand for.
    pub tags: ColourTags,
    /// The sound of a video.
    pub sound: Option<Sound>,
    /// What a video's file says of itself.
    pub notes: Option<Notes>,
    /// Every picture is two fields, which were taken one after the other.
    pub fields: Option<FieldOrder>,
    /// When each frame of a video begins, in seconds from its first: only where they are not evenly spaced.
    pub times: Option<Arc<[f64]>>,
    /// For how many seconds the last of them is shown, where the file tells.
    pub last_length: Option<f64>,
    /// How DPX files store their numbers.
    pub dpx: Option<DpxNumbers>,
    /// Frames that a video's file promises, where it has fewer: it is cut short.
    pub promised: Option<i64>,
    /// Pixels that share one sample of a video's colour, across and down: (2, 2) for 4:2:0. Not for pictures and RGB, which have one each.
    pub chroma: Option<(u8, u8)>,
    /// The files are no RGB: how they store colour, in a word, such as grey.
    pub model: Option<&'static str>,
    /// An EXR's display window does not begin at 0, 0, but here.
    pub corner: Option<(i32, i32)>,
    /// What a PNG tells of its colour and size, chunk by chunk as in the file.
    pub png: Option<Arc<[u8]>>,
    /// Fields were made whole pictures though the file does not say that it has any.
    pub fields_made_up: bool,
    /// The file is an animation, of which the first picture alone is read.
    pub animated: bool,
    /// The frames are JPEG files.
    pub jpeg: bool,
}

/// What the numbers of a video stand for, by the names of ITU-T H.273 that ffprobe gives; `None` where it does not say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ColourTags {
    /// How luma and chroma were made of red, green and blue, such as `bt709`.
    pub matrix: Option<String>,
    /// The transfer curve, such as `smpte2084` (PQ).
    pub transfer: Option<String>,
    /// The chromaticities of red, green and blue, such as `bt2020`.
    pub primaries: Option<String>,
}

impl ColourTags {
    /// Whether this is high dynamic range, or primaries wider than BT.709's: what shows wrong where nothing says so.
    #[must_use]
    pub fn wide(&self) -> bool {
        let is = |tag: &Option<String>, names: &[&str]| tag.as_deref().is_some_and(|tag| names.contains(&tag));
        is(&self.transfer, &["smpte2084", "arib-std-b67", "smpte428"])
            || is(&self.primaries, &["bt2020", "smpte431", "smpte432"])
    }
}

impl std::fmt::Display for ColourTags {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let tags = [&self.matrix, &self.transfer, &self.primaries].map(|tag| tag.as_deref().unwrap_or("unknown"));
        f.write_str(&tags.join(", "))
    }
}

/// Which field of an interlaced picture was taken first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldOrder {
    /// The one that has the top row.
    Top,
    /// The one that has the second row.
    Bottom,
}

/// The sound of a video file.
#[derive(Clone, Debug, PartialEq)]
pub struct Sound {
    /// The file, by its whole name.
    pub file: PathBuf,
    /// The codec of each track, as ffprobe names it.
    pub codecs: Vec<String>,
    /// Seconds from the file's start to its first picture: sound and pictures need not begin together.
    pub lead: f64,
}

/// What a video's file says of itself, and what it holds beside pictures and sound.
#[derive(Clone, Debug, PartialEq)]
pub struct Notes {
    /// The file, by its whole name.
    pub file: PathBuf,
    /// The time code of its first frame.
    pub time_code: Option<String>,
    /// There are a title, a date, a place, or the like.
    pub told: bool,
    /// What else there is, in words: subtitles, chapters, data of the camera.
    pub others: Vec<&'static str>,
}

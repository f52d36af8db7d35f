//! What a file holds beside its pictures, and what of a clip is lost in a file of another kind.

use std::path::Path;

use super::encoder::Container;
use super::naming::StillFormat;
use super::reader::{ClipInfo, ColourHint};

/// What a file holds beside its pictures. None of it is written again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Beside {
    /// There is sound.
    pub sound: bool,
    /// Every picture is two fields, which were taken one after the other.
    pub interlaced: bool,
    /// Some frames stand longer than others.
    pub uneven: bool,
    /// The colour tags of a video in high dynamic range or with wide primaries, as ffprobe names them.
    pub wide: Option<String>,
    /// There is an ICC colour profile.
    pub profile: bool,
    /// An EXR has attributes beyond those that say how to read it: time code, chromaticities, a camera's notes.
    pub attributes: bool,
    /// The frames were compressed with loss, as JPEG.
    pub jpeg: bool,
}

/// What is lost where a clip is written under a name: a sentence for each thing, with what can be done.
#[must_use]
pub fn lost(info: &ClipInfo, out: &Path) -> Vec<String> {
    let (still, video, beside) = (StillFormat::of(out), Container::of(out), &info.beside);
    let no_alpha = still == Some(StillFormat::Jpeg) || video == Some(Container::Mp4);
    let mut lost = Vec::new();
    let mut tell = |happens: bool, what: &str| lost.extend(happens.then(|| what.to_owned()));
    tell(
        info.has_alpha && no_alpha,
        "alpha is not written: this format has none. PNG, TIFF, EXR, .mov and .mkv keep it",
    );
    tell(
        beside.jpeg && still == Some(StillFormat::Jpeg),
        "a JPEG loses a little each time it is written, in frames that were not made too: write PNG, or take those from the input",
    );
    tell(
        info.colour == ColourHint::Linear
            && (video.is_some() || matches!(still, Some(StillFormat::Png | StillFormat::Jpeg))),
        "values are written as they are, and this format is shown as display-referred: scene-linear footage looks too dark \
         in it. Write EXR or TIFF, or convert it first",
    );
    tell(beside.sound && video.is_some(), "sound is not written: take it from the input");
    tell(
        beside.interlaced,
        "the clip is interlaced, and its fields are taken for one picture: made frames mix them, and what is written is not \
         marked as interlaced. Deinterlace the clip first",
    );
    tell(
        beside.uneven && video.is_some(),
        "the clip's frame rate varies, and what is written has the same frames evenly spaced",
    );
    tell(beside.profile, "the colour profile (ICC) of the input is not written: assign it again");
    tell(beside.attributes, "what the EXR files tell beside their pixels, such as time code, is not written");
    if let Some(tags) = &beside.wide {
        tell(
            true,
            &format!("values are written as they are, but without the input's colour tags ({tags}): set them again"),
        );
    }
    lost
}

//! What `pickup render` tells of clips and of what was written: nothing of a clip is lost without a word.

use std::path::Path;

use super::progress;
use pickup_clips::{ClipInfo, ClipKind, ClipReader, ColourHint, DamagedFrames, Picture, frame_list::FrameList};

pub(super) const FIELDS_MIXED: &str = "the clip is interlaced, and its fields are taken for one picture: made frames mix them. \
                            --fields deinterlace, double or film makes whole pictures of them first";

/// Says what of the second clip is not as the first has it.
pub(super) fn difference(first: &ClipReader, second: &ClipReader) {
    let (a, b) = (first.info(), second.info());
    let name = second.name().display();
    let both_video = [a, b].iter().all(|info| info.kind == ClipKind::Video);
    if both_video && a.rate.reduced() != b.rate.reduced() {
        progress::note(&format!(
            "{name} has {:.3} frames a second, and the first clip {:.3}: its frames are taken one by one and play at that \
             rate. Bring it to the rate first: ffmpeg -i IN -r {:.3} OUT",
            b.rate.as_f64(),
            a.rate.as_f64(),
            a.rate.as_f64()
        ));
    }
    if (a.pixel_aspect / b.pixel_aspect - 1.0).abs() > 1e-3 {
        progress::note(&format!(
            "{name} has pixels {:.3} times as wide as high, and the first clip {:.3}: they are taken as they are, and look \
             stretched",
            b.pixel_aspect, a.pixel_aspect
        ));
    }
    if a.beside.tags != b.beside.tags && (a.beside.tags.wide() || b.beside.tags.wide()) {
        progress::note(&format!(
            "{name} has other colour tags ({}) than the first clip ({}): its values are taken as they are",
            b.beside.tags, a.beside.tags
        ));
    }
}

/// Says of a video that it is cut short.
pub(super) fn cut(reader: &ClipReader) {
    let info = reader.info();
    if let Some(promised) = info.beside.promised {
        let (name, there) = (reader.name().display(), info.frames.len());
        progress::note(&format!(
            "{name}: the file is cut short: it promises {promised} frames and holds {there}. Copy or render it again"
        ));
    }
}

/// What a clip's numbers stand for, by the name of the nodes' choice, where its file tells of a curve that is not a display's.
pub(super) fn footage(info: &ClipInfo) -> Option<&'static str> {
    match (info.beside.tags.transfer.as_deref(), info.colour) {
        (Some("smpte2084"), _) => Some("PQ"),
        (Some("arib-std-b67"), _) => Some("HLG"),
        (_, ColourHint::Linear) => Some("Scene-linear"),
        _ => None,
    }
}

/// Whether a video lacks frames.
pub(super) fn lost_any(reader: &ClipReader) -> bool {
    reader.info().kind == ClipKind::Video && !reader.info().missing().is_empty()
}

/// Names the frames that a video lacks, and that are held.
pub(super) fn lost_frames(reader: &ClipReader) {
    if lost_any(reader) {
        let (name, missing) = (reader.name().display(), reader.info().missing());
        progress::note(&format!(
            "{name}: by its time stamps the video lacks the frames {missing}: the frame before stands for each, unless \
             --set missingFrames says otherwise. Repair makes them"
        ));
    }
}

/// Names the frames of a video that its decoder had to guess, and those that were decoded from them. What was written is whole,
/// whatever comes of asking.
pub(super) fn damage(reader: &ClipReader) {
    let DamagedFrames { guessed, after } = reader.damaged().unwrap_or_default();
    if guessed.is_empty() {
        return;
    }
    let name = reader.name().display();
    progress::note(&format!(
        "{name}: the file's data are damaged for these frames: {guessed}. Repair makes them: --set \"frames={guessed}\""
    ));
    if !after.is_empty() {
        progress::note(&format!(
            "{name}: these frames were decoded from damaged ones and may show it too: {after}. Look at them, and list those \
             that do as well, up to where the picture is whole again"
        ));
    }
}

/// Whether a frame has more bits, or alpha where the others have none, than a clip's first; or less of either.
pub(super) fn is_unlike(info: &ClipInfo, picture: &Picture) -> bool {
    (picture.depth(), picture.has_alpha()) != (info.depth, info.has_alpha)
}

pub(super) fn unlike(unlike: &FrameList) {
    if !unlike.is_empty() {
        progress::note(&format!(
            "these frames differ from the clip's first in bits or alpha: {unlike}. They are kept as they are; frames that are made \
             are like the first"
        ));
    }
}

/// What was written, and which of it is not the clip's own, where that is known.
pub(super) fn written(frames: &FrameList, made: Option<&FrameList>, out: &Path) -> String {
    let noun = if frames.len() == 1 { "frame" } else { "frames" };
    let written = format!("{} {noun} ({frames}) written to {}", frames.len(), out.display());
    match made {
        Some(made) if made.is_empty() => format!("{written}, all the clip's own"),
        Some(made) if made.len() < frames.len() => format!("{written}; made: {made}; the others are the clip's own"),
        _ => written,
    }
}

/// Says that frames which were made lack the channels that the clip's own have.
pub(super) fn extras(info: &ClipInfo, made: usize, layer: Option<&str>) {
    let beside_colour = info.channel_names.len() > if info.has_alpha { 4 } else { 3 };
    if beside_colour {
        let made = if made == 1 { "one frame was made and has" } else { "the frames that were made have" };
        let what = layer.map_or("colour and alpha".into(), |layer| format!("the layer {layer}"));
        progress::note(&format!("{made} {what} alone: OpenFX gives no others"));
    }
}

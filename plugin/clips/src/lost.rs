//! What of a clip is lost in the files that are written from it.

use std::path::Path;

use super::attributes::Attributes;
use super::beside::Beside;
use super::codec::{Codec, Container};
use super::convert::Transfer;
use super::dpx::DpxNumbers;
use super::naming::StillFormat;
use super::picture::Depth;
use super::png_chunks;
use super::reader::{ClipInfo, ClipKind, ColourHint};
use super::sound::{Way, way};
use super::still;
use super::writer::WriteOptions;

/// What is lost or changed where a clip is written under a name: a sentence for each thing, with what can be done.
#[must_use]
pub fn lost(info: &ClipInfo, out: &Path, options: &WriteOptions) -> Vec<String> {
    let still = StillFormat::of(out);
    let video = Container::of(out).and_then(|container| Some((container, options.codec_of(out, container).ok()?)));
    let mut told = match (still, video) {
        (Some(format), _) => in_pictures(info, format, options),
        (None, Some((container, codec))) => in_video(info, container, codec, options),
        (None, None) => Vec::new(),
    };
    told.extend(aspect(info, still));
    if info.beside.overscan {
        let kept =
            if still == Some(StillFormat::Exr) { ": frames that are kept have them, made ones do not" } else { "" };
        told.push(format!("pixels outside the EXR's display window (overscan) are not written{kept}"));
    }
    told.extend(worked_in(info, options));
    if info.beside.fields_made_up {
        told.push("the file does not say that it is interlaced: --fields changes its pictures all the same".to_owned());
    }
    told.extend(notes(info, video, options));
    if info.beside.animated {
        let instead = "save it as a GIF or as numbered files for the rest";
        told.push(format!("the input is an animation, and its first picture alone is read: {instead}"));
    }
    told.extend(curve(info, out, options));
    told.extend(fields(info, video));
    told
}

/// What the depth that the node works in costs, where it is asked for and coarser than the clip's.
fn worked_in(info: &ClipInfo, options: &WriteOptions) -> Option<String> {
    let depth = options.depth.filter(|depth| *depth != info.depth)?;
    match (info.depth, depth) {
        (Depth::U16, Depth::F16) if info.bits > 11 => Some(format!(
            "values go through half floats, which tell 11 bits apart, where the input has {}: --depth float keeps them",
            info.bits
        )),
        (Depth::F32, Depth::F16) => Some("values are rounded to half floats, where the input has floats".to_owned()),
        (Depth::F16 | Depth::F32, Depth::U8 | Depth::U16) => Some(
            "values below 0 and above 1 are cut off: integers hold none. --depth half and float keep them".to_owned(),
        ),
        _ => None,
    }
}

fn aspect(info: &ClipInfo, still: Option<StillFormat>) -> Option<String> {
    let lost = still.is_some_and(|format| !matches!(format, StillFormat::Exr | StillFormat::Dpx));
    let aspect = info.pixel_aspect;
    (lost && aspect != 1.0).then(|| {
        format!("pixels are {aspect:.3} times as wide as high, and this format does not say so: EXR, DPX and video do")
    })
}

fn curve(info: &ClipInfo, out: &Path, options: &WriteOptions) -> Option<String> {
    let shown = shown_as_is(out);
    match options.transfer {
        Transfer::LinearToSrgb => Some(
            "scene-linear values are encoded by the sRGB curve, since this format is shown as it is; highlights above white are \
             cut off. --transfer keep writes the numbers themselves"
                .to_owned(),
        ),
        Transfer::SrgbToLinear => Some(
            "display-referred values are made scene-linear by the sRGB curve, as EXR is read. --transfer keep writes the numbers \
             themselves"
                .to_owned(),
        ),
        Transfer::AsIs if info.colour == ColourHint::Linear && shown => Some(
            "values are written as they are, and this format is shown as display-referred: scene-linear footage looks too dark \
             in it"
                .to_owned(),
        ),
        Transfer::AsIs if info.colour == ColourHint::Unknown && StillFormat::of(out) != Some(StillFormat::Dpx) => {
            Some(of_unknown_curve(info, out))
        }
        Transfer::AsIs => None,
    }
}

/// Of a clip whose curve nobody can undo without being told: what its numbers are, where they go as they are.
fn of_unknown_curve(info: &ClipInfo, out: &Path) -> String {
    let told = match (info.beside.dpx, info.beside.dpx.and_then(DpxNumbers::curve)) {
        (None, _) => "they have a curve or primaries of their own".to_owned(),
        (_, None) => "the DPX files do not say by which curve they were made".to_owned(),
        (_, Some(curve)) => format!("the DPX files call them {curve}"),
    };
    let taken = if StillFormat::of(out) == Some(StillFormat::Exr) {
        "EXR is taken for scene-linear"
    } else {
        "what is written is shown as it is"
    };
    format!(
        "values are written as they are: {told}, and {taken}. Name their colour space where you open it; --set \
         footage=Display-referred or Scene-linear says what they are"
    )
}

/// Whether what is written under this name is shown as its numbers stand: all but EXR, and TIFF, which can be either.
fn shown_as_is(out: &Path) -> bool {
    !matches!(StillFormat::of(out), Some(StillFormat::Exr | StillFormat::Tiff))
}

/// The change of curve by which a clip looks the same in the files of this name: none where it is not known what the clip's
/// numbers stand for, as in high dynamic range.
#[must_use]
pub fn usual_transfer(info: &ClipInfo, out: &Path) -> Transfer {
    match info.colour {
        ColourHint::Linear if shown_as_is(out) => Transfer::LinearToSrgb,
        ColourHint::Display
            if StillFormat::of(out) == Some(StillFormat::Exr)
                && !info.beside.tags.wide()
                && info.beside.profile.is_none() =>
        {
            Transfer::SrgbToLinear
        }
        _ => Transfer::AsIs,
    }
}

fn fields(info: &ClipInfo, video: Option<(Container, Codec)>) -> Option<String> {
    let marked = video.is_some_and(|(_, codec)| codec.has_fields());
    (info.beside.fields.is_some() && !marked).then(|| {
        "the pictures are two fields each, and what is written does not say so: .mov, .mkv and H.264 do".to_owned()
    })
}

fn notes(info: &ClipInfo, video: Option<(Container, Codec)>, options: &WriteOptions) -> Vec<String> {
    let Some(notes) = &info.beside.notes else { return Vec::new() };
    let mut told = Vec::new();
    let holds = video.is_some_and(|(container, _)| container != Container::Gif);
    let counts = video.is_some_and(|(container, _)| container.has_tags());
    if notes.time_code.is_some() && !(counts && options.from_start) {
        told.push(match counts {
            true => "the time code is not written: what is written begins at another frame".to_owned(),
            false => "the time code of the video is not written: this format holds none".to_owned(),
        });
    }
    if notes.told && !holds {
        told.push(
            "what the video says of itself, such as title and date, is not written: this format holds none".to_owned(),
        );
    }
    if !notes.others.is_empty() {
        told.push(format!("{} of the input are not written: take them from there", notes.others.join(" and ")));
    }
    told
}

fn in_pictures(info: &ClipInfo, format: StillFormat, options: &WriteOptions) -> Vec<String> {
    let beside = &info.beside;
    let mut told = Vec::new();
    if info.has_alpha && !format.has_alpha() {
        told.push("alpha is not written: this format has none. PNG, TIFF and EXR keep it".to_owned());
    }
    if !format.has_profile() && beside.profile.is_some() {
        let instead = "this format holds none. PNG, TIFF, JPEG and WebP do";
        told.push(format!("the colour profile (ICC) of the input is not written: {instead}"));
    } else if beside.profile.is_some() && options.transfer != Transfer::AsIs {
        told.push("the colour profile (ICC) of the input is not written: the values are others now".to_owned());
    }
    match &beside.attributes {
        Some(attributes) if format != StillFormat::Exr => {
            told.push(
                "what the EXR files tell beside their pixels, such as time code, is not written: only EXR holds it"
                    .to_owned(),
            );
            told.extend(primaries(attributes));
        }
        Some(attributes) if attributes.varying() => told.push(
            "what the EXR files tell of single frames, such as when they were taken, made frames do not have"
                .to_owned(),
        ),
        _ => {}
    }
    let holds = format == StillFormat::Png && options.transfer == Transfer::AsIs;
    if let (Some(chunks), false) = (&beside.png, holds)
        && png_chunks::unusual(chunks)
    {
        told.push(
            "what the PNG files tell of their curve (gAMA) is not written: values look lighter or darker".to_owned(),
        );
    }
    if beside.tags.wide() && !(holds && beside.png.is_some()) {
        told.push(format!(
            "values are written as they are, but pictures do not hold the input's colour tags ({}): set them again",
            beside.tags
        ));
    }
    let clamped = !matches!(format, StillFormat::Exr | StillFormat::Tiff);
    if clamped && info.colour == ColourHint::Linear && options.transfer == Transfer::AsIs {
        told.push("values below 0 and above 1 are cut off: this format holds none. EXR and TIFF keep them".to_owned());
    }
    if let Some(model) = beside.model {
        told.push(format!("the input's files are {model}: frames that are made are written as RGB"));
    }
    told.extend(dpx_header(info, format));
    let stored = still::stored_bits(format, options.depth.unwrap_or(info.depth), info.has_alpha, beside);
    told.extend(fewer_bits(info, stored));
    told
}

/// What DPX files tell of their own, such as a time code, which only copies of them have.
fn dpx_header(info: &ClipInfo, format: StillFormat) -> Option<String> {
    let what = "what the DPX files tell beside their pixels, such as time code,";
    info.beside.dpx.filter(|dpx| dpx.described())?;
    Some(if format == StillFormat::Dpx {
        format!("{what} made frames do not have")
    } else {
        format!("{what} is not written")
    })
}

fn in_video(info: &ClipInfo, container: Container, codec: Codec, options: &WriteOptions) -> Vec<String> {
    let beside = &info.beside;
    let mut told = Vec::new();
    if info.has_alpha && !codec.has_alpha() {
        told.push(
            "alpha is not written: this format has none. .mov, .mkv, .webm, PNG, TIFF and EXR keep it".to_owned(),
        );
    }
    if info.kind == ClipKind::Video && codec != Codec::Ffv1 {
        let name = codec.name();
        told.push(format!(
            "all frames are encoded again ({name}): those that were not made lose a little, too. .mkv with FFV1 loses nothing"
        ));
    }
    if let (Some(sound), Some(span)) = (&beside.sound, &options.sound) {
        match way(sound, span, container) {
            Way::Copied => {}
            Way::Encoded(encoder) => told.push(format!("the sound is encoded again ({encoder})")),
            Way::Dropped => told.push("sound is not written: this format holds none".to_owned()),
        }
    } else if beside.sound.is_some() {
        told.push("sound is not written: take it from the input".to_owned());
    }
    if options.times.is_some() && !container.has_times() || beside.times.is_some() && options.times.is_none() {
        told.push("the clip's frame rate varies, and what is written has the same frames evenly spaced".to_owned());
    }
    if beside.profile.is_some() {
        told.push("the colour profile (ICC) of the input is not written: video holds none".to_owned());
    }
    if let Some(attributes) = &beside.attributes {
        told.push("what the EXR files tell beside their pixels, such as time code, is not written".to_owned());
        told.extend(primaries(attributes));
    }
    if beside.dpx.is_some_and(DpxNumbers::described) {
        told.push("what the DPX files tell beside their pixels, such as time code, is not written".to_owned());
    }
    if beside.tags.wide() && !container.has_tags() {
        told.push(format!("the input's colour tags ({}) are not written: this format holds none", beside.tags));
    }
    if beside.tags.transfer.as_deref() == Some("smpte2084") && container.has_tags() {
        let what = "the colour tags are written, but not the mastering metadata of HDR10 or Dolby Vision, if the input has any";
        told.push(what.to_owned());
    }
    told.extend(rate(beside, container, options));
    let alpha = info.has_alpha && codec.has_alpha();
    told.extend(coarser_colour(beside.chroma.unwrap_or((1, 1)), codec, alpha));
    let given = options.depth.map_or(info.bits, |depth| info.bits.min(8 * depth.bytes() as u8));
    told.extend(fewer_bits(info, given.min(codec.bits(given, alpha))));
    told
}

fn rate(beside: &Beside, container: Container, options: &WriteOptions) -> Option<String> {
    let (asked, rate) = (options.rate.as_f64(), container.rate(options.rate).as_f64());
    if container != Container::Gif || beside.times.is_some() {
        return None;
    }
    if rate != asked {
        return Some(format!(
            "the rate becomes {rate} frames a second, the most that GIF has: it plays slower than at {asked:.3}"
        ));
    }
    let hundredths = 100.0 / rate;
    (hundredths.fract() > 1e-6).then(|| {
        let (less, more) = (hundredths.floor(), hundredths.ceil());
        format!("the rate is kept in the mean: GIF counts in hundredths of a second, and shows some frames for {less} and some for {more}")
    })
}

/// Primaries that are not those which a picture without a word about them is taken to have.
fn primaries(attributes: &Attributes) -> Option<String> {
    attributes.wide().then(|| {
        "the EXR's chromaticities are not those of Rec. 709, and its values are written as they are: colours look too pale until \
         the colour space is named where what is written is opened"
            .to_owned()
    })
}

fn coarser_colour(given: (u8, u8), codec: Codec, alpha: bool) -> Option<String> {
    let written = codec.chroma(alpha);
    let name = |(across, down)| match (across, down) {
        (1, 1) => "4:4:4",
        (2, 1) => "4:2:2",
        (2, 2) => "4:2:0",
        (1, 2) => "4:4:0",
        _ => "4:1:1",
    };
    (written.0 > given.0 || written.1 > given.1).then(|| {
        let (codec, written, given) = (codec.name(), name(written), name(given));
        format!("{codec} keeps less of the colour's detail ({written}) than the input has ({given}): .mkv with FFV1 keeps all")
    })
}

fn fewer_bits(info: &ClipInfo, bits: u8) -> Option<String> {
    let instead = "EXR, 16-bit PNG and TIFF, and .mkv keep more";
    (bits < info.bits.min(16))
        .then(|| format!("values are written in {bits} bits, where the input has {}: {instead}", info.bits))
}

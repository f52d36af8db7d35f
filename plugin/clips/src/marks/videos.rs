//! Marks in the files of videos.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;

use super::{Mark, SOURCE, TOOL};
use crate::ClipError;
use crate::codec::Container;
use crate::partial::Partial;
use crate::tools::Tool;

/// XMP specification, part 3, section 1.2.6: the identifier of the box that holds XMP in files of ISO/IEC 14496-12.
const XMP_BOX: [u8; 16] =
    [0xBE, 0x7A, 0xCF, 0xCB, 0x97, 0xA9, 0x42, 0xE8, 0x9C, 0x71, 0x99, 0x94, 0x91, 0xE3, 0xAF, 0xAC];

/// Lays a mark into a video that is whole. Where the format takes no more at its end, ffmpeg copies its streams, as they are, into
/// another file: what comes back has the video then.
///
/// # Errors
/// When it cannot be written.
pub(crate) fn mark_video(
    video: Partial,
    (target, container): (&Path, Container),
    mark: &Mark,
    ffmpeg: &Tool,
) -> Result<Partial, ClipError> {
    let done = match container {
        Container::Mp4 | Container::Mov => append_box(video.hand_over(), &mark.xmp()),
        Container::Gif => insert_block(video.hand_over(), &mark.xmp()),
        Container::Mkv | Container::WebM | Container::Avi => {
            return with_tags(&video, (target, container), mark, ffmpeg);
        }
    };
    done.map_err(|error| ClipError::io(target, "mark the video", error))?;
    Ok(video)
}

/// A box of its own behind all others.
fn append_box(video: &Path, xmp: &str) -> io::Result<()> {
    let mut file = OpenOptions::new().append(true).open(video)?;
    let size = u32::try_from(8 + XMP_BOX.len() + xmp.len()).map_err(io::Error::other)?;
    file.write_all(&[&size.to_be_bytes(), &b"uuid"[..], &XMP_BOX, xmp.as_bytes()].concat())
}

/// XMP specification, part 3, section 1.1.2: in an application extension, before the byte that ends a GIF. The packet lies there as it
/// is, not in blocks, and is followed by bytes that lead a program which takes it for blocks to their end.
fn insert_block(video: &Path, xmp: &str) -> io::Result<()> {
    const TRAILER: u8 = 0x3B;
    let mut file = OpenOptions::new().read(true).write(true).open(video)?;
    file.seek(SeekFrom::End(-1))?;
    let mut last = [0];
    file.read_exact(&mut last)?;
    if last != [TRAILER] {
        return Err(io::Error::other("the GIF does not end as it should"));
    }
    file.seek(SeekFrom::End(-1))?;
    let way_out: Vec<u8> = std::iter::once(1).chain((0..=255).rev()).chain([0, TRAILER]).collect();
    file.write_all(&[&[0x21, 0xFF, 11], &b"XMP DataXMP"[..], xmp.as_bytes(), &way_out].concat())
}

/// Tags, by a copy: Matroska and WebM have tags of any name, AVI has a comment.
fn with_tags(
    video: &Partial,
    (target, container): (&Path, Container),
    mark: &Mark,
    ffmpeg: &Tool,
) -> Result<Partial, ClipError> {
    let marked = Partial::create(target)?;
    let tags = match container {
        Container::Avi => vec![("comment", format!("{SOURCE}: {}; {TOOL}", mark.source.uri()))],
        _ => mark.told().collect(),
    };
    let whole = |path: &Path| std::path::absolute(path).map_err(|e| ClipError::io(target, "mark the video", e));
    let mut args: Vec<std::ffi::OsString> = ["-v", "error", "-y", "-i"].map(Into::into).into();
    args.push(whole(video.hand_over())?.into());
    args.extend(["-map", "0", "-c", "copy", "-map_metadata", "0"].map(Into::into));
    args.extend(tags.into_iter().flat_map(|(name, value)| ["-metadata".into(), format!("{name}={value}").into()]));
    args.extend(["-f", container.muxer()].map(Into::into));
    args.push(whole(marked.hand_over())?.into());
    ffmpeg.output(target, args)?;
    // A copy that is cut short must not stand for the whole.
    let length = |partial: &Partial| File::open(partial.hand_over()).and_then(|file| file.metadata()).map(|m| m.len());
    match (length(video), length(&marked)) {
        (Ok(before), Ok(after)) if after >= before / 2 => Ok(marked),
        _ => Err(ffmpeg.failed(target, "the copy with marks is not whole")),
    }
}

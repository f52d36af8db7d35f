//! Marks in the files of single pictures.

use img_parts::Bytes;
use img_parts::jpeg::{Jpeg, JpegSegment, markers};
use img_parts::png::{Png, PngChunk};
use img_parts::riff::{RiffChunk, RiffContent};
use img_parts::webp::{CHUNK_VP8L, CHUNK_VP8X, CHUNK_XMP, WebP};

use super::Mark;
use crate::naming::StillFormat;

/// A file's bytes with a mark laid in, for formats that are marked once they are encoded: PNG, JPEG and WebP. A file of any other
/// kind stays as it is.
///
/// # Errors
/// In words, when the file is not of its format.
pub(crate) fn with_mark(format: StillFormat, file: Vec<u8>, mark: &Mark) -> Result<Vec<u8>, String> {
    let xmp = mark.xmp();
    let bytes = Bytes::from(file);
    let done = match format {
        StillFormat::Png => in_png(bytes, &xmp),
        StillFormat::Jpeg => in_jpeg(bytes, &xmp),
        StillFormat::WebP => in_webp(bytes, xmp),
        _ => return Ok(bytes.to_vec()),
    };
    done.map(|bytes| bytes.to_vec()).map_err(|error| format!("could not be marked: {error}"))
}

/// XMP specification, part 3, section 1.1.5: in an iTXt chunk of this keyword, neither compressed nor translated.
fn in_png(file: Bytes, xmp: &str) -> Result<Bytes, img_parts::Error> {
    let mut png = Png::from_bytes(file)?;
    let text = [b"XML:com.adobe.xmp\0\0\0\0\0", xmp.as_bytes()].concat();
    // After the header, which comes first.
    png.chunks_mut().insert(1, PngChunk::new(*b"iTXt", text.into()));
    Ok(png.encoder().bytes())
}

/// XMP specification, part 3, section 1.1.3: in a segment APP1 of this name.
fn in_jpeg(file: Bytes, xmp: &str) -> Result<Bytes, img_parts::Error> {
    let mut jpeg = Jpeg::from_bytes(file)?;
    let text = [b"http://ns.adobe.com/xap/1.0/\0", xmp.as_bytes()].concat();
    // After the header of JFIF, which comes first where there is one.
    let place = jpeg.segments().iter().take_while(|segment| segment.marker() == markers::APP0).count();
    jpeg.segments_mut().insert(place, JpegSegment::new_with_contents(markers::APP1, text.into()));
    Ok(jpeg.encoder().bytes())
}

/// WebP container specification: a chunk of XMP comes last, and the extended header says that there is one.
fn in_webp(file: Bytes, xmp: String) -> Result<Bytes, img_parts::Error> {
    const HAS_XMP: u8 = 1 << 2;
    const HAS_ALPHA: u8 = 1 << 4;
    let mut webp = WebP::from_bytes(file)?;
    let size = webp.dimensions().ok_or(img_parts::Error::Truncated)?;
    // The header of VP8L: a signature, 14 bits each of width and height, and whether alpha is used.
    let lossless = webp.chunk_by_id(CHUNK_VP8L).and_then(|chunk| chunk.content().data()).cloned();
    let alpha = lossless.is_some_and(|data| data.get(4).is_some_and(|byte| byte & 0x10 != 0));
    let mut header = match webp.chunk_by_id(CHUNK_VP8X).and_then(|chunk| chunk.content().data()) {
        Some(header) => header.to_vec(),
        None => {
            let side = |pixels: u32| pixels.saturating_sub(1).to_le_bytes();
            let ([a, b, c, _], [d, e, f, _]) = (side(size.0), side(size.1));
            vec![if alpha { HAS_ALPHA } else { 0 }, 0, 0, 0, a, b, c, d, e, f]
        }
    };
    *header.first_mut().ok_or(img_parts::Error::Truncated)? |= HAS_XMP;
    webp.remove_chunks_by_id(CHUNK_VP8X);
    webp.chunks_mut().insert(0, RiffChunk::new(CHUNK_VP8X, RiffContent::Data(header.into())));
    webp.chunks_mut().push(RiffChunk::new(CHUNK_XMP, RiffContent::Data(xmp.into())));
    Ok(webp.encoder().bytes())
}

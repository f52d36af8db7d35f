//! Kinds of TIFF that `image` does not take, by the coder that is inside it: half floats, grey floats, and grey with alpha.

use std::io::Cursor;
use std::path::Path;

use tiff::ColorType;
use tiff::decoder::{Decoder, DecodingResult, Limits};
use tiff::tags::Tag;

use super::beside::Beside;
use super::picture::{Picture, Pixels};
use super::still::{Still, check_size};
use super::video::to_colour;
use super::{ClipError, MAX_PIXELS};

/// Whether a file's first row is at its top, and its first column at the left.
pub(super) fn upright(bytes: &[u8]) -> bool {
    let orientation = |mut decoder: Decoder<_>| decoder.find_tag_unsigned::<u16>(Tag::Orientation);
    Decoder::new(Cursor::new(bytes)).and_then(orientation).is_ok_and(|turn| matches!(turn, None | Some(1)))
}

/// The picture in a file; none where it is of another kind yet.
pub(super) fn decode(path: &Path, bytes: &[u8], premultiplied: bool) -> Result<Option<Still>, ClipError> {
    let mut limits = Limits::default();
    limits.decoding_buffer_size = MAX_PIXELS as usize * 16;
    let failed = |e| ClipError::damaged(path, e);
    let mut decoder = Decoder::new(Cursor::new(bytes)).map_err(failed)?.with_limits(limits);
    let (width, height) = decoder.dimensions().map_err(failed)?;
    check_size(path, width.into(), height.into())?;
    let samples = match decoder.colortype() {
        Ok(ColorType::Gray(_)) => 1,
        Ok(ColorType::GrayA(_) | ColorType::Multiband { num_samples: 2, .. }) => 2,
        Ok(ColorType::RGB(_)) => 3,
        Ok(ColorType::RGBA(_)) => 4,
        _ => return Ok(None),
    };
    let planes = matches!(decoder.find_tag_unsigned::<u16>(Tag::PlanarConfiguration), Ok(Some(2)));
    if !upright(bytes) || (planes && samples > 1) {
        return Ok(None);
    }
    let profile = decoder.get_tag_u8_vec(Tag::IccProfile).ok().map(Into::into);
    let pixels = match decoder.read_image().map_err(failed)? {
        DecodingResult::U8(v) => Pixels::U8(to_colour(v, samples)),
        DecodingResult::U16(v) => Pixels::U16(to_colour(v, samples)),
        DecodingResult::F16(v) => Pixels::F16(to_colour(v, samples)),
        DecodingResult::F32(v) => Pixels::F32(to_colour(v, samples)),
        _ => return Ok(None),
    };
    let picture = Picture::new(width as usize, height as usize, samples % 2 == 0, premultiplied, pixels)?;
    Ok(Some(Still { picture, pixel_aspect: 1.0, beside: Beside { profile, ..Beside::default() } }))
}

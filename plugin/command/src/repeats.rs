//! Frames that only repeat the one before: those that a clip loses with `--without-repeats`.

use pickup_clips::{ClipReader, ColourHint, Picture, frame_list::FrameList};
use pickup_model::{Encoding, Frame, is_frozen};

use super::{CliError, cancel};

/// The frames of a clip that show the frame before once more, exactly or but for what compression changed. A clip is read
/// from end to end for it.
pub(super) fn repeats(clip: &ClipReader) -> Result<FrameList, CliError> {
    let encoding = if clip.info().colour == ColourHint::Linear { Encoding::Linear } else { Encoding::Display };
    let mut before: Option<Frame> = None;
    let mut repeated = Vec::new();
    for number in clip.info().frames.iter() {
        cancel::check()?;
        let here = frame(&*clip.frame(number)?, encoding)?;
        if before.as_ref().is_some_and(|before| is_frozen(before, &here)) {
            // The first of a row stays the measure: small changes must not add up unseen.
            repeated.push(number);
        } else {
            before = Some(here);
        }
    }
    Ok(repeated.into_iter().collect())
}

fn frame(picture: &Picture, encoding: Encoding) -> Result<Frame, CliError> {
    let (width, height) = picture.size();
    Frame::new(width, height, picture.channels(), encoding, picture.pixels().to_f32()).map_err(CliError::failed)
}

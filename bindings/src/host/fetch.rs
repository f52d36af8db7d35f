//! Lending images to a plugin, in the layout and with the habits of the profile.

use std::{
    collections::HashMap,
    ffi::CString,
    sync::{Arc, atomic::Ordering},
};

use super::{
    clip::{Clip, FrameSource},
    effect_object::{EffectObject, Job, Loan, State, current},
    image::{HostImage, PixelFormat},
    log::{Message, MessageKind},
    profiles::Profile,
    property::Owner,
    sets::{self, ImageFacts},
    traits::{BeyondRange, NullImage, Unannounced},
};
use crate::{RangeD, RectD, RectI, Status};

/// `clipGetImage`: a handle, or `None` for a null handle with status OK.
pub(crate) fn lend(clip: &Arc<Clip>, time: f64, part: Option<RectD>) -> Result<Option<usize>, Status> {
    let effect = clip.owner().ok_or(Status::BAD_HANDLE)?;
    let state = effect.state()?;
    let profile = effect.host.profile();
    if state.image_actions.load(Ordering::Relaxed) == 0 {
        let action = current(|c| c.action.to_string_lossy().into_owned()).unwrap_or_else(|| "no action".to_owned());
        state.log.violation(format!("image of {} fetched in {action}", clip.name()));
        return Err(Status::FAILED);
    }
    let job = state.job(Some(time));
    if clip.is_output() {
        let job = job.ok_or(Status::FAILED)?;
        let image = job.output.clone();
        return Ok(Some(lend_image(&effect, state, image, job.region, Some(&job), false)));
    }
    if job.is_none() && !profile.button_images {
        return null_image(&effect, state, None, profile);
    }
    let time = match &job {
        Some(job) if profile.ignores_image_time => job.time,
        _ => time,
    };
    if !profile.temporal && job.as_ref().is_some_and(|j| j.time != time) {
        return Err(Status::FAILED);
    }
    let told = job.as_ref().is_none_or(|job| is_announced(job, clip, time));
    if let Some(job) = job.as_ref().filter(|_| !told) {
        let at = job.time;
        let text = format!("{} at {time} fetched while rendering {at} without having been announced", clip.name());
        state.log.violation(text);
    }
    let scale = job.as_ref().map_or((1.0, 1.0), |j| j.scale);
    let image = match clip.source() {
        Some(source) => picture(&*source, time, profile).map_err(|why| {
            let text = format!("{} at {time}: {why}", clip.name());
            state.log.say(Message { kind: MessageKind::Error, id: String::new(), text, persistent: false });
            Status::FAILED
        })?,
        None => None,
    };
    let image = match (image, profile.unannounced) {
        (Some(image), Unannounced::AnotherPicture) if !told => Some(another(&image).map_err(|_| Status::MEMORY)?),
        (image, _) => image,
    };
    let Some(image) = image else { return null_image(&effect, state, job.as_deref(), profile) };
    let part = part.or_else(|| job.as_ref().and_then(|j| j.interest.get(&clip.id).copied()));
    let image = present(image, clip.given(), scale, part, profile).map_err(|_| Status::MEMORY)?;
    Ok(Some(lend_image(&effect, state, image.0, image.1, job.as_deref(), false)))
}

/// `clipGetRegionOfDefinition`.
pub(crate) fn region(clip: &Clip, time: f64) -> Result<RectD, Status> {
    let effect = clip.owner().ok_or(Status::BAD_HANDLE)?;
    let profile = effect.host.profile();
    if clip.is_output() {
        let project = effect.state()?.project;
        return Ok(shift(project.region(), profile.origin, project.pixel_aspect));
    }
    let source = clip.source().ok_or(Status::FAILED)?;
    Ok(shift(source.region(time), profile.origin, source.pixel_aspect()))
}

/// A rectangle in canonical coordinates, moved to where the profile has its pictures: by whole pixels, which are `aspect` wide.
pub(crate) fn shift(r: RectD, origin: (i32, i32), aspect: f64) -> RectD {
    let (x, y) = (f64::from(origin.0) * aspect, f64::from(origin.1));
    RectD { x1: r.x1 + x, y1: r.y1 + y, x2: r.x2 + x, y2: r.y2 + y }
}

/// The profile's origin in pixels at a render scale.
#[allow(clippy::cast_possible_truncation)] // Origins are small.
pub(crate) fn scaled_origin(origin: (i32, i32), scale: (f64, f64)) -> (i32, i32) {
    ((f64::from(origin.0) * scale.0).floor() as i32, (f64::from(origin.1) * scale.1).floor() as i32)
}

/// A source's picture at a time, by the profile's habits outside the source's range.
fn picture(
    source: &dyn FrameSource,
    time: f64,
    profile: &Profile,
) -> Result<Option<Arc<HostImage>>, super::clip::SourceError> {
    let range = source.range();
    let inside = time >= range.min && time <= range.max;
    match profile.beyond_range {
        _ if inside => source.frame(time),
        BeyondRange::Source => source.frame(time),
        BeyondRange::Hold => source.frame(time.clamp(range.min, range.max.max(range.min))),
        BeyondRange::Null => Ok(None),
        BeyondRange::OtherBounds => {
            let r = pixel_rect(source.region(time), (1.0, 1.0), 1.0);
            let half = RectI::new(r.x1, r.y1, r.x1 + (r.x2 - r.x1 + 1) / 2, r.y1 + (r.y2 - r.y1 + 1) / 2);
            Ok(Some(Arc::new(HostImage::new(half, source.format())?)))
        }
    }
}

/// Canonical coordinates as pixels, outwards.
#[allow(clippy::cast_possible_truncation)] // Saturates: infinite regions become the largest there are.
pub(crate) fn pixel_rect(r: RectD, scale: (f64, f64), aspect: f64) -> RectI {
    let aspect = if aspect > 0.0 { aspect } else { 1.0 };
    RectI::new(
        (r.x1 * scale.0 / aspect).floor() as i32,
        (r.y1 * scale.1).floor() as i32,
        (r.x2 * scale.0 / aspect).ceil() as i32,
        (r.y2 * scale.1).ceil() as i32,
    )
}

/// A picture as the plugin gets it, and the bounds of the whole of it.
pub(crate) fn present(
    image: Arc<HostImage>,
    format: PixelFormat,
    scale: (f64, f64),
    part: Option<RectD>,
    profile: &Profile,
) -> Result<(Arc<HostImage>, RectI), super::image::ImageTooLarge> {
    let image = if scale == (1.0, 1.0) { image } else { Arc::new(image.scaled(scale)?) };
    let whole = image.bounds();
    let (dx, dy) = scaled_origin(profile.origin, scale);
    let moved = RectI::new(whole.x1 + dx, whole.y1 + dy, whole.x2 + dx, whole.y2 + dy);
    let wanted = match part {
        Some(part) => {
            let p = pixel_rect(part, scale, image.pixel_aspect);
            let p = p.intersect(moved);
            if p.is_empty() { moved } else { p }
        }
        None => moved,
    };
    if wanted == whole && image.is_like(format, profile.layout) {
        return Ok((image, whole));
    }
    let source = RectI::new(wanted.x1 - dx, wanted.y1 - dy, wanted.x2 - dx, wanted.y2 - dy);
    let out = image.extract(source, format, profile.layout)?.at(wanted.x1, wanted.y1);
    Ok((Arc::new(out), moved))
}

fn lend_image(
    effect: &Arc<EffectObject>,
    state: &State,
    image: Arc<HostImage>,
    region: RectI,
    job: Option<&Job>,
    without_data: bool,
) -> usize {
    let profile = effect.host.profile();
    let scale = profile.image_scale.said(job.map_or((1.0, 1.0), |j| j.scale));
    let data = if without_data { 0 } else { image.data().expose_provenance() };
    let facts = ImageFacts { image: &image, data, region, scale };
    let props = sets::image(&facts, Owner::Image(Arc::downgrade(effect)), profile);
    let handle = props.handle().number();
    let loan = Loan { _props: props, _image: image, job: job.map_or(0, |j| j.id), count: 1 };
    state.loans.lock().insert(handle, loan);
    handle
}

fn null_image(
    effect: &Arc<EffectObject>,
    state: &State,
    job: Option<&Job>,
    profile: &Profile,
) -> Result<Option<usize>, Status> {
    match profile.null_image {
        NullImage::Fails => Err(Status::FAILED),
        NullImage::NullHandle => Ok(None),
        NullImage::NullData => {
            let region = job.map_or_else(|| pixel_rect(state.project.region(), (1.0, 1.0), 1.0), |j| j.region);
            let image = HostImage::new(region, PixelFormat::FLOAT_RGBA).map_err(|_| Status::MEMORY)?;
            Ok(Some(lend_image(effect, state, Arc::new(image), region, job, true)))
        }
    }
}

/// Whether the plugin said that it needs a clip's frame; so it is, where it is not asked.
fn is_announced(job: &Job, clip: &Clip, time: f64) -> bool {
    let Some(announced) = &job.announced else { return true };
    let covers = |r: &RangeD| time >= r.min - 1e-6 && time <= r.max + 1e-6;
    announced_times(announced, clip).iter().any(covers)
}

/// A picture of the same shape that shows magenta alone.
fn another(image: &HostImage) -> Result<Arc<HostImage>, super::image::ImageTooLarge> {
    let magenta = [1.0, 0.0, 1.0, 1.0].repeat(image.width() * image.height());
    let bounds = image.bounds();
    let other = HostImage::from_rgba(image.width(), image.height(), &magenta, image.format())?;
    Ok(Arc::new(other.at(bounds.x1, bounds.y1)))
}

fn announced_times<'a>(announced: &'a HashMap<CString, Vec<RangeD>>, clip: &Clip) -> &'a [RangeD] {
    announced.get(&clip.id).map(Vec::as_slice).unwrap_or_default()
}

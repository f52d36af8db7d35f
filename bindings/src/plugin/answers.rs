//! What an effect answers to the host's questions, and how it is written into the host's property set.

use super::{
    clip::{self, Clip, ClipSlot},
    error::{Error, Result},
    property::{Props, c_text},
};
use crate::{BitDepth, Components, Field, Premultiplication, RangeD, RectD, Status, props};

/// The input frames that a frame is made from.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FramesNeeded {
    pub(crate) ranges: Vec<(Clip, RangeD)>,
}

impl FramesNeeded {
    /// Adds a run of frames of a clip, first and last included.
    pub fn add(&mut self, clip: Clip, first: f64, last: f64) {
        self.ranges.push((clip, RangeD { min: first, max: last }));
    }

    pub(crate) fn write(&self, slots: &[ClipSlot], out: &Props<'_>) -> Result<Status> {
        if self.ranges.is_empty() {
            return Ok(Status::REPLY_DEFAULT);
        }
        for (i, (clip, _)) in self.ranges.iter().enumerate() {
            // All of a clip's ranges go into one property, so each clip is written once, at its first range.
            if self.ranges[..i].iter().any(|(earlier, _)| earlier == clip) {
                continue;
            }
            let slot = clip::slot(slots, *clip)?;
            let mine = self.ranges.iter().filter(|(c, _)| c == clip);
            let values: Vec<f64> = mine.flat_map(|(_, r)| [r.min, r.max]).collect();
            let _ = out.set_doubles(&clip::per_clip(props::CLIP_FRAME_RANGE_PREFIX, slot.spec), &values);
        }
        Ok(Status::OK)
    }
}

/// What an effect wants of its clips' formats; nothing set, the host's own choice.
#[derive(Clone, Debug, Default)]
pub struct ClipPreferences {
    components: Vec<(Clip, Components)>,
    depths: Vec<(Clip, BitDepth)>,
    pixel_aspect_ratios: Vec<(Clip, f64)>,
    colourspaces: Vec<(Clip, Vec<String>)>,
    frame_rate: Option<f64>,
    premultiplication: Option<Premultiplication>,
    field_order: Option<Field>,
    continuous_samples: Option<bool>,
    frame_varying: Option<bool>,
}

impl ClipPreferences {
    /// A clip's components.
    pub fn components(&mut self, clip: Clip, components: Components) {
        self.components.push((clip, components));
    }

    /// A clip's depth.
    pub fn depth(&mut self, clip: Clip, depth: BitDepth) {
        self.depths.push((clip, depth));
    }

    /// A clip's pixel aspect ratio.
    pub fn pixel_aspect_ratio(&mut self, clip: Clip, ratio: f64) {
        self.pixel_aspect_ratios.push((clip, ratio));
    }

    /// The colourspaces an input should come in, best first (1.5 colour management).
    pub fn colourspaces(&mut self, clip: Clip, spaces: &[&str]) {
        self.colourspaces.push((clip, spaces.iter().map(|s| (*s).to_owned()).collect()));
    }

    /// The output's frames a second.
    pub fn frame_rate(&mut self, rate: f64) {
        self.frame_rate = Some(rate);
    }

    /// How the output's colour and alpha are combined.
    pub fn premultiplication(&mut self, premultiplication: Premultiplication) {
        self.premultiplication = Some(premultiplication);
    }

    /// Which of the output's fields comes first.
    pub fn field_order(&mut self, order: Field) {
        self.field_order = Some(order);
    }

    /// The output may be had at fractional times.
    pub fn continuous_samples(&mut self, continuous: bool) {
        self.continuous_samples = Some(continuous);
    }

    /// The output changes over time though nothing else does.
    pub fn frame_varying(&mut self, varying: bool) {
        self.frame_varying = Some(varying);
    }

    pub(crate) fn write(&self, slots: &[ClipSlot], out: &Props<'_>) -> Result<Status> {
        let name = |prefix, clip: Clip| Ok::<_, Error>(clip::per_clip(prefix, clip::slot(slots, clip)?.spec));
        let mut written = false;
        // A host that refuses a preference keeps its own: nothing to be done.
        let mut note = |status: Status| written |= status == Status::OK;
        for (clip, components) in &self.components {
            note(out.set_c_string(&name(props::CLIP_COMPONENTS_PREFIX, *clip)?, 0, components.as_cstr()));
        }
        for (clip, depth) in &self.depths {
            note(out.set_c_string(&name(props::CLIP_DEPTH_PREFIX, *clip)?, 0, depth.as_cstr()));
        }
        for (clip, ratio) in &self.pixel_aspect_ratios {
            note(out.set_double(&name(props::CLIP_PAR_PREFIX, *clip)?, 0, *ratio));
        }
        for (clip, spaces) in &self.colourspaces {
            for (i, space) in (0..).zip(spaces) {
                let property = name(props::CLIP_PREFERRED_COLOURSPACES_PREFIX, *clip)?;
                note(out.set_c_string(&property, i, &c_text(space)));
            }
        }
        if let Some(rate) = self.frame_rate {
            note(out.set_double(props::PROP_FRAME_RATE, 0, rate));
        }
        if let Some(p) = self.premultiplication {
            note(out.set_c_string(props::PROP_PRE_MULTIPLICATION, 0, p.as_cstr()));
        }
        if let Some(order) = self.field_order {
            note(out.set_c_string(props::IMAGE_CLIP_PROP_FIELD_ORDER, 0, order.as_cstr()));
        }
        if let Some(continuous) = self.continuous_samples {
            note(out.set_flag(props::IMAGE_CLIP_PROP_CONTINUOUS_SAMPLES, continuous));
        }
        if let Some(varying) = self.frame_varying {
            note(out.set_flag(props::FRAME_VARYING, varying));
        }
        Ok(if written { Status::OK } else { Status::REPLY_DEFAULT })
    }
}

pub(crate) fn write_regions(regions: &[(Clip, RectD)], slots: &[ClipSlot], out: &Props<'_>) -> Result<Status> {
    for (clip, r) in regions {
        let name = clip::per_clip(props::CLIP_ROI_PREFIX, clip::slot(slots, *clip)?.spec);
        let _ = out.set_doubles(&name, &[r.x1, r.y1, r.x2, r.y2]);
    }
    Ok(if regions.is_empty() { Status::REPLY_DEFAULT } else { Status::OK })
}

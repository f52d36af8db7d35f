//! What a host asks an instance beside render: when, where, from which frames, and whether at all.

use super::{
    check,
    clip::Clip,
    error::HostError,
    fetch,
    instance::Instance,
    property::{Access, PropertySet, SetKind, cstring},
};
use crate::{
    Context, Field, RangeD, RectD, RectI, Status,
    props::*,
    sys::generic::core::{kOfxFlagInfiniteMax, kOfxFlagInfiniteMin},
};

/// The answer to isIdentity: another clip's picture at another time will do.
#[derive(Clone, Debug, PartialEq)]
pub struct Identity {
    /// The clip.
    pub clip: String,
    /// The time.
    pub time: f64,
}

impl Instance {
    /// The project, where the profile has its pictures.
    fn project_region(&self) -> RectD {
        let project = &self.state().project;
        fetch::shift(project.region(), self.effect.host.profile().origin, project.pixel_aspect)
    }

    /// Times the output can be asked for; `None` where the effect has no say, or is not asked.
    ///
    /// # Errors
    /// When the action fails.
    pub fn time_domain(&self) -> Result<Option<RangeD>, HostError> {
        if !self.effect.host.profile().calls.time_domain || self.context() != Context::General {
            return Ok(None);
        }
        let out = PropertySet::new(SetKind::Arguments);
        out.open(PROP_FRAME_RANGE, &[0.0, 0.0]);
        let status = self.effect.action(ACTION_GET_TIME_DOMAIN, Some(&self.object), None, Some(&out), None)?;
        let range = out.all::<f64>(PROP_FRAME_RANGE);
        let range = (status == Status::OK).then(|| RangeD { min: range[0], max: range[1] });
        if let Some(range) = range {
            self.effect.host.checked(|faults| check::times(faults, ACTION_GET_TIME_DOMAIN, range));
        }
        Ok(range)
    }

    /// Where the output's pixels are at a time, in canonical coordinates.
    ///
    /// # Errors
    /// When the action fails.
    pub fn region_of_definition(&self, time: f64) -> Result<RectD, HostError> {
        self.prepare()?;
        let (x, y) = self.effect.host.profile().origin;
        Ok(fetch::shift(self.region_at(time, (1.0, 1.0))?, (-x, -y), self.state().project.pixel_aspect))
    }

    pub(crate) fn region_at(&self, time: f64, scale: (f64, f64)) -> Result<RectD, HostError> {
        let default = self.default_region(time);
        let input = PropertySet::new(SetKind::Arguments);
        input.fixed(PROP_TIME, &[time]);
        input.fixed(PROP_RENDER_SCALE, &[scale.0, scale.1]);
        self.effect.host.no_thumbnail(&input);
        let out = PropertySet::new(SetKind::Arguments);
        out.open(PROP_REGION_OF_DEFINITION, &[default.x1, default.y1, default.x2, default.y2]);
        self.effect.action(
            ACTION_GET_REGION_OF_DEFINITION,
            Some(&self.object),
            Some(&input),
            Some(&out),
            Some(time),
        )?;
        let r = out.all::<f64>(PROP_REGION_OF_DEFINITION);
        let region = RectD { x1: r[0], y1: r[1], x2: r[2], y2: r[3] };
        self.effect.host.checked(|faults| check::region(faults, region));
        Ok(region)
    }

    /// A region, which may have no end on some side: there the project's ends.
    pub(crate) fn within_project(&self, region: RectD) -> RectD {
        let project = self.project_region();
        let (least, most) = (f64::from(kOfxFlagInfiniteMin), f64::from(kOfxFlagInfiniteMax));
        let ends = |value: f64, project: f64| if value <= least || value >= most { project } else { value };
        RectD {
            x1: ends(region.x1, project.x1),
            y1: ends(region.y1, project.y1),
            x2: ends(region.x2, project.x2),
            y2: ends(region.y2, project.y2),
        }
    }

    /// The union of the connected inputs' regions, or the project's where there is none.
    fn default_region(&self, time: f64) -> RectD {
        let inputs = self.object.inputs();
        let regions = inputs.iter().filter(|c| !c.is_optional()).filter_map(|c| fetch::region(c, time).ok());
        let union = regions.reduce(|a, b| RectD {
            x1: a.x1.min(b.x1),
            y1: a.y1.min(b.y1),
            x2: a.x2.max(b.x2),
            y2: a.y2.max(b.y2),
        });
        let optional = || inputs.iter().find_map(|c| fetch::region(c, time).ok());
        union.or_else(optional).unwrap_or_else(|| self.project_region())
    }

    /// The times of each input that the effect says it needs for a frame.
    ///
    /// # Errors
    /// When the action fails.
    pub fn frames_needed(&self, time: f64) -> Result<Vec<(String, Vec<RangeD>)>, HostError> {
        self.prepare()?;
        let name = |c: &Clip| cstring(&format!("{CLIP_FRAME_RANGE_PREFIX}{}", c.name()));
        let input = PropertySet::new(SetKind::Arguments);
        input.fixed(PROP_TIME, &[time]);
        self.effect.host.no_thumbnail(&input);
        let out = PropertySet::new(SetKind::Arguments);
        let clips = self.object.inputs();
        for clip in &clips {
            out.define(&name(clip), 0, vec![time, time], Access::Plugin);
        }
        self.effect.action(ACTION_GET_FRAMES_NEEDED, Some(&self.object), Some(&input), Some(&out), Some(time))?;
        let ranges = |c: &Clip| -> Vec<RangeD> {
            out.all::<f64>(&name(c)).chunks_exact(2).map(|r| RangeD { min: r[0], max: r[1] }).collect()
        };
        let needed: Vec<_> = clips.iter().map(|c| (c.name(), ranges(c))).collect();
        self.effect.host.checked(|faults| {
            needed
                .iter()
                .flat_map(|(_, ranges)| ranges)
                .for_each(|range| check::times(faults, ACTION_GET_FRAMES_NEEDED, *range));
        });
        Ok(needed)
    }

    /// Whether a frame is the unchanged frame of an input.
    ///
    /// # Errors
    /// When the action fails.
    pub fn is_identity(&self, time: f64) -> Result<Option<Identity>, HostError> {
        self.prepare()?;
        let region = self.within_project(self.region_at(time, (1.0, 1.0))?);
        let window = fetch::pixel_rect(region, (1.0, 1.0), 1.0);
        self.identity(time, window, (1.0, 1.0), Field::None)
    }

    pub(crate) fn identity(
        &self,
        time: f64,
        window: RectI,
        scale: (f64, f64),
        field: Field,
    ) -> Result<Option<Identity>, HostError> {
        let input = PropertySet::new(SetKind::Arguments);
        input.fixed(PROP_TIME, &[time]);
        input.fixed_text(PROP_FIELD_TO_RENDER, field.as_cstr());
        input.fixed(PROP_RENDER_WINDOW, &[window.x1, window.y1, window.x2, window.y2]);
        input.fixed(PROP_RENDER_SCALE, &[scale.0, scale.1]);
        self.effect.host.no_thumbnail(&input);
        let out = PropertySet::new(SetKind::Arguments);
        out.open_text(PROP_NAME, c"");
        out.open(PROP_TIME, &[time]);
        let status =
            self.effect.action(ACTION_IS_IDENTITY, Some(&self.object), Some(&input), Some(&out), Some(time))?;
        let clip = out.string(PROP_NAME);
        let yes = status == Status::OK && !clip.is_empty();
        if yes {
            self.effect.host.checked(|faults| check::identity(faults, &self.object, &clip));
        }
        Ok(yes.then(|| Identity { clip, time: out.double(PROP_TIME).unwrap_or(time) }))
    }
}

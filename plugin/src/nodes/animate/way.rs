//! How a still comes to life: by the video model, or by what is laid over it.

use ofx::plugin::Result;
use pickup_model::{Brief, diffusion::Asked};

use super::{Animate, By, End};
use crate::{
    engine::{Device, Model},
    nodes::params::camera::Camera,
    perform::{Job, Stage},
    plan::{Gap, Input},
    timeline::as_time,
};

/// How the shot is made, once it is decided.
pub(super) enum Way {
    Model(Box<Model>),
    /// Over the still, with what is to be laid over it, if anything is.
    Over(Option<Box<(Model, Brief)>>),
}

impl Way {
    pub(super) fn of(stage: &Stage<'_, '_, Animate>) -> Result<Self> {
        let (params, take) = (stage.params, &stage.params.take);
        if params.by == By::Model || (params.by == By::Automatic && !take.model.is_embedded()) {
            return Ok(Self::Model(Box::new(take.open()?)));
        }
        let brief = params.brief.over_black(take);
        let asks = !brief.prompt.is_empty();
        if params.by == By::Over && !asks {
            return Ok(Self::Over(None));
        }
        let model = take.open()?;
        match model.asked(&brief.prompt) {
            _ if params.by == By::Over => return Ok(Self::Over(Some(Box::new((model, brief))))),
            Asked::Whole => return Ok(Self::Model(Box::new(model))),
            Asked::Light | Asked::Matter => return Ok(Self::Over(Some(Box::new((model, brief))))),
            Asked::Nothing if asks => stage.warn(NOTHING_KNOWN),
            Asked::Nothing if params.camera.or_said(&params.brief.brief(take).prompt).camera == Camera::Still => {
                stage.warn(NOTHING_ASKED);
            }
            Asked::Nothing => {}
        }
        Ok(Self::Over(None))
    }
}

/// Why a prompt is not followed.
const NOTHING_KNOWN: &str = "The model in the bundle knows nothing that the prompt asks for, so the still is kept, and only the \
                             camera moves. Name what it knows, set “Made by” to “Video model”, or name a larger model in \
                             “Model folder”";

/// Why nothing moves.
const NOTHING_ASKED: &str = "Nothing moves yet: say in “Prompt” what should happen, as “snow falling” or “push in”, or choose \
                             how the “Camera” moves";

/// The still is kept, moved by the camera, with what was asked for laid over it.
pub(super) fn over_still(stage: &Stage<'_, '_, Animate>, gap: &Gap, asked: Option<&(Model, Brief)>) -> Result<()> {
    let (params, said) = (stage.params, stage.params.brief.brief(&stage.params.take));
    let (camera, finish) = (params.camera.or_said(&said.prompt), params.take.finish(&said, None));
    let still = stage.frame(Input::First, *gap.known[0].frames.start())?;
    let place = (gap.place, gap.count);
    let seen = |place: usize| {
        let way = params.away(place) as f64 / (gap.count - 1) as f64;
        camera.view(&still, way, params.end == End::Last)
    };
    let Some((model, brief)) = asked else { return stage.show_own(place, finish, seen) };
    let shot = (0..gap.count as i64).fold(model.shot(stage.full_size()?), |shot, i| shot.missing(as_time(i)));
    let watch = stage.watch_job();
    let job =
        Job { model, shot: &shot, brief, first: 0, joined: 0, given: Vec::new(), device: Device::Cpu, watch: &watch };
    stage.show_over(&job, place, finish, |place| Ok((seen(place)?, params.strength_at(place))))
}

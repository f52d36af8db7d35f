//! Rendering a frame.

use std::{
    collections::HashMap,
    ffi::CString,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use super::{
    check,
    effect_object::Job,
    error::{HostError, RenderError},
    fetch,
    image::{HostImage, PixelFormat},
    instance::Instance,
    property::{PropertySet, SetKind, cstring},
    questions::Identity,
};
use crate::{
    BitDepth, Field, RangeD, RectD, RectI, RenderSafety, Status,
    props::*,
    sys::image_effect_v1::gpu_render::{
        kOfxImageEffectPropCudaEnabled, kOfxImageEffectPropMetalEnabled, kOfxImageEffectPropOpenCLEnabled,
        kOfxImageEffectPropOpenGLEnabled,
    },
};

/// What to render and how.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RenderArgs {
    /// The time.
    pub time: f64,
    /// Render scale; 1 is full size.
    pub scale: (f64, f64),
    /// Pixels to render, at the render scale; `None`: all there are.
    pub window: Option<RectI>,
    /// Which field.
    pub field: Field,
    /// Whether a draft will do.
    pub draft: bool,
    /// Whether it is for a thumbnail.
    pub thumbnail: bool,
    /// Whether the user is dragging something.
    pub interactive: bool,
    /// Whether frames are rendered in order.
    pub sequential: bool,
}

impl RenderArgs {
    /// The whole frame at a time, at full size and in final quality.
    #[must_use]
    pub fn at(time: f64) -> Self {
        Self {
            time,
            scale: (1.0, 1.0),
            window: None,
            field: Field::None,
            draft: false,
            thumbnail: false,
            interactive: false,
            sequential: false,
        }
    }
}

/// What outputs are filled with before render, so that what an effect leaves unwritten is seen: a grey that no test
/// uses, or not-a-number.
fn garbage(depth: BitDepth) -> u8 {
    match depth {
        BitDepth::Byte | BitDepth::Short => 0xA5,
        BitDepth::Half | BitDepth::Float => 0xFF,
    }
}

static JOBS: AtomicU64 = AtomicU64::new(1);

/// A frame about to be rendered.
struct Plan {
    args: RenderArgs,
    /// Bounds of the whole picture.
    bounds: RectI,
    /// What is rendered of it.
    window: RectI,
    format: PixelFormat,
    aspect: f64,
    announced: Option<HashMap<CString, Vec<RangeD>>>,
}

impl Instance {
    /// Renders a frame as the profile's host would.
    ///
    /// # Errors
    /// When it is cancelled, an input is missing, the effect fails, or there is no memory.
    pub fn render(&self, args: RenderArgs) -> Result<HostImage, RenderError> {
        let state = self.state();
        if state.cancel.is_cancelled() {
            return Err(RenderError::Cancelled);
        }
        let host = self.effect.host.clone();
        let safety = self.object.props.text(PLUGIN_RENDER_THREAD_SAFETY).and_then(|s| RenderSafety::from_cstr(&s));
        let _one_a_process = (safety == Some(RenderSafety::Unsafe)).then(|| host.rendering.lock());
        let one_an_instance = safety != Some(RenderSafety::FullySafe) || args.sequential;
        let _one_an_instance = one_an_instance.then(|| state.rendering.lock());
        state.set_time(args.time);
        self.prepare()?;
        self.check_inputs(args.time)?;
        let plan = self.plan(args)?;
        let profile = host.profile();
        let image = match self.identity_of(&plan)? {
            Some(identity) => self.identity_image(&plan, &identity)?,
            None => self.render_plan(&plan)?,
        };
        let origin = fetch::scaled_origin(profile.origin, args.scale);
        let bounds = image.bounds();
        Ok(image.at(bounds.x1 - origin.0, bounds.y1 - origin.1))
    }

    fn check_inputs(&self, time: f64) -> Result<(), RenderError> {
        if self.effect.host.profile().looks_connected {
            return Ok(());
        }
        match self.object.inputs().iter().find(|c| !c.is_optional() && c.source().is_none()) {
            Some(clip) => {
                Err(RenderError::Source { time, why: format!("the input \"{}\" is not connected", clip.name()) })
            }
            None => Ok(()),
        }
    }

    fn plan(&self, args: RenderArgs) -> Result<Plan, RenderError> {
        let profile = self.effect.host.profile();
        let region = self.within_project(self.region_at(args.time, args.scale)?);
        let output = self.object.clip(OUTPUT_CLIP_NAME);
        let aspect = output.as_ref().and_then(|c| c.props.double(IMAGE_PROP_PIXEL_ASPECT_RATIO)).unwrap_or(1.0);
        let bounds = fetch::pixel_rect(region, args.scale, aspect);
        let (dx, dy) = fetch::scaled_origin(profile.origin, args.scale);
        let moved = |w: RectI| RectI::new(w.x1 + dx, w.y1 + dy, w.x2 + dx, w.y2 + dy);
        let window = args.window.map_or(bounds, |w| moved(w).intersect(bounds));
        if window.is_empty() {
            let why = format!("there is nothing to render: the picture is {bounds:?}");
            return Err(RenderError::Source { time: args.time, why });
        }
        let announced = if profile.calls.frames_needed {
            let needed = self.frames_needed(args.time)?;
            Some(needed.into_iter().map(|(clip, ranges)| (cstring(&clip), ranges)).collect())
        } else {
            None
        };
        let format = output.map_or(PixelFormat::FLOAT_RGBA, |c| c.given());
        Ok(Plan { args, bounds, window, format, aspect, announced })
    }

    fn identity_of(&self, plan: &Plan) -> Result<Option<Identity>, HostError> {
        if !self.effect.host.profile().calls.identity {
            return Ok(None);
        }
        self.identity(plan.args.time, plan.window, plan.args.scale, plan.args.field)
    }

    fn identity_image(&self, plan: &Plan, identity: &Identity) -> Result<HostImage, RenderError> {
        let time = plan.args.time;
        let source = self.object.clip(&cstring(&identity.clip)).and_then(|c| c.source());
        let missing =
            || format!("the clip {} has no frame {}, and is to be shown there as it is", identity.clip, identity.time);
        let image = match source.map(|s| s.frame(identity.time)) {
            Some(Ok(Some(image))) => image,
            Some(Err(why)) => return Err(RenderError::Source { time, why: format!("{}: {why}", missing()) }),
            _ => return Err(RenderError::Source { time, why: missing() }),
        };
        let profile = self.effect.host.profile();
        let (image, _) = fetch::present(image, plan.format, plan.args.scale, None, profile)?;
        Ok(image.extract(plan.window, plan.format, profile.layout)?)
    }

    fn render_plan(&self, plan: &Plan) -> Result<HostImage, RenderError> {
        let profile = self.effect.host.profile();
        let sequence = self.sequence_arguments(plan);
        let time = Some(plan.args.time);
        self.effect.action(ACTION_BEGIN_SEQUENCE_RENDER, Some(&self.object), Some(&sequence), None, time)?;
        let tile = profile.tile.filter(|_| profile.tiles && self.object.props.flag(PROP_SUPPORTS_TILES));
        let result = match tile {
            Some(size) => self.render_tiles(plan, size),
            None => self.render_window(plan, plan.window, false),
        };
        let end = self.effect.action(ACTION_END_SEQUENCE_RENDER, Some(&self.object), Some(&sequence), None, time);
        let image = result?;
        end?;
        Ok(image)
    }

    fn render_tiles(&self, plan: &Plan, size: (i32, i32)) -> Result<HostImage, RenderError> {
        let mut whole = HostImage::with_layout(plan.window, plan.format, self.effect.host.profile().layout)?;
        whole.scale = plan.args.scale;
        whole.pixel_aspect = plan.aspect;
        let w = plan.window;
        let steps = |from: i32, to: i32, step: i32| (from..to).step_by(usize::try_from(step.max(1)).unwrap_or(1));
        for y in steps(w.y1, w.y2, size.1) {
            for x in steps(w.x1, w.x2, size.0) {
                let tile = RectI::new(x, y, x + size.0, y + size.1).intersect(w);
                let part = self.render_window(plan, tile, true)?;
                whole.paste(&part);
                whole.note = part.note;
            }
        }
        Ok(whole)
    }

    fn render_window(&self, plan: &Plan, window: RectI, tiled: bool) -> Result<HostImage, RenderError> {
        let (args, state, profile) = (plan.args, self.state(), self.effect.host.profile());
        // A host with tiles gives a buffer of the tile; others give the whole picture.
        let bounds = if tiled { window } else { plan.bounds };
        let mut output = HostImage::with_layout(bounds, plan.format, profile.layout)?;
        output.fill(garbage(plan.format.depth));
        output.scale = args.scale;
        output.pixel_aspect = plan.aspect;
        output.field = args.field;
        let interest = if profile.calls.regions_of_interest { self.interest(plan, window)? } else { HashMap::new() };
        let job = Arc::new(Job {
            id: JOBS.fetch_add(1, Ordering::Relaxed),
            time: args.time,
            thread: std::thread::current().id(),
            scale: args.scale,
            output: Arc::new(output),
            region: plan.bounds,
            interest: if tiled { interest } else { HashMap::new() },
            announced: plan.announced.clone(),
        });
        let input = render_arguments(&args, window);
        if profile.source_files
            && let Some(source) = self.object.inputs().iter().find_map(|c| c.source())
        {
            input.fixed(PROP_SRC_FRAME, &[source.file_frame(args.time)]);
        }
        for clip in self.object.inputs().iter().filter(|_| profile.thumbnail_on_clips) {
            clip.props.put(IMAGE_CLIP_PROP_THUMBNAIL, &[i32::from(args.thumbnail)]);
        }
        let answers = profile.render_notes.then(|| PropertySet::new(SetKind::Arguments));
        answers.iter().for_each(|answers| answers.open_text(RENDER_NOTE, c""));
        let said = state.log.count();
        state.jobs.lock().push(job.clone());
        state.image_actions.fetch_add(1, Ordering::Relaxed);
        let status = self.effect.call(
            ACTION_RENDER,
            Some(&self.object),
            Some(&input),
            answers.as_deref(),
            Some(args.time),
            Some(job.clone()),
        );
        state.image_actions.fetch_sub(1, Ordering::Relaxed);
        state.jobs.lock().retain(|j| j.id != job.id);
        state.collect(job.id, "render");
        if state.cancel.is_cancelled() && profile.aborts {
            return Err(RenderError::Cancelled);
        }
        let mut output = take_output(job)?;
        output.note = answers.map(|answers| answers.string(RENDER_NOTE)).unwrap_or_default();
        if status == Status::OK {
            let unwritten = garbage(plan.format.depth);
            self.effect.host.checked(|faults| {
                // What says that another picture will do may count on not being asked for its own.
                let passes = self.identity(args.time, window, args.scale, args.field);
                if matches!(passes, Ok(None)) {
                    check::unwritten(faults, &output, window, unwritten);
                }
            });
            return if output.bounds() == window {
                Ok(output)
            } else {
                Ok(output.extract(window, plan.format, profile.layout)?)
            };
        }
        let messages = state.log.since(said);
        Err(RenderError::Failed { time: args.time, status, messages, output: Some(Box::new(output)) })
    }

    /// The part of each input that the effect wants for a window.
    fn interest(&self, plan: &Plan, window: RectI) -> Result<HashMap<CString, RectD>, HostError> {
        let (sx, sy) = plan.args.scale;
        let aspect = plan.aspect;
        let region = [
            f64::from(window.x1) * aspect / sx,
            f64::from(window.y1) / sy,
            f64::from(window.x2) * aspect / sx,
            f64::from(window.y2) / sy,
        ];
        let input = PropertySet::new(SetKind::Arguments);
        input.fixed(PROP_TIME, &[plan.args.time]);
        input.fixed(PROP_RENDER_SCALE, &[sx, sy]);
        input.fixed(PROP_REGION_OF_INTEREST, &region);
        self.effect.host.no_thumbnail(&input);
        let out = PropertySet::new(SetKind::Arguments);
        let clips = self.object.inputs();
        let name = |c: &super::clip::Clip| cstring(&format!("{CLIP_ROI_PREFIX}{}", c.name()));
        for clip in &clips {
            out.open(&name(clip), &region);
        }
        let time = Some(plan.args.time);
        self.effect.action(ACTION_GET_REGIONS_OF_INTEREST, Some(&self.object), Some(&input), Some(&out), time)?;
        Ok(clips
            .iter()
            .map(|c| {
                let r = out.all::<f64>(&name(c));
                (c.id.clone(), RectD { x1: r[0], y1: r[1], x2: r[2], y2: r[3] })
            })
            .collect())
    }

    fn sequence_arguments(&self, plan: &Plan) -> Arc<PropertySet> {
        let a = &plan.args;
        let s = PropertySet::new(SetKind::Arguments);
        s.fixed(PROP_FRAME_RANGE, &[a.time, a.time]);
        s.fixed(PROP_FRAME_STEP, &[1.0]);
        s.fixed(PROP_IS_INTERACTIVE, &[i32::from(a.interactive)]);
        s.fixed(PROP_RENDER_SCALE, &[a.scale.0, a.scale.1]);
        self.effect.host.no_thumbnail(&s);
        flags(&s, a);
        s
    }
}

fn render_arguments(a: &RenderArgs, window: RectI) -> Arc<PropertySet> {
    let s = PropertySet::new(SetKind::Arguments);
    s.fixed(PROP_TIME, &[a.time]);
    s.fixed_text(PROP_FIELD_TO_RENDER, a.field.as_cstr());
    s.fixed(PROP_RENDER_WINDOW, &[window.x1, window.y1, window.x2, window.y2]);
    s.fixed(PROP_RENDER_SCALE, &[a.scale.0, a.scale.1]);
    s.fixed(PROP_THUMBNAIL_RENDER, &[i32::from(a.thumbnail)]);
    flags(&s, a);
    s
}

fn flags(s: &PropertySet, a: &RenderArgs) {
    s.fixed(PROP_SEQUENTIAL_RENDER_STATUS, &[i32::from(a.sequential)]);
    s.fixed(PROP_INTERACTIVE_RENDER_STATUS, &[i32::from(a.interactive)]);
    s.fixed(PROP_RENDER_QUALITY_DRAFT, &[i32::from(a.draft)]);
    for name in [
        kOfxImageEffectPropOpenGLEnabled,
        kOfxImageEffectPropCudaEnabled,
        kOfxImageEffectPropMetalEnabled,
        kOfxImageEffectPropOpenCLEnabled,
    ] {
        s.fixed(name, &[0]);
    }
}

/// The output, once nobody else holds it; a copy where a thread of the plugin still does.
fn take_output(job: Arc<Job>) -> Result<HostImage, RenderError> {
    let output = match Arc::try_unwrap(job) {
        Ok(job) => job.output,
        Err(job) => job.output.clone(),
    };
    match Arc::try_unwrap(output) {
        Ok(image) => Ok(image),
        Err(shared) => {
            let layout = super::image::RowLayout { negative: shared.row_bytes() < 0, padding: 0 };
            Ok(shared.converted(shared.format(), layout)?)
        }
    }
}

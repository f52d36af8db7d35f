//! Instances: their clips, parameters, buttons, and the questions a host asks beside render.

use std::{
    ffi::{CStr, CString},
    sync::{Arc, atomic::Ordering},
};

use super::{
    check,
    clip::{Clip, FrameSource},
    descriptor::named,
    effect_object::{EffectObject, State},
    error::HostError,
    image::PixelFormat,
    load::{Effect, EffectInner},
    log::{CancelHandle, Log, Message, Progress},
    param::Param,
    property::{PropertySet, SetKind, cstring},
    sets,
    value::{ParamKind, Value},
};
use crate::{BitDepth, ChangeReason, Components, Context, Field, Premultiplication, RangeD, RectD, props::*};

/// The project an instance lives in.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Project {
    /// Size in canonical coordinates.
    pub size: (f64, f64),
    /// Where its bottom left corner is.
    pub offset: (f64, f64),
    /// How far it reaches: size with letter boxes.
    pub extent: (f64, f64),
    /// Frames per second.
    pub frame_rate: f64,
    /// First and last frame of the time line.
    pub range: RangeD,
    /// Frames the effect lasts.
    pub duration: f64,
    /// Width of a pixel over its height.
    pub pixel_aspect: f64,
}

impl Project {
    /// A project of square pixels at 25 frames a second, as long as the frames from `first` to `last`.
    #[must_use]
    pub fn new(width: usize, height: usize, first: f64, last: f64) -> Self {
        let size = (width as f64, height as f64);
        Self {
            size,
            offset: (0.0, 0.0),
            extent: size,
            frame_rate: 25.0,
            range: RangeD { min: first, max: last },
            duration: last - first + 1.0,
            pixel_aspect: 1.0,
        }
    }

    pub(crate) fn region(&self) -> RectD {
        RectD { x1: self.offset.0, y1: self.offset.1, x2: self.offset.0 + self.size.0, y2: self.offset.1 + self.size.1 }
    }
}

/// An effect at work. Rendered from any number of threads; destroyed when dropped.
#[derive(Debug)]
pub struct Instance {
    pub(crate) effect: Arc<EffectInner>,
    pub(crate) object: Arc<EffectObject>,
}

impl Drop for Instance {
    fn drop(&mut self) {
        if let Err(e) = self.effect.action(ACTION_DESTROY_INSTANCE, Some(&self.object), None, None, None) {
            self.state().log.violation(e.to_string());
        }
    }
}

fn instance_props(object: &PropertySet, context: Context, project: &Project, plugin: usize, effect: &EffectInner) {
    let profile = effect.host.profile();
    let origin = (f64::from(profile.origin.0) * project.pixel_aspect, f64::from(profile.origin.1));
    object.put_text(PROP_TYPE, TYPE_IMAGE_EFFECT_INSTANCE);
    object.fixed_text(PROP_CONTEXT, context.as_cstr());
    object.open(PROP_INSTANCE_DATA, &[0usize]);
    object.fixed(PROP_PLUGIN_HANDLE, &[plugin]);
    object.fixed(PROP_PROJECT_SIZE, &[project.size.0, project.size.1]);
    object.fixed(PROP_PROJECT_OFFSET, &[project.offset.0 + origin.0, project.offset.1 + origin.1]);
    object.fixed(PROP_PROJECT_EXTENT, &[project.extent.0, project.extent.1]);
    object.fixed(PROP_PROJECT_PIXEL_ASPECT_RATIO, &[project.pixel_aspect]);
    object.fixed(PROP_FRAME_RATE, &[project.frame_rate]);
    object.fixed(INSTANCE_PROP_EFFECT_DURATION, &[project.duration]);
    object.fixed(PROP_IS_INTERACTIVE, &[0]);
    let (style, space) = profile.colour_management.unwrap_or((COLOUR_MANAGEMENT_NONE, c""));
    object.fixed_text(PROP_COLOUR_MANAGEMENT_STYLE, style);
    object.fixed_text(PROP_DISPLAY_COLOURSPACE, space);
    for name in [PROP_COLOUR_MANAGEMENT_CONFIG, PROP_OCIO_CONFIG, PROP_OCIO_DISPLAY, PROP_OCIO_VIEW] {
        object.fixed_text(name, c"");
    }
    if profile.source_files {
        object.fixed_text(PROP_SRC_FILE_PATH, c"");
    }
    sets::prune(object, profile);
}

impl Instance {
    pub(crate) fn create(
        effect: &Arc<EffectInner>,
        context: Context,
        project: Project,
        original: Option<&Self>,
    ) -> Result<Self, HostError> {
        let descriptor = effect.describe_in(context)?;
        let profile = effect.host.profile();
        let props = descriptor.props.fork(SetKind::Instance);
        instance_props(&props, context, &project, effect.descriptor.handle().number(), effect);
        let params = descriptor.params.instantiate();
        let clips: Vec<_> = descriptor.clips.read().iter().map(|c| c.instantiate(profile)).collect();
        clips.iter().for_each(|c| c.connect(None, profile));
        let cancel = original.map_or_else(CancelHandle::new, Self::cancel_handle);
        let state = State::new(project, Log::default(), cancel);
        let object = EffectObject::new(&effect.host, props, params, clips, Some(context), Some(state));
        // A copy has its values and inputs before it is created, as when a project is loaded.
        if let Some(original) = original {
            copy_setup(original.object(), &object);
            let callbacks = original.state().log.callbacks();
            if let Some(state) = &object.state {
                state.log.set_callbacks(|own| *own = callbacks);
            }
        }
        effect.action(ACTION_CREATE_INSTANCE, Some(&object), None, None, None)?;
        Ok(Self { effect: effect.clone(), object })
    }

    pub(crate) fn object(&self) -> &EffectObject {
        &self.object
    }

    pub(crate) fn state(&self) -> &State {
        // Made in `create` alone, which gives every object a state.
        match &self.object.state {
            Some(state) => state,
            None => unreachable!("an instance has a state"),
        }
    }

    /// The effect it is of.
    #[must_use]
    pub fn effect(&self) -> Effect {
        Effect::from_inner(self.effect.clone())
    }

    /// The context it was made for.
    #[must_use]
    pub fn context(&self) -> Context {
        self.object.context.unwrap_or(Context::General)
    }

    /// The project it lives in.
    #[must_use]
    pub fn project(&self) -> Project {
        self.state().project
    }

    /// A second instance with the same parameters and inputs, as hosts make for rendering. Cancelling one cancels both.
    ///
    /// # Errors
    /// When the effect refuses.
    pub fn clone_for_render(&self) -> Result<Self, HostError> {
        self.sync_private_data()?;
        Self::create(&self.effect, self.context(), self.state().project, Some(self))
    }

    /// The same, of an effect that was loaded again.
    pub(crate) fn clone_into(&self, effect: &Effect) -> Result<Self, HostError> {
        Self::create(effect.inner(), self.context(), self.state().project, Some(self))
    }

    fn sync_private_data(&self) -> Result<(), HostError> {
        if !self.effect.host.profile().calls.sync_private_data
            || !self.object.params.props.flag(PROP_PARAM_SET_NEEDS_SYNCING)
        {
            return Ok(());
        }
        self.effect.action(ACTION_SYNC_PRIVATE_DATA, Some(&self.object), None, None, None)?;
        self.object.params.props.put(PROP_PARAM_SET_NEEDS_SYNCING, &[0]);
        Ok(())
    }

    /// Connects a clip.
    ///
    /// # Errors
    /// When there is no such clip.
    pub fn connect(&self, clip: &str, source: Arc<dyn FrameSource>) -> Result<(), HostError> {
        self.plug(clip, Some(source))
    }

    /// Disconnects a clip.
    ///
    /// # Errors
    /// When there is no such clip.
    pub fn disconnect(&self, clip: &str) -> Result<(), HostError> {
        self.plug(clip, None)
    }

    fn plug(&self, id: &str, source: Option<Arc<dyn FrameSource>>) -> Result<(), HostError> {
        let clip = self.object.clip(&cstring(id)).filter(|c| !c.is_output()).ok_or_else(|| HostError::NoClip {
            id: id.to_owned(),
            known: self.object.inputs().iter().map(|c| c.name()).collect::<Vec<_>>().join(", "),
        })?;
        clip.connect(source, self.effect.host.profile());
        self.state().stale.store(true, Ordering::Relaxed);
        if self.effect.host.profile().calls.instance_changed {
            self.tell(TYPE_CLIP, &clip.id, ChangeReason::UserEdited)?;
        }
        Ok(())
    }

    fn param(&self, id: &str) -> Result<Arc<Param>, HostError> {
        self.object.params.find(&cstring(id)).ok_or_else(|| HostError::NoParam {
            id: id.to_owned(),
            known: self.object.params.all().iter().map(|p| p.name()).collect::<Vec<_>>().join(", "),
        })
    }

    /// Sets a parameter as a user would, for all times: text is read as the parameter's kind.
    ///
    /// # Errors
    /// When there is no such parameter, it cannot take the value, or the effect fails when told.
    pub fn set(&self, param: &str, value: impl Into<Value>) -> Result<(), HostError> {
        let param = self.param(param)?;
        let value = param.accept(value.into())?;
        param.delete_keys();
        param.set(value);
        self.edited(&param)
    }

    /// Sets a parameter's key at a time.
    ///
    /// # Errors
    /// As [`set`](Self::set), and when the parameter cannot be animated.
    pub fn set_key(&self, param: &str, time: f64, value: impl Into<Value>) -> Result<(), HostError> {
        let param = self.param(param)?;
        if !param.props.flag(PARAM_PROP_ANIMATES) {
            return Err(HostError::Value { param: param.name(), what: "it cannot be animated".to_owned() });
        }
        let value = param.accept(value.into())?;
        param.set_key(time, value);
        self.edited(&param)
    }

    /// A parameter's value at a time; `None` where there is no such parameter, or it holds none.
    #[must_use]
    pub fn get(&self, param: &str, time: f64) -> Option<Value> {
        self.param(param).ok().filter(|p| p.kind.has_value()).map(|p| p.at(time))
    }

    /// A parameter as it is now: plugins show, hide and enable parameters as others change.
    ///
    /// # Errors
    /// When there is no such parameter.
    pub fn describe_param(&self, param: &str) -> Result<super::descriptor::ParamDescriptor, HostError> {
        Ok(super::descriptor::ParamDescriptor::read(&*self.param(param)?))
    }

    /// Presses a button.
    ///
    /// # Errors
    /// When there is no such button, the host tells effects nothing, or the effect fails.
    pub fn press(&self, button: &str) -> Result<(), HostError> {
        let param = self.param(button)?;
        if param.kind != ParamKind::PushButton {
            return Err(HostError::Value { param: param.name(), what: "it is not a button".to_owned() });
        }
        if !self.effect.host.profile().calls.instance_changed {
            let what = format!("{} has no buttons", self.effect.host.profile().label);
            return Err(HostError::Value { param: param.name(), what });
        }
        self.tell(TYPE_PARAMETER, &param.id, ChangeReason::UserEdited)
    }

    /// Moves the timeline's cursor: where a button is pressed, a plugin is told this time.
    pub fn go_to(&self, time: f64) {
        self.state().set_time(time);
    }

    /// Takes what another instance told the user for told by this one, which it rendered for.
    pub(crate) fn hear(&self, other: &Self) {
        self.state().log.hear(&other.state().log);
    }

    fn edited(&self, param: &Param) -> Result<(), HostError> {
        self.state().stale.store(true, Ordering::Relaxed);
        if self.effect.host.profile().calls.instance_changed {
            return self.tell(TYPE_PARAMETER, &param.id, ChangeReason::UserEdited);
        }
        Ok(())
    }

    /// Tells the effect of a change, and then of what it changed in answer.
    fn tell(&self, kind: &'static CStr, name: &CStr, reason: ChangeReason) -> Result<(), HostError> {
        /// Rounds after which an effect that keeps changing its own parameters is left alone.
        const ROUNDS: usize = 8;
        let state = self.state();
        state.changed.lock().clear();
        self.changed(&[(kind, name.to_owned())], reason)?;
        for _ in 0..ROUNDS {
            let changed: Vec<CString> = std::mem::take(&mut *state.changed.lock());
            if changed.is_empty() {
                break;
            }
            state.stale.store(true, Ordering::Relaxed);
            let all: Vec<_> = changed.into_iter().map(|c| (TYPE_PARAMETER, c)).collect();
            self.changed(&all, ChangeReason::PluginEdited)?;
        }
        Ok(())
    }

    fn changed(&self, what: &[(&'static CStr, CString)], reason: ChangeReason) -> Result<(), HostError> {
        let state = self.state();
        let time = state.time();
        let around = PropertySet::new(SetKind::Arguments);
        around.fixed_text(PROP_CHANGE_REASON, reason.as_cstr());
        self.effect.action(ACTION_BEGIN_INSTANCE_CHANGED, Some(&self.object), Some(&around), None, Some(time))?;
        let mut result = Ok(());
        for (kind, name) in what {
            let input = PropertySet::new(SetKind::Arguments);
            input.fixed_text(PROP_TYPE, kind);
            input.fixed_text(PROP_NAME, name);
            input.fixed_text(PROP_CHANGE_REASON, reason.as_cstr());
            self.effect.host.no_thumbnail(&input);
            input.fixed(PROP_TIME, &[time]);
            input.fixed(PROP_RENDER_SCALE, &[1.0, 1.0]);
            // Images may be fetched when the user edited, and only then.
            let images = usize::from(reason == ChangeReason::UserEdited);
            state.image_actions.fetch_add(images, Ordering::Relaxed);
            let answer =
                self.effect.action(ACTION_INSTANCE_CHANGED, Some(&self.object), Some(&input), None, Some(time));
            state.image_actions.fetch_sub(images, Ordering::Relaxed);
            state.collect(0, "instanceChanged");
            result = result.and(answer.map(drop));
        }
        self.effect.action(ACTION_END_INSTANCE_CHANGED, Some(&self.object), Some(&around), None, Some(time))?;
        result
    }

    /// What the effect said, oldest first.
    #[must_use]
    pub fn messages(&self) -> Vec<Message> {
        self.state().log.messages()
    }

    /// The message that stands on the node until the effect clears it.
    #[must_use]
    pub fn persistent_message(&self) -> Option<Message> {
        self.state().log.persistent()
    }

    /// The steps of its progress bars.
    #[must_use]
    pub fn progress(&self) -> Vec<Progress> {
        self.state().log.progress_log()
    }

    /// Calls something at every step of its progress bars, on the thread that renders.
    pub fn on_progress(&self, callback: impl Fn(&Progress) + Send + Sync + 'static) {
        self.state().log.set_callbacks(|callbacks| callbacks.progress = Some(Arc::new(callback)));
    }

    /// Calls something with every message, on the thread that the effect says it on, and in the middle of its work: it must not turn
    /// to the instance. What copies of the instance say comes here, too.
    pub fn on_message(&self, callback: impl Fn(&Message) + Send + Sync + 'static) {
        self.state().log.set_callbacks(|callbacks| callbacks.message = Some(Arc::new(callback)));
    }

    /// What the effect did against the standard: images fetched where they may not be or never released, frames fetched
    /// without being announced, parameters set during render.
    #[must_use]
    pub fn violations(&self) -> Vec<String> {
        self.state().log.violations()
    }

    /// Images that the effect did not give back before its action returned.
    #[must_use]
    pub fn leaked_images(&self) -> usize {
        self.state().leaked.load(Ordering::Relaxed)
    }

    /// Cancels this instance's renders, and those of its clones.
    #[must_use]
    pub fn cancel_handle(&self) -> CancelHandle {
        self.state().cancel.clone()
    }

    /// Chooses each clip's format and asks for the effect's preferences, when something changed since last time.
    pub(crate) fn prepare(&self) -> Result<(), HostError> {
        let state = self.state();
        let _one = state.preparing.lock();
        if !state.stale.load(Ordering::Relaxed) {
            return Ok(());
        }
        let profile = self.effect.host.profile();
        let depths = self.depths()?;
        let inputs = self.object.inputs();
        let first = inputs.iter().find(|c| c.source().is_some() && !c.props.flag(IMAGE_CLIP_PROP_IS_MASK));
        let source = first.and_then(|c| c.source()).map(|s| s.format());
        // Every clip gets the same depth: no profile says that it does otherwise.
        let depth = nearest_depth(source.map_or(BitDepth::Float, |f| f.depth), &depths);
        let clips: Vec<Arc<Clip>> = self.object.clips.read().clone();
        for clip in &clips {
            let own = clip.source().map(|s| s.format()).or(source).unwrap_or(PixelFormat::FLOAT_RGBA);
            let components = self.components(clip, own.components);
            let premultiplication = profile.premultiplication.unwrap_or(own.premultiplication);
            clip.give(PixelFormat { depth, components, premultiplication });
        }
        if profile.source_files {
            let file = first.and_then(|c| c.source()).and_then(|s| s.file()).unwrap_or_default();
            self.object.props.put_text(PROP_SRC_FILE_PATH, &cstring(&file));
        }
        self.preferences(&clips)?;
        state.stale.store(false, Ordering::Relaxed);
        Ok(())
    }

    /// Depths that effect and host share.
    fn depths(&self) -> Result<Vec<BitDepth>, HostError> {
        let taken: Vec<BitDepth> = named(&self.object.props, PROP_SUPPORTED_PIXEL_DEPTHS, BitDepth::from_cstr);
        let given = &self.effect.host.profile().depths;
        let shared: Vec<BitDepth> = given.iter().copied().filter(|d| taken.is_empty() || taken.contains(d)).collect();
        if shared.is_empty() {
            let (effect, host) = (self.effect.label(), &self.effect.host.profile().label);
            let why = format!("{host} gives {given:?} pictures and {effect} takes none of these");
            return Err(HostError::Value { param: "pixel depth".to_owned(), what: why });
        }
        Ok(shared)
    }

    fn components(&self, clip: &Clip, own: Components) -> Components {
        let taken: Vec<Components> = named(&clip.props, PROP_SUPPORTED_COMPONENTS, Components::from_cstr);
        let shared = |c: &Components| {
            self.effect.host.profile().components.contains(c) && (taken.is_empty() || taken.contains(c))
        };
        [own, Components::Rgba, Components::Rgb, Components::Alpha].into_iter().find(shared).unwrap_or(Components::Rgba)
    }

    fn preferences(&self, clips: &[Arc<Clip>]) -> Result<(), HostError> {
        let suffixed = |prefix: &str, clip: &Clip| cstring(&format!("{prefix}{}", clip.name()));
        let out = PropertySet::new(SetKind::Arguments);
        let first = clips.iter().find_map(|c| c.source());
        for clip in clips {
            let given = clip.given();
            out.open_text(&suffixed(CLIP_COMPONENTS_PREFIX, clip), given.components.as_cstr());
            out.open_text(&suffixed(CLIP_DEPTH_PREFIX, clip), given.depth.as_cstr());
            // What is made has the shape of the first clip's pixels, unless the plugin says otherwise.
            let like = clip.source().or_else(|| first.clone());
            let aspect = like.map_or(self.state().project.pixel_aspect, |s| s.pixel_aspect());
            out.open(&suffixed(CLIP_PAR_PREFIX, clip), &[aspect]);
        }
        let output = clips.iter().find(|c| c.is_output());
        let premultiplication = output.map_or(Premultiplication::Opaque, |c| c.given().premultiplication);
        out.open_text(PROP_PRE_MULTIPLICATION, premultiplication.as_cstr());
        let rate = first.map(|s| s.rate());
        out.open(PROP_FRAME_RATE, &[rate.unwrap_or(self.state().project.frame_rate)]);
        out.open_text(IMAGE_CLIP_PROP_FIELD_ORDER, Field::None.as_cstr());
        out.open(IMAGE_CLIP_PROP_CONTINUOUS_SAMPLES, &[0]);
        out.open(FRAME_VARYING, &[0]);
        self.effect.action(ACTION_GET_CLIP_PREFERENCES, Some(&self.object), None, Some(&out), None)?;
        self.effect.host.checked(|faults| check::preferences(faults, &out, clips));
        let profile = self.effect.host.profile();
        for clip in clips {
            let mut given = clip.given();
            let components = out.text(&suffixed(CLIP_COMPONENTS_PREFIX, clip));
            if let Some(c) =
                components.and_then(|c| Components::from_cstr(&c)).filter(|c| profile.components.contains(c))
            {
                given.components = c;
            }
            let depth = out.text(&suffixed(CLIP_DEPTH_PREFIX, clip));
            if let Some(d) = depth.and_then(|d| BitDepth::from_cstr(&d)).filter(|d| profile.depths.contains(d)) {
                given.depth = d;
            }
            let preferred = out.text(PROP_PRE_MULTIPLICATION).and_then(|p| Premultiplication::from_cstr(&p));
            if let (true, Some(p)) = (clip.is_output(), preferred) {
                given.premultiplication = p;
            }
            clip.give(given);
            if clip.is_output() {
                let aspect = out.double(&suffixed(CLIP_PAR_PREFIX, clip)).filter(|a| a.is_finite() && *a > 0.0);
                clip.props.put(IMAGE_PROP_PIXEL_ASPECT_RATIO, &[aspect.unwrap_or(1.0)]);
                let continuous = out.int(IMAGE_CLIP_PROP_CONTINUOUS_SAMPLES).unwrap_or(0);
                clip.props.put(IMAGE_CLIP_PROP_CONTINUOUS_SAMPLES, &[continuous]);
                clip.props.put(PROP_FRAME_RATE, &[out.double(PROP_FRAME_RATE).unwrap_or(0.0)]);
            }
        }
        Ok(())
    }
}

/// The depth to use for pictures of a depth: the same, else the next deeper, else the deepest there is.
fn nearest_depth(wanted: BitDepth, shared: &[BitDepth]) -> BitDepth {
    let deeper = shared.iter().copied().filter(|d| *d >= wanted).min();
    deeper.or_else(|| shared.iter().copied().max()).unwrap_or(BitDepth::Float)
}

fn copy_setup(from: &EffectObject, to: &EffectObject) {
    for param in to.params.all() {
        if let Some(original) = from.params.find(&param.id) {
            param.copy_from(&original, 0.0, None);
        }
    }
    for clip in to.inputs() {
        if let Some(original) = from.clip(&clip.id) {
            clip.connect(original.source(), to.host.profile());
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::host::{Host, param::ParamSet};

    /// An instance with parameters and no plugin behind it.
    pub(crate) fn blank_instance(host: &Host, params: &[(ParamKind, &CStr)]) -> Arc<EffectObject> {
        let descriptor_params = ParamSet::new(sets::param_set());
        let props = sets::effect(c"test", c"", host.profile());
        let descriptor =
            EffectObject::new(host.inner(), props.clone(), descriptor_params, Vec::new(), Some(Context::Filter), None);
        for (kind, id) in params {
            descriptor.params.define(*kind, id).expect("not defined before");
        }
        let state = State::new(Project::new(4, 4, 1.0, 10.0), Log::default(), CancelHandle::new());
        let set = descriptor.params.instantiate();
        EffectObject::new(
            host.inner(),
            props.fork(SetKind::Instance),
            set,
            Vec::new(),
            Some(Context::Filter),
            Some(state),
        )
    }

    #[test]
    fn the_depth_chosen_loses_nothing_where_it_can() {
        use BitDepth::{Byte, Float, Half, Short};
        assert_eq!(nearest_depth(Short, &[Byte, Short, Float]), Short);
        assert_eq!(nearest_depth(Short, &[Byte, Float]), Float);
        assert_eq!(nearest_depth(Float, &[Byte, Half]), Half);
    }
}

//! The phases. Each type gives what the standard allows in its action, and nothing else: images exist in [`Render`]
//! and in a user-edited [`Changed`] alone, parameters are written in [`Changed`] alone.
//!
//! All but [`Create`] and [`Cx`] deref to [`Cx`], which is what every action of an instance may do.

use std::{marker::PhantomData, ops::Deref};

use super::{
    clip::{self, Clip, ClipInfo},
    effect::Effect,
    error::{Error, Result},
    host_info::HostInfo,
    image::{InputImage, Loans},
    instance::{Instance, Shell},
    param::{ParamId, Params, Value},
    param_set::{ParamReader, When},
    property::Props,
    services::{self, HostMemory, MessageKind, Progress},
};
use crate::{ChangeReason, Context, RangeD, props};

/// What every action of an instance may do: parameters, clips but not their images, the host's services.
pub struct Cx<'a, E: Effect> {
    pub(crate) shell: &'a Shell,
    clips: &'a E::Clips,
    /// Suites are for the thread that the host called on.
    one_thread: PhantomData<*const ()>,
}

impl<'a, E: Effect> Cx<'a, E> {
    pub(crate) fn new(shell: &'a Shell, clips: &'a E::Clips) -> Self {
        Self { shell, clips, one_thread: PhantomData }
    }

    pub(crate) fn of(instance: &'a Instance<E>) -> Self {
        Self::new(&instance.shell, &instance.clips)
    }

    /// The host's traits.
    #[must_use]
    pub fn host(&self) -> &'a HostInfo {
        &self.shell.suites.info
    }

    /// What the host uses this instance for.
    #[must_use]
    pub fn context(&self) -> Context {
        self.shell.context
    }

    /// The declared clips.
    #[must_use]
    pub fn clips(&self) -> &'a E::Clips {
        self.clips
    }

    /// What the host says of a clip.
    ///
    /// # Errors
    /// When the clip belongs to another effect.
    pub fn clip(&self, clip: Clip) -> Result<ClipInfo<'a>> {
        Ok(ClipInfo { slot: clip::slot(&self.shell.clips, clip)?, suites: &self.shell.suites })
    }

    /// Every parameter at a time.
    ///
    /// # Errors
    /// When the host refuses one, or holds a value that makes no sense.
    pub fn params_at(&self, time: f64) -> Result<E::Params> {
        E::Params::read(&ParamReader { table: &self.shell.params, suites: &self.shell.suites, when: When::At(time) })
    }

    /// One parameter at a time.
    ///
    /// # Errors
    /// As [`params_at`](Self::params_at).
    pub fn value_at<T: Value>(&self, id: ParamId<T>, time: f64) -> Result<T> {
        T::read(&self.shell.params.entry(&self.shell.suites, id.id())?, When::At(time))
    }

    /// A parameter's integral over time in frames, as a speed adds up to a position; negative backwards.
    ///
    /// # Errors
    /// As [`params_at`](Self::params_at).
    pub fn integral(&self, id: ParamId<f64>, from: f64, to: f64) -> Result<f64> {
        self.shell.params.entry(&self.shell.suites, id.id())?.integral(from, to)
    }

    /// A parameter's keyframes, in order; none where the host cannot say.
    ///
    /// # Errors
    /// When there is no such parameter.
    pub fn key_times<T>(&self, id: ParamId<T>) -> Result<Vec<f64>> {
        Ok(self.shell.params.entry(&self.shell.suites, id.id())?.key_times())
    }

    /// The source time that a host asks a retimer for; none in other contexts.
    ///
    /// # Errors
    /// As [`params_at`](Self::params_at).
    pub fn retimer_source_time(&self, time: f64) -> Result<Option<f64>> {
        self.mandated(Context::Retimer, super::describe::SOURCE_TIME, time)
    }

    /// How far a transition is, from 0 to 1; none in other contexts.
    ///
    /// # Errors
    /// As [`params_at`](Self::params_at).
    pub fn transition(&self, time: f64) -> Result<Option<f64>> {
        self.mandated(Context::Transition, super::describe::TRANSITION, time)
    }

    fn mandated(&self, context: Context, id: &'static str, time: f64) -> Result<Option<f64>> {
        (self.context() == context).then(|| self.value_at(ParamId::new(id), time)).transpose()
    }

    /// Tells the user something; where the host has no messages, it only goes into [`recent_log`](super::recent_log).
    pub fn message(&self, kind: MessageKind, text: &str) {
        let text = format!("{}: {text}", self.shell.label);
        services::post(&self.shell.suites, self.shell.handle.0.cast(), kind, &text);
    }

    /// Shows a text on the node until it is cleared, or a parameter is changed; where the host has no such, posts it as a
    /// message, once for an instance.
    pub fn set_persistent_message(&self, kind: MessageKind, text: &str) {
        self.shell.show(kind, text);
    }

    /// Shows on the node how work is going, until [`clear_status`](Self::clear_status); nothing where the host has no persistent messages.
    pub fn set_status(&self, text: &str) {
        self.shell.show_status(text);
    }

    /// Takes away how work is going, unless another message is shown by now.
    pub fn clear_status(&self) {
        self.shell.clear_status();
    }

    /// Takes the persistent message away.
    pub fn clear_persistent_message(&self) {
        self.shell.clear_shown();
    }

    /// A progress bar, there until it is dropped.
    #[must_use]
    pub fn progress(&self, label: &str) -> Progress<'a> {
        Progress::start(self.shell, label)
    }

    /// Memory that the host counts as its own, zeroed.
    ///
    /// # Errors
    /// When there is not enough.
    pub fn memory(&self, bytes: usize) -> Result<HostMemory<'a>> {
        HostMemory::new(self.shell, bytes)
    }

    /// How many threads the host grants.
    #[must_use]
    pub fn thread_count(&self) -> usize {
        services::thread_count(&self.shell.suites)
    }

    /// Runs `task(0)` to `task(count - 1)` on the host's threads, where it has any; returns when all are done.
    ///
    /// # Errors
    /// When a task panicked; the others end early.
    pub fn parallel(&self, count: usize, task: impl Fn(usize) + Sync) -> Result<()> {
        services::parallel(&self.shell.suites, count, &task)
    }

    /// Where the timeline's cursor stands, in hosts that have one.
    #[must_use]
    pub fn timeline_time(&self) -> Option<f64> {
        services::timeline_time(self.shell)
    }

    /// The timeline's first and last time, in hosts that have one.
    #[must_use]
    pub fn timeline_bounds(&self) -> Option<RangeD> {
        services::timeline_bounds(self.shell)
    }

    /// How many frames the effect lasts, in hosts that say.
    #[must_use]
    pub fn effect_duration(&self) -> Option<f64> {
        self.props().double(props::INSTANCE_PROP_EFFECT_DURATION)
    }

    /// Frames a second of the project, in hosts that say.
    #[must_use]
    pub fn frame_rate(&self) -> Option<f64> {
        self.props().double(props::PROP_FRAME_RATE).filter(|r| r.is_finite() && *r > 0.0)
    }

    /// The project's size in canonical coordinates, in hosts that say.
    #[must_use]
    pub fn project_size(&self) -> Option<(f64, f64)> {
        self.props().point(props::PROP_PROJECT_SIZE)
    }

    /// The file that the frames of the effect's first clip are from, in hosts that say (DaVinci Resolve 20 and newer). It may
    /// change from one render to the next. A sequence's frame numbers stand as in `shot.[0001-0100].dng`.
    #[must_use]
    pub fn source_file(&self) -> Option<String> {
        self.props().string(props::PROP_SRC_FILE_PATH).filter(|path| !path.trim().is_empty())
    }

    /// Whether a user is at the screen.
    #[must_use]
    pub fn is_interactive(&self) -> bool {
        self.props().flag(props::PROP_IS_INTERACTIVE, false)
    }

    /// The style of colour management that the host chose for this instance (1.5), if any.
    #[must_use]
    pub fn colour_management(&self) -> Option<String> {
        self.props()
            .string(props::PROP_COLOUR_MANAGEMENT_STYLE)
            .filter(|style| style.as_bytes() != props::COLOUR_MANAGEMENT_NONE.to_bytes())
    }

    fn props(&self) -> Props<'a> {
        match self.shell.props {
            Some(handle) => Props::new(&self.shell.suites.property, handle),
            None => Props::none(&self.shell.suites.property),
        }
    }

    fn current_params(&self) -> Result<E::Params> {
        E::Params::read(&ParamReader { table: &self.shell.params, suites: &self.shell.suites, when: When::Now })
    }

    fn param_flag<T>(&self, id: ParamId<T>, property: &std::ffi::CStr, value: bool) -> Result<()> {
        let props = self.shell.params.entry(&self.shell.suites, id.id())?.props();
        // A host that cannot grey out or hide leaves the parameter as it is.
        let _ = props.set_flag(property, value);
        Ok(())
    }
}

/// Phases that deref to [`Cx`].
macro_rules! phase {
    ($name:ident) => {
        impl<'a, E: Effect> Deref for $name<'a, E> {
            type Target = Cx<'a, E>;

            fn deref(&self) -> &Cx<'a, E> {
                &self.cx
            }
        }
    };
}

/// What only these phases may do to a parameter's look.
macro_rules! may_restyle {
    ($name:ident) => {
        impl<E: Effect> $name<'_, E> {
            /// Greys a parameter out, or not.
            ///
            /// # Errors
            /// When there is no such parameter.
            pub fn enable<T>(&self, id: ParamId<T>, enabled: bool) -> Result<()> {
                self.cx.param_flag(id, props::PARAM_PROP_ENABLED, enabled)
            }

            /// Shows a parameter, or not.
            ///
            /// # Errors
            /// When there is no such parameter.
            pub fn show<T>(&self, id: ParamId<T>, shown: bool) -> Result<()> {
                self.cx.param_flag(id, props::PARAM_PROP_SECRET, !shown)
            }
        }
    };
}

/// Phases of a time and a render scale.
macro_rules! at_a_time {
    ($name:ident) => {
        impl<E: Effect> $name<'_, E> {
            /// The effect's time, in frames.
            #[must_use]
            pub fn time(&self) -> f64 {
                self.time
            }

            /// The picture's size over the full size, across and up.
            #[must_use]
            pub fn render_scale(&self) -> (f64, f64) {
                self.render_scale
            }
        }
    };
}

// After the macros, which it uses.
mod render;
pub use render::{Render, RenderFlags, Sequence};

/// An instance is being made.
pub struct Create<'a, E: Effect> {
    cx: Cx<'a, E>,
}

phase!(Create);
may_restyle!(Create);

impl<'a, E: Effect> Create<'a, E> {
    pub(crate) fn new(shell: &'a Shell, clips: &'a E::Clips) -> Self {
        Self { cx: Cx::new(shell, clips) }
    }

    /// Every parameter as it stands.
    ///
    /// # Errors
    /// When the host refuses one, or holds a value that makes no sense.
    pub fn params(&self) -> Result<E::Params> {
        self.cx.current_params()
    }
}

/// A question about a time.
pub struct At<'a, E: Effect> {
    cx: Cx<'a, E>,
    time: f64,
    render_scale: (f64, f64),
}

phase!(At);
at_a_time!(At);

impl<'a, E: Effect> At<'a, E> {
    pub(crate) fn new(cx: Cx<'a, E>, args: &Props<'_>) -> Result<Self> {
        Ok(Self { render_scale: scale(args), ..Self::at_any_scale(cx, args)? })
    }

    /// For a question that is not of a scale.
    pub(crate) fn at_any_scale(cx: Cx<'a, E>, args: &Props<'_>) -> Result<Self> {
        Ok(Self { cx, time: time(args)?, render_scale: (1.0, 1.0) })
    }

    /// Every parameter at this time.
    ///
    /// # Errors
    /// As [`Cx::params_at`].
    pub fn params(&self) -> Result<E::Params> {
        self.cx.params_at(self.time)
    }
}

/// What changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// The parameter of this id.
    Param(String),
    /// The clip of this name.
    Clip(String),
    /// Something else, which the host did not name.
    Other,
}

/// Something of an instance changed.
pub struct Changed<'a, E: Effect> {
    cx: Cx<'a, E>,
    loans: Loans<'a>,
    what: What,
    reason: ChangeReason,
    time: f64,
    render_scale: (f64, f64),
}

phase!(Changed);
at_a_time!(Changed);
may_restyle!(Changed);

impl<'a, E: Effect> Changed<'a, E> {
    pub(crate) fn new(cx: Cx<'a, E>, args: &Props<'_>) -> Self {
        let name = args.string(props::PROP_NAME);
        let kind = args.c_string(props::PROP_TYPE);
        let what = match (kind, name) {
            (Some(kind), Some(name)) if kind.as_c_str() == props::TYPE_PARAMETER => What::Param(name),
            (Some(kind), Some(name)) if kind.as_c_str() == props::TYPE_CLIP => What::Clip(name),
            _ => What::Other,
        };
        Self {
            loans: Loans::new(&cx.shell.suites),
            what,
            reason: reason(args),
            time: args.double(props::PROP_TIME).filter(|t| t.is_finite()).unwrap_or(0.0),
            render_scale: scale(args),
            cx,
        }
    }

    /// What changed.
    #[must_use]
    pub fn what(&self) -> &What {
        &self.what
    }

    /// Whether it was this parameter (a button: whether it was pressed).
    #[must_use]
    pub fn is<T>(&self, id: ParamId<T>) -> bool {
        matches!(&self.what, What::Param(name) if name == id.id())
    }

    /// Who changed it.
    #[must_use]
    pub fn reason(&self) -> ChangeReason {
        self.reason
    }

    /// Every parameter as it stands.
    ///
    /// # Errors
    /// As [`Cx::params_at`].
    pub fn params(&self) -> Result<E::Params> {
        self.cx.current_params()
    }

    /// Sets a parameter; of one with keyframes, the host sets the one at its own current time.
    ///
    /// # Errors
    /// When the host refuses.
    pub fn set<T: Value>(&self, id: ParamId<T>, value: T) -> Result<()> {
        value.write(&self.cx.shell.params.entry(&self.cx.shell.suites, id.id())?, When::Now)
    }

    /// Sets a keyframe.
    ///
    /// # Errors
    /// When the host refuses.
    pub fn set_at<T: Value>(&self, id: ParamId<T>, time: f64, value: T) -> Result<()> {
        value.write(&self.cx.shell.params.entry(&self.cx.shell.suites, id.id())?, When::At(time))
    }

    /// Groups what is set until the result is dropped into one step of the host's undo.
    #[must_use]
    pub fn edit(&self, label: &str) -> Edit<'a> {
        self.cx.shell.params.edit_begin(&self.cx.shell.suites, label);
        Edit { shell: self.cx.shell }
    }

    /// A clip's image at a time; none where nothing is connected or the host has none there.
    ///
    /// # Errors
    /// When the change was not made by the user, for the standard allows no images then; or as [`Render::image`].
    pub fn image(&self, clip: Clip, time: f64) -> Result<Option<InputImage<'_>>> {
        if self.reason != ChangeReason::UserEdited {
            return Err(Error::Failed("Images can be had while rendering, or when the user changes something".into()));
        }
        InputImage::fetch(&self.loans, clip::slot(&self.cx.shell.clips, clip)?, time)
    }

    /// Moves the timeline's cursor; `false` where the host cannot.
    pub fn timeline_goto(&self, time: f64) -> bool {
        services::timeline_goto(self.cx.shell, time)
    }
}

/// One step of the host's undo; it ends when dropped.
pub struct Edit<'a> {
    shell: &'a Shell,
}

impl Drop for Edit<'_> {
    fn drop(&mut self) {
        self.shell.params.edit_end(&self.shell.suites);
    }
}

pub(crate) fn time(args: &Props<'_>) -> Result<f64> {
    let time = args.double(props::PROP_TIME).filter(|t| t.is_finite());
    time.ok_or_else(|| Error::MissingHostFeature("a time to work at".into()))
}

fn scale(args: &Props<'_>) -> (f64, f64) {
    let sane = |v: f64| v.is_finite() && v > 0.0;
    args.point(props::PROP_RENDER_SCALE).filter(|(x, y)| sane(*x) && sane(*y)).unwrap_or((1.0, 1.0))
}

pub(crate) fn reason(args: &Props<'_>) -> ChangeReason {
    // Without a reason the cautious one: it allows no images.
    let reason = args.c_string(props::PROP_CHANGE_REASON).and_then(|s| ChangeReason::from_cstr(&s));
    reason.unwrap_or(ChangeReason::PluginEdited)
}

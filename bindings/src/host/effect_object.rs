//! What an effect handle stands for: a descriptor, or an instance with what happens to it.

use std::{
    cell::RefCell,
    collections::HashMap,
    ffi::{CStr, CString},
    sync::{
        Arc, Weak,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
    thread::ThreadId,
};

use parking_lot::{Mutex, RwLock};

use super::{
    check::Faults,
    clip::Clip,
    image::HostImage,
    instance::Project,
    load::HostInner,
    log::{CancelHandle, Log},
    overlay::Board,
    param::ParamSet,
    property::PropertySet,
    registry::{Handle, Object},
};
use crate::{Context, RangeD, RectD, RectI, Status};

/// An effect: the plugin's descriptor, its descriptor in a context, or an instance.
#[derive(Debug)]
pub(crate) struct EffectObject {
    handle: Handle,
    pub(crate) host: Arc<HostInner>,
    pub(crate) props: Arc<PropertySet>,
    pub(crate) params: Arc<ParamSet>,
    pub(crate) clips: RwLock<Vec<Arc<Clip>>>,
    pub(crate) context: Option<Context>,
    pub(crate) state: Option<State>,
}

/// What an instance has beyond a descriptor.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) project: Project,
    pub(crate) log: Log,
    pub(crate) cancel: CancelHandle,
    time: AtomicU64,
    /// Images lent to the plugin, by handle.
    pub(crate) loans: Mutex<HashMap<usize, Loan>>,
    pub(crate) leaked: AtomicUsize,
    pub(crate) jobs: Mutex<Vec<Arc<Job>>>,
    /// Actions now running in which images may be fetched.
    pub(crate) image_actions: AtomicUsize,
    /// Parameters that the plugin changed and was not told of yet.
    pub(crate) changed: Mutex<Vec<CString>>,
    /// Set while clip preferences must be asked for again.
    pub(crate) stale: AtomicBool,
    pub(crate) preparing: Mutex<()>,
    /// Held while an effect that takes one render an instance is rendering.
    pub(crate) rendering: Mutex<()>,
}

/// An image that the plugin holds.
#[derive(Debug)]
pub(crate) struct Loan {
    /// Keeps its handle alive.
    pub(crate) _props: Arc<PropertySet>,
    /// Keeps its pixels alive.
    pub(crate) _image: Arc<HostImage>,
    /// The render it was lent in; 0 for instanceChanged.
    pub(crate) job: u64,
    pub(crate) count: usize,
}

/// One render call.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) id: u64,
    pub(crate) time: f64,
    pub(crate) thread: ThreadId,
    pub(crate) scale: (f64, f64),
    pub(crate) output: Arc<HostImage>,
    /// Bounds of the whole picture, of which the output may be a tile.
    pub(crate) region: RectI,
    /// The part of each clip that the effect asked for, where the host renders tiles.
    pub(crate) interest: HashMap<CString, RectD>,
    /// The times of each clip that the effect asked for; `None` where the host does not ask.
    pub(crate) announced: Option<HashMap<CString, Vec<RangeD>>>,
}

impl State {
    pub(crate) fn new(project: Project, log: Log, cancel: CancelHandle) -> Self {
        Self {
            project,
            log,
            cancel,
            // Until something is rendered, the user is looking at the first frame.
            time: AtomicU64::new(project.range.min.to_bits()),
            loans: Mutex::default(),
            leaked: AtomicUsize::new(0),
            jobs: Mutex::default(),
            image_actions: AtomicUsize::new(0),
            changed: Mutex::default(),
            stale: AtomicBool::new(true),
            preparing: Mutex::default(),
            rendering: Mutex::default(),
        }
    }

    /// The time of the action on this thread, or the latest the instance was asked about.
    pub(crate) fn time(&self) -> f64 {
        current(|c| c.time).flatten().unwrap_or_else(|| f64::from_bits(self.time.load(Ordering::Relaxed)))
    }

    pub(crate) fn set_time(&self, time: f64) {
        self.time.store(time.to_bits(), Ordering::Relaxed);
    }

    /// The render that a call belongs to: this thread's, else the one at that time, else the only one.
    pub(crate) fn job(&self, time: Option<f64>) -> Option<Arc<Job>> {
        if let Some(job) = current(|c| c.job.clone()).flatten() {
            return Some(job);
        }
        let jobs = self.jobs.lock();
        let here = std::thread::current().id();
        let by_thread = jobs.iter().find(|j| j.thread == here);
        let found = by_thread.or_else(|| jobs.iter().find(|j| Some(j.time) == time)).or_else(|| jobs.first());
        found.cloned()
    }

    /// Takes back the images of a render (or of instanceChanged: 0) that the plugin did not give back.
    pub(crate) fn collect(&self, job: u64, action: &str) {
        let mut loans = self.loans.lock();
        let before: usize = loans.values().map(|l| l.count).sum();
        loans.retain(|_, l| l.job != job);
        let lost = before - loans.values().map(|l| l.count).sum::<usize>();
        drop(loans);
        if lost > 0 {
            self.leaked.fetch_add(lost, Ordering::Relaxed);
            self.log.violation(format!("{lost} image(s) not released when {action} returned"));
        }
    }
}

impl EffectObject {
    pub(crate) fn new(
        host: &Arc<HostInner>,
        props: Arc<PropertySet>,
        params: Arc<ParamSet>,
        clips: Vec<Arc<Clip>>,
        context: Option<Context>,
        state: Option<State>,
    ) -> Arc<Self> {
        Arc::new_cyclic(|weak: &Weak<Self>| {
            params.own(weak.clone());
            clips.iter().for_each(|c| c.own(weak.clone()));
            Self {
                handle: Handle::new(Object::Effect(weak.clone())),
                host: host.clone(),
                props,
                params,
                clips: RwLock::new(clips),
                context,
                state,
            }
        })
    }

    pub(crate) fn handle(&self) -> &Handle {
        &self.handle
    }

    pub(crate) fn is_instance(&self) -> bool {
        self.state.is_some()
    }

    pub(crate) fn state(&self) -> Result<&State, Status> {
        self.state.as_ref().ok_or(Status::BAD_HANDLE)
    }

    pub(crate) fn clip(&self, id: &CStr) -> Option<Arc<Clip>> {
        self.clips.read().iter().find(|c| *c.id == *id).cloned()
    }

    /// Every clip but the output.
    pub(crate) fn inputs(&self) -> Vec<Arc<Clip>> {
        self.clips.read().iter().filter(|c| !c.is_output()).cloned().collect()
    }
}

/// What a thread is doing for the host.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) action: &'static CStr,
    pub(crate) time: Option<f64>,
    pub(crate) job: Option<Arc<Job>>,
    /// Where a strict host notes what is not allowed.
    pub(crate) faults: Option<Arc<Faults>>,
    /// What an overlay draws on.
    pub(crate) board: Option<Arc<Mutex<Board>>>,
    /// How often an overlay asked to be drawn again.
    pub(crate) redraws: Option<Arc<AtomicUsize>>,
}

impl Call {
    pub(crate) fn new(action: &'static CStr, faults: Option<Arc<Faults>>) -> Self {
        Self { action, time: None, job: None, faults, board: None, redraws: None }
    }
}

thread_local! {
    static CALLS: RefCell<Vec<Call>> = const { RefCell::new(Vec::new()) };
}

/// Looks at the innermost call into a plugin on this thread.
pub(crate) fn current<R>(f: impl FnOnce(&Call) -> R) -> Option<R> {
    CALLS.with_borrow(|calls| calls.last().map(f))
}

/// Runs something as part of a call.
pub(crate) fn within<R>(call: Call, f: impl FnOnce() -> R) -> R {
    struct Pop;
    impl Drop for Pop {
        fn drop(&mut self) {
            CALLS.with_borrow_mut(|calls| calls.pop());
        }
    }
    CALLS.with_borrow_mut(|calls| calls.push(call));
    let _pop = Pop;
    f()
}

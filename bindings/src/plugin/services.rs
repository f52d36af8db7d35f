//! What a host does for an effect beside pictures: messages, progress, threads, memory, the timeline.

use std::{
    any::Any,
    collections::VecDeque,
    ffi::{CStr, CString, c_uint, c_void},
    ops::{Deref, DerefMut},
    panic::{AssertUnwindSafe, catch_unwind},
    ptr, slice,
    sync::{
        OnceLock,
        atomic::{AtomicUsize, Ordering},
    },
};

use parking_lot::Mutex;

use super::{
    error::{Error, Result},
    instance::Shell,
    property::c_text,
    suites::Suites,
};
use crate::{RangeD, Status, props, sys::image_effect_v1::image_effect::OfxImageMemoryHandle};

/// How a message is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MessageKind {
    /// Something failed that the user can put right.
    Error,
    /// It works, but not as well as it could.
    Warning,
    /// To be read.
    Message,
    /// For a log, not for the user.
    Log,
}

impl MessageKind {
    fn as_cstr(self) -> &'static CStr {
        match self {
            Self::Error => props::MESSAGE_ERROR,
            Self::Warning => props::MESSAGE_WARNING,
            Self::Message => props::MESSAGE_MESSAGE,
            Self::Log => props::MESSAGE_LOG,
        }
    }
}

/// Lines kept by [`recent_log`].
const LOG_LINES: usize = 256;

static LOG: Mutex<VecDeque<String>> = Mutex::new(VecDeque::new());

/// Keeps a line for [`recent_log`]. A plugin's standard error is not read by anyone, and on Windows not even there.
pub fn log(line: impl Into<String>) {
    log_as(MessageKind::Warning, line.into());
}

pub(crate) fn log_as(kind: MessageKind, line: String) {
    let level = match kind {
        MessageKind::Error => log::Level::Error,
        MessageKind::Warning => log::Level::Warn,
        MessageKind::Message => log::Level::Info,
        MessageKind::Log => log::Level::Debug,
    };
    log::log!(level, "{line}");
    let mut log = LOG.lock();
    if log.len() == LOG_LINES {
        log.pop_front();
    }
    log.push_back(line);
}

/// The last lines logged in this process, every message to the user among them, oldest first.
#[must_use]
pub fn recent_log() -> Vec<String> {
    LOG.lock().iter().cloned().collect()
}

/// A text as a format of `printf` that takes no arguments: Natron shows the format as it is and forgets what follows.
fn format_text(text: &str) -> CString {
    c_text(&text.replace('%', "%%"))
}

/// Posts a message for an effect, descriptor or instance, by the newer suite, else by the older.
pub(crate) fn post(suites: &Suites, handle: *mut c_void, kind: MessageKind, text: &str) -> bool {
    log_as(kind, text.to_owned());
    let text = format_text(text);
    // Resolve can answer with a version 2 whose functions are null.
    let v2 = suites.message2.and_then(|s| s.message);
    let Some(message) = v2.or_else(|| suites.message.and_then(|s| s.message)) else { return false };
    // SAFETY: the handle is the host's own or null, the texts are C strings, and the format takes no arguments.
    let status = unsafe { message(handle, kind.as_cstr().as_ptr(), c"".as_ptr(), text.as_ptr()) };
    status == Status::OK.0
}

/// Shows a message until it is cleared; `false` where the host cannot. Not logged: some say how far work is.
pub(crate) fn persist(suites: &Suites, handle: *mut c_void, kind: MessageKind, id: &CStr, text: &str) -> bool {
    let Some(set) = suites.message2.and_then(|s| s.setPersistentMessage) else { return false };
    let text = format_text(text);
    // SAFETY: as in `post`.
    let status = unsafe { set(handle, kind.as_cstr().as_ptr(), id.as_ptr(), text.as_ptr()) };
    status == Status::OK.0
}

pub(crate) fn clear_persistent(suites: &Suites, handle: *mut c_void) {
    if let Some(clear) = suites.message2.and_then(|s| s.clearPersistentMessage) {
        // SAFETY: the handle is the host's own.
        unsafe { clear(handle) };
    }
}

/// Whether to go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Go {
    /// Go on.
    On,
    /// The user cancelled.
    Cancelled,
}

/// A progress bar; it goes away when dropped. Where the host has none, nothing is shown.
pub struct Progress<'a> {
    shell: &'a Shell,
}

impl<'a> Progress<'a> {
    pub(crate) fn start(shell: &'a Shell, label: &str) -> Self {
        let (label, handle) = (c_text(label), shell.handle.0.cast());
        // SAFETY (both): the instance is the host's own, the texts are C strings. A refusal shows no bar.
        if let Some(start) = shell.suites.progress2.and_then(|s| s.progressStart) {
            // SAFETY: as above.
            unsafe { start(handle, label.as_ptr(), c"".as_ptr()) };
        } else if let Some(start) = shell.suites.progress.and_then(|s| s.progressStart) {
            // SAFETY: as above.
            unsafe { start(handle, label.as_ptr()) };
        }
        Self { shell }
    }

    fn v2(&self) -> bool {
        self.shell.suites.progress2.is_some_and(|s| s.progressStart.is_some())
    }

    /// How much is done, from 0 to 1.
    pub fn update(&self, done: f64) -> Go {
        let suites = &self.shell.suites;
        let update = if self.v2() {
            suites.progress2.and_then(|s| s.progressUpdate)
        } else {
            suites.progress.and_then(|s| s.progressUpdate)
        };
        let done = if done.is_nan() { 0.0 } else { done.clamp(0.0, 1.0) };
        // SAFETY: the instance is the host's own.
        let status = update.map_or(Status::OK, |update| Status(unsafe { update(self.shell.handle.0.cast(), done) }));
        if status == Status::REPLY_NO { Go::Cancelled } else { Go::On }
    }

    /// As [`update`](Self::update), as an error when cancelled: for `?`.
    ///
    /// # Errors
    /// [`Error::Aborted`] when the user cancelled, or the host wants the render to stop.
    pub fn step(&self, done: f64) -> Result<()> {
        if self.update(done) == Go::Cancelled || self.shell.abort() { Err(Error::Aborted) } else { Ok(()) }
    }
}

impl Drop for Progress<'_> {
    fn drop(&mut self) {
        let suites = &self.shell.suites;
        let end = if self.v2() {
            suites.progress2.and_then(|s| s.progressEnd)
        } else {
            suites.progress.and_then(|s| s.progressEnd)
        };
        if let Some(end) = end {
            // SAFETY: the instance is the host's own.
            unsafe { end(self.shell.handle.0.cast()) };
        }
    }
}

/// How many threads the host grants.
pub(crate) fn thread_count(suites: &Suites) -> usize {
    let mut count: c_uint = 0;
    let get = suites.threads.and_then(|s| s.multiThreadNumCPUs);
    // SAFETY: the place outlives the call.
    let status = get.map_or(Status::UNSUPPORTED, |get| Status(unsafe { get(&raw mut count) }));
    match usize::try_from(count) {
        Ok(count) if status == Status::OK && count > 0 => count,
        _ => std::thread::available_parallelism().map_or(1, usize::from),
    }
}

struct Work<'a> {
    task: &'a (dyn Fn(usize) + Sync),
    next: AtomicUsize,
    count: usize,
    panic: OnceLock<String>,
}

impl Work<'_> {
    /// Takes tasks until there are none, so it does not matter how many threads a host really starts.
    fn run(&self) {
        loop {
            let i = self.next.fetch_add(1, Ordering::Relaxed);
            if i >= self.count || self.panic.get().is_some() {
                return;
            }
            if let Err(payload) = catch_unwind(AssertUnwindSafe(|| (self.task)(i))) {
                // A second panic adds nothing.
                let _ = self.panic.set(panic_text(&*payload));
                std::mem::forget(payload);
            }
        }
    }
}

unsafe extern "C" fn work(_index: c_uint, _count: c_uint, arg: *mut c_void) {
    // SAFETY: `parallel` passes its `Work`, which outlives the host's call, and which may be shared.
    let work = unsafe { &*arg.cast::<Work<'_>>() };
    work.run();
}

/// Runs `task(0)` to `task(count - 1)` on the host's threads, else one after the other. Returns when all are done.
pub(crate) fn parallel(suites: &Suites, count: usize, task: &(dyn Fn(usize) + Sync)) -> Result<()> {
    let all = Work { task, next: AtomicUsize::new(0), count, panic: OnceLock::new() };
    let threads = c_uint::try_from(thread_count(suites).min(count)).unwrap_or(1);
    if let (2.., Some(start)) = (threads, suites.threads.and_then(|s| s.multiThread)) {
        // SAFETY: the host calls `work` with this argument and returns when every thread has; `Work` is shared by
        // reference alone and all of it is `Sync`. A refusal leaves tasks, which are done below.
        unsafe { start(Some(work), threads, (&raw const all).cast_mut().cast()) };
    }
    all.run();
    match all.panic.into_inner() {
        Some(text) => Err(Error::Failed(format!("Internal error: {text}"))),
        None => Ok(()),
    }
}

/// The text a panic carries.
pub(crate) fn panic_text(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().map(|s| (*s).to_owned());
    text.or_else(|| payload.downcast_ref::<String>().cloned()).unwrap_or_else(|| "a panic without a text".into())
}

enum Source {
    Image(OfxImageMemoryHandle),
    Plain,
    Own(Vec<u8>),
}

/// Memory that the host counts as its own; ours where it lends none. Zeroed.
pub struct HostMemory<'a> {
    suites: &'a Suites,
    source: Source,
    data: *mut u8,
    len: usize,
}

impl<'a> HostMemory<'a> {
    pub(crate) fn new(shell: &'a Shell, len: usize) -> Result<Self> {
        let suites = &*shell.suites;
        let (source, data) = if let Some((handle, data)) = image_memory(shell, len) {
            (Source::Image(handle), data)
        } else if let Some(data) = plain_memory(shell, len) {
            (Source::Plain, data)
        } else {
            let mut own = Vec::new();
            own.try_reserve_exact(len).map_err(|_| Error::Memory(format!("for {len} bytes")))?;
            own.resize(len, 0_u8);
            let data = own.as_mut_ptr();
            (Source::Own(own), data)
        };
        // SAFETY: whoever gave the memory gave `len` bytes of it.
        unsafe { data.write_bytes(0, len) };
        Ok(Self { suites, source, data, len })
    }
}

fn image_memory(shell: &Shell, len: usize) -> Option<(OfxImageMemoryHandle, *mut u8)> {
    let effect = &shell.suites.effect;
    let (alloc, lock, free) = (effect.imageMemoryAlloc?, effect.imageMemoryLock?, effect.imageMemoryFree?);
    let (mut handle, mut data) = (ptr::null_mut(), ptr::null_mut());
    // SAFETY: the instance is the host's own, the place outlives the call.
    let status = unsafe { alloc(shell.handle.0, len, &raw mut handle) };
    if status != Status::OK.0 || handle.is_null() {
        return None;
    }
    // SAFETY: the handle was just given, the place outlives the call.
    let status = unsafe { lock(handle, &raw mut data) };
    if status != Status::OK.0 || data.is_null() {
        // SAFETY: the handle was just given, and is not used again.
        unsafe { free(handle) };
        return None;
    }
    Some((handle, data.cast()))
}

fn plain_memory(shell: &Shell, len: usize) -> Option<*mut u8> {
    let memory = shell.suites.memory?;
    let (alloc, _free) = (memory.memoryAlloc?, memory.memoryFree?);
    let mut data = ptr::null_mut();
    // SAFETY: the instance is the host's own, the place outlives the call.
    let status = unsafe { alloc(shell.handle.0.cast(), len, &raw mut data) };
    (status == Status::OK.0 && !data.is_null()).then_some(data.cast())
}

impl Drop for HostMemory<'_> {
    fn drop(&mut self) {
        match &self.source {
            Source::Image(handle) => {
                if let Some(unlock) = self.suites.effect.imageMemoryUnlock {
                    // SAFETY: locked once, unlocked once.
                    unsafe { unlock(*handle) };
                }
                if let Some(free) = self.suites.effect.imageMemoryFree {
                    // SAFETY: given by this host, freed once.
                    unsafe { free(*handle) };
                }
            }
            Source::Plain => {
                if let Some(free) = self.suites.memory.and_then(|m| m.memoryFree) {
                    // SAFETY: given by this host, freed once.
                    unsafe { free(self.data.cast()) };
                }
            }
            Source::Own(_) => {}
        }
    }
}

impl Deref for HostMemory<'_> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        if let Source::Own(own) = &self.source {
            return own;
        }
        // SAFETY: the host gave `len` bytes, zeroed by `new`, ours until dropped.
        unsafe { slice::from_raw_parts(self.data, self.len) }
    }
}

impl DerefMut for HostMemory<'_> {
    fn deref_mut(&mut self) -> &mut [u8] {
        if let Source::Own(own) = &mut self.source {
            return own;
        }
        // SAFETY: as in `deref`, and `&mut self` makes it the only reference.
        unsafe { slice::from_raw_parts_mut(self.data, self.len) }
    }
}

/// Where the timeline's cursor stands.
pub(crate) fn timeline_time(shell: &Shell) -> Option<f64> {
    let mut time = 0.0;
    // SAFETY: the instance is the host's own, the place outlives the call.
    let status = unsafe { shell.suites.timeline?.getTime?(shell.handle.0.cast(), &raw mut time) };
    (status == Status::OK.0).then_some(time)
}

/// The timeline's first and last time.
pub(crate) fn timeline_bounds(shell: &Shell) -> Option<RangeD> {
    let mut range = RangeD::default();
    let (min, max) = (&raw mut range.min, &raw mut range.max);
    // SAFETY: the instance is the host's own, the places outlive the call.
    let status = unsafe { shell.suites.timeline?.getTimeBounds?(shell.handle.0.cast(), min, max) };
    (status == Status::OK.0).then_some(range)
}

/// Moves the timeline's cursor.
pub(crate) fn timeline_goto(shell: &Shell, time: f64) -> bool {
    let go = shell.suites.timeline.and_then(|s| s.gotoTime);
    // SAFETY: the instance is the host's own.
    go.is_some_and(|go| unsafe { go(shell.handle.0.cast(), time) } == Status::OK.0)
}

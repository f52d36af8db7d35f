//! What an effect tells its host: messages, progress, and breaches of the standard that the host noticed.

use std::{
    ffi::CStr,
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicI64, Ordering},
    },
};

use parking_lot::Mutex;

use crate::props;

/// How grave a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum MessageKind {
    Fatal,
    Error,
    Warning,
    Message,
    Log,
    Question,
}

impl MessageKind {
    pub(crate) fn from_cstr(s: &CStr) -> Option<Self> {
        Some(match s {
            s if s == props::MESSAGE_FATAL => Self::Fatal,
            s if s == props::MESSAGE_ERROR => Self::Error,
            s if s == props::MESSAGE_WARNING => Self::Warning,
            s if s == props::MESSAGE_MESSAGE => Self::Message,
            s if s == props::MESSAGE_LOG => Self::Log,
            s if s == props::MESSAGE_QUESTION => Self::Question,
            _ => return None,
        })
    }
}

/// Something an effect said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// How grave it is.
    pub kind: MessageKind,
    /// The plugin's name for it; may be empty.
    pub id: String,
    /// What the user reads.
    pub text: String,
    /// Whether it stays on the node until cleared.
    pub persistent: bool,
}

impl Message {
    /// Whether it says how work is going, rather than what came of it.
    #[must_use]
    pub fn is_status(&self) -> bool {
        self.persistent && *self.id.as_bytes() == *crate::STATUS_MESSAGE.to_bytes()
    }
}

impl fmt::Display for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// A step of a progress bar.
#[derive(Clone, Debug, PartialEq)]
pub enum Progress {
    /// It appears, with its label.
    Start(String),
    /// It moves: 0 to 1.
    Update(f64),
    /// It goes.
    End,
}

type ProgressCallback = Arc<dyn Fn(&Progress) + Send + Sync>;
type MessageCallback = Arc<dyn Fn(&Message) + Send + Sync>;

/// What is called when an instance says something.
#[derive(Clone, Default)]
pub(crate) struct Callbacks {
    pub(crate) progress: Option<ProgressCallback>,
    pub(crate) message: Option<MessageCallback>,
}

/// The most progress steps that are remembered; the callback gets all.
const MAX_PROGRESS: usize = 10_000;
/// The most messages and notes that are remembered.
const MAX_MESSAGES: usize = 1_000;

/// Everything an instance said.
#[derive(Default)]
pub(crate) struct Log {
    messages: Mutex<Vec<Message>>,
    persistent: Mutex<Option<Message>>,
    progress: Mutex<Vec<Progress>>,
    callbacks: Mutex<Callbacks>,
    violations: Mutex<Vec<String>>,
}

impl fmt::Debug for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Log").field("messages", &self.messages).finish_non_exhaustive()
    }
}

fn remember<T>(list: &Mutex<Vec<T>>, item: T, limit: usize) {
    let mut list = list.lock();
    if list.len() < limit {
        list.push(item);
    }
}

impl Log {
    pub(crate) fn say(&self, message: Message) {
        if message.persistent {
            *self.persistent.lock() = Some(message.clone());
        }
        remember(&self.messages, message.clone(), MAX_MESSAGES);
        let callback = self.callbacks.lock().message.clone();
        if let Some(callback) = callback {
            callback(&message);
        }
    }

    /// Remembers what a copy said, of which the callback was told then.
    pub(crate) fn hear(&self, copy: &Self) {
        let messages = copy.messages();
        if messages.iter().any(|message| message.persistent) {
            *self.persistent.lock() = copy.persistent();
        }
        messages.into_iter().for_each(|message| remember(&self.messages, message, MAX_MESSAGES));
    }

    pub(crate) fn clear_persistent(&self) {
        *self.persistent.lock() = None;
    }

    pub(crate) fn persistent(&self) -> Option<Message> {
        self.persistent.lock().clone()
    }

    pub(crate) fn messages(&self) -> Vec<Message> {
        self.messages.lock().clone()
    }

    pub(crate) fn count(&self) -> usize {
        self.messages.lock().len()
    }

    pub(crate) fn since(&self, count: usize) -> Vec<Message> {
        self.messages.lock().get(count..).unwrap_or_default().to_vec()
    }

    pub(crate) fn progress(&self, step: Progress) {
        // Called outside the lock: the callback may look at the instance.
        let callback = self.callbacks.lock().progress.clone();
        if let Some(callback) = callback {
            callback(&step);
        }
        remember(&self.progress, step, MAX_PROGRESS);
    }

    pub(crate) fn progress_log(&self) -> Vec<Progress> {
        self.progress.lock().clone()
    }

    pub(crate) fn set_callbacks(&self, set: impl FnOnce(&mut Callbacks)) {
        set(&mut self.callbacks.lock());
    }

    pub(crate) fn callbacks(&self) -> Callbacks {
        self.callbacks.lock().clone()
    }

    pub(crate) fn violation(&self, what: impl Into<String>) {
        remember(&self.violations, what.into(), MAX_MESSAGES);
    }

    pub(crate) fn violations(&self) -> Vec<String> {
        self.violations.lock().clone()
    }
}

/// Cancels renders: the effect's next question whether to abort is answered with yes.
#[derive(Clone, Debug)]
pub struct CancelHandle(Arc<Cancel>);

#[derive(Debug)]
struct Cancel {
    now: AtomicBool,
    /// Polls left until it cancels by itself; below 0: never.
    polls: AtomicI64,
}

impl Default for CancelHandle {
    fn default() -> Self {
        Self(Arc::new(Cancel { now: AtomicBool::new(false), polls: AtomicI64::new(-1) }))
    }
}

impl CancelHandle {
    /// A handle that cancels nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Cancels now.
    pub fn cancel(&self) {
        self.0.now.store(true, Ordering::Relaxed);
    }

    /// Cancels once the effect has asked `polls` times whether to go on and was told yes.
    pub fn cancel_after(&self, polls: u32) {
        self.0.polls.store(i64::from(polls), Ordering::Relaxed);
    }

    /// Takes the cancelling back.
    pub fn reset(&self) {
        self.0.now.store(false, Ordering::Relaxed);
        self.0.polls.store(-1, Ordering::Relaxed);
    }

    /// Whether it is cancelled.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.0.now.load(Ordering::Relaxed)
    }

    /// The effect asks; counts.
    pub(crate) fn poll(&self) -> bool {
        if self.0.polls.load(Ordering::Relaxed) >= 0 && self.0.polls.fetch_sub(1, Ordering::Relaxed) == 0 {
            self.cancel();
        }
        self.is_cancelled()
    }
}

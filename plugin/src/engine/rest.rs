//! Lets go of what takes much memory once nobody has used it for a while.

use std::{
    process,
    sync::Arc,
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use parking_lot::{Condvar, Mutex};

/// What frees the memory.
type LetGo = Box<dyn FnOnce() + Send>;

/// Something that is let go of when it was not used for a time.
pub(super) struct Rest {
    idle: Duration,
    shared: Arc<Shared>,
    /// The thread that waits, and the process that started it.
    keeper: Mutex<Option<(u32, JoinHandle<()>)>>,
}

struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    /// How many use it now.
    users: usize,
    /// When it was used last.
    used: Instant,
    /// How it is let go of; nothing where it was, or never used.
    let_go: Option<LetGo>,
    closed: bool,
}

/// A use, until it is dropped.
pub(super) struct Use<'a>(&'a Rest);

impl Rest {
    pub(super) fn new(idle: Duration) -> Self {
        let state = State { users: 0, used: Instant::now(), let_go: None, closed: false };
        let shared = Arc::new(Shared { state: Mutex::new(state), changed: Condvar::new() });
        Self { idle, shared, keeper: Mutex::default() }
    }

    /// Notes that something is used, of which `let_go` is to free the memory some time after the last use.
    pub(super) fn begin(&self, let_go: impl FnOnce() + Send + 'static) -> Use<'_> {
        let mut state = self.shared.state.lock();
        state.users += 1;
        state.let_go = Some(Box::new(let_go));
        Use(self)
    }

    /// Ends the thread that waits: the plugin may be unloaded.
    pub(super) fn close(&self) {
        self.shared.state.lock().closed = true;
        self.shared.changed.notify_all();
        match self.keeper.lock().take() {
            // It has nothing to tell.
            Some((started_by, keeper)) if started_by == process::id() => drop(keeper.join()),
            // A copy of a process has no threads of the first.
            other => std::mem::forget(other),
        }
    }

    /// Sees to it that there is a thread that waits.
    fn keep(&self) {
        let mut keeper = self.keeper.lock();
        let waits =
            |(started_by, keeper): &(u32, JoinHandle<()>)| *started_by == process::id() && !keeper.is_finished();
        if keeper.as_ref().is_some_and(waits) {
            return;
        }
        std::mem::forget(keeper.take().filter(|(started_by, _)| *started_by != process::id()));
        let (shared, idle) = (self.shared.clone(), self.idle);
        let thread = thread::Builder::new().name("pickup rest".into()).spawn(move || shared.wait(idle));
        // Without a thread it stays.
        *keeper = thread.ok().map(|thread| (process::id(), thread));
    }
}

impl Drop for Use<'_> {
    fn drop(&mut self) {
        let mut state = self.0.shared.state.lock();
        state.users -= 1;
        (state.used, state.closed) = (Instant::now(), false);
        drop(state);
        self.0.keep();
    }
}

impl Shared {
    /// Waits until it was not used for a time, and lets go of it.
    fn wait(&self, idle: Duration) {
        let mut state = self.state.lock();
        while !state.closed {
            let now = Instant::now();
            let until = if state.users == 0 { state.used + idle } else { now + idle };
            if now >= until {
                let let_go = state.let_go.take();
                drop(state);
                if let Some(let_go) = let_go {
                    let_go();
                }
                return;
            }
            self.changed.wait_until(&mut state, until);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    const IDLE: Duration = Duration::from_millis(60);

    #[test]
    fn what_nobody_uses_is_let_go_of_once() {
        let (rest, freed) = (Rest::new(IDLE), Arc::new(AtomicUsize::new(0)));
        let begin = || {
            let freed = freed.clone();
            rest.begin(move || {
                freed.fetch_add(1, Ordering::SeqCst);
            })
        };
        let freed = || freed.load(Ordering::SeqCst);
        let (first, second) = (begin(), begin());
        drop(first);
        thread::sleep(3 * IDLE);
        assert_eq!(freed(), 0, "one still uses it");
        drop(second);
        let began = Instant::now();
        while freed() == 0 {
            assert!(began.elapsed() < Duration::from_secs(20), "it is let go of");
            thread::sleep(Duration::from_millis(5));
        }
        assert!(began.elapsed() >= IDLE / 2, "not at once");
        thread::sleep(3 * IDLE);
        assert_eq!(freed(), 1);
        // And again, when it was used again.
        drop(begin());
        while freed() == 1 {
            assert!(began.elapsed() < Duration::from_secs(40), "it is let go of again");
            thread::sleep(Duration::from_millis(5));
        }
    }

    #[test]
    fn closing_waits_for_no_time_and_lets_nothing_go() {
        let (rest, freed) = (Rest::new(Duration::from_secs(600)), Arc::new(AtomicUsize::new(0)));
        let counted = freed.clone();
        drop(rest.begin(move || {
            counted.fetch_add(1, Ordering::SeqCst);
        }));
        let began = Instant::now();
        rest.close();
        assert!(began.elapsed() < Duration::from_secs(60) && freed.load(Ordering::SeqCst) == 0);
        rest.close();
    }
}

//! A thread that looks, now and then, whether something may be let go of that nobody uses any more.

use std::{
    process,
    sync::Arc,
    thread::{self, JoinHandle},
    time::Duration,
};

use parking_lot::{Condvar, Mutex};

/// Keeps watch over something, in a thread of its own while there is something to let go of.
pub(super) struct Keeper {
    /// The thread's name.
    name: &'static str,
    shared: Arc<Shared>,
    /// The thread, and the process that started it.
    thread: Mutex<Option<(u32, JoinHandle<()>)>>,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    closed: Condvar,
}

#[derive(Default)]
struct State {
    /// The process whose thread keeps watch; none while none does.
    watching: Option<u32>,
    /// Goes up with each use: who found nothing to watch looks again if there was one meanwhile.
    uses: u64,
    /// Goes up when it is closed, which ends the threads from before.
    round: u64,
}

impl Keeper {
    pub(super) fn new(name: &'static str) -> Self {
        Self { name, shared: Arc::default(), thread: Mutex::default() }
    }

    /// Tells of a use: from now on `look` is asked how long to wait until it is to be asked again, until there is nothing to watch.
    /// Where a thread keeps watch already, it goes on by its own `look`, which must see the same things. Without a thread, as where
    /// the system gives none, nothing is let go of.
    pub(super) fn watch(&self, look: impl FnMut() -> Option<Duration> + Send + 'static) {
        let mut thread = self.thread.lock();
        let round = {
            let mut state = self.shared.state.lock();
            state.uses += 1;
            // One that was ended by a panic watches no more, whatever stands here.
            let runs = thread.as_ref().is_some_and(|(_, thread)| !thread.is_finished());
            if state.watching == Some(process::id()) && runs {
                return;
            }
            state.watching = Some(process::id());
            state.round
        };
        end(thread.take());
        let shared = self.shared.clone();
        match thread::Builder::new().name(self.name.into()).spawn(move || shared.keep_watch(round, look)) {
            Ok(started) => *thread = Some((process::id(), started)),
            Err(_) => self.shared.state.lock().watching = None,
        }
    }

    /// Whether there is a thread to end.
    #[cfg(test)]
    pub(super) fn has_thread(&self) -> bool {
        self.thread.lock().is_some()
    }

    /// Ends the thread: the plugin may be unloaded.
    pub(super) fn close(&self) {
        let thread = {
            let mut thread = self.thread.lock();
            let mut state = self.shared.state.lock();
            state.round += 1;
            state.watching = None;
            thread.take()
        };
        self.shared.closed.notify_all();
        end(thread);
    }
}

/// Waits for a thread that ends.
fn end(thread: Option<(u32, JoinHandle<()>)>) {
    match thread {
        // It has nothing to tell.
        Some((started_by, thread)) if started_by == process::id() => drop(thread.join()),
        // A copy of a process has no threads of the first.
        other => std::mem::forget(other),
    }
}

impl Shared {
    fn keep_watch(&self, round: u64, mut look: impl FnMut() -> Option<Duration>) {
        loop {
            let uses = self.state.lock().uses;
            let wait = look();
            let mut state = self.state.lock();
            if state.round != round {
                return;
            }
            match wait {
                Some(wait) => drop(self.closed.wait_for(&mut state, wait)),
                None if state.uses == uses => {
                    state.watching = None;
                    return;
                }
                None => {}
            }
            if state.round != round {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{
        sync::atomic::{AtomicUsize, Ordering},
        time::Instant,
    };

    use super::*;

    fn until(what: &str, is_so: impl Fn() -> bool) {
        let began = Instant::now();
        while !is_so() {
            assert!(began.elapsed() < Duration::from_secs(20), "{what}");
            thread::sleep(Duration::from_millis(2));
        }
    }

    #[test]
    fn one_thread_looks_until_there_is_nothing_and_again_after_a_use() {
        let (keeper, looks) = (Keeper::new("keeper"), Arc::new(AtomicUsize::new(0)));
        let watch = || {
            let looks = looks.clone();
            keeper.watch(move || (looks.fetch_add(1, Ordering::SeqCst) % 4 < 3).then(|| Duration::from_millis(1)));
        };
        for uses in 1..=3 {
            watch();
            until("it looks four times for each use", || {
                looks.load(Ordering::SeqCst) == 4 * uses && keeper.shared.state.lock().watching.is_none()
            });
        }
    }

    #[test]
    fn a_use_while_nothing_is_found_is_not_missed() {
        let keeper = Arc::new(Keeper::new("keeper"));
        let looks = Arc::new(AtomicUsize::new(0));
        let (inner, counted) = (keeper.clone(), looks.clone());
        keeper.watch(move || {
            // Used in the very moment in which it looks.
            if counted.fetch_add(1, Ordering::SeqCst) == 0 {
                inner.shared.state.lock().uses += 1;
            }
            None
        });
        until("it looks again", || looks.load(Ordering::SeqCst) == 2);
    }

    #[test]
    fn a_panic_ends_no_more_than_one_watch() {
        let (keeper, looks) = (Keeper::new("keeper"), Arc::new(AtomicUsize::new(0)));
        keeper.watch(|| panic!("for the test"));
        let ended = || keeper.thread.lock().as_ref().is_none_or(|(_, thread)| thread.is_finished());
        until("it ends", ended);
        let counted = looks.clone();
        keeper.watch(move || (counted.fetch_add(1, Ordering::SeqCst) > 5).then_some(Duration::ZERO));
        until("another looks", || looks.load(Ordering::SeqCst) > 0);
        keeper.close();
    }

    #[test]
    fn closing_waits_for_no_time_and_another_use_has_a_thread_again() {
        let (keeper, looks) = (Keeper::new("keeper"), Arc::new(AtomicUsize::new(0)));
        let watch = || {
            let looks = looks.clone();
            keeper.watch(move || {
                looks.fetch_add(1, Ordering::SeqCst);
                Some(Duration::from_secs(600))
            });
        };
        let began = Instant::now();
        for closed in 1..=2 {
            watch();
            until("it looks", || looks.load(Ordering::SeqCst) == closed);
            keeper.close();
            keeper.close();
        }
        assert!(began.elapsed() < Duration::from_secs(60));
        assert!(!keeper.has_thread());
    }
}

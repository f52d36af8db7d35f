//! Lets go of what takes much memory once nobody has used it for a while.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use parking_lot::Mutex;

use super::keeper::Keeper;

/// What frees the memory.
type LetGo = Box<dyn FnOnce() + Send>;

/// Something that is let go of when it was not used for a time.
pub(super) struct Rest {
    idle: Duration,
    state: Arc<Mutex<State>>,
    keeper: Keeper,
}

struct State {
    /// How many use it now.
    users: usize,
    /// When it was used last.
    used: Instant,
    /// How it is let go of; nothing where it was, or never used.
    let_go: Option<LetGo>,
}

/// A use, until it is dropped.
pub(super) struct Use<'a>(&'a Rest);

impl Rest {
    pub(super) fn new(idle: Duration) -> Self {
        let state = State { users: 0, used: Instant::now(), let_go: None };
        Self { idle, state: Arc::new(Mutex::new(state)), keeper: Keeper::new("pickup rest") }
    }

    /// Notes that something is used, of which `let_go` is to free the memory some time after the last use.
    pub(super) fn begin(&self, let_go: impl FnOnce() + Send + 'static) -> Use<'_> {
        let mut state = self.state.lock();
        state.users += 1;
        state.let_go = Some(Box::new(let_go));
        Use(self)
    }

    /// Ends the thread that waits: the plugin may be unloaded.
    pub(super) fn close(&self) {
        self.keeper.close();
    }
}

impl Drop for Use<'_> {
    fn drop(&mut self) {
        let Rest { idle, state, keeper } = self.0;
        {
            let mut state = state.lock();
            state.users -= 1;
            state.used = Instant::now();
        }
        let (idle, state) = (*idle, state.clone());
        keeper.watch(move || let_go(&state, idle));
    }
}

/// Lets go of what was not used for a time; how long to wait, where it was used since.
fn let_go(state: &Mutex<State>, idle: Duration) -> Option<Duration> {
    let let_go = {
        let mut state = state.lock();
        let left = if state.users == 0 { idle.saturating_sub(state.used.elapsed()) } else { idle };
        if !left.is_zero() {
            return Some(left);
        }
        state.let_go.take()
    };
    if let Some(let_go) = let_go {
        let_go();
    }
    None
}

#[cfg(test)]
mod tests {
    use std::{
        sync::atomic::{AtomicUsize, Ordering},
        thread,
    };

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

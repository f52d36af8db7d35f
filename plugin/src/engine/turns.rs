//! Whose turn it is: one job at a time on a device, the newest first.
//!
//! An editor who changes a prompt wants the new shot, not those asked for before it. What waits is not lost: it has its
//! turn when nothing newer waits.

use std::time::Duration;

use parking_lot::{Condvar, Mutex};

/// How often whoever waits is asked whether it still wants to.
pub(super) const IMPATIENCE: Duration = Duration::from_millis(50);

/// The turns of a device.
#[derive(Default)]
pub(super) struct Turns {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    taken: bool,
    /// By when they came, the newest last.
    waiting: Vec<u64>,
    next: u64,
}

/// A turn, until it is dropped.
pub(super) struct Turn<'a>(&'a Turns);

impl Turns {
    /// Waits for a turn; none when `go_on` says no, which is asked now and then, and once at the start.
    pub(super) fn wait(&self, mut go_on: impl FnMut() -> bool) -> Option<Turn<'_>> {
        let mut state = self.state.lock();
        let me = state.next;
        state.next += 1;
        state.waiting.push(me);
        loop {
            if !state.taken && state.waiting.last() == Some(&me) {
                state.waiting.pop();
                state.taken = true;
                return Some(Turn(self));
            }
            // A host's answer may take its time, and others come and go meanwhile.
            let wanted = parking_lot::MutexGuard::unlocked(&mut state, &mut go_on);
            if !wanted {
                state.waiting.retain(|waiting| *waiting != me);
                self.changed.notify_all();
                return None;
            }
            self.changed.wait_for(&mut state, IMPATIENCE);
        }
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.0.state.lock().taken = false;
        self.0.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, mpsc};

    use super::*;

    #[test]
    fn the_newest_has_the_next_turn() {
        let turns = Arc::new(Turns::default());
        let (said, order) = mpsc::channel();
        let first = turns.wait(|| true).expect("nobody else wants it");
        let threads: Vec<_> = (0..3)
            .map(|i| {
                let (turns, said) = (turns.clone(), said.clone());
                let (waits, waiting) = mpsc::channel();
                let thread = std::thread::spawn(move || {
                    let turn = turns.wait(|| {
                        let _ = waits.send(());
                        true
                    });
                    said.send(i).expect("the test listens");
                    drop(turn);
                });
                waiting.recv().expect("it waits before the next one comes");
                thread
            })
            .collect();
        drop(first);
        threads.into_iter().for_each(|t| t.join().expect("no panic"));
        assert_eq!(order.try_iter().collect::<Vec<_>>(), [2, 1, 0]);
    }

    #[test]
    fn who_gives_up_holds_nobody_back() {
        let turns = Turns::default();
        let first = turns.wait(|| true);
        assert!(turns.wait(|| false).is_none());
        drop(first);
        assert!(turns.wait(|| true).is_some());
    }
}

//! Whose turn it is: one job at a time on a device, the newest first.
//!
//! An editor who changes a prompt wants the new shot, not those asked for before it. What waits is not lost: it has its
//! turn when nothing newer waits. Programs on one machine, such as two hosts, take turns, too: two models at once would take
//! twice the memory.

use std::{
    fs::{File, OpenOptions, TryLockError},
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

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

/// A turn among the programs of a machine, until it is dropped; it ends with the process that has it, however that ends.
pub(super) struct MachineTurn {
    /// None where files cannot be locked: then nobody waits for another, which costs memory and time alone.
    _locked: Option<File>,
}

/// The file that whoever has the machine's turn has locked. It is never removed: others may wait for it.
pub(super) fn machine_lock() -> PathBuf {
    std::env::temp_dir().join("pickup-model.lock")
}

impl MachineTurn {
    /// Waits for the turn that a file stands for; none when `go_on` says no, which is asked now and then.
    pub(super) fn wait(file: &Path, mut go_on: impl FnMut() -> bool) -> Option<Self> {
        let written = OpenOptions::new().create(true).truncate(false).write(true).open(file);
        // One that another user made can be read alone.
        let Ok(lock) = written.or_else(|_| File::open(file)) else { return Some(Self { _locked: None }) };
        loop {
            match lock.try_lock() {
                Ok(()) => return Some(Self { _locked: Some(lock) }),
                Err(TryLockError::WouldBlock) if go_on() => thread::sleep(IMPATIENCE),
                Err(TryLockError::WouldBlock) => return None,
                Err(TryLockError::Error(_)) => return Some(Self { _locked: None }),
            }
        }
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
    fn one_program_at_a_time_has_the_machine() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("lock");
        let turn = MachineTurn::wait(&file, || true).expect("nobody has it");
        let mut asked = 0;
        let given_up = MachineTurn::wait(&file, || {
            asked += 1;
            asked < 3
        });
        assert!(given_up.is_none() && asked == 3);
        drop(turn);
        assert!(MachineTurn::wait(&file, || false).is_some());
        assert!(
            MachineTurn::wait(&folder.path().join("no/lock"), || false).is_some(),
            "where there is no lock nobody waits"
        );
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

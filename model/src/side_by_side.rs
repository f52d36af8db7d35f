//! Work on the rows of a picture, on several threads.

use std::{sync::OnceLock, thread};

use parking_lot::Mutex;

/// Rows that a thread takes at a time.
const BAND: usize = 16;
/// Rows for which a thread is worth its start.
const ENOUGH: usize = 64;
/// Threads at the most: more would wait for memory.
const THREADS: usize = 8;

/// Does `each` to every row of a picture, with its number, on as many threads as there are processors, eight at the most, and one where
/// the picture is small; each thread has its own of what `state` gives.
///
/// The threads are not those that networks run on: a frame that is there is not to wait for one that is being made.
pub fn each_row<R: Send, S: Send>(rows: &mut [R], state: impl Fn() -> S, each: impl Fn(&mut S, usize, &mut R) + Sync) {
    let threads = processors().min(rows.len() / ENOUGH);
    let mut states: Vec<S> = (1..threads).map(|_| state()).collect();
    let bands = Mutex::new(rows.chunks_mut(BAND).enumerate());
    let next = || bands.lock().next();
    let work = |own: &mut S| {
        while let Some((band, rows)) = next() {
            rows.iter_mut().enumerate().for_each(|(i, row)| each(own, band * BAND + i, row));
        }
    };
    thread::scope(|scope| {
        for own in &mut states {
            // Where the system has no more threads, those that there are do all of it.
            let _ = thread::Builder::new().spawn_scoped(scope, || work(own));
        }
        work(&mut state());
    });
}

/// Processors that this process may use, which the system is asked for once.
fn processors() -> usize {
    static COUNT: OnceLock<usize> = OnceLock::new();
    *COUNT.get_or_init(|| thread::available_parallelism().map_or(1, usize::from).min(THREADS))
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn every_row_is_done_once_by_its_number() {
        for count in [0, 1, BAND, ENOUGH, 2 * ENOUGH + 1, 1080] {
            let (mut rows, states) = (vec![0; count], AtomicUsize::new(0));
            let state = || states.fetch_add(1, Ordering::Relaxed);
            each_row(&mut rows, state, |_, y, row| *row += y + 1);
            assert!(rows.iter().enumerate().all(|(y, row)| *row == y + 1), "{count} rows");
            assert!(states.into_inner() <= (count / ENOUGH).clamp(1, THREADS), "no more than are worth it");
        }
    }
}

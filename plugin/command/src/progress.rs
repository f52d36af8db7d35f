//! Progress of long work, on stderr: a bar on a terminal, a line now and then elsewhere.

use std::{
    io::{self, IsTerminal as _, Write as _},
    sync::Arc,
    time::{Duration, Instant},
};

use parking_lot::Mutex;

const WIDTH: usize = 30;
/// Clears a terminal's line.
const CLEAR: &str = "\r\x1b[K";
/// Between two lines where there is no terminal.
const EVERY: Duration = Duration::from_secs(10);

/// Says something on stderr, in the place of what a terminal shows of work. Where stderr is closed there is nobody to tell.
pub(super) fn note(text: &str) {
    let clear = if io::stderr().is_terminal() { CLEAR } else { "" };
    let _ = writeln!(io::stderr().lock(), "{clear}{text}");
}

/// What nodes say of how their work is going. How much is done stands in the bar's place on a terminal, and is a line now and then
/// elsewhere; what work waits for is a line in both.
#[derive(Clone, Default)]
pub(super) struct Statuses(Arc<Mutex<Option<Instant>>>);

impl Statuses {
    pub(super) fn tell(&self, text: &str) {
        let mut said = self.0.lock();
        if !text.contains('%') {
            note(text);
        } else if io::stderr().is_terminal() {
            let _ = write!(io::stderr().lock(), "{CLEAR}{text}");
        } else if said.is_none_or(|said| said.elapsed() >= EVERY) {
            *said = Some(Instant::now());
            note(text);
        }
    }
}

/// A bar of work that can be counted.
pub(super) struct Bar {
    label: String,
    unit: &'static str,
    terminal: bool,
    started: Instant,
    said: Instant,
    drawn: bool,
}

impl Bar {
    /// Of work that consists of frames.
    pub(super) fn new(label: impl Into<String>) -> Self {
        Self::counting(label, "frames")
    }

    /// Of work that is counted in some unit.
    pub(super) fn counting(label: impl Into<String>, unit: &'static str) -> Self {
        let now = Instant::now();
        Self { label: label.into(), unit, terminal: io::stderr().is_terminal(), started: now, said: now, drawn: false }
    }

    pub(super) fn update(&mut self, done: usize, total: usize) {
        let text = line((&self.label, self.unit), done, total, self.started.elapsed());
        if self.terminal {
            self.drawn = true;
            let _ = write!(io::stderr().lock(), "{CLEAR}{text}");
        } else if self.said.elapsed() >= EVERY {
            self.said = Instant::now();
            note(&text);
        }
    }
}

impl Drop for Bar {
    /// Whatever is said next starts on a clean line.
    fn drop(&mut self) {
        if self.drawn {
            let _ = write!(io::stderr().lock(), "{CLEAR}");
        }
    }
}

fn line((label, unit): (&str, &str), done: usize, total: usize, elapsed: Duration) -> String {
    let filled = (WIDTH * done).checked_div(total).unwrap_or(WIDTH).min(WIDTH);
    let bar = "#".repeat(filled) + &".".repeat(WIDTH - filled);
    let left = match u32::try_from(done) {
        Ok(done @ 1..) if (done as usize) < total => {
            let left = elapsed / done * u32::try_from(total).unwrap_or(u32::MAX).saturating_sub(done);
            format!(", {} left", clock(left))
        }
        _ => String::new(),
    };
    format!("{label} [{bar}] {done}/{total} {unit}{left}")
}

fn clock(time: Duration) -> String {
    let seconds = time.as_secs_f64().ceil() as u64;
    format!("{}:{:02}", seconds / 60, seconds % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bar_fills_and_tells_what_is_left() {
        let at = |done, seconds| line(("Repair", "frames"), done, 40, Duration::from_secs(seconds));
        assert_eq!(at(0, 0), format!("Repair [{}] 0/40 frames", ".".repeat(30)));
        assert_eq!(at(20, 65), format!("Repair [{}{}] 20/40 frames, 1:05 left", "#".repeat(15), ".".repeat(15)));
        assert_eq!(at(40, 130), format!("Repair [{}] 40/40 frames", "#".repeat(30)));
    }
}

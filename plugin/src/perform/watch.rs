//! The host's progress bar and its stop button, as the model sees them.

use std::{
    cell::{Cell, RefCell},
    time::{Duration, Instant},
};

use ofx::plugin::{Effect, Go, Progress, Render};
use pickup_model::Watch;

/// How long work may take before a bar is shown: a bar that flashes up for every frame of a playback is worse than none.
const PATIENCE: Duration = Duration::from_millis(700);
/// How often it is said how long the work will take.
const EVERY: Duration = Duration::from_secs(2);

/// Follows one frame's work in the host.
pub struct HostWatch<'r, 'a, E: Effect> {
    cx: &'r Render<'a, E>,
    label: String,
    began: Instant,
    bar: RefCell<Option<Progress<'a>>>,
    /// When the work itself began, which may have waited for other work, and when it was last said how long it will take.
    work: Cell<Option<(Instant, Instant)>>,
}

impl<'r, 'a, E: Effect> HostWatch<'r, 'a, E> {
    pub fn new(cx: &'r Render<'a, E>, label: String) -> Self {
        Self { cx, label, began: Instant::now(), bar: RefCell::new(None), work: Cell::new(None) }
    }

    /// Says on the node how long the work will take, now and then.
    fn tell_left(&self, done: f32) {
        let now = Instant::now();
        let (began, said) = self.work.get().unwrap_or((now, now));
        let tells = done > 0.0 && said.elapsed() >= EVERY;
        self.work.set((done > 0.0).then_some((began, if tells { now } else { said })));
        if tells {
            self.cx.set_status(&format!("{}, {}", percent(done), left(began.elapsed(), done)));
        }
    }
}

impl<E: Effect> Drop for HostWatch<'_, '_, E> {
    fn drop(&mut self) {
        self.cx.clear_status();
    }
}

fn percent(done: f32) -> String {
    format!("{:.0} % done", done * 100.0)
}

/// How long work takes on that has done a share in a time.
fn left(elapsed: Duration, done: f32) -> String {
    let seconds = elapsed.as_secs_f64() * (1.0 / f64::from(done) - 1.0);
    match seconds.max(0.0) {
        0.0..90.0 => format!("about {:.0} s left", seconds.max(1.0)),
        90.0..5_400.0 => format!("about {:.0} min left", seconds / 60.0),
        _ => format!("about {:.1} h left", seconds / 3_600.0),
    }
}

impl<E: Effect> Watch for HostWatch<'_, '_, E> {
    fn progress(&self, done: f32) -> bool {
        if self.cx.abort() {
            return false;
        }
        // A scrub has its own feedback: the picture.
        if self.cx.flags().interactive || self.began.elapsed() < PATIENCE {
            return true;
        }
        self.tell_left(done);
        let mut bar = self.bar.borrow_mut();
        bar.get_or_insert_with(|| self.cx.progress(&self.label)).update(f64::from(done)) == Go::On
    }

    fn wants_previews(&self) -> bool {
        self.cx.is_interactive()
    }

    fn waits(&self, why: &str) {
        log::info!("{why}");
        self.cx.set_status(why);
    }
}

/// Follows the work that a button started: its bar is there from the start.
pub struct ButtonWatch<'a> {
    bar: Progress<'a>,
}

impl<'a> ButtonWatch<'a> {
    /// Follows it by a bar of the host's.
    #[must_use]
    pub fn new(bar: Progress<'a>) -> Self {
        Self { bar }
    }
}

impl Watch for ButtonWatch<'_> {
    fn progress(&self, done: f32) -> bool {
        self.bar.step(f64::from(done)).is_ok()
    }

    fn wants_previews(&self) -> bool {
        true
    }

    fn waits(&self, why: &str) {
        log::info!("{why}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_left_is_told_as_people_tell_it() {
        let told = |seconds: u64, done| left(Duration::from_secs(seconds), done);
        assert_eq!(told(10, 0.25), "about 30 s left");
        assert_eq!(told(60, 0.25), "about 3 min left");
        assert_eq!(told(600, 0.05), "about 3.2 h left");
        assert_eq!(told(10, 1.0), "about 1 s left");
        assert_eq!(percent(0.333), "33 % done");
    }
}

//! The host's progress bar and its stop button, as the model sees them.

use std::{
    cell::RefCell,
    time::{Duration, Instant},
};

use ofx::plugin::{Effect, Go, MessageKind, Progress, Render};
use pickup_model::Watch;

/// How long work may take before a bar is shown: a bar that flashes up for every frame of a playback is worse than none.
const PATIENCE: Duration = Duration::from_millis(700);

/// Follows one frame's work in the host.
pub struct HostWatch<'r, 'a, E: Effect> {
    cx: &'r Render<'a, E>,
    label: String,
    began: Instant,
    bar: RefCell<Option<Progress<'a>>>,
}

impl<'r, 'a, E: Effect> HostWatch<'r, 'a, E> {
    pub fn new(cx: &'r Render<'a, E>, label: String) -> Self {
        Self { cx, label, began: Instant::now(), bar: RefCell::new(None) }
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
        let mut bar = self.bar.borrow_mut();
        bar.get_or_insert_with(|| self.cx.progress(&self.label)).update(f64::from(done)) == Go::On
    }

    fn wants_previews(&self) -> bool {
        self.cx.is_interactive()
    }

    fn waits(&self, why: &str) {
        self.cx.set_persistent_message(MessageKind::Message, why);
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

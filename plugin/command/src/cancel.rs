//! Ctrl-C: renders stop through the host's abort, so that everything half-written is cleaned up.

use std::sync::{
    Once,
    atomic::{AtomicBool, Ordering},
};

use ofx::host::CancelHandle;
use parking_lot::Mutex;

use super::{CliError, progress};

static CANCELLED: AtomicBool = AtomicBool::new(false);
static HANDLES: Mutex<Vec<CancelHandle>> = Mutex::new(Vec::new());

/// From now on Ctrl-C stops the work instead of the process; a second time it stops the process too.
pub(super) fn listen() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let listening = ctrlc::set_handler(|| {
            if CANCELLED.swap(true, Ordering::Relaxed) {
                std::process::exit(1);
            }
            progress::note("stopping; press Ctrl-C again to quit at once");
            HANDLES.lock().iter().for_each(CancelHandle::cancel);
        });
        if let Err(error) = listening {
            progress::note(&format!("Ctrl-C will stop at once, and may leave a hidden .part file: {error}"));
        }
    });
}

/// Cancels this too, when the user cancels.
pub(super) fn watch(handle: CancelHandle) {
    if CANCELLED.load(Ordering::Relaxed) {
        handle.cancel();
    }
    HANDLES.lock().push(handle);
}

/// An error once the user has cancelled: for work that is not a render.
pub(super) fn check() -> Result<(), CliError> {
    if CANCELLED.load(Ordering::Relaxed) { Err(CliError::Cancelled) } else { Ok(()) }
}

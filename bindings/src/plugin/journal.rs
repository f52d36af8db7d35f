//! What hosts ask for and what fails, for whichever logger of the `log` crate this process has.

use std::{collections::HashSet, ffi::CStr, time::Duration};

use parking_lot::Mutex;

use super::{effect::Effect, host_info::HostInfo};
use crate::Status;

/// The host that was told of last.
static HOST: Mutex<Option<String>> = Mutex::new(None);
/// What was asked for before, by effect and action.
static ASKED: Mutex<Option<HashSet<(&'static str, String)>>> = Mutex::new(None);

/// Tells which host loads effects, once.
pub(super) fn host(info: &HostInfo) {
    let numbers = info.version.iter().map(i32::to_string).collect::<Vec<_>>().join(".");
    let version = if info.version_label.is_empty() { &numbers } else { &info.version_label };
    let (major, minor) = info.api_version;
    let text = format!("host {} ({}) {version}, OpenFX {major}.{minor}", info.label, info.name);
    let mut told = HOST.lock();
    if told.as_ref() != Some(&text) {
        log::info!("{text}");
        *told = Some(text);
    }
}

/// Tells of an action and how it was answered: the first of its kind to those who want to know little, each to those who want more.
pub(super) fn action<E: Effect>(action: &CStr, status: Status, took: Duration) {
    if !log::log_enabled!(log::Level::Info) {
        return;
    }
    let label = E::META.label;
    let name = action.to_string_lossy();
    let first = ASKED.lock().get_or_insert_default().insert((label, name.clone().into_owned()));
    let level = if first { log::Level::Info } else { log::Level::Debug };
    log::log!(level, "{label}: {name}: {status:?} in {:.2} ms", took.as_secs_f64() * 1e3);
}

//! What hosts ask for and what fails, for whichever logger of the `log` crate this process has.

use std::{
    collections::{BTreeMap, HashSet},
    ffi::{CStr, CString},
    time::Duration,
};

use parking_lot::Mutex;

use super::{effect::Effect, host_info::HostInfo};
use crate::Status;

/// The host that was told of last.
static HOST: Mutex<Option<String>> = Mutex::new(None);
/// The actions that were asked for before, by effect.
static ASKED: Mutex<BTreeMap<&'static str, HashSet<CString>>> = Mutex::new(BTreeMap::new());

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
    let level = if is_first(label, action) { log::Level::Info } else { log::Level::Debug };
    log::log!(level, "{label}: {}: {status:?} in {:.2} ms", action.to_string_lossy(), took.as_secs_f64() * 1e3);
}

/// Whether an action of an effect is asked for the first time. Hosts ask some for every frame: then nothing is allocated.
fn is_first(label: &'static str, action: &CStr) -> bool {
    let mut asked = ASKED.lock();
    let actions = asked.entry(label).or_default();
    !actions.contains(action) && actions.insert(action.to_owned())
}

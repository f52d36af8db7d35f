//! Loading plugins: binaries and bundles, the host that a plugin sees, and effects with their descriptors.

use std::{
    collections::HashMap,
    ffi::{CStr, CString, c_int},
    fmt,
    path::{Path, PathBuf},
    sync::{
        Arc, OnceLock, Weak,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use parking_lot::{Condvar, Mutex};

use super::{
    check::{self, Faults},
    descriptor::{ContextDescriptor, EffectDescriptor},
    effect_object::{Call, EffectObject, Job, within},
    error::HostError,
    instance::{Instance, Project},
    param::ParamSet,
    profiles::Profile,
    property::{Owner, PropertySet, SetKind, cstring},
    sets, suites,
};
use crate::{
    Context, EntryPoints, Status,
    props::*,
    sys::generic::core::{OfxHost, OfxPlugin, OfxPluginEntryPoint, OfxPropertySetHandle},
};

/// A plugin binary, loaded from a file or linked into this program.
#[derive(Clone, Debug)]
pub struct Binary(Arc<BinaryInner>);

struct BinaryInner {
    entry: EntryPoints,
    path: PathBuf,
    /// Dropped last of all that came from it, because everything else holds this struct.
    _library: Option<libloading::Library>,
}

impl fmt::Debug for BinaryInner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Binary").field("path", &self.path).finish_non_exhaustive()
    }
}

/// Folder of a bundle's `Contents` that holds this platform's binary.
pub const ARCHITECTURE: &str = if cfg!(target_os = "macos") {
    "MacOS"
} else if cfg!(all(windows, target_pointer_width = "64")) {
    "Win64"
} else if cfg!(windows) {
    "Win32"
} else if cfg!(target_arch = "aarch64") {
    "Linux-aarch64"
} else {
    "Linux-x86-64"
};

impl Binary {
    /// Loads a `.ofx` file, or the one in a `.ofx.bundle` that is for this platform.
    ///
    /// Loading runs the library's code: open what you would run.
    ///
    /// # Errors
    /// When there is no such file, or it is not an OpenFX plugin for this platform.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, HostError> {
        let given = path.as_ref();
        let error = |path: &Path, why: String| HostError::Binary { path: path.display().to_string(), why };
        let file = binary_file(given);
        if file.is_dir() {
            return Err(error(&file, "it is a folder: name the .ofx.bundle that lies in it".to_owned()));
        }
        if !file.is_file() {
            return Err(error(&file, "there is no such file".to_owned()));
        }
        // SAFETY: running the library's code is what the caller asks for; nothing else of it is assumed.
        let library = unsafe { libloading::Library::new(&file) }.map_err(|e| error(&file, reason(&e)))?;
        // SAFETY: the standard gives these exports these types; the pointers live as long as the library, which
        // `BinaryInner` keeps.
        let entry = unsafe {
            let number = library.get(b"OfxGetNumberOfPlugins\0").map_err(|e| error(&file, reason(&e)))?;
            let get = library.get(b"OfxGetPlugin\0").map_err(|e| error(&file, reason(&e)))?;
            EntryPoints { number: *number, get: *get, set_host: library.get(b"OfxSetHost\0").ok().map(|f| *f) }
        };
        Ok(Self(Arc::new(BinaryInner { entry, path: given.to_path_buf(), _library: Some(library) })))
    }

    /// A plugin that is linked into this program.
    #[must_use]
    pub fn in_process(entry: EntryPoints) -> Self {
        Self(Arc::new(BinaryInner { entry, path: PathBuf::from("in-process.ofx.bundle"), _library: None }))
    }
}

/// An error with what lies beneath it: the system's own words are there.
fn reason(error: &dyn std::error::Error) -> String {
    error.source().map_or_else(|| error.to_string(), |source| format!("{error}: {}", reason(source)))
}

fn binary_file(path: &Path) -> PathBuf {
    let name = path.file_name().and_then(|n| n.to_str()).unwrap_or_default();
    match name.strip_suffix(".bundle") {
        Some(ofx) if !path.is_file() => path.join("Contents").join(ARCHITECTURE).join(ofx),
        _ => path.to_path_buf(),
    }
}

/// One effect of a binary.
#[derive(Clone, Debug)]
pub struct Plugin {
    id: String,
    version: (u32, u32),
    ptr: PluginPtr,
}

impl Plugin {
    /// The effect's identifier, such as `org.pickup.Repair`.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Major and minor version.
    #[must_use]
    pub fn version(&self) -> (u32, u32) {
        self.version
    }
}

/// A plugin's static struct; valid while its binary is loaded.
#[derive(Clone, Copy, Debug)]
struct PluginPtr(*mut OfxPlugin);

// SAFETY: the struct is the plugin's constant; it is read only.
unsafe impl Send for PluginPtr {}
// SAFETY: as above.
unsafe impl Sync for PluginPtr {}

/// A host as plugins see it, behaving as its profile says.
#[derive(Clone, Debug)]
pub struct Host(Arc<HostInner>);

pub(crate) struct HostInner {
    id: u64,
    profile: Profile,
    /// Kept alive for its handle.
    _props: Arc<PropertySet>,
    ofx: &'static HostCell,
    /// Of a strict host, what was noted.
    pub(crate) faults: Option<Arc<Faults>>,
    /// Held while an effect that takes one render a process is rendering.
    pub(crate) rendering: Mutex<()>,
}

/// The struct that the plugin keeps a pointer to.
struct HostCell(OfxHost);

// SAFETY: the struct is never written after it is made.
unsafe impl Send for HostCell {}
// SAFETY: as above.
unsafe impl Sync for HostCell {}

impl fmt::Debug for HostInner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Host").field("profile", &self.profile.label).finish_non_exhaustive()
    }
}

impl HostInner {
    pub(crate) fn profile(&self) -> &Profile {
        &self.profile
    }

    /// Says in an action's arguments, as since 1.5, that it is for no thumbnail.
    pub(crate) fn no_thumbnail(&self, arguments: &PropertySet) {
        if self.profile.api >= (1, 5) {
            arguments.fixed(PROP_THUMBNAIL_RENDER, &[0]);
        }
    }

    /// Has a strict host look at something.
    pub(crate) fn checked(&self, look: impl FnOnce(&Faults)) {
        if let Some(faults) = &self.faults {
            look(faults);
        }
    }

    fn ofx(&self) -> *mut OfxHost {
        (&raw const self.ofx.0).cast_mut()
    }
}

impl Host {
    /// A host that behaves as a profile says.
    #[must_use]
    pub fn new(profile: Profile) -> Self {
        Self::with(profile, None)
    }

    /// A host that notes what an effect does, or leaves undone, that the standard does not allow.
    pub(crate) fn strict(profile: Profile) -> Self {
        Self::with(profile, Some(Arc::default()))
    }

    /// What a strict host noted so far.
    pub(crate) fn noted(&self) -> Vec<String> {
        self.0.faults.as_ref().map(|faults| faults.take()).unwrap_or_default()
    }

    fn with(profile: Profile, faults: Option<Arc<Faults>>) -> Self {
        static IDS: AtomicU64 = AtomicU64::new(1);
        let props = sets::host(&profile);
        let handle: OfxPropertySetHandle = props.handle().as_ptr();
        // A plugin may keep this pointer for as long as it is loaded, and one linked into the program is never
        // unloaded: so the struct is never freed. Its handle dies with the host, and then fetches nothing.
        let ofx: &'static HostCell =
            Box::leak(Box::new(HostCell(OfxHost { host: handle, fetchSuite: Some(suites::fetch_suite) })));
        let inner = Arc::new_cyclic(|weak: &Weak<HostInner>| {
            props.own(Owner::Host(weak.clone()));
            HostInner {
                id: IDS.fetch_add(1, Ordering::Relaxed),
                profile,
                _props: props,
                ofx,
                faults,
                rendering: Mutex::new(()),
            }
        });
        Self(inner)
    }

    #[cfg(test)]
    pub(crate) fn inner(&self) -> &Arc<HostInner> {
        &self.0
    }

    /// What it behaves as.
    #[must_use]
    pub fn profile(&self) -> &Profile {
        &self.0.profile
    }

    /// The image effects in a binary.
    ///
    /// # Errors
    /// When another host is still using the binary, or it refuses this one.
    pub fn plugins(&self, binary: &Binary) -> Result<Vec<Plugin>, HostError> {
        let _session = Session::begin(&binary.0, &self.0)?;
        self.list(binary)
    }

    fn list(&self, binary: &Binary) -> Result<Vec<Plugin>, HostError> {
        let entry = &binary.0.entry;
        if let Some(set_host) = entry.set_host {
            // SAFETY: the standard's function, with a host struct that is never freed.
            let status = Status(unsafe { set_host(self.0.ofx()) });
            if status != Status::OK {
                let why = format!("it refuses this host ({status:?})");
                return Err(HostError::Binary { path: binary.0.path.display().to_string(), why });
            }
        }
        // SAFETY: the standard's functions; indices are within the number the plugin gave.
        let all = unsafe { (0..(entry.number)()).map(|i| (entry.get)(i)).collect::<Vec<_>>() };
        Ok(all.into_iter().filter_map(read_plugin).collect())
    }

    /// Loads one of a binary's effects and has it describe itself.
    ///
    /// A plugin knows one host a process. While another [`Host`] has effects or instances of this binary, this waits
    /// for them to go, up to a minute.
    ///
    /// # Errors
    /// When there is no such effect, another host is using the binary, or loading or describing fails.
    pub fn load(&self, binary: &Binary, id: &str) -> Result<Effect, HostError> {
        let session = Session::begin(&binary.0, &self.0)?;
        let plugins = self.list(binary)?;
        let Some(plugin) = plugins.iter().find(|p| p.id == id) else {
            let known: Vec<&str> = plugins.iter().map(Plugin::id).collect();
            return Err(HostError::NoEffect { id: id.to_owned(), known: known.join(", ") });
        };
        // SAFETY: the struct is valid while the binary is loaded, which `session` sees to.
        let (set_host, main) = unsafe { ((*plugin.ptr.0).setHost, (*plugin.ptr.0).mainEntry) };
        if let Some(set_host) = set_host {
            // SAFETY: as for `OfxSetHost`.
            unsafe { set_host(self.0.ofx()) }
        }
        let path = cstring(&binary.0.path.to_string_lossy());
        let descriptor = new_descriptor(&self.0, &cstring(id), &path, None);
        let inner = Arc::new(EffectInner {
            plugin: plugin.clone(),
            main,
            host: self.0.clone(),
            descriptor,
            contexts: Mutex::default(),
            loaded: OnceLock::new(),
            path,
            binary: binary.0.clone(),
            _session: session,
        });
        inner.action(ACTION_LOAD, None, None, None, None)?;
        let _ = inner.loaded.set(());
        inner.action(ACTION_DESCRIBE, Some(&inner.descriptor), None, None, None)?;
        inner.host.checked(|faults| check::effect(faults, &inner.descriptor));
        Ok(Effect(inner))
    }
}

fn read_plugin(ptr: *mut OfxPlugin) -> Option<Plugin> {
    if ptr.is_null() {
        return None;
    }
    // SAFETY: the plugin gave this pointer as its static struct; its strings are C strings by the standard.
    let (plugin, api, id) = unsafe {
        let plugin = *ptr;
        if plugin.pluginApi.is_null() || plugin.pluginIdentifier.is_null() {
            return None;
        }
        (plugin, CStr::from_ptr(plugin.pluginApi), CStr::from_ptr(plugin.pluginIdentifier))
    };
    let known = api == IMAGE_EFFECT_PLUGIN_API && plugin.apiVersion == 1 && plugin.mainEntry.is_some();
    known.then(|| Plugin {
        id: id.to_string_lossy().into_owned(),
        version: (plugin.pluginVersionMajor, plugin.pluginVersionMinor),
        ptr: PluginPtr(ptr),
    })
}

fn new_descriptor(
    host: &Arc<HostInner>,
    id: &CStr,
    path: &CStr,
    base: Option<(&EffectObject, Context)>,
) -> Arc<EffectObject> {
    let props = match base {
        Some((global, _)) => global.props.fork(SetKind::Effect),
        None => sets::effect(id, path, &host.profile),
    };
    let context = base.map(|(_, context)| context);
    if let Some(context) = context {
        props.fixed_text(PROP_CONTEXT, context.as_cstr());
    }
    EffectObject::new(host, props, ParamSet::new(sets::param_set()), Vec::new(), context, None)
}

/// A loaded effect. Clones are the same effect; it is unloaded when the last of them and of its instances goes.
#[derive(Clone, Debug)]
pub struct Effect(Arc<EffectInner>);

pub(crate) struct EffectInner {
    plugin: Plugin,
    main: OfxPluginEntryPoint,
    pub(crate) host: Arc<HostInner>,
    pub(crate) descriptor: Arc<EffectObject>,
    contexts: Mutex<HashMap<Context, Arc<EffectObject>>>,
    loaded: OnceLock<()>,
    path: CString,
    binary: Arc<BinaryInner>,
    _session: Session,
}

impl fmt::Debug for EffectInner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Effect").field("id", &self.plugin.id).field("host", &self.host).finish_non_exhaustive()
    }
}

impl Drop for EffectInner {
    fn drop(&mut self) {
        if self.loaded.get().is_some() {
            self.contexts.get_mut().clear();
            self.call(ACTION_UNLOAD, None, None, None, None, None);
        }
    }
}

impl EffectInner {
    pub(crate) fn label(&self) -> String {
        let label = self.descriptor.props.string(PROP_LABEL);
        if label.is_empty() { self.plugin.id.clone() } else { label }
    }

    /// Calls the plugin's main entry.
    pub(crate) fn call(
        &self,
        action: &'static CStr,
        effect: Option<&EffectObject>,
        input: Option<&PropertySet>,
        output: Option<&PropertySet>,
        time: Option<f64>,
        job: Option<Arc<Job>>,
    ) -> Status {
        let Some(main) = self.main else { return Status::BAD_HANDLE };
        let handle = |s: Option<&PropertySet>| s.map_or(std::ptr::null_mut(), |s| s.handle().as_ptr());
        let effect = effect.map_or(std::ptr::null(), |e| e.handle().as_ptr::<std::ffi::c_void>().cast_const());
        let call = Call { time, job, ..Call::new(action, self.host.faults.clone()) };
        // SAFETY: the plugin's entry point, with an action's C string, handles of this host, and a binary that stays
        // loaded while `self` is.
        let status = within(call, || Status(unsafe { main(action.as_ptr(), effect, handle(input), handle(output)) }));
        self.host.checked(|faults| check::answered(faults, action, status));
        status
    }

    /// Calls an action that must succeed.
    pub(crate) fn action(
        &self,
        action: &'static CStr,
        effect: Option<&EffectObject>,
        input: Option<&PropertySet>,
        output: Option<&PropertySet>,
        time: Option<f64>,
    ) -> Result<Status, HostError> {
        let log = effect.and_then(|e| e.state.as_ref()).map(|s| &s.log);
        let said = log.map_or(0, super::log::Log::count);
        let status = self.call(action, effect, input, output, time, None);
        let strict = self.host.profile.strict_status
            && [ACTION_LOAD, ACTION_CREATE_INSTANCE, ACTION_DESTROY_INSTANCE].contains(&action);
        if status == Status::OK || (status == Status::REPLY_DEFAULT && !strict) {
            return Ok(status);
        }
        Err(HostError::Action {
            effect: self.label(),
            action: action.to_string_lossy().into_owned(),
            status,
            messages: log.map(|l| l.since(said)).unwrap_or_default(),
        })
    }

    /// The descriptor in a context, described on first use.
    pub(crate) fn describe_in(&self, context: Context) -> Result<Arc<EffectObject>, HostError> {
        let mut contexts = self.contexts.lock();
        if let Some(d) = contexts.get(&context) {
            return Ok(d.clone());
        }
        let d = self.describe_afresh(context)?;
        contexts.insert(context, d.clone());
        Ok(d)
    }

    fn describe_afresh(&self, context: Context) -> Result<Arc<EffectObject>, HostError> {
        let supported = self.descriptor.props.all::<CString>(PROP_SUPPORTED_CONTEXTS);
        let offered = supported.iter().any(|c| **c == *context.as_cstr());
        if !offered || !self.host.profile.contexts.contains(&context) {
            let (effect, host) = (self.label(), self.host.profile.label.clone());
            return Err(HostError::Context { effect, context, host });
        }
        let d = new_descriptor(&self.host, &cstring(&self.plugin.id), &self.path, Some((&self.descriptor, context)));
        let arguments = PropertySet::new(SetKind::Arguments);
        arguments.fixed_text(PROP_CONTEXT, context.as_cstr());
        self.action(ACTION_DESCRIBE_IN_CONTEXT, Some(&d), Some(&arguments), None, None)?;
        self.host.checked(|faults| check::in_context(faults, &d, context));
        Ok(d)
    }
}

impl Effect {
    pub(crate) fn inner(&self) -> &Arc<EffectInner> {
        &self.0
    }

    pub(crate) fn from_inner(inner: Arc<EffectInner>) -> Self {
        Self(inner)
    }

    /// The effect's identifier.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.0.plugin.id
    }

    /// What it says of itself in any context.
    #[must_use]
    pub fn descriptor(&self) -> EffectDescriptor {
        EffectDescriptor::read(&self.0.plugin.id, self.0.plugin.version, &self.0.descriptor.props)
    }

    /// Its parameters and clips in a context.
    ///
    /// # Errors
    /// When effect or host does not do this context, or describing fails.
    pub fn describe_in(&self, context: Context) -> Result<ContextDescriptor, HostError> {
        Ok(ContextDescriptor::read(&*self.0.describe_in(context)?))
    }

    /// The contexts that both effect and host do, in the host's order of preference.
    #[must_use]
    pub fn contexts(&self) -> Vec<Context> {
        let offered = self.descriptor().contexts;
        self.0.host.profile.contexts.iter().copied().filter(|c| offered.contains(c)).collect()
    }

    /// Makes an instance.
    ///
    /// # Errors
    /// When effect or host does not do this context, or the effect refuses.
    pub fn create(&self, context: Context, project: Project) -> Result<Instance, HostError> {
        Instance::create(&self.0, context, project, None)
    }

    /// Loads and describes again, as MLT does for every frame: another effect, not unloaded when it goes.
    pub(crate) fn load_again(&self) -> Result<Self, HostError> {
        let old = &self.0;
        let inner = Arc::new(EffectInner {
            plugin: old.plugin.clone(),
            main: old.main,
            host: old.host.clone(),
            descriptor: new_descriptor(&old.host, &cstring(&old.plugin.id), &old.path, None),
            contexts: Mutex::default(),
            loaded: OnceLock::new(),
            path: old.path.clone(),
            binary: old.binary.clone(),
            _session: old._session.again(),
        });
        inner.action(ACTION_LOAD, None, None, None, None)?;
        inner.action(ACTION_DESCRIBE, Some(&inner.descriptor), None, None, None)?;
        Ok(Self(inner))
    }

    /// Tells the effect that it is unloaded, whatever instances of it there are and whatever they do: no host should, and some do
    /// that are closed at work. The effect can be loaded again.
    pub fn unload_early(&self) {
        self.0.call(ACTION_UNLOAD, None, None, None, None, None);
    }

    /// Tells the effect that memory is short.
    ///
    /// # Errors
    /// When the action fails.
    pub fn purge_caches(&self, instance: Option<&Instance>) -> Result<(), HostError> {
        self.0.action(ACTION_PURGE_CACHES, instance.map(Instance::object), None, None, None).map(drop)
    }
}

/// Which host has a binary, and how many things of that host's hold it.
type Users = HashMap<usize, (u64, usize)>;

static USERS: OnceLock<(Mutex<Users>, Condvar)> = OnceLock::new();

/// A host's hold on a binary. A plugin keeps one host pointer for the whole process, so a binary serves one host at a
/// time; another waits its turn.
#[derive(Debug)]
struct Session {
    key: usize,
    host: u64,
}

impl Session {
    const PATIENCE: Duration = Duration::from_secs(60);

    fn begin(binary: &BinaryInner, host: &HostInner) -> Result<Self, HostError> {
        let key = (binary.entry.get as unsafe extern "C" fn(c_int) -> *mut OfxPlugin as *const ()).addr();
        let (users, freed) = USERS.get_or_init(Default::default);
        let mut users = users.lock();
        loop {
            let entry = users.entry(key).or_insert((host.id, 0));
            if entry.0 == host.id || entry.1 == 0 {
                *entry = (host.id, entry.1 + 1);
                return Ok(Self { key, host: host.id });
            }
            if freed.wait_for(&mut users, Self::PATIENCE).timed_out() {
                return Err(HostError::Busy);
            }
        }
    }

    fn again(&self) -> Self {
        if let Some((users, _)) = USERS.get()
            && let Some((_, count)) = users.lock().get_mut(&self.key)
        {
            *count += 1;
        }
        Self { key: self.key, host: self.host }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        let Some((users, freed)) = USERS.get() else { return };
        let mut users = users.lock();
        if let Some((_, count)) = users.get_mut(&self.key) {
            *count -= 1;
            if *count == 0 {
                users.remove(&self.key);
                freed.notify_all();
            }
        }
    }
}

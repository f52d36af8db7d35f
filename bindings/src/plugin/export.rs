//! What a binary shows a host: its effects behind three C functions, as symbols of a shared library ([`export!`]) or
//! as function pointers for a host in the same process ([`in_process!`]).

use std::ffi::{CString, c_int};

use super::{
    door::{main_entry, set_host},
    effect::{Effect, Meta},
    suites,
};
use crate::{
    Status, props,
    sys::{
        generic::core::{OfxHost, OfxPlugin, OfxStatus},
        image_effect_v1::image_effect::kOfxImageEffectPluginApiVersion,
    },
};

/// An effect to be exported.
#[doc(hidden)]
pub struct Export {
    id: &'static str,
    plugin: OfxPlugin,
    set_host: fn(*mut OfxHost) -> bool,
}

impl Export {
    #[must_use]
    pub fn of<E: Effect>() -> Self {
        let plugin = OfxPlugin {
            pluginApi: props::IMAGE_EFFECT_PLUGIN_API.as_ptr(),
            // It is 1.
            #[allow(clippy::cast_possible_wrap)]
            apiVersion: kOfxImageEffectPluginApiVersion as c_int,
            pluginIdentifier: std::ptr::null(),
            pluginVersionMajor: E::META.version.0,
            pluginVersionMinor: E::META.version.1,
            setHost: Some(set_host::<E>),
            mainEntry: Some(main_entry::<E>),
        };
        Self { id: E::META.id, plugin, set_host: suites::set_host::<E> }
    }
}

/// A binary's effects, alive as long as it is loaded.
#[doc(hidden)]
pub struct Binary {
    plugins: Vec<OfxPlugin>,
    set_host: Vec<fn(*mut OfxHost) -> bool>,
    /// What the plugins' identifiers point to.
    _ids: Vec<CString>,
}

// SAFETY: the pointers in it lead to C strings that are never written, and live as long as it does.
unsafe impl Send for Binary {}
// SAFETY: as for `Send`.
unsafe impl Sync for Binary {}

impl Binary {
    #[must_use]
    pub fn new(exports: Vec<Export>) -> Self {
        let set_host = exports.iter().map(|export| export.set_host).collect();
        let (ids, plugins) = exports
            .into_iter()
            .map(|export| {
                let id = super::property::c_text(export.id);
                let plugin = OfxPlugin { pluginIdentifier: id.as_ptr(), ..export.plugin };
                (id, plugin)
            })
            .unzip();
        Self { plugins, set_host, _ids: ids }
    }

    /// Gives the host to every effect.
    ///
    /// # Safety
    /// `host` must be null or point to a host that lives as long as the binary is loaded.
    pub unsafe fn set_host(&self, host: *const OfxHost) -> OfxStatus {
        let taken = self.set_host.iter().all(|set| set(host.cast_mut()));
        if taken { Status::OK.0 } else { Status::FAILED.0 }
    }

    #[must_use]
    pub fn len(&self) -> c_int {
        c_int::try_from(self.plugins.len()).unwrap_or(c_int::MAX)
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.plugins.is_empty()
    }

    /// The plugin at a place, or null.
    #[must_use]
    pub fn plugin(&self, index: c_int) -> *mut OfxPlugin {
        let plugin = usize::try_from(index).ok().and_then(|i| self.plugins.get(i));
        plugin.map_or(std::ptr::null_mut(), |p| std::ptr::from_ref(p).cast_mut())
    }
}

/// Whether the ids are what the standard allows (printable ASCII without spaces), and each is there once.
#[doc(hidden)]
#[must_use]
pub const fn ids_are_sound(metas: &[Meta]) -> bool {
    let mut i = 0;
    while i < metas.len() {
        let id = metas[i].id.as_bytes();
        if id.is_empty() {
            return false;
        }
        let mut k = 0;
        while k < id.len() {
            if !id[k].is_ascii_graphic() {
                return false;
            }
            k += 1;
        }
        let mut j = 0;
        while j < i {
            if same(id, metas[j].id.as_bytes()) {
                return false;
            }
            j += 1;
        }
        i += 1;
    }
    true
}

const fn same(a: &[u8], b: &[u8]) -> bool {
    if a.len() != b.len() {
        return false;
    }
    let mut i = 0;
    while i < a.len() {
        // Hosts on Windows and macOS compare ids without regard to case.
        if !a[i].eq_ignore_ascii_case(&b[i]) {
            return false;
        }
        i += 1;
    }
    true
}

/// Effects as an in-process binary's [`EntryPoints`](crate::EntryPoints): `ofx::in_process!(Repair, Retime)`.
#[macro_export]
macro_rules! in_process {
    ($($effect:ty),+ $(,)?) => {{
        const {
            assert!(
                $crate::plugin::ids_are_sound(&[$(<$effect as $crate::plugin::Effect>::META),+]),
                "each effect needs an id of its own, of printable ASCII without spaces"
            );
        }
        fn binary() -> &'static $crate::plugin::Binary {
            static BINARY: ::std::sync::OnceLock<$crate::plugin::Binary> = ::std::sync::OnceLock::new();
            BINARY.get_or_init(|| {
                $crate::plugin::Binary::new(::std::vec![$($crate::plugin::Export::of::<$effect>()),+])
            })
        }
        unsafe extern "C" fn number() -> ::std::ffi::c_int {
            binary().len()
        }
        unsafe extern "C" fn get(index: ::std::ffi::c_int) -> *mut $crate::sys::generic::core::OfxPlugin {
            binary().plugin(index)
        }
        unsafe extern "C" fn set_host(
            host: *const $crate::sys::generic::core::OfxHost,
        ) -> $crate::sys::generic::core::OfxStatus {
            // SAFETY: the caller vouches for the host.
            unsafe { binary().set_host(host) }
        }
        $crate::EntryPoints { number, get, set_host: ::std::option::Option::Some(set_host) }
    }};
}

/// Exports effects from a `cdylib`, and as `ofx_binary()` to hosts in the same process:
/// `ofx::export!(Repair, Retime);`. Two effects with one id do not compile.
#[macro_export]
macro_rules! export {
    ($($effect:ty),+ $(,)?) => {
        /// This binary's effects, for a host in the same process.
        #[must_use]
        pub fn ofx_binary() -> $crate::EntryPoints {
            $crate::in_process!($($effect),+)
        }

        #[doc(hidden)]
        #[unsafe(no_mangle)]
        #[allow(non_snake_case)]
        pub extern "C" fn OfxGetNumberOfPlugins() -> ::std::ffi::c_int {
            // SAFETY: it has no conditions.
            unsafe { (ofx_binary().number)() }
        }

        #[doc(hidden)]
        #[unsafe(no_mangle)]
        #[allow(non_snake_case)]
        pub extern "C" fn OfxGetPlugin(index: ::std::ffi::c_int) -> *mut $crate::sys::generic::core::OfxPlugin {
            // SAFETY: any index may be asked for.
            unsafe { (ofx_binary().get)(index) }
        }

        /// # Safety
        /// `host` must be null or point to a host that lives as long as the binary is loaded.
        #[doc(hidden)]
        #[unsafe(no_mangle)]
        #[allow(non_snake_case)]
        pub unsafe extern "C" fn OfxSetHost(
            host: *const $crate::sys::generic::core::OfxHost,
        ) -> $crate::sys::generic::core::OfxStatus {
            let set_host = ofx_binary().set_host;
            // SAFETY: the caller vouches for the host.
            set_host.map_or($crate::Status::FAILED.0, |set_host| unsafe { set_host(host) })
        }
    };
}

//! Where the bundle's resources lie.

use std::path::{Path, PathBuf};

use parking_lot::Mutex;

static TOLD_BY_HOST: Mutex<Option<PathBuf>> = Mutex::new(None);

/// Keeps what the host says in describe: the bundle's folder, or the binary in it.
pub(crate) fn remember(path: Option<String>) {
    if let Some(path) = path {
        *TOLD_BY_HOST.lock() = Some(PathBuf::from(path));
    }
}

/// The bundle's `Contents/Resources`: by what the host said in describe, else by where this code was loaded from.
/// None when neither is inside a bundle, as in a test.
#[must_use]
pub fn resources_dir() -> Option<PathBuf> {
    let told = TOLD_BY_HOST.lock().clone();
    told.as_deref().and_then(find).or_else(|| library_path().as_deref().and_then(find))
}

/// `NAME.ofx.bundle`, `NAME.ofx.bundle/Contents/ARCH/NAME.ofx`, or anything between them.
fn find(path: &Path) -> Option<PathBuf> {
    path.ancestors().take(4).map(|p| p.join("Contents").join("Resources")).find(|p| p.is_dir())
}

/// The file this code was loaded from: the plugin, or the program it is linked into.
#[cfg(unix)]
#[must_use]
pub fn library_path() -> Option<PathBuf> {
    use std::{
        ffi::{CStr, OsStr},
        os::unix::ffi::OsStrExt,
    };

    let mut info = libc::Dl_info {
        dli_fname: std::ptr::null(),
        dli_fbase: std::ptr::null_mut(),
        dli_sname: std::ptr::null(),
        dli_saddr: std::ptr::null_mut(),
    };
    let here = library_path as fn() -> Option<PathBuf>;
    // SAFETY: any address may be asked about, and the place outlives the call.
    let found = unsafe { libc::dladdr(here as *const std::ffi::c_void, &raw mut info) };
    if found == 0 || info.dli_fname.is_null() {
        return None;
    }
    // SAFETY: a found file's name is a C string that lives as long as the file is loaded, which this code is in.
    let name = unsafe { CStr::from_ptr(info.dli_fname) };
    std::fs::canonicalize(OsStr::from_bytes(name.to_bytes())).ok()
}

/// The file this code was loaded from: the plugin, or the program it is linked into.
#[cfg(windows)]
#[must_use]
pub fn library_path() -> Option<PathBuf> {
    use std::{ffi::OsString, os::windows::ffi::OsStringExt};

    use windows_sys::Win32::System::LibraryLoader::{
        GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS, GET_MODULE_HANDLE_EX_FLAG_UNCHANGED_REFCOUNT, GetModuleFileNameW,
        GetModuleHandleExW,
    };

    let flags = GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS | GET_MODULE_HANDLE_EX_FLAG_UNCHANGED_REFCOUNT;
    let here = library_path as fn() -> Option<PathBuf>;
    let mut module = std::ptr::null_mut();
    // SAFETY: with these flags the name is an address, and any may be asked about; the place outlives the call.
    if unsafe { GetModuleHandleExW(flags, here as *const u16, &raw mut module) } == 0 {
        return None;
    }
    // A path on Windows has at most 32,767 units.
    let mut name = vec![0_u16; 1 << 15];
    let room = u32::try_from(name.len()).ok()?;
    // SAFETY: the module is loaded, for this code is in it; the buffer has `room` units.
    let len = unsafe { GetModuleFileNameW(module, name.as_mut_ptr(), room) };
    let name = name.get(..usize::try_from(len).ok()?).filter(|n| !n.is_empty())?;
    Some(PathBuf::from(OsString::from_wide(name)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resources_are_found_from_the_bundle_and_from_the_binary_in_it() {
        let root = std::env::temp_dir().join(format!("ofx-resources-{}", std::process::id()));
        let bundle = root.join("Test.ofx.bundle");
        let resources = bundle.join("Contents/Resources");
        std::fs::create_dir_all(&resources).unwrap();
        let binary = bundle.join("Contents/Linux-x86-64/Test.ofx");
        assert_eq!(find(&bundle), Some(resources.clone()));
        assert_eq!(find(&binary), Some(resources));
        assert_eq!(find(&root), None);
        std::fs::remove_dir_all(&root).unwrap();
    }

    #[test]
    fn this_code_knows_the_file_it_is_in() {
        assert_eq!(library_path(), std::env::current_exe().and_then(std::fs::canonicalize).ok());
    }
}

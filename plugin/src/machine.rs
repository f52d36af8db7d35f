//! What this machine is: processor, memory, and where hosts look for plugins.

use std::{env, path::PathBuf};

use sysinfo::System;

/// Vector instructions found at run time, widest last.
pub fn cpu_features() -> Vec<&'static str> {
    #[cfg(target_arch = "x86_64")]
    {
        let all = [
            ("SSE4.2", is_x86_feature_detected!("sse4.2")),
            ("AVX", is_x86_feature_detected!("avx")),
            ("F16C", is_x86_feature_detected!("f16c")),
            ("FMA", is_x86_feature_detected!("fma")),
            ("AVX2", is_x86_feature_detected!("avx2")),
            ("AVX-512", is_x86_feature_detected!("avx512f")),
        ];
        all.into_iter().filter(|(_, there)| *there).map(|(name, _)| name).collect()
    }
    #[cfg(target_arch = "aarch64")]
    {
        vec!["NEON"]
    }
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    {
        Vec::new()
    }
}

/// Threads the system lets this process run at once.
pub fn threads() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

/// Bytes of memory in all and available, within what a container allows; none where the system does not tell.
pub fn memory() -> Option<(u64, u64)> {
    let mut system = System::new().ok()?;
    system.refresh_memory();
    let (mut total, mut available) = (system.total_memory(), system.available_memory());
    if total == 0 || available == 0 {
        return None;
    }
    if let Some(limits) = system.cgroup_limits().filter(|limits| limits.total_memory > 0) {
        total = total.min(limits.total_memory);
        // What the container's programs do not hold: of the rest, the system's copies of files make way.
        available = available.min(limits.total_memory.saturating_sub(limits.rss));
    }
    Some((total, available))
}

/// What a folder of a user's is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UserFolder {
    /// What can be made again.
    Caches,
    /// What the user brought.
    Data,
}

/// The folder of this name where this system keeps what a user has of this; none where it names no such place.
pub fn user_folder(kind: UserFolder, name: &str) -> Option<PathBuf> {
    let named = |name: &str| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let (on_mac, variable_of_xdg, beneath_home) = match kind {
        UserFolder::Caches => ("Library/Caches", "XDG_CACHE_HOME", ".cache"),
        UserFolder::Data => ("Library/Application Support", "XDG_DATA_HOME", ".local/share"),
    };
    let home = |folder: &str| named("HOME").map(|home| home.join(folder));
    let place = if cfg!(windows) {
        named("LOCALAPPDATA")
    } else if cfg!(target_os = "macos") {
        home(on_mac)
    } else {
        named(variable_of_xdg).or_else(|| home(beneath_home))
    };
    // A relative path would follow the host's working folder about.
    let place = place.filter(|folder| folder.is_absolute())?;
    Some(place.join("pickup").join(name))
}

/// This system's name and version.
#[must_use]
pub fn system() -> String {
    let kernel = System::kernel_version().map(|version| format!(", kernel {version}")).unwrap_or_default();
    format!("{}{kernel}", System::long_os_version().unwrap_or_else(|_| env::consts::OS.to_owned()))
}

/// The standard folder of OpenFX plugins.
pub fn standard_folder() -> PathBuf {
    if cfg!(target_os = "macos") {
        PathBuf::from("/Library/OFX/Plugins")
    } else if cfg!(windows) {
        let common = env::var_os("CommonProgramFiles").unwrap_or_else(|| r"C:\Program Files\Common Files".into());
        PathBuf::from(common).join("OFX").join("Plugins")
    } else {
        PathBuf::from("/usr/OFX/Plugins")
    }
}

/// Every folder in which hosts look: those of `OFX_PLUGIN_PATH`, then the standard one.
pub fn plugin_folders() -> Vec<PathBuf> {
    let named = env::var_os("OFX_PLUGIN_PATH").unwrap_or_default();
    let mut folders: Vec<PathBuf> = env::split_paths(&named).filter(|p| !p.as_os_str().is_empty()).collect();
    folders.push(standard_folder());
    folders
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_tells_how_much_memory_it_has() {
        let (total, available) = memory().expect("it tells");
        assert!((64 << 20..1 << 46).contains(&total), "{total} bytes");
        assert!((1 << 20..=total).contains(&available), "{available} of {total} bytes");
    }
}

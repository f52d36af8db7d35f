//! What this machine is: processor, memory, and where hosts look for plugins.

use std::{env, path::PathBuf};

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

/// Bytes of memory in all and available, where the system tells in a file.
pub fn memory() -> Option<(u64, u64)> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    Some((meminfo(&text, "MemTotal")?, meminfo(&text, "MemAvailable")?))
}

fn meminfo(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|l| l.strip_prefix(name)?.strip_prefix(':'))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
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
    fn memory_is_read_in_bytes() {
        let text = "MemTotal:       16384 kB\nMemFree: 12 kB\nMemAvailable:   8192 kB\n";
        assert_eq!(meminfo(text, "MemTotal"), Some(16 << 20));
        assert_eq!(meminfo(text, "MemAvailable"), Some(8 << 20));
        assert_eq!(meminfo(text, "Swap"), None);
    }
}

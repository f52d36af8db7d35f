//! Headers of safetensors and GGUF files.
#![no_main]

use std::{panic, sync::Once};

static QUIET: Once = Once::new();

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    // candle's reader panics on some headers, which the code under test catches: only what gets out of it is a fault.
    QUIET.call_once(|| panic::set_hook(Box::new(|_| {})));
    pickup_model::diffusion::fuzz_headers(bytes);
});

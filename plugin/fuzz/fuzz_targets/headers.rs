//! Headers of safetensors and GGUF files.
#![no_main]

use std::{
    panic,
    sync::{Mutex, Once},
};

static HOOKED: Once = Once::new();
static LAST: Mutex<String> = Mutex::new(String::new());

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    // candle's reader panics on some headers, which the code under test catches: only what gets out of it is a fault.
    HOOKED.call_once(|| {
        panic::set_hook(Box::new(|panic| *LAST.lock().expect("nothing panics here") = panic.to_string()));
    });
    if let Err(panic) = panic::catch_unwind(|| pickup_model::diffusion::fuzz_headers(bytes)) {
        eprintln!("{}", LAST.lock().expect("nothing panics here"));
        panic::resume_unwind(panic);
    }
});

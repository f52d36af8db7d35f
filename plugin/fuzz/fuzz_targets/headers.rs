//! Headers of safetensors and GGUF files.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| pickup_model::diffusion::fuzz_headers(bytes));

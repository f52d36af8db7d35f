//! Configurations, in both spellings, and names of tensors.
#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| pickup_model::diffusion::fuzz_configurations(text));

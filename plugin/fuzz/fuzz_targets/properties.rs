//! What a plugin asks of a host's property suite.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| ofx::host::fuzz_properties(bytes));

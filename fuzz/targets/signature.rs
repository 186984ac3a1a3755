//! Requests that are signed.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| turnlock_api_key::fuzzing::signature(data));

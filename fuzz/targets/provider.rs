//! Providers' descriptions, and the requests made of them.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| turnlock_api_key::fuzzing::provider(data));

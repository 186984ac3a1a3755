//! Templates of derived fields.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| turnlock::fuzzing::derived(data));

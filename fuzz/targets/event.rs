//! Events as Lambda hands them over.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| turnlock::fuzzing::event(data));

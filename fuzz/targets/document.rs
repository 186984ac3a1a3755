//! Edits of a stored secret.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| turnlock::fuzzing::document(data));

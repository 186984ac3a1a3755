//! Providers' answers: JSON, XML, the next page, the rules for a status.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| turnlock_api_key::fuzzing::answer(data));

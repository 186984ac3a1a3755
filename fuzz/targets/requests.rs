//! Requests to the stand-in for Secrets Manager and Lambda.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| turnlock_local::fuzzing::requests(data));

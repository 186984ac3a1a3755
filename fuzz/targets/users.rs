//! Rows of `SHOW CREATE USER`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| turnlock_mysql::fuzzing::users(data));

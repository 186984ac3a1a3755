//! Rows of `SHOW GRANTS`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| turnlock_mysql::fuzzing::grants(data));

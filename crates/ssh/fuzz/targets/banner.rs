//! Fuzz target: see `body/banner.rs`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| sallyport_ssh_fuzz::banner::run(bytes));

//! Fuzz target: see `body/open.rs`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| sallyport_ssh_fuzz::open::run(bytes));

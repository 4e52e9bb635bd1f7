//! Fuzz target: see `body/certificate.rs`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| sallyport_ssh_fuzz::certificate::run(bytes));

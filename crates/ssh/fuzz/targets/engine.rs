//! Fuzz target: see `body/engine.rs`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| sallyport_ssh_fuzz::engine::run(bytes));

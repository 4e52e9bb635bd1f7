//! Fuzz target: see `body/relay.rs`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| sallyport_ssh_fuzz::relay::run(bytes));

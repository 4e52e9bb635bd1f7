//! Fuzz target: see `body/exchange.rs`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| sallyport_ssh_fuzz::exchange::run(bytes));

//! Fuzz target: see `body/channel.rs`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| sallyport_ssh_fuzz::channel::run(bytes));

//! Fuzz target: see `body/packet.rs`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| sallyport_ssh_fuzz::packet::run(bytes));

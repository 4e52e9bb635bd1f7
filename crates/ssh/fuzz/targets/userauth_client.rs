//! Fuzz target: see `body/userauth_client.rs`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| sallyport_ssh_fuzz::userauth_client::run(bytes));

//! Fuzz target: see `body/kexinit.rs`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| sallyport_ssh_fuzz::kexinit::run(bytes));

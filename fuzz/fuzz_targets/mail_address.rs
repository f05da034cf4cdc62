#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| aura_platform::fuzz::mail_address(input));

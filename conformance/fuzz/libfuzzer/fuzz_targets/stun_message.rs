//! `peerlab_fuzz::stun_message` under libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| peerlab_fuzz::stun_message(data));

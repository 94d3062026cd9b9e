//! `peerlab_fuzz::dtls_messages` under libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| peerlab_fuzz::dtls_messages(data));

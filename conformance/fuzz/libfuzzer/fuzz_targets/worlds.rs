//! `peerlab_fuzz::worlds` under libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| peerlab_fuzz::worlds(data));

//! `peerlab_fuzz::ice_commands` under libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| peerlab_fuzz::ice_commands(data));

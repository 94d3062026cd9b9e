//! `peerlab_fuzz::datachannel_messages` under libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| peerlab_fuzz::datachannel_messages(data));

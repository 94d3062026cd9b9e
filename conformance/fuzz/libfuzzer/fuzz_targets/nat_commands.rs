//! `peerlab_fuzz::nat_commands` under libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| peerlab_fuzz::nat_commands(data));

//! `peerlab_fuzz::nat_packets` under libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| peerlab_fuzz::nat_packets(data));

//! `peerlab_fuzz::ice_candidate` under libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| peerlab_fuzz::ice_candidate(data));

//! `peerlab_fuzz::mdns_packets` under libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| peerlab_fuzz::mdns_packets(data));

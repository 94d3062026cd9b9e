//! `peerlab_fuzz::sctp_commands` under libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| peerlab_fuzz::sctp_commands(data));

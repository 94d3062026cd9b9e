//! The package `dcsctp`, the SCTP of Chromium in Rust: an independent reading of the same specifications.
//!
//! It draws from a generator of its thread, which the adapter seeds before every call: a seed gives the
//! same bytes again.

use base::Rng;
use dcsctp::api::{
    Options, ZERO_CHECKSUM_ALTERNATE_ERROR_DETECTION_METHOD_LOWER_LAYER_DTLS as OVER_DTLS,
};

use super::sctp::{SctpConfig, SctpEndpoint};
use crate::{Cap, Subject, SubjectKind, Support};

mod endpoint;

/// The subject.
#[derive(Clone, Copy, Debug)]
pub struct Dcsctp;

impl Subject for Dcsctp {
    fn name(&self) -> &'static str {
        "dcsctp"
    }

    fn version(&self) -> String {
        dcsctp::version().to_owned()
    }

    fn about(&self) -> &'static str {
        "the package dcsctp, the SCTP of Chromium in Rust, in process"
    }

    fn is_deterministic(&self) -> bool {
        // Requests to reset streams list them in an order of the process.
        false
    }

    fn kinds(&self) -> &'static [SubjectKind] {
        &[SubjectKind::Sctp]
    }

    fn supports(&self, capability: Cap) -> Support {
        match capability {
            Cap::Ipv6
            | Cap::SctpPartialReliability
            | Cap::SctpInterleaving
            | Cap::SctpReset
            | Cap::SctpZeroChecksum
            | Cap::SctpHeartbeatInterval
            | Cap::SctpTimeouts
            | Cap::SctpStreamCounts
            | Cap::SctpReceiveWindow
            | Cap::SctpSeeded => Support::Yes,
            _ => Support::No,
        }
    }

    fn sctp_endpoint(&self, config: &SctpConfig, rng: Rng) -> Option<Box<dyn SctpEndpoint>> {
        if config.ecn || config.discovery {
            return None;
        }
        Some(Box::new(endpoint::Endpoint::new(&settings(config), config, rng)))
    }
}

fn settings(config: &SctpConfig) -> Options {
    let mut options = Options {
        local_port: config.ports.0,
        remote_port: config.ports.1,
        announced_maximum_outgoing_streams: config.streams.0,
        announced_maximum_incoming_streams: config.streams.1,
        enable_partial_reliability: config.partial_reliability,
        enable_message_interleaving: config.interleaving,
        ..Options::default()
    };
    if let Some(bytes) = config.max_packet {
        options.mtu = bytes;
    }
    if let Some(bytes) = config.receive_window.and_then(|bytes| usize::try_from(bytes).ok()) {
        options.max_receiver_window_buffer_size = bytes;
    }
    if let Some(bytes) = config.max_message {
        options.max_message_size = bytes;
    }
    if config.zero_checksum {
        options.zero_checksum_alternate_error_detection_method = OVER_DTLS;
    }
    if let Some((initial, least, most)) = config.rto {
        options.rto_initial = initial;
        options.t1_init_timeout = initial;
        options.t1_cookie_timeout = initial;
        options.t2_shutdown_timeout = initial;
        options.rto_min = least;
        options.rto_max = most;
    }
    if let Some(count) = config.max_init_retransmits {
        options.max_init_retransmits = Some(count);
    }
    if let Some(count) = config.max_retransmits {
        options.max_retransmissions = Some(count);
    }
    if let Some(interval) = config.heartbeat {
        options.heartbeat_interval = interval;
    }
    options
}

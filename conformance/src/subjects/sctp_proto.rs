//! The package `sctp-proto`, the SCTP of str0m: an independent reading of the same specifications.
//!
//! It draws tags and numbers from the operating system. Its endpoint makes an association of every INIT of
//! a peer it does not know, also while one of its own is being set up; the adapter keeps them all and
//! speaks over the one that was connected last.

use std::sync::Arc;

use base::Rng;
use sctp_proto::{EndpointConfig, TransportConfig};

use super::sctp::{SctpConfig, SctpEndpoint};
use crate::{Cap, Subject, SubjectKind, Support};

mod endpoint;

/// The subject.
#[derive(Clone, Copy, Debug)]
pub struct SctpProto;

impl Subject for SctpProto {
    fn name(&self) -> &'static str {
        "sctp-proto"
    }

    fn version(&self) -> String {
        "0.10.8".to_owned()
    }

    fn about(&self) -> &'static str {
        "the package sctp-proto, the SCTP of str0m, in process"
    }

    fn is_deterministic(&self) -> bool {
        // Tags, numbers and cookies come from the operating system.
        false
    }

    fn kinds(&self) -> &'static [SubjectKind] {
        &[SubjectKind::Sctp]
    }

    fn supports(&self, capability: Cap) -> Support {
        match capability {
            Cap::Ipv6
            | Cap::SctpPartialReliability
            | Cap::SctpReset
            | Cap::SctpSnap
            | Cap::SctpTimeouts
            | Cap::SctpStreamCounts
            | Cap::SctpReceiveWindow => Support::Yes,
            _ => Support::No,
        }
    }

    fn sctp_endpoint(&self, config: &SctpConfig, _: Rng) -> Option<Box<dyn SctpEndpoint>> {
        if config.ecn || config.discovery || config.interleaving || config.zero_checksum {
            return None;
        }
        Some(Box::new(endpoint::Endpoint::new(packets(config), settings(config), config)))
    }
}

/// The room that the common header and the header of one DATA chunk take.
const HEADERS: usize = 28;

fn packets(config: &SctpConfig) -> EndpointConfig {
    let mut endpoint = EndpointConfig::new();
    if let Some(bytes) = config.max_packet {
        let payload = u32::try_from(bytes.saturating_sub(HEADERS)).unwrap_or(u32::MAX);
        endpoint.max_payload_size(payload);
    }
    endpoint
}

fn settings(config: &SctpConfig) -> Arc<TransportConfig> {
    let mut theirs = TransportConfig::default()
        .with_local_port(config.ports.0)
        .with_remote_port(config.ports.1)
        .with_max_num_outbound_streams(config.streams.0)
        .with_max_num_inbound_streams(config.streams.1);
    if let Some(bytes) = config.receive_window {
        theirs = theirs.with_max_receive_buffer_size(bytes);
    }
    let message = config.max_message.unwrap_or(256 * 1024);
    let message = u32::try_from(message).unwrap_or(u32::MAX);
    theirs = theirs.with_max_send_message_size(message).with_max_receive_message_size(message);
    if let Some((initial, least, most)) = config.rto {
        let millis =
            |time: std::time::Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        theirs = theirs
            .with_rto_initial_ms(millis(initial))
            .with_rto_min_ms(millis(least))
            .with_rto_max_ms(millis(most));
    }
    let count = |count: u32| usize::try_from(count).ok();
    if let Some(most) = config.max_init_retransmits {
        theirs = theirs.with_max_init_retransmits(count(most));
    }
    if let Some(most) = config.max_retransmits {
        theirs = theirs.with_max_data_retransmits(count(most));
    }
    Arc::new(theirs)
}

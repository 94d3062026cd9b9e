//! The stacks `stun-proto` and `stun-types`: an independent reading of the same specifications.
//!
//! The codec, the transactions, and the checks of both credential mechanisms are theirs. A server is
//! not among what they offer; the one here is what their own example does, with their attribute checks
//! and builders. Where a decision is left to the user of their library, the adapter makes the plain one.

use base::{Instant, Rng};

use super::stun::{
    StunClient, StunClientConfig, StunCodec, StunServer, StunServerConfig, Transport,
};
use crate::{Cap, Subject, SubjectKind, Support};

mod client;
mod codec;
mod server;

/// The subject.
#[derive(Clone, Copy, Debug)]
pub struct StunProto;

impl Subject for StunProto {
    fn name(&self) -> &'static str {
        "stun-proto"
    }

    fn version(&self) -> String {
        "2.0".to_owned()
    }

    fn about(&self) -> &'static str {
        "the packages stun-proto and stun-types, in process"
    }

    fn kinds(&self) -> &'static [SubjectKind] {
        &[SubjectKind::StunServer, SubjectKind::StunClient, SubjectKind::StunCodec]
    }

    fn supports(&self, capability: Cap) -> Support {
        match capability {
            Cap::Fingerprint
            | Cap::ShortTerm
            | Cap::LongTerm
            | Cap::IntegritySha256
            | Cap::PasswordAlgorithms
            | Cap::UserHash
            | Cap::Retransmission
            | Cap::Stream
            | Cap::Ipv6 => Support::Yes,
            _ => Support::No,
        }
    }

    fn is_deterministic(&self) -> bool {
        // The nonces of its servers come from the operating system.
        false
    }

    fn stun_server(&self, config: &StunServerConfig, _rng: Rng) -> Option<Box<dyn StunServer>> {
        Some(Box::new(server::Server::new(config)))
    }

    fn stun_client(&self, config: &StunClientConfig, rng: Rng) -> Option<Box<dyn StunClient>> {
        Some(Box::new(client::Client::new(config, rng)))
    }

    fn stun_codec(&self) -> Option<Box<dyn StunCodec>> {
        Some(Box::new(codec::Codec))
    }
}

/// Their clock at our time.
fn at(now: Instant) -> stun_proto::Instant {
    stun_proto::Instant::from_nanos(i64::try_from(now.as_nanos()).unwrap_or(i64::MAX))
}

/// Our time of their clock.
fn from(at: stun_proto::Instant) -> Instant {
    Instant::from_nanos(u64::try_from(at.as_nanos()).unwrap_or(0))
}

/// Their word for a transport.
const fn transport(transport: Transport) -> stun_types::TransportType {
    match transport {
        Transport::Udp => stun_types::TransportType::Udp,
        Transport::Tcp => stun_types::TransportType::Tcp,
    }
}

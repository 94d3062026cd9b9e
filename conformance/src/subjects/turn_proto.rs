//! The stacks `turn-server-proto` and `turn-client-proto`: an independent reading of the same
//! specifications, on top of the one in `stun_proto.rs`.
//!
//! Both are machines without I/O. The adapters open the sockets they ask for, and leave every decision to
//! them.

use base::{Instant, Rng};
use turn_types::{AddressFamily, TransportType};

use super::turn::{TurnClient, TurnClientConfig, TurnServer, TurnServerConfig};
use crate::{Cap, Subject, SubjectKind, Support, subjects::stun::Transport};

mod client;
mod server;

/// The subject.
#[derive(Clone, Copy, Debug)]
pub struct TurnProto;

impl Subject for TurnProto {
    fn name(&self) -> &'static str {
        "turn-proto"
    }

    fn version(&self) -> String {
        "0.7".to_owned()
    }

    fn about(&self) -> &'static str {
        "the packages turn-server-proto and turn-client-proto, in process"
    }

    fn kinds(&self) -> &'static [SubjectKind] {
        &[SubjectKind::TurnServer, SubjectKind::TurnClient]
    }

    fn supports(&self, capability: Cap) -> Support {
        match capability {
            Cap::LongTerm
            | Cap::IntegritySha256
            | Cap::PasswordAlgorithms
            | Cap::UserHash
            | Cap::Retransmission
            | Cap::Stream
            | Cap::Ipv6
            | Cap::TurnTcp
            | Cap::TurnDual
            | Cap::TurnIcmp => Support::Yes,
            // Neither has a way to be told of the others, or an answer to them.
            _ => Support::No,
        }
    }

    fn is_deterministic(&self) -> bool {
        // Transaction ids and nonces come from the operating system.
        false
    }

    fn turn_server(&self, config: &TurnServerConfig, rng: Rng) -> Option<Box<dyn TurnServer>> {
        Some(Box::new(server::Server::new(config, rng)?))
    }

    fn turn_client(&self, config: &TurnClientConfig, _rng: Rng) -> Option<Box<dyn TurnClient>> {
        Some(Box::new(client::Client::new(config)?))
    }
}

/// Their clock at our time. Theirs must not begin at zero, from which they count backwards.
fn at(now: Instant) -> turn_types::Instant {
    turn_types::Instant::from_nanos(i64::try_from(now.as_nanos()).unwrap_or(i64::MAX))
}

/// Our time of their clock, rounded up to the moment at which they act.
fn from(at: turn_types::Instant) -> Instant {
    Instant::from_nanos(u64::try_from(at.as_nanos()).unwrap_or(0))
}

/// Their word for a transport.
const fn transport(transport: Transport) -> TransportType {
    match transport {
        Transport::Udp => TransportType::Udp,
        Transport::Tcp => TransportType::Tcp,
    }
}

/// Their word for a family.
const fn family(is_v4: bool) -> AddressFamily {
    if is_v4 { AddressFamily::IPV4 } else { AddressFamily::IPV6 }
}

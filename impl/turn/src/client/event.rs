//! What a client reports.

use std::{
    net::{IpAddr, SocketAddr, SocketAddrV4, SocketAddrV6},
    time::Duration,
};

use base::StreamEnd;
use stun::wire::{Code, Family, Icmp};

use super::ConnectionId;
use crate::Channel;

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ClientEvent {
    /// There is an allocation.
    Allocated(Allocation),
    /// There will be no allocation. The client may be told to allocate again; see
    /// [`AllocateFailure::advice`].
    Failed(AllocateFailure),
    /// The allocation is no more, and with it its permissions, channels and connections. The client may
    /// be told to allocate again.
    Lost(LostReason),
    /// The client was told to release what it has, or was about to have, and there is nothing left.
    Released,
    /// The allocation could not be refreshed this time. Unless a later attempt succeeds, perhaps with
    /// another credential, it ends.
    RefreshFailed {
        /// Why.
        reason: stun::FailReason,
        /// For how long it still holds.
        left: Duration,
    },
    /// The server sent the client on to another one: RFC 8656 §7.4.
    Redirected {
        /// Where the client goes now.
        server: SocketAddr,
        /// The name the certificate of that server must have, if it differs.
        domain: Option<String>,
    },
    /// A peer's address may send, and be sent to.
    Permitted {
        /// The address.
        peer: IpAddr,
    },
    /// The server gave no permission.
    PermissionFailed {
        /// The address.
        peer: IpAddr,
        /// Why.
        reason: stun::FailReason,
    },
    /// A channel leads to a peer; data goes through it from now on.
    ChannelBound {
        /// The peer.
        peer: SocketAddr,
        /// The channel.
        channel: Channel,
    },
    /// There is no channel to a peer. Data goes in Send indications.
    ChannelFailed {
        /// The peer.
        peer: SocketAddr,
        /// Why.
        reason: stun::FailReason,
    },
    /// A peer sent a datagram.
    Data {
        /// The relayed address it came to.
        relayed: SocketAddr,
        /// The peer.
        peer: SocketAddr,
        /// The datagram.
        payload: Vec<u8>,
    },
    /// A datagram did not reach a peer: RFC 8656 §11.6.
    Icmp {
        /// The peer; the port is 0 if the server does not know it.
        peer: SocketAddr,
        /// What the network said. Types and codes are those of the peer's address family.
        icmp: Icmp,
    },
    /// A peer wants a connection: RFC 6062 §4.4. [Accept](super::Client::accept) it within 30 s.
    ConnectionAttempt {
        /// Its name.
        connection: ConnectionId,
        /// The peer.
        peer: SocketAddr,
    },
    /// A connection to a peer is open: RFC 6062 §4.3, §4.4.
    Connected {
        /// Its name.
        connection: ConnectionId,
        /// The peer.
        peer: SocketAddr,
    },
    /// Bytes from a peer, in order.
    Received {
        /// The connection.
        connection: ConnectionId,
        /// The bytes.
        bytes: Vec<u8>,
    },
    /// A connection to a peer is over, or never came to be. The last word about it.
    Disconnected {
        /// The connection.
        connection: ConnectionId,
        /// The peer.
        peer: SocketAddr,
        /// Why.
        reason: DisconnectReason,
    },
}

/// An allocation as the server granted it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allocation {
    /// The relayed address of IPv4.
    pub relayed_v4: Option<SocketAddrV4>,
    /// The relayed address of IPv6.
    pub relayed_v6: Option<SocketAddrV6>,
    /// The client's address as the server sees it.
    pub mapped: Option<SocketAddr>,
    /// For how long it was granted; it is refreshed without being asked.
    pub lifetime: Duration,
    /// The token of the port that is held in reserve, if one was asked for.
    pub reservation: Option<u64>,
    /// The family that was asked for and not granted, and why: RFC 8656 §7.3.
    pub refused: Option<(Family, Code)>,
    /// Whether the server sets the DF bit when asked: RFC 8656 §7.4.
    pub dont_fragment: bool,
}

impl Allocation {
    /// The relayed addresses, that of IPv4 first.
    pub fn relayed(&self) -> impl Iterator<Item = SocketAddr> + use<> {
        let (v4, v6) = (self.relayed_v4.map(SocketAddr::V4), self.relayed_v6.map(SocketAddr::V6));
        v4.into_iter().chain(v6)
    }

    /// The relayed address by which `peer` is reached.
    #[must_use]
    pub fn relayed_for(&self, peer: IpAddr) -> Option<SocketAddr> {
        match peer {
            IpAddr::V4(_) => self.relayed_v4.map(SocketAddr::V4),
            IpAddr::V6(_) => self.relayed_v6.map(SocketAddr::V6),
        }
    }
}

/// Why there is no allocation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AllocateFailure {
    /// The connection to the server did not open, or broke.
    Connection(StreamEnd),
    /// The request failed; with [`stun::FailReason::Rejected`] the server said why.
    Request(stun::FailReason),
    /// Servers sent the client in a circle, or further than it goes: RFC 8489 §10.
    RedirectLoop,
    /// The answer lacks what it must have, or has addresses nobody asked for: RFC 8656 §7.3.
    BadAnswer,
}

/// What may be done about a failure: RFC 8656 §7.4.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Advice {
    /// Nothing, until somebody changed the configuration of client or server.
    GiveUp,
    /// Try another transport to the server.
    OtherTransport,
    /// Try from another local address, three in all, and then not for two minutes.
    OtherLocalAddress,
    /// Try at once without the wish for a port.
    OtherPort,
    /// Try again after this time.
    After(Duration),
}

impl AllocateFailure {
    /// What may be done about it. `wished_port` says whether the request had a wish for a port.
    #[must_use]
    pub fn advice(&self, wished_port: bool) -> Advice {
        let minute = Advice::After(Duration::from_secs(60));
        match self {
            Self::Connection(StreamEnd::Insecure) => Advice::GiveUp,
            Self::Connection(_)
            | Self::Request(
                stun::FailReason::TimedOut
                | stun::FailReason::Unreachable(_)
                | stun::FailReason::ConnectionLost,
            ) => Advice::OtherTransport,
            Self::Request(stun::FailReason::Rejected(code)) => match *code {
                Code::ALLOCATION_MISMATCH => Advice::OtherLocalAddress,
                Code::INSUFFICIENT_CAPACITY if wished_port => Advice::OtherPort,
                Code::INSUFFICIENT_CAPACITY | Code::ALLOCATION_QUOTA_REACHED => minute,
                code if code.number() >= 500 => minute,
                _ => Advice::GiveUp,
            },
            Self::Request(_) | Self::RedirectLoop | Self::BadAnswer => Advice::GiveUp,
        }
    }
}

/// Why an allocation is no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LostReason {
    /// The server does not know it any more: 437 (RFC 8656 §5).
    Unknown,
    /// The server takes the client for somebody else: 441 (RFC 8656 §5).
    WrongCredentials,
    /// It could not be refreshed before its time was over: RFC 8656 §6.
    Expired,
    /// The connection to the server is gone, and with it the allocation.
    Connection(StreamEnd),
    /// The stream from the server could not be followed: RFC 8489 §6.2.2.
    BrokenStream,
    /// Client and server do not agree about the channels any more: RFC 8656 §12.3.
    ChannelsOutOfStep,
}

/// Why a connection to a peer is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DisconnectReason {
    /// The server could not, or would not, connect; 447 says that the peer was not reached, and may be
    /// tried again after ten seconds (RFC 6062 §4.3).
    Request(stun::FailReason),
    /// The stream to the server ended, because the peer closed its side or something broke.
    Stream(StreamEnd),
    /// The attempt was not accepted in time.
    NotAccepted,
    /// More bytes came than were asked for.
    Overrun,
    /// The allocation is no more.
    Lost,
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use stun::FailReason;

    use super::*;

    #[rstest]
    #[case::bad_request(400, false, Advice::GiveUp)]
    #[case::unauthenticated(401, false, Advice::GiveUp)]
    #[case::forbidden(403, false, Advice::GiveUp)]
    #[case::mismatch(437, false, Advice::OtherLocalAddress)]
    #[case::family(440, false, Advice::GiveUp)]
    #[case::transport(442, false, Advice::GiveUp)]
    #[case::quota(486, true, Advice::After(Duration::from_secs(60)))]
    #[case::server_error(500, false, Advice::After(Duration::from_secs(60)))]
    #[case::full(508, false, Advice::After(Duration::from_secs(60)))]
    #[case::no_such_port(508, true, Advice::OtherPort)]
    fn advises_what_the_text_says(
        #[case] code: u16,
        #[case] wished_port: bool,
        #[case] advice: Advice,
    ) {
        let failure = AllocateFailure::Request(FailReason::Rejected(Code::new(code).unwrap()));
        assert_eq!(failure.advice(wished_port), advice);
    }
}

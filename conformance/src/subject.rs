//! Implementations under test.

use std::{fmt, net::SocketAddr};

use base::Rng;
use simnet::Middlebox;

use crate::{
    Cap, Support,
    subjects::datachannel::{DataChannelConfig, DataChannelEndpoint},
    subjects::dtls::{DtlsConfig, DtlsEndpoint, DtlsRole},
    subjects::ice::{IceAgent, IceCodec, IceConfig, IceRole},
    subjects::nat::NatConfig,
    subjects::sctp::{SctpConfig, SctpEndpoint},
    subjects::stun::{
        Credential, Discovery, DiscoveryConfig, StunClient, StunClientConfig, StunCodec,
        StunServer, StunServerConfig,
    },
    subjects::turn::{TurnClient, TurnClientConfig, TurnServer, TurnServerConfig},
};

/// The part an implementation plays in a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SubjectKind {
    /// Answers STUN requests.
    StunServer,
    /// Sends STUN requests.
    StunClient,
    /// Reads and writes STUN messages.
    StunCodec,
    /// Translates addresses.
    Nat,
    /// Finds out how the NATs before it behave.
    Discovery,
    /// Relays for others.
    TurnServer,
    /// Has others relay for it.
    TurnClient,
    /// Finds a path to a peer.
    IceAgent,
    /// Reads and writes candidates.
    IceCodec,
    /// Secures datagrams, as a client or a server.
    Dtls,
    /// Carries messages on streams, with one peer.
    Sctp,
    /// Opens data channels to one peer and speaks on them.
    DataChannel,
}

impl SubjectKind {
    /// Every kind.
    pub const ALL: &'static [Self] = &[
        Self::StunServer,
        Self::StunClient,
        Self::StunCodec,
        Self::Nat,
        Self::Discovery,
        Self::TurnServer,
        Self::TurnClient,
        Self::IceAgent,
        Self::IceCodec,
        Self::Dtls,
        Self::Sctp,
        Self::DataChannel,
    ];

    /// The word in reports.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::StunServer => "stun-server",
            Self::StunClient => "stun-client",
            Self::StunCodec => "stun-codec",
            Self::Nat => "nat",
            Self::Discovery => "discovery",
            Self::TurnServer => "turn-server",
            Self::TurnClient => "turn-client",
            Self::IceAgent => "ice-agent",
            Self::IceCodec => "ice-codec",
            Self::Dtls => "dtls",
            Self::Sctp => "sctp",
            Self::DataChannel => "datachannel",
        }
    }
}

impl fmt::Display for SubjectKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

/// An implementation under test, behind one door.
///
/// It offers the kinds it can play and declares what it can do. The makers below return `None` for a
/// kind the subject does not offer.
pub trait Subject: Send + Sync {
    /// The name on the command line and in reports.
    fn name(&self) -> &'static str;

    /// The version of the implementation.
    fn version(&self) -> String;

    /// One line about it, for the report.
    fn about(&self) -> &'static str {
        ""
    }

    /// Whether all its chance comes from the dice it is given, so that a seed gives the same bytes again.
    fn is_deterministic(&self) -> bool {
        true
    }

    /// The kinds it offers.
    fn kinds(&self) -> &'static [SubjectKind];

    /// What it says about a capability.
    fn supports(&self, capability: Cap) -> Support;

    /// A STUN server that listens on the addresses of `config`.
    fn stun_server(&self, config: &StunServerConfig, rng: Rng) -> Option<Box<dyn StunServer>> {
        let _ = (config, rng);
        None
    }

    /// A STUN client.
    fn stun_client(&self, config: &StunClientConfig, rng: Rng) -> Option<Box<dyn StunClient>> {
        let _ = (config, rng);
        None
    }

    /// A reader and writer of STUN messages.
    fn stun_codec(&self) -> Option<Box<dyn StunCodec>> {
        None
    }

    /// A NAT that behaves as `config` says; `None` too if it cannot be set to behave so.
    fn nat(&self, config: &NatConfig) -> Option<Box<dyn Middlebox>> {
        let _ = config;
        None
    }

    /// A client of NAT behaviour discovery (RFC 5780 §4).
    fn discovery(&self, config: &DiscoveryConfig, rng: Rng) -> Option<Box<dyn Discovery>> {
        let _ = (config, rng);
        None
    }

    /// A TURN server that serves at the addresses of `config`.
    fn turn_server(&self, config: &TurnServerConfig, rng: Rng) -> Option<Box<dyn TurnServer>> {
        let _ = (config, rng);
        None
    }

    /// An ICE agent without addresses; `None` too if it cannot be set up so.
    fn ice_agent(&self, config: &IceConfig, rng: Rng) -> Option<Box<dyn IceAgent>> {
        let _ = (config, rng);
        None
    }

    /// A TURN client.
    fn turn_client(&self, config: &TurnClientConfig, rng: Rng) -> Option<Box<dyn TurnClient>> {
        let _ = (config, rng);
        None
    }

    /// A reader and writer of candidates.
    fn ice_codec(&self) -> Option<Box<dyn IceCodec>> {
        None
    }

    /// A DTLS endpoint; `None` too if it cannot be set up so.
    fn dtls_endpoint(&self, config: &DtlsConfig, rng: Rng) -> Option<Box<dyn DtlsEndpoint>> {
        let _ = (config, rng);
        None
    }

    /// An SCTP endpoint that waits; `None` too if it cannot be set up so.
    fn sctp_endpoint(&self, config: &SctpConfig, rng: Rng) -> Option<Box<dyn SctpEndpoint>> {
        let _ = (config, rng);
        None
    }

    /// The data channels of an association that waits; `None` too if they cannot be set up so.
    fn data_channels(
        &self,
        config: &DataChannelConfig,
        rng: Rng,
    ) -> Option<Box<dyn DataChannelEndpoint>> {
        let _ = (config, rng);
        None
    }
}

/// What the adapter of `subject` gets wrong, as far as that can be seen without a case: that it has a
/// name and a version, and that it makes what it offers and nothing else.
#[must_use]
pub fn self_check(subject: &dyn Subject) -> Vec<String> {
    let mut faults = Vec::new();
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if subject.name().is_empty() || !subject.name().chars().all(plain) {
        faults.push(format!("its name `{}` is not made of a-z, 0-9 and `-`", subject.name()));
    }
    if subject.version().is_empty() {
        faults.push("it names no version".to_owned());
    }
    for kind in SubjectKind::ALL {
        let Some(makes) = makes(subject, *kind) else { continue };
        match (subject.kinds().contains(kind), makes) {
            (true, false) => faults.push(format!("it offers {kind} and makes none")),
            (false, true) => faults.push(format!("it makes a {kind} and does not offer it")),
            _ => {}
        }
    }
    faults
}

/// Whether `subject` makes something of this kind; `None` if nothing is made for it.
fn makes(subject: &dyn Subject, kind: SubjectKind) -> Option<bool> {
    let local = SocketAddr::from(([192, 0, 2, 1], 3478));
    let server = SocketAddr::from(([192, 0, 2, 2], 3478));
    let rng = Rng::from_seed([0; 32]);
    match kind {
        SubjectKind::StunServer => {
            let config = StunServerConfig { addresses: vec![local], ..StunServerConfig::default() };
            Some(subject.stun_server(&config, rng).is_some())
        }
        SubjectKind::StunClient => {
            Some(subject.stun_client(&StunClientConfig::new(local, server), rng).is_some())
        }
        SubjectKind::StunCodec => Some(subject.stun_codec().is_some()),
        SubjectKind::Discovery => {
            Some(subject.discovery(&DiscoveryConfig::new(local, server), rng).is_some())
        }
        SubjectKind::TurnServer => {
            Some(subject.turn_server(&TurnServerConfig::new(server), rng).is_some())
        }
        SubjectKind::TurnClient => {
            let credential = Credential::long_term("user", "realm", "password");
            let config = TurnClientConfig::new(local, server, credential);
            Some(subject.turn_client(&config, rng).is_some())
        }
        SubjectKind::IceAgent => {
            Some(subject.ice_agent(&IceConfig::new(IceRole::Controlling), rng).is_some())
        }
        SubjectKind::IceCodec => Some(subject.ice_codec().is_some()),
        SubjectKind::Dtls => {
            let config = DtlsConfig::new(DtlsRole::Server, local, server);
            Some(subject.dtls_endpoint(&config, rng).is_some())
        }
        SubjectKind::Sctp => {
            Some(subject.sctp_endpoint(&SctpConfig::new(local, server), rng).is_some())
        }
        SubjectKind::DataChannel => {
            let config = DataChannelConfig::new(local, server, true);
            Some(subject.data_channels(&config, rng).is_some())
        }
        SubjectKind::Nat => Some(subject.nat(&NatConfig::rfc4787_strict()).is_some()),
    }
}

//! What a subject can do, as it declares it.

use std::fmt;

/// A subject's word on a capability. Silence is not a no: a case that needs an unknown capability runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Support {
    /// Declared present.
    Yes,
    /// Declared absent.
    No,
    /// Not declared.
    Unknown,
}

macro_rules! capabilities {
    ($($(#[doc = $doc:literal])+ $name:ident = $id:literal, $need:ident;)+) => {
        /// Something a subject may or may not be able to do, and some cases need.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum Cap {
            $($(#[doc = $doc])+ $name,)+
        }

        impl Cap {
            /// Every capability.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// The name in reports, such as `stun.ipv6`.
            #[must_use]
            pub const fn id(self) -> &'static str {
                match self {
                    $(Self::$name => $id,)+
                }
            }

            /// Whether the spec demands it of every implementation of its kind, so that its absence is
            /// `missing` and not `unsupported`.
            #[must_use]
            pub const fn is_mandatory(self) -> bool {
                match self {
                    $(Self::$name => capabilities!(@ $need),)+
                }
            }
        }
    };
    (@ mandatory) => { true };
    (@ optional) => { false };
}

capabilities! {
    /// FINGERPRINT in what it sends and a check of it in what it receives (RFC 8489 §7).
    Fingerprint = "stun.fingerprint", optional;
    /// The short-term credential mechanism (RFC 8489 §9.1).
    ShortTerm = "stun.short-term", optional;
    /// The long-term credential mechanism (RFC 8489 §9.2).
    LongTerm = "stun.long-term", optional;
    /// MESSAGE-INTEGRITY-SHA256 (RFC 8489 §14.6).
    IntegritySha256 = "stun.integrity-sha256", optional;
    /// PASSWORD-ALGORITHM and PASSWORD-ALGORITHMS with the nonce cookie (RFC 8489 §9.2).
    PasswordAlgorithms = "stun.password-algorithms", optional;
    /// USERHASH in place of USERNAME (RFC 8489 §9.2).
    UserHash = "stun.userhash", optional;
    /// The redirection with ALTERNATE-SERVER (RFC 8489 §10).
    AlternateServer = "stun.alternate-server", optional;
    /// Retransmission over UDP by the subject itself, not by its user (RFC 8489 §6.2.1).
    Retransmission = "stun.retransmission", mandatory;
    /// STUN over a stream transport (RFC 8489 §6.2.2).
    Stream = "stun.stream", optional;
    /// The subject accepts RFC 3489 clients, which send no magic cookie (RFC 8489 §11).
    Rfc3489 = "stun.rfc3489", optional;
    /// IPv6 transport addresses.
    Ipv6 = "stun.ipv6", mandatory;
    /// NAT behaviour discovery with a second address and port (RFC 5780 §6).
    OtherAddress = "stun.other-address", optional;
    /// RESPONSE-PORT (RFC 5780 §7.5).
    ResponsePort = "stun.response-port", optional;
    /// PADDING (RFC 5780 §7.6).
    Padding = "stun.padding", optional;
    /// TURN between client and server over TCP (RFC 8656 §3.1).
    TurnTcp = "turn.tcp", optional;
    /// Relayed TCP connections (RFC 6062).
    TurnTcpRelay = "turn.tcp-relay", optional;
    /// EVEN-PORT and the reservation of ports (RFC 8656 §7.2).
    TurnEvenPort = "turn.even-port", mandatory;
    /// Both families in one allocation (RFC 8656 §7.2).
    TurnDual = "turn.dual", optional;
    /// ICMP errors about relayed data (RFC 8656 §11.5).
    TurnIcmp = "turn.icmp", optional;
    /// Limits of allocations, permissions, channels and bandwidth (RFC 8656 §5).
    TurnQuotas = "turn.quotas", optional;
    /// The choice whom to relay to (RFC 8656 §21.2.2).
    TurnPeerPolicy = "turn.peer-policy", optional;
    /// Service for guests without credentials (RFC 8656 §7.2).
    TurnGuests = "turn.guests", optional;
    /// A cap on what a server sends to an address that has proved nothing.
    TurnChallengeCap = "turn.challenge-cap", optional;
    /// A range of ports to relay from, as the operator sets it.
    TurnPortRange = "turn.port-range", optional;
    /// Two components (RFC 8445 §13).
    IceComponents = "ice.components", optional;
    /// The lite mode (RFC 8445 §2.5).
    IceLite = "ice.lite", optional;
    /// Restarts (RFC 8445 §9).
    IceRestart = "ice.restart", optional;
    /// Relayed addresses that a layer below has.
    IceRelayed = "ice.relayed", optional;
    /// Gathering of server-reflexive candidates (RFC 8445 §5.1.1.2).
    IceGathering = "ice.gathering", optional;
    /// The agent says when it gives up (RFC 8445 §8.1.2).
    IceFailure = "ice.failure", mandatory;
    /// The peer's end of candidates can be told (RFC 8838 §14).
    IceEndOfCandidates = "ice.end-of-candidates", optional;
    /// Consent freshness (RFC 7675 §5.1).
    IceConsent = "ice.consent", optional;
    /// Keepalives by indications where consent is not asked for (RFC 8445 §11).
    IceIndications = "ice.indications", optional;
    /// Options such as ice2 are told (RFC 8445 §10).
    IceOptions = "ice.options", mandatory;
    /// Names of multicast DNS in remote candidates.
    IceNames = "ice.names", optional;
    /// Host candidates with names of multicast DNS in place of addresses.
    IceHiding = "ice.hiding", optional;
    /// Whether the tie-breaker can be set.
    IceTieBreaker = "ice.tie-breaker", optional;
    /// Username fragments of up to 256 characters from the peer (RFC 8839 §5.4).
    IceLongFragments = "ice.long-fragments", mandatory;
    /// A session can be ended.
    IceClose = "ice.close", optional;
    /// The endpoint compares the peer's certificate with a fingerprint by itself (RFC 8122 §5).
    DtlsFingerprint = "dtls.fingerprint", optional;
    /// The SRTP profiles can be set.
    DtlsSrtpChoice = "dtls.srtp-choice", optional;
    /// The groups that a ClientHello has keys for can be set.
    DtlsShareChoice = "dtls.share-choice", optional;
    /// Keying material for any label (RFC 5705 §4).
    DtlsExporter = "dtls.exporter", optional;
    /// ALPN (RFC 7301).
    DtlsAlpn = "dtls.alpn", optional;
    /// Connection ids (RFC 9146, RFC 9147 §9).
    DtlsConnectionId = "dtls.connection-id", optional;
    /// A limit of the record size (RFC 8449).
    DtlsRecordSizeLimit = "dtls.record-size-limit", optional;
    /// The key exchange with ML-KEM-768.
    DtlsHybrid = "dtls.x25519mlkem768", optional;
    /// Keys can be changed by command (RFC 9147 §8).
    DtlsKeyUpdate = "dtls.key-update", optional;
    /// The first wait before a repetition can be set.
    DtlsTimeout = "dtls.timeout", optional;
    /// The endpoint says how many peers it keeps anything about.
    DtlsPeers = "dtls.peers", optional;
    /// Partial reliability (RFC 3758).
    SctpPartialReliability = "sctp.partial-reliability", optional;
    /// The limit of repetitions and the priority as policies of it (RFC 7496 §3).
    SctpPriorityPolicy = "sctp.priority-policy", optional;
    /// Interleaving (RFC 8260).
    SctpInterleaving = "sctp.interleaving", optional;
    /// The choice of a stream scheduler (RFC 8260 §3).
    SctpSchedulers = "sctp.schedulers", optional;
    /// Outgoing streams can be reset (RFC 6525 §5.1.2).
    SctpReset = "sctp.reset", optional;
    /// Streams can be added (RFC 6525 §5.1.5).
    SctpAddStreams = "sctp.add-streams", optional;
    /// The peer can be asked to reset its streams, and the association can be reset (RFC 6525 §4).
    SctpFullReset = "sctp.full-reset", optional;
    /// Zero checksums (RFC 9653).
    SctpZeroChecksum = "sctp.zero-checksum", optional;
    /// Set-up by exchanged INIT chunks (draft-hancke-tsvwg-snap).
    SctpSnap = "sctp.snap", optional;
    /// Congestion marks (RFC 4960 §A).
    SctpEcn = "sctp.ecn", optional;
    /// The search for a larger packet size (RFC 8899).
    SctpDiscovery = "sctp.discovery", optional;
    /// The interval of heartbeats can be set.
    SctpHeartbeatInterval = "sctp.heartbeat-interval", optional;
    /// The retransmission timeout can be set (RFC 9260 §16).
    SctpTimeouts = "sctp.timeouts", optional;
    /// The numbers of streams can be set.
    SctpStreamCounts = "sctp.stream-counts", optional;
    /// The receive window can be set.
    SctpReceiveWindow = "sctp.receive-window", optional;
    /// Tags and numbers are drawn from the dice it is given, so that a verdict that hangs on them is the same
    /// again.
    SctpSeeded = "sctp.seeded", optional;
}

impl fmt::Display for Cap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.id())
    }
}

//! What is different for TCP: RFC 5382, RFC 7857 §2.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Filtering, Mapping};
use crate::units;

/// What is different for TCP: RFC 5382, RFC 7857 §2.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct TcpPolicy {
    /// When a new connection reuses a mapping, if other than for UDP (RFC 5382 §4.1).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mapping: Option<Mapping>,
    /// Who may connect to a mapping from outside, if other than for UDP (RFC 5382 §4.3).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub filtering: Option<Filtering>,
    /// Silence after which an established connection is forgotten (RFC 5382 §5).
    #[serde(with = "units::duration")]
    pub established: Duration,
    /// Silence after which a connection is forgotten that was never answered (RFC 7857 §2.1).
    #[serde(with = "units::duration")]
    pub transitory_open: Duration,
    /// Silence after which a connection is forgotten that both sides have closed (RFC 7857 §2.1).
    #[serde(with = "units::duration")]
    pub transitory_close: Duration,
    /// Silence after which a connection is forgotten that somebody has reset (RFC 7857 §2.2). Packets
    /// that come in the meantime establish it again.
    #[serde(with = "units::duration")]
    pub after_reset: Duration,
    /// What happens to a SYN that crosses one from inside (RFC 5382 §4.2).
    pub simultaneous_open: SimultaneousOpen,
    /// What happens to a SYN from outside that no mapping admits (RFC 5382 §4.3).
    pub unsolicited: UnsolicitedSyn,
    /// How long such a SYN is kept before it is answered with an ICMP error (RFC 5382 §4.3).
    #[serde(with = "units::duration")]
    pub syn_wait: Duration,
    /// What happens to segments of connections that nobody has seen begin, or whose time ran out
    /// (RFC 5382 §5).
    pub strays: Strays,
    /// Whether segments outside of the receiver's window are dropped, and resets outside of it with
    /// them (RFC 7857 §2.2).
    pub track_windows: bool,
    /// What happens to the largest segment size that a SYN offers.
    pub clamp_mss: MssClamp,
}

/// What happens to a SYN that crosses one from inside: RFC 5382 §4.2.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SimultaneousOpen {
    /// It passes.
    Pass,
    /// It is answered with a reset.
    Reset,
    /// It is dropped.
    Drop,
}

/// What happens to a SYN from outside that no mapping admits: RFC 5382 §4.3.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum UnsolicitedSyn {
    /// It vanishes.
    Drop,
    /// The sender gets a reset at once, which ruins a simultaneous open.
    Reset,
    /// The sender gets an ICMP port unreachable, after [`TcpPolicy::syn_wait`] and unless the inside
    /// has opened the same connection by then.
    Reject,
}

/// What happens to segments of unknown connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Strays {
    /// They are dropped; the connection hangs.
    Drop,
    /// They are dropped, and the sender gets a reset.
    Reset,
    /// From inside, they make a mapping as a SYN does; from outside, they are dropped. Linux does so
    /// unless told otherwise.
    Adopt,
}

/// What happens to the largest segment size that a SYN offers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MssClamp {
    /// Nothing.
    Off,
    /// It becomes at most what fits the MTU of either side.
    ToMtu,
    /// It becomes at most this many bytes.
    To(u16),
}

impl Default for TcpPolicy {
    /// What RFC 5382 and RFC 7857 §2 recommend.
    fn default() -> Self {
        let transitory = Duration::from_secs(240);
        Self {
            mapping: None,
            filtering: None,
            established: Duration::from_secs(7_440),
            transitory_open: transitory,
            transitory_close: transitory,
            after_reset: transitory,
            simultaneous_open: SimultaneousOpen::Pass,
            unsolicited: UnsolicitedSyn::Reject,
            syn_wait: Duration::from_secs(6),
            strays: Strays::Drop,
            track_windows: false,
            clamp_mss: MssClamp::Off,
        }
    }
}

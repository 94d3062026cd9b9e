//! What can be chosen about TCP on a host.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::units;

/// Most bytes that a buffer may hold.
const MAX_BUFFER: u64 = 16 * 1024 * 1024;
/// Fewest: two small segments.
const MIN_BUFFER: u64 = 1_072;

/// TCP on a host: for the connections that begin after it was set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct TcpConfig {
    /// How a sender finds its rate; Cubic otherwise, as most systems do.
    pub congestion: Congestion,
    /// Bytes that wait to be sent or acknowledged, from 1072 to 16 MiB; 512 KiB otherwise, twice what is
    /// in flight at 10 Mbit/s and 200 ms.
    #[serde(with = "units::bytes")]
    pub send_buffer: u64,
    /// Bytes that wait to be read, in the same range; 512 KiB otherwise. It bounds the window.
    #[serde(with = "units::bytes")]
    pub receive_buffer: u64,
    /// Whether small pieces wait for the acknowledgment of those before them (RFC 1122 §4.2.3.4);
    /// otherwise they do.
    pub nagle: bool,
    /// How long an acknowledgment may wait for data to go with (RFC 1122 §4.2.3.2 allows 500 ms); 10 ms
    /// otherwise, and none if zero.
    #[serde(with = "units::duration")]
    pub ack_delay: Duration,
    /// After how long without a packet the other side is asked for a sign of life, and how long the
    /// answer may take; otherwise it never is (RFC 1122 §4.2.3.6).
    #[serde(with = "units::option_duration")]
    pub keep_alive: Option<Duration>,
    /// Questions in a row that may go unanswered; 8 otherwise.
    pub keep_alive_probes: u32,
    /// How long something sent may wait for an acknowledgment while nothing is heard, before the
    /// connection ends; 15 minutes otherwise (RFC 9293 §3.8.3 asks for at least 100 seconds).
    #[serde(with = "units::duration")]
    pub user_timeout: Duration,
    /// The same while the connection is being made; 2 minutes otherwise.
    #[serde(with = "units::duration")]
    pub connect_timeout: Duration,
    /// Connections that may wait at a listener, half open ones included; 128 otherwise. SYNs beyond are
    /// dropped.
    pub backlog: u32,
    /// Connections a host may have; 4096 otherwise.
    pub connections: u32,
    /// Hop limit of its packets, at least 1; 64 otherwise.
    pub hop_limit: u8,
}

impl Default for TcpConfig {
    fn default() -> Self {
        Self {
            congestion: Congestion::Cubic,
            send_buffer: 512 * 1024,
            receive_buffer: 512 * 1024,
            nagle: true,
            ack_delay: Duration::from_millis(10),
            keep_alive: None,
            keep_alive_probes: 8,
            user_timeout: Duration::from_secs(15 * 60),
            connect_timeout: Duration::from_secs(120),
            backlog: 128,
            connections: 4_096,
            hop_limit: crate::packet::DEFAULT_HOP_LIMIT,
        }
    }
}

impl TcpConfig {
    /// The buffer of `wanted` bytes, within the bounds.
    pub(super) fn buffer(wanted: u64) -> Vec<u8> {
        let bytes = wanted.clamp(MIN_BUFFER, MAX_BUFFER);
        vec![0; usize::try_from(bytes).unwrap_or(0)]
    }
}

/// How a sender finds its rate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Congestion {
    /// RFC 5681.
    Reno,
    /// RFC 9438.
    #[default]
    Cubic,
    /// Not at all: the receiver's window alone bounds it. For experiments.
    None,
}

//! TCP segments in a few words, with numbers that count from the beginning of the connection.

use std::{collections::BTreeMap, fmt::Write as _, net::SocketAddr};

use crate::packet::{Packet, Tcp, TcpFlags};

/// Connections whose beginning is remembered; the numbers of others are shown as they are.
const MAX_CONNECTIONS: usize = 4_096;

/// Where the sequence numbers of each direction began, by source and destination as seen on a wire.
#[derive(Clone, Debug, Default)]
pub(super) struct Segments {
    initial: BTreeMap<(SocketAddr, SocketAddr), u32>,
}

impl Segments {
    /// Remembers the first number of a direction.
    pub(super) fn note(&mut self, packet: &Packet, tcp: &Tcp) {
        let key = (packet.source(), packet.destination());
        let room = self.initial.len() < MAX_CONNECTIONS || self.initial.contains_key(&key);
        if tcp.flags.contains(TcpFlags::SYN) && room {
            self.initial.insert(key, tcp.sequence);
        }
    }

    /// `TCP SYN seq=0 win=65535`.
    pub(super) fn describe(&self, packet: &Packet, tcp: &Tcp) -> String {
        let (source, destination) = (packet.source(), packet.destination());
        let first = |key| self.initial.get(&key).copied().unwrap_or(0);
        let sequence = tcp.sequence.wrapping_sub(first((source, destination)));
        let mut text = format!("TCP {} seq={sequence}", tcp.flags);
        if tcp.flags.contains(TcpFlags::ACK) {
            let acknowledgment = tcp.acknowledgment.wrapping_sub(first((destination, source)));
            let _ = write!(text, " ack={acknowledgment}");
        }
        let _ = write!(text, " win={}", tcp.window);
        if !tcp.payload.is_empty() {
            let _ = write!(text, " len={}", tcp.payload.len());
        }
        text
    }
}

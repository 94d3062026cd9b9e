//! One association as a machine with addresses: SCTP packets in UDP datagrams (RFC 6951).

use std::net::SocketAddr;

use base::{Datagram, Instant, Machine, Rng, Transmit};

use crate::{Association, Config, DropReason, Event, Features};

/// An [`Association`] with the address of its peer, and nothing but UDP below.
///
/// Datagrams of others are dropped. Every packet has a checksum, whatever the configuration says: nothing
/// else protects it here. Errors that the network reports are not acted on, since they cannot show the
/// verification tag that RFC 9260 §10 wants to see; packets that are too long for the path are found out
/// by probes (RFC 8899), and a peer that is gone by its silence.
#[derive(Debug)]
pub struct Endpoint {
    association: Association,
    local: Option<SocketAddr>,
    remote: SocketAddr,
}

impl Endpoint {
    /// An end that talks to `remote`, and waits for it or for [`Association::connect`].
    #[must_use]
    pub fn new(config: Config, remote: SocketAddr, rng: Rng, now: Instant) -> Self {
        let features = Features { zero_checksum: false, ..config.features };
        let association = Association::new(Config { features, ..config }, rng, now);
        Self { association, local: None, remote }
    }

    /// The association, for its commands. What they have to send is polled here.
    pub const fn association(&mut self) -> &mut Association {
        &mut self.association
    }

    /// The association, to be asked.
    #[must_use]
    pub const fn state(&self) -> &Association {
        &self.association
    }

    /// Where the peer is.
    #[must_use]
    pub const fn remote(&self) -> SocketAddr {
        self.remote
    }
}

impl Machine for Endpoint {
    type Event = Event;

    fn handle_datagram(&mut self, now: Instant, datagram: Datagram<'_>) {
        if datagram.source != self.remote {
            self.association.drop_for(DropReason::UnknownPeer);
            return;
        }
        self.local = self.local.or(Some(datagram.destination));
        self.association.handle_packet(now, datagram.payload, datagram.ecn);
    }

    fn handle_timeout(&mut self, now: Instant) {
        self.association.handle_timeout(now);
    }

    fn poll_transmit(&mut self, now: Instant, buffer: &mut Vec<u8>) -> Option<Transmit> {
        let outgoing = self.association.poll_packet(now, buffer)?;
        let transmit = Transmit::new(self.remote, outgoing.size);
        Some(Transmit { source: self.local, ecn: outgoing.ecn, ..transmit })
    }

    /// What happened, then the messages that came; an end after all messages.
    fn poll_event(&mut self) -> Option<Event> {
        if !self.association.tells_of_its_end()
            && let Some(event) = self.association.poll_event()
        {
            return Some(event);
        }
        let message = self.association.poll_message().map(Event::Message);
        message.or_else(|| self.association.poll_event())
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.association.poll_timeout()
    }
}

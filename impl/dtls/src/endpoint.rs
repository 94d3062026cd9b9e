//! One association as a machine with addresses.

use std::net::SocketAddr;

use base::{Datagram, Instant, Machine, Transmit};

use crate::{Association, DropReason, Event, SendError, Session};

/// An [`Association`] with the address of its peer.
///
/// Datagrams of others are dropped, unless connection ids were agreed on: then the peer may change its
/// address once it is [`Event::Connected`], and the newest record that it alone can have sent says which it
/// is (RFC 9146 §6). All that is sent follows it there at once, and [`Event::PeerMoved`] tells of it. Who
/// brings the peer's records from an address of a third has what is sent go to that third: whether it is
/// tested first that the peer can be reached there is for the layer above to decide.
#[derive(Debug)]
pub struct Endpoint {
    association: Association,
    local: Option<SocketAddr>,
    remote: SocketAddr,
    /// Where the peer was when that was last told, if it has moved since.
    moved_from: Option<SocketAddr>,
}

impl Endpoint {
    /// Has `association` talk to `remote`.
    #[must_use]
    pub const fn new(association: Association, remote: SocketAddr) -> Self {
        Self { association, local: None, remote, moved_from: None }
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

    /// What was agreed on so far.
    pub(crate) const fn session(&self) -> &Session {
        self.association.session()
    }

    /// Whether the association has ended.
    #[must_use]
    pub const fn is_closed(&self) -> bool {
        self.association.is_closed()
    }

    /// Where the peer is.
    #[must_use]
    pub const fn remote(&self) -> SocketAddr {
        self.remote
    }

    /// Seals `data` into one datagram, appended to `buffer`, and says where it goes.
    ///
    /// # Errors
    ///
    /// As [`Association::send`].
    pub fn send(
        &mut self,
        now: Instant,
        data: &[u8],
        buffer: &mut Vec<u8>,
    ) -> Result<Transmit, SendError> {
        let size = self.association.send(now, data, buffer)?;
        Ok(self.transmit(size))
    }

    /// The peer has shown that it is at `remote` now.
    fn follow(&mut self, remote: SocketAddr) {
        let told = *self.moved_from.get_or_insert(self.remote);
        self.moved_from = Some(told).filter(|told| *told != remote);
        self.remote = remote;
    }

    fn transmit(&self, size: usize) -> Transmit {
        let transmit = Transmit::new(self.remote, size);
        match self.local {
            Some(local) => transmit.from(local),
            None => transmit,
        }
    }
}

impl Machine for Endpoint {
    type Event = Event;

    fn handle_datagram(&mut self, now: Instant, datagram: Datagram<'_>) {
        if datagram.source == self.remote {
            self.association.receive(now, datagram.payload);
            // Anybody can put the peer's address on a datagram.
            if self.local.is_none() || self.association.saw_newest() {
                self.local = Some(datagram.destination);
            }
            return;
        }
        if self.association.session().own_connection_id().is_empty() {
            self.association.drop_for(DropReason::UnknownPeer);
            return;
        }
        // During the handshake, it is not certain yet who the peer is. After it, every record that can be the
        // newest bears our connection id.
        let may_move = self.association.is_connected();
        if self.association.receive_elsewhere(now, datagram.payload) && may_move {
            self.follow(datagram.source);
            self.local = Some(datagram.destination);
        }
    }

    fn handle_timeout(&mut self, now: Instant) {
        self.association.handle_timeout(now);
    }

    fn poll_transmit(&mut self, now: Instant, buffer: &mut Vec<u8>) -> Option<Transmit> {
        let size = self.association.poll_packet(now, buffer)?;
        Some(self.transmit(size))
    }

    /// What happened, then where the peer is, then the data that came; the end is last.
    fn poll_event(&mut self) -> Option<Event> {
        if !self.association.tells_of_its_end() {
            let event = self.association.poll_event();
            if event.is_some() {
                return event;
            }
        }
        if let Some(from) = self.moved_from.take() {
            return Some(Event::PeerMoved { from, to: self.remote });
        }
        let data = self.association.poll_data().map(|data| Event::Data(data.to_vec()));
        data.or_else(|| self.association.poll_event())
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.association.poll_timeout()
    }
}

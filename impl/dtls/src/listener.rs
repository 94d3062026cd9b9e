//! Many peers behind one address.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

use base::{Datagram, Instant, Machine, Rng, Transmit};

use crate::{
    Association, Config, DropReason, Drops, Endpoint, Event, SendError,
    cookie::Cookies,
    gate::{self, Verdict},
    wire::ContentType,
};

/// Most answers that wait to be sent. They are polled after every datagram; more never wait in a driver
/// that does so.
const MAX_ANSWERS: usize = 64;

/// The default of [`Listener::set_capacity`]: associations of 48 KiB, some 200 MiB in all.
pub const DEFAULT_CAPACITY: usize = 4_096;

/// Names a peer of a [`Listener`]. Never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PeerId(u64);

/// A server for many peers behind one address.
///
/// With [`Config::cookies`], nothing at all is kept of a client before it has shown that it can read what
/// is sent to where it says it is: a ClientHello is answered with a cookie and forgotten.
///
/// Of a ClientHello in several fragments, the first alone is answered, if it tells the version. The one that
/// follows has to show the cookie in its first fragment; the rest of it is put together then. In version
/// 1.3, such a client is asked for no other key share than it offered, and refused with handshake_failure
/// if none of those will do, since it may be asked but once (RFC 8446 §4.1.4).
///
/// A client that begins anew from the address of an association, after a restart say, is let in when it
/// shows a cookie, which it is asked for whatever [`Config::cookies`] says; until then the association
/// lives on (RFC 9147 §5.11). With connection ids, peers are known by them when their address changes
/// (RFC 9146 §6): [`Event::PeerMoved`] tells where they are then, and what is sent follows them, as with
/// an [`Endpoint`].
pub struct Listener {
    config: Arc<Config>,
    rng: Rng,
    cookies: Cookies,
    capacity: usize,
    next: u64,
    peers: BTreeMap<PeerId, Endpoint>,
    by_address: BTreeMap<SocketAddr, PeerId>,
    by_connection_id: BTreeMap<Vec<u8>, PeerId>,
    /// The deadline of each peer that has one.
    deadlines: BTreeSet<(Instant, PeerId)>,
    deadline_of: BTreeMap<PeerId, Instant>,
    /// Peers that may have something to send, and something to tell.
    sending: BTreeSet<PeerId>,
    telling: BTreeSet<PeerId>,
    answers: VecDeque<(Transmit, Vec<u8>)>,
    dropped: Drops,
}

impl Listener {
    /// A listener without peers.
    #[must_use]
    pub fn new(config: Arc<Config>, rng: &Rng) -> Self {
        let mut own = rng.fork("listener");
        Self {
            cookies: Cookies::new(config.provider, &mut own),
            config,
            rng: own,
            capacity: DEFAULT_CAPACITY,
            next: 0,
            peers: BTreeMap::new(),
            by_address: BTreeMap::new(),
            by_connection_id: BTreeMap::new(),
            deadlines: BTreeSet::new(),
            deadline_of: BTreeMap::new(),
            sending: BTreeSet::new(),
            telling: BTreeSet::new(),
            answers: VecDeque::new(),
            dropped: Drops::default(),
        }
    }

    /// Sets how many associations there may be at once. Default: [`DEFAULT_CAPACITY`].
    pub const fn set_capacity(&mut self, capacity: usize) {
        self.capacity = capacity;
    }

    /// How many associations there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.peers.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.peers.is_empty()
    }

    /// What was dropped because it belonged to no association. Each association counts its own.
    #[must_use]
    pub const fn dropped(&self) -> &Drops {
        &self.dropped
    }

    /// The peers there are, in the order in which they came.
    pub fn peers(&self) -> impl Iterator<Item = PeerId> + '_ {
        self.peers.keys().copied()
    }

    /// The association with `peer`, to be asked; `None` if it is gone.
    #[must_use]
    pub fn peer(&self, peer: PeerId) -> Option<&Association> {
        self.peers.get(&peer).map(Endpoint::state)
    }

    /// Where a peer is.
    #[must_use]
    pub fn remote(&self, peer: PeerId) -> Option<SocketAddr> {
        self.peers.get(&peer).map(Endpoint::remote)
    }

    /// Gives a command to the association with `peer`; `None` if it is gone.
    pub fn command<T>(
        &mut self,
        peer: PeerId,
        command: impl FnOnce(&mut Association) -> T,
    ) -> Option<T> {
        let done = command(self.peers.get_mut(&peer)?.association());
        self.told(peer);
        Some(done)
    }

    /// Seals `data` for `peer` into one datagram, appended to `buffer`, and says where it goes.
    ///
    /// # Errors
    ///
    /// As [`Association::send`]; `Closed` if the peer is gone.
    pub fn send(
        &mut self,
        now: Instant,
        peer: PeerId,
        data: &[u8],
        buffer: &mut Vec<u8>,
    ) -> Result<Transmit, SendError> {
        let endpoint = self.peers.get_mut(&peer).ok_or(SendError::Closed)?;
        let sent = endpoint.send(now, data, buffer);
        self.told(peer);
        sent
    }

    /// The peer that a datagram belongs to.
    fn find(&self, datagram: &Datagram<'_>) -> Option<PeerId> {
        let here = self.by_address.get(&datagram.source).copied();
        let Some(id) = self.id_in(datagram.payload) else { return here };
        // Short ids can be alike: who has sent from here before comes first.
        let has_id = |peer: &PeerId| {
            let endpoint = self.peers.get(peer);
            endpoint.is_some_and(|one| one.session().own_connection_ids().any(|own| own == id))
        };
        here.filter(has_id).or_else(|| self.by_connection_id.get(id).copied()).or(here)
    }

    /// The connection id of the first record.
    fn id_in<'a>(&self, payload: &'a [u8]) -> Option<&'a [u8]> {
        let length = self.config.connection_id.filter(|length| *length > 0)?;
        let first = *payload.first()?;
        let at = if first == ContentType::TLS12_CID.number() {
            LONG_ID_AT
        } else if first & 0xf0 == UNIFIED_WITH_ID {
            UNIFIED_ID_AT
        } else {
            return None;
        };
        payload.get(at..at + length)
    }

    /// Whether a datagram begins another handshake than that of the peer at its address.
    fn begins_anew(&self, peer: PeerId, payload: &[u8]) -> bool {
        let random = gate::random_of(payload);
        let known = self.peers.get(&peer).map(|peer| peer.session().client_random());
        random.is_some_and(|random| known != Some(random) && known != Some([0; 32]))
    }

    /// Takes a datagram of somebody who is no peer.
    fn take_strange(&mut self, now: Instant, datagram: Datagram<'_>) {
        let address = address_bytes(datagram.source);
        let payload = datagram.payload;
        // RFC 9147 §5.11: nobody ends an association who has not shown that the client is there.
        let is_taken = self.by_address.contains_key(&datagram.source);
        let admission = if self.config.cookies || is_taken {
            match gate::examine(&self.config, &self.cookies, now, &address, payload) {
                Verdict::Admit(admission) => Some(admission),
                Verdict::Drop(reason) => return self.dropped.add(reason),
                Verdict::Answer(bytes) => {
                    let transmit = Transmit::new(datagram.source, bytes.len());
                    if self.answers.len() < MAX_ANSWERS {
                        self.answers.push_back((transmit.from(datagram.destination), bytes));
                    }
                    return;
                }
            }
        } else if gate::is_knock(payload) {
            None
        } else {
            return self.dropped.add(DropReason::UnknownPeer);
        };
        if self.peers.len() >= self.capacity {
            return self.dropped.add(DropReason::TooManyAssociations);
        }
        let peer = PeerId(self.next);
        self.next += 1;
        let rng = self.rng.fork_numbered("peer", peer.0);
        let association = Association::admitted(self.config.clone(), rng, now, admission);
        let endpoint = Endpoint::new(association, datagram.source);
        if let Some(old) = self.by_address.insert(datagram.source, peer) {
            // RFC 9147 §5.11: the client has shown that it is there, and has forgotten the old one.
            let _ = self.command(old, Association::abandon);
        }
        self.peers.insert(peer, endpoint);
        self.deliver(now, peer, datagram);
    }

    fn deliver(&mut self, now: Instant, peer: PeerId, datagram: Datagram<'_>) {
        let Some(endpoint) = self.peers.get_mut(&peer) else { return };
        let before = endpoint.remote();
        endpoint.handle_datagram(now, datagram);
        let after = endpoint.remote();
        if before != after {
            if self.by_address.get(&before) == Some(&peer) {
                self.by_address.remove(&before);
            }
            // A peer can claim any address; what comes from another peer's is that one's all the same.
            self.by_address.entry(after).or_insert(peer);
        }
        self.told(peer);
    }

    /// Something was told to `peer`: it may have something to say, and its deadline may have changed.
    fn told(&mut self, peer: PeerId) {
        self.sending.insert(peer);
        self.telling.insert(peer);
        self.note_deadline(peer);
        let Some(endpoint) = self.peers.get(&peer) else { return };
        for id in endpoint.session().own_connection_ids() {
            if !self.by_connection_id.contains_key(id) {
                self.by_connection_id.insert(id.to_vec(), peer);
            }
        }
    }

    fn note_deadline(&mut self, peer: PeerId) {
        let deadline = self.peers.get(&peer).and_then(Endpoint::poll_timeout);
        if let Some(old) = self.deadline_of.remove(&peer) {
            self.deadlines.remove(&(old, peer));
        }
        if let Some(deadline) = deadline {
            self.deadlines.insert((deadline, peer));
            self.deadline_of.insert(peer, deadline);
        }
    }

    /// Forgets a peer whose association has ended, once it has nothing left to say.
    fn bury(&mut self, peer: PeerId) {
        let over = self.peers.get(&peer).is_some_and(Endpoint::is_closed);
        if !over || self.sending.contains(&peer) || self.telling.contains(&peer) {
            return;
        }
        self.peers.remove(&peer);
        self.note_deadline(peer);
        self.by_address.retain(|_, at| *at != peer);
        self.by_connection_id.retain(|_, named| *named != peer);
    }
}

impl Machine for Listener {
    type Event = (PeerId, Event);

    fn handle_datagram(&mut self, now: Instant, datagram: Datagram<'_>) {
        match self.find(&datagram) {
            Some(peer) if !self.begins_anew(peer, datagram.payload) => {
                self.deliver(now, peer, datagram);
            }
            _ => self.take_strange(now, datagram),
        }
    }

    fn handle_timeout(&mut self, now: Instant) {
        while let Some(&(deadline, peer)) = self.deadlines.first() {
            if deadline > now {
                return;
            }
            if let Some(endpoint) = self.peers.get_mut(&peer) {
                endpoint.handle_timeout(now);
            }
            self.told(peer);
        }
    }

    fn poll_transmit(&mut self, now: Instant, buffer: &mut Vec<u8>) -> Option<Transmit> {
        if let Some((transmit, bytes)) = self.answers.pop_front() {
            buffer.extend_from_slice(&bytes);
            return Some(transmit);
        }
        while let Some(&peer) = self.sending.first() {
            let endpoint = self.peers.get_mut(&peer);
            let transmit = endpoint.and_then(|endpoint| endpoint.poll_transmit(now, buffer));
            self.note_deadline(peer);
            if transmit.is_some() {
                return transmit;
            }
            self.sending.remove(&peer);
            self.bury(peer);
        }
        None
    }

    fn poll_event(&mut self) -> Option<(PeerId, Event)> {
        while let Some(&peer) = self.telling.first() {
            if let Some(event) = self.peers.get_mut(&peer).and_then(Endpoint::poll_event) {
                return Some((peer, event));
            }
            self.telling.remove(&peer);
            self.bury(peer);
        }
        None
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.deadlines.first().map(|(deadline, _)| *deadline)
    }
}

impl std::fmt::Debug for Listener {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Listener").field("peers", &self.peers.len()).finish_non_exhaustive()
    }
}

/// An address as a cookie covers it.
fn address_bytes(address: SocketAddr) -> Vec<u8> {
    let mut bytes = match address.ip() {
        IpAddr::V4(ip) => ip.octets().to_vec(),
        IpAddr::V6(ip) => ip.octets().to_vec(),
    };
    bytes.extend_from_slice(&address.port().to_be_bytes());
    bytes
}

/// Where the connection id stands in a record of version 1.2 (RFC 9146 §4).
const LONG_ID_AT: usize = 11;

/// Where it stands in a record of version 1.3 (RFC 9147 §4).
const UNIFIED_ID_AT: usize = 1;

/// The first four bits of a record of version 1.3 with a connection id.
const UNIFIED_WITH_ID: u8 = 0x30;

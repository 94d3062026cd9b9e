//! The agent's own addresses and the candidates made of them.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use crate::{
    Address, Candidate, Foundation, Foundations, Kind, Origin, Transport,
    candidate::priority::{self, NetworkCost, Ranking},
};

/// Most local addresses of an agent, relayed ones included: two components on sixteen addresses over UDP
/// and TCP, with relays.
pub const MAX_LOCAL_ADDRESSES: usize = 96;
/// Most reflexive candidates that are kept; beyond, a NAT that maps anew each time fills the list.
pub const MAX_REFLEXIVE: usize = 96;

/// A socket of the host that an agent may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LocalSocket {
    /// The component it is for, from 1.
    pub component: u8,
    /// The address it is bound to, never a wildcard. The port of an active TCP candidate means nothing.
    pub address: SocketAddr,
    /// How it is spoken to.
    pub transport: Transport,
    /// How much its network is to be avoided.
    pub cost: NetworkCost,
}

impl LocalSocket {
    /// A UDP socket on a network like any other.
    #[must_use]
    pub const fn udp(component: u8, address: SocketAddr) -> Self {
        Self { component, address, transport: Transport::Udp, cost: NetworkCost(0) }
    }
}

/// An address at a TURN server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Relayed {
    /// The component it is for, from 1.
    pub component: u8,
    /// The relayed address.
    pub address: SocketAddr,
    /// Our address as the TURN server sees it, which is told as the related address.
    pub mapped: Option<SocketAddr>,
    /// The TURN server.
    pub server: SocketAddr,
    /// How the server is spoken to.
    pub reached_over: RelayTransport,
}

/// How a TURN server is spoken to, best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RelayTransport {
    /// Over UDP.
    Udp,
    /// Over DTLS.
    Dtls,
    /// Over TCP.
    Tcp,
    /// Over TLS.
    Tls,
}

/// Names a base within its agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct BaseId(u16);

/// An address that packets are sent from: a host or relayed candidate.
#[derive(Clone, Debug)]
pub(crate) struct Base {
    pub(crate) id: BaseId,
    pub(crate) component: u8,
    pub(crate) transport: Transport,
    /// Where it is, whatever the candidate says.
    pub(crate) address: SocketAddr,
    pub(crate) kind: Kind,
    pub(crate) priority: u32,
    pub(crate) foundation: Foundation,
    rank: u16,
    /// As the peer is told.
    pub(crate) candidate: Candidate,
}

impl Base {
    /// What PRIORITY says in checks from here: RFC 8445 §7.1.1.
    pub(crate) fn peer_reflexive_priority(&self) -> u32 {
        let kind = Kind::PeerReflexive;
        let preference = priority::type_preference(kind, self.transport);
        let local = priority::local_preference(kind, self.transport, self.rank);
        priority::priority(preference, local, u16::from(self.component))
    }
}

/// A local candidate that is not its own base.
#[derive(Clone, Debug)]
pub(crate) struct Reflexive {
    pub(crate) base: BaseId,
    pub(crate) address: SocketAddr,
    pub(crate) kind: Kind,
    pub(crate) priority: u32,
    pub(crate) candidate: Candidate,
}

/// All local candidates.
#[derive(Debug, Default)]
pub(crate) struct Locals {
    bases: Vec<Base>,
    reflexive: Vec<Reflexive>,
    ranking: Ranking,
    foundations: Foundations,
    next_id: u16,
}

impl Locals {
    pub(crate) fn bases(&self) -> &[Base] {
        &self.bases
    }

    pub(crate) fn get(&self, id: BaseId) -> Option<&Base> {
        self.bases.iter().find(|base| base.id == id)
    }

    /// The base that a datagram to `address` came to.
    pub(crate) fn at(&self, address: SocketAddr) -> Option<&Base> {
        let udp = |base: &&Base| base.transport == Transport::Udp && base.address == address;
        self.bases.iter().find(udp)
    }

    pub(crate) fn is_full(&self) -> bool {
        self.bases.len() >= MAX_LOCAL_ADDRESSES
    }

    /// Whether this socket is there. Active TCP candidates are told apart by IP address alone.
    pub(crate) fn has(&self, socket: &LocalSocket) -> bool {
        self.bases.iter().any(|base| {
            base.component == socket.component
                && base.transport == socket.transport
                && match is_active(socket.transport) {
                    true => base.address.ip() == socket.address.ip(),
                    false => base.address == socket.address,
                }
        })
    }

    /// Gives the addresses their ranks: RFC 8421 §4.
    pub(crate) fn plan(&mut self, addresses: &[(IpAddr, NetworkCost)]) {
        self.ranking.plan(addresses);
    }

    /// The candidates as they are told, in the order of their priority.
    pub(crate) fn candidates(&self) -> impl Iterator<Item = &Candidate> {
        let bases = self.bases.iter().map(|base| &base.candidate);
        bases.chain(self.reflexive.iter().map(|reflexive| &reflexive.candidate))
    }

    /// Takes a socket in as a host candidate. `name` hides its address.
    pub(crate) fn add_host(&mut self, socket: &LocalSocket, name: Option<String>) -> BaseId {
        let ip = socket.address.ip();
        let rank = self.ranking.add(ip, socket.cost);
        let origin =
            Origin { kind: Kind::Host, base: ip, server: None, tcp: socket.transport.is_tcp() };
        let foundation = self.foundations.of(origin);
        let component = u16::from(socket.component);
        let priority = self.ranking.take(Kind::Host, socket.transport, rank, 0, component);
        let port = match is_active(socket.transport) {
            true => crate::DISCARD_PORT,
            false => socket.address.port(),
        };
        let address = match name {
            Some(name) => Address::Name { name, port },
            None => Address::Ip(SocketAddr::new(ip, port)),
        };
        let candidate =
            Candidate::new(foundation, component, socket.transport, priority, address, Kind::Host);
        self.add_base(socket.component, socket.address, rank, candidate)
    }

    /// Takes a relayed address in.
    pub(crate) fn add_relayed(&mut self, relayed: &Relayed) -> BaseId {
        let origin = Origin {
            kind: Kind::Relayed,
            base: relayed.address.ip(),
            server: Some(relayed.server.ip()),
            tcp: false,
        };
        let foundation = self.foundations.of(origin);
        let component = u16::from(relayed.component);
        // Among relays, IPv6 goes first as among hosts, and then the lighter way to the server.
        let rank = if relayed.address.is_ipv6() { 0 } else { priority::SERVERS_PER_ADDRESS };
        let server = relayed.reached_over as u16;
        let priority = self.ranking.take(Kind::Relayed, Transport::Udp, rank, server, component);
        let mut candidate = Candidate::new(
            foundation,
            component,
            Transport::Udp,
            priority,
            Address::Ip(relayed.address),
            Kind::Relayed,
        );
        candidate.related = relayed.mapped;
        self.add_base(relayed.component, relayed.address, rank, candidate)
    }

    fn add_base(
        &mut self,
        component: u8,
        address: SocketAddr,
        rank: u16,
        candidate: Candidate,
    ) -> BaseId {
        let id = BaseId(self.next_id);
        self.next_id = self.next_id.wrapping_add(1);
        self.bases.push(Base {
            id,
            component,
            transport: candidate.transport,
            address,
            kind: candidate.kind,
            priority: candidate.priority,
            foundation: candidate.foundation,
            rank,
            candidate,
        });
        id
    }

    /// Takes in an address that a server saw, unless it is known (RFC 8838 §9). `server` is where the
    /// server is and which one in the order of preference.
    pub(crate) fn add_server_reflexive(
        &mut self,
        base: BaseId,
        mapped: SocketAddr,
        server: (SocketAddr, u16),
        hides_base: bool,
    ) -> Option<&Candidate> {
        let base = self.bases.iter().find(|one| one.id == base)?.clone();
        // A host candidate that shows a name hides that the address is known.
        let is_told = self.bases.iter().any(|one| {
            one.component == base.component && one.candidate.address.ip() == Some(mapped)
        });
        if is_told {
            return None;
        }
        let known =
            self.reflexive.iter().position(|one| one.base == base.id && one.address == mapped);
        if let Some(place) = known {
            if self.reflexive.get(place)?.kind == Kind::ServerReflexive {
                return None;
            }
            let former = self.reflexive.remove(place);
            self.ranking.release(former.priority);
        }
        if self.reflexive.len() >= MAX_REFLEXIVE {
            return None;
        }
        let kind = Kind::ServerReflexive;
        let origin = Origin {
            kind,
            base: base.address.ip(),
            server: Some(server.0.ip()),
            tcp: base.transport.is_tcp(),
        };
        let foundation = self.foundations.of(origin);
        let component = u16::from(base.component);
        let priority = self.ranking.take(kind, base.transport, base.rank, server.1, component);
        let address = Address::Ip(mapped);
        let mut candidate =
            Candidate::new(foundation, component, base.transport, priority, address, kind);
        candidate.related = (!hides_base).then_some(base.address);
        self.reflexive.push(Reflexive {
            base: base.id,
            address: mapped,
            kind,
            priority,
            candidate,
        });
        self.reflexive.last().map(|added| &added.candidate)
    }

    /// What `mapped` is for a check that was sent from `base` with this PRIORITY: a candidate that is
    /// known, or one that is discovered now (RFC 8445 §7.2.5.3.1). Returns its kind and priority.
    pub(crate) fn discover(
        &mut self,
        base: &Base,
        mapped: SocketAddr,
        priority: u32,
    ) -> (Kind, u32) {
        if base.address == mapped {
            return (base.kind, base.priority);
        }
        let known = |one: &&Reflexive| one.base == base.id && one.address == mapped;
        if let Some(known) = self.reflexive.iter().find(known) {
            return (known.kind, known.priority);
        }
        let kind = Kind::PeerReflexive;
        if self.reflexive.len() < MAX_REFLEXIVE {
            let origin = Origin {
                kind,
                base: base.address.ip(),
                server: None,
                tcp: base.transport.is_tcp(),
            };
            let foundation = self.foundations.of(origin);
            let component = u16::from(base.component);
            let address = Address::Ip(mapped);
            let mut candidate =
                Candidate::new(foundation, component, base.transport, priority, address, kind);
            candidate.related = Some(base.address);
            let discovered =
                Reflexive { base: base.id, address: mapped, kind, priority, candidate };
            self.reflexive.push(discovered);
        }
        (kind, priority)
    }

    /// Takes away every base at this address, and says which.
    pub(crate) fn remove(&mut self, address: SocketAddr) -> Vec<BaseId> {
        let gone: Vec<_> = self.bases.extract_if(.., |base| base.address == address).collect();
        for base in &gone {
            self.ranking.release(base.priority);
            let dependent = self.reflexive.extract_if(.., |one| one.base == base.id);
            for reflexive in dependent.collect::<Vec<_>>() {
                self.ranking.release(reflexive.priority);
            }
            let ip = base.address.ip();
            if base.kind == Kind::Host && !self.bases.iter().any(|one| one.address.ip() == ip) {
                self.ranking.forget(ip);
            }
        }
        gone.into_iter().map(|base| base.id).collect()
    }

    /// Forgets what others saw: a new generation learns anew.
    pub(crate) fn forget_reflexive(&mut self) {
        for reflexive in std::mem::take(&mut self.reflexive) {
            self.ranking.release(reflexive.priority);
        }
    }
}

pub(crate) const fn is_active(transport: Transport) -> bool {
    matches!(transport, Transport::Tcp(crate::TcpType::Active))
}

/// Whether packets can be sent from there at all.
pub(crate) fn is_host_address(address: SocketAddr) -> bool {
    let broadcast = address.ip() == IpAddr::V4(Ipv4Addr::BROADCAST);
    !(address.ip().is_unspecified() || address.ip().is_multicast() || broadcast)
}

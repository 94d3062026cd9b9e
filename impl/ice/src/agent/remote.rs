//! The candidates of the peer: those it told and those that were discovered.

use std::net::{IpAddr, SocketAddr};

use crate::{AddCandidateError, Address, Candidate, Foundation, Kind, TcpType, Transport};

/// Most peer-reflexive candidates that are kept beside those the peer told. Only who knows our password
/// makes them; a peer behind a few NATs makes a handful.
pub const MAX_PEER_REFLEXIVE: usize = 32;

/// A candidate of the peer.
#[derive(Clone, Debug)]
pub(crate) struct Remote {
    pub(crate) component: u8,
    pub(crate) transport: Transport,
    /// Where it is; `None` while its name is not resolved.
    pub(crate) address: Option<SocketAddr>,
    pub(crate) kind: Kind,
    pub(crate) priority: u32,
    pub(crate) foundation: Foundation,
    /// Whether the peer told it.
    was_told: bool,
    pub(crate) candidate: Candidate,
}

/// All candidates of the peer in one generation.
#[derive(Debug, Default)]
pub(crate) struct Remotes {
    list: Vec<Remote>,
    /// Whether the peer has no more.
    pub(crate) is_finished: bool,
    /// How many were discovered, for their foundations.
    discovered: u32,
}

impl Remotes {
    pub(crate) fn list(&self) -> &[Remote] {
        &self.list
    }

    fn position(&self, component: u8, transport: Transport, address: SocketAddr) -> Option<usize> {
        self.list.iter().position(|remote| {
            remote.component == component
                && remote.transport.is_tcp() == transport.is_tcp()
                && remote.address == Some(address)
        })
    }

    /// Takes in a candidate that the peer told, and returns what is to be paired: `None` if it is known
    /// already, or if its name must be resolved first.
    ///
    /// A discovered candidate at the same address becomes the one that was told, and keeps its pairs:
    /// RFC 8445 §7.3.1.3, RFC 8838 §11.
    pub(crate) fn add(
        &mut self,
        candidate: Candidate,
        component: u8,
        limit: usize,
    ) -> Result<Option<Remote>, AddCandidateError> {
        let address = candidate.address.ip();
        let known =
            address.and_then(|address| self.position(component, candidate.transport, address));
        if let Some(known) = known.and_then(|place| self.list.get_mut(place)) {
            if known.was_told {
                return Ok(None);
            }
            known.tell(candidate);
            return Ok(Some(known.clone()));
        }
        if self.list.iter().filter(|remote| remote.was_told).count() >= limit {
            return Err(AddCandidateError::TooMany);
        }
        let same_name = |remote: &Remote| {
            remote.component == component
                && remote.transport == candidate.transport
                && remote.candidate.address == candidate.address
        };
        if address.is_none() && self.list.iter().any(same_name) {
            return Ok(None);
        }
        let remote = Remote {
            component,
            transport: candidate.transport,
            address,
            kind: candidate.kind,
            priority: candidate.priority,
            foundation: candidate.foundation,
            was_told: true,
            candidate,
        };
        self.list.push(remote.clone());
        Ok(address.map(|_| remote))
    }

    /// The candidate at `address`, which is discovered if it is not known: RFC 8445 §7.3.1.3. `None` if
    /// there are too many already.
    pub(crate) fn discover(
        &mut self,
        component: u8,
        transport: Transport,
        address: SocketAddr,
        priority: u32,
    ) -> Option<Remote> {
        let known = self.position(component, transport, address);
        if let Some(known) = known.and_then(|place| self.list.get(place)) {
            return Some(known.clone());
        }
        if self.list.iter().filter(|remote| !remote.was_told).count() >= MAX_PEER_REFLEXIVE {
            return None;
        }
        // The peer opened the connection from a port of its own choice (RFC 6544 §7.2).
        let transport =
            if transport.is_tcp() { Transport::Tcp(TcpType::Active) } else { transport };
        let foundation = self.unused_foundation();
        let kind = Kind::PeerReflexive;
        let candidate = Candidate::new(
            foundation,
            u16::from(component),
            transport,
            priority,
            Address::Ip(address),
            kind,
        );
        let remote = Remote {
            component,
            transport,
            address: Some(address),
            kind,
            priority,
            foundation,
            was_told: false,
            candidate,
        };
        self.list.push(remote.clone());
        Some(remote)
    }

    /// RFC 8445 §7.3.1.3: different from the foundations of all other remote candidates.
    fn unused_foundation(&mut self) -> Foundation {
        loop {
            self.discovered = self.discovered.wrapping_add(1);
            let foundation = Foundation::numbered(u32::MAX - self.discovered);
            if self.list.iter().all(|remote| remote.foundation != foundation) {
                return foundation;
            }
        }
    }

    /// Whether a candidate with this name waits to be resolved.
    pub(crate) fn awaits(&self, name: &str) -> bool {
        self.list.iter().any(|remote| remote.is_named(name))
    }

    /// What a name stands for: the candidates that can be paired now. Without an address, those with the
    /// name are forgotten.
    pub(crate) fn resolve(&mut self, name: &str, ip: Option<IpAddr>) -> Vec<Remote> {
        let named: Vec<_> = self.list.extract_if(.., |remote| remote.is_named(name)).collect();
        let Some(ip) = ip else { return Vec::new() };
        let mut resolved = Vec::new();
        for mut remote in named {
            let address = SocketAddr::new(ip, remote.candidate.address.port());
            let known = self.position(remote.component, remote.transport, address);
            if let Some(known) = known.and_then(|place| self.list.get_mut(place)) {
                if !known.was_told {
                    known.tell(remote.candidate);
                    resolved.push(known.clone());
                }
                continue;
            }
            remote.address = Some(address);
            resolved.push(remote.clone());
            self.list.push(remote);
        }
        resolved
    }

    /// Whether the peer has told, or we have discovered, a candidate of this component.
    pub(crate) fn has_component(&self, component: u8) -> bool {
        self.list.iter().any(|remote| remote.component == component)
    }

    /// Keeps the candidates for which `keep` holds.
    pub(crate) fn retain(&mut self, keep: impl FnMut(&Remote) -> bool) {
        self.list.retain(keep);
    }
}

impl Remote {
    /// It was discovered, and now the peer told it.
    fn tell(&mut self, candidate: Candidate) {
        self.kind = candidate.kind;
        self.priority = candidate.priority;
        self.foundation = candidate.foundation;
        self.transport = candidate.transport;
        self.was_told = true;
        self.candidate = candidate;
    }

    fn is_named(&self, name: &str) -> bool {
        self.address.is_none()
            && self.candidate.address.name().is_some_and(|own| own.eq_ignore_ascii_case(name))
    }
}

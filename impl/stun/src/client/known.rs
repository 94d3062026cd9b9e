//! What a client remembers of servers.

use std::{
    collections::BTreeMap,
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use base::Instant;

use super::Session;
use crate::{Integrity, retransmission::RttEstimate};

/// Most servers remembered; the one used longest ago is forgotten first. A client talks to a
/// handful.
pub(crate) const MAX_KNOWN_SERVERS: usize = 64;

/// For how long a round-trip estimate holds without use: RFC 8489 §6.2.1.
const RTO_LIFETIME: Duration = Duration::from_secs(600);

/// Round-trip estimates by host, credentials by address and port.
#[derive(Debug, Default)]
pub(crate) struct KnownServers {
    hosts: BTreeMap<IpAddr, Host>,
    servers: BTreeMap<SocketAddr, Server>,
}

#[derive(Debug)]
struct Host {
    used_at: Instant,
    estimate: Option<RttEstimate>,
}

#[derive(Debug)]
struct Server {
    used_at: Instant,
    session: Option<Arc<Session>>,
    integrity: Option<Integrity>,
}

impl KnownServers {
    /// The RTO to begin a transaction with `server` with; notes that one begins.
    pub(crate) fn rto(&mut self, now: Instant, server: SocketAddr, least: Duration) -> Duration {
        let host = self.host(now, server.ip());
        if now - host.used_at >= RTO_LIFETIME {
            host.estimate = None;
        }
        host.used_at = now;
        host.estimate.map_or(least, |estimate| estimate.rto().max(least))
    }

    /// Takes the round-trip time of a transaction in; `None` for one that says nothing of it, because
    /// the request was sent more than once (Karn's algorithm, RFC 8489 §6.2.1).
    pub(crate) fn completed(&mut self, now: Instant, server: SocketAddr, rtt: Option<Duration>) {
        let host = self.host(now, server.ip());
        host.used_at = now;
        let Some(rtt) = rtt else {
            return;
        };
        match &mut host.estimate {
            Some(estimate) => estimate.update(rtt),
            none => *none = Some(RttEstimate::first(rtt)),
        }
    }

    /// The long-term session with `server`.
    pub(crate) fn session(&self, server: SocketAddr) -> Option<Arc<Session>> {
        self.servers.get(&server).and_then(|server| server.session.clone())
    }

    /// Remembers the session for later requests: RFC 8489 §9.2.3.2.
    pub(crate) fn set_session(&mut self, now: Instant, server: SocketAddr, to: Arc<Session>) {
        self.server(now, server).session = Some(to);
    }

    /// Forgets what was agreed upon with a credential that is no more.
    pub(crate) fn forget_credentials(&mut self) {
        self.servers.clear();
    }

    /// The integrity the server answered with: RFC 8489 §9.1.5.
    pub(crate) fn integrity(&self, server: SocketAddr) -> Option<Integrity> {
        self.servers.get(&server).and_then(|server| server.integrity)
    }

    /// Remembers the integrity the server answered with.
    pub(crate) fn set_integrity(&mut self, now: Instant, server: SocketAddr, to: Integrity) {
        self.server(now, server).integrity = Some(to);
    }

    fn host(&mut self, now: Instant, ip: IpAddr) -> &mut Host {
        if self.hosts.len() >= MAX_KNOWN_SERVERS && !self.hosts.contains_key(&ip) {
            let oldest = self.hosts.iter().min_by_key(|(_, host)| host.used_at);
            if let Some(oldest) = oldest.map(|(ip, _)| *ip) {
                self.hosts.remove(&oldest);
            }
        }
        self.hosts.entry(ip).or_insert(Host { used_at: now, estimate: None })
    }

    fn server(&mut self, now: Instant, address: SocketAddr) -> &mut Server {
        if self.servers.len() >= MAX_KNOWN_SERVERS && !self.servers.contains_key(&address) {
            let oldest = self.servers.iter().min_by_key(|(_, server)| server.used_at);
            if let Some(oldest) = oldest.map(|(address, _)| *address) {
                self.servers.remove(&oldest);
            }
        }
        let fresh = Server { used_at: now, session: None, integrity: None };
        let server = self.servers.entry(address).or_insert(fresh);
        server.used_at = now;
        server
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEAST: Duration = Duration::from_millis(500);

    fn server(last: u8) -> SocketAddr {
        SocketAddr::from(([192, 0, 2, last], 3478))
    }

    #[test]
    fn forgets_an_estimate_after_ten_minutes_without_use() {
        let mut known = KnownServers::default();
        let second = Duration::from_secs(1);
        known.completed(Instant::ZERO, server(1), Some(second));
        let fresh = Instant::ZERO + (RTO_LIFETIME - second);
        assert_eq!(known.rto(fresh, server(1), LEAST), Duration::from_secs(3));
        let stale = fresh + RTO_LIFETIME;
        assert_eq!(known.rto(stale, server(1), LEAST), LEAST);
    }

    #[test]
    fn shares_an_estimate_among_the_ports_of_a_host() {
        let mut known = KnownServers::default();
        known.completed(Instant::ZERO, server(1), Some(Duration::from_secs(1)));
        let other_port = SocketAddr::new(server(1).ip(), 9);
        assert_eq!(known.rto(Instant::ZERO, other_port, LEAST), Duration::from_secs(3));
        assert_eq!(known.rto(Instant::ZERO, server(2), LEAST), LEAST);
    }

    #[test]
    fn remembers_a_bounded_number_of_servers() {
        let mut known = KnownServers::default();
        for last in 0..=u8::MAX {
            let now = Instant::from_nanos(u64::from(last));
            known.completed(now, server(last), Some(Duration::from_secs(1)));
            known.set_integrity(now, server(last), Integrity::Sha1);
        }
        assert_eq!((known.hosts.len(), known.servers.len()), (64, 64));
        assert_eq!(known.integrity(server(u8::MAX)), Some(Integrity::Sha1));
        assert_eq!(known.integrity(server(0)), None);
    }
}

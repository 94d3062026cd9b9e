//! What the box answers, and announces when it lost its state.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    time::Duration,
};

use base::Instant;

use super::{
    CLIENT_PORT, Config, SERVER_PORT,
    lease::{Key, Lease, Leases},
    natpmp::{self, Mapping},
    pcp::{self, Fault, Operation, PcpOption, Request, Response, ResultCode},
};
use crate::{
    middlebox::Outlet,
    nat::{ExplicitError, ExplicitRequest, Nat},
    packet::Protocol,
};

/// The group that all hosts of a segment are in (RFC 1122 §3.2.3).
const ALL_HOSTS: IpAddr = IpAddr::V4(Ipv4Addr::new(224, 0, 0, 1));
/// The time between the first two announcements; each of the next is twice as long
/// (RFC 6887 §14.1.3, RFC 6886 §3.2.1).
const FIRST_GAP: Duration = Duration::from_millis(250);
/// The most announcements in a row.
const MAX_ANNOUNCEMENTS: u8 = 10;
/// The most leases there may be.
const MAX_LEASES: usize = 65_536;

/// The port control server of a box.
pub(crate) struct Server {
    pub(super) config: Config,
    pub(super) leases: Leases,
    /// When the box had no mappings: time zero of its epoch.
    born: Option<Instant>,
    /// The external address at the last look.
    external: Option<IpAddr>,
    /// The next announcement, how long after it the next one comes, and how many are left.
    announcement: Option<(Instant, Duration, u8)>,
}

/// A request that is served, and the box that serves it.
pub(super) struct Desk<'a, 'b, 'c> {
    pub(super) nat: &'a mut Nat,
    pub(super) out: &'a mut Outlet<'b>,
    pub(super) request: &'c Request,
    /// The host it concerns.
    pub(super) host: IpAddr,
}

/// What became of a request: the life of the answer, and what it says.
pub(super) type Served = Result<(Duration, Operation, Vec<PcpOption>), (ResultCode, Duration)>;

impl Server {
    pub(crate) fn new(config: Config) -> Self {
        Self { config, leases: Leases::default(), born: None, external: None, announcement: None }
    }

    /// The box has lost its mappings.
    pub(crate) fn reset(&mut self) {
        self.leases = Leases::default();
        self.born = None;
    }

    /// Answers a datagram from a host.
    ///
    /// # Errors
    ///
    /// Why it deserves no answer.
    pub(crate) fn handle(
        &mut self,
        source: SocketAddr,
        payload: &[u8],
        nat: &mut Nat,
        out: &mut Outlet<'_>,
    ) -> Result<Vec<u8>, &'static str> {
        self.leases.expire(out.now());
        let pmp = payload.first() == Some(&natpmp::VERSION);
        if self.config.nat_pmp && (pmp || !self.config.pcp) {
            return self.serve_pmp(source, payload, nat, out);
        }
        if !self.config.pcp {
            return Err("neither PCP nor NAT-PMP is spoken here");
        }
        self.serve_pcp(source, payload, nat, out)
    }

    /// Whether the filters of a mapping let a remote endpoint in: RFC 6887 §13.3.
    pub(crate) fn admits(
        &self,
        now: Instant,
        protocol: Protocol,
        external: SocketAddr,
        remote: SocketAddr,
    ) -> bool {
        self.leases.admit(now, protocol, external, remote)
    }

    /// What is to be announced to all hosts now: payloads, and where they go.
    pub(crate) fn announce(
        &mut self,
        external: Option<IpAddr>,
        now: Instant,
    ) -> Option<(SocketAddr, Vec<Vec<u8>>)> {
        if self.born.is_some() && self.external != external {
            // RFC 6887 §8.5: another address is as good as another life.
            self.reset();
        }
        self.external = external;
        if self.born.is_none() {
            self.born = Some(now);
            let count = self.config.announcements.min(MAX_ANNOUNCEMENTS);
            self.announcement = (count > 0).then_some((now, FIRST_GAP, count));
        }
        let (at, gap, left) = self.announcement.filter(|(at, ..)| *at <= now)?;
        self.announcement = (left > 1).then_some((at + gap, gap * 2, left - 1));
        let epoch = self.epoch(now);
        let mut messages = Vec::new();
        if self.config.pcp {
            let announcement = Response {
                opcode: Operation::Announce.opcode(),
                result: ResultCode::SUCCESS,
                lifetime: 0,
                epoch,
                operation: Some(Operation::Announce),
                options: Vec::new(),
            };
            messages.push(announcement.to_bytes());
        }
        if self.config.nat_pmp {
            messages.push(self.address(now).to_bytes());
        }
        Some((SocketAddr::new(ALL_HOSTS, CLIENT_PORT), messages))
    }

    /// When [`Server::announce`] has something to say.
    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        self.announcement.map(|(at, ..)| at)
    }

    fn epoch(&self, now: Instant) -> u32 {
        let age = now.saturating_duration_since(self.born.unwrap_or(now));
        u32::try_from(age.as_secs()).unwrap_or(u32::MAX)
    }

    fn serve_pcp(
        &mut self,
        source: SocketAddr,
        payload: &[u8],
        nat: &mut Nat,
        out: &mut Outlet<'_>,
    ) -> Result<Vec<u8>, &'static str> {
        let epoch = self.epoch(out.now());
        let request = match Request::parse(payload) {
            Ok(request) => request,
            Err(Fault::Silence(why)) => return Err(why),
            Err(Fault::Answer(code)) => return Ok(Response::refusal(payload, code, epoch)),
        };
        let host = match self.concerned(source.ip(), &request) {
            Ok(host) => host,
            Err(code) => return Ok(Response::refusal(payload, code, epoch)),
        };
        let mut desk = Desk { nat, out, request: &request, host };
        let served = match request.operation {
            Operation::Announce => Ok((Duration::ZERO, Operation::Announce, Vec::new())),
            Operation::Map(map) if self.config.map => self.map(&map, &mut desk),
            Operation::Peer(map, remote) if self.config.peer => self.peer(&map, remote, &mut desk),
            Operation::Map(_) | Operation::Peer(..) => {
                Err((ResultCode::UNSUPP_OPCODE, life(ResultCode::UNSUPP_OPCODE)))
            }
        };
        Ok(match served {
            Ok((lifetime, operation, options)) => Response {
                opcode: operation.opcode(),
                result: ResultCode::SUCCESS,
                lifetime: seconds(lifetime),
                epoch,
                operation: Some(operation),
                options,
            }
            .to_bytes(),
            Err((code, lifetime)) => {
                let mut bytes = Response::refusal(payload, code, epoch);
                if let Some(place) = bytes.get_mut(4..8) {
                    place.copy_from_slice(&seconds(lifetime).to_be_bytes());
                }
                bytes
            }
        })
    }

    /// Which host a request concerns: RFC 6887 §8.2, §13.1.
    fn concerned(&self, source: IpAddr, request: &Request) -> Result<IpAddr, ResultCode> {
        if request.client != source {
            return Err(ResultCode::ADDRESS_MISMATCH);
        }
        if request
            .options
            .iter()
            .any(|option| option.is_mandatory() && matches!(option, PcpOption::Unknown(..)))
        {
            return Err(ResultCode::UNSUPP_OPTION);
        }
        let third = request.options.iter().filter_map(|option| match option {
            PcpOption::ThirdParty(host) => Some(*host),
            _ => None,
        });
        match third.collect::<Vec<_>>().as_slice() {
            [] => Ok(source),
            _ if !self.config.third_party => Err(ResultCode::UNSUPP_OPTION),
            [host] if *host == source => Err(ResultCode::MALFORMED_REQUEST),
            [host] if host.is_ipv4() == source.is_ipv4() => Ok(*host),
            _ => Err(ResultCode::MALFORMED_OPTION),
        }
    }

    /// Whether a host may have one more lease.
    pub(super) fn has_room(&self, host: IpAddr) -> bool {
        self.leases.len() < MAX_LEASES && self.leases.of_host(host) < self.config.mappings_per_host
    }

    fn serve_pmp(
        &mut self,
        source: SocketAddr,
        payload: &[u8],
        nat: &mut Nat,
        out: &mut Outlet<'_>,
    ) -> Result<Vec<u8>, &'static str> {
        use natpmp::{Response as Answer, ResultCode as Code};
        let epoch = self.epoch(out.now());
        if payload.first().is_some_and(|version| *version != natpmp::VERSION) {
            // RFC 6886 §3.5: whatever was asked, the answer has opcode 0.
            let result = Code::UNSUPPORTED_VERSION;
            return Ok(Answer::Other { opcode: 0, result, epoch }.to_bytes());
        }
        match natpmp::Request::parse(payload) {
            Err(_) => Err("no request of NAT-PMP: RFC 6886 §3.5"),
            Ok(Err(_)) => {
                // RFC 6886 §3.5: the request comes back with the bit of responses and the result.
                let mut bytes = payload.to_vec();
                bytes.resize(bytes.len().max(4), 0);
                if let [_, opcode, code @ ..] = bytes.as_mut_slice() {
                    *opcode |= 128;
                    if let Some(place) = code.first_chunk_mut() {
                        *place = Code::UNSUPPORTED_OPCODE.0.to_be_bytes();
                    }
                }
                Ok(bytes)
            }
            Ok(Ok(natpmp::Request::Address)) => Ok(self.address(out.now()).to_bytes()),
            Ok(Ok(natpmp::Request::Map(asked))) => {
                let granted = self.map_pmp(source.ip(), asked, nat, out);
                let (result, mapping) = match granted {
                    Ok(mapping) => (Code::SUCCESS, mapping),
                    Err(code) => (code, Mapping { external: 0, lifetime: 0, ..asked }),
                };
                Ok(Answer::Map { result, epoch, mapping }.to_bytes())
            }
        }
    }

    fn address(&self, now: Instant) -> natpmp::Response {
        let (result, ip) = match self.external {
            Some(IpAddr::V4(ip)) => (natpmp::ResultCode::SUCCESS, ip),
            _ => (natpmp::ResultCode::NETWORK_FAILURE, Ipv4Addr::UNSPECIFIED),
        };
        natpmp::Response::Address { result, epoch: self.epoch(now), ip }
    }

    /// RFC 6886 §3.3, §3.4.
    fn map_pmp(
        &mut self,
        host: IpAddr,
        asked: Mapping,
        nat: &mut Nat,
        out: &mut Outlet<'_>,
    ) -> Result<Mapping, natpmp::ResultCode> {
        use natpmp::ResultCode as Code;
        if !self.config.map || !host.is_ipv4() {
            return Err(Code::NOT_AUTHORIZED);
        }
        let (protocol, other) = match asked.tcp {
            true => (Protocol::Tcp, Protocol::Udp),
            false => (Protocol::Udp, Protocol::Tcp),
        };
        if asked.lifetime == 0 {
            return self.end_pmp(host, protocol, asked, nat, out);
        }
        if asked.internal == 0 {
            return Err(Code::NOT_AUTHORIZED);
        }
        let external = nat.external_address().ok_or(Code::NETWORK_FAILURE)?;
        let key = Key { internal: SocketAddr::new(host, asked.internal), protocol, remote: None };
        if self.leases.get(&key).is_none() && !self.has_room(host) {
            return Err(Code::OUT_OF_RESOURCES);
        }
        if self.leases.get(&key).is_some_and(|lease| lease.nonce.is_some()) {
            // Whoever asked by PCP has a nonce, which this protocol cannot show.
            return Err(Code::NOT_AUTHORIZED);
        }
        // RFC 6886 §3.3: the port of the other protocol is kept for the same host.
        let companion = self.leases.owner(other, SocketAddr::new(external, asked.external));
        let held = companion.is_some_and(|owner| owner.internal.ip() != host);
        let usable = asked.external != 0 && !held && !is_reserved(protocol, asked.external);
        let wanted = usable.then(|| SocketAddr::new(external, asked.external));
        // RFC 6886 §3.3: never more than was asked for.
        let lifetime = Duration::from_secs(asked.lifetime.into()).min(self.config.longest);
        let request = ExplicitRequest {
            protocol,
            internal: key.internal,
            external: wanted,
            exact: false,
            lifetime,
        };
        let granted = nat.map_explicit(&request, out).map_err(|error| match error {
            ExplicitError::Static => Code::NOT_AUTHORIZED,
            ExplicitError::CannotProvide | ExplicitError::Quota | ExplicitError::NoResources => {
                Code::OUT_OF_RESOURCES
            }
        })?;
        let expires = out.now() + lifetime;
        let lease = Lease { nonce: None, external: granted.external, expires, filters: Vec::new() };
        self.leases.insert(key, lease);
        Ok(Mapping { external: granted.external.port(), lifetime: seconds(lifetime), ..asked })
    }

    /// Ends one mapping of a host, or all of a protocol: RFC 6886 §3.4.
    fn end_pmp(
        &mut self,
        host: IpAddr,
        protocol: Protocol,
        asked: Mapping,
        nat: &mut Nat,
        out: &mut Outlet<'_>,
    ) -> Result<Mapping, natpmp::ResultCode> {
        let keys = if asked.internal == 0 {
            self.leases.inbound(host, protocol)
        } else {
            vec![Key { internal: SocketAddr::new(host, asked.internal), protocol, remote: None }]
        };
        let mut result = Ok(Mapping { external: 0, lifetime: 0, ..asked });
        for key in keys {
            let foreign = self.leases.get(&key).is_some_and(|lease| lease.nonce.is_some());
            if foreign || end(&key, nat, out).is_err() {
                result = Err(natpmp::ResultCode::NOT_AUTHORIZED);
            } else {
                self.leases.remove(&key);
            }
        }
        result
    }
}

/// Ends the mapping of a lease.
pub(super) fn end(key: &Key, nat: &mut Nat, out: &mut Outlet<'_>) -> Result<(), ExplicitError> {
    let request = ExplicitRequest {
        protocol: key.protocol,
        internal: key.internal,
        external: None,
        exact: false,
        lifetime: Duration::ZERO,
    };
    nat.map_explicit(&request, out).map(|_| ())
}

/// Whether no mapping may have this external port: RFC 6887 §11.3.
pub(super) const fn is_reserved(protocol: Protocol, port: u16) -> bool {
    matches!(protocol, Protocol::Udp) && matches!(port, CLIENT_PORT | SERVER_PORT)
}

/// How long an error holds.
pub(super) fn life(code: ResultCode) -> Duration {
    Duration::from_secs(code.lifetime().into())
}

/// Whole seconds, at most what a message can say.
pub(super) fn seconds(time: Duration) -> u32 {
    u32::try_from(time.as_secs()).unwrap_or(u32::MAX)
}

/// What a protocol number stands for here.
pub(super) const fn protocol(number: u8) -> Option<Protocol> {
    match number {
        super::UDP => Some(Protocol::Udp),
        super::TCP => Some(Protocol::Tcp),
        _ => None,
    }
}

/// The endpoint that a message suggests, if it suggests any.
pub(super) fn suggested(map: &pcp::Map) -> Option<SocketAddr> {
    let external = map.external;
    (external.port() != 0 || !external.ip().is_unspecified()).then_some(external)
}

//! The subject's client, and servers of the suite that it asks.

use std::{net::SocketAddr, time::Duration};

use base::{Instant, SocketErrorKind};
use simnet::{Host, IcmpError, Link, Packet, SocketId};
use wire::stun::{Attribute, Check, Message, Parsed};

use super::{Arrival, Family, MILLISECOND, SECOND, server_stage::describe, short_term_key};
use crate::{
    Cap, Ctl, Outcome, Stop, Support,
    registry::Req,
    subjects::stun::{Authentication, ClientEvent, Refusal, StunClientConfig},
    world::Seat,
};

/// The round-trip time of a stage that names none.
const RTT: Duration = Duration::from_millis(20);

/// A client of the subject's, and what is needed to answer it.
pub(in crate::cases) struct ClientStage {
    config: StunClientConfig,
    seat: Seat,
    servers: Vec<(SocketId, SocketAddr)>,
    delay: Duration,
    last_to: SocketAddr,
    told_at: Instant,
}

/// A message the client sent.
#[derive(Clone, Debug)]
pub(in crate::cases) struct Sent {
    /// When it arrived.
    pub(in crate::cases) at: Instant,
    delay: Duration,
    /// Where it came from.
    pub(in crate::cases) from: SocketAddr,
    /// Which server it went to.
    pub(in crate::cases) to: SocketAddr,
    /// What it says.
    pub(in crate::cases) message: Parsed,
}

impl Sent {
    /// When it was sent.
    pub(in crate::cases) fn sent_at(&self) -> Instant {
        Instant::ZERO + (self.at - Instant::ZERO).saturating_sub(self.delay)
    }
}

impl ClientStage {
    /// A client set up as `change` says.
    pub(in crate::cases) fn open(
        t: &mut Ctl<'_>,
        change: impl FnOnce(&mut StunClientConfig),
    ) -> Result<Self, Stop> {
        Self::with_rtt(t, RTT, change)
    }

    /// The same with this round-trip time to the servers.
    pub(in crate::cases) fn with_rtt(
        t: &mut Ctl<'_>,
        rtt: Duration,
        change: impl FnOnce(&mut StunClientConfig),
    ) -> Result<Self, Stop> {
        Self::on(t, Family::V4, rtt, change)
    }

    /// The same over either family.
    pub(in crate::cases) fn on(
        t: &mut Ctl<'_>,
        family: Family,
        rtt: Duration,
        change: impl FnOnce(&mut StunClientConfig),
    ) -> Result<Self, Stop> {
        let address = |last: u8, port| match family {
            Family::V4 => SocketAddr::from(([192, 0, 2, last], port)),
            Family::V6 => SocketAddr::from(([0x2001, 0xdb8, 0, 0, 0, 0, 0, last.into()], port)),
        };
        let (client, server, second) = (address(20, 40_000), address(10, 3478), address(11, 3478));
        let ip = |address: SocketAddr| address.ip().to_string();
        let network = t
            .network()
            .wan("net", "192.0.2.0/24 2001:db8::/64")
            .host("client", Host::on("net").address(&ip(client)))
            .host("server", Host::on("net").address(&ip(server)).address(&ip(second)))
            .link("client", "net", Link::delayed(rtt / 2));
        t.build(network)?;
        let mut config = StunClientConfig::new(client, server);
        change(&mut config);
        let mut servers = Vec::new();
        for local in [server, second] {
            servers.push((t.bind("server", local)?, local));
        }
        let seat = t.start_client("client", &config)?;
        let (delay, told_at) = (rtt / 2, t.now());
        Ok(Self { config, seat, servers, delay, last_to: server, told_at })
    }

    /// The client's address.
    pub(in crate::cases) const fn client(&self) -> SocketAddr {
        self.config.local
    }

    /// The server that the client does not ask by itself.
    pub(in crate::cases) fn second_server(&self) -> SocketAddr {
        self.servers.last().map_or(self.config.server, |(_, address)| *address)
    }

    /// Starts a Binding transaction.
    pub(in crate::cases) fn start(&self, t: &mut Ctl<'_>) -> Outcome {
        self.try_start(t)?.map_err(|refusal| Stop::Inconclusive(refusal.to_string()))
    }

    /// Starts a Binding transaction if the client has room for one.
    pub(in crate::cases) fn try_start(&self, t: &mut Ctl<'_>) -> Result<Result<(), Refusal>, Stop> {
        let outcome = t.client(self.seat, |client, now| client.start_binding(now));
        t.stimulus("the command to ask");
        match outcome {
            Err(Refusal::Unsupported) => Err(Stop::Unsupported("no Binding requests".to_owned())),
            other => Ok(other),
        }
    }

    /// Sends a Binding indication.
    pub(in crate::cases) fn indicate(&self, t: &mut Ctl<'_>) -> Outcome {
        let outcome = t.client(self.seat, |client, now| client.send_indication(now));
        t.stimulus("the command to indicate");
        match outcome {
            Ok(()) => Ok(()),
            Err(Refusal::Unsupported) => Err(Stop::Unsupported("no indications".to_owned())),
            Err(refusal) => Err(Stop::Inconclusive(refusal.to_string())),
        }
    }

    /// The next readable message of the client's, if it comes within `limit`.
    pub(in crate::cases) fn next(&mut self, t: &mut Ctl<'_>, limit: Duration) -> Option<Sent> {
        let until = t.now() + limit;
        loop {
            let arrival = self.next_raw(t, until - t.now())?;
            match Parsed::read(&arrival.payload) {
                Ok(message) => {
                    let Arrival { at, delay, source: from, destination: to, .. } = arrival;
                    self.last_to = to;
                    return Some(Sent { at, delay, from, to, message });
                }
                Err(malformed) => t.note(format_args!("unreadable: {malformed}")),
            }
        }
    }

    /// The next readable message of the client's, without which the case cannot go on.
    pub(in crate::cases) fn expect(
        &mut self,
        t: &mut Ctl<'_>,
        limit: Duration,
        what: &str,
    ) -> Result<Sent, Stop> {
        let sent = self.next(t, limit);
        t.expect(sent, what)
    }

    /// The next datagram of the client's, if it comes within `limit`.
    pub(in crate::cases) fn next_raw(&self, t: &mut Ctl<'_>, limit: Duration) -> Option<Arrival> {
        if !self.config.alternate_server {
            let (socket, _) = self.servers.first()?;
            let received = t.receive_within(*socket, limit);
            return received.map(|received| self.arrival(received));
        }
        let until = t.now() + limit;
        loop {
            for (socket, _) in &self.servers {
                if let Some(received) = t.receive(*socket) {
                    return Some(self.arrival(received));
                }
            }
            if t.now() >= until {
                return None;
            }
            t.run_for(MILLISECOND.min(until - t.now()));
        }
    }

    /// Takes everything the client has sent and nobody looked at.
    pub(in crate::cases) fn take_sent(&self, t: &mut Ctl<'_>) -> Vec<Arrival> {
        let mut sent = Vec::new();
        for (socket, _) in &self.servers {
            while let Some(received) = t.receive(*socket) {
                sent.push(self.arrival(received));
            }
        }
        sent
    }

    fn arrival(&self, received: simnet::Received) -> Arrival {
        Arrival {
            at: received.at,
            delay: self.delay,
            source: received.source,
            destination: received.destination,
            payload: received.payload.to_vec(),
        }
    }

    /// Answers from the server that was asked last, and waits until the answer is there.
    pub(in crate::cases) fn reply(&self, t: &mut Ctl<'_>, message: &Message) {
        self.reply_from(t, self.last_to, &message.encode());
    }

    /// Sends bytes to the client from one of the servers, and waits until they are there.
    pub(in crate::cases) fn reply_from(&self, t: &mut Ctl<'_>, server: SocketAddr, bytes: &[u8]) {
        let socket = self.servers.iter().find(|(_, address)| *address == server);
        if let Some((socket, _)) = socket {
            t.send_stimulus(*socket, self.config.local, bytes, describe(bytes));
            t.run_for(self.delay);
        }
    }

    /// An ICMP error about `sent` reaches the client.
    pub(in crate::cases) fn socket_error(
        &self,
        t: &mut Ctl<'_>,
        sent: &Sent,
        kind: SocketErrorKind,
    ) -> Outcome {
        let kind = match kind {
            SocketErrorKind::PortUnreachable => IcmpError::PortUnreachable,
            _ => IcmpError::HostUnreachable,
        };
        let request = Packet::udp(sent.from, sent.to, sent.message.bytes.clone());
        let error = request.icmp_error(sent.to.ip(), kind);
        let error = error.ok_or_else(|| Stop::Harness("no ICMP error to send".to_owned()))?;
        let node = t.net().node("server");
        t.net().inject(node, error);
        t.stimulus("an ICMP error");
        t.run_for(self.delay);
        Ok(())
    }

    /// The next thing the client reports, if it does within `limit`.
    pub(in crate::cases) fn event(
        &mut self,
        t: &mut Ctl<'_>,
        limit: Duration,
    ) -> Option<ClientEvent> {
        let report = t.client_event_within(self.seat, limit);
        self.told_at = report.as_ref().map_or_else(|| t.now(), |(at, _)| *at);
        report.map(|(_, event)| event)
    }

    /// When the client last reported something, or was given up on.
    pub(in crate::cases) const fn told_at(&self) -> Instant {
        self.told_at
    }

    /// Takes everything the client has reported.
    pub(in crate::cases) fn take_events(&self, t: &mut Ctl<'_>) -> Vec<ClientEvent> {
        t.client_events(self.seat)
    }

    /// Lets time pass.
    pub(in crate::cases) fn wait(&self, t: &mut Ctl<'_>, duration: Duration) {
        t.run_for(duration);
    }

    /// The success response that `sent` deserves, without protection.
    pub(in crate::cases) fn success_bare(&self, sent: &Sent) -> Message {
        Message::success(sent.message.transaction).with(Attribute::xor_mapped_address(sent.from))
    }

    /// The success response that `sent` deserves.
    pub(in crate::cases) fn success_for(&self, sent: &Sent) -> Message {
        let mut response = self.success_bare(sent);
        if let Authentication::ShortTerm(_) = self.config.authentication {
            let key = short_term_key();
            let modern = sent.message.integrity_sha256(&key) != Check::Absent;
            response = response.with(match modern {
                true => Attribute::integrity_sha256(&key),
                false => Attribute::integrity(&key),
            });
        }
        if self.config.fingerprint {
            response = response.with(Attribute::fingerprint());
        }
        response
    }

    /// Asserts that the client passes over `bytes`, goes on, and takes the good response afterwards.
    #[track_caller]
    pub(in crate::cases) fn ignores(
        &mut self,
        t: &mut Ctl<'_>,
        req: Req,
        sent: &Sent,
        bytes: &[u8],
    ) -> Outcome {
        let good = self.success_for(sent);
        self.ignores_before(t, req, bytes, &good)
    }

    /// The same with a good response of the case's own.
    #[track_caller]
    pub(in crate::cases) fn ignores_before(
        &mut self,
        t: &mut Ctl<'_>,
        req: Req,
        bytes: &[u8],
        good: &Message,
    ) -> Outcome {
        self.reply_from(t, self.last_to, bytes);
        let told = self.event(t, 100 * MILLISECOND);
        t.must(req, told.is_none(), "no reaction", format_args!("{told:?}"))?;
        if t.subject().supports(Cap::Retransmission) != Support::No {
            let again = self.next(t, 2 * SECOND);
            t.must(req, again.is_some(), "the request again", "no further request")?;
        }
        self.reply(t, good);
        let told = self.event(t, SECOND);
        let wanted = self.config.local;
        let fine = matches!(told, Some(ClientEvent::Success { mapped: Some(found), .. }) if found == wanted);
        t.must(req, fine, format_args!("success with {wanted}"), format_args!("{told:?}"))
    }
}

//! The subject's discovery client, and a server of the suite that plays the NAT as well.
//!
//! There is no NAT between the two: the server answers with the address that a NAT would have given,
//! and keeps back what a NAT would have dropped. So a case chooses what the client meets.

use std::{collections::BTreeSet, net::Ipv4Addr};

use base::Instant;
use simnet::{Host, Link, SocketId};

use super::props::{Flags, four, other_of};
use crate::{
    cases::stun::script::*,
    subjects::stun::{DiscoveryConfig, DiscoveryEvent},
    world::Seat,
};

/// One way between client and server.
const DELAY: Duration = Duration::from_millis(10);
/// How often the server looks for what has arrived, unless a case is in less of a hurry.
const TICK: Duration = Duration::from_millis(5);
/// Where the client is.
pub(super) const CLIENT: &str = "192.0.2.20:40000";
/// The NAT's address on the other side.
const EXTERNAL: [u8; 4] = [198, 51, 100, 1];

/// A client of the subject's, and what is needed to answer it.
pub(super) struct DiscoveryStage {
    seat: Seat,
    servers: Vec<(SocketId, SocketAddr)>,
    tick: Duration,
}

/// A request that reached the server.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    /// When it arrived.
    pub(super) at: Instant,
    /// Where it came from.
    pub(super) from: SocketAddr,
    /// Which of the server's addresses it came to.
    pub(super) to: SocketAddr,
    /// What it says.
    pub(super) message: Parsed,
}

impl Asked {
    /// What its CHANGE-REQUEST asks for, if it has one.
    pub(super) fn flags(&self) -> Option<Flags> {
        let value = self.message.value(attribute::CHANGE_REQUEST)?;
        let [_, _, _, bits] = value else { return None };
        Some(Flags { ip: bits & 4 != 0, port: bits & 2 != 0 })
    }

    /// The port in its RESPONSE-PORT, if it has one.
    pub(super) fn response_port(&self) -> Option<u16> {
        let value = self.message.value(attribute::RESPONSE_PORT)?;
        value.first_chunk().map(|port| u16::from_be_bytes(*port))
    }
}

/// A response of the server's.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    /// Where it comes from.
    pub(super) from: SocketAddr,
    /// Where it goes.
    pub(super) to: SocketAddr,
    /// What it says.
    pub(super) message: Message,
}

/// What was said in a whole run.
#[derive(Debug, Default)]
pub(super) struct Talk {
    /// Every request, in order.
    pub(super) asked: Vec<Asked>,
    /// Everything the client reported.
    pub(super) events: Vec<DiscoveryEvent>,
}

impl Talk {
    /// What the client found about a property.
    pub(super) fn found(&self, wanted: &str) -> Option<&str> {
        self.events.iter().find_map(|event| match event {
            DiscoveryEvent::Found { property, value } if *property == wanted => {
                Some(value.as_str())
            }
            _ => None,
        })
    }

    /// Whether the client came to an end with what it found.
    pub(super) fn is_done(&self) -> bool {
        self.events.last() == Some(&DiscoveryEvent::Done)
    }

    /// The first sending of each transaction.
    pub(super) fn transactions(&self) -> Vec<&Asked> {
        let mut seen = BTreeSet::new();
        self.asked.iter().filter(|asked| seen.insert(asked.message.transaction)).collect()
    }

    /// The events in a line.
    pub(super) fn shown(&self) -> String {
        format!("{:?}", self.events)
    }
}

impl DiscoveryStage {
    /// A client set up as `change` says, which begins at once.
    pub(super) fn open(
        t: &mut Ctl<'_>,
        change: impl FnOnce(&mut DiscoveryConfig),
    ) -> Result<Self, Stop> {
        let network = t
            .network()
            .wan("net", "192.0.2.0/24")
            .host("client", Host::on("net").address("192.0.2.20"))
            .host("server", Host::on("net").address("192.0.2.10").address("192.0.2.11"))
            .link("client", "net", Link::delayed(DELAY));
        t.build(network)?;
        let mut servers = Vec::new();
        for local in four(Family::V4).into_iter().chain([ELSEWHERE]) {
            servers.push((t.bind("server", local)?, local));
        }
        let local = CLIENT.parse().map_err(|_| Stop::Harness("no client".to_owned()))?;
        let server = servers.first().map_or(ELSEWHERE, |(_, address)| *address);
        let mut config = DiscoveryConfig::new(local, server);
        change(&mut config);
        let seat = t.start_discovery("client", &config)?;
        t.stimulus("a server to ask");
        Ok(Self { seat, servers, tick: TICK })
    }

    /// The same, looking for requests less often: for hours of virtual time.
    pub(super) const fn slowly(mut self) -> Self {
        self.tick = Duration::from_millis(100);
        self
    }

    /// Lets the client ask and `answer` answer until the client is done, at most for `limit`.
    pub(super) fn talk(
        &self,
        t: &mut Ctl<'_>,
        limit: Duration,
        mut answer: impl FnMut(&Asked) -> Vec<Answer>,
    ) -> Talk {
        let mut talk = Talk::default();
        let until = t.now() + limit;
        while t.now() < until {
            t.run_for(self.tick);
            for asked in self.arrived(t) {
                for Answer { from, to, message } in answer(&asked) {
                    if let Some((socket, _)) = self.servers.iter().find(|(_, at)| *at == from) {
                        t.send(*socket, to, &message.encode());
                    }
                }
                talk.asked.push(asked);
            }
            while let Some((_, event)) = t.discovery_event(self.seat) {
                talk.events.push(event);
            }
            let last = talk.events.last();
            if matches!(last, Some(DiscoveryEvent::Done | DiscoveryEvent::Failed { .. })) {
                break;
            }
        }
        talk
    }

    /// Every readable request that waits at the server, the oldest first.
    pub(super) fn arrived(&self, t: &mut Ctl<'_>) -> Vec<Asked> {
        let mut arrived = Vec::new();
        for (socket, to) in &self.servers {
            while let Some(received) = t.receive(*socket) {
                let Ok(message) = Parsed::read(&received.payload) else { continue };
                arrived.push(Asked { at: received.at, from: received.source, to: *to, message });
            }
        }
        arrived.sort_by_key(|asked| asked.at);
        arrived
    }
}

/// An address of the server's host where nobody should ask.
pub(super) const ELSEWHERE: SocketAddr =
    SocketAddr::new(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 11)), 9999);

/// A NAT as far as a client can tell from what comes back.
#[derive(Clone, Debug)]
pub(super) struct Pretence {
    mapping: &'static str,
    filtering: &'static str,
    contacted: BTreeSet<(SocketAddr, SocketAddr)>,
}

impl Pretence {
    /// A NAT of these behaviours: `endpoint`, `address`, `address+port`; mapping `none` is no NAT.
    pub(super) const fn new(mapping: &'static str, filtering: &'static str) -> Self {
        Self { mapping, filtering, contacted: BTreeSet::new() }
    }

    /// The NAT most people have.
    pub(super) const fn usual() -> Self {
        Self::new("endpoint", "address+port")
    }

    /// The address under which the server sees a request.
    pub(super) fn mapped(&self, asked: &Asked) -> SocketAddr {
        let second_ip = u16::from(asked.to.ip() != four_first().ip());
        let second_port = u16::from(asked.to.port() != four_first().port());
        let shift = match self.mapping {
            "none" => return asked.from,
            "address" => second_ip,
            "address+port" => 2 * second_ip + second_port,
            _ => 0,
        };
        SocketAddr::from((EXTERNAL, 20_000 + asked.from.port() % 10_000 * 4 + shift))
    }

    /// The response a good server sends, if the NAT lets it in.
    pub(super) fn answer(&mut self, asked: &Asked) -> Vec<Answer> {
        self.contacted.insert((asked.from, asked.to));
        let from = asked.flags().unwrap_or_default().source(asked.to);
        let known = |one: &(SocketAddr, SocketAddr)| match self.filtering {
            "endpoint" => true,
            "address" => one.0 == asked.from && one.1.ip() == from.ip(),
            _ => *one == (asked.from, from),
        };
        if self.contacted.iter().any(known) { vec![self.success(asked, from)] } else { vec![] }
    }

    /// The response a good server sends from `from`.
    pub(super) fn success(&self, asked: &Asked, from: SocketAddr) -> Answer {
        let mapped = self.mapped(asked);
        let mut message = Message::success(asked.message.transaction)
            .with(Attribute::mapped_address(mapped))
            .with(Attribute::xor_mapped_address(mapped))
            .with(Attribute::response_origin(from))
            .with(Attribute::other_address(other_of(asked.to)));
        if let Some(padding) = asked.message.value(attribute::PADDING) {
            message = message.with(Attribute::padding(padding.len()));
        }
        Answer { from, to: asked.from, message }
    }
}

/// An error response from where the request came to.
pub(super) fn refusal(asked: &Asked, code: u16, unknown: &[u16]) -> Answer {
    let mut message = Message::error(asked.message.transaction, code, "Refused");
    if !unknown.is_empty() {
        message = message.with(Attribute::unknown_attributes(unknown));
    }
    Answer { from: asked.to, to: asked.from, message }
}

/// The server's primary address and port.
fn four_first() -> SocketAddr {
    four(Family::V4).first().copied().unwrap_or(ELSEWHERE)
}

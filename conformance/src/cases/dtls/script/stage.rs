//! The subject's endpoint, and the suite's peer.

use std::{net::SocketAddr, time::Duration};

use base::Instant;
use simnet::{Host, Link, SocketId};
use wire::dtls::{Flight, Peer, Profile, Side, Version, summary};

use super::{DATA, LONG, MILLISECOND, SECOND, SOON, named};
use crate::{
    Ctl, Outcome, Stop,
    registry::Req,
    subjects::dtls::{DtlsConfig, DtlsEndpoint, DtlsEvent, DtlsRole},
    world::Seat,
};

/// How a stage is set up.
#[derive(Clone, Debug)]
pub(in crate::cases) struct Setup {
    /// How the endpoint is set up.
    pub(in crate::cases) config: DtlsConfig,
    /// How the suite's peer is set up.
    pub(in crate::cases) profile: Profile,
    /// Whether the endpoint is told the fingerprint of the peer's certificate.
    pub(in crate::cases) introduced: bool,
    /// The round-trip time.
    pub(in crate::cases) rtt: Duration,
}

/// An endpoint of the subject's, and what is needed to meet it.
pub(in crate::cases) struct DtlsStage {
    /// The endpoint's place.
    pub(in crate::cases) seat: Seat,
    /// The suite's peer.
    pub(in crate::cases) peer: Peer,
    /// What the endpoint has reported so far.
    pub(in crate::cases) events: Vec<(Instant, DtlsEvent)>,
    /// What the endpoint has sent so far, and when.
    pub(in crate::cases) heard: Vec<(Instant, Vec<u8>)>,
    /// The endpoint's address.
    pub(in crate::cases) subject: SocketAddr,
    socket: SocketId,
    delay: Duration,
}

impl DtlsStage {
    /// An endpoint in this role, and a peer of this version. A client's first hello is on its way.
    pub(in crate::cases) fn open(
        t: &mut Ctl<'_>,
        role: DtlsRole,
        version: Version,
    ) -> Result<Self, Stop> {
        Self::with(t, role, version, |_| {})
    }

    /// The same, set up as `change` says.
    pub(in crate::cases) fn with(
        t: &mut Ctl<'_>,
        role: DtlsRole,
        version: Version,
        change: impl FnOnce(&mut Setup),
    ) -> Result<Self, Stop> {
        let subject = SocketAddr::from(([192, 0, 2, 20], 40_000));
        let suite = SocketAddr::from(([192, 0, 2, 100], 5_000));
        let side = match role {
            DtlsRole::Client => Side::Server,
            DtlsRole::Server => Side::Client,
        };
        let seed = t.fork("suite").secret_array();
        let mut config = DtlsConfig::new(role, subject, suite);
        config.versions = (named(version), named(version));
        let profile = Profile::new(side, &[version], seed);
        let mut setup = Setup { config, profile, introduced: true, rtt: 20 * MILLISECOND };
        change(&mut setup);
        let peer = Peer::new(setup.profile);
        if setup.introduced {
            setup.config.fingerprint = Some(peer.identity.fingerprint());
        }
        let host = |address: SocketAddr| Host::on("net").address(&address.ip().to_string());
        let network = t
            .network()
            .wan("net", "192.0.2.0/24")
            .host("endpoint", host(subject))
            .host("suite", host(suite))
            .link("endpoint", "net", Link::delayed(setup.rtt / 2));
        t.build(network)?;
        let socket = t.bind("suite", suite)?;
        let seat = t.start_dtls("endpoint", &setup.config)?;
        let (events, heard, delay) = (Vec::new(), Vec::new(), setup.rtt / 2);
        Ok(Self { seat, peer, events, heard, subject, socket, delay })
    }

    /// Gives the endpoint a command.
    pub(in crate::cases) fn command<R>(
        &self,
        t: &mut Ctl<'_>,
        command: impl FnOnce(&mut dyn DtlsEndpoint, Instant) -> R,
    ) -> R {
        t.dtls(self.seat, command)
    }

    /// Sends a datagram to the endpoint.
    pub(in crate::cases) fn send(&self, t: &mut Ctl<'_>, datagram: &[u8]) {
        t.send(self.socket, self.subject, datagram);
    }

    /// Sends many datagrams, a few at a time, so that no queue on the way is too short for them.
    pub(in crate::cases) fn send_many(&self, t: &mut Ctl<'_>, datagrams: &[Vec<u8>]) {
        for some in datagrams.chunks(20) {
            for datagram in some {
                self.send(t, datagram);
            }
            t.run_for(MILLISECOND);
        }
        t.run_for(self.delay);
    }

    /// Sends a datagram that the case is about, and waits until it is there.
    pub(in crate::cases) fn send_stimulus(&self, t: &mut Ctl<'_>, datagram: &[u8], what: &str) {
        let shown = summary(datagram).unwrap_or_default();
        t.send_stimulus(self.socket, self.subject, datagram, format_args!("{what} ({shown})"));
        t.run_for(self.delay);
    }

    /// Sends a flight of the peer's.
    pub(in crate::cases) fn say(&mut self, t: &mut Ctl<'_>, flight: &Flight) {
        for datagram in self.peer.pack(flight) {
            self.send(t, &datagram);
        }
    }

    /// Sends datagrams, of which the last is a stimulus, and waits until they are there.
    pub(in crate::cases) fn say_datagrams(
        &self,
        t: &mut Ctl<'_>,
        datagrams: &[Vec<u8>],
        what: &str,
    ) {
        let Some((last, before)) = datagrams.split_last() else { return };
        for datagram in before {
            self.send(t, datagram);
        }
        self.send_stimulus(t, last, what);
    }

    /// Lets the peer begin if it is the client.
    pub(in crate::cases) fn begin(&mut self, t: &mut Ctl<'_>) {
        if self.peer.side() == Side::Client {
            let flight = self.peer.start();
            self.say(t, &flight);
        }
    }

    /// The next datagram of the endpoint's, if one comes within `limit`, told to the peer: the flights
    /// that would answer it.
    pub(in crate::cases) fn hear(
        &mut self,
        t: &mut Ctl<'_>,
        limit: Duration,
    ) -> Option<Vec<Flight>> {
        let received = t.receive_within(self.socket, limit)?;
        let at = Instant::ZERO + (received.at - Instant::ZERO).saturating_sub(self.delay);
        self.heard.push((at, received.payload.to_vec()));
        Some(self.peer.receive(&received.payload))
    }

    /// Loses the next datagram of the endpoint's, if one comes within `limit`; says whether one came.
    pub(in crate::cases) fn lose(&mut self, t: &mut Ctl<'_>, limit: Duration) -> bool {
        let Some(received) = t.receive_within(self.socket, limit) else { return false };
        let at = Instant::ZERO + (received.at - Instant::ZERO).saturating_sub(self.delay);
        self.heard.push((at, received.payload.to_vec()));
        true
    }

    /// Answers everything for `duration`.
    pub(in crate::cases) fn serve(&mut self, t: &mut Ctl<'_>, duration: Duration) {
        let until = t.now() + duration;
        while let Some(flights) = self.hear(t, until - t.now()) {
            for flight in flights {
                self.say(t, &flight);
            }
        }
    }

    /// Hears everything for `duration` and answers nothing; gives the flights that would answer it.
    pub(in crate::cases) fn listen(&mut self, t: &mut Ctl<'_>, duration: Duration) -> Vec<Flight> {
        let until = t.now() + duration;
        let mut flights = Vec::new();
        while let Some(more) = self.hear(t, until - t.now()) {
            flights.extend(more);
        }
        flights
    }

    /// Answers everything until the peer would send a flight with a message of this type, which is held
    /// back: the case may send it, changed or not.
    ///
    /// # Errors
    ///
    /// Inconclusive if it does not come to that.
    pub(in crate::cases) fn hold(&mut self, t: &mut Ctl<'_>, kind: u8) -> Result<Flight, Stop> {
        let until = t.now() + LONG;
        while let Some(flights) = self.hear(t, until - t.now()) {
            for flight in flights {
                if flight.has(kind) {
                    return Ok(flight);
                }
                self.say(t, &flight);
            }
        }
        let name = code_name(kind);
        Err(Stop::Inconclusive(format!("the suite's peer does not come to {name}")))
    }

    /// Brings the handshake to its end.
    ///
    /// # Errors
    ///
    /// Inconclusive if it does not end well.
    pub(in crate::cases) fn connect(&mut self, t: &mut Ctl<'_>) -> Outcome {
        self.begin(t);
        self.finish(t)
    }

    /// The same after the case has begun it.
    pub(in crate::cases) fn finish(&mut self, t: &mut Ctl<'_>) -> Outcome {
        let done = self.completes(t, LONG);
        let faults = self.peer.log.faults.join("; ");
        t.precondition(done, format_args!("a handshake that ends well {faults}"))
    }

    /// Answers everything until both sides are connected, at most for `limit`, and what is said after
    /// that; says whether they are.
    pub(in crate::cases) fn completes(&mut self, t: &mut Ctl<'_>, limit: Duration) -> bool {
        let until = t.now() + limit;
        while !(self.peer.is_connected() && self.is_connected(t)) && t.now() < until {
            let Some(flights) = self.hear(t, (until - t.now()).min(SOON)) else { continue };
            for flight in flights {
                self.say(t, &flight);
            }
        }
        self.serve(t, SOON);
        self.peer.is_connected() && self.is_connected(t)
    }

    /// Asserts that the endpoint ends the handshake with one of these alerts.
    pub(in crate::cases) fn refuses(
        &mut self,
        t: &mut Ctl<'_>,
        requirement: Req,
        alerts: &[u8],
    ) -> Outcome {
        self.serve(t, SECOND);
        let (fatal, connected) = (self.peer.log.fatal(), self.is_connected(t));
        let right = fatal.is_some_and(|alert| alerts.contains(&alert)) && !connected;
        let got = format!("alert {fatal:?}, connected: {connected}");
        t.must(requirement, right, format_args!("one of the alerts {alerts:?}, no connection"), got)
    }

    /// Asserts that the handshake ends well, and that data passes.
    pub(in crate::cases) fn tolerates(&mut self, t: &mut Ctl<'_>, requirement: Req) -> Outcome {
        let done = self.completes(t, LONG) && self.data_passes(t);
        let got = self.state(t);
        t.must(requirement, done, "a handshake that ends well, and data", got)
    }

    /// How things stand, in words.
    pub(in crate::cases) fn state(&mut self, t: &mut Ctl<'_>) -> String {
        let connected = self.is_connected(t);
        let log = &self.peer.log;
        format!(
            "endpoint connected: {connected}, suite connected: {}, alerts {:?}, faults {:?}, {} unread",
            self.peer.is_connected(),
            log.alerts,
            log.faults,
            log.unread.len(),
        )
    }

    /// Takes over what the endpoint has reported.
    pub(in crate::cases) fn events(&mut self, t: &mut Ctl<'_>) -> &[(Instant, DtlsEvent)] {
        self.events.extend(t.dtls_events(self.seat));
        &self.events
    }

    /// Whether the endpoint has reported that the handshake is over.
    pub(in crate::cases) fn is_connected(&mut self, t: &mut Ctl<'_>) -> bool {
        self.events(t).iter().any(|(_, event)| *event == DtlsEvent::Connected)
    }

    /// Whether the endpoint has reported that it has given up, or that its peer has.
    pub(in crate::cases) fn is_over(&mut self, t: &mut Ctl<'_>) -> bool {
        let is_end =
            |event: &DtlsEvent| matches!(event, DtlsEvent::Failed(_) | DtlsEvent::CloseNotify);
        self.events(t).iter().any(|(_, event)| is_end(event))
    }

    /// The data that the endpoint has delivered so far.
    pub(in crate::cases) fn delivered(&mut self, t: &mut Ctl<'_>) -> Vec<Vec<u8>> {
        let data = |event: &DtlsEvent| match event {
            DtlsEvent::Data(data) => Some(data.clone()),
            _ => None,
        };
        self.events(t).iter().filter_map(|(_, event)| data(event)).collect()
    }

    /// The SRTP keys that the endpoint has reported: profile, keys and salts.
    pub(in crate::cases) fn srtp_keys(&mut self, t: &mut Ctl<'_>) -> Option<(u16, Vec<u8>)> {
        let keys = |event: &DtlsEvent| match event {
            DtlsEvent::SrtpKeys { profile, keys } => Some((*profile, keys.clone())),
            _ => None,
        };
        self.events(t).iter().find_map(|(_, event)| keys(event))
    }

    /// Whether data passes in both directions.
    pub(in crate::cases) fn data_passes(&mut self, t: &mut Ctl<'_>) -> bool {
        let (before_here, before_there) = (self.peer.log.data.len(), self.delivered(t).len());
        let record = self.peer.data(DATA);
        self.send(t, &record);
        let taken = self.command(t, |endpoint, now| endpoint.send(now, DATA));
        self.serve(t, SOON);
        let there = self.delivered(t);
        let here = self.peer.log.data.iter().skip(before_here).any(|(_, data)| data == DATA);
        taken.is_ok() && here && there.iter().skip(before_there).any(|data| data == DATA)
    }
}

const fn code_name(kind: u8) -> &'static str {
    wire::dtls::code::handshake::name(kind)
}

//! The subject's endpoint, and the suite's peer.

use std::{net::SocketAddr, time::Duration};

use base::Instant;
use simnet::{Host, Link, SocketId};
use wire::sctp::{Chunk, Packet, Peer, Profile, Standing, code::chunk, summary};

use super::{DATA, LONG, MILLISECOND, SOON, needed};
use crate::{
    Ctl, Outcome, Stop,
    registry::Req,
    subjects::sctp::{SctpConfig, SctpEndpoint, SctpEvent, SctpMessage},
    world::Seat,
};

/// How a stage is set up.
#[derive(Clone, Debug)]
pub(in crate::cases) struct Setup {
    /// How the endpoint is set up.
    pub(in crate::cases) config: SctpConfig,
    /// How the suite's peer is set up.
    pub(in crate::cases) profile: Profile,
    /// The round-trip time.
    pub(in crate::cases) rtt: Duration,
}

/// An endpoint of the subject's, and what is needed to meet it.
pub(in crate::cases) struct SctpStage {
    /// The endpoint's place.
    pub(in crate::cases) seat: Seat,
    /// The suite's peer.
    pub(in crate::cases) peer: Peer,
    /// What the endpoint has reported so far.
    pub(in crate::cases) events: Vec<(Instant, SctpEvent)>,
    /// When each packet of the peer's log was sent.
    pub(in crate::cases) times: Vec<Instant>,
    /// The endpoint's address.
    pub(in crate::cases) subject: SocketAddr,
    socket: SocketId,
    delay: Duration,
}

impl SctpStage {
    /// An endpoint that waits, and a peer that has not spoken.
    pub(in crate::cases) fn open(t: &mut Ctl<'_>) -> Result<Self, Stop> {
        Self::with(t, |_| {})
    }

    /// The same, set up as `change` says.
    pub(in crate::cases) fn with(
        t: &mut Ctl<'_>,
        change: impl FnOnce(&mut Setup),
    ) -> Result<Self, Stop> {
        let subject = SocketAddr::from(([192, 0, 2, 20], 9899));
        let suite = SocketAddr::from(([192, 0, 2, 100], 9899));
        let mut dice = t.fork("suite");
        // Every other seed begins close before the wrap.
        let (tag, chance) = (dice.public_u64(), dice.public_u64());
        let [high, low] = [tag >> 32, chance & 0xffff_ffff].map(|half| half & 0xffff_ffff);
        let tag = u32::try_from(high).unwrap_or(1).max(1);
        let low = u32::try_from(low).unwrap_or(0);
        let tsn = if chance >> 63 == 0 { low } else { super::NEAR_WRAP | (low & 0xf) };
        let config = SctpConfig::new(subject, suite);
        let rtt = 20 * MILLISECOND;
        let mut setup = Setup { config, profile: Profile::new(tag, tsn), rtt };
        change(&mut setup);
        let host = |address: SocketAddr| Host::on("net").address(&address.ip().to_string());
        let network = t
            .network()
            .wan("net", "192.0.2.0/24")
            .host("endpoint", host(subject))
            .host("suite", host(suite))
            .link("endpoint", "net", Link::delayed(setup.rtt / 2));
        t.build(network)?;
        let socket = t.bind("suite", suite)?;
        let seat = t.start_sctp("endpoint", &setup.config)?;
        let peer = Peer::new(setup.profile);
        let (events, times, delay) = (Vec::new(), Vec::new(), setup.rtt / 2);
        Ok(Self { seat, peer, events, times, subject, socket, delay })
    }

    /// An association that stands; the suite began it.
    pub(in crate::cases) fn connected(t: &mut Ctl<'_>) -> Result<Self, Stop> {
        Self::connected_with(t, |_| {})
    }

    /// The same, set up as `change` says.
    pub(in crate::cases) fn connected_with(
        t: &mut Ctl<'_>,
        change: impl FnOnce(&mut Setup),
    ) -> Result<Self, Stop> {
        let mut stage = Self::with(t, change)?;
        stage.meet(t)?;
        Ok(stage)
    }

    /// Gives the endpoint a command.
    pub(in crate::cases) fn command<R>(
        &self,
        t: &mut Ctl<'_>,
        command: impl FnOnce(&mut dyn SctpEndpoint, Instant) -> R,
    ) -> R {
        t.sctp(self.seat, command)
    }

    /// Lets the endpoint begin.
    pub(in crate::cases) fn connect(&self, t: &mut Ctl<'_>) {
        self.command(t, |endpoint, now| endpoint.connect(now));
    }

    /// Lets the endpoint send a message.
    ///
    /// # Errors
    ///
    /// Inconclusive if it does not take it.
    pub(in crate::cases) fn tell(&self, t: &mut Ctl<'_>, message: SctpMessage) -> Outcome {
        needed(self.command(t, |endpoint, now| endpoint.send(now, message)))
    }

    /// Sends bytes to the endpoint.
    pub(in crate::cases) fn send_bytes(&self, t: &mut Ctl<'_>, bytes: &[u8]) {
        t.send(self.socket, self.subject, bytes);
    }

    /// Sends a packet to the endpoint.
    pub(in crate::cases) fn send(&self, t: &mut Ctl<'_>, packet: &Packet) {
        self.send_bytes(t, &packet.encode());
    }

    /// Sends a packet that the case is about, and waits until it is there.
    pub(in crate::cases) fn send_stimulus(&self, t: &mut Ctl<'_>, packet: &Packet, what: &str) {
        self.send_stimulus_bytes(t, &packet.encode(), what);
    }

    /// The same for bytes that need not be a packet.
    pub(in crate::cases) fn send_stimulus_bytes(&self, t: &mut Ctl<'_>, bytes: &[u8], what: &str) {
        let shown = summary(bytes).unwrap_or_default();
        t.send_stimulus(self.socket, self.subject, bytes, format_args!("{what} ({shown})"));
        t.run_for(self.delay);
    }

    /// Sends chunks in one packet that the case is about, and waits until it is there.
    pub(in crate::cases) fn say(
        &self,
        t: &mut Ctl<'_>,
        chunks: impl IntoIterator<Item = Chunk>,
        what: &str,
    ) {
        self.send_stimulus(t, &self.peer.packet(chunks), what);
    }

    /// The next packet of the endpoint's, if one comes within `limit`, told to the peer: the packets that
    /// would answer it.
    pub(in crate::cases) fn hear(
        &mut self,
        t: &mut Ctl<'_>,
        limit: Duration,
    ) -> Option<Vec<Packet>> {
        let received = t.receive_within(self.socket, limit)?;
        let at = Instant::ZERO + (received.at - Instant::ZERO).saturating_sub(self.delay);
        let answers = self.peer.receive(&received.payload);
        self.times.resize(self.peer.log.packets.len(), at);
        Some(answers)
    }

    /// The next packet of the endpoint's as it is, if one comes within `limit`. The peer does not hear it.
    pub(in crate::cases) fn lose(&self, t: &mut Ctl<'_>, limit: Duration) -> Option<Packet> {
        let received = t.receive_within(self.socket, limit)?;
        Packet::read(&received.payload)
    }

    /// Answers everything for `duration`.
    pub(in crate::cases) fn serve(&mut self, t: &mut Ctl<'_>, duration: Duration) {
        let until = t.now() + duration;
        while let Some(answers) = self.hear(t, until - t.now()) {
            for answer in answers {
                self.send(t, &answer);
            }
        }
    }

    /// Hears everything for `duration` and answers nothing; gives what would answer it.
    pub(in crate::cases) fn listen(&mut self, t: &mut Ctl<'_>, duration: Duration) -> Vec<Packet> {
        let until = t.now() + duration;
        let mut answers = Vec::new();
        while let Some(more) = self.hear(t, until - t.now()) {
            answers.extend(more);
        }
        answers
    }

    /// Answers everything until the endpoint has sent one more chunk of this type, which is not answered;
    /// gives the packet it came in and the packets that would answer it.
    ///
    /// # Errors
    ///
    /// Inconclusive if none comes in a long time.
    pub(in crate::cases) fn until(
        &mut self,
        t: &mut Ctl<'_>,
        kind: u8,
    ) -> Result<(Packet, Vec<Packet>), Stop> {
        let until = t.now() + LONG;
        while let Some(answers) = self.hear(t, until - t.now()) {
            let last = self.peer.log.packets.last();
            if let Some(packet) = last.filter(|packet| packet.has(kind)) {
                return Ok((packet.clone(), answers));
            }
            for answer in answers {
                self.send(t, &answer);
            }
        }
        let name = chunk::name(kind);
        Err(Stop::Inconclusive(format!("no {name} comes from the endpoint")))
    }

    /// Sets up the association, which the suite begins.
    ///
    /// # Errors
    ///
    /// Inconclusive if it does not come about.
    pub(in crate::cases) fn meet(&mut self, t: &mut Ctl<'_>) -> Outcome {
        let init = self.peer.init();
        self.send(t, &init);
        self.finish(t)
    }

    /// Brings a set-up that has begun to its end.
    ///
    /// # Errors
    ///
    /// Inconclusive if it does not come about.
    pub(in crate::cases) fn finish(&mut self, t: &mut Ctl<'_>) -> Outcome {
        let done = self.completes(t, LONG);
        let faults = self.peer.log.faults.join("; ");
        t.precondition(done, format_args!("an association that stands {faults}"))
    }

    /// Answers everything until both ends are connected, at most for `limit`, and what is said right after
    /// that; says whether they are.
    pub(in crate::cases) fn completes(&mut self, t: &mut Ctl<'_>, limit: Duration) -> bool {
        let until = t.now() + limit;
        while !self.is_up(t) && t.now() < until {
            let Some(answers) = self.hear(t, (until - t.now()).min(SOON)) else { continue };
            for answer in answers {
                self.send(t, &answer);
            }
        }
        self.serve(t, SOON);
        self.is_up(t)
    }

    /// Whether both ends say that the association stands.
    pub(in crate::cases) fn is_up(&mut self, t: &mut Ctl<'_>) -> bool {
        self.peer.standing == Standing::Established && self.is_connected(t)
    }

    /// Takes over what the endpoint has reported.
    pub(in crate::cases) fn events(&mut self, t: &mut Ctl<'_>) -> &[(Instant, SctpEvent)] {
        self.events.extend(t.sctp_events(self.seat));
        &self.events
    }

    /// How often the endpoint has reported something like this.
    pub(in crate::cases) fn count(
        &mut self,
        t: &mut Ctl<'_>,
        wanted: impl Fn(&SctpEvent) -> bool,
    ) -> usize {
        self.events(t).iter().filter(|(_, event)| wanted(event)).count()
    }

    /// Whether the endpoint has reported that the association stands, and no end of it since.
    pub(in crate::cases) fn is_connected(&mut self, t: &mut Ctl<'_>) -> bool {
        let mut is_up = false;
        for (_, event) in self.events(t) {
            is_up = match event {
                SctpEvent::Connected | SctpEvent::Restarted => true,
                event if event.is_end() => false,
                _ => is_up,
            };
        }
        is_up
    }

    /// Whether the endpoint has reported the end of the association.
    pub(in crate::cases) fn is_over(&mut self, t: &mut Ctl<'_>) -> bool {
        self.count(t, SctpEvent::is_end) > 0
    }

    /// The messages that the endpoint has delivered so far: stream and bytes.
    pub(in crate::cases) fn delivered(&mut self, t: &mut Ctl<'_>) -> Vec<(u16, Vec<u8>)> {
        let message = |event: &SctpEvent| match event {
            SctpEvent::Message { stream, data, .. } => Some((*stream, data.clone())),
            _ => None,
        };
        self.events(t).iter().filter_map(|(_, event)| message(event)).collect()
    }

    /// Whether data passes in both directions, on a stream that the case does not use.
    pub(in crate::cases) fn data_passes(&mut self, t: &mut Ctl<'_>) -> bool {
        self.data_passes_on(t, 900)
    }

    /// Whether data passes in both directions on this stream.
    pub(in crate::cases) fn data_passes_on(&mut self, t: &mut Ctl<'_>, stream: u16) -> bool {
        let (here, there) = (self.heard_on(stream), self.delivered_on(t, stream));
        let packet = {
            let data = self.peer.data(stream, DATA);
            self.peer.one(data)
        };
        self.send(t, &packet);
        let message = SctpMessage::new(stream, DATA);
        let taken = self.command(t, |endpoint, now| endpoint.send(now, message)).is_ok();
        self.serve(t, 5 * SOON);
        taken && self.heard_on(stream) > here && self.delivered_on(t, stream) > there
    }

    fn heard_on(&self, stream: u16) -> usize {
        self.peer.log.messages().iter().filter(|(id, data)| *id == stream && data == DATA).count()
    }

    fn delivered_on(&mut self, t: &mut Ctl<'_>, stream: u16) -> usize {
        self.delivered(t).iter().filter(|(id, data)| *id == stream && data == DATA).count()
    }

    /// Asserts that the association stands as it did, and that data passes.
    pub(in crate::cases) fn unharmed(&mut self, t: &mut Ctl<'_>, requirement: Req) -> Outcome {
        let well = self.data_passes(t) && !self.is_over(t);
        let restarts = self.count(t, |event| *event == SctpEvent::Restarted);
        let got = self.state(t);
        t.must(requirement, well && restarts == 0, "an association that stands, and data", got)
    }

    /// Asserts that nothing came from the endpoint since the log had `before` packets.
    pub(in crate::cases) fn silent(
        &self,
        t: &mut Ctl<'_>,
        requirement: Req,
        before: usize,
    ) -> Outcome {
        let new: Vec<String> = self.since(before);
        t.must(requirement, new.is_empty(), "silence", new.join("; "))
    }

    /// How many packets have come.
    pub(in crate::cases) fn mark(&self) -> usize {
        self.peer.log.packets.len()
    }

    /// The types of the chunks in the packets that have come since the log had `before` packets.
    pub(in crate::cases) fn since(&self, before: usize) -> Vec<String> {
        let new = self.peer.log.packets.iter().skip(before);
        new.map(|packet| {
            let names: Vec<&str> = packet.kinds().iter().map(|kind| chunk::name(*kind)).collect();
            names.join("+")
        })
        .collect()
    }

    /// The packets that have come since the log had `before` packets.
    pub(in crate::cases) fn packets_since(&self, before: usize) -> Vec<Packet> {
        self.peer.log.packets.iter().skip(before).cloned().collect()
    }

    /// The chunks that have come since the log had `before` packets.
    pub(in crate::cases) fn chunks_since(&self, before: usize) -> Vec<Chunk> {
        self.packets_since(before).into_iter().flat_map(|packet| packet.chunks).collect()
    }

    /// How things stand, in words.
    pub(in crate::cases) fn state(&mut self, t: &mut Ctl<'_>) -> String {
        let (connected, over) = (self.is_connected(t), self.is_over(t));
        format!(
            "endpoint connected: {connected}, over: {over}, suite: {:?}, causes {:?}, faults {:?}",
            self.peer.standing,
            self.peer.log.causes(),
            self.peer.log.faults,
        )
    }
}

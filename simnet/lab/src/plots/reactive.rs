//! Senders that react to congestion marks, simple enough to be understood.

use std::{collections::BTreeMap, net::SocketAddr, time::Duration};

use base::{Ecn, Instant, Transmit};
use simnet::{Cx, Endpoint, RecvMeta, SocketId};

/// Bytes of the IP packets that are sent.
const PACKET: usize = 1_500;
/// Bytes of UDP payload in one of them.
const PAYLOAD: usize = PACKET - 28;
/// The window that a sender begins with, in packets.
const INITIAL_WINDOW: f64 = 4.0;
/// The smallest window: with less there are no acknowledgments to count.
const MIN_WINDOW: f64 = 2.0;
/// Round trip that is assumed before one was measured.
const FIRST_ROUND_TRIP: Duration = Duration::from_millis(20);
/// Without any acknowledgment for so long, everything on its way counts as lost.
const SILENCE: Duration = Duration::from_secs(1);
/// A packet is lost if this many later ones have arrived.
const REORDERING: u64 = 3;
/// How much the latest round counts in the share of marks (g = 1/16, as in DCTCP).
const GAIN: f64 = 1.0 / 16.0;

/// What a sender does when it hears of marks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reaction {
    /// It halves its window once in a round trip, as RFC 3168 §6.1.2 asks of TCP, and sends ECT(0).
    Classic,
    /// It reduces its window by half the share of marks, and sends ECT(1): a scalable congestion control
    /// in the sense of RFC 9331 §4.3, after DCTCP.
    Scalable,
}

/// Sends UDP as fast as a window allows that grows by a packet each round trip.
#[derive(Debug)]
pub struct ReactiveSource {
    remote: SocketAddr,
    reaction: Reaction,
    socket: Option<SocketId>,
    window: f64,
    slow_start: bool,
    next_number: u64,
    /// Packets on their way, and when they left.
    outstanding: BTreeMap<u64, Instant>,
    round_trip: Duration,
    next_send: Instant,
    heard: Instant,
    round: Round,
    /// The share of packets that are marked, smoothed.
    share: f64,
    /// Reductions of packets before this one have been made already.
    recovered: u64,
}

/// What was heard of the packets of one round trip.
#[derive(Clone, Copy, Debug, Default)]
struct Round {
    /// The first number of the next one.
    end: u64,
    heard: u32,
    marked: u32,
}

impl ReactiveSource {
    /// A sender to the [`ReactiveSink`] at `remote`.
    #[must_use]
    pub const fn to(remote: SocketAddr, reaction: Reaction) -> Self {
        Self {
            remote,
            reaction,
            socket: None,
            window: INITIAL_WINDOW,
            slow_start: true,
            next_number: 0,
            outstanding: BTreeMap::new(),
            round_trip: FIRST_ROUND_TRIP,
            next_send: Instant::ZERO,
            heard: Instant::ZERO,
            round: Round { end: 0, heard: 0, marked: 0 },
            share: 1.0,
            recovered: 0,
        }
    }

    /// Time from one packet to the next: a window is spread over a round trip, as RFC 9331 §4.3 asks of
    /// those that want low delay.
    fn pace(&self) -> Duration {
        self.round_trip.div_f64(self.window)
    }

    fn may_send(&self) -> bool {
        let outstanding = u32::try_from(self.outstanding.len()).unwrap_or(u32::MAX);
        f64::from(outstanding) < self.window
    }

    fn send(&mut self, cx: &mut Cx<'_>) {
        let Some(socket) = self.socket else { return };
        let mut payload = [0; PAYLOAD];
        if let Some(number) = payload.first_chunk_mut() {
            *number = self.next_number.to_be_bytes();
        }
        let mut transmit = Transmit::new(self.remote, PAYLOAD);
        transmit.ecn = match self.reaction {
            Reaction::Classic => Ecn::Ect0,
            Reaction::Scalable => Ecn::Ect1,
        };
        cx.transmit(socket, &transmit, &payload);
        if self.outstanding.is_empty() {
            self.heard = cx.now();
        }
        self.outstanding.insert(self.next_number, cx.now());
        self.next_number += 1;
        self.next_send = cx.now() + self.pace();
    }

    /// The packet with this number has arrived.
    fn hear(&mut self, now: Instant, number: u64, marked: bool) {
        let Some(sent) = self.outstanding.remove(&number) else { return };
        self.heard = now;
        self.round_trip = (self.round_trip * 7 + (now - sent)) / 8;
        self.round.heard += 1;
        self.round.marked += u32::from(marked);
        self.window += if self.slow_start { 1.0 } else { 1.0 / self.window };
        if marked {
            self.slow_start = false;
        }
        if marked && self.reaction == Reaction::Classic {
            self.reduce(number, 0.5);
        }
        let late = self.outstanding.range(..number.saturating_sub(REORDERING));
        let lost: Vec<u64> = late.map(|(lost, _)| *lost).collect();
        for lost in lost {
            self.outstanding.remove(&lost);
            self.reduce(lost, 0.5);
        }
        if number >= self.round.end {
            self.end_round();
        }
    }

    /// Takes part of the window away, once for all packets that are on their way.
    fn reduce(&mut self, number: u64, part: f64) {
        if number >= self.recovered {
            self.window = (self.window * (1.0 - part)).max(MIN_WINDOW);
            self.recovered = self.next_number;
            self.slow_start = false;
        }
    }

    fn end_round(&mut self) {
        let share = f64::from(self.round.marked) / f64::from(self.round.heard.max(1));
        self.share += GAIN * (share - self.share);
        if self.round.marked > 0 && self.reaction == Reaction::Scalable {
            self.window = (self.window * (1.0 - self.share / 2.0)).max(MIN_WINDOW);
        }
        self.round = Round { end: self.next_number, heard: 0, marked: 0 };
    }
}

impl Endpoint for ReactiveSource {
    fn start(&mut self, cx: &mut Cx<'_>) {
        let any = if self.remote.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
        self.socket = any.parse().ok().and_then(|local| cx.bind(local).ok());
    }

    fn handle_datagram(&mut self, cx: &mut Cx<'_>, _: SocketId, _: &RecvMeta, payload: &[u8]) {
        if let Some((number, [marked])) = payload.split_first_chunk() {
            self.hear(cx.now(), u64::from_be_bytes(*number), *marked != 0);
        }
    }

    fn handle_timeout(&mut self, cx: &mut Cx<'_>) {
        let now = cx.now();
        if !self.outstanding.is_empty() && now >= self.heard + SILENCE {
            self.outstanding.clear();
            self.window = MIN_WINDOW;
            self.heard = now;
        }
        if self.may_send() && now >= self.next_send {
            self.send(cx);
        }
    }

    fn poll_timeout(&self) -> Option<Instant> {
        let send = self.may_send().then_some(self.next_send);
        let silence = (!self.outstanding.is_empty()).then(|| self.heard + SILENCE);
        [send, silence].into_iter().flatten().min()
    }
}

/// Acknowledges every packet, and says whether it was marked.
#[derive(Debug)]
pub struct ReactiveSink {
    local: SocketAddr,
    packets: u64,
}

impl ReactiveSink {
    /// A receiver at `local`.
    #[must_use]
    pub const fn at(local: SocketAddr) -> Self {
        Self { local, packets: 0 }
    }

    /// Packets that arrived.
    #[must_use]
    pub const fn packets(&self) -> u64 {
        self.packets
    }
}

impl Endpoint for ReactiveSink {
    fn start(&mut self, cx: &mut Cx<'_>) {
        let bound = cx.bind(self.local);
        debug_assert!(bound.is_ok(), "the host has nothing else on this port");
    }

    fn handle_datagram(
        &mut self,
        cx: &mut Cx<'_>,
        socket: SocketId,
        meta: &RecvMeta,
        payload: &[u8],
    ) {
        self.packets += 1;
        let Some(number) = payload.first_chunk::<8>() else { return };
        let mut answer = [0; 9];
        if let Some((head, [marked])) = answer.split_first_chunk_mut() {
            *head = *number;
            *marked = u8::from(meta.ecn == Ecn::Ce);
        }
        cx.send(socket, meta.source, &answer);
    }
}

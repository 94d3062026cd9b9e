//! What is shared with the peer once both know each other: the transmission control block of RFC 9260 §14.

use base::{Instant, Rng};

use super::{
    ecn::Marks,
    introduction::Introduction,
    reset::Resets,
    state::Local,
    watch::{Passed, Watch},
};
use crate::{
    Config, Features, Misdeed, Stats, Tsn,
    congestion::Control,
    path::{Discovery, HeartbeatInfo, Heartbeats, Rtt},
    receive::Receiver,
    send::{Acknowledged, Sender},
    wire::{HEADER_LENGTH, Sack},
};

/// An association with a peer that is known.
#[derive(Debug)]
pub(super) struct Link {
    pub(super) local: Local,
    /// What packets to the peer carry.
    pub(super) peer_tag: u32,
    /// Known to this end alone, and put into cookies: they tell a restart (RFC 9260 §5.2.2).
    pub(super) ties: (u32, u32),
    /// What both ends have.
    pub(super) features: Features,
    pub(super) sender: Sender,
    pub(super) receiver: Receiver,
    pub(super) resets: Resets,
    pub(super) rtt: Rtt,
    pub(super) control: Control,
    pub(super) discovery: Discovery,
    pub(super) heartbeats: Heartbeats,
    pub(super) marks: Marks,
    /// The large packet whose fate tells whether the path has shrunk.
    pub(super) watch: Watch,
    /// The probe of the path that is under way, and its size.
    pub(super) probe: Option<(HeartbeatInfo, usize)>,
    /// Whether the next packet begins with COOKIE ACK.
    pub(super) is_cookie_ack_due: bool,
    /// Whether the path was last told to be active.
    pub(super) was_reachable: bool,
    rng: Rng,
}

/// What deadlines of a link brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Health {
    Fine,
    /// The path has become active, or inactive (RFC 9260 §8.2).
    Changed(bool),
    /// The peer answers no more (RFC 9260 §8.1).
    Failed,
}

impl Link {
    pub(super) fn new(
        config: &Config,
        mut rng: Rng,
        local: Local,
        peer: &Introduction,
        mut sender: Sender,
        rtt: Rtt,
    ) -> Self {
        let features = peer.features;
        let discovery = Discovery::new(config.discovery());
        // RFC 9260 §5.1.1: no more streams than the peer takes.
        sender.set_outgoing_streams(config.outgoing_streams.max(1).min(peer.incoming));
        sender.set_peer_window(peer.window);
        if features.interleaving {
            sender.interleave();
        }
        if features.forward_tsn {
            sender.allow_abandoning();
        }
        let streams = config.incoming_streams.max(1).min(peer.outgoing);
        let receiver = Receiver::new(&config.receiver(streams), peer.tsn, features.interleaving);
        let resets = Resets::new(config, local.tsn, peer.tsn, streams);
        let room = room_of(discovery.packet_size());
        let control = Control::new(config.algorithm, room as u64, &rng.fork("congestion"));
        let heartbeats = Heartbeats::new(config.heartbeats(), rng.fork("heartbeats"));
        let ties = (rng.public_u32() | 1, rng.public_u32() | 1);
        Self {
            local,
            peer_tag: peer.tag,
            ties,
            features,
            sender,
            receiver,
            resets,
            rtt,
            control,
            discovery,
            heartbeats,
            marks: Marks::default(),
            watch: Watch::default(),
            probe: None,
            is_cookie_ack_due: false,
            was_reachable: true,
            rng,
        }
    }

    /// The association stands: the path is watched and searched.
    pub(super) fn start(&mut self, now: Instant) {
        self.heartbeats.start(now, &self.rtt);
        self.discovery.start(now);
        self.fit();
    }

    /// The association is being shut down: nothing but what that takes leaves any more.
    pub(super) fn quieten(&mut self) {
        self.heartbeats.stop();
        self.discovery.stop();
        self.resets.stop();
        self.probe = None;
    }

    /// Packets are as large as the path is known to carry.
    pub(super) fn fit(&mut self) {
        self.sender.set_packet_room(room_of(self.discovery.chunk_packet_size()));
        self.control.set_packet_size(room_of(self.discovery.packet_size()) as u64);
    }

    /// A packet of `size` bytes left whose first new chunk is `first`, if it has a new one.
    pub(super) fn on_packet_sent(&mut self, size: usize, first: Tsn) {
        if size > self.discovery.chunk_packet_size() && first != self.sender.next_tsn() {
            self.watch.on_sent(first, size);
        }
    }

    /// An acknowledgement arrived.
    pub(super) fn on_sack(
        &mut self,
        now: Instant,
        sack: &Sack<'_>,
    ) -> Result<Acknowledged, Misdeed> {
        let followed = self.watch.followed();
        let was_repeated = followed.is_some_and(|(tsn, _)| self.sender.was_repeated(tsn));
        let told = self.sender.handle_sack(now, sack, &mut self.control, &mut self.rtt)?;
        if followed.is_some_and(|(tsn, _)| !tsn.is_newer_than(self.sender.cumulative_tsn())) {
            match self.watch.on_acked(was_repeated) {
                Some(Passed::Yes(size)) => self.discovery.on_packet_acked(size),
                // Two in a row are what it takes to be sure.
                Some(Passed::NoMore(size)) => {
                    let _ = self.discovery.on_timeout(size);
                    let _ = self.discovery.on_timeout(size);
                    self.fit();
                }
                None => {}
            }
        }
        Ok(told)
    }

    /// The retransmission timer fired: perhaps the path carries no more what it did. Where chunks alone fit
    /// a smaller packet, only a large one that is under way may be what did not pass.
    fn suspect(&mut self) {
        let size = match self.watch.followed() {
            Some((_, size)) => size,
            None if self.discovery.packet_size() > self.discovery.chunk_packet_size() => return,
            None => self.discovery.packet_size(),
        };
        if self.discovery.on_timeout(size) {
            self.fit();
        }
    }

    /// The heartbeat of a new probe, which is none of those that watch the path.
    pub(super) fn new_probe(&mut self, now: Instant, size: usize) -> HeartbeatInfo {
        let info = HeartbeatInfo { sent_at: now.as_nanos(), nonce: self.rng.public_u64() };
        self.probe = Some((info, size));
        info
    }

    /// When [`Link::handle_timeout`] is to be called.
    pub(super) fn deadline(&self) -> Option<Instant> {
        let deadlines = [
            self.sender.deadline(),
            self.receiver.deadline(),
            self.discovery.deadline(),
            self.heartbeats.deadline(),
            self.resets.deadline(),
        ];
        deadlines.into_iter().flatten().min()
    }

    /// A deadline has come.
    pub(super) fn handle_timeout(&mut self, now: Instant) -> Health {
        if self.receiver.deadline().is_some_and(|at| at <= now) {
            self.receiver.handle_timeout(now);
        }
        if self.discovery.deadline().is_some_and(|at| at <= now) {
            self.discovery.handle_timeout(now);
            self.fit();
        }
        if self.heartbeats.deadline().is_some_and(|at| at <= now) {
            self.heartbeats.handle_timeout(now, &mut self.rtt);
        }
        if self.sender.deadline().is_some_and(|at| at <= now) {
            let expired = self.sender.handle_timeout(now, &mut self.control, &mut self.rtt);
            if expired.is_error {
                self.heartbeats.on_error();
                self.suspect();
            }
        }
        if self.resets.deadline().is_some_and(|at| at <= now) && self.resets.handle_timeout(now) {
            self.heartbeats.on_error();
        }
        self.health()
    }

    /// Whether the path is fine, if that has changed.
    pub(super) fn health(&mut self) -> Health {
        if self.heartbeats.is_failed() {
            return Health::Failed;
        }
        let is_reachable = self.heartbeats.is_reachable();
        if std::mem::replace(&mut self.was_reachable, is_reachable) == is_reachable {
            return Health::Fine;
        }
        Health::Changed(is_reachable)
    }

    /// Bytes of chunks that a packet holds.
    pub(super) fn room(&self) -> usize {
        room_of(self.discovery.packet_size())
    }
}

/// Bytes of chunks in a packet of `size` bytes.
pub(super) const fn room_of(size: usize) -> usize {
    size.saturating_sub(HEADER_LENGTH)
}

impl Stats {
    /// Adds what a link measures at present, and what it has counted.
    pub(super) fn add_link(&mut self, link: &Link) {
        self.add_counts(link);
        self.in_flight = link.sender.in_flight();
        self.congestion_window = link.control.window();
        self.peer_window = u32::try_from(link.sender.peer_window()).unwrap_or(u32::MAX);
        (self.receive_held, self.receive_window) = link.receiver.held();
        self.controller = link.control.name();
        self.path_errors = link.heartbeats.errors();
        self.rtt = link.rtt.smoothed();
        self.rtt_latest = link.rtt.latest();
        self.rtt_variance = link.rtt.variance();
        self.rtt_min = link.rtt.min();
        self.rto = link.rtt.rto();
        self.packet_size = link.discovery.packet_size();
    }

    /// Adds what a link has counted.
    pub(super) fn add_counts(&mut self, link: &Link) {
        self.add_received(link);
        let counters = link.sender.counters();
        self.data_chunks_sent += counters.sent;
        self.data_chunks_repeated += counters.repeated;
        self.messages_abandoned += counters.abandoned;
        self.timeouts += counters.timeouts;
    }

    /// Adds what a link has counted of what arrived.
    pub(super) fn add_received(&mut self, link: &Link) {
        self.data_chunks_received += link.receiver.counts().0;
        self.dropped.add_all(link.receiver.drops());
    }
}

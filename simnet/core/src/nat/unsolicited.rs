//! Packets that nobody asked for, and what their senders learn: RFC 4787 §5, RFC 5382 §4.3.

use std::{collections::VecDeque, net::SocketAddr};

use base::Instant;

use super::{
    Nat,
    config::{Exhaustion, SimultaneousOpen, Strays, Unsolicited, UnsolicitedSyn},
    fragment::Key,
    passage::{flow, refuse},
    refusal::Refusal,
    tcp,
};
use crate::{
    middlebox::{Outlet, Side},
    packet::{Body, IcmpError, Packet},
};

/// SYNs from outside that wait for one from inside, in the order of their deadlines.
#[derive(Default)]
pub(super) struct Syns {
    waiting: VecDeque<(Instant, Packet, Refusal)>,
}

impl Syns {
    /// When [`Nat::give_up_syns`] has something to do.
    pub(super) fn next_deadline(&self) -> Option<Instant> {
        self.waiting.front().map(|(deadline, ..)| *deadline)
    }

    /// Takes everything out.
    pub(super) fn drain(&mut self) -> impl Iterator<Item = Packet> {
        self.waiting.drain(..).map(|(_, packet, _)| packet)
    }
}

impl Nat {
    /// Ends a packet from outside that nobody asked for, as the configuration says.
    pub(super) fn turn_away(&mut self, packet: Packet, refusal: Refusal, out: &mut Outlet<'_>) {
        if let Some(key) = Key::of(Side::OUTSIDE, &packet) {
            while let Some(waiting) = self.pieces.release(&key) {
                refuse(waiting, Refusal::FirstFragmentRefused, out);
            }
        }
        if matches!(packet.body, Body::Tcp(_)) {
            self.turn_segment_away(packet, refusal, out);
            return;
        }
        let answers = self.translator.config.unsolicited != Unsolicited::Drop;
        if refusal.is_unsolicited() && answers {
            self.report_closed(&packet, out);
            if !packet.is_ipv6() {
                let flow = flow(&packet, packet.destination(), packet.source());
                self.translator.remember(flow, out.now());
            }
        }
        refuse(packet, refusal, out);
    }

    /// The same for a TCP segment.
    fn turn_segment_away(&mut self, packet: Packet, refusal: Refusal, out: &mut Outlet<'_>) {
        let policy = &self.translator.config.tcp;
        let opens = matches!(&packet.body, Body::Tcp(tcp) if tcp::is_opening(tcp.flags));
        let resets = match refusal {
            Refusal::SimultaneousOpen { .. } => policy.simultaneous_open == SimultaneousOpen::Reset,
            _ if !refusal.is_unsolicited() => false,
            _ if opens => policy.unsolicited == UnsolicitedSyn::Reset,
            _ => policy.strays == Strays::Reset,
        };
        let waits = opens
            && refusal.is_unsolicited()
            && policy.unsolicited == UnsolicitedSyn::Reject
            && self.syns.waiting.len() < self.translator.config.limits.held_syns;
        if resets {
            answer(Side::OUTSIDE, &packet, out);
        }
        if waits {
            let deadline = out.now() + policy.syn_wait;
            self.syns.waiting.push_back((deadline, packet, refusal));
            self.watchful = true;
        } else {
            refuse(packet, refusal, out);
        }
    }

    /// RFC 5382 §4.3: a SYN went out for the connection, so the one that came in too early vanishes.
    pub(super) fn forget_syn(
        &mut self,
        external: SocketAddr,
        remote: SocketAddr,
        out: &mut Outlet<'_>,
    ) {
        let early = |(_, packet, _): &(Instant, Packet, Refusal)| {
            packet.source() == remote && packet.destination() == external
        };
        while let Some(at) = self.syns.waiting.iter().position(early) {
            let Some((_, packet, _)) = self.syns.waiting.remove(at) else { break };
            refuse(packet, Refusal::EarlySyn { remote }, out);
        }
    }

    /// Answers SYNs that have waited long enough.
    pub(super) fn give_up_syns(&mut self, out: &mut Outlet<'_>) {
        while let Some((deadline, ..)) = self.syns.waiting.front()
            && *deadline <= out.now()
        {
            let Some((_, packet, refusal)) = self.syns.waiting.pop_front() else { break };
            self.report_closed(&packet, out);
            refuse(packet, refusal, out);
        }
    }

    /// Tells the sender of a packet from outside that nobody listens.
    fn report_closed(&mut self, packet: &Packet, out: &mut Outlet<'_>) {
        let ipv6 = packet.is_ipv6();
        let own = self.translator.addresses.own(Side::OUTSIDE, ipv6);
        let reporter = if ipv6 { own } else { Some(packet.destination_ip) };
        let error =
            reporter.and_then(|reporter| packet.icmp_error(reporter, IcmpError::PortUnreachable));
        if let Some(error) = error {
            self.send_own(Side::OUTSIDE, error, out);
        }
    }

    /// Ends a packet from inside, and tells its sender why if that is the way.
    pub(super) fn hold_back(&mut self, packet: Packet, refusal: Refusal, out: &mut Outlet<'_>) {
        if refusal.is_shortage() {
            match self.translator.config.limits.exhaustion {
                Exhaustion::Prohibited => {
                    self.report(Side::INSIDE, &packet, IcmpError::Prohibited, out);
                }
                Exhaustion::HostUnreachable => {
                    self.report(Side::INSIDE, &packet, IcmpError::HostUnreachable, out);
                }
                Exhaustion::Silent => {}
            }
        }
        let config = &self.translator.config;
        let resets = match refusal {
            Refusal::Stray { .. } => config.tcp.strays == Strays::Reset,
            Refusal::SimultaneousOpen { .. } => {
                config.tcp.simultaneous_open == SimultaneousOpen::Reset
            }
            _ => false,
        };
        if resets {
            answer(Side::INSIDE, &packet, out);
        }
        refuse(packet, refusal, out);
    }
}

/// Sends a reset to whoever sent the segment: RFC 5382 §5.
fn answer(side: Side, packet: &Packet, out: &mut Outlet<'_>) {
    if let Some(reset) = crate::tcp::reset_for(packet) {
        out.send(side, reset);
    }
}

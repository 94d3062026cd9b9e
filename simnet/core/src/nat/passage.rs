//! The way of a packet through the box, whichever side it comes from.

use std::net::SocketAddr;

use super::{
    Nat,
    config::{Fragments, Ipv6, Meddling, MssClamp, Reporter, TooBig},
    fragment::Key,
    life::paced,
    meddle,
    refusal::Refusal,
    table::Flow,
    tcp::options::clamp_segment_size,
};
use crate::{
    event::{DropReason, NatEvent},
    middlebox::{Outlet, Side},
    packet::{
        Body, IPV4_HEADER, IPV6_HEADER, Icmp, IcmpError, Packet, Protocol, TCP_HEADER, Tcp,
        TcpFlags, is_link_scoped,
    },
};

/// How a packet changes on its way through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Rewrite {
    pub(super) to: Side,
    pub(super) source: Option<SocketAddr>,
    pub(super) destination: Option<SocketAddr>,
    /// New source and destination of the packet that an ICMP error quotes.
    pub(super) quote: Option<(SocketAddr, SocketAddr)>,
}

impl Nat {
    /// Ends what is due, and says so.
    pub(super) fn catch_up(&mut self, out: &mut Outlet<'_>) {
        if self.rebooted {
            self.wake_up(out);
        }
        self.translator.expire(out);
        while let Some(fragment) = self.pieces.expire(out.now()) {
            refuse(fragment, Refusal::NoFirstFragment, out);
        }
        if self.watchful {
            self.catch_up_on_rare_things(out);
        }
    }

    #[cold]
    fn catch_up_on_rare_things(&mut self, out: &mut Outlet<'_>) {
        self.give_up_syns(out);
        self.give_up_fragments(out);
        self.keep_appointments(out);
        self.announce(out);
    }

    pub(super) fn leave(&mut self, packet: Packet, out: &mut Outlet<'_>) {
        let destination = packet.destination_ip;
        if is_link_scoped(destination) {
            out.drop(packet, DropReason::NotForwarded);
            return;
        }
        if self.translator.addresses.is_own_inside(destination) {
            refuse(packet, Refusal::NotForUs, out);
            return;
        }
        if self.translator.confuses && self.translator.addresses.is_inside(destination) {
            refuse(packet, Refusal::Conflict { ip: destination }, out);
            return;
        }
        let turns = self.translator.is_external(destination);
        let to = if turns { Side::INSIDE } else { Side::OUTSIDE };
        // No mapping is made for a packet that cannot go on.
        let Some(mut packet) = self.check(Side::INSIDE, to, packet, out) else { return };
        match self.decide_outbound(&packet, turns, out) {
            Ok(rewrite) => {
                if self.watchful
                    && let (Body::Tcp(_), Some(external)) = (&packet.body, rewrite.source)
                {
                    self.forget_syn(external, packet.destination(), out);
                }
                self.clamp(&mut packet, out);
                self.pass(Side::INSIDE, packet, rewrite, out);
            }
            Err(refusal) => self.hold_back(packet, refusal, out),
        }
    }

    pub(super) fn enter(&mut self, packet: Packet, out: &mut Outlet<'_>) {
        let destination = packet.destination_ip;
        let ipv6 = packet.is_ipv6();
        if is_link_scoped(destination) {
            out.drop(packet, DropReason::NotForwarded);
            return;
        }
        // RFC 4787 §4.4: an internal host may have the same number as this external address; which of
        // them is meant follows from the side alone.
        let ours = if ipv6 {
            self.translator.addresses.own(Side::OUTSIDE, true) != Some(destination)
                && !self.translator.addresses.is_own_inside(destination)
        } else {
            self.translator.is_external(destination)
                || self.translator.exempts
                    && self.translator.passes(remote(&packet, Side::OUTSIDE))
                    && !self.translator.addresses.is_own_inside(destination)
        };
        if !ours {
            refuse(packet, Refusal::NotForUs, out);
            return;
        }
        if self.translator.confuses && self.translator.addresses.is_inside(packet.source_ip) {
            let ip = packet.source_ip;
            refuse(packet, Refusal::Conflict { ip }, out);
            return;
        }
        match self.decide_inbound(&packet, out) {
            Ok(rewrite) => {
                let checked = self.check(Side::OUTSIDE, Side::INSIDE, packet, out);
                let Some(mut packet) = checked else { return };
                self.clamp(&mut packet, out);
                self.pass(Side::OUTSIDE, packet, rewrite, out);
            }
            Err(refusal) => self.turn_away(packet, refusal, out),
        }
    }

    /// Takes a hop off, and sees whether the packet fits the next link; ends it if not.
    fn check(
        &mut self,
        from: Side,
        to: Side,
        mut packet: Packet,
        out: &mut Outlet<'_>,
    ) -> Option<Packet> {
        let policy = self.translator.config.icmp;
        if !policy.keeps_hop_limit && !packet.decrement_hop_limit() {
            // RFC 5508 §7.2: the sender learns of it.
            self.report(from, &packet, IcmpError::TimeExceeded, out);
            out.drop_because(packet, DropReason::HopLimit, || "RFC 5508 §7.2".to_owned());
            return None;
        }
        let mtu = out.mtu(to);
        if policy.too_big == TooBig::Fragment && !packet.is_ipv6() {
            packet.dont_fragment = false;
        }
        let unbreakable = packet.dont_fragment || packet.is_ipv6();
        if unbreakable && packet.ip_length() > usize::try_from(mtu).unwrap_or(usize::MAX) {
            // RFC 4787 §10: the sender learns what fits. What may be fragmented, the network fragments.
            let reported = policy.too_big != TooBig::BlackHole;
            if reported && !base::mutant::active("nat-too-big-unreported") {
                self.report(from, &packet, IcmpError::TooBig { mtu }, out);
            }
            out.drop_because(packet, DropReason::TooBig, || {
                format!("longer than {mtu} bytes and not to be fragmented: RFC 4787 §10")
            });
            return None;
        }
        Some(packet)
    }

    /// What becomes of a packet from inside; `turns` if it is addressed to an external address.
    fn decide_outbound(
        &mut self,
        packet: &Packet,
        turns: bool,
        out: &mut Outlet<'_>,
    ) -> Result<Rewrite, Refusal> {
        self.general(packet)?;
        let plain = Rewrite { to: Side::OUTSIDE, source: None, destination: None, quote: None };
        if self.translator.exempts && self.translator.passes(remote(packet, Side::INSIDE)) {
            return Ok(plain);
        }
        if let Body::Icmp(Icmp::Error { quote, .. }) = &packet.body {
            let rewrite = self.translator.error_from_inside(packet, quote);
            return rewrite.map(|rewrite| self.quoting(rewrite));
        }
        let flow = flow(packet, packet.source(), packet.destination());
        let segment = segment(packet);
        if !turns {
            let source = Some(self.translator.outbound(&flow, segment, out)?);
            return Ok(Rewrite { source, ..plain });
        }
        let queries = flow.protocol == Protocol::Icmp;
        if queries && !self.translator.addresses.is_basic(flow.near.ip(), flow.far) {
            // RFC 5508 §5 asks it of basic NATs alone: queries have no second identifier to turn to.
            return Err(Refusal::NoHairpin { external: flow.far });
        }
        let (source, mut internal) = self.translator.hairpin(&flow, segment, out)?;
        if queries {
            internal.set_port(source.port());
        }
        out.event(|| NatEvent::Hairpinned { packet: packet.id, external: flow.far, internal });
        let (source, destination) = (Some(source), Some(internal));
        Ok(Rewrite { to: Side::INSIDE, source, destination, quote: None })
    }

    /// RFC 5508 §4.2: the quoted packet is translated too.
    fn quoting(&self, rewrite: Rewrite) -> Rewrite {
        let translates = self.translator.config.icmp.translate_quote;
        Rewrite { quote: rewrite.quote.filter(|_| translates), ..rewrite }
    }

    /// What becomes of a packet from outside.
    fn decide_inbound(
        &mut self,
        packet: &Packet,
        out: &mut Outlet<'_>,
    ) -> Result<Rewrite, Refusal> {
        self.general(packet)?;
        let plain = Rewrite { to: Side::INSIDE, source: None, destination: None, quote: None };
        if self.translator.exempts
            && self.translator.passes(remote(packet, Side::OUTSIDE))
            && (packet.is_ipv6() || !self.translator.is_external(packet.destination_ip))
        {
            return Ok(plain);
        }
        if let Body::Icmp(Icmp::Error { quote, .. }) = &packet.body {
            let rewrite = self.translator.error_from_outside(packet, quote);
            if base::mutant::active("nat-icmp-ends-mapping") && rewrite.is_ok() {
                self.translator.forget_all();
            }
            return rewrite.map(|rewrite| self.quoting(rewrite));
        }
        let flow = flow(packet, packet.destination(), packet.source());
        let destination = Some(self.translator.inbound(&flow, segment(packet), out)?);
        Ok(Rewrite { destination, ..plain })
    }

    /// What holds for all packets, before anyone looks at ports.
    fn general(&self, packet: &Packet) -> Result<(), Refusal> {
        let config = &self.translator.config;
        if packet.is_ipv6() && config.ipv6 == Ipv6::Drop {
            return Err(Refusal::NoIpv6);
        }
        if packet.fragment.is_some() && config.fragments == Fragments::Drop {
            return Err(Refusal::NoFragments);
        }
        if packet.source_ip.is_ipv6() != packet.is_ipv6() && !self.mixed {
            return Err(Refusal::MixedFamilies);
        }
        match packet.body {
            Body::Trailing(_) => Err(Refusal::NoFirstFragment),
            Body::Icmp(ref icmp) if !icmp.is_error() && !config.icmp.queries => {
                Err(Refusal::NoIcmpQueries)
            }
            Body::Udp(_) | Body::Icmp(_) | Body::Tcp(_) => Ok(()),
        }
    }

    /// Sends a packet on, and the fragments that waited for it.
    fn pass(&mut self, from: Side, packet: Packet, rewrite: Rewrite, out: &mut Outlet<'_>) {
        let key = Key::of(from, &packet);
        rewrite.forward(packet, self.translator.meddling(), out);
        let Some(key) = key else { return };
        let limit = self.translator.config.limits.fragmented;
        self.pieces.decide(key, rewrite, out.now(), limit);
        while let Some(waiting) = self.pieces.release(&key) {
            if let Some(waiting) = self.check(from, rewrite.to, waiting, out) {
                rewrite.forward(waiting, self.translator.meddling(), out);
            }
        }
    }

    /// Lowers the largest segment size that a SYN offers.
    #[inline]
    fn clamp(&self, packet: &mut Packet, out: &Outlet<'_>) {
        let ipv6 = packet.is_ipv6();
        if let Body::Tcp(segment) = &mut packet.body
            && self.translator.config.tcp.clamp_mss != MssClamp::Off
        {
            self.clamp_segment(segment, ipv6, out);
        }
    }

    #[cold]
    fn clamp_segment(&self, segment: &mut Tcp, ipv6: bool, out: &Outlet<'_>) {
        let headers = TCP_HEADER + if ipv6 { IPV6_HEADER } else { IPV4_HEADER };
        let most = match self.translator.config.tcp.clamp_mss {
            MssClamp::Off => return,
            MssClamp::To(most) => most,
            MssClamp::ToMtu => {
                let mtu = out.mtu(Side::INSIDE).min(out.mtu(Side::OUTSIDE));
                let room = usize::try_from(mtu).unwrap_or(usize::MAX).saturating_sub(headers);
                u16::try_from(room).unwrap_or(u16::MAX)
            }
        };
        if segment.flags.contains(TcpFlags::SYN)
            && let Some(options) = clamp_segment_size(&segment.options, most)
        {
            segment.options = options;
        }
    }

    /// A fragment without ports: it goes where the first one went.
    pub(super) fn follow(&mut self, from: Side, key: Key, packet: Packet, out: &mut Outlet<'_>) {
        let config = &self.translator.config;
        if config.fragments == Fragments::Drop {
            refuse(packet, Refusal::NoFragments, out);
            return;
        }
        let limits = config.limits;
        if let Some(rewrite) = self.pieces.decision(&key) {
            let Some(packet) = self.check(from, rewrite.to, packet, out) else { return };
            rewrite.forward(packet, self.translator.meddling(), out);
            self.pieces.decide(key, rewrite, out.now(), limits.fragmented);
            return;
        }
        let in_order = config.fragments == Fragments::InOrder
            || base::mutant::active("nat-fragment-out-of-order-lost");
        if in_order {
            refuse(packet, Refusal::NoFirstFragment, out);
        } else if let Some(packet) = self.pieces.hold(key, packet, out.now(), limits.held_fragments)
        {
            refuse(packet, Refusal::FragmentLimit(limits.held_fragments), out);
        }
    }

    /// Tells the sender of `packet`, on `side`, what is wrong with it.
    pub(super) fn report(
        &mut self,
        side: Side,
        packet: &Packet,
        kind: IcmpError,
        out: &mut Outlet<'_>,
    ) {
        let policy = self.translator.config.icmp;
        if !policy.originates {
            return;
        }
        let shown = if policy.reporter == Reporter::Outside { Side::OUTSIDE } else { side };
        let own = self.translator.addresses.own(shown, packet.is_ipv6());
        if let Some(error) = own.and_then(|own| packet.icmp_error(own, kind)) {
            self.send_own(side, error, out);
        }
    }

    /// Sends an ICMP message of the box's own, if it may.
    pub(super) fn send_own(&mut self, side: Side, error: Packet, out: &mut Outlet<'_>) {
        if let Some(rate) = self.translator.config.icmp.rate_limit {
            let Some(next) = paced(self.next_report, rate, out.now()) else { return };
            self.next_report = next;
        }
        out.send(side, error);
    }
}

impl Rewrite {
    /// Changes the packet and sends it on.
    fn forward(&self, mut packet: Packet, meddling: Option<&Meddling>, out: &mut Outlet<'_>) {
        if let Some(meddling) = meddling {
            self.meddle(&mut packet, meddling);
        }
        if let Some(source) = self.source {
            packet.set_source(source);
        }
        if let Some(destination) = self.destination {
            packet.set_destination(destination);
        }
        if let (Some((source, destination)), Body::Icmp(Icmp::Error { quote, .. })) =
            (self.quote, &mut packet.body)
        {
            quote.source = source;
            quote.destination = destination;
        }
        out.forward(self.to, packet);
    }

    #[cold]
    fn meddle(&self, packet: &mut Packet, meddling: &Meddling) {
        if let Some(source) = self.source {
            let port = packet.destination().port();
            meddle::replace(packet, meddling, port, (packet.source_ip, source.ip()));
        }
        if let Some(destination) = self.destination {
            let port = packet.source().port();
            meddle::replace(packet, meddling, port, (packet.destination_ip, destination.ip()));
        }
        meddle::normalise(packet, meddling);
    }
}

/// The TCP segment that a packet carries.
fn segment(packet: &Packet) -> Option<&Tcp> {
    match &packet.body {
        Body::Tcp(segment) => Some(segment),
        Body::Udp(_) | Body::Icmp(_) | Body::Trailing(_) => None,
    }
}

/// The far end of a packet that came `from` there.
fn remote(packet: &Packet, from: Side) -> SocketAddr {
    let remote = if from == Side::INSIDE { packet.destination() } else { packet.source() };
    far(packet.protocol(), remote)
}

/// The flow of a packet between the endpoint `near` of a mapping and `remote`.
pub(super) fn flow(packet: &Packet, near: SocketAddr, remote: SocketAddr) -> Flow {
    let protocol = packet.protocol();
    Flow { protocol, near, far: far(protocol, remote) }
}

/// The remote endpoint of a flow: an ICMP query has one identifier, and that is the near one.
pub(super) fn far(protocol: Protocol, remote: SocketAddr) -> SocketAddr {
    match protocol {
        Protocol::Udp | Protocol::Tcp => remote,
        Protocol::Icmp => SocketAddr::new(remote.ip(), 0),
    }
}

/// Ends a packet.
pub(super) fn refuse(packet: Packet, refusal: Refusal, out: &mut Outlet<'_>) {
    out.drop_because(packet, refusal.reason(), || refusal.to_string());
}

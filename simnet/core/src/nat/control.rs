//! The port control server of a box: what reaches it, and what it may do to mappings.

use std::{
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use base::Instant;

use super::{
    Nat,
    explicit::{Explicit, ExplicitError},
    refusal::Refusal,
    table::Flow,
};
use crate::{
    event::DropReason,
    middlebox::{Outlet, Side},
    packet::{Body, Packet, Protocol, Tcp, TcpFlags},
    portcontrol::SERVER_PORT,
};

impl Nat {
    /// Whether a packet from inside is for the port control server.
    pub(super) fn is_for_control(&self, packet: &Packet) -> bool {
        self.control.is_some()
            && packet.fragment.is_none()
            && matches!(&packet.body, Body::Udp(udp) if udp.destination_port == SERVER_PORT)
            && self.translator.addresses.is_own_inside(packet.destination_ip)
    }

    /// Answers a packet for the port control server.
    pub(super) fn serve_control(&mut self, packet: Packet, out: &mut Outlet<'_>) {
        let Some(mut server) = self.control.take() else { return };
        let intact = matches!(&packet.body, Body::Udp(udp) if udp.checksum_ok);
        let answer = if intact {
            server.handle(packet.source(), packet.payload(), self, out)
        } else {
            Err("the checksum does not fit")
        };
        self.control = Some(server);
        match answer {
            Ok(answer) => {
                out.send(Side::INSIDE, Packet::udp(packet.destination(), packet.source(), answer));
                out.absorb(packet);
            }
            Err(why) => {
                out.drop_because(packet, DropReason::PortControlIgnored, || why.to_owned());
            }
        }
    }

    /// Tells all hosts that the box has no mappings any more, when that is due.
    pub(super) fn announce(&mut self, out: &mut Outlet<'_>) {
        let external = self.external_address();
        let Some(server) = &mut self.control else { return };
        let own = self.translator.addresses.own(Side::INSIDE, false);
        while let Some((to, messages)) = server.announce(external, out.now()) {
            // Announcements go to IPv4 neighbours alone; the epoch begins all the same.
            let Some(own) = own else { continue };
            for message in messages {
                let from = SocketAddr::new(own, SERVER_PORT);
                let mut packet = Packet::udp(from, to, message);
                packet.hop_limit = 1;
                out.send(Side::INSIDE, packet);
            }
        }
    }

    /// When the server has something to say of its own accord.
    pub(super) fn next_announcement(&self) -> Option<Instant> {
        self.control.as_ref()?.next_deadline()
    }

    /// Whether the filters that a host asked for let a packet from outside in: RFC 6887 §13.3.
    pub(super) fn is_admitted(&self, packet: &Packet, out: &Outlet<'_>) -> bool {
        let Some(server) = &self.control else { return true };
        let error = matches!(&packet.body, Body::Icmp(icmp) if icmp.is_error());
        let (external, remote) = (packet.destination(), packet.source());
        error || server.admits(out.now(), packet.protocol(), external, remote)
    }

    /// The external address that hosts are told.
    #[must_use]
    pub fn external_address(&self) -> Option<IpAddr> {
        self.translator.addresses.pool.first().copied()
    }

    /// Whether hosts of this family have external endpoints of their own.
    pub(crate) const fn can_map(&self, host: IpAddr) -> bool {
        host.is_ipv4() || self.mixed
    }

    /// The external endpoint that stands for an internal one towards `remote`, if there is one already.
    pub(crate) fn external_of(
        &self,
        protocol: Protocol,
        internal: SocketAddr,
        remote: SocketAddr,
    ) -> Option<SocketAddr> {
        let flow = Flow { protocol, near: internal, far: remote };
        let table = &self.translator.table;
        let session = table.session_inside(&flow).and_then(|id| table.session(id));
        session.map(|session| session.outside.near)
    }

    /// Makes a mapping towards one peer, as a packet to it would, and keeps it for that long at least
    /// (RFC 6887 §12.3).
    ///
    /// # Errors
    ///
    /// If the limits are reached, or no port is free.
    pub(crate) fn map_peer(
        &mut self,
        protocol: Protocol,
        internal: SocketAddr,
        remote: SocketAddr,
        lifetime: Duration,
        out: &mut Outlet<'_>,
    ) -> Result<Explicit, ExplicitError> {
        let flow = Flow { protocol, near: internal, far: remote };
        let translator = &mut self.translator;
        if translator.table.session_inside(&flow).is_none() {
            let opening = Tcp::new(TcpFlags::SYN);
            let segment = (protocol == Protocol::Tcp).then_some(&opening);
            translator.outbound(&flow, segment, out).map_err(|refusal| match refusal {
                Refusal::NoPort { .. } | Refusal::Collision { .. } | Refusal::NoAddress => {
                    ExplicitError::NoResources
                }
                _ => ExplicitError::Quota,
            })?;
        }
        let id = translator.table.session_inside(&flow).ok_or(ExplicitError::NoResources)?;
        let until = out.now() + lifetime;
        let session = translator.table.session_mut(id).ok_or(ExplicitError::NoResources)?;
        session.deadline = session.deadline.max(until);
        let (mapping, external, expires) =
            (session.mapping, session.outside.near, session.deadline);
        translator.prolong(mapping, until, out);
        Ok(Explicit { external, expires })
    }
}

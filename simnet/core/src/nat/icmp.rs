//! ICMP errors on their way through: RFC 4787 §9, RFC 5508 §4, §5.
//!
//! No function here takes the books to write in: an ICMP error neither refreshes nor ends a mapping
//! (RFC 4787 §9, RFC 5508 §4.3).

use std::net::SocketAddr;

use super::{
    config::{Hairpin, IcmpErrors},
    passage::{Rewrite, far},
    refusal::Refusal,
    table::{Flow, Mapping, Scope},
    translate::Translator,
};
use crate::{
    middlebox::Side,
    packet::{Packet, Protocol, Quote},
};

impl Translator {
    /// An error from outside about a packet that a mapping sent: RFC 5508 §4.2.1.
    pub(super) fn error_from_outside(
        &self,
        packet: &Packet,
        quote: &Quote,
    ) -> Result<Rewrite, Refusal> {
        if self.config.icmp.errors == IcmpErrors::Drop {
            return Err(Refusal::NoIcmpErrors);
        }
        let outside = quoted(quote, quote.source, quote.destination);
        let target = self.target(&outside).map_err(|_| unknown(quote))?;
        // RFC 4787 §9: routers on the way report too, so the reporter's address says nothing.
        let contacted = |id| self.table.has_peer(id, packet.source_ip);
        if self.config.icmp.errors == IcmpErrors::TranslateFromContacted
            && !target.mapping.is_some_and(contacted)
        {
            return Err(Refusal::StrangeReporter);
        }
        Ok(Rewrite {
            to: Side::INSIDE,
            source: None,
            destination: Some(SocketAddr::new(target.internal.ip(), 0)),
            quote: Some((target.internal, quote.destination)),
        })
    }

    /// An error from inside about a packet that a mapping let in: RFC 5508 §4.2.2.
    pub(super) fn error_from_inside(
        &self,
        packet: &Packet,
        quote: &Quote,
    ) -> Result<Rewrite, Refusal> {
        if self.config.icmp.errors == IcmpErrors::Drop {
            return Err(Refusal::NoIcmpErrors);
        }
        let mapping = self.quoted_inside(quote).ok_or_else(|| unknown(quote))?;
        let external = mapping.external;
        // The reporter is the mapped host itself, or a router whose address means nothing outside.
        let own = self.addresses.own(Side::OUTSIDE, packet.is_ipv6());
        let reporter = match own {
            _ if packet.source_ip == mapping.internal.ip() => external.ip(),
            Some(own) => own,
            None => packet.source_ip,
        };
        let source = Some(SocketAddr::new(reporter, 0));
        if !self.is_external(packet.destination_ip) {
            let quote = Some((quote.source, external));
            return Ok(Rewrite { to: Side::OUTSIDE, source, destination: None, quote });
        }
        // RFC 5508 §5: the packet in question was hairpinned, so the error goes the same way.
        if self.config.hairpin == Hairpin::None {
            return Err(Refusal::NoHairpin { external: quote.source });
        }
        let back = quoted(quote, quote.source, external);
        let sender = self.target(&back).map_err(|_| unknown(quote))?.internal;
        Ok(Rewrite {
            to: Side::INSIDE,
            source,
            destination: Some(SocketAddr::new(sender.ip(), 0)),
            quote: Some((sender, external)),
        })
    }

    /// The mapping through which the quoted packet came in.
    fn quoted_inside(&self, quote: &Quote) -> Option<Mapping> {
        let inside = quoted(quote, quote.destination, quote.source);
        let by_session = self
            .table
            .session_inside(&inside)
            .and_then(|id| self.table.session(id))
            .map(|session| session.mapping);
        let scopes = [Scope::Any, Scope::Address(inside.far.ip()), Scope::Endpoint(inside.far)];
        let protocol = self.book(inside.protocol);
        let by_scope = || {
            let of = |scope| self.table.mapping_for(protocol, inside.near, scope);
            scopes.into_iter().find_map(of)
        };
        // With lax filters the quoted packet may have come through a mapping made for somebody else.
        let any = || self.table.mappings_of(protocol, inside.near).last().copied();
        let id = by_session.or_else(by_scope).or_else(any)?;
        self.table.mapping(id).copied()
    }
}

/// The flow of a quoted packet between the endpoint `near` of a mapping and `remote`.
fn quoted(quote: &Quote, near: SocketAddr, remote: SocketAddr) -> Flow {
    let protocol: Protocol = quote.protocol;
    Flow { protocol, near, far: far(protocol, remote) }
}

const fn unknown(quote: &Quote) -> Refusal {
    Refusal::UnknownQuote { source: quote.source, destination: quote.destination }
}

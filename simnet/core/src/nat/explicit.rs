//! Mappings that are asked for by name: static ones by the configuration, explicit ones by hosts through
//! a port control protocol (RFC 6887 §11).

use std::{
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use base::Instant;

use super::{
    Nat,
    refusal::Refusal,
    slab::Id,
    table::{Flow, Kind, Scope},
    translate::Translator,
};
use crate::{event::NatEvent, middlebox::Outlet, packet::Protocol};

/// What [`Nat::map_explicit`] is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExplicitRequest {
    /// Of which protocol.
    pub protocol: Protocol,
    /// The internal endpoint that is to be reached.
    pub internal: SocketAddr,
    /// The external endpoint that it would like to have. A port of 0, and an unspecified address, leave
    /// the choice to the box.
    pub external: Option<SocketAddr>,
    /// Whether no other external endpoint will do.
    pub exact: bool,
    /// For how long, from now on; 0 ends the mapping.
    pub lifetime: Duration,
}

/// What became of an [`ExplicitRequest`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Explicit {
    /// The external endpoint.
    pub external: SocketAddr,
    /// When it ends unless asked for again; never, if the configuration asks for it too.
    pub expires: Instant,
}

/// Why there is no explicit mapping.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExplicitError {
    /// The external endpoint is not to be had, and no other will do.
    #[error("that external endpoint is not to be had")]
    CannotProvide,
    /// The host, or the box, has as many mappings as it may.
    #[error("there are as many mappings as may be")]
    Quota,
    /// No port is free, or the box has no external address.
    #[error("no external port is free")]
    NoResources,
    /// The configuration asks for the mapping, so that it cannot be ended.
    #[error("the mapping is static")]
    Static,
}

impl Nat {
    /// Makes an explicit mapping, renews it, or ends it, as a port control server asks. The mapping lets
    /// everybody in, lives at least as long as promised, whatever passes through it, and gives what
    /// the internal endpoint sends from then on its external endpoint, whatever the configuration says
    /// about mappings. An implicit mapping of the endpoint that serves all destinations becomes explicit
    /// and keeps its external endpoint.
    ///
    /// A server that is part of a box calls it with the outlet it was given; a test does so through
    /// [`Network::with_middlebox`](crate::Network::with_middlebox).
    ///
    /// # Errors
    ///
    /// If the limits are reached, no port is free, or the one wanted is not and no other will do.
    pub fn map_explicit(
        &mut self,
        request: &ExplicitRequest,
        out: &mut Outlet<'_>,
    ) -> Result<Explicit, ExplicitError> {
        self.catch_up(out);
        self.translator.map_explicit(request, self.mixed, out)
    }

    /// The explicit or static mapping of an internal endpoint, if there is one.
    #[must_use]
    pub fn explicit(&self, protocol: Protocol, internal: SocketAddr) -> Option<Explicit> {
        let table = &self.translator.table;
        let id = table.named(self.translator.book(protocol), internal)?;
        let mapping = table.mapping(id)?;
        Some(Explicit { external: mapping.external, expires: mapping.deadline })
    }
}

impl Translator {
    fn map_explicit(
        &mut self,
        request: &ExplicitRequest,
        mixed: bool,
        out: &mut Outlet<'_>,
    ) -> Result<Explicit, ExplicitError> {
        let protocol = self.book(request.protocol);
        let until = out.now() + request.lifetime;
        let existing = self.table.mapping_for(protocol, request.internal, Scope::Any);
        if let Some(id) = existing
            && let Some(mapping) = self.table.mapping(id)
        {
            let (kind, external) = (mapping.kind, mapping.external);
            return match kind {
                Kind::Static if request.lifetime.is_zero() => Err(ExplicitError::Static),
                Kind::Static => Ok(Explicit { external, expires: Instant::MAX }),
                Kind::Explicit if request.lifetime.is_zero() => {
                    self.remove(id, out);
                    Ok(Explicit { external, expires: out.now() })
                }
                // RFC 6887 §15: only what was made explicitly is ended explicitly.
                Kind::Dynamic if request.lifetime.is_zero() => {
                    Ok(Explicit { external, expires: out.now() })
                }
                Kind::Dynamic | Kind::Explicit => {
                    if request.exact && !request.is_content_with(external) {
                        return Err(ExplicitError::CannotProvide);
                    }
                    Ok(self.promise(id, until, out))
                }
            };
        }
        if request.lifetime.is_zero() {
            let external = request.external.unwrap_or(UNSPECIFIED);
            return Ok(Explicit { external, expires: out.now() });
        }
        let host = request.internal.ip();
        self.check_mappings(host, out.now()).map_err(|_| ExplicitError::Quota)?;
        // Without translation between families, an IPv6 address stays in its own.
        let far = if request.internal.is_ipv6() && !mixed { UNSPECIFIED_V6 } else { UNSPECIFIED };
        let flow = Flow { protocol, near: request.internal, far };
        let (external, address) = self.choose(request, &flow, out)?;
        let id = self.enter(&flow, Scope::Any, external, address, out.now());
        self.tell_mapped(&flow, external, out);
        Ok(self.promise(id, until, out))
    }

    /// The external endpoint of a new explicit mapping, and the index of its address in the pool.
    fn choose(
        &mut self,
        request: &ExplicitRequest,
        flow: &Flow,
        out: &mut Outlet<'_>,
    ) -> Result<(SocketAddr, usize), ExplicitError> {
        let wanted = request.external.filter(|wanted| wanted.port() != 0 && flow.far.is_ipv4());
        for (index, &ip) in self.addresses.pool.iter().enumerate() {
            let Some(wanted) = wanted else { break };
            let external = SocketAddr::new(ip, wanted.port());
            if request.is_content_with(external) && self.is_free(external, flow, Scope::Any) {
                return Ok((external, index));
            }
        }
        if request.exact && wanted.is_some() {
            return Err(ExplicitError::CannotProvide);
        }
        let assigned = self.assign(flow, Scope::Any, out).map_err(|refusal| match refusal {
            Refusal::NoPort { .. } | Refusal::Collision { .. } | Refusal::NoAddress => {
                ExplicitError::NoResources
            }
            _ => ExplicitError::Quota,
        })?;
        Ok((assigned.external, assigned.address))
    }

    /// Keeps a mapping until then at least.
    fn promise(&mut self, id: Id, until: Instant, out: &mut Outlet<'_>) -> Explicit {
        self.table.set_kind(id, Kind::Explicit, until, self.config.timers.linger);
        let held = self.table.mapping(id).map(|held| (held.internal, held.external, held.deadline));
        let (internal, external, expires) = held.unwrap_or((UNSPECIFIED, UNSPECIFIED, until));
        out.event(|| NatEvent::Refreshed { internal, external, expires });
        Explicit { external, expires: until }
    }

    /// Makes the mappings that the configuration asks for.
    pub(super) fn install(&mut self, out: &mut Outlet<'_>) {
        for forward in self.config.fixed.forwards.clone() {
            let first = self.addresses.pool.first().copied();
            let Some(ip) = forward.external_address.or(first) else { continue };
            let external = SocketAddr::new(ip, forward.external_port);
            for protocol in forward.protocol.protocols() {
                let protocol = self.book(*protocol);
                if self.table.mapping_for(protocol, forward.internal, Scope::Any).is_some() {
                    continue;
                }
                let flow = Flow { protocol, near: forward.internal, far: UNSPECIFIED };
                self.evict(&flow, external, out);
                let position = self.addresses.pool.iter().position(|own| *own == ip);
                let address = position.unwrap_or(0);
                let id = self.enter(&flow, Scope::Any, external, address, out.now());
                self.table.set_kind(id, Kind::Static, Instant::MAX, Duration::ZERO);
                self.tell_mapped(&flow, external, out);
            }
        }
    }

    /// Says that a mapping exists which no packet asked for.
    fn tell_mapped(&self, flow: &Flow, external: SocketAddr, out: &mut Outlet<'_>) {
        let Flow { protocol, near: internal, far: remote } = *flow;
        out.event(|| NatEvent::Mapped { protocol, internal, external, remote });
    }
}

impl ExplicitRequest {
    /// Whether `external` is what was wished for.
    fn is_content_with(&self, external: SocketAddr) -> bool {
        self.external.is_none_or(|wanted| {
            (wanted.port() == 0 || wanted.port() == external.port())
                && (wanted.ip().is_unspecified() || wanted.ip() == external.ip())
        })
    }
}

/// Nobody in particular.
const UNSPECIFIED: SocketAddr = SocketAddr::new(IpAddr::V4(std::net::Ipv4Addr::UNSPECIFIED), 0);

/// The same, of the other family.
const UNSPECIFIED_V6: SocketAddr = SocketAddr::new(IpAddr::V6(std::net::Ipv6Addr::UNSPECIFIED), 0);

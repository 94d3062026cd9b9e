//! Mappings that let others in: RFC 6887 §11.

use std::{net::SocketAddr, time::Duration};

use base::Instant;

use super::{
    lease::{Key, Lease},
    pcp::{ANY, Filter, Map, Operation, PcpOption, ResultCode},
    server::{Desk, Served, Server, end, is_reserved, life, protocol, seconds, suggested},
};
use crate::nat::{ExplicitError, ExplicitRequest};

/// A life without end, as messages say it (RFC 6887 §11.3).
const FOREVER: Duration = Duration::from_secs(u32::MAX as u64);

impl Server {
    pub(super) fn map(&mut self, map: &Map, desk: &mut Desk<'_, '_, '_>) -> Served {
        if map.protocol == 0 && map.internal_port != 0 {
            return refuse(ResultCode::MALFORMED_REQUEST);
        }
        let protocol = protocol(map.protocol).filter(|_| map.internal_port != 0);
        // RFC 6887 §11.3: all ports, and all protocols, are more than this box gives to one.
        let Some(protocol) = protocol else { return refuse(ResultCode::UNSUPP_PROTOCOL) };
        let internal = SocketAddr::new(desk.host, map.internal_port);
        let key = Key { internal, protocol, remote: None };
        if !desk.nat.can_map(desk.host) {
            return refuse(ResultCode::UNSUPP_PROTOCOL);
        }
        if let Some(lease) = self.leases.get(&key)
            && lease.nonce != Some(map.nonce)
        {
            let left = lease.expires.saturating_duration_since(desk.out.now());
            return Err((ResultCode::NOT_AUTHORIZED, left));
        }
        if desk.request.lifetime == 0 {
            return self.end_map(&key, map, desk);
        }
        self.grant(key, map, desk)
    }

    fn end_map(&mut self, key: &Key, map: &Map, desk: &mut Desk<'_, '_, '_>) -> Served {
        // RFC 6887 §11.3, §13.3: these options make no sense when there is nothing to have.
        let senseless =
            |option: &PcpOption| matches!(option, PcpOption::PreferFailure | PcpOption::Filter(_));
        if desk.request.options.iter().any(senseless) {
            return refuse(ResultCode::MALFORMED_OPTION);
        }
        // RFC 6887 §15.1: what was not asked for by PCP cannot be ended by it.
        if end(key, desk.nat, desk.out).is_err() {
            return refuse(ResultCode::NOT_AUTHORIZED);
        }
        self.leases.remove(key);
        Ok((Duration::ZERO, Operation::Map(*map), heeded(desk)))
    }

    fn grant(&mut self, key: Key, map: &Map, desk: &mut Desk<'_, '_, '_>) -> Served {
        let now = desk.out.now();
        let existing = self.leases.get(&key).cloned();
        let old = existing.as_ref().map(|lease| lease.filters.clone()).unwrap_or_default();
        let filters = filters(old, &desk.request.options);
        if filters.len() > self.config.filters.max(1) {
            return refuse(ResultCode::EXCESSIVE_REMOTE_PEERS);
        }
        if existing.is_none() && !self.has_room(desk.host) {
            return refuse(ResultCode::USER_EX_QUOTA);
        }
        let preferences =
            desk.request.options.iter().filter(|it| matches!(it, PcpOption::PreferFailure));
        let exact = match preferences.count() {
            0 => false,
            1 => true,
            // RFC 6887 §13.2: once is enough, and without a wish it makes no sense.
            _ => return refuse(ResultCode::MALFORMED_OPTION),
        };
        let wanted = suggested(map);
        if exact && wanted.is_none_or(|wanted| wanted.port() == 0 || wanted.ip().is_unspecified()) {
            return refuse(ResultCode::MALFORMED_OPTION);
        }
        if exact && is_reserved(key.protocol, map.external.port()) {
            return refuse(ResultCode::CANNOT_PROVIDE_EXTERNAL);
        }
        let asked = Duration::from_secs(desk.request.lifetime.into());
        // RFC 6887 §15: a request never makes a mapping end sooner.
        let left =
            existing.map_or(Duration::ZERO, |lease| lease.expires.saturating_duration_since(now));
        let lifetime = self.config.grant(asked).max(left);
        let request = ExplicitRequest {
            protocol: key.protocol,
            internal: key.internal,
            external: wanted.filter(|wanted| !is_reserved(key.protocol, wanted.port())),
            exact,
            lifetime,
        };
        let granted = match desk.nat.map_explicit(&request, desk.out) {
            Ok(granted) => granted,
            Err(error) => return refuse(code(error)),
        };
        if granted.expires == Instant::MAX {
            // RFC 6887 §11.3: a static mapping is told, and its nonce is not kept.
            let told = Map { external: granted.external, ..*map };
            return Ok((FOREVER, Operation::Map(told), heeded(desk)));
        }
        let expires = now + lifetime;
        let nonce = Some(map.nonce);
        self.leases.insert(key, Lease { nonce, external: granted.external, expires, filters });
        let told = Map { external: granted.external, ..*map };
        Ok((Duration::from_secs(seconds(lifetime).into()), Operation::Map(told), heeded(desk)))
    }
}

/// The filters of a mapping after a request: RFC 6887 §13.3.
fn filters(mut filters: Vec<Filter>, options: &[PcpOption]) -> Vec<Filter> {
    for option in options {
        match option {
            PcpOption::Filter(Filter { length: 0, .. }) => filters.clear(),
            PcpOption::Filter(filter) if !filters.contains(filter) => filters.push(*filter),
            _ => {}
        }
    }
    filters
}

/// The options of the request that were heeded, which the answer repeats.
pub(super) fn heeded(desk: &Desk<'_, '_, '_>) -> Vec<PcpOption> {
    desk.request.options.iter().filter(|option| option.is_mandatory()).cloned().collect()
}

pub(super) fn refuse(code: ResultCode) -> Served {
    Err((code, life(code)))
}

const fn code(error: ExplicitError) -> ResultCode {
    match error {
        ExplicitError::CannotProvide => ResultCode::CANNOT_PROVIDE_EXTERNAL,
        ExplicitError::Quota => ResultCode::USER_EX_QUOTA,
        ExplicitError::NoResources => ResultCode::NO_RESOURCES,
        ExplicitError::Static => ResultCode::NOT_AUTHORIZED,
    }
}

/// Whether a message leaves the external endpoint open.
pub(super) fn is_open(external: SocketAddr) -> bool {
    external.port() == ANY.port() && external.ip().is_unspecified()
}

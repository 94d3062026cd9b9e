//! Mappings towards one peer: RFC 6887 §12.

use std::{net::SocketAddr, time::Duration};

use super::{
    lease::{Key, Lease},
    map::{heeded, is_open, refuse},
    pcp::{Map, Operation, PcpOption, ResultCode},
    server::{Desk, Served, Server, protocol, seconds},
};
use crate::nat::ExplicitError;

impl Server {
    pub(super) fn peer(
        &mut self,
        map: &Map,
        remote: SocketAddr,
        desk: &mut Desk<'_, '_, '_>,
    ) -> Served {
        let now = desk.out.now();
        let senseless =
            |option: &PcpOption| matches!(option, PcpOption::PreferFailure | PcpOption::Filter(_));
        let impossible = map.internal_port == 0
            || remote.port() == 0
            || remote.ip().is_unspecified()
            || remote.ip().is_multicast()
            || remote.ip().is_loopback()
            || desk.request.options.iter().any(senseless);
        if map.protocol == 0 || impossible {
            // RFC 6887 §12.1: PREFER_FAILURE is implied, and nothing else of the kind is allowed.
            return refuse(ResultCode::MALFORMED_REQUEST);
        }
        let translated = desk.nat.can_map(desk.host) && remote.is_ipv4();
        let Some(protocol) = protocol(map.protocol).filter(|_| translated) else {
            return refuse(ResultCode::UNSUPP_PROTOCOL);
        };
        let internal = SocketAddr::new(desk.host, map.internal_port);
        let key = Key { internal, protocol, remote: Some(remote) };
        let lease = self.leases.get(&key);
        if let Some(lease) = lease
            && lease.nonce != Some(map.nonce)
        {
            let left = lease.expires.saturating_duration_since(now);
            return Err((ResultCode::NOT_AUTHORIZED, left));
        }
        if lease.is_none() && !self.has_room(desk.host) {
            return refuse(ResultCode::USER_EX_QUOTA);
        }
        // RFC 6887 §12.3: a wish is heeded where nothing exists yet. It cannot be, unless the endpoint
        // has that external one towards others: outbound mappings are not made to measure here.
        let existing = desk.nat.external_of(protocol, internal, remote);
        if existing.is_none() && !is_open(map.external) {
            return refuse(ResultCode::CANNOT_PROVIDE_EXTERNAL);
        }
        let asked = Duration::from_secs(desk.request.lifetime.into());
        let lifetime =
            if desk.request.lifetime == 0 { Duration::ZERO } else { self.config.grant(asked) };
        let granted = match desk.nat.map_peer(protocol, internal, remote, lifetime, desk.out) {
            Ok(granted) => granted,
            Err(ExplicitError::Quota) => return refuse(ResultCode::USER_EX_QUOTA),
            Err(_) => return refuse(ResultCode::NO_RESOURCES),
        };
        let left = granted.expires.saturating_duration_since(now);
        let (nonce, external, expires) = (Some(map.nonce), granted.external, granted.expires);
        self.leases.insert(key, Lease { nonce, external, expires, filters: Vec::new() });
        let told = Map { external, ..*map };
        let left = Duration::from_secs(seconds(left).into());
        Ok((left, Operation::Peer(told, remote), heeded(desk)))
    }
}

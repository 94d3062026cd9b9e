//! What must always hold of a NAT's books.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::SocketAddr,
};

use super::{
    config::{Collision, Mapping as Behaviour},
    slab::Id,
    table::{Kind, Mapping, Scope},
    translate::Translator,
};

/// Checks every entry against the others; says what is wrong.
pub(super) fn audit(translator: &Translator) -> Result<(), String> {
    external_endpoints(translator)?;
    sessions(translator)?;
    limits(translator)
}

/// No two mappings share an external endpoint, unless the configuration says so.
fn external_endpoints(translator: &Translator) -> Result<(), String> {
    let table = &translator.table;
    let config = &translator.config;
    let overloads = config.ports.on_collision == Collision::Overload;
    let shares = config.ports.overlap_by_destination
        || std::iter::once(config.mapping)
            .chain(config.tcp.mapping)
            .chain(config.over_time.deviation.as_ref().map(|deviation| deviation.mapping))
            .any(|mapping| mapping == Behaviour::EndpointIndependentIfPossible);

    let mut held: BTreeMap<_, Vec<(Scope, SocketAddr)>> = BTreeMap::new();
    for (id, mapping) in table.mappings() {
        let Mapping { protocol, external, scope, internal, .. } = *mapping;
        let others = held.entry((protocol, external)).or_default();
        for (other, owner) in others.iter() {
            // An address of one's own, and what nobody else wants, is shared with oneself alone.
            let own = *owner == internal
                && (translator.addresses.owner(external).is_some()
                    || config.fixed.dmz_host == Some(internal.ip()));
            let apart = *other != scope && (own || shares);
            let named = *other == Scope::Any || scope == Scope::Any;
            if !overloads && (!apart || named && !own) {
                return Err(format!("two mappings share {external} for {other:?} and {scope:?}"));
            }
        }
        others.push((scope, internal));
        let indexed = table.mappings_at(protocol, external).contains(&id)
            && table.mappings_of(protocol, internal).contains(&id);
        if !indexed {
            return Err(format!("the mapping at {external} cannot be found"));
        }
        if mapping.kind != Kind::Dynamic && table.named(protocol, internal).is_none() {
            return Err(format!("the mapping of {internal} lost its name"));
        }
    }
    Ok(())
}

/// Every session belongs to a mapping that outlives it.
fn sessions(translator: &Translator) -> Result<(), String> {
    let table = &translator.table;
    let mut counts: BTreeMap<Id, u32> = BTreeMap::new();
    for (_, session) in table.sessions() {
        // Sessions of an overridden mapping wait for their end, and are not looked at.
        let Some(mapping) = table.mapping(session.mapping) else { continue };
        *counts.entry(session.mapping).or_default() += 1;
        let agrees = session.inside.near == mapping.internal
            && session.outside.near == mapping.external
            && session.inside.far == session.outside.far;
        if !agrees {
            return Err(format!("a session strays from its mapping at {}", mapping.external));
        }
        if session.deadline > mapping.deadline {
            return Err(format!("a session outlives its mapping at {}", mapping.external));
        }
        if !table.has_peer(session.mapping, session.inside.far.ip()) {
            return Err(format!("{} does not know {}", mapping.external, session.inside.far));
        }
    }
    for (id, mapping) in table.mappings() {
        if counts.get(&id).copied().unwrap_or(0) != mapping.sessions {
            return Err(format!("{} has lost count of its sessions", mapping.external));
        }
    }
    Ok(())
}

/// There is no more of anything than may be.
fn limits(translator: &Translator) -> Result<(), String> {
    let table = &translator.table;
    let limits = &translator.config.limits;
    // Static mappings are made whatever the limits say.
    let fixed = table.mappings().filter(|(_, mapping)| mapping.kind == Kind::Static).count();
    if table.mapping_count() > limits.mappings.saturating_add(fixed) {
        return Err(format!("{} mappings are too many", table.mapping_count()));
    }
    if table.session_count() > limits.sessions {
        return Err(format!("{} sessions are too many", table.session_count()));
    }
    let mut ports: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
    let mut counts: BTreeMap<_, usize> = BTreeMap::new();
    for (_, mapping) in table.mappings() {
        let host = mapping.internal.ip();
        ports.entry(host).or_default().insert((mapping.protocol, mapping.external));
        *counts.entry(host).or_default() += 1;
    }
    for (ip, ports) in ports {
        let count = counts.get(&ip).copied().unwrap_or(0);
        let known = table.host(ip).map(|host| (host.mappings, host.ports));
        if known != Some((count, ports.len())) {
            let ports = ports.len();
            return Err(format!("{ip} has {count} mappings at {ports} ports, not {known:?}"));
        }
        let most = limits.ports_per_host.unwrap_or(usize::MAX).saturating_add(fixed);
        if ports.len() > most || count > limits.mappings_per_host.saturating_add(fixed) {
            return Err(format!("{ip} has {count} mappings at {} ports", ports.len()));
        }
    }
    Ok(())
}

//! What must always hold of a NAT's books.

use std::collections::BTreeMap;

use super::{
    config::{Collision, Mapping as Behaviour},
    table::Scope,
    translate::Translator,
};

/// Checks every entry against the others; says what is wrong.
pub(super) fn audit(translator: &Translator) -> Result<(), String> {
    let table = &translator.table;
    let config = &translator.config;
    let overloads = config.ports.on_collision == Collision::Overload;
    let shares = config.ports.overlap_by_destination
        || std::iter::once(config.mapping)
            .chain(config.over_time.deviation.as_ref().map(|deviation| deviation.mapping))
            .any(|mapping| mapping == Behaviour::EndpointIndependentIfPossible);

    let mut held: BTreeMap<_, Vec<Scope>> = BTreeMap::new();
    for (id, mapping) in table.mappings() {
        let key = (mapping.protocol, mapping.external);
        let scopes = held.entry(key).or_default();
        if !overloads && !scopes.is_empty() {
            if !shares {
                return Err(format!("two mappings share {}", mapping.external));
            }
            if scopes.contains(&mapping.scope) || mapping.scope == Scope::Any {
                return Err(format!("{} serves {:?} twice", mapping.external, mapping.scope));
            }
        }
        scopes.push(mapping.scope);
        let indexed = table.mappings_at(mapping.protocol, mapping.external).contains(&id)
            && table.mappings_of(mapping.protocol, mapping.internal).contains(&id);
        if !indexed {
            return Err(format!("the mapping at {} cannot be found", mapping.external));
        }
    }
    for (_, session) in table.sessions() {
        // Sessions of an overridden mapping wait for their end, and are not looked at.
        let Some(mapping) = table.mapping(session.mapping) else { continue };
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
    Ok(())
}

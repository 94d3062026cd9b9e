//! Hosts: what changes on them, and what the network makes of it.

#[path = "hosts/anything.rs"]
mod anything;
#[path = "hosts/changes.rs"]
mod changes;
#[path = "hosts/clocks.rs"]
mod clocks;
#[path = "hosts/crashes.rs"]
mod crashes;
#[path = "hosts/groups.rs"]
mod groups;
#[path = "hosts/guards.rs"]
mod guards;
#[path = "hosts/paths.rs"]
mod paths;
#[path = "hosts/sources.rs"]
mod sources;
#[path = "hosts/support.rs"]
mod support;

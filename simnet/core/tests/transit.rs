//! Boxes between networks, one packet at a time: firewalls, NAT64, CLAT, port control.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "what a test sets up itself is there, or the test fails"
)]

#[path = "transit/bench.rs"]
mod bench;
#[path = "transit/firewall.rs"]
mod firewall;
#[path = "transit/firewall_tcp.rs"]
mod firewall_tcp;
#[path = "transit/nat64.rs"]
mod nat64;
#[path = "transit/portcontrol.rs"]
mod portcontrol;
#[path = "transit/property.rs"]
mod property;

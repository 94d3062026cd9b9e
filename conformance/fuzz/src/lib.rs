//! Fuzz targets that are ordinary tests as well.
//!
//! A target is a function that takes any bytes and panics if something is wrong. `tests/replay.rs` runs
//! each over its corpus and over some thousands of seeded inputs; the crate in `libfuzzer/` runs the
//! same functions under cargo-fuzz.
//!
//! | target | takes |
//! |---|---|
//! | `stun_message` | the bytes of a message |
//! | `stun_commands` | a life of a client and a server |
//! | `nat_packets` | packets of all kinds through a NAT of any kind |
//! | `nat_commands` | a life of a NAT, beside a model that only remembers |
//! | `ice_candidate` | texts of candidates and parameters |
//! | `ice_stream` | a TCP connection of ICE, cut anywhere |
//! | `ice_commands` | a life of two agents |
//! | `turn_commands` | a life of two clients and a TURN server |
//! | `mdns_packets` | packets of multicast DNS |
//! | `dtls_messages` | the body of a DTLS message, or the value of an extension |
//! | `sctp_packet` | the bytes of an SCTP packet |
//! | `sctp_commands` | a life of two associations |
//! | `sctp_hostile` | an association and a peer that says what it likes |
//! | `sctp_cookie` | state cookies, changed in any way |
//! | `datachannel_messages` | a message that opens a data channel |
//! | `worlds` | whole worlds of hosts, NATs, links and events |

mod datachannel_messages;
mod dtls_messages;
mod ice_candidate;
mod ice_commands;
mod ice_stream;
mod mdns_packets;
mod nat;
mod sctp_commands;
mod sctp_cookie;
mod sctp_hostile;
mod sctp_life;
mod sctp_packet;
mod stun_commands;
mod stun_message;
mod turn_commands;
mod worlds;

pub use datachannel_messages::datachannel_messages;
pub use dtls_messages::dtls_messages;
pub use ice_candidate::ice_candidate;
pub use ice_commands::ice_commands;
pub use ice_stream::ice_stream;
pub use mdns_packets::mdns_packets;
pub use nat::{nat_commands, nat_packets};
pub use sctp_commands::sctp_commands;
pub use sctp_cookie::sctp_cookie;
pub use sctp_hostile::sctp_hostile;
pub use sctp_packet::sctp_packet;
pub use stun_commands::stun_commands;
pub use stun_message::stun_message;
pub use turn_commands::turn_commands;
pub use worlds::worlds;

/// A target: any bytes are its input, a panic is its finding.
pub type Target = fn(&[u8]);

/// All targets by name. The name is also that of the corpus folder and of the binary in `libfuzzer/`.
pub const TARGETS: &[(&str, Target)] = &[
    ("stun_message", stun_message),
    ("stun_commands", stun_commands),
    ("nat_packets", nat_packets),
    ("nat_commands", nat_commands),
    ("ice_candidate", ice_candidate),
    ("ice_stream", ice_stream),
    ("ice_commands", ice_commands),
    ("turn_commands", turn_commands),
    ("mdns_packets", mdns_packets),
    ("dtls_messages", dtls_messages),
    ("sctp_packet", sctp_packet),
    ("sctp_commands", sctp_commands),
    ("sctp_hostile", sctp_hostile),
    ("sctp_cookie", sctp_cookie),
    ("datachannel_messages", datachannel_messages),
    ("worlds", worlds),
];

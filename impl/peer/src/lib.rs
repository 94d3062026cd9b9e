//! Where the layers of a peer connection meet.
//!
//! Siblings do not know each other: an ICE agent knows nothing of TURN, a TURN client nothing of ICE. This
//! crate puts them together into machines that an application, or a driver, can use as one.
//!
//! [`IceTransport`] is an ICE agent with the STUN and TURN servers it needs. It opens a socket on every
//! address of the host, has an allocation made at every TURN server, and carries what the agent sends from
//! a relayed address to the server and back.
//!
//! | file | holds |
//! |---|---|
//! | `ice_transport.rs` | [`IceTransport`]: commands, what it is told and asked |
//! | `ice_transport/config.rs` | [`IceTransportConfig`], [`IceServer`], [`Policy`] |
//! | `ice_transport/addresses.rs` | which addresses of the host are offered |
//! | `ice_transport/bases.rs` | the sockets on them |
//! | `ice_transport/relay.rs`, `relays.rs` | allocations: one, and all of them |
//! | `ice_transport/route.rs` | what one layer says, carried to the next |
//! | `ice_transport/outbox.rs` | what waits to be sent |
//! | `ice_transport/report.rs` | [`Received`], [`RelayReport`] |
//!
//! ```
//! use base::{Instant, Interface, InterfaceAddress, InterfaceKind, Machine, Rng, SocketCommand};
//! use peer::{IceServer, IceTransport, IceTransportConfig};
//!
//! let mut config = IceTransportConfig::new(ice::Config::new(crypto::Provider::default()));
//! config.servers.push(IceServer::Stun("192.0.2.1:3478".parse().unwrap()));
//! let mut transport = IceTransport::new(config, Rng::from_seed([1; 32]), Instant::ZERO);
//!
//! // Its driver tells it of the interfaces of the host, and opens the sockets it asks for.
//! let interface = Interface {
//!     name: "eth0".into(),
//!     index: 2,
//!     kind: InterfaceKind::Ethernet,
//!     mtu: 1_500,
//!     addresses: vec![InterfaceAddress::new("198.51.100.7".parse().unwrap(), 24)],
//! };
//! transport.handle_interfaces(Instant::ZERO, &[interface]);
//! transport.gather(Instant::ZERO);
//! let local = "198.51.100.7:0".parse().unwrap();
//! assert_eq!(transport.poll_socket(), Some(SocketCommand::Open { local }));
//! ```

mod ice_transport;

pub use ice_transport::{
    IceServer, IceTransport, IceTransportConfig, MAX_ADDRESSES, MAX_EVENTS, MAX_QUEUED, MAX_RELAYS,
    Policy, Received, RelayReport, RelayState, SendError, TcpCandidates, TransportStats,
    TurnServer,
};

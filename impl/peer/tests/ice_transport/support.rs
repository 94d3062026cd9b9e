//! What the tests have in common.

use std::net::SocketAddr;

use base::{
    Instant, Interface, InterfaceAddress, InterfaceKind, Machine, Rng, SocketCommand, SocketInput,
};
use peer::{IceServer, IceTransport, IceTransportConfig};

pub(crate) const T0: Instant = Instant::ZERO;

pub(crate) fn addr(text: &str) -> SocketAddr {
    text.parse().expect("an address")
}

pub(crate) fn interface(name: &str, ips: &[&str]) -> Interface {
    let address = |ip: &&str| InterfaceAddress::new(ip.parse().expect("an address"), 24);
    Interface {
        name: name.to_owned(),
        index: 1,
        kind: InterfaceKind::Ethernet,
        mtu: 1_500,
        addresses: ips.iter().map(address).collect(),
    }
}

pub(crate) fn config() -> IceTransportConfig {
    IceTransportConfig::new(ice::Config::new(crypto::Provider::default()))
}

pub(crate) fn turn(address: &str, transport: turn::Transport) -> IceServer {
    IceServer::turn(addr(address), transport, "user", "password").expect("plain words")
}

pub(crate) fn transport(config: IceTransportConfig) -> IceTransport {
    IceTransport::new(config, Rng::from_seed([7; 32]), T0)
}

/// Opens every socket that it asks for, on ports from 5000; says which it asked for and which it closes.
pub(crate) fn serve(transport: &mut IceTransport, next_port: &mut u16) -> Vec<String> {
    let mut said = Vec::new();
    while let Some(command) = transport.poll_socket() {
        match command {
            SocketCommand::Open { local: asked } => {
                said.push(format!("open {asked}"));
                let port = if asked.port() == 0 { *next_port } else { asked.port() };
                *next_port += 1;
                let local = SocketAddr::new(asked.ip(), port);
                transport.handle_socket(T0, SocketInput::Opened { asked, local });
            }
            SocketCommand::Close { local } => said.push(format!("close {local}")),
        }
    }
    said
}

/// Where its datagrams go, and from where.
pub(crate) fn sends(transport: &mut IceTransport, now: Instant) -> Vec<String> {
    let mut buffer = Vec::new();
    let next = || {
        buffer.clear();
        transport.poll_transmit(now, &mut buffer)
    };
    std::iter::from_fn(next)
        .map(|it| {
            let source = it.source.map_or_else(|| "anywhere".to_owned(), |it| it.to_string());
            format!("{source} > {}", it.destination)
        })
        .collect()
}

/// What it reports, in short.
pub(crate) fn reports(transport: &mut IceTransport) -> Vec<String> {
    std::iter::from_fn(|| transport.poll_event())
        .map(|event| match event {
            ice::Event::LocalCandidate(candidate) => {
                let address = candidate.address.ip().expect("no names in these tests");
                format!("{} {address}", candidate.kind)
            }
            other => format!("{other:?}"),
        })
        .collect()
}

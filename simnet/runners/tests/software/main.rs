//! Asynchronous software on simulated hosts, under both runners.

mod border;
mod clocks;
mod echo;
mod hosts;
mod punching;
mod shape;
mod streams;
mod support;

/// Files that know nothing of this crate: the same ones that the example `system` runs over the sockets
/// of the system.
mod unchanged {
    use runners::{TcpListener, TcpStream, UdpSocket, spawn};

    pub(crate) mod punch;
    pub(crate) mod tcp_echo;
    pub(crate) mod udp_echo;
}

//! A TURN client on a runtime.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::Arc,
};

use base::Rng;
use runtime::Runtime;
use turn::{Client, ClientConfig, ConnectionId, Outgoing, SendError};

use crate::Driver;

impl Driver<Client> {
    /// A client that is set up as `config` says. Over UDP it gets a socket of its own, bound to
    /// `config.local` or to any port; over TCP and TLS it connects when it is told to allocate. For TLS,
    /// add [`Driver::with_tls`]; for DTLS somebody must stand between socket and client, so that
    /// this constructor is not for it.
    ///
    /// # Errors
    ///
    /// If the socket cannot be bound, or the system has no entropy.
    pub fn turn_client(runtime: Arc<dyn Runtime>, mut config: ClientConfig) -> io::Result<Self> {
        let rng = Rng::from_seed(runtime.seed()?);
        let now = runtime.now();
        if config.transport.is_stream() {
            return Ok(Self::new(runtime, Client::new(config, rng, now)));
        }
        let any = match config.server {
            SocketAddr::V4(_) => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
            SocketAddr::V6(_) => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
        };
        let wanted = config.local.take().unwrap_or_else(|| SocketAddr::new(any, 0));
        let mut driver = Self::new(runtime, Client::new(config, rng, now));
        driver.bind(wanted)?;
        Ok(driver)
    }

    /// Sends a datagram to a peer through the relay.
    ///
    /// # Errors
    ///
    /// As [`Client::send`].
    pub fn relay(&mut self, peer: SocketAddr, payload: &[u8]) -> Result<(), SendError> {
        let mut buffer = Vec::with_capacity(payload.len() + 64);
        let outgoing = self.command(|client, now| client.send(now, peer, payload, &mut buffer))?;
        self.carry(outgoing, &buffer);
        Ok(())
    }

    /// Sends bytes to a peer over a relayed TCP connection.
    ///
    /// # Errors
    ///
    /// As [`Client::write`].
    pub fn relay_bytes(&mut self, connection: ConnectionId, bytes: &[u8]) -> Result<(), SendError> {
        let mut buffer = Vec::with_capacity(bytes.len());
        let outgoing =
            self.command(|client, now| client.write(now, connection, bytes, &mut buffer))?;
        self.carry(outgoing, &buffer);
        Ok(())
    }

    fn carry(&mut self, outgoing: Outgoing, buffer: &[u8]) {
        match outgoing {
            Outgoing::Datagram(transmit) => self.send(&transmit, buffer),
            Outgoing::Stream { id, .. } => self.write(id, buffer),
        }
    }
}

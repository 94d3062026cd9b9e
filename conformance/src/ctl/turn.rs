//! TURN subjects in the network, and connections of the case itself.

use std::{net::SocketAddr, time::Duration};

use base::Instant;
use simnet::{ListenerId, TcpId, TcpRead, TcpState};

use super::{Ctl, Stop, network::unsupported};
use crate::{
    subjects::stun::Transport,
    subjects::turn::{TurnClient, TurnClientConfig, TurnClientEvent, TurnServerConfig},
    world::{Player, Seat, TurnReport, later},
};

/// TURN subjects.
impl Ctl<'_> {
    /// Starts the subject's TURN server on `host`.
    ///
    /// # Errors
    ///
    /// [`Stop::Unsupported`] if the subject has none.
    pub fn start_turn_server(
        &mut self,
        host: &str,
        config: &TurnServerConfig,
    ) -> Result<Seat, Stop> {
        let server = self.subject.turn_server(config, self.fork("subject"));
        let server = server.ok_or_else(|| unsupported("TURN server"))?;
        self.seat(host, &[], Player::TurnServer(server))
    }

    /// Starts the subject's TURN client on `host`, bound to its local address if it uses UDP.
    ///
    /// # Errors
    ///
    /// [`Stop::Unsupported`] if the subject has none, [`Stop::Harness`] if it cannot be bound.
    pub fn start_turn_client(
        &mut self,
        host: &str,
        config: &TurnClientConfig,
    ) -> Result<Seat, Stop> {
        let client = self.subject.turn_client(config, self.fork("subject"));
        let client = client.ok_or_else(|| unsupported("TURN client"))?;
        let local = (config.transport == Transport::Udp).then_some(config.local);
        self.seat(host, local.as_slice(), Player::TurnClient(client, Default::default()))
    }

    /// Gives a TURN client a command; what it sends in consequence is on its way afterwards.
    ///
    /// # Panics
    ///
    /// If `seat` is not a TURN client's: a mistake in the case, reported as `harness`.
    pub fn turn_client<R>(
        &mut self,
        seat: Seat,
        command: impl FnOnce(&mut dyn TurnClient, Instant) -> R,
    ) -> R {
        let world = self.world();
        let now = world.net.now();
        let Some(Player::TurnClient(client, _)) = world.player(seat) else {
            panic!("{seat:?} is not a TURN client");
        };
        let outcome = command(client.as_mut(), now);
        world.settle();
        outcome
    }

    /// The next thing a TURN client reports, with its time, if it has reported it already.
    pub fn turn_event(&mut self, seat: Seat) -> Option<TurnReport> {
        match self.world().player(seat) {
            Some(Player::TurnClient(_, reports)) => reports.pop_front(),
            _ => None,
        }
    }

    /// Lets time pass until a TURN client reports something; gives up after `limit`.
    pub fn turn_event_within(&mut self, seat: Seat, limit: Duration) -> Option<TurnReport> {
        let world = self.world();
        let limit = later(&world.net, limit);
        world.run_until_event(limit, |world| match world.player(seat) {
            Some(Player::TurnClient(_, reports)) => !reports.is_empty(),
            _ => false,
        });
        self.turn_event(seat)
    }

    /// Everything a TURN client has reported so far and nobody has taken.
    pub fn turn_events(&mut self, seat: Seat) -> Vec<TurnClientEvent> {
        std::iter::from_fn(|| self.turn_event(seat)).map(|(_, event)| event).collect()
    }
}

/// Connections of the case itself. What becomes of what is done here shows when time passes.
impl Ctl<'_> {
    /// Begins a connection from `host`.
    ///
    /// # Errors
    ///
    /// [`Stop::Harness`] if there is no such host, or the addresses are not those of a connection.
    pub fn connect(
        &mut self,
        host: &str,
        local: Option<SocketAddr>,
        remote: SocketAddr,
    ) -> Result<TcpId, Stop> {
        let node = self.net().find(host);
        let node = node.ok_or_else(|| Stop::Harness(format!("no host is called {host}")))?;
        let id = self.net().tcp_connect(node, local, remote);
        id.map_err(|error| Stop::Harness(error.to_string()))
    }

    /// Takes connections at an address of `host`.
    ///
    /// # Errors
    ///
    /// [`Stop::Harness`] if there is no such host or the address is not free.
    pub fn listen(&mut self, host: &str, local: SocketAddr) -> Result<ListenerId, Stop> {
        let node = self.net().find(host);
        let node = node.ok_or_else(|| Stop::Harness(format!("no host is called {host}")))?;
        self.net().tcp_listen(node, local).map_err(|error| Stop::Harness(error.to_string()))
    }

    /// The oldest connection that waits at a listener of the case.
    pub fn accept(&mut self, listener: ListenerId) -> Option<TcpId> {
        self.net().tcp_accept(listener)
    }

    /// Writes to a connection.
    ///
    /// # Errors
    ///
    /// [`Stop::Inconclusive`] if it does not take everything.
    pub fn write(&mut self, connection: TcpId, bytes: &[u8]) -> Result<(), Stop> {
        let count = self.net().tcp_send(connection, bytes);
        self.precondition(count == bytes.len(), "a connection takes what is written to it")
    }

    /// Everything that waits in a connection.
    pub fn read(&mut self, connection: TcpId) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut chunk = [0; 4096];
        while let TcpRead::Data(count) = self.net().tcp_receive(connection, &mut chunk) {
            bytes.extend(chunk.iter().take(count));
        }
        bytes
    }

    /// Whether both sides may send.
    pub fn is_open(&mut self, connection: TcpId) -> bool {
        matches!(self.net().tcp_state(connection), TcpState::Established)
    }

    /// Whether the other side has closed or reset the connection, or it was never made.
    pub fn is_closed(&mut self, connection: TcpId) -> bool {
        !matches!(
            self.net().tcp_state(connection),
            TcpState::SynSent
                | TcpState::SynReceived
                | TcpState::Established
                | TcpState::FinWait1
                | TcpState::FinWait2
        )
    }
}

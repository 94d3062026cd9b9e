//! The world in the simulator.

use std::{
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use simnet::{
    Attach, Host as HostPlan, Network, NodeId, SocketId, TcpState,
    nat::{Config, Nat},
};

use crate::world::{Fault, Host, Reply, SERVER, SERVER_TOO, Socket, World, box_address};

/// The simulated world, with a simulated NAT in the middle.
#[derive(Debug)]
pub struct Simulated {
    net: Network,
    sockets: Vec<SocketId>,
    listeners: Vec<simnet::ListenerId>,
    /// Connections stay open, so that none frees its port for the next.
    open: Vec<simnet::TcpId>,
}

/// How long an answer may take: more than any path here needs.
const PATIENCE: Duration = Duration::from_millis(300);

impl Simulated {
    /// A world around a NAT of this configuration.
    ///
    /// # Errors
    ///
    /// If the description does not fit together, which is a fault of this crate.
    pub fn new(config: Config, seed: u64) -> Result<Self, Fault> {
        let server =
            Attach::to("wan").address(&SERVER.to_string()).address(&SERVER_TOO.to_string());
        let uplinks = Attach::to("lan").and_to("wan").address(&box_address(0).ip().to_string());
        let net = Network::builder(seed)
            .wan("wan", "198.18.0.0/16")
            .lan("lan", "192.168.7.0/24")
            .middlebox("box", uplinks, Nat::new(config))
            .host("alice", HostPlan::on("lan"))
            .host("bob", HostPlan::on("lan"))
            .host("server", HostPlan::attached(server))
            .build()
            .map_err(|error| Fault::Broken(error.to_string()))?;
        Ok(Self { net, sockets: Vec::new(), listeners: Vec::new(), open: Vec::new() })
    }

    fn node(&self, host: Host) -> NodeId {
        self.net.node(match host {
            Host::Alice => "alice",
            Host::Bob => "bob",
            Host::Server => "server",
        })
    }

    fn open(&mut self, host: Host, address: Option<IpAddr>, port: u16) -> Result<SocketId, Fault> {
        let node = self.node(host);
        let address = address.unwrap_or_else(|| self.net.address(node));
        let socket = self.net.bind(node, SocketAddr::new(address, port));
        socket.map_err(|error| Fault::Broken(error.to_string()))
    }

    fn socket(&self, socket: Socket) -> Result<SocketId, Fault> {
        let id = usize::try_from(socket.number).ok().and_then(|at| self.sockets.get(at));
        id.copied().ok_or_else(|| Fault::Broken("no such socket".into()))
    }

    /// Runs until `done` has something to tell or patience ends.
    fn until<T>(&mut self, mut done: impl FnMut(&mut Network) -> Option<T>) -> Option<T> {
        let end = self.net.now() + PATIENCE;
        loop {
            if let Some(result) = done(&mut self.net) {
                return Some(result);
            }
            if self.net.next_event().is_none_or(|next| next > end) {
                self.net.run_until(end);
                return done(&mut self.net);
            }
            self.net.step();
        }
    }
}

impl World for Simulated {
    fn bind(&mut self, host: Host, address: Option<IpAddr>, port: u16) -> Result<Socket, Fault> {
        let id = self.open(host, address, port)?;
        let number = u32::try_from(self.sockets.len()).unwrap_or(u32::MAX);
        self.sockets.push(id);
        Ok(Socket { host, number })
    }

    fn send(&mut self, from: Socket, to: SocketAddr) -> Result<(), Fault> {
        let id = self.socket(from)?;
        self.net.send(id, to, b"?");
        Ok(())
    }

    fn receive(&mut self, at: Socket) -> Result<Option<SocketAddr>, Fault> {
        let id = self.socket(at)?;
        Ok(self.until(|net| net.receive(id)).map(|received| received.source))
    }

    fn knock(&mut self, host: Host, port: u16, to: SocketAddr) -> Result<Reply, Fault> {
        let address = (host == Host::Server).then_some(SERVER);
        let id = self.open(host, address, port)?;
        self.net.send(id, to, b"?");
        let reply = self.until(|net| {
            let answered = net.receive(id).map(|received| Reply::From(received.source));
            answered.or_else(|| net.socket_error(id).map(|_| Reply::Refused))
        });
        Ok(reply.unwrap_or(Reply::Silence))
    }

    fn listen(&mut self, port: u16) -> Result<(), Fault> {
        let node = self.node(Host::Server);
        for address in [SERVER, SERVER_TOO] {
            let listener = self.net.tcp_listen(node, SocketAddr::new(address, port));
            self.listeners.push(listener.map_err(|error| Fault::Broken(error.to_string()))?);
        }
        Ok(())
    }

    fn connect(&mut self, host: Host, port: u16, to: SocketAddr) -> Result<Reply, Fault> {
        let node = self.node(host);
        let address = if host == Host::Server { SERVER } else { self.net.address(node) };
        let local = Some(SocketAddr::new(address, port));
        let id = self.net.tcp_connect(node, local, to);
        let id = id.map_err(|error| Fault::Broken(error.to_string()))?;
        self.open.push(id);
        let listeners = self.listeners.clone();
        let reply = self.until(|net| {
            let accepted = listeners.iter().find_map(|&listener| net.tcp_accept(listener));
            if let Some(accepted) = accepted {
                return Some(Reply::From(net.tcp_addresses(accepted).1));
            }
            matches!(net.tcp_state(id), TcpState::Closed(_)).then_some(Reply::Refused)
        });
        Ok(reply.unwrap_or(Reply::Silence))
    }

    fn wait_until(&mut self, time: Duration) -> Result<(), Fault> {
        self.net.run_for(time.saturating_sub(self.now()));
        Ok(())
    }

    fn now(&self) -> Duration {
        self.net.now().elapsed()
    }
}

//! Agents that hide their addresses behind names of multicast DNS, on simulated networks.

#![expect(clippy::unwrap_used, reason = "what a test sets up itself is there, or the test fails")]

use std::{
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use base::{Datagram, Instant, Machine, Rng};
use ice::{
    Address, Agent, Candidate, Config, Event, GROUP_V4, LocalSocket, Mdns, MdnsConfig, MdnsEvent,
    MdnsLink, Parameters, Role, State,
};
use rstest::rstest;
use simnet::{
    Cx, Endpoint, Host, Network, NodeId, RecvMeta, SocketId, SocketOption,
    nat::{Config as NatConfig, Nat},
};

/// An agent and its multicast DNS on one host, plugged together as `mdns.rs` says.
struct Peer {
    agent: Agent,
    mdns: Mdns,
    sockets: Option<(SocketId, SocketId)>,
    told: Vec<Candidate>,
}

impl Peer {
    fn new(role: Role) -> Self {
        let rng = Rng::from_seed([role as u8; 32]);
        let mut config = Config::new(crypto::rust_crypto());
        config.role = role;
        config.hides_host_addresses = true;
        let agent = Agent::new(config, rng.fork("agent"), Instant::ZERO);
        let mdns = Mdns::new(MdnsConfig::default(), rng.fork("mdns"), Instant::ZERO);
        Self { agent, mdns, sockets: None, told: Vec::new() }
    }

    fn drain(&mut self, cx: &mut Cx<'_>) {
        let now = cx.now();
        let Some((media, names)) = self.sockets else { return };
        loop {
            let mut is_quiet = true;
            while let Some(event) = self.agent.poll_event() {
                is_quiet = false;
                match event {
                    Event::NameMade { name, ip } => self.mdns.register(now, &name, ip).unwrap(),
                    Event::Resolve { name } => self.mdns.resolve(now, &name).unwrap(),
                    Event::LocalCandidate(candidate) => self.told.push(candidate),
                    _ => {}
                }
            }
            while let Some(MdnsEvent::Resolved { name, ip }) = self.mdns.poll_event() {
                is_quiet = false;
                self.agent.handle_resolved(now, &name, ip);
            }
            if is_quiet {
                break;
            }
        }
        let mut buffer = Vec::new();
        while let Some(transmit) = self.agent.poll_transmit(now, &mut buffer) {
            cx.transmit(media, &transmit, &buffer);
            buffer.clear();
        }
        while let Some(transmit) = self.mdns.poll_transmit(now, &mut buffer) {
            cx.transmit(names, &transmit, &buffer);
            buffer.clear();
        }
    }
}

impl Endpoint for Peer {
    fn start(&mut self, cx: &mut Cx<'_>) {
        let interface = cx.interfaces().remove(0);
        let address = *interface.addresses.iter().find(|address| address.ip.is_ipv4()).unwrap();
        let media = cx.bind(SocketAddr::new(address.ip, 1_000)).unwrap();
        let names = cx.bind_shared("0.0.0.0:5353".parse().unwrap()).unwrap();
        cx.join(names, GROUP_V4.ip());
        cx.set_option(names, SocketOption::MulticastHopLimit(255));
        self.sockets = Some((media, names));
        let local = SocketAddr::new(address.ip, 5_353);
        let link = MdnsLink { local, prefix: address.prefix, interface: interface.index };
        self.mdns.add_link(cx.now(), link);
        let socket = LocalSocket::udp(1, SocketAddr::new(address.ip, 1_000));
        self.agent.add_socket(cx.now(), socket).unwrap();
        self.agent.finish_gathering(cx.now());
        self.drain(cx);
    }

    fn handle_datagram(
        &mut self,
        cx: &mut Cx<'_>,
        socket: SocketId,
        meta: &RecvMeta,
        payload: &[u8],
    ) {
        let RecvMeta { source, destination, ecn, .. } = *meta;
        let datagram = Datagram { source, destination, ecn, payload };
        match self.sockets {
            Some((_, names)) if socket == names => self.mdns.handle_datagram(cx.now(), datagram),
            _ => self.agent.handle_datagram(cx.now(), datagram),
        }
        self.drain(cx);
    }

    fn handle_timeout(&mut self, cx: &mut Cx<'_>) {
        self.agent.handle_timeout(cx.now());
        self.mdns.handle_timeout(cx.now());
        self.drain(cx);
    }

    fn poll_timeout(&self) -> Option<Instant> {
        let both = [self.agent.poll_timeout(), self.mdns.poll_timeout()];
        both.into_iter().flatten().min()
    }
}

/// Signalling between the two, at once.
fn introduce(net: &mut Network, from: NodeId, to: NodeId) {
    let told = net.with_endpoint(from, |peer: &mut Peer, _| {
        (peer.agent.local_parameters().clone(), peer.told.clone())
    });
    let (parameters, candidates): (Parameters, _) = told.unwrap();
    net.with_endpoint(to, |peer: &mut Peer, cx| {
        peer.agent.set_remote_parameters(cx.now(), parameters).unwrap();
        for candidate in candidates {
            // As text, as signalling carries it.
            let candidate: Candidate = candidate.to_string().parse().unwrap();
            assert!(candidate.address.is_mdns(), "{candidate} tells an address");
            peer.agent.add_remote_candidate(cx.now(), candidate).unwrap();
        }
        peer.agent.end_of_remote_candidates(cx.now());
        peer.drain(cx);
    });
}

fn state(net: &Network, host: NodeId) -> State {
    net.endpoint::<Peer>(host).unwrap().agent.state()
}

fn meet(net: &mut Network) -> [NodeId; 2] {
    let [alice, bob] = ["alice", "bob"].map(|name| net.node(name));
    // The announcements are long past.
    net.run_for(Duration::from_secs(10));
    introduce(net, alice, bob);
    introduce(net, bob, alice);
    [alice, bob]
}

#[rstest]
fn two_on_one_link_find_each_other_by_name_within_a_second(#[values(1, 2, 3)] seed: u64) {
    let mut net = Network::builder(seed)
        .lan("home", "192.168.1.0/24")
        .host("alice", Host::on("home").endpoint(Peer::new(Role::Controlling)))
        .host("bob", Host::on("home").endpoint(Peer::new(Role::Controlled)))
        .build()
        .unwrap();
    let both = meet(&mut net);
    net.run_for(Duration::from_secs(1));
    assert_eq!(both.map(|host| state(&net, host)), [State::Completed; 2]);
    for host in both {
        let peer = net.endpoint::<Peer>(host).unwrap();
        let path = peer.agent.path(1).unwrap();
        let told = &peer.agent.stats().remote_candidates;
        let shows = |address: &Address| address.ip().map(|address| address.ip());
        let shown: Vec<IpAddr> = told.iter().filter_map(|one| shows(&one.address)).collect();
        assert!(!shown.contains(&path.remote.ip()), "statistics show the name alone: {shown:?}");
    }
}

#[test]
fn one_behind_a_box_is_not_found_and_nobody_waits_for_ever() {
    let mut net = Network::builder(4)
        .wan("wan", "11.0.0.0/8")
        .lan("home", "192.168.1.0/24")
        .nat("box", "home", "wan", Nat::new(NatConfig::port_restricted_cone()))
        .host("alice", Host::on("home").endpoint(Peer::new(Role::Controlling)))
        .host("bob", Host::on("wan").endpoint(Peer::new(Role::Controlled)))
        .build()
        .unwrap();
    let both = meet(&mut net);
    net.run_for(Duration::from_secs(120));
    assert_eq!(both.map(|host| state(&net, host)), [State::Failed; 2]);
}

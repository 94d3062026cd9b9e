//! TURN between implementations: the client of each with the server of each, through the simulator.

#![expect(clippy::unwrap_used, reason = "what a test sets up itself is there, or the test fails")]

use std::{net::SocketAddr, time::Duration};

use base::Rng;
use conformance::{
    Cap, Case, Ctl, Outcome, Seat, Subject, SubjectKind, Support, Tier, Variant,
    registry::{Registry, Req},
    subjects::{
        ours::Ours,
        stun::{Credential, Transport},
        turn::{
            Relayed, TurnClient, TurnClientConfig, TurnClientEvent, TurnServer, TurnServerConfig,
        },
        turn_proto::TurnProto,
    },
};
use rstest::rstest;
use simnet::{Host, Link, SocketId};

/// One implementation's client beside another's server.
struct Pair {
    client: &'static dyn Subject,
    server: &'static dyn Subject,
}

impl Subject for Pair {
    fn name(&self) -> &'static str {
        "pair"
    }

    fn version(&self) -> String {
        "1".to_owned()
    }

    fn kinds(&self) -> &'static [SubjectKind] {
        &[SubjectKind::TurnServer, SubjectKind::TurnClient]
    }

    fn supports(&self, _capability: Cap) -> Support {
        Support::Unknown
    }

    fn turn_server(&self, config: &TurnServerConfig, rng: Rng) -> Option<Box<dyn TurnServer>> {
        self.server.turn_server(config, rng)
    }

    fn turn_client(&self, config: &TurnClientConfig, rng: Rng) -> Option<Box<dyn TurnClient>> {
        self.client.turn_client(config, rng)
    }
}

/// Only lends its name: nothing is asserted by it.
static CASE: Case = Case {
    id: "interop.turn",
    title: "A client and a server work together",
    reqs: &[Req::new("turn-long-term-implemented")],
    kind: SubjectKind::TurnClient,
    needs: &[],
    tier: Tier::Fast,
    variants: || vec![Variant::none()],
    no_reference: None,
    run: |_, _| Outcome::Ok(()),
};

const SECOND: Duration = Duration::from_secs(1);
const PEER: SocketAddr =
    SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::new(11, 0, 2, 1)), 7000);

/// A client with its allocation, and a peer.
struct Stage<'s> {
    t: Ctl<'s>,
    client: Seat,
    peer: SocketId,
    relay: SocketAddr,
}

impl<'s> Stage<'s> {
    fn open(pair: &'s Pair, registry: &'s Registry, transport: Transport) -> Self {
        let mut t = Ctl::new(pair, registry, &CASE, 7);
        let network = t
            .network()
            .wan("net", "11.0.0.0/8")
            .host("server", Host::on("net").address("11.0.0.10"))
            .host("client", Host::on("net").address("11.0.1.77"))
            .host("peer", Host::on("net").address("11.0.2.1"))
            .link("client", "net", Link::delayed(Duration::from_millis(20)));
        t.build(network).unwrap();
        let address = SocketAddr::from(([11, 0, 0, 10], 3478));
        let credential = Credential::long_term("alice", "example.org", "swordfish");
        let mut server = TurnServerConfig::new(address);
        server.realm = "example.org";
        server.users = vec![credential.clone()];
        server.tcp = true;
        t.start_turn_server("server", &server).unwrap();
        let local = SocketAddr::from(([11, 0, 1, 77], 40_000));
        let mut config = TurnClientConfig::new(local, address, credential);
        config.transport = transport;
        config.wish.relayed = Relayed::V4;
        let client = t.start_turn_client("client", &config).unwrap();
        let peer = t.bind("peer", PEER).unwrap();
        t.turn_client(client, |client, now| client.allocate(now)).unwrap();
        t.run_for(3 * SECOND);
        let events = t.turn_events(client);
        let relay = events.iter().find_map(|event| match event {
            TurnClientEvent::Allocated { relayed } => relayed.first().copied(),
            _ => None,
        });
        let relay = relay.unwrap_or_else(|| panic!("no allocation: {events:?}"));
        Self { t, client, peer, relay }
    }

    /// Whether four bytes arrive at the peer, and four others at the client.
    fn talks(&mut self) {
        self.t.turn_client(self.client, |client, now| client.send(now, PEER, b"ping")).unwrap();
        self.t.run_for(SECOND);
        let received = self.t.receive(self.peer).expect("the peer hears the client");
        assert_eq!((received.source, &received.payload[..]), (self.relay, &b"ping"[..]));
        self.t.send(self.peer, self.relay, b"pong");
        self.t.run_for(SECOND);
        let heard = TurnClientEvent::Data { peer: PEER, payload: b"pong".to_vec() };
        let events = self.t.turn_events(self.client);
        assert!(events.contains(&heard), "{events:?}");
    }
}

/// Our client with the server of turn-server-proto 0.7.3 is left out, over UDP and over TCP. Allocate
/// success comes with REALM, a NONCE whose cookie has the bit of the password algorithms,
/// PASSWORD-ALGORITHM and the right MESSAGE-INTEGRITY-SHA256, but without PASSWORD-ALGORITHMS. RFC 8489
/// §9.2.5 has the client ignore a response like that, and ours does: there is no allocation.
#[rstest]
fn clients_of_both_are_relayed_for_an_hour(
    #[values(("ours", "ours"), ("turn-proto", "ours"), ("turn-proto", "turn-proto"))] names: (
        &str,
        &str,
    ),
    #[values(Transport::Udp, Transport::Tcp)] transport: Transport,
    #[values(false, true)] channel: bool,
) {
    let of =
        |name: &str| -> &'static dyn Subject { if name == "ours" { &Ours } else { &TurnProto } };
    let pair = Pair { client: of(names.0), server: of(names.1) };
    let registry = Registry::embedded().unwrap();
    let mut stage = Stage::open(&pair, &registry, transport);
    let seat = stage.client;
    match channel {
        true => stage.t.turn_client(seat, |client, now| client.bind_channel(now, PEER)).unwrap(),
        false => stage.t.turn_client(seat, |client, now| client.permit(now, PEER.ip())).unwrap(),
    }
    stage.t.run_for(SECOND);
    for _ in 0..12 {
        stage.talks();
        stage.t.run_for(300 * SECOND);
    }
    stage.t.turn_client(seat, |client, now| client.release(now)).unwrap();
    stage.t.run_for(5 * SECOND);
    stage.t.send(stage.peer, stage.relay, b"gone");
    stage.t.run_for(SECOND);
    let events = stage.t.turn_events(seat);
    assert!(
        !events.iter().any(|event| matches!(event, TurnClientEvent::Data { .. })),
        "{events:?}"
    );
}

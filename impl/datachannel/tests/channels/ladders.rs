//! Channels on a simulated network, as ladders.

use std::{net::SocketAddr, time::Duration};

use base::{Datagram, Instant, Machine, Rng, Transmit};
use datachannel::{ChannelConfig, Channels, Data, Event, Role, wire::Dcep};
use sctp::wire::{Chunk, Packet};
use simnet::{Driven, Host, Link, Network, observe::Ladder};

use crate::cable::config;

/// Channels with addresses, that fetch all events.
struct App {
    channels: Channels,
    peer: SocketAddr,
    events: Vec<Event>,
}

impl Machine for App {
    type Event = ();

    fn handle_datagram(&mut self, now: Instant, datagram: Datagram<'_>) {
        self.channels.handle_packet(now, datagram.payload, datagram.ecn);
        self.events.extend(std::iter::from_fn(|| self.channels.poll_event()));
    }

    fn handle_timeout(&mut self, now: Instant) {
        self.channels.handle_timeout(now);
        self.events.extend(std::iter::from_fn(|| self.channels.poll_event()));
    }

    fn poll_transmit(&mut self, now: Instant, buffer: &mut Vec<u8>) -> Option<Transmit> {
        let packet = self.channels.poll_packet(now, buffer)?;
        Some(Transmit::new(self.peer, packet.size))
    }

    fn poll_event(&mut self) -> Option<()> {
        None
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.channels.poll_timeout()
    }
}

/// The chunks of a packet; messages that open channels in words.
fn summary(payload: &[u8]) -> Option<String> {
    let packet = Packet::parse(payload).ok()?;
    let words = packet.chunks().map(|chunk| match chunk.ok()? {
        Chunk::Data(data) => Some(message(data.ppid.get(), data.stream.get(), data.payload)),
        Chunk::IData(data) => Some(message(data.ppid_or_fsn, data.stream.get(), data.payload)),
        Chunk::Reconfig(reconfig) => Some(reconfig.to_string()),
        other => Some(other.kind().to_string()),
    });
    words.collect::<Option<Vec<_>>>().map(|words| words.join(", "))
}

fn message(ppid: u32, stream: u16, payload: &[u8]) -> String {
    match (ppid, Dcep::parse(payload)) {
        (50, Ok(dcep)) => format!("{stream}: {dcep}"),
        _ => format!("{stream}: message {ppid}, {} bytes", payload.len()),
    }
}

fn network(lose: Link) -> Network<Ladder> {
    let address = |host: u8| SocketAddr::from(([11, 0, 0, 10 + host], 9_899));
    let app = |role, host: u8| {
        let channels = Channels::new(config(role), Rng::from_seed([host; 32]), Instant::ZERO);
        let app = App { channels, peer: address(3 - host), events: Vec::new() };
        Host::on("wan")
            .address(&format!("11.0.0.1{host}"))
            .endpoint(Driven::new(app).bind(address(host)))
    };
    Network::builder(1)
        .wan("wan", "11.0.0.0/8")
        .host("client", app(Role::Even, 1))
        .host("server", app(Role::Odd, 2))
        .link_from("client", "wan", lose)
        .link_from("server", "wan", Link::delayed(Duration::from_millis(25)))
        .build_observed(Ladder::with_summary(summary))
        .unwrap()
}

fn tell(net: &mut Network<Ladder>, host: &str, act: impl FnOnce(&mut App, Instant)) {
    let node = net.node(host);
    net.command(node, act);
}

fn life(lose: Link) -> String {
    let mut net = network(lose);
    tell(&mut net, "client", |app, now| app.channels.connect(now).unwrap());
    net.run_for(Duration::from_millis(400));
    let mut channel = None;
    tell(&mut net, "client", |app, now| {
        let chat = ChannelConfig::new("chat").unordered();
        let id = app.channels.open(now, &chat).unwrap();
        app.channels.send(now, id, Data::text("hello")).unwrap();
        channel = Some(id);
    });
    net.run_for(Duration::from_secs(3));
    let channel = channel.unwrap();
    tell(&mut net, "server", |app, now| {
        app.channels.send(now, channel, Data::binary(&[])).unwrap();
        app.channels.close(now, channel).unwrap();
    });
    net.run_for(Duration::from_secs(5));
    for host in ["client", "server"] {
        let app = net.machine::<App>(net.node(host)).unwrap();
        assert!(matches!(app.events.last(), Some(Event::Closed { .. })), "{:?}", app.events);
    }
    net.into_observer().render()
}

#[test]
fn the_life_of_a_channel() {
    insta::assert_snapshot!(life(Link::delayed(Duration::from_millis(25))));
}

/// The OPEN of the client is lost, and its first answer to the server's reset.
#[test]
fn the_life_of_a_channel_with_losses() {
    let at = |millis| Instant::ZERO + Duration::from_millis(millis);
    let link = Link::delayed(Duration::from_millis(25))
        .losing_if(move |now, _| now == at(400) || now == at(3_425));
    insta::assert_snapshot!(life(link));
}

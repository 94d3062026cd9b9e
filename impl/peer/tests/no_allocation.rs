//! Application data costs no memory on its way through a transport.

use std::net::SocketAddr;

use base::{
    Datagram, Ecn, Instant, Interface, InterfaceAddress, InterfaceKind, Machine, Rng,
    SocketCommand, SocketInput,
};
use ice::{Event, Outgoing, Role, State};
use peer::{IceTransport, IceTransportConfig, Received};

/// Datagrams that are sent while nobody may allocate.
const COUNT: usize = 1_000;

fn transport(role: Role, ip: &str) -> IceTransport {
    let mut agent = ice::Config::new(crypto::Provider::default());
    agent.role = role;
    let seed = if role == Role::Controlling { 1 } else { 2 };
    let config = IceTransportConfig::new(agent);
    let mut it = IceTransport::new(config, Rng::from_seed([seed; 32]), Instant::ZERO);
    it.handle_interfaces(
        Instant::ZERO,
        &[Interface {
            name: "eth0".into(),
            index: 1,
            kind: InterfaceKind::Ethernet,
            mtu: 1_500,
            addresses: vec![InterfaceAddress::new(ip.parse().expect("an address"), 24)],
        }],
    );
    it.gather(Instant::ZERO);
    while let Some(command) = it.poll_socket() {
        if let SocketCommand::Open { local: asked } = command {
            let local = SocketAddr::new(asked.ip(), 5_000);
            it.handle_socket(Instant::ZERO, SocketInput::Opened { asked, local });
        }
    }
    it
}

/// Carries letters and datagrams until both are done.
fn connect(one: &mut IceTransport, other: &mut IceTransport) -> Instant {
    let parameters = (one.local_parameters().clone(), other.local_parameters().clone());
    one.set_remote_parameters(Instant::ZERO, parameters.1).expect("they are new");
    other.set_remote_parameters(Instant::ZERO, parameters.0).expect("they are new");
    let mut now = Instant::ZERO;
    for _ in 0..10_000 {
        for _ in 0..2 {
            carry(now, one, other);
            carry(now, other, one);
        }
        if one.state() == State::Completed && other.state() == State::Completed {
            return now;
        }
        let next = [one.poll_timeout(), other.poll_timeout()].into_iter().flatten().min();
        now = next.expect("somebody has something to do").max(now);
        one.handle_timeout(now);
        other.handle_timeout(now);
    }
    panic!("they never meet");
}

fn carry(now: Instant, from: &mut IceTransport, to: &mut IceTransport) {
    while let Some(event) = from.poll_event() {
        if let Event::LocalCandidate(candidate) = event {
            to.add_remote_candidate(now, candidate).expect("a good one");
        }
    }
    let mut buffer = Vec::new();
    loop {
        buffer.clear();
        let Some(transmit) = from.poll_transmit(now, &mut buffer) else { return };
        let source = transmit.source.expect("it says from where");
        let (destination, payload) = (transmit.destination, buffer.as_slice());
        to.handle_datagram(now, Datagram { source, destination, ecn: Ecn::NotEct, payload });
    }
}

#[test]
fn datagrams_of_data_cost_no_memory() {
    let mut one = transport(Role::Controlling, "192.0.2.1");
    let mut other = transport(Role::Controlled, "192.0.2.2");
    let now = connect(&mut one, &mut other);
    carry(now, &mut one, &mut other);
    let mut buffer = Vec::with_capacity(2_048);
    let mut pass = || {
        buffer.clear();
        let sent = one.send(now, 1, &[7; 1_200], &mut buffer);
        let Ok(Outgoing::Datagram(transmit)) = sent else { panic!("{sent:?}") };
        let source = transmit.source.expect("it says from where");
        let (destination, payload) = (transmit.destination, buffer.as_slice());
        let datagram = Datagram { source, destination, ecn: Ecn::NotEct, payload };
        let received = other.receive(now, datagram);
        assert_eq!(received, Received::Application { component: 1, range: 0..1_200 });
    };
    pass();
    let counted = allocation_counter::measure(|| (0..COUNT).for_each(|_| pass()));
    assert_eq!(counted.count_total, 0, "{counted:?}");
}

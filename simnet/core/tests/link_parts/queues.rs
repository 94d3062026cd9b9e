//! Queue disciplines in a network.

use std::time::Duration;

use base::{Dscp, Ecn, Transmit};
use rstest::rstest;
use simnet::{
    DropReason, Event, FqCodel, Link, Network, Observer, Pie, Priority, Queue, QueueLimit, Topology,
};

use super::pair::{Pair, addr, at, ms, number_of, open, pair, us, world};

#[test]
fn drop_head_lets_the_oldest_go() {
    let link = Link::perfect().rate(1_000_000).queue(Queue::DropHead(QueueLimit::packets(3)));
    let mut pair = pair(link);
    pair.train(10, 1_000, Duration::ZERO);
    assert_eq!(pair.arrived_numbers(), [0, 7, 8, 9]);
    assert_eq!(pair.net.tally().dropped(DropReason::QueueFull), 6);
}

/// Sends a datagram with ECN and DSCP.
fn send<O: Observer>(pair: &mut Pair<O>, number: u32, size: usize, ecn: Ecn, dscp: u8) {
    let mut payload = number.to_be_bytes().to_vec();
    payload.resize(size - 28, 0);
    let mut transmit = Transmit::new(addr("10.0.0.2:2"), size);
    transmit.ecn = ecn;
    transmit.dscp = Dscp::new(dscp);
    pair.net.transmit_from(pair.alice, &transmit, &payload);
}

#[test]
fn important_packets_pass_the_others() {
    let priority = Priority { bands: vec![vec![46]], limit: QueueLimit::Unlimited };
    let mut pair = pair(Link::perfect().rate(1_000_000).queue(priority));
    for (number, dscp) in [(0, 0), (1, 0), (2, 46), (3, 0), (4, 46)] {
        send(&mut pair, number, 1_000, Ecn::NotEct, dscp);
    }
    assert_eq!(pair.arrived_numbers(), [0, 2, 4, 1, 3]);
}

/// Counts marks.
#[derive(Debug, Default)]
struct Marks(u64);

impl Observer for Marks {
    fn start(&mut self, _: &Topology) {}

    fn on(&mut self, _: base::Instant, event: &Event<'_>) {
        if let Event::Marked { packet, .. } = event {
            assert_eq!(packet.ecn, Ecn::Ce);
            self.0 += 1;
        }
    }
}

fn watched(link: Link) -> Pair<Marks> {
    open(world(1, link).build_observed(Marks::default()).expect("the world fits together"))
}

#[rstest]
#[case::fq_codel(Queue::fq_codel(), Ecn::Ect0)]
#[case::pie(Queue::from(Pie { ecn: true, ecn_percent: 50, ..Pie::default() }), Ecn::Ect0)]
#[case::dualpi2_classic(Queue::dualpi2(), Ecn::Ect0)]
#[case::dualpi2_low(Queue::dualpi2(), Ecn::Ect1)]
fn marks_arrive_and_are_told(#[case] queue: Queue, #[case] ecn: Ecn) {
    let mut pair = watched(Link::perfect().rate(1_000_000).queue(queue));
    for number in 0..2_000 {
        // 10 % more than fits.
        send(&mut pair, number, 1_000, ecn, 0);
        pair.net.run_for(us(7_270));
    }
    let arrived = pair.arrived();
    let marked = arrived.iter().filter(|received| received.ecn == Ecn::Ce).count() as u64;
    assert!(marked > 10, "{marked}");
    assert_eq!(pair.net.observer().0, marked);
    assert!(arrived.iter().all(|received| [ecn, Ecn::Ce].contains(&received.ecn)));
}

/// RFC 8290 §1.3: a flow that sends little does not wait behind those that send much.
#[rstest]
#[case::fq_codel(Queue::fq_codel(), 20)]
#[case::fq(Queue::Fq(Box::default()), 20)]
#[case::droptail(Queue::from(QueueLimit::time(ms(300))), 320)]
fn a_sparse_flow_passes_a_greedy_one(#[case] queue: Queue, #[case] worst: u64) {
    let mut pair = pair(Link::perfect().rate(1_000_000).queue(queue));
    let alice = pair.net.node("alice");
    let sparse = pair.net.bind(alice, addr("0.0.0.0:9")).expect("the port is free");
    let mut sent = Vec::new();
    for number in 0..4_000_u32 {
        pair.send(number, 1_200);
        if number % 10 == 0 {
            sent.push(pair.net.now());
            pair.net.send(sparse, addr("10.0.0.2:2"), &number.to_be_bytes());
        }
        pair.net.run_for(ms(5));
    }
    let arrived = pair.arrived();
    let late: Vec<Duration> = arrived
        .iter()
        .filter(|received| received.source.port() == 9)
        .map(|received| received.at - sent[number_of(received) as usize / 10])
        .collect();
    let longest = late.iter().max().expect("some arrive");
    // At most two packets of the other flow, 9.6 ms each; or the whole queue.
    assert!(*longest <= ms(worst), "{longest:?}");
    if worst > 100 {
        assert!(*longest > ms(250), "it would wait as long as the queue is: {longest:?}");
    }
}

/// Shares of the link for flows that ask for 60 %, 80 % and 10 % of it.
#[test]
fn fair_queueing_gives_each_flow_its_share() {
    let queue = FqCodel { limit: 1_000, ..FqCodel::default() };
    let mut pair = pair(Link::perfect().rate(10_000_000).queue(queue));
    let alice = pair.net.node("alice");
    let ports = [11_u16, 12, 13];
    let sockets = ports.map(|port| {
        pair.net.bind(alice, addr(&format!("0.0.0.0:{port}"))).expect("the port is free")
    });
    // In tenths of a millisecond; 10 Mbit/s are 125 bytes in each.
    for tick in 0..100_000_u32 {
        for (socket, (every, size)) in sockets.iter().zip([(2, 150), (8, 800), (10, 125)]) {
            if tick % every == 0 {
                pair.net.send(*socket, addr("10.0.0.2:2"), &vec![0; size - 28]);
            }
        }
        pair.net.run_for(us(100));
    }
    let arrived = pair.arrived();
    let share = |port: u16| {
        let own = arrived.iter().filter(|received| received.source.port() == port);
        own.map(super::pair::size_of).sum::<u64>() as f64 / 12_500_000.0
    };
    // The third has all it asks for; the others share what is left, by bytes and not by packets.
    let shares = ports.map(share);
    assert!((shares[2] - 0.1).abs() < 0.002, "{shares:?}");
    assert!((shares[0] - 0.45).abs() < 0.01 && (shares[1] - 0.45).abs() < 0.01, "{shares:?}");
}

#[test]
fn a_link_that_goes_down_empties_a_discipline() {
    let mut pair = pair(Link::perfect().rate(1_000_000).queue(Queue::fq_codel()));
    let hop = pair.net.hop("alice.eth0").expect("it exists");
    pair.net.schedule(at(12), simnet::Change::Down(hop));
    pair.train(4, 1_000, Duration::ZERO);
    assert_eq!(pair.arrived_numbers(), [0, 1]);
    assert_eq!(pair.net.tally().dropped(DropReason::InterfaceDown), 2);
    assert!(pair.net.tally().is_conserved());
}

#[test]
fn dice_of_a_queue_repeat() {
    let run = |seed| {
        let link = Link::perfect().rate(1_000_000).queue(Queue::pie());
        let mut pair = open(world(seed, link).build().expect("the world fits together"));
        pair.train(500, 1_000, ms(6));
        (pair.arrived_numbers(), Network::trace_hash(&pair.net))
    };
    assert_eq!(run(5), run(5));
    assert_ne!(run(5).0, run(6).0, "PIE has dice");
}

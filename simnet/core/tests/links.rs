//! Links: exact times, exact limits, and chance within its bounds.

use std::{net::SocketAddr, time::Duration};

use base::{Instant, SocketErrorKind};
use rstest::rstest;
use simnet::{
    Attach, Builder, Change, DropReason, Host, Jitter, Link, Loss, Network, Observer, QueueLimit,
    Received, SocketId,
};

fn addr(text: &str) -> SocketAddr {
    text.parse().expect("an address")
}

const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

const fn at(millis: u64) -> Instant {
    Instant::from_nanos(millis * 1_000_000)
}

/// Alice and Bob on one LAN, with `link` in the direction away from Alice.
fn world(seed: u64, link: Link) -> Builder {
    Network::builder(seed)
        .lan("lan", "10.0.0.0/24")
        .host("alice", Host::on("lan").address("10.0.0.1"))
        .host("bob", Host::on("lan").address("10.0.0.2").receive_queue(1_000_000))
        .link_from("alice", "lan", link)
}

/// The number that a datagram begins with.
fn number_of(received: &Received) -> u32 {
    u32::from_be_bytes(*received.payload.first_chunk().expect("four bytes"))
}

struct Pair<O = ()> {
    net: Network<O>,
    alice: SocketId,
    bob: SocketId,
}

fn open<O: Observer>(mut net: Network<O>) -> Pair<O> {
    let (alice, bob) = (net.node("alice"), net.node("bob"));
    let alice = net.bind(alice, addr("0.0.0.0:1")).expect("the port is free");
    let bob = net.bind(bob, addr("0.0.0.0:2")).expect("the port is free");
    Pair { net, alice, bob }
}

fn pair(link: Link) -> Pair {
    open(world(1, link).without_trace_hash().build().expect("the world fits together"))
}

impl<O: Observer> Pair<O> {
    /// Sends datagrams that make IP packets of `size` bytes, each numbered, `gap` apart.
    fn send(&mut self, count: u32, size: usize, gap: Duration) {
        for number in 0..count {
            let mut payload = number.to_be_bytes().to_vec();
            payload.resize(size - 28, 0);
            self.net.send(self.alice, addr("10.0.0.2:2"), &payload);
            self.net.run_for(gap);
        }
    }

    fn arrived(&mut self) -> Vec<Received> {
        self.net.run_for(Duration::from_secs(60));
        std::iter::from_fn(|| self.net.receive(self.bob)).collect()
    }

    fn arrived_numbers(&mut self) -> Vec<u32> {
        self.arrived().iter().map(number_of).collect()
    }
}

#[test]
fn packets_take_their_bits_and_the_delay() {
    // 1,000 bytes at 1 Mbit/s are 8 ms.
    let mut pair = pair(Link::delayed(ms(50)).rate(1_000_000));
    pair.send(3, 1_000, Duration::ZERO);
    let times: Vec<_> = pair.arrived().into_iter().map(|r| r.at).collect();
    assert_eq!(times, [at(58), at(66), at(74)]);
}

#[test]
fn time_to_send_is_rounded_up_to_the_nanosecond() {
    // 33 bytes at 7 bit/s would be 37.714285714... s.
    let mut pair = pair(Link::perfect().rate(7));
    pair.send(1, 33, Duration::ZERO);
    let arrived = pair.arrived();
    assert_eq!(arrived[0].at, Instant::from_nanos(37_714_285_715));
}

#[test]
fn overhead_costs_time_but_no_bytes() {
    let mut pair = pair(Link::perfect().rate(8_000).overhead(38));
    pair.send(1, 62, Duration::ZERO);
    let arrived = pair.arrived();
    assert_eq!((arrived[0].at, arrived[0].payload.len()), (at(100), 34));
}

#[test]
fn an_idle_link_waits_for_nobody() {
    let mut pair = pair(Link::perfect().rate(1_000_000));
    pair.send(3, 1_000, ms(20));
    let times: Vec<_> = pair.arrived().into_iter().map(|r| r.at).collect();
    assert_eq!(times, [at(8), at(28), at(48)]);
}

/// With packets that arrive at random and take equally long, waiting is that of the M/D/1 queue:
/// ρ / (2 (1 − ρ)) times the service.
#[rstest]
#[case::half_full(0.5)]
#[case::nearly_full(0.8)]
fn waiting_is_that_of_the_queue_in_books(#[case] load: f64) {
    const SERVICE: f64 = 0.008;
    let mut pair = pair(Link::perfect().rate(1_000_000));
    let mut dice = pair.net.stream("arrivals");
    let mut sent = Vec::new();
    for _ in 0..20_000 {
        let gap = Duration::from_secs_f64(dice.exponential() * SERVICE / load);
        pair.net.run_for(gap);
        sent.push(pair.net.now());
        pair.net.send(pair.alice, addr("10.0.0.2:2"), &[0; 972]);
    }
    let arrived = pair.arrived();
    let waits = arrived.iter().zip(&sent).map(|(r, &sent)| (r.at - sent).as_secs_f64() - SERVICE);
    let mean = waits.sum::<f64>() / 20_000.0;
    let expected = load / (2.0 * (1.0 - load)) * SERVICE;
    assert!((mean / expected - 1.0).abs() < 0.1, "{mean} is not {expected}");
}

/// One packet is being sent, the rest waits: the queue holds what the limit says, to the byte.
#[rstest]
#[case::packets(QueueLimit::packets(3), 4)]
#[case::no_packets(QueueLimit::packets(0), 1)]
#[case::bytes(QueueLimit::bytes(3_000), 4)]
#[case::a_byte_too_few(QueueLimit::bytes(2_999), 3)]
#[case::time(QueueLimit::time(ms(24)), 4)]
#[case::a_moment_too_short(QueueLimit::time(Duration::from_nanos(23_999_999)), 3)]
#[case::unlimited(QueueLimit::Unlimited, 10)]
fn the_queue_drops_its_tail(#[case] limit: QueueLimit, #[case] delivered: u32) {
    let mut pair = pair(Link::perfect().rate(1_000_000).queue(limit));
    pair.send(10, 1_000, Duration::ZERO);
    let hop = pair.net.hop("alice.eth0").expect("it exists");
    let waiting = delivered as usize - 1;
    assert_eq!(pair.net.queued(hop), (waiting, waiting as u64 * 1_000));
    assert_eq!(pair.arrived_numbers(), (0..delivered).collect::<Vec<_>>());
    assert_eq!(pair.net.tally().dropped(DropReason::QueueFull), u64::from(10 - delivered));
    assert!(pair.net.tally().is_conserved());
}

#[rstest]
#[case::one_percent(0.01)]
#[case::ten_percent(0.1)]
#[case::half(0.5)]
fn random_loss_has_its_rate(#[case] rate: f64) {
    const COUNT: u32 = 50_000;
    let mut pair = pair(Link::perfect().loss(Loss::random(rate)));
    pair.send(COUNT, 40, Duration::ZERO);
    let lost = f64::from(COUNT) - pair.arrived().len() as f64;
    // Four standard deviations: one seed in 16,000 would fail, and this one does not.
    let (mean, deviation) =
        (f64::from(COUNT) * rate, (f64::from(COUNT) * rate * (1.0 - rate)).sqrt());
    assert!((lost - mean).abs() < 4.0 * deviation, "{lost} lost, {mean} expected");
}

#[rstest]
#[case::short_bursts(0.05, 2.0)]
#[case::long_bursts(0.1, 5.0)]
fn bursts_have_their_rate_and_length(#[case] rate: f64, #[case] burst: f64) {
    const COUNT: u32 = 100_000;
    let mut pair = pair(Link::perfect().loss(Loss::bursts(rate, burst)));
    pair.send(COUNT, 40, Duration::ZERO);
    let mut lost = vec![true; COUNT as usize];
    for number in pair.arrived_numbers() {
        lost[number as usize] = false;
    }
    let total = lost.iter().filter(|&&lost| lost).count() as f64;
    let bursts = lost.windows(2).filter(|pair| pair[1] && !pair[0]).count() as f64;
    let (seen_rate, seen_burst) = (total / f64::from(COUNT), total / bursts);
    assert!((seen_rate / rate - 1.0).abs() < 0.05, "rate {seen_rate}, not {rate}");
    assert!((seen_burst / burst - 1.0).abs() < 0.05, "burst {seen_burst}, not {burst}");
}

#[test]
fn both_states_of_the_chain_may_lose_a_part() {
    const COUNT: u32 = 100_000;
    let (to_bad, to_good, lost_in_bad, lost_in_good) = (0.02, 0.1, 0.6, 0.01);
    let loss = Loss::GilbertElliott { to_bad, to_good, lost_in_bad, lost_in_good };
    let mut pair = pair(Link::perfect().loss(loss));
    pair.send(COUNT, 40, Duration::ZERO);
    let lost = 1.0 - pair.arrived().len() as f64 / f64::from(COUNT);
    let bad = to_bad / (to_bad + to_good);
    let expected = bad * lost_in_bad + (1.0 - bad) * lost_in_good;
    // The share of bad packets varies more than that of independent ones, by (1 + λ) / (1 − λ) with the
    // chain's λ = 1 − p − r. Four standard deviations again.
    let memory = 1.0 - to_bad - to_good;
    let variance = bad * (1.0 - bad) * (1.0 + memory) / (1.0 - memory) / f64::from(COUNT);
    let bound = 4.0 * variance.sqrt() * (lost_in_bad - lost_in_good);
    assert!((lost - expected).abs() < bound, "{lost}, not {expected} ± {bound}");
}

#[test]
fn listed_packets_are_lost_and_no_others() {
    let mut pair = pair(Link::perfect().losing([1, 3, 4]));
    pair.send(6, 40, Duration::ZERO);
    assert_eq!(pair.arrived_numbers(), [1, 4, 5]);
    assert_eq!(pair.net.tally().dropped(DropReason::LinkList), 3);
}

#[test]
fn chosen_packets_are_lost_and_no_others() {
    let odd = |_: Instant, packet: &simnet::Packet| packet.payload()[3] % 2 == 1;
    let mut pair = pair(Link::perfect().losing_if(odd));
    pair.send(6, 40, Duration::ZERO);
    assert_eq!(pair.arrived_numbers(), [0, 2, 4]);
    assert_eq!(pair.net.tally().dropped(DropReason::LinkPredicate), 3);
}

#[test]
fn lost_packets_have_cost_their_time() {
    let mut pair = pair(Link::perfect().rate(1_000_000).losing([1]));
    pair.send(2, 1_000, Duration::ZERO);
    assert_eq!(pair.arrived()[0].at, at(16));
}

#[test]
fn duplicates_arrive_twice_and_are_counted() {
    let mut pair = pair(Link::perfect().duplicating(1.0));
    pair.send(3, 40, Duration::ZERO);
    assert_eq!(pair.arrived_numbers(), [0, 0, 1, 1, 2, 2]);
    let tally = pair.net.tally();
    assert_eq!((tally.originated, tally.copied, tally.delivered), (3, 3, 6));
}

#[test]
fn a_wrong_checksum_is_dropped_by_the_receiver() {
    let mut pair = pair(Link::perfect().corrupting(1.0));
    pair.send(3, 40, Duration::ZERO);
    assert_eq!(pair.arrived().len(), 0);
    assert_eq!(pair.net.tally().dropped(DropReason::Checksum), 3);
}

#[test]
fn a_mended_checksum_lets_exactly_one_wrong_bit_through() {
    let mut pair = pair(Link::perfect().corrupting_unnoticed(1.0));
    pair.net.send(pair.alice, addr("10.0.0.2:2"), &[0; 100]);
    let arrived = pair.arrived();
    let wrong: u32 = arrived[0].payload.iter().map(|byte| byte.count_ones()).sum();
    assert_eq!(wrong, 1);
}

#[test]
fn ordered_jitter_varies_the_delay_and_never_the_order() {
    let link = Link::delayed(ms(20)).rate(100_000_000).jitter(Jitter::ordered(ms(5)));
    let mut pair = pair(link);
    pair.send(5_000, 1_250, Duration::from_micros(500));
    let arrived = pair.arrived();
    let serial = Duration::from_micros(100);
    for two in arrived.windows(2) {
        assert!(two[1].at >= two[0].at + serial, "RFC 8868 §4.5.2: {} {}", two[0].at, two[1].at);
    }
    let numbers: Vec<_> = arrived.iter().map(number_of).collect();
    assert!(numbers.is_sorted());
    assert_eq!(numbers.len(), 5_000);
}

#[test]
fn free_jitter_is_a_folded_gaussian_and_reorders() {
    let mut pair = pair(Link::delayed(ms(20)).jitter(Jitter::reordering(ms(5))));
    pair.send(20_000, 40, Duration::from_micros(500));
    let arrived = pair.arrived();
    let late: Vec<f64> = arrived
        .iter()
        .map(|r| {
            let sent = Instant::from_nanos(u64::from(number_of(r)) * 500_000);
            (r.at - sent).as_secs_f64() * 1e3 - 20.0
        })
        .collect();
    let swaps = arrived.windows(2).filter(|two| number_of(&two[0]) > number_of(&two[1])).count();
    assert!(swaps > 1_000, "{swaps} swaps");
    // RFC 8868 §4.5.3: one-sided, cut off at three deviations; the mean of |z| is 0.798 deviations.
    let mean = late.iter().sum::<f64>() / late.len() as f64;
    assert!((mean / (5.0 * 0.797_9) - 1.0).abs() < 0.03, "{mean}");
    assert!(late.iter().all(|&late| (0.0..=15.000_001).contains(&late)));
    assert!(late.iter().any(|&late| late > 14.999_9), "some are cut off");
}

#[test]
fn a_link_changes_in_the_middle_of_traffic() {
    let mut pair = pair(Link::perfect().rate(1_000_000));
    let hop = pair.net.hop("alice.eth0").expect("it exists");
    pair.net.schedule(at(12), Change::Link(hop, Box::new(Link::perfect().rate(2_000_000))));
    pair.send(4, 1_000, Duration::ZERO);
    let times: Vec<_> = pair.arrived().into_iter().map(|r| r.at).collect();
    // The second packet is on the wire already; the others go at the new rate.
    assert_eq!(times, [at(8), at(16), at(20), at(24)]);
}

#[test]
fn a_link_that_goes_down_loses_what_waits() {
    let mut pair = pair(Link::perfect().rate(1_000_000));
    let hop = pair.net.hop("alice.eth0").expect("it exists");
    pair.net.schedule(at(12), Change::Down(hop));
    pair.send(4, 1_000, Duration::ZERO);
    assert_eq!(pair.arrived_numbers(), [0, 1]);
    assert_eq!(pair.net.tally().dropped(DropReason::InterfaceDown), 2);
    assert!(pair.net.tally().is_conserved());
}

/// A router with a narrow link behind it.
fn narrow(mtu: u32) -> Pair {
    let world = Network::builder(1)
        .lan("a", "10.0.1.0/24 fd00:1::/64")
        .lan("b", "10.0.0.0/24 fd00:2::/64")
        .host("alice", Host::on("a"))
        .router("r", Attach::to("a").and_to("b"))
        .host("bob", Host::on("b").address("10.0.0.2").address("fd00:2::2"))
        .link("r", "b", Link::perfect().mtu(mtu));
    open(world.build().expect("the world fits together"))
}

#[rstest]
#[case::just_fits(1_000, 972, 0)]
#[case::one_byte_more(1_000, 973, 1)]
#[case::many(576, 4_000, 7)]
#[case::tiny(68, 1_000, 20)]
fn routers_fragment_and_hosts_reassemble(
    #[case] mtu: u32,
    #[case] length: usize,
    #[case] split: u64,
) {
    let mut pair = narrow(mtu);
    let payload: Vec<u8> = (0..length).map(|i| i.to_le_bytes()[0]).collect();
    pair.net.send(pair.alice, addr("10.0.0.2:2"), &payload);
    let arrived = pair.arrived();
    assert_eq!(arrived[0].payload, payload);
    let tally = pair.net.tally();
    assert_eq!((tally.split, tally.merged), (split, split), "{tally}");
    assert!(tally.is_conserved());
}

#[test]
fn what_must_not_be_fragmented_is_reported_too_big() {
    let mut pair = narrow(1_000);
    pair.net.set_dont_fragment(pair.alice, true);
    pair.net.send(pair.alice, addr("10.0.0.2:2"), &[0; 973]);
    assert_eq!(pair.arrived().len(), 0);
    let error = pair.net.socket_error(pair.alice).expect("the router says so");
    assert_eq!(error.kind, SocketErrorKind::TooBig { mtu: 1_000 });
    // Now the host knows without asking.
    pair.net.send(pair.alice, addr("10.0.0.2:2"), &[0; 973]);
    let error = pair.net.socket_error(pair.alice).expect("the host says so");
    assert_eq!(error.kind, SocketErrorKind::TooBig { mtu: 1_000 });
    // Longer than the host's own interface takes, to somebody of whom it has learned nothing.
    pair.net.send(pair.alice, addr("10.0.0.3:2"), &[0; 1_473]);
    let error = pair.net.socket_error(pair.alice).expect("the host says so");
    assert_eq!(error.kind, SocketErrorKind::TooBig { mtu: 1_500 });
    assert!(pair.net.tally().is_conserved());
}

#[test]
fn routers_never_fragment_ipv6_but_hosts_do() {
    let mut pair = narrow(1_280);
    let (alice, bob) = (pair.net.node("alice"), pair.net.node("bob"));
    let alice = pair.net.bind(alice, addr("[::]:1")).expect("the port is free");
    let bob = pair.net.bind(bob, addr("[::]:2")).expect("the port is free");
    pair.net.send(alice, addr("[fd00:2::2]:2"), &[0; 1_233]);
    pair.net.run_for(ms(1));
    let error = pair.net.socket_error(alice).expect("the router says so");
    assert_eq!(error.kind, SocketErrorKind::TooBig { mtu: 1_280 });
    pair.net.send(alice, addr("[fd00:2::2]:2"), &[0; 1_232]);
    pair.net.run_for(ms(1));
    assert_eq!(pair.net.receive(bob).expect("it fits").payload.len(), 1_232);
    // Now Alice splits what the path does not take, and the fragments pass.
    pair.net.send(alice, addr("[fd00:2::2]:2"), &[0; 1_233]);
    pair.net.run_for(ms(1));
    assert_eq!(pair.net.tally().split, 1);
    assert_eq!(pair.net.receive(bob).expect("it came in two").payload.len(), 1_233);
}

#[rstest]
#[case::two(2_000, 1)]
#[case::many(60_000, 41)]
fn hosts_split_and_join_ipv6(#[case] length: usize, #[case] split: u64) {
    let world = Network::builder(1)
        .lan("lan", "fd00:1::/64")
        .host("alice", Host::on("lan"))
        .host("bob", Host::on("lan").address("fd00:1::2"));
    let mut net = world.build().expect("the world fits together");
    let (alice, bob) = (net.node("alice"), net.node("bob"));
    let alice = net.bind(alice, addr("[::]:1")).expect("the port is free");
    let bob = net.bind(bob, addr("[::]:2")).expect("the port is free");
    net.send(alice, addr("[fd00:1::2]:2"), &vec![5; length]);
    net.run_for(ms(1));
    assert_eq!(net.receive(bob).expect("it is whole again").payload, vec![5; length]);
    assert_eq!((net.tally().split, net.tally().merged), (split, split));
}

#[test]
fn fragments_that_stay_alone_end_after_a_minute() {
    let world = world(1, Link::perfect().losing([2])).build().expect("the world fits together");
    let mut pair = open(world);
    pair.net.send(pair.alice, addr("10.0.0.2:2"), &[0; 2_000]);
    pair.net.run_for(Duration::from_secs(59));
    assert_eq!(pair.net.tally().in_flight, 1);
    pair.net.run_for(Duration::from_secs(2));
    let tally = pair.net.tally();
    assert_eq!((tally.in_flight, tally.dropped(DropReason::ReassemblyTimeout)), (0, 1));
    let error = pair.net.socket_error(pair.alice).expect("Bob says so");
    assert_eq!(error.kind, SocketErrorKind::TimeExceeded);
    assert!(tally.is_conserved());
}

#[test]
fn fragments_come_together_in_any_order_and_twice() {
    let link = Link::delayed(ms(1)).jitter(Jitter::reordering(ms(20))).duplicating(0.3);
    let mut pair = pair(link);
    for _ in 0..50 {
        pair.net.send(pair.alice, addr("10.0.0.2:2"), &[7; 8_000]);
        pair.net.run_for(Duration::from_secs(1));
    }
    let arrived = pair.arrived();
    assert!(arrived.len() >= 50, "{}", pair.net.tally());
    assert!(arrived.iter().all(|r| r.payload == [7; 8_000][..]));
    assert!(pair.net.tally().is_conserved());
}

#[test]
fn a_damaged_fragment_spoils_the_whole() {
    let mut pair = pair(Link::perfect().corrupting(1.0));
    pair.net.send(pair.alice, addr("10.0.0.2:2"), &[7; 3_000]);
    assert_eq!(pair.arrived().len(), 0);
    assert_eq!(pair.net.tally().dropped(DropReason::Checksum), 1);
}

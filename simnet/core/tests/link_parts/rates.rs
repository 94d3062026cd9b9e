//! Never faster than the rate, never idle without need.

use std::time::Duration;

use base::Instant;
use rstest::rstest;
use simnet::{
    Airtime, Bearer, Change, DeliveryTrace, DropReason, Fading, Gaps, Link, Piecewise, Queue,
    QueueLimit, Rate, Received, TokenBucket,
};

use super::pair::{Pair, addr, at, ms, open, pair, size_of, us, world};

/// Random sizes, everything at once.
fn saturate(link: Link, count: u32) -> Vec<Received> {
    let mut pair = pair(link);
    let mut dice = pair.net.stream("sizes");
    for number in 0..count {
        let size = 40 + usize::try_from(dice.below(1_460)).expect("a size");
        pair.send(number, size);
    }
    let arrived = pair.arrived();
    assert_eq!(arrived.len(), count as usize);
    arrived
}

/// Bits per second in billionths of a bit per nanosecond.
fn bits(bytes: u64) -> u128 {
    u128::from(bytes) * 8 * 1_000_000_000
}

/// Of all windows that begin with one arrival (`whole`: with its bits, else after them) and end with
/// another, none carries more than `burst` bytes and the rate times its length.
fn assert_never_faster(arrived: &[Received], rate: u64, burst: u64, whole: bool) {
    for (index, first) in arrived.iter().enumerate() {
        let mut sum = if whole { size_of(first) } else { 0 };
        for last in arrived.iter().skip(index + 1).take(200) {
            sum += size_of(last);
            let allowed = bits(burst) + u128::from(rate) * (last.at - first.at).as_nanos();
            assert!(bits(sum) <= allowed, "{} to {}: {sum} bytes", first.at, last.at);
        }
    }
}

fn total(arrived: &[Received]) -> u64 {
    arrived.iter().map(size_of).sum()
}

#[test]
fn a_fixed_rate_is_never_exceeded_and_never_left_unused() {
    let arrived = saturate(Link::perfect().rate(1_234_567).queue(QueueLimit::Unlimited), 2_000);
    assert_never_faster(&arrived, 1_234_567, 0, false);
    let exact = bits(total(&arrived)) / 1_234_567;
    let took = arrived[1_999].at.as_nanos();
    assert!(u128::from(took) - exact <= 2_000, "a nanosecond for each packet at most");
}

#[rstest]
#[case::fixed(Queue::default())]
#[case::codel(Queue::codel())]
#[case::fq_codel(Queue::fq_codel())]
#[case::pie(Queue::pie())]
#[case::dualpi2(Queue::dualpi2())]
#[case::red(Queue::Red(Box::default()))]
fn whatever_the_queue_the_link_is_never_idle_with_a_backlog(#[case] queue: Queue) {
    let mut pair = pair(Link::perfect().rate(1_000_000).queue(queue));
    let hop = pair.net.hop("alice.eth0").expect("it exists");
    let mut dice = pair.net.stream("sizes");
    let mut busy = Duration::ZERO;
    for number in 0..5_000 {
        // 12 % more than fits.
        pair.send(number, 500 + usize::try_from(dice.below(1_000)).expect("a size"));
        let before = pair.net.queued(hop).0;
        pair.net.run_for(us(7_140));
        if before > 1 && pair.net.queued(hop).0 > 0 {
            busy += us(7_140);
        }
    }
    let end = pair.net.now();
    let arrived = pair.arrived();
    let carried: Duration = arrived.iter().map(|r| us(size_of(r) * 8)).sum();
    assert!(carried >= busy, "{carried:?} of packets in {busy:?} with a backlog");
    assert!(busy > (end - Instant::ZERO) / 8, "{busy:?}");
    assert_never_faster(&arrived, 1_000_000, 0, false);
    assert!(pair.net.tally().is_conserved());
}

#[test]
fn a_table_of_rates_is_followed() {
    // RFC 8867 §5.1 in small: the reference, two and a half times it, 0.6, and the reference again.
    let steps = [(0, 1_000_000), (40, 2_500_000), (60, 600_000), (80, 1_000_000)];
    let table = Piecewise::new(steps.map(|(at, rate)| (ms(at), rate)));
    let mut pair = pair(Link::perfect().paced(Rate::Piecewise(Box::new(table))));
    pair.train(17, 1_000, Duration::ZERO);
    let expected = [
        8_000, 16_000, 24_000, 32_000, 40_000, 43_200, 46_400, 49_600, 52_800, 56_000, 59_200,
        70_000, 82_000, 90_000, 98_000, 106_000, 114_000,
    ];
    // 59.2 + 0.8 ms at 2.5 Mbit/s are 2,000 bits, 6,000 more take 10 ms; the next 6,000 bits last to
    // 80 ms, and the other 2,000 take 2 ms.
    assert_eq!(pair.arrival_times(), expected.map(|micros| Instant::ZERO + us(micros)));
}

#[test]
fn a_shaper_gives_burst_and_rate_exactly() {
    let bucket = TokenBucket::new(1_000_000, 5_000);
    let link = Link::perfect().paced(Rate::TokenBucket(Box::new(bucket)));
    let arrived = saturate(link, 1_000);
    assert_never_faster(&arrived, 1_000_000, 5_000, true);
    let least = (bits(total(&arrived)) - bits(5_000)) / 1_000_000;
    let took = u128::from(arrived[999].at.as_nanos());
    assert!(took >= least && took - least < 1_000, "all that flows in is used: {took} {least}");
}

#[test]
fn a_shaper_keeps_to_its_peak_within_the_burst() {
    let bucket = TokenBucket { rate: 1_000_000, burst: 3_000, peak: Some(8_000_000) };
    let mut pair = pair(Link::perfect().paced(Rate::TokenBucket(Box::new(bucket))));
    pair.train(5, 1_000, Duration::ZERO);
    // Three at the peak; then every 8 ms a token for the next, counted from the beginning.
    assert_eq!(pair.arrival_times(), [1, 2, 3, 9, 17].map(at));
    pair.send(0, 1_500);
    pair.net.send(pair.alice, addr("10.0.0.2:2"), &[0; 2_990]);
    assert_eq!(pair.arrived().len(), 2, "fragments fit");
}

#[test]
fn what_is_longer_than_the_bucket_never_passes() {
    let bucket = TokenBucket::new(1_000_000, 500);
    let mut pair = pair(Link::perfect().paced(Rate::TokenBucket(Box::new(bucket))));
    pair.send(1, 501);
    pair.send(2, 500);
    assert_eq!(pair.arrived_numbers(), [2]);
    assert_eq!(pair.net.tally().dropped(DropReason::LinkPoliced), 1);
}

#[test]
fn a_policer_drops_and_never_delays() {
    let mut pair = pair(Link::delayed(ms(10)).policed(TokenBucket::new(800_000, 4_000)));
    let mut sent = Vec::new();
    for number in 0..2_000 {
        sent.push(pair.net.now());
        pair.send(number, 1_000);
        pair.net.run_for(ms(5));
    }
    let arrived = pair.arrived();
    for received in &arrived {
        let number = super::pair::number_of(received) as usize;
        assert_eq!(received.at - sent[number], ms(10));
    }
    assert_never_faster(&arrived, 800_000, 4_000, true);
    // Half of what is offered passes, and the burst.
    assert!((1_000..=1_004).contains(&arrived.len()), "{}", arrived.len());
    let dropped = pair.net.tally().dropped(DropReason::LinkPoliced);
    assert_eq!(dropped + arrived.len() as u64, 2_000);
}

#[test]
fn a_policer_may_have_a_peak() {
    let bucket = TokenBucket { rate: 8_000_000, burst: 100_000, peak: Some(8_000_000) };
    let mut pair = pair(Link::perfect().policed(bucket));
    pair.train(10, 1_000, Duration::ZERO);
    assert_eq!(pair.arrived_numbers(), [0], "one of 1,500 bytes at once");
}

#[test]
fn a_trace_is_played_and_repeats() {
    let trace = DeliveryTrace::parse("10\n10\n30\n").expect("a trace");
    let mut pair = pair(Link::perfect().paced(Rate::Trace(trace)));
    pair.train(5, 1_500, Duration::ZERO);
    assert_eq!(pair.arrival_times(), [10, 10, 30, 40, 40].map(at));
}

/// Three stations and an access point on one medium.
fn wlan(rates: [u64; 2]) -> Pair {
    let station = |rate| {
        Link::perfect()
            .paced(Rate::Airtime(Box::new(Airtime::new("wlan", rate, us(100)))))
            .queue(QueueLimit::packets(20))
    };
    let [fast, slow] = rates;
    let builder = world(1, station(fast))
        .host("carol", simnet::Host::on("lan").address("10.0.0.3"))
        .link_from("carol", "lan", station(slow));
    open(builder.without_trace_hash().build().expect("the world fits together"))
}

#[test]
fn stations_on_one_medium_take_turns() {
    let mut pair = wlan([8_000_000, 1_000_000]);
    let carol = pair.net.node("carol");
    let carol = pair.net.bind(carol, addr("0.0.0.0:3")).expect("the port is free");
    for number in 0..1_000 {
        pair.send(number, 1_000);
        pair.net.send(carol, addr("10.0.0.2:2"), &[0; 972]);
        pair.net.run_for(ms(4));
    }
    let arrived = pair.arrived();
    let (fast, slow): (Vec<&Received>, Vec<&Received>) =
        arrived.iter().partition(|received| received.source == addr("10.0.0.1:1"));
    // 1.1 ms and 8.1 ms of air for a packet each: the slow station slows the fast one down.
    assert!(fast.len().abs_diff(slow.len()) <= 21, "{} {}", fast.len(), slow.len());
    assert!((430..480).contains(&fast.len()), "4 s / 9.2 ms: {}", fast.len());
    for two in arrived.windows(2) {
        let air = if two[1].source == addr("10.0.0.1:1") { us(1_100) } else { us(8_100) };
        assert!(two[1].at - two[0].at >= air, "one at a time");
    }
    assert!(pair.net.tally().is_conserved());
}

#[test]
fn a_medium_survives_a_station_that_leaves_it() {
    let mut pair = wlan([1_000_000, 1_000_000]);
    let carol = pair.net.node("carol");
    let carol = pair.net.bind(carol, addr("0.0.0.0:3")).expect("the port is free");
    let hop = pair.net.hop("carol.eth0").expect("it exists");
    let alice = pair.net.hop("alice.eth0").expect("it exists");
    let wired = || Box::new(Link::perfect().rate(1_000_000));
    // Alice leaves while she sends, Carol while she waits for her turn.
    pair.net.schedule(at(3), Change::Link(alice, wired()));
    pair.net.schedule(at(4), Change::Link(hop, wired()));
    for number in 0..5 {
        pair.send(number, 1_000);
        pair.net.send(carol, addr("10.0.0.2:2"), &[0; 972]);
    }
    assert_eq!(pair.arrived().len(), 10);
    assert_eq!(pair.net.tally().in_flight, 0);
}

/// Bytes per second that two saturated bearers of one cell get, which fade by `depth` in opposite phase.
fn cell(rates: [u64; 2], depth: f64) -> [f64; 2] {
    let bearer = |rate, phase| {
        let fading = Some(Fading { depth, period: ms(400), phase });
        let bearer = Bearer { fading, ..Bearer::new("cell", rate) };
        Link::perfect().paced(Rate::Bearer(Box::new(bearer))).queue(QueueLimit::packets(20))
    };
    let [one, two] = rates;
    let builder = world(1, bearer(one, 0.0))
        .host("carol", simnet::Host::on("lan").address("10.0.0.3"))
        .link_from("carol", "lan", bearer(two, 0.5));
    let mut pair = open(builder.without_trace_hash().build().expect("the world fits together"));
    let carol = pair.net.node("carol");
    let carol = pair.net.bind(carol, addr("0.0.0.0:3")).expect("the port is free");
    for number in 0..20_000 {
        pair.send(number, 1_000);
        pair.net.send(carol, addr("10.0.0.2:2"), &[0; 972]);
        pair.net.run_for(us(500));
    }
    let arrived = pair.arrived();
    assert!(pair.net.tally().is_conserved());
    let total = |host: &str| {
        let own = arrived.iter().filter(|received| received.source.ip().to_string() == host);
        own.map(size_of).sum::<u64>() as f64 / 10.0
    };
    ["10.0.0.1", "10.0.0.3"].map(total)
}

#[test]
fn a_cell_shares_its_time_and_prefers_those_who_are_fast_now() {
    // Half of the time each: half of 8 and of 2 Mbit/s.
    let [fast, slow] = cell([8_000_000, 2_000_000], 0.0);
    assert!((fast / 500_000.0 - 1.0).abs() < 0.05, "{fast}");
    assert!((slow / 125_000.0 - 1.0).abs() < 0.05, "{slow}");
    // Who serves each at its best carries more than one who takes turns; at most 1 + 0.8 · 2/π as much.
    let still: f64 = cell([4_000_000; 2], 0.0).iter().sum();
    let fading: f64 = cell([4_000_000; 2], 0.8).iter().sum();
    assert!((1.25..1.52).contains(&(fading / still)), "{}", fading / still);
}

#[test]
fn gaps_hold_packets_up() {
    let link = Link::delayed(ms(5)).rate(1_000_000).gaps(Gaps::every(ms(20), ms(10)));
    let mut pair = pair(link);
    pair.train(6, 1_000, Duration::ZERO);
    // 2.5 packets fit between two gaps.
    assert_eq!(pair.arrival_times(), [13, 21, 39, 57, 65, 83].map(at));
}

#[test]
fn gaps_hold_up_packets_of_a_link_without_a_rate() {
    let mut pair = pair(Link::perfect().gaps(Gaps::listed([(ms(10), ms(20))])));
    pair.train(4, 100, ms(6));
    assert_eq!(pair.arrival_times(), [0, 6, 20, 20].map(at));
}

#[test]
fn gaps_may_lose_what_falls_in() {
    let mut pair = pair(Link::perfect().gaps(Gaps::listed([(ms(10), ms(20))]).lossy()));
    pair.train(5, 100, ms(6));
    assert_eq!(pair.arrived_numbers(), [0, 1, 4]);
    assert_eq!(pair.net.tally().dropped(DropReason::LinkGap), 2);
}

#[test]
fn a_change_of_the_rate_leaves_the_queue_as_it_was() {
    let link = |rate| Link::perfect().rate(rate).queue(Queue::fq_codel());
    let mut pair = pair(link(1_000_000));
    let hop = pair.net.hop("alice.eth0").expect("it exists");
    pair.net.schedule(at(12), Change::Link(hop, Box::new(link(2_000_000))));
    pair.net.schedule(at(18), Change::Link(hop, Box::new(Link::perfect().rate(1_000_000))));
    pair.train(6, 1_000, Duration::ZERO);
    assert_eq!(pair.net.queued(hop), (5, 5_000));
    assert_eq!(pair.arrival_times(), [8, 16, 20, 28, 36, 44].map(at));
}

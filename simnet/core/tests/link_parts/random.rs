//! Links drawn at random: no packet is ever lost without a reason, and files hold every link.

use std::time::Duration;

use arbitrary::{Result, Unstructured};
use base::{Dscp, Ecn, Transmit};
use simnet::{
    Airtime, Bearer, Change, Codel, DelayTrace, DeliveryTrace, DualPi2, DualScheduler, Fading, Fq,
    FqCodel, Gaps, Jitter, Link, Loss, LossTrace, Markov, Peak, Pie, Piecewise, Priority, Queue,
    QueueLimit, Rate, Red, Spikes, Stream, TokenBucket,
};

use super::pair::{Pair, addr, ms, open, us, world};

/// A probability, often zero, in hundredths.
fn chance(u: &mut Unstructured<'_>) -> Result<f64> {
    Ok(if u.ratio(1, 2)? { 0.0 } else { f64::from(u.int_in_range(0..=40_u8)?) / 100.0 })
}

fn time(u: &mut Unstructured<'_>, millis: u64) -> Result<Duration> {
    Ok(us(u.int_in_range(1..=millis * 1_000)?))
}

fn bits(u: &mut Unstructured<'_>) -> Result<u64> {
    Ok(u.int_in_range(1..=200_u64)? * 50_000)
}

fn any_rate(u: &mut Unstructured<'_>) -> Result<Rate> {
    Ok(match u.int_in_range(0..=7_u8)? {
        0 => Rate::Unlimited,
        1 => {
            let steps = [(0, bits(u)?), (50, 0), (80, bits(u)?)];
            let mut table = Piecewise::new(steps.map(|(at, rate)| (ms(at), rate)));
            table.repeat = u.ratio(1, 2)?.then(|| ms(120));
            Rate::Piecewise(Box::new(table))
        }
        2 => {
            let peak = if u.arbitrary()? { Some(bits(u)?) } else { None };
            let burst = u.int_in_range(600..=20_000)?;
            Rate::TokenBucket(Box::new(TokenBucket { rate: bits(u)?, burst, peak }))
        }
        3 => Rate::Trace(DeliveryTrace::parse("1\n1\n4\n9\n9\n9\n20\n").expect("a trace")),
        4 => Rate::Airtime(Box::new(Airtime::new("air", bits(u)?, time(u, 1)?))),
        5 => {
            let fading = Fading { depth: chance(u)?, period: time(u, 900)?, phase: chance(u)? };
            Rate::Bearer(Box::new(Bearer { fading: Some(fading), ..Bearer::new("air", bits(u)?) }))
        }
        _ => Rate::Fixed(bits(u)?),
    })
}

fn any_limit(u: &mut Unstructured<'_>) -> Result<QueueLimit> {
    Ok(match u.int_in_range(0..=3_u8)? {
        0 => QueueLimit::Unlimited,
        1 => QueueLimit::Packets(u.int_in_range(0..=20)?),
        2 => QueueLimit::Bytes(u.int_in_range(0..=20_000)?),
        _ => QueueLimit::Time(time(u, 50)?),
    })
}

fn any_queue(u: &mut Unstructured<'_>) -> Result<Queue> {
    let limit = any_limit(u)?;
    let ecn = u.arbitrary()?;
    Ok(match u.int_in_range(0..=9_u8)? {
        0 => Queue::DropHead(limit),
        1 => Codel { limit, ecn, target: time(u, 10)?, ..Codel::default() }.into(),
        2 => FqCodel { limit: u.int_in_range(1..=30)?, ecn, ..FqCodel::default() }.into(),
        3 => Fq { limit: u.int_in_range(1..=30)?, flows: 4, ..Fq::default() }.into(),
        4 => Pie { limit, ecn, burst: time(u, 50)?, ..Pie::default() }.into(),
        5 => {
            let shift = DualScheduler::TimeShifted(time(u, 50)?);
            let scheduler = if ecn { shift } else { DualScheduler::default() };
            DualPi2 { limit, scheduler, ..DualPi2::default() }.into()
        }
        6 => Red { limit, ecn, min: 2_000, max: 9_000, weight: 0.1, ..Red::default() }.into(),
        7 => Priority { bands: vec![vec![46], vec![0]], limit }.into(),
        _ => Queue::DropTail(limit),
    })
}

fn any_loss(u: &mut Unstructured<'_>) -> Result<Loss> {
    Ok(match u.int_in_range(0..=6_u8)? {
        0 => Loss::Bernoulli(chance(u)?),
        1 => Loss::GilbertElliott {
            to_bad: chance(u)?,
            to_good: chance(u)?,
            lost_in_bad: chance(u)?,
            lost_in_good: chance(u)?,
        },
        2 => Loss::Markov(Markov {
            p13: chance(u)?,
            p31: chance(u)?,
            p32: chance(u)?,
            p23: chance(u)?,
            p14: chance(u)?,
        }),
        3 => Loss::every(u.int_in_range(1..=9)?),
        4 => Loss::Blackhole { from: ms(20), to: ms(20) + time(u, 50)? },
        5 => Loss::Trace(LossTrace::parse("110111").expect("a trace")),
        _ => Loss::None,
    })
}

fn any_jitter(u: &mut Unstructured<'_>) -> Result<Jitter> {
    let (deviation, correlation, reordering) = (time(u, 10)?, chance(u)?, u.arbitrary()?);
    Ok(match u.int_in_range(0..=6_u8)? {
        0 => Jitter::reordering(deviation),
        1 => Jitter::ordered(deviation),
        2 => Jitter::Uniform { spread: deviation, correlation, reordering },
        3 => Jitter::Normal { deviation, correlation, reordering },
        4 => Jitter::Pareto { scale: deviation, shape: 2.5, max: ms(50), correlation, reordering },
        _ => Jitter::None,
    })
}

/// A link with a bit of everything.
fn any_link(u: &mut Unstructured<'_>) -> Result<Link> {
    let mut link = Link::delayed(time(u, 30)?).paced(any_rate(u)?).queue(any_queue(u)?);
    link = link.loss(any_loss(u)?).jitter(any_jitter(u)?);
    link = link.overhead(u.int_in_range(0..=40)?).duplicating(chance(u)? / 4.0);
    if u.ratio(1, 4)? {
        let gaps = Gaps::every(ms(70), time(u, 40)?);
        link = link.gaps(if u.arbitrary()? { gaps } else { gaps.lossy() });
    }
    if u.ratio(1, 4)? {
        link = link.policed(TokenBucket::new(bits(u)?, u.int_in_range(600..=9_000)?));
    }
    if u.ratio(1, 4)? {
        let peaks = vec![Peak { at: ms(3), length: ms(9), extra: time(u, 30)? }];
        link = link.spikes(Spikes::Periodic { every: ms(40), peaks });
    }
    if u.ratio(1, 4)? {
        link = link.delay_trace(DelayTrace::new([(ms(0), time(u, 9)?), (ms(33), ms(0))]));
    }
    if u.ratio(1, 4)? {
        link = link.reordering(chance(u)?, time(u, 20)?);
    }
    if u.ratio(1, 4)? {
        link = link.swapping(chance(u)?, time(u, 20)?);
    }
    if u.ratio(1, 4)? {
        link = link.multipath(chance(u)?, time(u, 20)?);
    }
    if u.ratio(1, 4)? {
        link = link.path_mtu(u.int_in_range(300..=1_400)?, u.arbitrary()?);
    }
    link = if u.arbitrary()? { link.corrupting(chance(u)?) } else { link.losing([3, 8]) };
    Ok(link)
}

/// As many random bytes as a few links take.
fn entropy(dice: &mut Stream) -> Vec<u8> {
    let mut bytes = vec![0; 2_048];
    dice.fill(&mut bytes);
    bytes
}

/// A packet of a random kind, or a few.
fn burst(pair: &mut Pair, dice: &mut Stream) {
    for _ in 0..=dice.below(6) {
        let size = usize::try_from(dice.below(1_700)).expect("a size");
        let mut transmit = Transmit::new(addr("10.0.0.2:2"), size);
        transmit.ecn = Ecn::from_bits(dice.u64().to_le_bytes()[0]);
        transmit.dscp = Dscp::new(if dice.chance(0.3) { 46 } else { 0 });
        pair.net.set_dont_fragment(pair.alice, dice.chance(0.5));
        pair.net.transmit_from(pair.alice, &transmit, &vec![0; size]);
    }
}

#[test]
fn packets_are_conserved_whatever_the_link() {
    let mut delivered = 0;
    for seed in 0..150 {
        let mut dice = Stream::new(seed, "links");
        let bytes = entropy(&mut dice);
        let mut u = Unstructured::new(&bytes);
        let links = [(); 4].map(|()| any_link(&mut u).expect("enough bytes"));
        for link in &links {
            assert_eq!(link.check(), Ok(()), "seed {seed}: {link:?}");
        }
        let [first, back, second, third] = links;
        let world = world(seed, first.clone()).link_from("lan", "bob", back);
        let mut pair = open(world.without_trace_hash().build().expect("the world fits together"));
        let hop = pair.net.hop("alice.eth0").expect("it exists");
        for step in 0..120 {
            match step {
                40 => pair.net.change(Change::Link(hop, Box::new(second.clone()))),
                60 => pair.net.change(Change::Link(hop, Box::new(third.clone()))),
                70 => pair.net.change(Change::Down(hop)),
                73 => pair.net.change(Change::Up(hop)),
                90 => pair.net.change(Change::Link(hop, Box::new(Link::perfect()))),
                _ => {}
            }
            burst(&mut pair, &mut dice);
            pair.net.run_for(us(dice.below(6_000)));
            let tally = pair.net.tally();
            assert!(tally.is_conserved(), "seed {seed} step {step}: {tally}\n{first:?}");
        }
        pair.net.run_for(Duration::from_secs(120));
        let tally = pair.net.tally();
        assert_eq!(tally.in_flight, 0, "seed {seed}: {tally}\n{first:?}\n{second:?}\n{third:?}");
        assert!(tally.is_conserved(), "seed {seed}: {tally}");
        delivered += tally.delivered;
    }
    assert!(delivered > 10_000, "{delivered}");
}

#[test]
fn files_hold_every_link() {
    for seed in 0..500 {
        let bytes = entropy(&mut Stream::new(seed, "files"));
        let link = any_link(&mut Unstructured::new(&bytes)).expect("enough bytes");
        let text = toml::to_string(&link).expect("it can be written");
        let read: Link = toml::from_str(&text).unwrap_or_else(|error| panic!("{error}\n{text}"));
        assert_eq!(read, link, "{text}");
    }
}

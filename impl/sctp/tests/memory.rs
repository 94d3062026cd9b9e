//! What associations cost that do nothing, and what a stranger can make them keep: reliability row S20.

use std::time::Duration;

use base::{Ecn, Instant, Rng};
use bytes::Bytes;
use sctp::{Association, Config, Ppid, SendOptions, StreamId};

/// Two ends, one of which begins.
fn pair() -> [Association; 2] {
    let ends = [1, 2]
        .map(|seed| Association::new(Config::default(), Rng::from_seed([seed; 32]), Instant::ZERO));
    let [mut one, other] = ends;
    let began = one.connect(Instant::ZERO);
    assert_eq!(began, Ok(()));
    [one, other]
}

/// Hands packets back and forth for a second, each on its way for ten milliseconds.
fn talk(ends: &mut [Association; 2], now: &mut Instant) {
    let mut packet = Vec::new();
    for _ in 0..100 {
        *now += Duration::from_millis(10);
        for _ in 0..2 {
            let [one, other] = ends;
            one.handle_timeout(*now);
            while one.poll_packet(*now, &mut packet).is_some() {
                other.handle_packet(*now, &packet, Ecn::NotEct);
                packet.clear();
            }
            while one.poll_event().is_some() {}
            while one.poll_message().is_some() {}
            ends.reverse();
        }
    }
}

#[test]
fn an_idle_association_of_65535_streams_is_small() {
    let mut standing = None;
    let cost = allocation_counter::measure(|| {
        let (mut ends, mut now) = (pair(), Instant::ZERO);
        talk(&mut ends, &mut now);
        assert!(ends.iter().all(|end| end.outgoing_streams() == u16::MAX));
        standing = Some(ends);
    });
    let bytes = cost.bytes_current / 2;
    // Beside what lies inside of the value itself.
    let inside = i64::try_from(size_of::<Association>()).unwrap_or(i64::MAX);
    println!("an idle association: {bytes} bytes on the heap, {inside} inside");
    assert!(bytes + inside < 12 << 10, "{bytes} + {inside}");
    drop(standing);
}

#[test]
fn a_used_stream_costs_little_and_messages_nothing_once_they_are_gone() {
    let mut ends = pair();
    let mut now = Instant::ZERO;
    talk(&mut ends, &mut now);
    let cost = allocation_counter::measure(|| {
        for stream in 0..1_000 {
            let payload = Bytes::from(vec![7; 1_000]);
            let (stream, ppid) = (StreamId::new(stream), Ppid::new(53));
            let [one, _] = &mut ends;
            assert_eq!(one.send(now, stream, ppid, payload, &SendOptions::default()), Ok(()));
        }
        talk(&mut ends, &mut now);
        talk(&mut ends, &mut now);
    });
    let [one, other] = &ends;
    assert!(one.is_idle());
    assert_eq!(other.stats().messages_received, 1_000);
    println!("a used stream: {} bytes at both ends", cost.bytes_current / 1_000);
    assert!(cost.bytes_current < 400 * 1_000, "{} bytes", cost.bytes_current);
}

#[test]
fn a_flood_of_inits_is_answered_and_nothing_kept() {
    let mut ends = pair();
    let [one, other] = &mut ends;
    let mut init = Vec::new();
    assert!(one.poll_packet(Instant::ZERO, &mut init).is_some());
    let mut answer = Vec::with_capacity(4_096);
    let mut flood = |count| {
        allocation_counter::measure(|| {
            for _ in 0..count {
                other.handle_packet(Instant::ZERO, &init, Ecn::NotEct);
                answer.clear();
                while other.poll_packet(Instant::ZERO, &mut answer).is_some() {}
            }
        })
    };
    // The first draws the key of cookies and makes room for answers.
    flood(20);
    assert_eq!(flood(10_000).bytes_current, 0);
}

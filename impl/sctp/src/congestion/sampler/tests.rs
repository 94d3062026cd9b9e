//! Claims about delivery rates.

use super::*;

const PACKET: u64 = 1_000;
const RTT: Duration = Duration::from_millis(50);

fn at(millis: u64) -> Instant {
    Instant::ZERO + Duration::from_millis(millis)
}

/// A packet each millisecond, acknowledged one by one after a round trip.
#[test]
fn a_steady_flow_shows_its_rate() {
    let mut sampler = Sampler::default();
    let (mut sent, mut rate) = (Vec::new(), None);
    for ms in 0..200_u64 {
        sent.push(sampler.on_sent(at(ms), PACKET, (ms + 1).min(51) * PACKET));
        let Some(acked) = ms.checked_sub(50) else { continue };
        let snapshot = sent[usize::try_from(acked).unwrap()];
        sampler.on_delivered(at(ms), &snapshot, at(acked), PACKET);
        rate = sampler.finish(RTT).rate;
    }
    let rate = rate.unwrap();
    assert_eq!(rate.bytes_per_second(), 1_000_000);
    assert!(!rate.app_limited);
}

#[test]
fn acknowledgements_in_a_bunch_look_no_faster_than_what_was_sent() {
    let mut sampler = Sampler::default();
    let sent: Vec<_> =
        (0..50_u64).map(|ms| sampler.on_sent(at(ms), PACKET, (ms + 1) * PACKET)).collect();
    for (ms, snapshot) in sent.iter().enumerate() {
        sampler.on_delivered(at(100), snapshot, at(ms as u64), PACKET);
    }
    let shown = sampler.finish(RTT);
    assert_eq!((shown.newly_acked, shown.round_start), (50_000, true));
    assert!(shown.rate.unwrap().bytes_per_second() <= 1_000_000, "{:?}", shown.rate);
}

#[test]
fn shorter_than_a_round_trip_shows_nothing() {
    let mut sampler = Sampler::default();
    let snapshot = sampler.on_sent(at(0), PACKET, PACKET);
    sampler.on_delivered(at(10), &snapshot, at(0), PACKET);
    assert_eq!(sampler.finish(RTT).rate, None);
}

#[test]
fn what_an_application_limits_is_marked_until_it_has_passed() {
    let mut sampler = Sampler::default();
    sampler.on_app_limited(0);
    let limited = sampler.on_sent(at(0), PACKET, PACKET);
    sampler.on_delivered(at(50), &limited, at(0), PACKET);
    assert!(sampler.finish(RTT).rate.unwrap().app_limited);
    let free = sampler.on_sent(at(50), PACKET, PACKET);
    sampler.on_lost(PACKET);
    sampler.on_delivered(at(100), &free, at(50), PACKET);
    let rate = sampler.finish(RTT).rate.unwrap();
    assert_eq!((rate.app_limited, rate.lost), (false, PACKET));
}

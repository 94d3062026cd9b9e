//! Claims about pacing.

use rstest::rstest;

use super::*;

const PACKET: u64 = 1_200;

fn at(micros: u64) -> Instant {
    Instant::ZERO + Duration::from_micros(micros)
}

/// Sends whatever may leave, until `end`; the times and the bytes.
fn drain(pacer: &mut Pacer, end: Instant) -> Vec<(Instant, u64)> {
    let (mut now, mut sent) = (Instant::ZERO, Vec::new());
    while now <= end {
        let mut burst = 0;
        while pacer.budget(now) > 0 {
            pacer.on_sent(now, PACKET);
            burst += PACKET;
        }
        sent.push((now, burst));
        let Some(release) = pacer.release(now) else { break };
        assert!(release > now, "time goes on");
        now = release;
    }
    sent
}

#[rstest]
#[case::slow(12_500)]
#[case::fast(12_500_000)]
#[case::very_fast(1_250_000_000)]
fn bursts_are_bounded_and_the_rate_is_kept(#[case] rate: u64) {
    let mut pacer = Pacer::new(PACKET);
    pacer.set_rate(Instant::ZERO, rate);
    let sent = drain(&mut pacer, at(2_000_000));
    let most = (rate / 1_000).max(10 * PACKET) + PACKET;
    assert!(sent.iter().all(|&(_, burst)| burst <= most));
    let total: u64 = sent.iter().map(|&(_, burst)| burst).sum();
    let due = rate * 2;
    assert!((due - most..=due + 2 * most).contains(&total), "{total} of {due}");
}

#[test]
fn nothing_is_paced_before_a_rate_is_known() {
    let mut pacer = Pacer::new(PACKET);
    pacer.on_sent(Instant::ZERO, 1 << 40);
    assert_eq!(pacer.budget(Instant::ZERO), u64::MAX);
    assert_eq!(pacer.release(Instant::ZERO), None);
}

#[test]
fn what_recovery_sends_beyond_the_rate_is_owed_but_not_for_ever() {
    let mut pacer = Pacer::new(PACKET);
    pacer.set_rate(Instant::ZERO, 12_500_000);
    for _ in 0..1_000 {
        pacer.on_sent(Instant::ZERO, PACKET);
    }
    let release = pacer.release(Instant::ZERO).unwrap();
    assert!(release.elapsed() < Duration::from_millis(3), "{release}");
    assert_eq!(pacer.budget(Instant::ZERO), 0);
    assert!(pacer.budget(release) > 0);
}

#[rstest]
fn no_rate_and_no_time_breaks_the_sums(#[values(1, u64::MAX)] rate: u64) {
    let mut pacer = Pacer::new(9_000);
    pacer.set_rate(Instant::MAX, rate);
    pacer.on_sent(Instant::MAX, u64::MAX);
    assert!(pacer.budget(Instant::MAX) < u64::MAX);
    assert!(pacer.release(Instant::ZERO).is_some());
    pacer.set_rate(Instant::ZERO, 0);
}

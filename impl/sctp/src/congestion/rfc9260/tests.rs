//! Claims about the controller of RFC 9260 §7.2.

use rstest::rstest;

use super::*;

const PACKET: u64 = 1_000;

fn acked(newly_acked: u64, in_flight: u64) -> Acked {
    Acked {
        now: Instant::ZERO,
        newly_acked,
        newly_lost: 0,
        prior_in_flight: in_flight + newly_acked,
        in_flight,
        rtt: None,
        smoothed_rtt: Duration::from_millis(50),
        min_rtt: Duration::from_millis(50),
        rate: None,
        round_start: false,
        app_limited: false,
        in_recovery: false,
    }
}

#[rstest]
#[case::small(280, 1_120)]
#[case::usual(1_188, 4_344)]
#[case::large(9_000, 18_000)]
fn the_first_window_is_that_of_section_7_2_1(#[case] packet: u64, #[case] window: u64) {
    assert_eq!(Rfc9260::new(packet).window(), window);
}

#[test]
fn slow_start_grows_by_what_arrived_and_by_one_packet_at_most() {
    let mut control = Rfc9260::new(PACKET);
    control.on_ack(&acked(600, 3_000));
    assert_eq!(control.window(), 4_600);
    control.on_ack(&acked(3_000, 3_000));
    assert_eq!(control.window(), 5_600);
    control.on_ack(&Acked { app_limited: true, ..acked(1_000, 0) });
    control.on_ack(&Acked { in_recovery: true, ..acked(1_000, 0) });
    assert_eq!(control.window(), 5_600, "neither in recovery nor with room left");
}

#[test]
fn avoidance_grows_by_one_packet_for_a_window_that_arrived() {
    let mut control = Rfc9260::new(PACKET);
    control.window = 20_000;
    control.on_congestion(Instant::ZERO, Congestion::Loss { in_flight: 20_000 });
    assert_eq!((control.window(), control.in_slow_start()), (10_000, true));
    control.on_ack(&acked(1_000, 10_000));
    assert_eq!((control.window(), control.in_slow_start()), (11_000, false));
    for _ in 0..10 {
        control.on_ack(&acked(1_000, 10_000));
    }
    assert_eq!(control.window(), 11_000);
    control.on_ack(&acked(1_000, 10_000));
    assert_eq!(control.window(), 12_000);
    control.on_ack(&acked(5_000, 0));
    assert_eq!(control.partial, 0, "all was acknowledged");
}

#[test]
fn a_timeout_leaves_one_packet_and_half_as_threshold() {
    let mut control = Rfc9260::new(PACKET);
    control.window = 20_000;
    control.on_congestion(Instant::ZERO, Congestion::Timeout);
    assert_eq!((control.window(), control.threshold), (1_000, 10_000));
    control.on_congestion(Instant::ZERO, Congestion::Spurious);
    assert_eq!(control.window(), 1_000, "there is no way back");
}

#[test]
fn an_idle_path_halves_the_window_for_each_timeout_down_to_four_packets() {
    let mut control = Rfc9260::new(PACKET);
    control.window = 40_000;
    let timeout = Duration::from_secs(1);
    let sent = |seconds| Sent {
        now: Instant::ZERO + Duration::from_secs(seconds),
        bytes: PACKET,
        in_flight: PACKET,
        timeout,
    };
    control.on_sent(&sent(0));
    control.on_sent(&sent(2));
    assert_eq!((control.window(), control.threshold), (10_000, 40_000));
    control.on_sent(&sent(100));
    assert_eq!(control.window(), 4_000);
}

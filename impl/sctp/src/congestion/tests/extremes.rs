//! What no path does, and a peer may say: no controller breaks.

use std::time::Duration;

use base::{Instant, Rng};
use rstest::rstest;

use crate::{
    congestion::{Acked, Algorithm, Congestion, Control, RateSample, Sent, Summary},
    path::{Rtt, RttConfig},
};

/// An acknowledgement of `bytes` after `rtt`.
pub(in crate::congestion) fn acked(rtt: Duration, bytes: u64) -> Acked {
    Acked {
        now: Instant::ZERO,
        newly_acked: bytes,
        newly_lost: bytes / 100,
        prior_in_flight: bytes,
        in_flight: 0,
        rtt: Some(rtt),
        smoothed_rtt: rtt,
        min_rtt: rtt,
        rate: Some(RateSample {
            delivered: bytes,
            interval: rtt,
            lost: 0,
            in_flight_at_send: bytes,
            app_limited: false,
        }),
        round_start: true,
        app_limited: false,
        in_recovery: false,
    }
}

#[rstest]
fn a_controller_survives_any_words(
    #[values(Algorithm::Rfc9260, Algorithm::Cubic, Algorithm::ModelBased)] algorithm: Algorithm,
    #[values(0, 280, 1_188, 9_000, u64::MAX)] packet: u64,
    #[values(0, 1, 1 << 40, u64::MAX)] rtt: u64,
) {
    let mut controller = algorithm.controller(packet, &Rng::from_seed([1; 32]));
    let rtt = Duration::from_nanos(rtt);
    for step in 0..200_u64 {
        let now = Instant::from_nanos(step << 50);
        let bytes = if step.is_multiple_of(7) { u64::MAX } else { packet };
        controller.on_sent(&Sent { now, bytes, in_flight: bytes, timeout: rtt });
        controller.on_ack(&Acked { now, ..acked(rtt, bytes) });
        match step % 10 {
            3 => controller.on_congestion(now, Congestion::Loss { in_flight: bytes }),
            5 => controller.on_congestion(now, Congestion::Mark),
            7 => controller.on_congestion(now, Congestion::Timeout),
            8 => controller.on_congestion(now, Congestion::Spurious),
            9 => controller.set_packet_size(280 + step),
            _ => {}
        }
        assert!(controller.window() > 0, "a window never closes for good");
    }
}

#[rstest]
fn the_door_survives_any_round_trip(
    #[values(Algorithm::Rfc9260, Algorithm::Cubic, Algorithm::ModelBased)] algorithm: Algorithm,
    #[values(0, 1, 1 << 40)] rtt: u64,
    #[values(280, 9_000)] packet: u64,
) {
    let mut control = Control::new(algorithm, packet, &Rng::from_seed([1; 32]));
    let bounds = RttConfig {
        initial: Duration::from_secs(1),
        min: Duration::from_millis(200),
        max: Duration::from_secs(10),
    };
    let mut path = Rtt::new(bounds);
    let mut now = Instant::ZERO;
    for step in 0..300_u64 {
        let mut flight = Vec::new();
        while control.budget(now, packet * flight.len() as u64) > 0 && flight.len() < 50 {
            flight.push((control.on_sent(now, packet, packet * (flight.len() as u64 + 1)), now));
        }
        now += Duration::from_nanos(rtt);
        let prior = packet * flight.len() as u64;
        for (snapshot, sent_at) in flight {
            control.on_delivered(now, &snapshot, sent_at, packet);
        }
        let rtt = Duration::from_nanos(rtt);
        path.on_measured(now, rtt);
        match step % 9 {
            2 => control.on_recovery_start(now, prior),
            4 => control.on_recovery_end(),
            6 => control.on_mark(now, prior),
            7 => control.on_timeout(now),
            8 => control.on_spurious(now),
            _ => {}
        }
        control.on_sack_done(
            &Summary {
                now,
                prior_in_flight: prior,
                in_flight: 0,
                rtt: Some(rtt),
                cumulative_advanced: true,
            },
            &path,
        );
        now = control.release(now, 0).unwrap_or(now);
        assert!(control.budget(now, 0) > 0, "an empty path always takes a packet");
    }
}

//! What a timeout leaves of the window.

use base::{Instant, Rng};
use rstest::rstest;

use crate::congestion::{Algorithm, Control};

#[rstest]
fn after_a_timeout_one_packet_is_in_flight_and_no_more(
    #[values(Algorithm::Rfc9260, Algorithm::Cubic, Algorithm::ModelBased)] algorithm: Algorithm,
) {
    let (packet, now) = (1_188, Instant::from_nanos(1));
    let mut control = Control::new(algorithm, packet, &Rng::from_seed([7; 32]));
    assert!(control.budget(now, 1_016) > 0, "at first several packets may be in flight");
    control.on_timeout(now);
    assert!(control.budget(now, 0) >= packet, "a packet may leave");
    assert_eq!(control.budget(now, 1_016), 0, "and nothing beside it");
}

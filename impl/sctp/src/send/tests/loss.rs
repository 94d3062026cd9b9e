//! What is lost, and what only seems so.

use rstest::rstest;

use super::*;
use crate::{
    congestion::{Algorithm, Control},
    send::{Acknowledged, Detection, SenderConfig, tests::talk::config},
};

/// Ten full chunks after a warm-up with a round trip of 100 ms: numbers 2 to 11, all in flight.
fn ten_in_flight(detection: Detection) -> Talk {
    let mut talk = Talk::with(SenderConfig { detection, ..config() }, 0xffff_fffb);
    // A window that nothing closes: these are dialogues about loss.
    talk.control = Control::new(Algorithm::ModelBased, 1_188, &base::Rng::from_seed([1; 32]));
    talk.warm_up();
    for _ in 0..10 {
        talk.send(1, 1_172);
    }
    assert_eq!(talk.packets().len(), 10);
    talk
}

fn repeated(talk: &mut Talk) -> Vec<String> {
    let numbers = |line: String| line.split([' ', ':']).nth(1).unwrap().to_owned();
    talk.packets().into_iter().map(numbers).collect()
}

#[test]
fn what_later_packets_overtook_by_a_crowd_goes_again_at_once() {
    let mut talk = ten_in_flight(Detection::Rack);
    talk.wait(100);
    talk.sack(2, &[(4, 4)]);
    assert_eq!(repeated(&mut talk), [""; 0], "one may have been overtaken");
    talk.sack(2, &[(4, 5)]);
    assert_eq!(repeated(&mut talk), [""; 0]);
    talk.sack(2, &[(4, 6)]);
    assert_eq!(repeated(&mut talk), ["3"], "three are a crowd (RFC 8985 §6.2)");
    assert_eq!(talk.sender.counters().repeated, 1);
}

#[test]
fn what_was_overtaken_by_one_goes_again_a_quarter_round_trip_later() {
    let mut talk = ten_in_flight(Detection::Rack);
    talk.wait(100);
    talk.sack(2, &[(4, 4)]);
    let (waited, expired) = talk.expire();
    assert_eq!((waited, expired.is_error), (25, false));
    assert_eq!(repeated(&mut talk), ["3"]);
}

#[test]
fn what_arrives_before_the_reordering_window_passed_does_not_go_again() {
    let mut talk = ten_in_flight(Detection::Rack);
    talk.wait(100);
    talk.sack(2, &[(4, 4)]);
    talk.wait(10);
    talk.sack(4, &[]);
    talk.sack(5, &[(7, 11)]);
    assert_eq!(repeated(&mut talk), [""; 0], "the network reorders: a crowd proves nothing now");
    talk.expire();
    assert_eq!(repeated(&mut talk), ["6"]);
}

#[test]
fn a_repetition_that_is_lost_is_noticed_without_a_timeout() {
    let mut talk = ten_in_flight(Detection::Rack);
    talk.wait(100);
    talk.sack(2, &[(4, 11)]);
    assert_eq!(repeated(&mut talk), ["3"]);
    for _ in 0..3 {
        talk.send(1, 1_172);
    }
    talk.wait(1);
    assert_eq!(talk.packets().len(), 3);
    talk.wait(100);
    talk.sack(2, &[(4, 14)]);
    assert_eq!(repeated(&mut talk), ["3"], "what left after it arrived");
    assert_eq!(talk.sender.counters().timeouts, 0);
}

#[test]
fn the_end_of_a_burst_is_probed_for_after_two_round_trips() {
    let mut talk = ten_in_flight(Detection::Rack);
    talk.wait(100);
    talk.sack(9, &[]);
    let (waited, expired) = talk.expire();
    assert_eq!((waited, expired.is_error), (200, false));
    assert_eq!(repeated(&mut talk), ["11"], "the newest (RFC 8985 §7.3)");
    talk.wait(100);
    talk.sack(9, &[(11, 11)]);
    assert_eq!(repeated(&mut talk), ["10"], "its copy overtook the other");
    assert_eq!(talk.sender.counters().timeouts, 0);
}

#[test]
fn a_probe_prefers_what_is_new() {
    let mut talk = ten_in_flight(Detection::Rack);
    talk.wait(100);
    talk.sack(9, &[]);
    talk.window = 0;
    talk.sack(9, &[]);
    talk.send(1, 50);
    assert_eq!(repeated(&mut talk), [""; 0], "no room");
    talk.window = 1 << 20;
    talk.sender.set_peer_window(1 << 20);
    talk.sender.forced = None;
    let deadline = talk.sender.deadline().unwrap();
    talk.now = deadline;
    talk.sender.handle_timeout(deadline, &mut talk.control, &mut talk.rtt);
    assert_eq!(repeated(&mut talk), ["12"]);
}

#[test]
fn silence_makes_everything_go_again_the_oldest_first() {
    let mut talk = ten_in_flight(Detection::Rack);
    talk.wait(100);
    talk.sack(2, &[]);
    let mut errors = 0;
    for _ in 0..2 {
        errors += u32::from(talk.expire().1.is_error);
        talk.packets();
    }
    assert_eq!(errors, 1, "a probe, then the timeout");
    assert_eq!(talk.sender.counters().timeouts, 1);
    let before = talk.rtt.rto();
    talk.expire();
    assert!(talk.rtt.rto() > before || talk.rtt.rto().as_secs() == 10, "it backs off");
    assert_eq!(repeated(&mut talk)[0], "3");
    assert_eq!(talk.sack(11, &[]), Acknowledged::Progress);
    assert!(talk.sender.is_idle());
    assert_eq!(talk.sender.deadline(), None);
}

#[test]
fn a_timeout_that_only_delay_brought_is_taken_back() {
    let mut talk = ten_in_flight(Detection::Rack);
    let window = talk.control.window();
    talk.expire();
    talk.packets();
    talk.expire();
    assert_eq!(talk.sender.counters().timeouts, 1);
    assert_eq!(repeated(&mut talk)[0], "2", "one packet");
    // What comes sooner than any round trip acknowledges the first copy.
    talk.wait(5);
    talk.sack(2, &[]);
    assert_eq!(repeated(&mut talk), [""; 0], "the others are still in flight");
    assert!(talk.sender.in_flight() >= 9 * 1_188);
    assert!(talk.control.window() >= window, "and the window is what it was");
    talk.check();
}

#[test]
fn a_loss_that_was_none_is_taken_back_and_more_patience_is_had() {
    let mut talk = ten_in_flight(Detection::Rack);
    talk.wait(100);
    talk.sack(2, &[(4, 6)]);
    assert_eq!(repeated(&mut talk), ["3"]);
    talk.wait(5);
    talk.sack(6, &[]);
    assert!(!talk.sender.recovery.is_repairing());
    talk.check();
    talk.sack(6, &[(8, 11)]);
    assert_eq!(repeated(&mut talk), [""; 0], "reordering was seen");
    let (waited, _) = talk.expire();
    assert!(waited >= 44, "half a round trip after it left, not a quarter: {waited}");
}

#[test]
fn a_number_reported_twice_widens_the_window_once_a_round_trip() {
    let mut talk = ten_in_flight(Detection::Rack);
    talk.wait(100);
    talk.sack(2, &[(4, 6)]);
    assert_eq!(repeated(&mut talk), ["3"]);
    talk.wait(100);
    for _ in 0..3 {
        talk.try_sack(6, &[], &[3]).unwrap();
    }
    talk.sack(6, &[(8, 8)]);
    talk.wait(24);
    let now = talk.now;
    talk.sender.handle_timeout(now, &mut talk.control, &mut talk.rtt);
    talk.check();
}

#[test]
fn misses_are_counted_as_rfc_9260_counts_them() {
    let mut talk = ten_in_flight(Detection::Misses);
    talk.wait(100);
    talk.sack(2, &[(4, 4)]);
    talk.sack(2, &[(4, 5)]);
    assert_eq!(repeated(&mut talk), [""; 0]);
    talk.sack(2, &[(4, 5)]);
    assert_eq!(repeated(&mut talk), [""; 0], "nothing new, no miss (RFC 9260 §7.2.4)");
    talk.sack(2, &[(4, 6)]);
    assert_eq!(repeated(&mut talk), ["3"]);
    for last in 7..=11 {
        talk.sack(2, &[(4, last)]);
    }
    assert_eq!(repeated(&mut talk), [""; 0], "fast only once");
    talk.expire();
    assert_eq!(repeated(&mut talk), ["3"]);
    assert_eq!(talk.sender.counters().timeouts, 1);
}

#[test]
fn in_recovery_every_hole_is_missed_by_an_acknowledgement_that_moves_on() {
    let mut talk = ten_in_flight(Detection::Misses);
    talk.wait(100);
    for last in 4..=6 {
        talk.sack(2, &[(4, last), (8, 8)]);
    }
    assert_eq!(repeated(&mut talk), ["3"], "7 was missed once only: below the highest newly told");
    talk.wait(100);
    talk.sack(6, &[(8, 8)]);
    talk.sack(6, &[(8, 9)]);
    assert_eq!(repeated(&mut talk), ["7"]);
}

#[test]
fn what_the_peer_threw_away_goes_again() {
    let mut talk = ten_in_flight(Detection::Rack);
    talk.wait(100);
    talk.sack(2, &[(4, 11)]);
    assert_eq!(repeated(&mut talk), ["3"]);
    for _ in 0..3 {
        talk.sack(2, &[(4, 8)]);
        talk.check();
    }
    assert_eq!(repeated(&mut talk), ["9", "10", "11"], "RFC 9260 §6.2.1 D iii");
}

#[test]
fn a_peer_that_threw_away_all_it_had_is_found_out_by_the_timeout() {
    let mut talk = ten_in_flight(Detection::Rack);
    talk.wait(100);
    talk.sack(1, &[(2, 11)]);
    assert_eq!(repeated(&mut talk), [""; 0]);
    while talk.sender.counters().timeouts == 0 {
        talk.expire();
    }
    assert_eq!(repeated(&mut talk).len(), 10);
    talk.check();
}

#[test]
fn an_acknowledgement_that_was_overtaken_is_dropped() {
    let mut talk = ten_in_flight(Detection::Rack);
    talk.wait(100);
    talk.sack(5, &[]);
    talk.window = 0;
    assert_eq!(talk.sack(4, &[]), Acknowledged::Old);
    assert_eq!(talk.sender.peer_window(), 1 << 20, "and with it its window");
}

#[test]
fn what_was_sent_twice_measures_no_round_trip() {
    let mut talk = ten_in_flight(Detection::Rack);
    let before = talk.rtt.latest();
    talk.wait(250);
    talk.expire();
    while talk.sender.counters().timeouts == 0 {
        talk.expire();
    }
    talk.packets();
    talk.wait(300);
    talk.sack(2, &[]);
    assert_eq!(talk.rtt.latest(), before, "RFC 9260 §6.3.1 C5");
}

#[test]
fn a_shutdown_acknowledges_without_taking_anything_back() {
    let mut talk = ten_in_flight(Detection::Rack);
    talk.wait(100);
    talk.sack(2, &[(4, 11)]);
    for _ in 0..5 {
        let number = crate::Tsn::new(0xffff_fffb).add(1);
        talk.sender.handle_cumulative(talk.now, number, &mut talk.control, &mut talk.rtt).unwrap();
        talk.check();
    }
    assert_eq!(repeated(&mut talk), ["3"]);
}

/// The peer got nothing of a whole window, and answers what goes again a little sooner than ever before.
#[rstest]
#[case(Detection::Rack)]
#[case(Detection::Misses)]
fn a_window_that_was_lost_takes_one_timeout_and_not_one_for_each_chunk(
    #[case] detection: Detection,
    #[values(20, 49, 60, 99, 100, 140)] answer: u64,
) {
    let mut talk = ten_in_flight(detection);
    while talk.sender.counters().timeouts == 0 {
        talk.expire();
        talk.sender.forced = talk.sender.forced.filter(|_| talk.sender.counters().timeouts > 0);
    }
    let mut cumulative = 1;
    let mut rounds = 0;
    while !talk.sender.is_idle() {
        rounds += 1;
        let repeated = repeated(&mut talk);
        if repeated.is_empty() {
            talk.expire();
            continue;
        }
        talk.wait(answer);
        cumulative += u32::try_from(repeated.len()).unwrap();
        talk.sack(cumulative, &[]);
        talk.check();
    }
    // An answer that comes impossibly soon is taken for one to the first copy, but not twice.
    let most = if answer < 50 { 2 } else { 1 };
    assert!(talk.sender.counters().timeouts <= most, "{}", talk.sender.counters().timeouts);
    assert!(rounds <= 12, "{rounds}");
}

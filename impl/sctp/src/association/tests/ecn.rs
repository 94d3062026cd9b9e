//! Congestion marks: RFC 4960 §A.

use std::time::Duration;

use super::*;

fn with_marks(ecn: bool) -> Pair {
    let features = Features { ecn, zero_checksum: false, ..Features::default() };
    let mut pair = Pair::standing(&Config { features, ..quiet() });
    pair.network = Box::new(|number, _, _| if number == 0 { Fate::Mark } else { Fate::Arrive });
    pair
}

#[test]
fn a_mark_is_echoed_and_the_echo_confirmed() {
    let mut pair = with_marks(true);
    pair.network = Box::new(|_, _, _| Fate::Arrive);
    pair.send(A, 0, &[0; 200_000]);
    pair.run_for(Duration::from_secs(5));
    let (sent, before) = (pair.sent, pair.ends[A].stats().congestion_window);
    pair.ladder.clear();
    pair.network =
        Box::new(move |number, _, _| if number == sent { Fate::Mark } else { Fate::Arrive });
    pair.send(A, 0, &[0; 3_000]);
    pair.run_for(Duration::from_secs(1));
    insta::assert_snapshot!(pair.ladder);
    assert!(pair.ends[A].stats().congestion_window < before, "the window shrinks");
}

#[test]
fn without_agreement_nothing_is_marked_nor_echoed() {
    let mut pair = with_marks(false);
    pair.send(A, 0, &[0; 3_000]);
    pair.run_for(Duration::from_secs(1));
    assert!(!pair.ladder.contains("ECNE") && !pair.ladder.contains("CWR"), "{}", pair.ladder);
}

#[test]
fn only_packets_with_user_data_may_be_marked() {
    let mut pair = Pair::new(&quiet());
    pair.ends[A].connect(pair.now).unwrap();
    let mut marks = Vec::new();
    for _ in 0..4 {
        for from in [A, B] {
            let mut buffer = Vec::new();
            while let Some(out) = pair.ends[from].poll_packet(pair.now, &mut buffer) {
                marks.push((kind(&buffer), out.ecn));
                pair.hand(1 - from, &std::mem::take(&mut buffer));
            }
        }
    }
    pair.send(A, 0, b"x");
    let mut buffer = Vec::new();
    let out = pair.ends[A].poll_packet(pair.now, &mut buffer).unwrap();
    assert_eq!(out.ecn, Ecn::Ect0);
    assert_eq!(marks.len(), 4);
    assert!(marks.iter().all(|(_, ecn)| *ecn == Ecn::NotEct), "{marks:?}");
}

#[test]
fn a_lost_echo_is_said_again_with_the_next_acknowledgement() {
    let mut pair = with_marks(true);
    pair.network = Box::new(|number, from, _| match (number, from) {
        (0, A) => Fate::Mark,
        (1, B) => Fate::Lose,
        _ => Fate::Arrive,
    });
    pair.send(A, 0, b"marked");
    pair.run_for(Duration::from_secs(3));
    assert!(pair.ladder.matches("ECNE").count() >= 2, "{}", pair.ladder);
    assert!(pair.ladder.contains("CWR"), "{}", pair.ladder);
}

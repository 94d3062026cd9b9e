//! What no peer may do, and what it cannot achieve by it.

use rstest::rstest;

use super::*;

#[test]
fn data_and_i_data_do_not_mix() {
    let mut told = Told::new(1);
    let i_data = told.i_data("BE", 0, (1, 0, 0), b"x");
    assert_eq!(i_data, Err(Misdeed::IDataWithoutInterleaving));
    assert_eq!(told.i_forward(0, &[]), Err(Misdeed::WrongForwardTsn));
    let mut told = Told::with(CONFIG, 1, true);
    assert_eq!(told.data("BE", 0, 1, 0, b"x"), Err(Misdeed::DataWithInterleaving));
    assert_eq!(told.forward(0, &[]), Err(Misdeed::WrongForwardTsn));
}

/// Every order and every combination of flags of three chunks: those that make up messages make them, those
/// that cannot are misdeeds once nothing is missing any more.
#[test]
fn fragments_that_contradict_each_other_are_a_misdeed() {
    for pattern in 0..64_u8 {
        let kinds = [pattern & 3, pattern >> 2 & 3, pattern >> 4];
        let names = kinds.map(|kind| ["", "B", "E", "BE"][usize::from(kind)]);
        let mut open = false;
        let mut is_sound = true;
        for name in names {
            is_sound &= open != name.contains('B');
            open = !name.contains('E');
        }
        for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
            let mut told = Told::new(NEAR_WRAP);
            let mut result = Ok(());
            for index in order {
                let step = u32::try_from(index).unwrap();
                let ssn = names.iter().take(index).filter(|name| name.contains('E')).count();
                let ssn = u16::try_from(ssn).unwrap();
                result = result.and_then(|()| told.data(names[index], step, 1, ssn, b"x"));
            }
            assert_eq!(result.is_ok(), is_sound, "{names:?} {order:?} {result:?}");
            let whole = names.iter().filter(|name| name.contains('E')).count();
            assert!(!is_sound || told.read().len() == whole, "{names:?} {order:?}");
        }
    }
}

#[rstest]
#[case::another_stream("B", (1, 0), "E", (2, 0))]
#[case::another_number("B", (1, 0), "E", (1, 1))]
#[case::another_order("B", (1, 0), "EU", (1, 0))]
fn fragments_of_one_message_have_one_title(
    #[case] first: &str,
    #[case] (stream, ssn): (u16, u16),
    #[case] second: &str,
    #[case] (other_stream, other_ssn): (u16, u16),
) {
    for turned in [false, true] {
        let mut told = Told::new(NEAR_WRAP);
        let mut chunks = [(first, 0, stream, ssn), (second, 1, other_stream, other_ssn)];
        if turned {
            chunks.reverse();
        }
        let results = chunks.map(|(flags, step, id, ssn)| told.data(flags, step, id, ssn, b"x"));
        assert!(matches!(results, [Ok(()), Err(Misdeed::ContradictoryFragments(_))]));
    }
}

#[rstest]
#[case::first_fragment_without_b(&[("", 0)], false)]
#[case::second_beginning(&[("B", 0), ("B", 0)], false)]
#[case::two_ends(&[("B", 0), ("E", 4), ("E", 5)], false)]
#[case::beyond_the_end(&[("E", 4), ("", 5)], true)]
#[case::end_before_what_came(&[("", 5), ("E", 4)], true)]
#[case::the_same_twice(&[("", 2), ("", 2)], false)]
#[case::the_same_twice_in_order(&[("B", 0), ("", 1), ("", 1)], false)]
fn interleaved_fragments_that_contradict_each_other_are_a_misdeed(
    #[case] fragments: &[(&str, u32)],
    #[case] is_after_last: bool,
) {
    for unordered in ["", "U"] {
        let mut told = Told::with(CONFIG, NEAR_WRAP, true);
        let mut last = Ok(());
        for (step, (flags, fsn)) in (0..).zip(fragments) {
            assert_eq!(last, Ok(()));
            last = told.i_data(&format!("{flags}{unordered}"), step, (3, 0, *fsn), b"xx");
        }
        let stream = StreamId::new(3);
        let after_last = last == Err(Misdeed::FragmentAfterLast(stream));
        assert!(last == Err(Misdeed::ContradictoryFragments(stream)) || after_last, "{last:?}");
        assert!(!is_after_last || after_last);
    }
}

#[test]
fn a_number_of_a_message_is_used_once() {
    let reused = Err(Misdeed::MessageNumberReused(StreamId::new(1)));
    let mut told = Told::new(NEAR_WRAP);
    told.data("BE", 0, 1, 0, b"x").unwrap();
    assert_eq!(told.data("BE", 1, 1, 0, b"x"), reused);
    let mut told = Told::with(CONFIG, NEAR_WRAP, true);
    told.i_data("BE", 1, (1, 1, 0), b"x").unwrap();
    assert_eq!(told.i_data("B", 2, (1, 1, 0), b"x"), reused);
}

#[test]
fn messages_have_a_longest_length() {
    let too_long = Err(Misdeed::MessageTooLong(StreamId::new(1)));
    let config = ReceiverConfig { max_message: 10, ..CONFIG };
    let mut told = Told::with(config, NEAR_WRAP, false);
    assert_eq!(told.data("BE", 0, 1, 0, &[0; 11]), too_long);
    let mut told = Told::with(config, NEAR_WRAP, false);
    told.data("B", 0, 1, 0, &[0; 6]).unwrap();
    assert_eq!(told.data("E", 1, 1, 0, &[0; 5]), too_long);
    let mut told = Told::with(config, NEAR_WRAP, true);
    told.i_data("E", 1, (1, 0, 2), &[0; 6]).unwrap();
    assert_eq!(told.i_data("B", 0, (1, 0, 0), &[0; 5]), too_long);
    let mut told = Told::with(config, NEAR_WRAP, true);
    assert_eq!(told.i_data("", 0, (1, 0, u32::MAX), &[0; 1]), too_long);
}

#[test]
fn nothing_is_no_user_data() {
    let mut told = Told::new(NEAR_WRAP);
    assert_eq!(told.data("BE", 0, 1, 0, b""), Err(Misdeed::NoUserData(Tsn::new(NEAR_WRAP))));
}

/// Whatever the fields say, nothing panics and nothing is held beyond the bounds.
#[test]
fn no_fields_do_harm() {
    let mut rng = base::Rng::from_seed([9; 32]);
    for seed in 0_u32..300 {
        let interleaving = seed % 2 == 0;
        let config = ReceiverConfig { max_window: 8_192, max_message: 2_000, ..CONFIG };
        let mut told = Told::with(config, NEAR_WRAP, interleaving);
        for _ in 0..60 {
            let [bits, near, a, b, length, what] = rng.public_array();
            let far = rng.public_u32();
            let number = if near < 240 { u32::from(a % 6) } else { far };
            let step = if near % 16 > 0 { u32::from(b % 24) } else { far };
            let flags: String =
                "BEUI".chars().zip(0..).filter(|(_, i)| bits >> i & 1 > 0).map(|p| p.0).collect();
            let payload = vec![a & 0x7f; usize::from(length % 90) + 1];
            let stream = u16::from(a % 3);
            let ssn = u16::try_from(number & 0xffff).unwrap();
            let result = match (what % 8, interleaving) {
                (0, false) => told.forward(step, &[(stream, ssn)]),
                (0, true) => told.i_forward(step, &[(stream, bits & 4 > 0, number)]),
                (_, false) => told.data(&flags, step, stream, ssn, &payload),
                (_, true) => {
                    told.i_data(&flags, step, (stream, number, u32::from(b % 5)), &payload)
                }
            };
            if result.is_err() {
                break;
            }
            if what & 16 > 0 {
                told.read();
            }
            told.pass(Duration::from_millis(u64::from(what)));
            let (held, limit) = told.receiver.held();
            assert!(held <= limit + 64 * told.receiver.ledger.pieces());
            told.sack_within(60);
        }
    }
}

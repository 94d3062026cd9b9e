//! Connection ids of both versions.

use rstest::rstest;

use super::*;

const SUITE_12: CipherSuite = CipherSuite::EcdheEcdsaAes128GcmSha256;
const SUITE_13: CipherSuite = CipherSuite::Aes128GcmSha256;

#[test]
fn an_id_of_any_length_travels_in_the_header() {
    for (provider, suite) in all() {
        for length in [1, 8, 20, 21, 255] {
            let id = vec![0xc1; length];
            let (mut ours, mut theirs, epoch) = pair(provider, suite);
            let without = ours.overhead(epoch);
            ours.use_connection_id(&id);
            theirs.accept_connection_id(&id);
            let record = sealed(&mut ours, epoch, b"payload");
            let inner_type = usize::from(epoch == 1);
            assert_eq!(ours.overhead(epoch), without + length + inner_type);
            assert_eq!(record.len(), 7 + ours.overhead(epoch));
            let at = if epoch == 1 { 11 } else { 1 };
            assert_eq!(record[at..at + length], id);
            assert_eq!(opened(&mut theirs, &record).unwrap().1, b"payload", "{suite:?}");
        }
    }
}

#[rstest]
#[case::version_12(SUITE_12)]
#[case::version_13(SUITE_13)]
fn unprotected_records_bear_no_id(#[case] suite: CipherSuite) {
    let (mut ours, mut theirs, _) = pair(crypto::rust_crypto(), suite);
    ours.use_connection_id(b"id");
    theirs.accept_connection_id(b"id");
    let record = sealed(&mut ours, 0, b"payload");
    assert_eq!(record[0], DATA.number());
    assert_eq!(record.len(), 13 + 7);
    assert_eq!(opened(&mut theirs, &record).unwrap().1, b"payload");
}

#[rstest]
#[case::version_12(SUITE_12)]
#[case::version_13(SUITE_13)]
fn only_records_with_our_id_are_opened_once_it_was_agreed_on(#[case] suite: CipherSuite) {
    let (mut ours, mut theirs, epoch) = pair(crypto::rust_crypto(), suite);
    let without = sealed(&mut ours, epoch, b"payload");
    ours.use_connection_id(b"one");
    let with = sealed(&mut ours, epoch, b"payload");
    assert_eq!(opened(&mut theirs, &with), Err(DropReason::UnknownConnectionId), "not agreed on");
    theirs.accept_connection_id(b"one");
    assert_eq!(opened(&mut theirs, &without), Err(DropReason::UnknownConnectionId), "missing");
    assert!(opened(&mut theirs, &with).is_ok());
    ours.use_connection_id(b"two");
    let other = sealed(&mut ours, epoch, b"payload");
    assert_eq!(opened(&mut theirs, &other), Err(DropReason::UnknownConnectionId), "another's");
}

#[test]
fn more_ids_can_be_accepted_and_used() {
    let (mut ours, mut theirs, epoch) = pair(crypto::rust_crypto(), SUITE_13);
    theirs.accept_connection_id(b"one");
    theirs.accept_connection_id(b"two");
    theirs.accept_connection_id(b"longer");
    theirs.accept_connection_id(b"");
    for id in [b"one", b"two", b"one"] {
        ours.use_connection_id(id);
        assert!(opened(&mut theirs, &sealed(&mut ours, epoch, b"payload")).is_ok());
    }
    ours.use_connection_id(b"longer");
    let record = sealed(&mut ours, epoch, b"payload");
    assert_eq!(opened(&mut theirs, &record), Err(DropReason::UnknownConnectionId));
}

#[test]
fn no_more_ids_are_accepted_than_there_is_room_for() {
    let (mut ours, mut theirs, epoch) = pair(crypto::rust_crypto(), SUITE_13);
    for id in 0..200_u8 {
        theirs.accept_connection_id(&[id]);
        theirs.accept_connection_id(&[id]);
    }
    let mut accepted = 0;
    for id in 0..200_u8 {
        ours.use_connection_id(&[id]);
        accepted += usize::from(opened(&mut theirs, &sealed(&mut ours, epoch, b"")).is_ok());
    }
    assert_eq!(accepted, connection_id::MAX_ACCEPTED);
}

#[rstest]
#[case::version_12(SUITE_12)]
#[case::version_13(SUITE_13)]
fn the_rest_of_a_datagram_behind_a_strange_id_is_dropped(#[case] suite: CipherSuite) {
    let (mut ours, mut theirs, epoch) = pair(crypto::rust_crypto(), suite);
    theirs.accept_connection_id(b"ours");
    let mut datagram = Vec::new();
    for id in [&b"ours"[..], b"none", b"ours"] {
        ours.use_connection_id(id);
        ours.seal(epoch, DATA, b"payload", &mut datagram).unwrap();
    }
    let mut rest = &datagram[..];
    assert!(theirs.split(&mut rest).unwrap().is_ok());
    assert_eq!(theirs.split(&mut rest), Some(Err(DropReason::UnknownConnectionId)));
    assert_eq!(theirs.split(&mut rest), None);
}

#[rstest]
#[case::version_12(SUITE_12)]
#[case::version_13(SUITE_13)]
fn the_newest_record_is_told_apart(#[case] suite: CipherSuite) {
    let (mut ours, mut theirs, epoch) = pair(crypto::rust_crypto(), suite);
    let records: Vec<Vec<u8>> = (0..4).map(|_| sealed(&mut ours, epoch, b"")).collect();
    let mut newest =
        |index: usize| theirs.open(&records[index], &mut Vec::new()).unwrap().is_newest;
    assert_eq!([newest(0), newest(2), newest(1), newest(3)], [true, true, false, true]);
}
